"""Edges of areas: how far points are from them, and which of two overlaid shapes an edge comes from."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from auditor.columns import FloatArray, IntArray

EQUATOR_M, _E2 = 6378137.0, 6.69437999014e-3
_STEP_M = 100.0
_SAME_LINE = 2e-6  # degrees: boundary files are rounded to 1e-6
_MANY_POINTS = 10_000  # that are worth a second thread
_FEW_POINTS = 100  # that are measured before scipy.spatial is loaded
HALF_M = _STEP_M / 2


def ecef(lon: FloatArray, lat: FloatArray) -> FloatArray:
    """Points of the ellipsoid in metres from the centre of the Earth, one row a point."""
    phi, lam = np.radians(lat), np.radians(lon)
    radius = EQUATOR_M / np.sqrt(1.0 - _E2 * np.sin(phi) ** 2)
    across = radius * np.cos(phi)
    return np.stack([across * np.cos(lam), across * np.sin(lam), radius * (1.0 - _E2) * np.sin(phi)], axis=-1)


def inherit_bands(edges: FloatArray, sources: FloatArray, bands: FloatArray) -> FloatArray:
    """Accuracy of edges that an overlay made: the worst of the input edges that they lie on."""
    found = np.zeros(len(edges))
    lines = np.atleast_1d(np.asarray(shapely.linestrings(sources.reshape(-1, 2, 2)), object))
    tree = shapely.STRtree(lines)
    middles = shapely.points((edges[:, :2] + edges[:, 2:]) / 2)
    edge, source = tree.query(middles, predicate="dwithin", distance=_SAME_LINE)
    np.maximum.at(found, edge, bands[source])
    return found


def apart(edges: FloatArray, shape: shapely.Geometry) -> FloatArray:
    """Edges that are not edges of `shape`, too."""
    middles = shapely.points((edges[:, :2] + edges[:, 2:]) / 2)
    border = shapely.boundary(shape)
    shapely.prepare(border)
    kept: FloatArray = edges[~shapely.dwithin(border, middles, _SAME_LINE)]
    return kept


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
        self.lines = lines

    @cached_property
    def _samples(self) -> tuple[FloatArray, IntArray, IntArray]:
        """Points at most 100 m apart, and the rows of those before and after each on its line."""
        start, end = self.lines[:, :2], self.lines[:, 2:]
        length = np.linalg.norm(ecef(*start.T) - ecef(*end.T), axis=1)
        pieces = np.maximum(np.ceil(length / _STEP_M), 1).astype(np.int64)
        line = np.repeat(np.arange(len(self.lines)), pieces + 1)
        first = np.repeat(np.cumsum(pieces + 1) - pieces - 1, pieces + 1)
        place, row = np.arange(len(line)) - first, np.arange(len(line))
        lonlat = start[line] + (end - start)[line] * (place / pieces[line])[:, None]
        return lonlat, np.where(place > 0, row - 1, row), np.where(place < pieces[line], row + 1, row)

    @property
    def lonlat(self) -> FloatArray:
        """Points of the edges, at most 100 m apart, in degrees."""
        return self._samples[0]

    @cached_property
    def points(self) -> FloatArray:
        """The same in metres from the centre of the Earth."""
        return ecef(*self.lonlat.T)

    @cached_property
    def _tree(self) -> Any:
        from scipy.spatial import cKDTree  # noqa: PLC0415 -- a quarter of a second that few runs need

        return cKDTree(self.points, balanced_tree=False, compact_nodes=False)

    def _closest(self, p: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
        """Distances to the `k` samples next to each point, and the samples; the nearest first."""
        if len(p) > _FEW_POINTS or "_tree" in vars(self):
            threads = -1 if len(p) > _MANY_POINTS else 1
            far, samples = map(np.asarray, self._tree.query(p, k=[*range(1, k + 1)], workers=threads))
            return far, samples
        far, samples = np.empty((len(p), k)), np.empty((len(p), k), np.int64)
        for row, point in enumerate(p):
            away = np.sqrt(((self.points - point) ** 2).sum(axis=1))
            some = np.argpartition(away, k - 1)[:k]
            samples[row] = some[np.argsort(away[some], kind="stable")]
            far[row] = away[samples[row]]
        return far, samples

    def near(self, p: FloatArray) -> FloatArray:
        """Distance in metres, at most 50 m too long, never too short."""
        return self._closest(p, 1)[0][:, 0]

    def nearest(self, p: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Distance in metres, and the longitude and latitude of the nearest point of the edges.

        An edge at distance d has a sample within sqrt(d² + 50²), so more samples are fetched until the
        farthest of them is farther than that.
        """
        distance, foot = np.full(len(p), np.inf), np.empty((len(p), 2))
        rows, k = np.arange(len(p)), 4
        while len(rows):
            k = min(k, len(self.points))
            far, samples = self._closest(p[rows], k)
            distance[rows], foot[rows] = self._best(p[rows], samples)
            sure = far[:, -1] ** 2 > distance[rows] ** 2 + HALF_M**2
            rows = rows[~sure] if k < len(self.points) else rows[:0]
            k *= 4
        return distance, foot

    def _best(self, p: FloatArray, samples: IntArray) -> tuple[FloatArray, FloatArray]:
        lonlat, previous, following = self._samples
        ends = np.concatenate([previous[samples], following[samples]], axis=1)
        samples = np.concatenate([samples, samples], axis=1)
        start, along = self.points[samples], self.points[ends] - self.points[samples]
        share = ((p[:, None] - start) * along).sum(-1) / np.maximum((along * along).sum(-1), 1e-9)
        share = np.clip(share, 0.0, 1.0)
        distance = np.linalg.norm(start + along * share[..., None] - p[:, None], axis=-1)
        pick = (np.arange(len(p)), distance.argmin(axis=1))
        a, b = lonlat[samples[pick]], lonlat[ends[pick]]
        return distance[pick], a + (b - a) * share[pick][:, None]
