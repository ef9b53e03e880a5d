"""`auditor scan status`: how a run stands."""

from __future__ import annotations

import click

from auditor.cli import _options, _scans


@click.command()
@click.argument("run", required=False, type=click.IntRange(1))
@_options.store
@_options.evidence
@_options.lang
@_options.output_format("text", "json")
def command(run: int | None, url: str, evidence: str | None, lang: str, format_: str) -> int:
    """Say how a run stands, the last one if none is named.

    Operators by state, their verdicts, what changed, the signed root; on stderr those that could not be
    judged, and why. The exit code is 0 whatever they come to.
    """
    with _scans.opened(url, evidence) as store:
        _scans.show_run(store, run, format_, lang)
    return 0
