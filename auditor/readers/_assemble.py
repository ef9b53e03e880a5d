"""From what the files hold to a checked `Declaration`; everything wrong is reported at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor import cells, network, tables
from auditor.columns import Coded
from auditor.errors import DeclarationError, UnnamedError, UsageError
from auditor.governance import LISTS
from auditor.interning import intern
from auditor.language import say
from auditor.model import UNKNOWN_KEY, Declaration, Network, read_document
from auditor.problems import Origin, quote
from auditor.readers._filed import read_filed
from auditor.readers._files import Folder, read_json, read_toml
from auditor.readers._graph import settled
from auditor.readers._mapping import check_mapping, mapped, with_mapping
from auditor.readers._registry import Export, endings, parser
from auditor.readers._tables import read_table
from auditor.records import SCHEMA
from auditor.tables import Frame, Log, Note, Unused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.model import Document
    from auditor.readers._mapping import Source
    from auditor.readers._registry import Parse
    from auditor.tables import Column

NAME = "declaration.toml"
BROKEN = Network()  # stands for a [network] that is itself wrong


def read_operator(path: Path, log: Log) -> tuple[Any, Folder]:
    """Read the records of a declaration: a folder, its ``.toml`` or a ``.json``.

    Raises
    ------
    DeclarationError
        If the file is missing or is no TOML or JSON.
    """
    file = path / NAME if path.is_dir() else path
    folder = Folder(file.parent, log, file.name)
    data = folder.load(file, file.name, lambda what: log.problems.add(path.name or str(path), "", "", what))
    read = read_json if file.suffix.lower() == ".json" else read_toml
    tree = None if data is None else read(data, file.name, log)
    log.problems.raise_if_any()
    return tree, folder


def read_file(
    path: Path,
    parse: Parse,
    *,
    operator: Path | Mapping[str, Any] | None = None,
    mapping: Path | None = None,
    repeats: bool = False,
) -> Declaration:
    """Read a declaration of any form from a file, or from a folder.

    Parameters
    ----------
    path
        The file or folder.
    parse
        Reads its bytes.
    operator
        Whose network it is, where the file does not say so: a file, or its structure.
    mapping
        A file of ``[fields]``, ``[values]`` and ``[[roles]]``.
    repeats
        Whether an id that is there twice is noted and no problem.

    Raises
    ------
    UsageError
        If the file does not say whose network it is and there is no operator file, or if it says so itself
        and there is one.
    DeclarationError
        With everything that is wrong.
    """
    log = Log(repeats=repeats)
    file = path / NAME if path.is_dir() else path
    tree, folder = operator, None
    if isinstance(operator, Path):
        tree, folder = read_operator(operator, log)
    here = Folder(file.parent, log, file.name) if folder is None else folder
    whose = _stated_network(tree)
    log.layer, log.fields = (
        whose.access_layer,
        with_mapping(whose, replace(here, log=Log(), inputs=[]), mapping)[0].fields,
    )
    data = here.load(file, file.name, lambda what: log.problems.add(path.name or str(path), "", "", what))
    export = None if data is None else parse(data, file.name, log)
    if export is None:
        if folder is not None:
            assemble(tree, folder, graph=Export(), extra=mapping)
        log.problems.raise_if_any()
        raise AssertionError("a parser that gives nothing says why")
    if operator is None:
        if export.records is None:
            log.problems.raise_if_any()
            raise UnnamedError(
                say(
                    "{file} does not say whose network it is; give the operator's {name} besides",
                    file=path.name,
                    name=NAME,
                )
            )
        tree = export.records
    elif export.nodes is None:
        raise UsageError(
            say("{file} says itself whose network it is; leave out the operator file", file=path.name)
        )
    elif export.records is not None:
        what = say("records of a declaration that the file carries")
        log.unused.append(Unused(file.name, what, say("the operator file stands in their stead")))
    return assemble(tree, here, graph=None if export.nodes is None else export, extra=mapping)


def read_raw(path: Path, parse: Parse, mapping: Path | None) -> tuple[dict[str, Frame], Network]:
    """Read the tables of a file as it holds them, and the mapping that it states or that is given besides.

    Raises
    ------
    DeclarationError
        If either cannot be read.
    """
    log = Log()
    file = path / NAME if path.is_dir() else path
    folder = Folder(file.parent, log, file.name)
    data = folder.load(file, file.name, lambda what: log.problems.add(path.name, "", "", what))
    export = None if data is None else parse(data, file.name, log)
    stated = _stated_network(export.records) if export else Network()
    stated, _ = with_mapping(stated, folder, mapping)
    log.problems.raise_if_any()
    found: dict[str, Frame] = {}
    for key in ("nodes", "links", "prefixes"):
        raw = read_table(getattr(stated, key), key, folder)
        raw = raw or (getattr(export, key) if export else None)
        if raw is not None:
            found[key] = raw
    log.problems.raise_if_any()
    return found, stated


def assemble(
    data: Any, folder: Folder, *, graph: Export | None = None, extra: Path | None = None
) -> Declaration:
    """Build a declaration.

    Parameters
    ----------
    data
        The structure of ``declaration.toml``.
    folder
        Where its files are; its log may hold problems already.
    graph
        Nodes and links that the tables of `data` are laid over.
    extra
        A mapping file besides that of `data`.

    Raises
    ------
    DeclarationError
        With all problems.
    """
    log = folder.log
    document = read_document(data, folder.file, log)
    stated = document.network if document else _stated_network(data)
    if stated.graph is not None and graph is not None:
        log.problems.add(
            folder.file, "network", "graph", say("there is a graph already"), say("leave one of them out")
        )
    stated, sources = with_mapping(stated, folder, extra)
    if graph is None and stated.graph is not None:
        graph = read_graph_file(stated.graph, folder, stated)
    if log.partial and stated.complete:
        what = say("the network is stated complete, but some of the file was not read (see what is not used)")
        log.problems.add(
            folder.file, "network", "complete", what, say("say complete = false, or mend the file")
        )
    nodes, links, undeclared = _network(stated, sources, graph, folder)
    prefixes = _prefixes(stated, graph, nodes, folder)
    filings = _filings(stated, document, folder)
    documents = _documents(document, nodes, folder)
    log.problems.raise_if_any()
    pa.default_memory_pool().release_unused()  # a third of what reading took, in half a millisecond
    if document is None or nodes is None or links is None:
        raise AssertionError("a declaration without problems is complete")
    _note_contracts(document, nodes, log)
    return Declaration(
        operator=document.operator,
        declared_on=document.declared_on,
        approvals_complete=document.approvals_complete,
        approvals=document.approvals,
        services=document.services,
        contracts=document.contracts,
        reports_complete=document.reports_complete,
        registrations=document.registrations,
        reports=document.reports,
        notices=document.notices,
        wind_down=document.wind_down,
        referrals=document.referrals,
        complete=stated.complete,
        access_layer=stated.access_layer,
        nodes=nodes.table,
        links=links.table,
        undeclared=undeclared,
        prefixes=prefixes.table if prefixes else None,
        filings=filings,
        filings_file=stated.filings or "",
        filed=log.filed,
        origins={"nodes": nodes.origin, "links": links.origin}
        | ({"prefixes": prefixes.origin} if prefixes else {}),
        inputs=tuple(folder.inputs),
        documents=documents,
        partial=log.partial,
        unused=tuple(log.unused),
        notes=tuple(log.notes),
    )


def _filings(stated: Network, document: Document | None, folder: Folder) -> Declaration | None:
    """Read what was filed with the administration, with the forms that declarations have."""
    if stated.filings is None or document is None:
        return None
    if folder.log.filed or folder.log.inner:  # filings of filings: one step is what anybody means
        folder.log.unused.append(Unused(folder.file, f"network.filings {stated.filings}", UNKNOWN_KEY))
        return None
    inner, export = read_filed(stated.filings, folder)
    if inner is None or export is None:
        return None
    tree = export.records or {"schema": SCHEMA, "operator": {"name": document.operator.name}}
    try:
        filed = assemble(tree, inner, graph=None if export.nodes is None else export)
    except DeclarationError:  # its problems are in the log, which the two share
        return None
    # What is filed beside our columns is compared all the same.
    folder.log.unused += [unused for unused in filed.unused if unused.why != tables.UNKNOWN_COLUMN]
    folder.log.notes += filed.notes
    return filed if export.records else replace(filed, operator=document.operator)


def _stated_network(data: Any) -> Network:
    """Read ``[network]`` alone, so that its tables are checked although other records are wrong."""
    if not isinstance(data, dict):
        return BROKEN
    try:
        return Network.model_validate(data.get("network", {}))
    except ValueError:
        return BROKEN


def _network(
    stated: Network, sources: list[Source], graph: Export | None, folder: Folder
) -> tuple[Frame | None, Frame | None, Any]:
    log = folder.log
    tables_given = [read_table(getattr(stated, key), key, folder) for key in ("nodes", "links")]
    if stated is not BROKEN and stated.nodes is None and graph is None and stated.graph is None:
        log.problems.add(
            folder.file, "network", "nodes", say("is missing"), say("name a table of nodes, or a graph")
        )
    raws = [raw for raw in (*tables_given, *((graph.nodes, graph.links) if graph else ())) if raw is not None]
    given = {name for raw in raws for name in raw.table.column_names} | log.renamed
    check_mapping(sources, given, log)
    raw_nodes, raw_links = (
        raw and mapped(raw, key, stated, log)
        for raw, key in zip(tables_given, ("nodes", "links"), strict=True)
    )
    base = settled(graph, stated, log) if graph else (None, None)
    whole = graph is not None and graph.tables
    for key, raw in (("nodes", raw_nodes), ("links", raw_links)):
        if graph is not None and raw is not None:
            what = say(
                "laid over the {table} of the graph: {count:,} rows", table=key, count=raw.table.num_rows
            )
            log.notes.append(Note(raw.origin.files[0], what))
    nodes = _lay(base[0], raw_nodes, tables.NODES, log, whole=whole)
    links = _lay(base[1], raw_links, tables.LINKS, log, whole=whole)
    if nodes is None or not nodes.whole:
        return None, None, None
    if not nodes.table.num_rows:
        log.problems.add(
            nodes.origin.files[-1], "", "", say("the table has no rows"), say("declare at least one node")
        )
    nodes = _default_kind(nodes, log) if graph and not whole else nodes
    ids = intern(nodes.strings("id"))
    nodes = network.check_nodes(nodes, ids, log)
    if links is None:
        if stated.links is None and graph is None:
            log.notes.append(Note(folder.file, say("no links are declared")))
        links = tables.read_columns(
            Frame(pa.table({}), Origin.of(folder.file, np.arange(0))), tables.LINKS, log
        )
    if not links.whole:
        return nodes, None, None
    links, undeclared = network.check_links(links, ids, log, complete=stated.complete)
    return nodes, links, undeclared


def _lay(
    base: Frame | None, above: Frame | None, columns: tuple[Column, ...], log: Log, *, whole: bool = False
) -> Frame | None:
    """Convert a graph's table and a declared one, and lay the second over the first.

    With `whole` the first is a table of our own shape, which needs the same columns as a declared one.
    """
    needed = [c.name for c in columns if c.required or c.name == "target"]
    if base is not None and whole:
        base = tables.require_columns(base, needed, log)
    elif base is not None:  # a table over a graph may bring some columns only
        needed = ["id"] if columns is tables.NODES else []
    if above is not None:
        above = tables.require_columns(above, needed, log)
    frames = [tables.read_columns(raw, columns, log) for raw in (base, above) if raw is not None]
    if not frames:
        return None
    return tables.overlay(*frames) if len(frames) > 1 else frames[0]


def _default_kind(nodes: Frame, log: Log) -> Frame:
    """Give ``other`` to nodes of a graph that states no kind; a table's rows have to state it.

    Such a node may be anything, a switch on the way or an exchange: it carries, lest a path end there.
    """
    kind, transit = nodes.strings("kind"), cells.flat(nodes.table.column("transit"))
    blank = np.asarray(kind.is_null()) & (nodes.origin.code == 0)
    if not blank.any():
        return nodes
    what = say(
        "kind read as other, carrying traffic, for {count:,} nodes without kind", count=int(blank.sum())
    )
    if blank.all():
        what = say(
            "{what}, which are all: say by a mapping what they are (auditor convert --suggest)", what=what
        )
    log.notes.append(Note(nodes.origin.files[0], what))
    carries = pc.and_(pa.array(blank), transit.is_null())
    filled = {
        "kind": pc.if_else(pa.array(blank), "other", kind).dictionary_encode(),
        "transit": pc.if_else(carries, pa.scalar(value=True), transit),
    }
    table = nodes.table
    for name, column in filled.items():
        table = table.set_column(table.column_names.index(name), name, column)
    return replace(nodes, table=table)


def read_graph_file(name: str, folder: Folder, stated: Network) -> Export | None:
    """Read the graph file that ``[network]`` names, with the reader that knows its suffix."""
    parse = parser("." + name.rpartition(".")[2].lower())
    if parse is None:
        what, hint = (
            say("{name} is no graph file that can be read", name=quote(name)),
            say("graphs are {endings}", endings=endings()),
        )
        folder.log.problems.add(folder.file, "network", "graph", what, hint)
        return None
    folder.log.layer, folder.log.fields = stated.access_layer, stated.fields
    data = folder.read(name, "network", "graph")
    export = None if data is None else parse(data, name, folder.log)
    if export is not None and export.nodes is None:
        what, hint = (
            say("{name} is a declaration of its own, no graph", name=quote(name)),
            say("check it by itself"),
        )
        folder.log.problems.add(folder.file, "network", "graph", what, hint)
        return None
    if export is not None and export.records is not None:
        what = say("records of a declaration that the file carries")
        folder.log.unused.append(Unused(name, what, say("{file} stands in their stead", file=folder.file)))
    return export


def _prefixes(stated: Network, graph: Export | None, nodes: Frame | None, folder: Folder) -> Frame | None:
    raw = read_table(stated.prefixes, "prefixes", folder)
    if raw is None:
        raw = graph.prefixes if graph else None
    elif graph and graph.prefixes:
        what, why = say("address blocks"), say("the table of {file} stands in their stead", file=folder.file)
        folder.log.unused.append(Unused(graph.prefixes.origin.files[0], what, why))
    if raw is None:
        return None
    raw = mapped(raw, "prefixes", stated, folder.log)
    frame = tables.read_columns(
        tables.require_columns(raw, ["prefix"], folder.log), tables.PREFIXES, folder.log
    )
    if frame.whole:
        network.check_prefixes(frame, folder.log)
    named = frame.table.column("node").combine_chunks()
    if nodes is not None and named.null_count < len(named):
        distinct = pc.drop_null(frame.strings("node")).unique()
        lost = distinct.filter(pc.invert(pc.is_in(distinct, nodes.strings("id")))).to_pylist()
        if lost:
            what = say(
                "node: {count:,} ids that no node has, such as {name}", count=len(lost), name=quote(min(lost))
            )
            folder.log.notes.append(Note(raw.origin.files[0], what))
    return frame


def _documents(document: Document | None, nodes: Frame | None, folder: Folder) -> dict[str, str]:
    """Digest the attached documents that lie in the folder; the others are noted."""
    named = _named_documents(document) if document else {}
    if nodes is not None:
        for name in Coded.of(nodes.table.column("document")).values:
            named.setdefault(name, "nodes")
    if folder.root is None:
        return {}
    digests = {name: folder.digest(name, where) for name, where in named.items()}
    for name, digest in digests.items():
        if digest is None:
            folder.log.notes.append(
                Note(folder.file, say("document {name} is named but not attached", name=quote(name)))
            )
    return {name: digest for name, digest in digests.items() if digest is not None}


def _named_documents(document: Document) -> dict[str, str]:
    places: dict[str, tuple[Any, ...]] = {"operator.domiciles": document.operator.domiciles}
    places |= {name: getattr(document, name) for name in LISTS}
    return {
        record.document: f"{where} {number}"
        for where, records in places.items()
        for number, record in enumerate(records, 1)
        if getattr(record, "document", None)
    }


def _note_contracts(document: Document, nodes: Frame, log: Log) -> None:
    """Note nodes that contracts name and the network lacks: rules judge what that means."""
    named = {
        node: contract.id
        for contract in document.contracts
        for node in (*contract.node_ids, *contract.failover_node_ids)
    }
    if not named:
        return
    known = pc.is_in(pa.array(list(named), pa.string()), nodes.strings("id")).to_pylist()
    for (node, contract), found in zip(named.items(), known, strict=True):
        if not found:
            log.notes.append(
                Note(
                    say("contract {contract}", contract=contract),
                    say("names {node}, which is no declared node", node=quote(node)),
                )
            )
