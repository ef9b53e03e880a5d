"""GraphML, read strictly, alone and under tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.errors import DeclarationError, UsageError
from auditor.model import Note, Unused
from auditor.readers import read_declaration

SHARED = Path(__file__).parents[3] / "shared/testdata"
KEYS = """
<key id="k" for="node" attr.name="kind" attr.type="string"><default>server</default></key>
<key id="y" for="node" attr.name="Latitude" attr.type="double"/>
<key id="x" for="node" attr.name="Longitude" attr.type="double"/>
<key id="i" for="node" attr.name="id" attr.type="int"/>
<key id="g" for="node" yfiles.type="nodegraphics"/>
<key id="n" for="graph" attr.name="Note" attr.type="string"/>
<key id="l" for="edge" attr.name="kind" attr.type="string"/>
"""
FIELDS = '[network.fields]\nLatitude = "lat"\nLongitude = "lon"\n'


def graphml(body, edgedefault="undirected"):
    return (
        '<?xml version="1.0" encoding="UTF-8"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
        f'{KEYS}<graph edgedefault="{edgedefault}">{body}</graph></graphml>'
    )


@pytest.fixture
def read(declare):
    def reader(text, network=""):
        root = declare({"declaration.toml": declare.head + network, "g.graphml": text})
        return read_declaration(root / "g.graphml", operator=root)

    return reader


def problems_of(read, text):
    with pytest.raises(DeclarationError) as caught:
        read(text)
    return [str(problem) for problem in caught.value.problems]


def column(table, name):
    return table.column(name).to_pylist()


def test_attributes_become_columns(read):
    body = (
        '<node id="a"><data key="k">bng</data><data key="y"> 31.5 </data><data key="x">121.5</data>'
        '<data key="i">7</data><data key="g"><shape/></data><port name="p"/></node><node id="b"/>'
        '<edge id="e" source="a" target="b" sourceport="p"><data key="l">fibre</data></edge>'
        '<edge source="a" target="b"/><edge source="a" target="c"/>'
    )
    declaration = read(graphml(body), FIELDS)
    assert column(declaration.nodes, "kind") == ["bng", "server"]
    assert (column(declaration.nodes, "lat"), column(declaration.nodes, "lon")) == (
        [31.5, None],
        [121.5, None],
    )
    assert column(declaration.nodes, "id (attribute)") == ["7", None]
    assert column(declaration.links, "id") == ["e", "a>b", "a>c"]
    assert column(declaration.links, "kind") == ["fibre", None, None]
    assert column(declaration.links, "head") == [1, 1, 2]
    assert declaration.undeclared.to_pylist() == ["c"]
    listed = {unused.what for unused in declaration.unused}
    assert listed == {"attributes of graph", "port", "sourceport", "node data g", "column id (attribute)"}
    assert declaration.notes == ()
    assert [entry.path for entry in declaration.inputs] == ["declaration.toml", "g.graphml"]


def test_directed_exports_carry_both_ways_and_say_so(read):
    body = '<node id="a"/><node id="b"/><edge source="a" target="b" directed="true"/>'
    declaration = read(graphml(body, "directed"))
    assert column(declaration.links, "direction") == [None]
    assert [note.what[:40] for note in declaration.notes] == ["directed links read as carrying both way"]
    declaration = read(graphml(body, "undirected"))
    assert column(declaration.links, "direction") == ["forward"]


def test_a_node_without_kind_is_other(declare):
    text = graphml('<node id="a"/><node id="b"/>').replace("<default>server</default>", "")
    root = declare({"declaration.toml": declare.head, "g.graphml": text})
    declaration = read_declaration(root / "g.graphml", operator=root / "declaration.toml")
    assert column(declaration.nodes, "kind") == ["other", "other"]
    assert declaration.notes == (Note("g.graphml", "kind read as other for 2 nodes without kind"),)


def test_tables_lie_over_a_graph(declare):
    body = (
        '<node id="a"><data key="k">bng</data><data key="y">31</data><data key="x">121</data></node>'
        '<node id="b"><data key="k">olt</data></node>'
        '<edge id="e" source="a" target="b"><data key="l">fibre</data></edge>'
    )
    network = '[network]\ngraph = "g.graphml"\nnodes = "nodes.csv"\nlinks = "links.csv"\n' + FIELDS
    files = {
        "declaration.toml": declare.head + network,
        "g.graphml": graphml(body),
        "nodes.csv": "id,kind,owner,lat\nc,pop,,\na,,operator,32\n",
        "links.csv": "id,source,target,status\ne,,,planned\n,c,a,\n",
    }
    declaration = read_declaration(declare(files))
    assert column(declaration.nodes, "id") == ["a", "b", "c"]
    assert column(declaration.nodes, "kind") == ["bng", "olt", "pop"]
    assert column(declaration.nodes, "lat") == [32.0, None, None]
    assert column(declaration.nodes, "lon") == [121.0, None, None]
    assert column(declaration.nodes, "owner") == ["operator", None, None]
    assert column(declaration.links, "id") == ["e", "c>a"]
    assert column(declaration.links, "kind") == ["fibre", None]
    assert column(declaration.links, "status") == ["planned", None]
    assert column(declaration.links, "tail") == [0, 2]


def test_a_new_node_of_a_table_over_a_graph_needs_a_kind(declare):
    files = {
        "declaration.toml": declare.head + '[network]\ngraph = "g.graphml"\nnodes = "nodes.csv"\n',
        "g.graphml": graphml('<node id="a"/>'),
        "nodes.csv": "id\nb\na\n",
    }
    with pytest.raises(DeclarationError) as caught:
        read_declaration(declare(files))
    assert [str(p) for p in caught.value.problems] == ["nodes.csv, row 2, kind: is missing"]


def test_problems_name_the_file_that_is_wrong(read):
    twice = graphml('<node id="a"/><node id="a"/><node/>')
    assert problems_of(read, twice) == [
        "g.graphml, node 3, id: is missing",
        "g.graphml, node 2, id: 'a' is there twice, first in g.graphml, node 1; give every one its own id",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '<!DOCTYPE g [<!ENTITY x SYSTEM "file:///etc/hostname">]>' + graphml("&x;").partition("?>")[2],
            "g.graphml: holds a document type, which may hide entities; remove <!DOCTYPE …>",
        ),
        (
            graphml('<node id="a"/>').removesuffix("</graph></graphml>"),
            "g.graphml, line 9: no XML: Premature end of data in tag graph",
        ),
        (graphml('<node id="a"><node/>'), "g.graphml, line 9: no XML: Opening and ending tag mismatch"),
        (graphml("&x;"), "g.graphml: no XML: "),
        (
            graphml('<node id="a"/><hyperedge/>'),
            "g.graphml, line 9: a hyperedge cannot be read; give a node for it and a link to each of its ends",
        ),
        (
            graphml('<node id="a"><graph edgedefault="directed"/></node>'),
            "g.graphml, line 9: a second or nested graph cannot be read; give one flat graph",
        ),
        ("<kml/>", "g.graphml: holds no graph; the outermost element of GraphML is <graphml>"),
        (graphml(""), "g.graphml: the table has no rows; declare at least one node"),
        ("", "g.graphml: the file is empty"),
        (
            graphml('<node id="a"/>').encode("utf-16"),
            "g.graphml: is UTF-16, not UTF-8; iconv -f UTF-16 -t UTF-8",
        ),
        (graphml("<node>" * 300), "g.graphml, line 9: no XML: Excessive depth in document: 256"),
    ],
)
def test_what_is_refused(read, text, expected):
    [problem] = problems_of(read, text)
    assert problem.startswith(expected)


def test_a_bare_graph_needs_its_operator(declare):
    root = declare({"g.graphml": graphml('<node id="a"/>')})
    with pytest.raises(UsageError, match="does not say whose network it is"):
        read_declaration(root / "g.graphml")


@pytest.mark.shared
def test_the_topology_zoo_reads(declare):
    folder = SHARED / "topologyzoo/graphml"
    if not folder.is_dir():
        pytest.skip("no ../shared folder")
    root = declare({"declaration.toml": declare.head + FIELDS})
    read = [read_declaration(file, operator=root) for file in sorted(folder.glob("*.graphml"))]
    assert len(read) == 276
    assert sum(declaration.nodes.num_rows for declaration in read) == 10_952
    assert sum(declaration.links.num_rows for declaration in read) == 13_976
    assert sum(declaration.nodes.column("lat").null_count for declaration in read) == 2_137
    assert not any(len(declaration.undeclared) for declaration in read)


@pytest.mark.shared
def test_documents_made_to_hurt_are_refused(read):
    folder = SHARED / "defusedxml/xmltestdata"
    if not folder.is_dir():
        pytest.skip("no ../shared folder")
    for file in sorted(folder.glob("*.xml")):
        [problem] = problems_of(read, file.read_bytes())
        assert "document type" in problem or file.name in {"simple.xml", "simple-ns.xml"}


@pytest.mark.shared
def test_the_files_of_networkx_read_or_are_refused(read):
    files = sorted((SHARED / "networkx-readers").glob("graphml__*.graphml"))
    if not files:
        pytest.skip("no ../shared folder")
    refused = {}
    for file in files:
        try:
            read(file.read_bytes())
        except DeclarationError as error:
            refused[file.name.split("__")[1]] = str(error)
    assert set(refused) == {"test_hyperedge_raise", "test_read_attributes_with_groups"}


def test_unused_is_counted(read):
    body = '<node id="a"><port name="p"/><port name="q"/></node>'
    assert Unused("g.graphml", "port", "not read (2 of them)") in read(graphml(body)).unused
