"""The operator's own CDN components stand inside its area.

Clause
------
Annex 2(2): 服务设施（含租用、购买等设施）放置地须在同一试点区域内. The location of service facilities (including rental,
purchase, etc.) must be within the same pilot area.

Check
-----
Own components of the CDN service (edge and cache nodes, schedulers, load balancers, accelerators, DNS; storage,
servers and origins that state B12), neither leased nor bought, are held against the operator's area. It tells in
CDN words what FAC-01 and FAC-02 judge, and never fails: one breach, one finding.

Inconclusive when
-----------------
The place of the component is not resolved.

Not applicable when
-------------------
B12 is not offered under the pilot; the component stands outside every pilot area (FAC-01 judges it), or in one of
which it is not known to be the operator's (FAC-02).

Limits
------
Components leased or bought are CDN-01's. A licence for CDN that covers the whole country permits no nodes outside:
coverage is of users, not of facilities.

Source
------
Card PILOT-CDN-02; decision 12.14.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.findings import Batch, Verdict
from auditor.language import both
from auditor.roles import ACCELERATING, Party, Surety
from auditor.rule import Message, Rule
from auditor.rules._helpers import (
    facts,
    inside,
    kinds,
    rows_where,
    standing,
    states,
    under_acceleration,
    unresolved,
    where,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from auditor.case import Case
    from auditor.columns import BoolArray, IntArray

NEVER = ("fail",)
COMPONENTS = ACCELERATING | {"pcdn"}
IF_CDN = frozenset({"storage", "server", "origin"})


def scope(case: Case) -> list[tuple[str, IntArray]]:
    """Give the operator's own CDN components."""
    return [("node", rows_where(_own(case)))]


def _own(case: Case) -> BoolArray:
    kind, holding = case.node("kind"), case.node("holding")
    component = (kind.isin(COMPONENTS) & case.serves("B12")) | (kind.isin(IF_CDN) & states(case, "B12"))
    own = (case.owner == Party.OPERATOR) & (holding.blank | holding.isin({"own"})) & ~under_acceleration(case)
    mask: BoolArray = component & own & (case.facility > Surety.NO)
    return mask


def check(case: Case) -> Iterator[Batch]:
    """Tell where each component stands."""
    at, own = standing(case), _own(case)
    groups: tuple[tuple[Verdict, str, BoolArray, Any], ...] = (
        (Verdict.PASS, "inside", at.own, inside),
        (Verdict.INCONCLUSIVE, "unresolved", at.unresolved, unresolved),
        (Verdict.NOT_APPLICABLE, "outside", at.outside, where),
        (Verdict.NOT_APPLICABLE, "other_area", at.elsewhere | at.somewhere, where),
    )
    for verdict, message, mask, tell in groups:
        rows = rows_where(own & mask)
        if len(rows):
            told = {**tell(case, rows), "kind": kinds(case, rows)}
            yield Batch(verdict, message, rows, "node", told, facts(told), case.grade[rows])


RULE = Rule(
    id="PILOT-CDN-02",
    title=both("The operator's own CDN components stand inside its area"),
    basis="circular",
    clauses=("annex-2-2-place",),
    severity="high",
    scope=scope,
    check=check,
    service="B12",
    messages={
        "inside": Message("This {kind} of the operator's own CDN stands in {area}."),
        "unresolved": Message(
            "Whether this {kind} ({place}) of the operator's own CDN stands in its area cannot be told: {why}.",
            "Give the region code and full address of the room, or surveyed coordinates with datum and accuracy.",
        ),
        "outside": Message(
            "This {kind} ({place}) of the operator's own CDN stands outside every pilot area: PILOT-FAC-01 judges that."
        ),
        "other_area": Message(
            "This {kind} of the operator's own CDN stands in {area}; whether that is the operator's area is judged by "
            "PILOT-FAC-02."
        ),
    },
)
