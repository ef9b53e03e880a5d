"""A mapping proposed for a foreign schema, from the names of its columns and the words in them."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from auditor import cells, tables
from auditor.columns import Coded
from auditor.errors import visible
from auditor.language import say, told
from auditor.readers import raw_tables
from auditor.readers._mapping import TABLES, matched
from auditor.registers import labels
from auditor.registers._files import folded, read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

    from auditor.columns import BoolArray
    from auditor.model import Mapping
    from auditor.tables import Frame

CLOSE = 0.86  # of names, by difflib: "lattitude" is close to "latitude", "rack" is not to "track"
FEW = 24  # distinct values of a column that looks like a kind or a role
SAMPLES = 3
LONGEST = 40
MEANT = '"\\'  # characters that mean something inside a string of TOML


@cache
def _foreign(where: str) -> dict[str, str]:
    """Foreign names that are common in exports, folded, and ours."""
    return {
        folded(row["foreign"]): row["ours"] for row in read_rows("foreign_names.csv") if row["where"] == where
    }


def suggest(
    path: str | PathLike[str], *, mapping: str | PathLike[str] | None = None, lang: str = "en"
) -> str:
    """Propose a mapping for a file of a foreign schema, with samples of what each selector matches.

    Parameters
    ----------
    path
        A network of any form, or a declaration.
    mapping
        One that exists already: what its rules match is shown besides.
    lang
        Language of the comments, ``en`` or ``zh``.

    Returns
    -------
    str
        TOML that ``--mapping`` takes: what is proposed stands there, what nobody can guess is a comment.

    Raises
    ------
    DeclarationError
        If the file cannot be read.
    """
    given, known = raw_tables(Path(path), Path(mapping) if mapping is not None else None)
    lines: list[str] = [
        say(
            "# Proposed for {file}; look at each line. Use it with --mapping, or under [network].",
            file=Path(path).name,
        )
    ]
    fields, written = dict(known.fields), set[str]()
    lines += ["", "[fields]"]
    for table, raw in given.items():
        lines += [
            say("# {table}: {count:,} rows", table=table, count=raw.table.num_rows),
            *_fields(table, given, fields, written),
        ]
    for column in ("kind", "status", "datum"):
        lines += _words(column, given, fields)
    lines += _roles(given, fields, known)
    return "\n".join(visible(told(line, lang)) for line in lines) + "\n"


def _text(raw: Frame, name: str) -> Coded:
    """Give a column as text, empty cells blank."""
    text = cells.to_text(cells.flat(raw.table.column(name)), lambda *_: None)
    return Coded.of(pc.if_else(pc.equal(pc.utf8_trim_whitespace(text), ""), None, text))


def _shown(values: Any) -> list[str]:
    return [value if len(value) <= LONGEST else value[: LONGEST - 1] + "…" for value in values]


def _quoted(text: str) -> str:
    r"""Write a text as a basic string of TOML.

    Examples
    --------
    >>> print(_quoted('a "b" \\ \u202e 中'))
    "a \"b\" \\ \u202e 中"
    """
    return '"' + "".join(c if c.isprintable() and c not in MEANT else _escaped(c) for c in text) + '"'


def _escaped(c: str) -> str:
    return f"\\{c}" if c in MEANT else f"\\u{ord(c):04x}" if ord(c) < 1 << 16 else f"\\U{ord(c):08x}"


def _fields(table: str, given: dict[str, Frame], fields: dict[str, str], written: set[str]) -> Iterator[str]:
    """Propose names; one foreign name is one of ours in all tables, and is written once."""
    raw = given[table]
    ours = [column.name for column in TABLES[table]]
    taken = {fields.get(name, name) for name in raw.table.column_names}
    for name in raw.table.column_names:
        column = _text(raw, name)
        filled = int((~column.blank).sum())
        about = say(
            "# {filled:,} filled, {distinct:,} distinct: {samples}",
            filled=filled,
            distinct=len(column.values),
            samples=_shown(column.values[:SAMPLES]),
        )
        chinese = labels.column(table, name)
        if name in ours or (chinese is not None and name not in fields):
            yield (
                say("# {name} is ours  {about}", name=_quoted(name), about=about)
                if name in ours
                else say(
                    "# {name} is read as {column}  {about}", name=_quoted(name), column=chinese, about=about
                )
            )
            continue
        guess = fields.get(name) or _guess_everywhere(name, given)
        if guess is None or (name not in fields and (guess in taken or not _fits(table, guess, column))):
            yield say("{line}  {about}", line=f'# {_quoted(name)} = ""', about=about)
            continue
        taken.add(guess)
        fields[name] = guess
        line = f"{'# ' if name in written else ''}{_quoted(name)} = {_quoted(guess)}"
        yield say("{line}  {about}", line=line, about=about)
        written.add(name)


def _guess_everywhere(name: str, given: dict[str, Frame]) -> str | None:
    """Say which of our columns a foreign name means, if it means the same in all tables that have it."""
    tables_with = [table for table, raw in given.items() if name in raw.table.column_names]
    guesses = {_guess(table, name, [c.name for c in TABLES[table]]) for table in tables_with}
    return guesses.pop() if len(guesses) == 1 else None


def _guess(table: str, name: str, ours: list[str]) -> str | None:
    """Say which of our columns a foreign name means, if that can be told."""
    known = _foreign(table) | {folded(column): column for column in ours}
    if folded(name) in known:
        return known[folded(name)]
    close = difflib.get_close_matches(folded(name), known, n=1, cutoff=CLOSE)
    return known[close[0]] if close else None


def _fits(table: str, name: str, column: Coded) -> bool:
    """Whether the values of a foreign column can be those of ours: distinct ids, numbers, known words."""
    declared = next(c for c in TABLES[table] if c.name == name)
    if name == "id":
        return len(column.values) == len(column)
    if declared.type in {"number", "whole"}:
        return all(re.match(cells.NUMBER, value.strip()) for value in column.values)
    if declared.type == "choice":
        known = _known_words(declared) | set(_foreign(name))
        return any(folded(value) in known for value in column.values)
    return True


def _known_words(declared: tables.Column) -> set[str]:
    return {folded(word) for word in (*declared.choices, *declared.aliases, *labels.words(declared.name))}


def _words(column: str, given: dict[str, Frame], fields: dict[str, str]) -> Iterator[str]:
    """Propose our words for those of a column with a closed list; a word is written once."""
    counts: dict[str, Counter[str]] = {}
    for table, raw in given.items():
        declared = next((c for c in TABLES[table] if c.name == column), None)
        for name in raw.table.column_names:
            if declared is None or fields.get(name, name) != column:
                continue
            text, known = _text(raw, name), _known_words(declared)
            rows = np.bincount(text.codes[~text.blank], minlength=len(text.values)).tolist()
            for word, count in list(zip(text.values, rows, strict=True))[:FEW]:
                if folded(word) not in known:
                    ours = _foreign(column).get(folded(word), "")
                    ours = ours if ours in declared.choices else ""
                    counts.setdefault(word.strip(), Counter())[ours] += count
    if counts:
        yield from ("", f"[values.{column}]")
    for word, proposed in counts.items():
        sure = len(proposed) == 1 and "" not in proposed
        line = f"{'' if sure else '# '}{_quoted(word)} = {_quoted(next(iter(proposed)) if sure else '')}"
        yield say("{line}  # {count:,} rows", line=line, count=proposed.total())


def _roles(given: dict[str, Frame], fields: dict[str, str], known: Mapping) -> Iterator[str]:
    """Show what the given rules match, and offer rules by the columns that hold few values."""
    for number, role in enumerate(known.roles, 1):
        raw = given.get(role.table)
        rows = matched(raw, role.where, {}) if raw else np.zeros(0, np.bool_)
        yield from (
            "",
            "[[roles]]",
            say("# rule {number} matches {rows}", number=number, rows=_matches(raw, rows)),
        )
        yield f"table = {_quoted(role.table)}"
        yield f"where = {_inline({name: list(patterns) for name, patterns in role.where.items()})}"
        yield f"set = {_inline(role.set)}"
    nodes = given.get("nodes")
    if nodes is None or known.roles or not _lacks_kind(nodes, fields):
        return
    yield from ("", say("# kinds: {kinds}", kinds=tables.NODE_KINDS))
    owned = 'set = { kind = "…", owner = "operator" }'
    yield say("# a node is a facility or a gate only with its owner: {example}", example=owned)
    for name in nodes.table.column_names:
        text = _text(nodes, name)
        filled = int((~text.blank).sum())
        ours = name in fields or name in {column.name for column in tables.NODES}
        if ours or not 1 < len(text.values) <= min(FEW, filled // 2):
            continue
        yield from ("", say("# by {name}:", name=visible(name)))
        for value in text.values:
            rows = text.isin({value})
            yield say("# [[roles]]  # matches {rows}", rows=_matches(nodes, rows))
            yield f"# where = {_inline({name: value})}"
            yield '# set = { kind = "" }'


def _lacks_kind(nodes: Frame, fields: dict[str, str]) -> bool:
    """Whether nodes, or some of them, say no kind."""
    names = [name for name in nodes.table.column_names if fields.get(name, name) == "kind"]
    return not names or bool(_text(nodes, names[0]).blank.any())


def _matches(raw: Frame | None, rows: BoolArray) -> str:
    if raw is None or not rows.any():
        return say("no row")
    names = raw.table.column_names
    first = names[names.index("id") if "id" in names else 0]
    text = _text(raw, first)
    samples = [text.at(int(row)) or say("(blank)") for row in np.flatnonzero(rows)[:SAMPLES]]
    more = ["…"] if rows.sum() > SAMPLES else []
    return say("{count:,} rows: {samples}", count=int(rows.sum()), samples=[*_shown(samples), *more])


def _inline(values: dict[str, Any]) -> str:
    return "{ " + ", ".join(f"{_quoted(name)} = {_value(value)}" for name, value in values.items()) + " }"


def _value(value: Any) -> str:
    return f"[{', '.join(map(_quoted, value))}]" if isinstance(value, list) else _quoted(value)
