"""The network as a networkx graph, for people; the engine itself works on the columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import networkx as nx

if TYPE_CHECKING:
    from auditor.model import Declaration

SCHEMA = "auditor.declaration/1"
APART = frozenset({"source", "target", "tail", "head"})


def to_graph(declaration: Declaration) -> nx.MultiDiGraph[Any]:
    """Give the network as a graph whose attributes are the declared columns; blank cells have no attribute.

    A link that carries both ways is two arcs with the link's id as key; the second one bears
    ``reverse = True`` (a self-loop is one arc). Nodes that links name but nobody declared bear
    ``declared = False``; a blank far end is such a node of its own, with ``blank = True``.
    `auditor.read_graph` reads it back without loss.

    Parameters
    ----------
    declaration
        Any declaration.

    Returns
    -------
    networkx.MultiDiGraph
        Nodes keyed by id.
    """
    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(schema=SCHEMA, operator=declaration.operator.name)
    for node in declaration.nodes.to_pylist():
        key = node.pop("id")
        graph.add_node(key, **_stated(node))
    graph.add_nodes_from(declaration.undeclared.to_pylist(), declared=False)
    for link in declaration.links.to_pylist():
        source, target, key = link["source"], link["target"], link["id"]
        if target is None:
            target = _far_end(graph, key)
        stated = _stated({name: value for name, value in link.items() if name not in APART})
        graph.add_edge(source, target, key, **stated)
        if link["direction"] != "forward" and source != target:
            graph.add_edge(target, source, key, **stated, reverse=True)
    return graph


def _stated(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def _far_end(graph: nx.MultiDiGraph[Any], link: str) -> str:
    name = f"?{link}"
    while name in graph:
        name = f"?{name}"
    graph.add_node(name, declared=False, blank=True)
    return name
