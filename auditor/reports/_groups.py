"""Findings of one rule and verdict at a time, sorted by subject as `FindingTable.rows` gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from auditor.findings import WORST_FIRST
from auditor.values import Lists, ready

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from auditor.columns import IntArray
    from auditor.findings import Batch, FindingTable, RuleFindings, Verdict

MOST_NAMES = 1 << 17  # on the ways of findings that are held at once


@dataclass(frozen=True)
class Part:
    """Some findings of one batch, among others.

    Parameters
    ----------
    batch, positions
        Which findings of which batch.
    ids
        Ids of their subjects, as Arrow strings.
    """

    batch: Batch
    positions: IntArray
    ids: Any


@dataclass(frozen=True)
class Group:
    """Findings of one rule and verdict.

    Parameters
    ----------
    found, verdict
        Of which rule, and which verdict.
    batches
        Those with the verdict.
    """

    found: RuleFindings
    verdict: Verdict
    batches: tuple[Batch, ...]

    def __len__(self) -> int:
        return sum(map(len, self.batches))

    def chunks(self, findings: FindingTable, most: int) -> Iterator[tuple[list[Part], IntArray]]:
        """Sort by subject, and give at most so many findings at once.

        Yields
        ------
        tuple
            Parts of batches, and where each finding of the parts, one after the other, comes in the order.
        """
        number = np.repeat(np.arange(len(self.batches)), [len(batch) for batch in self.batches])
        position = np.concatenate([np.arange(len(batch)) for batch in self.batches])
        order = findings.order(self.batches)
        weight = np.concatenate([_weights(batch) for batch in self.batches])[order]
        starts = np.flatnonzero(np.diff(np.cumsum(weight) // MOST_NAMES, prepend=-1))
        starts = np.union1d(starts, np.arange(0, len(order), most))
        for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
            chosen = order[start:end]
            places = [np.flatnonzero(number[chosen] == at) for at in range(len(self.batches))]
            parts = [
                Part(batch, at, findings.ids_of(batch, at))
                for batch, mine in zip(self.batches, places, strict=True)
                if len(at := position[chosen[mine]])
            ]
            yield parts, np.concatenate(places)


def groups(findings: FindingTable, verdicts: Iterable[Verdict]) -> Iterator[Group]:
    """Give the findings by rule, then worst first, as far as there are any."""
    wanted = frozenset(verdicts)
    for found in findings.rules:
        for verdict in (v for v in WORST_FIRST if v in wanted):
            batches = tuple(b for b in found.batches if b.verdict == verdict and len(b))
            if batches:
                yield Group(found, verdict, batches)


def merged(arrays: list[Any], places: IntArray) -> Any:
    """Put what was made of each part in the order of the findings."""
    if len(arrays) == 1:
        return arrays[0]
    return pa.concat_arrays(arrays).take(pa.array(np.argsort(places)))


def _weights(batch: Batch) -> IntArray:
    """Names that each finding of a batch shows, and one."""
    weight = np.ones(len(batch), np.int64)
    for value in batch.details.values():
        column = ready(value)
        if isinstance(column, Lists):
            weight += np.diff(column.offsets)
    return weight
