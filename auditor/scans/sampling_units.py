"""What may be drawn: operators, facilities, links, subscriber areas, each with its stratum and its weight.

The weight of a unit is 1, and by risk more: see `PARTS` and `weighed`. A finding that stands apart as related
law adds nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor.columns import Coded
from auditor.errors import UsageError
from auditor.findings import SETTLED
from auditor.language import both, say
from auditor.places import RELATIONS
from auditor.roles import Surety
from auditor.scans.sampling_selection import Unit

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from auditor.case import Case
    from auditor.columns import IntArray

KINDS = {
    "operator": both("operators"),
    "facility": both("facilities"),
    "link": both("links"),
    "subscriber_area": both("subscriber areas"),
}
WEIGHTS = {"even": both("every unit the same"), "risk": both("by risk")}
PARTS = {  # of a weight, beside the 1 that every unit has
    "fails": both("open fails"),
    "inconclusive": both("inconclusive"),
    "unjudged": both("not judged"),
    "undrawn": both("not drawn for long"),
}
POINTS = {"critical": 16, "high": 8, "medium": 4, "low": 2, "info": 1}  # of a rule that fails
UNJUDGED_POINTS = {  # of an operator, by the state of its last scan; at most as much as the worst fail
    "refused": 16,
    "error": 16,
    "never": 8,
}
QUARTER_DAYS = 90
MOST_QUARTERS = 4  # that count since a unit was drawn; as many if it never was: less than a grave fail
BLANK = "-"  # where a stratum has no value


@dataclass(frozen=True)
class Asset:
    """One operator: what is known of it when a draw is made.

    Parameters
    ----------
    operator
        How it is called.
    source
        What this rests on, for the record: digests of its declaration and result.
    case
        Its declaration, standing on the date; None where that is not needed or cannot be read.
    findings
        Open findings of its last result: ``rule``, ``subject``, ``verdict``, ``severity``, ``basis``.
    state
        Of its last scan: ``done``, ``refused`` or ``error``; ``never`` if there was none.
    area, verdict
        Of its last result.
    drawn
        Last date on which each subject was drawn; under ``""``, anything of the operator. None where no draws
        are on record: then nothing is added for it.
    """

    operator: str
    source: Mapping[str, Any]
    case: Case | None = None
    findings: Sequence[Mapping[str, Any]] = ()
    state: str = "done"
    area: str | None = None
    verdict: str | None = None
    drawn: Mapping[str, dt.date] | None = None


@dataclass(frozen=True)
class Rows:
    """Units of one operator before they are weighed.

    Parameters
    ----------
    subjects
        Their names.
    columns
        What they may be stratified by: a value a unit.
    unit_of
        Subject of a finding -> subject of the unit that it counts for, or None.
    """

    subjects: Sequence[str]
    columns: Mapping[str, Callable[[], Sequence[str]]]
    unit_of: Callable[[str], str | None]


def units_of(
    asset: Asset, kind: str, *, by: Sequence[str], weights: str, as_of: dt.date
) -> tuple[list[Unit], set[str]]:
    """Give the units of one operator, and the names of `by` that it has no column for.

    Parameters
    ----------
    kind
        One of `KINDS`.
    by
        Columns that make strata.
    weights
        One of `WEIGHTS`.
    """
    rows = ROWS[kind](asset)
    count = len(rows.subjects)
    lacking = {name for name in by if name not in rows.columns}
    labels = [rows.columns[name]() if name not in lacking else [BLANK] * count for name in by]
    strata = strata_of(labels, count)
    if weights == "even":
        return [
            Unit(asset.operator, s, stratum) for s, stratum in zip(rows.subjects, strata, strict=True)
        ], lacking
    found = _risks(asset.findings, rows.unit_of)
    units = []
    for subject, stratum in zip(rows.subjects, strata, strict=True):
        parts = weighed(asset, subject, *found.get(subject, (0, 0)), as_of)
        units.append(Unit(asset.operator, subject, stratum, 1 + sum(parts), parts))
    return units, lacking


def strata_of(columns: Sequence[Sequence[str]], count: int) -> list[str]:
    """Name the stratum of each row after its values in some columns.

    Examples
    --------
    >>> strata_of([["room", "rack"], ["own", "a/b"]], 2)
    ['room/own', 'rack/"a/b"']
    """
    if not columns:
        return [""] * count
    return ["/".join(map(_part, values)) for values in zip(*columns, strict=True)]


def _part(value: str) -> str:
    """Write one value of a stratum's name so that no two names can be confused."""
    return json.dumps(value, ensure_ascii=False) if "/" in value or value.startswith('"') else value


# --- rows -------------------------------------------------------------------------------------------------


def _operator_rows(asset: Asset) -> Rows:
    values = {
        "operator": asset.operator,
        "area": asset.area or BLANK,
        "verdict": asset.verdict or BLANK,
        "state": asset.state,
    }
    return Rows(
        ["operator"],
        {name: partial(list, [value]) for name, value in values.items()},
        lambda _subject: "operator",
    )


def _facility_rows(asset: Asset) -> Rows:
    case = _case(asset)
    rows = np.flatnonzero(case.facility > Surety.NO)
    sureties = [Surety(int(s)).name.lower() for s in case.facility[rows]]
    columns = _node_columns(asset, rows) | {"surety": lambda: sureties}
    names = case.declaration.nodes.column("id").take(rows).to_pylist()
    return Rows([f"node:{name}" for name in names], columns, lambda subject: subject)


def _link_rows(asset: Asset) -> Rows:
    case = _case(asset)
    links = case.declaration.links
    status = Coded.of(links.column("status"))
    rows = np.flatnonzero(case.dated(links) & ~status.isin({"planned", "retired"}))
    columns = _texts(links, rows) | {"operator": lambda: [asset.operator] * len(rows)}
    return Rows(
        [f"link:{name}" for name in links.column("id").take(rows).to_pylist()],
        columns,
        lambda subject: subject,
    )


def _subscriber_area_rows(asset: Asset) -> Rows:
    """Group subscribers by where an inspector would go: their district, else their site, else unknown."""
    case = _case(asset)
    homes = case.node("kind").isin({"subscriber"}) & case.in_service
    rows = np.flatnonzero(homes | case.subscribers)
    regions = case.node("region_code").take(case.placed_by[rows])
    sites = case.node("site").take(rows)
    places = [
        regions.at(i) or (f"site:{sites.at(i)}" if sites.at(i) else "unknown") for i in range(len(rows))
    ]
    subjects = {place: f"subscriber_area:{place}" for place in sorted(set(places))}
    names = case.declaration.nodes.column("id").take(rows).to_pylist()
    unit_of = {f"node:{name}": subjects[place] for name, place in zip(names, places, strict=True)}
    columns = _node_columns(asset, rows)

    def joined(name: str) -> Callable[[], list[str]]:
        def values() -> list[str]:
            held: dict[str, set[str]] = {place: set() for place in subjects}
            for place, value in zip(places, columns[name](), strict=True):
                held[place].add(value)
            return ["+".join(sorted(own)) for own in held.values()]

        return values

    grouped = {name: joined(name) for name in ("operator", "area", "region", "province")}
    return Rows(list(subjects.values()), grouped, unit_of.get)


ROWS: Mapping[str, Callable[[Asset], Rows]] = {
    "operator": _operator_rows,
    "facility": _facility_rows,
    "link": _link_rows,
    "subscriber_area": _subscriber_area_rows,
}


def _case(asset: Asset) -> Case:
    if asset.case is None:
        raise ValueError(asset.operator)
    return asset.case


def _node_columns(asset: Asset, rows: IntArray) -> dict[str, Callable[[], Sequence[str]]]:
    """What nodes may be stratified by: their text columns, and what they come to on the date."""
    case = _case(asset)
    regions = case.node("region_code")

    def area() -> list[str]:
        relation, index = case.place.relation[rows], case.place.area[rows]
        return [
            case.areas.ids[a] if RELATIONS[r] == "within" else RELATIONS[r]
            for r, a in zip(relation.tolist(), index.tolist(), strict=True)
        ]

    def region(digits: int | None) -> Callable[[], list[str]]:
        def values() -> list[str]:
            own = regions.take(case.placed_by[rows])
            return [(own.at(i) or BLANK)[:digits] for i in range(len(rows))]

        return values

    return _texts(case.declaration.nodes, rows) | {
        "operator": lambda: [asset.operator] * len(rows),
        "area": area,
        "region": region(None),
        "province": region(2),
    }


def _texts(table: Any, rows: IntArray) -> dict[str, Callable[[], Sequence[str]]]:
    """Give the columns of a table that hold text, those of the user's own included."""

    def values(name: str) -> Callable[[], list[str]]:
        def read() -> list[str]:
            return [BLANK if value is None else value for value in table.column(name).take(rows).to_pylist()]

        return read

    return {
        column: values(column)
        for column, kind in zip(table.column_names, table.schema.types, strict=True)
        if "string" in str(kind)
    }


# --- weights ----------------------------------------------------------------------------------------------


def weighed(
    asset: Asset, subject: str, fails: int, inconclusive: int, as_of: dt.date
) -> tuple[int, int, int, int]:
    """Give the parts of a weight, in the order of `PARTS`.

    - *fails*: for every rule with an open fail on the unit, the points of its severity (`POINTS`);
    - *inconclusive*: one for every other rule that could not be decided, or not checked, on it;
    - *unjudged*: of an operator whose files were refused, whose scan broke off, or that was never judged,
      `UNJUDGED_POINTS`;
    - *undrawn*: one for every 90 days since the unit was drawn (of an operator: anything of it), 4 at most,
      and 4 if it never was; nothing without a store, where nobody knows.

    Counting rules, not findings, keeps one fault with ten thousand subjects from drowning all others.

    Examples
    --------
    >>> import datetime as dt
    >>> day = dt.date(2026, 11, 22)
    >>> weighed(Asset("A", {}, drawn={"": dt.date(2026, 5, 1)}), "operator", 24, 3, day)
    (24, 3, 0, 2)
    """
    quarters = 0
    if asset.drawn is not None:
        last = asset.drawn.get("" if subject == "operator" else subject)
        quarters = MOST_QUARTERS if last is None else max((as_of - last).days, 0) // QUARTER_DAYS
    return fails, inconclusive, UNJUDGED_POINTS.get(asset.state, 0), min(quarters, MOST_QUARTERS)


def _risks(
    findings: Iterable[Mapping[str, Any]], unit_of: Callable[[str], str | None]
) -> dict[str, tuple[int, int]]:
    """Points for fails, and rules left open, by unit."""
    worst: dict[tuple[str, str], int] = {}
    for finding in findings:
        unit = unit_of(finding["subject"])
        if unit is None or finding["basis"] == "related_law" or finding["verdict"] in SETTLED:
            continue
        points = POINTS.get(finding["severity"], 1) if finding["verdict"] == "fail" else 0
        key = (unit, finding["rule"])
        worst[key] = max(points, worst.get(key, 0))
    fails: Counter[str] = Counter()
    undecided: Counter[str] = Counter()
    for (unit, _), points in worst.items():
        fails[unit] += points
        undecided[unit] += not points
    return {unit: (fails[unit], undecided[unit]) for unit, _ in worst}


def refuse_unknown(by: Sequence[str], lacking: Sequence[set[str]], kind: str) -> None:
    """Refuse a column that no operator has: it would make one stratum in silence.

    Raises
    ------
    UsageError
        Which, of what.
    """
    lost = sorted(set.intersection(*lacking)) if lacking else []
    if lost:
        raise UsageError(
            say(
                "--by: {kind} have no column {lost}; common ones are operator, area, region, province, kind, "
                "holding; of operators: area, verdict, state",
                kind=KINDS[kind],
                lost=lost,
            )
        )
    if len(set(by)) != len(by):
        raise UsageError(say("--by: {by} names a column twice", by=list(by)))
