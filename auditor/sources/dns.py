"""Where the names of services lead: chains of CNAME records, and the addresses at their end."""

from __future__ import annotations

import base64
import datetime as dt
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
import orjson

from auditor import observations
from auditor.addresses import Addresses
from auditor.asking import Source
from auditor.language import both, say
from auditor.observations import Provenance
from auditor.sources._memory import Memory
from auditor.sources._resolver import PORT, failure, make_resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from auditor.asking import Asked, Tools
    from auditor.settings import Settings
    from auditor.sources._memory import Kept

NAME, FAMILY = "dns", "dns"
LONGEST = 16  # names of a chain; resolvers give up there too
TYPES = ("A", "AAAA")
CODEC = dns.name.IDNA_2003  # the one that needs no further package
FINAL = ("answer", "no_record", "malformed")  # outcomes that name servers decided; others are asked for again
# Letters, digits, hyphens and underscores (RFC 1123, RFC 8552), and a last label that is no number.
HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+(?=[a-z0-9-]*[a-z])[a-z0-9-]{1,63}")


class Fault(NamedTuple):
    """Why there is no address.

    Parameters
    ----------
    outcome, note
        As in the row.
    whole
        Whether it holds of the name, and not only of the type of address that was asked for.
    """

    outcome: str
    note: str
    whole: bool = True


class _NoAnswerError(Exception):
    """A question that name servers did not answer."""

    def __init__(self, outcome: str, note: str) -> None:
        self.fault = Fault(outcome, note)
        super().__init__(note)


class Chain(NamedTuple):
    """What following one name gave.

    Parameters
    ----------
    names
        The name asked, and those that CNAME records led to, in order.
    addresses
        Addresses at the end; none if `fault` tells why.
    ttl
        Shortest time to live met, in seconds; none without any record.
    fault
        None where all is well.
    """

    names: tuple[str, ...]
    addresses: tuple[str, ...]
    ttl: int | None
    fault: Fault | None


@dataclass
class _Found:
    """Both chains of a name put together, and the answers they were read from."""

    at: dt.datetime
    names: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    ttl: int | None = None
    outcome: str = "answer"
    notes: list[str] = field(default_factory=list)
    final: bool = True
    digest: str | None = None


def host_name(text: str) -> str:
    """Give a name as name servers know it: lower case, Punycode (RFC 5891), without a dot at the end.

    Raises
    ------
    ValueError
        No name of a host: an address, a URL, a label that is too long…

    Examples
    --------
    >>> host_name("CDN.Example.CN."), host_name("用户.cn")
    ('cdn.example.cn', 'xn--zouo53b.cn')
    """
    try:
        name = dns.name.from_text(text.strip().removesuffix("."), None, CODEC).to_text().lower()
    except (dns.exception.DNSException, UnicodeError) as error:
        raise ValueError(say("no name of a host: {reason}", reason=str(error))) from None
    if not HOST.fullmatch(name):
        raise ValueError(
            say("no name of a host; write it as in cdn.example.cn, without protocol, port and path")
        )
    return name


def follow(name: str, kind: str, ask: Callable[[str, str], bytes]) -> Chain:
    """Follow a name through CNAME records to its addresses.

    Parameters
    ----------
    name
        In Punycode, without a dot at the end.
    kind
        ``A`` or ``AAAA``.
    ask
        From name and type to the answer as it came over the wire; called again where an answer ends at a
        CNAME record.

    Returns
    -------
    Chain
        With `fault` where there is no address, or no end (RFC 1034 section 3.6.2 forbids loops).
    """
    names, ttls = [name], list[int]()
    addresses: tuple[str, ...] = ()
    fault = None
    going = True
    while going:
        try:
            answer = dns.message.from_wire(ask(names[-1], kind), ignore_trailing=True)
        except _NoAnswerError as error:
            fault = error.fault
            break
        asked = names[-1]
        addresses, fault = _read(answer, names, ttls, kind)
        going = not addresses and fault is None and names[-1] != asked
    if not addresses and fault is None:
        fault = _nothing(answer, names[-1], kind)
    return Chain((*names,), addresses, min(ttls, default=None), fault)


def _nothing(answer: dns.message.Message, name: str, kind: str) -> Fault:
    if answer.rcode() == dns.rcode.NXDOMAIN:
        return Fault("no_record", say("{name} does not exist", name=name))
    return Fault("no_record", say("{name} has no address of type {kind}", name=name, kind=kind), whole=False)


def _read(
    answer: dns.message.Message, names: list[str], ttls: list[int], kind: str
) -> tuple[tuple[str, ...], Fault | None]:
    """Go on from the last name as far as an answer leads; give addresses, and what is wrong."""
    records = {(_text(rrset.name), rrset.rdtype): rrset for rrset in answer.answer}
    while True:
        end = records.get((names[-1], dns.rdatatype.from_text(kind)))
        if end is not None:
            ttls.append(end.ttl)
            return tuple(sorted(record.address for record in end)), None
        link = records.get((names[-1], dns.rdatatype.CNAME))
        if link is None:
            return (), None
        ttls.append(link.ttl)
        target = _text(link[0].target)
        if target in names:
            return (), Fault(
                "malformed",
                say(
                    "the chain of names is a loop: {name} leads back to {target}",
                    name=names[-1],
                    target=target,
                ),
            )
        names.append(target)
        if len(names) > LONGEST:
            return (), Fault("malformed", say("the chain has more than {longest} names", longest=LONGEST))


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


class _Servers:
    """The name servers to ask, one after the other, each question once."""

    def __init__(self, tools: Tools) -> None:
        self.tools, self.network = tools, tools.settings.network
        resolver = make_resolver(self.network)
        self.servers = [
            (server, PORT) if isinstance(server, str) else (server.answer_nameserver(), server.answer_port())
            for server in resolver.nameservers
        ]

    def asker(self) -> Callable[[str, str], bytes]:
        """Give what asks the questions about one name, within the deadline of one answer."""
        end = self.tools.now() + dt.timedelta(seconds=self.network.deadline_s)

        def ask(name: str, kind: str) -> bytes:
            left = (end - self.tools.now()).total_seconds()
            if left <= 0:
                raise _NoAnswerError(
                    "unavailable",
                    say("the name servers took more than {seconds:g} s", seconds=self.network.deadline_s),
                )
            return self._ask(name, kind, min(left, self.network.timeout_s))

        return ask

    def _ask(self, name: str, kind: str, timeout: float) -> bytes:
        faults: list[tuple[str, str]] = [("unavailable", say("there are no name servers"))]
        for address, port in self.servers:
            query = dns.message.make_query(name, kind)
            try:
                answer, _ = dns.query.udp_with_fallback(
                    query, address, timeout, port, ignore_unexpected=True, ignore_errors=True
                )
            except dns.exception.DNSException as error:
                faults.append(failure(error))
                continue
            except (OSError, EOFError) as error:  # the latter where TCP is closed without an answer
                told = getattr(error, "strerror", None) or error
                faults.append(
                    ("unavailable", say("the name servers cannot be reached: {reason}", reason=told))
                )
                continue
            if answer.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                return answer.wire or answer.to_wire()
            code = dns.rcode.to_text(answer.rcode())
            faults.append(
                (
                    "refused" if code == "REFUSED" else "unavailable",
                    say("the name servers answered {code}", code=code),
                )
            )
        raise _NoAnswerError(*faults[-1])


def _find(name: str, ask: Callable[[str, str], bytes], at: dt.datetime) -> tuple[_Found, dict[str, bytes]]:
    """Ask for both kinds of address; give the answers as they came too, by ``TYPE name``."""
    kept: dict[str, bytes] = {}

    def keeping(asked: str, kind: str) -> bytes:
        kept[f"{kind} {asked}"] = wire = ask(asked, kind)
        return wire

    found, faults = _Found(at), list[Fault]()
    for kind in TYPES:
        chain = follow(name, kind, keeping)
        found.names += [other for other in chain.names if other not in found.names]
        found.addresses += chain.addresses
        found.ttl = min((ttl for ttl in (found.ttl, chain.ttl) if ttl is not None), default=None)
        faults += [chain.fault] if chain.fault else []
        if chain.fault and chain.fault.whole:
            break  # the other type would be no news
    found.final = all(fault.outcome in FINAL for fault in faults)
    told = [fault for fault in faults if fault.outcome != "no_record"]
    if not found.addresses:  # what could not be learnt weighs more than what is not there
        found.outcome, note, whole = (told or faults)[0]
        found.notes.append(note if whole else say("{name} has no address", name=found.names[-1]))
    else:
        found.notes += [fault.note for fault in told]
    found.notes += _inward(found.addresses)
    return found, kept


def _inward(addresses: list[str]) -> list[str]:
    special = Addresses.of(addresses).reserved if addresses else None
    named = [(address, special.at(row)) for row, address in enumerate(addresses)] if special else []
    return [
        say("{address} is no public address ({kind})", address=address, kind=name)
        for address, name in named
        if name
    ]


def _resolve(name: str, servers: _Servers, memory: Memory) -> _Found:
    """Ask, unless an answer that is young enough is kept."""
    kept = memory.recall(f"dns:{name}")
    found = _replayed(name, kept) if kept else None
    if kept is None or found is None:
        found, wires = _find(name, servers.asker(), memory.now())
        if not wires:
            return found
        raw = {question: base64.b64encode(wire).decode() for question, wire in sorted(wires.items())}
        kept = memory.keep(f"dns:{name}", orjson.dumps(raw), final=found.final)
    found.at, found.digest = kept.at, kept.digest
    return found


def _replayed(name: str, kept: Kept) -> _Found | None:
    """Read the answers that the archive keeps; nothing if they are none."""

    def ask(asked: str, kind: str) -> bytes:
        try:
            return wires[f"{kind} {asked}"]
        except KeyError:
            raise _NoAnswerError("unavailable", say("that answer is not kept")) from None

    try:
        wires = {question: base64.b64decode(wire) for question, wire in orjson.loads(kept.body).items()}
        return _find(name, ask, kept.at)[0]
    except (AttributeError, TypeError, ValueError, dns.exception.DNSException):  # noted by another hand
        return None


def _ask(asked: Asked, tools: Tools) -> Iterator[pa.Table]:
    try:
        servers = _Servers(tools)
    except dns.resolver.NoResolverConfiguration as error:
        outcome, note = failure(error)
        servers = None
    memory = Memory(tools.archive, tools.now, tools.settings.network.cache_days)
    known: dict[str, _Found] = {}
    for domain in dict.fromkeys(asked.domains):
        try:
            name = host_name(domain)
        except ValueError as error:
            yield _row(domain, _Found(tools.now(), outcome="malformed", notes=[str(error)]))
        else:
            if servers is None:
                known[name] = _Found(tools.now(), outcome=outcome, notes=[note])
            elif name not in known:
                known[name] = _resolve(name, servers, memory)
            yield _row(domain, known[name])
        tools.tick(1)


def _row(domain: str, found: _Found) -> pa.Table:
    details: dict[str, Any] = {"chain": found.names, "addresses": found.addresses, "ttl": found.ttl}
    return observations.table(
        1,
        subject=[f"domain:{domain}"],
        asked=[domain],
        source=NAME,
        family=FAMILY,
        kind="name",
        outcome=found.outcome,
        seen_at=found.at,
        digest=[found.digest],
        note=["; ".join(found.notes) or None],
        details=[orjson.dumps(details).decode()],
    )


def _provenance(_: Settings) -> tuple[Provenance, ...]:
    return (Provenance(NAME, FAMILY, say("Name servers (DNS)")),)


SOURCE = Source(
    name=NAME,
    title=both("Name servers: chains of names and addresses of services"),
    online=True,
    ask=_ask,
    provenance=_provenance,
    finds_addresses=True,
)
