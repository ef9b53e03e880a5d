"""Records that operators file, by the names they go by: tables, fields, codes (``data/filings.toml``)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from auditor.language import say
from auditor.readers._entries import is_plain, records_of
from auditor.registers._files import folded, read_toml

if TYPE_CHECKING:
    from auditor.readers._entries import Row, Tally

DEEPEST = 5
PERSONAL = re.compile(
    r"officer|contact|phone|mobile|mail|fax|^tel|tel$|idnum|idcard|idtype|^corp$|legalrep|legalperson|^cert|passport|"
    r"法人|负责人|责任人|联系人|电话|手机|邮箱|邮件|传真|证件|身份证|姓名"
)
"""Keys of what is said of people, as `folded` gives them: none of it is kept."""
PEOPLE = {
    "2",
    "7",
    "8",
    "9",
}  # identity card, passport, officer's card, travel permit: the holder is a person


@dataclass
class Filing:
    """One record that was filed.

    Parameters
    ----------
    table
        ``operator``, ``room``, ``link``, ``segment``, ``rack`` or ``user``.
    where
        Names it in messages.
    fields
        Values by our names of the fields; codes as words.
    others
        Values that have no name of ours, by the file's.
    inner
        Records inside it.
    person
        Whether it names a person.
    """

    table: str
    where: str
    fields: Row = field(default_factory=dict)
    others: Row = field(default_factory=dict)
    inner: list[tuple[str, Any]] = field(default_factory=list)
    person: bool = False


@cache
def _data() -> dict[str, Any]:
    return read_toml("filings.toml")


@cache
def _names(part: str, table: str = "") -> dict[str, str]:
    """Our name by each name that a table or a field goes by."""
    listed = _data()[part][table] if table else _data()[part]
    return {folded(name): ours for ours, names in listed.items() for name in names}


def table_of(key: str) -> str | None:
    """Table that a key stands for."""
    return _names("tables").get(folded(key))


def key_of(table: str) -> str:
    """Name by which a table goes in a file."""
    name: str = _data()["tables"][table][0]
    return name


def holding_of(nature: Any) -> str | None:
    """On what ground a room is held, by the code of its nature."""
    found: str | None = _data()["holding"].get(str(nature))
    return found


def root_of(tree: Any) -> tuple[Row, list[str]]:
    """Record that holds the tables, empty where there is none; and the keys beside what wraps it."""
    wrappers = {folded(name) for name in _data()["wrappers"]}
    passed: list[str] = []
    for _ in range(DEEPEST):
        if not isinstance(tree, dict) or any(table_of(key) for key in tree):
            break
        inner = [key for key, value in tree.items() if folded(key) in wrappers and isinstance(value, dict)]
        if not inner:
            break
        passed += [key for key in tree if key != inner[0]]
        tree = tree[inner[0]]
    return (tree if isinstance(tree, dict) else {}), passed


def entries_of(key: str, value: Any) -> list[Any]:
    """Entries of a table; the one key of a record that means the same table is passed by."""
    for _ in range(DEEPEST):
        if not isinstance(value, dict) or len(value) != 1 or table_of(next(iter(value))) != table_of(key):
            break
        value = next(iter(value.values()))
    return records_of(value)


def read_filing(table: str, record: Any, where: str, tally: Tally) -> Filing | None:
    """Read one record; what it says of people is counted and left out."""
    if not isinstance(record, dict):
        tally.fault(where, "", say("is no record"), say("a record has the names of its fields as keys"))
        return None
    filing = Filing(table, where)
    names = _names("fields", table)
    for key, value in record.items():
        name = names.get(folded(key))
        if PERSONAL.search(folded(key)):
            tally.drop(say("personal data"), say("not kept"))
            filing.person |= folded(key) in {"idtype", "证件类型"} and str(value) in PEOPLE
        elif isinstance(value, dict) or (isinstance(value, list) and not all(map(is_plain, value))):
            filing.inner.append((key, value))
        elif value is None or value in ("", []):
            continue
        elif name is None or name in filing.fields:
            filing.others[key] = value if is_plain(value) else ";".join(map(str, value))
        else:
            filing.fields[name] = _word(name, value, table)
    return filing


def _word(name: str, value: Any, table: str) -> Any:
    """Word that a code stands for; a value that is no code stays."""
    if isinstance(value, list):
        return ";".join(map(str, value))
    words = _data()["words"]
    listed = words.get(table, {}).get(name) or words.get(name, {})
    return listed.get(str(value), value)
