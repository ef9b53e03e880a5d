"""`auditor scan acknowledge`: record that a notice was acknowledged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditor.cli import _options, _scans
from auditor.language import say

if TYPE_CHECKING:
    import datetime as dt


@click.command()
@click.argument("notice", required=False)
@click.option("--by", metavar="NAME", help="Who acknowledges it.")
@click.option("--on", type=_options.Day(), help="Day on which it was acknowledged.")
@click.option(
    "--file", "file", type=click.Path(), help="Several at once: CSV with the columns notice, by, on."
)
@_options.store
@_options.evidence
@_options.config
@_options.lang
def command(
    notice: str | None,
    by: str | None,
    on: dt.date | None,
    file: str | None,
    url: str,
    evidence: str | None,
    config: str | None,
    lang: str,
) -> None:
    """Record who acknowledged a notice and when; NOTICE is the number that stands in it.

    A notice that was not known to have arrived has, once it is acknowledged. Of a file all rows are recorded
    or none.
    """
    from auditor import settings
    from auditor.errors import UsageError
    from auditor.scans import notice_acknowledged
    from auditor.scans.notice_acknowledged import Acknowledgement, read_acknowledgements

    single = [notice, by, on]
    if (file is None) == (single == [None, None, None]) or (file is None and None in single):
        raise UsageError(say("give NOTICE with --by and --on, or --file"))
    if file is not None:
        given = read_acknowledgements(Path(file))
    else:
        given = [Acknowledgement(str(notice), str(by), on)]  # type: ignore[arg-type]  # none is None here
    days = settings.load_settings(config).policy.notification_sla_days
    with _scans.opened(url, evidence) as store:
        fresh = notice_acknowledged.acknowledge(store, given, days=days)
    click.echo(say("acknowledgements recorded: {count:,}", count=fresh).in_(lang))
