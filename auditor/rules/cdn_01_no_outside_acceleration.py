"""No CDN or similar facility outside the operator's own area is bought or leased for acceleration.

Clause
------
Annex 2(2): 不得购买、租用本试点区域外 CDN 等设施开展加速服务. CDN facilities outside this pilot area cannot be purchased or
leased for acceleration services. The English drops 等 (and similar): any acceleration node is meant.

Check
-----
Nodes: CDN nodes, schedulers and accelerators that are leased, bought, hosted or shared, or that a CDN or
acceleration contract in force names, as served or as failover; load balancers and DNS where they state B12;
peer-to-peer nodes of others, users' devices too. Each must stand in the operator's own area: another pilot area is outside. Contracts for CDN or acceleration:
a node set that the supplier chooses fails if its coverage goes beyond the area, and passes if it is limited to it;
a fixed set passes, each of its nodes being judged by itself. The rule binds every operator under the pilot,
whether it offers B12 or not. Services, where name servers were asked about their domains: do the chains of names pass
through the content delivery network of another, and where are the addresses that they end at?

Inconclusive when
-----------------
The place of a node is not resolved; it is a peer-to-peer node outside (`p2p_nodes`); it is not sure that it serves
a pilot service; the contract is for the company's own site; it says neither which nodes nor how far, or names nodes
that are not declared; the operator's area is not known. A domain leads through another's network that no declared contract
with a fixed set of declared nodes covers; two independent families of sources, a delay or the holder's own geofeed
place an address that it leads to outside the area.

Not applicable when
-------------------
Nothing for acceleration is bought or leased; the contract is for a service under another regime; domains lead
through no network of another and to nothing outside, which proves no purchase and no lack of one.

Limits
------
Customers' own origins, their content and viewers may be anywhere (CDN-03). A carrier's transparent cache that the
operator has no contract for is not the operator's. The operator's own nodes are FAC-01's and CDN-02's. Networks are
known by the suffixes of their names (`data/cdn_names.csv`); a domain may lead elsewhere for other askers. Addresses
that nobody declared are FAC-04's.

Source
------
Card PILOT-CDN-01; decisions 12.2, 12.14.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.findings import Batch, Verdict
from auditor.language import Text, both
from auditor.roles import FACILITY, Party, Surety
from auditor.rule import Message, Rule
from auditor.rules._helpers import (
    acceleration_contracts,
    contract_nodes,
    contract_rows,
    facts,
    inside,
    place_named,
    reach_of,
    rows_where,
    standing,
    states,
    supplier,
    there_told,
    under_acceleration,
    unresolved,
    where,
)
from auditor.rules._observed import edges, operates, sides_told
from auditor.values import Each

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from auditor.case import Case
    from auditor.columns import BoolArray, IntArray
    from auditor.model import Contract
    from auditor.registers import Cdn
    from auditor.rules._observed import Edges

OBSERVED = 4  # grade
NODES = frozenset({"cdn_edge", "cdn_scheduler", "accelerator", "pcdn"})
IF_CDN = frozenset({"load_balancer", "dns"})
MEANS = {
    "lease": both("leased"),
    "purchase": both("bought"),
    "hosting": both("hosted"),
    "cloud": both("rented as cloud"),
    "shared": both("shared"),
}
NOT_STATED = both("not stated")


def scope(case: Case) -> list[tuple[str, IntArray | list[str]]]:
    """Give acceleration nodes that are not the operator's own, contracts for acceleration, services observed."""
    return [
        ("node", rows_where(_bought(case))),
        ("contract", [str(c.id) for c in acceleration_contracts(case)]),
        ("service", [found.service.code for found in edges(case)]),
    ]


def check(case: Case) -> Iterator[Batch]:
    """Judge each node bought or leased, then the terms of each contract, then where domains lead."""
    yield from _judge_nodes(case)
    rows = contract_rows(case)
    home = _home(case)
    for contract in acceleration_contracts(case):
        verdict, message = _judge(case, contract, rows)
        named = contract_nodes(contract)
        told: dict[str, Any] = {
            "supplier": supplier(contract),
            "home": home,
            "purpose": _purpose(contract),
            "coverage": [place_named(case, entry) for entry in contract.coverage] or NOT_STATED,
            "nodes": named or NOT_STATED,
        }
        lost = [name for name in named if rows[name] < 0]
        told |= {"lost": lost} if lost else {}
        grade = case.grade_of(contract.grade, contract.document)
        details = facts({**told, "coverage": list(contract.coverage) or NOT_STATED})
        yield Batch(verdict, message, [str(contract.id)], "contract", told, details, grade)
    for found in edges(case):
        yield _judge_edges(case, found, rows)


def _judge_edges(case: Case, found: Edges, rows: Mapping[str, int]) -> Batch:
    """Judge where the domains of one service lead."""
    service = found.service
    names = sorted({Text(network.name_en, network.name_zh) for network in found.networks.values()})
    terms = {network: _covering(case, network, rows) for network in found.networks.values()}
    declared = not (found.undeclared or service.lost or service.unheard)
    covered = declared and all(fixed for _, fixed in terms.values())
    if found.outside:
        verdict, message = Verdict.INCONCLUSIVE, "observed_outside"
    elif found.networks and not covered:
        verdict, message = Verdict.INCONCLUSIVE, "observed_cdn"
    else:
        # A name server shows neither a purchase nor that there is none: nothing to judge, and no pass.
        verdict, message = Verdict.NOT_APPLICABLE, "observed_own" if declared else "observed_no_cdn"
    told = {
        "code": service.code,
        "home": _home(case),
        "networks": names,
        "contracts": sorted({c for ids, _ in terms.values() for c in ids}) or both("none"),
        "chains": [" → ".join(chain) for chain in service.chains.values()],
        "outside": sides_told(case, found.outside),
    }
    details = {
        "chains": list(service.chains.values()),
        "addresses": service.addresses,
        "undeclared": found.undeclared,
        "networks": {
            name: Text(network.name_en, network.name_zh) for name, network in found.networks.items()
        },
    }
    seen = Each(lambda _: case.evidence.told([*service.rows, *found.outside]))
    grade = OBSERVED if verdict == Verdict.INCONCLUSIVE else 3
    return Batch(verdict, message, [service.code], "service", told, details, grade, seen)


def _covering(case: Case, network: Cdn, rows: Mapping[str, int]) -> tuple[list[str], bool]:
    """Contracts for acceleration with the operator of a network, and whether one fixes its nodes."""
    mine = [c for c in acceleration_contracts(case) if operates(c.supplier or "", network, case.as_of)]
    return [str(c.id) for c in mine], any(_terms(case, c, rows) == (Verdict.PASS, "fixed") for c in mine)


def _home(case: Case) -> Text:
    return case.area_name(case.area) if case.area >= 0 else both("an area not known")


def _bought(case: Case) -> BoolArray:
    """Nodes for acceleration that are bought or leased for a pilot service, in service on the date."""
    kind, named = case.node("kind"), under_acceleration(case)
    accelerates = kind.isin(NODES) | (kind.isin(IF_CDN) & states(case, "B12")) | named
    others = (case.owner != Party.OPERATOR) & (case.owner != Party.UNKNOWN)
    holding, states_none = case.node("holding"), case.node("services").blank
    for_site = case.contracted & ~case.named(c for c in case.contracts if c.purpose != "corporate_site")
    held = ~holding.blank | (case.contracted & ~(for_site & states_none))
    obtained = holding.isin(MEANS) | named | (held & others)
    # Peer-to-peer nodes are users' devices: they serve the operator whatever is said of how it holds them.
    peers = kind.isin({"pcdn"})
    customers = (case.owner == Party.CUSTOMER) & ~peers & ~named
    obtained |= peers & (case.owner != Party.OPERATOR)
    bought: BoolArray = (
        accelerates & obtained & ~customers & case.in_service & (case.serves_pilot > Surety.NO)
    )
    return bought


def _judge_nodes(case: Case) -> Iterator[Batch]:
    kind, at = case.node("kind"), standing(case)
    p2p = kind.isin({"pcdn"})
    unclear = ~p2p & ((case.owner == Party.CUSTOMER) | ~kind.isin(FACILITY))
    # A contract for a pilot service makes sure what a service on the node that nobody offers leaves open.
    leased = case.named(c for c in acceleration_contracts(case) if case.for_pilot(c) == Surety.SURE)
    sure = ((case.serves_pilot == Surety.SURE) | leased) & ~unclear
    asked = p2p & (case.policy.p2p_nodes == "inconclusive")
    beyond = at.outside | at.elsewhere
    groups: tuple[tuple[Verdict, str, BoolArray, Any], ...] = (
        (Verdict.PASS, "inside", at.own, inside),
        (Verdict.FAIL, "outside", beyond & sure & ~asked, where),
        (Verdict.INCONCLUSIVE, "peer_to_peer", beyond & asked, where),
        (Verdict.INCONCLUSIVE, "outside_if_bound", beyond & ~sure & ~asked, where),
        (Verdict.INCONCLUSIVE, "own_area_unknown", at.somewhere, where),
        (Verdict.INCONCLUSIVE, "unresolved", at.unresolved, unresolved),
    )
    bought = _bought(case)
    for verdict, message, mask, tell in groups:
        rows = rows_where(bought & mask)
        if len(rows):
            told = {**tell(case, rows), **_means(case, rows), "home": _home(case)}
            if tell is where:
                told["there"] = there_told(case, rows, told)
            yield Batch(verdict, message, rows, "node", told, _facts(told), case.grade[rows])


def _facts(told: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts(told).items() if key not in {"means", "there"}}


def _means(case: Case, rows: IntArray) -> dict[str, Each]:
    """How each node is held: by its holding, or by the contracts that name it."""
    holding, where_named = case.node("holding"), contract_rows(case)
    by_row: dict[int, list[str]] = {}
    for contract in acceleration_contracts(case):
        for name in contract_nodes(contract):
            by_row.setdefault(where_named[name], []).append(str(contract.id))

    def means(position: int) -> Text:
        row = int(rows[position])
        stated = MEANS.get(holding.at(row) or "")
        if stated is not None:
            return stated
        ids = by_row.get(row, [])
        return both("used under contract {ids}", ids=ids) if ids else both("others' own")

    return {"means": Each(means), "contracts": Each(lambda i: by_row.get(int(rows[i]), []))}


def _purpose(contract: Contract) -> Text:
    if contract.purpose == "corporate_site":
        return both("the company's own site")
    code = contract.service or "?"
    return both("service {code}, whose regime is not stated", code=code)


def _judge(case: Case, contract: Contract, rows: Mapping[str, int]) -> tuple[Verdict, str]:
    """Judge the terms of a contract; on one that may not be for a pilot service only a pass stands."""
    bound = case.for_pilot(contract)
    if bound == Surety.NO:
        return Verdict.NOT_APPLICABLE, "other_regime"
    verdict, message = _terms(case, contract, rows)
    if contract.purpose == "corporate_site" and message == "fixed":
        own = standing(case).own
        if not all(own[rows[name]] for name in contract_nodes(contract)):
            return Verdict.INCONCLUSIVE, "if_bound"
    if verdict != Verdict.PASS and bound == Surety.DOUBTFUL:
        return Verdict.INCONCLUSIVE, "if_bound"
    return verdict, message


def _terms(case: Case, contract: Contract, rows: Mapping[str, int]) -> tuple[Verdict, str]:
    named = contract_nodes(contract)
    if contract.open_node_set or (contract.open_node_set is None and contract.coverage):
        reach = reach_of(case, contract.coverage)
        if reach == Surety.NO:
            return Verdict.PASS, "limited"
        if reach == Surety.DOUBTFUL:
            return Verdict.INCONCLUSIVE, "coverage_unknown"
        return (Verdict.FAIL, "open") if contract.open_node_set else (Verdict.INCONCLUSIVE, "set_not_stated")
    if not named:
        return Verdict.INCONCLUSIVE, "no_nodes"
    lost = any(rows[name] < 0 for name in named)
    return (Verdict.INCONCLUSIVE, "undeclared_nodes") if lost else (Verdict.PASS, "fixed")


FIX = "Have the contract limited to nodes in {home}, or end it."
ASK = "Ask the supplier for the list of nodes, and that it be fixed."

RULE = Rule(
    id="PILOT-CDN-01",
    title=both("No CDN or similar facility outside the area is bought or leased for acceleration"),
    basis="circular",
    clauses=("annex-2-2-cdn",),
    severity="high",
    scope=scope,
    check=check,
    messages={
        "inside": Message("In the operator's own area, {home}."),
        "outside": Message(
            "This {kind} ({place}) is {means} and stands {there}; for acceleration only facilities in {home} may be "
            "bought or leased.",
            FIX,
        ),
        "outside_if_bound": Message(
            "This {kind} ({place}) is {means} and stands {there}, not in {home}; whether it accelerates a pilot service "
            "is not clear.",
            "State its kind, owner and services.",
        ),
        "peer_to_peer": Message(
            "This {kind} ({place}) is {means} and stands {there}, not in {home}; the circular does not say whether "
            "users' devices are CDN facilities.",
            "Ask the communications administration in writing, or keep peer-to-peer delivery to the area.",
        ),
        "own_area_unknown": Message(
            "This {kind} stands in {area}; which area is the operator's cannot be told from its registered place or "
            "its approvals.",
            "Ask for the business licence and the pilot approval.",
        ),
        "unresolved": Message(
            "Whether this {kind} ({place}), {means}, stands in {home} cannot be told: {why}.",
            "Ask the supplier for the address of the room, with its region code.",
        ),
        "fixed": Message("The contract with {supplier} fixes its nodes; each is judged by itself."),
        "limited": Message("The contract with {supplier} limits the supplier's nodes to {home}."),
        "open": Message(
            "The contract lets {supplier} serve from nodes of its choice across {coverage}, beyond {home}.",
            FIX,
        ),
        "coverage_unknown": Message(
            "The contract lets {supplier} serve from nodes of its choice, and does not clearly limit them to {home} "
            "(coverage: {coverage}).",
            ASK,
        ),
        "set_not_stated": Message(
            "The contract with {supplier} covers {coverage}, beyond {home}; whether the supplier may choose nodes there "
            "is not stated.",
            "State `open_node_set`; if the set is fixed, list its nodes.",
        ),
        "no_nodes": Message(
            "The contract with {supplier} says neither which nodes serve nor how far they may lie.", ASK
        ),
        "undeclared_nodes": Message(
            "The contract with {supplier} names nodes whose place is not declared: {lost}.",
            "Add them to the inventory with their place.",
        ),
        "if_bound": Message(
            "The contract with {supplier} may use nodes beyond {home} (coverage: {coverage}; nodes: {nodes}); it is for "
            "{purpose}, and whether the ban reaches that is not clear.",
            "Ask what the contract serves; if any pilot service, have it limited to the area.",
        ),
        "other_regime": Message("The contract with {supplier} is for a service under another regime."),
        "observed_cdn": Message(
            "Domains of {code} lead through the network of {networks} ({chains}); no declared contract fixes its nodes so "
            "that all addresses seen are declared (contracts with it for acceleration: {contracts}).",
            "Ask for the contract, and for the list of nodes that serve these domains.",
        ),
        "observed_outside": Message(
            "Sources place addresses to which the domains of {code} lead outside {home}: {outside} ({chains}).",
            "Ask whose nodes these are, under which contract they serve, and for the addresses of their rooms.",
        ),
        "observed_own": Message("The domains of {code} lead to declared addresses only ({chains})."),
        "observed_no_cdn": Message(
            "The domains of {code} lead through no known network of another ({chains})."
        ),
    },
)
