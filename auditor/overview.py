"""The card of a result in a notebook: the verdict in words, what it rests on, and how to go on."""

from __future__ import annotations

import html
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from auditor import cards
from auditor.cards import Html, escaped, tag
from auditor.errors import visible
from auditor.findings import SETTLED, UNDECIDED, WORST_FIRST, Verdict
from auditor.language import Text, both, say
from auditor.messages import DECLARED_ONLY, LABELS, VERDICTS, label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.findings import Batch, Finding, RuleFindings
    from auditor.result import AuditResult

COLOURS = {Verdict.FAIL: "#b3261e", Verdict.PASS: "#1b6e3c", Verdict.NOT_APPLICABLE: "#5a5a5a"}
UNDECIDED_COLOUR = "#8a5a00"
SHOWN = (Verdict.FAIL, Verdict.ERROR, Verdict.NOT_CHECKED, Verdict.INCONCLUSIVE, Verdict.PASS)
TOP = 8
MESSAGE = 400
FRAME_HEIGHT = 560
DECLARED = 3  # grade E3


def result_card(result: AuditResult, lang: str | None = None) -> str:
    """Show a result: verdict, what is open, counts by rule, what needs a person, how to go on."""
    lang = lang or result.lang
    case = result.case
    name = case.declaration.operator.name
    colour = COLOURS.get(result.verdict, UNDECIDED_COLOUR)
    day = say("as of {day}", day=case.as_of.isoformat()).in_(lang)
    area = case.area_name(case.area)
    groups = _groups(result)
    return cards.card(
        Html(f"{cards.badge(verdict_text(result), colour, lang)} {escaped(name)}"),
        tag("div", day, " · ", area, style="line", lang=lang),
        tag("div", escaped(headline(result, lang), lang, MESSAGE), style="line"),
        *([tag("div", LABELS["partial"], style="line", lang=lang)] if result.partial else []),
        cards.titled(both("What is open"), _open(result, groups, lang), lang) if groups else Html(""),
        _rules(result, lang),
        _person(result, lang),
        cards.titled(both("How to go on"), _onward(groups), lang),
        tag("div", LABELS["facts"], style="line", lang=lang),
    )  # fmt: skip


def proven(result: AuditResult) -> bool:
    """Whether every pass under the circular rests on confirmed documents."""
    passes = [
        batch.grade
        for found in result.findings.rules
        for batch in found.batches
        if batch.verdict == Verdict.PASS and found.basis == "circular"
    ]
    return all(int(np.max(grade)) < DECLARED for grade in passes)


def verdict_text(result: AuditResult) -> Text:
    """Name the verdict of a run; a pass on the operator's word alone says so."""
    declared_only = result.verdict == Verdict.PASS and not proven(result)
    return DECLARED_ONLY if declared_only else VERDICTS[result.verdict]


def why_nothing(result: AuditResult) -> list[str]:
    """Say once why nothing applies, where nothing does."""
    if result.verdict != Verdict.NOT_APPLICABLE:
        return []
    told = [result.message(f) for f in result.findings.rows() if f.subject == "operator" and not f.args]
    return list(dict.fromkeys(told))


def held(found: RuleFindings) -> bool:
    """Whether a rule passed, and nothing of it is open."""
    counts = found.counts()
    return set(counts) <= SETTLED and counts[Verdict.PASS] > 0


class Tally(NamedTuple):
    """What a run comes to: findings that fail or are undecided, clauses that hold or need a person."""

    fails: int
    undecided: int
    passed: int
    manual: int


def tally(result: AuditResult) -> Tally:
    """Count what a run comes to; of related law, only what holds counts."""
    fails = undecided = 0
    passed: set[str] = set()
    for found in result.findings.rules:
        counts = found.counts()
        if found.basis != "related_law":
            fails += counts[Verdict.FAIL]
            undecided += sum(counts[verdict] for verdict in UNDECIDED)
        if held(found):
            passed |= set(found.clauses)
    return Tally(fails, undecided, len(passed), len(result.manual))


def headline(result: AuditResult, lang: str) -> str:
    """Say in a sentence what a run comes to."""
    told = tally(result)
    return label(
        "headline",
        lang,
        fails=f"{told.fails:,}",
        undecided=f"{told.undecided:,}",
        passed=told.passed,
        manual=told.manual,
    )


class Group:
    """Open findings of one rule with one message: how many, and one of them."""

    def __init__(self, result: AuditResult, found: RuleFindings, batch: Batch) -> None:
        self.rule, self.verdict, self.message_id = found.rule, batch.verdict, batch.message
        self.number = len(batch)
        one = replace(found, batches=(batch.take(np.array([0])),))
        self.example: Finding = next(replace(result.findings, rules=(one,)).rows())


def _groups(result: AuditResult) -> list[Group]:
    """Open findings by rule and message, worst first, then the most; one batch is one group."""
    groups: dict[tuple[str, Verdict, str], Group] = {}
    for found in result.findings.rules:
        for batch in (b for b in found.batches if b.verdict not in SETTLED and len(b)):
            key = (found.rule, batch.verdict, batch.message)
            if key in groups:
                groups[key].number += len(batch)
            else:
                groups[key] = Group(result, found, batch)
    return sorted(groups.values(), key=lambda g: (WORST_FIRST.index(g.verdict), -g.number, g.rule))


def _open(result: AuditResult, groups: Sequence[Group], lang: str) -> Html:
    """Show the groups: what is said of one of each, and what to ask."""
    rows: list[Sequence[object]] = []
    for group in groups[:TOP]:
        message = escaped(result.message(group.example, lang), lang, MESSAGE)
        ask = escaped(result.ask(group.example, lang), lang, MESSAGE)
        colour = COLOURS.get(group.verdict, UNDECIDED_COLOUR)
        told = tag("div", message, *([tag("div", ask, style="line")] if ask else []))
        rows.append(
            [
                cards.badge(VERDICTS[group.verdict], colour, lang),
                group.rule,
                group.number,
                group.example.subject,
                told,
            ]
        )
    rest = len(groups) - TOP
    more = [tag("div", say("and {number:,} more", number=rest), style="line", lang=lang)] if rest > 0 else []
    heads = ["", both("rule"), both("subjects"), both("for example"), both("what is found, what to ask")]
    return tag("div", cards.table(heads, rows, lang), *more)


def _rules(result: AuditResult, lang: str) -> Html:
    """Count findings by rule, folded; rules that bind nothing are named on one line."""
    rows: list[Sequence[object]] = []
    idle = []
    for found in result.findings.rules:
        counts = found.counts()
        if any(counts[verdict] for verdict in SHOWN):
            title = result.rule(found.rule).title.in_(lang)
            rows.append([found.rule, title, *(counts[v] or "" for v in SHOWN if _any(result, v))])
        else:
            idle.append(found.rule)
    heads = [both("rule"), "", *(VERDICTS[v] for v in SHOWN if _any(result, v))]
    parts = [cards.table(heads, rows, lang)] if rows else []
    if idle:
        named = f"{LABELS['not_applicable'].in_(lang)}: {', '.join(idle)}"
        parts.append(tag("div", escaped(named, lang, MESSAGE), style="line"))
    return cards.folded(
        say("Findings by rule ({number})", number=len(result.rules)), tag("div", *parts), lang
    )


def _any(result: AuditResult, verdict: Verdict) -> bool:
    return any(verdict in counts for counts in result.counts.values())


def _person(result: AuditResult, lang: str) -> Html:
    """Name the clauses that a person must look at, folded."""
    rows = [
        [clause.id, f"{clause.instrument} {clause.article_zh if lang == 'zh' else clause.article}",
         (clause.reason_zh if lang == "zh" else clause.reason_en) or ""]
        for clause in result.manual
    ]  # fmt: skip
    heads = [both("clause"), "", WHY]
    title = say("Clauses that need a person: {number}", number=len(rows))
    return cards.folded(title, cards.table(heads, rows, lang), lang)


WHY = both("why")


def _onward(groups: Sequence[Group]) -> Html:
    """Give calls that lead on, for the worst that is open."""
    lines = []
    for group in groups[:1]:
        found = group.example
        lines.append(f"print(result.explain({found.rule!r}, {found.subject!r}))")
        if any(found.details.get(kind) for kind in ("path", "path_to_gate")):
            lines.append(f"result.plot_paths({found.subject!r})")
    lines += ["result.to_frame()", "result.plot()", "result.explore()"]
    return tag("div", *(tag("div", line) for line in lines), style="code")


@dataclass(frozen=True)
class Framed:
    """A page that a notebook shows in a frame of its own, cut off from the notebook.

    Parameters
    ----------
    page
        A whole HTML document that needs nothing from elsewhere.
    height
        Of the frame, in pixels.
    title
        Of the frame, for those who hear it.
    """

    page: str
    height: int = FRAME_HEIGHT
    title: Text | str = ""

    def _repr_html_(self) -> str:
        """Give the frame: scripts run in it, yet reach neither the notebook nor its cookies."""
        return (
            f'<iframe srcdoc="{html.escape(self.page)}" sandbox="allow-scripts" '
            f'title="{escaped(self.title)}" style="width:100%;height:{int(self.height)}px;'
            'border:1px solid rgba(128,128,128,.35);border-radius:8px"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<Framed map of {visible(str(self.title)[: cards.CELL])}>"
