"""The stretch from a subscriber to its first carrier access equipment stays inside the area.

Clause
------
Policy of the audit, drawn from annex 2(2): ISP 业务服务范围仅限本试点区域. The circular limits the service scope of
Internet access to the pilot area and is silent on where the carriers' equipment stands.

Check
-----
Searched from each gate, sure or doubtful, that stands outside the operator's area or without place, and from each
other carrier node outside on the stretch, with all other gates and the sure roots taken out: the subscribers
reached have a stretch that leaves the area.

Inconclusive when
-----------------
Such equipment is reached. With the policy `access_equipment_in_area = "required"` equipment that surely stands
outside fails; with ``"ignored"`` the rule is not applicable.

Not applicable when
-------------------
B14 is not offered under the pilot; the subscriber has no link.

Limits
------
The operator's own nodes outside are FAC-01's. Carriers' core, exchanges and gateways behind the gate may stand
anywhere.

Source
------
DESIGN 6 (ISP-06); decision 12.1; card PILOT-ISP-02, last sentence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.access import StretchReason, judge_stretch, stretch_verdict
from auditor.findings import Batch, Verdict
from auditor.language import both
from auditor.paths import Shown, ranker, spread
from auditor.roles import Party
from auditor.rule import Message, Rule
from auditor.rules._helpers import lazily, rows_where
from auditor.standing import OUTSIDE, STRADDLING, WITHIN
from auditor.values import Late

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.access import Judged
    from auditor.case import Case
    from auditor.columns import BoolArray, IntArray


def scope(case: Case) -> list[tuple[str, IntArray]]:
    """Give all subjects of ISP-02."""
    return [("node", rows_where(case.subscribers))]


def check(case: Case) -> Iterator[Batch]:
    """Search from equipment outside, then from equipment without place."""
    if not case.subscribers.any():
        return
    if case.policy.access_equipment_in_area == "ignored":
        yield Batch(Verdict.NOT_APPLICABLE, "ignored", rows_where(case.subscribers), "node")
        return
    lost = len(case.declaration.undeclared)

    def over_all(mask: BoolArray) -> BoolArray:
        wide: BoolArray = spread(mask, lost, value=False)
        return wide

    relation, area = case.place.relation, case.place.area
    elsewhere = (relation == WITHIN) & (area != case.area) & (case.area >= 0)
    judged = judge_stretch(
        case.network,
        outside=over_all((relation == OUTSIDE) | elsewhere),
        unplaced=over_all(relation >= STRADDLING),
        carrier=over_all(case.owner == Party.CARRIER),
    )
    verdicts = stretch_verdict(required=case.policy.access_equipment_in_area == "required")
    for reason in StretchReason:
        at = rows_where(judged.reason == reason)
        if len(at):
            yield _batch(case, judged, at, verdicts[reason], reason.name.lower())


def _batch(case: Case, judged: Judged, at: IntArray, verdict: Verdict, message: str) -> Batch:
    rows = judged.subjects[at]
    if message in {"inside", "no_link"}:
        return Batch(verdict, message, rows, "node")
    rank = ranker(case.declaration)
    shown = lazily(lambda: Shown(case.declaration, judged.witnesses(rank, at)))
    # Grouped by the equipment, which is the cause here: the last link of the path leads to it.
    details = {
        "path": Late(lambda: shown().ways()),
        "handoff": Late(lambda: shown().last_links()),
        "count": case.counts_of(rows),
    }
    equipment = Late(lambda: shown().last(none=None, blank=None))
    return Batch(verdict, message, rows, "node", {"equipment": equipment}, details)


ASK = "Ask where the equipment stands, and whether the administration accepts carrier equipment outside the area."

RULE = Rule(
    id="PILOT-ISP-06",
    title=both("The stretch to the carrier's access equipment stays inside the area"),
    basis="policy",
    clauses=("policy-isp-06",),
    severity="medium",
    scope=scope,
    check=check,
    service="B14",
    messages={
        "inside": Message("The stretch to the carrier's access equipment stays inside the area."),
        "no_link": Message("The subscriber has no link in service."),
        "ignored": Message("The policy does not ask where access equipment stands."),
        "outside": Message(
            "The stretch to the first access equipment leaves the area at {equipment}; the circular does not say "
            "where carriers' equipment must stand.",
            ASK,
        ),
        "outside_if_doubtful": Message(
            "The stretch leaves the area at {equipment} if that is on the path at all: its owner or the way to it "
            "is not certain.",
            ASK,
        ),
        "unplaced": Message(
            "It is not known whether {equipment}, the first access equipment, stands inside the area.",
            "Ask for its region code or coordinates.",
        ),
    },
)
