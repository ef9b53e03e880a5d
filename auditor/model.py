"""The declaration: what an operator says of itself, its approvals, services, contracts and network."""

from __future__ import annotations

import datetime as dt  # noqa: TC003 -- same
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import pyarrow as pa
from pydantic import BeforeValidator, Field, PlainValidator, ValidationError, WithJsonSchema

from auditor.cards import declaration_card
from auditor.governance import Notice, Referral, Registration, Report, WindDown
from auditor.language import say
from auditor.problems import Origin, nearest, quote
from auditor.records import (
    Approval,
    Contract,
    Day,
    Domicile,
    Flag,
    Operator,
    Record,
    Service,
    Text,
    read_records,
    wrong,
)
from auditor.tables import Log, Note, Unused

if TYPE_CHECKING:
    from collections.abc import Mapping as Mapping_

    import networkx as nx

    from auditor.problems import Problems

__all__ = [
    "Approval",
    "Contract",
    "Declaration",
    "Document",
    "Domicile",
    "Input",
    "Network",
    "Note",
    "Notice",
    "Operator",
    "Referral",
    "Registration",
    "Report",
    "Service",
    "Unused",
    "WindDown",
]

AnyRecord = TypeVar("AnyRecord", bound=Record)
UNKNOWN_KEY = say("no such key in a declaration; kept, but no rule reads it")


def _table(value: Any) -> Any:
    if isinstance(value, str) or (isinstance(value, list) and all(isinstance(row, dict) for row in value)):
        return value
    raise wrong(say("{value} is neither a file name nor a list of records", value=quote(value)))


def _file(value: Any) -> Any:
    if not isinstance(value, str):
        raise wrong(say("{value} is no file name", value=quote(value)))
    return value


def _fields(value: Any) -> Any:
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value.values()):
        raise wrong(
            say("{value} is no table of names", value=quote(value)),
            say("write {example}", example='Latitude = "lat"'),
        )
    return value


def _words(value: Any) -> Any:
    if not isinstance(value, dict):
        raise wrong(
            say("{value} is no table of words", value=quote(value)),
            say('write [network.values.kind] and BRAS = "bng"'),
        )
    return {column: _fields(words) for column, words in value.items()}


def _patterns(value: Any) -> Any:
    if not isinstance(value, dict) or not value:
        raise wrong(
            say("{value} is no table of patterns", value=quote(value)),
            say("write {example}", example='where = { type = "Roadm*" }'),
        )
    return {name: _several(given) for name, given in value.items()}


def _several(value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list | tuple) else [value]
    if not values or not all(isinstance(one, str | int) for one in values):
        raise wrong(say("{value} is no pattern", value=quote(value)), say("write a text, or a list of texts"))
    return tuple(str(one).lower() if isinstance(one, bool) else str(one) for one in values)


def _stated(value: Any) -> Any:
    if not isinstance(value, dict) or not value:
        raise wrong(
            say("{value} is no table of values", value=quote(value)),
            say("write {example}", example='set = { kind = "router" }'),
        )
    stated = {name: _several(given)[0] for name, given in value.items()}
    for name, given in stated.items():
        if not given.strip():
            raise wrong(say("{name} is blank", name=name), say("write a value, or leave the rule out"))
    return stated


TABLE_SCHEMA = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "object"}}]}
Table = Annotated[Any, PlainValidator(_table), WithJsonSchema(TABLE_SCHEMA)]
File = Annotated[str, PlainValidator(_file), WithJsonSchema({"type": "string"})]


Fields = Annotated[dict[str, str], BeforeValidator(_fields)]
Words = Annotated[dict[str, dict[str, str]], BeforeValidator(_words)]
Patterns = Annotated[dict[str, tuple[str, ...]], BeforeValidator(_patterns)]
Values = Annotated[dict[str, str], BeforeValidator(_stated)]


class Role(Record):
    """A rule by which rows of a foreign table get values: where all patterns match, the cells are set."""

    table: Literal["nodes", "links", "prefixes"] = "nodes"
    where: Patterns
    set: Values


class Mapping(Record):
    """What turns a foreign schema into ours: names of columns, words in them, roles by attribute."""

    fields: Fields = Field(default_factory=dict)
    values: Words = Field(default_factory=dict)
    roles: Annotated[tuple[Role, ...], BeforeValidator(read_records)] = ()


class Network(Mapping):
    """Where the tables are, and what is said of them as a whole.

    ``directed`` says whether the links of a graph file carry one way only; absent, they carry both ways.
    """

    nodes: Table | None = None
    links: Table | None = None
    graph: File | None = None
    prefixes: Table | None = None
    filings: File | None = None
    complete: Flag = False
    access_layer: Text | None = None
    directed: Flag | None = None
    mapping: File | None = None


class Document(Record):
    """A whole declaration as it is written, tables apart."""

    schema_: Literal["auditor.declaration/1"] = Field(alias="schema")
    declared_on: Day | None = None
    approvals_complete: Flag = False
    reports_complete: Flag = False
    operator: Operator
    approvals: Annotated[tuple[Approval, ...], BeforeValidator(read_records)] = ()
    services: Annotated[tuple[Service, ...], BeforeValidator(read_records)] = ()
    contracts: Annotated[tuple[Contract, ...], BeforeValidator(read_records)] = ()
    registrations: Annotated[tuple[Registration, ...], BeforeValidator(read_records)] = ()
    reports: Annotated[tuple[Report, ...], BeforeValidator(read_records)] = ()
    notices: Annotated[tuple[Notice, ...], BeforeValidator(read_records)] = ()
    wind_down: Annotated[tuple[WindDown, ...], BeforeValidator(read_records)] = ()
    referrals: Annotated[tuple[Referral, ...], BeforeValidator(read_records)] = ()
    network: Network = Network()


@dataclass(frozen=True)
class Input:
    """A file that was read.

    Parameters
    ----------
    path
        Relative to the declaration's folder.
    sha256
        Hexadecimal digest of its bytes.
    size
        Bytes.
    """

    path: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Declaration:
    """What an operator declares, checked and joined; read one with `auditor.read_declaration`.

    Parameters
    ----------
    operator
        The enterprise audited.
    declared_on
        Date of the declaration.
    approvals_complete
        "There are no others."
    approvals, services, contracts
        Records, in the order declared. Contracts without id have their place in that order, from 1.
    reports_complete
        "There are no others" of the reports to the administration.
    registrations, reports, notices, wind_down, referrals
        Records of what the circular's mechanisms left behind; none of them is asked for.
    complete
        "Nothing is left out" of the network.
    access_layer
        The layer that the access search runs on, where links bear layers.
    nodes
        One row a node with every column of `auditor.tables.NODES`, blank cells null; unknown columns at the
        end as strings. ``id``, ``name``, ``address`` and ``ips`` are plain strings, the other texts are
        dictionary-coded. Places 0,0 are null.
    links
        One row a link with every column of `auditor.tables.LINKS`; ``source`` and ``target`` coded over the
        ids of `nodes` and then `undeclared`; ``tail`` and ``head`` (int32) are those codes, -1 where the far
        end is blank. A link without id is named after its ends.
    undeclared
        Ids that links name and no node has, in order of first sight.
    prefixes
        One row an address block, with every column of `auditor.tables.PREFIXES`; None where not declared.
    filings, filings_file
        Records as filed with the administration (``network.filings``), read as a declaration in which an id
        may be there twice; and the file or folder that holds them.
    filed
        Whether these are such records themselves.
    origins
        Of ``nodes``, ``links`` and ``prefixes``: where each row was read; absent where nobody knows any more.
    partial
        Whether something of the input that may be a node or a link was not read.
    inputs
        Files read.
    documents
        Declared document -> SHA-256, for documents that lie in the declaration's folder.
    unused
        Everything read that no rule looks at.
    notes
        What was assumed in reading.
    """

    operator: Operator
    nodes: pa.Table
    links: pa.Table
    undeclared: pa.Array = field(default_factory=lambda: pa.array([], pa.string()))
    declared_on: dt.date | None = None
    approvals_complete: bool = False
    approvals: tuple[Approval, ...] = ()
    services: tuple[Service, ...] = ()
    contracts: tuple[Contract, ...] = ()
    reports_complete: bool = False
    registrations: tuple[Registration, ...] = ()
    reports: tuple[Report, ...] = ()
    notices: tuple[Notice, ...] = ()
    wind_down: tuple[WindDown, ...] = ()
    referrals: tuple[Referral, ...] = ()
    complete: bool = False
    access_layer: str | None = None
    prefixes: pa.Table | None = None
    filings: Declaration | None = None
    filings_file: str = ""
    filed: bool = False
    origins: Mapping_[str, Origin] = field(default_factory=dict, compare=False)
    partial: bool = False
    inputs: tuple[Input, ...] = ()
    documents: dict[str, str] = field(default_factory=dict)
    unused: tuple[Unused, ...] = ()
    notes: tuple[Note, ...] = ()

    def __repr__(self) -> str:
        codes = ", ".join(service.code for service in self.services) or "no services"
        return (
            f"<Declaration of {self.operator.name}: {codes}; {self.nodes.num_rows:,} nodes, "
            f"{self.links.num_rows:,} links{'' if self.complete else ', not stated complete'}>"
        )

    def to_html(self, lang: str = "en") -> str:
        """Give the card that a notebook shows: what is declared, and what was not read."""
        return declaration_card(self, lang)

    def _repr_html_(self) -> str:
        return self.to_html()

    @cached_property
    def graph(self) -> nx.MultiDiGraph[Any]:
        """The network as a networkx graph; see `auditor.graphs.to_graph`."""
        from auditor.graphs import to_graph  # noqa: PLC0415 -- networkx costs 0.3 s

        return to_graph(self.nodes, self.links, self.undeclared, operator=self.operator.name)


def read_document(data: Any, file: str, log: Log) -> Document | None:
    """Check the records of a declaration; nothing if one of them is wrong.

    Parameters
    ----------
    data
        The structure of a ``declaration.toml``.
    file
        Its name, for messages.
    log
        Gets the problems and the keys that nothing reads.
    """
    if not isinstance(data, dict):
        log.problems.add(
            file, "", "", say("is no declaration"), say("the outermost value is a table of keys")
        )
        return None
    document = read_record(Document, data, file, log)
    if document is None:
        return None
    contracts = tuple(
        contract if contract.id else contract.model_copy(update={"id": str(number)})
        for number, contract in enumerate(document.contracts, 1)
    )
    document = document.model_copy(update={"contracts": contracts})
    _check_contract_ids(document, file, log.problems)
    operator = data["operator"]
    domiciles = operator.get("domiciles", ()) if isinstance(operator, dict) else ()
    _note_nowhere(domiciles, "operator.domiciles", file, log)
    _note_nowhere(data.get("registrations") or (), "registrations", file, log)
    return document


def _note_nowhere(records: Any, where: str, file: str, log: Log) -> None:
    for number, given in enumerate(records, 1):
        if isinstance(given, dict) and given.get("lon") == 0 and given.get("lat") == 0:
            place = say("{file}, {place}", file=file, place=f"{where} {number}")
            log.notes.append(Note(place, say("0,0 read as unknown")))


def read_record(kind: type[AnyRecord], data: Any, file: str, log: Log) -> AnyRecord | None:
    """Check one record by its model; nothing, and problems, if it is wrong."""
    try:
        record = kind.model_validate(data)
    except ValidationError as error:
        for fault in error.errors():
            _report(fault, file, log.problems)
        return None
    log.unused.extend(_unused_keys(record, file, ()))
    return record


def _place(loc: tuple[int | str, ...]) -> tuple[str, str]:
    """Say where a fault lies: records by number from 1, then the key."""
    parts = [str(part + 1) if isinstance(part, int) else str(part) for part in loc]
    where = ".".join(parts[:-1])
    return re.sub(r"\.(\d+)", r" \1", where), parts[-1] if parts else ""


def _report(fault: Any, file: str, problems: Problems) -> None:
    kind, loc, given = fault["type"], tuple(fault["loc"]), fault["input"]
    if loc and isinstance(loc[-1], int):
        where, field_ = _place((*loc, ""))
    else:
        where, field_ = _place(loc)
    what, hint = str(fault["msg"]), ""
    if kind == "auditor":
        what, hint = fault["ctx"]["what"], fault["ctx"]["hint"]
    elif kind == "missing":
        what = say("is missing")
    elif kind == "literal_error":
        words = re.findall(r"'([^']*)'", fault["ctx"]["expected"])
        what, hint = say("{value} is not known", value=quote(given)), nearest(str(given), words)
    elif kind in {"model_type", "dict_type"}:
        what = say("{value} is no table of keys", value=quote(given))
    problems.add(file, where, field_, what, hint)


def _check_contract_ids(document: Document, file: str, problems: Problems) -> None:
    seen: dict[str, int] = {}
    for number, contract in enumerate(document.contracts, 1):
        first = seen.setdefault(str(contract.id), number)
        if first != number:
            what = say(
                "{value} is there twice, first in {place}",
                value=quote(contract.id),
                place=f"contracts {first}",
            )
            problems.add(file, f"contracts {number}", "id", what, say("give every one its own id"))


def _unused_keys(record: Record, file: str, path: tuple[str, ...]) -> list[Unused]:
    found = [Unused(file, ".".join((*path, key)), UNKNOWN_KEY) for key in record.model_extra or ()]
    for name in type(record).model_fields:
        value = getattr(record, name)
        if isinstance(value, Record):
            found += _unused_keys(value, file, (*path, name))
        elif isinstance(value, tuple):
            for number, part in enumerate(value, 1):
                if isinstance(part, Record):
                    found += _unused_keys(part, file, (*path, f"{name} {number}"))
    return found
