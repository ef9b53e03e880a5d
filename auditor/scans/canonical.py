"""One way to write a value: what is hashed, signed or compared must always be the same bytes."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import orjson

INSTANT = "%Y-%m-%dT%H:%M:%S.%fZ"


def canonical(value: Any) -> str:
    """Write JSON with sorted keys and without blanks; the order of lists is the caller's.

    Examples
    --------
    >>> canonical({"b": 1, "a": ["x"]})
    '{"a":["x"],"b":1}'
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def sha256(data: bytes | str) -> str:
    """SHA-256 in hexadecimal, of bytes or of text in UTF-8."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def instant(moment: dt.datetime) -> str:
    """Write an aware instant in UTC, always of the same length.

    Examples
    --------
    >>> instant(dt.datetime(2026, 11, 27, 8, tzinfo=dt.UTC))
    '2026-11-27T08:00:00.000000Z'
    """
    if moment.tzinfo is None:
        raise ValueError("an instant without a time zone")
    return moment.astimezone(dt.UTC).strftime(INSTANT)


def instant_of(text: str) -> dt.datetime:
    """Read what `instant` wrote."""
    return dt.datetime.strptime(text, INSTANT).replace(tzinfo=dt.UTC)
