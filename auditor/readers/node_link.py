"""Node-link JSON, as networkx and D3 write it, and the elements of Cytoscape."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor.columns import CARRIED, REVERSE
from auditor.language import say
from auditor.problems import Origin, quote
from auditor.readers._registry import OURS, Export, Reader
from auditor.readers._tables import read_rows
from auditor.tables import Note, Unused

if TYPE_CHECKING:
    from auditor.tables import Log

LINKS = ("links", "edges")  # both spellings are networkx's
KNOWN = frozenset({"nodes", "links", "edges", "elements", "graph", "directed", "multigraph"})
BY_POSITION = say("give each node an id, and let links name their ends by it")


def claims(tree: Any) -> bool:
    """Whether a tree has nodes and links side by side, and nothing that makes it a form of its own."""
    if not isinstance(tree, dict) or not OURS.isdisjoint(tree):
        return False
    holder = tree.get("elements", tree)
    return (
        isinstance(holder, dict)
        and isinstance(holder.get("nodes"), list)
        and any(isinstance(holder.get(name), list) for name in LINKS)
    )


def read_tree(tree: Any, file: str, log: Log) -> Export | None:
    """Give nodes and links; ids that are whole numbers become text.

    Names are not guessed: a node has an ``id``, a link a ``source`` and a ``target``. The key of a
    multigraph's edge is the link's id where it is text that no other edge has.
    """
    before = len(log.problems.found)
    holder = tree.get("elements", tree)
    if all(name in holder for name in LINKS):
        log.problems.add(file, "", "", say("holds both links and edges"), say("leave one of them out"))
        return None
    spelt = next(name for name in LINKS if name in holder)
    dropped: Counter[str] = Counter()
    nodes = _rows(holder["nodes"], "node", cytoscape="elements" in tree, dropped=dropped)
    links = _rows(holder[spelt], "link", cytoscape="elements" in tree, dropped=dropped)
    _check(nodes, "node", ("id",), file, log)
    _check(links, "link", ("source", "target"), file, log)
    _check_positions(nodes, links, file, log)
    directed = tree.get("directed", False)
    if not isinstance(directed, bool):
        log.problems.add(
            file, "", "directed", say("{value} is neither true nor false", value=quote(directed))
        )
    if len(log.problems.found) > before:
        return None
    records = _about_graph(tree, dropped)
    for what, times in dropped.items():
        log.unused.append(Unused(file, what, say("not read ({count:,} of them)", count=times)))
    node_rows = [{**node, "id": str(node["id"])} for node in nodes]
    link_rows = _links(links, file, log)
    return Export(
        read_rows(node_rows, "node", file, ("id",)),
        read_rows(link_rows, "link", file, ("source", "target")),
        records=records,
        directed=directed,
    )


def _rows(items: list[Any], word: str, *, cytoscape: bool, dropped: Counter[str]) -> list[Any]:
    """Take the data out of Cytoscape's elements; what stands beside them is drawing."""
    if not cytoscape:
        return items
    dropped.update(
        f"{word} {name}" for item in items if isinstance(item, dict) for name in item if name != "data"
    )
    return [item.get("data") if isinstance(item, dict) else item for item in items]


def _check(rows: list[Any], word: str, names: tuple[str, ...], file: str, log: Log) -> None:
    """Report what is no record, or lacks a name that can be one."""
    origin = Origin.of(file, np.arange(1, len(rows) + 1), word)
    odd = np.array([not isinstance(row, dict) for row in rows], np.bool_)
    log.problems.rows(origin, odd, "", lambda at: say("{value} is no record", value=quote(rows[at])))
    for name in names:
        bad = [isinstance(row, dict) and not _is_name(row.get(name)) for row in rows]
        hint = say("a text or a whole number; other names are not guessed")
        log.problems.rows(
            origin,
            np.array(bad, np.bool_),
            name,
            lambda at, name=name: (
                say("{value} is no id", value=quote(rows[at][name]))
                if name in rows[at]
                else say("is missing")
            ),  # type: ignore[misc]
            hint,
        )


def _is_name(value: Any) -> bool:
    return (isinstance(value, str) and bool(value.strip())) or (
        isinstance(value, int) and not isinstance(value, bool)
    )


def _check_positions(nodes: list[Any], links: list[Any], file: str, log: Log) -> None:
    """Report links that count nodes instead of naming them, as old examples of D3 do."""
    ends = [
        end for link in links if isinstance(link, dict) for end in (link.get("source"), link.get("target"))
    ]
    numbers = {end for end in ends if isinstance(end, int) and not isinstance(end, bool)}
    ids = {str(node.get("id")) for node in nodes if isinstance(node, dict)}
    if numbers and all(0 <= number < len(nodes) and str(number) not in ids for number in numbers):
        log.problems.add(file, "", "", say("links name their ends by position, not by id"), BY_POSITION)


def _links(links: list[Any], file: str, log: Log) -> list[dict[str, Any]]:
    """Make rows of links: ends as text, keys as ids, each arc of a link that goes both ways once."""
    arcs = {
        (_end(link, "source"), _end(link, "target"), _name(link)) for link in links if REVERSE not in link
    }
    given: list[dict[str, Any]] = []
    for link in links:
        source, target, name = _end(link, "source"), _end(link, "target"), _name(link)
        if name is None or link.get(REVERSE) is not True or (target, source, name) not in arcs:
            given.append({**link, "source": source, "target": target})
    if len(given) < len(links):
        what = say(
            "{count:,} links marked reverse read as the way back of others", count=len(links) - len(given)
        )
        log.notes.append(Note(file, what))
    times = Counter(_name(link) for link in given)
    for link in given:
        if link.get("id") is not None:
            if link.get("key") == link["id"]:
                del link["key"]
        elif _name(link) is not None and times[_name(link)] == 1:
            link["id"] = link.pop("key")
    return given


def _end(link: dict[str, Any], name: str) -> str:
    return str(link[name])


def _name(link: dict[str, Any]) -> str | None:
    """Give what names a link: its id, else a key that is text."""
    name = link.get("key") if link.get("id") is None else link["id"]
    return name if isinstance(name, str) and name.strip() else None


def _about_graph(tree: dict[str, Any], dropped: Counter[str]) -> Any:
    """Give the records that the graph carries; count all else that is said of it."""
    graph = tree.get("graph", {})
    stated = graph if isinstance(graph, dict) else {}
    dropped[say("attributes of graph")] += len(stated) - (CARRIED in stated) if isinstance(graph, dict) else 1
    dropped.update(say("key {name}", name=name) for name in tree if name not in KNOWN)
    for what in [what for what, times in dropped.items() if not times]:
        del dropped[what]
    return stated.get(CARRIED)


READER = Reader("node-link", claims=claims, tree=read_tree)
