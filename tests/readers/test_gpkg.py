"""GeoPackage as a declaration: layers of others, and packages made to hurt."""

from __future__ import annotations

import json
import sqlite3
import struct

import pytest
import shapely

from auditor import geopackage
from auditor.errors import DeclarationError
from auditor.readers import read_declaration

WHOSE = {"schema": "auditor.declaration/1", "operator": {"name": "Example"}}
POINT, LINE = "POINT", "LINESTRING"


def blob(*places, kind=None, srs=4326, order="<", envelope=0, flags=0, dimensions=2):
    kind = kind or (1 if len(places) == 1 else 2)
    marks = (order == "<") | flags | {0: 0, 32: 2}[envelope]
    head = struct.pack(f"{order}2sBBi", b"GP", 0, marks, srs) + bytes(envelope)
    count = b"" if kind % 1000 == 1 else struct.pack(f"{order}I", len(places))
    numbers = [number for place in places for number in (*place, 9.0, 9.0)[:dimensions]]
    return (
        head
        + struct.pack(f"{order}BI", order == "<", kind)
        + count
        + struct.pack(f"{order}{len(numbers)}d", *numbers)
    )


class Package:
    """A GeoPackage in the making."""

    def __init__(self):
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.db.executescript(geopackage.SCHEMA)
        self.db.executemany(
            "INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, NULL)", geopackage.SYSTEMS
        )

    def system(self, code, organization="EPSG"):
        self.db.execute(
            "INSERT INTO gpkg_spatial_ref_sys VALUES ('x', ?, ?, ?, '', NULL)", (code, organization, code)
        )

    def layer(self, name, shape, columns, rows, srs=4326):
        self.db.execute(
            f"CREATE TABLE {name} (fid INTEGER PRIMARY KEY, {f'geom {shape}, ' if shape else ''}{columns})"
        )
        for row in rows:
            marks = ", ".join("?" * len(row))
            self.db.execute(f"INSERT INTO {name} VALUES (NULL, {marks})", row)  # noqa: S608 -- ours
        self.listed(name, shape, srs)

    def listed(self, name, shape, srs=4326):
        kind = "features" if shape else "attributes"
        self.db.execute("INSERT INTO gpkg_contents (table_name, data_type) VALUES (?, ?)", (name, kind))
        if shape:
            self.db.execute(
                "INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', ?, ?, 0, 0)", (name, shape, srs)
            )

    def bytes(self):
        if self.db.in_transaction:
            self.db.execute("COMMIT")
        data = self.db.serialize()
        self.db.close()
        return data


@pytest.fixture
def package():
    return Package()


@pytest.fixture
def read(tmp_path):
    def reader(given):
        path = tmp_path / "n.gpkg"
        path.write_bytes(given if isinstance(given, bytes) else given.bytes())
        return read_declaration(path, operator=WHOSE)

    return reader


def problems_of(read, given):
    with pytest.raises(DeclarationError) as caught:
        read(given)
    return [str(problem) for problem in caught.value.problems]


def rows(table, *names):
    return [tuple(row[name] for name in names) for row in table.to_pylist()]


def listed(declaration):
    return {unused.what: unused.why for unused in declaration.unused if "no such column" not in unused.why}


def test_layers_of_points_and_lines(read, package):
    sites = [
        (blob((121.5, 31.2)), "甲", "bng", 7, 1, None),
        (blob((121.6, 31.3)), "乙", "router", None, 0, "x"),
    ]
    package.layer("sites", POINT, "name TEXT, kind TEXT, asn INTEGER, transit BOOLEAN, note TEXT", sites)
    package.layer("more", POINT, "id TEXT", [(None, "c"), (blob((121.7, 31.4)), None)])
    package.layer("cables", LINE, "kind TEXT", [(blob((121.5, 31.2), (121.55, 31), (121.6, 31.3)), "fibre")])
    declaration = read(package)
    assert rows(declaration.nodes, "id", "kind", "lon", "lat", "datum", "asn", "transit") == [
        ("甲", "bng", 121.5, 31.2, "WGS84", 7, True),
        ("乙", "router", 121.6, 31.3, "WGS84", None, False),
        ("c", "other", None, None, None, None, True),
        ("more 2", "other", 121.7, 31.4, "WGS84", None, True),
    ]
    assert rows(declaration.links, "source", "target", "kind") == [("甲", "乙", "fibre")]
    assert "fid" not in declaration.nodes.column_names
    assert listed(declaration) == {}


@pytest.mark.parametrize(
    "options",
    [
        {"order": ">"},
        {"envelope": 32},
        {"kind": 1001, "dimensions": 3},
        {"kind": 2001, "dimensions": 3},
        {"kind": 3001, "dimensions": 4},
        {"srs": 0},
    ],
)
def test_the_ways_to_write_a_point(read, package, options):
    package.layer("p", POINT, "id TEXT", [(blob((121.5, 31.2), **options), "a")])
    assert rows(read(package).nodes, "lon", "lat") == [(121.5, 31.2)]


def test_a_line_with_heights_ends_where_it_ends(read, package):
    package.layer("p", POINT, "id TEXT", [(blob((121.5, 31.2)), "a"), (blob((121.6, 31.3)), "b")])
    ends = ((121.5, 31.2), (9, 9), (121.6, 31.3))
    package.layer("l", LINE, "x TEXT", [(blob(*ends, kind=1002, dimensions=3, order=">"), None)])
    assert rows(read(package).links, "source", "target") == [("a", "b")]


def test_other_geometry_and_tables_are_listed(read, package):
    package.layer("p", POINT, "id TEXT", [(blob((121.5, 31.2)), "a")])
    package.layer("areas", "POLYGON", "name TEXT", [(blob(kind=3), "x"), (blob(kind=3), "y")])
    package.layer(
        "mixed",
        "GEOMETRY",
        "name TEXT",
        [(blob(kind=4), "x"), (blob((121, 31)), "b"), (blob(flags=0x20), "e")],
    )
    package.layer("notes", "", "text TEXT", [("x",)])
    package.db.execute("CREATE TABLE scratch (a)")
    package.db.execute("INSERT INTO gpkg_contents (table_name, data_type) VALUES ('gone', 'features')")
    package.db.execute("CREATE TABLE rtree_p_geom (a)")
    declaration = read(package)
    assert rows(declaration.nodes, "id") == [("a",), ("b",)]
    assert listed(declaration) == {
        "Polygon": "no point and no line (2 of them)",
        "MultiPoint": "no point and no line",
        "extended geometry": "no point and no line",
        "table notes (attributes)": "is no layer of points or lines (1 rows)",
        "layer gone": "is no plain table of the file",
        "table scratch": "is none of the contents (0 rows)",
    }


def test_coordinate_systems(read, package):
    package.system(4490)
    package.layer("p", POINT, "id TEXT", [(blob((121.5, 31.2), srs=4490), "a")], 4490)
    assert rows(read(package).nodes, "datum") == [("CGCS2000",)]


@pytest.mark.parametrize(
    ("srs", "organization"), [(3857, "EPSG"), (4326, "mine"), (0, None), (-1, None), (777, None)]
)
def test_other_coordinate_systems_are_problems(read, package, srs, organization):
    if organization == "mine":
        package.db.execute("UPDATE gpkg_spatial_ref_sys SET organization = 'mine' WHERE srs_id = 4326")
    elif organization:
        package.system(srs, organization)
    package.layer("p", POINT, "id TEXT", [(blob((121.5, 31.2), srs=srs), "a")], srs)
    [problem] = problems_of(read, package)
    assert problem.startswith("n.gpkg, layer 'p': its coordinates are in ")


@pytest.mark.parametrize(
    ("geometry", "what"),
    [
        (b"", "the geometry is broken"),
        (b"GP", "the geometry is broken"),
        ("POINT (1 2)", "the geometry is none of GeoPackage"),
        (7, "the geometry is broken"),
        (b"XX" + blob((1, 2))[2:], "the geometry is none of GeoPackage"),
        (blob((1, 2))[:-1], "the geometry is broken"),
        (blob((1, 2), (3, 4))[:-1], "the geometry is cut short"),
        (blob(*[(1.0, 2.0)] * 2, kind=2)[:13] + b"\xff\xff\xff\xff" + bytes(32), "the geometry is cut short"),
        (blob((1, 2), kind=2), "a line has one point alone"),
        (blob((1, 2), kind=9001), "the geometry is broken"),
        (blob((float("inf"), 2)), "the geometry holds something that is no number"),
        (blob((float("nan"), 2)), "the geometry holds something that is no number"),
        (
            blob((1, 2), srs=3857),
            "the geometry is in another coordinate system than its layer; which one holds?",
        ),
    ],
)
def test_geometry_that_is_none(read, package, geometry, what):
    package.layer("p", POINT, "id TEXT", [(blob((121.5, 31.2)), "a"), (geometry, "b")])
    assert problems_of(read, package) == [f"n.gpkg, p 2, geometry: {what}"]


def test_an_empty_point_is_no_place(read, package):
    package.layer("p", POINT, "id TEXT", [(blob((float("nan"), float("nan"))), "a")])
    assert rows(read(package).nodes, "id", "lon") == [("a", None)]


def test_cells_keep_their_types(read, package):
    cells = [(None, "007", "1e5", 1.5, 2, b"x", float("inf"))]
    package.layer("p", POINT, "id TEXT, name TEXT, accuracy_m REAL, asn INTEGER, raw BLOB, far REAL", cells)
    declaration = read(package)
    assert rows(declaration.nodes, "id", "name", "accuracy_m", "asn", "far") == [
        ("007", "1e5", 1.5, 2, "inf")
    ]
    assert listed(declaration) == {"column raw of p": "holds bytes in 1 rows"}


def test_tables_of_ours_need_no_geometry(tmp_path, package):
    package.layer(
        "nodes", "", "id TEXT, kind TEXT, source TEXT", [("a", "bng", "survey"), ("b", "router", None)]
    )
    package.layer("links", "", "source TEXT, target TEXT", [("a", "b"), ("a", None)])
    package.layer("prefixes", "", "prefix TEXT, node TEXT", [("203.0.113.0/24", "a")])
    names = json.dumps({"nodes": {"kind": "kind"}, "links": 7})
    package.layer(
        "auditor",
        "",
        "key TEXT, value TEXT",
        [("records", json.dumps(WHOSE)), ("columns", names), ("x", "y")],
    )
    path = tmp_path / "n.gpkg"
    path.write_bytes(package.bytes())
    declaration = read_declaration(path)
    assert declaration.operator.name == "Example"
    assert rows(declaration.nodes, "id", "source") == [("a", "survey"), ("b", None)]
    assert rows(declaration.links, "source", "target") == [("a", "b"), ("a", None)]
    assert rows(declaration.prefixes, "prefix", "node") == [("203.0.113.0/24", "a")]
    assert listed(declaration) == {"rows of auditor": "none of ours"}


def test_the_files_own_sql_is_never_run(read, package):
    package.layer("p", POINT, "id TEXT", [(blob((121.5, 31.2)), "a")])
    forever = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x AS fid, x AS geom, x AS id FROM c"
    package.db.execute(f"CREATE VIEW endless AS {forever}")
    package.db.execute("CREATE TRIGGER t AFTER INSERT ON p BEGIN DELETE FROM p; END")
    package.db.execute("CREATE VIRTUAL TABLE search USING fts5(a)")
    package.db.execute("ALTER TABLE p ADD COLUMN big TEXT AS (hex(zeroblob(200000000))) VIRTUAL")
    for name in ("endless", "search"):
        package.listed(name, POINT)
    package.db.execute(
        "INSERT INTO gpkg_contents (table_name, data_type) VALUES ('sqlite_master', 'attributes')"
    )
    declaration = read(package)
    assert rows(declaration.nodes, "id") == [("a",)]
    found = listed(declaration)
    assert found["views"] == found["triggers"] == "its SQL is not run (1 of them)"
    assert found["layer endless"] == found["layer search"] == "is no plain table of the file"
    assert found["virtual tables"] == "its SQL is not run (1 of them)"
    assert found["column big of p"] == "is generated: its SQL is not run"


def test_a_table_of_contents_that_is_a_view(read, package):
    package.layer("p", POINT, "id TEXT", [(blob((121.5, 31.2)), "a")])
    package.db.execute("ALTER TABLE gpkg_contents RENAME TO real_contents")
    package.db.execute("CREATE VIEW gpkg_contents AS SELECT * FROM real_contents")
    assert problems_of(read, package) == ["n.gpkg: is no GeoPackage: it has no table gpkg_contents"]


def test_names_that_quote_themselves(read, package):
    name = 'a"; DROP TABLE p; --'
    package.layer('"a""; DROP TABLE p; --"', POINT, '"x"" y" TEXT, id TEXT', [])
    package.db.execute("UPDATE gpkg_contents SET table_name = ?", (name,))
    package.db.execute("UPDATE gpkg_geometry_columns SET table_name = ?", (name,))
    package.db.execute("""INSERT INTO "a""; DROP TABLE p; --" VALUES (1, NULL, 'v', 'n')""")
    assert rows(read(package).nodes, "id", 'x" y') == [("n", "v")]


def test_too_wide_or_too_many(read, package):
    for number in range(101):
        package.layer(f"l{number}", POINT, "id TEXT", [])
    assert problems_of(read, package) == ["n.gpkg: holds 101 layers, more than 100; is it made to hurt?"]


def test_a_cell_that_is_huge(read, package):
    package.layer("p", POINT, "id TEXT", [])
    package.db.execute("INSERT INTO p VALUES (1, NULL, CAST(zeroblob(70000000) AS TEXT))")
    [problem] = problems_of(read, package)
    assert "is a database that cannot be read: string or blob too big" in problem


def test_what_is_no_geopackage(read, package):
    package.layer("p", POINT, "id TEXT", [(blob((121.5, 31.2)), str(number)) for number in range(2000)])
    whole = package.bytes()
    other = sqlite3.connect(":memory:")
    other.execute("CREATE TABLE nodes (id TEXT, kind TEXT)")
    renamed = other.serialize()
    other.close()
    assert problems_of(read, renamed) == [
        "n.gpkg: is an SQLite database, but no GeoPackage; its application id is not GPKG"
    ]
    assert problems_of(read, b'{"a": 1}') == ["n.gpkg: is no GeoPackage: it is no SQLite database"]
    for length in (100, 5000, len(whole) - 1):
        assert problems_of(read, whole[:length]) == ["n.gpkg: is cut short; is it complete?"]
    text = whole.replace(b"CREATE TABLE gpkg_contents", b"CREATE TABLE gpkg contents")
    [problem] = problems_of(read, text)
    assert "is a database that cannot be read: malformed database schema" in problem
    page = 4096 * (len(whole) // 4096 - 1)
    [problem] = problems_of(read, whole[:page] + b"\xee" * (len(whole) - page))
    assert "is a database that cannot be read: database disk image is malformed" in problem


def test_text_that_is_no_utf_8(read, package):
    package.layer("p", POINT, "id TEXT", [(None, "aaaabbbb")])
    data = package.bytes().replace(b"aaaabbbb", b"aaaa\xff\xfe\xfd\xfc")
    [problem] = problems_of(read, data)
    assert "is a database that cannot be read: Could not decode to UTF-8" in problem


def test_a_package_left_in_wal_mode(read, package):
    package.layer("p", POINT, "id TEXT", [(None, "a")])
    data = package.bytes()
    assert rows(read(data[:18] + b"\2\2" + data[20:]).nodes, "id") == [("a",)]


def gp(geometry):
    """A geometry as a GeoPackage holds it, by shapely."""
    return b"GP\0\1" + (4326).to_bytes(4, "little") + shapely.to_wkb(geometry, byte_order=1)


def test_geometries_of_one_part_are_that_part(read, package):
    """As the exports of shapefiles have them; those of several parts may be missed."""
    line = [(121.5, 31.2), (121.6, 31.3)]
    package.layer("sites", "MULTIPOINT", "name TEXT", [(gp(shapely.MultiPoint([line[0]])), "a")])
    package.layer("cables", "MULTILINESTRING", "name TEXT", [(gp(shapely.MultiLineString([line])), "l")])
    declaration = read(package)
    assert rows(declaration.nodes, "id", "lon") == [("a", 121.5)]
    assert rows(declaration.links, "source") == [("a",)]
    assert not declaration.partial


@pytest.mark.parametrize(
    "geometry",
    [
        shapely.MultiLineString([[(121.5, 31.2), (121.6, 31.3)], [(121.5, 31.2), (121.7, 31.3)]]),
        shapely.LineString([(121.4, 31.2), (121.5, 31.2), (121.6, 31.3)]),
        shapely.box(121.4, 31.2, 121.6, 31.3),
    ],
)
def test_what_may_be_missed_is_said(read, package, geometry):
    package.layer("sites", POINT, "name TEXT", [(blob((121.5, 31.2)), "a")])
    package.layer("cables", "GEOMETRY", "name TEXT", [(gp(geometry), "l")])
    assert read(package).partial


def test_parts_within_parts_end(read, package):
    nested = b"GP\0\1" + (4326).to_bytes(4, "little") + b"\1\5\0\0\0\1\0\0\0" * 100_000
    package.layer("cables", LINE, "name TEXT", [(nested, "l")])
    [problem] = problems_of(read, package)
    assert "the geometry is broken" in problem
