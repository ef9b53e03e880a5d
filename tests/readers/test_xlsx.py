"""Workbooks as people hold them: names of sheets and columns in two languages, and what spreadsheets do to cells."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import sheets
from auditor.errors import DeclarationError, UnnamedError
from auditor.readers import read_declaration
from auditor.readers.xlsx import export, parse
from auditor.tables import Log

NODES = (("id", "kind"), ("sub-1", "subscriber"), ("bng-1", "bng"))
LINKS = (("source", "target"), ("sub-1", "bng-1"))
OPERATOR = (("name",), ("Example",))
ANEW = "format the column as text, type it anew"
DATES = "format the column as text and write dates as 2026-11-22"
SOUND = {"operator": OPERATOR, "nodes": NODES, "links": LINKS}


def calculated(data):
    """The workbook as a spreadsheet program saves it: formulas have a value, here 2."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            text = re.sub(rb"(</f>)<v ?/>|(</f>)<v></v>", b"</f><v>2</v>", old.read(name))
            new.writestr(name, text)
    return buffer.getvalue()


def book(**tables):
    """A workbook of some sheets; a function changes a sheet after its rows."""
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in tables.items():
        sheet = made.create_sheet(name)
        for row in rows if not callable(rows) else ():
            sheet.append(row)
        if callable(rows):
            rows(sheet)
    buffer = io.BytesIO()
    made.save(buffer)
    return buffer.getvalue()


@pytest.fixture
def read(tmp_path):
    def reader(**tables):
        path = tmp_path / "x.xlsx"
        path.write_bytes(book(**tables))
        return read_declaration(path)

    return reader


@pytest.fixture
def problems(read):
    def reader(**tables):
        with pytest.raises(DeclarationError) as caught:
            read(**tables)
        return [str(problem) for problem in caught.value.problems]

    return reader


def rows_of(table):
    return [{k: v for k, v in row.items() if v is not None} for row in table.to_pylist()]


def notes(declaration):
    return {f"{note.where}: {note.what}" for note in declaration.notes}


def test_sheets_in_english(read):
    declaration = read(**SOUND)
    assert declaration.operator.name == "Example"
    assert rows_of(declaration.nodes) == [
        {"id": "sub-1", "kind": "subscriber"},
        {"id": "bng-1", "kind": "bng"},
    ]
    assert (declaration.notes, declaration.unused, declaration.complete) == ((), (), False)


def test_sheets_in_chinese(read):
    declaration = read(
        申报=(("申报日期", "批复与许可是否齐全", "网络是否完整申报"), (dt.date(2026, 10, 1), "是", True)),
        企业=(("企业名称", "企业性质", "外资股比"), ("示例公司", "外资", 0.5)),
        注册地=(("注册地址", "行政区划代码", "经度", "纬度"), ("上海市浦东新区", 310115, 121.9, 30.9)),
        批复与许可=(
            ("类型", "文号", "业务", "发证日期", "状态"),
            ("试点批复", "沪1号", "B12；B14", "2025-02-26", "有效"),
        ),
        业务=(("业务代码", "信息内容", "业务范围"), ("B14", "无", "shanghai"), ("B12", None, "CN")),
        合同=(("合同类型", "节点由供应商选定", "涉及节点"), ("主机托管", "否", "bng-1\nsub-1")),
        节点=(
            ("节点编号", "设备类型", "所有者", "经度（度）", "纬度\n(度)"),
            ("sub-1", "用户", "客户", None, None),
            ("bng-1", "宽带接入服务器", "中国电信", 121.7, 31.1),
        ),
        链路=(("起点", "终点", "类型"), ("sub-1", "bng-1", "接入")),
        地址段=(("地址段", "使用节点", "是否任播"), ("203.0.113.0/24", "bng-1", "否")),
    )
    assert declaration.declared_on == dt.date(2026, 10, 1)
    assert (declaration.approvals_complete, declaration.complete) == (True, True)
    assert (declaration.operator.nature, declaration.operator.foreign_share) == ("foreign_invested", 0.5)
    [home] = declaration.operator.domiciles
    assert (home.region_code, home.lon) == ("310115", 121.9)
    [approval] = declaration.approvals
    assert (approval.kind, approval.services, approval.status) == ("pilot_reply", ("B12", "B14"), "valid")
    assert approval.issued_on == dt.date(2025, 2, 26)
    assert [service.content for service in declaration.services] == [(), None]
    [contract] = declaration.contracts
    assert (contract.kind, contract.open_node_set) == ("colocation", False)
    assert contract.node_ids == ("bng-1", "sub-1")
    assert rows_of(declaration.nodes)[1] == {
        "id": "bng-1",
        "kind": "bng",
        "owner": "中国电信",
        "lon": 121.7,
        "lat": 31.1,
    }
    assert declaration.links.column("kind").to_pylist() == ["access"]
    assert rows_of(declaration.prefixes) == [{"prefix": "203.0.113.0/24", "node": "bng-1", "anycast": False}]
    assert declaration.unused == ()


def test_a_second_row_of_names_and_explanations_are_passed_over(read, problems):
    nodes = (("节点编号", "类型", "机柜"), ("id", "kind", None), ("说明：唯一编号", "是什么", None))
    declaration = read(**SOUND | {"nodes": (*nodes, ("sub-1", "用户", "7"), ("bng-1", "bng", None))})
    assert rows_of(declaration.nodes)[0] == {"id": "sub-1", "kind": "subscriber", "机柜": "7"}
    assert problems(**SOUND | {"nodes": (*nodes, ("sub-1", "bgn", None))}) == [
        "x.xlsx, sheet 'nodes', row 4, kind: 'bgn' is not known: did you mean 'bng'?"
    ]


def test_one_row_of_names_has_no_second(read):
    links = (("起点", "终点"), ("source", "x"))
    declaration = read(**SOUND | {"nodes": (*NODES, ("source", "pop")), "links": links})
    assert declaration.links.column("source").to_pylist() == ["source"]


def test_rows_above_the_names_are_told(read):
    declaration = read(**SOUND | {"nodes": (("网络节点表",), (), *NODES)})
    assert declaration.nodes.num_rows == 2
    assert [(u.where, u.what) for u in declaration.unused] == [("x.xlsx, sheet 'nodes'", "rows 1-2")]


def test_other_sheets_are_told(read):
    declaration = read(**SOUND, 备注=(("x",),), blank=())
    assert [(u.what, u.why) for u in declaration.unused] == [("sheet '备注'", "its name is that of no table")]


def test_a_sheet_that_looks_like_nodes_is_taken_for_them(read):
    declaration = read(operator=OPERATOR, Sheet1=NODES, Sheet2=LINKS)
    assert (declaration.nodes.num_rows, declaration.links.num_rows) == (2, 1)
    assert notes(declaration) == {
        "x.xlsx: sheet 'Sheet1' read as nodes by its columns",
        "x.xlsx: sheet 'Sheet2' read as links by its columns",
    }


def test_two_that_look_alike_are_not_guessed(problems):
    assert problems(operator=OPERATOR, a=NODES, b=NODES) == [
        "x.xlsx: has no sheet of nodes; name one 节点 or nodes; the sheets are 'operator', 'a', 'b'"
    ]


def test_two_sheets_of_one_table(problems):
    assert problems(**SOUND, 节点=NODES)[0].startswith("x.xlsx: has two sheets of nodes: 'nodes' and '节点'")


def test_without_operator_a_declaration_is_needed(tmp_path, declare):
    path = tmp_path / "x.xlsx"
    path.write_bytes(
        book(
            nodes=NODES, links=LINKS, contracts=(("kind",), ("cdn",)), prefixes=(("prefix",), ("10.0.0.0/8",))
        )
    )
    with pytest.raises(UnnamedError):
        read_declaration(path)
    declaration = read_declaration(path, operator=declare({"declaration.toml": declare.head}))
    assert declaration.nodes.num_rows == 2
    assert declaration.prefixes.num_rows == 1
    assert [u.what for u in declaration.unused] == ["sheet of contracts"]


def test_what_is_hidden_merged_or_calculated_is_read_and_noted(tmp_path):
    def fill(sheet):
        for row in NODES:
            sheet.append(row)
        sheet.append(("hidden", "olt"))
        sheet.append(("merged", "olt"))
        sheet["C1"], sheet["C2"] = "name", "=1+1"
        sheet.row_dimensions[4].hidden = True
        sheet.column_dimensions["B"].hidden = True
        sheet.merge_cells("C5:D5")
        sheet.sheet_state = "hidden"

    path = tmp_path / "x.xlsx"
    path.write_bytes(calculated(book(**SOUND | {"nodes": fill})))
    declaration = read_declaration(path)
    assert declaration.nodes.column("id").to_pylist() == ["sub-1", "bng-1", "hidden", "merged"]
    assert declaration.nodes.column("name").to_pylist() == ["2", None, None, None]
    place = "x.xlsx, sheet 'nodes'"
    assert notes(declaration) == {
        f"{place}: the sheet is hidden; it was read",
        f"{place}: 1 formulas: the values stored with them were read",
        f"{place}: 1 hidden rows, read like the others",
        f"{place}: 1 hidden columns, read like the others",
        f"{place}: 1 merged cells: the value stands in the first of them, the others are blank",
    }


def test_what_a_spreadsheet_did_to_cells(problems):
    def fill(sheet):
        sheet.append(("id", "kind", "name", "from_on", "asn", "lon"))
        sheet.append((123456789012345678, "bng", dt.date(2026, 3, 1), 45000, "#REF!", 121.0))
        sheet.append((7, "bng", "x", "2026-01-01", 1, dt.date(2026, 1, 1)))
        sheet["A3"].number_format = "000000"

    place = "x.xlsx, sheet 'nodes', row"
    assert problems(**SOUND | {"nodes": fill, "links": (("source", "target"),)}) == [
        f"{place} 2, id: '123456789012345696' is a number of which a spreadsheet keeps 15 digits; {ANEW}",
        f"{place} 3, id: '7' is shown with zeros before it that the cell has not; {ANEW}",
        f"{place} 2, name: '2026-03-01' is a date; if it was another text (3-1), {ANEW}",
        f"{place} 2, from_on: '45000' is a number, no date; {DATES}",
        f"{place} 2, asn: '#REF!' is an error of the spreadsheet; mend the formula, or write the value",
        f"{place} 3, lon: '2026-01-01' is no number",
        f"{place} 2, lat: lon without lat",
        f"{place} 3, lat: lon without lat",
    ]


def test_numbers_as_ids_are_noted(read):
    declaration = read(
        operator=OPERATOR,
        nodes=(("id", "kind"), (7, "olt"), ("x", "bng")),
        links=(("source", "target"), (7, "x")),
    )
    assert declaration.nodes.column("id").to_pylist() == ["7", "x"]
    assert "x.xlsx, sheet 'nodes': id: 1 cells are numbers; zeros that stood before them are lost" in notes(
        declaration
    )


def test_cells_are_the_shortest_text(read):
    nodes = (
        ("id", "kind", "extra", "lon", "lat", "from_on"),
        ("a", "bng", 7.0, 121.47, 31.1, dt.date(2026, 1, 2)),
        ("b", "bng", True, None, None, None),
        ("c", "bng", 1e-7, None, None, None),
        ("d", "bng", "1e5", None, None, None),
    )
    declaration = read(operator=OPERATOR, nodes=nodes)
    assert declaration.nodes.column("extra").to_pylist() == ["7", "true", "1e-07", "1e5"]
    assert rows_of(declaration.nodes)[0]["from_on"] == dt.date(2026, 1, 2)
    assert rows_of(declaration.nodes)[0]["lon"] == 121.47


def test_records_are_checked(problems):
    found = problems(
        **SOUND,
        declaration=(("declared_on", "complete"), ("tomorrow", "perhaps")),
        approvals=(("kind", "issued_on"), (None, None), ("permit", 45000)),
        services=(("code", "code"), ("B14", "B12")),
    )
    assert found == [
        f"x.xlsx, sheet 'approvals', row 3, issued_on: '45000' is a number, no date; {DATES}",
        "x.xlsx, sheet 'services', code: the column is there 2 times; remove one",
        "x.xlsx, declared_on: 'tomorrow' is no date; write dates as 2026-11-22",
        "x.xlsx, approvals 1, kind: 'permit' is not known; one of pilot_reply, licence",
        "x.xlsx, network, complete: 'perhaps' is neither true nor false; write true or false, without quotes",
    ]


def test_one_operator(problems):
    assert problems(**SOUND | {"operator": (("name",), ("a",), ("b",))}) == [
        "x.xlsx, sheet 'operator': has 2 rows under the names; leave one"
    ]
    assert problems(**SOUND | {"operator": (("name",),)}) == ["x.xlsx, operator, name: is missing"]


def test_columns_without_name(problems):
    found = problems(**SOUND | {"nodes": (("id", "kind", None), ("a", "bng", "lost"))})
    assert "x.xlsx, sheet 'nodes', row 1, column 3: has no name" in found


def test_keys_of_other_types(read, problems):
    contracts = (("kind", "price (JSON)", "note"), ("cdn", '{"a": [1, null]}', "x"))
    [contract] = read(**SOUND, contracts=contracts).contracts
    assert contract.model_extra == {"price": {"a": [1, None]}, "note": "x"}
    assert "row 2, price (JSON): no JSON" in problems(**SOUND, contracts=(contracts[0], ("cdn", "{", "x")))[0]


def test_lists():
    assert sheets.split(' B12 ；B14\n["x ') == ["B12", "B14", '["x']
    assert sheets.split("None") == sheets.split("无") == sheets.split("[]") == []
    assert sheets.split('["无"]') == ["无"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.text(st.sampled_from('a无none[]";；\n ,中'), min_size=1, max_size=4).filter(str.strip), max_size=4
    )
)
def test_lists_come_back(parts):
    parts = [part.strip() for part in parts]
    assert sheets.split(sheets.joined(parts)) == parts


def test_no_workbook(tmp_path):
    path = tmp_path / "x.xlsx"
    path.write_bytes(b"id,kind\n")
    with pytest.raises(DeclarationError, match=r"x\.xlsx: is no ZIP archive"):
        read_declaration(path)
    log = Log()
    assert parse(b"PK\x03\x04", "y.xlsm", log) is None
    assert log.problems.found


CELLS = (
    st.none()
    | st.sampled_from(
        [
            "id",
            "kind",
            "ID",
            "节点编号",
            "name",
            "说明：",
            "无",
            "[1]",
            "a;b",
            "x (JSON)",
            "{",
            "complete",
            " ",
        ]
    )
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
    | st.builds(dict, date=st.sampled_from(["2026-01-02", "03:04:00"]))
    | st.builds(dict, error=st.just("#N/A"))
    | st.text(max_size=3)
)
BOOKS = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from([*sheets.SHEETS, "节点", "Sheet1", "\x1b", sheets.HELP[0]]),
            "hidden": st.booleans(),
            "first": st.integers(1, 9),
            "rows": st.lists(st.lists(CELLS, max_size=5), max_size=5),
            "formulas": st.integers(0, 2),
            "lacking": st.lists(st.integers(1, 9), max_size=2),
            "hidden_rows": st.just(0),
            "hidden_columns": st.just(0),
            "merged": st.just(0),
            "padded": st.lists(st.lists(st.integers(1, 6), min_size=2, max_size=2), max_size=2),
        }
    ),
    max_size=6,
)


@settings(max_examples=75, deadline=None)
@given(BOOKS)
def test_no_workbook_raises(given_sheets):
    log = Log()
    found = export({"sheets": given_sheets, "other": [("macros", 1)]}, "x", log)
    assert found is not None or log.problems.found


def test_formulas_without_a_value_are_no_blank_cells(problems):
    """Programs that write workbooks leave them so; the row would be gone, and a facility with it."""
    bad = (("id", "kind"), ("a", "bng"), ('="dc-" & 1', '="server"'), ("b", '="pop"'))
    told = problems(**SOUND | {"nodes": bad})
    assert told[0] == (
        "x.xlsx, sheet 'nodes': formulas without a value in rows 3-4; "
        "open the workbook in a spreadsheet program and save it"
    )


def test_a_kind_is_stated_by_every_row(problems):
    assert problems(**SOUND | {"nodes": (("id", "kind"), ("a", None))}) == [
        "x.xlsx, sheet 'nodes', row 2, kind: is missing"
    ]


def test_a_second_sheet_of_nodes_is_missed(read):
    more = (("id", "kind"), ("dc-bj", "data_centre"))
    assert read(**SOUND | {"nodes (2)": more}).partial
    assert not read(**SOUND | {"colours": (("red", "green"),)}).partial
