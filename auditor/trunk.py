"""The part of a network that carries paths, searched in place of the whole.

No law here. Most nodes of an access network end paths and begin none: subscribers. A search enters them last,
and leaves none of them, so that it may as well do without: what it finds of such a node, a leaf, follows from
the neighbours of the leaf. Searches of a million nodes then run over a hundred thousand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor import shortest, topology
from auditor.columns import BLOCK, picked
from auditor.topology import LAST, NONE, Arcs, Csr, Search

if TYPE_CHECKING:
    from auditor.columns import BoolArray, IntArray
    from auditor.shortest import Paths, Rank


@dataclass(frozen=True)
class Last:
    """Arcs by which searches in the trunk enter the leaves, in any order.

    Parameters
    ----------
    size
        Number of leaves.
    leaf, adj, link
        int32, one row an arc: the leaf by number, the position in the trunk of its neighbour, the link.
    """

    size: int
    leaf: IntArray
    adj: IntArray
    link: IntArray

    def levels(self, found: Search) -> IntArray:
        """Links from leaves to the nearest root of a search in the trunk; -1 for none."""
        near = np.where(found.through & (found.level >= 0), found.level, LAST)
        level = np.full(self.size, LAST, np.int32)
        if near.min(initial=LAST) < LAST:
            # `at` needs no order of the arcs, and half the time of `reduceat`; in blocks, see `picked`.
            for block in (slice(i, i + BLOCK) for i in range(0, self.leaf.size, BLOCK)):
                way_in = near.take(self.adj[block])
                if found.absent is not None:
                    way_in[found.absent[self.link[block]]] = LAST
                np.minimum.at(level, self.leaf[block], way_in)
        level[level == LAST] = NONE - 1
        level += 1
        return level

    def take(self, leaves: IntArray) -> Last:
        """Arcs into some of the leaves, each asked for once."""
        turn = np.full(self.size, NONE, np.int32)
        turn[leaves] = np.arange(leaves.size, dtype=np.int32)
        leaf = picked(turn, self.leaf)
        kept = np.flatnonzero(leaf >= 0)
        return Last(leaves.size, leaf[kept], self.adj[kept], self.link[kept])

    def onward(self) -> Csr:
        """Neighbours of the leaves, in their order."""
        return topology.compressed(self.leaf, self.adj, self.link, self.size)


@dataclass(frozen=True)
class Way:
    """Neighbours in one direction of traffic; all numbers of nodes are positions in the trunk.

    Parameters
    ----------
    graph
        In the direction of the search, from node to node of the trunk.
    onward
        Against it (the same `Csr` where all links run both ways).
    last
        From the trunk to the leaves.
    """

    graph: Csr
    onward: Csr
    last: Last


@dataclass(frozen=True)
class Trunk:
    """A network without the nodes that end paths.

    Parameters
    ----------
    rows
        int32, ascending: rows of the nodes of the trunk.
    asked
        int32: rows of the nodes whose answers are wanted.
    within, at
        Positions in `asked` of those that are in the trunk, ascending; and their positions in the trunk. All
        others are the leaves, in order.
    ways
        To the root, and from it if that differs.
    """

    rows: IntArray
    asked: IntArray
    within: IntArray
    at: IntArray
    ways: tuple[Way, ...]

    def levels(self, way: Way, found: Search) -> IntArray:
        """Links from each node asked about to the nearest root of a search in the trunk; -1 for none."""
        leaves = way.last.levels(found)
        if not self.within.size:
            return leaves
        level, is_leaf = np.empty(self.asked.size, np.int32), np.ones(self.asked.size, np.bool_)
        is_leaf[self.within] = False
        level[is_leaf], level[self.within] = leaves, found.level[self.at]
        return level

    def grown(
        self, way: Way, found: Search, asked: IntArray, rank: Rank, *, link_rank: IntArray, inside: BoolArray
    ) -> tuple[Paths, IntArray, IntArray]:
        """Collect shortest paths, see `shortest.tree`, and the hops by which they leave what is `inside`.

        Parameters
        ----------
        way, found
            A search in the trunk.
        asked
            Positions in `asked` whose paths are wanted.
        rank
            As in `shortest.tree`, but of rows.
        link_rank
            As in `shortest.tree`.
        inside
            One a row.

        Returns
        -------
        tuple
            Paths of rows, near and far rows of the hops.
        """
        size, before = self.rows.size, np.searchsorted(self.within, asked)
        inner = np.append(self.within, NONE)[before] == asked
        leaves, place = np.unique((asked - before)[~inner], return_inverse=True)
        targets = np.empty(asked.size, np.int32)
        targets[inner], targets[~inner] = self.at[before[inner]], size + place
        rows = np.concatenate([self.rows, np.empty(leaves.size, np.int32)])
        rows[targets[~inner]] = self.asked[asked[~inner]]
        last = way.last.take(leaves)
        tree = shortest.tree(
            Search(
                np.concatenate([found.level, last.levels(found)]),
                np.concatenate([found.through, np.zeros(leaves.size, np.bool_)]),
                found.absent,
            ),
            way.onward.and_then(last.onward()),
            targets,
            lambda hops: rank(rows[hops]),
            link_rank=link_rank,
        )
        paths = shortest.paths(tree, targets)
        near, far = (np.append(rows, NONE)[hop] for hop in shortest.leaving(tree, targets, inside[rows]))
        return shortest.Paths(rows[paths.nodes], paths.links, paths.offsets), near, far


def trunk_of(arcs: Arcs, inner: BoolArray, asked: IntArray) -> Trunk:
    """Part a network into its trunk and the leaves asked about; all other nodes play no part.

    Parameters
    ----------
    arcs
        The links.
    inner
        One a node: it may carry or begin a path, or be blocked. All others must only end paths.
    asked
        Rows of nodes whose answers are wanted, each once.
    """
    rows = np.flatnonzero(inner).astype(np.int32)
    within = np.flatnonzero(inner[asked])
    leaves = np.delete(asked, within)
    # Positions in the trunk are 0, 1, …, leaves are -2, -3, …: one look-up an end of a link says all.
    number = np.full(arcs.n, NONE, np.int32)
    number[rows] = np.arange(rows.size, dtype=np.int32)
    number[leaves] = NONE - 1 - np.arange(leaves.size, dtype=np.int32)
    at = number[asked[within]]
    tail, head, link, both = picked(number, arcs.tail), picked(number, arcs.head), arcs.link, arcs.both
    del number
    kept = (tail >= 0) & (head >= 0)
    out, into = (tail < NONE) & (head >= 0), (head < NONE) & (tail >= 0)

    def last(one: BoolArray, other: BoolArray) -> Last:
        leaf = np.concatenate([tail[one], head[other]])
        np.subtract(NONE - 1, leaf, out=leaf)
        adj = np.concatenate([head[one], tail[other]])
        return Last(leaves.size, leaf, adj, np.concatenate([link[one], link[other]]))

    core = Arcs(rows.size, tail[kept], head[kept], both[kept], link[kept])
    along = topology.csr(core)
    if bool(both.all()):
        return Trunk(rows, asked, within, at, (Way(along, along, last(out, into)),))
    against = topology.csr(core, reverse=True)
    ways = Way(against, along, last(out, into & both)), Way(along, against, last(out & both, into))
    return Trunk(rows, asked, within, at, ways)
