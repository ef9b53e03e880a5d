"""The store: one database for what happened, one folder for the files; every write a logged transaction."""

from __future__ import annotations

import datetime as dt
import os
import re
import sqlite3
import time
import uuid
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event, exc

from auditor.errors import AuditorError, UsageError
from auditor.language import Said, say
from auditor.scans import ledger, tables
from auditor.scans.blobs import Blobs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine.interfaces import DBAPIConnection

Answer = TypeVar("Answer")
Clock = Callable[[], dt.datetime]
HEAD = "0001"  # the newest migration
OWN_LOCK = 0x61756469746F72  # advisory lock of PostgreSQL: "auditor"
LEAST_SQLITE = (3, 35, 0)  # RETURNING
BUSY_MS = 60_000


class StoreError(AuditorError):
    """A store that cannot be reached, read or written: what is wrong, and what to do."""


class RefusedRowsError(StoreError):
    """Rows that the database does not take, now or later: who made them is at fault, not the database."""


@dataclass
class Change:
    """A transaction under way.

    Parameters
    ----------
    connection
        For statements.
    at
        Instant of the change, for the rows that say when.
    facts
        What the log shall tell of it; may be added to.
    """

    connection: sa.Connection
    at: dt.datetime
    facts: dict[str, Any]
    touched: list[ledger.Group] = field(default_factory=list)

    def touch(self, table: str, *key: Any) -> None:
        """Name a group of rows that was written (`tables.GROUPS`): the log takes its digest at the end."""
        self.touched.append((table, key))

    def insert(self, table: sa.Table, **values: Any) -> int:
        """Insert one row with an ``id`` of its own, touch it, and give the id."""
        done = self.connection.execute(sa.insert(table).returning(table.c.id), [values])
        number = int(done.scalar_one())
        self.touch(table.name, number)
        return number


class Store:
    """A store that is open.

    Parameters
    ----------
    url
        As SQLAlchemy writes it: ``sqlite:///scans.db``, ``postgresql+psycopg://…``.
    evidence
        Folder of the files; of a SQLite store it lies beside the database unless it is given.
    clock
        Gives the time, aware.
    patience_s
        How long a database that is gone is waited for.
    """

    def __init__(self, url: str, evidence: Path, clock: Clock, patience_s: float) -> None:
        self.url, self.clock, self.patience_s = url, clock, patience_s
        self.tell: Callable[[Said], None] = _nobody  # hears why it takes long
        self.blobs = Blobs(evidence)
        self.engine = _engine(url)

    @property
    def evidence(self) -> Path:
        """Folder of the files."""
        return self.blobs.folder

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Give a connection that sees one state of the store and writes nothing."""
        try:
            with self.engine.connect() as connection:
                if connection.dialect.name == "postgresql":  # else each statement would see a later state
                    connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                yield connection
        except exc.DBAPIError as error:
            raise StoreError(_refusal(error, self.url)) from error

    def write(self, kind: str, work: Callable[[Change], Answer], **facts: Any) -> Answer:
        """Run a logged transaction, again where the database was gone in between.

        Such transactions are done one after the other, whoever does them. Where the database went away in
        the middle of a commit, the log tells whether it was done: nothing is done twice.

        Parameters
        ----------
        kind
            Name of what happens, for the log.
        work
            Does it; it may be called more than once, each time on what is then in the store. Where it
            touches nothing and adds no facts, nothing is logged.
        facts
            What the log tells of it.

        Raises
        ------
        StoreError
            The database cannot be reached or refuses to write.
        """
        tried: list[tuple[str, Answer]] = []  # hash of the entry, and the answer to `work`

        def attempt(connection: sa.Connection) -> Answer:
            lock(connection)
            for hashed, answer in tried:
                if ledger.holds(connection, hashed):
                    return answer
            change = Change(connection, self.clock(), dict(facts))
            answer = work(change)
            if change.touched or change.facts:
                entry = ledger.append(connection, change.at, kind, change.facts, change.touched)
                tried.append((entry, answer))
            return answer

        return self.transact(attempt)

    def ask(self, work: Callable[[sa.Connection], Answer]) -> Answer:
        """Read, again where the database was gone in between: what a scanner does must outlast that."""
        return self._patiently(work, write=False, patience_s=self.patience_s)

    def transact(self, work: Callable[[sa.Connection], Answer], *, patient: bool = True) -> Answer:
        """Run a transaction that is not logged: leases alone are taken so."""
        return self._patiently(work, write=True, patience_s=self.patience_s if patient else 0)

    def _patiently(
        self, work: Callable[[sa.Connection], Answer], *, write: bool, patience_s: float
    ) -> Answer:
        until = time.monotonic() + patience_s
        pause, told = 0.05, False
        while True:
            try:
                with self.engine.execution_options(write=write).begin() as connection:
                    return work(connection)
            except exc.DBAPIError as error:
                if _is_refused(error):
                    raise RefusedRowsError(_refusal(error, self.url)) from error
                if not _passing(error) or time.monotonic() + pause > until:
                    raise StoreError(_refusal(error, self.url)) from error
                if not told:
                    self.tell(_waiting(error, patience_s))
                    told = True
                time.sleep(pause)
                pause = min(2 * pause, 2.0)

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


# --- opening ----------------------------------------------------------------------------------------------


def now() -> dt.datetime:
    """Time of this machine, in UTC."""
    return dt.datetime.now(dt.UTC)


def open_store(
    url: str,
    *,
    evidence: str | Path | None = None,
    clock: Clock = now,
    patience_s: float = 300.0,
    create: bool = True,
) -> Store:
    """Open a store; its tables are made or brought up to date where that is needed.

    Parameters
    ----------
    url, evidence, clock, patience_s
        As in `Store`.
    create
        Whether a store that is not there is made.

    Raises
    ------
    UsageError
        A URL of no known kind, or no folder for the files.
    StoreError
        The store is not there, cannot be reached, or was made by a newer version.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        file = Path(parsed.database or "")
        folder = Path(evidence) if evidence else file.with_name(f"{file.name}.evidence")
        if not create and not file.is_file():
            raise StoreError(say("{file}: there is no store; `auditor scan start` makes one", file=str(file)))
        if not file.parent.is_dir():
            raise StoreError(say("{folder}: there is no such folder", folder=str(file.parent)))
    elif evidence:
        folder = Path(evidence)
    else:
        raise UsageError(say("a server keeps no files: give their folder, --evidence or AUDITOR_EVIDENCE"))
    store = Store(url, folder, clock, patience_s)
    try:
        _bring_up_to_date(store, create=create)
    except BaseException:
        store.close()
        raise
    return store


def _parsed(url: str) -> sa.URL:
    """Read a URL, or say which there are."""
    kinds = ("sqlite", "postgresql")
    try:
        parsed = sa.make_url(url)
        known = parsed.get_backend_name() in kinds
    except (exc.ArgumentError, exc.NoSuchModuleError, ValueError):  # a port that is no number
        known = False
    if not known or (parsed.get_backend_name() == "sqlite" and parsed.database in {None, "", ":memory:"}):
        raise UsageError(
            say(
                "{url}: is no store; write sqlite:///scans.db or postgresql+psycopg://user@host/name",
                url=_shown(url),
            )
        )
    return parsed


def _engine(url: str) -> sa.Engine:
    """Make an engine: write-ahead log and full synchronisation on SQLite, a live connection on a server."""
    parsed = sa.make_url(url)
    try:
        if parsed.get_backend_name() != "sqlite":
            return sa.create_engine(url, pool_pre_ping=True)
        engine = sa.create_engine(_to_read(parsed) or parsed)
    except (ImportError, exc.NoSuchModuleError) as error:
        raise UsageError(
            say(
                "{url}: its driver is not installed ({error}); pip install 'auditor[postgresql]'",
                url=_shown(url),
                error=str(error),
            )
        ) from None
    if sqlite3.sqlite_version_info < LEAST_SQLITE:
        raise UsageError(say("SQLite {version} is too old; 3.35 is needed", version=sqlite3.sqlite_version))
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _to_read(url: sa.URL) -> sa.URL | None:
    """Give the URL of a file that cannot be written, by its rights or its medium; None of any other.

    A reader of a write-ahead log writes beside it, too, unless he says that nobody writes; where there are
    entries in such a log somebody does, or did, and they are part of the store.
    """
    file = Path(url.database or "").absolute()
    if not file.is_file() or (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)):
        return None
    log = file.with_name(f"{file.name}-wal")
    how = {"mode": "ro"} if log.is_file() and log.stat().st_size else {"immutable": "1"}
    return sa.URL.create("sqlite", database=f"file:{quote(str(file))}", query={**how, "uri": "true"})


def _prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    connection.isolation_level = None  # transactions are begun by us
    cursor = connection.cursor()
    lines = ["synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"]
    if cursor.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        lines.insert(0, "journal_mode=WAL")
    for line in lines:
        cursor.execute(f"PRAGMA {line}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    """Ask for the right to write at once: the wait for it, unlike that for an upgrade, is patient."""
    writes = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def lock(connection: sa.Connection) -> None:
    """Write one after the other; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(OWN_LOCK)))


def _bring_up_to_date(store: Store, *, create: bool) -> None:
    """Make the tables, or bring them to this version; refuse those of a newer one."""
    with store.read() as connection:
        version = _version(connection)
    if version == HEAD:
        return
    if version is None and not create:
        raise StoreError(
            say("{url}: there is no store; `auditor scan start` makes one", url=_shown(store.url))
        )
    if version is not None and version > HEAD:
        raise StoreError(say("the store was made by a newer auditor; install that"))

    def upgrade(connection: sa.Connection) -> None:
        lock(connection)
        if _version(connection) == HEAD:  # another was faster
            return
        from alembic.util import CommandError  # noqa: PLC0415 -- Alembic is needed once

        from auditor.scans.migrations import migrate  # noqa: PLC0415 -- as above

        try:
            migrate(connection)
        except CommandError as error:
            raise StoreError(
                say("the version of the store is spoilt: {reason}", reason=str(error))
            ) from error
        if version is None:
            at = store.clock()
            connection.execute(sa.insert(tables.meta), [{"name": "store", "value": uuid.uuid4().hex}])
            ledger.append(connection, at, "store_made", {}, [("meta", ("store",))])

    store.transact(upgrade)


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return found


# --- faults -----------------------------------------------------------------------------------------------


def _is_refused(error: exc.DBAPIError) -> bool:
    """Whether the rows themselves are at fault: too long, twice, or of signs that the database has not."""
    beyond_limits = str(getattr(error.orig, "sqlstate", "") or "").startswith("54")
    return beyond_limits or isinstance(error, exc.IntegrityError | exc.DataError)


def _passing(error: exc.DBAPIError) -> bool:
    """Whether waiting may help: the server is away, the file is locked, the disk is full for now."""
    if isinstance(error, exc.ProgrammingError):
        return False
    if error.connection_invalidated or isinstance(error, exc.InterfaceError):
        return True
    text = str(error.orig).lower()
    lasting = ("no such table", "readonly database")
    return isinstance(error, exc.OperationalError) and not any(words in text for words in lasting)


def _nobody(_said: Said) -> None:
    """Tell nobody."""


def _waiting(error: exc.DBAPIError, seconds: float) -> Said:
    """Say that the database is waited for."""
    return say(
        "the store does not answer ({reason}); waiting up to {seconds:,.0f} s",
        reason=_words(error),
        seconds=seconds,
    )


def _words(error: exc.DBAPIError) -> str:
    """First line of what the database said."""
    text = str(error.orig).strip()
    return text.splitlines()[0] if text else type(error.orig).__name__


def _refusal(error: exc.DBAPIError, url: str) -> Said:
    """Say what the database said, and what to do."""
    return say(
        "the store {url} cannot be used: {reason}; nothing that was acknowledged is lost: mend it, and go on "
        "with `auditor scan resume`",
        url=_shown(url),
        reason=_words(error),
    )


def _shown(url: str) -> str:
    """Write a URL without who logs in and how, even one that cannot be read.

    Examples
    --------
    >>> _shown("postgresql+psycopg://me:p@ss@db:port/scans?password=also")
    'postgresql+psycopg://***@db:port/scans'
    """
    return re.sub(r"://[^/].*@", "://***@", url.partition("?")[0])
