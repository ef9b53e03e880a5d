"""Addresses that are asked once however many rows have them; those that are not asked say why."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from auditor.language import say

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Sequence

    import pyarrow as pa

    from auditor.addresses import Addresses
    from auditor.asking import Asked
    from auditor.columns import Coded, IntArray

T = TypeVar("T")


@dataclass(frozen=True)
class Blocks:
    """Distinct public addresses and blocks, sorted by version and first address.

    Parameters
    ----------
    version, low, high
        One a block; plain numbers, since IPv6 fits no column.
    rows
        Rows of the addresses asked about, those of the first block first.
    bounds
        Where in `rows` those of each block begin; one more at the end.
    """

    version: tuple[int, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    rows: IntArray
    bounds: IntArray

    def __len__(self) -> int:
        return len(self.version)

    def first(self, block: int) -> IPv4Address | IPv6Address:
        """First address of a block."""
        return (IPv4Address if self.version[block] == 4 else IPv6Address)(self.low[block])  # noqa: PLR2004

    def single(self, block: int) -> bool:
        """Whether a block is one address."""
        return self.low[block] == self.high[block]

    def text(self, block: int) -> str:
        """A block as it is asked for: an address, or CIDR."""
        size = self.high[block] - self.low[block]
        first = self.first(block)
        return str(first) if not size else f"{first}/{first.max_prefixlen - size.bit_length()}"

    def rows_of(self, blocks: Sequence[int]) -> tuple[IntArray, IntArray]:
        """Rows of some blocks, and for each the position of its block in `blocks`."""
        spans = [self.rows[self.bounds[block] : self.bounds[block + 1]] for block in blocks]
        return np.concatenate(spans), np.repeat(np.arange(len(spans)), [len(span) for span in spans])


def public_blocks(addresses: Addresses) -> Blocks:
    """Find the distinct public addresses and blocks.

    Examples
    --------
    >>> from auditor.addresses import Addresses
    >>> blocks = public_blocks(Addresses.of(["202.96.209.5", "10.0.0.1", "101.80.0.0/12", "202.96.209.5"]))
    >>> [blocks.text(block) for block in range(len(blocks))], blocks.rows.tolist(), blocks.bounds.tolist()
    (['101.80.0.0/12', '202.96.209.5'], [2, 0, 3], [0, 1, 3])
    """
    public = addresses.reserved.blank
    low: list[int] = []
    high: list[int] = []
    version: list[int] = []
    rows, sizes = [np.zeros(0, np.int64)], [np.zeros(1, np.int64)]
    ends: tuple[tuple[int, Any, Any], ...] = (
        (4, addresses.low, addresses.high),
        (6, addresses.low6, addresses.high6),
    )
    for of, first, last in ends:
        at = np.flatnonzero((addresses.version == of) & public)
        if len(at):
            pairs = np.zeros(len(at), [("low", first.dtype), ("high", last.dtype)])
            pairs["low"], pairs["high"] = first[at], last[at]
            kept, which, count = np.unique(pairs, return_inverse=True, return_counts=True)
            low += map(_number, kept["low"].tolist())
            high += map(_number, kept["high"].tolist())
            version += [of] * len(kept)
            rows.append(at[np.argsort(which, kind="stable")])
            sizes.append(count)
    bounds = np.cumsum(np.concatenate(sizes))
    return Blocks(tuple(version), tuple(low), tuple(high), np.concatenate(rows), bounds)


def _number(value: int | bytes) -> int:
    return value if isinstance(value, int) else int.from_bytes(value.ljust(16, b"\0"))  # numpy drops zeros


def idle(addresses: Addresses) -> Iterator[tuple[str, IntArray, Coded]]:
    """What is no address, and what is none of the public space: outcome, rows, and why."""
    for outcome, why in (("malformed", addresses.fault), ("reserved", addresses.reserved)):
        rows = np.flatnonzero(~why.blank)
        if len(rows):
            yield outcome, rows, why.take(rows)


def not_asked(asked: Asked, seen_at: dt.datetime, **columns: Any) -> pa.Table:
    """Rows of observations for what is no public address: reserved, or no address at all.

    Parameters
    ----------
    **columns
        Source, family and kind of the rows.
    """
    addresses = asked.addresses
    rows = np.flatnonzero((addresses.version == 0) | ~addresses.reserved.blank)
    reserved, fault = addresses.reserved.take(rows), addresses.fault.take(rows)
    good = fault.blank
    names = [reserved.at(row) if good[row] else fault.at(row) for row in range(len(rows))]
    return asked.table(
        rows,
        outcome=np.where(good, "reserved", "malformed").tolist(),
        note=[
            say("no public address: {kind}", kind=name) if well else name
            for name, well in zip(names, good, strict=True)
        ],
        seen_at=seen_at,
        **columns,
    )


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Put items together as they come, so many at a time.

    Examples
    --------
    >>> list(batched("abc", 2))
    [['a', 'b'], ['c']]
    """
    coming = iter(items)
    while batch := list(islice(coming, size)):
        yield batch
