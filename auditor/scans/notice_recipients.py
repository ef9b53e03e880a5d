"""Whom notices go to: addresses that whoever keeps the store enters, never those of a declaration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from auditor.errors import UsageError
from auditor.language import say
from auditor.scans import tables
from auditor.scans.channels import channel
from auditor.scans.intake import chosen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.scans.store import Change, Store

LONGEST = 2_000  # characters of an address
UNSENT = ("drafted", "failed")


class Address(NamedTuple):
    """Where notices about one operator go; `recipient` is the row that says so."""

    operator: int
    channel: str
    address: str
    recipient: int


def add(store: Store, channel_name: str, address: str, operator: str | None = None) -> tuple[int, bool]:
    """Enter an address, for one operator or for all; the same one twice stays one.

    Returns
    -------
    tuple
        Its number, and whether it is new.

    Raises
    ------
    UsageError
        No such channel or operator, or no address of that channel.
    """
    kept = channel(channel_name).checked(address)
    if len(kept) > LONGEST or not kept.isprintable():
        raise UsageError(say("the address is too long, or holds characters that cannot be seen"))

    def work(change: Change) -> tuple[int, bool]:
        number = chosen(change.connection, [operator])[0].id if operator is not None else None
        values = {"operator_id": number, "channel": channel_name, "address": kept}
        own = tables.recipient.c
        same = [own[name].is_not_distinct_from(value) for name, value in values.items()]
        found = change.connection.execute(sa.select(own.id).where(*same, own.removed_at.is_(None))).scalar()
        if found is not None:
            return found, False
        return change.insert(tables.recipient, **values, added_at=change.at), True

    return store.write("recipient_added", work)


def remove(store: Store, number: int) -> int:
    """Take an address out; what was drafted for it and did not go out is withdrawn.

    Returns
    -------
    int
        Notices withdrawn.

    Raises
    ------
    UsageError
        There is none of that number.
    """

    def work(change: Change) -> int:
        own = tables.recipient
        row = change.connection.execute(sa.select(own).where(own.c.id == number)).first()
        if row is None:
            raise UsageError(
                say("there is no recipient {number}; see `auditor scan recipients list`", number=number)
            )
        if row.removed_at is not None:
            return 0
        change.connection.execute(sa.update(own).where(own.c.id == number).values(removed_at=change.at))
        change.touch("recipient", number)
        return _withdraw(change, row.channel, row.address)

    return store.write("recipient_removed", work)


def _withdraw(change: Change, channel_name: str, address: str) -> int:
    """Withdraw what waits for an address that nobody gives any more."""
    own = tables.notice
    left = {
        a.operator for a in addresses(change.connection) if (a.channel, a.address) == (channel_name, address)
    }
    wanted = sa.select(own.c.id, own.c.operator_id).where(
        own.c.channel == channel_name, own.c.address == address, own.c.state.in_(UNSENT)
    )
    lost = [row.id for row in change.connection.execute(wanted) if row.operator_id not in left]
    for notice in lost:
        change.connection.execute(sa.update(own).where(own.c.id == notice).values(state="withdrawn"))
        change.touch("notice", notice)
    return len(lost)


def listed(connection: sa.Connection) -> list[Mapping[str, Any]]:
    """Give all addresses in force: number, channel, address, and the operator or none for all."""
    own, operator = tables.recipient.c, tables.operator.c
    wanted = (
        sa.select(own.id, own.channel, own.address, operator.key.label("operator"))
        .outerjoin_from(tables.recipient, tables.operator, operator.id == own.operator_id)
        .where(own.removed_at.is_(None))
        .order_by(own.id)
    )
    return [dict(row) for row in connection.execute(wanted).mappings()]


def addresses(connection: sa.Connection) -> list[Address]:
    """Give where notices about each operator go, each address once."""
    own, operator = tables.recipient.c, tables.operator.c
    wanted = (
        sa.select(operator.id, own.channel, own.address, sa.func.min(own.id))
        .join_from(
            tables.operator,
            tables.recipient,
            sa.or_(own.operator_id.is_(None), own.operator_id == operator.id),
        )
        .where(own.removed_at.is_(None), operator.removed_at.is_(None))
        .group_by(operator.id, operator.key, own.channel, own.address)
        .order_by(operator.key, own.channel, own.address)
    )
    return [Address(*row) for row in connection.execute(wanted)]
