"""Sides of a comparison, from files, declarations and observations; `compare` holds them together."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from auditor import engine, readers, record_files
from auditor.comparison.compared import compare_sides
from auditor.comparison.decisions import Decision, read_decisions
from auditor.comparison.sides import (
    Side,
    side_of,
    side_of_approvals,
    side_of_observations,
    side_of_registrations,
)
from auditor.containers import ContainerError, read_boxed
from auditor.errors import UsageError
from auditor.files import read_plain
from auditor.language import say
from auditor.model import Declaration
from auditor.observations import Observations
from auditor.zones import Areas, read_areas

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable
    from os import PathLike

    from auditor.comparison.table import Comparison
    from auditor.settings import Policy

    Given: TypeAlias = str | PathLike[str] | Declaration | Observations | Side


def compare(
    a: Given,
    *others: Given,
    decisions: str | PathLike[str] | Iterable[Decision] = (),
    as_of: str | dt.date | None = None,
    policy: Policy | None = None,
    areas: Areas | None = None,
    lang: str = "en",
) -> Comparison:
    """Hold records against each other: 一致, 待复核, 不一致 a pair, why, and both sources.

    Parameters
    ----------
    a
        The first side, against which every later one is held: a declaration or a file of one in any form,
        records as filed, a business-registry record, licences, or observations.
    others
        The later sides. With none, a declaration is held against its own filings and registry records.
    decisions
        What persons decided on earlier comparisons, or the file that holds it.
    as_of
        Day on which records are in force or not; default: today in Asia/Shanghai.
    policy
        Its ``match_thresholds`` say how much may differ.
    areas
        Pilot areas; default: those in force on the day.
    lang
        Language of frames.

    Returns
    -------
    Comparison
        Every record of both sides once, the riskiest first.

    Raises
    ------
    DeclarationError
        With everything that is wrong in an input.
    UsageError
        One side alone that has no filings and no registry record.

    Examples
    --------
    >>> import auditor
    >>> path = auditor.sample("shanghai_isp_cdn")
    >>> auditor.compare(path, path, as_of="2026-11-22").counts
    {'match': 126, 'review': 0, 'mismatch': 0}
    """
    day = engine.day_of(as_of, None)
    sides = [*_sides(a, day)] if not others else [_sides(a, day)[0]]
    sides += [_sides(other, day)[0] for other in others]
    if len(sides) == 1:
        what = say("{name} has neither filings nor registry records to be held against", name=sides[0].name)
        raise UsageError(what, say("name a second side, or network.filings in its declaration.toml"))
    decided = decisions
    if isinstance(decisions, str | Path) or hasattr(decisions, "__fspath__"):
        decided = read_decisions(decisions, as_of=day)  # type: ignore[arg-type]
    used = read_areas(day) if areas is None else areas
    return compare_sides(_distinct(sides), as_of=day, policy=policy, areas=used, decisions=decided, lang=lang)  # type: ignore[arg-type]


def _distinct(sides: list[Side]) -> list[Side]:
    """Number sides of the same name."""
    seen: dict[str, int] = {}
    found = []
    for side in sides:
        seen[side.name] = seen.get(side.name, 0) + 1
        again = seen[side.name]
        found.append(side if again == 1 else replace(side, name=f"{side.name} ({again})"))
    return found


def _sides(given: Given, day: dt.date) -> list[Side]:
    """Make the side of an input, and after it those of the records that lie in it."""
    if isinstance(given, Side):
        return [given]
    if isinstance(given, Declaration):
        return _of_declaration(given, given.operator.name, day)
    if isinstance(given, Observations):
        return [side_of_observations(given, given.name or "observations")]
    path = Path(given)
    name = path.name or str(path)
    tree = _tree(path)
    records = record_files.read_rows_of(tree)
    if records is not None:
        record, rows = records
        made = record_files.checked(record, rows, name)
        return [
            side_of_registrations(made, name) if record == "registration" else side_of_approvals(made, name)
        ]
    if path.suffix.lower() == ".parquet" or _is_observations(path, tree):
        return [side_of_observations(readers.read_observations(path), name)]
    return _of_declaration(readers.read_declaration(path, repeats=True), name, day)


def _of_declaration(declaration: Declaration, name: str, day: dt.date) -> list[Side]:
    sides = [side_of(declaration, name, as_of=day)]
    if declaration.filings is not None:
        filed, shown = declaration.filings, f"{name}: {declaration.filings_file}"
        sides.append(side_of(filed, shown, as_of=day, whose=declaration.operator))
    if declaration.registrations:
        sides.append(side_of_registrations(declaration.registrations, f"{name}: registrations"))
    return sides


def _tree(path: Path) -> Any:
    """Give what a file holds, where it may be records; what is anything else the readers read."""
    suffix = path.suffix.lower()
    if not path.is_file() or suffix not in TREES:
        return None
    try:
        return TREES[suffix](path)
    except (ValueError, OSError, KeyError, ContainerError):  # the readers say what is wrong with it
        return None


def _sheet(path: Path) -> list[dict[str, Any]] | None:
    """Rows of a workbook of one sheet, under the headings of its first row; opened as readers open it."""
    given = read_boxed("xlsx", read_plain(path))["sheets"]
    if len(given) != 1:
        return None
    rows = [[_cell(cell) for cell in row] for row in given[0]["rows"]]
    rows = [row for row in rows if any(cell is not None for cell in row)]
    head = [str(cell or "") for cell in rows[0]] if rows else []
    return [dict(zip(head, row, strict=False)) for row in rows[1:]]


def _cell(value: Any) -> Any:
    """Take a cell as the child wrote it: dates by name; one that holds an error stays as such."""
    return value.get("date", value) if isinstance(value, dict) else value


TREES: dict[str, Callable[[Path], Any]] = {
    ".csv": record_files.read_csv_rows,
    ".json": lambda path: orjson.loads(read_plain(path)),
    ".toml": lambda path: tomllib.loads(read_plain(path).decode()),
    ".xlsx": _sheet,
}


def _is_observations(path: Path, tree: Any) -> bool:
    return path.suffix.lower() == ".json" and isinstance(tree, dict) and "observations" in tree
