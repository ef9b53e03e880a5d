"""Every exception raised on purpose; what it says can be told in both languages."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditor.language import Said, say, told

if TYPE_CHECKING:
    from collections.abc import Mapping

OBEYED = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})  # Unicode categories that a terminal may act on


def visible(text: object) -> str:
    r"""Show control and bidirectional characters instead of obeying them.

    Examples
    --------
    >>> visible("a\x1b[31m\u202eb")
    'a\\x1b[31m\\u202eb'
    """
    shown = str(text)
    if shown.isprintable():  # then none of its characters is of `OBEYED`
        return shown
    return "".join(c if unicodedata.category(c) not in OBEYED else ascii(c)[1:-1] for c in shown)


class AuditorError(Exception):
    """Base of all errors that a person can mend; the command line turns it into exit code 2.

    Its arguments are the lines of its message: texts of `auditor.language.say`, problems, or plain ones.
    """

    def __str__(self) -> str:
        return self.in_("en")

    def in_(self, lang: str) -> str:
        """Message in `lang` (``en`` or ``zh``), a line for each fault."""
        lines = (line.in_(lang) if hasattr(line, "in_") else str(line) for line in self.args)
        return "\n".join(lines)


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
        return self.in_("en")

    def in_(self, lang: str) -> str:
        """Line for people in `lang` (``en`` or ``zh``), with nothing in it that a terminal would obey."""
        colon, comma, semicolon = ("：", "，", "；") if lang == "zh" else (": ", ", ", "; ")
        place = comma.join(told(part, lang) for part in (self.file, self.where, self.field) if part)
        hint = f"{semicolon}{told(self.hint, lang)}" if self.hint else ""
        return visible(f"{place}{colon}{told(self.what, lang)}{hint}")


class DeclarationError(AuditorError):
    """A declaration that cannot be read; it carries all problems, not the first.

    Parameters
    ----------
    problems
        Everything found wrong, in file order.
    """

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, problems)))

    def in_(self, lang: str) -> str:
        """All problems in `lang` (``en`` or ``zh``), one a line."""
        return "\n".join(problem.in_(lang) for problem in self.problems)


def said_by(error: BaseException) -> str:
    """What an exception says: its text of both languages, where it was raised with one."""
    first = error.args[0] if error.args else ""
    return first if isinstance(first, Said) else str(error)


FAULTS = {  # of pydantic, in its own words where those are plain
    "missing": say("Field required"),
    "extra_forbidden": say("is no setting"),
    "tuple_type": say("is a list; write it in brackets, as in {example}", example='["…"]'),
    "list_type": say("Input should be a valid list"),
    "dict_type": say("Input should be a valid dictionary"),
    "model_type": say("Input should be a valid dictionary"),
    "string_type": say("Input should be a valid string"),
    "int_type": say("Input should be a valid integer"),
    "int_parsing": say("Input should be a valid integer, unable to parse string as an integer"),
    "int_parsing_size": say("Unable to parse input string as an integer, exceeded maximum size"),
    "int_from_float": say("Input should be a valid integer, got a number with a fractional part"),
    "float_type": say("Input should be a valid number"),
    "float_parsing": say("Input should be a valid number, unable to parse string as a number"),
    "finite_number": say("Input should be a finite number"),
    "bool_type": say("Input should be a valid boolean"),
    "bool_parsing": say("Input should be a valid boolean, unable to interpret input"),
    "date_type": say("Input should be a valid date"),
}


def fault_of(error: Mapping[str, Any]) -> str:
    """Say what pydantic finds wrong with a value, in both languages; rare faults in English alone.

    Examples
    --------
    >>> error = {"type": "greater_than", "ctx": {"gt": 0}, "msg": "Input should be greater than 0"}
    >>> fault_of(error).in_("zh")
    '应大于 0'
    """
    kind, stated = error["type"], error.get("ctx", {})
    if kind == "auditor":
        return stated["what"]  # type: ignore[no-any-return]
    if kind == "literal_error":
        words = re.findall(r"'([^']*)'", stated["expected"])
        return say("Input should be one of {words}", words=words)
    if kind == "greater_than":
        return say("Input should be greater than {limit}", limit=stated["gt"])
    if kind == "greater_than_equal":
        return say("Input should be greater than or equal to {limit}", limit=stated["ge"])
    if kind == "less_than_equal":
        return say("Input should be less than or equal to {limit}", limit=stated["le"])
    return FAULTS.get(kind, str(error["msg"]))
