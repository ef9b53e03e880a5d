r"""The result as Markdown for pull requests and chats: verdict, counts, fails with their witness, what to do.

It stays under 60 kB (GitHub refuses comments of more than 65,536 characters); what is left out is counted.
Ids stand in code spans; in all other texts what Markdown, HTML or GitHub acts on is escaped: tags, links,
pipes, ``@mentions``, ``#1`` and addresses of the web. Control characters are shown, not obeyed (``\x1b``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from auditor import __version__, registers
from auditor.errors import visible
from auditor.findings import UNDECIDED, Verdict, plain
from auditor.grouping import by_rule
from auditor.language import both, told
from auditor.messages import (
    BASES,
    SEVERITIES,
    VERDICTS,
    label,
    observation_line,
    weightiest,
)
from auditor.overview import verdict_text
from auditor.reports import Report
from auditor.reports._content import inputs
from auditor.reports._rows import shown
from auditor.reports._told import path_of, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from auditor.grouping import Members
    from auditor.result import AuditResult

MOST = 60_000  # bytes
TAIL = 8_000  # bytes of these that are kept for what stands after the findings
LONGEST = 600  # characters of one text
EXAMPLES = 5
SEEN = 4
LINES = 12
ACTIVE = re.compile(r"([\\`*_\[\]|~$])")
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
APART = "&#8203;"  # a space of no width: what it parts is neither a mention, a reference nor an address
LINKING = re.compile(r"([@#]|://|\b(?:www|mailto|ftp|xmpp|GH)(?=[.:-]))", re.IGNORECASE)
MARKS = {
    Verdict.FAIL: "❌",
    Verdict.ERROR: "⚠️",
    Verdict.NOT_CHECKED: "⚠️",
    Verdict.INCONCLUSIVE: "❓",
    Verdict.PASS: "✅",
    Verdict.NOT_APPLICABLE: "➖",
    Verdict.MANUAL: "👤",
}
WORDS = {
    "title": both("Audit under Circular 107"),
    "rule": both("Rule"),
    "asks": both("What the rule asks"),
    "verdict": both("Verdict"),
    "undecided": both("not decided"),
    "left_out": both(
        "Left out for length: {groups} groups with {findings} findings; JSON or XLSX has them all."
    ),
    "manual": both("Clauses that need a person"),
    "notes": both("Notes on reading"),
    "unused": both("Not used"),
    "inputs": both("Files read"),
    "zones": both("Boundaries of the pilot areas"),
    "operator": both("Operator"),
    "uscc": both("Unified social credit code"),
    "area": both("Pilot area"),
    "as_of": both("Date of the audit"),
}


def cut(text: str, most: int = LONGEST) -> str:
    """Cut a text that is too long, and say by how much.

    Examples
    --------
    >>> cut("abcdef", 4)
    'abcd…(+2)'
    """
    return text if len(text) <= most else f"{text[:most]}…(+{len(text) - most:,})"


def plainly(text: object) -> str:
    """Give a text on one line, cut, control characters shown."""
    return " ".join(visible(cut(whole(str(text)))).split())


def escaped(text: object) -> str:
    r"""Write a text so that neither Markdown, HTML nor GitHub acts on anything in it.

    Examples
    --------
    >>> print(escaped("a|b <img> [x](y) @you #1 http://x"))
    a\|b &lt;img&gt; \[x\](y) @&#8203;you #&#8203;1 http&#8203;://x
    """
    safe = "".join(ENTITIES.get(char, char) for char in plainly(text))
    return LINKING.sub(_parted, ACTIVE.sub(r"\\\1", safe))


def _parted(found: re.Match[str]) -> str:
    return APART + found[0] if found[0] == "://" else found[0] + APART


def code(text: object) -> str:
    """Write a text as a code span.

    Examples
    --------
    >>> print(code("a`b"), code("``"))
    ``a`b`` ``` `` ```
    """
    safe = plainly(text) or "?"
    fence = "`" * (max((len(run) for run in re.findall("`+", safe)), default=0) + 1)
    pad = " " if "`" in {safe[0], safe[-1]} else ""
    return f"{fence}{pad}{safe}{pad}{fence}"


# --- parts --------------------------------------------------------------------------------------------------


def _head(result: AuditResult) -> Iterator[str]:
    """Give the verdict, whose it is, and the counts."""
    lang, case = result.lang, result.case
    operator = case.declaration.operator
    shown_as = verdict_text(result)
    yield f"## {MARKS[result.verdict]} {WORDS['title'].in_(lang)}: {shown_as.in_(lang)}\n"
    facts = {
        "operator": operator.name,
        "uscc": operator.uscc or "",
        "area": case.area_name(case.area).in_(lang),
        "as_of": case.as_of.isoformat(),
    }
    yield from (f"- **{WORDS[name].in_(lang)}**: {escaped(text)}" for name, text in facts.items() if text)
    if result.partial:
        yield f"- {label('partial', lang)}"
    yield f"- {label('facts', lang)}\n"
    columns = (Verdict.FAIL, None, Verdict.PASS, Verdict.NOT_APPLICABLE)
    names = [WORDS["undecided"].in_(lang) if v is None else VERDICTS[v].in_(lang) for v in columns]
    yield "| " + " | ".join([WORDS["rule"].in_(lang), WORDS["asks"].in_(lang), *names]) + " |"
    yield "|---|---" + "|---:" * len(columns) + "|"
    for found in result.findings.rules:
        counts = found.counts()
        numbers = [sum(counts[u] for u in UNDECIDED) if v is None else counts[v] for v in columns]
        bold = "**" if numbers[0] else ""
        told = [f"{n:,}" if n else "" for n in numbers]
        told[0] = f"{bold}{told[0]}{bold}"
        title = escaped(result.rule(found.rule).title.in_(lang))
        yield "| " + " | ".join([found.rule, title, *told]) + " |"


def _rule(result: AuditResult, rule_id: str) -> str:
    """Head what is found by a rule with the words of its clauses."""
    lang, rule = result.lang, result.rule(rule_id)
    told = f"{BASES[rule.basis].in_(lang)}, {SEVERITIES[rule.severity].in_(lang)}"
    lines = ["", f"### {rule.id} {escaped(rule.title.in_(lang))} ({told})", ""]
    for clause in (registers.clause(name) for name in rule.clauses):
        text = clause.zh if lang == "zh" or not clause.en else clause.en
        article = clause.article_zh if lang == "zh" else clause.article
        lines += [f"> **{escaped(clause.instrument)} {escaped(article)}**: {escaped(text)}", ""]
    return "\n".join(lines) + "\n"


def _group(result: AuditResult, group: Members) -> str:
    """Write findings of one cause: who, what, by which path, on what evidence, and what to do."""
    lang, first = result.lang, group.findings[0]
    count = len(group.findings)
    comma, colon = ("、", "：") if lang == "zh" else (", ", ": ")
    names = comma.join(code(f.subject) for f in group.findings[:EXAMPLES])
    if count > EXAMPLES:
        names += comma + label("more", lang, count=f"{count - EXAMPLES:,}")
    if group.handoff and count > 1:
        where = " → ".join(code(name or "?") for name in group.handoff)
        names = label("handoff", lang, count=f"{count:,}", where="{}").replace("{}", where) + colon + names
    lines = [f"- {MARKS[group.verdict]} **{VERDICTS[group.verdict].in_(lang)}** ({first.grade}) {names}"]
    example = f"{label('example', lang)} {code(first.subject)}{colon}" if count > 1 else ""
    lines.append(f"  - {example}{_guarded(escaped(result.message(first)))}")
    path = path_of(first)
    if path:
        lines.append(f"  - **{label('path', lang)}**{colon}{_way(path)}")
    for seen in weightiest(first.observations)[:SEEN]:
        told = escaped(observation_line(plain(seen), lang))
        lines.append(f"  - **{label('seen', lang)}**{colon}{told}")
    if len(first.observations) > SEEN:
        lines.append(f"  - {label('more', lang, count=len(first.observations) - SEEN)}")
    ask = result.ask(first)
    if ask:
        lines.append(f"  - **{label('do', lang)}**{colon}{escaped(ask)}")
    return "\n".join(lines) + "\n"


def _guarded(text: str) -> str:
    """Keep a text at the start of an entry from being read as a list, a quotation or a rule."""
    return APART + text if text[:1] in "+-=:#" or text[:1].isdigit() else text


def _way(path: list[str | None]) -> str:
    """Write a path; of a long one both ends."""
    nodes = [code(node or "?") for node in path]
    if len(nodes) > 2 * LINES:
        nodes = [*nodes[:LINES], f"… (+{len(nodes) - 2 * LINES:,})", *nodes[-LINES:]]
    return " → ".join(nodes)


def _tail(result: AuditResult) -> Iterator[str]:
    """Give what a person must look at, notes and provenance, each list cut to some lines."""
    lang, declared = result.lang, result.case.declaration
    zones = result.case.areas.provenance()
    lists = {
        "manual": [code(clause.id) for clause in result.manual],
        "notes": [f"{code(told(n.where, lang))}: {escaped(told(n.what, lang))}" for n in result.notes],
        "unused": [
            f"{code(told(u.where, lang))}: {escaped(told(u.what, lang))}; {escaped(told(u.why, lang))}"
            for u in declared.unused
        ],
        "inputs": [f"{code(path)}: {code(digest)}" for path, digest in inputs(result)],
        "zones": [escaped(told) for told in sorted({z["attribution"] for z in zones} - {""})],
    }
    for name, lines in lists.items():
        if lines:
            yield f"\n### {WORDS[name].in_(lang)} ({len(lines):,})\n"
        if name == "manual":
            yield ", ".join(lines)
            continue
        yield from (f"- {_guarded(line)}" for line in lines[:LINES])
        if len(lines) > LINES:
            yield f"- {label('more', lang, count=f'{len(lines) - LINES:,}')}"
    yield f"\nauditor {__version__}"


def _fitting(parts: Iterable[str], most: int) -> str:
    """Join lines as long as they fit."""
    text = ""
    for part in parts:
        if len((text + part).encode()) >= most:
            return text + "…\n"
        text += part + "\n"
    return text


def render(result: AuditResult, all_findings: bool) -> list[bytes]:  # noqa: FBT001
    """Give the text."""
    text = "\n".join(_head(result)) + "\n"
    groups = findings = 0
    room = MOST - TAIL - len(text.encode())
    for found, made in by_rule(result.findings, shown(all_findings)):
        begun, rule = "", found.rule
        for group in made:
            told = _group(result, group) if room > 0 and not groups else ""
            told = _rule(result, rule) + told if told and not begun else told
            size = len(told.encode())
            if told and size <= room:
                text, room, begun = text + told, room - size, rule
            else:
                groups, findings = groups + 1, findings + len(group.findings)
    if groups:
        left = WORDS["left_out"].in_(result.lang).format(groups=f"{groups:,}", findings=f"{findings:,}")
        text += f"\n**{left}**\n"
    return [(text + _fitting(_tail(result), MOST - len(text.encode()))).encode()]


REPORT = Report("markdown", (".md",), render)
