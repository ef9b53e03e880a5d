"""`auditor check`: the verdict on declarations, clause by clause."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from auditor.cli import _options
from auditor.language import say
from auditor.reports import report_names

if TYPE_CHECKING:
    import datetime as dt

    from auditor.result import AuditResult

PROFILES = {"operator": "E3", "inspector": "E2"}


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path())
@_options.as_of
@_options.lang
@_options.output_format("text", "json", *(name for name in report_names() if name not in {"text", "json"}))
@_options.outputs(help="Also write a report to a file; may be repeated.")
@click.option("--all", "all_findings", is_flag=True, help="List passes, and what does not apply, too.")
@click.option("--only", multiple=True, metavar="RULE", help="Run only these rules (PILOT-FAC-* works).")
@click.option("--skip", multiple=True, metavar="RULE", help="Leave these rules out.")
@click.option(
    "--operator", type=click.Path(), help="declaration.toml of the operator, for a bare graph file."
)
@click.option("--observations", type=click.Path(), help="observations.parquet that `auditor collect` wrote.")
@click.option("--reviews", type=click.Path(), help="reviews.csv: documents that a person confirmed.")
@click.option(
    "--min-grade", type=click.Choice(["E1", "E2", "E3", "E4"]), help="Least grade of evidence that may pass."
)
@click.option(
    "--profile",
    type=click.Choice(sorted(PROFILES)),
    default="operator",
    show_default=True,
    help="inspector means --min-grade E2.",
)
@_options.config
@_options.zones
@click.option("-q", "--quiet", is_flag=True, help="Print nothing on stdout; the exit code tells.")
def command(
    paths: tuple[str, ...],
    as_of: dt.date | None,
    lang: str,
    format_: str,
    outputs: list[tuple[str, str]],
    all_findings: bool,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    operator: str | None,
    observations: str | None,
    reviews: str | None,
    min_grade: str | None,
    profile: str,
    config: str | None,
    zones: tuple[str, ...],
    quiet: bool,
) -> int:
    """Check declarations against the pilot, clause by clause.

    PATH is a folder with declaration.toml, a .json or .xlsx declaration, or a network in any form (`auditor
    convert --forms`) with --operator. Several PATHs give JSON lines. Exit code: 0 pass or not applicable, 1
    fail, 3 inconclusive, the worst of all PATHs; 2 if one could not be read.
    """
    _spare_pandas()
    from auditor import engine, readers, settings
    from auditor.errors import AuditorError, UsageError, visible
    from auditor.findings import worst_code

    _refuse_outputs(paths, None if quiet else format_, outputs)
    if not engine.choose_rules(only, skip):
        raise UsageError(say("--only and --skip leave no rule to run"))
    day = as_of or _options.today()
    chosen = settings.load_settings(config)
    options: dict[str, Any] = {
        "areas": engine.areas_on(day, (*chosen.zones, *zones)),
        "as_of": day,
        "only": only,
        "skip": skip,
        "policy": chosen.policy,
        "observations": readers.read_observations(observations) if observations else None,
        "min_grade": min_grade or PROFILES[profile],
        "lang": lang,
    }
    codes = []
    for path in paths:
        with readers.without_cycle_search():
            try:
                result = _judge(path, operator, reviews, options)
            except AuditorError as error:
                if len(paths) == 1:
                    raise
                told = "\n".join(map(visible, error.in_(lang).split("\n")))
                click.echo(f"auditor: {visible(path)}:\n{told}", err=True)
                codes.append(2)
            else:
                shown = None if quiet else format_
                codes.append(_report(result, shown, outputs, all_findings=all_findings))
    return worst_code(codes)


def _refuse_outputs(paths: tuple[str, ...], format_: str | None, outputs: list[tuple[str, str]]) -> None:
    """Say what of the formats asked for cannot be, before anything is judged."""
    from auditor.errors import UsageError
    from auditor.reports import report

    _options.refuse_formats(outputs, report_names())
    if len(paths) > 1 and (outputs or format_ not in {None, "text", "json"}):
        raise UsageError(say("-o and this --format write one result; give one PATH with them"))
    targets = [target for _, target in outputs]
    if len(set(targets)) < len(targets):
        raise UsageError(say("-o: {target} is written twice", target=max(targets, key=targets.count)))
    if format_ not in {None, "text", "json"} and report(str(format_)).binary and sys.stdout.isatty():
        raise UsageError(
            say("{format} is no text for a terminal; write it with -o {format}=PATH", format=format_)
        )


class _Hidden:
    """A finder that has pandas missing."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name, name=name)


def _spare_pandas() -> None:
    """Keep pyarrow from importing pandas only to tell lists from series, which no reader gives it.

    It asks once a process, and imports it all the same where a table is to become a frame. This buys 0.13 s
    and 40 MB.
    """
    import pyarrow as pa

    finder = _Hidden()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([])
    finally:
        sys.meta_path.remove(finder)


def _judge(path: str, operator: str | None, reviews: str | None, options: dict[str, Any]) -> AuditResult:
    from auditor import engine, readers
    from auditor.reviews import read_reviews

    declaration = readers.read_declaration(path, operator=operator)
    confirmed: frozenset[str] = frozenset()
    if reviews:
        confirmed = read_reviews(reviews, as_of=options["as_of"], operator=declaration.operator.name)
    return engine.check(declaration, confirmed=confirmed, **options)


def _report(
    result: AuditResult, format_: str | None, outputs: list[tuple[str, str]], *, all_findings: bool
) -> int:
    from auditor.findings import EXIT_CODES
    from auditor.reports import write_report

    for name, target in outputs:
        write_report(result, target, format=name, all_findings=all_findings)
    if format_:
        show(result, format_, all_findings=all_findings)
    return EXIT_CODES[result.verdict]


def show(result: AuditResult, format_: str, *, all_findings: bool) -> None:
    """Print a result: with colours on a terminal, else as the report of that format is."""
    from auditor.reports import report

    if format_ == "text" and sys.stdout.isatty():
        from rich.console import Console

        from auditor.reports import text

        console = Console(highlight=False, markup=False, emoji=False)
        text.print_result(result, console, all_findings=all_findings)
    else:
        out = sys.stdout.buffer
        out.writelines(report(format_).render(result, all_findings))
        out.flush()
