"""Looks at the parts of a workbook: how far its sheets reach, how much they hold, what is hidden."""

from __future__ import annotations

import posixpath
import re
from array import array

from auditor.containers import ContainerError
from auditor.containers._zip import HURT
from auditor.language import say

MOST_CELLS = 10_000_000  # of the rectangle round all used cells of a sheet: calamine fills it
ROOMY = 2_000_000  # a rectangle of this many cells may be as empty as it likes
FULLEST = 50  # larger ones hold a value in one of so many cells at least
MOST_TEXT = 200_000_000  # characters of a sheet's cells, a shared string counted as often as it is used
MOST_FORMATS = 150_000  # Excel stops at 65,490 cell formats
MOST_ELEMENTS = 30_000_000
MOST_SHEETS = 1_000
LONGEST = 20  # characters of a number of a shared string, or of an error
LISTED = 1_000  # cells of a sheet that are listed one by one
PARTS = (".xml", ".rels", ".vml")
SHEET = re.compile(r"/(worksheet|chartsheet|dialogsheet|macrosheet|xlMacrosheet|xlIntlMacrosheet)$")
CELL = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
ZEROS = re.compile(r'"?0{2,}"?(;@)?')
TRUE = frozenset({"1", "true"})


class Look:
    """Looks at one part: counts its elements, refuses document types; keeps nothing."""

    def __init__(self) -> None:
        self.elements = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Count an element."""
        self.elements += 1
        if self.elements > MOST_ELEMENTS:
            raise ContainerError(say("holds a part of more than {most:,} elements", most=MOST_ELEMENTS), HURT)
        self.see(tag.rpartition("}")[2], attributes)

    def see(self, tag: str, attributes: dict[str, str]) -> None:
        """Take note of an element."""

    def doctype(self, *_: object) -> None:
        """Refuse it before any of its entities is read."""
        raise ContainerError(say("holds a document type, which may hide entities"), say("save it anew"))

    def close(self) -> None:
        """Nothing is left to do."""


class Workbook(Look):
    """Relations of the sheets, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.sheets: list[str] = []

    def see(self, tag: str, attributes: dict[str, str]) -> None:
        """Take note of an element."""
        if tag == "sheet":
            relation = next((value for name, value in attributes.items() if name.endswith("}id")), "")
            self.sheets.append(relation)
            if len(self.sheets) > MOST_SHEETS:
                raise ContainerError(say("holds more than {most:,} sheets", most=MOST_SHEETS), HURT)


class Relations(Look):
    """Parts that hold the sheets, and the ids of their relations."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: dict[str, str] = {}

    def see(self, tag: str, attributes: dict[str, str]) -> None:
        """Take note of an element."""
        target = attributes.get("Target", "")
        if tag == "Relationship" and SHEET.search(attributes.get("Type", "")):
            part = posixpath.normpath(posixpath.join("/xl", target)).lstrip("/").lower()
            if not part.endswith(PARTS):
                raise ContainerError(
                    say("has a sheet in a part of another form: {target!r}", target=target[:60]), HURT
                )
            if part in self.targets:
                raise ContainerError(say("has sheets that are the same part"), HURT)
            self.targets[part] = attributes.get("Id", "")


class Strings(Look):
    """Lengths of the shared strings."""

    def __init__(self) -> None:
        super().__init__()
        self.lengths = array("L")

    def see(self, tag: str, _attributes: dict[str, str]) -> None:
        """Take note of an element."""
        if tag == "si":
            self.lengths.append(0)

    def data(self, text: str) -> None:
        """Measure a string."""
        if self.lengths:
            self.lengths[-1] += len(text)


class Styles(Look):
    """Cell formats that show leading zeros which the number has not."""

    def __init__(self) -> None:
        super().__init__()
        self.formats: set[str] = set()
        self.padded: set[str] = set()
        self.known = self.inside = 0

    def see(self, tag: str, attributes: dict[str, str]) -> None:
        """Take note of an element."""
        if tag == "numFmt" and ZEROS.fullmatch(attributes.get("formatCode", "")):
            self.formats.add(attributes.get("numFmtId", ""))
        elif tag in {"cellXfs", "cellStyleXfs"}:
            self.inside = 0 if tag == "cellXfs" else MOST_FORMATS
        elif tag == "xf":
            if attributes.get("numFmtId") in self.formats:
                self.padded.add(str(self.inside))
            self.inside += 1
            self.known += 1
            if self.known > MOST_FORMATS:
                raise ContainerError(say("holds more than {most:,} cell formats", most=MOST_FORMATS), HURT)


class Sheet(Look):
    """How far a sheet reaches, and what of it is not plain to see."""

    def __init__(self, lengths: array[int], padded: set[str]) -> None:
        super().__init__()
        self._lengths, self._styles = lengths, padded
        self._columns: dict[str, int] = {}
        self._row = self._at = 0
        self._type = self._style = self._text = ""
        self._hidden = self._open = self._valued = False
        self._lacking = 0  # row of the formula last begun, until it has a value
        self._spans: list[tuple[int, int]] = []
        self.used = self.text = self.formulas = self.merged = 0
        self.low, self.high = 1 << 14, [0, 0]
        self.hidden_rows: set[int] = set()
        self.errors: list[tuple[int, int, str]] = []
        self.padded: list[tuple[int, int]] = []
        self.lacking: list[int] = []

    def see(self, tag: str, attributes: dict[str, str]) -> None:
        """Take note of an element."""
        if tag in {"v", "is"}:
            self._use(tag)
        elif tag == "c":
            self._cell(attributes)
        elif tag == "row":
            self._row = _whole(attributes["r"]) if "r" in attributes else self._row + 1
            self._at = 0
            self._hidden = attributes.get("hidden") in TRUE
        elif tag == "f":
            self.formulas += 1
            self._lacking = self._row
        elif tag == "mergeCell":
            self.merged += 1
        elif tag == "col" and attributes.get("hidden") in TRUE:
            self._spans.append((_whole(attributes.get("min", "")), _whole(attributes.get("max", ""))))

    def _cell(self, attributes: dict[str, str]) -> None:
        self._settle()
        place = attributes.get("r")
        if place is None:
            self._at += 1
        else:
            found = CELL.fullmatch(place)
            if found is None:
                raise ContainerError(say("has a cell named {place!r}", place=place[:20]), say("save it anew"))
            letters = found[1]
            column = self._columns.get(letters)
            if column is None:
                column = self._columns[letters] = _number(letters)
            self._at, self._row = column, int(found[2])
        self._type, self._style = attributes.get("t", ""), attributes.get("s", "")

    def _settle(self) -> None:
        """Note the row of a formula whose value nobody has calculated."""
        if self._lacking and len(self.lacking) < LISTED:
            self.lacking.append(self._lacking)
        self._lacking = 0

    def _use(self, tag: str) -> None:
        """Note that the cell last begun has a value."""
        self._valued = True
        if self._type == "str":  # a formula may give an empty text
            self._lacking = 0
        row, column = self._row, self._at
        self.used += 1
        self.low = min(self.low, column)
        self.high[0], self.high[1] = max(self.high[0], row), max(self.high[1], column)
        if self._hidden:
            self.hidden_rows.add(row)
        self._open = tag == "v" and self._type in {"s", "e"}
        self._text = ""
        if self._style in self._styles and self._type in {"", "n"} and len(self.padded) < LISTED:
            self.padded.append((row, column))

    def data(self, text: str) -> None:
        """Keep the number of a shared string, or what is wrong with the cell."""
        if self._valued:
            self._lacking = 0
        if self._open:
            self._text = (self._text + text[:LONGEST])[:LONGEST]

    def end(self, tag: str) -> None:
        """Add up the strings that the cells share."""
        if tag.rpartition("}")[2] in {"v", "is"}:
            self._valued = False
        if not self._open or tag.rpartition("}")[2] != "v":
            return
        self._open = False
        if self._type == "e":
            if len(self.errors) < LISTED:
                self.errors.append((self._row, self._at, self._text))
            return
        at = int(self._text) if self._text.isdecimal() else len(self._lengths)
        self.text += self._lengths[at] if at < len(self._lengths) else 0
        if self.text > MOST_TEXT:
            raise ContainerError(
                say("holds more than {most:,} characters in its cells", most=MOST_TEXT), HURT
            )

    @property
    def room(self) -> int:
        """Cells of the rectangle round all that are used, from the first row on."""
        return self.high[0] * max(0, self.high[1] - self.low + 1)

    def check(self) -> None:
        """Refuse a sheet whose cells lie so far apart that the room between them fills the memory."""
        self._settle()
        if self.room > MOST_CELLS or (self.room > ROOMY and self.used * FULLEST < self.room):
            what = say(
                "has {count:,} cells spread over {rows:,} rows and {columns:,} columns",
                count=self.used,
                rows=self.high[0],
                columns=self.high[1],
            )
            raise ContainerError(what, say("delete what stands far below or to the right of the table"))

    def hidden_columns(self) -> int:
        """Hidden columns among those in use."""
        low, high = self.low, self.high[1]
        return sum(max(0, min(last, high) - max(first, low) + 1) for first, last in self._spans)


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 8):  # noqa: PLR2004 -- rows have seven digits
        raise ContainerError(
            say("has a row or column numbered {value!r}", value=text[:20]), say("save it anew")
        )
    return int(text)


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number
