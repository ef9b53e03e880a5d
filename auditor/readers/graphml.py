"""GraphML, read strictly: no document type, no entities, no network, no repair of broken files."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lxml import etree

from auditor.readers._files import BOM, decode, read_carried
from auditor.readers._registry import CARRIED, Export, Reader
from auditor.readers._tables import read_rows
from auditor.tables import Unused

if TYPE_CHECKING:
    from auditor.tables import Log

TAGS = tuple(f"{{*}}{tag}" for tag in ("graphml", "key", "graph", "node", "edge", "hyperedge", "data"))


def _by_kind() -> dict[str, dict[str, str]]:
    return {"node": {}, "edge": {}}


@dataclass
class _Parts:
    """What the file has brought so far."""

    file: str
    log: Log
    names: dict[str, dict[str, str]] = field(default_factory=_by_kind)
    defaults: dict[str, dict[str, str]] = field(default_factory=_by_kind)
    nodes: list[dict[str, str | None]] = field(default_factory=list)
    edges: list[dict[str, str | None]] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)
    graphs: int = 0
    directed: bool = False
    carried: str | None = None

    def drop(self, what: str) -> None:
        """Count something that is not read."""
        self.dropped[what] = self.dropped.get(what, 0) + 1


def parse(data: bytes, file: str, log: Log) -> Export | None:
    """Give nodes and links of a GraphML file.

    Attributes become columns by their ``attr.name``; one that is called as what GraphML itself states (a
    node's ``id``, an edge's ``source``) is kept apart as ``id (attribute)``. Ports, graph attributes and
    drawings are listed as unused; hyperedges and nested graphs are problems.
    """
    if decode(data, file, log) is None:
        return None
    if b"<!DOCTYPE" in data:
        log.problems.add(
            file, "", "", "holds a document type, which may hide entities", "remove <!DOCTYPE …>"
        )
        return None
    parts = _Parts(file, log)
    before = len(log.problems.found)
    try:
        for event, element in etree.iterparse(
            io.BytesIO(data.removeprefix(BOM)),
            events=("start", "end"),
            tag=TAGS,
            encoding="utf-8",
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
            recover=False,
        ):
            HANDLERS.get((event, etree.QName(element).localname), _pass)(parts, element)
            if len(log.problems.found) > before:
                return None
    except etree.XMLSyntaxError as error:
        place = f"line {error.lineno}" if error.lineno else ""
        log.problems.add(file, place, "", f"no XML: {error.msg}", "is it complete?")
        return None
    if not parts.graphs:
        log.problems.add(file, "", "", "holds no graph", "the outermost element of GraphML is <graphml>")
        return None
    for what, times in parts.dropped.items():
        log.unused.append(Unused(file, what, f"not read ({times:,} of them)"))
    nodes = read_rows(parts.nodes, "node", file, ("id",))
    links = read_rows(parts.edges, "edge", file, ("source", "target"))
    return Export(nodes, links, records=read_carried(parts.carried, file, log), directed=parts.directed)


def _pass(_parts: _Parts, _element: Any) -> None:
    """Do nothing at this event."""


def _key(parts: _Parts, element: Any) -> None:
    key, domain, name = element.get("id"), element.get("for", "all"), element.get("attr.name")
    default = element.find("{*}default")
    for kind in ("node", "edge"):
        if domain in {kind, "all"} and key is not None:
            parts.names[kind][key] = name or ("" if element.get("yfiles.type") else key)
            if default is not None and default.text:
                parts.defaults[kind][key] = default.text
    if domain not in {"node", "edge", "all"} and name != CARRIED:
        parts.drop(f"attributes of {domain}")


def _data(parts: _Parts, element: Any) -> None:
    """Keep what the graph itself carries: the records of a declaration."""
    parent = element.getparent()
    if parent is not None and etree.QName(parent).localname == "graph" and element.get("key") == CARRIED:
        parts.carried = element.text


def _graph(parts: _Parts, element: Any) -> None:
    parts.graphs += 1
    parts.directed = element.get("edgedefault") == "directed"
    if parts.graphs > 1:
        _refuse(parts, element, "a second or nested graph", "give one flat graph")


def _hyperedge(parts: _Parts, element: Any) -> None:
    _refuse(parts, element, "a hyperedge", "give a node for it and a link to each of its ends")


def _refuse(parts: _Parts, element: Any, what: str, hint: str) -> None:
    parts.log.problems.add(parts.file, f"line {element.sourceline}", "", f"{what} cannot be read", hint)


def _node(parts: _Parts, element: Any) -> None:
    taken = {"id"}
    parts.nodes.append({"id": element.get("id"), **_attributes(parts, element, "node", taken)})
    _free(element)


def _edge(parts: _Parts, element: Any) -> None:
    given = {name: element.get(name) for name in ("id", "source", "target") if element.get(name) is not None}
    row = {"source": None, "target": None, **given}
    row |= _attributes(parts, element, "edge", {"source", "target", *given})
    if not parts.directed and element.get("directed") == "true":
        row.setdefault("direction", "forward")
    for port in ("sourceport", "targetport"):
        if element.get(port) is not None:
            parts.drop(port)
    parts.edges.append(row)
    _free(element)


def _attributes(parts: _Parts, element: Any, kind: str, taken: set[str]) -> dict[str, str | None]:
    values = dict(parts.defaults[kind])
    for child in element.iterchildren("{*}data", "{*}port"):
        key = child.get("key", "")
        if etree.QName(child).localname == "port":
            parts.drop("port")
        elif len(child) or not parts.names[kind].get(key, key):
            parts.drop(f"{kind} data {key}")
        else:
            values[key] = child.text
    named = ((parts.names[kind].get(key, key), value) for key, value in values.items())
    return {f"{name} (attribute)" if name in taken else name: value for name, value in named if name}


def _free(element: Any) -> None:
    """Give back the memory of elements that are done with."""
    element.clear()
    while element.getprevious() is not None and element.getparent() is not None:
        del element.getparent()[0]


HANDLERS = {
    ("end", "key"): _key,
    ("end", "data"): _data,
    ("start", "graph"): _graph,
    ("start", "hyperedge"): _hyperedge,
    ("end", "node"): _node,
    ("end", "edge"): _edge,
}


READER = Reader("graphml", (".graphml",), parse)
