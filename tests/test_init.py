from __future__ import annotations

import datetime as dt

import pytest
from click.testing import CliRunner

from auditor import check
from auditor.cli.init import command, workbook
from auditor.errors import UsageError
from auditor.readers import read_declaration


def run(*args):
    return CliRunner().invoke(command, [str(arg) for arg in args])


def test_the_template_reads_without_anything_left_over(tmp_path):
    target = tmp_path / "deep" / "new"
    result = run(target)
    assert (result.exit_code, result.stdout) == (0, "")
    declaration = read_declaration(target)
    assert (declaration.unused, declaration.notes) == ((), ())
    assert declaration.nodes.num_rows == 5
    assert len(declaration.undeclared) == 0
    assert not declaration.complete, "nobody has said yet that nothing is left out"
    assert not declaration.approvals_complete
    assert {approval.kind for approval in declaration.approvals} == {"pilot_reply"}


def test_every_word_is_in_both_languages(tmp_path):
    run(tmp_path)
    text = (tmp_path / "declaration.toml").read_text("utf-8")
    assert "申报材料" in text
    assert "Declaration of one operator" in text


@pytest.mark.parametrize("name", ["declaration.toml", "nodes.csv", "links.csv"])
def test_nothing_is_overwritten(tmp_path, name):
    (tmp_path / name).write_text("mine")
    result = run(tmp_path)
    assert isinstance(result.exception, UsageError)
    assert f"already holds {name}" in str(result.exception)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "x").write_text("mine")
    assert "is a file" in str(run(tmp_path / "x").exception)
    assert "cannot be written" in str(run(tmp_path / "x" / "y").exception)


def findings(path):
    result = check(read_declaration(path), as_of=dt.date(2026, 11, 22))
    return result.verdict, result.to_frame().to_dict("records")


def test_the_workbook_holds_what_the_folder_holds(tmp_path):
    run(tmp_path / "folder")
    result = run(tmp_path / "deep" / "new.XLSX")
    assert (result.exit_code, result.stdout) == (0, "")
    folder, book = read_declaration(tmp_path / "folder"), read_declaration(tmp_path / "deep" / "new.XLSX")
    for name in (
        "operator",
        "declared_on",
        "approvals_complete",
        "approvals",
        "services",
        "contracts",
        "complete",
    ):
        assert getattr(book, name) == getattr(folder, name)
    assert book.services[0].content == ()
    assert book.nodes.to_pylist() == folder.nodes.to_pylist()
    assert book.links.to_pylist() == folder.links.to_pylist()
    assert (book.prefixes, folder.prefixes, book.notes) == (None, None, ())
    assert [unused.why for unused in book.unused] == ["explains how to fill the workbook in"] * 2
    assert findings(tmp_path / "folder") == findings(tmp_path / "deep" / "new.XLSX")


def test_the_workbook_is_the_same_every_time():
    assert workbook() == workbook()


def test_no_workbook_is_overwritten(tmp_path):
    target = tmp_path / "new.xlsx"
    target.write_text("mine")
    assert "is there already" in str(run(target).exception)
    assert target.read_text() == "mine"
    assert "cannot be written" in str(run(target / "x.xlsx").exception)
