"""Run the rules on a case and keep what they found."""

from __future__ import annotations

import datetime as dt
import importlib
import logging
import pkgutil
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor import registers, rules, settings, zones
from auditor.case import Case, Message, Rule
from auditor.errors import UsageError
from auditor.findings import (
    SETTLED,
    Batch,
    Each,
    FindingTable,
    RuleFindings,
    Text,
    Verdict,
    plain,
    roll_up,
)
from auditor.roles import Surety
from auditor.settings import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import geopandas
    import pandas as pd

    from auditor.findings import Finding
    from auditor.model import Declaration
    from auditor.zones import Areas

log = logging.getLogger(__name__)

OWN_MESSAGES: Mapping[str, Message] = {
    "not_pilot": Message(
        "No service of this operator is under the pilot of Circular 107, so the rule binds nothing here.",
        "该企业没有依据107号文试点开展的业务，本规则不适用。",
    ),
    "service_not_offered": Message(
        "{service} is not offered under the pilot, so the rule binds nothing here.",
        "该企业未依据试点开展 {service} 业务，本规则不适用。",
    ),
    "nothing_in_scope": Message(
        "Nothing in the declaration is of the kind that this rule judges.",
        "申报材料中没有本规则所针对的对象。",
    ),
    "regime_unknown": Message(
        "Would fail if {service} is offered under the pilot, but its regime is not stated. {told}",
        "若 {service} 属试点业务则不符合，但未说明其所依据的制度。{told}",
        "State `regime` of the service.",
        "请填写该业务的 `regime`（所依据的制度）。",
    ),
    "grade_too_low": Message(
        "Holds by evidence of grade E{grade}; at least E{least} is asked for. {told}",
        "现有证据等级为 E{grade}，要求至少 E{least}。{told}",
        "Attach the document and have it confirmed in reviews.csv.",
        "请附上证明文件，并在 reviews.csv 中由核查人确认。",
    ),
    "skipped": Message(
        "The rule gave no answer for this subject: a defect of the rule, not of the operator.",
        "本规则未对该对象作出判断：属规则缺陷，与企业无关。",
        "Report it with the declaration, if you may share it.",
        "请将此情况连同申报材料（如可提供）反馈。",
    ),
    "raised": Message(
        "The rule broke off with {error}: a defect of the rule, not of the operator.",
        "规则执行中断（{error}）：属规则缺陷，与企业无关。",
        "Report it with the declaration, if you may share it.",
        "请将此情况连同申报材料（如可提供）反馈。",
    ),
}


@cache
def all_rules() -> tuple[Rule, ...]:
    """Find the rules: every module of `auditor.rules` whose name does not start with an underscore.

    Examples
    --------
    >>> "PILOT-ISP-02" in {rule.id for rule in all_rules()}
    True
    """
    names = sorted(m.name for m in pkgutil.iter_modules(rules.__path__) if not m.name.startswith("_"))
    found = [importlib.import_module(f"{rules.__name__}.{name}").RULE for name in names]
    return tuple(sorted(found, key=lambda rule: rule.id))


def choose_rules(only: Iterable[str] = (), skip: Iterable[str] = ()) -> tuple[Rule, ...]:
    """Choose rules by id or pattern (``PILOT-FAC-*``).

    Raises
    ------
    UsageError
        A pattern that matches no rule.
    """
    only, skip = list(only), list(skip)
    ids = [rule.id for rule in all_rules()]
    lost = [p for p in (*only, *skip) if not any(fnmatchcase(i, p) for i in ids)]
    if lost:
        raise UsageError(f"no rule is called {', '.join(lost)}; see `auditor rules`")

    def wanted(rule: Rule) -> bool:
        chosen = not only or any(fnmatchcase(rule.id, p) for p in only)
        return chosen and not any(fnmatchcase(rule.id, p) for p in skip)

    return tuple(rule for rule in all_rules() if wanted(rule))


def _unasked(case: Case, rule: Rule) -> Batch | None:
    """Say why a rule does not bind this operator, if it does not."""
    if rule.always:
        return None
    if not case.pilot_services and not case.unsure_services:
        return Batch(Verdict.NOT_APPLICABLE, "not_pilot")
    if rule.service and case.offers(rule.service) == Surety.NO:
        return Batch(Verdict.NOT_APPLICABLE, "service_not_offered", args={"service": rule.service})
    return None


def _unanswered(case: Case, rule: Rule, batches: list[Batch]) -> Iterator[Batch]:
    """Compare a rule's scope with its answers: a subject without any becomes `not_checked`."""
    for kind, subjects in rule.scope(case):
        answers = [batch.subjects for batch in batches if batch.kind == kind]
        if isinstance(subjects, np.ndarray):
            given = np.concatenate([np.asarray(a, np.int64) for a in answers] or [np.empty(0, np.int64)])
            if len(np.unique(given)) != len(given):
                raise RuntimeError(f"{rule.id} judged a subject twice")
            missing: Any = np.setdiff1d(subjects, given)
        else:
            names = [name for a in answers for name in a]
            if len(set(names)) != len(names):
                raise RuntimeError(f"{rule.id} judged a subject twice")
            missing = [name for name in subjects if name not in set(names)]
        if len(missing) > 0:
            yield Batch(Verdict.NOT_CHECKED, "skipped", missing, kind)


def _soften(case: Case, rule: Rule, batch: Batch, min_grade: int) -> Iterator[Batch]:
    """Turn a verdict that rests on too little into inconclusive, and keep what it said."""
    if batch.verdict == Verdict.FAIL and _regime_unknown(case, rule):
        yield replace(
            batch,
            verdict=Verdict.INCONCLUSIVE,
            message="regime_unknown",
            args={"service": rule.service or "the service", "told": _told(rule, batch)},
        )
    elif batch.verdict == Verdict.PASS and rule.basis == "circular":
        grades = np.broadcast_to(np.asarray(batch.grade), len(batch))
        low = grades > min_grade
        if low.any():
            part = batch.take(np.flatnonzero(low))
            args = {"grade": grades[low], "least": min_grade, "told": _told(rule, part)}
            yield replace(part, verdict=Verdict.INCONCLUSIVE, message="grade_too_low", args=args)
        if not low.all():
            yield batch.take(np.flatnonzero(~low)) if low.any() else batch
    else:
        yield batch


def _regime_unknown(case: Case, rule: Rule) -> bool:
    if rule.always:
        return False
    return case.offers(rule.service) == Surety.DOUBTFUL if rule.service else not case.pilot_services


def _told(rule: Rule, batch: Batch) -> Each:
    """Give the softened message's own text, so that nothing of it is lost."""
    message = rule.messages[batch.message]

    def text(position: int) -> Text:
        from auditor.findings import pick  # noqa: PLC0415

        args = pick(batch.args, position)
        return Text(*(render(t, args, lang) for t, lang in ((message.en, "en"), (message.zh, "zh"))))

    return Each(text)


def run_rule(case: Case, rule: Rule, *, min_grade: int = 4) -> RuleFindings:
    """Run one rule; whatever it raises becomes an `error` finding, and the others go on."""
    unasked = _unasked(case, rule)
    if unasked is not None:
        batches = [unasked]
    else:
        try:
            answers = [batch for batch in rule.check(case) if len(batch)]
            answers += _unanswered(case, rule, answers)
            batches = [soft for batch in answers for soft in _soften(case, rule, batch, min_grade)]
        except Exception as error:
            log.exception("%s raised", rule.id)
            told = f"{type(error).__name__}: {error}"
            batches = [Batch(Verdict.ERROR, "raised", args={"error": told})]
    if not batches:
        batches = [Batch(Verdict.NOT_APPLICABLE, "nothing_in_scope")]
    return RuleFindings(rule.id, rule.basis, rule.clauses, rule.severity, tuple(batches))


def render(template: str, args: Mapping[str, Any], lang: str) -> str:
    """Fill a message's placeholders in one language."""

    def shown(value: Any) -> Any:
        if isinstance(value, Text):
            return value.in_(lang)
        if isinstance(value, list | tuple):
            return ("、" if lang == "zh" else ", ").join(str(shown(v)) for v in value)
        return value.item() if isinstance(value, np.generic) else value

    return template.format(**{key: shown(value) for key, value in args.items()})


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
    """

    case: Case
    rules: tuple[Rule, ...]
    findings: FindingTable
    partial: bool
    lang: str = "en"

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
        lang = lang or self.lang
        message = self._messages[finding.rule, finding.message_id]
        return render(message.zh if lang == "zh" else message.en, finding.args, lang)

    def ask(self, finding: Finding, lang: str | None = None) -> str:
        """What to do or ask next; empty where there is nothing."""
        lang = lang or self.lang
        message = self._messages[finding.rule, finding.message_id]
        return render(message.ask_zh if lang == "zh" else message.ask_en, finding.args, lang)

    def rule(self, rule_id: str) -> Rule:
        """One of the rules that ran."""
        return next(rule for rule in self.rules if rule.id == rule_id)

    @cached_property
    def counts(self) -> dict[str, dict[str, int]]:
        """Findings by rule and verdict, passes included."""
        return {r: {str(v): n for v, n in sorted(c.items())} for r, c in self.findings.counts().items()}

    @cached_property
    def manual(self) -> tuple[registers.Clause, ...]:
        """Clauses that no rule answers: a person must look."""
        answered = {clause for rule in all_rules() for clause in rule.clauses}
        return tuple(c for c in registers.read_clauses() if c.id not in answered)

    @cached_property
    def causes(self) -> list[dict[str, Any]]:
        """Findings of one rule that share a hand-off link: one cause, many subjects (DESIGN 6)."""
        groups: dict[tuple[str, str, str], list[str]] = {}
        for finding in self.findings.rows(set(Verdict) - SETTLED):
            handoff = finding.details.get("handoff")
            if handoff:
                groups.setdefault((finding.rule, *handoff), []).append(finding.subject)
        ordered = sorted(groups.items(), key=lambda item: (item[0][0], -len(item[1]), item[0]))
        return [
            {"rule": rule, "handoff": [near, far], "subjects": len(subjects), "example": subjects[0]}
            for (rule, near, far), subjects in ordered
        ]

    def record(self, finding: Finding) -> dict[str, Any]:
        """One finding as the result schema has it."""
        return {
            "rule": finding.rule,
            "basis": finding.basis,
            "clause": ", ".join(finding.clauses),
            "subject": finding.subject,
            "verdict": str(finding.verdict),
            "severity": finding.severity,
            "grade": finding.grade,
            "message_id": finding.message_id,
            "args": plain(dict(finding.args)),
            "message": self.message(finding),
            "ask": self.ask(finding),
            "details": plain(dict(finding.details)),
            "observations": [],
            "fingerprint": finding.fingerprint,
        }

    def to_frame(self) -> pd.DataFrame:
        """Give one row a finding, passes included; rule, subject, verdict and all texts as strings."""
        import pandas as pd  # noqa: PLC0415 -- a third of a second that the command line need not pay

        records = [self.record(finding) for finding in self.findings.rows()]
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
        points = shapely.points(place.lon[rows], place.lat[rows])
        return gpd.GeoDataFrame(frame, geometry=points, crs=4326)

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


def check(
    declaration: Declaration,
    *,
    areas: Areas | None = None,
    as_of: dt.date | str | None = None,
    only: Iterable[str] = (),
    skip: Iterable[str] = (),
    policy: Policy | Mapping[str, Any] | None = None,
    confirmed: Iterable[str] = (),
    min_grade: str = "E4",
    lang: str = "en",
) -> AuditResult:
    """Check a declaration against the pilot, clause by clause.

    Parameters
    ----------
    declaration
        What `read_declaration` or `read_graph` gave.
    areas
        Pilot areas; those in force on the date if not given.
    as_of
        Date of the audit; today in Asia/Shanghai if not given (or the date of `areas`).
    only, skip
        Rule ids or patterns.
    policy
        Decisions on what the circular leaves open.
    confirmed
        SHA-256 of documents that a review confirms (`read_reviews`).
    min_grade
        Least grade of evidence on which a rule of the circular may pass (``E2`` for inspectors).
    lang
        Language of messages, ``en`` or ``zh``.

    Raises
    ------
    UsageError
        A rule, grade, policy or date that does not exist.
    """
    if min_grade not in {"E1", "E2", "E3", "E4"}:
        raise UsageError(f"grade {min_grade!r} is unknown; give E1, E2, E3 or E4")
    chosen = choose_rules(only, skip)
    day = _day(as_of, areas)
    if policy is not None and not isinstance(policy, Policy):
        policy = settings.read_settings({"policy": dict(policy)}, where="policy").policy
    case = Case(
        declaration,
        areas if areas is not None else zones.read_areas(day),
        day,
        policy or Policy(),
        frozenset(confirmed),
    )
    found = tuple(run_rule(case, rule, min_grade=int(min_grade[1])) for rule in chosen)
    operator = declaration.operator
    ids = {"node": declaration.nodes.column("id"), "link": declaration.links.column("id")}
    table = FindingTable(found, operator.uscc or operator.name, ids)
    return AuditResult(case, chosen, table, partial=len(chosen) < len(all_rules()), lang=lang)


def _day(as_of: dt.date | str | None, areas: Areas | None) -> dt.date:
    if as_of is None:
        return (areas.as_of if areas is not None else None) or settings.today()
    if isinstance(as_of, dt.date):
        return as_of
    try:
        return dt.date.fromisoformat(as_of)
    except ValueError:
        raise UsageError(f"as_of {as_of!r} is no date; write it as 2026-11-22") from None
