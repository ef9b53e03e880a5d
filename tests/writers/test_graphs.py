"""Graph forms written and read back: the same tables and records, cell for cell, whatever the texts."""

from __future__ import annotations

import io
import json

import networkx as nx
import pyarrow as pa
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from auditor import tables
from auditor.errors import DeclarationError
from auditor.readers import gml, graphml, json_
from auditor.readers._assemble import assemble
from auditor.readers._files import Folder
from auditor.tables import Log
from auditor.writers import content_of, writers
from auditor.writers import gml as gml_writer
from auditor.writers import graphml as graphml_writer
from auditor.writers import node_link as node_link_writer

MANY = settings(max_examples=18, deadline=None)
FORMS = {
    "graphml": (graphml_writer.write, graphml.parse),
    "gml": (gml_writer.write, gml.parse),
    "node-link": (node_link_writer.write, json_.parse),
}
NASTY = (
    *("007", "1e5", "true", "NaN", "-INF", "null", "1.50", "0", "-1", "99999999999", "_networkx_list_start"),
    *("=1+1", "+1", "-x", "@x", "&amp;", "&#38;", "&eacute;", "]]>", "<b>", "a\nb", "a\r\nb", "a\tb"),
    *(
        "\"'`",
        "中国电信",
        "a;b",
        "[",
        "]",
        "# x",
        "graph [",
        "é",
        "\U0001f600",
        "\u00ad",
        "x" * 5000,
        "\\u0041",
    ),
)
TEXTS = st.sampled_from(NASTY) | st.text(
    st.characters(
        exclude_categories=["Cs", "Cc"],
        exclude_characters="\u200b\u2060\ufeff\ufffe\uffff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    ),
    min_size=1,
    max_size=8,
)
NAMES = st.sampled_from(
    [
        "label",
        "name",
        "graph",
        "key",
        "node",
        "column0",
        "data",
        "机房",
        "id (attribute)",
        "a b",
        "x",
        'q"',
        "<i>",
        "reverse",
    ]
)
NODE = st.fixed_dictionaries(
    {"id": TEXTS, "kind": st.sampled_from(tables.NODE_KINDS)},
    optional={
        "name": TEXTS,
        "owner": TEXTS,
        "lon": st.floats(-180, 180),
        "accuracy_m": st.floats(0, 1e300),
        "asn": st.integers(0, 2**32),
        "count": st.integers(1, 2**53),
        "transit": st.booleans(),
        "from_on": st.dates().map(str),
    },
)
LINK = st.fixed_dictionaries(
    {"source": TEXTS, "target": st.none() | TEXTS},
    optional={
        "id": TEXTS,
        "direction": st.sampled_from(tables.DIRECTIONS),
        "cost": st.floats(-1e300, 1e300),
        "supplier": TEXTS,
    },
)


@st.composite
def declarations(draw):
    """Trees of declarations; a column beyond ours stands in some rows."""
    nodes = draw(st.lists(NODE, min_size=1, max_size=6))
    links = draw(st.lists(LINK, max_size=6))
    for row in nodes + links:
        row.update(draw(st.dictionaries(NAMES, TEXTS, max_size=2)) if "name" not in row else {})
        if "lon" in row:
            row["lat"] = 50.0
    prefixes = draw(st.lists(st.sampled_from(["203.0.113.0/24", "2001:db8::/32"]), max_size=1))
    network = {"nodes": nodes, "links": links, "complete": False, "access_layer": draw(TEXTS)}
    if prefixes:
        network["prefixes"] = [{"prefix": prefix, "use": draw(TEXTS)} for prefix in prefixes]
    return {
        "schema": "auditor.declaration/1",
        "declared_on": "2026-10-01",
        "operator": {"name": draw(TEXTS)},
        "approvals": [
            {"kind": "licence", "number": draw(TEXTS), "services": ["B14"], "issued_on": "2025-02-26"}
        ],
        "services": [{"code": "B14", "content": []}],
        "contracts": [{"supplier": draw(TEXTS), "node_ids": [draw(TEXTS)]}],
        "network": network,
    }


def declared(tree, graph=None):
    log = Log()
    return assemble(tree, Folder(None, log, "d"), graph=graph)


def sane(tree):
    """Ids that are told apart once trimmed and composed, and links whose ids are their own."""
    nodes = {str(node["id"]).strip(): node for node in tree["network"]["nodes"]}
    tree["network"]["nodes"] = list(nodes.values())
    for number, link in enumerate(tree["network"]["links"]):
        if "id" in link:
            link["id"] = f"{number} {link['id']}"
    return tree


def again(data, form):
    log = Log()
    export = FORMS[form][1](data, "d", log)
    assert not log.problems.found, log.problems.found
    return declared(export.records, export)


def same(left, right):
    for name in ("operator", "approvals", "services", "contracts", "declared_on", "complete", "access_layer"):
        assert getattr(left, name) == getattr(right, name)
    for name in ("nodes", "links", "prefixes"):
        one, other = getattr(left, name), getattr(right, name)
        assert (one is None) == (other is None)
        if one is not None:
            assert set(filled(one)) == set(filled(other))
            assert [list(map(repr, one.column(n).to_pylist())) for n in filled(one)] == [
                list(map(repr, other.column(n).to_pylist())) for n in filled(one)
            ]
    assert left.undeclared.to_pylist() == right.undeclared.to_pylist()


def filled(table):
    return [name for name in table.column_names if table.column(name).null_count < table.num_rows]


@pytest.mark.parametrize("form", FORMS)
@MANY
@given(tree=declarations())
def test_what_is_written_reads_back_the_same(form, tree):
    try:
        first = declared(sane(tree))
    except (
        DeclarationError
    ):  # ids that fall together once they are trimmed and composed, a value that is no USCC
        reject()
    data = FORMS[form][0](content_of(first))
    assert data == FORMS[form][0](content_of(first))
    same(first, again(data, form))


TREE = {
    "schema": "auditor.declaration/1",
    "operator": {"name": "Example"},
    "network": {
        "nodes": [
            {"id": "s-1", "kind": "subscriber", "name": "用户 <1>", "label": "L", "机房": "a"},
            {"id": "7", "kind": "bng", "transit": False, "accuracy_m": 1e16},
        ],
        "links": [
            {"source": "s-1", "target": "7", "id": "e-1"},
            {"source": "s-1", "target": "7"},
            {"source": "7"},
            {"source": "7", "target": "gone"},
        ],
    },
}


def test_gml_is_of_the_zoos_dialect():
    tree = {**TREE, "network": {**TREE["network"], "links": TREE["network"]["links"][:1]}}
    assert gml_writer.write(content_of(declared(tree), named=False)).decode("ascii") == (
        "graph [\n"
        '  auditor_columns [\n    column0 "label"\n    column1 "&#26426;&#25151;"\n  ]\n'
        '  node [\n    id "s-1"\n    kind "subscriber"\n    label "&#29992;&#25143; <1>"\n'
        '    column0 "L"\n    column1 "a"\n  ]\n'
        '  node [\n    id 7\n    kind "bng"\n    accuracy_m 1.0e+16\n    transit "false"\n  ]\n'
        '  edge [\n    source "s-1"\n    target 7\n    id "e-1"\n  ]\n'
        "]\n"
    )


def test_networkx_reads_what_is_written():
    content = content_of(declared(TREE))
    graphs = {
        "gml": nx.parse_gml(gml_writer.write(content).decode(), label="id"),
        "graphml": nx.read_graphml(io.BytesIO(graphml_writer.write(content))),
        "node-link": nx.node_link_graph(json.loads(node_link_writer.write(content))),
    }
    for form, graph in graphs.items():
        assert {str(node) for node in graph} == {"s-1", "7", "gone", "?7>"}, form
        assert graph.number_of_edges() == 4, form


def test_nothing_is_carried_where_nobody_is_named():
    content = content_of(declared(TREE), named=False)
    for write, parse in FORMS.values():
        assert parse(write(content), "d", Log()).records is None


def test_long_records_come_back():
    """libxml2 refuses texts beyond 10 MB: the records of a large network are written in pieces."""
    rows = [{"prefix": "203.0.113.0/24", "use": f"\ufffe\uffff中 {n} " + "x" * 100_000} for n in range(110)]
    content = content_of(declared(TREE))
    content.carried["network"]["prefixes"] = rows
    assert len(content.carried_text) > 11_000_000
    for form in FORMS:
        log = Log()
        export = FORMS[form][1](FORMS[form][0](content), "d", log)
        assert not log.problems.found
        assert export.records["network"]["prefixes"] == rows, form


def test_writers_bear_the_names_of_readers():
    named = {writer.name: writer.suffixes for writer in writers()}
    assert {name: named[name] for name in FORMS} == {
        "graphml": (".graphml",),
        "gml": (".gml",),
        "node-link": (),
    }


def test_a_table_without_links_is_written():
    tree = {**TREE, "network": {"nodes": TREE["network"]["nodes"]}}
    for form, (write, _) in FORMS.items():
        assert again(write(content_of(declared(tree))), form).links.num_rows == 0
        assert pa.types.is_string(
            again(write(content_of(declared(tree))), form).nodes.schema.field("id").type
        )
