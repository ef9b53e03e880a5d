from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import auditor
from auditor.engine import run_rule
from auditor.findings import (
    BASES,
    EXIT_CODES,
    Batch,
    FindingTable,
    RuleFindings,
    Text,
    Verdict,
    fingerprint,
    plain,
    roll_up,
)
from auditor.values import Each, pick
from tests.rules.test_cases import build, cases_of

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


# --- what findings of ISP-02 show --------------------------------------------------------------------------

WITNESSED = [case for case in cases_of("isp_02_through_carrier_access") if "witness" in case]


def isp_02(case, folder):
    path = folder / "declaration.json"
    path.write_text(json.dumps(build(case), default=str), "utf-8")
    declaration = auditor.read_declaration(path)
    return auditor.check(declaration, as_of="2026-11-22", only=["PILOT-ISP-02"], policy=case.get("policy"))


def doubts_of(told):
    """Each doubt in English, if the Chinese text tells as many."""
    doubts = told.en.split("; ")
    assert len(told.zh.split("；")) == len(doubts)
    return doubts


@pytest.mark.parametrize("case", WITNESSED, ids=lambda case: case["name"])
def test_witness_of_isp_02(case, tmp_path):
    rows = list(isp_02(case, tmp_path).findings.rows())
    found = {row.subject: row for row in rows}
    assert len(found) == len(rows)
    for subject, shown in case["witness"].items():
        args, details = dict(found[subject].args), dict(found[subject].details)
        end, doubts = args["end"], shown.get("doubts", [])
        assert shown["end"] in (end.en if isinstance(end, Text) else [end])
        assert ("doubts" in args) == ("doubts" in details) == bool(doubts)
        if doubts:
            assert details.pop("doubts") == args["doubts"]
            told = doubts_of(args["doubts"])
            assert [part in text for part, text in zip(doubts, told, strict=True)] == [True] * len(doubts)
        expected = {key: value for key, value in shown.items() if key not in {"end", "doubts"}}
        lists = details.keys() & {"path", "path_to_gate", "handoff"}
        names = {key: [name or "" for name in details[key]] for key in lists}
        assert {**details, **names} == expected


@pytest.mark.parametrize(
    ("dropped", "subjects"), [([], {"node:sub-1"}), (["sub-1"], {"operator"})], ids=["subscriber", "none"]
)
def test_isp_02_falling_silent_is_noticed(dropped, subjects, tmp_path):
    """Its scope names every subject, and the operator where there is none, and nothing else."""
    result = isp_02({"drop_nodes": dropped}, tmp_path)
    assert {row.subject for row in result.findings.rows()} == subjects
    (rule,) = result.rules
    silent = run_rule(result.case, replace(rule, check=lambda case: iter(())))
    table = replace(result.findings, rules=(silent,))
    assert {(row.subject, row.verdict) for row in table.rows()} == {
        (subject, Verdict.NOT_CHECKED) for subject in subjects
    }
    assert sum(silent.counts().values()) == len(list(result.findings.rows())) == len(subjects)


def test_each_kind_of_open_question_leaves_a_run_open():
    for verdict in (Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.NOT_CHECKED):
        assert roll_up(findings([("circular", Verdict.PASS), ("policy", verdict)])) == Verdict.INCONCLUSIVE


def test_clauses_for_a_person_leave_the_verdict_alone():
    """A manual clause is listed apart (DESIGN 7); else no run could ever pass."""
    manual = ("circular", Verdict.MANUAL)
    assert roll_up(findings([manual])) == Verdict.NOT_APPLICABLE
    assert roll_up(findings([manual, ("circular", Verdict.PASS)])) == Verdict.PASS


def test_an_empty_batch_is_no_finding():
    empty = Batch(Verdict.FAIL, "m", np.empty(0, np.int64), "node")
    passed = Batch(Verdict.PASS, "m", np.array([0, 1]), "node")
    found = RuleFindings("R", "circular", (), "high", (empty, passed, passed))
    assert found.counts()[Verdict.PASS] == 4
    assert roll_up([found]) == Verdict.PASS
