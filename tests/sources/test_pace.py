"""How fast hosts are asked, and when they are left alone."""

from __future__ import annotations

import datetime as dt

import pytest

from auditor.sources._pace import FAILURES, Pace
from tests.servers.rdap import Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def pace(clock):
    return Pace(4, clock.now, clock.sleep)


def test_questions_to_one_host_keep_apart_and_other_hosts_do_not_wait(pace, clock):
    pace.wait("a")
    pace.wait("b")
    assert clock.slept == []
    pace.wait("a")
    assert clock.slept == [0.25]
    clock.sleep(0.1)
    pace.wait("a")
    assert clock.slept[2:] == [pytest.approx(0.15)]
    clock.sleep(5)
    pace.wait("a")  # time that nobody used is no credit
    pace.wait("a")
    assert clock.slept[4:] == [0.25]


def test_a_host_is_left_alone_until_the_time_it_named(pace, clock):
    until = clock.now() + dt.timedelta(seconds=30)
    assert pace.closed_until("a") is None
    pace.close("a", until)
    assert (pace.closed_until("a"), pace.closed_until("b")) == (until, None)
    clock.sleep(30)
    assert pace.closed_until("a") is None


def test_only_failures_in_a_row_count(pace):
    def fail(times):
        for _ in range(times):
            assert not pace.lost("a")
            pace.count("a", failed=True)

    fail(FAILURES - 1)
    pace.count("a", failed=False)
    fail(FAILURES)
    assert pace.lost("a") and not pace.lost("b")
