"""One JSON file of the structure of ``declaration.toml``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from auditor.writers._content import Writer, plain, rows

if TYPE_CHECKING:
    from auditor.writers._content import Content


def write(content: Content) -> bytes:
    """Write records and tables."""
    tree = plain(content.records) or {"schema": "auditor.declaration/1", "operator": {"name": ""}}
    tables = {"nodes": content.nodes, "links": content.links, "prefixes": content.prefixes}
    network = {name: rows(table) for name, table in tables.items() if table is not None}
    tree["network"] = {**tree.get("network", {}), **network}
    return orjson.dumps(tree, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


WRITER = Writer("json", (".json",), write)
