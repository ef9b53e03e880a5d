"""Findings of one rule that share a hand-off link: one cause, many subjects (DESIGN 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from auditor.findings import SETTLED, WORST_FIRST
from auditor.values import coded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.columns import IntArray
    from auditor.findings import Batch, FindingTable


def causes_of(findings: FindingTable) -> list[dict[str, Any]]:
    """Count the subjects of each rule and hand-off link: by rule, most subjects first.

    Returns
    -------
    list of dict
        ``rule``, ``handoff`` (near and far end; null where the far end is not declared), ``subjects``, and as
        ``example`` the first subject, by verdict and then by name. What is settled has no cause.
    """
    causes: dict[tuple[str, str, str], tuple[int, tuple[int, str]]] = {}
    for found in findings.rules:
        for batch in found.batches:
            if batch.verdict not in SETTLED and "handoff" in batch.details:
                worse = WORST_FIRST.index(batch.verdict)
                for near, far, subjects, first in _groups(findings, batch):
                    key = (found.rule, near, far)
                    others, before = causes.get(key, (0, (worse, first)))
                    causes[key] = (others + subjects, min(before, (worse, first)))
    ordered = sorted(causes.items(), key=lambda item: (item[0][0], -item[1][0], item[0]))
    return [
        {"rule": rule, "handoff": [near, far or None], "subjects": subjects, "example": example}
        for (rule, near, far), (subjects, (_, example)) in ordered
    ]


def _groups(findings: FindingTable, batch: Batch) -> Iterator[tuple[str, str, int, str]]:
    """Subjects of a batch by hand-off: near end, far end, how many, and the first of them by name."""
    ends = coded(batch.details["handoff"], np.arange(len(batch)))
    for end, subjects, first in _first(findings, batch, ends.codes):
        if ends.values[end]:
            near, far = (name or "" for name in ends.values[end])  # a far end may not be declared
            yield near, far, subjects, first


def _first(findings: FindingTable, batch: Batch, groups: IntArray) -> Iterator[tuple[int, int, str]]:
    """Size of each group of a batch's subjects, and the first by name."""
    if isinstance(batch.subjects, np.ndarray):
        table = pa.table({"group": groups, "name": findings.ids_of(batch)})
        # One thread: those of Arrow may let go of numpy's memory when the interpreter is gone already.
        counted = table.group_by("group", use_threads=False).aggregate([("name", "count"), ("name", "min")])
        columns = (counted.column(name).to_pylist() for name in ("group", "name_count", "name_min"))
        for group, number, name in zip(*columns, strict=True):
            yield group, number, f"{batch.kind}:{name}"
        return
    names = findings.names(batch)  # records, which are few
    for group in np.unique(groups).tolist():
        mine = np.flatnonzero(groups == group).tolist()
        yield group, len(mine), min(names[i] for i in mine)
