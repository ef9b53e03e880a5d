"""The store: what is written is logged, and whatever was done past the log is named."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from auditor.scans import ledger, tables
from auditor.scans.store import StoreError, open_store


def add(store, key="one"):
    return store.write(
        "operator_added", lambda c: c.insert(tables.operator, key=key, path=f"/{key}", added_at=c.at)
    )


def faults(store):
    with store.read() as connection:
        return [str(fault) for fault in ledger.verify(connection)[0]]


def test_migrations_make_the_tables_that_the_code_knows(store):
    with store.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, tables.metadata) == []


def test_every_table_is_hashed():
    assert tables.GROUPS.keys() | {"log"} == tables.metadata.tables.keys()


def test_what_is_written_verifies_and_opens_again(store, store_url, tmp_path):
    add(store)
    assert faults(store) == []
    again = open_store(store_url, evidence=tmp_path / "evidence", create=False)
    with again.read() as connection:
        assert connection.execute(sa.select(tables.operator.c.key)).scalars().all() == ["one"]
    again.close()


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE operator SET path = '/other' WHERE id = 1", "operator: rows of id 1 were changed"),
        ("DELETE FROM operator WHERE id = 1", "operator: rows of id 1 are missing"),
        ("INSERT INTO meta VALUES ('x', 'y')", "meta: rows of name x were added past the log"),
        ("UPDATE log SET facts = '{}' WHERE seq = 2", "log: entry 2 was changed"),
        ("DELETE FROM log WHERE seq = 2", "log: entry 2 is missing"),
        ("UPDATE log SET at = '2020-01-01T00:00:00.000000Z' WHERE seq = 3", "log: entry 3 was changed"),
    ],
)
def test_what_is_done_past_the_log_is_named(store, statement, named):
    add(store)
    add(store, "two")
    with store.engine.begin() as connection:
        connection.execute(sa.text(statement))
    assert named in faults(store)


def test_a_clock_set_back_is_told_and_loses_nothing(store, clock):
    add(store)
    clock.ahead(days=-3)
    add(store, "two")
    assert faults(store) == []
    with store.read() as connection:
        told = connection.execute(sa.select(tables.log.c.facts).order_by(tables.log.c.seq)).scalars().all()
    assert ["clock_set_back_from" in facts for facts in told] == [False, False, True]


def test_a_store_that_is_not_there_is_not_made_unasked(store_url, tmp_path):
    with pytest.raises(StoreError, match="there is no store"):
        open_store(store_url, evidence=tmp_path / "evidence", create=False)
