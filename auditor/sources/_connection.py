"""One HTTPS exchange, with a vetted address, within a deadline that a slow host cannot stretch."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import dns.exception
import dns.resolver

from auditor import __version__
from auditor.addresses import Addresses
from auditor.errors import UsageError
from auditor.language import say
from auditor.sources._resolver import failure, make_resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from auditor.settings import Network

READ = 1 << 16  # bytes that are read at a time
PORT = 443
AGENT = f"auditor/{__version__}"


class AskError(Exception):
    """A question that was not answered; `outcome` is that of the observation, `body` what came anyhow."""

    outcome = "unavailable"
    body = b""


class NoRecordError(AskError):
    """The source answered that it has nothing of that name."""

    outcome = "no_record"


class RefusedError(AskError):
    """The source does not want to answer, or not now."""

    outcome = "refused"


class UnavailableError(AskError):
    """No answer came: no connection, no valid certificate, no time left, a fault of the server, too much."""


class MalformedError(AskError):
    """What came is not what was asked for."""

    outcome = "malformed"


@dataclass(frozen=True)
class Question:
    """What is asked of a host, and how many bytes its answer may have; with a body it is a POST.

    Further headers, which may hold a token, are in no repr.
    """

    host: str
    port: int
    target: str
    accept: str
    limit: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    sent: bytes | None = field(default=None, repr=False)

    @property
    def authority(self) -> str:
        """Host and port as they stand in an URL."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == PORT else f"{name}:{self.port}"


@dataclass(frozen=True)
class Reply:
    """Status, headers (names in small letters) and body of one HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Deadline:
    """When an answer must be whole, by a clock in seconds, and how long one read may take."""

    ends: float
    read_s: float
    clock: Callable[[], float]

    def left(self) -> float:
        """Seconds that the next read may take.

        Raises
        ------
        TimeoutError
            None are left.
        """
        left = self.ends - self.clock()
        if left <= 0:
            raise TimeoutError
        return min(left, self.read_s)


class _Socket(ssl.SSLSocket):
    """A TLS socket whose reads share one deadline: a byte now and then does not keep it open."""

    deadline: Deadline

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(self.deadline.left())
        return super().recv_into(*args, **kwargs)


def trusted(network: Network) -> ssl.SSLContext:
    """Set TLS up as Python does, with `network.ca_file` or the system's authorities.

    Raises
    ------
    UsageError
        The file holds no certificates.
    """
    try:
        return ssl.create_default_context(cafile=network.ca_file)
    except OSError as error:  # ssl.SSLError is one
        told = error.strerror or error
        raise UsageError(
            say(
                "settings, network.ca_file: {path} holds no certificates (PEM): {reason}",
                path=network.ca_file,
                reason=str(told),
            )
        ) from None


@dataclass(frozen=True)
class Client:
    """Speaks HTTPS with hosts whose addresses are public, or lie inside `network.allow_addresses`.

    Parameters
    ----------
    network
        Of the settings.

    Raises
    ------
    UsageError
        When first used: settings that name no file of certificates, no name server, no block.
    """

    network: Network

    @cached_property
    def context(self) -> ssl.SSLContext:
        """TLS as Python sets it up, with `network.ca_file` or the system's authorities."""
        context = trusted(self.network)
        context.sslsocket_class = _Socket
        return context

    @cached_property
    def allowed(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """Blocks that may be connected to although they are not public."""
        try:
            return tuple(ipaddress.ip_network(block) for block in self.network.allow_addresses)
        except ValueError as error:
            raise UsageError(
                say(
                    "settings, network.allow_addresses: {reason}; give blocks, 10.1.0.0/16", reason=str(error)
                )
            ) from None

    @cached_property
    def _resolver(self) -> dns.resolver.Resolver:
        return make_resolver(self.network)

    def exchange(self, question: Question, deadline: Deadline) -> Reply:
        """Ask one host and read its answer.

        Raises
        ------
        UnavailableError, MalformedError
            Nothing came, or nothing that is HTTP; the sentence says what.
        """
        host = question.host
        try:
            with self._channel(question, deadline) as channel:
                return _ask(channel, question)
        except TimeoutError:
            raise UnavailableError(say("{host} did not answer in time", host=host)) from None
        except ssl.SSLCertVerificationError as error:
            raise UnavailableError(
                say(
                    "{host}: its certificate is not trusted: {reason}",
                    host=host,
                    reason=error.verify_message,
                )
            ) from None
        except (http.client.IncompleteRead, http.client.RemoteDisconnected):
            raise UnavailableError(
                say("{host} closed the connection before its answer was whole", host=host)
            ) from None
        except (http.client.HTTPException, ValueError) as error:  # the latter for a chunk of -5 bytes
            raise MalformedError(
                say("{host}: its answer is no valid HTTP ({kind})", host=host, kind=type(error).__name__)
            ) from None
        except OSError as error:
            raise UnavailableError(
                say("{host}: the connection failed: {reason}", host=host, reason=error.strerror or str(error))
            ) from None

    def vetted(self, host: str, deadline: Deadline) -> list[str]:
        """Addresses of a host, in the order in which they are tried.

        Raises
        ------
        UnavailableError
            A host without addresses, or with any that may not be connected to.
        """
        addresses = self._resolve(host, deadline)
        found = Addresses.of(addresses)
        for row, address in enumerate(addresses):
            name = found.reserved.at(row) or found.fault.at(row)  # ::1%1 is an address for Python only
            if name and not any(ipaddress.ip_address(address) in block for block in self.allowed):
                raise UnavailableError(
                    say(
                        "{host} stands for {address}, which is no public address ({kind})",
                        host=host,
                        address=address,
                        kind=name,
                    )
                )
        return addresses

    def _resolve(self, host: str, deadline: Deadline) -> list[str]:
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            pass
        try:
            found = self._resolver.resolve_name(host, lifetime=deadline.left())
            return list(found.addresses())
        except dns.exception.DNSException as error:
            raise UnavailableError(say("{host}: {reason}", host=host, reason=failure(error)[1])) from None

    def _channel(self, question: Question, deadline: Deadline) -> socket.socket:
        return self._connect(question, self.vetted(question.host, deadline), deadline)

    def _connect(self, question: Question, addresses: list[str], deadline: Deadline) -> _Socket:
        # To an address that was vetted, never to the name: what a name stands for may change in between.
        for position, address in enumerate(addresses, 1):
            try:
                plain = socket.create_connection((address, question.port), timeout=deadline.left())
                break
            except OSError:
                if position == len(addresses):
                    raise
        try:
            plain.settimeout(deadline.left())
            channel = cast("_Socket", self.context.wrap_socket(plain, server_hostname=question.host))
        except BaseException:
            plain.close()
            raise
        channel.deadline = deadline
        return channel


def _ask(channel: socket.socket, question: Question) -> Reply:
    connection = http.client.HTTPConnection(question.host, question.port)
    connection.sock = channel
    ours = {
        "Host": question.authority,
        "Accept-Encoding": "identity",
        "User-Agent": AGENT,
        "Connection": "close",
    }
    headers = {"Accept": question.accept, **question.headers, **ours}
    method = "GET" if question.sent is None else "POST"
    connection.request(method, question.target, body=question.sent, headers=headers)
    with connection.getresponse() as response:
        told = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, told, _body(response, question))


def _body(response: http.client.HTTPResponse, question: Question) -> bytes:
    if response.getheader("Content-Encoding", "identity").lower() != "identity":
        raise MalformedError(
            say("{host}: its answer is compressed, which was not asked for", host=question.host)
        )
    body = b""
    while piece := response.read(min(READ, question.limit + 1 - len(body))):
        body += piece
        if len(body) > question.limit:
            raise UnavailableError(
                say(
                    "{host}: its answer is longer than {limit:,} bytes",
                    host=question.host,
                    limit=question.limit,
                )
            )
    if response.length:  # less came than was announced
        raise UnavailableError(
            say("{host} closed the connection before its answer was whole", host=question.host)
        )
    return body
