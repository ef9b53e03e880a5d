"""An HTTPS server on loopback with a certificate of its own authority, that answers from a mapping of paths.

    with HttpsServer({"/ip/192.0.2.1": {"name": "CHINANET-SH"}}) as server:
        Network(ca_file=server.ca_file, allow_addresses=("127.0.0.0/8",), resolver=...)  # a name server that
        server.url("/ip/192.0.2.1")                              # knows HOST: tests.servers.dns.DnsServer

What a path may hold: a mapping (sent as JSON), a `Sent`, raw bytes (sent as they are, headers and all),
"drop" (closed without an answer), "trickle" (a header that never ends, a byte now and then), "trickle body",
or a function without arguments that gives one of these. Paths it does not hold are 404.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.servers._secure import Secure

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Mapping

HOST = "rdap.test"
STEP_S = 0.02  # between the bytes of a server that trickles
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/rdap+json\r\n"


@dataclass(frozen=True)
class Sent:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Clock:
    """A clock that only sleeping moves, so that no test waits."""

    def __init__(self) -> None:
        self.at = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
        self.slept: list[float] = []

    def now(self) -> dt.datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += dt.timedelta(seconds=seconds)


@dataclass
class HttpsServer(Secure):
    routes: dict[str, Any]
    host: str = HOST
    asked: list[str] = field(default_factory=list)  # paths, in order
    headers: list[dict[str, str]] = field(default_factory=list)  # of each question, names in small letters
    bodies: list[bytes] = field(default_factory=list)  # of those that were POSTed, to paths held as "POST /x"

    def hold(self, channel: socket.socket) -> None:
        with self._context.wrap_socket(channel, server_side=True) as secure:
            self.answer(secure)

    def url(self, path: str = "/") -> str:
        return f"https://{self.host}:{self.port}{path}"

    def answer(self, channel: ssl.SSLSocket) -> None:
        with channel.makefile("rb") as lines:
            words = lines.readline().decode().split()
            fields = [line.decode().partition(":") for line in iter(lines.readline, b"\r\n") if line]
            self.headers.append({name.lower(): value.strip() for name, _, value in fields})
            if words[0] == "POST":
                self.bodies.append(lines.read(int(self.headers[-1]["content-length"])))
        self.asked.append(words[1])
        path = words[1] if words[0] == "GET" else f"{words[0]} {words[1]}"
        held = self.routes.get(path, Sent(404 if words[0] == "GET" else 405, b"{}"))
        held = held() if callable(held) else held
        if held in ("trickle", "trickle body"):
            self._trickle(channel, HEAD + (b"X-" if held == "trickle" else b"Content-Length: 999999\r\n\r\n"))
        elif isinstance(held, bytes):
            channel.sendall(held)
        elif held != "drop":
            channel.sendall(_wire(held))

    def _trickle(self, channel: ssl.SSLSocket, head: bytes) -> None:
        channel.sendall(head)
        while not self._stopped.wait(STEP_S):
            channel.sendall(b"x")


def _wire(held: Mapping[str, Any] | Sent) -> bytes:
    sent = held if isinstance(held, Sent) else Sent(200, json.dumps(held).encode())
    headers = {"Content-Type": "application/rdap+json", "Content-Length": str(len(sent.body)), **sent.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {sent.status} X\r\n{lines}\r\n".encode() + sent.body


def apnic(start: str, end: str, **fields: Any) -> dict[str, Any]:
    """An answer of the shape that APNIC's RDAP server gives."""
    return {
        "rdapConformance": ["history_version_0", "nro_rdap_profile_0", "cidr0", "rdap_level_0"],
        "objectClassName": "ip network",
        "handle": f"{start} - {end}",
        "startAddress": start,
        "endAddress": end,
        "ipVersion": "v6" if ":" in start else "v4",
        "name": "CHINANET-SH",
        "type": "ALLOCATED PORTABLE",
        "country": "CN",
        "parentHandle": "101.0.0.0 - 101.255.255.255",
        "status": ["active"],
        "events": [{"eventAction": "last changed", "eventDate": "2021-06-15T08:05:18Z"}],
        "entities": [
            {
                "objectClassName": "entity",
                "handle": "CH93-AP",
                "roles": ["technical", "administrative"],
                "vcardArray": [
                    "vcard",
                    [
                        ["version", {}, "text", "4.0"],
                        ["fn", {}, "text", "Chinanet Hostmaster"],
                        ["kind", {}, "text", "individual"],
                        ["adr", {"label": "No.31 ,jingrong street,beijing\n100032"}, "text", [""] * 7],
                        ["tel", {"type": "voice"}, "text", "+86-10-58501724"],
                        ["email", {}, "text", "hostmaster@example.cn"],
                    ],
                ],
            }
        ],
        "remarks": [
            {
                "title": "description",
                "description": [
                    "CHINANET SHANGHAI PROVINCE NETWORK",
                    "China Telecom",
                    "No.31,jingrong street",
                    "Beijing 100032",
                ],
            }
        ],
        "links": [
            {"rel": "self", "href": f"https://rdap.apnic.net/ip/{start}", "type": "application/rdap+json"}
        ],
        "notices": [{"title": "Source", "description": ["Objects returned came from source", "APNIC"]}],
        "port43": "whois.apnic.net",
        **fields,
    }
