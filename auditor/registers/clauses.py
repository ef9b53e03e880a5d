"""Clauses: the circular and its annex sentence by sentence, related law, and policy of our own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from auditor.errors import UsageError
from auditor.language import say
from auditor.registers._files import read_toml

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause.

    Parameters
    ----------
    id
        ``annex-2-2-cdn``; never reused.
    instrument, article, article_zh
        Where it stands.
    basis
        ``circular``, ``related_law`` or ``policy``.
    zh, en
        Words, in the circular's case verbatim in both languages; the Chinese governs.
    note, note_zh
        Where the English differs, and what the words leave open.
    assessment
        ``automated`` where rules answer it (they name the clauses they answer), else ``manual``.
    reason_en, reason_zh
        Why a person must look; blank for automated ones.
    cards
        Rule cards of the regulation that belong to it.
    from_on, to_on
        Period in force.
    certainty, source
        How well it is known, and whence.
    """

    id: str
    instrument: str
    article: str
    article_zh: str
    basis: Literal["circular", "related_law", "policy"]
    zh: str
    en: str
    assessment: Literal["automated", "manual"]
    cards: tuple[str, ...]
    from_on: dt.date
    certainty: str
    source: str
    note: str = ""
    note_zh: str = ""
    reason_en: str = ""
    reason_zh: str = ""
    to_on: dt.date | None = None

    def place(self, lang: str) -> str:
        """Say where it stands: the instrument and the article, in one language.

        Examples
        --------
        >>> clause("annex-2-2-cdn").place("en")
        'Circular 107 (工信部通信函〔2024〕107号), annex part 2(2)'
        """
        english, chinese = _instruments()[self.instrument]
        if lang == "zh":
            gap = " " if self.article_zh.isascii() else ""
            return f"{chinese}{gap}{self.article_zh}"
        return f"{english}, {self.article}"


@cache
def _instruments() -> Mapping[str, tuple[str, str]]:
    return {name: (told[0], told[1]) for name, told in read_toml("clauses.toml")["instruments"].items()}


@cache
def read_clauses() -> tuple[Clause, ...]:
    """Read all clauses, the circular's first, in its order.

    Examples
    --------
    >>> read_clauses()[1].id
    'circular-1'
    """
    return tuple(
        Clause(**{**raw, "cards": tuple(raw["cards"])}) for raw in read_toml("clauses.toml")["clauses"]
    )


@cache
def _by_id() -> Mapping[str, Clause]:
    return {clause.id: clause for clause in read_clauses()}


def clause(clause_id: str) -> Clause:
    """Find a clause.

    Raises
    ------
    UsageError
        There is none of that id.

    Examples
    --------
    >>> clause("annex-2-2-cdn").zh
    '不得购买、租用本试点区域外 CDN 等设施开展加速服务。'
    """
    try:
        return _by_id()[clause_id]
    except KeyError:
        raise UsageError(say("{clause_id}: no such clause", clause_id=clause_id)) from None
