"""Content that the opening of information services leaves out (rule card APP-05)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from auditor.registers._files import folded, read_toml

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Content:
    """A kind of content that needs leave of its own.

    Parameters
    ----------
    key, name_zh, name_en
        Key and names.
    excluded
        Whether the pilot's opening of B25-1 leaves it out.
    preapproval
        Pre-approval items (前置审批项) on licences that point to it.
    words
        Other ways to write it.
    from_on, to_on, source
        Since and until when, and whence.
    """

    key: str
    name_zh: str
    name_en: str
    excluded: bool
    preapproval: tuple[str, ...]
    words: tuple[str, ...]
    from_on: dt.date
    source: str
    to_on: dt.date | None = None


@cache
def read_content() -> tuple[Content, ...]:
    """Read the kinds of content.

    Examples
    --------
    >>> [kind.key for kind in read_content() if kind.excluded]
    ['news', 'publishing', 'audiovisual', 'culture']
    """
    return tuple(
        Content(**{**raw, "preapproval": tuple(raw["preapproval"]), "words": tuple(raw["words"])})
        for raw in read_toml("content.toml")["content"]
    )


@cache
def _words() -> Mapping[str, Content]:
    return {
        folded(word): kind
        for kind in read_content()
        for word in (kind.key, kind.name_zh, kind.name_en, *kind.preapproval, *kind.words)
    }


def content_key(text: str) -> str | None:
    """Find the key of a kind of content by key, name or pre-approval item; None if it is not known.

    Examples
    --------
    >>> content_key("药品和医疗器械"), content_key("games")
    ('medicine', None)
    """
    kind = _words().get(folded(text))
    return kind.key if kind else None


def excluded_content(text: str) -> str | None:
    """Find which of the four exclusions a category or a pre-approval item is; None if it is none of them.

    None is said of content that needs leave but is not excluded (药品和医疗器械) and of unknown words alike;
    `content_key` tells these apart.

    Source: 工信部通信函〔2024〕107号, annex 2(1).

    Examples
    --------
    >>> [excluded_content(word) for word in ("视听节目", "Online publishing", "药品和医疗器械")]
    ['audiovisual', 'publishing', None]
    """
    kind = _words().get(folded(text))
    return kind.key if kind and kind.excluded else None
