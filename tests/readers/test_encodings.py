"""CSV files in the encodings that spreadsheets and old systems write; what was taken for what is noted."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.errors import DeclarationError
from auditor.model import Note
from auditor.readers import read_declaration
from auditor.readers._tables import read_csv
from auditor.tables import Log

MANY = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = '节点编号,类型,名称,所有者\nbng-1,宽带接入服务器,"临港，汇聚\n二期",中国电信\nsub-1,用户,示例，"客户"\n'.replace(
    '，"客户"', ",客户"
)
ROWS = [
    {"节点编号": "bng-1", "类型": "宽带接入服务器", "名称": "临港，汇聚\n二期", "所有者": "中国电信"},
    {"节点编号": "sub-1", "类型": "用户", "名称": "示例", "所有者": "客户"},
]
GB18030 = "is not UTF-8 and was read as GB18030; look whether its names are right"


def read(data):
    log = Log()
    frame = read_csv(data, "x.csv", log)
    rows = None if frame is None else frame.table.to_pylist()
    return rows, [note.what for note in log.notes], [str(problem) for problem in log.problems.found]


@pytest.mark.parametrize(
    ("encoding", "notes"),
    [
        ("utf-8", []),
        ("utf-8-sig", []),
        ("utf-16", ["read as UTF-16"]),
        ("gb18030", [GB18030]),
        ("gbk", [GB18030]),
    ],
)
def test_every_encoding_reads_the_same(encoding, notes):
    assert read(TEXT.encode(encoding)) == (ROWS, notes, [])


def test_both_orders_of_utf_16():
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        assert read(mark + TEXT.encode(encoding)) == (ROWS, ["read as UTF-16"], [])


def test_what_a_spreadsheet_calls_unicode_text_has_tabs():
    text = 'id\tkind\tname\r\nbng-1\tbng\t"a\tb, c"\r\n'
    assert read(text.encode("utf-16"))[0] == [{"id": "bng-1", "kind": "bng", "name": "a\tb, c"}]


def test_tabs_in_other_files_are_still_refused():
    assert read(b"id\tkind\na\tbng\n")[2] == [
        "x.csv, row 1: the cells are separated by tabs; separate them by commas"
    ]


def test_characters_beyond_gbk_are_four_bytes():
    rows, notes, _ = read("id,name\na,𠮷野\u1e3f\n".encode("gb18030"))
    assert (rows, notes) == ([{"id": "a", "name": "𠮷野\u1e3f"}], [GB18030])


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"id,name\na,\xff\n", "x.csv, line 2: is not UTF-8; save it as UTF-8"),
        (b"id,name\na,caf\xe9\n", "x.csv, line 2: is not UTF-8; save it as UTF-8"),
        (b"\xef\xbb\xbfid,name\na,\xb5\xe7\xd0\xc5\n", "x.csv, line 2: is not UTF-8"),
        ("id,name\na,电信".encode()[:-1] + b"\n", "x.csv, line 2: is not UTF-8"),
        (b"\xff\xfei\0d\0,", "x.csv: begins as UTF-16 and is none; is it complete?"),
        (b"\xff\xfe\x00\xd8i\0", "x.csv: begins as UTF-16 and is none; is it complete?"),
        ("id,name\na,b\0c\n".encode("utf-16"), "x.csv, line 2: holds a NUL byte; is it really a CSV file?"),
        ("id,name\n电信,b\0c\n".encode("gb18030"), "x.csv, line 2: holds a NUL byte"),
    ],
)
def test_what_is_none_of_them_is_a_problem(data, problem):
    rows, notes, problems = read(data)
    assert rows is None
    assert problems[0].startswith(problem)
    assert GB18030 not in notes or "NUL" in problem


def test_damaged_utf_8_is_not_taken_for_gb18030():
    data = ("id,name\n" + "".join(f"{n},临港新片区数据中心机房\n" for n in range(50))).encode()
    broken = data.replace("中心".encode(), "中".encode() + b"\xb5\xe7", 1)
    broken.decode("gb18030", "replace")
    assert read(broken)[2][0].startswith("x.csv, line 2: is not UTF-8")


def test_a_declaration_in_chinese_throughout(declare):
    links = "起点,终点,类型,方向,状态\nsub-1,bng-1,接入,双向,在用\n"
    root = declare({"nodes.csv": TEXT.encode("gb18030"), "links.csv": links.encode("utf-16")})
    declaration = read_declaration(root)
    nodes = {name: declaration.nodes.column(name).to_pylist() for name in ("id", "kind", "owner")}
    assert nodes == {
        "id": ["bng-1", "sub-1"],
        "kind": ["bng", "subscriber"],
        "owner": ["中国电信", "customer"],
    }
    assert declaration.links.column("kind").to_pylist() == ["access"]
    assert declaration.unused == ()
    assert Note("nodes.csv", GB18030) in declaration.notes
    assert Note("links.csv", "read as UTF-16") in declaration.notes


def test_toml_stays_utf_8(declare):
    root = declare({"declaration.toml": (declare.head + "# 电信\n" + declare.network).encode("gb18030")})
    with pytest.raises(DeclarationError, match="it reads as GB18030: iconv"):
        read_declaration(root)


@MANY
@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Co", "Cn"], exclude_characters='"')), st.data())
def test_no_text_is_changed_by_its_encoding(cell, data):
    text = f'id,name\n1,"{cell}"\n'
    expected = read(text.encode())[0]
    assert read(text.encode("utf-16"))[0] == expected
    gb = text.encode("gb18030")
    try:
        gb.decode()
    except UnicodeDecodeError:
        rows, notes, problems = read(gb)
        assert (rows == expected and notes == [GB18030]) or problems  # little text may look like broken UTF-8


@MANY
@given(st.binary(max_size=80))
def test_no_bytes_raise(data):
    for mark in (b"", b"\xff\xfe", b"\xef\xbb\xbf", b"id,kind\n"):
        read(mark + data)


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"SQLite format 3\0", b"\x1f\x8b\x08", b"PAR1\xff"])
def test_what_is_no_text_is_called_by_its_form(declare, start):
    with pytest.raises(DeclarationError) as caught:
        read_declaration(declare({"nodes.csv": start + b"\xff\xfe\0\x80"}))
    [problem] = caught.value.problems
    assert "and is no text" in problem.what or "NUL" in problem.what
