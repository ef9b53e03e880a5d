"""Run the rules on a case."""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor import settings, zones
from auditor.case import Case
from auditor.errors import UsageError
from auditor.findings import Batch, FindingTable, RuleFindings, Verdict
from auditor.language import Text, gaps, render, say
from auditor.model import Declaration
from auditor.result import AuditResult
from auditor.roles import Surety
from auditor.rules import all_rules
from auditor.settings import Policy
from auditor.values import Distinct, Each, Late, argued, coded, pick

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from auditor.columns import BoolArray
    from auditor.observations import Observations
    from auditor.rule import Rule
    from auditor.zones import Areas

__all__ = ["all_rules", "areas_on", "check", "choose_rules", "day_of", "run_rule"]
log = logging.getLogger(__name__)
OBSERVED = 4  # grade E4: what others saw opens a question and never fails


def choose_rules(only: Iterable[str] = (), skip: Iterable[str] = ()) -> tuple[Rule, ...]:
    """Choose rules by id or pattern (``PILOT-FAC-*``).

    Raises
    ------
    UsageError
        A pattern that matches no rule.
    """
    only, skip = ([p] if isinstance(p, str) else list(p) for p in (only, skip))
    ids = [rule.id for rule in all_rules()]
    lost = [p for p in (*only, *skip) if not any(fnmatchcase(i, p) for i in ids)]
    if lost:
        raise UsageError(say("no rule is called {names}; see `auditor rules`", names=lost))

    def wanted(rule: Rule) -> bool:
        chosen = not only or any(fnmatchcase(rule.id, p) for p in only)
        return chosen and not any(fnmatchcase(rule.id, p) for p in skip)

    return tuple(rule for rule in all_rules() if wanted(rule))


def _unasked(case: Case, rule: Rule) -> Batch | None:
    """Say why a rule does not bind this operator, if it does not."""
    if rule.asked is not None and not rule.asked(case):
        return Batch(Verdict.NOT_APPLICABLE, "no_records")
    if rule.always:
        return None
    if not case.pilot_services and not case.unsure_services:
        return Batch(Verdict.NOT_APPLICABLE, "not_pilot")
    if rule.service and case.offers(rule.service) == Surety.NO:
        return Batch(Verdict.NOT_APPLICABLE, "service_not_offered", args={"service": rule.service})
    if rule.blind(case):
        return Batch(Verdict.NOT_APPLICABLE, "no_observations")
    return None


def _unanswered(case: Case, rule: Rule, batches: list[Batch]) -> Iterator[Batch]:
    """Compare a rule's scope with its answers: a subject without any becomes `not_checked`."""
    for kind, subjects in rule.scope(case):
        answers = [batch.subjects for batch in batches if batch.kind == kind]
        missing: Any
        if isinstance(subjects, np.ndarray):
            given = [np.asarray(answer) for answer in answers if len(answer)]
            last = max(int(rows.max(initial=-1)) for rows in (subjects, *given))
            answered = np.zeros(last + 1, np.bool_)
            for rows in given:
                answered[rows] = True
            twice = bool(np.count_nonzero(answered) < sum(map(len, given)))
            missing = subjects[~answered[subjects]]
        else:
            names = Counter(name for answer in answers for name in answer)
            twice = any(times > 1 for times in names.values())
            missing = [name for name in subjects if name not in names]
        if twice:
            raise RuntimeError(f"{rule.id} judged a subject twice")
        if len(missing) > 0:
            yield Batch(Verdict.NOT_CHECKED, "skipped", missing, kind)


def _soften(case: Case, rule: Rule, batch: Batch, min_grade: int) -> Iterator[Batch]:
    """Turn a verdict that rests on too little into inconclusive, and keep what it said."""
    if batch.verdict == Verdict.FAIL and _regime_unknown(case, rule):
        yield replace(
            batch,
            verdict=Verdict.INCONCLUSIVE,
            message="regime_unknown",
            args={"service": rule.service or say("the service"), "told": _told(rule, batch)},
        )
    elif batch.verdict == Verdict.FAIL:
        seen = np.broadcast_to(np.asarray(batch.grade), len(batch)) >= OBSERVED
        yield from _split(rule, batch, seen, "observed_only", {})
    elif batch.verdict == Verdict.PASS and rule.basis == "circular" and rule.graded:
        grades = np.broadcast_to(np.asarray(batch.grade), len(batch))
        low = grades > min_grade
        args = {"grade": grades[low], "least": min_grade}
        yield from _split(rule, batch, low, "grade_too_low", args)
    else:
        yield batch


def _split(
    rule: Rule, batch: Batch, low: BoolArray, message: str, args: Mapping[str, Any]
) -> Iterator[Batch]:
    """Make inconclusive what rests on too little, and leave the rest of a batch as it is."""
    if not low.any():
        yield batch
        return
    part = batch.take(np.flatnonzero(low))
    told = {**args, "told": _told(rule, part)}
    yield replace(part, verdict=Verdict.INCONCLUSIVE, message=message, args=told)
    if not low.all():
        yield batch.take(np.flatnonzero(~low))


def _regime_unknown(case: Case, rule: Rule) -> bool:
    if rule.always:
        return False
    return case.offers(rule.service) == Surety.DOUBTFUL if rule.service else not case.pilot_services


def _told(rule: Rule, batch: Batch) -> Each | Late:
    """Give the softened message's own text, so that nothing of it is lost."""
    message = rule.messages[batch.message]

    def filled(args: Mapping[str, Any]) -> Text:
        return Text(*(render(text, args, lang) for text, lang in ((message.en, "en"), (message.zh, "zh"))))

    shown = frozenset(gaps(message.en))
    if any(isinstance(value, Each) and key in shown for key, value in batch.args.items()):
        return Each(lambda position: filled(pick(batch.args, position)))

    def made() -> Distinct:
        every = np.arange(len(batch))
        several = argued(batch.args, shown, len(batch), lambda column: coded(column, every))
        return Distinct(several.codes, [filled(args) for args in several.values])

    return Late(made)


def run_rule(case: Case, rule: Rule, *, min_grade: int = 3) -> RuleFindings:
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


def check(
    declaration: Declaration,
    *,
    areas: Areas | None = None,
    as_of: dt.date | str | None = None,
    only: Iterable[str] = (),
    skip: Iterable[str] = (),
    policy: Policy | Mapping[str, Any] | None = None,
    confirmed: Iterable[str] = (),
    observations: Observations | None = None,
    min_grade: str = "E3",
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
    observations
        What sources said (`read_observations`); without them the rules that hold the declaration against
        observations have nothing to judge, and their clauses are left to a person.
    min_grade
        Least grade of evidence on which a rule of the circular may pass (``E2`` for inspectors). By default
        observations alone (E4) prove nothing; a fail that rests on them is inconclusive whatever is given.
    lang
        Language of messages, ``en`` or ``zh``.

    Raises
    ------
    UsageError
        A rule, grade, policy or date that does not exist.
    """
    _refuse(declaration, areas, min_grade, lang)
    chosen = choose_rules(only, skip)
    day = day_of(as_of, areas)
    if policy is not None and not isinstance(policy, Policy):
        policy = settings.read_settings({"policy": dict(policy)}, where="policy").policy
    case = Case(
        declaration,
        areas if areas is not None else areas_on(day),
        day,
        policy or Policy(),
        frozenset(confirmed),
        observations,
    )
    found = tuple(run_rule(case, rule, min_grade=int(min_grade[1])) for rule in chosen)
    operator = declaration.operator
    ids = {"node": declaration.nodes.column("id"), "link": declaration.links.column("id")}
    table = FindingTable(found, operator.uscc or operator.name, ids)
    partial = len(chosen) < len(all_rules())
    return AuditResult(case, chosen, table, partial, lang, min_grade)


def areas_on(day: dt.date, paths: Iterable[str] = ()) -> Areas:
    """Pilot areas for an audit as of a date: before the first came into force, those it began with.

    The circular named them months earlier (2024-04-08); whether a service began too soon is asked by APP-02,
    it is no reason to place the operator outside every area.
    """
    areas = zones.read_areas(day, paths=tuple(paths))
    if areas.ids:
        return areas
    everything = zones.read_areas(None, paths=tuple(paths))
    began = min(part.from_on for part in everything.parts if part.from_on)
    return zones.read_areas(max(day, began), paths=tuple(paths))


def _refuse(declaration: object, areas: object, min_grade: object, lang: object) -> None:
    """Say in words what is no declaration, no areas, no grade or no language."""
    if not isinstance(declaration, Declaration):
        kind = type(declaration).__name__
        raise UsageError(
            say("a {kind} is no declaration; give what read_declaration or read_graph gave", kind=kind)
        )
    if areas is not None and not isinstance(areas, zones.Areas):
        raise UsageError(say("a {kind} is no areas; give what read_areas gave", kind=type(areas).__name__))
    if min_grade not in {"E1", "E2", "E3", "E4"}:
        raise UsageError(say("grade {grade!r} is unknown; give E1, E2, E3 or E4", grade=min_grade))
    if lang not in {"en", "zh"}:
        raise UsageError(say("language {lang!r} is unknown; give en or zh", lang=lang))


def day_of(as_of: dt.date | str | None, areas: Areas | None) -> dt.date:
    """Date of an audit: as given, else that of the areas, else today.

    Raises
    ------
    UsageError
        What is no date.
    """
    if as_of is None:
        return (areas.as_of if areas is not None else None) or settings.today()
    if isinstance(as_of, dt.datetime):
        return as_of.date()
    if isinstance(as_of, dt.date):
        return as_of
    try:
        return dt.date.fromisoformat(as_of)
    except (TypeError, ValueError):
        raise UsageError(say("as_of {as_of!r} is no date; write it as 2026-11-22", as_of=as_of)) from None
