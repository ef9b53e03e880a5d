"""Links of a NetBox dump: circuits with the ends that providers hold, cables, wireless, tunnels, stacks.

A reader that follows cables between devices alone drops the uplinks to providers, which are what ISP-02 asks
for. Here a circuit is a link whose ends are what is cabled to them; an end that the provider holds
(``provider:…``), or that stands at a site without a cable (``circuit:…:A``), is a node that nobody declared:
it counts as a doubtful root, can be declared in a table of nodes, and must be where the network is stated
complete. A blank far end would be a sure root behind a link of kind transit, and fail whoever buys access
from a carrier, since NetBox cannot say that the carrier's access equipment stands there.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from auditor.language import say
from auditor.readers._netbox import (
    DEVICE,
    LOCATION,
    SITE,
    custom_fields,
    holder_of,
    key,
    place_id,
    text,
    worst,
)
from auditor.tables import Note, Unused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from auditor.readers._netbox import Dump, Fields, Ids, Key

    Row = dict[str, Any]

CIRCUIT, CIRCUIT_END = "circuits.circuit", "circuits.circuittermination"
POWER = frozenset({"dcim.powerport", "dcim.poweroutlet", "dcim.powerfeed"})
CONSOLE = frozenset({"dcim.consoleport", "dcim.consoleserverport"})
MOST_PAIRS = 4096  # of ends that one cable or circuit joins
LEFT_OUT = {
    say("cables of power"): say("power carries no traffic"),
    say("cables of consoles"): say("consoles carry no traffic"),
    say("cables without ends"): say("they join nothing"),
    say("cables whose ends are not there"): say("no device of the dump is at either end"),
    say("circuits that end nowhere"): say("they have no termination"),
    say("wireless links and tunnels whose ends are not there"): say("no device of the dump is at either end"),
}
OF_PROVIDER = say("ends of circuits are the provider's (provider:…), which the dump does not declare")
UNCABLED = say("ends of circuits stand at a site without a cable (circuit:…), so that no device is told")
CIRCUITS = {
    # Kinds by the slug of a circuit's type, reviewed 2026-10-01; others are blank, and carry traffic.
    **dict.fromkeys(("internet", "internet-access", "transit", "ip-transit", "dia", "broadband"), "transit"),
    **dict.fromkeys(("peering", "private-peering", "public-peering", "pni", "ix", "ixp"), "peering"),
    **dict.fromkeys(
        ("mpls", "l3vpn", "private-line", "leased-line", "dark-fiber", "dark-fibre"), "leased_line"
    ),
    **dict.fromkeys(
        ("point-to-point", "p2p", "wavelength", "wave", "ethernet", "epl", "evpl"), "leased_line"
    ),
    **dict.fromkeys(("iplc", "iepl"), "cross_border"),  # international by name
}
FIBRE = ("smf", "mmf", "aoc")  # beginnings of the types of cables that are fibre
METRES = {"km": 1000.0, "m": 1.0, "cm": 0.01, "mi": 1609.344, "ft": 0.3048, "in": 0.0254}


def links_of(dump: Dump, ids: Ids) -> list[dict[str, Any]]:
    """Give the links of a dump.

    Parameters
    ----------
    dump
        The records.
    ids
        Ids of devices and virtual machines.
    """
    links = _Links(dump, ids)
    rows = [*links.cables(), *links.circuits(), *links.wireless(), *links.tunnels(), *links.stacks()]
    for what, why in LEFT_OUT.items():
        if links.count[what]:
            dump.log.unused.append(
                Unused(dump.file, say("{count:,} {what}", count=links.count[what], what=what), why)
            )
    for what in (OF_PROVIDER, UNCABLED):
        if links.count[what]:
            hint = say("declare them in a table of nodes before a verdict on paths is relied on")
            dump.log.notes.append(
                Note(
                    dump.file, say("{count:,} {what}; {hint}", count=links.count[what], what=what, hint=hint)
                )
            )
    return rows


class _Links:
    """Links of a dump; circuits come after cables, which say what stands at their ends.

    Parameters
    ----------
    dump
        The records.
    ids
        Ids of devices and virtual machines.
    """

    def __init__(self, dump: Dump, ids: Ids) -> None:
        self.dump, self.ids = dump, ids
        self.declared = frozenset(ids.values())
        self.count: Counter[str] = Counter()
        self._cabled: dict[Key, dict[str, None]] = {}
        self._cable_status: dict[Key, list[str | None]] = {}

    def _joined(self, name: str, near: Iterable[str], far: Iterable[str | None], cells: Row) -> Iterator[Row]:
        """Give a link for each pair of ends, declared ends first."""
        near, far = list(near), list(far)
        if len(near) * len(far) > MOST_PAIRS:
            what = say("joins {near:,} ends with {far:,}", near=len(near), far=len(far))
            self.dump.log.problems.add(
                self.dump.file, name, "", what, say("the most are {most:,} pairs", most=MOST_PAIRS)
            )
            return
        pairs = [(a, z) for a in near for z in far]
        for number, (a, z) in enumerate(pairs, 1):
            ends = (z, a) if z in self.declared and a not in self.declared else (a, z)
            link = name if number == 1 else f"{name}#{number}"
            yield {"source": ends[0], "target": ends[1], "id": link, **cells}

    def cables(self) -> Iterator[Row]:
        """Give cables that carry traffic; keep what is cabled to circuits."""
        dump, ends = self.dump, self._cable_ends()
        for pk in {**dump.rows("dcim.cable"), **ends}:
            row, sides = dump.rows("dcim.cable").get(pk, {}), ends.get(pk, {})
            types = {kind for side in sides.values() for kind, _ in side}
            if not types or types & POWER or types & CONSOLE:
                what = "power" if types & POWER else "consoles"
                self.count[f"cables of {what}" if types else "cables without ends"] += 1
                continue
            word = text(row.get("type"))
            status = dump.status(row.get("status"))
            cells = {
                "kind": "fibre" if (word or "").startswith(FIBRE) else None,
                "status": status,
                "netbox_model": "dcim.cable",
                "netbox_status": text(row.get("status")),
                "cable_type": word,
                "length_m": _metres(row),
                "label": text(row.get("label")),
            }
            a, b = (list(dict.fromkeys(self._machines(sides.get(side, [])))) for side in "AB")
            circuits = [[at for kind, at in sides.get(side, []) if kind == CIRCUIT_END] for side in "AB"]
            for these, those, others in ((circuits[0], b, circuits[1]), (circuits[1], a, circuits[0])):
                for at in these:
                    self._cabled.setdefault(at, {}).update(
                        dict.fromkeys([*those, *([f"cable:{pk}"] * bool(others))])
                    )
                    self._cable_status.setdefault(at, []).append(status)
            if a and b:
                yield from self._joined(f"cable:{pk}", a, b, cells)
            elif not any(circuits) and (a or b):  # the other end is not told, or lies in nothing that is read
                yield from self._joined(f"cable:{pk}", a or b, [None], cells)
            elif not any(circuits):
                self.count["cables whose ends are not there"] += 1

    def _cable_ends(self) -> dict[Key, dict[str, list[tuple[str, Key]]]]:
        """Type and key of what is at sides A and B of each cable."""
        found: dict[Key, dict[str, list[tuple[str, Key]]]] = {}

        def put(cable: Any, side: str | None, kind: Any, reference: Any) -> None:
            pk, at = key(cable), key(reference)
            if pk is not None and at is not None and side in {"A", "B"}:
                found.setdefault(pk, {}).setdefault(side, []).append((self.dump.type_of(kind), at))

        for row in self.dump.rows("dcim.cabletermination").values():
            side = text(row.get("cable_end"))
            put(row.get("cable"), side, row.get("termination_type"), row.get("termination_id"))
        for pk, row in self.dump.rows("dcim.cable").items():  # until 3.2
            for side in "ab":
                words = (f"termination_{side}_{what}" for what in ("type", "id"))
                put(pk, side.upper(), *(row.get(word) for word in words))
        return found

    def _machines(self, ends: Iterable[tuple[str, Key]]) -> Iterator[str]:
        for kind, reference in ends:
            at = holder_of(self.dump, self.ids, kind, reference)
            if at is not None:
                yield self.ids[at]

    def circuits(self) -> Iterator[Row]:
        """Give circuits; cables come first, which say what stands at their ends."""
        dump = self.dump
        ends: dict[Key, dict[str, Key]] = {}
        for at, row in dump.rows(CIRCUIT_END).items():
            if (pk := key(row.get("circuit"))) is not None:
                ends.setdefault(pk, {})[text(row.get("term_side")) or "A"] = at
        for pk in {**dump.rows(CIRCUIT), **ends}:
            row, sides = dump.rows(CIRCUIT).get(pk, {}), ends.get(pk, {})
            if not sides:
                self.count["circuits that end nowhere"] += 1
                continue
            provider = dump.find("circuits.provider", row.get("provider"))
            word = dump.named("circuits.circuittype", row.get("type"), "slug")
            parts = [part for at in sides.values() for part in self._cable_status.get(at, ())]
            cells = {
                "kind": CIRCUITS.get((word or "").lower()),
                "owner": text(provider.get("name")),
                "supplier": text(provider.get("name")),
                "status": worst([dump.status(row.get("status")), *parts]),
                "netbox_model": CIRCUIT,
                "netbox_status": text(row.get("status")),
                "cid": text(row.get("cid")),
                "circuit_type": word,
                "commit_rate": text(row.get("commit_rate")),
                "terminates_at": ";".join(self._places(sides.values())) or None,
                "tenant": dump.named("tenancy.tenant", row.get("tenant")),
                "provider_asns": ";".join(dump.asns(provider)) or None,
                "install_date": text(row.get("install_date")),  # no from_on: NetBox goes by the status alone
                "termination_date": text(row.get("termination_date")),
                **custom_fields(row),
            }
            missing = _provider_id(dump, row.get("provider"), pk)
            a, z = (self._circuit_end(pk, side, sides.get(side), missing) for side in "AZ")
            yield from self._joined(f"circuit:{pk}", a, z, cells)

    def _circuit_end(self, pk: Key, side: str, at: Key | None, missing: str) -> list[str]:
        """Ids of what stands at one end of a circuit: what is cabled to it, or a name nobody declared."""
        if at is None:
            self.count[OF_PROVIDER] += 1
            return [missing]
        if self._cabled.get(at):
            return list(self._cabled[at])
        row = self.dump.rows(CIRCUIT_END)[at]
        network = row.get("provider_network")
        if self.dump.type_of(row.get("termination_type")) == "circuits.providernetwork":
            network = row.get("termination_id")
        if key(network) is not None:
            self.count[OF_PROVIDER] += 1
            found = self.dump.find("circuits.providernetwork", network)
            name = text(found.get("name")) or key(network)
            return [f"{_provider_id(self.dump, found.get('provider'), pk)}/{name}"]
        self.count[UNCABLED] += 1
        return [f"circuit:{pk}:{side}"]

    def _places(self, terminations: Iterable[Key]) -> Iterator[str]:
        """Ids of the sites where a circuit ends."""
        for at in terminations:
            row = self.dump.rows(CIRCUIT_END)[at]
            scope = self.dump.type_of(row.get("termination_type"))
            place = place_id(self.dump, SITE, row.get("site"))
            if scope in {SITE, LOCATION}:  # since 4.2
                place = place_id(self.dump, scope, row.get("termination_id"))
            if place:
                yield place

    def wireless(self) -> Iterator[Row]:
        """Give wireless links."""
        for pk, row in self.dump.rows("wireless.wirelesslink").items():
            ends = [
                ("dcim.interface", at)
                for side in "ab"
                if (at := key(row.get(f"interface_{side}"))) is not None
            ]
            cells = {
                **self._plain("wireless.wirelesslink", row),
                "kind": "radio",
                "ssid": text(row.get("ssid")),
            }
            yield from self._between(f"wireless:{pk}", [*self._machines(ends)], cells)

    def tunnels(self) -> Iterator[Row]:
        """Tunnels from the hub, else the first end, to each other end; what they cross is not told."""
        ends: dict[Key, list[tuple[bool, tuple[str, Key]]]] = {}
        for row in self.dump.rows("vpn.tunneltermination").values():
            pk, at = key(row.get("tunnel")), key(row.get("termination_id"))
            if pk is not None and at is not None:
                end = (self.dump.type_of(row.get("termination_type")), at)
                ends.setdefault(pk, []).append((text(row.get("role")) != "hub", end))
        for pk in {**self.dump.rows("vpn.tunnel"), **ends}:
            row = self.dump.rows("vpn.tunnel").get(pk, {})
            hubs_first = [end for _, end in sorted(ends.get(pk, []), key=lambda end: end[0])]
            cells = {**self._plain("vpn.tunnel", row), "kind": "tunnel", "label": text(row.get("name"))}
            cells["encapsulation"] = text(row.get("encapsulation"))
            yield from self._between(f"tunnel:{pk}", [*self._machines(hubs_first)], cells)

    def _plain(self, model: str, row: Fields) -> Row:
        word = row.get("status")
        return {"status": self.dump.status(word), "netbox_model": model, "netbox_status": text(word)}

    def _between(self, name: str, ends: list[str], cells: Row) -> Iterator[Row]:
        """Give links from the first end to the others; to a blank far end where there are none."""
        if ends:
            yield from self._joined(name, ends[:1], ends[1:] or [None], cells)
        else:
            self.count["wireless links and tunnels whose ends are not there"] += 1

    def stacks(self) -> Iterator[Row]:
        """Join the members of each virtual chassis to its master: what comes in at one leaves at another."""
        members: dict[Key, list[Key]] = {}
        for pk, row in self.dump.rows(DEVICE).items():
            if (stack := key(row.get("virtual_chassis"))) is not None:
                members.setdefault(stack, []).append(pk)
        for stack, found in members.items():
            master = key(self.dump.rows("dcim.virtualchassis").get(stack, {}).get("master"))
            first = master if master is not None and master in found else found[0]
            others = [self.ids[DEVICE, pk] for pk in found if pk != first]
            if others:
                cells = {"netbox_model": "dcim.virtualchassis"}
                yield from self._joined(f"stack:{stack}", [self.ids[DEVICE, first]], others, cells)


def _provider_id(dump: Dump, reference: Any, circuit: Key) -> str:
    pk = key(reference)
    if pk is None:
        return f"circuit:{circuit}:provider"
    return f"provider:{dump.named('circuits.provider', pk, 'slug') or pk}"


def _metres(row: Fields) -> float | None:
    try:
        metres = float(text(row.get("length")) or "nan") * METRES[text(row.get("length_unit")) or ""]
    except (ValueError, KeyError):
        return None
    return round(metres, 3) if math.isfinite(metres) else None
