"""Words of reports in both languages; the texts of rules stand in the rules' own files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor.findings import Verdict
from auditor.language import both

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VERDICTS = {
    Verdict.FAIL: both("fail"),
    Verdict.ERROR: both("error"),
    Verdict.NOT_CHECKED: both("not checked"),
    Verdict.INCONCLUSIVE: both("inconclusive"),
    Verdict.PASS: both("pass"),
    Verdict.NOT_APPLICABLE: both("not applicable"),
    Verdict.MANUAL: both("manual"),
}
BASES = {
    "circular": both("Circular 107"),
    "related_law": both("related law, advisory"),
    "policy": both("auditor policy"),
}
SEVERITIES = {
    "critical": both("critical"),
    "high": both("high"),
    "medium": both("medium"),
    "low": both("low"),
    "info": both("info"),
}
DECLARED_ONLY = both("pass (declared only)")
LABELS = {
    "as_of": both("as of {day}"),
    "headline": both(
        "Findings that fail: {fails}; undecided: {undecided}; clauses passed: {passed}; "
        "clauses that need a person: {manual}."
    ),
    "partial": both("Only some rules were run."),
    "path": both("path"),
    "seen": both("seen"),
    "clause": both("clause"),
    "do": both("next"),
    "handoff": both("{count} subjects by {where}"),
    "example": both("e.g."),
    "more": both("and {count} more"),
    "passed": both("Holds"),
    "not_applicable": both("Does not apply"),
    "manual": both("A person must look at (auditor explain CLAUSE)"),
    "unchanged": both("Nothing is open in either."),
    "differs": both("Between the two differ"),
    "unused": both("Not used"),
    "note": both("Note"),
    "lost": both("Lost"),
    "converted": both("{nodes:,} nodes, {links:,} links; lost in writing: {lost:,}"),
    "unnamed": both(
        "Nobody says whose network this is: no records were written; give --operator, or fill in the name."
    ),
    "zones": both("Zones"),
    "own_zones": both("Zones of your own"),
    "sources": both("Observations"),
    "answers": both("answers: {count}"),
    "written": both("{count} observations written to {file}"),
    "other_data": both("{title}: the data that answered (SHA-256 {digest}) is not the data that is here"),
    "no_raw": both("missing: no raw answer {digest}"),
    "changed_raw": both("changed: raw answer {digest} has other content"),
    "verified": both("{count} digests hold; {broken} do not"),
    "facts": both(
        "A fail is a suspicion until verified; the declared links permit a path, routing may differ."
    ),
}


def label(name: str, lang: str, **args: object) -> str:
    """Give a label in one language, its placeholders filled."""
    return LABELS[name].in_(lang).format(**args)


SAYS = {
    "support": both("supports"),
    "contradict": both("contradicts"),
    "nothing": both("decides nothing"),
    "void": both("does not count"),
}
RELATIONS = {
    "within": both("within"),
    "outside": both("outside"),
    "straddling": both("straddling"),
    "undecided": both("undecided"),
    "unknown": both("unknown"),
}
EXTENTS = {
    "district": both("district"),
    "city": both("city"),
    "province": both("province"),
    "country": both("country"),
    "disc": both("within {km:,.0f} km of {lon:.3f}, {lat:.3f}"),
    "none": both("no place"),
}
ANSWERS = {
    "name": both("names and addresses"),
    "path": both("a path"),
    "holder": both("no name"),
    "origin": both("announced"),
}
OUTCOMES = {
    "unknown": both("does not know"),
    "no_record": both("has no record"),
    "refused": both("refused"),
    "unavailable": both("could not be reached"),
    "malformed": both("answered with what cannot be read"),
    "reserved": both("no public address"),
}


def weightiest(records: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Order observations for people: what contradicts first, what was not answered last."""
    rank = {"contradict": 0, "support": 1, "void": 2, "nothing": 4}

    def key(record: Mapping[str, Any]) -> tuple[bool, int]:
        return record["outcome"] != "answer", rank.get(record.get("says", ""), 3)

    return sorted(records, key=key)


def observation_line(record: Mapping[str, Any], lang: str) -> str:
    """Write one observation of a finding on a line: who, about what, said what, and what it counts.

    Examples
    --------
    >>> record = {"source": "dbip", "asked": "192.0.2.1", "kind": "place", "outcome": "answer",
    ...           "extent": "city", "region": "330100", "name": {"en": "Hangzhou", "zh": "杭州市"},
    ...           "says": "contradict", "weight": 0.083, "why": {"en": "", "zh": ""},
    ...           "vintage_on": "2026-06-05"}
    >>> observation_line(record, "en")
    'dbip on 192.0.2.1: city Hangzhou (330100); contradicts, 1:12; data of 2026-06-05'
    """
    comma = "；" if lang == "zh" else "; "
    who = (
        f"{record['source']} 对 {record['asked']}："
        if lang == "zh"
        else f"{record['source']} on {record['asked']}: "
    )
    parts = [_said(record, lang)]
    if "says" in record:
        ratio = record.get("weight")
        odds = "" if not ratio else f"{ratio:.0f}:1" if ratio >= 1 else f"1:{1 / ratio:.0f}"
        parts.append(", ".join(filter(None, (SAYS[record["says"]].in_(lang), odds, record["why"][lang]))))
    if record.get("vintage_on"):
        parts.append(f"{'数据日期' if lang == 'zh' else 'data of'} {record['vintage_on']}")
    if record.get("note"):
        parts.append(str(record["note"]))
    return who + comma.join(filter(None, parts))


def _said(record: Mapping[str, Any], lang: str) -> str:
    if record["outcome"] != "answer":
        return OUTCOMES[record["outcome"]].in_(lang)
    if record["kind"] == "place":
        extent, name = record.get("extent", "none"), record.get("name")
        if extent == "disc":
            return (
                EXTENTS["disc"]
                .in_(lang)
                .format(km=record["radius_m"] / 1000, lon=record["lon"], lat=record["lat"])
            )
        where = f" {name[lang]} ({record['region']})" if name else ""
        return EXTENTS[extent].in_(lang) + where
    asn = f"AS{record['asn']}" if record.get("asn") else ""
    said = " ".join(filter(None, (asn, record.get("owner", ""), record.get("prefix", ""))))
    return said or ANSWERS[record["kind"]].in_(lang)
