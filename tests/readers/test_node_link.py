"""Node-link JSON of networkx and D3, and the elements of Cytoscape."""

from __future__ import annotations

import json

import networkx as nx
import pytest

from auditor.model import Unused
from auditor.readers import json_, node_link, read_declaration
from auditor.readers._registry import readers
from auditor.tables import Log


def parsed(tree):
    log = Log()
    return json_.parse(json.dumps(tree).encode(), "g.json", log), log


def read(tree):
    export, log = parsed(tree)
    assert not log.problems.found, log.problems.found
    return export.nodes.table.to_pylist(), export.links.table.to_pylist()


def problems(tree):
    export, log = parsed(tree)
    assert export is None
    return [str(problem) for problem in log.problems.found]


NODES = [{"id": "a"}, {"id": "b"}]


def test_both_spellings_read(declare):
    for spelt in ("links", "edges"):
        tree = {
            "directed": True,
            "multigraph": True,
            "graph": {"name": "x"},
            "layout": 1,
            "nodes": [
                {"id": 7, "kind": "bng", "lon": 121.5, "lat": 31},
                {"id": "007", "transit": True, "ips": ["203.0.113.1", "203.0.113.2"]},
            ],
            spelt: [{"source": 7, "target": "007", "key": "e"}, {"source": 7, "target": 8, "key": 0}],
        }
        root = declare({"declaration.toml": declare.head, "g.json": json.dumps(tree)})
        declaration = read_declaration(root / "g.json", operator=root)
        assert declaration.nodes.column("id").to_pylist() == ["7", "007"]
        assert declaration.nodes.column("lat").to_pylist() == [31.0, None]
        assert declaration.nodes.column("transit").to_pylist() == [None, True]
        assert declaration.nodes.column("ips").to_pylist() == [None, "203.0.113.1;203.0.113.2"]
        assert declaration.links.column("id").to_pylist() == ["e", "7>8"]
        assert declaration.undeclared.to_pylist() == ["8"]
        assert {
            Unused("g.json", "attributes of graph", "not read (1 of them)"),
            Unused("g.json", "key layout", "not read (1 of them)"),
        } <= set(declaration.unused)
        assert [note.what[:40] for note in declaration.notes] == [
            "directed links read as carrying both way",
            "kind read as other, carrying traffic, fo",
        ]


def test_keys_are_ids_only_where_they_tell_links_apart():
    links = [
        {"source": "a", "target": "b", "key": "one"},
        {"source": "a", "target": "b", "key": "two"},
        {"source": "b", "target": "a", "key": "two"},
        {"source": "a", "target": "b", "key": 3},
        {"source": "a", "target": "b", "key": "four", "id": "stated"},
        {"source": "a", "target": "b", "key": "five", "id": None},
        {"source": "a", "target": "b", "key": "six", "id": "six"},
        {"source": "a", "target": "b", "id": None},
    ]
    _, given = read({"nodes": NODES, "links": links})
    assert [link["id"] for link in given] == ["one", None, None, None, "stated", "five", "six", None]
    assert [link["key"] for link in given] == [None, "two", "two", "3", "four", None, None, None]


def test_the_graph_of_a_declaration_comes_back(declare):
    given = read_declaration(
        declare(
            {
                "nodes.csv": "id,kind,lon,lat\ns,subscriber,,\nb,bng,121.5,31.5\n",
                "links.csv": "source,target,id,direction\ns,b,e-1,\nb,,e-2,forward\nb,gone,e-3,both\nb,b,e-4,\n",
            }
        )
    )
    root = declare({"g.json": json.dumps(nx.node_link_data(given.graph))})
    (root / "declaration.toml").write_text(declare.head)
    again = read_declaration(root / "g.json", operator=root)
    assert again.nodes.select(given.nodes.column_names).equals(given.nodes)
    links = {link["id"]: link for link in given.links.select(["id", "source", "target"]).to_pylist()}
    back = again.links.select(["id", "source", "target"]).to_pylist()
    assert {link["id"]: link for link in back} == links
    assert again.undeclared.to_pylist() == ["gone"]


def test_cytoscape():
    graph = nx.MultiGraph()
    graph.add_node(1, kind="bng")
    graph.add_edge(1, "b", kind="fibre")
    tree = nx.cytoscape_data(graph)
    tree["elements"]["nodes"][0]["position"] = {"x": 1, "y": 2}
    tree["style"] = []
    nodes, links = read(tree)
    assert [(node["id"], node["kind"], node["name"]) for node in nodes] == [
        ("1", "bng", "1"),
        ("b", None, "b"),
    ]
    assert [(link["source"], link["target"], link["kind"]) for link in links] == [("1", "b", "fibre")]
    _, log = parsed(tree)
    listed = {unused.what for unused in log.unused}
    assert listed == {"key data", "key style", "node position"}


def test_what_is_odd_stays():
    """No number, no nesting and no mixture of types makes a reader fail, or changes a text."""
    odd = ["1e5", 10**30, 1.5, None, {"a": {"b": [1]}}, ["x", 1], "NaN", True]
    nodes, _ = read({"nodes": [{"id": str(at), "odd": value} for at, value in enumerate(odd)], "links": []})
    assert [node["odd"] for node in nodes] == [
        *("1e5", "1000000000000000000000000000000", "1.5", None, '{"a":{"b":[1]}}', "x;1", "NaN", "true"),
    ]


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (
            {"nodes": NODES, "links": [], "edges": []},
            ["g.json: holds both links and edges; leave one of them out"],
        ),
        (
            {
                "nodes": [
                    {"name": "x"},
                    1,
                    {"id": None},
                    {"id": [1]},
                    {"id": True},
                    {"id": " "},
                    {"id": 1.5},
                ],
                "links": [None],
            },
            [
                "g.json, node 2: '1' is no record",
                *(
                    f"g.json, node {number}, id: {what}; a text or a whole number; other names are not guessed"
                    for number, what in (
                        *((1, "is missing"), (3, "nothing is no id"), (4, "'[1]' is no id")),
                        *((5, "'True' is no id"), (6, "' ' is no id"), (7, "'1.5' is no id")),
                    )
                ),
                "g.json, link 1: nothing is no record",
            ],
        ),
        (
            {"nodes": NODES, "links": [{"from": "a", "target": "b"}]},
            ["g.json, link 1, source: is missing; a text or a whole number; other names are not guessed"],
        ),
        (
            {"nodes": NODES, "links": [{"source": 0, "target": 1}]},
            [f"g.json: links name their ends by position, not by id; {node_link.BY_POSITION}"],
        ),
        (
            {"directed": "yes", "nodes": NODES, "links": []},
            ["g.json, directed: 'yes' is neither true nor false"],
        ),
    ],
)
def test_what_is_refused(tree, expected):
    assert problems(tree) == expected


def test_numbers_that_are_ids_are_no_positions():
    _, links = read({"nodes": [{"id": 0}, {"id": 1}], "links": [{"source": 0, "target": 1}]})
    assert [(link["source"], link["target"]) for link in links] == [("0", "1")]
    _, links = read({"nodes": [{"id": 10}, {"id": 20}], "links": [{"source": 10, "target": 30}]})
    assert links[0]["target"] == "30"


def test_a_flood_of_problems_is_counted():
    assert len(problems({"nodes": [{}] * 100_000, "links": []})) == 21


@pytest.mark.parametrize(
    "tree",
    [
        {"schema": "auditor.declaration/1", "operator": {"name": "x"}, "network": {"nodes": [], "links": []}},
        {"network": {}, "nodes": [], "links": []},
        {"type": "FeatureCollection", "features": []},
        {"ietf-network:networks": {"network": [{"node": [], "ietf-network-topology:link": []}]}},
        {"elements": [{"uid": "a", "type": "Roadm"}], "connections": [{"from_node": "a", "to_node": "b"}]},
        [{"model": "dcim.device", "pk": 1, "fields": {}}],
        {"nodes": []},
        {"nodes": {}, "links": {}},
        {"elements": {"nodes": []}},
        *([], {}, None, 1, "nodes links"),
    ],
)
def test_what_is_another_form_is_not_claimed(tree):
    assert not node_link.claims(tree)


@pytest.mark.parametrize("tree", [{"nodes": [], "links": []}, {"elements": {"nodes": [], "edges": []}}])
def test_no_other_form_claims_it(tree):
    assert [reader.name for reader in readers() if reader.claims is not None and reader.claims(tree)] == [
        "node-link"
    ]
