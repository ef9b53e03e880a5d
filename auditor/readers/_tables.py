"""Tables of a declaration as their files give them: CSV as text, Parquet with its types, lists of records."""

from __future__ import annotations

import csv
import datetime as dt
import io
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from auditor import cells, formulas, tables
from auditor.language import say
from auditor.problems import Origin, quote
from auditor.readers._files import BOM, OTHER_BOMS, report_encoding
from auditor.tables import MOST_COLUMNS, Frame, Note

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.readers._files import Folder
    from auditor.tables import Log

HEADER_BYTES = 1 << 20
BLOCK_BYTES = 1 << 24
THREAD_BYTES = 1 << 22
LOOKED_AT = 1 << 15  # bytes before and after what is no UTF-8
CODED_NAMES = frozenset(
    column.name
    for columns in (tables.NODES, tables.LINKS, tables.PREFIXES)
    for column in columns
    if column.type in tables.CODED
)
NEEDED = {"nodes": ("id", "kind"), "links": ("source", "target"), "prefixes": ("prefix",)}


def read_table(value: Any, key: str, folder: Folder) -> Frame | None:
    """Read a table of ``[network]``: a file of the folder, or the records themselves."""
    if value is None:
        return None
    if not isinstance(value, str):
        return read_rows(value, f"network.{key}", folder.file, NEEDED[key])
    suffix = PurePosixPath(value).suffix.lower()
    if suffix not in TABLE_FORMATS:
        hint = say("tables are {endings}", endings=list(TABLE_FORMATS))
        folder.log.problems.add(
            folder.file, "network", key, say("{value} is no table", value=quote(value)), hint
        )
        return None
    data = folder.read(value, "network", key)
    if data is None:
        return None
    frame = TABLE_FORMATS[suffix](data, value, folder.log)
    pa.default_memory_pool().release_unused()  # what the threads of Arrow kept, in half a millisecond
    return frame


def read_rows(rows: list[dict[str, Any]], word: str, file: str, columns: tuple[str, ...] = ()) -> Frame:
    """Make a table of records: `columns`, then the others in order of first sight."""
    names = list(dict.fromkeys((*columns, *(name for row in rows for name in row))))
    names = names[: MOST_COLUMNS + 1]  # more are a problem of the assembly, before they fill the memory
    table = pa.table([_column([row.get(name) for row in rows]) for name in names], names=names)
    return Frame(table, Origin.of(file, range(1, len(rows) + 1), word))


def _column(values: list[Any]) -> Any:
    try:
        array = pa.array(values)
    except (pa.ArrowException, OverflowError, ValueError, TypeError):  # values of several types
        return pa.array([_cell(value) for value in values], pa.string())
    if pa.types.is_struct(array.type) or pa.types.is_nested(array.type):
        return pa.array([_cell(value) for value in values], pa.string())
    return array


def _cell(value: Any) -> str | None:
    if _is_blank(value):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, list) and all(isinstance(part, str | int | float) for part in value):
        return ";".join(map(str, value))
    return _json(value) if isinstance(value, dict | list) else str(value)


def _is_blank(value: Any) -> bool:
    """Tell what stands for "no value" in columns of text: None, and pandas' NaN, NaT and NA."""
    unequal = isinstance(value, float | dt.date) and value != value  # noqa: PLR0124 -- as NaN and NaT are
    return value is None or unequal or type(value).__name__ == "NAType"


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value, default=str).decode()
    except TypeError:  # deeper than orjson writes, or keys that are no text
        return quote(value)


def read_parquet(data: bytes, file: str, log: Log) -> Frame | None:
    """Read a Parquet file; its types are kept."""
    try:
        table = _decoded(pa.BufferReader(data))
        table.validate(full=True)  # Arrow trusts the file's word that its text is UTF-8
        names = [name.strip() for name in table.column_names]
        for field in table.schema:
            _names_within(field.type)  # must be UTF-8 as well
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        log.problems.add(
            file,
            "",
            "",
            say("cannot be read as Parquet: {reason}", reason=_first_line(error)),
            say("is it complete?"),
        )
        return None
    return Frame(table.rename_columns(names), Origin.of(file, range(1, table.num_rows + 1), "record"))


def _decoded(source: pa.BufferReader) -> pa.Table:
    """Decode a Parquet file; text with few distinct values stays in the codes that the file has for it."""
    metadata = pyarrow.parquet.read_metadata(source)
    leaves = [metadata.schema.column(at).path for at in range(metadata.num_columns)]
    coded = [leaf for leaf in leaves if leaf.strip() in CODED_NAMES and leaves.count(leaf) == 1]
    # pyarrow.parquet.read_table would import pyarrow.dataset, for 0.1 s and more, and give many pieces.
    return pyarrow.parquet.ParquetFile(source, metadata=metadata, read_dictionary=coded).read()


def _names_within(kind: Any) -> list[str]:
    """Names of the fields of a nested type, at any depth.

    Raises
    ------
    UnicodeDecodeError
        If one is no UTF-8, which Arrow does not look at.
    """
    fields = [kind.field(at) for at in range(kind.num_fields)]
    return [name for field in fields for name in (field.name, *_names_within(field.type))]


def _first_line(error: Exception) -> str:
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return line.removeprefix("Could not open Parquet input source '<Buffer>': ").rstrip(".")[:200]


def read_csv(data: bytes, file: str, log: Log) -> Frame | None:
    """Read a CSV file, every cell as text, so that ids like 007 stay; ragged rows are problems.

    It is UTF-8, or UTF-16 with a byte order mark (then tabs may stand for commas: the "Unicode text" of
    spreadsheets), or GB18030, which is noted, since other encodings may read as that too.
    """
    wide = data[:2] in OTHER_BOMS
    text = _as_utf8(data, file, log)
    if text is None:
        return None
    if b"\0" in text:
        line = text.count(b"\n", 0, text.index(b"\0")) + 1
        log.problems.add(
            file,
            say("line {number}", number=line),
            "",
            say("holds a NUL byte"),
            say("is it really a CSV file?"),
        )
        return None
    tabs = wide and b"\t" in text.partition(b"\n")[0]
    mark = "\t" if tabs else ","
    names = _header(text, mark, file, log)
    frame = None if names is None else _body(text, mark, names, file, log)
    return _as_meant(frame, file, log) if frame is not None and b"'" in text else frame


def _as_meant(frame: Frame, file: str, log: Log) -> Frame:
    """Take off the ' by which exports keep a spreadsheet from running a cell, and say so."""
    columns = [cells.flat(column) for column in frame.table.columns]
    meant = [formulas.spoken(column) for column in columns]
    names = formulas.spoken(pa.array(frame.table.column_names, pa.string())).to_pylist()
    changed = sum(
        int(pc.sum(pc.not_equal(old, new)).as_py() or 0) for old, new in zip(columns, meant, strict=True)
    )
    if not changed and names == frame.table.column_names:
        return frame
    log.notes.append(
        Note(file, say("a ' before a formula's sign was taken off in {count:,} cells", count=changed))
    )
    return replace(frame, table=pa.table(meant, names=names))


def _as_utf8(data: bytes, file: str, log: Log) -> bytes | None:
    """Bring a file to UTF-8 without a byte order mark; None, and a problem, where that cannot be done."""
    if data[:2] in OTHER_BOMS:
        try:
            wide = data.decode("utf-16")
        except UnicodeDecodeError:
            log.problems.add(file, "", "", say("begins as UTF-16 and is none"), say("is it complete?"))
            return None
        log.notes.append(Note(file, say("read as UTF-16")))
        return wide.encode()
    if data.startswith(BOM) or _is_utf8(data):
        data = data.removeprefix(BOM)
        if _is_utf8(data):
            return data
        report_encoding(data, file, log)
        return None
    try:
        text = None if _is_damaged_utf8(data) else data.decode("gb18030")
    except UnicodeDecodeError:
        text = None
    if text is None:
        report_encoding(data, file, log)
        return None
    log.notes.append(
        Note(file, say("is not UTF-8 and was read as GB18030; look whether its names are right"))
    )
    return text.encode()


def _is_damaged_utf8(data: bytes) -> bool:
    """Tell whether most characters beyond ASCII round the first fault are UTF-8: then it is nothing else."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        text = data[max(0, error.start - LOOKED_AT) : error.start + LOOKED_AT].decode(errors="replace")
        wrong = text.count("\ufffd")
        return sum(not c.isascii() for c in text) > 2 * wrong
    return False


def _is_utf8(data: bytes) -> bool:
    """Check the encoding without making a string of it all, which may take four times the room."""
    ends = pa.array([0, len(data)], pa.int64()).buffers()[1]
    whole = pa.Array.from_buffers(pa.large_binary(), 1, [None, ends, pa.py_buffer(data)])
    try:
        whole.cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True


def _header(data: bytes, mark: str, file: str, log: Log) -> list[str] | None:
    head = io.TextIOWrapper(io.BytesIO(data[:HEADER_BYTES]), encoding="utf-8", errors="replace", newline="")
    try:
        names = [name.strip() for name in next(csv.reader(head, delimiter=mark))]
    except (csv.Error, StopIteration) as error:
        log.problems.add(
            file, say("row {number}", number=1), "", say("is no CSV table: {reason}", reason=str(error))
        )
        return None
    if not names:
        log.problems.add(
            file,
            say("row {number}", number=1),
            "",
            say("is blank"),
            say("begin with the names of the columns"),
        )
        return None
    if len(names) > MOST_COLUMNS:
        hint = say("is there a line break after the names?")
        log.problems.add(
            file,
            say("row {number}", number=1),
            "",
            say("more than {most:,} columns", most=MOST_COLUMNS),
            hint,
        )
        return None
    if len(names) == 1:
        for other, word in ((";", say("semicolons")), ("\t", say("tabs"))):
            if other in names[0]:
                log.problems.add(
                    file,
                    say("row {number}", number=1),
                    "",
                    say("the cells are separated by {word}", word=word),
                    say("separate them by commas"),
                )
                return None
    return names


def _body(data: bytes, mark: str, names: list[str], file: str, log: Log) -> Frame | None:
    source = data if data.endswith((b"\n", b"\r")) else data + b"\n"
    ragged: list[Any] = []

    def keep(row: Any) -> str:
        ragged.append(row)
        return "skip"

    try:
        table = _parsed(source, mark, names, ragged=None)
    except pa.ArrowException:  # ragged rows get their numbers, and long ones room, in one thread alone
        try:
            table = _parsed(source, mark, names, ragged=keep)
        except pa.ArrowException as error:
            large = "straddl" in str(error)
            what = (
                say("a row is larger than {most} MB", most=BLOCK_BYTES >> 20)
                if large
                else say("is no CSV table: {reason}", reason=_first_line(error))
            )
            log.problems.add(file, "", "", what, say("is a quote left open?"))
            return None
    numbers = _report_ragged(table.num_rows, ragged, file, log)
    table = table.rename_columns(names)
    _report_open_quote(data, table, numbers, file, log)
    return Frame(_without_nameless(table, file, log), Origin.of(file, numbers))


def _parsed(source: bytes, mark: str, names: list[str], ragged: Callable[[Any], str] | None) -> pa.Table:
    """Parse a CSV file, in threads unless ragged rows are asked for; few distinct texts become codes at once.

    Raises
    ------
    pyarrow.ArrowException
        Where it cannot be parsed, or a row is ragged and nobody asks for it.
    """
    labels = [str(at) for at in range(len(names))]
    kinds = [cells.CODES if name in CODED_NAMES else pa.string() for name in names]
    return pyarrow.csv.read_csv(
        pa.BufferReader(source),
        read_options=pyarrow.csv.ReadOptions(
            use_threads=ragged is None,
            column_names=labels,
            skip_rows_after_names=1,
            block_size=THREAD_BYTES if ragged is None else BLOCK_BYTES,
        ),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=mark, newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=ragged
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict(zip(labels, kinds, strict=True)), strings_can_be_null=False
        ),
    )


def _report_ragged(rows: int, ragged: list[Any], file: str, log: Log) -> Any:
    """Report rows with too few or too many cells; give the numbers of the other rows."""
    wrong = np.array([row.number for row in ragged], np.int64)
    cells = [(row.actual_columns, row.expected_columns) for row in ragged]
    hint = say("a comma in a cell needs quotes round the cell")
    log.problems.rows(
        Origin.of(file, wrong),
        np.arange(len(wrong)),
        "",
        lambda at: say("cells: {found} instead of {expected}", found=cells[at][0], expected=cells[at][1]),
        hint,
    )
    if not ragged:
        return range(2, 2 + rows)
    numbers = np.arange(2, 2 + rows + len(wrong))
    return numbers[~np.isin(numbers, wrong)]


def _report_open_quote(data: bytes, table: pa.Table, numbers: Any, file: str, log: Log) -> None:
    """Report a quote that is never closed: it swallows all rows below it into one cell."""
    last = [column[-1].as_py() or "" for column in table.columns] if len(numbers) else []
    if any("\n" in cell for cell in last) and data.count(b'"') % 2:
        log.problems.add(
            file, say("row {number}", number=numbers[-1]), "", say("a quote is opened and never closed")
        )


def _without_nameless(table: pa.Table, file: str, log: Log) -> pa.Table:
    """Leave out columns without a name where all their cells are blank; report them otherwise."""
    names = table.column_names
    for at in reversed(range(len(names))):
        if names[at]:
            continue
        if any(value.strip() for value in table.column(at).unique().to_pylist()):
            log.problems.add(
                file, say("row {number}", number=1), say("column {number}", number=at + 1), say("has no name")
            )
        table = table.remove_column(at)
    return table


TABLE_FORMATS: dict[str, Callable[[bytes, str, Log], Frame | None]] = {
    ".csv": read_csv,
    ".parquet": read_parquet,
}
