"""The figures of a year that an area reports (Circular 107, annex 6), out of the store alone.

The year is that of Asia/Shanghai. One that is not over is counted as far as it goes. What a figure of the end
says of an operator comes from its last result of the year. The same store and year give the same figures.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson
import pandas as pd
import sqlalchemy as sa

from auditor import registers
from auditor.errors import UsageError
from auditor.findings import UNDECIDED, Verdict
from auditor.language import Text, both, in_all, say
from auditor.registers._files import read_toml
from auditor.scans import histories, tables, yearly_findings, yearly_people
from auditor.scans.canonical import instant
from auditor.settings import SHANGHAI

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.scans.store import Store

SCHEMA = "auditor.summary/1"
ALL = "all"
VERDICTS = ("pass", "fail", "inconclusive", "not_applicable")
UNJUDGED = "not_judged"  # in figures of verdicts: no result to go by
STATES = ("done", "refused", "error", "cancelled", "pending")
NOT_DECIDED = tuple(str(verdict) for verdict in Verdict if verdict in UNDECIDED)


@dataclass(frozen=True)
class Year:
    """A year of an area, with what the store holds of its operators.

    Parameters
    ----------
    connection
        To the store; it sees one state of it.
    year
        The year.
    area
        Id of the area, or ``all``.
    now
        Instant of asking, where the year is not over.
    """

    connection: sa.Connection
    year: int
    area: str
    now: dt.datetime

    @cached_property
    def start(self) -> pd.Timestamp:
        """First instant of the year."""
        return _beginning(self.year)

    @cached_property
    def end(self) -> pd.Timestamp:
        """First instant after it; of a year that is not over, the instant of asking."""
        return min(_beginning(self.year + 1), pd.Timestamp(self.now))

    @property
    def last_instant(self) -> dt.datetime:
        """Last instant that counts."""
        return (self.end - pd.Timedelta(1, "us")).to_pydatetime()

    @property
    def days(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """First and last day that count, as `read` gives dates."""
        first, last = dt.date(self.year, 1, 1), self.last_instant.astimezone(SHANGHAI).date()
        return pd.Timestamp(first, tz="UTC"), pd.Timestamp(last, tz="UTC")

    def within(self, at: pd.Series[Any]) -> pd.Series[bool]:
        """Tell which instants lie in the year."""
        return (at >= self.start) & (at < self.end)

    def read(self, wanted: sa.Select[Any], dates: Iterable[str] = ()) -> pd.DataFrame:
        """Read columns of the store; dates become instants of their beginning in UTC, which compare alike."""
        frame = histories.table(self.connection, wanted)
        return frame.astype(dict.fromkeys(dates, "datetime64[ns, UTC]"))

    @cached_property
    def results(self) -> pd.DataFrame:
        """All results before the end, in order (`histories.results`)."""
        frame = histories.results(self.connection)
        return frame[frame["at"] < self.end]

    @cached_property
    def present(self) -> pd.DataFrame:
        """Operators of all areas that were there at any time of the year, with the area of their last result.

        ``id key added_at removed_at area``; the area is blank where there is no result yet, or where it
        names none.
        """
        own = tables.operator.c
        frame = self.read(sa.select(own.id, own.key, own.added_at, own.removed_at).order_by(own.key))
        areas = self.results.drop_duplicates("operator_id", keep="last").set_index("operator_id")["area"]
        frame["area"] = frame["id"].map(areas).astype(object)
        return frame[(frame["added_at"] < self.end) & ~(frame["removed_at"] < self.start)]

    @cached_property
    def operators(self) -> pd.DataFrame:
        """Operators that the figures are about."""
        if self.area == ALL:
            return self.present
        return self.present[self.present["area"] == self.area]

    @cached_property
    def staying(self) -> pd.DataFrame:
        """Those of them that had not left by the end."""
        return self.operators[~(self.operators["removed_at"] < self.end)]

    @cached_property
    def own(self) -> pd.DataFrame:
        """Results of these operators."""
        return self.results[self.results["operator_id"].isin(self.operators["id"])]

    @cached_property
    def last(self) -> pd.DataFrame:
        """The last result of the year of each operator that had not left."""
        mine = self.own[self.within(self.own["at"]) & self.own["operator_id"].isin(self.staying["id"])]
        return mine.drop_duplicates("operator_id", keep="last")

    @cached_property
    def changes(self) -> pd.DataFrame:
        """All changes of findings of these operators before the end, in order (`histories.changes`)."""
        return histories.changes(self.connection, self.operators["id"].tolist(), self.results)

    @cached_property
    def items(self) -> pd.DataFrame:
        """What became of these operators in the runs of the year.

        An item is of the year in which it ended; one that had not ended at the end of the year is ``pending``
        where its run had begun by then.
        """
        item, run = tables.item.c, tables.run.c
        begun = (run.started_at >= self.start.to_pydatetime()) & (run.started_at < self.end.to_pydatetime())
        ended = (item.ended_at >= self.start.to_pydatetime()) & (item.ended_at < self.end.to_pydatetime())
        wanted = (
            sa.select(item.run_id, item.operator_id, item.state, item.ended_at, item.reason)
            .join_from(tables.item, tables.run)
            .where(ended | (begun & (item.ended_at.is_(None) | (item.ended_at >= self.end.to_pydatetime()))))
            .order_by(item.run_id, item.operator_id)
        )
        frame = self.read(wanted)
        frame.loc[frame["ended_at"] >= self.end, "state"] = "pending"
        return frame[frame["operator_id"].isin(self.operators["id"])]


def _beginning(year: int) -> pd.Timestamp:
    """First instant of a year."""
    return pd.Timestamp(dt.datetime(year, 1, 1, tzinfo=SHANGHAI)).tz_convert("UTC")


def area_names() -> dict[str, Text]:
    """Give the areas of the circular by their ids."""
    return {area["id"]: Text(area["name_en"], area["name_zh"]) for area in read_toml("areas.toml")["areas"]}


def summary(store: Store, year: int, area: str) -> dict[str, Any]:
    """Give the figures of a year.

    Parameters
    ----------
    store
        The store.
    year
        A year that has begun.
    area
        Id of an area, or ``all``.

    Returns
    -------
    dict
        In plain values; texts as mappings of ``en`` and ``zh``.

    Raises
    ------
    UsageError
        A year that has not begun, or an area that neither the circular nor the store knows.
    """
    now = store.clock()
    this = now.astimezone(SHANGHAI).year
    if not dt.MINYEAR < year <= this:
        raise UsageError(
            say("--year {year}: has not begun, or is none; this is {this}", year=year, this=this)
        )
    with store.read() as connection:
        known = connection.execute(sa.select(tables.item.c.area).distinct()).scalars()
        circular = area_names()
        areas = circular | {name: Text(name, name) for name in known if name and name not in circular}
        if area not in {ALL, *areas}:
            raise UsageError(
                say("--area {area}: there is no such area; there are {known}", area=area, known=[*areas, ALL])
            )
        name = both("all areas") if area == ALL else areas[area]
        return _figures(Year(connection, year, area, now), name)


def _figures(year: Year, name: Text) -> dict[str, Any]:
    store = year.connection.execute(sa.select(tables.meta.c.value).where(tables.meta.c.name == "store"))
    return {
        "schema": SCHEMA,
        "year": year.year,
        "area": year.area,
        "area_name": in_all(name),
        "store": store.scalar(),
        "from_at": instant(year.start.to_pydatetime()),
        "until_at": instant(year.end.to_pydatetime()),
        "complete": year.end < pd.Timestamp(year.now),
        "operators": _operators(year),
        "verdicts": _verdicts(year),
        "facilities": _facilities(year),
        "findings": yearly_findings.figures(year),
        "unjudged": _unjudged(year),
        "waivers": yearly_people.waivers(year),
        "person_verdicts": yearly_people.verdicts(year),
        "spot_checks": yearly_people.spot_checks(year),
        "notices": yearly_people.notices(year),
        "runs": _runs(year),
    }


def _operators(year: Year) -> dict[str, int]:
    """Count operators: who came and left, and what became of them."""
    operators, items = year.operators, year.items
    counts = {
        "in_year": len(operators),
        "at_start": int((operators["added_at"] < year.start).sum()),
        "added": int(year.within(operators["added_at"]).sum()),
        "left": int(year.within(operators["removed_at"]).sum()),
        "at_end": len(year.staying),
        "scanned": items[items["state"] != "pending"]["operator_id"].nunique(),
    }
    for state in ("done", "refused", "error"):
        counts[state] = items[items["state"] == state]["operator_id"].nunique()
    counts["judged_at_end"] = len(year.last)
    counts["area_unknown"] = int(year.present["area"].isna().sum())
    return counts


def _verdicts(year: Year) -> dict[str, dict[str, int]]:
    """Count the verdicts of operators before the year and at its end."""
    there = year.operators[year.operators["added_at"] < year.start]["id"]
    before = year.own[(year.own["at"] < year.start) & year.own["operator_id"].isin(there)]
    before = before.drop_duplicates("operator_id", keep="last")
    return {
        "start": _counted(before["verdict"], len(there)),
        "end": _counted(year.last["verdict"], len(year.staying)),
    }


def _counted(verdicts: pd.Series[Any], operators: int) -> dict[str, int]:
    found = verdicts.value_counts()
    counts = {verdict: int(found.get(verdict, 0)) for verdict in VERDICTS}
    return counts | {UNJUDGED: operators - len(verdicts)}


def _of_last(year: Year, table: sa.Table, columns: Iterable[str]) -> pd.DataFrame:
    """Read rows that belong to the last results of the year."""
    wanted = sa.select(table.c.run_id, table.c.operator_id, *(table.c[name] for name in columns))
    frame = year.read(wanted.where(table.c.run_id.in_(year.last["run_id"].unique().tolist())))
    return frame.merge(year.last[["operator_id", "run_id"]], on=["operator_id", "run_id"])


def _facilities(year: Year) -> list[dict[str, Any]]:
    """Count facilities by kind, at the end."""
    frame = _of_last(year, tables.facility, ("kind", "sure", "doubtful"))
    holders = frame.groupby("kind")["operator_id"].nunique()
    return [
        {"kind": kind, **own, "operators": int(holders[kind])}
        for kind, own in histories.sums(frame, "kind", ("sure", "doubtful")).items()
    ]


def _unjudged(year: Year) -> dict[str, Any]:
    """Give what was not judged at the end: operators without a result, rules that were undecided."""
    lost = year.staying[~year.staying["id"].isin(year.last["operator_id"])]
    tried = year.items[year.items["state"] != "pending"].drop_duplicates("operator_id", keep="last")
    tried = tried.set_index("operator_id")
    operators = [
        {
            "operator": key,
            "state": tried.loc[number, "state"] if number in tried.index else "not_scanned",
            "reason": _reason(tried.loc[number, "reason"]) if number in tried.index else None,
        }
        for number, key in zip(lost["id"], lost["key"], strict=True)
    ]
    frame = _of_last(year, tables.evaluation, ("rule", *NOT_DECIDED))
    frame = frame[frame[list(NOT_DECIDED)].sum(axis=1) > 0]
    holders = frame.groupby("rule")["operator_id"].nunique()
    rules = [
        {"rule": rule, **own, "operators": int(holders[rule])}
        for rule, own in histories.sums(frame, "rule", NOT_DECIDED).items()
    ]
    manual = [clause.id for clause in registers.read_clauses() if clause.assessment == "manual"]
    return {"operators": operators, "rules": rules, "clauses": manual}


def _reason(text: object) -> dict[str, str] | None:
    return orjson.loads(text) if isinstance(text, str) else None


def _runs(year: Year) -> dict[str, Any]:
    """List the runs of the year that had one of these operators, with their roots."""
    run, root = tables.run, tables.root
    wanted = (
        sa.select(run.c.id, run.c.as_of, run.c.state, run.c.started_at, run.c.ended_at, root.c.sha256)
        .outerjoin(root, root.c.run_id == run.c.id)
        .order_by(run.c.id)
    )
    frame = year.read(wanted)
    frame = frame[frame["id"].isin(year.items["run_id"])]
    states = year.items.groupby(["run_id", "state"]).size()
    rows: list[Any] = list(frame.itertuples())
    listed = [
        {
            "run": int(row.id),
            "as_of": row.as_of.isoformat(),
            "started_at": instant(row.started_at.to_pydatetime()),
            "state": row.state if row.ended_at < year.end else "running",
            **{state: int(states.get((row.id, state), 0)) for state in STATES},
            "root": row.sha256 if isinstance(row.sha256, str) else None,
        }
        for row in rows
    ]
    totals = year.items["state"].value_counts()
    return {"count": len(listed), "items": {s: int(totals.get(s, 0)) for s in STATES}, "listed": listed}
