"""`auditor diff`: what changed between two results or two declarations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from auditor.cli import _options

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from auditor.changes import Change, Diff
    from auditor.scans.life_diff import Compared, Run

SHOWN = 20


@click.command()
@click.argument("before", metavar="A", type=click.Path())
@click.argument("after", metavar="B", type=click.Path())
@_options.as_of
@_options.lang
@_options.output_format("text", "json")
@click.option("--all", "all_rows", is_flag=True, help="List what is as before, too, and long lists whole.")
@_options.config
@_options.zones
@click.option(
    "--store",
    "url",
    envvar="AUDITOR_STORE",
    metavar="URL",
    help="Store of the scans: A and B are numbers of two of its runs.",
)
@_options.evidence
@click.option(
    "--operator", "operators", multiple=True, help="Of two runs, only this operator; may be repeated."
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing on stdout; the exit code tells.")
def command(
    before: str,
    after: str,
    as_of: dt.date | None,
    lang: str,
    format_: str,
    all_rows: bool,
    config: str | None,
    zones: tuple[str, ...],
    url: str | None,
    evidence: str | None,
    operators: tuple[str, ...],
    quiet: bool,
) -> int:
    """Say what changed from A to B: new, fixed, changed, no longer evaluated.

    A and B are results that `auditor check` wrote (json, sarif, oscal), or declarations, which are checked on
    the same terms. What is no longer evaluated never counts as fixed, and a change that came with another
    rule, zone or policy is called after it. With --store, A and B are numbers of runs, which are compared
    operator by operator. Exit code: 0 nothing new is open, 1 something fails that did not, 3 something is
    undecided that was not, or no longer evaluated; 2 if A or B could not be read.
    """
    from auditor import changes, engine, settings

    if _are_runs(before, after, url, judged=bool(as_of or zones), operators=operators):
        numbers = (int(before), int(after))
        shown = None if quiet else format_
        return _runs(str(url), evidence, numbers, operators, shown, lang, all_rows=all_rows)
    day = as_of or _options.today()
    chosen = settings.load_settings(config)
    options: dict[str, Any] = {
        "areas": engine.areas_on(day, (*chosen.zones, *zones)),
        "as_of": day,
        "policy": chosen.policy,
        "lang": lang,
    }
    found = changes.diff(*(_result(path, options) for path in (before, after)), lang=lang)
    if not quiet:
        _show(found, format_, lang, all_rows=all_rows)
    return _code_of(found)


def _code_of(found: Diff) -> int:
    """Exit code of what changed."""
    return 1 if found.worse else 3 if found.open else 0


def _are_runs(before: str, after: str, url: str | None, *, judged: bool, operators: tuple[str, ...]) -> bool:
    """Whether A and B are runs of a store; refuse options that do not go with what they are."""
    from click.core import ParameterSource

    from auditor.errors import UsageError
    from auditor.language import say

    numbers = before.isdecimal() and after.isdecimal()
    named = click.get_current_context().get_parameter_source("url") == ParameterSource.COMMANDLINE
    if named and not numbers:
        raise UsageError(say("with --store, A and B are numbers of runs, as `auditor trend` lists them"))
    runs = url is not None and numbers
    if runs and judged:
        raise UsageError(say("--as-of and --zones are for declarations; runs were judged on their own terms"))
    if operators and not runs:
        raise UsageError(say("--operator is for runs: give --store and two numbers"))
    return runs


def _result(path: str, options: dict[str, Any]) -> Any:
    """Read a result, or check a declaration."""
    from auditor import engine, readers
    from auditor.reports import is_result, read_result

    if is_result(path):
        return read_result(path)
    return engine.check(readers.read_declaration(path), **options)


def _show(found: Diff, format_: str, lang: str, *, all_rows: bool) -> None:
    """Print what changed."""
    rows = [row for row in found.rows if all_rows or row.change != "still"]
    if format_ == "text":
        _print(found, rows, lang, most=None if all_rows else SHOWN)
        return
    import orjson

    click.echo(orjson.dumps({"schema": "auditor.diff/1", **_written(found, rows, lang)}))


def _written(found: Diff, rows: list[Change], lang: str) -> dict[str, Any]:
    """Give what changed in plain values."""
    from auditor.language import told

    return {
        "operator": found.after["operator"],
        "verdicts": {"before": found.before["verdict"], "after": found.after["verdict"]},
        "as_of": {"before": found.before["as_of"], "after": found.after["as_of"]},
        "differs": [told(text, lang) for text in found.differs],
        "counts": found.counts,
        "changes": [found.record(row) for row in rows],
    }


def _print(found: Diff, rows: list[Change], lang: str, *, most: int | None) -> None:
    """Print what changed for people: the verdicts, what else differs, then row by row."""
    from auditor.changes import CHANGES
    from auditor.language import told
    from auditor.messages import VERDICTS, label

    colon, comma = ("：", "、") if lang == "zh" else (": ", ", ")
    word: dict[str | None, str] = {str(verdict): text.in_(lang) for verdict, text in VERDICTS.items()}
    word[None] = "–"
    _line(f"{found.after['operator']['name']}  {found.before['as_of']} → {found.after['as_of']}")
    _line(f"{word[found.before['verdict']]} → {word[found.after['verdict']]}")
    _line(_counted(found.counts, lang))
    if found.differs:
        _line(f"{label('differs', lang)}{colon}{comma.join(told(text, lang) for text in found.differs)}")
    for change, text in CHANGES.items():
        own = [row for row in rows if row.change == change]
        if own:
            click.echo()
            _line(text.in_(lang))
        for row in own[:most]:
            _line(f"  {row.rule}  {row.subject}{colon}{word[row.before]} → {word[row.after]}")
            record = found.record(row)
            for entry in filter(
                None, (record["message_after"] or record["message_before"], record["because"])
            ):
                _line(f"    {entry}")
        if most is not None and len(own) > most:
            _line(f"  {label('more', lang, count=f'{len(own) - most:,}')} (--all)")


def _counted(counts: Mapping[str, int], lang: str) -> str:
    """Say how many changes there are of each kind."""
    from auditor.changes import CHANGES
    from auditor.messages import label

    colon, semicolon = ("：", "；") if lang == "zh" else (": ", "; ")
    told = [f"{CHANGES[change].in_(lang)}{colon}{number:,}" for change, number in counts.items()]
    return semicolon.join(told) or label("unchanged", lang)


def _line(text: str) -> None:
    from auditor.errors import visible

    click.echo(visible(text))


# --- two runs of a store ----------------------------------------------------------------------------------


def _runs(
    url: str,
    evidence: str | None,
    numbers: tuple[int, int],
    operators: tuple[str, ...],
    format_: str | None,
    lang: str,
    *,
    all_rows: bool,
) -> int:
    """Hold two runs against one another, operator by operator; give the exit code."""
    from auditor.cli import _scans
    from auditor.findings import worst_code
    from auditor.scans import life_diff

    with _scans.opened(url, evidence) as store:
        with store.read() as connection:
            before, after = (life_diff.run_of(connection, number) for number in numbers)
        found = list(life_diff.compared(store, before, after, operators, lang=lang))
    if format_ == "json":
        _write_runs(before, after, found, lang, all_rows=all_rows)
    elif format_ == "text":
        _print_runs(before, after, found, lang, all_rows=all_rows)
    return worst_code(map(_code, found))


def _code(one: Compared) -> int:
    """Exit code of one operator; of one that was not judged before, all that fails is new."""
    from auditor.findings import EXIT_CODES, Verdict

    if one.diff is not None:
        return _code_of(one.diff)
    _, after = one.verdicts
    return 3 if after is None else EXIT_CODES[Verdict(after)]


def _changed(found: Compared, *, all_rows: bool) -> list[Change]:
    rows = found.diff.rows if found.diff is not None else ()
    return [row for row in rows if all_rows or row.change != "still"]


def _write_runs(before: Run, after: Run, found: list[Compared], lang: str, *, all_rows: bool) -> None:
    """Print two runs for machines; an operator in which nothing changed is named, too."""
    from auditor.cli import _frames

    listed = []
    for one in found:
        told: dict[str, Any] = {"key": one.operator, "kind": one.kind}
        told["verdicts"] = dict(zip(("before", "after"), one.verdicts, strict=True))
        if one.reason is not None:
            told["reason"] = one.reason._asdict()
        if one.diff is not None:
            told |= _written(one.diff, _changed(one, all_rows=all_rows), lang)
        listed.append(told)
    runs = [{"run": r.id, "as_of": r.as_of, "terms": r.terms, "root": r.root} for r in (before, after)]
    values = {"before": runs[0], "after": runs[1], "counts": _total(found), "operators": listed}
    click.echo(_frames.json("auditor.run_diff/1", **values), nl=False)


def _total(found: list[Compared]) -> dict[str, int]:
    """Count changes over all operators, in the order in which people want them."""
    from collections import Counter

    from auditor.changes import CHANGES

    total: Counter[str] = Counter()
    for one in found:
        total.update(one.diff.counts if one.diff is not None else {})
    return {change: total[change] for change in CHANGES if total[change]}


def _print_runs(before: Run, after: Run, found: list[Compared], lang: str, *, all_rows: bool) -> None:
    """Print two runs for people: each operator in which something changed, and who was not judged twice."""
    from auditor.language import say
    from auditor.scans.life_diff import KINDS

    colon, semicolon = ("：", "；") if lang == "zh" else (": ", "; ")
    for run in (before, after):
        told = say("Run {run}, as of {day}, root {root}", run=run.id, day=run.as_of, root=run.root or "–")
        _line(told.in_(lang))
    if any(one.diff is not None for one in found):
        _line(_counted(_total(found), lang))
    same = 0
    for one in found:
        rows = _changed(one, all_rows=all_rows)
        if one.diff is None:
            why = f"{semicolon}{one.reason.in_(lang)}" if one.reason else ""
            _line(f"{one.operator}{colon}{KINDS[one.kind].in_(lang)}{why}")
        elif rows:
            click.echo()
            _line(one.operator)
            _print(one.diff, rows, lang, most=None if all_rows else SHOWN)
        else:
            same += 1
    if same:
        click.echo()
        _line(say("operators in which nothing changed: {count:,}", count=same).in_(lang))
