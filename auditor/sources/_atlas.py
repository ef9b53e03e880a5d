"""RIPE Atlas results: traceroute and ping, of all firmwares.

Source: RIPE Atlas, "Data structures of results" (https://atlas.ripe.net/docs/apis/result-format/).
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from pydantic import Field

from auditor.language import say
from auditor.sources._hops import Address, Millis, Record, Reply, Trace, hear, hops_of

HALF_MS = 0.0005  # probes give three decimals


class _Reply(Record):
    address: Address | None = Field(None, alias="from")
    rtt: Millis | None = None
    late: int | None = None
    dup: bool | None = None
    error: Any = None


class _Hop(Record):
    hop: int | None = Field(None, ge=0, le=255)
    error: Any = None
    result: tuple[_Reply, ...] = ()


class _Head(Record):
    """What both kinds of results have; firmwares before 4460 wrote `addr` and `name`."""

    type: str = ""
    dst_addr: Address | None = None
    addr: Address | None = None
    dst_name: str | None = None
    name: str | None = None
    public: Address | None = Field(None, alias="from")
    src_addr: Address | None = None
    prb_id: int | None = None
    timestamp: int | None = Field(None, ge=0, lt=1 << 34)


class _Traceroute(_Head):
    result: tuple[_Hop, ...] = ()


class _Ping(_Head):
    result: tuple[_Reply, ...] = ()


def fits(record: dict[str, Any]) -> bool:
    """Tell whether a record is a result of RIPE Atlas."""
    return "prb_id" in record or "msm_id" in record or ("fw" in record and "result" in record)


def read(record: dict[str, Any], where: str) -> Trace:
    """Read one result.

    Raises
    ------
    pydantic.ValidationError
        Fields that are wrong.
    ValueError
        A measurement that is neither traceroute nor ping.
    """
    kind = record.get("type") or ("ping" if "avg" in record else "traceroute")
    if kind == "traceroute":
        return _read_traceroute(_Traceroute.model_validate(record), where)
    if kind == "ping":
        return _read_ping(_Ping.model_validate(record), where)
    raise ValueError(
        say("a measurement of type {kind!r}; only traceroute and ping are read", kind=str(kind)[:20])
    )


def _head(read: _Head, where: str) -> dict[str, Any]:
    at = None if read.timestamp is None else dt.datetime.fromtimestamp(read.timestamp, dt.UTC)
    return {
        "form": "atlas",
        "where": where,
        "target": read.dst_addr or read.addr or "",
        "target_name": read.dst_name or read.name or "",
        # A private address behind a translator is no sign of who it is: many networks have the same.
        "origins": tuple(filter(None, [read.public or read.src_addr])),
        "probe": "" if read.prb_id is None else str(read.prb_id),
        "measured_at": at,
    }


def _replies(ttl: int, replies: tuple[_Reply, ...]) -> list[Reply]:
    """Replies of one hop; a late one answers another probe and a second one none: they give no time."""
    return [
        Reply(
            ttl,
            reply.address or "",
            None if reply.late is not None or reply.dup else reply.rtt,
            half_ms=HALF_MS,
        )
        for reply in replies
    ] or [Reply(ttl)]


def _read_traceroute(read: _Traceroute, where: str) -> Trace:
    head = _head(read, where)
    replies = [reply for hop in read.result if hop.hop is not None for reply in _replies(hop.hop, hop.result)]
    errors = [str(hop.error) for hop in read.result if hop.error]
    return Trace(**head, hops=hops_of(replies), **hear(replies, head["target"], errors)._asdict())


def _read_ping(read: _Ping, where: str) -> Trace:
    head = _head(read, where)
    answered = [reply for reply in read.result if reply.rtt is not None]
    # Replies of a ping name nobody: they are the target's.
    replies = [
        Reply(0, head["target"], None if reply.dup else reply.rtt, half_ms=HALF_MS) for reply in answered
    ]
    errors = [str(reply.error) for reply in read.result if reply.error]
    return Trace(**head, ping=True, **hear(replies, head["target"], errors)._asdict())
