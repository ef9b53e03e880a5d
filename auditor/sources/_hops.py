"""Traces as every form of traceroute and ping tells them: hops, round trips, and what the target answered."""

from __future__ import annotations

import math
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from auditor.errors import DataError, Problem, fault_of, said_by
from auditor.language import say
from auditor.problems import quote

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator

M_PER_MS = 99_930.0  # metres that light in fibre, at 2/3 of its speed, goes and comes back in a millisecond
LAST_TTL = 255
LONGEST_MS = 600_000.0
LONGEST_WORDS = 200
SHOWN = 20
LARGEST = 256 << 20


def normal_address(text: str) -> str:
    """Write an address as RFC 5952 does; IPv4 as four numbers; the zone of a link-local address falls away.

    Raises
    ------
    ValueError
        No address.

    Examples
    --------
    >>> normal_address("2001:DB8:0::1"), normal_address("fe80::1%eth0")
    ('2001:db8::1', 'fe80::1')
    """
    try:
        return str(ip_address(text.partition("%")[0]))
    except ValueError:
        raise ValueError(say("{value} is no address", value=quote(text))) from None


def address_of(text: str) -> str:
    """Give an address as `normal_address` does, and nothing where the text is none.

    Examples
    --------
    >>> address_of("192.0.2.1"), address_of("gw.example")
    ('192.0.2.1', '')
    """
    try:
        return normal_address(text)
    except ValueError:
        return ""


Address = Annotated[str, AfterValidator(normal_address)]
Millis = Annotated[float, Field(allow_inf_nan=False, le=LONGEST_MS)]


class Record(BaseModel):
    """A record of a JSON file; keys that we do not read are left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one probe.

    Parameters
    ----------
    ttl
        Hop limit of the probe, 1 to 255.
    address, name
        Who answered; blank if nobody did, or if only a name is known.
    rtt_ms
        Round trip in milliseconds as printed; none if it was not measured.
    half_ms
        Half of the unit that `rtt_ms` is rounded to: the true one may be longer by as much.
    words
        What the program says of the hop beside that.
    """

    ttl: int
    address: str = ""
    rtt_ms: float | None = None
    name: str = ""
    words: str = ""
    half_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a path.

    Parameters
    ----------
    ttl
        Its number.
    addresses, names
        Who answered, in order; several where the path forks, none where nobody answered.
    rtt_ms
        Least round trip that is more than nothing.
    words
        What the program says of it, unread.
    """

    ttl: int
    addresses: tuple[str, ...] = ()
    rtt_ms: float | None = None
    names: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Fields as they stand in `details`; names and words only where there are some."""
        more = {"names": self.names, "words": self.words}
        return {"ttl": self.ttl, "addresses": self.addresses, "rtt_ms": self.rtt_ms} | {
            key: value for key, value in more.items() if value
        }


@dataclass(frozen=True, slots=True)
class Trace:
    """One traceroute or ping.

    Parameters
    ----------
    form
        Program that wrote it: ``atlas``, ``mtr``, ``scamper``, ``traceroute`` or ``besttrace``.
    where
        Place in its file.
    target
        Address that was probed; blank if only `target_name` is known.
    target_name
        Name that was asked for.
    origins
        Address of the prober, as the world sees it if that is told; none if neither is.
    probe, host
        Number of a RIPE Atlas probe, name of the measuring host.
    hops
        In order of `ttl`, without gaps; none for a ping.
    ping
        Whether only the target was asked.
    reached
        Whether the target itself answered.
    rtt_ms
        No less than its least round trip to the target: rounding is added.
    fault
        What is wrong with round trips that were left out, or why there is nothing.
    measured_at
        Aware UTC.
    """

    form: str
    where: str
    target: str
    target_name: str = ""
    origins: tuple[str, ...] = ()
    probe: str = ""
    host: str = ""
    hops: tuple[Hop, ...] = ()
    ping: bool = False
    reached: bool = False
    rtt_ms: float | None = None
    fault: str = ""
    measured_at: dt.datetime | None = None


class Heard(NamedTuple):
    """What the target answered: fields of a `Trace`."""

    reached: bool
    rtt_ms: float | None
    fault: str


def hear(replies: Iterable[Reply], target: str, errors: Iterable[str] = ()) -> Heard:
    """Find the least round trip to the target, rounding added, so that a bound made of it is one.

    Parameters
    ----------
    replies
        All of a trace, or of a ping.
    target
        Its address; blank gives nothing.
    errors
        What the program itself says went wrong.

    Examples
    --------
    >>> told = [Reply(1, "192.0.2.1", 0.5), Reply(2, "192.0.2.9", 1.8, half_ms=0.05)]
    >>> hear(told, "192.0.2.9")
    Heard(reached=True, rtt_ms=1.85, fault='')
    """
    own = [reply for reply in replies if target and reply.address == target]
    times = [(reply.rtt_ms, reply.half_ms) for reply in own if reply.rtt_ms is not None]
    wrong = [time for time, _ in times if not time > 0]
    right = [round(time + half, 9) for time, half in times if time > 0]
    faults = [say("a round trip of {ms:g} ms is none", ms=min(wrong))] if wrong else []
    fault = "; ".join(dict.fromkeys([*faults, *(error[:LONGEST_WORDS] for error in errors)]))
    return Heard(bool(own), min(right, default=None), fault)


def hops_of(replies: Iterable[Reply], *, first: int = 1) -> tuple[Hop, ...]:
    """Put replies together, a hop each; hops between that say nothing are there and empty.

    Parameters
    ----------
    replies
        In any order; those of one hop keep theirs.
    first
        First hop that was probed.

    Examples
    --------
    >>> [hop.addresses for hop in hops_of([Reply(1, "192.0.2.1"), Reply(3, "192.0.2.9")])]
    [('192.0.2.1',), (), ('192.0.2.9',)]
    """
    ordered = sorted(replies, key=lambda reply: reply.ttl)
    hops = {ttl: _hop(ttl, list(group)) for ttl, group in groupby(ordered, key=lambda reply: reply.ttl)}
    # RIPE Atlas tries 255 at last, after a gap that was not probed.
    last = max((ttl for ttl in hops if ttl < LAST_TTL), default=0)
    every = sorted({*range(first, last + 1), *hops})
    return tuple(hops.get(ttl, Hop(ttl)) for ttl in every)


def _hop(ttl: int, replies: list[Reply]) -> Hop:
    def once(values: Iterator[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(filter(None, values)))

    times = [reply.rtt_ms for reply in replies if reply.rtt_ms is not None and reply.rtt_ms > 0]
    return Hop(
        ttl,
        once(reply.address for reply in replies),
        min(times, default=None),
        once(reply.name for reply in replies),
        once(reply.words for reply in replies),
    )


def half_unit(printed: str) -> float:
    """Half of the unit that a printed number is rounded to.

    Examples
    --------
    >>> half_unit("0.35"), half_unit("12")
    (0.005, 0.5)
    """
    return 0.5 * 10.0 ** -len(printed.partition(".")[2])


def wrong_fields(file: str, where: str, error: ValidationError) -> list[Problem]:
    """Say what a record lacks or has wrong."""
    words = {
        "missing": say("is missing"),
        "string_type": say("is no text"),
        "float_parsing": say("is no number"),
    }
    return [
        Problem(
            file,
            where,
            ".".join(map(str, e["loc"])),
            words.get(e["type"])
            or (said_by(e["ctx"]["error"]) if e["type"] == "value_error" else fault_of(e)),
        )
        for e in error.errors(include_url=False)
    ]


def raise_problems(problems: list[Problem]) -> None:
    """Raise all problems of a file as one error; of many the first are shown and the rest are counted.

    Raises
    ------
    DataError
        If there are some.
    """
    if problems:
        more = len(problems) - SHOWN
        raise DataError(*problems[:SHOWN], *([say("… and {count:,} more", count=more)] if more > 0 else []))


def records(text: str, file: str) -> list[tuple[str, Any]]:
    """Read a JSON file: one record, a list of them, or one a line; each with its place.

    Raises
    ------
    DataError
        Lines that are no JSON.
    """
    try:
        whole = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        if len(lines) < 2 or not lines[0][1].rstrip().endswith(("}", "]")):  # noqa: PLR2004 -- no JSON lines
            where = say("line {number}", number=error.lineno)
            raise DataError(Problem(file, where, "", say("no JSON: {reason}", reason=error.msg))) from None
        return _lines(lines, file)
    if isinstance(whole, list):
        return [(say("record {number}", number=number), record) for number, record in enumerate(whole, 1)]
    return [(say("record {number}", number=1), whole)]


def _lines(lines: list[tuple[int, str]], file: str) -> list[tuple[str, Any]]:
    read: list[tuple[str, Any]] = []
    problems: list[Problem] = []
    for number, line in lines:
        try:
            read.append((say("line {number}", number=number), orjson.loads(line)))
        except orjson.JSONDecodeError as error:
            where = say("line {number}", number=number)
            problems.append(Problem(file, where, "", say("no JSON: {reason}", reason=error.msg)))
    raise_problems(problems)
    return read


def is_number(value: float) -> bool:
    """Tell whether a number may be a round trip at all."""
    return math.isfinite(value) and abs(value) <= LONGEST_MS
