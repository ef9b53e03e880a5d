"""`auditor scan cancel`: end a run before all of it is judged."""

from __future__ import annotations

from pathlib import Path

import click

from auditor.cli import _options, _scans


@click.command()
@click.argument("run", required=False, type=click.IntRange(1))
@_options.store
@_options.evidence
@_scans.key
@_options.lang
@_options.output_format("text", "json")
def command(run: int | None, url: str, evidence: str | None, key: str | None, lang: str, format_: str) -> int:
    """End a run before all of it is judged; what is judged stays, and is signed.

    A scanner that still works on it records nothing more.
    """
    from auditor.scans import runs

    with _scans.opened(url, evidence) as store:
        number = runs.resumable(store, run)
        runs.end(store, number, Path(key) if key else None, state="cancelled")
        _scans.show_run(store, number, format_, lang)
    return 0
