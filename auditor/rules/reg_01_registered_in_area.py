"""The operator is registered inside a pilot area.

Clause
------
Annex 2(2): 试点开放业务经营主体注册地、服务设施（含租用、购买等设施）放置地须在同一试点区域内. The registered location of the
pilot business operator must be within the same pilot area as its facilities.

Check
-----
The domicile in force on the date (住所 of the business registry, not an office) is related to the areas: region
code first, then coordinates, then the address. Outside every area fails.

Inconclusive when
-----------------
No domicile is declared, it cannot be placed, it is too near the edge or contradictory, it lies in a part of
undecided belonging; or the area that the operator claims is another than the one it is registered in.

Not applicable when
-------------------
The operator has no service under the pilot.

Limits
------
Head office, parent, staff and invoices elsewhere play no part. A claimed E1 (registry record) counts as declared
until its document is attached and a review confirms it.

Source
------
Card PILOT-REG-01; decisions 12.3, 12.7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from auditor.findings import Batch, Verdict
from auditor.language import both
from auditor.rule import Message, Rule
from auditor.rules._helpers import place_named
from auditor.standing import OUTSIDE, STRADDLING, UNDECIDED, WITHIN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from auditor.case import Case
    from auditor.model import Domicile


def scope(case: Case) -> list[tuple[str, list[str]]]:
    """Give the operator."""
    del case
    return [("operator", [""])]


def check(case: Case) -> Iterator[Batch]:
    """Judge the registered place in force."""
    home, place = case.domicile, case.domicile_place
    if home is None or place is None:
        yield Batch(Verdict.INCONCLUSIVE, "no_domicile", args={"as_of": str(case.as_of)})
        return
    args: dict[str, Any] = {
        "address": home.address or home.region_code or _coordinates(home),
        "since": str(home.from_on) if home.from_on else both("no stated date"),
    }
    args["area"] = case.area_name(int(place.area[0]))
    grade = case.grade_of(home.grade, home.document)
    verdict, message = _judge(
        case, int(place.relation[0]), int(place.area[0]), conflict=bool(place.conflict[0])
    )
    if not np.isnan(place.lon[0]):
        args["distance_m"] = round(float(case.areas.distance_m(place.lon, place.lat)[0][0]))
    claimed = case.declaration.operator.pilot_area
    args["claimed"] = place_named(case, claimed) if claimed else ""
    yield Batch(verdict, message, args=args, details=args, grade=grade)


def _coordinates(home: Domicile) -> Any:
    if home.lon is None or home.lat is None:
        return both("(nothing stated)")
    return f"{home.lon:.5f}, {home.lat:.5f}"


def _judge(case: Case, relation: int, area: int, *, conflict: bool) -> tuple[Verdict, str]:
    if relation == WITHIN:
        claimed = case.declaration.operator.pilot_area
        if claimed and case.area_of(claimed) != area:
            return Verdict.INCONCLUSIVE, "other_area_claimed"
        return Verdict.PASS, "inside"
    if relation == OUTSIDE:
        return Verdict.FAIL, "outside"
    if relation == STRADDLING:
        return Verdict.INCONCLUSIVE, "contradiction" if conflict else "near_edge"
    return Verdict.INCONCLUSIVE, "undecided_part" if relation == UNDECIDED else "no_place"


RULE = Rule(
    id="PILOT-REG-01",
    title=both("The operator is registered inside a pilot area"),
    basis="circular",
    clauses=("annex-2-2-place",),
    severity="critical",
    scope=scope,
    check=check,
    messages={
        "inside": Message("Registered inside {area}: {address}."),
        "outside": Message(
            "Registered outside every pilot area: {address}, since {since}.",
            "Move the registration back into the area, or end the services under the pilot.",
        ),
        "other_area_claimed": Message(
            "Registered in {area} ({address}), but the declaration claims the area {claimed}.",
            "Ask for the approval: which area does it name?",
        ),
        "near_edge": Message(
            "The registered place {address} is too near the edge of {area} to tell, or known only to a wider "
            "district.",
            "Ask for the full address as in the business licence, with its region code.",
        ),
        "contradiction": Message(
            "Region code, address and coordinates of the registered place {address} contradict one another.",
            "Check them against the business licence.",
        ),
        "undecided_part": Message(
            "The registered place {address} lies on land of which it is undecided whether it belongs to {area}.",
            "Ask the communications administration in writing.",
        ),
        "no_place": Message(
            "The registered place {address} cannot be placed: no region code, coordinates or readable address.",
            "Ask for the business licence.",
        ),
        "no_domicile": Message(
            "No registered place is declared for {as_of}.",
            "Ask for the business licence and the history of changes of domicile.",
        ),
    },
)
