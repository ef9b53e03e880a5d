"""A cluster does what one machine does; a worker that sees another store or evidence does nothing."""

import datetime as dt
import shutil

import pytest
import sqlalchemy as sa

from auditor.errors import UsageError
from auditor.scans import boxes, cluster, items, runs, scanner, tables
from auditor.scans.store import open_store
from tests.scans.operators import write_operators

distributed = pytest.importorskip("distributed")
DAY = runs.Options(as_of=dt.date(2026, 11, 22))
LIMITS = items.Limits(seconds=60)


@pytest.fixture(scope="module")
def address():
    """Give a scheduler and a worker with two threads, in this process."""
    one = distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, protocol="tcp://", dashboard_address="127.0.0.1:0"
    )
    with one:
        yield one.scheduler_address.replace("tcp://", cluster.SCHEME)


@pytest.fixture
def declared(tmp_path):
    write_operators(tmp_path / "declared", 3, outside=[1])
    return tmp_path / "declared"


def opened(folder):
    return open_store(f"sqlite:///{folder / 'scans.db'}", patience_s=5)


def test_a_cluster_comes_to_the_same_on_two_stores(address, declared, tmp_path, monkeypatch):
    roots = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        store = open_store("sqlite:///scans.db", patience_s=5)  # another for a worker that stands elsewhere
        run = runs.begin(store, [declared], DAY)
        roots.append(cluster.scan(store, run, address, LIMITS))
        assert list(store.blobs.unfinished.iterdir()) == []
        store.close()
    store = opened(tmp_path)
    run = runs.begin(store, [declared], DAY)
    assert roots == [scanner.scan(store, run, boxes.Inline(), LIMITS)] * 2
    store.close()


def refused(store, run, address):
    with pytest.raises(UsageError, match="finds another store, or another folder"):
        cluster.scan(store, run, address, LIMITS)
    with store.read() as connection:
        assert set(connection.execute(sa.select(tables.item.c.state)).scalars()) == {"pending"}
    store.close()


def test_a_worker_that_finds_another_store_is_refused(address, declared, tmp_path, monkeypatch):
    store = opened(tmp_path)
    run = runs.begin(store, [declared], DAY)
    (tmp_path / "there").mkdir()
    opened(tmp_path / "there").close()
    there = f"sqlite:///{tmp_path / 'there' / 'scans.db'}"
    monkeypatch.setattr(cluster, "_absolute", lambda _url: there)
    refused(store, run, address)


def test_a_worker_that_finds_another_evidence_is_refused(address, declared, tmp_path, monkeypatch):
    store = opened(tmp_path)
    run = runs.begin(store, [declared], DAY)
    shutil.copytree(store.evidence, tmp_path / "copy")

    class Elsewhere(cluster.Place):
        def __init__(self, url, _evidence, name, limits):
            super().__init__(url, str(tmp_path / "copy"), name, limits)

    monkeypatch.setattr(cluster, "Place", Elsewhere)
    refused(store, run, address)


def test_a_scheduler_that_is_not_there_is_told(declared, tmp_path, monkeypatch):
    store = opened(tmp_path)
    run = runs.begin(store, [declared], DAY)
    monkeypatch.setattr(cluster, "WAIT_S", 0.5)
    with pytest.raises(UsageError, match="no scheduler answers"):
        cluster.scan(store, run, "dask://127.0.0.1:9", LIMITS)
    store.close()
