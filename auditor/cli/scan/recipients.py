"""`auditor scan recipients`: whom notices go to."""

from __future__ import annotations

import click

from auditor.cli import _options, _scans
from auditor.language import both, say


@click.group()
def command() -> None:
    """Enter, list and take out the addresses that notices go to; a declaration cannot name any."""


@command.command("add")
@click.argument("channel")
@click.argument("address")
@click.option("--operator", metavar="KEY", help="Only about this operator (default: about every one).")
@_options.store
@_options.evidence
@_options.lang
def add(channel: str, address: str, operator: str | None, url: str, evidence: str | None, lang: str) -> None:
    """Enter an address: a folder for `file`, an e-mail address for `smtp`, a URL of https for `webhook`.

    Its first notice tells how things stand; later ones only what changed.
    """
    from auditor.scans import notice_recipients

    with _scans.opened(url, evidence) as store:
        number, new = notice_recipients.add(store, channel, address, operator)
    told = (
        say("recipient {number} is entered", number=number)
        if new
        else say("recipient {number} is that already", number=number)
    )
    click.echo(told.in_(lang))


@command.command("list")
@_options.store
@_options.evidence
@_options.lang
@_options.output_format("text", "json")
def list_(url: str, evidence: str | None, lang: str, format_: str) -> None:
    """List the addresses in force."""
    import orjson

    from auditor.errors import visible
    from auditor.scans import notice_recipients
    from auditor.scans.channels import channel

    with _scans.opened(url, evidence) as store, store.read() as connection:
        rows = notice_recipients.listed(connection)
    shown = ({**row, "address": channel(row["channel"]).shown(row["address"])} for row in rows)
    for row in shown:
        if format_ == "json":
            click.echo(orjson.dumps(row).decode())
            continue
        whose = row["operator"] or both("every operator").in_(lang)
        click.echo(visible(f"{row['id']}  {row['channel']}  {row['address']}  {whose}"))


@command.command("remove")
@click.argument("number", type=click.IntRange(1))
@_options.store
@_options.evidence
@_options.lang
def remove(number: int, url: str, evidence: str | None, lang: str) -> None:
    """Take an address out; what was drafted for it and did not go out is withdrawn."""
    from auditor.scans import notice_recipients

    with _scans.opened(url, evidence) as store:
        withdrawn = notice_recipients.remove(store, number)
    told = say("recipient {number} is taken out; notices withdrawn: {count}", number=number, count=withdrawn)
    click.echo(told.in_(lang))
