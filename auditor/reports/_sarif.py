"""Parts of a SARIF 2.1.0 log: the tool with its rules and their texts in both languages, files, results.

Terms of SARIF (OASIS, 2.1.0) in our words: rule = *reportingDescriptor*, clause = *taxon*, verdict = *kind*,
subject = *logicalLocation*, witness path = *codeFlow*, input = *artifact*.
"""

from __future__ import annotations

import re
import string
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from auditor import registers
from auditor.explaining import OWN_MESSAGES
from auditor.findings import EXIT_CODES, Verdict
from auditor.language import both, render
from auditor.messages import VERDICTS
from auditor.reports._standard import NAMESPACE, manual_page, named, run_uuid, uri_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from auditor.registers import Clause
    from auditor.reports._standard import Tail
    from auditor.result import AuditResult
    from auditor.rule import Message, Rule

VERSION = "2.1.0"
SCHEMA_URI = "https://json.schemastore.org/sarif-2.1.0.json"
NAME = "auditor"
CLAUSES = "clauses"
MANUAL = "CLAUSE-MANUAL"  # the rule that stands for clauses which a person must judge
LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
TITLE = both("Circular 107, related law and policies of auditor, clause by clause")
MANUAL_TITLE = both("A clause that a person must judge")
MANUAL_TEXT = both("{clause} ({article}) needs a person: {reason}")
SUBJECTS = both("{message} ({number} subjects)")
NOTIFICATIONS = {
    "error": both("A rule broke off"),
    "not_checked": both("A rule skipped subjects"),
    "left_out": both("Findings that this file leaves out"),
}
DESCRIPTIONS = ("shortDescription", "fullDescription", "help")
BRACKET = re.compile(r"(\\*)([\[\]])")
ESCAPED = re.compile(r"((?:\\\\)*)\\([\[\]])")
DOUBLED = re.compile(r"([{}])\1")


def text(words: str) -> str:
    r"""Write a plain-text message: brackets would make links, and braces gaps (SARIF 3.11.5, 3.11.6).

    Examples
    --------
    >>> text("[a](http://b) {0}")
    '\\[a\\](http://b) {{0}}'
    """
    return bracketed(words).replace("{", "{{").replace("}", "}}")


def bracketed(words: str) -> str:
    """Write what fills a gap of a message."""
    return BRACKET.sub(lambda found: 2 * found[1] + "\\" + found[2], words)


def untext(words: str) -> str:
    r"""Give the words of a plain-text message back.

    Examples
    --------
    >>> untext(text("a\\[b]{c}")) == "a\\[b]{c}"
    True
    """
    return unbracketed(DOUBLED.sub(r"\1", words))


def unbracketed(words: str) -> str:
    """Give the words that filled a gap back."""
    return ESCAPED.sub(lambda found: found[1][::2] + found[2], words)


# --- messages ---------------------------------------------------------------------------------------------


@cache
def gaps(message: Message) -> tuple[str, ...]:
    """Gaps of a message, in the order of its SARIF arguments: ``{name}`` or ``{name:spec}``."""
    templates = (message.en, message.zh, message.ask_en, message.ask_zh)
    return tuple(dict.fromkeys(gap for template in templates for _, gap in _pieces(template) if gap))


@cache
def _pieces(template: str) -> tuple[tuple[str, str | None], ...]:
    return tuple(
        (literal, None if name is None else f"{{{name}:{spec}}}" if spec else f"{{{name}}}")
        for literal, name, spec, _ in string.Formatter().parse(template)
    )


def numbered(template: str, order: tuple[str, ...]) -> str:
    """Give a template with SARIF's numbered gaps."""
    return "".join(
        text(literal) + ("" if gap is None else f"{{{order.index(gap)}}}")
        for literal, gap in _pieces(template)
    )


def name_of(gap: str) -> str:
    """Name of the argument that fills a gap."""
    return gap[1:-1].partition(":")[0]


def message_strings(rule: Rule, said: frozenset[str], lang: str) -> dict[str, Any]:
    """Give the texts of a rule, with what to do as ``ID.ask``; those of the engine where they were said."""
    strings: dict[str, Any] = {}
    own = {name: message for name, message in OWN_MESSAGES.items() if name in said}
    for name, message in {**own, **rule.messages}.items():
        order = gaps(message)
        words, ask = (message.zh, message.ask_zh) if lang == "zh" else (message.en, message.ask_en)
        strings[name] = {"text": numbered(words, order)}
        if order:
            strings[name]["properties"] = {"arguments": [name_of(gap) for gap in order]}
        if ask:
            strings[f"{name}.ask"] = {"text": numbered(ask, order)}
    return strings


# --- the tool ---------------------------------------------------------------------------------------------


def driver(result: AuditResult) -> dict[str, Any]:
    """Describe auditor and its rules, in English."""
    from auditor import __version__  # noqa: PLC0415 -- the package itself

    return {
        "name": NAME,
        "guid": named(NAMESPACE, NAME),
        "version": __version__,
        "semanticVersion": __version__,
        "language": "en",
        "supportedTaxonomies": [{"name": CLAUSES, "index": 0}],
        "rules": [*_rules(result), _manual_rule("en")],
        "notifications": [
            {"id": name} | {part: {"text": f"{words.en}."} for part in DESCRIPTIONS}
            for name, words in NOTIFICATIONS.items()
        ],
    }


def _rules(result: AuditResult) -> Iterator[dict[str, Any]]:
    at, said = {clause.id: i for i, clause in enumerate(clauses(result))}, _said(result)
    return (_rule(rule, said[rule.id], at) for rule in result.rules)


def _said(result: AuditResult) -> dict[str, frozenset[str]]:
    """Ids of the messages that findings of each rule have."""
    return {found.rule: frozenset(b.message for b in found.batches) for found in result.findings.rules}


def clauses(result: AuditResult) -> list[Clause]:
    """Give the clauses that rules of the run answer or a person must judge, in the order of the texts."""
    asked = {name for rule in result.rules for name in rule.clauses} | {c.id for c in result.manual}
    return [clause for clause in registers.read_clauses() if clause.id in asked]


def _rule(rule: Rule, said: frozenset[str], at: Mapping[str, int]) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": _pascal(rule),
        "shortDescription": {"text": text(_ended(rule.title.en, "en"))},
        **_help(rule, "en"),
        "messageStrings": message_strings(rule, said, "en"),
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "relationships": [
            {
                "target": {"id": name, "index": at[name], "toolComponent": {"name": CLAUSES, "index": 0}},
                "kinds": ["relevant"],
            }
            for name in rule.clauses
        ],
        "properties": {
            "basis": rule.basis,
            "severity": rule.severity,
            "sha256": rule.sha256,
            "placed": rule.placed,
            "tags": [rule.basis],
        },
    }


def _help(rule: Rule, lang: str) -> dict[str, Any]:
    """Give the manual page of a rule with the clauses that it answers; the Chinese of a clause governs."""
    page = manual_page(rule, lang)
    found = [registers.clause(name) for name in rule.clauses]
    quoted = [f"> {c.zh}\n>\n> {c.en}" if c.en and lang == "en" else f"> {c.zh}" for c in found]
    return {
        "fullDescription": {"text": text(_ended(page[0], lang))},
        "help": {
            "text": text("\n\n".join(page)),
            "markdown": "\n\n".join((*quoted, *manual_page(rule, lang, "### "))),
        },
    }


def _pascal(rule: Rule) -> str:
    """Name a rule as SARIF likes it, after its module: ``FacilityInArea``."""
    words = rule.check.__module__.rpartition(".")[2].split("_")[2:]
    return "".join(word.capitalize() for word in words) or rule.id


def _ended(words: str, lang: str) -> str:
    return words if words.endswith((".", "。")) else words + ("。" if lang == "zh" else ".")


def _manual_rule(lang: str) -> dict[str, Any]:
    order = ("{clause}", "{article}", "{reason}")
    told = {
        "id": MANUAL,
        "name": "ClauseNeedsPerson",
        "shortDescription": {"text": _ended(MANUAL_TITLE.in_(lang), lang)},
        "fullDescription": {"text": _ended(MANUAL_TITLE.in_(lang), lang)},
        "help": {"text": _ended(MANUAL_TITLE.in_(lang), lang)},
        "messageStrings": {"manual": {"text": numbered(MANUAL_TEXT.in_(lang), order)}},
    }
    return told if lang == "zh" else told | {"defaultConfiguration": {"level": "none"}}


def taxonomy(result: AuditResult) -> dict[str, Any]:
    """Give the clauses, in English where there is any; the Chinese governs and stands in the translation."""
    return {
        "name": CLAUSES,
        "guid": named(NAMESPACE, CLAUSES),
        "language": "en",
        "shortDescription": {"text": f"{TITLE.en}."},
        "taxa": [
            {
                "id": clause.id,
                "shortDescription": {"text": text(f"{clause.instrument}, {clause.article}.")},
                "fullDescription": {"text": text(clause.en or clause.zh)},
                "properties": {"basis": clause.basis, "assessment": clause.assessment},
            }
            for clause in clauses(result)
        ],
    }


def translations(result: AuditResult) -> list[dict[str, Any]]:
    """Give the Chinese of the rules' texts and of the clauses."""
    common, said = {"language": "zh", "contents": ["localizedData"]}, _said(result)
    rules = [
        {
            "id": rule.id,
            "shortDescription": {"text": text(_ended(rule.title.zh, "zh"))},
            **_help(rule, "zh"),
            "messageStrings": message_strings(rule, said[rule.id], "zh"),
        }
        for rule in result.rules
    ]
    taxa = [
        {
            "id": clause.id,
            "shortDescription": {"text": text(f"{clause.instrument}{clause.article_zh}。")},
            "fullDescription": {"text": text(clause.zh)},
        }
        for clause in clauses(result)
    ]
    return [
        {
            "name": name,
            **common,
            "associatedComponent": {"name": name, "guid": named(NAMESPACE, name)},
            "translationMetadata": {"name": f"{name} zh"},
            **body,
        }
        for name, body in ((NAME, {"rules": [*rules, _manual_rule("zh")]}), (CLAUSES, {"taxa": taxa}))
    ]


# --- the run ----------------------------------------------------------------------------------------------


def run_head(result: AuditResult, head: Mapping[str, Any]) -> dict[str, Any]:
    """Give all of a run that is known before its results: tool, texts, files, name."""
    operator = head["operator"]
    correlation = named(NAMESPACE, "operator", operator["uscc"] or operator["name"])
    category = quote(operator["uscc"] or correlation, safe="")
    sizes = sizes_of(result)
    return {
        "tool": {"driver": driver(result)},
        "language": head["lang"],
        "automationDetails": {
            "id": f"{NAME}/{category}/{head['as_of']}",
            "guid": str(run_uuid(head, "sarif")),
            "correlationGuid": correlation,
        },
        "artifacts": [
            {
                "location": {"uri": uri_of(one["path"]), "index": i},
                "roles": ["analysisTarget"],
                **({"length": sizes[one["path"]]} if one["path"] in sizes else {}),
                "hashes": {"sha-256": one["sha256"]},
            }
            for i, one in enumerate(head["inputs"])
        ],
        "columnKind": "unicodeCodePoints",
        "taxonomies": [taxonomy(result)],
        "translations": translations(result),
    }


def sizes_of(result: AuditResult) -> dict[str, int]:
    """Bytes of the files that were read, by name."""
    return {one.path: one.size for one in result.case.declaration.inputs}


def invocation(result: AuditResult, tail: Tail, more: Iterable[dict[str, Any]] = ()) -> dict[str, Any]:
    """Tell how the run ended, and what of it broke off or was skipped."""
    rules = [rule.id for rule in result.rules]
    notifications = [
        {
            "level": "error" if verdict == Verdict.ERROR else "warning",
            "descriptor": {"id": verdict, "index": list(NOTIFICATIONS).index(verdict)},
            "associatedRule": {"id": rule, "index": rules.index(rule)},
            "message": {"text": text(render(SUBJECTS.in_(result.lang), {"message": m, "number": n}, "en"))},
        }
        for (rule, verdict, _), (m, n) in tail.failed.items()
    ]
    return {
        "executionSuccessful": not tail.failed,
        "exitCode": EXIT_CODES[result.verdict],
        "exitCodeDescription": VERDICTS[result.verdict].in_(result.lang),
        "toolExecutionNotifications": [*notifications, *more],
    }


def notification(name: str, words: str) -> dict[str, Any]:
    """Tell something that is no finding."""
    return {
        "level": "note",
        "descriptor": {"id": name, "index": list(NOTIFICATIONS).index(name)},
        "message": {"text": text(words)},
    }
