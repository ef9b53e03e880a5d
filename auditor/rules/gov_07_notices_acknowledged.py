"""Notices between the business registry and the telecom administration are acknowledged in time.

Clause
------
Annex 5: 构建双向告知、数据比对机制. Registry and telecom administration tell each other what happens to an enterprise.

Check
-----
Each notice in `notices` names who told whom and when, and is acknowledged by `due_on` or, without one, within
`notification_sla_days` of the policy. A duty that is dated and was missed fails: no acknowledgement by then, or
a later one. For each approval of the operator with the status revoked a notice to the registry is expected
(Telecommunications Regulations, article 77).

Inconclusive when
-----------------
Sender, receiver or day are not stated, so that the channel cannot be seen; no notice of a revocation is
declared.

Not applicable when
-------------------
No notice is declared and no approval is revoked: the channel runs between authorities and need not be seen in a
declaration. A notice whose time is not over is not judged yet.

Limits
------
The duty is mostly the authorities', so the basis is related law: a miss is an advisory and never changes the
verdict on the operator. Whether all events were told is not known, since nobody declares that the ledger is
complete.

Source
------
Card PILOT-GOV-07; Telecommunications Regulations (2016), article 77.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor import duties
from auditor.findings import Batch, Verdict
from auditor.language import both
from auditor.registers.names import normal
from auditor.rule import Message, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.case import Case
    from auditor.language import Text
    from auditor.model import Approval, Notice


def asked(case: Case) -> bool:
    """Whether there is a ledger, or an event that asks for one."""
    return bool(case.declaration.notices or _revoked(case))


def scope(case: Case) -> list[tuple[str, list[str]]]:
    """Give the notices, and the approvals revoked."""
    numbers = [str(number) for number in range(1, len(case.declaration.notices) + 1)]
    return [("notice", numbers), ("approval", list(_revoked(case)))]


def check(case: Case) -> Iterator[Batch]:
    """Judge each notice, then each revocation."""
    for number, notice in enumerate(case.declaration.notices, 1):
        last = duties.notice_due(case, notice.sent_on, notice.due_on)
        verdict, message = _judge(case, notice)
        told: dict[str, Any] = {
            "event": _event(notice),
            "sender": notice.sender or both("nobody named"),
            "receiver": notice.receiver or both("nobody named"),
            "sent_on": notice.sent_on,
            "due_on": last,
            "acknowledged_on": notice.acknowledged_on,
            "as_of": case.as_of,
        }
        yield Batch(
            verdict, message, [str(number)], "notice", told, told, case.grade_of("E1", notice.document)
        )
    for name, approval in _revoked(case).items():
        told = {"number": approval.number or "?", "since": approval.status_from_on or both("no date")}
        verdict, message = _expected(case, approval)
        yield Batch(verdict, message, [name], "approval", told, told)


def _event(notice: Notice) -> Text:
    return both(EVENTS[notice.event].en) if notice.event in EVENTS else both("an event that is not stated")


def _judge(case: Case, notice: Notice) -> tuple[Verdict, str]:
    last = duties.notice_due(case, notice.sent_on, notice.due_on)
    done = notice.acknowledged_on
    if not (notice.sender and notice.receiver) or notice.sent_on is None or last is None:
        return Verdict.INCONCLUSIVE, "channel_unseen"
    if notice.sent_on > case.as_of:
        return Verdict.NOT_APPLICABLE, "awaited"
    if done is not None and done <= case.as_of:
        return (Verdict.PASS, "acknowledged") if done <= last else (Verdict.FAIL, "late")
    return (Verdict.NOT_APPLICABLE, "awaited") if case.as_of <= last else (Verdict.FAIL, "unanswered")


def _revoked(case: Case) -> dict[str, Approval]:
    """Approvals of the operator that are revoked on the date, by number or by place in the order."""
    declared = case.declaration.approvals
    own = duties.own_approvals(case)
    return {
        f"{number}": approval
        for number, approval in enumerate(declared, 1)
        if approval in own
        and approval.status == "revoked"
        and (approval.status_from_on is None or approval.status_from_on <= case.as_of)
    }


def _expected(case: Case, approval: Approval) -> tuple[Verdict, str]:
    operator = case.declaration.operator

    def is_it(notice: Notice) -> bool:
        if notice.event != "revoked" or notice.sent_on is None or notice.sent_on > case.as_of:
            return False
        if approval.status_from_on is not None and notice.sent_on < approval.status_from_on:
            return False
        about = notice.subject or ""
        return (notice.uscc is not None and notice.uscc == operator.uscc) or (
            bool(about)
            and (normal(operator.name) in normal(about) or bool(approval.number and approval.number in about))
        )

    found = any(is_it(notice) for notice in case.declaration.notices)
    return (Verdict.PASS, "revocation_told") if found else (Verdict.INCONCLUSIVE, "revocation_untold")


EVENTS = {
    "registered": both("registration"),
    "changed": both("change of registration"),
    "moved_out": both("move out of the district"),
    "licensed": both("grant of an approval"),
    "revoked": both("revocation"),
    "cancelled": both("cancellation"),
    "other": both("another event"),
}

RULE = Rule(
    id="PILOT-GOV-07",
    title=both("Notices between registry and telecom administration are acknowledged"),
    basis="related_law",
    clauses=("law-telecom-77",),
    severity="low",
    scope=scope,
    check=check,
    asked=asked,
    always=True,
    placed=False,
    messages={
        "acknowledged": Message(
            "Notice of {event} from {sender} to {receiver} on {sent_on}: acknowledged on {acknowledged_on}, due by "
            "{due_on}."
        ),
        "late": Message(
            "Notice of {event} from {sender} to {receiver} on {sent_on} was to be acknowledged by {due_on}, and was on "
            "{acknowledged_on} only.",
            "Ask {receiver} why; a delay is the receiver's, not the operator's unless it is the receiver.",
        ),
        "unanswered": Message(
            "Notice of {event} from {sender} to {receiver} on {sent_on} was to be acknowledged by {due_on}; no "
            "acknowledgement is declared.",
            "Ask {receiver} for the acknowledgement.",
        ),
        "channel_unseen": Message(
            "Of the notice of {event} it is not stated who told whom and when (sender: {sender}; receiver: {receiver}).",
            "State `sender`, `receiver` and `sent_on`, and attach the letter.",
        ),
        "awaited": Message("Notice of {event} from {sender} to {receiver}: its time is not over."),
        "revocation_told": Message("Approval {number} was revoked ({since}); the registry was notified."),
        "revocation_untold": Message(
            "Approval {number} was revoked ({since}); no notice of it to the registry is declared.",
            "Ask the authority that issued it whether the registry was notified, and when.",
        ),
    },
)
