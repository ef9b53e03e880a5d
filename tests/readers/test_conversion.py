"""Conversion between forms: nothing changes on the way, or what does is listed."""

from __future__ import annotations

import csv
import dataclasses
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import pyarrow as pa
import pytest
import tomli_w

import auditor
from auditor import conversion
from auditor.cells import flat
from auditor.errors import DeclarationError, UsageError
from auditor.readers import all_readers, read_declaration
from auditor.writers import writers

AS_OF = "2026-11-22"
SAMPLES = sorted(path.name for path in auditor.sample("thin").parent.iterdir() if path.is_dir())
WRITERS = {writer.name: writer for writer in writers()}


def target(folder, writer):
    ending = (writer.suffixes or (".json",))[0]
    return folder / ("out" if ending == "/" else f"out{ending}")


@cache
def areas():
    return auditor.read_areas(AS_OF)


def findings(declaration):
    result = auditor.check(declaration, areas=areas(), as_of=AS_OF)
    table = result.to_frame()
    shown = table[["rule", "subject", "verdict", "severity", "grade", "message"]]
    return sorted(map(tuple, shown.to_numpy().tolist()))


@pytest.fixture(scope="module")
def before():
    """Samples as they are read, with what is found in them."""
    read = {name: read_declaration(auditor.sample(name)) for name in SAMPLES}
    return {name: (declaration, findings(declaration)) for name, declaration in read.items()}


def test_every_form_that_is_written_is_read():
    assert set(WRITERS) <= {reader.name for reader in all_readers()}
    for writer in writers():
        [reader] = [reader for reader in all_readers() if reader.name == writer.name]
        assert set(writer.suffixes) <= set(reader.suffixes)


# Each form takes every sixth sample, each sample every sixth form: all of both, not each of one with all others.
PAIRS = [
    (form, name)
    for at, form in enumerate(sorted(WRITERS))
    for number, name in enumerate(SAMPLES)
    if (at + number) % 6 == 0
]


@pytest.mark.parametrize(("form", "name"), PAIRS)
def test_samples_come_back_with_the_same_findings(form, name, before, tmp_path):
    declaration, found = before[name]
    out = target(tmp_path, WRITERS[form])
    done = conversion.convert(auditor.sample(name), out, form=form)
    attached = set() if form == "folder" else set(declaration.documents)
    lost = {(loss.where, loss.what) for loss in done.lost}
    if declaration.filings is not None:  # no form holds what was filed, and that is told
        lost.remove(("network", f"network.filings {declaration.filings_file}"))
        found = findings(replace(declaration, filings=None, filings_file=""))
    assert lost == {("documents", name) for name in attached}
    assert findings(read_declaration(out)) == found


@pytest.mark.parametrize("form", sorted(WRITERS))
def test_writing_is_repeatable(form, tmp_path):
    source = auditor.sample("shanghai_violations")
    first, second = target(tmp_path / "a", WRITERS[form]), target(tmp_path / "b", WRITERS[form])
    for out in (first, second):
        out.parent.mkdir()
        conversion.convert(source, out, form=form)
    files = [path for path in [first, *first.rglob("*")] if path.is_file()]
    assert files
    for path in files:
        assert path.read_bytes() == (second.parent / path.relative_to(first.parent)).read_bytes()


HOSTILE = [
    '=HYPERLINK("x")',
    "+1",
    "-2+3",
    "@SUM(A1)",
    "＝1",
    "'=quoted",
    "''",
    "007",
    "1e5",
    "NaN",
    "true",
    "null",
    "a;b",
    'quote " and , comma',
    "two\nlines",
    "<b>&amp;</b>",
    "]]>",
    "中文 Ünïcode 🛰",
    "-5",
    "0x10",
    "2026-11-22",
    "1.0",
    "trailing\\",
    "#REF!",
    "[a]",
]


@pytest.mark.parametrize("form", sorted(WRITERS))
def test_texts_come_back_as_they_were(form, declare, tmp_path):
    nodes = [
        {"id": f"n-{at}", "kind": "server", "name": text, "odd one": text} for at, text in enumerate(HOSTILE)
    ]
    nodes += [{"id": text, "kind": "router", "owner": text} for text in HOSTILE]
    links = [{"id": text, "source": "n-1", "target": text, "supplier": text} for text in HOSTILE]
    links += [{"source": "n-1"}, {"source": "n-2", "target": "n-3"}, {"source": "n-2", "target": "n-3"}]
    links += [
        {"source": "nobody", "target": "n-4"},
        {"source": "n-5", "target": "n-5", "direction": "forward"},
    ]
    prefixes = [{"prefix": "203.0.113.0/24", "node": "n-1", "source_unit": text} for text in HOSTILE]
    tree = {
        "schema": "auditor.declaration/1",
        "operator": {"name": "=cmd|' /C calc'!A0", "motto": "kept", "domiciles": [{"address": "a\nb"}]},
        "services": [{"code": "B12", "content": []}, {"code": "B14", "domains": HOSTILE[:3]}],
        "contracts": [{"kind": "cdn", "open_node_set": False}, {"kind": "cloud"}],
        "network": {"nodes": nodes, "links": links, "prefixes": prefixes},
    }
    source = declare({"declaration.toml": tomli_w.dumps(tree)})
    for path in ("nodes.csv", "links.csv"):
        (source / path).unlink()
    done = conversion.convert(source, target(tmp_path, WRITERS[form]), form=form)
    assert done.lost == ()
    assert done.declaration.services[0].content == ()
    assert done.declaration.services[1].content is None


def damaged(table, column, value):
    at = table.column_names.index(column)
    kept = flat(table.column(column)).to_pylist()
    return table.set_column(at, column, pa.array([value, *kept[1:]], pa.string()))


def test_losses_are_seen():
    before = read_declaration(auditor.sample("shanghai_violations"))
    gone = dataclasses.replace(before, nodes=before.nodes.slice(1), links=before.links.slice(2))
    assert [(loss.where, loss.what) for loss in conversion.losses(before, gone)] == [
        ("nodes", "1 rows"),
        ("links", "2 rows"),
    ]
    assert [loss.what for loss in conversion.losses(gone, before)] == ["1 rows", "2 rows"]
    changed = dataclasses.replace(
        before,
        nodes=damaged(before.nodes, "name", "other"),
        links=before.links.drop_columns(["owner"]),
        contracts=before.contracts[1:],
        prefixes=None,
        complete=not before.complete,
    )
    lost = {(loss.where, loss.what): loss.why for loss in conversion.losses(before, changed)}
    assert lost["nodes", "column name"] == "differs in 1 rows"
    assert set(lost) == {
        ("contracts", "the record"),
        ("complete", "the value"),
        ("nodes", "column name"),
        ("links", "column owner"),
        ("prefixes", "address blocks"),
    }
    assert conversion.losses(before, before) == []


def test_a_network_of_nobody_is_carried_over_and_waits_for_a_name(declare, tmp_path):
    source = declare()
    done = conversion.convert(source / "nodes.csv", tmp_path / "net.graphml")
    assert (done.named, done.lost) == (False, ())
    assert "auditor" not in (tmp_path / "net.graphml").read_text("utf-8")
    conversion.convert(tmp_path / "net.graphml", tmp_path / "net")
    with pytest.raises(DeclarationError, match="operator, name: is missing"):
        read_declaration(tmp_path / "net")


def test_documents_go_with_a_folder_only(tmp_path):
    source = auditor.sample("shanghai_disagreements")
    done = conversion.convert(source, tmp_path / "copy")
    assert done.lost == ()
    for name in done.declaration.documents:
        assert (tmp_path / "copy" / name).read_bytes() == (source / name).read_bytes()


@pytest.mark.parametrize(
    ("out", "form", "message"),
    [
        ("x.docx", None, "x.docx: write a folder"),
        ("x.json", "docx", "no form is called docx"),
        ("x.json", "table", "table can be read, not written"),
        ("x.json", "graphml", "graphml is written to a file ending in .graphml"),
        (".", None, "is there already"),
    ],
)
def test_what_cannot_be_written_is_refused(out, form, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        conversion.convert(auditor.sample("thin"), tmp_path / out, form=form)


def test_the_operator_file_wins_over_carried_records(declare, tmp_path):
    conversion.convert(auditor.sample("thin"), tmp_path / "thin.graphml")
    declaration = read_declaration(tmp_path / "thin.graphml", operator=declare())
    assert declaration.operator.name == "Example"
    assert any("records of a declaration" in unused.what for unused in declaration.unused)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    shutil.copytree(auditor.sample("thin"), tmp_path / "thin")
    (tmp_path / "thin.json").write_text("old")
    (tmp_path / "thin" / "nodes.csv").write_text("id,kind\na,nonsense\n")
    with pytest.raises(DeclarationError):
        conversion.convert(tmp_path / "thin", tmp_path / "thin.json")
    assert Path(tmp_path / "thin.json").read_text() == "old"


def test_csv_runs_nothing_in_a_spreadsheet(declare, tmp_path):
    rows = [
        {"id": f"n-{at}", "kind": "server", "name": text, "=odd": text} for at, text in enumerate(HOSTILE)
    ]
    tree = {"schema": "auditor.declaration/1", "operator": {"name": "x"}, "network": {"nodes": rows}}
    source = declare({"declaration.toml": tomli_w.dumps(tree)})
    conversion.convert(source, tmp_path / "out")
    with (tmp_path / "out" / "nodes.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.reader(file))
    cells = [cell for row in table for cell in row if cell[:1] and cell[0] in "=+-@\t\r＝＋－＠"]
    assert set(cells) == {"-5", "+1"}  # plain numbers
    again = read_declaration(tmp_path / "out")
    assert again.nodes.column("name").to_pylist() == HOSTILE
    assert again.nodes.column("=odd").to_pylist() == HOSTILE
    assert any("taken off" in note.what for note in again.notes)
