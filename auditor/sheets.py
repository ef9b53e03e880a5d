"""Sheets of a workbook: what each one holds, how it is headed, how lists are spelt.

Its reader and writer share this. A sheet has a row of Chinese names, under it one of our own names, and
under those one of explanations that begins with `MARK`; then come the rows. People's own
sheets may do with one row of names, in either language.
"""

from __future__ import annotations

import datetime as dt
import types
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

import orjson

from auditor import tables
from auditor.governance import LISTS
from auditor.records import Domicile, Operator
from auditor.registers import labels
from auditor.registers._files import folded
from auditor.tables import Column

if TYPE_CHECKING:
    from auditor.records import Record

MARK = "说明："
NONE = "无"
NOTHING = frozenset({NONE, "none", "[]"})
JSON_MARK = " (JSON)"  # ends the name of a column whose cells are JSON: keys of records that nobody knows
HELP = ("填写说明 Read me", "词表 Words")
SEPARATORS = ";；\n"
TYPES: dict[Any, str] = {str: "text", float: "number", int: "whole", bool: "flag", dt.date: "date"}


def _columns(kind: type[Record]) -> tuple[Column, ...]:
    """Keys of a record as columns; records inside it have a sheet of their own."""
    return tuple(
        Column(name, *_type(field.annotation), required=field.is_required())
        for name, field in kind.model_fields.items()
        if name != "domiciles"
    )


def _type(annotation: Any) -> tuple[str, str, tuple[str, ...]]:
    """Type of a column, no explanation, permitted words."""
    for part in get_args(annotation) if get_origin(annotation) in {Union, types.UnionType} else (annotation,):
        inner = get_args(part)[0] if hasattr(part, "__metadata__") else part
        if get_origin(inner) is Literal:
            return "choice", "", get_args(inner)
        if get_origin(inner) is tuple:
            return "list", "", ()
        if inner in TYPES:
            return TYPES[inner], "", ()
    raise TypeError(annotation)


SHEETS: dict[str, tuple[Column, ...]] = {
    "declaration": (
        Column("declared_on", "date"),
        Column("approvals_complete", "flag"),
        Column("reports_complete", "flag"),
        Column("complete", "flag"),
        Column("access_layer", "text"),
    ),
    "operator": _columns(Operator),
    "domiciles": _columns(Domicile),
    **{name: _columns(kind) for name, kind in LISTS.items()},
    "nodes": tables.NODES,
    "links": tables.LINKS,
    "prefixes": tables.PREFIXES,
}
NETWORK = ("complete", "access_layer")  # columns of `declaration` that stand under [network]


def title(table: str) -> str:
    """Name of the sheet of a table.

    Examples
    --------
    >>> title("nodes")
    '节点 nodes'
    """
    known = labels.label(labels.SHEET, table)
    return f"{known.zh} {table}" if known else table


def table_of(name: str) -> str | None:
    """Table that a sheet holds by its name, in either language or both.

    Examples
    --------
    >>> table_of("Nodes"), table_of("节点"), table_of("节点 nodes"), table_of("Sheet1")
    ('nodes', 'nodes', 'nodes', None)
    """
    own = {folded(table): table for table in SHEETS}
    return own.get(folded(name)) or labels.column(labels.SHEET, name)


def column_of(table: str, name: str) -> Column | None:
    """Column of a table that a name stands for, in either language.

    Examples
    --------
    >>> column_of("nodes", "Lon").name, column_of("nodes", "经度（度）").name, column_of("nodes", "colour")
    ('lon', 'lon', None)
    """
    own = {folded(column.name): column for column in SHEETS[table]}
    return own.get(folded(name)) or own.get(folded(labels.column(table, name) or "?"))


def split(text: str) -> list[str]:
    """Read a list in a cell: parts between semicolons or line breaks, a list of JSON, or 无 for stated none.

    Examples
    --------
    >>> split("B12；B14"), split("无"), split('["a;b"]')
    (['B12', 'B14'], [], ['a;b'])
    """
    text = text.strip()
    if text.casefold() in NOTHING:
        return []
    if text.startswith("["):
        try:
            read = orjson.loads(text)
        except orjson.JSONDecodeError:
            read = None
        if isinstance(read, list) and all(isinstance(part, str) for part in read):
            return read
    for mark in SEPARATORS[1:]:
        text = text.replace(mark, SEPARATORS[0])
    return [part.strip() for part in text.split(SEPARATORS[0]) if part.strip()]


def joined(parts: list[str] | tuple[str, ...]) -> str:
    """Write a list so that `split` gives it back.

    Examples
    --------
    >>> joined(["B12", "B14"]), joined([]), joined(["a;b", "无"])
    ('B12;B14', '无', '["a;b","无"]')
    """
    if not parts:
        return NONE
    text = SEPARATORS[0].join(parts)
    return text if split(text) == list(parts) else orjson.dumps(list(parts)).decode()
