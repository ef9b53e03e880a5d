"""The result for a terminal: 80 columns, worst first, grouped by cause, the witness on a line."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from auditor import __version__, registers
from auditor.errors import visible
from auditor.findings import SETTLED, Verdict, plain
from auditor.grouping import by_rule, grouped
from auditor.language import Text, both, chinese
from auditor.messages import (
    BASES,
    SEVERITIES,
    VERDICTS,
    label,
    note_line,
    observation_line,
    unused_line,
    weightiest,
)
from auditor.overview import headline, verdict_text, why_nothing
from auditor.reports import Report
from auditor.wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from auditor.findings import Finding
    from auditor.grouping import Group, Members
    from auditor.result import AuditResult

__all__ = ["REPORT", "grouped", "print_result", "print_rule", "printed", "render", "visible"]

WIDTH = 80
EXAMPLES = 3
LINES = 20
SEEN = 6
STYLES = {Verdict.FAIL: "bold red", Verdict.INCONCLUSIVE: "yellow", Verdict.PASS: "green"}


class Page:
    """Lines of the report on a rich console of fixed width."""

    def __init__(self, console: Console, lang: str) -> None:
        self.console = console
        self.lang = lang
        self.colon, self.comma = ("：", "、") if lang == "zh" else (": ", ", ")

    def line(self, text: str, *, indent: int = 0, style: str = "") -> None:
        """Print a paragraph, wrapped, with an indent."""
        from rich.padding import Padding  # noqa: PLC0415
        from rich.text import Text as Styled  # noqa: PLC0415

        lines = wrapped(visible(text), self.console.width - indent)
        styled = Styled("\n".join(lines), style=style)
        self.console.print(Padding(styled, (0, 0, 0, indent)) if indent else styled)

    def entry(self, name: str, text: str, *, indent: int) -> None:
        """Print ``name: text``."""
        self.line(f"{label(name, self.lang)}{self.colon}{text}", indent=indent)

    def gap(self) -> None:
        """Print an empty line."""
        self.console.print()


def _head(page: Page, result: AuditResult) -> None:
    lang, case = page.lang, result.case
    area = case.area_name(case.area).in_(lang)
    day = label("as_of", lang, day=case.as_of)
    page.line(f"auditor {__version__} · {case.declaration.operator.name} · {area} · {day}", style="bold")
    shown = verdict_text(result).in_(lang)
    page.line(shown.upper() if lang == "en" else shown, style=STYLES.get(result.verdict, ""))
    page.line(headline(result, lang))
    if result.partial:
        page.line(label("partial", lang), style="yellow")


def _group(page: Page, result: AuditResult, group: Group | Members) -> None:
    lang, first = page.lang, group.findings[0]
    count = len(group.findings)
    names = page.comma.join(f.subject for f in group.findings[:EXAMPLES])
    if count > EXAMPLES:
        names += f"{page.comma}{label('more', lang, count=f'{count - EXAMPLES:,}')}"
    if group.handoff and count > 1:
        where = " → ".join(name or "?" for name in group.handoff)
        names = f"{label('handoff', lang, count=f'{count:,}', where=where)}{page.colon}{names}"
    page.line(f"{VERDICTS[group.verdict].in_(lang)}  {names}", indent=2, style=STYLES.get(group.verdict, ""))
    example = f"{label('example', lang)} {first.subject}{page.colon}" if count > 1 else ""
    page.line(example + result.message(first), indent=4)
    path = first.details.get("path") or first.details.get("path_to_gate")
    if path:
        page.entry("path", " → ".join(node or "?" for node in path), indent=4)
    for seen in weightiest(first.observations)[:SEEN]:
        page.entry("seen", observation_line(plain(seen), lang), indent=4)
    if len(first.observations) > SEEN:
        page.entry("seen", label("more", lang, count=len(first.observations) - SEEN), indent=4)
    ask = result.ask(first)
    if ask:
        page.entry("do", ask, indent=4)


def print_rule(page: Page, result: AuditResult, rule_id: str, findings: list[Finding]) -> None:
    """Print a rule with its clauses and its findings, grouped by cause."""
    _rule(page, result, rule_id, grouped(findings))


def _rule(page: Page, result: AuditResult, rule_id: str, groups: Sequence[Group | Members]) -> None:
    lang, rule = page.lang, result.rule(rule_id)
    named = {"rule": rule.id, "title": rule.title, "basis": BASES[rule.basis]}
    head = both("{rule}  {title}  ({basis}, {severity})", **named, severity=SEVERITIES[rule.severity])
    page.gap()
    page.line(head.in_(lang), style="bold")
    for clause in (registers.clause(name) for name in rule.clauses):
        text = clause.zh if lang == "zh" or not clause.en else clause.en
        article = clause.article_zh if lang == "zh" else clause.article
        page.entry("clause", f"{article}{page.colon}{text}", indent=2)
    for group in groups:
        _group(page, result, group)


def _tail(page: Page, result: AuditResult) -> None:
    lang = page.lang
    states: dict[str, list[str]] = {"passed": [], "not_applicable": []}
    for found in result.findings.rules:
        counts = found.counts()
        if set(counts) <= SETTLED:
            states["passed" if counts[Verdict.PASS] else "not_applicable"].append(found.rule)
    page.gap()
    for name, rules in states.items():
        if rules:
            page.entry(name, page.comma.join(rules), indent=0)
    if result.manual:
        page.entry("manual", page.comma.join(clause.id for clause in result.manual), indent=0)
    declared = result.case.declaration
    _listed(page, "unused", [unused_line(u, lang) for u in declared.unused], limit=LINES)
    _listed(page, "note", [note_line(note, lang) for note in result.notes], limit=EXAMPLES)
    _zones(page, result)
    _sources(page, result)
    page.line(label("facts", lang))


def _zones(page: Page, result: AuditResult) -> None:
    """Cite the sources of boundaries, and name the files that are not those of the package."""
    zones = result.case.areas.provenance()
    semicolon = "；" if page.lang == "zh" else "; "
    page.entry("zones", semicolon.join(sorted({z["attribution"] for z in zones} - {""})), indent=0)
    files: dict[str, list[str]] = {}
    for zone in zones:
        if zone["own"]:
            files.setdefault(zone["file"], []).append(zone["part"])
    named = [both("{file} ({parts})", file=file, parts=parts) for file, parts in files.items()]
    if named:
        page.entry("own_zones", page.comma.join(name.in_(page.lang) for name in named), indent=0)


def _sources(page: Page, result: AuditResult) -> None:
    """Cite the sources of observations: data, vintage, attribution, licence."""
    seen = result.case.observations
    for source in seen.sources if seen is not None else ():
        about = (source.title, str(source.vintage_on or ""), source.attribution, source.licence)
        told = [Text(text, chinese(text)).in_(page.lang) for text in about if text]
        page.entry("sources", page.comma.join(told), indent=0)


def _listed(page: Page, name: str, lines: list[str], *, limit: int) -> None:
    for line in lines[:limit]:
        page.entry(name, line, indent=0)
    if len(lines) > limit:
        more = both("and {count} more (auditor show)", count=len(lines) - limit)
        page.entry(name, more.in_(page.lang), indent=0)


def print_result(result: AuditResult, console: Console, *, all_findings: bool = False) -> None:
    """Print a result on a rich console."""
    page = Page(console, result.lang)
    _head(page, result)
    for text in why_nothing(result):
        page.line(text)
    shown = set(Verdict) if all_findings else set(Verdict) - SETTLED
    for found, groups in by_rule(result.findings, shown):
        _rule(page, result, found.rule, groups)
    _tail(page, result)


def printed(tell: Callable[[Console], None]) -> list[bytes]:
    """Give what is told on a console of fixed width as lines of plain text."""
    from rich.console import Console  # noqa: PLC0415

    out = io.StringIO()
    tell(Console(file=out, width=WIDTH, color_system=None, highlight=False, markup=False, emoji=False))
    return [f"{line.rstrip()}\n".encode() for line in out.getvalue().splitlines()]


def render(result: AuditResult, all_findings: bool) -> list[bytes]:  # noqa: FBT001
    """Give the report as plain text."""
    return printed(lambda console: print_result(result, console, all_findings=all_findings))


REPORT = Report("text", (".txt",), render)
