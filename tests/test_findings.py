from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from auditor.findings import (
    BASES,
    EXIT_CODES,
    Batch,
    Each,
    FindingTable,
    RuleFindings,
    Text,
    Verdict,
    fingerprint,
    pick,
    plain,
    roll_up,
)

RULE_VERDICTS = [v for v in Verdict if v != Verdict.MANUAL]
entries = st.lists(st.tuples(st.sampled_from(BASES), st.sampled_from(RULE_VERDICTS)), max_size=6)


def findings(pairs):
    return [RuleFindings(f"R-{i}", b, (), "high", (Batch(v, "m"),)) for i, (b, v) in enumerate(pairs)]


def oracle(pairs):
    """DESIGN 7, word by word."""
    counting = [v for b, v in pairs if b in {"circular", "policy"}]
    if "fail" in counting:
        return "fail"
    if {"inconclusive", "error", "not_checked"} & set(counting):
        return "inconclusive"
    return "pass" if "pass" in counting else "not_applicable"


@given(entries)
def test_roll_up(pairs):
    assert roll_up(findings(pairs)) == oracle(pairs)


@given(entries, st.sampled_from(RULE_VERDICTS))
def test_related_law_never_changes_the_verdict(pairs, verdict):
    assert roll_up(findings([*pairs, ("related_law", verdict)])) == roll_up(findings(pairs))


@given(entries)
def test_every_verdict_of_a_run_has_an_exit_code(pairs):
    assert EXIT_CODES[roll_up(findings(pairs))] in {0, 1, 3}


def test_exit_codes_are_those_of_the_contract():
    assert EXIT_CODES == {
        Verdict.PASS: 0,
        Verdict.NOT_APPLICABLE: 0,
        Verdict.FAIL: 1,
        Verdict.INCONCLUSIVE: 3,
    }


def table(*batches):
    found = RuleFindings("PILOT-X-01", "circular", ("c",), "high", batches)
    return FindingTable((found,), "Example", {"node": pa.array(["b", "a", "c"])})


def test_rows_are_worst_first_then_by_subject():
    rows = table(
        Batch(Verdict.PASS, "m", np.array([0]), "node"),
        Batch(Verdict.FAIL, "m", np.array([2]), "node"),
        Batch(Verdict.FAIL, "other", np.array([1]), "node"),
        Batch(Verdict.INCONCLUSIVE, "m", ["7"], "contract"),
        Batch(Verdict.INCONCLUSIVE, "m"),
    ).rows()
    told = [(r.subject, str(r.verdict)) for r in rows]
    assert told == [
        ("node:a", "fail"),
        ("node:c", "fail"),
        ("contract:7", "inconclusive"),
        ("operator", "inconclusive"),
        ("node:b", "pass"),
    ]


def test_severity_is_that_of_the_rule_unless_settled():
    rows = list(table(Batch(Verdict.FAIL, "m"), Batch(Verdict.PASS, "m", ["1"], "contract")).rows())
    assert [r.severity for r in rows] == ["high", "info"]


def test_rows_filter_by_verdict():
    rows = table(Batch(Verdict.FAIL, "m"), Batch(Verdict.PASS, "m", ["1"], "contract")).rows({Verdict.PASS})
    assert [r.verdict for r in rows] == [Verdict.PASS]


def test_take_cuts_every_column_alike():
    batch = Batch(
        Verdict.FAIL,
        "m",
        np.array([5, 6, 7]),
        "node",
        {"x": np.array([1, 2, 3]), "y": "same", "z": Each(lambda i: i * 10)},
        {"d": np.array([1.5, 2.5, 3.5])},
        np.array([1, 2, 3], np.int8),
    ).take(np.array([2, 0]))
    assert batch.subjects.tolist() == [7, 5]
    assert [pick(batch.args, i) for i in (0, 1)] == [
        {"x": 3, "y": "same", "z": 20},
        {"x": 1, "y": "same", "z": 0},
    ]
    assert batch.details["d"].tolist() == [3.5, 1.5]
    assert batch.grade.tolist() == [3, 1]
    assert Batch(Verdict.FAIL, "m", ["a", "b"], "contract").take(np.array([1])).subjects == ["b"]


def test_grades_are_one_a_subject():
    batch = Batch(Verdict.PASS, "m", np.array([0, 1]), "node", grade=np.array([1, 3], np.int8))
    assert {r.subject: r.grade for r in table(batch).rows()} == {"node:b": "E1", "node:a": "E3"}


def test_fingerprint_depends_on_each_part_and_on_where_it_ends():
    base = fingerprint("R", "op", "node:a", "x")
    others = {
        fingerprint("S", "op", "node:a", "x"),
        fingerprint("R", "oq", "node:a", "x"),
        fingerprint("R", "op", "node:b", "x"),
        fingerprint("R", "op", "node:a", "y"),
        fingerprint("Ro", "p", "node:a", "x"),
    }
    assert base not in others
    assert len(others) == 5


def test_plain_knows_json_only():
    given_ = {
        "nan": float("nan"),
        "numpy": np.int64(3),
        "array": np.array([1.23456789, np.nan]),
        "text": Text("a", "甲"),
        "tuple": (1, None),
        "flag": np.True_,
    }
    assert plain(given_) == {
        "nan": None,
        "numpy": 3,
        "array": [1.234568, None],
        "text": {"en": "a", "zh": "甲"},
        "tuple": [1, None],
        "flag": True,
    }
