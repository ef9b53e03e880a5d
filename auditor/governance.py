"""Records of the mechanisms that the circular names: registration, reports, notices, wind-down, referrals.

All of them are optional, and what is absent is unknown. `LISTS` names every list of records of a declaration.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import model_validator

from auditor.records import (
    Approval,
    Contract,
    Count,
    Day,
    Place,
    Record,
    Service,
    Text,
    Texts,
    Uscc,
    check_sequence,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

RegistrationStatus: TypeAlias = Literal["active", "moved_out", "revoked", "cancelled", "suspended", "unknown"]
ReportKind: TypeAlias = Literal["annual", "change", "opening", "incident", "other"]
ReportState: TypeAlias = Literal["draft", "submitted", "in_review", "accepted", "rejected"]
NoticeEvent: TypeAlias = Literal[
    "registered", "changed", "moved_out", "licensed", "revoked", "cancelled", "other"
]
ReferralStatus: TypeAlias = Literal["sent", "accepted", "returned", "closed"]


class Registration(Place):
    """What the business registry holds of an enterprise: its business licence, as read on a day.

    ``scope`` is the wording of the scope of business, ``source`` whose record it is. ``former_names`` are the
    names that the registry says it had before.
    """

    name: Text | None = None
    uscc: Uscc | None = None
    former_names: Texts = ()
    scope: Text | None = None
    status: RegistrationStatus | None = None
    status_from_on: Day | None = None
    retrieved_on: Day | None = None
    source: Text | None = None
    document: Text | None = None


class Report(Record):
    """A report of the enterprise to the administration; one that is due bears ``due_on``, done or not.

    ``period`` is what it is about: ``2025``, ``2026-Q1``, ``2026-03``.
    """

    kind: ReportKind | None = None
    period: Text | None = None
    due_on: Day | None = None
    submitted_on: Day | None = None
    state: ReportState | None = None
    accepted_on: Day | None = None
    schema_version: Text | None = None
    document: Text | None = None

    @model_validator(mode="after")
    def _check(self) -> Report:
        check_sequence(self, "submitted_on", "accepted_on")
        return self


class Notice(Record):
    """A notice between the registry and the telecom administration: what happened, and who told whom."""

    event: NoticeEvent | None = None
    event_on: Day | None = None
    sender: Text | None = None
    receiver: Text | None = None
    sent_on: Day | None = None
    due_on: Day | None = None
    acknowledged_on: Day | None = None
    subject: Text | None = None
    uscc: Uscc | None = None
    document: Text | None = None

    @model_validator(mode="after")
    def _check(self) -> Notice:
        check_sequence(self, "sent_on", "acknowledged_on")
        return self


class WindDown(Record):
    """The end of a service: who was told when, and what became of its users.

    ``users`` are those on ``stop_on``; ``migrated``, ``left`` and ``refunded`` share none. All counts hold on
    ``counted_on``. ``new_users`` are those taken on since ``stop_on``. ``target`` is the provider that users
    are moved to. ``open_tasks`` is what is still to be done beside (data, addresses, filings); ``()`` is
    stated none.
    """

    service: Text | None = None
    area: Text | None = None
    notice_on: Day | None = None
    stop_on: Day | None = None
    deadline_on: Day | None = None
    counted_on: Day | None = None
    users: Count | None = None
    migrated: Count | None = None
    left: Count | None = None
    refunded: Count | None = None
    new_users: Count | None = None
    done_on: Day | None = None
    target: Text | None = None
    target_uscc: Uscc | None = None
    target_licence: Text | None = None
    open_tasks: Texts | None = None
    plan: Text | None = None
    document: Text | None = None

    @model_validator(mode="after")
    def _check(self) -> WindDown:
        check_sequence(self, "notice_on", "stop_on")
        check_sequence(self, "stop_on", "deadline_on")
        return self


class Referral(Record):
    """A case handed from one authority to another; ``digest`` is the SHA-256 of its case file."""

    sender: Text | None = None
    receiver: Text | None = None
    rule: Text | None = None
    subject: Text | None = None
    digest: Text | None = None
    status: ReferralStatus | None = None
    sent_on: Day | None = None
    due_on: Day | None = None
    closed_on: Day | None = None
    document: Text | None = None

    @model_validator(mode="after")
    def _check(self) -> Referral:
        check_sequence(self, "sent_on", "closed_on")
        return self


LISTS: Mapping[str, type[Record]] = MappingProxyType(
    {
        "approvals": Approval,
        "services": Service,
        "contracts": Contract,
        "registrations": Registration,
        "reports": Report,
        "notices": Notice,
        "wind_down": WindDown,
        "referrals": Referral,
    }
)
