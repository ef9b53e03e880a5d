"""The findings that a page carries, made a finding at a time: what `auditor.page.entries` is held against."""

import numpy as np

from auditor.explaining import FACTS_OF
from auditor.findings import SETTLED, WORST_FIRST, Verdict, plain
from auditor.grouping import grouped
from auditor.messages import GRADES, observation_line, weightiest
from auditor.page import entries
from auditor.page.entries import ANCHOR, MOST_NAMED, SEEN, WORDS
from auditor.page.network import NOT_JUDGED, shown


class PlainEnds:
    """Paths as a tree that grows from their ends: what paths share towards the Internet is there once.

    Each entry is a node and the entry that comes next on the way, -1 at the end.
    """

    def __init__(self):
        self.names = []
        self.after = []
        self._known = {}
        self._rest = {}

    def add(self, path):
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

    def _entry(self, name: str, after: int):
        key = (name, after)
        if key not in self._known:
            self._known[key] = len(self.names)
            self.names.append(name)
            self.after.append(after)
        return self._known[key]


class PlainEntries:
    """The findings that a page carries.

    Parameters
    ----------
    result
        Whose findings.
    all_findings
        Whether passes, and what does not apply, are listed with the rest.
    """

    def __init__(self, result, *, all_findings: bool):
        self.result = result
        self.lang = result.lang
        number = sum(len(batch) for found in result.findings.rules for batch in found.batches)
        everything = all_findings or number <= entries.FEW_FINDINGS
        self.texts, self.ends = entries.Texts(), PlainEnds()
        self.groups = []
        self._members = []
        self._says = {"message": result.message, "ask": result.ask}
        self._own = {name: [] for name in self._says}
        self.left_out = 0
        by_rule = {}
        for finding in result.findings.rows(None if everything else set(Verdict) - SETTLED):
            by_rule.setdefault(finding.rule, []).append(finding)
        for _, findings in sorted(by_rule.items(), key=worst_rule):
            for group in grouped(findings):
                self._add(group)

    def _add(self, group):
        """Take a group in, with as many of its findings as the page has room for."""
        room = max(0, entries.MOST_FINDINGS - len(self._members))
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

    def _title(self, group):
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

    def columns(self):
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

    def names(self, at: int):
        """Ids of the nodes on the path of a finding, blank for a far end that is not declared."""
        return [shown(name or "") for name in path_of(self._members[at])]

    def _seen(self, finding):
        """Lines on what sources said, the weightiest first."""
        return [observation_line(plain(o), self.lang) for o in weightiest(finding.observations)[:SEEN]]

    def _facts(self, finding):
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

    def nodes(self, carried):
        """Give the nodes that findings on contracts and the like name."""
        named = {i: list(f.details.get("nodes") or ())[:MOST_NAMED] for i, f in enumerate(self._members)}
        found = {i: carried.case.rows_of(map(str, names)) for i, names in named.items() if names}
        index = {i: carried.index[rows[rows >= 0]] for i, rows in found.items()}
        return {i: nodes[nodes >= 0].tolist() for i, nodes in index.items()}

    def subjects(self, carried):
        """Give the node of each finding, by its place among those carried; else -1 - its text."""
        names = [
            f.subject.removeprefix("node:") if f.subject.startswith("node:") else "" for f in self._members
        ]
        rows = carried.case.rows_of(names)
        index = np.where(rows >= 0, carried.index[rows], -1)
        others = []
        for at in np.flatnonzero(index < 0).tolist():
            index[at] = -1 - len(others)
            others.append(shown(self._members[at].subject))
        return index, others


def _from_edge(finding):
    """Metres from the edge of the nearest area, negative inside; nothing where that is not what is told."""
    metres = finding.details.get("distance_m")
    if metres is None or metres != metres or (finding.rule, "distance_m") in FACTS_OF:  # noqa: PLR0124 -- NaN
        return None
    return float(metres)


def path_of(finding):
    """Give the nodes of a finding's witness, from the subject on."""
    details = finding.details
    return details.get("path") or details.get("path_to_gate") or ()


def worst_rule(item):
    """Order of rules for people: related law last, then worst first."""
    rule, findings = item
    found = list(findings)
    rank = min((WORST_FIRST.index(f.verdict) for f in found), default=NOT_JUDGED)
    return found[0].basis == "related_law", rank, rule
