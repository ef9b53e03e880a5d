"""Nodes and links of a graph file as tables: far ends that nobody declared, and which way links carry."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor import cells
from auditor.columns import BLANK, DECLARED, REVERSE
from auditor.language import say
from auditor.readers._mapping import mapped
from auditor.tables import Frame, Note

if TYPE_CHECKING:
    from auditor.columns import BoolArray
    from auditor.model import Network
    from auditor.readers._registry import Export
    from auditor.tables import Log

BOTH_WAYS = say("directed links read as carrying both ways; say [network] directed = true or false")
MARKED = say("the node is marked as not declared, and yet declared here")
MARKS = (DECLARED, BLANK)


def settled(graph: Export, stated: Network, log: Log) -> tuple[Frame | None, Frame | None]:
    """Bring the tables of a graph file to names of ours and settle what only graphs have.

    Nodes marked as not declared are taken out: links go on naming them. Links whose far end is marked as
    blank get a blank far end; arcs marked as the way back of others are those. Directed links carry
    both ways unless ``[network] directed`` says they do not.
    """
    nodes = graph.nodes and mapped(graph.nodes, "nodes", stated, log)
    links = graph.links and mapped(graph.links, "links", stated, log)
    if nodes is not None:
        nodes, far = _without_marks(nodes, log)
        if links is not None and len(far):
            links = _without_far_ends(links, far)
    links = links and _without_reverse(links)
    if links is not None and links.table.num_rows and graph.directed:
        if stated.directed is None:
            log.notes.append(Note(links.origin.files[0], BOTH_WAYS))
        elif stated.directed:
            links = _forward(links)
    return nodes, links


def _is(raw: Frame, name: str, word: str) -> BoolArray:
    if name not in raw.table.column_names:
        return np.zeros(raw.table.num_rows, np.bool_)
    text = cells.to_text(cells.flat(raw.table.column(name)), lambda *_: None)
    return cells.mask(pc.equal(pc.utf8_lower(pc.utf8_trim_whitespace(text)), word))


def _without_marks(nodes: Frame, log: Log) -> tuple[Frame, Any]:
    """Take out nodes that nobody declared; give the ids of those that stand for a blank far end."""
    undeclared, blank = _is(nodes, DECLARED, "false"), _is(nodes, BLANK, "true")
    if not undeclared.any():
        return nodes, pa.array([], pa.string())
    said = [name for name in nodes.table.column_names if name not in {"id", *MARKS}]
    for name in said:
        held = undeclared & cells.mask(nodes.table.column(name).combine_chunks().is_valid())
        log.problems.rows(nodes.origin, held, name, lambda _: MARKED, say("leave {name} out", name=DECLARED))
    far = nodes.strings("id").filter(pa.array(undeclared & blank)) if "id" in nodes.table.column_names else []
    nodes = nodes.keep(~undeclared)
    keep = [name for name in nodes.table.column_names if name not in MARKS]
    return replace(nodes, table=nodes.table.select(keep)), far


def _without_far_ends(links: Frame, far: Any) -> Frame:
    if "target" not in links.table.column_names:
        return links
    at = links.table.column_names.index("target")
    target = cells.to_text(links.strings("target"), lambda *_: None)
    target = pc.if_else(pc.is_in(target, far), None, target)
    return replace(links, table=links.table.set_column(at, "target", target))


def _without_reverse(links: Frame) -> Frame:
    """Take out arcs marked ``reverse`` that are the way back of a link with the same id and ends."""
    back = _is(links, REVERSE, "true")
    if not back.any():
        return links
    names = set(links.table.column_names)
    cells_of = {
        name: pc.fill_null(cells.to_text(links.strings(name), lambda *_: None), "")
        for name in ("source", "target", "id")
        if name in names
    }
    if len(cells_of) < len(("source", "target", "id")):
        return links
    there = pc.binary_join_element_wise(cells_of["source"], cells_of["target"], cells_of["id"], "\0")
    mirror = pc.binary_join_element_wise(cells_of["target"], cells_of["source"], cells_of["id"], "\0")
    back &= cells.mask(pc.is_in(mirror, there.filter(pa.array(~back))))
    links = links.keep(~back)
    return replace(links, table=links.table.drop_columns([REVERSE]))


def _forward(links: Frame) -> Frame:
    table = links.table
    if "direction" not in table.column_names:
        return replace(links, table=table.append_column("direction", pa.array(["forward"] * table.num_rows)))
    at = table.column_names.index("direction")
    given = cells.to_text(links.strings("direction"), lambda *_: None)
    blank = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(given), ""), fill_value=True)
    return replace(links, table=table.set_column(at, "direction", pc.if_else(blank, "forward", given)))
