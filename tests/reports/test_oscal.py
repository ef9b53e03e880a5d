"""OSCAL: valid by NIST's schema, whole there and back, two states and no third."""

import json
import re
from dataclasses import replace
from pathlib import Path

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.errors import UsageError
from auditor.findings import Verdict
from auditor.reports import _oscal, oscal
from auditor.reports._content import to_dict
from tests.reports.changing import changed_bytes, changed_value

SCHEMAS = Path(__file__).parents[1] / "data" / "schemas"
ON = "2026-11-22T00:00:00Z"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
FACTS = st.lists(
    st.dictionaries(TEXT, TEXT | st.none() | st.integers(-(2**53), 2**53), max_size=3), max_size=3
)
SLOW = [HealthCheck.too_slow]


@pytest.fixture(scope="module")
def schema():
    text = (SCHEMAS / "oscal-assessment-results.json").read_text("utf-8")
    return jsonschema_rs.validator_for(json.loads(text), validate_formats=True)


def made(result, *, all_findings=True):
    return b"".join(oscal.render(result, all_findings))


def document_of(result, *, all_findings=True):
    return json.loads(made(result, all_findings=all_findings))["assessment-results"]


def read_or_refused(data):
    """Read what may be broken: a result or a refusal, never another error."""
    try:
        return oscal.read(data)
    except UsageError:
        return None


def wrong(schema, data):
    return [f"{e.instance_path}: {e.message[:200]}" for e in schema.iter_errors(json.loads(data))]


def props(thing):
    return {one["name"]: one["value"] for one in thing["props"]}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_samples_are_valid_and_come_back_whole(audited, schema, lang):
    assert len(audited) >= 15
    for name, result in list(audited.items())[:: {"en": 1, "zh": 2}[lang]]:
        told = replace(result, lang=lang)
        for all_findings in (True, False):
            data = made(told, all_findings=all_findings)
            assert not wrong(schema, data), name
            assert oscal.read(data) == to_dict(told, all_findings), name


def test_ugly_texts_come_back_whole(twisted, schema):
    for lang in ("en", "zh"):
        for at in range(0, len(twisted.ugly) - 2, 3):
            result = twisted.make(twisted.ugly[at : at + 3], lang=lang)
            data = made(result)
            assert not wrong(schema, data)
            assert oscal.read(data) == to_dict(result, True)
            assert not re.search(
                "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", data.decode()
            )


@settings(max_examples=8, suppress_health_check=SLOW)
@given(texts=st.lists(TEXT, min_size=3, max_size=3), facts=FACTS)
def test_any_text_comes_back_whole(twisted, schema, texts, facts):
    result = twisted.make(texts, facts)
    data = made(result)
    assert not wrong(schema, data)
    assert oscal.read(data) == to_dict(result, True)


@given(value=TEXT | st.text('json:"\\ \n', max_size=12))
def test_texts_are_written_on_one_line_without_loss(value):
    told = _oscal.packed(value)
    assert re.fullmatch(r"\S(.*\S)?", told) and told.isprintable()
    assert _oscal.unpacked(told) == value
    assert _oscal.unline(_oscal.line(value)) == value
    assert _oscal.unprose(_oscal.prose(value)) == value
    assert not re.search(r"(?<!\\)(\\\\)*[<\[`&]", _oscal.prose(value))


def test_pass_and_fail_are_findings_and_nothing_else_is(twisted):
    result = twisted.make(["a", "b", "c"])
    told = document_of(result)["results"][0]
    observations = {one["uuid"]: one for one in told["observations"] if "fingerprint" in props(one)}
    found = {
        one["related-observations"][0]["observation-uuid"]: one["target"]["status"]
        for one in told["findings"]
    }
    expected = {one.fingerprint: one.verdict for one in result.findings.rows()}
    assert {props(one)["fingerprint"] for one in observations.values()} == set(expected)
    states = {
        Verdict.PASS: {"state": "satisfied", "reason": "pass"},
        Verdict.FAIL: {"state": "not-satisfied", "reason": "fail"},
    }
    for uuid, one in observations.items():
        verdict = expected[props(one)["fingerprint"]]
        assert found.get(uuid) == states.get(verdict)
        assert props(one).get("verdict") == (None if verdict in states else str(verdict))
    log = {entry["props"][0]["value"] for entry in told["assessment-log"]["entries"]}
    assert log == {"note", "unused", "error", "not_checked"}


def test_settled_subjects_satisfy_where_passes_are_not_listed(audited):
    result = audited["shanghai_violations"]
    passes = {rule for rule, counts in result.counts.items() if counts.get("pass")}
    told = document_of(result, all_findings=False)["results"][0]
    satisfied = [
        f["target"]["target-id"] for f in told["findings"] if f["target"]["status"]["state"] == "satisfied"
    ]
    assert sorted(satisfied) == sorted(passes)


def test_every_reference_points_at_something_named_once(audited):
    for result in audited.values():
        document = document_of(result)
        text = json.dumps(document)
        names = re.findall(r'"uuid": "([0-9a-f-]{36})"', text)
        assert len(names) == len(set(names))
        pointed = re.findall(r'"(?:[a-z]+-uuid|href)": "#?([0-9a-f-]{36})"', text)
        assert pointed and set(pointed) <= set(names)


def test_clauses_are_reviewed_whether_a_rule_or_a_person_answers_them(audited):
    result = audited["thin"]
    told = document_of(result)["results"][0]
    chosen = told["reviewed-controls"]["control-selections"][0]["include-controls"]
    expected = {name for rule in result.rules for name in rule.clauses} | {c.id for c in result.manual}
    assert {one["control-id"] for one in chosen} == expected
    manual = [one for one in told["observations"] if props(one).get("verdict") == "manual"]
    assert [props(one)["clause"] for one in manual] == [c.id for c in result.manual]
    assert {tuple(one["methods"]) for one in manual} == {("EXAMINE",)}


def test_files_zones_and_documents_are_resources_with_digests(audited):
    result = replace(audited["thin"], case=replace(audited["thin"].case, confirmed=frozenset({"ab" * 32})))
    document = document_of(result)
    digests = {
        one["rlinks"][0]["hashes"][0]["value"]
        for one in document["back-matter"]["resources"]
        if "rlinks" in one
    }
    declared = {one.sha256 for one in result.case.declaration.inputs}
    assert digests == declared | {zone["sha256"] for zone in result.case.areas.provenance()} | {"ab" * 32}
    assert oscal.read(made(result))["confirmed"] == ["ab" * 32]


def test_no_clock_is_asked(audited):
    document = document_of(audited["thin"])
    moments = set(re.findall(r"\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|\+00:00)", json.dumps(document)))
    assert moments == {ON}
    assert document["uuid"] != document_of(audited["thin"], all_findings=False)["uuid"]
    assert document["uuid"] == document_of(audited["thin"])["uuid"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no JSON"),
        (b'{"catalog":{}}', "no OSCAL"),
        (b'{"assessment-results":[]}', "no OSCAL"),
        (b'{"assessment-results":{}}', "not whole"),
        (b'{"assessment-results":{"results":[]}}', "0 runs"),
        (b'{"assessment-results":{"results":[{}]}}', "schema"),
        (
            b'{"assessment-results":{"results":[{"props":[{"name":"schema","value":"auditor.result/1"}]}]}}',
            "schema",
        ),
        (b'{"assessment-results":{},"assessment-results":{}}', "stands twice"),
    ],
)
def test_what_is_not_ours_is_refused(data, why):
    with pytest.raises(UsageError, match=why):
        oscal.read(data)


@settings(max_examples=20, suppress_health_check=SLOW)
@given(data=st.data())
def test_changed_files_are_read_or_refused(one_rule, data):
    told = read_or_refused(
        changed_bytes(data, made(one_rule), [b"null", b"[]", b"{}", b'"x"', b"1", b"json:"])
    )
    assert told is None or told["schema"] == "auditor.result/1"


@settings(max_examples=20, suppress_health_check=SLOW)
@given(data=st.data())
def test_changed_values_are_read_or_refused(one_rule, data):
    values = [None, [], {}, "x", "json:", "json:[1]", 1, True, [None], {"x": None}]
    told = read_or_refused(changed_value(data, made(one_rule), values))
    assert told is None or told["schema"] == "auditor.result/1"
