"""What a comparison comes to: one row a pair, or a record that is alone, with why and from where."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from auditor.comparison import reasons
from auditor.language import Said, Text, both, joined, say
from auditor.registers.labels import label

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from auditor.comparison.decisions import Decision

COLUMNS = (
    "comparison",
    "record",
    "kind",
    "a",
    "b",
    "outcome",
    "reason",
    "why",
    "fields",
    "source_a",
    "source_b",
    "score",
    "risk",
    "digest_a",
    "digest_b",
    "decision",
    "by",
    "on",
    "note",
)


class Difference(NamedTuple):
    """One field in which two records differ.

    Parameters
    ----------
    field
        Its name.
    a, b
        What each side states, blank where nothing.
    reason
        Key of `reasons.REASONS`.
    told
        More on it: metres, or the datum that explains them.
    """

    field: str
    a: str
    b: str
    reason: str
    told: Said | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A pair of records, records that overlap, or a record that is alone.

    Parameters
    ----------
    comparison
        Names of the two sides.
    kind
        Key of `reasons.KINDS`.
    key_a, key_b
        What names the records; blank where a side has none.
    outcome
        ``match``, ``review`` or ``mismatch``: what `auditor` found, whatever a person decided.
    reason
        The weightiest of the reasons.
    differences
        Field by field.
    record_a, record_b
        What the records state.
    source_a, source_b
        File and place of each.
    score
        Share of the compared fields in which the two agree; 0 for a record that is alone.
    risk
        How soon a person should look, from 0 to 100.
    digest_a, digest_b
        SHA-256 of what each side states: a decision holds as long as neither changes.
    decision
        What a person decided, if it holds still.
    """

    comparison: tuple[str, str]
    kind: str
    key_a: str
    key_b: str
    outcome: str
    reason: str
    differences: tuple[Difference, ...] = ()
    record_a: tuple[Mapping[str, Any], ...] = ()
    record_b: tuple[Mapping[str, Any], ...] = ()
    source_a: tuple[tuple[str, str], ...] = ()
    source_b: tuple[tuple[str, str], ...] = ()
    score: float = 0.0
    risk: int = 0
    digest_a: str = ""
    digest_b: str = ""
    decision: Decision | None = None

    @property
    def record(self) -> str:
        """Name of the row in a file of decisions: kind and key."""
        return f"{self.kind}:{self.key_a or self.key_b}"

    @property
    def settled(self) -> str:
        """Outcome after a person's decision."""
        decided = self.decision.decision if self.decision else ""
        return {"CONFIRM_MATCH": "match", "CONFIRM_MISMATCH": "mismatch"}.get(decided, self.outcome)

    @property
    def confirmed(self) -> bool:
        """Whether a person confirmed that the records disagree."""
        return self.decision is not None and self.decision.decision == "CONFIRM_MISMATCH"

    @property
    def open(self) -> bool:
        """Whether the row waits for a person."""
        return self.settled != "match" and not self.confirmed

    @property
    def why(self) -> Text:
        """Why it has this outcome, in both languages."""
        parts = [_told(reasons.REASONS[self.reason].text, self._whose())]
        for one in self.differences:
            text = reasons.REASONS[one.reason].text
            filled = {"field": field_name(one.field), "a": one.a or "–", "b": one.b or "–", "why": text}
            parts.append(both("{field}: {a} | {b} ({why})", **filled))
            if one.told is not None:
                parts.append(both("{text}", text=one.told))
        return joined(parts, "; ", "；")

    def _whose(self) -> Text | None:
        if self.key_a and self.key_b:
            return None
        return both("only in {side}", side=self.comparison[0 if self.key_a else 1])

    def as_dict(self, lang: str = "en") -> dict[str, Any]:
        """Give the row in plain values, in the order of `COLUMNS`."""
        decided = self.decision
        return {
            "comparison": " | ".join(self.comparison),
            "record": self.record,
            "kind": self.kind,
            "a": self.key_a,
            "b": self.key_b,
            "outcome": self.settled,
            "reason": self.reason,
            "why": self.why.in_(lang) if self.outcome != "match" else reasons.REASONS[""].text.in_(lang),
            "fields": [one.field for one in self.differences],
            "source_a": _sources(self.source_a, lang),
            "source_b": _sources(self.source_b, lang),
            "score": round(self.score, 3),
            "risk": self.risk,
            "digest_a": self.digest_a,
            "digest_b": self.digest_b,
            "decision": decided.decision if decided else "",
            "by": decided.by if decided else "",
            "on": decided.on.isoformat() if decided else "",
            "note": decided.note if decided else "",
        }


FIELDS: Mapping[str, Text] = MappingProxyType(
    {
        "kind of record": both("kind of record"),
        "coordinates": both("coordinates"),
        "ends": both("both ends"),
        "room": both("room"),
        "in_force": both("in force"),
        "link_type": both("type of link"),
        "bandwidth": both("bandwidth"),
        "gateway_ip": both("gateway address"),
        "rack_count": both("count of racks"),
        "user_unit": both("user"),
        "uscc": both("unified social credit code"),
    }
)


def field_name(name: str) -> Text:
    """Name a field for people; one of nobody's keeps the name it has."""
    if name in FIELDS:
        return FIELDS[name]
    for table in (
        "nodes",
        "links",
        "prefixes",
        "approvals",
        "domiciles",
        "services",
        "contracts",
        "operator",
    ):
        known = label(table, name)
        if known is not None:
            return Text(name, known.zh)
    return Text(name, name)


def _told(text: Text, whose: Text | None) -> Text:
    return text if whose is None else both("{what}: {whose}", what=text, whose=whose)


def _sources(places: Iterable[tuple[str, str]], lang: str) -> str:
    shown = [both("{file}, {place}", file=file, place=place) for file, place in places]
    return joined(shown, "; ", "；").in_(lang) if shown else ""


@dataclass(frozen=True)
class Comparison:
    """What two or more sides make of one another: every later side against the first.

    Parameters
    ----------
    sides
        Names of the sides.
    rows
        Every pair and every record that is alone, the riskiest first.
    not_compared
        By pair of sides and kind: records of kinds that the other side does not hold, counted.
    lapsed, unused
        Decisions that a changed record has overtaken, and those whose record is not there.
    as_of
        Day on which records are in force or not.
    """

    sides: tuple[str, ...]
    rows: tuple[Row, ...]
    not_compared: tuple[tuple[str, str, int], ...] = ()
    lapsed: tuple[Decision, ...] = ()
    unused: tuple[Decision, ...] = ()
    as_of: str = ""
    lang: str = field(default="en", kw_only=True)

    @cached_property
    def counts(self) -> dict[str, int]:
        """Rows by outcome, decisions taken into account."""
        number = Counter(row.settled for row in self.rows)
        return {outcome: number[outcome] for outcome in reasons.OUTCOMES}

    @cached_property
    def by_kind(self) -> dict[str, dict[str, int]]:
        """Rows by kind and outcome."""
        number = Counter((row.kind, row.settled) for row in self.rows)
        kinds = [kind for kind in reasons.KINDS if any(kind == found for found, _ in number)]
        return {kind: {outcome: number[kind, outcome] for outcome in reasons.OUTCOMES} for kind in kinds}

    @cached_property
    def worklist(self) -> tuple[Row, ...]:
        """Rows that wait for a person, the riskiest first."""
        return tuple(row for row in self.rows if row.open)

    @property
    def confirmed(self) -> tuple[Row, ...]:
        """Rows that a person confirmed to disagree."""
        return tuple(row for row in self.rows if row.confirmed)

    @property
    def exit_code(self) -> int:
        """0 all agree or were decided so, 1 a person confirmed that some disagree, 3 some wait for a person.

        Where nothing could be compared, nothing agrees: 3.
        """
        return 1 if self.confirmed else 3 if self.worklist or not self.rows else 0

    def to_frame(self) -> pd.DataFrame:
        """Give one row a pair, with the columns of `COLUMNS` and both records."""
        import pandas as pd  # noqa: PLC0415 -- a third of a second that the command line need not pay

        made = [
            row.as_dict(self.lang) | {"record_a": list(row.record_a), "record_b": list(row.record_b)}
            for row in self.rows
        ]
        return pd.DataFrame(made, columns=[*COLUMNS, "record_a", "record_b"])

    def __repr__(self) -> str:
        counted = ", ".join(f"{count:,} {outcome}" for outcome, count in self.counts.items())
        return f"<Comparison of {' | '.join(self.sides)}: {counted}>"


def decided(
    rows: Iterable[Row], decisions: Iterable[Decision]
) -> tuple[list[Row], list[Decision], list[Decision]]:
    """Apply a person's decisions: to records that state what they stated then, and to no others.

    Returns
    -------
    tuple
        The rows; decisions that have lapsed, since a record changed; decisions whose record is not there.
    """
    by_name: dict[str, list[Decision]] = {}
    for one in decisions:
        by_name.setdefault(one.record, []).append(one)
    if not by_name:
        return list(rows), [], []
    found: list[Row] = []
    used: set[int] = set()
    seen: set[str] = set()
    for row in rows:
        fits = [d for d in by_name.get(row.record, ()) if d.fits(row.digest_a, row.digest_b)]
        seen.add(row.record)
        used.update(map(id, fits))
        found.append(replace(row, decision=max(fits, key=lambda d: d.on)) if fits else row)
    left = [d for several in by_name.values() for d in several if id(d) not in used]
    return found, [d for d in left if d.record in seen], [d for d in left if d.record not in seen]


def shift_told(far_m: float, datum: str) -> Said:
    """Say how far apart two places are, and which datum explains it."""
    if datum:
        return say("{far:,.0f} m apart, which is the shift of {datum}", far=far_m, datum=datum)
    return say("{far:,.0f} m apart", far=far_m)
