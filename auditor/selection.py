"""What a declaration selects: facilities, subjects, gates and roots, each with its place and the reason.

The first thing to look at before a verdict is believed: a wrong owner or kind shows here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditor import roles
from auditor.language import both, joined
from auditor.messages import word
from auditor.roles import Party, Surety
from auditor.zones import RELATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.case import Case
    from auditor.columns import IntArray
    from auditor.language import Text

PARTIES = {
    Party.UNKNOWN: both("nobody stated"),
    Party.OPERATOR: both("the operator"),
    Party.CUSTOMER: both("a customer"),
    Party.CARRIER: both("a basic telecom carrier"),
    Party.THIRD: both("a third party"),
    Party.NON_BASIC: both("no basic telecom carrier by the register"),
}
SURETIES = {Surety.DOUBTFUL: both("doubtful"), Surety.SURE: both("sure")}
ROLES = {
    "facility": both("facility"),
    "subscriber": both("ISP subject"),
    "gate": both("gate (carrier's access equipment)"),
    "root": both("root (the Internet lies behind)"),
}


def reason(case: Case, role: str, row: int) -> Text:
    """Say why a node has a role."""
    kind = case.node("kind").at(row)
    owner = PARTIES[Party(int(case.owner[row]))]
    told = [both("{kind}, owned by {owner}", kind=word("kind", kind or "other"), owner=owner)]
    if role == "facility":
        holding = case.node("holding").at(row)
        if case.contracted[row]:
            told.append(both("named in a contract"))
        elif holding:
            told.append(both("holding: {holding}", holding=word("holding", holding)))
    if role == "gate":
        runner = PARTIES[Party(int(case.runner[row]))]
        told.append(both("operated by {runner}", runner=runner))
        told.append(both("tier 2") if case.access.tier_2[row] else both("tier 1"))
    if role == "root" and kind in roles.EGRESS:
        told.append(both("this kind leads to the Internet"))
    return joined(told, ", ", "，")


def masks(case: Case) -> dict[str, IntArray]:
    """`Surety` of each role, one a node, of nodes in service."""
    serving = case.in_service
    return {
        "facility": case.facility,
        "subscriber": np.where(case.subscribers, Surety.SURE, Surety.NO).astype(np.int8),
        "gate": np.where(serving, case.access.gate, Surety.NO).astype(np.int8),
        "root": np.where(serving, case.access.root, Surety.NO).astype(np.int8),
    }


def counts(case: Case) -> list[dict[str, Any]]:
    """Nodes by role, surety and relation to the areas."""
    relation = case.place.relation
    rows = []
    for role, surety in masks(case).items():
        for level in (Surety.SURE, Surety.DOUBTFUL):
            found = np.bincount(relation[surety == level], minlength=len(RELATIONS))
            rows.append(
                {"role": role, "surety": level, "nodes": int(found.sum())}
                | {name: int(number) for name, number in zip(RELATIONS, found, strict=True)}
            )
    return rows


def selected(case: Case, *, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """Give the nodes of each role, in order of their ids, with place and reason.

    Parameters
    ----------
    limit
        At most so many a role; all if not given.
    """
    ids = case.declaration.nodes.column("id")
    for role, surety in masks(case).items():
        rows = np.flatnonzero(surety > Surety.NO)
        names = ids.take(rows).to_pylist()
        order = sorted(range(len(rows)), key=lambda i: (-int(surety[rows[i]]), names[i]))
        for i in order[:limit]:
            row = int(rows[i])
            yield {
                "role": role,
                "surety": Surety(int(surety[row])),
                "id": names[i],
                "relation": RELATIONS[int(case.place.relation[row])],
                "area": case.area_name(int(case.place.area[row])),
                "reason": reason(case, role, row),
            }
