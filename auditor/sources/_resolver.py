"""How sources ask name servers: those of the settings or the system's, and what their failures mean."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

import dns.exception
import dns.nameserver
import dns.rcode
import dns.resolver

from auditor.errors import UsageError
from auditor.language import say

if TYPE_CHECKING:
    from auditor.settings import Network

PORT, HIGHEST_PORT = 53, 65_535


def make_resolver(network: Network) -> dns.resolver.Resolver:
    """Make a resolver that asks `network.resolver`, or the system's name servers where there is none.

    Raises
    ------
    UsageError
        A name server of the settings that is no address.
    dns.resolver.NoResolverConfiguration
        The system has none (no ``/etc/resolv.conf``); `failure` has words for it.

    Examples
    --------
    >>> from auditor.settings import Network
    >>> [str(server) for server in make_resolver(Network(resolver=("192.0.2.53:5353",))).nameservers]
    ['Do53:192.0.2.53@5353']
    """
    resolver = dns.resolver.Resolver(configure=not network.resolver)
    if network.resolver:
        resolver.nameservers = [_server(text) for text in network.resolver]
    resolver.search = []
    resolver.timeout = network.timeout_s
    resolver.lifetime = network.deadline_s
    resolver.cache = dns.resolver.LRUCache(10_000)
    return resolver


def _server(text: str) -> dns.nameserver.Nameserver:
    host, _, port = text.rpartition(":") if text.count(":") == 1 or "]:" in text else (text, "", str(PORT))
    try:
        if not 0 < int(port) <= HIGHEST_PORT:
            raise ValueError(port)  # noqa: TRY301 -- one sentence for all
        return dns.nameserver.Do53Nameserver(str(ip_address(host.strip("[]"))), int(port))
    except ValueError:
        raise UsageError(
            say(
                "settings, network.resolver: {value!r} is no name server; give ADDRESS or ADDRESS:PORT",
                value=text,
            )
        ) from None


def failure(error: dns.exception.DNSException) -> tuple[str, str]:
    """Outcome of an observation, and a sentence, for a question that name servers did not answer.

    Examples
    --------
    >>> failure(dns.resolver.NoResolverConfiguration())
    ('unavailable', 'this system has no name servers; set network.resolver')
    """
    if isinstance(error, dns.resolver.NXDOMAIN):
        return "no_record", say("the name does not exist")
    if isinstance(error, dns.resolver.NoAnswer):
        return "no_record", say("the name has no record of that type")
    if isinstance(error, dns.resolver.NoResolverConfiguration):
        return "unavailable", say("this system has no name servers; set network.resolver")
    if isinstance(error, dns.exception.Timeout):
        return "unavailable", say("the name servers did not answer in time")
    if isinstance(error, dns.resolver.NoNameservers):
        return _refusal(error)
    return "malformed", say("no valid DNS question or answer: {reason}", reason=str(error))


def _refusal(error: dns.resolver.NoNameservers) -> tuple[str, str]:
    # Each entry: name server, whether over TCP, port, what went wrong (exception or rcode in words), answer.
    answers = [entry[4] for entry in error.kwargs.get("errors", ()) if entry[4] is not None]
    codes = sorted({dns.rcode.to_text(answer.rcode()) for answer in answers})
    told = (
        say("the name servers answered {codes}", codes=codes)
        if codes
        else say("the name servers cannot be used")
    )
    return ("refused" if codes == ["REFUSED"] else "unavailable"), told
