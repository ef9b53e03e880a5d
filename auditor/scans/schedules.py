"""Schedules: when scans are due, which were missed, and that each is run once.

A schedule is cron text in a time zone that is kept with it. `run_due` is what cron or a systemd timer calls:
of the times that passed since the last one recorded, all but the last are recorded as missed, and the last is
run, late or not. A slot is recorded in the transaction that begins its run: two callers at once run it once.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

import orjson
import sqlalchemy as sa
from cronsim import CronSim, CronSimError

from auditor.errors import UsageError
from auditor.language import Said, both, say
from auditor.scans import tables
from auditor.scans.canonical import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from auditor.scans.store import Change, Store

LISTED = 1_000  # missed slots of one absence that get a row
COUNTED = 100_000  # and those that are counted
LONGEST = 200  # characters of cron text
FIELDS = (
    both("minute: 0-59"),
    both("hour: 0-23"),
    both("day of the month: 1-31, L (the last), LW (the last from Monday to Friday)"),
    both("month: 1-12 or JAN-DEC"),
    both(
        "day of the week: 0-7 or SUN-SAT (0 and 7 are Sunday), 5L (the last Friday), 1#2 (the second Monday)"
    ),
)
EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Schedule:
    """When a scan is due, and of what.

    Parameters
    ----------
    id
        Its number in the store.
    cron, zone
        Five fields of cron text, and the IANA name of the time zone in which they are read.
    operators
        How the operators are called; none for all that the store holds at the time.
    options
        Options of `scan start`.
    added_at
        Since when it counts.
    """

    id: int
    cron: str
    zone: str
    operators: tuple[str, ...]
    options: Mapping[str, Any]
    added_at: dt.datetime

    def slots(self, after: dt.datetime) -> Iterator[dt.datetime]:
        """Give the times after one at which it is due, in UTC; none where it is never due again."""
        return times(self.cron, self.zone, after)

    def told(self, moment: dt.datetime) -> str:
        """Write an instant as its clocks show it."""
        return f"{moment.astimezone(ZoneInfo(self.zone)):%Y-%m-%d %H:%M} {self.zone}"


@dataclass(frozen=True)
class Due:
    """What of a schedule is due.

    Parameters
    ----------
    last
        Slot to be run.
    missed
        Slots before it that were never run, oldest first; of very many the last ones.
    unlisted
        How many more of them there were, at least.
    """

    last: dt.datetime
    missed: tuple[dt.datetime, ...]
    unlisted: int


# --- cron text --------------------------------------------------------------------------------------------


def times(cron: str, zone: str, after: dt.datetime) -> Iterator[dt.datetime]:
    """Give the times after one that cron text names, in UTC.

    What falls into an hour that clocks skip is due when they have skipped it; what falls into one that they
    show twice, the first time.

    Examples
    --------
    >>> after = dt.datetime(2026, 11, 27, 8, tzinfo=dt.UTC)
    >>> next(times("0 3 * * 1", "Asia/Shanghai", after)).isoformat()
    '2026-11-29T19:00:00+00:00'
    """
    for moment in CronSim(cron, after.astimezone(ZoneInfo(zone))):
        at = moment.astimezone(dt.UTC)
        if at > after:  # not so where clocks show an hour twice, and `after` is in its second turn
            yield at


def checked_cron(cron: str) -> str:
    """Give cron text with single blanks, if it has five fields that are ever due.

    Raises
    ------
    UsageError
        With every field that is wrong and what is allowed in it.
    """
    fields = cron.split()
    if len(fields) != len(FIELDS) or len(cron) > LONGEST:
        raise UsageError(
            say(
                '{cron!r}: write five fields, as in "0 3 * * 1": minute, hour, day of the month, month, day '
                "of the week",
                cron=cron[:LONGEST],
            )
        )
    wrong = [
        say(
            "{cron!r}: field {number}, {field!r}: {allowed}",
            cron=cron,
            number=n + 1,
            field=field,
            allowed=allowed,
        )
        for n, (field, allowed) in enumerate(zip(fields, FIELDS, strict=True))
        if not _ever_due(_alone(n, field))
    ]
    if wrong:
        raise UsageError(*wrong)
    text = " ".join(fields)
    if not _ever_due(text):
        raise UsageError(say("{cron!r}: is never due: no such month has such a day", cron=cron))
    return text


def _alone(place: int, field: str) -> str:
    """Put one field among fields that allow everything."""
    return " ".join(field if n == place else "*" for n in range(len(FIELDS)))


def _ever_due(cron: str) -> bool:
    try:
        return next(CronSim(cron, EPOCH), None) is not None
    except (CronSimError, ValueError, AssertionError):  # the last two: what it takes for a number and is none
        return False


def checked_zone(name: str) -> str:
    """Give the IANA name of a time zone, if it is one.

    Raises
    ------
    UsageError
        With names that are alike.
    """
    known = available_timezones() - {"localtime"}  # which is another on every machine
    if name in known:
        return name
    near = get_close_matches(name, sorted(known), 3, 0.5) or ["Asia/Shanghai", "UTC"]
    raise UsageError(
        say("{name!r}: is no time zone; write its IANA name, as {near}", name=name[:LONGEST], near=near)
    )


# --- schedules of a store ---------------------------------------------------------------------------------


def add(store: Store, cron: str, zone: str, operators: Sequence[str] = (), **options: Any) -> Schedule:
    """Add a schedule.

    Parameters
    ----------
    cron, zone
        As in `Schedule`.
    operators
        Keys of operators of the store; none for all.
    options
        Options of `scan start`, in plain values.

    Raises
    ------
    UsageError
        Cron text or a zone that is none.
    """
    cron, zone = checked_cron(cron), checked_zone(zone)
    kept = canonical({"operators": sorted(operators), "options": options})

    def work(change: Change) -> Schedule:
        own = {"cron": cron, "zone": zone, "options": kept, "added_at": change.at}
        number = change.insert(tables.schedule, **own)
        return Schedule(number, cron, zone, tuple(sorted(operators)), options, change.at)

    return store.write("schedule_added", work)


def remove(store: Store, numbers: Sequence[int]) -> None:
    """Let schedules be due no more; what they ran stays.

    Raises
    ------
    UsageError
        With the numbers that no schedule bears.
    """

    def work(change: Change) -> None:
        known = {schedule.id for schedule in listed(change.connection)}
        lost = sorted(set(numbers) - known)
        if lost:
            raise UsageError(
                say(
                    "no schedule has the number {lost}; there are {known}",
                    lost=lost,
                    known=sorted(known) or "–",
                )
            )
        own = tables.schedule
        for number in sorted(set(numbers)):
            gone = sa.update(own).where(own.c.id == number).values(removed_at=change.at)
            change.connection.execute(gone)
            change.touch("schedule", number)

    store.write("schedules_removed", work)


def listed(connection: sa.Connection) -> list[Schedule]:
    """Give the schedules that were not removed."""
    own = tables.schedule
    rows = connection.execute(sa.select(own).where(own.c.removed_at.is_(None)).order_by(own.c.id))
    return [_schedule(row) for row in rows]


def _schedule(row: sa.Row[Any]) -> Schedule:
    kept = orjson.loads(row.options)
    return Schedule(row.id, row.cron, row.zone, tuple(kept["operators"]), kept["options"], row.added_at)


def last_slot(connection: sa.Connection, number: int) -> sa.Row[Any] | None:
    """Give the last slot of a schedule that is recorded."""
    slot = tables.slot
    wanted = sa.select(slot).where(slot.c.schedule_id == number).order_by(slot.c.due_at.desc()).limit(1)
    return connection.execute(wanted).first()


# --- what is due ------------------------------------------------------------------------------------------


def due(schedule: Schedule, after: dt.datetime, until: dt.datetime) -> Due | None:
    """Say what of a schedule is due after one time and up to another; nothing where nothing is.

    Of an absence of years with a slot every minute, the last slots are listed and the others counted up to a
    limit.
    """
    found = list(islice(_between(schedule, after, until), COUNTED + 1))
    if not found:
        return None
    number = len(found)
    if number > COUNTED:
        reach = (found[-1] - found[0]) * LISTED / COUNTED
        found = []
        while len(found) <= LISTED:
            found = list(_between(schedule, max(after, until - reach), until))
            reach *= 2
    *missed, last = found[-LISTED - 1 :]
    return Due(last, tuple(missed), number - len(missed) - 1)


def _between(schedule: Schedule, after: dt.datetime, until: dt.datetime) -> Iterator[dt.datetime]:
    return takewhile(lambda moment: moment <= until, schedule.slots(after))


def since(connection: sa.Connection, schedule: Schedule) -> dt.datetime:
    """Give the time after which a schedule's slots are not recorded yet."""
    last = last_slot(connection, schedule.id)
    return schedule.added_at if last is None else last.due_at


def record_missed(
    store: Store, schedule: Schedule, *, busy: int | None = None
) -> tuple[Due | None, list[Said]]:
    """Record which slots of a schedule were missed, and give the one that is to be run, if there is one.

    Parameters
    ----------
    store, schedule
        Which.
    busy
        Run of the same schedule that another scanner works on still: then the last slot is missed, too.

    Returns
    -------
    tuple
        What is due, and what a person should hear of it.
    """

    def work(change: Change) -> tuple[Due | None, list[Said]]:
        lock(change.connection, schedule.id)
        after = since(change.connection, schedule)
        if after > change.at:
            return None, [_set_back(schedule, after, change.at)]
        found = due(schedule, after, change.at)
        if found is None:
            return None, []
        missed = [*found.missed, *([found.last] if busy else [])]
        _record(change, schedule.id, missed)
        told = []
        if busy:
            change.facts |= {"schedule": schedule.id, "during_run": busy}
            told.append(
                say(
                    "schedule {number}: due at {due}, but run {run} is still going on: recorded as missed",
                    number=schedule.id,
                    due=schedule.told(found.last),
                    run=busy,
                )
            )
        if found.missed:
            count = len(found.missed) + found.unlisted
            change.facts |= {"schedule": schedule.id, "missed": count}
            told.append(_told_missed(schedule, found, count))
        return (None if busy else found), told

    return store.write("slots_missed", work)


def lock(connection: sa.Connection, number: int) -> None:
    """Let two callers look at a schedule one after the other; SQLite has one writer anyway."""
    own = tables.schedule.c
    connection.execute(sa.select(own.id).where(own.id == number).with_for_update())


def claim(change: Change, number: int, due_at: dt.datetime, begin: Callable[[], int]) -> int | None:
    """Record the slot of a run in the transaction that begins it.

    Parameters
    ----------
    change, number, due_at
        The transaction, the schedule and its slot.
    begin
        Inserts the run, and gives its number; called only if the slot is free.

    Returns
    -------
    int or None
        The run; None where another took the slot.
    """
    lock(change.connection, number)
    slot = tables.slot
    mine = (slot.c.schedule_id == number) & (slot.c.due_at == due_at)
    if change.connection.execute(sa.select(slot.c.due_at).where(mine)).first() is not None:
        return None
    run = begin()
    _record(change, number, [due_at], state="run", run_id=run)
    return run


def _record(change: Change, number: int, slots: Sequence[dt.datetime], **values: Any) -> None:
    if not slots:
        return
    own = {"schedule_id": number, "state": "missed", "run_id": None, "recorded_at": change.at, **values}
    change.connection.execute(sa.insert(tables.slot), [{**own, "due_at": due_at} for due_at in slots])
    change.touch("slot", number)


def _told_missed(schedule: Schedule, found: Due, count: int) -> Said:
    if found.unlisted and count >= COUNTED:
        return say(
            "schedule {number}: at least {count:,} times missed, of which the last {listed:,} are listed",
            number=schedule.id,
            count=COUNTED,
            listed=len(found.missed),
        )
    return say(
        "schedule {number}: {count:,} times missed, the last at {last}",
        number=schedule.id,
        count=count,
        last=schedule.told(found.missed[-1]),
    )


def _set_back(schedule: Schedule, after: dt.datetime, now: dt.datetime) -> Said:
    return say(
        "schedule {number}: the clock shows {now}, but {last} is recorded already: nothing is due before "
        "then; if the clock is right now, remove the schedule and add it again",
        number=schedule.id,
        now=schedule.told(now),
        last=schedule.told(after),
    )


# --- running ----------------------------------------------------------------------------------------------


def working_on(connection: sa.Connection, number: int, now: dt.datetime) -> int | None:
    """Give a run of a schedule that a scanner works on at this moment: one of its items is leased."""
    run, item = tables.run.c, tables.item.c
    wanted = (
        sa.select(run.id)
        .join_from(tables.run, tables.item, item.run_id == run.id)
        .where(run.schedule_id == number, run.state == "running", item.state == "pending")
        .where(item.leased_until > now)
        .order_by(run.id)
        .limit(1)
    )
    found: int | None = connection.execute(wanted).scalar()
    return found


def run_due(
    store: Store, start: Callable[[Schedule, dt.datetime], int | None]
) -> Iterator[tuple[Schedule, int | None, list[Said]]]:
    """Run what is due: of each schedule the last slot that was not run yet, once.

    Parameters
    ----------
    store
        With the schedules; its clock says what is due.
    start
        Begins the run of a slot and works it off; gives its number, or None where another took the slot.

    Yields
    ------
    tuple
        Schedule, run of it (None where nothing was to be run), and what a person should hear.
    """
    with store.read() as connection:
        schedules = listed(connection)
    for schedule in schedules:
        with store.read() as connection:
            busy = working_on(connection, schedule.id, store.clock())
        found, told = record_missed(store, schedule, busy=busy)
        yield schedule, None if found is None else start(schedule, found.last), told
