"""`auditor scan run-due`: what cron or a systemd timer calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from auditor.cli import _options, _scans
from auditor.errors import AuditorError
from auditor.language import Text, in_all, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.scans.store import Store

EXIT_ERROR = 2


@click.command()
@_options.store
@_options.evidence
@_scans.worked
@_options.lang
@_options.output_format("text", "json")
def command(url: str, evidence: str | None, lang: str, format_: str, **values: Any) -> int:
    """Go on with what was interrupted, then run what is due: call this every few minutes.

    Of the times of a schedule that passed meanwhile, the last is run, late or not; those before it are
    recorded as missed. Where another scanner is at work, what is due waits for it; only a time at which the
    same schedule's run was still going on is recorded as missed. Nothing is printed where nothing is due.
    Exit code: that of `auditor check` on all that was judged; 2 if something could not be, or not be begun.
    """
    import orjson

    from auditor.findings import worst_code
    from auditor.scans import state

    codes, found = [0], []
    with _scans.opened(url, evidence) as store:
        for run in _runs(store, values, lang, codes):
            found.append(state.state_of(store, run))
            codes.append(state.exit_code(found[-1]))
            if format_ == "text":
                _scans.show_state(found[-1], lang)
    if format_ == "json":
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    return worst_code(codes)


def _runs(store: Store, values: dict[str, Any], lang: str, codes: list[int]) -> Iterator[int]:
    """Work off what waits and what is due, and give the run of each; tell what could not be."""
    from auditor.scans import runs, schedules

    with store.read() as connection:
        waiting = runs.under_way(connection)
    for run in waiting:
        busy = schedules.busy_with(store)
        if busy is not None and busy.run == run:
            continue  # another scanner works on it
        try:
            _scans.work_on(store, runs.resumable(store, run), values)
        except AuditorError as error:
            codes.append(EXIT_ERROR)
            _options.tell_lines(error.in_(lang))
        else:
            yield run
    for one in schedules.run_due(store, lambda run: _scans.work_on(store, run, values)):
        for told in one.told:
            _options.tell_lines(told.in_(lang))
        if one.error is not None:
            codes.append(EXIT_ERROR)
            why = Text(**in_all(one.error))
            _options.tell_lines(
                say("schedule {number} could not be run: {why}", number=one.schedule.id, why=why).in_(lang)
            )
        if one.run is not None:
            yield one.run
