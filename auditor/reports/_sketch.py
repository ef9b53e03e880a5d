"""Small maps for paper, as SVG: the pilot area, facilities by verdict, and the witness paths of what fails.

No text of a declaration stands in the SVG: places are numbered, and the report names them beside the map.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

from auditor.findings import SETTLED, UNDECIDED, WORST_FIRST, Verdict
from auditor.reports._told import path_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shapely.geometry.base import BaseGeometry

    from auditor.columns import FloatArray, IntArray
    from auditor.reports._rows import Findings
    from auditor.result import AuditResult

WIDTH = 520.0  # units of the drawing
SHAPE = (0.42, 0.95)  # least and greatest height, by its width
MARGIN = 0.07
KM = 111.195  # a degree of latitude on the sphere
MOST_NODES, MOST_TRIED, MOST_WAYS, MOST_NAMED = 3_000, 3_000, 300, 24
PASSED, OPEN, FAILED = 1, 2, 3
RANKS = {Verdict.FAIL: FAILED, **dict.fromkeys(UNDECIDED, OPEN), Verdict.PASS: PASSED}
COLOURS = {PASSED: "#2e7d4f", OPEN: "#c77700", FAILED: "#b3261e"}
FONT = "Noto Sans CJK SC"


class Frame(NamedTuple):
    """Part of the Earth that a map shows, in degrees, and its size in units of the drawing."""

    west: float
    south: float
    east: float
    north: float

    @property
    def squeeze(self) -> float:
        """Length of a degree of longitude by that of one of latitude, in the middle."""
        return math.cos(math.radians((self.south + self.north) / 2))

    @property
    def height(self) -> float:
        """Height of the drawing."""
        return WIDTH * (self.north - self.south) / ((self.east - self.west) * self.squeeze)

    def at(self, points: FloatArray) -> FloatArray:
        """Place points (n, 2) on the drawing."""
        scale = WIDTH / (self.east - self.west)
        across = (points[:, 0] - self.west) * scale
        down = (self.north - points[:, 1]) * scale / self.squeeze
        return np.column_stack([across, down]).round(1)


class Sketch(NamedTuple):
    """A map.

    Parameters
    ----------
    svg
        The drawing.
    close
        Whether it shows the pilot area alone, not all that is placed.
    """

    svg: bytes
    close: bool


class Drawn(NamedTuple):
    """What the maps show: nodes and ways, the worst first, and what had to be left out.

    Parameters
    ----------
    points, rank, names
        Places of nodes (n, 2), their verdicts, and the ids of those that are numbered on the maps.
    ways
        Witness paths with their verdicts.
    left_out
        Number of nodes and ways that are not drawn.
    """

    points: FloatArray
    rank: IntArray
    names: list[str]
    ways: list[tuple[int, BaseGeometry]]
    left_out: int


def worst(result: AuditResult) -> IntArray:
    """Give the worst verdict on each node: 0 where there is none; related law stands apart."""
    rank = np.zeros(result.case.n, np.int8)
    for found in result.findings.rules:
        for batch in found.batches if found.basis != "related_law" else ():
            if batch.kind == "node" and isinstance(batch.subjects, np.ndarray):
                np.maximum.at(rank, batch.subjects, RANKS.get(batch.verdict, 0))
    return rank


def drawn(result: AuditResult, findings: Findings) -> Drawn:
    """Choose what the maps show."""
    case, rank = result.case, worst(result)
    shown = ((case.facility > 0) & (rank > 0)) | (rank >= OPEN)
    rows = np.flatnonzero(shown & ~np.isnan(case.place.lon))
    rows = rows[np.argsort(-rank[rows], kind="stable")]
    kept = rows[:MOST_NODES]
    points = np.column_stack([case.place.lon[kept], case.place.lat[kept]])
    named = kept[rank[kept] >= OPEN][:MOST_NAMED]
    names = case.declaration.nodes.column("id").take(named).to_pylist()
    with_paths = [at for at, f in enumerate(findings.listed) if path_of(f) and f.verdict not in SETTLED]
    with_paths.sort(key=lambda at: WORST_FIRST.index(findings.listed[at].verdict))
    tried = with_paths[:MOST_TRIED]
    ways = [
        (RANKS[findings.listed[at].verdict], shape)
        for at, shape in findings.paths(tried)
        if shape is not None
    ]
    distinct = list({(rank, shape.wkb): (rank, shape) for rank, shape in ways}.values())
    left_out = len(rows) - len(kept) + len(with_paths) - len(tried) + max(len(distinct) - MOST_WAYS, 0)
    return Drawn(points, rank[kept], names, distinct[:MOST_WAYS], left_out)


def sketches(result: AuditResult, shown: Drawn) -> list[Sketch]:
    """Draw the pilot area, and a second map of all that is placed where that reaches farther."""
    areas = result.case.areas
    home = [p for p in areas.parts if result.case.area >= 0 and p.area == areas.ids[result.case.area]]
    core = [part.geometry for part in home if part.status == "in"]
    everything = [*shown.points.tolist(), *(xy for _, way in shown.ways for xy in _corners(way))]
    boxes = []
    if core:
        boxes.append((_frame([xy for shape in core for xy in _corners(shape)]), True))
    if everything and not (boxes and all(_inside(boxes[0][0], xy) for xy in everything)):
        around = [xy for shape in core for xy in _corners(shape)]
        boxes.append((_frame([*everything, *around]), False))
    return [Sketch(_svg(result, shown, frame), close) for frame, close in boxes]


def _corners(shape: BaseGeometry) -> list[tuple[float, float]]:
    west, south, east, north = shape.bounds
    return [(west, south), (east, north)]


def _inside(frame: Frame, point: Iterable[float]) -> bool:
    x, y = point
    return frame.west <= x <= frame.east and frame.south <= y <= frame.north


def _frame(points: list[tuple[float, float]] | list[list[float]]) -> Frame:
    """Frame points with a margin, neither too flat nor too high."""
    lon, lat = np.asarray(points, np.float64).T
    middle = (lon.min() + lon.max()) / 2, (lat.min() + lat.max()) / 2
    squeeze = math.cos(math.radians(middle[1]))
    across = max((lon.max() - lon.min()) * squeeze, 0.02) * (1 + 2 * MARGIN)
    down = max(lat.max() - lat.min(), 0.02) * (1 + 2 * MARGIN)
    across, down = max(across, down / SHAPE[1]), max(down, across * SHAPE[0])
    half = across / squeeze / 2, down / 2
    return Frame(middle[0] - half[0], middle[1] - half[1], middle[0] + half[0], middle[1] + half[1])


# --- drawing ------------------------------------------------------------------------------------------------


def _svg(result: AuditResult, shown: Drawn, frame: Frame) -> bytes:
    high = round(frame.height, 1)
    size = f'width="{WIDTH:g}" height="{high:g}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {high:g}" {size}>',
        f'<rect {size} fill="#f7f9fb"/>',
        *_grid(frame),
        *_zones(result, frame),
        *_ways(shown, frame),
        *_nodes(shown, frame),
        *_scale(shown, frame),
        f'<rect {size} fill="none" stroke="#9aa7b4" stroke-width="1"/></svg>',
    ]
    return "".join(parts).encode()


def _grid(frame: Frame) -> Iterable[str]:
    """Draw meridians and parallels with their degrees."""
    step = _nice((frame.east - frame.west) / 4)
    digits = max(0, -math.floor(math.log10(step)))
    style = 'stroke="#dde3e9" stroke-width="0.6"'
    for at in np.arange(math.ceil(frame.west / step), frame.east / step) * step:
        x = frame.at(np.array([[at, frame.north]]))[0, 0]
        yield f'<path d="M{x:g} 0V{frame.height:.1f}" {style}/>' + _label(x + 2, 9, f"{at:.{digits}f}°")
    for at in np.arange(math.ceil(frame.south / step), frame.north / step) * step:
        y = frame.at(np.array([[frame.west, at]]))[0, 1]
        yield f'<path d="M0 {y:g}H{WIDTH:g}" {style}/>' + _label(2, y - 2, f"{at:.{digits}f}°")


def _label(x: float, y: float, text: str, *, size: float = 7, fill: str = "#6b7785") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-family="{FONT}" font-size="{size:g}" fill="{fill}">{text}</text>'
    )


def _zones(result: AuditResult, frame: Frame) -> Iterable[str]:
    """Draw parts of the areas that lie in the frame: those of the operator's own area stronger."""
    areas = result.case.areas
    own = areas.ids[result.case.area] if result.case.area >= 0 else ""
    for status, fill, line in (("undecided", "#fbe9c6", "#c9a24a"), ("in", "#cfe3f7", "#2f6db0")):
        for part in areas.parts:
            if part.status == status:
                path = _outline(part.geometry, frame)
                faint = "" if part.area == own else ' opacity="0.55"'
                style = f'fill="{fill}" stroke="{line}" stroke-width="0.9" fill-rule="evenodd"{faint}'
                yield f'<path d="{path}" {style}/>' if path else ""


def _outline(shape: BaseGeometry, frame: Frame) -> str:
    """Give the outline of a polygon inside the frame, no finer than it can be seen."""
    step = (frame.east - frame.west) / WIDTH / 2
    wide = (frame.west - 9 * step, frame.south - 9 * step, frame.east + 9 * step, frame.north + 9 * step)
    seen = shapely.clip_by_rect(shapely.simplify(shape, step, preserve_topology=False), *wide)
    lines = [ring for part in shapely.get_parts(seen) for ring in shapely.get_rings(part)]
    return "".join(_course(shapely.get_coordinates(line), frame) + "Z" for line in lines)


def _course(points: FloatArray, frame: Frame) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in frame.at(points).tolist())


def _ways(shown: Drawn, frame: Frame) -> Iterable[str]:
    """Draw witness paths, those that fail on top."""
    for rank, way in reversed(shown.ways):
        dashes = "" if rank == FAILED else ' stroke-dasharray="4 2.5"'
        style = f'fill="none" stroke="{COLOURS[rank]}" stroke-width="1.3" stroke-linejoin="round"{dashes}'
        for line in shapely.get_parts(way):
            yield f'<path d="{_course(shapely.get_coordinates(line), frame)}" {style}/>'


def _nodes(shown: Drawn, frame: Frame) -> Iterable[str]:
    """Draw nodes, the worst on top: by shape, too, for those who see no colours."""
    if not len(shown.points):
        return
    places = frame.at(shown.points)
    for at in range(len(places) - 1, -1, -1):
        x, y = places[at].tolist()
        if 0 <= x <= WIDTH and 0 <= y <= frame.height:
            yield _mark(x, y, int(shown.rank[at]))
    for number in range(len(shown.names), 0, -1):
        x, y = places[number - 1].tolist()
        if 0 <= x <= WIDTH and 0 <= y <= frame.height:
            left = x > WIDTH - 24  # room for two digits
            yield _label(x - 15 if left else x + 5.5, y + 3, str(number), size=8.5, fill="#1f2328")


def _mark(x: float, y: float, rank: int) -> str:
    style = f'fill="{COLOURS[rank]}" stroke="#ffffff" stroke-width="0.8"'
    if rank == FAILED:
        return f'<path d="M{x:g} {y - 5:g}l5 5l-5 5l-5 -5Z" {style}/>'
    if rank == OPEN:
        return f'<path d="M{x:g} {y - 5:g}l4.6 8.4h-9.2Z" {style}/>'
    return f'<circle cx="{x:g}" cy="{y:g}" r="2.7" {style}/>'


def _scale(shown: Drawn, frame: Frame) -> Iterable[str]:
    """Draw a scale of a round number of kilometres, at the right where nodes stand at the left."""
    unit = WIDTH / ((frame.east - frame.west) * frame.squeeze * KM)  # drawing units a kilometre
    km = _nice(110 / unit)
    places, long, y = frame.at(shown.points), km * unit, frame.height - 12
    taken = ((places[:, 0] < long + 24) & (places[:, 1] > y - 24)).any()
    x = WIDTH - long - 12 if taken else 12.0
    yield f'<path d="M{x:g} {y - 4:.1f}v4h{long:.1f}v-4" fill="none" stroke="#1f2328" stroke-width="1"/>'
    yield _label(x + 3, y - 3, f"{km:g} km", size=8, fill="#1f2328")


def _nice(value: float) -> float:
    """Round down to 1, 2 or 5 of a power of ten.

    Examples
    --------
    >>> _nice(3.7), _nice(0.09), _nice(10)
    (2.0, 0.05, 10.0)
    """
    power = 10.0 ** math.floor(math.log10(value))
    return float(next(f for f in (5, 2, 1) if f * power <= value * (1 + 1e-9)) * power)
