"""GraphML; the records of the declaration go with the graph."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from lxml import etree

from auditor.columns import CARRIED
from auditor.writers._content import Writer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.writers._content import Content

SPACE = "http://graphml.graphdrawing.org/xmlns"
PLAIN: Any = {None: SPACE}  # no prefix: the KML reader of GDAL knows none
PIECE = 1_000_000  # characters; libxml2 refuses text beyond 10 MB, unless one lets it take any
TEXT = {"attr.type": "string"}
TYPES = {bool: "boolean", int: "long", float: "double"}
OWN = {"node": ("id",), "edge": ("id", "source", "target")}  # what GraphML itself states


def write(content: Content) -> bytes:
    """Write nodes, links and, as data of the graph, the records."""
    nodes, links = content.graph
    buffer = io.BytesIO()
    with etree.xmlfile(buffer, encoding="utf-8") as file:
        file.write_declaration()
        with file.element(f"{{{SPACE}}}graphml", nsmap=PLAIN):
            keys = {"node": _keys(nodes, "node"), "edge": _keys(links, "edge")}
            for kind, rows in (("node", nodes), ("edge", links)):
                for name, key in keys[kind].items():
                    of_type = {"attr.name": name, "attr.type": _type(row.get(name) for row in rows)}
                    file.write(_element("key", id=key, **{"for": kind, **of_type}))
            if content.carried_text:
                file.write(_element("key", id=CARRIED, **{"for": "graph", "attr.name": CARRIED, **TEXT}))
            with file.element(f"{{{SPACE}}}graph", edgedefault="undirected"):
                for piece in _pieces(content.carried_text):
                    file.write(_element("data", piece, key=CARRIED))
                for kind, rows in (("node", nodes), ("edge", links)):
                    for row in rows:
                        file.write(_row(kind, row, keys[kind]))
    return buffer.getvalue() + b"\n"


def _pieces(carried: str) -> list[str]:
    """Cut the records to texts that parsers take; two characters that XML lacks are escaped as JSON does."""
    carried = carried.replace("\ufffe", r"\ufffe").replace("\uffff", r"\uffff")
    return [carried[at : at + PIECE] for at in range(0, len(carried), PIECE)]


def _keys(rows: list[dict[str, Any]], kind: str) -> dict[str, str]:
    names = dict.fromkeys(name for row in rows for name in row if name not in OWN[kind])
    return {name: f"{kind[0]}{number}" for number, name in enumerate(names)}


def _type(values: Iterable[Any]) -> str:
    """Name the type that all values of a column have, for programs that look at it; ours does not."""
    types = {type(value) for value in values if value is not None}
    return TYPES.get(types.pop(), "string") if len(types) == 1 else "string"


def _row(kind: str, row: dict[str, Any], keys: dict[str, str]) -> Any:
    own = {name: row[name] for name in OWN[kind] if name in row}
    element = _element(kind, **own)
    for name, value in row.items():
        if name in keys:
            element.append(_element("data", _text(value), key=keys[name]))
    return element


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _element(tag: str, text: str | None = None, **attributes: str) -> Any:
    element = etree.Element(f"{{{SPACE}}}{tag}", attributes, nsmap=PLAIN)
    element.text = text
    return element


WRITER = Writer("graphml", (".graphml",), write)
