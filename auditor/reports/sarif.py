"""The result as SARIF 2.1.0, whole: what SARIF has a field for stands there, the rest in `properties`.

pass, fail and not_applicable are kinds of SARIF, a clause for a person is a `review`; inconclusive, error and
not_checked are `open`, told apart by a property. `level` is `none` unless the kind is `fail`.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from auditor.errors import UsageError
from auditor.language import say
from auditor.reports import Report
from auditor.reports._content import head
from auditor.reports._sarif import (
    MANUAL,
    NAME,
    SCHEMA_URI,
    VERSION,
    invocation,
    run_head,
    unbracketed,
    untext,
)
from auditor.reports._sarif_results import FINGERPRINT, KINDS, Results
from auditor.reports._standard import Tail, array, is_ours, path_of, shown, strict, whole, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from auditor.result import AuditResult

KEPT = (
    "schema", "verdict", "partial", "as_of", "operator", "policy_sha256", "min_grade", "confirmed", "zones",
    "sources", "counts", "settled", "unused", "notes",
)  # fmt: skip
VERDICTS = {kind: str(verdict) for verdict, kind in KINDS.items() if kind != "open"}
OPEN = frozenset(str(verdict) for verdict, kind in KINDS.items() if kind == "open")


def render(result: AuditResult, all_findings: bool) -> Iterator[bytes]:  # noqa: FBT001
    """Give one log piece by piece; results are written as they are made."""
    told, tail = head(result), Tail()
    results = Results(result, told)
    yield b'{"$schema":"%s","version":"%s","runs":[' % (SCHEMA_URI.encode(), VERSION.encode())
    yield written(run_head(result, told))[:-1] + b',"results":['
    found = (results.result(one) for one in shown(result, all_findings, tail))
    yield from array(chain(found, map(results.manual, result.manual)))
    properties = {key: told[key] for key in KEPT} | {"causes": result.causes}
    yield b"]," + written({"invocations": [invocation(result, tail)], "properties": properties})[1:] + b"]}\n"


def read(data: bytes) -> dict[str, Any]:
    """Give the result back.

    Raises
    ------
    UsageError
        It is no SARIF 2.1.0, not ours, or not whole.
    """
    log = strict(data)
    if not isinstance(log, dict) or log.get("version") != VERSION or not isinstance(log.get("runs"), list):
        raise UsageError(say("it is no SARIF {version}", version=VERSION))
    if len(log["runs"]) != 1:
        raise UsageError(say("it holds {number} runs, not one", number=len(log["runs"])))
    run = log["runs"][0]
    with whole():
        tool = run["tool"]["driver"]
        if tool["name"] != NAME:
            raise UsageError(say("it was written by {tool}", tool=str(tool["name"])[:80]))
        is_ours(run.get("properties", {}).get("schema"))
        return _values(run, tool)


def _values(run: Mapping[str, Any], tool: Mapping[str, Any]) -> dict[str, Any]:
    ran = {rule["id"]: rule for rule in tool["rules"] if rule["id"] != MANUAL}
    findings = [_record(one, ran[one["ruleId"]]) for one in run["results"] if one["ruleId"] != MANUAL]
    properties = run["properties"]
    return {key: properties[key] for key in (*KEPT, "causes")} | {
        "tool": {"version": tool["version"]},
        "lang": run["language"],
        "rules": [
            {"id": name, **{key: rule["properties"][key] for key in ("sha256", "placed")}}
            for name, rule in ran.items()
        ],
        "inputs": [
            {"path": path_of(one["location"]["uri"]), "sha256": one["hashes"]["sha-256"]}
            for one in run["artifacts"]
        ],
        "manual": [one["taxa"][0]["id"] for one in run["results"] if one["ruleId"] == MANUAL],
        "findings": findings,
        "not_checked": [
            {"rule": one["rule"], "subject": one["subject"]}
            for one in findings
            if one["verdict"] == "not_checked"
        ],
    }


def _record(one: Mapping[str, Any], rule: Mapping[str, Any]) -> dict[str, Any]:
    """Give one finding back."""
    message, properties = one["message"], one["properties"]
    verdict = properties["verdict"] if one["kind"] == "open" else VERDICTS[one["kind"]]
    if one["kind"] == "open" and verdict not in OPEN:
        raise ValueError(f"{verdict!r} is not open")
    return {
        "rule": one["ruleId"],
        "basis": rule["properties"]["basis"],
        "clause": ", ".join(tie["target"]["id"] for tie in rule["relationships"]),
        "subject": one["locations"][0]["logicalLocations"][0]["fullyQualifiedName"],
        "verdict": verdict,
        "severity": properties["severity"],
        "grade": properties["grade"],
        "message_id": message["id"],
        "args": _args(message, rule) | properties.get("args", {}),
        "message": untext(message["text"]),
        "ask": properties.get("ask", ""),
        "details": properties.get("details", {}) | _witness(one),
        "observations": properties.get("observations", []),
        "fingerprint": one["fingerprints"][FINGERPRINT],
    }


def _args(message: Mapping[str, Any], rule: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a message; what is more than plain text stands in the properties and replaces them."""
    names = rule["messageStrings"][message["id"]].get("properties", {}).get("arguments", [])
    return {name: unbracketed(words) for name, words in zip(names, message.get("arguments", []), strict=True)}


def _witness(one: Mapping[str, Any]) -> dict[str, Any]:
    flows = [flow["threadFlows"][0] for flow in one.get("codeFlows", [])]
    paths: dict[str, Any] = {
        flow["id"]: [_name(step["location"]) for step in flow["locations"]] for flow in flows
    }
    if one.get("relatedLocations"):
        paths["handoff"] = [_name(end) for end in one["relatedLocations"]]
    return paths


def _name(location: Mapping[str, Any]) -> str | None:
    named = location.get("logicalLocations")
    return named[0]["fullyQualifiedName"].removeprefix("node:") if named else None


REPORT = Report("sarif", (".sarif",), render, read=read)
