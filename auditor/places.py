"""Places as columns, and their relation to the areas: code, coordinates and address weighed together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor import claims
from auditor.datum import DATUMS, UNKNOWN_DATUM_M, datum_code, to_wgs84
from auditor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.columns import BoolArray, Coded, FloatArray, IntArray

RELATIONS = ("within", "outside", "straddling", "undecided", "unknown")
BASES = ("none", "region_code", "coordinates", "address")
WITHIN, OUTSIDE, STRADDLING, UNDECIDED, UNKNOWN = range(5)
DEFAULT_ACCURACY_M = 100.0
BOX_SLACK_M = 10_000.0
"""How far outside the extent of a unit a point may lie before they contradict: coasts are up to 8 km off."""

NO_POINT, POINT_WITHIN, POINT_OUTSIDE, POINT_NEAR, POINT_UNDECIDED, POINT_SEAWARD = range(6)
_CLASH, _POINT = -1, -2
_SAID = {"w": WITHIN, "o": OUTSIDE, "u": UNDECIDED, "s": STRADDLING, "?": UNKNOWN, "x": _CLASH, ".": _POINT}
# What a claim (row: nothing, within, outside, undecided, open) and coordinates (column: none, within,
# outside, near an edge, undecided part, seaward strip) make together: "." leaves it to the coordinates,
# "x" contradicts.
_SAME_AREA = ("?.....", "wwxw.w", "oxooxo", "uxuuuu", "s.....")
_OTHER_AREA = ("?.....", "wxxxxx", "oxooxo", "uxuuuu", "s.....")
_OUTCOME = np.array(
    [[[_SAID[c] for c in row] for row in rows] for rows in (_OTHER_AREA, _SAME_AREA)], np.int8
)
_POINT_RELATION = np.array([UNKNOWN, WITHIN, OUTSIDE, STRADDLING, UNDECIDED, UNDECIDED], np.int8)


@dataclass(frozen=True)
class Places:
    """Places as declared, one row each.

    Parameters
    ----------
    lon, lat
        Degrees in the row's datum, NaN if not known; 0,0 counts as not known.
    datum
        Names of `auditor.datum.DATUMS`; blank is unknown, which adds 1,400 m.
    accuracy_m
        Metres; NaN means 100 m.
    region_code, address
        As filed.
    """

    lon: FloatArray
    lat: FloatArray
    datum: Coded
    accuracy_m: FloatArray
    region_code: Coded
    address: Coded

    def __len__(self) -> int:
        return len(self.lon)


@dataclass(frozen=True)
class Relation:
    """How places lie to the areas, one row each.

    Parameters
    ----------
    relation
        int8 index into `RELATIONS`.
    area
        int8 index into the areas; -1 outside and where unknown. For straddling and undecided the nearest
        area, or the one that code or address speak of.
    part
        int16 index into the parts; -1 if none is certain.
    basis
        int8 index into `BASES`: what settled it.
    conflict
        Whether two of code, coordinates and address contradict one another beyond their accuracies.
    radius_m
        Accuracy with the doubt about the datum; NaN without coordinates.
    lon, lat
        WGS84; NaN without coordinates.
    """

    relation: IntArray
    area: IntArray
    part: IntArray
    basis: IntArray
    conflict: BoolArray
    radius_m: FloatArray
    lon: FloatArray
    lat: FloatArray


@dataclass(frozen=True)
class Points:
    """Coordinates in WGS84 with the radius of their discs, and what they alone say of the areas."""

    lon: FloatArray
    lat: FloatArray
    radius_m: FloatArray
    state: IntArray
    area: IntArray
    part: IntArray
    untold: BoolArray  # in a part whose region codes nobody states: no code can gainsay it


def _datum_index(name: str) -> int:
    code = datum_code(name)
    if code is None:
        raise UsageError(f"no such datum: {name!r}; one of {', '.join(DATUMS)}")
    return DATUMS.index(code)


def locate(places: Places) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Longitude and latitude in WGS84 and radius in metres, all NaN where there are no usable coordinates."""
    unknown = DATUMS.index("unknown")
    datum = places.datum.map(_datum_index, blank=unknown, dtype=np.int8)
    lon, lat = places.lon, places.lat
    usable = (np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0) & ((lon != 0.0) | (lat != 0.0))  # noqa: PLR2004
    east, north = to_wgs84(lon, lat, datum)
    radius = np.where(np.isnan(places.accuracy_m), DEFAULT_ACCURACY_M, np.maximum(places.accuracy_m, 0.0))
    radius = radius + np.where(datum == unknown, UNKNOWN_DATUM_M, 0.0)
    return np.where(usable, east, np.nan), np.where(usable, north, np.nan), np.where(usable, radius, np.nan)


@dataclass(frozen=True)
class Said:
    """Claims of one column, spread over the rows."""

    relation: IntArray
    area: IntArray
    part: IntArray
    first: IntArray
    beyond: IntArray
    box: FloatArray

    @classmethod
    def of(
        cls,
        column: Coded,
        read: Callable[[str], claims.Claim],
        areas: tuple[str, ...],
        parts: tuple[str, ...],
    ) -> Said:
        """Read each distinct value once."""
        found = [*map(read, column.values), claims.SILENT]
        spread = lambda values, dtype: np.array(values, dtype)[column.codes]  # noqa: E731 -- -1 picks the last
        return cls(
            spread([c.relation for c in found], np.int8),
            spread([areas.index(c.area) if c.area in areas else -1 for c in found], np.int8),
            spread([parts.index(c.part) if c.part in parts else -1 for c in found], np.int16),
            spread([c.first for c in found], np.int64),
            spread([c.beyond for c in found], np.int64),
            spread([c.box for c in found], np.float64),
        )

    @property
    def decisive(self) -> BoolArray:
        """Rows that say where, not only that geometry must."""
        settled: BoolArray = (self.relation != claims.NOTHING) & (self.relation != claims.OPEN)
        return settled

    def outside_box(self, points: Points) -> BoolArray:
        """Rows whose unit is open and whose disc lies well outside the unit's extent."""
        west, south, east, north = self.box.T
        slack = (points.radius_m + BOX_SLACK_M) / 111_000.0
        across = slack / np.maximum(np.cos(np.radians(points.lat)), 0.01)
        off = (points.lon < west - across) | (points.lon > east + across)
        off |= (points.lat < south - slack) | (points.lat > north + slack)
        return (self.relation == claims.OPEN) & off


def weigh(
    code: Said, address: Said, points: Points, touches: Callable[[IntArray, IntArray], BoolArray]
) -> Relation:
    """Weigh region code, coordinates and address: the code first, then coordinates, then the address.

    Parameters
    ----------
    touches
        From rows and areas to whether the disc of the row reaches that area; asked only where it matters.
    """
    by_code, by_address = code.decisive, address.decisive & ~code.decisive
    refined = (
        (code.relation == claims.WITHIN)
        & (address.relation == claims.UNDECIDED)
        & (code.area == address.area)
    )
    by_code, by_address = by_code & ~refined, by_address | refined
    from_address = by_address | ((code.relation == claims.NOTHING) & (address.relation != claims.NOTHING))
    claim = np.where(from_address, address.relation, code.relation)
    area = np.where(from_address, address.area, code.area)
    part = np.where(from_address, address.part, code.part)
    clash = _gainsay(code, address) & ~refined
    clash |= code.outside_box(points) | address.outside_box(points)

    same = area == points.area
    ask = np.flatnonzero((claim == claims.WITHIN) & (points.state == POINT_NEAR) & ~same)
    same[ask] = touches(ask, area[ask])
    outcome = _OUTCOME[same.astype(np.int8), claim, points.state]
    outcome = np.where((claim == claims.OUTSIDE) & points.untold, _POINT, outcome)
    clash |= outcome == _CLASH
    by_point = (outcome == _POINT) | (by_address & (outcome == _POINT_RELATION[points.state]))

    relation = np.where(outcome == _POINT, _POINT_RELATION[points.state], outcome)
    relation = np.where(clash, STRADDLING, relation).astype(np.int8)
    basis = np.select([by_point, from_address, claim != claims.NOTHING], [2, 3, 1], 0)
    outside = (relation == OUTSIDE) | (relation == UNKNOWN)
    pick_point = by_point | (clash & (area < 0) & (points.area >= 0))
    area = np.where(clash & (area < 0), address.area, area)
    return Relation(
        relation,
        np.where(outside, -1, np.where(pick_point, points.area, area)).astype(np.int8),
        np.where(outside | clash, -1, np.where(pick_point, points.part, part)).astype(np.int16),
        np.where(relation == UNKNOWN, 0, basis).astype(np.int8),
        clash,
        points.radius_m,
        points.lon,
        points.lat,
    )


def _gainsay(code: Said, address: Said) -> BoolArray:
    """Rows whose code and address cannot both be right, where that matters."""
    both = (code.relation != claims.NOTHING) & (address.relation != claims.NOTHING)
    differ = (code.relation != address.relation) | (code.area != address.area)
    apart = (code.first >= address.beyond) | (address.first >= code.beyond)
    certain = code.decisive & address.decisive
    clash: BoolArray = both & differ & (certain | (apart & (code.decisive | address.decisive)))
    return clash
