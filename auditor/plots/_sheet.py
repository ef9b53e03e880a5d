"""What a map shows: a sheet in degrees that fits what was judged, and the columns of what is drawn on it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

from auditor.findings import WORST_FIRST, Verdict
from auditor.plots import _style as style
from auditor.values import pick

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.columns import BoolArray, FloatArray, IntArray
    from auditor.result import AuditResult
    from auditor.zones import Areas

M_A_DEGREE = 111_320.0
LEAST_M = 10_000.0  # least width of a sheet
BULK = 0.8
FAR = 6.0  # a place counts as far away from this many times the radius of the bulk
NEAR_M = 20_000.0
GRAIN = 600  # dots across a sheet: what falls on one dot is drawn once
REACH = 1 << 14  # dots to either side of a sheet's corner that are told apart
MOST_LINKS = 20_000  # lines drawn; more would be a grey sheet
MOST_HANDOFFS = 5_000  # findings looked through for the links by which they leave
NONE = len(WORST_FIRST)


class Box(NamedTuple):
    """A sheet in degrees."""

    west: float
    south: float
    east: float
    north: float

    @property
    def stretch(self) -> float:
        """How much longer a degree of latitude is than one of longitude."""
        return 1 / max(float(np.cos(np.radians((self.south + self.north) / 2))), 0.02)

    @property
    def metres(self) -> float:
        """Width."""
        return (self.east - self.west) * M_A_DEGREE / self.stretch

    def holds(self, lon: FloatArray, lat: FloatArray) -> BoolArray:
        """Points on the sheet."""
        on: BoolArray = (lon >= self.west) & (lon <= self.east) & (lat >= self.south) & (lat <= self.north)
        return on

    def filling(self, ratio: float, margin: float = 0.08) -> Box:
        """Give the sheet with a margin, widened to a ratio of width to height."""
        across, up = self.stretch / M_A_DEGREE, 1 / M_A_DEGREE
        width = max(self.metres * (1 + 2 * margin), LEAST_M)
        height = max((self.north - self.south) / up * (1 + 2 * margin), LEAST_M / ratio)
        width, height = max(width, height * ratio), max(height, width / ratio)
        lon, lat = (self.west + self.east) / 2, (self.south + self.north) / 2
        return Box(
            lon - width * across / 2, lat - height * up / 2, lon + width * across / 2, lat + height * up / 2
        )


@dataclass(frozen=True)
class Sheet:
    """What is drawn: nodes in service with coordinates, and how they were judged."""

    result: AuditResult

    @cached_property
    def rank(self) -> IntArray:
        """Worst verdict on each node, as its place in `WORST_FIRST`; advisories on related law apart."""
        case = self.result.case
        rank = np.full(case.n, NONE, np.int8)
        for found in self.result.findings.rules:
            if found.basis == "related_law":
                continue
            for batch in (b for b in found.batches if b.kind == "node"):
                subjects = batch.subjects
                rows = subjects if isinstance(subjects, np.ndarray) else case.rows_of(subjects)
                rows = rows[rows >= 0]
                rank[rows] = np.minimum(rank[rows], WORST_FIRST.index(batch.verdict))
        return rank

    @cached_property
    def rows(self) -> IntArray:
        """Rows of the nodes that can be drawn."""
        place = self.result.case.place
        return np.flatnonzero(self.result.case.in_service & ~np.isnan(place.lon + place.lat))

    @cached_property
    def lost(self) -> IntArray:
        """Rows of the nodes that are in service and have no coordinates."""
        place = self.result.case.place
        return np.flatnonzero(self.result.case.in_service & np.isnan(place.lon + place.lat))

    @property
    def lon(self) -> FloatArray:
        """Longitudes of `rows`, WGS84."""
        lon: FloatArray = self.result.case.place.lon[self.rows]
        return lon

    @property
    def lat(self) -> FloatArray:
        """Latitudes of `rows`."""
        lat: FloatArray = self.result.case.place.lat[self.rows]
        return lat

    @cached_property
    def judged(self) -> BoolArray:
        """Those of `rows` on which something was found."""
        judged: BoolArray = self.rank[self.rows] <= WORST_FIRST.index(Verdict.PASS)
        return judged

    @cached_property
    def handing(self) -> BoolArray:
        """Those of `rows` at either end of a link by which a failing path leaves."""
        case = self.result.case
        marked = np.zeros(case.n, np.bool_)
        for column in ("tail", "head"):
            marked[
                np.asarray(case.declaration.links.column(column).to_numpy(), np.int64)[
                    handed_off(self.result)
                ]
            ] = True
        return marked[self.rows]

    def of(self, verdict: Verdict | None) -> BoolArray:
        """Nodes that are drawn as `verdict`."""
        table = np.array([style.look_of(rank) == verdict for rank in range(NONE + 1)])
        drawn: BoolArray = table[self.rank]
        return drawn

    def box(self) -> Box:
        """Fit what was judged: the bulk of it where something stands far away, else all."""
        chosen = self.judged | self.handing if self.judged.any() else np.ones(len(self.rows), np.bool_)
        lon, lat = self.lon[chosen], self.lat[chosen]
        if not len(lon):
            return _bounds(self.result.case.areas, self.result.case.area)
        middle = np.median(lon), np.median(lat)
        away = np.hypot((lon - middle[0]) * np.cos(np.radians(middle[1])), lat - middle[1]) * M_A_DEGREE
        near = away <= max(FAR * float(np.quantile(away, BULK)), NEAR_M)
        return _box(lon[near], lat[near])

    def name(self, row: int) -> str:
        """Name of a node, else its id."""
        named = self.result.case.node("name").at(row)
        return named or str(self.result.case.declaration.nodes.column("id")[row].as_py())


def _box(lon: FloatArray, lat: FloatArray) -> Box:
    return Box(float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max()))


def _bounds(areas: Areas, index: int) -> Box:
    """Fit an area, or all of them."""
    chosen = [a for i, a in enumerate(areas.areas) if index in {i, -1}]
    parts = [p.geometry for a in chosen for p in a.parts if p.status == "in"]
    return Box(*shapely.total_bounds(parts).tolist()) if parts else Box(73.0, 18.0, 135.0, 54.0)


def once(box: Box, *columns: FloatArray) -> IntArray:
    """Positions of rows that differ on the sheet's grain; the first of each kind."""
    grain = max(box.east - box.west, box.north - box.south) / GRAIN
    code = np.zeros(len(columns[0]), np.int64)
    for column, origin in zip(columns, (box.west, box.south) * 2, strict=False):
        dots = np.clip(np.round((column - origin) / grain), -REACH, REACH - 1)
        code = code * (2 * REACH) + dots.astype(np.int64)
    return np.sort(np.unique(code, return_index=True)[1])


def segments(sheet: Sheet, box: Box, links: BoolArray) -> tuple[FloatArray, int]:
    """Give links as pairs of points, every nth of more than can be seen, and how many lines there are."""
    case = sheet.result.case
    tail, head = (np.asarray(case.declaration.links.column(c).to_numpy(), np.int64) for c in ("tail", "head"))
    known = np.zeros(case.n + 1, np.bool_)
    known[sheet.rows] = True
    ends = [np.where((end >= 0) & (end < case.n), end, case.n) for end in (tail, head)]
    chosen = np.flatnonzero(links & known[ends[0]] & known[ends[1]] & (ends[0] != ends[1]))
    a, b = ends[0][chosen], ends[1][chosen]
    lon, lat = case.place.lon, case.place.lat
    reach = (np.minimum(lon[a], lon[b]) <= box.east) & (np.maximum(lon[a], lon[b]) >= box.west)
    reach &= (np.minimum(lat[a], lat[b]) <= box.north) & (np.maximum(lat[a], lat[b]) >= box.south)
    a, b = a[reach], b[reach]
    if not len(a):
        return np.empty((0, 2, 2)), 0
    kept = once(box, lon[a], lat[a], lon[b], lat[b])
    step = -(-len(kept) // MOST_LINKS)
    a, b = a[kept][::step], b[kept][::step]
    return np.stack([np.stack([lon[a], lat[a]], 1), np.stack([lon[b], lat[b]], 1)], 1), len(kept)


def handed_off(result: AuditResult) -> BoolArray:
    """Links by which failing paths leave the operator's network."""
    case = result.case
    pairs = sorted(set(islice(_handoffs(result), MOST_HANDOFFS)))
    if not pairs:
        return np.zeros(case.declaration.links.num_rows, np.bool_)
    tail, head = (np.asarray(case.declaration.links.column(c).to_numpy(), np.int64) for c in ("tail", "head"))
    ends = [case.rows_of(names) for names in zip(*pairs, strict=True)]
    wide = case.n + 1
    both = ends[0] * wide + ends[1], ends[1] * wide + ends[0]
    wanted = np.concatenate([pair[np.minimum(*ends) >= 0] for pair in both])
    handed: BoolArray = (tail < case.n) & (head >= 0) & (head < case.n) & np.isin(tail * wide + head, wanted)
    return handed


def _handoffs(result: AuditResult) -> Iterator[tuple[str, str]]:
    """Ends of the links by which failing paths leave, where both are declared."""
    for found in result.findings.rules:
        for batch in (b for b in found.batches if b.verdict == Verdict.FAIL and "handoff" in b.details):
            only = {"handoff": batch.details["handoff"]}
            for position in range(len(batch)):
                near, far = pick(only, position)["handoff"] or (None, None)
                if near and far:
                    yield near, far
