"""What tests of notices share: a channel that keeps what arrives, a store to copy, names that mean harm."""

import datetime as dt
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa

from auditor.scans import ledger, notice_recipients, notices, tables
from auditor.scans.channels import Channel, ChannelError, Office
from auditor.scans.store import open_store
from auditor.settings import read_settings
from tests.scans._build import add_operator, changed

HOSTILE = "../evil\r\nBcc: all@b.cn\n\u202e<script>alert(1)</script>[x](javascript:y)\0"


RULE = "PILOT-FAC-01"


class Crash(BaseException):
    """The process dies here: nothing catches it."""


class Post:
    """A channel that keeps what arrives, by key, as a receiver does that knows each notice by its key."""

    def __init__(self):
        self.arrived = {}  # by address, in order: {key: bytes}
        self.deliveries = 0
        self.before = self.after = lambda: None  # what happens before, and after, something arrives

    def send(self, _office, letter, address):
        self.before()
        self.deliveries += 1
        box = self.arrived.setdefault(address, {})
        assert box.setdefault(letter.key, letter.data) == letter.data  # again, but the same bytes
        self.after()

    def texts(self, address):
        return [orjson.loads(data) for data in self.arrived.get(address, {}).values()]


@pytest.fixture
def post(monkeypatch):
    """Put one channel of our own in the place of all."""
    own = Post()
    only = Channel("file", str, lambda _: None, own.send)
    monkeypatch.setattr(notices, "channel", lambda _: only)
    monkeypatch.setattr(notice_recipients, "channel", lambda _: only)
    return own


def office(store, **values):
    return Office(read_settings(values), {}, store.clock)


def send(store, run=None, **values):
    return [o.state for o in notices.send(store, office(store, **values), run)]


def faults(store):
    with store.read() as connection:
        return [str(fault) for fault in ledger.verify(connection)[0]]


def rows_of(store, table):
    with store.read() as connection:
        return connection.execute(sa.select(table)).all()


def found(rule=RULE, subject="node:s-1", word="new", before=None, after="fail", **more):
    return changed(rule, subject, word, before, after, **more)


def waive(store, operator, subject, days):
    def work(change):
        return change.insert(
            tables.decision,
            kind="waiver",
            operator_id=operator,
            rule=RULE,
            subject=subject,
            reason="being moved",
            approver="Wang",
            granted_at=change.at,
            from_at=change.at,
            until_at=change.at + dt.timedelta(days=days),
            zone="Asia/Shanghai",
        )

    return store.write("waiver_recorded", work)


@pytest.fixture(scope="module")
def blank(tmp_path_factory):
    """Give a SQLite store with one operator, to be copied."""
    from tests.scans.conftest import FakeClock

    folder = tmp_path_factory.mktemp("blank")
    store = open_store(f"sqlite:///{folder / 'scans.db'}", clock=FakeClock())
    add_operator(store, "one")
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return folder / "scans.db"


@contextmanager
def copy_of(blank):
    """Give a fresh copy of the blank store."""
    from tests.scans.conftest import FakeClock

    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(blank, Path(folder) / "scans.db")
        store = open_store(f"sqlite:///{folder}/scans.db", clock=FakeClock())
        try:
            yield store
        finally:
            store.close()


def refuse():
    raise ChannelError("not now")


def crash():
    raise Crash
