"""How fast addresses are looked up, against a bare `numpy.searchsorted` that takes the same five columns.

    python benchmarks/lookups.py [--addresses 1000000] [--ranges 400000] [--runs 5] [--seed 20241023]

A table of ranges with five columns (country, province, city, district, owner) is made as a user's database
and opened as `[databases.NAME]` is; ours finds the record of every address and takes its columns, and finds
the prefix around the address, too. The bare way knows the ranges as sorted numbers and takes the columns. For
IPv6 its numbers are the upper halves of addresses, since all ranges end there: that is twice as fast as a
search in whole ones. Then the sources that ship, laid over one another, against one search in as many
segments; and reading addresses as text.
"""

from __future__ import annotations

import argparse
import datetime as dt
import io
import ipaddress
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from turns import in_turns, show

from auditor import zones
from auditor.addresses import Addresses, dotted
from auditor.columns import Coded
from auditor.sources._bulk import Bulk
from auditor.sources._csv_ranges import open_parquet

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.sources._records import Database

AS_OF = dt.date(2026, 11, 22)
COLUMNS = ("country", "province", "city", "district", "owner")
LEAST, MOST = 0x20000000 << 32, 0x40000000 << 32  # upper halves of global unicast addresses


def compared(what: str, rows: int, ways: dict[str, Callable[[], Any]], runs: int, *, same: bool) -> bool:
    """Run ours and the bare way in turns and print both."""
    spent = in_turns(ways, runs)
    for name, seconds in spent.items():
        show(f"{what}, {name}", rows, seconds)
    ours, bare = spent.values()
    print(f"ratio {ours / bare:.2f} of the bare way's time; answers {'identical' if same else 'DIFFER'}")
    return same


def database(starts: list[str], ends: list[str], told: dict[str, list[str]]) -> Database:
    """Write a table of ranges as Parquet and open it as a user's database."""
    file = io.BytesIO()
    pq.write_table(pa.table({"start": starts, "end": ends, **told}), file)
    return open_parquet(file.getvalue(), "ranges.parquet")


def told(ranges: int, random: np.random.Generator) -> dict[str, list[str]]:
    """Five columns of made-up names."""
    return {name: [f"{name}{code}" for code in random.integers(0, 300, ranges).tolist()] for name in COLUMNS}


def table(version: int, options: argparse.Namespace, random: np.random.Generator) -> bool:
    """Compare look-ups in a user's table of ranges."""
    if version == 4:  # noqa: PLR2004 -- IPv4
        cuts = np.unique(random.integers(0, 1 << 32, options.ranges).astype(np.uint32))
        ends = np.append(cuts[1:] - np.uint32(1), np.uint32(2**32 - 1))
        asked = random.integers(int(cuts[0]), 1 << 32, options.addresses).astype(np.uint32)
        names = dotted(cuts).to_pylist(), dotted(ends).to_pylist()
        addresses = Addresses.of(asked)
    else:
        cuts = np.unique(random.integers(LEAST, MOST, options.ranges).astype(np.uint64))
        ends = np.append(cuts[1:] - np.uint64(1), np.uint64(MOST - 1))
        asked = random.integers(int(cuts[0]), MOST, options.addresses).astype(np.uint64)
        names = _texts(cuts, 0), _texts(ends, 2**64 - 1)
        lower = random.integers(0, 2**63, options.addresses).astype(np.uint64)
        whole = np.stack([asked, lower], axis=1).astype(">u8").view("S16").ravel()
        none = np.zeros(len(asked), np.uint32)
        blank = Coded(np.full(len(asked), -1, np.int32), ())
        text = pa.nulls(len(asked), pa.string())
        addresses = Addresses(text, np.full(len(asked), 6, np.int8), none, none, whole, whole, blank)
    columns = told(len(cuts), random)
    opened, coded = database(*names, columns), {name: Coded.of(column) for name, column in columns.items()}

    def ours() -> list[Any]:
        hits, records = opened.find(addresses)
        return [records.column(name).codes.take(hits.found) for name in COLUMNS]

    def bare() -> list[Any]:
        at = np.searchsorted(cuts, asked, side="right") - 1
        return [column.codes[at] for column in coded.values()]

    same = all(np.array_equal(one, other) for one, other in zip(ours(), bare(), strict=True))
    what = f"IPv{version} in {len(cuts):,} ranges"
    return compared(what, len(asked), {"ours, prefixes too": ours, "bare": bare}, options.runs, same=same)


def _texts(upper: Any, lower: int) -> list[str]:
    return [str(ipaddress.IPv6Address(half << 64 | lower)) for half in upper.tolist()]


def shipped(options: argparse.Namespace, random: np.random.Generator) -> bool:
    """Compare look-ups in all sources that ship with one search."""
    bulk = Bulk.of(zones.read_areas(AS_OF), AS_OF)
    asked = random.integers(0, 1 << 32, options.addresses).astype(np.uint32)
    columns = [part.codes if isinstance(part, Coded) else part for part in bulk.columns.values()]
    starts, codes = bulk.direct.starts, bulk.direct.codes

    def ours() -> list[Any]:
        kind = bulk.direct.find(asked).astype(np.intp)
        return [column.take(kind) for column in columns]

    def bare() -> list[Any]:
        kind = codes[np.searchsorted(starts, asked, side="right") - 1]
        return [column[kind] for column in columns]

    same = all(np.array_equal(one, other) for one, other in zip(ours(), bare(), strict=True))
    what = f"IPv4 in the {len(starts):,} segments that ship"
    return compared(what, len(asked), {"ours": ours, "bare": bare}, options.runs, same=same)


def reading(options: argparse.Namespace, random: np.random.Generator) -> None:
    """Time reading addresses as text."""
    rows = options.addresses
    four = dotted(random.integers(0, 1 << 32, rows).astype(np.uint32))
    some = random.integers(LEAST, MOST, rows // 10).astype(np.uint64)
    six = pa.array(_texts(some, 1))
    spent = in_turns({"4": lambda: Addresses.of(four), "6": lambda: Addresses.of(six)}, options.runs)
    show("IPv4 addresses read from text", rows, spent["4"])
    show("IPv6 addresses read from text", len(six), spent["6"])


def main() -> None:
    """Run the ways in turn and print their medians."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--addresses", type=int, default=1_000_000)
    parser.add_argument("--ranges", type=int, default=400_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=20241023)
    options = parser.parse_args()
    random = np.random.default_rng(options.seed)
    same = [table(4, options, random), table(6, options, random), shipped(options, random)]
    reading(options, random)
    if not all(same):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
