"""A mail server on loopback that keeps what it takes.

    with SmtpServer(security="starttls", user="audit", password="…") as server:
        server.port, server.ca_file, server.mails       # [(sender, [addresses], bytes)]

`answers` overrides replies by the first word of a command, or by "." for the end of the data: a line such as
"550 no such user", "drop" (closed without an answer), or "drop after" (taken, then closed without an answer).
"""

from __future__ import annotations

import base64
import socketserver
import ssl
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import trustme

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass
class SmtpServer:
    security: str = "none"  # none, starttls, tls
    user: str = ""
    password: str = ""
    host: str = "localhost"  # that its certificate is for
    answers: Mapping[str, str] = field(default_factory=dict)
    mails: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        authority = trustme.CA()
        self._folder = tempfile.TemporaryDirectory()
        self.ca_file = str(Path(self._folder.name) / "ca.pem")
        authority.cert_pem.write_to_path(self.ca_file)
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(self.host).configure_cert(self._context)
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._folder.cleanup()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def talk(self, channel: Any) -> None:
        secure = self.security == "tls"
        if secure:
            channel = self._context.wrap_socket(channel, server_side=True)
        lines = channel.makefile("rb")
        logged_in = not self.user
        sender, receivers = "", []

        def say(text: str) -> None:
            channel.sendall(f"{text}\r\n".encode())

        say("220 test ESMTP")
        while line := lines.readline().decode().strip():
            word = line.split()[0].upper()
            self.commands.append(word)
            answer = self.answers.get(word)
            if answer == "drop":
                return
            if answer:
                say(answer)
            elif word == "EHLO":
                offered = ["STARTTLS"] * (self.security == "starttls" and not secure) + ["AUTH PLAIN"] * bool(
                    self.user
                )
                for name in offered:
                    say(f"250-{name}")
                say("250 8BITMIME")
            elif word == "STARTTLS":
                say("220 go on")
                channel = self._context.wrap_socket(channel, server_side=True)
                lines, secure = channel.makefile("rb"), True
            elif word == "AUTH":
                given = base64.b64decode(line.split()[2]).decode().split("\0")
                logged_in = given[1:] == [self.user, self.password] and secure
                say("235 welcome" if logged_in else "535 no")
            elif word in {"MAIL", "RCPT"}:
                name = line[line.index("<") + 1 : line.index(">")]
                if word == "MAIL":
                    sender, receivers = name, []
                else:
                    receivers.append(name)
                say("250 ok" if logged_in else "530 log in first")
            elif word == "DATA":
                say("354 go on")
                body = b"".join(iter(lines.readline, b".\r\n")).replace(b"\r\n..", b"\r\n.")
                end = self.answers.get(".", "250 taken")
                if end == "drop":
                    return
                if end.startswith("250") or end == "drop after":
                    self.mails.append((sender, receivers, body))
                if end == "drop after":
                    return
                say(end)
            else:
                say("221 bye" if word == "QUIT" else "250 ok")
                if word == "QUIT":
                    return


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def _handler(owner: SmtpServer) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                owner.talk(self.request)
            except OSError:  # the client went away, or does not trust us
                return

    return Handler
