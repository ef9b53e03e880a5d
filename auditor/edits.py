"""Edits of a declaration: what is added, set, moved or removed, read again as if the files said so."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.cells import NO, YES, flat, mask
from auditor.errors import DeclarationError, Problem
from auditor.language import say
from auditor.model import Document, Network
from auditor.problems import Origin, nearest, quote
from auditor.readers import read_tables
from auditor.records import Domicile, Operator, Record
from auditor.tables import LINKS, NODES, PREFIXES, Frame, Note
from auditor.writers import content_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from auditor.model import Declaration

Action = Literal["add", "set", "move", "remove"]
TABLES = {"node": ("nodes", "id"), "link": ("links", "id"), "prefix": ("prefixes", "prefix")}
COLUMNS = {"nodes": NODES, "links": LINKS, "prefixes": PREFIXES}
PLACE = ("site", "lon", "lat", "datum", "accuracy_m", "address", "region_code", "grade", "document")
PLACED = frozenset({"site", "lon", "address", "region_code"})
KEYS = ("id", "code", "number")
FILES = frozenset({"nodes", "links", "graph", "prefixes", "filings", "mapping", "fields", "values", "roles"})
READ = ("inputs", "unused", "partial", "filings", "filings_file", "filed")  # no edit changes them
FLAGS = {**dict.fromkeys(YES, True), **dict.fromkeys(NO, False)}
NAME = "whatif"


@dataclass(frozen=True)
class Edit:
    """One change of a declaration.

    Parameters
    ----------
    action
        ``add`` a row or record; ``set`` fields of one, a blank value clearing them; ``move`` a node or the
        operator, which clears whatever else was said of its place; ``remove``.
    subject
        ``node:ID``, ``link:ID``, ``prefix:BLOCK``, ``contract:ID``, ``service:CODE``, ``approval:NUMBER``,
        ``domicile:N``, ``operator``, ``network``; of any other list of records its name and a number from 1.
        To ``add``, the kind alone.
    values
        Fields by the names of a declaration.
    where
        Names it in messages.
    """

    action: Action
    subject: str
    values: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""

    @property
    def kind(self) -> str:
        """Kind of the subject."""
        return self.subject.partition(":")[0]

    @property
    def name(self) -> str:
        """Subject without its kind."""
        return self.subject.partition(":")[2]

    def get(self, name: str) -> Any:
        """Value of a field; None where the edit does not state it."""
        return self.values.get(name)

    def but(self, **values: Any) -> Edit:
        """Give the edit with other values besides."""
        return replace(self, values={**self.values, **values})

    @property
    def told(self) -> str:
        """What the edit is, as people write it on a command line."""
        values = [f"{key}={value}" for key, value in self.values.items()]
        return " ".join((self.action, self.subject, *values))


def record_kinds() -> dict[str, tuple[str, type[Record], str | None]]:
    """Kinds of records that are listed: of each the list, its model, and the field that names one."""
    found: dict[str, tuple[str, type[Record], str | None]] = {}
    for name, about in Document.model_fields.items():
        model = next((arg for arg in get_args(about.annotation) if isinstance(arg, type)), None)
        if model is not None and issubclass(model, Record):
            key = next((key for key in KEYS if key in model.model_fields), None)
            found[name.removesuffix("s")] = (name, model, key)
    return {**found, "domicile": ("domiciles", Domicile, None)}


class Edited(NamedTuple):
    """A declaration as edited.

    Parameters
    ----------
    declaration
        As it would be read.
    notes
        What follows from the edits without being said in them.
    renamed
        Records known by their number that have another one now: new subject -> the one before.
    """

    declaration: Declaration
    notes: tuple[Note, ...] = ()
    renamed: Mapping[str, str] = MappingProxyType({})


def edited(
    declaration: Declaration, edits: Iterable[Edit], *, on: dt.date, root: Path | None = None
) -> Edited:
    """Make the edits, one after another, and read the declaration again by the rules of its files.

    Parameters
    ----------
    declaration
        As it was read; it stays as it is.
    edits
        Any number.
    on
        Date from which the operator's new domicile counts.
    root
        Folder where documents that an edit names lie; without it only those attached already count.

    Returns
    -------
    Edited
        The declaration, and what follows from the edits.

    Raises
    ------
    DeclarationError
        Every edit that names what is not there, and everything that reading the edited declaration finds.
    """
    edits = tuple(edits)
    draft = _Draft(declaration, on)
    for edit in edits:
        draft.make(edit)
    if draft.problems:
        raise DeclarationError(draft.problems)
    read = read_tables(draft.tree(), draft.frames(), root, NAME)
    before = {(note.where, note.what) for note in declaration.notes}
    new = tuple(n for n in read.notes if (n.where, n.what) not in before and n.where not in {NAME, *COLUMNS})
    kept = {name: getattr(declaration, name) for name in READ}
    if root is None:
        kept["documents"] = declaration.documents
    read = replace(read, notes=(*declaration.notes, *new), **kept)
    return Edited(read, (*draft.notes, *new), draft.renamed())


class _Draft:
    """Content of a declaration while it is edited."""

    def __init__(self, declaration: Declaration, on: dt.date) -> None:
        content = content_of(declaration)
        self.on = on
        self.records: dict[str, Any] = dict(content.records)
        self.records["operator"] = dict(self.records.get("operator", {}))
        self.records["network"] = dict(self.records.get("network", {}))
        self.tables = {"nodes": content.nodes, "links": content.links}
        if content.prefixes is not None:
            self.tables["prefixes"] = content.prefixes
        self.origins = {
            key: declaration.origins.get(key) or Origin.of(key, np.arange(1, table.num_rows + 1), "record")
            for key, table in self.tables.items()
        }
        self.added: dict[str, list[dict[str, Any]]] = {}
        self.problems: list[Problem] = []
        self.notes: list[Note] = []
        self.kinds = record_kinds()
        self.order: dict[str, list[int]] = {}

    def renamed(self) -> dict[str, str]:
        """Give the numbers that records had before, of those that have another one now."""
        return {
            f"{kind}:{new}": f"{kind}:{old}"
            for kind, order in self.order.items()
            for new, old in enumerate(order, 1)
            if old and old != new
        }

    def tree(self) -> dict[str, Any]:
        """Records, with the rows that were added as tables to be laid over the others."""
        if self.added.get("prefixes"):
            self._settle("prefixes")  # a table of blocks stands for the other, it is not laid over it
        return {**self.records, "network": {**self.records["network"], **self.added}}

    def frames(self) -> dict[str, Frame]:
        """Tables as a reader gives them, links named anew."""
        tables = {**self.tables, "links": _unnamed(self.tables["links"])}
        return {key: Frame(table, self.origins[key]) for key, table in tables.items()}

    def fault(self, edit: Edit, what: str, hint: str = "", key: str = "") -> None:
        """Report what is wrong with an edit."""
        self.problems.append(Problem(edit.where or NAME, edit.subject, key, what, hint))

    def make(self, edit: Edit) -> None:
        """Make one edit."""
        if edit.action != "remove" and not edit.values:
            self.fault(edit, say("says nothing"), say("give FIELD=VALUE"))
            return
        if edit.action == "add" and edit.name:
            self.fault(edit, say("to add takes the kind alone"), say("give the name as a field"))
            return
        if edit.kind in TABLES and (edit.kind == "node" or edit.action != "move"):
            self._row(edit)
        elif edit.kind in self.kinds:
            self._record(edit)
        elif edit.subject == "operator" and edit.action == "move":
            self._move_operator(edit)
        elif edit.subject in {"operator", "network"} and edit.action == "set":
            for key in FILES & edit.values.keys() if edit.subject == "network" else ():
                self.fault(edit, say("tables and files cannot be exchanged so"), say("edit their rows"), key)
            values = self._values(edit, Operator if edit.subject == "operator" else Network)
            self.records[edit.subject] = _without_blank(self.records[edit.subject] | values)
        else:
            known = [*TABLES, *self.kinds, "operator", "network"]
            hint = nearest(edit.kind, known)
            self.fault(edit, say("cannot be edited so: {edit}", edit=quote(edit.told)), hint)

    # --- tables ---

    def _row(self, edit: Edit) -> None:
        key, name = TABLES[edit.kind]
        if edit.action == "add":
            self._add_row(edit, key, name)
            return
        if self.added.get(key):
            self._settle(key)
        table = self.tables.get(key)
        chosen = None if table is None else _is(table, name, edit.name)
        if table is None or chosen is None or not pc.any(chosen).as_py():
            values = [] if table is None else flat(table.column(name)).to_pylist()
            self.fault(edit, say("there is none of that name"), nearest(edit.name, filter(None, values)))
        elif edit.action == "remove":
            self._drop(key, chosen)
            if edit.kind == "node":
                self._remove_links(edit)
        else:
            self._set_cells(edit, key, table, chosen)

    def _drop(self, key: str, gone: Any) -> None:
        kept = ~mask(gone)
        self.tables[key] = self.tables[key].filter(pa.array(kept))
        self.origins[key] = self.origins[key].take(kept)

    def _add_row(self, edit: Edit, key: str, name: str) -> None:
        values = {k: v for k, v in edit.values.items() if not _is_blank(v)}
        self._known(edit, values, self._columns(key))
        table = self.tables.get(key)
        taken = {row.get(name) for row in self.added.get(key, ())}
        if table is not None and name in table.column_names:
            taken |= set(flat(table.column(name)).to_pylist()) if values.get(name) else set()
        if edit.kind != "prefix" and values.get(name) and str(values[name]) in taken:
            self.fault(edit, say("{value} is there already", value=quote(values[name])), say("use --set"))
        self.added.setdefault(key, []).append(values)

    def _settle(self, key: str) -> None:
        """Take added rows among the others, so that a later edit finds them."""
        rows = self.added.pop(key)
        names = list(dict.fromkeys(name for row in rows for name in row))
        new = pa.table({n: pa.array([_text(row.get(n)) for row in rows], pa.string()) for n in names})
        origin = Origin.of(NAME, np.arange(1, len(rows) + 1), "record")
        table = self.tables.get(key)
        self.origins[key] = origin if table is None else self.origins[key].append(origin)
        if table is not None:
            for name in set(names) & set(table.column_names):
                at = table.column_names.index(name)
                table = table.set_column(at, name, flat(table.column(name)).cast(pa.string()))
            new = pa.concat_tables([table, new], promote_options="default")
        self.tables[key] = new

    def _columns(self, key: str) -> list[str]:
        table = self.tables.get(key)
        given = table.column_names if table is not None else []
        return list(dict.fromkeys((*(column.name for column in COLUMNS[key]), *given)))

    def _set_cells(self, edit: Edit, key: str, table: pa.Table, chosen: Any) -> None:
        values = dict(edit.values)
        if edit.action == "move":
            if not PLACED & {k for k, v in values.items() if not _is_blank(v)}:
                self.fault(
                    edit, say("does not say where to"), say("give lon and lat, region_code, address or site")
                )
            values = {name: None for name in PLACE if name in table.column_names} | values
        self._known(edit, values, self._columns(key))
        for name, value in values.items():
            has = name in table.column_names
            column = flat(table.column(name)) if has else pa.nulls(table.num_rows, pa.string())
            changed = pc.if_else(chosen, pa.scalar(_text(value), pa.string()), column.cast(pa.string()))
            at = table.column_names.index(name) if has else None
            table = table.append_column(name, changed) if at is None else table.set_column(at, name, changed)
        self.tables[key] = table

    def _remove_links(self, edit: Edit) -> None:
        """Take out the links at a node that is removed: a link to nothing says something else."""
        if self.added.get("links"):
            self._settle("links")
        links = self.tables["links"]
        gone = pc.or_(*(_is(links, end, edit.name) for end in ("source", "target")))
        number = int(pc.sum(gone).as_py() or 0)
        if number:
            self.notes.append(Note(edit.subject, say("{count:,} links at it are removed too", count=number)))
            self._drop("links", gone)

    # --- records ---

    def _list(self, kind: str) -> list[dict[str, Any]]:
        name = self.kinds[kind][0]
        home = self.records["operator"] if kind == "domicile" else self.records
        home[name] = list(home.get(name, ()))
        listed: list[dict[str, Any]] = home[name]
        self.order.setdefault(kind, list(range(1, len(listed) + 1)))
        return listed

    def _record(self, edit: Edit) -> None:
        listed = self._list(edit.kind)
        _, model, key = self.kinds[edit.kind]
        if edit.action == "add":
            listed.append(_without_blank(self._values(edit, model)))
            self.order[edit.kind].append(0)
            return
        named = [i for i, record in enumerate(listed) if key is not None and record.get(key) == edit.name]
        if not named and edit.name.isdecimal() and 1 <= int(edit.name) <= len(listed):
            named = [int(edit.name) - 1]
        if not named or edit.action == "move":
            names = [str(record.get(key or "") or i) for i, record in enumerate(listed, 1)]
            hint = nearest(edit.name, names) or say("there are {names}", names=names or say("none"))
            self.fault(edit, say("there is none of that name"), hint)
        elif edit.action == "remove":
            listed[:] = [record for i, record in enumerate(listed) if i not in named]
            self.order[edit.kind] = [at for i, at in enumerate(self.order[edit.kind]) if i not in named]
        else:
            values = self._values(edit, model)
            for i in named:
                listed[i] = _without_blank(listed[i] | values)

    def _move_operator(self, edit: Edit) -> None:
        """End the domicile in force on the date, and begin another."""
        listed = self._list("domicile")
        for i, record in enumerate(listed):
            begun, ended = record.get("from_on"), record.get("to_on")
            if (begun is None or begun < self.on) and (ended is None or ended > self.on):
                listed[i] = {**record, "to_on": self.on}
        listed[:] = [r for r in listed if r.get("from_on") is None or r["from_on"] < self.on]
        begins = {"from_on": self.on} if listed else {}
        listed.append({**begins, **_without_blank(self._values(edit, Domicile))})

    def _values(self, edit: Edit, model: Any) -> dict[str, Any]:
        """Values by the types of a record: what a command line can only give as text."""
        self._known(edit, edit.values, list(model.model_fields))
        return {
            key: _typed(value, str(model.model_fields[key].annotation))
            for key, value in edit.values.items()
            if key in model.model_fields
        }

    def _known(self, edit: Edit, values: Iterable[str], known: list[str]) -> None:
        for key in values:
            if key not in known:
                self.fault(edit, say("there is no such field"), nearest(key, known), key)


def _unnamed(links: pa.Table) -> pa.Table:
    """Blank the names that links got from their ends, so that they are made anew of all that is left."""
    source, target = (pc.fill_null(flat(links.column(end)), "") for end in ("source", "target"))
    ids = flat(links.column("id"))
    made = pc.binary_join_element_wise(source, target, ">")
    plain = pc.replace_substring_regex(ids, r"#[0-9]+$", "")
    blank = pc.fill_null(pc.or_(pc.equal(ids, made), pc.equal(plain, made)), fill_value=False)
    return links.set_column(links.column_names.index("id"), "id", pc.if_else(blank, None, ids))


def _is(table: pa.Table, name: str, value: str) -> Any:
    """Mask of the rows whose cell is `value`."""
    return pc.fill_null(pc.equal(flat(table.column(name)), value), fill_value=False)


def _typed(value: Any, annotation: str) -> Any:
    """Read a text as the type of its field; what cannot be read stays, for the record to refuse."""
    if not isinstance(value, str):
        return value
    if re.search(r"\bbool\b", annotation):
        return FLAGS.get(value.strip().casefold(), value)
    if re.search(r"\b(float|int)\b", annotation):
        try:
            return int(value) if re.search(r"\bint\b", annotation) else float(value)
        except ValueError:
            return value
    return value


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _without_blank(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if not _is_blank(value)}


def _text(value: Any) -> str | None:
    """Write a value as a cell of text; a blank one is none."""
    if _is_blank(value):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return ";".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
