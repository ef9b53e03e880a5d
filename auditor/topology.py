"""Graph search over columns: which nodes reach a root with others taken out, and how many links away.

No law here. Nodes are rows ``0..n-1``, links are columns, both are int32. A search goes level by level, and
where there are very many levels it is one pass in C; what is derived from it (next hops, paths) is vectorised
without a loop over nodes, so that a chain of a million nodes costs about as much as a tree of a million.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from auditor.columns import BoolArray, IntArray

NONE = -1
LAST = np.iinfo(np.int32).max
HALF = 1 << 16
MOST_LEVELS = 200  # that are searched one at a time: a few milliseconds where each holds few nodes


@dataclass(frozen=True)
class Arcs:
    """The links of one network, already filtered by the caller.

    Parameters
    ----------
    n
        Number of nodes.
    tail, head
        int32, one row a link: the nodes it joins. Self-loops and parallel links are allowed.
    both
        Traffic runs both ways; else from `tail` to `head` only.
    link
        int32, the caller's number of the link, shown in paths.
    """

    n: int
    tail: IntArray
    head: IntArray
    both: BoolArray
    link: IntArray


@dataclass(frozen=True)
class Csr:
    """Neighbours of each node in one flat column (compressed sparse rows), parallel links kept.

    Parameters
    ----------
    ptr
        int32, n + 1 values: the neighbours of node ``i`` are ``adj[ptr[i]:ptr[i + 1]]``.
    adj, link
        int32, one row an arc: the neighbour, and the link that leads there.
    """

    ptr: IntArray
    adj: IntArray
    link: IntArray

    @property
    def n(self) -> int:
        """Number of nodes."""
        return len(self.ptr) - 1

    def and_then(self, more: Csr) -> Csr:
        """Neighbours of these nodes and then of others."""
        return Csr(
            np.concatenate([self.ptr, more.ptr[1:] + self.ptr[-1]]),
            np.concatenate([self.adj, more.adj]),
            np.concatenate([self.link, more.link]),
        )


@dataclass(frozen=True)
class Search:
    """What one search from a set of roots found.

    Parameters
    ----------
    level
        int32, one a node: links to the nearest root; -1 where none is reached.
    through
        A path may run on through this node: it does not end paths, or it is a root of this search.
    absent
        Links that this search did not use, by link number; None for none.
    """

    level: IntArray
    through: BoolArray
    absent: BoolArray | None

    @property
    def reached(self) -> BoolArray:
        """Nodes that reach a root, roots included."""
        return self.level >= 0


def csr(arcs: Arcs, *, reverse: bool = False) -> Csr:
    """Compress links into neighbours along traffic, or against it.

    Parameters
    ----------
    arcs
        The links.
    reverse
        List the nodes from which traffic comes instead of those to which it goes.

    Examples
    --------
    >>> column = lambda *values: np.array(values, np.int32)
    >>> arcs = Arcs(3, column(0, 1), column(1, 2), np.array([True, False]), column(0, 1))
    >>> graph = csr(arcs)
    >>> graph.ptr.tolist(), graph.adj.tolist()
    ([0, 1, 3, 3], [1, 2, 0])
    >>> csr(arcs, reverse=True).ptr.tolist()
    [0, 1, 2, 3]
    """
    tail, head = (arcs.head, arcs.tail) if reverse else (arcs.tail, arcs.head)
    back = slice(None) if bool(arcs.both.all()) else arcs.both

    def there_and_back(one: IntArray, other: IntArray) -> IntArray:
        return np.concatenate([one, other[back]]).astype(np.int32, copy=False)

    return compressed(
        there_and_back(tail, head), there_and_back(head, tail), there_and_back(arcs.link, arcs.link), arcs.n
    )


def compressed(rows: IntArray, adj: IntArray, link: IntArray, n: int) -> Csr:
    """Compress arcs from `rows` to `adj`: in the order of `rows`, else in their own."""
    ptr = np.zeros(n + 1, np.int32)
    np.cumsum(np.bincount(rows, minlength=n), out=ptr[1:])
    order = _sorting(rows, n)
    return Csr(ptr, adj[order], link[order])


def _sorting(rows: IntArray, n: int) -> IntArray:
    """What sorts `rows`, stably: in two halves, for 16 bits are sorted by counting, 32 in thrice the time."""
    order = np.argsort(rows.astype(np.uint16), kind="stable")
    if n > HALF:
        order = order[np.argsort((rows >> 16).astype(np.uint16)[order], kind="stable")]
    return order


def search(
    graph: Csr, roots: IntArray, *, blocked: BoolArray, ends: BoolArray, absent: BoolArray | None = None
) -> Search:
    """Find all nodes that a path from any root reaches, and how many links away.

    Parameters
    ----------
    graph
        Neighbours in the direction of the search: for "which nodes reach a root" those against traffic.
    roots
        Rows to start from.
    blocked
        One a node: neither entered nor started from.
    ends
        One a node: entered but not left, unless it is a root of this search.
    absent
        One a link number: not used.

    Returns
    -------
    Search
        Levels from 0 at the roots. They do not depend on the order of rows.

    Examples
    --------
    >>> column = lambda *values: np.array(values, np.int32)
    >>> arcs = Arcs(4, column(0, 1, 2), column(1, 2, 3), np.ones(3, bool), column(0, 1, 2))
    >>> nothing, third = np.zeros(4, bool), np.arange(4) == 2
    >>> search(csr(arcs), column(0), blocked=nothing, ends=nothing).level.tolist()
    [0, 1, 2, 3]
    >>> search(csr(arcs), column(0), blocked=nothing, ends=third).level.tolist()
    [0, 1, 2, -1]
    >>> search(csr(arcs), column(0), blocked=third, ends=nothing).level.tolist()
    [0, 1, -1, -1]
    """
    roots = np.unique(roots[~blocked[roots]]).astype(np.int32, copy=False)
    through = ~ends
    through[roots] = True
    absent = absent if absent is not None and bool(absent.any()) else None
    level = _near(graph, roots, blocked, through, absent)
    return Search(_far(graph, roots, blocked, through, absent) if level is None else level, through, absent)


def _near(
    graph: Csr, roots: IntArray, blocked: BoolArray, through: BoolArray, absent: BoolArray | None
) -> IntArray | None:
    """Levels of `search`, a level at a time; nothing where there are very many.

    Most networks are shallow, and then this takes a third of the time of `_far`, and none to import scipy.
    """
    level, turn = np.full(graph.n, NONE, np.int32), np.empty(graph.n, np.int32)
    level[blocked] = LAST  # not to be entered
    level[roots] = 0
    entered = roots
    for depth in range(1, MOST_LEVELS + 1):
        arcs, _ = arcs_out(graph, entered[through[entered]])
        if absent is not None:
            arcs = arcs[~absent[graph.link[arcs]]]
        ahead = graph.adj[arcs]
        ahead = ahead[level[ahead] == NONE]
        if not ahead.size:
            level[blocked] = NONE
            return level
        level[ahead] = depth
        turn[ahead] = np.arange(ahead.size, dtype=np.int32)
        entered = ahead[turn[ahead] == np.arange(ahead.size, dtype=np.int32)]  # each once
    return None


def arcs_out(graph: Csr, rows: IntArray) -> tuple[IntArray, IntArray]:
    """Positions of the arcs that leave some nodes, in the order of `rows`, and how many leave each."""
    counts = graph.ptr[rows + 1] - graph.ptr[rows]
    ends = np.cumsum(counts)
    return np.repeat(graph.ptr[rows] - (ends - counts), counts) + np.arange(counts.sum()), counts


def _far(
    graph: Csr, roots: IntArray, blocked: BoolArray, through: BoolArray, absent: BoolArray | None
) -> IntArray:
    """Levels of `search`, however many there are, by one pass in C."""
    from scipy.sparse import csr_array  # noqa: PLC0415 -- a quarter of a second, seldom needed
    from scipy.sparse.csgraph import breadth_first_order  # noqa: PLC0415 -- the same

    keep = ~blocked[graph.adj]
    keep &= np.repeat(through, np.diff(graph.ptr))
    if absent is not None:
        keep &= ~absent[graph.link]
    before = np.concatenate([[0], np.cumsum(keep, dtype=np.int32)]).astype(np.int32, copy=False)
    size = int(before[-1]) + roots.size
    ptr = np.append(before[graph.ptr], np.int32(size)).astype(np.int32, copy=False)
    adj = np.concatenate([graph.adj[keep], roots])
    # Row n is a source before all roots. The weights stay unread, and unread zeros cost no memory.
    matrix = csr_array((np.zeros(size), adj, ptr), shape=(graph.n + 1, graph.n + 1))
    order, previous = breadth_first_order(matrix, graph.n)
    return _levels(order, previous, graph.n)


def _levels(order: IntArray, previous: IntArray, n: int) -> IntArray:
    """Depth of each node from the order of a breadth-first search that began at row `n`."""
    position = np.zeros(n + 1, np.int32)
    position[order] = np.arange(order.size, dtype=np.int32)
    parents = position[previous[order[1:]]]
    # In breadth-first order a level ends where the children of the level before it end.
    children = np.cumsum(np.bincount(parents, minlength=order.size)) + 1
    bounds = [0, 1]
    while bounds[-1] < order.size:
        bounds.append(int(children[bounds[-1] - 1]))
    level = np.full(n + 1, NONE, np.int32)
    level[order] = np.repeat(np.arange(-1, len(bounds) - 2, dtype=np.int32), np.diff(bounds))
    return level[:n]
