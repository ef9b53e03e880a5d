"""A foreign schema turned into ours: names of columns, words in them, what a node is by its attributes."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from auditor import cells, tables
from auditor.columns import Coded
from auditor.language import say
from auditor.model import Mapping, read_record
from auditor.problems import nearest, quote
from auditor.readers._files import read_toml
from auditor.registers import labels
from auditor.tables import Note, Unused

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from auditor.columns import BoolArray
    from auditor.model import Network, Role
    from auditor.readers._files import Folder
    from auditor.tables import Column, Frame, Log

MAPPING_KEYS = ("fields", "values", "roles")
TABLES = {"nodes": tables.NODES, "links": tables.LINKS, "prefixes": tables.PREFIXES}


@dataclass(frozen=True)
class Source:
    """A mapping and the file that states it, for messages."""

    file: str
    where: str
    mapping: Mapping


def with_mapping(stated: Network, folder: Folder, extra: Path | None) -> tuple[Network, list[Source]]:
    """Add the mapping file that ``[network]`` names, and one given besides.

    Returns
    -------
    tuple
        The network with all mappings in one, and what it was made of. What stands in ``[network]`` itself
        wins, then the file that it names; its rules come last.
    """
    found = [Source(folder.file, "network.", stated)]
    if stated.mapping is not None:
        data = folder.read(stated.mapping, "network", "mapping")
        found += _read_mapping(data, stated.mapping, folder.log)
    if extra is not None:
        data = folder.load(extra, extra.name, lambda what: folder.log.problems.add(extra.name, "", "", what))
        found += _read_mapping(data, extra.name, folder.log)
    if len(found) == 1:
        return stated, found
    backwards = [source.mapping for source in reversed(found)]
    fields = {name: ours for mapping in backwards for name, ours in mapping.fields.items()}
    values: dict[str, dict[str, str]] = {}
    for mapping in backwards:
        for column, words in mapping.values.items():
            values[column] = values.get(column, {}) | words
    roles = tuple(role for mapping in backwards for role in mapping.roles)
    return stated.model_copy(update={"fields": fields, "values": values, "roles": roles}), found


def _read_mapping(data: bytes | None, file: str, log: Log) -> list[Source]:
    """Read a mapping file; its tables stand alone or under ``[network]``."""
    tree = None if data is None else read_toml(data, file, log)
    if not isinstance(tree, dict):
        return []
    inner, where = (tree["network"], "network.") if "network" in tree else (tree, "")
    for name in sorted(set(tree) - {"network", *MAPPING_KEYS}):
        log.unused.append(Unused(file, name, say("no key of a mapping")))
    if isinstance(inner, dict):
        inner = {name: value for name, value in inner.items() if name in MAPPING_KEYS}
    read = read_record(Mapping, inner, file, log)
    return [] if read is None else [Source(file, where, read)]


def mapped(raw: Frame, table: str, mapping: Mapping, log: Log) -> Frame:
    """Apply a mapping to a raw table, then take Chinese names of columns for ours.

    Parameters
    ----------
    raw
        The table as its file gives it.
    table
        ``nodes``, ``links`` or ``prefixes``.
    mapping
        Role rules look at the columns by the file's names and by ours; then words are replaced.
    log
        Gets what each rule matched.
    """
    raw = _renamed(raw, table, mapping, log)
    if len(set(raw.table.column_names)) < raw.table.num_columns:
        return raw  # two columns of one name: that is reported, and nothing else would be sure
    rules = [(number, role) for number, role in enumerate(mapping.roles, 1) if role.table == table]
    for number, role in rules:
        raw = _with_role(raw, role, f"roles {number}", mapping, log)
    for column, words in mapping.values.items():
        if column in raw.table.column_names:
            raw = _with_words(raw, column, words)
    return raw


def _renamed(raw: Frame, table: str, mapping: Mapping, log: Log) -> Frame:
    given = raw.table.column_names
    names = [mapping.fields.get(name, name) for name in given]
    taken = set(names)
    chinese = {}
    for at, name in enumerate(names):
        ours = labels.column(table, name)
        if ours is not None and ours not in taken:
            names[at] = chinese[name] = ours
            taken.add(ours)
    if chinese:
        pairs = [say("{name} as {column}", name=theirs, column=ours) for theirs, ours in chinese.items()]
        log.notes.append(Note(raw.origin.files[0], say("columns read: {columns}", columns=pairs)))
    return replace(raw, table=raw.table.rename_columns(names))


def _text(raw: Frame, name: str) -> Any:
    """Give a column as text, blank cells as empty text."""
    array = cells.to_text(cells.flat(raw.table.column(name)), lambda *_: None)
    return array.fill_null("") if array.null_count else array


def matched(raw: Frame, where: dict[str, tuple[str, ...]], fields: dict[str, str]) -> BoolArray:
    """Rows whose columns all match one of their patterns (``*`` and ``?``); blank is empty text."""
    rows = np.ones(raw.table.num_rows, np.bool_)
    for name, patterns in where.items():
        ours = fields.get(name, name)
        if ours not in raw.table.column_names:
            return np.zeros(raw.table.num_rows, np.bool_)
        column = Coded.of(_text(raw, ours))
        fits = re.compile("|".join(fnmatch.translate(pattern) for pattern in patterns)).match
        rows &= column.map(fits, blank=None, dtype=object).astype(np.bool_)
    return rows


def _with_role(raw: Frame, role: Role, name: str, mapping: Mapping, log: Log) -> Frame:
    rows = matched(raw, role.where, mapping.fields)
    file = raw.origin.files[0]
    said = [f"{column} = {value}" for column, value in role.set.items()]
    if not rows.any():
        log.unused.append(Unused(file, name, say("matches no row, sets nothing ({said})", said=said)))
        return raw
    log.notes.append(
        Note(file, say("{rule}: {said} in {count:,} rows", rule=name, said=said, count=int(rows.sum())))
    )
    table = raw.table
    for column, value in role.set.items():
        old = _text(raw, column) if column in table.column_names else pa.array([""] * table.num_rows)
        new = pa.array(np.where(rows, value, old.to_numpy(zero_copy_only=False)), pa.string())
        at = table.column_names.index(column) if column in table.column_names else None
        table = table.append_column(column, new) if at is None else table.set_column(at, column, new)
    return replace(raw, table=table)


def _with_words(raw: Frame, column: str, words: dict[str, str]) -> Frame:
    coded = Coded.of(_text(raw, column))
    values = pa.array([words.get(value.strip(), value) for value in coded.values], pa.string())
    at = raw.table.column_names.index(column)
    table = raw.table.set_column(at, column, cells.recode(coded.arrow(), values))
    return replace(raw, table=table)


def check_mapping(sources: list[Source], given: Iterable[str], log: Log) -> None:
    """Report what a mapping names and nothing has.

    Parameters
    ----------
    sources
        Mappings and where they stand.
    given
        Names of all columns read; empty where nothing could be read.
    log
        Gets problems and unused entries.
    """
    given = set(given)
    known = [c.name for columns in TABLES.values() for c in columns]
    for source in sources:
        file, where = source.file, source.where
        named = {(f"{where}fields", name): ours for name, ours in source.mapping.fields.items()}
        named |= {(f"{where}values", column): column for column in source.mapping.values}
        for (place, key), column in named.items():
            if column not in known:
                what = say("{name} is no column of nodes or links", name=quote(column))
                log.problems.add(file, place, key, what, nearest(column, known))
        for name in source.mapping.fields:
            if given and name not in given:
                log.unused.append(Unused(file, f"{where}fields.{name}", say("no table has such a column")))
        for column, words in source.mapping.values.items():
            for word in words.values():
                _check_word(column, word, TABLES, (file, f"{where}values", column), log)
        for number, role in enumerate(source.mapping.roles, 1):
            _check_role(role, f"{where}roles {number}", file, given, log)


def _check_word(
    name: str,
    word: str,
    given: dict[str, tuple[Column, ...]],
    place: tuple[str, str, str],
    log: Log,
) -> None:
    """Report a word that a closed list does not have."""
    lists = [column for columns in given.values() for column in columns if column.name == name]
    if not lists or any(column.type != "choice" for column in lists):
        return
    known = [word for column in lists for word in (*column.choices, *column.aliases)]
    if cells.folded(word) not in {cells.folded(one) for one in (*known, *labels.words(name))}:
        log.problems.add(
            *place, say("{value} is not known", value=quote(word)), nearest(word, dict.fromkeys(known))
        )


def _check_role(role: Role, where: str, file: str, given: set[str], log: Log) -> None:
    names = [column.name for column in TABLES[role.table]]
    for column in role.set:
        if column not in names:
            what = say("{name} is no column of {table}", name=quote(column), table=role.table)
            log.problems.add(file, where, "set", what, nearest(column, names))
    for column, word in role.set.items():
        _check_word(column, word, {role.table: TABLES[role.table]}, (file, where, "set"), log)
    for name in role.where:
        if given and name not in given:
            log.unused.append(
                Unused(
                    file,
                    say("{where}, where {name}", where=where, name=name),
                    say("no table has such a column"),
                )
            )
