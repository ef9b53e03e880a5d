"""The areas that the audit used are those in force on its date.

Clause
------
Circular 107, point 5: 根据试点实施情况，适时扩大试点地区范围，有关事项另行通告. New areas are announced separately.

Check
-----
Each part of the areas used is held against those in force on the date, by name and digest, and none is missing.
A zone of the user's own, where the operator is registered or has a facility in it, names the notice that made it
a pilot area (`notice` or `legal_basis` of its file).

Inconclusive when
-----------------
Areas of another date were used and differ; areas of all dates were used at once; a zone of the user's own
names no notice. That is a fault of the audit, never a fail of the firm: no answer of it can be relied on.

Not applicable when
-------------------
The date is before the ministry's replies, when no area was in force: APP-02 judges that.

Limits
------
Whether the files that ship know the newest notice is for a person (circular-5): their versions and digests stand
in every result. The pilot of 2025 in service sectors is another regime and brings no area.

Source
------
Card PILOT-GOV-15; DESIGN 7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditor.findings import Batch, Verdict
from auditor.language import both
from auditor.roles import Surety
from auditor.rule import Message, Rule
from auditor.rules import _approvals
from auditor.standing import WITHIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.case import Case


NEVER = ("fail",)  # a stale version is a fault of the audit


def scope(_case: Case) -> list[tuple[str, list[str]]]:
    """Give the operator: its audit is what is judged."""
    return [("operator", [""])]


def check(case: Case) -> Iterator[Batch]:
    """Hold the areas used against those in force."""
    verdict, message, parts = _judge(case)
    used = case.areas.as_of or both("any date")
    told: dict[str, Any] = {"used": used, "as_of": case.as_of, "parts": parts}
    yield Batch(verdict, message, args=told, details=told)


def _judge(case: Case) -> tuple[Verdict, str, list[str]]:
    if case.areas.as_of is None:
        return Verdict.INCONCLUSIVE, "undated", []
    if case.as_of < _approvals.replies_on():
        return Verdict.NOT_APPLICABLE, "before_replies", []
    stale = _stale(case)
    if stale:
        return Verdict.INCONCLUSIVE, "stale", stale
    unannounced = _unannounced(case)
    if unannounced:
        return Verdict.INCONCLUSIVE, "no_notice", unannounced
    return Verdict.PASS, "in_force", list(case.areas.part_ids)


def _stale(case: Case) -> list[str]:
    """Name parts that are not those in force on the date; one that should be there and is not, too."""
    own = {part.id for part in case.areas.parts if part.own}
    gone = {part.id for part in case.areas.parts if not part.in_force(case.as_of)}
    if case.areas.as_of == case.as_of:
        return sorted(gone)
    from auditor import zones  # noqa: PLC0415 -- rules are listed without geometry

    wanted = {(p.id, p.sha256) for p in zones.read_areas(case.as_of).parts if p.id not in own}
    held = {(p.id, p.sha256) for p in case.areas.parts if not p.own}
    return sorted(gone | {name for name, _ in wanted ^ held})


def _unannounced(case: Case) -> list[str]:
    """Name zones of the user's own that matter here and name no notice."""
    inside = (case.facility > Surety.NO) & (case.place.relation == WITHIN)
    here = {int(area) for area in np.unique(case.place.area[inside])} | {case.area}
    ids = {case.areas.ids[index] for index in here if index >= 0}
    return [
        part.id
        for part in case.areas.parts
        if part.own and part.area in ids and not (part["notice"] or part["legal_basis"])
    ]


RULE = Rule(
    id="PILOT-GOV-15",
    title=both("The audit used the areas in force on its date"),
    basis="policy",
    clauses=("policy-gov-15",),
    severity="medium",
    scope=scope,
    check=check,
    graded=False,
    messages={
        "in_force": Message("The areas used are those in force on {as_of}: {parts}."),
        "stale": Message(
            "The audit is as of {as_of}, but its areas are those of {used}, and these parts differ: {parts}. This is a "
            "fault of the audit, not of the operator.",
            "Check again with the areas of the date, and with zone files that are in force then.",
        ),
        "undated": Message(
            "The audit used the areas of all dates at once, so none of its answers on places holds for {as_of}. This is a "
            "fault of the audit, not of the operator.",
            "Check again with the areas of the date: auditor.read_areas(as_of).",
        ),
        "no_notice": Message(
            "Zones of your own that matter here name no notice that made them part of the pilot: {parts}.",
            "Give `notice` (number and date) in the file of the zone; an area counts only from its notice and reply.",
        ),
        "before_replies": Message("On {as_of} no area was in force: PILOT-APP-02 judges that."),
    },
)
