"""Rows by id: each id hashed once, and looked up by whole columns.

The ids are read as words of eight bytes and hashed, and the hash gives the slot of a table where the row
stands. What stands there is compared word by word, so that a hash that meets another's only costs time. Of
ids that share a slot the first has it, the others are left to Arrow. On 10^6 ids and 2.4 x 10^6 ends of links
this takes 0.25 s of one core; with Arrow's table, which is probed row by row (`rows_plainly`), 0.7 s.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.columns import offsets, text_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.columns import IntArray

    Words: TypeAlias = np.ndarray[Any, np.dtype[np.uint64]]

LONGEST = 48  # bytes of an id; longer ones would need a table of much more room
FEWEST = 1 << 12  # ids for which a table of our own pays
SLOTS = 3  # an id
BLOCK = 1 << 15  # rows at a time, so that what is made of them stays in the cache
KEPT = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)  # the first n bytes of a word
SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 by the golden ratio: D. Knuth, TAOCP 3, 6.4
HALF = np.uint64(32)


@dataclass(frozen=True)
class Interned:
    """Distinct ids and their rows; make one with `intern`.

    Parameters
    ----------
    ids
        Plain strings, one a row.
    distinct
        Whether none is blank and none is there twice.
    table
        What finds their rows; None where Arrow does.
    """

    ids: pa.StringArray
    distinct: bool
    table: _Table | None = None

    def rows(self, column: pa.StringArray) -> IntArray:
        """Give the first row of each id (int32), -1 where it is blank or there is no such id."""
        if self.table is None or not _plain(column):
            return rows_plainly(self.ids, column)
        return self.table.rows(column)


@dataclass(frozen=True)
class _Table:
    """Where ids stand.

    Parameters
    ----------
    words
        The ids as words, one row an id.
    slots
        int32: the row that stands in each slot, -1 for none.
    crowded
        Rows whose slot another row has.
    crowd
        Their ids.
    """

    words: Words
    slots: IntArray
    crowded: IntArray
    crowd: Interned

    def rows(self, column: pa.StringArray) -> IntArray:
        found = np.empty(len(column), np.int32)
        width = self.words.shape[1]
        for start, words, lengths in _blocks(column, width):
            rows = self.slots.take(_slots(words, len(self.slots)))
            theirs = self.words.take(rows, axis=0, mode="wrap")  # -1 is an empty slot
            same = (rows >= 0) & (lengths <= 8 * width)  # of longer ones the words are the beginning
            for at, word in enumerate(words):
                same &= theirs[:, at] == word
            rows[~same] = -1
            found[start : start + len(rows)] = rows
        if column.null_count:
            found[np.asarray(column.is_null())] = -1
        if len(self.crowded):
            rest = np.flatnonzero(found < 0)
            among = self.crowd.rows(column.take(pa.array(rest)))
            found[rest] = np.append(self.crowded, np.int32(-1))[among]
        return found


def rows_plainly(ids: pa.StringArray, column: pa.StringArray) -> IntArray:
    """Answer as `Interned.rows`, by Arrow."""
    return np.array(pc.fill_null(pc.index_in(column, ids, skip_nulls=True), -1), np.int32)


def intern(ids: pa.StringArray) -> Interned:
    """Make the table of ids, which may hold anything; ids that are there twice have the row of the first."""
    lengths = np.diff(offsets(ids))
    width = int(lengths.max(initial=0))
    if len(ids) < FEWEST or ids.null_count or width > LONGEST or not lengths.all() or not _plain(ids):
        return _by_arrow(ids)
    words = np.empty((len(ids), -(-width // 8)), np.uint64)
    slots = np.full(SLOTS * len(ids), -1, np.int32)
    mine = np.empty(len(ids), np.int32)
    for start, block, _ in _blocks(ids, words.shape[1]):
        end = start + len(block[0])
        for at, word in enumerate(block):
            words[start:end, at] = word
        mine[start:end] = _slots(block, len(slots))
    starts = range(0, len(ids), BLOCK)
    for start in reversed(starts):  # of several in a slot the one written last stays: the first row
        part = mine[start : start + BLOCK]
        slots[part[::-1]] = np.arange(start + len(part) - 1, start - 1, -1, dtype=np.int32)
    crowded = np.concatenate([_crowded(slots, mine[start : start + BLOCK], start) for start in starts])
    winners = slots.take(mine.take(crowded))
    apart = (words.take(crowded, axis=0) != words.take(winners, axis=0)).any(axis=1).all()
    ids_there = ids.take(pa.array(crowded))
    # A hash that brings half of the ids to slots of others is none: then Arrow goes on.
    crowd = intern(ids_there) if 2 * len(crowded) < len(ids) else _by_arrow(ids_there)
    return Interned(ids, bool(apart) and crowd.distinct, _Table(words, slots, crowded, crowd))


def _by_arrow(ids: pa.StringArray) -> Interned:
    return Interned(ids, not ids.null_count and len(ids.unique()) == len(ids))


def _crowded(slots: IntArray, mine: IntArray, start: int) -> IntArray:
    """Rows from `start` on whose slot has another row."""
    rows = np.arange(start, start + len(mine), dtype=np.int32)
    crowded: IntArray = rows[slots.take(mine) != rows]
    return crowded


def _plain(column: pa.StringArray) -> bool:
    """Whether no id holds a NUL, which a word that is not full could not be told from."""
    return sys.byteorder == "little" and bool(text_bytes(column).min(initial=1))


def _blocks(column: pa.StringArray, width: int) -> Iterator[tuple[int, list[Words], IntArray]]:
    """Give by blocks the number of the first row, the words of the rows, filled with zeros, their lengths."""
    all_ends, data = offsets(column), text_bytes(column)
    for start in range(0, len(column), BLOCK):
        ends = all_ends[start : start + BLOCK + 1] - all_ends[0]
        size = int(ends[-1] - ends[0])
        padded = np.zeros(size + 8, np.uint8)
        padded[:size] = data[ends[0] : ends[-1]]
        at_byte: Words = np.ndarray((size + 1,), np.uint64, padded, strides=(1,))
        begin, lengths = ends[:-1] - ends[0], np.diff(ends)
        yield (
            start,
            [
                at_byte[np.minimum(begin + at, size)] & KEPT[np.clip(lengths - at, 0, 8)]
                for at in range(0, 8 * width, 8)
            ],
            lengths,
        )


def _slots(words: list[Words], count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Hash words to one of so many slots."""
    hashed = words[0] * SPREAD
    for word in words[1:]:
        hashed ^= hashed >> HALF
        hashed += word
        hashed *= SPREAD
    hashed ^= hashed >> HALF
    hashed *= SPREAD
    hashed >>= HALF
    hashed *= np.uint64(count)
    hashed >>= HALF
    return hashed.view(np.int64)
