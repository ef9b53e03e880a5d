"""One conversation with one NetBox: what pynetbox takes for a session of `requests`, and what is sent.

The user names the host, so that a private address is no matter; but nothing is sent to any other origin,
wherever redirects and ``next`` links point, and every page is checked before pynetbox sees it. Proxies of the
environment are not used.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode, urlsplit

import orjson

from auditor.errors import AuditorError, UsageError, said_by
from auditor.language import say
from auditor.problems import quote
from auditor.sources._connection import (
    AskError,
    Client,
    Deadline,
    Question,
    Reply,
    UnavailableError,
)
from auditor.sources._transport import MOVED, Transport

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN = "AUDITOR_NETBOX_TOKEN"  # noqa: S105 -- the name of the variable
VISIBLE = re.compile(r"[!-~]+")
PAGE_BYTES = 8 << 20
WHOLE_BYTES = 512 << 20
MOST_PAGES = 20_000
DEEPEST = 32  # levels of one page
PORTS = {"https": 443, "http": 80}
JSON = "application/json"


class NetBoxError(AuditorError):
    """A NetBox that cannot be read; the sentence says why, and never shows the token."""


class LeftOutError(Exception):
    """An endpoint that is not read; the sentence says why."""


@dataclass(frozen=True)
class Base:
    """The one origin, and the path in it, that is asked."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, url: str) -> Base:
        """Read the URL that the user gave.

        Raises
        ------
        UsageError
            It is none that is asked.
        """
        try:
            parts = urlsplit(url.strip())
            host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
        except ValueError:
            raise UsageError(
                say("that is no URL of a NetBox; give https://HOST or https://HOST/PATH")
            ) from None
        if parts.username is not None or parts.password is not None:  # not shown: it may be a secret
            raise UsageError(
                say("the URL of the NetBox holds a user name; the token goes into {name}", name=TOKEN)
            )
        whole = VISIBLE.fullmatch(url.strip()) and parts.scheme in PORTS and host
        if not whole or parts.query or parts.fragment:
            raise UsageError(
                say("{url} is no URL of a NetBox; give https://HOST or https://HOST/PATH", url=quote(url))
            )
        return cls(parts.scheme, host, port, parts.path.rstrip("/").removesuffix("/api"))

    @property
    def url(self) -> str:
        """The URL before ``/api/``."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{name}{port}{self.path}"

    def target(self, url: str) -> str:
        """Path and query of an URL below this one.

        Raises
        ------
        NetBoxError
            It is not, so that nothing is sent there.
        """
        try:
            parts = urlsplit(url)
            origin = (parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme))
        except ValueError:
            raise NetBoxError(
                say("{url} points to {further}, which is no URL", url=self.url, further=quote(url))
            ) from None
        plain = VISIBLE.fullmatch(url) and ".." not in parts.path and parts.username is None
        inside = plain and parts.path.startswith(f"{self.path}/api/")
        if not inside or origin != (self.scheme, self.host, self.port):
            hint = say("a NetBox behind a proxy has to be told its own name and scheme")
            raise NetBoxError(
                say(
                    "{url} points to {further}, which was not followed; {hint}",
                    url=self.url,
                    further=quote(url),
                    hint=hint,
                )
            )
        return parts.path + (f"?{parts.query}" if parts.query else "")


@dataclass(frozen=True)
class _Page:
    """What pynetbox needs of an answer of `requests`."""

    tree: Any
    status_code: int = HTTPStatus.OK
    ok: bool = True

    def json(self) -> Any:
        """Give the tree, which is read and checked already."""
        return self.tree


@dataclass
class Session:
    """Stands in for a session of `requests`: GET alone, to one origin, every page checked.

    Parameters
    ----------
    base
        What is asked.
    patient
        Asks it.
    count
        How many records the endpoint asked last has, by its own word.
    left
        Bytes that may still come.
    seen
        Targets asked so far.
    """

    base: Base
    patient: Patient
    count: int = 0
    left: int = WHOLE_BYTES
    seen: set[str] = field(default_factory=set)

    def get(self, url: str, headers: Mapping[str, str], params: Mapping[str, Any], json: Any) -> _Page:
        """Ask for one page.

        Raises
        ------
        LeftOutError
            Status 403 or 404.
        NetBoxError
            Anything else that is no page of records.
        """
        del json  # questions have no body
        target = self.base.target(f"{url}?{urlencode(params)}" if params else url)
        if target in self.seen or len(self.seen) >= MOST_PAGES:
            raise NetBoxError(
                say(
                    "{url}: its pages lead in a circle, or are more than {most:,}",
                    url=self.base.url,
                    most=MOST_PAGES,
                )
            )
        self.seen.add(target)
        limit = min(PAGE_BYTES, self.left)
        question = Question(self.base.host, self.base.port, target, JSON, limit, dict(headers))
        try:
            reply = self.patient.ask(question)
        except AskError as error:
            raise NetBoxError(say("NetBox: {reason}", reason=said_by(error))) from None
        self._check_status(reply)
        self.left -= len(reply.body)
        return _Page(self._page(reply.body))

    def _check_status(self, reply: Reply) -> None:
        status, name = reply.status, self.base.url
        if status == HTTPStatus.UNAUTHORIZED:
            raise NetBoxError(
                say("{url} does not accept the token of {token} (status 401)", url=name, token=TOKEN)
            )
        if status == HTTPStatus.FORBIDDEN:
            raise LeftOutError(say("status 403: the token may not read it"))
        if status == HTTPStatus.NOT_FOUND:
            raise LeftOutError(say("status 404: it has no such endpoint"))
        if status in MOVED:
            what = say(
                "{url} redirects to {further}, which was not followed; give the URL that it has now",
                url=name,
                further=quote(reply.headers.get("location")),
            )
            raise NetBoxError(what)
        if status != HTTPStatus.OK:
            raise NetBoxError(say("{url} answered with status {status}", url=name, status=status))

    def _page(self, body: bytes) -> Any:
        name = self.base.url
        try:
            tree = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise NetBoxError(
                say("{url} answered with something that is no JSON; is it a NetBox?", url=name)
            ) from None
        page = tree if isinstance(tree, dict) else {}
        results, count, further = (page.get(word) for word in ("results", "count", "next"))
        rows = isinstance(results, list) and all(
            isinstance(r, dict) and _is_key(r.get("id")) for r in results
        )
        if not rows or not _is_key(count) or not isinstance(further, str | None):
            raise NetBoxError(
                say("{url} answered with JSON that is no page of records; is it a NetBox?", url=name)
            )
        if _is_deeper(results, DEEPEST):
            raise NetBoxError(
                say("{url} answered with JSON nested more than {most} deep", url=name, most=DEEPEST)
            )
        if further is not None:
            self.base.target(further)
            if not results:
                raise NetBoxError(say("{url} gave an empty page, and a page after it", url=name))
        self.count = cast("int", count)
        return {**page, "next": further}


def _is_key(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_deeper(tree: Any, most: int) -> bool:
    """Tell whether a tree is deeper than `most`, level by level."""
    level = [tree]
    for _ in range(most):
        inner = (one.values() if isinstance(one, dict) else one for one in level)
        level = [child for children in inner for child in children if isinstance(child, dict | list)]
        if not level:
            return False
    return True


class _Plain(socket.socket):
    """A socket without TLS whose reads share one deadline, for loopback alone."""

    deadline: Deadline

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(self.deadline.left())
        return super().recv_into(*args, **kwargs)


@dataclass(frozen=True)
class _Client(Client):
    """Asks the host that the user named, whatever its address; by plain HTTP only the own host."""

    scheme: str = "https"

    def vetted(self, host: str, deadline: Deadline) -> list[str]:
        """Addresses of the host, by the name servers of the settings or as the system knows them."""
        if self.network.resolver:
            addresses = self._resolve(host, deadline)
        else:
            try:
                found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            except UnicodeError:
                raise UnavailableError(say("{host} is no name of a host", host=host[:80])) from None
            addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if self.scheme == "http" and not all(ipaddress.ip_address(one).is_loopback for one in addresses):
            raise UnavailableError(say("{host} is another host, which is asked by https alone", host=host))
        return addresses

    def _channel(self, question: Question, deadline: Deadline) -> socket.socket:
        addresses = self.vetted(question.host, deadline)
        if self.scheme == "https":
            return self._connect(question, addresses, deadline)
        for position, address in enumerate(addresses, 1):  # localhost may be ::1, too
            try:
                plain = socket.create_connection((address, question.port), timeout=deadline.left())
                break
            except OSError:
                if position == len(addresses):
                    raise
        channel = _Plain(fileno=plain.detach())
        channel.deadline = deadline
        return channel


@dataclass
class Patient(Transport):
    """Waits and retries as `Transport` does, and asks as `_Client` does.

    Parameters
    ----------
    scheme
        ``https``, or ``http`` for the own host.
    """

    scheme: str = field(default="https", kw_only=True)

    def __post_init__(self) -> None:
        """Ask through a client of our own."""
        super().__post_init__()
        self._client = _Client(self.network, self.scheme)

    def ask(self, question: Question) -> Reply:
        """Ask, and again where the host asks for a pause or has a fault.

        Raises
        ------
        AskError
            No answer came.
        """
        return self._patient(question)
