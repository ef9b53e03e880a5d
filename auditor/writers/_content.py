"""What a declaration holds, in the plain form that writers write; and what a writer is."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa

from auditor.cells import flat
from auditor.columns import BLANK, DECLARED
from auditor.governance import LISTS
from auditor.records import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.model import Declaration
    from auditor.records import Record

JOINED = ("tail", "head")


@dataclass(frozen=True)
class Content:
    """Everything of a declaration, ready to be written.

    Parameters
    ----------
    records
        The structure of ``declaration.toml`` without its tables; dates are dates, absent keys are left out.
        Empty where nobody said whose network it is.
    nodes, links, prefixes
        Tables of the declared columns, blank cells null, columns that are blank throughout left out; texts
        are plain strings, ``from_on`` and ``to_on`` dates. A link's ``target`` may be null.
    undeclared
        Ids that links name and no node has.
    documents
        Names of the attached documents, to be copied by whoever writes a folder.
    """

    records: dict[str, Any]
    nodes: pa.Table
    links: pa.Table
    prefixes: pa.Table | None = None
    undeclared: tuple[str, ...] = ()
    documents: tuple[str, ...] = field(default=())

    @cached_property
    def carried(self) -> dict[str, Any]:
        """The records as a graph file carries them: all of `records`, dates as text, prefixes as a list."""
        if not self.records:
            return {}
        network = dict(self.records.get("network", {}))
        if self.prefixes is not None:
            network["prefixes"] = rows(self.prefixes)
        return {**plain(self.records), "network": network}

    @cached_property
    def carried_text(self) -> str:
        """`carried` as JSON on one line; empty where there is nothing to carry."""
        return orjson.dumps(self.carried).decode() if self.carried else ""

    @cached_property
    def graph(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Rows of nodes and links for a graph: every link has both ends, no cell is blank, dates are text.

        Nodes that links name and nobody declared bear ``auditor_declared = False``; a far end that is not
        declared is such a node of its own, with ``auditor_blank = True`` besides. Readers take both out.
        """
        nodes, links = rows(self.nodes), rows(self.links)
        taken = {node["id"] for node in nodes}.union(self.undeclared)
        nodes += [{"id": name, DECLARED: False} for name in self.undeclared]
        for link in links:
            if "target" not in link:
                name = f"?{link['id']}"
                while name in taken:
                    name = f"?{name}"
                taken.add(name)
                nodes.append({"id": name, DECLARED: False, BLANK: True})
                link["target"] = name
        return nodes, links


@dataclass(frozen=True)
class Writer:
    """One form of declaration that can be written.

    Parameters
    ----------
    name
        What people call it; the same as its reader's.
    suffixes
        Endings of its files; ``/`` is a folder.
    write
        Gives the bytes of one file, or those of several by name where a folder is written.
    """

    name: str
    suffixes: tuple[str, ...]
    write: Callable[[Content], bytes | dict[str, bytes]]


def plain(value: Any) -> Any:
    """Turn dates into text, at any depth, for forms that have none."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, dt.date) else value


def rows(table: pa.Table) -> list[dict[str, Any]]:
    """Rows of a table without their blank cells, dates as text."""
    texts = [
        column.cast(pa.string()) if pa.types.is_date(column.type) else column for column in table.columns
    ]
    listed = pa.table(texts, names=table.column_names).to_pylist()
    return [{name: value for name, value in row.items() if value is not None} for row in listed]


def content_of(declaration: Declaration, *, named: bool = True) -> Content:
    """Bring a declaration to the form that writers write.

    Parameters
    ----------
    declaration
        Any.
    named
        Whether somebody said whose network it is; else no records are written.
    """
    return Content(
        records=_records(declaration) if named else {},
        nodes=_table(declaration.nodes),
        links=_table(declaration.links),
        prefixes=None if declaration.prefixes is None else _table(declaration.prefixes),
        undeclared=tuple(declaration.undeclared.to_pylist()),
        documents=tuple(declaration.documents),
    )


def _table(table: pa.Table) -> pa.Table:
    columns = {name: flat(table.column(name)) for name in table.column_names if name not in JOINED}
    kept = {
        name: column
        for name, column in columns.items()
        if column.null_count < len(column) or name in {"id", "source", "target", "prefix"}
    }
    return pa.table(kept)


def _records(declaration: Declaration) -> dict[str, Any]:
    tree: dict[str, Any] = {"schema": SCHEMA}
    if declaration.declared_on is not None:
        tree["declared_on"] = declaration.declared_on
    tree["approvals_complete"] = declaration.approvals_complete
    if declaration.reports_complete:
        tree["reports_complete"] = True
    tree["operator"] = _record(declaration.operator)
    for name in LISTS:
        records = [_record(record) for record in getattr(declaration, name)]
        if records:
            tree[name] = records
    tree["network"] = {"complete": declaration.complete}
    if declaration.access_layer is not None:
        tree["network"]["access_layer"] = declaration.access_layer
    return tree


def _record(record: Record) -> dict[str, Any]:
    """One record as keys and values; what is absent or an empty list by default is left out."""
    stated = record.model_dump(exclude_unset=True)
    return {key: _value(value) for key, value in stated.items() if value is not None}


def _value(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_value(inner) for inner in value]
    if isinstance(value, dict):
        return {key: _value(inner) for key, inner in value.items() if inner is not None}
    return value
