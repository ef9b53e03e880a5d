"""How a finding came about, line by line, and the messages of the engine itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor import registers
from auditor.case import Message
from auditor.findings import Verdict
from auditor.language import Text, both, render
from auditor.messages import VERDICTS, observation_line, weightiest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.case import Rule

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
PATHS = frozenset({"path", "path_to_gate", "path_observed"})
EXPLAIN_WORDS = {
    "rule": both("rule"),
    "subject": both("subject"),
    "clause": both("clause"),
    "observation": both("observation"),
    "evidence": both("evidence"),
    "verdict": both("verdict"),
    "next": both("next"),
}


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
        article = clause.article_zh if lang == "zh" else clause.article
        lines.append((words["clause"], f"{clause.instrument} {article}: {clause.zh}"))
        if clause.en and lang != "zh":
            lines.append((words["clause"], clause.en))
    facts = record["details"]
    for name, value in facts.items():
        if value not in (None, "", []):
            told = value[lang] if isinstance(value, dict) and lang in value else value
            lines.append((Text(name, name), _line(name, told)))
    message = {**OWN_MESSAGES, **rule.messages}.get(record["message_id"])
    args = {name: _texts(value) for name, value in record["args"].items()}
    seen = [(words["observation"], observation_line(o, lang)) for o in weightiest(record["observations"])]
    lines += seen
    told = (
        record["message"]
        if message is None
        else render(message.zh if lang == "zh" else message.en, args, lang)
    )
    ask = "" if message is None else render(message.ask_zh if lang == "zh" else message.ask_en, args, lang)
    lines += [
        (words["evidence"], f"{record['grade']}, {result['as_of']}"),
        (words["verdict"], f"{VERDICTS[Verdict(record['verdict'])].in_(lang)}. {told}"),
    ]
    if ask:
        lines.append((words["next"], ask))
    return [(name.in_(lang), text) for name, text in lines]


def _line(name: str, told: Any) -> str:
    """Write one fact on a line: paths by arrows, lists by commas."""
    if name in PATHS:
        return " → ".join(node or "?" for node in told)
    if name == "chains":
        return "; ".join(chain if isinstance(chain, str) else " → ".join(chain) for chain in told)
    if isinstance(told, dict):
        return ", ".join(f"{key}: {value}" for key, value in told.items())
    plainly = isinstance(told, list) and all(isinstance(part, str | int | float) for part in told)
    return ", ".join(map(str, told)) if plainly else str(told)


def _texts(value: Any) -> Any:
    """Make texts of what was one before it was written, in lists too."""
    if isinstance(value, list):
        return [_texts(part) for part in value]
    is_text = isinstance(value, dict) and value.keys() == {"en", "zh"}
    return Text(value["en"], value["zh"]) if is_text else value
