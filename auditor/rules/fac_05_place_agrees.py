"""What others see of a facility's place agrees with what is declared.

Clause
------
Auditor's policy for annex 2(2), 服务设施（含租用、购买等设施）放置地须在同一试点区域内: a place that is only declared is
a claim, and a second look at it costs little. Annex 5 asks for the comparison of data (数据比对).

Check
-----
Every observation of a place, on the addresses of a facility, is held against the place declared: it supports,
contradicts or decides nothing. Families of sources are counted, not sources, on the address where they are most:
databases that copy one another are one voice. One voice against proves nothing and passes, shown; so does a place
that a confirmed document of grade E1 or E2 proves, whatever databases and registries say (NEG-05).

Inconclusive when
-----------------
Two independent families contradict the place (with families that support it: both sides are shown); the geofeed of
the network's own holder says otherwise; a round trip was too quick for the place declared, which no document
outweighs. Observations alone never fail anybody.

Not applicable when
-------------------
The facility declares no place (FAC-01 asks for it); nobody was asked about it; no source gave a place, or its
addresses are announced from several places (anycast).

Limits
------
An address shows where a service ends, not where a machine stands: address translation, CDN fronts and virtual
addresses move it. No database tells Pudong from Puxi, so that "Shanghai" decides nothing there; carriers' space is
often placed in the provincial capital, clouds' at the billing address. A delay only disproves.

Source
------
Card PILOT-FAC-05; REGULATION 7; DESIGN 9; weights in `data/evidence.toml`, measured 2026-11-22.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor import registers
from auditor.findings import Batch, Verdict
from auditor.language import Text, both, joined
from auditor.messages import OUTCOMES
from auditor.roles import Surety
from auditor.rule import Message, Rule
from auditor.rules._helpers import rows_where, where
from auditor.rules._observed import sides_told
from auditor.standing import UNKNOWN
from auditor.values import Each
from auditor.votes import CONTRADICTION, REASONS, Says

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.case import Case
    from auditor.columns import IntArray

NEVER = ("fail",)
OBSERVED, PROVEN = 4, 2  # grades

VERDICTS = {
    "too_far": Verdict.INCONCLUSIVE,
    "documented": Verdict.PASS,
    "own_feed": Verdict.INCONCLUSIVE,
    "disputed": Verdict.INCONCLUSIVE,
    "contradicted": Verdict.INCONCLUSIVE,
    "one_voice": Verdict.PASS,
    "agrees": Verdict.PASS,
    "not_decided": Verdict.PASS,
    "nothing_seen": Verdict.NOT_APPLICABLE,
    "not_observed": Verdict.NOT_APPLICABLE,
}


def scope(case: Case) -> list[tuple[str, IntArray]]:
    """Give facilities whose place is declared."""
    return [("node", _subjects(case))]


def _subjects(case: Case) -> IntArray:
    return rows_where((case.facility > Surety.NO) & (case.place.relation != UNKNOWN))


def check(case: Case) -> Iterator[Batch]:
    """Sort facilities by what the votes on them come to."""
    rows = _subjects(case)
    told = _sorted(case)[rows]
    for code, (message, verdict) in enumerate(VERDICTS.items()):
        chosen = rows[told == code]
        if len(chosen):
            yield _batch(case, verdict, message, chosen)


def _sorted(case: Case) -> IntArray:
    """Position in `VERDICTS` of each node: the first that holds."""
    evidence, tally = case.evidence, case.evidence.tally
    against, supported = tally.contradicting, tally.supporting > 0
    asked = evidence.nodes_with(evidence.kind.isin({"place"}))
    holds = (
        tally.bound,
        tally.contradicted & (case.grade <= PROVEN),
        tally.alone,
        (against >= CONTRADICTION) & supported,
        against >= CONTRADICTION,
        against > 0,
        supported,
        evidence.placed,
        asked,
    )
    return np.select(list(holds), list(range(len(holds))), len(holds))


def _batch(case: Case, verdict: Verdict, message: str, rows: IntArray) -> Batch:
    if message == "not_observed":
        return Batch(verdict, message, rows, "node", grade=case.grade[rows])
    evidence = case.evidence

    @lru_cache(maxsize=1)  # message, details and observations ask for the same one after the other
    def seen(position: int) -> list[int]:
        found: list[int] = evidence.rows_on(int(rows[position]), "place").tolist()
        return found

    def families(position: int, says: Says) -> list[str]:
        family = evidence.column("family")
        return sorted({family.at(row) or "" for row in evidence.sides(seen(position), says)})

    def against(position: int) -> list[int]:
        listed = evidence.sides(seen(position), Says.CONTRADICT)
        family, weights = evidence.column("family"), registers.read_weights()
        if message == "own_feed":  # it tells what the holder says; what others say is shown with the votes
            listed = [row for row in listed if weights.family(family.at(row) or "").alone]
        return listed

    told = where(case, rows)
    args: dict[str, Any] = {
        "kind": told["kind"],
        "place": told["place"],
        "against": Each(lambda i: sides_told(case, against(i))),
        "supports": Each(lambda i: sides_told(case, evidence.sides(seen(i), Says.SUPPORT))),
        "count": evidence.tally.contradicting[rows],
        "grade": case.grade[rows],
    }
    details: dict[str, Any] = {
        "contradicting": Each(lambda i: families(i, Says.CONTRADICT)),
        "supporting": Each(lambda i: families(i, Says.SUPPORT)),
        "likelihood_ratio": Each(lambda i: evidence.joint(np.array(seen(i), np.int64))),
    }
    if message == "nothing_seen":
        args["why"] = Each(lambda i: _why(case, seen(i)))
    if message == "too_far":
        bounds = _bounds(case, rows)
        args |= bounds
        details |= {name: bounds[name] for name in ("rtt_ms", "vantage", "limit_m", "distance_m")}
    grade = OBSERVED if verdict == Verdict.INCONCLUSIVE else case.grade[rows]
    return Batch(verdict, message, rows, "node", args, details, grade, Each(lambda i: evidence.told(seen(i))))


def _why(case: Case, rows: list[int]) -> Text:
    """Say why no source gave a place."""
    evidence = case.evidence
    told: dict[Text, None] = {}
    for row, record in zip(rows, evidence.observations.records(rows), strict=True):
        why = (
            REASONS["anycast"]
            if evidence.anycast[row]
            else OUTCOMES.get(record["outcome"], OUTCOMES["unknown"])
        )
        told[both("{source}: {why}", source=record["source"], why=why)] = None
    return joined(told, "; ", "；")


def _bounds(case: Case, rows: IntArray) -> dict[str, Each]:
    """Tell of each node the tightest bound that excludes its place: trip, vantage, limit, distance."""

    @lru_cache(maxsize=1)
    def tightest(position: int) -> dict[str, Any]:
        return _tightest(case, int(rows[position]))

    def signal(position: int) -> Text:
        told = tightest(position)
        if told["rtt_ms"] is None:
            return both("The delay that {source} measured", source=told["source"])
        name = told["vantage"] or told["source"]
        return both("A round trip of {rtt:g} ms from {name}", rtt=told["rtt_ms"], name=name)

    def reach(position: int) -> Text:
        told = tightest(position)
        limit, far = told["limit_m"] / 1000, told["distance_m"]
        if far is None:
            return both("reaches {limit:,.0f} km at most", limit=limit)
        return both(
            "reaches {limit:,.0f} km at most, and the place is {far:,.0f} km away",
            limit=limit,
            far=far / 1000,
        )

    named = {
        name: Each(lambda i, n=name: tightest(i)[n])  # type: ignore[misc]  # the default binds the name
        for name in ("rtt_ms", "vantage", "limit_m", "distance_m")
    }
    return {"signal": Each(signal), "reach": Each(reach), **named}


def _tightest(case: Case, node: int) -> dict[str, Any]:
    evidence = case.evidence
    excluding = evidence.excluding(node)
    records = evidence.observations.records(excluding)
    row, record = min(zip(excluding, records, strict=True), key=lambda pair: pair[1]["radius_m"])
    details = record.get("details", {})
    return {
        "rtt_ms": details.get("rtt_ms"),
        "vantage": details.get("vantage"),
        "source": record["source"],
        "limit_m": record["radius_m"],
        "distance_m": evidence.away_m(row, node),
    }


ROOM = (
    "Ask for the lease or colocation contract with the address of the room, a photo or a visit; a geofeed; "
    "round trips from a vantage in the area; and whether the address is translated or fronted by a CDN."
)

RULE = Rule(
    id="PILOT-FAC-05",
    title=both("Evidence on the place of facilities agrees"),
    basis="policy",
    clauses=("policy-fac-05",),
    severity="medium",
    scope=scope,
    check=check,
    observed=True,
    messages={
        "too_far": Message(
            "{signal} {reach}: this {kind} cannot be where it is declared to be ({place}), or its address ends "
            "elsewhere.",
            "Ask for the cross-connect order or letter of authorisation (LOA) of the room, and where the service "
            "address is terminated.",
        ),
        "documented": Message(
            "Sources place its address elsewhere ({against}), but a confirmed document (E{grade}) proves the place: "
            "{place}.",
            "Nothing has to be asked; at a visit, see that this address is served from that room.",
        ),
        "own_feed": Message(
            "The holder of the network itself publishes another place for the address of this {kind}: {against}; "
            "declared is {place}.",
            "Ask why the geofeed says so: for the contract with the address of the room, and for a corrected feed if it is "
            "wrong.",
        ),
        "disputed": Message(
            "{count} independent families of sources place this {kind} elsewhere than declared ({place}): {against}. "
            "Others support the place: {supports}.",
            ROOM,
        ),
        "contradicted": Message(
            "{count} independent families of sources place this {kind} elsewhere than declared ({place}): {against}.",
            ROOM,
        ),
        "one_voice": Message(
            "No address has more than one family of sources against it ({against}): one voice proves nothing.",
            "For more than a declaration, ask for the lease or title; for a second voice, collect again with --online.",
        ),
        "agrees": Message("What sources say of its addresses agrees with the place declared: {supports}."),
        "not_decided": Message(
            "Nothing that sources say of its addresses contradicts the place declared, and nothing proves it.",
            "For more than a declaration, ask for the lease or title, or round trips from a vantage in the area.",
        ),
        "nothing_seen": Message(
            "No source gave a place for its addresses: {why}.",
            "Ask for the lease or title of the room, or round trips to the equipment itself from a vantage in the area.",
        ),
        "not_observed": Message(
            "No source was asked about the place of this facility.",
            "Declare its addresses (`ips`) and run `auditor collect` again.",
        ),
    },
)
