"""Every exception raised on purpose. Imports nothing of the package, so no import cycle can start here."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

OBEYED = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})  # Unicode categories that a terminal may act on


def visible(text: object) -> str:
    r"""Show control and bidirectional characters instead of obeying them.

    Examples
    --------
    >>> visible("a\x1b[31m\u202eb")
    'a\\x1b[31m\\u202eb'
    """
    shown = str(text)
    if shown.isascii() and shown.isprintable():
        return shown
    return "".join(c if unicodedata.category(c) not in OBEYED else ascii(c)[1:-1] for c in shown)


class AuditorError(Exception):
    """Base of all errors that a person can mend; the command line turns it into exit code 2."""


class UsageError(AuditorError):
    """A call or a setting that makes no sense."""


class UnnamedError(UsageError):
    """A file that does not say whose network it is, with nothing beside it that does."""


class DataError(AuditorError):
    """A data file that ships with the package, or one the user gave in its stead, is broken."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in an input.

    Parameters
    ----------
    file
        Name of the input file, or of the table where there is no file.
    where
        Row, record or key inside the file; empty for the file as a whole.
    field
        Column or key; empty where the whole row is meant.
    what
        What is wrong, with the offending value.
    hint
        What to do about it.

    Examples
    --------
    >>> print(Problem("nodes.csv", "row 3", "lat", "212 is no latitude", "give degrees from -90 to 90"))
    nodes.csv, row 3, lat: 212 is no latitude; give degrees from -90 to 90
    """

    file: str
    where: str
    field: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        place = ", ".join(part for part in (self.file, self.where, self.field) if part)
        return visible(f"{place}: {self.what}" + (f"; {self.hint}" if self.hint else ""))


class DeclarationError(AuditorError):
    """A declaration that cannot be read; it carries all problems, not the first.

    Parameters
    ----------
    problems
        Everything found wrong, in file order.
    """

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))
