"""HTTPS questions as a polite and wary client asks them: paced, patient, vetted at every hop, capped."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin, urlsplit

import orjson

from auditor.language import say
from auditor.sources._connection import (
    PORT,
    AskError,
    Client,
    Deadline,
    MalformedError,
    NoRecordError,
    Question,
    RefusedError,
    Reply,
    UnavailableError,
)
from auditor.sources._pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from auditor.settings import Network

__all__ = [
    "Answer",
    "AskError",
    "MalformedError",
    "NoRecordError",
    "RefusedError",
    "Transport",
    "UnavailableError",
    "checked_url",
    "read_json",
]

HOPS = 5
LIMIT = 1 << 20  # bytes of a body
WAITS = 3  # for a host that asks to be asked later
RETRIES = 2  # after a fault of the server
BACK_OFF_S = 1.0  # doubled with every retry
FOREVER_S = 1e9  # some thirty years
PATIENCE_S = 5.0  # where a host does not say how long it is to be left alone
MOVED = frozenset({301, 302, 303, 307, 308})
SAFE = "%/:=&?~#+!$,;'@()*[]"  # characters that an URL may hold beside letters and figures (RFC 3986)
JSON = "application/rdap+json, application/json"


@dataclass(frozen=True)
class Answer:
    """What came: the URL that answered after all redirects, and the body."""

    url: str
    body: bytes


@dataclass
class Transport:
    """Asks over HTTPS.

    Only ``https`` is spoken, in redirects too; a host is connected to at an address that was resolved and
    found public (or lies inside `network.allow_addresses`), and proxies of the environment are not used. An
    answer as a whole has `network.deadline_s`, however slowly it trickles, and at most `limit` bytes.

    Parameters
    ----------
    network
        Of the settings.
    now, sleep
        As in `auditor.asking.Tools`.
    clock
        Seconds that only go forward, for deadlines.
    """

    network: Network
    now: Callable[[], dt.datetime]
    sleep: Callable[[float], None]
    clock: Callable[[], float] = time.monotonic
    pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        self.pace = Pace(self.network.per_second, self.now, self.sleep)
        self._client = Client(self.network)

    def get(self, url: str, *, accept: str = JSON, limit: int = LIMIT) -> Answer:
        """Ask for a document.

        A host that says 429, or 503 with ``Retry-After`` (RFC 9110), is waited for up to
        `network.longest_wait_s`, at most three times; other faults of a server (5xx) are tried twice more.

        Raises
        ------
        NoRecordError
            404; its `body` is what came with it.
        RefusedError
            401, 403, and 429 after patience; that host is not asked again before the time it named.
        UnavailableError
            No connection, no name, no trusted certificate, a private address, no time left, too long, 5xx.
        MalformedError
            No HTTP, or no https URL.
        """
        seen = [url]
        for _ in range(HOPS + 1):
            question = checked_url(seen[-1], accept, limit)
            reply = self._patient(question)
            if reply.status not in MOVED or "location" not in reply.headers:
                return Answer(seen[-1], _body(question.host, reply))
            further = _further(seen[-1], reply.headers["location"])
            if urlsplit(further).scheme != "https":
                what = say(
                    "{host} redirects to {further!r}, which is no https URL; it was not followed",
                    host=question.host,
                    further=further[:200],
                )
                raise UnavailableError(what)
            if further in seen:
                raise UnavailableError(say("{host} redirects in a circle", host=question.host))
            seen.append(further)
        raise UnavailableError(
            say("{host} redirects more than {count} times", host=question.host, count=HOPS)
        )

    def post(self, url: str, body: bytes, headers: Mapping[str, str], *, limit: int = LIMIT) -> Reply:
        """Send a body, once: no redirect is followed, and nothing is tried again.

        Raises
        ------
        UnavailableError, MalformedError
            As of `get`; a status that is no success is the caller's.
        """
        question = replace(checked_url(url, "*/*", limit), headers=headers, sent=body)
        return self._client.exchange(question, self._deadline())

    def _deadline(self) -> Deadline:
        return Deadline(self.clock() + self.network.deadline_s, self.network.timeout_s, self.clock)

    def _patient(self, question: Question) -> Reply:
        waits, retries = 0, 0
        while True:
            reply = self._once(question)
            asked_s = self._wait_s(reply)
            if asked_s is not None:
                self._grant(question.host, asked_s, waits)
                waits += 1
            elif reply.status >= 500 and retries < RETRIES:  # noqa: PLR2004 -- faults of a server
                self.sleep(BACK_OFF_S * 2**retries)
                retries += 1
            else:
                self.pace.count(question.host, failed=reply.status >= 500)  # noqa: PLR2004 -- same
                return reply

    def _once(self, question: Question) -> Reply:
        host = question.host
        until = self.pace.closed_until(host)
        if until is not None:
            left_s = (until - self.now()).total_seconds()
            if left_s > self.network.longest_wait_s:
                raise RefusedError(_later(host, until))
            self.sleep(left_s)
        if self.pace.lost(host):
            raise UnavailableError(
                say("{host} was out of reach several times; it was not asked again", host=host)
            )
        self.pace.wait(host)
        try:
            return self._client.exchange(question, self._deadline())
        except UnavailableError:
            self.pace.count(host, failed=True)
            raise

    def _wait_s(self, reply: Reply) -> float | None:
        """Seconds that a host asks to be left alone; none if it does not ask that."""
        told = reply.headers.get("retry-after", "")
        if reply.status != 429 and not (reply.status == 503 and told):  # noqa: PLR2004 -- too many; overloaded
            return None
        if told.isascii() and told.isdigit():
            return float(told[:9])
        try:
            return max(0.0, (_utc(parsedate_to_datetime(told)) - self.now()).total_seconds())
        except (ValueError, TypeError, OverflowError):
            return PATIENCE_S

    def _grant(self, host: str, asked_s: float, waits: int) -> None:
        """Wait as a host asks, or give up on it for this time."""
        if asked_s > self.network.longest_wait_s or waits >= WAITS:
            until = self.now() + dt.timedelta(seconds=min(asked_s, FOREVER_S))
            self.pace.close(host, until)
            raise RefusedError(say("{what} (HTTP status 429 or 503)", what=_later(host, until)))
        self.sleep(asked_s)


def _later(host: str, until: dt.datetime) -> str:
    return say(
        "{host} wants no more questions before {moment} UTC", host=host, moment=f"{until:%Y-%m-%d %H:%M:%S}"
    )


def _utc(moment: dt.datetime) -> dt.datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _further(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise MalformedError(
            say("{url} redirects to {further!r}, which is no URL", url=url, further=location[:200])
        ) from None


def checked_url(url: str, accept: str = JSON, limit: int = LIMIT) -> Question:
    """Give the question that an URL is.

    Raises
    ------
    MalformedError
        It is no plain https URL.
    """
    try:
        parts = urlsplit(quote(url, safe=SAFE))
        host, port = (parts.hostname or "").rstrip("."), parts.port or PORT
    except ValueError:
        raise MalformedError(say("{url!r} is no URL", url=url[:200])) from None
    if parts.scheme != "https" or not host or parts.username is not None:
        raise MalformedError(say("{url!r} is no plain https URL; nothing else is asked", url=url[:200]))
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Question(host, port, target, accept, limit)


def _body(host: str, reply: Reply) -> bytes:
    if reply.status == 200:  # noqa: PLR2004 -- OK
        return reply.body
    error: AskError = UnavailableError(
        say("{host} answered with HTTP status {status}", host=host, status=reply.status)
    )
    if reply.status == 404:  # noqa: PLR2004 -- not found
        error = NoRecordError(say("{host} has no record of it", host=host))
    elif reply.status in {401, 403}:
        error = RefusedError(
            say("{host} refused to answer (HTTP status {status})", host=host, status=reply.status)
        )
    error.body = reply.body
    raise error


def read_json(body: bytes, host: str) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    MalformedError
        A body that is none.

    Examples
    --------
    >>> read_json(b'{"name": "CHINANET-SH"}', "rdap.example")
    {'name': 'CHINANET-SH'}
    """
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise MalformedError(say("{host}: its answer is no JSON", host=host)) from None
    if not isinstance(told, dict):
        raise MalformedError(say("{host}: its answer is JSON, but no object", host=host))
    return told
