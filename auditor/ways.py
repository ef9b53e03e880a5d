"""Lists of names that some findings hold, laid end to end, and trees that they share their ends in."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from auditor.values import Lists, coded, ready

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from auditor.columns import IntArray


@dataclass(frozen=True)
class Ways:
    """Lists of names.

    Parameters
    ----------
    offsets, codes
        Where each list begins in `codes`, with one more at the end; and the names, into `words`.
    words
        Names as text, blank for a far end that nobody declared; some may stand there twice.
    """

    offsets: IntArray
    codes: IntArray
    words: list[str]

    @property
    def lengths(self) -> IntArray:
        """Names of each list."""
        return np.diff(self.offsets)


@dataclass(frozen=True)
class Tree:
    """Ways as a tree that grows from their ends: what ways share towards the end is there once.

    Parameters
    ----------
    names, after
        Each entry: a name, and the entry that comes next on the way, -1 at the end.
    first
        First entry of each way; -1 where there is no way, or no name on it.
    """

    names: list[str]
    after: IntArray
    first: IntArray

    def way(self, at: int) -> list[str]:
        """Names on one of the ways."""
        entry, names = int(self.first[at]), []
        while entry >= 0:
            names.append(self.names[entry])
            entry = int(self.after[entry])
        return names


def ways_of(value: Any, positions: IntArray) -> Ways:
    """Give the lists of some findings, whatever the column is; nothing is an empty list."""
    value = ready(value)
    if isinstance(value, Lists):
        chosen = value.take(positions)
        used, codes = np.unique(chosen.codes, return_inverse=True)
        return Ways(chosen.offsets, codes, [w or "" for w in chosen.names.take(pa.array(used)).to_pylist()])
    column = coded(value, positions)
    lists: list[list[str | None]] = [list(names or ()) for names in column.values]
    places = {name: i for i, name in enumerate(dict.fromkeys(chain.from_iterable(lists)))}
    lengths = np.array([len(names) for names in lists], np.int64)
    held = np.array([places[name] for name in chain.from_iterable(lists)], np.int64)
    starts = np.cumsum(lengths) - lengths
    sizes = lengths[column.codes]
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    at = np.repeat(starts[column.codes] - offsets[:-1], sizes) + np.arange(offsets[-1])
    return Ways(offsets, held[at], [name or "" for name in places])


def lengths_of(value: Any, size: int) -> IntArray:
    """Count the names in each list of a column."""
    value = ready(value)
    if isinstance(value, Lists):
        return np.diff(value.offsets)
    column = coded(value, np.arange(size))
    return np.array([len(names or ()) for names in column.values], np.int64)[column.codes]


def grown(parts: Sequence[tuple[IntArray, Ways]], size: int) -> Tree:
    """Grow the tree of ways.

    Parameters
    ----------
    parts
        Ways, and of which of all each is; one way each at most.
    size
        Of all. Entries come in the order in which ways, from their ends on, need them.

    Examples
    --------
    >>> ways = Ways(np.array([0, 2, 4]), np.array([0, 1, 2, 1]), ["a", "gate", "b"])
    >>> tree = grown([(np.array([0, 1]), ways)], 2)
    >>> tree.names, tree.after.tolist(), tree.first.tolist()
    (['gate', 'a', 'b'], [-1, 0, 0], [1, 2])
    """
    places: dict[str, int] = {}
    starts, ends, codes = np.zeros(size, np.int64), np.zeros(size, np.int64), []
    total = 0
    for owners, ways in parts:
        own = np.array([places.setdefault(word, len(places)) for word in ways.words], np.int64)
        codes.append(own[ways.codes])
        starts[owners], ends[owners] = ways.offsets[:-1] + total, ways.offsets[1:] + total
        total += len(ways.codes)
    flat, words = np.concatenate([np.empty(0, np.int64), *codes]), list(places)
    return _numbered(*_levels(starts, ends, flat, len(words)), words)


def _levels(
    starts: IntArray, ends: IntArray, codes: IntArray, words: int
) -> tuple[IntArray, list[tuple[IntArray, IntArray, IntArray]]]:
    """Find the distinct entries, one step from the ends after the other: their names, what follows, whose."""
    held: list[tuple[IntArray, IntArray, IntArray]] = []
    first, made = np.full(len(starts), -1, np.int64), 0
    active, level = np.flatnonzero(ends > starts), 0
    while len(active):
        pairs = (first[active] + 1) * words + codes[ends[active] - 1 - level]
        keys, owner, entry = np.unique(pairs, return_index=True, return_inverse=True)
        held.append((keys % words, keys // words - 1, active[owner]))
        first[active] = entry + made
        made, level = made + len(keys), level + 1
        active = active[ends[active] - starts[active] > level]
    return first, held


def _numbered(first: IntArray, levels: Iterable[tuple[IntArray, ...]], words: list[str]) -> Tree:
    """Number entries by the way that needs them first; of one way, the end comes first."""
    none = (np.empty(0, np.int64),) * 3
    name, after, owner = (np.concatenate(column) for column in zip(none, *levels, strict=True))
    order = np.argsort(owner, kind="stable")
    rank = np.append(np.empty_like(order), -1)  # the last is for what has no entry, -1
    rank[order] = np.arange(len(order))
    return Tree([words[i] for i in name[order].tolist()], rank[after[order]], rank[first])
