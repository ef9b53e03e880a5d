"""KML, read strictly: placemarks, data, folders; and nothing of what it links to."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from auditor.errors import DeclarationError
from auditor.readers import kml, read_declaration
from auditor.tables import Log

GDAL = Path(__file__).parents[3] / "shared/testdata/gdal-kml"
WHOSE = {"schema": "auditor.declaration/1", "operator": {"name": "Example"}}
SPACE = "http://www.opengis.net/kml/2.2"


def document(body, space=SPACE):
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="{space}"><Document>{body}</Document></kml>'


def point(lon=121.5, lat=31.2):
    return f"<Point><coordinates>{lon},{lat}</coordinates></Point>"


def line(text):
    return f"<LineString><coordinates>{text}</coordinates></LineString>"


def placemark(inner, name=None, **data):
    title = f"<name>{name}</name>" if name else ""
    cells = "".join(f'<Data name="{key}"><value>{value}</value></Data>' for key, value in data.items())
    return f"<Placemark>{title}<ExtendedData>{cells}</ExtendedData>{inner}</Placemark>"


@pytest.fixture
def read(tmp_path):
    def reader(text):
        path = tmp_path / "n.kml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_declaration(path, operator=WHOSE)

    return reader


def problems_of(read, text):
    with pytest.raises(DeclarationError) as caught:
        read(text)
    return [str(problem) for problem in caught.value.problems]


def rows(table, *names):
    return [tuple(row[name] for name in names) for row in table.to_pylist()]


def listed(declaration):
    return {u.what: u.why for u in declaration.unused if not u.what.startswith("column ")}


def test_placemarks_are_nodes_and_links(read):
    body = (
        placemark(point(121.5, "31.2,7"), "甲", id="a", kind="bng")
        + f'<Placemark id="p2"><name>乙</name>{point(121.6, 31.3)}</Placemark>'
        + placemark(line("121.5,31.2 121.55,31.2\n\t121.6,31.3"), kind="fibre")
        + placemark("", id="c", kind="server")
        + placemark("", id="l", source="a", target="c")
    )
    declaration = read(document(body))
    assert rows(declaration.nodes, "id", "name", "lon", "lat", "datum") == [
        ("a", "甲", 121.5, 31.2, "WGS84"),
        ("p2", "乙", 121.6, 31.3, "WGS84"),
        ("c", None, None, None, None),
    ]
    assert rows(declaration.links, "id", "source", "target", "kind") == [
        ("a>p2", "a", "p2", "fibre"),
        ("l", "a", "c", None),
    ]
    assert listed(declaration) == {
        "heights": "a place is lon and lat",
        "courses of lines": "only their ends are read",
    }


@pytest.mark.parametrize("space", ["http://earth.google.com/kml/2.1", ""])
def test_other_namespaces_of_kml(read, space):
    assert rows(read(document(placemark(point(), "a"), space)).nodes, "id") == [("a",)]


def test_folders_dates_schemas_and_texts_become_columns(read):
    body = (
        '<Schema name="s" id="s"><SimpleField type="int" name="ports"/></Schema>'
        "<Folder><name> East </name><open>1</open><Folder><name>Pudong</name><Placemark><name>a</name>"
        "<visibility>0</visibility><address>世纪大道 1 号</address>"
        "<description><![CDATA[<b>x & y</b>]]></description>"
        "<TimeSpan><begin>2020-01-02</begin><end>2030</end></TimeSpan><styleUrl>#s</styleUrl>"
        '<ExtendedData><SchemaData schemaUrl="#s"><SimpleData name="ports">007</SimpleData>'
        '<SimpleArrayData name="z"/></SchemaData><Data name="name"><displayName>n</displayName><value>b</value></Data>'
        f'<Data name="folder"><value>mine</value></Data></ExtendedData>{point()}</Placemark></Folder>'
        f"<Placemark><name>e</name>{point(121.6)}</Placemark></Folder><Placemark><name>c</name>{point(121.7)}</Placemark>"
    )
    declaration = read(document(body))
    assert rows(declaration.nodes, "id", "folder", "address", "description", "shown_from", "ports") == [
        (
            "a",
            "East / Pudong",
            "世纪大道 1 号",
            "<b>x & y</b>",
            "2020-01-02",
            "007",
        ),
        ("e", "East", None, None, None, None),
        ("c", None, None, None, None, None),
    ]
    assert rows(declaration.nodes, "shown_until", "to_on", "from_on")[0] == ("2030", None, None)
    assert rows(declaration.nodes, "name (attribute)", "folder (attribute)", "to_on")[0] == (
        "b",
        "mine",
        None,
    )
    assert set(listed(declaration)) == {
        *("Schema", "open", "visibility", "styleUrl"),
        "SimpleArrayData of SchemaData",
    }


def test_nothing_linked_to_is_followed(read):
    away = "http://127.0.0.1:9/x.kml"
    inner = f"<Placemark><name>never</name>{point(99, 9)}</Placemark>"
    body = (
        f"<NetworkLink><Link><href>{away}</href></Link></NetworkLink>"
        f"<GroundOverlay><Icon><href>{away}</href></Icon></GroundOverlay><ScreenOverlay/><PhotoOverlay/>"
        f"<Style><IconStyle><Icon><href>{away}</href></Icon></IconStyle></Style><StyleMap/><StyleMap/>"
        + placemark(point(), "a")
    )
    update = (
        f"<NetworkLinkControl><Update><targetHref>{away}</targetHref><Create><Document>{inner}</Document></Create>"
        f"</Update></NetworkLinkControl>"
    )
    declaration = read(document(body).replace("</kml>", update + "</kml>"))
    assert rows(declaration.nodes, "id") == [("a",)]
    assert listed(declaration) == {
        **dict.fromkeys(
            ("NetworkLink", "GroundOverlay", "ScreenOverlay", "PhotoOverlay", "Style"), "not read"
        ),
        "StyleMap": "not read (2 of them)",
        "NetworkLinkControl": "not read",
    }


def test_other_geometry_is_listed(read):
    ring = "<outerBoundaryIs><LinearRing><coordinates>0,0 0,1 1,1 0,0</coordinates></LinearRing></outerBoundaryIs>"
    body = (
        placemark(f"<Polygon>{ring}</Polygon>", "district")
        + placemark(f"<MultiGeometry>{point()}{point()}</MultiGeometry>", "many")
        + placemark(f"<Polygon>{ring}</Polygon>", id="dc", kind="data_centre")
        + placemark('<gx:Track xmlns:gx="http://www.google.com/kml/ext/2.2"/>', "track")
        + placemark("<Model/>")
    )
    declaration = read(document(body))
    assert rows(declaration.nodes, "id", "lon") == [("dc", None)]
    assert set(listed(declaration)) == {
        "Polygon",
        "MultiGeometry",
        "geometry of a node: Polygon",
        "Track",
        "Model",
    }


def test_records_are_carried_by_the_document(tmp_path):
    text = '{"schema":"auditor.declaration/1","operator":{"name":"甲 &amp; 乙"}}'
    data = f'<ExtendedData><Data name="auditor"><value>{text}</value></Data><Data name="x"/></ExtendedData>'
    path = tmp_path / "n.kml"
    path.write_text(document(data + placemark(point(), "a")), "utf-8")
    declaration = read_declaration(path)
    assert declaration.operator.name == "甲 & 乙"
    assert listed(declaration) == {"Data of a Document": "not read"}


@pytest.mark.parametrize(
    ("inner", "what"),
    [
        (point(121.5, " 31.2"), "coordinates are not those of one point"),
        (point(121.5, "31.2 121.6,31.3"), "coordinates are not those of one point"),
        (point("121.5;31.2", ""), "coordinates are not those of one point"),
        (point("１２１", 31), "coordinates are not those of one point"),
        (point("nan", 31), "coordinates are not those of one point"),
        (point("1_0", 31), "coordinates are not those of one point"),
        (point(121, "31,2,3"), "coordinates are not those of one point"),
        (point("1e400", 31), "hold a number that is beyond all places"),
        (line("121.5,31.2"), "coordinates are no line"),
        (line("121.5,31.2 121.6"), "coordinates are no line"),
    ],
)
def test_coordinates_that_are_none(read, inner, what):
    [problem] = problems_of(read, document(placemark("", "x") + placemark(inner, "a")))
    assert problem.startswith(f"n.kml, placemark 2, coordinates: {what}")


def test_what_two_readers_would_read_differently(read):
    twice = '<Placemark><ExtendedData><Data name="id"><value>a</value></Data><Data name="id"><value>b</value></Data></ExtendedData></Placemark>'
    assert problems_of(read, document(twice)) == ["n.kml, placemark 1: 'id' is there twice; remove one"]
    several = document(placemark(point() + point(122), "a"))
    assert problems_of(read, several)[0].startswith("n.kml, placemark 1: holds several geometries")
    comment = document(
        placemark("<Point><coordinates>12<!-- x -->1.5,31.2</coordinates></Point>", "a<?p x?>b")
    )
    assert rows(read(comment).nodes, "id", "lon") == [("ab", 121.5)]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (
            '<!DOCTYPE kml [<!ENTITY x SYSTEM "file:///etc/hostname">]>' + document("&x;").partition("?>")[2],
            "a document type",
        ),
        (document("&x;"), "no XML: "),
        (document(placemark(point(), "a"))[:-9], "no XML: "),
        (document("") + "<x/>", "no XML: "),
        (document("<Folder>"), "no XML: "),
        (document("<Folder>" * 300), "no XML: Excessive depth"),
        (document(placemark(line("121.5,31.2 " * 1_000_000), "a")), "no XML: "),
        (document("").encode("utf-16"), "is UTF-16"),
        (document("节点").encode("gb18030"), "is not UTF-8"),
        ("<OGRVRTDataSource/>", "holds no KML"),
        (f"<x>{document('').partition('?>')[2]}</x>", "holds no KML"),
        (document(placemark(point(), "a")).replace("<kml", "<a:kml"), "no XML: "),
        ("", "the file is empty"),
        ('{"type": "gdal_streamed_alg"}', "no XML: "),
    ],
)
def test_what_is_refused(read, text, what):
    [problem] = problems_of(read, text)
    assert what in problem


def test_a_driver_in_disguise_reads_nothing(read, tmp_path):
    (tmp_path / "secret.csv").write_text("id,kind\nsecret,bng\n", "utf-8")
    source = f"<SrcDataSource>{tmp_path}/secret.csv</SrcDataSource>"
    found = problems_of(
        read, f'<OGRVRTDataSource><OGRVRTLayer name="x">{source}</OGRVRTLayer></OGRVRTDataSource>'
    )
    assert found == ["n.kml: holds no KML; the outermost element of KML is <kml>"]


def test_names_of_namespaces_that_are_none_raise_nothing():
    for text in ("<kml><a:Placemark/></kml>", '<kml xmlns="a}b"><Placemark><name>x</name></Placemark></kml>'):
        log = Log()
        assert (kml.parse(text.encode(), "f", log) is None) == bool(log.problems.found)


def test_an_element_of_many_parts_is_let_go_at_once(read):
    # with the parser still holding on to it, lxml takes the square of the parts: minutes instead of a blink
    parts = "<x/>" * 300_000
    body = f"<Placemark><name>{parts}</name>{point()}</Placemark><Folder><name>{parts}</name></Folder>"
    declaration = read(document(f"<ExtendedData>{parts}</ExtendedData>{body}"))
    assert listed(declaration) == {
        "x of a Document": "not read (300,000 of them)",
        "elements in a name": "not read (2 of them)",
    }


def test_many_names_of_elements_are_one_entry(read):
    body = "".join(f"<e{number}/>" for number in range(80)) + placemark(point(), "a")
    assert listed(read(document(body)))["other elements"] == "not read (30 of them)"


@pytest.mark.shared
def test_the_files_of_gdal(read, tmp_path):
    if not GDAL.is_dir():
        pytest.skip("no ../shared folder")
    found = {}
    for file in sorted(GDAL.glob("*.kml")):
        log = Log()
        export = kml.parse(file.read_bytes(), file.name, log)
        found[file.stem] = [p.what for p in log.problems.found] or [unused.what for unused in log.unused]
        assert (export is None) == bool(log.problems.found)
    assert set(found) == {
        *(
            "junk_content_after_valid_doc",
            "kml_with_space_content_in_coordinates",
            "non_conformant_multi",
            "truncated",
        )
    }
    assert found["junk_content_after_valid_doc"][0].startswith("no XML: Extra content at the end")
    assert found["truncated"][0].startswith("no XML: Premature end")
    assert found["kml_with_space_content_in_coordinates"] == ["lines without coordinates"]
    assert found["non_conformant_multi"] == [
        "name of a Document",
        "MultiPolygon",
        "MultiLineString",
        "MultiPoint",
    ]
    shutil.copy(GDAL / "truncated.kml", tmp_path)
    with pytest.raises(DeclarationError):
        read_declaration(tmp_path / "truncated.kml", operator=WHOSE)


@pytest.mark.parametrize(
    "body",
    [
        "<NetworkLink><Link><href>http://127.0.0.1/x.kml</href></Link></NetworkLink>",
        '<Placemark xmlns="http://earth.google.com/kml/2.1"><name>b</name></Placemark>',
        "<Placemark><name>b</name><Polygon/></Placemark>",
    ],
)
def test_what_may_hold_more_is_not_complete(read, body):
    sound = f"<Placemark><name>a</name>{point()}</Placemark>"
    assert not read(document(sound)).partial
    declaration = read(document(sound + body))
    assert declaration.partial
    assert listed(declaration)


def test_a_geometry_of_one_part_is_that_part(read):
    line = "<LineString><coordinates>121,31 122,31</coordinates></LineString>"
    body = f"<Placemark><name>a</name><MultiGeometry>{point(121, 31)}</MultiGeometry></Placemark>"
    body += f"<Placemark><name>l</name><MultiGeometry>{line}</MultiGeometry></Placemark>"
    declaration = read(document(body))
    assert rows(declaration.nodes, "id", "lon") == [("a", 121.0)]
    assert rows(declaration.links, "source") == [("a",)]
    assert not declaration.partial
    through = "<LineString><coordinates>120,31 121,31 122,31</coordinates></LineString>"
    assert read(document(body + f"<Placemark>{through}</Placemark>")).partial
    assert read(
        document(body + f"<Placemark><MultiGeometry>{line}{line}</MultiGeometry></Placemark>")
    ).partial
