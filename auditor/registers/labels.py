"""Chinese names of the columns and words of a declaration (``data/labels.csv``, ``data/words.csv``)."""

from __future__ import annotations

from functools import cache

from auditor.registers._files import folded, parts, read_rows


@cache
def _columns() -> dict[tuple[str, str], str]:
    return {
        (row["table"], folded(name)): row["column"]
        for row in read_rows("labels.csv")
        for name in (row["zh"], *parts(row["also"]))
        if name
    }


@cache
def words(column: str) -> dict[str, str]:
    """Chinese words of a column and what they stand for.

    Examples
    --------
    >>> words("kind")["数据中心"]
    'data_centre'
    """
    return {
        name: row["word"]
        for row in read_rows("words.csv")
        if row["column"] == column
        for name in (row["zh"], *parts(row["also"]))
        if name
    }


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
