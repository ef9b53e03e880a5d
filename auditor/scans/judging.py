"""Judging one operator of a run, from copies of its files: what a child process does.

Nothing here knows the database. A job says by digest what to read; the result is written to the evidence, and
what comes back is small.
"""

from __future__ import annotations

import datetime as dt
import gzip
import tempfile
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from auditor import engine, readers
from auditor.errors import AuditorError
from auditor.findings import Verdict
from auditor.language import in_all
from auditor.reports._content import settled, to_dict
from auditor.reviews import read_reviews
from auditor.roles import Surety
from auditor.scans import life
from auditor.scans.blobs import Blobs
from auditor.scans.terms import read_terms
from auditor.terms import View, other_terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditor.model import Declaration
    from auditor.result import AuditResult
    from auditor.terms import Key

VERDICTS = tuple(str(v) for v in Verdict if v != Verdict.MANUAL)
REFUSED = "auditor.refused/1"


@dataclass(frozen=True)
class Given:
    """What one judgement is made of, by digest.

    Parameters
    ----------
    terms
        Of the run.
    entry, files
        Of the declaration, as in `intake.Copied`: path and digest.
    observations
        What sources said; None if nothing was given.
    """

    terms: str
    entry: str
    files: tuple[tuple[str, str], ...]
    observations: str | None = None


@dataclass(frozen=True)
class Job:
    """One operator to be judged.

    Parameters
    ----------
    evidence
        Folder of the store's files.
    key
        How the operator is called.
    given
        What is judged.
    before
        What the last result was made of, and the digest of that result; None for a first one.
    earlier
        Last change of findings that were closed, for `life.changes_of`.
    """

    evidence: str
    key: str
    given: Given
    before: tuple[Given, str] | None = None
    earlier: Mapping[Key, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What came of a job.

    Parameters
    ----------
    state
        ``done``, ``refused`` (the declaration cannot be read) or ``error``.
    result
        Digest of the result, or of the list of problems.
    verdict, name, uscc, area
        Of the result.
    reason
        Why it is refused or an error: a text in both languages.
    evaluations, facilities, changes
        Rows of those tables, without run and operator.
    """

    state: str
    result: str | None = None
    verdict: str | None = None
    name: str | None = None
    uscc: str | None = None
    area: str | None = None
    reason: Mapping[str, str] | None = None
    evaluations: tuple[Mapping[str, Any], ...] = ()
    facilities: tuple[Mapping[str, Any], ...] = ()
    changes: tuple[Mapping[str, Any], ...] = ()


def judge(job: Job) -> Outcome:
    """Judge one operator, and keep the result.

    The same job gives the same bytes, whoever does it and whenever.
    """
    blobs = Blobs(Path(job.evidence))
    read_terms(blobs.folder, job.given.terms)  # what is wrong with them is no operator's fault
    try:
        result = judged(blobs, job.key, job.given)
    except AuditorError as error:
        return _refused(blobs, error)
    values = whole(result)
    before = result_of(blobs, job.before[1]) if job.before else None
    again = None
    if job.before and before is not None and other_terms(View(before), View(values)):
        again = judged_again(blobs, job.key, replace(job.before[0], terms=job.given.terms), before)
    return Outcome(
        "done",
        blobs.put(packed(values)),
        values["verdict"],
        values["operator"]["name"],
        values["operator"]["uscc"],
        values["operator"]["area"],
        None,
        tuple(_evaluations(values)),
        tuple(_facilities(result)),
        tuple(life.changes_of(before, values, job.earlier, again=again)),
    )


def judged(blobs: Blobs, key: str, given: Given, *, as_of: dt.date | None = None) -> AuditResult:
    """Judge what was given, anew.

    Raises
    ------
    AuditorError
        The declaration or the observations cannot be read.
    """
    terms = read_terms(blobs.folder, given.terms)
    declaration = declaration_of(blobs, key, given.entry, given.files)
    with tempfile.TemporaryDirectory() as folder:
        seen = None
        if given.observations:
            place = Path(folder, "observations.parquet")
            place.write_bytes(blobs.get(given.observations))
            seen = readers.read_observations(place)
        confirmed: frozenset[str] = frozenset()
        if terms.reviews is not None:
            place = Path(folder, "reviews.csv")
            place.write_bytes(terms.reviews)
            confirmed = read_reviews(place, as_of=terms.as_of, operator=declaration.operator.name)
    return engine.check(
        declaration,
        areas=terms.areas,
        as_of=as_of or terms.as_of,
        policy=terms.policy,
        confirmed=confirmed,
        observations=seen,
        min_grade=terms.min_grade,
    )


def declaration_of(blobs: Blobs, key: str, entry: str, files: Iterable[tuple[str, str]]) -> Declaration:
    """Read a declaration from the copies of its files.

    Raises
    ------
    AuditorError
        It cannot be read.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, Path(key).name)  # what is said of the declaration names it
        blobs.lay_out(files, root)
        return readers.read_declaration(root / entry if entry else root)


def judged_again(blobs: Blobs, key: str, given: Given, before: Mapping[str, Any]) -> dict[str, Any] | None:
    """Judge what was declared before on the later terms: what differs then is not the operator's doing."""
    try:
        result = judged(blobs, key, given, as_of=dt.date.fromisoformat(before["as_of"]))
    except AuditorError:
        return None
    return whole(result)


def whole(result: AuditResult) -> dict[str, Any]:
    """Give a result in plain values with all that settled named: later ones are held against it."""
    return {**to_dict(result), "settled": settled(result, inf)}


def packed(values: Mapping[str, Any]) -> bytes:
    """Write a result as it is kept: JSON, packed by gzip, the same values the same bytes."""
    return gzip.compress(orjson.dumps(values), compresslevel=1, mtime=0)


def result_of(blobs: Blobs, digest: str) -> dict[str, Any]:
    """Read a result, or a list of problems, that was kept.

    Raises
    ------
    OSError
        It is missing or changed.
    """
    values: dict[str, Any] = orjson.loads(gzip.decompress(blobs.get(digest)))
    return values


def _refused(blobs: Blobs, error: AuditorError) -> Outcome:
    """Keep all that is wrong with a declaration, and say the first of it."""
    digest = blobs.put(packed({"schema": REFUSED, "problems": in_all(error)}))
    return Outcome("refused", digest, reason=first_of(error))


def first_of(error: AuditorError) -> dict[str, str]:
    """Give the first of what an error says, in every language."""
    return {lang: text.split("\n")[0] for lang, text in in_all(error).items()}


def _evaluations(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    digests = {rule["id"]: rule["sha256"] for rule in values["rules"]}
    zero = dict.fromkeys(VERDICTS, 0)
    return [
        {"rule": rule, "rule_sha256": digests[rule], **zero, **counts}
        for rule, counts in sorted(values["counts"].items())
    ]


def _facilities(result: AuditResult) -> list[dict[str, Any]]:
    """Count facilities by kind."""
    kinds = result.case.node("kind")
    sure, doubtful = (
        np.bincount(kinds.codes[result.case.facility == surety], minlength=len(kinds.values))
        for surety in (Surety.SURE, Surety.DOUBTFUL)
    )
    return [
        {"kind": kind, "sure": int(sure[i]), "doubtful": int(doubtful[i])}
        for i, kind in sorted(enumerate(kinds.values), key=lambda pair: str(pair[1]))
        if sure[i] or doubtful[i]
    ]
