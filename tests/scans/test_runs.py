"""Runs: begun on copies, worked on by anybody, recorded once, ended with a root."""

import contextlib
import datetime as dt
import errno
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from auditor.errors import UsageError
from auditor.scans import boxes, checking, intake, items, judging, life, proof, runs, scanner, state, tables
from auditor.scans import terms as terms_
from auditor.scans.store import StoreError, open_store
from tests.scans.killing import came_to
from tests.scans.operators import write_operators

LIMITS = items.Limits()
DAY = runs.Options(as_of=dt.date(2026, 11, 22))
POISON = Path(__file__).parents[2] / "benchmarks" / "poison"


@pytest.fixture
def declared(tmp_path):
    """Give a folder of four operators, one of them with a CDN node outside."""
    write_operators(tmp_path / "declared", 4, outside=[1])
    return tmp_path / "declared"


def scan(store, declared, options=DAY):
    run = runs.begin(store, [declared], options)
    scanner.scan(store, run, boxes.Inline(), LIMITS)
    return run


def faults(store):
    return checking.check_store(store, proof.public_key(store.evidence / proof.PUBLIC)).faults


def changes(store, run):
    change = tables.change.c
    with store.read() as connection:
        wanted = sa.select(change.operator_id, change.rule, change.subject, change.change)
        return [tuple(row) for row in connection.execute(wanted.where(change.run_id == run))]


def test_a_run_comes_to_what_check_says_of_each(store, declared):
    run = scan(store, declared)
    found = state.state_of(store, run)
    assert found["items"]["done"] == 4
    assert found["verdicts"] == {"fail": 1, "pass": 3}
    assert faults(store) == ()
    with store.read() as connection:
        rows = connection.execute(sa.select(tables.item.c.result)).scalars().all()
        counts = connection.execute(sa.select(sa.func.sum(tables.evaluation.c.fail))).scalar()
    results = [judging.result_of(store.blobs, digest) for digest in rows]
    assert sum(own.get("fail", 0) for result in results for own in result["counts"].values()) == counts == 1


def test_what_changes_between_runs_has_a_life(store, declared):
    scan(store, declared)
    nodes = declared / "op-1" / "nodes.csv"
    before = nodes.read_text()
    nodes.write_text(before.replace("330106", "310115"))
    second = scan(store, declared)
    nodes.write_text(before)
    third = scan(store, declared)
    with store.read() as connection:
        key = connection.execute(
            sa.select(tables.operator.c.id).where(tables.operator.c.key == "op-1")
        ).scalar()
        versions = connection.execute(
            sa.select(tables.declaration.c.version).where(tables.declaration.c.operator_id == key)
        )
        assert sorted(versions.scalars()) == [1, 2, 3]
    facility = "PILOT-FAC-01", "node:cdn-1"
    assert [row[3] for row in changes(store, second) if row[1:3] == facility] == ["fixed"]
    assert [row[3] for row in changes(store, third) if row[1:3] == facility] == ["regressed"]
    assert {row[0] for row in changes(store, second)} == {key}


def test_what_the_zones_changed_is_called_after_them(store, declared, tmp_path):
    scan(store, declared)
    zone = tmp_path / "hangzhou.geojson"
    ring = "[[120.0,30.1],[120.3,30.1],[120.3,30.4],[120.0,30.4],[120.0,30.1]]"
    zone.write_text(
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"area":"shanghai","part":'
        '"west_lake","status":"in","from_on":"2024-04-08","version":"1","source":"a test","regions":["330106"]},'
        f'"geometry":{{"type":"Polygon","coordinates":[{ring}]}}}}]}}',
        encoding="utf-8",
    )
    second = scan(store, declared, runs.Options(as_of=DAY.as_of, zones=(str(zone),)))
    named = {row[3] for row in changes(store, second)}
    assert named <= {"zone_changed"}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Give what a run of the four operators comes to that nothing breaks off; no time or path is in it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    write_operators(folder / "declared", 4, outside=[1])
    store = open_store(f"sqlite:///{folder / 'plain.db'}")
    try:
        return came_to(store, scan(store, folder / "declared"))
    finally:
        store.close()


@pytest.mark.parametrize("broken_at", range(4))
def test_a_run_that_was_broken_off_goes_on_to_the_same(store, declared, undisturbed, monkeypatch, broken_at):
    run = runs.begin(store, [declared], DAY)
    left = iter(range(broken_at))
    record = items.record

    def until_it_breaks(*args):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return record(*args)

    monkeypatch.setattr(items, "record", until_it_breaks)
    with pytest.raises(KeyboardInterrupt):
        scanner.scan(store, run, boxes.Inline(), LIMITS)
    monkeypatch.setattr(items, "record", record)
    (declared / "op-3" / "nodes.csv").write_text("nonsense")  # what has changed since is the next run's
    with store.read() as connection:
        assert runs.counted(connection, run)["done"] == broken_at
    scanner.scan(store, runs.resumable(store), boxes.Inline(), LIMITS)
    assert came_to(store, run) == undisturbed
    assert faults(store) == ()


def test_two_scanners_at_once_record_each_operator_once(store, store_url, declared, tmp_path, clock):
    run = runs.begin(store, [declared], DAY)

    def work(_number):
        own = open_store(store_url, evidence=tmp_path / "evidence", clock=clock)
        try:
            return scanner.scan(own, run, boxes.Inline(), LIMITS)
        finally:
            own.close()

    with ThreadPoolExecutor(2) as pool:
        roots = set(pool.map(work, range(2)))
    assert len(roots) == 1
    with store.read() as connection:
        told = connection.execute(sa.select(tables.log.c.kind)).scalars().all()
    assert told.count("item_ended") == 4
    assert faults(store) == ()


def test_whoever_lost_a_lease_records_nothing(store, declared):
    run = runs.begin(store, [declared], DAY)
    first = items.lease(store, run, LIMITS, most=1)[0]
    outcome = judging.judge(items.job(store, first))
    items.give_back(store, [first])
    second = items.lease(store, run, LIMITS, most=1, operator=first.operator)[0]
    assert not items.record(store, first, outcome)
    assert items.record(store, second, outcome)
    assert items.record(store, second, outcome)  # the answer to a commit was lost: it counts
    assert not items.record(store, first, boxes.died(3))


@pytest.mark.parametrize(
    ("owner", "until", "free"),
    [
        ("{host}:{boot}:{pid}:{start}", {"seconds": 600}, False),  # alive
        ("{host}:{boot}:{pid}:{start}", {"days": 40}, False),  # alive, the clock was set back
        ("{host}:{boot}:{gone}:1", {"seconds": 600}, True),  # dead
        ("{host}:{boot}:{pid}:1", {"seconds": 600}, True),  # dead, its number is another's now
        ("{host}:before:1:1", {"seconds": 600}, True),  # before the machine was started
        ("{host}:{boot}1:1:1", {"seconds": 600}, False),  # in another container
        ("elsewhere:b:1:1", {"seconds": 600}, False),
        ("elsewhere:b:1:1", {"seconds": -1}, True),
        ("elsewhere:b:1:1", {"days": 40}, True),  # the clock was set back
    ],
)
def test_leases_end(store, declared, clock, owner, until, free):
    run = runs.begin(store, [declared], DAY)
    host, boot, pid, start, longest, number = items.owner(LIMITS).split(":")
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    name = owner.format(host=host, boot=boot, pid=pid, start=start, gone=child.pid)
    held = {"leased_by": f"{name}:{longest}:{number}", "leased_until": clock() + dt.timedelta(**until)}
    store.transact(lambda connection: connection.execute(sa.update(tables.item).values(held)))
    assert bool(items.lease(store, run, LIMITS, most=4)) == free


def test_an_operator_that_cannot_be_read_hurts_no_other(store, declared):
    (declared / "op-2" / "nodes.csv").write_text("id,kind\na,b\na,b\n")
    run = scan(store, declared)
    found = state.state_of(store, run)
    assert found["items"] == {"pending": 0, "done": 3, "refused": 1, "error": 0, "cancelled": 0}
    assert [one["operator"] for one in found["troubles"]] == ["op-2"]
    assert state.exit_code(found) == 2
    (declared / "op-2").rename(declared.parent / "elsewhere")
    again = state.state_of(store, scan(store, declared))
    assert [one["state"] for one in again["troubles"]] == ["refused"]  # what is gone is told, not forgotten


def test_folders_hold_declarations_by_what_is_in_them(store, tmp_path):
    write_operators(tmp_path / "many", 2)
    (tmp_path / "many" / "notes.txt").write_text("x")
    os.mkfifo(tmp_path / "many" / "op-0" / "pipe")
    with pytest.raises(UsageError, match="no such file"):
        intake.register(store, [tmp_path / "many", tmp_path / "none"])
    intake.register(store, [tmp_path / "many"])
    with store.read() as connection:
        sources = intake.chosen(connection)
    copies = intake.copied(store.blobs, sources)
    assert "no plain file" in copies[0].reason
    assert [name for name, _, _ in copies[1].files] == ["declaration.toml", "links.csv", "nodes.csv"]


def test_one_run_at_a_time_and_one_that_is_cancelled_is_signed(store, declared):
    run = runs.begin(store, [declared], DAY)
    with pytest.raises(UsageError, match="is not ended"):
        runs.begin(store, [declared], DAY)
    one = items.lease(store, run, LIMITS, most=1)[0]
    runs.end(store, run, state="cancelled")
    assert not items.record(store, one, judging.judge(items.job(store, one)))
    assert state.state_of(store, run)["items"]["cancelled"] == 4
    with pytest.raises(UsageError, match="no run waits"):
        runs.resumable(store)
    assert faults(store) == ()


def test_a_run_is_not_ended_under_other_rules(store, declared, monkeypatch):
    run = runs.begin(store, [declared], DAY)
    stated = terms_.stated

    def others(blobs, digest):
        values = stated(blobs, digest)
        return {**values, "rules": {**values["rules"], "PILOT-FAC-01": "0" * 64}}

    monkeypatch.setattr(terms_, "stated", others)
    with pytest.raises(UsageError, match="began with another auditor"):
        runs.resumable(store, run)


def test_a_full_disk_stops_a_run_and_loses_nothing(store, declared, monkeypatch):
    run = runs.begin(store, [declared], DAY)
    put, left = judging.Blobs.put, iter(range(2))

    def until_full(blobs, data):
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(blobs.folder))
        return put(blobs, data)

    monkeypatch.setattr(judging.Blobs, "put", until_full)
    with pytest.raises(OSError, match="No space left"):
        scanner.scan(store, run, boxes.Inline(), LIMITS)
    monkeypatch.setattr(judging.Blobs, "put", put)
    found = state.state_of(store, run)["items"]
    assert (found["done"], found["pending"]) == (2, 2)
    assert scanner.scan(store, runs.resumable(store), boxes.Inline(), LIMITS)
    assert faults(store) == ()


def test_a_full_database_stops_a_run_and_loses_nothing(tmp_path, declared, clock):
    url = f"sqlite:///{tmp_path / 'full.db'}"
    store = open_store(url, evidence=tmp_path / "evidence", clock=clock, patience_s=0)
    run = runs.begin(store, [declared], DAY)

    @sa.event.listens_for(store.engine, "connect")
    def full(connection, _record):
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")

    store.engine.dispose()
    with pytest.raises(StoreError, match="full"):
        scanner.scan(store, run, boxes.Inline(), LIMITS)
    store.close()
    store = open_store(url, evidence=tmp_path / "evidence", clock=clock)
    assert scanner.scan(store, runs.resumable(store), boxes.Inline(), LIMITS)
    assert faults(store) == ()
    store.close()


def test_a_database_that_is_gone_is_waited_for(store, declared, monkeypatch):
    run = runs.begin(store, [declared], DAY)
    begin, times, told = store.engine.execution_options, iter(range(40)), []
    store.tell = told.append

    def now_and_then(**options):
        if next(times, 0) % 3:
            raise sa.exc.OperationalError("x", {}, Exception("server closed the connection"))
        return begin(**options)

    monkeypatch.setattr(store.engine, "execution_options", now_and_then)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    assert scanner.scan(store, run, boxes.Inline(), LIMITS)
    assert told
    assert faults(store) == ()


def test_poison_hurts_the_operator_that_holds_it(declared, tmp_path):
    for number, kind in enumerate(("crash", "hang", "memory")):
        (declared / f"op-{number}" / "poison").write_text(kind)
    store = f"sqlite:///{tmp_path / 'p.db'}"
    command = [sys.executable, "-m", "auditor", "scan", "start", str(declared), "--as-of", "2026-11-22"]
    command += f"--store {store} --seconds 8 --memory 1024 --jobs 2".split()
    paths = os.pathsep.join([str(POISON), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths})
    assert done.returncode == 2
    assert "operators: 1 judged, 3 broke" in done.stdout
    for told in (
        "op-0: broke: the process that judged it died 3 times",
        "op-1: broke: takes longer than 8 s",
    ):
        assert told in done.stderr
    assert "op-2: broke: takes more than 1,024 MB" in done.stderr


def test_rows_of_a_life_are_those_of_the_diff(store, declared):
    run = scan(store, declared)
    with store.read() as connection:
        item = tables.item.c
        rows = connection.execute(sa.select(item.operator_id, item.result).where(item.run_id == run)).all()
    for operator, digest in rows:
        made = life.changes_of(None, judging.result_of(store.blobs, digest), {})
        assert [(operator, one["rule"], one["subject"], "new") for one in made] == [
            row for row in sorted(changes(store, run)) if row[0] == operator
        ]


def test_terms_that_are_gone_are_no_operators_fault(store, declared):
    run = runs.begin(store, [declared], DAY)
    with store.read() as connection:
        terms = connection.execute(sa.select(tables.run.c.terms)).scalar()
    place = store.blobs.path(terms)
    held = place.read_bytes()
    place.unlink()
    with pytest.raises(UsageError, match="cannot be read"):
        scanner.scan(store, run, boxes.Inline(), LIMITS)
    assert state.state_of(store, run)["items"]["pending"] == 4
    store.blobs.put(held)
    assert scanner.scan(store, run, boxes.Inline(), LIMITS)


def test_a_scanner_that_is_killed_leaves_nothing_behind(declared, tmp_path):
    (declared / "op-0" / "poison").write_text("hang")
    command = [sys.executable, "-m", "auditor", "scan", "start", str(declared), "--jobs", "1"]
    paths = os.pathsep.join([str(POISON), os.environ.get("PYTHONPATH", "")])
    store = f"sqlite:///{tmp_path / 'k.db'}"
    killed = subprocess.Popen(
        [*command, "--store", store], env={**os.environ, "PYTHONPATH": paths}, start_new_session=True
    )
    wait_until(lambda: len(session_of(killed.pid)) >= 4)  # itself, the server, a tracker, a child
    killed.kill()
    killed.wait()
    wait_until(lambda: not session_of(killed.pid))


def wait_until(done):
    until = time.monotonic() + 60
    while not done():
        assert time.monotonic() < until
        time.sleep(0.05)


def session_of(leader):
    """Processes that a process began, and theirs."""
    found = []
    for place in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if place.name.isdecimal():
                state, _, _, session = (place / "stat").read_text().rpartition(")")[2].split()[:4]
                found += [place.name] if int(session) == leader and state not in "ZX" else []
    return found


def test_what_a_person_must_know_is_told(store, declared, clock):
    told = []
    store.tell = told.append
    (declared / "archive").mkdir()
    for number in (0, 1):
        file = declared / f"op-{number}" / "declaration.toml"
        file.write_text(file.read_text().replace("[operator]", '[operator]\nuscc = "91310115MADEM0126D"'))
    run = scan(store, declared)
    assert ["archive" in said for said in told] == [True]
    assert [("op-0" in said, "op-1" in said) for said in state.twins(store, run)] == [(True, True)]
    clock.ahead(days=-2)
    scan(store, declared)
    assert "was it set back" in told[1]
