"""The part of a network that carries paths, searched in place of the whole.

No law here. Most nodes of an access network end paths and begin none: subscribers. A search enters them last,
and leaves none of them, so that it may as well do without: what it finds of such a node, a leaf, follows from
the neighbours of the leaf. Searches of a million nodes then run over a hundred thousand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor import topology
from auditor.topology import LAST, NONE, Arcs, Csr, Search

if TYPE_CHECKING:
    from auditor.columns import BoolArray, IntArray
    from auditor.topology import Paths, Rank


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
            near = near.take(self.adj)
            if found.absent is not None:
                near[found.absent[self.link]] = LAST
            np.minimum.at(level, self.leaf, near)  # needs no order of the arcs, and half the time of reduceat
        level[level == LAST] = NONE - 1
        level += 1
        return level

    def take(self, leaves: IntArray) -> Last:
        """Arcs into some of the leaves, each asked for once."""
        turn = np.full(self.size, NONE, np.int32)
        turn[leaves] = np.arange(leaves.size, dtype=np.int32)
        leaf = turn.take(self.leaf)
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
    at
        int32, aligned: the position in the trunk of each node asked about; from ``rows.size`` on the leaves.
    ways
        To the root, and from it if that differs.
    """

    rows: IntArray
    asked: IntArray
    at: IntArray
    ways: tuple[Way, ...]

    def levels(self, way: Way, found: Search) -> IntArray:
        """Links from each node asked about to the nearest root of a search in the trunk; -1 for none."""
        return np.concatenate([found.level, way.last.levels(found)]).take(self.at)

    def grown(
        self, way: Way, found: Search, asked: IntArray, rank: Rank, *, link_rank: IntArray, inside: BoolArray
    ) -> tuple[Paths, IntArray, IntArray]:
        """Collect shortest paths, see `topology.tree`, and the hops by which they leave what is `inside`.

        Parameters
        ----------
        way, found
            A search in the trunk.
        asked
            Positions in `asked` whose paths are wanted.
        rank
            As in `topology.tree`, but of rows.
        link_rank
            As in `topology.tree`.
        inside
            One a row.

        Returns
        -------
        tuple
            Paths of rows, near and far rows of the hops.
        """
        size, targets = self.rows.size, self.at[asked].copy()
        leaf = targets >= size
        leaves, first, place = np.unique(targets[leaf] - size, return_index=True, return_inverse=True)
        rows = np.concatenate([self.rows, self.asked[asked[leaf][first]]])
        targets[leaf] = size + place
        last = way.last.take(leaves)
        tree = topology.tree(
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
        paths = topology.paths(tree, targets)
        near, far = (np.append(rows, NONE)[hop] for hop in topology.leaving(tree, targets, inside[rows]))
        return topology.Paths(rows[paths.nodes], paths.links, paths.offsets), near, far


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
    leaves = asked[~inner[asked]]
    # Positions in the trunk are 0, 1, …, leaves are -2, -3, …: one look-up an end of a link says all.
    number = np.full(arcs.n, NONE, np.int32)
    number[rows] = np.arange(rows.size, dtype=np.int32)
    number[leaves] = NONE - 1 - np.arange(leaves.size, dtype=np.int32)
    at = number[asked]
    at = np.where(at < 0, rows.size + NONE - 1 - at, at)
    tail, head, link, both = number.take(arcs.tail), number.take(arcs.head), arcs.link, arcs.both
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
        return Trunk(rows, asked, at, (Way(along, along, last(out, into)),))
    against = topology.csr(core, reverse=True)
    ways = Way(against, along, last(out, into & both)), Way(along, against, last(out & both, into))
    return Trunk(rows, asked, at, ways)
