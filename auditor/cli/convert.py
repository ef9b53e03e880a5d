"""`auditor convert`: from one form of declaration to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from auditor.cli import _options
from auditor.language import both, say

if TYPE_CHECKING:
    from auditor.conversion import Conversion


def _list_forms(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    lang = _options.language()
    from auditor.readers import all_readers
    from auditor.writers import writers

    written = {writer.name for writer in writers()}
    for reader in all_readers():
        folder, shape = both("a folder").in_(lang), both(".json, by its shape").in_(lang)
        endings = " ".join(folder if s == "/" else s for s in reader.suffixes) or shape
        ways = (both("read, written") if reader.name in written else both("read")).in_(lang)
        click.echo(f"{reader.name:<10}  {ways:<14} {endings}")
    ctx.exit()


@click.command()
@click.argument("path", metavar="IN", type=click.Path())
@click.option("-o", "--output", "target", type=click.Path(), help="File or new folder to write.")
@click.option("--to", "form", metavar="FORM", help="Form to write, where the ending of OUT leaves it open.")
@click.option("--operator", type=click.Path(), help="declaration.toml that says whose network a file is.")
@click.option("--mapping", type=click.Path(), help="TOML file that turns a foreign schema into ours.")
@click.option("--suggest", is_flag=True, help="Print a mapping for IN instead, with samples; write nothing.")
@click.option(
    "--forms",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_forms,
    help="List the forms and end.",
)
@click.option("--online/--offline", default=False, help="Permit IN to be the https:// address of a NetBox.")
@_options.config
@_options.lang
@click.option("-q", "--quiet", is_flag=True, help="Say only what was lost.")
def command(
    path: str,
    target: str | None,
    form: str | None,
    operator: str | None,
    mapping: str | None,
    suggest: bool,
    online: bool,
    config: str | None,
    lang: str,
    quiet: bool,
) -> None:
    """Read a declaration, or a network of any form, and write it as OUT.

    What could not be carried over is found by reading OUT back, and listed. A network of which nobody says
    whose it is can be converted, too: a folder's declaration.toml then waits for the operator's name.
    """
    from auditor import conversion, suggestion
    from auditor.errors import UsageError

    if suggest:
        click.echo(suggestion.suggest(path, mapping=mapping, lang=lang), nl=False)
        return
    if target is None:
        raise UsageError(say("say what to write: -o OUT (or --suggest)"))
    if path.startswith(("https://", "http://")):
        path = _fetched(path, target, config, lang, online=online)
    done = conversion.convert(path, target, form=form, operator=operator, mapping=mapping)
    _tell(done, target, lang, quiet=quiet)


def _fetched(url: str, target: str, config: str | None, lang: str, *, online: bool) -> str:
    """Fetch a NetBox into a dump beside the output, where it stays as evidence."""
    import datetime as dt
    import time
    from pathlib import Path

    from auditor import settings
    from auditor.errors import UsageError, visible
    from auditor.sources._netbox import fetch, read_token
    from auditor.writing import written_whole

    if not online:
        raise UsageError(say("{url} is asked only with --online", url=url))
    dump = Path(target).with_name(f"{Path(target).name}.netbox.json")
    with written_whole(dump) as part:
        data = fetch(
            url,
            settings.load_settings(config).network,
            token=read_token(),
            now=lambda: dt.datetime.now(dt.UTC),
            sleep=time.sleep,
        )
        part.write_bytes(data)
    click.echo(visible(say("{file}: {size:,} bytes", file=dump, size=len(data)).in_(lang)), err=True)
    return str(dump)


def _tell(done: Conversion, target: str, lang: str, *, quiet: bool) -> None:
    """Say on stderr what was read, assumed and lost."""
    from auditor.errors import visible
    from auditor.messages import label, unused_line

    declaration = done.declaration
    if not quiet:
        _options.tell_notes(declaration.notes, lang)
        for unused in declaration.unused:
            _options.tell(label("unused", lang), unused_line(unused, lang), lang)
    for loss in done.lost:
        text = both("{where}: {what} {why}", where=loss.where, what=loss.what, why=loss.why).in_(lang)
        _options.tell(label("lost", lang), text, lang)
    if not done.named:
        click.echo(visible(label("unnamed", lang)), err=True)
    if not quiet:
        counts = {"nodes": declaration.nodes.num_rows, "links": declaration.links.num_rows}
        shown = label("converted", lang, lost=len(done.lost), **counts)
        _options.tell(target, shown, lang)
