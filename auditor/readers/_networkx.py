"""Any networkx graph as a declaration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.columns import BLANK, DECLARED, REVERSE
from auditor.errors import UsageError
from auditor.language import say
from auditor.model import Declaration, Operator
from auditor.readers._assemble import assemble, read_operator
from auditor.readers._files import Folder
from auditor.readers._registry import Export
from auditor.readers._tables import read_rows
from auditor.records import SCHEMA
from auditor.tables import Log, Note

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from os import PathLike

    import networkx as nx


NAME = "graph"
BOTH_WAYS = say(
    "directed edges read as carrying both ways; an edge attribute direction = forward, or directed=True"
)


def read_graph(
    graph: nx.Graph[Any],
    *,
    operator: str | PathLike[str] | Mapping[str, Any] | Operator | Declaration,
    directed: bool = False,
) -> Declaration:
    """Read a networkx graph as an operator's network.

    Parameters
    ----------
    graph
        Any of the four classes. Attributes of nodes and edges are named as our columns (or mapped by
        ``[network.fields]`` of the operator file); a node's key is its ``id``, an edge's ``id`` is the
        attribute of that name or a key that is text. Nodes without ``kind`` are ``other``. Nodes with
        ``auditor_declared = False`` are taken as named by links only.
    operator
        Whose network it is: the path of a ``declaration.toml``, the same structure as a dict, an
        `Operator`, or a declaration whose network the graph is to replace.
    directed
        Whether an edge of a directed graph carries one way only. Exports of physical links are directed more
        often by mistake than by intent, so that by default they carry both ways.

    Raises
    ------
    DeclarationError
        With everything that is wrong.
    UsageError
        If `graph` or `operator` is something else.

    Examples
    --------
    >>> import networkx as nx
    >>> graph = nx.Graph()
    >>> graph.add_node("sub-1", kind="subscriber", owner="customer")
    >>> graph.add_node("bng-1", kind="bras", owner="中国电信", lon=121.6, lat=31.1, datum="WGS84")
    >>> graph.add_edge("sub-1", "bng-1", kind="fibre")
    >>> declaration = read_graph(graph, operator={"operator": {"name": "Example"}})
    >>> declaration.nodes.column("kind").to_pylist(), declaration.links.column("id").to_pylist()
    (['subscriber', 'bng'], ['sub-1>bng-1'])
    """
    if not hasattr(graph, "is_multigraph"):
        raise UsageError(say("graph is a networkx graph, not {kind}", kind=type(graph).__name__))
    log = Log()
    frames = _frames(graph, directed=directed, log=log)
    if isinstance(operator, Declaration):
        network = {"complete": operator.complete, "access_layer": operator.access_layer}
        tree = {"schema": SCHEMA, "operator": operator.operator, "network": network}
        read = assemble(tree, Folder(None, log, NAME), graph=frames)
        kept = {name: getattr(read, name) for name in ("nodes", "links", "undeclared", "notes", "unused")}
        return replace(operator, **kept)
    if isinstance(operator, Operator):
        operator = {"operator": operator}
    if isinstance(operator, str | Path) or hasattr(operator, "__fspath__"):
        tree, folder = read_operator(Path(operator), log)
    elif isinstance(operator, dict):
        tree, folder = {"schema": SCHEMA, **operator}, Folder(None, log, "operator")
    else:
        raise UsageError(
            say(
                "operator is a path, a dict, an Operator or a Declaration, not {value}",
                value=repr(operator),
            )
        )
    return assemble(tree, folder, graph=frames)


def _frames(graph: nx.Graph[Any], *, directed: bool, log: Log) -> Export:
    if graph.is_directed() and not directed and graph.graph.get("schema") != SCHEMA and graph.size():
        log.notes.append(Note(NAME, BOTH_WAYS))
    nodes = [
        {"id": str(node), **_apart(data, {"id"})}
        for node, data in graph.nodes(data=True)
        if data.get(DECLARED, True)
    ]
    links = list(_links(graph, directed=directed))
    return Export(
        read_rows(nodes, "node", NAME, ("id",)), read_rows(links, "edge", NAME, ("source", "target"))
    )


def _links(graph: nx.Graph[Any], *, directed: bool) -> Iterator[dict[str, Any]]:
    multi = graph.is_multigraph()
    view: Any = graph.edges
    for source, target, *rest in view(keys=True, data=True) if multi else view(data=True):
        key, data = rest if multi else (None, *rest)
        if data.get(REVERSE) and _goes(graph, target, source, *([key] if multi else [])):
            continue
        row = {"source": str(source), "target": None if graph.nodes[target].get(BLANK) else str(target)}
        row |= {name: value for name, value in _apart(data, {"source", "target"}).items() if name != REVERSE}
        if isinstance(key, str):
            row.setdefault("id", key)
        if directed and graph.is_directed():
            row.setdefault("direction", "forward")
        yield row


def _goes(graph: nx.Graph[Any], source: Any, target: Any, *key: Any) -> bool:
    """Whether there is an arc that is not itself marked as the way back of another."""
    return graph.has_edge(source, target, *key) and not graph.edges[source, target, *key].get(REVERSE)


def _apart(data: Mapping[Any, Any], taken: set[str]) -> dict[str, Any]:
    """Name the attributes, keeping those apart whose name the graph itself uses."""
    return {f"{name} (attribute)" if name in taken else str(name): value for name, value in data.items()}
