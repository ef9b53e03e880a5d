"""Each notice goes out once, however often sending breaks off."""

import threading
from itertools import pairwise

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.scans import notice_recipients, notices, tables
from auditor.scans.channels import Channel, ChannelError
from auditor.scans.store import open_store
from tests.scans._build import add_operator, add_run
from tests.scans._notices import Crash, Post, copy_of, crash, faults, found, office, refuse, rows_of, send
from tests.scans.conftest import FakeClock

# --- once -------------------------------------------------------------------------------------------------


def until_all_is_out(store, clock):
    """Notify again and again, each time after the leases are over, until nothing is left to tell."""
    for _ in range(40):
        clock.ahead(minutes=20)
        if not send(store):
            return
    raise AssertionError("it never ends")


@settings(max_examples=12)
@given(plan=st.lists(st.tuples(st.integers(0, 14), st.booleans()), max_size=6))
def test_a_crash_at_any_step_sends_nothing_twice_and_loses_nothing(blank, plan):
    """Each crash comes at the nth step from its start: before or after a write, before or after a delivery."""
    with copy_of(blank) as store, pytest.MonkeyPatch.context() as patch:
        own, left = Post(), [0]
        only = Channel("file", str, lambda _: None, own.send)
        patch.setattr(notices, "channel", lambda _: only)
        patch.setattr(notice_recipients, "channel", lambda _: only)
        notice_recipients.add(store, "file", "/a")
        notice_recipients.add(store, "file", "/b", "one")

        def step():
            left[0] -= 1
            if left[0] == 0:
                raise Crash

        plain = store.write

        def write(kind, work, **facts):
            step()
            answer = plain(kind, work, **facts)
            step()
            return answer

        own.before = own.after = step
        for number, (steps, refused) in enumerate(plan):
            add_run(store, {1: {"changes": [found(subject=f"node:{number}")]}})
            store.write, left[0] = write, steps + 1
            own.before = refuse if refused else step
            try:
                send(store)
            except Crash:
                store.clock.ahead(minutes=20 if steps % 2 else 0)  # the next may come while a lease holds
            finally:
                store.write, left[0] = plain, 0
                own.before = step
        until_all_is_out(store, store.clock)
        for address in ("/a", "/b"):
            told = own.texts(address)
            seen = [
                run
                for row in rows_of(store, tables.notice)
                if row.address == address
                for run in orjson.loads(row.runs)
            ]
            assert [one["subject"] for n in told for one in n["changes"]] == [
                f"node:{n}" for n in range(len(plan))
            ]
            assert seen == list(range(1, len(plan) + 1))
            assert all(a["run"] == b["since_run"] for a, b in pairwise(told))
        assert {row.state for row in rows_of(store, tables.notice)} <= {"sent"}
        assert faults(store) == []


def test_two_at_once_send_once(store, store_url, tmp_path, post):
    for number in range(6):
        add_run(store, {add_operator(store, f"op-{number}"): {"changes": [found()]}})
    notice_recipients.add(store, "file", "/box")
    first = threading.Barrier(2, timeout=30)

    def notify():
        own = open_store(store_url, evidence=tmp_path / "evidence", clock=FakeClock(store.clock()))
        first.wait()
        states.append(send(own))
        own.close()

    states = []
    threads = [threading.Thread(target=notify) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(s == "sent" for own in states for s in own) == 6
    assert post.deliveries == len(post.arrived["/box"]) == 6
    assert faults(store) == []


def test_another_that_is_sending_is_left_alone_until_its_lease_is_over(store, post, clock):
    add_run(store, {add_operator(store, "one"): {"changes": [found()]}})
    notice_recipients.add(store, "file", "/box")
    inner = []
    post.before = lambda: inner.append(send(store)) if not inner else None
    assert send(store) == ["sent"]
    assert inner == [["left"]]
    assert post.deliveries == 1


def test_clocks_of_two_machines_may_differ_somewhat(store, post, clock):
    add_run(store, {add_operator(store, "one"): {"changes": [found()]}})
    notice_recipients.add(store, "file", "/box")
    inner = []

    def other():
        post.before = lambda: None
        clock.ahead(minutes=-10)
        inner.append(send(store))
        clock.ahead(minutes=10)

    post.before = other
    assert send(store) == ["sent"]
    assert (inner, post.deliveries) == ([["left"]], 1)


def test_one_that_took_too_long_does_not_undo_what_another_did(store, post, clock):
    add_run(store, {add_operator(store, "one"): {"changes": [found()]}})
    notice_recipients.add(store, "file", "/box")

    def slow():
        post.before = lambda: None
        clock.ahead(minutes=20)
        assert send(store) == ["sent"]
        raise ChannelError("timed out")

    post.before = slow
    assert send(store) == ["sent"]  # by the other
    [row] = rows_of(store, tables.notice)
    assert (row.state, row.attempts, row.error) == ("sent", 2, None)


def test_a_lease_of_a_clock_that_was_ahead_is_over(store, post, clock):
    add_run(store, {add_operator(store, "one"): {"changes": [found()]}})
    notice_recipients.add(store, "file", "/box")
    clock.ahead(days=400)
    post.before = crash
    with pytest.raises(Crash):
        send(store)
    post.before = lambda: None
    clock.ahead(days=-400)
    assert send(store) == ["sent"]


def test_what_failed_goes_first_and_the_next_waits_for_it(store, post):
    operator = add_operator(store, "one")
    notice_recipients.add(store, "file", "/box")
    add_run(store, {operator: {"changes": [found()]}})
    post.before = refuse
    assert send(store) == ["failed"]
    add_run(store, {operator: {"changes": [found(subject="node:s-2")]}})
    assert send(store) == ["failed"]
    assert len(rows_of(store, tables.notice)) == 1
    post.before = lambda: None
    assert send(store) == ["sent", "sent"]
    assert [n["run"] for n in post.texts("/box")] == [1, 2]


def test_a_fault_of_one_address_leaves_the_others_alone(store, post):
    for name in ("a", "b", "c"):
        operator = add_operator(store, name)
        add_run(store, {operator: {"changes": [found()]}})
        notice_recipients.add(store, "file", f"/{name}", name)

    def broken():
        if len(post.arrived) == 1:
            post.before = lambda: None
            raise ZeroDivisionError

    post.before = broken
    assert sorted(send(store)) == ["failed", "sent", "sent"]
    [row] = [row for row in rows_of(store, tables.notice) if row.state == "failed"]
    assert "ZeroDivisionError" in orjson.loads(row.error)["zh"]


def test_what_was_planned_on_an_older_state_is_not_drafted(store, post):
    operator = add_operator(store, "one")
    notice_recipients.add(store, "file", "/box")
    add_run(store, {operator: {"changes": [found()]}})
    [old] = notices.planned(store, office(store))
    add_run(store, {operator: {"changes": [found(subject="node:s-2")]}})
    assert send(store) == ["sent"]
    assert notices._send(store, office(store), old).state == "left"
    assert [n["counts"] for n in post.texts("/box")] == [{"new": 2}]
