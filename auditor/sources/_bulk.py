"""Regions of millions of addresses at once: one gather an address and source, on all processors."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from auditor.addresses import Addresses
from auditor.columns import Coded
from auditor.located import Ballot
from auditor.places import RELATIONS
from auditor.sources import _routes
from auditor.sources._embedded import load
from auditor.writing import written_whole

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from auditor.addresses import Uint32Array
    from auditor.columns import IntArray
    from auditor.zones import Areas

IPV4 = 4
BATCH = 1 << 18  # rows of a file that are held at a time
DEPTH = 3  # parts that are made ahead
END = object()
MIXED = -2
BLOCKS = 1 << 24  # of 256 addresses


@dataclass(frozen=True)
class Direct:
    """Codes of all blocks of 256 IPv4 addresses, so that most addresses need no search.

    Parameters
    ----------
    names
        Regions, by code.
    table
        int16, one a block: code of the one segment that it lies in, or `MIXED`.
    starts, codes
        First address and code of each segment, for addresses in mixed blocks.
    """

    names: tuple[str, ...]
    table: IntArray
    starts: Uint32Array
    codes: IntArray

    @classmethod
    def of(cls, starts: Uint32Array, region: Coded) -> Direct:
        """Spread segments, told by their first addresses, over the blocks; neighbours alike are joined."""
        codes = region.codes.astype(np.int16)
        new = np.append(True, codes[1:] != codes[:-1])
        starts, codes = starts[new], codes[new]
        first = (starts + np.uint32(255)) >> np.uint32(8)  # block whose start the segment holds
        first[starts > np.uint32(2**32 - 256)] = BLOCKS
        table = np.repeat(codes, np.diff(first, append=np.uint32(BLOCKS)))
        inside = starts[(starts & np.uint32(255)) != 0]
        table[inside >> np.uint32(8)] = MIXED
        return cls(region.values, table, starts, codes)

    def find(self, addresses: Uint32Array) -> IntArray:
        """Codes of addresses."""
        found: IntArray = self.table[addresses >> np.uint32(8)]
        mixed = np.flatnonzero(found == MIXED)
        found[mixed] = self.codes[np.searchsorted(self.starts, addresses[mixed], side="right") - 1]
        return found


def _database(source: str) -> Direct:
    segments = load(source).segments[4]
    return Direct.of(segments.starts, segments.region)


def _announced() -> Direct:
    routes = _routes.data().routes[4]
    systems, which = np.unique(routes.asn, return_inverse=True)
    return Direct.of(routes.start.astype(np.uint32), _routes.bound(systems.astype(np.int64)).take(which))


TABLES: dict[str, Callable[[], Direct]] = {
    "dbip": lambda: _database("dbip"),
    "ip2region": lambda: _database("ip2region"),
    _routes.NAME: _announced,
}


@dataclass(frozen=True)
class Bulk:
    """Shipped sources spread out for single IPv4 addresses, and the votes on what they say.

    Parameters
    ----------
    tables
        By source.
    ballot
        Votes, taken beforehand.
    areas
        Ids of the areas.
    """

    tables: dict[str, Direct]
    ballot: Ballot
    areas: tuple[str, ...]

    @classmethod
    def of(cls, areas: Areas, as_of: dt.date) -> Bulk:
        """Load and spread the sources: a quarter of a second, once."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            tables = dict(zip(TABLES, pool.map(lambda make: make(), TABLES.values()), strict=True))
        sources = [load("dbip").provenance, load("ip2region").provenance, _routes.provenance()]
        named = [(source, tables[source.source].names) for source in sources]
        return cls(tables, Ballot.of(named, areas, as_of), areas.ids)

    def locate(self, column: Any) -> pa.Table | None:
        """Find regions and votes of a column of single IPv4 addresses; none if it holds anything else.

        Parameters
        ----------
        column
            As `auditor.addresses.Addresses.of` takes it.

        Returns
        -------
        pyarrow.Table
            One row each: ``ip`` as given; ``relation``, ``area`` and ``conflict`` by vote; the region that
            each source names (GB/T 2260 or ISO 3166), blank where it names none.
        """
        addresses = Addresses.of(column)
        if not ((addresses.version == IPV4) & (addresses.low == addresses.high)).all():
            return None
        codes = [table.find(addresses.low) for table in self.tables.values()]
        vote = self.ballot.cast(codes)
        columns: dict[str, Any] = {
            "ip": addresses.text,
            "relation": Coded(self.ballot.relation.take(vote), RELATIONS).arrow(),
            "area": Coded(self.ballot.area.take(vote), self.areas).arrow(),
            "conflict": pa.array(self.ballot.conflict.take(vote)),
        }
        for (source, table), code in zip(self.tables.items(), codes, strict=True):
            columns[f"{source}_region"] = Coded(code, table.names).arrow()
        return pa.table(columns)

    def convert(self, source: Path, target: Path, column: str = "ip") -> int | None:
        """Locate a column of a Parquet file into another one; reads, looks up and writes side by side.

        Returns
        -------
        int
            Number of rows; none if there are none, or anything but single IPv4 addresses, and then no file is
            left.
        """
        rows, writer = 0, None
        with written_whole(target) as part, pyarrow.parquet.ParquetFile(source) as file, ExitStack() as stack:
            parts = _ahead(file.iter_batches(BATCH, columns=[column]))
            for table in _ahead(self._located(parts)):
                if table is None:
                    part.unlink(missing_ok=True)
                    return None
                writer = writer or stack.enter_context(_writer(part, table.schema))
                writer.write_table(table)
                rows += len(table)
        return rows or None

    def _located(self, parts: Iterator[pa.RecordBatch]) -> Iterator[pa.Table | None]:
        return (self.locate(part.column(0)) for part in parts)


def _writer(target: Path, schema: pa.Schema) -> Any:
    """Write addresses as they are and the rest by codes: what packs them better takes far longer."""
    coded = [name for name in schema.names if name != "ip"]
    return pyarrow.parquet.ParquetWriter(
        target, schema, compression="none", use_dictionary=coded, write_statistics=False
    )


def _ahead(parts: Iterator[Any]) -> Iterator[Any]:
    """Make the next parts while one is used."""
    with ThreadPoolExecutor(1) as pool:
        coming = deque(pool.submit(next, parts, END) for _ in range(DEPTH))
        while (part := coming.popleft().result()) is not END:
            coming.append(pool.submit(next, parts, END))
            yield part
