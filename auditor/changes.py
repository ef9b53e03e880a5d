"""What changed between two results, and whether the network changed or what it was held against."""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor import engine
from auditor.errors import UsageError, visible
from auditor.explaining import says
from auditor.findings import SETTLED, Verdict
from auditor.language import Said, Text, both, say, told
from auditor.reports import read_result
from auditor.reports._content import settled, to_dict
from auditor.result import AuditResult
from auditor.terms import View, differences, other_terms

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    import pandas as pd

    from auditor.rule import Rule
    from auditor.terms import Key

# In the order in which people want them.
CHANGES: Mapping[str, Text] = {
    "new": both("new"),
    "changed": both("changed"),
    "newly_evaluated": both("not evaluated before"),
    "rule_changed": both("the rule changed"),
    "zone_changed": both("the zones changed"),
    "policy_changed": both("the policy changed"),
    "no_longer_evaluated": both("no longer evaluated"),
    "fixed": both("fixed"),
    "still": both("as before"),
}
REASONS: Mapping[str, Text] = {
    "not_run": both("the rule was not run"),
    "no_answer": both("the rule gave no answer"),
    "not_bound": both("the rule does not apply any more"),
    "gone": both("the subject is no longer declared, or no longer one that the rule judges"),
    "unlisted": both("the later result does not list what passes; write it with --all"),
    "unlisted_before": both("the earlier result does not list what passes; write it with --all"),
}
NO_ANSWER = frozenset({Verdict.ERROR, Verdict.NOT_CHECKED})
SHOWN = 20  # rows in a notebook


@dataclass(frozen=True, slots=True)
class Change:
    """One rule and subject of which one of two results says more than pass.

    Parameters
    ----------
    rule, subject
        Of the findings.
    change
        A key of `CHANGES`.
    before, after
        Verdicts; None where the result does not speak of the subject.
    because
        What else differs between the two: why it may have changed without the network.
    earlier, later
        Findings as they stand in the results; None where it settled or is not there.
    """

    rule: str
    subject: str
    change: str
    before: str | None
    after: str | None
    because: tuple[Text | Said, ...] = ()
    earlier: Mapping[str, Any] | None = None
    later: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Diff:
    """What changed from one result to a later one; empty where nothing did.

    Parameters
    ----------
    before, after
        The results, in the form that `auditor schema result` states.
    rows
        Every rule and subject that is open in one of the two, what changed first.
    differs
        What else differs between the two runs: date, declaration, zones, policy, rules.
    """

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    rows: tuple[Change, ...]
    differs: tuple[Text | Said, ...] = ()
    lang: str = field(default="en", kw_only=True)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Rows by change, those without any left out."""
        number = Counter(row.change for row in self.rows)
        return {change: number[change] for change in CHANGES if number[change]}

    @property
    def worse(self) -> tuple[Change, ...]:
        """Rows that fail now and did not before, whatever the reason."""
        return tuple(r for r in self.rows if r.after == Verdict.FAIL and r.before != Verdict.FAIL)

    @property
    def open(self) -> tuple[Change, ...]:
        """Rows of which it cannot be said that they hold: undecided anew, or no longer evaluated."""
        unsure = {"new", "newly_evaluated", "changed", "rule_changed", "zone_changed", "policy_changed"}
        return tuple(
            row
            for row in self.rows
            if row.change == "no_longer_evaluated"
            or (row.change in unsure and row.after not in SETTLED and row.after != Verdict.FAIL)
        )

    def to_frame(self) -> pd.DataFrame:
        """Give one row a change: rule, subject, change, before, after, because, messages, fingerprint."""
        import pandas as pd  # noqa: PLC0415 -- a third of a second that the command line need not pay

        return pd.DataFrame(self.records(), columns=list(RECORD))

    def records(self) -> list[dict[str, Any]]:
        """Give one mapping a change, in plain values."""
        return [self.record(row) for row in self.rows]

    def _message(self, row: Change, record: Mapping[str, Any] | None) -> str:
        """Give what a finding says in the language of the diff, or as it was written."""
        rule = self._rules.get(row.rule)
        if record is None or rule is None:
            return str((record or {}).get("message", ""))
        try:
            return says(rule, record, self.lang)[0]
        except (KeyError, ValueError):  # a message that another version filled with other arguments
            return str(record["message"])

    @cached_property
    def _rules(self) -> dict[str, Rule]:
        return {rule.id: rule for rule in engine.all_rules()}

    def record(self, row: Change) -> dict[str, Any]:
        """Give one change in plain values."""
        return {
            "rule": row.rule,
            "subject": row.subject,
            "change": row.change,
            "before": row.before,
            "after": row.after,
            "because": ("；" if self.lang == "zh" else "; ").join(told(t, self.lang) for t in row.because),
            "message_before": self._message(row, row.earlier),
            "message_after": self._message(row, row.later),
            "fingerprint": (row.later or row.earlier or {}).get("fingerprint", ""),
        }

    def __repr__(self) -> str:
        counted = ", ".join(f"{number:,} {CHANGES[change].en}" for change, number in self.counts.items())
        verdicts = f"{self.before['verdict']} -> {self.after['verdict']}"
        return (
            f"<Diff {verdicts} for {self.after['operator']['name']}: {counted or 'nothing open in either'}>"
        )

    def _repr_html_(self) -> str:
        """Show it in a notebook: one line, and the first rows."""
        shown = self.to_frame().drop(columns="fingerprint").head(SHOWN)
        shown = shown.map(lambda cell: visible(cell) if isinstance(cell, str) else "")
        return f"<p>{html.escape(visible(repr(self)))}</p>{shown.to_html(index=False, escape=True)}"


RECORD = (
    *("rule", "subject", "change", "before", "after", "because"),
    *("message_before", "message_after", "fingerprint"),
)


def diff(
    before: AuditResult | Mapping[str, Any] | str | PathLike[str],
    after: AuditResult | Mapping[str, Any] | str | PathLike[str],
    *,
    again: Mapping[str, Any] | None = None,
    lang: str = "en",
) -> Diff:
    """Say what changed from one result to a later one of the same operator.

    What is no longer evaluated (the rule was not run or gave no answer, the subject is no longer declared)
    never counts as fixed. Where the rule, the zones or the policy differ between the two, a change is called
    after them: of two results at hand, the earlier declaration is judged once more on the later terms to
    tell; of results that were read, whatever they may have changed is.

    Parameters
    ----------
    before, after
        What `check` gave, or a file that a run wrote (JSON, SARIF, OSCAL), or what `read_result` gave.
    again
        What the earlier declaration comes to on the later terms, where two results were read and somebody
        judged it so.
    lang
        Language of the reasons, ``en`` or ``zh``.

    Raises
    ------
    UsageError
        Results of two operators, or a file that is no result.
    """
    older, newer = View(_values(before)), View(_values(after))
    _same_operator(older.result["operator"], newer.result["operator"])
    middle = None if again is None else View(again)
    if isinstance(before, AuditResult) and isinstance(after, AuditResult) and other_terms(older, newer):
        middle = View(_values(_judged_again(before, after)))
    differing = tuple(differences(older.result, newer.result))
    rows = [_change(older, newer, middle, key) for key in sorted(older.open | newer.open)]
    order = list(CHANGES)
    rows.sort(key=lambda row: (order.index(row.change), row.rule, row.subject))
    return Diff(older.result, newer.result, tuple(rows), differing, lang=lang)


def _values(result: AuditResult | Mapping[str, Any] | str | PathLike[str]) -> Mapping[str, Any]:
    if isinstance(result, AuditResult):
        return {**to_dict(result), "settled": settled(result, inf)}
    if isinstance(result, str | Path) or hasattr(result, "__fspath__"):
        return read_result(result)
    return result


def _same_operator(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Refuse to hold one operator's result against another's."""
    named = [operator["uscc"] for operator in (before, after)]
    if None in named:
        named = [operator["name"] for operator in (before, after)]
    if named[0] != named[1]:
        told = [f"{operator['name']} ({operator['uscc'] or '-'})" for operator in (before, after)]
        raise UsageError(
            say("these are results of two operators: {first} and {second}", first=told[0], second=told[1])
        )


def _judged_again(before: AuditResult, after: AuditResult) -> AuditResult:
    """Judge the earlier declaration on the later terms: zones, policy, least grade."""
    own, terms = before.case, after.case
    return engine.check(
        own.declaration,
        areas=terms.areas,
        as_of=own.as_of,
        only=[rule.id for rule in before.rules],
        policy=terms.policy,
        confirmed=own.confirmed,
        observations=own.observations,
        min_grade=after.min_grade,
        lang=before.lang,
    )


def _change(older: View, newer: View, middle: View | None, key: Key) -> Change:
    """Say how one rule and subject changed."""
    before, after = older.listed.get(key), newer.listed.get(key)
    change, because = _kind(older, newer, key)
    plain = change in {"still", "no_longer_evaluated", "newly_evaluated"}
    terms = [] if plain else other_terms(older, newer, key[0])
    if terms and middle is not None and _unmoved(older, middle, key):
        terms = []
    because = (*because, *(CHANGES[term] for term in terms))
    if terms and middle is not None and key in middle.open | newer.open and middle.listed.get(key) != after:
        change, _ = _kind(middle, newer, key)  # the terms tell one part of it, the network the other
    elif terms:
        change = terms[0]
    return Change(*key, change, before, after, because, older.found.get(key), newer.found.get(key))


def _unmoved(older: View, middle: View, key: Key) -> bool:
    """Whether the later terms say the same of the earlier declaration."""
    return middle.listed.get(key) == older.listed.get(key) and _same(older, middle, key)


def _kind(older: View, newer: View, key: Key) -> tuple[str, tuple[Text | Said, ...]]:
    """Say how it changed as far as the two results go, and why it is not evaluated where it is not."""
    before, after = older.listed.get(key), newer.listed.get(key)
    if key in older.open:
        lost = _not_evaluated(newer, key)
        if lost and not (before in NO_ANSWER and after in NO_ANSWER):
            return "no_longer_evaluated", (REASONS[lost],)
        if key in newer.open:
            return ("still" if _same(older, newer, key) else "changed"), ()
        return "fixed", ()
    if not older.ran(key[0]):
        return "newly_evaluated", (REASONS["not_run"],)
    if before is None and older.unlisted(key[0]):
        return "new", (REASONS["unlisted_before"],)
    return "new", ()


def _not_evaluated(newer: View, key: Key) -> str | None:
    """Say why the later result has no answer on what was open, if it has none."""
    rule, _ = key
    after = newer.listed.get(key)
    if after in NO_ANSWER:
        return "no_answer"
    if after == Verdict.NOT_APPLICABLE:
        return "not_bound"
    if after is not None:
        return None
    if not newer.ran(rule):
        return "not_run"
    if newer.unlisted(rule):
        return "unlisted"
    return "gone" if newer.bound(rule) else "not_bound"


def _same(older: View, newer: View, key: Key) -> bool:
    """Whether two results say the same on the same facts; neither their language nor their date counts."""
    before, after = older.found.get(key), newer.found.get(key)
    if before is None or after is None:
        return before is after
    if any(before[name] != after[name] for name in ("verdict", "message_id")):
        return False
    return all(_undated(before[n], older) == _undated(after[n], newer) for n in ("args", "details"))


def _undated(values: Mapping[str, Any], view: View) -> dict[str, Any]:
    """Leave out what is the date of the result: what is open on another day is open as before."""
    day = view.result["as_of"]
    return {name: value for name, value in values.items() if value != day}
