"""Registered place and service facilities lie in one and the same pilot area.

Clause
------
Annex 2(2): 试点开放业务经营主体注册地、服务设施（含租用、购买等设施）放置地须在同一试点区域内. The registered location of the
pilot business operator and the location of service facilities must be within the same pilot area.

Check
-----
The area of each facility is compared with the operator's: that of the domicile in force on the date, or, where
this lies in none, of its own approvals. A facility in another pilot area fails, though that is a pilot area too.
Lingang and Pudong are one area.

Inconclusive when
-----------------
The place of the facility is not resolved; the operator's area is not known; the node may or may not be a
facility of a pilot service and stands in another pilot area.

Not applicable when
-------------------
The facility stands outside every pilot area (FAC-01 fails it); the operator has no service under the pilot.

Limits
------
Asked of one entity: an affiliate that is registered or approved in the other area does not help. The area that the
operator claims (`pilot_area`) plays no part.

Source
------
Card PILOT-FAC-02; decisions 12.7, 12.14.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.findings import Batch, Verdict
from auditor.language import both
from auditor.roles import Surety
from auditor.rule import Message, Rule
from auditor.rules._helpers import facts, home_grade, inside, rows_where, standing, unresolved, where

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from auditor.case import Case
    from auditor.columns import BoolArray, IntArray


def scope(case: Case) -> list[tuple[str, IntArray]]:
    """Give all facilities."""
    return [("node", rows_where(case.facility > Surety.NO))]


def check(case: Case) -> Iterator[Batch]:
    """Hold the area of each facility against the operator's."""
    at, sure = standing(case), case.facility == Surety.SURE
    groups: tuple[tuple[Verdict, str, BoolArray, Any], ...] = (
        (Verdict.PASS, "same_area", at.own, inside),
        (Verdict.FAIL, "other_area", at.elsewhere & sure, where),
        (Verdict.INCONCLUSIVE, "other_area_if_bound", at.elsewhere & ~sure, where),
        (Verdict.INCONCLUSIVE, "own_area_unknown", at.somewhere, where),
        (Verdict.INCONCLUSIVE, "unresolved", at.unresolved, unresolved),
        (Verdict.NOT_APPLICABLE, "outside", at.outside, inside),
    )
    home = case.area_name(case.area) if case.area >= 0 else both("not known either")
    for verdict, message, mask, tell in groups:
        rows = rows_where(mask & (case.facility > Surety.NO))
        if len(rows):
            told = {**tell(case, rows), "home": home}
            # Sameness is as sure as the less sure of the two places.
            grade = np.maximum(case.grade[rows], home_grade(case))
            yield Batch(verdict, message, rows, "node", told, facts(told), grade)


RULE = Rule(
    id="PILOT-FAC-02",
    title=both("Registered place and service facilities lie in the same pilot area"),
    basis="circular",
    clauses=("annex-2-2-place",),
    severity="high",
    scope=scope,
    check=check,
    messages={
        "same_area": Message("In the operator's own area, {home}."),
        "other_area": Message(
            "This {kind} ({place}) stands in {area}, but the operator's area is {home}: both are pilot areas, not "
            "the same one.",
            "Move the facility into the operator's area, or have the service offered by an entity that is registered "
            "and approved where it stands.",
        ),
        "other_area_if_bound": Message(
            "This {kind} ({place}) stands in {area}, but the operator's area is {home}; whether it is a service "
            "facility of the operator for a pilot service is not clear.",
            "State its kind, owner, holding and services, and what its contract is for.",
        ),
        "own_area_unknown": Message(
            "This {kind} stands in {area}; which area is the operator's cannot be told from its registered place or "
            "its approvals.",
            "Ask for the business licence and the pilot approval.",
        ),
        "unresolved": Message(
            "Whether this {kind} ({place}) stands in the operator's area, {home}, cannot be told: {why}.",
            "Give the region code and full address of the site, or surveyed coordinates with datum and accuracy.",
        ),
        "outside": Message("Stands outside every pilot area: PILOT-FAC-01 judges that."),
    },
)
