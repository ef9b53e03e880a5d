"""The edges of areas: which side a point lies on, how far off, and whether its disc touches a doubtful edge.

Distances are taken in three dimensions, between points of the ellipsoid: no projection, no seam, and a k-d
tree answers them. Edges are straight in longitude and latitude and cut to pieces of at most 100 m. Most
points need none: a grid tells which piece of ground they lie on, and that no edge is near.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditor.clearance import Clearance
from auditor.datum import geod
from auditor.edges import EQUATOR_M, HALF_M, Edge, apart, ecef, inherit_bands
from auditor.mosaic import NONE, Frame, Mosaic, segments

if TYPE_CHECKING:
    from collections.abc import Sequence

    import shapely

    from auditor.columns import BoolArray, FloatArray, IntArray

__all__ = ["Boundary", "Discs", "Edge", "Ground", "Piece", "apart", "ecef", "inherit_bands", "segments"]

_CELLS = (1.0, 0.1, 0.01, 0.002)  # degrees; each divides the one before
_FEW = 4  # points a cell below which cells do not pay
_ON_EARTH_M = 3e7


class Discs(NamedTuple):
    """Points in WGS84 degrees, each with a radius in metres."""

    lon: FloatArray
    lat: FloatArray
    radius_m: FloatArray

    def at(self, rows: IntArray) -> Discs:
        """Some of them."""
        return Discs(self.lon[rows], self.lat[rows], self.radius_m[rows])


@dataclass(frozen=True)
class Ground:
    """What the edges say of points.

    Parameters
    ----------
    label
        Index into the grounds (see `Boundary`), -1 for ground of no area.
    touches
        Whether the disc round the point touches a doubtful edge: then `label` proves nothing.
    near
        Area whose ``in`` parts have the nearest edge, where `touches` holds; else -1.
    """

    label: IntArray
    touches: BoolArray
    near: IntArray


class Touch(NamedTuple):
    """What edges say of discs: whether one touches, and the nearest area where it does; filled in place."""

    touches: BoolArray
    near: IntArray


class Piece(NamedTuple):
    """A piece of ground: what some shapes have in common, a ground and perhaps a part that makes it up."""

    ground: int
    part: int
    shapes: Sequence[shapely.Geometry]


class Boundary:
    """Edges of all areas, ready for questions.

    Parameters
    ----------
    grounds
        Disjoint shapes: what is in each area, one an area, then what is undecided of each.
    edges
        Edges of these shapes, by accuracy.
    pieces
        What each ground consists of, in the order in which it counts; by default the grounds themselves.
    """

    def __init__(
        self,
        grounds: Sequence[shapely.Geometry],
        edges: Sequence[Edge],
        pieces: Sequence[Piece] | None = None,
    ) -> None:
        self.grounds = list(grounds)
        self.edges = [edge for edge in edges if len(edge.lines)]
        every = [Piece(index, NONE, [ground]) for index, ground in enumerate(self.grounds)]
        self.pieces = every if pieces is None else pieces
        self.n = len(self.grounds) // 2
        self._bands = np.array([edge.band_m for edge in self.edges])
        self._inner = np.array([edge.inner for edge in self.edges], np.bool_)
        self._ground_of = np.array([*(piece.ground for piece in self.pieces), NONE], np.int16)

    @cached_property
    def _mosaic(self) -> Mosaic:
        return Mosaic([piece.shapes for piece in self.pieces])

    @cached_property
    def _clearance(self) -> Clearance:
        lines, bands = ([getattr(edge, name) for edge in self.edges] for name in ("lines", "band_m"))
        return Clearance(Frame.over(np.concatenate(lines)), lines, bands)

    def piece(self, lon: FloatArray, lat: FloatArray) -> IntArray:
        """Index into `pieces` of what each point lies on, edges counted in; -1 for none."""
        return self._mosaic.find(lon, lat)

    def label(self, lon: FloatArray, lat: FloatArray) -> IntArray:
        """Ground that each point lies on, edges counted in; -1 for none."""
        found: IntArray = self._ground_of[self.piece(lon, lat)]
        return found

    def classify(self, discs: Discs) -> Ground:
        """Relate discs to the edges."""
        n = len(discs.lon)
        found = Ground(self.label(discs.lon, discs.lat), np.zeros(n, np.bool_), np.full(n, NONE, np.int16))
        rows, near = self.touching(discs)
        found.touches[rows], found.near[rows] = True, near
        return found

    def touching(self, discs: Discs) -> tuple[IntArray, IntArray]:
        """Rows of discs that touch a doubtful edge, and the area with the nearest edge of ``in`` parts.

        Most are clear of all edges by the cells of a fixed grid. For others cells that hold them stand in
        wherever the distance from the middle of the cell proves the answer for all of it (a distance changes
        by no more than one moves); the rest is measured point by point.
        """
        rows: IntArray = np.zeros(0, np.int32)
        if self.edges:
            rows = self._clearance.unclear(*discs)
        some = discs.at(rows)
        found = Touch(np.zeros(len(rows), np.bool_), np.full(len(rows), NONE, np.int16))
        if len(rows):
            self._measure(some, *self._by_cells(some, found), found)
        return rows[found.touches], found.near[found.touches]

    def _by_cells(self, discs: Discs, into: Touch) -> tuple[IntArray, BoolArray]:
        """Answer all that cells can; return the rows that they cannot, and the edges that matter to each."""
        rows, cells = np.arange(len(discs.lon)), Cells.over(discs.lon, discs.lat)
        matter = np.ones((1, len(self.edges)), np.bool_)
        for size in _CELLS:
            fine = cells.refined(size)
            if len(fine.column) * _FEW > len(rows):
                break
            matter, cells = matter[fine.parent], fine
            x, y = cells.middles()
            reach = cells.reach()
            margin, gap, area, matter = self._margins(ecef(x, y), matter, reach)
            r, which = discs.radius_m[rows], cells.which
            clear = r < (margin - reach - HALF_M)[which]
            touch = (r >= (margin + reach)[which]) & (gap > 2 * reach + 2 * HALF_M)[which]
            into.touches[rows[touch]] = True
            into.near[rows[touch]] = area[which[touch]]
            rest = ~(clear | touch)
            rows, cells = rows[rest], cells.only(rest)
        return rows, matter[cells.which]

    def _measure(self, discs: Discs, rows: IntArray, matter: BoolArray, into: Touch) -> None:
        """Answer point by point: roughly first, to the millimetre where 50 m decide."""
        for exact in (False, True):
            if not len(rows):
                return
            slack = 0.0 if exact else HALF_M
            lon, lat, r = discs.at(rows)
            margin, gap, area, matter = self._margins(
                ecef(lon, lat), matter, np.zeros(len(rows)), exact=exact
            )
            clear = r < margin - slack
            touch = (r >= margin) & (exact | (gap > 2 * slack))
            into.touches[rows[touch]] = True
            into.near[rows[touch]] = area[touch]
            rest = ~(clear | touch)
            rows, matter = rows[rest], matter[rest]

    def _margins(
        self, p: FloatArray, matter: BoolArray, reach: FloatArray, *, exact: bool = False
    ) -> tuple[FloatArray, FloatArray, IntArray, BoolArray]:
        """Least distance less band over the edges that matter; the nearest area and its lead over the next.

        The last array names the edges that may still matter to points no farther off than `reach`.
        """
        distance = np.full(matter.shape, _ON_EARTH_M)
        for column, edge in enumerate(self.edges):
            ask = matter[:, column]
            distance[ask, column] = edge.nearest(p[ask])[0] if exact else edge.near(p[ask])
        margins = distance - self._bands
        least = margins.min(axis=1)
        to_area = np.full((len(p), self.n + 1), _ON_EARTH_M)  # one column more: there is always a next
        for column, edge in enumerate(self.edges):
            if edge.inner:
                to_area[:, edge.area] = np.minimum(to_area[:, edge.area], distance[:, column])
        first, second = np.partition(to_area, 1, axis=1)[:, :2].T
        reach = (2 * reach + HALF_M)[:, None]
        matter = matter & (
            (margins <= least[:, None] + reach) | (self._inner & (distance <= first[:, None] + reach))
        )
        return least, second - first, to_area.argmin(axis=1).astype(np.int16), matter

    def distance(self, lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, IntArray, FloatArray]:
        """Signed geodesic metres to the edge of the nearest area, that area, and the edge's band.

        Negative inside. Inside an area it is that area's edge that counts, whatever else is near.
        """
        label = self.label(lon, lat)
        inside = np.where(label < self.n, label, NONE)
        p, best = ecef(lon, lat), np.full(len(lon), np.inf)
        foot, area = np.full((len(lon), 2), np.nan), np.full(len(lon), NONE, np.int16)
        band = np.full(len(lon), np.nan)
        for edge in self.edges:
            if not edge.inner:
                continue
            ask = np.flatnonzero((inside == NONE) | (inside == edge.area))
            ask = ask[edge.near(p[ask]) - HALF_M < best[ask]]
            if not len(ask):
                continue
            measured, at = edge.nearest(p[ask])
            won = measured < best[ask]
            best[ask[won]], foot[ask[won]] = measured[won], at[won]
            area[ask[won]], band[ask[won]] = edge.area, edge.band_m
        metres = np.full(len(lon), np.nan)
        found = np.flatnonzero(area != NONE)
        metres[found] = geod().inv(lon[found], lat[found], *foot[found].T)[2]
        return np.where(inside == NONE, metres, -metres), area, band

    def reaches(self, discs: Discs, area: int) -> BoolArray:
        """Whether discs reach one area, its undecided parts and the doubt about its edges counted in."""
        p, least = ecef(discs.lon, discs.lat), np.full(len(discs.lon), np.inf)
        for edge in self.edges:
            if edge.area == area:
                least = np.minimum(least, edge.nearest(p)[0] - edge.band_m)
        label = self.label(discs.lon, discs.lat)
        inside: BoolArray = (label == area) | (label == area + self.n)
        return inside | (least <= discs.radius_m)


@dataclass(frozen=True)
class Cells:
    """Cells of a grid of longitude and latitude that hold points.

    Parameters
    ----------
    lon, lat
        Points, in degrees from the south-western corner of the grid.
    which
        Cell of each point.
    column, row
        Place of each cell in the grid.
    size
        Degrees.
    parent
        Of each cell, the cell of the coarser grid that it was cut from.
    """

    lon: FloatArray
    lat: FloatArray
    which: IntArray
    column: IntArray
    row: IntArray
    size: float
    parent: IntArray

    @classmethod
    def over(cls, lon: FloatArray, lat: FloatArray) -> Cells:
        """One cell for the whole Earth."""
        one = np.zeros(1, np.int64)
        return cls(lon + 180.0, lat + 90.0, np.zeros(len(lon), np.int64), one, one, 360.0, one)

    def refined(self, size: float) -> Cells:
        """Cut into cells of `size` degrees; only those that hold points are there."""
        ratio = round(self.size / size)
        x = np.floor(self.lon / size).astype(np.int64) - (self.column * ratio)[self.which]
        y = np.floor(self.lat / size).astype(np.int64) - (self.row * ratio)[self.which]
        name = self.which * ratio**2 + np.clip(y, 0, ratio - 1) * ratio + np.clip(x, 0, ratio - 1)
        held = np.zeros(len(self.column) * ratio**2, np.bool_)
        held[name] = True
        names = np.flatnonzero(held)
        number = np.empty(len(held), np.int32)
        number[names] = np.arange(len(names))
        parent, inner = names // ratio**2, names % ratio**2
        column, row = self.column[parent] * ratio + inner % ratio, self.row[parent] * ratio + inner // ratio
        return Cells(self.lon, self.lat, number[name], column, row, size, parent)

    def only(self, mask: BoolArray) -> Cells:
        """The same cells with the points of `mask` alone."""
        return replace(self, lon=self.lon[mask], lat=self.lat[mask], which=self.which[mask])

    def middles(self) -> tuple[FloatArray, FloatArray]:
        """Longitude and latitude of the middle of each cell."""
        x, y = self.column.astype(float), self.row.astype(float)
        return (x + 0.5) * self.size - 180.0, (y + 0.5) * self.size - 90.0

    def reach(self) -> FloatArray:
        """Metres from the middle of each cell within which all of it lies."""
        low = np.abs(self.middles()[1]) - self.size / 2
        half = np.radians(self.size / 2) * EQUATOR_M * 1.01
        distance: FloatArray = half * np.hypot(1.0, np.cos(np.radians(np.maximum(low, 0.0)))) + 1.0
        return distance
