"""Kill scanners, their children and Dask workers at random points, again and again, and see what is left.

Every run is begun, killed and resumed until it ends; then what was seen as recorded on the way must be there
as it was, nothing twice, the log and the roots must verify, and all that a run came to must equal, byte for
byte, what an undisturbed run on another store came to.

    python tests/scans/killing.py --times 200 sqlite postgresql+psycopg://postgres@127.0.0.1:5432/postgres
"""

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import sqlalchemy as sa

from auditor.scans import checking, proof, tables
from auditor.scans.store import StoreError, open_store
from tests.scans.operators import write_operators

AUDITOR = [sys.executable, "-m", "auditor"]
OPERATORS = 60
LONGEST_S = 3.0  # from one look to the next kill
TIRED_S = 300


def wait_for(done, what):
    """Look until something is so."""
    until = time.monotonic() + TIRED_S
    while not done():
        if time.monotonic() > until:
            raise SystemExit(f"{what} took longer than {TIRED_S} s")
        time.sleep(0.1)


def children_of(pid):
    """Processes below one, whatever they do."""
    parents = {}
    for place in Path("/proc").iterdir():
        if place.name.isdecimal():
            with contextlib.suppress(OSError, IndexError):
                parents[int(place.name)] = int((place / "stat").read_text().rpartition(")")[2].split()[1])
    found, left = [], [pid]
    while left:
        below = [child for child, parent in parents.items() if parent == left[-1]]
        left.pop()
        found += below
        left += below
    return found


def came_to(store, run):
    """All that a run came to, apart from times and attempts."""
    with store.read() as connection:
        found = {}
        for name, hidden in {
            "item": {"attempts", "leased_by", "leased_until", "ended_at"},
            "evaluation": set(),
            "facility": set(),
            "change": set(),
        }.items():
            table = tables.metadata.tables[name]
            columns = [c for c in table.c if c.name not in hidden]
            rows = connection.execute(sa.select(*columns).where(table.c.run_id == run))
            found[name] = sorted(map(repr, rows))
        found["root"] = connection.execute(
            sa.select(tables.root.c.sha256).where(tables.root.c.run_id == run)
        ).scalar()
    return found


def recorded(store):
    """Items that a reader sees as ended, with their results."""
    item = tables.item.c
    with store.read() as connection:
        wanted = sa.select(item.run_id, item.operator_id, item.state, item.result).where(
            item.state != "pending"
        )
        return set(map(tuple, connection.execute(wanted)))


def state_of(store, run):
    """State of a run; None before it is begun."""
    with store.read() as connection:
        return connection.execute(sa.select(tables.run.c.state).where(tables.run.c.id == run)).scalar()


@contextlib.contextmanager
def cluster(folder):
    """A scheduler and two workers with nannies, on loopback."""
    address = folder / "scheduler.json"
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": (folder / "dask.log").open("a")}
    one = subprocess.Popen([*scheduler, "--no-dashboard", "--scheduler-file", str(address)], **quiet)
    wait_for(lambda: address.exists() and "address" in address.read_text(), "the scheduler")
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(address)]
    worker += ["--nworkers", "2", "--nthreads", "1", "--no-dashboard", "--local-directory", str(folder)]
    two = subprocess.Popen(worker, **quiet)
    import json

    try:
        yield json.loads(address.read_text())["address"].replace("tcp://", "dask://"), two.pid
    finally:
        for process in (two, one):
            below = children_of(process.pid)
            process.kill()
            process.wait()
            for pid in below:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def spoil(rng, process, victim, nanny):
    """Kill what is to be killed, if it is there."""
    if victim == "scanner":
        process.kill()
        return True
    # below a nanny stand its worker and the worker's children; any of them may go
    below = children_of(process.pid if victim == "child" else nanny)
    below = [pid for pid in below if b"resource_tracker" not in _line(pid)]
    if not below:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(rng.choice(below), signal.SIGKILL)
        return True
    return False


def _line(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b"resource_tracker"


def disturbed(rng, store, arguments, first, run, counts, nanny, wanted):
    """Begin or resume a run, kill, and do so until it ends; give what was seen as recorded meanwhile."""
    seen = set()
    while (state := state_of(store, run)) != "done":
        command = [*first] if state is None else ["scan", "resume"]
        process = subprocess.Popen(
            [*AUDITOR, *command, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        victims = ["worker" if nanny else "child"] * 2 + ["scanner"]
        while sum(counts.values()) < wanted and process.poll() is None:
            time.sleep(rng.uniform(0, LONGEST_S))
            seen |= recorded(store)
            victim = rng.choice(victims)
            if process.poll() is None and spoil(rng, process, victim, nanny):
                counts[victim] = counts.get(victim, 0) + 1
                if victim == "scanner":
                    break
        told = process.communicate()[1]
        if process.returncode not in {0, 1, 3, -signal.SIGKILL}:
            raise SystemExit(f"rc {process.returncode}: {told}")
        seen |= recorded(store)
    return seen


def round_of(rng, folder, url, executor, counts, nanny, wanted):
    """Two runs, killed all along, held against two undisturbed ones."""
    declared = folder / "declared"
    write_operators(declared, OPERATORS, outside=range(0, OPERATORS, 4))
    plain = open_store(f"sqlite:///{folder / 'plain.db'}", evidence=folder / "plain")
    store = open_store(url, evidence=folder / "evidence")
    common = ["--as-of", "2026-11-22", "--executor"]
    before = dict(counts)
    for run in (1, 2):
        for i in range(0, OPERATORS, 5) if run == 2 else ():
            nodes = declared / f"op-{i}" / "nodes.csv"
            nodes.write_text(nodes.read_text() + f"x-{run},cdn_edge,operator,330106\n")
        undisturbed = [
            "scan",
            "start",
            str(declared),
            "--store",
            plain.url,
            "--evidence",
            str(folder / "plain"),
        ]
        subprocess.run([*AUDITOR, *undisturbed, *common, "inline"], check=False, stdout=subprocess.DEVNULL)
        own = [
            "--store",
            url,
            "--evidence",
            str(folder / "evidence"),
            "--executor",
            executor,
            "--attempts",
            "10",
        ]
        first = ["scan", "start", str(declared), "--as-of", "2026-11-22"]
        seen = disturbed(rng, store, own, first, run, counts, nanny, wanted)
        if lost := seen - recorded(store):
            raise SystemExit(f"acknowledged and lost: {lost}")
        if came_to(store, run) != came_to(plain, run):
            raise SystemExit("the run that was killed came to something else")
    faults = checking.check_store(store, proof.public_key(store.evidence / proof.PUBLIC)).faults
    if faults:
        raise SystemExit("\n".join(map(str, faults)))
    store.close()
    plain.close()
    killed = {name: number - before.get(name, 0) for name, number in counts.items()}
    print(
        f"{sa.make_url(url).get_backend_name()} {executor.split(':')[0]}: killed {killed}, all as undisturbed",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stores", nargs="+", help="sqlite, or URLs of PostgreSQL databases")
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--executors", nargs="+", default=["process", "dask"])
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(10**6)
    rng, counts, ways = random.Random(seed), {}, []
    print(f"seed {seed}", flush=True)
    ways = [(kind, executor) for kind in given.stores for executor in given.executors]
    number = 0
    while sum(counts.values()) < given.times:
        kind, executor = ways[number % len(ways)]
        number += 1
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, contextlib.ExitStack() as stack:
            folder = Path(name)
            url = (
                f"sqlite:///{folder / 'scans.db'}" if kind == "sqlite" else stack.enter_context(schema(kind))
            )
            nanny = 0
            if executor == "dask":
                executor, nanny = stack.enter_context(cluster(folder))
            share = -(-given.times // len(ways))  # each way gets its own
            most = min(given.times, sum(counts.values()) + share)
            round_of(rng, folder, url, executor, counts, nanny, most)
    print(f"killed {sum(counts.values())} times: {counts}; nothing lost, nothing twice")


@contextlib.contextmanager
def schema(url):
    """A schema of its own on a server."""
    engine, name = sa.create_engine(url), f"k_{uuid.uuid4().hex}"
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema(name))
    yield sa.make_url(url).update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(False)
    with contextlib.suppress(StoreError, sa.exc.SQLAlchemyError), engine.begin() as connection:
        connection.execute(sa.schema.DropSchema(name, cascade=True))
    engine.dispose()


if __name__ == "__main__":
    main()
