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
from auditor.findings import SETTLED, Verdict
from auditor.language import Said, Text, both, say, told
from auditor.reports import read_result
from auditor.reports._content import settled, to_dict
from auditor.result import AuditResult

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from os import PathLike

    import pandas as pd

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
Key = tuple[str, str]


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


class View:
    """A result, looked up by rule and subject."""

    def __init__(self, result: Mapping[str, Any]) -> None:
        self.result = result
        self.found = {(f["rule"], f["subject"]): f for f in result["findings"]}
        self.listed: dict[Key, str] = {key: f["verdict"] for key, f in self.found.items()}
        named = result.get("settled")
        for rule, own in (named or {}).items():
            for verdict, subjects in own.items():
                self.listed |= {(rule, subject): verdict for subject in subjects}
        self.complete = len(self.listed) >= sum(sum(own.values()) for own in result["counts"].values())
        self.rules = {rule["id"]: rule for rule in result.get("rules", ())}

    def ran(self, rule: str) -> bool:
        """Whether the rule was run."""
        return rule in self.result["counts"]

    def bound(self, rule: str) -> bool:
        """Whether the rule applied to anything."""
        return bool(self.result["counts"].get(rule, {}).keys() - {str(Verdict.NOT_APPLICABLE)})

    def unlisted(self, rule: str) -> bool:
        """Whether a subject that is not listed may have settled."""
        return not self.complete and bool(self.result["counts"].get(rule, {}).keys() & set(map(str, SETTLED)))

    @cached_property
    def zones(self) -> list[str]:
        """Digests of the zones."""
        return _digests(self.result["zones"])

    @cached_property
    def open(self) -> frozenset[Key]:
        """What did not settle."""
        return frozenset(key for key, verdict in self.listed.items() if verdict not in SETTLED)


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

    def record(self, row: Change) -> dict[str, Any]:
        """Give one change in plain values, messages as the results hold them."""
        return {
            "rule": row.rule,
            "subject": row.subject,
            "change": row.change,
            "before": row.before,
            "after": row.after,
            "because": ("；" if self.lang == "zh" else "; ").join(told(t, self.lang) for t in row.because),
            "message_before": (row.earlier or {}).get("message", ""),
            "message_after": (row.later or {}).get("message", ""),
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
        shown = self.to_frame().drop(columns="fingerprint").head(SHOWN).map(lambda cell: visible(cell or ""))
        return f"<p>{html.escape(visible(repr(self)))}</p>{shown.to_html(index=False, escape=True)}"


RECORD = (
    *("rule", "subject", "change", "before", "after", "because"),
    *("message_before", "message_after", "fingerprint"),
)


def diff(
    before: AuditResult | Mapping[str, Any] | str | PathLike[str],
    after: AuditResult | Mapping[str, Any] | str | PathLike[str],
    *,
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
    lang
        Language of the reasons, ``en`` or ``zh``.

    Raises
    ------
    UsageError
        Results of two operators, or a file that is no result.
    """
    older, newer = View(_values(before)), View(_values(after))
    _same_operator(older.result["operator"], newer.result["operator"])
    middle = None
    if isinstance(before, AuditResult) and isinstance(after, AuditResult) and _terms(older, newer):
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
    terms = (
        [] if change in {"still", "no_longer_evaluated", "newly_evaluated"} else _terms(older, newer, key[0])
    )
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
    return middle.listed.get(key) == older.listed.get(key) and _same(
        older.found.get(key), middle.found.get(key)
    )


def _kind(older: View, newer: View, key: Key) -> tuple[str, tuple[Text | Said, ...]]:
    """Say how it changed as far as the two results go, and why it is not evaluated where it is not."""
    before, after = older.listed.get(key), newer.listed.get(key)
    if key in older.open:
        lost = _not_evaluated(newer, key)
        if lost and not (before in NO_ANSWER and after in NO_ANSWER):
            return "no_longer_evaluated", (REASONS[lost],)
        if key in newer.open:
            same = _same(older.found[key], newer.found[key])
            return ("still" if same else "changed"), ()
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


def _same(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> bool:
    """Whether two findings say the same on the same facts; their language does not count."""
    if before is None or after is None:
        return before is after
    return all(before[name] == after[name] for name in ("verdict", "message_id", "args", "details"))


def _terms(older: View, newer: View, rule: str | None = None) -> list[str]:
    """Name what the two were held against that differs: the rule, the zones, the policy."""
    found = []
    a, b = older.result, newer.result
    shared = older.rules.keys() & newer.rules.keys() & ({rule} if rule else older.rules.keys())
    if any(older.rules[r]["sha256"] != newer.rules[r]["sha256"] for r in shared):
        found.append("rule_changed")
    placed = rule is None or newer.rules.get(rule, {}).get("placed", True)
    if placed and older.zones != newer.zones:
        found.append("zone_changed")
    if a["policy_sha256"] != b["policy_sha256"] or a.get("min_grade") != b.get("min_grade"):
        found.append("policy_changed")
    return found


def _digests(entries: list[Mapping[str, Any]]) -> list[str]:
    """Digests of files or parts, order aside."""
    return sorted(entry["sha256"] for entry in entries)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Text | Said]:
    """Name what differs between two runs apart from their findings."""
    if before["tool"] != after["tool"]:
        versions = [values["tool"].get("version", "?") for values in (before, after)]
        yield say("version of auditor: {before}, then {after}", before=versions[0], after=versions[1])
    if before["as_of"] != after["as_of"]:
        yield say("date: {before}, then {after}", before=before["as_of"], after=after["as_of"])
    if _digests(before["inputs"]) != _digests(after["inputs"]):
        yield both("what was declared or observed")
    changed = {z["part"] for z in before["zones"] if z["sha256"] not in _digests(after["zones"])}
    changed |= {z["part"] for z in after["zones"] if z["sha256"] not in _digests(before["zones"])}
    if changed:
        yield say("zones: {parts}", parts=sorted(changed))
    if before["policy_sha256"] != after["policy_sha256"]:
        yield both("policy")
    if before.get("min_grade") != after.get("min_grade"):
        yield say(
            "least grade: {before}, then {after}",
            before=before.get("min_grade"),
            after=after.get("min_grade"),
        )
    digests = [{rule["id"]: rule["sha256"] for rule in values.get("rules", ())} for values in (before, after)]
    rules = sorted(r for r in digests[0].keys() & digests[1].keys() if digests[0][r] != digests[1][r])
    if rules:
        yield say("rules: {rules}", rules=rules)
    if before.get("confirmed", []) != after.get("confirmed", []):
        yield both("documents that a review confirms")
