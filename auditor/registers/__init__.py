"""Dated facts of law and of the trade, read from the data files: the same words for all rules."""

from __future__ import annotations

from auditor.registers._files import in_force
from auditor.registers.approvals import PublicApproval, read_approvals_public
from auditor.registers.asns import (
    CarrierAsn,
    CarriersOf,
    carrier_by_asn,
    carrier_of_words,
    carriers_of,
    read_carrier_asns,
)
from auditor.registers.carriers import (
    Carrier,
    CarrierMatch,
    Entity,
    match_carrier,
    read_carriers,
    read_other_enterprises,
)
from auditor.registers.cdns import Cdn, match_cdn, read_cdns
from auditor.registers.clauses import Clause, clause, read_clauses
from auditor.registers.content import Content, content_key, excluded_content, read_content
from auditor.registers.regimes import (
    Regime,
    Terms,
    read_regimes,
    regime_key,
    share_allowed,
    share_cap,
    terms_of,
)
from auditor.registers.regions import MUNICIPALITIES, STRAIGHT, region_extent, region_name
from auditor.registers.services import Service, lineage, opened, read_services, service_code
from auditor.registers.weights import Family, Weight, Weights, read_weights

__all__ = [
    "MUNICIPALITIES",
    "STRAIGHT",
    "Carrier",
    "CarrierAsn",
    "CarrierMatch",
    "CarriersOf",
    "Cdn",
    "Clause",
    "Content",
    "Entity",
    "Family",
    "PublicApproval",
    "Regime",
    "Service",
    "Terms",
    "Weight",
    "Weights",
    "carrier_by_asn",
    "carrier_of_words",
    "carriers_of",
    "clause",
    "content_key",
    "excluded_content",
    "in_force",
    "lineage",
    "match_carrier",
    "match_cdn",
    "opened",
    "read_approvals_public",
    "read_carrier_asns",
    "read_carriers",
    "read_cdns",
    "read_clauses",
    "read_content",
    "read_other_enterprises",
    "read_regimes",
    "read_services",
    "read_weights",
    "regime_key",
    "region_extent",
    "region_name",
    "service_code",
    "share_allowed",
    "share_cap",
    "terms_of",
]
