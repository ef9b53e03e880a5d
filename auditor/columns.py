"""Columns of Arrow tables as numpy arrays: coded strings, floats with NaN, days, flags."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
            if isinstance(array, pa.ChunkedArray):  # a table of no rows
                array = pa.array([], array.type)
        if not pa.types.is_dictionary(array.type):
            array = array.dictionary_encode()
        codes = pc.fill_null(array.indices, -1).to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
        return cls(codes, tuple(array.dictionary.to_pylist()))

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def blank(self) -> BoolArray:
        """Rows without a value."""
        return self.codes < 0

    def map(self, function: Callable[[str], Any], *, blank: Any, dtype: Any) -> np.ndarray[Any, Any]:
        """Apply `function` to each distinct value and spread the answers over the rows."""
        answers = np.array([*map(function, self.values), blank], dtype=dtype)
        spread: np.ndarray[Any, Any] = answers[self.codes]  # -1 picks the last: blank
        return spread

    def lookup(self, table: Mapping[str, Any], *, default: Any, dtype: Any) -> np.ndarray[Any, Any]:
        """Map through `table`; blanks and values it lacks get `default`."""
        return self.map(lambda value: table.get(value, default), blank=default, dtype=dtype)

    def isin(self, values: Iterable[str]) -> BoolArray:
        """Rows whose value is one of `values`."""
        wanted = frozenset(values)
        return self.map(wanted.__contains__, blank=False, dtype=np.bool_)

    def at(self, row: int) -> str | None:
        """Value of one row."""
        code = int(self.codes[row])
        return None if code < 0 else self.values[code]

    def take(self, rows: IntArray) -> Coded:
        """Rows by position; -1 gives a blank."""
        padded = np.append(self.codes, np.int32(-1))  # so that -1 finds a blank, in a table of no rows too
        return Coded(padded[rows], self.values)

    def arrow(self) -> pa.DictionaryArray:
        """Give the column back to Arrow, as it is coded."""
        codes = pa.array(self.codes, mask=self.blank if self.blank.any() else None)
        return pa.DictionaryArray.from_arrays(codes, pa.array(self.values, pa.string()))


def floats(table: pa.Table, name: str) -> FloatArray:
    """Numbers of a column as float64, NaN where blank or where the table has no such column."""
    if name not in table.column_names:
        return np.full(table.num_rows, np.nan)
    column = table.column(name).cast(pa.float64())
    return np.asarray(column.to_numpy(), np.float64)


def days(table: pa.Table, name: str, *, blank: int) -> IntArray:
    """Dates of a column as days since 1970-01-01 (int32), `blank` where there is none."""
    if name not in table.column_names:
        return np.full(table.num_rows, blank, np.int32)
    column = pc.fill_null(table.column(name).cast(pa.date32()).cast(pa.int32()), int(blank))
    return np.asarray(column.to_numpy(), np.int32)


def flags(table: pa.Table, name: str) -> BoolArray:
    """Booleans of a column, false where blank."""
    if name not in table.column_names:
        return np.zeros(table.num_rows, np.bool_)
    return np.asarray(
        pc.fill_null(table.column(name).cast(pa.bool_()), fill_value=False).to_numpy(), np.bool_
    )
