"""Layers of a network that stand on one another: which is searched, and what the others say of its nodes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from auditor.language import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditor.readers._entries import Row

Key: TypeAlias = "tuple[str, str]"  # layer, id in it
Ends: TypeAlias = "tuple[str | None, str | None, str | None, str | None]"  # node and port, near and far
PLACE = ("lon", "lat", "datum", "accuracy_m")
WHOSE = frozenset(
    {"owner", "holder_uscc", "operated_by", "holding", "kind", "access_role", "services", "transit"}
)
"""What is said of an instance and not of the box beneath it: who owns a router does not own its rack."""
NOT_LIFTED = frozenset(
    {*PLACE, "ips", "id", "site", "status", "from_on", "to_on", "count", "document", "grade"}
)
"""What is said of an entry and not of the box that it stands on, or is lifted in a way of its own."""
STEPS = 50  # times the size of the file; a real one takes one or two


class TooDeepError(Exception):
    """Nodes stand on one another in more ways than anybody draws."""


@dataclass
class LinkEntry:
    """One entry of a link: it carries from one end to the other.

    Parameters
    ----------
    id
        Its name.
    ends
        Node and port of the near end, node and port of the far end.
    columns
        What is said of it.
    """

    id: str
    ends: Ends
    columns: Row


@dataclass
class Layer:
    """One network of the file.

    Parameters
    ----------
    name
        Its id.
    nodes
        Rows in order, each with its ``id``.
    ports
        Ports that nodes declare, where they declare any.
    links
        Entries in order.
    on
        Names of the layers that it says it stands on.
    routed
        Whether its links are neighbourhoods of routers, not cables.
    """

    name: str
    nodes: list[Row] = field(default_factory=list)
    ports: dict[str, set[str]] = field(default_factory=dict)
    links: list[LinkEntry] = field(default_factory=list)
    on: set[str] = field(default_factory=set)
    routed: bool = False


@dataclass
class Gaps:
    """What a layer lacks to be complete.

    Parameters
    ----------
    ends
        Link ends that name no node or port of it. One that is left out is no gap: the search knows what to
        do with a far end that is not declared, while another layer might hide it.
    nodes
        Nodes of layers that are not beneath it and stand on no node of it.
    """

    ends: list[str]
    nodes: list[Key]


class Stack:
    """Layers by name, and what their nodes and links stand on.

    Parameters
    ----------
    layers
        In the order of the file.
    node_on, link_on
        Nodes that a node stands on, and links that a link stands on, directly.
    """

    def __init__(
        self, layers: Mapping[str, Layer], node_on: Mapping[Key, list[Key]], link_on: Mapping[Key, list[Key]]
    ) -> None:
        self.layers, self.node_on, self.link_on = layers, node_on, link_on
        self.rows: dict[Key, Row] = {}
        self.link_ends: dict[Key, list[Key]] = {}
        for layer in layers.values():
            for row in layer.nodes:
                self.rows.setdefault((layer.name, row["id"]), row)
            for link in layer.links:
                ends = [(layer.name, end) for end in link.ends[::2] if end is not None]
                self.link_ends.setdefault((layer.name, link.id), []).extend(ends)
        self.over: dict[Key, list[Key]] = {}
        for upper, lowers in node_on.items():
            for lower in lowers:
                self.over.setdefault(lower, []).append(upper)
        references = sum(map(len, (*node_on.values(), *link_on.values())))
        self._steps = STEPS * (len(self.rows) + len(self.link_ends) + references)
        self._alone: dict[tuple[str, Key], bool] = {}
        self.beneath = {name: self._below(name) for name in layers}

    def _below(self, name: str) -> set[str]:
        found: set[str] = set()
        new = [name]
        while new:
            for other in self.layers[new.pop()].on - found:
                if other in self.layers:
                    found.add(other)
                    new.append(other)
        return found

    def reach(self, start: Iterable[Key], steps: Mapping[Key, list[Key]]) -> set[Key]:
        """All that is reached from some keys, themselves included.

        Raises
        ------
        TooDeepError
            If all calls together have gone much further than the file is long.
        """
        found = set(start)
        new = list(found)
        while new:
            others = steps.get(new.pop(), ())
            self._steps -= len(others) + 1
            if self._steps < 0:
                raise TooDeepError
            for other in others:
                if other not in found:
                    found.add(other)
                    new.append(other)
        return found

    def stands_on_one(self, key: Key, layer: str) -> bool:
        """Whether a node stands on one node of a layer, or on none."""
        if (layer, key) not in self._alone:
            lower = self.reach([key], self.node_on)
            self._alone[layer, key] = sum(name == layer for name, _ in lower) <= 1
        return self._alone[layer, key]

    def circle(self) -> list[str]:
        """Names of the layers that stand on themselves."""
        return [name for name, beneath in self.beneath.items() if name in beneath]

    def upwards(self) -> list[Layer]:
        """Layers from the lowest to the highest; of those at one height the larger first."""
        height: dict[str, int] = {}
        for name in sorted(self.layers, key=lambda name: len(self.beneath[name])):
            height[name] = 1 + max((height.get(other, 0) for other in self.beneath[name]), default=0)
        layers = self.layers.values()
        return sorted(layers, key=lambda layer: (height[layer.name], -len(layer.nodes), layer.name))

    def gaps(self, layer: Layer) -> Gaps:
        """Say what a layer lacks to be complete."""
        mine = {row["id"] for row in layer.nodes}
        ends: list[str] = []
        for link in layer.links:
            for node, port in (link.ends[:2], link.ends[2:]):
                ports = layer.ports.get(node or "", set())
                if node is not None and node not in mine:
                    ends.append(node)
                elif port is not None and ports and port not in ports:
                    ends.append(say("{node}, port {port}", node=node, port=port))
        carried = self.reach(((layer.name, node) for node in mine), self.over)
        below = self.beneath[layer.name]
        nodes = [key for key in self.rows if key[0] not in below and key not in carried]
        return Gaps(ends, nodes)


@dataclass
class Lifting:
    """What was lifted to the nodes of a layer.

    Parameters
    ----------
    lifted
        Nodes that got a value, by column.
    differing
        Nodes that got none because others differ, by column.
    examples
        The first of those: its id and two of the values.
    """

    lifted: Counter[str] = field(default_factory=Counter)
    differing: Counter[str] = field(default_factory=Counter)
    examples: dict[str, tuple[str, Any, Any]] = field(default_factory=dict)

    def agree(self, name: str, node: str, values: Iterable[Any]) -> Any:
        """Give the one value that all have, nothing where they differ."""
        distinct = list(dict.fromkeys(values))
        if len(distinct) == 1:
            self.lifted[name] += 1
            return distinct[0]
        if distinct:
            self.differing[name] += 1
            self.examples.setdefault(name, (node, distinct[0], distinct[1]))
        return None


def lift(stack: Stack, layer: Layer) -> tuple[list[Row], Lifting]:
    """Give the nodes of a layer with what the nodes above and beneath them say."""
    lifting = Lifting()
    return [_lifted(stack, layer.name, row, lifting) for row in layer.nodes], lifting


def _lifted(stack: Stack, layer: str, row: Row, lifting: Lifting) -> Row:
    node, key = row["id"], (layer, row["id"])
    others = (stack.reach([key], stack.node_on) | stack.reach([key], stack.over)) - {key}
    said = [(other, stack.rows[other]) for other in sorted(others) if other in stack.rows]
    values: dict[str, list[Any]] = {}
    above = stack.reach([key], stack.over) - {key}
    for other, other_row in said:
        for name, value in other_row.items():
            if name in WHOSE and other in above:
                continue
            if name not in NOT_LIFTED and name not in row:
                values.setdefault(name, []).append(value)
    found = {name: lifting.agree(name, node, given) for name, given in values.items()}
    result = row | {name: value for name, value in found.items() if value is not None}
    if not any(name in row for name in PLACE):
        places = [
            tuple(other.get(name) for name in PLACE) for _, other in said if "lon" in other or "lat" in other
        ]
        place = lifting.agree("lon, lat", node, places)
        if place is not None:
            result |= {name: value for name, value in zip(PLACE, place, strict=True) if value is not None}
    addresses = _addresses(stack, layer, said, row)
    if addresses != row.get("ips"):
        lifting.lifted["ips"] += 1
        result["ips"] = addresses
    return result


def _addresses(stack: Stack, layer: str, said: list[tuple[Key, Row]], row: Row) -> str | None:
    """Addresses of a node and of all that stands on it alone: what stands on two may be at either."""
    texts = [row["ips"]] if "ips" in row else []
    for key, other in said:
        if "ips" in other and stack.stands_on_one(key, layer):
            texts.append(other["ips"])
    parts = dict.fromkeys(part for text in texts for part in str(text).split(";"))
    return ";".join(parts) or None


def crossed(stack: Stack, layer: str, links: Iterable[str], near: str, far: str) -> list[str] | None:
    """Nodes of a layer whose boxes a link of it crosses on the layers beneath.

    Parameters
    ----------
    stack, layer
        The layers, and the name of the one that the link is of.
    links
        Ids of its entries.
    near, far
        Its ends.

    Returns
    -------
    list of str or None
        Empty where its ends are next to each other beneath as well, or in one box. None where that is not
        said, or where it crosses a box that carries no node of the layer.
    """
    ends = stack.reach([(layer, near)], stack.node_on), stack.reach([(layer, far)], stack.node_on)
    path = stack.reach(((layer, link) for link in links), stack.link_on)
    path = {key for key in path if key[0] != layer}
    if not path:
        return [] if ends[0] & ends[1] - {(layer, near), (layer, far)} else None
    if not all(key in stack.link_ends for key in path):
        return None
    over: set[str] = set()
    for box in {end for key in path for end in stack.link_ends[key]} - ends[0] - ends[1]:
        mine = {node for name, node in stack.reach([box], stack.over) if name == layer}
        if not mine and not stack.reach([box], stack.node_on) & (ends[0] | ends[1]):
            return None
        over |= mine
    over -= {near, far}
    return None if any(";" in node for node in over) else sorted(over)
