"""Stores to test on: SQLite, and PostgreSQL where a server is named (tools/postgresql.py starts one)."""

import datetime as dt
import os
import uuid
from unittest import mock

import pytest
import sqlalchemy as sa

from auditor.scans import migrations
from auditor.scans.store import open_store
from tests.scans._notices import blank, post  # noqa: F401 -- fixtures

SERVER = os.environ.get("AUDITOR_TEST_POSTGRESQL", "")
BEGAN = dt.datetime(2026, 11, 22, 1, 0, tzinfo=dt.UTC)


class FakeClock:
    """A clock that goes a second on with each look, and wherever it is put."""

    def __init__(self, at=BEGAN):
        self.at = at

    def __call__(self):
        self.at += dt.timedelta(seconds=1)
        return self.at

    def ahead(self, **delta):
        """Put it forward, or back."""
        self.at += dt.timedelta(**delta)


@pytest.fixture(scope="session", autouse=True)
def _migrated_once():
    """Let Alembic make the tables of a kind of database once; other stores get the statements that it gave."""
    migrate, given = migrations.migrate, {}

    def again(connection):
        kind = connection.dialect.name
        if kind in given:
            for statement, parameters in given[kind]:
                connection.exec_driver_sql(statement, parameters)
            return
        told = []

        def hear(_connection, _cursor, statement, parameters, *_context):
            told.append((statement, parameters or None))

        sa.event.listen(connection, "before_cursor_execute", hear)
        migrate(connection)
        sa.event.remove(connection, "before_cursor_execute", hear)
        given[kind] = [one for one in told if not one[0].lstrip().upper().startswith(("SELECT", "PRAGMA"))]

    with mock.patch.object(migrations, "migrate", again):
        yield


@pytest.fixture
def clock():
    """Give a clock that a test sets."""
    return FakeClock()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request, tmp_path):
    """Give the URL of a store that is not made yet; each test has one of its own."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'scans.db'}"
        return
    if not SERVER:
        pytest.skip("no PostgreSQL: AUDITOR_TEST_POSTGRESQL names none")
    engine, name = sa.create_engine(SERVER), f"t_{uuid.uuid4().hex}"
    with engine.begin() as connection:
        connection.execute(sa.schema.CreateSchema(name))
    yield str(
        sa.make_url(SERVER).update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(False)
    )
    with engine.begin() as connection:
        connection.execute(sa.schema.DropSchema(name, cascade=True))
    engine.dispose()


@pytest.fixture
def store(store_url, tmp_path, clock):
    """Give an open store with the test's clock."""
    with_clock = open_store(store_url, evidence=tmp_path / "evidence", clock=clock, patience_s=5)
    yield with_clock
    with_clock.close()


@pytest.fixture
def losing(store, monkeypatch):
    """Give a function after which the answer to the next commit is lost, once it is done."""

    def lose(*, done=True):
        dialect = store.engine.dialect
        commit = type(dialect).do_commit

        def do_commit(connection):
            monkeypatch.undo()
            if done:
                commit(dialect, connection)
            else:
                dialect.do_rollback(connection)
            raise dialect.loaded_dbapi.OperationalError("server closed the connection unexpectedly")

        monkeypatch.setattr(dialect, "do_commit", do_commit)

    return lose
