"""No service goes on after its area was narrowed or left the pilot.

Clause
------
Annex 4: 工业和信息化部可商相关部门视情缩减其试点业务范围，对情节严重的可提前终止试点. The ministry may reduce the services of an area,
or end its pilot ahead of schedule.

Check
-----
Each service under the pilot is held against the events of its area in the policy (`area_events`: area, day,
narrow with services or terminate). Without an event on the date the service passes: its area is active by the
table of areas. After its removal a service passes up to `transition_until`; it fails after that day, or at once
where the decision grants no transition (`transition = "none"`). The details name what is hit: facilities, groups
of subscribers, and how many users they are.

Inconclusive when
-----------------
The service goes on after its removal and the transition is not known; an event removes a part of the service
alone; an event names an area that nobody knows, or the area of the operator is not known while there are events.

Not applicable when
-------------------
The operator has no service under the pilot, or its area is not known and no event is stated (APP-02 asks for the
area).

Limits
------
The ministry may act, or not: nothing here predicts an exit, and indicators of risk are not read. A breach is told
once: APP-02 and APP-04 look at what areas and the pilot open when nothing is removed, and do not know of events.
Facilities in an area that ends while the operator is registered in another one are FAC-02's.

Source
------
Card PILOT-EXIT-01; decision 12.14; T8 of REGULATION 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor import exits
from auditor.findings import WORST_FIRST, Batch, Verdict
from auditor.language import both
from auditor.roles import Surety
from auditor.rule import Message, Rule
from auditor.rules import _approvals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.case import Case
    from auditor.settings import AreaEvent


def scope(case: Case) -> list[tuple[str, list[str]]]:
    """Give the services under the pilot, and the operator where an event names an unknown area."""
    return [
        ("service", _approvals.codes(case.pilot_services)),
        ("operator", [""] if _unknown(case) else []),
    ]


def check(case: Case) -> Iterator[Batch]:
    """Judge each service by the event that weighs most."""
    unknown = _unknown(case)
    if unknown:
        names = {"areas": unknown, "known": list(case.areas.ids)}
        yield Batch(Verdict.INCONCLUSIVE, "unknown_area", args=names, details=names)
    for code in _approvals.codes(case.pilot_services):
        verdict, message, event = _judge(case, code)
        told = {"service": code, "area": case.area_name(case.area), "as_of": case.as_of, **_facts(event)}
        details = {**told, **(_hits(case, event) if event and verdict != Verdict.PASS else {})}
        yield Batch(verdict, message, [code], "service", told, details)


def _unknown(case: Case) -> list[str]:
    events = case.policy.area_events
    return sorted({event.area for event in events if exits.area_of(case, event) < 0})


def _judge(case: Case, code: str) -> tuple[Verdict, str, AreaEvent | None]:
    events = case.policy.area_events
    if case.area < 0:
        if events:
            return Verdict.INCONCLUSIVE, "no_area", None
        return Verdict.NOT_APPLICABLE, "area_not_known", None
    here = [event for event in events if exits.area_of(case, event) == case.area]
    answers = [answer for event in here if (answer := _one(case, code, event)) is not None]
    if not answers:
        return Verdict.PASS, "active", None
    return min(answers, key=lambda answer: WORST_FIRST.index(answer[0]))


def _one(case: Case, code: str, event: AreaEvent) -> tuple[Verdict, str, AreaEvent] | None:
    """Judge one service by one event; nothing where the event leaves the service alone."""
    surety, until = exits.removes(event, code), event.transition_until
    answers = (
        (surety == Surety.NO, None, ""),
        (case.as_of < event.on, Verdict.PASS, "announced"),
        (until is not None and case.as_of <= until, Verdict.PASS, "in_transition"),
        (surety == Surety.DOUBTFUL, Verdict.INCONCLUSIVE, "partly_removed"),
        (until is not None, Verdict.FAIL, "after_transition"),
        (event.transition == "none", Verdict.FAIL, "removed"),
        (True, Verdict.INCONCLUSIVE, "transition_unknown"),
    )
    verdict, message = next((verdict, message) for holds, verdict, message in answers if holds)
    return None if verdict is None else (verdict, message, event)


def _facts(event: AreaEvent | None) -> dict[str, Any]:
    if event is None:
        return {}
    said = event.document or both("no document named")
    return {"removed_on": event.on, "transition_until": event.transition_until, "document": said}


def _hits(case: Case, event: AreaEvent) -> dict[str, Any]:
    hits = exits.hit_by(case, event)
    ids = {"facilities": hits.facilities, "subscribers": hits.subscribers}
    return {**{name: table.column("id").to_pylist() for name, table in ids.items()}, "users": hits.users}


RULE = Rule(
    id="PILOT-EXIT-01",
    title=both("No service goes on after its area was narrowed or left the pilot"),
    basis="circular",
    clauses=("annex-4-narrow",),
    severity="high",
    scope=scope,
    check=check,
    graded=False,
    messages={
        "active": Message(
            "{service}: {area} is active on {as_of}, and no event that removes the service is stated."
        ),
        "announced": Message(
            "{service}: {area} removes it on {removed_on} ({document}), which lies ahead.",
            "Plan the wind-down: `auditor whatif --area-exit` tells what is hit.",
        ),
        "in_transition": Message(
            "{service}: {area} removed it on {removed_on} ({document}); the transition runs until {transition_until}.",
            "Finish the wind-down by then, and keep its records in `wind_down`.",
        ),
        "after_transition": Message(
            "{service} goes on in {area}, which removed it on {removed_on} ({document}); the transition ended on "
            "{transition_until}.",
            "End the service and see to its users (PILOT-EXIT-02); state `to_on` of the service.",
        ),
        "removed": Message(
            "{service} goes on in {area}, which removed it on {removed_on} without a transition ({document}).",
            "End the service and see to its users (PILOT-EXIT-02); state `to_on` of the service.",
        ),
        "transition_unknown": Message(
            "{service} goes on in {area}, which removed it on {removed_on} ({document}); whether a transition is "
            "granted, and until when, is not known.",
            "Ask the communications administration for the terms of the transition.",
        ),
        "partly_removed": Message(
            "{area} removed a part of {service} on {removed_on} ({document}); whether that part is offered is not stated.",
            "State the items of the service by their own codes.",
        ),
        "no_area": Message(
            "Areas left the pilot or were narrowed, and the area of the operator is not known, so {service} cannot be "
            "judged.",
            "Ask for the business licence and for the area that the reply names.",
        ),
        "area_not_known": Message("The area of the operator is not known: PILOT-APP-02 asks for it."),
        "unknown_area": Message(
            "The policy states events of areas that are not known on the date: {areas}; known are {known}.",
            "Correct `area` in `area_events` of the policy.",
        ),
    },
)
