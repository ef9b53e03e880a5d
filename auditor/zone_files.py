"""Boundary files: GeoJSON features to parts of areas, checked."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from auditor import boundaries
from auditor.claims import RELATION
from auditor.datum import datum_code, to_wgs84
from auditor.errors import said_by
from auditor.files import read_plain, reason_of
from auditor.language import Said, say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.columns import FloatArray

STATUSES = ("in", "undecided", "out")
DEFAULT_BAND_M = 100.0
FAULTS = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
)  # of a file of any content


@dataclass(frozen=True)
class Part:
    """A piece of an area in one dated version.

    Parameters
    ----------
    id, area
        Names of the part and of its area.
    status
        ``in``; ``undecided`` (neither pass nor fail there); ``out`` (cut from the others of its area).
    geometry
        WGS84.
    bands_m
        Accuracy of each edge, in the order of `auditor.boundaries.segments`.
    properties
        All that the file says: names, legal basis, source, licence, notes, probes.
    seaward
        Whether it is but the water off a coast whose line is uncertain.
    own
        Whether a user gave the file; else it ships.
    """

    id: str
    area: str
    status: str
    geometry: shapely.MultiPolygon
    bands_m: FloatArray
    properties: dict[str, Any]
    from_on: dt.date | None
    to_on: dt.date | None
    sha256: str
    file: str
    seaward: bool = False
    own: bool = False

    def __getitem__(self, key: str) -> str:
        """Text of one property; empty if the file does not have it."""
        return str(self.properties.get(key) or "")

    def in_force(self, day: dt.date | None) -> bool:
        """Whether this version holds on a date."""
        return day is None or ((self.from_on or day) <= day < (self.to_on or dt.date.max))

    @property
    def region_codes(self) -> dict[str, str] | None:
        """Codes that the file states for the part; `None` if it says nothing of codes."""
        codes: dict[str, str] | None = self.properties.get("region_codes")
        return codes


def order(part: Part) -> tuple[int, str]:
    """Order of the parts of an area: what is in comes first."""
    return STATUSES.index(part.status), part.id


def read_files(paths: Iterable[str | Path], problems: list[str]) -> list[Part]:
    """Read GeoJSON files and folders of them; what is wrong is added to `problems`, one line a file."""
    parts: list[Part] = []
    for path in map(Path, paths):
        files = sorted(path.glob("*.geojson")) if path.is_dir() else [path]
        if not files:
            problems.append(say("{path}: no *.geojson in this folder", path=path))
        for file in files:
            try:
                parts += _read_file(file)
            except (*FAULTS, shapely.errors.ShapelyError) as error:
                problems.append(say("{file}: {what}", file=file.name, what=_fault(error)))
    return parts


def _fault(error: Exception) -> str:
    if isinstance(error, KeyError):
        return say("lacks {key}", key=str(error))
    if isinstance(error, OSError):
        return reason_of(error)
    said = said_by(error)
    return said if isinstance(said, Said) else say("cannot be read: {reason}", reason=said)


def _read_file(file: Path) -> list[Part]:
    raw = read_plain(file)
    content = json.loads(raw)
    if not isinstance(content, dict):
        raise ValueError(say("is no GeoJSON object"))  # noqa: TRY004 -- a fault of the file, not of the caller
    features = content["features"] if content.get("type") == "FeatureCollection" else [content]
    digest = hashlib.sha256(raw).hexdigest()
    return [_part(feature, digest, file.name) for feature in features]


def _part(feature: dict[str, Any], sha256: str, file: str) -> Part:
    properties = feature["properties"]
    geometry = _geometry(feature["geometry"], properties.get("datum") or "WGS84")
    if properties["status"] not in STATUSES:
        raise ValueError(
            say("status {status!r} is none of {words}", status=properties["status"], words=STATUSES)
        )
    strange = set((properties.get("region_codes") or {}).values()) - set(RELATION)
    if strange:
        raise ValueError(
            say(
                "region_codes: {names} is none of {words}",
                names=list(map(repr, sorted(strange))),
                words=list(RELATION),
            )
        )
    from_on, to_on = _date(properties.get("from_on")), _date(properties.get("to_on"))
    if from_on and to_on and from_on >= to_on:
        raise ValueError(say("to_on {to_on} is not after from_on {from_on}", to_on=to_on, from_on=from_on))
    return Part(
        id=str(properties["part"]),
        area=str(properties["area"]),
        status=properties["status"],
        geometry=geometry,
        bands_m=_bands(geometry, properties.get("bands_m")),
        properties=properties,
        from_on=from_on,
        to_on=to_on,
        sha256=sha256,
        file=file,
        seaward=bool(properties.get("seaward_m")),
    )


def _date(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def _geometry(given: Any, datum: str) -> shapely.MultiPolygon:
    shape = shapely.force_2d(shapely.geometry.shape(given)) if given else shapely.Polygon()
    if shape.is_empty:
        raise ValueError(say("the geometry is empty; a part is a Polygon or a MultiPolygon with coordinates"))
    if shape.geom_type not in {"Polygon", "MultiPolygon"}:
        raise ValueError(say("a part is a Polygon or a MultiPolygon, not {shape}", shape=shape.geom_type))
    points = shapely.get_coordinates(shape)
    if not (np.isfinite(points).all() and (np.abs(points) <= (180.0, 90.0)).all()):
        raise ValueError(say("coordinates are not longitude, latitude in degrees"))
    code = datum_code(datum)
    if code is None or code == "unknown":
        raise ValueError(say("a boundary in datum {datum!r} cannot be placed", datum=datum))
    shape = shapely.transform(shape, lambda p: np.column_stack(to_wgs84(p[:, 0], p[:, 1], str(code))))
    if not shape.is_valid:
        raise ValueError(say("the geometry is not valid: {reason}", reason=shapely.is_valid_reason(shape)))
    return shapely.MultiPolygon(shapely.get_parts(shape).tolist())


def _runs(given: Any) -> list[tuple[float, int]]:
    try:
        return [(float(m), int(n)) for polygon in given for ring in polygon for m, n in ring]
    except (TypeError, ValueError):
        what = say(
            "bands_m is neither one number of metres nor a list as [[[[1000, 6]]]]: polygons, their rings, "
            "runs of [metres, edges]"
        )
        raise ValueError(what) from None


def _bands(geometry: shapely.MultiPolygon, given: Any) -> FloatArray:
    edges = len(boundaries.segments(geometry))
    if given is None or isinstance(given, int | float):
        runs = [(DEFAULT_BAND_M if given is None else given, edges)]
    else:
        runs = _runs(given)
    bands = np.repeat([float(band) for band, _ in runs], [count for _, count in runs])
    if not ((bands >= 0) & np.isfinite(bands)).all():
        raise ValueError(say("bands_m holds what is no accuracy in metres"))
    if len(bands) != edges:
        raise ValueError(
            say("bands_m speaks of {count} edges, the geometry has {edges}", count=len(bands), edges=edges)
        )
    return bands
