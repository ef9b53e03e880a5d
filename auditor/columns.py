"""Columns of Arrow tables as numpy arrays: coded strings, floats with NaN, days, flags."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from auditor.arrow import pa, pc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

BoolArray: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]
IntArray: TypeAlias = np.ndarray[Any, np.dtype[np.integer[Any]]]
FloatArray: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

# Marks that our graphs bear; by a name of their own, lest a column of somebody else's be taken for one.
DECLARED = "auditor_declared"  # false: links name the node, nobody declared it
BLANK = "auditor_blank"  # true: the node stands for a far end that is blank
CARRIED = "auditor"  # name under which a graph file carries the records of a declaration
REVERSE = "auditor_reverse"  # true: the arc is the way back of a link, not one of its own

EPOCH = dt.date(1970, 1, 1)  # days are counted from it
FIRST_DAY = np.int32(-(2**31) + 1)
LAST_DAY = np.int32(2**31 - 1)
BLOCK = 1 << 18  # rows at a time
MOST_COMPARED = 8  # values that are looked for one by one


@dataclass(frozen=True)
class Coded:
    """A column of strings as small integers into a list of distinct values.

    Parameters
    ----------
    codes
        int32, one a row, -1 for blank.
    values
        The distinct strings, in order of first appearance.

    Examples
    --------
    >>> column = Coded.of(["bng", None, "olt", "bng"])
    >>> column.codes.tolist(), column.values
    ([0, -1, 1, 0], ('bng', 'olt'))
    >>> column.isin({"bng"}).tolist()
    [True, False, False, True]
    """

    codes: IntArray
    values: tuple[str, ...]

    @classmethod
    def of(cls, column: Any) -> Coded:
        """Code an Arrow column (plain or dictionary) or any sequence of strings and ``None``."""
        array = column if isinstance(column, pa.Array | pa.ChunkedArray) else pa.array(column, pa.string())
        if array.null_count == len(array):  # most columns of most tables: no memory, no time
            return cls(filled(-1, len(array), np.int32), ())
        array = whole(array)
        if not pa.types.is_dictionary(array.type):
            array = array.dictionary_encode()
        codes = pc.fill_null(array.indices, -1) if array.null_count else array.indices
        return cls(codes.to_numpy().astype(np.int32, copy=False), tuple(array.dictionary.to_pylist()))

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def blank(self) -> BoolArray:
        """Rows without a value."""
        return self.codes < 0

    def map(self, function: Callable[[str], Any], *, blank: Any, dtype: Any) -> np.ndarray[Any, Any]:
        """Apply `function` to each distinct value and spread the answers over the rows."""
        answers = np.array([*map(function, self.values), blank], dtype=dtype)
        if not self.values:
            return np.full(len(self), blank, dtype)
        return picked(answers, self.codes)  # -1 picks the last: blank

    def lookup(self, table: Mapping[str, Any], *, default: Any, dtype: Any) -> np.ndarray[Any, Any]:
        """Map through `table`; blanks and values it lacks get `default`."""
        return self.map(lambda value: table.get(value, default), blank=default, dtype=dtype)

    def isin(self, values: Iterable[str]) -> BoolArray:
        """Rows whose value is one of `values`."""
        wanted = frozenset(values)
        codes = [code for code, value in enumerate(self.values) if value in wanted]
        if len(codes) > MOST_COMPARED:
            return self.map(wanted.__contains__, blank=False, dtype=np.bool_)
        mask = np.zeros(len(self), np.bool_)
        for code in codes:  # ten times as fast as `map` for each of them
            mask |= self.codes == code
        return mask

    def at(self, row: int) -> str | None:
        """Value of one row."""
        code = int(self.codes[row])
        return None if code < 0 else self.values[code]

    def take(self, rows: IntArray) -> Coded:
        """Rows by position; -1 gives a blank."""
        if not self.values:
            return Coded(filled(-1, len(rows), np.int32), ())
        codes = self.codes[rows]
        codes[rows < 0] = -1
        return Coded(codes, self.values)

    def arrow(self) -> pa.DictionaryArray:
        """Give the column back to Arrow, as it is coded."""
        codes = pa.array(self.codes, mask=self.blank if self.blank.any() else None)
        return pa.DictionaryArray.from_arrays(codes, pa.array(self.values, pa.string()))


def paired(one: Coded, other: Coded | None) -> tuple[IntArray, list[tuple[int, int]]]:
    """Number the pairs of values that two columns have in a row.

    Parameters
    ----------
    one, other
        Columns of one length; a missing one is blank.

    Returns
    -------
    tuple
        One a row, the number of its pair, where -1 means the last; and for each number its two codes. Where
        `other` is all blank there may be pairs that no row has.

    Examples
    --------
    >>> which, pairs = paired(Coded.of(["a", None, "a"]), Coded.of([None, "x", None]))
    >>> [pairs[number] for number in which]
    [(0, -1), (-1, 0), (0, -1)]
    """
    if other is None or not other.values:
        return one.codes, [(code, -1) for code in (*range(len(one.values)), -1)]
    width = len(other.values) + 1
    pair = one.codes.astype(np.int64)
    pair *= width
    pair += other.codes
    coded = pa.array(pair).dictionary_encode()  # several times as fast as to sort them
    pairs = [divmod(number + 1, width) for number in coded.dictionary.to_pylist()]
    return coded.indices.to_numpy(), [(name, code - 1) for name, code in pairs]


def filled(value: Any, size: int, dtype: Any) -> np.ndarray[Any, Any]:
    """Give a column of one value; it takes no memory, and must not be written to."""
    return np.broadcast_to(np.array(value, dtype), size)


def whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Give a column in one piece, without a copy where it is one."""
    if isinstance(column, pa.Array):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def offsets(column: pa.StringArray) -> IntArray:
    """Where the strings of an array begin in its bytes (int32), and where the last one ends."""
    if not len(column):
        return np.zeros(1, np.int32)
    return np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + len(column) + 1]


def text_bytes(column: pa.StringArray) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Bytes of the strings of an array, one after another; what begins at the first of `offsets`."""
    ends = offsets(column)
    return np.frombuffer(column.buffers()[2] or b"", np.uint8)[ends[0] : ends[-1]]


def picked(values: np.ndarray[Any, Any], rows: IntArray) -> np.ndarray[Any, Any]:
    """Give ``values[rows]``, -1 for the last, a block at a time.

    Numpy makes eight bytes of each row first, which for ten million of them costs 80 MB and half the time.
    """
    picks = np.empty(rows.size, values.dtype)
    for start in range(0, rows.size, BLOCK):
        block = slice(start, start + BLOCK)
        np.take(values, rows[block], out=picks[block], mode="wrap")
    return picks


def floats(table: pa.Table, name: str) -> FloatArray:
    """Numbers of a column as float64, NaN where blank or where the table has no such column."""
    column = _given(table, name)
    if column is None:
        return filled(np.nan, table.num_rows, np.float64)
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def days(table: pa.Table, name: str, *, blank: int) -> IntArray:
    """Dates of a column as days since 1970-01-01 (int32), `blank` where there is none."""
    column = _given(table, name)
    if column is None:
        return filled(blank, table.num_rows, np.int32)
    column = pc.fill_null(column.cast(pa.date32()).cast(pa.int32()), int(blank))
    return np.asarray(column.to_numpy(), np.int32)


def flags(table: pa.Table, name: str) -> BoolArray:
    """Booleans of a column, false where blank."""
    column = _given(table, name)
    if column is None:
        return np.zeros(table.num_rows, np.bool_)
    given = pc.fill_null(column.cast(pa.bool_()), fill_value=False)
    return np.asarray(given.to_numpy(zero_copy_only=False), np.bool_)


def _given(table: pa.Table, name: str) -> pa.Array | None:
    """Give a column in one piece; nothing where the table lacks it or all of it is blank."""
    column = table.column(name) if name in table.column_names else None
    return None if column is None or column.null_count == len(column) else whole(column)
