"""What several rules share."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from auditor.case import OUTSIDE, STRADDLING, UNDECIDED, WITHIN
from auditor.findings import Batch, Each, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from auditor.case import Case
    from auditor.columns import BoolArray, FloatArray, IntArray


Value = TypeVar("Value")


def lazily(make: Callable[[], Value]) -> Callable[[], Value]:
    """Compute something once, when it is first asked for."""
    return cache(make)


def rows_where(mask: BoolArray) -> IntArray:
    """Rows that a mask picks."""
    return np.flatnonzero(mask)


def node_batch(
    case: Case,
    verdict: Verdict,
    message: str,
    mask: BoolArray,
    *,
    args: Mapping[str, Any] | None = None,
    details: Mapping[str, Any] | None = None,
) -> Batch:
    """One verdict on the nodes of a mask, graded by their place; columns are cut to the rows."""
    rows = rows_where(mask)
    cut = lambda values: {  # noqa: E731
        key: value[rows] if isinstance(value, np.ndarray) and len(value) == case.n else value
        for key, value in (values or {}).items()
    }
    return Batch(verdict, message, rows, "node", cut(args), cut(details), case.grade[rows])


def measured(case: Case, rows: IntArray) -> dict[str, Any]:
    """How far nodes stand from the edge of the nearest area; measured for all of them when one is read."""

    @cache
    def distances() -> tuple[FloatArray, IntArray]:
        return case.distance(rows)

    return {
        "distance_m": Each(lambda i: round(float(distances()[0][i]))),
        "area": Each(lambda i: case.area_name(int(distances()[1][i]))),
    }


def placed(
    case: Case, mask: BoolArray, *, outside: Verdict, doubtful: BoolArray | None = None
) -> Iterator[Batch]:
    """Judge where nodes stand: inside an area pass; outside `outside`; anything else inconclusive.

    Parameters
    ----------
    mask
        Nodes to judge.
    outside
        Verdict on those outside every area.
    doubtful
        Nodes that are bound only on one reading: outside leaves them inconclusive.

    Notes
    -----
    Messages: ``inside``, ``outside``, ``outside_if_bound``, ``near_edge``, ``contradiction``,
    ``undecided_part``, ``no_place``; a rule that calls this has them all.
    """
    relation, conflict = case.place.relation, case.place.conflict
    unsure = np.zeros(case.n, np.bool_) if doubtful is None else doubtful
    groups = (
        (Verdict.PASS, "inside", relation == WITHIN),
        (outside, "outside", (relation == OUTSIDE) & ~unsure),
        (Verdict.INCONCLUSIVE, "outside_if_bound", (relation == OUTSIDE) & unsure),
        (Verdict.INCONCLUSIVE, "contradiction", (relation == STRADDLING) & conflict),
        (Verdict.INCONCLUSIVE, "near_edge", (relation == STRADDLING) & ~conflict),
        (Verdict.INCONCLUSIVE, "undecided_part", relation == UNDECIDED),
        (Verdict.INCONCLUSIVE, "no_place", relation > UNDECIDED),
    )
    for verdict, message, group in groups:
        rows = rows_where(mask & group)
        if len(rows):
            facts = inside(case, rows) if verdict == Verdict.PASS else where(case, rows)
            yield Batch(verdict, message, rows, "node", facts, facts, case.grade[rows])


def inside(case: Case, rows: IntArray) -> dict[str, Any]:
    """Facts on nodes that stand inside an area."""
    area = case.place.area
    return {"area": Each(lambda i: case.area_name(int(area[rows[i]])))}


def where(case: Case, rows: IntArray) -> dict[str, Any]:
    """Facts on the place of nodes, for messages and details; computed when somebody reads one."""
    kind, code, address = case.node("kind"), case.node("region_code"), case.node("address")
    place, source = case.place, case.placed_by
    said = measured(case, rows)

    def coordinates(position: int) -> list[float] | None:
        row = int(rows[position])
        if np.isnan(place.lon[row]):
            return None
        return [round(float(place.lon[row]), 6), round(float(place.lat[row]), 6)]

    return {
        "kind": Each(lambda i: kind.at(int(rows[i]))),
        "region_code": Each(lambda i: code.at(int(source[rows[i]]))),
        "address": Each(lambda i: address.at(int(source[rows[i]]))),
        "lon_lat": Each(coordinates),
        "radius_m": Each(lambda i: round(float(place.radius_m[rows[i]]))),
        **said,
    }
