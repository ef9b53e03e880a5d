"""Customers' own origins and viewers may be anywhere in the country.

Clause
------
Annex 2(2): 其他业务服务范围可面向全国. Other business services, CDN among them, can be nationwide.

Check
-----
Origins and servers that belong to customers, or to others from whom the operator neither leases nor buys them, and
viewers (subscribers of the CDN service) pass wherever they stand: they are served, they are no facilities of the
operator.

Inconclusive when
-----------------
Never. The rule restrains the others; it flags nothing.

Not applicable when
-------------------
B12 is not offered under the pilot; the operator itself owns, holds or runs the origin, or nobody says whose it is
(FAC-01 judges it).

Limits
------
What the content is, is not asked (NEG-11).

Source
------
Cards PILOT-CDN-03, PILOT-NEG-01, PILOT-NEG-04; decision 12.11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.findings import Verdict
from auditor.language import both
from auditor.roles import HOSTING, Party, Surety
from auditor.rule import Message, Rule
from auditor.rules._helpers import node_batch, rows_where, states

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.case import Case
    from auditor.columns import BoolArray, IntArray
    from auditor.findings import Batch

NEVER = ("fail", "inconclusive")


def scope(case: Case) -> list[tuple[str, IntArray]]:
    """Give origins, and viewers of the CDN service."""
    return [("node", rows_where(_origins(case) | _viewers(case)))]


def _origins(case: Case) -> BoolArray:
    kind = case.node("kind")
    customers = kind.isin(HOSTING) & (case.owner == Party.CUSTOMER) & states(case, "B12")
    origins: BoolArray = customers | (kind.isin({"origin"}) & case.serves("B12"))
    return origins & case.in_service


def _viewers(case: Case) -> BoolArray:
    """Subscribers of the CDN service; one that states no service is of Internet access, where that is offered."""
    viewers = states(case, "B12")
    if case.offers("B14") == Surety.NO:
        viewers = viewers | case.node("services").blank
    return case.node("kind").isin({"subscriber"}) & viewers & case.in_service


def check(case: Case) -> Iterator[Batch]:
    """Let customers' origins and viewers pass wherever they stand."""
    run = (case.owner == Party.OPERATOR) | (case.runner == Party.OPERATOR)
    held = case.held & (case.owner != Party.CUSTOMER)
    own, nobodys = run | held, case.owner == Party.UNKNOWN
    origins = _origins(case)
    yield node_batch(case, Verdict.NOT_APPLICABLE, "own_origin", origins & own)
    yield node_batch(case, Verdict.NOT_APPLICABLE, "whose", origins & ~own & nobodys)
    yield node_batch(case, Verdict.PASS, "others_origin", origins & ~own & ~nobodys)
    yield node_batch(case, Verdict.PASS, "viewers", _viewers(case))


RULE = Rule(
    id="PILOT-CDN-03",
    title=both("Customers' own origins and viewers may be anywhere in the country"),
    basis="circular",
    clauses=("annex-2-2-nationwide",),
    severity="info",
    scope=scope,
    check=check,
    service="B12",
    graded=False,
    messages={
        "others_origin": Message(
            "A customer's or another's own origin: no facility of the operator, wherever it stands."
        ),
        "viewers": Message("Viewers of the CDN service: it may serve the whole country."),
        "own_origin": Message(
            "The operator owns, holds or runs this origin itself: PILOT-FAC-01 judges where it stands."
        ),
        "whose": Message("Nobody says whose origin this is: PILOT-FAC-01 asks."),
    },
)
