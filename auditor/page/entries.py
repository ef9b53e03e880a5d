"""Findings of a result as a page carries them: groups by cause, columns, and paths that share their ends."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from auditor.explaining import FACTS_OF
from auditor.findings import SETTLED, WORST_FIRST, Verdict, fingerprint, fingerprints, plain
from auditor.grouping import by_rule
from auditor.messages import GRADES, VERDICTS, observation_line, weightiest
from auditor.page.network import Carried, shown
from auditor.page.words import WORDS
from auditor.values import argued, coded, combined
from auditor.ways import grown, ways_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.columns import IntArray
    from auditor.findings import Batch, RuleFindings
    from auditor.grouping import Members
    from auditor.result import AuditResult
    from auditor.values import Distinct
    from auditor.ways import Ways

MOST_FINDINGS = 200_000  # carried, worst first; groups count all
FEW_FINDINGS = 3_000  # up to here passes are carried without being asked for
MOST_NAMED = 20  # nodes that a finding on a contract names
SEEN = 6  # observations of a finding
LONGEST_TEXT = 4_000
ANCHOR = 12  # characters of a fingerprint
SAYS = ("message", "ask")


class Texts:
    """Texts that many findings share, each once."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._index: dict[str, int] = {}

    def at(self, text: str) -> int:
        """Give the place of a text, -1 for an empty one."""
        if not text:
            return -1
        if text not in self._index:
            self._index[text] = len(self.all)
            self.all.append(shown(text, LONGEST_TEXT))
        return self._index[text]


@dataclass(frozen=True)
class Part:
    """Findings of one batch that a page carries.

    Parameters
    ----------
    found, batch
        Of which rule, which batch of it.
    at, positions
        Where each stands among all that are carried, and in the batch.
    """

    found: RuleFindings
    batch: Batch
    at: IntArray
    positions: IntArray

    def detail(self, name: str) -> Distinct:
        """Give a fact of each finding, None where the batch does not know it."""
        return coded(self.batch.details.get(name), self.positions)


class Entries:
    """The findings that a page carries.

    Parameters
    ----------
    result
        Whose findings.
    all_findings
        Whether passes, and what does not apply, are listed with the rest.
    """

    def __init__(self, result: AuditResult, *, all_findings: bool) -> None:
        self.result = result
        self.lang = result.lang
        number = sum(len(batch) for found in result.findings.rules for batch in found.batches)
        everything = all_findings or number <= FEW_FINDINGS
        self.texts = Texts()
        self.groups: list[dict[str, Any]] = []
        self.size = self.left_out = 0
        self._parts: list[Part] = []
        self._own: dict[str, list[int]] = {name: [] for name in SAYS}
        wanted = set(Verdict) if everything else set(Verdict) - SETTLED
        for found, groups in by_rule(result.findings, wanted):
            self._add(found, groups)
        self.ends = grown([way for part in self._parts for way in _ways(part)], self.size)

    def _add(self, found: RuleFindings, groups: list[Members]) -> None:
        """Take the groups of a rule in, with as many of their findings as the page has room for."""
        ends = np.cumsum([self.size, *map(len, groups)]).clip(max=MOST_FINDINGS).tolist()
        taken = [end - start for start, end in pairwise(ends)]
        # A group for which there is no room still says what its first finding says.
        cuts = np.cumsum([0, *(max(size, 1) for size in taken)]).tolist()
        number, position = (
            np.concatenate([column(group)[: max(size, 1)] for group, size in zip(groups, taken, strict=True)])
            for column in (attrgetter("batch"), attrgetter("position"))
        )
        said = self._said(found, number, position)
        for group, size, start, (cut, end) in zip(groups, taken, ends, pairwise(cuts), strict=False):
            self._add_group(found, group, start, size, {k: told[cut:end] for k, told in said.items()})
        kept = np.concatenate([cut + np.arange(size) for cut, size in zip(cuts, taken, strict=False)])
        number, position = number[kept], position[kept]
        for i in np.unique(number).tolist():
            mine = np.flatnonzero(number == i)
            self._parts.append(Part(found, found.batches[i], self.size + mine, position[mine]))
        self.size = ends[-1]

    def _add_group(
        self, found: RuleFindings, group: Members, start: int, size: int, told: dict[str, list[str]]
    ) -> None:
        texts = self.texts
        said = {k: [texts.at(text) for text in own] for k, own in told.items()}
        # One message for all says it once, for the group; else each finding says its own.
        shared = {k: own[0] if len(set(own)) == 1 else -1 for k, own in said.items()}
        self.groups.append(
            {
                "rule": found.rule,
                "verdict": WORST_FIRST.index(group.verdict),
                "title": texts.at(self._title(group)),
                "handoff": [shown(name) for name in group.handoff],
                "size": len(group),
                "start": start,
                "end": start + size,
                "settled": group.verdict in SETTLED,
                "gate": not group.shortest,
                **shared,
            }
        )
        for k, own in said.items():
            self._own[k] += own[:size] if shared[k] < 0 else [-1] * size
        self.left_out += len(group) - size

    def _said(self, found: RuleFindings, number: IntArray, position: IntArray) -> dict[str, list[str]]:
        """Give what findings say and ask for; each distinct combination of arguments is filled once."""
        result, said = self.result, {name: np.empty(len(number), object) for name in SAYS}
        for i in np.unique(number).tolist():
            batch, mine = found.batches[i], np.flatnonzero(number == i)
            look = partial(coded, positions=position[mine])
            several = argued(batch.args, result.gaps(found.rule, batch.message), len(mine), look)
            for name, get in zip(SAYS, (result.told, result.asked), strict=True):
                told = [get(found.rule, batch.message, args) for args in several.values]
                said[name][mine] = np.array(told, object)[several.codes]
        return {name: texts.tolist() for name, texts in said.items()}

    def _title(self, group: Members) -> str:
        """Say what a group is: how many subjects, and the hand-off that they share."""
        size, lang = len(group), self.lang
        where = " → ".join(shown(name) or WORDS["blank_end"].in_(lang) for name in group.handoff)
        if where and size > 1:
            return WORDS["by_handoff"].in_(lang).format(count=size, where=where)
        if where:
            return WORDS["handoff"].in_(lang).format(where=where)
        return (
            (WORDS["subjects"].in_(lang).format(count=size)) if size > 1 else WORDS["one_subject"].in_(lang)
        )

    # --- columns ------------------------------------------------------------------------------------------

    def columns(self) -> dict[str, Any]:
        """Give the findings as columns; nodes still by id, see `placed`."""
        told, metres, facts = np.empty(self.size, object), np.empty(self.size, object), []
        seen: dict[int, list[str]] = {}
        for part in self._parts:
            far, text = self._facts(part)
            metres[part.at], told[part.at] = far, text
            seen |= self._seen(part)
        lines: dict[int, list[int]] = {}
        for at, text in enumerate(told.tolist()):
            facts.append(self.texts.at(text))
            if at in seen:
                lines[at] = [self.texts.at(line) for line in seen[at]]
        return {
            "group": np.repeat(np.arange(len(self.groups)), [g["end"] - g["start"] for g in self.groups]),
            **self._own,
            "facts": facts,
            "path": self.ends.first.tolist(),
            "metres": metres.tolist(),
            "seen": lines,
            "anchor": self._anchors(),
        }

    def names(self, at: int) -> list[str]:
        """Ids of the nodes on the path of a finding, blank for a far end that is not declared."""
        return [shown(name) for name in self.ends.way(at)]

    def _ids(self, part: Part, chosen: IntArray | slice = slice(None)) -> Any:
        """Ids of the subjects of a part that are rows of nodes or links, as Arrow strings."""
        rows = np.asarray(part.batch.subjects)[part.positions[chosen]]
        ids = self.result.findings.ids[part.batch.kind].take(pa.array(rows))
        return ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids

    def _names(self, part: Part, chosen: IntArray | slice = slice(None)) -> list[str]:
        """Subjects of a part as text."""
        kind, subjects = part.batch.kind, part.batch.subjects
        if kind == "operator":
            return ["operator"] * len(part.positions[chosen])
        if isinstance(subjects, np.ndarray):
            return [f"{kind}:{name}" for name in self._ids(part, chosen).to_pylist()]
        return [f"{kind}:{subjects[i]}" for i in part.positions[chosen].tolist()]

    def _anchors(self) -> str:
        """Give the beginnings of fingerprints, one after the other."""
        findings, anchors = self.result.findings, np.empty(self.size, object)
        for part in self._parts:
            rule, kind = part.found.rule, part.batch.kind
            if isinstance(part.batch.subjects, np.ndarray):
                names = fingerprints(rule, findings.operator, kind, self._ids(part)).to_pylist()
            else:
                names = [fingerprint(rule, findings.operator, name) for name in self._names(part)]
            anchors[part.at] = [name[:ANCHOR] for name in names]
        return "".join(anchors.tolist())

    def _seen(self, part: Part) -> dict[int, list[str]]:
        """Lines on what sources said of findings, the weightiest first."""
        said = coded(part.batch.observations, part.positions)
        lines = [
            [observation_line(plain(o), self.lang) for o in weightiest(records)[:SEEN]]
            for records in said.values
        ]
        owners = zip(part.at.tolist(), said.codes.tolist(), strict=True)
        return {at: lines[code] for at, code in owners if lines[code]}

    def _facts(self, part: Part) -> tuple[Any, Any]:
        """Give metres from the edge, and how far off, how many and on what evidence, on a line."""
        grade = coded(part.batch.grade, part.positions)
        several = combined([part.detail("distance_m"), part.detail("count"), grade], len(part.at))
        far, told = np.empty((2, len(several.values)), object)
        for i, (distance, count, level) in enumerate(several.values):
            metres = _from_edge(part.found.rule, distance)
            far[i] = None if metres is None else round(metres)
            told[i] = self._line(metres, count if part.batch.kind == "node" else None, f"E{level}")
        return far[several.codes], told[several.codes]

    def _line(self, metres: float | None, count: Any, grade: str) -> str:
        lang, told = self.lang, []
        if metres is not None:
            name = "distance" if metres >= 0 else "distance_in"
            told.append(WORDS[name].in_(lang).format(metres=round(abs(metres))))
        if isinstance(count, int | np.integer) and count > 1:
            told.append(WORDS["subscribers"].in_(lang).format(count=int(count)))
        told.append(GRADES[grade].in_(lang))
        return " · ".join(told)

    def nodes(self, carried: Carried) -> dict[int, list[int]]:
        """Give the nodes that findings on contracts and the like name."""
        found: dict[int, list[int]] = {}
        for part in (part for part in self._parts if "nodes" in part.batch.details):
            named = part.detail("nodes")
            nodes = [_placed(list(names or ())[:MOST_NAMED], carried) for names in named.values]
            owners = zip(part.at.tolist(), named.codes.tolist(), strict=True)
            found |= {at: nodes[code] for at, code in owners if nodes[code] is not None}
        return dict(sorted(found.items()))

    def subjects(self, carried: Carried) -> tuple[IntArray, list[str]]:
        """Give the node of each finding, by its place among those carried; else -1 - its text."""
        index, others = np.full(self.size, -1, np.int64), np.empty(self.size, object)
        for part in self._parts:
            if part.batch.kind == "node":
                rows = part.batch.subjects
                rows = rows if isinstance(rows, np.ndarray) else carried.case.rows_of(rows)
                index[part.at] = carried.index[rows[part.positions]]
            lost = np.flatnonzero(index[part.at] < 0)
            others[part.at[lost]] = [shown(name) for name in self._names(part, lost)]
        lost = np.flatnonzero(index < 0)
        index[lost] = -1 - np.arange(len(lost))
        return index, others[lost].tolist()


def _placed(names: list[Any], carried: Carried) -> list[int] | None:
    """Nodes by their places among those carried; nothing where none is named."""
    rows = carried.case.rows_of(map(str, names))
    nodes = carried.index[rows[rows >= 0]]
    found: list[int] = nodes[nodes >= 0].tolist()
    return found if names else None


def _ways(part: Part) -> Iterator[tuple[IntArray, Ways]]:
    """Give the witnesses of findings: the path, or else the path to the gate."""
    at, positions = part.at, part.positions
    for name in ("path", "path_to_gate"):
        if name in part.batch.details and len(at):
            ways = ways_of(part.batch.details[name], positions)
            yield at, ways
            rest = ways.lengths == 0
            at, positions = at[rest], positions[rest]


def _from_edge(rule: str, metres: Any) -> float | None:
    """Metres from the edge of the nearest area, negative inside; nothing where that is not what is told."""
    if metres is None or metres != metres or (rule, "distance_m") in FACTS_OF:  # noqa: PLR0124 -- NaN
        return None
    return float(metres)


def verdict_words(lang: str) -> list[str]:
    """Words for verdicts, in the order of `WORST_FIRST`."""
    return [VERDICTS[v].in_(lang) for v in WORST_FIRST]
