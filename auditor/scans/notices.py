"""Notices: drafted in the store before anything leaves, sent once however often sending breaks off.

A notice is a row with a key of its content: drafted, then leased while it is sent, then sent or failed. What
broke off in between, so that nobody knows whether it went out, goes out again when the lease is over, the
same bytes under the same key; an address gets its next notice only after that.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from auditor.errors import AuditorError, UsageError
from auditor.language import Text, in_all, say
from auditor.scans import notice_content, notice_text, tables
from auditor.scans.canonical import canonical, sha256
from auditor.scans.channels import Letter, channel
from auditor.scans.notice_content import Known, day_of
from auditor.scans.notice_recipients import Address, addresses

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from auditor.language import InBoth
    from auditor.scans.channels import Office
    from auditor.scans.store import Change, Store

LEASE = dt.timedelta(minutes=15)  # longer than any one attempt
REFERENCE = 12  # figures of the key that people write
MOST_AT_ONCE = 2  # to one address: what waited for it, and what changed since
OPEN = ("drafted", "sending", "failed")


@dataclass(frozen=True)
class Planned:
    """A notice that waits for an address, or would be drafted for it.

    Parameters
    ----------
    address
        Where it goes.
    notice
        ``auditor.notice/1``.
    number
        Of its row, where it is drafted.
    state
        Of that row; ``new`` where there is none.
    after
        Number of the last notice to that address, when this one was made.
    runs
        All runs that it tells of.
    at
        Up to when it tells.
    """

    address: Address
    notice: Mapping[str, Any]
    number: int | None
    state: str
    after: int | None
    runs: tuple[int, ...]
    at: dt.datetime


@dataclass(frozen=True)
class Outcome:
    """What became of one notice: sent, failed, or left to another that is sending it."""

    planned: Planned
    state: str
    error: InBoth | None = None


# --- what would go ----------------------------------------------------------------------------------------


def planned(store: Store, office: Office, run: int | None = None) -> Iterator[Planned]:
    """Give what would be sent now, one by one; nothing is written.

    Parameters
    ----------
    run
        Tell nothing past this run.

    Raises
    ------
    UsageError
        There is no such run, or it has not ended.
    """
    for address in _addresses(store, run):
        one = _planned(store, office, address, run)
        if one is not None:
            yield one


def held_up(store: Store) -> list[int]:
    """Give the runs that have not ended: nothing is told past them of the operators they judge."""
    with store.read() as connection:
        run = tables.run.c
        return list(
            connection.execute(sa.select(run.id).where(run.state == "running").order_by(run.id)).scalars()
        )


def _addresses(store: Store, run: int | None) -> list[Address]:
    with store.read() as connection:
        if run is not None:
            _refuse_run(connection, run)
        return addresses(connection)


def _planned(store: Store, office: Office, address: Address, run: int | None) -> Planned | None:
    """Give what an address would get next: what waits for it, else what changed."""
    now = store.clock()
    with store.read() as connection:
        waiting, known, last = _history(connection, address)
        if waiting is not None:
            notice = orjson.loads(store.blobs.get(waiting.content))
            runs = tuple(orjson.loads(waiting.runs))
            return Planned(address, notice, waiting.id, waiting.state, last, runs, waiting.drafted_at)
        shown = notice_content.window(connection, address.operator, known, run)
        operator = connection.execute(
            sa.select(tables.operator).where(tables.operator.c.id == address.operator)
        ).one()
        facts = notice_content.facts(connection, store.blobs, operator, known, shown, now=now)
    if facts is None:
        return None
    runs = tuple(item.run_id for item in shown.items)
    return Planned(address, _written(office, address, facts, now), None, "new", last, runs, now)


def _refuse_run(connection: sa.Connection, run: int) -> None:
    state = connection.execute(sa.select(tables.run.c.state).where(tables.run.c.id == run)).scalar()
    if state is None:
        raise UsageError(say("there is no run {run}", run=run))
    if state == "running":
        raise UsageError(say("run {run} has not ended", run=run))


def _history(connection: sa.Connection, address: Address) -> tuple[sa.Row[Any] | None, Known, int | None]:
    """Give the notice that waits for an address, what it was told before, and its last notice."""
    own = tables.notice
    wanted = sa.select(own).where(
        own.c.operator_id == address.operator,
        own.c.channel == address.channel,
        own.c.address == address.address,
    )
    rows = connection.execute(wanted.order_by(own.c.id)).all()
    waiting = next((row for row in rows if row.state in OPEN), None)
    sent = [row for row in rows if row.state == "sent"]
    runs = frozenset(number for row in sent for number in orjson.loads(row.runs))
    known = Known(runs, sent[-1].run_id, sent[-1].drafted_at) if sent else Known()
    return waiting, known, rows[-1].id if rows else None


def _written(office: Office, address: Address, facts: Mapping[str, Any], now: dt.datetime) -> dict[str, Any]:
    """Write a notice: what it tells, under a key of just that, and the text for people."""
    named = [facts["operator"]["key"], address.channel, address.address, facts["since_run"], facts["run"]]
    key = sha256(canonical([*named, sha256(canonical(facts))]))
    days = office.settings.policy.notification_sla_days
    day = day_of(now)
    notice = {
        "schema": notice_content.SCHEMA,
        "key": key,
        "reference": key[:REFERENCE],
        "issuer": office.settings.notices.issuer,
        "contact": office.settings.notices.contact,
        "drafted_on": day.isoformat(),
        "acknowledge_within_days": days,
        "due_on": notice_text.due(day, days).isoformat(),
        **facts,
    }
    return {**notice, "title": in_all(notice_text.title(notice)), "text": notice_text.text(notice)}


# --- sending ----------------------------------------------------------------------------------------------


def send(store: Store, office: Office, run: int | None = None) -> Iterator[Outcome]:
    """Send to each address what it would get; a fault of one leaves the others alone.

    Parameters
    ----------
    run
        As in `planned`.

    Raises
    ------
    UsageError
        Before anything is sent: settings or secrets that a channel needs are lacking, or as in `planned`.
    """
    wanted = _addresses(store, run)
    for name in sorted({address.channel for address in wanted}):
        channel(name).ready(office)
    for address in wanted:
        for _ in range(MOST_AT_ONCE):
            one = _planned(store, office, address, run)
            if one is None:
                break
            outcome = _send(store, office, one)
            yield outcome
            if outcome.state != "sent":
                break


def _send(store: Store, office: Office, one: Planned) -> Outcome:
    number = _draft(store, one) if one.number is None else one.number
    token = uuid.uuid4().hex
    row = None if number is None else _take(store, number, token)
    if row is None:
        return Outcome(one, "left")
    error = _attempt(store, office, row)
    return Outcome(one, _finish(store, office, row.id, token, error), error)


def _draft(store: Store, one: Planned) -> int | None:
    """Write a notice down before it leaves; nothing where another was faster."""
    content = store.blobs.put(canonical(one.notice).encode())
    at = one.address

    def work(change: Change) -> int | None:
        own, recipient = tables.notice, tables.recipient
        removed = sa.select(recipient.c.removed_at).where(recipient.c.id == at.recipient)
        if change.connection.execute(removed).scalar_one() is not None:
            return None
        _, _, last = _history(change.connection, at)
        key = one.notice["key"]
        known = change.connection.execute(sa.select(own).where(own.c.key == key)).first()
        if known is not None and known.state == "withdrawn":
            change.connection.execute(sa.update(own).where(own.c.id == known.id).values(state="drafted"))
            change.touch("notice", known.id)
            return int(known.id)
        if known is not None or last != one.after:
            return None
        return change.insert(
            own,
            operator_id=at.operator,
            run_id=one.notice["run"],
            since_id=one.notice["since_run"],
            runs=canonical(one.runs),
            channel=at.channel,
            address=at.address,
            key=key,
            content=content,
            state="drafted",
            attempts=0,
            drafted_at=one.at,
        )

    return store.write("notice_drafted", work)


def _take(store: Store, number: int, token: str) -> sa.Row[Any] | None:
    """Lease a notice for one attempt and give its row; none where another holds it, or it went out."""

    def work(change: Change) -> sa.Row[Any] | None:
        own = tables.notice
        row = change.connection.execute(sa.select(own).where(own.c.id == number)).one()
        if row.state not in OPEN or (row.state == "sending" and _is_held(row.leased_until, change.at)):
            return None
        leased = {"leased_by": token, "leased_until": change.at + LEASE, "attempts": row.attempts + 1}
        change.connection.execute(sa.update(own).where(own.c.id == number).values(state="sending", **leased))
        change.touch("notice", number)
        return row

    return store.write("notice_sending", work)


def _is_held(until: dt.datetime, now: dt.datetime) -> bool:
    """Whether a lease holds: one much longer than any was made before the clock was set back.

    Not just any longer one: the clocks of two machines differ somewhat.
    """
    return now < until <= now + 2 * LEASE


def _attempt(store: Store, office: Office, row: sa.Row[Any]) -> InBoth | None:
    """Make one attempt; give why it failed."""
    try:
        data = store.blobs.get(row.content)
        notice = orjson.loads(data)
        title = Text(**notice["title"])
        letter = Letter(row.key, notice["operator"]["key"], title, notice["text"], data, row.drafted_at)
        channel(row.channel).send(office, letter, row.address)
    except AuditorError as error:
        return error
    except Exception as error:  # noqa: BLE001 -- one address must not keep the others from being told
        return say("broke off with {error}, a defect of auditor", error=f"{type(error).__name__}: {error}")
    return None


def _finish(store: Store, office: Office, number: int, token: str, error: InBoth | None) -> str:
    """Record what came of an attempt, unless another took the notice over in between."""
    days = office.settings.policy.notification_sla_days

    def work(change: Change) -> str:
        own = tables.notice
        row = change.connection.execute(sa.select(own).where(own.c.id == number)).one()
        if row.leased_by != token:
            return str(row.state)
        done = arrived(change.at, days)
        if error is not None:
            done = {"state": "failed", "error": canonical(in_all(error))}
        change.connection.execute(
            sa.update(own).where(own.c.id == number).values(leased_by=None, leased_until=None, **done)
        )
        change.touch("notice", number)
        return str(done["state"])

    return store.write("notice_sent" if error is None else "notice_failed", work)


def arrived(at: dt.datetime, days: int) -> dict[str, Any]:
    """Give what a notice's row holds once it is known to have gone out."""
    return {"state": "sent", "sent_at": at, "due_on": notice_text.due(day_of(at), days), "error": None}
