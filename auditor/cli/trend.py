"""`auditor trend`: how verdicts and findings go from run to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from auditor.cli import _frames, _options, _scans
from auditor.language import both

if TYPE_CHECKING:
    import pandas as pd

HEADS = {
    **_frames.HEADS,
    "month": both("month"),
    "operators": both("operators"),
    "verdict_fail": both("fail"),
    "verdict_inconclusive": both("inconclusive"),
    "verdict_pass": both("pass"),
    "verdict_not_applicable": both("not applicable"),
    "could_not": both("not judged"),
    "rule": both("rule"),
    "clause": both("clause"),
    "area": both("area"),
    "open": both("open over time"),
}


@click.command()
@_options.store
@_options.evidence
@click.option(
    "--per",
    type=click.Choice(["run", "month"]),
    default="run",
    show_default=True,
    help="Tell run by run, or how things stood at the end of each month.",
)
@click.option(
    "--by", type=click.Choice(["rule", "clause", "area"]), default=None, help="Tell findings apart by this."
)
@_options.lang
@_options.output_format("text", "json", "csv")
def command(url: str, evidence: str | None, per: str, by: str | None, lang: str, format_: str) -> None:
    """Tell how verdicts of operators and their findings go from run to run, or from month to month.

    A run counts its own operators; a month the last result of every operator up to its end. Dates are those
    as of which a run judged. With --by, a line of bars shows what is open (fails or is undecided) over time;
    new, fixed and back again are summed up.
    """
    from auditor.scans import life_trend

    with _scans.opened(url, evidence) as store, store.read() as connection:
        frame = life_trend.operators(connection, per)
        parts = life_trend.findings(connection, by, per) if by else None
    shown = frame if parts is None else parts
    if format_ == "csv":
        click.echo(_frames.as_csv(shown), nl=False)
    elif format_ == "json":
        found = {} if parts is None else {"by": by, "findings": _frames.records(parts)}
        click.echo(
            _frames.json("auditor.trend/1", per=per, periods=_frames.records(frame), **found), nl=False
        )
    elif parts is None:
        click.echo(_periods(frame, per, lang), nl=False)
    else:
        click.echo(_groups(parts, list(frame[per]), per, str(by), lang), nl=False)


def _table(names: list[str], rows: list[list[Any]], lang: str) -> str:
    return _frames.table([HEADS[name] for name in names], rows, lang)


def _periods(frame: pd.DataFrame, per: str, lang: str) -> str:
    """Lay out one line a run or month; verdicts are of operators."""
    from auditor.scans.life_views import COUNTED

    verdicts = [name for name in frame.columns if name.startswith("verdict_")]
    dates = ["as_of"] if per == "run" else []
    names = [per, *dates, "operators", *verdicts, "could_not"]
    names += ["fail", "undecided", *COUNTED, "root"]
    return _table(names, [[row[name] for name in names] for row in _frames.records(frame)], lang)


def _groups(parts: pd.DataFrame, periods: list[Any], per: str, by: str, lang: str) -> str:
    """Lay out one line a rule, clause or area, with bars over all runs or months."""
    from auditor.scans.life_trend import sparkline
    from auditor.scans.life_views import COUNTED

    rows = []
    for name, own in parts.groupby(by):
        then = own.set_index(per)[["fail", "undecided"]].reindex(periods, fill_value=0)
        bars = sparkline([int(n) for n in then["fail"] + then["undecided"]])
        last = then.iloc[-1]
        flows = [int(own[kind].sum()) for kind in COUNTED]
        rows.append([name, bars, int(last["fail"]), int(last["undecided"]), *flows])
    return _table([by, "open", "fail", "undecided", *COUNTED], rows, lang)
