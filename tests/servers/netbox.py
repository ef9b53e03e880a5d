"""A NetBox on loopback: serves the records of a dump in the shape of its REST API, by HTTPS or plain HTTP.

    with NetBox(records) as netbox:
        netbox.url()                              # https://localhost:PORT
        netbox.routes.held["/api/dcim/sites/"] = Sent(403)      # whatever the query says

Pages have at most `most` records, and `next` links as NetBox writes them. What `tests.servers.rdap` says of
routes goes for `held`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

from tests.servers.rdap import HttpsServer

if TYPE_CHECKING:
    import socket

HOST = "localhost"
PATHS = {
    "dcim.sitegroup": "dcim/site-groups",
    "dcim.devicetype": "dcim/device-types",
    "dcim.devicerole": "dcim/device-roles",
    "dcim.virtualchassis": "dcim/virtual-chassis",
    "dcim.devicebay": "dcim/device-bays",
    "dcim.frontport": "dcim/front-ports",
    "dcim.rearport": "dcim/rear-ports",
    "circuits.providernetwork": "circuits/provider-networks",
    "circuits.circuittype": "circuits/circuit-types",
    "circuits.circuittermination": "circuits/circuit-terminations",
    "ipam.prefix": "ipam/prefixes",
    "ipam.ipaddress": "ipam/ip-addresses",
    "ipam.fhrpgroupassignment": "ipam/fhrp-group-assignments",
    "virtualization.clustertype": "virtualization/cluster-types",
    "virtualization.virtualmachine": "virtualization/virtual-machines",
    "virtualization.vminterface": "virtualization/interfaces",
    "wireless.wirelesslink": "wireless/wireless-links",
    "vpn.tunneltermination": "vpn/tunnel-terminations",
}  # others are app/models
NESTED = {
    *("region", "group", "tenant", "location", "rack", "device_type", "platform", "manufacturer", "provider"),
    *(
        "provider_network",
        "circuit",
        "cable",
        "device",
        "cluster",
        "parent",
        "primary_ip4",
        "primary_ip6",
        "site",
    ),
    *(
        "virtual_chassis",
        "master",
        "installed_device",
        "virtual_machine",
        "rir",
        "rear_port",
        "lag",
        "module",
    ),
    *("interface_a", "interface_b", "tunnel", "role", "device_role", "vrf", "vlan"),
}
CHOICES = {"status", "face", "airflow", "length_unit", "type", "weight_unit", "mode", "subdevice_role"}


def path_of(model: str) -> str:
    app, _, name = model.partition(".")
    return f"/api/{PATHS.get(model, f'{app}/{name}s')}/"


class Routes:
    """Pages of the records by path, unless `held` has something else for it."""

    def __init__(self, owner: NetBox, records: list[dict[str, Any]], most: int) -> None:
        self.owner, self.most = owner, most
        self.held: dict[str, Any] = {}
        self.tables: dict[str, list[dict[str, Any]]] = {}
        ends: dict[tuple[int, str], list[dict[str, Any]]] = {}
        for record in records:
            fields = record["fields"]
            if record["model"] == "dcim.cabletermination":
                kind = ".".join(fields["termination_type"])
                end = {
                    "object_type": kind,
                    "object_id": fields["termination_id"],
                    "object": {"id": 1, "url": "x"},
                }
                ends.setdefault((fields["cable"], fields["cable_end"]), []).append(end)
        for record in records:
            path = path_of(record["model"])
            row = _row(record)
            if record["model"] == "dcim.cable":
                row |= {f"{s.lower()}_terminations": ends.get((record["pk"], s), []) for s in "AB"}
            self.tables.setdefault(path, []).append(row)

    def get(self, target: str, absent: Any) -> Any:
        parts = urlsplit(target)
        for path in (target, parts.path):
            if path in self.held:
                return self.held[path]
        if parts.path not in self.tables:
            return absent
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        rows = self.tables[parts.path]
        limit = min(int(query.get("limit") or 50), self.most)
        start = int(query.get("offset", 0))
        more = f"?limit={limit}&offset={start + limit}" if start + limit < len(rows) else None
        following = None if more is None else self.owner.url(parts.path + more)
        return {
            "count": len(rows),
            "next": following,
            "previous": None,
            "results": rows[start : start + limit],
        }


def _row(record: dict[str, Any]) -> dict[str, Any]:
    fields, model = dict(record["fields"]), record["model"]
    row: dict[str, Any] = {"id": record.get("pk"), "url": "https://elsewhere.test/x/", "display": "x"}
    custom = fields.pop("custom_field_data", {})
    for name, value in fields.items():
        if name.startswith("_"):
            continue
        if name == "type" and model in {"circuits.circuit", "virtualization.cluster"}:
            row[name] = _nested(value)
        elif name in CHOICES:
            row[name] = {"value": value, "label": str(value).title()} if value else None
        elif name in NESTED:
            row[name] = _nested(value)
        elif name == "asns":
            row[name] = [_nested(one) for one in value]
        elif name.endswith("_type") and isinstance(value, list):
            row[name] = ".".join(value)
        else:
            row[name] = value
    return {
        **row,
        "custom_fields": custom,
        "tags": [{"id": 1, "name": "t"}],
        "config_context": {"secret": "x"},
    }


def _nested(value: Any) -> Any:
    return (
        None
        if value is None
        else {"id": value, "url": "https://elsewhere.test/x/", "display": "x", "name": "x"}
    )


class NetBox(HttpsServer):
    """The server; with `scheme` http it speaks without TLS."""

    def __init__(self, records: list[dict[str, Any]], *, most: int = 1000, scheme: str = "https") -> None:
        super().__init__(Routes(self, records, most), host=HOST)  # type: ignore[arg-type]
        self.scheme = scheme

    def url(self, path: str = "") -> str:
        return f"{self.scheme}://{self.host}:{self.port}{path}"

    def __enter__(self) -> Self:
        super().__enter__()
        if self.scheme == "http":
            self._context = _NoTls()
        return self


class _NoTls:
    """Stands in for a TLS context: the channel is the socket itself."""

    def wrap_socket(self, plain: socket.socket, *, server_side: bool) -> Any:
        del server_side
        return plain
