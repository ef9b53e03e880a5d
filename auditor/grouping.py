"""Findings in the groups that people read: one cause, many subjects, the shortest witness first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np

from auditor.findings import WORST_FIRST, Verdict, on_rows
from auditor.ways import lengths_of, ways_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.columns import IntArray
    from auditor.findings import Batch, Finding, FindingTable, RuleFindings


class Group(NamedTuple):
    """Findings of one rule that say the same for the same cause."""

    verdict: Verdict
    message_id: str
    handoff: tuple[str, ...]
    findings: list[Finding]


def grouped(findings: list[Finding]) -> list[Group]:
    """Group findings by verdict, message and hand-off link; worst first, then the largest group."""
    groups: dict[tuple[Verdict, str, tuple[str, ...]], list[Finding]] = {}
    for finding in findings:
        key = (finding.verdict, finding.message_id, _cause(finding))
        groups.setdefault(key, []).append(finding)
    made = [Group(*key, sorted(members, key=_shortest)) for key, members in groups.items()]
    return sorted(
        made, key=lambda g: (WORST_FIRST.index(g.verdict), -len(g.findings), g.handoff, g.message_id)
    )


def _cause(finding: Finding) -> tuple[str, ...]:
    """Give the hand-off link, or its far end alone where each subject has a link of its own to it."""
    handoff = tuple(name or "" for name in finding.details.get("handoff") or ())
    return handoff[1:] if handoff and finding.subject == f"node:{handoff[0]}" else handoff


def _shortest(finding: Finding) -> int:
    """Order that shows the shortest witness first."""
    return len(finding.details.get("path") or ())


# --- by columns -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Members:
    """A group as `Group`, whose findings are not made: where each stands in the batches of its rule.

    Parameters
    ----------
    verdict, message_id, handoff
        As of `Group`.
    batch, position
        Of each finding: which of the rule's batches, and where in it.
    findings
        The same, made one by one when they are asked for.
    shortest
        Nodes on the path of the first finding.
    """

    verdict: Verdict
    message_id: str
    handoff: tuple[str, ...]
    batch: IntArray
    position: IntArray
    findings: Made
    shortest: int

    def __len__(self) -> int:
        return len(self.batch)


@dataclass(frozen=True)
class Made(Sequence["Finding"]):
    """Findings of one rule that are made when they are asked for.

    Parameters
    ----------
    table, found
        Where they are held.
    batch, position
        Of each finding, as in `Members`.
    """

    table: FindingTable
    found: RuleFindings
    batch: IntArray
    position: IntArray

    def __len__(self) -> int:
        return len(self.batch)

    @overload
    def __getitem__(self, at: int) -> Finding: ...

    @overload
    def __getitem__(self, at: slice) -> list[Finding]: ...

    def __getitem__(self, at: int | slice) -> Finding | list[Finding]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        return self.table.one(self.found, self.found.batches[self.batch[at]], int(self.position[at]))


def by_rule(findings: FindingTable, verdicts: Iterable[Verdict]) -> list[tuple[RuleFindings, list[Members]]]:
    """Group the findings of each rule that has any; related law comes last, then worst first."""
    wanted = frozenset(verdicts)
    made = [(found, members(findings, found, wanted)) for found in findings.rules]

    def worst(item: tuple[RuleFindings, list[Members]]) -> tuple[bool, int, str]:
        found, groups = item
        rank = min(WORST_FIRST.index(group.verdict) for group in groups)
        return found.basis == "related_law", rank, found.rule

    return sorted((item for item in made if item[1]), key=worst)


def members(findings: FindingTable, found: RuleFindings, verdicts: Iterable[Verdict]) -> list[Members]:
    """Group the findings of a rule as `grouped` does, a column at a time."""
    wanted = frozenset(verdicts)
    made: list[Members] = []
    for verdict in WORST_FIRST:
        held = [i for i, b in enumerate(found.batches) if b.verdict == verdict and len(b)]
        if verdict in wanted and held:
            groups = _members(findings, found, verdict, held)
            made += sorted(groups, key=lambda g: (-len(g), g.handoff, g.message_id))
    return made


def _members(
    findings: FindingTable, found: RuleFindings, verdict: Verdict, held: Sequence[int]
) -> list[Members]:
    batches = [found.batches[i] for i in held]
    order = _order(findings, batches)
    number = np.repeat(held, [len(batch) for batch in batches])[order]
    position = np.concatenate([np.arange(len(batch)) for batch in batches])[order]
    lengths = np.concatenate([lengths_of(batch.details.get("path"), len(batch)) for batch in batches])[order]
    known: dict[tuple[str, tuple[str, ...]], int] = {}
    keys = []
    for batch in batches:
        codes, causes = _causes(findings, batch)
        ids = [known.setdefault((batch.message, cause), len(known)) for cause in causes]
        keys.append(np.array(ids, np.int64)[codes])
    key = np.concatenate(keys)[order]
    by_group = np.lexsort((lengths, key))  # stable: by subject where witnesses are as long
    parts = np.split(by_group, np.cumsum(np.bincount(key))[:-1])
    made = []
    for (message, cause), at in zip(known, parts, strict=True):
        where = number[at], position[at]
        lazily = Made(findings, found, *where)
        made.append(Members(verdict, message, cause, *where, lazily, int(lengths[at[0]])))
    return made


def _order(findings: FindingTable, batches: Sequence[Batch]) -> IntArray:
    """Order of subjects, as `FindingTable.of` gives them; those on rows of one table are sorted by Arrow."""
    if on_rows(batches):
        return findings.order(batches)
    names = [name for batch in batches for name in findings.names(batch)]
    return np.array(sorted(range(len(names)), key=names.__getitem__), np.int64)


def _causes(findings: FindingTable, batch: Batch) -> tuple[IntArray, list[tuple[str, ...]]]:
    """Give the cause of each finding of a batch, as `_cause` does; some may stand there twice."""
    size = len(batch)
    ways = ways_of(batch.details.get("handoff"), np.arange(size))
    starts, ends, codes = ways.offsets[:-1], ways.offsets[1:], np.zeros(size, np.int64)
    if batch.kind == "node" and len(ways.codes):
        firsts = [ways.words[i] for i in np.append(ways.codes, 0)[starts].tolist()]
        own = [f"node:{first}" == name for first, name in zip(firsts, findings.names(batch), strict=True)]
        starts = starts + ((ends > starts) & own)
    held = np.append(ways.codes, -1)
    for level in range(int((ends - starts).max())):
        at = np.where(starts + level < ends, starts + level, -1)
        codes = codes * (len(ways.words) + 1) + held[at] + 1
        codes = np.unique(codes, return_inverse=True)[1]
    first, codes = np.unique(codes, return_index=True, return_inverse=True)[1:]
    causes = [
        tuple(ways.words[i] for i in ways.codes[start:end].tolist())
        for start, end in zip(starts[first].tolist(), ends[first].tolist(), strict=True)
    ]
    return codes, causes
