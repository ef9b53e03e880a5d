"""No form of file makes a verdict better: the same network, told in another way, or with less said of it."""

from __future__ import annotations

import json
from functools import cache

import networkx as nx
import pytest

import auditor
from auditor import conversion
from auditor.errors import DeclarationError, UsageError
from auditor.readers import read_declaration, read_graph

AS_OF = "2026-11-22"
HEAD = """schema = "auditor.declaration/1"
approvals_complete = true
[operator]
name = "Example"
nature = "foreign_invested"
pilot_area = "shanghai"
[[operator.domiciles]]
region_code = "310115"
[[services]]
code = "B14"
regime = "pilot107"
scope = ["shanghai"]
"""
NODES = (
    "id,kind,owner,holding,services,region_code\n"
    "dc-1,data_centre,operator,own,,310115\n"
    "sub,subscriber,customer,,B14,310115\n"
    "bng,bng,中国电信,,,310115\n"
    "core,router,中国电信,,,310115\n"
    "eg,egress,operator,own,,310115\n"
)
LINKS = "source,target,kind\nsub,bng,access\nbng,core,fibre\n"
BEIJING = "dc-bj,data_centre,operator,own,,110105\n"


@cache
def areas():
    return auditor.read_areas(AS_OF)


def verdict(declaration, rule, subject):
    frame = auditor.check(declaration, areas=areas(), as_of=AS_OF, only=[rule]).to_frame()
    return dict(zip(frame["subject"], frame["verdict"], strict=True)).get(subject)


@pytest.fixture
def read(declare):
    def reader(nodes=NODES, links=LINKS, *, complete=True):
        network = declare.network + ("complete = true\n" if complete else "")
        return read_declaration(
            declare({"declaration.toml": HEAD + network, "nodes.csv": nodes, "links.csv": links})
        )

    return reader


def test_what_the_tests_below_start_from(read):
    assert verdict(read(), "PILOT-ISP-02", "node:sub") == "pass"
    assert verdict(read(links=LINKS + "sub,eg,access\n"), "PILOT-ISP-02", "node:sub") == "fail"
    assert verdict(read(nodes=NODES + BEIJING), "PILOT-FAC-02", "node:dc-bj") == "fail"


@pytest.mark.parametrize("word", ["互联网出口", "出口", "路由器", "云服务", "数据中心"])
def test_words_of_other_tables_are_no_kinds_of_links(read, word):
    with pytest.raises(DeclarationError, match=r"links\.csv, row 4, kind: .* is not known"):
        read(links=f"{LINKS}sub,eg,{word}\n")


@pytest.mark.parametrize("word", ["云服务", "主机托管", "带宽", "专线", "光纤"])
def test_words_of_other_tables_are_no_kinds_of_nodes(read, word):
    with pytest.raises(DeclarationError, match=r"nodes\.csv, row 7, kind: .* is not known"):
        read(nodes=f"{NODES}x,{word},operator,own,,110105\n")


def graph(**more):
    made = nx.Graph()
    for row in NODES.splitlines()[1:]:
        names = NODES.splitlines()[0].split(",")
        values = {name: value for name, value in zip(names, row.split(","), strict=True) if value}
        made.add_node(values.pop("id"), **values)
    made.add_edges_from([("sub", "bng"), ("bng", "core")], kind="access")
    for name, attributes in more.items():
        made.add_node(name, **attributes)
    return made


@pytest.fixture
def back(declare, tmp_path):
    """Through a file of GraphML."""

    def reader(made, network="[network]\ncomplete = true\n"):
        nx.write_graphml(made, tmp_path / "g.graphml")
        return read_declaration(
            tmp_path / "g.graphml", operator=declare({"declaration.toml": HEAD + network})
        )

    return reader


def test_a_node_without_kind_lets_traffic_pass(back):
    made = graph(switch={"owner": "operator", "region_code": "310115"})
    made.add_edges_from([("sub", "switch"), ("switch", "eg")])
    assert verdict(back(made), "PILOT-ISP-02", "node:sub") == "fail"


@pytest.mark.parametrize("name", ["declared", "blank", "reverse"])
@pytest.mark.parametrize("value", [False, True, "false", "true"])
def test_columns_of_others_are_no_marks_of_ours(back, name, value):
    made = graph()
    made.add_node("dc-bj", kind="data_centre", owner="operator", region_code="110105", **{name: value})
    made.add_edge("sub", "eg", **{name: value})
    declaration = back(made)
    assert verdict(declaration, "PILOT-FAC-02", "node:dc-bj") == "fail"
    assert verdict(declaration, "PILOT-ISP-02", "node:sub") == "fail"
    operator = {"schema": "auditor.declaration/1", **declaration_tree()}
    again = read_graph(made, operator=operator)
    assert (again.nodes.num_rows, again.links.num_rows) == (made.number_of_nodes(), made.number_of_edges())
    assert verdict(again, "PILOT-ISP-02", "node:sub") == "fail"


def declaration_tree():
    import tomllib

    return tomllib.loads(HEAD)


def test_what_is_marked_and_yet_declared_is_a_problem(back):
    made = graph(bj={"kind": "data_centre", "owner": "operator", "auditor_declared": False})
    with pytest.raises(DeclarationError, match="marked as not declared, and yet declared here"):
        back(made)


def test_an_arc_marked_as_a_way_back_counts_where_there_is_no_way_there():
    made = graph().to_directed()
    made.add_edge("sub", "eg", auditor_reverse=True)
    assert verdict(read_graph(made, operator=declaration_tree()), "PILOT-ISP-02", "node:sub") == "fail"


def test_any_column_may_stand_in_the_graph(read):
    nodes = NODES.replace("region_code", "region_code,node_for_adding", 1).replace("310115\n", "310115,x\n")
    links = "source,target,kind,key,reverse,u_for_edge\nsub,bng,access,k,true,u\nbng,core,fibre,k,true,u\n"
    before = read(nodes, links)
    after = read_graph(before.graph, operator=before)
    assert after.links.column("reverse").to_pylist() == ["true", "true"]
    assert after.nodes.column("node_for_adding").to_pylist() == ["x"] * 5


def test_keys_of_parallel_edges_are_no_ids(back):
    made = nx.MultiGraph(graph())
    made.add_edge("sub", "bng", kind="radio")
    declaration = back(made)
    assert sorted(declaration.links.column("id").to_pylist()) == ["bng>core", "sub>bng", "sub>bng#2"]
    assert declaration.links.column("id (key)").to_pylist() == ["0", "1", "0"]


def test_one_table_of_links_is_no_table_of_nodes(declare, tmp_path):
    (tmp_path / "l.csv").write_text("id,source,target\nl,a,b\n", "utf-8")
    with pytest.raises(DeclarationError, match=r"l\.csv, kind: the column is missing"):
        read_declaration(tmp_path / "l.csv", operator=declare({"declaration.toml": HEAD}))


def test_direction_stated_blank_is_not_stated(declare, tmp_path):
    tree = {"directed": True, "nodes": [{"id": "a"}, {"id": "b"}]}
    tree["links"] = [{"source": "a", "target": "b", "direction": way} for way in ("", None, "both")]
    (tmp_path / "n.json").write_text(json.dumps(tree), "utf-8")
    operator = declare({"declaration.toml": HEAD + "[network]\ndirected = true\n"})
    read = read_declaration(tmp_path / "n.json", operator=operator)
    assert read.links.column("direction").to_pylist() == ["forward", "forward", "both"]


# --- conversion -----------------------------------------------------------------------------------------------


def test_documents_lie_where_the_operator_file_lies(declare, tmp_path):
    approval = '[[approvals]]\nkind = "licence"\ndocument = "reply.pdf"\n'
    operator = declare({"declaration.toml": HEAD + approval, "reply.pdf": b"one"})
    nx.write_graphml(graph(), tmp_path / "e.graphml")
    done = conversion.convert(tmp_path / "e.graphml", tmp_path / "out", operator=operator)
    assert done.lost == ()
    assert (tmp_path / "out" / "reply.pdf").read_bytes() == b"one"


def test_a_document_takes_no_tables_place(declare, tmp_path):
    files = {
        "declaration.toml": HEAD
        + '[[approvals]]\ndocument = "nodes.csv"\n'
        + '[network]\nnodes = "n.csv"\nlinks = "links.csv"\n',
        "n.csv": "id,kind\nsub-1,subscriber\nbng-1,bng\n",
    }
    with pytest.raises(UsageError, match=r"a document is called nodes\.csv"):
        conversion.convert(declare(files), tmp_path / "out")


def test_keys_that_nothing_holds_are_lost_and_listed(declare, tmp_path):
    text = 'remark = "x"\n' + HEAD + declare.network + 'motto = "y"\nfilings = "f.json"\n'
    filed = '{"rooms": [{"id": "R1"}], "racks": []}'
    done = conversion.convert(declare({"declaration.toml": text, "f.json": filed}), tmp_path / "out.json")
    assert {loss.what for loss in done.lost} == {"remark", "network.motto", "network.filings f.json"}


def test_what_was_missed_stays_missed(declare, tmp_path):
    area = {"type": "Polygon", "coordinates": [[[121, 31], [122, 31], [122, 32], [121, 31]]]}
    point = {"type": "Point", "coordinates": [121, 31]}
    features = [
        {"type": "Feature", "geometry": shape, "properties": {"name": "a"}} for shape in (area, point)
    ]
    text = json.dumps({"type": "FeatureCollection", "features": features})
    root = declare({"declaration.toml": HEAD, "g.geojson": text})
    done = conversion.convert(root / "g.geojson", tmp_path / "out.json", operator=root / "declaration.toml")
    assert [loss.what for loss in done.lost] == ["what was not read of the input"]
