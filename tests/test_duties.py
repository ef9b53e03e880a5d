"""The calendar of duties: periods, days, states."""

from __future__ import annotations

import calendar
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

import auditor
from auditor import duties
from auditor.case import Case
from auditor.settings import Policy, ReportDuty

ON = dt.date(2026, 11, 22)


@pytest.fixture(scope="module")
def exit_case():
    declaration = auditor.read_declaration(auditor.sample("hainan_exit"))
    return Case(declaration, auditor.read_areas(ON), ON)


def test_the_calendar_of_a_sample(exit_case):
    rows = duties.duties(exit_case).to_dict("records")
    told = {row["subject"]: (row["due_on"], row["done_on"], row["state"]) for row in rows}
    assert told == {
        "notice:1": (dt.date(2025, 4, 2), dt.date(2025, 3, 12), "done"),
        "report:annual 2025": (dt.date(2026, 3, 31), dt.date(2026, 3, 18), "done"),
        "service:B14": (dt.date(2026, 9, 30), None, "overdue"),
    }
    assert [row["due_on"] for row in rows] == sorted(row["due_on"] for row in rows)


@given(
    start=st.dates(dt.date(2000, 1, 1), dt.date(2040, 1, 1)),
    days=st.integers(0, 1500),
    every=st.sampled_from(["year", "quarter", "month"]),
    months=st.integers(0, 24),
    extra=st.integers(0, 40),
)
def test_periods_are_those_that_a_walk_by_days_meets(start, days, every, months, extra):
    duty = ReportDuty(kind="annual", every=every, due_months=months, due_days=extra)
    end = start + dt.timedelta(days)
    found = list(duties._periods(duty, start, end))
    walked = {}
    for number in range(days + 1):
        day = start + dt.timedelta(number)
        quarter = (day.month - 1) // 3 + 1
        name = {"year": f"{day.year}", "quarter": f"{day.year}-Q{quarter}", "month": f"{day:%Y-%m}"}[every]
        last = {"year": 12, "quarter": 3 * quarter, "month": day.month}[every]
        walked.setdefault(name, dt.date(day.year, last, calendar.monthrange(day.year, last)[1]))
    assert [(name, last) for name, last, _ in found] == list(walked.items())
    for _, last, due in found:
        months_later = (last.year * 12 + last.month - 1) + months
        year, month = divmod(months_later, 12)
        assert due - dt.timedelta(extra) == dt.date(year, month + 1, calendar.monthrange(year, month + 1)[1])
    assert all(duties.period_of(name) == name for name, _, _ in found)


def test_a_leap_year_ends_its_february(exit_case):
    policy = Policy(reporting_calendar=(ReportDuty(kind="other", every="month", due_months=1),))
    case = Case(exit_case.declaration, exit_case.areas, dt.date(2028, 3, 5), policy)
    due = {one.period: one.due_on for one in duties.reports_due(case)}
    assert due["2028-01"] == dt.date(2028, 2, 29)
