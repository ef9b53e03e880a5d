"""GraphML, read strictly: no document type, no entities, no network, no repair of broken files."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lxml import etree

from auditor.columns import CARRIED
from auditor.language import say
from auditor.problems import quote
from auditor.readers._files import BOM, OTHER_BOMS, STRICT_XML, decode, read_carried, report_encoding
from auditor.readers._registry import Export, Reader
from auditor.readers._tables import read_rows
from auditor.tables import Note, Unused

if TYPE_CHECKING:
    from auditor.tables import Log

TAGS = tuple(f"{{*}}{tag}" for tag in ("graphml", "key", "graph", "node", "edge", "hyperedge", "data"))
LABEL = ".//{http://www.yworks.com/xml/graphml}NodeLabel"
DECLARED = re.compile(rb"""<\?xml[^>]{0,99}?\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
ENCODINGS = {
    **dict.fromkeys(("utf-8", "utf8", "us-ascii", "ascii"), "utf-8"),
    **dict.fromkeys(("iso-8859-1", "latin1", "latin-1"), "iso-8859-1"),
    **dict.fromkeys(("gb18030", "gbk", "gb2312", "cp936"), "gb18030"),  # each contains the next
}
DIRECTED = {"directed": True, "undirected": False, None: False}
TRUE = frozenset({"true", "1"})  # as XML Schema writes a boolean
FALSE = frozenset({"false", "0"})


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
    dropped: dict[str | tuple[str, str], int] = field(default_factory=dict)
    graphs: int = 0
    directed: bool = False
    labelled: int = 0
    grouped: int = 0
    carried: str | None = None

    def drop(self, what: str | tuple[str, str]) -> None:
        """Count something that is not read; of data, what they are of and their key."""
        self.dropped[what] = self.dropped.get(what, 0) + 1


def parse(data: bytes, file: str, log: Log) -> Export | None:
    """Give nodes and links of a GraphML file.

    Attributes become columns by their ``attr.name``; one that is called as what GraphML itself states (a
    node's ``id``, an edge's ``source``) is kept apart as ``id (attribute)``. A label that yEd draws in a node
    is its name, if no attribute is. Nodes of a graph inside a node (a group of yEd) name it in a column
    `group`. Ports, graph attributes and drawings are listed as unused; hyperedges, a second graph and
    whatever two programs may read in two ways are problems.
    """
    text = _as_utf_8(data, file, log)
    if text is None:
        return None
    if b"<!DOCTYPE" in text:
        log.problems.add(
            file, "", "", say("holds a document type, which may hide entities"), say("remove <!DOCTYPE …>")
        )
        return None
    parts = _Parts(file, log)
    before = len(log.problems.found)
    try:
        for event, element in etree.iterparse(
            io.BytesIO(text),
            events=("start", "end"),
            tag=TAGS,
            **STRICT_XML,
        ):
            HANDLERS.get((event, _local(element)), _pass)(parts, element)
            if len(log.problems.found) > before:
                return None
    except etree.XMLSyntaxError as error:
        place = say("line {number}", number=error.lineno) if error.lineno else ""
        log.problems.add(file, place, "", say("no XML: {reason}", reason=error.msg), say("is it complete?"))
        return None
    if not parts.graphs:
        log.problems.add(
            file, "", "", say("holds no graph"), say("the outermost element of GraphML is <graphml>")
        )
        return None
    for dropped, times in parts.dropped.items():
        what = (
            dropped if isinstance(dropped, str) else say("{kind} data {key}", kind=dropped[0], key=dropped[1])
        )
        log.unused.append(Unused(file, what, say("not read ({count:,} of them)", count=times)))
    if parts.labelled:
        log.notes.append(
            Note(
                file,
                say("name read from the labels that yEd draws in {count:,} nodes", count=parts.labelled),
            )
        )
    if parts.grouped:
        log.notes.append(
            Note(
                file,
                say("{count:,} nodes stand in groups, which the column group names", count=parts.grouped),
            )
        )
    _without_keys(parts)
    nodes = read_rows(parts.nodes, "node", file, ("id",))
    links = read_rows(parts.edges, "edge", file, ("source", "target"))
    return Export(nodes, links, records=read_carried(parts.carried, file, log), directed=parts.directed)


def _without_keys(parts: _Parts) -> None:
    """Take whole numbers that several edges have for what networkx writes there: keys of parallel edges."""
    ids = [edge["id"] for edge in parts.edges if "id" in edge]
    if len(set(ids)) == len(ids) or not all(name and name.isdecimal() for name in ids):
        return
    for edge in parts.edges:
        if "id" in edge:
            edge["id (key)"] = edge.pop("id")
    parts.log.notes.append(
        Note(parts.file, say("ids of edges repeat, and were read as keys of parallel edges"))
    )


def _as_utf_8(data: bytes, file: str, log: Log) -> bytes | None:
    """Give the file in UTF-8; what its XML declaration says counts, if that is an encoding known here."""
    if data[:2] in OTHER_BOMS:
        report_encoding(data, file, log)
        return None
    declared = DECLARED.match(data.removeprefix(BOM))
    label = declared[1].decode() if declared else "utf-8"
    encoding = ENCODINGS.get(label.lower())
    if encoding is None or (encoding != "utf-8" and data.startswith(BOM)):
        what = say("says that its encoding is {encoding}", encoding=quote(label))
        log.problems.add(
            file,
            say("line {number}", number=1),
            "",
            what,
            say("save it as UTF-8, and let the first line say so"),
        )
        return None
    if encoding == "utf-8":
        return None if decode(data, file, log) is None else data.removeprefix(BOM)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        log.problems.add(
            file,
            say("line {number}", number=line),
            "",
            say("is not {encoding}, as its first line says", encoding=label),
        )
        return None
    log.notes.append(Note(file, say("read as {encoding}, as its first line says", encoding=label)))
    return text.encode()


def _pass(_parts: _Parts, _element: Any) -> None:
    """Do nothing at this event."""


def _local(element: Any) -> str:
    """Give a tag without its namespace; lxml's own way stumbles over prefixes that nobody declared."""
    return str(element.tag).rpartition("}")[2]


def _in(element: Any, tag: str) -> bool:
    """Whether an element stands right inside one of that name; what data hold is no graph."""
    parent = element.getparent()
    return parent is not None and _local(parent) == tag


def _key(parts: _Parts, element: Any) -> None:
    if not _in(element, "graphml"):
        return
    if parts.graphs:
        _refuse(parts, element, say("a key behind the graph"), say("keys come first"))
    key, domain, name = element.get("id"), element.get("for", "all"), element.get("attr.name")
    default = element.find("{*}default")
    for kind in ("node", "edge"):
        if domain in {kind, "all"} and key is not None:
            if key in parts.names[kind]:
                _refuse(
                    parts,
                    element,
                    say("a second key {key}", key=quote(key)),
                    say("give every key its own id"),
                )
            parts.names[kind][key] = name or ("" if element.get("yfiles.type") else key)
            if default is not None and default.text:
                parts.defaults[kind][key] = default.text
    if domain not in {"node", "edge", "all"} and name != CARRIED:
        parts.drop(say("attributes of {domain}", domain=domain))


def _data(parts: _Parts, element: Any) -> None:
    """Keep what the graph itself carries: the records of a declaration, in one piece or several."""
    if element.get("key") == CARRIED and _in(element, "graph"):
        parts.carried = (parts.carried or "") + (element.text or "")


def _graph(parts: _Parts, element: Any) -> None:
    default = element.get("edgedefault")
    if default not in DIRECTED:
        _refuse(
            parts,
            element,
            f"edgedefault {quote(default)}",
            say("it is directed or undirected"),
        )
    if _in(element, "node"):
        return
    parts.graphs += 1
    parts.directed = DIRECTED.get(default, False)
    if parts.graphs > 1 or not _in(element, "graphml"):
        _refuse(parts, element, say("a second graph"), say("give one graph; a node may hold another one"))


def _hyperedge(parts: _Parts, element: Any) -> None:
    _refuse(parts, element, say("a hyperedge"), say("give a node for it and a link to each of its ends"))


def _refuse(parts: _Parts, element: Any, what: str, hint: str) -> None:
    parts.log.problems.add(
        parts.file,
        say("line {number}", number=element.sourceline),
        "",
        say("{what} cannot be read", what=what),
        hint,
    )


def _node(parts: _Parts, element: Any) -> None:
    if not _in(element, "graph"):
        return
    group = element.getparent().getparent()
    own = {"id": element.get("id")}
    if group is not None and _local(group) == "node":
        own["group"] = group.get("id")
        parts.grouped += 1
    row = {**own, **_attributes(parts, element, "node", set(own))}
    label = None if row.get("name") else _label(element)
    if label:
        row["name"] = label
        parts.labelled += 1
    parts.nodes.append(row)
    _free(element)


def _label(element: Any) -> str | None:
    """Give the first text that yEd draws in a node."""
    return next((text for label in element.iterfind(LABEL) if (text := (label.text or "").strip())), None)


def _edge(parts: _Parts, element: Any) -> None:
    if not _in(element, "graph"):
        return
    given = {name: element.get(name) for name in ("id", "source", "target") if element.get(name) is not None}
    row = {"source": None, "target": None, **given}
    row |= _attributes(parts, element, "edge", {"source", "target", *given})
    default = "true" if DIRECTED.get(element.getparent().get("edgedefault")) else "false"
    directed = element.get("directed", default)
    if not parts.directed and directed in TRUE:
        row.setdefault("direction", "forward")
    elif parts.directed and directed in FALSE:
        row.setdefault("direction", "both")
    for port in ("sourceport", "targetport"):
        if element.get(port) is not None:
            parts.drop(port)
    parts.edges.append(row)
    _free(element)


def _attributes(parts: _Parts, element: Any, kind: str, taken: set[str]) -> dict[str, str | None]:
    names = parts.names[kind]
    values: dict[str, str | None] = {}
    for child in element.iterchildren("{*}data", "{*}port"):
        key = child.get("key", "")
        if _local(child) == "port":
            parts.drop("port")
        elif len(child) or not names.get(key, key):
            parts.drop((kind, key))
        elif key in values:
            _refuse(
                parts,
                child,
                say("a second value of {name}", name=quote(names.get(key, key))),
                say("leave one of them out"),
            )
        else:
            values[key] = child.text
    row: dict[str, str | None] = {}
    for key, value in (parts.defaults[kind] | values).items():
        name = names.get(key, key)
        name = f"{name} (attribute)" if name in taken else name
        if name in row:
            _refuse(
                parts,
                element,
                say("a second value of {name}", name=quote(name)),
                say("give every key its own attr.name"),
            )
        row[name] = value
    return row


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
