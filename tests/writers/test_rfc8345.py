"""What is written as RFC 8345 is read back as it was."""

from __future__ import annotations

import datetime as dt
import json

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.readers import read_declaration, rfc8345
from auditor.readers._files import read_json
from auditor.tables import Log
from auditor.writers import Content, content_of
from auditor.writers.rfc8345 import WRITER, write

MANY = settings(max_examples=24, deadline=None)
NASTY = [
    "007",
    "1e5",
    "true",
    "NaN",
    "=1+1",
    "+a",
    "-",
    "@x",
    '"',
    "<a>&amp;",
    "a\nb",
    "\u202eabc",
    "上海",
    "x" * 5000,
    "null",
    "{}",
    " (back)",
]
TEXT = st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
NAMES = TEXT.filter(str.strip)
CELL = (
    st.none()
    | TEXT
    | st.integers(-(2**53), 2**53)
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
)
COLUMN = st.sampled_from(["kind", "name", "owner", "source", "target", "declared?", "备注", "a:b"])


def of_one_type(rows):
    """Cells of a column have one type, as in a declaration."""
    types = {}
    return [
        {k: v for k, v in row.items() if v is not None and types.setdefault(k, type(v)) is type(v)}
        for row in rows
    ]


@st.composite
def contents(draw):
    ids = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    undeclared = [name for name in draw(st.lists(NAMES, max_size=2, unique=True)) if name not in ids]
    nodes = of_one_type([{"id": name, **draw(st.dictionaries(COLUMN, CELL, max_size=3))} for name in ids])
    names = draw(st.lists(NAMES, max_size=5, unique=True))
    columns = st.dictionaries(st.sampled_from(["kind", "layer", "over", "id2", "备注"]), CELL, max_size=3)
    ends = st.sampled_from([*ids, *undeclared])
    links = [
        {
            **draw(columns),
            "id": name,
            "source": draw(ends),
            "target": draw(st.none() | ends),
            "direction": draw(st.sampled_from([None, "both", "forward"])),
        }
        for name in names
    ]
    links = of_one_type(links)
    records = draw(
        st.sampled_from(
            [
                {},
                {
                    "schema": "auditor.declaration/1",
                    "operator": {"name": "甲"},
                    "network": {"complete": True, "access_layer": "物理"},
                },
            ]
        )
    )
    prefixes = pa.Table.from_pylist([{"prefix": "10.0.0.0/8"}]) if draw(st.booleans()) else None
    return (
        Content(
            records,
            table(nodes, ["id"]),
            table(links, ["id", "source", "target"]),
            prefixes,
            tuple(undeclared),
        ),
        nodes,
        links,
    )


def table(rows, needed):
    names = dict.fromkeys([*needed, *(name for row in rows for name in row)])
    return pa.table({name: pa.array([row.get(name) for row in rows]) for name in names})


def read(data):
    log = Log()
    tree = read_json(data, "x.json", log)
    assert rfc8345.claims(tree)
    export = rfc8345.read_tree(tree, "x.json", log)
    assert not log.problems.found and not log.notes
    return export


def rows(frame):
    return [{k: v for k, v in row.items() if v is not None} for row in frame.table.to_pylist()]


@MANY
@given(contents())
def test_everything_comes_back(drawn):
    content, nodes, links = drawn
    data = write(content)
    assert data == write(content)
    export = read(data)
    assert rows(export.nodes) == [
        *nodes,
        *({"auditor_declared": False, "id": name} for name in content.undeclared),
    ]
    assert rows(export.links) == links
    assert export.records == (content.carried or None)
    assert not export.directed


def test_entries_are_what_the_model_wants():
    nodes = pa.Table.from_pylist([{"id": "a"}, {"id": "b"}])
    links = pa.Table.from_pylist(
        [
            {"id": "l", "source": "a", "target": "b", "direction": None, "kind": "fibre"},
            {"id": "l (back)", "source": "a", "target": "b", "direction": "forward"},
            {"id": "m", "source": "b", "target": None},
        ]
    )
    tree = json.loads(write(Content({}, nodes, links)))["ietf-network:networks"]
    (network,) = tree["network"]
    assert network["network-id"] == "declaration" and [n["node-id"] for n in network["node"]] == ["a", "b"]
    entries = network["ietf-network-topology:link"]
    assert [(e["link-id"], e["source"]["source-node"], "destination" in e) for e in entries] == [
        ("l", "a", True),
        ("l (back)'", "b", True),
        ("l (back)", "a", True),
        ("m", "b", False),
    ]
    assert "auditor:declaration" not in tree
    for entry in entries:  # a reader that knows nothing of us finds the same pairs
        entry.pop("auditor:link-attributes", None)
    network["network-types"] = {}
    export = read_plain(tree)
    assert [(r["id"], r.get("direction")) for r in rows(export.links)] == [
        ("l", None),
        ("l (back)", "forward"),
        ("m", None),
    ]


def read_plain(tree):
    return rfc8345.read_tree({"networks": tree}, "x.json", Log())


def test_a_whole_declaration_comes_back(tmp_path):
    nodes = [
        {
            "id": "007",
            "kind": "subscriber",
            "name": "true",
            "lon": 121.5,
            "lat": 31.2,
            "count": 3,
            "from_on": "2026-01-02",
            "transit": True,
            "x": "1e5",
        },
        {"id": "b", "kind": "bng", "owner": "中国电信", "ips": "10.0.0.1;10.0.0.0/8"},
    ]
    links = [
        {"id": "one", "source": "007", "target": "b", "kind": "access", "layer": "p", "cost": 1.5},
        {"id": "two", "source": "007", "target": "b", "kind": "access", "direction": "forward"},
        {"id": "three", "source": "b", "target": None},
        {"id": "four", "source": "b", "target": "gone", "direction": "both"},
    ]
    tree = {
        "schema": "auditor.declaration/1",
        "declared_on": "2026-10-01",
        "operator": {"name": "甲", "nature": "domestic"},
        "approvals": [{"kind": "licence", "number": "B1-1", "issued_on": "2025-02-26"}],
        "services": [{"code": "B14", "content": []}],
        "contracts": [{"kind": "cdn", "node_ids": ["b"]}],
        "network": {
            "nodes": nodes,
            "links": links,
            "access_layer": "p",
            "prefixes": [{"prefix": "10.0.0.0/8", "node": "b"}],
        },
    }
    (tmp_path / "a.json").write_text(json.dumps(tree), "utf-8")
    first = read_declaration(tmp_path / "a.json")
    (tmp_path / "b.json").write_bytes(write(content_of(first)))
    second = read_declaration(tmp_path / "b.json")
    for name in ("nodes", "links", "prefixes"):
        assert getattr(second, name).to_pylist() == getattr(first, name).to_pylist()
    for name in (
        "operator",
        "declared_on",
        "approvals",
        "services",
        "contracts",
        "complete",
        "access_layer",
        "undeclared",
    ):
        assert getattr(second, name) == getattr(first, name)
    assert first.nodes.column("from_on").to_pylist()[0] == dt.date(2026, 1, 2)


def test_it_is_one_of_the_writers():
    assert (WRITER.name, WRITER.suffixes) == ("rfc8345", ())
