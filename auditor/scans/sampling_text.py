"""What is said of draws: their lines for a terminal, and what came of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from auditor.errors import visible
from auditor.findings import Verdict
from auditor.language import Text, both, in_all, joined
from auditor.messages import VERDICTS
from auditor.scans.sampling_inspectors import strangers
from auditor.scans.sampling_record import roster_of, targets_of
from auditor.scans.sampling_store import NOT_DRAWN, OUTCOMES, worst
from auditor.scans.sampling_units import KINDS, PARTS

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence

    from auditor.scans.sampling_record import Draw

MOST_NAMED = 5
SEED_FROM = {
    "given": both("given"),
    "settings": both("of the settings"),
    "secrets": both("by the system's random source, at the draw"),
}


def notes(found: Draw, earlier: Sequence[int] = ()) -> Iterator[Text]:
    """Say what a draw could not do as asked, and what it could not reach.

    Parameters
    ----------
    earlier
        Draws of the store that began with the same seed.
    """
    record, plan = found.record, found.plan
    if earlier:
        yield both(
            "seed {seed} was that of draws {draws}, too: the same units come first; take another",
            seed=plan.seed,
            draws=earlier,
        )
    for name, why in record["left_out"].items():
        yield both("left out: {operator}: {why}", operator=name, why=Text(why["en"], why["zh"]))
    free = sum(stratum["units"] for stratum in record["strata"] if not stratum["census"])
    if plan.size is not None and plan.size > free:
        yield both("of {size} units wanted there are {free}: all are drawn", size=plan.size, free=free)
    short = [s["name"] for s in record["strata"] if plan.per_stratum and s["units"] < plan.per_stratum]
    if short:
        yield both("strata with fewer units are taken whole: {names}", names=short)
    lost = strangers(roster_of(record), targets_of(record["sources"]))
    if lost:
        yield both("inspectors keep away from {names}, and no operator is called so", names=lost)


def lines(found: Draw, number: int | None, lang: str) -> Iterator[str]:
    """Give the lines of a draw; `number` is what a store calls it."""
    record, plan = found.record, found.plan
    what = KINDS.get(plan.kind, plan.kind)
    if number is not None:
        yield both("draw {number}", number=number).in_(lang)
    told = both(
        "{drawn:,} of {units:,} {what}, as of {on}",
        drawn=len(found.drawn),
        units=record["population"]["units"],
        what=what,
        on=plan.as_of,
    )
    yield visible(told.in_(lang))
    origin = SEED_FROM.get(plan.seed_from, plan.seed_from)
    yield visible(both("seed: {seed} ({origin})", seed=plan.seed, origin=origin).in_(lang))
    yield both("results are due by {on}", on=plan.due_on).in_(lang)
    yield both("record: {sha256}", sha256=found.sha256).in_(lang)
    yield ""
    for stratum in record["strata"]:
        given = {**stratum, "name": stratum["name"] or both("all")}
        line = both("{name}: {drawn:,} of {units:,}, weight {weight:,}", **given).in_(lang)
        yield visible(f"{line} {both('(taken whole)').in_(lang)}" if stratum["census"] else line)
    yield ""
    parts = {unit[:2]: unit.parts for unit in found.units}
    for row in found.drawn:
        yield visible(f"{row['number']:>4}  {row['operator']}  {row['subject']}  {row['stratum']}".rstrip())
        yield "      " + _weight(row, parts[row["operator"], row["subject"]]).in_(lang)
        if row["inspectors"]:
            yield visible("      " + both("inspectors: {names}", names=row["inspectors"]).in_(lang))


def _weight(row: dict[str, Any], parts: Sequence[int]) -> Text:
    """Say how heavy a unit is, of what, and how likely it was to be drawn."""
    told = [both("weight {weight}", weight=row["weight"])]
    told += [
        both("{name} {points}", name=name, points=points)
        for name, points in zip(PARTS.values(), parts, strict=False)
        if points
    ]
    if row["probability"] is not None:
        told.append(both("drawn with probability {chance}", chance=row["probability"]))
    return joined(told, ", ", "，")


# --- what came of them ------------------------------------------------------------------------------------


def listed(draws: list[dict[str, Any]], operators: list[dict[str, Any]], lang: str) -> Iterator[str]:
    """Give the lines of all draws of a store, and of operators that do not pass."""
    if not draws:
        yield both("no spot check was drawn").in_(lang)
    for one in draws:
        head = both(
            "draw {draw}, {as_of}: {drawn} {kind}, due by {due_on}; {open} open, {overdue} overdue",
            **{**one, "kind": KINDS.get(one["kind"], one["kind"])},
        )
        yield head.in_(lang)
        for unit in one["units"]:
            came = OUTCOMES.get(unit["outcome"], both("overdue") if unit["overdue"] else both("open"))
            told = [f"{unit['number']:>6}", unit["operator"], unit["subject"], came.in_(lang), unit["note"]]
            yield "  ".join(text for text in told if text)
    missed = [one["operator"] for one in operators if one["because"] == [NOT_DRAWN]]
    if missed:
        shown = missed if len(missed) <= MOST_NAMED else [*missed[:MOST_NAMED], "…"]
        what = both("{count:,} operators were not drawn from within the period", count=len(missed))
        yield both("{name}: {text}", name=what, text=shown).in_(lang)
    for one in operators:
        if one["verdict"] != "pass" and one["because"] != [NOT_DRAWN]:
            told = [VERDICTS[Verdict(one["verdict"])], *one["because"]]
            yield both("{name}: {text}", name=one["operator"], text=told).in_(lang)
    yield both("{name}: {text}", name="PILOT-GOV-04", text=VERDICTS[Verdict(worst(operators))]).in_(lang)


def listed_json(
    draws: list[dict[str, Any]], operators: list[dict[str, Any]], as_of: dt.date, period: int
) -> bytes:
    """Give the same for machines: `auditor.spot_checks/1`."""
    told = [{**one, "because": [in_all(why) for why in one["because"]]} for one in operators]
    values = {
        "schema": "auditor.spot_checks/1",
        "as_of": as_of,
        "period": period,
        "verdict": worst(operators),
        "draws": draws,
        "operators": told,
    }
    return orjson.dumps(values, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
