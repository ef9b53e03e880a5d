"""Scan many operators inline, in two processes, and on a Dask cluster of two workers; some of them poisoned.

    python benchmarks/scans.py                      # 2,000 operators of 10^3 nodes, 20 of 10^5
    python benchmarks/scans.py --small 200 --large 2 --store postgresql+psycopg://…   (a database of its own)

Networks are those of ../shared/bench/make_network.py. One operator in each hundred is poisoned: it crashes,
hangs or takes 8 GB (poison/sitecustomize.py); inline has no limits, so there the poisoned ones are left out.
Each way begins with an empty store. All must come to the same, and each poisoned one to an error of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import sqlalchemy as sa

from auditor.scans import checking, proof, tables
from auditor.scans.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
MAKER = HERE.parent.parent / "shared" / "bench" / "make_network.py"
POISONS = ("crash", "hang", "memory")
SEEDS = 4  # different networks of a size; every operator's files differ all the same
SECONDS = 30  # for one operator: what a hang costs


def make_operators(folder: Path, small: int, large: int) -> int:
    """Write the operators; give the number of poisoned ones."""
    patterns = {
        size: [_network(folder.parent / f"pattern-{size}-{seed}", size, seed) for seed in range(seeds)]
        for size, seeds, number in ((1_000, SEEDS, small), (100_000, 1, large))
        if number
    }
    poisoned = 0
    sizes = [1_000] * small + [100_000] * large
    for number, size in enumerate(sizes):
        home = folder / f"op-{number:05}"
        shutil.copytree(patterns[size][number % len(patterns[size])], home)
        for name in ("nodes.parquet", "links.parquet"):
            table = pq.read_table(home / name)
            pq.write_table(table.replace_schema_metadata({"operator": str(number)}), home / name)
        if number % 100 == 50:  # noqa: PLR2004 -- one in a hundred
            (home / "poison").write_text(POISONS[poisoned % 3], encoding="ascii")
            poisoned += 1
    return poisoned


def _network(folder: Path, size: int, seed: int) -> Path:
    command = [sys.executable, str(MAKER), str(size), str(folder), "--format", "parquet", "--seed", str(seed)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    for extra in folder.glob("expected*"):
        extra.unlink()
    return folder


@contextlib.contextmanager
def cluster(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """Start a scheduler and two workers as a person would."""
    address = folder / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    options = {"env": environment, "stdout": subprocess.DEVNULL, "stderr": (folder / "dask.log").open("w")}
    first = [*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    second = [*dask, "worker", "--nworkers", "2", "--nthreads", "1", "--no-dashboard"]
    second += ["--local-directory", str(folder)]
    first += ["--scheduler-file", str(address)]
    running = [subprocess.Popen(first, **options)]  # type: ignore[call-overload]
    while not address.exists() or "address" not in address.read_text():
        time.sleep(0.1)
    second += ["--scheduler-file", str(address)]
    running.append(subprocess.Popen(second, **options))  # type: ignore[call-overload]
    try:
        yield json.loads(address.read_text())["address"].replace("tcp://", "dask://")
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait()


def scan(
    way: str, declared: Path, folder: Path, url: str | None, environment: dict[str, str]
) -> dict[str, str]:
    """Scan all operators one way, print what it took, and give what each came to."""
    store = url or f"sqlite:///{folder / 'scans.db'}"
    command = [sys.executable, "-m", "auditor", "scan", "start", str(declared), "--store", store]
    command += ["--evidence", str(folder / "evidence"), "--as-of", "2026-11-22"]
    command += ["--executor", way, "--jobs", "2", "--seconds", str(SECONDS), "--memory", "4096"]
    began = time.perf_counter()
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    took = time.perf_counter() - began
    opened = open_store(store, evidence=folder / "evidence", create=False)
    item = tables.item.c
    joined = tables.item.join(tables.operator, tables.operator.c.id == item.operator_id)
    with opened.read() as connection:
        wanted = sa.select(tables.operator.c.key, item.state, item.result).select_from(joined)
        found = {
            key: result if state == "done" else state for key, state, result in connection.execute(wanted)
        }
    faults = checking.check_store(opened, proof.public_key(opened.evidence / proof.PUBLIC)).faults
    opened.close()
    rate = f"{took:8.1f} s  {len(found) / took:7.2f} operators/s"
    print(f"{way.partition(':')[0]:8} {rate}  rc {done.returncode}  faults {len(faults)}", flush=True)
    if done.returncode not in {1, 2} or faults:
        sys.exit(done.stderr + "\n".join(map(str, faults)))
    return found


def main() -> None:
    """Make the operators, scan them in each way, and compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--small", type=int, default=2_000, help="operators of 10^3 nodes")
    parser.add_argument("--large", type=int, default=20, help="operators of 10^5 nodes")
    parser.add_argument("--store", help="URL of an empty database (one way at a time then)")
    parser.add_argument("--ways", nargs="+", default=["inline", "process", "dask"])
    parser.add_argument("--folder", help="where to work (default: a temporary folder)")
    given = parser.parse_args()
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(HERE / "poison"), os.environ.get("PYTHONPATH", "")]),
    }
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        poisoned = make_operators(folder / "declared", given.small, given.large)
        print(
            f"{given.small} operators of 10^3 nodes, {given.large} of 10^5, {poisoned} poisoned", flush=True
        )
        came: dict[str, dict[str, str]] = {}
        for way in given.ways:
            place = folder / way
            place.mkdir()
            if way == "dask":
                with cluster(place, environment) as address:
                    came[way] = scan(address, folder / "declared", place, given.store, environment)
                continue
            if way == "inline":
                came[way] = scan(way, _wholesome(folder), place, given.store, environment)
            else:
                came[way] = scan(way, folder / "declared", place, given.store, environment)
        _compare(came, folder / "declared")


def _wholesome(folder: Path) -> Path:
    """Give a folder with links to the operators that are not poisoned."""
    sound = folder / "sound"
    sound.mkdir()
    for home in (folder / "declared").iterdir():
        if not (home / "poison").exists():
            (sound / home.name).symlink_to(home)
    return sound


def _compare(came: dict[str, dict[str, str]], declared: Path) -> None:
    """Hold the ways against one another, and the poisoned operators against what they must come to."""
    marked = {home.name for home in declared.iterdir() if (home / "poison").exists()}
    for way, found in came.items():
        errors = {key for key, result in found.items() if result in {"error", "refused", "pending"}}
        if errors != (marked if way != "inline" else set()):
            sys.exit(f"{way}: errors of {sorted(errors ^ marked)}")
    sound = [{key: result for key, result in found.items() if key not in marked} for found in came.values()]
    same = all(one == sound[0] for one in sound)
    print(f"{len(sound[0])} sound operators, results the same in all ways: {same}")
    print(f"{len(marked)} poisoned operators, each an error, and no other")
    if not same:
        sys.exit(1)


if __name__ == "__main__":
    main()
