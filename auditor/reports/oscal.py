"""The result as OSCAL assessment-results (NIST, JSON), whole.

Every finding is an *observation* with its subject and evidence. Only pass and fail are OSCAL *findings* too
(satisfied, not-satisfied): OSCAL knows no third state, so what is inconclusive, was not checked or needs a
person stays an observation that says so. The clauses are the reviewed controls. What has no field stands in
properties of our namespace.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from auditor import registers
from auditor.findings import Verdict
from auditor.language import both
from auditor.language import render as filled
from auditor.messages import VERDICTS, observation_line
from auditor.reports import Report
from auditor.reports._content import head
from auditor.reports._oscal import HEAD, RECORD, ROOT, STATES, Document, controls, line, prop, prose
from auditor.reports._oscal_read import read
from auditor.reports._standard import PATHS, Tail, array, named, shown, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from auditor.reports._standard import Shown
    from auditor.result import AuditResult

WITNESS = both("What the finding rests on.")
SETTLED = both("{rule}: {number} subjects, {verdict}")
PERSON = both("{clause} needs a person: {reason}")
UNSEEN = both("no observations were given, without which its rules see nothing")
BROKEN = both("{message} ({number} subjects)")
ABOUT = both("Findings of auditor, by rule and subject.")


def render(result: AuditResult, all_findings: bool) -> Iterator[bytes]:  # noqa: FBT001
    """Give one document piece by piece; findings wait until all observations are written."""
    told, tail = head(result), Tail()
    document = Document(result, told, "all" if all_findings else "unsettled")
    writer = _Writer(document, all_findings=all_findings)
    found = (writer.observation(one) for one in shown(result, all_findings, tail))
    yield b'{"%s":' % ROOT.encode() + written(document.opening())[:-1] + b',"results":['
    yield written(_opening(document))[:-1] + b',"observations":['
    yield from array(chain(found, writer.settled(), writer.manual()))
    yield b"]"
    if writer.findings:
        yield b',"findings":[' + b",".join(writer.findings) + b"]"
    yield b"," + written(_closing(document, writer, tail, result.causes))[1:] + b"]}}\n"


def _opening(document: Document) -> dict[str, Any]:
    """Give the result up to its observations."""
    told = document.head
    verdict = VERDICTS[Verdict(told["verdict"])].in_(document.lang)
    objectives = [{"objective-id": rule["id"]} for rule in told["rules"]]
    return {
        "uuid": named(document.uuid, "result"),
        "title": line(f"{told['operator']['name']}: {verdict}"),
        "description": ABOUT.in_(document.lang),
        "start": document.start,
        "end": document.start,
        "reviewed-controls": controls(document.controls)
        | ({"control-objective-selections": [{"include-objectives": objectives}]} if objectives else {}),
    }


class _Writer:
    """Writes observations; keeps what comes after them."""

    def __init__(self, document: Document, *, all_findings: bool) -> None:
        self.document = document
        self.all_findings = all_findings
        self.titles = {rule.id: line(rule.title.in_(document.lang)) for rule in document.result.rules}
        self.findings: list[bytes] = []
        self.items: dict[str, str] = {}
        self.number = 0

    def _observation(self, words: str, method: str, props: list[dict[str, str]]) -> dict[str, Any]:
        """Give the frame of an observation."""
        self.number += 1
        return {
            "uuid": named(self.document.uuid, "observation", str(self.number)),
            "description": prose(words),
            "props": props,
            "methods": [method],
            "types": ["finding"],
            "origins": [{"actors": [{"type": "tool", "actor-uuid": self.document.tool}]}],
            "collected": self.document.start,
        }

    def _subjects(self, names: list[str]) -> list[dict[str, str]]:
        """Point at subjects, and remember them as items of the inventory."""
        subjects = [self.document.subject(name) for name in names]
        self.items.update((s["title"], s["subject-uuid"]) for s in subjects if s["type"] != "party")
        return subjects

    def observation(self, one: Shown) -> dict[str, Any]:
        """Give one finding of a rule."""
        record, verdict = one.record, one.finding.verdict
        props = [prop(key, record[key]) for key in RECORD]
        if record["args"]:
            props.append(prop("args", record["args"]))
        if one.lon_lat is not None:
            props += [prop("lon", str(one.lon_lat[0])), prop("lat", str(one.lon_lat[1]))]
        if verdict not in STATES:
            props.append(prop("verdict", record["verdict"]))
        told = self._observation(record["message"], "TEST", props)
        told["subjects"] = self._subjects([record["subject"]])
        if evidence := [*self._witness(record["details"]), *map(self._seen, record["observations"])]:
            told["relevant-evidence"] = evidence
        if record["ask"]:
            told["remarks"] = prose(record["ask"])
        if verdict in STATES:
            self._find(record["rule"], verdict, told["uuid"], record["subject"])
        return told

    def _find(self, rule: str, verdict: Verdict, observation: str, words: str) -> None:
        state, reason = STATES[verdict]
        finding = {
            "uuid": named(self.document.uuid, "finding", observation),
            "title": self.titles[rule],
            "description": prose(words),
            "target": {
                "type": "objective-id",
                "target-id": rule,
                "status": {"state": state, "reason": reason},
            },
            "related-observations": [{"observation-uuid": observation}],
        }
        self.findings.append(written(finding))

    def _witness(self, details: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Give the facts of a finding; paths in words, too."""
        if not details:
            return []
        ways = [" → ".join(node or "?" for node in details[name]) for name in PATHS if details.get(name)]
        words = " ".join((WITNESS.in_(self.document.lang), *ways))
        facts = [prop("detail", {name: value}) for name, value in details.items()]
        return [{"description": prose(words), "props": facts}]

    def _seen(self, observation: Mapping[str, Any]) -> dict[str, Any]:
        """Give what one source said."""
        words = observation_line(observation, self.document.lang)
        return {"description": prose(words), "props": [prop("observation", observation)]}

    def settled(self) -> Iterator[dict[str, Any]]:
        """Give one observation a rule on all that pass, and one on all to which it does not apply."""
        for rule, verdicts in (self.document.head["settled"] or {}).items():
            for verdict, names in verdicts.items():
                shown_as = VERDICTS[Verdict(verdict)].in_(self.document.lang)
                words = filled(
                    SETTLED.in_(self.document.lang),
                    {"rule": rule, "number": len(names), "verdict": shown_as},
                    self.document.lang,
                )
                told = self._observation(words, "TEST", [prop("settled", verdict), prop("rule", rule)])
                if names:
                    told["subjects"] = self._subjects(names)
                if verdict == Verdict.PASS and names and not self.all_findings:
                    self._find(rule, Verdict.PASS, told["uuid"], words)
                yield told

    def manual(self) -> Iterator[dict[str, Any]]:
        """Give one observation a clause that a person must judge."""
        lang = self.document.lang
        for name in self.document.head["manual"]:
            clause = registers.clause(name)
            reason = (clause.reason_zh if lang == "zh" else clause.reason_en) or UNSEEN.in_(lang)
            words = filled(PERSON.in_(lang), {"clause": name, "reason": reason}, lang)
            yield self._observation(words, "EXAMINE", [prop("verdict", "manual"), prop("clause", name)])


def _closing(document: Document, writer: _Writer, tail: Tail, causes: list[dict[str, Any]]) -> dict[str, Any]:
    """Give what is known at the end: the inventory, the log and the sums."""
    told = document.head
    items = [{"uuid": uuid, "description": title} for title, uuid in writer.items.items()]
    counts = [
        prop("count", str(number), group=rule, **{"class": verdict})
        for rule, verdicts in told["counts"].items()
        for verdict, number in verdicts.items()
    ]
    settled = prop("settled", "named" if told["settled"] is not None else "too many")
    definitions = {"assessment-assets": document.assets()} | ({"inventory-items": items} if items else {})
    closing: dict[str, Any] = {
        "local-definitions": definitions,
        "props": [
            *(prop(key, told[key]) for key in HEAD),
            settled,
            *counts,
            *(prop("cause", cause) for cause in causes),
        ],
    }
    if entries := list(_log(document, tail)):
        closing["assessment-log"] = {"entries": entries}
    return closing


def _log(document: Document, tail: Tail) -> Iterator[dict[str, Any]]:
    """Give what was assumed, what was not used, and what broke off."""
    told, lang = document.head, document.lang
    unused = [
        (one["where"], one["what"], [prop("kind", "unused"), prop("why", one["why"])])
        for one in told["unused"]
    ]
    notes = [(one["where"], one["what"], [prop("kind", "note")]) for one in told["notes"]]
    failed = [
        (
            rule,
            filled(BROKEN.in_(lang), {"message": message, "number": number}, lang),
            [prop("kind", verdict)],
        )
        for (rule, verdict, _), (message, number) in tail.failed.items()
    ]
    for i, (where, what, props) in enumerate((*unused, *notes, *failed)):
        yield {
            "uuid": named(document.uuid, "entry", str(i)),
            "title": line(where),
            "description": prose(what),
            "start": document.start,
            "props": props,
        }


REPORT = Report("oscal", (), render, read=read)
