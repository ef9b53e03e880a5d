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
from auditor.topology import NONE, Arcs, Csr, Search

if TYPE_CHECKING:
    from auditor.columns import BoolArray, IntArray
    from auditor.topology import Paths, Rank

LAST = np.iinfo(np.int32).max


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
        Of each leaf the neighbours in the trunk from which a search enters it.
    """

    graph: Csr
    onward: Csr
    last: Csr


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
        return np.concatenate([found.level, entered(found, way.last)])[self.at]

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
        last = way.last.take(targets[leaf] - size)
        rows = np.concatenate([self.rows, self.asked[asked[leaf]]])
        targets[leaf] = np.arange(size, rows.size, dtype=np.int32)
        tree = topology.tree(
            Search(
                np.concatenate([found.level, entered(found, last)]),
                np.concatenate([found.through, np.zeros(last.n, np.bool_)]),
                found.absent,
            ),
            way.onward.and_then(last),
            targets,
            lambda hops: rank(rows[hops]),
            link_rank=link_rank,
        )
        paths = topology.paths(tree, targets)
        near, far = (np.append(rows, NONE)[hop] for hop in topology.leaving(tree, targets, inside[rows]))
        return topology.Paths(rows[paths.nodes], paths.links, paths.offsets), near, far


def entered(found: Search, last: Csr) -> IntArray:
    """Links from leaves to the nearest root of a search in the trunk; -1 for none."""
    ways_in = np.where(found.through & (found.level >= 0), found.level, LAST)[last.adj]
    if found.absent is not None:
        ways_in[found.absent[last.link]] = LAST
    level = np.full(last.n, NONE, np.int32)
    linked = np.flatnonzero(np.diff(last.ptr))
    if linked.size:
        nearest = np.minimum.reduceat(ways_in, last.ptr[linked])
        level[linked] = np.where(nearest < LAST, nearest + 1, NONE)
    return level


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
    outer = ~inner[asked]
    leaves = asked[outer]
    number = np.full(arcs.n, NONE, np.int32)
    number[rows] = np.arange(rows.size, dtype=np.int32)
    number[leaves] = np.arange(leaves.size, dtype=np.int32)
    is_leaf = np.zeros(arcs.n, np.bool_)
    is_leaf[leaves] = True
    at = number[asked]
    at[outer] += rows.size

    def lasting(*parts: tuple[IntArray, IntArray, IntArray]) -> Csr:
        leaf, adj, link = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        return topology.compressed(number[leaf], number[adj], link, leaves.size)

    tail, head, link = arcs.tail, arcs.head, arcs.link
    out = np.flatnonzero(is_leaf[tail] & inner[head])
    into = np.flatnonzero(is_leaf[head] & inner[tail])

    def last(one: IntArray, other: IntArray) -> Csr:
        return lasting((tail[one], head[one], link[one]), (head[other], tail[other], link[other]))

    kept = np.flatnonzero(inner[tail] & inner[head])
    core = Arcs(rows.size, number[tail[kept]], number[head[kept]], arcs.both[kept], link[kept])
    along = topology.csr(core)
    if bool(arcs.both.all()):
        return Trunk(rows, asked, at, (Way(along, along, last(out, into)),))
    against = topology.csr(core, reverse=True)
    ways = (
        Way(against, along, last(out, into[arcs.both[into]])),
        Way(along, against, last(out[arcs.both[out]], into)),
    )
    return Trunk(rows, asked, at, ways)
