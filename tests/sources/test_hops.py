"""What traces of every form are made of: round trips that may serve as bounds, hops without gaps, JSON records."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import DataError, Problem
from auditor.sources._hops import (
    LAST_TTL,
    LONGEST_MS,
    M_PER_MS,
    SHOWN,
    Heard,
    Hop,
    Reply,
    hear,
    hops_of,
    is_number,
    raise_problems,
    records,
)

A, B = "192.0.2.1", "192.0.2.2"


def test_light_in_fibre():
    # ip.md: 99.93 km a millisecond of round trip: two thirds of light, there and back.
    assert pytest.approx(299_792_458 * 2 / 3 / 2 / 1000, abs=5) == M_PER_MS


def test_what_the_target_did_not_answer_is_not_heard():
    assert hear([Reply(1, A, 5.0), Reply(2, "", 1.0)], "") == Heard(False, None, "")
    assert hear([Reply(1, A, 5.0)], B) == Heard(False, None, "")
    assert hear([Reply(1, A)], A) == Heard(True, None, "")


def test_no_time_is_no_round_trip():
    assert hear([Reply(1, A, 0.0, half_ms=0.5)], A) == Heard(True, None, "a round trip of 0 ms is none")
    told = hear([Reply(1, A, -1.0), Reply(1, A, 0.0), Reply(1, A, 3.0)], A, ["ICMP lost", "ICMP lost"])
    assert told == Heard(True, 3.0, "a round trip of -1 ms is none; ICMP lost")


@given(
    st.lists(
        st.tuples(st.sampled_from([A, B, ""]), st.floats(-5, 50) | st.none(), st.sampled_from([0.0, 0.5]))
    )
)
def test_the_bound_is_never_below_the_least_round_trip(answers):
    heard = hear([Reply(1, address, rtt, half_ms=half) for address, rtt, half in answers], A)
    times = [(rtt, half) for address, rtt, half in answers if address == A and rtt is not None and rtt > 0]
    assert heard.rtt_ms == (
        pytest.approx(min(rtt + half for rtt, half in times), abs=1e-9) if times else None
    )
    assert heard.reached == any(address == A for address, *_ in answers)


@given(
    st.lists(st.tuples(st.integers(1, 12) | st.just(LAST_TTL), st.sampled_from([A, B, ""]))),
    st.integers(1, 3),
)
def test_hops_have_no_gaps_but_before_the_last_try(replies, first):
    hops = hops_of([Reply(ttl, address) for ttl, address in replies], first=first)
    tried = {ttl for ttl, _ in replies}
    last = max(tried - {LAST_TTL}, default=0)
    assert [hop.ttl for hop in hops] == sorted({*range(first, last + 1), *tried})
    for hop in hops:
        assert set(hop.addresses) == {address for ttl, address in replies if ttl == hop.ttl} - {""}


def test_a_hop_keeps_the_least_round_trip_and_everybody_once():
    replies = [Reply(1, A, 3.0, "a", "!X"), Reply(1, B, 0.0), Reply(1, A, 2.0, "a"), Reply(1, rtt_ms=-1.0)]
    (hop,) = hops_of(replies)
    assert hop == Hop(1, (A, B), 2.0, ("a",), ("!X",))
    assert hop.plain() == {"ttl": 1, "addresses": (A, B), "rtt_ms": 2.0, "names": ("a",), "words": ("!X",)}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a": 1}', [("record 1", {"a": 1})]),
        ('[{"a": 1}, 2]', [("record 1", {"a": 1}), ("record 2", 2)]),
        ('{"a": 1}\n\n[2]\n', [("line 1", {"a": 1}), ("line 3", [2])]),
        ("[1]\n[2]", [("line 1", [1]), ("line 2", [2])]),
    ],
)
def test_records(text, told):
    assert records(text, "f.json") == told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", r"f\.json.*line 1.*no JSON"),
        ("a\nb", r"f\.json.*line 1.*no JSON"),
        ('{"a": 1}\nx\n{"b": 2}\ny', r"(?s)line 2.*no JSON.*line 4.*no JSON"),
    ],
)
def test_what_is_no_json_is_told_with_its_line(text, words):
    with pytest.raises(DataError, match=words):
        records(text, "f.json")


@pytest.mark.parametrize(("many", "last"), [(1, "f"), (SHOWN, "f"), (SHOWN + 1, "… and 1 more")])
def test_of_many_problems_the_first_are_told(many, last):
    raise_problems([])
    with pytest.raises(DataError) as caught:
        raise_problems([Problem("f", f"line {n}", "", "wrong") for n in range(many)])
    lines = str(caught.value).splitlines()
    assert len(lines) == min(many, SHOWN + 1) and lines[-1].startswith(last)


def test_numbers_that_may_be_a_round_trip():
    assert [is_number(value) for value in (0, LONGEST_MS, LONGEST_MS + 1, float("nan"), float("-inf"))] == [
        True, True, False, False, False,
    ]  # fmt: skip
