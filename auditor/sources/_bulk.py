"""Regions of millions of addresses at once: one gather an address and database, on all processors."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from auditor.addresses import Addresses
from auditor.columns import Coded
from auditor.sources._embedded import NOTHING, SEVERAL_REGIONS, extent, load

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from auditor.addresses import Uint32Array
    from auditor.columns import BoolArray, IntArray
    from auditor.sources._embedded import Segments

SOURCES = ("dbip", "ip2region")
BATCH = 1 << 18  # rows of a file that are held at a time
MIXED = -2
BLOCKS = 1 << 24  # of 256 addresses


@dataclass(frozen=True)
class Direct:
    """Codes of all blocks of 256 IPv4 addresses, so that most addresses need no search.

    Parameters
    ----------
    table
        int16, one a block: code of the one segment that it lies in, or `MIXED`.
    starts, codes
        First address and code of each segment, for addresses in mixed blocks.
    """

    table: IntArray
    starts: Uint32Array
    codes: IntArray

    @classmethod
    def of(cls, segments: Segments) -> Direct:
        """Spread segments over the blocks."""
        codes = segments.region.codes.astype(np.int16)
        first = (segments.starts + np.uint32(255)) >> np.uint32(8)  # block whose start the segment holds
        first[segments.starts > np.uint32(2**32 - 256)] = BLOCKS
        table = np.repeat(codes, np.diff(first, append=np.uint32(BLOCKS)))
        inside = segments.starts[(segments.starts & np.uint32(255)) != 0]
        table[inside >> np.uint32(8)] = MIXED
        return cls(table, segments.starts, codes)

    def find(self, addresses: Uint32Array) -> IntArray:
        """Codes of addresses."""
        found: IntArray = self.table[addresses >> np.uint32(8)]
        mixed = np.flatnonzero(found == MIXED)
        found[mixed] = self.codes[np.searchsorted(self.starts, addresses[mixed], side="right") - 1]
        return found


@cache
def _direct(source: str) -> Direct:
    return Direct.of(load(source).segments[4])


def prepare() -> None:
    """Load the databases and spread them out: some 50 ms, once a process."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(_direct, SOURCES))


def locate_column(column: Any) -> pa.Table:
    """Find the regions of a column of addresses in the databases that ship with the package.

    Parameters
    ----------
    column
        As `auditor.addresses.Addresses.of` takes it: addresses or blocks, IPv4 or IPv6.

    Returns
    -------
    pyarrow.Table
        One row each: ``ip`` as given; of each database its ``…_region`` (GB/T 2260 or ISO 3166) and
        ``…_extent``, blank where it records nothing; ``note`` says why an address has no region: what is
        wrong with it, or the special block that it lies in.

    Examples
    --------
    >>> table = locate_column(["202.96.209.5", "10.0.0.1", "nonsense"])
    >>> table.column("dbip_region").to_pylist(), table.column("ip2region_extent").to_pylist()
    (['310000', None, None], ['province', None, None])
    >>> table.column("note").to_pylist()
    [None, 'private', 'neither an IPv4 nor an IPv6 address or block']
    """
    prepare()
    addresses = Addresses.of(column)
    columns: dict[str, Any] = {"ip": addresses.text}
    plain = addresses.version == 4  # noqa: PLR2004 -- IPv4
    plain &= addresses.low == addresses.high
    others = np.flatnonzero(~plain)
    doubtful, several = ~plain, np.zeros(len(addresses), np.bool_)
    for source in SOURCES:
        region, spread = _regions(source, addresses, others)
        several[others] |= spread
        doubtful |= region.blank
        extents, of_region = _extents(region.values)
        columns[f"{source}_region"] = _column(region.codes, region.values)
        columns[f"{source}_extent"] = _column(of_region[region.codes], extents)
    rows = np.flatnonzero(doubtful)
    columns["note"] = _notes(addresses.take(rows), rows, several)
    return pa.table(columns)


def locate_parquet(source: Path, target: Path, column: str = "ip") -> int:
    """Find the regions of a column of a Parquet file; reads, looks up and writes side by side.

    Parameters
    ----------
    source
        File with addresses.
    target
        File to write, with the columns of `locate_column`.
    column
        Name of the column of addresses.

    Returns
    -------
    int
        Number of rows.
    """
    prepare()
    rows = 0
    with pyarrow.parquet.ParquetFile(source) as file, ExitStack() as stack:
        writer = None
        parts = _ahead(file.iter_batches(BATCH, columns=[column]))
        for table in _ahead(locate_column(part.column(0)) for part in parts):
            writer = writer or stack.enter_context(_writer(target, table.schema))
            writer.write_table(table)
            rows += len(table)
    return rows


def _writer(target: Path, schema: pa.Schema) -> Any:
    """Write addresses as they are and the rest by codes: what packs them better takes far longer."""
    coded = [name for name in schema.names if name != "ip"]
    return pyarrow.parquet.ParquetWriter(
        target, schema, compression="none", use_dictionary=coded, write_statistics=False
    )


def _ahead(parts: Iterator[Any]) -> Iterator[Any]:
    """Make the next part while the last one is used."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, parts, None)
        while (part := coming.result()) is not None:
            coming = pool.submit(next, parts, None)
            yield part


def _regions(source: str, addresses: Addresses, others: IntArray) -> tuple[Coded, BoolArray]:
    """Regions of all rows, and which of `others`, rows that are not one IPv4 address, have several."""
    database, direct = load(source), _direct(source)
    names = database.segments[4].region.values
    codes = direct.find(addresses.low)
    several = np.zeros(len(others), np.bool_)
    if len(others):
        rest = addresses.take(others)
        region, _, several = database.find(rest)
        names = tuple(dict.fromkeys([*names, *region.values]))
        found = region.lookup({name: at for at, name in enumerate(names)}, default=NOTHING, dtype=np.int16)
        codes[others] = np.where(rest.reserved.blank, found, NOTHING)
    return Coded(codes, names), several


@cache
def _extents(regions: tuple[str, ...]) -> tuple[tuple[str, ...], IntArray]:
    """Extents there are, and the position of each region's; the last is that of no region."""
    extents = tuple(dict.fromkeys(map(extent, regions)))
    return extents, np.array([*(extents.index(extent(region)) for region in regions), NOTHING], np.int8)


def _column(codes: IntArray, names: Iterable[str]) -> pa.DictionaryArray:
    blank = codes < 0
    indices = pa.array(codes, mask=blank) if blank.any() else pa.array(codes)
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string()))


def _notes(addresses: Addresses, rows: IntArray, several: BoolArray) -> pa.DictionaryArray:
    """Why rows have no region, of those in `rows`; `addresses` are theirs, `several` is of all."""
    spread = Coded(several[rows].astype(np.int32) - 1, (SEVERAL_REGIONS,))
    codes, words = np.full(len(several), NOTHING, np.int32), list[str]()
    for note in (spread, addresses.fault, addresses.reserved):  # the last one counts
        codes[rows[~note.blank]] = note.codes[~note.blank] + len(words)
        words += note.values
    return _column(codes, words)
