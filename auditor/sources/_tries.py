"""Binary tries of address blocks, walked for all addresses at once.

MaxMind's ``.mmdb`` and IPIP's ``.ipdb`` are both such tries. A node has two children, one a bit; a child less
than the number of nodes is an inner node, one that equals it is nothing, one above it is a pointer to data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor.blocks import keys
from auditor.sources._blocks import ITSELF, NOTHING, Hits, lengths

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.addresses import Addresses
    from auditor.columns import IntArray

FEW = 1 << 17  # rows walked together: what they need stays in the processor's cache


@dataclass(frozen=True)
class Trie:
    """A trie, flat.

    Parameters
    ----------
    children
        uint32, two a node: where bit 0 leads, where bit 1 leads.

    Examples
    --------
    >>> trie = Trie(np.array([1, 2, 5, 2], np.uint32))  # 0…: node 1; 1…: nothing; 00…: data 5; 01…: nothing
    >>> ends, depths = trie.walk(np.array([[0], [64], [128]], np.uint8), np.full(3, 8))
    >>> ends.tolist(), depths.tolist()
    ([5, 2, 2], [2, 2, 1])
    """

    children: IntArray

    @property
    def nodes(self) -> int:
        """Number of inner nodes."""
        return len(self.children) // 2

    def descend(self, bits: str) -> int:
        """Follow bits from the root until they, or the inner nodes, are at an end."""
        node = 0
        for bit in bits:
            if node >= self.nodes:
                break
            node = int(self.children[2 * node + int(bit)])
        return node

    def walk(self, keys: IntArray, lengths: IntArray, root: int = 0) -> tuple[IntArray, IntArray]:
        """Follow the bits of every row until data, nothing, or the row's last bit is met.

        Parameters
        ----------
        keys
            uint8, shape (rows, bytes): addresses, most significant byte first.
        lengths
            Bits to follow in each row: of an address all, of a block those of its prefix.
        root
            Node to start from.

        Returns
        -------
        ends
            uint32: an inner node, the number of nodes (nothing), or a pointer.
        depths
            int16: bits followed.
        """
        ends = np.full(len(keys), root, np.uint32)
        depths = np.zeros(len(keys), np.int16)
        for start in range(0, len(keys), FEW):
            some = slice(start, start + FEW)
            self._walk(keys[some], lengths[some], ends[some], depths[some])
        return ends, depths

    def _walk(self, keys: IntArray, lengths: IntArray, ends: IntArray, depths: IntArray) -> None:
        rows = np.flatnonzero((ends < self.nodes) & (lengths > 0))
        node = ends[rows].astype(np.int64)
        for depth in range(8 * keys.shape[1]):
            if not len(rows):
                break
            bit = (keys[rows, depth >> 3] >> (7 - (depth & 7))) & 1
            node = self.children[2 * node + bit].astype(np.int64)
            done = (node >= self.nodes) | (lengths[rows] == depth + 1)
            ends[rows[done]], depths[rows[done]] = node[done], depth + 1
            rows, node = rows[~done], node[~done]

    def below(self, nodes: IntArray, levels: int) -> tuple[IntArray, IntArray]:
        """Collect where all paths from inner nodes end.

        Parameters
        ----------
        nodes
            Inner nodes, all different.
        levels
            Bits that may still be followed. A path that goes on then ends in an inner node.

        Returns
        -------
        which, ends
            Pairs, each once: a position in `nodes`, and where a path from it ends.
        """
        which: IntArray = np.arange(len(nodes))
        at: IntArray = np.asarray(nodes, np.int64)
        found: list[Any] = []
        for _ in range(levels):
            if not len(at):
                break
            which, at = np.repeat(which, 2), self.children[(2 * at[:, None] + (0, 1)).ravel()]
            which, at = _distinct(which, at)
            inner = at < self.nodes
            found.append((which[~inner], at[~inner]))
            which, at = which[inner], at[inner]
        which, at = (np.concatenate(part) for part in zip(*found, (which, at), strict=True))
        return _distinct(which, at)

    def find(self, addresses: Addresses, roots: Mapping[int, int]) -> Hits:
        """Find rows of addresses and blocks.

        Parameters
        ----------
        addresses
            What is looked for; rows of a version without root hold nothing.
        roots
            By IP version, where its addresses start: a node, or a pointer.

        Returns
        -------
        Hits
            `found` is a pointer, or an inner node where bits came to an end before the trie did.
        """
        ends, bits = np.full(len(addresses), self.nodes, np.int64), np.full(len(addresses), ITSELF, np.int16)
        alone = np.ones(len(addresses), np.bool_)
        several: list[tuple[IntArray, IntArray]] = []
        for version, root in roots.items():
            rows, low, high = keys(addresses, version)
            long = lengths(low, high)
            ends[rows], bits[rows] = self.walk(low, long, root)
            width = 8 * low.shape[1]
            open_ = rows[(ends[rows] < self.nodes) & (long < width)]
            bits[open_], alone[open_] = ITSELF, False
            several.append(self._spread(open_, ends[open_], width))
        row = np.concatenate([np.flatnonzero(alone), *(part[0] for part in several)])
        found = np.concatenate([ends[alone], *(part[1] for part in several)])
        order = np.argsort(row, kind="stable")
        return Hits(row[order], np.where(found == self.nodes, NOTHING, found)[order], bits)

    def _spread(self, rows: IntArray, nodes: IntArray, levels: int) -> tuple[IntArray, IntArray]:
        """Pairs of a row and an end below its node."""
        inner, back = np.unique(nodes, return_inverse=True)
        which, ends = self.below(inner, levels)
        first = np.searchsorted(which, back)
        count = np.searchsorted(which, back, "right") - first
        at = np.repeat(first - np.cumsum(count) + count, count) + np.arange(count.sum())
        return np.repeat(rows, count), ends[at]


def _distinct(which: IntArray, at: IntArray) -> tuple[IntArray, IntArray]:
    pairs = np.unique(which.astype(np.int64) << 32 | at.astype(np.int64))
    return pairs >> 32, pairs & 0xFFFFFFFF
