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

from auditor.findings import Batch, Verdict
from auditor.language import both
from auditor.roles import Surety
from auditor.rule import Message, Rule
from auditor.rules._helpers import placed, rows_where

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.case import Case
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
    title=both("Every service facility stands inside a pilot area"),
    basis="circular",
    clauses=("annex-2-2-place",),
    severity="high",
    scope=scope,
    check=check,
    messages={
        "inside": Message("Inside {area}."),
        "outside": Message(
            "This {kind} ({place}) stands outside every pilot area{far}.",
            "Move the facility into the operator's area or end its use for pilot services.",
        ),
        "outside_if_bound": Message(
            "This {kind} ({place}) stands outside every pilot area{far}; whether it is a service facility of the "
            "operator for a pilot service is not clear.",
            "State its kind, owner, holding and services, and what its contract is for.",
        ),
        "near_edge": Message(
            "This {kind} ({place}) is too near the edge of {area}{off} to tell, or known only by a district that the "
            "edge crosses.",
            "Give the region code and full address of the site, or surveyed coordinates with datum and accuracy.",
        ),
        "contradiction": Message(
            "What is declared of the place of this {kind} contradicts itself: {place}.",
            "Find out which is right; check the datum (GCJ-02 or BD-09 read as WGS84 moves a point).",
        ),
        "undecided_part": Message(
            "This {kind} ({place}) stands on land of which it is undecided whether it belongs to {area}.",
            "Ask the communications administration in writing.",
        ),
        "no_place": Message(
            "This {kind} cannot be placed ({place}): no region code, coordinates or address that could be read.",
            "Give its region code, or its coordinates with datum and accuracy.",
        ),
        "complete": Message("The operator states that no facility is left out."),
        "none_declared": Message(
            "Services are offered under the pilot, yet no facility that could serve them is declared.",
            "Ask with what equipment the services are offered, and who holds it.",
        ),
        "not_complete": Message(
            "The operator does not state that its list of facilities is complete, so nothing can be said of "
            "those not listed.",
            "Ask for the full inventory and for `complete = true` in [network].",
        ),
        "stale": Message(
            "The declaration is undated or older than {max_age_days} days (date: {declared_on}), so nothing can be "
            "said of what changed since.",
            "Ask for a renewed declaration.",
        ),
    },
)
