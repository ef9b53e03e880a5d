"""What `traceroute` and `besttrace` print: Linux, inetutils, BusyBox and BSD, with names or without.

Hops may hold several addresses, annotations (``!H``), AS numbers and MPLS labels. What `besttrace` says of
places is kept as words and not believed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from auditor.errors import Problem, said_by
from auditor.language import say
from auditor.problems import quote
from auditor.sources._hops import (
    LAST_TTL,
    LONGEST_MS,
    Reply,
    Trace,
    address_of,
    half_unit,
    hear,
    hops_of,
    raise_problems,
)

LONGEST_LINE = 10_000
_HEADER = re.compile(
    r"traceroute6? to (?P<name>[^\s,()]+)(?: \((?P<address>[^\s()]+)\))?(?: from (?P<origin>[^\s,]+))?.*",
    re.IGNORECASE,
)
_SKIPPED = re.compile(
    r"[#$]|traceroute6?: |besttrace\b", re.IGNORECASE
)  # comments, prompts, warnings, banners
_HOP = re.compile(r"\s*(?P<ttl>\d{1,3})(?:\s+(?P<rest>.*))?")
_MPLS = re.compile(r"\s+\[?MPLS\b")
_TOKEN = re.compile(
    r"""(?P<rtt>-?\d{1,9}(?:\.\d{1,9})?)\s?ms(?!\S)
    |(?P<silent>\*)(?!\S)
    |(?P<note>!\S*|\[(?:AS|\*)[^\]\s]*\]|<MPLS:[^>]*>|\[MPLS:[^\]]*\])(?!\S)
    |(?P<first>[^\s()]+)\s+\((?P<second>[^\s()]+)\)(?!\S)
    |(?P<word>\S+)""",
    re.VERBOSE,
)


class _LineError(Exception):
    """A line that is not what its place asks for."""


@dataclass
class _Open:
    """A trace while its lines come in."""

    line: int
    target: str
    name: str
    origin: str
    replies: list[Reply] = field(default_factory=list)
    ttl: int = 0
    placed: bool = False  # whether there are words that only besttrace writes

    def close(self) -> Trace:
        return Trace(
            form="besttrace" if self.placed else "traceroute",
            where=say("line {number}", number=self.line),
            target=self.target,
            target_name=self.name,
            origins=(self.origin,) if self.origin else (),
            hops=hops_of(self.replies),
            **hear(self.replies, self.target)._asdict(),
        )


def read(text: str, file: str) -> list[Trace]:
    """Read all traces of a file.

    Raises
    ------
    DataError
        Lines that are neither header nor hop, all of them.
    """
    traces: list[_Open] = []
    problems = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            _take(line, number, traces)
        except _LineError as error:
            problems.append(Problem(file, say("line {number}", number=number), "", said_by(error)))
    raise_problems(problems)
    return [trace.close() for trace in traces]


def _take(line: str, number: int, traces: list[_Open]) -> None:
    if len(line) > LONGEST_LINE:
        raise _LineError(say("is too long for a hop"))
    if not line.strip() or _SKIPPED.match(line):
        return
    header = _HEADER.fullmatch(line.strip())
    if header:
        target = address_of(header["address"] or header["name"])
        if header["address"] and not target:
            raise _LineError(say("{value} is no address", value=quote(header["address"])))
        name = "" if address_of(header["name"]) else header["name"]
        traces.append(_Open(number, target, name, address_of(header["origin"] or "")))
    elif traces:
        _take_hop(line, traces[-1])
    else:
        raise _LineError(
            say(
                "{value} stands before any line like 'traceroute to HOST (ADDRESS), …'",
                value=quote(line.strip()),
            )
        )


def _take_hop(line: str, trace: _Open) -> None:
    hop = _HOP.fullmatch(line)
    if hop:
        trace.ttl = int(hop["ttl"])
        if not 1 <= trace.ttl <= LAST_TTL:
            raise _LineError(say("{number} is no hop; they are 1 to {last}", number=trace.ttl, last=LAST_TTL))
        trace.replies.append(Reply(trace.ttl))  # so that a hop without a word is there, too
    elif not line[0].isspace() or not trace.ttl:
        raise _LineError(say("{value} is no hop", value=quote(line.strip())))
    if _MPLS.match(line):
        trace.replies.append(Reply(trace.ttl, words=" ".join(line.split())))
        return
    read = _Line(trace.ttl)
    for token in _TOKEN.finditer(hop["rest"] or "" if hop else line):
        read.take(token)
    trace.replies += read.close(continues=hop is None)
    trace.placed |= bool(read.words)


@dataclass
class _Line:
    """What one line says, token by token."""

    ttl: int
    address: str = ""
    name: str = ""
    timed: bool = False
    replies: list[Reply] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def take(self, token: re.Match[str]) -> None:
        """Take what the token's group is called."""
        getattr(self, f"_{token.lastgroup}")(token)

    def close(self, *, continues: bool) -> list[Reply]:
        """Give the replies; a line that continues a hop must name somebody."""
        if continues and not self.replies:
            raise _LineError(say("neither a hop nor more of one"))
        more = [Reply(self.ttl, words=" ".join(self.words))] if self.words else []
        return [*self.replies, *more]

    def _rtt(self, token: re.Match[str]) -> None:
        if not self.address and not self.name:
            raise _LineError(say("{value}: a round trip to nobody", value=quote(token[0])))
        time, half_ms = float(token["rtt"]), half_unit(token["rtt"])
        if abs(time) > LONGEST_MS:
            raise _LineError(say("{value} is no round trip", value=quote(token[0])))
        self.replies.append(Reply(self.ttl, self.address, time or half_ms, self.name, half_ms=half_ms))
        self.timed = True

    def _silent(self, _: re.Match[str]) -> None:
        self.replies.append(Reply(self.ttl))
        self.timed = True

    def _note(self, token: re.Match[str]) -> None:
        self.replies.append(Reply(self.ttl, words=token["note"]))

    def _second(self, token: re.Match[str]) -> None:
        """Take ``name (address)``, or ``address (name)`` as inetutils writes it."""
        second, first = address_of(token["second"]), address_of(token["first"])
        if second or first:
            name = token["first"] if second else token["second"]
            self._host(second or first, "" if address_of(name) else name)
        else:
            self._said(token[0])

    def _word(self, token: re.Match[str]) -> None:
        address = address_of(token["word"])
        if address:
            self._host(address, "")
        else:
            self._said(token["word"])

    def _host(self, address: str, name: str) -> None:
        self.address, self.name = address, name
        self.replies.append(Reply(self.ttl, address, None, name))

    def _said(self, word: str) -> None:
        if not self.timed:
            raise _LineError(say("{value} is neither an address nor a round trip", value=quote(word)))
        self.words.append(word)
