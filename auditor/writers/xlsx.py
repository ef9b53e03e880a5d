"""Workbooks: one sheet a table, laid out to be filled in by hand; no cell is ever a formula.

`auditor init FILE.xlsx` writes its template with this, from the same content as that of a folder.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import orjson
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from auditor import sheets
from auditor.errors import UsageError
from auditor.governance import LISTS
from auditor.language import say
from auditor.problems import quote
from auditor.registers import labels
from auditor.workbook import LONGEST, MOST_ROWS, escaped, saved, text_cell, units
from auditor.writers._content import Writer, plain, rows

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from auditor.tables import Column
    from auditor.writers._content import Content

    Cell: TypeAlias = str | int | float | None
    Where: TypeAlias = tuple[str, int]  # table and row; row 0 is the sheet as a whole

FIRST = 4  # the row under names and explanations
TABLES = frozenset({"nodes", "links", "prefixes"})
NUMBERS = frozenset({"number", "whole"})
FLAGS = {True: "是", False: "否"}
ALWAYS = frozenset({"approvals", "services", "contracts"})  # sheets that are there though they are blank
OPEN = {
    ("nodes", "owner"),
    ("links", "owner"),
    ("nodes", "operated_by"),
}  # a list to choose from, or any name
DATE_HINT = ("，如2026-10-01", ", as 2026-10-01")
HEAD = PatternFill("solid", fgColor="DDEBF7")
README = (
    ("申报材料填写说明", "How to fill in this declaration"),
    (
        "每张工作表是一张表：第1行中文名称，第2行英文名称，第3行说明，自第4行起填写，一行一条。",
        "Each sheet is a table: names in rows 1 and 2, explanations in row 3; fill it in from row 4 on.",
    ),
    ("填好后检查：auditor check 文件名.xlsx", "Check it with: auditor check FILE.xlsx"),
    (
        "未填写的单元格一律视为“未知”，而不是“无”。声明没有时请填“无”（可填多项的列）。",
        "A blank cell means “unknown”, never “none”. In columns of lists, 无 or none states none.",
    ),
    ("可填多项的列以分号（;）分隔。", "Several entries in one cell are separated by semicolons."),
    (
        "下拉列表中的词见“词表”；英文词同样有效。",
        "The words of drop-down lists are on the sheet “Words”; English ones hold too.",
    ),
    (
        "日期写作2026-10-01。编号、代码列为文本格式，前导零不会丢失，请勿改为数字。",
        "Write dates as 2026-10-01. Ids and codes are text, so that leading zeros stay; leave them so.",
    ),
    (
        "附件（证明文件）放在本文件所在的文件夹内。",
        "Documents that prove something lie in the folder of this file.",
    ),
    (
        "示例行请删除或改写。可增加列；未知的列会保留并列出。",
        "Delete or change the example rows. You may add columns; unknown ones are kept and listed.",
    ),
)


def write(content: Content) -> bytes:
    """Write all tables and records."""
    return bytes_of(tables_of(content))


def tables_of(content: Content) -> dict[str, list[dict[str, Any]]]:
    """Rows of every sheet, by table; sheets of records only where there are records."""
    tables: dict[str, list[dict[str, Any]]] = {}
    if content.records:
        network = content.records.get("network", {})
        operator = dict(content.records["operator"])
        own = [column.name for column in sheets.SHEETS["declaration"]]
        stated = {**content.records, **network}
        tables["declaration"] = [{key: stated[key] for key in own if key in stated}]
        tables["domiciles"] = operator.pop("domiciles", [])
        tables["operator"] = [operator]
        listed = {table: content.records.get(table, []) for table in LISTS}
        tables |= {table: records for table, records in listed.items() if records or table in ALWAYS}
    tables |= {"nodes": rows(content.nodes), "links": rows(content.links)}
    if content.prefixes is not None:
        tables["prefixes"] = rows(content.prefixes) or [{"prefix": sheets.NONE}]
    return tables


def bytes_of(tables: dict[str, list[dict[str, Any]]]) -> bytes:
    """Write a workbook of some tables, the same bytes for the same rows."""
    ready = {table: _ready(table, tables[table]) for table in sheets.SHEETS if table in tables}
    book = Workbook(write_only=True)  # opened when nothing can be refused any more
    _write_readme(book)
    lists = _lists(tables)
    for table, (extras, lines) in ready.items():
        _write_table(book, table, extras, lines, lists)
    _write_words(book, lists)
    return saved(book)


# --- cells --------------------------------------------------------------------------------------------------


def _fit(text: str, where: Where) -> str:
    """Escape what XML cannot hold; refuse what a cell cannot."""
    text = escaped(text)
    if units(text) > LONGEST:
        what = say(
            "{value} is longer than {most:,} characters, more than a workbook holds",
            value=quote(text),
            most=LONGEST,
        )
        place = [say("sheet {sheet}", sheet=sheets.title(where[0]))]
        place += [say("row {number}", number=where[1])] if where[1] else []
        raise UsageError(say("{place}: {what}", place=place, what=what))
    return text


def _value(column: Column, value: Any, where: Where) -> Cell:
    if value is None:
        return None
    if column.type in NUMBERS and isinstance(value, int | float):
        return float(value) if isinstance(value, float) else int(value)
    return _fit(_spelt(column, value), where)


def _spelt(column: Column, value: Any) -> str:
    """Give a value as people write it: lists with semicolons, words of closed lists in Chinese."""
    if isinstance(value, bool):
        return FLAGS[value]
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return sheets.joined(value)
    if column.type == "choice" or column.name in {"owner", "operated_by"}:
        return labels.chinese(column.name, value)
    return str(value)


def _typed(sheet: Any, value: Cell) -> Any:
    """Give a cell; a number with all its digits, where openpyxl itself writes sixteen."""
    if value is None:
        return None
    if isinstance(value, str):
        return text_cell(sheet, value)
    cell = WriteOnlyCell(sheet, repr(value))
    cell.data_type = "n"
    return cell


# --- sheets -------------------------------------------------------------------------------------------------


def _lists(tables: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    """Words to choose from, by table and column."""
    lists = {}
    for table in tables:
        for column in sheets.SHEETS[table]:
            words = column.choices or (("operator", "customer") if (table, column.name) in OPEN else ())
            if words:
                lists[table, column.name] = list(words)
    return lists


def _extras(table: str, records: list[dict[str, Any]]) -> dict[str, str]:
    """Names of the columns for keys that nobody knows: JSON where a record has one that is no text."""
    known = {column.name for column in sheets.SHEETS[table]}
    names: dict[str, str] = {}
    for record in records:
        for key, value in record.items():
            if key in known:
                continue
            if not key.strip():
                raise UsageError(
                    say("{table}: a column without a name cannot be written to a workbook", table=table)
                )
            plainly = table in TABLES or (isinstance(value, str) and not key.endswith(sheets.JSON_MARK))
            names[key] = key if plainly and names.get(key, key) == key else key + sheets.JSON_MARK
    return names


def _ready(table: str, records: list[dict[str, Any]]) -> tuple[list[str], list[list[Cell]]]:
    """Names of the columns that are not ours, and the cells of all rows."""
    if len(records) > MOST_ROWS - FIRST + 1:
        what = say(
            "{count:,} {table} are more than a sheet of a workbook holds", count=len(records), table=table
        )
        raise UsageError(what)
    extras = _extras(table, records)
    lines: list[list[Cell]] = []
    for number, record in enumerate(records, FIRST):
        where = (table, number)
        line = [_value(column, record.get(column.name), where) for column in sheets.SHEETS[table]]
        for key, name in extras.items():
            value = record.get(key)
            if value is not None and name != key:
                value = orjson.dumps(plain(value)).decode()
            line.append(None if value is None else _fit(value, where))
        lines.append(line)
    return [_fit(name, (table, 0)) for name in extras.values()], lines


def _write_table(
    book: Any, table: str, extras: list[str], lines: list[list[Cell]], lists: dict[tuple[str, str], list[str]]
) -> None:
    sheet = book.create_sheet(sheets.title(table))
    columns = sheets.SHEETS[table]
    sheet.freeze_panes = f"B{FIRST}"
    for at, column in enumerate(columns, 1):
        dimension = sheet.column_dimensions[get_column_letter(at)]
        dimension.width = 18 if column.type in {"number", "whole", "flag", "date"} else 24
        if column.type not in NUMBERS:
            dimension.number_format = "@"
        _add_list(sheet, table, column, get_column_letter(at), lists)
    for row, height in ((1, 20), (2, 16), (3, 84)):
        sheet.row_dimensions[row].height = height
    for head in _heads(table, columns, extras):
        sheet.append([_head(sheet, text, bold=bold) for text, bold in head])
    for line in lines:
        sheet.append([_typed(sheet, value) for value in line])


def _heads(table: str, columns: tuple[Column, ...], extras: list[str]) -> Iterable[list[tuple[str, bool]]]:
    known = [labels.label(table, column.name) for column in columns]
    pairs = list(zip(columns, known, strict=True))
    yield [(label.zh if label else column.name, True) for column, label in pairs] + [
        (name, True) for name in extras
    ]
    yield [(column.name, False) for column in columns] + [(name, False) for name in extras]
    abouts = [_about(column, label) for column, label in pairs]
    yield [(sheets.MARK + abouts[0], False), *((about, False) for about in abouts[1:])]


def _about(column: Column, label: labels.Label | None) -> str:
    chinese, english = (label.about_zh, label.about_en or column.about) if label else ("", column.about)
    if column.type == "date":
        chinese, english = chinese + DATE_HINT[0], english + DATE_HINT[1]
    return f"【必填】{chinese}\nRequired: {english}" if column.required else f"{chinese}\n{english}"


def _head(sheet: Any, text: str, *, bold: bool) -> Any:
    cell = text_cell(sheet, text)
    cell.font = Font(bold=bold)
    cell.fill = HEAD
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell


def _add_list(
    sheet: Any, table: str, column: Column, letter: str, lists: dict[tuple[str, str], list[str]]
) -> None:
    """Give a column its drop-down list; another word is warned of, since English ones hold too."""
    formula = '"是,否"' if column.type == "flag" else ""
    if (table, column.name) in lists:
        at = get_column_letter(2 * list(lists).index((table, column.name)) + 1)
        formula = f"'{sheets.HELP[1]}'!${at}$3:${at}${len(lists[table, column.name]) + 2}"
    if not formula:
        return
    choice = DataValidation(type="list", formula1=formula, allow_blank=True, errorStyle="warning")
    choice.showErrorMessage = (table, column.name) not in OPEN
    choice.error, choice.errorTitle = "不在列表中 / not in the list", column.name
    choice.add(f"{letter}{FIRST}:{letter}{MOST_ROWS}")
    sheet.data_validations.append(choice)


def _write_readme(book: Any) -> None:
    sheet = book.create_sheet(sheets.HELP[0])
    sheet.column_dimensions["A"].width = sheet.column_dimensions["B"].width = 80
    for number, line in enumerate(README):
        sheet.append([_head(sheet, text, bold=number == 0) for text in line])
    for table in sheets.SHEETS:
        known = labels.label(labels.SHEET, table)
        if known:
            sheet.append(
                [
                    text_cell(sheet, f"{known.zh}：{known.about_zh}"),
                    text_cell(sheet, f"{table}: {known.about_en}"),
                ]
            )


def _write_words(book: Any, lists: dict[tuple[str, str], list[str]]) -> None:
    """Write the words of the drop-down lists, Chinese and English side by side."""
    sheet = book.create_sheet(sheets.HELP[1])
    tops, names = [], []
    for at, (table, name) in enumerate(lists):
        known = labels.label(table, name)
        for letter in (get_column_letter(2 * at + 1), get_column_letter(2 * at + 2)):
            sheet.column_dimensions[letter].width = 22
        tops += [_head(sheet, sheets.title(table), bold=True), None]
        names += [_head(sheet, known.zh if known else name, bold=True), _head(sheet, name, bold=True)]
    sheet.append(tops)
    sheet.append(names)
    for row in range(max((len(words) for words in lists.values()), default=0)):
        line: list[Any] = []
        for (_, name), words in lists.items():
            word = words[row] if row < len(words) else None
            line += [word and text_cell(sheet, labels.chinese(name, word)), word and text_cell(sheet, word)]
        sheet.append(line)


WRITER = Writer("xlsx", (".xlsx",), write)
