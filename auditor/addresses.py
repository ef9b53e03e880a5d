"""IP addresses and blocks as columns: first and last as numbers, and what is no public address."""

from __future__ import annotations

import ipaddress
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from auditor.arrow import pa, pc
from auditor.columns import Coded
from auditor.language import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.columns import BoolArray, IntArray

Uint32Array: TypeAlias = np.ndarray[Any, np.dtype[np.uint32]]
Letters: TypeAlias = np.ndarray[Any, np.dtype[np.uint8]]
Wide: TypeAlias = np.ndarray[Any, np.dtype[np.bytes_]]

CHUNK = 1 << 15  # rows that are read at a time: they stay in the processor's cache
BITS, WIDE_BITS = 32, 128
FEW = 1 << 18  # rows that are not worth a second thread
PAD = 3  # bytes in front of a chunk, so that the three before any end can be read
BASE, NO_OCTET = 10, 256
DOT, SLASH, ZERO = b"./0"
_GROUPS = re.compile("[0-9A-Fa-f:]+")
_LENGTHS = frozenset(map(str, range(WIDE_BITS + 1)))
NO_ADDRESS = say("no address")
NOT_ONE = say("neither an IPv4 nor an IPv6 address or block")

# Blocks that are no public unicast space, and blocks inside them that are (blank): IANA's special-purpose
# registries (RFC 6890 and what it lists), multicast (RFC 5771, RFC 4291), and of IPv6 all that is not under
# 2000::/3, from which alone global unicast addresses are given out. The longest block decides.
SPECIAL = (
    ("0.0.0.0/8", say("this network")),
    ("10.0.0.0/8", say("private")),
    ("100.64.0.0/10", "CGNAT"),
    ("127.0.0.0/8", say("loopback")),
    ("169.254.0.0/16", say("link-local")),
    ("172.16.0.0/12", say("private")),
    ("192.0.0.0/24", say("IETF protocols")),
    ("192.0.0.9/32", ""),
    ("192.0.0.10/32", ""),
    ("192.0.2.0/24", say("documentation")),
    ("192.88.99.0/24", "6to4"),
    ("192.168.0.0/16", say("private")),
    ("198.18.0.0/15", say("benchmarking")),
    ("198.51.100.0/24", say("documentation")),
    ("203.0.113.0/24", say("documentation")),
    ("224.0.0.0/4", say("multicast")),
    ("240.0.0.0/4", say("reserved")),
    ("255.255.255.255/32", say("broadcast")),
    ("::/0", say("not global unicast")),
    ("::/128", say("unspecified")),
    ("::1/128", say("loopback")),
    ("::ffff:0:0/96", say("IPv4-mapped")),
    ("64:ff9b::/96", "NAT64"),
    ("64:ff9b:1::/48", "NAT64"),
    ("100::/64", say("discard")),
    ("2000::/3", ""),
    ("2001::/23", say("IETF protocols")),
    ("2001::/32", "Teredo"),
    ("2001:1::1/128", ""),
    ("2001:1::2/128", ""),
    ("2001:1::3/128", ""),
    ("2001:2::/48", say("benchmarking")),
    ("2001:3::/32", ""),
    ("2001:4:112::/48", ""),
    ("2001:10::/28", "ORCHID"),
    ("2001:20::/28", "ORCHID"),
    ("2001:30::/28", say("drone identifiers")),
    ("2001:db8::/32", say("documentation")),
    ("2002::/16", "6to4"),
    ("3fff::/20", say("documentation")),
    ("5f00::/16", say("segment routing")),
    ("fc00::/7", say("private")),
    ("fe80::/10", say("link-local")),
    ("ff00::/8", say("multicast")),
)


@dataclass(frozen=True)
class Addresses:
    """A column of IP addresses and CIDR blocks.

    Parameters
    ----------
    text
        Strings as given.
    version
        int8, one a row: 4, 6, or 0 where the text is no address; `fault` then says why.
    low, high
        uint32, first and last address of an IPv4 row; 0 elsewhere.
    low6, high6
        First and last address of an IPv6 row, 16 bytes in network order (numpy drops zeros at the end when it
        shows them); none where no row is IPv6.
    fault
        Blank where all is well, else what is wrong, in words.

    Examples
    --------
    >>> rows = Addresses.of(["202.96.209.5", "10.0.0.0/8", "2001:db8::1", "1.2.3", "10.0.0.1/8"])
    >>> rows.version.tolist(), rows.single.tolist()
    ([4, 4, 6, 0, 0], [True, False, True, False, False])
    >>> [rows.reserved.at(row) for row in range(3)]
    [None, 'private', 'documentation']
    >>> rows.fault.at(4)
    '10.0.0.1/8 has host bits set; the block is 10.0.0.0/8'
    """

    text: pa.Array
    version: IntArray
    low: Uint32Array
    high: Uint32Array
    low6: Wide | None
    high6: Wide | None
    fault: Coded

    @classmethod
    def of(cls, column: Any) -> Addresses:
        """Read a column.

        Parameters
        ----------
        column
            Arrow array of strings (plain or dictionary) or of uint32, a uint32 numpy array, or a sequence of
            strings. IPv4 is four decimal numbers without leading zeros (RFC 6943 section 3.1.1 tells why),
            IPv6 as in RFC 4291 without zone; a block ends in ``/`` and its length, and has no host bits set.
        """
        array = column if isinstance(column, pa.Array | pa.ChunkedArray) else pa.array(column, _type(column))
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks() if array.num_chunks else pa.array([], array.type)
        if pa.types.is_dictionary(array.type):
            rows = pc.fill_null(array.indices, len(array.dictionary))
            return cls.of(
                pa.concat_arrays([array.dictionary.cast(pa.string()), pa.nulls(1, pa.string())])
            ).take(rows.to_numpy(zero_copy_only=False))
        if pa.types.is_uint32(array.type) and not array.null_count:
            return _of_numbers(array.to_numpy())
        return _of_text(array.cast(pa.string()))

    def __len__(self) -> int:
        return len(self.version)

    def take(self, rows: BoolArray | IntArray) -> Addresses:
        """Keep some rows, by mask or by position."""
        at: IntArray = np.flatnonzero(rows) if rows.dtype == np.bool_ else np.asarray(rows, np.int64)
        low6 = None if self.low6 is None else self.low6[at]
        high6 = None if self.high6 is None else self.high6[at]
        text, version = self.text.take(pa.array(at)), self.version[at]
        return Addresses(text, version, self.low[at], self.high[at], low6, high6, self.fault.take(at))

    @cached_property
    def single(self) -> BoolArray:
        """Rows that are one address and not a block."""
        alone: BoolArray = (self.low == self.high) & (self.version != 0)
        if self.low6 is not None:
            alone &= self.low6 == self.high6
        return alone

    @cached_property
    def reserved(self) -> Coded:
        """Name of the special block that a row lies in (``private``, ``CGNAT``…); blank for public unicast.

        A block that holds special space and other space is not named.
        """
        names = tuple(dict.fromkeys(name for _, name in SPECIAL if name))
        codes = np.full(len(self), -1, np.int32)
        ends: list[tuple[int, Any, Any]] = [(4, self.low, self.high), (6, self.low6, self.high6)]
        for version, low, high in ends:
            rows = np.flatnonzero(self.version == version)
            if len(rows):
                starts, named = _special(version)
                first, last = (
                    named[np.searchsorted(starts, end[rows], side="right") - 1] for end in (low, high)
                )
                codes[rows] = np.where(first == last, first, -1)
        return Coded(codes, names)


@cache
def _special(version: int) -> tuple[Any, IntArray]:
    """Where the space of a version changes its name, and the position of each name; -1: public unicast."""
    names = tuple(dict.fromkeys(name for _, name in SPECIAL if name))
    blocks = [(ipaddress.ip_network(block), names.index(name) if name else -1) for block, name in SPECIAL]
    blocks = sorted((b for b in blocks if b[0].version == version), key=lambda b: b[0].prefixlen)
    edges = sorted({0, *(int(b[0]) for b, _ in blocks), *(int(b[-1]) + 1 for b, _ in blocks)})
    codes = np.full(len(edges), -1, np.int32)
    for block, code in blocks:  # longest last
        codes[[int(block[0]) <= edge <= int(block[-1]) for edge in edges]] = code
    fit = [edge < 1 << (BITS if version == 4 else WIDE_BITS) for edge in edges]  # noqa: PLR2004 -- IPv4
    inside = [edge for edge, fits in zip(edges, fit, strict=True) if fits]
    starts = np.array(inside, np.uint32) if version == 4 else _wide(inside)  # noqa: PLR2004 -- IPv4
    return starts, codes[fit]


def _wide(numbers: Sequence[int]) -> Wide:
    return np.array([number.to_bytes(16, "big") for number in numbers], "S16")


def _type(column: Any) -> Any:
    return pa.uint32() if getattr(column, "dtype", None) == np.uint32 else pa.string()


def dotted(numbers: Uint32Array) -> Any:
    """Write IPv4 addresses as text.

    Examples
    --------
    >>> dotted(np.array([3232235777], np.uint32)).to_pylist()
    ['192.168.1.1']
    """
    words = pa.array([str(number) for number in range(256)])
    parts = [words.take(pa.array((numbers >> np.uint32(shift)) & np.uint32(255))) for shift in (24, 16, 8, 0)]
    return pc.binary_join_element_wise(*parts, ".")


def _of_numbers(numbers: Uint32Array) -> Addresses:
    version = np.full(len(numbers), 4, np.int8)
    fault = Coded(np.full(len(numbers), -1, np.int32), ())
    return Addresses(dotted(numbers), version, numbers, numbers, None, None, fault)


def _of_text(text: pa.Array) -> Addresses:
    low, high, good = _read_v4(text)
    version = np.where(good, np.int8(4), np.int8(0))
    rest = np.flatnonzero(~good)
    words = Coded.of(text.take(pa.array(rest)))
    read = [_read_one(value) for value in words.values]
    kinds = np.array([*(kind for kind, *_ in read), 0], np.int8)
    version[rest] = kinds[words.codes]
    low6 = high6 = None
    if kinds.any():
        low6, high6 = np.zeros(len(text), "S16"), np.zeros(len(text), "S16")
        low6[rest] = np.array([*(first for _, first, _, _ in read), b""], "S16")[words.codes]
        high6[rest] = np.array([*(last for _, _, last, _ in read), b""], "S16")[words.codes]
    faults = tuple(dict.fromkeys([*(fault for *_, fault in read if fault), NO_ADDRESS]))
    at = {fault: position for position, fault in enumerate(faults)}
    codes = np.full(len(text), -1, np.int32)
    codes[rest] = np.array([*(at.get(fault, -1) for *_, fault in read), at[NO_ADDRESS]], np.int32)[
        words.codes
    ]
    return Addresses(text, version, low, high, low6, high6, Coded(codes, faults))


def _read_one(text: str) -> tuple[int, bytes, bytes, str]:
    """Version (6 or 0), first and last address, and fault of a text that is no plain IPv4."""
    return _read_fast(text) or _read_plain(text)


def _read_fast(text: str) -> tuple[int, bytes, bytes, str] | None:
    """Read an IPv6 address or block as most are written, six times as fast; nothing for all others."""
    head, slash, length = text.partition("/")
    first = _packed(head)
    if first is None:
        return None
    if not slash:
        return 6, first, first, ""
    if length not in _LENGTHS:
        return None
    number, host = int.from_bytes(first, "big"), (1 << WIDE_BITS - int(length)) - 1
    return None if number & host else (6, first, (number | host).to_bytes(16, "big"), "")


def _packed(text: str) -> bytes | None:
    if not _GROUPS.fullmatch(text):
        return None
    head, gap, tail = text.partition("::")
    left, right = (part.split(":") if part else [] for part in (head, tail))
    missing = 8 - len(left) - len(right)
    if missing < 1 if gap else missing:
        return None
    groups = [*left, *["0"] * missing, *right]
    joined = "".join([group.zfill(4) for group in groups])
    return None if len(joined) != WIDE_BITS // 4 or "" in groups else bytes.fromhex(joined)


def _read_plain(text: str) -> tuple[int, bytes, bytes, str]:
    if not text.strip():
        return 0, b"", b"", NO_ADDRESS
    _, slash, length = text.partition("/")
    if "%" in text or (slash and not (length.isascii() and length.isdigit() and str(int(length)) == length)):
        return 0, b"", b"", NOT_ONE
    try:
        block = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return 0, b"", b"", NOT_ONE
    if ipaddress.ip_interface(text).ip != block.network_address:
        fault = say("{address} has host bits set; the block is {block}", address=text, block=str(block))
        return 0, b"", b"", fault
    return 6, block.network_address.packed, block.broadcast_address.packed, ""


def _read_v4(text: pa.Array) -> tuple[Uint32Array, Uint32Array, BoolArray]:
    """First and last address of each row, and whether it is IPv4 at all; both are 0 where it is not."""
    rows = len(text)
    low, high, good = np.zeros(rows, np.uint32), np.zeros(rows, np.uint32), np.zeros(rows, np.bool_)
    _, offsets, data = text.buffers()
    if not rows or data is None:
        return low, high, good
    ends = np.frombuffer(offsets, np.int32)[text.offset : text.offset + rows + 1]
    letters = np.frombuffer(data, np.uint8)

    def read(first: int) -> None:
        part = slice(first, min(first + CHUNK, rows))
        edges = ends[part.start : part.stop + 1].astype(np.int64)
        padded = np.zeros(edges[-1] - edges[0] + PAD + 1, np.uint8)
        padded[PAD:-1] = letters[edges[0] : edges[-1]]
        edges += PAD - edges[0]
        low[part], high[part], good[part] = _read_chunk(padded, edges[:-1], edges[1:])

    with ThreadPoolExecutor(os.cpu_count() if rows > FEW else 1) as pool:
        for _ in pool.map(read, range(0, rows, CHUNK)):
            pass
    if text.null_count:
        good &= text.is_valid().to_numpy(zero_copy_only=False)
        low[~good] = high[~good] = 0
    return low, high, good


def _read_chunk(
    letters: Letters, starts: IntArray, stops: IntArray
) -> tuple[Uint32Array, Uint32Array, BoolArray]:
    low, good = _read_octets(letters, starts, stops)
    slashes = np.zeros(0, np.int64) if good.all() else np.flatnonzero(letters == SLASH)
    if not len(slashes):
        low[~good] = 0
        return low, low, good
    rows, first = np.unique(np.searchsorted(starts, slashes, side="right") - 1, return_index=True)
    slash, end = slashes[first], stops[rows]
    stops = stops.copy()
    stops[rows] = slash
    low, good = _read_octets(letters, starts, stops)
    tens, ones = letters[end - 2] - ZERO, letters[end - 1] - ZERO
    figures = end - slash - 1
    length = np.where(figures == 1, ones, tens * 10 + ones).astype(np.uint32)
    two = (figures == 2) & (tens > 0) & (tens < BASE)  # noqa: PLR2004 -- figures of a length
    fits = (ones < BASE) & ((figures == 1) | two) & (length <= BITS)
    size = np.left_shift(np.uint64(1), (BITS - np.minimum(length, BITS)).astype(np.uint64))
    host = (size - np.uint64(1)).astype(np.uint32)
    good[rows] &= fits & ((low[rows] & host) == 0)
    high = low.copy()
    high[rows] |= host
    low[~good] = high[~good] = 0
    return low, high, good


def _read_octets(letters: Letters, starts: IntArray, stops: IntArray) -> tuple[Uint32Array, BoolArray]:
    """Addresses of rows that are four numbers with dots between; the others are false."""
    dot = letters == DOT
    figure = (letters - ZERO) < BASE  # uint8 wraps below zero
    dots = np.flatnonzero(dot)
    if len(dots) == 3 * len(starts) and len(dots) + np.count_nonzero(figure) == len(letters) - PAD - 1:
        found = dots.reshape(-1, 3)
        if (found[:, 0] >= starts).all() and (found[:, 2] < stops).all():
            return _numbers(letters, starts, found, stops)
    before = np.concatenate([[0], np.cumsum(dot)])
    others = np.concatenate([[0], np.cumsum(~(dot | figure))])
    three = before[stops] - before[starts] == 3  # noqa: PLR2004 -- dots of an address
    at = np.flatnonzero(three & (others[stops] == others[starts]))
    low, good = np.zeros(len(starts), np.uint32), np.zeros(len(starts), np.bool_)
    found = dots[before[starts[at]][:, None] + np.arange(3)]
    low[at], good[at] = _numbers(letters, starts[at], found, stops[at])
    return low, good


def _numbers(
    letters: Letters, starts: IntArray, dots: IntArray, stops: IntArray
) -> tuple[Uint32Array, BoolArray]:
    """Put four numbers together, given where they end; false where one is no decimal number up to 255.

    The three letters before an end are packed to four bits a figure, and looked up together with how many
    figures there are; where these are fewer, what stands before them does not matter.
    """
    figure = (letters & np.uint8(15)).astype(np.uint16)
    packed = figure[:-2] << np.uint16(8)  # packed[end - PAD] is the three letters before an end
    packed |= figure[1:-1] << np.uint16(4)
    packed |= figure[2:]
    low, good = np.zeros(len(starts), np.uint32), np.ones(len(starts), np.bool_)
    for end in (*np.ascontiguousarray(dots.T), stops):
        long = end - starts
        at = packed.take(end - PAD)
        at |= (long & 3).astype(np.uint16) << np.uint16(12)
        octet = _OCTETS.take(at)
        good &= (octet < NO_OCTET) & (long <= PAD)
        low <<= np.uint32(8)
        low |= octet
        starts = end + 1
    return low, good


def _octets() -> np.ndarray[Any, np.dtype[np.uint16]]:
    table = np.full(4 << 12, NO_OCTET, np.uint16)
    for octet in range(256):
        figures = len(str(octet))
        table[figures << 12 | int(str(octet), 16) : (figures + 1) << 12 : 1 << 4 * figures] = octet
    return table


_OCTETS = _octets()
