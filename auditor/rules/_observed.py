"""What several rules share that hold observations against the declaration."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from auditor import registers, votes
from auditor.addresses import Addresses
from auditor.arrow import pa
from auditor.blocks import within_any
from auditor.columns import Coded
from auditor.language import Text, both, joined
from auditor.registers.names import normal
from auditor.roles import Party, is_operator
from auditor.standing import WITHIN
from auditor.votes import Says

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from auditor.case import Case
    from auditor.columns import BoolArray, IntArray

PROVEN = 2  # grade from which on a place is documented
SETTLED = frozenset({"answer", "no_record", "malformed"})  # what name servers say; others did not answer


def sides_told(case: Case, rows: Iterable[int]) -> Text:
    """Say by address where places are, and which families say so: ``58.32.0.1: Hangzhou (dbip, community)``."""
    said: dict[tuple[str, Text], list[str]] = {}
    for record in case.evidence.observations.records(rows):
        said.setdefault((record["asked"], _there(record)), []).append(record["family"])
    told = [
        both("{asked}: {there} ({names})", asked=asked, there=there, names=list(dict.fromkeys(names)))
        for (asked, there), names in said.items()
    ]
    return joined(told, "; ", "；")


def _there(record: Mapping[str, Any]) -> Text:
    if "region" in record:
        return Text(*registers.region_name(record["region"]))
    km, lon, lat = record.get("radius_m", 0) / 1000, record.get("lon", 0), record.get("lat", 0)
    return both("within {km:,.0f} km of {lon:.3f}, {lat:.3f}", km=km, lon=lon, lat=lat)


def announcers_told(case: Case, rows: Iterable[int]) -> Text:
    """Name the autonomous systems of rows of kind ``origin``, and whose they are by the register of carriers."""
    told: dict[int, Text] = {}
    for record in case.evidence.observations.records(rows):
        if "asn" in record:
            told[record["asn"]] = _system(record["asn"], record.get("owner", ""))
    return joined((told[asn] for asn in sorted(told)), ", ", "、")


def _system(asn: int, owner: str) -> Text:
    entry = registers.carrier_by_asn(asn)
    if entry is None or not entry.carrier:
        return both("AS{asn} ({owner})", asn=asn, owner=owner) if owner else Text(f"AS{asn}", f"AS{asn}")
    named = {carrier.id: Text(carrier.name_en, carrier.name_zh) for carrier in registers.read_carriers()}
    owned = {"asn": asn, "owner": named.get(entry.carrier, entry.carrier)}
    if entry.standing == "affiliate_abroad":
        return both("AS{asn} (affiliate abroad of {owner})", **owned)
    if entry.standing == "affiliate":
        return both("AS{asn} (affiliate of {owner})", **owned)
    return both("AS{asn} ({owner})", **owned)


class Declared(NamedTuple):
    """What the declaration says of addresses, one row each.

    Parameters
    ----------
    known
        Whether a node or a declared block has it.
    node
        Row of the node that has it or uses its block; -1 where none does.
    """

    known: BoolArray
    node: IntArray


def declared(case: Case, addresses: Addresses, *, in_force: bool = False) -> Declared:
    """Find addresses among those of declared nodes, then in the declared blocks; all, or those in force."""
    row, own = case.addresses
    table: Any = case.declaration.prefixes
    if in_force:
        row, own = row[case.in_service[row]], own.take(case.in_service[row])
        table = table and table.filter(pa.array(case.dated(table)))
    at = within_any(addresses, own)
    known, node = at >= 0, np.append(row, -1)[at]
    if table is None:
        return Declared(known, node)
    block = within_any(addresses, Addresses.of(table.column("prefix").cast(pa.string())))
    user = Coded.of(table.column("node"))
    users = np.append(case.rows_of(user.values), -1)[user.codes]
    return Declared(known | (block >= 0), np.where(known, node, np.append(users, -1)[block]))


class Resolved(NamedTuple):
    """What name servers said of the domains of one service.

    Parameters
    ----------
    code
        Of the service.
    rows
        Rows of the observations.
    chains
        Names from each domain on, in order.
    addresses
        All addresses, each once.
    lost
        Domains that lead to no address.
    unheard
        Domains of which nothing is known: nobody asked, or no name server answered.
    """

    code: str
    rows: list[int]
    chains: dict[str, list[str]]
    addresses: list[str]
    lost: list[str]
    unheard: list[str]


def resolved(case: Case) -> list[Resolved]:
    """Give each service under the pilot, or perhaps under it, that declares domains, by code."""
    evidence = case.evidence
    subject = evidence.column("subject")
    by_name: dict[str, list[int]] = {}
    for row in np.flatnonzero(evidence.kind.isin({"name"})).tolist():
        by_name.setdefault(subject.at(row) or "", []).append(row)
    domains: dict[str, dict[str, None]] = {}
    for service in (*case.pilot_services, *case.unsure_services):
        if service.domains:
            domains.setdefault(service.code, {}).update(dict.fromkeys(service.domains))
    return [
        _resolved(case, code, {name: by_name.get(f"domain:{name}", []) for name in names})
        for code, names in sorted(domains.items())
    ]


def _resolved(case: Case, code: str, asked: Mapping[str, list[int]]) -> Resolved:
    evidence = case.evidence
    chains: dict[str, list[str]] = {}
    addresses: dict[str, None] = {}
    lost: list[str] = []
    unheard: list[str] = []
    outcome = evidence.column("outcome")
    for domain, rows in asked.items():
        told = [evidence.details(row) for row in rows if evidence.answered[row]]
        chain = dict.fromkeys(name for facts in told for name in facts.get("chain") or ())
        found = dict.fromkeys(address for facts in told for address in facts.get("addresses") or ())
        if chain or found:
            chains[domain] = list(chain) or [domain]
        addresses |= found
        if not found:
            settled = any(outcome.at(row) in SETTLED for row in rows)
            (lost if settled else unheard).append(domain)
    every = [row for rows in asked.values() for row in rows]
    return Resolved(code, every, chains, list(addresses), lost, unheard)


class Edges(NamedTuple):
    """What answers for the domains of one service.

    Parameters
    ----------
    service
        What name servers said.
    networks
        By name on the way: the content delivery network of another that it belongs to.
    undeclared
        Addresses that nothing in service is declared with.
    outside
        Rows of the observations that place an address outside the operator's area, where they suffice.
    """

    service: Resolved
    networks: dict[str, registers.Cdn]
    undeclared: list[str]
    outside: list[int]


def edges(case: Case) -> list[Edges]:
    """Give each service whose domains are seen to lead somewhere; none where nobody asked."""
    if case.observations is None:
        return []
    found = [service for service in resolved(case) if service.chains]
    if not found:
        return []
    doubted = _contradicted(case)
    return [_edges(case, service, doubted) for service in found]


def _edges(case: Case, service: Resolved, doubted: Mapping[str, bool]) -> Edges:
    networks: dict[str, registers.Cdn] = {}
    for name in (name for chain in service.chains.values() for name in chain):
        network = registers.match_cdn(name)
        if network and not any(
            is_operator(own, case.declaration.operator) for own in (network.name_en, network.name_zh)
        ):
            networks[name] = network
    known, node = declared(case, Addresses.of(pa.array(service.addresses, pa.string())), in_force=True)
    proven = known & (node >= 0) & (case.grade[node] <= PROVEN) & (case.place.relation[node] == WITHIN)
    # A document outweighs databases (NEG-05), and never a physical bound.
    strange = {
        address
        for address, is_proven in zip(service.addresses, proven.tolist(), strict=True)
        if address in doubted and (doubted[address] or not is_proven)
    }
    undeclared = [address for address, is_known in zip(service.addresses, known, strict=True) if not is_known]
    return Edges(service, networks, undeclared, _against(case, service, strange))


def _against(case: Case, service: Resolved, addresses: set[str]) -> list[int]:
    """Rows on the service's domains that speak against the place of some addresses."""
    if not addresses:
        return []
    evidence = case.evidence
    subject, asked = evidence.column("subject"), evidence.column("asked")
    mine = subject.isin({f"domain:{name}" for name in service.chains}) & asked.isin(addresses)
    return evidence.sides(np.flatnonzero(mine & evidence.kind.isin({"place"})).tolist(), Says.CONTRADICT)


def _contradicted(case: Case) -> dict[str, bool]:
    """Addresses behind domains that are contradicted to be in the operator's area; whether by a bound."""
    evidence = case.evidence
    rows, asked = evidence.place_rows, evidence.column("asked")
    number = np.where(evidence.about("domain")[rows], asked.codes[rows], -1)
    tally = votes.tally(evidence.votes, evidence.bound, number, asked.codes[rows], len(asked.values))
    return {asked.values[at]: bool(tally.bound[at]) for at in np.flatnonzero(tally.contradicted).tolist()}


def operates(supplier: str, network: registers.Cdn, as_of: dt.date) -> bool:
    """Tell whether a supplier operates a network: its name holds that of the network, or it is its carrier."""
    plain = f" {normal(supplier)} "
    named = any(
        f" {name} " in plain if name.isascii() else name in plain
        for name in (normal(network.name_en), normal(network.name_zh))
    )
    carrier = registers.match_carrier(supplier, as_of=as_of).carrier if network.carrier else None
    return bool(supplier) and (named or (carrier is not None and carrier == network.carrier))


# --- traces -----------------------------------------------------------------------------------------------


class Step(Enum):
    """Whose a hop of a trace is."""

    OURS = "the operator's, a customer's, or of private space"
    CARRIER = "a basic carrier's"
    OTHER = "surely no basic carrier's"
    UNKNOWN = "not known, or perhaps a carrier's"


class Trace(NamedTuple):
    """A trace that leaves past every carrier: rows of the observations, and the hops up to the first outside."""

    rows: list[int]
    hops: list[str]


def traces_past_carriers(case: Case, nodes: IntArray) -> dict[int, Trace]:
    """Give, by row of the node, the first trace from it whose first hop outside is no carrier's, and none before."""
    evidence = case.evidence
    wanted = np.append(np.isin(np.arange(case.n), nodes), False)[evidence.node]
    paths = [
        (row, evidence.details(row))
        for row in np.flatnonzero(wanted & evidence.kind.isin({"path"}) & evidence.answered).tolist()
    ]
    # The other end is what was asked about: a trace from elsewhere to the node is asked about its sender, or
    # about the node itself.
    paths = [p for p in paths if p[1].get("from") and p[1]["from"] != evidence.column("asked").at(p[0])]
    ends = [evidence.column("asked").at(row) or "" for row, _ in paths]
    there = declared(case, Addresses.of(pa.array(ends, pa.string()))).node
    paths = [p for p, node in zip(paths, there.tolist(), strict=True) if node != evidence.node[p[0]]]
    listed = {row: [hop for hop in facts.get("hops") or () if isinstance(hop, dict)] for row, facts in paths}
    whose = _steps(case, {a for hops in listed.values() for hop in hops for a in hop.get("addresses") or ()})
    found: dict[int, Trace] = {}
    for row, hops in listed.items():
        outside = _leaves(hops, whose)
        node = int(evidence.node[row])
        if outside and node not in found:
            found[node] = _shown(case, row, hops[:outside])
    return found


def _leaves(hops: list[dict[str, Any]], whose: Mapping[str, Step]) -> int:
    """Number of the first hop outside if that is surely no carrier's, and nothing before may be; else 0."""
    for number, hop in enumerate(hops, 1):
        steps = {whose.get(address, Step.UNKNOWN) for address in hop.get("addresses") or ()}
        if hop.get("ttl") != number or steps not in ({Step.OURS}, {Step.OTHER}):
            return 0
        if steps == {Step.OTHER}:
            return number
    return 0


def _shown(case: Case, row: int, hops: list[dict[str, Any]]) -> Trace:
    """Label the hops of a trace with the systems that announce them."""
    asked = case.evidence.column("asked")
    last = set(hops[-1]["addresses"])
    origins = np.flatnonzero(asked.isin(last) & case.evidence.kind.isin({"origin"})).tolist()
    systems = case.evidence.observations.records(origins)
    named = ", ".join(sorted({f"AS{r['asn']} {r.get('owner', '')}".strip() for r in systems if "asn" in r}))
    labels = [" / ".join(hop["addresses"]) for hop in hops]
    return Trace([row, *origins], [*labels[:-1], f"{labels[-1]} ({named})"])


def _steps(case: Case, addresses: set[str]) -> dict[str, Step]:
    """Tell whose each address is: by the declaration first, then by who announces it."""
    if not addresses:
        return {}
    listed = sorted(addresses)
    found = Addresses.of(pa.array(listed, pa.string()))
    known, node = declared(case, found)
    evidence, asked = case.evidence, case.evidence.column("asked")
    rows = np.flatnonzero(
        asked.isin(addresses) & evidence.kind.isin({"origin", "holder"}) & evidence.answered
    )
    said: dict[str, list[dict[str, Any]]] = {}
    for record in evidence.observations.records(rows):
        said.setdefault(record["asked"], []).append(record)
    own = _own_systems(case)
    steps = {}
    for i, address in enumerate(listed):
        if known[i]:
            steps[address] = _by_owner(case, int(node[i]))
        elif found.version[i] == 0 or not found.reserved.blank[i]:
            # Shared space (RFC 6598) lies between customers and whoever translates: perhaps a carrier.
            steps[address] = Step.OURS if found.reserved.at(i) == "private" else Step.UNKNOWN
        else:
            steps[address] = _by_system(said.get(address, []), own)
    return steps


def _own_systems(case: Case) -> frozenset[int]:
    stated = case.declaration.nodes.column("asn").filter(pa.array(case.owner == Party.OPERATOR))
    return frozenset(stated.unique().to_pylist())


def _by_owner(case: Case, node: int) -> Step:
    party = Party.OPERATOR if node < 0 else case.owner[node]
    if party in {Party.OPERATOR, Party.CUSTOMER}:
        return Step.OURS
    return Step.CARRIER if party == Party.CARRIER else Step.UNKNOWN


def _by_system(records: list[dict[str, Any]], own: frozenset[int]) -> Step:
    """Tell whose an address is by what announces it; a mention of a carrier makes it perhaps a carrier's."""
    systems = {record["asn"] for record in records if record["kind"] == "origin" and "asn" in record}
    if systems & own:
        return Step.OURS
    entries = [registers.carrier_by_asn(asn) for asn in systems]
    standings = {entry.standing if entry else "none" for entry in entries}
    if "carrier" in standings:
        return Step.CARRIER
    if standings == {"affiliate_abroad"}:
        return Step.OTHER
    named = any(registers.carrier_of_words(record.get("owner", "")) for record in records)
    return Step.OTHER if standings <= {"none", "affiliate_abroad"} and systems and not named else Step.UNKNOWN
