"""The equipment that groups of subscribers hang on: whatever all their paths to the Internet pass.

A node dominates a subscriber if every access path of that subscriber passes it; the nearest such node is its
immediate dominator [1]_. Paths begin at roots and at access equipment of carriers, sure or doubtful, behind
which the carrier's network is taken to lie, and lead against traffic to the subscriber; a tunnel counts as a
link of its own, whatever it crosses.

References
----------
.. [1] K. D. Cooper, T. J. Harvey, K. Kennedy, *A simple, fast dominance algorithm*, 2006; as networkx has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np
import pyarrow as pa

from auditor import topology
from auditor.access_graph import DOUBTFUL, NO, SURE
from auditor.language import Text, both
from auditor.paths import links_searched, names_of
from auditor.suggested import listed

if TYPE_CHECKING:
    from auditor.case import Case
    from auditor.columns import BoolArray, IntArray


@dataclass(frozen=True)
class Group:
    """Subjects that hang on one piece of equipment.

    Parameters
    ----------
    equipment
        Id of the nearest node that all their paths pass; None where there is no such node.
    link
        Id of the nearest link beyond it, towards the Internet, that all their paths pass as well; None where
        there is none.
    groups, subscribers
        Subjects, and the subscribers that they stand for.
    example
        The first of them by id.
    """

    equipment: str | None
    link: str | None
    groups: int
    subscribers: int
    example: str

    def told(self) -> Text:
        """Say it in a line."""
        args = {"count": self.subscribers, "groups": self.groups}
        if self.equipment is None:
            return both(
                "{count:,} subscribers ({groups:,} groups) have no single piece of equipment that all their "
                "paths pass",
                **args,
            )
        if self.link is None:
            return both(
                "{count:,} subscribers ({groups:,} groups) hang on {equipment}",
                **args,
                equipment=self.equipment,
            )
        return both(
            "{count:,} subscribers ({groups:,} groups) hang on {equipment}, and on the link {link} behind it",
            **args,
            equipment=self.equipment,
            link=self.link,
        )


@dataclass(frozen=True)
class Hanging:
    """Groups, the largest first; subjects without any path are in none of them."""

    groups: tuple[Group, ...]

    def to_dict(self) -> list[dict[str, Any]]:
        """Give plain values, for JSON."""
        return [vars(group).copy() for group in self.groups]

    def lines(self, lang: str = "en") -> list[str]:
        """Say it in words, a line each."""
        return [text.in_(lang) for text in listed([group.told() for group in self.groups])]


@dataclass(frozen=True)
class _Tree:
    """Immediate dominators of nodes that carry; row `n` is the Internet, above all.

    Parameters
    ----------
    above
        The immediate dominator, -1 for nodes that nothing reaches.
    depth
        Steps down from the Internet.
    """

    above: IntArray
    depth: IntArray

    def meet(self, one: IntArray, other: IntArray) -> IntArray:
        """Nearest node that dominates both, or is one of them, pair by pair."""
        pairs, which = np.unique(np.column_stack([one, other]), axis=0, return_inverse=True)
        a, b = pairs[:, 0].copy(), pairs[:, 1].copy()
        left = np.flatnonzero(a != b)
        while left.size:
            x, y = a[left], b[left]
            first, second = self.depth[x] >= self.depth[y], self.depth[y] >= self.depth[x]
            a[left], b[left] = np.where(first, self.above[x], x), np.where(second, self.above[y], y)
            left = left[a[left] != b[left]]
        met: IntArray = a[which.ravel()]
        return met

    def below(self, node: IntArray, top: IntArray) -> BoolArray:
        """Whether `top` dominates `node` or is it, pair by pair."""
        is_below: BoolArray = self.meet(node, top) == top
        return is_below


def hanging(case: Case, rows: IntArray | None = None) -> Hanging:
    """Tell which equipment the subjects of ISP-02 hang on.

    Parameters
    ----------
    case
        The case, as ``auditor.check(...).case`` has it.
    rows
        Rows of the subjects asked for; all by default.

    Examples
    --------
    >>> import auditor
    >>> declaration = auditor.read_declaration(auditor.sample("backbone"))
    >>> case = auditor.check(declaration, as_of="2026-11-22", only="PILOT-ISP-02").case
    >>> [(group.equipment, group.subscribers) for group in hanging(case).groups]
    [('olt-1', 310), ('olt-2', 22)]
    """
    network = case.network
    starts = (network.gate > NO) | (network.root > NO)
    graph = network.ways[0][0]
    absent = network.to_gate(DOUBTFUL, SURE)
    nothing = np.zeros(network.n, np.bool_)
    found = topology.search(graph, np.flatnonzero(starts), blocked=nothing, ends=network.ends, absent=absent)
    tail = np.repeat(np.arange(graph.n), np.diff(graph.ptr))
    keep = (found.reached & found.through)[tail] & (tail != graph.adj) & ~absent[graph.link]
    tail, head, link = tail[keep], graph.adj[keep].astype(np.int64), graph.link[keep]
    tree = _tree(network.n, tail, head, found.through & found.reached, starts)
    asked = np.flatnonzero(network.given.subject) if rows is None else rows
    asked = asked[found.reached[asked]]
    hung = _hung(tree, tail, head, asked, starts)
    bridge = _bridges(tree, tail, head, link, starts)
    return Hanging(tuple(_groups(case, asked, hung, _nearest(tree, bridge))))


def _tree(n: int, tail: IntArray, head: IntArray, carries: BoolArray, starts: BoolArray) -> _Tree:
    """Find immediate dominators of what carries; what ends paths is left out: there may be millions."""
    inner = carries[head] & ~starts[head]
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_node(n)
    graph.add_edges_from((n, start) for start in np.flatnonzero(starts).tolist())
    graph.add_edges_from(zip(tail[inner].tolist(), head[inner].tolist(), strict=True))
    parents = nx.immediate_dominators(graph, n)
    above, depth = np.full(n + 1, -1), np.zeros(n + 1, np.int64)
    above[list(parents)] = list(parents.values())
    above[n] = n
    level = np.flatnonzero(above >= 0)
    level = level[level != n]
    while level.size:  # a level of the tree at a time
        up = above[level]
        known = (depth[up] > 0) | (up == n)
        depth[level[known]] = depth[up[known]] + 1
        level = level[~known]
    return _Tree(above, depth)


def _hung(tree: _Tree, tail: IntArray, head: IntArray, asked: IntArray, starts: BoolArray) -> IntArray:
    """Nearest node that all paths of each subject asked for pass; the Internet itself where there is none."""
    top = tree.above.size - 1
    hung = np.full(top, -1)
    wanted = np.zeros(top, np.bool_)
    wanted[asked] = True
    carrying = tree.above[:top] >= 0
    known = asked[carrying[asked]]
    hung[known] = tree.above[known]
    mine = wanted[head] & ~carrying[head]
    pairs = np.unique(np.column_stack([head[mine], tail[mine]]), axis=0)
    first = np.searchsorted(pairs[:, 0], pairs[:, 0])
    turn = np.arange(len(pairs)) - first
    for number in range(int(turn.max(initial=-1)) + 1):
        subject, node = pairs[turn == number].T
        hung[subject] = node if number == 0 else tree.meet(hung[subject], node)
    hung[asked[starts[asked]]] = top
    return hung[asked]


def _bridges(tree: _Tree, tail: IntArray, head: IntArray, link: IntArray, starts: BoolArray) -> IntArray:
    """Link that all paths to a node take last, -1 where there is none; one row a node, the Internet last."""
    inner = (tree.above[head] >= 0) & ~starts[head]
    tail, head, link = tail[inner], head[inner], link[inner]
    into = ~tree.below(tail, head)  # what comes from behind a node is no way to it
    count = np.bincount(head[into], minlength=tree.above.size)
    bridge = np.full(tree.above.size, -1)
    bridge[head[into]] = link[into]
    return np.where(count == 1, bridge, -1)


def _nearest(tree: _Tree, bridge: IntArray) -> IntArray:
    """For each node the nearest link that all paths to it pass."""
    top = bridge.size - 1
    climb = np.where((bridge >= 0) | (tree.above < 0), np.arange(bridge.size), tree.above)
    climb[top] = top
    while True:
        further = climb[climb]
        if np.array_equal(further, climb):
            return bridge[climb]
        climb = further


def _groups(case: Case, asked: IntArray, hung: IntArray, nearest: IntArray) -> list[Group]:
    declaration, top = case.declaration, nearest.size - 1
    places, which = np.unique(hung, return_inverse=True)
    groups = np.bincount(which, minlength=places.size)
    subscribers = np.bincount(which, case.counts_of(asked), places.size).astype(np.int64)
    names = declaration.nodes.column("id").take(pa.array(asked))
    first = (
        pa.table({"which": which, "id": names})
        .group_by("which", use_threads=False)
        .aggregate([("id", "min")])
    )
    example = dict(zip(first["which"].to_pylist(), first["id_min"].to_pylist(), strict=True))
    kept = links_searched(declaration, in_service=case.in_service, usable=case.links_in_service)
    link = nearest[places]
    ids = declaration.links.column("id")
    rows = pa.array(np.append(kept, 0)[link], mask=link < 0)
    links = ids.take(rows).to_pylist()
    far = case.network.blank(np.minimum(places, case.network.n - 1))
    equipment = names_of(declaration, np.where(places == top, -1, far))
    found = [
        Group(equipment[i], links[i], int(groups[i]), int(subscribers[i]), str(example[i]))
        for i in range(places.size)
    ]
    return sorted(found, key=lambda group: (-group.subscribers, group.equipment or "", group.example))
