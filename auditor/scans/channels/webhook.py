"""A webhook: the JSON of the notice, POSTed over public HTTPS and signed; a receiver knows it by its key.

``X-Auditor-Signature`` is ``v1=`` and HMAC-SHA256, in hexadecimal, over ``TIMESTAMP.BODY`` with the shared
secret, where TIMESTAMP is the header ``X-Auditor-Timestamp`` (seconds since 1970). ``Idempotency-Key`` is the
same with every attempt: a receiver that has it already answers 200 and does nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from http import HTTPStatus
from urllib.parse import urlsplit

from auditor.errors import UsageError, said_by
from auditor.language import say
from auditor.problems import quote
from auditor.scans.channels import Channel, ChannelError, Letter, Office, secret
from auditor.sources._transport import AskError, Transport, checked_url

LIMIT = 1 << 16  # bytes of an answer, which nobody reads
LEAST_SECRET = 16  # characters


def checked(address: str) -> str:
    """Give a URL of https without a user name."""
    try:
        checked_url(address)
    except AskError as error:
        raise UsageError(said_by(error)) from None
    return address


def ready(office: Office) -> None:
    """Hold the secret against what signing takes."""
    if len(_secret(office)) < LEAST_SECRET:
        raise UsageError(
            say("[notices.webhook]: the secret is shorter than {least} characters", least=LEAST_SECRET)
        )


def _secret(office: Office) -> str:
    own = office.settings.notices.webhook
    return secret(office, own.secret_env, own.secret_file, "notices.webhook")


def signature(key: str, timestamp: str, body: bytes) -> str:
    """Sign a body as of a time.

    Examples
    --------
    >>> signature("secret", "1795852800", b"{}")[:11]
    'v1=e7667dbc'
    """
    return "v1=" + hmac.new(key.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def shown(address: str) -> str:
    """Show a URL without its query, which may hold a token."""
    path, found, _ = address.partition("?")
    return f"{path}?…" if found else path


def send(office: Office, letter: Letter, address: str) -> None:
    """POST it, once; a redirect is no success and is not followed."""
    ready(office)
    timestamp = str(int(office.clock().timestamp()))
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Idempotency-Key": letter.key,
        "X-Auditor-Timestamp": timestamp,
        "X-Auditor-Signature": signature(_secret(office), timestamp, letter.data),
    }
    transport = Transport(office.settings.network, office.clock, _never)
    try:
        reply = transport.post(checked(address), letter.data, headers, limit=LIMIT)
    except AskError as error:
        raise ChannelError(said_by(error)) from None
    if not HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
        host = quote(urlsplit(address).hostname)
        raise ChannelError(
            say("{host} did not take it: HTTP status {status}", host=host, status=reply.status)
        )


def _never(_seconds: float) -> None:
    """Wait for nothing: one attempt is all."""


CHANNEL = Channel("webhook", checked, ready, send, shown)
