"""Read the data files that ship with the package."""

from __future__ import annotations

import csv
import datetime as dt
import tomllib
import unicodedata
from pathlib import Path
from typing import Any

from auditor.errors import DataError
from auditor.language import say

FOLDER = Path(__file__).parent.parent / "data"


def read_toml(name: str) -> dict[str, Any]:
    """Read a TOML file of the data folder.

    Raises
    ------
    DataError
        No such file, or no TOML: the installation is broken.
    """
    try:
        return tomllib.loads((FOLDER / name).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(say("{file}: {what}", file=name, what=str(error))) from None


def read_rows(name: str) -> list[dict[str, str]]:
    """Read a CSV file of the data folder, one mapping a row.

    Raises
    ------
    DataError
        No such file, or no UTF-8: the installation is broken.
    """
    try:
        with (FOLDER / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(say("{file}: {what}", file=name, what=str(error))) from None


def day(text: str) -> dt.date | None:
    """Read an ISO date; blank is none."""
    return dt.date.fromisoformat(text) if text else None


def parts(text: str) -> tuple[str, ...]:
    """Split a list in a cell of our own files: ``IDC|data centre``."""
    return tuple(part for part in text.split("|") if part)


def in_force(from_on: dt.date | None, to_on: dt.date | None, as_of: dt.date) -> bool:
    """Tell whether a period that starts on `from_on` and ends before `to_on` holds on a date; none is open.

    Examples
    --------
    >>> in_force(dt.date(2025, 1, 1), None, dt.date(2025, 1, 1))
    True
    >>> in_force(None, dt.date(2025, 1, 1), dt.date(2025, 1, 1))
    False
    """
    return (from_on is None or from_on <= as_of) and (to_on is None or as_of < to_on)


def folded(text: str) -> str:
    """Give a word as it is compared: half-width, lower case, without spaces, hyphens and underscores.

    Examples
    --------
    >>> folded(" Ｂ25-1 "), folded("Data Centre")
    ('b251', 'datacentre')
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in plain if not c.isspace() and c not in "-_")
