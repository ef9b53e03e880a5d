"""What changed between two runs: operator by operator, and who came, went, or could not be judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from auditor import changes
from auditor.errors import UsageError
from auditor.language import Text, both, in_all, say
from auditor.scans import items, judging, tables
from auditor.terms import View, other_terms

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterator, Mapping

    from auditor.changes import Diff
    from auditor.scans.store import Store

KINDS: Mapping[str, Text] = {  # of an operator in two runs
    "both": both("judged in both"),
    "came": both("only in the later run"),
    "went": both("only in the earlier run"),
    "not_judged": both("not judged in the later run"),
    "judged_now": both("not judged in the earlier run"),
    "never_judged": both("judged in neither"),
    "another": both("another operator is declared"),
}


@dataclass(frozen=True)
class Run:
    """A run that is held against another."""

    id: int
    as_of: dt.date
    terms: str
    root: str | None


@dataclass(frozen=True)
class Compared:
    """One operator in two runs.

    Parameters
    ----------
    operator
        How it is called here.
    kind
        A key of `KINDS`.
    diff
        What changed; only where both runs judged it, and the same enterprise.
    verdicts
        Of each run; None where it did not judge.
    reason
        Why a run could not judge it.
    """

    operator: str
    kind: str
    diff: Diff | None = None
    verdicts: tuple[str | None, str | None] = (None, None)
    reason: Text | None = None


def run_of(connection: sa.Connection, number: int) -> Run:
    """Give a run.

    Raises
    ------
    UsageError
        There is none of that number.
    """
    run, root = tables.run, tables.root
    wanted = sa.select(run.c.id, run.c.as_of, run.c.terms, root.c.sha256).where(run.c.id == number)
    row = connection.execute(wanted.join(root, root.c.run_id == run.c.id, isouter=True)).first()
    if row is None:
        raise UsageError(say("the store has no run {run}", run=number))
    return Run(*row)


def compared(
    store: Store, before: Run, after: Run, keys: Collection[str] = (), *, lang: str = "en"
) -> Iterator[Compared]:
    """Hold two runs against one another, operator by operator.

    Where rules, zones or policy differ, what was declared before is judged once more on the later terms, so
    that what they alone changed is named after them.

    Parameters
    ----------
    keys
        Operators that are wanted; all of both runs if none is named.
    lang
        Language of the reasons, ``en`` or ``zh``.

    Raises
    ------
    UsageError
        Operators that neither run has.
    """
    with store.read() as connection:
        earlier, later = (_items(connection, run.id) for run in (before, after))
    lost = sorted(set(keys) - earlier.keys() - later.keys())
    if lost:
        raise UsageError(say("neither run has an operator that is called {names}", names=lost))
    for key in sorted(earlier.keys() | later.keys()):
        if not keys or key in keys:
            yield _one(store, key, earlier.get(key), later.get(key), lang)


def _items(connection: sa.Connection, run: int) -> dict[str, sa.Row[Any]]:
    item, own = tables.item, tables.operator
    wanted = sa.select(own.c.key, item).join_from(item, own, own.c.id == item.c.operator_id)
    return {row.key: row for row in connection.execute(wanted.where(item.c.run_id == run))}


def _one(
    store: Store, key: str, earlier: sa.Row[Any] | None, later: sa.Row[Any] | None, lang: str
) -> Compared:
    verdicts = (earlier and earlier.verdict, later and later.verdict)
    if earlier is None or later is None:
        return Compared(key, "came" if earlier is None else "went", verdicts=verdicts)
    judged = (earlier.state == "done", later.state == "done")
    if not all(judged):
        kind = {(True, False): "not_judged", (False, True): "judged_now"}.get(judged, "never_judged")
        return Compared(key, kind, None, verdicts, _reason(later) or _reason(earlier))
    results = [judging.result_of(store.blobs, row.result) for row in (earlier, later)]
    again = _again(store, key, earlier, later, results)
    try:
        found = changes.diff(*results, again=again, lang=lang)
    except UsageError as error:
        return Compared(key, "another", None, verdicts, Text(**in_all(error)))
    return Compared(key, "both", found, verdicts)


def _reason(row: sa.Row[Any]) -> Text | None:
    return Text(**orjson.loads(row.reason)) if row.reason else None


def _again(
    store: Store, key: str, earlier: sa.Row[Any], later: sa.Row[Any], results: list[dict[str, Any]]
) -> dict[str, Any] | None:
    """Judge what was declared before on the later terms, where those differ in what a verdict rests on."""
    if not other_terms(View(results[0]), View(results[1])):
        return None
    before, after = (items.given(store, row.run_id, row.operator_id) for row in (earlier, later))
    return judging.judged_again(store.blobs, key, replace(before, terms=after.terms), results[0])
