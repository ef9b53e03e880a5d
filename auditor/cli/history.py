"""`auditor history`: what became of operators and their findings from run to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from auditor.cli import _frames, _options, _scans
from auditor.language import Text, both, say

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    import pandas as pd

HEADS = {
    **_frames.HEADS,
    "operator": both("operator"),
    "verdict": both("verdict"),
    "last_on": both("last judged"),
    "open": both("open (critical/high/medium/low/info)"),
    "trouble": both("since then"),
}


@click.command()
@click.argument("operator", required=False)
@_options.store
@_options.evidence
@click.option("--open", "only_open", is_flag=True, help="Only findings that are open.")
@click.option(
    "--rule", "rules", multiple=True, metavar="RULE", help="Only of these rules (PILOT-FAC-* works)."
)
@click.option("--since", type=_options.Day(), help="Only runs from this date on, and what changed in them.")
@_options.lang
@_options.output_format("text", "json", "csv")
def command(
    operator: str | None,
    url: str,
    evidence: str | None,
    only_open: bool,
    rules: tuple[str, ...],
    since: dt.date | None,
    lang: str,
    format_: str,
) -> None:
    """Tell what became of an operator's findings: first seen, last seen, fixed, back again.

    OPERATOR is the name that the store gives it; without one, every operator is told on a line: its last
    verdict, what is open by severity, what its last result changed, and whether a later run could not judge
    it. Dates are those as of which a run judged. Keep the roots of runs elsewhere: `auditor verify --store
    URL --root` then tells whether the store was written anew.
    """
    from auditor.errors import UsageError
    from auditor.scans import life_views

    if operator is None and (only_open or rules or since):
        raise UsageError(say("--open, --rule and --since are about one operator: name it"))
    with _scans.opened(url, evidence) as store, store.read() as connection:
        if operator is None:
            shown = _operators(life_views.operators(connection, lang=lang), format_, lang)
        else:
            number = life_views.operator_named(connection, operator)
            runs = life_views.items(connection, number)
            found = life_views.findings(connection, number, store.clock(), lang=lang)
            runs, found = _chosen(runs, found, since=since, rules=rules, only_open=only_open)
            shown = _one(operator, runs, found, format_, lang)
    click.echo(shown, nl=False)


def _chosen(
    runs: pd.DataFrame, found: pd.DataFrame, *, since: dt.date | None, rules: tuple[str, ...], only_open: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Leave out what is not asked for."""
    from auditor import engine

    if since is not None:
        runs, found = runs[runs["as_of"] >= since], found[found["changed_on"] >= since]
    if rules:
        found = found[found["rule"].isin([rule.id for rule in engine.choose_rules(rules, ())])]
    return runs, found[found["state"] == "open"] if only_open else found


# --- all operators ----------------------------------------------------------------------------------------


def _operators(frame: pd.DataFrame, format_: str, lang: str) -> str:
    from auditor.findings import SEVERITIES
    from auditor.scans.life_views import COUNTED

    if format_ == "csv":
        return _frames.as_csv(frame)
    rows = _frames.records(frame)
    if format_ == "json":
        return _frames.json("auditor.operators/1", operators=rows)
    for row in rows:
        row["open"] = "/".join(str(row[severity]) for severity in SEVERITIES)
        row["verdict"] = _verdict(row["verdict"], lang) if row["verdict"] else both("never judged").in_(lang)
    names = ("operator", "verdict", "open", *COUNTED, "last_on", "trouble")
    return _table(names, rows, lang)


def _table(names: tuple[str, ...], rows: list[dict[str, Any]], lang: str) -> str:
    cells = [[row[name] for name in names] for row in rows]
    return _frames.table([HEADS[name] for name in names], cells, lang)


def _verdict(verdict: str | None, lang: str) -> str:
    from auditor.findings import Verdict
    from auditor.messages import VERDICTS

    return VERDICTS[Verdict(verdict)].in_(lang) if verdict else "–"


# --- one operator -----------------------------------------------------------------------------------------


def _one(operator: str, runs: pd.DataFrame, found: pd.DataFrame, format_: str, lang: str) -> str:
    """Tell of one operator: its runs, then its findings."""
    import orjson

    if format_ == "csv":
        return _frames.as_csv(found)
    listed = _frames.records(runs.drop(columns=["operator_id", "operator"]))
    lives = _frames.records(found.drop(columns=["operator_id", "operator"]))
    for row in listed:
        row["reason"] = row["reason"] and orjson.loads(row["reason"])
    if format_ == "json":
        return _frames.json("auditor.history/1", operator=operator, runs=listed, findings=lives)
    return f"{operator}\n\n{_runs(listed, lang)}" + "".join(f"{line}\n" for line in _lives(lives, lang))


def _runs(rows: list[dict[str, Any]], lang: str) -> str:
    from auditor.scans.life_views import COUNTED
    from auditor.scans.state import ITEM_STATES

    for row in rows:
        judged = row["state"] == "done"
        row["verdict"] = _verdict(row["verdict"], lang) if judged else ITEM_STATES[row["state"]].in_(lang)
        for name in () if judged else ("fail", "undecided", *COUNTED):
            row[name] = None
    names = ("run", "as_of", "verdict", "fail", "undecided", *COUNTED, "root")
    return _table(names, rows, lang)


def _lives(rows: list[dict[str, Any]], lang: str) -> Iterator[str]:
    """Tell findings one by one, what is open first."""
    from auditor.errors import visible
    from auditor.scans.life import STATES

    for state, name in STATES.items():
        own = [row for row in rows if row["state"] == state]
        if own:
            yield ""
            yield say("{name}: {count:,}", name=name, count=len(own)).in_(lang)
        for row in own:
            yield visible(f"  {row['rule']}  {row['subject']}  {_verdict(row['verdict'], lang)}")
            yield visible(f"    {_dates(row).in_(lang)}")
            for line in filter(None, (row["message"], row["because"], *_decided(row, lang))):
                yield visible(f"    {line}")


def _dates(row: dict[str, Any]) -> Text:
    """Say when a finding was seen, and what became of it."""
    from auditor.language import joined

    first = {"first": row["first_on"], "n": row["first_run"]}
    parts = [
        both("first seen {first} (run {n})", **first),
        both("last seen {last} (run {n})", last=row["last_on"], n=row["last_run"]),
    ]
    if row["fixed_on"]:
        parts.append(both("fixed {on} (run {n})", on=row["fixed_on"], n=row["fixed_run"]))
    elif row["state"] != "open":
        parts.append(both("changed {on} (run {n})", on=row["changed_on"], n=row["changed_run"]))
    if row["regressed"]:
        parts.append(both("came back: {count}", count=row["regressed"]))
    return joined(parts, ", ", "，")


def _decided(row: dict[str, Any], lang: str) -> Iterator[str]:
    """Say what people decided of a finding."""
    from auditor.scans.moments import shown

    if row["waiver_id"]:
        until = shown(row["waived_until"], row["waived_zone"])
        told = {"by": row["waived_by"], "until": until, "reason": row["waived_because"]}
        yield both("waived by {by} until {until}: {reason}", **told).in_(lang)
    if row["decided_id"]:
        told = {
            "by": row["decided_by"],
            "verdict": _verdict(row["decided"], lang),
            "reason": row["decided_because"],
        }
        yield both("{by} says {verdict}: {reason}", **told).in_(lang)
