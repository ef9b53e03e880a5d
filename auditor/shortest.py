"""Shortest paths of a search: the next hops of its nodes, and the walks along them.

No law here. Equal paths are decided by the smallest ids. Nothing loops over nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from auditor.topology import MOST_LEVELS, NONE, arcs_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.columns import BoolArray, IntArray
    from auditor.topology import Csr, Search

    Rank: TypeAlias = Callable[[IntArray], IntArray]


@dataclass(frozen=True)
class Tree:
    """The next hop towards a root of the nodes that need one; all others point to themselves.

    Parameters
    ----------
    level
        As in `Search`.
    onward, link
        int32, one a node: the next node, and the link to it (-1 at roots).
    """

    level: IntArray
    onward: IntArray
    link: IntArray


@dataclass(frozen=True)
class Paths:
    """Several paths in flat columns: path ``i`` is ``nodes[offsets[i]:offsets[i + 1]]``, maybe empty.

    Parameters
    ----------
    nodes
        int32, from each target to its root, both included.
    links
        int32, aligned with `nodes`: the link by which the path leaves the node, -1 at its root.
    offsets
        int64, one more than there are paths.
    """

    nodes: IntArray
    links: IntArray
    offsets: IntArray


def tree(
    found: Search, onward: Csr, targets: IntArray, rank: Rank, *, link_rank: IntArray | None = None
) -> Tree:
    """Choose the next hop of all nodes that shortest paths from `targets` can run through.

    Of several next hops the one of lowest rank wins, so that of all shortest paths each is the smallest, read
    from its target; of parallel links the one of lowest `link_rank`, then of the lowest number.

    Parameters
    ----------
    found
        The search.
    onward
        Neighbours against the direction of the search (the same `Csr` where all links run both ways).
    targets
        Rows whose paths are wanted.
    rank
        Gives numbers in the order of the node ids for the rows it is asked for: only next hops that tie.
    link_rank
        One a link number.
    """
    level = found.level
    wanted = found.through & (level > 0)
    wanted[targets[level[targets] > 0]] = True
    rows = np.flatnonzero(wanted).astype(np.int32)
    arcs, counts = arcs_out(onward, rows)
    tail = np.repeat(rows, counts)
    fits = (level[onward.adj[arcs]] == level[tail] - 1) & found.through[onward.adj[arcs]]
    if found.absent is not None:
        fits &= ~found.absent[onward.link[arcs]]
    arcs, tail = arcs[fits], tail[fits]
    arcs = _first_choice(tail, arcs, onward, rank, link_rank)
    hop = np.arange(level.size, dtype=np.int32)
    hop[rows] = onward.adj[arcs]
    link = np.full(level.size, NONE, np.int32)
    link[rows] = onward.link[arcs]
    return Tree(level, hop, link)


def _first_choice(
    tail: IntArray, arcs: IntArray, onward: Csr, rank: Rank, link_rank: IntArray | None
) -> IntArray:
    """One of `arcs` for each distinct `tail` (sorted): the least by rank of the hop, then of the link."""
    starts = np.ones(tail.size + 1, np.bool_)
    starts[1:-1] = tail[1:] != tail[:-1]
    at = np.flatnonzero(~(starts[:-1] & starts[1:]))  # arcs with a rival
    if not at.size:
        return arcs
    link = onward.link[arcs[at]]
    rivals, place = np.unique(onward.adj[arcs[at]], return_inverse=True)
    doubt = np.zeros(at.size, np.int8) if link_rank is None else link_rank[link]
    # Sorted by tail first, so that the rows where a tail starts stay where they were.
    chosen = at[np.lexsort((link, doubt, rank(rivals)[place], tail[at]))]
    arcs = arcs.copy()
    arcs[at] = arcs[chosen]
    kept: IntArray = arcs[starts[:-1]]
    return kept


def paths(grown: Tree, targets: IntArray) -> Paths:
    """Walk from each target to its root.

    Parameters
    ----------
    grown
        Next hops for these targets.
    targets
        Rows; those that reach no root get an empty path.
    """
    lengths = (grown.level[targets] + 1).astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    nodes = np.repeat(targets, lengths).astype(np.int32)
    if int(lengths.max(initial=0)) <= MOST_LEVELS:  # a third of the time
        _step(grown.onward, nodes, offsets)
    else:
        _leap(grown.onward, nodes, offsets)
    return Paths(nodes, grown.link[nodes], offsets)


def _step(onward: IntArray, nodes: IntArray, offsets: IntArray) -> None:
    """Walk all paths of `nodes`, now only their first node each, a hop at a time."""
    at = offsets[:-1][np.diff(offsets) > 1]
    last = offsets[1:][np.diff(offsets) > 1] - 1
    while at.size:
        nodes[at + 1] = onward[nodes[at]]
        at += 1
        further = at < last
        at, last = at[further], last[further]


def _leap(onward: IntArray, nodes: IntArray, offsets: IntArray) -> None:
    """Walk all paths of `nodes`, now only their first node each, however long they are."""
    lengths = np.diff(offsets)
    steps = np.arange(nodes.size) - np.repeat(offsets[:-1], lengths)
    jump, stride = onward, 1
    while stride < lengths.max():  # jump leads `stride` hops on; the bits of a step say which jumps it takes
        ahead = (steps & stride) > 0
        nodes[ahead] = jump[nodes[ahead]]
        jump, stride = jump[jump], stride * 2


def leaving(grown: Tree, targets: IntArray, inside: BoolArray) -> tuple[IntArray, IntArray]:
    """First hop on each target's path that leads to a node not `inside`.

    Parameters
    ----------
    grown
        Next hops for these targets.
    targets
        Rows.
    inside
        One a node.

    Returns
    -------
    tuple
        Near and far row of the hop, both -1 where the path has none.
    """
    jump = np.where(inside[grown.onward], grown.onward, np.arange(grown.onward.size, dtype=np.int32))
    while True:
        further = jump[jump]
        if np.array_equal(further, jump):
            break
        jump = further
    near = jump[targets]
    far = grown.onward[near]
    none = near == far
    return np.where(none, NONE, near).astype(np.int32), np.where(none, NONE, far).astype(np.int32)


def witnesses(
    found: Search, onward: Csr, targets: IntArray, rank: Rank, *, link_rank: IntArray | None = None
) -> Paths:
    """Shortest path from each target to a root, equal ones decided by the smallest ids.

    Parameters are those of `tree`.

    Examples
    --------
    >>> from auditor.topology import Arcs, csr, search
    >>> column = lambda *values: np.array(values, np.int32)
    >>> arcs = Arcs(4, column(0, 0, 1, 2), column(1, 2, 3, 3), np.ones(4, bool), column(0, 1, 2, 3))
    >>> nothing = np.zeros(4, bool)
    >>> found = search(csr(arcs), column(3), blocked=nothing, ends=nothing)
    >>> witnesses(found, csr(arcs), column(0), rank=lambda rows: -rows).nodes.tolist()
    [0, 2, 3]
    """
    return paths(tree(found, onward, targets, rank, link_rank=link_rank), targets)


def joined(parts: list[Paths]) -> Paths:
    """Paths of several searches one after the other."""
    sizes = [np.diff(part.offsets) for part in parts]
    empty: list[Any] = [np.zeros(0, np.int32)]
    return Paths(
        np.concatenate(empty + [part.nodes for part in parts]),
        np.concatenate(empty + [part.links for part in parts]),
        np.concatenate([[0], np.cumsum(np.concatenate([np.zeros(0, np.int64), *sizes]))]).astype(np.int64),
    )


def taken(flat: Paths, rows: IntArray) -> Paths:
    """Some of the paths, in the order of `rows`."""
    lengths = np.diff(flat.offsets)[rows]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    at = np.repeat(flat.offsets[rows] - offsets[:-1], lengths) + np.arange(offsets[-1])
    return Paths(flat.nodes[at], flat.links[at], offsets)
