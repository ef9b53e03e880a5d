"""`auditor sample`: spot checks (抽查), drawn so that anybody can draw them again; what came of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from auditor.cli import _frames, _options, _scans
from auditor.language import both, say

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from auditor.scans.sampling_record import Draw

KINDS = ("operator", "facility", "link", "subscriber_area")
FORMATS = ("text", "json", "csv")
EXIT_BROKEN = 4
LISTED = (
    "draw",
    "number",
    "operator",
    "subject",
    "stratum",
    "inspectors",
    "outcome",
    "closed_on",
    "note",
    "overdue",
)

_store = click.option(
    "--store",
    "url",
    envvar="AUDITOR_STORE",
    metavar="URL",
    help="Store of the scans, instead of paths: its operators, with their last declarations and results.",
)


@click.group()
def command() -> None:
    """Draw spot checks of operators, facilities, links or subscriber areas, and keep what came of them.

    A draw rests on SHA-256 over its seed and the name of each unit: the same seed and units give the same
    draw, in whatever order they are read and on whatever machine. Its record holds all that is needed to draw
    it again (`auditor sample repeat`). With a store, draws and their results are kept there (`auditor sample
    list`).
    """


@command.command("draw")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path())
@_store
@_options.evidence
@click.option("--size", type=click.IntRange(1), help="Units in all (default: of the policy, else 10).")
@click.option("--per-stratum", type=click.IntRange(1), help="Instead: units of every stratum.")
@click.option(
    "--at-least", type=click.IntRange(0), default=0, help="Units of every stratum, however small its share."
)
@click.option(
    "--all-of",
    multiple=True,
    metavar="STRATUM",
    help="Take a stratum whole, beside the size; may be repeated.",
)
@click.option(
    "--by",
    multiple=True,
    metavar="COLUMN",
    help="Make strata by operator, area, region, province, kind, holding or another text column; repeatable.",
)
@click.option(
    "--weights",
    type=click.Choice(["even", "risk"]),
    default="even",
    show_default=True,
    help="Draw every unit alike, or the riskier ones more often.",
)
@click.option("--seed", help="What the draw begins with (default: of the policy, else a fresh one).")
@click.option("--inspectors", type=click.Path(), help="inspectors.csv: draw who inspects, too.")
@click.option(
    "--team", type=click.IntRange(1), default=2, show_default=True, help="Inspectors for each operator."
)
@click.option(
    "--due",
    "due_on",
    type=_options.Day(),
    help="Last day for results (default: a period of the policy later).",
)
@_options.as_of
@_options.config
@_options.zones
@_options.lang
@_options.output_format(*FORMATS)
@_options.outputs(help="Also write to a file: json is the record of the draw; may be repeated.")
def draw(
    kind: str,
    paths: tuple[str, ...],
    url: str | None,
    evidence: str | None,
    config: str | None,
    zones: tuple[str, ...],
    lang: str,
    format_: str,
    outputs: list[tuple[str, str]],
    inspectors: str | None,
    as_of: dt.date | None,
    **given: Any,
) -> None:
    """Draw units of a KIND: operator, facility, link or subscriber_area.

    They are drawn from the declarations at PATH, or from the operators of --store, which then keeps the draw
    and its record. The size is shared out between strata by the weights of their units, by largest remainder.

    By risk, a unit weighs 1, and more: for every rule with an open fail on it 16, 8, 4, 2 or 1 by severity
    (critical to info); 1 for every other rule that is inconclusive; 16 if the operator's files were refused
    or its scan broke off, 8 if it was never judged; 1 for every 90 days since it was last drawn, at most 4,
    and 4 if it never was (with a store). Findings of related law add nothing. Declarations at PATH are
    checked for it first.

    inspectors.csv has the columns name and unit, and if wanted areas, not_for (operators that somebody must
    keep away from, by key, name or USCC), both separated by semicolons, leave_from_on and leave_to_on
    (exclusive). Two inspectors are drawn for every operator, as evenly as can be.
    """
    from auditor import engine, settings
    from auditor.scans import sampling, sampling_store, sampling_text
    from auditor.scans.sampling_inspectors import read_inspectors
    from auditor.scans.sampling_record import draw_from
    from auditor.writing import written_whole

    _options.refuse_formats(outputs, FORMATS)
    chosen = settings.load_settings(config)
    day = as_of or _options.today()
    by, all_of = given.pop("by"), given.pop("all_of")
    plan = sampling.planned(chosen.policy, kind=kind, as_of=day, by=by, all_of=all_of, **given)
    roster = read_inspectors(inspectors) if inspectors else ()
    areas = engine.areas_on(day, (*chosen.zones, *zones))
    number, earlier = None, []
    if _from_store(paths, url):
        with _scans.opened(str(url), evidence) as store:
            number, found = sampling.draw_store(store, plan, areas, chosen.policy, roster)
            earlier = sampling_store.same_seed(store, number)
    else:
        population = sampling.population_of(_declarations(paths), plan, areas, chosen.policy)
        found = draw_from(population, plan, roster)
    for text in sampling_text.notes(found, earlier):
        _options.tell(both("note").in_(lang), text.in_(lang), lang)
    for name, target in outputs:
        with written_whole(target) as part:
            part.write_bytes(_rendered(found, number, name, lang))
    click.echo(_rendered(found, number, format_, lang), nl=False)


@command.command("repeat")
@click.argument("record", type=click.Path())
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path())
@_store
@_options.evidence
@_options.config
@_options.zones
@_options.lang
def repeat(
    record: str,
    paths: tuple[str, ...],
    url: str | None,
    evidence: str | None,
    config: str | None,
    zones: tuple[str, ...],
    lang: str,
) -> int:
    """Draw again what a RECORD says was drawn, and hold the two against each other.

    The record alone is drawn again from the population that it holds. With the declarations at PATH, or with
    --store, that population is made anew and compared, too. Exit code: 0 the same; 4 the record is not what
    its seed and population give, or not what the declarations give that it names by digest; 2 it was drawn
    from other declarations or results, or on other terms, and cannot be held against these.
    """
    from auditor import settings
    from auditor.scans import sampling, sampling_store
    from auditor.scans.sampling_record import faults_of, read_draw

    found = read_draw(record)
    faults = faults_of(found)
    chosen = settings.load_settings(config)
    further = (*chosen.zones, *zones)
    population = None
    if not paths and not found.of_store and not _stated("url"):
        url = None  # a store that the environment names says nothing on declarations
    if not faults and (paths or url):
        if _from_store(paths, url):
            with _scans.opened(str(url), evidence) as store:
                if not sampling_store.holds(store, found):
                    faults.append(say("the store keeps no such draw"))
                else:
                    population = sampling.population_again(found, store, chosen.policy, further)
        else:
            population = sampling.population_again(found, _declarations(paths), chosen.policy, further)
    return _compared(found, faults, population, lang)


def _compared(found: Draw, faults: list[Any], population: Any, lang: str) -> int:
    """Say what came of a repetition, and give the exit code."""
    from auditor.errors import UsageError
    from auditor.scans.sampling_record import differences

    terms: list[Any] = []
    if not faults and population is not None:
        other = differences(found, population)
        terms = other.terms
        if other.sources or (other.units and terms):
            first = say("the record cannot be held against these, they are not what it was drawn from:")
            raise UsageError(first, *other.sources, *terms, *other.units)
        faults = other.units
    if faults:
        click.echo(both("the draw is not what its record claims:").in_(lang))
        _lines(f"  {fault.in_(lang)}" for fault in faults)
        return EXIT_BROKEN
    drawn, units = len(found.drawn), found.record["population"]["units"]
    click.echo(both("the same draw: {drawn:,} of {units:,} units", drawn=drawn, units=units).in_(lang))
    told = (
        both("its population is not compared: name the declarations or the store")
        if population is None
        else both("its population is that of the declarations and results that it names")
    )
    click.echo(told.in_(lang))
    for text in terms:
        _options.tell(both("note").in_(lang), text.in_(lang), lang)
    return 0


@command.command("close")
@click.argument("draw", type=click.IntRange(1))
@click.argument("number", type=click.IntRange(1))
@click.option(
    "--outcome",
    required=True,
    type=click.Choice(["pass", "fail", "inconclusive", "refused"]),
    help="What came of it; refused: the operator did not let it be inspected.",
)
@click.option("--note", default="", help="What was found; only a pass goes without.")
@click.option("--on", type=_options.Day(), help="Day of it (default: today in Asia/Shanghai).")
@_options.store
@_options.evidence
@_options.lang
def close(
    draw: int,
    number: int,
    outcome: str,
    note: str,
    on: dt.date | None,
    url: str,
    evidence: str | None,
    lang: str,
) -> None:
    """Record what came of unit NUMBER of a DRAW.

    It stays as it is recorded; only what was refused may be closed again, when it was inspected after all.
    """
    from auditor.scans import sampling_store

    day = on or _options.today()
    with _scans.opened(url, evidence) as store:
        sampling_store.close(store, draw, number, outcome, note=note.strip(), on=day)
    told = both(
        "{draw}/{number}: {outcome}", draw=draw, number=number, outcome=sampling_store.OUTCOMES[outcome]
    )
    click.echo(told.in_(lang))


@command.command("list")
@_options.store
@_options.evidence
@_options.as_of
@_options.config
@_options.lang
@_options.output_format(*FORMATS)
def list_(
    url: str,
    evidence: str | None,
    as_of: dt.date | None,
    config: str | None,
    lang: str,
    format_: str,
) -> int:
    """List the draws of a store, what came of them, and where operators stand (PILOT-GOV-04).

    An operator fails that refused, or left a unit unanswered past its date; it is inconclusive if it was not
    drawn from within spot_check.period days, or units are open. Exit code: 0 all pass, 1 some fail, 3 some
    are inconclusive.
    """
    import pandas as pd

    from auditor import settings
    from auditor.findings import EXIT_CODES, Verdict
    from auditor.scans import sampling_store, sampling_text

    day = as_of or _options.today()
    period = settings.load_settings(config).policy.spot_check.period
    with _scans.opened(url, evidence) as store:
        draws = sampling_store.draws(store, day)
        operators = sampling_store.standing(store, draws, period=period, as_of=day)
    worst = Verdict(sampling_store.worst(operators))
    if format_ == "json":
        click.echo(sampling_text.listed_json(draws, operators, day, period), nl=False)
    elif format_ == "csv":
        units = [{"draw": one["draw"], **unit} for one in draws for unit in one["units"]]
        click.echo(_frames.as_csv(pd.DataFrame(units, columns=LISTED)), nl=False)
    else:
        _lines(sampling_text.listed(draws, operators, lang))
    return EXIT_CODES[worst]


@command.command("show")
@click.argument("draw", type=click.IntRange(1))
@_options.store
@_options.evidence
@_options.lang
@_options.output_format(*FORMATS)
def show(draw: int, url: str, evidence: str | None, lang: str, format_: str) -> None:
    """Print a DRAW that the store keeps; --format json gives its record, as it was kept."""
    from auditor.scans import sampling_store

    with _scans.opened(url, evidence) as store:
        found = sampling_store.kept(store, draw)
    click.echo(_rendered(found, draw, format_, lang), nl=False)


# --- reading ----------------------------------------------------------------------------------------------


def _stated(option: str) -> bool:
    """Whether an option was given in words, not by the environment."""
    source = click.get_current_context().get_parameter_source(option)
    return source is click.core.ParameterSource.COMMANDLINE


def _from_store(paths: Sequence[str], url: str | None) -> bool:
    """Say which of the two is drawn from; a store that the environment names gives way to paths."""
    from auditor.errors import UsageError

    if paths and _stated("url"):
        raise UsageError(say("give paths or --store, not both: a store has its own declarations"))
    if not paths and url is None:
        raise UsageError(say("nothing to draw from: give paths of declarations, or --store"))
    return not paths


def _declarations(paths: Iterable[str]) -> list[Any]:
    """Read all declarations, or say of all what is wrong with them."""
    from auditor import readers
    from auditor.errors import AuditorError
    from auditor.scans.intake import expanded

    read, faults = [], []
    for path in expanded(paths):
        try:
            read.append(readers.read_declaration(path))
        except AuditorError as error:
            faults += [say("{path}: {what}", path=str(path), what=line) for line in _faults(error)]
    if faults:
        raise AuditorError(*faults)
    return read


def _faults(error: Any) -> list[Any]:
    return list(getattr(error, "problems", None) or error.args)


# --- writing ----------------------------------------------------------------------------------------------


def _rendered(found: Draw, number: int | None, form: str, lang: str) -> bytes:
    from auditor.scans import sampling_text

    if form == "json":
        return found.data
    if form == "csv":
        frame = found.to_frame()
        return _frames.as_csv(frame.assign(inspectors=frame["inspectors"].str.join(";"))).encode()
    return "".join(f"{line}\n" for line in sampling_text.lines(found, number, lang)).encode()


def _lines(lines: Iterable[str]) -> None:
    from auditor.errors import visible

    for line in lines:
        click.echo(visible(line))
