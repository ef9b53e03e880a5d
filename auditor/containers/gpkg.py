"""GeoPackage by the standard library's SQLite: plain tables are read, nothing that a file brings is run.

Views, triggers, virtual tables and generated columns are SQL of the file's own; they are listed, not touched.
"""

from __future__ import annotations

import re
import sqlite3
import struct
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from auditor.containers import ContainerError, written
from auditor.language import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAGIC = b"SQLite format 3\0"
APPLICATIONS = (b"GPKG", b"GP10", b"GP11")
CONTENTS, GEOMETRIES, SYSTEMS = "gpkg_contents", "gpkg_geometry_columns", "gpkg_spatial_ref_sys"
SYSTEM = ("srs_id", "organization", "organization_coordsys_id")
OURS = ("nodes", "links", "prefixes", "auditor")
PLAIN = re.compile(r"CREATE\s+TABLE\b", re.IGNORECASE)
HELPERS = re.compile(r"gpkg_|rtree_|sqlite_", re.IGNORECASE)
MOST_LAYERS = 100
MOST_ROWS = 2_000_000
MOST_TURNS = 200  # of a million steps of SQLite's machine; a row takes some thirty
LONGEST_CELL = 64 << 20
BATCH = 5_000
HURT = say("is it made to hurt?")
LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: LONGEST_CELL,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 1 << 20,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 2,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
SWITCHES = {  # of Python 3.12 and later
    "SQLITE_DBCONFIG_DEFENSIVE": True,
    "SQLITE_DBCONFIG_TRUSTED_SCHEMA": False,
    "SQLITE_DBCONFIG_ENABLE_TRIGGER": False,
    "SQLITE_DBCONFIG_ENABLE_VIEW": False,
    "SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION": False,
}
SHAPES = ("Geometry", "Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon")
OBJECTS = {"view": say("views"), "trigger": say("triggers"), "virtual table": say("virtual tables")}
ENVELOPES = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}  # bytes, by the code in the flags
BROKEN = (sqlite3.Error, sqlite3.Warning, UnicodeError, ValueError, OverflowError)


def read(data: bytes) -> dict[str, Any]:
    """Read the layers of points and lines, and the tables of ours.

    Returns
    -------
    dict
        ``layers``, each with its name, kind, coordinate system, columns and rows (the last two cells of a row
        are its geometry and its number), and ``unused``, pairs of what and why.

    Raises
    ------
    ContainerError
        If it is no GeoPackage, or damaged.
    """
    data = _checked(data)
    try:
        return _Package(_opened(data)).read()
    except BROKEN as error:
        what = say("is a database that cannot be read: {reason}", reason=str(error)[:100])
        raise ContainerError(what, say("is it complete?")) from None


def _checked(data: bytes) -> bytes:
    if not data.startswith(MAGIC):
        raise ContainerError(say("is no GeoPackage: it is no SQLite database"))
    if data[68:72] not in APPLICATIONS:
        raise ContainerError(
            say("is an SQLite database, but no GeoPackage"), say("its application id is not GPKG")
        )
    size = int.from_bytes(data[16:18], "big")
    pages = int.from_bytes(data[28:32], "big")
    if pages * (65_536 if size == 1 else size) > len(data):
        raise ContainerError(say("is cut short"), say("is it complete?"))
    # a database in memory cannot be in WAL mode; SQLite's documentation says to set these two bytes
    return data[:18] + b"\1\1" + data[20:] if data[18:20] == b"\2\2" else data


def _opened(data: bytes) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    for switch, value in SWITCHES.items():
        if hasattr(db, "setconfig"):
            db.setconfig(getattr(sqlite3, switch), value)
    db.deserialize(data)
    for limit, most in LIMITS.items():
        db.setlimit(limit, most)
    for pragma in ("trusted_schema = 0", "cell_size_check = 1", "query_only = 1"):
        db.execute(f"PRAGMA {pragma}")
    turns = iter(range(MOST_TURNS))
    db.set_progress_handler(lambda: next(turns, None) is None, 1_000_000)
    return db


def _permit(plain: set[str]) -> Callable[..., int]:
    """Permit to read plain tables and to count, and no more."""

    def permit(action: int, first: str | None, second: str | None, _: str | None, inner: str | None) -> int:
        allowed = inner is None and (
            action == sqlite3.SQLITE_SELECT
            or (action == sqlite3.SQLITE_READ and first in plain)
            or (action == sqlite3.SQLITE_FUNCTION and second == "count")
            or (action == sqlite3.SQLITE_PRAGMA and first == "table_xinfo")
        )
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY

    return permit


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@dataclass
class _Package:
    """One open GeoPackage."""

    db: sqlite3.Connection
    plain: set[str] = field(default_factory=set)
    unused: list[tuple[str, str]] = field(default_factory=list)
    rows_left: int = MOST_ROWS

    def read(self) -> dict[str, Any]:
        """Read all layers."""
        self.db.set_authorizer(_permit({"sqlite_master", "sqlite_schema"}))
        others: Counter[str] = Counter()
        for kind, name, root, sql in self.db.execute("SELECT type, name, rootpage, sql FROM sqlite_master"):
            if not isinstance(name, str) or not isinstance(sql, str | None):
                raise ContainerError(say("is no sound SQLite database: its list of tables holds no text"))
            if kind == "table" and root and (name.startswith("sqlite_") or PLAIN.match(sql or "")):
                self.plain.add(name)
            elif kind != "index" and not HELPERS.match(name):
                others["virtual table" if kind == "table" else str(kind)] += 1
        self.unused += [
            (OBJECTS.get(kind, f"{kind}s"), say("its SQL is not run ({count:,} of them)", count=times))
            for kind, times in others.items()
        ]
        self.db.set_authorizer(_permit(self.plain))
        for name in (CONTENTS, SYSTEMS):
            if name not in self.plain:
                raise ContainerError(say("is no GeoPackage: it has no table {table}", table=name))
        return {"layers": list(self.layers()), "unused": self.unused}

    def layers(self) -> Iterator[dict[str, Any]]:
        """Read what the list of contents names; list all other tables."""
        systems = {key: f"{name}:{code}".upper() for key, name, code in self.rows(SYSTEMS, *SYSTEM)}
        geometries = {}
        if GEOMETRIES in self.plain:
            found = self.rows(GEOMETRIES, "table_name", "column_name", "geometry_type_name", "srs_id")
            geometries = {table: rest for table, *rest in found if isinstance(rest[0], str)}
        listed = self.rows(CONTENTS, "table_name", "data_type")
        contents = {table: kind for table, kind in listed if isinstance(table, str)}
        if len(contents) > MOST_LAYERS:
            raise ContainerError(
                say("holds {count:,} layers, more than {most}", count=len(contents), most=MOST_LAYERS), HURT
            )
        for table, kind in contents.items():
            if table not in self.plain:
                self.unused.append((say("layer {table}", table=table), say("is no plain table of the file")))
            elif kind == "features" and table in geometries:
                column, shape, system = geometries[table]
                stated = {"shape": str(shape), "system": systems.get(system, "nothing")}
                yield {**self.layer(table, column), **stated}
            elif kind == "attributes" and table in OURS:
                yield self.layer(table, None)
            else:
                why = say("is no layer of points or lines ({rows})", rows=self.count(table))
                self.unused.append((say("table {table} ({kind})", table=table, kind=kind), why))
        rest = [name for name in sorted(self.plain) if name not in contents and not HELPERS.match(name)]
        self.unused += [
            (say("table {table}", table=name), say("is none of the contents ({rows})", rows=self.count(name)))
            for name in rest
        ]

    def rows(self, table: str, *columns: str) -> sqlite3.Cursor:
        """Give rows in the order in which they are kept; no index, which may be broken, is asked."""
        named = ", ".join(map(_quoted, columns)) or "NULL"
        return self.db.execute(f"SELECT {named} FROM {_quoted(table)} NOT INDEXED")  # noqa: S608 -- quoted

    def count(self, table: str) -> str:
        """Count the rows of a table."""
        [(rows,)] = self.db.execute(f"SELECT count(*) FROM {_quoted(table)}")  # noqa: S608 -- quoted
        return say("{count:,} rows", count=rows)

    def layer(self, table: str, geometry: str | None) -> dict[str, Any]:
        """Read one table."""
        types, key = {}, None
        for _, name, kind, _, _, primary, hidden in self.db.execute(f"PRAGMA table_xinfo({_quoted(table)})"):
            if hidden:
                self.unused.append(
                    (
                        say("column {name} of {table}", name=name, table=table),
                        say("is generated: its SQL is not run"),
                    )
                )
            else:
                types[name] = kind.upper()
                key = name if primary == 1 and kind.upper() == "INTEGER" else key
        if geometry is not None and geometry not in types:
            raise ContainerError(
                say("has no column {name!r} in {table!r}", name=geometry[:60], table=table[:60]),
                say("is it complete?"),
            )
        names = [name for name in types if name != geometry and (name != key or name == "id")]
        flags = {at for at, name in enumerate(names) if types[name].startswith("BOOL")}
        rows = self.cells(table, names, flags, geometry, key)
        return {"table": table, "columns": names, "rows": orjson.Fragment(rows)}

    def cells(
        self, table: str, names: list[str], flags: set[int], geometry: str | None, key: str | None
    ) -> bytes:
        """Write the rows of a table as JSON, some at a time: as objects, they take many times the file."""
        blobs: Counter[str] = Counter()
        parts: list[bytes] = []
        done = 0
        cursor = self.rows(table, *names, *(name for name in (geometry, key) if name is not None))
        while batch := cursor.fetchmany(BATCH):
            self.rows_left -= len(batch)
            if self.rows_left < 0:
                raise ContainerError(say("holds more than {most:,} rows", most=MOST_ROWS), HURT)
            rows = []
            for number, row in enumerate(batch, done + 1):
                given = [_cell(value, at in flags) for at, value in enumerate(row[: len(names)])]
                blobs.update(names[at] for at in range(len(names)) if isinstance(row[at], bytes))
                shape = _geometry(row[len(names)]) if geometry is not None else None
                fid = row[-1] if key is not None and isinstance(row[-1], int) else number
                rows.append([*given, shape, fid])
            done += len(batch)
            parts.append(written(rows)[1:-1])
        for name, times in blobs.items():
            self.unused.append(
                (
                    say("column {name} of {table}", name=name, table=table),
                    say("holds bytes in {count:,} rows", count=times),
                )
            )
        return b"[" + b",".join(parts) + b"]"


def _cell(value: Any, flag: bool) -> Any:  # noqa: FBT001 -- two values, one meaning
    if isinstance(value, bytes):
        return None
    if flag and value in {0, 1}:
        return bool(value)
    if isinstance(value, float) and value - value != 0:  # JSON has no infinity
        return str(value)
    return value


def _geometry(blob: Any) -> dict[str, Any] | None:
    """Read a geometry: its type, its coordinate system, and the point or the points of the line."""
    if blob is None:
        return None
    try:
        return _blob(blob)
    except (struct.error, KeyError, TypeError, IndexError, RecursionError):
        return {"fault": say("the geometry is broken")}


def _blob(blob: bytes) -> dict[str, Any]:
    flags = blob[3]
    if blob[:2] != b"GP" or blob[2]:
        return {"fault": say("the geometry is none of GeoPackage")}
    order = "<" if flags & 1 else ">"
    (system,) = struct.unpack_from(f"{order}i", blob, 4)
    if flags & 0x20:
        return {"shape": say("extended geometry"), "srs": system, "places": []}
    return {"srs": system, **_wkb(blob, 8 + ENVELOPES[flags >> 1 & 7])}


def _wkb(blob: bytes, at: int) -> dict[str, Any]:
    """Read one geometry; of several parts only one that is the one part of them (as other programs write)."""
    order = {0: ">", 1: "<"}[blob[at]]
    (kind,) = struct.unpack_from(f"{order}I", blob, at + 1)
    base, dimensions = kind % 1000, {0: 2, 1: 3, 2: 3, 3: 4}[kind // 1000]
    shape = SHAPES[base] if base < len(SHAPES) else say("other geometry")
    places: list[tuple[float, float]] = []
    if shape == "Point":
        places = [struct.unpack_from(f"{order}2d", blob, at + 5)]
    elif shape in {"LineString", "MultiPoint", "MultiLineString"}:
        (length,) = struct.unpack_from(f"{order}I", blob, at + 5)
        if shape != "LineString":
            inner = _wkb(blob, at + 9) if length == 1 else {}
            alike = inner.get("shape") == shape.removeprefix("Multi")
            return inner if alike or "fault" in inner else {"shape": shape, "places": []}
        if at + 9 + length * dimensions * 8 > len(blob):
            return {"fault": say("the geometry is cut short")}
        if length == 1:
            return {"fault": say("a line has one point alone")}
        step = dimensions * 8
        places = [struct.unpack_from(f"{order}2d", blob, at + 9 + step * spot) for spot in range(length)]
    if shape == "Point" and all(number != number for number in places[0]):  # noqa: PLR0124 -- NaN: empty
        places = []
    if not all(number - number == 0 for place in places for number in place):
        return {"fault": say("the geometry holds something that is no number")}
    return {"shape": shape, "places": places}
