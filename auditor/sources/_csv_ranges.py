"""IP databases as tables of ranges: CSV and Parquet with columns start and end, or prefix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from auditor.addresses import Addresses
from auditor.blocks import keys
from auditor.columns import Coded
from auditor.errors import DataError
from auditor.language import say
from auditor.problems import Origin, Problems, quote
from auditor.sources._blocks import ordered
from auditor.sources._ranges import Ranges, find
from auditor.sources._records import NAMES, Database, Records, as_number, fields, kinds, said

if TYPE_CHECKING:
    from auditor.columns import BoolArray, IntArray
    from auditor.sources._blocks import Hits

RANGE = {
    "start": ("start", "startip", "ipstart", "ipfrom", "from", "起始ip", "起始", "开始ip", "起始地址"),
    "end": ("end", "endip", "ipend", "ipto", "to", "结束ip", "结束", "终止ip", "结束地址"),
    "prefix": ("prefix", "network", "cidr", "网段", "前缀"),
}
COLUMNS = say(
    "name columns start, end (or prefix), country, province, city, district, isp, asn, between commas"
)
UTF8 = say("save it as UTF-8; if it reads as GB18030: iconv -f GB18030 -t UTF-8")


def open_csv(data: bytes, file: str) -> Database:
    """Open a CSV file of ranges; the first row names the columns.

    Raises
    ------
    DataError
        All that is wrong with it.
    """
    table, ragged = _parse(data, file)
    problems = Problems()
    cut = np.array([row.number for row in ragged], np.int64)
    problems.rows(
        Origin.of(file, cut),
        np.arange(len(cut)),
        "",
        lambda at: say(
            "cells: {found} instead of {expected}",
            found=ragged[at].actual_columns,
            expected=ragged[at].expected_columns,
        ),
        say("a comma in a cell needs quotes round the cell"),
    )
    rows = np.setdiff1d(np.arange(1, 1 + table.num_rows + len(cut)), cut)
    if b'"' in data:  # Arrow takes the rest of the file for the cell whose quote is left open
        broken = [pc.match_substring(column, "\n").to_numpy() for column in table.columns]
        lines = np.logical_or.reduce(broken).astype(np.bool_)
        problems.rows(
            Origin.of(file, rows),
            lines,
            "",
            lambda _: say("holds a line break"),
            say("is a quote left open?"),
        )
    head = [column[0].as_py().strip() for column in table.columns] if table.num_rows else []
    return _Table(table.slice(1), head, Origin.of(file, rows[1:]), problems).open()


def _parse(data: bytes, file: str) -> tuple[pa.Table, list[Any]]:
    """Cells as text, the names among them, and the rows that are too short or too long."""
    ragged: list[Any] = []

    def keep(row: Any) -> str:
        ragged.append(row)
        return "skip"

    commas = data[: data.find(b"\n") + 1 or None].count(b",")  # as many or more than between the names
    as_text = dict.fromkeys((f"f{at}" for at in range(commas + 1)), pa.string())
    try:
        data.decode()  # Arrow stumbles where ragged rows are not UTF-8
        table = pyarrow.csv.read_csv(
            pa.BufferReader(data.removeprefix(b"\xef\xbb\xbf")),
            read_options=pyarrow.csv.ReadOptions(use_threads=False, autogenerate_column_names=True),
            parse_options=pyarrow.csv.ParseOptions(invalid_row_handler=keep, ignore_empty_lines=False),
            convert_options=pyarrow.csv.ConvertOptions(column_types=as_text, strings_can_be_null=False),
        )
        return pa.table([column.cast(pa.string()) for column in table.columns], table.column_names), ragged
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            say("{file}, line {number}: is not UTF-8; {hint}", file=file, number=line, hint=UTF8)
        ) from None
    except pa.ArrowException as error:
        raise DataError(
            say(
                "{file}: is no CSV table: {reason}",
                file=file,
                reason=str(error).splitlines()[0][:200],
            )
        ) from None


def open_parquet(data: bytes, file: str) -> Database:
    """Open a Parquet file of ranges; IPv4 addresses may be whole numbers.

    Raises
    ------
    DataError
        All that is wrong with it.
    """
    try:
        table = pyarrow.parquet.read_table(pa.BufferReader(data))
        table.validate(full=True)
        names = [name.strip() for name in table.column_names]
        table = pa.table(
            [column.cast(pa.string()) for column in table.columns], names=list(map(str, range(len(names))))
        )
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        why = (str(error).splitlines() or [""])[0][:200]
        raise DataError(
            say(
                "{file}: cannot be read as Parquet of plain columns: {reason}; is it whole?",
                file=file,
                reason=why,
            )
        ) from None
    return _Table(
        table, names, Origin.of(file, np.arange(1, table.num_rows + 1), "record"), Problems()
    ).open()


class _Table:
    """A table of text while it is read."""

    def __init__(self, table: pa.Table, head: list[str], origin: Origin, problems: Problems) -> None:
        self.origin, self.problems, self.file = origin, problems, origin.files[0]
        twice = sorted({name for name in head if head.count(name) > 1 and name})
        for name in twice:
            problems.add(
                self.file, "", name, say("the column is there more than once"), say("rename or remove one")
            )
        self.given = fields(head, {**RANGE, **NAMES})
        self.head = head
        self.cells = {name: table.column(head.index(field)) for name, field in self.given.items()}

    def open(self) -> Database:
        """Bring it into order and make a database of it, or raise all problems."""
        ranged = {"start", "end"} <= self.cells.keys()
        if not ranged and "prefix" not in self.cells:
            what = say(
                "neither start and end nor prefix is a column: {names}",
                names=list(map(quote, self.head[:12])),
            )
            self.problems.add(self.file, say("row {number}", number=1), "", what, COLUMNS)
            self._raise()
        told = kinds(self.cells.keys() - RANGE.keys(), self.file, self.head)
        first = self._addresses("start") if ranged else self._addresses("prefix")
        last = self._addresses("end") if ranged else first
        columns = {name: _coded(self.cells[name]) for name in NAMES if name in self.cells}
        if "asn" in columns:
            columns["asn"] = self._numbers(columns["asn"])
        self._rows(
            (first.version != last.version) & (first.version > 0) & (last.version > 0),
            "start",
            lambda _: say("start and end are not of one IP version"),
        )
        ranges, rows = {}, {}
        for version in (4, 6):
            if (first.version == version).any():
                ranges[version], rows[version] = self._sorted(first, last, version)
        self._raise()

        def look_up(addresses: Addresses) -> tuple[Hits, Records]:
            at, hits = find(ranges, addresses, rows).distinct()
            return hits, Records({n: c.take(at) for n, c in columns.items()}, np.zeros(len(at), np.bool_))

        return Database(told, tuple(ranges), look_up)

    def _addresses(self, name: str) -> Addresses:
        text = pc.utf8_trim_whitespace(self.cells[name].combine_chunks())
        if name != "prefix" and len(text) and pc.all(pc.match_substring_regex(text, "^[0-9]{1,10}$")).as_py():
            numbers = text.cast(pa.int64()).to_numpy()
            self._rows(
                numbers >= 1 << 32,
                self.given[name],
                lambda row: say("{value} is no IPv4 address", value=numbers[row]),
            )
            return Addresses.of((numbers & 0xFFFFFFFF).astype(np.uint32))
        found = Addresses.of(text)
        self._rows(~found.fault.blank, self.given[name], lambda row: found.fault.at(row) or "")
        if name != "prefix":
            block = (found.version > 0) & ~found.single
            hint = say("call a column of blocks prefix")
            self._rows(
                block, self.given[name], lambda row: say("{value} is a block", value=quote(text[row])), hint
            )
        return found

    def _numbers(self, column: Coded) -> Coded:
        wrong = {value for value in column.values if as_number(value) is None}
        rows = column.isin(wrong)
        self._rows(
            rows, self.given["asn"], lambda row: say("{value} is no AS number", value=quote(column.at(row)))
        )
        return (
            column if wrong else Coded(column.codes, tuple(as_number(value) or "" for value in column.values))
        )

    def _sorted(self, first: Addresses, last: Addresses, version: int) -> tuple[Ranges, IntArray]:
        """Ranges of one version in order, and the row of each; note those that are turned or overlap."""
        rows = np.flatnonzero((first.version == version) & (last.version == version))
        low, high = (keys(part.take(rows), version)[at] for part, at in ((first, 1), (last, 2)))
        turned = ordered(high) < ordered(low)
        self._rows(
            rows[turned], "", lambda _: say("the range ends before it starts"), say("swap start and end")
        )
        low, high, rows = low[~turned], high[~turned], rows[~turned]
        order = np.argsort(ordered(low), kind="stable")
        ranges, rows = Ranges(low[order], high[order]), rows[order]
        after = np.flatnonzero(ranges.broken())
        above = dict(zip(rows[after].tolist(), rows[after - 1].tolist(), strict=True))
        hint = say("give ranges that do not overlap")
        self._rows(
            rows[after],
            "",
            lambda row: say("overlaps the range of {place}", place=self.origin.at(above[row])[1]),
            hint,
        )
        return ranges, rows.astype(np.int64)

    def _rows(self, rows: BoolArray | IntArray, field: str, what: Any, hint: str = "") -> None:
        self.problems.rows(self.origin, rows, field, what, hint)

    def _raise(self) -> None:
        if self.problems.found:
            raise DataError(*self.problems.found)


def _coded(column: Any) -> Coded:
    found = Coded.of(column)
    values = [said(value) for value in found.values]
    named = tuple(dict.fromkeys(value for value in values if value is not None))
    codes = np.array([*(-1 if value is None else named.index(value) for value in values), -1], np.int32)
    return Coded(codes[found.codes], named)
