"""Addresses as rows of bytes, and the blocks round them: shared by all databases."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.addresses import dotted
from auditor.blocks import as_bytes, keys

if TYPE_CHECKING:
    from auditor.addresses import Addresses
    from auditor.columns import BoolArray, IntArray

ITSELF = -1  # bits of a row whose block lies in no one block of a database
_SPARSE = 16  # numbers a row, above which those that occur are few
NOTHING = -1  # what is found where a database holds nothing


@dataclass(frozen=True)
class Hits:
    """Where rows of addresses are found in a database.

    Parameters
    ----------
    row, found
        int64 pairs, in order of `row`: a row, and a position in the database, or `NOTHING` where the database
        holds nothing of the row, or of part of it. A block that lies in several blocks has several pairs.
    bits
        int16, one a row: length of the prefix of the one block that it lies in, or `ITSELF`.
    """

    row: IntArray
    found: IntArray
    bits: IntArray

    def distinct(self) -> tuple[IntArray, Hits]:
        """Give what was found, each once, and the hits with positions in that instead."""
        most = int(self.found.max(initial=NOTHING))
        if most > _SPARSE * len(self.found):
            values, back = np.unique(self.found, return_inverse=True)
            missing = int(len(values) > 0 and values[0] == NOTHING)
            return values[missing:], Hits(self.row, back - missing, self.bits)
        held = np.zeros(most + 2, np.bool_)  # a tenth of the time of a sort, where numbers are not too large
        held[self.found] = True
        held[NOTHING] = False
        number = np.cumsum(held) - 1
        number[NOTHING] = NOTHING
        return np.flatnonzero(held), Hits(self.row, number[self.found], self.bits)


def lengths(low: IntArray, high: IntArray) -> IntArray:
    """Lengths of the prefixes of blocks.

    Examples
    --------
    >>> lengths(np.array([[192, 0, 2, 0]], np.uint8), np.array([[192, 0, 2, 127]], np.uint8)).tolist()
    [25]
    """
    return first_difference(low, high)


def first_difference(one: Any, other: Any) -> IntArray:
    """Count the leading bits that two columns of addresses have in common."""
    differ = np.ascontiguousarray(one ^ other)
    wide = 4 if differ.shape[1] % 4 == 0 else 1
    words = differ.view(f">u{wide}").astype(np.float64)
    first: Any = 0
    word = words[:, 0]
    if words.shape[1] > 1:
        first = (words > 0).argmax(axis=1)
        word = words[np.arange(len(words)), first]
    common = (
        8 * wide * (first + 1) - np.frexp(word)[1]
    )  # the exponent of a whole number is its length in bits
    return np.asarray(np.where(word == 0, 8 * differ.shape[1], common), np.int16)


def ordered(addresses: IntArray) -> Any:
    """View bytes as something that compares: uint32, or ``S16``."""
    if addresses.shape[1] == 4:  # noqa: PLR2004
        return np.ascontiguousarray(addresses).view(">u4").ravel().astype(np.uint32)
    return np.ascontiguousarray(addresses).view("S16").ravel()


def beside(addresses: IntArray, step: int) -> tuple[IntArray, BoolArray]:
    """Give the addresses before (-1) or after (1), and where there is none.

    Examples
    --------
    >>> after, none = beside(np.array([[10, 0, 0, 255], [255, 255, 255, 255]], np.uint8), 1)
    >>> after[0].tolist(), none.tolist()
    ([10, 0, 1, 0], [False, True])
    """
    words = np.ascontiguousarray(addresses).view(">u4").astype(np.int64)
    carry: Any = step
    for column in reversed(range(words.shape[1])):
        words[:, column] += carry
        carry = words[:, column] >> 32
        words[:, column] &= 0xFFFFFFFF
    return as_bytes(words.astype(">u4"), addresses.shape[1]), np.asarray(carry != 0) & np.ones(
        len(words), bool
    )


def text(addresses: Addresses, bits: IntArray) -> pa.Array:
    """Write the blocks of some length round addresses; of `ITSELF`, the block that was asked about.

    Parameters
    ----------
    addresses
        All of them addresses or prefixes.
    bits
        Length of each prefix, or `ITSELF`.

    Returns
    -------
    pyarrow.DictionaryArray
        Text in CIDR form.
    """
    codes, names = np.full(len(addresses), -1, np.int32), [pa.array([], pa.string())]
    for version, write in ((4, _write), (6, _write6)):
        rows, low, high = keys(addresses, version)
        if len(rows):
            long = np.where(bits[rows] == ITSELF, lengths(low, high), bits[rows])
            written, back = write(low, long.astype(np.int64))
            codes[rows] = back + sum(map(len, names))
            names.append(written)
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), pa.concat_arrays(names))


def _write(low: IntArray, long: IntArray) -> tuple[pa.Array, IntArray]:
    """Write distinct IPv4 blocks; give the position of each row's block too."""
    first = ordered(low).astype(np.int64) >> (32 - long) << (32 - long)
    blocks, back = np.unique(first << 6 | long, return_inverse=True)
    ends = pa.array(blocks & 63).cast(pa.string())
    return pc.binary_join_element_wise(dotted((blocks >> 6).astype(np.uint32)), ends, "/"), back


def _write6(low: Any, long: IntArray) -> tuple[pa.Array, IntArray]:
    """Write distinct IPv6 blocks; give the position of each row's block too."""
    first = np.packbits(np.unpackbits(low, axis=1) & (np.arange(128) < long[:, None]), axis=1)
    whole = np.column_stack([first, long.astype(np.uint8)]).view("S17").ravel()
    blocks, back = np.unique(whole, return_inverse=True)
    packed = (block.ljust(17, b"\0") for block in blocks.tolist())
    return pa.array([f"{ipaddress.IPv6Address(block[:16])}/{block[16]}" for block in packed]), back
