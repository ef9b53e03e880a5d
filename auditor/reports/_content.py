"""What every report is made of: the head of a result, its records, and the groups that people read."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import orjson

from auditor import __version__
from auditor.findings import SETTLED, Verdict, plain
from auditor.language import told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.result import AuditResult

SCHEMA = "auditor.result/1"
MOST_SETTLED = 20_000  # names of what passes, in a result without --all


def head(result: AuditResult) -> dict[str, Any]:
    """Give all but what is told of single findings."""
    case = result.case
    operator, areas = case.declaration.operator, case.areas
    return {
        "schema": SCHEMA,
        "tool": {"version": __version__},
        "verdict": str(result.verdict),
        "partial": result.partial,
        "as_of": case.as_of.isoformat(),
        "lang": result.lang,
        "operator": {
            "name": operator.name,
            "uscc": operator.uscc,
            "area": areas.ids[case.area] if case.area >= 0 else None,
        },
        "policy_sha256": case.policy.sha256,
        "min_grade": result.min_grade,
        "confirmed": sorted(case.confirmed),
        "rules": [{"id": rule.id, "sha256": rule.sha256, "placed": rule.placed} for rule in result.rules],
        "inputs": [{"path": path, "sha256": sha256} for path, sha256 in inputs(result)],
        "zones": areas.provenance(),
        "sources": sources(result),
        "counts": result.counts,
        "settled": settled(result),
        "manual": [clause.id for clause in result.manual],
        "unused": [_in(result.lang, where=u.where, what=u.what, why=u.why) for u in case.declaration.unused],
        "notes": [_in(result.lang, where=n.where, what=n.what) for n in result.notes],
    }


def _in(lang: str, **texts: str) -> dict[str, str]:
    """Give texts in the language of the result."""
    return {name: told(text, lang) for name, text in texts.items()}


def settled(result: AuditResult, most: float = MOST_SETTLED) -> dict[str, dict[str, list[str]]] | None:
    """Name the subjects that pass, or to which a rule does not apply: what a later result is held against.

    Nothing where they are more than `most`: then only `--all` tells.
    """
    named: dict[str, dict[str, list[str]]] = {}
    number = 0
    for found in result.findings.rules:
        for batch in (batch for batch in found.batches if batch.verdict in SETTLED):
            number += len(batch)
            if number > most:
                return None
            names = result.findings.names(batch)
            named.setdefault(found.rule, {}).setdefault(str(batch.verdict), []).extend(names)
    return {rule: {verdict: sorted(names) for verdict, names in own.items()} for rule, own in named.items()}


def inputs(result: AuditResult) -> list[tuple[str, str]]:
    """Files that were read, with their digests: of the declaration, and of the observations."""
    seen = result.case.observations
    read = [(i.path, i.sha256) for i in result.case.declaration.inputs]
    return [*read, (seen.name, seen.sha256)] if seen is not None and seen.sha256 else read


def sources(result: AuditResult) -> list[dict[str, Any]]:
    """Where the observations come from: vintage, licence and attribution of each source."""
    seen = result.case.observations
    return [] if seen is None else [plain(asdict(source)) for source in seen.sources]


def dumps(value: object) -> bytes:
    """Write values of findings: numpy's own fast, all others as `plain` has them."""
    return orjson.dumps(value, default=plain, option=orjson.OPT_SERIALIZE_NUMPY)


def records(result: AuditResult, all_findings: bool = False) -> Iterator[dict[str, Any]]:  # noqa: FBT001, FBT002
    """Give findings one by one as the result schema has them, in plain values."""
    shown = set(Verdict) if all_findings else set(Verdict) - SETTLED
    for finding in result.findings.rows(shown):
        yield plain(result.record(finding))


def to_dict(result: AuditResult, all_findings: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002
    """Give the result as plain values, in the form that `auditor schema result` states."""
    every = result.findings.rows(set(Verdict)) if all_findings else result.unsettled  # which causes need, too
    found = [plain(result.record(finding)) for finding in every]
    skipped = [
        {"rule": record["rule"], "subject": record["subject"]}
        for record in found
        if record["verdict"] == Verdict.NOT_CHECKED
    ]
    tail = {"findings": found, "causes": result.causes, "not_checked": skipped}
    values: dict[str, Any] = orjson.loads(dumps({**head(result), **tail}))
    return values
