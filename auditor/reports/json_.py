"""The result as JSON (`auditor.result/1`, DESIGN 7); same input, same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from auditor.errors import UsageError
from auditor.findings import SETTLED, Verdict
from auditor.language import say
from auditor.reports import Report
from auditor.reports._content import SCHEMA, dumps, head
from auditor.reports._fragments import written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.result import AuditResult


def render(result: AuditResult, all_findings: bool) -> Iterator[bytes]:  # noqa: FBT001
    """Give one line of JSON piece by piece; findings are written as they are made, in constant memory."""
    yield dumps(head(result))[:-1] + b',"findings":['
    shown = set(Verdict) if all_findings else set(Verdict) - SETTLED
    held = b""
    for some in written(result, shown):
        yield held
        held = some
    yield held[:-1]  # without the last comma
    tail = {"causes": result.causes, "not_checked": list(_not_checked(result))}
    yield b"]," + dumps(tail)[1:] + b"\n"


def _not_checked(result: AuditResult) -> Iterator[dict[str, str]]:
    """Name what a rule left out."""
    for found in result.findings.rules:
        for finding in result.findings.of(found, Verdict.NOT_CHECKED):
            yield {"rule": finding.rule, "subject": finding.subject}


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
