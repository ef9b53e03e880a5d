"""The map of a result: areas, places by verdict, links, what is off the sheet and what has no place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from auditor.errors import UsageError
from auditor.findings import Verdict
from auditor.language import both, say
from auditor.plots import _style as style
from auditor.plots._sheet import M_A_DEGREE, Box, Sheet, handed_off, once, segments
from auditor.standing import STRADDLING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from auditor.columns import BoolArray, IntArray
    from auditor.result import AuditResult
    from auditor.zones import Areas, Part

ROOM = (0.07, 0.2, 0.64, 0.68)  # of a new figure: titles, legend, small map and notes have the rest
LABELS = 12
MANY = 2_000  # marks from which on a figure holds them as one picture
CROWD = 300  # marks of one verdict from which on they are drawn smaller
FINE = 2_000  # corners across a sheet that an outline may have
LABEL_CELLS = 26
NAMED = 3
SHORTEST_DISC = 1 / 60  # of the sheet; smaller ones hide under the mark
NOT_DRAWN = "Nodes without coordinates, not drawn: {number:,}; of these fail: {fails:,}."
OFF_SHEET = "Nodes off the sheet, see the small map: {number:,}; of these fail: {fails}."
SOME_LINKS = "Links drawn, for the sake of clarity: {drawn:,} of {number:,}."
WORDS = {
    "in": both("pilot area"),
    "undecided": both("undecided part"),
    "out": both("cut out of the area"),
    "link": both("link"),
    "handoff": both("hand-off past every carrier"),
    "disc": both("may stand anywhere in this disc"),
}


def plot_map(
    result: AuditResult,
    ax: Axes | None = None,
    *,
    lang: str | None = None,
    size: tuple[float, float] = (9.0, 6.0),
    view: Sequence[float] | None = None,
    labels: int = LABELS,
) -> Axes:
    """Draw where the nodes of a result stand, see `AuditResult.plot`."""
    lang = lang or result.lang
    ax = style.axes(ax, size, ROOM)
    sheet = Sheet(result)
    extent = ax.get_window_extent()
    ratio = min(max(float(extent.width) / max(float(extent.height), 1.0), 0.5), 3.0)
    box = _viewed(view) if view is not None else sheet.box().filling(ratio, 0.08)
    _set_up(ax, box)
    lines, thinned = _links(ax, sheet, box, lang)
    handles = [*_areas(ax, result.case.areas, box, lang), *lines]
    unnamed = _nodes(ax, sheet, box, labels)
    handles = [*_legend_of(sheet, lang), *handles, *_discs(ax, sheet, box, lang)]
    _scale_bar(ax, box)
    head = f"{style.short(result.case.declaration.operator.name, 70)}\n{style.verdict_words(result, lang)}"
    ax.set_title(head, fontproperties=style.font(11), color=style.INK, loc="left", linespacing=1.4)
    ax.legend(
        handles=handles, loc="upper left", bbox_to_anchor=(1.02, 1.0), frameon=False, prop=style.font(8),
        borderaxespad=0.0, labelspacing=0.6,
    )  # fmt: skip
    away = ~box.holds(sheet.lon, sheet.lat)
    if away.any():
        _overview(ax, sheet, box)
    notes = [*_notes(sheet, away, unnamed, lang), thinned, _attribution(result.case.areas, box, lang)]
    style.footnotes(ax, [style.broken(note, 120, 2) for note in notes if note], -34)
    style.plain_text(ax)
    return ax


def _viewed(view: Sequence[float]) -> Box:
    """Check a sheet that the user asks for."""
    box = Box(*view) if len(view) == len(Box._fields) else None
    if box is None or not (-180 <= box.west < box.east <= 180 and -90 <= box.south < box.north <= 90):  # noqa: PLR2004
        raise UsageError(say("view is (west, south, east, north) in degrees, not {view}", view=repr(view)))
    return box


def _set_up(ax: Axes, box: Box) -> None:
    """Fix the sheet, and its ticks: nothing moves when more is drawn."""
    ticker = style.needed("matplotlib.ticker").MaxNLocator(5)
    ax.set(xlim=(box.west, box.east), ylim=(box.south, box.north), autoscale_on=False)
    ax.set_aspect(box.stretch, adjustable="box", anchor="NW")
    for axis, low, high, marks in (
        (ax.xaxis, box.west, box.east, "EW"),
        (ax.yaxis, box.south, box.north, "NS"),
    ):
        at = [t for t in ticker.tick_values(low, high) if low <= t <= high]
        axis.set_ticks(at, [f"{abs(t):.6g}°{marks[int(t < 0)]}" for t in at])
        for label in axis.get_ticklabels():
            label.set(fontproperties=style.font(7), color=style.FAINT)
    ax.tick_params(color="#bbbbbb", length=3)
    ax.set_facecolor(style.PAPER)
    for spine in ax.spines.values():
        spine.set_color("#bbbbbb")


# --- areas ------------------------------------------------------------------------------------------------


def _visible(areas: Areas, box: Box) -> tuple[list[Part], list[tuple[str, str, shapely.Geometry]]]:
    """Give the parts on a sheet, and by area and status the ground that they make, cut to the sheet."""
    frame = shapely.box(*box)
    grain = (box.east - box.west) / FINE
    parts = [part for part in areas.parts if shapely.intersects(part.geometry, frame)]
    cut = {part.id: shapely.simplify(shapely.intersection(part.geometry, frame), grain) for part in parts}

    def union(area: str, status: str, *, seaward: bool | None = None) -> shapely.Geometry:
        chosen = [p for p in parts if p.area == area and p.status == status and seaward in {None, p.seaward}]
        return shapely.union_all([cut[p.id] for p in chosen])

    grounds = []
    for area in dict.fromkeys(part.area for part in parts):
        out = union(area, "out")
        doubt = shapely.difference(union(area, "undecided", seaward=False), out)
        inside = shapely.difference(union(area, "in"), shapely.union(out, doubt))
        strip = shapely.difference(union(area, "undecided"), shapely.union(out, inside))
        grounds += [(area, "in", inside), (area, "undecided", strip), (area, "out", out)]
    return parts, [ground for ground in grounds if not shapely.is_empty(ground[2])]


def _path(geometry: shapely.Geometry) -> Any:
    """Outline of polygons as one path, holes left open."""
    path = style.needed("matplotlib.path").Path
    polygons = [p for p in shapely.get_parts(geometry) if p.geom_type == "Polygon"]
    rings = [np.asarray(r.coords) for p in polygons for r in (p.exterior, *p.interiors)]
    codes = [np.array([path.MOVETO, *[path.LINETO] * (len(r) - 2), path.CLOSEPOLY]) for r in rings]
    return path(np.concatenate(rings), np.concatenate(codes)) if rings else None


LOOK_OF_PART: Mapping[str, Mapping[str, Any]] = {
    "in": {"facecolor": "#0072b222", "edgecolor": style.AREA, "linewidth": 1.0},
    "undecided": {"facecolor": "none", "edgecolor": "#8a6d00", "hatch": "///", "linestyle": "--"},
    "out": {"facecolor": style.PAPER, "edgecolor": style.FAINT, "hatch": "xxx", "linestyle": ":"},
}


def _areas(ax: Axes, areas: Areas, box: Box, lang: str) -> list[Any]:
    """Draw the areas and name them; give the handles of the legend."""
    patches = style.needed("matplotlib.patches")
    _, grounds = _visible(areas, box)
    names = {area.id: area.name_zh if lang == "zh" else area.name_en for area in areas.areas}
    for area, status, ground in grounds:
        path = _path(ground)
        if path is None:
            continue
        ax.add_patch(patches.PathPatch(path, zorder=1, hatch_linewidth=0.4, **LOOK_OF_PART[status]))
        if status == "in":
            spot = shapely.point_on_surface(max(shapely.get_parts(ground), key=shapely.area))
            ax.text(
                spot.x, spot.y, style.short(names[area], 40), ha="center", color=style.AREA, alpha=0.8,
                fontproperties=style.font(7.5), zorder=2, clip_on=True,
            )  # fmt: skip
    seen = {status for _, status, _ in grounds}
    return [
        patches.Patch(label=WORDS[status].in_(lang), hatch_linewidth=0.4, **LOOK_OF_PART[status])
        for status in LOOK_OF_PART
        if status in seen
    ]


def _attribution(areas: Areas, box: Box, lang: str) -> str:
    """Say whom the geometry on the sheet comes from."""
    on_sheet = {part.id for part in _visible(areas, box)[0]}
    told = [p["attribution"] for p in areas.provenance() if p["part"] in on_sheet]
    named = [style.short(name, 90) for name in dict.fromkeys(told) if name]
    return say("Areas: {sources}", sources=named).in_(lang) if named else ""


# --- nodes and links --------------------------------------------------------------------------------------


def _links(ax: Axes, sheet: Sheet, box: Box, lang: str) -> tuple[list[Any], str]:
    """Draw links faintly, and those by which paths leave past every carrier; say how many are not drawn."""
    lines, collections = style.needed("matplotlib.lines"), style.needed("matplotlib.collections")
    usable = sheet.result.case.links_in_service
    handles, note = [], ""
    for links, colour, width, z, word in (
        (usable, "#9a9a9a", 0.6, 3, "link"),
        (usable & handed_off(sheet.result), style.HANDOFF, 1.8, 4, "handoff"),
    ):
        pairs, number = segments(sheet, box, links)
        if number > len(pairs):
            note = note or say(SOME_LINKS, drawn=len(pairs), number=number).in_(lang)
        if len(pairs):
            many = len(pairs) > MANY
            ax.add_collection(
                collections.LineCollection(
                    pairs, colors=colour, linewidths=width, zorder=z, alpha=0.7, rasterized=many
                )
            )
            handles.append(lines.Line2D([], [], color=colour, linewidth=width, label=WORDS[word].in_(lang)))
    return handles, note


def _nodes(ax: Axes, sheet: Sheet, box: Box, labels: int) -> int:
    """Draw nodes, the worst on top, and name those that fail; give how many failing places bear no name."""
    on = box.holds(sheet.lon, sheet.lat)
    unnamed = 0
    for z, verdict in enumerate(style.BEST_FIRST, 5):
        look = style.LOOKS[verdict]
        at = np.flatnonzero(on & sheet.of(verdict)[sheet.rows])
        if not len(at):
            continue
        dots = at[once(box, sheet.lon[at], sheet.lat[at])]
        crowded = min(1.0, max(CROWD / len(dots), 0.1))
        ax.scatter(
            sheet.lon[dots], sheet.lat[dots], s=look.size * crowded, c=look.colour, marker=look.marker,
            zorder=z, edgecolors="white", linewidths=0.5 * crowded, rasterized=len(dots) > MANY,
        )  # fmt: skip
        if verdict == Verdict.FAIL:
            unnamed = _name(ax, sheet, box, at, labels)
    return unnamed


def _name(ax: Axes, sheet: Sheet, box: Box, at: IntArray, most: int) -> int:
    """Write names beside the dots of nodes where there is room; give how many dots have none."""
    dots = at[once(box, sheet.lon[at], sheet.lat[at])]
    extent = ax.get_window_extent()
    scale = 72 / ax.figure.dpi  # points
    per_degree = min(
        extent.width / (box.east - box.west), extent.height / (box.north - box.south) * box.stretch
    )
    x, y = ((c[dots] - o) * per_degree * scale for c, o in ((sheet.lon, box.west), (sheet.lat, box.south)))
    y = y * box.stretch
    taken = [(a - 5, b - 5, a + 5, b + 5) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    room = (
        (box.east - box.west) * per_degree * scale,
        (box.north - box.south) * per_degree * scale * box.stretch,
    )
    named = 0
    for i, dot in enumerate(dots[:most].tolist()):
        same = np.count_nonzero((sheet.lon[at] == sheet.lon[dot]) & (sheet.lat[at] == sheet.lat[dot])) - 1
        text = style.short(sheet.name(int(sheet.rows[dot])), LABEL_CELLS) + (f" +{same}" if same else "")
        width = style.cells(text) * 4.2
        for side, (dx, dy) in (
            ("left", (7, -3)),
            ("right", (-7, -3)),
            ("center", (0, 8)),
            ("center", (0, -14)),
        ):
            left = x[i] + dx - {"left": 0, "right": width, "center": width / 2}[side]
            spot = (left, y[i] + dy - 1, left + width, y[i] + dy + 9)
            inside = spot[0] >= 0 and spot[1] >= 0 and spot[2] <= room[0] and spot[3] <= room[1]
            own = taken[:i] + taken[i + 1 :]
            if inside and not any(_overlap(spot, other) for other in own):
                taken.append(spot)
                ax.annotate(
                    text, (sheet.lon[dot], sheet.lat[dot]), (dx, dy), textcoords="offset points", ha=side,
                    fontproperties=style.font(8), color=style.INK, zorder=20,
                )  # fmt: skip
                named += 1
                break
    return len(dots) - named


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _discs(ax: Axes, sheet: Sheet, box: Box, lang: str) -> list[Any]:
    """Draw how far off a node may stand, where that leaves it undecided and can be seen."""
    collections, patches = style.needed("matplotlib.collections"), style.needed("matplotlib.patches")
    place, rows = sheet.result.case.place, sheet.rows
    radius = place.radius_m[rows]
    wide = (place.relation[rows] == STRADDLING) & (radius > box.metres * SHORTEST_DISC)
    at = np.flatnonzero(wide & sheet.judged & box.holds(sheet.lon, sheet.lat))
    if not len(at):
        return []
    at = at[once(box, sheet.lon[at], sheet.lat[at])]
    height = 2 * radius[at] / M_A_DEGREE
    look = {"facecolors": "#e69f0018", "edgecolors": "#b97f00", "linewidths": 0.7, "linestyles": ":"}
    ax.add_collection(
        collections.EllipseCollection(
            height / np.cos(np.radians(sheet.lat[at])), height, np.zeros(len(at)), units="xy", zorder=2.5,
            offsets=np.stack([sheet.lon[at], sheet.lat[at]], 1), offset_transform=ax.transData, **look,
        )
    )  # fmt: skip
    return [
        patches.Patch(
            facecolor="#e69f0018", edgecolor="#b97f00", linestyle=":", label=WORDS["disc"].in_(lang)
        )
    ]


def _legend_of(sheet: Sheet, lang: str) -> list[Any]:
    """Verdicts with their number of nodes, those without place counted in."""
    lines = style.needed("matplotlib.lines")
    handles = []
    serving = sheet.result.case.in_service
    for verdict, look in style.LOOKS.items():
        number = int(np.count_nonzero(sheet.of(verdict) & serving))
        if number:
            label = say("{name}: {number:,}", name=look.name, number=number).in_(lang)
            mark = {"marker": look.marker, "color": look.colour, "markersize": look.size**0.5}
            handles.append(lines.Line2D([], [], linestyle="none", label=label, **mark))
    return handles


# --- what belongs to a map --------------------------------------------------------------------------------


def _scale_bar(ax: Axes, box: Box) -> None:
    """Draw a round length, true at the middle of the sheet."""
    most = box.metres / 4
    power = 10.0 ** np.floor(np.log10(most))
    length = power * max(step for step in (1, 2, 5) if step * power <= most)
    share = length / box.metres
    text = f"{length:,.0f} m" if length < 1_000 else f"{length / 1_000:,.0f} km ({length:,.0f} m)"  # noqa: PLR2004
    ax.plot(
        [1 - share, 1 - share, 1, 1], [-0.085, -0.1, -0.1, -0.085], transform=ax.transAxes, clip_on=False,
        color=style.INK, linewidth=1.2, solid_joinstyle="miter",
    )  # fmt: skip
    ax.text(
        0.985 - share, -0.1, text, transform=ax.transAxes, fontproperties=style.font(7.5), color=style.INK,
        ha="right",
    )  # fmt: skip


def _overview(ax: Axes, sheet: Sheet, box: Box) -> None:
    """Draw all there is, small, beside the sheet, with the sheet as a frame in it."""
    patches = style.needed("matplotlib.patches")
    ends = (*box[:2], *box[2:])
    lon, lat = (np.append(c, ends[i::2]) for i, c in enumerate((sheet.lon, sheet.lat)))
    whole = Box(float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())).filling(1.2, 0.12)
    small = ax.inset_axes((1.02, 0.0, 0.38, 0.42))
    small.set(xlim=(whole.west, whole.east), ylim=(whole.south, whole.north), xticks=[], yticks=[])
    small.set_aspect(whole.stretch, anchor="SW")
    for spine in small.spines.values():
        spine.set_color("#bbbbbb")
    for _, status, ground in _visible(sheet.result.case.areas, whole)[1]:
        path = _path(ground)
        if path is not None and status == "in":
            small.add_patch(
                patches.PathPatch(path, facecolor="#0072b255", edgecolor=style.AREA, linewidth=0.5)
            )
    for z, verdict in enumerate(style.BEST_FIRST, 5):
        look = style.LOOKS[verdict]
        at = np.flatnonzero(sheet.of(verdict)[sheet.rows])
        at = at[once(whole, sheet.lon[at], sheet.lat[at])] if len(at) else at
        small.scatter(
            sheet.lon[at],
            sheet.lat[at],
            s=look.size / 3,
            c=look.colour,
            marker=look.marker,
            zorder=z,
            linewidths=0,
        )
    frame = (box.west, box.south), box.east - box.west, box.north - box.south
    small.add_patch(patches.Rectangle(*frame, fill=False, edgecolor=style.INK, linewidth=0.9, zorder=30))


def _notes(sheet: Sheet, away: BoolArray, unnamed: int, lang: str) -> list[str]:
    """Say what the sheet does not show."""
    fails = sheet.of(Verdict.FAIL)
    notes = []
    if len(sheet.lost):
        failing = int(np.count_nonzero(fails[sheet.lost]))
        notes.append(say(NOT_DRAWN, number=len(sheet.lost), fails=failing))
    if away.any():
        rows = sheet.rows[away & fails[sheet.rows]]
        named = [style.short(sheet.name(int(row)), LABEL_CELLS) for row in rows[:NAMED]]
        names: list[object] = [*named, *["…"] * (len(rows) > NAMED)] or [both("none")]
        notes.append(say(OFF_SHEET, number=int(away.sum()), fails=names))
    if unnamed:
        notes.append(say("Failing places without a name here, for want of room: {number:,}.", number=unnamed))
    return [note.in_(lang) for note in notes]
