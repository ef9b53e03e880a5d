"""Node-link JSON as networkx reads it; the records of the declaration go with the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from auditor.columns import CARRIED
from auditor.writers._content import Writer

if TYPE_CHECKING:
    from auditor.writers._content import Content


def write(content: Content) -> bytes:
    """Write nodes, links and, as an attribute of the graph, the records."""
    nodes, links = content.graph
    tree = {
        "directed": False,
        "multigraph": True,
        "graph": {CARRIED: content.carried} if content.carried else {},
        "nodes": nodes,
        "edges": links,
    }
    return orjson.dumps(tree, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


WRITER = Writer("node-link", (), write)
