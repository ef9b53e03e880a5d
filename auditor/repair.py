"""Find the cheapest links to cut, or to hand over to a carrier, so that ISP-02 has no fail."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.spatial import cKDTree

from auditor import columns, engine, roles, topology
from auditor.access import AccessReason, bypasses, judge_access
from auditor.boundaries import ecef
from auditor.columns import Coded
from auditor.cut import cheapest, core_of
from auditor.errors import UsageError
from auditor.language import say
from auditor.paths import Shown, links_searched, names_of, ranker
from auditor.roles import Party, Surety
from auditor.standing import WITHIN
from auditor.suggested import RULE, Cut, Step, Stuck
from auditor.topology import Arcs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from auditor.access import Judged
    from auditor.case import Case
    from auditor.columns import BoolArray, FloatArray, IntArray
    from auditor.cut import Found
    from auditor.model import Declaration
    from auditor.topology import Search


def suggest_cut(case: Case) -> Cut:
    """Find the cheapest repair of all bypasses of a case: an `auditor.suggested.Cut`.

    Parameters
    ----------
    case
        The case, as ``auditor.check(...).case`` has it.

    Raises
    ------
    UsageError
        A link whose cost is negative.

    Examples
    --------
    >>> import auditor
    >>> from auditor.settings import sample
    >>> declaration = auditor.read_declaration(sample("backbone"))
    >>> cut = suggest_cut(auditor.check(declaration, as_of="2026-11-22", only="PILOT-ISP-02").case)
    >>> [step.ends for step in cut.steps], cut.before["fail"], cut.after["fail"]
    ([('agg-2', '8')], 1, 0)
    """
    before = counts(case)
    if not before["fail"]:
        return Cut(
            (),
            0.0,
            0.0,
            exact=True,
            stuck=(),
            lost=(),
            before=before,
            cut=before,
            after=before,
            declaration=case.declaration,
        )
    bypasses = Bypasses(case)
    found = bypasses.cheapest()
    rows = bypasses.kept[found.links]
    cut = replace(case, declaration=without(case.declaration, rows))
    lost, near = _left_alone(case, cut, bypasses, rows)
    steps = _steps(case, bypasses, rows, near)
    moved = {step.row: step for step in steps if step.gate is not None}
    after = replace(case, declaration=handed_over(case.declaration, rows, moved))
    ids = case.declaration.nodes.column("id")
    return Cut(
        steps,
        float(sum(bypasses.cost[found.links])),
        float(found.bound),
        found.exact,
        tuple(_stuck(case, bypasses)),
        tuple(sorted(ids.take(pa.array(lost)).to_pylist())),
        before,
        counts(cut),
        counts(after) if moved else counts(cut),
        after.declaration,
    )


def counts(case: Case) -> Mapping[str, int]:
    """Findings of ISP-02 by verdict."""
    (rule,) = engine.choose_rules(only=(RULE,))
    found = engine.run_rule(case, rule).counts()
    return {"fail": 0} | {str(verdict): count for verdict, count in sorted(found.items())}


@dataclass(frozen=True)
class Bypasses:
    """The bypasses of a case, on links by position among those that the access search takes."""

    case: Case

    @cached_property
    def kept(self) -> IntArray:
        """Rows of the declared links that the access search takes."""
        case = self.case
        return links_searched(case.declaration, in_service=case.in_service, usable=case.links_in_service)

    @cached_property
    def cost(self) -> FloatArray:
        """Cost of each link, 1 where that is blank."""
        links = self.case.declaration.links.take(pa.array(self.kept))
        cost = columns.floats(links, "cost")
        wrong = np.flatnonzero(cost < 0)
        if wrong.size:
            ids = links.column("id").take(pa.array(wrong[:10])).to_pylist()
            raise UsageError(
                say(
                    "column cost of the links: negative for {names}; give 0 or more, or leave it blank for 1",
                    names=ids,
                )
            )
        return np.where(np.isnan(cost), 1.0, cost)

    @cached_property
    def breakable(self) -> BoolArray:
        """Links that the operator may cut (see `auditor.suggested.Cut`)."""
        case, given = self.case, self.case.network.given
        mine = case.owner == Party.OPERATOR
        mine |= (case.owner != Party.CARRIER) & ((case.runner == Party.OPERATOR) | case.held)
        served = (case.owner == Party.CUSTOMER) | case.subscribers
        names = Coded.of(case.declaration.links.column("owner")).take(self.kept)
        owner = roles.parties(names, case.declaration.operator, as_of=case.as_of).party

        def at_an_end(nodes: BoolArray) -> BoolArray:
            # Nodes that nobody declared, and at last a far end that is blank, are nobody's.
            spread = np.concatenate([nodes, np.zeros(given.n - given.declared + 1, np.bool_)])
            touched: BoolArray = spread[given.tail] | spread[given.head]
            return touched

        own = owner == Party.OPERATOR
        free: BoolArray = own | at_an_end(mine) | (at_an_end(served) & (owner == Party.UNKNOWN))
        return free

    @cached_property
    def judged(self) -> Judged:
        """Judgement of ISP-02."""
        return judge_access(self.case.network, own_server=self.case.policy.own_access_server)

    @cached_property
    def strict(self) -> tuple[Search, ...]:
        """For each direction of traffic the search that finds bypasses."""
        return bypasses(self.case.network)

    @cached_property
    def failing(self) -> BoolArray:
        """Nodes that are subjects with a bypass."""
        mask = np.zeros(self.case.network.n, np.bool_)
        mask[self.judged.subjects[self.judged.reason == AccessReason.BYPASS]] = True
        return mask

    @cached_property
    def stuck(self) -> BoolArray:
        """Of those the ones that have a bypass over links of others alone."""
        network = self.case.network
        free = np.zeros(network.origin.size, np.bool_)
        free[: self.kept.size] = self.breakable
        mask = np.zeros(network.n, np.bool_)
        for way, strict in zip(network.ways, self.strict, strict=True):
            absent = free if strict.absent is None else free | strict.absent
            roots = np.flatnonzero(strict.level == 0)
            mask |= topology.search(
                way[0], roots, blocked=network.gate > Surety.NO, ends=network.ends, absent=absent
            ).reached
        return mask & self.failing

    def cheapest(self) -> Found:
        """Cut what can be cut."""
        network, cores = self.case.network, []
        for way, strict in zip(network.ways, self.strict, strict=True):
            subjects = np.flatnonzero(self.failing & ~self.stuck & strict.reached).astype(np.int32)
            cores.append(core_of(way[0], strict, subjects))
        return cheapest(cores, self.cost, ~self.breakable)


def without(declaration: Declaration, rows: IntArray) -> Declaration:
    """Give the declaration without some links, by row."""
    keep = np.ones(declaration.links.num_rows, np.bool_)
    keep[rows] = False
    return replace(declaration, links=declaration.links.filter(pa.array(keep)))


def handed_over(declaration: Declaration, rows: IntArray, moved: Mapping[int, Step]) -> Declaration:
    """Give the declaration with some links cut, and others led to access equipment instead.

    Parameters
    ----------
    declaration
        The declaration.
    rows
        Links that go.
    moved
        Of these the ones that are led to the gate of their step instead, by row.
    """
    links, ids = declaration.links, declaration.nodes.column("id")
    for end, name in enumerate(("source", "target")):
        led = {row: step.gate for row, step in moved.items() if step.kept != end}
        if not led:
            continue
        at, code = np.array(list(led)), ("tail", "head")[end]
        numbers = np.array(links.column(code).to_numpy(), np.int32)
        where = pa.compute.index_in(pa.array(list(led.values()), pa.string()), ids.combine_chunks())
        numbers[at] = where.to_numpy()
        known = pa.concat_arrays([ids.combine_chunks(), declaration.undeclared])
        coded = pa.DictionaryArray.from_arrays(pa.array(numbers, mask=numbers < 0), known)
        links = links.set_column(links.column_names.index(name), name, coded)
        links = links.set_column(links.column_names.index(code), code, pa.array(numbers))
    return without(replace(declaration, links=links), np.setdiff1d(rows, list(moved)))


def _left_alone(case: Case, cut: Case, bypasses: Bypasses, rows: IntArray) -> tuple[IntArray, dict[int, int]]:
    """Subjects that lose every path by a cut; and by row of the links at fault the end on their side."""
    judged = judge_access(cut.network, own_server=case.policy.own_access_server)
    alone = judged.reason == AccessReason.NO_PATH
    lost = judged.subjects[alone & (bypasses.judged.reason != AccessReason.NO_PATH)]
    if not lost.size:
        return lost, {}
    arcs = cut.network.arcs
    roads = topology.csr(Arcs(arcs.n, arcs.tail, arcs.head, np.ones(arcs.tail.size, np.bool_), arcs.link))
    nothing = np.zeros(arcs.n, np.bool_)
    theirs = topology.search(roads, lost, blocked=nothing, ends=cut.network.ends).reached
    # The last is a blank far end.
    theirs = np.append(theirs[: cut.network.given.n], False)
    ends = [theirs[np.asarray(case.declaration.links.column(n).to_numpy())[rows]] for n in ("tail", "head")]
    near = {int(row): int(not tail) for row, tail, head in zip(rows, *ends, strict=True) if tail or head}
    return lost, near


def _steps(case: Case, bypasses: Bypasses, rows: IntArray, near: Mapping[int, int]) -> tuple[Step, ...]:
    """Say of each link whether it is cut or handed over, and to which gate."""
    declaration = case.declaration
    links = declaration.links.take(pa.array(rows))
    ends = [np.asarray(links.column(name).to_numpy(), np.int64) for name in ("tail", "head")]
    names = [names_of(declaration, end) for end in ends]
    kept = np.array([near.get(row, 0) for row in rows.tolist()], np.int64)
    wanted = np.flatnonzero([row in near for row in rows.tolist()])
    gates: list[str | None] = [None] * rows.size
    for position, gate in zip(
        wanted.tolist(), nearest_gates(case, np.where(kept, ends[1], ends[0])[wanted]), strict=True
    ):
        gates[position] = gate
    cost = bypasses.cost[np.searchsorted(bypasses.kept, rows)]
    ids = links.column("id").to_pylist()
    steps = [
        Step(
            int(row),
            ids[i],
            (names[0][i], names[1][i]),
            float(cost[i]),
            int(kept[i]),
            gates[i],
            int(row) in near,
        )
        for i, row in enumerate(rows)
    ]
    return tuple(sorted(steps, key=lambda step: (step.link, step.row)))


def nearest_gates(case: Case, nodes: IntArray) -> list[str | None]:
    """Sure access equipment nearest to each of some nodes, in the operator's area if there is any.

    Nodes without coordinates get the first by id; None where no such equipment is declared.
    """
    gates = np.flatnonzero((case.access.gate == Surety.SURE) & case.in_service)
    if not gates.size:
        return [None] * nodes.size
    place = case.place
    inside = gates[(place.relation[gates] == WITHIN) & (place.area[gates] == case.area)]
    gates = inside if inside.size else gates
    gates = gates[np.argsort(ranker(case.declaration)(gates), kind="stable")]
    chosen = np.full(nodes.size, gates[0])
    placed = gates[~np.isnan(place.lon[gates] + place.lat[gates])]
    declared = np.where(nodes < case.n, nodes, 0)
    known = np.flatnonzero((nodes < case.n) & ~np.isnan(place.lon[declared] + place.lat[declared]))
    if placed.size and known.size:
        tree = cKDTree(ecef(place.lon[placed], place.lat[placed]))
        _, at = tree.query(ecef(place.lon[nodes[known]], place.lat[nodes[known]]))
        chosen[known] = placed[at]
    return names_of(case.declaration, chosen)


def _stuck(case: Case, bypasses: Bypasses) -> Iterator[Stuck]:
    """Show paths over links of others, on the network without all other links."""
    if not bypasses.stuck.any():
        return
    rows = bypasses.kept[bypasses.breakable]
    others = without(case.declaration, rows)
    # Of parallel links a path takes the first: in order of ids, that is the same whatever the order of rows.
    order_of_ids = pc.sort_indices(others.links.column("id"))
    bare = replace(case, declaration=replace(others, links=others.links.take(order_of_ids), origins={}))
    judged = judge_access(bare.network, own_server=case.policy.own_access_server)
    at = np.flatnonzero(bypasses.stuck[judged.subjects])
    order = np.argsort(ranker(case.declaration)(judged.subjects[at]), kind="stable")
    at = at[order]
    witnesses = judged.witnesses(ranker(bare.declaration), at)
    shown = Shown(bare.declaration, witnesses)
    searched = links_searched(bare.declaration, in_service=bare.in_service, usable=bare.links_in_service)
    ids = bare.declaration.links.column("id")
    for i in range(at.size):
        part = slice(witnesses.paths.offsets[i], witnesses.paths.offsets[i + 1])
        taken = witnesses.paths.links[part]
        links: list[Any] = ids.take(pa.array(searched[taken[taken >= 0]])).to_pylist()
        path = shown.path(i)
        yield Stuck(str(path[0]), tuple(path), tuple(links))
