"""Internet access is offered inside the operator's own pilot area only.

Clause
------
Annex 2(2): ISP 业务服务范围仅限本试点区域. The service scope of ISP business is limited to the pilot area.

Check
-----
The place of access of every subject of B14 (subscribers, and customers' servers that it connects) is related to
the areas; only the operator's own area will do, that of its registered place, else of its approval. Besides, the
declared `scope` of B14 may hold nothing but that area and units inside it.

Inconclusive when
-----------------
A place is missing, contradictory, too near the edge or in a part of undecided belonging; the operator's own area
is not known, or its approval names another than it is registered in; all links of a subscriber are radio or lead
to a mobile gateway, so that the place of access may move. For the scope: it is blank, not readable, or names a
district that the edge crosses (no code is finer, so it may mean the part inside).

Not applicable when
-------------------
B14 is not offered under the pilot.

Limits
------
The place of access counts, not where the customer is seated nor which sites it visits. Coverage printed on a
licence is wider than the area by nature and proves nothing. Findings on subscribers hold no addresses.

Source
------
Card PILOT-ISP-01; decisions 12.4, 12.7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditor.columns import Coded
from auditor.findings import Batch, Verdict
from auditor.language import Text, both
from auditor.paths import ends_of
from auditor.places import Places
from auditor.rule import Message, Rule
from auditor.rules._approvals import code_of, held_by_operator
from auditor.rules._helpers import facts, home_grade, place_named, rows_where, standing, unresolved
from auditor.standing import OUTSIDE, STRADDLING, WITHIN, serves

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.case import Case
    from auditor.columns import BoolArray, IntArray

NATIONWIDE = frozenset({"cn", "chn", "china", "nationwide", "全国", "中国"})
PERSONAL = frozenset({"address", "lon_lat", "place", "kind"})
FAR_APART_M = 100_000.0  # no two areas are nearer to one another than this, twice over
DISTRICT = 6  # digits of the finest codes in general use


def scope(case: Case) -> list[tuple[str, IntArray | list[str]]]:
    """Give all subjects of B14, and the service for its declared scope."""
    return [("node", rows_where(case.subscribers)), ("service", ["B14"])]


def check(case: Case) -> Iterator[Batch]:
    """Judge each place of access, then the declared scope."""
    yield from _places(case)
    yield _declared(case)


def _places(case: Case) -> Iterator[Batch]:
    own, elsewhere, somewhere, outside, open_ = standing(case)
    other = elsewhere | _at_another_area(case)
    approvals = [a for a in case.approvals if held_by_operator(case, a) is not False]
    granted = np.isin(case.place.area, [at for a in approvals if (at := case.area_of(a.area)) >= 0])
    moving = _moving(case)
    groups = (
        (Verdict.PASS, "inside", own & ~moving),
        (Verdict.INCONCLUSIVE, "may_move", own & moving),
        (Verdict.FAIL, "other_area", other & ~granted),
        (Verdict.INCONCLUSIVE, "area_of_approval", other & granted),
        (Verdict.INCONCLUSIVE, "own_area_unknown", somewhere),
        (Verdict.FAIL, "outside", outside),
        (Verdict.INCONCLUSIVE, "unresolved", open_ & ~other),
    )
    for verdict, message, group in groups:
        rows = rows_where(case.subscribers & group)
        if len(rows):
            told = _told(case, rows)
            # Sameness is as sure as the less sure of the two places.
            grade = np.maximum(case.grade[rows], home_grade(case))
            yield Batch(verdict, message, rows, "node", {**told, "own": _own(case)}, facts(told), grade)


def _told(case: Case, rows: IntArray) -> dict[str, Any]:
    """Say where subscribers are without what would name a person."""
    return {name: value for name, value in unresolved(case, rows).items() if name not in PERSONAL}


def _own(case: Case) -> Text:
    """Name the operator's area."""
    if case.area < 0:
        return both("the operator's own area (which is not known)")
    return case.area_name(case.area)


def _at_another_area(case: Case) -> BoolArray:
    """Nodes at the edge of another area: surely not in the operator's. Undecided land fails nobody."""
    place = case.place
    near = place.relation == STRADDLING
    precise = ~(place.radius_m > FAR_APART_M)
    other = (place.area >= 0) & (place.area != case.area)
    found: BoolArray = near & ~place.conflict & precise & other & (case.area >= 0)
    return found


def _moving(case: Case) -> BoolArray:
    """Nodes whose links in service are all radio or lead to a mobile gateway."""
    radio = Coded.of(case.declaration.links.column("kind")).isin({"radio"})
    to_gateway = case.at_ends(case.node("kind").isin({"mobile_gateway"}))[::-1]
    ends = list(zip(ends_of(case.declaration), [radio | far for far in to_gateway], strict=True))
    loose, fixed = np.zeros((2, case.n + len(case.declaration.undeclared) + 1), np.bool_)
    used = case.links_in_service
    for near, moves in ends:
        loose[near[used & moves]] = True
    if loose.any():
        for near, moves in ends:
            fixed[near[used & ~moves & loose[near]]] = True
    return (loose & ~fixed)[: case.n]


def _declared(case: Case) -> Batch:
    """Judge the scope that the operator declares for B14."""
    offered = [
        s for s in case.pilot_services or case.unsure_services if serves(frozenset({code_of(s)}), "B14")
    ]
    stated = sorted({entry for s in offered for entry in s.scope})
    read = {entry: _exceeds(case, entry) for entry in stated}
    beyond = [entry for entry in stated if read[entry] is True]
    unclear = [entry for entry in stated if read[entry] is None]
    if any(not s.scope for s in offered) and not beyond:
        verdict, message = Verdict.INCONCLUSIVE, "scope_blank"
    elif beyond:
        verdict, message = Verdict.FAIL, "scope_exceeds"
    elif unclear:
        verdict, message = Verdict.INCONCLUSIVE, "scope_unclear"
    else:
        verdict, message = Verdict.PASS, "scope_inside"
    found = {"beyond": beyond, "unclear": unclear}
    told = {name: [place_named(case, entry) for entry in entries] for name, entries in found.items()}
    args, details = {"own": _own(case), **told}, {"scope": stated, **found}
    return Batch(verdict, message, ["B14"], "service", args, details)


def _exceeds(case: Case, entry: str) -> bool | None:
    """Tell whether an entry of `scope` reaches beyond the operator's area; None where nobody can tell."""
    word = entry.strip().casefold()
    if word in NATIONWIDE or (len(word) == 2 and word.isascii() and word.isalpha()):  # noqa: PLR2004 -- a country
        return True
    named = [i for i, a in enumerate(case.areas.areas) if word in {a.id, a.name_en.casefold(), a.name_zh}]
    if named:
        return None if case.area < 0 else named[0] != case.area
    code = entry.strip() if entry.strip().isascii() else None
    place = case.areas.relate(
        Places(
            np.array([np.nan]),
            np.array([np.nan]),
            Coded.of([None]),
            np.array([np.nan]),
            Coded.of([code]),
            Coded.of([None if code else entry]),
        )
    )
    relation, area = int(place.relation[0]), int(place.area[0])
    if relation == OUTSIDE or (area >= 0 and case.area >= 0 and area != case.area):
        return True
    if relation == WITHIN:
        return None if case.area < 0 else False
    return True if relation == STRADDLING and code and _is_wider(code) else None


def _is_wider(code: str) -> bool:
    """Tell whether the unit of a code that an edge crosses holds districts beyond it for certain.

    A province or city does; a district may stand for its part inside, since no code is finer. Hainan Province is
    the island and Sansha, whose belonging is undecided.
    """
    whole = code[:DISTRICT].ljust(DISTRICT, "0")
    return whole.endswith("00") and not whole.startswith("46")


ASK_PLACE = "Ask for the installation address of the access, with its region code."

RULE = Rule(
    id="PILOT-ISP-01",
    title=both("Internet access is offered inside the operator's area only"),
    basis="circular",
    clauses=("annex-2-2-isp-scope",),
    severity="high",
    scope=scope,
    check=check,
    service="B14",
    messages={
        "inside": Message("Connected inside {own}."),
        "outside": Message(
            "Connected outside every pilot area{far}: Internet access is limited to {own}.",
            "End the access service there, or have a provider licensed for that place take it over.",
        ),
        "other_area": Message(
            "Connected in {area}, another pilot area than the operator's ({own}), or at its edge.",
            "End the access service there: an approval holds for one area only.",
        ),
        "area_of_approval": Message(
            "Connected in {area}, which an approval names, while the operator is registered in {own}.",
            "Settle first which area is the operator's: the approval and the registered place disagree.",
        ),
        "own_area_unknown": Message(
            "Connected in {area}; whether that is the operator's own area is not known.",
            "Declare the registered place and the approval.",
        ),
        "unresolved": Message("Whether this access lies inside {own} cannot be told: {why}.", ASK_PLACE),
        "may_move": Message(
            "Declared inside {own}, but connected by radio or a mobile gateway alone, so the place of access may "
            "move.",
            "Ask whether the access is fixed to a place, and how use elsewhere is prevented.",
        ),
        "scope_inside": Message("The declared scope of B14 keeps to {own}."),
        "scope_exceeds": Message(
            "The declared scope of B14 reaches beyond {own}: {beyond}.",
            "Limit the service to the area; if it is limited in fact, declare the area itself as its scope.",
        ),
        "scope_unclear": Message(
            "Whether the declared scope of B14 keeps to {own} cannot be told: {unclear}.",
            "Declare the area itself as the scope, or districts wholly inside it.",
        ),
        "scope_blank": Message(
            "No scope is declared for B14.", "Ask for the published coverage, and declare it as `scope`."
        ),
    },
)
