"""What several rules share that hold observations against the declaration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from auditor import registers
from auditor.addresses import Addresses
from auditor.columns import Coded
from auditor.evidence import addresses_of, within_any
from auditor.findings import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditor.case import Case
    from auditor.columns import BoolArray, IntArray


def sides_told(case: Case, rows: Iterable[int]) -> Text:
    """Say by address where places are, and which families say so: ``58.32.0.1: Hangzhou (dbip, community)``."""
    said: dict[tuple[str, Text], list[str]] = {}
    for record in case.evidence.observations.records(rows):
        said.setdefault((record["asked"], _there(record)), []).append(record["family"])
    told = [(asked, there, ", ".join(dict.fromkeys(names))) for (asked, there), names in said.items()]
    return Text(
        "; ".join(f"{asked}: {there.en} ({names})" for asked, there, names in told),
        "；".join(f"{asked}：{there.zh}（{names}）" for asked, there, names in told),
    )


def _there(record: Mapping[str, Any]) -> Text:
    if "region" in record:
        return Text(*registers.region_name(record["region"]))
    km, lon, lat = record.get("radius_m", 0) / 1000, record.get("lon", 0), record.get("lat", 0)
    return Text(
        f"within {km:,.0f} km of {lon:.3f}, {lat:.3f}", f"距 {lon:.3f}, {lat:.3f} 不超过 {km:,.0f} 公里"
    )


def announcers_told(case: Case, rows: Iterable[int]) -> Text:
    """Name the autonomous systems of rows of kind ``origin``, and whose they are by the register of carriers."""
    told: dict[int, Text] = {}
    for record in case.evidence.observations.records(rows):
        if "asn" in record:
            told[record["asn"]] = _system(record["asn"], record.get("owner", ""))
    found = [told[asn] for asn in sorted(told)]
    return Text(", ".join(each.en for each in found), "、".join(each.zh for each in found))


def _system(asn: int, owner: str) -> Text:
    entry = registers.carrier_by_asn(asn)
    if entry is None or not entry.carrier:
        return Text(f"AS{asn} ({owner})", f"AS{asn}（{owner}）") if owner else Text(f"AS{asn}", f"AS{asn}")
    named = {carrier.id: (carrier.name_en, carrier.name_zh) for carrier in registers.read_carriers()}
    en, zh = named.get(entry.carrier, (entry.carrier, entry.carrier))
    if entry.standing == "affiliate_abroad":
        return Text(f"AS{asn} (affiliate abroad of {en})", f"AS{asn}（{zh}境外关联企业）")
    if entry.standing == "affiliate":
        return Text(f"AS{asn} (affiliate of {en})", f"AS{asn}（{zh}关联企业）")
    return Text(f"AS{asn} ({en})", f"AS{asn}（{zh}）")


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


def declared(case: Case, addresses: Addresses) -> Declared:
    """Find addresses among those of declared nodes, then in the declared blocks."""
    row, own = addresses_of(case.declaration.nodes.column("ips"))
    at = within_any(addresses, own)
    known, node = at >= 0, np.append(row, -1)[at]
    table = case.declaration.prefixes
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
        Domains without an address.
    """

    code: str
    rows: list[int]
    chains: dict[str, list[str]]
    addresses: list[str]
    lost: list[str]


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
    lost = []
    for domain, rows in asked.items():
        told = [evidence.details(row) for row in rows if evidence.answered[row]]
        chain = dict.fromkeys(name for facts in told for name in facts.get("chain") or ())
        found = dict.fromkeys(address for facts in told for address in facts.get("addresses") or ())
        if chain:
            chains[domain] = list(chain)
        addresses |= found
        if not found:
            lost.append(domain)
    return Resolved(code, [row for rows in asked.values() for row in rows], chains, list(addresses), lost)
