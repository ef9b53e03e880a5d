"""Each pilot service runs in an area that was approved for the pilot when it began, and that opens the service.

Clause
------
Circular 107, point 1: 工业和信息化部负责组织对四地试点实施方案和实施条件等开展评估论证，并作出批复. The ministry assesses the plans of
the four places and replies to them.

Check
-----
The area of the operator (of its domicile, else of its replies) is among those in force on the date and opens the
service, and the service came under the pilot (`regime_from_on`, not `started_on`) no sooner than the ministry's
reply to the area. Before the circular of 2024-04-08, or before the reply to an area that joined later, fails.

Inconclusive when
-----------------
The service came under the pilot between the circular and the replies of 2024-10-23, which are unpublished; since
when is not stated; the operator's area is not known or not in force; which services the area opens is not known.

Not applicable when
-------------------
The operator has no service under the pilot, or is registered outside every area, which is REG-01's.

Limits
------
Services that the pilot opens nowhere are APP-04's. The four plans were not found published, so each area is taken to
open all six services unless the table of areas says otherwise. An area that has left the pilot is no longer among
those in force, so its operators become inconclusive here; the wind-down itself is for a person (EXIT-01).

Source
------
Card PILOT-APP-02; decision 12.5; NEG-14.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor import registers
from auditor.findings import Verdict
from auditor.language import both
from auditor.rule import Message, Rule
from auditor.rules import _approvals
from auditor.rules._approvals import CIRCULAR_ON, Answer
from auditor.standing import OUTSIDE

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from auditor.case import Case
    from auditor.findings import Batch
    from auditor.model import Service
    from auditor.zones import Area


def scope(case: Case) -> list[tuple[str, list[str]]]:
    """Give the services under the pilot."""
    return [("service", _approvals.codes(case.pilot_services))]


def check(case: Case) -> Iterator[Batch]:
    """Judge the start of each service, then its area."""
    yield from _approvals.judge_each(case.pilot_services, lambda service, code: _judge(case, service, code))


def _judge(case: Case, service: Service, code: str) -> Answer:
    start = _start(service)
    if start is not None and start < CIRCULAR_ON:
        return Answer(Verdict.FAIL, "before_circular", {"start": start})
    if start is not None and start < _approvals.replies_on():
        return Answer(Verdict.INCONCLUSIVE, "before_replies", {"start": start})
    if case.area >= 0:
        return _in_area(case, case.areas.areas[case.area], code, start)
    home = case.domicile_place
    if home is not None and home.relation[0] == OUTSIDE:
        return Answer(Verdict.NOT_APPLICABLE, "registered_outside")
    return Answer(Verdict.INCONCLUSIVE, "no_area")


def _start(service: Service) -> dt.date | None:
    """Since when a service runs under the pilot; one that began after the replies cannot have joined before."""
    if service.regime_from_on is not None:
        return service.regime_from_on
    began = service.started_on
    return began if began is not None and began >= _approvals.replies_on() else None


def _in_area(case: Case, area: Area, code: str, start: dt.date | None) -> Answer:
    args = {"area": case.area_name(case.area), "reply_on": area.reply_on, "start": start}
    if start is not None and area.reply_on is not None and _here_since(case, start) and start < area.reply_on:
        return Answer(Verdict.FAIL, "before_reply", args)
    if area.status != "active" or not area.services_opened:
        return Answer(Verdict.INCONCLUSIVE, "area_unclear", args)
    if registers.opened(code) and not set(registers.lineage(code)) & set(area.services_opened):
        return Answer(Verdict.FAIL, "not_open_here", args)
    if start is None:
        return Answer(Verdict.INCONCLUSIVE, "no_start", args)
    replies = _approvals.own_approvals(case, code, "pilot_reply")
    grade = min((_approvals.grade_of(case, reply) for reply in replies), default=3)
    return Answer(Verdict.PASS, "open", args, grade)


def _here_since(case: Case, start: dt.date) -> bool:
    """Whether the operator was registered where it is now when the service began, as far as it says."""
    home = case.domicile
    return home is None or home.from_on is None or home.from_on <= start


RULE = Rule(
    id="PILOT-APP-02",
    title=both("The area was approved for the pilot and opens the service"),
    basis="circular",
    clauses=("circular-1", "circular-1-reply"),
    severity="high",
    scope=scope,
    check=check,
    messages={
        "open": Message("{service} runs under the pilot since {start} in {area}, approved on {reply_on}."),
        "before_circular": Message(
            "{service} is said to run under the pilot since {start}, before the circular of 2024-04-08.",
            "Ask on which ground the service ran; a start under another regime belongs in `started_on`.",
        ),
        "before_replies": Message(
            "{service} runs under the pilot since {start}: after the circular, but before the ministry's replies of "
            "2024-10-23, which are not published.",
            "Ask for the reply to the operator and its date.",
        ),
        "before_reply": Message(
            "{service} runs under the pilot since {start}, before {area} was approved for it on {reply_on}.",
            "Ask on which ground the service ran before the area was approved.",
        ),
        "not_open_here": Message(
            "{area} does not open {service}.",
            "End the service, or ask the communications administration for the list of services opened.",
        ),
        "area_unclear": Message(
            "Which services {area} opens on the date is not known, so {service} cannot be judged.",
            "Ask the communications administration for the plan of the area.",
        ),
        "no_start": Message(
            "Since when {service} runs under the pilot is not stated ({area} was approved on {reply_on}).",
            "State `regime_from_on` of the service.",
        ),
        "no_area": Message(
            "The operator's area is not known or not in force on the date, so it cannot be told whether it opens "
            "{service}.",
            "Ask for the business licence and for the area that the reply names.",
        ),
        "registered_outside": Message(
            "The operator is registered outside every pilot area: PILOT-REG-01 judges that, not {service}."
        ),
    },
)
