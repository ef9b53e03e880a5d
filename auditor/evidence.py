"""Observations held against one declaration: whom each speaks of, and what the votes on a subject come to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from auditor import columns, registers, votes
from auditor.addresses import Addresses
from auditor.blocks import within_any
from auditor.columns import Coded
from auditor.datum import geod
from auditor.places import WITHIN
from auditor.votes import Says

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from auditor.columns import BoolArray, IntArray
    from auditor.observations import Observations
    from auditor.votes import Claims, Tally, Votes
    from auditor.zones import Areas, Relation

SHOWN = ("source", "family", "asked", "extent", "region", "lon", "lat", "radius_m", "asn", "owner", "outcome")
DATED = ("vintage_on", "seen_at", "digest", "note")


@dataclass(frozen=True)
class Evidence:
    """Observations beside the declaration that they speak of.

    Parameters
    ----------
    observations
        What sources said.
    nodes
        Ids of the declared nodes.
    prefixes
        Declared address blocks, or None.
    areas, as_of
        Of the audit.
    place
        Relation of the nodes to the areas.
    region
        Region code that each node's place states.
    home
        Index of the operator's area, -1 if not known.
    domains
        Names that the services declare.
    """

    observations: Observations
    nodes: pa.Array
    prefixes: pa.Table | None
    areas: Areas
    as_of: dt.date
    place: Relation
    region: Coded
    home: int
    domains: tuple[str, ...] = ()

    # --- whom rows speak of -------------------------------------------------------------------------------

    @cached_property
    def _coded(self) -> dict[str, Coded]:
        return {}

    def column(self, name: str) -> Coded:
        """One text column of the observations, coded."""
        if name not in self._coded:
            self._coded[name] = Coded.of(self.observations.table.column(name))
        return self._coded[name]

    @property
    def _subject(self) -> Coded:
        return self.column("subject")

    def about(self, what: str) -> BoolArray:
        """Rows whose subject is of one kind: ``node``, ``prefix`` or ``domain``."""
        marked = pc.starts_with(pa.array(self._subject.values, pa.string()), f"{what}:")
        spread: BoolArray = np.append(marked.to_numpy(zero_copy_only=False), False)[self._subject.codes]
        return spread

    @property
    def kind(self) -> Coded:
        """What each row speaks of."""
        return self.column("kind")

    @cached_property
    def silent(self) -> BoolArray:
        """Rows of kind ``origin`` about what is not announced: no record, and no answer of another source."""
        rows = np.flatnonzero(self.kind.isin({"origin"}))
        asked = self.column("asked")
        pair = self._subject.codes[rows].astype(np.int64) * (len(asked.values) + 1) + asked.codes[rows]
        _, which = np.unique(pair, return_inverse=True)
        heard = np.bincount(which, self.answered[rows]) > 0
        mask = np.zeros(len(self.observations), np.bool_)
        mask[rows] = self.column("outcome").isin({"no_record"})[rows] & ~heard[which]
        return mask

    @cached_property
    def answered(self) -> BoolArray:
        """Rows with an answer."""
        return self.column("outcome").isin({"answer"})

    @cached_property
    def node(self) -> IntArray:
        """Row of the declared node that each observation speaks of, by id or by its block; else -1."""
        values = pa.array(self._subject.values, pa.string())
        bare = pc.if_else(pc.starts_with(values, "node:"), pc.utf8_slice_codeunits(values, 5), None)
        direct = np.asarray(pc.fill_null(pc.index_in(bare, self.nodes, skip_nulls=True), -1).to_numpy())
        if self.prefixes is not None:
            direct = np.where(direct >= 0, direct, self._by_prefix(values))
        spread: IntArray = np.append(direct, -1)[self._subject.codes]
        return spread

    @cached_property
    def strangers(self) -> tuple[list[str], int]:
        """Subjects that nothing declared bears, and the number of rows that speak of them."""
        known = {f"domain:{d}" for d in self.domains} | {f"prefix:{p}" for p in self._prefixes}
        names = [name for name in self._subject.values if name.startswith(("domain:", "prefix:"))]
        lost = {name for name in names if name not in known}
        nodes = self._subject.isin([n for n in self._subject.values if n.startswith("node:")])
        mask = (nodes & (self.node < 0)) | self._subject.isin(lost)
        named = [self._subject.values[code] for code in np.unique(self._subject.codes[mask]).tolist()]
        return sorted(named), int(mask.sum())

    @cached_property
    def _prefixes(self) -> frozenset[str]:
        return frozenset() if self.prefixes is None else frozenset(self.prefixes.column("prefix").to_pylist())

    def _by_prefix(self, subjects: pa.Array) -> IntArray:
        """Rows of the nodes that use blocks on the date."""
        table: Any = self.prefixes
        starts = columns.days(table, "from_on", blank=int(columns.FIRST_DAY))
        ends = columns.days(table, "to_on", blank=int(columns.LAST_DAY))
        day = np.datetime64(self.as_of, "D").astype(np.int64)  # since 1970-01-01
        table = table.filter(pa.array((starts <= day) & (day < ends)))
        names = pc.binary_join_element_wise("prefix:", table.column("prefix").combine_chunks(), "")
        at = np.asarray(pc.fill_null(pc.index_in(subjects, names), -1).to_numpy())
        users = Coded.of(table.column("node"))
        known = pc.index_in(pa.array(users.values, pa.string()), self.nodes)
        rows = np.append(np.asarray(pc.fill_null(known, -1).to_numpy(), np.int64), -1)[users.codes]
        found: IntArray = np.append(rows, -1)[at]
        return found

    @cached_property
    def _by_node(self) -> tuple[IntArray, IntArray]:
        order = np.argsort(self.node, kind="stable")
        return order, self.node[order]

    def rows_on(self, node: int, *kinds: str) -> IntArray:
        """Rows that speak of one node, all kinds or some."""
        order, sorted_ = self._by_node
        first, last = np.searchsorted(sorted_, [node, node + 1])
        rows: IntArray = np.sort(order[first:last])
        return rows[Coded(self.kind.codes[rows], self.kind.values).isin(kinds)] if kinds else rows

    def nodes_with(self, mask: BoolArray) -> BoolArray:
        """Nodes that some row of a mask speaks of."""
        found = np.zeros(len(self.nodes) + 1, np.bool_)
        found[self.node[mask]] = True
        return found[:-1]

    def rows_of(self, subject: str, *kinds: str) -> IntArray:
        """Rows of any subject by name: ``domain:cdn.example.cn``."""
        mask = self._subject.isin({subject})
        rows: IntArray = np.flatnonzero(mask & self.kind.isin(kinds) if kinds else mask)
        return rows

    # --- places -------------------------------------------------------------------------------------------

    @cached_property
    def place_rows(self) -> IntArray:
        """Rows of kind ``place``."""
        rows: IntArray = np.flatnonzero(self.kind.isin({"place"}))
        return rows

    @cached_property
    def claims(self) -> Claims:
        """What the declaration says of the place of each subject, one a place row."""
        rows = self.place_rows
        node = self.node[rows]
        place = self.place

        def of(values: Any, blank: Any) -> Any:
            return np.append(values, blank)[node]

        within = np.where(place.relation == WITHIN, place.area, -1)
        domain = self.about("domain")[rows]
        area = np.where(domain, self.home, of(within, -1))
        region = self.region.take(node)
        lon, lat, radius = (of(values, np.nan) for values in (place.lon, place.lat, place.radius_m))
        return votes.Claims(area, region, lon, lat, radius, self._anycast(rows))

    def _anycast(self, rows: IntArray) -> BoolArray:
        """Rows whose address lies in a block that is declared to be announced from several places."""
        none = np.zeros(len(rows), np.bool_)
        if self.prefixes is None or not columns.flags(self.prefixes, "anycast").any():
            return none
        marked = self.prefixes.filter(pa.array(columns.flags(self.prefixes, "anycast")))
        asked = self.column("asked").take(rows)
        values = Addresses.of(pa.array(asked.values, pa.string()))
        inside = within_any(values, Addresses.of(marked.column("prefix"))) >= 0
        return np.append(inside, False)[asked.codes]

    @cached_property
    def votes(self) -> Votes:
        """What each place row says of the claim."""
        places = self.observations.table.take(pa.array(self.place_rows))
        return votes.weigh(places, self.claims, self.areas, self.as_of)

    @cached_property
    def bound(self) -> BoolArray:
        """Place rows that are physical bounds."""
        return columns.flags(self.observations.table, "bound")[self.place_rows]

    @cached_property
    def tally(self) -> Tally:
        """What the votes on each declared node come to."""
        node, asked = self.node[self.place_rows], self.column("asked").codes[self.place_rows]
        return votes.tally(self.votes, self.bound, node, asked, len(self.nodes))

    @cached_property
    def anycast(self) -> BoolArray:
        """Rows on a place that an address cannot have: it is announced from several; bounds apart."""
        found = np.zeros(len(self.observations), np.bool_)
        found[self.place_rows] = self.claims.anycast & ~self.bound
        return found

    @cached_property
    def placed(self) -> BoolArray:
        """Nodes whose place some source gave, anycast apart."""
        found = ~self.anycast
        found[self.place_rows] &= ~self.votes.reason.isin({"no_answer"})
        return self.nodes_with(found & self.kind.isin({"place"}))

    def sides(self, rows: Iterable[int], says: Says) -> list[int]:
        """Rows of one side, as `tally` counts: a family that speaks for and against an address is on none."""
        placed = [row for row in rows if self._vote_at[row] >= 0]
        said: dict[tuple[str | None, str | None], set[int]] = {}
        for row in placed:
            vote = int(self.votes.says[self._vote_at[row]])
            said.setdefault(self._voice(row), set()).add(vote)
        both = {Says.SUPPORT, Says.CONTRADICT}
        return [
            row
            for row in placed
            if self.votes.says[self._vote_at[row]] == says and not both <= said[self._voice(row)]
        ]

    def _voice(self, row: int) -> tuple[str | None, str | None]:
        return self.column("asked").at(row), self.column("family").at(row)

    def excluding(self, node: int) -> list[int]:
        """Rows of the physical bounds that exclude the place of a node."""
        rows = self.rows_on(node, "place")
        at = self._vote_at[rows]
        found: list[int] = rows[self.bound[at] & (self.votes.says[at] == Says.CONTRADICT)].tolist()
        return found

    def away_m(self, row: int, node: int) -> int | None:
        """Metres from the centre of a disc to the place of a node; nothing without coordinates."""
        table, place = self.observations.table, self.place
        lon, lat = (table.column(name)[int(row)].as_py() for name in ("lon", "lat"))
        if lon is None or lat is None or np.isnan(place.lon[node] + place.lat[node]):
            return None
        metres: float = geod().inv(place.lon[node], place.lat[node], lon, lat)[2]
        return round(metres)

    @cached_property
    def _vote_at(self) -> IntArray:
        """Position among the votes of every row; -1 for rows that are no places."""
        at = np.full(len(self.observations), -1)
        at[self.place_rows] = np.arange(len(self.place_rows))
        return at

    # --- for people ---------------------------------------------------------------------------------------

    def told(self, rows: Iterable[int]) -> list[dict[str, Any]]:
        """Rows as mappings for a finding: who said what, when; for places the vote and its weight."""
        listed = list(rows)
        records = self.observations.records(listed)
        return [self._told(row, record) for row, record in zip(listed, records, strict=True)]

    def _told(self, row: int, record: dict[str, Any]) -> dict[str, Any]:
        told = {name: record[name] for name in ("kind", *SHOWN, *DATED) if name in record}
        if "region" in told:
            told["name"] = dict(zip(("en", "zh"), registers.region_name(told["region"]), strict=True))
        at = self._vote_at[row]
        if at >= 0:
            weight = float(self.votes.weight[at])
            told["says"] = Says(int(self.votes.says[at])).name.lower()
            told["weight"] = None if np.isnan(weight) else round(weight, 3)
            why = votes.REASONS[self.votes.reason.at(int(at)) or ""]
            told["why"] = {"en": why.en, "zh": why.zh}
        return told

    def joint(self, rows: IntArray) -> float | None:
        """Likelihood ratio of the votes of some rows together; nothing if none is calibrated."""
        at = self._vote_at[rows]
        at = at[at >= 0]
        ratio = votes.joint(self.votes.weight[at], self.votes.family.take(at))
        return None if ratio is None else round(ratio, 3)

    def details(self, row: int) -> dict[str, Any]:
        """Facts of a path or a chain of names; empty where a row has none."""
        text = self.observations.table.column("details")[int(row)].as_py()
        return dict(orjson.loads(text)) if text else {}
