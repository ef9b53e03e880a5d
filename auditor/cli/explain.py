"""`auditor explain`: the manual page of a rule, the text of a clause, or the reasons of one finding."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditor.cli import _options
from auditor.language import both, say

if TYPE_CHECKING:
    from auditor.language import Text
    from auditor.registers import Clause
    from auditor.rule import Rule


WIDTH = 80


@click.command()
@click.argument("name", metavar="RULE|CLAUSE")
@click.option("--result", "result_path", type=click.Path(), help="result.json of a check.")
@click.option("--subject", help="Subject of the finding, as in node:sub-17.")
@_options.lang
def command(name: str, result_path: str | None, subject: str | None, lang: str) -> None:
    """Print the manual page of a rule or the text of a clause; with --result, the reasons of a finding."""
    from auditor import registers
    from auditor.errors import UsageError
    from auditor.rules import all_rules, find_rule

    rule = find_rule(name)
    clauses = {clause.id: clause for clause in registers.read_clauses()}
    if result_path:
        if rule is None:
            raise UsageError(say("{name}: no such rule; see `auditor rules`", name=name))
        _explain_finding(rule, Path(result_path), subject, lang)
    elif rule is not None:
        _explain_rule(rule, lang)
    elif name in clauses:
        _explain_clause(clauses[name], [rule for rule in all_rules() if name in rule.clauses], lang)
    else:
        raise UsageError(
            say(
                "{name}: no such rule or clause; see `auditor rules` and `auditor explain circular-1`",
                name=name,
            )
        )


def _explain_rule(rule: Rule, lang: str) -> None:
    from auditor import registers
    from auditor.messages import BASES, SEVERITIES

    click.secho(f"{rule.id}  {rule.title.in_(lang)}", bold=True)
    click.echo(_listed(BASES[rule.basis], SEVERITIES[rule.severity]).in_(lang) + "\n")
    docstring = importlib.import_module(rule.check.__module__).__doc__ or ""
    click.echo(_translated(docstring) if lang == "zh" else docstring.strip())
    for clause_id in rule.clauses:
        click.echo()
        _quote(registers.clause(clause_id), lang)


def _listed(*texts: Text) -> Text:
    from auditor.language import joined

    return joined(texts, ", ", "，")


def _translated(docstring: str) -> str:
    """Give a manual page in Chinese, broken into lines as the English is."""
    from auditor.manual import sections
    from auditor.wrapping import wrapped

    blocks = []
    for section in sections(docstring):
        lines = ["\n".join(wrapped(text.zh, WIDTH)) for text in section.paragraphs]
        heading = section.heading.zh
        blocks.append("\n".join([heading, "-" * (2 * len(heading)), *lines] if heading else lines))
    return "\n\n".join(blocks)


def _quote(clause: Clause, lang: str) -> None:
    """Print a clause; the Chinese governs, so English readers see both."""
    click.secho(f"{clause.id}  {clause.place(lang)}", bold=True)
    click.echo(f"  {clause.zh}")
    if clause.en and lang != "zh":
        click.echo(f"  {clause.en}")
    note = clause.note_zh if lang == "zh" else clause.note
    if note:
        click.echo("  " + both("({note})", note=note).in_(lang))


def _explain_clause(clause: Clause, rules: list[Rule], lang: str) -> None:
    _quote(clause, lang)
    if rules:
        for rule in rules:
            click.echo(f"  {rule.id}  {rule.title.in_(lang)}")
    else:
        click.echo(f"  {clause.reason_zh if lang == 'zh' else clause.reason_en}")


def _explain_finding(rule: Rule, path: Path, subject: str | None, lang: str) -> None:
    from auditor.errors import UsageError, visible
    from auditor.explaining import explained, page
    from auditor.files import read_plain, reason_of

    try:
        result: dict[str, Any] = json.loads(read_plain(path))
        found = {f["subject"]: f for f in result["findings"] if f["rule"] == rule.id}
        pages = [explained(rule, f, result, lang) for name, f in found.items() if subject in {None, name}]
    except OSError as error:
        raise UsageError(say("{file}: cannot be read: {why}", file=path, why=reason_of(error))) from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise UsageError(
            say("{file}: no result of `auditor check --format json` by this version", file=path)
        ) from None
    if not pages:
        listed = [*found][:5] or both("nothing")
        on = both(" on {subject}", subject=subject) if subject else both("")
        raise UsageError(
            say(
                "{file}: {rule} has no finding{on}; it lists {listed} (passes are listed with --all)",
                file=path,
                rule=rule.id,
                on=on,
                listed=listed,
            )
        )
    for lines in pages:
        click.echo(page([(name, visible(text)) for name, text in lines], lang))
        click.echo()
