"""A name server on loopback, UDP and TCP on one port, that answers from a mapping as a resolver would.

    with DnsServer({"www.example.cn": {"CNAME": ["a.cdn.example"]}, "a.cdn.example": {"A": ["192.0.2.1"]}}) as server:
        Network(resolver=(server.address,))

Names that it does not hold do not exist (NXDOMAIN); a name without the type asked has no answer. Instead of
a mapping of records, a name may hold an rcode ("SERVFAIL", "REFUSED"), "drop" (never answered), "garbage" (no
DNS message). A chain of CNAMEs is followed in the answer, unless `chase=False`; answers too long for UDP, or all
with `truncated=True`, come over TCP.
"""

from __future__ import annotations

import socketserver
import struct
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Records = "Mapping[str, str | Mapping[str, Sequence[str]]]"


@dataclass
class DnsServer:
    records: Records
    ttl: int = 300
    chase: bool = True
    truncated: bool = False  # every answer over UDP says: ask again over TCP
    asked: list[tuple[str, str]] = field(default_factory=list)  # (name, type), in order

    def __enter__(self) -> Self:
        self._tcp, self._udp = _pair(self)
        self._threads = [
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True)
            for server in (self._tcp, self._udp)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for server in (self._tcp, self._udp):
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()

    @property
    def port(self) -> int:
        return self._tcp.server_address[1]

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def answer(self, wire: bytes, *, udp: bool) -> bytes | None:
        query = dns.message.from_wire(wire)
        question = query.question[0]
        kind = dns.rdatatype.to_text(question.rdtype)
        name = question.name.to_text(omit_final_dot=True).lower()
        self.asked.append((name, kind))
        reply = dns.message.make_response(query, recursion_available=True)
        if udp and self.truncated:
            reply.flags |= dns.flags.TC
            return reply.to_wire()
        held = self._held(name)
        if held in ("drop", "garbage"):
            return None if held == "drop" else b"garbage"
        self._fill(reply, name, kind)
        return _fitting(reply) if udp else reply.to_wire()

    def _held(self, name: str) -> str | Mapping[str, Sequence[str]] | None:
        return {k.rstrip(".").lower(): v for k, v in self.records.items()}.get(name)

    def _fill(self, reply: dns.message.Message, name: str, kind: str) -> None:
        seen = set()
        while name not in seen:
            seen.add(name)
            held = self._held(name)
            if held is None or isinstance(held, str):
                reply.set_rcode(dns.rcode.from_text(held or "NXDOMAIN"))
                return
            found = "CNAME" if "CNAME" in held else kind
            if not held.get(found):
                return
            reply.answer.append(
                dns.rrset.from_text_list(name + ".", self.ttl, "IN", found, list(held[found]))
            )
            if found == kind or not self.chase:
                return
            name = held["CNAME"][0].rstrip(".").lower()


def _fitting(reply: dns.message.Message) -> bytes:
    wire = reply.to_wire()
    if len(wire) <= 1232:
        return wire
    reply.answer.clear()
    reply.flags |= dns.flags.TC
    return reply.to_wire()


def _pair(owner: DnsServer):
    class Udp(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            wire, channel = self.request
            reply = owner.answer(wire, udp=True)
            if reply is not None:
                channel.sendto(reply, self.client_address)

    class Tcp(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            head = self.rfile.read(2)
            while len(head) == 2:
                reply = owner.answer(self.rfile.read(struct.unpack("!H", head)[0]), udp=False)
                if reply is None:
                    return
                self.wfile.write(struct.pack("!H", len(reply)) + reply)
                head = self.rfile.read(2)

    class TcpServer(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    class UdpServer(socketserver.ThreadingUDPServer):
        daemon_threads = True

    for _ in range(20):  # the port that TCP was given may be taken for UDP
        tcp = TcpServer(("127.0.0.1", 0), Tcp)
        try:
            return tcp, UdpServer(tcp.server_address, Udp)
        except OSError:
            tcp.server_close()
    raise OSError("no port is free for UDP and TCP alike")
