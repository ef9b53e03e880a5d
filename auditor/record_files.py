"""Records of a registry, or licences, as their keepers export them, with usual headings.

What headings are called stands in ``data/record_headings.csv`` (usual words, gathered 2026-11).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from auditor.cells import folded
from auditor.errors import DeclarationError, Problem
from auditor.files import read_plain, reason_of
from auditor.governance import Registration
from auditor.language import say
from auditor.model import read_record
from auditor.records import Approval
from auditor.tables import Log

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from auditor.problems import Problems

MODELS: dict[str, type[Registration | Approval]] = {"registration": Registration, "approval": Approval}
LISTS = {"registration": ("registrations", "registration"), "approval": ("approvals", "approval", "licences")}
OWN = {
    "registration": {"status", "scope", "address", "retrieved_on"},
    "approval": {"number", "holder", "services"},
}


@cache
def _headings() -> dict[str, dict[str, str]]:
    """By record: our field by every heading it goes by."""
    text = resources.files("auditor").joinpath("data", "record_headings.csv").read_text("utf-8")
    found: dict[str, dict[str, str]] = {}
    for row in csv.DictReader(text.splitlines()):
        names = (row["field"], *row["names"].split("|"))
        found.setdefault(row["record"], {}).update({folded(name): row["field"] for name in names})
    return found


def kind_of(names: Iterable[str]) -> str | None:
    """Tell whose headings these are: ``registration``, ``approval``, or none's.

    Examples
    --------
    >>> kind_of(["企业名称", "统一社会信用代码", "住所", "登记状态"]), kind_of(["许可证号", "持证单位"])
    ('registration', 'approval')
    >>> kind_of(["id", "kind"]) is None
    True
    """
    given = {folded(name) for name in names}
    weight = {}
    for record, fields in _headings().items():
        met = {fields[name] for name in given if name in fields}
        weight[record] = len(met) if met & OWN[record] else 0
    best = max(weight, key=lambda record: weight[record])
    return best if weight[best] > 1 else None


def read_rows_of(tree: Any) -> tuple[str, list[dict[str, Any]]] | None:
    """Find records in a structure: under ``registrations`` or ``approvals``, a list of records, or one."""
    if isinstance(tree, dict):
        if {"schema", "network", "operator"} & set(tree):
            return None
        for named, keys in LISTS.items():
            for key in keys:
                if isinstance(tree.get(key), list | dict):
                    return named, _list(tree[key])
        tree = [tree]
    rows = [row for row in _list(tree) if isinstance(row, dict)]
    record = kind_of([str(name) for row in rows for name in row]) if rows else None
    return (record, rows) if record and len(rows) == len(_list(tree)) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def read_csv_rows(path: Path) -> list[dict[str, Any]]:
    """Read a CSV file of records.

    Raises
    ------
    DeclarationError
        A file that cannot be read or is no CSV.
    """
    try:
        text = read_plain(path).decode("utf-8-sig")
        return [dict(row) for row in csv.DictReader(io.StringIO(text, newline=""), strict=True)]
    except OSError as error:
        what = say("cannot be read: {reason}", reason=reason_of(error))
    except (UnicodeDecodeError, csv.Error) as error:
        what = say("is no CSV table: {reason}", reason=str(error))
    raise DeclarationError([Problem(path.name, "", "", what, say("give a CSV file in UTF-8"))])


def checked(record: str, rows: list[dict[str, Any]], file: str) -> list[Any]:
    """Check records by their model.

    Raises
    ------
    DeclarationError
        With everything that is wrong.
    """
    log, found = Log(), []
    names = _headings()[record]
    for number, row in enumerate(rows, 1):
        given = {names.get(folded(str(key)), str(key)): _value(value) for key, value in row.items()}
        given = _with_numbers(given)
        own = Log()
        made = read_record(MODELS[record], given, file, own)
        _tell(own.problems, log.problems, number)
        if made is not None:
            found.append(made)
    log.problems.raise_if_any()
    return found


def _tell(problems: Problems, to: Problems, number: int) -> None:
    for problem in problems.found:
        to.add(problem.file, say("record {number}", number=number), problem.field, problem.what, problem.hint)


def _value(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.date()
    return value.strip() if isinstance(value, str) else value


def _with_numbers(given: dict[str, Any]) -> dict[str, Any]:
    """Read numbers that a table holds as text; what is none is left for the model to refuse."""
    for name in ("lon", "lat", "accuracy_m"):
        text = given.get(name)
        if isinstance(text, str) and text:
            try:
                given[name] = float(text)
            except ValueError:
                continue
    for name in ("services", "coverage", "former_names"):
        if isinstance(given.get(name), str):
            given[name] = given[name].replace("；", ";").replace("、", ";").replace(",", ";")
    return given
