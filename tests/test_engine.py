"""The engine: what it does with rules that err, with grades, with dates, and what must not change a verdict."""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
import json
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import auditor
from auditor import engine
from auditor.errors import UsageError
from auditor.findings import Batch, Text, Verdict
from auditor.reports import _content, json_
from auditor.rule import Message, Rule

BASE = tomllib.loads((Path(__file__).parent / "rules" / "bases.toml").read_text("utf-8"))["shanghai"]
DAY = "2026-11-22"


def read(tree, folder):
    path = folder / "declaration.json"
    path.write_text(json.dumps(tree, default=str, ensure_ascii=False), "utf-8")
    return auditor.read_declaration(path)


@pytest.fixture
def declaration(tmp_path):
    return read(BASE, tmp_path)


@pytest.fixture(scope="session")
def areas():
    return auditor.read_areas(DAY)


def rule(check, *, scope=lambda case: [("operator", [""])], **changes):
    made = Rule(
        id="PILOT-TST-01",
        title=Text("test", "测试"),
        basis="circular",
        clauses=("annex-2-2-place",),
        severity="high",
        scope=scope,
        check=check,
        messages={"m": Message("said {x}")},
    )
    return replace(made, **changes)


@pytest.fixture
def run(declaration, areas, monkeypatch):
    def run_(*rules, **options):
        monkeypatch.setattr(engine, "all_rules", lambda: rules)
        return auditor.check(declaration, areas=areas, as_of=DAY, **options)

    return run_


def told(result):
    return [(f.rule, f.subject, str(f.verdict), f.message_id) for f in result.findings.rows()]


def broken(case):
    yield Batch(Verdict.PASS, "m", args={"x": 1})
    raise ValueError("boom")


def test_a_rule_that_raises_becomes_an_error_and_the_others_go_on(run):
    good = rule(lambda case: [Batch(Verdict.PASS, "m", args={"x": 1})], id="PILOT-TST-02")
    result = run(rule(broken), good)
    assert told(result) == [
        ("PILOT-TST-01", "operator", "error", "raised"),
        ("PILOT-TST-02", "operator", "pass", "m"),
    ]
    assert result.verdict == Verdict.INCONCLUSIVE
    assert "ValueError: boom" in result.message(next(iter(result.findings.rows())))


def test_a_subject_that_a_rule_skips_is_not_checked(run):
    def check(case):
        yield Batch(Verdict.PASS, "m", np.array([0, 2]), "node", {"x": 1})

    result = run(rule(check, scope=lambda case: [("node", np.arange(3))]))
    assert ("PILOT-TST-01", "node:edge-1", "not_checked", "skipped") in told(result)
    assert len(told(result)) == 3
    assert result.verdict == Verdict.INCONCLUSIVE
    assert _content.to_dict(result)["not_checked"] == [{"rule": "PILOT-TST-01", "subject": "node:edge-1"}]


def test_names_skipped_are_not_checked_either(run):
    result = run(rule(lambda case: [], scope=lambda case: [("contract", ["1", "2"])]))
    assert [t[1] for t in told(result)] == ["contract:1", "contract:2"]


@pytest.mark.parametrize(
    ("scope", "subjects", "kind"),
    [
        ([("node", np.arange(2))], np.array([0, 0, 1]), "node"),
        ([("contract", ["1"])], ["1", "1"], "contract"),
    ],
)
def test_a_subject_judged_twice_is_an_error(run, scope, subjects, kind):
    check = lambda case: [Batch(Verdict.PASS, "m", subjects, kind, {"x": 1})]  # noqa: E731
    assert [t[2] for t in told(run(rule(check, scope=lambda case: scope)))] == ["error"]


def test_nothing_in_scope_is_not_applicable_and_never_a_pass(run):
    result = run(rule(lambda case: [], scope=lambda case: []))
    assert told(result) == [("PILOT-TST-01", "operator", "not_applicable", "nothing_in_scope")]
    assert result.verdict == Verdict.NOT_APPLICABLE


def test_a_service_that_is_not_offered(run):
    result = run(rule(broken, service="B21"))
    assert told(result) == [("PILOT-TST-01", "operator", "not_applicable", "service_not_offered")]


def test_an_operator_without_pilot_services(tmp_path, areas):
    tree = copy.deepcopy(BASE)
    tree["operator"] |= {"nature": "domestic", "foreign_share": 0.0}
    tree["approvals"] = []
    for service in tree["services"]:
        service["regime"] = "national"
    result = auditor.check(read(tree, tmp_path), areas=areas, as_of=DAY)
    assert result.verdict == Verdict.NOT_APPLICABLE
    assert {str(f.verdict) for f in result.findings.rows()} == {"not_applicable"}


def test_a_fail_on_an_unknown_regime_is_inconclusive_and_keeps_its_words(tmp_path, areas):
    tree = copy.deepcopy(BASE)
    for service in tree["services"]:
        del service["regime"]
    tree["network"]["nodes"].append(
        {"id": "far", "kind": "subscriber", "owner": "customer", "region_code": "310101"}
    )
    result = auditor.check(read(tree, tmp_path), areas=areas, as_of=DAY, only=["PILOT-ISP-01"])
    finding = next(f for f in result.findings.rows() if f.subject == "node:far")
    assert (finding.verdict, finding.message_id) == (Verdict.INCONCLUSIVE, "regime_unknown")
    hard = copy.deepcopy(BASE)
    hard["network"]["nodes"] = tree["network"]["nodes"]
    sure = auditor.check(read(hard, tmp_path), areas=areas, as_of=DAY, only=["PILOT-ISP-01"])
    words = next(sure.message(f) for f in sure.findings.rows() if f.subject == "node:far")
    assert words in result.message(finding)


@pytest.mark.parametrize(
    ("grade", "least", "verdict"), [(3, "E2", "inconclusive"), (2, "E2", "pass"), (3, "E4", "pass")]
)
def test_min_grade(run, grade, least, verdict):
    check = lambda case: [Batch(Verdict.PASS, "m", args={"x": "this"}, grade=grade)]  # noqa: E731
    result = run(rule(check), min_grade=least)
    assert [t[2] for t in told(result)] == [verdict]
    assert "said this" in result.message(next(iter(result.findings.rows())))


def test_min_grade_splits_a_batch(run):
    def check(case):
        grades = np.array([1, 3, 2], np.int8)
        yield Batch(Verdict.PASS, "m", np.arange(3), "node", {"x": np.array([10, 11, 12])}, grade=grades)

    result = run(rule(check, scope=lambda case: [("node", np.arange(3))]), min_grade="E2")
    assert {t[1]: t[2] for t in told(result)} == {
        "node:dc-1": "pass",
        "node:edge-1": "inconclusive",
        "node:sub-1": "pass",
    }
    low = next(f for f in result.findings.rows({Verdict.INCONCLUSIVE}))
    assert "said 11" in result.message(low)
    assert "要求至少 E2" in result.message(low, "zh") and "said 11" in result.message(low, "zh")


def test_a_policy_rule_needs_no_grade(run):
    check = lambda case: [Batch(Verdict.PASS, "m", args={"x": 1})]  # noqa: E731
    assert run(rule(check, basis="policy"), min_grade="E1").verdict == Verdict.PASS


def test_a_confirmed_document_raises_the_grade(tmp_path, areas):
    tree = copy.deepcopy(BASE)
    tree["operator"]["domiciles"][0] |= {"grade": "E1", "document": "licence.pdf"}
    (tmp_path / "licence.pdf").write_bytes(b"licence")
    digest = hashlib.sha256(b"licence").hexdigest()
    for confirmed, grade in (((), "E3"), ((digest,), "E1"), (("0" * 64,), "E3")):
        result = auditor.check(
            read(tree, tmp_path), areas=areas, as_of=DAY, only=["PILOT-REG-01"], confirmed=confirmed
        )
        assert [f.grade for f in result.findings.rows()] == [grade]


def test_only_and_skip(declaration, areas):
    result = auditor.check(declaration, areas=areas, as_of=DAY, only=["PILOT-FAC-*"], skip=["PILOT-FAC-02"])
    ran = {r.id for r in result.rules}
    assert {"PILOT-FAC-01", "PILOT-FAC-03"} <= ran
    assert "PILOT-FAC-02" not in ran
    assert all(name.startswith("PILOT-FAC-") for name in ran)
    assert result.partial
    assert not auditor.check(declaration, areas=areas, as_of=DAY).partial


@pytest.mark.parametrize(
    "options",
    [
        {"only": ["PILOT-XYZ-*"]},
        {"skip": ["nothing"]},
        {"min_grade": "E9"},
        {"as_of": "yesterday"},
        {"policy": {"x": 1}},
    ],
)
def test_options_that_make_no_sense(declaration, areas, options):
    with pytest.raises(UsageError):
        auditor.check(declaration, areas=areas, **({"as_of": DAY} | options))


@pytest.mark.parametrize("options", [{"lang": "fr"}, {"areas": "shanghai"}, {"as_of": 20261122}])
def test_arguments_of_the_wrong_kind(declaration, options):
    with pytest.raises(UsageError):
        auditor.check(declaration, **({"as_of": DAY} | options))


@pytest.mark.parametrize("wrong", ["a/path", None, {"nodes": []}])
def test_what_is_no_declaration(wrong):
    with pytest.raises(UsageError, match="no declaration"):
        auditor.check(wrong)


def test_one_pattern_need_not_be_a_list(declaration, areas):
    result = auditor.check(declaration, areas=areas, as_of=dt.datetime(2026, 11, 22), only="PILOT-FAC-01")  # noqa: DTZ001
    assert [r.id for r in result.rules] == ["PILOT-FAC-01"]
    assert str(result.case.as_of) == DAY


def test_before_the_pilot_nobody_is_outside_every_area(tmp_path):
    tree = copy.deepcopy(BASE)
    for service in tree["services"]:
        service["regime_from_on"] = "2024-04-20"
    result = auditor.check(read(tree, tmp_path), as_of="2024-05-01")
    verdicts = {(f.rule, f.subject): str(f.verdict) for f in result.findings.rows()}
    assert verdicts["PILOT-REG-01", "operator"] == "pass"
    assert verdicts["PILOT-FAC-01", "node:dc-1"] == "pass"
    assert verdicts["PILOT-APP-02", "service:B14"] == "inconclusive"


def test_same_input_same_bytes(declaration, areas):
    first, second = (auditor.check(declaration, areas=areas, as_of=DAY) for _ in range(2))
    assert b"".join(json_.render(first, True)) == b"".join(json_.render(second, True))


def test_every_rule_gives_each_subject_one_finding(declaration, areas):
    frame = auditor.check(declaration, areas=areas, as_of=DAY).to_frame()
    assert not frame.duplicated(["rule", "subject"]).any()
    assert set(frame["rule"]) == {r.id for r in engine.all_rules()}
    assert frame["fingerprint"].is_unique


def rows(result):
    return sorted((f.rule, f.subject, str(f.verdict), f.fingerprint) for f in result.findings.rows())


MESSY = copy.deepcopy(BASE)
MESSY["network"]["nodes"] += [
    {"id": "r-1", "kind": "router", "owner": "operator", "region_code": "310115"},
    {"id": "ixp-1", "kind": "ixp", "owner": "示例交换中心"},
    {"id": "sub-2", "kind": "subscriber", "owner": "customer", "region_code": "310101"},
    {"id": "edge-2", "kind": "cdn_edge", "owner": "示例云", "holding": "lease", "region_code": "330106"},
    {"id": "olt-1", "kind": "olt", "owner": "中国联通", "region_code": "310115"},
    {"id": "lost", "kind": "server", "owner": "operator"},
]
MESSY["network"]["links"] += [
    {"source": "sub-2", "target": "r-1"},
    {"source": "r-1", "target": "ixp-1", "kind": "peering"},
    {"source": "sub-1", "target": "olt-1"},
    {"source": "olt-1", "target": "bng-1"},
]
QUIET = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUIET
@given(st.randoms(use_true_random=False))
def test_order_of_rows_changes_nothing(tmp_path, areas, random):
    base = auditor.check(read(MESSY, tmp_path), areas=areas, as_of=DAY)
    tree = copy.deepcopy(MESSY)
    for name in ("nodes", "links"):
        random.shuffle(tree["network"][name])
    for name in ("services", "approvals"):
        random.shuffle(tree[name])
    shuffled = auditor.check(read(tree, tmp_path), areas=areas, as_of=DAY)
    assert rows(shuffled) == rows(base)
    details = [
        [f.details.get("path") and list(f.details["path"]) for f in r.findings.rows()]
        for r in (base, shuffled)
    ]
    assert details[0] == details[1]


@QUIET
@given(st.randoms(use_true_random=False))
def test_renaming_ids_renames_subjects_only(tmp_path, areas, random):
    ids = [n["id"] for n in MESSY["network"]["nodes"]]
    names = [f"n{i}" for i in range(len(ids))]
    random.shuffle(names)
    new = dict(zip(ids, names, strict=True))
    tree = copy.deepcopy(MESSY)
    for node in tree["network"]["nodes"]:
        node["id"] = new[node["id"]]
        if "site" in node:
            node["site"] = new[node["site"]]
    for link in tree["network"]["links"]:
        link["source"], link["target"] = new[link["source"]], new[link["target"]]
    base = auditor.check(read(MESSY, tmp_path), areas=areas, as_of=DAY)
    renamed = auditor.check(read(tree, tmp_path), areas=areas, as_of=DAY)

    def verdicts(result, rename):
        return sorted((f.rule, rename(f.subject), str(f.verdict)) for f in result.findings.rows())

    def to_new(subject):
        kind, _, name = subject.partition(":")
        return f"{kind}:{new[name]}" if kind == "node" else subject

    assert verdicts(renamed, str) == verdicts(base, to_new)


def test_an_unrelated_facility_leaves_the_others_alone(tmp_path, areas):
    base = auditor.check(read(MESSY, tmp_path), areas=areas, as_of=DAY)
    tree = copy.deepcopy(MESSY)
    tree["network"]["nodes"].append(
        {"id": "zz", "kind": "server", "owner": "operator", "region_code": "310115"}
    )
    more = auditor.check(read(tree, tmp_path), areas=areas, as_of=DAY)
    assert [r for r in rows(more) if r[1] != "node:zz"] == rows(base)


def test_public_names():
    import auditor as package

    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError):
        package.nothing  # noqa: B018


def test_a_path_never_leads_to_a_gate_and_what_is_not_complete_has_no_cause(tmp_path, areas):
    tree = copy.deepcopy(MESSY)
    tree["network"]["complete"] = False
    result = auditor.check(read(tree, tmp_path), areas=areas, as_of=DAY, only=["PILOT-ISP-02"])
    found = {f.subject: f for f in result.findings.rows()}
    assert found["node:sub-1"].message_id == "not_complete"
    assert "path" not in found["node:sub-1"].details
    assert list(found["node:sub-1"].details["path_to_gate"])[-1] == "bng-1"
    assert found["node:sub-2"].details["path"] == ["sub-2", "r-1", "ixp-1"]
    assert [cause["example"] for cause in result.causes] == ["node:sub-2"]


def test_a_fail_on_an_observation_alone_is_inconclusive(run):
    def check(case):
        yield Batch(Verdict.FAIL, "m", np.arange(2), "node", {"x": 1}, grade=np.array([4, 3], np.int8))

    result = run(rule(check, scope=lambda case: [("node", np.arange(2))]))
    assert {t[1]: t[2] for t in told(result)} == {"node:dc-1": "inconclusive", "node:edge-1": "fail"}


# --- what people ask a result ------------------------------------------------------------------------------


@pytest.fixture
def messy(tmp_path, areas):
    return auditor.check(read(MESSY, tmp_path), areas=areas, as_of=DAY)


def test_explain_tells_clause_path_and_verdict(messy):
    told = messy.explain("ISP-02", "node:sub-2")
    assert "基础电信企业互联网接入设备" in told
    assert "sub-2 → r-1 → ixp-1" in told
    assert "verdict: fail" in told
    assert told == messy.explain("PILOT-ISP-02", "node:sub-2")
    assert messy.explain("PILOT-ISP-02").count("subject: ") == len(
        [f for f in messy.unsettled if f.rule == "PILOT-ISP-02"]
    )


def test_explain_of_what_was_not_judged(messy):
    with pytest.raises(UsageError, match="did not run"):
        messy.explain("PILOT-NONE-01")
    with pytest.raises(UsageError, match="did not judge"):
        messy.explain("PILOT-ISP-02", "node:nobody")
    assert "nothing but passes" in messy.explain("PILOT-APP-03")


def test_geoframe_has_a_point_a_node_finding(tmp_path, areas):
    tree = copy.deepcopy(MESSY)
    tree["network"]["nodes"].append(
        {"id": "here", "kind": "server", "owner": "operator", "lon": 121.6, "lat": 31.2, "datum": "WGS84"}
    )
    frame = auditor.check(read(tree, tmp_path), areas=areas, as_of=DAY).to_geoframe()
    assert frame.crs.to_epsg() == 4326
    points = frame.set_index("subject").geometry
    here = points["node:here"].iloc[0]
    assert (here.x, here.y) == (121.6, 31.2)
    assert points["node:lost"].is_empty.all()
    assert set(frame["subject"].str.split(":").str[0]) == {"node"}


def test_causes_group_by_handoff(messy):
    assert {
        "rule": "PILOT-ISP-02",
        "handoff": ["r-1", "ixp-1"],
        "subjects": 1,
        "example": "node:sub-2",
    } in messy.causes


def test_the_result_tells_itself_in_a_line(messy):
    assert repr(messy).startswith("<AuditResult fail for Case Data (Shanghai) Co., Ltd. as of 2026-11-22: ")
    assert "\n" not in repr(messy)
    assert repr(messy.case.areas).startswith("<Areas as of 2026-11-22: beijing (")


# --- what the case makes of nodes and links ----------------------------------------------------------------


def test_layers_are_never_mixed_in_one_search(tmp_path, areas):
    tree = copy.deepcopy(BASE)
    tree["network"]["links"] += [{"source": "sub-1", "target": "core-1", "kind": "fibre", "layer": "ip"}]
    for layer, verdict in ((None, "fail"), ("ip", "fail"), ("physical", "pass")):
        if layer:
            tree["network"]["access_layer"] = layer
        result = auditor.check(read(tree, tmp_path), areas=areas, as_of=DAY, only=["PILOT-ISP-02"])
        assert [str(f.verdict) for f in result.findings.rows()] == [verdict], layer


def test_a_confirmed_contract_raises_the_grade_of_its_nodes_alone(tmp_path, areas):
    tree = copy.deepcopy(BASE)
    dc = tree["network"]["nodes"][0]
    dc |= {"grade": "E2", "document": "lease.pdf"}
    tree["network"]["nodes"] += [
        {"id": "dc-2", "kind": "data_centre", "owner": "operator", "region_code": "310115", "grade": "E2"},
        {"id": "dc-3", "kind": "data_centre", "owner": "operator", "region_code": "310115", "grade": "E4"},
    ]
    (tmp_path / "lease.pdf").write_bytes(b"lease")
    digest = hashlib.sha256(b"lease").hexdigest()
    result = auditor.check(
        read(tree, tmp_path),
        areas=areas,
        as_of=DAY,
        only=["PILOT-FAC-01"],
        confirmed=[digest],
        min_grade="E4",
    )
    grades = {f.subject: f.grade for f in result.findings.rows() if f.subject != "operator"}
    # edge-1 stands in dc-1: its place, and what proves it, are the site's
    assert grades == {"node:dc-1": "E2", "node:edge-1": "E2", "node:dc-2": "E3", "node:dc-3": "E4"}


def test_a_list_of_no_services_is_blank(tmp_path, areas):
    tree = copy.deepcopy(BASE)
    tree["network"]["nodes"].append(
        {"id": "far", "kind": "server", "owner": "operator", "services": ";", "region_code": "330106"}
    )
    result = auditor.check(read(tree, tmp_path), areas=areas, as_of=DAY, only=["PILOT-FAC-01"])
    assert {f.subject for f in result.findings.rows({Verdict.FAIL})} == {"node:far"}
