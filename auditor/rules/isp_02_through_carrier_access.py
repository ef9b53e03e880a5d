"""Every path to the Internet passes a basic telecom carrier's access equipment.

Clause
------
Annex 2(2): 且需通过基础电信企业互联网接入设备对用户提供互联网接入服务. Internet access must be provided to users through
the Internet access equipment of basic telecommunications enterprises.

Check
-----
The carriers' access equipment (gates) is taken out of the declared network; whoever still reaches the Internet
(a root) has a bypass. Gates: session edge (BNG, MSE, access PE, mobile gateway) owned and operated by one
carrier of the register. Roots: egress, exchange, gateway; a carrier's core; the undeclared far end of a transit,
peering or cross-border link. Two runs: with every doubt for the operator (a bypass even then fails) and with
every doubt against it (a bypass only then is inconclusive). The witness is the shortest path, ties by id. Where
traceroutes from subjects were collected, those that pass are held against them, hop by hop.

Inconclusive when
-----------------
A bypass exists only on one reading (a carrier's OLT as access equipment, a node of unstated owner, a tunnel over
unstated nodes, a far end not declared); no path to any gate or root is declared; the subject is served only
through the operator's own access server in front of the gate; the network is not stated complete; there is no
subject at all. A subject that passes is traced straight from the operator's, the customer's or private space into a
system that is surely no basic carrier's, or into that of a carrier's affiliate abroad.

Not applicable when
-------------------
B14 is not offered under the pilot.

Limits
------
Structure is not routing: the finding says what the declared links permit. Where the carrier's equipment stands
plays no part here (ISP-06 asks it). A trace opens a question and closes none: a hop that does not answer, lies in
shared space (100.64.0.0/10), is announced by nobody known or is named after a carrier may be the carrier's, and then
the trace says nothing; an address of a hop may be another's.

Source
------
Card PILOT-ISP-02; decision 12.1; DESIGN 6; autonomous systems in `data/carrier_asns.csv`, reviewed 2026-11-22.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor.access import ACCESS_VERDICT, AccessReason, judge_access
from auditor.findings import Batch, Verdict
from auditor.language import Text, both, joined
from auditor.messages import kind_name
from auditor.paths import Shown, ranker
from auditor.roles import Party, Surety
from auditor.rule import Message, Rule
from auditor.rules._helpers import lazily, rows_where
from auditor.rules._observed import traces_past_carriers
from auditor.values import Distinct, Each, Late

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from auditor.access import Judged
    from auditor.case import Case
    from auditor.columns import IntArray


OBSERVED = 4  # grade
SERVED = frozenset({"through_gate", "not_complete", "own_server_in_front"})


def scope(case: Case) -> list[tuple[str, IntArray | list[str]]]:
    """Give all subjects; the operator where there is none."""
    rows = rows_where(case.subscribers)
    return [("node", rows)] if len(rows) else [("operator", [""])]


def check(case: Case) -> Iterator[Batch]:
    """Search twice, then sort subjects by what was found."""
    if not case.subscribers.any():
        yield Batch(Verdict.INCONCLUSIVE, "no_subject")
        return
    judged = judge_access(case.network, own_server=case.policy.own_access_server)
    for reason in AccessReason:
        at = rows_where(judged.reason == reason)
        if reason == AccessReason.BYPASS_IF_DOUBTFUL:
            yield from _doubtful(case, judged, at)
        elif reason == AccessReason.BYPASS:
            yield from _bypass(case, judged, at)
        elif len(at):
            batch = _batch(
                case, judged, at, (ACCESS_VERDICT[reason], reason.name.lower()), _shown(case, judged, at)
            )
            yield from _traced(case, batch)


def _traced(case: Case, batch: Batch) -> Iterator[Batch]:
    """Ask about subjects that pass, but whose traces leave past every carrier."""
    rows = batch.subjects
    if batch.verdict != Verdict.PASS or case.observations is None or not isinstance(rows, np.ndarray):
        yield batch
        return
    traces = traces_past_carriers(case, rows)
    strange = np.isin(rows, list(traces))
    if not strange.all():
        yield batch.take(rows_where(~strange)) if strange.any() else batch
    if strange.any():
        asked = batch.take(rows_where(strange))
        found = [traces[row] for row in rows[strange].tolist()]
        hops = Each(lambda i: found[i].hops)
        count = case.counts_of(rows[strange])
        yield replace(
            asked,
            verdict=Verdict.INCONCLUSIVE,
            message="observed_bypass",
            args={**asked.args, "hops": Each(lambda i: " → ".join(found[i].hops))},
            details={**asked.details, "path_observed": hops, "count": count},
            grade=OBSERVED,
            observations=Each(lambda i: case.evidence.told(found[i].rows)),
        )


def _shown(case: Case, judged: Judged, at: IntArray) -> Callable[[], Shown]:
    rank = ranker(case.declaration)
    return lazily(lambda: Shown(case.declaration, judged.witnesses(rank, at)))


def _batch(
    case: Case, judged: Judged, at: IntArray, verdict: tuple[Verdict, str], shown: Callable[[], Shown]
) -> Batch:
    """One verdict, with its message, on subjects with their paths."""
    said, message = verdict
    rows = judged.subjects[at]
    # A path avoids the gates and ends at a root; one that leads to a gate is named otherwise.
    avoids = message not in SERVED
    details: dict[str, Any] = {"path" if avoids else "path_to_gate": Late(lambda: shown().ways())}
    if avoids or message == "own_server_in_front":
        details["handoff"] = Late(lambda: shown().links_left())
    if said != Verdict.PASS:
        details["count"] = case.counts_of(rows)
    end = Late(lambda: shown().last(none=both("nothing"), blank=both("a far end that is not declared")))
    return Batch(said, message, rows, "node", {"end": end}, details)


def _bypass(case: Case, judged: Judged, at: IntArray) -> Iterator[Batch]:
    """Tell apart paths through carriers' equipment that does not count, since the operator runs it."""
    if not len(at):
        return
    shown = _shown(case, judged, at)
    taken_over = shown().crosses(
        case.access.tier_1 & (case.owner == Party.CARRIER) & (case.runner == Party.OPERATOR)
    )
    for message, group in (("bypass", ~taken_over), ("own_run_equipment", taken_over)):
        if group.any():
            every = _batch(case, judged, at, (Verdict.FAIL, message), shown)
            yield every.take(rows_where(group))


def _doubtful(case: Case, judged: Judged, at: IntArray) -> Iterator[Batch]:
    """Tell apart the doubt on the reading of the circular from doubts on facts."""
    if not len(at):
        return
    shown = _shown(case, judged, at)
    # A gate on the wide reading only: a carrier's access network before the session edge.
    reading = case.access.tier_2 & (case.owner == Party.CARRIER) & (case.access.gate == Surety.DOUBTFUL)
    narrow = shown().crosses(reading)
    doubts = Late(lambda: _tell(case, shown()))
    for message, group in (("only_wide_reading", narrow), ("bypass_if_doubtful", ~narrow)):
        if group.any():
            every = _batch(case, judged, at, (Verdict.INCONCLUSIVE, message), shown)
            told = replace(
                every,
                args={**every.args, "doubts": doubts},
                details={**every.details, "doubts": doubts},
            )
            yield told.take(rows_where(group))


def _tell(case: Case, shown: Shown) -> Distinct:
    """Name the doubts on each path; paths with the same ones share their text."""
    doubt = cache(lambda row: _doubt(case, row))  # few nodes, on many paths
    groups, examples = shown.doubt_groups()

    def doubts(path: int) -> Text:
        told = [doubt(row) for row in shown.doubts(path).tolist()]
        if shown.doubtful_links(path):
            told.append(both("a link whose course or far end is not stated"))
        return joined(told, "; ", "；")

    return Distinct(groups, [doubts(path) for path in examples.tolist()])


def _doubt(case: Case, row: int) -> Text:
    if row < 0:
        return both("a link whose far end is not declared")
    if row >= case.n:
        name = case.declaration.undeclared[row - case.n].as_py()
        return both("{name} is not declared", name=name)
    name, kind = case.declaration.nodes.column("id")[row].as_py(), case.node("kind").at(row)
    return both("{name} ({kind}) {reason}", name=name, kind=kind_name(kind), reason=_reason(case, row))


def _reason(case: Case, row: int) -> Text:
    """Say why a declared node is a doubtful gate, or else a doubtful root."""
    if case.access.gate[row] == Surety.NO:
        return both("of a third party or an unstated owner may have its own way to the Internet")
    if case.owner[row] != Party.CARRIER:
        return both("has no owner that the register knows as a carrier")
    if case.access.tier_2[row]:
        return both("is a carrier's access network, tier 2")
    if case.access.tier_1[row]:
        return both("is a carrier's, but run by somebody else")
    return both("plays a part that is not stated")


RULE = Rule(
    id="PILOT-ISP-02",
    title=both("Every path to the Internet passes a carrier's access equipment"),
    basis="circular",
    clauses=("annex-2-2-isp-access",),
    severity="high",
    scope=scope,
    check=check,
    placed=False,
    service="B14",
    messages={
        "through_gate": Message(
            "Every declared path to the Internet passes a carrier's access equipment; the nearest is {end}."
        ),
        "bypass": Message(
            "The declared links permit a path to the Internet, to {end}, past every carrier's access equipment.",
            "Cut the link by which the path leaves the operator's network, or hand the traffic over to a carrier's "
            "access equipment.",
        ),
        "own_run_equipment": Message(
            "The path to the Internet, to {end}, passes a carrier's access equipment only where the operator itself "
            "runs it; equipment that the operator runs does not count.",
            "Give the operation of that equipment back to the carrier, or hand the traffic over to equipment that the "
            "carrier runs.",
        ),
        "only_wide_reading": Message(
            "Passes only on the wide reading, on which a carrier's access network (tier 2) is access equipment; "
            "on the narrow reading (session edge) the path to {end} avoids it: {doubts}.",
            "Ask the communications administration which equipment counts, or let the carrier's BNG stand between.",
        ),
        "bypass_if_doubtful": Message(
            "Whether the path to {end} avoids the carriers' access equipment depends on what is not known: "
            "{doubts}.",
            "State owner, operator and role of these nodes, and the far ends of links.",
        ),
        "no_path": Message(
            "No path to a carrier's access equipment or to the Internet is declared: nothing can be said.",
            "Ask for the links by which this subject is connected.",
        ),
        "own_server_in_front": Message(
            "Served only through the operator's own access server in front of the carrier's {end}; whether that is "
            "provision through the carrier's equipment is open.",
            "Ask the communications administration; the policy `own_access_server` decides here.",
        ),
        "not_complete": Message(
            "No bypass is declared, but the network is not stated complete.",
            "Ask for the full topology and for `complete = true` in [network].",
        ),
        "no_subject": Message(
            "B14 is offered, but no subscriber is declared: nothing can be said.",
            "Ask for the subscribers, grouped by access equipment.",
        ),
        "observed_bypass": Message(
            "Every declared path passes a carrier's access equipment (the nearest is {end}), but a traceroute leaves the "
            "operator's network without any carrier before: {hops}.",
            "Ask whose the last hop is and by which link traffic gets there, and trace again from the subject.",
        ),
    },
)
