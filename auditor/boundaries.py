"""The edges of areas: which side a point lies on, how far off, and whether its disc touches a doubtful edge.

Distances are taken in three dimensions, between points of the ellipsoid: no projection, no seam, and a k-d
tree answers them. Edges are straight in longitude and latitude and cut to pieces of at most 100 m.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyproj
import shapely
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.columns import BoolArray, FloatArray, IntArray

NONE = -1
_GEOD = pyproj.Geod(ellps="WGS84")
_A, _E2 = 6378137.0, 6.69437999014e-3
_STEP_M = 100.0
_SAME_LINE = 2e-6  # degrees: boundary files are rounded to 1e-6
_CELLS = (1.0, 0.1, 0.01, 0.002)  # degrees; each divides the one before
_FEW = 4  # points a cell below which cells do not pay
_ON_EARTH_M = 3e7


def ecef(lon: FloatArray, lat: FloatArray) -> FloatArray:
    """Points of the ellipsoid in metres from the centre of the Earth, one row a point."""
    phi, lam = np.radians(lat), np.radians(lon)
    radius = _A / np.sqrt(1.0 - _E2 * np.sin(phi) ** 2)
    across = radius * np.cos(phi)
    return np.stack([across * np.cos(lam), across * np.sin(lam), radius * (1.0 - _E2) * np.sin(phi)], axis=-1)


def segments(shape: shapely.Geometry) -> FloatArray:
    """Edges of polygons as rows of lon, lat, lon, lat, in the order of their rings."""
    rings = shapely.get_rings(shapely.get_parts(shape))
    pairs = [np.hstack([points[:-1], points[1:]]) for points in map(shapely.get_coordinates, rings)]
    return np.concatenate(pairs) if pairs else np.empty((0, 4))


def inherit_bands(edges: FloatArray, sources: FloatArray, bands: FloatArray) -> FloatArray:
    """Accuracy of edges that an overlay made: the worst of the input edges that they lie on."""
    found = np.zeros(len(edges))
    tree = shapely.STRtree(shapely.linestrings(sources.reshape(-1, 2, 2)))
    middles = shapely.points((edges[:, :2] + edges[:, 2:]) / 2)
    edge, source = tree.query(middles, predicate="dwithin", distance=_SAME_LINE)
    np.maximum.at(found, edge, bands[source])
    return found


class Edge:
    """Edges of one accuracy that belong to one area.

    Parameters
    ----------
    lines
        Rows of lon, lat, lon, lat.
    area
        Index of the area.
    band_m
        Accuracy of these edges.
    inner
        Whether they bound what is in the area; else what is undecided.
    """

    def __init__(self, lines: FloatArray, area: int, band_m: float, *, inner: bool) -> None:
        self.area, self.band_m, self.inner = area, band_m, inner
        start, end = lines[:, :2], lines[:, 2:]
        length = np.linalg.norm(ecef(*start.T) - ecef(*end.T), axis=1)
        pieces = np.maximum(np.ceil(length / _STEP_M), 1).astype(np.int64)
        line = np.repeat(np.arange(len(lines)), pieces + 1)
        first = np.repeat(np.cumsum(pieces + 1) - pieces - 1, pieces + 1)
        place = np.arange(len(line)) - first
        self.lonlat = start[line] + (end - start)[line] * (place / pieces[line])[:, None]
        self.points = ecef(*self.lonlat.T)
        row = np.arange(len(line))
        self._next = np.where(place < pieces[line], row + 1, row)
        self._previous = np.where(place > 0, row - 1, row)
        self._tree = cKDTree(self.points, balanced_tree=False, compact_nodes=False)
        self.centre = (self.points.min(0) + self.points.max(0)) / 2
        self.radius = float(np.linalg.norm(self.points - self.centre, axis=1).max())

    def near(self, p: FloatArray) -> FloatArray:
        """Distance in metres, at most 50 m too long, never too short."""
        distance: FloatArray = self._tree.query(p)[0]
        return distance

    def nearest(self, p: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Distance in metres, and the longitude and latitude of the nearest point of the edges.

        An edge at distance d has a sample within sqrt(d² + 50²), so more samples are fetched until the
        farthest of them is farther than that.
        """
        distance, foot = np.full(len(p), np.inf), np.empty((len(p), 2))
        rows, k = np.arange(len(p)), 4
        while len(rows):
            k = min(k, len(self.points))
            far, samples = self._tree.query(p[rows], k=[*range(1, k + 1)])
            distance[rows], foot[rows] = self._best(p[rows], samples)
            sure = far[:, -1] ** 2 > distance[rows] ** 2 + (_STEP_M / 2) ** 2
            rows = rows[~sure] if k < len(self.points) else rows[:0]
            k *= 4
        return distance, foot

    def _best(self, p: FloatArray, samples: IntArray) -> tuple[FloatArray, FloatArray]:
        ends = np.concatenate([self._previous[samples], self._next[samples]], axis=1)
        samples = np.concatenate([samples, samples], axis=1)
        start, along = self.points[samples], self.points[ends] - self.points[samples]
        share = ((p[:, None] - start) * along).sum(-1) / np.maximum((along * along).sum(-1), 1e-9)
        share = np.clip(share, 0.0, 1.0)
        distance = np.linalg.norm(start + along * share[..., None] - p[:, None], axis=-1)
        pick = (np.arange(len(p)), distance.argmin(axis=1))
        a, b = self.lonlat[samples[pick]], self.lonlat[ends[pick]]
        return distance[pick], a + (b - a) * share[pick][:, None]


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


class Boundary:
    """Edges of all areas, ready for questions.

    Parameters
    ----------
    grounds
        Disjoint shapes: what is in each area, one an area, then what is undecided of each.
    edges
        Edges of these shapes, by accuracy.
    """

    def __init__(self, grounds: Sequence[shapely.Geometry], edges: Sequence[Edge]) -> None:
        self.grounds = list(grounds)
        self.edges = [edge for edge in edges if len(edge.points)]
        self.n = len(self.grounds) // 2
        shapely.prepare(self.grounds)

    def label(self, lon: FloatArray, lat: FloatArray) -> IntArray:
        """Ground that each point lies on, edges counted in; -1 for none."""
        label = np.full(len(lon), NONE, np.int16)
        for index, ground in enumerate(self.grounds):
            label[(label == NONE) & shapely.intersects_xy(ground, lon, lat)] = index
        return label

    def classify(self, lon: FloatArray, lat: FloatArray, radius_m: FloatArray) -> Ground:
        """Relate discs to the edges.

        Cells stand in for the points that they hold wherever the distance from the middle of the cell proves
        the answer for all of it (a distance changes by no more than one moves); the rest is measured point by
        point.
        """
        label, near = np.full(len(lon), NONE, np.int16), np.full(len(lon), NONE, np.int16)
        found = Ground(label, np.zeros(len(lon), np.bool_), near)
        rows = self._by_cells(lon, lat, radius_m, found) if self.edges else np.empty(0, np.int64)
        self._measure(rows, lon, lat, radius_m, found)
        doubtful = np.flatnonzero(found.touches)
        label[doubtful] = self.label(lon[doubtful], lat[doubtful])
        return found

    def _by_cells(self, lon: FloatArray, lat: FloatArray, radius_m: FloatArray, into: Ground) -> IntArray:
        """Answer all that cells can; the rows that they cannot are returned."""
        rows, cells = np.arange(len(lon)), Cells(lon, lat)
        for size in _CELLS:
            cells.refine(size)
            if len(cells) * _FEW > len(rows):
                break
            x, y = cells.middles()
            margin, gap, area = self._margins(ecef(x, y), exact=False)
            reach, side = cells.reach(), self.label(x, y)
            r, which = radius_m[rows], cells.which
            clear = r < (margin - reach - _STEP_M / 2)[which]
            touch = (r >= (margin + reach)[which]) & (gap > 2 * reach + _STEP_M)[which]
            into.label[rows[clear]] = side[which[clear]]
            into.touches[rows[touch]] = True
            into.near[rows[touch]] = area[which[touch]]
            open_ = ~(clear | touch)
            rows = rows[open_]
            cells.keep(open_)
        return rows

    def _measure(
        self, rows: IntArray, lon: FloatArray, lat: FloatArray, radius_m: FloatArray, into: Ground
    ) -> None:
        """Answer point by point: roughly first, to the millimetre where 50 m matter."""
        for exact in (False, True):
            if not len(rows):
                return
            slack = 0.0 if exact else _STEP_M / 2
            margin, gap, area = self._margins(ecef(lon[rows], lat[rows]), exact=exact)
            r = radius_m[rows]
            clear = r < margin - slack
            touch = (r >= margin) & (exact | (gap > 2 * slack))
            into.label[rows[clear]] = self.label(lon[rows[clear]], lat[rows[clear]])
            into.touches[rows[touch]] = True
            into.near[rows[touch]] = area[touch]
            rows = rows[~(clear | touch)]

    def _margins(self, p: FloatArray, *, exact: bool) -> tuple[FloatArray, FloatArray, IntArray]:
        """Least distance less band over all edges; and the nearest area, with its lead over the next."""
        least = np.full(len(p), _ON_EARTH_M)
        lower = np.full((len(p), self.n + 1), _ON_EARTH_M)  # one column more: there is always a next
        bounds = [np.linalg.norm(p - e.centre, axis=1) - e.radius for e in self.edges]
        reached = [np.linalg.norm(p - e.points[0], axis=1) for e in self.edges]
        no_more = np.min([far - e.band_m for far, e in zip(reached, self.edges, strict=True)], axis=0)
        inner = [far for far, e in zip(reached, self.edges, strict=True) if e.inner]
        no_farther = np.min(inner, axis=0, initial=np.inf)
        for edge, bound in zip(self.edges, bounds, strict=True):
            ask = bound - edge.band_m <= np.minimum(least, no_more)
            if edge.inner:
                ask |= bound <= np.minimum(lower.min(axis=1), no_farther)
            measured = edge.nearest(p[ask])[0] if exact else edge.near(p[ask])
            least[ask] = np.minimum(least[ask], measured - edge.band_m)
            if edge.inner:
                value = np.maximum(bound, 0.0)
                value[ask] = measured
                lower[:, edge.area] = np.minimum(lower[:, edge.area], value)
        area = lower.argmin(axis=1)
        first, second = np.partition(lower, 1, axis=1)[:, :2].T
        return least, second - first, area.astype(np.int16)

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
            bound = np.linalg.norm(p - edge.centre, axis=1) - edge.radius
            ask = np.flatnonzero(edge.inner & (bound < best) & ((inside == NONE) | (inside == edge.area)))
            measured, at = edge.nearest(p[ask])
            won = measured < best[ask]
            best[ask[won]], foot[ask[won]] = measured[won], at[won]
            area[ask[won]], band[ask[won]] = edge.area, edge.band_m
        metres = np.full(len(lon), np.nan)
        found = np.flatnonzero(area != NONE)
        metres[found] = _GEOD.inv(lon[found], lat[found], *foot[found].T)[2]
        return np.where(inside == NONE, metres, -metres), area, band

    def reaches(self, lon: FloatArray, lat: FloatArray, radius_m: FloatArray, area: int) -> BoolArray:
        """Whether discs reach one area, its undecided parts and the doubt about its edges counted in."""
        p, least = ecef(lon, lat), np.full(len(lon), np.inf)
        for edge in self.edges:
            if edge.area == area:
                least = np.minimum(least, edge.nearest(p)[0] - edge.band_m)
        label = self.label(lon, lat)
        return (least <= radius_m) | (label == area) | (label == area + self.n)


class Cells:
    """Cells of a grid of longitude and latitude that hold points, refined level by level.

    Parameters
    ----------
    lon, lat
        Points, in degrees.
    """

    def __init__(self, lon: FloatArray, lat: FloatArray) -> None:
        self._x, self._y = lon + 180.0, lat + 90.0
        self.which = np.zeros(len(lon), np.int64)
        self._column = self._row = np.zeros(1, np.int64)
        self._size = 360.0

    def refine(self, size: float) -> None:
        """Cut the cells that hold points into cells of `size` degrees, and number those that hold points."""
        ratio = round(self._size / size)
        x = np.floor(self._x / size).astype(np.int64) - (self._column * ratio)[self.which]
        y = np.floor(self._y / size).astype(np.int64) - (self._row * ratio)[self.which]
        name = self.which * ratio**2 + np.clip(y, 0, ratio - 1) * ratio + np.clip(x, 0, ratio - 1)
        held = np.zeros(len(self._column) * ratio**2, np.bool_)
        held[name] = True
        names = np.flatnonzero(held)
        number = np.empty(len(held), np.int32)
        number[names] = np.arange(len(names))
        self.which, parent, inner = number[name], names // ratio**2, names % ratio**2
        self._column = self._column[parent] * ratio + inner % ratio
        self._row = self._row[parent] * ratio + inner // ratio
        self._size = size

    def keep(self, mask: BoolArray) -> None:
        """Drop the points outside `mask`."""
        self._x, self._y, self.which = self._x[mask], self._y[mask], self.which[mask]

    def __len__(self) -> int:
        return len(self._column)

    def middles(self) -> tuple[FloatArray, FloatArray]:
        """Longitude and latitude of the middle of each cell."""
        return (self._column + 0.5) * self._size - 180.0, (self._row + 0.5) * self._size - 90.0

    def reach(self) -> FloatArray:
        """Metres from the middle of each cell within which all of it lies."""
        low = np.abs(self.middles()[1]) - self._size / 2
        half = np.radians(self._size / 2) * _A * 1.01
        distance: FloatArray = half * np.hypot(1.0, np.cos(np.radians(np.maximum(low, 0.0)))) + 1.0
        return distance
