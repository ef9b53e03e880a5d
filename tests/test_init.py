from __future__ import annotations

import pytest
from click.testing import CliRunner

from auditor.cli.init import command
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


def test_workbooks_are_not_built_yet(tmp_path):
    assert "not built yet" in str(run(tmp_path / "new.xlsx").exception)
    assert not list(tmp_path.iterdir())
