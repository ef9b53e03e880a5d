"""Cron text in a time zone: what it names, and what is wrong with it."""

from __future__ import annotations

import datetime as dt
from difflib import get_close_matches
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from auditor.errors import UsageError
from auditor.language import both, say
from auditor.scans.moments import zones

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    """Give cron text with single blanks, if it has five fields and is ever due.

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
    known = zones()
    if name in known:
        return name
    near = get_close_matches(name, sorted(known), 3, 0.5) or ["Asia/Shanghai", "UTC"]
    raise UsageError(
        say("{name!r}: is no time zone; write its IANA name, as {near}", name=name[:LONGEST], near=near)
    )
