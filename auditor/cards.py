"""Cards for notebooks: plain HTML without scripts, readable on light and dark ground, names inert."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow.compute as pc
import shapely

from auditor.errors import visible
from auditor.language import Said, Text, both, say, told
from auditor.registers import labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa

    from auditor.model import Declaration
    from auditor.zones import Area, Areas

CELL = 100  # characters of a cell
SENTENCE = 400  # of a text
ROWS = 15  # of a table that may be long
SHORT = 28  # characters that stay on one line
COLUMN = 6  # rows before the next column begins
SHORT_DIGEST = 12
MAINLAND = 0.05  # share of the largest land from which on a land belongs to the picture
WIDTH, HEIGHT = 120.0, 84.0  # of an outline, in pixels
LINE = "1px solid rgba(128,128,128,.35)"
STYLES = {
    "card": f"border:{LINE};border-radius:8px;padding:10px 14px;margin:4px 0;max-width:980px;"
    "font-family:system-ui,sans-serif;font-size:13px;line-height:1.5;text-align:left",
    "head": "font-size:16px;font-weight:600;margin:0 0 2px",
    "line": "margin:2px 0;opacity:.85",
    "title": "font-weight:600;margin:10px 0 2px",
    "table": "border-collapse:collapse;color:inherit;margin:2px 0;font-size:12.5px",
    "th": f"text-align:left;padding:2px 14px 2px 0;border-bottom:{LINE};font-weight:600;white-space:nowrap",
    "td": "text-align:left;padding:2px 14px 2px 0;vertical-align:top",
    "short": "text-align:left;padding:2px 14px 2px 0;vertical-align:top;white-space:nowrap",
    "number": "text-align:right;padding:2px 14px 2px 0;vertical-align:top;font-variant-numeric:tabular-nums",
    "badge": "display:inline-block;border-radius:5px;padding:1px 9px;color:#fff;font-weight:600;"
    "white-space:nowrap",
    "summary": "cursor:pointer;opacity:.85",
    "columns": "display:flex;flex-wrap:wrap;gap:4px 40px",
    "code": "font-family:ui-monospace,monospace;font-size:12px;white-space:pre-wrap",
}  # fmt: skip


class Html(str):
    """Markup that is safe as it stands; everything else is escaped."""

    __slots__ = ()


def escaped(value: object, lang: str = "en", most: int | None = None) -> Html:
    r"""Make a value inert: cut to `most` characters, control characters shown, markup escaped.

    A text of our own may be longer than a name that somebody declares.

    Examples
    --------
    >>> escaped("<img onerror=x>\u202e")
    '&lt;img onerror=x&gt;\\u202e'
    """
    if isinstance(value, Html):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Html(f"{value:,}")
    text = "" if value is None else told(value, lang)
    most = most or (SENTENCE if isinstance(value, Text | Said) else CELL)
    text = text if len(text) <= most else text[:most] + "…"
    return Html(html.escape(visible(text)))


def tag(name: str, *parts: object, style: str = "", lang: str = "en") -> Html:
    """Wrap parts in an element, with one of `STYLES`."""
    look = f' style="{STYLES[style]}"' if style else ""
    return Html(f"<{name}{look}>{''.join(escaped(part, lang) for part in parts)}</{name}>")


def badge(text: object, colour: str, lang: str = "en") -> Html:
    """Give a word on a coloured ground."""
    return Html(f'<span style="{STYLES["badge"]};background:{colour}">{escaped(text, lang)}</span>')


def table(heads: Sequence[object], rows: Iterable[Sequence[object]], lang: str = "en") -> Html:
    """Give a table; numbers stand to the right."""
    top = [tag("th", head, style="th", lang=lang) for head in heads]
    body = [
        tag(
            "tr",
            *(tag("td", cell, style=_cell(cell), lang=lang) for cell in row),
        )
        for row in rows
    ]
    return tag("table", *([tag("tr", *top)] if any(heads) else []), *body, style="table")


def _cell(cell: object) -> str:
    """Numbers stand to the right, short texts on one line."""
    if isinstance(cell, int):
        return "number"
    return "short" if isinstance(cell, str) and not isinstance(cell, Html) and len(cell) <= SHORT else "td"


def titled(title: object, body: Html, lang: str = "en") -> Html:
    """Give a part of a card with its title; nothing where the body is empty."""
    return tag("div", tag("div", title, style="title", lang=lang), body) if body else Html("")


def folded(title: object, body: Html, lang: str = "en") -> Html:
    """Give what is read on a click."""
    return tag("details", tag("summary", title, style="summary", lang=lang), body)


def card(head: Html, *parts: Html) -> str:
    """Put a card together."""
    return str(tag("div", tag("div", head, style="head"), *parts, style="card"))


def side_by_side(rows: Sequence[Sequence[object]]) -> Html:
    """Give short rows in columns next to one another."""
    pieces = [rows[at : at + COLUMN] for at in range(0, len(rows), COLUMN)]
    return tag("div", *(tag("div", table((), piece)) for piece in pieces), style="columns")


def some(rows: Sequence[Sequence[object]], lang: str) -> list[Sequence[object]]:
    """Give the first rows, and a last one that says how many there are besides."""
    rest = len(rows) - ROWS
    more = [[say("and {number:,} more", number=rest).in_(lang)]] if rest > 0 else []
    return [*rows[:ROWS], *more]


# --- declaration ------------------------------------------------------------------------------------------

NATURES = {"foreign_invested": both("foreign-invested"), "domestic": both("domestic")}
WORDS = {
    "kind": both("kind"),
    "number": both("reference"),
    "service": both("service"),
    "regime": both("regime"),
    "scope": both("scope"),
    "since": both("since"),
    "document": both("document"),
    "holder": both("holder"),
    "services": both("services"),
    "status": both("status"),
    "supplier": both("supplier"),
    "file": both("file"),
    "bytes": both("bytes"),
    "where": both("where"),
    "what": both("what"),
    "why": both("why"),
    "blank": both("(not stated)"),
}


def worded(column: str, value: str | None, lang: str) -> str:
    """Give a word of a closed list as people say it."""
    if not value:
        return WORDS["blank"].in_(lang)
    return labels.chinese(column, value) if lang == "zh" else value.replace("_", " ")


def counted(table_: pa.Table, column: str, lang: str) -> list[Sequence[object]]:
    """Count the words of a column, most first."""
    found = pc.value_counts(table_.column(column)).to_pylist()
    rows = sorted((-row["counts"], row["values"] or "") for row in found)
    return [[worded(column, word, lang), -number] for number, word in rows]


def declaration_card(declaration: Declaration, lang: str = "en") -> str:
    """Show what an operator declares: who, what services, which network, what was not read."""
    who, nodes, links = declaration.operator, declaration.nodes, declaration.links
    placed = pc.sum(pc.and_(pc.is_valid(nodes.column("lon")), pc.is_valid(nodes.column("lat")))).as_py() or 0
    share = "" if who.foreign_share is None else f"{who.foreign_share:.0%}"
    facts: list[Text | Said | str] = [
        who.uscc or both("no social credit code"),
        *([NATURES[who.nature]] if who.nature else []),
        *([say("foreign share {share}", share=share)] if share else []),
        *([say("claims the area {area}", area=who.pilot_area)] if who.pilot_area else []),
        say("declared on {day}", day=declaration.declared_on)
        if declaration.declared_on
        else both("bears no date"),
    ]
    return card(
        escaped(who.name, lang),
        tag("div", Html(" · ".join(escaped(fact, lang) for fact in facts)), style="line"),
        tag("div", _stated(declaration), style="line", lang=lang),
        _records(declaration, lang),
        tag(
            "div",
            titled(
                say("Nodes: {number:,}, with coordinates: {placed:,}", number=nodes.num_rows, placed=placed),
                side_by_side(some(counted(nodes, "kind", lang), lang)),
                lang,
            ),
            titled(
                say("Links: {number:,}", number=links.num_rows),
                side_by_side(some(counted(links, "kind", lang), lang)),
                lang,
            ),
            style="columns",
        ),
        *_read(declaration, lang),
    )  # fmt: skip


def _stated(declaration: Declaration) -> Text:
    """Say whether the network is stated complete."""
    if declaration.partial:
        return both("Something that may be a node or a link could not be read: the network is not complete.")
    if declaration.complete:
        return both("The network is stated complete.")
    return both("The network is not stated complete: nothing can pass on what may be missing.")


def _records(declaration: Declaration, lang: str) -> Html:
    """Show services, approvals and contracts."""
    word = WORDS
    services = [
        [s.code, s.regime, "; ".join(s.scope or ()), str(s.regime_from_on or s.started_on or "")]
        for s in declaration.services
    ]
    approvals = [
        [worded("kind", a.kind, lang), a.number, a.holder, "; ".join(a.services or ()), a.status]
        for a in declaration.approvals
    ]
    contracts = [[c.id, worded("kind", c.kind, lang), c.supplier, c.service] for c in declaration.contracts]
    shown: list[tuple[Text, tuple[str, ...], Sequence[Sequence[object]]]] = [
        (both("Services"), ("service", "regime", "scope", "since"), services),
        (both("Approvals"), ("kind", "number", "holder", "services", "status"), approvals),
        (both("Contracts"), ("number", "kind", "supplier", "service"), contracts),
    ]
    return tag(
        "div",
        *(
            titled(title, table([word[head] for head in heads], some(rows, lang), lang), lang)
            for title, heads, rows in shown
            if rows
        ),
    )


def _read(declaration: Declaration, lang: str) -> list[Html]:
    """Show, folded, what was read, what was assumed and what nothing reads."""
    word = WORDS
    files = [[i.path, i.size, i.sha256[:SHORT_DIGEST]] for i in declaration.inputs]
    notes = [[n.where, n.what] for n in declaration.notes]
    unused = [[u.where, u.what, u.why] for u in declaration.unused]
    shown: list[tuple[Said, tuple[object, ...], Sequence[Sequence[object]]]] = [
        (say("Files read: {number:,}", number=len(files)), (word["file"], word["bytes"], "SHA-256"), files),
        (say("Assumed in reading: {number:,}", number=len(notes)), (word["where"], word["what"]), notes),
        (
            say("Read by no rule: {number:,}", number=len(unused)),
            (word["where"], word["what"], word["why"]),
            unused,
        ),
    ]
    return [folded(title, table(heads, some(rows, lang), lang), lang) for title, heads, rows in shown if rows]


# --- areas ------------------------------------------------------------------------------------------------


class _Look(NamedTuple):
    fill: str
    dash: str


PART_LOOKS = {
    "in": _Look("rgba(0,114,178,.30)", "0"),
    "undecided": _Look("rgba(230,159,0,.30)", "3"),
    "out": _Look("rgba(128,128,128,.35)", "1"),
}
STATUSES = {"in": both("in"), "undecided": both("undecided"), "out": both("out")}


def areas_card(areas: Areas, lang: str = "en") -> str:
    """Show the areas in force: outline, parts, services opened, and whom the geometry comes from."""
    day = say("as of {day}", day=areas.as_of.isoformat()) if areas.as_of else both("on any date")
    head = say("Pilot areas {day}: {number}", day=day, number=len(areas.areas))
    rows = [[outline(area), _named(area, lang), "; ".join(area.services_opened)] for area in areas.areas]
    parts = [
        [p.area, p["name_zh"] or p.id, STATUSES[p.status].in_(lang), p["version"], p["source"], p["licence"]]
        for p in areas.parts
    ]
    heads = [both("area"), both("part"), WORDS["status"], both("version"), both("source"), both("licence")]
    from_whom = dict.fromkeys(p["attribution"] for p in areas.parts if p["attribution"])
    return card(
        escaped(head, lang),
        table(["", both("area"), both("services opened")], rows, lang),
        folded(say("Parts: {number}", number=len(parts)), table(heads, some(parts, lang), lang), lang),
        tag("div", say("Areas: {sources}", sources=list(from_whom)[:ROWS]), style="line", lang=lang),
    )


def _named(area: Area, lang: str) -> Html:
    """Name an area, count its parts and say since when it is in force."""
    first, second = (area.name_zh, area.name_en) if lang == "zh" else (area.name_en, area.name_zh)
    counts = [
        f"{STATUSES[status].in_(lang)}: {number}"
        for status in STATUSES
        if (number := sum(part.status == status for part in area.parts))
    ]
    since = say("in force since {day}", day=area.reply_on.isoformat()) if area.reply_on else ""
    lines = [second, " · ".join([area.id, *counts]), since]
    return tag("div", tag("b", first), *(tag("div", line, style="line", lang=lang) for line in lines if line))


def outline(area: Area) -> Html:
    """Draw the mainland of an area small, from its parts; islands far off fall off the sheet."""
    lands = shapely.get_parts([p.geometry for p in area.parts if p.status == "in"])
    large = shapely.area(lands) >= MAINLAND * shapely.area(lands).max()
    west, south, east, north = shapely.total_bounds(lands[large]).tolist()
    across = max((east - west) * float(np.cos(np.radians((south + north) / 2))), 1e-9)
    scale = min(WIDTH / across, HEIGHT / max(north - south, 1e-9))
    squeeze = across / max(east - west, 1e-9)
    paths = []
    order = ["in", "undecided", "out"]  # doubt lies over a claim, save off a coast
    land = shapely.union_all(shapely.simplify(lands, 0.7 / scale))
    for part in sorted(area.parts, key=lambda p: -1 if p.seaward else order.index(p.status)):
        ground = shapely.simplify(part.geometry, 0.7 / scale)
        coarse = shapely.get_parts(shapely.difference(ground, land) if part.seaward else ground)
        rings = [np.asarray(p.exterior.coords) for p in coarse if not p.is_empty]
        xy = [
            np.round((ring - (west, north)) * (scale * squeeze, -scale) + 1, 1).tolist()
            for ring in rings
            if len(ring) > 4  # noqa: PLR2004 -- a ring of three corners is a dot at this size
        ]
        course = "".join("M" + " ".join(f"{x:g},{y:g}" for x, y in ring) + "Z" for ring in xy)
        look = PART_LOOKS[part.status]
        paths.append(
            f'<path d="{course}" fill="{look.fill}" stroke="currentColor" stroke-width=".6" '
            f'stroke-dasharray="{look.dash}"/>'
        )
    return Html(
        f'<svg width="{WIDTH + 2:g}" height="{HEIGHT + 2:g}" role="img" aria-label="{escaped(area.name_en)}">'
        f"{''.join(paths)}</svg>"
    )
