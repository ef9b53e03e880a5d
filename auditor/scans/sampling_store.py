"""Spot checks of a store: what it knows of its operators, draws that it keeps, and what came of them."""

from __future__ import annotations

import datetime as dt
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from auditor.case import Case
from auditor.errors import AuditorError, UsageError
from auditor.language import both, say
from auditor.scans import tables
from auditor.scans.canonical import canonical, instant, instant_of
from auditor.scans.intake import files_of
from auditor.scans.judging import declaration_of, first_of, result_of
from auditor.scans.sampling_record import Draw, draw_of
from auditor.scans.sampling_units import Asset

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from auditor.scans.store import Change, Store
    from auditor.settings import Policy
    from auditor.zones import Areas

ENDED = ("done", "refused", "error")
RESULT = ("name", "uscc", "area", "verdict", "result")  # what a record says of the last result
OUTCOMES = {
    "pass": both("found in order"),
    "fail": both("found not in order"),
    "inconclusive": both("could not be decided"),
    "refused": both("refused"),
}
NOT_DRAWN = say("not drawn from within the period")


class Known(NamedTuple):
    """What a store knows of one operator at a time; each part None where there is nothing."""

    key: str
    declaration: Any
    last: Any  # item that ended last
    done: Any  # item of the last result


def history(store: Store) -> dict[str, Any]:
    """Give how far the store has come: the instant, and the last draw."""
    with store.read() as connection:
        last = connection.execute(sa.select(sa.func.max(tables.draw.c.id))).scalar()
    return {"at": instant(store.clock()), "last_draw": last or 0}


def known(store: Store, at: str, recorded: Mapping[str, Mapping[str, Any]] | None = None) -> list[Known]:
    """Give what the store knows of the operators that it has at an instant.

    Parameters
    ----------
    recorded
        Sources of a record: then the declarations, runs and results that it names count, not the last ones.
    """
    moment = instant_of(at)
    own, item, version = tables.operator.c, tables.item.c, tables.declaration.c
    with store.read() as connection:
        there = own.removed_at.is_(None) | (own.removed_at > moment)
        operators = connection.execute(sa.select(own.id, own.key).where(own.added_at <= moment, there)).all()
        wanted = sa.select(item.operator_id, item.run_id, item.state, *(item[name] for name in RESULT))
        ended = connection.execute(
            wanted.where(item.state.in_(ENDED)).order_by(item.ended_at, item.run_id)
        ).all()
        kept_files = sa.select(version.operator_id, version.sha256, version.entry, version.files)
        versions = connection.execute(kept_files.order_by(version.version)).all()
    items: dict[int, list[Any]] = {}
    for row in ended:
        items.setdefault(row.operator_id, []).append(row)
    declared: dict[int, list[Any]] = {}
    for row in versions:
        declared.setdefault(row.operator_id, []).append(row)
    found = []
    for number, key in sorted(operators, key=lambda row: row.key):
        mine, files = items.get(number, []), declared.get(number, [])
        if recorded is not None:
            told = recorded.get(key, {})
            files = [row for row in files if row.sha256 == told.get("declaration")]
            done = [row for row in mine if row.state == "done" and row.result == told.get("result")]
            mine = [row for row in mine if row.run_id == told.get("run")]
        else:
            done = [row for row in mine if row.state == "done"]
        found.append(Known(key, *(rows[-1] if rows else None for rows in (files, mine, done))))
    return found


def source_of(own: Known) -> dict[str, Any]:
    """Give what a record says of an operator of a store."""
    return {
        **{name: getattr(own.done, name, None) for name in RESULT},
        "declaration": getattr(own.declaration, "sha256", None),
        "run": getattr(own.last, "run_id", None),
        "state": getattr(own.last, "state", "never"),
    }


def assets(
    store: Store,
    operators: list[Known],
    last_draw: int,
    *,
    declared: bool,
    findings: bool,
    as_of: dt.date,
    areas: Areas,
    policy: Policy,
) -> Iterator[Asset | tuple[str, dict[str, str]]]:
    """Give operators as they are drawn from, or why one cannot be: its key and the reason.

    Parameters
    ----------
    last_draw
        Last draw that counts for how long ago something was drawn.
    declared, findings
        Whether declarations are read, and results.
    """
    drawn = _last_drawn(store, last_draw, as_of)
    for own in operators:
        case = None
        if declared:
            try:
                case = _case(store, own, as_of, areas, policy)
            except AuditorError as error:
                yield own.key, first_of(error)
                continue
        result = result_of(store.blobs, own.done.result) if findings and own.done is not None else {}
        source = source_of(own)
        yield Asset(
            own.key,
            source,
            case,
            result.get("findings", ()),
            source["state"],
            source["area"],
            source["verdict"],
            drawn.get(own.key, {}),
        )


def _case(store: Store, own: Known, as_of: dt.date, areas: Areas, policy: Policy) -> Case:
    """Read a declaration from the copies of its files."""
    if own.declaration is None:
        raise UsageError(say("none of its files was ever read; scan it first"))
    files = files_of(own.declaration.files)
    return Case(declaration_of(store.blobs, own.key, own.declaration.entry, files), areas, as_of, policy)


def _last_drawn(store: Store, last_draw: int, as_of: dt.date) -> dict[str, dict[str, dt.date]]:
    """Give by operator and subject the last day on which it was drawn; under ``""``, anything of it."""
    draw, drawn = tables.draw.c, tables.drawn.c
    wanted = sa.select(drawn.operator, drawn.subject, sa.func.max(draw.as_of))
    wanted = wanted.join_from(tables.drawn, tables.draw).where(draw.id <= last_draw, draw.as_of <= as_of)
    found: dict[str, dict[str, dt.date]] = {}
    with store.read() as connection:
        for operator, subject, on in connection.execute(wanted.group_by(drawn.operator, drawn.subject)):
            own = found.setdefault(operator, {})
            own[subject] = on
            own[""] = max(on, own.get("", on))
    return found


# --- draws that are kept ----------------------------------------------------------------------------------


def keep(store: Store, draw: Draw) -> int:
    """Keep a draw with its record, and give its number; one that is kept already stays as it is."""
    digest = store.blobs.put(draw.data)
    plan = draw.plan

    def work(change: Change) -> int:
        same = sa.select(tables.draw.c.id).where(tables.draw.c.record == digest)
        before = change.connection.execute(same).scalar()
        if before is not None:
            return int(before)
        number = change.insert(
            tables.draw,
            kind=plan.kind,
            seed=plan.seed,
            record=digest,
            as_of=dt.date.fromisoformat(plan.as_of),
            due_on=dt.date.fromisoformat(plan.due_on),
            drawn_at=change.at,
        )
        rows = [
            {
                "draw_id": number,
                **{name: row[name] for name in ("number", "operator", "subject", "stratum")},
                "inspectors": canonical(row["inspectors"]),
            }
            for row in draw.drawn
        ]
        change.connection.execute(sa.insert(tables.drawn), rows)
        change.touch("drawn", number)
        return number

    return store.write("spot_check_drawn", work, record=digest)


def kept(store: Store, number: int) -> Draw:
    """Give a draw that the store keeps.

    Raises
    ------
    UsageError
        There is none of this number.
    """
    with store.read() as connection:
        wanted = sa.select(tables.draw.c.record).where(tables.draw.c.id == number)
        digest = connection.execute(wanted).scalar()
    if digest is None:
        raise UsageError(say("the store has no draw {number}; see `auditor sample list`", number=number))
    return draw_of(store.blobs.get(digest), str(store.blobs.path(digest)))


def same_seed(store: Store, number: int) -> list[int]:
    """Give the earlier draws that began with the seed of a draw: the same units come first in all of them."""
    draw, other = tables.draw.alias(), tables.draw.c
    wanted = sa.select(other.id).join_from(draw, tables.draw, draw.c.seed == other.seed)
    with store.read() as connection:
        rows = connection.execute(wanted.where(draw.c.id == number, other.id < number).order_by(other.id))
        return list(rows.scalars())


def holds(store: Store, draw: Draw) -> bool:
    """Whether the store keeps just this record."""
    with store.read() as connection:
        wanted = sa.select(tables.draw.c.id).where(tables.draw.c.record == draw.sha256)
        return connection.execute(wanted).scalar() is not None


def close(store: Store, draw: int, number: int, outcome: str, *, note: str, on: dt.date) -> None:
    """Record what came of a unit that was drawn.

    Parameters
    ----------
    outcome
        One of `OUTCOMES`.
    note
        What was found; nothing but a pass goes without.
    on
        Day on which it was found, from that of the draw to today.

    Raises
    ------
    UsageError
        No such unit, one that is closed already, or a day or note that cannot be.
    """

    def work(change: Change) -> None:
        own, drawn = tables.draw.c, tables.drawn.c
        mine = (drawn.draw_id == draw, drawn.number == number)
        wanted = sa.select(own.as_of, drawn.subject, drawn.outcome, drawn.closed_on, drawn.note)
        wanted = wanted.join_from(tables.drawn, tables.draw).where(*mine)
        row = change.connection.execute(wanted.with_for_update(of=tables.drawn)).first()
        if row is None:
            raise UsageError(
                say("draw {draw} has no unit {number}; see `auditor sample list`", draw=draw, number=number)
            )
        if (row.outcome, row.note, row.closed_on) == (outcome, note or None, on):
            return
        _refuse_closing(row, outcome, note, on, latest=(change.at + dt.timedelta(hours=14)).date())
        values = {"outcome": outcome, "note": note or None, "closed_on": on}
        change.connection.execute(sa.update(tables.drawn).where(*mine).values(values))
        change.touch("drawn", draw)
        change.facts["number"] = number

    store.write("spot_check_closed", work)


def _refuse_closing(row: Any, outcome: str, note: str, on: dt.date, latest: dt.date) -> None:
    faults: list[object] = []
    if row.outcome is not None and row.outcome != "refused":  # whoever refused may still be inspected
        faults.append(
            say(
                "{subject} was closed on {on}: {outcome}; what is recorded stays: draw it again",
                subject=row.subject,
                on=row.closed_on,
                outcome=OUTCOMES[row.outcome],
            )
        )
    if outcome != "pass" and not note:
        faults.append(say("say in --note what was found"))
    if not row.as_of <= on <= latest:
        faults.append(say("{on} is not between the draw, {drawn}, and today", on=on, drawn=row.as_of))
    if faults:
        raise UsageError(*faults)


def draws(store: Store, as_of: dt.date) -> list[dict[str, Any]]:
    """Give all draws, the first first, with what came of their units by a day."""
    with store.read() as connection:
        heads = connection.execute(sa.select(tables.draw).order_by(tables.draw.c.id)).mappings().all()
        wanted = sa.select(tables.drawn).order_by(tables.drawn.c.draw_id, tables.drawn.c.number)
        rows = [dict(row) for row in connection.execute(wanted).mappings()]
    units = {number: list(own) for number, own in groupby(rows, key=lambda row: row["draw_id"])}
    listed = []
    for head in heads:
        if head["as_of"] > as_of:
            continue
        own = [_unit(row, head["due_on"], as_of) for row in units.get(head["id"], [])]
        counts = {name: sum(unit["outcome"] == name for unit in own) for name in OUTCOMES}
        listed.append(
            {
                "draw": head["id"],
                "kind": head["kind"],
                "as_of": head["as_of"],
                "due_on": head["due_on"],
                "seed": head["seed"],
                "record": head["record"],
                "drawn": len(own),
                "outcomes": counts,
                "open": sum(unit["outcome"] is None for unit in own),
                "overdue": sum(unit["overdue"] for unit in own),
                "units": own,
            }
        )
    return listed


def _unit(row: Mapping[str, Any], due_on: dt.date, as_of: dt.date) -> dict[str, Any]:
    answered = row["closed_on"] is not None and row["closed_on"] <= as_of
    return {
        **{name: row[name] for name in ("number", "operator", "subject", "stratum")},
        "inspectors": row["inspectors"],
        "outcome": row["outcome"] if answered else None,
        "note": row["note"] if answered else None,
        "closed_on": row["closed_on"] if answered else None,
        "overdue": not answered and as_of > due_on,
    }


def standing(
    store: Store, listed: list[dict[str, Any]], *, period: int, as_of: dt.date
) -> list[dict[str, Any]]:
    """Give what GOV-04 comes to for every operator of the store.

    An operator fails that refused within the period, or left a unit unanswered past its date; it is
    inconclusive where it was not drawn from within the period, or a unit is still open; else it passes.

    Parameters
    ----------
    listed
        Of `draws`.
    period
        Days within which every operator is drawn from again.
    """
    since = as_of - dt.timedelta(days=period)
    recent = [one for one in listed if one["as_of"] > since]
    drawn_from = {name for one in recent for name in kept(store, one["draw"]).record["sources"]}
    with store.read() as connection:
        own = tables.operator.c
        there = sa.select(own.key).where(own.removed_at.is_(None)).order_by(own.key)
        keys = list(connection.execute(there).scalars())
    units: dict[str, list[dict[str, Any]]] = {}
    for one in listed:
        for unit in one["units"]:
            units.setdefault(unit["operator"], []).append({**unit, "draw": one["draw"]})
    return [
        {"operator": key, **_verdict(units.get(key, []), since, drawn_from=key in drawn_from)} for key in keys
    ]


def worst(operators: list[dict[str, Any]]) -> str:
    """Give the verdict over all operators; without any, nothing is known."""
    verdicts = {one["verdict"] for one in operators}
    if not verdicts:
        return "inconclusive"
    return next((verdict for verdict in ("fail", "inconclusive") if verdict in verdicts), "pass")


def _verdict(units: list[dict[str, Any]], since: dt.date, *, drawn_from: bool) -> dict[str, Any]:
    refused = [u for u in units if u["outcome"] == "refused" and u["closed_on"] > since]
    late = [unit for unit in units if unit["overdue"]]
    open_ = [unit for unit in units if unit["outcome"] is None and not unit["overdue"]]

    def named(own: list[dict[str, Any]]) -> list[str]:
        return [f"{unit['draw']}/{unit['number']}" for unit in own]

    because = []
    if refused:
        because.append(say("refused: {units}", units=named(refused)))
    if late:
        because.append(say("unanswered past the date: {units}", units=named(late)))
    if open_:
        because.append(say("open: {units}", units=named(open_)))
    if not drawn_from:
        because.append(NOT_DRAWN)
    verdict = "fail" if refused or late else "inconclusive" if because else "pass"
    return {"verdict": verdict, "because": because}
