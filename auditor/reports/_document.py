"""What stands in the document that is handed in, as plain values: texts cut, drawable and breakable."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from auditor import __version__, registers
from auditor.findings import SETTLED, UNDECIDED, WORST_FIRST, Verdict, plain
from auditor.grouping import grouped
from auditor.language import both, told
from auditor.messages import (
    BASES,
    GRADES,
    SEVERITIES,
    VERDICTS,
    label,
    observation_line,
    weightiest,
)
from auditor.overview import headline, verdict_text
from auditor.reports import report
from auditor.reports._content import inputs
from auditor.reports._ink import FAMILY
from auditor.reports._rows import LABELS as TABLE_LABELS
from auditor.reports._rows import Findings
from auditor.reports._sketch import drawn, sketches
from auditor.reports._told import path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from auditor.findings import Finding
    from auditor.grouping import Group
    from auditor.registers import Clause
    from auditor.result import AuditResult

MOST_GROUPS, MOST_AFFECTED, MOST_NOTES, MOST_SEEN, MOST_HOPS = 30, 300, 40, 6, 24
EXAMPLES = 5
LONGEST, RUN = 400, 18
UNBROKEN = re.compile(rf"[!-~]{{{RUN}}}(?=[!-~])")  # so much of a word that a line may be broken after it
BREAK = "\u200b"
TONES = {Verdict.FAIL: "fail", **dict.fromkeys(UNDECIDED, "open"), Verdict.PASS: "pass"}
WORDS = {
    "kind": both("Report of a compliance check"),
    "title": both("Audit under Circular 107"),
    "verdict": both("Verdict"),
    "what": both("Item"),
    "value": both("Content"),
    "contents": both("Contents"),
    "summary": both("Summary by rule"),
    "map": both("Map"),
    "findings": both("What does not hold, or could not be decided"),
    "nothing": both("Nothing: all that was checked holds or does not apply."),
    "advisories": both("Advisories from related law"),
    "affected": both("Subjects affected"),
    "manual": both("Clauses that need a person"),
    "notes": both("Notes on reading"),
    "provenance": both("Provenance"),
    "signatures": both("Signatures"),
    "signature": both("Name, signature"),
    "day": both("Date"),
    "auditor": both("Auditor"),
    "reviewer": both("Reviewed by"),
    "reply": both("Reply of the operator"),
    "seal": both("Name, signature, seal of the operator"),
    "number": both("No."),
    "subject": both("Subject"),
    "path": both("Path"),
    "clause": both("Clause"),
    "words": both("Words of the clause"),
    "why": both("Why a person must look"),
    "place": both("Where"),
    "note": both("Note"),
}
FACTS = {
    "operator": both("Operator"),
    "uscc": both("Unified social credit code"),
    "area": both("Pilot area"),
    "administration": both("Administration in charge"),
    "as_of": both("Date of the audit"),
    "declared": both("Declared on"),
    "grade": both("Least grade of evidence for a pass"),
    "version": both("Version of auditor"),
    "digest": both("Digest of the result (SHA-256 of -o json)"),
    "policy": both("Digest of the policy (SHA-256)"),
}
LAW = both(
    "Basis: Circular of the Ministry of Industry and Information Technology on the pilot for expanding the "
    "opening-up of value-added telecommunications services (No. 107 of 2024), in force in this area since "
    "{day}. The Chinese text governs."
)
LAW_ANYWHERE = both(
    "Basis: Circular of the Ministry of Industry and Information Technology on the pilot for expanding the "
    "opening-up of value-added telecommunications services (No. 107 of 2024). The Chinese text governs."
)
LABELS = {
    "rule": both("Rule"),
    "asks": both("What the rule asks"),
    "basis": both("Basis"),
    "undecided": both("not decided"),
    "grade": both("Grade of evidence"),
    "distance": both("Distance"),
    "inside": both("{metres} m inside the edge of the nearest pilot area"),
    "outside": both("{metres} m outside the edge of the nearest pilot area"),
    "evidence": both("Evidence"),
    "seen": both("Seen"),
    "do": both("What to do"),
    "more": both("{count} more are in the other formats (CSV, XLSX, JSON)."),
    "close": both("The pilot area of the operator, and what of it was judged there"),
    "wide": both("All that was judged and has coordinates"),
    "alt": both(
        "Map: pilot area in blue; {fail} places that fail, {open} not decided, {passed} that hold."
    ),
    "legend": both(
        "Blue: pilot area; yellow: status undecided. Red diamonds fail, amber triangles are not decided, "
        "green dots hold. Red lines: witness paths of what fails; dashed: of what is not decided."
    ),
    "left_out": both("Not drawn for number: {count}."),
    "inputs": both("Files read"),
    "zones": both("Boundaries of the pilot areas"),
    "sources": both("Observations"),
    "foot": both("auditor {version} · result {digest}"),
}  # fmt: skip


class Sheet:
    """Texts as the document has them.

    Parameters
    ----------
    result
        What is told.
    ink
        From a text to one that the font can draw.
    """

    def __init__(self, result: AuditResult, ink: Callable[[str], str]) -> None:
        self.result, self.lang, self._ink = result, result.lang, ink
        self.comma, self.colon = ("、", "：") if self.lang == "zh" else (", ", ": ")

    def label(self, name: str, **args: object) -> str:
        """Give a label, its gaps filled."""
        return LABELS[name].in_(self.lang).format(**args)

    def text(self, text: object, most: int = LONGEST) -> str:
        """Give a text that may be hostile: cut, drawable, and breakable where it has a very long word."""
        full = told(text, self.lang)
        short = full if len(full) <= most else f"{full[:most]}…(+{len(full) - most:,})"
        return UNBROKEN.sub(lambda found: found[0] + BREAK, self._ink(short))

    def texts(self, *texts: object) -> list[str]:
        """Give a row."""
        return [self.text(text) for text in texts]


# --- parts --------------------------------------------------------------------------------------------------


def _cover(sheet: Sheet, digest: str) -> dict[str, Any]:
    result, lang, case = sheet.result, sheet.lang, sheet.result.case
    operator = case.declaration.operator
    area = case.areas.areas[case.area] if case.area >= 0 else None
    told = verdict_text(result)
    administration = (
        "" if area is None else area.administration_zh if lang == "zh" else area.administration_en
    )
    facts = {
        "operator": operator.name,
        "uscc": operator.uscc,
        "area": case.area_name(case.area),
        "administration": administration,
        "as_of": case.as_of,
        "declared": case.declaration.declared_on,
        "grade": GRADES.get(result.min_grade),
        "version": __version__,
        "digest": digest,
    }
    since = area.reply_on if area is not None else None
    law = LAW.in_(lang).format(day=since) if since else LAW_ANYWHERE.in_(lang)
    return {
        "operator": sheet.text(operator.name),
        "tone": TONES.get(result.verdict, "none"),
        "verdict": told.in_(lang).upper() if lang == "en" else told.in_(lang),
        "headline": headline(result, lang),
        "partial": label("partial", lang) if result.partial else None,
        "facts": [[FACTS[name].in_(lang), sheet.text(value)] for name, value in facts.items() if value],
        "caution": label("facts", lang),
        "law": law,
    }


def _counts(sheet: Sheet) -> dict[str, Any]:
    result, lang = sheet.result, sheet.lang
    heads = [sheet.label(name) for name in ("rule", "asks", "basis")]
    heads += [VERDICTS[Verdict.FAIL].in_(lang), sheet.label("undecided")]
    heads += [VERDICTS[v].in_(lang) for v in (Verdict.PASS, Verdict.NOT_APPLICABLE)]
    rows = []
    for found in result.findings.rules:
        counts = found.counts()
        numbers = (
            counts[Verdict.FAIL],
            sum(counts[v] for v in UNDECIDED),
            counts[Verdict.PASS],
            counts[Verdict.NOT_APPLICABLE],
        )
        told = (result.rule(found.rule).title.in_(lang), BASES[found.basis].in_(lang))
        rows.append([found.rule, *told, *(f"{number:,}" for number in numbers)])
    return {"heads": heads, "rows": rows}


def _maps(sheet: Sheet, findings: Findings) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Give the maps with their captions, and the drawings as files."""
    shown = drawn(sheet.result, findings)
    made = sketches(sheet.result, shown)
    numbers = {
        name: int((shown.rank == rank).sum()) for name, rank in (("fail", 3), ("open", 2), ("passed", 1))
    }
    maps = [
        {
            "file": f"map-{at}.svg",
            "alt": sheet.label("alt", **numbers),
            "caption": sheet.label("close" if sketch.close else "wide"),
        }
        for at, sketch in enumerate(made)
    ]
    named = [cell for at, name in enumerate(shown.names, 1) for cell in (str(at), sheet.text(name))]
    named += ["", ""] if len(named) % 4 else []
    legend = [
        sheet.label("legend"),
        *([sheet.label("left_out", count=shown.left_out)] if shown.left_out else []),
    ]
    legend += sorted({z["attribution"] for z in sheet.result.case.areas.provenance()} - {""})
    rows = [named[at : at + 4] for at in range(0, len(named), 4)]
    told = {"maps": maps, "named": rows if made else [], "legend": sheet.text(" ".join(legend), 4 * LONGEST)}
    return told, {f"map-{at}.svg": sketch.svg for at, sketch in enumerate(made)}


def _rules(sheet: Sheet, findings: Iterable[Finding]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Give what is found by rule, the worst first; advisories from related law stand apart."""
    by_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.verdict not in SETTLED:
            by_rule.setdefault(finding.rule, []).append(finding)

    def worst(item: tuple[str, list[Finding]]) -> tuple[int, str]:
        return min(WORST_FIRST.index(f.verdict) for f in item[1]), item[0]

    told: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
    for rule, found in sorted(by_rule.items(), key=worst):
        told[found[0].basis == "related_law"].append(_rule(sheet, rule, found))
    return told


def _rule(sheet: Sheet, rule_id: str, findings: list[Finding]) -> dict[str, Any]:
    lang, rule = sheet.lang, sheet.result.rule(rule_id)
    groups = grouped(findings)
    hidden = sum(len(group.findings) for group in groups[MOST_GROUPS:])
    return {
        "id": rule.id,
        "title": rule.title.in_(lang),
        "told": f"{BASES[rule.basis].in_(lang)}{sheet.comma}{SEVERITIES[rule.severity].in_(lang)}",
        "clauses": [_clause(clause, lang) for clause in map(registers.clause, rule.clauses)],
        "groups": [_group(sheet, group) for group in groups[:MOST_GROUPS]],
        "more": sheet.label("more", count=f"{hidden:,}") if hidden else None,
    }


def _clause(clause: Clause, lang: str) -> dict[str, str]:
    article = clause.article_zh if lang == "zh" else clause.article
    return {"where": f"{clause.instrument} {article} · {clause.id}", "zh": clause.zh, "en": clause.en}


def _group(sheet: Sheet, group: Group) -> dict[str, Any]:
    """Give one cause: who, what, by which path, how far off, on what evidence, and what to do."""
    result, lang, first = sheet.result, sheet.lang, group.findings[0]
    count = len(group.findings)
    who = sheet.comma.join(sheet.text(f.subject, 80) for f in group.findings[:EXAMPLES])
    if count > EXAMPLES:
        who += sheet.comma + label("more", lang, count=f"{count - EXAMPLES:,}")
    if group.handoff and count > 1:
        where = " → ".join(sheet.text(name or "?", 80) for name in group.handoff)
        who = f"{label('handoff', lang, count=f'{count:,}', where='{}')}{sheet.colon}{who}".replace(
            "{}", where, 1
        )
    example = f"{label('example', lang)} {sheet.text(first.subject, 80)}{sheet.colon}" if count > 1 else ""
    return {
        "word": VERDICTS[group.verdict].in_(lang),
        "tone": TONES.get(group.verdict, "none"),
        "who": who,
        "message": example + sheet.text(result.message(first), 2 * LONGEST),
        "path": _path(sheet, path_of(first)),
        "facts": list(_facts(sheet, first)),
    }


def _path(sheet: Sheet, path: list[str | None] | None) -> list[str] | None:
    """Give the nodes of a path; of a long one both ends."""
    if not path:
        return None
    if len(path) > MOST_HOPS:
        half = MOST_HOPS // 2
        hidden = f"… (+{len(path) - MOST_HOPS:,})"
        path = [*path[:half], hidden, *path[-half:]]
    return [sheet.text(node or "?", 80) for node in path]


def _facts(sheet: Sheet, finding: Finding) -> Iterable[list[str]]:
    metres = finding.details.get("distance_m")
    if metres is not None:
        told = sheet.label("inside" if metres < 0 else "outside", metres=f"{abs(metres):,.0f}")
        yield [sheet.label("distance"), told]
    yield [sheet.label("evidence"), GRADES[finding.grade].in_(sheet.lang)]
    for seen in weightiest(finding.observations)[:MOST_SEEN]:
        yield [sheet.label("seen"), sheet.text(observation_line(plain(seen), sheet.lang))]
    if len(finding.observations) > MOST_SEEN:
        more = label("more", sheet.lang, count=len(finding.observations) - MOST_SEEN)
        yield [sheet.label("seen"), more]
    ask = sheet.result.ask(finding)
    if ask:
        yield [sheet.label("do"), sheet.text(ask)]


def _affected(sheet: Sheet, findings: Iterable[Finding]) -> dict[str, Any]:
    """List subjects, the worst first, with the hand-off link that they share with others."""
    lang = sheet.lang
    found = sorted(findings, key=lambda f: WORST_FIRST.index(f.verdict))
    heads = [WORDS["subject"].in_(lang), sheet.label("rule"), WORDS["verdict"].in_(lang)]
    heads += [sheet.label("grade"), TABLE_LABELS["handoff"].in_(lang)]
    rows = [
        [
            sheet.text(f.subject, 80),
            f.rule,
            VERDICTS[f.verdict].in_(lang),
            f.grade,
            " → ".join(sheet.text(name or "?", 80) for name in f.details.get("handoff") or ()),
            TONES.get(f.verdict, "none"),
        ]
        for f in found[:MOST_AFFECTED]
    ]
    hidden = len(found) - len(rows)
    return {
        "heads": heads,
        "rows": rows,
        "more": sheet.label("more", count=f"{hidden:,}") if hidden else None,
    }


def _tail(sheet: Sheet, digest: str) -> dict[str, Any]:
    """Give what a person must look at, what was assumed, and where everything comes from."""
    result, lang, declared = sheet.result, sheet.lang, sheet.result.case.declaration
    notes = [sheet.texts(n.where, n.what) for n in result.notes[:MOST_NOTES]]
    notes += [
        [sheet.text(u.where), f"{sheet.text(u.what)}; {sheet.text(u.why)}"]
        for u in declared.unused[:MOST_NOTES]
    ]
    hidden = max(len(result.notes) - MOST_NOTES, 0) + max(len(declared.unused) - MOST_NOTES, 0)
    seen = result.case.observations
    lists = {
        "inputs": [sheet.texts(path, f"SHA-256 {sha256}") for path, sha256 in inputs(result)],
        "zones": [
            sheet.texts(
                z["part"], _joined(z["version"], z["attribution"], z["licence"], f"SHA-256 {z['sha256']}")
            )
            for z in result.case.areas.provenance()
        ],
        "sources": [
            sheet.texts(s.title, _joined(s.vintage_on, s.attribution, s.licence))
            for s in (seen.sources if seen is not None else ())
        ],
    }
    provenance = {"version": __version__, "digest": digest, "policy": result.case.policy.sha256}
    return {
        "manual": [
            [
                sheet.text(c.id),
                c.zh if lang == "zh" or not c.en else c.en,
                c.reason_zh if lang == "zh" else c.reason_en,
            ]
            for c in result.manual
        ],
        "notes": notes,
        "notes-more": sheet.label("more", count=f"{hidden:,}") if hidden else None,
        "provenance": [[FACTS[name].in_(lang), sheet.text(value)] for name, value in provenance.items()],
        "sources": [[sheet.label(name), rows] for name, rows in lists.items() if rows],
    }


def _joined(*parts: object) -> str:
    return "; ".join(str(part) for part in parts if part)


def content(
    result: AuditResult,
    all_findings: bool,  # noqa: FBT001
    ink: Callable[[str], str],
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Give all that stands in the document, and the drawings of its maps."""
    sheet, lang, day = Sheet(result, ink), result.lang, result.case.as_of
    digest = hashlib.sha256(b"".join(report("json").render(result, False))).hexdigest()  # noqa: FBT003
    findings = Findings(result, all_findings)
    maps, drawings = _maps(sheet, findings)
    rules, advisories = _rules(sheet, findings.listed)
    title = WORDS["title"].in_(lang)
    told = {
        "font": FAMILY,
        "lang": lang,
        "region": "cn" if lang == "zh" else None,
        "title": title,
        "author": f"auditor {__version__}",
        "keywords": ["Circular 107", "工信部通信函〔2024〕107号", str(result.verdict)],
        "date": {"year": day.year, "month": day.month, "day": day.day},
        "day": str(day),
        "running": sheet.text(f"{result.case.declaration.operator.name} · {title}", 60),
        "foot": sheet.label("foot", version=__version__, digest=digest[:16]),
        "words": {name: word.in_(lang) for name, word in WORDS.items()},
        "counts": _counts(sheet),
        "rules": rules,
        "advisories": advisories,
        "affected": _affected(sheet, findings.listed),
        **_cover(sheet, digest),
        **maps,
        **_tail(sheet, digest),
    }
    return told, drawings
