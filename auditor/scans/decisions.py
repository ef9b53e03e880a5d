"""What people decide of findings: waivers, and verdicts where the tool gives none.

A decision lies over findings and changes none of them: the verdict of a run stays what it is. It holds for
one operator, one rule (or clause) and one subject, exactly as they are written, from an instant until
another. It is never altered: a revocation is a row of its own, and one that lapsed or matches nothing is
told, run by run. `auditor.scans.deciding` records them.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
import sqlalchemy as sa

from auditor import messages, registers
from auditor.findings import UNDECIDED, Verdict
from auditor.language import Said, both, say
from auditor.scans import histories, moments, tables

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from auditor.scans.store import Store

WAIVER, VERDICT = "waiver", "verdict"
VERDICTS = ("pass", "fail", "inconclusive", "not_applicable")  # of people
SOON = dt.timedelta(days=14)
STATES = {
    "holds": both("holds"),
    "later": both("not yet"),
    "lapsed": both("lapsed"),
    "revoked": both("taken back"),
}


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision as it stands in the store, with its revocation if it has one."""

    id: int
    kind: str
    operator_id: int
    operator: str
    rule: str
    subject: str
    verdict: str | None
    reason: str
    approver: str
    granted_at: dt.datetime
    from_at: dt.datetime
    until_at: dt.datetime
    zone: str
    evidence: str | None
    evidence_name: str | None
    revoked_at: dt.datetime | None
    revoked_by: str | None
    revoked_because: str | None

    @property
    def scope(self) -> tuple[str, int, str, str]:
        """What it decides on."""
        return self.kind, self.operator_id, self.rule, self.subject

    @property
    def ends_at(self) -> dt.datetime:
        """Instant at which it ends, or was ended."""
        return min(self.until_at, self.revoked_at or self.until_at)

    def holds(self, at: dt.datetime) -> bool:
        """Whether it holds at an instant: the first one counts, the last one does not."""
        return self.from_at <= at < self.ends_at

    def state(self, at: dt.datetime) -> str:
        """Give ``holds``, ``revoked``, ``lapsed``, or ``later`` where it has yet to begin."""
        if self.revoked_at is not None and self.revoked_at <= at and self.revoked_at < self.until_at:
            return "revoked"
        if at >= self.until_at:
            return "lapsed"
        return "holds" if self.from_at <= at else "later"


# --- reading ----------------------------------------------------------------------------------------------


def decisions(connection: sa.Connection, operator: int | None = None) -> list[Decision]:
    """Give all decisions, or those about one operator, in order of their numbers."""
    own, ended = tables.decision, tables.revocation
    wanted = (
        sa.select(
            own,
            tables.operator.c.key.label("operator"),
            ended.c.at.label("revoked_at"),
            ended.c.by.label("revoked_by"),
            ended.c.reason.label("revoked_because"),
        )
        .join(tables.operator, tables.operator.c.id == own.c.operator_id)
        .outerjoin(ended, ended.c.decision_id == own.c.id)
    )
    if operator is not None:
        wanted = wanted.where(own.c.operator_id == operator)
    return [Decision(**row) for row in connection.execute(wanted.order_by(own.c.id)).mappings()]


def decisions_at(connection: sa.Connection, instant: dt.datetime) -> list[Decision]:
    """Give the decisions that hold at an instant."""
    return [decision for decision in decisions(connection) if decision.holds(instant)]


def overlay(frame: pd.DataFrame, held: Sequence[Decision]) -> pd.DataFrame:
    """Lay decisions over findings.

    Parameters
    ----------
    frame
        One row a finding: ``operator`` (how it is called here), ``rule``, ``subject``, ``verdict``.
    held
        The decisions that hold (`decisions_at`).

    Returns
    -------
    pandas.DataFrame
        The same rows in the same order, with ``waiver_id waived_by waived_until waived_zone waived_because``
        where one is waived and ``decided_id decided decided_by decided_because`` where a person gave a
        verdict that the tool did not; all blank elsewhere. What passes is not waived, and where the tool says
        pass or fail nobody else does.
    """
    undecided = [str(verdict) for verdict in UNDECIDED]
    waivers, verdicts = ([d for d in held if d.kind == kind] for kind in (WAIVER, VERDICT))
    waived: dict[str, list[Any]] = {
        "waiver_id": [d.id for d in waivers],
        "waived_by": [d.approver for d in waivers],
        "waived_until": [d.until_at for d in waivers],
        "waived_zone": [d.zone for d in waivers],
        "waived_because": [d.reason for d in waivers],
    }
    decided: dict[str, list[Any]] = {
        "decided_id": [d.id for d in verdicts],
        "decided": [d.verdict for d in verdicts],
        "decided_by": [d.approver for d in verdicts],
        "decided_because": [d.reason for d in verdicts],
    }
    return _laid(_laid(frame, waivers, waived, ("fail", *undecided)), verdicts, decided, undecided)


def _laid(
    frame: pd.DataFrame,
    held: Sequence[Decision],
    columns: Mapping[str, list[Any]],
    verdicts: Sequence[str],
) -> pd.DataFrame:
    """Put columns of decisions beside the findings that they are about, where those have certain verdicts."""
    scopes = [(d.operator, d.rule, d.subject) for d in held]
    keys = ["operator", "rule", "subject"]
    index = pd.MultiIndex.from_tuples(scopes, names=keys)
    side = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})
    side = side.set_index(index)[~index.duplicated(keep="last")]
    found = side.reindex(pd.MultiIndex.from_frame(frame[keys]))
    found = found.set_axis(frame.index).where(frame["verdict"].isin(list(verdicts)))
    kept = {name: found[name].astype(object).where(found[name].notna(), None) for name in columns}
    return frame.assign(**kept)


# --- what must be told ------------------------------------------------------------------------------------


class Last(NamedTuple):
    """What became of a finding last."""

    run_id: int
    change: str
    after: str | None
    state: str


Latest = dict[tuple[int, str, str], Last]  # by operator, rule, subject


class Lapse(NamedTuple):
    """A decision that has lapsed, or will soon; and whether what it is about is still open."""

    decision: Decision
    lapsed: bool
    open: bool


class Unmatched(NamedTuple):
    """A decision that matches nothing, and why."""

    decision: Decision
    why: Said


def now_of(connection: sa.Connection, operators: Collection[int]) -> Latest:
    """Give what every finding of some operators is now."""
    frame = histories.latest(histories.changes(connection, operators))
    columns = [frame[name] for name in (*histories.FINDING, "run_id", "change", "after", "state")]
    return {
        (int(who), rule, subject): Last(int(run), change, after, state)
        for who, rule, subject, run, change, after, state in zip(*columns, strict=True)
    }


def lapsing(store: Store, since: dt.datetime | None, now: dt.datetime) -> list[Lapse]:
    """Give decisions that have lapsed since an instant, and those that will within 14 days.

    One that lapsed earlier is given again as long as what it is about is still open. One that was revoked, or
    after which another on the same holds, is not given.

    Parameters
    ----------
    store
        The store.
    since
        Instant of the last run; None where there is none, so that all count that ever lapsed.
    now
        Instant of asking.
    """
    with store.read() as connection:
        every = decisions(connection)
        ended = [d for d in every if d.revoked_at is None and d.until_at <= now + SOON and d.from_at <= now]
        last = now_of(connection, {decision.operator_id for decision in ended})
    held = {decision.scope for decision in every if decision.holds(now)}
    found = []
    for decision in ended:
        lapsed = decision.until_at <= now
        state = last.get((decision.operator_id, decision.rule, decision.subject))
        still = state is not None and state.state == histories.OPEN
        renewed = lapsed and decision.scope in held
        fresh = since is None or decision.until_at > since
        if not renewed and (not lapsed or still or fresh):
            found.append(Lapse(decision, lapsed, still))
    return found


def unmatched(store: Store, now: dt.datetime) -> list[Unmatched]:
    """Give decisions that hold, or will, and match nothing.

    The operator was removed or never judged; nothing was found of the rule on the subject; it was fixed, or
    is no longer evaluated; or the tool now decides itself what a person had decided.
    """
    operator, item = tables.operator.c, tables.item.c
    gone = sa.select(operator.id).where(operator.removed_at.is_not(None))
    judged = sa.select(item.operator_id).where(item.state == "done").distinct()
    with store.read() as connection:
        living = [d for d in decisions(connection) if d.state(now) in {"holds", "later"}]
        removed = set(connection.execute(gone).scalars())
        known = set(connection.execute(judged).scalars())
        last = now_of(connection, {decision.operator_id for decision in living})
    found = []
    for decision in living:
        if decision.operator_id in removed:
            why: Said | None = say("the operator is scanned no more")
        elif decision.operator_id not in known:
            why = say("no run has judged the operator yet")
        else:
            why = _unmatched(decision, last.get((decision.operator_id, decision.rule, decision.subject)))
        if why is not None:
            found.append(Unmatched(decision, why))
    return found


def _unmatched(decision: Decision, last: Last | None) -> Said | None:
    """Say why a decision on an operator that was judged matches nothing; None if it matches."""
    if decision.rule in {clause.id for clause in registers.read_clauses()}:
        return None  # of the operator as a whole, which is there
    if last is None:
        return say("nothing was ever found of this rule on this subject")
    if last.state == histories.UNSEEN:
        return say("no longer evaluated since run {run}", run=last.run_id)
    if last.state != histories.OPEN:
        return say("no longer open since run {run}", run=last.run_id)
    if decision.kind == VERDICT and last.after == Verdict.FAIL and decision.verdict != Verdict.FAIL:
        return say("the tool itself says fail since run {run}", run=last.run_id)
    return None


# --- in words ---------------------------------------------------------------------------------------------


def told(lapses: Iterable[Lapse], lost: Iterable[Unmatched]) -> list[Said]:
    """Give the lines that tell of decisions that lapsed, will lapse, or match nothing."""
    lines = []
    for found in lapses:
        told_of = line(found.decision, "lapsed" if found.lapsed else "holds")
        if found.lapsed and found.open:
            lines.append(say("LAPSED, and the finding is open: {decision}", decision=told_of))
        elif found.lapsed:
            lines.append(say("LAPSED: {decision}", decision=told_of))
        else:
            lines.append(say("LAPSES SOON: {decision}", decision=told_of))
    return lines + [
        say("MATCHES NOTHING ({why}): {decision}", why=entry.why, decision=line(entry.decision, "holds"))
        for entry in lost
    ]


def line(decision: Decision, state: str) -> Said:
    """Give a decision on a line.

    Parameters
    ----------
    decision
        The decision.
    state
        A key of `STATES`.
    """
    kind = both("waiver")
    if decision.verdict is not None:
        kind = both("verdict: {verdict}", verdict=messages.VERDICTS[Verdict(decision.verdict)])
    return say(
        "{number}  {kind}  {operator}  {rule}  {subject}  until {until} ({state})  by {approver}: {reason}",
        number=decision.id,
        kind=kind,
        operator=decision.operator,
        rule=decision.rule,
        subject=decision.subject,
        until=moments.shown(decision.until_at, decision.zone),
        state=STATES[state],
        approver=decision.approver,
        reason=decision.reason,
    )
