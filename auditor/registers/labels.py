"""Chinese names of columns, sheets and words of a declaration (``data/labels.csv``, ``data/words.csv``)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from auditor.registers._files import folded, parts, read_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

SHEET = "sheet"  # stands as table for the names of the tables themselves


@dataclass(frozen=True, slots=True)
class Label:
    """What people are told of a column.

    Parameters
    ----------
    zh
        Its Chinese name.
    about_zh, about_en
        What it says; ``about_en`` is blank where `auditor.tables` has it.
    """

    zh: str
    about_zh: str
    about_en: str


@cache
def _labels() -> Mapping[tuple[str, str], Label]:
    return MappingProxyType(
        {
            (row["table"], row["column"]): Label(row["zh"], row["about_zh"], row["about_en"])
            for row in read_rows("labels.csv")
        }
    )


@cache
def _columns() -> dict[tuple[str, str], str]:
    return {
        (row["table"], folded(name)): row["column"]
        for row in read_rows("labels.csv")
        for name in (row["zh"], *parts(row["also"]))
        if name
    }


@cache
def words(column: str) -> Mapping[str, str]:
    """Chinese words of a column, in every table that has it, and what they stand for.

    Examples
    --------
    >>> words("kind")["数据中心"]
    'data_centre'
    """
    return MappingProxyType(
        {
            name: row["word"]
            for row in read_rows("words.csv")
            if row["column"] == column
            for name in (row["zh"], *parts(row["also"]))
            if name
        }
    )


def chinese(column: str, word: str) -> str:
    """Chinese for a word of a column; the word itself where there is none.

    Examples
    --------
    >>> chinese("kind", "bng"), chinese("owner", "中国电信")
    ('宽带接入服务器', '中国电信')
    """
    return _first(column).get(word, word)


@cache
def _first(column: str) -> dict[str, str]:
    return {row["word"]: row["zh"] for row in read_rows("words.csv") if row["column"] == column}


def label(table: str, column: str) -> Label | None:
    """What people are told of a column, or (in table ``sheet``) of a table.

    Examples
    --------
    >>> label("nodes", "lon").zh, label("sheet", "nodes").zh
    ('经度', '节点')
    """
    return _labels().get((table, column))


def column(table: str, name: str) -> str | None:
    """Column of a table that a Chinese name stands for, alone or with more behind a line break or bracket.

    Examples
    --------
    >>> column("nodes", "节点编号"), column("nodes", "经度（度）"), column("nodes", "lon")
    ('id', 'lon', None)
    """
    known = _columns()
    for part in (name, *_heads(name)):
        found = known.get((table, folded(part)))
        if found is not None:
            return found
    return None


def _heads(name: str) -> list[str]:
    for mark in ("\n", "（", "(", "/", " "):
        if mark in name:
            return [name.split(mark, 1)[0].strip()]
    return []
