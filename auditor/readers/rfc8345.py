"""Topologies of RFC 8345 as JSON, with RFC 8346 (layer 3), RFC 8944 (layer 2) and RFC 9179 (places).

**One network is one layer, and one layer alone is given.** A link between two routers that runs over the
carrier's OLT would look like a way round that OLT if both layers were searched as one.

*Order.* A layer stands on those that its ``supporting-network`` names and on those that its nodes and links
name (``supporting-node``, ``supporting-link``), and on what these stand on. Layers that stand on one
another in a circle have no lowest one and are refused, unless a layer is chosen.

*Choice.* A layer is complete if it has links, every end that a link names is a node of it (and a
termination point, where the node declares any), and every node of the other layers that are not beneath it
stands on a node of it, directly or through others. The lowest complete layer is taken. If none is, the
lowest that has links is, or else the lowest that has nodes, and a note says what it lacks.

*Links* carry one way in RFC 8345: two entries that are each other's reverse, ports included, are one link
under the name of the first; one that is left over carries forward. Where no link at all has its reverse,
the file lists every link once and how it carries is asked of ``[network] directed``, as of any other
directed graph. A ``destination`` that is absent is a far end that is not declared; such a link carries both
ways.

*Labels.* What a node does not say itself is lifted from the nodes that it stands on and from those that
stand on it, where all that say it agree; where they differ nothing is taken, and a note gives an example. A
place is lifted whole. Addresses are joined, of a node that stands on this one alone: they are the box's.
What is true of an entry and not of its box (status, period, site, count) stays where it is.

*Layers beneath the one taken.* A link of it may cross a box that only a layer beneath shows. Where the file
says the way (``supporting-link``) and each box on it carries nodes of the layer taken, the link is a tunnel
over those nodes; where its ends are neighbours beneath as well, or in one box, it is a plain link; in all
other cases it is a tunnel over nothing that is known, which is doubtful, so that nobody fails, and nobody
passes, by it.

*Values.* Leaves of augmentations become columns by their own name, the container's before it where a name
is there twice. Prefixes that a node announces are not addresses of it. RFC 9179 says WGS84 where no datum
is given.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from auditor.columns import CARRIED
from auditor.language import say
from auditor.problems import clauses, nearest, quote
from auditor.readers._entries import Tally, records_of
from auditor.readers._layers import WHOSE, TooDeepError, crossed, lift
from auditor.readers._registry import Export, Reader
from auditor.readers._tables import read_rows
from auditor.readers._yang import ends_of, local, member, named_of, stack_of

SAYS = WHOSE - {"transit"}  # a node that says one of these is somebody's thing, not a drawing of another's

if TYPE_CHECKING:
    from auditor.readers._entries import Row
    from auditor.readers._layers import Gaps, Layer, LinkEntry, Stack
    from auditor.tables import Log

OURS = f"{CARRIED}:declaration"  # type of a network that our writer wrote; records of a declaration
NODE_COLUMNS = f"{CARRIED}:node-attributes"
LINK_COLUMNS = f"{CARRIED}:link-attributes"
REVERSE = f"{CARRIED}:reverse"  # the other entry of a link
WRAPPERS = 3
NAMES = {"networks", "network"}


def _networks(tree: Any) -> tuple[list[Any], Any]:
    """Entries of the networks, whatever they are wrapped in, and the record that holds them."""
    holder = tree
    for _ in range(WRAPPERS):
        inner = [member(holder, name) for name in ("data", "output", "networks")]
        holder = next((value for value in inner if value is not None), holder)
    within = member(holder, "network")
    return records_of(holder if isinstance(holder, list) else within), holder


def claims(tree: Any) -> bool:
    """Whether a tree is a topology: it holds networks with a ``network-id``, or its keys say so."""
    if any(member(entry, "network-id") is not None for entry in _networks(tree)[0]):
        return True
    keys = tree if isinstance(tree, dict) else ()
    return any(key.startswith("ietf-network") and ":" in key and local(key) in NAMES for key in keys)


def read_tree(tree: Any, file: str, log: Log) -> Export | None:
    """Read the layer that was asked for, else the lowest complete one."""
    return read_layer(tree, file, log, log.layer)


def read_layer(tree: Any, file: str, log: Log, layer: str | None) -> Export | None:
    """Read one layer.

    Parameters
    ----------
    tree, file, log
        As for any form of JSON.
    layer
        ``network-id`` of the layer to take; else the lowest complete one.
    """
    tally, before = Tally(file, log), len(log.problems.found)
    entries, holder = _networks(tree)
    try:
        export = _read(entries, holder, tally, layer)
    except TooDeepError:
        what = say("nodes stand on one another in too many ways")
        tally.fault(
            "", "supporting-node", what, say("name what a node stands on directly, and nothing beneath that")
        )
        export = None
    tally.close()
    return export if len(log.problems.found) == before else None


def _read(entries: list[Any], holder: Any, tally: Tally, wanted: str | None) -> Export | None:
    records = holder.get(OURS) if isinstance(holder, dict) else None
    if len(entries) == 1 and _is_ours(entries[0]):
        nodes, links = _own_rows(entries[0], tally)
        return _export(nodes, links, tally, records=records)
    stack = stack_of(entries, tally)
    if not stack.layers:
        tally.fault("", "", say("holds no network"), say("the outermost key is ietf-network:networks"))
        return None
    layer = _choose(stack, wanted, tally)
    if layer is None:
        return None
    nodes, lifting = lift(stack, layer)
    links, directed = _links(stack, layer, tally)
    for name, (node, one, other) in lifting.examples.items():
        what = say(
            "{name}: what other layers say differs at {count:,} nodes and is not taken, such as {one} and "
            "{other} for {node}",
            name=name,
            count=lifting.differing[name],
            one=quote(one),
            other=quote(other),
            node=quote(node),
        )
        tally.note(what)
    if lifting.lifted:
        columns = [f"{name} ({times:,})" for name, times in sorted(lifting.lifted.items())]
        tally.note(
            say(
                "lifted to nodes of {layer} from other layers: {columns}",
                layer=quote(layer.name),
                columns=columns,
            )
        )
    for other in stack.layers.values():
        if other is not layer:
            size = say(
                "{nodes:,} nodes, {links:,} entries of links",
                nodes=len(other.nodes),
                links=len(other.links),
            )
            telling = sum(not SAYS.isdisjoint(row) for row in other.nodes)
            why: str = say("not searched: layers are never mixed")
            if telling:
                why = clauses(why, say("{count:,} of its nodes say whose or what they are", count=telling))
            tally.drop(
                say("layer {layer}: {size}", layer=quote(other.name), size=size), why, missed=telling > 0
            )
    return _export(nodes, links, tally, records=records, directed=directed)


def _export(
    nodes: list[Row], links: list[Row], tally: Tally, *, records: Any, directed: bool = False
) -> Export:
    return Export(
        read_rows(nodes, "node", tally.file, ("id",)),
        read_rows(links, "link", tally.file, ("source", "target")),
        records=records,
        directed=directed,
    )


# --- what our writer wrote --------------------------------------------------------------------------------


def _is_ours(entry: Any) -> bool:
    types = member(entry, "network-types")
    return isinstance(types, dict) and OURS in types


def _own_rows(entry: Row, tally: Tally) -> tuple[list[Row], list[Row]]:
    """Rows as they were written: columns word for word, one entry of each pair."""
    nodes: list[Row] = []
    links: list[Row] = []
    for name, node in named_of(entry, "node", tally):
        nodes.append(_own_columns(node, NODE_COLUMNS) | {"id": name})
    for name, link in named_of(entry, "link", tally):
        if link.get(REVERSE) is not True:
            near, _, far, _ = ends_of(link)
            links.append(_own_columns(link, LINK_COLUMNS) | {"id": name, "source": near, "target": far})
    return nodes, links


def _own_columns(record: Row, key: str) -> Row:
    columns = record.get(key)
    return columns if isinstance(columns, dict) else {}


# --- the layer that is taken ------------------------------------------------------------------------------


def _choose(stack: Stack, wanted: str | None, tally: Tally) -> Layer | None:
    """Take the layer that is wanted, or the lowest that is complete; say what it lacks."""
    if wanted is not None and wanted not in stack.layers:
        tally.fault(
            "",
            "network",
            say("there is no layer {layer}", layer=quote(wanted)),
            nearest(wanted, stack.layers),
        )
        return None
    if wanted is None and stack.circle():
        names = [quote(name) for name in stack.circle()[:3]]
        hint = say("name the layer to search as [network] access_layer")
        tally.fault(
            "",
            "supporting-network",
            say("layers stand on one another in a circle: {names}", names=names),
            hint,
        )
        return None
    upwards = stack.upwards()
    if wanted is not None:
        layer = stack.layers[wanted]
        gaps = stack.gaps(layer)
    else:
        layer, gaps = _lowest(stack, upwards)
    if layer.routed and layer.links and not stack.beneath[layer.name]:
        tally.note(
            say(
                "{layer} is layer 3: boxes that its links cross beneath are not in the file",
                layer=quote(layer.name),
            )
        )
    if gaps.ends or gaps.nodes or not layer.links or (wanted is not None and stack.beneath[layer.name]):
        tally.drop(say("what {layer} lacks", layer=quote(layer.name)), say("see the notes"), missed=True)
    if len(upwards) > 1:
        _say(stack, layer, gaps, tally, wanted=wanted is not None)
    return layer


def _lowest(stack: Stack, upwards: list[Layer]) -> tuple[Layer, Gaps]:
    linked = [layer for layer in upwards if layer.links]
    for layer in linked:
        gaps = stack.gaps(layer)
        if not gaps.ends and not gaps.nodes:
            return layer, gaps
    peopled = [layer for layer in upwards if layer.nodes]
    layer = (linked or peopled or upwards)[0]
    return layer, stack.gaps(layer)


def _say(stack: Stack, layer: Layer, gaps: Gaps, tally: Tally, *, wanted: bool) -> None:
    lacks = [] if layer.links else [say("it has no links")]
    if gaps.ends:
        lacks.append(
            say(
                "{count:,} link ends name nothing of it, such as {name}",
                count=len(gaps.ends),
                name=quote(gaps.ends[0]),
            )
        )
    if gaps.nodes:
        name, node = gaps.nodes[0]
        lacks.append(
            say(
                "{count:,} nodes stand on nothing of it, such as {node} of {layer}",
                count=len(gaps.nodes),
                node=quote(node),
                layer=quote(name),
            )
        )
    if wanted:
        why = say("the one that is asked for")
    else:
        why = (
            say("the lowest that has links, for NO LAYER IS COMPLETE")
            if lacks
            else say("the lowest that is complete")
        )
    size = say("{nodes:,} nodes, {links:,} entries of links", nodes=len(layer.nodes), links=len(layer.links))
    told = say(
        "layer {layer} is read ({size}), {why} of {count}",
        layer=quote(layer.name),
        size=size,
        why=why,
        count=len(stack.layers),
    )
    tally.note(clauses(told, *lacks, say("[network] access_layer names another")))


def _links(stack: Stack, layer: Layer, tally: Tally) -> tuple[list[Row], bool]:
    """Links of a layer, one for each pair of entries; and whether none has its reverse."""
    pairs = _paired(layer)
    one_way = sum(len(pair) == 1 and None not in pair[0].ends[::2] for pair in pairs)
    each_once = one_way > 0 and all(len(pair) == 1 for pair in pairs)
    rows: list[Row] = []
    for pair in pairs:
        row = _link(pair, layer, tally)
        if len(pair) == 1 and None not in pair[0].ends[::2] and not each_once:
            row.setdefault("direction", "forward")
        rows.append(row)
    if one_way and not each_once:
        tally.note(
            say("{count:,} links have no entry for the way back and carry forward alone", count=one_way)
        )
    if stack.beneath[layer.name]:
        _cross(stack, layer, pairs, rows, tally)
    return rows, each_once


def _link(pair: list[LinkEntry], layer: Layer, tally: Tally) -> Row:
    """Row of a link; what its two entries say differently is not taken."""
    near, _, far, _ = pair[0].ends
    row: Row = {"source": near or far, "target": far if near else None, "id": pair[0].id, "layer": layer.name}
    for name in dict.fromkeys(name for entry in pair for name in entry.columns):
        values = list(dict.fromkeys(entry.columns[name] for entry in pair if name in entry.columns))
        if len(values) == 1:
            row[name] = values[0]
        else:
            tally.drop(say("link {name}", name=name), say("the two directions differ"))
    return row


def _cross(stack: Stack, layer: Layer, pairs: list[list[LinkEntry]], rows: list[Row], tally: Tally) -> None:
    """Make tunnels of links that cross boxes of the layers beneath."""
    doubtful = 0
    for pair, row in zip(pairs, rows, strict=True):
        if row["target"] is None or "kind" in row:
            continue
        over = crossed(stack, layer.name, [entry.id for entry in pair], row["source"], row["target"])
        if over != []:
            row |= {"kind": "tunnel", "over": ";".join(over) if over else None}
        doubtful += over is None
    if doubtful:
        what = say("which nodes they cross is not known; they are tunnels over nothing, which are doubtful")
        tally.note(
            say(
                "{count:,} links of {layer} stand on layers beneath: {what}",
                count=doubtful,
                layer=quote(layer.name),
                what=what,
            )
        )


def _paired(layer: Layer) -> list[list[LinkEntry]]:
    """Entries of each link: one, or two that are each other's reverse."""
    pairs: list[list[LinkEntry]] = []
    waiting: dict[tuple[str | None, ...], deque[list[LinkEntry]]] = {}
    for entry in layer.links:
        partners = waiting.get((*entry.ends[2:], *entry.ends[:2]))
        if partners:
            partners.popleft().append(entry)
        else:
            pairs.append([entry])
            waiting.setdefault(entry.ends, deque()).append(pairs[-1])
    return pairs


READER = Reader("rfc8345", claims=claims, tree=read_tree)
