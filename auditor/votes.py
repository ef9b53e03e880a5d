"""The evidence calculus: what observations of places say of a claim, how each weighs, how they add up.

An observation implies a region, and the region against the area claimed gives support, contradiction or
nothing. Families of sources are counted, not sources: two that copy one another are one. A claim is
contradicted by two independent families or by one physical bound; nothing is averaged, and nothing here ever
fails anybody (DESIGN 9).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor import columns
from auditor.columns import Coded
from auditor.datum import geod
from auditor.language import Text, both
from auditor.places import OUTSIDE, WITHIN, Places
from auditor.registers import MUNICIPALITIES, read_weights

if TYPE_CHECKING:
    import datetime as dt

    import pyarrow as pa

    from auditor.columns import BoolArray, FloatArray, IntArray
    from auditor.registers import Weights
    from auditor.zones import Areas

MAINLAND_CODE = 6
CONTRADICTION = 2  # independent families


class Says(IntEnum):
    """What one observation says of the claim."""

    NOTHING = 0
    SUPPORT = 1
    CONTRADICT = 2
    VOID = 3


REASONS: dict[str, Text] = {
    "": both(""),
    "no_answer": both("no place was given"),
    "whole": both("the region it names holds places in and out of the area"),
    "default": both("what the source says where it does not know"),
    "weak": both("known to be unreliable here"),
    "old": both("too old to know new blocks outside the mainland"),
    "anycast": both("announced from several places, so the address has no place"),
    "bound": both("the signal cannot have come from there in that time"),
    "reach": both("a delay disproves, it never proves"),
    "near": both("another city of the same province, where carriers' addresses are often placed"),
    "no_claim": both("no area and no region code is known to hold it against"),
}


@dataclass(frozen=True)
class Claims:
    """Where subjects are said to stand, one row an observation.

    Parameters
    ----------
    area
        Index into the areas; -1 where the claim names none.
    region
        Region code declared; a place of another province contradicts it, whatever the area.
    lon, lat, radius_m
        Disc declared, WGS84; NaN without coordinates.
    anycast
        Whether the address is announced from several places.
    """

    area: IntArray
    region: Coded
    lon: FloatArray
    lat: FloatArray
    radius_m: FloatArray
    anycast: BoolArray


@dataclass(frozen=True)
class Votes:
    """What each observation of a place says of its claim, one row each.

    Parameters
    ----------
    says
        int8 `Says`.
    weight
        Likelihood ratio of the claim, below 1 against it; NaN where it is not calibrated or does not count.
    reason
        Why it says nothing or is void: a key of `REASONS`.
    family
        Family of each row.
    """

    says: IntArray
    weight: FloatArray
    reason: Coded
    family: Coded

    def __len__(self) -> int:
        return len(self.says)


def coarsened(region: str, finest: str) -> str:
    """Give the code of the region that a family's word is taken for: a district counts as its city.

    Examples
    --------
    >>> coarsened("310115", "city"), coarsened("440304", "city"), coarsened("440304", "district")
    ('310000', '440300', '440304')
    """
    if finest == "district" or len(region) != MAINLAND_CODE or not region.isdigit():
        return region
    return region[:2] + "0000" if region[:2] in MUNICIPALITIES else region[:4] + "00"


def relate_regions(areas: Areas, regions: list[str]) -> tuple[IntArray, IntArray]:
    """Relation of regions, by code, to the areas, and the area each is in or speaks of."""
    nowhere = np.full(len(regions), np.nan)
    blank = Coded.of([None] * len(regions))
    found = areas.relate(Places(nowhere, nowhere, blank, nowhere, Coded.of(regions), blank))
    return found.relation, found.area


def weigh(places: pa.Table, claims: Claims, areas: Areas, as_of: dt.date) -> Votes:
    """Weigh observations of places against what is claimed.

    Parameters
    ----------
    places
        Rows of kind ``place`` (`auditor.observations.ARROW`).
    claims
        One a row.
    areas
        Areas in force.
    as_of
        Date of the audit, from which the age of data counts.
    """
    weights = read_weights()
    family, region = Coded.of(places.column("family")), Coded.of(places.column("region"))
    extent, outcome = Coded.of(places.column("extent")), Coded.of(places.column("outcome"))
    taken = _taken(weights, family, region)
    says, reason = np.zeros(len(family), np.int8), np.full(len(family), "", "U9")
    ballot = _Ballot(weights, places, claims, areas, taken, family, says, reason)
    ballot.hold_regions()
    ballot.hold_discs()
    silent = ~outcome.isin({"answer"}) | extent.isin({"none"}) | extent.blank
    says[silent], reason[silent] = Says.NOTHING, "no_answer"
    ballot.strike(as_of)
    return Votes(says, ballot.ratios(), Coded.of(reason.tolist()), family)


@dataclass(frozen=True)
class _Ballot:
    """Votes in the making: `says` and `reason` are filled in place, step by step."""

    weights: Weights
    places: pa.Table
    claims: Claims
    areas: Areas
    taken: Coded
    family: Coded
    says: IntArray
    reason: Any

    def hold_regions(self) -> None:
        """Hold each region against the area claimed, then against the province declared.

        Zhejiang holds a piece of Shanghai's area, Xiaoyangshan, and still no place with a code of Pudong;
        Shanghai's word on Xiaoyangshan itself, whose code leaves the area open, says nothing.
        """
        relation, where = relate_regions(self.areas, list(self.taken.values))
        relation, where = (np.append(part, -1)[self.taken.codes] for part in (relation, where))
        named, same = self.claims.area >= 0, where == self.claims.area
        inside, elsewhere = relation == WITHIN, (where >= 0) & ~same
        if any(part.own and part.region_codes is None for part in self.areas.parts):
            elsewhere &= inside  # a part that states no codes leaves open what a province holds
        self.says[named & inside & same] = Says.SUPPORT
        self.says[named & ((relation == OUTSIDE) | elsewhere)] = Says.CONTRADICT
        self._hold_provinces(named)
        nothing = (self.says == Says.NOTHING) & (self.reason != "near")
        self.reason[nothing] = "whole"
        self.reason[nothing & ~named & self.claims.region.blank] = "no_claim"

    def _hold_provinces(self, named: BoolArray) -> None:
        def cut(column: Coded, first: int, last: int) -> Any:
            return column.map(lambda code: code[first:last], blank="", dtype="U2")

        mine, theirs = cut(self.claims.region, 0, 2), cut(self.taken, 0, 2)
        my_city, their_city = cut(self.claims.region, 2, 4), cut(self.taken, 2, 4)
        near = (my_city != their_city) & (my_city != "00") & (their_city != "00")
        settled = relate_regions(self.areas, list(self.claims.region.values))[0] == WITHIN
        settled = ~named | np.append(settled, False)[self.claims.region.codes]
        said = (self.says == Says.NOTHING) & (mine != "") & (theirs != "") & (theirs != "CN")
        self.says[said & settled & (mine != theirs)] = Says.CONTRADICT
        self.says[said & (mine == theirs) & ~named & ~near] = Says.SUPPORT
        self.reason[said & (mine == theirs) & ~named & near] = "near"

    def hold_discs(self) -> None:
        """Hold discs against the place declared, or the area claimed; a delay only ever disproves."""
        lon, lat, radius = (columns.floats(self.places, name) for name in ("lon", "lat", "radius_m"))
        rows = np.flatnonzero(~np.isnan(lon + lat + radius))
        if not len(rows):
            return
        claims, area = self.claims, self.claims.area
        placed = ~np.isnan(claims.lon[rows] + claims.lat[rows])
        at = rows[placed]
        away = np.zeros(len(rows), np.bool_)
        metres = geod().inv(claims.lon[at], claims.lat[at], lon[at], lat[at])[2]
        away[placed] = metres - claims.radius_m[at] > radius[at]
        unplaced = ~placed & (area[rows] >= 0)
        for one in np.unique(area[rows[unplaced]]).tolist():
            mask = unplaced & (area[rows] == one)
            here = rows[mask]
            away[mask] = ~self.areas.reached(lon[here], lat[here], radius[here], one)
        bound = columns.flags(self.places, "bound")[rows]
        self.says[rows] = np.where(away, Says.CONTRADICT, Says.NOTHING)
        self.reason[rows] = np.where(away & bound, "bound", np.where(away, "", "reach"))

    def strike(self, as_of: dt.date) -> None:
        """Strike what is known to carry nothing: defaults, old words on foreign places, anycast."""
        counts = (self.says == Says.SUPPORT) | (self.says == Says.CONTRADICT)
        oldest = (as_of - columns.EPOCH).days - self.weights.fresh_days
        foreign = self.taken.map(
            lambda code: not code[:1].isdigit() and code != "CN", blank=False, dtype=np.bool_
        )
        old = columns.days(self.places, "vintage_on", blank=int(columns.LAST_DAY)) < oldest
        default = np.zeros(len(self.says), np.bool_)
        for name in self.family.values:
            usual = self.weights.family(name).defaults
            default |= self.family.isin({name}) & self.taken.isin(usual)
        nowhere = self.claims.anycast & ~columns.flags(self.places, "bound")
        for why, mask in (("old", foreign & old), ("default", default), ("anycast", nowhere)):
            struck = counts & mask
            self.says[struck], self.reason[struck] = Says.VOID, why

    def ratios(self) -> FloatArray:
        """Likelihood ratios of the words that count; words that the calibration voids are struck."""
        ratio = np.full(len(self.says), np.nan)
        for (name, place), weight in self.weights.by_area.items():
            if place not in self.areas.ids or name not in self.family.values:
                continue
            mine = self.family.isin({name}) & (self.claims.area == self.areas.ids.index(place))
            pairs = (("support", Says.SUPPORT), ("contradict", Says.CONTRADICT))
            for word, said in pairs:
                rows = mine & (self.says == said)
                if word in weight.void:
                    self.says[rows], self.reason[rows] = Says.VOID, "weak"
                else:
                    ratio[rows] = getattr(weight, word)
        self._by_source(ratio)
        return ratio

    def _by_source(self, ratio: FloatArray) -> None:
        """Take the measurement of a source by itself, where there is one, instead of its family's."""
        source = Coded.of(self.places.column("source"))
        for (name, place), weight in self.weights.by_source.items():
            own = source.isin({name, f"databases.{name}"})
            if place in self.areas.ids and own.any():
                mine = own & (self.claims.area == self.areas.ids.index(place)) & ~np.isnan(ratio)
                ratio[mine & (self.says == Says.SUPPORT)] = weight.support
                ratio[mine & (self.says == Says.CONTRADICT)] = weight.contradict


def _taken(weights: Weights, family: Coded, region: Coded) -> Coded:
    """Regions as they are taken, each distinct combination once."""
    deep = len(region.values) + 1
    keys = (family.codes + 1).astype(np.int64) * deep + region.codes + 1
    distinct, which = np.unique(keys, return_inverse=True)
    read: list[str | None] = []
    for key in distinct.tolist():
        f, r = divmod(key, deep)
        finest = weights.family(family.values[f - 1]).finest if f else "city"
        read.append(coarsened(region.values[r - 1], finest) if r else None)
    return Coded.of(read).take(which)


# --- adding up --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tally:
    """What the votes on each subject come to, one row a subject.

    Parameters
    ----------
    contradicting, supporting
        Independent families, on the address of the subject where they are most.
    bound
        Whether a physical bound disproves the claim.
    alone
        Whether a family contradicts whose word counts alone.
    seen
        Whether any source gave a place at all.
    """

    contradicting: IntArray
    supporting: IntArray
    bound: BoolArray
    alone: BoolArray
    seen: BoolArray

    @property
    def contradicted(self) -> BoolArray:
        """Subjects whose claim does not stand unquestioned."""
        doubt: BoolArray = (self.contradicting >= CONTRADICTION) | self.bound | self.alone
        return doubt


def tally(votes: Votes, bound: BoolArray, subject: IntArray, asked: IntArray, subjects: int) -> Tally:
    """Add votes up: families are counted on each address, and the address with most decides.

    Parameters
    ----------
    votes
        One a row.
    bound
        Rows that are physical bounds.
    subject
        Number of the subject of each row, -1 for rows of none.
    asked
        Number of what each row was asked about.
    subjects
        How many subjects there are.

    Notes
    -----
    A family that both supports and contradicts on one address says nothing.
    """
    mine = subject >= 0
    wide = len(votes.family.values) + 1
    pair_of = subject[mine].astype(np.int64) * (int(asked.max(initial=0)) + 1) + asked[mine]
    groups, which = np.unique(pair_of * wide + votes.family.codes[mine] + 1, return_inverse=True)
    said = votes.says[mine]
    yes = np.bincount(which, said == Says.SUPPORT, len(groups)) > 0
    no = np.bincount(which, said == Says.CONTRADICT, len(groups)) > 0
    pairs, pair = np.unique(groups // wide, return_inverse=True)
    whom = pairs // (int(asked.max(initial=0)) + 1)

    def most(mask: BoolArray) -> IntArray:
        families = np.bincount(pair, mask, len(pairs)).astype(np.int64)
        best = np.zeros(subjects, np.int64)
        np.maximum.at(best, whom, families)
        return best

    def any_(rows: BoolArray) -> BoolArray:
        return np.bincount(subject[rows], minlength=subjects) > 0

    weights = read_weights()
    loud = votes.family.map(lambda name: weights.family(name).alone, blank=False, dtype=np.bool_)
    against = mine & (votes.says == Says.CONTRADICT)
    return Tally(
        most(no & ~yes),
        most(yes & ~no),
        any_(against & bound),
        any_(against & loud),
        any_(mine & (votes.reason.map(lambda r: r != "no_answer", blank=True, dtype=np.bool_))),
    )


def joint(weight: FloatArray, family: Coded) -> float | None:
    """Likelihood ratio of all votes together; nothing if none of them is calibrated.

    Sources of one family repeat one another: beyond the strongest they count half (two of them are about one
    and a half votes), each side by itself, so that a family that contradicts itself says nothing.

    Examples
    --------
    >>> round(joint(np.array([20.0, 20.0, 0.1]), Coded.of(["a", "a", "b"])), 1)
    8.9
    """
    logs = np.log(weight)
    known = ~np.isnan(logs)
    if not known.any():
        return None
    total = 0.0
    for code in np.unique(family.codes[known]).tolist():
        own = logs[known & (family.codes == code)]
        for side in (np.maximum(own, 0), np.minimum(own, 0)):
            total += float(side[np.argmax(np.abs(side))] + side.sum()) / 2
    return float(np.exp(total))
