"""`auditor scan remove`: scan operators no more."""

from __future__ import annotations

import click

from auditor.cli import _options, _scans


@click.command()
@click.argument("operators", metavar="OPERATOR...", nargs=-1, required=True)
@_options.store
@_options.evidence
@_options.lang
def command(operators: tuple[str, ...], url: str, evidence: str | None, lang: str) -> None:  # noqa: ARG001 -- errors and help are in it
    """Scan operators no more; what is known of them stays.

    OPERATOR is the name that `auditor history` shows. One whose PATH is given to a scan again is back, with
    its history.
    """
    from auditor.scans import intake

    with _scans.opened(url, evidence) as store:
        intake.remove(store, operators)
