"""What stands as a carrier's access equipment belongs to a basic telecom carrier.

Clause
------
Annex 2(2): 且需通过基础电信企业互联网接入设备对用户提供互联网接入服务. Access equipment counts only if it is that of a
basic telecommunications enterprise, which 电信条例 Arts. 8 to 10 define: a holder of a basic licence.

Check
-----
The owner of every piece of access equipment in service (session edge, access network, and routers with
``access_role = subscriber_access``) that is neither the operator's nor a customer's is looked up in the register
of carriers on the date: registered and former names, aliases, branches (分公司) and provincial companies, whole
names only. An enterprise known to hold value-added licences only fails. Observations, where there are some, are held
against the owner declared: which autonomous systems announce the addresses of the equipment, and whom registries name.

Inconclusive when
-----------------
No owner is stated; the register does not know it, or not on the date; it is an affiliate of a carrier (overseas
arm, tower company, cable network); the sources do not settle whether it is a carrier (CITIC Networks, China
Satcom); or all that announces the addresses of a carrier's equipment belongs to another carrier, to nobody that the
register knows, or to a carrier's affiliate abroad, and no source mentions the carrier declared.

Not applicable when
-------------------
B14 is not offered under the pilot, or no such equipment is declared.

Limits
------
A name is a claim: whether the equipment is that enterprise's, the contract must show. An AS number proves no
identity: carriers announce blocks of their customers, so that it opens a question and settles none. One announcement
by the carrier declared is enough, among several. Who runs the equipment, and whether paths pass it, is ISP-02's.

Source
------
Card PILOT-ISP-05; decision 12.9; autonomous systems in `data/carrier_asns.csv`, reviewed 2026-11-22.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor import registers
from auditor.arrow import pc
from auditor.findings import Batch, Verdict
from auditor.language import Text, both
from auditor.roles import Party
from auditor.rule import Message, Rule
from auditor.rules._helpers import kinds, rows_where
from auditor.rules._observed import announcers_told
from auditor.values import Each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.case import Case
    from auditor.columns import BoolArray, IntArray

OBSERVED = 4  # grade
NOT_STATED = both("not stated")
ANSWERS = (
    ("carrier", Verdict.PASS, "carrier"),
    ("non_basic", Verdict.FAIL, "non_basic"),
    ("undecided", Verdict.INCONCLUSIVE, "undecided"),
    ("affiliate", Verdict.INCONCLUSIVE, "affiliate"),
    ("none", Verdict.INCONCLUSIVE, "unmatched"),
)


def _equipment(case: Case) -> BoolArray:
    ours = (case.owner == Party.OPERATOR) | (case.owner == Party.CUSTOMER)
    asked: BoolArray = (case.access.tier_1 | case.access.tier_2) & case.in_service & ~ours
    return asked


def scope(case: Case) -> list[tuple[str, IntArray]]:
    """Give access equipment in service of others than the operator and its customers."""
    return [("node", rows_where(_equipment(case)))]


def check(case: Case) -> Iterator[Batch]:
    """Look every distinct owner up once, by name and code, then sort the equipment by what the register says."""
    rows = rows_where(_equipment(case))
    matches, which = _matches(case, rows)
    for known, verdict, message in ANSWERS:
        chosen = np.array([match is not None and match.standing == known for match in matches], np.bool_)
        at = np.flatnonzero(chosen[which])
        if len(at):
            details = {"owner": _owner_of(case, rows[at]), "registered": _registered(matches, which[at])}
            args = {"kind": kinds(case, rows[at]), "called": _called(details)}
            carrier = [(match and match.carrier) or "" for match in matches]
            batch = Batch(verdict, message, rows[at], "node", args, details)
            yield from _held(case, batch, np.array([*carrier, ""])[which[at]])
    nobody = rows[np.array([match is None for match in matches], np.bool_)[which]]
    if len(nobody):
        batch = Batch(Verdict.INCONCLUSIVE, "no_owner", nobody, "node", {"kind": kinds(case, nobody)})
        yield from _held(case, batch, np.full(len(nobody), ""))


def _held(case: Case, batch: Batch, carrier: Any) -> Iterator[Batch]:
    """Hold who announces the addresses of equipment against the owner declared; `carrier` is its id, or blank.

    A pass may become a question, and a question may name what was seen; nothing else changes.
    """
    if case.observations is None or batch.message not in {"carrier", "unmatched", "no_owner"}:
        yield batch
        return
    seen, agrees, abroad = _announced(case, batch.subjects, carrier)
    if batch.message == "carrier":
        groups = (("observed_abroad", abroad & ~agrees), ("observed_other", seen & ~abroad & ~agrees))
    else:
        groups = (("observed_owner", seen), ("", np.zeros(len(batch), np.bool_)))
    rest = np.ones(len(batch), np.bool_)
    for message, mask in groups:
        rest &= ~mask
        if mask.any():
            yield _questioned(case, batch.take(rows_where(mask)), message)
    if rest.any():
        yield batch if rest.all() else batch.take(rows_where(rest))


def _announced(case: Case, nodes: Any, carrier: Any) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Nodes that somebody announces; that the carrier declared does, or is mentioned for; that one abroad does."""
    evidence = case.evidence
    origin = evidence.kind.isin({"origin"}) & evidence.answered
    asn = pc.fill_null(evidence.observations.table.column("asn"), -1).to_numpy()
    known = registers.carriers_of(asn)
    at_home = origin & known.standing.isin({"carrier", "affiliate"})
    holder, owner = evidence.kind.isin({"holder"}) & evidence.answered, evidence.column("owner")
    agrees = np.zeros(len(nodes), np.bool_)
    for one in sorted(set(carrier.tolist()) - {""}):
        mentions = owner.map(partial(_mentions, one), blank=False, dtype=np.bool_)
        said = (at_home & known.carrier.isin({one})) | (holder & mentions)
        agrees |= (carrier == one) & evidence.nodes_with(said)[nodes]
    abroad = origin & known.standing.isin({"affiliate_abroad"})
    return evidence.nodes_with(origin)[nodes], agrees, evidence.nodes_with(abroad)[nodes]


def _mentions(carrier: str, text: str) -> bool:
    return carrier in registers.carrier_of_words(text)


def _questioned(case: Case, batch: Batch, message: str) -> Batch:
    evidence = case.evidence

    def seen(position: int) -> list[int]:
        found: list[int] = evidence.rows_on(int(batch.subjects[position]), "origin", "holder").tolist()
        return found

    def asn(position: int) -> list[int]:
        return sorted({r["asn"] for r in evidence.observations.records(seen(position)) if "asn" in r})

    return replace(
        batch,
        verdict=Verdict.INCONCLUSIVE,
        message=message,
        args={
            "called": NOT_STATED,
            **batch.args,
            "announced": Each(lambda i: announcers_told(case, seen(i))),
        },
        details={**batch.details, "asn": Each(asn)},
        grade=OBSERVED,
        observations=Each(lambda i: evidence.told(seen(i))),
    )


def _matches(case: Case, rows: IntArray) -> tuple[list[registers.CarrierMatch | None], IntArray]:
    """What the register says of each distinct owner, nothing of one not stated; and whose row is whose."""
    owner, code = case.node("owner").take(rows), case.node("holder_uscc").take(rows)
    width = len(code.values) + 1
    pairs, which = np.unique((owner.codes.astype(np.int64) + 1) * width + code.codes + 1, return_inverse=True)
    found: list[registers.CarrierMatch | None] = []
    for pair in pairs.tolist():
        name, uscc = ("", *owner.values)[pair // width], ("", *code.values)[pair % width]
        match = registers.match_carrier(name, as_of=case.as_of, uscc=uscc or None) if name or uscc else None
        found.append(match)
    return found, which


def _owner_of(case: Case, rows: IntArray) -> Each:
    owner, code = case.node("owner"), case.node("holder_uscc")
    return Each(lambda i: owner.at(int(rows[i])) or code.at(int(rows[i])))


def _registered(matches: list[registers.CarrierMatch | None], which: IntArray) -> Each:
    def registered(position: int) -> str:
        match = matches[int(which[position])]
        return (match and match.name) or ""

    return Each(registered)


def _called(details: dict[str, Each]) -> Each:
    """Name owners as declared, with the registered name where that is another."""

    def called(position: int) -> Text:
        owner, registered = (details[name].get(position) for name in ("owner", "registered"))
        if registered in {"", owner}:
            return Text(owner, owner)
        return both("{owner} ({registered})", owner=owner, registered=registered)

    return Each(called)


ASK = "Ask for the owner's licence for basic telecom business (A14), or for the contract with a carrier."

ANNOUNCED = (
    "Ask for the contract with the carrier on this equipment, and why another announces its addresses."
)

RULE = Rule(
    id="PILOT-ISP-05",
    title=both("Access equipment of others belongs to a basic telecom carrier"),
    basis="circular",
    clauses=("annex-2-2-isp-access",),
    severity="high",
    scope=scope,
    check=check,
    placed=False,
    service="B14",
    messages={
        "carrier": Message("The owner, {called}, is a carrier by the register."),
        "non_basic": Message(
            "The owner of this {kind}, {called}, holds value-added licences only: it is no basic telecom "
            "carrier.",
            "Connect users through a carrier's equipment, or show the owner's basic licence.",
        ),
        "undecided": Message(
            "Whether the owner of this {kind}, {called}, counts as a basic telecom carrier here is not "
            "settled.",
            ASK,
        ),
        "affiliate": Message(
            "The owner of this {kind}, {called}, belongs to a carrier's group, but is no carrier by itself.",
            ASK,
        ),
        "unmatched": Message(
            "The register of carriers does not know the owner of this {kind}, {called}, on the date.",
            "Ask for its full registered name as in the licence, or for its basic licence.",
        ),
        "no_owner": Message(
            "No owner of this {kind} is stated.", "State whose it is, by its full registered name."
        ),
        "observed_other": Message(
            "The owner declared, {called}, is a carrier by the register, but the addresses of this {kind} are announced "
            "by {announced}.",
            ANNOUNCED,
        ),
        "observed_abroad": Message(
            "The owner declared, {called}, is a carrier by the register, but the addresses of this {kind} are announced "
            "by {announced}: an affiliate abroad is not the carrier of the mainland.",
            ANNOUNCED,
        ),
        "observed_owner": Message(
            "The register of carriers knows no owner of this {kind} (declared: {called}); its addresses are announced by "
            "{announced}, which does not make that the owner.",
            "State whose it is, by its full registered name, and ask for the contract with the carrier.",
        ),
    },
)
