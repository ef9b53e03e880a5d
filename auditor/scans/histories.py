"""All changes of findings as one table, in the order in which results followed one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import sqlalchemy as sa

from auditor.findings import SETTLED
from auditor.scans import tables
from auditor.scans.life import LOST, in_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

FINDING = ["operator_id", "rule", "subject"]  # what names a finding from run to run
OPEN, UNSEEN, CLOSED = "open", "unseen", "closed"


def results(connection: sa.Connection) -> pd.DataFrame:
    """Give all results, one row each, in order: by operator, then as they followed one another.

    ``at`` is when a result was there. A clock that is set back does not take a result before the one that it
    follows: it then counts as of the same instant.

    Returns
    -------
    pandas.DataFrame
        ``operator_id run_id place at verdict area``.
    """
    item = tables.item.c
    wanted = sa.select(item.operator_id, item.run_id, item.before_id, item.ended_at, item.verdict, item.area)
    rows = connection.execute(wanted.where(item.state == "done", item.ended_at.is_not(None))).all()
    frame = pd.DataFrame(rows, columns=["operator_id", "run_id", "before_id", "at", "verdict", "area"])
    frame = frame.assign(place=0).astype({"at": "datetime64[ns, UTC]", "before_id": "Int64"})
    for _, own in frame.groupby("operator_id"):
        before = own["before_id"].astype(object).where(own["before_id"].notna(), None)
        place = {run: at for at, run in enumerate(in_order(zip(own["run_id"], before, strict=True)))}
        frame.loc[own.index, "place"] = own["run_id"].map(place)
    frame = frame.sort_values(["operator_id", "place"], ignore_index=True)
    frame["at"] = frame.groupby("operator_id")["at"].cummax()
    return frame.drop(columns="before_id")


def changes(connection: sa.Connection, operators: Iterable[int] | None = None) -> pd.DataFrame:
    """Give all changes of findings, one row each, by operator and in order.

    ``state`` is what the finding is after the change: ``open`` (it fails, or is undecided), ``unseen`` (no
    longer evaluated, whatever that means) or ``closed``; ``earlier`` is what it was before it.

    Parameters
    ----------
    operators
        Numbers of those that are wanted; all if not given.

    Returns
    -------
    pandas.DataFrame
        ``operator_id rule subject run_id place at change after severity basis state earlier``.
    """
    change = tables.change.c
    named = ("operator_id", "run_id", "rule", "subject", "change", "after", "severity", "basis")
    wanted = sa.select(*(change[name] for name in named))
    if operators is not None:
        wanted = wanted.where(change.operator_id.in_(list(operators)))
    frame = pd.DataFrame(connection.execute(wanted).all(), columns=list(named))
    order = results(connection)[["operator_id", "run_id", "place", "at"]]
    frame = frame.merge(order, on=["operator_id", "run_id"], how="inner")
    frame = frame.sort_values(["operator_id", "place", "rule", "subject"], ignore_index=True)
    frame["state"] = CLOSED
    frame.loc[frame["after"].notna() & ~frame["after"].isin([str(v) for v in SETTLED]), "state"] = OPEN
    frame.loc[frame["change"] == LOST, "state"] = UNSEEN
    frame["earlier"] = frame.groupby(FINDING)["state"].shift().fillna(CLOSED)
    return frame


def latest(frame: pd.DataFrame) -> pd.DataFrame:
    """Give the last change of each finding: what it now is.

    Parameters
    ----------
    frame
        What `changes` gave, or a part of it.
    """
    return frame.drop_duplicates(FINDING, keep="last", ignore_index=True)


def sums(frame: pd.DataFrame, key: str, columns: Sequence[str]) -> dict[str, dict[str, int]]:
    """Add columns up by a key, in the order of its values.

    Examples
    --------
    >>> sums(pd.DataFrame({"kind": ["b", "a", "b"], "n": [1, 2, 3]}), "kind", ["n"])
    {'a': {'n': 2}, 'b': {'n': 4}}
    """
    added: dict[Any, dict[Any, Any]] = frame.groupby(key)[list(columns)].sum().to_dict("index")
    return {str(name): {column: int(own[column]) for column in columns} for name, own in added.items()}
