"""Every service facility stands inside a pilot area.

Clause
------
Annex 2(2): 服务设施（含租用、购买等设施）放置地须在同一试点区域内. Place of registration and of service facilities,
rented and bought ones too, must be within the same pilot area.

Check
-----
Each facility of a pilot service (data centre, room, rack, server, cloud region, storage, backup, log store, CDN
node, DNS; network equipment that the operator owns or holds) is related to the areas in force on the date:
region code first, then coordinates with datum and accuracy, then the address; without place it has that of the
site it stands in. Outside every area fails. One finding on the operator says whether the list of facilities is
stated complete and is recent.

Inconclusive when
-----------------
The place is missing, contradictory, too near the edge, or in a part of undecided belonging; the node may or may
not be a facility of a pilot service (peer-to-peer nodes, other kinds, blank owner, leased for the company's own
site, a customer's origin that the operator runs) and stands outside; the operator does not state that nothing is
left out, or declares no facility at all; the declaration is older than `max_age_days`.

Not applicable when
-------------------
The operator has no service under the pilot.

Limits
------
Offices, management, customers' own servers and CPE, and carriers' equipment in transit are no facilities of the
operator. A facility in another pilot area is FAC-02's.

Source
------
Card PILOT-FAC-01; decisions 12.7, 12.8, 12.14; DESIGN 4 (which kinds are facilities) and 5 (place).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.case import Case, Message, Rule
from auditor.findings import Batch, Text, Verdict
from auditor.roles import Surety
from auditor.rules._helpers import placed, rows_where

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.columns import IntArray


def scope(case: Case) -> list[tuple[str, IntArray | list[str]]]:
    """Give all facilities, and the operator for the claim that there are no others."""
    return [("node", rows_where(case.facility > Surety.NO)), ("operator", [""])]


def check(case: Case) -> Iterator[Batch]:
    """Judge each facility, then the list as a whole."""
    facilities = case.facility > Surety.NO
    yield from placed(case, facilities, outside=Verdict.FAIL, doubtful=case.facility == Surety.DOUBTFUL)
    if not case.declaration.complete:
        yield Batch(Verdict.INCONCLUSIVE, "not_complete")
    elif case.stale:
        args = {
            "declared_on": str(case.declaration.declared_on or "–"),
            "max_age_days": case.policy.max_age_days,
        }
        yield Batch(Verdict.INCONCLUSIVE, "stale", args=args)
    elif not facilities.any():
        yield Batch(Verdict.INCONCLUSIVE, "none_declared")
    else:
        yield Batch(Verdict.PASS, "complete")


RULE = Rule(
    id="PILOT-FAC-01",
    title=Text("Every service facility stands inside a pilot area", "服务设施均位于试点区域内"),
    basis="circular",
    clauses=("annex-2-2-place",),
    severity="high",
    scope=scope,
    check=check,
    messages={
        "inside": Message("Inside {area}.", "位于{area}内。"),
        "outside": Message(
            "This {kind} ({place}) stands outside every pilot area{far}.",
            "该{kind}（{place}）位于所有试点区域之外{far}。",
            "Move the facility into the operator's area or end its use for pilot services.",
            "请将该设施迁入本试点区域，或停止将其用于试点业务。",
        ),
        "outside_if_bound": Message(
            "This {kind} ({place}) stands outside every pilot area{far}; whether it is a service facility of the "
            "operator for a pilot service is not clear.",
            "该{kind}（{place}）位于所有试点区域之外{far}；是否属于该企业试点业务的服务设施尚不明确。",
            "State its kind, owner, holding and services, and what its contract is for.",
            "请说明其类型、所有者、持有方式、所服务的业务及相关合同用途。",
        ),
        "near_edge": Message(
            "This {kind} ({place}) is too near the edge of {area}{off} to tell, or known only by a district that the "
            "edge crosses.",
            "该{kind}（{place}）过于靠近{area}边界{off}，或仅知其所在的、被边界穿过的行政区，无法判定。",
            "Give the region code and full address of the site, or surveyed coordinates with datum and accuracy.",
            "请提供机房的行政区划代码和详细地址，或注明坐标系与精度的实测坐标。",
        ),
        "contradiction": Message(
            "What is declared of the place of this {kind} contradicts itself: {place}.",
            "该{kind}所申报的位置信息相互矛盾：{place}。",
            "Find out which is right; check the datum (GCJ-02 or BD-09 read as WGS84 moves a point).",
            "请核实何者正确；并检查坐标系（误将 GCJ-02、BD-09 作 WGS84 会产生偏移）。",
        ),
        "undecided_part": Message(
            "This {kind} ({place}) stands on land of which it is undecided whether it belongs to {area}.",
            "该{kind}（{place}）所在地块是否属于{area}尚未明确。",
            "Ask the communications administration in writing.",
            "请书面请示当地通信管理局。",
        ),
        "no_place": Message(
            "This {kind} cannot be placed ({place}): no region code, coordinates or address that could be read.",
            "该{kind}无法定位（{place}）：缺少可识别的行政区划代码、坐标或地址。",
            "Give its region code, or its coordinates with datum and accuracy.",
            "请填写行政区划代码，或填写坐标及其坐标系和精度。",
        ),
        "complete": Message("The operator states that no facility is left out.", "企业声明未遗漏任何设施。"),
        "none_declared": Message(
            "Services are offered under the pilot, yet no facility that could serve them is declared.",
            "企业开展试点业务，但未申报任何服务设施。",
            "Ask with what equipment the services are offered, and who holds it.",
            "请说明以何种设施提供服务及其持有方。",
        ),
        "not_complete": Message(
            "The operator does not state that its list of facilities is complete, so nothing can be said of "
            "those not listed.",
            "企业未声明设施清单完整，无法对未列入的设施作出判断。",
            "Ask for the full inventory and for `complete = true` in [network].",
            "请要求提供完整设施清单，并在 [network] 中声明 `complete = true`。",
        ),
        "stale": Message(
            "The declaration is undated or older than {max_age_days} days (date: {declared_on}), so nothing can be "
            "said of what changed since.",
            "申报材料未注明日期或已超过 {max_age_days} 天（申报日期：{declared_on}），无法判断其后的变化。",
            "Ask for a renewed declaration.",
            "请要求更新申报材料。",
        ),
    },
)
