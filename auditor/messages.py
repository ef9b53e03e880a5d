"""Words of reports in both languages; the texts of rules stand in the rules' own files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor.findings import Verdict
from auditor.language import Text, both, joined, recalled
from auditor.registers import labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditor.tables import Note, Unused

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
GRADES = {
    "E1": both("E1 (authority record)"),
    "E2": both("E2 (contract or title)"),
    "E3": both("E3 (declared)"),
    "E4": both("E4 (observed)"),
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


KINDS = {
    "subscriber": both("subscriber"),
    "bng": both("broadband gateway"),
    "mse": both("service router"),
    "access_pe": both("leased-line access router"),
    "mobile_gateway": both("mobile gateway"),
    "olt": both("OLT"),
    "dslam": both("DSLAM"),
    "cmts": both("CMTS"),
    "access_switch": both("access switch"),
    "router": both("router"),
    "pop": both("point of presence"),
    "pe": both("provider edge router"),
    "egress": both("Internet egress"),
    "ixp": both("exchange point"),
    "gateway": both("gateway"),
    "data_centre": both("data centre"),
    "room": both("equipment room"),
    "rack": both("rack"),
    "server": both("server"),
    "cloud_region": both("cloud region"),
    "storage": both("storage"),
    "backup": both("backup site"),
    "origin": both("origin server"),
    "log_store": both("log store"),
    "cdn_edge": both("CDN node"),
    "cdn_scheduler": both("CDN scheduler"),
    "load_balancer": both("load balancer"),
    "accelerator": both("accelerator"),
    "dns": both("DNS server"),
    "pcdn": both("peer-to-peer CDN node"),
    "office": both("office"),
    "management": both("management system"),
    "cpe": both("customer-premises equipment"),
    "other": both("node of another kind"),
}


def kind_name(kind: str | None) -> Text:
    """Name a kind of node in words."""
    return KINDS[kind or "other"]


def word(column: str, value: str) -> Text:
    """Give a word of a closed list of the declaration; its Chinese is that of the workbook."""
    return Text(value, labels.chinese(column, value))


def note_line(note: Note, lang: str) -> str:
    """Say on a line what was assumed in reading, and where."""
    return both("{name}: {text}", name=note.where, text=note.what).in_(lang)


def unused_line(unused: Unused, lang: str) -> str:
    """Say on a line what no rule reads, and why."""
    return both("{where}: {what}; {why}", where=unused.where, what=unused.what, why=unused.why).in_(lang)


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
    told = [_said(record)]
    if "says" in record:
        ratio = record.get("weight")
        odds = "" if not ratio else f"{ratio:.0f}:1" if ratio >= 1 else f"1:{1 / ratio:.0f}"
        told.append(_listed(SAYS[record["says"]], Text(odds, odds), _text(record["why"])))
    if record.get("vintage_on"):
        told.append(both("data of {day}", day=record["vintage_on"]))
    if record.get("note"):
        told.append(recalled(str(record["note"])))
    text = joined(filter(any, told), "; ", "；")
    line = both("{source} on {asked}: {told}", source=record["source"], asked=record["asked"], told=text)
    return line.in_(lang)


def _listed(*texts: Text) -> Text:
    """Join what is not empty by commas."""
    return joined(filter(any, texts), ", ", "，")


def _text(value: Any) -> Text:
    """Make a text of what was one before it was written; anything else is the same in both languages."""
    is_text = isinstance(value, dict) and value.keys() == {"en", "zh"}
    return Text(value["en"], value["zh"]) if is_text else Text(str(value), str(value))


def _said(record: Mapping[str, Any]) -> Text:
    if record["outcome"] != "answer":
        return OUTCOMES[record["outcome"]]
    if record["kind"] == "place":
        extent, name = record.get("extent", "none"), record.get("name")
        if extent == "disc":
            centre = {"lon": record["lon"], "lat": record["lat"]}
            return both(EXTENTS["disc"].en, km=record["radius_m"] / 1000, **centre)
        if not name:
            return EXTENTS[extent]
        named = {"extent": EXTENTS[extent], "name": _text(name), "region": record["region"]}
        return both("{extent} {name} ({region})", **named)
    asn = f"AS{record['asn']}" if record.get("asn") else ""
    said = " ".join(filter(None, (asn, record.get("owner", ""), record.get("prefix", ""))))
    return Text(said, said) if said else ANSWERS[record["kind"]]
