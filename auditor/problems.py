"""Collects everything wrong in an input, to be mended in one go; long lists are counted, not hidden."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from auditor.columns import filled
from auditor.errors import DeclarationError, Problem
from auditor.language import Said, both, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from auditor.columns import BoolArray, IntArray
    from auditor.language import Text

SHOWN = 20
LONGEST = 60


def quote(value: object) -> str:
    r"""Show a value of an input in a message: short, and with nothing in it that a terminal would obey.

    Examples
    --------
    >>> quote("a\x1b[31mb"), quote(None)
    ("'a\\x1b[31mb'", 'nothing')
    """
    if value is None:
        return say("nothing")
    text = str(value)
    text = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return "'" + "".join(c if c.isprintable() else repr(c)[1:-1] for c in text) + "'"


def nearest(word: str, words: Iterable[str]) -> str:
    """Say which of `words` may have been meant, or list them.

    Examples
    --------
    >>> nearest("ruter", ["router", "pop"])
    "did you mean 'router'?"
    >>> nearest("x", ["both", "forward"])
    'one of both, forward'
    """
    words = list(words)
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if close:
        return say("did you mean {word!r}?", word=close[0])
    return say("one of {words}", words=words)


@cache
def _words() -> dict[str, tuple[Text, Text]]:
    """Give for what a row of a table is called: one of them, and that more have the same fault."""
    return {
        "row": (both("row {number}"), both("the same in {count:,} more rows: {numbers}")),
        "line": (both("line {number}"), both("the same in {count:,} more lines: {numbers}")),
        "record": (both("record {number}"), both("the same in {count:,} more records: {numbers}")),
        "node": (both("node {number}"), both("the same in {count:,} more nodes: {numbers}")),
        "edge": (both("edge {number}"), both("the same in {count:,} more edges: {numbers}")),
        "link": (both("link {number}"), both("the same in {count:,} more links: {numbers}")),
        "element": (both("element {number}"), both("the same in {count:,} more elements: {numbers}")),
        "connection": (
            both("connection {number}"),
            both("the same in {count:,} more connections: {numbers}"),
        ),
        "feature": (both("feature {number}"), both("the same in {count:,} more features: {numbers}")),
        "placemark": (both("placemark {number}"), both("the same in {count:,} more placemarks: {numbers}")),
        "prefix": (both("prefix {number}"), both("the same in {count:,} more prefixes: {numbers}")),
        "block": (both("block {number}"), both("the same in {count:,} more blocks: {numbers}")),
        "object": (both("object {number}"), both("the same in {count:,} more objects: {numbers}")),
        "point": (both("point {number}"), both("the same in {count:,} more points: {numbers}")),
        "address": (both("address {number}"), both("the same in {count:,} more addresses: {numbers}")),
        "network": (both("network {number}"), both("the same in {count:,} more networks: {numbers}")),
    }


def numbered(word: str, number: object) -> str:
    """Name one row of a table by its number; what is no word but a key stays as it is.

    Examples
    --------
    >>> numbered("row", 3), numbered("network.nodes", 3)
    ('row 3', 'network.nodes 3')
    """
    known = _words().get(word)
    return Said(known[0].en, {"number": number}) if known else f"{word} {number}"


def _the_same(word: str, numbers: IntArray) -> str:
    """Say that more rows have the same fault."""
    known = _words().get(word)
    count, listed = len(numbers), spans(numbers)
    if known:
        return Said(known[1].en, {"count": count, "numbers": listed})
    return say("the same in {count:,} more of {key}: {numbers}", count=count, key=word, numbers=listed)


def spans(numbers: IntArray, limit: int = SHOWN) -> str:
    """Write sorted numbers as ranges; the text ends in an ellipsis after `limit` ranges.

    Examples
    --------
    >>> spans(np.array([2, 3, 4, 9]))
    '2-4, 9'
    """
    starts = np.flatnonzero(np.diff(numbers, prepend=-2) != 1)
    ends = np.append(starts[1:], len(numbers)) - 1
    pairs = zip(numbers[starts[:limit]].tolist(), numbers[ends[:limit]].tolist(), strict=True)
    text = ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in pairs)
    return text + (", …" if len(starts) > limit else "")


def clauses(*parts: str) -> str:
    """Put parts of a message side by side, in each language by its own semicolon.

    Examples
    --------
    >>> clauses("one", "two", "three")
    'one; two; three'
    """
    first, *rest = parts
    return say("{first}; {rest}", first=first, rest=clauses(*rest)) if rest else first


@dataclass(frozen=True)
class Origin:
    """Where the rows of a table came from: what a message calls them.

    Parameters
    ----------
    files
        Names of the files the rows came from.
    words
        What a row of each file is called: ``row`` of a sheet, ``record`` of a list, ``node`` of a graph.
    code
        int8, one a row: position in `files`.
    numbers
        Integers, one a row: number of the row as its file shows it (a sheet's header is row 1). A range takes
        no memory.
    """

    files: tuple[str, ...]
    words: tuple[str, ...]
    code: IntArray
    numbers: IntArray | range

    @classmethod
    def of(cls, file: str, numbers: IntArray | range, word: str = "row") -> Origin:
        """Give the origin of a table that is one file."""
        return cls((file,), (word,), filled(0, len(numbers), np.int8), numbers)

    @property
    def number(self) -> IntArray:
        """The numbers as an array."""
        given = self.numbers
        return np.arange(given.start, given.stop, given.step) if isinstance(given, range) else given

    def at(self, row: int) -> tuple[str, str]:
        """Name file and place of one row."""
        code = int(self.code[row])
        return self.files[code], numbered(self.words[code], self.numbers[row])

    def take(self, rows: BoolArray | IntArray) -> Origin:
        """Keep some rows."""
        return Origin(self.files, self.words, self.code[rows], self.number[rows])

    def append(self, other: Origin) -> Origin:
        """Put the rows of `other` below these."""
        return Origin(
            self.files + other.files,
            self.words + other.words,
            np.concatenate([self.code, (other.code + len(self.files)).astype(np.int8)]),
            np.concatenate([self.number, other.number]),
        )


@dataclass
class Problems:
    """A growing list of problems; nothing is raised until everything has been looked at."""

    found: list[Problem] = field(default_factory=list)

    def add(self, file: str, where: str, field: str, what: str, hint: str = "") -> None:
        """Note one problem."""
        self.found.append(Problem(file, where, field, what, hint))

    def rows(
        self,
        origin: Origin,
        rows: BoolArray | IntArray,
        field: str,
        what: Callable[[int], str],
        hint: str = "",
    ) -> None:
        """Note the same problem of many rows: the first ones each, the rest as a count with their numbers.

        Parameters
        ----------
        origin
            Names the rows.
        rows
            Mask or positions.
        field
            Column.
        what
            Gives the message for one position.
        hint
            What to do about it.
        """
        at = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        for row in at[:SHOWN].tolist():
            self.add(*origin.at(row), field, what(row), hint)
        rest = at[SHOWN:]
        for code in np.unique(origin.code[rest]).tolist():
            numbers = np.sort(origin.number[rest[origin.code[rest] == code]])
            self.add(origin.files[code], "", field, _the_same(origin.words[code], numbers), hint)

    def raise_if_any(self) -> None:
        """Raise one error with everything found.

        Raises
        ------
        DeclarationError
            If anything was found.
        """
        if self.found:
            raise DeclarationError(self.found)
