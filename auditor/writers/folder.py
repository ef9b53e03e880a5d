"""A folder with ``declaration.toml`` and CSV tables."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pyarrow.csv
import tomli_w

from auditor.formulas import inert_table
from auditor.writers._content import Writer

if TYPE_CHECKING:
    import pyarrow as pa

    from auditor.writers._content import Content

FOLDER = "/"


def write(content: Content) -> dict[str, bytes]:
    """Write the records, and a table each of nodes, links and address blocks."""
    tree = content.records or {"schema": "auditor.declaration/1", "operator": {"name": ""}}
    tables = {"nodes": content.nodes, "links": content.links, "prefixes": content.prefixes}
    files = {f"{name}.csv": _csv(table) for name, table in tables.items() if table is not None}
    network = {**tree.get("network", {}), **{file.removesuffix(".csv"): file for file in files}}
    text = tomli_w.dumps({**tree, "network": network}, multiline_strings=False)
    return {"declaration.toml": text.encode(), **files}


def _csv(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pyarrow.csv.write_csv(inert_table(table), buffer)
    return buffer.getvalue()


WRITER = Writer("folder", (FOLDER,), write)
