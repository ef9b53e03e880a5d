"""GeoPackage by the standard library's SQLite: tables of features and of attributes, in WGS84.

The same rows give the same bytes. Source: OGC 12-128r18, GeoPackage Encoding Standard 1.3.
"""

from __future__ import annotations

import sqlite3
import struct
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    Box: TypeAlias = tuple[float | None, float | None, float | None, float | None]

START = "1970-01-01T00:00:00.000Z"  # the same content gives the same bytes
WGS84 = 4326
NOWHERE = (None, None, None, None)
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


def opened() -> sqlite3.Connection:
    """Give a new GeoPackage in memory, in one transaction that `closed` ends."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.executescript(SCHEMA)
    db.executemany("INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, NULL)", SYSTEMS)
    return db


def closed(db: sqlite3.Connection) -> bytes:
    """Give the bytes of a GeoPackage, and close it."""
    db.execute("COMMIT")
    written = db.serialize()
    db.close()
    return written


def add_table(
    db: sqlite3.Connection,
    table: str,
    columns: Mapping[str, str],
    rows: Iterable[Sequence[Any]],
    *,
    shape: str = "",
    box: Box = NOWHERE,
) -> None:
    """Write one table.

    Parameters
    ----------
    table
        Its name, in plain letters.
    columns
        SQL type by name; the names differ by more than case, from one another and from `KEY` and `GEOMETRY`.
    rows
        Cells in the order of the columns; where there is a shape, before them the geometry (see `packed`).
    shape
        ``POINT``, ``MULTILINESTRING`` … of a table of features; empty for one of attributes.
    box
        West, south, east and north of all geometries.
    """
    parts = [f"{KEY} INTEGER PRIMARY KEY NOT NULL", *([f"{GEOMETRY} {shape}"] if shape else [])]
    parts += [f"{quoted(name)} {kind}" for name, kind in columns.items()]
    db.execute(f"CREATE TABLE {table} ({', '.join(parts)})")
    marks = ", ".join("?" * len(parts))
    cells = ([number, *row] for number, row in enumerate(rows, 1))
    db.executemany(f"INSERT INTO {table} VALUES ({marks})", cells)  # noqa: S608 -- names of ours
    kind, system = ("features", WGS84) if shape else ("attributes", None)
    contents = (table, kind, table, "", START, *box, system)
    db.execute("INSERT INTO gpkg_contents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", contents)
    if shape:
        geometry = (table, GEOMETRY, shape, WGS84, 0, 0)
        db.execute("INSERT INTO gpkg_geometry_columns VALUES (?, ?, ?, ?, ?, ?)", geometry)


def packed(wkb: bytes | None) -> bytes | None:
    """Put the header of GeoPackage before a geometry as little-endian WKB; there may be none."""
    return None if wkb is None else struct.pack("<2sBBi", b"GP", 0, 1, WGS84) + wkb


def quoted(name: str) -> str:
    """Quote the name of a column for SQL."""
    return '"' + name.replace('"', '""') + '"'
