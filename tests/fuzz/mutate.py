"""Makes inputs from inputs: by bytes, by pieces of text, by the parts of JSON trees, archives and databases."""

from __future__ import annotations

import copy
import io
import json
import re
import sqlite3
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

LONGEST = 1 << 16
WORD = re.compile(rb'[A-Za-z_:][\w:.-]*|"[^"\n]{0,40}"|[-+]?\d+(?:\.\d+)?|<[^<>\s]{1,30}')
PLACE = re.compile(rb'[<>\[\]{},;:="\n ]')
NUMBER = re.compile(rb"[-+]?\d+(?:\.\d+)?")
NUMBERS = (
    *(
        "0",
        "-0",
        "-1",
        "1e999",
        "-1e999",
        "1e-999",
        "NaN",
        "Infinity",
        "INF",
        "0.1",
        "007",
        "0x1F",
        "1_000",
        "٣",
    ),
    *(
        "90.0000001",
        "-180",
        "180.5",
        "361",
        "2147483648",
        "9007199254740993",
        "9223372036854775808",
        "9" * 400,
    ),
    *("9" * 5000, "1." + "0" * 400, "65536", "4294967296"),
)
TEXTS = (
    *(
        "",
        " ",
        "\0",
        "\x1b[31m",
        "\u202e",
        "\u200b",
        "\ufeff",
        "\ufffe",
        "\uffff",
        "\U0010ffff",
        "é",
        "e\u0301",
        "中" * 50,
    ),
    *(
        "'",
        '"',
        "\\",
        "\\ud800",
        "&#0;",
        "&#xD800;",
        "&amp;",
        "&x;",
        "]]>",
        "<![CDATA[",
        "<!--",
        "-->",
        "<?x?>",
        "<x/>",
    ),
    *(
        "<!DOCTYPE a [<!ENTITY x 'y'>]>",
        'xmlns="x"',
        "../../etc/passwd",
        "C:\\x",
        "=1+1",
        "@x",
        "a;b",
        "\r\n",
        "\t",
        "x" * 2000,
    ),
    *(
        "true",
        "false",
        "null",
        "[",
        "]",
        "{",
        "}",
        "[]",
        "{}",
        ":",
        ",",
        "#",
        "a=1",
        "[[[[",
        "2026-02-30",
        "0001-01-01",
    ),
)
RAW = (
    b"\xff",
    b"\xfe\xff",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    b"\x80",
    b"PK\x03\x04",
    b"SQLite format 3\0",
)
TOKENS = (*(text.encode() for text in TEXTS), *(number.encode() for number in NUMBERS), *RAW)
VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1.5,
        10**30,
        1e308,
        -1e308,
        2**63,
        2**53 + 1,
        [],
        {},
        [[]],
        [None],
        {"": ""},
        [1, "a", None],
    ),
    *(*TEXTS, "1", "1e5"),
)


class Mutator:
    """A source of inputs.

    Parameters
    ----------
    random
        Seeded, so that a run can be repeated.
    seeds
        What to start from.
    """

    def __init__(self, random: Random, seeds: list[bytes]) -> None:
        self.random = random
        self.seeds, self.corpus = list(seeds), list(seeds)
        words = dict.fromkeys(word for seed in seeds[:50] for word in WORD.findall(seed[:LONGEST]))
        self.tokens = (*TOKENS, *words)
        self.keys = [key for key in (word.decode(errors="replace").strip('"') for word in words) if key]
        self.edits: tuple[Callable[[bytes], bytes], ...] = (
            *(self._flip, self._token, self._token, self._swap_token, self._number, self._number, self._cut),
            *(self._drop, self._double, self._repeat, self._splice, self._move),
        )

    def make(self) -> bytes:
        """Give an input."""
        start = self.seeds if self.random.random() < 0.5 else self.corpus  # else broken ones come to prevail
        return self.of(self.random.choice(start))

    def of(self, data: bytes) -> bytes:
        """Give an input made of this one."""
        if data[:2] == b"PK" and self.random.random() < 0.7:
            return self._zip(data)
        if data[:6] == b"SQLite" and self.random.random() < 0.6:
            return self._sqlite(data)
        if data.lstrip()[:1] in {b"{", b"["} and self.random.random() < 0.75:
            data = self._json(data)
            if self.random.random() < 0.9:
                return data[:LONGEST]
        for _ in range(self.random.choice((1, 1, 1, 2, 2, 3, 5, 8))):
            data = self.random.choice(self.edits)(data)[:LONGEST]
        return data

    def keep(self, data: bytes) -> None:
        """Start from this one too."""
        if len(self.corpus) < 2000:
            self.corpus.append(data)
        else:
            self.corpus[self.random.randrange(len(self.corpus))] = data

    # --- bytes and pieces of text -----------------------------------------------------------------------------

    def _at(self, data: bytes) -> int:
        """Give a place; half of the time one where something begins or ends."""
        place = self.random.randrange(len(data) + 1)
        found = PLACE.search(data, place) if self.random.random() < 0.5 else None
        return found.start() + self.random.randrange(2) if found else place

    def _span(self, data: bytes) -> tuple[int, int]:
        start = self._at(data)
        if self.random.random() < 0.5:
            return start, min(len(data), start + self.random.choice((1, 1, 2, 4, 8, 30, 100)))
        return tuple(sorted((start, self._at(data))))  # type: ignore[return-value]

    def _flip(self, data: bytes) -> bytes:
        if not data:
            return data
        at = self.random.randrange(len(data))
        return data[:at] + bytes([data[at] ^ 1 << self.random.randrange(8)]) + data[at + 1 :]

    def _token(self, data: bytes) -> bytes:
        at = self._at(data)
        return data[:at] + self.random.choice(self.tokens) + data[at:]

    def _swap_token(self, data: bytes) -> bytes:
        found = list(WORD.finditer(data))
        if not found:
            return self._token(data)
        word = self.random.choice(found)
        return data[: word.start()] + self.random.choice(self.tokens) + data[word.end() :]

    def _number(self, data: bytes) -> bytes:
        found = list(NUMBER.finditer(data))
        if not found:
            return self._token(data)
        number = self.random.choice(found)
        other = self.random.choice(NUMBERS).encode() if self.random.random() < 0.7 else number[0] * 2
        return data[: number.start()] + other + data[number.end() :]

    def _cut(self, data: bytes) -> bytes:
        return data[: self._at(data)]

    def _drop(self, data: bytes) -> bytes:
        start, end = self._span(data)
        return data[:start] + data[end:]

    def _double(self, data: bytes) -> bytes:
        start, end = self._span(data)
        return data[:end] + data[start:end] + data[end:]

    def _repeat(self, data: bytes) -> bytes:
        start, end = self._span(data)
        return data[:start] + data[start:end][:200] * self.random.choice((2, 10, 100, 1000)) + data[end:]

    def _splice(self, data: bytes) -> bytes:
        other = self.random.choice(self.corpus)
        start, end = self._span(other)
        at, till = self._span(data)
        return data[:at] + other[start:end] + data[till if self.random.random() < 0.5 else at :]

    def _move(self, data: bytes) -> bytes:
        start, end = self._span(data)
        piece, rest = data[start:end], data[:start] + data[end:]
        at = self._at(rest)
        return rest[:at] + piece + rest[at:]

    # --- structures -------------------------------------------------------------------------------------------

    def _json(self, data: bytes) -> bytes:
        try:
            tree = json.loads(data)
        except (ValueError, RecursionError):
            return self._token(data)
        for _ in range(self.random.choice((1, 1, 2, 3))):
            tree = self._edited(tree)
        try:
            return json.dumps(tree, ensure_ascii=self.random.random() < 0.5).encode(errors="surrogatepass")
        except (RecursionError, ValueError):
            return data

    def _edited(self, tree: Any) -> Any:
        """Change one part of a tree, mostly deep inside, where most of it is."""
        if isinstance(tree, dict | list) and tree and self.random.random() < 0.85:
            keys = list(tree) if isinstance(tree, dict) else range(len(tree))
            [key] = self.random.choices(keys, [len(repr(tree[key])) for key in keys])
            tree[key] = self._edited(copy.deepcopy(tree[key]))  # a part may stand here twice
            return tree
        return self.random.choice(
            (self._value, self._value, self._without, self._twice, self._renamed, self._wrapped)
        )(tree)

    def _value(self, _tree: Any) -> Any:
        return self.random.choice(VALUES if self.random.random() < 0.6 or not self.keys else self.keys)

    def _without(self, tree: Any) -> Any:
        if isinstance(tree, dict | list) and tree:
            key = (
                self.random.choice(list(tree)) if isinstance(tree, dict) else self.random.randrange(len(tree))
            )
            del tree[key]
        return tree

    def _twice(self, tree: Any) -> Any:
        if isinstance(tree, list) and tree:
            return tree + [self.random.choice(tree)] * self.random.choice((1, 2, 50))
        return [tree, tree]

    def _renamed(self, tree: Any) -> Any:
        if isinstance(tree, dict) and tree and self.keys:
            key = self.random.choice(list(tree))
            tree[self.random.choice(self.keys)] = tree.pop(key)
        return tree

    def _wrapped(self, tree: Any) -> Any:
        for _ in range(self.random.choice((1, 1, 2, 100))):
            tree = [tree] if self.random.random() < 0.5 else {"a": tree}
        return tree

    def _zip(self, data: bytes) -> bytes:
        """Change one member of an archive, or its name."""
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                members = [(info.filename, archive.read(info)) for info in archive.infolist()]
        except Exception:  # noqa: BLE001 -- a broken archive breaks in many ways
            return self._flip(data)
        if not members:
            return self._token(data)
        at = self.random.randrange(len(members))
        name, inner = members[at]
        if self.random.random() < 0.1:
            name += self.random.choice(("x", "/../x", "\\x", "\0", "/"))
        members[at] = (name, self.of(inner))
        buffer = io.BytesIO()
        with zipfile.ZipFile(
            buffer, "w", self.random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
        ) as archive:
            for member, content in members:
                archive.writestr(zipfile.ZipInfo(member.replace("\0", "_")), content)
        return buffer.getvalue()

    def _sqlite(self, data: bytes) -> bytes:
        """Change one cell of a database."""
        base = sqlite3.connect(":memory:")
        try:
            base.deserialize(data)
            tables = [name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            table = self.random.choice(tables).replace('"', '""')
            columns = [row[1].replace('"', '""') for row in base.execute(f'PRAGMA table_info("{table}")')]
            rowids = [row for (row,) in base.execute(f'SELECT rowid FROM "{table}" LIMIT 50')]  # noqa: S608 -- names quoted
            old = base.execute(f'SELECT "{columns[-1]}" FROM "{table}" LIMIT 1').fetchone()  # noqa: S608 -- same
            value: Any = self.random.choice(VALUES)
            if isinstance(value, list | dict | int) and not isinstance(value, bool):
                value = self._flip(old[0]) if old and isinstance(old[0], bytes) else self.random.choice(RAW)
            column, row = self.random.choice(columns), self.random.choice(rowids)
            base.execute(f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = ?', (value, row))  # noqa: S608 -- same
            base.commit()
            return base.serialize()
        except Exception:  # noqa: BLE001 -- whatever is broken stays as it is
            return self._flip(data)
        finally:
            base.close()
