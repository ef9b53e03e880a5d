"""The result as SARIF 2.1.0 for GitHub code scanning: what needs somebody, worst first, within its limits.

Code scanning shows a result of whatever kind as an alert, so passes, what does not apply and clauses for a
person are left out, and so is all beyond its limits; notifications say how many. This form loses findings and
is not read back: `sarif` and `json` carry all. Paths are relative to the folder of the declaration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor.findings import SETTLED, SEVERITIES, WORST_FIRST, Verdict
from auditor.language import say
from auditor.reports import Report
from auditor.reports._content import head
from auditor.reports._sarif import LEVELS, SCHEMA_URI, VERSION, invocation, notification, run_head, text
from auditor.reports._sarif_results import Results
from auditor.reports._standard import Tail, array, shown, uri_of, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.language import Said
    from auditor.reports._standard import Shown
    from auditor.result import AuditResult

MOST = 25_000  # results of a run; GitHub refuses a file with more
MOST_STEPS = 1_000  # steps that it shows of one path
LONGEST = 1_000  # characters of a message
NOWHERE = "declaration.toml"  # where no input is a file, an alert must still stand somewhere
# Rows are not known. A region is required, and the start of the file stands for the file as a whole.
START = {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1}
PROBLEMS = {"error": "error", "warning": "warning", "note": "recommendation"}


def render(result: AuditResult, all_findings: bool) -> Iterator[bytes]:  # noqa: ARG001, FBT001
    """Give one log of one run; alerts are never passes, whatever was asked for."""
    told, tail = head(result), Tail()
    results = Results(result, told)
    found = sorted(shown(result, False, tail), key=_worst_first)  # noqa: FBT003
    yield b'{"$schema":"%s","version":"%s","runs":[' % (SCHEMA_URI.encode(), VERSION.encode())
    yield written(_run_head(result, told))[:-1] + b',"results":['
    yield from array(_alert(results, one) for one in found[:MOST])
    notes = [notification("left_out", said.in_(result.lang)) for said in _left_out(result, len(found))]
    yield b"]," + written({"invocations": [invocation(result, tail, notes)]})[1:] + b"]}\n"


def _run_head(result: AuditResult, told: dict[str, Any]) -> dict[str, Any]:
    """Give the head of the run, less what code scanning does not read."""
    opening = run_head(result, told)
    del opening["translations"], opening["columnKind"]
    for rule in opening["tool"]["driver"]["rules"]:
        level = rule["defaultConfiguration"]["level"]
        if level in PROBLEMS:
            rule["properties"]["problem.severity"] = PROBLEMS[level]
    return opening


def _worst_first(one: Shown) -> tuple[int, int, str, str]:
    finding = one.finding
    verdict, severity = WORST_FIRST.index(finding.verdict), SEVERITIES.index(finding.severity)
    return verdict, severity, finding.rule, finding.subject


def _left_out(result: AuditResult, number: int) -> Iterator[Said]:
    """Say what this form leaves out, by its reason."""
    settled = sum(n for counts in result.counts.values() for v, n in counts.items() if Verdict(v) in SETTLED)
    if settled:
        yield say("{number:,} findings that pass or do not apply are left out.", number=settled)
    if result.manual:
        yield say("{number} clauses that need a person are left out.", number=len(result.manual))
    if number > MOST:
        yield say(
            "{number:,} findings are left out: code scanning takes {most:,} at most. The worst are here.",
            number=number - MOST,
            most=MOST,
        )


def _alert(results: Results, one: Shown) -> dict[str, Any]:
    """Give one alert: where it stands, its subject and text, and what it is matched by from run to run."""
    finding = one.finding
    told = results.result(one)
    words = f"{finding.subject[:LONGEST]}: {one.record['message']}"[:LONGEST]
    told["message"] = {"text": text(words)}
    told["level"] = LEVELS[finding.severity] if finding.verdict == Verdict.FAIL else "none"
    told["partialFingerprints"] = told.pop("fingerprints") | {
        "primaryLocationLineHash": f"{finding.fingerprint[:16]}:1"
    }
    place = told["locations"][0]
    file = place.get("physicalLocation", {"artifactLocation": {"uri": uri_of(NOWHERE)}})
    place["physicalLocation"] = file | {"region": START}
    steps = [location["location"] for flow in told.get("codeFlows", ()) for location in _cut(flow)]
    for location in (*steps, *told.get("relatedLocations", ())):
        location["physicalLocation"] = place["physicalLocation"]
        named = location.get("logicalLocations")
        if named and "message" not in location:
            location["message"] = {"text": text(named[0]["fullyQualifiedName"][:LONGEST])}
    return told


def _cut(flow: dict[str, Any]) -> list[dict[str, Any]]:
    """Cut a path to what code scanning shows of it."""
    thread = flow["threadFlows"][0]
    thread["locations"] = thread["locations"][:MOST_STEPS]
    steps: list[dict[str, Any]] = thread["locations"]
    return steps


REPORT = Report("sarif-github", (), render)
