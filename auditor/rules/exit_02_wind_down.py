"""A service that ends is wound down: users told, moved or released by the deadline, none taken on.

Clause
------
Annex 4: 退出试点的地区应组织相关企业按照相关法律法规维护消费者合法权益，妥善处理存量用户迁转、退网等善后工作. Users who are left are moved or
released, by the law that protects them.

Check
-----
Each record in `wind_down`, and each service under the pilot that its area removed (`area_events`): remaining users
are users less those migrated, left and refunded. None remaining by the deadline and none taken on since the stop
passes. New users after the stop fail; so do users who remain after the deadline while no plan is declared. The
deadline is that of the record, else the end of the area's transition, else `exit.deadline` of the policy.

Inconclusive when
-----------------
The wind-down is in progress, or has no deadline; counts are not stated, contradict each other or are older than
the deadline; users remain after the deadline under a plan, or the last went after it; tasks are open; notice is
not stated or came later than `exit.notice_days` (90) before a stop of the operator's own; a target provider is
named whose licence is not shown; an area removed the service and no record is declared.

Not applicable when
-------------------
No wind-down is declared and no event of the area removed a service: nothing ends. The stop lies ahead and its
notice was in time, or the service is beside the pilot.

Limits
------
A short notice is never a fail: annex 4 names no days, and the 90 days (Telecommunications Regulations, article 15)
are owed to the authority, which may accept less. Whether the target's licence is genuine is not looked up. A
service that only goes on is EXIT-01's.

Source
------
Card PILOT-EXIT-02; decision 12.14; T6 of REGULATION 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditor import exits, registers
from auditor.findings import WORST_FIRST, Batch, Verdict
from auditor.language import both
from auditor.roles import Surety
from auditor.rule import Message, Rule

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from auditor.case import Case
    from auditor.model import WindDown
    from auditor.settings import AreaEvent

NOBODY = "?"


@dataclass(frozen=True, slots=True)
class Ending:
    """One service that ends: its record, and the event of the area that removes it."""

    service: str
    record: WindDown | None
    event: AreaEvent | None

    @property
    def stop_on(self) -> dt.date | None:
        """First day without new users."""
        stated = self.record.stop_on if self.record else None
        return stated or (self.event.on if self.event else None)

    def deadline(self, case: Case) -> dt.date | None:
        """Last day by which all users are dealt with."""
        stated = self.record.deadline_on if self.record else None
        transition = self.event.transition_until if self.event else None
        return stated or transition or case.policy.exit.deadline


def asked(case: Case) -> bool:
    """Whether anything ends."""
    return bool(_endings(case))


def scope(case: Case) -> list[tuple[str, list[str]]]:
    """Give the services that end."""
    return [("service", list(dict.fromkeys(ending.service for ending in _endings(case))))]


def check(case: Case) -> Iterator[Batch]:
    """Judge each service by the worse of its records."""
    worst: dict[str, tuple[Verdict, str, Ending]] = {}
    for ending in _endings(case):
        answer = (*_judge(case, ending), ending)
        held = worst.get(ending.service)
        if held is None or WORST_FIRST.index(answer[0]) < WORST_FIRST.index(held[0]):
            worst[ending.service] = answer
    for service, (verdict, message, ending) in worst.items():
        told = _facts(case, ending)
        document = ending.record.document if ending.record else None
        yield Batch(verdict, message, [service], "service", told, told, case.grade_of("E2", document))


def _endings(case: Case) -> list[Ending]:
    removed = {
        code: event
        for event in case.policy.area_events
        if case.area >= 0 and exits.area_of(case, event) == case.area and event.on <= case.as_of
        for code in dict.fromkeys(_code(service.code) for service in case.pilot_services)
        if exits.removes(event, code) == Surety.SURE
    }
    found = [
        Ending(code, w, removed.get(code)) for w in case.declaration.wind_down for code in [_code(w.service)]
    ]
    known = {ending.service for ending in found}
    return [*found, *(Ending(code, None, event) for code, event in removed.items() if code not in known)]


def _code(text: str | None) -> str:
    return registers.service_code(text) or text if text else NOBODY


def _beside(case: Case, service: str) -> bool:
    """Whether a service that ends is surely none of the pilot's."""
    if case.declaration.operator.nature == "domestic":
        return True
    regimes = {
        registers.regime_key(s.regime) if s.regime else None
        for s in case.declaration.services
        if _code(s.code) == service
    }
    return bool(regimes) and None not in regimes and "pilot107" not in regimes


def _judge(case: Case, ending: Ending) -> tuple[Verdict, str]:
    record, stop = ending.record, ending.stop_on
    if _beside(case, ending.service):
        return Verdict.NOT_APPLICABLE, "beside_pilot"
    if record is None:
        return Verdict.INCONCLUSIVE, "no_record"
    if stop is None:
        return Verdict.INCONCLUSIVE, "no_stop"
    late = _notice(case, ending, stop)
    if case.as_of < stop:
        return late or (Verdict.NOT_APPLICABLE, "lies_ahead")
    return _stopped(case, ending, record) or late or (Verdict.PASS, "done")


def _stopped(case: Case, ending: Ending, record: WindDown) -> tuple[Verdict, str] | None:
    """Judge the users of a service that stopped; nothing where all is done."""
    if record.new_users:
        return Verdict.FAIL, "new_users"
    left = _remaining(record)
    if left is None:
        return Verdict.INCONCLUSIVE, "no_counts"
    if left < 0:
        return Verdict.INCONCLUSIVE, "counts_disagree"
    return _in_progress(case, ending, record) if left else _done(case, ending, record)


def _notice(case: Case, ending: Ending, stop: dt.date) -> tuple[Verdict, str] | None:
    """Ask for the notice of a stop of the operator's own; an area that ends sets its own terms."""
    if ending.event is not None or ending.record is None:
        return None
    told = ending.record.notice_on
    if told is None:
        return Verdict.INCONCLUSIVE, "no_notice"
    return (
        (Verdict.INCONCLUSIVE, "short_notice") if (stop - told).days < case.policy.exit.notice_days else None
    )


def _remaining(record: WindDown) -> int | None:
    """Users who remain; None where a count that decides is not stated."""
    gone = (record.migrated, record.left, record.refunded)
    known = sum(count or 0 for count in gone)
    if record.users is None or (None in gone and known < record.users):
        return None
    return record.users - known


def _in_progress(case: Case, ending: Ending, record: WindDown) -> tuple[Verdict, str]:
    deadline = ending.deadline(case)
    if deadline is None:
        return Verdict.INCONCLUSIVE, "no_deadline"
    if case.as_of <= deadline:
        return Verdict.INCONCLUSIVE, "in_progress"
    counted = record.counted_on or case.declaration.declared_on
    if counted is None or counted <= deadline:
        return Verdict.INCONCLUSIVE, "counts_old"
    return (Verdict.INCONCLUSIVE, "remain_by_plan") if record.plan else (Verdict.FAIL, "remain")


def _done(case: Case, ending: Ending, record: WindDown) -> tuple[Verdict, str] | None:
    """Say what is still open though no user remains."""
    deadline = ending.deadline(case)
    if record.new_users is None:
        return Verdict.INCONCLUSIVE, "new_users_unknown"
    day = record.done_on or record.counted_on
    if deadline is not None and day is not None and day > deadline:
        return Verdict.INCONCLUSIVE, "done_late"
    if record.open_tasks:
        return Verdict.INCONCLUSIVE, "tasks_open"
    named = record.target or record.target_uscc
    carrier = registers.match_carrier(record.target, as_of=case.as_of).carrier if record.target else None
    if named and not record.target_licence and not carrier:
        return Verdict.INCONCLUSIVE, "target_unlicensed"
    return None


def _facts(case: Case, ending: Ending) -> dict[str, Any]:
    record = ending.record
    stated = record.model_dump(include=set(COUNTS)) if record else {}
    stop, told = ending.stop_on, record.notice_on if record else None
    facts = {
        "service": ending.service if ending.service != NOBODY else both("a service that is not named"),
        "stop_on": stop,
        "deadline_on": ending.deadline(case) or both("no date"),
        "notice_on": told,
        "notice_given": (stop - told).days if stop and told else None,
        "notice_days": case.policy.exit.notice_days,
        "remaining": _remaining(record) if record else None,
        "target": (record.target or record.target_uscc) if record else None,
        "open_tasks": list(record.open_tasks or ()) if record else [],
        "plan": record.plan if record else None,
        **stated,
    }
    return facts | {"as_of": case.as_of}


COUNTS = ("users", "migrated", "left", "refunded", "new_users", "counted_on", "done_on")

RULE = Rule(
    id="PILOT-EXIT-02",
    title=both("Users of a service that ends are dealt with in time"),
    basis="circular",
    clauses=("annex-4-wind-down",),
    severity="high",
    scope=scope,
    check=check,
    asked=asked,
    always=True,
    placed=False,
    messages={
        "done": Message(
            "{service}: stopped on {stop_on}; all {users:,} users are dealt with, none was taken on since."
        ),
        "new_users": Message(
            "{service} stopped on {stop_on}, yet {new_users:,} users were taken on since.",
            "Take on no more users, and undo the contracts made since.",
        ),
        "remain": Message(
            "{service}: {remaining:,} of {users:,} users remain after {deadline_on}, and no plan is declared.",
            "Make a plan with the communications administration, and tell the users.",
        ),
        "remain_by_plan": Message(
            "{service}: {remaining:,} of {users:,} users remain after {deadline_on}; a plan is declared ({plan}).",
            "Ask whether the administration agreed to the plan, and until when.",
        ),
        "in_progress": Message(
            "{service}: {remaining:,} of {users:,} users remain; the deadline is {deadline_on}.",
            "Ask for the counts again before the deadline.",
        ),
        "no_deadline": Message(
            "{service}: {remaining:,} of {users:,} users remain, and no deadline is stated.",
            "Ask the communications administration for the deadline; state `deadline_on`.",
        ),
        "no_counts": Message(
            "{service} stopped on {stop_on}; how many users there were, and what became of them, is not stated.",
            "State `users`, `migrated`, `left` and `refunded`; write 0 for none.",
        ),
        "counts_disagree": Message(
            "{service}: more users are said to be migrated, left and refunded than the {users:,} there were.",
            "Correct the counts; the three share no user.",
        ),
        "counts_old": Message(
            "{service}: {remaining:,} of {users:,} users remained at the last count, before the deadline of "
            "{deadline_on}; what is left today is not stated.",
            "Ask for the counts of today, with `counted_on`.",
        ),
        "new_users_unknown": Message(
            "{service}: no user of before {stop_on} remains; whether others were taken on since is not stated.",
            "State `new_users`; write 0 for none.",
        ),
        "done_late": Message(
            "{service}: no user remains, but the last was dealt with after {deadline_on}, or counted then only.",
            "State `done_on`, and ask for the decision on the delay.",
        ),
        "tasks_open": Message(
            "{service}: no user remains, but this is still to be done: {open_tasks}.",
            "Finish it (data, addresses, filings) and bring `open_tasks` up to date.",
        ),
        "target_unlicensed": Message(
            "{service}: users were moved to {target}, whose licence for the service is not shown.",
            "Ask for the licence of the target for that service and place; state `target_licence`.",
        ),
        "no_notice": Message(
            "{service} stops on {stop_on}; when that was announced is not stated.",
            "Ask for the application to the authority and the notice to users; state `notice_on`.",
        ),
        "short_notice": Message(
            "{service} stops on {stop_on}, {notice_given:,} days after the notice of {notice_on}; {notice_days:,} are "
            "asked for.",
            "Ask whether the authority accepted the shorter time.",
        ),
        "no_stop": Message(
            "{service} is being wound down; from which day on no users are taken on is not stated.",
            "State `stop_on`.",
        ),
        "no_record": Message(
            "The area removed {service} on {stop_on}; nothing is declared of its users.",
            "Ask for the exit plan and its records; declare them under `wind_down`.",
        ),
        "lies_ahead": Message("{service} stops on {stop_on}, which lies ahead; notice was given in time."),
        "beside_pilot": Message("{service} is beside the pilot, so annex 4 does not bind its end."),
    },
)
