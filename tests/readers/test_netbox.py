"""NetBox dumps: places, machines and owners as nodes; circuits, which lead outside, never lost."""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import auditor
from auditor.errors import DeclarationError
from auditor.readers import json_, netbox, read_declaration
from auditor.readers._files import read_json
from auditor.tables import Log

DEMO = Path(__file__).parents[3] / "shared/testdata/netbox-demo-data/netbox-demo-v3.6.json"
INTERFACE, CIRCUIT_END = "dcim.interface", "circuits.circuittermination"
MANY = settings(max_examples=18)
NASTY = st.text(st.characters(codec="utf-8"), max_size=12)


def record(model, pk, /, **fields):
    return {"model": model, "pk": pk, "fields": fields}


def site(pk, slug, **fields):
    return record("dcim.site", pk, name=slug.upper(), slug=slug, status="active", **fields)


def device(pk, name, **fields):
    fields = {"site": 1, "status": "active", "role": None, **fields}
    return record("dcim.device", pk, name=name, **fields)


def interface(pk, of):
    return record(INTERFACE, pk, device=of, name=f"eth{pk}")


def cable(pk, a, b, **fields):
    """A cable as NetBox 3.3 and later dumps it; ends are pairs of type and key."""
    ends = [(side, end) for side, given in (("A", a), ("B", b)) for end in given]
    return [
        record("dcim.cable", pk, **{"type": "", "status": "connected", **fields}),
        *(
            record(
                "dcim.cabletermination",
                pk * 1000 + n,
                cable=pk,
                cable_end=side,
                termination_type=kind.split("."),
                termination_id=at,
            )
            for n, (side, (kind, at)) in enumerate(ends)
        ),
    ]


def circuit(pk, slug="internet", *ends, **fields):
    """A circuit of provider 1; ends are pairs of side and fields of the termination."""
    return [
        record("circuits.circuittype", pk, name=slug, slug=slug),
        record(
            "circuits.circuit",
            pk,
            **{"cid": f"C{pk}", "provider": 1, "type": pk, "status": "active", **fields},
        ),
        *(
            record(CIRCUIT_END, pk * 10 + n, circuit=pk, term_side=side, **given)
            for n, (side, given) in enumerate(ends)
        ),
    ]


PROVIDER = record("circuits.provider", 1, name="中国电信", slug="ct", asns=[])
TWO = [site(1, "sh"), device(1, "a"), device(2, "b"), interface(1, 1), interface(2, 2), PROVIDER]


def flat(*parts):
    return [one for part in parts for one in (part if isinstance(part, list) else [part])]


def parse(*parts):
    log, records = Log(), flat(*parts)
    assert netbox.claims(records)
    return netbox.READER.tree(records, "n.json", log), log


def read(*parts):
    export, log = parse(*parts)
    assert export is not None, log.problems.found
    return stated(export.nodes), stated(export.links), log


def stated(frame):
    rows = frame.table.to_pylist()
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def by_id(rows):
    return {row["id"]: row for row in rows}


def ends(links):
    return [(link["source"], link.get("target"), link.get("kind")) for link in links]


def notes(log):
    return [note.what for note in log.notes]


# Places


def test_places_stand_in_one_another():
    records = [
        site(
            1,
            "sh",
            latitude="31.200000",
            longitude=121.5,
            physical_address="上海市浦东新区\n世纪大道1号",
            region=9,
        ),
        record("dcim.region", 9, name="华东"),
        record("dcim.location", 1, name="Hall", site=1, parent=None, status="active"),
        record("dcim.location", 2, name="Cage", site=1, parent=1, status="planned"),
        record("dcim.rack", 3, name="R1", site=1, location=2, status="deprecated"),
        record("dcim.rack", 4, name="R2", site=1, location=None, status="active"),
        device(1, "in rack", rack=3, location=2),
        device(2, "in cage", location=2),
        device(3, "in site", latitude="31.1", longitude=121.4),
        device(4, "blade"),
        record("dcim.devicebay", 1, device=1, installed_device=4),
    ]
    nodes, _, _ = read(records)
    found = by_id(nodes)
    assert found["site:sh"] == {
        "id": "site:sh",
        "name": "SH",
        "status": "active",
        "netbox_model": "dcim.site",
        "netbox_status": "active",
        "lon": 121.5,
        "lat": "31.200000",
        "region": "华东",
        "address": "上海市浦东新区\n世纪大道1号",
    }
    assert {name: row.get("site") for name, row in found.items()} == {
        "site:sh": None,
        "location:1": "site:sh",
        "location:2": "location:1",
        "rack:3": "location:2",
        "rack:4": "site:sh",
        "in rack": "rack:3",
        "in cage": "location:2",
        "in site": "site:sh",
        "blade": "in rack",
    }
    kinds = {row.get("kind") for name, row in found.items() if name.startswith(("location", "rack"))}
    assert kinds == {"room", "rack"}
    assert (found["in site"]["lon"], found["in site"]["lat"]) == (121.4, "31.1")
    assert (found["location:2"]["status"], found["rack:3"]["status"]) == ("planned", "standby")


def test_no_place_is_made_up_and_no_datum():
    export, _ = parse(TWO)
    assert not {"lon", "lat", "datum", "accuracy_m", "region_code"} & set(export.nodes.table.column_names)


def test_as_numbers():
    nodes, _, _ = read(
        [site(1, "one", asns=[1]), site(2, "old", asn=64500), site(3, "two", asns=[1, 2]), device(1, "a")],
        [record("ipam.asn", 1, asn=4812), record("ipam.asn", 2, asn=4134)],
    )
    found = by_id(nodes)
    assert [found[f"site:{name}"].get("asn") for name in ("one", "old", "two")] == ["4812", "64500", None]
    assert found["site:two"]["asns"] == "4812;4134"


# Machines


def test_names_that_are_repeated_or_missing():
    records = [
        *(site(1, "sh"), site(2, "bj")),
        *(device(1, "rtr"), device(2, "rtr", site=2), device(3, "x"), device(4, "x"), device(5, None)),
        *(device(6, "site:sh"), device(7, " e\u0301 "), device(8, ""), device(9, "sh/rtr")),
        record("virtualization.cluster", 1, name="pool", status="active"),
        record("virtualization.virtualmachine", 1, name="é", cluster=1, status="active"),
        record("virtualization.virtualmachine", 2, name="vm", cluster=1, status="active"),
    ]
    nodes, _, _ = read(records)
    assert [row["id"] for row in nodes if row["netbox_model"] != "dcim.site"][1:] == [
        *(
            "device:1",
            "bj/rtr",
            "device:3",
            "device:4",
            "device:5",
            "sh/site:sh",
            "sh/é",
            "device:8",
            "sh/rtr",
        ),
        *("pool/é", "vm"),
    ]


@pytest.mark.parametrize(
    ("word", "ours"),
    [
        ("active", "active"),
        ("planned", "planned"),
        ("staged", "planned"),
        ("inventory", "planned"),
        ("offline", "standby"),
        ("failed", "standby"),
        ("decommissioning", "standby"),
        ("in-transit", None),
        (1, None),
        (None, None),
    ],
)
def test_status(word, ours):
    nodes, _, log = read(site(1, "sh"), device(1, "a", status=word))
    assert by_id(nodes)["a"].get("status") == ours
    noted = [note for note in notes(log) if note.startswith("status")]
    assert bool(noted) == (word is not None and ours != word)
    if word == "in-transit":
        assert noted == ["status 'in-transit' read as active in 1 rows"]


@pytest.mark.parametrize("field", ["role", "device_role"])  # the latter until NetBox 3.5
def test_roles_and_types_become_columns(field):
    nodes, _, log = read(
        [site(1, "sh"), device(1, "a", **{field: 1}, device_type=1, platform=1, tenant=1)],
        [record("dcim.devicerole", 1, name="Router", slug="router")],
        [record("dcim.devicetype", 1, model="NE40E", manufacturer=1)],
        [record("dcim.manufacturer", 1, name="华为"), record("dcim.platform", 1, name="VRP")],
        record("tenancy.tenant", 1, name="客户甲"),
    )
    assert by_id(nodes)["a"] == {
        "id": "a",
        "name": "a",
        "kind": "router",
        "owner": "客户甲",
        "status": "active",
        "site": "site:sh",
        "netbox_model": "dcim.device",
        "netbox_status": "active",
        "device_role": "router",
        "device_type": "NE40E",
        "manufacturer": "华为",
        "platform": "VRP",
    }
    assert "role 'router' read as kind router in 1 rows" in notes(log)
    assert "1 nodes have no tenant, so that their owner is blank" in notes(log)


def test_a_role_that_says_no_kind_carries_traffic():
    nodes, _, log = read(
        site(1, "sh"), device(1, "a", role=1), record("dcim.devicerole", 1, slug="core-switch")
    )
    assert by_id(nodes)["a"].get("kind") is None
    assert by_id(nodes)["a"]["transit"] is True
    assert "1 devices whose role says no kind are read as carrying traffic" in notes(log)


def test_addresses_of_interfaces():
    nodes, _, log = read(
        TWO,
        record("virtualization.virtualmachine", 1, name="vm", status="active"),
        record("virtualization.vminterface", 7, virtual_machine=1),
        record("ipam.ipaddress", 1, address="192.0.2.1/24", assigned_object_type=["dcim", "interface"], assigned_object_id=1),
        record("ipam.ipaddress", 2, address="2001:db8::1/64", assigned_object_type=INTERFACE, assigned_object_id=1),
        record("ipam.ipaddress", 3, address="192.0.2.3/32", assigned_object_type="virtualization.vminterface", assigned_object_id=7),
        record("ipam.ipaddress", 4, address="192.0.2.4/24", assigned_object_type=5, assigned_object_id=1),
        record("ipam.ipaddress", 5, address="192.0.2.5/24", interface=2),
        record("ipam.ipaddress", 6, address="192.0.2.6/24", assigned_object_type="ipam.fhrpgroup", assigned_object_id=3),
        record("ipam.ipaddress", 8, address="192.0.2.8/24", assigned_object_type=None, assigned_object_id=None),
        record("ipam.fhrpgroupassignment", 1, group=3, interface_type="dcim.interface", interface_id=1),
        record("ipam.fhrpgroupassignment", 2, group=3, interface_type="dcim.interface", interface_id=2),
        record("contenttypes.contenttype", 5, app_label="dcim", model="interface"),
    )  # fmt: skip
    found = by_id(nodes)
    assert found["a"]["ips"] == "192.0.2.1;2001:db8::1;192.0.2.4;192.0.2.6"
    assert (found["b"]["ips"], found["vm"]["ips"]) == ("192.0.2.5;192.0.2.6", "192.0.2.3")
    assert "ipam.ipaddress: 1 addresses" in {unused.what for unused in log.unused}


def test_virtual_machines_stand_where_they_run():
    nodes, _, _ = read(
        TWO,
        record("virtualization.cluster", 1, name="old", site=1, status="active", type=1),
        record("virtualization.cluster", 2, name="new", scope_type=["dcim", "site"], scope_id=1, status="active"),
        record("virtualization.cluster", 3, name="far", scope_type="dcim.region", scope_id=1, status="offline"),
        record("virtualization.clustertype", 1, name="KVM"),
        record("virtualization.virtualmachine", 1, name="on host", cluster=1, device=1, status="active"),
        record("virtualization.virtualmachine", 2, name="in pool", cluster=2, status="active"),
        record("virtualization.virtualmachine", 3, name="at site", site=1, status="active", role=1),
        record("dcim.devicerole", 1, slug="load-balancer"),
    )  # fmt: skip
    found = by_id(nodes)
    assert [found[name].get("site") for name in ("on host", "in pool", "at site")] == [
        "a",
        "cluster:2",
        "site:sh",
    ]
    assert [found[f"cluster:{n}"].get("site") for n in (1, 2, 3)] == ["site:sh", "site:sh", None]
    assert [found[name]["kind"] for name in ("in pool", "at site", "cluster:1")] == [
        *("server", "load_balancer", "cloud_region")
    ]
    assert found["cluster:1"]["cluster_type"] == "KVM"


def test_custom_fields_become_columns_that_a_mapping_can_name(declare):
    records = [
        site(1, "sh", custom_field_data={"经度": 121.5, "纬度": 31.2, "empty": None, "code": "310115"}),
        device(1, "a", custom_field_data={"listed": ["x", "y"], "deep": {"k": [1]}}),
    ]
    nodes, _, _ = read(records)
    assert nodes[0]["cf_code"] == "310115"
    assert (nodes[1]["cf_listed"], nodes[1]["cf_deep"]) == ("x;y", '{"k":[1]}')
    fields = '[network.fields]\n"cf_经度" = "lon"\n"cf_纬度" = "lat"\ncf_code = "region_code"\n'
    root = declare({"declaration.toml": declare.head + fields, "n.json": json.dumps(records)})
    table = read_declaration(root / "n.json", operator=root).nodes.to_pylist()
    assert (table[0]["lon"], table[0]["lat"], table[0]["region_code"]) == (121.5, 31.2, "310115")


def test_too_many_custom_fields():
    export, log = parse(device(1, "a", custom_field_data={f"f{n}": 1 for n in range(501)}))
    assert export is None
    assert "501 custom fields, more than 500" in str(log.problems.found[0])


# Links


def test_a_cable_joins_devices():
    _, links, _ = read(
        TWO, cable(7, [(INTERFACE, 1)], [(INTERFACE, 2)], type="smf-os2", length="1.50", length_unit="km", label="x")
    )  # fmt: skip
    assert links == [
        {
            "source": "a",
            "target": "b",
            "id": "cable:7",
            "kind": "fibre",
            "status": "active",
            "netbox_model": "dcim.cable",
            "netbox_status": "connected",
            "cable_type": "smf-os2",
            "length_m": 1500.0,
            "label": "x",
        }
    ]


def test_cables_until_netbox_3_2_hold_their_ends():
    old = record(
        "dcim.cable",
        1,
        type="cat6",
        status="planned",
        termination_a_type=["dcim", "interface"],
        termination_a_id=1,
        termination_b_type=["dcim", "interface"],
        termination_b_id=2,
    )
    _, [link], _ = read(TWO, old)
    assert (link["source"], link["target"], link["status"]) == ("a", "b", "planned")
    assert "kind" not in link


def test_panels_hand_through_and_fan_out():
    _, links, log = read(
        TWO,
        [device(3, "panel"), record("dcim.frontport", 1, device=3), record("dcim.rearport", 1, device=3)],
        cable(1, [(INTERFACE, 1)], [("dcim.frontport", 1)]),
        cable(2, [("dcim.rearport", 1)], [(INTERFACE, 2), (INTERFACE, 1)], status="decommissioning"),
    )
    assert [(link["id"], link["source"], link["target"], link["status"]) for link in links] == [
        ("cable:1", "a", "panel", "active"),
        ("cable:2", "panel", "b", "standby"),
        ("cable:2#2", "panel", "a", "standby"),
    ]
    assert "1 devices with front ports are one node each, which joins all cabled to it" in notes(log)


def test_power_and_consoles_are_no_links():
    _, links, log = read(
        TWO,
        cable(1, [("dcim.powerport", 1)], [("dcim.poweroutlet", 1)]),
        cable(2, [("dcim.powerport", 2)], [("dcim.powerfeed", 1)]),
        cable(3, [("dcim.consoleport", 1)], [("dcim.consoleserverport", 1)]),
        record("dcim.cable", 4, status="connected"),
    )
    assert links == []
    assert {"2 cables of power", "1 cables of consoles", "1 cables without ends"} <= {
        u.what for u in log.unused
    }


def test_an_end_that_is_not_told_is_a_blank_far_end():
    _, links, log = read(
        TWO,
        cable(1, [(INTERFACE, 1)], [(INTERFACE, 999)]),
        cable(2, [], [(INTERFACE, 2)]),
        cable(3, [(INTERFACE, 998)], [(INTERFACE, 999)]),
        cable(4, [(INTERFACE, 1)], [("plugin.port", 1)]),
    )
    assert ends(links) == [("a", None, None), ("b", None, None), ("a", None, None)]
    assert "1 cables whose ends are not there" in {unused.what for unused in log.unused}
    assert "3 references to dcim.interface lead to no record of the dump: read as blank" in notes(log)


def test_a_cable_of_too_many_pairs_is_refused():
    many = [device(n, f"d{n}") for n in range(10, 80)] + [interface(n, n) for n in range(10, 80)]
    export, log = parse(TWO, many, cable(1, *[[(INTERFACE, n) for n in range(10, 80)]] * 2))
    assert export is None
    assert "cable:1: joins 70 ends with 70; the most are 4,096 pairs" in str(log.problems.found[0])


@pytest.mark.parametrize(
    ("slug", "kind"),
    [
        ("internet", "transit"),
        ("IP-Transit", "transit"),
        ("peering", "peering"),
        ("mpls", "leased_line"),
        ("dark-fiber", "leased_line"),
        ("iplc", "cross_border"),
        ("odd", None),
    ],
)
def test_a_circuit_leads_to_its_provider(slug, kind):
    _, [link], log = read(
        TWO,
        circuit(5, slug, ("Z", {"site": 1}), commit_rate=100_000, tenant=1, install_date="2020-01-02"),
        record("tenancy.tenant", 1, name="客户甲"),
        cable(1, [(CIRCUIT_END, 50)], [(INTERFACE, 1)]),
    )
    assert link.pop("kind", None) == kind
    assert link == {
        "source": "a",
        "target": "provider:ct",
        "id": "circuit:5",
        "owner": "中国电信",
        "supplier": "中国电信",
        "status": "active",
        "netbox_model": "circuits.circuit",
        "netbox_status": "active",
        "cid": "C5",
        "circuit_type": slug,
        "commit_rate": "100000",
        "tenant": "客户甲",
        "terminates_at": "site:sh",
        "install_date": "2020-01-02",
    }
    assert any(note.startswith("1 ends of circuits are the provider's") for note in notes(log))


@pytest.mark.parametrize(
    ("declared", "complete", "verdict"),
    [
        (None, "false", "inconclusive"),
        ("bng,中国电信", "true", "pass"),
        ("pop,中国电信", "true", "fail"),
        ("pop,Nobody", "true", "inconclusive"),
    ],
)
def test_an_uplink_is_judged_by_what_is_said_of_its_far_end(declare, declared, complete, verdict):
    records = flat(
        TWO, circuit(1, "internet", ("Z", {"site": 1})), cable(1, [(CIRCUIT_END, 10)], [(INTERFACE, 1)])
    )
    head = """[[services]]
code = "B14"
regime = "pilot107"
scope = ["shanghai"]
[network]
graph = "n.json"
COMPLETE
[[network.roles]]
where = { id = "a" }
set = { kind = "subscriber" }
""".replace("COMPLETE", f"complete = {complete}" + ('\nnodes = "more.csv"' if declared else ""))
    files = {
        "declaration.toml": "declared_on = 2026-10-01\n" + declare.head + head,
        "n.json": json.dumps(records),
        "more.csv": f"id,kind,owner\nprovider:ct,{declared}\n",
    }
    result = auditor.check(read_declaration(declare(files)), as_of="2026-11-22")
    [found] = [
        row for row in result.findings.rows() if row.rule == "PILOT-ISP-02" and row.subject == "node:a"
    ]
    assert str(found.verdict) == verdict


NETWORK = record("circuits.providernetwork", 3, name="L3VPN", provider=1)


@pytest.mark.parametrize(
    "far",
    [{"provider_network": 3}, {"termination_type": ["circuits", "providernetwork"], "termination_id": 3}],
)  # the latter since NetBox 4.2
def test_a_circuit_into_a_providers_network(far):
    _, links, _ = read(
        [*TWO, NETWORK],
        circuit(1, "mpls", ("A", far), ("Z", {"site": 1})),
        circuit(2, "mpls", ("A", far), ("Z", {"site": 1})),
        cable(1, [(CIRCUIT_END, 11)], [(INTERFACE, 1)]),
        cable(2, [(INTERFACE, 2)], [(CIRCUIT_END, 21)]),
    )
    assert ends(links) == [(name, "provider:ct/L3VPN", "leased_line") for name in "ab"]


def test_a_circuit_between_two_devices_and_one_without_cables():
    _, links, log = read(
        TWO,
        circuit(1, "p2p", ("A", {"site": 1}), ("Z", {"site": 1})),
        circuit(2, "p2p", ("A", {"site": 1}), ("Z", {"termination_type": "dcim.site", "termination_id": 1})),
        circuit(3, "p2p"),
        cable(1, [(CIRCUIT_END, 10)], [(INTERFACE, 1)]),
        cable(2, [(CIRCUIT_END, 11)], [(INTERFACE, 2)]),
    )
    assert ends(links) == [("a", "b", "leased_line"), ("circuit:2:A", "circuit:2:Z", "leased_line")]
    assert links[1]["terminates_at"] == "site:sh;site:sh"
    assert "1 circuits that end nowhere" in {unused.what for unused in log.unused}
    assert any(note.startswith("2 ends of circuits stand at a site without a cable") for note in notes(log))


def test_two_circuits_patched_into_one_another_meet():
    _, links, _ = read(
        TWO,
        circuit(1, "p2p", ("A", {"site": 1}), ("Z", {"site": 1})),
        circuit(2, "internet", ("A", {"site": 1})),
        cable(1, [(CIRCUIT_END, 10)], [(INTERFACE, 1)]),
        cable(2, [(CIRCUIT_END, 11)], [(CIRCUIT_END, 20)]),
    )
    assert ends(links) == [("a", "cable:2", "leased_line"), ("cable:2", "provider:ct", "transit")]


@pytest.mark.parametrize(
    ("of_circuit", "of_cable", "ours"),
    [
        ("active", "connected", "active"),
        ("active", "planned", "planned"),
        ("decommissioned", "connected", "retired"),
        ("offline", "connected", "standby"),
        ("provisioning", "decommissioning", "planned"),
    ],
)
def test_a_circuit_serves_as_its_cables_do(of_circuit, of_cable, ours):
    _, [link], _ = read(
        TWO,
        circuit(1, "internet", ("Z", {"site": 1}), status=of_circuit),
        cable(1, [(CIRCUIT_END, 10)], [(INTERFACE, 1)], status=of_cable),
    )
    assert link["status"] == ours


def test_wireless_links_tunnels_and_stacks():
    _, links, log = read(
        [*TWO, device(3, "c", virtual_chassis=1), device(4, "d", virtual_chassis=1), device(5, "e", virtual_chassis=1)],
        [interface(3, 3), record("dcim.virtualchassis", 1, master=4)],
        record("wireless.wirelesslink", 1, interface_a=1, interface_b=2, status="connected", ssid="x"),
        record("vpn.tunnel", 1, name="hub and spokes", status="active"),
        record("vpn.tunnel", 2, name="outward", status="disabled"),
        record("vpn.tunneltermination", 1, tunnel=1, role="spoke", termination_type=INTERFACE, termination_id=1),
        record("vpn.tunneltermination", 2, tunnel=1, role="hub", termination_type=INTERFACE, termination_id=2),
        record("vpn.tunneltermination", 3, tunnel=1, role="spoke", termination_type=INTERFACE, termination_id=3),
        record("vpn.tunneltermination", 4, tunnel=2, role="peer", termination_type=INTERFACE, termination_id=3),
        record("vpn.l2vpn", 1, name="l2"),
    )  # fmt: skip
    assert ends(links) == [
        *(("a", "b", "radio"), ("b", "a", "tunnel"), ("b", "c", "tunnel"), ("c", None, "tunnel")),
        *(("d", "c", None), ("d", "e", None)),
    ]
    assert [link["id"] for link in links] == [
        *("wireless:1", "tunnel:1", "tunnel:1#2", "tunnel:2", "stack:1", "stack:1#2")
    ]
    assert "vpn.l2vpn: 1 records" in {unused.what for unused in log.unused}


# What is not read


def test_persons_are_counted_and_not_kept():
    secret = "张三 13800138000"  # noqa: S105
    export, log = parse(
        TWO,
        record("tenancy.contact", 1, name=secret),
        record("users.token", 1, key=secret),
        record("auth.user", 1, username=secret),
        record("extras.journalentry", 1, comments=secret),
        device(9, "z", comments=secret, description=secret, local_context_data={"k": secret}),
    )
    told = {unused.what: unused.why for unused in log.unused}
    for model in ("tenancy.contact", "users.token", "auth.user", "extras.journalentry"):
        assert told[f"{model}: 1 records"] == "of persons or their doings; not kept"
    assert "comments (1), description (1), local_context_data (1)" in next(
        what for what in told if what.startswith("dcim.device:")
    )
    kept = json.dumps([export.nodes.table.to_pylist(), export.links.table.to_pylist()], ensure_ascii=False)
    assert secret not in kept + str(log)


def test_a_partial_read_is_said_loudly():
    _, _, log = read(
        TWO, record("auditor.unread", 1, endpoint="circuits/circuits", reason="403: no permission")
    )
    assert (
        "NetBox did not give circuits/circuits (403: no permission): what it holds is missing here, so that "
        "nothing says the network is complete" in notes(log)
    )


def test_what_is_wrong_is_told_all_at_once():
    wrong = [7, {"model": "dcim.site"}, record("dcim.site", None), record("dcim.site", [1]), site(1, "again")]
    export, log = parse(TWO, wrong)
    assert export is None
    assert [str(problem).partition("; ")[0] for problem in log.problems.found] == [
        "n.json, record 7: is no record of a dump",
        "n.json, record 8: is no record of a dump",
        "n.json, record 9, pk: 'dcim.site' has no key",
        "n.json, record 10, pk: 'dcim.site' has no key",
        "n.json, record 11, pk: 'dcim.site' 1 is there twice".replace(" 1 ", " '1' "),
    ]


@pytest.mark.parametrize(
    "tree",
    [
        [],
        {"model": "dcim.site", "fields": {}},
        [{"model": "auth.user", "pk": 1, "fields": {}}],
        [{"model": "dcim.site", "pk": 1}],
        [{"model": 7, "fields": {}}],
        ["dcim.site"],
    ],
)
def test_other_lists_are_not_claimed(tree):
    assert not netbox.claims(tree)


def test_a_loop_of_locations_is_a_problem(declare):
    records = [
        record("dcim.location", 1, name="x", parent=2, status="active"),
        record("dcim.location", 2, name="y", parent=1, status="active"),
    ]
    root = declare({"declaration.toml": declare.head, "n.json": json.dumps(records)})
    with pytest.raises(DeclarationError, match="leads back to the node itself"):
        read_declaration(root / "n.json", operator=root)


@MANY
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 3), NASTY), max_size=12))
def test_ids_are_distinct_whatever_the_names(machines):
    records = [site(n, f"s{n}") for n in (1, 2, 3)]
    for pk, (virtual, place, name) in enumerate(machines):
        made = record("virtualization.virtualmachine", pk, name=name, site=place, status="active")
        records.append(made if virtual else device(pk, name, site=place))
    nodes, _, _ = read(records)
    assert max(Counter(node["id"].strip() for node in nodes).values()) == 1
    assert len(nodes) == 3 + len(machines)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 80) | st.floats(allow_nan=False) | NASTY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NASTY, inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=36)
@given(st.integers(0, 10**6), st.lists(VALUES, min_size=1, max_size=6))
def test_any_value_anywhere_raises_nothing(seed, values):
    rng = random.Random(seed)  # noqa: S311
    records = copy.deepcopy(EVERYTHING)
    for value in values:
        target = rng.choice(records)
        if rng.random() < 0.8 and target["fields"]:
            target["fields"][rng.choice(list(target["fields"]))] = value
        else:
            target[rng.choice(["model", "pk", "fields"])] = value
            target["fields"] = target["fields"] if isinstance(target["fields"], dict) else {}
    log = Log()
    export = netbox.READER.tree(records, "n.json", log)
    assert (export is None) == bool(log.problems.found)


EVERYTHING = flat(
    TWO,
    NETWORK,
    circuit(1, "mpls", ("A", {"provider_network": 3}), ("Z", {"site": 1, "termination_type": "dcim.site"})),
    circuit(2, "internet", ("A", {"termination_type": ["circuits", "providernetwork"], "termination_id": 3})),
    cable(1, [(CIRCUIT_END, 11)], [(INTERFACE, 1)], length=1, length_unit="m"),
    cable(2, [(CIRCUIT_END, 20)], [(CIRCUIT_END, 10), (INTERFACE, 2)]),
    cable(3, [(INTERFACE, 1)], [(INTERFACE, 2)]),
    record("dcim.location", 1, name="x", parent=None, site=1, status="active"),
    record("dcim.rack", 1, name="x", location=1, site=1, status="active", custom_field_data={"a": 1}),
    device(
        3,
        "c",
        rack=1,
        location=1,
        tenant=1,
        device_type=1,
        role=1,
        primary_ip4=1,
        virtual_chassis=1,
        cluster=1,
    ),
    device(4, "c", virtual_chassis=1),
    record("dcim.devicebay", 1, device=3, installed_device=4),
    record("dcim.devicerole", 1, slug="router"),
    record("dcim.devicetype", 1, model="x", manufacturer=1),
    record("dcim.virtualchassis", 1, master=3),
    record("ipam.asn", 1, asn=64500),
    record("tenancy.tenant", 1, name="t"),
    record("virtualization.cluster", 1, name="k", scope_type="dcim.site", scope_id=1, status="active"),
    record("virtualization.virtualmachine", 1, name="v", cluster=1, device=1, site=1, status="active"),
    record("virtualization.vminterface", 1, virtual_machine=1),
    record(
        "ipam.ipaddress",
        1,
        address="192.0.2.1/24",
        assigned_object_type="ipam.fhrpgroup",
        assigned_object_id=1,
    ),
    record("ipam.fhrpgroupassignment", 1, group=1, interface_type="dcim.interface", interface_id=1),
    record("wireless.wirelesslink", 1, interface_a=1, interface_b=2, status="connected"),
    record("vpn.tunnel", 1, name="t", status="active"),
    record("vpn.tunneltermination", 1, tunnel=1, role="hub", termination_type=INTERFACE, termination_id=1),
    record("vpn.tunneltermination", 2, tunnel=1, role="spoke", termination_type=INTERFACE, termination_id=2),
    record("contenttypes.contenttype", 5, app_label="dcim", model="interface"),
    record("auditor.unread", 1, endpoint="x", reason="y"),
)


# The demo of the NetBox community


@pytest.fixture
def demo(declare):
    if not DEMO.is_file():
        pytest.skip("no ../shared folder")

    def reader(more=""):
        root = declare({"declaration.toml": declare.head + more})
        return read_declaration(DEMO, operator=root)

    return reader


@pytest.mark.shared
def test_the_demo_reads_whole(demo):
    declaration = demo()
    nodes, links = declaration.nodes.to_pylist(), declaration.links.to_pylist()
    assert Counter((node["netbox_model"], node["kind"]) for node in nodes) == {
        ("dcim.site", "other"): 24,
        ("dcim.location", "room"): 4,
        ("dcim.rack", "rack"): 42,
        ("dcim.device", "router"): 13,
        ("dcim.device", "access_switch"): 13,
        ("dcim.device", "server"): 1,
        ("dcim.device", "other"): 45,
        ("virtualization.cluster", "cloud_region"): 32,
        ("virtualization.virtualmachine", "server"): 180,
    }
    assert Counter((link["netbox_model"], link["kind"]) for link in links) == {
        ("dcim.cable", None): 50,
        ("circuits.circuit", "leased_line"): 16,
        ("circuits.circuit", "transit"): 13,
        ("dcim.virtualchassis", None): 4,
    }
    assert declaration.undeclared.to_pylist() == ["provider:level-3/Level3 MPLS", "provider:centurylink"]
    assert "26 cables of power" in {unused.what for unused in declaration.unused}


@pytest.mark.shared
def test_the_demo_has_no_place_and_passes_no_rule_on_place(demo):
    services = '[[services]]\ncode = "B11"\nregime = "pilot107"\nscope = ["shanghai"]\n'
    everything = '[network]\n[[network.roles]]\nwhere = { owner = "*" }\nset = { owner = "operator" }\n'
    declaration = demo(services + everything)
    assert declaration.nodes.column("lon").null_count == declaration.nodes.num_rows
    result = auditor.check(declaration, as_of="2026-11-22")
    found = Counter((row.rule, str(row.verdict)) for row in result.findings.rows())
    assert found["PILOT-FAC-01", "inconclusive"] > 300  # nodes; the operator besides
    for rule in ("PILOT-FAC-01", "PILOT-FAC-02", "PILOT-ISP-02", "PILOT-ISP-06"):
        assert {verdict for name, verdict in found if name == rule} <= {"inconclusive", "not_applicable"}


@pytest.mark.shared
def test_the_demo_stated_complete_must_say_what_providers_hold(demo):
    with pytest.raises(DeclarationError, match="'provider:centurylink' is no declared node"):
        demo("[network]\ncomplete = true\n")


@pytest.mark.shared
def test_bytes_that_are_damaged_raise_nothing():
    if not DEMO.is_file():
        pytest.skip("no ../shared folder")
    records = read_json(DEMO.read_bytes(), "n.json", Log())
    few = {record["model"]: record for record in records}  # one of each model
    sample, rng = json.dumps(list(few.values())).encode(), random.Random(7)  # noqa: S311
    for _ in range(300):
        data = bytearray(sample)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(data))
            data[at : at + rng.randint(0, 3)] = rng.randbytes(rng.randint(0, 3))
        log = Log()
        assert json_.parse(bytes(data), "n.json", log) is not None or log.problems.found
