"""Bandwidth and addresses come straight from a basic telecom carrier and are not leased onward.

Clause
------
信管函〔2017〕32号 part 2 (层层转租): 不得将其获得的IP地址、带宽等网络接入资源转租给其他企业，用于经营IDC、ISP等业务; 电信业务
经营许可管理办法 Art. 24 [recall]. Access resources are leased from holders of basic licences and not sublet to others
who run IDC, ISP and similar business with them.

Check
-----
The supplier of every contract in force for bandwidth or addresses, and the source unit of every address block, is
looked up in the register of carriers on the date. A supplier known to hold value-added licences only fails. A
contract of kind ``onward_lease`` fails where its `service` is IDC or Internet access (B11, B14).

Inconclusive when
-----------------
The supplier is not stated, not in the register, an affiliate of a carrier or of unsettled standing; the address
block is the operator's own; what an onward lease is for is not stated, or is other B1 business (CDN, VPN).

Not applicable when
-------------------
No such contract and no source of an address block is declared, or the operator has no service under the pilot.

Limits
------
Related law: stands apart from the verdict under Circular 107. Selling access to end users is the business, no
onward lease. Portable address space of one's own is allowed, but must be filed. Bandwidth bundled into a
colocation contract is not seen.

Source
------
Card PILOT-ISP-03; decision 12.10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor import registers
from auditor.columns import Coded
from auditor.findings import Batch, Verdict
from auditor.language import both
from auditor.roles import is_operator
from auditor.rule import Message, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.case import Case
    from auditor.columns import IntArray
    from auditor.model import Contract

BOUGHT = frozenset({"bandwidth", "ip"})
# How bad an answer on an address block is: of two sources of one block the worse counts.
ANSWERS = (
    ("carrier", Verdict.PASS, "from_carrier"),
    ("own", Verdict.INCONCLUSIVE, "own_addresses"),
    ("undecided", Verdict.INCONCLUSIVE, "undecided"),
    ("affiliate", Verdict.INCONCLUSIVE, "affiliate"),
    ("none", Verdict.INCONCLUSIVE, "unmatched"),
    ("non_basic", Verdict.FAIL, "non_basic"),
)
RANKS = {name: rank for rank, (name, _, _) in enumerate(ANSWERS)}


def _asked(case: Case) -> list[Contract]:
    return [c for c in case.contracts if c.kind in BOUGHT or c.kind == "onward_lease"]


def scope(case: Case) -> list[tuple[str, list[str]]]:
    """Give contracts for access resources, and address blocks with a source."""
    blocks, _, _ = _blocks(case)
    return [("contract", [str(c.id) for c in _asked(case)]), ("prefix", blocks)]


def check(case: Case) -> Iterator[Batch]:
    """Judge each contract, then each source of address blocks."""
    for contract in _asked(case):
        yield _onward(case, contract) if contract.kind == "onward_lease" else _bought(case, contract)
    blocks, rank, source = _blocks(case)
    for at, (_, verdict, message) in enumerate(ANSWERS):
        chosen = np.flatnonzero(rank == at)
        if len(chosen):
            args = {"supplier": np.array([source.at(int(i)) or "" for i in chosen], object)}
            yield Batch(verdict, message, [blocks[i] for i in chosen], "prefix", args, args)


def _standing(case: Case, name: str, uscc: str | None = None) -> str:
    """Look a supplier up; ``own`` for the operator itself."""
    operator = case.declaration.operator
    if (uscc and uscc == operator.uscc) or is_operator(name, operator):
        return "own"
    return registers.match_carrier(name, as_of=case.as_of, uscc=uscc).standing


def _bought(case: Case, contract: Contract) -> Batch:
    grade = case.grade_of(contract.grade, contract.document)
    if not contract.supplier and not contract.supplier_uscc:
        return Batch(Verdict.INCONCLUSIVE, "no_supplier", [str(contract.id)], "contract", grade=grade)
    standing = _standing(case, contract.supplier or "", contract.supplier_uscc)
    _, verdict, message = ANSWERS[RANKS["none" if standing == "own" else standing]]
    args = {"supplier": contract.supplier or contract.supplier_uscc}
    return Batch(verdict, message, [str(contract.id)], "contract", args, args, grade)


def _onward(case: Case, contract: Contract) -> Batch:
    """Judge a lease to others by the business that it is for."""
    grade = case.grade_of(contract.grade, contract.document)
    line = registers.lineage(contract.service) if contract.service else ()
    if "B11" in line or "B14" in line:
        verdict, message = Verdict.FAIL, "leased_onward"
    elif not line or "B1" in line:
        verdict, message = Verdict.INCONCLUSIVE, "leased_onward_unclear"
    else:
        verdict, message = Verdict.PASS, "leased_to_user"
    args = {"service": contract.service or ""}
    return Batch(verdict, message, [str(contract.id)], "contract", args, args, grade)


def _blocks(case: Case) -> tuple[list[str], IntArray, Coded]:
    """Address blocks in force with a source, each once: rank of the worst answer, and the source that gives it."""
    table = case.declaration.prefixes
    if table is None:
        return [], np.empty(0, np.int64), Coded.of([])
    source, prefix = (Coded.of(table.column(name)) for name in ("source_unit", "prefix"))
    rows = np.flatnonzero(~source.blank & ~prefix.blank & case.dated(table))
    rank = source.map(lambda name: RANKS[_standing(case, name)], blank=0, dtype=np.int64)
    # Last among the rows of a block comes its worst answer; equal ones by name, so that row order plays no part.
    names = np.argsort(np.argsort([*source.values, ""]))[source.codes]
    order = rows[np.lexsort((-names[rows], rank[rows], prefix.codes[rows]))]
    last = order[np.append(np.diff(prefix.codes[order]) != 0, True)] if len(order) else order
    blocks = [prefix.values[code] for code in prefix.codes[last].tolist()]
    return blocks, rank[last], source.take(last)


ASK_LICENCE = "Ask for the supplier's basic licence (A14), or for the carrier's contract behind it."

RULE = Rule(
    id="PILOT-ISP-03",
    title=both("Access resources come from basic carriers, without chained resale"),
    basis="related_law",
    clauses=("law-32-resale", "law-42-24"),
    severity="medium",
    scope=scope,
    check=check,
    placed=False,
    messages={
        "from_carrier": Message("Supplied by {supplier}, a carrier by the register."),
        "non_basic": Message(
            "Supplied by {supplier}, which holds value-added licences only: access resources must come from a basic "
            "telecom carrier.",
            "Contract with a carrier directly, or show the supplier's basic licence.",
        ),
        "undecided": Message(
            "Supplied by {supplier}, of which it is not settled whether it is a basic telecom carrier.",
            ASK_LICENCE,
        ),
        "affiliate": Message(
            "Supplied by {supplier}, which belongs to a carrier's group, but is no carrier by itself.",
            ASK_LICENCE,
        ),
        "unmatched": Message(
            "Supplied by {supplier}, which the register of carriers does not know on the date.", ASK_LICENCE
        ),
        "no_supplier": Message("The contract names no supplier.", "Ask for the contract."),
        "own_addresses": Message(
            "Address space of the operator's own: allowed, but it must be filed, and a carrier must announce it.",
            "Ask for the filing of the address block.",
        ),
        "leased_onward": Message(
            "Access resources are leased onward for {service} business: sublet to others who provide data centres or "
            "Internet access.",
            "End the lease, or let the lessee contract with a carrier.",
        ),
        "leased_onward_unclear": Message(
            "Access resources are leased onward; whether for IDC, Internet access or similar business is not stated "
            "or not settled (service: {service}).",
            "Ask what the lessee uses them for, and which licences it holds.",
        ),
        "leased_to_user": Message("Leased to a user for {service}, not for IDC or Internet access business."),
    },
)
