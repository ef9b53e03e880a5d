"""Telecom objects of OpenStreetMap as Overpass gives them (JSON).

Only what the wiki's definition of a tag makes sure has a kind: a data centre. An exchange is a building
with many kinds of equipment, a service device may be a DSLAM or a telephone switch: both come without kind,
to be given one by ``[[roles]]``. Who runs an object is its ``operator`` tag, who owns it its ``owner`` tag.
Lines link the objects on their way; where lines meet, or end at nothing that is mapped, is a node that
nobody declared. Coordinates are WGS84.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from auditor.language import say
from auditor.problems import numbered
from auditor.readers._entries import Tally, is_plain, name_of, records_of
from auditor.readers._registry import Export, Reader
from auditor.readers._tables import read_rows
from auditor.tables import LINKS, NODES

if TYPE_CHECKING:
    from auditor.readers._entries import Row
    from auditor.tables import Log

ATTRIBUTION = say("© OpenStreetMap contributors, under ODbL 1.0: name them wherever this is shown")
TYPES = ("node", "way", "relation")
UNREAD = {
    "node": say("nodes with other tags"),
    "way": say("ways with other tags"),
    "relation": say("relations with other tags"),
}
BARE = {
    "node": say("nodes without tags"),
    "way": say("ways without tags"),
    "relation": say("relations without tags"),
}
LINES = {"line", "cable"}
CENTRES = {"data_center", "data_centre"}
OURS = {"node": {column.name for column in NODES}, "link": {column.name for column in LINKS}}


def claims(tree: Any) -> bool:
    """Whether a tree is an answer of Overpass or of the OSM API."""
    if not isinstance(tree, dict) or not isinstance(tree.get("elements"), list) or "connections" in tree:
        return False
    known = all(isinstance(e, dict) and e.get("type") in TYPES for e in tree["elements"][:3])
    return known and ("osm3s" in tree or ("generator" in tree and "version" in tree))


def read_tree(tree: Any, file: str, log: Log) -> Export | None:
    """Give telecom objects as nodes, and lines between them as links."""
    tally, before = Tally(file, log), len(log.problems.found)
    elements = _elements(tree["elements"], tally)
    nodes: list[Row] = []
    lines: list[Row] = []
    for name, element in elements.items():
        tags = _tags(element)
        if element["type"] == "way" and _is_line(tags):
            lines.append(element | {"id": name})
        elif element["type"] != "relation" and _is_telecom(tags):
            nodes.append(_node(name, element, tags, tally))
        elif tags:
            missed = _is_telecom(tags)
            why = say("telecom objects, but relations") if missed else say("no telecom object that is read")
            tally.drop(UNREAD[element["type"]], why, missed=missed)
        else:
            tally.drop(BARE[element["type"]], say("shape, not objects"))
    links = _links(lines, {row["id"] for row in nodes}, tally)
    tally.note(ATTRIBUTION)
    tally.close()
    if len(log.problems.found) > before:
        return None
    return Export(
        nodes=read_rows(nodes, "object", file, ("id", "kind")),
        links=read_rows(links, "line", file, ("source", "target")),
    )


def _elements(entries: list[Any], tally: Tally) -> dict[str, Row]:
    """Elements by type and number; one that is given twice, once with tags and once bare, is one."""
    found: dict[str, Row] = {}
    for number, element in enumerate(entries, 1):
        kind = element.get("type") if isinstance(element, dict) else None
        name = name_of(element.get("id")) if isinstance(element, dict) else None
        if kind in TYPES and name is not None:
            found[f"{kind}/{name}"] = found.get(f"{kind}/{name}", {}) | element
        else:
            tally.fault(numbered("element", number), "id", say("is no node, way or relation with an id"))
    return found


def _tags(element: Row) -> Row:
    tags = element.get("tags")
    return {k: v for k, v in tags.items() if is_plain(v)} if isinstance(tags, dict) else {}


def _is_line(tags: Row) -> bool:
    return (
        any(tags.get(key) in LINES for key in ("communication", "telecom"))
        or tags.get("cable") == "communication"
    )


def _is_telecom(tags: Row) -> bool:
    cabinet = tags.get("man_made") == "street_cabinet"
    cabinet = cabinet and "telecom" in {tags.get("street_cabinet"), tags.get("utility")}
    return "telecom" in tags or cabinet or tags.get("building") in CENTRES


def _columns(tags: Row, kind: str) -> Row:
    """Tags by their names; one that is called as a column of ours and means something else is kept apart."""
    named = {"name", "owner"}
    return {f"{k} (tag)" if k in OURS[kind] - named else k: v for k, v in tags.items()}


def _node(name: str, element: Row, tags: Row, tally: Tally) -> Row:
    centre = CENTRES & {tags.get("telecom"), tags.get("building")}
    row: Row = _columns(tags, "node") | {"id": name, "kind": "data_centre" if centre else None}
    if "operator" in row:
        row["operated_by"] = row.pop("operator")
    given = element.get("center", element)
    place = (given.get("lon"), given.get("lat")) if isinstance(given, dict) else (None, None)
    if all(isinstance(number, int | float) and not isinstance(number, bool) for number in place):
        return row | {"lon": place[0], "lat": place[1], "datum": "WGS84"}
    tally.drop(say("places of objects"), say("no coordinates; ask Overpass for `out center`"))
    return row


def _links(lines: list[Row], objects: set[str], tally: Tally) -> list[Row]:
    """Cut each line where it meets an object or another line."""
    refs = [[f"node/{ref}" for ref in map(name_of, records_of(line.get("nodes"))) if ref] for line in lines]
    meets = Counter(ref for way in refs for ref in set(way))
    links: list[Row] = []
    for line, way in zip(lines, refs, strict=True):
        if len(way) < 2:  # noqa: PLR2004 -- both ends
            tally.drop(say("lines without nodes"), say("ask Overpass for `out body`"))
            continue
        tags = _tags(line)
        row = _columns(tags, "link") | ({"kind": "fibre"} if tags.get("telecom:medium") == "fibre" else {})
        last = len(way) - 1
        stops = [ref for at, ref in enumerate(way) if at in {0, last} or ref in objects or meets[ref] > 1]
        for number, (near, far) in enumerate(pairwise(stops), 1):
            part = f"#{number}" if len(stops) > 2 else ""  # noqa: PLR2004
            links.append(row | {"id": f"{line['id']}{part}", "source": near, "target": far})
    return links


READER = Reader("osm", claims=claims, tree=read_tree)
