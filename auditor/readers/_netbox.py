"""A dump of NetBox as tables by model: of every record only the fields that are read, all else counted."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from auditor.language import say
from auditor.problems import Origin, quote
from auditor.tables import Note, Unused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditor.tables import Log

    Key: TypeAlias = int | str
    Fields: TypeAlias = Mapping[str, Any]
    At: TypeAlias = tuple[str, Key]  # model and key of a record
    Ids: TypeAlias = dict[At, str]

DEVICE, MACHINE = "dcim.device", "virtualization.virtualmachine"
SITE, LOCATION, RACK, CLUSTER = "dcim.site", "dcim.location", "dcim.rack", "virtualization.cluster"
TAKEN = frozenset({"site", "location", "rack", "cluster", "device", "vm", "provider", "circuit", "cable"})
PORTS = {
    **dict.fromkeys(("dcim.interface", "dcim.frontport", "dcim.rearport"), (DEVICE, "device")),
    "virtualization.vminterface": (MACHINE, "virtual_machine"),
}
CUSTOM = "custom_field_data"
UNREAD = "auditor.unread"  # what `auditor.sources._netbox` puts in the place of a model that it did not get
MOST_CUSTOM = 500  # distinct custom fields; each becomes a column
READ = {
    model: frozenset(fields.split())
    for model, fields in {
        "contenttypes.contenttype": "app_label model",
        "dcim.region": "name",
        "dcim.sitegroup": "name",
        "dcim.site": "name slug status region group tenant facility physical_address latitude longitude asn"
        " asns",
        "dcim.location": "name site parent status tenant",
        "dcim.rack": "name site location status tenant",
        "dcim.device": "name site location rack tenant role device_role device_type platform status latitude"
        " longitude primary_ip4 primary_ip6 oob_ip cluster virtual_chassis",
        "dcim.devicebay": "device installed_device",
        "dcim.devicerole": "slug",
        "dcim.devicetype": "model manufacturer",
        "dcim.manufacturer": "name",
        "dcim.platform": "name",
        "dcim.interface": "device",
        "dcim.frontport": "device",
        "dcim.rearport": "device",
        "dcim.cable": "type status label length length_unit termination_a_type termination_a_id"
        " termination_b_type termination_b_id",
        "dcim.cabletermination": "cable cable_end termination_type termination_id",
        "dcim.virtualchassis": "master",
        "circuits.provider": "name slug asn asns",
        "circuits.providernetwork": "name provider",
        "circuits.circuit": "cid provider type status tenant commit_rate install_date termination_date",
        "circuits.circuittype": "slug",
        "circuits.circuittermination": "circuit term_side site provider_network termination_type"
        " termination_id",
        "ipam.asn": "asn",
        "ipam.prefix": "prefix site scope_type scope_id role status tenant vrf",
        "ipam.role": "name",
        "ipam.vrf": "name",
        "ipam.ipaddress": "address assigned_object_type assigned_object_id interface",
        "ipam.fhrpgroupassignment": "group interface_type interface_id",
        "tenancy.tenant": "name",
        "virtualization.cluster": "name type tenant site scope_type scope_id status",
        "virtualization.clustertype": "name",
        "virtualization.virtualmachine": "name status site cluster device tenant role platform primary_ip4"
        " primary_ip6",
        "virtualization.vminterface": "virtual_machine",
        "wireless.wirelesslink": "interface_a interface_b status ssid",
        "vpn.tunnel": "name status encapsulation",
        "vpn.tunneltermination": "tunnel role termination_type termination_id",
        UNREAD: "endpoint reason",
    }.items()
}
WITH_CUSTOM = frozenset(
    {"dcim.site", "dcim.location", "dcim.rack", "dcim.device", "circuits.circuit"}
    | {"virtualization.cluster", "virtualization.virtualmachine"}
)
HOUSEKEEPING = frozenset({"created", "last_updated"})
PERSONAL = ("users.", "auth.", "sessions.", "admin.", "account.", "social_django.")
PERSONAL_MODELS = frozenset(
    {"tenancy.contact", "tenancy.contactassignment", "extras.journalentry", "extras.objectchange"}
    | {"core.objectchange", "extras.imageattachment", "extras.bookmark", "core.job", "extras.report"}
)
WHY = {
    "dcim.consoleport": say("consoles carry no traffic"),
    "dcim.consoleserverport": say("consoles carry no traffic"),
    "dcim.powerport": say("power carries no traffic"),
    "dcim.poweroutlet": say("power carries no traffic"),
    "dcim.powerfeed": say("power carries no traffic"),
    "dcim.cablepath": say("NetBox makes it of the cables, which are read"),
    "circuits.virtualcircuit": say("it rides on circuits, which are read"),
    "vpn.l2vpn": say("it rides on links, which are read"),
    "ipam.l2vpn": say("it rides on links, which are read"),
}
STATUS = {
    # What stands and may come back without a further declaration counts (standby): an offline or failed
    # device, and one that is being taken away. A mapping that knows better sets status by netbox_status.
    **dict.fromkeys(("active", "connected"), "active"),
    **dict.fromkeys(("offline", "failed", "decommissioning", "deprovisioning", "deprecated"), "standby"),
    **dict.fromkeys(("available", "reserved", "disabled", "paused"), "standby"),
    **dict.fromkeys(("planned", "staged", "staging", "inventory", "provisioning"), "planned"),
    **dict.fromkeys(("retired", "decommissioned"), "retired"),
}
RANK = {None: 0, "active": 0, "standby": 1, "planned": 2, "retired": 3}


def text(value: Any) -> str | None:
    """Give text as names are compared, numbers as they are written, nothing for all else."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value).strip() or None
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def key(value: Any) -> Key | None:
    """Give a reference that can be one: a number or a text."""
    return value if isinstance(value, str | int) and not isinstance(value, bool) else None


@dataclass
class Dump:
    """The records that are read, by model and primary key.

    Parameters
    ----------
    file
        Names the file in messages.
    log
        Gets problems, notes and what is not used.
    """

    file: str
    log: Log
    tables: dict[str, dict[Key, Fields]] = field(default_factory=dict)
    _types: dict[Any, str] = field(default_factory=dict)
    _statuses: Counter[tuple[str, str]] = field(default_factory=Counter)
    _lost: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, records: list[Any], file: str, log: Log) -> Dump:
        """Sort records by model; what is none, has no key, or the key of another, is a problem."""
        dump = cls(file, log)
        origin = Origin.of(file, np.arange(1, len(records) + 1), "record")
        faults: dict[str, list[int]] = {"none": [], "key": [], "twice": []}
        others: Counter[str] = Counter()
        left: dict[str, Counter[str]] = {model: Counter() for model in READ}
        for at, record in enumerate(records):
            if not _is_record(record):
                faults["none"].append(at)
                continue
            model = record["model"].lower()
            if model not in READ:
                others[model] += 1
                continue
            pk = key(record.get("pk"))
            if pk is None and model == "contenttypes.contenttype":  # named by their words instead
                continue
            table = dump.tables.setdefault(model, {})
            if pk is None or pk in table:
                faults["key" if pk is None else "twice"].append(at)
                continue
            table[pk] = _kept(model, record["fields"], left[model])
        _report(faults, records, origin, log)
        dump._list_unused(others, left)
        types = dump.rows("contenttypes.contenttype")
        dump._types = {pk: f"{row.get('app_label')}.{row.get('model')}" for pk, row in types.items()}
        return dump

    def rows(self, model: str) -> dict[Key, Fields]:
        """Fields of the records of a model, by key."""
        return self.tables.get(model, {})

    def find(self, model: str, reference: Any) -> Fields:
        """Fields of the record that a field refers to; no fields where it refers to none."""
        pk = key(reference)
        row = None if pk is None else self.rows(model).get(pk)
        if row is None and pk is not None:
            self._lost[model] += 1
        return row or {}

    def named(self, model: str, reference: Any, name: str = "name") -> str | None:
        """One field of what a field refers to, as text."""
        return text(self.find(model, reference).get(name))

    def type_of(self, value: Any) -> str:
        """Give a content type as ``app.model``, whether it is so written, or as two words, or as a number."""
        if isinstance(value, list):
            value = ".".join(word for word in value if isinstance(word, str))
        return value.lower() if isinstance(value, str) else self._types.get(key(value), "")

    def status(self, value: Any) -> str | None:
        """Read a status; a word that is not known leaves it blank, so that the row counts."""
        word = (text(value) or "").lower()
        ours = STATUS.get(word)
        if word and ours != word:
            self._statuses[word, ours or "active"] += 1
        return ours

    def asns(self, row: Fields) -> list[str]:
        """AS numbers of a site or provider: one number of its own, or references to several."""
        listed = row.get("asns")
        found = [self.named("ipam.asn", one, "asn") for one in listed] if isinstance(listed, list) else []
        return [number for number in (text(row.get("asn")), *found) if number]

    def tell(self) -> None:
        """Note what was found while reading: doubtful words, references that lead nowhere, models not got."""
        for (word, ours), times in sorted(self._statuses.items()):
            self.log.notes.append(
                Note(
                    self.file,
                    say(
                        "status {value} read as {status} in {count:,} rows",
                        value=quote(word),
                        status=ours,
                        count=times,
                    ),
                )
            )
        for model, times in sorted(self._lost.items()):
            what = say(
                "{count:,} references to {model} lead to no record of the dump: read as blank",
                count=times,
                model=model,
            )
            self.log.notes.append(Note(self.file, what))
        for row in self.rows(UNREAD).values():
            what = say(
                "NetBox did not give {endpoint} ({reason}): what it holds is missing here, so that nothing "
                "says the network is complete",
                endpoint=text(row.get("endpoint")),
                reason=text(row.get("reason")),
            )
            self.log.notes.append(Note(self.file, what))

    def _list_unused(self, others: Counter[str], left: dict[str, Counter[str]]) -> None:
        for model, times in sorted(others.items()):
            personal = model.startswith(PERSONAL) or model in PERSONAL_MODELS
            why = (
                say("of persons or their doings; not kept")
                if personal
                else WHY.get(model, say("no rule reads it"))
            )
            self.log.unused.append(
                Unused(
                    self.file, say("{model}: {count:,} records", model=quote(model)[1:-1], count=times), why
                )
            )
        for model, fields in sorted(left.items()):
            if fields:
                listed = [f"{quote(name)[1:-1]} ({times:,})" for name, times in sorted(fields.items())]
                what = say("{model}: {fields}", model=model, fields=listed)
                self.log.unused.append(Unused(self.file, what, say("fields that no rule reads")))


def _is_record(record: Any) -> bool:
    return (
        isinstance(record, dict)
        and isinstance(record.get("model"), str)
        and isinstance(record.get("fields"), dict)
    )


def _kept(model: str, fields: Fields, left: Counter[str]) -> Fields:
    """Keep the fields that are read; count the others that say something."""
    kept = {name: value for name, value in fields.items() if name in READ[model]}
    custom = fields.get(CUSTOM)
    if model in WITH_CUSTOM and isinstance(custom, dict):
        kept[CUSTOM] = custom
    left.update(
        name
        for name, value in fields.items()
        if name not in kept
        and name not in HOUSEKEEPING
        and not name.startswith("_")
        and value not in (None, "", [], {})
    )
    return kept


def _report(faults: dict[str, list[int]], records: list[Any], origin: Origin, log: Log) -> None:
    def model(row: int) -> str:
        return quote(records[row]["model"])

    told = (
        ("none", "", lambda _: say("is no record of a dump"), say("each has model, pk and fields")),
        (
            "key",
            "pk",
            lambda row: say("{model} has no key", model=model(row)),
            say("dump without --natural-primary"),
        ),
        (
            "twice",
            "pk",
            lambda row: say("{value} is there twice", value=f"{model(row)} {quote(records[row]['pk'])}"),
            say("dump it anew"),
        ),
    )
    for fault, column, what, hint in told:
        log.problems.rows(origin, np.array(faults[fault], np.int64), column, what, hint)


def worst(statuses: Iterable[str | None]) -> str | None:
    """Give the status of what needs all of several parts.

    Examples
    --------
    >>> worst(["active", None]), worst(["standby", "planned"])
    ('active', 'planned')
    """
    return max(statuses, key=lambda status: (RANK[status], status is not None), default=None)


def custom_fields(row: Fields) -> dict[str, Any]:
    """Give the custom fields of a record as columns of their own."""
    return {
        f"cf_{name}": value for name, value in row.get(CUSTOM, {}).items() if value not in (None, "", [], {})
    }


def machine_ids(dump: Dump) -> Ids:
    """Ids of devices and virtual machines: the name, where it is repeated ``site/name``, else the key.

    NetBox keeps names apart only within a site and tenant, or a cluster, and devices may have none.
    """
    short: dict[tuple[str, Key], str | None] = {}
    longer: dict[tuple[str, Key], str | None] = {}
    for model, above in ((DEVICE, SITE), (MACHINE, CLUSTER)):
        for pk, row in dump.rows(model).items():
            name = text(row.get("name"))
            place = dump.find(above, row.get(above.partition(".")[2]))
            place_name = text(place.get("slug")) or text(place.get("name"))
            short[model, pk] = name
            longer[model, pk] = f"{place_name}/{name}" if name and place_name else None
    count, count_longer = Counter(short.values()), Counter(longer.values())
    ids: Ids = {}
    for at, name in short.items():
        path = longer[at]
        if count[name] == 1 and _is_free(name):
            ids[at] = str(name)
        elif count_longer[path] == 1 and path not in count and _is_free(path):
            ids[at] = str(path)
        else:
            ids[at] = f"{'device' if at[0] == DEVICE else 'vm'}:{at[1]}"
    return ids


def _is_free(name: str | None) -> bool:
    before, colon, _ = (name or "").partition(":")
    return name is not None and not (colon and before.lower() in TAKEN)


def place_id(dump: Dump, model: str, reference: Any) -> str | None:
    """Id of a site, location, rack or cluster that is there."""
    row, pk = dump.find(model, reference), key(reference)
    if pk not in dump.rows(model):
        return None
    return f"{model.partition('.')[2]}:{(model == SITE and text(row.get('slug'))) or pk}"


def addresses(dump: Dump, ids: Ids) -> dict[At, dict[str, None]]:
    """Addresses of each device and virtual machine, without the mask that NetBox writes behind them."""
    found: dict[At, dict[str, None]] = {at: {} for at in ids}
    groups, loose = _groups(dump, ids), 0
    for row in dump.rows("ipam.ipaddress").values():
        kind, reference = row.get("assigned_object_type"), row.get("assigned_object_id")
        if key(row.get("interface")) is not None:  # until 2.8
            kind, reference = "dcim.interface", row.get("interface")
        holder = holder_of(dump, ids, kind, reference)
        in_group = dump.type_of(kind) == "ipam.fhrpgroup"
        holders = groups.get(key(reference), []) if in_group else [holder] if holder else []
        loose += not holders
        for at in holders:
            found[at][_address(row)] = None
    for at, held in found.items():
        machine = dump.rows(at[0])[at[1]]
        primary = (machine.get(name) for name in ("primary_ip4", "primary_ip6", "oob_ip"))
        held.update(dict.fromkeys(_address(dump.find("ipam.ipaddress", one)) for one in primary))
        held.pop("", None)
    if loose:
        what = say("ipam.ipaddress: {count:,} addresses", count=loose)
        dump.log.unused.append(Unused(dump.file, what, say("assigned to no device and no virtual machine")))
    return found


def _address(row: Fields) -> str:
    return (text(row.get("address")) or "").partition("/")[0]


def _groups(dump: Dump, ids: Ids) -> dict[Key | None, list[At]]:
    """Devices and virtual machines of each group that shares an address (FHRP)."""
    groups: dict[Key | None, list[At]] = {}
    for row in dump.rows("ipam.fhrpgroupassignment").values():
        holder = holder_of(dump, ids, row.get("interface_type"), row.get("interface_id"))
        group = key(row.get("group"))
        if holder is not None and group is not None:
            groups.setdefault(group, []).append(holder)
    return groups


def holder_of(dump: Dump, ids: Ids, kind: Any, reference: Any) -> At | None:
    """Device or virtual machine that a port or interface belongs to."""
    model = dump.type_of(kind)
    if model not in PORTS or key(reference) is None:
        return None
    owner, name = PORTS[model]
    at = (owner, key(dump.find(model, reference).get(name)))
    return at if at in ids else None
