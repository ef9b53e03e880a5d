"""How a run stands: its items, its verdicts, what changed, its root; for people and machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from auditor.errors import UsageError
from auditor.findings import EXIT_CODES, Verdict, worst_code
from auditor.language import Text, both, say
from auditor.messages import VERDICTS
from auditor.scans import life, runs, tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.language import Said
    from auditor.scans.store import Store

SCHEMA = "auditor.run/1"
COULD_NOT = 2  # exit code
ITEM_STATES = {  # of an operator in a run
    "pending": both("waits"),
    "done": both("judged"),
    "refused": both("could not be read"),
    "error": both("broke"),
    "cancelled": both("cancelled"),
}
RUN_STATES = {"running": both("under way"), "done": both("ended"), "cancelled": both("cancelled")}


def state_of(store: Store, run: int | None = None) -> dict[str, Any]:
    """Say how a run stands.

    Parameters
    ----------
    run
        Its number; the last one if it is not given.

    Returns
    -------
    dict
        Plain values: ``run``, ``state``, ``as_of``, ``root``, ``items`` by state, ``verdicts`` and
        ``changes`` counted, ``troubles`` (operators that could not be judged, with why).

    Raises
    ------
    UsageError
        There is no such run.
    """
    own, root, item, change = tables.run, tables.root.c, tables.item.c, tables.change.c
    with store.read() as connection:
        wanted = sa.select(own).order_by(own.c.id.desc()).limit(1)
        row = connection.execute(wanted if run is None else wanted.where(own.c.id == run)).mappings().first()
        if row is None:
            raise UsageError(say("the store has no run {run}", run="" if run is None else run))
        number = row["id"]
        signed = connection.execute(sa.select(root.sha256).where(root.run_id == number)).scalar()
        verdicts = sa.select(item.verdict, sa.func.count()).where(item.run_id == number, item.state == "done")
        changed = sa.select(change.change, sa.func.count()).where(change.run_id == number)
        key = tables.operator.c.key
        joined = tables.item.join(tables.operator, tables.operator.c.id == item.operator_id)
        broken = sa.select(key, item.state, item.reason).select_from(joined)
        broken = broken.where(item.run_id == number, item.state.in_(["refused", "error"])).order_by(key)
        return {
            "schema": SCHEMA,
            "run": number,
            "state": row["state"],
            "as_of": row["as_of"].isoformat(),
            "terms": row["terms"],
            "started_at": _time(row["started_at"]),
            "ended_at": _time(row["ended_at"]),
            "root": signed,
            "items": runs.counted(connection, number),
            "verdicts": dict(_pairs(connection, verdicts.group_by(item.verdict))),
            "changes": dict(_pairs(connection, changed.group_by(change.change))),
            "troubles": [
                {"operator": name, "state": state, "reason": orjson.loads(reason)}
                for name, state, reason in connection.execute(broken)
            ],
        }


def _time(moment: Any) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _pairs(connection: sa.Connection, wanted: Any) -> Iterator[tuple[str, int]]:
    yield from sorted((row[0], row[1]) for row in connection.execute(wanted))


def exit_code(state: dict[str, Any]) -> int:
    """Exit code of a run: as of `check` on many declarations, what could not be judged first."""
    if state["troubles"]:
        return COULD_NOT
    return worst_code(EXIT_CODES[Verdict(verdict)] for verdict in state["verdicts"])


def lines(state: dict[str, Any], lang: str) -> Iterator[str]:
    """Say for people how a run stands."""
    told = RUN_STATES[state["state"]]
    yield say("Run {run}, as of {day}: {state}", run=state["run"], day=state["as_of"], state=told).in_(lang)
    yield _counts(both("operators"), state["items"], ITEM_STATES, lang)
    yield _counts(both("verdicts"), state["verdicts"], {str(v): text for v, text in VERDICTS.items()}, lang)
    yield _counts(both("changes"), state["changes"], life.CHANGES, lang)
    if state["root"]:
        yield say("root: {root}", root=state["root"]).in_(lang)


def _counts(name: Text, counts: dict[str, int], names: Any, lang: str) -> str:
    parts = [f"{number:,} {names[word].in_(lang)}" for word, number in counts.items() if number]
    listed = ("，" if lang == "zh" else ", ").join(parts) or both("none").in_(lang)
    return say("{name}: {listed}", name=name, listed=listed).in_(lang)


def twins(store: Store, run: int) -> Iterator[Said]:
    """Say which operators of a run declare one enterprise: each is counted as one of its own."""
    item, own = tables.item, tables.operator
    wanted = sa.select(item.c.uscc, own.c.key).join_from(item, own, own.c.id == item.c.operator_id)
    wanted = wanted.where(item.c.run_id == run, item.c.uscc.is_not(None)).order_by(own.c.key)
    keys: dict[str, list[str]] = {}
    for uscc, key in store.ask(lambda connection: connection.execute(wanted).all()):
        keys.setdefault(uscc, []).append(key)
    for uscc, named in sorted(keys.items()):
        if len(named) > 1:
            yield say(
                "{names} declare the same enterprise ({uscc}), and are counted as two or more",
                names=named,
                uscc=uscc,
            )


def troubles(state: dict[str, Any], lang: str) -> Iterator[str]:
    """Say of each operator that could not be judged why."""
    for one in state["troubles"]:
        said = say(
            "{operator}: {state}: {reason}",
            operator=one["operator"],
            state=ITEM_STATES[one["state"]],
            reason=Text(**one["reason"]),
        )
        yield said.in_(lang)
