"""GraphML, read strictly, alone and under tables."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import pytest

from auditor.errors import DeclarationError, UsageError
from auditor.model import Note, Unused
from auditor.readers import graphml, read_declaration
from auditor.tables import Log

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


def graphml_text(body, edgedefault="undirected"):
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
    declaration = read(graphml_text(body), FIELDS)
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
    declaration = read(graphml_text(body, "directed"))
    assert column(declaration.links, "direction") == [None]
    assert [note.what[:40] for note in declaration.notes] == ["directed links read as carrying both way"]
    declaration = read(graphml_text(body, "undirected"))
    assert column(declaration.links, "direction") == ["forward"]


def test_a_node_without_kind_is_other(declare):
    text = graphml_text('<node id="a"/><node id="b"/>').replace("<default>server</default>", "")
    root = declare({"declaration.toml": declare.head, "g.graphml": text})
    declaration = read_declaration(root / "g.graphml", operator=root / "declaration.toml")
    assert column(declaration.nodes, "kind") == ["other", "other"]
    assert [note.what[:67] for note in declaration.notes] == [
        "kind read as other, carrying traffic, for 2 nodes without kind, whi"
    ]


def test_tables_lie_over_a_graph(declare):
    body = (
        '<node id="a"><data key="k">bng</data><data key="y">31</data><data key="x">121</data></node>'
        '<node id="b"><data key="k">olt</data></node>'
        '<edge id="e" source="a" target="b"><data key="l">fibre</data></edge>'
    )
    network = '[network]\ngraph = "g.graphml"\nnodes = "nodes.csv"\nlinks = "links.csv"\n' + FIELDS
    files = {
        "declaration.toml": declare.head + network,
        "g.graphml": graphml_text(body),
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
        "g.graphml": graphml_text('<node id="a"/>'),
        "nodes.csv": "id\nb\na\n",
    }
    with pytest.raises(DeclarationError) as caught:
        read_declaration(declare(files))
    assert [str(p) for p in caught.value.problems] == ["nodes.csv, row 2, kind: is missing"]


def test_problems_name_the_file_that_is_wrong(read):
    twice = graphml_text('<node id="a"/><node id="a"/><node/>')
    assert problems_of(read, twice) == [
        "g.graphml, node 3, id: is missing",
        "g.graphml, node 2, id: 'a' is there twice, first in g.graphml, node 1; give every one its own id",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '<!DOCTYPE g [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
            + graphml_text("&x;").partition("?>")[2],
            "g.graphml: holds a document type, which may hide entities; remove <!DOCTYPE …>",
        ),
        (
            graphml_text('<node id="a"/>').removesuffix("</graph></graphml>"),
            "g.graphml, line 9: no XML: Premature end of data in tag graph",
        ),
        (graphml_text('<node id="a"><node/>'), "g.graphml, line 9: no XML: Opening and ending tag mismatch"),
        (graphml_text("&x;"), "g.graphml: no XML: "),
        (
            graphml_text('<node id="a"/><hyperedge/>'),
            "g.graphml, line 9: a hyperedge cannot be read; give a node for it and a link to each of its ends",
        ),
        (
            graphml_text('<node id="a"/></graph><graph edgedefault="directed"><node id="b"/>'),
            "g.graphml, line 9: a second graph cannot be read; give one graph; a node may hold another one",
        ),
        ("<kml/>", "g.graphml: holds no graph; the outermost element of GraphML is <graphml>"),
        (graphml_text(""), "g.graphml: the table has no rows; declare at least one node"),
        ("", "g.graphml: the file is empty"),
        (
            graphml_text('<node id="a"/>').encode("utf-16"),
            "g.graphml: is UTF-16, not UTF-8; iconv -f UTF-16 -t UTF-8",
        ),
        (graphml_text("<node>" * 300), "g.graphml, line 9: no XML: Excessive depth in document: 256"),
    ],
)
def test_what_is_refused(read, text, expected):
    [problem] = problems_of(read, text)
    assert problem.startswith(expected)


def test_a_bare_graph_needs_its_operator(declare):
    root = declare({"g.graphml": graphml_text('<node id="a"/>')})
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
    assert set(refused) == {"test_hyperedge_raise"}


def test_groups_are_nodes_that_others_name(read):
    body = (
        '<node id="site"><data key="k">room</data><graph edgedefault="directed">'
        '<node id="a"/><node id="rack"><graph><node id="b"><data key="i">7</data></node></graph></node>'
        '<edge source="a" target="b"/></graph></node><node id="c"/><edge source="c" target="site"/>'
    )
    declaration = read(graphml_text(body))
    assert column(declaration.nodes, "id") == ["a", "b", "rack", "site", "c"]
    assert column(declaration.nodes, "group") == ["site", "rack", "site", None, None]
    assert column(declaration.nodes, "kind") == ["server", "server", "server", "room", "server"]
    assert column(declaration.links, "id") == ["a>b", "c>site"]
    assert column(declaration.links, "direction") == ["forward", None]
    assert "3 nodes stand in groups, which the column group names" in {n.what for n in declaration.notes}
    sited = read(graphml_text(body), '[network.fields]\ngroup = "site"\n')
    assert column(sited.nodes, "site") == ["site", "rack", "site", None, None]


def test_unused_is_counted(read):
    body = '<node id="a"><port name="p"/><port name="q"/></node>'
    assert Unused("g.graphml", "port", "not read (2 of them)") in read(graphml_text(body)).unused


KEY = '<key id="n" for="node" attr.name="note"/>'


def parsed(text, head='<?xml version="1.0" encoding="UTF-8"?>', root="graphml"):
    log = Log()
    data = text if isinstance(text, bytes) else f"{head}<{root}>{text}</{root}>".encode()
    return graphml.parse(data, "g.graphml", log), log


def nodes_of(text):
    export, log = parsed(text)
    assert not log.problems.found, log.problems.found
    return export.nodes.table.to_pylist()


def refusal(text, **kinds):
    export, log = parsed(text, **kinds)
    assert export is None
    return [str(problem) for problem in log.problems.found]


@pytest.mark.parametrize("label", ["GB2312", "gbk", "GB18030", "cp936"])
def test_a_declared_chinese_encoding_is_read(label):
    text = f'<?xml version="1.0" encoding="{label}"?>\n<graphml><graph><node id="临港"/></graph></graphml>'
    export, log = parsed(text.encode("gb18030"))
    assert export.nodes.table.column("id").to_pylist() == ["临港"]
    assert log.notes == [Note("g.graphml", f"read as {label}, as its first line says")]


def test_a_declared_western_encoding_is_read():
    text = "<?xml version='1.0' encoding='ISO-8859-1' ?><graphml><graph><node id='Zürich'/></graph></graphml>"
    export, _ = parsed(text.encode("iso-8859-1"))
    assert export.nodes.table.column("id").to_pylist() == ["Zürich"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'<?xml version="1.0" encoding="UTF-7"?><graphml/>', "line 1: says that its encoding is 'UTF-7'; save it as"),
        (b'<?xml version="1.0" encoding="Big5"?><graphml/>', "line 1: says that its encoding is 'Big5'"),
        (b'\xef\xbb\xbf<?xml version="1.0" encoding="GBK"?><graphml/>', "line 1: says that its encoding is 'GBK'"),
        (b'<?xml version="1.0" encoding="UTF-16"?><graphml/>', "line 1: says that its encoding is 'UTF-16'"),
        (b'<?xml version="1.0" encoding="GBK"?>\n<graphml a="\xff"/>', "line 2: is not GBK, as its first line says"),
        ('<?xml version="1.0" encoding="UTF-8"?>\n<graphml a="临"/>'.encode("gbk"), "line 2: is not UTF-8"),
        ('<?xml version="1.0"?>\n<graphml/>'.encode("utf-16-le"), "no XML: "),
        ("<graphml/>".encode("utf-32"), ": is UTF-16, not UTF-8"),
        (b"<graphml a='\xc0\xaf'/>", "line 1: is not UTF-8"),
        (b"<graphml><graph><node id='a\0b'/></graph></graphml>", "no XML: "),
        (b"<graphml><graph><node id='&#0;'/></graph></graphml>", "no XML: "),
    ],
)  # fmt: skip
def test_other_encodings_are_refused(data, expected):
    [problem] = refusal(data)
    assert expected in problem


def test_a_declared_encoding_hides_no_document_type():
    text = '<?xml version="1.0" encoding="GBK"?><!DOCTYPE g [<!ENTITY x SYSTEM "file:///etc/hostname">]><graphml>&x;</graphml>'
    assert refusal(text.encode("gbk")) == [
        "g.graphml: holds a document type, which may hide entities; remove <!DOCTYPE …>"
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('<graph edgedefault="mixed"/>', "edgedefault 'mixed' cannot be read; it is directed or undirected"),
        ('<graph/><key id="k" for="node"/>', "a key behind the graph cannot be read; keys come first"),
        (KEY + KEY, "a second key 'n' cannot be read; give every key its own id"),
        (
            KEY + '<graph><node id="a"><data key="n">x</data><data key="n">y</data></node></graph>',
            "a second value of 'note' cannot be read; leave one of them out",
        ),
        (
            KEY
            + KEY.replace('"n"', '"m"')
            + '<graph><node id="a"><data key="n">x</data><data key="m">y</data></node></graph>',
            "a second value of 'note' cannot be read; give every key its own attr.name",
        ),
        (
            '<desc><graph><node id="a"/></graph></desc>',
            "a second graph cannot be read; give one graph; a node may hold another one",
        ),
    ],
)
def test_what_reads_in_two_ways_is_refused(body, expected):
    [problem] = refusal(body)
    assert problem == f"g.graphml, line 1: {expected}"


def test_comments_do_not_cut_text():
    body = (
        KEY
        + '<graph><node id="a"><data key="n">one<!-- two --> t<?x y?>hr<![CDATA[e]]>e</data></node></graph>'
    )
    assert nodes_of(body) == [{"id": "a", "note": "one three"}]


def test_what_data_hold_is_no_graph():
    body = (
        KEY + '<graph><node id="a"><data key="n"><node id="b"/><edge source="a" target="b"/>'
        '<key id="x" for="node"/></data></node></graph>'
    )
    export, log = parsed(body)
    assert export.nodes.table.to_pylist() == [{"id": "a"}]
    assert export.links.table.num_rows == 0
    assert log.unused == [Unused("g.graphml", "node data n", "not read (1 of them)")]


def test_nothing_is_fetched(tmp_path):
    (tmp_path / "secret.xml").write_text("<node id='secret'/>")
    where = (tmp_path / "secret.xml").as_uri()
    head = f'<?xml version="1.0"?><?xml-stylesheet href="{where}" type="text/xsl"?>'
    root = f'graphml xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="x {where}" xml:base="{where}"'
    body = (
        f'<graph><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{where}"/>'
        f'<node id="a"><data key="k"><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{where}" parse="text"/>'
        "</data></node></graph>"
    )
    export, log = parsed(f"{head}<{root}>{body}</graphml>".encode())
    assert not log.problems.found
    assert export.nodes.table.to_pylist() == [{"id": "a"}]


def test_labels_that_yed_draws_are_names():
    y = "http://www.yworks.com/xml/graphml"
    key = '<key id="d" for="node" yfiles.type="nodegraphics"/><key id="m" for="node" attr.name="name"/>'
    label = f'<data key="d"><y:ShapeNode xmlns:y="{y}"><y:NodeLabel hasText="false"/><y:NodeLabel> 上海\n<y:LabelModel/></y:NodeLabel></y:ShapeNode></data>'
    body = (
        f'{key}<graph><node id="a">{label}</node><node id="b"><data key="m">own</data>{label}</node></graph>'
    )
    assert [node["name"] for node in nodes_of(body)] == ["上海", "own"]
    _, log = parsed(body)
    assert log.notes == [Note("g.graphml", "name read from the labels that yEd draws in 1 nodes")]
    assert log.unused == [Unused("g.graphml", "node data d", "not read (2 of them)")]


def test_edges_may_differ_from_their_graph():
    body = (
        '<graph edgedefault="directed"><node id="a"/><edge source="a" target="a" directed="false"/>'
        '<edge source="a" target="a"/></graph>'
    )
    export, _ = parsed(body)
    assert export.directed
    assert export.links.table.column("direction").to_pylist() == ["both", None]


def test_a_type_that_the_text_does_not_keep_is_for_the_assembly(read):
    text = graphml_text('<node id="a"><data key="y">abc</data></node>')
    with pytest.raises(DeclarationError, match=r"g\.graphml, node 1, lat: 'abc' is no number"):
        read(text, FIELDS)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "<graph><node id='a'><data key='k'>" + "x" * 11_000_000 + "</data></node></graph>",
            "Text node too long",
        ),
        ("<a>" * 100_000, "Excessive depth"),
        ("<graph><node " + " ".join(f"a{n}=''" for n in range(100_000)), "no XML"),
        ("<graph><node id='" + "x" * 11_000_000 + "'/></graph>", "no XML"),
        ("<" + "a" * 1_000_000, "no XML"),
    ],
)
def test_huge_parts_are_refused(body, expected):
    [problem] = refusal(body)
    assert expected in problem


def test_a_hundred_thousand_xml_attributes_are_no_columns():
    attributes = " ".join(f"a{n}=''" for n in range(100_000))
    assert nodes_of(f"<graph><node id='a' {attributes}/></graph>") == [{"id": "a"}]


def test_what_networkx_writes_of_a_declaration_comes_back(declare, tmp_path):
    nodes = "id,kind\na,bng\nb,olt\n"
    links = "id,source,target,direction\nl,a,b,\nm,a,b,forward\nn,b,a,\nn2,a,a,\n"
    before = read_declaration(declare({"nodes.csv": nodes, "links.csv": links}))
    nx.write_graphml(before.graph, tmp_path / "g.graphml")
    after = read_declaration(tmp_path / "g.graphml", operator=declare({"declaration.toml": declare.head}))
    for name in ("id", "source", "target", "direction"):
        assert sorted(map(str, column(after.links, name))) == sorted(map(str, column(before.links, name)))
    assert "auditor_reverse" not in after.links.column_names
