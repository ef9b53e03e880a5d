"""What several rules share."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from auditor import registers
from auditor.columns import Coded
from auditor.findings import Batch, Verdict
from auditor.language import Text, both, joined
from auditor.messages import kind_name
from auditor.places import Places
from auditor.roles import Party, Surety
from auditor.standing import OUTSIDE, STRADDLING, UNDECIDED, WITHIN, serves, split
from auditor.values import Distinct, Each, Late, coded, combined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from auditor.case import Case
    from auditor.columns import BoolArray, FloatArray, IntArray
    from auditor.model import Contract


Value = TypeVar("Value")


def lazily(make: Callable[[], Value]) -> Callable[[], Value]:
    """Compute something once, when it is first asked for."""
    return cache(make)


def rows_where(mask: BoolArray) -> IntArray:
    """Rows that a mask picks, in the four bytes that a row needs."""
    return np.flatnonzero(mask).astype(np.int32)


def node_batch(case: Case, verdict: Verdict, message: str, mask: BoolArray) -> Batch:
    """One verdict on the nodes of a mask, graded by their place."""
    rows = rows_where(mask)
    return Batch(verdict, message, rows, "node", grade=case.grade[rows])


def measured(case: Case, rows: IntArray) -> dict[str, Any]:
    """How far nodes stand from the edge of the nearest area; measured for all of them when one is read.

    A node that is placed by region code or address alone has no distance.
    """
    place = case.place

    @cache
    def distances() -> tuple[FloatArray, IntArray]:
        metres, nearest = np.full(len(rows), np.nan), place.area[rows].astype(np.int64)
        known = ~np.isnan(place.lon[rows] + place.lat[rows])
        if known.any():
            metres[known], nearest[known] = case.distance(rows[known])
        return np.rint(metres), nearest

    def spread(told: Callable[[float, Text], Any]) -> Late:
        def made() -> Distinct:
            metres, nearest = distances()
            every = np.arange(len(rows))
            each = combined([coded(metres, every), coded(nearest, every)], len(rows))
            return Distinct(
                each.codes, [told(float(m), case.area_name(int(area))) for m, area in each.values]
            )

        return Late(made)

    return {
        "distance_m": spread(lambda metres, _: None if np.isnan(metres) else round(metres)),
        "area": spread(lambda _, area: area),
        "far": spread(_far),
        "off": spread(_off),
    }


def _far(metres: float, area: Text) -> Text:
    """Say how far the edge of an area is."""
    if np.isnan(metres):
        return both("")
    return both(", {metres:,.0f} m from the edge of {area}", metres=abs(metres), area=area)


def _off(metres: float, _: Text) -> Text:
    """Say how far an area is that is named already."""
    return both("") if np.isnan(metres) else both(" ({metres:,.0f} m from it)", metres=abs(metres))


def placed(
    case: Case, mask: BoolArray, *, outside: Verdict, doubtful: BoolArray | None = None
) -> Iterator[Batch]:
    """Judge where nodes stand: inside an area pass; outside `outside`; anything else inconclusive.

    Parameters
    ----------
    mask
        Nodes to judge.
    outside
        Verdict on those outside every area.
    doubtful
        Nodes that are bound only on one reading: outside leaves them inconclusive.

    Notes
    -----
    Messages: ``inside``, ``outside``, ``outside_if_bound``, ``near_edge``, ``contradiction``,
    ``undecided_part``, ``no_place``; a rule that calls this has them all.
    """
    relation, conflict = case.place.relation, case.place.conflict
    unsure = np.zeros(case.n, np.bool_) if doubtful is None else doubtful
    groups = (
        (Verdict.PASS, "inside", relation == WITHIN),
        (outside, "outside", (relation == OUTSIDE) & ~unsure),
        (Verdict.INCONCLUSIVE, "outside_if_bound", (relation == OUTSIDE) & unsure),
        (Verdict.INCONCLUSIVE, "contradiction", (relation == STRADDLING) & conflict),
        (Verdict.INCONCLUSIVE, "near_edge", (relation == STRADDLING) & ~conflict),
        (Verdict.INCONCLUSIVE, "undecided_part", relation == UNDECIDED),
        (Verdict.INCONCLUSIVE, "no_place", relation > UNDECIDED),
    )
    for verdict, message, group in groups:
        rows = rows_where(mask & group)
        if len(rows):
            told = inside(case, rows) if verdict == Verdict.PASS else where(case, rows)
            yield Batch(verdict, message, rows, "node", told, facts(told), case.grade[rows])


def inside(case: Case, rows: IntArray) -> dict[str, Any]:
    """Facts on nodes that stand inside an area."""
    names = [case.area_name(index) for index in range(-1, len(case.areas.ids))]
    return {"area": Late(lambda: Distinct(case.place.area[rows].astype(np.int16) + 1, names))}


def where(case: Case, rows: IntArray) -> dict[str, Any]:
    """What is known of the place of nodes, for messages; computed when somebody reads one."""
    code, address = case.node("region_code"), case.node("address")
    place, source = case.place, case.placed_by

    def coordinates(position: int) -> list[float] | None:
        row = int(rows[position])
        if np.isnan(place.lon[row] + place.lat[row]):
            return None
        return [round(float(place.lon[row]), 6), round(float(place.lat[row]), 6)]

    def declared(position: int) -> Text:
        row = int(source[rows[position]])
        there, radius = coordinates(position), place.radius_m[rows[position]]
        told = []
        if code.at(row):
            told.append(both("region code {code}", code=code.at(row)))
        if address.at(row):
            told.append(both("address {address}", address=address.at(row)))
        if there:
            around = 0 if np.isnan(radius) else round(float(radius))
            told.append(
                both("{lon:.5f}, {lat:.5f} ± {radius:,} m", lon=there[0], lat=there[1], radius=around)
            )
        return joined(told, "; ", "；") if told else both("no place")

    return {
        "kind": kinds(case, rows),
        "place": Each(declared),
        "region_code": words(code, source, rows),
        "address": words(address, source, rows),
        "lon_lat": Each(coordinates),
        "radius_m": Late(lambda: _metres(place.radius_m[rows])),
        **measured(case, rows),
    }


def _metres(values: FloatArray) -> Distinct:
    """Whole metres; nothing where they are not known."""
    each = coded(np.rint(values), np.arange(len(values)))
    return Distinct(
        each.codes, [None if np.isnan(metres) else round(float(metres)) for metres in each.values]
    )


def words(column: Coded, source: IntArray, rows: IntArray) -> Late:
    """Words of the nodes from which some nodes have their place, None where blank."""
    values = [*column.values, None]  # -1 picks the last
    return Late(lambda: Distinct(np.asarray(column.codes)[source[rows]], values))


def kinds(case: Case, rows: IntArray) -> Late:
    """Kinds of nodes, in words."""
    kind = case.node("kind")
    names = [kind_name(value) for value in [*kind.values, None]]
    return Late(lambda: Distinct(np.asarray(kind.codes)[rows], names))


PHRASES = frozenset({"kind", "place", "far", "off", "why"})


def facts(told: Mapping[str, Any]) -> dict[str, Any]:
    """Pick the facts among what a message tells: details hold no phrases."""
    return {key: value for key, value in told.items() if not isinstance(value, Text) and key not in PHRASES}


class Standing(NamedTuple):
    """Where nodes stand against the operator's own area, five masks that share no node.

    Parameters
    ----------
    own
        Inside the operator's area.
    elsewhere
        Inside another pilot area.
    somewhere
        Inside a pilot area, while the operator's is not known.
    outside
        Outside every pilot area.
    unresolved
        Not known.
    """

    own: BoolArray
    elsewhere: BoolArray
    somewhere: BoolArray
    outside: BoolArray
    unresolved: BoolArray


def standing(case: Case) -> Standing:
    """Tell where nodes stand against the area of the operator itself (annex 2(2): 同一试点区域)."""
    relation, area = case.place.relation, case.place.area
    inside_one, known = relation == WITHIN, case.area >= 0
    own = inside_one & (area == case.area) & known
    return Standing(
        own,
        inside_one & ~own & known,
        inside_one & (not known),
        relation == OUTSIDE,
        relation > OUTSIDE,
    )


def home_grade(case: Case) -> int:
    """Grade of the evidence for the operator's own area: that of its registered place, else declared."""
    home, place = case.domicile, case.domicile_place
    if home is None or place is None or place.relation[0] != WITHIN:
        return 3
    return case.grade_of(home.grade, home.document)


UNRESOLVED = {
    "contradiction": both("what is declared of its place contradicts itself"),
    "near_edge": both("it is too near the edge of {area}, or known only by a district that the edge crosses"),
    "undecided": both("whether that land belongs to {area} is undecided"),
    "unknown": both("no readable place is declared"),
}


def unresolved(case: Case, rows: IntArray) -> dict[str, Any]:
    """Add to `where` why nobody can tell where nodes stand, as ``why``."""
    relation, conflict = case.place.relation, case.place.conflict
    told = where(case, rows)

    def why(position: int) -> Text:
        row = int(rows[position])
        reason = {STRADDLING: "near_edge", UNDECIDED: "undecided"}.get(int(relation[row]), "unknown")
        if conflict[row] and reason == "near_edge":
            reason = "contradiction"
        return both(UNRESOLVED[reason].en, area=told["area"].get(position))

    return {**told, "why": Each(why)}


def contract_nodes(contract: Contract) -> list[str]:
    """Ids of the nodes that a contract names, as served or as failover, each once."""
    return list(dict.fromkeys((*contract.node_ids, *contract.failover_node_ids)))


def contract_rows(case: Case) -> dict[str, int]:
    """Row of each node that a contract in force names, -1 where it is not declared; one search for all."""
    named = list(dict.fromkeys(name for contract in case.contracts for name in contract_nodes(contract)))
    return dict(zip(named, case.rows_of(named).tolist(), strict=True))


def supplier(contract: Contract) -> Text:
    """Name of a contract's supplier, for messages."""
    name = contract.supplier
    return Text(name, name) if name else both("an unnamed supplier")


def states(case: Case, code: str) -> BoolArray:
    """Nodes whose own list of services has a service; a blank list does not."""
    stated: BoolArray = case.node("services").map(
        lambda text: serves(split(text), code), blank=False, dtype=np.bool_
    )
    return stated


def acceleration_contracts(case: Case) -> list[Contract]:
    """Contracts in force for CDN or acceleration."""
    return [contract for contract in case.contracts if contract.kind in {"cdn", "acceleration"}]


def under_acceleration(case: Case) -> BoolArray:
    """Nodes that such a contract names; a customer's origin stays a customer's.

    Nodes for the company's own site are left to the contract: the question is whether that is bound at all.
    """
    bound = [c for c in acceleration_contracts(case) if c.purpose != "corporate_site"]
    origins = case.node("kind").isin({"origin"}) & (case.owner == Party.CUSTOMER)
    named: BoolArray = case.named(c for c in bound if case.for_pilot(c) > Surety.NO) & ~origins
    return named


EVERYWHERE = frozenset(
    {"china", "national", "nationwide", "global", "world", "worldwide", "全国", "中国", "全球"}
)


def reach_of(case: Case, coverage: tuple[str, ...]) -> Surety:
    """How surely a coverage (area ids, region codes, country codes, place names) goes beyond the operator's area."""
    words = [word.casefold() for word in coverage]
    abroad_or_all = any(
        w in EVERYWHERE or (len(w) == len("CN") and w.isascii() and w.isalpha()) for w in words
    )
    areas = {w for w in words if w in case.areas.ids}
    own = case.areas.ids[case.area] if case.area >= 0 else None
    if abroad_or_all or (own and areas - {own}) or len(areas) > 1:
        return Surety.SURE
    rest = [w for w in words if w not in areas]
    blank = np.full(len(rest), np.nan)
    codes = Coded.of([w if w.isdigit() else None for w in rest])
    names = Coded.of([None if w.isdigit() else w for w in rest])
    place = case.areas.relate(Places(blank, blank, Coded.of([None] * len(rest)), blank, codes, names))
    within = place.relation == WITHIN
    if ((place.relation == OUTSIDE) | (within & (place.area != case.area) & (case.area >= 0))).any():
        return Surety.SURE
    limited = bool(words) and case.area >= 0 and bool((within & (place.area == case.area)).all())
    return Surety.NO if limited else Surety.DOUBTFUL


def place_named(case: Case, entry: str) -> Text:
    """Name what an entry of a scope or coverage stands for; the entry itself where nobody knows it."""
    area = case.area_of(entry)
    if area >= 0:
        return case.area_name(area)
    code = entry.strip().upper()
    name = Text(*registers.region_name(code))
    return Text(entry, entry) if name.zh == code else both("{name} ({region})", name=name, region=code)


def there_told(case: Case, rows: IntArray, told: Mapping[str, Any]) -> Each:
    """Say of nodes outside the operator's area where they stand: in another one, or in none."""
    relation = case.place.relation

    def there(position: int) -> Text:
        area, far = told["area"].get(position), told["far"].get(position)
        if relation[rows[position]] == WITHIN:
            return both("in another pilot area, {area}", area=area)
        return both("outside every pilot area{far}", far=far)

    return Each(there)
