"""`auditor summary`: the figures of a year that an area reports."""

from __future__ import annotations

import sys

import click

from auditor.cli import _options, _scans
from auditor.language import say

FORMATS = ("text", "json", "html", "xlsx")


@click.command()
@click.option("--year", type=int, required=True, help="Year of Asia/Shanghai; this one is counted so far.")
@click.option(
    "--area",
    required=True,
    metavar="AREA",
    help="Pilot area, as in shanghai; all counts those of every area and of none.",
)
@_options.outputs(help="Write text, json, html or xlsx to a file; may be repeated.")
@_options.store
@_options.evidence
@_options.lang
@_options.output_format(*FORMATS)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing on stdout; with -o.")
def command(
    year: int,
    area: str,
    outputs: list[tuple[str, str]],
    url: str,
    evidence: str | None,
    lang: str,
    format_: str,
    quiet: bool,
) -> int:
    """Count a year of an area: operators, facilities, findings, decisions, spot checks, notices, runs.

    The government of a pilot area reports them every year (Circular 107, annex 6). Every table says how it is
    counted; the roots of the runs are printed with it. Exit code: 0 counted, 2 not.
    """
    from auditor.errors import UsageError
    from auditor.scans.yearly import summary
    from auditor.scans.yearly_reports import FORMATS as WRITTEN
    from auditor.writing import written_whole

    _options.refuse_formats(outputs, WRITTEN)
    if format_ == "xlsx" and not quiet and sys.stdout.isatty():
        raise UsageError(
            say("{format} is no text for a terminal; write it with -o {format}=PATH", format=format_)
        )
    with _scans.opened(url, evidence) as store:
        figures = summary(store, year, area)
    for name, target in outputs:
        with written_whole(target) as part:
            part.write_bytes(WRITTEN[name](figures, lang))
    if not quiet:
        click.echo(WRITTEN[format_](figures, lang), nl=False)
    return 0
