"""GNPy topologies: ROADMs and transceivers are nodes, what lies in line between two of them is one link.

GNPy writes every fibre, amplifier and splice as an element, and each direction of a span as elements of its
own. Access paths ask only what joins what: a chain of elements without a branch becomes a link, and the two
directions of a span become one link where their fibres have the same lengths, seen from the other end.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor.language import say
from auditor.problems import Origin, quote
from auditor.readers._registry import Export, Reader
from auditor.readers._tables import read_rows
from auditor.tables import Note, Unused

if TYPE_CHECKING:
    from auditor.tables import Log

FIBRES = frozenset({"Fiber", "RamanFiber"})
IN_LINE = FIBRES | {"Edfa", "Multiband_amplifier", "Fused"}
ENDS = frozenset({"Roadm", "Transceiver"})
METRES = {"km": 1000.0, "m": 1.0}
READ = frozenset({"uid", "type", "type_variety", "metadata"})
LONGEST_ID = 200  # characters; a longer one shows first and last element, which no other chain has


@dataclass(frozen=True)
class _Chain:
    """Elements in line from one node to another, along the light; an end is None where nothing follows."""

    start: str | None
    through: tuple[str, ...]
    end: str | None


def claims(tree: Any) -> bool:
    """Tell whether a tree is a GNPy topology; its files of services and of equipment have other keys."""
    lists = isinstance(tree, dict) and all(isinstance(tree.get(k), list) for k in ("elements", "connections"))
    return lists and (
        not tree["elements"] or any(isinstance(e, dict) and "uid" in e for e in tree["elements"])
    )


def read_tree(tree: Any, file: str, log: Log) -> Export | None:
    """Give nodes and links of a topology.

    Coordinates are of unknown datum, since GNPy names none. A ROADM hands traffic through; so does an element
    in line that branches, and one of a type that is not known. An element that leads nowhere leaves the far
    end of its link blank.
    """
    before = len(log.problems.found)
    elements = _elements(tree["elements"], file, log)
    pairs = _pairs(tree["connections"], file, log)
    if len(log.problems.found) > before:
        return None
    after, ahead = _neighbours(pairs), _neighbours([(end, start) for start, end in pairs])
    kept = {
        uid
        for uid, element in elements.items()
        if element["type"] not in IN_LINE or max(len(after.get(uid, ())), len(ahead.get(uid, ()))) > 1
    }
    chains, loose = _chains(pairs, set(elements) - kept, after)
    lengths = _lengths(elements, file, log)
    links = _links(chains, lengths)
    _say_unused(tree, elements, loose, file, log)
    strange = Counter(e["type"] for e in elements.values() if e["type"] not in IN_LINE | ENDS)
    for word, times in strange.items():
        what = say(
            "{count:,} elements of type {kind}, which is not known, read as nodes that carry traffic",
            count=times,
            kind=quote(word),
        )
        log.notes.append(Note(file, what))
    nodes = [_node(elements[uid]) for uid in elements if uid in kept]
    return Export(
        read_rows(nodes, "node", file, ("id",)), read_rows(links, "link", file, ("source", "target"))
    )


def _elements(given: list[Any], file: str, log: Log) -> dict[str, dict[str, Any]]:
    """Elements by uid; what has no uid or type, or has that of another, is a problem."""
    origin = Origin.of(file, np.arange(1, len(given) + 1), "element")
    whole = [isinstance(e, dict) and _is_name(e.get("uid")) and isinstance(e.get("type"), str) for e in given]
    log.problems.rows(
        origin, ~np.array(whole, np.bool_), "", lambda _: say("has no uid or no type"), say("both are text")
    )
    elements: dict[str, dict[str, Any]] = {}
    again = np.zeros(len(given), np.bool_)
    for at, (element, good) in enumerate(zip(given, whole, strict=True)):
        if good:
            again[at] = element["uid"] in elements
            elements.setdefault(element["uid"], element)
    what = say("is the uid of another element too")
    log.problems.rows(
        origin, again, "uid", lambda row: say("{value} {what}", value=quote(given[row]["uid"]), what=what)
    )
    return elements


def _pairs(given: list[Any], file: str, log: Log) -> list[tuple[str, str]]:
    """Connections as pairs of uids, each once."""
    origin = Origin.of(file, np.arange(1, len(given) + 1), "connection")
    whole = [
        isinstance(c, dict) and _is_name(c.get("from_node")) and _is_name(c.get("to_node")) for c in given
    ]
    what = say("has no from_node or no to_node")
    log.problems.rows(
        origin, ~np.array(whole, np.bool_), "", lambda _: what, say("both are the uid of an element")
    )
    pairs = [(c["from_node"], c["to_node"]) for c, good in zip(given, whole, strict=True) if good]
    distinct = list(dict.fromkeys(pairs))
    if len(distinct) < len(pairs):
        what = say("{count:,} connections are there twice and read once", count=len(pairs) - len(distinct))
        log.notes.append(Note(file, what))
    return distinct


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _neighbours(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for start, end in pairs:
        found.setdefault(start, []).append(end)
    return found


def _chains(
    pairs: list[tuple[str, str]], folded: set[str], after: dict[str, list[str]]
) -> tuple[list[_Chain], int]:
    """Follow every connection through the elements in line; also how many of these belong to no link.

    Each element in line has one neighbour at most to either side, so that it is passed once.
    """
    fed = {end for _, end in pairs}
    starts: list[tuple[str | None, str]] = [pair for pair in pairs if pair[0] not in folded]
    starts += [(None, uid) for uid in sorted(folded - fed)]
    chains, passed = [], 0
    for start, first in starts:
        through, at = [], first
        while at in folded:
            through.append(at)
            at = (after.get(at) or [""])[0]
        if start is None and not at:
            continue
        passed += len(through)
        chains.append(_Chain(start, tuple(through), at or None))
    return chains, len(folded) - passed


def _lengths(elements: dict[str, dict[str, Any]], file: str, log: Log) -> dict[str, float | None]:
    """Metres of each fibre; nothing where length or unit cannot be read."""
    lengths, unread = {}, 0
    for uid, element in elements.items():
        if element["type"] in FIBRES:
            params = element.get("params")
            lengths[uid] = _metres(params) if isinstance(params, dict) else None
            unread += lengths[uid] is None
    if unread:
        log.notes.append(
            Note(
                file,
                say(
                    "length unknown for {count:,} fibres: no number, or a unit besides km and m",
                    count=unread,
                ),
            )
        )
    return lengths


def _metres(params: dict[str, Any]) -> float | None:
    unit, length = params.get("length_units"), params.get("length")
    if not isinstance(length, int | float) or not isinstance(unit, str) or unit not in METRES:
        return None
    try:
        metres = float(length) * METRES[unit]
    except OverflowError:  # a whole number beyond what a float holds
        return None
    return metres if math.isfinite(metres) and metres >= 0 else None


def _links(chains: list[_Chain], lengths: dict[str, float | None]) -> list[dict[str, Any]]:
    """One link a chain, or a pair of chains that are the two directions of one span."""
    waiting: dict[Any, deque[int]] = {}
    links: list[dict[str, Any]] = []
    for chain in chains:
        spans = tuple(lengths[uid] for uid in chain.through if uid in lengths)
        between, back = (chain.start, chain.end, spans), (chain.end, chain.start, spans[::-1])
        if chain.start is not None and chain.end is not None and waiting.get(back):
            twin = links[waiting[back].popleft()]
            twin["direction"] = None
            twin["elements_back"] = ";".join(chain.through) or None
            continue
        waiting.setdefault(between, deque()).append(len(links))
        links.append(_link(chain, spans))
    return links


def _link(chain: _Chain, spans: tuple[float | None, ...]) -> dict[str, Any]:
    known = [span for span in spans if span is not None]
    name = " + ".join(chain.through)
    if len(name) > LONGEST_ID:
        name = f"{chain.through[0]} + … + {chain.through[-1]}"
    # A chain without a beginning is told from its end, as only far ends may be blank; then both ways carry.
    return {
        "source": chain.end if chain.start is None else chain.start,
        "target": None if chain.start is None else chain.end,
        "id": name or None,
        "kind": "fibre" if spans else None,
        "direction": None if chain.start is None or chain.end is None else "forward",
        "length_m": round(sum(known), 3) if spans and len(known) == len(spans) else None,
        "elements": ";".join(chain.through) or None,
        "elements_back": None,
    }


def _node(element: dict[str, Any]) -> dict[str, Any]:
    metadata = element.get("metadata")
    place = metadata.get("location") if isinstance(metadata, dict) else None
    place = place if isinstance(place, dict) else {}
    return {
        "id": element["uid"],
        "type": element["type"],
        "type_variety": element.get("type_variety"),
        "lon": place.get("longitude"),
        "lat": place.get("latitude"),
        "city": place.get("city"),
        "region": place.get("region"),
        "transit": None if element["type"] == "Transceiver" else True,
    }


def _say_unused(
    tree: dict[str, Any], elements: dict[str, dict[str, Any]], loose: int, file: str, log: Log
) -> None:
    for key in sorted(set(tree) - {"elements", "connections"}):
        log.unused.append(Unused(file, key, say("no node and no link")))
    if loose:
        log.unused.append(
            Unused(
                file, say("{count:,} elements in line", count=loose), say("they lead from no node to no node")
            )
        )
    keys = Counter(key for element in elements.values() for key in element if key not in READ)
    for key, times in sorted(keys.items()):
        why = (
            say("of {count:,} elements; only the length of fibres is read", count=times)
            if key == "params"
            else None
        )
        log.unused.append(
            Unused(
                file,
                say("elements: {key}", key=key),
                why or say("of {count:,} elements; no rule reads it", count=times),
            )
        )


READER = Reader("gnpy", claims=claims, tree=read_tree)
