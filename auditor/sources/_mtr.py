"""Reports of `mtr --json`; releases differ in what is a number and what is text, and in what may be missing.

Source: mtr 0.85 to 0.95, `ui/report.c`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from auditor.language import say
from auditor.problems import quote
from auditor.sources._hops import Record, Reply, Trace, address_of, half_unit, hear, hops_of, is_number

COARSEST_HALF_MS = 0.005  # two decimals at least are printed
UNKNOWN = frozenset({"???", "(waiting for reply)"})
_BOTH = re.compile(r"(?P<name>\S+) \((?P<address>[^()\s]+)\)")  # mtr --show-ips
_PRINTED = re.compile(r"-?\d{1,9}(?:\.\d{1,9})?")


def _time(value: Any) -> tuple[float, float] | None:
    """Read a round trip and half its unit; text shows its precision, a number may hide zeros at its end."""
    if value is None:
        return None
    if isinstance(value, str) and _PRINTED.fullmatch(value.strip()):
        return float(value), half_unit(value.strip())
    if isinstance(value, int | float) and not isinstance(value, bool) and is_number(value):
        return float(value), COARSEST_HALF_MS
    raise ValueError(say("{value} is no round trip", value=quote(value)))


class _Hub(Record):
    count: int = Field(ge=1, le=255)
    host: str
    best: Annotated[tuple[float, float] | None, BeforeValidator(_time)] = Field(None, alias="Best")
    asn: str = Field("", alias="ASN")


class _About(Record):
    src: str = ""
    dst: str = ""


class _Body(Record):
    mtr: _About = _About()
    hubs: tuple[_Hub, ...]


class _Report(Record):
    report: _Body


def fits(record: dict[str, Any]) -> bool:
    """Tell whether a record is a report of mtr."""
    return "report" in record


def _who(host: str) -> tuple[str, str]:
    """Address and name of a hub: mtr writes one of them, or both."""
    both = _BOTH.fullmatch(host.strip())
    if both and address_of(both["address"]):
        return address_of(both["address"]), both["name"]
    address = address_of(host.strip())
    return address, "" if address or host.strip() in UNKNOWN else host.strip()


def _words(asn: str) -> str:
    """Give the system that mtr names, if it knows one (``AS???``)."""
    return "" if "?" in asn else asn.strip()


def read(record: dict[str, Any], where: str) -> Trace:
    """Read one report.

    Raises
    ------
    pydantic.ValidationError
        Fields that are wrong.
    """
    body = _Report.model_validate(record).report
    target, name = _who(body.mtr.dst)
    replies: list[Reply] = []
    for hub in body.hubs:
        address, host = _who(hub.host)
        if name and host == name:  # the target under its name: its address, if it is told here
            target = target or address
        time, half = hub.best or (None, 0.0)
        if not address and not host:
            time = None  # mtr writes 0 where nobody answered
        elif time == 0:
            time = half  # rounded down
        replies.append(Reply(hub.count, address, time, host, _words(hub.asn), half))
    heard = hear(replies, target)
    return Trace(
        form="mtr",
        where=where,
        target=target,
        target_name=name,
        origins=tuple(filter(None, [address_of(body.mtr.src)])),
        host=body.mtr.src,
        hops=hops_of(replies),
        reached=heard.reached or bool(name and any(reply.name == name for reply in replies)),
        rtt_ms=heard.rtt_ms,
        fault=heard.fault,
    )
