"""Tables that a person fills in and signs: reviews.csv, decisions.csv."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from typing import TYPE_CHECKING

from auditor.errors import DeclarationError, Problem
from auditor.files import read_plain, reason_of
from auditor.language import say
from auditor.problems import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

DIGEST = re.compile(r"[0-9a-f]{64}")


def read_signed(path: Path, named: Callable[[str], str], columns: Iterable[str]) -> list[dict[str, str]]:
    """Read the rows of a signed table; the first of them is row 2 of the file.

    Parameters
    ----------
    path
        The CSV file.
    named
        Gives the name of a column, trimmed and in lower case, as it is called here.
    columns
        Names that it needs.

    Raises
    ------
    DeclarationError
        If it cannot be read, is no CSV, or lacks columns.
    """
    try:
        with io.StringIO(read_plain(path).decode("utf-8-sig"), newline="") as file:
            reader = csv.DictReader(file, strict=True)
            header = [named((name or "").strip().lower()) for name in reader.fieldnames or ()]
            reader.fieldnames = header
            rows = list(reader)
    except OSError as error:
        what = say("cannot be read: {reason}", reason=reason_of(error))
        raise DeclarationError([Problem(path.name or str(path), "", "", what)]) from None
    except (UnicodeDecodeError, csv.Error) as error:
        what = say("is no CSV table: {reason}", reason=str(error))
        raise DeclarationError([Problem(path.name, "", "", what, say("give a CSV file in UTF-8"))]) from None
    first = say("row {number}", number=1)
    lacking = [name for name in columns if name not in header]
    if lacking:
        raise DeclarationError([Problem(path.name, first, n, say("column is missing")) for n in lacking])
    return rows


def faults(
    file: str, number: int, row: dict[str, str], *, digests: Iterable[str], who: str, blank: bool = False
) -> list[Problem]:
    """Say what is wrong with a row: too many cells, no digest, nobody who signed, no date.

    Parameters
    ----------
    digests
        Columns that hold a SHA-256.
    who
        What to do where nobody signed.
    blank
        Whether a digest may be blank.
    """
    where = say("row {number}", number=number)
    found = []
    if None in row:
        found.append(Problem(file, where, "", say("has more cells than the header")))
    for name in digests:
        digest = (row[name] or "").lower()
        if not DIGEST.fullmatch(digest) and not (blank and not digest):
            what = say("{sha256} is no SHA-256", sha256=quote(row[name]))
            found.append(Problem(file, where, name, what, say("64 hex digits")))
    if not (row["by"] or "").strip():
        found.append(Problem(file, where, "by", say("nobody is named"), who))
    try:
        dt.date.fromisoformat(row["on"] or "")
    except ValueError:
        what = say("{on} is no date", on=quote(row["on"]))
        found.append(Problem(file, where, "on", what, say("write it as 2026-11-22")))
    return found


def in_order(found: list[Problem], columns: Sequence[str]) -> list[Problem]:
    """Put the problems of a row in the order of its columns, those of the row as a whole first."""
    return sorted(found, key=lambda problem: columns.index(problem.field) if problem.field else -1)
