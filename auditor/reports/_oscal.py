"""Parts of OSCAL documents: properties, texts, dates, and what a run rests on (rules, files, zones, sources).

Terms of OSCAL (NIST) in our words: rule = *activity* and *objective*, clause = *control*, operator = *party*,
subject = *inventory-item*, input = *resource*.
"""

from __future__ import annotations

import base64
import json
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from auditor.findings import Verdict
from auditor.language import both
from auditor.reports._standard import NAMESPACE, manual_page, named, run_uuid, uri_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditor.result import AuditResult
    from auditor.rule import Rule

OSCAL_VERSION = "1.2.1"
NS = "urn:auditor:oscal:1"
USCC_SCHEME = "urn:auditor:uscc"  # unified social credit identifier, GB 32100
ROOT = "assessment-results"
JSON = "json:"
STATES = {Verdict.PASS: ("satisfied", "pass"), Verdict.FAIL: ("not-satisfied", "fail")}
HEAD = ("schema", "verdict", "partial", "lang", "policy_sha256", "min_grade")  # kept as properties
RECORD = ("rule", "severity", "grade", "message_id", "fingerprint")  # kept as properties of an observation
PLAN = both("Rules of auditor that were run; there is no assessment plan apart from them.")
TOOL = both("Checks declared networks against Circular 107.")
CONFIRMED = both("Document that a review confirms")
INPUT = both("File that was read")
ZONE = both("Boundary of a part of a pilot area")
SOURCE = both("Source of observations")
ASSESSED = both("Operator that is audited")
MARKUP = re.compile(r"([\\`*_\[\]<>{&~#|])")
UNMARKUP = re.compile(r"\\([\\`*_\[\]<>{&~#|])")


def packed(value: Any) -> str:
    r"""Write a value where OSCAL wants one line without blanks around it: plain text as it is, else as JSON.

    Examples
    --------
    >>> packed("sub-17"), packed(""), packed("a\nb"), packed({"n": 1}), packed("json:1")
    ('sub-17', 'json:""', 'json:"a\\nb"', 'json:{"n":1}', 'json:"json:1"')
    """
    if isinstance(value, str) and _is_plain(value):
        return value
    told = orjson.dumps(value).decode()
    if not told.isprintable():
        told = "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in told)
    return JSON + told


def _is_plain(words: str) -> bool:
    return bool(words) and words.isprintable() and words == words.strip() and not words.startswith(JSON)


def unpacked(told: str) -> Any:
    """Give the value back."""
    return orjson.loads(told.removeprefix(JSON)) if told.startswith(JSON) else told


def prose(words: str) -> str:
    r"""Write text where OSCAL reads Markdown, so that nothing in it is markup.

    Examples
    --------
    >>> prose("<img onerror=a> [b](c) sub_1")
    '\\<img onerror=a\\> \\[b\\](c) sub\\_1'
    """
    return MARKUP.sub(r"\\\1", words)


def unprose(words: str) -> str:
    """Give the text back."""
    return UNMARKUP.sub(r"\1", words)


def line(value: str) -> str:
    """Write text where OSCAL reads one line of Markdown."""
    return prose(packed(value))


def unline(words: str) -> str:
    """Give the text back.

    Raises
    ------
    TypeError
        It is none.
    """
    value = unpacked(unprose(words))
    if not isinstance(value, str):
        raise TypeError(f"{words[:40]!r} is no text")
    return value


def prop(name: str, value: Any, **more: str) -> dict[str, str]:
    """Give one property of ours."""
    return {"name": name, "ns": NS, "value": packed(value), **more}


def props_of(thing: Mapping[str, Any]) -> dict[str, Any]:
    """Read the properties of ours by name."""
    return {one["name"]: unpacked(one["value"]) for one in thing.get("props", ()) if one.get("ns") == NS}


def at(as_of: str) -> str:
    """Give the day of the audit as a moment, since OSCAL has no days; the clock is not asked."""
    return f"{as_of}T00:00:00Z"


def controls(ids: Iterable[str]) -> dict[str, Any]:
    """Select clauses as controls."""
    return {"control-selections": [{"include-controls": [{"control-id": name} for name in ids]}]}


class Document:
    """Parts of the document of one run.

    Parameters
    ----------
    result
        What to tell.
    head
        Its head, as the result schema has it.
    listed
        Name of the choice of findings, for the document's UUID.
    """

    def __init__(self, result: AuditResult, head: Mapping[str, Any], listed: str) -> None:
        self.result = result
        self.head = head
        self.lang = result.lang
        self.uuid = run_uuid(head, "oscal", listed)
        self.start = at(head["as_of"])
        self.party = named(NAMESPACE, "operator", head["operator"]["uscc"] or head["operator"]["name"])
        self.tool = named(NAMESPACE, "tool", head["tool"]["version"])
        self.plan = named(self.uuid, "plan")

    def opening(self) -> dict[str, Any]:
        """Give all of the document that stands beside its result."""
        return {
            "uuid": str(self.uuid),
            "metadata": self._metadata(),
            "import-ap": {"href": f"#{self.plan}"},
            "local-definitions": {"activities": [self._activity(rule) for rule in self.result.rules]},
            "back-matter": {"resources": self._resources()},
        }

    def _metadata(self) -> dict[str, Any]:
        operator = self.head["operator"]
        party: dict[str, Any] = {"uuid": self.party, "type": "organization", "name": packed(operator["name"])}
        if operator["uscc"] is not None:
            party["external-ids"] = [{"scheme": USCC_SCHEME, "id": packed(operator["uscc"])}]
        party["props"] = [prop("area", operator["area"])]
        title = both("Audit of {operator} under Circular 107", operator=operator["name"])
        return {
            "title": line(title.in_(self.lang)),
            "last-modified": self.start,
            "version": self.head["as_of"],
            "oscal-version": OSCAL_VERSION,
            "roles": [{"id": "assessed", "title": ASSESSED.in_(self.lang)}],
            "parties": [party],
            "responsible-parties": [{"role-id": "assessed", "party-uuids": [self.party]}],
        }

    def _activity(self, rule: Rule) -> dict[str, Any]:
        told = {
            "uuid": named(self.uuid, "rule", rule.id),
            "title": line(rule.title.in_(self.lang)),
            "description": "\n\n".join(manual_page(rule, self.lang, "### ")),
            "props": [
                prop("rule", rule.id),
                prop("sha256", rule.sha256),
                prop("placed", rule.placed),
                prop("basis", rule.basis),
                prop("severity", rule.severity),
            ],
        }
        return told | ({"related-controls": controls(rule.clauses)} if rule.clauses else {})

    def _resources(self) -> list[dict[str, Any]]:
        head = self.head
        plan = {"uuid": self.plan, "title": PLAN.in_(self.lang), "description": PLAN.in_(self.lang)}
        inputs = (
            self._resource(i, "input", INPUT.in_(self.lang), one["path"], _file(one["path"], one["sha256"]))
            for i, one in enumerate(head["inputs"])
        )
        confirmed = (
            self._resource(i, "confirmed", CONFIRMED.in_(self.lang), one, _file(None, one))
            for i, one in enumerate(head["confirmed"])
        )
        zones = (
            self._resource(i, "zone", ZONE.in_(self.lang), one["part"], _file(one["file"], one["sha256"]))
            | {"props": _props("zone", one, ("part", "file", "sha256"))}
            for i, one in enumerate(head["zones"])
        )
        sources = (
            self._resource(i, "source", SOURCE.in_(self.lang), one["source"], {})
            | {"props": _props("source", one, ("source",))}
            for i, one in enumerate(head["sources"])
        )
        return [plan, *inputs, *confirmed, *zones, *sources]

    def _resource(self, i: int, kind: str, what: str, title: str, file: dict[str, Any]) -> dict[str, Any]:
        return {
            "uuid": named(self.uuid, kind, str(i)),
            "title": line(title),
            "description": what,
            "props": [prop("kind", kind)],
            **file,
        }

    @cached_property
    def controls(self) -> list[str]:
        """Clauses that rules of the run answer, or that a person must judge."""
        answered = [name for rule in self.result.rules for name in rule.clauses]
        return list(dict.fromkeys([*answered, *self.head["manual"]]))

    def subject(self, name: str) -> dict[str, str]:
        """Point at a subject."""
        kind, uuid = ("party", self.party) if name == "operator" else ("inventory-item", self.item(name))
        return {"subject-uuid": uuid, "type": kind, "title": line(name)}

    def item(self, name: str) -> str:
        """UUID of a subject, the same in every run on this operator."""
        return named(NAMESPACE, self.party, name)

    def assets(self) -> dict[str, Any]:
        """Give the tool, with its version."""
        component = {
            "uuid": self.tool,
            "type": "software",
            "title": "auditor",
            "description": TOOL.in_(self.lang),
            "props": [{"name": "version", "value": self.head["tool"]["version"]}],
            "status": {"state": "operational"},
        }
        platform = {"uuid": named(NAMESPACE, "platform"), "uses-components": [{"component-uuid": self.tool}]}
        return {"components": [component], "assessment-platforms": [platform]}


def _file(path: str | None, sha256: str) -> dict[str, Any]:
    """Point at a file with its digest; one without a name is called by the digest alone (RFC 6920)."""
    digest = base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")
    href = uri_of(path) if path is not None else f"ni:///sha-256;{digest}"
    return {"rlinks": [{"href": href, "hashes": [{"algorithm": "SHA-256", "value": sha256}]}]}


def _props(kind: str, values: Mapping[str, Any], taken: tuple[str, ...]) -> list[dict[str, str]]:
    return [prop("kind", kind), *(prop(key, value) for key, value in values.items() if key not in taken)]
