"""Address blocks held against each other: the same, cut otherwise, overlapping, or unknown to one side."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditor.addresses import Addresses

if TYPE_CHECKING:
    from auditor.columns import Coded, IntArray

BITS = {4: 32, 6: 128}


class Cluster(NamedTuple):
    """Blocks of both sides that have to do with one another, directly or through others.

    Parameters
    ----------
    mine, theirs
        Their rows.
    same
        Whether both sides hold the same addresses, each once.
    """

    mine: tuple[int, ...]
    theirs: tuple[int, ...]
    same: bool


def ranges(column: Coded) -> list[tuple[int, int, int]]:
    """Give version, first address and the one after the last of each row; version 0 for what is none."""
    read = Addresses.of(column.arrow())
    low = [read.low.tolist(), [] if read.low6 is None else read.low6.tolist()]
    high = [read.high.tolist(), [] if read.high6 is None else read.high6.tolist()]
    found = []
    for row, version in enumerate(read.version.tolist()):
        if version == 4:  # noqa: PLR2004 -- IPv4
            found.append((4, low[0][row], high[0][row] + 1))
        elif version:
            ends = (int.from_bytes(end[1][row].ljust(16, b"\0"), "big") for end in (low, high))
            first, last = ends
            found.append((6, first, last + 1))
        else:
            found.append((0, 0, 0))
    return found


def clusters(mine: list[tuple[int, int, int]], theirs: list[tuple[int, int, int]]) -> list[Cluster]:
    """Group the blocks of two sides that overlap one another.

    Parameters
    ----------
    mine, theirs
        Ranges of blocks that have no equal on the other side.

    Examples
    --------
    >>> halves = [(4, 0, 128), (4, 128, 256)]
    >>> clusters([(4, 0, 256)], halves), clusters([(4, 0, 256)], halves[:1])
    ([Cluster(mine=(0,), theirs=(0, 1), same=True)], [Cluster(mine=(0,), theirs=(0,), same=False)])
    """
    every = [*mine, *theirs]
    found: list[Cluster] = []
    for version in BITS:
        rows = np.array([row for row, one in enumerate(every) if one[0] == version], np.int64)
        if not len(rows):
            continue
        edges = sorted({end for row in rows.tolist() for end in every[row][1:]})
        at = {edge: position for position, edge in enumerate(edges)}
        low = np.array([at[every[row][1]] for row in rows.tolist()], np.int64)
        high = np.array([at[every[row][2]] for row in rows.tolist()], np.int64)
        found += _swept(rows, low, high, len(edges), len(mine))
    lost = [row for row, one in enumerate(every) if one[0] == 0]
    return found + [
        Cluster((r,), (), same=False) if r < len(mine) else Cluster((), (r - len(mine),), same=False)
        for r in lost
    ]


def _swept(rows: IntArray, low: IntArray, high: IntArray, edges: int, own: int) -> list[Cluster]:
    """Sweep over the space once: a gap that no block covers ends a cluster."""
    order = np.lexsort((rows, -high, low))
    rows, low, high = rows[order], low[order], high[order]
    reach = np.maximum.accumulate(high)
    starts = np.flatnonzero(np.append(True, low[1:] >= reach[:-1]))
    covered = []
    for side in (rows < own, rows >= own):
        change = np.bincount(low[side], minlength=edges) - np.bincount(high[side], minlength=edges)
        covered.append(np.cumsum(change))
    unlike = np.cumsum(np.append(0, (covered[0] != 1) | (covered[1] != 1)))
    ends = np.append(starts[1:], len(rows))
    found = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        part = rows[start:end]
        first, last = int(low[start]), int(reach[end - 1])
        same = bool(unlike[first] == unlike[last])
        mine, theirs = part[part < own].tolist(), (part[part >= own] - own).tolist()
        found.append(Cluster(tuple(mine), tuple(theirs), same))
    return found
