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

from auditor.case import Case, Message, Rule
from auditor.findings import Batch, Text, Verdict
from auditor.roles import Surety
from auditor.rules._helpers import facts, home_grade, inside, rows_where, standing, unresolved, where

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

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
    home = case.area_name(case.area) if case.area >= 0 else Text("not known either", "亦未确定")
    for verdict, message, mask, tell in groups:
        rows = rows_where(mask & (case.facility > Surety.NO))
        if len(rows):
            told = {**tell(case, rows), "home": home}
            # Sameness is as sure as the less sure of the two places.
            grade = np.maximum(case.grade[rows], home_grade(case))
            yield Batch(verdict, message, rows, "node", told, facts(told), grade)


RULE = Rule(
    id="PILOT-FAC-02",
    title=Text(
        "Registered place and service facilities lie in the same pilot area",
        "注册地与服务设施位于同一试点区域",
    ),
    basis="circular",
    clauses=("annex-2-2-place",),
    severity="high",
    scope=scope,
    check=check,
    messages={
        "same_area": Message(
            "In the operator's own area, {home}.", "位于企业注册所在的试点区域（{home}）内。"
        ),
        "other_area": Message(
            "This {kind} ({place}) stands in {area}, but the operator's area is {home}: both are pilot areas, not "
            "the same one.",
            "该{kind}（{place}）位于{area}，而企业所在试点区域为{home}：两者虽均为试点区域，但并非同一试点区域。",
            "Move the facility into the operator's area, or have the service offered by an entity that is registered "
            "and approved where it stands.",
            "请将该设施迁入企业所在试点区域，或由在设施所在区域注册并取得试点批复的主体开展业务。",
        ),
        "other_area_if_bound": Message(
            "This {kind} ({place}) stands in {area}, but the operator's area is {home}; whether it is a service "
            "facility of the operator for a pilot service is not clear.",
            "该{kind}（{place}）位于{area}，而企业所在试点区域为{home}；是否属于该企业试点业务的服务设施尚不明确。",
            "State its kind, owner, holding and services, and what its contract is for.",
            "请说明其类型、所有者、持有方式、所服务的业务及相关合同用途。",
        ),
        "own_area_unknown": Message(
            "This {kind} stands in {area}; which area is the operator's cannot be told from its registered place or "
            "its approvals.",
            "该{kind}位于{area}；根据注册地和试点批复无法确定企业所在的试点区域。",
            "Ask for the business licence and the pilot approval.",
            "请提供营业执照和试点批复。",
        ),
        "unresolved": Message(
            "Whether this {kind} ({place}) stands in the operator's area, {home}, cannot be told: {why}.",
            "无法判定该{kind}（{place}）是否位于企业所在试点区域（{home}）：{why}。",
            "Give the region code and full address of the site, or surveyed coordinates with datum and accuracy.",
            "请提供其所在地的行政区划代码和详细地址，或注明坐标系与精度的实测坐标。",
        ),
        "outside": Message(
            "Stands outside every pilot area: PILOT-FAC-01 judges that.",
            "位于所有试点区域之外：由 PILOT-FAC-01 判定。",
        ),
    },
)
