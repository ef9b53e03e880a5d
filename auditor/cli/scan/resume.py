"""`auditor scan resume`: go on with a run that was interrupted."""

from __future__ import annotations

from typing import Any

import click

from auditor.cli import _options, _scans


@click.command()
@click.argument("run", required=False, type=click.IntRange(1))
@_options.store
@_options.evidence
@_scans.worked
@_options.lang
@_options.output_format("text", "json")
def command(run: int | None, url: str, evidence: str | None, lang: str, format_: str, **values: Any) -> int:
    """Go on with a run that was interrupted: what is judged stays, what was under way is judged once more.

    It judges the files as they were when the run began, on the same terms. Two scanners may work on one run:
    each operator is recorded once.
    """
    from auditor.scans import runs

    with _scans.opened(url, evidence) as store:
        number = runs.resumable(store, run)
        _scans.work_on(store, number, values)
        return _scans.show_run(store, number, format_, lang)
