"""From OSCAL assessment-results that we wrote back to the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor.errors import UsageError
from auditor.findings import Verdict
from auditor.language import say
from auditor.reports._oscal import HEAD, RECORD, ROOT, STATES, props_of, unline, unpacked, unprose
from auditor.reports._standard import is_ours, path_of, strict, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

STATED = {state: str(verdict) for verdict, (state, _) in STATES.items()}
UNSTATED = frozenset(map(str, Verdict)) - frozenset(STATED.values())


def read(data: bytes) -> dict[str, Any]:
    """Give the result back.

    Raises
    ------
    UsageError
        It is no OSCAL assessment-results, not ours, or not whole.
    """
    values = strict(data)
    if not isinstance(values, dict) or not isinstance(values.get(ROOT), dict):
        raise UsageError(say("it is no OSCAL {root}", root=ROOT))
    document = values[ROOT]
    with whole():
        if len(document["results"]) != 1:
            raise UsageError(say("it holds {number} runs, not one", number=len(document["results"])))
        result = document["results"][0]
        props = props_of(result)
        is_ours(props.get("schema"))
        told = {key: props[key] for key in HEAD}
        return told | _document_values(document) | _result_values(result, document)


def _document_values(document: Mapping[str, Any]) -> dict[str, Any]:
    party = document["metadata"]["parties"][0]
    resources = document["back-matter"]["resources"]
    by_kind: dict[str, list[Any]] = {kind: [] for kind in ("input", "confirmed", "zone", "source")}
    for one in resources:
        if kind := props_of(one).get("kind"):
            by_kind[kind].append(one)
    ids = party.get("external-ids")
    return {
        "operator": {
            "name": unpacked(party["name"]),
            "uscc": unpacked(ids[0]["id"]) if ids else None,
            "area": props_of(party)["area"],
        },
        "rules": [
            {"id": rule["rule"], "sha256": rule["sha256"], "placed": rule["placed"]}
            for rule in map(props_of, document["local-definitions"]["activities"])
        ],
        "inputs": [{"path": path_of(_link(one)["href"]), "sha256": _digest(one)} for one in by_kind["input"]],
        "confirmed": [_digest(one) for one in by_kind["confirmed"]],
        "zones": [
            {"part": unline(one["title"]), "file": path_of(_link(one)["href"]), "sha256": _digest(one)}
            | _less_kind(one)
            for one in by_kind["zone"]
        ],
        "sources": [{"source": unline(one["title"])} | _less_kind(one) for one in by_kind["source"]],
    }


def _less_kind(resource: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in props_of(resource).items() if name != "kind"}


def _link(resource: Mapping[str, Any]) -> dict[str, Any]:
    link: dict[str, Any] = resource["rlinks"][0]
    return link


def _digest(resource: Mapping[str, Any]) -> str:
    return str(_link(resource)["hashes"][0]["value"])


def _result_values(result: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    sums = props_of(result)
    counts: dict[str, dict[str, int]] = {}
    for one in result["props"]:
        if one["name"] == "count":
            counts.setdefault(one["group"], {})[one["class"]] = int(one["value"])
    told = _observed(result, document)
    return told | {
        "as_of": result["start"][:10],
        "tool": {"version": _version(result)},
        "counts": counts,
        "settled": told["settled"] if sums["settled"] == "named" else None,
        "unused": _entries(result, "unused"),
        "notes": _entries(result, "note"),
        "causes": [unpacked(one["value"]) for one in result["props"] if one["name"] == "cause"],
        "not_checked": [
            {"rule": one["rule"], "subject": one["subject"]}
            for one in told["findings"]
            if one["verdict"] == Verdict.NOT_CHECKED
        ],
    }


def _version(result: Mapping[str, Any]) -> str:
    tool = result["local-definitions"]["assessment-assets"]["components"][0]
    return next(str(one["value"]) for one in tool["props"] if one["name"] == "version")


def _entries(result: Mapping[str, Any], kind: str) -> list[dict[str, str]]:
    """Give notes, or what was not used, back."""
    entries = [(one, props_of(one)) for one in result.get("assessment-log", {}).get("entries", ())]
    return [
        {"where": unline(one["title"]), "what": unprose(one["description"])}
        | ({"why": props["why"]} if "why" in props else {})
        for one, props in entries
        if props["kind"] == kind
    ]


def _observed(result: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """Give findings, settled subjects and clauses for a person back."""
    stated = {
        one["related-observations"][0]["observation-uuid"]: STATED[one["target"]["status"]["state"]]
        for one in result.get("findings", ())
    }
    rules = {props_of(one)["rule"]: _rule(one) for one in document["local-definitions"]["activities"]}
    findings, manual = [], []
    settled: dict[str, dict[str, list[str]]] = {}
    for one in result["observations"]:
        props = props_of(one)
        if "settled" in props:
            names = [unline(subject["title"]) for subject in one.get("subjects", ())]
            settled.setdefault(props["rule"], {})[props["settled"]] = names
        elif "clause" in props:
            manual.append(props["clause"])
        else:
            verdict = stated.get(one["uuid"]) or props["verdict"]
            findings.append(_record(one, props) | {"verdict": verdict} | rules[props["rule"]])
    return {"findings": findings, "settled": settled, "manual": manual}


def _rule(activity: Mapping[str, Any]) -> dict[str, str]:
    """Basis and clauses of a rule."""
    chosen = activity.get("related-controls", {}).get("control-selections", ())
    clauses = [one["control-id"] for part in chosen for one in part["include-controls"]]
    return {"basis": props_of(activity)["basis"], "clause": ", ".join(clauses)}


def _record(one: Mapping[str, Any], props: Mapping[str, Any]) -> dict[str, Any]:
    """Give one finding back, less what its rule says."""
    details: dict[str, Any] = {}
    observations = []
    for evidence in one.get("relevant-evidence", ()):
        for part in evidence["props"]:
            value = unpacked(part["value"])
            if part["name"] == "detail":
                details.update(value)
            else:
                observations.append(value)
    return {key: props[key] for key in RECORD} | {
        "subject": unline(one["subjects"][0]["title"]),
        "args": props.get("args", {}),
        "message": unprose(one["description"]),
        "ask": unprose(one.get("remarks", "")),
        "details": details,
        "observations": observations,
    }
