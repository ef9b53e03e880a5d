"""Rows of operators and runs for tests, written as runs write them; no operator is judged."""

import gzip

import orjson
import sqlalchemy as sa

from auditor.scans import tables
from auditor.scans.canonical import canonical

COUNTED = ("pass", "fail", "inconclusive", "not_applicable", "error", "not_checked")


def add_operator(store, key, path=None):
    """Add an operator and give its number."""
    return store.write(
        "operators_added", lambda c: c.insert(tables.operator, key=key, path=path or f"/{key}", added_at=c.at)
    )


def add_run(store, items, *, state="done", as_of=None, terms="0" * 64):
    """Add a run that has ended (unless `state` says else) and give its number.

    Parameters
    ----------
    items
        By number of the operator: columns of `item` (an item is ``done`` unless they say else), and besides

        result : dict
            Of `auditor.result/1`; it is kept as a run keeps it.
        changes : list of dict
            Rows as `change` makes them.
        evaluations : dict
            Counts by rule: ``{"PILOT-FAC-01": {"fail": 2}}``.
        facilities : dict
            (sure, doubtful) by kind.
    """
    kept = {
        operator: store.blobs.put(gzip.compress(orjson.dumps(values["result"]), mtime=0))
        for operator, values in items.items()
        if values.get("result") is not None
    }

    def work(change):
        ended = change.at if state != "running" else None
        day = as_of or change.at.date()
        number = change.insert(
            tables.run, as_of=day, terms=terms, state=state, started_at=change.at, ended_at=ended
        )
        for operator, given in items.items():
            _add_item(change, number, operator, dict(given), kept.get(operator))
        return number

    return store.write("run_built", work)


def _add_item(change, run, operator, given, result):
    changes, evaluations, facilities = (
        given.pop(name, None) or {} for name in ("changes", "evaluations", "facilities")
    )
    given["result"] = result
    key = {"run_id": run, "operator_id": operator}
    before = sa.select(sa.func.max(tables.item.c.run_id)).where(
        tables.item.c.operator_id == operator, tables.item.c.state == "done"
    )
    known = {
        "state": "done",
        "attempts": 1,
        "ended_at": change.at,
        "before_id": change.connection.execute(before).scalar(),
    }
    connection = change.connection
    connection.execute(sa.insert(tables.item), [{**key, **known, **given}])
    change.touch("item", run, operator)
    for row in changes:
        connection.execute(sa.insert(tables.change), [{**key, **row}])
    for rule, counts in evaluations.items():
        zero = dict.fromkeys(COUNTED, 0)
        row = {**key, "rule": rule, "rule_sha256": "0" * 64, **zero, **counts}
        connection.execute(sa.insert(tables.evaluation), [row])
    for kind, (sure, doubtful) in facilities.items():
        row = {**key, "kind": kind, "sure": sure, "doubtful": doubtful}
        connection.execute(sa.insert(tables.facility), [row])
    for table, rows in (("change", changes), ("evaluation", evaluations), ("facility", facilities)):
        if rows:
            change.touch(table, run, operator)


def changed(rule, subject, change, before, after, **more):
    """Give one row of the table `change`."""
    return {
        "rule": rule,
        "subject": subject,
        "fingerprint": f"{rule}/{subject}",
        "severity": "high",
        "basis": "circular",
        "change": change,
        "before": before,
        "after": after,
        "because": "[]",
        "message": canonical({"en": f"{subject} stands outside.", "zh": f"{subject} 位于区域外。"}),
        **more,
    }
