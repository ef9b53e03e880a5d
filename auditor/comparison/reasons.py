"""What two records may differ in: reasons, what each comes to, how much it weighs, and its words."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from auditor.language import Text, both

if TYPE_CHECKING:
    from collections.abc import Mapping

OUTCOMES = ("match", "review", "mismatch")
MATCH, REVIEW, MISMATCH = range(3)
WORDS: Mapping[str, Text] = MappingProxyType(
    {"match": both("agrees"), "review": both("to review"), "mismatch": both("disagrees")}
)


class Reason(NamedTuple):
    """One way in which records differ.

    Parameters
    ----------
    outcome
        `REVIEW` where both may mean the same, `MISMATCH` where they cannot both be right.
    risk
        How soon a person should look, from 0 to 100: what may hide a facility outside the area first.
    text
        What it means.
    """

    outcome: int
    risk: int
    text: Text


REASONS: Mapping[str, Reason] = MappingProxyType(
    {
        "": Reason(MATCH, 0, both("nothing differs")),
        "outside_undeclared": Reason(
            MISMATCH, 100, both("stands outside the area, and one side does not know it")
        ),
        "moved": Reason(MISMATCH, 90, both("the places are not the same")),
        "supplier": Reason(MISMATCH, 85, both("another carrier, or no carrier, supplies it")),
        "other_code": Reason(MISMATCH, 80, both("the codes name two enterprises")),
        "missing": Reason(MISMATCH, 70, both("one side has no such record")),
        "surplus": Reason(MISMATCH, 68, both("is there more often on one side")),
        "other_room": Reason(MISMATCH, 65, both("stands in, or belongs to, another room or node")),
        "addresses": Reason(MISMATCH, 60, both("the address ranges are not the same")),
        "ended": Reason(MISMATCH, 58, both("in force on one side only")),
        "other_unit": Reason(MISMATCH, 55, both("the units named are not alike")),
        "link_type": Reason(MISMATCH, 50, both("the types of link are not the same")),
        "kind": Reason(MISMATCH, 45, both("the kinds are not the same")),
        "count": Reason(MISMATCH, 40, both("the counts are not the same")),
        "value": Reason(MISMATCH, 35, both("the values are not the same")),
        "duplicate": Reason(REVIEW, 66, both("the same key is there twice on one side")),
        "datum_unknown": Reason(
            REVIEW, 48, both("apart, by no more than an unstated datum may shift a place")
        ),
        "displaced": Reason(REVIEW, 46, both("a little apart")),
        "datum_shift": Reason(REVIEW, 44, both("apart by exactly the shift of another datum")),
        "address_detail": Reason(
            REVIEW, 32, both("one address says more than the other, or is spelt otherwise")
        ),
        "region_detail": Reason(REVIEW, 30, both("one region code is of a unit inside the other's")),
        "likeness": Reason(REVIEW, 28, both("paired by likeness: they share no key")),
        "renamed": Reason(REVIEW, 26, both("the names are alike, or of one carrier, but not the same")),
        "unstated": Reason(REVIEW, 24, both("stated on one side only")),
        "split": Reason(REVIEW, 22, both("the same addresses, cut into other blocks")),
        "dates": Reason(REVIEW, 18, both("dates or states differ, in force on both sides")),
        "attribute": Reason(REVIEW, 14, both("a field that no rule reads differs")),
        "traditional": Reason(REVIEW, 12, both("the same in simplified characters")),
    }
)
NAMES = tuple(REASONS)
OUTCOME = tuple(reason.outcome for reason in REASONS.values())
RISK = tuple(reason.risk for reason in REASONS.values())
KINDS: Mapping[str, Text] = MappingProxyType(
    {
        "room": both("room"),
        "rack": both("rack"),
        "user": both("user"),
        "node": both("other node"),
        "gateway": both("link to a supplier"),
        "link": both("other link"),
        "block": both("address block"),
        "enterprise": both("enterprise"),
        "approval": both("approval or licence"),
        "service": both("service"),
        "domain": both("domain"),
        "contract": both("contract"),
    }
)


def code(name: str) -> int:
    """Position of a reason.

    Examples
    --------
    >>> code(""), NAMES[code("moved")]
    (0, 'moved')
    """
    return NAMES.index(name)
