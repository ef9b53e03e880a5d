"""Findings in the groups that people read: one cause, many subjects, the shortest witness first."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from auditor.findings import WORST_FIRST, Verdict

if TYPE_CHECKING:
    from auditor.findings import Finding


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
