"""The log of the store: a hash chain whose entries hold the digest of every row that they touched.

So a row that was changed, removed or added past the tool is named, and so is an entry of the log. Whoever can
write to the database can make the chain anew from any point; the signed roots of runs, and those printed in
reports, are what shows that (`auditor.scans.proof`).
"""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from auditor.language import say
from auditor.scans import tables
from auditor.scans.canonical import canonical, instant, sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from auditor.language import Said

Group = tuple[str, tuple[Any, ...]]  # table, values of its GROUPS columns
FIRST = "0" * 64  # what the first entry follows
GONE = ""  # digest of a group without rows


def entry_hash(entry: Mapping[str, Any]) -> str:
    """Hash an entry of the log over all that it holds, its predecessor's hash included."""
    named = {name: entry[name] for name in ("seq", "at", "kind", "facts", "previous")}
    return sha256("auditor/log/1\n" + canonical(_plain("log", named)))


def head(connection: sa.Connection) -> tuple[int, str, str]:
    """Give number, hash and instant of the last entry; ``0`` and `FIRST` of an empty log."""
    log = tables.log.c
    row = connection.execute(sa.select(log.seq, log.hash, log.at).order_by(log.seq.desc()).limit(1)).first()
    return (0, FIRST, "") if row is None else (row.seq, row.hash, row.at)


def append(
    connection: sa.Connection, at: dt.datetime, kind: str, facts: Mapping[str, Any], touched: Iterable[Group]
) -> str:
    """Append an entry: what happened, and what every touched group of rows now holds.

    Returns
    -------
    str
        Its hash.
    """
    rows = [[table, list(key), digest(connection, table, key)] for table, key in sorted(set(touched))]
    seq, previous, last = head(connection)
    told = dict(facts)
    if last > instant(at):  # said once, where it happened; the order of entries is their number
        told["clock_set_back_from"] = last
    entry = {
        "seq": seq + 1,
        "at": instant(at),
        "kind": kind,
        "facts": canonical({"told": told, "rows": rows}),
        "previous": previous,
    }
    hashed = entry_hash(entry)
    connection.execute(sa.insert(tables.log), [{**entry, "hash": hashed}])
    return hashed


def holds(connection: sa.Connection, hashed: str) -> bool:
    """Whether the log holds an entry with this hash."""
    log = tables.log.c
    return connection.execute(sa.select(log.seq).where(log.hash == hashed)).first() is not None


def digest(connection: sa.Connection, table: str, key: Sequence[Any]) -> str:
    """Digest of the rows of one group; `GONE` where there is none."""
    source = tables.metadata.tables[table]
    named = zip(tables.GROUPS[table], key, strict=True)
    wanted = _raw(source).where(*(source.c[name] == value for name, value in named))
    rows = connection.execute(wanted).mappings()
    return _digest(table, map(dict, rows))


def _raw(source: sa.Table) -> sa.Select[Any]:
    """Select all columns as the database holds them: a spoilt cell must be hashed, not understood."""
    columns: list[Any] = [sa.type_coerce(column, sa.Text).label(column.name) for column in source.c]
    return sa.select(*columns)


def _digest(table: str, rows: Iterable[Mapping[str, Any]]) -> str:
    lines = sorted(canonical(_plain(table, row)) for row in rows)  # each database sorts text its own way
    return sha256("\n".join(lines)) if lines else GONE


def _plain(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Give a row as it is hashed; a lease is nobody's record while the item is pending."""
    hidden = tables.LEASE if table == "item" and row["state"] == "pending" else frozenset()
    plain = (str, int, dt.date, type(None))  # JSON would write infinity as null
    return {
        str(name): value if isinstance(value, plain) and _is_text(value) else repr(value)
        for name, value in row.items()
        if name not in hidden
    }


def _is_text(value: Any) -> bool:
    """Whether a value is none of those texts of SQLite that are no UTF-8 (`lenient`)."""
    try:
        str(value).encode()
    except UnicodeEncodeError:
        return False
    return True


@contextmanager
def lenient(connection: sa.Connection) -> Iterator[None]:
    """Read text of SQLite that is not UTF-8 too: it was spoilt, and is to be named."""
    if connection.dialect.name != "sqlite":
        yield
        return
    raw: Any = connection.connection.dbapi_connection
    before, raw.text_factory = raw.text_factory, lambda data: data.decode(errors="surrogateescape")
    try:
        yield
    finally:
        raw.text_factory = before


def verify(connection: sa.Connection) -> tuple[list[Said], int]:
    """Hold the log against itself, and every row of the store against the log.

    Returns
    -------
    tuple
        What is wrong, in words, and the number of rows that are as they were written.
    """
    faults: list[Said] = []
    known: dict[Group, str] = {}
    ended: set[int] = set()  # runs whose root is written
    previous, number = FIRST, 0
    log = tables.log
    entries = connection.execution_options(stream_results=True).execute(_raw(log).order_by(log.c.seq))
    for entry in map(dict, entries.mappings()):
        number += 1
        if entry["seq"] != number:
            faults.append(say("log: entry {seq} is missing", seq=number))
            number = entry["seq"]
        elif entry["previous"] != previous:
            faults.append(say("log: entry {seq} does not follow the one before it", seq=number))
        if entry_hash(entry) != entry["hash"]:
            faults.append(say("log: entry {seq} was changed", seq=number))
        previous = entry["hash"]
        touched = _rows_of(entry["facts"], number, faults)
        faults += [
            say("log: entry {seq} changes what is written once: {table}, {place}", seq=number, **place)
            for place in _touched_again(touched, known, ended)
        ]
        known |= touched
        ended |= {key[0] for table, key in touched if table == "root"}
    found, rows = _found(connection, faults)
    faults += _differences(known, found)
    return faults, rows


def _rows_of(facts: str, number: int, faults: list[Said]) -> dict[Group, str]:
    """Read the digests that an entry holds."""
    try:
        rows = {(table, tuple(key)): sha for table, key, sha in orjson.loads(facts)["rows"]}
        if all(len(key) == len(tables.GROUPS[table]) for table, key in rows):
            return rows
    except (ValueError, KeyError, TypeError):
        pass
    faults.append(say("log: entry {seq} cannot be read", seq=number))
    return {}


def _touched_again(
    touched: Mapping[Group, str], known: Mapping[Group, str], ended: set[int]
) -> Iterator[dict[str, str]]:
    """Name the groups that no entry may touch any more: of a run after its root, and of tables of records.

    So what came of a run is vouched for by its root, however the log was gone on with.
    """
    for (table, key), sha in touched.items():
        of_run = table == "run" or tables.GROUPS[table][0] == "run_id"
        again = table in tables.ONCE and known.get((table, key), sha) != sha
        if again or (of_run and key[0] in ended):
            yield {"table": table, "place": _place(table, key)}


def _found(connection: sa.Connection, faults: list[Said]) -> tuple[dict[Group, str], int]:
    """Digest every group of rows that the store holds, and count the rows."""
    found: dict[Group, str] = {}
    count = 0
    for table, names in tables.GROUPS.items():
        source = tables.metadata.tables[table]
        ordered = _raw(source).order_by(*(source.c[name] for name in names))
        try:
            rows = connection.execution_options(yield_per=10_000).execute(ordered).mappings()
            for key, group in groupby(rows, key=lambda row: tuple(row[name] for name in names)):
                held = [dict(row) for row in group]
                count += len(held)
                found[table, key] = _digest(table, held)
        except sa.exc.DataError as error:  # a date of PostgreSQL that no calendar here has
            faults.append(say("{table}: cannot be read: {reason}", table=table, reason=str(error.orig)))
    return found, count


def _differences(known: Mapping[Group, str], found: Mapping[Group, str]) -> Iterator[Said]:
    """Name every group of rows that is not as the log says."""
    for table, key in sorted(known.keys() | found.keys(), key=lambda group: (group[0], str(group[1]))):
        before, now = known.get((table, key), GONE), found.get((table, key), GONE)
        if before == now:
            continue
        place = _place(table, key)
        if now == GONE:
            yield say("{table}: rows of {place} are missing", table=table, place=place)
        elif before == GONE:
            yield say("{table}: rows of {place} were added past the log", table=table, place=place)
        else:
            yield say("{table}: rows of {place} were changed", table=table, place=place)


def _place(table: str, key: Sequence[Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip(tables.GROUPS[table], key, strict=True))
