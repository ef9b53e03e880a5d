"""Workbooks: sheets of nodes and links, and those of the records, by their names in either language."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa

from auditor import sheets
from auditor.cells import NO, NUMBER, YES
from auditor.containers import ContainerError, heard, read_boxed
from auditor.governance import LISTS
from auditor.language import say
from auditor.problems import Origin, quote, spans
from auditor.readers._registry import Export, Reader
from auditor.records import SCHEMA
from auditor.tables import MOST_COLUMNS, Frame, Note, Unused

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.tables import Column, Log

LOOKED_AT = 10  # rows in which names of columns are looked for
DIGITS = 10**15  # a spreadsheet keeps fifteen digits of a number
LONGEST_WHOLE = 10**21  # written with all their digits
ANEW = say("format the column as text, type it anew")
TEXTS = frozenset({"text", "coded", "uscc", "list"})
NAMES = frozenset(
    {"id", "site", "source", "target", "over", "node", "number", "node_ids", "failover_node_ids"}
)
TYPED = {"nodes": ("id", "kind"), "links": ("source", "target")}
TABLES = ("nodes", "links", "prefixes")


@dataclass
class _Sheet:
    """One sheet whose table is known.

    Parameters
    ----------
    file
        What messages call it.
    table
        ``nodes``, ``operator``, …
    names
        Name of each column; our own where it is one of ours.
    columns
        The column of ours, where it is one.
    numbers, rows
        The rows under the names.
    """

    file: str
    table: str
    names: list[str]
    columns: list[Column | None]
    numbers: list[int] = field(default_factory=list)
    rows: list[list[Any]] = field(default_factory=list)
    padded: set[tuple[int, int]] = field(default_factory=set)

    @property
    def origin(self) -> Origin:
        """Names the rows."""
        return Origin.of(self.file, np.array(self.numbers, np.int64))

    def cells(self, at: int) -> list[Any]:
        """Cells of one column."""
        return [row[at] if at < len(row) else None for row in self.rows]


def parse(data: bytes, file: str, log: Log) -> Export | None:
    """Read a workbook in a child process, then take its sheets for tables and records."""
    try:
        book = read_boxed("xlsx", data)
    except ContainerError as error:
        log.problems.add(file, "", "", error.what, error.hint)
        return None
    return export(book, file, log)


def export(book: dict[str, Any], file: str, log: Log) -> Export | None:
    """Take the sheets of a workbook for tables and records.

    Parameters
    ----------
    book
        As `auditor.containers.xlsx.read` gives it.
    file, log
        As for any reader.
    """
    log.unused.extend(
        Unused(file, heard(what), say("not read ({count:,} of them)", count=count))
        for what, count in book["other"]
    )
    found = _tables(book["sheets"], file, log)
    if "nodes" not in found:
        names = [quote(sheet["name"]) for sheet in book["sheets"][:20]] or say("none")
        hint = say("name one 节点 or nodes; the sheets are {sheets}", sheets=names)
        log.problems.add(file, "", "", say("has no sheet of nodes"), hint)
    for sheet in found.values():
        _mend(sheet, log)
    records = _records(found, log) if "operator" in found else None
    for table in [] if records else sorted(set(found) - set(TABLES)):
        log.unused.append(
            Unused(
                file,
                say("sheet of {table}", table=table),
                say("read only where there is a sheet 企业 or operator"),
            )
        )
    if "nodes" not in found:
        return None
    links = _frame(found["links"]) if "links" in found else None
    prefixes = _prefixes(_frame(found["prefixes"])) if "prefixes" in found else None
    return Export(_frame(found["nodes"]), links, prefixes, records, tables=True)


# --- which sheet is which -----------------------------------------------------------------------------------


def _tables(given: list[dict[str, Any]], file: str, log: Log) -> dict[str, _Sheet]:
    """Find the sheets by name, and those of nodes and links by their columns where no name says it."""
    named: dict[str, dict[str, Any]] = {}
    rest: list[dict[str, Any]] = []
    for sheet in given:
        table = sheets.table_of(sheet["name"])
        if table is None:
            rest.append(sheet)
        elif table in named:
            what = say(
                "has two sheets of {table}: {sheet} and {other}",
                table=table,
                sheet=quote(named[table]["name"]),
                other=quote(sheet["name"]),
            )
            log.problems.add(file, "", "", what, say("leave one of them out, or rename it"))
        else:
            named[table] = sheet
    for table, needed in TYPED.items():
        alike = [sheet for sheet in rest if table not in named and _looks_like(sheet, table, needed)]
        if len(alike) == 1:
            named[table] = alike[0]
            rest.remove(alike[0])
            log.notes.append(
                Note(
                    file,
                    say(
                        "sheet {sheet} read as {table} by its columns",
                        sheet=quote(alike[0]["name"]),
                        table=table,
                    ),
                )
            )
    for sheet in rest:
        help_ = sheet["name"] in sheets.HELP
        if help_ or sheet["rows"]:
            why = (
                say("explains how to fill the workbook in") if help_ else say("its name is that of no table")
            )
            log.unused.append(Unused(file, say("sheet {sheet}", sheet=quote(sheet["name"])), why))
            log.partial |= any(_looks_like(sheet, table, needed) for table, needed in TYPED.items())
    opened = {table: _sheet(sheet, table, file, log) for table, sheet in named.items()}
    return {table: sheet for table, sheet in opened.items() if sheet is not None}


def _looks_like(sheet: dict[str, Any], table: str, needed: tuple[str, ...]) -> bool:
    at = _head(sheet["rows"], table)
    row = sheet["rows"][at] if sheet["rows"] else []
    known = {column.name for column in (_known(table, cell) for cell in row) if column}
    return known.issuperset(needed)


def _known(table: str, cell: Any) -> Column | None:
    return sheets.column_of(table, cell) if isinstance(cell, str) else None


def _head(rows: list[list[Any]], table: str) -> int:
    """Find the row of names: the first with two names that are known, else the first."""
    for at, row in enumerate(rows[:LOOKED_AT]):
        if sum(_known(table, cell) is not None for cell in row) > 1:
            return at
    return 0


def _sheet(given: dict[str, Any], table: str, file: str, log: Log) -> _Sheet | None:
    rows, first = given["rows"], given["first"]
    place = say("{file}, sheet {sheet}", file=file, sheet=quote(given["name"]))
    _note(given, place, log)
    if not rows:
        return None
    head = _head(rows, table)
    if head:
        above = spans(np.arange(first, first + head))
        log.unused.append(
            Unused(place, say("rows {rows}", rows=above), say("stand above the names of the columns"))
        )
    names = [_name(cell) for cell in rows[head]]
    exact: dict[str, Column] | None = None
    below = head + 1
    if below < len(rows) and _is_second_head(rows[head], rows[below], table):
        own = [*rows[below], *[None] * len(names)]
        names = [theirs if ours is None else ours for ours, theirs in zip(own, names, strict=False)]
        exact = {column.name: column for column in sheets.SHEETS[table]}
        below += 1
        if below < len(rows) and any(str(cell).startswith(sheets.MARK) for cell in rows[below]):
            below += 1
    if len(names) > MOST_COLUMNS:
        log.problems.add(
            place, "", "", say("{count:,} columns, more than {most:,}", count=len(names), most=MOST_COLUMNS)
        )
        names = names[:MOST_COLUMNS]
    columns = [sheets.column_of(table, name) if exact is None else exact.get(name) for name in names]
    numbers = list(range(first + below, first + len(rows)))
    padded = {(row - first - below, at - 1) for row, at in given["padded"]}
    sheet = _Sheet(place, table, names, columns, numbers, rows[below:], padded)
    _check_nameless(sheet, first + head, log)
    return sheet


def _name(cell: Any) -> str:
    return cell.strip() if isinstance(cell, str) else "" if cell is None else str(_text(cell))


def _is_second_head(above: list[Any], row: list[Any], table: str) -> bool:
    """Tell whether a row under the names gives our own names for them."""
    own = {column.name for column in sheets.SHEETS[table]}
    pairs = [(top, cell) for top, cell in zip(above, row, strict=False) if cell is not None]
    if not all(isinstance(cell, str) and (cell in own or cell == top) for top, cell in pairs):
        return False
    return any(cell != top for top, cell in pairs)


def _check_nameless(sheet: _Sheet, number: int, log: Log) -> None:
    wide = max((len(row) for row in sheet.rows), default=0)
    for at in range(wide):
        lacks = at >= len(sheet.names) or not sheet.names[at]
        if lacks and any(_text(cell) for cell in sheet.cells(at)):
            log.problems.add(
                sheet.file,
                say("row {number}", number=number),
                say("column {number}", number=at + 1),
                say("has no name"),
            )


def _note(given: dict[str, Any], place: str, log: Log) -> None:
    """Note what is not plain to see in a sheet and was read all the same."""
    told = {
        "formulas": say("formulas: the values stored with them were read"),
        "hidden_rows": say("hidden rows, read like the others"),
        "hidden_columns": say("hidden columns, read like the others"),
        "merged": say("merged cells: the value stands in the first of them, the others are blank"),
    }
    if given["lacking"]:
        rows = np.unique(np.array(given["lacking"], np.int64))
        what = say("formulas without a value in rows {rows}", rows=spans(rows))
        log.problems.add(place, "", "", what, say("open the workbook in a spreadsheet program and save it"))
    if given["hidden"]:
        log.notes.append(Note(place, say("the sheet is hidden; it was read")))
    log.notes.extend(
        Note(place, say("{count:,} {what}", count=given[key], what=what))
        for key, what in told.items()
        if given[key]
    )


# --- what a spreadsheet does to cells -----------------------------------------------------------------------


def _text(cell: Any) -> str | None:
    """Give any cell as text."""
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, dict):
        return str(next(iter(cell.values())))
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < LONGEST_WHOLE:
        cell = int(cell)
    return repr(cell).lower()


def _mend(sheet: _Sheet, log: Log) -> None:
    """Report cells that a spreadsheet has damaged; those that can be nothing else are blanked."""
    for at, (name, column) in enumerate(zip(sheet.names, sheet.columns, strict=True)):
        cells = sheet.cells(at)
        typed = {
            row: cell for row, cell in enumerate(cells) if cell is not None and not isinstance(cell, str)
        }
        if not typed or not name:
            continue
        faults = _faults(typed, column, {row for row, where in sheet.padded if where == at})
        for (what, hint), rows in faults.items():
            log.problems.rows(sheet.origin, np.array(rows, np.int64), name, _told(cells, what), hint)
            if column is None or column.type not in TEXTS:
                for row in rows:
                    sheet.rows[row][at] = None
        if column is not None and column.name in NAMES and not faults:
            counted = sum(not isinstance(cell, bool | dict) for cell in typed.values())
            what = say(
                "{name}: {count:,} cells are numbers; zeros that stood before them are lost",
                name=name,
                count=counted,
            )
            log.notes.append(Note(sheet.file, what))


def _told(cells: list[Any], what: str) -> Callable[[int], str]:
    return lambda row: say("{value} {what}", value=quote(_text(cells[row])), what=what)


def _faults(
    typed: dict[int, Any], column: Column | None, padded: set[int]
) -> dict[tuple[str, str], list[int]]:
    faults: dict[tuple[str, str], list[int]] = {}
    text = column is not None and column.type in TEXTS
    for row, cell in typed.items():
        fault = None
        if isinstance(cell, dict):
            if "error" in cell:
                fault = (say("is an error of the spreadsheet"), say("mend the formula, or write the value"))
            elif text:
                fault = (
                    say("is a date"),
                    say("if it was another text (3-1), {hint}", hint=ANEW),
                )
        elif isinstance(cell, bool):
            fault = None
        elif text and abs(cell) >= DIGITS:
            fault = (
                say("is a number of which a spreadsheet keeps 15 digits"),
                ANEW,
            )
        elif text and row in padded:
            fault = (
                say("is shown with zeros before it that the cell has not"),
                ANEW,
            )
        elif column is not None and column.type == "date":
            fault = (
                say("is a number, no date"),
                say("format the column as text and write dates as 2026-11-22"),
            )
        if fault:
            faults.setdefault(fault, []).append(row)
    return faults


# --- tables and records -------------------------------------------------------------------------------------


def _frame(sheet: _Sheet) -> Frame:
    """Give a table, every cell as text, as a CSV file has it."""
    named = [(at, name) for at, name in enumerate(sheet.names) if name]
    names = [_ours(sheet, at) for at, _ in named]
    arrays = [pa.array([_text(cell) for cell in sheet.cells(at)], pa.string()) for at, _ in named]
    return Frame(pa.table(arrays, names=names), sheet.origin)


def _prefixes(frame: Frame) -> Frame | None:
    """Give address blocks; a blank sheet declares none, and 无 alone states that there are none."""
    cells = [cell for column in frame.table.columns for cell in column.to_pylist() if cell is not None]
    if not cells:
        return None
    return frame.keep(np.zeros(frame.table.num_rows, np.bool_)) if cells == [sheets.NONE] else frame


def _ours(sheet: _Sheet, at: int) -> str:
    """Name of a column, ours whatever its case; Chinese ones are left to the assembly, which notes them."""
    column, name = sheet.columns[at], sheet.names[at]
    renamed = column is not None and column.name == name.casefold() and column.name not in sheet.names
    return column.name if column is not None and renamed else name


def _records(found: dict[str, _Sheet], log: Log) -> dict[str, Any] | None:
    """Give the structure of a ``declaration.toml``."""
    lists = {
        table: _rows(found[table], log) for table in found if table not in {"nodes", "links", "prefixes"}
    }
    operator = _only(found["operator"], lists["operator"], log)
    stated = _only(found["declaration"], lists["declaration"], log) if "declaration" in found else {}
    network = {key: stated.pop(key) for key in sheets.NETWORK if key in stated}
    tree: dict[str, Any] = {"schema": SCHEMA, **stated, "operator": operator, "network": network}
    if lists.get("domiciles"):
        operator["domiciles"] = lists["domiciles"]
    tree |= {table: lists[table] for table in LISTS if lists.get(table)}
    return tree


def _only(sheet: _Sheet, rows: list[dict[str, Any]], log: Log) -> dict[str, Any]:
    if len(rows) > 1:
        log.problems.add(
            sheet.file, "", "", say("has {count:,} rows under the names", count=len(rows)), say("leave one")
        )
    return rows[0] if rows else {}


def _rows(sheet: _Sheet, log: Log) -> list[dict[str, Any]]:
    """Give the records of a sheet; what cannot be read is left as it is, for the check of the records."""
    names = [column.name if column else name for name, column in zip(sheet.names, sheet.columns, strict=True)]
    for name in sorted({name for name in names if name and names.count(name) > 1}):
        log.problems.add(
            sheet.file,
            "",
            name,
            say("the column is there {times} times", times=names.count(name)),
            say("remove one"),
        )
    records = []
    for number, row in zip(sheet.numbers, sheet.rows, strict=True):
        cells = zip(names, sheet.columns, row, strict=False)
        record: dict[str, Any] = {}
        for name, column, cell in cells:
            if not name or cell is None or (isinstance(cell, str) and not cell.strip()):
                continue
            if column is None and name.endswith(sheets.JSON_MARK):
                _take_json(record, name, cell, (sheet.file, say("row {number}", number=number)), log)
            else:
                record[name] = _value(column, cell)
        if record:
            records.append(record)
    return records


def _take_json(record: dict[str, Any], name: str, cell: Any, place: tuple[str, str], log: Log) -> None:
    try:
        record[name.removesuffix(sheets.JSON_MARK)] = orjson.loads(str(cell))
    except orjson.JSONDecodeError as error:
        log.problems.add(*place, name, say("no JSON: {reason}", reason=error.msg))


def _value(column: Column | None, cell: Any) -> Any:
    """Give a cell as the check of the records needs it."""
    kind, text = column.type if column else "text", _text(cell) or ""
    if kind == "list":
        return sheets.split(text)
    if kind in {"number", "whole"} and re.match(NUMBER, text.strip()):
        return float(text)
    if kind == "flag" and text.strip().casefold() in YES | NO:
        return text.strip().casefold() in YES
    return text


READER = Reader("xlsx", (".xlsx", ".xlsm"), parse)
