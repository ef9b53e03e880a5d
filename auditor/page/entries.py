"""Findings of a result as a page carries them: groups by cause, columns, and paths that share their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditor.explaining import FACTS_OF
from auditor.findings import SETTLED, WORST_FIRST, Verdict, plain
from auditor.grouping import grouped
from auditor.messages import GRADES, VERDICTS, observation_line, weightiest
from auditor.page.network import NOT_JUDGED, Carried, shown
from auditor.page.words import WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from auditor.columns import IntArray
    from auditor.findings import Finding
    from auditor.grouping import Group
    from auditor.result import AuditResult

MOST_FINDINGS = 200_000  # carried, worst first; groups count all
FEW_FINDINGS = 3_000  # up to here passes are carried without being asked for
MOST_NAMED = 20  # nodes that a finding on a contract names
SEEN = 6  # observations of a finding
LONGEST_TEXT = 4_000
ANCHOR = 12  # characters of a fingerprint


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


class Ends:
    """Paths as a tree that grows from their ends: what paths share towards the Internet is there once.

    Each entry is a node and the entry that comes next on the way, -1 at the end.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.after: list[int] = []
        self._known: dict[tuple[str, int], int] = {}
        self._rest: dict[tuple[str | None, ...], int] = {}

    def add(self, path: Sequence[str | None]) -> int:
        """Put a path in; gives its first entry, -1 for a path of no nodes."""
        if not path:
            return -1
        rest = tuple(path[1:])
        if rest not in self._rest:  # many subjects share all but their own node
            entry = -1
            for name in reversed(rest):
                entry = self._entry(name or "", entry)
            self._rest[rest] = entry
        return self._entry(path[0] or "", self._rest[rest])

    def _entry(self, name: str, after: int) -> int:
        key = (name, after)
        if key not in self._known:
            self._known[key] = len(self.names)
            self.names.append(name)
            self.after.append(after)
        return self._known[key]


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
        self.texts, self.ends = Texts(), Ends()
        self.groups: list[dict[str, Any]] = []
        self._members: list[Finding] = []
        self._says = {"message": result.message, "ask": result.ask}
        self._own: dict[str, list[int]] = {name: [] for name in self._says}
        self.left_out = 0
        by_rule: dict[str, list[Finding]] = {}
        for finding in result.findings.rows(None if everything else set(Verdict) - SETTLED):
            by_rule.setdefault(finding.rule, []).append(finding)
        for _, findings in sorted(by_rule.items(), key=worst_rule):
            for group in grouped(findings):
                self._add(group)

    def _add(self, group: Group) -> None:
        """Take a group in, with as many of its findings as the page has room for."""
        room = max(0, MOST_FINDINGS - len(self._members))
        taken, texts = group.findings[:room], self.texts
        first = group.findings[0]
        said = {k: [texts.at(get(f)) for f in taken or [first]] for k, get in self._says.items()}
        # One message for all says it once, for the group; else each finding says its own.
        shared = {k: told[0] if len(set(told)) == 1 else -1 for k, told in said.items()}
        start = len(self._members)
        self.groups.append(
            {
                "rule": first.rule,
                "verdict": WORST_FIRST.index(group.verdict),
                "title": texts.at(self._title(group)),
                "handoff": [shown(name) for name in group.handoff],
                "size": len(group.findings),
                "start": start,
                "end": start + len(taken),
                "settled": group.verdict in SETTLED,
                "gate": not first.details.get("path"),
                **shared,
            }
        )
        for k, told in said.items():
            self._own[k] += told[: len(taken)] if shared[k] < 0 else [-1] * len(taken)
        self._members += taken
        self.left_out += len(group.findings) - len(taken)

    def _title(self, group: Group) -> str:
        """Say what a group is: how many subjects, and the hand-off that they share."""
        size, lang = len(group.findings), self.lang
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
        facts, paths, metres, seen, ends = [], [], [], {}, self.ends
        for at, finding in enumerate(self._members):
            facts.append(self.texts.at(self._facts(finding)))
            paths.append(ends.add(path_of(finding)))
            away = _from_edge(finding)
            metres.append(None if away is None else round(away))
            if finding.observations:
                seen[at] = [self.texts.at(line) for line in self._seen(finding)]
        return {
            "group": np.repeat(np.arange(len(self.groups)), [g["end"] - g["start"] for g in self.groups]),
            **self._own,
            "facts": facts,
            "path": paths,
            "metres": metres,
            "seen": seen,
            "anchor": "".join(f.fingerprint[:ANCHOR] for f in self._members),
        }

    def names(self, at: int) -> list[str]:
        """Ids of the nodes on the path of a finding, blank for a far end that is not declared."""
        return [shown(name or "") for name in path_of(self._members[at])]

    def _seen(self, finding: Finding) -> list[str]:
        """Lines on what sources said, the weightiest first."""
        return [observation_line(plain(o), self.lang) for o in weightiest(finding.observations)[:SEEN]]

    def _facts(self, finding: Finding) -> str:
        """Tell how far off, how many and on what evidence, on a line."""
        details, lang, told = finding.details, self.lang, []
        metres = _from_edge(finding)
        if metres is not None:
            name = "distance" if metres >= 0 else "distance_in"
            told.append(WORDS[name].in_(lang).format(metres=round(abs(metres))))
        count = details.get("count")
        if isinstance(count, int | np.integer) and count > 1 and finding.subject.startswith("node:"):
            told.append(WORDS["subscribers"].in_(lang).format(count=int(count)))
        told.append(GRADES[finding.grade].in_(lang))
        return " · ".join(told)

    def nodes(self, carried: Carried) -> dict[int, list[int]]:
        """Give the nodes that findings on contracts and the like name."""
        named = {i: list(f.details.get("nodes") or ())[:MOST_NAMED] for i, f in enumerate(self._members)}
        found = {i: carried.case.rows_of(map(str, names)) for i, names in named.items() if names}
        index = {i: carried.index[rows[rows >= 0]] for i, rows in found.items()}
        return {i: nodes[nodes >= 0].tolist() for i, nodes in index.items()}

    def subjects(self, carried: Carried) -> tuple[IntArray, list[str]]:
        """Give the node of each finding, by its place among those carried; else -1 - its text."""
        names = [
            f.subject.removeprefix("node:") if f.subject.startswith("node:") else "" for f in self._members
        ]
        rows = carried.case.rows_of(names)
        index = np.where(rows >= 0, carried.index[rows], -1)
        others: list[str] = []
        for at in np.flatnonzero(index < 0).tolist():
            index[at] = -1 - len(others)
            others.append(shown(self._members[at].subject))
        return index, others


def _from_edge(finding: Finding) -> float | None:
    """Metres from the edge of the nearest area, negative inside; nothing where that is not what is told."""
    metres = finding.details.get("distance_m")
    if metres is None or metres != metres or (finding.rule, "distance_m") in FACTS_OF:  # noqa: PLR0124 -- NaN
        return None
    return float(metres)


def path_of(finding: Finding) -> Sequence[str | None]:
    """Give the nodes of a finding's witness, from the subject on."""
    details = finding.details
    path: Sequence[str | None] = details.get("path") or details.get("path_to_gate") or ()
    return path


def worst_rule(item: tuple[str, Iterable[Finding]]) -> tuple[bool, int, str]:
    """Order of rules for people: related law last, then worst first."""
    rule, findings = item
    found = list(findings)
    rank = min((WORST_FIRST.index(f.verdict) for f in found), default=NOT_JUDGED)
    return found[0].basis == "related_law", rank, rule


def verdict_words(lang: str) -> list[str]:
    """Words for verdicts, in the order of `WORST_FIRST`."""
    return [VERDICTS[v].in_(lang) for v in WORST_FIRST]
