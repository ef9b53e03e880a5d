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
        self.members: list[Finding] = []
        self.left_out = 0
        by_rule: dict[str, list[Finding]] = {}
        for finding in result.findings.rows(None if everything else set(Verdict) - SETTLED):
            by_rule.setdefault(finding.rule, []).append(finding)
        for _, findings in sorted(by_rule.items(), key=worst_rule):
            for group in grouped(findings):
                self._add(group)

    def _add(self, group: Group) -> None:
        """Take a group in, with as many of its findings as the page has room for."""
        room = max(0, MOST_FINDINGS - len(self.members))
        taken = group.findings[:room]
        first, texts = group.findings[0], self.texts
        messages = {self.result.message(f) for f in taken} or {self.result.message(first)}
        asks = {self.result.ask(f) for f in taken} or {self.result.ask(first)}
        settled = group.verdict in SETTLED
        self.groups.append(
            {
                "rule": first.rule,
                "verdict": WORST_FIRST.index(group.verdict),
                "title": texts.at(self._title(group)),
                # One message for all says it once, for the group; else each finding says its own.
                "message": texts.at(messages.pop()) if len(messages) == 1 else -1,
                "ask": texts.at(asks.pop()) if len(asks) == 1 else -1,
                "handoff": [shown(name) for name in group.handoff],
                "size": len(group.findings),
                "start": len(self.members),
                "end": len(self.members) + len(taken),
                "settled": settled,
                "gate": not first.details.get("path"),
            }
        )
        self.members += taken
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
        texts, result = self.texts, self.result
        own_message = np.array([g["message"] < 0 for g in self.groups], np.bool_)
        own_ask = np.array([g["ask"] < 0 for g in self.groups], np.bool_)
        group = np.repeat(np.arange(len(self.groups)), [g["end"] - g["start"] for g in self.groups])
        message, ask, facts, paths, seen = [], [], [], [], {}
        for at, (finding, g) in enumerate(zip(self.members, group.tolist(), strict=True)):
            message.append(texts.at(result.message(finding)) if own_message[g] else -1)
            ask.append(texts.at(result.ask(finding)) if own_ask[g] else -1)
            facts.append(texts.at(self.facts(finding)))
            paths.append(self.ends.add(path_of(finding)))
            if finding.observations:
                seen[at] = [texts.at(line) for line in self.seen(finding)]
        return {
            "group": group,
            "message": message,
            "ask": ask,
            "facts": facts,
            "path": paths,
            "seen": seen,
            "anchor": "".join(f.fingerprint[:ANCHOR] for f in self.members),
        }

    def names(self, at: int) -> list[str]:
        """Ids of the nodes on the path of a finding, blank for a far end that is not declared."""
        return [shown(name or "") for name in path_of(self.members[at])]

    def seen(self, finding: Finding) -> list[str]:
        """Lines on what sources said, the weightiest first."""
        return [observation_line(plain(o), self.lang) for o in weightiest(finding.observations)[:SEEN]]

    def facts(self, finding: Finding) -> str:
        """Tell how far off, how many and on what evidence, on a line."""
        details, lang, told = finding.details, self.lang, []
        metres = details.get("distance_m")
        if metres is not None and metres == metres and (finding.rule, "distance_m") not in FACTS_OF:  # noqa: PLR0124 -- NaN
            name = "distance" if metres >= 0 else "distance_in"
            told.append(WORDS[name].in_(lang).format(metres=round(abs(float(metres)))))
        count = details.get("count")
        if isinstance(count, int | np.integer) and count > 1 and finding.subject.startswith("node:"):
            told.append(WORDS["subscribers"].in_(lang).format(count=int(count)))
        told.append(GRADES[finding.grade].in_(lang))
        return " · ".join(told)

    def subjects(self, carried: Carried) -> tuple[IntArray, list[str]]:
        """Give the node of each finding, by its place among those carried; else -1 - its text."""
        names = [
            f.subject.removeprefix("node:") if f.subject.startswith("node:") else "" for f in self.members
        ]
        rows = carried.case.rows_of(names)
        index = np.where(rows >= 0, carried.index[rows], -1)
        others: list[str] = []
        for at in np.flatnonzero(index < 0).tolist():
            index[at] = -1 - len(others)
            others.append(shown(self.members[at].subject))
        return index, others


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
