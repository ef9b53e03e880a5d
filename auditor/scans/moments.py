"""Instants that a person writes: a day or a time, and always where the clock hangs that it is read from."""

from __future__ import annotations

import datetime as dt
import re
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from auditor.errors import UsageError
from auditor.language import say

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})[T ]24:00(?::00)?(.*)")  # the end of a day, as ISO 8601 has it
ONE_DAY = dt.timedelta(days=1)


class Moment(NamedTuple):
    """An instant, and the zone in which it was given: an IANA name, or ``UTC+08:00`` where it had none."""

    at: dt.datetime
    zone: str


def zones() -> set[str]:
    """Give the IANA names of all time zones, without the one that is another on every machine."""
    return available_timezones() - {"localtime"}


def zone_of(name: str) -> ZoneInfo:
    """Find a time zone by its IANA name.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    if name not in zones():
        raise UsageError(say("--zone {zone!r}: no time zone is called so; write Asia/Shanghai", zone=name))
    return ZoneInfo(name)


def read_moment(text: str, zone: str | None, option: str, *, end: bool = False) -> Moment:
    """Read a day (`2027-03-31`), a time with its offset, or a time of day in a zone.

    A day begins with its first instant in the zone. As an `end` it stands for the first instant after it, so
    that the whole day counts; so does ``24:00``. Where clocks are put on at midnight, the day begins when
    they are; where they are put back over it, a day ends at the second midnight.

    Parameters
    ----------
    text
        What was written.
    zone
        IANA name of the time zone; None where none is given.
    option
        Where it was written, for errors.
    end
        Whether a day is meant to its end.

    Raises
    ------
    UsageError
        No such day or time, no zone, a zone of another offset, or a time of day that the clock of that zone
        does not show, or shows twice.

    Examples
    --------
    >>> read_moment("2027-03-31", "Asia/Shanghai", "--until", end=True).at.isoformat()
    '2027-03-31T16:00:00+00:00'
    >>> read_moment("2027-03-31T24:00+08:00", None, "--until")
    Moment(at=datetime.datetime(2027, 3, 31, 16, 0, tzinfo=datetime.timezone.utc), zone='UTC+08:00')
    """
    place = None if zone is None else zone_of(zone)
    text = text.strip()
    try:
        if DAY.fullmatch(text):
            day = dt.date.fromisoformat(text) + (ONE_DAY if end else dt.timedelta(0))
            return _day(text, day, place, option, end=end)
        return _time(text, place, option)
    except (ValueError, OverflowError):
        raise UsageError(
            say(
                "{option} {text!r}: is no date and no time; write 2027-03-31 or 2027-03-31T18:00+08:00",
                option=option,
                text=text,
            )
        ) from None


def _day(text: str, day: dt.date, place: ZoneInfo | None, option: str, *, end: bool) -> Moment:
    """Give the instant at which a day begins."""
    if place is None:
        raise UsageError(
            say(
                "{option} {text}: a day is another time elsewhere; say where, as in --zone Asia/Shanghai",
                option=option,
                text=text,
            )
        )
    both = _readings(dt.datetime(day.year, day.month, day.day), place)  # noqa: DTZ001 -- read in `place`
    shown = both[0].astimezone(place).replace(tzinfo=None)
    skipped = (shown.hour, shown.minute) != (0, 0)
    return Moment(max(both) if end or skipped else min(both), place.key)


def _time(text: str, place: ZoneInfo | None, option: str) -> Moment:
    """Give the instant of a time of day."""
    late = MIDNIGHT.fullmatch(text)
    local = dt.datetime.fromisoformat(f"{late[1]}T00:00{late[2]}" if late else text)
    if late:
        local += ONE_DAY
    if local.tzinfo is not None:
        at = local.astimezone(dt.UTC)
        if place is not None and at.astimezone(place).utcoffset() != local.utcoffset():
            raise UsageError(
                say(
                    "{option} {text}: {zone} has another offset then",
                    option=option,
                    text=text,
                    zone=place.key,
                )
            )
        return Moment(at, place.key if place is not None else str(dt.timezone(_offset(local))))
    if place is None:
        raise UsageError(
            say(
                "{option} {text}: has no time zone; write 2027-03-31T18:00+08:00, or give --zone "
                "Asia/Shanghai",
                option=option,
                text=text,
            )
        )
    first, second = _readings(local, place)
    if first.astimezone(place).replace(tzinfo=None) != local:
        raise UsageError(
            say(
                "{option} {text}: no clock in {zone} shows this time, they are put on over it",
                option=option,
                text=text,
                zone=place.key,
            )
        )
    if first != second:
        raise UsageError(
            say(
                "{option} {text}: clocks in {zone} show this time twice; write which one, with its offset",
                option=option,
                text=text,
                zone=place.key,
            )
        )
    return Moment(first, place.key)


def _offset(local: dt.datetime) -> dt.timedelta:
    return local.utcoffset() or dt.timedelta(0)


def _readings(local: dt.datetime, place: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
    """Read a time of day by the offset before and by that after a change of clocks; mostly they are one."""
    first, second = (local.replace(tzinfo=place, fold=fold).astimezone(dt.UTC) for fold in (0, 1))
    return first, second


def shown(at: dt.datetime, zone: str) -> str:
    """Write an instant by the clock of the zone in which it was given.

    Examples
    --------
    >>> shown(dt.datetime(2027, 3, 31, 16, tzinfo=dt.UTC), "Asia/Shanghai")
    '2027-04-01 00:00 Asia/Shanghai'
    """
    found = re.fullmatch(r"UTC(?:([+-])(\d\d):(\d\d).*)?", zone)
    if found is None:
        local = at.astimezone(ZoneInfo(zone))
    else:
        size = dt.timedelta(hours=int(found[2] or 0), minutes=int(found[3] or 0))
        local = at.astimezone(dt.timezone(-size if found[1] == "-" else size))
    seconds = "%H:%M" if not (local.second or local.microsecond) else "%H:%M:%S"
    return f"{local.strftime(f'%Y-%m-%d {seconds}')} {zone}"
