"""`auditor show`: what counts as what in a declaration, before any verdict."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from auditor.cli import _options
from auditor.language import both, told

if TYPE_CHECKING:
    import datetime as dt

    from auditor.case import Case

LIMIT = 20


@click.command()
@click.argument("path", type=click.Path())
@_options.as_of
@_options.lang
@_options.output_format("text", "json")
@click.option(
    "--operator", type=click.Path(), help="declaration.toml of the operator, for a bare graph file."
)
@_options.config
@_options.zones
@click.option("--all", "everything", is_flag=True, help="List every node, not the first 20 of each role.")
def command(
    path: str,
    as_of: dt.date | None,
    lang: str,
    format_: str,
    operator: str | None,
    config: str | None,
    zones: tuple[str, ...],
    everything: bool,
) -> None:
    """Show what counts as facility, subject, gate and root, where and why; and what was not used."""
    from auditor import engine, readers, selection, settings
    from auditor.case import Case

    declaration = readers.read_declaration(path, operator=operator)
    day = as_of or _options.today()
    chosen = settings.load_settings(config)
    case = Case(declaration, engine.areas_on(day, (*chosen.zones, *zones)), day, chosen.policy)
    rows = list(selection.selected(case, limit=None if everything else LIMIT))
    if format_ == "json":
        click.echo(json.dumps(_record(case, rows, lang), ensure_ascii=False, indent=1))
        return
    _print(case, rows, lang)


def _record(case: Case, rows: list[dict[str, Any]], lang: str) -> dict[str, Any]:
    from auditor import selection

    return {
        "counts": [row | {"surety": row["surety"].name.lower()} for row in selection.counts(case)],
        "nodes": [
            row
            | {key: row[key].in_(lang) for key in ("area", "reason")}
            | {"surety": row["surety"].name.lower()}
            for row in rows
        ],
        "unused": [
            {k: told(getattr(u, k), lang) for k in ("where", "what", "why")} for u in case.declaration.unused
        ],
        "notes": [{k: told(getattr(n, k), lang) for k in ("where", "what")} for n in case.declaration.notes],
    }


def _print(case: Case, rows: list[dict[str, Any]], lang: str) -> None:
    from auditor.errors import visible
    from auditor.messages import RELATIONS, label, note_line, unused_line
    from auditor.selection import ROLES, SURETIES, counts

    totals = {(count["role"], count["surety"]): count for count in counts(case)}
    for role, name in ROLES.items():
        for surety, word in SURETIES.items():
            count = totals[role, surety]
            if not count["nodes"]:
                continue
            head = both("{role}, {surety}: {nodes:,}", role=name, surety=word, nodes=count["nodes"])
            click.secho(head.in_(lang), bold=True)
            shown = [row for row in rows if (row["role"], row["surety"]) == (role, surety)]
            for row in shown:
                placed = row["relation"] not in {"outside", "unknown"}
                place = RELATIONS[row["relation"]].in_(lang) + (f" {row['area'].in_(lang)}" if placed else "")
                click.echo(f"  {visible(row['id'])}  [{place}]  {visible(row['reason'].in_(lang))}")
            if count["nodes"] > len(shown):
                more = both("and {count} more (--all)", count=count["nodes"] - len(shown))
                click.echo("  " + more.in_(lang))
        if not any(totals[role, surety]["nodes"] for surety in SURETIES):
            click.secho(both("{name}: {text}", name=name, text=0).in_(lang), bold=True)
    lines = [(label("unused", lang), unused_line(unused, lang)) for unused in case.declaration.unused]
    lines += [(label("note", lang), note_line(note, lang)) for note in case.declaration.notes]
    for heading, text in lines:
        click.echo(visible(both("{name}: {text}", name=heading, text=text).in_(lang)))
