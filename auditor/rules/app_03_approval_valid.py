"""An approval of the ministry for the pilot is held and valid for each service.

Clause
------
Circular 107, point 3: 拟在试点地区开展前述增值电信业务的外商投资电信企业，应按照相关规定向工业和信息化部申请取得电信业务经营试点批复.
Foreign-invested enterprises apply to the ministry for the approval for the pilot operation.

Check
-----
Each service under the pilot is held against the pilot replies declared: holder (USCC, else name), service, area
of the operator, status and term on the date, and that the service came under the pilot no sooner than the reply.
Fails if the reply has lapsed; and, where the operator states that there are no other approvals
(`approvals_complete`), if no reply names the service, if the only reply is for another area, or if the service
came first.

Inconclusive when
-----------------
A reply is missing, too late or for another area and the approvals are not stated complete; the only reply is
another holder's; holder, services, area, status or dates of the reply are not stated; the policy
`approval_requires_expiry` asks for a term and none is given.

Not applicable when
-------------------
The operator has no service under the pilot; the pilot does not open the service (APP-04); the date is before
the replies to the areas of 2024-10-23 (APP-02).

Limits
------
The circular prints no term, so none is asked for by default. The public list of approvals is partial and not
consulted. Services under the pilot since before 2024-10-23 are not held against the date of the reply here:
APP-02 judges that start. A gap between two replies in the past is not looked for.

Source
------
Card PILOT-APP-03; decisions 12.5, 12.7; NEG-08.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor import registers
from auditor.findings import Verdict
from auditor.language import Text, both
from auditor.rule import Message, Rule
from auditor.rules import _approvals
from auditor.rules._approvals import Answer
from auditor.rules._helpers import place_named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.case import Case
    from auditor.findings import Batch
    from auditor.model import Approval, Service


def scope(case: Case) -> list[tuple[str, list[str]]]:
    """Give the services under the pilot."""
    return [("service", _approvals.codes(case.pilot_services))]


def check(case: Case) -> Iterator[Batch]:
    """Judge each service by the reply that speaks most for it."""
    yield from _approvals.judge_each(case.pilot_services, lambda service, code: _judge(case, service, code))


def _judge(case: Case, service: Service, code: str) -> Answer:
    if registers.opened(code) is False:
        return Answer(Verdict.NOT_APPLICABLE, "not_opened")
    if case.as_of < _approvals.replies_on():
        return Answer(Verdict.NOT_APPLICABLE, "before_replies", {"replies_on": _approvals.replies_on()})
    named = [
        approval
        for approval in case.declaration.approvals
        if approval.kind != "licence" and _approvals.names_service(approval, code) is not False
    ]
    own = [approval for approval in named if _approvals.held_by_operator(case, approval) is not False]
    if own:
        return _weigh(case, service, code, own)
    if named:
        return Answer(Verdict.INCONCLUSIVE, "other_holder", _facts(case, named[0]))
    declared = [a.number or "?" for a in case.approvals]
    args = {"replies": declared or both("none")}
    if case.declaration.approvals_complete:
        return Answer(Verdict.FAIL, "missing", args)
    return Answer(Verdict.INCONCLUSIVE, "not_declared", args)


def _weigh(case: Case, service: Service, code: str, own: list[Approval]) -> Answer:
    answer = _approvals.best(_one(case, approval, code) for approval in own)
    if answer.verdict == Verdict.FAIL:
        return answer
    late = _start(case, service, own)
    if late is not None and (answer.verdict == Verdict.PASS or late.verdict == Verdict.FAIL):
        return late
    return answer


def _start(case: Case, service: Service, own: list[Approval]) -> Answer | None:
    """Hold the start under the pilot against the first reply; a renewed reply may be younger than the service."""
    stated = service.regime_from_on
    early = stated is not None and stated < _approvals.replies_on()  # APP-02 judges such a start
    start = case.as_of if early else stated or service.started_on
    granted = [approval.issued_on for approval in own if approval.issued_on is not None]
    if any(day <= (start or case.as_of) for day in granted):
        return None if start is not None else _doubtful(case, own[0], [NO_START])
    if len(granted) < len(own):
        return _doubtful(case, own[0], [NO_ISSUE])
    first = min(granted)
    if stated is None and first <= case.as_of:  # the service is older; since when the regime, nobody says
        return _doubtful(case, own[0], [NO_START])
    args = {"start": stated or case.as_of, "granted": first}
    if case.declaration.approvals_complete:
        return Answer(Verdict.FAIL, "before_grant", args)
    return Answer(Verdict.INCONCLUSIVE, "before_grant_declared", args)


def _one(case: Case, approval: Approval, code: str) -> Answer:
    facts = _facts(case, approval)
    complete = case.declaration.approvals_complete
    surely = _approvals.held_by_operator(case, approval) and _approvals.names_service(approval, code)
    gone = _approvals.lapsed(case, approval)
    if gone is not None:
        state, since = gone
        verdict = Verdict.FAIL if complete or (surely and approval.kind) else Verdict.INCONCLUSIVE
        return Answer(verdict, "lapsed", {**facts, "state": state, "since": since or both("no date")})
    if min(case.area, _area(case, approval)) >= 0 and case.area != _area(case, approval):
        elsewhere = {**facts, "registered_in": case.area_name(case.area)}
        return Answer(Verdict.FAIL if complete else Verdict.INCONCLUSIVE, "other_area", elsewhere)
    doubts = _doubts(case, approval, code)
    if doubts:
        return _doubtful(case, approval, doubts)
    return Answer(Verdict.PASS, "valid", facts, _approvals.grade_of(case, approval))


def _doubts(case: Case, approval: Approval, code: str) -> list[Text]:
    doubts = {
        NO_KIND: approval.kind is None,
        NO_HOLDER: _approvals.held_by_operator(case, approval) is None,
        NO_SERVICES: _approvals.names_service(approval, code) is None,
        NO_AREA: min(case.area, _area(case, approval)) < 0,
        NO_STATUS: not _approvals.status_known(case, approval),
        NO_EXPIRY: case.policy.approval_requires_expiry and approval.expires_on is None,
    }
    return [doubt for doubt, holds in doubts.items() if holds]


def _doubtful(case: Case, approval: Approval, doubts: list[Text]) -> Answer:
    return Answer(Verdict.INCONCLUSIVE, "unclear", {**_facts(case, approval), "doubts": doubts})


def _area(case: Case, approval: Approval) -> int:
    """Index of the area that an approval names; -1 where it names none or none that is in force."""
    return case.area_of(approval.area)


def _facts(case: Case, approval: Approval) -> dict[str, Any]:
    return {
        "number": approval.number or both("without number"),
        "holder": approval.holder or approval.uscc or both("nobody named"),
        "area": place_named(case, approval.area) if approval.area else both("no area named"),
    }


NO_KIND = both("it is not said to be a pilot reply")
NO_HOLDER = both("its holder is not stated")
NO_SERVICES = both("whether it names the whole service is not clear")
NO_AREA = both("whether it is for the operator's area is not clear")
NO_STATUS = both("its status on the date is not stated")
NO_EXPIRY = both("it bears no date of expiry, which the policy asks for")
NO_ISSUE = both("its date of issue is not stated")
NO_START = both("since when the service runs under the pilot (`regime_from_on`) is not stated")

RULE = Rule(
    id="PILOT-APP-03",
    title=both("A pilot approval is held and valid for each service"),
    basis="circular",
    clauses=("circular-3-approval",),
    severity="critical",
    scope=scope,
    check=check,
    messages={
        "valid": Message("{service}: pilot reply {number}, held by {holder}, for {area}."),
        "lapsed": Message(
            "{service}: pilot reply {number} no longer holds: {state} ({since}).",
            "End the service or show the renewed reply.",
        ),
        "missing": Message(
            "{service} is offered under the pilot, but no pilot reply names it; the operator states that its "
            "approvals are complete (replies declared: {replies}).",
            "End the service or apply to the ministry for the pilot approval.",
        ),
        "not_declared": Message(
            "{service} is offered under the pilot, and no pilot reply that names it is declared; whether there "
            "are others is not stated (replies declared: {replies}).",
            "Ask for the pilot reply, or for `approvals_complete = true`.",
        ),
        "other_holder": Message(
            "{service}: the pilot reply {number} is held by {holder}, not by the operator by that name; an "
            "affiliate's reply does not help.",
            "Find out whether the holder is the operator itself; ask for its own reply if it is not.",
        ),
        "other_area": Message(
            "{service}: pilot reply {number} is for {area}, but the operator is registered in {registered_in}.",
            "Ask for the reply for the area of registration.",
        ),
        "before_grant": Message(
            "{service} runs under the pilot since {start}, before the first reply that names it ({granted}).",
            "Find out on what ground the service ran before the reply.",
        ),
        "before_grant_declared": Message(
            "{service} runs under the pilot since {start}, before the first reply declared ({granted}); whether "
            "there was an earlier one is not stated.",
            "Ask for the earlier reply, or for `approvals_complete = true`.",
        ),
        "unclear": Message(
            "{service}: pilot reply {number} does not settle it: {doubts}.",
            "Ask for a copy of the reply and complete the entry.",
        ),
        "not_opened": Message("{service} is not opened by the pilot: PILOT-APP-04 judges it."),
        "before_replies": Message(
            "The ministry replied to the pilot areas on {replies_on}; before, PILOT-APP-02 judges {service}."
        ),
    },
)
