"""Which autonomous systems announce an address, asked over DNS (TXT records as Team Cymru publishes them).

Every address is asked about, since a block inside an announced one may be announced by somebody else; only
what lies in an announced /24 (IPv6: /48) is not asked again: networks pass on no longer prefixes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import dns.exception
import dns.message
import dns.rdatatype
import dns.resolver
import numpy as np
import orjson
import pyarrow as pa
from ipwhois.asn import IPASN  # type: ignore[import-untyped]
from ipwhois.exceptions import BaseIpwhoisException  # type: ignore[import-untyped]

from auditor.asking import Source
from auditor.language import both, say
from auditor.observations import Provenance
from auditor.sources._distinct import Blocks, batched, not_asked, public_blocks
from auditor.sources._memory import Memory
from auditor.sources._pace import Pace
from auditor.sources._registration import RegistryNet
from auditor.sources._resolver import failure, make_resolver

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator

    from auditor.asking import Asked, Tools
    from auditor.settings import Network, Settings
    from auditor.sources._memory import Kept

NAME, FAMILY = "asn", "registry"
BATCH = 256  # addresses that are answered for in one table
LONGEST = {4: 24, 6: 48}  # prefixes that networks pass on to one another
HIGHEST = 2**32 - 1  # number of an autonomous system (RFC 6793)
NOT_ANNOUNCED = say("not announced")


@dataclass(frozen=True)
class _Origin:
    asn: int
    prefix: str
    details: str


@dataclass(frozen=True)
class _Told:
    """What name servers said of one address: origins, or why there are none."""

    seen_at: dt.datetime
    digest: str | None
    origins: tuple[_Origin, ...] = ()
    outcome: str = "answer"
    note: str | None = None


@dataclass(frozen=True)
class _Zones:
    """The zones, asked over the network or out of the archive."""

    network: Network
    memory: Memory
    pace: Pace

    @cached_property
    def _resolver(self) -> dns.resolver.Resolver:
        return make_resolver(self.network)

    def ask(self, blocks: Blocks, block: int) -> _Told:
        """Ask about the first address of a block."""
        address = str(blocks.first(block))
        name = _name(address, self.network)
        kept = self.memory.recall(f"asn:{name}")
        if kept is None and self.pace.lost(NAME):
            note = say("the name servers failed several times; they were not asked again")
            return _Told(self.memory.now(), None, outcome="unavailable", note=note)
        try:
            return _read(kept or self._answer(name), address)
        except dns.exception.DNSException as error:
            outcome, words = failure(error)
            self.pace.count(NAME, failed=outcome == "unavailable")
            return _Told(self.memory.now(), None, outcome=outcome, note=words)

    def _answer(self, name: str) -> Kept:
        try:
            message = self._resolver.resolve(name, "TXT", raise_on_no_answer=False).response
        except dns.resolver.NXDOMAIN as error:
            message = error.kwargs["responses"][error.kwargs["qnames"][0]]
        self.pace.count(NAME, failed=False)
        return self.memory.keep(f"asn:{name}", message.to_wire(), int(message.rcode()))


def _name(address: str, network: Network) -> str:
    """Name under which an address is asked about."""
    net = RegistryNet(address)
    if net.version == 4:  # noqa: PLR2004 -- IPv4
        return ".".join([*reversed(net.address_str.split(".")), network.asn_zone.strip("."), ""])
    figures = net.address.exploded.replace(":", "")
    while figures.endswith("0000"):  # groups of zeros at the end are left out, as ipwhois found necessary
        figures = figures[:-4]
    return ".".join([*reversed(figures), network.asn6_zone.strip("."), ""])


def _read(kept: Kept, address: str) -> _Told:
    told = _Told(kept.at, kept.digest)
    texts = _texts(kept.body)
    if not texts:
        return _Told(kept.at, kept.digest, outcome="no_record", note=NOT_ANNOUNCED)
    origins: dict[tuple[int, str], _Origin] = {}
    wrong = []
    for text in texts:
        found = _origins(text, address)
        origins |= {(origin.asn, origin.prefix): origin for origin in found}
        wrong += (
            []
            if found
            else [say("{value!r} names no system and prefix of {address}", value=text[:80], address=address)]
        )
    note = "; ".join(wrong) or None
    if not origins:
        return _Told(kept.at, kept.digest, outcome="malformed", note=note)
    if len(origins) > 1:
        note = "; ".join([say("{count} origins were named", count=len(origins)), *wrong])
    return _Told(told.seen_at, told.digest, tuple(origins.values()), note=note)


def _texts(wire: bytes) -> list[str]:
    message = dns.message.from_wire(wire)
    records = [rdata for rrset in message.answer if rrset.rdtype == dns.rdatatype.TXT for rdata in rrset]
    return sorted(b"".join(record.strings).decode("utf-8", "replace") for record in records)


def _origins(text: str, address: str) -> list[_Origin]:
    """Origins that one record names: several numbers where several systems announce the prefix."""
    net = RegistryNet(address)
    try:
        told = IPASN(net).parse_fields_dns(text)
    except BaseIpwhoisException:  # a registry that it does not know, or fewer fields
        told = _by_hand(text)
    try:
        prefix = ip_network(told["asn_cidr"])
        numbers = [int(word) for word in told["asn"].split() if word.isascii() and word.isdigit()]
    except ValueError:
        return []
    if net.address not in prefix or len(numbers) != len(told["asn"].split()):
        return []
    # The country is the one that the block was allocated to, long ago; it is not where the network stands.
    names = {"asn_registry": "registry", "asn_country_code": "allocated_to", "asn_date": "allocated_on"}
    details = orjson.dumps({new: told[old] for old, new in names.items()}).decode()
    return [_Origin(number, str(prefix), details) for number in numbers if 0 < number <= HIGHEST]


def _by_hand(text: str) -> dict[str, Any]:
    fields = [part.strip(' "\n') for part in text.split("|")]
    fields += [""] * (5 - len(fields))
    names = ("asn", "asn_cidr", "asn_country_code", "asn_registry", "asn_date")
    return dict(zip(names, fields, strict=False))


def _ask(asked: Asked, tools: Tools) -> Iterator[pa.Table]:
    network = tools.settings.network
    memory = Memory(tools.archive, tools.now, network.cache_days)
    zones = _Zones(network, memory, Pace(network.per_second, tools.now, tools.sleep))
    yield not_asked(asked, tools.now(), source=NAME, family=FAMILY, kind="origin")
    blocks = public_blocks(asked.addresses)
    for batch in batched(_answers(blocks, zones, tools.tick), BATCH):
        yield _table(asked, blocks, batch)


def _answers(blocks: Blocks, zones: _Zones, tick: Callable[[int], None]) -> Iterator[tuple[int, _Told]]:
    """Ask block by block, but for those that lie in an announced /24 of which an answer told already."""
    covered: tuple[int, int, _Told] | None = None  # its version and last address, and what was told
    for block in range(len(blocks)):
        version, high = blocks.version[block], blocks.high[block]
        if covered is None or version != covered[0] or high > covered[1]:
            told = zones.ask(blocks, block)
            last = _covered(told, version)
            covered = None if last is None else (version, last, told)
        else:
            told = covered[2]
        tick(1)
        yield block, told


def _covered(told: _Told, version: int) -> int | None:
    """Last address of which the same holds."""
    blocks = [ip_network(origin.prefix) for origin in told.origins]
    if not blocks or any(block.prefixlen < LONGEST[version] for block in blocks):
        return None
    return min(int(block.broadcast_address) for block in blocks)


def _table(asked: Asked, blocks: Blocks, batch: list[tuple[int, _Told]]) -> pa.Table:
    rows, which = blocks.rows_of([block for block, _ in batch])
    cells = [_cells(told, blocks, block) for block, told in batch]
    many = np.array([len(made) for made in cells])
    first = np.concatenate([[0], np.cumsum(many)[:-1]])
    # Each row as often as its address has origins, one after the other.
    repeat = many[which]
    starts = np.repeat(first[which] - (np.cumsum(repeat) - repeat), repeat)
    spread = pa.array(starts + np.arange(repeat.sum()))
    records = [record for made in cells for record in made]
    names = ("outcome", "asn", "prefix", "seen_at", "digest", "note", "details")
    columns = {name: pa.array([record.get(name) for record in records]).take(spread) for name in names}
    return asked.table(np.repeat(rows, repeat), source=NAME, family=FAMILY, kind="origin", **columns)


def _cells(told: _Told, blocks: Blocks, block: int) -> list[dict[str, Any]]:
    note = told.note
    if not blocks.single(block):
        note = "; ".join(
            filter(None, [note, say("asked about {address}, the first address", address=blocks.first(block))])
        )
    common = {"outcome": told.outcome, "seen_at": told.seen_at, "digest": told.digest, "note": note}
    origins = [{"asn": o.asn, "prefix": o.prefix, "details": o.details} for o in told.origins]
    return [common | origin for origin in origins] or [common]


def _provenance(settings: Settings) -> tuple[Provenance, ...]:
    zones = f"{settings.network.asn_zone}, {settings.network.asn6_zone}"
    return (
        Provenance(
            NAME, FAMILY, say("Origins of routes over DNS ({zones})", zones=zones), attribution="Team Cymru"
        ),
    )


SOURCE = Source(
    NAME,
    both("Autonomous systems that announce an address (DNS)"),
    online=True,
    ask=_ask,
    provenance=_provenance,
)
