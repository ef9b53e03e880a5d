"""The life of findings from run to run: what each result changed of the one before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from auditor import changes, engine
from auditor.errors import UsageError
from auditor.explaining import says
from auditor.findings import SETTLED
from auditor.language import LANGUAGES, Said, Text, both, say
from auditor.scans import tables
from auditor.scans.canonical import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditor.terms import Key

LOST = "no_longer_evaluated"
REGRESSED = "regressed"
CHANGES: Mapping[str, Text] = {  # in the order in which people want them
    "new": changes.CHANGES["new"],
    REGRESSED: both("regressed"),
    **{name: text for name, text in changes.CHANGES.items() if name not in {"new", "still"}},
}
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
                "because": canonical([_both(text) for text in row.because]),
                "message": canonical(_message(rules, record)),
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


def _both(text: Text | Said) -> dict[str, str]:
    return {lang: text.in_(lang) for lang in LANGUAGES}


def _message(rules: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, str]:
    """Give what a finding says in both languages, or as it was written where its rule is another now."""
    try:
        return {lang: says(rules[record["rule"]], record, lang)[0] for lang in LANGUAGES}
    except (KeyError, ValueError):
        return dict.fromkeys(LANGUAGES, str(record["message"]))
