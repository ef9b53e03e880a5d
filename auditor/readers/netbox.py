"""NetBox: a dump of its records as JSON, as ``manage.py dumpdata`` writes it, or as it was fetched by REST.

What NetBox does not say is not made up. A site may be a data centre or an office, so that it gets no kind:
what stands in it is judged at the place of the site. What a provider holds at its end of a circuit is a far
end that nobody declared: verdicts on paths are inconclusive until a table of nodes says what stands there. A
device whose role says no kind carries traffic, lest a path be cut off at a switch.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from auditor.language import say
from auditor.problems import quote
from auditor.readers._netbox import (
    CLUSTER,
    DEVICE,
    LOCATION,
    MACHINE,
    MOST_CUSTOM,
    RACK,
    SITE,
    UNREAD,
    Dump,
    addresses,
    custom_fields,
    key,
    machine_ids,
    place_id,
    text,
)
from auditor.readers._netbox_links import links_of
from auditor.readers._registry import Export, Reader
from auditor.readers._tables import read_rows
from auditor.tables import Note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.readers._netbox import Fields, Ids
    from auditor.tables import Log

    Row = dict[str, Any]

APPS = ("dcim.", "circuits.", "ipam.", "virtualization.")
KINDS = {
    # Kinds by the slug of a role, reviewed 2026-10-01. Slugs are the user's own words: only those that can
    # mean but one thing are here. A firewall, a core switch or a patch panel is none of our kinds.
    **dict.fromkeys(("router", "core-router", "edge-router", "border-router"), "router"),
    **dict.fromkeys(("bng", "bras", "vbras"), "bng"),
    **dict.fromkeys(("pe", "pe-router", "provider-edge"), "pe"),
    **dict.fromkeys(("cpe", "ont", "onu"), "cpe"),
    **dict.fromkeys(("server", "application-server", "database-server", "web-server"), "server"),
    **dict.fromkeys(("storage", "storage-array", "san", "nas"), "storage"),
    **dict.fromkeys(("load-balancer", "loadbalancer"), "load_balancer"),
    **dict.fromkeys(("dns", "dns-server"), "dns"),
    **dict.fromkeys(("cdn-edge", "cdn-cache"), "cdn_edge"),
    **{slug: slug for slug in ("mse", "olt", "dslam", "cmts")},
    "access-switch": "access_switch",
}


def claims(tree: Any) -> bool:
    """Tell whether a tree is a list of records of NetBox."""
    return isinstance(tree, list) and any(
        isinstance(record, dict)
        and isinstance(record.get("model"), str)
        and record["model"].lower().startswith(APPS)
        and isinstance(record.get("fields"), dict)
        for record in tree
    )


def read_tree(tree: Any, file: str, log: Log) -> Export | None:
    """Give nodes and links of a dump.

    Sites (no kind: places), locations (``room``), racks, devices, clusters (``cloud_region``) and virtual
    machines are nodes, each at the `site` it stands in; a tenant is the owner. Circuits, cables, wireless
    links, tunnels and stacks of devices are links.
    """
    before = len(log.problems.found)
    dump = Dump.of(tree, file, log)
    ids = machine_ids(dump)
    nodes = [*_places(dump), *_machines(dump, ids)]
    links = links_of(dump, ids)
    _tell(dump, nodes)
    names = {name for row in (*nodes, *links) for name in row if name.startswith("cf_")}
    if len(names) > MOST_CUSTOM:
        what = say("{count:,} custom fields, more than {most:,}", count=len(names), most=MOST_CUSTOM)
        log.problems.add(file, "", "custom_field_data", what, say("leave out what no rule reads"))
    if len(log.problems.found) > before:
        return None
    dump.tell()
    blocks = list(_blocks(dump))
    log.partial |= bool(dump.rows(UNREAD))
    return Export(
        read_rows(_stated(nodes), "node", file, ("id",)),
        read_rows(_stated(links), "link", file, ("source", "target")),
        read_rows(_stated(blocks), "prefix", file, ("prefix",)) if blocks else None,
    )


def _blocks(dump: Dump) -> Iterator[Row]:
    """Give the address blocks; where one is used is a place, not a node, so that no node is named."""
    for row in dump.rows("ipam.prefix").values():
        site = dump.type_of(row.get("scope_type")) == SITE
        yield {
            "prefix": text(row.get("prefix")),
            "use": dump.named("ipam.role", row.get("role")),
            "at_site": place_id(dump, SITE, row.get("scope_id") if site else row.get("site")),
            "netbox_status": text(row.get("status")),
            "tenant": dump.named("tenancy.tenant", row.get("tenant")),
            "vrf": dump.named("ipam.vrf", row.get("vrf")),
        }


def _stated(rows: list[Row]) -> list[Row]:
    """Leave out columns that no row fills: a mapping may then give their name to a custom field."""
    filled = {name for row in rows for name, value in row.items() if value is not None}
    return [{name: value for name, value in row.items() if name in filled} for row in rows]


def _shared(dump: Dump, model: str, row: Fields) -> Row:
    """Cells that every node has."""
    return {
        "name": text(row.get("name")),
        "owner": dump.named("tenancy.tenant", row.get("tenant")),
        "status": dump.status(row.get("status")),
        "netbox_model": model,
        "netbox_status": text(row.get("status")),
        **custom_fields(row),
    }


def _places(dump: Dump) -> Iterator[Row]:
    for pk, row in dump.rows(SITE).items():
        asns = dump.asns(row)
        yield {
            "id": place_id(dump, SITE, pk),
            **_shared(dump, SITE, row),
            "lon": row.get("longitude"),
            "lat": row.get("latitude"),
            "address": text(row.get("physical_address")),
            "asn": asns[0] if len(asns) == 1 else None,
            "asns": ";".join(asns) if len(asns) > 1 else None,
            "facility": text(row.get("facility")),
            "region": dump.named("dcim.region", row.get("region")),
            "site_group": dump.named("dcim.sitegroup", row.get("group")),
        }
    for pk, row in dump.rows(LOCATION).items():
        above = place_id(dump, LOCATION, row.get("parent")) or place_id(dump, SITE, row.get("site"))
        yield {"id": f"location:{pk}", "kind": "room", **_shared(dump, LOCATION, row), "site": above}
    for pk, row in dump.rows(RACK).items():
        above = place_id(dump, LOCATION, row.get("location")) or place_id(dump, SITE, row.get("site"))
        yield {"id": f"rack:{pk}", "kind": "rack", **_shared(dump, RACK, row), "site": above}
    for pk, row in dump.rows(CLUSTER).items():
        scope = dump.type_of(row.get("scope_type"))
        above = place_id(dump, scope, row.get("scope_id")) if scope in {SITE, LOCATION} else None
        yield {
            "id": f"cluster:{pk}",
            "kind": "cloud_region",
            **_shared(dump, CLUSTER, row),
            "site": above or place_id(dump, SITE, row.get("site")),
            "cluster_type": dump.named("virtualization.clustertype", row.get("type")),
        }


def _machines(dump: Dump, ids: Ids) -> Iterator[Row]:
    held = addresses(dump, ids)
    bays = dump.rows("dcim.devicebay").values()
    parents = {key(bay.get("installed_device")): bay.get("device") for bay in bays}
    for model in (DEVICE, MACHINE):
        for pk, row in dump.rows(model).items():
            role = dump.named("dcim.devicerole", row.get("role") or row.get("device_role"), "slug")
            kind = KINDS.get((role or "").lower())
            kind = kind or ("server" if model == MACHINE else None)
            made = dump.find("dcim.devicetype", row.get("device_type"))
            above = (
                _above_device(dump, ids, row, parents.get(pk))
                if model == DEVICE
                else _above_machine(dump, ids, row)
            )
            yield {
                "id": ids[model, pk],
                "kind": kind,
                **_shared(dump, model, row),
                "site": above,
                "lon": row.get("longitude"),
                "lat": row.get("latitude"),
                "ips": ";".join(held[model, pk]) or None,
                "transit": None if kind else True,
                "device_role": role,
                "device_type": text(made.get("model")),
                "manufacturer": dump.named("dcim.manufacturer", made.get("manufacturer")),
                "platform": dump.named("dcim.platform", row.get("platform")),
                "cluster": place_id(dump, CLUSTER, row.get("cluster")),
            }


def _above_device(dump: Dump, ids: Ids, row: Fields, parent: Any) -> str | None:
    """Id of what a device stands in: the device whose bay it fills, its rack, location or site."""
    found = (place_id(dump, model, row.get(model.partition(".")[2])) for model in (RACK, LOCATION, SITE))
    return _machine_id(ids, parent) or next(filter(None, found), None)


def _above_machine(dump: Dump, ids: Ids, row: Fields) -> str | None:
    """Id of what a virtual machine runs on: the host, else the cluster, unless only its site has a place."""
    host = _machine_id(ids, row.get("device"))
    return host or place_id(dump, CLUSTER, row.get("cluster")) or place_id(dump, SITE, row.get("site"))


def _machine_id(ids: Ids, reference: Any) -> str | None:
    pk = key(reference)
    return None if pk is None else ids.get((DEVICE, pk))


def _tell(dump: Dump, nodes: list[Row]) -> None:
    """Note what was assumed of nodes."""
    machines = [row for row in nodes if row["netbox_model"] in {DEVICE, MACHINE}]
    kinds = Counter(
        (str(row["device_role"]), row["kind"]) for row in machines if row["device_role"] and row["kind"]
    )
    for (role, kind), times in sorted(kinds.items()):
        if role.lower() in KINDS:
            dump.log.notes.append(
                Note(
                    dump.file,
                    say(
                        "role {role} read as kind {kind} in {count:,} rows",
                        role=quote(role),
                        kind=kind,
                        count=times,
                    ),
                )
            )
    told = {
        say("devices whose role says no kind are read as carrying traffic"): [
            not row["kind"] for row in machines
        ],
        say("nodes have no tenant, so that their owner is blank"): [row["owner"] is None for row in nodes],
    }
    for what, rows in told.items():
        if any(rows):
            dump.log.notes.append(Note(dump.file, say("{count:,} {what}", count=sum(rows), what=what)))
    panels = {
        port.get("device")
        for port in dump.rows("dcim.frontport").values()
        if key(port.get("device")) is not None
    }
    if panels:
        what = say(
            "{count:,} devices with front ports are one node each, which joins all cabled to it",
            count=len(panels),
        )
        dump.log.notes.append(Note(dump.file, what))


READER = Reader("netbox", claims=claims, tree=read_tree)
