"""What the operator declares of the subjects of a case and of the nodes and links on their paths: no more."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.casefiles._words import PARTIES, ROLES
from auditor.findings import plain
from auditor.governance import LISTS
from auditor.messages import kind_name
from auditor.roles import Party, Surety

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from auditor.columns import BoolArray, IntArray
    from auditor.records import Record
    from auditor.result import AuditResult

WAYS = ("path", "path_to_gate", "path_observed")
NAMING = ("nodes", "ends", "lost", "idle")  # facts of a witness that name nodes, beside its paths
TABLES = {"nodes": "node", "links": "link", "prefixes": "prefix"}
EQUIPMENT = frozenset({"node", "link", "prefix"})  # all other subjects rest on records, approvals first
APART = frozenset({"contracts", "referrals"})  # lists that are chosen one by one
OURS = ("tail", "head")  # columns that are ours, not declared


def ways_of(record: Mapping[str, Any]) -> Iterator[tuple[str, list[str | None]]]:
    """Give the paths of a finding with what they are."""
    for kind in WAYS:
        if record["details"].get(kind):
            yield kind, record["details"][kind]


class Declared:
    """The declared rows that a case needs.

    Parameters
    ----------
    result
        Whose declaration.
    records
        The findings of the case.
    """

    def __init__(self, result: AuditResult, records: Sequence[Mapping[str, Any]]) -> None:
        self.result, self.records = result, records
        self.case, self.declaration = result.case, result.case.declaration
        subjects = (record["subject"].partition(":") for record in records)
        self.subjects: dict[str, list[str]] = {}
        for kind, _, name in subjects:
            self.subjects.setdefault(kind, []).append(name)

    # --- which rows ---------------------------------------------------------------------------------------

    @cached_property
    def contracts(self) -> list[Record]:
        """Contracts that are subjects, or name a node that is one."""
        nodes, ids = set(self.subjects.get("node", ())), set(self.subjects.get("contract", ()))
        ids |= {str(n) for r in self.records for n in _listed(r["details"].get("contracts"))}
        return [
            contract
            for contract in self.declaration.contracts
            if contract.id in ids or nodes & {*contract.node_ids, *contract.failover_node_ids}
        ]

    @cached_property
    def nodes(self) -> IntArray:
        """Rows of the nodes: subjects, those on their paths or named by the witness, and their sites."""
        names = dict.fromkeys(self.subjects.get("node", ()))
        for record in self.records:
            names |= dict.fromkeys(name for _, way in ways_of(record) for name in way if name)
            for fact in NAMING:
                names |= dict.fromkeys(str(name) for name in _listed(record["details"].get(fact)))
        for contract in self.contracts if self.subjects.get("contract") else ():
            names |= dict.fromkeys((*contract.node_ids, *contract.failover_node_ids))  # type: ignore[attr-defined]
        rows = self.case.rows_of(names)
        ends = np.concatenate([self._ends[0][self._own_links], self._ends[1][self._own_links]])
        rows = np.concatenate([rows, ends])
        rows = rows[(rows >= 0) & (rows < self.case.n)]
        sites = self.case.placed_by[rows]
        return np.asarray(list(dict.fromkeys([*rows.tolist(), *sites.tolist()])), np.int64)

    @cached_property
    def _ends(self) -> tuple[IntArray, IntArray]:
        links = self.declaration.links
        tail, head = (np.asarray(links.column(name).to_numpy(), np.int64) for name in ("tail", "head"))
        return tail, head

    @cached_property
    def _own_links(self) -> IntArray:
        """Rows of the links that are subjects."""
        wanted = pa.array(self.subjects.get("link", ()), pa.string())
        found: IntArray = np.flatnonzero(pc.is_in(self.declaration.links.column("id"), value_set=wanted))
        return found

    @cached_property
    def links(self) -> IntArray:
        """Rows of the links: subjects, and those that a path takes, in either direction."""
        return np.union1d(self._own_links, np.flatnonzero(self._taken)).astype(np.int64)

    @cached_property
    def _taken(self) -> BoolArray:
        lost = self.declaration.undeclared
        n = self.case.n
        steps: dict[tuple[str, str | None], None] = {}
        for record in self.records:
            for _, way in ways_of(record):
                steps |= dict.fromkeys(pairwise(way))  # type: ignore[arg-type]
        names = list(dict.fromkeys(name or "" for step in steps for name in step))
        known = np.asarray(self.case.rows_of(names), np.int64)
        other = pc.index_in(pa.array(names, pa.string()), value_set=_flat(lost)).fill_null(-1)
        other = np.asarray(other.to_numpy(zero_copy_only=False), np.int64)
        row = dict(
            zip(names, np.where(known >= 0, known, np.where(other >= 0, other + n, -1)).tolist(), strict=True)
        )
        size = n + len(lost) + 1
        pairs = np.array([(row[a or ""], row[b or ""]) for a, b in steps], np.int64).reshape(-1, 2)
        code = (pairs + 1) @ np.array([size, 1])
        tail, head = (end + 1 for end in self._ends)
        taken: BoolArray = np.isin(tail * size + head, code) | np.isin(head * size + tail, code)
        return taken

    # --- as tables ----------------------------------------------------------------------------------------

    @cached_property
    def tables(self) -> dict[str, pa.Table]:
        """Tables of the declaration with these rows, and the columns that hold anything there."""
        found = {
            "nodes": self.declaration.nodes.take(pa.array(self.nodes)),
            "links": self.declaration.links.take(pa.array(self.links)).drop_columns(list(OURS)),
        }
        prefixes = self.declaration.prefixes
        if prefixes is not None:
            own = pa.array(self.subjects.get("prefix", ()), pa.string())
            users = pa.array(self.subjects.get("node", ()), pa.string())
            node = prefixes.column("node").cast(pa.string())
            mine = pc.or_kleene(
                pc.is_in(prefixes.column("prefix").cast(pa.string()), value_set=own),
                pc.is_in(node, value_set=users),
            )
            found["prefixes"] = prefixes.filter(mine)
        return {name: _stated(table) for name, table in found.items() if table.num_rows}

    @cached_property
    def records_told(self) -> dict[str, list[dict[str, Any]]]:
        """Records: the operator; all lists where no equipment is the subject; contracts concerned."""
        declared, asked = self.declaration, self.subjects.keys() - EQUIPMENT
        found: dict[str, Iterable[Record]] = {"operator": (declared.operator,)}
        found |= {name: getattr(declared, name) for name in LISTS.keys() - APART if asked}
        found["contracts"] = self.contracts
        told = {name: [_record(record) for record in records] for name, records in found.items()}
        return {name: told[name] for name in ("operator", *LISTS) if told.get(name)}

    def files(self) -> list[dict[str, Any]]:
        """Files that these rows and records were taken from, with their digests."""
        inputs = [(entry.path, entry.sha256) for entry in self.declaration.inputs]
        named = {name for table in self.tables for name in _files_of(table, [path for path, _ in inputs])}
        named |= {path for path, _ in inputs[:1]}
        return [{"path": path, "sha256": sha256} for path, sha256 in inputs if path in named]

    # --- nodes on a path ----------------------------------------------------------------------------------

    def stations(self, way: Sequence[str | None]) -> list[dict[str, Any]]:
        """Give the nodes of a path: what each is, whose, and its part in the rules."""
        rows = np.asarray(self.case.rows_of(name or "" for name in way), np.int64)
        return [
            self._station(name, int(row), first=at == 0)
            for at, (name, row) in enumerate(zip(way, rows, strict=True))
        ]

    def _station(self, name: str | None, row: int, *, first: bool) -> dict[str, Any]:
        if row < 0:
            return {"id": name, "declared": False}
        case, nodes = self.case, self.declaration.nodes
        parts = (("gate", case.access.gate[row]), ("root", case.access.root[row]))
        role = "subject" if first else next((_role(n, s) for n, s in parts if s != Surety.NO), "")
        return {
            "id": name,
            "declared": True,
            "name": nodes.column("name")[row].as_py(),
            "kind": kind_name(case.node("kind").at(row)),
            "owner": case.node("owner").at(row),
            "party": PARTIES[Party(int(case.owner[row]))],
            "role": ROLES.get(role),
        }

    # --- documents ----------------------------------------------------------------------------------------

    def documents(self) -> list[DocumentUse]:
        """Documents that the rows and records name, with what they back."""
        found: dict[str, list[tuple[str, str | None, int | None]]] = {}
        if "document" in (nodes := self.tables.get("nodes", pa.table({}))).column_names:
            grades = self.case.grade[self.nodes].tolist()
            stated = (
                nodes.column("grade").to_pylist() if "grade" in nodes.column_names else [None] * len(grades)
            )
            rows = zip(
                nodes.column("id").to_pylist(),
                nodes.column("document").to_pylist(),
                stated,
                grades,
                strict=True,
            )
            for name, document, claimed, effective in rows:
                if document:
                    found.setdefault(document, []).append((f"node:{name}", claimed, int(effective)))
        for what, record in self._documented():
            grade = getattr(record, "grade", None)
            effective = self.case.grade_of(grade, record.document) if hasattr(record, "grade") else None  # type: ignore[attr-defined]
            found.setdefault(record.document, []).append((what, grade, effective))  # type: ignore[attr-defined]
        digests = self.declaration.documents
        return [DocumentUse(name, digests.get(name), tuple(uses)) for name, uses in sorted(found.items())]

    def _documented(self) -> Iterator[tuple[str, Record]]:
        """Records with a document: domiciles, and whatever else stands in the case."""
        declared, told = self.declaration, self.records_told
        groups = {"operator.domiciles": declared.operator.domiciles}
        groups |= {name: getattr(declared, name) for name in told.keys() & LISTS.keys() - APART}
        for group, records in sorted(groups.items()):
            for number, record in enumerate(records, 1):
                if getattr(record, "document", None):
                    yield f"{group} {number}", record
        for contract in self.contracts:
            if getattr(contract, "document", None):
                yield f"contract:{contract.id}", contract  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class DocumentUse:
    """A document that the declaration names.

    Parameters
    ----------
    name
        As declared.
    sha256
        Digest of its bytes; None where it is not attached.
    backs
        What names it, with the grade claimed and the one that counts.
    """

    name: str
    sha256: str | None
    backs: tuple[tuple[str, str | None, int | None], ...]


def _role(name: str, surety: int) -> str:
    return name if surety == Surety.SURE else f"maybe_{name}"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _flat(array: Any) -> Any:
    whole = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return whole.cast(pa.string())


def _stated(table: pa.Table) -> pa.Table:
    """Leave out columns that are blank throughout; dictionaries become texts."""
    kept = {
        name: column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for name, column in zip(table.column_names, table.columns, strict=True)
        if column.null_count < table.num_rows
    }
    return pa.table(kept)


def _record(record: Record) -> dict[str, Any]:
    """Give a record as plain values, without what is absent."""
    told: dict[str, Any] = plain(record.model_dump(exclude_none=True))
    return {name: value for name, value in told.items() if value not in ([], {}, "")}


def _files_of(table: str, paths: list[str]) -> list[str]:
    """Name the inputs that may declare rows of a table: those called so and graphs; else the first.

    Examples
    --------
    >>> _files_of("nodes", ["declaration.toml", "export.graphml", "nodes.csv", "links.csv"])
    ['export.graphml', 'nodes.csv']
    """
    others = set(TABLES) - {table}
    found = [
        path
        for path in paths[1:]
        if PurePosixPath(path).stem.lower() not in others and PurePosixPath(path).suffix.lower() != ".toml"
    ]
    return found or paths[:1]
