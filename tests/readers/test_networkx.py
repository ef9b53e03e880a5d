"""networkx in and out: nothing is lost on the way."""

from __future__ import annotations

import datetime as dt
import json

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor import tables
from auditor.errors import DeclarationError, UsageError
from auditor.model import Operator
from auditor.readers import read_declaration, read_graph

WHO = {"operator": {"name": "Example"}}
NOTE = "directed edges read as carrying both ways"
FEW = settings(max_examples=18, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

IDS = st.text("ab7中?>#", min_size=1, max_size=4)
NODES = st.lists(
    st.fixed_dictionaries(
        {"id": IDS, "kind": st.sampled_from(tables.NODE_KINDS)},
        optional={
            "owner": IDS,
            "lon": st.floats(80, 130),
            "lat": st.floats(20, 50),
            "transit": st.booleans(),
            "from_on": st.dates().map(str),
            "extra": IDS,
        },
    ).filter(lambda node: ("lon" in node) == ("lat" in node)),
    min_size=1,
    max_size=6,
    unique_by=lambda node: node["id"],
)
LINKS = st.lists(
    st.fixed_dictionaries(
        {"source": IDS, "target": st.none() | IDS},
        optional={
            "kind": st.sampled_from(tables.LINK_KINDS),
            "direction": st.sampled_from(tables.DIRECTIONS),
            "cost": st.floats(0, 9),
        },
    ),
    max_size=8,
)


def rows(table, *, without=()):
    kept = [
        {name: value for name, value in row.items() if value is not None and name not in without}
        for row in table.to_pylist()
    ]
    return sorted(kept, key=lambda row: (row["id"], str(row)))


def same_network(one, other):
    assert rows(one.nodes) == rows(other.nodes)
    codes = ("tail", "head")  # they number undeclared ids in order of sight
    assert rows(one.links, without=codes) == rows(other.links, without=codes)
    assert set(one.undeclared.to_pylist()) == set(other.undeclared.to_pylist())


@FEW
@given(nodes=NODES, links=LINKS)
def test_a_declaration_survives_the_graph(tmp_path, nodes, links):
    tree = {"schema": "auditor.declaration/1", **WHO, "network": {"nodes": nodes, "links": links}}
    (tmp_path / "d.json").write_text(json.dumps(tree), "utf-8")
    try:
        declaration = read_declaration(tmp_path / "d.json")
    except DeclarationError as error:  # a made link name that another link's ends spell too
        assert "is there twice" in str(error)  # noqa: PT017 -- it may also pass
        return
    again = read_graph(declaration.graph, operator=declaration)
    same_network(declaration, again)
    assert again.notes == ()
    assert (again.operator, again.inputs) == (declaration.operator, declaration.inputs)


def test_the_graph_is_what_an_auditor_expects(declare):
    links = "id,source,target,direction\nx,a,b,\ny,a,b,forward\nz,b,,\nw,a,a,\nv,a,gone,\n"
    files = {"nodes.csv": "id,kind,lon,lat,from_on\na,bng,121,31,2026-01-02\nb,olt,,,\n", "links.csv": links}
    graph = read_declaration(declare(files)).graph
    assert isinstance(graph, nx.MultiDiGraph)
    assert graph.nodes["a"] == {"kind": "bng", "lon": 121.0, "lat": 31.0, "from_on": dt.date(2026, 1, 2)}
    assert graph.nodes["b"] == {"kind": "olt"}
    assert graph.nodes["gone"] == {"auditor_declared": False}
    assert graph.nodes["?z"] == {"auditor_declared": False, "auditor_blank": True}
    arcs = {(u, v, k, d.get("auditor_reverse", False)) for u, v, k, d in graph.edges(keys=True, data=True)}
    assert arcs == {
        ("a", "b", "x", False),
        ("b", "a", "x", True),
        ("a", "b", "y", False),
        ("b", "?z", "z", False),
        ("?z", "b", "z", True),
        ("a", "a", "w", False),
        ("a", "gone", "v", False),
        ("gone", "a", "v", True),
    }


@pytest.mark.parametrize("kind", [nx.Graph, nx.MultiGraph, nx.DiGraph, nx.MultiDiGraph])
def test_every_class_of_graph_reads(kind):
    graph = kind()
    graph.add_node(1, kind="bng", lon=np.float64(121.5), lat=31)
    graph.add_node(("b", 2), kind="olt", id="shadow")
    graph.add_edge(1, ("b", 2), kind="fibre")
    declaration = read_graph(graph, operator=WHO)
    assert declaration.nodes.column("id").to_pylist() == ["1", "('b', 2)"]
    assert declaration.nodes.column("id (attribute)").to_pylist() == [None, "shadow"]
    assert declaration.links.column("direction").to_pylist() == [None]
    assert [note.what.startswith(NOTE) for note in declaration.notes] == [True] * graph.is_directed()
    literal = read_graph(graph, operator=WHO, directed=True)
    assert literal.links.column("direction").to_pylist() == (["forward"] if graph.is_directed() else [None])
    assert literal.notes == ()


def test_parallel_edges_are_kept():
    graph = nx.MultiGraph()
    graph.add_nodes_from("ab", kind="bng")
    graph.add_edges_from([("a", "b"), ("a", "b"), ("a", "b", "named")])
    links = read_graph(graph, operator=WHO).links
    assert sorted(links.column("id").to_pylist()) == ["a>b", "a>b#2", "named"]


def test_nodes_without_kind_are_other():
    declaration = read_graph(nx.path_graph(3), operator=Operator(name="Example"))
    assert declaration.nodes.column("kind").to_pylist() == ["other"] * 3
    assert declaration.notes[0].what == (
        "kind read as other, carrying traffic, for 3 nodes without kind, which are all: "
        "say by a mapping what they are (auditor convert --suggest)"
    )


def test_the_operator_may_be_a_file_with_fields(declare):
    fields = '[network.fields]\nLongitude = "lon"\nLatitude = "lat"\n'
    root = declare({"declaration.toml": declare.head + "[network]\ncomplete = true\n" + fields})
    graph = nx.Graph()
    graph.add_node("a", kind="bng", Longitude=121.0, Latitude=31.0)
    for operator in (root, root / "declaration.toml", str(root)):
        declaration = read_graph(graph, operator=operator)
        assert (declaration.complete, declaration.nodes.column("lat").to_pylist()) == (True, [31.0])


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"kind": "bgn"}, "graph, node 1, kind: 'bgn' is not known: did you mean 'bng'?"),
        (
            {"kind": "bng", "lon": float("nan"), "lat": 31.0},
            "graph, node 1, lon: 'nan' is no number; leave blank what is not known",
        ),
        ({"kind": "bng", "asn": object()}, "graph, node 1, asn: '<object object at"),
    ],
)
def test_problems_name_the_node(attributes, expected):
    graph = nx.Graph()
    graph.add_node("a", **attributes)
    with pytest.raises(DeclarationError) as caught:
        read_graph(graph, operator=WHO)
    [problem] = caught.value.problems
    assert str(problem).startswith(expected)


def test_an_edge_to_nowhere_cannot_be(declare):
    graph = nx.Graph()
    graph.add_node("a", kind="bng")
    graph.add_node("b", auditor_declared=False)
    graph.add_edge("a", "b")
    assert read_graph(graph, operator=WHO).undeclared.to_pylist() == ["b"]
    root = declare({"declaration.toml": declare.head + "[network]\ncomplete = true\n"})
    with pytest.raises(DeclarationError, match="graph, edge 1, target: 'b' is no declared node"):
        read_graph(graph, operator=root)


def test_an_operator_that_is_none():
    with pytest.raises(UsageError, match="operator is a path, a dict"):
        read_graph(nx.Graph(), operator=3)


def test_a_structure_without_folder_cannot_name_files():
    graph = nx.Graph()
    graph.add_node("a", kind="bng", document="lease.pdf")
    with pytest.raises(DeclarationError) as caught:
        read_graph(graph, operator=WHO | {"network": {"nodes": "nodes.csv"}})
    [problem] = caught.value.problems
    assert str(problem) == (
        "operator, network, nodes: 'nodes.csv' is a file, but there is no folder; give the table itself"
    )
    assert read_graph(graph, operator=WHO).documents == {}


def test_blanks_as_pandas_writes_them_are_blank_in_columns_of_text():
    pd = pytest.importorskip("pandas")
    graph = nx.Graph()
    graph.add_node("a", kind="bng", owner=float("nan"), from_on=pd.NaT, name=pd.NA)
    graph.add_node("b", kind="bng", owner="Example", from_on="2026-01-01", name="B")
    node = read_graph(graph, operator=WHO).nodes.to_pylist()[0]
    assert (node["owner"], node["from_on"], node["name"]) == (None, None, None)


def test_nested_values_too_deep_to_write_are_kept_in_short():
    deep = []
    for _ in range(600):
        deep = [deep]
    graph = nx.Graph()
    graph.add_node("a", kind="bng", extra={"deep": deep})
    assert read_graph(graph, operator=WHO).nodes.num_rows == 1


def test_what_is_no_graph_is_refused():
    with pytest.raises(UsageError, match="not NoneType"):
        read_graph(None, operator=WHO)


def test_a_declaration_shows_itself_in_a_line():
    graph = nx.path_graph(3)
    assert repr(read_graph(graph, operator=WHO)) == (
        "<Declaration of Example: no services; 3 nodes, 2 links, not stated complete>"
    )
