"""GeoPackages are opened in a child, under its limits, and what it answers is plain."""

from __future__ import annotations

import sqlite3

import pytest

from auditor import geopackage
from auditor.containers import ContainerError, Limits, gpkg, read_boxed


def package(*more):
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.executescript(geopackage.SCHEMA)
    db.executemany("INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, NULL)", geopackage.SYSTEMS)
    db.execute("CREATE TABLE nodes (fid INTEGER PRIMARY KEY, id TEXT, on_ BOOLEAN, n BOOLEAN)")
    db.execute("INSERT INTO nodes VALUES (7, 'a', 1, 2), (9, NULL, 0, 'x')")
    db.execute("INSERT INTO gpkg_contents (table_name, data_type) VALUES ('nodes', 'attributes')")
    for statement in more:
        db.execute(statement)
    db.execute("COMMIT")
    data = db.serialize()
    db.close()
    return data


def test_rows_come_with_geometry_and_number():
    assert read_boxed("gpkg", package()) == {
        "layers": [
            {
                "table": "nodes",
                "columns": ["id", "on_", "n"],
                "rows": [["a", True, 2, None, 7], [None, False, "x", None, 9]],
            }
        ],
        "unused": [],
    }


def test_a_table_of_many_rows_comes_in_parts():
    rows = "WITH RECURSIVE c(x) AS (SELECT 100 UNION ALL SELECT x + 1 FROM c LIMIT 12000)"
    rows += " SELECT x, 'r' || x, NULL, NULL FROM c"
    answer = read_boxed("gpkg", package("INSERT INTO nodes " + rows))
    listed = answer["layers"][0]["rows"]
    assert len(listed) == 12_002
    assert [row[-1] for row in listed] == [7, 9, *range(100, 12_100)]


def test_a_child_keeps_to_its_memory():
    big = package("INSERT INTO nodes SELECT 100, hex(zeroblob(30000000)), NULL, NULL")
    with pytest.raises(ContainerError, match="takes more than 100 MB"):
        read_boxed("gpkg", big, Limits(memory_bytes=100 << 20))


def test_only_plain_tables_may_be_read():
    permit = gpkg._permit({"nodes"})
    select, read, function, pragma = (
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_PRAGMA,
    )
    permitted = [
        (select, None, None, None, None),
        (read, "nodes", "id", "main", None),
        (function, None, "count", None, None),
        (pragma, "table_xinfo", "nodes", None, None),
    ]
    assert [permit(*asked) for asked in permitted] == [sqlite3.SQLITE_OK] * 4
    denied = [
        (read, "other", "id", "main", None),
        (read, "nodes", "id", "main", "a_view"),
        (select, None, None, None, "a_trigger"),
        (function, None, "load_extension", None, None),
        (function, None, "randomblob", None, None),
        (pragma, "writable_schema", "1", None, None),
        (sqlite3.SQLITE_ATTACH, "/etc/passwd", None, None, None),
        (sqlite3.SQLITE_INSERT, "nodes", None, "main", None),
        (sqlite3.SQLITE_RECURSIVE, None, None, None, None),
    ]
    assert [permit(*asked) for asked in denied] == [sqlite3.SQLITE_DENY] * len(denied)


def test_a_query_that_runs_away_is_stopped(monkeypatch):
    monkeypatch.setattr(gpkg, "MOST_TURNS", 2)
    db = gpkg._opened(package())
    forever = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        db.execute(forever).fetchall()
    with pytest.raises(sqlite3.Error):
        db.execute("DELETE FROM nodes")
    with pytest.raises(sqlite3.Error):
        db.execute("ATTACH 'x' AS y")
    db.close()
