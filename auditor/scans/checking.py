"""Verifying a store, offline: its log, its rows, its signed roots, its files.

It proves integrity and order, not truth: that nothing was changed, removed or added since it was written, to
somebody who trusts the public key that he was given, or holds a root that was printed elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from auditor.language import say
from auditor.scans import ledger, proof, runs, tables
from auditor.scans import terms as terms_
from auditor.scans.blobs import BrokenBlobError
from auditor.scans.intake import files_of
from auditor.scans.store import HEAD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from auditor.language import Said
    from auditor.scans.store import Store


PROGRAMS = {  # what a database does by itself when a table is written or read: name, table
    "sqlite": "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger' ORDER BY 1",
    "postgresql": """
        SELECT tgname, relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE NOT tgisinternal AND pg_table_is_visible(pg_class.oid)
        UNION ALL SELECT rulename, relname FROM pg_rewrite JOIN pg_class ON pg_class.oid = ev_class
        WHERE rulename <> '_RETURN' AND pg_table_is_visible(pg_class.oid)
        UNION ALL SELECT polname, relname FROM pg_policy JOIN pg_class ON pg_class.oid = polrelid
        WHERE pg_table_is_visible(pg_class.oid)
        ORDER BY 1""",
}


@dataclass(frozen=True)
class Checked:
    """What verifying a store came to.

    Parameters
    ----------
    faults
        Everything that is wrong, in words; empty where all is as it was.
    rows, roots, files
        How many are as they were written.
    head
        Number and hash of the last entry of the log.
    """

    faults: tuple[Said, ...]
    rows: int
    roots: int
    files: int
    head: tuple[int, str]


def check_store(
    store: Store,
    key: Ed25519PublicKey | None,
    known: Mapping[int, str] | None = None,
    entries: Mapping[int, str] | None = None,
) -> Checked:
    """Verify a store.

    Parameters
    ----------
    key
        Public key that signed its runs, as the verifier has it; None where there is none.
    known
        Roots of runs that were noted elsewhere, or printed in a report.
    entries
        Entries of the log that were noted elsewhere: number and hash.
    """
    with store.read() as connection, ledger.lenient(connection):
        lacking = list(_lacking(connection))
        if lacking:
            return Checked(tuple(lacking), 0, 0, 0, (0, ledger.FIRST))
        faults, rows = ledger.verify(connection)
        roots = list(connection.execute(sa.select(tables.root).order_by(tables.root.c.run_id)).mappings())
        ended = sa.select(tables.run.c.id).where(tables.run.c.state != "running")
        unsigned = sorted(set(connection.execute(ended).scalars()) - {row["run_id"] for row in roots})
        faults += [say("run {run} is ended and has no root", run=run) for run in unsigned]
        faults += _added(connection)
        for row in roots:
            faults += _root_faults(connection, dict(row), key)
        named = {row["run_id"]: row["sha256"] for row in roots}
        for run, root in sorted((known or {}).items()):
            if named.get(run) != root.lower():
                found = named.get(run, "-")
                faults.append(say("run {run}: its root is {found}, not the one noted", run=run, found=found))
        for number, noted in sorted((entries or {}).items()):
            held = connection.execute(sa.select(tables.log.c.hash).where(tables.log.c.seq == number)).scalar()
            if held != noted.lower():
                faults.append(say("log: entry {seq} is not the one noted", seq=number))
        seq, hashed, _ = ledger.head(connection)
        wanted = set(_named_files(store, connection))
    broken = list(store.blobs.verify(wanted))
    return Checked((*faults, *broken), rows, len(roots), len(wanted), (seq, hashed))


def _root_faults(
    connection: sa.Connection, row: Mapping[str, Any], key: Ed25519PublicKey | None
) -> Iterator[Said]:
    """Compute a root anew, and hold row and envelope against it."""
    run = row["run_id"]
    try:
        leaves, subjects = runs.leaves_of(connection, run)
        root = proof.merkle_root([proof.leaf(value) for value in leaves])
    except (TypeError, ValueError):  # cells that hold what cannot be written
        leaves, subjects, root = [], {}, ""
    if (root, len(leaves)) != (row["sha256"], row["items"]):
        yield say("run {run}: what came of its operators does not give its root", run=run)
    said = proof.opened(row["envelope"], key) if key is not None else None
    if said is None:
        yield say("run {run}: its root is not signed with this key", run=run)
        return
    log = {"seq": row["log_seq"], "hash": row["log_hash"]}
    terms = connection.execute(sa.select(tables.run.c.terms).where(tables.run.c.id == run)).scalar()
    predicate = {"run": run, "root": row["sha256"], "items": row["items"], "terms": terms, "log": log}
    if said != proof.statement(subjects, predicate):
        yield say("run {run}: what is signed is not what the store holds", run=run)
    entry = sa.select(tables.log.c.hash).where(tables.log.c.seq == row["log_seq"])
    if (
        row["log_seq"]
        and isinstance(row["log_seq"], int)
        and connection.execute(entry).scalar() != row["log_hash"]
    ):
        yield say("run {run}: the log before its root is not the one that was signed", run=run)


def _lacking(connection: sa.Connection) -> Iterator[Said]:
    """Name the tables and columns that are not there: without them nothing else can be read."""
    inspector = sa.inspect(connection)
    there = set(inspector.get_table_names())
    for name, table in tables.metadata.tables.items():
        if name not in there:
            yield say("{table}: the table is missing", table=name)
            continue
        held = {column["name"] for column in inspector.get_columns(name)}
        for column in sorted(set(table.c.keys()) - held):
            yield say("{table}: the column {column} is missing", table=name, column=column)


def _added(connection: sa.Connection) -> Iterator[Said]:
    """Name columns, triggers and rules that were added to our tables; other tables are others'."""
    inspector = sa.inspect(connection)
    versions = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars().all()
    if list(versions) != [HEAD]:
        yield say("{table}: rows of {place} were changed", table="alembic_version", place=str(versions))
    for name, table in tables.metadata.tables.items():
        held = {column["name"] for column in inspector.get_columns(name)}
        for column in sorted(held - set(table.c.keys())):
            yield say("{table}: {name} was added", table=name, name=column)
    for name, table in connection.execute(sa.text(PROGRAMS[connection.dialect.name])):
        if table in tables.metadata.tables:
            yield say("{table}: {name} was added", table=table, name=name)


def _named_files(store: Store, connection: sa.Connection) -> Iterator[str]:
    """Give the digest of every file that a row names."""
    columns = (
        *(tables.item.c.result, tables.item.c.observations, tables.decision.c.evidence),
        *(tables.notice.c.content, tables.draw.c.record),
    )
    for column in columns:
        wanted = sa.select(column).where(column.is_not(None)).distinct()
        yield from map(str, connection.execute(wanted).scalars())
    for listed in connection.execute(sa.select(tables.declaration.c.files)).scalars():
        yield from (digest for _, digest in _entries(listed))
    for digest in connection.execute(sa.select(tables.run.c.terms).distinct()).scalars():
        yield str(digest)
        try:
            yield from terms_.files_of_terms(terms_.stated(store.blobs, digest))
        except (BrokenBlobError, ValueError, KeyError, TypeError):
            continue  # the file itself is named as broken


def _entries(listed: str) -> tuple[tuple[str, str], ...]:
    try:
        return files_of(listed)
    except (ValueError, KeyError, TypeError):
        return ()  # the row itself is named as changed


def lines(checked: Checked) -> Iterator[Said]:
    """Say what verifying came to, faults first."""
    yield from checked.faults
    yield say(
        "{rows:,} rows, {roots:,} roots and {files:,} files were held against the log; faults: {faults:,}",
        rows=checked.rows,
        roots=checked.roots,
        files=checked.files,
        faults=len(checked.faults),
    )
    yield say("Last entry of the log: {seq} {hash}", seq=checked.head[0], hash=checked.head[1])
