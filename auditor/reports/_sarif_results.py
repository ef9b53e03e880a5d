"""Results of a SARIF log: one a finding, and one a clause that a person must judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor.explaining import OWN_MESSAGES
from auditor.findings import Verdict
from auditor.language import both, render
from auditor.reports._sarif import (
    CLAUSES,
    LEVELS,
    MANUAL,
    MANUAL_TEXT,
    bracketed,
    clauses,
    gaps,
    name_of,
    sizes_of,
    text,
)
from auditor.reports._standard import PATHS, file_of, uri_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.registers import Clause
    from auditor.reports._standard import Shown
    from auditor.result import AuditResult

FINGERPRINT = "auditorFinding/v1"
KINDS = {
    Verdict.PASS: "pass",
    Verdict.FAIL: "fail",
    Verdict.NOT_APPLICABLE: "notApplicable",
    Verdict.MANUAL: "review",
    Verdict.INCONCLUSIVE: "open",
    Verdict.ERROR: "open",
    Verdict.NOT_CHECKED: "open",
}
ENDS = (both("Hand-off, near end."), both("Hand-off, far end."))
UNDECLARED = both("A far end that is not declared.")
BLIND = both("No observations were given, without which its rules see nothing.")


class Results:
    """Make the results of one run."""

    def __init__(self, result: AuditResult, head: Mapping[str, Any]) -> None:
        self.lang = result.lang
        self.index = {rule.id: i for i, rule in enumerate(result.rules)}
        self.messages = {rule.id: {**OWN_MESSAGES, **rule.messages} for rule in result.rules}
        self.paths = [one["path"] for one in head["inputs"]]
        self.sizes = sizes_of(result)
        self.files: dict[str, dict[str, Any]] = {}
        self.clauses = clauses(result)
        self.manual_rule = len(result.rules)

    def result(self, one: Shown) -> dict[str, Any]:
        """Give one finding: what SARIF has a field for there, all else in its properties."""
        record, finding = one.record, one.finding
        order = gaps(self.messages[finding.rule][finding.message_id])
        filled = [render(gap, finding.args, self.lang) for gap in order]
        fails = finding.verdict == Verdict.FAIL
        message: dict[str, Any] = {"text": text(record["message"]), "id": finding.message_id}
        if filled:
            message["arguments"] = [bracketed(words) for words in filled]
        told = {
            "ruleId": finding.rule,
            "ruleIndex": self.index[finding.rule],
            "kind": KINDS[finding.verdict],
            "level": LEVELS[finding.severity] if fails else "none",
            "message": message,
            "locations": [self.location(finding.subject, one.lon_lat)],
            "fingerprints": {FINGERPRINT: finding.fingerprint},
        }
        details = dict(record["details"])
        flows = {name: details.pop(name) for name in PATHS if _is_path(details.get(name))}
        if flows:
            told["codeFlows"] = [_flow(name, path, self.lang) for name, path in flows.items()]
        if _is_handoff(details.get("handoff")):
            told["relatedLocations"] = self._handoff(details.pop("handoff"))
        properties = {key: record[key] for key in ("severity", "grade")}
        if KINDS[finding.verdict] == "open":
            properties["verdict"] = record["verdict"]
        shown = {name_of(gap): words for gap, words in zip(order, filled, strict=True) if ":" not in gap}
        args = {
            name: value for name, value in record["args"].items() if name not in shown or shown[name] != value
        }
        extra = {
            "ask": record["ask"],
            "args": args,
            "details": details,
            "observations": record["observations"],
        }
        told["properties"] = properties | {key: value for key, value in extra.items() if value}
        return told

    def location(self, subject: str, lon_lat: tuple[float, float] | None = None) -> dict[str, Any]:
        """Where a subject is declared, what it is called, and where it stands (WGS 84, degrees)."""
        kind, found, name = subject.partition(":")
        told: dict[str, Any] = {
            "logicalLocations": [
                {"name": name if found else kind, "fullyQualifiedName": subject, "kind": kind}
            ]
        }
        if kind not in self.files:
            self.files[kind] = self._file(kind)
        told.update(self.files[kind])
        if lon_lat is not None:
            told["properties"] = {"lon": lon_lat[0], "lat": lon_lat[1]}
        return told

    def _file(self, kind: str) -> dict[str, Any]:
        """Give the file that declares subjects of a kind; rows are not known, so it is meant as a whole."""
        path = file_of(kind, self.paths)
        if path is None:
            return {}
        place: dict[str, Any] = {
            "artifactLocation": {"uri": uri_of(path), "index": self.paths.index(path)},
        }
        if path in self.sizes:
            place["region"] = {"byteOffset": 0, "byteLength": self.sizes[path]}
        return {"physicalLocation": place}

    def _handoff(self, ends: list[str | None]) -> list[dict[str, Any]]:
        return [
            {"id": i, "message": {"text": end.in_(self.lang)}, **_node(name)}
            for i, (end, name) in enumerate(zip(ENDS, ends, strict=True))
        ]

    def manual(self, clause: Clause) -> dict[str, Any]:
        """Give one clause that a person must judge."""
        zh = self.lang == "zh"
        article = f"{clause.instrument}, {clause.article_zh if zh else clause.article}"
        reason = (clause.reason_zh if zh else clause.reason_en) or BLIND.in_(self.lang)
        args = {"clause": clause.id, "article": article, "reason": reason}
        at = self.clauses.index(clause)
        return {
            "ruleId": MANUAL,
            "ruleIndex": self.manual_rule,
            "kind": "review",
            "level": "none",
            "message": {
                "text": text(render(MANUAL_TEXT.in_(self.lang), args, self.lang)),
                "id": "manual",
                "arguments": [bracketed(words) for words in args.values()],
            },
            "locations": [self.location("operator")],
            "taxa": [{"id": clause.id, "index": at, "toolComponent": {"name": CLAUSES, "index": 0}}],
        }


def _is_path(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(v is None or isinstance(v, str) for v in value)


def _is_handoff(value: Any) -> bool:
    return _is_path(value) and len(value) == len(ENDS)


def _node(name: str | None) -> dict[str, Any]:
    """Name a node; a far end that is not declared has no name."""
    return (
        {} if name is None else {"logicalLocations": [{"fullyQualifiedName": f"node:{name}", "kind": "node"}]}
    )


def _flow(name: str, path: list[str | None], lang: str) -> dict[str, Any]:
    """Give a witness path."""
    steps = [_node(node) or {"message": {"text": UNDECLARED.in_(lang)}} for node in path]
    return {"threadFlows": [{"id": name, "locations": [{"location": step} for step in steps]}]}
