"""What the store knows of operators, run by run: the figures behind `auditor history`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pandas as pd
import sqlalchemy as sa

from auditor.errors import UsageError
from auditor.findings import SETTLED, SEVERITIES, UNDECIDED
from auditor.language import say
from auditor.scans import decisions, life, tables
from auditor.scans.store import open_store

if TYPE_CHECKING:
    import datetime as dt

COUNTED = ("new", "fixed", "regressed", "reopened", "closed")  # what is open adds up by them
BAD = ("refused", "error")


def operator_named(connection: sa.Connection, key: str) -> int:
    """Give the number of an operator, one that is scanned no more included.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    own = tables.operator.c
    found = connection.execute(sa.select(own.id).where(own.key == key)).scalar()
    if found is None:
        raise UsageError(say("no operator of the store is called {names}; see `auditor history`", names=key))
    return int(found)


def items(connection: sa.Connection, operator: int | None = None) -> pd.DataFrame:
    """Give one row an operator and run, in order of runs.

    Returns
    -------
    pandas.DataFrame
        ``run as_of operator_id operator name area state verdict fail undecided root reason`` and `COUNTED`;
        what could not be judged has no verdict and no counts.
    """
    item, run, own, root = tables.item, tables.run, tables.operator, tables.root
    columns = (
        run.c.id.label("run"), run.c.as_of, own.c.id.label("operator_id"), own.c.key.label("operator"),
        item.c.name, item.c.area, item.c.state, item.c.verdict, item.c.reason, root.c.sha256.label("root"),
    )  # fmt: skip
    joined = item.join(run, run.c.id == item.c.run_id).join(own, own.c.id == item.c.operator_id)
    joined = joined.join(root, root.c.run_id == run.c.id, isouter=True)
    wanted = sa.select(*columns).select_from(joined).order_by(run.c.id, own.c.key)
    counts = [_open(), changes()]
    if operator is not None:
        wanted = wanted.where(own.c.id == operator)
        counts = [part.where(part.selected_columns.operator_id == operator) for part in counts]
    found = life.framed(connection, wanted)
    for part in counts:
        found = found.merge(life.framed(connection, part), on=["run", "operator_id"], how="left")
    numbers = ["fail", "undecided", *COUNTED]
    found[numbers] = found[numbers].fillna(0).astype(int)
    return found


def _open() -> sa.Select[Any]:
    """Count what fails and what is undecided in each item."""
    own = tables.evaluation.c
    return sa.select(
        own.run_id.label("run"),
        own.operator_id,
        sa.func.sum(own.fail).label("fail"),
        sa.func.sum(undecided()).label("undecided"),
    ).group_by(own.run_id, own.operator_id)


def undecided() -> sa.ColumnElement[int]:
    """Give how much is undecided in an evaluation."""
    own = tables.evaluation.c
    return sum((own[str(verdict)] for verdict in sorted(UNDECIDED)), sa.literal(0))


def changes(*by: str) -> sa.Select[Any]:
    """Count what came and went in each item (`COUNTED`), by further columns of `change` if any are named."""
    own = tables.change.c
    keys = [own.operator_id, *(own[name] for name in by)]
    return sa.select(own.run_id.label("run"), *keys, *_flows()).group_by(own.run_id, *keys)


def _flows() -> list[sa.Label[int]]:
    """Count changes by how they bear on what is open.

    ``reopened`` and ``closed`` are all that are neither new, nor back after they were fixed, nor fixed: what
    went out of sight or came back into it, and what another rule, other zones or another policy changed.
    """
    own = tables.change.c
    settled = [str(verdict) for verdict in SETTLED]
    was_open = own.before.is_not(None) & own.before.not_in(settled)
    is_open = own.after.is_not(None) & own.after.not_in(settled) & (own.change != life.LOST)
    named = {kind: own.change == kind for kind in ("new", "fixed", "regressed")}
    other = own.change.not_in(list(named))
    kinds = {**named, "reopened": other & is_open & ~was_open, "closed": other & was_open & ~is_open}
    return [sa.func.sum(sa.case((kinds[kind], 1), else_=0)).label(kind) for kind in COUNTED]


def operators(connection: sa.Connection, *, lang: str = "en") -> pd.DataFrame:
    """Give one row an operator that is scanned: how it stands, and what its last result changed.

    Returns
    -------
    pandas.DataFrame
        ``operator name verdict`` of its last result, ``critical high medium low info`` (open findings by
        severity), `COUNTED` in that result, ``last_on last_run`` of it, and ``trouble``: why a later run
        could not judge it, if one could not.
    """
    own = tables.operator.c
    wanted = sa.select(own.id.label("operator_id"), own.key.label("operator")).where(own.removed_at.is_(None))
    found = life.framed(connection, wanted.order_by(own.key))
    every = items(connection)
    done = every[every["state"] == "done"].drop_duplicates("operator_id", keep="last")
    done = done.rename(columns={"run": "last_run", "as_of": "last_on"})
    kept = ["operator_id", "name", "verdict", *COUNTED, "last_on", "last_run"]
    found = found.merge(done[kept], on="operator_id", how="left")
    found[["last_run", *COUNTED]] = found[["last_run", *COUNTED]].astype("Int64")
    last = every[every["state"].isin(["done", *BAD])].drop_duplicates("operator_id", keep="last")
    bad = last[last["state"].isin(BAD)].set_index("operator_id")["reason"]
    told = {number: orjson.loads(reason)[lang] for number, reason in bad.items() if reason}
    found["trouble"] = [told.get(number) for number in found["operator_id"]]
    lives = life.lives(connection)
    lives = lives[lives["state"] == "open"]
    counts = pd.crosstab(lives["operator_id"], lives["severity"]).reindex(columns=SEVERITIES, fill_value=0)
    found = found.merge(counts.reset_index(), on="operator_id", how="left")
    found[list(SEVERITIES)] = found[list(SEVERITIES)].fillna(0).astype(int)
    return found[["operator", "name", "verdict", *SEVERITIES, *COUNTED, "last_on", "last_run", "trouble"]]


def findings(connection: sa.Connection, operator: int, at: dt.datetime, *, lang: str = "en") -> pd.DataFrame:
    """Give the lives of an operator's findings, with what people decided beside them.

    Parameters
    ----------
    at
        Instant at which decisions must hold.

    Returns
    -------
    pandas.DataFrame
        As `life.lives`, with the columns of `decisions.overlay`.
    """
    return decisions.overlay(
        life.lives(connection, [operator], lang=lang), decisions.decisions_at(connection, at)
    )


def history(
    url: str, operator: str | None = None, *, evidence: str | None = None, lang: str = "en"
) -> pd.DataFrame:
    """Give what a store knows, for notebooks: how operators stand, or the lives of one's findings.

    Parameters
    ----------
    url
        Of the store, as ``sqlite:///scans.db``.
    operator
        How it is called in the store; all of them if it is not given.
    evidence
        Folder of the store's files, if it is not beside a SQLite store.
    lang
        Language of what is told, ``en`` or ``zh``.

    Returns
    -------
    pandas.DataFrame
        As `operators`, or as `findings`.

    Raises
    ------
    AuditorError
        There is no such store or operator.
    """
    store = open_store(url, evidence=evidence, create=False)
    try:
        with store.read() as connection:
            if operator is None:
                return operators(connection, lang=lang)
            number = operator_named(connection, operator)
            return findings(connection, number, store.clock(), lang=lang)
    finally:
        store.close()
