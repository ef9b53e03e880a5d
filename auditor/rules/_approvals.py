"""Services by catalogue code, and the approvals behind them: what the rules APP-01 to APP-05 share."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from auditor import registers
from auditor.findings import WORST_FIRST, Batch, Verdict
from auditor.language import Text, both
from auditor.registers.names import normal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from auditor.case import Case
    from auditor.model import Approval, Service

CIRCULAR_ON = dt.date(2024, 4, 8)
LAPSED = {
    "expired": both("expired"),
    "withdrawn": both("withdrawn"),
    "revoked": both("revoked"),
    "cancelled": both("cancelled"),
    "invalid": both("invalid"),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a rule says of one service: a verdict, a message with its arguments, and a grade."""

    verdict: Verdict
    message: str
    args: Mapping[str, Any] = field(default_factory=dict)
    grade: int = 3


def replies_on() -> dt.date:
    """Day of the ministry's replies to the four areas: the pilot is in force from then on."""
    return registers.read_regimes()["pilot107"].from_on


def code_of(service: Service) -> str:
    """Code of a service in the catalogue; the text as declared where the catalogue does not know it.

    Examples
    --------
    >>> from auditor.model import Service
    >>> code_of(Service(code="idc")), code_of(Service(code="Magic"))
    ('B11', 'Magic')
    """
    return registers.service_code(service.code) or service.code


def codes(services: Iterable[Service]) -> list[str]:
    """Codes of services, each once, in the order declared."""
    return list(dict.fromkeys(map(code_of, services)))


def judge_each(services: Iterable[Service], judge: Callable[[Service, str], Answer]) -> Iterator[Batch]:
    """Judge services; one that is declared twice (two regimes, two periods) gets the worse of its answers."""
    worst: dict[str, Answer] = {}
    for service in services:
        code = code_of(service)
        answer = judge(service, code)
        held = worst.get(code)
        if held is None or _rank(answer) < _rank(held):
            worst[code] = answer
    for code, answer in worst.items():
        args = {"service": code, **answer.args}
        yield Batch(answer.verdict, answer.message, [code], "service", args, args, answer.grade)


def best(answers: Iterable[Answer]) -> Answer:
    """Give the answer that speaks most for the operator; of equals the first."""
    return max(answers, key=_rank)


def _rank(answer: Answer) -> int:
    return WORST_FIRST.index(answer.verdict)


def held_by_operator(case: Case, approval: Approval) -> bool | None:
    """Tell whether the operator itself holds an approval; None where the approval names nobody.

    The USCC decides where both give one, since names change; else the name.
    """
    operator = case.declaration.operator
    if approval.uscc and operator.uscc:
        return approval.uscc == operator.uscc
    if approval.holder:
        return normal(approval.holder) == normal(operator.name)
    return None


def names_service(approval: Approval, code: str) -> bool | None:
    """Tell whether an approval names a service, itself or by a heading above it.

    Returns
    -------
    bool or None
        None where the approval lists no services, lists one that the catalogue does not know, or names only a
        part of the service.

    Examples
    --------
    >>> from auditor.model import Approval
    >>> reply = Approval(services=["B11", "CDN"])
    >>> names_service(reply, "B11-IRCS"), names_service(reply, "B12"), names_service(reply, "B14")
    (True, True, False)
    >>> print(names_service(Approval(services=["B11-IRCS"]), "B11"))
    None
    """
    if not approval.services:
        return None
    above = registers.lineage(code) or (code,)
    unclear = False
    for text in approval.services:
        named = registers.service_code(text)
        if (named or text) in above:
            return True
        unclear |= named is None or code in registers.lineage(named)
    return None if unclear else False


def lapsed(case: Case, approval: Approval) -> tuple[Text, dt.date | None] | None:
    """Say how and since when an approval no longer holds on the date; nothing if it does or nobody says.

    `expires_on` is the first day on which it no longer holds. A status without a date is that of the day of the
    declaration.
    """
    if approval.expires_on is not None and approval.expires_on <= case.as_of:
        return LAPSED["expired"], approval.expires_on
    if approval.status not in LAPSED:
        return None
    since = approval.status_from_on or case.declaration.declared_on
    if since is None or since <= case.as_of:
        return LAPSED[approval.status], approval.status_from_on
    return None


def status_known(case: Case, approval: Approval) -> bool:
    """Tell whether an approval that has not lapsed is surely valid on the date."""
    if approval.status == "valid":
        return approval.status_from_on is None or approval.status_from_on <= case.as_of
    if approval.status is None:
        return False
    return approval.status_from_on is not None or (
        approval.status == "expired" and approval.expires_on is not None
    )


def own_approvals(case: Case, code: str, kind: str) -> list[Approval]:
    """Approvals of a kind that name a service and are not another holder's, whatever their state."""
    return [
        approval
        for approval in case.declaration.approvals
        if approval.kind == kind
        and names_service(approval, code)
        and held_by_operator(case, approval) is not False
    ]


def licence_of(case: Case, code: str) -> Approval | None:
    """Ordinary licence of the operator that names a service and has not lapsed on the date."""
    for licence in own_approvals(case, code, "licence"):
        issued = licence.issued_on is None or licence.issued_on <= case.as_of
        if issued and lapsed(case, licence) is None:
            return licence
    return None


def grade_of(case: Case, approval: Approval) -> int:
    """Grade of an approval: an authority record once its document is attached and confirmed."""
    return case.grade_of("E1", approval.document)
