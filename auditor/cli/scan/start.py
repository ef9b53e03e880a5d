"""`auditor scan start`: judge operators now."""

from __future__ import annotations

from typing import Any

import click

from auditor.cli import _options, _scans


@click.command()
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path())
@_options.store
@_options.evidence
@_scans.judged
@_scans.worked
@_options.lang
@_options.output_format("text", "json")
def command(
    paths: tuple[str, ...], url: str, evidence: str | None, lang: str, format_: str, **values: Any
) -> int:
    """Judge operators now, and keep what comes of it; the store is made if it is not there.

    PATH is a declaration, or a folder of declarations; each becomes an operator of the store, called after
    its folder or file. Without PATH all operators of the store are judged. Their files are copied first: what
    changes meanwhile is judged by the next run. One that cannot be read, crashes or takes too much is told
    and touches no other. Exit code: that of `auditor check` on all of them.
    """
    from auditor.scans import runs

    with _scans.opened(url, evidence, create=True) as store:
        run = runs.begin(store, paths, _scans.options_of(values))
        _scans.work_on(store, run, values)
        return _scans.show_run(store, run, format_, lang)
