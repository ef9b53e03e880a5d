"""The case: all that a rule may look at, frozen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor import columns, paths, roles
from auditor.access_graph import AccessGraph
from auditor.blocks import addresses_of
from auditor.columns import EPOCH, FIRST_DAY, LAST_DAY, Coded
from auditor.evidence import Evidence
from auditor.roles import Party, Surety
from auditor.standing import UNKNOWN, Standing, serves, split
from auditor.zones import Places, Relation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.addresses import Addresses
    from auditor.columns import BoolArray, FloatArray, IntArray
    from auditor.comparison.table import Comparison
    from auditor.model import Contract


@dataclass(frozen=True)
class Case(Standing):
    """All that a rule may look at: the operator's standing, and the columns over nodes that rules share."""

    # --- columns over nodes -------------------------------------------------------------------------------

    @cached_property
    def _coded(self) -> dict[str, Coded]:
        return {}

    def node(self, name: str) -> Coded:
        """One string column of the node table, coded."""
        if name not in self._coded:
            self._coded[name] = Coded.of(self.declaration.nodes.column(name))
        return self._coded[name]

    @cached_property
    def n(self) -> int:
        """Declared nodes."""
        return int(self.declaration.nodes.num_rows)

    @cached_property
    def day(self) -> int:
        """Date of the audit in days since 1970-01-01."""
        return (self.as_of - EPOCH).days

    def dated(self, table: Any) -> BoolArray:
        """Rows of a table whose period holds the date."""
        starts = columns.days(table, "from_on", blank=int(FIRST_DAY))
        ends = columns.days(table, "to_on", blank=int(LAST_DAY))
        return (starts <= self.day) & (self.day < ends)

    @cached_property
    def in_service(self) -> BoolArray:
        """Nodes that count on the date: active or on standby, inside their period."""
        return self.dated(self.declaration.nodes) & ~self.node("status").isin({"planned", "retired"})

    @cached_property
    def links_in_service(self) -> BoolArray:
        """Links that carry traffic on the date, on the layer that the access search runs on."""
        links = self.declaration.links
        kind, status = Coded.of(links.column("kind")), Coded.of(links.column("status"))
        carries = kind.blank | kind.isin(roles.CARRYING_LINKS)
        usable = carries & self.dated(links) & ~status.isin({"planned", "retired"})
        if self.declaration.access_layer:
            layer = Coded.of(links.column("layer"))
            usable &= layer.blank | layer.isin({self.declaration.access_layer})
        return usable

    def at_ends(self, nodes: BoolArray) -> tuple[BoolArray, BoolArray]:
        """Links whose tail is among some nodes, and those whose head is; ends not declared are not."""
        if not nodes.any():
            nowhere = np.zeros(self.declaration.links.num_rows, np.bool_)
            return nowhere, nowhere
        wide = paths.spread(nodes, len(self.declaration.undeclared) + 1, value=False)
        tail, head = paths.ends_of(self.declaration)
        return columns.picked(wide, tail), columns.picked(wide, head)

    @cached_property
    def _owners(self) -> tuple[roles.Parties, IntArray, BoolArray]:
        operator, owner = self.declaration.operator, self.node("owner")
        owners = roles.parties(owner, operator, as_of=self.as_of, codes=self.node("holder_uscc"))
        runner = self.node("operated_by")
        who, same = roles.operated_by(
            owners, roles.parties(runner, operator, as_of=self.as_of), ~runner.blank
        )
        return owners, who, same

    @property
    def owner(self) -> IntArray:
        """`Party` that owns each node."""
        return self._owners[0].party

    @property
    def runner(self) -> IntArray:
        """`Party` that operates each node."""
        return self._owners[1]

    @cached_property
    def carries(self) -> BoolArray:
        """Nodes that carry others' traffic: path-carrying kinds, and those declared `transit`."""
        return self.node("kind").isin(roles.CARRYING) | columns.flags(self.declaration.nodes, "transit")

    @cached_property
    def access(self) -> roles.AccessRoles:
        """Parts in ISP-02: gates, roots, tiers."""
        kind = self.node("kind")
        return roles.access_roles(
            kind,
            self.node("access_role"),
            carries=self.carries & ~kind.isin({"subscriber"}),
            owner=self.owner,
            runner=self.runner,
            same=self._owners[2],
        )

    def rows_of(self, ids: Iterable[str]) -> IntArray:
        """Rows of the nodes with these ids, -1 for ids that are not declared."""
        wanted, known = pa.array(list(ids), pa.string()), self.declaration.nodes.column("id")
        if not len(wanted):
            return np.empty(0, np.int64)
        at = np.flatnonzero(pc.is_in(known, value_set=wanted).to_numpy())
        found = pc.index_in(wanted, known.take(pa.array(at)).combine_chunks()).fill_null(-1)
        rows: IntArray = np.append(at, -1)[np.asarray(found.to_numpy(), np.int64)]
        return rows

    def mask_of(self, ids: Iterable[str]) -> BoolArray:
        """Mask of the nodes with these ids; ids that are not declared are passed over."""
        mask = np.zeros(self.n, np.bool_)
        rows = self.rows_of(ids)
        mask[rows[rows >= 0]] = True
        return mask

    def for_pilot(self, contract: Contract) -> Surety:
        """How surely a contract is for a pilot service: not a company site, nor another regime's service."""
        if contract.purpose == "corporate_site":
            return Surety.DOUBTFUL
        codes = split(contract.service or "")
        if not codes or any(serves(codes, s.code) for s in self.pilot_services):
            return Surety.SURE
        if any(serves(codes, s.code) for s in self.unsure_services):
            return Surety.DOUBTFUL
        # A code that is not offered at all does not free a contract: what is offered is under the pilot.
        return Surety.NO if any(serves(codes, s.code) for s in self.services) else Surety.SURE

    def named(self, contracts: Iterable[Contract]) -> BoolArray:
        """Nodes that contracts name, as served or as failover."""
        return self.mask_of(node for c in contracts for node in (*c.node_ids, *c.failover_node_ids))

    @cached_property
    def contracted(self) -> BoolArray:
        """Nodes that a contract in force names, as served or as failover."""
        return self.named(c for c in self.contracts if c.kind in roles.HOLDING_CONTRACTS)

    @cached_property
    def _by_contract(self) -> IntArray:
        """`Surety` of serving a pilot service by contracts, of others' nodes that state no services."""
        holding = [c for c in self.contracts if c.kind in roles.HOLDING_CONTRACTS]
        surety = np.where(self.contracted, np.int8(Surety.NO), np.int8(Surety.SURE))
        for level in (Surety.DOUBTFUL, Surety.SURE):
            surety[self.named(c for c in holding if self.for_pilot(c) == level)] = level
        others = self.node("services").blank & (self.owner != Party.OPERATOR)
        return np.where(others, surety, np.int8(Surety.SURE))

    @cached_property
    def held(self) -> BoolArray:
        """Nodes leased, bought, hosted or otherwise held for the operator, whoever owns them."""
        return ~self.node("holding").blank | self.contracted

    @cached_property
    def facility(self) -> IntArray:
        """`Surety` of being a service facility of a pilot service, in service on the date."""
        surety = roles.facilities(
            self.node("kind"), self.owner, self.runner, self.held, exempt=self.policy.facility_roles_exempt
        )
        # A customer's own origin binds the operator only if it runs it (card CDN-03).
        lent = (self.owner == Party.CUSTOMER) & (self.runner == Party.OPERATOR)
        surety[self.node("kind").isin({"origin"}) & lent] = Surety.DOUBTFUL
        np.minimum(surety, self.serves_pilot, out=surety)
        surety[~self.in_service] = Surety.NO
        return surety

    @cached_property
    def serves_pilot(self) -> IntArray:
        """`Surety` of serving a pilot service; a blank list serves all, unless contracts say otherwise."""
        pilot = [s.code for s in self.pilot_services]
        unsure = [s.code for s in self.unsure_services]
        other = {s.code for s in self.services} - {*pilot, *unsure}

        blank = Surety.SURE if pilot else (Surety.DOUBTFUL if unsure else Surety.NO)

        def surety(text: str) -> int:
            codes = split(text)
            if not codes:
                return blank
            if any(serves(codes, code) for code in pilot):
                return Surety.SURE
            settled = all(any(serves(frozenset({c}), o) for o in other) for c in codes)
            return Surety.NO if settled else Surety.DOUBTFUL

        stated: IntArray = self.node("services").map(surety, blank=blank, dtype=np.int8)
        least: IntArray = np.minimum(stated, self._by_contract)
        return least

    def serves(self, code: str) -> BoolArray:
        """Nodes that serve a service; a blank list serves all that are offered."""
        return self.node("services").map(lambda text: serves(split(text), code), blank=True, dtype=np.bool_)

    @cached_property
    def subscribers(self) -> BoolArray:
        """Subjects of ISP-01 and ISP-02: subscribers of B14, and customers' own servers that it connects."""
        kind, stated = self.node("kind"), ~self.node("services").blank
        homes = kind.isin({"subscriber"}) & self.serves("B14")
        servers = kind.isin(roles.HOSTING) & (self.owner == Party.CUSTOMER) & stated & self.serves("B14")
        subjects: BoolArray = (homes | servers) & self.in_service
        return subjects

    def counts_of(self, rows: IntArray) -> IntArray:
        """Subscribers that some nodes stand for: one unless a node is a group."""
        counts = self.declaration.nodes.column("count").take(pa.array(rows))
        return np.asarray(pc.fill_null(counts, 1).to_numpy(), np.int64)

    @cached_property
    def network(self) -> AccessGraph:
        """The network that the access searches run on."""
        return AccessGraph(
            paths.access_input(
                self.declaration,
                self.access,
                in_service=self.in_service,
                usable=self.links_in_service,
                carries=self.carries,
                owner=self.owner,
                subjects=self.subscribers,
            )
        )

    @cached_property
    def filed(self) -> Comparison | None:
        """Records as filed with the administration held against the declaration; None without any."""
        declaration = self.declaration
        if declaration.filings is None:
            return None
        from auditor.comparison.compared import compare_sides  # noqa: PLC0415 -- scipy costs a quarter of a second
        from auditor.comparison.sides import side_of  # noqa: PLC0415 -- the same

        inventory = side_of(declaration, "declaration", as_of=self.as_of)
        filed = side_of(
            declaration.filings, declaration.filings_file, as_of=self.as_of, whose=declaration.operator
        )
        return compare_sides((inventory, filed), as_of=self.as_of, policy=self.policy, areas=self.areas)

    @property
    def filings_confirmed(self) -> bool:
        """Whether a review confirms every file of the filings."""
        name = self.declaration.filings_file.rstrip("/")
        own = [
            i.sha256
            for i in self.declaration.inputs
            if name and (i.path == name or i.path.startswith(f"{name}/"))
        ]
        return bool(own) and self.confirmed.issuperset(own)

    # --- place and grade ----------------------------------------------------------------------------------

    @cached_property
    def _placed(self) -> BoolArray:
        """Nodes that say themselves where they are: a code, coordinates, or an address that can be read."""
        nodes, address = self.declaration.nodes, self.node("address")
        lon, lat = columns.floats(nodes, "lon"), columns.floats(nodes, "lat")
        stated = ~np.isnan(lon + lat) | ~self.node("region_code").blank
        if address.blank.all():
            return stated
        nowhere = np.full(len(address.values), np.nan)
        blank = Coded.of([None] * len(address.values))
        read = self.areas.relate(Places(nowhere, nowhere, blank, nowhere, blank, Coded.of(address.values)))
        readable: BoolArray = np.append(read.relation, UNKNOWN)[address.codes] != UNKNOWN
        return stated | readable

    @cached_property
    def placed_by(self) -> IntArray:
        """Row whose place each node has: its own, or that of the site it stands in, and so on upwards."""
        rows, site = np.arange(self.n, dtype=np.int32), self.node("site")
        if not self._sited:
            return rows
        parents = np.append(self.rows_of(site.values), -1).astype(np.int32)[site.codes]
        while True:
            above = parents[rows]
            climb = ~self._placed[rows] & (above >= 0) & (above != rows)
            if not climb.any():
                return rows
            rows = np.where(climb, above, rows)

    @property
    def _sited(self) -> bool:
        """Whether any node stands in a site; else each has its own place, and no column need be copied."""
        return bool(self.node("site").values)

    @cached_property
    def place(self) -> Relation:
        """Relation of each node to the areas; a node without place has its site's."""
        nodes = self.declaration.nodes
        lon, lat, radius = (columns.floats(nodes, name) for name in ("lon", "lat", "accuracy_m"))
        datum, region, address = (self.node(name) for name in ("datum", "region_code", "address"))
        if self._sited:
            rows = self.placed_by
            lon, lat, radius = (column[rows] for column in (lon, lat, radius))
            datum, region, address = (column.take(rows) for column in (datum, region, address))
        return self.areas.relate(Places(lon, lat, datum, radius, region, address))

    @cached_property
    def addresses(self) -> tuple[IntArray, Addresses]:
        """Declared addresses and blocks of nodes, each with the row of its node."""
        return addresses_of(self.declaration.nodes.column("ips"))

    @cached_property
    def evidence(self) -> Evidence:
        """Observations held against the declaration; only rules that are `observed` may ask for it.

        Raises
        ------
        LookupError
            There are none.
        """
        if self.observations is None:
            raise LookupError("no observations were given")
        declared = self.declaration
        region = self.node("region_code").take(self.placed_by)
        ids, prefixes = declared.nodes.column("id").combine_chunks(), declared.prefixes
        domains = tuple(sorted({name for service in declared.services for name in service.domains}))
        return Evidence(
            self.observations, ids, prefixes, self.areas, self.as_of, self.place, region, self.area, domains
        )

    def distance(self, rows: IntArray) -> tuple[FloatArray, IntArray]:
        """Metres from nodes to the edge of the nearest area, negative inside, and the index of that area."""
        return self.areas.distance_m(self.place.lon[rows], self.place.lat[rows])

    def grade_of(self, grade: str | None, document: str | None) -> int:
        """Effective grade: a declared E1 or E2 is E3 until its document is attached and reviewed."""
        if grade == "E4":
            return 4
        digest = self.declaration.documents.get(document) if document else None
        return int(grade[1]) if grade in {"E1", "E2"} and digest in self.confirmed else 3

    @cached_property
    def grade(self) -> IntArray:
        """Effective grade of each node's place, 1 to 4."""
        grades = self._grades()
        return grades[self.placed_by] if self._sited else grades

    def _grades(self) -> IntArray:
        stated, document = self.node("grade"), self.node("document")
        if not self.confirmed:
            return stated.lookup({"E4": 4}, default=3, dtype=np.int8)
        digests = self.declaration.documents
        proven = document.map(lambda name: digests.get(name) in self.confirmed, blank=False, dtype=np.bool_)
        claimed = stated.lookup({"E1": 1, "E2": 2, "E4": 4}, default=3, dtype=np.int8)
        return np.where(proven | (claimed == 4), claimed, np.int8(3))  # noqa: PLR2004 -- E4
