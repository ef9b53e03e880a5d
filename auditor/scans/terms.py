"""The terms of a run: what its operators are held against, fixed when it begins.

They are a file of the store: date, least grade, policy, zones, reviews, rules. A run that goes on later, or
elsewhere, judges on the same terms or not at all.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from auditor import __version__, engine
from auditor.errors import UsageError
from auditor.files import reason_of
from auditor.language import say
from auditor.scans.blobs import Blobs, BrokenBlobError
from auditor.scans.canonical import canonical
from auditor.settings import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.zones import Areas

SCHEMA = "auditor.terms/1"
ZONE_ENDINGS = (".geojson", ".json")


@dataclass(frozen=True)
class Terms:
    """What the operators of a run are held against.

    Parameters
    ----------
    as_of
        Date of the audit.
    min_grade
        Least grade of evidence on which a rule of the circular may pass.
    policy
        Decisions on what the circular leaves open.
    areas
        Pilot areas on the date.
    reviews
        The table of confirmed documents, if there is one.
    """

    as_of: dt.date
    min_grade: str
    policy: Policy
    areas: Areas
    reviews: bytes | None


def keep_terms(
    blobs: Blobs,
    *,
    as_of: dt.date,
    min_grade: str = "E3",
    policy: Policy | None = None,
    zones: Iterable[str] = (),
    reviews: str | None = None,
) -> str:
    """Keep the terms of a run that begins, and give their digest.

    Parameters
    ----------
    zones
        Files or folders of zones beside those that ship.
    reviews
        Path of ``reviews.csv``.

    Raises
    ------
    UsageError
        Files that cannot be read, or are no zones.
    """
    engine.areas_on(as_of, tuple(zones))  # says at once what is wrong with them
    files = [(path.name, blobs.put_file(path)[0]) for given in zones for path in _zone_files(Path(given))]
    values = {
        "schema": SCHEMA,
        "auditor": __version__,
        "as_of": as_of.isoformat(),
        "min_grade": min_grade,
        "policy": _stated(policy or Policy()),
        "zones": [{"name": name, "sha256": digest} for name, digest in files],
        "reviews": blobs.put_file(Path(reviews))[0] if reviews else None,
        "rules": {rule.id: rule.sha256 for rule in engine.all_rules()},
    }
    return blobs.put(canonical(values).encode())


def _stated(policy: Policy) -> dict[str, Any]:
    """Give what of a policy was stated: a rule may ask for that, and not for the same by default."""
    values: dict[str, Any] = orjson.loads(policy.model_dump_json(exclude_unset=True))
    return values


def _zone_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.suffix.lower() in ZONE_ENDINGS)


def files_of_terms(values: dict[str, Any]) -> list[str]:
    """Digests of the files that terms name."""
    return [zone["sha256"] for zone in values["zones"]] + ([values["reviews"]] if values["reviews"] else [])


def stated(blobs: Blobs, digest: str) -> dict[str, Any]:
    """Give terms as they are written."""
    values: dict[str, Any] = orjson.loads(blobs.get(digest))
    return values


@lru_cache(maxsize=4)
def read_terms(evidence: Path, digest: str) -> Terms:
    """Read terms back; a child that judges many operators reads them once.

    Raises
    ------
    UsageError
        They name other rules than this auditor has, or are not as they were kept: no operator's fault.
    """
    try:
        return _read(Blobs(evidence), digest)
    except BrokenBlobError as error:
        file, reason = str(error.filename), reason_of(error)
        raise UsageError(say("{file}: cannot be read: {reason}", file=file, reason=reason)) from None


def _read(blobs: Blobs, digest: str) -> Terms:
    values = stated(blobs, digest)
    refuse_other_rules(values)
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, zone in enumerate(values["zones"]):
            place = Path(folder, str(number), zone["name"])
            place.parent.mkdir()
            place.write_bytes(blobs.get(zone["sha256"]))
            paths.append(str(place))
        day = dt.date.fromisoformat(values["as_of"])
        areas = engine.areas_on(day, paths)
    return Terms(
        day,
        values["min_grade"],
        Policy.model_validate_json(orjson.dumps(values["policy"])),
        areas,
        blobs.get(values["reviews"]) if values["reviews"] else None,
    )


def refuse_other_rules(values: dict[str, Any]) -> None:
    """Refuse to go on with a run that was begun under other rules: half of it would be judged otherwise.

    Raises
    ------
    UsageError
        Which version began it, and what to do.
    """
    own = {rule.id: rule.sha256 for rule in engine.all_rules()}
    if (values["auditor"], values["rules"]) != (__version__, own):
        raise UsageError(
            say(
                "the run began with another auditor ({version}) or other rules: go on with that version, or "
                "cancel the run and start another",
                version=values["auditor"],
            )
        )
