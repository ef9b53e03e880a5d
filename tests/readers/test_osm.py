"""OpenStreetMap: only what the definition of a tag makes sure."""

from __future__ import annotations

import json

import pytest

from auditor.readers import osm, read_declaration
from auditor.tables import Log

HEAD = {"version": 0.6, "generator": "Overpass API 0.7.62", "osm3s": {"copyright": "x"}}


def node(number, lon=121.0, lat=31.0, **tags):
    return {"type": "node", "id": number, "lon": lon, "lat": lat, **({"tags": tags} if tags else {})}


def way(number, nodes, **tags):
    return {"type": "way", "id": number, "nodes": nodes, "tags": tags}


class Read:
    def __init__(self, *elements):
        self.log = Log()
        tree = json.loads(json.dumps(HEAD | {"elements": list(elements)}))
        assert osm.claims(tree)
        self.export = osm.read_tree(tree, "o.json", self.log)
        self.unused = {unused.what: unused.why for unused in self.log.unused}
        if self.export is not None:
            self.nodes = {row.pop("id"): row for row in rows(self.export.nodes)}
            self.links = {row.pop("id"): row for row in rows(self.export.links)}


def rows(frame):
    return [{k: v for k, v in row.items() if v is not None} for row in frame.table.to_pylist()]


def test_objects_are_nodes():
    read = Read(
        node(
            1,
            telecom="data_center",
            name="甲",
            operator="乙",
            owner="丙",
            **{"addr:city": "上海", "layer": "-1", "status": "x"},
        ),
        node(2, telecom="exchange"),
        node(3, man_made="street_cabinet", utility="telecom"),
        node(4, man_made="street_cabinet", utility="power"),
        node(5, amenity="cafe"),
        node(6),
        {
            "type": "way",
            "id": 1,
            "nodes": [6, 6],
            "tags": {"building": "data_center"},
            "center": {"lon": 1.5, "lat": 2.5},
        },
        way(2, [6, 5], telecom="data_center"),
        {"type": "relation", "id": 1, "tags": {"telecom": "exchange"}},
    )
    assert read.nodes == {
        "node/1": {
            "kind": "data_centre",
            "name": "甲",
            "operated_by": "乙",
            "owner": "丙",
            "lon": 121.0,
            "lat": 31.0,
            "datum": "WGS84",
            "telecom": "data_center",
            "addr:city": "上海",
            "layer": "-1",
            "status (tag)": "x",
        },
        "node/2": {"telecom": "exchange", "lon": 121.0, "lat": 31.0, "datum": "WGS84"},
        "node/3": {
            "man_made": "street_cabinet",
            "utility": "telecom",
            "lon": 121.0,
            "lat": 31.0,
            "datum": "WGS84",
        },
        "way/1": {"kind": "data_centre", "building": "data_center", "lon": 1.5, "lat": 2.5, "datum": "WGS84"},
        "way/2": {"kind": "data_centre", "telecom": "data_center"},
    }
    assert read.unused == {
        "nodes with other tags": "no telecom object that is read (2 of them)",
        "nodes without tags": "shape, not objects",
        "relations with other tags": "telecom objects, but relations",
        "places of objects": "no coordinates; ask Overpass for `out center`",
    }
    assert [note.what[:29] for note in read.log.notes] == ["© OpenStreetMap contributors,"]


def test_lines_link_what_is_on_their_way():
    read = Read(
        node(1, telecom="exchange"),
        node(3, telecom="connection_point"),
        *(node(n) for n in (2, 4, 5, 6)),
        way(1, [1, 2, 3, 4], communication="line", **{"telecom:medium": "fibre", "layer": "-1"}),
        way(2, [2, 5], telecom="line", name="branch"),
        way(3, [6], communication="line"),
        way(4, [5, 6], highway="service"),
    )
    ends = {k: (r["source"], r["target"], r.get("kind")) for k, r in read.links.items()}
    assert ends == {
        "way/1#1": ("node/1", "node/2", "fibre"),
        "way/1#2": ("node/2", "node/3", "fibre"),
        "way/1#3": ("node/3", "node/4", "fibre"),
        "way/2": ("node/2", "node/5", None),
    }
    assert read.links["way/1#1"]["layer (tag)"] == "-1"
    assert "lines without nodes" in read.unused


def test_an_element_given_twice_is_one():
    read = Read(node(1, telecom="exchange"), {"type": "node", "id": 1, "lon": 121.0, "lat": 31.0})
    assert list(read.nodes) == ["node/1"]


def test_a_map_is_read_with_an_operator(declare):
    tree = HEAD | {"elements": [node(1, telecom="data_center"), way(1, [1, 2], communication="line")]}
    root = declare({"o.json": json.dumps(tree), "declaration.toml": declare.head})
    declaration = read_declaration(root / "o.json", operator=root)
    assert declaration.nodes.column("id").to_pylist() == ["node/1"]
    assert declaration.undeclared.to_pylist() == ["node/2"]


@pytest.mark.parametrize(
    "tree",
    [
        {"elements": [{"uid": "a", "type": "Roadm"}], "connections": []},
        {"elements": {"nodes": [], "edges": []}},
        {"elements": [{"data": {"id": "a"}}], "generator": "x", "version": 1},
        {"elements": [{"type": "node", "id": 1}]},
        {"osm3s": {}},
        [],
        None,
    ],
)
def test_other_trees_are_not_claimed(tree):
    assert not osm.claims(tree)


def test_what_is_wrong_is_said():
    read = Read(node(1), node(2), node(3), {"type": "node"}, 7, {"type": "area", "id": 1})
    assert read.export is None
    assert [problem.where for problem in read.log.problems.found] == ["element 4", "element 5", "element 6"]


@pytest.mark.parametrize("bad", [None, 1, "x", [], {}, [None], {"a": []}, True, 10**400])
@pytest.mark.parametrize("key", ["id", "tags", "nodes", "lon", "center"])
def test_wrong_types_raise_nothing(key, bad):
    Read(node(1, telecom="exchange") | {key: bad}, way(1, [1, 2], communication="line") | {key: bad})
