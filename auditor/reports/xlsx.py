"""The result as a workbook for people: summary, findings, causes and clauses, each on a sheet of its own.

Labels and words are in the language of the result, the messages in both languages. No cell is ever a formula:
every text is written as a text, whatever it begins with, and stands as it is (no ``'`` before it). Control
characters are shown, not obeyed; a text longer than a cell holds is cut and ends with an ellipsis.
"""

from __future__ import annotations

import re
from functools import partial
from itertools import groupby
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter

from auditor import __version__, registers
from auditor.errors import visible
from auditor.findings import SETTLED, UNDECIDED, WORST_FIRST, Verdict
from auditor.grouping import grouped
from auditor.language import both, told
from auditor.messages import BASES, RELATIONS, SEVERITIES, VERDICTS, kind_name, label
from auditor.overview import verdict_text
from auditor.reports import Report
from auditor.reports._content import inputs
from auditor.reports._rows import LABELS, Findings, flat
from auditor.reports._told import path_of, whole
from auditor.workbook import LONGEST, MOST_ROWS, escaped, saved, text_cell, units

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from auditor.language import Text
    from auditor.registers import Clause
    from auditor.result import AuditResult

WIDTHS = {
    "verdict_word": 16, "rule": 15, "rule_title": 30, "subject_id": 24, "message": 60, "ask": 40,
    "severity": 10, "grade": 10, "distance_m": 14, "relation": 12, "area": 18, "path": 36, "handoff": 22,
    "name": 22, "kind": 18, "owner": 24, "services": 12, "lon": 12, "lat": 12, "subject_kind": 12,
    "article": 26, "clauses": 24, "basis": 16, "other": 50, "other_ask": 36, "verdict": 14,
    "message_id": 18, "fingerprint": 20,
}  # fmt: skip
SHEETS = {
    "summary": both("Summary"),
    "findings": both("Findings"),
    "causes": both("Causes"),
    "clauses": both("Clauses"),
}
WORDS = {
    "title": both("Audit under Circular 107"),
    "verdict": both("Verdict"),
    "operator": both("Operator"),
    "uscc": both("Unified social credit code"),
    "area": both("Pilot area"),
    "as_of": both("Date of the audit"),
    "version": both("Version of auditor"),
    "grade": both("Least grade of evidence for a pass"),
    "declared": both("Declared on"),
    "rule": both("Rule"),
    "asks": both("What the rule asks"),
    "basis": both("Basis"),
    "undecided": both("not decided"),
    "manual": both("Clauses that need a person"),
    "notes": both("Notes on reading"),
    "unused": both("Not used"),
    "inputs": both("Files read"),
    "zones": both("Boundaries of the pilot areas"),
    "sources": both("Observations"),
    "handoff": both("Hand-off link"),
    "subjects": both("Subjects"),
    "example": both("Example"),
    "says": both("Finding of the example"),
    "path": both("Path"),
    "do": both("What to do or ask next"),
    "clause": both("Clause"),
    "instrument": both("Instrument"),
    "article": both("Article"),
    "zh": both("Text in Chinese (governs)"),
    "en": both("Text in English"),
    "answered": both("Answered by"),
    "person": both("a person"),
    "why": both("Why a person must look"),
    "left_out": both("Findings left out, since a sheet holds no more: {count}"),
    "policy": both("Digest of the policy (SHA-256)"),
}
COLOURS = {
    Verdict.FAIL: ("F8D7DA", "8B1A1A"),
    Verdict.INCONCLUSIVE: ("FFF1CC", "7A5600"),
    Verdict.ERROR: ("E8DAEF", "512E6B"),
    Verdict.NOT_CHECKED: ("E8DAEF", "512E6B"),
    Verdict.PASS: ("DDF0E1", "1E5B32"),
    Verdict.NOT_APPLICABLE: ("EEEEEE", "555555"),
    Verdict.MANUAL: ("DCE9F7", "1F4E79"),
}
FONTS = {"en": "Arial", "zh": "Microsoft YaHei"}
LINE_HEIGHT, HIGHEST = 14, 409  # points; the second is the most that a row may have
ROOM = 1.05  # lines are broken at words
WIDE = re.compile("[\u2e80-\uffef]")  # characters twice as wide as a letter
PRINTED = 12  # columns of findings that fit on paper
MOST_TEXTS = 10_000
A4 = 9  # its number in the format
LINE = Side(style="thin", color="D0D7DE")


class Look(NamedTuple):
    """How a cell looks."""

    bold: bool = False
    size: int = 10
    colour: str = "1F2328"
    fill: str = ""
    lined: bool = True


PLAIN, NONE, HEAD = Look(), Look(colour="B0B7C0"), Look(bold=True, colour="FFFFFF", fill="1F3A5F")
TITLE, SECTION, BARE = (
    Look(bold=True, size=16, lined=False),
    Look(bold=True, size=12, lined=False),
    Look(lined=False),
)
NAME = Look(bold=True, fill="F1F4F8")


class Page:
    """A sheet that is written line by line."""

    def __init__(
        self, book: Workbook, title: str, lang: str, widths: Iterable[float], *, frozen: str = ""
    ) -> None:
        self.sheet: Any = book.create_sheet(title)
        self._font = FONTS[lang]
        self._widths = tuple(widths)
        self._cells: dict[tuple[Look, bool], Any] = {}
        self._texts: dict[str, str] = {}
        self.lines = 0
        self.sheet.sheet_view.showGridLines = False
        if frozen:
            self.sheet.freeze_panes = frozen
        for at, width in enumerate(self._widths, 1):
            self.sheet.column_dimensions[get_column_letter(at)].width = width
        self.sheet.page_setup.orientation = "landscape"
        self.sheet.page_setup.paperSize = A4
        self.sheet.sheet_properties.pageSetUpPr.fitToPage = True
        self.sheet.page_setup.fitToHeight = 0
        self.sheet.oddFooter.center.text = "&P / &N"

    def add(self, *cells: Any) -> None:
        """Write a line; a cell is a value, or a value with its look."""
        pairs = [cell if isinstance(cell, tuple) else (cell, PLAIN) for cell in cells]
        self.lines += 1
        sized = zip(pairs, self._widths, strict=False)
        high = max((_height(value, look, width) for (value, look), width in sized), default=1)
        if high > 1:
            self.sheet.row_dimensions[self.lines].height = min(LINE_HEIGHT * high, HIGHEST)
        # One cell a look, filled anew: openpyxl writes each before it takes the next, and styles are dear.
        self.sheet.append(self._cell(*pair) for pair in pairs)

    def _cell(self, value: Any, look: Look = PLAIN) -> Any:
        if value is None or value == "":
            return None
        text = isinstance(value, str)
        if (look, text) not in self._cells:
            self._cells[look, text] = self._made(look, text=text)
        cell = self._cells[look, text]
        cell._value = self._fitted(value) if text else value  # noqa: SLF001 -- `value` would guess at its type
        return cell

    def _made(self, look: Look, *, text: bool) -> Any:
        cell = text_cell(self.sheet, "") if text else WriteOnlyCell(self.sheet, 0)
        cell.font = Font(name=self._font, bold=look.bold, size=look.size, color=look.colour)
        cell.alignment = Alignment(
            vertical="top", wrap_text=look.lined, horizontal="left" if text else "right"
        )
        if look.fill:
            cell.fill = PatternFill("solid", fgColor=look.fill)
        if look.lined:
            cell.border = Border(bottom=LINE, top=LINE, left=LINE, right=LINE)
        return cell

    def _fitted(self, text: str) -> str:
        """Give a text as a cell holds it; most stand in many rows."""
        if text not in self._texts:
            if len(self._texts) > MOST_TEXTS:
                self._texts.clear()
            self._texts[text] = _fit(text)
        return self._texts[text]


def _height(value: Any, look: Look, width: float) -> int:
    """Count the lines that a cell takes; no spreadsheet but Excel does so by itself when it opens a file."""
    if not isinstance(value, str) or (look.lined and len(value) <= width / 2):
        return 1
    if not look.lined:
        return 2 if look.size > BARE.size else 1
    cells = len(value) if value.isascii() else len(value) + len(WIDE.findall(value))
    return ceil(cells * ROOM / width)


def _fit(text: str) -> str:
    """Show control characters, and cut what a cell does not hold."""
    text = escaped(visible(whole(text)))
    return text if units(text) <= LONGEST else text[: LONGEST // 2 - 1] + "…"


def _look(verdict: Verdict) -> Look:
    fill, colour = COLOURS[verdict]
    return Look(bold=True, fill=fill, colour=colour)


# --- sheets -------------------------------------------------------------------------------------------------


def _summary(book: Workbook, result: AuditResult, left_out: int) -> None:
    lang, case = result.lang, result.case
    operator = case.declaration.operator
    page = Page(book, SHEETS["summary"].in_(lang), lang, (30, 76, 20, 18, 14, 14, 16))
    page.add((WORDS["title"].in_(lang), TITLE))
    page.add()
    shown = verdict_text(result)
    facts: list[tuple[str, Any]] = [
        ("verdict", (shown.in_(lang), _look(result.verdict))),
        ("operator", operator.name),
        ("uscc", operator.uscc or ""),
        ("area", case.area_name(case.area).in_(lang)),
        ("as_of", case.as_of.isoformat()),
        ("declared", str(case.declaration.declared_on or "")),
        ("grade", result.min_grade),
        ("version", __version__),
        ("policy", case.policy.sha256),
    ]
    for name, value in facts:
        page.add((WORDS[name].in_(lang), NAME), value)
    page.add()
    if result.partial:
        page.add((label("partial", lang), BARE))
    if left_out:
        page.add((WORDS["left_out"].in_(lang).format(count=f"{left_out:,}"), BARE))
    page.add((label("facts", lang), BARE))
    _counts(page, result)
    _lists(page, result)


def _counts(page: Page, result: AuditResult) -> None:
    """Write findings by rule and verdict."""
    lang = result.lang
    shown = (Verdict.FAIL, None, Verdict.PASS, Verdict.NOT_APPLICABLE)
    names = [WORDS["undecided"].in_(lang) if v is None else VERDICTS[v].in_(lang) for v in shown]
    page.add()
    page.add(*((name, HEAD) for name in (*(WORDS[n].in_(lang) for n in ("rule", "asks", "basis")), *names)))
    for found in result.findings.rules:
        counts = found.counts()
        numbers = [sum(counts[u] for u in UNDECIDED) if v is None else counts[v] for v in shown]
        looks = [_look(v or Verdict.INCONCLUSIVE) if n else NONE for v, n in zip(shown, numbers, strict=True)]
        title, basis = result.rule(found.rule).title.in_(lang), BASES[found.basis].in_(lang)
        page.add(found.rule, title, basis, *zip(numbers, looks, strict=True))


def _lists(page: Page, result: AuditResult) -> None:
    """Write what a person must look at, what was assumed, and where everything comes from."""
    lang, declared = result.lang, result.case.declaration
    seen = result.case.observations
    lists: dict[str, list[tuple[str, ...]]] = {
        "manual": [(c.id, _article(c, lang)) for c in result.manual],
        "notes": [(told(n.where, lang), told(n.what, lang)) for n in result.notes],
        "unused": [
            (told(u.where, lang), f"{told(u.what, lang)}; {told(u.why, lang)}") for u in declared.unused
        ],
        "inputs": [(path, f"SHA-256 {digest}") for path, digest in inputs(result)],
        "zones": [
            (z["part"], _joined(z["version"], z["attribution"], z["licence"], f"SHA-256 {z['sha256']}"))
            for z in result.case.areas.provenance()
        ],
        "sources": [
            (s.title, _joined(s.vintage_on, s.attribution, s.licence))
            for s in (seen.sources if seen is not None else ())
        ],
    }
    for name, rows in lists.items():
        if rows:
            page.add()
            page.add((f"{WORDS[name].in_(lang)} ({len(rows):,})", SECTION))
        for row in rows:
            page.add(*row)


def _joined(*parts: object) -> str:
    return "; ".join(str(part) for part in parts if part)


def _article(clause: Clause, lang: str) -> str:
    return f"{clause.instrument} {clause.article_zh if lang == 'zh' else clause.article}"


def _findings(book: Workbook, result: AuditResult, findings: Findings) -> int:
    """Write all findings that a sheet holds; give the number of those left out."""
    lang = result.lang
    other = "en" if lang == "zh" else "zh"
    names = {"other": f"message_{other}", "other_ask": f"ask_{other}"}
    columns = [names.get(name, name) for name in WIDTHS]
    page = Page(book, SHEETS["findings"].in_(lang), lang, WIDTHS.values(), frozen="C2")
    page.sheet.print_title_rows = "1:1"
    page.add(*((LABELS[name].in_(lang), HEAD) for name in columns))
    table = flat(findings.table.select([*columns]))
    kept = table.slice(0, MOST_ROWS - 1)
    words = {name: _words(result, name) for name in columns}
    values = [
        [None if v is None else words[name](v) for v in kept.column(name).to_pylist()] for name in columns
    ]
    for finding, row in zip(findings.listed, zip(*values, strict=True), strict=False):
        page.add((row[0], _look(finding.verdict)), *row[1:])
    page.sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{page.lines}"
    page.sheet.print_area = f"A1:{get_column_letter(PRINTED)}{page.lines}"
    return int(table.num_rows - kept.num_rows)


def _words(result: AuditResult, name: str) -> Callable[[Any], Any]:
    """Give what turns the keys of a column into words for people."""
    lang, case = result.lang, result.case
    areas = {area: case.area_name(at).in_(lang) for at, area in enumerate(case.areas.ids)}
    known: dict[str, dict[str, Text]] = {"severity": SEVERITIES, "basis": BASES, "relation": RELATIONS}
    if name in known:
        return lambda key: known[name][key].in_(lang)
    if name == "area":
        return areas.__getitem__
    return partial(_kind, lang) if name == "kind" else lambda value: value


def _kind(lang: str, key: str) -> str:
    """Name a kind of node; those of links are their own names."""
    try:
        return kind_name(key).in_(lang)
    except KeyError:
        return key


def _causes(book: Workbook, result: AuditResult, findings: Findings) -> None:
    """Write groups of findings that say the same for the same cause, worst first."""
    lang = result.lang
    heads = ("rule", "verdict", "subjects", "handoff", "example", "says", "path", "do")
    page = Page(book, SHEETS["causes"].in_(lang), lang, (15, 16, 10, 26, 24, 60, 44, 40), frozen="A2")
    page.sheet.print_title_rows = "1:1"
    page.add(*((WORDS[name].in_(lang), HEAD) for name in heads))
    found = [f for f in findings.listed if f.verdict not in SETTLED]
    groups = [(rule, group) for rule, own in groupby(found, lambda f: f.rule) for group in grouped(list(own))]
    for rule, group in sorted(groups, key=lambda item: WORST_FIRST.index(item[1].verdict)):
        first = group.findings[0]
        page.add(
            rule,
            (VERDICTS[group.verdict].in_(lang), _look(group.verdict)),
            len(group.findings),
            " → ".join(name or "?" for name in group.handoff),
            first.subject,
            result.message(first),
            " → ".join(name or "?" for name in path_of(first) or ()),
            result.ask(first),
        )
    page.sheet.auto_filter.ref = f"A1:H{page.lines}"


def _clauses(book: Workbook, result: AuditResult) -> None:
    """Write all clauses with their words, the worst verdict on each, and who answers it."""
    lang = result.lang
    heads = ("clause", "verdict", "instrument", "article", "basis", "zh", "en", "answered", "why")
    page = Page(book, SHEETS["clauses"].in_(lang), lang, (24, 16, 24, 22, 16, 60, 60, 24, 44), frozen="B2")
    page.sheet.print_title_rows = "1:1"
    page.add(*((WORDS[name].in_(lang), HEAD) for name in heads))
    verdicts: dict[str, list[Verdict]] = {}
    rules: dict[str, list[str]] = {}
    for found in result.findings.rules:
        for name in found.clauses:
            rules.setdefault(name, []).append(found.rule)
            verdicts.setdefault(name, []).extend(v for v, number in found.counts().items() if number)
    manual = {clause.id for clause in result.manual}
    for clause in registers.read_clauses():
        person = clause.id in manual
        worst = Verdict.MANUAL if person else _worst(verdicts.get(clause.id, ()))
        page.add(
            clause.id,
            (VERDICTS[worst].in_(lang), _look(worst)) if worst else "",
            clause.instrument,
            clause.article_zh if lang == "zh" else clause.article,
            BASES[clause.basis].in_(lang),
            clause.zh,
            clause.en,
            WORDS["person"].in_(lang) if person else ", ".join(rules.get(clause.id, ())),
            (clause.reason_zh if lang == "zh" else clause.reason_en) if person else "",
        )
    page.sheet.auto_filter.ref = f"A1:I{page.lines}"


def _worst(verdicts: Sequence[Verdict]) -> Verdict | None:
    return min(verdicts, key=WORST_FIRST.index, default=None)


def render(result: AuditResult, all_findings: bool) -> list[bytes]:  # noqa: FBT001
    """Give the workbook."""
    findings = Findings(result, all_findings)
    book = Workbook(write_only=True)
    book.properties.title = f"{WORDS['title'].in_(result.lang)} {result.case.as_of}"
    book.properties.creator = f"auditor {__version__}"
    book.properties.language = "zh-CN" if result.lang == "zh" else "en"
    _summary(book, result, max(len(findings.listed) - MOST_ROWS + 1, 0))
    _findings(book, result, findings)
    _causes(book, result, findings)
    _clauses(book, result)
    return [saved(book)]


REPORT = Report("xlsx", (".xlsx",), render, binary=True)
