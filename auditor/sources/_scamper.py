"""Traces and pings of scamper, as `sc_warts2json` writes them, a record a line.

Source: manual page of sc_warts2json, https://www.caida.org/catalog/software/scamper/.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from pydantic import Field

from auditor.sources._hops import Address, Millis, Record, Reply, Trace, hear, hops_of

HALF_MS = 0.0005  # three decimals are written
MARKS = frozenset({"cycle-start", "cycle-stop", "cycle-def"})  # records that hold no trace


class _Start(Record):
    sec: int = Field(ge=0, lt=1 << 34)


class _Hop(Record):
    addr: Address
    probe_ttl: int = Field(ge=1, le=255)
    rtt: Millis | None = None
    name: str = ""


class _Response(Record):
    address: Address = Field(alias="from")
    rtt: Millis | None = None


class _Head(Record):
    dst: Address
    src: Address | None = None
    start: _Start | None = None
    stop_reason: str = ""


class _Trace(_Head):
    firsthop: int = Field(1, ge=1, le=255)
    hop_count: int = Field(0, ge=0, le=255)
    hops: tuple[_Hop, ...] = ()


class _Ping(_Head):
    responses: tuple[_Response, ...] = ()


def fits(record: dict[str, Any]) -> bool:
    """Tell whether a record is scamper's."""
    kind = record.get("type")
    return isinstance(kind, str) and (kind in MARKS or (kind in ("trace", "ping") and "dst" in record))


def read(record: dict[str, Any], where: str) -> Trace | None:
    """Read one record; nothing for those that mark where a cycle begins and ends.

    Raises
    ------
    pydantic.ValidationError
        Fields that are wrong.
    """
    if record["type"] in MARKS:
        return None
    if record["type"] == "ping":
        ping = _Ping.model_validate(record)
        replies = [Reply(0, response.address, response.rtt, half_ms=HALF_MS) for response in ping.responses]
        return Trace(**_head(ping, where), ping=True, **hear(replies, ping.dst)._asdict())
    trace = _Trace.model_validate(record)
    replies = [Reply(hop.probe_ttl, hop.addr, hop.rtt, hop.name, half_ms=HALF_MS) for hop in trace.hops]
    silent = [Reply(trace.hop_count)] if trace.hop_count >= trace.firsthop else []
    return Trace(
        **_head(trace, where),
        hops=hops_of([*replies, *silent], first=trace.firsthop),
        **hear(replies, trace.dst)._asdict(),
    )


def _head(read: _Head, where: str) -> dict[str, Any]:
    return {
        "form": "scamper",
        "where": where,
        "target": read.dst,
        "origins": (read.src,) if read.src else (),
        "measured_at": dt.datetime.fromtimestamp(read.start.sec, dt.UTC) if read.start else None,
    }
