"""Workbooks written: nothing is lost, nothing is a formula, the same content is the same bytes."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile

import openpyxl
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from pydantic_core import to_jsonable_python

from auditor import sheets, tables
from auditor.containers.xlsx import read as read_box
from auditor.errors import DeclarationError, UsageError
from auditor.readers._assemble import assemble
from auditor.readers._files import Folder
from auditor.readers.xlsx import export
from auditor.registers import labels
from auditor.tables import Log
from auditor.writers import content_of
from auditor.writers.xlsx import bytes_of, write

MANY = settings(max_examples=10, deadline=None)
MARKS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
NASTY = (
    *(
        "007",
        "1e5",
        "NaN",
        "true",
        "TRUE",
        "是",
        "无",
        "none",
        "[]",
        "['a']",
        '["a"]',
        "null",
        "2026-01-02",
        "1.0",
    ),
    *(
        "=1+1",
        "+1",
        "-x",
        "@x",
        "＝1",
        "#REF!",
        "#N/A",
        "_x0041_",
        "_x005F_",
        "_x0041_x0042_",
        "_xD83D_",
        "'x",
    ),
    *(
        "a\nb",
        "a\r\nb",
        "a\tb",
        "<b>&amp;]]>",
        "中国电信",
        "说明：x",
        "节点编号",
        "x (JSON)",
        "x" * 5000,
        "\U0001f600",
    ),
    *("a;b", "a；b", "a|b", "1,5", '"', "\ufffd", "id", "kind", "类型"),
)
HIDDEN = "\u200b\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
# XML has no such character, and what Excel writes for it is read as it stands: `convert` lists it as lost.
UNWRITABLE = "\ufffe\uffff"
TEXTS = st.sampled_from(NASTY) | st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=HIDDEN + UNWRITABLE),
    min_size=1,
    max_size=6,
)
NAMES = st.sampled_from(
    ["label", "机房", "类型", "经度", "Lon", "a b", " x", "x (JSON)", "=x", "说明：", "unit_m", "_x0041_"]
)
EXTRAS = st.dictionaries(
    NAMES,
    TEXTS
    | st.integers(-(2**53), 2**53)
    | st.booleans()
    | st.lists(TEXTS, max_size=2)
    | st.builds(dict, a=TEXTS),
    max_size=2,
)
LISTS = st.lists(TEXTS, max_size=3)
NODE = st.fixed_dictionaries(
    {"id": TEXTS, "kind": st.sampled_from(tables.NODE_KINDS)},
    optional={
        **dict.fromkeys(("name", "owner", "operated_by", "services", "address", "ips", "document"), TEXTS),
        "holding": st.sampled_from(tables.HOLDINGS),
        "datum": st.sampled_from(["WGS84", "GCJ-02", "unknown"]),
        "grade": st.sampled_from(tables.GRADES),
        "lon": st.floats(-180, 180),
        "accuracy_m": st.floats(0, 1e300),
        "asn": st.integers(0, 2**32 - 1),
        "count": st.integers(0, 2**53),
        "transit": st.booleans(),
        "from_on": st.dates().map(str),
    },
)
LINK = st.fixed_dictionaries(
    {"source": TEXTS, "target": st.none() | TEXTS},
    optional={
        "id": TEXTS,
        "kind": st.sampled_from(tables.LINK_KINDS),
        "direction": st.sampled_from(tables.DIRECTIONS),
        "cost": st.floats(-1e300, 1e300),
        "layer": TEXTS,
    },
)
DAY = st.dates().map(str)


@st.composite
def trees(draw):
    nodes, links = draw(st.lists(NODE, min_size=1, max_size=4)), draw(st.lists(LINK, max_size=4))
    for row in nodes + links:
        row.update(draw(st.dictionaries(NAMES, TEXTS, max_size=2)))
        if "lon" in row:
            row["lat"] = 50.0
    network = {"nodes": nodes, "links": links, "complete": False}
    network |= draw(st.fixed_dictionaries({}, optional={"access_layer": TEXTS}))
    network |= draw(
        st.fixed_dictionaries(
            {},
            optional={
                "prefixes": st.sampled_from([[], [{"prefix": "10.0.0.0/8", "use": "无", "anycast": True}]])
            },
        )
    )
    records = {
        "approvals": {
            "number": TEXTS,
            "services": LISTS,
            "terms": LISTS,
            "expires_on": DAY,
            "kind": st.just("licence"),
        },
        "services": {"code": TEXTS, "content": LISTS, "domains": LISTS, "started_on": DAY},
        "contracts": {
            "supplier": TEXTS,
            "node_ids": LISTS,
            "open_node_set": st.booleans(),
            "form": st.just("service"),
        },
    }
    tree = {
        "schema": "auditor.declaration/1",
        "approvals_complete": draw(st.booleans()),
        "operator": {"name": draw(TEXTS), "foreign_share": draw(st.floats(0, 1)), **draw(EXTRAS)},
        "network": network,
    }
    tree["operator"]["domiciles"] = [
        {"address": draw(TEXTS), "grade": "E2", "lon": draw(st.floats(0, 99)), "lat": 3.0, **draw(EXTRAS)}
    ]
    for name, keys in records.items():
        first = next(iter(keys))  # a record without any key is a blank row
        needed = {first: keys[first]}
        record = st.builds(
            lambda own, extra: extra | own,
            st.fixed_dictionaries(needed, optional={k: v for k, v in keys.items() if k not in needed}),
            EXTRAS,
        )
        tree[name] = draw(st.lists(record, max_size=2))
    return tree


def declared(tree, graph=None):
    return assemble(tree, Folder(None, Log(), "d"), graph=graph)


def again(data):
    log = Log()
    found = export(read_box(data), "d", log)
    assert not log.problems.found, log.problems.found
    return declared(found.records, found)


def filled(table):
    return {
        n: table.column(n).to_pylist()
        for n in table.column_names
        if table.column(n).null_count < table.num_rows
    }


def told(value):
    """A record as text, the order of its keys apart; 1 is not true."""
    return json.dumps(to_jsonable_python(value), sort_keys=True)


def same(left, right):
    for name in ("operator", "approvals", "services", "contracts", "declared_on", "complete", "access_layer"):
        assert told(getattr(left, name)) == told(getattr(right, name))
    assert left.approvals_complete == right.approvals_complete
    for name in ("nodes", "links", "prefixes"):
        one, other = getattr(left, name), getattr(right, name)
        assert (one is None) == (other is None)
        assert one is None or filled(one) == filled(other)
    assert left.undeclared.to_pylist() == right.undeclared.to_pylist()


def told_apart(tree):
    """Ids that differ once trimmed and composed, and links whose ids are their own."""
    for number, row in enumerate(tree["network"]["nodes"]):
        row["id"] = f"{row['id']}{number}"
    for number, link in enumerate(tree["network"]["links"]):
        if "id" in link:
            link["id"] = f"{link['id']} {number}"
    return tree


@MANY
@given(trees())
def test_what_is_written_reads_back_the_same(tree):
    try:
        first = declared(told_apart(tree))
    except DeclarationError:  # names that fall together, a link named as another's ends
        reject()
    data = write(content_of(first))
    assert write(content_of(first)) == data
    same(first, again(data))
    for sheet in openpyxl.load_workbook(io.BytesIO(data)):
        for row in sheet.iter_rows():
            assert {cell.data_type for cell in row} <= {"s", "n", "inlineStr"}


def small(**nodes):
    tree = {
        "schema": "auditor.declaration/1",
        "operator": {"name": "x"},
        "network": {"nodes": [{"id": "a", "kind": "bng", **nodes}], "links": []},
    }
    return declared(tree)


@pytest.mark.parametrize("mark", MARKS)
def test_no_text_becomes_a_formula(mark):
    text = f"{mark}cmd|' /C calc'!A0"
    declaration = small(name=f"x{text}", address=text, label=text)
    book = openpyxl.load_workbook(io.BytesIO(write(content_of(declaration))))
    cells = [cell for row in book[sheets.title("nodes")].iter_rows(min_row=4) for cell in row if cell.value]
    assert {cell.data_type for cell in cells} == {"s"}
    assert "calc" in "".join(str(cell.value) for cell in cells)
    same(declaration, again(write(content_of(declaration))))


def test_numbers_are_numbers_and_all_else_is_text():
    declaration = small(
        asn=7, lon=0.1 + 0.2, lat=1e-7, count=2**53, transit=True, from_on="0001-01-01", label="7"
    )
    book = openpyxl.load_workbook(io.BytesIO(write(content_of(declaration))))
    sheet = book[sheets.title("nodes")]
    names = [cell.value for cell in sheet[2]]
    cells = dict(zip(names, sheet[4], strict=True))
    kinds = {name: cell.data_type for name, cell in cells.items() if cell.value is not None}
    assert {name for name, kind in kinds.items() if kind == "n"} == {"asn", "lon", "lat", "count"}
    assert (cells["kind"].value, cells["transit"].value, cells["from_on"].value) == (
        "宽带接入服务器",
        "是",
        "0001-01-01",
    )
    assert {cell.number_format for cell in cells.values() if cell.data_type == "s" and cell.value} == {"@"}
    same(declaration, again(write(content_of(declaration))))


def test_no_clock_is_read():
    data = write(content_of(small()))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        core = archive.read("docProps/core.xml").decode()
    assert str(dt.datetime.now(dt.UTC).year) not in core
    assert core.count("1980-01-01T00:00:00Z") == 2


def test_what_a_workbook_cannot_hold_is_refused():
    declaration = small(address="\U0001f600" * 16_383)
    same(declaration, again(write(content_of(declaration))))
    with pytest.raises(UsageError, match=r"row 4: .* longer than 32,767"):
        write(content_of(small(address="\U0001f600" * 16_384)))
    with pytest.raises(UsageError, match="a column without a name"):
        bytes_of({"nodes": [{"id": "a", " ": "x"}]})


def test_a_bare_graph_has_no_records():
    data = write(content_of(small(), named=False))
    log = Log()
    found = export(read_box(data), "d", log)
    assert (found.records, log.problems.found) == (None, [])
    assert found.nodes.table.column("id").to_pylist() == ["a"]


def test_every_closed_list_may_be_chosen_from():
    book = openpyxl.load_workbook(io.BytesIO(bytes_of({table: [] for table in sheets.SHEETS})))
    words = book[sheets.HELP[1]]
    for table, columns in sheets.SHEETS.items():
        sheet = book[sheets.title(table)]
        offered = {}
        for choice in sheet.data_validations.dataValidation:
            column = str(choice.sqref).split(":", maxsplit=1)[0].rstrip("0123456789")
            offered[sheet[f"{column}2"].value] = choice
        for column in columns:
            if column.type == "flag":
                assert offered[column.name].formula1 == '"是,否"'
            if column.type == "choice":
                place = offered[column.name].formula1.partition("!")[2].replace("$", "")
                listed = [cell.value for [cell] in words[place]]
                assert listed == [labels.chinese(column.name, word) for word in column.choices]
                assert offered[column.name].errorStyle == "warning"


def test_the_layout_helps_whoever_fills_it_in():
    book = openpyxl.load_workbook(io.BytesIO(bytes_of({table: [] for table in sheets.SHEETS})))
    assert book.sheetnames[0] == sheets.HELP[0]
    for table, columns in sheets.SHEETS.items():
        sheet = book[sheets.title(table)]
        assert sheet.freeze_panes == "B4"
        for at, column in enumerate(columns, 1):
            label = labels.label(table, column.name)
            assert [sheet.cell(row, at).value for row in (1, 2)] == [label.zh, column.name]
            assert label.about_zh in sheet.cell(3, at).value
            assert ("必填" in sheet.cell(3, at).value) == column.required
            dimension = sheet.column_dimensions[openpyxl.utils.get_column_letter(at)]
            assert dimension.width >= 18
            assert (dimension.number_format == "@") == (column.type not in {"number", "whole"})
