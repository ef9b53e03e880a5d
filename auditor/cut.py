"""The cheapest set of links whose removal parts all roots from all subjects.

No law here. One direction of traffic is a minimum cut: a maximum flow through the arcs that lie on paths from
a root to a subject, all roots made one node and all subjects another [1]_. Two directions over the same links
are a two-commodity cut; that is NP-hard, so it is solved as a mixed integer program where it is
small, and bounded where it is not.

References
----------
.. [1] L. R. Ford, D. R. Fulkerson, *Maximal flow through a network*, Canadian Journal of Mathematics 8, 1956;
   E. A. Dinic, *Algorithm for solution of a problem of maximum flow in networks with power estimation*, 1970.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, gcd, lcm
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from auditor import topology
from auditor.topology import Arcs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.columns import BoolArray, FloatArray, IntArray
    from auditor.topology import Csr, Search

SOURCE, SINK = 0, 1
MOST_EXACT_ARCS = 20_000
"""Arcs up to which a cut of two directions of traffic is searched for exactly."""
MOST_BRANCHES = 20_000
"""Branches after which that search stops and states how far it got."""
WIDEST = 2**31 - 1
"""Greatest capacity that the flow of scipy can hold."""


@dataclass(frozen=True)
class Core:
    """Arcs on paths from a root to a subject, in one direction of traffic; always from the root onwards.

    Parameters
    ----------
    tail, head
        int32, one row an arc: nodes by number, where `SOURCE` is all roots and `SINK` all subjects.
    link
        int32, aligned: the caller's number of the link; one that carries both ways may have two arcs.
    n
        Number of nodes.
    """

    tail: IntArray
    head: IntArray
    link: IntArray
    n: int


@dataclass(frozen=True)
class Found:
    """Links whose removal parts roots from subjects.

    Parameters
    ----------
    links
        Their numbers, ascending.
    bound
        No such set costs less than this.
    exact
        Whether no such set costs less than these, nor as much with fewer links.
    """

    links: IntArray
    bound: Fraction
    exact: bool


def core_of(graph: Csr, found: Search, subjects: IntArray) -> Core:
    """Take what lies on paths from the roots of a search to some of the nodes it reached.

    Parameters
    ----------
    graph
        Neighbours that were searched.
    found
        The search.
    subjects
        Rows reached; a root among them is parted from nothing and must be left out.
    """
    tail = np.repeat(np.arange(graph.n, dtype=np.int32), np.diff(graph.ptr))
    keep = found.reached & found.through
    keep = keep[tail] & found.reached[graph.adj] & (tail != graph.adj)
    if found.absent is not None:
        keep &= ~found.absent[graph.link]
    tail, head, link = tail[keep], graph.adj[keep], graph.link[keep]
    row = np.full(graph.n, -1, np.int32)
    row[found.level == 0] = SOURCE
    row[subjects] = SINK
    # What no path to a subject runs through is left out: searched backwards from the subjects.
    nothing = np.zeros(graph.n, np.bool_)
    onward = Arcs(graph.n, tail, head, np.zeros(tail.size, np.bool_), np.arange(tail.size, dtype=np.int32))
    back = topology.search(topology.csr(onward, reverse=True), subjects, blocked=nothing, ends=nothing)
    keep = back.reached[tail] & back.reached[head] & (row[tail] != SINK) & (row[head] != SOURCE)
    tail, head, link = tail[keep], head[keep], link[keep]
    inner = np.unique(np.concatenate([tail, head]))
    inner = inner[row[inner] < 0]
    row[inner] = np.arange(inner.size, dtype=np.int32) + SINK + 1
    return Core(row[tail], row[head], link, inner.size + SINK + 1)


@dataclass(frozen=True)
class Weights:
    """Costs as whole numbers that also count links, so that of equal costs the fewer links weigh less.

    Parameters
    ----------
    of
        One a link: int64, or Python's integers where 64 bits might not do; 0 for those that are fixed.
    fixed
        Links that may not be removed.
    unit, per
        ``unit`` of weight is worth ``per`` of cost.
    """

    of: IntArray
    fixed: BoolArray
    unit: int
    per: Fraction

    @classmethod
    def make(cls, cost: FloatArray, fixed: BoolArray) -> Weights:
        """Weigh links; a cost is the decimal number that was written: 0.1 is a tenth, exactly."""
        values, which = np.unique(cost[~fixed], return_inverse=True)
        exact = [Fraction(repr(float(value))) for value in values]
        scale = lcm(*(value.denominator for value in exact))
        step = gcd(*(int(value * scale) for value in exact)) or 1
        numbers = [int(value * scale) // step for value in exact]
        # A link more weighs less than the least difference in cost; where all cost the same, it is the cost.
        unit = 1 if len(numbers) == 1 else which.size + 1
        weights = [1] if unit == 1 else [number * unit + 1 for number in numbers]
        small = max(weights, default=0) * max(which.size, 1) < 2**62
        of = np.zeros(fixed.size, np.int64 if small else object)
        of[~fixed] = np.array(weights, of.dtype)[which]
        per = exact[0] if unit == 1 else Fraction(step, scale)
        return cls(of, fixed, unit, per)

    def total(self, links: IntArray) -> int:
        """Weight of some links."""
        return sum(self.of[links].tolist())

    def cost(self, weight: int) -> Fraction:
        """Least cost of links that weigh this much."""
        return weight // self.unit * self.per


def cheapest(cores: Sequence[Core], cost: FloatArray, fixed: BoolArray) -> Found:
    """Find the cheapest set of links that parts all roots from all subjects, in every direction of traffic.

    Of sets that cost the same one with fewest links is chosen; of those, in one direction of traffic, the one
    nearest to the roots, which leaves as much as can be joined to the subjects. The order of rows has no part
    in that.

    Parameters
    ----------
    cores
        One a direction of traffic, of the same links. No root may be joined to a subject by `fixed` links
        alone.
    cost
        One a link number, finite and not negative.
    fixed
        Links that may not be removed.
    """
    cores = [core for core in cores if core.link.size]
    if not cores:
        return Found(np.empty(0, np.int64), Fraction(0), exact=True)
    used = np.unique(np.concatenate([core.link for core in cores]))
    cores = [replace(core, link=np.searchsorted(used, core.link)) for core in cores]
    weights = Weights.make(cost[used], fixed[used])
    links, bound, exact = _cheapest(cores, weights)
    return Found(used[links], weights.cost(bound), exact)


def _cheapest(cores: Sequence[Core], weights: Weights) -> tuple[IntArray, int, bool]:
    """Links, the weight that none goes below, and whether these have it."""
    cuts = [by_flow(core, weights) for core in cores]
    bound = max(map(weights.total, cuts))
    for cut in cuts:  # a cheapest cut of one direction that serves the other is one of both
        if weights.total(cut) == bound and all(parts(core, cut) for core in cores):
            return cut, bound, True
    if sum(core.link.size for core in cores) <= MOST_EXACT_ARCS and weights.of.dtype != object:
        solved = by_program(cores, weights)
        if solved is not None:
            links, low = solved
            return links, max(low, bound), low == weights.total(links)
    return _one_after_the_other(cores, cuts[0], weights), bound, False


def parts(core: Core, links: IntArray) -> bool:
    """Tell whether roots and subjects are apart without some links."""
    gone = np.isin(core.link, links)
    matrix = csr_array(
        (np.ones(np.count_nonzero(~gone)), (core.tail[~gone], core.head[~gone])), (core.n,) * 2
    )
    return SINK not in breadth_first_order(matrix, SOURCE, return_predecessors=False)


def by_flow(core: Core, weights: Weights) -> IntArray:
    """Lightest cut of one direction of traffic, of several the one nearest to the roots."""
    pair, which = np.unique(core.tail.astype(np.int64) * core.n + core.head, return_inverse=True)
    capacity = np.zeros(pair.size, weights.of.dtype)
    np.add.at(capacity, which, weights.of[core.link])
    endless = capacity.sum() + 1
    capacity[which[weights.fixed[core.link]]] = endless
    tail, head = pair // core.n, pair % core.n
    side = (_near if endless <= WIDEST else _near_wide)(tail, head, capacity, core.n)
    return np.unique(core.link[side[core.tail] & ~side[core.head]])


def _near(tail: IntArray, head: IntArray, capacity: IntArray, n: int) -> BoolArray:
    """Nodes that a greatest flow leaves joined to the source."""
    matrix = csr_array((capacity.astype(np.int32), (tail, head)), (n, n))
    left = csr_array(matrix - maximum_flow(matrix, SOURCE, SINK).flow)
    left.eliminate_zeros()
    side = np.zeros(n, np.bool_)
    side[breadth_first_order(left, SOURCE, return_predecessors=False)] = True
    return side


def _near_wide(tail: IntArray, head: IntArray, capacity: IntArray, n: int) -> BoolArray:
    """Give the same with Python's integers: exact at any size, and slower."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(n))
    arcs = zip(head.tolist(), tail.tolist(), capacity.tolist(), strict=True)
    graph.add_edges_from((one, other, {"capacity": int(most)}) for one, other, most in arcs)
    # networkx gives the side of its sink as small as can be; so it is asked backwards.
    _, (_, near) = nx.minimum_cut(graph, SINK, SOURCE)
    side = np.zeros(n, np.bool_)
    side[list(near)] = True
    return side


def by_program(cores: Sequence[Core], weights: Weights) -> tuple[IntArray, int] | None:
    """Lightest cut of all directions of traffic at once, with the weight that none goes below.

    Minimise the weight of removed links, where every node of every direction bears a mark that is 1 at the
    roots and 0 at the subjects and falls along an arc only if its link is removed:
    ``mark[tail] - mark[head] <= removed[link]``.
    """
    links, nodes = weights.of.size, sum(core.n for core in cores)
    low, high = np.zeros(links + nodes), np.ones(links + nodes)
    high[:links][weights.fixed] = 0
    first, rows, columns, signs, arcs = links, [], [], [], 0
    for core in cores:
        low[first + SOURCE], high[first + SINK] = 1, 0
        row = np.arange(arcs, arcs + core.link.size)
        rows += [row, row, row]
        columns += [first + core.tail, first + core.head, core.link]
        signs += [np.ones(row.size), -np.ones(row.size), -np.ones(row.size)]
        first, arcs = first + core.n, arcs + row.size
    entries = (np.concatenate(signs), (np.concatenate(rows), np.concatenate(columns)))
    solved = milp(
        np.concatenate([weights.of.astype(np.float64), np.zeros(nodes)]),
        constraints=LinearConstraint(coo_array(entries, (arcs, links + nodes)).tocsr(), -np.inf, 0),
        integrality=np.concatenate([np.ones(links, np.int8), np.zeros(nodes, np.int8)]),
        bounds=Bounds(low, high),
        options={"mip_rel_gap": 0, "node_limit": MOST_BRANCHES},
    )
    if solved.x is None:
        return None
    removed = np.flatnonzero(solved.x[:links] > 0.5)  # noqa: PLR2004 -- 0 or 1, but for rounding
    if not all(parts(core, removed) for core in cores):
        return None
    # Weights are whole numbers: so is the least.
    return removed, min(ceil(solved.mip_dual_bound - 1e-6), weights.total(removed))


def _one_after_the_other(cores: Sequence[Core], first: IntArray, weights: Weights) -> IntArray:
    """Cut one direction, then what is left of the next."""
    gone = first
    for core in cores[1:]:
        left = ~np.isin(core.link, gone)
        rest = replace(core, tail=core.tail[left], head=core.head[left], link=core.link[left])
        gone = np.union1d(gone, by_flow(rest, weights))
    return gone
