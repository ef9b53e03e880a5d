"""What contracts lease or buy is in the inventory.

Clause
------
Annex 2(2): 服务设施（含租用、购买等设施）放置地须在同一试点区域内. Rented and bought facilities count as much as owned ones;
等 takes in hosting, cloud, sharing and free use.

Check
-----
Each contract in force for CDN, acceleration, colocation or cloud, and any other for the use of facilities, must
name its nodes, and each of them must be in the inventory and in service on the date: only then do the place rules
judge it.

Inconclusive when
-----------------
The contract names no nodes, or nodes that the inventory lacks or lists as not in service.

Not applicable when
-------------------
The contract is for bandwidth, addresses or onward lease; it serves the company's own site or a service under
another regime; it is for CDN or acceleration as a service, or from nodes of the supplier's choice, without naming
nodes (CDN-01 judges its terms).

Limits
------
Where the nodes stand is left to FAC-01, FAC-02 and CDN-01: one breach, one finding. A leased node that no contract
names is in the inventory already, so it is no matter here.

Source
------
Card PILOT-FAC-03; decision 12.14.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.findings import Batch, Verdict
from auditor.language import both
from auditor.roles import HOLDING_CONTRACTS, Surety
from auditor.rule import Message, Rule
from auditor.rules._helpers import contract_nodes, contract_rows, facts, supplier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from auditor.case import Case
    from auditor.model import Contract

NEVER = ("fail",)
NO_PLACE = frozenset({"bandwidth", "ip", "onward_lease"})
BY_SERVICE = frozenset({"cdn", "acceleration"})


def scope(case: Case) -> list[tuple[str, list[str]]]:
    """Give the contracts in force."""
    return [("contract", [str(contract.id) for contract in case.contracts])]


def check(case: Case) -> Iterator[Batch]:
    """Judge each contract."""
    rows = contract_rows(case)
    for contract in case.contracts:
        named = contract_nodes(contract)
        verdict, message, args = _judge(case, contract, {name: rows[name] for name in named})
        told = {"supplier": supplier(contract), "nodes": named, **args}
        grade = case.grade_of(contract.grade, contract.document)
        yield Batch(verdict, message, [str(contract.id)], "contract", told, facts(told), grade)


def _judge(case: Case, contract: Contract, named: Mapping[str, int]) -> tuple[Verdict, str, dict[str, Any]]:
    unbound = _unbound(case, contract)
    if unbound:
        return Verdict.NOT_APPLICABLE, unbound, {}
    lost = [name for name, row in named.items() if row < 0]
    idle = [name for name, row in named.items() if row >= 0 and not case.in_service[row]]
    if not named:
        return Verdict.INCONCLUSIVE, "no_nodes", {}
    if lost:
        return Verdict.INCONCLUSIVE, "missing", {"lost": lost}
    if idle:
        return Verdict.INCONCLUSIVE, "not_in_service", {"idle": idle, "as_of": str(case.as_of)}
    return Verdict.PASS, "all_there", {"count": len(named)}


def _unbound(case: Case, contract: Contract) -> str:
    """Say why a contract leases or buys no facility for a pilot service, if so."""
    named = contract_nodes(contract)
    if contract.kind in NO_PLACE:
        return "no_facility"
    if contract.kind not in HOLDING_CONTRACTS and contract.form != "facility" and not named:
        return "no_facility"
    if case.for_pilot(contract) == Surety.NO or contract.purpose == "corporate_site":
        return "other_purpose"
    by_service = contract.form == "service" or contract.open_node_set is True
    return "by_service" if contract.kind in BY_SERVICE and by_service and not named else ""


RULE = Rule(
    id="PILOT-FAC-03",
    title=both("What contracts lease or buy is in the inventory"),
    basis="circular",
    clauses=("annex-2-2-place",),
    severity="medium",
    scope=scope,
    check=check,
    placed=False,
    messages={
        "all_there": Message("All {count} nodes of the contract with {supplier} are in the inventory."),
        "missing": Message(
            "The contract with {supplier} names nodes that the inventory lacks: {lost}.",
            "Add them to the inventory with their place, or show that the contract no longer covers them.",
        ),
        "not_in_service": Message(
            "The contract with {supplier} is in force on {as_of}, but the inventory lists these of its nodes as not in "
            "service: {idle}.",
            "Ask which is right: a leased node that still serves, or stands by, is a facility.",
        ),
        "no_nodes": Message(
            "The contract with {supplier} does not say which facilities it leases or sells, so nobody can tell where "
            "they stand.",
            "Ask for the contract's list of equipment and rooms, and enter it as `node_ids`.",
        ),
        "by_service": Message(
            "{supplier} provides the service from nodes that the contract does not name: PILOT-CDN-01 judges its terms."
        ),
        "no_facility": Message("The contract with {supplier} is not for the use of facilities."),
        "other_purpose": Message("The contract with {supplier} is not for a service under the pilot."),
    },
)
