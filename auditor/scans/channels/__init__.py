"""Ways by which a notice goes out, one file each, found by scanning: `CHANNEL = Channel(name, checked, …)`.

A channel does one attempt and raises `ChannelError` where it did not come through. It may be asked again with
the same letter, after a failure or where nobody knows: the letter's key is what makes that harmless.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from auditor.errors import AuditorError, UsageError
from auditor.files import read_given
from auditor.language import say
from auditor.problems import nearest, quote

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    from auditor.language import Text
    from auditor.settings import Settings


class ChannelError(AuditorError):
    """A notice that did not go out; the sentence says why."""


@dataclass(frozen=True)
class Letter:
    """A notice as it goes out: the same bytes with every attempt.

    Parameters
    ----------
    key
        Idempotency key, hexadecimal.
    operator
        How the operator is called in the store.
    title
        One line in both languages.
    text
        For people: Markdown, Chinese first.
    data
        For machines: JSON, ``auditor.notice/1``, which holds the text, too.
    drafted_at
        When it was drafted.
    """

    key: str
    operator: str
    title: Text
    text: str
    data: bytes
    drafted_at: dt.datetime


@dataclass(frozen=True)
class Office:
    """What sending takes from outside.

    Parameters
    ----------
    settings
        Of the run: ``[notices]`` and ``[network]``.
    environ
        Variables that hold secrets.
    clock
        Gives the time, aware.
    """

    settings: Settings
    environ: Mapping[str, str] = field(repr=False)
    clock: Callable[[], dt.datetime]


@dataclass(frozen=True)
class Channel:
    """One way out.

    Parameters
    ----------
    name
        Name of its module.
    checked
        From an address as a person gives it to the one that is kept; raises `UsageError`.
    ready
        Raises `UsageError` where settings or secrets are lacking; asked once before anything is sent.
    send
        Makes one attempt at an address; raises `ChannelError`.
    shown
        Address as it may be printed: without what may be a secret.
    """

    name: str
    checked: Callable[[str], str]
    ready: Callable[[Office], None]
    send: Callable[[Office, Letter, str], None]
    shown: Callable[[str], str] = str


@cache
def all_channels() -> Mapping[str, Channel]:
    """Find the channels, by name.

    Examples
    --------
    >>> sorted(all_channels())
    ['file', 'smtp', 'webhook']
    """
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    return {name: importlib.import_module(f"{__name__}.{name}").CHANNEL for name in names}


def channel(name: str) -> Channel:
    """Find a channel.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    found = all_channels().get(name)
    if found is None:
        raise UsageError(
            say("{name} is no channel: {nearest}", name=quote(name), nearest=nearest(name, all_channels()))
        )
    return found


def secret(office: Office, variable: str, file: str | None, key: str) -> str:
    """Read a secret from a file that the settings name, or else from a variable of the environment.

    Parameters
    ----------
    key
        Table of the settings that names them, for the message.

    Raises
    ------
    UsageError
        There is none, or it is no text.
    """
    if file is not None:
        try:
            found = read_given(file).decode().strip()
        except UnicodeDecodeError:
            raise UsageError(say("{path}: is not UTF-8", path=file)) from None
    else:
        found = office.environ.get(variable, "").strip()
    if not found:
        raise UsageError(
            say(
                "[{key}]: the secret is lacking: set the environment variable {variable}, or name a file "
                "that holds it",
                key=key,
                variable=variable,
            )
        )
    return found
