"""The queue of a run: items are leased, judged, and recorded once, whatever dies in between.

A lease names its owner by machine, boot, process and start, so that the lease of a process of this machine
that is gone ends at once; any other ends by the clock, or when the clock must have been set back. So the
clocks of machines that work on one run must agree within a minute. Whoever has lost a lease cannot record
anything.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import socket
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from auditor.language import in_all, say
from auditor.scans import life, tables
from auditor.scans.canonical import canonical
from auditor.scans.intake import files_of
from auditor.scans.judging import Given, Job, Outcome
from auditor.scans.store import RefusedRowsError

if TYPE_CHECKING:
    from auditor.scans.store import Change, Store

MARGIN_S = 60  # of a lease, over the time that an item may take


@dataclass(frozen=True)
class Limits:
    """What judging one operator may use.

    Parameters
    ----------
    seconds
        Time by the clock.
    memory_bytes
        Address space of the child process.
    attempts
        How often an item is begun whose process dies.
    """

    seconds: int = 600
    memory_bytes: int = 4 << 30
    attempts: int = 3


@dataclass(frozen=True)
class Lease:
    """An item that is ours for now.

    Parameters
    ----------
    run, operator
        The item.
    owner
        Who holds it.
    attempt
        The how-manieth it is, from 1.
    """

    run: int
    operator: int
    owner: str
    attempt: int


# --- who ---------------------------------------------------------------------------------------------------


def owner(limits: Limits) -> str:
    """Name one taking of items among all: machine, boot, process, its start, longest time, and a number."""
    process = (str(os.getpid()), _started(os.getpid()))
    return ":".join([*_machine(), *process, str(_longest_s(limits)), uuid.uuid4().hex])


def _longest_s(limits: Limits) -> int:
    """How long an item may be held: it may wait for the one before it, which takes as long as itself."""
    return 2 * limits.seconds + MARGIN_S


@cache
def _machine() -> tuple[str, str]:
    """Name of this machine; its boot and, as two containers may share both, where processes are numbered."""
    boot = "-"
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()[:8]
        boot += f".{Path('/proc/self/ns/pid').stat().st_ino}"
    return socket.gethostname().replace(":", "_"), boot


def _started(pid: int) -> str:
    """When a process began, in ticks since boot; a dash if the system does not say, blank if it is gone."""
    if not Path("/proc/self/stat").exists():
        return "-"
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    after_name = status.rpartition(")")[2].split()
    return "" if after_name[0] in "ZX" else after_name[19]


def _lives(name: str) -> bool | None:
    """Whether the owner of a lease is a process that runs; None if that cannot be seen from here."""
    host, boot, pid, start, _, _ = name.split(":")
    mine, now = _machine()
    if host != mine or "-" in {start, boot, now}:
        return None
    if boot != now:  # another boot; or, of this one, another container, whose processes cannot be seen
        return None if boot.partition(".")[0] == now.partition(".")[0] else False
    return _started(int(pid)) == start


def _ended(row: Any, now: dt.datetime) -> bool:
    """Whether a lease no longer holds; one that ends later than it could tells of a clock set back."""
    lives = _lives(row.leased_by)
    longest = dt.timedelta(seconds=int(row.leased_by.split(":")[4]))
    set_back = lives is None and row.leased_until > now + 2 * longest
    return lives is False or row.leased_until < now or set_back


def is_held(connection: sa.Connection, run: int, now: dt.datetime) -> bool:
    """Whether a scanner that lives holds an item of a run."""
    item = tables.item
    wanted = sa.select(item.c.leased_by, item.c.leased_until).where(item.c.run_id == run)
    held = connection.execute(wanted.where(item.c.state == "pending", item.c.leased_by.is_not(None))).all()
    return any(not _ended(row, now) for row in held)


# --- taking -------------------------------------------------------------------------------------------------


def lease(store: Store, run: int, limits: Limits, *, most: int, operator: int | None = None) -> list[Lease]:
    """Take items that wait, or whose lease has ended.

    Parameters
    ----------
    most
        How many.
    operator
        The one item that is wanted, if one is.
    """
    mine, longest = owner(limits), dt.timedelta(seconds=_longest_s(limits))

    def work(connection: sa.Connection) -> list[Lease]:
        item, now = tables.item, store.clock()
        wanted = sa.select(item).where(item.c.run_id == run, item.c.state == "pending")
        known = connection.execute(wanted.where(item.c.leased_by == mine)).all()
        if known:  # the answer to a commit was lost
            return [Lease(run, row.operator_id, mine, row.attempts) for row in known]
        if operator is not None:
            wanted = wanted.where(item.c.operator_id == operator)
        wanted = wanted.order_by(item.c.operator_id).with_for_update(skip_locked=True)
        free = list(connection.execute(wanted.where(item.c.leased_by.is_(None)).limit(most)))
        if len(free) < most:
            held = connection.execute(wanted.where(item.c.leased_by.is_not(None))).all()
            free += [row for row in held if _ended(row, now)][: most - len(free)]
        taken = [Lease(run, row.operator_id, mine, row.attempts + 1) for row in free]
        for one in taken:
            values = {"leased_by": mine, "leased_until": now + longest, "attempts": one.attempt}
            connection.execute(sa.update(item).where(*_is(one)).values(values))
        return taken

    return store.transact(work)


def give_back(store: Store, leases: list[Lease], *, counted: bool = True, patient: bool = True) -> None:
    """Let go of items that were not judged.

    Parameters
    ----------
    counted
        Whether the attempt was one.
    patient
        Whether a database that is gone is waited for.
    """

    def work(connection: sa.Connection) -> None:
        item = tables.item
        for one in leases:
            attempts = one.attempt if counted else one.attempt - 1
            ours = (*_is(one), item.c.leased_by == one.owner, item.c.state == "pending")
            free = {"leased_by": None, "leased_until": None, "attempts": attempts}
            connection.execute(sa.update(item).where(*ours).values(free))

    store.transact(work, patient=patient)


def _is(one: Lease) -> tuple[sa.ColumnElement[bool], ...]:
    return (tables.item.c.run_id == one.run, tables.item.c.operator_id == one.operator)


def job(store: Store, one: Lease) -> Job:
    """Say what is to be judged for an item."""

    def work(connection: sa.Connection) -> Job:
        row = _given_rows(connection, one.run, one.operator)
        before = None
        if row.before_id is not None:
            last = _given_rows(connection, row.before_id, one.operator)
            before = (_given(last), last.result)
        closed = {
            key: change
            for key, change in life.earlier(connection, one.operator).items()
            if change in {"fixed", life.LOST}
        }
        return Job(str(store.evidence), row.key, _given(row), before, closed)

    return store.ask(work)


def given(store: Store, run: int, operator: int) -> Given:
    """Give what an operator was judged by in a run: its files, what sources said, the terms."""
    return store.ask(lambda connection: _given(_given_rows(connection, run, operator)))


def _given_rows(connection: sa.Connection, run: int, operator: int) -> Any:
    item, own, said, of = tables.item, tables.operator, tables.declaration, tables.run
    joined = item.join(own, own.c.id == item.c.operator_id).join(of, of.c.id == item.c.run_id)
    joined = joined.join(said, said.c.id == item.c.declaration_id)
    columns = (own.c.key, of.c.terms, said.c.entry, said.c.files, item.c.observations)
    wanted = sa.select(*columns, item.c.before_id, item.c.result).select_from(joined)
    return connection.execute(wanted.where(item.c.run_id == run, item.c.operator_id == operator)).one()


def _given(row: Any) -> Given:
    return Given(row.terms, row.entry, files_of(row.files), row.observations)


# --- recording ----------------------------------------------------------------------------------------------


def record(store: Store, one: Lease, outcome: Outcome) -> bool:
    """Record what came of an item, if it is still ours; all of it in one transaction.

    Rows that the database does not take are this operator's trouble alone, and recorded as such.

    Returns
    -------
    bool
        Whether it counts; if not, another has recorded it, or has taken it over.
    """
    try:
        return _recorded(store, one, outcome)
    except RefusedRowsError as error:
        why = say(
            "what came of it cannot be kept: {reason}", reason=str(getattr(error.__cause__, "orig", error))
        )
        return _recorded(store, one, Outcome("error", reason=in_all(why)))


def _recorded(store: Store, one: Lease, outcome: Outcome) -> bool:
    def work(change: Change) -> bool:
        item = tables.item
        row = change.connection.execute(sa.select(item).where(*_is(one)).with_for_update()).one()
        if row.state != "pending":  # ours already, where the answer to a commit was lost
            change.facts.clear()
            return bool(row.state == outcome.state and row.result == outcome.result)
        if (row.leased_by, row.attempts) != (one.owner, one.attempt):
            change.facts.clear()
            return False
        key = {"run_id": one.run, "operator_id": one.operator}
        parts = {"evaluation": outcome.evaluations, "facility": outcome.facilities, "change": outcome.changes}
        for name, rows in parts.items():
            if rows:
                change.connection.execute(
                    sa.insert(tables.metadata.tables[name]), [{**key, **values} for values in rows]
                )
                change.touch(name, one.run, one.operator)
        change.connection.execute(sa.update(item).where(*_is(one)).values(_columns(outcome, change.at)))
        change.touch("item", one.run, one.operator)
        return True

    return store.write(
        "item_ended", work, run=one.run, operator=one.operator, state=outcome.state, result=outcome.result
    )


def _columns(outcome: Outcome, at: dt.datetime) -> dict[str, Any]:
    names = ("state", "verdict", "result", "name", "uscc", "area")
    values = {name: getattr(outcome, name) for name in names}
    freed = {"leased_by": None, "leased_until": None, "ended_at": at}
    reason = None if outcome.reason is None else canonical(dict(outcome.reason))
    return {**values, **freed, "reason": reason}
