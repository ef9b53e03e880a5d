"""GNPy topologies: elements in line folded into links, the two directions of a span made one."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.errors import DeclarationError
from auditor.readers import gnpy, json_, read_declaration
from auditor.readers._files import read_json
from auditor.tables import Log

SHARED = Path(__file__).parents[3] / "shared/testdata/gnpy-coronet"
PLACE = {"city": "上海", "region": "CN", "latitude": 31.2, "longitude": 121.5}
NASTY = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).filter(str.strip)


def fibre(uid, length=80, unit="km"):
    return {"uid": uid, "type": "Fiber", "params": {"length": length, "length_units": unit}}


def roadm(uid, **location):
    return {"uid": uid, "type": "Roadm", "metadata": {"location": location}}


def topology(elements, *paths):
    """Elements, and connections along paths of uids."""
    pairs = [pair for path in paths for pair in itertools.pairwise(path)]
    return {"elements": elements, "connections": [{"from_node": a, "to_node": b} for a, b in pairs]}


def parse(tree):
    log = Log()
    export = json_.parse(json.dumps(tree).encode(), "g.json", log)
    return export, log


def links_of(tree):
    export, log = parse(tree)
    assert not log.problems.found, log.problems.found
    return export.links.table.to_pylist()


def problems_of(tree):
    export, log = parse(tree)
    assert export is None
    return [str(problem) for problem in log.problems.found]


def test_a_span_of_two_directions_is_one_link():
    elements = [
        roadm("A", **PLACE),
        roadm("B"),
        fibre("f1", 80),
        {"uid": "amp", "type": "Edfa"},
        fibre("f2", 20_500, "m"),
        fibre("b2", 20.5),
        {"uid": "splice", "type": "Fused"},
        fibre("b1", 80),
    ]
    export, log = parse(topology(elements, ["A", "f1", "amp", "f2", "B"], ["B", "b2", "splice", "b1", "A"]))
    nodes, [link] = export.nodes.table.to_pylist(), export.links.table.to_pylist()
    assert {n: v for n, v in nodes[0].items() if v is not None} == {
        "id": "A",
        "type": "Roadm",
        "city": "上海",
        "region": "CN",
        "lat": 31.2,
        "lon": 121.5,
        "transit": True,
    }
    assert len(nodes) == 2
    assert {n: v for n, v in link.items() if v is not None} == {
        "source": "A",
        "target": "B",
        "id": "f1 + amp + f2",
        "kind": "fibre",
        "length_m": 100_500.0,
        "elements": "f1;amp;f2",
        "elements_back": "b2;splice;b1",
    }
    assert [(unused.what, unused.why) for unused in log.unused] == [
        ("elements: params", "of 4 elements; only the length of fibres is read")
    ]


def test_directions_that_do_not_pair_up_stay_apart():
    elements = [roadm("A"), roadm("B"), fibre("there", 80), fibre("back", 81), fibre("more", 80)]
    one, two, three = links_of(
        topology(elements, ["A", "there", "B"], ["B", "back", "A"], ["A", "more", "B"])
    )
    assert [link["direction"] for link in (one, two, three)] == ["forward"] * 3
    assert (two["source"], two["target"]) == ("B", "A")


def test_the_order_of_spans_counts():
    elements = [roadm("A"), roadm("B"), fibre("a", 10), fibre("b", 20), fibre("c", 10), fibre("d", 20)]
    same_order = links_of(topology(elements, ["A", "a", "b", "B"], ["B", "c", "d", "A"]))
    assert [link["direction"] for link in same_order] == ["forward", "forward"]
    reverse = links_of(topology(elements, ["A", "a", "b", "B"], ["B", "d", "c", "A"]))
    assert [link["direction"] for link in reverse] == [None]


def test_parallel_spans_pair_one_to_one():
    elements = [roadm("A"), roadm("B"), *(fibre(f"f{n}") for n in range(5))]
    paths = [["A", f"f{n}", "B"] if n < 3 else ["B", f"f{n}", "A"] for n in range(5)]
    links = links_of(topology(elements, *paths))
    assert [(link["id"], link["direction"], link["elements_back"]) for link in links] == [
        ("f0", None, "f3"),
        ("f1", None, "f4"),
        ("f2", "forward", None),
    ]


def test_a_chain_that_leads_nowhere_has_a_blank_far_end():
    elements = [roadm("A"), fibre("out"), {"uid": "amp", "type": "Edfa"}, fibre("in"), fibre("lone")]
    links = links_of(topology(elements, ["A", "out", "amp"], ["in", "A"]))
    assert [(x["source"], x["target"], x["id"], x["direction"]) for x in links] == [
        ("A", None, "out + amp", None),
        ("A", None, "in", None),
    ]
    _, log = parse(topology(elements, ["A", "out", "amp"], ["in", "A"]))
    assert "1 elements in line" in {unused.what for unused in log.unused}


def test_what_branches_stays_a_node_that_carries():
    elements = [roadm("A"), roadm("B"), roadm("C"), {"uid": "split", "type": "Fused"}, fibre("f")]
    export, _ = parse(topology(elements, ["A", "split", "f", "B"], ["split", "C"]))
    assert {n["id"]: n["transit"] for n in export.nodes.table.to_pylist()} == dict.fromkeys(
        ["A", "B", "C", "split"], True
    )
    ends = [(link["source"], link["target"]) for link in export.links.table.to_pylist()]
    assert sorted(ends) == [("A", "split"), ("split", "B"), ("split", "C")]


def test_rings_of_elements_alone_end_and_are_listed():
    export, log = parse(topology([roadm("A"), fibre("x"), fibre("y")], ["x", "y", "x"]))
    assert export.links.table.num_rows == 0
    assert next(unused.what for unused in log.unused) == "2 elements in line"


def test_a_fibre_back_to_the_same_roadm_is_a_loop():
    [link] = links_of(topology([roadm("A"), fibre("f")], ["A", "f", "A"]))
    assert (link["source"], link["target"]) == ("A", "A")


def test_ends_that_no_element_has_stay_named(declare):
    tree = topology([roadm("A"), fibre("f")], ["A", "f", "B"])
    root = declare({"declaration.toml": declare.head, "g.json": json.dumps(tree)})
    declaration = read_declaration(root / "g.json", operator=root)
    assert declaration.undeclared.to_pylist() == ["B"]
    assert declaration.nodes.column("kind").to_pylist() == ["other"]


def test_transceivers_carry_nothing_through_and_unknown_types_do():
    elements = [{"uid": "t", "type": "Transceiver"}, {"uid": "x", "type": "Amplifier9"}]
    export, log = parse(topology(elements, ["t", "x"], ["x", "t"]))
    assert export.nodes.table.column("transit").to_pylist() == [None, True]
    [link] = export.links.table.to_pylist()
    assert (link["kind"], link["id"], link["direction"]) == (None, None, None)
    [note] = log.notes
    assert note.what.startswith("1 elements of type 'Amplifier9', which is not known")


@pytest.mark.parametrize(
    ("length", "unit"),
    [(None, "km"), ("80", "km"), (80, "mi"), (80, None), (-1, "km"), (10**30, "miles"), (80, ["km"])],
)
def test_lengths_that_cannot_be_read_are_unknown(length, unit):
    tree = topology([roadm("A"), roadm("B"), fibre("f"), fibre("g", length, unit)], ["A", "f", "g", "B"])
    export, log = parse(tree)
    assert export.links.table.column("length_m").to_pylist() == [None]
    assert log.notes[0].what.startswith("length unknown for 1 fibres")


def test_connections_there_twice_are_read_once():
    export, log = parse(topology([roadm("A"), roadm("B"), fibre("f")], ["A", "f", "B"], ["A", "f", "B"]))
    assert export.links.table.num_rows == 1
    assert log.notes[0].what == "2 connections are there twice and read once"


def test_nowhere_is_unknown(declare):
    root = declare(
        {
            "declaration.toml": declare.head,
            "g.json": json.dumps(topology([roadm("A", latitude=0, longitude=0)])),
        }
    )
    assert read_declaration(root / "g.json", operator=root).nodes.column("lon").to_pylist() == [None]


def test_a_long_chain_has_a_short_name():
    uids = [f"fibre {n} of the long line" for n in range(40)]
    tree = topology([roadm("A"), roadm("B"), *map(fibre, uids)], ["A", *uids, "B"])
    [link] = links_of(tree)
    assert link["id"] == "fibre 0 of the long line + … + fibre 39 of the long line"
    assert link["length_m"] == 40 * 80_000


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (
            {"elements": [{"uid": "A"}, 7, {"uid": 7, "type": "Roadm"}], "connections": []},
            ["element 1", "element 2", "element 3"],
        ),
        (topology([roadm("A"), roadm("A")]), ["element 2, uid: 'A' is the uid of another element too"]),
        (
            {
                "elements": [roadm("A")],
                "connections": [{"from_node": "A"}, None, {"from_node": [], "to_node": ""}],
            },
            ["connection 1", "connection 2", "connection 3"],
        ),
    ],
)
def test_what_is_wrong_is_told_all_at_once(tree, expected):
    found = problems_of(tree)
    assert len(found) == len(expected)
    assert all(start in line for start, line in zip(expected, found, strict=True))


@pytest.mark.parametrize(
    "tree",
    [
        {"path-request": [], "synchronization": []},
        {"Edfa": [], "Fiber": [], "SI": []},
        {"elements": {"nodes": []}, "connections": []},
        {"elements": [{"id": 1}], "connections": []},
        [],
    ],
)
def test_other_files_are_not_claimed(tree):
    assert not gnpy.claims(tree)


@settings(max_examples=30)
@given(st.lists(NASTY, min_size=2, max_size=8, unique=True), st.randoms())
def test_names_come_through_whole(uids, rng):
    elements = [roadm(uid) if rng.random() < 0.5 else fibre(uid, rng.choice([None, 1, 2])) for uid in uids]
    pairs = [[rng.choice(uids), rng.choice(uids)] for _ in uids]
    export, log = parse(topology(elements, *pairs))
    assert not log.problems.found
    nodes = set(export.nodes.table.column("id").to_pylist())
    assert nodes <= set(uids)
    assert {e["uid"] for e in elements if e["type"] == "Roadm"} <= nodes
    for link in export.links.table.to_pylist():
        assert link["source"] in nodes and (link["target"] is None or link["target"] in nodes)


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "nodes", "spans", "inside", "length_km"),
    [
        ("CORONET_CONUS_Topology", 150, 99, 75, 39_185.640),
        ("CORONET_Global_Topology", 200, 136, 100, 170_168.147),
        ("Sweden_OpenROADMv5_example_network", 30, 22, 15, 4_037.994),
        ("meshTopologyExampleV2", 10, 6, 5, 590.0),
    ],
)
def test_real_files(declare, name, nodes, spans, inside, length_km):  # noqa: PLR0917
    file = SHARED / f"{name}.json"
    if not file.is_file():
        pytest.skip("no ../shared folder")
    declaration = read_declaration(file, operator=declare({"declaration.toml": declare.head}))
    links = declaration.links.to_pylist()
    assert declaration.nodes.num_rows == nodes
    assert Counter((link["kind"], link["direction"]) for link in links) == {
        ("fibre", None): spans,
        (None, None): inside,
    }
    assert not len(declaration.undeclared) and all(link["target"] for link in links)
    at_0_0 = 2 if name == "meshTopologyExampleV2" else 0
    assert declaration.nodes.column("lon").null_count == at_0_0
    assert declaration.nodes.column("datum").null_count == nodes
    total = sum(float(link["length_m"]) for link in links if link["length_m"])
    assert round(total / 1000, 3) == length_km


@pytest.mark.shared
def test_a_file_of_services_is_of_no_known_form(declare):
    file = SHARED / "meshTopologyExampleV2_services.json"
    if not file.is_file():
        pytest.skip("no ../shared folder")
    with pytest.raises(DeclarationError, match="of no form that is known"):
        read_declaration(file, operator=declare({"declaration.toml": declare.head}))


def test_nothing_is_raised_whatever_the_bytes_are():
    rng = random.Random(7)  # noqa: S311
    elements = [roadm("A", **PLACE), roadm("B"), fibre("f"), {"uid": "e", "type": "Edfa"}]
    sample = json.dumps(topology(elements, ["A", "f", "e", "B"])).encode()
    for _ in range(300):
        data = bytearray(sample)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(data))
            data[at : at + rng.randint(0, 3)] = rng.randbytes(rng.randint(0, 3))
        tree = read_json(bytes(data), "g.json", Log())
        if gnpy.claims(tree):
            gnpy.READER.tree(tree, "g.json", Log())
