"""SARIF: valid by the official schema, whole there and back, and what GitHub takes."""

import json
import re
from dataclasses import replace
from pathlib import Path

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.errors import UsageError
from auditor.findings import WORST_FIRST, Verdict
from auditor.reports import _sarif, all_reports, sarif, sarif_github
from auditor.reports._content import to_dict
from tests.reports.changing import changed_bytes, changed_value

SCHEMAS = Path(__file__).parents[1] / "data" / "schemas"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
FACTS = st.lists(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        | TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=5,
    ),
    max_size=3,
)


@pytest.fixture(scope="module")
def schema():
    """Both editions; a stray bracket makes one pattern of the older one no regular expression (see NOTICE)."""
    new = (SCHEMAS / "sarif-2.1.0.json").read_text("utf-8")
    old = (SCHEMAS / "sarif-2.1.0-rtm.5.json").read_text("utf-8").replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}$")
    return [jsonschema_rs.validator_for(json.loads(text), validate_formats=True) for text in (new, old)]


def made(result, *, all_findings=True, report=sarif):
    return b"".join(report.render(result, all_findings))


def run_of(result, *, all_findings=True, report=sarif):
    return json.loads(made(result, all_findings=all_findings, report=report))["runs"][0]


def read_or_refused(data):
    """Read what may be broken: a result or a refusal, never another error."""
    try:
        return sarif.read(data)
    except UsageError:
        return None


def wrong(schema, data):
    log = json.loads(data)
    return [
        f"{error.instance_path}: {error.message[:200]}" for one in schema for error in one.iter_errors(log)
    ]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_samples_are_valid_and_come_back_whole(audited, schema, lang):
    assert len(audited) >= 15
    for name, result in list(audited.items())[:: {"en": 1, "zh": 2}[lang]]:
        told = replace(result, lang=lang)
        for all_findings in (True, False):
            data = made(told, all_findings=all_findings)
            assert not (all_findings and wrong(schema, data)), name
            assert sarif.read(data) == to_dict(told, all_findings), name
        assert not wrong(schema, made(told, report=sarif_github)), name


def test_ugly_texts_come_back_whole(twisted, schema):
    for lang in ("en", "zh"):
        for at in range(0, len(twisted.ugly) - 2, 3):
            result = twisted.make(twisted.ugly[at : at + 3], lang=lang)
            data = made(result)
            assert not wrong(schema, data)
            assert sarif.read(data) == to_dict(result, True)
            assert not re.search(
                "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", data.decode()
            )


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(texts=st.lists(TEXT, min_size=3, max_size=3), facts=FACTS)
def test_any_text_comes_back_whole(twisted, texts, facts):
    result = twisted.make(texts, facts)
    assert sarif.read(made(result)) == to_dict(result, True)


@given(words=st.text("ab\\[]{}01", max_size=20))
def test_messages_are_escaped_without_loss(words):
    written = _sarif.text(words)
    assert _sarif.untext(written) == words
    assert _sarif.unbracketed(_sarif.bracketed(words)) == words
    assert not re.search(r"(?<!\\)(\\\\)*[\[\]]", written)  # every bracket follows an odd run of backslashes


def test_verdicts_are_kinds_and_only_a_fail_has_a_level(twisted):
    run = run_of(twisted.make(["a", "b", "c"]))
    kinds = {"fail", "pass", "notApplicable", "open", "review"}
    assert {one["kind"] for one in run["results"]} == kinds
    assert {one["level"] for one in run["results"] if one["kind"] != "fail"} == {"none"}
    assert "none" not in {one["level"] for one in run["results"] if one["kind"] == "fail"}
    assert {one["properties"]["verdict"] for one in run["results"] if one["kind"] == "open"} == {
        "inconclusive",
        "error",
        "not_checked",
    }
    invocation = run["invocations"][0]
    assert invocation["executionSuccessful"] is False
    assert invocation["exitCode"] == 1
    assert [(n["descriptor"]["id"], n["level"]) for n in invocation["toolExecutionNotifications"]] == [
        ("error", "error"),
        ("not_checked", "warning"),
    ]


def filled(template, arguments):
    """Fill a message as SARIF says, without a look at our own code."""
    return re.sub(
        r"\{\{|\}\}|\{(\d+)\}",
        lambda found: (
            found[0] if found[1] is None else arguments[int(found[1])].replace("{", "{{").replace("}", "}}")
        ),
        template,
    )


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_texts_of_rules_filled_with_arguments_are_the_messages(audited, twisted, lang):
    for result in (audited["shanghai_violations"], twisted.make(["{0}", "[x]", "\\["])):
        run = run_of(replace(result, lang=lang))
        rules = run["tool"]["driver"]["rules"]
        if lang == "zh":
            rules = next(t for t in run["translations"] if t["name"] == "auditor")["rules"]
        for one in run["results"]:
            message = one["message"]
            template = rules[one["ruleIndex"]]["messageStrings"][message["id"]]["text"]
            assert filled(template, message.get("arguments", [])) == message["text"]


def test_indexes_point_at_what_is_named(audited):
    run = run_of(audited["shanghai_violations"])
    rules, taxa = run["tool"]["driver"]["rules"], run["taxonomies"][0]["taxa"]
    translations = {one["name"]: one for one in run["translations"]}
    assert [r["id"] for r in rules] == [r["id"] for r in translations["auditor"]["rules"]]
    assert [t["id"] for t in taxa] == [t["id"] for t in translations["clauses"]["taxa"]]
    for rule in rules[:-1]:
        assert rule["relationships"]
        for tie in rule["relationships"]:
            assert taxa[tie["target"]["index"]]["id"] == tie["target"]["id"]
    for one in run["results"]:
        assert rules[one["ruleIndex"]]["id"] == one["ruleId"]
        at = one["locations"][0]["physicalLocation"]["artifactLocation"]
        assert run["artifacts"][at["index"]]["location"]["uri"] == at["uri"]


def test_subjects_stand_in_the_table_that_declares_them_and_nodes_on_earth(audited):
    for one in run_of(audited["shanghai_violations"])["results"]:
        place = one["locations"][0]
        subject = place["logicalLocations"][0]["fullyQualifiedName"]
        uri = place["physicalLocation"]["artifactLocation"]["uri"]
        table = {"node": "nodes.csv", "link": "links.csv", "prefix": "prefixes.csv"}
        assert uri == table.get(subject.partition(":")[0], "declaration.toml")
        if subject == "node:edge-hz-1":
            assert (place["properties"]["lon"], place["properties"]["lat"]) == (120.21, 30.208)


def test_witness_is_a_code_flow(audited):
    result = audited["suzhou_bng"]
    expected = [f.details["path"] for f in result.findings.rows() if f.details.get("path")]
    flows = [
        flow["threadFlows"][0]
        for one in run_of(result)["results"]
        for flow in one.get("codeFlows", [])
        if flow["threadFlows"][0]["id"] == "path"
    ]
    assert expected
    assert [
        [step["location"]["logicalLocations"][0]["fullyQualifiedName"] for step in flow["locations"]]
        for flow in flows
    ] == [[f"node:{name}" for name in path] for path in expected]


def test_names_of_runs_follow_from_what_they_rest_on(audited):
    first, second = audited["thin"], audited["suzhou_bng"]
    details = [run_of(result)["automationDetails"] for result in (first, first, second)]
    assert details[0] == details[1]
    assert details[0]["guid"] != details[2]["guid"]
    assert details[0]["correlationGuid"] != details[2]["correlationGuid"]


# --- GitHub -----------------------------------------------------------------------------------------------


def test_github_gets_what_needs_somebody_in_a_place(audited, twisted):
    for result in (*audited.values(), twisted.make(["a b", "//x", "javascript:y"])):
        run = run_of(result, report=sarif_github)
        shown = [
            one for one in result.findings.rows() if one.verdict not in {Verdict.PASS, Verdict.NOT_APPLICABLE}
        ]
        hashes = {one["partialFingerprints"]["primaryLocationLineHash"] for one in run["results"]}
        assert hashes == {f"{one.fingerprint[:16]}:1" for one in shown}
        for one in run["results"]:
            assert one["kind"] in {"fail", "open", "review"}
            places = [one["locations"][0], *one.get("relatedLocations", [])]
            places += [
                step["location"]
                for flow in one.get("codeFlows", [])
                for step in flow["threadFlows"][0]["locations"]
            ]
            for place in places:
                at = place["physicalLocation"]
                assert at["region"] == {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1}
                assert not re.match("[a-z]+:|/", at["artifactLocation"]["uri"])
            assert len(one["message"]["text"]) <= 2 * sarif_github.LONGEST
        for rule in run["tool"]["driver"]["rules"]:
            assert 0 < len(rule["shortDescription"]["text"]) <= 1024
            assert 0 < len(rule["fullDescription"]["text"]) <= 1024
            assert rule["help"]["text"] and "security-severity" not in rule.get("properties", {})


def test_github_gets_the_worst_and_is_told_of_the_rest(audited, monkeypatch):
    result = audited["shanghai_violations"]
    monkeypatch.setattr(sarif_github, "MOST", 3)
    run = run_of(result, report=sarif_github)
    shown = [
        one for one in result.findings.rows() if one.verdict not in {Verdict.PASS, Verdict.NOT_APPLICABLE}
    ]
    ranks = sorted(WORST_FIRST.index(one.verdict) for one in shown)
    assert len(run["results"]) == 3 < len(shown)
    kinds = [sarif.KINDS[WORST_FIRST[rank]] for rank in ranks[:3]]
    assert [one["kind"] for one in run["results"]] == kinds
    told = [n["message"]["text"] for n in run["invocations"][0]["toolExecutionNotifications"]]
    assert told[-1].startswith(f"{len(shown) - 3} findings are left out")


def test_github_form_is_not_read_back(audited):
    assert all_reports()["sarif-github"].read is None
    with pytest.raises(UsageError, match="schema"):
        sarif.read(made(audited["thin"], report=sarif_github))


# --- what is no report of ours ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "no SARIF"),
        (b'{"version":"2.0.0","runs":[]}', "no SARIF"),
        (b'{"version":"2.1.0","runs":[]}', "0 runs"),
        (b'{"version":"2.1.0","version":"2.1.0","runs":[]}', "stands twice"),
        (b'{"version":"2.1.0","runs":[{}]}', "not whole"),
        (b'{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"CodeQL"}}}]}', "CodeQL"),
        (b'{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"auditor"}}}]}', "schema"),
    ],
)
def test_what_is_not_ours_is_refused(data, why):
    with pytest.raises(UsageError, match=why):
        sarif.read(data)


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_files_are_read_or_refused(one_rule, data):
    told = read_or_refused(
        changed_bytes(data, made(one_rule), [b"null", b"[]", b"{}", b'"x"', b"1", b"true"])
    )
    assert told is None or told["schema"] == "auditor.result/1"


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_changed_values_are_read_or_refused(one_rule, data):
    values = [None, [], {}, "x", 1, True, [None], {"x": None}]
    told = read_or_refused(changed_value(data, made(one_rule), values))
    assert told is None or told["schema"] == "auditor.result/1"
