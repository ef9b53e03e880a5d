"""`auditor scan schedule`: when scans are due."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from auditor.cli import _options, _scans
from auditor.language import both, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import sqlalchemy as sa

    from auditor.scans.schedules import Schedule


@click.group()
def command() -> None:
    """Say when scans are due; `auditor scan run-due`, called by cron or a systemd timer, runs them."""


def _judged(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the options of `scan start`, without --as-of: each run is judged as of its own day."""
    for option in reversed(_scans.JUDGED[1:]):
        function = option(function)
    return function


@command.command()
@click.argument("cron")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path())
@click.option(
    "--zone",
    default="Asia/Shanghai",
    show_default=True,
    metavar="NAME",
    help="Time zone in which CRON is read, by its IANA name.",
)
@_options.store
@_options.evidence
@_judged
@_options.lang
def add(
    cron: str, paths: tuple[str, ...], zone: str, url: str, evidence: str | None, lang: str, **values: Any
) -> None:
    """Add a schedule; the store is made if it is not there.

    CRON is five fields, as in "0 3 * * 1" for Mondays at three: minute, hour, day of the month, month, day of
    the week. It is read in --zone, wherever the machine stands. PATH is what `auditor scan start` takes; what
    a folder of declarations holds is looked up anew each time. Without PATH all operators of the store are
    scanned. The first time is the first one from now on.
    """
    from dataclasses import asdict

    from auditor.errors import visible
    from auditor.scans import schedules

    options = asdict(_scans.options_of({**values, "as_of": None}))
    del options["as_of"]
    with _scans.opened(url, evidence, create=True) as store:
        made = schedules.add(store, cron, zone, paths, **options)
    told = say(
        "schedule {number}: {cron}, first at {at}",
        number=made.id,
        cron=made.cron,
        at=made.told(next(made.slots(made.added_at))),
    )
    click.echo(visible(told.in_(lang)))


@command.command("list")
@_options.store
@_options.evidence
@_options.lang
@_options.output_format("text", "json")
def list_(url: str, evidence: str | None, lang: str, format_: str) -> None:
    """List the schedules: when each is due next, what it scans, when it last ran, how often it was missed."""
    import orjson

    from auditor.errors import visible
    from auditor.messages import label
    from auditor.scans import schedules

    with _scans.opened(url, evidence) as store, store.read() as connection:
        now = store.clock()
        counted = schedules.counted(connection)
        found = [(s, _standing(connection, s, now) | counted[s.id]) for s in schedules.listed(connection)]
    if format_ == "json":
        told = [_plain(schedule, standing) for schedule, standing in found]
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z))
        return
    if not found:
        _options.tell(label("note", lang), both("there are no schedules").in_(lang), lang)
    for schedule, standing in found:
        for line in _lines(schedule, standing, lang):
            click.echo(visible(line))


def _standing(connection: sa.Connection, schedule: Schedule, now: Any) -> dict[str, Any]:
    """Say when a schedule is due next, and when it was due last."""
    from auditor.scans import schedules

    last = schedules.last_slot(connection, schedule.id)
    return {"next": next(schedule.slots(max(now, schedules.since(schedule, last))), None), "last": last}


def _plain(schedule: Schedule, standing: dict[str, Any]) -> dict[str, Any]:
    last = standing["last"]
    return {
        "schedule": schedule.id,
        "cron": schedule.cron,
        "zone": schedule.zone,
        "paths": schedule.paths,
        "options": schedule.options,
        "added_at": schedule.added_at,
        "next_at": standing["next"],
        "last": last and {"due_at": last.due_at, "state": last.state, "run": last.run_id},
        "run": standing["run"],
        "missed": standing["missed"],
    }


def _lines(schedule: Schedule, standing: dict[str, Any], lang: str) -> Iterator[str]:
    """Tell of one schedule for people."""
    last = standing["last"]
    paths = list(schedule.paths) or both("all operators of the store")
    yield f"{schedule.id}  {schedule.cron}  {schedule.zone}"
    yield "   " + say("scans {paths}", paths=paths).in_(lang)
    if standing["next"] is not None:
        yield "   " + say("next at {at}", at=schedule.told(standing["next"])).in_(lang)
    if last is not None and last.state == "run":
        yield "   " + say("last at {at}: run {run}", at=schedule.told(last.due_at), run=last.run_id).in_(lang)
    elif last is not None:
        yield "   " + say("last at {at}: missed", at=schedule.told(last.due_at)).in_(lang)
    if standing["missed"]:
        yield "   " + say("missed so far: {count:,}", count=standing["missed"]).in_(lang)


@command.command()
@click.argument("numbers", metavar="NUMBER...", nargs=-1, required=True, type=click.IntRange(1))
@_options.store
@_options.evidence
@_options.lang
def remove(numbers: tuple[int, ...], url: str, evidence: str | None, lang: str) -> None:  # noqa: ARG001 -- errors and help are in it
    """Let schedules be due no more; what they ran stays."""
    from auditor.scans import schedules

    with _scans.opened(url, evidence) as store:
        schedules.remove(store, numbers)
