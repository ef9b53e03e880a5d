"""Kinds of records: by what they are paired, and which of their fields are held against each other."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from auditor.columns import Coded
from auditor.comparison import blocks, judges, reasons
from auditor.comparison.pairing import (
    Pairs,
    common_content,
    join_by,
    keys_of,
    mark_repeated,
    pair_by_likeness,
)
from auditor.comparison.sides import BETWEEN, FORWARD
from auditor.comparison.texts import plain_name, simplified
from auditor.registers import match_carrier

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from auditor.columns import BoolArray, FloatArray, IntArray
    from auditor.comparison.judges import Judge, Terms
    from auditor.comparison.sides import Rows, Side

MADE = re.compile("^.+/(?:rack|link) (.+)$|^user (.+) in .+$")  # ids that reading filings makes of theirs
ATTRIBUTE = judges.exactly("attribute")
DATES = judges.exactly("dates")
VALUE = judges.exactly("value")
COMMON: Mapping[str, Judge] = MappingProxyType(
    {
        "status": DATES,
        "in_force": judges.exactly("ended"),
        "from_on": DATES,
        "to_on": DATES,
        "status_from_on": DATES,
        "owner": judges.party,
        "operated_by": judges.party,
        "supplier": judges.party,
        "holder": judges.party,
        "source_unit": judges.party,
        "allocated_by": judges.party,
        "user_unit": judges.party,
        "uscc": judges.exactly("other_code"),
        "holder_uscc": judges.exactly("other_code"),
        "supplier_uscc": judges.exactly("other_code"),
        "address": judges.address,
        "region_code": judges.region,
        "site": judges.exactly("other_room"),
        "node": judges.exactly("other_room"),
        "room": judges.exactly("other_room"),
        "ends": judges.exactly("other_room"),
        "link_type": judges.link_type,
        "ips": judges.ranges,
        "gateway_ip": judges.ranges,
        "services": judges.listed("value"),
        "scope": judges.listed("value"),
        "coverage": judges.listed("value"),
        "domains": judges.listed("value"),
        "over": judges.listed("value"),
        "count": judges.exactly("count"),
        "rack_count": judges.exactly("count"),
        "name": judges.name,
    }
)
VALUES = frozenset(
    {
        *("holding", "asn", "transit", "access_role", "layer", "direction", "anycast", "area", "regime"),
        *("content", "service", "purpose", "form", "node_ids", "failover_node_ids", "open_node_set"),
        *("items", "preapproval_items", "terms", "former_names"),
    }
)
OWN: Mapping[str, Mapping[str, Judge]] = MappingProxyType(
    {
        "node": {"kind": judges.exactly("kind")},
        "link": {"kind": judges.exactly("link_type")},
        "enterprise": {"name": judges.party, "status": judges.exactly("ended"), "scope": ATTRIBUTE},
        "approval": {
            "status": judges.exactly("ended"),
            "kind": VALUE,
            "issued_on": DATES,
            "expires_on": DATES,
        },
        "service": {"started_on": DATES, "regime_from_on": DATES},
        "contract": {"kind": VALUE},
    }
)
PART = frozenset({"datum"})  # judged with the coordinates
ALWAYS = frozenset({"in_force", "room", "status", "datum", "count", "direction"})  # blank has a meaning


@dataclass
class Held:
    """Records of one kind held against each other.

    Parameters
    ----------
    kind
        Of the records.
    mine, theirs
        The records.
    pairs
        Who is whose.
    told
        Reasons by field, one a pair, in the order of `a`.
    a, b
        Rows of the pairs.
    far_m, datum
        Of each pair: metres between the coordinates, and the datum that explains them (-1: none).
    clusters
        Address blocks that are cut otherwise or overlap.
    """

    kind: str
    mine: Rows
    theirs: Rows
    pairs: Pairs
    a: IntArray
    b: IntArray
    told: dict[str, IntArray] = field(default_factory=dict)
    far_m: FloatArray | None = None
    datum: IntArray | None = None
    clusters: list[blocks.Cluster] = field(default_factory=list)


def hold(kind: str, mine: Rows, theirs: Rows, sides: tuple[Side, Side], terms: Terms) -> Held:
    """Pair the records of one kind, then judge the fields of each pair."""
    if kind == "link":
        mine, theirs = _typed(mine, theirs, terms), _typed(theirs, mine, terms)
    order = common_content(mine, theirs)
    pairs = Pairs.of(mine, theirs)
    theirs = PASSES.get(kind, _by_key)(pairs, mine, theirs, order, terms)
    found: list[blocks.Cluster] = []
    if kind == "block":
        found = _clusters(pairs, mine, theirs)
    a = np.flatnonzero(pairs.partner >= 0)
    held = Held(kind, mine, theirs, pairs, a, pairs.partner[a], clusters=found)
    _judge(held, sides, terms)
    return held


# --- pairing, kind by kind --------------------------------------------------------------------------------


def _spelt(column: Coded) -> Coded:
    """Keys as they are compared: half-width, upper case, no spaces at the ends."""
    return _mapped(column, lambda text: unicodedata.normalize("NFKC", text).strip().upper())


def _mapped(column: Coded, spell: Callable[[str], str | None]) -> Coded:
    made = [spell(value) for value in column.values]
    codes = {value: code for code, value in enumerate(dict.fromkeys(v for v in made if v))}
    new = np.array([*(codes.get(value or "", -1) for value in made), -1], np.int32)
    return Coded(new[column.codes], tuple(codes))


def _tail(column: Coded) -> Coded:
    """Ids as they were filed, inside ids that reading made unique."""

    def filed(text: str) -> str:
        found = MADE.match(text)
        return (found[1] or found[2] if found else text).strip().upper()

    return _mapped(column, filed)


def _named(column: Coded) -> Coded:
    return _mapped(column, lambda text: plain_name(simplified(text)))


def _once(keys: IntArray) -> IntArray:
    """Keys that are there once; the others count as blank."""
    counts = np.bincount(keys + 1, minlength=2)
    return np.where(counts[keys + 1] == 1, keys, -1)


def _by_key(pairs: Pairs, mine: Rows, theirs: Rows, order: tuple[IntArray, IntArray], _terms: Terms) -> Rows:
    keys = keys_of((_spelt(mine.key), _spelt(theirs.key)))
    join_by(pairs, *keys, order)
    mark_repeated(pairs, *keys, unique=True)
    return theirs


def _nodes(pairs: Pairs, mine: Rows, theirs: Rows, order: tuple[IntArray, IntArray], terms: Terms) -> Rows:
    _by_key(pairs, mine, theirs, order, terms)

    def fit(a: IntArray, b: IntArray) -> BoolArray:
        loose = {"room", "node"}
        fits: BoolArray = mine.group.isin(loose)[a] & theirs.group.isin(loose)[b]
        return fits

    pair_by_likeness(pairs, mine, theirs, fit, terms)
    theirs = translated(theirs, ("site",), pairs, mine, theirs)
    site = (_spelt(mine.text("site")), _spelt(theirs.text("site")))
    group = (mine.group, theirs.group)
    tail = (_tail(mine.key), _tail(theirs.key))
    join_by(pairs, *keys_of(tail, site, group), order)
    mine_once, theirs_once = map(_once, keys_of(tail, group))
    join_by(pairs, mine_once, theirs_once, order)
    join_by(pairs, *keys_of((_named(mine.text("name")), _named(theirs.text("name"))), site, group), order)
    return theirs


def _links(pairs: Pairs, mine: Rows, theirs: Rows, order: tuple[IntArray, IntArray], terms: Terms) -> Rows:
    _by_key(pairs, mine, theirs, order, terms)
    room = (_spelt(mine.text("room")), _spelt(theirs.text("room")))
    ends = (mine.text("ends"), theirs.text("ends"))
    group = (mine.group, theirs.group)
    supplier = (_supplier(mine, terms), _supplier(theirs, terms))
    tail = (_tail(mine.key), _tail(theirs.key))
    for columns in (
        (tail, room),
        (ends, supplier),
        (ends,),
        (room, supplier, group),
        (room, group),
    ):
        join_by(pairs, *keys_of(*columns), order)
    mine_once, theirs_once = map(_once, keys_of(tail, group))
    join_by(pairs, mine_once, theirs_once, order)
    return theirs


def _supplier(rows: Rows, terms: Terms) -> Coded:
    """Supplier of each link: the carrier where the register knows it, else the name."""

    def spell(text: str) -> str:
        return match_carrier(simplified(text), as_of=terms.as_of).carrier or plain_name(simplified(text))

    return _mapped(rows.text("supplier"), spell)


def _blocks(pairs: Pairs, mine: Rows, theirs: Rows, order: tuple[IntArray, IntArray], _terms: Terms) -> Rows:
    spans = [
        Coded.of([f"{v}:{low}:{high}" if v else None for v, low, high in blocks.ranges(rows.key)])
        for rows in (mine, theirs)
    ]
    keys = keys_of((spans[0], spans[1]))
    for name in ("node", "room"):
        near = keys_of((spans[0], spans[1]), (mine.text(name), theirs.text(name)))
        join_by(pairs, *near, order)
    join_by(pairs, *keys, order)
    mark_repeated(pairs, *keys, unique=False)
    return theirs


def _clusters(pairs: Pairs, mine: Rows, theirs: Rows) -> list[blocks.Cluster]:
    """Blocks without an equal, grouped by what they overlap; rows of one side alone stay alone."""
    a, b = pairs.alone
    spans, spans_2 = blocks.ranges(mine.key.take(a)), blocks.ranges(theirs.key.take(b))
    found = [
        blocks.Cluster(tuple(a[list(c.mine)].tolist()), tuple(b[list(c.theirs)].tolist()), c.same)
        for c in blocks.clusters(spans, spans_2)
        if c.mine and c.theirs
    ]
    for cluster in found:
        pairs.partner[list(cluster.mine)] = -2
        pairs.back[list(cluster.theirs)] = -2
    return found


def _enterprises(
    pairs: Pairs, mine: Rows, theirs: Rows, order: tuple[IntArray, IntArray], terms: Terms
) -> Rows:
    _by_key(pairs, mine, theirs, order, terms)
    join_by(pairs, *keys_of((_named(mine.text("name")), _named(theirs.text("name")))), order)
    pair_by_likeness(pairs, mine, theirs, lambda a, _b: np.ones(len(a), np.bool_), terms)
    if len(mine) == len(theirs) == 1 and pairs.partner[0] < 0:  # one record each: they are meant to be one
        pairs.join(np.array([0]), np.array([0]), by_likeness=True)
    return theirs


def _approvals(
    pairs: Pairs, mine: Rows, theirs: Rows, order: tuple[IntArray, IntArray], terms: Terms
) -> Rows:
    _by_key(pairs, mine, theirs, order, terms)
    holder = (_named(mine.text("holder")), _named(theirs.text("holder")))
    before = pairs.partner >= 0
    join_by(pairs, *keys_of((mine.text("kind"), theirs.text("kind")), holder), order)
    pairs.by_likeness |= (pairs.partner >= 0) & ~before
    return theirs


def _contracts(
    pairs: Pairs, mine: Rows, theirs: Rows, order: tuple[IntArray, IntArray], terms: Terms
) -> Rows:
    """Pair contracts by what they are first: a contract without id is numbered by its place in the list."""
    columns = [(mine.text(name), theirs.text(name)) for name in ("supplier", "kind")]
    join_by(pairs, *keys_of((_spelt(mine.key), _spelt(theirs.key)), *columns), order)
    join_by(pairs, *keys_of(*columns), order)
    return _by_key(pairs, mine, theirs, order, terms)


PASSES: Mapping[str, Callable[[Pairs, Rows, Rows, tuple[IntArray, IntArray], Terms], Rows]] = (
    MappingProxyType(
        {
            "node": _nodes,
            "link": _links,
            "block": _blocks,
            "enterprise": _enterprises,
            "approval": _approvals,
            "contract": _contracts,
        }
    )
)


def translated(rows: Rows, names: tuple[str, ...], pairs: Pairs, mine: Rows, theirs: Rows) -> Rows:
    """Write the ids of the second side's nodes that columns of `rows` name as the first side calls them."""
    own = {theirs.key.at(b): mine.key.at(a) for a, b in _strange(pairs, mine, theirs)}
    if not own:
        return rows

    def called(text: str) -> str:
        if FORWARD in text:
            return FORWARD.join(own.get(part) or part for part in text.split(FORWARD))
        parts = [own.get(part) or part for part in text.split(BETWEEN)]
        return BETWEEN.join(sorted(parts, key=lambda part: (not part, part)))  # a blank end stays last

    columns = {n: _mapped(rows.text(n), called) for n in names if rows.states(n)}
    return replace(rows, columns={**rows.columns, **columns})


def _strange(pairs: Pairs, mine: Rows, theirs: Rows) -> list[tuple[int, int]]:
    """Pairs whose ids are not the same."""
    a = np.flatnonzero(pairs.partner >= 0)
    b = pairs.partner[a]
    one, other = keys_of((mine.key, theirs.key))
    unlike = one[a] != other[b]
    return list(zip(a[unlike].tolist(), b[unlike].tolist(), strict=True))


def _typed(rows: Rows, others: Rows, terms: Terms) -> Rows:
    """Where only the other side states types of link, take the carrier that supplies a link as its type."""
    if rows.states("link_type") or not others.states("link_type"):
        return rows

    def spell(text: str) -> str | None:
        return match_carrier(simplified(text), as_of=terms.as_of).carrier

    words = {carrier: word for word, carrier in judges.CARRIER_WORDS.items()}
    carriers = _mapped(rows.text("supplier"), spell)
    implied = _mapped(carriers, lambda carrier: words.get(carrier, carrier))
    return replace(rows, columns={**rows.columns, "link_type": implied})


# --- fields -----------------------------------------------------------------------------------------------


def _judge(held: Held, sides: tuple[Side, Side], terms: Terms) -> None:
    """Judge every field that both sides state."""
    mine, theirs, a, b = held.mine, held.theirs, held.a, held.b
    mixed = sides[0].filed != sides[1].filed
    for name in sorted(set(mine.columns) & set(theirs.columns) - PART):
        if name in {"room", "node"} and held.kind in {"link", "block"} and (name == "room") != mixed:
            continue  # between filings and a declaration the room is what both know; else the node itself
        judge = (
            OWN.get(held.kind, {}).get(name) or COMMON.get(name) or (VALUE if name in VALUES else ATTRIBUTE)
        )
        stated = name not in ALWAYS and mine.states(name) and theirs.states(name)
        told = judges.judged(
            mine.columns[name].take(a), theirs.columns[name].take(b), judge, terms, both_state=stated
        )
        if name == "link_type" and mixed:
            told[told == reasons.code("unstated")] = 0
        held.told[name] = told
    if held.kind in {"node", "link"}:
        unlike = (
            mine.group.map(str, blank="", dtype=object)[a] != theirs.group.map(str, blank="", dtype=object)[b]
        )
        held.told["kind of record"] = np.where(unlike, reasons.code("kind"), 0).astype(np.int8)
    if {"lon", "lat"} <= set(mine.numbers) & set(theirs.numbers):
        told, held.far_m, held.datum = judges.points(_points(mine, a), _points(theirs, b), terms)
        held.told["coordinates"] = told


def _points(rows: Rows, at: IntArray) -> judges.Points:
    nowhere = np.full(len(rows), np.nan)
    lon, lat, accuracy = (rows.numbers.get(name, nowhere)[at] for name in ("lon", "lat", "accuracy_m"))
    return judges.Points(lon, lat, accuracy, rows.text("datum").take(at))
