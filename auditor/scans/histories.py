"""All changes of findings as one table, in the order in which results followed one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import sqlalchemy as sa

from auditor.findings import SETTLED
from auditor.scans import tables
from auditor.scans.canonical import INSTANT
from auditor.scans.life import LOST, framed, placed

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

FINDING = ["operator_id", "rule", "subject"]  # what names a finding from run to run
MOST_NAMED = 10_000  # numbers that a database takes in one statement without demur
OPEN, UNSEEN, CLOSED = "open", "unseen", "closed"


def table(connection: sa.Connection, wanted: sa.Select[Any]) -> pd.DataFrame:
    """Read columns of the store; instants, which are kept as text, are read all at once."""
    chosen = list(wanted.selected_columns)
    instants = [column.name for column in chosen if isinstance(column.type, tables.Utc)]
    plain = [sa.type_coerce(c, sa.Text).label(c.name) if c.name in instants else c for c in chosen]
    frame = framed(connection, wanted.with_only_columns(*plain))
    for name in instants:
        frame[name] = pd.to_datetime(frame[name], format=INSTANT, utc=True).astype("datetime64[ns, UTC]")
    return frame


def _of(connection: sa.Connection, wanted: sa.Select[Any], operators: Collection[int] | None) -> pd.DataFrame:
    """Read columns of the store, ``operator_id`` among them, of some operators or of all."""
    if operators is None:
        return table(connection, wanted)
    if len(operators) <= MOST_NAMED:
        wanted = wanted.where(wanted.selected_columns.operator_id.in_(operators))
    frame = table(connection, wanted)
    return frame[frame["operator_id"].isin(operators)]


def results(connection: sa.Connection, operators: Collection[int] | None = None) -> pd.DataFrame:
    """Give all results, one row each, in order: by operator, then as they followed one another.

    ``at`` is when a result was there. A clock that is set back does not take a result before the one that it
    follows: it then counts as of the same instant.

    Parameters
    ----------
    operators
        Numbers of those that are wanted; all if not given.

    Returns
    -------
    pandas.DataFrame
        ``operator_id run_id place at verdict area``.
    """
    item = tables.item.c
    named = (
        item.operator_id,
        item.run_id,
        item.before_id,
        item.ended_at.label("at"),
        item.verdict,
        item.area,
    )
    wanted = sa.select(*named).where(item.state == "done", item.ended_at.is_not(None))
    frame = _of(connection, wanted, operators)
    frame["place"] = placed(frame)
    frame = frame.sort_values(["operator_id", "place"], ignore_index=True)
    frame["at"] = frame.groupby("operator_id")["at"].cummax()
    return frame.drop(columns="before_id")


def changes(
    connection: sa.Connection, operators: Collection[int], order: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Give the changes of findings of some operators, one row each, by operator and in order.

    ``state`` is what the finding is after the change: ``open`` (it fails, or is undecided), ``unseen`` (no
    longer evaluated, whatever that means) or ``closed``; ``earlier`` is what it was before it.

    Parameters
    ----------
    operators
        Their numbers.
    order
        What `results` gave, if it is at hand.

    Returns
    -------
    pandas.DataFrame
        ``operator_id rule subject run_id place at change after severity state earlier``.
    """
    change = tables.change.c
    named = ("operator_id", "run_id", "rule", "subject", "change", "after", "severity")
    wanted = sa.select(*(change[name] for name in named))
    frame = _of(connection, wanted, operators)
    order = results(connection, operators) if order is None else order
    frame = frame.merge(
        order[["operator_id", "run_id", "place", "at"]], on=["operator_id", "run_id"], how="inner"
    )
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
