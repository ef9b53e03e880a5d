"""Reviews: a person's recorded confirmation of documents, kept outside the declaration."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import NamedTuple

from auditor.errors import DeclarationError, Problem
from auditor.language import say
from auditor.signed import faults, in_order, read_signed

COLUMNS = ("sha256", "by", "on")
ALIASES = dict.fromkeys(("digest", "document", "document_digest", "document_sha256"), "sha256")


class Review(NamedTuple):
    """A document that a person confirmed: its SHA-256, who confirmed it, and when."""

    sha256: str
    by: str
    on: dt.date


def read_reviews(path: str | Path, *, as_of: dt.date, operator: str = "") -> frozenset[str]:
    """Read ``reviews.csv``: which documents a person confirmed (DESIGN 7).

    Parameters
    ----------
    path, as_of, operator
        As in `reviews_in`.

    Returns
    -------
    frozenset of str
        SHA-256 of the confirmed documents.

    Raises
    ------
    DeclarationError
        All that is wrong with the file.
    """
    return frozenset(review.sha256 for review in reviews_in(path, as_of=as_of, operator=operator))


def reviews_in(path: str | Path, *, as_of: dt.date, operator: str = "") -> tuple[Review, ...]:
    """Read ``reviews.csv`` with who confirmed each document, and when.

    Parameters
    ----------
    path
        CSV with the columns ``sha256`` (digest of the document; ``digest`` and ``document_sha256`` are read
        as well), ``by`` and ``on`` (date).
    as_of
        Reviews of a later date do not count yet.
    operator
        Name of the operator: nobody confirms its own documents.

    Returns
    -------
    tuple of Review
        In the order of the file.

    Raises
    ------
    DeclarationError
        All that is wrong with the file.
    """
    path = Path(path)
    rows = read_signed(path, _named, COLUMNS)
    problems: list[Problem] = []
    confirmed = []
    for number, row in enumerate(rows, start=2):
        wrong = _problems(path.name, number, row, operator)
        problems += wrong
        if not wrong and dt.date.fromisoformat(row["on"]) <= as_of:
            confirmed.append(
                Review(row["sha256"].lower(), row["by"].strip(), dt.date.fromisoformat(row["on"]))
            )
    if problems:
        raise DeclarationError(problems)
    return tuple(confirmed)


def _named(column: str) -> str:
    name = column.replace(" ", "_")
    return ALIASES.get(name, name)


def _problems(file: str, number: int, row: dict[str, str], operator: str) -> list[Problem]:
    found = faults(file, number, row, digests=("sha256",), who=say("say who confirmed the document"))
    if operator and (row["by"] or "").strip().casefold() == operator.casefold():
        where, what = say("row {number}", number=number), say("the operator cannot confirm its own documents")
        found.append(Problem(file, where, "by", what))
    return in_order(found, COLUMNS)
