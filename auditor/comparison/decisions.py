"""What a person decided on rows of a comparison: a CSV file, kept and used again."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import DeclarationError, Problem
from auditor.files import read_plain, reason_of
from auditor.language import say
from auditor.problems import quote

if TYPE_CHECKING:
    from os import PathLike

DECISIONS = ("MAINTAIN", "CONFIRM_MATCH", "CONFIRM_MISMATCH")
COLUMNS = ("record", "digest_a", "digest_b", "decision", "by", "on")
_DIGEST = re.compile("[0-9a-f]{64}|")


@dataclass(frozen=True)
class Decision:
    """One decision.

    Parameters
    ----------
    record
        Kind and key of the row.
    digest_a, digest_b
        What the two records stated then, as SHA-256; blank for a side that had none.
    decision
        ``MAINTAIN`` (stays as found, and open), ``CONFIRM_MATCH`` or ``CONFIRM_MISMATCH``.
    by, on
        Who decided, and when.
    note
        Why.
    """

    record: str
    digest_a: str
    digest_b: str
    decision: str
    by: str
    on: dt.date
    note: str = ""

    def fits(self, digest_a: str, digest_b: str) -> bool:
        """Tell whether two records state what they stated when it was made, in whatever order."""
        return {(self.digest_a, self.digest_b), (self.digest_b, self.digest_a)} >= {(digest_a, digest_b)}


def read_decisions(path: str | PathLike[str], *, as_of: dt.date) -> tuple[Decision, ...]:
    """Read decisions: the CSV that ``auditor compare --worklist -o csv=…`` writes, with decisions filled in.

    Parameters
    ----------
    path
        CSV with the columns `COLUMNS`, perhaps ``note``; others are passed by. A row without decision is one
        that nobody has decided yet.
    as_of
        Decisions of a later day do not count yet.

    Raises
    ------
    DeclarationError
        All that is wrong with the file.
    """
    path = Path(path)
    try:
        with io.StringIO(read_plain(path).decode("utf-8-sig"), newline="") as file:
            reader = csv.DictReader(file, strict=True)
            header = [(name or "").strip().lower() for name in reader.fieldnames or ()]
            reader.fieldnames = header
            rows = list(reader)
    except OSError as error:
        what = say("cannot be read: {reason}", reason=reason_of(error))
        raise DeclarationError([Problem(path.name or str(path), "", "", what)]) from None
    except (UnicodeDecodeError, csv.Error) as error:
        what = say("is no CSV table: {reason}", reason=str(error))
        raise DeclarationError([Problem(path.name, "", "", what, say("give a CSV file in UTF-8"))]) from None
    lacking = [name for name in COLUMNS if name not in header]
    first = say("row {number}", number=1)
    problems = [Problem(path.name, first, name, say("column is missing")) for name in lacking]
    found = []
    for number, row in enumerate(rows, start=2) if not lacking else ():
        if not (row["decision"] or "").strip():
            continue
        wrong = _problems(path.name, number, row)
        problems += wrong
        if not wrong:
            found.append(_decision(row))
    if problems:
        raise DeclarationError(problems)
    return tuple(one for one in found if one.on <= as_of)


def _decision(row: dict[str, str]) -> Decision:
    cells = {name: (row.get(name) or "").strip() for name in (*COLUMNS, "note")}
    cells = {
        name: text.removeprefix("'") for name, text in cells.items()
    }  # as spreadsheets are kept from running it
    return Decision(
        cells["record"],
        cells["digest_a"].lower(),
        cells["digest_b"].lower(),
        cells["decision"].upper(),
        cells["by"],
        dt.date.fromisoformat(cells["on"]),
        cells["note"],
    )


def _problems(file: str, number: int, row: dict[str, str]) -> list[Problem]:
    where = say("row {number}", number=number)
    found = []
    decision = row["decision"].strip()
    if None in row:
        found.append(Problem(file, where, "", say("has more cells than the header")))
    if decision.upper() not in DECISIONS:
        what = say("{value} is no decision", value=quote(decision))
        found.append(Problem(file, where, "decision", what, say("one of {words}", words=DECISIONS)))
    if not (row["record"] or "").strip():
        found.append(Problem(file, where, "record", say("is missing")))
    for name in ("digest_a", "digest_b"):
        if not _DIGEST.fullmatch((row[name] or "").strip().lower()):
            what = say("{sha256} is no SHA-256", sha256=quote(row[name]))
            found.append(Problem(file, where, name, what, say("64 hex digits")))
    if not (row["by"] or "").strip():
        found.append(Problem(file, where, "by", say("nobody is named"), say("say who decided")))
    try:
        dt.date.fromisoformat((row["on"] or "").strip())
    except ValueError:
        what = say("{on} is no date", on=quote(row["on"]))
        found.append(Problem(file, where, "on", what, say("write it as 2026-11-22")))
    return found
