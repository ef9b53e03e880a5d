"""`auditor compare`: records held against each other, pair by pair."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import click

from auditor.cli import _options
from auditor.language import both

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from auditor.comparison.table import Comparison, Row

SHOWN = 20
FORMATS = ("text", "json", "csv")


@click.command()
@click.argument("paths", metavar="A [B]...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--decisions", type=click.Path(), help="decisions.csv: what persons decided on earlier comparisons."
)
@click.option(
    "--worklist", is_flag=True, help="Only rows that wait for a person, the riskiest first, all of them."
)
@_options.as_of
@_options.lang
@_options.output_format(*FORMATS)
@_options.outputs(help="Also write to a file; may be repeated.")
@click.option("--all", "all_rows", is_flag=True, help="List what agrees, too, and long lists whole.")
@_options.config
@_options.zones
@click.option("-q", "--quiet", is_flag=True, help="Print nothing on stdout; the exit code tells.")
def command(
    paths: tuple[str, ...],
    decisions: str | None,
    worklist: bool,
    as_of: dt.date | None,
    lang: str,
    format_: str,
    outputs: list[tuple[str, str]],
    all_rows: bool,
    config: str | None,
    zones: tuple[str, ...],
    quiet: bool,
) -> int:
    """Hold records against each other: every later side against A.

    A and B are declarations in any form, records as filed, business-registry records, licences or
    observations; A alone is held against its own filings and registry records. Each row agrees, is to review
    or disagrees. Decisions are the CSV that --worklist -o csv=decisions.csv writes, with decision
    (CONFIRM_MATCH, CONFIRM_MISMATCH, or MAINTAIN, which leaves the row open), by and on filled in; one lapses
    when a record changes. Exit code: 0 all agree or were decided so, 1 a person confirmed that some disagree,
    3 some wait for a person, or nothing could be compared; 2 if an input could not be read.
    """
    from auditor import engine, settings
    from auditor.comparing import compare

    _options.refuse_formats(outputs, FORMATS)
    day = as_of or _options.today()
    chosen = settings.load_settings(config)
    areas = engine.areas_on(day, (*chosen.zones, *zones))
    found = compare(
        *paths, decisions=decisions or (), as_of=day, policy=chosen.policy, areas=areas, lang=lang
    )
    rows = (
        found.worklist
        if worklist
        else found.rows
        if all_rows
        else [r for r in found.rows if r.outcome != "match"]
    )
    for name, target in outputs:
        _write(_rendered(found, rows, name, lang, most=None), target)
    if not quiet:
        click.echo(
            _rendered(found, rows, format_, lang, most=None if all_rows or worklist else SHOWN), nl=False
        )
    return found.exit_code


def _write(text: str, target: str) -> None:
    from auditor.writing import written_whole

    with written_whole(target) as part:
        part.write_text(text, encoding="utf-8")


def _rendered(found: Comparison, rows: Sequence[Row], form: str, lang: str, *, most: int | None) -> str:
    return {"text": _text, "json": _json, "csv": _csv}[form](found, rows, lang, most)


def _json(found: Comparison, rows: Sequence[Row], lang: str, _most: int | None) -> str:
    import orjson

    written = {
        "schema": "auditor.comparison/1",
        "as_of": found.as_of,
        "sides": found.sides,
        "counts": found.counts,
        "kinds": found.by_kind,
        "not_compared": [{"side": s, "kind": k, "records": n} for s, k, n in found.not_compared],
        "lapsed": [one.record for one in found.lapsed],
        "unused": [one.record for one in found.unused],
        "rows": [_record(row, lang) for row in rows],
    }
    return orjson.dumps(written, option=orjson.OPT_APPEND_NEWLINE).decode()


def _record(row: Row, lang: str) -> dict[str, Any]:
    fields = [{"field": d.field, "a": d.a, "b": d.b, "reason": d.reason} for d in row.differences]
    both_languages = {"why_en": row.why.en, "why_zh": row.why.zh} if row.outcome != "match" else {}
    return (
        row.as_dict(lang)
        | both_languages
        | {"fields": fields, "record_a": row.record_a, "record_b": row.record_b}
    )


def _csv(_found: Comparison, rows: Sequence[Row], lang: str, _most: int | None) -> str:
    from auditor.comparison.table import COLUMNS
    from auditor.formulas import inert

    import pyarrow as pa  # isort: skip

    listed = [row.as_dict(lang) for row in rows]
    columns = [
        inert(pa.array([_cell(cells[name]) for cells in listed], pa.string())).to_pylist() for name in COLUMNS
    ]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([COLUMNS, *zip(*columns, strict=True)])
    return out.getvalue()


def _cell(value: Any) -> str:
    return ";".join(value) if isinstance(value, list | tuple) else str(value)


def _text(found: Comparison, rows: Sequence[Row], lang: str, most: int | None) -> str:
    from auditor.comparison.reasons import KINDS, WORDS
    from auditor.errors import visible

    lines = [" | ".join(found.sides)]
    counted = [both("{what}: {count:,}", what=WORDS[o], count=n).in_(lang) for o, n in found.counts.items()]
    lines.append(("；" if lang == "zh" else "; ").join(counted))
    for side, kind, count in found.not_compared:
        told = both("not compared: {count:,} of {kind} in {side}", count=count, kind=KINDS[kind], side=side)
        lines.append(told.in_(lang))
    for row in rows[:most]:
        lines += ["", *_lines(row, lang)]
    if most is not None and len(rows) > most:
        lines += ["", both("{count:,} more (--all)", count=len(rows) - most).in_(lang)]
    lines += [
        both("decision lapsed, a record changed: {record}", record=d.record).in_(lang) for d in found.lapsed
    ]
    lines += [
        both("decision on a record that is not there: {record}", record=d.record).in_(lang)
        for d in found.unused
    ]
    return "".join(f"{visible(line)}\n" for line in lines)


def _lines(row: Row, lang: str) -> list[str]:
    from auditor.comparison.reasons import KINDS, WORDS

    cells = row.as_dict(lang)
    key = (
        row.key_a
        if row.key_a == row.key_b or not row.key_b
        else row.key_b
        if not row.key_a
        else f"{row.key_a} | {row.key_b}"
    )
    head = both(
        "{kind} {key}: {outcome} (risk {risk})",
        kind=KINDS[row.kind],
        key=key,
        outcome=WORDS[row.settled],
        risk=row.risk,
    )
    sources = [cells["source_a"] or "–", cells["source_b"] or "–"]
    shown = [head.in_(lang), f"  {cells['why']}", f"  {' | '.join(sources)}"]
    if row.decision:
        decided = row.decision
        told = both(
            "decided {decision} by {by} on {on}", decision=decided.decision, by=decided.by, on=decided.on
        )
        shown.append(f"  {told.in_(lang)}")
    return shown
