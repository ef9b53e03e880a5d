"""Networks, nodes and links of RFC 8345 as layers: names with or without modules, attributes as columns."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from auditor.language import say
from auditor.problems import numbered, quote
from auditor.readers._entries import is_plain, name_of, records_of
from auditor.readers._layers import Layer, LinkEntry, Stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.readers._entries import Row, Tally
    from auditor.readers._layers import Ends, Key

MOST_LAYERS = 100
DEEPEST = 8
STRUCTURE = {
    "node": {"node-id", "termination-point", "supporting-node"},
    "link": {"link-id", "source", "destination", "supporting-link"},
}
STATED = {"node": {"id"}, "link": {"id", "source", "target", "layer"}}
ADDRESSES = {("l3-node-attributes", "router-id"), ("l2-node-attributes", "management-address")}
GEO = {"geo-location", "geolocation"}
MARKS = "_diff_state_"


def local(key: str) -> str:
    """Name of a member without the module it is of."""
    return key.rpartition(":")[2]


def member(record: Any, name: str) -> Any:
    """Member of a record by its name, with or without a module before it."""
    if not isinstance(record, dict):
        return None
    if record.get(name) is not None:
        return record[name]
    end = f":{name}"
    return next((record[key] for key in record if key.endswith(end) and record[key] is not None), None)


def named_of(entry: Row, kind: str, tally: Tally) -> Iterator[tuple[str, Row]]:
    """Nodes or links of a network with their names; others are problems."""
    network = name_of(member(entry, "network-id"))
    for number, record in enumerate(records_of(member(entry, kind)), 1):
        name = name_of(member(record, f"{kind}-id"))
        if name is None:
            tally.fault(
                say("network {network}, {place}", network=network, place=numbered(kind, number)),
                f"{kind}-id",
                say("is missing or no text"),
            )
        else:
            yield name, record


def stack_of(entries: list[Any], tally: Tally) -> Stack:
    layers: dict[str, Layer] = {}
    node_on: dict[Key, list[Key]] = {}
    link_on: dict[Key, list[Key]] = {}
    if len(entries) > MOST_LAYERS:
        tally.fault(
            "",
            "network",
            say("{count:,} networks, more than {most}", count=len(entries), most=MOST_LAYERS),
            say("give those of one operator"),
        )
        return Stack({}, {}, {})
    for number, entry in enumerate(entries, 1):
        name = name_of(member(entry, "network-id"))
        if name is None:
            tally.fault(
                numbered("network", number),
                "network-id",
                say("is missing or no text"),
                say("every network needs its own"),
            )
        elif name in layers:
            tally.fault(
                numbered("network", number),
                "network-id",
                say("{value} is there twice", value=quote(name)),
                say("rename one"),
            )
        else:
            layers[name] = layer = Layer(name)
            _fill(layer, entry, node_on, link_on, tally)
    return Stack(layers, node_on, link_on)


def _fill(
    layer: Layer, entry: Row, node_on: dict[Key, list[Key]], link_on: dict[Key, list[Key]], tally: Tally
) -> None:
    layer.on.update(name for name, _ in _references(entry, "supporting-network", "network-ref"))
    layer.routed = member(member(entry, "network-types"), "l3-unicast-topology") is not None
    for name, node in named_of(entry, "node", tally):
        on = _references(node, "supporting-node", "node-ref")
        node_on.setdefault((layer.name, name), []).extend(on)
        layer.on.update(network for network, _ in on)
        layer.nodes.append({"id": name, **_node_columns(node, tally)})
        points = records_of(member(node, "termination-point"))
        ports = {name_of(member(point, "tp-id")) for point in points} - {None}
        layer.ports.setdefault(name, set()).update(port for port in ports if port is not None)
        if points:
            tally.drop(
                say("termination points"),
                say("their addresses and links are read, nothing else"),
                len(points),
            )
    for name, link in named_of(entry, "link", tally):
        on = _references(link, "supporting-link", "link-ref")
        link_on.setdefault((layer.name, name), []).extend(on)
        layer.on.update(network for network, _ in on)
        ends = ends_of(link)
        if ends[0] is None and ends[2] is None:
            tally.fault(
                say("network {network}, link {name}", network=layer.name, name=name),
                "source",
                say("is missing, and so is the destination"),
            )
        layer.links.append(LinkEntry(name, ends, _columns(link, "link", tally)))
    layer.on.discard(layer.name)


def _references(record: Row, kind: str, leaf: str) -> list[Key]:
    """What an entry stands on, as network and name there."""
    found = []
    for reference in records_of(member(record, kind)):
        network, name = name_of(member(reference, "network-ref")), name_of(member(reference, leaf))
        if network is not None and name is not None:
            found.append((network, name))
    return found


def ends_of(link: Row) -> Ends:
    near, far = member(link, "source"), member(link, "destination")
    return (
        name_of(member(near, "source-node")),
        name_of(member(near, "source-tp")),
        name_of(member(far, "dest-node")),
        name_of(member(far, "dest-tp")),
    )


def _leaves(record: Row, path: tuple[str, ...], tally: Tally) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Leaves of a container with their paths; a place is given as a whole."""
    for key, value in record.items():
        name = local(key)
        if key == MARKS:
            tally.drop(MARKS, say("what a comparison of two files left behind"))
        elif not isinstance(value, dict) or name in GEO:
            yield (*path, name), value
        elif len(path) < DEEPEST:
            yield from _leaves(value, (*path, name), tally)
        else:
            tally.drop(
                say("what is deeper than {most} levels", most=DEEPEST),
                say("attributes are not that deep"),
            )


def _columns(record: Row, kind: str, tally: Tally) -> Row:
    """Columns of a node or a link: the leaves of its attributes by their names."""
    outer = {key: value for key, value in record.items() if local(key) not in STRUCTURE[kind]}
    row: Row = {}
    addresses: list[Any] = []
    for path, value in _leaves(outer, (), tally):
        if path[-1] in GEO:
            row |= _place(value, tally)
        elif path[-2:] in ADDRESSES:
            addresses += records_of(value)
        elif path == ("l3-link-attributes", "metric1") and isinstance(value, int | float):
            row["cost"] = value
        else:
            _put(row, path, value, kind, tally)
    if addresses:
        _add_addresses(row, addresses, tally)
    return row


def _put(row: Row, path: tuple[str, ...], value: Any, kind: str, tally: Tally) -> None:
    """Put a value into the column of its name; a name that is taken gets its container's before it."""
    if isinstance(value, list):
        if not all(is_plain(part) for part in value):
            announced = path[-2:] == ("l3-node-attributes", "prefix")
            why = (
                say("announced by a node, which need not hold it")
                if announced
                else say("a list of records, no value")
            )
            name = path[-1]
            what = say("node {name}", name=name) if kind == "node" else say("link {name}", name=name)
            tally.drop(what, why)
            return
        value = ";".join(map(str, value))
    if value is None or value == "":
        return
    name = f"{path[-1]} (attribute)" if path[-1] in STATED[kind] else path[-1]
    row["/".join(path[-2:]) if name in row else name] = value


def _node_columns(node: Row, tally: Tally) -> Row:
    row = _columns(node, "node", tally)
    found: list[Any] = []
    for point in records_of(member(node, "termination-point")):
        found += records_of(member(member(point, "l3-termination-point-attributes"), "ip-address"))
    _add_addresses(row, found, tally)
    return row


def _add_addresses(row: Row, found: list[Any], tally: Tally) -> None:
    """Join addresses to those that are there; what comes with a mask is the address itself."""
    good = [str(row["ips"])] if "ips" in row else []
    for value in found:
        try:
            address = ipaddress.ip_interface(value if isinstance(value, str) else "").ip
        except ValueError:
            if value != "":
                tally.drop(say("addresses of nodes"), say("no IP addresses"))
            continue
        if not address.is_unspecified:
            good.append(str(address).partition("%")[0])
    if good:
        row["ips"] = ";".join(dict.fromkeys(good))


def _place(place: Any, tally: Tally) -> Row:
    """Read a place of RFC 9179; numbers may be text, as RFC 7951 writes decimals."""
    frame = member(place, "reference-frame")
    body = member(frame, "astronomical-body")
    lon, lat = member(place, "longitude"), member(place, "latitude")
    if body not in {None, "earth"} or not is_plain(lon) or not is_plain(lat):
        tally.drop("geo-location", say("not longitude and latitude on Earth"))
        return {}
    datum = member(member(frame, "geodetic-system"), "geodetic-datum")
    if datum is None or str(datum).lower().startswith(("wgs-84", "wgs84")):
        return {"lon": lon, "lat": lat, "datum": "WGS84"}
    return {"lon": lon, "lat": lat, "datum": "unknown", "geodetic-datum": str(datum)}
