"""`auditor explain`: the manual page of a rule, the text of a clause, or the reasons of one finding."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditor.cli import _options

if TYPE_CHECKING:
    from auditor.case import Rule
    from auditor.registers import Clause


@click.command()
@click.argument("name", metavar="RULE|CLAUSE")
@click.option("--result", "result_path", type=click.Path(), help="result.json of a check.")
@click.option("--subject", help="Subject of the finding, as in node:sub-17.")
@_options.lang
def command(name: str, result_path: str | None, subject: str | None, lang: str) -> None:
    """Print the manual page of a rule or the text of a clause; with --result, the reasons of a finding."""
    from auditor import registers
    from auditor.engine import all_rules
    from auditor.errors import UsageError

    rules = {rule.id: rule for rule in all_rules()}
    clauses = {clause.id: clause for clause in registers.read_clauses()}
    known = name.upper() if name.upper() in rules else f"PILOT-{name.upper()}"
    if result_path:
        if known not in rules:
            raise UsageError(f"{name}: no such rule; see `auditor rules`")
        _explain_finding(rules[known], Path(result_path), subject, lang)
    elif known in rules:
        _explain_rule(rules[known], lang)
    elif name in clauses:
        _explain_clause(clauses[name], [rule for rule in rules.values() if name in rule.clauses], lang)
    else:
        raise UsageError(
            f"{name}: no such rule or clause; see `auditor rules` and `auditor explain circular-1`"
        )


def _explain_rule(rule: Rule, lang: str) -> None:
    from auditor import registers
    from auditor.messages import BASES, SEVERITIES

    click.secho(f"{rule.id}  {rule.title.in_(lang)}", bold=True)
    click.echo(f"{BASES[rule.basis].in_(lang)}, {SEVERITIES[rule.severity].in_(lang)}\n")
    click.echo((importlib.import_module(rule.check.__module__).__doc__ or "").strip())
    for clause_id in rule.clauses:
        click.echo()
        _quote(registers.clause(clause_id))


def _quote(clause: Clause) -> None:
    click.secho(f"{clause.id}  {clause.instrument} {clause.article}", bold=True)
    click.echo(f"  {clause.zh}")
    if clause.en:
        click.echo(f"  {clause.en}")
    if clause.note:
        click.echo(f"  ({clause.note})")


def _explain_clause(clause: Clause, rules: list[Rule], lang: str) -> None:
    _quote(clause)
    if rules:
        for rule in rules:
            click.echo(f"  {rule.id}  {rule.title.in_(lang)}")
    else:
        click.echo(f"  {clause.reason_zh if lang == 'zh' else clause.reason_en}")


def _explain_finding(rule: Rule, path: Path, subject: str | None, lang: str) -> None:
    from auditor.errors import UsageError, visible
    from auditor.explaining import explained
    from auditor.files import read_plain

    try:
        result: dict[str, Any] = json.loads(read_plain(path))
        found = {f["subject"]: f for f in result["findings"] if f["rule"] == rule.id}
        pages = [explained(rule, f, result, lang) for name, f in found.items() if subject in {None, name}]
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise UsageError(f"{path}: no result of `auditor check --format json` by this version") from None
    if not pages:
        listed = ", ".join([*found][:5]) or "nothing"
        on = f" on {subject}" if subject else ""
        raise UsageError(
            f"{path}: {rule.id} has no finding{on}; it lists {listed} (passes are listed with --all)"
        )
    for page in pages:
        for name, text in page:
            click.echo(f"{name}: {visible(text)}")
        click.echo()
