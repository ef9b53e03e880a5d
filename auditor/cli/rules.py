"""`auditor rules`: the rules there are."""

from __future__ import annotations

import json

import click

from auditor.cli import _options
from auditor.language import both


@click.command()
@_options.lang
@_options.output_format("text", "json", "markdown")
def command(lang: str, format_: str) -> None:
    """List the rules with what they rest on."""
    from auditor.messages import BASES, SEVERITIES
    from auditor.rules import all_rules

    rows = [
        {
            "rule": rule.id,
            "title": rule.title.in_(lang),
            "basis": BASES[rule.basis].in_(lang),
            "severity": SEVERITIES[rule.severity].in_(lang),
            "clauses": list(rule.clauses),
        }
        for rule in all_rules()
    ]
    if format_ == "json":
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    if format_ == "markdown":
        heads = (both("rule"), both("what it asks"), both("basis"), both("severity"))
        click.echo(f"| {' | '.join(head.in_(lang) for head in heads)} |\n|---|---|---|---|")
    for row in rows:
        cells = [str(row[name]) for name in ("rule", "title", "basis", "severity")]
        click.echo(f"| {' | '.join(cells)} |" if format_ == "markdown" else "  ".join(cells))
