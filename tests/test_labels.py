"""Chinese names: complete, and none of them stands for two things."""

from __future__ import annotations

from collections import defaultdict

import jsonschema
import numpy as np
import pyarrow as pa
import pytest

from auditor import datum, sheets, tables
from auditor.model import read_document
from auditor.problems import Origin
from auditor.records import Approval, Contract, Domicile, Operator
from auditor.registers import labels
from auditor.registers._files import folded, parts, read_rows
from auditor.schemas import declaration_schema
from auditor.tables import Frame, Log

COLUMNS = [(table, column) for table, columns in sheets.SHEETS.items() for column in columns]
CHOICES = sorted({(c.name, word) for _, c in COLUMNS for word in c.choices})
NAMES = ("\u4e00", "\u9fff")


def is_chinese(text):
    return any(NAMES[0] <= c <= NAMES[1] for c in text)


def test_every_column_has_a_chinese_name_and_is_explained():
    for table, column in COLUMNS:
        label = labels.label(table, column.name)
        assert label is not None, (table, column.name)
        assert is_chinese(label.zh) and is_chinese(label.about_zh), (table, column.name)
        assert column.about or label.about_en, (table, column.name)
        assert labels.column(table, label.zh) == column.name


def test_nothing_is_named_that_is_not_there():
    known = {(table, column.name) for table, column in COLUMNS} | {
        ("sheet", table) for table in sheets.SHEETS
    }
    assert {(row["table"], row["column"]) for row in read_rows("labels.csv")} == known


def test_every_sheet_has_a_chinese_name():
    for table in sheets.SHEETS:
        label = labels.label("sheet", table)
        assert is_chinese(label.zh)
        assert sheets.table_of(label.zh) == sheets.table_of(sheets.title(table)) == table


def test_no_name_stands_for_two_columns_of_a_table():
    meant = defaultdict(set)
    for row in read_rows("labels.csv"):
        for name in (row["zh"], row["column"], *parts(row["also"])):
            meant[row["table"], folded(name)].add(row["column"])
    assert {key: columns for key, columns in meant.items() if len(columns) > 1} == {}


@pytest.mark.parametrize(("column", "word"), CHOICES)
def test_every_word_of_a_closed_list_has_chinese(column, word):
    chinese = labels.chinese(column, word)
    assert is_chinese(chinese)
    assert labels.words(column)[chinese] == word


def test_no_word_stands_for_two_things_in_a_column():
    meant = defaultdict(set)
    own = defaultdict(set)
    for column, word in CHOICES:
        own[column].add(folded(word))
    for row in read_rows("words.csv"):
        for name in (row["zh"], *parts(row["also"])):
            meant[row["column"], folded(name)].add(row["word"])
            assert folded(name) not in own[row["column"]], f"{name} is a word of the list itself"
    assert {key: words for key, words in meant.items() if len(words) > 1} == {}


def test_no_chinese_stands_for_a_word_that_is_not_there():
    known = set(CHOICES) | {(c, w) for c in ("owner", "operated_by") for w in ("operator", "customer")}
    assert {(row["column"], row["word"]) for row in read_rows("words.csv")} == known


def test_datums_are_called_as_elsewhere():
    words = labels.words("datum")
    for name, aliases in datum._ALIASES.items():
        for alias in filter(is_chinese, aliases.split()):
            assert words[alias] == name


def read_cells(columns, **cells):
    log = Log()
    table = pa.table({name: pa.array([value]) for name, value in cells.items()})
    frame = tables.read_columns(Frame(table, Origin.of("x", np.arange(1))), columns, log)
    return frame.table.to_pylist()[0], [problem.what for problem in log.problems.found]


def test_tables_take_chinese_words():
    row, problems = read_cells(
        tables.NODES, kind="光线路终端", owner="本企业", operated_by="客户", holding="租赁", status="在用"
    )
    assert problems == []
    said = {
        "kind": "olt",
        "owner": "operator",
        "operated_by": "customer",
        "holding": "lease",
        "status": "active",
    }
    assert {name: row[name] for name in said} == said
    assert read_cells(tables.LINKS, kind="光缆", direction="双向")[0]["kind"] == "fibre"


def test_a_word_of_another_table_is_refused():
    assert read_cells(tables.NODES, id="a", kind="光缆")[1] != []


def test_records_take_chinese_words_of_their_own_lists():
    assert Approval(kind="试点批复", status="有效").kind == "pilot_reply"
    assert Contract(kind="主机托管", purpose="试点业务", form="设施", grade="合同").kind == "colocation"
    assert Operator(name="x", nature="外资").nature == "foreign_invested"
    assert Domicile(datum="百度坐标系").datum == "BD-09"
    for wrong in ("在用", "主机托管"):
        with pytest.raises(ValueError, match="valid"):
            Approval(kind="licence", status=wrong)


def test_records_are_judged_as_columns_say():
    """The sheets' columns follow the models: each closed list is the model's own."""
    for table, model in (("operator", Operator), ("approvals", Approval), ("contracts", Contract)):
        for column in sheets.SHEETS[table]:
            annotation = str(model.model_fields[column.name].annotation)
            assert (column.type == "choice") == ("Literal" in annotation)
            assert (column.type == "list") == ("tuple" in annotation)
            assert column.required == model.model_fields[column.name].is_required()


def test_the_published_schema_allows_what_is_read():
    tree = {
        "schema": "auditor.declaration/1",
        "operator": {"name": "示例", "nature": "外商投资企业", "domiciles": [{"grade": "自行申报"}]},
        "approvals": [{"kind": "许可证", "status": "吊销"}],
        "network": {
            "nodes": [{"id": "a", "kind": "数据中心", "status": "在用", "datum": "火星坐标系"}],
            "links": [{"source": "a", "kind": "专线", "direction": "单向"}],
        },
    }
    validator = jsonschema.Draft202012Validator(declaration_schema())
    validator.validate(tree)
    log = Log()
    assert read_document(tree, "x", log).approvals[0].status == "revoked"
    assert log.problems.found == []
    tree["network"]["nodes"][0]["kind"] = "光缆"
    assert not validator.is_valid(tree)
    tree["network"]["nodes"][0]["kind"] = "数据中心"
    tree["approvals"][0]["status"] = "在用"
    assert not validator.is_valid(tree)
