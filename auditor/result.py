"""The result of a run: verdict, findings and their texts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor import registers
from auditor.causes import causes_of
from auditor.errors import UsageError
from auditor.explaining import OWN_MESSAGES, explained, page
from auditor.findings import SETTLED, FindingTable, Verdict, plain, roll_up
from auditor.language import both, gaps, render, say
from auditor.overview import Framed, result_card
from auditor.tables import Note

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas
    import pandas as pd
    from matplotlib.axes import Axes

    from auditor.case import Case
    from auditor.findings import Finding
    from auditor.rule import Message, Rule


STRANGERS = 5


@dataclass(frozen=True)
class AuditResult:
    """All findings of one run, with what was asked, on what, and what was not checked.

    Parameters
    ----------
    case
        The case that was judged.
    rules
        The rules that ran.
    findings
        What they found.
    partial
        Whether some rules were left out by the user.
    lang
        Language of messages, ``en`` or ``zh``.
    min_grade
        Least grade of evidence on which a rule of the circular might pass.
    """

    case: Case
    rules: tuple[Rule, ...]
    findings: FindingTable
    partial: bool
    lang: str = "en"
    min_grade: str = "E3"

    @cached_property
    def verdict(self) -> Verdict:
        """Verdict of the run."""
        return roll_up(self.findings.rules)

    @cached_property
    def _messages(self) -> dict[tuple[str, str], Message]:
        own = {(rule.id, name): m for rule in self.rules for name, m in OWN_MESSAGES.items()}
        return own | {(rule.id, name): m for rule in self.rules for name, m in rule.messages.items()}

    def message(self, finding: Finding, lang: str | None = None) -> str:
        """Text of a finding."""
        return self.told(finding.rule, finding.message_id, finding.args, lang)

    def ask(self, finding: Finding, lang: str | None = None) -> str:
        """What to do or ask next; empty where there is nothing."""
        return self.asked(finding.rule, finding.message_id, finding.args, lang)

    def told(self, rule: str, message_id: str, args: Mapping[str, Any], lang: str | None = None) -> str:
        """Text of a message of a rule with its gaps filled."""
        message, lang = self._messages[rule, message_id], lang or self.lang
        return render(message.zh if lang == "zh" else message.en, args, lang)

    def asked(self, rule: str, message_id: str, args: Mapping[str, Any], lang: str | None = None) -> str:
        """What a message of a rule asks for, with its gaps filled."""
        message, lang = self._messages[rule, message_id], lang or self.lang
        return render(message.ask_zh if lang == "zh" else message.ask_en, args, lang)

    def gaps(self, rule: str, message_id: str) -> frozenset[str]:
        """Names of the arguments that a message of a rule shows, or what it asks for."""
        message = self._messages[rule, message_id]
        return frozenset(name for text in (message.en, message.ask_en) for name in gaps(text))

    def rule(self, rule_id: str) -> Rule:
        """One of the rules that ran."""
        return next(rule for rule in self.rules if rule.id == rule_id)

    @cached_property
    def counts(self) -> dict[str, dict[str, int]]:
        """Findings by rule and verdict, passes included."""
        return {r: {str(v): n for v, n in sorted(c.items())} for r, c in self.findings.counts().items()}

    @cached_property
    def manual(self) -> tuple[registers.Clause, ...]:
        """Clauses that no rule answers, or none without observations or records: a person must look."""
        blind = {
            clause
            for rule in self.rules
            if rule.blind(self.case) or (rule.asked is not None and not rule.asked(self.case))
            for clause in rule.clauses
        }
        return tuple(c for c in registers.read_clauses() if c.assessment == "manual" or c.id in blind)

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """What was assumed in reading, and observations that speak of nothing declared."""
        notes, seen = self.case.declaration.notes, self.case.observations
        if seen is None:
            return notes
        names, number = self.case.evidence.strangers
        if not number:
            return notes
        named = [*names[:STRANGERS], *["…"] * (len(names) > STRANGERS)]
        what = say(
            "observations that speak of subjects not declared: {number:,} ({named})",
            number=number,
            named=named,
        )
        return (*notes, Note(seen.name or "observations", what))

    @cached_property
    def unsettled(self) -> tuple[Finding, ...]:
        """All findings that are neither a pass nor not applicable."""
        return tuple(self.findings.rows(set(Verdict) - SETTLED))

    @cached_property
    def causes(self) -> list[dict[str, Any]]:
        """Findings of one rule that share a hand-off link, most subjects first."""
        return causes_of(self.findings)

    def record(self, finding: Finding) -> dict[str, Any]:
        """One finding as the result schema has it; values may still be numpy's (see `plain`)."""
        return {
            "rule": finding.rule,
            "basis": finding.basis,
            "clause": ", ".join(finding.clauses),
            "subject": finding.subject,
            "verdict": str(finding.verdict),
            "severity": finding.severity,
            "grade": finding.grade,
            "message_id": finding.message_id,
            "args": finding.args,
            "message": self.message(finding),
            "ask": self.ask(finding),
            "details": self._details(finding),
            "observations": list(finding.observations),
            "fingerprint": finding.fingerprint,
        }

    @staticmethod
    def _details(finding: Finding) -> Mapping[str, Any]:
        """Witness of a finding; a hand-off link that there is not is null, as the schema has it."""
        details = finding.details
        return details if details.get("handoff", True) else {**details, "handoff": None}

    def explain(self, rule_id: str, subject: str | None = None) -> str:
        """Tell how findings of a rule came about: clause, declared, calculation, verdict.

        Parameters
        ----------
        rule_id
            A rule that ran.
        subject
            ``node:sub-17``; all that is not a pass if not given.

        Raises
        ------
        UsageError
            A rule that did not run, or a subject that it did not judge.
        """
        ids = {rule.id for rule in self.rules}
        rule_id = rule_id if rule_id in ids else f"PILOT-{rule_id.upper()}"
        if rule_id not in ids:
            ran = [rule.id for rule in self.rules]
            raise UsageError(say("{rule} did not run; these did: {ran}", rule=rule_id, ran=ran))
        own = tuple(found for found in self.findings.rules if found.rule == rule_id)
        found = list(replace(self.findings, rules=own).rows())
        chosen = [f for f in found if (f.verdict not in SETTLED if subject is None else f.subject == subject)]
        if subject is not None and not chosen:
            raise UsageError(say("{rule} did not judge {subject}", rule=rule_id, subject=subject))
        if not chosen:
            told = both("{rule}: nothing but passes; name a subject to see why one passes", rule=rule_id)
            return told.in_(self.lang)
        head = {
            "as_of": self.case.as_of.isoformat(),
            "operator": {"name": self.case.declaration.operator.name},
        }
        rule = self.rule(rule_id)
        pages = [explained(rule, plain(self.record(f)), head, self.lang) for f in chosen]
        return "\n\n".join(page(lines, self.lang) for lines in pages)

    def to_frame(self) -> pd.DataFrame:
        """Give one row a finding, passes included; rule, subject, verdict and all texts as strings."""
        import pandas as pd  # noqa: PLC0415 -- a third of a second that the command line need not pay

        records = [plain(self.record(finding)) for finding in self.findings.rows()]
        columns = [
            "rule", "basis", "clause", "subject", "verdict", "severity", "grade", "message_id", "args",
            "message", "ask", "details", "observations", "fingerprint",
        ]  # fmt: skip
        return pd.DataFrame(records, columns=columns)

    def to_geoframe(self) -> geopandas.GeoDataFrame:
        """Give the findings on nodes as points in EPSG:4326; empty points where no place is known."""
        import geopandas as gpd  # noqa: PLC0415
        import shapely  # noqa: PLC0415

        frame = self.to_frame()
        frame = frame[frame["subject"].str.startswith("node:")]
        rows = self.case.rows_of(frame["subject"].str.removeprefix("node:"))
        place = self.case.place
        points = np.full(len(rows), shapely.Point(), object)
        known = ~np.isnan(place.lon[rows])
        points[known] = shapely.points(place.lon[rows][known], place.lat[rows][known])
        return gpd.GeoDataFrame(frame, geometry=points, crs=4326)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        lang: str | None = None,
        size: tuple[float, float] = (9.0, 6.0),
        view: tuple[float, float, float, float] | None = None,
        labels: int = 12,
    ) -> Axes:
        """Draw a map for a paper: areas, nodes by verdict, links, and whom the geometry comes from.

        Parameters
        ----------
        ax
            Axes to draw on; new ones if not given.
        lang
            ``en`` or ``zh``; that of the result if not given.
        size
            Width and height of a new figure in inches.
        view
            West, south, east and north in degrees (WGS84). If not given, what was judged fills the sheet;
            where single places lie far off, a small map beside it shows all.
        labels
            Most failing places that are named.

        Returns
        -------
        matplotlib.axes.Axes
            ``ax.figure.savefig("map.pdf", bbox_inches="tight")`` writes it.

        Raises
        ------
        UsageError
            matplotlib is not installed (``auditor[plots]``), or `view` makes no sense.
        """
        from auditor.plots import plot_map  # noqa: PLC0415 -- an extra, and slow to load

        return plot_map(self, ax, lang=lang, size=size, view=view, labels=labels)

    def plot_paths(
        self,
        subject: str,
        ax: Axes | None = None,
        *,
        lang: str | None = None,
        size: tuple[float, float] | None = None,
    ) -> Axes:
        """Draw the ways of one subject, from node to node: past the carriers and through their equipment.

        Parameters
        ----------
        subject
            ``node:sub-17``, of which a finding shows a way.
        ax, lang, size
            As in `plot`; a new figure is as large as the ways need.

        Raises
        ------
        UsageError
            An unknown subject, one without a way, or matplotlib is not installed.
        """
        from auditor.plots import plot_paths  # noqa: PLC0415 -- an extra, and slow to load

        return plot_paths(self, subject, ax, lang=lang, size=size)

    def explore(self, *, height: int = 560) -> Framed:
        """Give the interactive map, in a frame of its own when a notebook shows it; it needs no network.

        Parameters
        ----------
        height
            Of the frame, in pixels.
        """
        from auditor.page import map_html  # noqa: PLC0415 -- templates are slow to load

        return Framed(map_html(self), height, self.case.declaration.operator.name)

    def to_html(self, lang: str | None = None) -> str:
        """Give the card that a notebook shows: verdict, counts, what is open, how to go on."""
        return result_card(self, lang)

    def _repr_html_(self) -> str:
        return self.to_html()

    def __repr__(self) -> str:
        total: dict[str, int] = {}
        for counts in self.counts.values():
            for verdict, n in counts.items():
                total[verdict] = total.get(verdict, 0) + n
        told = ", ".join(f"{n:,} {verdict}" for verdict, n in sorted(total.items()))
        name = self.case.declaration.operator.name
        return (
            f"<AuditResult {self.verdict} for {name} as of {self.case.as_of}: {told}; "
            f"{len(self.manual)} clauses need a person>"
        )
