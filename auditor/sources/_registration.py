"""What an RDAP answer (RFC 9083) says of a network: read with ipwhois, and by hand where that gives up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, summarize_address_range
from typing import TYPE_CHECKING, Any, TypeAlias

from ipwhois.exceptions import BaseIpwhoisException  # type: ignore[import-untyped]
from ipwhois.net import Net  # type: ignore[import-untyped]
from ipwhois.rdap import RDAP  # type: ignore[import-untyped]

from auditor.language import say
from auditor.sources._transport import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Address: TypeAlias = IPv4Address | IPv6Address

# What ipwhois raises on answers that it did not expect, such as names that are null or lists.
UNREADABLE = (BaseIpwhoisException, LookupError, AttributeError, TypeError, ValueError, RecursionError)
GEOFEED_TYPE = "application/geofeed+csv"  # RFC 9877
GEOFEED_RELATIONS = ("geo", "geofeed")  # RFC 9877, and what registries wrote before it
GEOFEED = re.compile(r"^\s*geofeed:?\s+(https://\S+)", re.IGNORECASE | re.MULTILINE)  # RFC 9632, section 3
COUNTRY = re.compile(r"[A-Z]{2}")
NO_COUNTRIES = frozenset({"AP", "EU", "XX", "ZZ"})  # regions, and codes that mean nothing
MAINTAINER = re.compile(
    r"^maint-|-mnt$|^mnt-", re.IGNORECASE
)  # who may change the record, not who holds the block


class RegistryNet(Net):  # type: ignore[misc]  # ipwhois has no types
    """`ipwhois.net.Net` without its sockets: what it would ask for is here already, fetched by `Transport`.

    The constructor of `Net` is left out on purpose: it reads ``/etc/resolv.conf`` and fails without one.
    """

    def __init__(self, address: str, told: dict[str, Any] | None = None) -> None:
        self.address = ip_address(address)
        self.address_str = str(self.address)
        self.version = self.address.version
        self.told = told or {}

    def get_http_json(self, *_: Any, **__: Any) -> dict[str, Any]:
        """Give the answer; its URL is not decided by ipwhois."""
        return self.told


@dataclass(frozen=True)
class Registration:
    """A network as a registry has it.

    Parameters
    ----------
    netname, handle, country, remarks
        In the registry's words; country as two capitals. Blank where it does not say.
    first, last
        Ends of the block.
    holder
        The registrant, else the first line of the remarks, else the name of the network.
    geofeed
        URL of the holder's own list of places (RFC 9632, RFC 9877).
    note
        What was assumed.
    """

    netname: str
    handle: str
    first: Address
    last: Address
    country: str
    remarks: tuple[str, ...]
    holder: str
    geofeed: str | None
    note: str = ""

    @property
    def prefix(self) -> str:
        """The block as CIDR, or first and last address if it is no single one."""
        blocks = list(summarize_address_range(self.first, self.last))
        return str(blocks[0]) if len(blocks) == 1 else f"{self.first}-{self.last}"


def read_registration(address: str, raw: dict[str, Any]) -> Registration:
    """Read what a registry says of an address.

    Parameters
    ----------
    address
        That was asked about; of a block, the first.
    raw
        The JSON object that the registry answered with.

    Raises
    ------
    MalformedError
        An answer without first and last address, or about another network.
    """
    net = RegistryNet(address, raw)
    note = ""
    try:
        # The registry named here only chooses an URL, which `RegistryNet` does not use.
        told = _by_ipwhois(RDAP(net).lookup(asn_data={"asn_registry": "apnic"}, root_ent_check=False))
    except UNREADABLE as error:
        note = say(
            "ipwhois could not read the answer ({kind}); it was read without", kind=type(error).__name__
        )
        told = _by_hand(raw)
    return _registration(told, raw, net.address, note)


@dataclass(frozen=True)
class _Told:
    network: dict[str, Any]
    remarks: list[str]
    registrants: list[str]


def _by_ipwhois(parsed: dict[str, Any]) -> _Told:
    network = parsed["network"]
    names = {"start": "start_address", "end": "end_address"}
    plain = {key: network[names.get(key, key)] for key in ("start", "end", "name", "handle", "country")}
    remarks = [remark["description"] or "" for remark in network["remarks"] or ()]
    holders = [
        entity["contact"]["name"]
        for entity in parsed["objects"].values()
        if entity["contact"] and "registrant" in (entity["roles"] or ())
    ]
    return _Told(plain, remarks, holders)


def _by_hand(raw: dict[str, Any]) -> _Told:
    names = {"start": "startAddress", "end": "endAddress"}
    plain = {key: raw.get(names.get(key, key)) for key in ("start", "end", "name", "handle", "country")}
    remarks = ["\n".join(_texts(remark.get("description"))) for remark in _objects(raw.get("remarks"))]
    holders = [
        name
        for entity in _objects(raw.get("entities"))
        if "registrant" in _texts(entity.get("roles"))
        for name in _card_names(entity.get("vcardArray"))
    ]
    return _Told(plain, remarks, holders)


def _card_names(card: Any) -> Iterator[str]:
    for entry in card[1] if isinstance(card, list) and len(card) > 1 and isinstance(card[1], list) else ():
        if isinstance(entry, list) and len(entry) > 3 and entry[0] == "fn":  # noqa: PLR2004 -- RFC 7095
            yield from _texts([entry[3]])


def _registration(told: _Told, raw: dict[str, Any], asked: Address, note: str) -> Registration:
    first, last = read_address(told.network["start"]), read_address(told.network["end"])
    if first is None or last is None or first.version != last.version:
        raise MalformedError(say("the answer names no first and last address of a network"))
    if asked.version != first.version or not int(first) <= int(asked) <= int(last):
        raise MalformedError(
            say(
                "the answer is about {first}-{last}, which does not hold {asked}",
                first=first,
                last=last,
                asked=asked,
            )
        )
    netname, country = _text(told.network["name"]), _text(told.network["country"]).upper()
    remarks = tuple(remark for remark in map(_text, told.remarks) if remark)
    holders = [name for name in map(_text, told.registrants) if name and not MAINTAINER.search(name)]
    lines = [line.strip() for remark in remarks for line in remark.splitlines() if line.strip()]
    return Registration(
        netname,
        _text(told.network["handle"]),
        first,
        last,
        country if COUNTRY.fullmatch(country) and country not in NO_COUNTRIES else "",
        remarks,
        next(iter([*holders, *lines, netname])),
        feed_url(raw),
        note,
    )


def feed_url(answer: Mapping[str, Any]) -> str | None:
    """Find the geofeed that the RDAP object of a network names: in a link, or in a line of its remarks.

    Examples
    --------
    >>> feed_url({"links": [{"rel": "geo", "href": "https://example.cn/geofeed.csv"}]})
    'https://example.cn/geofeed.csv'
    >>> feed_url({"remarks": [{"description": ["Geofeed https://example.cn/geofeed.csv"]}]})
    'https://example.cn/geofeed.csv'
    """
    for link in _objects(answer.get("links")):
        url = _text(link.get("href"))
        if url and (link.get("type") == GEOFEED_TYPE or link.get("rel") in GEOFEED_RELATIONS):
            return url
    for remark in _objects(answer.get("remarks")):
        lines = remark.get("description")
        found = GEOFEED.search("\n".join(_texts(lines if isinstance(lines, list) else [lines])))
        if found:
            return found[1]
    return None


def read_address(text: Any) -> Address | None:
    """Read an address as registries write it: with zeros in front, or with a length behind."""
    plain, _, _ = _text(text).partition("/")
    if "." in plain and ":" not in plain:
        plain = ".".join(part.lstrip("0") or "0" for part in plain.split("."))
    try:
        return ip_address(plain)
    except ValueError:
        return None


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _texts(values: Any) -> list[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def _objects(values: Any) -> list[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
