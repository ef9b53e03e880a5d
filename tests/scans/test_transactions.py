"""What a database does at its worst moment neither loses a transaction nor does it twice."""

import threading

import pytest
import sqlalchemy as sa

from auditor.scans import items, ledger, tables
from auditor.scans.canonical import sha256
from auditor.scans.judging import Outcome
from auditor.scans.store import open_store
from tests.scans._build import add_operator, add_run, changed


def faults(store):
    with store.read() as connection:
        return [str(fault) for fault in ledger.verify(connection)[0]]


@pytest.mark.parametrize("done", [True, False])
def test_a_commit_whose_answer_is_lost_is_not_done_twice(store, losing, done):
    losing(done=done)
    own = tables.recipient  # nothing in its work tells a second from a first
    number = store.write(
        "recipient_added", lambda c: c.insert(own, channel="file", address="a", added_at=c.at)
    )
    with store.read() as connection:
        assert connection.execute(sa.select(own.c.id)).scalars().all() == [number]
        assert ledger.head(connection)[0] == 2
    assert faults(store) == []


def test_a_lease_whose_answer_is_lost_is_given_again(store, losing):
    run = add_run(store, {add_operator(store, "a"): {"state": "pending", "attempts": 0}}, state="running")
    losing()
    (one,) = items.lease(store, run, items.Limits(), most=1)
    assert one.attempt == 1
    assert items.lease(store, run, items.Limits(), most=1) == []


def test_a_reader_sees_one_state(store, store_url, tmp_path):
    add_operator(store, "a")
    other = open_store(store_url, evidence=tmp_path / "evidence", create=False)
    with store.read() as connection:
        before = ledger.head(connection)
        add_operator(other, "b")
        assert ledger.head(connection) == before
        assert ledger.verify(connection)[0] == []
    other.close()


def test_transactions_follow_one_another(store):
    """Each reads what the others wrote, whatever it decides by that."""

    def work(change):
        count = change.connection.execute(sa.select(sa.func.count()).select_from(tables.operator)).scalar()
        change.insert(tables.operator, key=str(count), path="/", added_at=change.at)

    threads = [threading.Thread(target=store.write, args=("operator_added", work)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as connection:
        keys = connection.execute(sa.select(tables.operator.c.key)).scalars().all()
    assert sorted(map(int, keys)) == list(range(8))
    assert faults(store) == []


def test_rows_that_a_database_does_not_take_are_one_operators_trouble(store):
    pending = {"state": "pending", "attempts": 0}
    run = add_run(store, {add_operator(store, key): dict(pending) for key in "ab"}, state="running")
    one, other = items.lease(store, run, items.Limits(), most=2)
    twice = changed("R", "node:a", "new", None, "fail")
    assert items.record(store, one, Outcome("done", changes=(twice, twice)))
    long = changed("R", "".join(sha256(str(i)) for i in range(200)), "new", None, "fail", fingerprint="f")
    assert items.record(store, other, Outcome("done", verdict="fail", changes=(long,)))
    with store.read() as connection:
        found = connection.execute(sa.select(tables.item.c.state, tables.item.c.reason)).all()
        assert [state for state, _ in found] == ["error", "done"]
        assert "cannot be kept" in found[0].reason
    assert faults(store) == []
