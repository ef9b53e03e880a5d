"""The result as JUnit XML, for the test pages of build servers: one suite a rule, one case a finding.

What passes is a passed case, a fail a failure; what is inconclusive, broke off or was not checked is an
error; what does not apply, or needs a person, is skipped. Passes that are not listed are one case a rule.
JUnit carries no more than that and is not read back. Times are nought: no clock is asked.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from auditor.errors import visible
from auditor.explaining import EXPLAIN_WORDS, fact_name
from auditor.findings import SETTLED, Verdict
from auditor.language import both
from auditor.language import render as filled
from auditor.messages import VERDICTS
from auditor.reports import Report
from auditor.reports._standard import PATHS, Tail, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.reports._standard import Shown
    from auditor.result import AuditResult
    from auditor.rule import Rule

TAGS = {
    Verdict.FAIL: "failure",
    Verdict.INCONCLUSIVE: "error",
    Verdict.ERROR: "error",
    Verdict.NOT_CHECKED: "error",
    Verdict.NOT_APPLICABLE: "skipped",
    Verdict.MANUAL: "skipped",
}
SUMS = {"failure": "failures", "error": "errors", "skipped": "skipped"}
SUMS_SHOWN = ("tests", *SUMS.values())
NO_CHARACTERS = re.compile("[\ufffe\uffff]")  # XML 1.0 forbids them, and Unicode calls them no characters
HIDDEN = both("{number} subjects: {verdict}")
PERSON = both("Clauses that need a person")
UNSEEN = both("No observations were given, without which its rules see nothing.")


def words(value: object) -> str:
    r"""Write text into XML; what XML forbids, or a terminal would obey, is shown as its escape.

    Examples
    --------
    >>> words("a<b\x00\u202e\uffff")
    'a&lt;b\\x00\\u202e\\uffff'
    """
    text = str(value)
    if not text.isprintable():
        text = NO_CHARACTERS.sub(lambda found: ascii(found[0])[1:-1], visible(text))
    return html.escape(text)


def render(result: AuditResult, all_findings: bool) -> Iterator[bytes]:  # noqa: FBT001
    """Give the document suite by suite."""
    suites = [_Suite(result, rule, all_findings=all_findings) for rule in result.rules]
    totals = Counter({"skipped": len(result.manual), "tests": len(result.manual)})
    for suite in suites:
        totals += suite.totals
    name = f"{result.case.declaration.operator.name}: {VERDICTS[result.verdict].in_(result.lang)}"
    sums = _sums(totals, "tests", "failures", "errors")
    yield b'<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<testsuites name="{words(name)}"{sums} time="0">\n'.encode()
    found = groupby(shown(result, all_findings, Tail()), key=lambda one: one.finding.rule)
    ahead = next(found, None)
    for suite in suites:
        yield suite.opening().encode()
        if ahead is not None and ahead[0] == suite.rule.id:
            yield from (_case(one, result.lang).encode() for one in ahead[1])
            ahead = next(found, None)
        yield b"</testsuite>\n"
    yield _manual(result).encode() + b"</testsuites>\n"


class _Suite:
    """The suite of one rule, with its sums."""

    def __init__(self, result: AuditResult, rule: Rule, *, all_findings: bool) -> None:
        self.rule = rule
        self.lang = result.lang
        counts = {Verdict(name): n for name, n in result.counts.get(rule.id, {}).items()}
        self.hidden = {} if all_findings else {v: n for v, n in counts.items() if v in SETTLED and n}
        self.totals: Counter[str] = Counter()
        for verdict, number in counts.items():
            cases = 1 if verdict in self.hidden else number
            self.totals["tests"] += cases
            if verdict in TAGS:
                self.totals[SUMS[TAGS[verdict]]] += cases

    def opening(self) -> str:
        """Give the suite up to its cases; what is not listed stands as one case a verdict."""
        rule = self.rule
        facts = {
            "title": rule.title.in_(self.lang),
            "basis": rule.basis,
            "severity": rule.severity,
            "clauses": ", ".join(rule.clauses),
        }
        lines = [
            f'<testsuite name="{rule.id}"{_sums(self.totals, *SUMS_SHOWN)} time="0">',
            "<properties>",
            *(f'<property name="{name}" value="{words(value)}"/>' for name, value in facts.items()),
            "</properties>",
        ]
        for verdict, number in self.hidden.items():
            args = {"number": number, "verdict": VERDICTS[verdict].in_(self.lang)}
            name = filled(HIDDEN.in_(self.lang), args, self.lang)
            lines.append(_testcase(rule.id, name, verdict, "", ""))
        return "\n".join((*lines, ""))


def _sums(totals: Counter[str], *names: str) -> str:
    return "".join(f' {name}="{totals[name]}"' for name in names)


def _testcase(suite: str, name: str, verdict: Verdict, told: str, body: str) -> str:
    """Give one case; `body` is already XML."""
    opening = f'<testcase classname="{words(suite)}" name="{words(name)}" time="0"'
    if verdict not in TAGS:
        return f"{opening}/>"
    tag = TAGS[verdict]
    outcome = f'<{tag} type="{verdict}" message="{words(told)}">{body}</{tag}>'
    return f"{opening}>{outcome}</testcase>"


def _case(one: Shown, lang: str) -> str:
    """Give one finding."""
    record, verdict = one.record, one.finding.verdict
    ways = [
        (
            fact_name(record["rule"], name).in_(lang),
            " → ".join(node or "?" for node in record["details"][name]),
        )
        for name in PATHS
        if record["details"].get(name)
    ]
    lines = [
        (EXPLAIN_WORDS["verdict"].in_(lang), VERDICTS[verdict].in_(lang)),
        (EXPLAIN_WORDS["clause"].in_(lang), record["clause"]),
        *ways,
        (EXPLAIN_WORDS["evidence"].in_(lang), record["grade"]),
        ("fingerprint", record["fingerprint"]),
    ]
    if record["ask"]:
        lines.append((EXPLAIN_WORDS["next"].in_(lang), record["ask"]))
    body = "\n".join(f"{words(name)}: {words(value)}" for name, value in lines)
    return _testcase(record["rule"], record["subject"], verdict, record["message"], body) + "\n"


def _manual(result: AuditResult) -> str:
    """Give the suite of the clauses that a person must judge."""
    if not result.manual:
        return ""
    lang, number = result.lang, len(result.manual)
    cases = []
    for clause in result.manual:
        reason = (clause.reason_zh if lang == "zh" else clause.reason_en) or UNSEEN.in_(lang)
        cases.append(_testcase("manual", clause.id, Verdict.MANUAL, reason, words(clause.zh)))
    sums = _sums(Counter({"tests": number, "skipped": number}), *SUMS_SHOWN)
    opening = f'<testsuite name="{words(PERSON.in_(lang))}"{sums} time="0">'
    return "\n".join((opening, *cases, "</testsuite>", ""))


REPORT = Report("junit", (".xml",), render)
