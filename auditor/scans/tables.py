"""Tables of the store, the same on SQLite and PostgreSQL.

Rows are written once; the few that change (`item`, `run`, `notice`, …) change in a logged transaction, so
that `auditor verify` knows what every row must hold. Instants are text in UTC, which sorts as time does and
is hashed as it stands; JSON is text in canonical form, for the same reason.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from auditor.scans.canonical import instant, instant_of

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import Dialect

NAMES = {  # without names SQLite could not drop a constraint in a later migration
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = sa.MetaData(naming_convention=NAMES)


class Utc(sa.TypeDecorator[dt.datetime]):
    """An instant, kept as ``2026-11-27T08:24:09.123456Z``."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002 -- SQLAlchemy's signature
        """Write an aware instant."""
        return None if value is None else instant(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> dt.datetime | None:  # noqa: ARG002 -- as above
        """Read it back, aware."""
        return None if value is None else instant_of(value)


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True)


def _of(table: str, *, key: bool = False, optional: bool = False) -> Column[int]:
    """Give a column that refers to another table, part of the primary key if `key`."""
    return Column(
        f"{table}_id", Integer, ForeignKey(f"{table}.id"), primary_key=key, nullable=optional and not key
    )


# --- what is scanned --------------------------------------------------------------------------------------

operator = Table(
    "operator",
    metadata,
    _id(),
    Column("key", Text, nullable=False, unique=True),  # how people call it here
    Column("path", Text, nullable=False),  # of its declaration
    Column("added_at", Utc, nullable=False),
    Column("removed_at", Utc),
)
declaration = Table(  # one version of what an operator declares: its files, by their content
    "declaration",
    metadata,
    _id(),
    _of("operator"),
    Column("version", Integer, nullable=False),  # 1, 2, …
    Column("sha256", Text, nullable=False),  # of `files`
    Column("entry", Text, nullable=False),  # what is read of them: blank for a folder, else the file
    Column("files", Text, nullable=False),  # JSON: [{"path", "sha256", "size"}], sorted by path
    Column("seen_at", Utc, nullable=False),
    UniqueConstraint("operator_id", "version"),
)

# --- runs -------------------------------------------------------------------------------------------------

schedule = Table(
    "schedule",
    metadata,
    _id(),
    Column("cron", Text, nullable=False),
    Column("zone", Text, nullable=False),  # IANA name in which `cron` is read
    Column("options", Text, nullable=False),  # JSON: paths (none for all operators), options of `scan start`
    Column("added_at", Utc, nullable=False),
    Column("removed_at", Utc),
)
run = Table(
    "run",
    metadata,
    _id(),
    _of("schedule", optional=True),
    Column("as_of", sa.Date, nullable=False),
    Column("terms", Text, nullable=False),  # digest of the terms: rules, zones, policy, least grade, reviews
    Column("state", Text, nullable=False),  # running done cancelled
    Column("started_at", Utc, nullable=False),
    Column("ended_at", Utc),
)
slot = Table(  # a time at which a schedule was due: run, or missed
    "slot",
    metadata,
    _of("schedule", key=True),
    Column("due_at", Utc, primary_key=True),
    Column("state", Text, nullable=False),  # run missed
    _of("run", optional=True),
    Column("recorded_at", Utc, nullable=False),
)
item = Table(  # one operator in one run
    "item",
    metadata,
    _of("run", key=True),
    _of("operator", key=True),
    _of("declaration", optional=True),  # none: its files could not be taken
    Column("observations", Text),  # digest of what sources said, if it was given
    Column("before_id", Integer),  # run of the result that this one is held against
    Column("state", Text, nullable=False),  # pending; done refused error cancelled
    Column("attempts", Integer, nullable=False),
    Column("leased_by", Text),  # LEASE: who works on it, and until when; not logged while pending
    Column("leased_until", Utc),
    Column("ended_at", Utc),
    Column("verdict", Text),  # of a result; of all else none
    Column("result", Text),  # digest of the result (gzip of auditor.result/1), or of what was refused
    Column("reason", Text),  # JSON {"en", "zh"}: why it is refused or an error
    Column("name", Text),  # of the operator, as it declares
    Column("uscc", Text),
    Column("area", Text),
    Index("ix_item_operator_id_state", "operator_id", "state"),
)
evaluation = Table(  # what one rule said in one item, counted
    "evaluation",
    metadata,
    _of("run", key=True),
    _of("operator", key=True),
    Column("rule", Text, primary_key=True),
    Column("rule_sha256", Text, nullable=False),
    *(
        Column(verdict, Integer, nullable=False)
        for verdict in ("pass", "fail", "inconclusive", "not_applicable", "error", "not_checked")
    ),
)
facility = Table(  # facilities by kind in one item
    "facility",
    metadata,
    _of("run", key=True),
    _of("operator", key=True),
    Column("kind", Text, primary_key=True),
    Column("sure", Integer, nullable=False),
    Column("doubtful", Integer, nullable=False),
)
change = Table(  # the life of a finding: a row wherever it changed; first seen, fixed, regressed
    "change",
    metadata,
    _of("run", key=True),
    _of("operator", key=True),
    Column("rule", Text, nullable=False),
    Column("subject", Text, nullable=False),  # as long as an operator names it: no index could hold it
    Column("fingerprint", Text, primary_key=True),
    Column("severity", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("change", Text, nullable=False),  # new regressed changed fixed … (auditor.changes)
    Column("before", Text),  # verdict
    Column("after", Text),
    Column("because", Text, nullable=False),  # JSON: [{"en", "zh"}]
    Column(
        "message", Text, nullable=False
    ),  # JSON {"en", "zh"}: what the later finding says, else the earlier
    Index("ix_change_operator_id_fingerprint", "operator_id", "fingerprint"),
)
root = Table(  # Merkle root over the items of a run, signed
    "root",
    metadata,
    _of("run", key=True),
    Column("sha256", Text, nullable=False),
    Column("items", Integer, nullable=False),
    Column("log_seq", Integer, nullable=False),  # last entry of the log before it
    Column("log_hash", Text, nullable=False),
    Column("envelope", Text, nullable=False),  # JSON: DSSE of an in-toto statement
)

# --- people -----------------------------------------------------------------------------------------------

decision = Table(  # of a person: a waiver, or a verdict where the tool gives none
    "decision",
    metadata,
    _id(),
    Column("kind", Text, nullable=False),  # waiver verdict
    _of("operator"),
    Column("rule", Text, nullable=False),  # rule or clause
    Column("subject", Text, nullable=False),
    Column("verdict", Text),  # of kind verdict: pass fail inconclusive not_applicable
    Column("reason", Text, nullable=False),
    Column("approver", Text, nullable=False),
    Column("granted_at", Utc, nullable=False),
    Column("from_at", Utc, nullable=False),
    Column("until_at", Utc, nullable=False),  # exclusive
    Column("zone", Text, nullable=False),  # in which the end was given: IANA name, or UTC+08:00
    Column("evidence", Text),  # digest
    Column("evidence_name", Text),
)
revocation = Table(
    "revocation",
    metadata,
    _of("decision", key=True),
    Column("at", Utc, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)
recipient = Table(
    "recipient",
    metadata,
    _id(),
    _of("operator", optional=True),  # none: of every operator
    Column("channel", Text, nullable=False),  # file smtp webhook
    Column("address", Text, nullable=False),
    Column("added_at", Utc, nullable=False),
    Column("removed_at", Utc),
)
notice = Table(
    "notice",
    metadata,
    _id(),
    _of("operator"),
    _of("run"),  # last run that it tells of
    Column("since_id", Integer),  # last run that the one before it told of
    Column("runs", Text, nullable=False),  # JSON: all runs that it tells of, whatever order they ended in
    Column("channel", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("key", Text, nullable=False, unique=True),  # idempotency key
    Column("content", Text, nullable=False),  # digest
    Column("state", Text, nullable=False),  # drafted sending sent failed withdrawn
    Column("attempts", Integer, nullable=False),
    Column("leased_by", Text),  # who is sending it, and until when nobody else does
    Column("leased_until", Utc),
    Column("error", Text),  # JSON {"en", "zh"}
    Column("drafted_at", Utc, nullable=False),
    Column("sent_at", Utc),
    Column("due_on", sa.Date),  # last day on which it is acknowledged in time
    Column("acknowledged_on", sa.Date),
    Column("acknowledged_by", Text),
    Index("ix_notice_operator_id", "operator_id"),
)
draw = Table(  # a spot check that was drawn
    "draw",
    metadata,
    _id(),
    Column("kind", Text, nullable=False),  # operator facility link subscriber_area
    Column("seed", Text, nullable=False),
    Column("record", Text, nullable=False),  # digest of the draw's record
    Column("as_of", sa.Date, nullable=False),
    Column("due_on", sa.Date, nullable=False),  # last day on which its results are in time
    Column("drawn_at", Utc, nullable=False),
)
drawn = Table(  # what a draw drew, and what came of it
    "drawn",
    metadata,
    _of("draw", key=True),
    Column("number", Integer, primary_key=True),
    Column("operator", Text, nullable=False),  # its key
    Column("subject", Text, nullable=False),
    Column("stratum", Text, nullable=False),
    Column("inspectors", Text, nullable=False),  # JSON: names
    Column("outcome", Text),  # pass fail inconclusive refused
    Column("note", Text),
    Column("closed_on", sa.Date),
)

# --- the store itself -------------------------------------------------------------------------------------

log = Table(  # hash chain: what happened, and the digest of every row that it touched
    "log",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("facts", Text, nullable=False),  # JSON, canonical
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
meta = Table("meta", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))

LEASE = frozenset({"attempts", "leased_by", "leased_until"})
GROUPS: dict[str, tuple[str, ...]] = {  # columns that name what is hashed as one
    "item": ("run_id", "operator_id"),
    "evaluation": ("run_id", "operator_id"),
    "facility": ("run_id", "operator_id"),
    "change": ("run_id", "operator_id"),
    "slot": ("schedule_id",),
    "root": ("run_id",),
    "revocation": ("decision_id",),
    "drawn": ("draw_id",),
    "meta": ("name",),
} | dict.fromkeys(
    ("operator", "declaration", "schedule", "run", "decision", "recipient", "notice", "draw"), ("id",)
)
ONCE = frozenset(  # tables whose rows never change
    {"declaration", "evaluation", "facility", "change", "root", "decision", "revocation", "draw", "meta"}
)
