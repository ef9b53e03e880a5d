"""Recording what people decide: waivers, verdicts, revocations; all that is wrong is said at once."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from auditor import engine, registers
from auditor.errors import UsageError
from auditor.findings import Verdict
from auditor.language import Said, say
from auditor.scans import approvers, histories, moments, tables
from auditor.scans.decisions import VERDICT, Decision, Latest, decisions, now_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from auditor.scans.store import Change, Store

MOST_DAYS = 366  # from the grant on: a longer one is granted again, by somebody who looked again
OPERATOR = "operator"  # the subject of what is judged of an operator as a whole


class Wanted(NamedTuple):
    """A decision that somebody asks to be recorded.

    Parameters
    ----------
    kind
        `WAIVER` or `VERDICT`.
    operator
        How it is called here.
    rule, subject
        Rule (of a verdict: or clause) and subject, exactly.
    verdict
        Of a verdict.
    reason, approver
        Why, and who decides.
    until_at
        Instant at which it ends.
    zone
        Zone in which the end was given.
    from_at
        Instant at which it begins; at once if not given.
    document
        Name and bytes of what it rests on.
    """

    kind: str
    operator: str
    rule: str
    subject: str
    verdict: str | None
    reason: str
    approver: str
    until_at: dt.datetime
    zone: str
    from_at: dt.datetime | None = None
    document: tuple[str, bytes] | None = None


# --- recording --------------------------------------------------------------------------------------------


def record(store: Store, wanted: Wanted) -> int:
    """Record a decision.

    Returns
    -------
    int
        Its number.

    Raises
    ------
    UsageError
        With everything that is wrong: no reason, an approver who is the operator or of its group, no such
        operator, rule or clause, a wildcard, an end that is past, too far or before the beginning, a
        beginning in the past, another decision on the same that still holds, or a verdict that would turn the
        tool's.
    """
    document = None if wanted.document is None else store.blobs.put(wanted.document[1])

    def work(change: Change) -> int:
        begins = wanted.from_at or change.at
        faults = [*_faults(wanted, begins, change.at)]
        operator = _operator(change.connection, wanted.operator)
        if operator is None:
            lost = say(
                "no operator of the store is called {names}; see `auditor history`", names=wanted.operator
            )
            raise UsageError(lost, *faults)
        faults += _conflicts(wanted, begins, operator, decisions(change.connection))
        faults += _against(store, change.connection, wanted, operator)
        if faults:
            raise UsageError(*faults)
        return change.insert(
            tables.decision,
            kind=wanted.kind,
            operator_id=operator,
            rule=wanted.rule,
            subject=wanted.subject,
            verdict=wanted.verdict,
            reason=wanted.reason.strip(),
            approver=wanted.approver.strip(),
            granted_at=change.at,
            from_at=begins,
            until_at=wanted.until_at,
            zone=wanted.zone,
            evidence=document,
            evidence_name=wanted.document[0] if wanted.document is not None else None,
        )

    return store.write(f"{wanted.kind}_recorded", work)


def _operator(connection: sa.Connection, key: str) -> int | None:
    """Find an operator that is scanned."""
    own = tables.operator.c
    found: int | None = connection.execute(
        sa.select(own.id).where(own.key == key, own.removed_at.is_(None))
    ).scalar()
    return found


def _faults(wanted: Wanted, begins: dt.datetime, granted: dt.datetime) -> Iterator[Said]:
    """Say what is wrong with a decision by itself."""
    yield from _blank(wanted.reason)
    yield from _unknown(wanted)
    if begins < granted:
        yield say("--from: begins in the past; nobody decides for a time that is over, leave it out")
    if wanted.until_at <= granted:
        yield say("--until: is over already")
    elif wanted.until_at <= begins:
        yield say("--until: ends before it begins")
    elif wanted.until_at - granted > dt.timedelta(days=MOST_DAYS):
        yield say(
            "--until: is more than {days} days from now; let somebody look again and grant it anew",
            days=MOST_DAYS,
        )


def _blank(reason: str) -> Iterator[Said]:
    """Say that no reason is given."""
    if not reason.strip():
        yield say("--reason: is blank; say why, for whoever looks at it in a year")


def _unknown(wanted: Wanted) -> Iterator[Said]:
    """Say which rule, clause or subject there is none of."""
    rules = {rule.id for rule in engine.all_rules()}
    clauses = {clause.id for clause in registers.read_clauses()} if wanted.kind == VERDICT else set()
    if wanted.rule not in rules | clauses:
        yield say("{rule}: there is no such rule; see `auditor rules`", rule=wanted.rule)
    elif wanted.rule in clauses and wanted.subject != OPERATOR:
        yield say(
            "{subject}: a clause is judged of the operator as a whole; write operator", subject=wanted.subject
        )
    kind, _, name = wanted.subject.partition(":")
    if wanted.subject != OPERATOR and not (kind.isidentifier() and name):
        yield say(
            "{subject!r}: is no subject; write it as a finding has it: node:sub-17, or operator",
            subject=wanted.subject,
        )


def _conflicts(
    wanted: Wanted, begins: dt.datetime, operator: int, others: Iterable[Decision]
) -> Iterator[Said]:
    """Say which decision on the same still holds."""
    for other in others:
        if other.scope != (wanted.kind, operator, wanted.rule, wanted.subject):
            continue
        if other.from_at < wanted.until_at and begins < other.ends_at:
            yield say(
                "number {number} decides on this until {until}; revoke it first "
                "(`auditor waive revoke {number}`)",
                number=other.id,
                until=moments.shown(other.ends_at, other.zone),
            )


def _against(store: Store, connection: sa.Connection, wanted: Wanted, operator: int) -> Iterator[Said]:
    """Say what of the operator stands against a decision: who it is, and what the tool found."""
    why = approvers.refused(wanted.approver, approvers.known(connection, store.blobs, operator))
    if why is not None:
        yield why
    now = now_of(connection, [operator])
    if any(mark in wanted.subject for mark in "*?") and (operator, wanted.rule, wanted.subject) not in now:
        yield say(
            "{subject!r}: nothing is called so; a decision is on one subject exactly, there are no wildcards",
            subject=wanted.subject,
        )
    if wanted.kind == VERDICT and wanted.verdict != Verdict.FAIL:
        for rule, subject in _failing(now, operator, wanted):
            yield say(
                "{rule} on {subject}: the tool says fail; a person may waive that for a time, not turn it "
                "(`auditor waive add`)",
                rule=rule,
                subject=subject,
            )


def _failing(now: Latest, operator: int, wanted: Wanted) -> list[tuple[str, str]]:
    """Give findings that fail, of the rule on the subject, or of any rule that answers the clause."""
    rules = {rule.id for rule in engine.all_rules() if wanted.rule in rule.clauses}
    return [
        (rule, subject)
        for (who, rule, subject), last in now.items()
        if who == operator
        and last.state == histories.OPEN
        and last.after == Verdict.FAIL
        and (rule in rules or (rule, subject) == (wanted.rule, wanted.subject))
    ]


def revoke(store: Store, number: int, *, by: str, reason: str) -> None:
    """End a decision now.

    Raises
    ------
    UsageError
        There is none of that number, it has ended, or nobody or nothing is named.
    """

    def work(change: Change) -> None:
        found = next((d for d in decisions(change.connection) if d.id == number), None)
        faults: list[Said] = []
        if not by.strip():
            faults.append(say("--by: names nobody"))
        faults += _blank(reason)
        if found is None:
            faults.append(say("{number}: there is no such decision; see `auditor waive list`", number=number))
        elif found.revoked_at is not None:
            faults.append(
                say("{number}: was revoked at {at}", number=number, at=found.revoked_at.isoformat())
            )
        elif found.until_at <= change.at:
            faults.append(say("{number}: has lapsed at {at}", number=number, at=found.until_at.isoformat()))
        if faults:
            raise UsageError(*faults)
        values = {"decision_id": number, "at": change.at, "by": by.strip(), "reason": reason.strip()}
        change.connection.execute(sa.insert(tables.revocation), [values])
        change.touch("revocation", number)

    store.write("decision_revoked", work)
