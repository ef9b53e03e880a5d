"""What findings themselves say, as columns: texts in both languages, witness, fingerprint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor import registers
from auditor.findings import fingerprints, on_rows
from auditor.messages import VERDICTS
from auditor.reports._groups import groups, merged
from auditor.values import Lists, argued, coded, ready

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from auditor.findings import Batch, Finding, Verdict
    from auditor.reports._groups import Group, Part
    from auditor.result import AuditResult

CHUNK = 1 << 15  # findings in a table
WORD = pa.dictionary(pa.int32(), pa.string())
LIST = pa.list_(pa.string())
WAYS = ("path", "path_to_gate")
COLUMNS: dict[str, pa.DataType] = {
    "rule": WORD,
    "verdict": WORD,
    "verdict_word": WORD,
    "severity": WORD,
    "grade": WORD,
    "subject_kind": WORD,
    "subject_id": pa.string(),
    "rule_title": WORD,
    "message": pa.string(),
    "ask": pa.string(),
    "path": LIST,
    "handoff": LIST,
    "relation": WORD,
    "area": WORD,
    "distance_m": pa.float64(),
    "lon": pa.float64(),
    "lat": pa.float64(),
    "name": pa.string(),
    "kind": WORD,
    "owner": WORD,
    "services": LIST,
    "basis": WORD,
    "clauses": LIST,
    "article": WORD,
    "message_id": WORD,
    "message_en": pa.string(),
    "message_zh": pa.string(),
    "ask_en": pa.string(),
    "ask_zh": pa.string(),
    "fingerprint": pa.string(),
}
DECLARED = frozenset({"name", "kind", "owner", "services", "relation", "area", "distance_m", "lon", "lat"})
OURS = frozenset({"message", "ask"})  # in the language of the result; both are there
TOLD = {name: kind for name, kind in COLUMNS.items() if name not in DECLARED | OURS} | {"row": pa.int64()}
"""Columns that findings themselves bring; ``row`` is that of the subject, null where nobody looked."""


def whole(text: str) -> str:
    """Give a text that UTF-8 can hold: half of a character becomes a mark of replacement."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def tables(result: AuditResult, verdicts: Iterable[Verdict], *, few: int = 64) -> Iterator[Any]:
    """Give the findings in the order of `FindingTable.rows`, some rows at a time, in the columns of `TOLD`.

    Parameters
    ----------
    result
        Whose findings.
    verdicts
        Only these.
    few
        Findings of one rule and verdict that are looked at one by one.
    """
    for group in groups(result.findings, verdicts):
        if on_rows(group.batches) and len(group) > few and not any(map(_two_ways, group.batches)):
            for parts, places in group.chunks(result.findings, CHUNK):
                columns = [_of_part(result, group, part) for part in parts]
                yield pa.table({name: merged([c[name] for c in columns], places) for name in TOLD})
        else:
            yield _of_singles(result, list(result.findings.of(group.found, group.verdict)))


def _two_ways(batch: Batch) -> bool:
    return all(name in batch.details for name in WAYS)


def _of_singles(result: AuditResult, findings: list[Finding]) -> Any:
    """Look at findings one by one."""
    lang = result.lang
    kinds, _, ids = zip(*(finding.subject.partition(":") for finding in findings), strict=True)
    told: dict[str, list[Any]] = {
        "rule": [f.rule for f in findings],
        "verdict": [str(f.verdict) for f in findings],
        "verdict_word": [VERDICTS[f.verdict].in_(lang) for f in findings],
        "severity": [f.severity for f in findings],
        "grade": [f.grade for f in findings],
        "subject_kind": list(kinds),
        "subject_id": list(map(whole, ids)),
        "rule_title": [result.rule(f.rule).title.in_(lang) for f in findings],
        "path": [_names(path_of(f)) for f in findings],
        "handoff": [_names(f.details.get("handoff")) for f in findings],
        "basis": [f.basis for f in findings],
        "clauses": [list(f.clauses) for f in findings],
        "article": [article(f.clauses, lang) for f in findings],
        "message_id": [f.message_id for f in findings],
        "fingerprint": [f.fingerprint for f in findings],
        "row": [None] * len(findings),
    }
    for language in ("en", "zh"):
        told[f"message_{language}"] = [whole(result.message(f, language)) for f in findings]
        told[f"ask_{language}"] = [whole(result.ask(f, language)) or None for f in findings]
    return pa.table({name: pa.array(told[name], kind) for name, kind in TOLD.items()})


def _of_part(result: AuditResult, group: Group, part: Part) -> dict[str, Any]:
    """Look at findings of one batch a column at a time."""
    found, batch, lang, size = group.found, part.batch, result.lang, len(part.positions)
    shared = {
        "rule": found.rule,
        "verdict": str(batch.verdict),
        "verdict_word": VERDICTS[batch.verdict].in_(lang),
        "severity": found.severity_of(batch.verdict),
        "subject_kind": batch.kind,
        "rule_title": result.rule(found.rule).title.in_(lang),
        "basis": found.basis,
        "article": article(found.clauses, lang),
        "message_id": batch.message,
    }
    grades = coded(batch.grade, part.positions)
    way = next((batch.details[name] for name in WAYS if name in batch.details), None)
    return {
        **{name: _constant(value, size) for name, value in shared.items()},
        "clauses": pa.array([list(found.clauses)] * size, LIST),
        "grade": pa.DictionaryArray.from_arrays(
            pa.array(grades.codes, pa.int32()), pa.array([f"E{grade}" for grade in grades.values])
        ),
        "subject_id": part.ids,
        "path": _lists(way, part),
        "handoff": _lists(batch.details.get("handoff"), part),
        **_texts(result, group, part),
        "fingerprint": fingerprints(found.rule, result.findings.operator, batch.kind, part.ids),
        "row": pa.array(np.asarray(batch.subjects)[part.positions], pa.int64()),
    }


def _constant(value: str, size: int) -> Any:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(size, np.int32)), pa.array([value], pa.string()))


def _texts(result: AuditResult, group: Group, part: Part) -> dict[str, Any]:
    """Fill messages and what to ask, each distinct combination of the arguments that they show once."""
    rule, batch = group.found.rule, part.batch
    size, positions = len(part.positions), part.positions
    several = argued(
        batch.args, result.gaps(rule, batch.message), size, lambda column: coded(column, positions)
    )
    codes = pa.array(several.codes)
    texts = {}
    for lang in ("en", "zh"):
        told = [whole(result.told(rule, batch.message, args, lang)) for args in several.values]
        asked = [whole(result.asked(rule, batch.message, args, lang)) or None for args in several.values]
        texts[f"message_{lang}"] = pa.array(told, pa.string()).take(codes)
        texts[f"ask_{lang}"] = pa.array(asked, pa.string()).take(codes)
    return texts


def _lists(value: Any, part: Part) -> Any:
    """Give ways as lists of names; null where there is none, and a question mark for a far end unknown."""
    value = ready(value)
    if not isinstance(value, Lists):
        column = coded(value, part.positions)
        return pa.array([_names(names) for names in column.values], LIST).take(pa.array(column.codes))
    chosen = value.take(part.positions)
    names = pc.if_else(pc.equal(pc.fill_null(chosen.names, ""), ""), "?", chosen.names)
    offsets, empty = chosen.offsets, np.diff(chosen.offsets) == 0
    starts = pa.array(offsets, pa.int32(), mask=np.append(empty, False))
    return pa.ListArray.from_arrays(starts, names.take(pa.array(chosen.codes)))


def path_of(finding: Finding) -> list[str | None] | None:
    """Give the witness path of a finding, if it has one."""
    return next((way for name in WAYS if (way := finding.details.get(name))), None)


def _names(names: Iterable[str | None] | None) -> list[str] | None:
    """Give the nodes of a way; a far end that nobody declared is a question mark."""
    return [whole(name) if name else "?" for name in names] if names else None


def article(clauses: Iterable[str], lang: str) -> str:
    """Name the articles of a rule, each once."""
    found = [registers.clause(name) for name in clauses]
    named = [f"{c.instrument} {c.article_zh if lang == 'zh' else c.article}" for c in found]
    return ("；" if lang == "zh" else "; ").join(dict.fromkeys(named))
