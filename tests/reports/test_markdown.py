"""The result as Markdown: short enough for a comment, the same bytes again, and nothing in it that acts.

`AUDITOR_UPDATE_GOLDEN=1` writes the golden files anew; look at the difference before you commit it.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from auditor import __version__
from auditor.errors import visible
from auditor.findings import Batch, RuleFindings, Verdict
from auditor.reports.csv_ import REPORT as CSV
from auditor.reports.markdown import APART, MOST, REPORT, code, cut, escaped, plainly

GOLDEN = Path(__file__).parents[1] / "golden" / "reports"
HURT = (
    "</script><img src=x onerror=alert(1)>",
    "[click](javascript:alert(1)) ![i](http://evil.example/x.png) <http://evil.example> [r]: http://e.example",
    "@octocat and @org/team, #12, GH-7, you@evil.example",
    "http://evil.example www.evil.example HTTPS://EVIL.example ftp://evil.example",
    "a | b \\| c \\\\| d",
    "`code` ``` fence ~~~",
    "* _x_ **y** ~~z~~ $\\sum$ $$x$$",
    "# head\n- entry\n> quotation\n\n---\n\n    code\n1. one\n<!-- x -->",
    "&amp; &lt;b&gt; &#60;",
    "=== \u202eevil\x1b[31m\x00",
)


def text_of(result, all_findings=False):  # noqa: FBT002
    return b"".join(REPORT.render(result, all_findings)).decode("utf-8")


def kinds(text):
    """Kinds of all that a Markdown reader sees, and the text that it shows."""
    inline, shown = set(), ""
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        inline.add(token.type)
        for part in token.children or ():
            inline.add(part.type)
            shown += part.content
    return inline, shown


# --- texts --------------------------------------------------------------------------------------------------


def said(text):
    """What a text says when nothing of it acts."""
    return plainly(text)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.sampled_from(HURT))
@example("\\`*")
@example("a\\")
def test_escaped_text_is_text_and_nothing_else(text):
    found, shown = kinds(f"- x: {escaped(text)}")
    assert found <= {
        "bullet_list_open",
        "list_item_open",
        "paragraph_open",
        "inline",
        "paragraph_close",
        "list_item_close",
        "bullet_list_close",
        "text",
        "text_special",
    }
    assert shown.replace("\u200b", "").removeprefix("x:").strip() == said(text).strip()


@given(st.text("`ab |\\*", max_size=12))
def test_a_code_span_holds_its_text(text):
    found, shown = kinds(f"x {code(text)} y")
    assert "code_inline" in found and found <= {
        "paragraph_open",
        "inline",
        "paragraph_close",
        "text",
        "code_inline",
    }
    assert shown == f"x {said(text) or '?'} y"


@pytest.mark.parametrize("text", HURT)
def test_nothing_links_mentions_or_refers(text):
    written = unescape(escaped(text).replace("&lt;", "‹").replace("&amp;", "+"))
    assert not re.search(r"@\w|#\d|\w://|www\.|GH-|mailto:", written, re.IGNORECASE)
    assert "<" not in written and not re.search(r"(?<!\\)[\[\]|`*_~$]", written.replace(r"\\", ""))


def test_long_texts_are_cut_and_say_by_how_much():
    assert cut("x" * 700) == "x" * 600 + "…(+100)"
    assert len(escaped("@" * 100_000)) < 600 * (1 + len(APART)) + 20


# --- reports ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("all_findings", [False, True])
def test_hostile_texts_do_nothing(lang, all_findings, twisted):
    for first in range(0, len(HURT), 3):
        text = text_of(twisted.make([*HURT[first:], *HURT[:first]], (1,), lang), all_findings)
        found, _ = kinds(text)
        assert not found & {
            "html_inline",
            "html_block",
            "link_open",
            "image",
            "fence",
            "code_block",
            "hr",
            "s_open",
        }
        outside = re.sub(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", "", text)
        assert not re.search(r"@\w|#\d|\w://|www\.", unescape(outside))
        assert all(c.isprintable() for line in text.split("\n") for c in line)


def test_headings_are_ours_alone(twisted):
    text = text_of(twisted.make(HURT, (), "en"))
    heads = [line for line in text.splitlines() if line.startswith("#")]
    assert heads[0].startswith("## ") and len(heads) < 12
    assert all("evil" not in line for line in heads)


@pytest.fixture(scope="module")
def crowd(audited):
    """A result with many groups of findings under long names."""
    base = audited["shanghai_violations"]
    rule = next(r for r in base.rules if r.id == "PILOT-ISP-02")
    base = replace(base, rules=(rule,))
    first = next(f for f in audited["shanghai_violations"].unsettled if f.rule == rule.id)

    def make(number):
        ids = [f"n{i} {'名' * 40}" for i in range(number)]
        batches = tuple(
            Batch(
                Verdict.FAIL,
                first.message_id,
                [name],
                "node",
                first.args,
                {**first.details, "handoff": [name, f"x{i}"]},
            )
            for i, name in enumerate(ids)
        )
        found = RuleFindings(rule.id, rule.basis, rule.clauses, rule.severity, batches)
        return replace(base, findings=replace(base.findings, rules=(found,)))

    return make


def test_what_does_not_fit_is_left_out_and_counted(crowd):
    number = 500
    text = text_of(crowd(number))
    assert MOST * 0.7 < len(text.encode()) <= MOST
    shown = text.count("❌ **fail**")
    groups, findings = map(
        int, re.search(r"Left out for length: (\d+) groups with (\d+) findings", text).groups()
    )
    assert groups == findings == number - shown and shown > 30
    assert "Clauses that need a person" in text  # what stands after the findings keeps its room


def test_all_fits_is_not_cut(crowd, audited):
    assert "Left out" not in text_of(crowd(3))
    for result in audited.values():
        text = text_of(result, True)
        assert len(text.encode()) <= MOST
        if "Left out" not in text:
            told = {f.rule for f in result.findings.rows()}
            assert told <= set(re.findall(r"^### (PILOT-\w+-\d+)", text, re.MULTILINE))


def test_it_says_what_fails_and_why(audited):
    text = text_of(audited["shanghai_violations"])
    assert text.startswith("## ❌ Audit under Circular 107: fail")
    assert "`sub-lg-firms` → `olt-lg-1` → `agg-lg-1` → `border-lg-1` → `ixp-sh-1`" in text
    assert "143,124 m" in text and "**next**: Move the facility" in text
    assert "2 subjects by `border-lg-1` → `ixp-sh-1`" in text


def test_a_pass_on_declared_evidence_says_so(audited):
    assert "pass (declared only)" in text_of(audited["beijing_idc"]).split("\n", 1)[0]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(("report", "suffix"), [(REPORT, "md"), (CSV, "csv")])
def test_golden(lang, report, suffix, audited):
    result = replace(audited["saas_nationwide_cdn"], lang=lang)
    path = GOLDEN / f"saas_nationwide_cdn.{lang}.{suffix}"
    written = b"".join(report.render(result, False)).decode().replace(__version__, "VERSION")
    if os.environ.get("AUDITOR_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(written, "utf-8", newline="")
    assert written == path.read_bytes().decode()


def test_observations_are_told_and_counted(audited):
    text = text_of(audited["shanghai_disagreements observed"], True)
    assert "**seen**" in text or not np.any(
        [f.observations for f in audited["shanghai_disagreements observed"].findings.rows()]
    )
    assert visible(text.replace("\n", "")) == text.replace("\n", "")
