"""Every report that is due to the administration is submitted in time and accepted.

Clause
------
Annex 5: 建立企业信息上报和定期抽查机制. Enterprises report, and the administrations draw samples.

Check
-----
What is due comes from the policy's `reporting_calendar` (by default the yearly report, in the first quarter after
each year in which the operator held an approval) and from `due_on` of the records in `reports`. A report that was
submitted by the last day and accepted passes. Where the operator states that its reports are complete
(`reports_complete`), one that is missing after its last day fails, and so does one that was accepted but came
late.

Inconclusive when
-----------------
A report is missing or late and the reports are not stated complete; it is not accepted yet, or was rejected;
when it was submitted, or when it is due, is not stated; the record gives a later last day than the calendar.

Not applicable when
-------------------
No report is declared, reports are not stated complete, and the policy states no calendar of its own: nobody has
to attach reports to a declaration, so their absence says nothing, and the clause stays with a person. A report
whose last day lies ahead is not judged yet.

Limits
------
The circular prints neither fields nor periods of the reports, so their content is not judged. The basis is the
policy of the audit: the clause obliges the administrations, and the yearly report is related law.

Source
------
Card PILOT-GOV-03; decision 12.15; Measures for Telecom Business Licences (Order 42 of 2017), article 35.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor import duties
from auditor.findings import Batch, Verdict
from auditor.language import both
from auditor.rule import Message, Rule

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from auditor.case import Case
    from auditor.duties import Due


def asked(case: Case) -> bool:
    """Whether reports are declared, stated complete, or asked for by the user."""
    declared = case.declaration
    return bool(
        declared.reports or declared.reports_complete or "reporting_calendar" in case.policy.model_fields_set
    )


def scope(case: Case) -> list[tuple[str, list[str]]]:
    """Give the reports that are due or declared."""
    return [("report", [due.name for due in duties.reports_due(case)])]


def check(case: Case) -> Iterator[Batch]:
    """Judge each report."""
    for due in duties.reports_due(case):
        verdict, message, args = _judge(case, due)
        told = {"report": due.name, "due_on": due.due_on, "as_of": case.as_of, **args}
        grade = min((case.grade_of("E1", report.document) for report in due.reports), default=3)
        yield Batch(verdict, message, [due.name], "report", told, told, grade)


def _judge(case: Case, due: Due) -> tuple[Verdict, str, dict[str, Any]]:
    state, day = duties.report_state(case, due)
    args = {"submitted_on": day, "calendar_on": due.calendar_on}
    if due.due_on is None:
        return Verdict.INCONCLUSIVE, "no_due_date", args
    if state == "missing":
        return *_missing(case, due, due.due_on), args
    return *_submitted(case, due, state, day), args


def _submitted(case: Case, due: Due, state: str, day: dt.date | None) -> tuple[Verdict, str]:
    if state == "rejected":
        return Verdict.INCONCLUSIVE, "rejected"
    if day is None:
        return Verdict.INCONCLUSIVE, "no_day"
    if due.due_on is not None and day > due.due_on:
        sure = case.declaration.reports_complete
        return (Verdict.FAIL, "late") if sure else (Verdict.INCONCLUSIVE, "late_declared")
    if state == "submitted":
        return Verdict.INCONCLUSIVE, "in_review"
    if due.calendar_on is not None and day > due.calendar_on:
        return Verdict.INCONCLUSIVE, "other_due_date"
    return Verdict.PASS, "in_time"


def _missing(case: Case, due: Due, last: dt.date) -> tuple[Verdict, str]:
    if case.as_of <= min(last, due.calendar_on or last):
        return Verdict.NOT_APPLICABLE, "not_due"
    if case.as_of <= last:
        return Verdict.INCONCLUSIVE, "put_off"
    if case.declaration.reports_complete:
        return Verdict.FAIL, "missing"
    return Verdict.INCONCLUSIVE, "not_declared"


RULE = Rule(
    id="PILOT-GOV-03",
    title=both("Reports to the administration are submitted in time and accepted"),
    basis="policy",
    clauses=("policy-gov-03",),
    severity="medium",
    scope=scope,
    check=check,
    asked=asked,
    placed=False,
    messages={
        "in_time": Message("Report {report}: submitted on {submitted_on}, due by {due_on}, accepted."),
        "missing": Message(
            "Report {report} was due by {due_on}, and the operator, which states its reports complete, declares none.",
            "Submit the report now, and ask the administration how the delay is to be handled.",
        ),
        "not_declared": Message(
            "Report {report} was due by {due_on}, and none is declared; whether there are others is not stated.",
            "Ask for the receipt of the report, or for `reports_complete = true`.",
        ),
        "late": Message(
            "Report {report} was due by {due_on} and submitted on {submitted_on} only.",
            "Ask for the decision on the delay; submit the next one in time.",
        ),
        "late_declared": Message(
            "The report {report} declared was submitted on {submitted_on}, after {due_on}; whether there was an "
            "earlier one is not stated.",
            "Ask for the earlier submission, or for `reports_complete = true`.",
        ),
        "rejected": Message(
            "Report {report}, due by {due_on}, was returned, and no accepted one is declared.",
            "Correct the report and submit it again.",
        ),
        "in_review": Message(
            "Report {report} was submitted on {submitted_on}, in time; that it was accepted is not stated.",
            "Ask for the receipt, and state `state` of the report.",
        ),
        "no_day": Message(
            "When report {report}, due by {due_on}, was submitted is not stated.",
            "State `submitted_on` of the report and attach the receipt.",
        ),
        "no_due_date": Message(
            "By when report {report} is due is neither in the calendar nor in its record.",
            "Ask the administration for the date; state it as `due_on`, or in `reporting_calendar` of the policy.",
        ),
        "other_due_date": Message(
            "Report {report} was submitted on {submitted_on}: by {due_on}, which its record gives, but after "
            "{calendar_on}, which the calendar gives.",
            "Ask for the administration's decision on the later date.",
        ),
        "put_off": Message(
            "Report {report} was due by {calendar_on} by the calendar; its record gives {due_on}, and none is submitted.",
            "Ask for the administration's decision on the later date.",
        ),
        "not_due": Message("Report {report} is due by {due_on}, which lies ahead."),
    },
)
