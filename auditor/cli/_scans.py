"""What the commands that scan share: their options, the run under way, and what is said at its end."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditor.cli import _options
from auditor.language import both, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.language import Said
    from auditor.scans.items import Limits
    from auditor.scans.runs import Options
    from auditor.scans.store import Store

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
DASK = "dask://"


def _executor(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """Take ``inline``, ``process`` or the address of a Dask scheduler."""
    if value in {"inline", "process"} or value.startswith(DASK):
        return value
    told = say("{value!r}: give inline, process or dask://host:8786", value=value)
    raise click.BadParameter(told.in_(_options.language()))


JUDGED: tuple[Decorator, ...] = (  # what a run is held against
    _options.as_of,
    click.option(
        "--min-grade",
        type=click.Choice(["E1", "E2", "E3", "E4"]),
        default="E3",
        show_default=True,
        help="Least grade of evidence that may pass.",
    ),
    _options.config,
    _options.zones,
    click.option("--reviews", type=click.Path(), help="reviews.csv: documents that a person confirmed."),
    click.option(
        "--observations",
        type=click.Path(),
        help="Folder with KEY.parquet of operators: what `auditor collect` wrote of them.",
    ),
)
key: Decorator = click.option(
    "--key",
    type=click.Path(),
    envvar="AUDITOR_SIGNING_KEY",
    help="Ed25519 key in PEM that signs the run (default: one that is made beside the files).",
)
WORKED: tuple[Decorator, ...] = (  # how it is worked on
    click.option(
        "--executor",
        default="process",
        show_default=True,
        metavar="inline|process|dask://HOST:PORT",
        callback=_executor,
        help="Where operators are judged; inline sets no limits.",
    ),
    click.option(
        "--jobs",
        type=click.IntRange(1, 256),
        default=None,
        help="Child processes at a time (default: one a processor).",
    ),
    click.option(
        "--seconds",
        type=click.IntRange(1, 86_400),
        default=600,
        show_default=True,
        help="Longest time for one operator.",
    ),
    click.option(
        "--memory",
        type=click.IntRange(512, 1 << 20),
        default=4096,
        show_default=True,
        help="Most memory for one operator, in MB.",
    ),
    click.option(
        "--attempts",
        type=click.IntRange(1, 10),
        default=3,
        show_default=True,
        help="How often an operator is tried whose process dies.",
    ),
    key,
)


def judged(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of what a run is held against."""
    return _all(JUDGED, command)


def worked(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of how a run is worked on."""
    return _all(WORKED, command)


def _all(options: tuple[Decorator, ...], command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(options):
        command = option(command)
    return command


def options_of(values: dict[str, Any]) -> Options:
    """Take from the values of a command what its run is held against."""
    from auditor.scans.runs import Options

    names = ("as_of", "min_grade", "config", "zones", "reviews", "observations")
    taken = {name: values[name] for name in names}
    for name in ("config", "reviews", "observations"):  # a schedule is run from another folder
        taken[name] = taken[name] and str(Path(taken[name]).absolute())
    taken["zones"] = tuple(str(Path(path).absolute()) for path in taken["zones"])
    return Options(**taken)


def limits_of(values: dict[str, Any]) -> Limits:
    """Take from the values of a command what one operator may use."""
    from auditor.scans.items import Limits

    return Limits(values["seconds"], values["memory"] << 20, values["attempts"])


@contextmanager
def opened(url: str, evidence: str | None, *, create: bool = False) -> Iterator[Store]:
    """Give a store that is open."""
    from auditor.scans.store import open_store

    store = open_store(url, evidence=evidence, create=create)
    store.tell = _say
    try:
        yield store
    finally:
        store.close()


def _say(said: Said) -> None:
    click.echo(said.in_(_options.language()), err=True)


def work_on(store: Store, run: int, values: dict[str, Any]) -> str | None:
    """Judge what waits of a run; on a terminal, with a bar.

    A signal to end is a Ctrl-C: what was judged is kept, and the run goes on later.
    """
    from auditor.errors import visible
    from auditor.scans import boxes, scanner, state

    limits, executor = limits_of(values), values["executor"]
    key = Path(values["key"]) if values["key"] else None
    with _interruptible(run), _bar() as tell:
        if executor.startswith(DASK):
            from auditor.scans import cluster

            root = cluster.scan(store, run, executor, limits, key=key, tell=tell)
        elif executor == "inline":
            root = scanner.scan(store, run, boxes.Inline(), limits, key=key, tell=tell)
        else:
            box = boxes.Children(limits, values["jobs"] or _processors())
            try:
                root = scanner.scan(store, run, box, limits, key=key, tell=tell)
            finally:
                box.close()
    _tell_decisions(store)
    for said in state.twins(store, run):
        click.echo(visible(said.in_(_options.language())), err=True)
    return root


def _tell_decisions(store: Store) -> None:
    """Say loudly which waivers and verdicts of people have lapsed since the run before, or match nothing."""
    import sqlalchemy as sa

    from auditor.errors import visible
    from auditor.scans import tables
    from auditor.scans.decisions import lapsing, told, unmatched

    run, now = tables.run.c, store.clock()
    wanted = sa.select(run.started_at).order_by(run.id.desc()).limit(2)
    began = store.ask(lambda connection: list(connection.execute(wanted).scalars()))
    before = began[1] if len(began) > 1 else None
    for said in told(lapsing(store, before, now), unmatched(store, now)):
        click.echo(visible(said.in_(_options.language())), err=True)


def _processors() -> int:
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _interruptible(run: int) -> Iterator[None]:
    """Say, whatever breaks a run off, how it goes on."""

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except BaseException:
        told = say("run {run} is interrupted; `auditor scan resume` goes on with it", run=run)
        click.echo(told.in_(_options.language()), err=True)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _bar() -> Iterator[Callable[[dict[str, int]], None]]:
    """Show how far a run is, on a terminal alone."""
    if not sys.stderr.isatty():
        yield lambda _counts: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(both("operators").in_(_options.language()), total=None)

        def tell(counts: dict[str, int]) -> None:
            total = sum(counts.values())
            progress.update(task, total=total, completed=total - counts["pending"])

        yield tell


def show_run(store: Store, run: int | None, format_: str, lang: str) -> int:
    """Print how a run stands, and give its exit code."""
    import orjson

    from auditor.scans import state

    found = state.state_of(store, run)
    if format_ == "json":
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    else:
        show_state(found, lang)
    return state.exit_code(found)


def show_state(found: dict[str, Any], lang: str) -> None:
    """Print for people how a run stands: the state on stdout, what could not be judged on stderr."""
    from auditor.errors import visible
    from auditor.scans import state

    for line in state.lines(found, lang):
        click.echo(visible(line))
    for line in state.troubles(found, lang):
        click.echo(visible(line), err=True)
