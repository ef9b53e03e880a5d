"""`auditor scan notify`: tell operators what changed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from auditor.cli import _options, _scans
from auditor.language import both, in_all, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.language import Said
    from auditor.scans.notice_acknowledged import Listed
    from auditor.scans.notices import Planned
    from auditor.scans.store import Store

EXIT_UNSENT = 2
COLUMNS = ("reference", "operator", "channel", "address", "state", "sent_at", "due_on", "acknowledged_on")
STATES = {
    "new": both("would be sent"),
    "drafted": both("not sent yet"),
    "sending": both("being sent, or broke off"),
    "sent": both("sent"),
    "failed": both("failed"),
    "withdrawn": both("withdrawn"),
    "left": both("left: another sends it now"),
    "acknowledged": both("acknowledged"),
    "overdue": both("OVERDUE"),
}


@click.command()
@_options.store
@_options.evidence
@click.option("--send", "sends", is_flag=True, help="Send; without it nothing leaves and nothing is written.")
@click.option("--run", type=click.IntRange(1), help="Tell nothing past this run (default: all that ended).")
@click.option("--list", "lists", is_flag=True, help="List the notices that there are: state, due, overdue.")
@_options.config
@_options.lang
@_options.output_format("text", "json", "markdown")
def command(
    url: str,
    evidence: str | None,
    sends: bool,
    run: int | None,
    lists: bool,
    config: str | None,
    lang: str,
    format_: str,
) -> int:
    """Tell operators what changed since the last notice to each address; print what would go where.

    Addresses come from `auditor scan recipients` alone. A notice is in both languages, and is due to be
    acknowledged within notification_sla_days of the policy from the day on which it was sent; whoever is
    overdue is named each time. Where nothing changed nothing is sent.

    A notice is sent once. Where sending breaks off and nobody knows whether it went out, the same one goes
    out again after a quarter of an hour: a folder then holds it once, a webhook knows it by its
    Idempotency-Key, e-mail by its Message-ID alone. An address gets its next notice after the last one went
    out. Exit code: 0 all went out, 2 some did not.
    """
    from auditor import settings
    from auditor.errors import UsageError
    from auditor.scans.channels import Office

    if lists and (sends or run is not None):
        raise UsageError(say("--list goes with neither --send nor --run"))
    with _scans.opened(url, evidence) as store:
        if lists:
            _list(store, format_, lang)
            return 0
        office = Office(settings.load_settings(config), os.environ, store.clock)
        lost = _send(store, office, run, format_, lang) if sends else _show(store, office, run, format_, lang)
        _warn(store, lang)
    return EXIT_UNSENT if lost else 0


def _show(store: Store, office: Any, run: int | None, format_: str, lang: str) -> int:
    """Print what would go where."""
    from auditor.scans import notices

    number = 0
    for one in notices.planned(store, office, run):
        number += 1
        _print(one, one.state, format_, lang)
    told = say("{count:,} notices would be sent; --send sends them", count=number)
    click.echo(told.in_(lang) if number else say("nothing to tell").in_(lang), err=True)
    return 0


def _send(store: Store, office: Any, run: int | None, format_: str, lang: str) -> int:
    """Send, print what became of each, and count what did not go out."""
    from auditor.scans import notices

    sent = lost = 0
    for outcome in notices.send(store, office, run):
        _print(outcome.planned, outcome.state, format_, lang)
        sent += outcome.state == "sent"
        lost += outcome.state != "sent"
        if outcome.error is not None:
            at = outcome.planned.address
            _options.tell(at.channel, outcome.error.in_(lang), lang)
    told = say("notices sent: {sent:,}; not sent: {lost:,}", sent=sent, lost=lost)
    click.echo(told.in_(lang), err=True)
    return lost


def _print(one: Planned, state: str, format_: str, lang: str) -> None:
    """Print one notice: a line, its JSON on a line, or its text whole."""
    import orjson

    from auditor.errors import visible
    from auditor.scans.channels import channel
    from auditor.scans.notice_text import title

    address = channel(one.address.channel).shown(one.address.address)
    if format_ == "json":
        told = {"channel": one.address.channel, "address": address, "state": state, "notice": one.notice}
        click.echo(orjson.dumps(told).decode())
        return
    named = both(
        "{state}: {channel} {address}: {title}",
        state=STATES.get(state, state),
        channel=one.address.channel,
        address=address,
        title=title(one.notice),
    )
    click.echo(visible(named.in_(lang)))
    if format_ == "markdown":
        click.echo(one.notice["text"])


# --- the list ---------------------------------------------------------------------------------------------


def _list(store: Store, format_: str, lang: str) -> None:
    import orjson

    from auditor.errors import visible
    from auditor.scans.notice_acknowledged import listed

    for one in listed(store):
        row = {name: _cell(one, name) for name in COLUMNS}
        if format_ == "json":
            error = one.error and in_all(one.error)
            whole = {**row, "overdue": one.overdue, "acknowledged_by": one.values["acknowledged_by"]}
            click.echo(orjson.dumps({**whole, "run": one.values["run_id"], "error": error}).decode())
            continue
        row["state"] = STATES[_state(one)].in_(lang)
        click.echo(visible("  ".join(str(value or "-") for value in row.values())))
        if one.error is not None and one.values["state"] == "failed":
            click.echo(f"  {visible(one.error.in_(lang))}")


def _state(one: Listed) -> str:
    if one.values["acknowledged_on"] is not None:
        return "acknowledged"
    return "overdue" if one.overdue else str(one.values["state"])


def _cell(one: Listed, name: str) -> Any:
    from auditor.scans.canonical import instant
    from auditor.scans.channels import channel

    value = one.values[name]
    if name == "address":
        return channel(one.values["channel"]).shown(value)
    if name == "sent_at" and value is not None:
        return instant(value)
    return value


# --- what must be told each time --------------------------------------------------------------------------


def _warn(store: Store, lang: str) -> None:
    """Say on stderr who is overdue, and which runs hold others up."""
    for told in _warnings(store):
        _options.tell(both("warning").in_(lang), told.in_(lang), lang)


def _warnings(store: Store) -> Iterator[Said]:
    from auditor.scans.notice_acknowledged import listed
    from auditor.scans.notices import held_up

    for run in held_up(store):
        yield say(
            "run {run} has not ended, and nothing is told past it: `auditor scan resume` or "
            "`auditor scan cancel`",
            run=run,
        )
    for one in listed(store):
        if one.overdue:
            yield say(
                "OVERDUE: notice {reference} to {operator} was due on {due_on} and is not acknowledged",
                reference=one.values["reference"],
                operator=one.values["operator"],
                due_on=one.values["due_on"],
            )
