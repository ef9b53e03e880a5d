"""`auditor waive`: what people decide of findings: waivers, and verdicts where the tool has none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditor.cli import _frames, _options, _scans
from auditor.language import both, in_all, say

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

    from auditor.language import Said
    from auditor.scans.decisions import Decision

EXIT_TOLD = 1  # something lapsed or matches nothing


def _decision(function: Any) -> Any:
    """Give the options of a decision."""
    for option in reversed(
        [
            click.option("--reason", required=True, help="Why; whoever looks at it in a year reads this."),
            click.option(
                "--approver",
                required=True,
                help="Who decides: a person or an office, neither the operator nor of its group.",
            ),
            click.option(
                "--until",
                required=True,
                help="When it ends: a day (to its end), or a time with its offset: 2027-03-31T18:00+08:00.",
            ),
            click.option("--from", "begins", help="When it begins, never in the past (default: at once)."),
            click.option("--zone", help="Time zone of --until and --from, as in Asia/Shanghai."),
            click.option(
                "--document", type=click.Path(), help="File that it rests on; the store keeps a copy."
            ),
            _options.store,
            _options.evidence,
            _options.lang,
        ]
    ):
        function = option(function)
    return function


@click.group()
def command() -> None:
    """Record what people decide: waivers of findings, and verdicts where the tool has none.

    A decision is on one operator, one rule and one subject, exactly; it lies over a finding and changes no
    verdict of a run. It ends by itself, and is told when it has lapsed or matches nothing (`auditor waive
    check`). Nothing in a declaration can waive anything.
    """


@command.command("add")
@click.argument("operator")
@click.argument("rule")
@click.argument("subject")
@_decision
def add(**given: Any) -> int:
    """Waive a finding until an end that is stated: OPERATOR as the store calls it, RULE, SUBJECT.

    A day given with --until counts to its end in --zone; a day without a zone is refused, since it ends
    elsewhere at another time. A waiver ends 366 days from now at the latest, and begins now or later.
    Exit code: 0 recorded, 2 not.
    """
    return _record("waiver", None, given)


@command.command("verdict")
@click.argument("operator")
@click.argument("rule", metavar="CLAUSE|RULE")
@click.argument("subject")
@click.argument("verdict", type=click.Choice(["pass", "fail", "inconclusive", "not_applicable"]))
@_decision
def verdict(**given: Any) -> int:
    """Record a person's verdict on what the tool cannot decide: OPERATOR, CLAUSE or RULE, SUBJECT.

    The SUBJECT of a clause is `operator`. What the tool says fails cannot be turned, only waived. End and
    beginning are as those of a waiver. Exit code: 0 recorded, 2 not.
    """
    return _record("verdict", given.pop("verdict"), given)


def _record(kind: str, verdict: str | None, given: dict[str, Any]) -> int:
    from auditor.errors import AuditorError, UsageError
    from auditor.files import read_given
    from auditor.scans.deciding import Wanted, record
    from auditor.scans.moments import read_moment

    faults: list[object] = []

    def asked(read: Callable[[], Any]) -> Any:
        try:
            return read()
        except AuditorError as error:
            faults.extend(error.args)
            return None

    until = asked(lambda: read_moment(given["until"], given["zone"], "--until", end=True))
    begins = given["begins"] and asked(lambda: read_moment(given["begins"], given["zone"], "--from"))
    name = given["document"]
    document = name and asked(lambda: (Path(name).name, read_given(name)))
    if faults:
        raise UsageError(*dict.fromkeys(faults))
    wanted = Wanted(
        kind,
        given["operator"],
        given["rule"],
        given["subject"],
        verdict,
        given["reason"],
        given["approver"],
        until.at,
        until.zone,
        begins.at if begins else None,
        document or None,
    )
    with _scans.opened(given["url"], given["evidence"]) as store:
        number = record(store, wanted)
        _tell_recorded(store, number, given["lang"])
    return 0


def _tell_recorded(store: Any, number: int, lang: str) -> None:
    """Say what was recorded, and on stderr if it matches nothing now."""
    from auditor.scans.decisions import decisions, line, unmatched

    now = store.clock()
    with store.read() as connection:
        made = next(d for d in decisions(connection) if d.id == number)
    _print([line(made, made.state(now))], lang)
    for found in unmatched(store, now):
        if found.decision.id == number:
            _options.tell(
                both("note").in_(lang), both("matches nothing: {why}", why=found.why).in_(lang), lang
            )


@command.command("list")
@click.option("--operator", help="Decisions on this operator alone.")
@click.option("--all", "everything", is_flag=True, help="List what has lapsed or was revoked, too.")
@_options.store
@_options.evidence
@_options.lang
@_options.output_format("text", "json")
def list_(
    operator: str | None, everything: bool, url: str, evidence: str | None, lang: str, format_: str
) -> None:
    """List decisions that hold, or will."""
    from auditor.scans.decisions import decisions, line

    with _scans.opened(url, evidence) as store, store.read() as connection:
        now, found = store.clock(), decisions(connection)
    shown = [
        (decision, decision.state(now))
        for decision in found
        if operator in {None, decision.operator} and (everything or decision.state(now) in {"holds", "later"})
    ]
    if format_ == "json":
        _json("auditor.decisions/1", now, decisions=[_values(d) | {"state": state} for d, state in shown])
        return
    _print((line(decision, state) for decision, state in shown), lang)


@command.command("revoke")
@click.argument("number", type=int)
@click.option("--by", required=True, help="Who revokes it.")
@click.option("--reason", required=True, help="Why; whoever looks at it in a year reads this.")
@_options.store
@_options.evidence
@_options.lang
def revoke(number: int, by: str, reason: str, url: str, evidence: str | None, lang: str) -> None:
    """End a decision now: NUMBER is that of `auditor waive list`.

    Its row stays, the revocation is another.
    """
    from auditor.scans import deciding

    with _scans.opened(url, evidence) as store:
        deciding.revoke(store, number, by=by, reason=reason)
    _print([say("number {number} is revoked", number=number)], lang)


@command.command("check")
@_options.store
@_options.evidence
@_options.lang
@_options.output_format("text", "json")
def check(url: str, evidence: str | None, lang: str, format_: str) -> int:
    """Tell what has lapsed, what will within 14 days, and what matches nothing.

    Lapsed: since the last run, or earlier while the finding is still open and nobody decided anew. Exit code:
    0 nothing lapsed and all match, 1 something did or does not, 2 could not run.
    """
    import sqlalchemy as sa

    from auditor.scans import tables
    from auditor.scans.decisions import lapsing, told, unmatched

    with _scans.opened(url, evidence) as store:
        now = store.clock()
        with store.read() as connection:
            started = sa.select(sa.func.max(tables.run.c.started_at)).where(tables.run.c.started_at <= now)
            since: dt.datetime | None = connection.execute(started).scalar()
        lapses, lost = lapsing(store, since, now), unmatched(store, now)
    if format_ == "json":
        _json(
            "auditor.decisions-check/1",
            now,
            since=since and since.isoformat(),
            lapsed=[_values(found.decision) | {"open": found.open} for found in lapses if found.lapsed],
            lapsing=[_values(found.decision) | {"open": found.open} for found in lapses if not found.lapsed],
            unmatched=[_values(found.decision) | {"why": in_all(found.why)} for found in lost],
        )
    else:
        _print(told(lapses, lost), lang)
    return EXIT_TOLD if lost or any(found.lapsed for found in lapses) else 0


def _values(decision: Decision) -> dict[str, Any]:
    """Give a decision in plain values; instants in UTC."""
    import dataclasses
    import datetime as dt

    from auditor.scans.canonical import instant

    values = dataclasses.asdict(decision)
    return {name: instant(v) if isinstance(v, dt.datetime) else v for name, v in values.items()}


def _json(schema: str, now: dt.datetime, **values: Any) -> None:
    from auditor.scans.canonical import instant

    click.echo(_frames.json(schema, at=instant(now), **values), nl=False)


def _print(lines: Iterable[Said], lang: str) -> None:
    from auditor.errors import visible

    for line in lines:
        click.echo(visible(line.in_(lang)))
