"""What a page says besides findings: the verdict, what holds, what needs a person, whence everything came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from auditor import __version__, registers
from auditor.findings import WORST_FIRST, Verdict
from auditor.language import told
from auditor.messages import BASES, LABELS, SEVERITIES, VERDICTS
from auditor.overview import held, tally, verdict_text, why_nothing
from auditor.page.network import DEGREE, shown
from auditor.page.words import WORDS

if TYPE_CHECKING:
    from auditor.columns import FloatArray
    from auditor.registers import Clause
    from auditor.result import AuditResult
    from auditor.zones import Part

MOST_VERTICES = 40_000  # of all outlines; more are drawn coarser
COARSER = (1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 5e-3)  # degrees, tried one after the other
METRES_A_DEGREE = 111_000


def head(result: AuditResult) -> dict[str, Any]:
    """Give the verdict in words, who was audited, and the counts."""
    lang, case = result.lang, result.case
    declared, area = case.declaration, case.area_name(case.area)
    verdict = verdict_text(result)
    says = f"says_{result.verdict}"
    if result.verdict == Verdict.PASS and verdict != VERDICTS[Verdict.PASS]:
        says = "says_declared"
    return {
        "verdict": verdict.in_(lang),
        "code": str(result.verdict),
        "says": WORDS.get(says, WORDS["says_inconclusive"]).in_(lang),
        "reasons": why_nothing(result),
        "operator": declared.operator.name,
        "uscc": declared.operator.uscc or "",
        "area": area.in_(lang),
        "area_other": area.en if lang == "zh" else area.zh,
        "as_of": case.as_of.isoformat(),
        "declared_on": declared.declared_on.isoformat() if declared.declared_on else "",
        "nodes_links": WORDS["nodes_links"]
        .in_(lang)
        .format(nodes=declared.nodes.num_rows, links=declared.links.num_rows),
        "partial": LABELS["partial"].in_(lang) if result.partial else "",
        "counts": _counts(result),
    }


def _counts(result: AuditResult) -> list[tuple[int, str, str]]:
    """Count what fails, what is open, what holds and what needs a person; related law stands apart."""
    names = ("fails", "undecided", "clauses_passed", "need_person")
    kinds = ("fail", "inconclusive", "pass", "manual")
    return [
        (n, WORDS[name].in_(result.lang), kind)
        for n, name, kind in zip(tally(result), names, kinds, strict=True)
    ]


@dataclass(frozen=True)
class ClauseText:
    """A clause as the page shows it, in both languages.

    Parameters
    ----------
    place
        Where it stands.
    """

    id: str
    place: str
    zh: str
    en: str
    note: str
    reason: str


def clause_text(clause: Clause, lang: str) -> ClauseText:
    """Give a clause for people; notes and reasons in one language."""
    chinese = lang == "zh"
    return ClauseText(
        clause.id,
        clause.place(lang),
        clause.zh,
        clause.en,
        clause.note_zh if chinese else clause.note,
        clause.reason_zh if chinese else clause.reason_en,
    )


def rules(result: AuditResult) -> dict[str, dict[str, Any]]:
    """Give what the page says of each rule, in the order of the result."""
    lang = result.lang
    told_of = {}
    for found in result.findings.rules:
        rule, counts = result.rule(found.rule), found.counts()
        told_of[rule.id] = {
            "id": rule.id,
            "title": rule.title.in_(lang),
            "basis": BASES[rule.basis].in_(lang),
            "advisory": rule.basis == "related_law",
            "severity": SEVERITIES[rule.severity].in_(lang),
            "service": rule.service or "",
            "clauses": [clause_text(registers.clause(name), lang) for name in rule.clauses],
            "counts": [(str(v), VERDICTS[v].in_(lang), counts[v]) for v in WORST_FIRST if counts[v]],
            "held": held(found),
            "idle": set(counts) <= {Verdict.NOT_APPLICABLE},
        }
    return told_of


def not_checked(result: AuditResult) -> list[str]:
    """Say what a reader might think was checked and was not."""
    lang, declared = result.lang, result.case.declaration
    lines = []
    if result.partial:
        lines.append(WORDS["not_checked_partial"].in_(lang))
    if result.case.observations is None:
        lines.append(WORDS["not_checked_offline"].in_(lang))
    if declared.partial:
        lines.append(WORDS["not_checked_unread"].in_(lang))
    elif not declared.complete:
        lines.append(WORDS["not_checked_incomplete"].in_(lang))
    for found in result.findings.rules:
        counts = found.counts()
        for verdict, name in ((Verdict.NOT_CHECKED, "skipped"), (Verdict.ERROR, "error")):
            if counts[verdict]:
                told_of = WORDS[f"not_checked_{name}"].in_(lang)
                lines.append(told_of.format(rule=found.rule, count=counts[verdict]))
    return lines


def provenance(result: AuditResult) -> dict[str, Any]:
    """Give inputs, zones and sources with their digests, and the terms of the run."""
    case, lang = result.case, result.lang
    seen = case.observations
    read = [(i.path, i.sha256) for i in case.declaration.inputs]
    vintages = {p.id: p["vintage"] for p in case.areas.parts}
    names = {p.id: (p["name_zh"] if lang == "zh" else p["name_en"]) or p.id for p in case.areas.parts}
    return {
        "inputs": [*read, (seen.name, seen.sha256)] if seen is not None and seen.sha256 else read,
        "zones": [
            {**zone, "name": names[zone["part"]], "vintage": vintages[zone["part"]]}
            for zone in case.areas.provenance()
        ],
        "sources": list(seen.sources) if seen is not None else [],
        "policy": case.policy.sha256,
        "version": __version__,
        "min_grade": result.min_grade,
        "unused": [tuple(told(t, lang) for t in (u.where, u.what, u.why)) for u in case.declaration.unused],
        "notes": [tuple(told(t, lang) for t in (n.where, n.what)) for n in result.notes],
        "facts": LABELS["facts"].in_(lang),
    }


# --- zones ------------------------------------------------------------------------------------------------


def zones(result: AuditResult) -> dict[str, Any]:
    """Give outlines of all parts for the map, with the doubt about their edges, coarser where too long."""
    parts, areas = result.case.areas.parts, result.case.areas.areas
    vertices = sum(shapely.get_num_coordinates(part.geometry) for part in parts)
    step = 0.0
    for step in COARSER if vertices > MOST_VERTICES else ():
        drawn = sum(shapely.get_num_coordinates(shapely.simplify(p.geometry, step)) for p in parts)
        if drawn <= MOST_VERTICES:
            break
    return {
        "step_m": round(step * METRES_A_DEGREE),
        "home": result.case.area,
        "areas": [{"id": a.id, "zh": shown(a.name_zh), "en": shown(a.name_en)} for a in areas],
        "parts": [
            {
                "id": shown(part.id),
                "area": next(i for i, area in enumerate(areas) if area.id == part.area),
                "status": part.status,
                "zh": shown(part["name_zh"] or part.id),
                "en": shown(part["name_en"] or part.id),
                "seaward": part.seaward,
                "rings": _rings(part, step),
                "bands": _bands(part, step),
            }
            for part in parts
        ],
    }


def _rings(part: Part, step: float) -> list[list[list[int]]]:
    """Polygons as lists of rings: lon, lat in units of 1e-5 degrees, then the steps from point to point."""
    shape = shapely.simplify(part.geometry, step) if step else part.geometry
    return [
        [_steps(shapely.get_coordinates(ring)) for ring in shapely.get_rings(polygon)]
        for polygon in shapely.get_parts(shape)
    ]


def _steps(points: FloatArray) -> list[int]:
    units = np.round(points * DEGREE).astype(np.int64)
    steps: list[int] = np.diff(units, axis=0, prepend=0).ravel().tolist()
    return steps


def _bands(part: Part, step: float) -> list[list[list[list[int]]]]:
    """Doubt about the edges of each ring, as runs of metres and edges; its worst where it is simplified."""
    at = 0
    polygons = []
    for polygon in shapely.get_parts(part.geometry):
        rings = []
        for ring in shapely.get_rings(polygon):
            edges = shapely.get_num_coordinates(ring) - 1
            metres = np.round(part.bands_m[at : at + edges]).astype(np.int64)
            at += edges
            starts = np.flatnonzero(np.diff(metres, prepend=-1))
            runs = np.stack([metres[starts], np.diff(starts, append=edges)], axis=1)
            rings.append([[int(metres.max()), edges]] if step else runs.tolist())
        polygons.append(rings)
    return polygons
