"""The figures of a year laid out in sections: titles, how each is counted, and rows, in both languages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from auditor import engine, registers
from auditor.errors import UsageError
from auditor.findings import Verdict
from auditor.language import Text, both
from auditor.messages import KINDS, SEVERITIES, VERDICTS
from auditor.scans import decisions, yearly, yearly_findings
from auditor.scans.sampling_units import KINDS as KINDS_DRAWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Cell = Text | str | int
TITLE = both("Yearly summary under Circular 107: {area}, {year}")
NOTE = both(
    "A fail is a suspicion until verified. Figures are counted from what operators declared and what runs "
    "found; waivers and verdicts of people stand beside and change no figure of the tool."
)
HOW = {
    "operators": both(
        "An operator is of the area that its last result up to the end says, for the whole year; one without "
        "a result, or whose result names no area, is counted under all areas alone. Scanned, judged, refused "
        "and broken off count operators with at least one such item, so that one may count in several."
    ),
    "verdicts": both(
        "At the start: the last result before the year of each operator that was there. At the end: the last "
        "result of the year of each operator that had not left."
    ),
    "findings": both(
        "Open at the start, and what came, less what went, is open at the end. First seen: never open "
        "before. Regressed: was fixed before. Reopened otherwise: was out of sight, or the rule, the zones "
        "or the policy changed. Fixed: a later result says so. Closed otherwise: no longer evaluated, or "
        "closed by a change of rule, zones or policy; nobody fixed it. Left: open when its operator left. "
        "Open findings of an operator without a result this year are carried on and counted as not judged "
        "again."
    ),
    "by_clause": both(
        "A finding counts under every clause that its rule answers: clauses add up to more than all."
    ),
    "facilities": both(
        "Of the last result of the year of each operator that had not left. Sure: bound by a place rule; "
        "doubtful: bound on one reading."
    ),
    "unjudged": both(
        "Nobody may read silence as a pass. Operators at the end without a result of the year; subjects that "
        "the last results leave undecided; clauses that no rule answers, with the verdicts of people in "
        "force."
    ),
    "waivers": both(
        "A waiver counts from its grant to its end or revocation. At the start, and granted, less lapsed and "
        "revoked, is at the end."
    ),
    "person_verdicts": both("Given in the year by people, on what the tool cannot decide."),
    "spot_checks": both(
        "Open at the start, and drawn, less closed, is open at the end. Outcomes are of those closed in the "
        "year."
    ),
    "notices": both(
        "One a recipient. Overdue: sent, its day past, and not acknowledged by the end of the year."
    ),
    "runs": both(
        "Items of these operators that ended in the year; pending ones had not. A root proves the results of "
        "a whole run, whoever they are of (auditor verify)."
    ),
}
LABELS = {
    "in_year": both("there in the year"),
    "at_start": both("there at the start"),
    "added": both("added in the year"),
    "left": both("left in the year"),
    "at_end": both("there at the end"),
    "scanned": both("scanned"),
    "done": both("judged"),
    "refused": both("refused: the declaration cannot be read"),
    "error": both("broken off"),
    "judged_at_end": both("there at the end and judged in the year"),
    "area_unknown": both("of no known area, counted under all areas alone"),
    "open_at_start": both("open at the start"),
    "first_seen": both("first seen"),
    "regressed": both("regressed"),
    "reopened": both("reopened otherwise"),
    "fixed": both("fixed"),
    "otherwise_closed": both("closed otherwise"),
    "operator_left": both("left with the operator"),
    "open_at_end": both("open at the end"),
    "failing_at_end": both("of these, fail"),
    "undecided_at_end": both("of these, undecided"),
    "waived_at_end": both("of these, waived"),
    "not_judged_again": both("of these, not judged again"),
    "granted": both("granted"),
    "lapsed": both("expired"),
    "taken_back": both("taken back"),
    "lapsed_and_open": both("expired, and the finding open at the end without another"),
    "drafted": both("drafted"),
    "sent": both("sent"),
    "acknowledged": both("acknowledged"),
    "acknowledged_late": both("of these, late"),
    "unsent_at_end": both("unsent at the end"),
    "overdue_at_end": both("overdue at the end"),
    "unacknowledged": both("sent and not acknowledged at the end"),
    "drawn": both("drawn"),
    "closed": both("closed"),
    "waivers_at_start": both("in force or to come at the start"),
    "waivers_at_end": both("in force or to come at the end"),
    "items_refused": both("unreadable"),
    "cancelled": both("called off"),
    "pending": both("pending"),
    "outcome_refused": both("inspection refused"),
    "not_judged": both("not judged"),
    "not_scanned": both("not scanned"),
    "draws": both("draws"),
}
RUN_STATES = {"running": both("running"), "done": both("ended"), "cancelled": both("called off")}


class Section(NamedTuple):
    """A table of figures.

    Parameters
    ----------
    key
        Of `HOW`, or blank where the section before says how it is counted.
    title
        What it counts.
    heads
        Of its columns; none where it has two columns that speak for themselves.
    rows
        Cells: texts, names, numbers.
    """

    key: str
    title: Text
    heads: tuple[Text, ...]
    rows: list[list[Cell]]

    @property
    def how(self) -> Text | None:
        """How it is counted."""
        return HOW.get(self.key)


def title(figures: Mapping[str, Any]) -> Text:
    """Name the summary."""
    return Text(
        TITLE.en.format(area=figures["area_name"]["en"], year=figures["year"]),
        TITLE.zh.format(area=figures["area_name"]["zh"], year=figures["year"]),
    )


def sections(figures: Mapping[str, Any]) -> list[Section]:
    """Lay out the figures.

    Parameters
    ----------
    figures
        What `yearly.summary` gave.
    """
    return [
        _pairs("operators", both("Operators"), figures["operators"]),
        _verdicts(figures["verdicts"]),
        _pairs("findings", both("Findings"), figures["findings"]["total"]),
        *_findings(figures["findings"]),
        _facilities(figures["facilities"]),
        *_unjudged(figures["unjudged"], figures["person_verdicts"]),
        _waivers(figures["waivers"]),
        _given(figures["person_verdicts"]),
        _spot_checks(figures["spot_checks"]),
        _notices(figures["notices"]),
        _runs(figures["runs"]),
    ]


def _pairs(
    key: str, name: Text, counts: Mapping[str, int], names: Mapping[str, str] | None = None
) -> Section:
    rows: list[list[Cell]] = [
        [LABELS[(names or {}).get(label, label)], count] for label, count in counts.items()
    ]
    return Section(key, name, (), rows)


def _verdict(name: str) -> Text:
    return LABELS[name] if name == "not_judged" else VERDICTS[Verdict(name)]


def _verdicts(figures: Mapping[str, Mapping[str, int]]) -> Section:
    start, end = figures["start"], figures["end"]
    rows: list[list[Cell]] = [[_verdict(name), start[name], end[name]] for name in start]
    heads = (both("verdict"), both("at the start"), both("at the end"))
    return Section("verdicts", both("Operators by verdict"), heads, rows)


def _findings(figures: Mapping[str, Any]) -> Iterable[Section]:
    columns = yearly_findings.COLUMNS
    heads = tuple(LABELS[name] for name in columns)

    def rows(key: str, named: Any) -> list[list[Cell]]:
        return [[*named(row[key]), *(row[name] for name in columns)] for row in figures[f"by_{key}"]]

    yield Section(
        "",
        both("Findings by severity"),
        (both("severity"), *heads),
        rows("severity", lambda name: [SEVERITIES[name]]),
    )
    yield Section(
        "by_clause",
        both("Findings by clause"),
        (both("clause"), both("article"), *heads),
        rows("clause", lambda name: [name, _article(name)]),
    )
    yield Section(
        "", both("Findings by rule"), (both("rule"), both("what it asks"), *heads), rows("rule", _rule)
    )


def _article(name: str) -> Text:
    try:
        clause = registers.clause(name)
    except UsageError:
        return both("of a rule that this version does not have")
    return Text(clause.place("en"), clause.place("zh"))


def _rule(name: str) -> list[Cell]:
    known = {rule.id: rule.title for rule in engine.all_rules()}
    return [name, known.get(name, both("a rule that this version does not have"))]


def _facilities(listed: Sequence[Mapping[str, Any]]) -> Section:
    rows: list[list[Cell]] = [
        [KINDS.get(row["kind"], row["kind"]), row["sure"], row["doubtful"], row["operators"]]
        for row in listed
    ]
    heads = (both("kind"), both("sure"), both("doubtful"), both("operators"))
    return Section("facilities", both("Facilities at the end, by kind"), heads, rows)


def _unjudged(figures: Mapping[str, Any], people: Mapping[str, Any]) -> Iterable[Section]:
    operators: list[list[Cell]] = [
        [row["operator"], LABELS[row["state"]], Text(**row["reason"]) if row["reason"] else ""]
        for row in figures["operators"]
    ]
    heads: tuple[Text, ...] = (both("operator"), both("last attempt"), both("why"))
    yield Section("unjudged", both("What could not be judged: operators"), heads, operators)
    names = [VERDICTS[Verdict(name)] for name in yearly.NOT_DECIDED]
    rules: list[list[Cell]] = [
        [*_rule(row["rule"]), *(row[name] for name in yearly.NOT_DECIDED), row["operators"]]
        for row in figures["rules"]
    ]
    heads = (both("rule"), both("what it asks"), *names, both("operators"))
    yield Section("", both("What could not be judged: subjects"), heads, rules)
    given = {row["rule"]: row for row in people["at_end"]}
    shown = [*figures["clauses"], *sorted(given.keys() - set(figures["clauses"]))]
    rows: list[list[Cell]] = [
        [
            name,
            _article(name) if not name.startswith("PILOT-") else _rule(name)[1],
            *(given.get(name, {}).get(verdict, 0) for verdict in decisions.VERDICTS),
        ]
        for name in shown
    ]
    heads = (both("clause or rule"), both("article"), *(VERDICTS[Verdict(v)] for v in decisions.VERDICTS))
    yield Section("", both("What people answer, with their verdicts in force at the end"), heads, rows)


def _waivers(figures: Mapping[str, int]) -> Section:
    names = {"at_start": "waivers_at_start", "at_end": "waivers_at_end", "revoked": "taken_back"}
    return _pairs("waivers", both("Waivers"), figures, names)


def _given(figures: Mapping[str, Any]) -> Section:
    rows: list[list[Cell]] = [[VERDICTS[Verdict(name)], count] for name, count in figures["given"].items()]
    return Section("person_verdicts", both("Verdicts of people"), (), rows)


def _spot_checks(figures: Mapping[str, Any]) -> Section:
    names = list(figures["total"])
    words = {**LABELS, "refused": LABELS["outcome_refused"]}
    heads = [words[n] if n in words else VERDICTS[Verdict(n)] for n in names]
    rows: list[list[Cell]] = [
        [KINDS_DRAWN.get(row["kind"], row["kind"]), *(row[name] for name in names)]
        for row in figures["by_kind"]
    ]
    rows.append(
        [both("all, of {draws} draws", draws=figures["draws"]), *(figures["total"][n] for n in names)]
    )
    return Section("spot_checks", both("Spot checks"), (both("what was drawn"), *heads), rows)


def _notices(figures: Mapping[str, int]) -> Section:
    return _pairs("notices", both("Notices"), figures, {"open_at_end": "unacknowledged"})


def _runs(figures: Mapping[str, Any]) -> Section:
    words = {**LABELS, "refused": LABELS["items_refused"]}
    rows: list[list[Cell]] = [
        [
            row["run"],
            row["as_of"],
            RUN_STATES[row["state"]],
            *(row[state] for state in yearly.STATES),
            row["root"] or both("not signed"),
        ]
        for row in figures["listed"]
    ]
    rows.append([both("all"), "", "", *(figures["items"][state] for state in yearly.STATES), ""])
    heads = (
        both("run"),
        both("as of"),
        both("state"),
        *(words[s] for s in yearly.STATES),
        both("Merkle root"),
    )
    return Section("runs", both("Runs and their roots"), heads, rows)
