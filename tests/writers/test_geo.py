"""GeoJSON, KML, KMZ and GeoPackage: what is written is read back the same, and others can open it."""

from __future__ import annotations

import io
import json
import sqlite3
import string
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from auditor import tables
from auditor.datum import DATUMS, to_wgs84
from auditor.readers import read_declaration
from auditor.writers import content_of, writers

WRITERS = {writer.name: writer for writer in writers()}
FORMS = ("geojson", "kml", "kmz", "gpkg")
NASTY = ['"', "'", "<&>", "]]>", "=1+1", "+1", "-2", "@x", "007", "1e5", "true", "NaN", "null", "0", "节点"]
NASTY += [
    "a\nb",
    "a\tb",
    "a\r\nb",
    "é",
    "😀",
    "x" * 5000,
    "<![CDATA[",
    "&amp;",
    "a;b",
    "%s",
    "\\",
    "\u2028",
    "אב",
]
LETTERS = string.ascii_letters + string.digits + "_-.é节"
IDS = st.sampled_from([text for text in NASTY if text == text.strip()]) | st.text(
    LETTERS, min_size=1, max_size=6
)
MANY = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FEW = settings(MANY, max_examples=12)  # each reads twice in a child process
PLACES = st.fixed_dictionaries(
    {"lon": st.floats(73, 135).filter(bool), "lat": st.floats(18, 54)},
    optional={"datum": st.sampled_from(DATUMS), "accuracy_m": st.floats(0, 1e5)},
)
NODE = st.builds(
    lambda node, place: node | place,
    st.fixed_dictionaries(
        {"id": IDS, "kind": st.sampled_from(tables.NODE_KINDS)},
        optional={
            "name": IDS,
            "owner": IDS,
            "asn": st.integers(0, 2**32 - 1),
            "from_on": st.just("2026-01-02"),
            "transit": st.booleans(),
            "Extra": IDS,
            "extra": IDS,
            "folder": IDS,
            "source": IDS,
            "fid": IDS,
            "geom": IDS,
            "ключ <&\"'": IDS,
        },
    ),
    st.just({}) | PLACES,
)
NODES = st.lists(NODE, min_size=1, max_size=6, unique_by=lambda node: node["id"])
ENDS = st.none() | IDS


def records(nodes, links, **more):
    head = {"schema": "auditor.declaration/1", "operator": {"name": "示例 <&>"}, "declared_on": "2026-10-01"}
    return head | more | {"network": {"nodes": nodes, "links": links}}


def read_json(folder, tree):
    path = folder / "d.json"
    path.write_text(json.dumps(tree), "utf-8")
    return read_declaration(path)


def back(folder, declaration, form):
    path = folder / f"d.{form}"
    path.write_bytes(WRITERS[form].write(content_of(declaration)))
    return read_declaration(path)


def rows(table):
    listed = table.drop_columns([name for name in ("tail", "head") if name in table.column_names]).to_pylist()
    return [{name: value for name, value in row.items() if value is not None} for row in listed]


def same(before, after):
    assert rows(after.nodes) == rows(before.nodes)
    assert rows(after.links) == rows(before.links)
    assert after.undeclared.to_pylist() == before.undeclared.to_pylist()
    assert (after.prefixes is None) == (before.prefixes is None)
    if before.prefixes is not None:
        assert rows(after.prefixes) == rows(before.prefixes)
    for name in ("operator", "approvals", "services", "contracts", "declared_on", "complete", "access_layer"):
        assert getattr(after, name) == getattr(before, name)


@st.composite
def networks(draw):
    nodes = draw(NODES)
    ids = st.sampled_from([node["id"] for node in nodes])
    link = st.fixed_dictionaries(
        {"source": ids | IDS, "target": st.none() | ids | IDS},
        optional={
            "kind": st.sampled_from(tables.LINK_KINDS),
            "cost": st.floats(0, 1e9),
            "name": IDS,
            "lon": IDS,
        },
    )
    return nodes, draw(st.lists(link, max_size=6))


@pytest.mark.parametrize("form", ["geojson", "kml"])
@MANY
@given(network=networks())
def test_what_is_written_is_read_back_the_same(tmp_path, form, network):
    before = read_json(tmp_path, records(*network))
    same(before, back(tmp_path, before, form))


@pytest.mark.parametrize("form", ["kmz", "gpkg"])
@FEW
@given(network=networks())
def test_what_is_packed_is_read_back_the_same(tmp_path, form, network):
    before = read_json(tmp_path, records(*network))
    same(before, back(tmp_path, before, form))


@pytest.fixture
def declared(tmp_path):
    nodes = [
        {"id": "a", "kind": "bng", "name": "甲", "lon": 121.5, "lat": 31.2, "datum": "GCJ-02", "Extra": "1"},
        {"id": "b", "kind": "router", "lon": 121.6, "lat": 31.3, "extra": "007", "transit": True},
        {"id": "c", "kind": "server", "source": "survey"},
    ]
    links = [
        {"source": "a", "target": "b", "kind": "fibre"},
        {"source": "a", "target": "c", "from_on": "2026-01-02"},
        {"source": "b", "target": None, "id": "l-3"},
        {"source": "gone", "target": "c"},
    ]
    tree = records(nodes, links, services=[{"code": "B14", "scope": ["CN"]}], approvals_complete=True)
    tree["network"] |= {"prefixes": [{"prefix": "203.0.113.0/24", "node": "a"}], "access_layer": "physical"}
    return read_json(tmp_path, tree)


@pytest.mark.parametrize("form", FORMS)
def test_all_that_is_declared_comes_back(tmp_path, declared, form):
    after = back(tmp_path, declared, form)
    same(declared, after)
    assert after.unused == tuple(u for u in after.unused if u.what.startswith("column "))
    assert [note for note in after.notes if "place" in note.what or "joint" in note.what] == []


@pytest.mark.parametrize("form", FORMS)
def test_the_same_declaration_gives_the_same_bytes(declared, form):
    content = content_of(declared)
    assert WRITERS[form].write(content) == WRITERS[form].write(content_of(declared))


def gcj_in_wgs84():
    lon, lat = to_wgs84([121.5], [31.2], "GCJ-02")
    return (float(lon[0]), float(lat[0]))


def test_geojson_draws_in_wgs84_and_keeps_what_is_declared(declared):
    tree = json.loads(WRITERS["geojson"].write(content_of(declared)))
    assert list(tree) == ["type", "auditor", "features"]
    first, second, third = tree["features"][:3]
    assert first["geometry"] == {"type": "Point", "coordinates": [*gcj_in_wgs84()]}
    assert (first["properties"]["lon"], first["properties"]["datum"]) == (121.5, "GCJ-02")
    assert second["geometry"]["coordinates"] == [121.6, 31.3]  # its datum is unknown: as it stands
    assert second["properties"]["datum"] is None
    assert third["geometry"] is None
    lines = [feature for feature in tree["features"] if "target" in feature["properties"]]
    assert [line["geometry"] and line["geometry"]["type"] for line in lines] == [
        "LineString",
        None,
        None,
        None,
    ]
    assert lines[0]["geometry"]["coordinates"] == [[*gcj_in_wgs84()], [121.6, 31.3]]


def test_kml_is_as_its_schema_has_it(declared):
    root = etree.fromstring(WRITERS["kml"].write(content_of(declared)))
    space = "{http://www.opengis.net/kml/2.2}"
    [document] = root
    assert [root.tag, document.tag] == [f"{space}kml", f"{space}Document"]
    assert [child.tag for child in document][:2] == [f"{space}ExtendedData", f"{space}Placemark"]
    assert [child.tag.removeprefix(space) for child in document[1]] == ["name", "ExtendedData", "Point"]
    assert document[1].findtext(f"{space}Point/{space}coordinates") == "{!r},{!r}".format(*gcj_in_wgs84())


def test_kmz_holds_one_doc_of_no_time(declared):
    content = content_of(declared)
    with zipfile.ZipFile(io.BytesIO(WRITERS["kmz"].write(content))) as archive:
        [member] = archive.infolist()
        assert (member.filename, member.date_time) == ("doc.kml", (1980, 1, 1, 0, 0, 0))
        assert archive.read(member) == WRITERS["kml"].write(content)


def test_others_open_the_geopackage(tmp_path, declared):
    pyogrio = pytest.importorskip("pyogrio")
    path = tmp_path / "d.gpkg"
    path.write_bytes(WRITERS["gpkg"].write(content_of(declared)))
    layers = dict(pyogrio.list_layers(path).tolist())
    assert layers == {"nodes": "Point", "links": "LineString", "prefixes": None, "auditor": None}
    frame = pyogrio.read_dataframe(path, layer="nodes")
    assert frame.crs.to_epsg() == 4326
    assert frame["id"].tolist()[:3] == ["a", "b", "c"]
    assert np.allclose([frame.geometry[0].x, frame.geometry[0].y], gcj_in_wgs84(), rtol=0, atol=1e-12)
    assert frame["lon"].tolist()[:2] == [121.5, 121.6]
    links = pyogrio.read_dataframe(path, layer="links")
    assert links.geometry[0].geom_type == "LineString"
    assert links.geometry.isna().tolist() == [False, True, True, True]


def test_the_geopackage_is_one_by_its_standard(declared):
    data = WRITERS["gpkg"].write(content_of(declared))
    assert data[68:72] == b"GPKG"
    db = sqlite3.connect(":memory:")
    db.deserialize(data)
    assert db.execute("PRAGMA user_version").fetchone() == (10300,)
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    assert db.execute("SELECT srs_id FROM gpkg_spatial_ref_sys ORDER BY 1").fetchall() == [
        (-1,),
        (0,),
        (4326,),
    ]
    kinds = db.execute("SELECT table_name, data_type, last_change FROM gpkg_contents").fetchall()
    assert kinds[0] == ("nodes", "features", "1970-01-01T00:00:00.000Z")
    types = {name: kind for _, name, kind, *_ in db.execute("PRAGMA table_info(nodes)")}
    assert (types["fid"], types["geom"], types["lon"], types["transit"]) == (
        "INTEGER",
        "POINT",
        "REAL",
        "BOOLEAN",
    )
    assert {"Extra", "extra_2"} <= set(types)  # SQLite takes names that differ by case alone for one
    db.close()


@pytest.mark.parametrize("form", FORMS)
def test_a_network_that_is_nobodys_carries_no_records(tmp_path, declared, form):
    path = tmp_path / f"d.{form}"
    path.write_bytes(WRITERS[form].write(content_of(declared, named=False)))
    after = read_declaration(path, operator={"schema": "auditor.declaration/1", "operator": {"name": "x"}})
    assert rows(after.nodes) == rows(declared.nodes)
    assert (after.prefixes is not None) == (form == "gpkg")


def test_records_that_xml_cannot_hold_come_back(tmp_path):
    nodes = [{"id": "a", "kind": "bng", "owner": "b"}]
    before = read_json(tmp_path, records(nodes, [], services=[{"code": "B14", "domains": ["x\uffff.cn"]}]))
    after = back(tmp_path, before, "kml")
    assert rows(after.nodes) == [{"id": "a", "kind": "bng", "owner": "b"}]
    assert after.services == before.services
