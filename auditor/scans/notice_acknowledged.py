"""Notices that were sent: who acknowledged them and when, and which are overdue."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from auditor.errors import DeclarationError, Problem, UsageError
from auditor.language import Text, say
from auditor.problems import quote
from auditor.scans import tables
from auditor.scans.notice_content import day_of
from auditor.scans.notices import REFERENCE, arrived
from auditor.signed import faults, in_order, read_signed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from auditor.scans.store import Change, Store

COLUMNS = ("notice", "by", "on")
LEAST = 6  # figures by which a notice is named
LONGEST = 200  # characters of a name


@dataclass(frozen=True)
class Acknowledgement:
    """Who acknowledged a notice, and when; `where` it says so, for messages."""

    notice: str
    by: str
    on: dt.date
    file: str = ""
    where: str = ""


@dataclass(frozen=True)
class Listed:
    """A notice as it stands.

    Parameters
    ----------
    values
        Its row, the operator by its key, and its reference.
    overdue
        Whether it was to be acknowledged before today and was not.
    error
        Why the last attempt failed.
    """

    values: dict[str, Any]
    overdue: bool
    error: Text | None


def listed(store: Store) -> list[Listed]:
    """Give all notices, in the order in which they were drafted."""
    today = day_of(store.clock())
    own, operator = tables.notice, tables.operator.c
    wanted = sa.select(own, operator.key.label("operator")).join_from(own, tables.operator).order_by(own.c.id)
    with store.read() as connection:
        rows = [dict(row) for row in connection.execute(wanted).mappings()]
    return [
        Listed(
            {**row, "reference": row["key"][:REFERENCE]},
            row["state"] == "sent" and row["acknowledged_on"] is None and row["due_on"] < today,
            Text(**orjson.loads(row["error"])) if row["error"] else None,
        )
        for row in rows
    ]


def acknowledge(store: Store, given: Sequence[Acknowledgement], *, days: int) -> int:
    """Record acknowledgements, all or none; the same one twice is no fault.

    Parameters
    ----------
    days
        Within which a notice is acknowledged: of one that was not known to have arrived.

    Returns
    -------
    int
        How many are new.

    Raises
    ------
    DeclarationError
        All that is wrong with them.
    """

    def work(change: Change) -> int:
        wrong: list[Problem] = []
        fresh = 0
        for one in given:
            row = _found(change, one, wrong)
            if row is not None:
                fresh += _record(change, row, one, days)
        if wrong:
            raise DeclarationError(wrong)
        return fresh

    return store.write("notices_acknowledged", work)


def _found(change: Change, one: Acknowledgement, wrong: list[Problem]) -> sa.Row[Any] | None:
    """Find the notice that is meant, or say what is wrong."""
    own = tables.notice
    name = one.notice.strip().lower()
    rows: Sequence[sa.Row[Any]] = ()
    if re.fullmatch(rf"[0-9a-f]{{{LEAST},64}}", name):
        wanted = sa.select(own).where(own.c.key.startswith(name))
        rows = change.connection.execute(wanted).all()
    row = rows[0] if len(rows) == 1 else None
    found = list(_faults(one, row, len(rows), change.at))
    wrong += [Problem(one.file or quote(one.notice), one.where, name, what) for name, what in found]
    return None if found else row


def _faults(
    one: Acknowledgement, row: sa.Row[Any] | None, count: int, now: dt.datetime
) -> Iterator[tuple[str, str]]:
    """Say what is wrong with an acknowledgement: column and fault."""
    if row is None:
        many = say("{count} notices are called so; write more of the number", count=count)
        yield "notice", many if count else say("no notice is called so; see `auditor scan notify --list`")
    elif not row.attempts:
        yield "notice", say("the notice was not sent yet")
    if not one.by.strip() or len(one.by) > LONGEST or not one.by.isprintable():
        yield "by", say("write who acknowledges it, in at most {most} characters", most=LONGEST)
    if one.on > day_of(now):
        yield "on", say("{day} is in the future", day=one.on)
    if row is None:
        return
    if one.on < day_of(row.drafted_at):
        yield "on", say("{day} is before the notice was drafted", day=one.on)
    known = (row.acknowledged_by, row.acknowledged_on)
    if row.acknowledged_on is not None and known != (one.by.strip(), one.on):
        told = say(
            "it is acknowledged already, by {who} on {day}", who=quote(row.acknowledged_by), day=known[1]
        )
        yield "notice", told


def _record(change: Change, row: sa.Row[Any], one: Acknowledgement, days: int) -> int:
    """Write it down; what is acknowledged has arrived, whatever was known of it."""
    if row.acknowledged_on is not None:
        return 0
    values: dict[str, Any] = {"acknowledged_on": one.on, "acknowledged_by": one.by.strip()}
    if row.state != "sent":
        values |= {**arrived(change.at, days), "leased_by": None, "leased_until": None}
    own = tables.notice
    change.connection.execute(sa.update(own).where(own.c.id == row.id).values(**values))
    change.touch("notice", row.id)
    return 1


def read_acknowledgements(path: Path) -> list[Acknowledgement]:
    """Read a CSV with the columns ``notice``, ``by``, ``on``.

    Raises
    ------
    DeclarationError
        All that is wrong with the file.
    UsageError
        It holds no row.
    """
    rows = read_signed(path, lambda name: name, COLUMNS)
    if not rows:
        raise UsageError(say("{path}: holds no acknowledgement", path=str(path)))
    wrong = [
        problem
        for number, row in enumerate(rows, start=2)
        for problem in in_order(
            faults(path.name, number, row, digests=(), who=say("say who acknowledged it")), COLUMNS
        )
    ]
    if wrong:
        raise DeclarationError(wrong)
    return [
        Acknowledgement(
            row["notice"] or "",
            row["by"],
            dt.date.fromisoformat(row["on"]),
            path.name,
            say("row {number}", number=number),
        )
        for number, row in enumerate(rows, start=2)
    ]
