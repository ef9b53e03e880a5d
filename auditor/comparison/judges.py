"""Two values of one field held against each other: the same, to review, or not the same, and why."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.claims import trimmed
from auditor.comparison import reasons
from auditor.comparison.texts import detail_of, likeness, plain_address, plain_name, simplified
from auditor.datum import DATUMS, datum_code, to_wgs84
from auditor.registers import match_carrier

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from auditor.columns import Coded, FloatArray, IntArray
    from auditor.settings import MatchThresholds

EARTH_M = 6_371_008.8
NEAR_FACTOR = 10.0  # up to so many tolerances two places are a little apart, not at two places
CARRIER_WORDS = {"电信": "telecom", "联通": "unicom", "移动": "mobile", "铁通": "tietong", "其他": "other"}


@dataclass(frozen=True)
class Terms:
    """What a comparison is held by: the day, and how much may differ."""

    as_of: dt.date
    thresholds: MatchThresholds


Judge: TypeAlias = "Callable[[str, str, Terms], str]"


def address(one: str, other: str, terms: Terms) -> str:
    """Judge two addresses by their unit, street and numbers."""
    plain = plain_address(one), plain_address(other)
    if plain[0] == plain[1]:
        return ""
    folded = plain_address(simplified(one)), plain_address(simplified(other))
    if folded[0] == folded[1]:
        return "traditional"
    alike = likeness(*folded) >= terms.thresholds.address
    return "address_detail" if alike or detail_of(*folded) else "moved"


def name(one: str, other: str, _terms: Terms) -> str:
    """Judge two names of things; another name alone is no other thing."""
    if plain_name(one) == plain_name(other):
        return ""
    same = plain_name(simplified(one)) == plain_name(simplified(other))
    return "traditional" if same else "renamed"


def party(one: str, other: str, terms: Terms) -> str:
    """Judge two enterprises: by the register of carriers first, then by their names."""
    told = name(one, other, terms)
    if told != "renamed":
        return told
    folded = [simplified(text) for text in (one, other)]
    mine, theirs = (match_carrier(text, as_of=terms.as_of).carrier for text in folded)
    if mine or theirs:
        return "renamed" if mine == theirs else "supplier"
    short, long = sorted(map(plain_name, folded), key=len)
    alike = likeness(short, long) >= terms.thresholds.name or (len(short) > 1 and short in long)
    return "renamed" if alike else "other_unit"


def region(one: str, other: str, _terms: Terms) -> str:
    """Judge two region codes; one may be of a unit inside the other's."""
    mine, theirs = trimmed(one.strip()), trimmed(other.strip())
    if mine == theirs:
        return ""
    return "region_detail" if mine.startswith(theirs) or theirs.startswith(mine) else "moved"


def link_type(one: str, other: str, terms: Terms) -> str:
    """Judge two types of link, which filings name by carrier."""
    mine, theirs = (_carrier_word(text, terms) for text in (one, other))
    return "" if mine == theirs else "link_type"


def _carrier_word(text: str, terms: Terms) -> str:
    plain = simplified(text).strip()
    return CARRIER_WORDS.get(plain) or match_carrier(plain, as_of=terms.as_of).carrier or plain.casefold()


def exactly(reason: str) -> Judge:
    """Give a judge for whom only the same text is the same."""

    def judge(one: str, other: str, _terms: Terms) -> str:
        return "" if one.strip() == other.strip() else reason

    return judge


def listed(reason: str) -> Judge:
    """Give a judge of lists in a cell, in whatever order."""

    def judge(one: str, other: str, _terms: Terms) -> str:
        sets = [{part.strip() for part in text.split(";") if part.strip()} for text in (one, other)]
        return "" if sets[0] == sets[1] else reason

    return judge


def ranges(one: str, other: str, _terms: Terms) -> str:
    """Judge two lists of addresses and blocks by the addresses they hold."""
    return "" if _spans(one) == _spans(other) else "addresses"


def _spans(text: str) -> list[object]:
    blocks: dict[int, list[ipaddress.IPv4Network | ipaddress.IPv6Network]] = {4: [], 6: []}
    strange: list[object] = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        try:
            block = ipaddress.ip_network(part, strict=False)
        except ValueError:
            strange.append(part)
        else:
            blocks[block.version].append(block)
    merged = [*ipaddress.collapse_addresses(blocks[4]), *ipaddress.collapse_addresses(blocks[6])]  # type: ignore[type-var]
    return [*map(str, merged), *sorted(strange, key=str)]


def judged(one: Coded, other: Coded, judge: Judge, terms: Terms, *, both_state: bool) -> IntArray:
    """Judge two columns row by row: each distinct pair of values that differ is looked at once.

    Parameters
    ----------
    both_state
        Whether the two sides state this field at all; then a value on one side alone is worth a look.

    Returns
    -------
    IntArray
        Position in `reasons.NAMES`; 0 where nothing differs.
    """
    known = pc.index_in(pa.array(other.values, pa.string()), pa.array(one.values, pa.string()))
    shared = np.append(pc.fill_null(known, -2).to_numpy(zero_copy_only=False), -1)[other.codes]
    found = np.zeros(len(one), np.int8)
    if both_state:
        found[one.blank != other.blank] = reasons.code("unstated")
    rows = np.flatnonzero(~one.blank & ~other.blank & (shared != one.codes))
    pairs = one.codes[rows].astype(np.int64) * (len(other.values) + 1) + other.codes[rows]
    distinct, which = np.unique(pairs, return_inverse=True)
    mine, theirs = np.divmod(distinct, len(other.values) + 1)
    told = [
        reasons.code(judge(one.values[i], other.values[j], terms))
        for i, j in zip(mine.tolist(), theirs.tolist(), strict=True)
    ]
    found[rows] = np.array([*told, 0], np.int8)[which]
    return found


# --- coordinates ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Points:
    """Coordinates as stated."""

    lon: FloatArray
    lat: FloatArray
    accuracy_m: FloatArray
    datum: Coded

    def codes(self) -> IntArray:
        """Position of each datum in `DATUMS`."""
        unknown = DATUMS.index("unknown")
        return self.datum.map(
            lambda text: DATUMS.index(datum_code(text) or "unknown"), blank=unknown, dtype=np.int8
        )


def metres(lon: FloatArray, lat: FloatArray, lon_2: FloatArray, lat_2: FloatArray) -> FloatArray:
    """Distance between points on the sphere, exact enough for tolerances.

    Examples
    --------
    >>> metres(np.array([121.5]), np.array([31.2]), np.array([121.5]), np.array([31.201])).round().tolist()
    [111.0]
    """
    x, y, x_2, y_2 = map(np.radians, (lon, lat, lon_2, lat_2))
    half = np.sin((y_2 - y) / 2) ** 2 + np.cos(y) * np.cos(y_2) * np.sin((x_2 - x) / 2) ** 2
    distance: FloatArray = 2 * EARTH_M * np.arcsin(np.sqrt(np.minimum(half, 1.0)))
    return distance


def shift_between(one: Points, other: Points, terms: Terms) -> tuple[FloatArray, IntArray]:
    """Give the distance between places, and in which datum the coordinates must be to agree after all.

    Returns
    -------
    tuple
        Metres under the datums stated (unknown: WGS84); and a datum, as position in `DATUMS`, that one side's
        coordinates are in although it says another, -1 where none explains the distance.
    """
    mine, theirs = one.codes(), other.codes()
    here, there = to_wgs84(one.lon, one.lat, mine), to_wgs84(other.lon, other.lat, theirs)
    distance = metres(*here, *there)
    explained = np.full(len(mine), -1, np.int8)
    for datum in ("WGS84", "GCJ-02", "BD-09"):
        code = DATUMS.index(datum)
        left = metres(*to_wgs84(one.lon, one.lat, datum), *there)
        right = metres(*here, *to_wgs84(other.lon, other.lat, datum))
        fits = np.minimum(left, right) <= terms.thresholds.shift_m
        explained[fits & (explained < 0) & (distance > terms.thresholds.shift_m)] = code
    return distance, explained


def points(one: Points, other: Points, terms: Terms) -> tuple[IntArray, FloatArray, IntArray]:
    """Judge coordinates; also gives the distance and the datum that explains it."""
    distance, explained = shift_between(one, other, terms)
    accuracy = np.nan_to_num(one.accuracy_m) + np.nan_to_num(other.accuracy_m)
    tolerance = np.maximum(terms.thresholds.distance_m, accuracy)
    unknown = DATUMS.index("unknown")
    unsure = ((one.codes() == unknown) | (other.codes() == unknown)) & (
        distance <= terms.thresholds.unknown_datum_m
    )
    told = np.select(
        [
            np.isnan(distance),
            (explained >= 0) & (distance > terms.thresholds.least_shift_m),
            distance <= tolerance,
            unsure,
            distance <= NEAR_FACTOR * tolerance,
        ],
        [0, reasons.code("datum_shift"), 0, reasons.code("datum_unknown"), reasons.code("displaced")],
        reasons.code("moved"),
    )
    return told.astype(np.int8), distance, explained
