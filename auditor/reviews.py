"""Reviews: a person's recorded confirmation of documents, kept outside the declaration."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from pathlib import Path
from typing import NamedTuple

from auditor.errors import DeclarationError, Problem
from auditor.files import read_plain, reason_of
from auditor.language import say
from auditor.problems import quote

COLUMNS = ("sha256", "by", "on")
ALIASES = dict.fromkeys(("digest", "document", "document_digest", "document_sha256"), "sha256")
DIGEST = re.compile(r"[0-9a-f]{64}")


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
    try:
        with io.StringIO(read_plain(path).decode("utf-8-sig"), newline="") as file:
            reader = csv.DictReader(file, strict=True)
            header = [name.strip().lower().replace(" ", "_") for name in reader.fieldnames or ()]
            reader.fieldnames = header = [ALIASES.get(name, name) for name in header]
            rows = list(reader)
    except OSError as error:
        what = say("cannot be read: {reason}", reason=reason_of(error))
        raise DeclarationError([Problem(path.name or str(path), "", "", what)]) from None
    except (UnicodeDecodeError, csv.Error) as error:
        what = say("is no CSV table: {reason}", reason=str(error))
        raise DeclarationError([Problem(path.name, "", "", what, say("give a CSV file in UTF-8"))]) from None
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise DeclarationError(
            [
                Problem(path.name, say("row {number}", number=1), name, say("column is missing"))
                for name in missing
            ]
        )
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


def _problems(file: str, number: int, row: dict[str, str], operator: str) -> list[Problem]:
    where = say("row {number}", number=number)
    problems = []
    if None in row:
        problems.append(Problem(file, where, "", say("has more cells than the header")))
    if not DIGEST.fullmatch((row["sha256"] or "").lower()):
        problems.append(
            Problem(
                file,
                where,
                "sha256",
                say("{sha256} is no SHA-256", sha256=quote(row["sha256"])),
                say("64 hex digits"),
            )
        )
    if not (row["by"] or "").strip():
        problems.append(
            Problem(file, where, "by", say("nobody is named"), say("say who confirmed the document"))
        )
    elif operator and row["by"].strip().casefold() == operator.casefold():
        problems.append(Problem(file, where, "by", say("the operator cannot confirm its own documents")))
    try:
        dt.date.fromisoformat(row["on"] or "")
    except ValueError:
        problems.append(
            Problem(
                file, where, "on", say("{on} is no date", on=quote(row["on"])), say("write it as 2026-11-22")
            )
        )
    return problems
