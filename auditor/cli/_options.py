"""Options that several commands share."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from auditor.language import both, say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.tables import Note

Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]


class Day(click.ParamType):  # type: ignore[type-arg]  # generic in the stubs only
    """A date written YYYY-MM-DD."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:
        """Read the text or say what was expected."""
        if isinstance(value, dt.date):
            return value
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            said = say("{value!r} is no date; write it as 2026-11-22", value=value)
            self.fail(said.in_(language()), param, ctx)


class Finite(click.ParamType):  # type: ignore[type-arg]  # as above
    """A number from 0 on; click's own range takes NaN and infinity."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read the text or say what was expected."""
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not 0 <= number < float("inf"):
            self.fail(say("{value!r} is no number from 0 on", value=value).in_(language()), param, ctx)
        return number


def language() -> str:
    """Language of help and errors, which may be wanted before the options are read."""
    asked = [value for option, value in pairwise(sys.argv) if option == "--lang"]
    asked += [word.removeprefix("--lang=") for word in sys.argv if word.startswith("--lang=")]
    return asked[-1] if asked else os.environ.get("AUDITOR_LANG", "en")


def today() -> dt.date:
    """Today in Asia/Shanghai."""
    from auditor import settings

    return settings.today()


as_of: Decorator = click.option(
    "--as-of", type=Day(), default=None, help="Judge as of this date (default: today in Asia/Shanghai)."
)
lang: Decorator = click.option(
    "--lang",
    type=click.Choice(["en", "zh"]),
    default="en",
    show_default=True,
    envvar="AUDITOR_LANG",
    help="Language.",
)
config: Decorator = click.option(
    "--config",
    type=click.Path(),
    envvar="AUDITOR_CONFIG",
    help="auditor.toml with a [policy] table and zones.",
)
zones: Decorator = click.option(
    "--zones",
    multiple=True,
    type=click.Path(),
    help="GeoJSON file or folder of further parts, beside those of --config; may be repeated.",
)


store: Decorator = click.option(
    "--store",
    "url",
    required=True,
    envvar="AUDITOR_STORE",
    metavar="URL",
    help="Store of the scans: sqlite:///scans.db or postgresql+psycopg://user@host/name.",
)
evidence: Decorator = click.option(
    "--evidence",
    type=click.Path(),
    envvar="AUDITOR_EVIDENCE",
    help="Folder of the store's files (default: beside a SQLite store, ending in .evidence).",
)


def _pairs(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> list[tuple[str, str]]:
    """Read FORMAT=PATH, or say what was expected."""
    pairs = []
    for value in values:
        name, found, path = value.partition("=")
        if not found or not name or not path:
            told = both("{value!r}: write FORMAT=PATH, as in json=result.json", value=value)
            raise click.BadParameter(told.in_(language()), ctx, param)
        pairs.append((name, path))
    return pairs


def outputs(*, help: str) -> Decorator:  # noqa: A002 -- click's own word
    """Give `-o FORMAT=PATH`, which may be repeated."""
    return click.option(
        "-o",
        "--output",
        "outputs",
        multiple=True,
        metavar="FORMAT=PATH",
        callback=_pairs,
        help=help,
    )


def refuse_formats(outputs: Iterable[tuple[str, str]], known: Iterable[str]) -> None:
    """Say which formats asked for are none.

    Raises
    ------
    UsageError
        If there are any.
    """
    from auditor.errors import UsageError

    known = list(known)
    lost = [name for name, _ in outputs if name not in known]
    if lost:
        raise UsageError(say("-o: no format is called {lost}; formats are {known}", lost=lost, known=known))


def folder_of(path: str) -> Path:
    """Folder of a declaration: itself, or where its file lies."""
    given = Path(path)
    return given if given.is_dir() else given.parent


def output_format(*formats: str) -> Decorator:
    """Give `--format` with the formats that a command writes; the first is the default."""
    return click.option(
        "--format",
        "format_",
        type=click.Choice(formats),
        default=formats[0],
        show_default=True,
        help="Format.",
    )


def tell_notes(notes: Iterable[Note], lang: str) -> None:
    """Say on stderr what was assumed in reading."""
    from auditor.messages import label, note_line

    for note in notes:
        tell(label("note", lang), note_line(note, lang), lang)


def tell(name: str, text: str, lang: str) -> None:
    """Say something on stderr, after its name."""
    from auditor.errors import visible

    click.echo(visible(both("{name}: {text}", name=name, text=text).in_(lang)), err=True)


def tell_lines(text: str) -> None:
    """Say lines on stderr, with nothing in them that a terminal would obey."""
    from auditor.errors import visible

    click.echo("\n".join(map(visible, text.split("\n"))), err=True)


def write_table(table: Any, target: str) -> None:
    """Write an Arrow table to a file, in the form that its name ends in.

    Raises
    ------
    UsageError
        A name that ends in something else.
    """
    from pathlib import Path

    import pyarrow.csv
    import pyarrow.parquet

    from auditor.errors import UsageError
    from auditor.formulas import inert_table
    from auditor.writing import written_whole

    suffix = Path(target).suffix.lower()
    if suffix not in {".parquet", ".csv", ".json"}:
        raise UsageError(say("-o: {target}: answers are written as .parquet, .csv or .json", target=target))
    with written_whole(target) as part, part.open("wb") as file:
        if suffix == ".parquet":
            pyarrow.parquet.write_table(table, file, compression="lz4")
        elif suffix == ".csv":
            pyarrow.csv.write_csv(inert_table(_flat(table)), file)
        else:
            import orjson

            file.write(orjson.dumps(table.to_pylist(), option=orjson.OPT_INDENT_2))


def _flat(table: Any) -> Any:
    """Spread structures over columns, and dictionaries over cells, as CSV needs it."""
    import pyarrow as pa

    table = table.flatten()
    plain = [c.cast(c.type.value_type) if pa.types.is_dictionary(c.type) else c for c in table.columns]
    return pa.table(plain, names=table.column_names)
