"""Workbooks made to hurt are refused, in a small child process; sound ones give their values."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import subprocess
import sys
import zipfile
from functools import cache

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.containers import ContainerError, read_boxed
from auditor.containers.xlsx import read

MANY = settings(max_examples=24, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
MEGABYTE = 1 << 20
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
SHEET = "xl/worksheets/sheet1.xml"
RELS = "xl/_rels/workbook.xml.rels"


def sheet(body, before="", after=""):
    return f'<worksheet xmlns="{MAIN}">{before}<sheetData>{body}</sheetData>{after}</worksheet>'


def parts(body='<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c></row>', **others):
    """Parts of a small workbook; a part given replaces one, or comes besides."""
    own = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r" Type="{OFFICE}/'
        'officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="nodes" sheetId="1" '
        'r:id="rId1"/></sheets></workbook>',
        RELS: f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" Type="{OFFICE}/worksheet" '
        'Target="worksheets/sheet1.xml"/></Relationships>',
        SHEET: sheet(body),
    }
    return own | others


def zipped(files, level=9):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as target:
        for name, data in files.items():
            target.writestr(name, data)
    return buffer.getvalue()


def saved(fill):
    book = openpyxl.Workbook()
    fill(book.active)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def rows(data):
    [only] = read(data)["sheets"]
    return only["rows"]


# --- what is made to hurt --------------------------------------------------------------------------------------


def sparse():
    cells = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    return zipped(parts(cells))


@cache
def deflate_bomb():
    return zipped(parts() | {SHEET: sheet("<row/>" * (1 << 17) + " " * (200 << 20))})


@cache
def shared_bomb(*, plain=False):
    """One long text, used by very many cells."""
    strings = f'<sst xmlns="{MAIN}"><si><t>{"临港" * 15_000}</t></si></sst>'
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 100_000))
    files = parts(cells) | {"xl/sharedStrings.xml": strings}
    spaced = f' xmlns="{MAIN}"'
    return zipped({name: text.replace(spaced, "") if plain else text for name, text in files.items()})


@cache
def styles():
    formats = "".join(f'<xf numFmtId="{n % 97}" fontId="{n}"/>' for n in range(1_000_000))
    return zipped(
        parts() | {"xl/styles.xml": f'<styleSheet xmlns="{MAIN}"><cellXfs>{formats}</cellXfs></styleSheet>'},
        1,
    )


def nested():
    return zipped(
        {"a.zip": zipped({"b.zip": zipped({"c": b"0" * (10 << 20)})}), "xl/x.xlsx": zipped(parts())}
    )


def encrypted_ole():
    return (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500) + "EncryptedPackage".encode("utf-16-le") + bytes(500)
    )


def encrypted_zip():
    data = bytearray(zipped(parts()))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(mark, at + 4)
    return bytes(data)


def twice():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, data in parts().items():
            target.writestr(name, data)
        with pytest.warns(UserWarning, match="Duplicate name"):
            target.writestr(SHEET, sheet('<row r="1"><c r="A1"><v>2</v></c></row>'))
    return buffer.getvalue()


def of_ods():
    return zipped({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": "<a/>"})


ENTITY = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
HURTS = {
    "sparse": (sparse, "has 2 cells spread over 1,048,576 rows and 16,384 columns"),
    "deflate bomb": (deflate_bomb, "unpacks to more than 100 times its size"),
    "shared strings": (shared_bomb, "characters in its cells"),
    "shared strings, no namespace": (lambda: shared_bomb(plain=True), "characters in its cells"),
    "a prefix of nothing": (
        lambda: zipped(parts('<row r="1"><c r="XFD1048576" x:r="A1"><v>1</v></c></row>')),
        "prefix",
    ),
    "styles": (styles, "cell formats"),
    "nested archives": (nested, "is a ZIP archive, but no workbook"),
    "encrypted workbook": (encrypted_ole, "is encrypted"),
    "encrypted archive": (encrypted_zip, "is encrypted"),
    "old workbook": (lambda: encrypted_ole().replace(b"E\0n\0c", b"W\0o\0r"), "old workbook"),
    "OpenDocument": (of_ods, "OpenDocument"),
    "binary workbook": (lambda: zipped({"xl/workbook.bin": b"x"}), ".xlsb"),
    "truncated": (lambda: zipped(parts())[:-40], "is no ZIP archive"),
    "text": (lambda: b"id,kind\na,bng\n", "is no ZIP archive"),
    "nothing": (lambda: b"", "is no ZIP archive"),
    "a part twice": (twice, "twice"),
    "a part twice by case": (lambda: zipped(parts() | {SHEET.upper(): sheet("")}), "differ by case"),
    "document type in a sheet": (lambda: zipped(parts() | {SHEET: ENTITY + sheet("")}), "document type"),
    "document type in styles": (
        lambda: zipped(parts() | {"xl/styles.xml": ENTITY + "<x/>"}),
        "document type",
    ),
    "document type in an unread part": (
        lambda: zipped(parts() | {"xl/a/b.xml": ENTITY + "<x/>"}),
        "document type",
    ),
    "document type in UTF-16": (
        lambda: zipped(
            parts() | {SHEET: (ENTITY.replace("?>", ' encoding="UTF-16"?>') + sheet("")).encode("utf-16")}
        ),
        "document type",
    ),
    "broken XML": (lambda: zipped(parts() | {SHEET: sheet("<row>")}), "is no XML"),
    "sheet of another form": (
        lambda: zipped(parts() | {RELS: parts()[RELS].replace("sheet1.xml", "sheet1.bin")}),
        "another form",
    ),
    "one part, many sheets": (
        lambda: zipped(
            parts()
            | {
                "xl/workbook.xml": parts()["xl/workbook.xml"].replace(
                    "</sheets>", '<sheet name="b" r:id="rId1"/></sheets>'
                )
            }
        ),
        "same part",
    ),
    "endless sheets": (
        lambda: zipped(
            parts()
            | {"xl/workbook.xml": f'<workbook xmlns="{MAIN}">' + '<sheet name="a"/>' * 2000 + "</workbook>"}
        ),
        "more than 1,000 sheets",
    ),
    "a cell that is nowhere": (
        lambda: zipped(parts('<row><c r="A0"><v>1</v></c></row>')),
        "a cell named 'A0'",
    ),
    "a cell too far": (lambda: zipped(parts('<row><c r="A9999999"><v>1</v></c></row>')), "spread over"),
    "a name that leads out": (lambda: zipped(parts() | {"../x.xml": "<a/>"}), "leads out"),
}


@pytest.mark.parametrize("name", HURTS)
def test_what_hurts_is_refused(name):
    make, what = HURTS[name]
    with pytest.raises(ContainerError) as caught:
        read(make())
    assert what in caught.value.what


MEASURE = """
import resource, sys
from pathlib import Path
from auditor.containers import ContainerError, read_boxed
for name in sys.argv[1:]:
    try:
        read_boxed("xlsx", Path(name).read_bytes())
    except ContainerError:  # what the worst so far took
        print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def test_what_hurts_takes_little_memory(tmp_path):
    names = ["sparse", "deflate bomb", "shared strings", "styles"]
    for name in names:
        (tmp_path / name).write_bytes(HURTS[name][0]())
    assert (tmp_path / "sparse").stat().st_size < 5000
    command = [sys.executable, "-c", MEASURE, *(tmp_path / name for name in names)]
    taken = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()
    assert len(taken) == len(names)
    assert int(taken[-1]) < 300 << 10, taken  # kilobytes


def test_a_lying_dimension_does_no_harm():
    data = zipped(
        parts()
        | {SHEET: sheet('<row r="1"><c r="A1"><v>1</v></c></row>', '<dimension ref="A1:XFD1048576"/>')}
    )
    assert rows(data) == [[1]]


def test_depth_does_no_harm():
    assert rows(zipped(parts("<row>" * 50_000 + "</row>" * 50_000))) == []


def test_formatted_blank_cells_are_no_giant():
    blank = '<row r="1048576"><c r="XFD1048576" s="1"/></row>'
    assert rows(zipped(parts('<row r="1"><c r="A1"><v>1</v></c></row>' + blank))) == [[1]]


def test_what_lies_in_unread_parts_is_never_opened():
    bomb = zipped({"x": b"0" * (50 << 20)})
    book = read(zipped(parts() | {"xl/embeddings/a.zip": bomb, "xl/media/a.png": b"x"}))
    assert dict(book["other"]) == {"embedded objects": 1, "pictures": 1}


def test_macros_and_links_are_counted():
    files = parts() | {
        "xl/vbaProject.bin": b"x",
        "xl/externalLinks/externalLink1.xml": f'<externalLink xmlns="{MAIN}"><ddeLink ddeService="cmd"/></externalLink>',
        "xl/externalLinks/_rels/externalLink1.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships"/>',
        "xl/comments1.xml": "<comments/>",
        "xl/connections.xml": "<connections/>",
    }
    assert dict(read(zipped(files))["other"]) == {
        "macros": 1,
        "links to other workbooks": 1,
        "comments on cells": 1,
        "connections to data sources": 1,
    }


# --- what is sound ----------------------------------------------------------------------------------------------


def test_values():
    def fill(ws):
        ws.append(
            [
                "007",
                7,
                7.0,
                1.5,
                1e15,
                121.47,
                True,
                False,
                dt.date(2026, 1, 2),
                dt.datetime(2026, 1, 2, 3, 4),  # noqa: DTZ001 -- a workbook knows no zones
            ]
        )
        ws.append(["", None, " a\nb ", "1e5", "NaN"])

    assert rows(saved(fill)) == [
        [
            "007",
            7,
            7,
            1.5,
            10**15,
            121.47,
            True,
            False,
            {"date": "2026-01-02"},
            {"date": "2026-01-02T03:04:00"},
        ],
        [None, None, " a\nb ", "1e5", "NaN", None, None, None, None, None],
    ]
    assert isinstance(rows(saved(fill))[0][2], int)


def test_dates_of_1904():
    def fill(ws):
        ws.parent.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
        ws["A1"] = dt.date(2026, 1, 2)

    assert rows(saved(fill)) == [[{"date": "2026-01-02"}]]


def test_errors_are_told_from_texts():
    text = '<c r="A1" t="inlineStr"><is><t>#REF!</t></is></c><c r="B1" t="e"><v>#REF!</v></c>'
    assert rows(zipped(parts(f'<row r="1">{text}<c r="C1"><v>NaN</v></c></row>'))) == [
        ["#REF!", {"error": "#REF!"}, {"error": "nan"}]
    ]


def test_what_is_not_plain_to_see_is_counted():
    def fill(ws):
        ws["B2"], ws["C2"], ws["D3"], ws["B4"] = "id", 7, "=1+1", "a"
        ws["C2"].number_format = "000"
        ws.row_dimensions[4].hidden = ws.row_dimensions[9].hidden = True
        ws.column_dimensions["C"].hidden = ws.column_dimensions["Z"].hidden = True
        ws.merge_cells("B4:C4")

    [only] = read(saved(fill))["sheets"]
    assert only["first"] == 2
    assert only["rows"][0][:2] == ["id", 7]
    counts = {
        key: only[key] for key in ("hidden", "formulas", "hidden_rows", "hidden_columns", "merged", "padded")
    }
    assert only["lacking"] == [3]  # openpyxl calculates nothing
    assert counts == {
        "hidden": False,
        "formulas": 1,
        "hidden_rows": 1,
        "hidden_columns": 1,
        "merged": 1,
        "padded": [[2, 2]],
    }


def test_hidden_sheets_and_charts():
    book = openpyxl.Workbook()
    book.active["A1"] = 1
    book.create_sheet("secret").sheet_state = "veryHidden"
    book.create_chartsheet("chart")
    buffer = io.BytesIO()
    book.save(buffer)
    found = read(buffer.getvalue())
    assert [(one["name"], one["hidden"]) for one in found["sheets"]] == [("Sheet", False), ("secret", True)]
    assert dict(found["other"])["sheets without cells"] == 1


@MANY
@given(st.data())
def test_no_damage_brings_another_error(data):
    whole = bytearray(zipped(parts(), 0))
    for at, byte in data.draw(
        st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=6)
    ):
        whole[at] = byte
    cut = data.draw(st.integers(0, 40))
    with contextlib.suppress(ContainerError):
        read(bytes(whole[: len(whole) - cut]))


def test_the_child_gives_the_same():
    data = zipped(parts())
    assert read_boxed("xlsx", data) == read(data)
