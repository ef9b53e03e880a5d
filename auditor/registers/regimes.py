"""Regimes under which foreign capital may offer a service, and the share each allows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from auditor.registers._files import folded, in_force, read_toml
from auditor.registers.services import lineage

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Terms:
    """What a regime says of some services.

    Parameters
    ----------
    services
        Codes; each stands for its sub-items too.
    covered
        Whether the regime opens them; None where the sources read do not say.
    cap
        Highest foreign share of the service, 0 to 1; None where only a part of the service is opened.
    part_cap, part_en, part_zh
        Share allowed where the service keeps to a part, and which.
    certainty, note
        How well it is known, and what to bear in mind.
    """

    services: tuple[str, ...]
    covered: bool | None = None
    cap: float | None = None
    part_cap: float | None = None
    part_en: str = ""
    part_zh: str = ""
    certainty: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Regime:
    """One regime.

    Parameters
    ----------
    key
        As declarations write it (``pilot107``).
    id
        Number in the tables of the research (``R5-PILOT107``).
    aliases, name_en, name_zh, instrument
        Names, and the legal text.
    from_on, to_on
        Period in which services may rest on it.
    territory_en, territory_zh
        Where it holds.
    placement
        ``same_area``, ``territory``, ``none`` or ``unknown``: where registered place and facilities must be.
    placement_en, placement_zh
        The same in words.
    isp_scope, other_scope
        Where users of Internet access and of other services may be: ``area``, ``territory``,
        ``territory_and_abroad``, ``nationwide``, ``licence`` (as the licence says) or ``unknown``.
    terms
        What it says of which services.
    certainty, source
        How well it is known, and whence.
    """

    key: str
    id: str
    aliases: tuple[str, ...]
    name_en: str
    name_zh: str
    instrument: str
    from_on: dt.date
    territory_en: str
    territory_zh: str
    placement: str
    placement_en: str
    placement_zh: str
    isp_scope: str
    other_scope: str
    terms: tuple[Terms, ...]
    certainty: str
    source: str
    to_on: dt.date | None = None


def _terms(raw: dict[str, Any]) -> Terms:
    return Terms(**{**raw, "services": tuple(raw["services"])})


@cache
def read_regimes() -> Mapping[str, Regime]:
    """Read the regimes, by key.

    Examples
    --------
    >>> list(read_regimes())
    ['pilot107', 'national', 'ftz', 'cepa', 'hainan_nl', 'service_2025', 'beijing_2023']
    """
    regimes = {
        raw["key"]: Regime(
            **{**raw, "aliases": tuple(raw["aliases"]), "terms": tuple(map(_terms, raw["terms"]))}
        )
        for raw in read_toml("regimes.toml")["regimes"]
    }
    return MappingProxyType(regimes)


@cache
def _words() -> Mapping[str, str]:
    words: dict[str, str] = {}
    for regime in read_regimes().values():
        for name in (regime.key, regime.id, regime.name_en, regime.name_zh, *regime.aliases):
            words.setdefault(folded(name), regime.key)
    return MappingProxyType(words)


def regime_key(text: str) -> str | None:
    """Find the key of a regime by key, research number or name; none if it is not known.

    Examples
    --------
    >>> regime_key("pilot107"), regime_key("R5-PILOT107"), regime_key("CEPA"), regime_key("another")
    ('pilot107', 'pilot107', 'cepa', None)
    """
    return _words().get(folded(text))


def terms_of(regime: str, code: str, *, as_of: dt.date) -> Terms | None:
    """Find what a regime in force says of a service, by the nearest heading that it names.

    Returns
    -------
    Terms or None
        None where the regime is not in force or known, or names neither the service nor a heading above it.
    """
    key = regime_key(regime)
    if key is None:
        return None
    found = read_regimes()[key]
    if not in_force(found.from_on, found.to_on, as_of):
        return None
    for line in lineage(code):
        for terms in found.terms:
            if line in terms.services:
                return terms
    return None


def share_cap(regime: str, code: str, *, as_of: dt.date) -> float | None:
    """Give the highest foreign share of a service under a regime.

    Parameters
    ----------
    regime, code
        Keys or aliases.
    as_of
        Date.

    Returns
    -------
    float or None
        From 0 to 1, 1.0 for no cap. None where the regime does not cover the whole service, or the sources do
        not say; `share_allowed` tells these apart.

    Examples
    --------
    >>> import datetime as dt
    >>> on = dt.date(2026, 11, 22)
    >>> share_cap("pilot107", "B14", as_of=on), share_cap("national", "B25", as_of=on)
    (1.0, 0.5)
    >>> share_cap("pilot107", "B13", as_of=on), share_cap("pilot107", "B14", as_of=dt.date(2024, 4, 8))
    (None, None)
    """
    terms = terms_of(regime, code, as_of=as_of)
    return terms.cap if terms is not None and terms.covered else None


def share_allowed(regime: str, code: str, share: float, *, as_of: dt.date) -> bool | None:
    """Tell whether a regime allows a foreign share in a service.

    Returns
    -------
    bool or None
        True up to the cap. False above every cap the regime has, where it says that it does not open the
        service, and outside its period. None where the sources do not say, and where it hangs on the part of
        the service that is offered (e-commerce, access for users only, app stores).

    Examples
    --------
    >>> import datetime as dt
    >>> on = dt.date(2026, 11, 22)
    >>> share_allowed("cepa", "B11", 0.5, as_of=on), share_allowed("cepa", "B11", 0.51, as_of=on)
    (True, False)
    >>> share_allowed("national", "B21", 1.0, as_of=on) is None  # e-commerce alone has no cap
    True
    """
    terms = terms_of(regime, code, as_of=as_of)
    if terms is None:
        return None if _may_be_silent(regime, as_of) else False
    if terms.covered is None:
        return None
    if terms.cap is not None and share <= terms.cap:
        return True
    if terms.part_cap is not None and share <= terms.part_cap:
        return None
    return False


def _may_be_silent(regime: str, as_of: dt.date) -> bool:
    key = regime_key(regime)
    if key is None:
        return True
    found = read_regimes()[key]
    return in_force(found.from_on, found.to_on, as_of)
