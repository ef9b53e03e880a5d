"""The summary of a year as text, JSON, one HTML page, or a workbook; the same bytes for the same figures."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from markupsafe import Markup

from auditor import __version__
from auditor.errors import visible
from auditor.language import Text, both, in_all
from auditor.page import frame
from auditor.scans.yearly_words import HOW, NOTE, sections, title

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from auditor.scans.yearly_words import Cell, Section

FOLDER = Path(__file__).parent
WIDTH = 160  # characters of a line of text
SECONDS = 19  # characters of an instant up to its seconds
SHEETS = {  # in order; a section stands on the sheet after which its key, or that of one before it, is called
    "operators": both("Figures"),
    "findings": both("Findings of the year"),
    "facilities": both("Facilities"),
    "unjudged": both("Not judged"),
    "waivers": both("Decisions and checks"),
    "runs": both("Runs"),
}


def facts(figures: Mapping[str, Any]) -> list[tuple[Text, str]]:
    """Give what the head says: area, time, store, whether the year is over."""
    span = f"{figures['from_at'][:SECONDS]}Z – {figures['until_at'][:SECONDS]}Z"
    return [
        (both("Year of Asia/Shanghai"), str(figures["year"])),
        (both("Counted from, and up to (UTC)"), span),
        (both("Store"), figures["store"]),
        (both("Version of auditor"), __version__),
    ]


def unfinished(figures: Mapping[str, Any]) -> Text | None:
    """Say that the year is not over, if it is not."""
    return None if figures["complete"] else both("The year is not over: the end is the instant of asking.")


def told(cell: Cell, lang: str) -> str:
    """Write a cell."""
    if isinstance(cell, int):
        return f"{cell:,}"
    return visible(cell.in_(lang) if isinstance(cell, Text) else cell)


def json_(figures: Mapping[str, Any], lang: str) -> bytes:  # noqa: ARG001 -- texts are in both
    """Give the figures, with how they are counted."""
    how = {key: in_all(text) for key, text in HOW.items()}
    return orjson.dumps({**figures, "counted": how}, option=orjson.OPT_INDENT_2) + b"\n"


def text(figures: Mapping[str, Any], lang: str) -> bytes:
    """Give lines of text."""
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text as Line  # noqa: PLC0415

    out = io.StringIO()
    console = Console(file=out, width=WIDTH, color_system=None, highlight=False, markup=False, emoji=False)
    console.print(Line(visible(title(figures).in_(lang))))
    for fact, value in facts(figures):
        console.print(Line(both("{name}: {text}", name=fact, text=value).in_(lang)))
    for note in filter(None, (unfinished(figures), NOTE)):
        console.print(Line(note.in_(lang)))
    for section in sections(figures):
        console.print()
        console.print(Line(section.title.in_(lang)))
        if section.how is not None:
            console.print(Line(section.how.in_(lang)))
        table = Table(box=None, show_header=bool(section.heads), pad_edge=False)
        for at in range(len(section.rows[0]) if section.rows else 0):
            number = isinstance(section.rows[-1][at], int)
            name = section.heads[at].in_(lang) if section.heads else ""
            table.add_column(
                Line(name), justify="right" if number else "left", overflow="fold", no_wrap=at == 0
            )
        for row in section.rows:
            table.add_row(*(Line(told(cell, lang)) for cell in row))
        console.print(table if section.rows else Line(both("none").in_(lang)))
    lines = out.getvalue().split("\n")
    return "\n".join(line.rstrip() for line in lines).encode()


# --- a page -----------------------------------------------------------------------------------------------


def html(figures: Mapping[str, Any], lang: str) -> bytes:
    """Give one page: no script, no other file, under a strict policy."""
    style = (FOLDER / "summary.css").read_text("utf-8")
    page = frame.environment(FOLDER).get_template("summary.html.j2")
    shown = page.render(
        lang="zh-CN" if lang == "zh" else "en",
        title=title(figures).in_(lang),
        kicker=both("Regulatory audit").in_(lang),
        facts=[(name.in_(lang), visible(value)) for name, value in facts(figures)],
        notes=[line.in_(lang) for line in (unfinished(figures), NOTE) if line is not None],
        none=both("none").in_(lang),
        sections=[_shown(section, lang) for section in sections(figures)],
        style=Markup(style),  # noqa: S704 -- a file of the package
        policy=frame.plain_policy(style),
    )
    return shown.encode()


def _shown(section: Section, lang: str) -> dict[str, Any]:
    rows = [[(told(cell, lang), isinstance(cell, int)) for cell in row] for row in section.rows]
    return {
        "title": section.title.in_(lang),
        "how": section.how.in_(lang) if section.how is not None else "",
        "heads": [head.in_(lang) for head in section.heads],
        "numbers": [number for _, number in rows[-1]] if rows else [],
        "rows": rows,
    }


# --- a workbook -------------------------------------------------------------------------------------------


def xlsx(figures: Mapping[str, Any], lang: str) -> bytes:
    """Give a workbook; no cell is ever a formula."""
    from openpyxl import Workbook  # noqa: PLC0415

    from auditor.reports import xlsx as look  # noqa: PLC0415
    from auditor.workbook import saved  # noqa: PLC0415

    book = Workbook(write_only=True)
    book.properties.title = title(figures).in_(lang)
    book.properties.creator = f"auditor {__version__}"
    book.properties.language = "zh-CN" if lang == "zh" else "en"
    page = None
    for section in sections(figures):
        if section.key in SHEETS:
            page = look.Page(book, SHEETS[section.key].in_(lang), lang, (44, 44, *(16,) * 14))
            if section.key == next(iter(SHEETS)):
                _head(page, look, figures, lang)
        if page is not None:
            _table(page, look, section, lang)
    return saved(book)


def _head(page: Any, look: Any, figures: Mapping[str, Any], lang: str) -> None:
    page.add((title(figures).in_(lang), look.TITLE))
    page.add()
    for name, value in facts(figures):
        page.add((name.in_(lang), look.NAME), value)
    page.add()
    for line in filter(None, (unfinished(figures), NOTE)):
        page.add((line.in_(lang), look.BARE))
    page.add()


def _table(page: Any, look: Any, section: Section, lang: str) -> None:
    page.add((section.title.in_(lang), look.SECTION))
    if section.how is not None:
        page.add((section.how.in_(lang), look.BARE))
    if section.heads:
        page.add(*((head.in_(lang), look.HEAD) for head in section.heads))
    for row in section.rows:
        page.add(*(cell if isinstance(cell, int) else told(cell, lang) for cell in row))
    if not section.rows:
        page.add(both("none").in_(lang))
    page.add()


FORMATS: Mapping[str, Callable[[Mapping[str, Any], str], bytes]] = {
    "text": text,
    "json": json_,
    "html": html,
    "xlsx": xlsx,
}
