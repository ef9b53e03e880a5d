"""JUnit: valid by the schema that Jenkins and pytest go by, one case a finding, nothing that XML forbids."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from auditor.findings import SETTLED, Verdict
from auditor.reports import junit

SCHEMAS = Path(__file__).parents[1] / "data" / "schemas"
OUTCOME = {
    Verdict.PASS: None,
    Verdict.FAIL: "failure",
    Verdict.INCONCLUSIVE: "error",
    Verdict.ERROR: "error",
    Verdict.NOT_CHECKED: "error",
    Verdict.NOT_APPLICABLE: "skipped",
    Verdict.MANUAL: "skipped",
}


@pytest.fixture(scope="module")
def schema():
    return etree.XMLSchema(etree.parse(SCHEMAS / "junit-10.xsd"))


def made(result, *, all_findings=True):
    return b"".join(junit.render(result, all_findings))


def outcome(case):
    return case[0].tag if len(case) else None


def check_sums(suites):
    """Hold every sum that a suite states against its cases."""
    for suite in suites:
        cases = suite.findall("testcase")
        assert int(suite.get("tests")) == len(cases)
        for tag, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert int(suite.get(name)) == sum(outcome(case) == tag for case in cases)
    for name in ("tests", "failures", "errors"):
        assert int(suites.get(name)) == sum(int(suite.get(name)) for suite in suites)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("all_findings", [True, False])
def test_samples_are_valid_and_add_up(audited, schema, lang, all_findings):
    for result in audited.values():
        root = etree.fromstring(made(replace(result, lang=lang), all_findings=all_findings))
        schema.assertValid(root)
        check_sums(root)
        assert {suite.get("name") for suite in root[:-1]} == {rule.id for rule in result.rules}
        assert [case.get("name") for case in root[-1]] == [clause.id for clause in result.manual]
        times = root.xpath("//@time")
        assert set(times) == {"0"}


def test_every_finding_is_a_case_with_the_outcome_of_its_verdict(audited, twisted):
    for result in (*audited.values(), twisted.make(["a", "b", "c"])):
        root = etree.fromstring(made(result))
        check_sums(root)
        told = [
            (c.get("classname"), c.get("name"), outcome(c)) for s in root[:-1] for c in s.findall("testcase")
        ]
        expected = [(f.rule, f.subject, OUTCOME[f.verdict]) for f in result.findings.rows()]
        assert told == expected


def test_passes_that_are_not_listed_are_one_case_a_rule(audited):
    result = audited["shanghai_violations"]
    root = etree.fromstring(made(result, all_findings=False))
    for suite in root[:-1]:
        settled = {v: n for v, n in result.counts[suite.get("name")].items() if Verdict(v) in SETTLED}
        hidden = [case for case in suite.findall("testcase") if " subjects: " in case.get("name")]
        assert [case.get("name").split()[0] for case in hidden] == [str(n) for n in settled.values()]
        assert [outcome(case) for case in hidden] == [OUTCOME[Verdict(v)] for v in settled]


def test_ugly_texts_are_shown_and_not_obeyed(twisted, schema):
    for at in range(len(twisted.ugly) - 2):
        data = made(twisted.make(twisted.ugly[at : at + 3]))
        root = etree.fromstring(data)
        schema.assertValid(root)
        text = data.decode("utf-8")
        assert not re.search(
            "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]", text
        )
        assert not root.xpath("//img | //script")


@given(text=st.text() | st.text(st.sampled_from("\x00\x0b\ud800\udfff\ufffe\uffff<&\"'\u0085]>")))
def test_any_text_stands_in_xml(text):
    written = junit.words(text)
    root = etree.fromstring(f'<a b="{written}">{written}</a>'.encode())
    assert root.text == root.get("b") or (not root.text and not root.get("b"))
    plain = "".join(c for c in text if c.isalnum() and c.isascii())
    assert plain in "".join(c for c in (root.text or "") if c.isalnum() and c.isascii()) or len(text) > len(
        plain
    )
