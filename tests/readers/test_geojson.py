"""GeoJSON, read strictly; and what is common to all forms with geometry: ids, places, ends of lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditor.datum import to_wgs84
from auditor.errors import DeclarationError
from auditor.model import Unused
from auditor.readers import geojson, read_declaration
from auditor.readers._registry import readers
from auditor.tables import Log

HINT = Path(__file__).parents[3] / "shared/testdata/geojsonhint/test/data"
WHOSE = {"schema": "auditor.declaration/1", "operator": {"name": "Example"}}
ADVICE = ("should avoid nested", "single geometry should be avoided")


def feature(geometry, properties=None, **more):
    return {"type": "Feature", "geometry": geometry, "properties": properties or {}, **more}


def point(lon, lat, *height):
    return {"type": "Point", "coordinates": [lon, lat, *height]}


def line(*positions):
    return {"type": "LineString", "coordinates": [list(position) for position in positions]}


def collection(*features, **more):
    return {"type": "FeatureCollection", **more, "features": list(features)}


@pytest.fixture
def read(tmp_path):
    def reader(tree, name="n.geojson"):
        path = tmp_path / name
        path.write_bytes(tree if isinstance(tree, bytes) else json.dumps(tree).encode())
        return read_declaration(path, operator=WHOSE)

    return reader


def problems_of(read, tree):
    with pytest.raises(DeclarationError) as caught:
        read(tree)
    return [str(problem) for problem in caught.value.problems]


def rows(table, *names):
    return [tuple(row[name] for name in names) for row in table.to_pylist()]


def listed(declaration):
    return {unused.what: unused.why for unused in declaration.unused}


def noted(declaration):
    return [note.what for note in declaration.notes]


def test_points_are_nodes_and_lines_are_links(read):
    declaration = read(
        collection(
            feature(point(121.5, 31.2, 7), {"id": "a", "kind": "bng", "colour": "red"}),
            feature(point(121.6, 31.3), {"kind": "router"}, id=7),
            feature(line((121.5, 31.2), (121.55, 31.2), (121.6, 31.3)), {"kind": "fibre"}, id="l"),
        )
    )
    assert rows(declaration.nodes, "id", "kind", "lon", "lat", "datum") == [
        ("a", "bng", 121.5, 31.2, "WGS84"),
        ("7", "router", 121.6, 31.3, "WGS84"),
    ]
    assert rows(declaration.links, "id", "source", "target", "kind") == [("l", "a", "7", "fibre")]
    assert listed(declaration) == {
        "heights": "a place is lon and lat",
        "courses of lines": "only their ends are read",
        "column colour": "no such column in a declaration; kept, but no rule reads it",
    }
    joined = "2 are the nodes at the same place (within 1 m), 0 are joints that no node declares (0 places)"
    assert noted(declaration) == [f"ends of lines that name no node: {joined}"]


def test_a_json_file_is_known_by_its_type(read):
    assert rows(read(collection(feature(point(121.5, 31.2), {"id": "a"})), "n.json").nodes, "id") == [("a",)]
    [reader] = [reader for reader in readers() if reader.name == "geojson"]
    assert (
        not reader.claims({"type": "Topology"}) and not reader.claims([]) and not reader.claims({"type": []})
    )


def test_lines_that_meet_share_a_joint(read):
    declaration = read(
        collection(
            feature(point(121.5, 31.2), {"id": "a"}),
            feature(line((121.5, 31.2), (121.7000001, 31.4))),
            feature(line((121.7, 31.4), (121.8, 31.5))),
        )
    )
    assert rows(declaration.links, "source", "target") == [
        ("a", "@121.70000,31.40000"),
        ("@121.70000,31.40000", "@121.80000,31.50000"),
    ]
    assert len(declaration.undeclared) == 2
    assert "3 are joints that no node declares (2 places)" in noted(declaration)[0]


def test_a_metre_decides(read):
    # one degree of latitude is 111,195 m on this sphere
    near, far = 0.9 / 111_195, 1.1 / 111_195
    declaration = read(
        collection(
            feature(point(121.5, 31.2), {"id": "a"}), feature(line((121.5, 31.2 + near), (121.5, 31.2 + far)))
        )
    )
    assert rows(declaration.links, "source") == [("a",)]
    assert rows(declaration.links, "target")[0][0].startswith("@121.50000,31.200")


def test_several_nodes_at_one_place_are_no_guess(read):
    declaration = read(
        collection(
            feature(point(121.5, 31.2), {"id": "a"}),
            feature(point(121.5, 31.2), {"id": "b"}),
            feature(point(121.6, 31.2), {"id": "c"}),
            feature(point(121.600005, 31.2), {"id": "d"}),
            feature(line((121.5, 31.2), (121.6, 31.2))),
        )
    )
    assert rows(declaration.links, "source", "target") == [("@121.50000,31.20000", "@121.60000,31.20000")]
    assert (
        noted(declaration)[-2:][0] == "2 of these joints are places of several nodes: give source and target"
    )


def test_nowhere_is_not_a_place_where_lines_meet(read):
    declaration = read(
        collection(
            feature(point(0, 0), {"id": "a"}),
            feature(line((0, 0), (121.5, 31.2))),
            feature(line((0, 0), (121.6, 31.2))),
        )
    )
    assert [source for (source,) in rows(declaration.links, "source")] == ["@0,0 feature 2", "@0,0 feature 3"]
    assert rows(declaration.nodes, "lon") == [(None,)]


def test_stated_ends_hold_over_the_line(read):
    declaration = read(
        collection(
            feature(point(121.5, 31.2), {"id": "a"}),
            feature(point(121.6, 31.2), {"id": 7}),
            feature(line((121.5, 31.2), (121.6, 31.2)), {"source": 7.0, "target": "z"}),
            feature(None, {"source": "a", "target": 7}),
            feature(None, {"source": "a"}),
            feature(line((121.5, 31.2), (121.6, 31.2)), {"source": "OpenStreetMap"}),
            feature(line((121.9, 31.2), (121.6, 31.2)), {"source": "a", "target": " "}),
        )
    )
    assert rows(declaration.links, "source", "target", "source (attribute)") == [
        ("7", "z", None),
        ("a", "7", None),
        ("a", None, None),
        ("a", "7", "OpenStreetMap"),
        ("a", "7", None),
    ]


def test_names_stand_in_for_ids_and_are_numbered(read):
    declaration = read(
        collection(
            feature(point(121.1, 31.2), {"name": "Pudong"}),
            feature(point(121.2, 31.2), {"name": " Pudong "}),
            feature(point(121.3, 31.2), {"name": "Pudong"}, id="Pudong#2"),
            feature(point(121.4, 31.2), {"name": "x"}, id="own"),
            feature(point(121.5, 31.2), {"id": "p"}, id="q"),
            feature(point(121.6, 31.2)),
        )
    )
    assert [node for (node,) in rows(declaration.nodes, "id")] == [
        "Pudong",
        "Pudong#3",
        "Pudong#2",
        "own",
        "p",
        "feature 6",
    ]
    assert listed(declaration)["own ids of features"] == "their property id holds"
    assert noted(declaration)[:2] == [
        "1 nodes without id and name are called by their number, such as 'feature 6'",
        "1 names of several nodes without id are numbered (#2, #3), such as 'Pudong'",
    ]


def test_a_link_to_a_name_that_two_nodes_have_is_no_guess(read):
    tree = collection(
        feature(point(121.1, 31.2), {"name": "x"}),
        feature(point(121.2, 31.2), {"name": "x"}),
        feature(None, {"source": "x", "target": "y"}),
    )
    what = "n.geojson, feature 3, source: 'x' is what several nodes are called; give the nodes an id"
    assert problems_of(read, tree) == [what]


def test_lon_and_lat_hold_where_the_geometry_agrees(read):
    lon, lat = to_wgs84([121.5], [31.2], "BD-09")
    drawn = point(float(lon[0]), float(lat[0]))
    stated = {"id": "a", "lon": "121.5", "lat": 31.2}
    declaration = read(collection(feature(drawn, stated | {"datum": "百度"})))
    assert rows(declaration.nodes, "lon", "lat", "datum") == [(121.5, 31.2, "BD-09")]
    what = "n.geojson, feature 1, lon: lon/lat and geometry differ by "
    for datum in ({"datum": "gcj02"}, {"datum": None}, {}):
        [problem] = problems_of(read, collection(feature(drawn, stated | datum)))
        assert problem.startswith(what) and "which one holds?" in problem
    [problem] = problems_of(read, collection(feature(drawn, stated)))
    assert " 1,15" in problem or " 1,0" in problem or " 1,1" in problem  # BD-09 is about a kilometre off


def test_a_datum_is_as_stated(read):
    here = point(121.5, 31.2)
    nodes = [
        feature(here, {"id": "a", "datum": "GCJ-02"}),
        feature(here, {"id": "b", "lon": 121.5, "lat": 31.2}),
        feature(here, {"id": "c", "lon": 121.5, "lat": 31.2, "datum": None}),
        feature(here, {"id": "d", "datum": ""}),
        feature(None, {"id": "e", "lon": 121.5, "lat": 31.2}),
    ]
    assert [datum for (datum,) in rows(read(collection(*nodes)).nodes, "datum")] == [
        "GCJ-02",
        "WGS84",
        None,
        "WGS84",
        None,
    ]


def test_chinese_names_of_columns_tell_what_a_feature_is(read):
    declaration = read(
        collection(
            feature(point(121.5, 31.2), {"节点编号": "a", "经度": 121.5, "纬度": 31.2, "类型": "数据中心"}),
            feature(point(121.6, 31.2), {"节点编号": "b"}),
        )
    )
    assert rows(declaration.nodes, "id", "kind", "lon", "datum") == [
        ("a", "data_centre", 121.5, "WGS84"),
        ("b", "other", 121.6, "WGS84"),
    ]
    assert "节点编号 as id" in noted(declaration)[0]


def test_other_geometry_is_listed_and_counted(read):
    square = [[[121, 31], [122, 31], [122, 32], [121, 31]]]
    polygon = {"type": "Polygon", "coordinates": square}
    declaration = read(
        collection(
            feature(polygon),
            feature(polygon, {"name": "district"}),
            feature({"type": "MultiPoint", "coordinates": [[121, 31], [122, 31]]}),
            feature(polygon, {"id": "dc", "kind": "data_centre"}),
            feature(
                {"type": "MultiLineString", "coordinates": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]},
                {"source": "dc", "target": "x"},
            ),
            feature(None, {"id": "n"}, bbox=[1, 2, 3, 4], extra=1),
            bbox=[1, 2, 3, 4],
            name="layer",
        )
    )
    assert rows(declaration.nodes, "id", "lon") == [("dc", None), ("n", None)]
    assert rows(declaration.links, "source", "target") == [("dc", "x")]
    assert listed(declaration) == {
        "bbox": "follows from the coordinates (2 of them)",
        "member name": "no member of GeoJSON",
        "member extra": "no member of GeoJSON",
        "Polygon": "no point and no line (2 of them)",
        "MultiPoint": "no point and no line",
        "geometry of a node: Polygon": "no point and no line",
        "geometry of a link: MultiLineString": "no point and no line",
    }
    assert "place read as unknown for nodes whose geometry is no point: Polygon (1)" in noted(declaration)


def test_geometries_of_one_part_are_that_part(read):
    """As the exports of shapefiles have them."""
    several = {"type": "MultiPoint", "coordinates": [[121, 31]]}
    line = {"type": "MultiLineString", "coordinates": [[[121, 31], [122, 31]]]}
    declaration = read(collection(feature(several, {"id": "a"}), feature(line, {"id": "l"})))
    assert rows(declaration.nodes, "id", "lon", "lat") == [("a", 121.0, 31.0)]
    assert rows(declaration.links, "id", "source") == [("l", "a")]


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "MultiLineString", "coordinates": [[[121, 31], [122, 31]], [[121, 31], [121, 32]]]},
        {"type": "Polygon", "coordinates": [[[121, 31], [122, 31], [122, 32], [121, 31]]]},
        {"type": "LineString", "coordinates": [[120, 31], [121, 31], [122, 31]]},
    ],
)
def test_what_may_be_missed_is_not_complete(declare, geometry):
    """Lines of several parts, areas, and a line that runs through a node and may end there."""
    text = collection(feature(point(121, 31), {"id": "a"}), feature(geometry, {}))
    network = '[network]\ngraph = "g.geojson"\n'
    root = declare({"declaration.toml": declare.head + network, "g.geojson": json.dumps(text)})
    assert read_declaration(root).partial
    root = declare({"declaration.toml": declare.head + network + "complete = true\n"})
    with pytest.raises(DeclarationError, match="some of the file was not read"):
        read_declaration(root)


def test_a_mapping_tells_nodes_from_links(declare):
    """And may name the id and the datum, which a feature has already."""
    text = collection(
        feature(point(121, 31), {"NODE": "a", "srs": "GCJ-02", "lon": 121.0, "lat": 31.0}),
        feature(None, {"from": "a", "to": "b", "LINK": "l"}),
    )
    fields = '[network.fields]\nNODE = "id"\nsrs = "datum"\nfrom = "source"\nto = "target"\nLINK = "id"\n'
    text["features"][0]["geometry"] = None
    root = declare({"declaration.toml": declare.head + fields, "g.geojson": json.dumps(text)})
    declaration = read_declaration(root / "g.geojson", operator=root / "declaration.toml")
    assert rows(declaration.nodes, "id", "datum") == [("a", "GCJ-02")]
    assert rows(declaration.links, "source", "target") == [("a", "b")]
    assert not [unused for unused in declaration.unused if "network.fields" in unused.what]


@pytest.mark.parametrize("name", ["EPSG:4326", "urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4326"])
def test_crs_of_wgs84(read, name):
    crs = {"type": "name", "properties": {"name": name}}
    assert rows(read(collection(feature(point(121, 31)), crs=crs)).nodes, "datum") == [("WGS84",)]


def test_crs_of_cgcs2000_and_of_others(read):
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}
    assert rows(read(collection(feature(point(121, 31)), crs=crs)).nodes, "datum") == [("CGCS2000",)]
    for other in (
        {"type": "name", "properties": {"name": "EPSG:3857"}},
        None,
        {"properties": 1},
        "EPSG:4326",
        [],
    ):
        [problem] = problems_of(read, collection(feature(point(121, 31)), crs=other))
        assert "crs: " in problem and "convert it to WGS84" in problem
    [problem] = problems_of(
        read, collection(feature({**point(121, 31), "crs": None}), feature(None, crs=crs))
    )
    assert problem.startswith("n.geojson, feature 1, crs:")


BAD_GEOMETRY = {
    '{"type": "Point", "coordinates": [true, 31]}': "a position holds something that is no number",
    '{"type": "Point", "coordinates": [121, null]}': "a position holds something that is no number",
    '{"type": "Point", "coordinates": ["121", "31"]}': "a position holds something that is no number",
    '{"type": "Point", "coordinates": [121]}': "a position has fewer than two numbers",
    '{"type": "Point", "coordinates": {"x": 1}}': "coordinates is no array",
    '{"type": "LineString", "coordinates": [[121, 31]]}': "has fewer than 2 positions in a line",
    '{"type": "Circle", "coordinates": [121, 31]}': "its type is no type of geometry",
    '{"type": {"a": 1}}': "its type is no type of geometry",
    '{"type": "GeometryCollection", "geometries": [{"type": "Point"}]}': "coordinates is missing",
    "[121, 31]": "is no object",
    '"POINT (121 31)"': "is no object",
    f'{{"type": "Point", "coordinates": [1{"0" * 200}, 31]}}': None,
}


@pytest.mark.parametrize("text", BAD_GEOMETRY)
def test_geometry_that_is_none(read, text):
    tree = json.dumps(collection(feature(None), feature("GEOMETRY"))).replace('"GEOMETRY"', text)
    found = problems_of(read, tree.encode())
    if BAD_GEOMETRY[text] is None:
        assert "no longitude" in found[0]
    else:
        assert found == [f"n.geojson, feature 2, geometry: {BAD_GEOMETRY[text]}; see RFC 7946"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "0x1", "+1", "1."])
def test_numbers_that_are_none(read, number):
    tree = json.dumps(collection(feature(point(12345, 31)))).replace("12345", number)
    [problem] = problems_of(read, tree.encode())
    assert "no JSON" in problem


def test_places_that_cannot_be(read):
    found = problems_of(
        read,
        collection(
            feature(point(31.2, 121.5)), feature(point(200, 31)), feature(line((31.2, 121.5), (121, 95)))
        ),
    )
    assert [problem.partition(";")[0] for problem in found] == [
        "n.geojson, feature 3, geometry: end of the line: lon and lat look swapped: lon 31.2, lat 121.5",
        "n.geojson, feature 3, geometry: end of the line: lon and lat look swapped: lon 121, lat 95",
    ] or "no latitude" in " ".join(found)
    found = problems_of(read, collection(feature(point(31.2, 121.5)), feature(point(200, 31))))
    assert [problem.partition(": ")[0] for problem in found] == [
        "n.geojson, feature 1, lat",
        "n.geojson, feature 2, lon",
    ]


def test_all_problems_come_at_once_and_the_like_are_counted(read):
    bad = [feature(point("x", "y")) for _ in range(30)]
    found = problems_of(read, collection({"type": "Feature"}, None, *bad, feature(None, id=[])))
    assert found[:3] == [
        "n.geojson, feature 1, properties: is missing; write null where there is none",
        "n.geojson, feature 1, geometry: is missing; write null where there is none",
        "n.geojson, feature 2: is no object; see RFC 7946",
    ]
    assert found[-2:] == [
        "n.geojson, feature 33, id: is neither text nor number; see RFC 7946",
        "n.geojson, geometry: a position holds something that is no number: the same in 10 more",
    ]


def test_a_key_twice_is_refused(read):
    text = b'{"type": "Feature", "geometry": null, "properties": {"id": "a", "id": "b"}}'
    assert problems_of(read, text) == [
        "n.geojson, the record with id b, id: the key is there twice; remove one"
    ]


def test_depth_and_width_are_bounded(read):
    deep = b'{"type":"GeometryCollection","geometries":[' * 3000 + b"]}" * 3000
    assert "no JSON" in problems_of(read, deep)[0]
    nested = {"type": "GeometryCollection", "geometries": []}
    for _ in range(150):
        nested = {"type": "GeometryCollection", "geometries": [nested]}
    assert any(note.startswith("151 collections") for note in noted(read(nested)))
    wide = collection(*(feature(None, {f"k{number}": 1}) for number in range(1100)))
    [problem] = problems_of(read, wide)
    assert "more than 1,000 different properties" in problem
    many = collection(*({**feature(None), f"m{number}": 1} for number in range(80)))
    assert listed(read(many))["other members"] == "no member of GeoJSON (30 of them)"


def test_many_vertices(read):
    long = line((121.5, 31.2), *([121.0, 31.0] for _ in range(100_000)), (121.6, 31.3))
    declaration = read(collection(feature(point(121.5, 31.2), {"id": "a"}), feature(long)))
    assert rows(declaration.links, "source", "target") == [("a", "@121.60000,31.30000")]


def test_records_are_carried_by_a_member(tmp_path):
    path = tmp_path / "n.geojson"
    path.write_text(json.dumps(collection(feature(point(121, 31), {"id": "a"}), auditor=WHOSE)), "utf-8")
    assert read_declaration(path).operator.name == "Example"
    path.write_text(json.dumps(collection(feature(point(121, 31), {"id": "a"}), auditor="x")), "utf-8")
    unused = read_declaration(path, operator=WHOSE).unused
    assert Unused("n.geojson", "member auditor", "holds no records of a declaration") in unused


@pytest.mark.parametrize(
    "text", [b"", b"null", b"7", b"[]", b'"x"', b"<kml/>", b"\xff\xfe{\x00}\x00", b"\xff", b"{}"]
)
def test_what_is_no_geojson(text):
    log = Log()
    assert geojson.parse(text, "f", log) is None
    assert len(log.problems.found) == 1


def test_a_driver_in_disguise_reads_nothing(read, tmp_path):
    (tmp_path / "secret.csv").write_text("id,kind\na,bng\n", "utf-8")
    vrt = f'<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>{tmp_path}/secret.csv</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'
    assert "no JSON" in problems_of(read, vrt.encode())[0]
    found = problems_of(
        read,
        {"type": "gdal_streamed_alg", "command_line": f"gdal vector pipeline ! read {tmp_path}/secret.csv"},
    )
    assert "is no type of GeoJSON" in found[0]


# --- the files of geojsonhint ----------------------------------------------------------------------------------


def parsed(file):
    log = Log()
    export = geojson.parse(file.read_bytes(), file.name, log)
    assert (export is None) == bool(log.problems.found)
    return export, log


def is_only_advice(file):
    result = json.loads(file.with_suffix(".result").read_text("utf-8"))
    return all(e.get("level") == "message" or any(a in e["message"] for a in ADVICE) for e in result)


@pytest.mark.shared
def test_good_files_of_geojsonhint_are_read():
    files = sorted((HINT / "good").glob("*.geojson"))
    if not files:
        pytest.skip("no ../shared folder")
    read = [parsed(file)[0] for file in files]
    assert len(read) == 18 and None not in read


@pytest.mark.shared
def test_bad_files_of_geojsonhint_are_refused():
    files = sorted((HINT / "bad").glob("*.geojson"))
    if not files:
        pytest.skip("no ../shared folder")
    read = {file.stem for file in files if parsed(file)[0] is not None}
    assert len(files) == 44
    assert read == {
        "bad-polygon-interiorring-rhr",  # level message; RFC 7946 3.1.6: not to be rejected for their winding
        "polygon_winding_order",  # same
        "point-toomany",  # level message; RFC 7946 3.1.1: more than three numbers may be ignored
        "excessive_precision_truncated",  # nothing is said of it
        "geometrycollection_nested",  # RFC 7946 3.1.8 says "SHOULD avoid"
        "geometrycollection_single",  # same
    }
    advised = {file.stem for file in files if is_only_advice(file)}
    assert read == advised | {"geometrycollection_single"}
    assert any(
        "advises against" in note.what
        for note in parsed(HINT / "bad/geometrycollection_nested.geojson")[1].notes
    )
