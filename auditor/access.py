"""The law's reading of access paths over columns: ISP-02 (is there a bypass?) and ISP-06 (the stretch).

Annex 2(2) of Circular 107: 需通过基础电信企业互联网接入设备对用户提供互联网接入服务. Every path from a
subject to a root must pass a gate; so the gates are taken out, and a subject that still reaches a root has a
bypass.

What is doubtful is read once for and once against the operator (DESIGN 6). A completion settles each doubt: a
doubtful gate is a gate or none, a doubtful root is a root or none, a tunnel of which nobody says what it
crosses runs over a gate or over none. With more gates, fewer roots and more tunnels over gates, bypasses can
only vanish and served subjects only grow. So a subject fails in all completions if it fails in the one most
favourable to the operator, and passes in all if it passes in the least favourable one: two runs decide what
enumeration would.

Cases at the border:

* a subject that is itself a root, or linked to one, bypasses; its path has one node, or two;
* a subject that is itself a gate, or linked to gates only, passes;
* a path ends at the first root it meets, and never runs on through a node that ends paths;
* a tunnel over a gate leads to that gate (its subjects are served), and nowhere else while the gate is out;
* with any one-way link both directions of traffic are judged, and the worse counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from auditor import shortest, topology
from auditor.access_graph import DOUBTFUL, NO, SURE, AccessGraph, AccessInput
from auditor.findings import Verdict
from auditor.shortest import Paths
from auditor.topology import NONE, Search

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.columns import BoolArray, IntArray
    from auditor.shortest import Rank
    from auditor.topology import Csr
    from auditor.trunk import Way

    Found: TypeAlias = Mapping[int, Search]

__all__ = [
    "ACCESS_VERDICT",
    "AccessGraph",
    "AccessInput",
    "AccessReason",
    "Judged",
    "StretchReason",
    "Witnesses",
    "bypasses",
    "judge_access",
    "judge_stretch",
    "stretch_verdict",
]

LAST = np.iinfo(np.int64).max


class AccessReason(IntEnum):
    """Why a subject has its verdict under ISP-02; of two directions of traffic the higher counts."""

    THROUGH_GATE = 0
    NOT_COMPLETE = 1
    OWN_SERVER_IN_FRONT = 2
    NO_PATH = 3
    BYPASS_IF_DOUBTFUL = 4
    BYPASS = 5


ACCESS_VERDICT = {
    AccessReason.THROUGH_GATE: Verdict.PASS,
    AccessReason.NOT_COMPLETE: Verdict.INCONCLUSIVE,
    AccessReason.OWN_SERVER_IN_FRONT: Verdict.INCONCLUSIVE,
    AccessReason.NO_PATH: Verdict.INCONCLUSIVE,
    AccessReason.BYPASS_IF_DOUBTFUL: Verdict.INCONCLUSIVE,
    AccessReason.BYPASS: Verdict.FAIL,
}


class StretchReason(IntEnum):
    """Why a subject has its verdict under ISP-06; of two directions of traffic the higher counts."""

    INSIDE = 0
    NO_LINK = 1
    UNPLACED = 2
    OUTSIDE_IF_DOUBTFUL = 3
    OUTSIDE = 4


def stretch_verdict(*, required: bool) -> dict[StretchReason, Verdict]:
    """Verdict of each reason under ISP-06.

    Parameters
    ----------
    required
        Policy ``access_equipment_in_area = "required"``; else equipment outside is inconclusive, since the
        circular is silent on where carriers' equipment stands.

    Examples
    --------
    >>> str(stretch_verdict(required=True)[StretchReason.OUTSIDE])
    'fail'
    """
    return {
        StretchReason.INSIDE: Verdict.PASS,
        StretchReason.NO_LINK: Verdict.NOT_APPLICABLE,
        StretchReason.UNPLACED: Verdict.INCONCLUSIVE,
        StretchReason.OUTSIDE_IF_DOUBTFUL: Verdict.INCONCLUSIVE,
        StretchReason.OUTSIDE: Verdict.FAIL if required else Verdict.INCONCLUSIVE,
    }


@dataclass(frozen=True)
class Witnesses:
    """Paths that show why, one a subject asked for; empty where there is none to show.

    Parameters
    ----------
    paths
        From the subject on. Nodes are rows of the input, -1 for a far end that is blank; links are its rows.
    near, far
        int32: the first hop whose far end is neither the operator's nor a customer's; `near` is -1 where the
        path has none, `far` -1 also where that far end is blank.
    doubtful_node, doubtful_link
        Aligned with ``paths.nodes``: doubtful gates on the path and a doubtful root at its end; doubtful
        links by which a node is left.
    """

    paths: Paths
    near: IntArray
    far: IntArray
    doubtful_node: BoolArray
    doubtful_link: BoolArray


@dataclass(frozen=True)
class Judged:
    """Reasons, one a subject, and the searches that hold their witnesses.

    Parameters
    ----------
    subjects
        Rows, in order.
    reason
        int8, aligned: an `AccessReason` or a `StretchReason`.
    downstream
        Aligned: the reason lies in traffic from the root to the subject.
    network
        What was searched.
    found
        For each direction of traffic, the search in the trunk that holds the witness of a reason.
    """

    subjects: IntArray
    reason: IntArray
    downstream: BoolArray
    network: AccessGraph
    found: tuple[Found, ...]

    @property
    def lengths(self) -> IntArray:
        """Nodes on each subject's witness path, 0 where there is none."""
        lengths = np.zeros(self.subjects.size, np.int32)
        trunk = self.network.trunk
        for number, (way, found) in enumerate(zip(trunk.ways, self.found, strict=True)):
            for reason, search in found.items():
                mine = (self.reason == reason) & (self.downstream == bool(number))
                lengths[mine] = trunk.levels(way, search)[mine] + 1
        return lengths

    def witnesses(self, rank: Rank, at: IntArray | None = None) -> Witnesses:
        """Collect shortest paths; equal ones are decided by the smallest ids.

        Parameters
        ----------
        rank
            Gives numbers in the order of the node ids for the rows it is asked for.
        at
            Positions in `subjects`; all by default. What is returned grows with the sum of `lengths`.
        """
        at = np.arange(self.subjects.size) if at is None else at
        group = self.reason[at] * np.int8(2) + self.downstream[at]
        near, far = np.full((2, at.size), NONE, np.int32)
        parts, order = [], []
        for value in np.unique(group).tolist():
            chosen = np.flatnonzero(group == value)
            part, near[chosen], far[chosen] = self._paths(value % 2, value // 2, at[chosen], rank)
            parts.append(part)
            order.append(chosen)
        if len(parts) == 1:
            return self._shown(parts[0], near, far)
        back = np.argsort(np.concatenate([np.empty(0, np.int64), *order]))
        return self._shown(shortest.taken(shortest.joined(parts), back), near, far)

    def _paths(self, number: int, reason: int, at: IntArray, rank: Rank) -> tuple[Paths, IntArray, IntArray]:
        """Paths of subjects that share a reason, and near and far rows of their hand-offs."""
        network, found = self.network, self.found[number].get(reason)
        if found is None:
            nowhere = np.full(at.size, NONE, np.int32)
            return Paths(nowhere[:0], nowhere[:0], np.zeros(at.size + 1, np.int64)), nowhere, nowhere

        def with_far_ends(rows: IntArray) -> IntArray:
            numbers = np.full(rows.size, LAST)
            declared = rows < network.given.n
            numbers[declared] = rank(rows[declared])
            return numbers

        trunk, doubtful = network.trunk, network.doubtful.view(np.int8)
        return trunk.grown(
            trunk.ways[number], found, at, with_far_ends, link_rank=doubtful, inside=network.ours
        )

    def _shown(self, paths: Paths, near: IntArray, far: IntArray) -> Witnesses:
        network, last = self.network, paths.links == NONE
        node = network.gate[paths.nodes] == DOUBTFUL
        node[last] |= network.root[paths.nodes[last]] == DOUBTFUL
        return Witnesses(
            Paths(network.blank(paths.nodes), network.declared(paths.links), paths.offsets),
            near,
            network.blank(far),
            node,
            np.append(network.doubtful, False)[paths.links],  # no link, no doubt
        )


def judge_access(network: AccessGraph, *, own_server: str = "inconclusive") -> Judged:
    """Judge each subject under ISP-02: whether any path that the declared links permit avoids the gates.

    Parameters
    ----------
    network
        The network.
    own_server
        Policy ``own_access_server``: ``inconclusive``, or ``pass`` where a tier-1 node of the operator's own
        may stand before the gate.

    Returns
    -------
    Judged
        With an `AccessReason` a subject, the first that holds of: a sure root is reached with all gates out
        and over sure links; any root is reached with the sure gates out; no sure gate is reached; none is
        but through an own server; the network is not complete. Witnesses lead to the root, or for the last
        two and for a pass to the nearest sure gate; "no path" has none.
    """
    return _worse(network, [_access(network, way, own_server) for way in network.trunk.ways])


def bypasses(network: AccessGraph) -> tuple[Search, ...]:
    """Search the whole network for sure bypasses, in each direction of traffic: for those who alter links."""
    return tuple(_strict(network, graph, slice(None)) for graph, _ in network.ways)


def _strict(network: AccessGraph, graph: Csr, rows: IntArray | slice) -> Search:
    """Search from the sure roots with all gates out and over sure links; of nodes only `rows`."""
    over_any = network.crossing(DOUBTFUL) | network.crossing(SURE) | network.to_gate(DOUBTFUL, SURE)
    return topology.search(
        graph,
        np.flatnonzero(network.root[rows] == SURE),
        blocked=network.gate[rows] > NO,
        ends=network.ends[rows],
        absent=over_any | network.unsure,
    )


def _access(network: AccessGraph, way: Way, own_server: str) -> tuple[IntArray, Found]:
    trunk, graph = network.trunk, way.graph
    gates = network.gate[trunk.rows]
    ends, own = network.ends[trunk.rows], network.own_server[trunk.rows]
    strict = _strict(network, graph, trunk.rows)
    lenient = topology.search(
        graph,
        np.flatnonzero(network.root[trunk.rows] > NO),
        blocked=gates == SURE,
        ends=ends,
        absent=network.crossing(SURE) | network.to_gate(DOUBTFUL, SURE),
    )
    # A root that is reached, but not with the sure gates out, lies behind one: no second search for roots.
    to_gate, sure_gates = network.to_gate(DOUBTFUL), np.flatnonzero(gates == SURE)
    served = topology.search(graph, sure_gates, blocked=np.zeros_like(ends), ends=ends, absent=to_gate)
    direct = served
    if own_server != "pass" and own.any():
        direct = topology.search(graph, sure_gates, blocked=own, ends=ends, absent=to_gate)
    default = AccessReason.THROUGH_GATE if network.given.complete else AccessReason.NOT_COMPLETE

    def reached(found: Search) -> BoolArray:
        return trunk.levels(way, found) >= 0

    unserved = ~reached(served)
    reason = np.select(
        [reached(strict), reached(lenient), unserved, unserved if direct is served else ~reached(direct)],
        [
            np.int8(AccessReason.BYPASS),
            np.int8(AccessReason.BYPASS_IF_DOUBTFUL),
            np.int8(AccessReason.NO_PATH),
            np.int8(AccessReason.OWN_SERVER_IN_FRONT),
        ],
        np.int8(default),
    )
    return reason, {
        AccessReason.BYPASS: strict,
        AccessReason.BYPASS_IF_DOUBTFUL: lenient,
        AccessReason.OWN_SERVER_IN_FRONT: served,
        AccessReason.NOT_COMPLETE: served,
        AccessReason.THROUGH_GATE: served,
    }


def judge_stretch(
    network: AccessGraph, *, outside: BoolArray, unplaced: BoolArray, carrier: BoolArray
) -> Judged:
    """Judge each subject under ISP-06: whether the stretch to its first gate stays inside the area.

    Searched from each gate and each other carrier node that is outside, with all other gates and the sure
    roots taken out. One search from all of them at once finds the same subjects as one from each: a shortest
    path to the nearest source runs through no other source.

    Parameters
    ----------
    network
        The network.
    outside, unplaced
        One a node: surely outside the area; without place, straddling or undecided.
    carrier
        One a node: a carrier owns it.

    Returns
    -------
    Judged
        With a `StretchReason` a subject. ``OUTSIDE``: reached over sure links from equipment that surely is
        a carrier's. ``OUTSIDE_IF_DOUBTFUL``: from a gate of unknown owner, or over a doubtful link. Witnesses
        lead from the subject to that equipment; ``INSIDE`` and ``NO_LINK`` have none.
    """
    gates = network.gate > NO
    carriers = network.spread(carrier)
    on_stretch = gates | (carriers & (network.root == NO) & ~network.ends)
    sources = network.spread(outside) & on_stretch
    equipment = _Equipment(
        certain=sources & (carriers | (network.gate == SURE)),
        outside=sources,
        unplaced=network.spread(unplaced) & gates,
    )
    return _worse(network, [_stretch(network, way, equipment) for way in network.trunk.ways])


@dataclass(frozen=True)
class _Equipment:
    """Sources of the searches for ISP-06, masks over nodes."""

    certain: BoolArray
    outside: BoolArray
    unplaced: BoolArray


def _stretch(network: AccessGraph, way: Way, equipment: _Equipment) -> tuple[IntArray, Found]:
    trunk = network.trunk
    taken_out = ((network.gate > NO) | (network.root == SURE))[trunk.rows]
    over_gate = network.crossing(DOUBTFUL) | network.crossing(SURE)
    ends = network.ends[trunk.rows]

    def near(sources: BoolArray, absent: BoolArray) -> Search:
        mine = sources[trunk.rows]
        return topology.search(
            way.graph, np.flatnonzero(mine), blocked=taken_out & ~mine, ends=ends, absent=absent
        )

    def reached(found: Search) -> BoolArray:
        return trunk.levels(way, found) >= 0

    certain = near(equipment.certain, over_gate | network.unsure)
    outside = near(equipment.outside, over_gate)
    unplaced = near(equipment.unplaced, over_gate)
    reason = np.select(
        [reached(certain), reached(outside), reached(unplaced), ~network.linked[trunk.asked]],
        [
            np.int8(StretchReason.OUTSIDE),
            np.int8(StretchReason.OUTSIDE_IF_DOUBTFUL),
            np.int8(StretchReason.UNPLACED),
            np.int8(StretchReason.NO_LINK),
        ],
        np.int8(StretchReason.INSIDE),
    )
    return reason, {
        StretchReason.OUTSIDE: certain,
        StretchReason.OUTSIDE_IF_DOUBTFUL: outside,
        StretchReason.UNPLACED: unplaced,
    }


def _worse(network: AccessGraph, ways: list[tuple[IntArray, Found]]) -> Judged:
    """Of each subject the higher reason of all directions of traffic, the first on equality."""
    reason = ways[0][0]
    downstream = np.zeros(reason.size, np.bool_)
    if len(ways) > 1:
        downstream = ways[1][0] > reason
        reason = np.maximum(reason, ways[1][0])
    return Judged(network.trunk.asked, reason, downstream, network, tuple(found for _, found in ways))
