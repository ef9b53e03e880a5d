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
from auditor.case import Case, Message, Rule
from auditor.findings import Text, Verdict
from auditor.rules import _approvals
from auditor.rules._approvals import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        return Answer(Verdict.INCONCLUSIVE, "other_holder", _facts(named[0]))
    declared = [a.number or "?" for a in case.approvals]
    args = {"replies": declared or Text("none", "无")}
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
        return None if start is not None else _doubtful(own[0], [NO_START])
    if len(granted) < len(own):
        return _doubtful(own[0], [NO_ISSUE])
    first = min(granted)
    if stated is None and first <= case.as_of:  # the service is older; since when the regime, nobody says
        return _doubtful(own[0], [NO_START])
    args = {"start": stated or case.as_of, "granted": first}
    if case.declaration.approvals_complete:
        return Answer(Verdict.FAIL, "before_grant", args)
    return Answer(Verdict.INCONCLUSIVE, "before_grant_declared", args)


def _one(case: Case, approval: Approval, code: str) -> Answer:
    facts = _facts(approval)
    complete = case.declaration.approvals_complete
    surely = _approvals.held_by_operator(case, approval) and _approvals.names_service(approval, code)
    gone = _approvals.lapsed(case, approval)
    if gone is not None:
        state, since = gone
        verdict = Verdict.FAIL if complete or (surely and approval.kind) else Verdict.INCONCLUSIVE
        return Answer(
            verdict, "lapsed", {**facts, "state": state, "since": since or Text("no date", "日期不详")}
        )
    if min(case.area, _area(case, approval)) >= 0 and case.area != _area(case, approval):
        elsewhere = {**facts, "registered_in": case.area_name(case.area)}
        return Answer(Verdict.FAIL if complete else Verdict.INCONCLUSIVE, "other_area", elsewhere)
    doubts = _doubts(case, approval, code)
    if doubts:
        return _doubtful(approval, doubts)
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


def _doubtful(approval: Approval, doubts: list[Text]) -> Answer:
    return Answer(Verdict.INCONCLUSIVE, "unclear", {**_facts(approval), "doubts": doubts})


def _area(case: Case, approval: Approval) -> int:
    """Index of the area that an approval names; -1 where it names none or none that is in force."""
    return case.area_of(approval.area)


def _facts(approval: Approval) -> dict[str, Any]:
    return {
        "number": approval.number or Text("without number", "无文号"),
        "holder": approval.holder or approval.uscc or Text("nobody named", "未载明"),
        "area": approval.area or Text("no area named", "未载明区域"),
    }


NO_KIND = Text("it is not said to be a pilot reply", "未说明是否为试点批复")
NO_HOLDER = Text("its holder is not stated", "未说明持有人")
NO_SERVICES = Text("whether it names the whole service is not clear", "是否完整载明该业务不明确")
NO_AREA = Text("whether it is for the operator's area is not clear", "是否针对该企业所在试点区域不明确")
NO_STATUS = Text("its status on the date is not stated", "未说明核查日的批复状态")
NO_EXPIRY = Text("it bears no date of expiry, which the policy asks for", "未载明有效期（核查策略要求载明）")
NO_ISSUE = Text("its date of issue is not stated", "未说明批复日期")
NO_START = Text(
    "since when the service runs under the pilot (`regime_from_on`) is not stated",
    "未说明该业务自何时起依据试点开展（`regime_from_on`）",
)

RULE = Rule(
    id="PILOT-APP-03",
    title=Text("A pilot approval is held and valid for each service", "各项业务均持有有效的试点批复"),
    basis="circular",
    clauses=("circular-3-approval",),
    severity="critical",
    scope=scope,
    check=check,
    messages={
        "valid": Message(
            "{service}: pilot reply {number}, held by {holder}, for {area}.",
            "{service}：持有试点批复 {number}（持有人：{holder}；试点区域：{area}）。",
        ),
        "lapsed": Message(
            "{service}: pilot reply {number} no longer holds: {state} ({since}).",
            "{service}：试点批复 {number} {state}（{since}），已不再有效。",
            "End the service or show the renewed reply.",
            "请停止该项业务，或出示续期后的试点批复。",
        ),
        "missing": Message(
            "{service} is offered under the pilot, but no pilot reply names it; the operator states that its "
            "approvals are complete (replies declared: {replies}).",
            "依据试点开展 {service}，但没有载明该业务的试点批复；企业声明批复已全部申报（已申报批复：{replies}）。",
            "End the service or apply to the ministry for the pilot approval.",
            "请停止该项业务，或向工业和信息化部申请试点批复。",
        ),
        "not_declared": Message(
            "{service} is offered under the pilot, and no pilot reply that names it is declared; whether there "
            "are others is not stated (replies declared: {replies}).",
            "依据试点开展 {service}，所申报的批复均未载明该业务，且未声明批复已全部申报（已申报批复：{replies}）。",
            "Ask for the pilot reply, or for `approvals_complete = true`.",
            "请提供试点批复，或声明 `approvals_complete = true`。",
        ),
        "other_holder": Message(
            "{service}: the pilot reply {number} is held by {holder}, not by the operator by that name; an "
            "affiliate's reply does not help.",
            "{service}：试点批复 {number} 的持有人为 {holder}，与该企业名称不符；关联企业的批复不能代替本企业的批复。",
            "Find out whether the holder is the operator itself; ask for its own reply if it is not.",
            "请核实持有人与该企业是否为同一主体；如不是，请提供该企业自身的试点批复。",
        ),
        "other_area": Message(
            "{service}: pilot reply {number} is for {area}, but the operator is registered in {registered_in}.",
            "{service}：试点批复 {number} 针对 {area}，而该企业注册于{registered_in}。",
            "Ask for the reply for the area of registration.",
            "请提供针对注册地所在试点区域的试点批复。",
        ),
        "before_grant": Message(
            "{service} runs under the pilot since {start}, before the first reply that names it ({granted}).",
            "{service} 自 {start} 起依据试点开展，早于首份载明该业务的试点批复（{granted}）。",
            "Find out on what ground the service ran before the reply.",
            "请核实取得批复之前开展该业务的依据。",
        ),
        "before_grant_declared": Message(
            "{service} runs under the pilot since {start}, before the first reply declared ({granted}); whether "
            "there was an earlier one is not stated.",
            "{service} 自 {start} 起依据试点开展，早于所申报的首份试点批复（{granted}），且未说明此前是否另有批复。",
            "Ask for the earlier reply, or for `approvals_complete = true`.",
            "请提供此前的试点批复，或声明 `approvals_complete = true`。",
        ),
        "unclear": Message(
            "{service}: pilot reply {number} does not settle it: {doubts}.",
            "{service}：凭试点批复 {number} 尚不能认定：{doubts}。",
            "Ask for a copy of the reply and complete the entry.",
            "请提供批复复印件并补全申报内容。",
        ),
        "not_opened": Message(
            "{service} is not opened by the pilot: PILOT-APP-04 judges it.",
            "{service} 不属于试点开放业务，由 PILOT-APP-04 判断。",
        ),
        "before_replies": Message(
            "The ministry replied to the pilot areas on {replies_on}; before, PILOT-APP-02 judges {service}.",
            "工业和信息化部于 {replies_on} 批复试点地区；此前的 {service} 由 PILOT-APP-02 判断。",
        ),
    },
)
