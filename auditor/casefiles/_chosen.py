"""Which findings a case is about, out of a result of this run or a stored one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rapidfuzz import fuzz, process

from auditor import __version__, engine
from auditor.errors import UsageError
from auditor.findings import SETTLED, Finding, Verdict, plain
from auditor.language import say
from auditor.problems import quote
from auditor.reports._content import head
from auditor.result import AuditResult
from auditor.terms import View, other_terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from auditor.language import Said
    from auditor.rule import Rule

NEAR, CUTOFF = 3, 55
# what a finding says, whatever the language
SAID = (
    "rule", "subject", "verdict", "severity", "grade", "clause", "basis", "message_id", "args",
    "details", "observations",
)  # fmt: skip
SETTLED_WORDS = frozenset(map(str, SETTLED))


@dataclass(frozen=True)
class Chosen:
    """The findings of a case and what they stand in.

    Parameters
    ----------
    head
        Head of the result, as `auditor schema result` has it.
    records
        The findings, as the result has them.
    result
        The run itself: for the map, the declared rows and the documents; None for a stored result alone.
    limits
        What cannot be shown, and why.
    """

    head: Mapping[str, Any]
    records: tuple[dict[str, Any], ...]
    result: AuditResult | None
    limits: tuple[tuple[str, dict[str, object]], ...] = ()

    def findings(self) -> list[Finding]:
        """Findings of the records, for what groups them."""
        return [_finding(record) for record in self.records]


def _finding(record: Mapping[str, Any]) -> Finding:
    return Finding(
        rule=record["rule"],
        basis=record.get("basis", "circular"),
        clauses=tuple(filter(None, record.get("clause", "").split(", "))),
        subject=record["subject"],
        verdict=Verdict(record["verdict"]),
        severity=record.get("severity", "info"),
        grade=record.get("grade", "E3"),
        message_id=record["message_id"],
        args=record["args"],
        details=record["details"],
        fingerprint=record["fingerprint"],
        observations=tuple(record.get("observations", ())),
    )


def rule_named(name: str) -> Rule:
    """Find a rule by its id, with or without ``PILOT-``.

    Raises
    ------
    UsageError
        There is none.
    """
    rules = {rule.id: rule for rule in engine.all_rules()}
    known = name.upper() if name.upper() in rules else f"PILOT-{name.upper()}"
    if known not in rules:
        raise UsageError(say("{name}: no such rule; see `auditor rules`", name=name))
    return rules[known]


def choose(
    result: AuditResult | Mapping[str, Any],
    subjects: Sequence[str],
    rule: str | None,
    again: AuditResult | None,
) -> Chosen:
    """Choose the findings of a case.

    Parameters
    ----------
    result
        Of this run, or as it was stored.
    subjects
        ``node:sub-17``; a bare name is a node. All that is open under the rule if there are none.
    rule
        Its id; all that is open on the subjects if not given.
    again
        Of a stored result: its declaration, judged again on the same day.

    Raises
    ------
    UsageError
        A subject or a rule of which the result says nothing, or a declaration that is not that of the result.
    """
    if not subjects and rule is None:
        raise UsageError(say("name a subject or a rule: --subject node:sub-17, --rule PILOT-ISP-02"))
    wanted = [s if ":" in s or s == "operator" else f"node:{s}" for s in dict.fromkeys(subjects)]
    rule_id = rule_named(rule).id if rule is not None else None
    if isinstance(result, AuditResult):
        told, listed = head(result), _live(result, wanted, rule_id)
    else:
        told, listed = dict(result), iter(result["findings"])
    records = [dict(record) for record in _matching(listed, wanted, rule_id)]
    _refuse_lost(result, wanted, rule_id, records)
    if isinstance(result, AuditResult):
        return Chosen(told, tuple(records), result)
    limits = [*_dated(result, records), *([] if again is not None else [("stored", {})])]
    limits.append(("undigested", {}))
    if again is not None:
        limits += _held_against(result, again)
        _judge_anew(result, _matching(_live(again, wanted, rule_id), wanted, rule_id), records)
        told = {**head(again), "tool": result["tool"]}
    return Chosen(told, tuple(records), again, tuple(limits))


def _live(result: AuditResult, wanted: list[str], rule_id: str | None) -> Iterator[dict[str, Any]]:
    """Give findings that may be meant: of one rule all if subjects are named with it, else what is open."""
    own = tuple(found for found in result.findings.rules if rule_id in {None, found.rule})
    verdicts = None if wanted and rule_id else set(Verdict) - SETTLED
    for finding in replace(result.findings, rules=own).rows(verdicts):
        if not wanted or finding.subject in wanted:
            yield plain(result.record(finding))


def _matching(
    listed: Iterable[dict[str, Any]], wanted: list[str], rule_id: str | None
) -> list[dict[str, Any]]:
    """Keep what is named; what holds only where both subject and rule are."""
    names = frozenset(wanted)
    return [
        record
        for record in listed
        if (rule_id in {None, record["rule"]})
        and (not names or record["subject"] in names)
        and (bool(names and rule_id) or record["verdict"] not in SETTLED_WORDS)
    ]


def _refuse_lost(
    result: AuditResult | Mapping[str, Any],
    wanted: list[str],
    rule_id: str | None,
    records: list[dict[str, Any]],
) -> None:
    """Say all at once of which subjects nothing was found, and which names are near.

    Raises
    ------
    UsageError
        If there are any, or nothing is open under the rule.
    """
    found = {record["subject"] for record in records}
    lost = [name for name in wanted if name not in found]
    if not lost and records:
        return
    if not wanted:
        raise UsageError(say("nothing is open under {rule}; name a subject, too", rule=rule_id))
    judged = _judged(result, rule_id)
    told: list[Said] = []
    for name in lost:
        if name in judged:
            told.append(
                say(
                    "nothing is open on {subject}; name the rule that holds (--rule), too",
                    subject=quote(name),
                )
            )
            continue
        near = [
            quote(n)
            for n, _, _ in process.extract(name, judged, scorer=fuzz.ratio, limit=NEAR, score_cutoff=CUTOFF)
        ]
        told.append(
            say("nothing was found on {subject}; near it are {near}", subject=quote(name), near=near)
            if near
            else say("nothing was found on {subject}; `auditor check` lists what was", subject=quote(name))
        )
    raise UsageError(*told)


def _judged(result: AuditResult | Mapping[str, Any], rule_id: str | None) -> list[str]:
    """Names of all subjects of a result, of one rule or all."""
    if isinstance(result, AuditResult):
        table = result.findings
        names = (table.names(b) for f in table.rules if rule_id in {None, f.rule} for b in f.batches)
        return list(dict.fromkeys(name for listed in names for name in listed))
    return list(dict.fromkeys(subject for rule, subject in View(result).listed if rule_id in {None, rule}))


def _dated(
    result: Mapping[str, Any], records: list[dict[str, Any]]
) -> Iterator[tuple[str, dict[str, object]]]:
    """Say what of a stored result another version wrote."""
    before = result["tool"].get("version", "?")
    if before != __version__:
        yield "version", {"before": before, "now": __version__}
    now = {rule.id: rule.sha256 for rule in engine.all_rules()}
    then = {rule["id"]: rule["sha256"] for rule in result.get("rules", ())}
    for name in sorted({record["rule"] for record in records}):
        if name in then and then[name] != now.get(name):
            yield "rule", {"rule": name}


def _held_against(stored: Mapping[str, Any], again: AuditResult) -> list[tuple[str, dict[str, object]]]:
    """Hold a declaration against the result that was stored of it: the digests and the operator.

    Raises
    ------
    UsageError
        A file with other bytes than the run read, or another operator.
    """
    told = head(again)
    digests = {entry["path"]: entry["sha256"] for entry in stored["inputs"]}
    given = {entry["path"]: entry["sha256"] for entry in told["inputs"]}
    wrong = [
        say("{file} is not the file that the result was made of: its bytes differ", file=name)
        if name in digests
        else say("{file} was not read for the result", file=name)
        for name, sha256 in given.items()
        if digests.get(name) != sha256
    ]
    before, now = stored["operator"], told["operator"]
    wrong += [
        say(
            "the result says {before} of the operator's {field}, the declaration {now}: one of them was "
            "edited",
            field=field,
            before=quote(before.get(field)),
            now=quote(value),
        )
        for field, value in now.items()
        if before.get(field) != value
    ]
    if wrong:
        raise UsageError(*wrong)
    limits: list[tuple[str, dict[str, object]]] = []
    if set(other_terms(View(stored), View({**told, "findings": []}))) - {"rule_changed"}:
        limits.append(("terms", {}))
    left = [name for name in digests if name not in given]
    if left:
        limits.append(("left", {"files": left}))
    return limits


def _judge_anew(
    stored: Mapping[str, Any], listed: Iterable[dict[str, Any]], records: list[dict[str, Any]]
) -> None:
    """Put what was judged again in the place of what was stored: texts, too, which nothing else holds.

    Raises
    ------
    UsageError
        Findings that are not found again, say something else, or were left out of the result.
    """
    anew = {record["fingerprint"]: record for record in listed}
    known = {record["fingerprint"] for record in records}
    lost = [_name(record) for record in records if record["fingerprint"] not in anew]
    other = [
        f"{_name(record)} ({', '.join(fields)})"
        for record in records
        if (fields := _differing(record, anew.get(record["fingerprint"], record)))
    ]
    left = [
        _name(record)
        for mark, record in anew.items()
        if mark not in known and record["verdict"] not in SETTLED_WORDS and record["rule"] in stored["counts"]
    ]
    told = []
    if lost:
        told.append(
            say("{count:,} findings are not found again in the declaration, as {names}", **_some(lost))
        )
    if other:
        told.append(say("{count:,} findings are other ones in the declaration, as {names}", **_some(other)))
    if left:
        told.append(say("the result lacks {count:,} findings of the declaration, as {names}", **_some(left)))
    if told:
        raise UsageError(
            *told,
            say(
                "the result was edited, or the declaration is to be judged as it was for it: --observations, "
                "--reviews, --config, --zones, --min-grade"
            ),
        )
    records[:] = [anew[record["fingerprint"]] for record in records]


def _differing(record: Mapping[str, Any], anew: Mapping[str, Any]) -> list[str]:
    """Name fields that say something else; one that an older version did not write says nothing."""
    return [name for name in SAID if name in record and record[name] != anew[name]]


def _name(record: Mapping[str, Any]) -> str:
    return f"{record['rule']} {record['subject']}"


def _some(names: list[str]) -> dict[str, Any]:
    return {"count": len(names), "names": [quote(name) for name in names[:NEAR]]}
