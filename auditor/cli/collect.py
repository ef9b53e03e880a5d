"""`auditor collect`: ask sources what they know of a declared network, and write it down."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from auditor.cli import _options
from auditor.language import both, joined, recalled, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from auditor.observations import Observations


@click.command()
@click.argument("path", type=click.Path())
@click.option(
    "-o", "--output", "target", required=True, type=click.Path(), help="observations.parquet to write."
)
@click.option(
    "--source",
    "given",
    multiple=True,
    metavar="NAME[=FILE]",
    help="Ask only this source, or have it read a file, as in traceroute=mtr.json; may be repeated.",
)
@click.option("--online/--offline", default=False, help="Ask the network, too (default: offline).")
@click.option(
    "--raw", type=click.Path(), help="Folder of raw answers (default: beside the output, ending in .raw)."
)
@click.option(
    "--operator", type=click.Path(), help="declaration.toml of the operator, for a bare graph file."
)
@_options.config
@_options.lang
@click.option("-q", "--quiet", is_flag=True, help="Print no summary.")
def command(
    path: str,
    target: str,
    given: tuple[str, ...],
    online: bool,
    raw: str | None,
    operator: str | None,
    config: str | None,
    lang: str,
    quiet: bool,
) -> None:
    """Ask sources about the addresses, blocks and names that a declaration holds.

    Without --online only data on this machine answers: the databases that ship, those of --config, and files
    given with --source. Raw answers are kept; a run that was interrupted goes on where it stopped when the
    same command is given again.
    """
    import datetime as dt
    import time

    from auditor import collection, observations, readers, settings
    from auditor.errors import UsageError
    from auditor.writing import written_whole

    if Path(target).suffix.lower() != ".parquet":
        raise UsageError(say("-o: {target}: observations are written as .parquet", target=target))
    archive = Path(raw) if raw else Path(target).with_suffix(".raw")
    _can_write(Path(target), archive)
    names, files = _sources(given)
    collection.choose_sources(names, files, online=online)  # say what is wrong before anything is read
    declaration = readers.read_declaration(path, operator=operator)
    with _progress() as tick:
        found = collection.collect(
            declaration,
            archive=archive,
            now=lambda: dt.datetime.now(dt.UTC),
            sleep=time.sleep,
            names=names,
            files=files,
            settings=settings.load_settings(config),
            online=online,
            tick=tick,
        )
    with written_whole(target) as part:
        observations.write(found, part)
    if not quiet:
        _summary(found, target, lang)


def _can_write(target: Path, archive: Path) -> None:
    """Refuse before hours of questions what could not be written after them."""
    from auditor.errors import UsageError

    if target.is_dir():
        raise UsageError(say("-o: {target}: is a folder; name a file in it", target=target))
    if archive.exists() and not archive.is_dir():
        raise UsageError(say("--raw: {archive}: is no folder", archive=archive))
    target.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(target.parent, os.W_OK):
        raise UsageError(say("-o: {target}: its folder cannot be written to", target=target))


def _sources(given: tuple[str, ...]) -> tuple[list[str], dict[str, list[Path]]]:
    names: list[str] = []
    files: dict[str, list[Path]] = {}
    for text in given:
        name, equals, file = text.partition("=")
        if equals:
            files.setdefault(name, []).append(Path(file))
        else:
            names.append(name)
    return names, files


@contextmanager
def _progress() -> Iterator[Callable[[str, int], None]]:
    """Show how far each source is, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda _name, _number: None
        return
    from rich.console import Console
    from rich.progress import Progress, TaskID, TextColumn, TimeElapsedColumn

    shown: dict[str, TaskID] = {}
    columns = (TextColumn("{task.description}"), TextColumn("{task.completed:,.0f}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:

        def tick(name: str, number: int) -> None:
            if name not in shown:
                shown[name] = bar.add_task(name, total=None)
            bar.advance(shown[name], number)

        yield tick


def _summary(found: Observations, target: str, lang: str) -> None:
    """Count answers by source and outcome; failures are told with their words."""
    from auditor.errors import visible
    from auditor.messages import OUTCOMES, label

    counts = (
        found.table.group_by(["source", "outcome"], use_threads=False)
        .aggregate([([], "count_all")])
        .to_pylist()
    )
    by_source: dict[str, dict[str, int]] = {}
    for row in counts:
        by_source.setdefault(row["source"], {})[row["outcome"]] = row["count_all"]
    for name in sorted({*by_source, *(s.source for s in found.sources)}):
        own = by_source.get(name, {})
        told = [both("answers: {count:,}", count=own.pop("answer", 0))]
        told += [both("{name}: {number:,}", name=OUTCOMES[o], number=n) for o, n in sorted(own.items())]
        click.echo(visible(both("{name}: {text}", name=name, text=joined(told, ", ", "，")).in_(lang)))
    for note, number in _failures(found):
        text = recalled(note).in_(lang)
        click.echo(visible(f"  {text}" + (f" ({number:,}×)" if number > 1 else "")))
    click.echo(visible(label("written", lang, count=f"{len(found):,}", file=target)))


def _failures(found: Observations) -> list[tuple[str, int]]:
    """Words of what was refused, unreachable or unreadable, most frequent first."""
    import numpy as np
    import pyarrow as pa

    from auditor.columns import Coded

    bad = Coded.of(found.table.column("outcome")).isin({"refused", "unavailable", "malformed"})
    rows = found.table.filter(pa.array(bad))
    words = [
        f"{source}: {note}"
        for source, note in zip(
            rows.column("source").to_pylist(), rows.column("note").to_pylist(), strict=True
        )
        if note
    ]
    values, number = np.unique(np.array(words, dtype=object), return_counts=True)
    order = np.argsort(-number, kind="stable")
    return [(str(values[i]), int(number[i])) for i in order]
