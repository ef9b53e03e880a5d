"""Schedules: when scans are due, which were missed, and that each is run once.

A schedule is cron text in a time zone that is kept with it. `run_due` is what cron or a systemd timer calls:
of the times that passed since the last one recorded, all but the last are recorded as missed, and the last is
run, late or not. A slot is recorded in the transaction that begins its run: two callers at once run it once.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import islice, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import orjson
import sqlalchemy as sa

from auditor.errors import AuditorError, UsageError
from auditor.files import reason_of
from auditor.language import Said, say
from auditor.scans import intake, items, runs, tables
from auditor.scans.canonical import canonical
from auditor.scans.cron import checked_cron, checked_zone, times

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from auditor.scans.store import Change, Store

LISTED = 1_000  # missed slots of one absence that get a row
COUNTED = 100_000  # and those that are counted
MISSED = "slots_missed"  # how the log calls it


@dataclass(frozen=True)
class Schedule:
    """When a scan is due, and of what.

    Parameters
    ----------
    id
        Its number in the store.
    cron, zone
        Five fields of cron text, and the IANA name of the time zone in which they are read.
    paths
        Declarations, or folders of them, absolute; none for all operators that the store holds at the time.
    options
        Options of `scan start`.
    added_at
        Since when it counts.
    """

    id: int
    cron: str
    zone: str
    paths: tuple[str, ...]
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


@dataclass(frozen=True)
class Busy:
    """A run that a scanner works on, and the schedule that it is of; None for one that a person began."""

    run: int
    schedule: int | None


@dataclass
class Handled:
    """What became of a schedule when it was looked at.

    Parameters
    ----------
    schedule
        Which.
    run
        Its run, if it was due.
    told
        What a person should hear.
    error
        Why its run could not be begun; the slot stays due.
    """

    schedule: Schedule
    run: int | None = None
    told: list[Said] = field(default_factory=list)
    error: AuditorError | None = None


# --- schedules of a store ---------------------------------------------------------------------------------


def add(store: Store, cron: str, zone: str, paths: Sequence[str | Path] = (), **options: Any) -> Schedule:
    """Add a schedule, and register what its paths hold.

    Parameters
    ----------
    cron, zone, paths
        As in `Schedule`; paths may be relative to where we are.
    options
        Options of `scan start`, in plain values.

    Raises
    ------
    UsageError
        Cron text or a zone that is none; a path that holds no declaration.
    """
    cron, zone = _checked(cron, zone)
    if paths:
        intake.register(store, paths)
    given = tuple(str(Path(path).absolute()) for path in paths)
    kept = canonical({"paths": given, "options": options})

    def work(change: Change) -> Schedule:
        own = {"cron": cron, "zone": zone, "options": kept, "added_at": change.at}
        number = change.insert(tables.schedule, **own)
        return Schedule(number, cron, zone, given, options, change.at)

    return store.write("schedule_added", work)


def _checked(cron: str, zone: str) -> list[str]:
    """Give cron text and zone as they are kept; or say all that is wrong with both."""
    kept: list[str] = []
    faults: list[object] = []
    for check, text in ((checked_cron, cron), (checked_zone, zone)):
        try:
            kept.append(check(text))
        except UsageError as error:
            faults += error.args
    if faults:
        raise UsageError(*faults)
    return kept


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
    return Schedule(row.id, row.cron, row.zone, tuple(kept["paths"]), kept["options"], row.added_at)


def last_slot(connection: sa.Connection, number: int) -> sa.Row[Any] | None:
    """Give the last slot of a schedule that is recorded."""
    slot = tables.slot
    wanted = sa.select(slot).where(slot.c.schedule_id == number).order_by(slot.c.due_at.desc()).limit(1)
    return connection.execute(wanted).first()


def counted(connection: sa.Connection) -> Mapping[int, dict[str, int]]:
    """Count the times of every schedule by state: ``run`` and ``missed``.

    Of a long absence not all that were missed have a row: the log tells how many there were.
    """
    slot, log = tables.slot.c, tables.log.c
    found: dict[int, dict[str, int]] = defaultdict(lambda: {"run": 0, "missed": 0})
    run = sa.select(slot.schedule_id, sa.func.count()).where(slot.state == "run").group_by(slot.schedule_id)
    for number, count in connection.execute(run):
        found[number]["run"] = count
    for facts in connection.execute(sa.select(log.facts).where(log.kind == MISSED)).scalars():
        told = orjson.loads(facts)["told"]
        found[told["schedule"]]["missed"] += told.get("missed", 0) + ("during_run" in told)
    return found


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


def since(schedule: Schedule, last: sa.Row[Any] | None) -> dt.datetime:
    """Give the time after which slots are not recorded yet, by the last one that is (`last_slot`)."""
    return schedule.added_at if last is None else last.due_at


def record_missed(
    store: Store, schedule: Schedule, busy: Busy | None = None
) -> tuple[Due | None, list[Said]]:
    """Record which slots of a schedule were missed, and give what is to be run, if anything is.

    Parameters
    ----------
    store, schedule
        Which.
    busy
        Run that another scanner works on. If it is one of the same schedule, the last slot is missed, too; if
        not, all that is due waits for its end.

    Returns
    -------
    tuple
        What is due, and what a person should hear of it.
    """

    def work(change: Change) -> tuple[Due | None, list[Said]]:
        after = since(schedule, last_slot(change.connection, schedule.id))
        if after > change.at:
            return None, [_set_back(schedule, after, change.at)]
        found = due(schedule, after, change.at)
        if found is None:
            return None, []
        if busy and busy.schedule != schedule.id:
            return None, [_waits(schedule, found, busy)]
        _record(change, schedule.id, [*found.missed, *([found.last] if busy else [])])
        count = len(found.missed) + found.unlisted
        if count:
            change.facts |= {"schedule": schedule.id, "missed": count}
        if busy:
            change.facts |= {"schedule": schedule.id, "during_run": busy.run}
        told = [_told_missed(schedule, found, count)] if count else []
        return (None, [*told, _told_busy(schedule, found, busy)]) if busy else (found, told)

    return store.write(MISSED, work)


def _record(change: Change, number: int, missed: Sequence[dt.datetime]) -> None:
    if not missed:
        return
    own = {"schedule_id": number, "state": "missed", "run_id": None, "recorded_at": change.at}
    change.connection.execute(sa.insert(tables.slot), [{**own, "due_at": due_at} for due_at in missed])
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


def _told_busy(schedule: Schedule, found: Due, busy: Busy) -> Said:
    return say(
        "schedule {number}: due at {due}, but its run {run} is still going on: recorded as missed",
        number=schedule.id,
        due=schedule.told(found.last),
        run=busy.run,
    )


def _waits(schedule: Schedule, found: Due, busy: Busy) -> Said:
    return say(
        "schedule {number}: due at {due}; waits until run {run} has ended, which another scanner works on",
        number=schedule.id,
        due=schedule.told(found.last),
        run=busy.run,
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


def busy_with(store: Store) -> Busy | None:
    """Give the run that another scanner works on at this moment, if there is one."""
    with store.read() as connection:
        for run in runs.under_way(connection):
            if items.is_held(connection, run, store.clock()):
                own = sa.select(tables.run.c.schedule_id).where(tables.run.c.id == run)
                return Busy(run, connection.execute(own).scalar())
    return None


def begin(store: Store, schedule: Schedule, due_at: dt.datetime) -> int:
    """Begin the run of a slot, as `scan start` would.

    Raises
    ------
    AuditorError
        What it needs cannot be read; the slot stays due.
    """
    options = runs.Options(**{**schedule.options, "zones": tuple(schedule.options.get("zones", ()))})
    try:
        return runs.begin(store, schedule.paths, options, slot=(schedule.id, due_at))
    except OSError as error:
        path, reason = str(error.filename), reason_of(error)
        raise AuditorError(say("{path}: cannot be read: {reason}", path=path, reason=reason)) from None


def run_due(
    store: Store,
    work: Callable[[int], object],
    begin: Callable[[Store, Schedule, dt.datetime], int] = begin,
) -> Iterator[Handled]:
    """Run what is due: of each schedule the last slot that was not run yet, once.

    Parameters
    ----------
    store
        With the schedules; its clock says what is due.
    work
        Works off a run that was begun.
    begin
        Begins the run of a slot, and records the slot with it.

    Yields
    ------
    Handled
        What became of each schedule, those of which nothing is due included.
    """
    with store.read() as connection:
        schedules = listed(connection)
    for schedule in schedules:
        found, told = record_missed(store, schedule, busy_with(store))
        handled = Handled(schedule, told=told)
        if found is not None:
            try:
                handled.run = begin(store, schedule, found.last)
            except AuditorError as error:
                if not _is_recorded(store, schedule, found.last):
                    handled.error = error
            else:
                work(handled.run)
        yield handled


def _is_recorded(store: Store, schedule: Schedule, due_at: dt.datetime) -> bool:
    """Whether another scanner began a slot in the meantime."""
    slot = tables.slot.c
    wanted = sa.select(slot.due_at).where(slot.schedule_id == schedule.id, slot.due_at == due_at)
    with store.read() as connection:
        return connection.execute(wanted).first() is not None
