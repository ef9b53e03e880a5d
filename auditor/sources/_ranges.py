"""Ranges of addresses in order, searched for all addresses at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor.blocks import keys
from auditor.sources._blocks import ITSELF, NOTHING, Hits, beside, first_difference, ordered
from auditor.sources._search import CHUNK, Sorted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.addresses import Addresses
    from auditor.columns import BoolArray, IntArray


@dataclass(frozen=True)
class Ranges:
    """Ranges of one IP version that do not overlap, lowest first.

    Parameters
    ----------
    low, high
        uint8, shape (ranges, 4 or 16): first and last address of each.
    """

    low: IntArray
    high: IntArray

    @cached_property
    def starts(self) -> Any:
        """First addresses, to search in."""
        return ordered(self.low)

    @cached_property
    def ends(self) -> Any:
        """Last addresses, to search in."""
        return ordered(self.high)

    @cached_property
    def _sorted(self) -> Sorted:
        return Sorted(self.starts)

    @cached_property
    def holes(self) -> IntArray:
        """Number of holes between ranges before each range."""
        after, _ = beside(self.high, 1)
        return np.concatenate([[0], np.cumsum(ordered(after[:-1]) != self.starts[1:])])

    def broken(self) -> BoolArray:
        """Ranges that end before they start, or start before the one above them ends."""
        wrong = np.asarray(self.ends < self.starts)
        wrong[1:] |= self.starts[1:] <= self.ends[:-1]
        return wrong

    def find(self, low: IntArray, high: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        """Find blocks.

        Parameters
        ----------
        low, high
            First and last address of each.

        Returns
        -------
        first, last
            The ranges that a block meets; `first` is more than `last` if there are none.
        bits
            Length of the prefix of the largest block round it that lies in one range, or between two;
            `ITSELF` if the block lies in neither.
        """
        first, last = np.empty(len(low), np.int64), np.empty(len(low), np.int64)
        bits = np.empty(len(low), np.int16)
        for start in range(0, len(low), CHUNK):  # what a part needs stays in the processor's cache
            some = slice(start, start + CHUNK)
            first[some], last[some], bits[some] = self._find(low[some], high[some])
        return first, last, bits

    def _find(self, low: IntArray, high: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        wanted, until = ordered(low), ordered(high)
        start = self._sorted.positions(wanted)
        last = start - 1
        held = (wanted <= self.ends.take(last, mode="wrap")) & (start > 0)  # by the range that starts before
        first = start - held
        whole = held.copy()
        blocks = np.flatnonzero(wanted != until)
        last[blocks] = self._sorted.positions(until[blocks]) - 1
        whole[blocks] &= (first[blocks] == last[blocks]) & (
            until[blocks] <= self.ends.take(last[blocks], mode="wrap")
        )
        bits = np.full(len(low), ITSELF, np.int16)
        inside, at = np.flatnonzero(whole), first[whole]
        bits[inside] = _largest(low[inside], self.low[at], self.high[at])
        outside = np.flatnonzero(first > last)
        if len(outside):
            bits[outside] = self._between(low[outside], first[outside])
        return first, last, bits

    def _between(self, low: IntArray, above: IntArray) -> IntArray:
        """Length of the prefix of the largest block between two ranges."""
        held = self.high.take(above - 1, axis=0, mode="clip")
        start = self.low.take(above, axis=0, mode="clip")
        after, before = beside(held, 1)[0], beside(start, -1)[0]
        after[above == 0], before[above == len(self.low)] = 0, 255
        return _largest(low, after, before)


def _largest(low: IntArray, start: IntArray, end: IntArray) -> IntArray:
    """Length of the prefix of the largest block that has `low` in it and lies from `start` to `end`.

    It leaves out the address before and the one after: so it is one bit longer than what `low` has in common
    with the nearer of them.
    """
    bits = np.zeros(len(low), np.int16)
    for edge, step in ((start, -1), (end, 1)):
        next_, none = beside(edge, step)
        bits = np.maximum(bits, np.where(none, 0, first_difference(low, next_) + 1))
    return bits


def find(ranges: Mapping[int, Ranges], addresses: Addresses, record: Mapping[int, IntArray]) -> Hits:
    """Find rows of addresses and blocks.

    Parameters
    ----------
    ranges
        By IP version.
    addresses
        What is looked for.
    record
        By IP version, int64: what each range holds.

    Returns
    -------
    Hits
        `found` is what `record` gives.
    """
    found, bits = np.full(len(addresses), NOTHING, np.int64), np.full(len(addresses), ITSELF, np.int16)
    alone = np.ones(len(addresses), np.bool_)
    several: list[tuple[IntArray, IntArray]] = []
    for version, sorted_ in ranges.items():
        rows, low, high = keys(addresses, version)
        first, last, bits[rows] = sorted_.find(low, high)
        alone[rows] = bits[rows] != ITSELF
        one = alone[rows] & (first == last)
        found[rows[one]] = record[version][first[one]]
        for at in np.flatnonzero(~alone[rows]).tolist():  # blocks; there are few of them
            told = _told(sorted_, low[at], high[at], record[version], slice(first[at], last[at] + 1))
            several.append((np.full(len(told), rows[at]), told))
    if not several:
        return Hits(np.arange(len(found)), found, bits)
    row = np.concatenate([np.flatnonzero(alone), *(part[0] for part in several)])
    found = np.concatenate([found[alone], *(part[1] for part in several)])
    order = np.argsort(row, kind="stable")
    return Hits(row[order], found[order], bits)


def _told(ranges: Ranges, low: IntArray, high: IntArray, record: IntArray, met: slice) -> IntArray:
    """What the ranges hold that a block meets, each once, and `NOTHING` if it reaches beyond them."""
    last = met.stop - 1
    holes = ranges.holes[last] > ranges.holes[met.start]
    beyond = ordered(low[None]) < ranges.starts[met.start] or ordered(high[None]) > ranges.ends[last]
    told = np.unique(record[met])
    return np.append(told, NOTHING) if holes or beyond else told
