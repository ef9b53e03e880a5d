"""What changed between two results: by a table of all pairs of verdicts, and on sample networks."""

import json
import shutil
from itertools import product

import orjson
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import auditor
from auditor.changes import CHANGES
from auditor.cli import cli
from auditor.errors import UsageError
from auditor.findings import Verdict
from auditor.terms import View

ON = "2026-11-22"
OPEN = ("fail", "inconclusive", "error", "not_checked")
RULE, OTHER = "PILOT-TST-01", "PILOT-TST-02"
DIGEST = "0" * 64


def written(verdicts, *, rules=(RULE,), listed=True, **others):
    """Make a result of subject -> verdict under `RULE`; `OTHER` always passes once."""
    found = [(RULE, subject, v) for subject, v in verdicts.items() if v] + [
        (rule, "operator", "pass") for rule in rules if rule != RULE
    ]
    if RULE in rules and not any(rule == RULE for rule, _, _ in found):
        found.append((RULE, "operator", "not_applicable"))
    counts, settled, findings = {}, {}, []
    for rule, subject, verdict in found:
        counts.setdefault(rule, {}).setdefault(verdict, 0)
        counts[rule][verdict] += 1
        if verdict in OPEN:
            findings.append(
                {
                    "rule": rule,
                    "subject": subject,
                    "verdict": verdict,
                    "message": verdict,
                    "message_id": verdict,
                    "args": {},
                    "details": {},
                    "fingerprint": subject,
                }
            )
        else:
            settled.setdefault(rule, {}).setdefault(verdict, []).append(subject)
    return {
        "schema": "auditor.result/1",
        "tool": {"version": "1"},
        "verdict": "fail",
        "as_of": ON,
        "operator": {"name": "Case", "uscc": None, "area": None},
        "policy_sha256": DIGEST,
        "inputs": [],
        "zones": [],
        "rules": [{"id": rule, "sha256": DIGEST, "placed": True} for rule in rules],
        "counts": counts,
        "settled": settled if listed else None,
        "findings": findings,
        **others,
    }


def only(diff, subject="node:a"):
    rows = [row for row in diff.rows if (row.rule, row.subject) == (RULE, subject)]
    assert len(rows) <= 1
    return rows[0] if rows else None


def expected(before, after):
    """Say what a pair of verdicts is, apart from the code: None is a subject that is not there."""
    was, now = before in OPEN, after in OPEN
    if not was and not now:
        return None
    if not was:
        return "new"
    if before in {"fail", "inconclusive"} and after in {"error", "not_checked"}:
        return "no_longer_evaluated"
    if before in {"error", "not_checked"} and after in {"error", "not_checked"}:
        return "still" if before == after else "changed"
    if now:
        return "still" if before == after else "changed"
    return "fixed" if after == "pass" else "no_longer_evaluated"


ALL = (None, "pass", "not_applicable", *OPEN)


@pytest.mark.parametrize(("before", "after"), list(product(ALL, ALL)))
def test_every_pair_of_verdicts(before, after):
    others = {"node:other": "pass"}  # the rule binds in both
    row = only(auditor.diff(written({"node:a": before} | others), written({"node:a": after} | others)))
    assert (row and row.change) == expected(before, after)
    if row:
        assert (row.before, row.after) == (before, after)


@pytest.mark.parametrize("after", [None, "pass", "not_applicable", "inconclusive"])
def test_a_changed_rule_never_counts_as_fixed(after):
    now = written({"node:a": after, "node:b": "pass"})
    now["rules"][0]["sha256"] = "1" * 64
    row = only(auditor.diff(written({"node:a": "fail"}), now))
    assert row.change in {"rule_changed", "no_longer_evaluated"}
    assert row.change == "rule_changed" or after in {None, "not_applicable"}


def test_other_zones_touch_only_rules_on_places():
    zones = [{"part": "pudong", "sha256": "2" * 64}]
    before, after = written({"node:a": "fail"}), written({"node:a": "pass"}, zones=zones)
    assert only(auditor.diff(before, after)).change == "zone_changed"
    after["rules"][0]["placed"] = False
    assert only(auditor.diff(before, after)).change == "fixed"
    assert [text.in_("en") for text in auditor.diff(before, after).differs] == ["zones: pudong"]


def test_other_policy_or_grade_is_named():
    before = written({"node:a": "pass"})
    for other in ({"policy_sha256": "3" * 64}, {"min_grade": "E2"}):
        found = auditor.diff(before, written({"node:a": "inconclusive"}, **other))
        assert only(found).change == "policy_changed"


def test_a_rule_that_was_not_run():
    bad = written({"node:a": "fail"}, rules=(RULE, OTHER))
    less = written({}, rules=(OTHER,))
    row = only(auditor.diff(bad, less))
    assert (row.change, row.because[0].en) == ("no_longer_evaluated", "the rule was not run")
    assert only(auditor.diff(less, bad)).change == "newly_evaluated"


def test_a_rule_that_binds_nothing_any_more():
    row = only(auditor.diff(written({"node:a": "fail"}), written({"operator": "not_applicable"})))
    assert (row.change, row.because[0].en) == ("no_longer_evaluated", "the rule does not apply any more")


def test_a_result_that_does_not_list_passes_proves_nothing_fixed():
    short = written({"node:a": "pass"}, listed=False)
    row = only(auditor.diff(written({"node:a": "fail"}), short))
    assert row.change == "no_longer_evaluated" and "--all" in row.because[0].en
    assert "--all" in only(auditor.diff(short, written({"node:a": "fail"}))).because[0].en


VERDICTS = st.dictionaries(
    st.sampled_from([f"node:{n}" for n in "abcdef"]), st.sampled_from(ALL[1:]), max_size=6
)


@given(VERDICTS, VERDICTS)
def test_nothing_open_is_lost_and_fixed_means_passed(before, after):
    found = auditor.diff(written(before), written(after))
    told = {row.subject: row for row in found.rows}
    assert told.keys() == {
        s for s, v in (before | after).items() if before.get(s) in OPEN or after.get(s) in OPEN
    }
    assert all(after[s] == "pass" for s, row in told.items() if row.change == "fixed")
    assert sum(found.counts.values()) == len(found.rows)
    assert auditor.diff(written(after), written(after)).counts.keys() <= {"still"}


def test_two_operators_are_refused(result):
    other = {**written({}), "operator": {"name": "Other", "uscc": "91310115MADEM00117"[::-1], "area": None}}
    with pytest.raises(UsageError, match="two operators"):
        auditor.diff(result, other)


def test_a_result_at_hand_and_its_file_are_the_same(result, tmp_path):
    auditor.write_report(result, tmp_path / "a.json")
    found = auditor.diff(tmp_path / "a.json", result)
    assert found.counts == {"still": 7} and not found.differs
    assert found.to_frame().equals(auditor.diff(result, str(tmp_path / "a.json")).to_frame())


def changed_folder(tmp_path, name, table, edit):
    target = tmp_path / name
    shutil.copytree(auditor.sample("shanghai_violations"), target)
    frame = pd.read_csv(target / table, dtype=str, keep_default_na=False)
    edit(frame).to_csv(target / table, index=False)
    return target


def test_a_node_taken_out_is_no_longer_evaluated_and_a_moved_one_is_fixed(result, areas, tmp_path):
    gone = changed_folder(tmp_path, "gone", "nodes.csv", lambda f: f[f["id"] != "edge-hz-1"])
    links = pd.read_csv(gone / "links.csv", dtype=str, keep_default_na=False)
    links[(links["source"] != "edge-hz-1") & (links["target"] != "edge-hz-1")].to_csv(
        gone / "links.csv", index=False
    )
    text = (
        (gone / "declaration.toml").read_text("utf-8").replace('"edge-hz-1", ', "").replace('"edge-hz-1"', "")
    )
    (gone / "declaration.toml").write_text(text, "utf-8")
    later = auditor.check(auditor.read_declaration(gone), areas=areas, as_of=ON)
    rows = {row.rule: row for row in auditor.diff(result, later).rows if row.subject == "node:edge-hz-1"}
    assert rows["PILOT-FAC-01"].change == "no_longer_evaluated"
    assert "no longer declared" in rows["PILOT-FAC-01"].because[0].en

    def moved(frame):
        inside = frame[frame["region_code"] == "310115"].iloc[0]
        at = frame["id"] == "edge-hz-1"
        for column in ("region_code", "lon", "lat", "address"):
            if column in frame:
                frame.loc[at, column] = inside[column]
        return frame

    target = changed_folder(tmp_path, "moved", "nodes.csv", moved)
    later = auditor.check(auditor.read_declaration(target), areas=areas, as_of=ON)
    found = auditor.diff(result, later)
    assert {r.rule for r in found.rows if r.change == "fixed"} == {"PILOT-FAC-01", "PILOT-CDN-01"}
    assert {r.subject for r in found.rows if r.change == "fixed"} == {"node:edge-hz-1"}
    assert not found.worse and not found.open


def test_later_terms_are_told_apart_from_the_network(declared, result, tmp_path, areas):
    """The same declaration on other terms: all that changes is theirs; a real change stays real beside them."""
    strict = auditor.check(declared, areas=areas, as_of=ON, min_grade="E2")
    found = auditor.diff(result, strict)
    assert found.counts.keys() == {"policy_changed", "still"}
    assert found.counts["still"] == 7

    def without_bypass(frame):
        return frame[~((frame["source"] == "agg-lg-1") | (frame["target"] == "ixp-sh-1"))]

    target = changed_folder(tmp_path, "cut", "links.csv", without_bypass)
    later = auditor.check(auditor.read_declaration(target), areas=areas, as_of=ON, min_grade="E2")
    rows = [
        row for row in auditor.diff(result, later).rows if row.rule == "PILOT-ISP-02" and row.before == "fail"
    ]
    assert rows and "policy_changed" not in {row.change for row in rows if row.subject == "node:sub-lg-homes"}


def test_the_view_of_a_real_result_is_complete(result):
    values = orjson.loads(b"".join(auditor.reports.all_reports()["json"].render(result, False)))
    view = View(values)
    assert view.complete and len(view.listed) == len(result.to_frame())
    frame = result.to_frame()
    assert view.listed == dict(
        zip(zip(frame["rule"], frame["subject"], strict=True), frame["verdict"], strict=True)
    )


@pytest.mark.parametrize(
    ("due", "change"), [("2026-03-31", "still"), ("2026-04-30", "changed"), ("2026-11-29", "changed")]
)
def test_what_is_open_on_a_later_date_is_open_as_before(due, change):
    earlier, later = written({"node:a": "fail"}), written({"node:a": "fail"}, as_of="2026-11-29")
    earlier["findings"][0]["args"] = {"due_on": "2026-03-31", "as_of": ON}
    later["findings"][0]["args"] = {"due_on": due, "as_of": "2026-11-29"}
    assert only(auditor.diff(earlier, later)).change == change


def run(*args):
    done = CliRunner().invoke(cli, [*map(str, args)], standalone_mode=False)
    return done.return_value, done.output, done.exception


def test_the_command(tmp_path):
    bad, good = auditor.sample("shanghai_violations"), auditor.sample("shanghai_isp_cdn")
    code, out, _ = run("diff", good, bad, "--as-of", ON)
    assert code == 1 and "node:edge-hz-1: – → fail" in out and "new: 7" in out
    code, out, _ = run("diff", bad, bad, "--as-of", ON)
    assert code == 0 and "as before: 7" in out and "PILOT-" not in out
    code, out, _ = run("diff", bad, good, "--as-of", ON, "--format", "json")
    told = json.loads(out)
    assert code == 3 and told["schema"] == "auditor.diff/1"
    assert told["counts"] == {"no_longer_evaluated": 3, "fixed": 4}
    assert {row["change"] for row in told["changes"]} == {"no_longer_evaluated", "fixed"}


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"schema": "auditor.result/1"}', b'{"schema": "auditor.result/1", "findings": [1]}'],
)
def test_what_is_no_result_is_refused(content, tmp_path):
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(UsageError, match=r"x\.json"):
        auditor.read_result(tmp_path / "x.json")


def test_a_verdict_that_does_not_exist_is_refused(tmp_path):
    values = written({"node:a": "fail"})
    values["findings"][0]["verdict"] = "fine"
    (tmp_path / "x.json").write_bytes(orjson.dumps(values))
    with pytest.raises(UsageError, match="fine"):
        auditor.read_result(tmp_path / "x.json")


def test_a_missing_result_says_so(tmp_path):
    with pytest.raises(UsageError, match=r"none\.json"):
        auditor.read_result(tmp_path / "none.json")


def test_words_of_all_changes_are_there():
    assert set(CHANGES) >= {expected(a, b) for a, b in product(ALL, ALL)} - {None}
    assert all(text.zh != text.en for text in CHANGES.values())
    assert set(OPEN) == {str(v) for v in Verdict} - {"pass", "not_applicable", "manual"}
