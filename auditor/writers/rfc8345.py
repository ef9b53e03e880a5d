"""RFC 8345 as JSON: one network, our columns as an augmentation; the records go with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from auditor.columns import CARRIED, DECLARED
from auditor.writers._content import Writer, rows

if TYPE_CHECKING:
    from auditor.writers._content import Content

NODE_COLUMNS = f"{CARRIED}:node-attributes"
LINK_COLUMNS = f"{CARRIED}:link-attributes"
RECORDS = f"{CARRIED}:declaration"  # also the type of the network: its reader takes columns word for word
REVERSE = f"{CARRIED}:reverse"
OWN = {"node": ("id",), "link": ("id", "source", "target")}  # what RFC 8345 itself states


def write(content: Content) -> bytes:
    """Write nodes, links and the records.

    A link of RFC 8345 carries one way, so one of ours is a pair of entries, unless it carries forward.
    A far end that is not declared is a ``destination`` left out; nodes that links name and nobody declared
    stand among the nodes, as the model wants it, marked as what they are.
    """
    nodes = [_node(row) for row in rows(content.nodes)]
    nodes += [_node({"id": name, DECLARED: False}) for name in content.undeclared]
    links = rows(content.links)
    taken = {link["id"] for link in links}
    network: dict[str, Any] = {
        "network-id": content.records.get("network", {}).get("access_layer", "declaration"),
        "network-types": {RECORDS: {}},
        "node": nodes,
        "ietf-network-topology:link": [entry for link in links for entry in _entries(link, taken)],
    }
    tree: dict[str, Any] = {"network": [network]}
    if content.carried:
        tree[RECORDS] = content.carried
    return orjson.dumps(
        {"ietf-network:networks": tree}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    )


def _node(row: dict[str, Any]) -> dict[str, Any]:
    return {"node-id": row["id"], NODE_COLUMNS: _columns(row, "node")}


def _columns(row: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in OWN[kind]}


def _entries(link: dict[str, Any], taken: set[str]) -> list[dict[str, Any]]:
    """Entries of a link: itself, and the way back under a name that no other link has."""
    near, far = link["source"], link.get("target")
    entry = {"link-id": link["id"], "source": {"source-node": near}, LINK_COLUMNS: _columns(link, "link")}
    if far is None:
        return [entry]
    entry["destination"] = {"dest-node": far}
    if link.get("direction") == "forward":
        return [entry]
    name = f"{link['id']} (back)"
    while name in taken:
        name += "'"
    taken.add(name)
    back = {"source": {"source-node": far}, "destination": {"dest-node": near}, REVERSE: True}
    return [entry, {"link-id": name, **back}]


WRITER = Writer("rfc8345", (), write)
