"""`auditor diff`: what changed between two results or two declarations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from auditor.cli import _options

if TYPE_CHECKING:
    import datetime as dt

    from auditor.changes import Change, Diff

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
    quiet: bool,
) -> int:
    """Say what changed from A to B: new, fixed, changed, no longer evaluated.

    A and B are results that `auditor check` wrote (json, sarif, oscal), or declarations, which are checked on
    the same terms. What is no longer evaluated never counts as fixed, and a change that came with another
    rule, zone or policy is called after it. Exit code: 0 nothing new is open, 1 something fails that did not,
    3 something is undecided that was not, or no longer evaluated; 2 if A or B could not be read.
    """
    from auditor import changes, engine, settings

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
    return 1 if found.worse else 3 if found.open else 0


def _result(path: str, options: dict[str, Any]) -> Any:
    """Read a result, or check a declaration."""
    from auditor import engine, readers
    from auditor.reports import is_result, read_result

    if is_result(path):
        return read_result(path)
    return engine.check(readers.read_declaration(path), **options)


def _show(found: Diff, format_: str, lang: str, *, all_rows: bool) -> None:
    """Print what changed."""
    from auditor.language import told

    rows = [row for row in found.rows if all_rows or row.change != "still"]
    if format_ == "text":
        _print(found, rows, lang, most=None if all_rows else SHOWN)
        return
    import orjson

    written = {
        "schema": "auditor.diff/1",
        "operator": found.after["operator"],
        "verdicts": {"before": found.before["verdict"], "after": found.after["verdict"]},
        "as_of": {"before": found.before["as_of"], "after": found.after["as_of"]},
        "differs": [told(text, lang) for text in found.differs],
        "counts": found.counts,
        "changes": [found.record(row) for row in rows],
    }
    click.echo(orjson.dumps(written))


def _print(found: Diff, rows: list[Change], lang: str, *, most: int | None) -> None:
    """Print what changed for people: the verdicts, what else differs, then row by row."""
    from auditor.changes import CHANGES
    from auditor.language import told
    from auditor.messages import VERDICTS, label

    colon, comma = ("：", "、") if lang == "zh" else (": ", ", ")
    word: dict[str | None, str] = {str(verdict): text.in_(lang) for verdict, text in VERDICTS.items()}
    word[None] = "–"
    counted = [f"{CHANGES[change].in_(lang)}{colon}{number:,}" for change, number in found.counts.items()]
    _line(f"{found.after['operator']['name']}  {found.before['as_of']} → {found.after['as_of']}")
    _line(f"{word[found.before['verdict']]} → {word[found.after['verdict']]}")
    _line(("；" if lang == "zh" else "; ").join(counted) or label("unchanged", lang))
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


def _line(text: str) -> None:
    from auditor.errors import visible

    click.echo(visible(text))
