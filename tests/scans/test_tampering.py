"""Whatever is changed in a store, a row, a file or a root, `auditor verify` names it."""

import datetime as dt
import sqlite3
import subprocess
import sys

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.scans import boxes, checking, intake, items, ledger, proof, runs, scanner, tables
from auditor.scans.blobs import Blobs
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
    fill(store)
    yield store
    store.close()


def fill(store):
    """Put a row into every table that a run leaves empty."""
    blob, day = store.blobs.put(b"x"), dt.date(2026, 1, 1)

    def work(change):
        def add(table, **values):
            change.connection.execute(sa.insert(tables.metadata.tables[table]), [values])
            change.touch(table, *(values[name] for name in tables.GROUPS[table]))

        at, to = change.at, {"channel": "file", "address": "a"}
        number = change.insert(tables.schedule, cron="0 3 * * 1", zone="UTC", options="{}", added_at=at)
        add("slot", schedule_id=number, due_at=at, state="missed", recorded_at=at)
        ends = {"granted_at": at, "from_at": at, "until_at": at, "zone": "UTC", "evidence": blob}
        said = {"kind": "waiver", "rule": "R", "subject": "s", "reason": "r", "approver": "a"}
        number = change.insert(tables.decision, operator_id=1, **said, **ends)
        add("revocation", decision_id=number, at=at, by="a", reason="r")
        change.insert(tables.recipient, **to, added_at=at)
        sent = {"key": "k", "content": blob, "state": "sent", "attempts": 1, "drafted_at": at, "due_on": day}
        change.insert(tables.notice, operator_id=1, run_id=1, runs="[1]", **to, **sent)
        drew = {"kind": "operator", "seed": "s", "record": blob, "as_of": day, "due_on": day, "drawn_at": at}
        number = change.insert(tables.draw, **drew)
        add("drawn", draw_id=number, number=1, operator="a", subject="s", stratum="t", inspectors="[]")

    store.write("filled", work)


def verify(store):
    key = proof.public_key(store.evidence / proof.PUBLIC)
    return [str(fault) for fault in checking.check_store(store, key).faults]


def test_an_untouched_store_verifies(scanned):
    assert verify(scanned) == []


def _cells():
    for name, table in tables.metadata.tables.items():
        for column in table.columns:
            yield name, column.name


@pytest.fixture(scope="module")
def copied(scanned, tmp_path_factory):
    """Give a copy of the store that stays open: SQLAlchemy writes each statement once, not once a copy."""
    file = tmp_path_factory.mktemp("copied") / "copy.db"
    renew(scanned, file)
    store = open_store(f"sqlite:///{file}", evidence=scanned.evidence, create=False)
    yield store
    store.close()


def renew(scanned, file, statement=None, rows=1):
    """Make a file the store as it was, and run a statement on it."""
    with sqlite3.connect(scanned.engine.url.database) as source, sqlite3.connect(file) as target:
        source.backup(target)
        if statement is not None:
            target.execute("PRAGMA foreign_keys=OFF")
            assert target.execute(statement).rowcount == rows
    source.close()
    target.close()


def spoilt(scanned, copied, statement, rows=1):
    """Verify a copy of the store on which a statement was run."""
    renew(scanned, copied.engine.url.database, statement, rows)
    return verify(copied)


def test_a_copy_made_anew_verifies(scanned, copied):
    assert spoilt(scanned, copied, "UPDATE item SET name = 'spoilt' WHERE rowid = 1") != []
    renew(scanned, copied.engine.url.database)
    assert verify(copied) == []


@pytest.mark.parametrize(("table", "column"), sorted(_cells()))
def test_every_cell_is_held_against_the_log(scanned, copied, table, column):
    only = tables.metadata.tables[table].primary_key.columns.keys() == [column]
    number = only and isinstance(tables.metadata.tables[table].c[column].type, sa.Integer)
    value = "7777" if number else "'spoilt'"  # a key of SQLite that is a number stays one
    last = f'(SELECT max(rowid) FROM "{table}")'
    found = spoilt(scanned, copied, f'UPDATE "{table}" SET "{column}" = {value} WHERE rowid = {last}')
    assert any(table in fault for fault in found), found


@pytest.mark.parametrize("value", ["NULL", "x'ff00'", "CAST(x'ff' AS TEXT)", '\'{"rows":[["x",[1],""]]}\''])
@pytest.mark.parametrize(
    "cell", ["log.facts", "log.at", "item.result", "root.envelope", "operator.key", "run.terms"]
)
def test_cells_of_another_kind_are_named_too(scanned, copied, cell, value):
    table, column = cell.split(".")
    statement = f'UPDATE OR IGNORE "{table}" SET "{column}" = {value} WHERE rowid = 1'
    if value == "NULL" and column != "result":
        return  # the database takes none there
    assert any(table in fault for fault in spoilt(scanned, copied, statement))


def forged(scanned, folder, table, key, statement):
    """Verify a copy of which a row was changed, and the log gone on with as the tool would."""
    copy = folder / "copy.db"
    with sqlite3.connect(scanned.engine.url.database) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    store = open_store(f"sqlite:///{copy}", evidence=scanned.evidence, create=False)

    def work(change):
        assert change.connection.execute(sa.text(statement)).rowcount
        change.touch(table, *key)

    store.write("forged", work)
    try:
        return verify(store)
    finally:
        store.close()


@pytest.mark.parametrize(
    ("table", "key", "statement"),
    [
        (
            "evaluation",
            (1, 1),
            "UPDATE evaluation SET fail = 0, pass = 77 WHERE run_id = 1 AND operator_id = 1",
        ),
        ("item", (1, 1), "UPDATE item SET name = 'x' WHERE run_id = 1 AND operator_id = 1"),
        ("change", (2, 2), "DELETE FROM change WHERE run_id = 2 AND operator_id = 2"),
        ("run", (1,), "UPDATE run SET as_of = '2020-01-01' WHERE id = 1"),
        ("declaration", (1,), "UPDATE declaration SET files = '[]' WHERE id = 1"),
        ("decision", (1,), "UPDATE decision SET until_at = '2099-01-01T00:00:00.000000Z' WHERE id = 1"),
    ],
)
def test_a_log_that_was_gone_on_with_hides_no_change(scanned, tmp_path, table, key, statement):
    assert any(
        "written once" in fault and table in fault
        for fault in forged(scanned, tmp_path, table, key, statement)
    )


def test_triggers_and_columns_are_named(scanned, copied):
    program = "CREATE TRIGGER sly AFTER UPDATE ON item BEGIN DELETE FROM change; END"
    assert "item: sly was added" in spoilt(scanned, copied, program, rows=-1)
    assert "run: more was added" in spoilt(scanned, copied, "ALTER TABLE run ADD COLUMN more", rows=-1)
    version = "INSERT INTO alembic_version VALUES ('x')"
    assert any("alembic_version" in fault for fault in spoilt(scanned, copied, version))
    assert spoilt(scanned, copied, "DROP TABLE notice", rows=-1) == ["notice: the table is missing"]


def test_an_entry_noted_elsewhere_shows_a_log_that_was_cut_off(scanned):
    with scanned.read() as connection:
        seq, hashed, _ = ledger.head(connection)
    key = proof.public_key(scanned.evidence / proof.PUBLIC)
    assert checking.check_store(scanned, key, entries={seq: hashed.upper()}).faults == ()
    found = checking.check_store(scanned, key, entries={seq: "0" * 64, seq + 1: hashed}).faults
    assert sum("not the one noted" in str(fault) for fault in found) == 2


def test_a_public_key_that_got_lost_is_written_again(tmp_path):
    key = proof.signing_key(tmp_path)
    (tmp_path / proof.PUBLIC).unlink()  # as where the first scanner was killed in between
    assert proof.public_pem(proof.signing_key(tmp_path)) == (tmp_path / proof.PUBLIC).read_bytes()
    assert proof.public_pem(key) == (tmp_path / proof.PUBLIC).read_bytes()


def test_a_file_that_is_broken_is_kept_anew(tmp_path):
    blobs, source = Blobs(tmp_path / "kept"), tmp_path / "source"
    source.write_bytes(b"whole")
    digest, _ = blobs.put_file(source)
    for spoil in (lambda place: place.write_bytes(b"other"), lambda place: place.symlink_to(source)):
        blobs.path(digest).unlink()
        spoil(blobs.path(digest))
        assert list(blobs.verify([digest]))
        assert blobs.put_file(source) == (digest, 5)
        assert list(blobs.verify([digest])) == []


@pytest.mark.parametrize("table", sorted(tables.metadata.tables))
def test_a_row_taken_out_is_missed(scanned, copied, table):
    first = f'(SELECT min(rowid) FROM "{table}")'
    found = spoilt(scanned, copied, f'DELETE FROM "{table}" WHERE rowid = {first}')
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
