"""`auditor casefile`: all that bears on a finding, in both languages, as a folder or a PDF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from auditor.cli import _options
from auditor.language import say

if TYPE_CHECKING:
    import datetime as dt

    from auditor.casefiles import CaseFile
    from auditor.result import AuditResult

# what a stored result settles, the day first; the rest is for its declaration, if that is given
SETTLED = ("as_of", "config", "zones", "min_grade", "reviews", "observations")


@click.command()
@click.argument("source", metavar="RESULT|DECLARATION", type=click.Path())
@click.option(
    "--subject", "subjects", multiple=True, help="Subject of findings, as in node:sub-17; may be repeated."
)
@click.option("--rule", help="Findings of this rule alone; without --subject, all that is open under it.")
@click.option(
    "-o", "--output", "target", required=True, type=click.Path(), help="Folder, or file ending in .pdf."
)
@click.option("--declaration", type=click.Path(), help="Declaration that a stored result was made of.")
@click.option("--exchange", type=click.Path(), help="exchange.csv: what was asked and answered.")
@click.option("--observations", type=click.Path(), help="observations.parquet that `auditor collect` wrote.")
@click.option(
    "--raw",
    type=click.Path(),
    help="Folder of raw answers (default: beside the observations, ending in .raw).",
)
@click.option("--reviews", type=click.Path(), help="reviews.csv: documents that a person confirmed.")
@click.option(
    "--min-grade", type=click.Choice(["E1", "E2", "E3", "E4"]), help="Least grade of evidence that may pass."
)
@_options.as_of
@_options.config
@_options.zones
@_options.lang
def command(
    source: str,
    subjects: tuple[str, ...],
    rule: str | None,
    target: str,
    declaration: str | None,
    exchange: str | None,
    observations: str | None,
    raw: str | None,
    reviews: str | None,
    min_grade: str | None,
    as_of: dt.date | None,
    config: str | None,
    zones: tuple[str, ...],
    lang: str,
) -> int:
    """Make the case file of findings: clause, facts, path, evidence, letters, right of reply.

    The file is in both languages, Chinese first. RESULT is a result that `auditor check` wrote (json,
    sarif, oscal); with --declaration it shows the declared rows and the map, too, and the declaration
    must be the one that the result was made of. A result settles the date, so --as-of is refused with
    one; without --declaration nothing is judged, and --config, --zones, --min-grade, --reviews and
    --observations are refused, too. A DECLARATION is checked on the spot. A folder holds case.pdf,
    case.html, case.json and the evidence with a manifest; a PDF carries them, its manifest beside it.
    `auditor verify` finds a changed byte. Exit code: 0 written, 2 not.
    """
    from auditor.casefiles import casefile
    from auditor.errors import UsageError
    from auditor.reports import is_result, read_result

    stored = read_result(source) if is_result(source) else None
    if stored is None and declaration is not None:
        raise UsageError(say("--declaration goes with a stored result; {path} is none", path=source))
    if stored is not None:
        _refuse_settled(SETTLED[:1] if declaration is not None else SETTLED)
    path = source if stored is None else declaration
    terms = {"as_of": as_of, "config": config, "zones": zones, "min_grade": min_grade}
    judged, confirmed = _judged(path, stored, observations, reviews, terms)
    made = casefile(
        stored if stored is not None else judged,  # type: ignore[arg-type]
        subjects,
        rule=rule,
        again=judged if stored is not None else None,
        exchange=exchange,
        reviews=confirmed,
        folder=None if path is None else _options.folder_of(path),
        raw=raw or (Path(observations).with_suffix(".raw") if observations else None),
    )
    _tell(made, target, lang)
    return 0


def _refuse_settled(names: tuple[str, ...]) -> None:
    """Refuse options that a stored result settles; what the environment says is no such option.

    Raises
    ------
    UsageError
        If any was given.
    """
    from auditor.errors import UsageError

    context = click.get_current_context()
    given = [name for name in names if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if given:
        raise UsageError(
            say(
                "{options}: settled by the stored result, leave them out; with --declaration it is judged "
                "again, as of its own date",
                options=[f"--{name.replace('_', '-')}" for name in given],
            )
        )


def _judged(
    path: str | None,
    stored: dict[str, Any] | None,
    observations: str | None,
    reviews: str | None,
    terms: dict[str, Any],
) -> tuple[AuditResult | None, tuple[Any, ...]]:
    """Check a declaration: on the terms given, those of a stored result where none are."""
    import datetime as dt

    from auditor import engine, readers, settings
    from auditor.reviews import reviews_in

    if path is None:
        return None, ()
    then = stored or {}
    day = dt.date.fromisoformat(then["as_of"]) if stored else terms["as_of"] or _options.today()
    chosen = settings.load_settings(terms["config"])
    declared = readers.read_declaration(path)
    confirmed = reviews_in(reviews, as_of=day, operator=declared.operator.name) if reviews else ()
    result = engine.check(
        declared,
        areas=engine.areas_on(day, (*chosen.zones, *terms["zones"])),
        as_of=day,
        policy=chosen.policy,
        confirmed=[review.sha256 for review in confirmed] or then.get("confirmed", ()),
        observations=readers.read_observations(observations) if observations else None,
        min_grade=terms["min_grade"] or then.get("min_grade", "E3"),
    )
    return result, confirmed


def _tell(made: CaseFile, target: str, lang: str) -> None:
    from auditor.casefiles import has_pdf

    digest = made.write(target)
    told = say(
        "Case {number} is written to {target}; findings: {count:,}; files of evidence: {files:,}",
        number=made.number,
        count=made.content["count"],
        files=len(made.evidence),
        target=target,
    )
    from auditor.errors import visible

    click.echo(visible(told.in_(lang)))
    click.echo(visible(say("Digest of the evidence: {digest}", digest=made.sha256).in_(lang)))
    click.echo(visible(say("Digest of the whole, to be noted elsewhere: {digest}", digest=digest).in_(lang)))
    if not has_pdf():
        lacks = say("there is no case.pdf: a PDF needs typst and its font: pip install 'auditor[pdf]'")
        click.echo(visible(lacks.in_(lang)), err=True)
