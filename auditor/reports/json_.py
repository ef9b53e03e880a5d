"""The result as JSON (`auditor.result/1`, DESIGN 7); same input, same bytes."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson

from auditor import __version__
from auditor.findings import SETTLED, Verdict, plain
from auditor.reports import Report
from auditor.result import Causes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.result import AuditResult


def head(result: AuditResult) -> dict[str, Any]:
    """Give all but what is told of single findings."""
    case = result.case
    operator, areas = case.declaration.operator, case.areas
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
        "inputs": [{"path": path, "sha256": sha256} for path, sha256 in inputs(result)],
        "zones": areas.provenance(),
        "sources": sources(result),
        "counts": result.counts,
        "manual": [clause.id for clause in result.manual],
        "unused": [{"where": u.where, "what": u.what, "why": u.why} for u in case.declaration.unused],
        "notes": [{"where": n.where, "what": n.what} for n in result.notes],
    }


def inputs(result: AuditResult) -> list[tuple[str, str]]:
    """Files that were read, with their digests: of the declaration, and of the observations."""
    seen = result.case.observations
    read = [(i.path, i.sha256) for i in result.case.declaration.inputs]
    return [*read, (seen.name, seen.sha256)] if seen is not None and seen.sha256 else read


def sources(result: AuditResult) -> list[dict[str, Any]]:
    """Where the observations come from: vintage, licence and attribution of each source."""
    seen = result.case.observations
    return [] if seen is None else [plain(asdict(source)) for source in seen.sources]


def dumps(value: object) -> bytes:
    """Write values of findings: numpy's own fast, all others as `plain` has them."""
    return orjson.dumps(value, default=plain, option=orjson.OPT_SERIALIZE_NUMPY)


def render(result: AuditResult, all_findings: bool) -> Iterator[bytes]:  # noqa: FBT001
    """Give one line of JSON piece by piece; findings are written as they are made, in constant memory."""
    skipped: list[dict[str, str]] = []
    causes = Causes()
    shown = set(Verdict) if all_findings else set(Verdict) - SETTLED
    yield dumps(head(result))[:-1] + b',"findings":['
    comma = b""
    for finding in result.findings.rows(shown):
        yield comma + dumps(result.record(finding))
        comma = b","
        if finding.verdict not in SETTLED:
            causes.add(finding)
        if finding.verdict == Verdict.NOT_CHECKED:
            skipped.append({"rule": finding.rule, "subject": finding.subject})
    yield b"]," + dumps({"causes": causes.listed(), "not_checked": skipped})[1:] + b"\n"


def to_dict(result: AuditResult, all_findings: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002
    """Give the result as plain values, in the form that `auditor schema result` states."""
    values: dict[str, Any] = orjson.loads(b"".join(render(result, all_findings)))
    return values


REPORT = Report("json", (".json",), render)
