"""GeoPackage: layers of nodes and links, tables of prefixes and records."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import orjson
import pyarrow as pa

from auditor.columns import BLANK, CARRIED, DECLARED
from auditor.geopackage import GEOMETRY, KEY, NOWHERE, add_table, closed, opened, packed
from auditor.writers._content import Writer, rows
from auditor.writers._geometry import Drawn, drawn

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from auditor.geopackage import Box
    from auditor.writers._content import Content
    from auditor.writers._geometry import Place

TYPES = (
    (pa.types.is_boolean, "BOOLEAN"),
    (pa.types.is_integer, "INTEGER"),
    (pa.types.is_floating, "REAL"),
    (pa.types.is_date, "DATE"),
)


def write(content: Content) -> bytes:
    """Write the database."""
    db = opened()
    nodes, links = drawn(content, marked=False)
    renamed = {
        "nodes": _table(db, "nodes", nodes, content.nodes, "POINT"),
        "links": _table(db, "links", links, content.links, "LINESTRING"),
    }
    if content.prefixes is not None:
        listed = [Drawn(row, ()) for row in rows(content.prefixes)]
        renamed["prefixes"] = _table(db, "prefixes", listed, content.prefixes)
    own = {}
    if content.carried:
        network = {key: value for key, value in content.carried["network"].items() if key != "prefixes"}
        own["records"] = orjson.dumps({**content.carried, "network": network}).decode()
    if any(renamed.values()):
        own["columns"] = orjson.dumps(renamed).decode()
    if own:
        text = pa.table({"key": pa.array([], pa.string()), "value": pa.array([], pa.string())})
        _table(db, CARRIED, [Drawn({"key": key, "value": own[key]}, ()) for key in own], text)
    return closed(db)


def _table(
    db: sqlite3.Connection, table: str, listed: list[Drawn], typed: pa.Table, shape: str = ""
) -> dict[str, str]:
    """Write one table; give the names of columns that had to be called otherwise."""
    kinds = {name: _kind(typed.schema.field(name).type) for name in typed.column_names}
    names = dict.fromkeys((*kinds, *(name for row in listed for name in row.columns)))
    columns = _distinct(name for name in names if "\0" not in name)
    known = {**dict.fromkeys((DECLARED, BLANK), "BOOLEAN"), **kinds}
    cells = (
        [*([_blob(row.places)] if shape else []), *(row.columns.get(name) for name in columns)]
        for row in listed
    )
    typed_as = {column: known.get(name, "TEXT") for name, column in columns.items()}
    box = _box([place for row in listed for place in row.places])
    add_table(db, table, typed_as, cells, shape=shape, box=box)
    return {column: name for name, column in columns.items() if column != name}


def _kind(kind: pa.DataType) -> str:
    return next((sql for fits, sql in TYPES if fits(kind)), "TEXT")


def _distinct(names: Iterable[str]) -> dict[str, str]:
    """Give every name a column of its own; SQLite takes names that differ by case alone for one."""
    taken = {KEY, GEOMETRY}
    columns = {}
    for name in names:
        column, times = name or "_", 1
        while column.casefold() in taken:
            times += 1
            column = f"{name}_{times}"
        taken.add(column.casefold())
        columns[name] = column
    return columns


def _blob(places: tuple[Place, ...]) -> bytes | None:
    """Write a point or a line as GeoPackage has it: a header, then WKB."""
    if not places:
        return None
    if len(places) == 1:
        return packed(struct.pack("<BI2d", 1, 1, *places[0]))
    return packed(struct.pack("<BII", 1, 2, len(places)) + b"".join(struct.pack("<2d", *p) for p in places))


def _box(places: list[Place]) -> Box:
    if not places:
        return NOWHERE
    lon, lat = zip(*places, strict=True)
    return min(lon), min(lat), max(lon), max(lat)


WRITER = Writer("gpkg", (".gpkg",), write)
