"""Verdicts, findings as columns, and how they add up."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor.arrow import pa, pc
from auditor.columns import whole
from auditor.language import Text
from auditor.values import part_of, picker, value_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from auditor.columns import IntArray
    from auditor.values import Column


class Verdict(StrEnum):
    """What a finding says; rules say the first four, only the engine the others (DESIGN 7)."""

    PASS = "pass"  # noqa: S105 -- a verdict, no password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not_applicable"
    ERROR = "error"
    NOT_CHECKED = "not_checked"
    MANUAL = "manual"


WORST_FIRST = (
    Verdict.FAIL,
    Verdict.ERROR,
    Verdict.NOT_CHECKED,
    Verdict.INCONCLUSIVE,
    Verdict.PASS,
    Verdict.NOT_APPLICABLE,
    Verdict.MANUAL,
)
UNDECIDED = frozenset({Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.NOT_CHECKED})
SETTLED = frozenset({Verdict.PASS, Verdict.NOT_APPLICABLE})
SEVERITIES = ("critical", "high", "medium", "low", "info")
BASES = ("circular", "related_law", "policy")
EXIT_CODES = {
    Verdict.PASS: 0,
    Verdict.NOT_APPLICABLE: 0,
    Verdict.FAIL: 1,
    Verdict.INCONCLUSIVE: 3,
}


def worst_code(codes: Iterable[int]) -> int:
    """Give the exit code of several: what could not run, then what fails, then what is undecided.

    Examples
    --------
    >>> worst_code([0, 3, 1]), worst_code([])
    (1, 0)
    """
    held = set(codes)
    return next((code for code in (2, 1, 3) if code in held), 0)


@dataclass(frozen=True, slots=True)
class Batch:
    """One verdict with one message on many subjects: how a rule answers.

    Parameters
    ----------
    verdict
        The verdict that all subjects of the batch share.
    message
        Id of the message in the rule.
    subjects
        Rows of the node or link table (an int array, with `kind` ``node`` or ``link``), or names.
    kind
        ``node``, ``link``, ``service``, ``contract``, ``prefix`` or ``operator``.
    args, details
        Values of the message's placeholders and facts of the witness. A numpy array or a column of
        `auditor.values` holds one value a subject, anything else is shared by all.
    grade
        Effective grade of the evidence, 1 (authority record) to 4 (observed); an array for one a subject.
    observations
        What sources said of each subject: a column of lists of mappings.
    """

    verdict: Verdict
    message: str
    subjects: IntArray | Sequence[str] = ("",)
    kind: str = "operator"
    args: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    grade: int | IntArray = 3
    observations: Column | tuple[()] = ()

    def __len__(self) -> int:
        return len(self.subjects)

    def take(self, positions: IntArray) -> Batch:
        """Give the part of the batch at `positions`."""
        subjects = (
            self.subjects[positions]
            if isinstance(self.subjects, np.ndarray)
            else [self.subjects[int(i)] for i in positions]
        )
        return replace(
            self,
            subjects=subjects,
            args={k: part_of(v, positions) for k, v in self.args.items()},
            details={k: part_of(v, positions) for k, v in self.details.items()},
            grade=part_of(self.grade, positions),
            observations=part_of(self.observations, positions),
        )


def plain(value: Any) -> Any:
    """Give `value` as JSON knows it: no numpy types, no NaN, dates as ISO text."""
    if isinstance(value, Text):
        return {"en": value.en, "zh": value.zh}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, float):
        return None if value != value else round(value, 6)  # noqa: PLR0124 -- NaN is the one value unlike itself
    if isinstance(value, list | tuple | set | frozenset):
        return [v if v.__class__ is str else plain(v) for v in value]  # paths are long lists of names
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    return value if value is None or isinstance(value, str | int) else str(value)


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding, for people and reports; the engine keeps batches."""

    rule: str
    basis: str
    clauses: tuple[str, ...]
    subject: str
    verdict: Verdict
    severity: str
    grade: str
    message_id: str
    args: Mapping[str, Any]
    details: Mapping[str, Any]
    fingerprint: str
    observations: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class RuleFindings:
    """All that one rule found.

    Parameters
    ----------
    rule, basis, clauses, severity
        Of the rule.
    batches
        Its answers, after the engine's own (grades, subjects that the rule skipped, errors).
    """

    rule: str
    basis: str
    clauses: tuple[str, ...]
    severity: str
    batches: tuple[Batch, ...]

    def severity_of(self, verdict: Verdict) -> str:
        """Severity of a finding: what is settled informs."""
        return "info" if verdict in SETTLED else self.severity

    def counts(self) -> Counter[Verdict]:
        """Findings by verdict."""
        total: Counter[Verdict] = Counter()
        for batch in self.batches:
            total[batch.verdict] += len(batch)
        return total


def on_rows(batches: Sequence[Batch]) -> bool:
    """Whether all subjects are rows of one table, so that ids sort them; else they are sorted singly."""
    rows = all(isinstance(batch.subjects, np.ndarray) for batch in batches)
    return rows and len({batch.kind for batch in batches}) == 1


def fingerprint(rule: str, operator: str, subject: str, discriminator: str = "") -> str:
    """Name a finding so that it can be followed from run to run.

    SHA-256 over rule, operator and subject, so neither order, file names, language nor severity change it.

    Examples
    --------
    >>> fingerprint("PILOT-FAC-01", "Example", "node:a") == fingerprint("PILOT-FAC-01", "Example", "node:a")
    True
    """
    parts = (rule, operator, subject, discriminator)
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def fingerprints(rule: str, operator: str, kind: str, ids: pa.Array) -> pa.Array:
    """Name findings on nodes or links as `fingerprint` does; what all share is hashed once.

    Examples
    --------
    >>> names = fingerprints("PILOT-FAC-01", "Example", "node", pa.array(["a"]))
    >>> names[0].as_py() == fingerprint("PILOT-FAC-01", "Example", "node:a")
    True
    """
    shared = hashlib.sha256(f"{rule}\x1f{operator}\x1f{kind}:".encode("utf-8", "surrogatepass"))
    made = []
    for name in ids.cast(pa.binary()).to_pylist():
        own = shared.copy()
        own.update(name + b"\x1f")
        made.append(own.hexdigest())
    return pa.array(made, pa.string())


@dataclass(frozen=True)
class FindingTable:
    """Findings of a run as batches a rule: counts are free, rows are made when asked for.

    Parameters
    ----------
    rules
        One entry a rule, in order of rule id.
    operator
        What names the operator in fingerprints: its USCC, or its name where it gave none.
    ids
        Ids by subject kind (``node``, ``link``): the Arrow column that integer subjects point into.
    """

    rules: tuple[RuleFindings, ...]
    operator: str
    ids: Mapping[str, pa.Array]

    def names(self, batch: Batch) -> list[str]:
        """Subjects of a batch as text: ``node:ID``, ``operator``."""
        if batch.kind == "operator":
            return ["operator"] * len(batch)
        if isinstance(batch.subjects, np.ndarray):
            chosen = self.ids_of(batch).to_pylist()
        else:
            chosen = list(batch.subjects)
        return [f"{batch.kind}:{name}" for name in chosen]

    def ids_of(self, batch: Batch, positions: IntArray | None = None) -> pa.Array:
        """Ids of subjects of a batch on rows of nodes or links, as Arrow strings: all, or at `positions`."""
        rows = np.asarray(batch.subjects)
        return whole(self.ids[batch.kind].take(pa.array(rows if positions is None else rows[positions])))

    def order(self, batches: Sequence[Batch]) -> IntArray:
        """Give the order of subjects of several batches, one after the other, that are `on_rows`."""
        order: IntArray = pc.sort_indices(pa.concat_arrays([self.ids_of(b) for b in batches])).to_numpy()
        return order

    def rows(self, verdicts: Iterable[Verdict] | None = None) -> Iterator[Finding]:
        """Findings one by one, by rule, then worst first, then by subject.

        Parameters
        ----------
        verdicts
            Only these; all if not given.
        """
        wanted = frozenset(verdicts) if verdicts is not None else frozenset(Verdict)
        for found in self.rules:
            for verdict in WORST_FIRST:
                if verdict in wanted:
                    yield from self.of(found, verdict)

    def of(self, found: RuleFindings, verdict: Verdict) -> Iterator[Finding]:
        """Findings of one rule and verdict one by one, by subject."""
        batches = [batch for batch in found.batches if batch.verdict == verdict]
        args = [picker(batch.args) for batch in batches]
        details = [None if batch.details is batch.args else picker(batch.details) for batch in batches]
        entries = [
            (name, b, i) for b, batch in enumerate(batches) for i, name in enumerate(self.names(batch))
        ]
        entries.sort()
        for name, b, i in entries:
            own, facts = args[b](i), details[b]
            yield self._finding(found, batches[b], name, i, (own, own if facts is None else facts(i)))

    def one(self, found: RuleFindings, batch: Batch, position: int) -> Finding:
        """Give one finding of a rule, by its batch and its position there."""
        name = self.names(replace(batch, subjects=batch.subjects[position : position + 1]))[0]
        args, details = picker(batch.args)(position), picker(batch.details)(position)
        return self._finding(found, batch, name, position, (args, details))

    def _finding(
        self,
        found: RuleFindings,
        batch: Batch,
        name: str,
        at: int,
        values: tuple[dict[str, Any], dict[str, Any]],
    ) -> Finding:
        args, details = values
        return Finding(
            rule=found.rule,
            basis=found.basis,
            clauses=found.clauses,
            subject=name,
            verdict=batch.verdict,
            severity=found.severity_of(batch.verdict),
            grade=f"E{batch.grade if isinstance(batch.grade, int) else batch.grade[at]}",
            message_id=batch.message,
            args=args,
            details=details,
            fingerprint=fingerprint(found.rule, self.operator, name),
            observations=tuple(value_at(batch.observations, at)),
        )

    def counts(self) -> dict[str, Counter[Verdict]]:
        """Findings by rule and verdict."""
        return {found.rule: found.counts() for found in self.rules}


def roll_up(rules: Iterable[RuleFindings]) -> Verdict:
    """Add findings up to the verdict of the run (DESIGN 7).

    Any fail of a circular or policy rule fails; else anything undecided among them leaves it inconclusive;
    else it passes if something passed. Related law stands apart and changes nothing.

    Examples
    --------
    >>> roll_up([])
    <Verdict.NOT_APPLICABLE: 'not_applicable'>
    """
    total: Counter[Verdict] = Counter()
    for found in rules:
        if found.basis != "related_law":
            total += found.counts()
    if total[Verdict.FAIL]:
        return Verdict.FAIL
    if any(total[verdict] for verdict in UNDECIDED):
        return Verdict.INCONCLUSIVE
    return Verdict.PASS if total[Verdict.PASS] else Verdict.NOT_APPLICABLE
