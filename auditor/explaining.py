"""How a finding came about, line by line, and the messages of the engine itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor import registers
from auditor.findings import Verdict
from auditor.language import Text, both, joined, render, told
from auditor.messages import GRADES, VERDICTS, observation_line, weightiest
from auditor.rule import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditor.rule import Rule

OWN_MESSAGES: Mapping[str, Message] = {
    "not_pilot": Message(
        "No service of this operator is under the pilot of Circular 107, so the rule binds nothing here."
    ),
    "service_not_offered": Message(
        "{service} is not offered under the pilot, so the rule binds nothing here."
    ),
    "no_observations": Message(
        "No observations were given to hold the declaration against.",
        "Run `auditor collect` and give its file with --observations.",
    ),
    "no_records": Message(
        "No records of what this rule judges were declared, and no duty of that kind is stated.",
        "Add the records to the declaration, or have a person look.",
    ),
    "nothing_in_scope": Message("Nothing in the declaration is of the kind that this rule judges."),
    "regime_unknown": Message(
        "Would fail if {service} is offered under the pilot, but its regime is not stated. {told}",
        "State `regime` of the service.",
    ),
    "grade_too_low": Message(
        "Holds by evidence of grade E{grade}; at least E{least} is asked for. {told}",
        "Attach the document and have it confirmed in reviews.csv.",
    ),
    "observed_only": Message(
        "Would fail, but only an observation (grade E4) says so. {told}",
        "Ask the operator for what proves it: contract, title, filing, or its own declaration.",
    ),
    "skipped": Message(
        "The rule gave no answer for this subject: a defect of the rule, not of the operator.",
        "Report it with the declaration, if you may share it.",
    ),
    "raised": Message(
        "The rule broke off with {error}: a defect of the rule, not of the operator.",
        "Report it with the declaration, if you may share it.",
    ),
}

PATHS = frozenset({"path", "path_to_gate", "path_observed", "handoff"})
FAMILIES = frozenset({"contradicting", "supporting"})
EXPLAIN_WORDS = {
    "rule": both("rule"),
    "subject": both("subject"),
    "clause": both("clause"),
    "observation": both("observation"),
    "evidence": both("evidence"),
    "verdict": both("verdict"),
    "next": both("next"),
}
# Facts of witnesses by their names in a result.
FACTS = {
    "acknowledged_on": both("acknowledged on"),
    "address": both("address"),
    "addresses": both("addresses"),
    "area": both("area"),
    "areas": both("areas"),
    "as_of": both("date of the audit"),
    "asn": both("autonomous systems"),
    "beyond": both("beyond the area"),
    "calendar_on": both("due by the calendar"),
    "cap": both("cap on the foreign share"),
    "chains": both("names that lead there"),
    "claimed": both("area claimed"),
    "codes": both("region codes"),
    "content": both("content"),
    "contracts": both("contracts"),
    "contradicting": both("sources that contradict"),
    "count": both("number"),
    "counted_on": both("counted on"),
    "coverage": both("coverage"),
    "deadline_on": both("deadline"),
    "distance_m": both("distance from the edge in metres (negative inside)"),
    "document": both("document"),
    "done_on": both("done on"),
    "doubts": both("in doubt"),
    "due_on": both("due by"),
    "ends": both("ends"),
    "event": both("event"),
    "facilities": both("facilities"),
    "granted": both("first reply of"),
    "handoff": both("hand-off link"),
    "holder": both("holder"),
    "idle": both("not in service"),
    "known": both("known areas"),
    "left": both("users who left"),
    "likelihood_ratio": both("likelihood ratio"),
    "limit_m": both("farthest reach in metres"),
    "lon_lat": both("longitude, latitude"),
    "lost": both("named but not declared"),
    "migrated": both("users migrated"),
    "named": both("named"),
    "networks": both("delivery networks of others"),
    "new_users": both("users taken on since"),
    "nodes": both("nodes"),
    "notice_days": both("days of notice asked for"),
    "notice_given": both("days of notice given"),
    "notice_on": both("notice on"),
    "number": both("number of the reply"),
    "numbers": both("numbers of the replies"),
    "open_tasks": both("still to be done"),
    "owner": both("owner"),
    "parts": both("parts of areas"),
    "path": both("path"),
    "path_observed": both("path traced"),
    "path_to_gate": both("path to the access equipment"),
    "plan": both("plan"),
    "radius_m": both("accuracy in metres"),
    "receiver": both("receiver"),
    "refunded": both("users refunded"),
    "regime": both("regime"),
    "regime_from_on": both("regime since"),
    "region_code": both("region code"),
    "registered": both("registered name"),
    "registered_in": both("registered in"),
    "remaining": both("users who remain"),
    "removed_on": both("removed on"),
    "replies": both("replies declared"),
    "replies_on": both("replies of the ministry"),
    "reply_on": both("area approved on"),
    "report": both("report"),
    "retrieved_on": both("record read on"),
    "rtt_ms": both("round trip in milliseconds"),
    "scope": both("scope declared"),
    "sender": both("sender"),
    "sent_on": both("sent on"),
    "service": both("service"),
    "services": both("services"),
    "share": both("foreign share"),
    "since": both("since"),
    "start": both("under the pilot since"),
    "state": both("state"),
    "status": both("status"),
    "stop_on": both("stop on"),
    "submitted_on": both("submitted on"),
    "subscribers": both("groups of subscribers"),
    "supplier": both("supplier"),
    "supporting": both("sources that support"),
    "target": both("target provider"),
    "transition_until": both("transition until"),
    "unannounced": both("not announced"),
    "unclear": both("not clear"),
    "undeclared": both("addresses not declared"),
    "unheard": both("domains without an answer"),
    "unresolved": both("domains that lead to no address"),
    "used": both("areas as of"),
    "users": both("users"),
    "vantage": both("vantage point"),
    "whose": both("owner or supplier"),
}
# Facts that are something else in one rule.
FACTS_OF = {
    ("PILOT-FAC-04", "declared"): both("record of the inventory"),
    ("PILOT-FAC-04", "filed"): both("record as filed"),
    ("PILOT-FAC-04", "reason"): both("weightiest difference"),
    ("PILOT-FAC-04", "file"): both("filings"),
    ("PILOT-FAC-04", "agreed"): both("records that agree"),
    ("PILOT-FAC-04", "open"): both("records that do not agree"),
    ("PILOT-FAC-05", "distance_m"): both("distance from there in metres"),
    ("PILOT-FAC-04", "holder"): both("holder by the registry"),
    ("PILOT-ISP-02", "count"): both("users"),
    ("PILOT-ISP-06", "count"): both("users"),
    ("PILOT-FAC-03", "count"): both("nodes named"),
    ("PILOT-GOV-07", "number"): both("number of the approval"),
    ("PILOT-GOV-09", "number"): both("number of the approval"),
}


def fact_name(rule_id: str, name: str) -> Text:
    """Name a fact of a rule's witness; one that no rule here has keeps the name it has."""
    return FACTS_OF.get((rule_id, name)) or FACTS.get(name) or Text(name, name)


def explained(
    rule: Rule, record: Mapping[str, Any], result: Mapping[str, Any], lang: str
) -> list[tuple[str, str]]:
    """Give the reasons of one finding line by line, from its record in a result.

    Parameters
    ----------
    record, result
        A finding, and the result it stands in, as plain values.
    """
    words = EXPLAIN_WORDS
    lines = [(words["rule"], f"{rule.id} {rule.title.in_(lang)}"), (words["subject"], record["subject"])]
    for clause in (registers.clause(name) for name in rule.clauses):
        lines += [(words["clause"], text) for text in _quoted(clause, lang)]
    for name, value in record["details"].items():
        if value not in (None, "", [], {}):
            lines.append((fact_name(rule.id, name), _line(name, value, lang)))
    lines += [(words["observation"], observation_line(o, lang)) for o in weightiest(record["observations"])]
    message, ask = says(rule, record, lang)
    verdict = VERDICTS[Verdict(record["verdict"])]
    grade = both("{grade}, {day}", grade=GRADES.get(record["grade"], record["grade"]), day=result["as_of"])
    lines += [
        (words["evidence"], grade.in_(lang)),
        (words["verdict"], both("{verdict}. {message}", verdict=verdict, message=message).in_(lang)),
    ]
    if ask:
        lines.append((words["next"], ask))
    return [(name.in_(lang), text) for name, text in lines]


def page(lines: Iterable[tuple[str, str]], lang: str) -> str:
    """Write the lines of one finding, each after its name."""
    return "\n".join(both("{name}: {text}", name=name, text=text).in_(lang) for name, text in lines)


def _quoted(clause: registers.Clause, lang: str) -> list[str]:
    """Give a clause with its place; the Chinese governs, so English readers see both."""
    first = both("{name}: {text}", name=clause.place(lang), text=clause.zh).in_(lang)
    return [first, clause.en] if clause.en and lang != "zh" else [first]


def says(rule: Rule, record: Mapping[str, Any], lang: str) -> tuple[str, str]:
    """Give what a record says and what to do next; a message that is no more stays as it was written."""
    message = {**OWN_MESSAGES, **rule.messages}.get(record["message_id"])
    if message is None:
        return record["message"], ""
    args = {name: _texts(value) for name, value in record["args"].items()}
    says, ask = (message.zh, message.ask_zh) if lang == "zh" else (message.en, message.ask_en)
    return render(says, args, lang), render(ask, args, lang)


def _line(name: str, value: Any, lang: str) -> str:
    """Write one fact on a line: paths by arrows, lists by commas."""
    if name in PATHS:
        return " → ".join(node or "?" for node in value)
    if name == "chains":
        ways = (chain if isinstance(chain, str) else " → ".join(chain) for chain in value)
        return ("；" if lang == "zh" else "; ").join(ways)
    if name in FAMILIES:
        families = map(registers.read_weights().family, value)
        value = [Text(family.name_en, family.name_zh) for family in families]
    return _told(_texts(value), lang)


def _told(value: Any, lang: str) -> str:
    if isinstance(value, bool):
        return (both("yes") if value else both("no")).in_(lang)
    if isinstance(value, list):
        return ("、" if lang == "zh" else ", ").join(_told(part, lang) for part in value)
    if isinstance(value, dict):
        pairs = (both("{name}: {text}", name=k, text=_told(_texts(v), lang)) for k, v in value.items())
        return joined(pairs, ", ", "，").in_(lang)
    return told(value, lang)


def _texts(value: Any) -> Any:
    """Make texts of what was one before it was written, in lists too."""
    if isinstance(value, list):
        return [_texts(part) for part in value]
    is_text = isinstance(value, dict) and value.keys() == {"en", "zh"}
    return Text(value["en"], value["zh"]) if is_text else value
