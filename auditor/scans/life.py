"""The life of findings from run to run: what each result changed of the one before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from auditor import changes, engine
from auditor.errors import UsageError
from auditor.explaining import says
from auditor.findings import SETTLED
from auditor.language import LANGUAGES, Said, Text, both, in_all, say
from auditor.scans import tables
from auditor.scans.canonical import canonical

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    import pandas as pd

    from auditor.terms import Key

LOST = "no_longer_evaluated"
REGRESSED = "regressed"
CHANGES: Mapping[str, Text] = {  # in the order in which people want them
    "new": changes.CHANGES["new"],
    REGRESSED: both("regressed"),
    **{name: text for name, text in changes.CHANGES.items() if name not in {"new", "still"}},
    "newly_evaluated": both("not evaluated the time before"),  # it may have been long before
}
STATES: Mapping[str, Text] = {  # of a finding: open, or why it is not
    "open": both("open"),
    "not_evaluated": both("not evaluated"),
    **{name: changes.CHANGES[name] for name in ("rule_changed", "zone_changed", "policy_changed", "fixed")},
}
LIFE = (
    *("operator", "rule", "subject", "state", "verdict", "severity", "basis", "first_on", "first_run"),
    *("last_on", "last_run", "fixed_on", "fixed_run", "regressed", "change", "changed_on", "changed_run"),
    *("because", "message", "fingerprint", "operator_id"),
)
ANOTHER = "another operator is declared: {before}, then {after}"


def in_order(items: Iterable[tuple[int, int | None]]) -> list[int]:
    """Put runs of one operator in the order in which their results followed one another.

    A run that was interrupted may end after a later one: order is told by what each was held against.

    Parameters
    ----------
    items
        Run of each result, and the run of the result before it.

    Examples
    --------
    >>> in_order([(1, None), (2, 3), (3, 1)])
    [1, 3, 2]
    """
    left = dict(sorted(items))
    following = {before: run for run, before in left.items()}
    order: list[int] = []
    run = following.get(None)
    while run in left:
        order.append(run)
        del left[run]
        run = following.get(run)
    return order + list(left)


def earlier(connection: sa.Connection, operator_id: int) -> dict[Key, str]:
    """Give the last change that the store holds of every finding of an operator, by rule and subject."""
    item, change = tables.item.c, tables.change.c
    own = sa.select(item.run_id, item.before_id).where(item.operator_id == operator_id, item.state == "done")
    place = {run: n for n, run in enumerate(in_order(map(tuple, connection.execute(own))))}
    wanted = sa.select(change.run_id, change.rule, change.subject, change.change)
    rows = connection.execute(wanted.where(change.operator_id == operator_id)).all()
    rows = sorted(rows, key=lambda row: place.get(row.run_id, -1))
    return {(row.rule, row.subject): row.change for row in rows}


def changes_of(
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    earlier: Mapping[Key, str],
    *,
    again: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Give the rows of the table `change` that a result makes; what is open as before makes none.

    Parameters
    ----------
    before
        Result of the same operator that this one is held against; none for its first.
    after
        The result: `auditor.result/1`, with all that settled named.
    earlier
        Last change of each finding of the operator (`earlier`): what was fixed before and is open again is
        ``regressed``; what was out of sight in between is ``newly_evaluated``.
    again
        What the earlier declaration comes to on the later terms, where those differ.

    Returns
    -------
    list of dict
        All columns but ``run_id`` and ``operator_id``, by rule and subject.
    """
    rules = {rule.id: rule for rule in engine.all_rules()}
    rows = []
    for row in _changed(before, after, again):
        record = row.later or row.earlier or {}
        rows.append(
            {
                "rule": row.rule,
                "subject": row.subject,
                "fingerprint": record["fingerprint"],
                "severity": record["severity"],
                "basis": record["basis"],
                "change": _word(row.change, earlier.get((row.rule, row.subject))),
                "before": row.before,
                "after": row.after,
                "because": canonical([in_all(text) for text in row.because]),
                "message": canonical(
                    _message(rules, record, (after if row.later else before or after).get("lang", "en"))
                ),
            }
        )
    return sorted(rows, key=lambda row: (row["rule"], row["subject"]))


def _word(change: str, last: str | None) -> str:
    """Name a change by what became of the finding before."""
    if change == "new" and last == "fixed":
        return REGRESSED
    return "newly_evaluated" if change == "new" and last == LOST else change


def _changed(
    before: Mapping[str, Any] | None, after: Mapping[str, Any], again: Mapping[str, Any] | None
) -> Iterable[changes.Change]:
    """Hold two results against one another; all that is open is new in a first one, and in another's."""
    if before is None:
        return _as_first(after, ())
    try:
        found = changes.diff(before, after, again=again)
    except UsageError:  # the declaration now names another enterprise
        names = [f"{own['operator']['name']} ({own['operator']['uscc'] or '-'})" for own in (before, after)]
        because = (say(ANOTHER, before=names[0], after=names[1]),)
        rows = _as_first(after, because)
        taken = {(row.rule, row.subject) for row in rows}
        return rows + [
            changes.Change(f["rule"], f["subject"], LOST, f["verdict"], None, because, earlier=f)
            for f in before["findings"]
            if f["verdict"] not in SETTLED and (f["rule"], f["subject"]) not in taken
        ]
    return [row for row in found.rows if row.change != "still"]


def _as_first(result: Mapping[str, Any], because: tuple[Said, ...]) -> list[changes.Change]:
    return [
        changes.Change(f["rule"], f["subject"], "new", None, f["verdict"], because, later=f)
        for f in result["findings"]
        if f["verdict"] not in SETTLED
    ]


def _message(rules: Mapping[str, Any], record: Mapping[str, Any], own: str) -> dict[str, str]:
    """Give what a finding says: as it was written in its own language, and in the other if its rule can."""
    written = str(record["message"])
    try:
        others = {lang: says(rules[record["rule"]], record, lang)[0] for lang in LANGUAGES if lang != own}
    except (KeyError, ValueError):
        return dict.fromkeys(LANGUAGES, written)
    return {**others, own: written}


# --- lives ------------------------------------------------------------------------------------------------


def lives(
    connection: sa.Connection, operators: Collection[int] | None = None, *, lang: str = "en"
) -> pd.DataFrame:
    """Give the life of every finding that was ever open.

    Parameters
    ----------
    connection
        Of a store, as ``store.read()`` gives it.
    operators
        Numbers of those that are wanted; all if not given.
    lang
        Language of what is told, ``en`` or ``zh``.

    Returns
    -------
    pandas.DataFrame
        One row a finding, by operator, rule and subject. ``state`` is a key of `STATES`: ``open``; ``fixed``;
        ``not_evaluated`` (out of sight, whatever that means); or after what else changed when it closed.
        ``first_on`` and ``last_on`` are the dates of the first and the last run in which it was open,
        ``fixed_on`` that of the last run that found it fixed, blank where it is open again; ``regressed`` is
        how often it came back after that; ``changed_on`` is the date of its last change of any kind.
    """
    import pandas as pd  # noqa: PLC0415 -- a child that judges does not need it

    rows = _rows(connection, operators)
    if rows.empty:
        return pd.DataFrame(columns=list(LIFE))
    finding = rows.groupby(["operator_id", "rule", "subject"], sort=True)
    first, last = finding.head(1), finding.tail(1)
    keyed = ["operator_id", "rule", "subject"]
    rows["until"] = finding["before_id"].shift(-1)  # the last result before the next change
    seen = rows[rows["open"]].groupby(keyed).tail(1)
    seen = seen.assign(last_run=seen["until"].fillna(seen["newest"]))
    found = last.merge(first[[*keyed, "run_id"]].rename(columns={"run_id": "first_run"}), on=keyed)
    found = found.merge(seen[[*keyed, "last_run"]], on=keyed, how="left")
    found["last_run"] = found["last_run"].fillna(found["first_run"]).astype(int)
    regressed = (rows["change"] == REGRESSED).groupby([rows[name] for name in keyed]).sum()
    found = found.merge(regressed.rename("regressed").reset_index(), on=keyed)
    found["state"] = (
        found["change"].where(found["change"] != LOST, "not_evaluated").mask(found["open"], "open")
    )
    found["fixed_run"] = found["run_id"].where(found["state"] == "fixed").astype("Int64")
    days = {row.id: row.as_of for row in connection.execute(sa.select(tables.run.c.id, tables.run.c.as_of))}
    found = found.rename(columns={"after": "verdict", "run_id": "changed_run"})
    for name in ("first", "last", "fixed", "changed"):
        found[f"{name}_on"] = [days.get(run) for run in found[f"{name}_run"]]
    found["because"] = ["; ".join(text[lang] for text in orjson.loads(told)) for told in found["because"]]
    found["message"] = [orjson.loads(told)[lang] for told in found["message"]]
    return found[list(LIFE)].sort_values(["operator", "rule", "subject"], ignore_index=True)


def _rows(connection: sa.Connection, operators: Collection[int] | None) -> pd.DataFrame:
    """Give all changes, with the result before each, the operator's newest, and whether it is open then."""
    own, item, operator = tables.change, tables.item, tables.operator
    same = (item.c.run_id == own.c.run_id) & (item.c.operator_id == own.c.operator_id)
    wanted = (
        sa.select(own, item.c.before_id, operator.c.key.label("operator"))
        .join_from(own, item, same)
        .join(operator, operator.c.id == own.c.operator_id)
    )
    done = sa.select(item.c.operator_id, item.c.run_id, item.c.before_id).where(item.c.state == "done")
    if operators is not None:
        wanted = wanted.where(own.c.operator_id.in_(list(operators)))
        done = done.where(item.c.operator_id.in_(list(operators)))
    results = framed(connection, done)
    results["place"] = placed(results)
    place = results[["operator_id", "run_id", "place"]]
    rows = framed(connection, wanted).merge(place, on=["operator_id", "run_id"])
    newest = results.sort_values("place").groupby("operator_id")["run_id"].last()
    rows["newest"] = rows["operator_id"].map(newest)
    settled = rows["after"].isna() | rows["after"].isin([str(verdict) for verdict in SETTLED])
    rows["open"] = ~settled & (rows["change"] != LOST)
    return rows.sort_values(["operator_id", "place", "rule", "subject"], ignore_index=True)


def framed(connection: sa.Connection, wanted: sa.Select[Any]) -> pd.DataFrame:
    """Read rows into a frame, column by column: pandas takes ten times as long over SQLAlchemy's rows."""
    import pandas as pd  # noqa: PLC0415 -- a child that judges does not need it

    found = connection.execute(wanted)
    names = list(found.keys())
    columns = [list(column) for column in zip(*found.all(), strict=True)]
    return pd.DataFrame(dict(zip(names, columns, strict=bool(columns))), columns=names)


def placed(results: pd.DataFrame) -> pd.Series[int]:
    """Say which result of its operator each one is, from 0 on (`in_order`).

    Parameters
    ----------
    results
        ``operator_id run_id before_id``.
    """
    ordered = results.sort_values(["operator_id", "run_id"])
    own = ordered.groupby("operator_id")
    place = own.cumcount()
    plain = own["run_id"].shift().fillna(-1) == ordered["before_id"].fillna(-1)
    for operator in ordered["operator_id"][~plain].unique():  # those of which a run ended after a later one
        mine = ordered[ordered["operator_id"] == operator]
        before = [None if value is None or value != value else int(value) for value in mine["before_id"]]  # noqa: PLR0124 -- NaN
        order = {run: n for n, run in enumerate(in_order(zip(mine["run_id"], before, strict=True)))}
        place[mine.index] = mine["run_id"].map(order)
    return place.reindex(results.index)
