"""The network as a networkx graph, for people; the engine itself works on the columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import networkx as nx

from auditor.columns import BLANK, DECLARED, REVERSE

if TYPE_CHECKING:
    import pyarrow as pa

SCHEMA = "auditor.declaration/1"
APART = frozenset({"source", "target", "tail", "head"})


def to_graph(
    nodes: pa.Table, links: pa.Table, undeclared: pa.Array, *, operator: str
) -> nx.MultiDiGraph[Any]:
    """Give the network as a graph whose attributes are the declared columns; blank cells have no attribute.

    A link that carries both ways is two arcs with the link's id as key; the second one bears
    ``auditor_reverse = True`` (a self-loop is one arc). Nodes that links name but nobody declared bear
    ``auditor_declared = False``; a blank far end is such a node of its own, with ``auditor_blank = True``.
    `auditor.read_graph` reads it back without loss.

    Parameters
    ----------
    nodes, links, undeclared
        Those of a `Declaration`.
    operator
        Name, kept as an attribute of the graph.

    Returns
    -------
    networkx.MultiDiGraph
        Nodes keyed by id.
    """
    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(schema=SCHEMA, operator=operator)
    for node in nodes.to_pylist():
        key = node.pop("id")
        graph.add_node(key)
        graph.nodes[key].update(_stated(node))  # not as keywords: any name may be a column
    graph.add_nodes_from(undeclared.to_pylist(), **{DECLARED: False})
    for link in links.to_pylist():
        source, target, key = link["source"], link["target"], link["id"]
        if target is None:
            target = _far_end(graph, key)
        stated = _stated({name: value for name, value in link.items() if name not in APART})
        graph.add_edge(source, target, key)
        graph.edges[source, target, key].update(stated)
        if link["direction"] != "forward" and source != target:
            graph.add_edge(target, source, key)
            graph.edges[target, source, key].update({**stated, REVERSE: True})
    return graph


def _stated(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def _far_end(graph: nx.MultiDiGraph[Any], link: str) -> str:
    name = f"?{link}"
    while name in graph:
        name = f"?{name}"
    graph.add_node(name, **{DECLARED: False, BLANK: True})
    return name
