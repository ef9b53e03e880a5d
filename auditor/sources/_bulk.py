"""Regions of millions of addresses at once: one gather an address and source, on all processors."""

from __future__ import annotations

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
from auditor.located import Answers, locate
from auditor.places import RELATIONS
from auditor.sources import _routes
from auditor.sources._embedded import load
from auditor.writing import written_whole

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from auditor.addresses import Uint32Array
    from auditor.columns import BoolArray, IntArray
    from auditor.located import Combinations
    from auditor.observations import Provenance
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
    table
        One a block: code of the one segment that it lies in, or `MIXED`.
    starts, codes
        First address and code of each segment, for addresses in mixed blocks.
    """

    table: IntArray
    starts: Uint32Array
    codes: IntArray

    @classmethod
    def of(cls, starts: Uint32Array, codes: IntArray) -> Direct:
        """Spread segments, told by their first addresses, over the blocks."""
        codes = codes.astype(np.min_scalar_type(-int(codes.max(initial=0)) - 1))
        first = (starts + np.uint32(255)) >> np.uint32(8)  # block whose start the segment holds
        first[starts > np.uint32(2**32 - 256)] = BLOCKS
        table = np.repeat(codes, np.diff(first, append=np.uint32(BLOCKS)))
        inside = starts[(starts & np.uint32(255)) != 0]
        table[inside >> np.uint32(8)] = MIXED
        return cls(table, starts, codes)

    def find(self, addresses: Uint32Array) -> IntArray:
        """Codes of addresses."""
        found: IntArray = self.table.take(addresses >> np.uint32(8))
        mixed = np.flatnonzero(found == MIXED)
        found[mixed] = self.codes[np.searchsorted(self.starts, addresses[mixed], side="right") - 1]
        return found


def _announced() -> tuple[Uint32Array, Coded]:
    routes = _routes.data().routes[4]
    systems, which = np.unique(routes.asn, return_inverse=True)
    return routes.start.astype(np.uint32), _routes.bound(systems.astype(np.int64)).take(which)


def _database(source: str) -> tuple[Uint32Array, Coded]:
    segments = load(source).segments[4]
    return segments.starts, segments.region


SEGMENTS: dict[str, Callable[[], tuple[Uint32Array, Coded]]] = {
    "dbip": lambda: _database("dbip"),
    "ip2region": lambda: _database("ip2region"),
    _routes.NAME: _announced,
}


@dataclass(frozen=True)
class Bulk:
    """Shipped sources laid over one another for single IPv4 addresses, and the votes on what they say.

    Parameters
    ----------
    direct
        From addresses to kinds: what all sources together say of an address is one of a few thousand.
    columns
        What is told of each kind: relation, area and conflict by vote, and the region that each source names.
    """

    direct: Direct
    columns: dict[str, Coded | BoolArray]

    @classmethod
    def of(cls, areas: Areas, as_of: dt.date) -> Bulk:
        """Load the sources and lay them over one another: half a second, once."""
        found = {name: make() for name, make in SEGMENTS.items()}
        starts = np.sort(np.concatenate([own for own, _ in found.values()]))
        starts = starts[np.append(True, starts[1:] != starts[:-1])]
        answers = [
            Answers(about, region.take(np.searchsorted(own, starts, side="right") - 1))
            for about, (own, region) in zip(_sources(), found.values(), strict=True)
        ]
        at = locate(answers, areas, as_of)
        new = np.append(True, at.which[1:] != at.which[:-1])
        return cls(Direct.of(starts[new], at.which[new]), _told(at.combinations))

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
        kind = self.direct.find(addresses.low).astype(np.intp)
        columns: dict[str, Any] = {"ip": addresses.text}
        for name, told in self.columns.items():
            if isinstance(told, Coded):
                columns[name] = Coded(told.codes.take(kind), told.values).arrow()
            else:
                columns[name] = pa.array(told.take(kind))
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


def _sources() -> tuple[Provenance, ...]:
    """Whence each of `SEGMENTS` comes."""
    return load("dbip").provenance, load("ip2region").provenance, _routes.provenance()


def _told(kinds: Combinations) -> dict[str, Coded | BoolArray]:
    """Columns of the answer on each kind."""
    relation, area, conflict = kinds.decided
    regions = {a.source.source: a.region for a in kinds.answers}
    return {
        "relation": Coded(relation, RELATIONS),
        "area": Coded(area, kinds.areas.ids),
        "conflict": conflict,
        **{f"{name}_region": Coded(r.codes.astype(np.int16), r.values) for name, r in regions.items()},
    }


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
