"""NetBox over its REST API: a dump in the shape of ``manage.py dumpdata``, so that one reader serves both.

pynetbox words the questions and turns the pages; `auditor.sources._netbox_session` asks them.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import orjson
import pynetbox

from auditor.errors import UsageError, said_by
from auditor.language import say
from auditor.sources._netbox_session import TOKEN, VISIBLE, Base, LeftOutError, NetBoxError, Patient, Session

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Mapping

    from auditor.settings import Network

PAGE = 500  # records; NetBox may give fewer
UNREAD = "auditor.unread"  # as the reader knows it
ENDPOINTS = {
    # What the reader reads; nothing of users, contacts, journals or secrets is asked for.
    "dcim.region": "dcim/regions",
    "dcim.sitegroup": "dcim/site_groups",
    "dcim.site": "dcim/sites",
    "dcim.location": "dcim/locations",
    "dcim.rack": "dcim/racks",
    "dcim.manufacturer": "dcim/manufacturers",
    "dcim.devicetype": "dcim/device_types",
    "dcim.devicerole": "dcim/device_roles",
    "dcim.platform": "dcim/platforms",
    "dcim.virtualchassis": "dcim/virtual_chassis",
    "dcim.device": "dcim/devices",
    "dcim.devicebay": "dcim/device_bays",
    "dcim.interface": "dcim/interfaces",
    "dcim.frontport": "dcim/front_ports",
    "dcim.rearport": "dcim/rear_ports",
    "dcim.cable": "dcim/cables",
    "circuits.provider": "circuits/providers",
    "circuits.providernetwork": "circuits/provider_networks",
    "circuits.circuittype": "circuits/circuit_types",
    "circuits.circuit": "circuits/circuits",
    "circuits.circuittermination": "circuits/circuit_terminations",
    "ipam.asn": "ipam/asns",
    "ipam.prefix": "ipam/prefixes",
    "ipam.role": "ipam/roles",
    "ipam.vrf": "ipam/vrfs",
    "ipam.ipaddress": "ipam/ip_addresses",
    "ipam.fhrpgroupassignment": "ipam/fhrp_group_assignments",
    "tenancy.tenant": "tenancy/tenants",
    "virtualization.clustertype": "virtualization/cluster_types",
    "virtualization.cluster": "virtualization/clusters",
    "virtualization.virtualmachine": "virtualization/virtual_machines",
    "virtualization.vminterface": "virtualization/interfaces",
    "wireless.wirelesslink": "wireless/wireless_links",
    "vpn.tunnel": "vpn/tunnels",
    "vpn.tunneltermination": "vpn/tunnel_terminations",
}
WITH_CONTEXT = frozenset({"dcim.device", "virtualization.virtualmachine"})
DROPPED = frozenset(
    # Free text and configurations may hold persons and secrets; the rest repeats what other records say.
    {"comments", "description", "config_context", "local_context_data", "config_template", "display", "url"}
    | {"display_url", "tags", "link_peers", "connected_endpoints", "cable_peer", "connected_endpoint"}
    | {"a_terminations", "b_terminations", "custom_fields", "id", "assigned_object", "termination"}
)


def read_token(environ: Mapping[str, str] = os.environ) -> str:
    """Give the token of the environment, the only place from which one is taken.

    Raises
    ------
    UsageError
        There is none, or one that cannot be sent.

    Examples
    --------
    >>> read_token({"AUDITOR_NETBOX_TOKEN": "0123abcd"})
    '0123abcd'
    """
    token = environ.get(TOKEN, "").strip()
    if not VISIBLE.fullmatch(token):
        what = say("holds characters that no token has") if token else say("is not set")
        raise UsageError(
            say("{name} {what}; set it to a token of NetBox that may read", name=TOKEN, what=what)
        )
    return token


def fetch(
    url: str,
    network: Network,
    *,
    token: str,
    now: Callable[[], dt.datetime],
    sleep: Callable[[float], None],
    clock: Callable[[], float] = time.monotonic,
    tick: Callable[[str], None] = lambda _: None,
) -> bytes:
    """Read what `auditor.readers.netbox` reads of a NetBox, as the JSON of a dump.

    Parameters
    ----------
    url
        Of the NetBox, ``https://netbox.example.cn``, with the path before ``/api/`` if there is one. ``http``
        is spoken with the own host alone.
    network
        Of the settings: `ca_file`, `resolver`, `timeout_s`, `deadline_s` (of one page), `per_second`,
        `longest_wait_s`. `allow_addresses` plays no part: the user names the host.
    token
        As `read_token` gives it.
    now, sleep
        As in `auditor.asking.Tools`.
    clock
        Seconds that only go forward, for deadlines.
    tick
        Called with the name of each endpoint before it is read.

    Returns
    -------
    bytes
        A list of records ``{model, pk, fields}``, by model and key; references are keys. What was not given
        (status 403 or 404, or fewer records than NetBox counts) is a record of model ``auditor.unread``,
        which the reader turns into a note. The bytes are the same for the same answers.

    Raises
    ------
    UsageError
        The URL is none that is asked.
    NetBoxError
        No connection, no trusted certificate, too slow, too long, no NetBox, token refused, another origin.
    """
    base = Base.of(url)
    session = Session(base, Patient(network, now, sleep, clock, scheme=base.scheme))
    api = pynetbox.api(base.url, token=token)
    api.http_session = session
    records: list[dict[str, Any]] = []
    unread: list[tuple[str, str]] = []
    for model, endpoint in ENDPOINTS.items():
        tick(endpoint)
        found: dict[int, Mapping[str, Any]] = {}
        try:
            for record in _rows(api, model, endpoint):
                found[record["id"]] = record
            if len(found) < session.count:
                unread.append(
                    (
                        endpoint,
                        say("{count:,} of {total:,} records came", count=len(found), total=session.count),
                    )
                )
        except LeftOutError as error:
            unread.append((endpoint, said_by(error)))
        records += [one for pk in sorted(found) for one in _dumped(model, found[pk])]
    if not records:
        told = list(dict.fromkeys(reason for _, reason in unread)) or say("every page was empty")
        raise NetBoxError(say("{url} gave no records at all: {reasons}", url=base.url, reasons=told))
    for number, (endpoint, reason) in enumerate(unread, 1):
        fields = {"endpoint": endpoint.replace("_", "-"), "reason": reason}
        records.append({"model": UNREAD, "pk": number, "fields": fields})
    return b"[\n" + b",\n".join(orjson.dumps(record) for record in records) + b"\n]\n"


def _rows(api: Any, model: str, endpoint: str) -> Iterator[Mapping[str, Any]]:
    app, name = endpoint.split("/")
    asked = getattr(getattr(api, app), name)
    if model in WITH_CONTEXT:  # merged configurations: slow to make, and not ours to keep
        yield from asked.filter(exclude="config_context", limit=PAGE).response
    else:
        yield from asked.all(limit=PAGE).response


def _dumped(model: str, record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Give a record of REST as one of a dump; the ends of a cable are records of their own there."""
    fields = {name: _flat(value) for name, value in record.items() if name not in DROPPED}
    custom = record.get("custom_fields")
    if isinstance(custom, dict) and custom:
        fields["custom_field_data"] = {name: _flat(value) for name, value in custom.items()}
    yield {"model": model, "pk": record["id"], "fields": fields}
    if model != "dcim.cable":
        return
    for side in "ab":
        ends = record.get(f"{side}_terminations")
        for number, end in enumerate(ends if isinstance(ends, list) else [], 1):
            if isinstance(end, dict):
                told = {"termination_type": end.get("object_type"), "termination_id": end.get("object_id")}
                made = {"cable": record["id"], "cable_end": side.upper(), **told}
                yield {
                    "model": "dcim.cabletermination",
                    "pk": f"{record['id']}{side}{number}",
                    "fields": made,
                }


def _flat(value: Any) -> Any:
    """Give the key of a record that is nested, the word of a choice, anything else as it is."""
    if isinstance(value, list):
        return [_flat(one) for one in value]
    if isinstance(value, dict):
        return value.get("id", value["value"] if "label" in value and "value" in value else value)
    return value
