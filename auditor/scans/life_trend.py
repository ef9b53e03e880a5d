"""How verdicts and findings went from run to run, or from month to month."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import sqlalchemy as sa

from auditor import engine
from auditor.scans import life, life_views, tables
from auditor.scans.life_views import BAD, COUNTED

if TYPE_CHECKING:
    from collections.abc import Sequence

PERIODS = ("run", "month")
GROUPS = ("rule", "clause", "area")
VERDICTS = ("fail", "inconclusive", "pass", "not_applicable")
ITEM = ["run", "operator_id"]


def operators(connection: sa.Connection, per: str = "run") -> pd.DataFrame:
    """Give one row a run or month: operators by verdict, findings that are open, and what changed.

    A run is told by its own operators; a month by the last result of every operator up to its end, one that
    was removed before it left out, and by the changes of its runs.

    Parameters
    ----------
    per
        ``run`` or ``month``.

    Returns
    -------
    pandas.DataFrame
        ``run`` or ``month``; ``operators``, those by verdict (``verdict_fail`` …), ``could_not`` (refused, or
        broke); ``fail undecided`` (findings) and what came and went (`life_views.COUNTED`); ``last_run as_of
        root`` of the last.
    """
    every = _items(connection, per)
    held = _held(connection, every, per)
    found = held.groupby(per).agg(
        operators=("operator_id", "size"),
        **{f"verdict_{v}": ("verdict", lambda s, v=v: int((s == v).sum())) for v in VERDICTS},
        could_not=("state", lambda s: int(s.isin(BAD).sum())),
        fail=("fail", "sum"),
        undecided=("undecided", "sum"),
    )
    flows = every.groupby(per)[list(COUNTED)].sum()
    last = every.sort_values("run").groupby(per)[["run", "as_of", "root"]].last()
    last = last.rename(columns={"run": "last_run"})
    return found.join(flows).join(last).reset_index()


def findings(connection: sa.Connection, by: str, per: str = "run") -> pd.DataFrame:
    """Give one row a run or month and rule, clause or area of which something was open or changed.

    Parameters
    ----------
    by
        ``rule``, ``clause`` (what rests on several counts in each) or ``area``.
    per
        ``run`` or ``month``, as in `operators`.

    Returns
    -------
    pandas.DataFrame
        ``run`` or ``month``, the group, ``operators`` (of which something fails), ``fail undecided``
        (findings), ``new fixed regressed reopened closed``.
    """
    every = _items(connection, per)
    kept = list(dict.fromkeys([per, *ITEM, "area"]))
    stock = _held(connection, every, per)[kept].merge(_open(connection), on=ITEM)
    flow = every[kept].merge(life.framed(connection, life_views.changes("rule")), on=ITEM)
    numbers = ["operators", "fail", "undecided", *COUNTED]
    cells = pd.concat([stock, flow], ignore_index=True)
    cells["area"] = cells["area"].fillna("–")
    if by == "clause":
        clauses = {rule.id: list(rule.clauses) for rule in engine.all_rules()}
        cells = cells.assign(clause=cells["rule"].map(lambda rule: clauses.get(rule, [rule])))
        cells = cells.explode("clause", ignore_index=True)
    failing = cells[cells["fail"] > 0].groupby([per, by])["operator_id"].nunique().rename("operators")
    found = cells.groupby([per, by])[numbers[1:]].sum().join(failing)
    return found[numbers].fillna(0).astype(int).reset_index()


def _items(connection: sa.Connection, per: str) -> pd.DataFrame:
    """Give what was judged, or could not be, with its month."""
    every = life_views.items(connection)
    every = every[every["state"].isin(["done", *BAD])].copy()
    every["month"] = [day.strftime("%Y-%m") for day in every["as_of"]]
    return every.sort_values("run") if per == "run" else every.sort_values(["month", "run"])


def _held(connection: sa.Connection, every: pd.DataFrame, per: str) -> pd.DataFrame:
    """Give the items that tell how things stood: those of a run, or the last of each operator in a month."""
    if per == "run" or every.empty:
        return every
    last = every.pivot_table(index="operator_id", columns="month", values="run", aggfunc="last").ffill(axis=1)
    held = last.melt(value_name="run", ignore_index=False).dropna().astype({"run": int}).reset_index()
    own = tables.operator.c
    gone = sa.select(own.id, own.removed_at).where(own.removed_at.is_not(None))
    until = {number: f"{at:%Y-%m}" for number, at in connection.execute(gone)}
    stays = [
        month <= until.get(own, month) for own, month in zip(held["operator_id"], held["month"], strict=True)
    ]
    held = held[stays]
    return held.merge(every.drop(columns="month"), on=ITEM)


def _open(connection: sa.Connection) -> pd.DataFrame:
    own = tables.evaluation.c
    undecided = life_views.undecided()
    columns = (own.run_id.label("run"), own.operator_id, own.rule, own.fail, undecided.label("undecided"))
    return life.framed(connection, sa.select(*columns).where(own.fail + undecided > 0))


BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[int]) -> str:
    """Draw numbers as bars from 0 to the largest.

    Examples
    --------
    >>> sparkline([0, 4, 7])
    '▁▅█'
    """
    most = max(values, default=0) or 1
    return "".join(BARS[round(value * (len(BARS) - 1) / most)] for value in values)
