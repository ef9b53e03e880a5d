"""Values of a batch of findings: shared by all of its subjects, or one a subject, held as columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence

    import pyarrow as pa

    from auditor.columns import IntArray


@dataclass(frozen=True, slots=True)
class Each:
    """A column of arguments that is computed one subject at a time, when somebody reads it.

    Parameters
    ----------
    get
        From the position in the batch to the value.
    """

    get: Callable[[int], Any]

    def take(self, positions: IntArray) -> Each:
        """Give the part at `positions`."""
        return Each(lambda i: self.get(int(positions[i])))


@dataclass(frozen=True, slots=True)
class Distinct:
    """A column with few distinct values, each of them kept and written once.

    Parameters
    ----------
    codes
        One a subject, into `values`.
    values
        The distinct values, of any type.

    Examples
    --------
    >>> column = Distinct(np.array([0, 1, 0]), ["core-1", None])
    >>> [column.get(i) for i in range(3)]
    ['core-1', None, 'core-1']
    """

    codes: IntArray
    values: Sequence[Any]

    def get(self, position: int) -> Any:
        """Value of one subject."""
        return self.values[self.codes[position]]

    def take(self, positions: IntArray) -> Distinct:
        """Give the part at `positions`."""
        return Distinct(self.codes[positions], self.values)


@dataclass(frozen=True)
class Lists:
    """A column of lists of names, such as ways through a network, laid end to end.

    Parameters
    ----------
    offsets
        Where each subject's list begins in `codes`; one more than there are subjects.
    codes
        Into `names`.
    names
        Distinct names, as Arrow strings; null for a far end that nobody declared.
    """

    offsets: IntArray
    codes: IntArray
    names: pa.Array

    @cached_property
    def _words(self) -> list[str | None]:
        words: list[str | None] = self.names.to_pylist()
        return words

    def get(self, position: int) -> list[str | None]:
        """List of one subject."""
        words = self._words
        return [words[i] for i in self.codes[self.offsets[position] : self.offsets[position + 1]].tolist()]

    def take(self, positions: IntArray) -> Lists:
        """Give the part at `positions`."""
        lengths = np.diff(self.offsets)[positions]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        at = np.repeat(self.offsets[positions] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return Lists(offsets, self.codes[at], self.names)


class Late:
    """A column that is computed for all subjects at once, when somebody reads one of them.

    Parameters
    ----------
    make
        Gives the column.
    """

    def __init__(self, make: Callable[[], Distinct | Lists | np.ndarray[Any, Any]]) -> None:
        self._make = make

    @cached_property
    def column(self) -> Distinct | Lists | np.ndarray[Any, Any]:
        """The column."""
        return self._make()

    def get(self, position: int) -> Any:
        """Value of one subject."""
        column = self.column
        return column[position] if isinstance(column, np.ndarray) else column.get(position)

    def take(self, positions: IntArray) -> Late:
        """Give the part at `positions`."""
        return Late(
            lambda: (
                self.column[positions] if isinstance(self.column, np.ndarray) else self.column.take(positions)
            )
        )


Column: TypeAlias = Each | Distinct | Lists | Late
"""What holds one value a subject, beside numpy arrays."""
_COLUMNS = (np.ndarray, Each, Distinct, Lists, Late)  # a union would be made anew for each value asked about


def is_column(value: Any) -> bool:
    """Whether a value of a batch holds one value a subject."""
    return isinstance(value, _COLUMNS)


def ready(value: Any) -> Any:
    """Make a column that is made late; all else stays."""
    return value.column if isinstance(value, Late) else value


def value_at(value: Any, position: int) -> Any:
    """Value of one subject; what is no column is shared by all."""
    if isinstance(value, np.ndarray):
        return value.item(position)
    return value.get(position) if is_column(value) else value


def part_of(value: Any, positions: IntArray) -> Any:
    """Give the part of a column at `positions`; what is no column stays."""
    if isinstance(value, np.ndarray):
        return value[positions]
    return value.take(positions) if is_column(value) else value


def picker(values: Mapping[str, Any]) -> Callable[[int], dict[str, Any]]:
    """Give a function from a position in a batch to the values of that subject; shared ones come first."""
    shared = {key: value for key, value in values.items() if not is_column(value)}
    own = [
        (key, value.item if isinstance(value, np.ndarray) else value.get)
        for key, value in values.items()
        if key not in shared
    ]

    def pick_(position: int) -> dict[str, Any]:
        return shared | {key: get(position) for key, get in own}

    return pick_


def pick(values: Mapping[str, Any], position: int) -> dict[str, Any]:
    """Values of one subject of a batch."""
    return picker(values)(position)


def coded(value: Any, positions: IntArray) -> Distinct:
    """Give the values of some subjects with each distinct one held once, whatever the column is.

    Parameters
    ----------
    value
        A column, or a value that all share.
    positions
        Of the subjects in the batch.
    """
    value = ready(value)
    if isinstance(value, Distinct):
        used, codes = np.unique(value.codes[positions], return_inverse=True)
        return Distinct(codes, [value.values[i] for i in used.tolist()])
    if isinstance(value, np.ndarray) and value.dtype != object:
        chosen = np.ascontiguousarray(value[positions])
        bits = chosen.view(np.int64) if chosen.dtype == np.float64 else chosen  # else 0.0 would be -0.0
        used, first, codes = np.unique(bits, return_index=True, return_inverse=True)
        return Distinct(codes, chosen[first].tolist())
    if isinstance(value, np.ndarray | Each | Lists):
        return Distinct(np.arange(len(positions)), [value_at(value, i) for i in positions.tolist()])
    return Distinct(np.zeros(len(positions), np.int64), [value])


def combined(columns: Sequence[Distinct], size: int) -> Distinct:
    """Give the distinct combinations of the values of several columns, as tuples.

    Examples
    --------
    >>> both = combined([Distinct(np.array([0, 1, 0]), "ab"), Distinct(np.array([0, 0, 0]), "x")], 3)
    >>> both.codes.tolist(), both.values
    ([0, 1, 0], [('a', 'x'), ('b', 'x')])
    """
    codes, first = np.zeros(size, np.int64), np.zeros(min(size, 1), np.int64)
    for column in columns:
        pairs = codes * len(column.values) + column.codes
        _, first, codes = np.unique(pairs, return_index=True, return_inverse=True)
    return Distinct(codes, [tuple(column.get(i) for column in columns) for i in first.tolist()])


def argued(
    args: Mapping[str, Any], shown: Container[str], size: int, look: Callable[[Any], Distinct]
) -> Distinct:
    """Give the distinct arguments with which subjects fill a message, so that each is filled once.

    Parameters
    ----------
    args
        Of a batch.
    shown
        Names of those that the message shows; others tell nothing apart.
    size
        Number of subjects.
    look
        From a column to its values of these subjects, as `coded` gives them.

    Examples
    --------
    >>> args = {"end": Distinct(np.array([0, 1, 0]), ["core-1", "core-2"]), "count": np.arange(3)}
    >>> told = argued(args, {"end"}, 3, lambda column: coded(column, np.arange(3)))
    >>> told.codes.tolist(), [each["end"] for each in told.values]
    ([0, 1, 0], ['core-1', 'core-2'])
    """
    keys = [key for key, value in args.items() if key in shown and is_column(value)]
    several = combined([look(args[key]) for key in keys], size)
    filled = [{**args, **dict(zip(keys, own, strict=True))} for own in several.values]
    return Distinct(several.codes, filled)
