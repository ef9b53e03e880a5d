"""Reports of one operator in a run, from what the store keeps."""

import datetime as dt
import json

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from auditor import check, read_declaration
from auditor.cli import cli
from auditor.errors import UsageError
from auditor.scans import boxes, items, reporting, runs, scanner, tables
from auditor.scans.store import open_store
from tests.scans.operators import write_operators

DAY = dt.date(2026, 11, 22)


@pytest.fixture
def scanned(tmp_path):
    """Give an open store in which two operators were judged, then one of them changed."""
    write_operators(tmp_path / "declared", 2, outside=[1])
    store = open_store(f"sqlite:///{tmp_path / 'scans.db'}")
    for _ in range(2):
        run = runs.begin(store, [tmp_path / "declared"], runs.Options(as_of=DAY))
        scanner.scan(store, run, boxes.Inline(), items.Limits())
        nodes = tmp_path / "declared" / "op-1" / "nodes.csv"
        nodes.write_text(nodes.read_text().replace("330106", "310115"))
    yield store
    store.close()


def told(store, *arguments):
    url = str(store.engine.url)
    return CliRunner().invoke(cli, ["scan", "report", *arguments, "--store", url], standalone_mode=False)


def test_a_report_says_what_was_judged_then(scanned, tmp_path):
    folder, file = tmp_path / "copy", tmp_path / "r.json"
    done = told(scanned, "op-1", "--run", "1", "--declaration", str(folder), "-o", f"json={file}")
    assert done.return_value == 1, done.output
    assert json.loads(file.read_text())["verdict"] == "fail"
    assert check(read_declaration(folder), as_of=DAY).verdict == "fail"
    assert told(scanned, "op-1").return_value == 0  # the last run


def test_a_result_that_its_files_do_not_give_is_told(scanned):
    item = tables.item
    with scanned.engine.begin() as connection:
        other = sa.select(item.c.result).where(item.c.run_id == 2, item.c.operator_id == 1).scalar_subquery()
        connection.execute(
            sa.update(item).where(item.c.run_id == 1, item.c.operator_id == 2).values(result=other)
        )
    done = told(scanned, "op-1", "--run", "1", "--lang", "zh")
    assert done.return_value == 4
    assert "所存的 op-1 的结果" in done.output


def test_what_is_not_there_is_said(scanned, tmp_path):
    with pytest.raises(UsageError, match="no run has judged op-7"):
        reporting.kept(scanned, "op-7")
    with pytest.raises(UsageError, match="run 9 has not judged op-1"):
        reporting.kept(scanned, "op-1", 9)
    with pytest.raises(UsageError, match="is there already"):
        reporting.unpack(scanned.blobs, reporting.kept(scanned, "op-1"), tmp_path)
