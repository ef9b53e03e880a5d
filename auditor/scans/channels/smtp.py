"""E-mail: the text, with its JSON attached; sent again, it bears the same Message-ID.

Mail is sent at least once: where the connection breaks after the server took it, it goes out again, and only
the Message-ID tells the receiver's system that it is the same.
"""

from __future__ import annotations

import ipaddress
import re
import smtplib
import ssl
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING

from auditor.errors import UsageError, visible
from auditor.language import say
from auditor.problems import quote
from auditor.reports.markdown import APART, ENTITIES
from auditor.scans.channels import Channel, ChannelError, Letter, Office, secret
from auditor.sources._connection import trusted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.settings import Smtp

ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", re.ASCII)
LONGEST = 254  # characters of an address: RFC 5321
LONGEST_TITLE = 200
PORTS = {"starttls": 587, "tls": 465, "none": 25}


def checked(address: str) -> str:
    """Give an e-mail address that is one, and nothing more."""
    if len(address) > LONGEST or not ADDRESS.fullmatch(address):
        raise UsageError(say("{address} is no e-mail address", address=quote(address)))
    return address


def ready(office: Office) -> None:
    """Hold the settings against what sending takes."""
    own = office.settings.notices.smtp
    if not own.host or not own.sender:
        raise UsageError(
            say("[notices.smtp]: host and sender are needed: the server, and the address notices come from")
        )
    checked(own.sender)
    if own.security == "none" and not _loopback(own.host):
        raise UsageError(
            say(
                '[notices.smtp], security: "none" goes with a host of loopback alone; {host} takes '
                '"starttls" or "tls"',
                host=own.host,
            )
        )
    if own.user and own.security == "none":
        raise UsageError(say("[notices.smtp], user: nobody logs in without TLS; take user out"))
    if own.user:
        _password(office)
    trusted(office.settings.network)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _password(office: Office) -> str:
    own = office.settings.notices.smtp
    return secret(office, own.password_env, own.password_file, "notices.smtp")


def plain(text: str) -> str:
    r"""Take out of a notice what only keeps Markdown from acting on it: a mail shows its text as it stands.

    Examples
    --------
    >>> plain(r"A&amp;B \[x\] a@&#8203;b")
    'A&B [x] a@b'
    """
    text = re.sub(r"\\([\\`*_\[\]|~$])", r"\1", text.replace(APART, ""))
    for char in reversed(ENTITIES):
        text = text.replace(ENTITIES[char], char)
    return text


def message(letter: Letter, sender: str, address: str) -> EmailMessage:
    """Write the mail; nothing of a letter can begin a header."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = checked(sender)
    mail["To"] = checked(address)
    mail["Subject"] = visible(f"{letter.title.zh} / {letter.title.en}")[:LONGEST_TITLE]
    mail["Date"] = format_datetime(letter.drafted_at)
    mail["Message-ID"] = f"<{letter.key}@auditor.invalid>"  # of the letter alone, whoever sends it from where
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(plain(letter.text), cte="base64")
    mail.add_attachment(
        letter.data, maintype="application", subtype="json", filename=f"notice-{letter.key[:16]}.json"
    )
    mail.set_boundary(f"=_{letter.key[:32]}")  # else another one with every attempt
    return mail


def send(office: Office, letter: Letter, address: str) -> None:
    """Hand the mail to the server."""
    own = office.settings.notices.smtp
    try:
        with _server(office, own) as server:
            server.send_message(message(letter, own.sender, address), own.sender, [address])
    except ssl.SSLCertVerificationError as error:
        raise ChannelError(
            say(
                "{host}: its certificate is not trusted: {reason}",
                host=own.host,
                reason=error.verify_message,
            )
        ) from None
    except smtplib.SMTPRecipientsRefused as error:
        raise ChannelError(
            say("{host} does not take mail for {address}: {reason}", host=own.host, address=address,
                reason=_told(next(iter(error.recipients.values()), (0, b""))))
        ) from None  # fmt: skip
    except smtplib.SMTPResponseException as error:
        told = _told((error.smtp_code, error.smtp_error))
        raise ChannelError(say("{host} refused the mail: {reason}", host=own.host, reason=told)) from None
    except TimeoutError:
        raise ChannelError(say("{host} did not answer in time", host=own.host)) from None
    except (OSError, smtplib.SMTPException) as error:
        raise ChannelError(
            say("{host}: the connection failed: {reason}", host=own.host, reason=_reason(error))
        ) from None


def _told(answer: tuple[int, bytes | str]) -> str:
    code, text = answer
    return quote(f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}")


def _reason(error: Exception) -> str:
    return quote(getattr(error, "strerror", None) or str(error) or type(error).__name__)


@contextmanager
def _server(office: Office, own: Smtp) -> Iterator[smtplib.SMTP]:
    """Give a server that is ready to take mail: encrypted, its certificate checked, logged in."""
    ready(office)
    port = own.port or PORTS[own.security]
    context = trusted(office.settings.network)
    wait_s, name = office.settings.network.deadline_s, own.sender.partition("@")[2]
    opened: smtplib.SMTP
    if own.security == "tls":
        opened = smtplib.SMTP_SSL(own.host, port, name, timeout=wait_s, context=context)
    else:
        opened = smtplib.SMTP(own.host, port, name, timeout=wait_s)
    with opened as server:
        if own.security == "starttls":
            server.starttls(context=context)
        if own.user:
            server.login(own.user, _password(office))
        yield server


CHANNEL = Channel("smtp", checked, ready, send)
