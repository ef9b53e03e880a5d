"""Places as columns, and their relation to the areas: code, coordinates and address weighed together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from auditor import claims
from auditor.columns import Coded
from auditor.datum import DATUMS, UNKNOWN_DATUM_M, datum_code, to_wgs84
from auditor.errors import UsageError
from auditor.language import say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from auditor.columns import BoolArray, FloatArray, IntArray

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
_BASIS = np.array([1, 3, 2, 2], np.int8)  # by code, by address, by coordinates, whatever the address says
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

    def at(self, rows: slice) -> Places:
        """Some of them."""
        return Places(
            self.lon[rows],
            self.lat[rows],
            Coded(self.datum.codes[rows], self.datum.values),
            self.accuracy_m[rows],
            Coded(self.region_code.codes[rows], self.region_code.values),
            Coded(self.address.codes[rows], self.address.values),
        )


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

    @classmethod
    def blank(cls, points: Points) -> Relation:
        """Make room for the answers on some points."""
        n = len(points.lon)
        area, part = np.empty(n, np.int8), np.empty(n, np.int16)
        relation, basis, conflict = np.empty(n, np.int8), np.empty(n, np.int8), np.empty(n, np.bool_)
        return cls(relation, area, part, basis, conflict, points.radius_m, points.lon, points.lat)

    def fill(self, rows: slice, of: Relation) -> None:
        """Take over the answers on some rows; coordinates are there already."""
        for name in ("relation", "area", "part", "basis", "conflict"):
            getattr(self, name)[rows] = getattr(of, name)


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

    @classmethod
    def blank(cls, n: int) -> Points:
        """Make room for some points."""
        lon, lat, radius, state, area = *np.empty((3, n)), np.empty(n, np.int8), np.empty(n, np.int8)
        return cls(lon, lat, radius, state, area, np.empty(n, np.int16), np.empty(n, np.bool_))

    def at(self, rows: slice) -> Points:
        """Some of them."""
        return Points(*(getattr(self, field)[rows] for field in self.__dataclass_fields__))


def _datum_index(name: str) -> int:
    code = datum_code(name)
    if code is None:
        raise UsageError(say("no such datum: {names}; one of {datums}", names=repr(name), datums=DATUMS))
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
    """Claims of one column: each distinct value is read once, and spread over the rows where it is needed.

    Parameters
    ----------
    codes
        Value of each row, -1 for blank.
    relations, areas, parts, untold, spans, boxes
        What each value says (`auditor.claims.Claim`), and at the end what a blank does.
    """

    codes: IntArray
    relations: IntArray
    areas: IntArray
    parts: IntArray
    untold: BoolArray
    spans: IntArray
    boxes: FloatArray

    @classmethod
    def of(
        cls, column: Coded, read: Callable[[str], claims.Claim], areas: Sequence[str], parts: Sequence[str]
    ) -> Said:
        """Read a column of region codes or addresses; `areas` and `parts` are what indexes stand for."""
        found = [*map(read, column.values), claims.SILENT]  # a blank picks the last
        return cls(
            column.codes,
            np.array([c.relation for c in found], np.int8),
            np.array([areas.index(c.area) if c.area in areas else -1 for c in found], np.int8),
            np.array([parts.index(c.part) if c.part in parts else -1 for c in found], np.int16),
            np.array([c.untold for c in found]),
            np.array([(c.first, c.beyond) for c in found], np.int64),
            np.array([c.box for c in found]),
        )

    def at(self, rows: slice) -> Said:
        """Give what is said of some rows."""
        return replace(self, codes=self.codes[rows])

    @property
    def silent(self) -> bool:
        """Whether no row says anything."""
        return int(self.codes.max(initial=-1)) < 0

    @cached_property
    def relation(self) -> IntArray:
        """What each row says."""
        return self.relations.take(self.codes)

    @cached_property
    def area(self) -> IntArray:
        """Area that each row speaks of."""
        return self.areas.take(self.codes)

    @cached_property
    def part(self) -> IntArray:
        """Part that each row speaks of."""
        return self.parts.take(self.codes)

    def heed(self, points: Points) -> None:
        """Where there are coordinates, they tell whether a part whose codes nobody states is meant."""
        if self.untold.any():
            rows = self.untold[self.codes] & (points.state != NO_POINT)
            self.relation[rows], self.area[rows] = claims.OUTSIDE, -1

    @property
    def decisive(self) -> BoolArray:
        """Rows that say where, not only that geometry must."""
        settled: BoolArray = (self.relation != claims.NOTHING) & (self.relation != claims.OPEN)
        return settled

    def apart_from(self, other: Said, rows: IntArray) -> BoolArray:
        """Whether the units that two columns name exclude one another."""
        mine, theirs = self.spans[self.codes[rows]].T, other.spans[other.codes[rows]].T
        apart: BoolArray = (mine[0] >= theirs[1]) | (theirs[0] >= mine[1])
        return apart

    def off_box(self, points: Points) -> IntArray:
        """Rows whose unit is open and whose disc lies well outside the extent of the unit."""
        rows = np.flatnonzero((self.relation == claims.OPEN) & (points.state != NO_POINT))
        west, south, east, north = self.boxes[self.codes[rows]].T
        lon, lat = points.lon[rows], points.lat[rows]
        slack = (points.radius_m[rows] + BOX_SLACK_M) / 111_000.0
        across = slack / np.maximum(np.cos(np.radians(lat)), 0.01)
        off = (lon < west - across) | (lon > east + across) | (lat < south - slack) | (lat > north + slack)
        found: IntArray = rows[off]
        return found


def weigh(
    code: Said, address: Said, points: Points, touches: Callable[[IntArray, IntArray], BoolArray]
) -> Relation:
    """Weigh region code, coordinates and address: the code first, then coordinates, then the address.

    Parameters
    ----------
    touches
        From rows and areas to whether the disc of the row reaches that area; asked only where it matters.
    """
    if code.silent and address.silent:
        return _by_points(points)
    for said in (code, address):
        said.heed(points)
    clash, by_address = _compare(code, address)
    claim = np.where(by_address, address.relation, code.relation)
    area = np.where(by_address, address.area, code.area)
    for said in (code, address):
        clash[said.off_box(points)] = True

    same = area == points.area
    ask = np.flatnonzero((claim == claims.WITHIN) & (points.state == POINT_NEAR) & ~same)
    same[ask] = touches(ask, area[ask])
    outcome = _OUTCOME.take((same.astype(np.int8) * np.int8(5) + claim) * np.int8(6) + points.state)
    if points.untold.any():
        outcome[(claim == claims.OUTSIDE) & points.untold] = _POINT
    clash |= outcome == _CLASH
    point_says = _POINT_RELATION.take(points.state)
    by_point = ~clash & ((outcome == _POINT) | (by_address & (outcome == point_says)))

    relation = np.where(outcome == _POINT, point_says, outcome)
    relation[clash] = STRADDLING
    basis = _BASIS.take(by_address + np.int8(2) * by_point)
    basis[relation == UNKNOWN] = 0
    nowhere = (relation == OUTSIDE) | (relation == UNKNOWN)
    area = np.where(by_point, points.area, area)
    for other in (code.area, address.area, points.area):
        area = np.where(clash & (area < 0), other, area)
    part = np.where(by_point, points.part, np.where(by_address, address.part, code.part))
    area[nowhere] = -1
    part[nowhere | clash] = -1
    return Relation(relation, area, part, basis, clash, points.radius_m, points.lon, points.lat)


def _by_points(points: Points) -> Relation:
    """Let coordinates speak alone: half the time of asking what claims that nobody makes say to them."""
    relation = _POINT_RELATION.take(points.state)
    nowhere = (relation == OUTSIDE) | (relation == UNKNOWN)
    area, part = (
        np.where(nowhere, kind(-1), of) for kind, of in ((np.int8, points.area), (np.int16, points.part))
    )
    basis = np.where(relation == UNKNOWN, np.int8(0), np.int8(2))
    clash = np.zeros(len(relation), np.bool_)
    return Relation(relation, area, part, basis, clash, points.radius_m, points.lon, points.lat)


def _compare(code: Said, address: Said) -> tuple[BoolArray, BoolArray]:
    """Rows whose code and address cannot both be right, where that matters; rows where the address counts.

    An address inside an undecided part refines a code that is within its area: Shenshan files as Shenzhen.
    """
    nothing, decisive = code.relation == claims.NOTHING, code.decisive
    by_address = (nothing & (address.relation != claims.NOTHING)) | (~decisive & address.decisive)
    clash = np.zeros(len(nothing), np.bool_)
    rows = np.flatnonzero(~nothing & (address.relation != claims.NOTHING))
    one, other = code.relation[rows], address.relation[rows]
    same = code.area[rows] == address.area[rows]
    refined = (one == claims.WITHIN) & (other == claims.UNDECIDED) & same
    by_address[rows[refined]] = True
    sure, also = decisive[rows], address.decisive[rows]
    differ = ((one != other) | ~same) & ~refined
    clash[rows] = differ & ((sure & also) | ((sure | also) & code.apart_from(address, rows)))
    return clash, by_address
