"""Autonomous systems of the basic carriers, and the short words by which databases name a carrier.

Both are evidence, never proof: a carrier may announce a customer's prefix, and anybody may write 电信 into a
registry (REGULATION, card ISP-05).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from auditor.columns import Coded
from auditor.registers import names
from auditor.registers._files import read_rows

if TYPE_CHECKING:
    from auditor.columns import IntArray

AsnStanding = Literal["carrier", "affiliate", "affiliate_abroad", "none"]

_HAN = {
    "电信": "telecom",
    "联通": "unicom",
    "网通": "unicom",
    "移动": "mobile",
    "铁通": "mobile",
    "广电": "broadnet",
}
# What may follow a carrier's word and leave it the carrier's: 电信通 and 移动支付 are others.
_TAIL = "(?:互联网|骨干网|城域网|数据中心|有限公司|分公司|公司|集团|宽带|网络|机房|网)*"
_WORD = f"(?:中国|中移)?(?:{'|'.join(_HAN)})"
_MENTION = re.compile(f"(?P<place>.*?)(?P<words>(?:{_WORD}{_TAIL})+)")
_LATIN = {
    "chinanet": "telecom",
    "chinatelecom": "telecom",
    "china telecom": "telecom",
    "china telecommunications": "telecom",
    "unicom": "unicom",
    "chinaunicom": "unicom",
    "china169": "unicom",
    "cncgroup": "unicom",
    "china netcom": "unicom",
    "china united network": "unicom",
    "cmnet": "mobile",
    "cmcc": "mobile",
    "chinamobile": "mobile",
    "china mobile": "mobile",
    "tietong": "mobile",
    "cttnet": "mobile",
    "chinabtn": "broadnet",
    "broadnet": "broadnet",
    "china broadcasting": "broadnet",
}
# A compass point before "China" makes it another company: South China Telecommunications.
_MENTIONS = re.compile(rf"(?<!north )(?<!south )(?<!east )(?<!west )\b(?:{'|'.join(_LATIN)})\b")
_RUNS = re.compile("[\u3400-\u9fff\uf900-\ufaff]+")


@dataclass(frozen=True, slots=True)
class CarrierAsn:
    """One autonomous system of the register.

    Parameters
    ----------
    asn
        Number.
    carrier
        Id of the carrier whose network it is, or whose affiliate announces it; blank where `standing` is
        ``none``.
    standing
        ``carrier``: network of a basic carrier in the mainland. ``affiliate``: of a company that belongs to a
        carrier and is no basic carrier itself (provincial cable, cloud). ``affiliate_abroad``: of an overseas
        arm. ``none``: of a third party whose name looks like a carrier's.
    region
        Province or city of the mainland to which the network is bound (six digits, GB/T 2260); for
        ``affiliate_abroad`` the country (ISO 3166); blank for backbones and where the name leaves it open.
    name
        Handle and holder, as registered.
    certainty, source
        How well it is known, and whence.
    """

    asn: int
    carrier: str
    standing: AsnStanding
    region: str
    name: str
    certainty: str
    source: str


@dataclass(frozen=True)
class CarriersOf:
    """What the register says of many autonomous systems; one row each, blank where it does not know them.

    Parameters
    ----------
    carrier, standing, region, certainty
        As in `CarrierAsn`.
    """

    carrier: Coded
    standing: Coded
    region: Coded
    certainty: Coded


@cache
def read_carrier_asns() -> tuple[CarrierAsn, ...]:
    """Read the register, in order of number.

    Sources: AS names and holders of `whereip-network` 0.1.0 (NRO, RIPE RIS, CAIDA, PeeringDB) and of
    `@ip-location-db/asn` (RouteViews), reviewed by hand; what a review changed stands in `source`.
    """
    rows: list[dict[str, Any]] = list(read_rows("carrier_asns.csv"))
    return tuple(CarrierAsn(**{**row, "asn": int(row["asn"])}) for row in rows)


@cache
def _by_asn() -> dict[int, CarrierAsn]:
    return {row.asn: row for row in read_carrier_asns()}


def carrier_by_asn(asn: int) -> CarrierAsn | None:
    """Give the entry of one autonomous system; none if the register does not know it.

    Examples
    --------
    >>> entry = carrier_by_asn(4812)
    >>> entry.carrier, entry.standing, entry.region
    ('telecom', 'carrier', '310000')
    >>> carrier_by_asn(23764).standing
    'affiliate_abroad'
    """
    return _by_asn().get(asn)


@cache
def _columns() -> tuple[IntArray, CarriersOf]:
    rows = read_carrier_asns()
    known = CarriersOf(
        *(
            Coded.of([getattr(row, name) or None for row in rows])
            for name in ("carrier", "standing", "region", "certainty")
        )
    )
    return np.array([row.asn for row in rows], np.int64), known


def carriers_of(asn: IntArray) -> CarriersOf:
    """Look up a whole column of autonomous systems.

    Parameters
    ----------
    asn
        Numbers, shape (n,); what the register does not know (and 0 or -1 for none) gives blanks.

    Examples
    --------
    >>> found = carriers_of(np.array([4837, 16509, 56048]))
    >>> [found.carrier.at(row) for row in range(3)], found.region.at(2)
    (['unicom', None, 'mobile'], '110000')
    """
    numbers, known = _columns()
    asn = np.asarray(asn, np.int64)
    at = np.minimum(np.searchsorted(numbers, asn), len(numbers) - 1)
    rows = np.where(numbers[at] == asn, at, -1)
    return CarriersOf(*(getattr(known, name).take(rows) for name in CarriersOf.__dataclass_fields__))


def carrier_of_words(text: str) -> tuple[str, ...]:
    """Tell which carriers a short description mentions: the words of IP databases, netnames and AS handles.

    A mention is weak evidence and makes nobody a carrier; names of enterprises go to `match_carrier`. Only
    whole words count: 电信 and 上海电信, not 电信通.

    Returns
    -------
    tuple
        Ids of carriers in order of first mention; several where several are mentioned, none for none.

    Examples
    --------
    >>> carrier_of_words("电信/联通"), carrier_of_words("CHINANET-SH"), carrier_of_words("北京电信通")
    (('telecom', 'unicom'), ('telecom',), ())
    >>> carrier_of_words("South China Telecommunications (H.K.) Limited")
    ()
    """
    plain = names.normal(text)
    found = [_LATIN[word] for word in _MENTIONS.findall(plain)]
    for run in _RUNS.findall(plain):
        match = _MENTION.fullmatch(run)
        if match and (not match["place"] or names.is_places(match["place"])):
            found += [_HAN[word] for word in re.findall("|".join(_HAN), match["words"])]
    return tuple(dict.fromkeys(found))
