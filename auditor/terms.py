"""A result as another is held against it: looked up by rule and subject, and the terms it was judged on."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from auditor.findings import SETTLED, Verdict
from auditor.language import both, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from auditor.language import Said, Text

Key = tuple[str, str]


class View:
    """A result, looked up by rule and subject."""

    def __init__(self, result: Mapping[str, Any]) -> None:
        self.result = result
        self.found = {(f["rule"], f["subject"]): f for f in result["findings"]}
        self.listed: dict[Key, str] = {key: f["verdict"] for key, f in self.found.items()}
        named = result.get("settled")
        for rule, own in (named or {}).items():
            for verdict, subjects in own.items():
                self.listed |= {(rule, subject): verdict for subject in subjects}
        self.complete = len(self.listed) >= sum(sum(own.values()) for own in result["counts"].values())
        self.rules = {rule["id"]: rule for rule in result.get("rules", ())}

    def ran(self, rule: str) -> bool:
        """Whether the rule was run."""
        return rule in self.result["counts"]

    def bound(self, rule: str) -> bool:
        """Whether the rule applied to anything."""
        return bool(self.result["counts"].get(rule, {}).keys() - {str(Verdict.NOT_APPLICABLE)})

    def unlisted(self, rule: str) -> bool:
        """Whether a subject that is not listed may have settled."""
        return not self.complete and bool(self.result["counts"].get(rule, {}).keys() & set(map(str, SETTLED)))

    @cached_property
    def zones(self) -> list[str]:
        """Digests of the zones."""
        return _digests(self.result["zones"])

    @cached_property
    def open(self) -> frozenset[Key]:
        """What did not settle."""
        return frozenset(key for key, verdict in self.listed.items() if verdict not in SETTLED)


def other_terms(older: View, newer: View, rule: str | None = None) -> list[str]:
    """Name what the two were held against that differs: the rule, the zones, the policy."""
    found = []
    a, b = older.result, newer.result
    shared = older.rules.keys() & newer.rules.keys() & ({rule} if rule else older.rules.keys())
    if any(older.rules[r]["sha256"] != newer.rules[r]["sha256"] for r in shared):
        found.append("rule_changed")
    placed = rule is None or newer.rules.get(rule, {}).get("placed", True)
    if placed and older.zones != newer.zones:
        found.append("zone_changed")
    if a["policy_sha256"] != b["policy_sha256"] or a.get("min_grade") != b.get("min_grade"):
        found.append("policy_changed")
    return found


def _digests(entries: list[Mapping[str, Any]]) -> list[str]:
    """Digests of files or parts, order aside."""
    return sorted(entry["sha256"] for entry in entries)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Text | Said]:
    """Name what differs between two runs apart from their findings."""
    if before["tool"] != after["tool"]:
        versions = [values["tool"].get("version", "?") for values in (before, after)]
        yield say("version of auditor: {before}, then {after}", before=versions[0], after=versions[1])
    if before["as_of"] != after["as_of"]:
        yield say("date: {before}, then {after}", before=before["as_of"], after=after["as_of"])
    if _digests(before["inputs"]) != _digests(after["inputs"]):
        yield both("what was declared or observed")
    changed = {z["part"] for z in before["zones"] if z["sha256"] not in _digests(after["zones"])}
    changed |= {z["part"] for z in after["zones"] if z["sha256"] not in _digests(before["zones"])}
    if changed:
        yield say("zones: {parts}", parts=sorted(changed))
    if before["policy_sha256"] != after["policy_sha256"]:
        yield both("policy")
    if before.get("min_grade") != after.get("min_grade"):
        yield say(
            "least grade: {before}, then {after}",
            before=before.get("min_grade"),
            after=after.get("min_grade"),
        )
    digests = [{rule["id"]: rule["sha256"] for rule in values.get("rules", ())} for values in (before, after)]
    rules = sorted(r for r in digests[0].keys() & digests[1].keys() if digests[0][r] != digests[1][r])
    if rules:
        yield say("rules: {rules}", rules=rules)
    if before.get("confirmed", []) != after.get("confirmed", []):
        yield both("documents that a review confirms")
