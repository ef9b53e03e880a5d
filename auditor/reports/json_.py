"""The result as JSON (`auditor.result/1`, DESIGN 7); same input, same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from auditor.errors import UsageError
from auditor.findings import SETTLED, Verdict
from auditor.language import say
from auditor.reports import Report
from auditor.reports._content import SCHEMA, dumps, head
from auditor.result import Causes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.result import AuditResult


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


def read(data: bytes) -> dict[str, Any]:
    """Give the result back."""
    try:
        values = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise UsageError(say("it is no JSON: {error}", error=str(error))) from None
    if not isinstance(values, dict) or values.get("schema") != SCHEMA:
        raise UsageError(say("its `schema` is not {schema}", schema=SCHEMA))
    return values


REPORT = Report("json", (".json",), render, read=read)
