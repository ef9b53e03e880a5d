"""The result as JSON (`auditor.result/1`, DESIGN 7); same input, same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from auditor import __version__
from auditor.findings import Verdict
from auditor.reports import Report

if TYPE_CHECKING:
    from auditor.result import AuditResult


def to_dict(result: AuditResult, all_findings: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002
    """Give the result as plain values, in the form that `auditor schema result` states."""
    case = result.case
    operator, areas = case.declaration.operator, case.areas
    shown = result.findings.rows() if all_findings else result.unsettled
    return {
        "schema": "auditor.result/1",
        "tool": {"version": __version__},
        "verdict": str(result.verdict),
        "partial": result.partial,
        "as_of": case.as_of.isoformat(),
        "lang": result.lang,
        "operator": {
            "name": operator.name,
            "uscc": operator.uscc,
            "area": areas.ids[case.area] if case.area >= 0 else None,
        },
        "policy_sha256": case.policy.sha256,
        "inputs": [{"path": i.path, "sha256": i.sha256} for i in case.declaration.inputs],
        "zones": areas.provenance(),
        "counts": result.counts,
        "causes": result.causes,
        "findings": [result.record(finding) for finding in shown],
        "manual": [clause.id for clause in result.manual],
        "not_checked": [
            {"rule": f.rule, "subject": f.subject}
            for f in result.unsettled
            if f.verdict == Verdict.NOT_CHECKED
        ],
        "unused": [{"where": u.where, "what": u.what, "why": u.why} for u in case.declaration.unused],
    }


def render(result: AuditResult, all_findings: bool) -> str:  # noqa: FBT001
    """Give one line of JSON."""
    return orjson.dumps(to_dict(result, all_findings), option=orjson.OPT_APPEND_NEWLINE).decode()


REPORT = Report("json", (".json",), render)
