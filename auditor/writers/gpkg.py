"""GeoPackage by the standard library's SQLite: layers of nodes and links, tables of prefixes and records."""

from __future__ import annotations

import sqlite3
import struct
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa

from auditor.columns import BLANK, DECLARED
from auditor.writers._content import CARRIED, Writer, rows
from auditor.writers._geometry import Drawn, drawn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.writers._content import Content
    from auditor.writers._geometry import Place

START = "1970-01-01T00:00:00.000Z"  # the same declaration gives the same bytes
WGS84 = 4326
WKT = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],'
    'AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",'
    '0.0174532925199433,AUTHORITY["EPSG","9122"]],AUTHORITY["EPSG","4326"]]'
)
SYSTEMS = (
    ("Undefined Cartesian", -1, "NONE", -1, "undefined"),
    ("Undefined geographic", 0, "NONE", 0, "undefined"),
    ("WGS 84", WGS84, "EPSG", WGS84, WKT),
)
SCHEMA = """
PRAGMA page_size = 4096;
PRAGMA encoding = 'UTF-8';
PRAGMA secure_delete = 1;
PRAGMA application_id = 1196444487;
PRAGMA user_version = 10300;
BEGIN;
CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY,
  organization TEXT NOT NULL, organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL,
  description TEXT);
CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT
  UNIQUE, description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL,
  geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
  CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
"""
KEY, GEOMETRY = "fid", "geom"
TYPES = (
    (pa.types.is_boolean, "BOOLEAN"),
    (pa.types.is_integer, "INTEGER"),
    (pa.types.is_floating, "REAL"),
    (pa.types.is_date, "DATE"),
)


def write(content: Content) -> bytes:
    """Write the database."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.executescript(SCHEMA)
    db.executemany("INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, NULL)", SYSTEMS)
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
    db.execute("COMMIT")
    written = db.serialize()
    db.close()
    return written


def _table(
    db: sqlite3.Connection, table: str, listed: list[Drawn], typed: pa.Table, shape: str = ""
) -> dict[str, str]:
    """Write one table; give the names of columns that had to be called otherwise."""
    kinds = {name: _kind(typed.schema.field(name).type) for name in typed.column_names}
    names = dict.fromkeys((*kinds, *(name for row in listed for name in row.columns)))
    columns = _distinct(name for name in names if "\0" not in name)
    known = {**dict.fromkeys((DECLARED, BLANK), "BOOLEAN"), **kinds}
    parts = [f"{KEY} INTEGER PRIMARY KEY NOT NULL", *([f"{GEOMETRY} {shape}"] if shape else [])]
    parts += [f"{_quoted(column)} {known.get(name, 'TEXT')}" for name, column in columns.items()]
    db.execute(f"CREATE TABLE {table} ({', '.join(parts)})")
    marks = ", ".join("?" * len(parts))
    cells = (
        [number, *([_blob(row.places)] if shape else []), *(row.columns.get(name) for name in columns)]
        for number, row in enumerate(listed, 1)
    )
    db.executemany(f"INSERT INTO {table} VALUES ({marks})", cells)  # noqa: S608 -- names of ours
    box = _box([place for row in listed for place in row.places])
    kind, system = ("features", WGS84) if shape else ("attributes", None)
    contents = (table, kind, table, "", START, *box, system)
    db.execute("INSERT INTO gpkg_contents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", contents)
    if shape:
        geometry = (table, GEOMETRY, shape, WGS84, 0, 0)
        db.execute("INSERT INTO gpkg_geometry_columns VALUES (?, ?, ?, ?, ?, ?)", geometry)
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


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _blob(places: tuple[Place, ...]) -> bytes | None:
    """Write a point or a line as GeoPackage has it: a header, then WKB."""
    if not places:
        return None
    head = struct.pack("<2sBBi", b"GP", 0, 1, WGS84)
    if len(places) == 1:
        return head + struct.pack("<BI2d", 1, 1, *places[0])
    return head + struct.pack("<BII", 1, 2, len(places)) + b"".join(struct.pack("<2d", *p) for p in places)


def _box(places: list[Place]) -> tuple[Any, Any, Any, Any]:
    if not places:
        return None, None, None, None
    lon, lat = zip(*places, strict=True)
    return min(lon), min(lat), max(lon), max(lat)


WRITER = Writer("gpkg", (".gpkg",), write)
