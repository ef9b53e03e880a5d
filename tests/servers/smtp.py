"""A mail server on loopback that keeps what it takes.

    with SmtpServer(security="starttls", user="audit", password="…") as server:
        server.port, server.ca_file, server.mails       # [(sender, [addresses], bytes)]

`answers` overrides replies by the first word of a command, or by "." for the end of the data: a line such as
"550 no such user", "drop" (closed without an answer), or "drop after" (taken, then closed without an answer).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.servers._secure import Secure

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping


@dataclass
class SmtpServer(Secure):
    security: str = "none"  # none, starttls, tls
    user: str = ""
    password: str = ""
    host: str = "localhost"  # that its certificate is for
    answers: Mapping[str, str] = field(default_factory=dict)
    mails: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)

    def hold(self, channel: socket.socket) -> None:
        _Talk(self, channel).hold()


@dataclass
class _Talk:
    """One conversation."""

    owner: SmtpServer
    channel: socket.socket
    secure: bool = False
    logged_in: bool = False
    sender: str = ""
    receivers: list[str] = field(default_factory=list)

    def hold(self) -> None:
        if self.owner.security == "tls":
            self.wrap()
        self.logged_in = not self.owner.user
        self.lines = self.channel.makefile("rb")
        try:
            self.say("220 test ESMTP")
            while (line := self.lines.readline().decode().strip()) and self.answer(line):
                pass
        finally:
            self.lines.close()
            self.channel.close()

    def say(self, text: str) -> bool:
        self.channel.sendall(f"{text}\r\n".encode())
        return True

    def wrap(self) -> None:
        self.channel = self.owner._context.wrap_socket(self.channel, server_side=True)
        self.secure = True

    def answer(self, line: str) -> bool:
        """Answer a command; false where the conversation is over."""
        word = line.split(maxsplit=1)[0].upper()
        self.owner.commands.append(word)
        known = self.owner.answers.get(word)
        if known:
            return known != "drop" and self.say(known)
        own = getattr(self, word.lower(), None)
        return own(line) if own else self.say("250 ok")

    def ehlo(self, _line: str) -> bool:
        offers = {
            "STARTTLS": self.owner.security == "starttls" and not self.secure,
            "AUTH PLAIN": self.owner.user,
        }
        for name in ["test", *(name for name, offered in offers.items() if offered)]:
            self.say(f"250-{name}")
        return self.say("250 8BITMIME")

    def starttls(self, _line: str) -> bool:
        self.say("220 go on")
        self.lines.close()
        self.wrap()
        self.lines = self.channel.makefile("rb")
        return True

    def auth(self, line: str) -> bool:
        given = base64.b64decode(line.split()[2]).decode().split("\0")
        self.logged_in = given[1:] == [self.owner.user, self.owner.password] and self.secure
        return self.say("235 welcome" if self.logged_in else "535 no")

    def mail(self, line: str) -> bool:
        self.sender, self.receivers = line[line.index("<") + 1 : line.index(">")], []
        return self.say("250 ok" if self.logged_in else "530 log in first")

    def rcpt(self, line: str) -> bool:
        self.receivers.append(line[line.index("<") + 1 : line.index(">")])
        return self.say("250 ok" if self.logged_in else "530 log in first")

    def data(self, _line: str) -> bool:
        self.say("354 go on")
        body = b"".join(iter(self.lines.readline, b".\r\n")).replace(b"\r\n..", b"\r\n.")
        end = self.owner.answers.get(".", "250 taken")
        if end in {"250 taken", "drop after"}:
            self.owner.mails.append((self.sender, self.receivers, body))
        return not end.startswith("drop") and self.say(end)

    def quit(self, _line: str) -> bool:
        self.say("221 bye")
        return False
