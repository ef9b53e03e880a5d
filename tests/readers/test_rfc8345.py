"""RFC 8345: one layer is taken, labels are lifted, layers are never mixed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditor import check
from auditor.errors import DeclarationError
from auditor.readers import read_declaration
from auditor.readers import rfc8345 as reader
from auditor.readers._files import read_json
from auditor.tables import Log

MODEL = Path(__file__).parents[3] / "shared/testdata/rfc8345-netoviz/static/model"
L1, L2, L3 = "ietf-network-topology:link", "ietf-l2-topology:", "ietf-l3-unicast-topology:"
REAL = {  # layer, nodes, links
    "aggregate_check": ("layer1", 4, 5),
    "bf_l2s3": ("layer1", 10, 9),
    "bf_l2s4": ("layer1", 10, 9),
    "bf_l2s5": ("layer1", 10, 10),
    "bf_l3ex": ("layer3", 16, 20),
    "bf_l3s1": ("layer3", 9, 10),
    "diff_test": ("layer1", 3, 2),
    "mp_attr": ("system-monitor", 3, 2),
    "nlink_check": ("layer1", 4, 30),
    "target": ("target-L1", 7, 10),
    "target2": ("target-L1", 7, 10),
    "target3": ("target-L1", 7, 10),
    "target3.diff": ("target-L1", 7, 10),
    "target3a": ("target-L1", 7, 9),
    "target3b": ("target-L1", 7, 9),
}


def node(name, on=(), **more):
    return {
        "node-id": name,
        "supporting-node": [{"network-ref": net, "node-ref": ref} for net, ref in on],
        **more,
    }


def link(near, far, name=None, **more):
    entry = {"link-id": name or f"{near}-{far}"}
    if near:
        entry["source"] = dict(zip(("source-node", "source-tp"), near.split("."), strict=False))
    if far:
        entry["destination"] = dict(zip(("dest-node", "dest-tp"), far.split("."), strict=False))
    return entry | more


def both(near, far, **more):
    return [link(near, far, **more), link(far, near)]


def network(name, nodes, links=(), on=(), **more):
    nodes = [each if isinstance(each, dict) else node(each) for each in nodes]
    supporting = [{"network-ref": other} for other in on]
    return {"network-id": name, "node": nodes, L1: list(links), "supporting-network": supporting, **more}


def wrap(*networks):
    return {"ietf-network:networks": {"network": list(networks)}}


class Read:
    def __init__(self, tree, layer=None):
        self.log = Log()
        tree = read_json(json.dumps(tree).encode(), "t.json", self.log)
        assert reader.claims(tree)
        self.export = reader.read_layer(tree, "t.json", self.log, layer)
        self.notes = [note.what for note in self.log.notes]
        self.unused = {unused.what: unused.why for unused in self.log.unused}
        self.problems = [str(problem) for problem in self.log.problems.found]

    @property
    def nodes(self):
        return rows(self.export.nodes, "id")

    @property
    def links(self):
        return rows(self.export.links, "id")


def rows(frame, key):
    listed = [{k: v for k, v in row.items() if v is not None} for row in frame.table.to_pylist()]
    return {row[key]: row for row in listed}


@pytest.mark.shared
@pytest.mark.parametrize("name", REAL)
def test_real_files(name):
    path = MODEL / f"{name}.json"
    if not path.exists():
        pytest.skip("no shared test data")
    layer, nodes, links = REAL[name]
    tree = json.loads(path.read_text())
    read = Read(tree)
    assert read.problems == []
    assert (len(read.nodes), len(read.links)) == (nodes, links)
    assert {row["layer"] for row in read.links.values()} == {layer}
    assert "direction" not in read.export.links.table.column_names
    networks = tree["ietf-network:networks"]["network"]
    others = {entry["network-id"] for entry in networks} - {layer}
    listed = [what for what in read.unused if what.startswith("layer ")]
    assert len(listed) == len(others) and all(any(repr(o) in what for what in listed) for o in others)
    assert not any("NO LAYER" in note for note in read.notes)


@pytest.mark.shared
def test_a_real_file_is_checked_with_an_operator(declare):
    if not MODEL.exists():
        pytest.skip("no shared test data")
    root = declare({"t.json": (MODEL / "target3.json").read_bytes(), "declaration.toml": declare.head})
    declaration = read_declaration(root / "t.json", operator=root)
    assert declaration.nodes.num_rows == 7 and len(declaration.undeclared) == 0
    assert any("target-L1" in note.what for note in declaration.notes)


@pytest.mark.shared
def test_layouts_and_indexes_are_no_topologies():
    if not MODEL.exists():
        pytest.skip("no shared test data")
    others = [path for path in MODEL.glob("*.json") if path.stem not in REAL]
    assert len(others) == 12
    assert not any(reader.claims(json.loads(path.read_text())) for path in others)


NET = network("n", ["a", "b"], both("a", "b"))
PLAIN = {"network-id": "n", "node": NET["node"], "link": NET[L1]}


@pytest.mark.parametrize(
    "tree",
    [
        {"ietf-network:networks": {"network": [NET]}},
        {"ietf-network:networks": {"ietf-network:network": NET}},
        {"networks": [NET]},
        {"ietf-network-state:networks": {"network": [NET]}},
        {"network": PLAIN},
        {"ietf-network:network": [PLAIN]},
        {"data": {"ietf-network:networks": {"network": [PLAIN]}}},
        {"ietf-restconf:data": {"networks": {"network": PLAIN}}},
        {"nsp-model:network": [PLAIN]},
        [PLAIN],
    ],
)
def test_keys_drift(tree):
    read = Read(tree)
    assert sorted(read.nodes) == ["a", "b"]
    assert read.links == {"a-b": {"id": "a-b", "source": "a", "target": "b", "layer": "n"}}


@pytest.mark.parametrize(
    "tree",
    [
        {"schema": "auditor.declaration/1", "operator": {"name": "x"}, "network": {"nodes": []}},
        {"elements": [], "connections": []},
        {"type": "NetworkGraph", "nodes": [], "links": []},
        {"ietf-network-instance:network-instances": {}},
        {"networks": 5},
        {"network": [[]]},
        {"data": {"data": {"data": {"data": {}}}}},
        [],
        None,
        7,
        "ietf-network:networks",
    ],
)
def test_other_trees_are_not_claimed(tree):
    assert not reader.claims(tree)


def test_pairs_are_one_link_and_the_rest_carries_forward():
    links = [
        *both("a.1", "b.1"),
        link("a.2", "b.2", "second"),
        link("b.2", "a.2", "second back"),
        link("a.3", "b.3", "one way"),
        link("b.3", "a.4", "other ports"),
        link("a.5", None, "blank"),
        link(None, "b.5", "blank too"),
        link("a.6", None, "seen twice"),
        link(None, "a.6", "seen twice back"),
    ]
    read = Read(wrap(network("n", ["a", "b"], links)))
    ends = {k: (r["source"], r.get("target"), r.get("direction")) for k, r in read.links.items()}
    assert ends == {
        "a.1-b.1": ("a", "b", None),
        "second": ("a", "b", None),
        "one way": ("a", "b", "forward"),
        "other ports": ("b", "a", "forward"),
        "blank": ("a", None, None),
        "blank too": ("b", None, None),
        "seen twice": ("a", None, None),
    }
    assert "2 links have no entry for the way back and carry forward alone" in read.notes
    assert not read.export.directed


def test_a_pair_of_self_loops_is_one_and_one_alone_is_one():
    read = Read(wrap(network("n", ["a"], [link("a", "a", "1"), link("a", "a", "2"), link("a", "a", "3")])))
    assert {k: r.get("direction") for k, r in read.links.items()} == {"1": None, "3": "forward"}


def test_links_listed_once_are_asked_about(declare):
    """Read as forward, a way round the gate might run against the arrows of whoever drew them."""
    tree = wrap(network("n", ["a", "b", "c"], [link("a", "b"), link("c", "b")]))
    read = Read(tree)
    assert read.export.directed and "direction" not in read.export.links.table.column_names
    root = declare({"t.json": json.dumps(tree), "declaration.toml": declare.head})
    declaration = read_declaration(root / "t.json", operator=root)
    assert any("both ways" in note.what for note in declaration.notes)


def test_the_lowest_complete_layer_is_taken():
    low = network("low", ["x", "y"], both("x", "y"))
    high = network("high", [node("a", [("low", "x")]), node("b", [("low", "y")])], both("a", "b"), ["low"])
    for trees in ((low, high), (high, low)):
        read = Read(wrap(*trees))
        assert sorted(read.nodes) == ["x", "y"]
        assert {row["layer"] for row in read.links.values()} == {"low"}
        what = "layer 'high': 2 nodes, 2 entries of links"
        assert read.unused[what] == "not searched: layers are never mixed"
        assert read.notes[0].startswith(
            "layer 'low' is read (2 nodes, 2 entries of links), the lowest that is"
        )


def test_order_comes_from_nodes_where_networks_do_not_state_it():
    high = network("A", [node("a", [("B", "x")]), node("b", [("B", "x")])], both("a", "b"))
    low = network("B", ["x", "y"], both("x", "y"))
    assert sorted(Read(wrap(high, low)).nodes) == ["x", "y"]


def test_nodes_are_carried_through_others():
    top = network("3", [node("a", [("2", "m")]), node("v", [("3", "a")])], both("a", "v"))
    middle = network("2", [node("m", [("1", "x")])])
    low = network("1", ["x", "y"], both("x", "y"))
    read = Read(wrap(top, middle, low))
    assert sorted(read.nodes) == ["x", "y"] and "the lowest that is complete of 3" in read.notes[0]


@pytest.mark.parametrize(
    ("low", "lack"),
    [
        (network("low", ["x", "y"], both("x", "y")), "1 nodes stand on nothing of it, such as 'b' of 'high'"),
        (network("low", ["x", "y"], both("x", "z")), "2 link ends name nothing of it, such as 'z'"),
        (
            network(
                "low",
                [node("x") | {"termination-point": [{"tp-id": "1"}]}, "y"],
                both("x.2", "y"),
            ),
            "2 link ends name nothing of it, such as 'x, port 2'",
        ),
    ],
)
def test_a_layer_that_lacks_something_is_passed_over(low, lack):
    on = [("low", "y")] if "link ends" in lack else []
    high = network("high", [node("a", [("low", "x")]), node("b", on)], both("a", "b"))
    read = Read(wrap(low, high))
    assert sorted(read.nodes) == ["a", "b"]
    assert read.notes[0].startswith("layer 'high' is read") and "is complete of 2" in read.notes[0]
    read = Read(wrap(low, high), "low")
    assert sorted(read.nodes) == ["x", "y"] and lack in read.notes[0] and "is asked for" in read.notes[0]


def test_if_none_is_complete_it_is_said_loudly():
    one = network("one", ["a", "b", "c"], both("a", "b"))
    other = network("other", ["p", "q"], both("p", "q"))
    read = Read(wrap(other, one))
    assert sorted(read.nodes) == ["a", "b", "c"]
    assert "NO LAYER IS COMPLETE" in read.notes[0]
    assert "2 nodes stand on nothing of it, such as 'p' of 'other'" in read.notes[0]


def test_a_layer_without_links_is_not_searched_while_another_has_some():
    low = network("sites", ["x"])
    high = network("high", [node("a", [("sites", "x")]), node("b", [("sites", "x")])], both("a", "b"))
    assert sorted(Read(wrap(low, high)).nodes) == ["a", "b"]
    read = Read(wrap(low))
    assert sorted(read.nodes) == ["x"] and read.links == {}


def test_another_layer_may_be_asked_for():
    low = network("low", ["x", "y"], both("x", "y"))
    high = network("high", [node("a", [("low", "x")]), node("b", [("low", "y")])], both("a", "b"))
    assert sorted(Read(wrap(low, high), "high").nodes) == ["a", "b"]
    assert "did you mean 'high'?" in Read(wrap(low, high), "hihg").problems[0]


def test_a_circle_has_no_lowest_layer():
    one = network("1", ["a"], both("a", "a"), ["2"])
    two = network("2", ["b"], both("b", "b"), ["1"])
    read = Read(wrap(one, two))
    assert read.export is None and "in a circle: '1', '2'" in read.problems[0]
    assert sorted(Read(wrap(one, two), "2").nodes) == ["b"]


def labels(**columns):
    return {"auditor:node-attributes": columns}


def test_labels_are_lifted_where_all_agree():
    low = network("low", [node("x", **labels(vendor="中国电信")), "y", "z"], both("x", "y"))
    high = network(
        "high",
        [
            node("a", [("low", "x")], **labels(vendor="operator", model="olt", status="retired")),
            node("b", [("low", "y")], **labels(vendor="operator", model="olt", site="q")),
            node("c", [("low", "y")], **labels(vendor="customer", model="olt")),
            node("d", [("low", "z")]),
        ],
        both("a", "b"),
    )
    read = Read(wrap(low, high))
    assert read.nodes == {
        "x": {"id": "x", "vendor": "中国电信", "model": "olt"},
        "y": {"id": "y", "model": "olt"},
        "z": {"id": "z"},
    }
    assert any(n.startswith("vendor: ") and "'operator' and 'customer' for 'y'" in n for n in read.notes)
    assert "lifted to nodes of 'low' from other layers: model (2)" in read.notes
    read = Read(wrap(low, high), "high")
    assert read.nodes["d"] == {"id": "d"} and read.nodes["c"]["vendor"] == "customer"


def test_whose_an_instance_is_says_nothing_of_the_box():
    """A carrier's virtual router on a rack makes no gate of the rack; and what it says is missed, so no pass."""
    low = network("low", ["x", "y"], both("x", "y"))
    high = network("high", [node("a", [("low", "x")], **labels(owner="中国电信", kind="bng"))])
    read = Read(wrap(low, high))
    assert read.nodes["x"] == {"id": "x"}
    assert read.log.partial
    assert not Read(wrap(low, network("high", [node("a", [("low", "x")])]))).log.partial


def test_labels_come_up_from_beneath():
    low = network("low", [node("x", **labels(owner="中国电信", kind="olt"))])
    high = network("high", [node("a", [("low", "x")]), node("b", [("low", "x")])], both("a", "b"))
    read = Read(wrap(low, high))
    assert {r["owner"] for r in read.nodes.values()} == {"中国电信"} and len(read.nodes) == 2


def test_a_place_is_lifted_whole_or_not_at_all():
    def at(lon, lat, **more):
        return {"ietf-geo-location:geo-location": {"longitude": lon, "latitude": lat, **more}}

    low = network("low", ["x", "y", node("z", **labels(lon=1.0, lat=2.0))], both("x", "y"))
    high = network(
        "high",
        [
            node("a", [("low", "x")], **at("121.5", "31.2")),
            node("b", [("low", "y")], **at("121.5", "31.2")),
            node("c", [("low", "y")], **at("121.5", "31.3")),
            node("d", [("low", "z")], **at("121.5", "31.3")),
        ],
    )
    nodes = Read(wrap(low, high)).nodes
    assert nodes["x"] == {"id": "x", "lon": "121.5", "lat": "31.2", "datum": "WGS84"}
    assert nodes["y"] == {"id": "y"}
    assert nodes["z"] == {"id": "z", "lon": "1.0", "lat": "2.0"}


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ({}, "WGS84"),
        ({"geodetic-system": {"geodetic-datum": "wgs-84"}}, "WGS84"),
        ({"geodetic-system": {"geodetic-datum": "me"}}, "unknown"),
        ({"astronomical-body": "mars"}, None),
    ],
)
def test_places_have_a_datum(frame, expected):
    place = {"longitude": 121.5, "latitude": 31.2, "reference-frame": frame}
    read = Read(wrap(network("n", [node("a", **{"geo-location": place}), "b"])))
    assert read.nodes["a"].get("datum") == expected
    assert ("lon" in read.nodes["a"]) == (expected is not None)
    assert ("geo-location" in read.unused) == (expected is None)


def test_addresses_are_the_boxs_where_the_node_stands_on_it_alone():
    def ip(*texts):
        return {
            L3 + "l3-node-attributes": {"router-id": ["10.0.0.1", ""], "prefix": [{"prefix": "1.0.0.0/8"}]},
            "termination-point": [
                {"tp-id": "1", L3 + "l3-termination-point-attributes": {"ip-address": list(texts)}}
            ],
        }

    low = network("low", ["x", "y"], both("x", "y"))
    high = network(
        "high",
        [
            node("a", [("low", "x")], **ip("10.0.0.2/30", "area1:10.0.0.3", "fe80::1")),
            node("v", [("low", "x"), ("low", "y")], **ip("10.9.9.9")),
            node(
                "s",
                [("low", "y")],
                **{L2 + "l2-node-attributes": {"management-address": ["10.0.0.7"], "name": "SW"}},
            ),
        ],
    )
    read = Read(wrap(low, high))
    assert read.nodes["x"] == {"id": "x", "ips": "10.0.0.1;10.0.0.2;fe80::1"}
    assert read.nodes["y"] == {"id": "y", "ips": "10.0.0.7", "name": "SW"}
    assert "addresses of nodes" in read.unused and "announced" in read.unused["node prefix"]


def test_leaves_become_columns_by_their_own_names():
    attributes = {
        "x:attrs": {"rate": 10, "deep": {"colour": "red", "none": None, "blank": ""}, "id": "own"},
        "y:attrs": {"rate": 20, "list": [1, 2], "rows": [{"a": 1}]},
        "top": True,
        "_diff_state_": {"forward": "kept"},
    }
    cost = {L3 + "l3-link-attributes": {"metric1": 5, "name": "n"}}
    links = [
        link("a", "b", **cost),
        link("b", "a", **{L3 + "l3-link-attributes": {"metric1": 6, "name": "n"}}),
    ]
    read = Read(wrap(network("n", [node("a", **attributes), "b"], [*links, *both("b.1", "a.1", **cost)])))
    assert read.nodes["a"] == {
        "id": "a",
        "rate": 10,
        "attrs/rate": 20,
        "colour": "red",
        "id (attribute)": "own",
        "list": "1;2",
        "top": True,
    }
    assert "cost" not in read.links["a-b"] and read.links["a-b"]["name"] == "n"
    assert read.links["b.1-a.1"]["cost"] == 5
    assert read.unused["link cost"] == "the two directions differ"
    assert {"_diff_state_", "node rows"} <= set(read.unused)


CARRIER = [
    network("low", ["x", "olt", "y"], [*both("x", "olt"), *both("olt", "y"), link("y", "nowhere")]),
    {"network-ref": "low"},
]


def adjacency(upper_nodes, path=("x-olt", "olt-y"), **more):
    """A link a-b of layer 3 over the carrier's OLT, where the layer beneath is not complete."""
    on = [{"network-ref": "low", "link-ref": name} for name in path]
    return Read(
        wrap(CARRIER[0], network("high", upper_nodes, both("a", "b", **{"supporting-link": on, **more})))
    )


ENDS = [node("a", [("low", "x")]), node("b", [("low", "y")])]


def test_a_link_over_the_olt_is_no_way_round_it():
    read = adjacency([*ENDS, node("o", [("low", "olt")])])
    assert read.notes[0].startswith("layer 'high' is read")
    assert (read.links["a-b"]["kind"], read.links["a-b"]["over"]) == ("tunnel", "o")


@pytest.mark.parametrize(
    ("nodes", "path"),
    [
        (ENDS, ("x-olt", "olt-y")),  # the OLT carries no node of the layer
        ([*ENDS, node("o", [("low", "olt")])], ()),  # the way is not said
        ([*ENDS, node("o", [("low", "olt")])], ("x-olt", "gone")),
        ([*ENDS, node("o;p", [("low", "olt")])], ("x-olt", "olt-y")),  # would be read as two
    ],
)
def test_a_link_over_what_is_not_known_is_doubtful(nodes, path):
    read = adjacency(nodes, path)
    assert read.links["a-b"]["kind"] == "tunnel" and "over" not in read.links["a-b"]
    assert any("stand on layers beneath" in note for note in read.notes)


def test_neighbours_beneath_are_neighbours_above():
    read = adjacency([node("a", [("low", "x")]), node("b", [("low", "olt")])], ("x-olt",))
    assert "kind" not in read.links["a-b"]
    read = adjacency([node("a", [("low", "x")]), node("b", [("low", "x")])], ())
    assert "kind" not in read.links["a-b"]
    read = adjacency(ENDS, (), **{"auditor:link-attributes": {"kind": "fibre"}})
    assert read.links["a-b"]["kind"] == "fibre"


def test_layer_3_alone_says_what_it_hides():
    types = {L3 + "l3-unicast-topology": {}}
    read = Read(wrap(network("n", ["a", "b"], both("a", "b"), **{"network-types": types})))
    assert read.notes == ["'n' is layer 3: boxes that its links cross beneath are not in the file"]


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        (wrap(), "holds no network"),
        ({"ietf-network:networks": 5}, "holds no network"),
        (wrap({"node": []}, NET), "network-id"),
        (wrap(NET, NET), "'n' is there twice"),
        (wrap(network("n", [{"x": 1}, 5, {"node-id": " "}, {"node-id": [1]}])), "node 4"),
        (wrap(network("n", ["a"], [{"link-id": "l"}])), "source"),
        (wrap(network("n", ["a"], [7, {"source": {}}])), "link-id"),
        (wrap(*(network(str(n), ["a"]) for n in range(101))), "101 networks"),
    ],
)
def test_what_is_wrong_is_said(tree, said):
    read = Read(tree)
    assert read.export is None
    assert said in "\n".join(read.problems)


def test_many_faults_are_counted():
    read = Read(wrap(network("n", [{}] * 1000)))
    assert len(read.problems) == 21 and "the same in 980 more" in read.problems[-1]


def test_nodes_that_stand_on_one_another_in_many_ways_are_refused():
    """A thousand nodes on each of a thousand nodes, ten times over: the closure of each is the whole file."""
    width, height = 60, 12
    layers = [
        network(
            str(h),
            [node(f"{h}.{w}", [(str(h - 1), f"{h - 1}.{v}") for v in range(width)]) for w in range(width)],
        )
        for h in range(1, height)
    ]
    low = network("0", [f"0.{w}" for w in range(width)], both("0.0", "0.1"))
    read = Read(wrap(low, *layers))
    assert read.export is None and "too many ways" in read.problems[0]


@pytest.mark.parametrize("bad", [None, 1, "x", [], [[]], {}, [None], {"a": 1}, [{"network-ref": 1}], True])
@pytest.mark.parametrize(
    "key",
    [
        "node",
        L1,
        "supporting-network",
        "network-types",
        "supporting-node",
        "termination-point",
        "source",
        "geo-location",
    ],
)
def test_wrong_types_raise_nothing(key, bad):
    entry = node("a", [("n", "a")])
    one = link("a", "b")
    where = {"supporting-node": entry, "termination-point": entry, "geo-location": entry, "source": one}
    net = network("n", [entry, "b"], [one])
    where.get(key, net)[key] = bad
    Read(wrap(net, network("m", [node("c", [("n", "a")])])))


@pytest.mark.parametrize(("known", "expected"), [(True, "pass"), (False, "inconclusive"), (None, "fail")])
def test_the_verdict_on_a_link_over_equipment_of_the_carrier(declare, known, expected):
    """Over the carrier's BNG by name: no way round it. Over what is not known: nobody knows. Beside it: a way round."""
    low = network("low", ["x", "bng", "y"], [*both("x", "bng"), *both("bng", "y"), link("y", "nowhere")])
    kinds = [
        ("s", "x", "subscriber", "customer"),
        ("ix", "y", "ixp", "某交换中心"),
        ("g", "bng", "bng", "中国电信"),
    ]
    nodes = [node(n, [("low", b)], **labels(kind=k, owner=o)) for n, b, k, o in kinds]
    way = [{"network-ref": "low", "link-ref": name} for name in ("x-bng", "bng-y")] if known else []
    links = both("s", "ix", **{"supporting-link": way})
    if known is None:  # the same layer alone: its links are what they are
        tree = wrap(network("high", nodes, [*links, *both("s", "g")]))
    else:
        tree = wrap(low, network("high", nodes, [*links, *both("s", "g"), *both("g", "ix")]))
    head = declare.head + '[[services]]\ncode = "B14"\nregime = "pilot107"\n[network]\ncomplete = true\n'
    root = declare({"t.json": json.dumps(tree), "declaration.toml": head})
    result = check(read_declaration(root / "t.json", operator=root), only=["PILOT-ISP-02"])
    frame = result.to_frame()
    assert frame[frame.subject == "node:s"].verdict.tolist() == [expected]


@pytest.mark.parametrize("how", ["operator", "graph"])
def test_a_declaration_may_choose_the_layer(how, declare):
    """``[network] access_layer`` says which one, whether the file is checked alone or named as the graph."""
    upper = {
        "network-id": "upper",
        "node": [{"node-id": n, "supporting-node": [{"network-ref": "lower", "node-ref": n}]} for n in "ab"],
    }
    lower = {"network-id": "lower", "node": [{"node-id": n} for n in "abc"]}
    for network, ends in ((upper, "ab"), (lower, "bc")):
        network["ietf-network-topology:link"] = [
            {"link-id": f"{s}{t}", "source": {"source-node": s}, "destination": {"dest-node": t}}
            for s, t in (ends, ends[::-1])
        ]
    text = json.dumps({"ietf-network:networks": {"network": [upper, lower]}})
    graph = '[network]\ngraph = "t.json"\n' if how == "graph" else "[network]\n"
    for layer, ids in (("", ["a", "b", "c"]), ('access_layer = "upper"\n', ["a", "b"])):
        root = declare({"declaration.toml": declare.head + graph + layer, "t.json": text})
        read = read_declaration(root) if how == "graph" else read_declaration(root / "t.json", operator=root)
        assert read.nodes.column("id").to_pylist() == ids
    root = declare({"declaration.toml": declare.head + graph + 'access_layer = "none"\n', "t.json": text})
    with pytest.raises(DeclarationError, match="none"):
        read_declaration(root) if how == "graph" else read_declaration(root / "t.json", operator=root)
