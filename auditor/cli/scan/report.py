"""`auditor scan report`: the reports of one operator in a run, made from what the store keeps."""

from __future__ import annotations

import click

from auditor.cli import _options, _scans
from auditor.language import say
from auditor.reports import report_names

EXIT_BROKEN = 4


@click.command()
@click.argument("operator")
@_options.store
@_options.evidence
@click.option(
    "--run", type=click.IntRange(1), help="Of this run (default: the last that judged the operator)."
)
@click.option(
    "--declaration",
    type=click.Path(),
    help="Folder to be made, with the files that were judged, for `auditor casefile`.",
)
@_options.outputs(help="Write a report to a file; may be repeated.")
@_options.lang
@_options.output_format("text", "json", *(name for name in report_names() if name not in {"text", "json"}))
def command(
    operator: str,
    url: str,
    evidence: str | None,
    run: int | None,
    declaration: str | None,
    outputs: list[tuple[str, str]],
    lang: str,
    format_: str,
) -> int:
    """Report on one operator in a run: the files that were judged, on the terms of that run.

    It is judged once more, and if that does not give the result that the store keeps, this is said and the
    exit code is 4; else it is that of `auditor check`. --declaration and -o json=FILE give what `auditor
    casefile` takes.
    """
    from dataclasses import replace

    from auditor.cli.check import show
    from auditor.findings import EXIT_CODES
    from auditor.reports import write_report
    from auditor.scans import reporting

    _options.refuse_formats(outputs, report_names())
    with _scans.opened(url, evidence) as store:
        found = reporting.kept(store, operator, run)
        if declaration is not None:
            reporting.unpack(store.blobs, found, declaration)
        result, same = reporting.again(store.blobs, found)
    result = replace(result, lang=lang)
    for name, target in outputs:
        write_report(result, target, format=name)
    if not outputs:
        show(result, format_, all_findings=False)
    if not same:
        told = say(
            "run {run} keeps another result of {operator} than its files give",
            run=found.run,
            operator=operator,
        )
        click.echo(told.in_(lang), err=True)
        return EXIT_BROKEN
    return EXIT_CODES[result.verdict]
