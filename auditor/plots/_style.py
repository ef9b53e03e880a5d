"""What both figures share: matplotlib if it is there, one font for both languages, colours with shapes."""

from __future__ import annotations

import importlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

from auditor.errors import UsageError, visible
from auditor.findings import WORST_FIRST, Verdict
from auditor.language import Text, both, say
from auditor.messages import VERDICTS
from auditor.overview import verdict_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.font_manager import FontProperties

    from auditor.result import AuditResult

FONTS = ("noto_cjk_sans_otc", "NotoSansCJK-Regular.ttc")
SIMPLIFIED = 2  # face of the collection with the letter forms of mainland China
MISSING = "\u25a1"
ELLIPSIS = "…"
WIDE = "\u1100"  # from here on a character takes two cells, near enough


class Look(NamedTuple):
    """Colour and shape of a verdict: each tells it alone (colours of Okabe and Ito, 2008)."""

    colour: str
    marker: str
    size: float
    name: Text


LOOKS: Mapping[Verdict | None, Look] = {
    Verdict.FAIL: Look("#d55e00", "X", 70, VERDICTS[Verdict.FAIL]),
    Verdict.NOT_CHECKED: Look("#cc79a7", "P", 60, VERDICTS[Verdict.NOT_CHECKED]),
    Verdict.INCONCLUSIVE: Look("#e69f00", "^", 55, VERDICTS[Verdict.INCONCLUSIVE]),
    Verdict.PASS: Look("#009e73", "o", 26, VERDICTS[Verdict.PASS]),
    None: Look("#8c8c8c", "s", 12, both("not judged")),
}
BEST_FIRST = tuple(reversed(tuple(LOOKS)))
HANDOFF = "#d55e00"
AREA = "#0072b2"
INK = "#222222"
PAPER = "#fbfbfa"
FAINT = "#6f6f6f"


def needed(module: str) -> Any:
    """Import a part of matplotlib.

    Raises
    ------
    UsageError
        It, or the font, is not installed.
    """
    try:
        resources.files(FONTS[0])
        return importlib.import_module(module)
    except ImportError as error:
        missing = say('plots need {what}: pip install "auditor[plots]"', what=error.name or module)
        raise UsageError(missing) from None


def font(size: float) -> FontProperties:
    """Give the font that ships, for Latin and Chinese alike; no setting of matplotlib is touched."""
    fonts = needed("matplotlib.font_manager")
    path = fonts.FontPath(str(resources.files(FONTS[0]).joinpath(FONTS[1])), SIMPLIFIED)
    properties: FontProperties = fonts.FontProperties(fname=path, size=size)
    return properties


@cache
def _letters() -> frozenset[int]:
    """Letters that the font has."""
    fonts = needed("matplotlib.font_manager")
    return frozenset(fonts.get_font(font(8).get_file()).get_charmap())


def shown(text: object) -> str:
    """Make a text of a declaration fit to be drawn: control characters visible, unknown letters as boxes."""
    letters = _letters()
    return "".join(c if ord(c) in letters or c == "\n" else MISSING for c in visible(text))


def cells(text: str) -> int:
    """Width of a text in half-width characters."""
    return sum(2 if c >= WIDE else 1 for c in text)


def short(text: object, most: int) -> str:
    """Cut a text to `most` half-width characters."""
    whole = shown(str(text)[: 2 * most])
    if cells(whole) <= most and len(str(text)) <= 2 * most:
        return whole
    kept, used = "", cells(ELLIPSIS)
    for c in whole:
        used += cells(c)
        if used > most:
            break
        kept += c
    return kept + ELLIPSIS


def broken(text: str, width: int, lines: int) -> str:
    """Break a text into at most `lines` lines of `width` cells, at a space where there is one."""
    out: list[str] = []
    rest = shown(text).replace("\n", " ").strip()
    while rest and len(out) < lines:
        if len(out) == lines - 1 or cells(rest) <= width:
            out.append(short(rest, width))
            break
        at = len(short(rest, width).removesuffix(ELLIPSIS))
        space = rest.rfind(" ", max(at // 2, 1), at + 1)
        at = space if space > 0 else max(at, 1)
        out.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    return "\n".join(out)


def plain_text(top: Artist) -> None:
    """Let no text below an artist be read as mathematics or TeX: names of a declaration may hold both."""
    text = needed("matplotlib.text")
    for found in top.findobj(text.Text):
        found.set_parse_math(False)
        found.set_usetex(False)


def axes(ax: Axes | None, size: tuple[float, float], room: tuple[float, float, float, float]) -> Axes:
    """Give the axes that were given, or new ones in a figure that a notebook shows.

    Parameters
    ----------
    size
        Of a new figure, in inches.
    room
        What its axes take of it: left, bottom, width, height, as shares.
    """
    if ax is not None:
        return ax
    figure = needed("matplotlib.pyplot").figure(figsize=size)
    new: Axes = figure.add_axes(room)
    return new


def footnotes(ax: Axes, notes: list[str], below: float) -> None:
    """Write notes under axes, `below` points (negative) from their lower edge."""
    ax.annotate(
        "\n".join(notes), (0, 0), (0, below), xycoords="axes fraction", textcoords="offset points", va="top",
        fontproperties=font(7), color=FAINT, annotation_clip=False, linespacing=1.5,
    )  # fmt: skip


def verdict_words(result: AuditResult, lang: str) -> str:
    """Write the verdict, and the date."""
    return say("{verdict} as of {day}", verdict=verdict_text(result), day=result.case.as_of.isoformat()).in_(
        lang
    )


def look_of(rank: int) -> Verdict | None:
    """Class of drawing for a place in `WORST_FIRST`."""
    verdict = WORST_FIRST[rank] if rank < len(WORST_FIRST) else None
    if verdict == Verdict.ERROR:
        return Verdict.NOT_CHECKED
    return verdict if verdict in LOOKS else None
