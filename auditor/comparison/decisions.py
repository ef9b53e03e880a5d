"""What a person decided on rows of a comparison: a CSV file, kept and used again."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.errors import DeclarationError, Problem
from auditor.language import say
from auditor.problems import quote
from auditor.signed import faults, in_order, read_signed

if TYPE_CHECKING:
    from os import PathLike

DECISIONS = ("MAINTAIN", "CONFIRM_MATCH", "CONFIRM_MISMATCH")
COLUMNS = ("record", "digest_a", "digest_b", "decision", "by", "on")


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
    problems: list[Problem] = []
    found = []
    for number, given in enumerate(read_signed(path, str, COLUMNS), start=2):
        row = {name: _trimmed(cell) for name, cell in given.items()}
        if not row["decision"]:
            continue
        wrong = _problems(path.name, number, row)
        problems += wrong
        if not wrong:
            found.append(_decision(row))
    if problems:
        raise DeclarationError(problems)
    return tuple(one for one in found if one.on <= as_of)


def _trimmed(cell: Any) -> Any:
    """Trim a cell; one that is not there, and those beyond the header, stay as they are."""
    return cell.strip() if isinstance(cell, str) else cell


def _decision(row: dict[str, str]) -> Decision:
    # A ' before a formula's sign is how exports keep a spreadsheet from running it.
    cells = {name: (row.get(name) or "").removeprefix("'") for name in (*COLUMNS, "note")}
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
    found = faults(
        file, number, row, digests=("digest_a", "digest_b"), who=say("say who decided"), blank=True
    )
    if row["decision"].upper() not in DECISIONS:
        what = say("{value} is no decision", value=quote(row["decision"]))
        found.append(Problem(file, where, "decision", what, say("one of {words}", words=DECISIONS)))
    if not row["record"]:
        found.append(Problem(file, where, "record", say("is missing")))
    return in_order(found, COLUMNS)
