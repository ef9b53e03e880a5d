"""May I? A declaration judged as it is and as it would be: what would appear, vanish and stay."""

from __future__ import annotations

import datetime as dt
import html
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from auditor import engine
from auditor.cells import read_day
from auditor.edits import Edit, Edited, edited
from auditor.errors import UsageError, visible
from auditor.exits import hit_by
from auditor.findings import SETTLED, Verdict, plain
from auditor.language import both, say
from auditor.registers import labels
from auditor.settings import Policy, read_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import pandas as pd

    from auditor.exits import Hits
    from auditor.findings import Finding
    from auditor.language import Text
    from auditor.model import Declaration
    from auditor.result import AuditResult
    from auditor.tables import Note

SCHEMA = "auditor.whatif/1"
ANSWERS: Mapping[str, Text] = {
    "may": both("You may: nothing would be open that is not open already."),
    "ask_first": both("Ask first: something would be open that is not, or for another reason."),
    "may_not": both("You may not: it would break a rule."),
}
CHANGES: Mapping[str, Text] = {
    "appears": both("would appear"),
    "vanishes": both("would vanish"),
    "changed": both("would stay, for another reason"),
    "stays": both("would stay"),
}
EXIT_CODES = {"may": 0, "may_not": 1, "ask_first": 3}
ORDER = ("may", "ask_first", "may_not")
TERMS = frozenset({"areas", "as_of", "policy"})
STARTS = ("from_on", "regime_from_on", "started_on", "issued_on", "status_from_on", "notice_on", "stop_on")
ENDS = ("to_on", "expires_on", "deadline_on")
MOST_DATES = 12


@dataclass(frozen=True)
class Prospect:
    """What a change would do; `answer` says whether it may be made.

    Parameters
    ----------
    before, after
        The declaration as it is, and as it would be, each judged on its own terms.
    edits
        What would be changed in the declaration.
    notes
        What follows from the edits without being said in them.
    renamed
        Records known by their number that have another one then: the new subject -> the one now.
    later
        The same on each later date on which something of the change begins or ends, and with what is planned
        in service, as far as it is no plain "may".
    """

    before: AuditResult
    after: AuditResult
    edits: tuple[Edit, ...] = ()
    notes: tuple[Note, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    later: tuple[Prospect, ...] = ()

    @cached_property
    def _open(self) -> tuple[dict[tuple[str, str], Finding], dict[tuple[str, str], Finding]]:
        """Open findings of both, by rule and the name that the subject has now."""
        shown = set(Verdict) - SETTLED
        before, after = (list(result.findings.rows(shown)) for result in (self.before, self.after))
        return {(f.rule, f.subject): f for f in before}, {self._key(f): f for f in after}

    def _key(self, finding: Finding) -> tuple[str, str]:
        return finding.rule, self.renamed.get(finding.subject, finding.subject)

    @cached_property
    def appears(self) -> tuple[Finding, ...]:
        """Findings that would be open and are not, or would fail and are only undecided."""
        before, after = self._open
        return tuple(f for key, f in after.items() if key not in before or _worse(before[key], f))

    @cached_property
    def vanishes(self) -> tuple[Finding, ...]:
        """Findings that are open and would not be, be it that nothing would be left to judge."""
        before, after = self._open
        return tuple(f for key, f in before.items() if key not in after)

    @cached_property
    def _stays(self) -> tuple[list[Finding], list[Finding]]:
        """Findings that would stay open: as they are, and on other facts."""
        before, after = self._open
        kept: tuple[list[Finding], list[Finding]] = ([], [])
        for key, finding in after.items():
            if key in before and not _worse(before[key], finding):
                kept[_said(before[key]) != _said(finding)].append(finding)
        return kept

    @property
    def stays(self) -> tuple[Finding, ...]:
        """Findings that would stay open as they are."""
        return tuple(self._stays[0])

    @property
    def changed(self) -> tuple[Finding, ...]:
        """Findings that would stay open and say something else: for another reason, on another path."""
        return tuple(self._stays[1])

    @cached_property
    def answer(self) -> str:
        """``may``, ``may_not`` (something would fail that does not) or ``ask_first`` (something would open).

        Related law (ISP-03, ISP-04) never decides a verdict under the circular: a fail there is asked first.
        What begins or ends later counts as well.
        """
        if any(f.verdict == Verdict.FAIL and f.basis != "related_law" for f in self.appears):
            own = "may_not"
        else:
            own = "ask_first" if self.appears or self.changed else "may"
        return max([own, *(one.answer for one in self.later)], key=ORDER.index)

    @cached_property
    def hits(self) -> tuple[Hits, ...]:
        """What of the operator the area events hit that are not of the policy now."""
        known = self.before.case.policy.area_events
        after = self.after.case
        return tuple(hit_by(after, event) for event in after.policy.area_events if event not in known)

    def settled(self, finding: Finding) -> bool:
        """Whether what vanishes would pass; else it would no longer be judged."""
        return finding.subject in self._passes.get(finding.rule, ())

    @cached_property
    def _passes(self) -> dict[str, set[str]]:
        """Subjects that would pass, of the rules of which something vanishes."""
        gone = {finding.rule for finding in self.vanishes}
        return {
            found.rule: {
                name
                for batch in found.batches
                if batch.verdict == Verdict.PASS
                for name in self.after.findings.names(batch)
            }
            for found in self.after.findings.rules
            if found.rule in gone
        }

    def records(self) -> list[dict[str, Any]]:
        """Give one mapping a finding that is open before or after, in plain values."""
        before, after = self._open
        rows = []
        for change in CHANGES:
            result = self.before if change == "vanishes" else self.after
            for finding in getattr(self, change):
                key = (finding.rule, finding.subject) if change == "vanishes" else self._key(finding)
                verdicts = [str(o[key].verdict) if key in o else None for o in (before, after)]
                rows.append(
                    {
                        "rule": finding.rule,
                        "subject": finding.subject,
                        "change": change,
                        "before": verdicts[0],
                        "after": verdicts[1],
                        "message": result.message(finding),
                        "ask": result.ask(finding),
                        "details": plain(finding.details),
                        "fingerprint": finding.fingerprint,
                    }
                )
        return rows

    def to_frame(self) -> pd.DataFrame:
        """Give `records` as a table."""
        import pandas as pd  # noqa: PLC0415 -- a third of a second that the command line need not pay

        names = ("rule", "subject", "change", "before", "after", "message", "ask", "details", "fingerprint")
        return pd.DataFrame(self.records(), columns=list(names))

    def to_dict(self) -> dict[str, Any]:
        """Give all of it in plain values, as ``auditor whatif --format json`` writes it."""
        lang = self.after.lang
        sides = {"before": self.before, "after": self.after}
        return {
            "schema": SCHEMA,
            "operator": {"name": self.after.case.declaration.operator.name},
            "answer": None if self.after is self.before else self.answer,
            "told": None if self.after is self.before else ANSWERS[self.answer].in_(lang),
            "edits": [plain(vars(edit)) for edit in self.edits],
            "notes": [{"where": str(n.where), "what": str(n.what)} for n in self.notes],
            **{
                name: {
                    "verdict": str(result.verdict),
                    "as_of": result.case.as_of.isoformat(),
                    "policy_sha256": result.case.policy.sha256,
                    "counts": result.counts,
                }
                for name, result in sides.items()
            },
            "hits": [_hit(hits) for hits in self.hits],
            "findings": self.records(),
            "later": [one.to_dict() for one in self.later],
        }

    def __repr__(self) -> str:
        counted = ", ".join(f"{len(getattr(self, change)):,} {text.en}" for change, text in CHANGES.items())
        return f"<Prospect {self.answer}: {self.before.verdict} -> {self.after.verdict}; {counted}>"

    def _repr_html_(self) -> str:
        shown = self.to_frame().drop(columns=["details", "fingerprint"])
        shown = shown.map(lambda cell: visible(cell) if isinstance(cell, str) else "")
        told = html.escape(visible(ANSWERS[self.answer].in_(self.after.lang)))
        return f"<p>{told}</p>{shown.to_html(index=False, escape=True, max_rows=20)}"


def _hit(hits: Hits) -> dict[str, Any]:
    return {
        "event": hits.event.model_dump(mode="json", exclude_none=True),
        "services": list(hits.services),
        "facilities": hits.facilities.to_pylist(),
        "subscribers": hits.subscribers.to_pylist(),
        "users": hits.users,
    }


def _said(finding: Finding) -> tuple[object, ...]:
    return finding.verdict, finding.message_id, plain(finding.args), plain(finding.details)


def _worse(before: Finding, after: Finding) -> bool:
    return after.verdict == Verdict.FAIL and before.verdict != Verdict.FAIL


def whatif(
    declaration: Declaration,
    edits: Iterable[Edit] = (),
    *,
    then: Mapping[str, Any] | None = None,
    root: Path | None = None,
    **terms: Any,
) -> Prospect:
    """Judge a declaration as it is and as it would be.

    Parameters
    ----------
    declaration
        What `read_declaration` gave.
    edits
        What would be changed in it.
    then
        Terms that would be others afterwards: ``areas``, ``as_of``, ``policy`` (a mapping changes the keys
        that it names).
    root
        Folder where documents that edits name lie.
    **terms
        As for `check`: ``areas``, ``as_of``, ``policy``, ``observations``, ``confirmed``, ``min_grade``,
        ``lang``.

    Raises
    ------
    UsageError
        Terms that do not exist.
    DeclarationError
        Every edit that cannot be made, and everything wrong with what comes of them.

    Examples
    --------
    >>> import auditor
    >>> declaration = auditor.read_declaration(auditor.sample("shanghai_isp_cdn"))
    >>> far = auditor.Edit("add", "node", {"id": "edge-hz", "kind": "cdn_edge", "owner": "operator",
    ...                                    "services": "B12", "region_code": "330106"})
    >>> auditor.whatif(declaration, [far], as_of="2026-11-22").answer
    'may_not'
    """
    edits, then = tuple(edits), dict(then or {})
    if then.keys() - TERMS:
        raise UsageError(say("then: there is no term {names}", names=sorted(then.keys() - TERMS)))
    before = engine.check(declaration, **terms)
    policy = then.get("policy")
    if policy is not None and not isinstance(policy, Policy):
        changed = {**before.case.policy.model_dump(exclude_unset=True), **policy}
        then["policy"] = read_settings({"policy": changed}, where="policy").policy
    day = engine.day_of(then.get("as_of", terms.get("as_of")), then.get("areas", terms.get("areas")))
    if not edits and not then:
        return Prospect(before, before)
    _refuse_areas(before, then)

    def made(edits: tuple[Edit, ...]) -> Edited:
        return edited(declaration, edits, on=day, root=root) if edits else Edited(declaration)

    def prospect(on: dt.date, edits: tuple[Edit, ...], new: Edited, old: AuditResult | None) -> Prospect:
        after = engine.check(new.declaration, **{**terms, **then, "as_of": on})
        old = old or engine.check(declaration, **{**terms, "as_of": on})
        return Prospect(old, replace(after, lang=old.lang), edits, new.notes, new.renamed)

    new = made(edits)
    now = prospect(day, edits, new, before)
    active = tuple(_in_service(edit) for edit in edits)
    dates = _later(edits, then, day)
    if active != edits:
        new, dates = made(active), [day, *dates]
    later = [prospect(on, active, new, None) for on in dates]
    return replace(now, later=tuple(one for one in later if one.answer != "may"))


def _refuse_areas(before: AuditResult, then: Mapping[str, Any]) -> None:
    """Say which area of a further event is none: a slip of the pen would hit nobody."""
    case, policy = before.case, then.get("policy")
    named = [e.area for e in policy.area_events if e not in case.policy.area_events] if policy else []
    lost = [name for name in named if case.area_of(name) < 0]
    if lost:
        raise UsageError(
            say("there is no pilot area {names}; there are {known}", names=lost, known=list(case.areas.ids))
        )


def _in_service(edit: Edit) -> Edit:
    """Give an edit of something planned as if it were in service: whether it may be is what is asked."""
    status = str(edit.get("status") or "").strip()
    if labels.words("status").get(status, status.casefold()) != "planned":
        return edit
    return edit.but(status="active")


def _later(edits: tuple[Edit, ...], then: Mapping[str, Any], day: dt.date) -> list[dt.date]:
    """Dates after the one judged on which something of the change begins or has ended."""
    found = {_date(edit.get(name)) for edit in edits for name in (*STARTS, *ENDS)}
    policy = then.get("policy")
    for event in policy.area_events if policy else ():
        found |= {event.on}
        if event.transition_until:
            found |= {event.transition_until + dt.timedelta(days=1)}
    # An approval still holds on its last day.
    found |= {on + dt.timedelta(days=1) for e in edits if (on := _date(e.get("expires_on")))}
    return sorted(on for on in found if on and on > day)[:MOST_DATES]


def _date(value: Any) -> dt.date | None:
    if isinstance(value, dt.date):
        return value
    return read_day(value.strip()) if isinstance(value, str) else None
