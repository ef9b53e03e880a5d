"""The forms of a declaration: what each one reads, and that all of them read the same."""

from __future__ import annotations

import datetime as dt
import hashlib
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor import tables
from auditor.errors import DeclarationError
from auditor.model import Note, Unused
from auditor.readers import read_declaration

MANY = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def column(table, name):
    return table.column(name).to_pylist()


def test_minimal_declaration_has_every_column(declare):
    declaration = read_declaration(declare())
    assert declaration.nodes.column_names == [c.name for c in tables.NODES]
    assert declaration.links.column_names == [*(c.name for c in tables.LINKS), "tail", "head"]
    assert declaration.nodes.schema.field("lon").type == pa.float64()
    assert declaration.nodes.schema.field("asn").type == pa.int64()
    assert declaration.nodes.schema.field("from_on").type == pa.date32()
    assert declaration.nodes.schema.field("transit").type == pa.bool_()
    assert pa.types.is_dictionary(declaration.nodes.schema.field("kind").type)
    assert column(declaration.nodes, "owner") == [None, None]
    assert (declaration.complete, declaration.access_layer, declaration.prefixes) == (False, None, None)
    assert (declaration.unused, declaration.notes, declaration.documents) == ((), (), {})


def test_cells_are_read(declare):
    text = (
        "id,kind,owner,lon,lat,datum,accuracy_m,asn,from_on,count,transit,status,region_code,holder_uscc\n"
        " 007 ,vBRAS, 中国电信 ,+121.5,3.1e1,gcj02,0,4294967295,2026-01-02,12,是,Active,310115,"
        "91110000100017707h\n"
        "8,Data centre,,,,,,,,,,,,\n"
    )
    nodes = read_declaration(declare({"nodes.csv": text, "links.csv": "source,target\n"})).nodes
    first, second = nodes.to_pylist()
    assert {name: value for name, value in first.items() if value is not None} == {
        "id": "007",
        "kind": "bng",
        "owner": "中国电信",
        "holder_uscc": "91110000100017707H",
        "lon": 121.5,
        "lat": 31.0,
        "datum": "GCJ-02",
        "accuracy_m": 0.0,
        "region_code": "310115",
        "asn": 4294967295,
        "status": "active",
        "from_on": dt.date(2026, 1, 2),
        "count": 12,
        "transit": True,
    }
    assert {n: v for n, v in second.items() if v is not None} == {"id": "8", "kind": "data_centre"}


def test_what_looks_equal_is_equal(declare):
    composed, decomposed = "Z\u00fcrich", "Zu\u0308rich"
    files = {
        "nodes.csv": f"id,kind\n{composed},bng\n",
        "links.csv": f"source,target\n{decomposed},{composed} \n",
        "declaration.toml": declare.head + declare.network + "complete = true\n",
    }
    links = read_declaration(declare(files)).links
    assert (column(links, "tail"), column(links, "head")) == ([0], [0])


def test_a_byte_order_mark_and_blank_rows_are_passed_over(declare):
    text = "\ufeffid,kind,,\r\na,bng,,\r\n,,,\r\n\r\nb,olt,,\r\n"
    declaration = read_declaration(declare({"nodes.csv": text, "links.csv": "source,target\n"}))
    assert column(declaration.nodes, "id") == ["a", "b"]
    assert declaration.notes == (Note("nodes.csv", "2 blank rows passed over: 3-4"),)


def test_nowhere_is_unknown(declare):
    text = "id,kind,lon,lat\na,bng,0,0\nb,bng,0,31\nc,bng,-0.0,0.0\n"
    declaration = read_declaration(declare({"nodes.csv": text, "links.csv": "source,target\n"}))
    assert column(declaration.nodes, "lon") == [None, 0.0, None]
    assert column(declaration.nodes, "lat") == [None, 31.0, None]
    assert declaration.notes == (Note("nodes.csv", "0,0 read as unknown in 2 rows: 2, 4"),)


def test_unknown_columns_and_keys_are_kept_and_listed(declare):
    files = {
        "declaration.toml": "colour = 1\n" + declare.head + "motto = 'x'\n" + declare.network,
        "nodes.csv": "zone,id,kind,Lat\n7,a,bng,x\n",
        "links.csv": "source,target\n",
    }
    declaration = read_declaration(declare(files))
    assert declaration.nodes.column_names[-2:] == ["zone", "Lat"]
    assert column(declaration.nodes, "zone") == ["7"]
    assert {(u.where, u.what) for u in declaration.unused} == {
        ("declaration.toml", "colour"),
        ("declaration.toml", "operator.motto"),
        ("nodes.csv", "column zone"),
        ("nodes.csv", "column Lat"),
    }


def test_fields_give_foreign_columns_our_names(declare):
    fields = '[network.fields]\nLongitude = "lon"\nLatitude = "lat"\nVon = "source"\nGone = "name"\n'
    files = {
        "declaration.toml": declare.head + declare.network + fields,
        "nodes.csv": "id,kind,Longitude,Latitude\na,bng,121,31\n",
        "links.csv": "Von,target\na,\n",
    }
    declaration = read_declaration(declare(files))
    assert (column(declaration.nodes, "lon"), column(declaration.links, "tail")) == ([121.0], [0])
    assert declaration.unused == (
        Unused("declaration.toml", "network.fields.Gone", "no table has such a column"),
    )


def test_ends_are_joined_once(declare):
    links = "source,target\na,x\ny,b\nb,\nx,y\na,a\n"
    files = {"nodes.csv": "id,kind\na,bng\nb,bng\n", "links.csv": links}
    declaration = read_declaration(declare(files))
    assert column(declaration.links, "tail") == [0, 3, 1, 2, 0]
    assert column(declaration.links, "head") == [2, 1, -1, 3, 0]
    assert declaration.undeclared.to_pylist() == ["x", "y"]
    assert column(declaration.links, "source") == ["a", "y", "b", "x", "a"]
    assert column(declaration.links, "target") == ["x", "b", None, "y", "a"]


def test_links_without_id_are_named_by_their_ends(declare):
    links = "id,source,target\n,a,b\nmine,a,b\n,b,a\n,a,b\n,a,\n,a,b\n"
    files = {"nodes.csv": "id,kind\na,bng\nb,bng\n", "links.csv": links}
    declaration = read_declaration(declare(files))
    assert column(declaration.links, "id") == ["a>b", "mine", "b>a", "a>b#2", "a>", "a>b#3"]


def test_a_made_name_that_is_taken_is_a_problem(declare):
    files = {"nodes.csv": "id,kind\na,bng\nb,bng\n", "links.csv": "id,source,target\n,a,b\na>b,b,a\n"}
    with pytest.raises(DeclarationError, match="'a>b' is there twice"):
        read_declaration(declare(files))


def test_sites_may_be_deep(declare):
    rows = ["id,kind,site", "n0,room,", *(f"n{i},rack,n{i - 1}" for i in range(1, 200))]
    declaration = read_declaration(declare({"nodes.csv": "\n".join(rows), "links.csv": "source,target\n"}))
    assert declaration.nodes.num_rows == 200


def test_inputs_and_documents_are_digested(declare):
    head = declare.head + '[[operator.domiciles]]\ndocument = "proof/licence.pdf"\n'
    head += '[[approvals]]\ndocument = "lost.pdf"\n'
    files = {
        "declaration.toml": head + declare.network,
        "nodes.csv": "id,kind,document\na,bng,proof/lease.pdf\n",
        "links.csv": "source,target\n",
        "proof/licence.pdf": b"one",
        "proof/lease.pdf": b"two",
    }
    declaration = read_declaration(declare(files))
    assert [i.path for i in declaration.inputs] == ["declaration.toml", "nodes.csv", "links.csv"]
    nodes = declaration.inputs[1]
    data = files["nodes.csv"].encode()
    assert (nodes.sha256, nodes.size) == (hashlib.sha256(data).hexdigest(), len(data))
    assert declaration.documents == {
        "proof/licence.pdf": hashlib.sha256(b"one").hexdigest(),
        "proof/lease.pdf": hashlib.sha256(b"two").hexdigest(),
    }
    assert declaration.notes == (Note("declaration.toml", "document 'lost.pdf' is named but not attached"),)


def test_contracts_are_counted_and_their_unknown_nodes_noted(declare):
    records = (
        '[[contracts]]\nkind = "CDN"\nnode_ids = ["sub-1", "cdn-7"]\n'
        '[[contracts]]\nid = "K-9"\n[[contracts]]\nfailover_node_ids = ["cdn-8"]\n'
    )
    declaration = read_declaration(declare({"declaration.toml": declare.head + records + declare.network}))
    assert [c.id for c in declaration.contracts] == ["1", "K-9", "3"]
    assert declaration.contracts[0].kind == "cdn"
    assert declaration.notes == (
        Note("contract 1", "names 'cdn-7', which is no declared node"),
        Note("contract 3", "names 'cdn-8', which is no declared node"),
    )


def test_prefixes(declare):
    files = {
        "declaration.toml": declare.head + declare.network + 'prefixes = "p.csv"\n',
        "p.csv": "prefix,node,anycast\n203.0.113.0/24,bng-1,\n2001:db8::/32,gone,true\n",
    }
    declaration = read_declaration(declare(files))
    assert declaration.prefixes.column_names == [c.name for c in tables.PREFIXES]
    assert column(declaration.prefixes, "anycast") == [None, True]
    assert declaration.notes == (Note("p.csv", "node: 1 ids that no node has, such as 'gone'"),)


def test_the_path_may_be_the_folder_or_its_file(declare):
    root = declare()
    assert read_declaration(root).nodes.equals(read_declaration(root / "declaration.toml").nodes)


def test_parquet_types_are_honoured(declare):
    root = declare({"declaration.toml": declare.head + '[network]\nnodes = "nodes.parquet"\n'})
    pq.write_table(
        pa.table(
            {
                "id": pa.array([7, 8]),
                "kind": pa.array(["bng", "olt"]).dictionary_encode(),
                "region_code": pa.array([310115.0, None]),
                "services": pa.array([["B12", "B14"], None]),
                "lon": pa.array([121, None], pa.int32()),
                "lat": pa.array([31.5, None], pa.float32()),
                "from_on": pa.array([dt.datetime(2026, 1, 2), None], pa.timestamp("ns")),  # noqa: DTZ001 -- naive
                "transit": pa.array([True, None]),
                "extra": pa.array([{"a": 1}, None]),
            }
        ),
        root / "nodes.parquet",
    )
    nodes = read_declaration(root).nodes
    assert column(nodes, "id") == ["7", "8"]
    assert column(nodes, "region_code") == ["310115", None]
    assert column(nodes, "services") == ["B12;B14", None]
    assert column(nodes, "lon") == [121.0, None]
    assert column(nodes, "from_on") == [dt.date(2026, 1, 2), None]
    assert column(nodes, "transit") == [True, None]
    assert column(nodes, "extra") == ["{'a': 1}", None]


def test_inline_records_of_several_types(declare):
    network = (
        '[network]\nnodes = [{id = 7, kind = "bng", from_on = 2026-01-02, ips = ["203.0.113.1", "203.0.113.2"]},'
        ' {id = "x", kind = "olt", count = 3}]\nlinks = [{source = "x", target = 7}]\n'
    )
    declaration = read_declaration(declare({"declaration.toml": declare.head + network}))
    assert column(declaration.nodes, "id") == ["7", "x"]
    assert column(declaration.nodes, "ips") == ["203.0.113.1;203.0.113.2", None]
    assert column(declaration.nodes, "from_on") == [dt.date(2026, 1, 2), None]
    assert (column(declaration.links, "tail"), column(declaration.links, "head")) == ([1], [0])


# --- all forms read the same, in any order -------------------------------------------------------------------

IDS = st.text("ab7中é_-.", min_size=1, max_size=5)
OPTIONAL = {
    "owner": st.sampled_from(["operator", "customer", "中国电信"]),
    "asn": st.integers(0, 2**32 - 1),
    "from_on": st.dates(dt.date(1990, 1, 1), dt.date(2090, 1, 1)).map(str),
    "transit": st.booleans(),
    "accuracy_m": st.floats(0, 1e6),
    "extra": IDS,
}
NODE_LISTS = st.lists(
    st.fixed_dictionaries({"id": IDS, "kind": st.sampled_from(tables.NODE_KINDS)}, optional=OPTIONAL),
    min_size=1,
    max_size=8,
    unique_by=lambda node: node["id"],
)
LINK_LISTS = st.lists(
    st.fixed_dictionaries(
        {"source": IDS, "target": st.none() | IDS},
        optional={"kind": st.sampled_from(tables.LINK_KINDS), "cost": st.floats(0, 1e9)},
    ),
    max_size=8,
)


def as_csv(rows, first):
    names = [*first, *sorted({name for row in rows for name in row} - set(first))]
    lines = [",".join("" if row.get(name) is None else str(row[name]) for name in names) for row in rows]
    return "\n".join([",".join(names), *lines]) + "\n"


def content(declaration):
    """Everything but the order of rows."""
    nodes = declaration.nodes.select(sorted(declaration.nodes.column_names)).to_pylist()
    links = declaration.links.drop_columns(["tail", "head"])
    links = links.select(sorted(links.column_names)).to_pylist()
    for rows in (nodes, links):
        for row in rows:
            for name in [name for name, value in row.items() if value is None]:
                del row[name]
    return (
        sorted(nodes, key=lambda row: row["id"]),
        sorted(links, key=lambda row: (row["source"], row.get("target", ""), sorted(map(str, row.items())))),
        sorted(declaration.undeclared.to_pylist()),
    )


@MANY
@given(nodes=NODE_LISTS, links=LINK_LISTS, random=st.randoms(use_true_random=False))
def test_csv_parquet_and_json_read_the_same_in_any_order(declare, nodes, links, random):
    root = declare(
        {"nodes.csv": as_csv(nodes, ("id", "kind")), "links.csv": as_csv(links, ("source", "target"))}
    )
    expected = content(read_declaration(root))
    tree = {"schema": "auditor.declaration/1", "operator": {"name": "Example"}}
    (root / "d.json").write_text(json.dumps(tree | {"network": {"nodes": nodes, "links": links}}), "utf-8")
    assert content(read_declaration(root / "d.json")) == expected

    rows = random.sample(nodes, len(nodes))
    arcs = random.sample(links, len(links))
    pq.write_table(pa.Table.from_pylist(rows, schema=union(rows)), root / "n.parquet")
    network = '[network]\nnodes = "n.parquet"\nlinks = "links.csv"\n'
    root = declare(
        {"declaration.toml": declare.head + network, "links.csv": as_csv(arcs, ("target", "source"))}
    )
    shuffled = content(read_declaration(root))
    assert shuffled[::2] == expected[::2]
    assert unnamed(shuffled[1]) == unnamed(expected[1])  # numbers of parallel links go by their order
    assert sorted(row["id"] for row in shuffled[1]) == sorted(row["id"] for row in expected[1])


def unnamed(links):
    return sorted(str(sorted((k, v) for k, v in link.items() if k != "id")) for link in links)


def union(rows):
    names = dict.fromkeys(name for row in rows for name in row)
    arrays = {name: pa.array([row.get(name) for row in rows]) for name in names}
    return pa.schema([(name, array.type) for name, array in arrays.items()])


def test_the_semicolon_of_chinese_keyboards_separates(declare):
    text = "id,kind,services,ips\na,server,B12；B14,192.0.2.1； 192.0.2.2\n"
    nodes = read_declaration(declare({"nodes.csv": text, "links.csv": "source,target\n"})).nodes
    assert (column(nodes, "services"), column(nodes, "ips")) == (["B12;B14"], ["192.0.2.1; 192.0.2.2"])
