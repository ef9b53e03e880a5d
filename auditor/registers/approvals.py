"""Pilot approvals that became public. The list is partial: not to stand on it proves nothing (NEG-08)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from auditor.registers._files import day, read_rows

if TYPE_CHECKING:
    import datetime as dt


@dataclass(frozen=True, slots=True)
class PublicApproval:
    """One line of the public reports on pilot approvals.

    Parameters
    ----------
    name_zh, name_en
        Enterprise as reported; the Chinese name is blank or short where the full one was not found.
    full_name
        Whether `name_zh` is the registered name.
    count
        Enterprises that the line stands for.
    area
        Id of the pilot area; blank where not stated.
    field
        Services or trade as reported.
    granted_on, announced_on
        Days, where known.
    batch
        ``first batch``, or what the figure adds up.
    source
        Whence.
    """

    name_zh: str
    name_en: str
    full_name: bool
    count: int
    area: str
    field: str
    granted_on: dt.date | None
    announced_on: dt.date | None
    batch: str
    source: str


@cache
def read_approvals_public() -> tuple[PublicApproval, ...]:
    """Read the public list of approvals; absence from it proves nothing.

    Examples
    --------
    >>> sum(line.count for line in read_approvals_public() if line.batch == "first batch")
    13
    """
    return tuple(
        PublicApproval(
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            full_name=row["full_name"] == "yes",
            count=int(row["count"]),
            area=row["area"],
            field=row["field"],
            granted_on=day(row["granted_on"]),
            announced_on=day(row["announced_on"]),
            batch=row["batch"],
            source=row["source"],
        )
        for row in read_rows("approvals.csv")
    )
