"""Frames on the command line: columns for people, CSV and JSON for machines."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import TYPE_CHECKING, Any

from auditor.language import both

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from auditor.language import Text

HEADS = {  # of columns that several commands print
    "run": both("run"),
    "as_of": both("date"),
    "fail": both("findings: fail"),
    "undecided": both("findings: undecided"),
    "new": both("new"),
    "fixed": both("fixed"),
    "regressed": both("regressed"),
    "reopened": both("reopened otherwise"),
    "closed": both("closed otherwise"),
    "root": both("root"),
}


def plain(value: Any) -> Any:
    """Give a cell as JSON knows it: no NaN, numbers of Python, dates as they are."""
    if value is None or value != value:  # noqa: PLR0124 -- NaN and NaT are unlike themselves
        return None
    return value.item() if hasattr(value, "item") else value


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Give one mapping a row, in plain values."""
    columns = [[None if gone else plain(v) for v, gone in _cells(frame[name])] for name in frame.columns]
    return [dict(zip(frame.columns, row, strict=True)) for row in zip(*columns, strict=True)]


def _cells(column: pd.Series[Any]) -> zip[tuple[Any, bool]]:
    return zip(column.astype(object), column.isna(), strict=True)


def json(schema: str, **values: Any) -> str:
    """Write values under the name of their form; instants in UTC."""
    import orjson

    options = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps({"schema": schema, **values}, option=options).decode()


def as_csv(frame: pd.DataFrame) -> str:
    """Write CSV in which no cell is a formula."""
    import pyarrow as pa

    from auditor.formulas import inert

    rows = records(frame)
    columns = [inert(pa.array([_text(row[name]) for row in rows], pa.string())) for name in frame.columns]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([list(frame.columns), *zip(*(column.to_pylist() for column in columns), strict=True)])
    return out.getvalue()


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def table(head: Iterable[Text], rows: Sequence[Sequence[Any]], lang: str) -> str:
    """Lay cells in columns by the width at which a terminal shows them; numbers to the right."""
    from rich.cells import cell_len

    from auditor.errors import visible

    shown = [[text.in_(lang) for text in head]]
    shown += [[visible("–" if cell is None else _shown(cell)) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*shown, strict=True)]
    right = [all(isinstance(row[n], int | type(None)) for row in rows) for n in range(len(widths))]

    def line(cells: list[str]) -> str:
        blanks = [" " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)]
        laid = [b + c if r else c + b for c, b, r in zip(cells, blanks, right, strict=True)]
        return "  ".join(laid).rstrip() + "\n"

    return "".join(map(line, shown))


def _shown(cell: Any) -> str:
    return f"{cell:,}" if isinstance(cell, int) else _text(cell)
