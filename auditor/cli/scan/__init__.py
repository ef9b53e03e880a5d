"""`auditor scan`: declared assets scanned again and again; one file a subcommand."""

from __future__ import annotations

import click

from auditor.cli import CommandFolder


@click.group(cls=CommandFolder, package=__name__)
def command() -> None:
    """Scan the declarations of many operators, now or on a schedule, and keep what comes of it.

    Every command takes --store (or AUDITOR_STORE). What is interrupted goes on with `auditor scan resume`.
    """
