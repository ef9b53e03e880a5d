"""Whatever is changed in a store, a row, a file or a root, `auditor verify` names it."""

import sqlite3
import subprocess
import sys

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.scans import boxes, checking, intake, items, proof, runs, scanner, tables
from auditor.scans.store import open_store
from tests.scans.operators import write_operators

OTHER = {"text": "other", "number": 77}


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    """Give a store with two runs, and what it holds."""
    folder = tmp_path_factory.mktemp("scanned")
    write_operators(folder / "declared", 4)
    store = open_store(f"sqlite:///{folder / 'scans.db'}", evidence=folder / "evidence")
    for _ in range(2):
        run = runs.begin(store, [folder / "declared"], runs.Options(min_grade="E3"))
        scanner.scan(store, run, boxes.Inline(), items.Limits())
        nodes = folder / "declared" / "op-1" / "nodes.csv"
        nodes.write_text(nodes.read_text() + "n-9,cdn_edge,operator,330106\n")
    yield store
    store.close()


def verify(store):
    key = proof.public_key(store.evidence / proof.PUBLIC)
    return [str(fault) for fault in checking.check_store(store, key).faults]


def test_an_untouched_store_verifies(scanned):
    assert verify(scanned) == []


def _cells():
    for name, table in tables.metadata.tables.items():
        for column in table.columns:
            yield name, column.name


def spoilt(scanned, folder, table, statement):
    """Verify a copy of the store on which a statement was run; skip where the table has no row."""
    copy = folder / "copy.db"
    with sqlite3.connect(scanned.engine.url.database) as source, sqlite3.connect(copy) as target:
        source.backup(target)
        if target.execute(f'SELECT * FROM "{table}"').fetchone() is None:
            pytest.skip("no row of that table in this store")
        target.execute("PRAGMA foreign_keys=OFF")
        assert target.execute(statement).rowcount == 1
    source.close()
    target.close()
    store = open_store(f"sqlite:///{copy}", evidence=scanned.evidence, create=False)
    try:
        return verify(store)
    finally:
        store.close()


@pytest.mark.parametrize(("table", "column"), sorted(_cells()))
def test_every_cell_is_held_against_the_log(scanned, tmp_path, table, column):
    only = tables.metadata.tables[table].primary_key.columns.keys() == [column]
    number = only and isinstance(tables.metadata.tables[table].c[column].type, sa.Integer)
    value = "7777" if number else "'spoilt'"  # a key of SQLite that is a number stays one
    last = f'(SELECT max(rowid) FROM "{table}")'
    found = spoilt(
        scanned, tmp_path, table, f'UPDATE "{table}" SET "{column}" = {value} WHERE rowid = {last}'
    )
    assert any(table in fault for fault in found), found


@pytest.mark.parametrize("table", sorted(tables.metadata.tables))
def test_a_row_taken_out_is_missed(scanned, tmp_path, table):
    first = f'(SELECT min(rowid) FROM "{table}")'
    found = spoilt(scanned, tmp_path, table, f'DELETE FROM "{table}" WHERE rowid = {first}')
    assert any(table in fault for fault in found), found


@given(data=st.data())
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_byte_of_any_file_is_missed(scanned, data):
    files = sorted(path for path in (scanned.evidence / "sha256").rglob("*") if path.is_file())
    file = data.draw(st.sampled_from(files))
    held = file.read_bytes()
    place = data.draw(st.integers(0, max(len(held) - 1, 0)))
    file.chmod(0o644)
    try:
        file.write_bytes(held[:place] + bytes([held[place] ^ 1 if held else 1]) + held[place + 1 :])
        assert any(file.name in fault for fault in verify(scanned))
        file.unlink()
        assert any(file.name in fault and "missing" in fault for fault in verify(scanned))
    finally:
        file.write_bytes(held)


def test_a_file_that_was_put_there_is_named(scanned):
    stray = scanned.evidence / "sha256" / "stray"
    stray.write_text("x")
    try:
        assert any("stray" in fault for fault in verify(scanned))
    finally:
        stray.unlink()


def test_a_root_made_anew_with_another_key_is_named(scanned, tmp_path):
    other = proof.signing_key(tmp_path)
    with scanned.read() as connection:
        envelope = connection.execute(sa.select(tables.root.c.envelope)).scalars().first()
    said = proof.opened(envelope, proof.public_key(scanned.evidence / proof.PUBLIC))
    forged = proof.sign(other, said)
    assert proof.opened(forged, proof.public_key(scanned.evidence / proof.PUBLIC)) is None
    assert proof.opened(forged, other.public_key()) == said
    key = proof.public_key(tmp_path / proof.PUBLIC)
    assert any(
        "not signed with this key" in str(fault) for fault in checking.check_store(scanned, key).faults
    )


def test_a_root_noted_elsewhere_shows_a_store_made_anew(scanned):
    key = proof.public_key(scanned.evidence / proof.PUBLIC)
    found = checking.check_store(scanned, key, {1: "0" * 64, 9: "1" * 64}).faults
    assert sum("not the one noted" in str(fault) for fault in found) == 2


def test_the_command_says_so(scanned):
    command = [sys.executable, "-m", "auditor", "verify", "--store", str(scanned.engine.url)]
    done = subprocess.run([*command, "--evidence", str(scanned.evidence)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "faults: 0" in done.stdout


def test_operators_are_called_after_their_paths(store, tmp_path):
    for folder in ("a/x", "b/x", "c"):
        write_operators(tmp_path / folder, 1)
    intake.register(store, [tmp_path / "a/x", tmp_path / "b/x", tmp_path / "c"])
    with store.read() as connection:
        assert [source.key for source in intake.chosen(connection)] == ["c/op-0", "op-0", "x/op-0"]
