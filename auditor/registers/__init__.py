"""Dated facts of law and of the trade, read from the data files: the same words for all rules."""

from __future__ import annotations

from auditor.registers.regimes import (
    Regime,
    Terms,
    read_regimes,
    regime_key,
    share_allowed,
    share_cap,
    terms_of,
)
from auditor.registers.services import Service, lineage, opened, read_services, service_code

__all__ = [
    "Regime",
    "Service",
    "Terms",
    "lineage",
    "opened",
    "read_regimes",
    "read_services",
    "regime_key",
    "service_code",
    "share_allowed",
    "share_cap",
    "terms_of",
]
