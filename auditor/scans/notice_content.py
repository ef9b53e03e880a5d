"""What a notice tells: the changes of the runs that its address was not told of yet, netted, in plain values.

A finding that changed several times in between is told once, with its steps. One that opened and was fixed
again is told as such; only the first notice to an address, which says how things stand, leaves it out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson
import sqlalchemy as sa

from auditor import engine
from auditor.explaining import says
from auditor.findings import SETTLED, SEVERITIES, WORST_FIRST
from auditor.language import LANGUAGES
from auditor.scans import moments, tables
from auditor.scans.canonical import instant
from auditor.scans.decisions import WAIVER, decisions
from auditor.scans.judging import result_of
from auditor.scans.life import CHANGES, LOST, in_order

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence

    from auditor.rule import Rule
    from auditor.scans.blobs import Blobs
    from auditor.scans.decisions import Decision

SCHEMA = "auditor.notice/1"
MOST_LISTED = 5_000  # changes in one notice; the rest is counted
PASSED_BY = "opened_and_fixed"
KINDS = (*CHANGES, PASSED_BY)  # in the order in which they are told
BAD = frozenset({"refused", "error"})
ZONE = ZoneInfo("Asia/Shanghai")


class Known(NamedTuple):
    """What an address was told of an operator before."""

    runs: frozenset[int] = frozenset()
    last: int | None = None  # run that the last notice ended with
    at: dt.datetime | None = None  # when it was drafted


@dataclass(frozen=True)
class Window:
    """Items of one operator: those told of before, and those to tell of, in order."""

    before: Sequence[sa.Row[Any]]
    items: Sequence[sa.Row[Any]]

    @property
    def all(self) -> Sequence[sa.Row[Any]]:
        """Both, in order."""
        return [*self.before, *self.items]


def day_of(moment: dt.datetime) -> dt.date:
    """Day of an instant in Asia/Shanghai."""
    return moment.astimezone(ZONE).date()


# --- which runs -------------------------------------------------------------------------------------------


def window(connection: sa.Connection, operator: int, known: Known, until: int | None = None) -> Window:
    """Give the items to tell of, up to a run if one is named.

    Results follow one another as they were held against each other, whatever their runs are numbered; nothing
    is told past one whose run has not ended.
    """
    item, run = tables.item.c, tables.run.c
    wanted = (
        sa.select(tables.item, run.state.label("run_state"), run.as_of)
        .join(tables.run, run.id == item.run_id)
        .where(item.operator_id == operator, item.state.not_in(("pending", "cancelled")))
    )
    rows = {row.run_id: row for row in connection.execute(wanted)}
    place = {number: n for n, number in enumerate(_order(rows))}
    ordered = sorted(rows.values(), key=lambda row: place[row.run_id])
    if until in place:
        ordered = ordered[: place[until] + 1]
    elif until is not None:
        ordered = [row for row in ordered if row.run_id < until]
    held = next((n for n, row in enumerate(ordered) if row.run_state == "running"), None)
    told = [row for row in ordered if row.run_id in known.runs]
    new = [row for row in ordered[:held] if row.run_id not in known.runs]
    return Window(told, new)


def _order(rows: Mapping[int, sa.Row[Any]]) -> list[int]:
    """Put runs in order: results as each was held against another, what has none where it ended."""
    done = in_order((row.run_id, row.before_id) for row in rows.values() if row.state == "done")
    order = list(done)
    ends = {number: (row.ended_at is not None, row.ended_at, number) for number, row in rows.items()}
    for number in sorted(rows.keys() - set(done), key=ends.__getitem__):
        after = [n for n, other in enumerate(order) if ends[other] < ends[number]]
        order.insert(after[-1] + 1 if after else 0, number)
    return order


# --- findings ---------------------------------------------------------------------------------------------


def changes(
    connection: sa.Connection, blobs: Blobs, operator: int, shown: Window
) -> tuple[list[dict[str, Any]], dict[str, int], dict[str, int]]:
    """Give what became of each finding, the weightiest first; how many each change has; how many each rule.

    At most `MOST_LISTED` are given; counts are of all.
    """
    place = {row.run_id: n for n, row in enumerate(shown.items)}
    own = tables.change
    wanted = sa.select(own).where(own.c.operator_id == operator, own.c.run_id.in_(place))
    rows = sorted(connection.execute(wanted), key=lambda r: (r.rule, r.subject, place[r.run_id]))
    first = not shown.before
    found = []
    for _, steps in groupby(rows, key=lambda row: (row.rule, row.subject)):
        one = _netted(list(steps))
        if not (first and one["change"] in {PASSED_BY, "fixed"}):
            found.append(one)
    found.sort(key=_weight)
    kinds, rules = Counter(one["change"] for one in found), Counter(one["rule"] for one in found)
    listed = found[:MOST_LISTED]
    results = {row.run_id: row.result for row in shown.items if row.state == "done"}
    _add_next(blobs, listed, results)
    counted = {name: kinds[name] for name in sorted(kinds, key=_rank)}
    return listed, counted, dict(sorted(rules.items()))


def _settled(verdict: str | None) -> bool:
    return verdict is None or verdict in SETTLED


def _netted(rows: Sequence[sa.Row[Any]]) -> dict[str, Any]:
    """Tell the steps of one finding as one change."""
    first, last = rows[0], rows[-1]
    word: str = last.change
    if len(rows) > 1 and last.change != LOST and _settled(first.before):
        word = PASSED_BY if _settled(last.after) else first.change
    told = [row for row in rows if row.change != LOST or row is last]  # it is in sight again
    because = [text for row in told for text in orjson.loads(row.because)]
    known = _rules().get(last.rule)
    one = {
        "change": word,
        "rule": last.rule,
        "clauses": list(known.clauses) if known else [],
        "subject": last.subject,
        "fingerprint": last.fingerprint,
        "severity": last.severity,
        "basis": last.basis,
        "before": first.before,
        "after": last.after,
        "because": [text for n, text in enumerate(because) if text not in because[:n]],
        "message": orjson.loads(last.message),
        "run": last.run_id,
    }
    steps = [{"run": r.run_id, "change": r.change, "before": r.before, "after": r.after} for r in rows]
    return {**one, "steps": steps} if len(rows) > 1 else one


@cache
def _rules() -> dict[str, Rule]:
    return {rule.id: rule for rule in engine.all_rules()}


def _rank(change: str) -> int:
    return KINDS.index(change) if change in KINDS else len(KINDS)


def _weight(one: Mapping[str, Any]) -> tuple[Any, ...]:
    """Order of telling: by change, then what fails, then by severity."""
    worst = [str(verdict) for verdict in WORST_FIRST]
    verdict = worst.index(one["after"]) if one["after"] in worst else len(worst)
    severity = SEVERITIES.index(one["severity"]) if one["severity"] in SEVERITIES else len(SEVERITIES)
    return _rank(one["change"]), verdict, severity, one["rule"], one["subject"]


def _add_next(blobs: Blobs, listed: Sequence[dict[str, Any]], results: Mapping[int, str | None]) -> None:
    """Add what to do about what is open, as the finding in the run's result says it."""
    rules = _rules()
    wanted = sorted((one for one in listed if not _settled(one["after"])), key=lambda one: one["run"])
    for run, group in groupby(wanted, key=lambda one: one["run"]):
        digest = results.get(run)
        if digest is None:
            continue
        records = {(f["rule"], f["subject"]): f for f in result_of(blobs, digest)["findings"]}
        for one in group:
            record, rule = records.get((one["rule"], one["subject"])), rules.get(one["rule"])
            if record is not None and rule is not None:
                one["next"] = _next(rule, record)


def _next(rule: Rule, record: Mapping[str, Any]) -> dict[str, str] | None:
    try:
        asked = {lang: says(rule, record, lang)[1] for lang in LANGUAGES}
    except (KeyError, ValueError):  # a message that another version filled with other arguments
        return None
    return asked if asked["en"] else None


# --- what could not be judged, and decisions that ended ---------------------------------------------------


def unjudged(blobs: Blobs, shown: Window) -> list[dict[str, Any]]:
    """Give declarations that were refused or broke the audit, and the first that could be judged again.

    One that is refused for the same reason as before is not told again.
    """
    before: list[Any] = list(shown.before[-1:]) or [None]
    return [
        {
            "run": item.run_id,
            "state": item.state if item.state in BAD else "judged_again",
            "reason": orjson.loads(item.reason) if item.state in BAD and item.reason else None,
            "problems": _problems(blobs, item),
        }
        for last, item in pairwise([*before, *shown.items])
        if (item.state in BAD and (last is None or (last.state, last.reason) != (item.state, item.reason)))
        or (item.state == "done" and last is not None and last.state in BAD)
    ]


def _problems(blobs: Blobs, item: sa.Row[Any]) -> dict[str, str] | None:
    """Give all that is wrong with a declaration that was refused."""
    if item.state != "refused" or item.result is None:
        return None
    problems: dict[str, str] | None = result_of(blobs, item.result).get("problems")
    return problems


def waivers(connection: sa.Connection, operator: int) -> list[Decision]:
    """Give all waivers of an operator."""
    return [decision for decision in decisions(connection, operator) if decision.kind == WAIVER]


def ended(own: Sequence[Decision], since: dt.datetime | None, now: dt.datetime) -> Iterator[dict[str, Any]]:
    """Give waivers that lapsed or were revoked after an instant; none in a first notice, nor one renewed."""
    holding = {waiver.scope for waiver in own if waiver.holds(now)}
    for waiver in own:
        if since is None or not since < waiver.ends_at <= now:
            continue
        revoked = waiver.state(now) == "revoked"
        if revoked or waiver.scope not in holding:
            yield {
                "event": "revoked" if revoked else "lapsed",
                "decision": waiver.id,
                "rule": waiver.rule,
                "subject": waiver.subject,
                "ended_at": instant(waiver.ends_at),
                "ended": moments.shown(waiver.ends_at, waiver.zone),
                "reason": waiver.revoked_because if revoked else waiver.reason,
            }


def _add_waivers(listed: Sequence[dict[str, Any]], own: Sequence[Decision], now: dt.datetime) -> None:
    """Say which findings are waived for now."""
    until = {(w.rule, w.subject): moments.shown(w.until_at, w.zone) for w in own if w.holds(now)}
    for one in listed:
        waived = until.get((one["rule"], one["subject"]))
        if waived and not _settled(one["after"]):
            one["waived_until"] = waived


# --- together ---------------------------------------------------------------------------------------------


def facts(
    connection: sa.Connection,
    blobs: Blobs,
    operator: sa.Row[Any],
    known: Known,
    shown: Window,
    *,
    now: dt.datetime,
) -> dict[str, Any] | None:
    """Give what is told of an operator, the same for the same rows; nothing where nothing changed."""
    items = shown.all
    if not items:
        return None
    found, counts, by_rule = changes(connection, blobs, operator.id, shown)
    lost = unjudged(blobs, shown)
    own = waivers(connection, operator.id)
    over = list(ended(own, known.at, now))
    if not (found or lost or over):
        return None
    _add_waivers(found, own, now)
    last = items[-1]
    done = [item for item in items if item.state == "done"]
    named = done[-1] if done else last
    told_of = [item for item in shown.before if item.state == "done"]
    root = connection.execute(sa.select(tables.root).where(tables.root.c.run_id == last.run_id)).first()
    return {
        "operator": {"key": operator.key, "name": named.name, "uscc": named.uscc, "area": named.area},
        "since_run": known.last,
        "run": last.run_id,
        "as_of": last.as_of.isoformat(),
        "verdict_before": told_of[-1].verdict if told_of else None,
        "verdict": done[-1].verdict if done else None,
        "root": {"sha256": root.sha256, "items": root.items} if root else None,
        "counts": counts,
        "by_rule": by_rule,
        "changes": found,
        "left_out": sum(counts.values()) - len(found),
        "unjudged": lost,
        "waivers": over,
    }
