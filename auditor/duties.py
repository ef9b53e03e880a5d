"""Dated duties: reports that are due, acknowledgements, wind-downs, referrals; what is done, late or open."""

from __future__ import annotations

import calendar
import datetime as dt
import re
import unicodedata
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from auditor.registers.names import normal

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from auditor.case import Case
    from auditor.model import Approval, Report
    from auditor.settings import ReportDuty

MONTHS = {"year": 12, "quarter": 3, "month": 1}
_QUARTER = re.compile(r"(\d{4})年?-?(?:q|第)?([1-4一二三四])(?:季度?)?")
_MONTH = re.compile(r"(\d{4})[年-](\d{1,2})月?")
_YEAR = re.compile(r"(\d{4})(?:年度?)?")
_NUMERALS = {"一": "1", "二": "2", "三": "3", "四": "4"}
ENDED = frozenset({"expired", "withdrawn", "revoked", "cancelled", "invalid"})


@dataclass(frozen=True, slots=True)
class Due:
    """One report that is due, and what is declared of it.

    Parameters
    ----------
    kind, period
        What it is and what it is about; the period as `period_of` writes it.
    calendar_on
        Last day by the reporting calendar; None where the calendar does not ask for it.
    stated_on
        Last day as the records state it, the latest of them; None where none does.
    reports
        Records of it.
    """

    kind: str
    period: str
    calendar_on: dt.date | None = None
    stated_on: dt.date | None = None
    reports: tuple[Report, ...] = field(default=())

    @property
    def name(self) -> str:
        """Name of the subject."""
        return f"{self.kind} {self.period}".strip()

    @property
    def due_on(self) -> dt.date | None:
        """Last day: as a record states it, since the administration sets it, else by the calendar."""
        return self.stated_on or self.calendar_on


class Duty(NamedTuple):
    """One dated duty, of whomever; ``state`` is ``done``, ``late``, ``open``, ``overdue`` or ``unknown``."""

    what: str
    subject: str
    whose: str
    due_on: dt.date | None
    done_on: dt.date | None
    state: str


# --- periods ----------------------------------------------------------------------------------------------


def period_of(text: str) -> str:
    """Bring the period of a report to one spelling; what nobody can read stays.

    Examples
    --------
    >>> [period_of(text) for text in ("2025年度", "2026年第一季度", "2026Q2", "2026年3月", "spring")]
    ['2025', '2026-Q1', '2026-Q2', '2026-03', 'spring']
    """
    plain = "".join(unicodedata.normalize("NFKC", text).casefold().split())
    if found := _YEAR.fullmatch(plain):
        return found[1]
    if (found := _MONTH.fullmatch(plain)) and 1 <= int(found[2]) <= MONTHS["year"]:
        return f"{found[1]}-{int(found[2]):02}"
    if found := _QUARTER.fullmatch(plain):
        return f"{found[1]}-Q{_NUMERALS.get(found[2], found[2])}"
    return text.strip()


def _month_end(months: int) -> dt.date:
    """Last day of a month, counted from year 0."""
    year, month = divmod(months, 12)
    return dt.date(year, month + 1, calendar.monthrange(year, month + 1)[1])


def _periods(duty: ReportDuty, first: dt.date, last: dt.date) -> Iterator[tuple[str, dt.date, dt.date]]:
    """Give the periods that touch some days: name, last day, day on which the report is due."""
    length = MONTHS[duty.every]
    start = (first.year * 12 + first.month - 1) // length * length
    for months in range(start, last.year * 12 + last.month, length):
        end = _month_end(months + length - 1)
        year, part = divmod(months, 12)
        name = {12: f"{year}", 3: f"{year}-Q{part // 3 + 1}", 1: f"{year}-{part + 1:02}"}[length]
        due = _month_end(months + length - 1 + duty.due_months) + dt.timedelta(duty.due_days)
        if duty.from_on is None or end >= duty.from_on:
            yield name, end, due


def _held(case: Case, approval: Approval) -> tuple[dt.date, dt.date] | None:
    """First and last day on which an approval was held, up to the date; None without a date of issue."""
    if approval.issued_on is None or approval.issued_on > case.as_of:
        return None
    ends = [case.as_of]
    if approval.expires_on is not None:
        ends.append(approval.expires_on - dt.timedelta(1))
    if approval.status in ENDED and approval.status_from_on is not None:
        ends.append(approval.status_from_on - dt.timedelta(1))
    return approval.issued_on, min(ends)


def own_approvals(case: Case) -> tuple[Approval, ...]:
    """Approvals of every kind that no other enterprise holds, as far as they say."""
    operator = case.declaration.operator

    def own(approval: Approval) -> bool:
        if approval.uscc and operator.uscc:
            return approval.uscc == operator.uscc
        return not approval.holder or normal(approval.holder) == normal(operator.name)

    return tuple(approval for approval in case.declaration.approvals if own(approval))


# --- reports ----------------------------------------------------------------------------------------------


def reports_due(case: Case) -> list[Due]:
    """Give the reports that are due by the calendar or declared, in order of kind and period.

    By default the yearly one, in the first quarter after each year in which the operator held an approval
    (Measures for Telecom Business Licences, Order 42 of 2017, article 35). A period that is not over is none
    yet. Reports without a period are one each.
    """
    found: dict[tuple[str, str], Due] = {}
    for duty in case.policy.reporting_calendar:
        for period, due_on in _asked(case, duty):
            known = found.get((duty.kind, period))
            if known is None or (known.calendar_on or due_on) > due_on:
                found[duty.kind, period] = Due(duty.kind, period, due_on)
    for number, report in enumerate(case.declaration.reports, 1):
        period = period_of(report.period) if report.period else f"#{number}"
        key = report.kind or "other", period
        due = found.setdefault(key, Due(*key))
        days = [day for day in (due.stated_on, report.due_on) if day is not None]
        found[key] = replace(due, reports=(*due.reports, report), stated_on=max(days, default=None))
    return [found[key] for key in sorted(found)]


def _asked(case: Case, duty: ReportDuty) -> Iterator[tuple[str, dt.date]]:
    if duty.due_on is not None:
        yield period_of(duty.period), duty.due_on
        return
    for approval in own_approvals(case):
        held = _held(case, approval)
        if held is None:
            continue
        for period, end, due_on in _periods(duty, *held):
            if end < case.as_of:
                yield period, due_on


def report_state(case: Case, due: Due) -> tuple[str, dt.date | None]:
    """Say how a report stands on the date, and since when it is submitted.

    Returns
    -------
    tuple
        ``accepted``, ``submitted``, ``rejected``, ``missing``, of the record that speaks most for the
        operator, and its day. What happened after the date has not happened yet.
    """
    stands: list[tuple[int, dt.date, str, dt.date | None]] = []
    for report in due.reports:
        day = report.submitted_on
        if report.state == "draft" or (day is not None and day > case.as_of):
            continue
        if report.state is None and day is None and report.accepted_on is None:
            continue
        settled = report.accepted_on is None or report.accepted_on <= case.as_of
        taken = settled and (report.state == "accepted" or report.accepted_on is not None)
        state = "accepted" if taken else "rejected" if report.state == "rejected" else "submitted"
        rank = ("accepted", "submitted", "rejected").index(state)
        stands.append((rank, day or dt.date.max, state, day))
    if not stands:
        return "missing", None
    _, _, state, day = min(stands, key=lambda stand: stand[:2])
    return state, day


# --- all of them ------------------------------------------------------------------------------------------


def notice_due(case: Case, sent_on: dt.date | None, due_on: dt.date | None) -> dt.date | None:
    """Last day on which a notice is acknowledged in time: as stated, else by the policy."""
    if due_on is not None or sent_on is None:
        return due_on
    return sent_on + dt.timedelta(case.policy.notification_sla_days)


def duties(case: Case) -> pd.DataFrame:
    """Give all dated duties as a table, those that come first on top: a calendar, for people and schedulers.

    Returns
    -------
    pandas.DataFrame
        Columns ``what`` (``report``, ``acknowledgement``, ``wind_down``, ``referral``), ``subject``,
        ``whose`` (who owes it), ``due_on``, ``done_on``, ``state`` (``done``, ``late``, ``open``,
        ``overdue``, ``unknown``); days are dates or None.
    """
    import pandas as pd  # noqa: PLC0415 -- takes half a second to import

    listed = sorted(_all(case), key=lambda duty: (duty.due_on or dt.date.max, duty.what, duty.subject))
    return pd.DataFrame(listed, columns=list(Duty._fields), dtype=object)


def _all(case: Case) -> Iterator[Duty]:
    declared, me = case.declaration, case.declaration.operator.name
    for due in reports_due(case):
        state, day = report_state(case, due)
        done = day if state in {"accepted", "submitted"} else None
        yield _duty(case, "report", f"report:{due.name}", me, (due.due_on, done))
    for number, notice in enumerate(declared.notices, 1):
        last = notice_due(case, notice.sent_on, notice.due_on)
        subject, whose = f"notice:{number}", notice.receiver or ""
        yield _duty(case, "acknowledgement", subject, whose, (last, notice.acknowledged_on))
    for wind_down in declared.wind_down:
        last = wind_down.deadline_on or case.policy.exit.deadline
        yield _duty(case, "wind_down", f"service:{wind_down.service or '?'}", me, (last, wind_down.done_on))
    for number, referral in enumerate(declared.referrals, 1):
        subject, whose = f"referral:{number}", referral.receiver or ""
        yield _duty(case, "referral", subject, whose, (referral.due_on, referral.closed_on))


def _duty(
    case: Case, what: str, subject: str, whose: str, days: tuple[dt.date | None, dt.date | None]
) -> Duty:
    due_on, done_on = days
    done = done_on if done_on is not None and done_on <= case.as_of else None
    if due_on is None:
        state = "done" if done else "unknown"
    elif done is not None:
        state = "late" if done > due_on else "done"
    else:
        state = "overdue" if case.as_of > due_on else "open"
    return Duty(what, subject, whose, due_on, done, state)
