"""Pilot areas and their parts: dated geometry from files, and how places lie to it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import tomllib
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from auditor import boundaries, places
from auditor.claims import RELATION as CLAIMS
from auditor.claims import Addresses, RegionCodes, Scope
from auditor.datum import datum_code, to_wgs84
from auditor.errors import DataError, UsageError
from auditor.places import BASES as BASES
from auditor.places import RELATIONS as RELATIONS
from auditor.places import Places as Places
from auditor.places import Relation as Relation
from auditor.settings import data_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import geopandas as gpd

    from auditor.columns import FloatArray, IntArray

STATUSES = ("in", "undecided", "out")
DEFAULT_BAND_M = 100.0


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
    shipped
        Whether the file comes with `auditor`.
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
    shipped: bool = True

    def __getitem__(self, key: str) -> str:
        """Text of one property; empty if the file does not have it."""
        return str(self.properties.get(key) or "")

    def in_force(self, day: dt.date | None) -> bool:
        """Whether this version holds on a date."""
        return day is None or ((self.from_on or day) <= day < (self.to_on or dt.date.max))

    @property
    def region_codes(self) -> dict[str, str] | None:
        """Codes that a user's file states for the part; `None` if it states none."""
        codes: dict[str, str] | None = self.properties.get("region_codes")
        return codes


@dataclass(frozen=True)
class Area:
    """A pilot area in law.

    Parameters
    ----------
    circular_on, reply_on
        Dates of Circular 107 and of the ministry's reply, from which the pilot is in force there.
    services_opened
        Codes of the services opened.
    """

    id: str
    name_zh: str
    name_en: str
    legal_basis: str
    administration_zh: str
    administration_en: str
    circular_on: dt.date | None
    reply_on: dt.date | None
    services_opened: tuple[str, ...]
    status: str
    open_questions: tuple[str, ...]
    parts: tuple[Part, ...]
    to_on: dt.date | None = None


@dataclass(frozen=True)
class Areas:
    """The areas in force on a date.

    Parameters
    ----------
    as_of
        The date; `None` means all that is known.
    areas
        In the order of the register, then those of users' files.
    """

    as_of: dt.date | None
    areas: tuple[Area, ...]
    redrawn: frozenset[str] = frozenset()

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Names of the areas, in order."""
        return tuple(area.id for area in self.areas)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """Parts of all areas, in order."""
        return tuple(part for area in self.areas for part in area.parts)

    @cached_property
    def part_ids(self) -> tuple[str, ...]:
        """Names of the parts, in order."""
        return tuple(part.id for part in self.parts)

    def area(self, name: str) -> Area:
        """One area by its name.

        Raises
        ------
        UsageError
            No such area is in force.
        """
        for area in self.areas:
            if area.id == name:
                return area
        known = ", ".join(self.ids) or "none is in force on the date"
        raise UsageError(f"no such area: {name!r}; there are: {known}")

    def provenance(self) -> list[dict[str, str]]:
        """Where the geometry comes from: one entry a part."""
        keys = ("version", "source", "attribution", "licence")
        return [{"part": p.id, "sha256": p.sha256, **{key: p[key] for key in keys}} for p in self.parts]

    def to_frame(self) -> gpd.GeoDataFrame:
        """Parts as a GeoDataFrame: one row a part, with all properties of its file."""
        import geopandas  # noqa: PLC0415 -- takes a second to import

        rows = [{**p.properties, "part": p.id, "area": p.area, "status": p.status} for p in self.parts]
        return geopandas.GeoDataFrame(rows, geometry=[p.geometry for p in self.parts], crs="EPSG:4326")

    # --- relation -----------------------------------------------------------------------------------------

    def relate(self, where: Places) -> Relation:
        """Relate places to the areas: region code, then coordinates, then address.

        Examples
        --------
        >>> import numpy as np
        >>> from auditor.columns import Coded
        >>> blank = Coded.of([None])
        >>> place = Places(np.array([116.397]), np.array([39.907]), Coded.of(["WGS84"]), np.array([50.0]), blank, blank)
        >>> areas = read_areas("2026-11-22")
        >>> found = areas.relate(place)
        >>> RELATIONS[found.relation[0]], areas.ids[found.area[0]], BASES[found.basis[0]]
        ('within', 'beijing', 'coordinates')
        """
        said = lambda column, read: places.Said.of(column, read, self.ids, self.part_ids)  # noqa: E731
        points = self._points(where)

        def touches(rows: IntArray, area: IntArray) -> Any:
            answer = np.zeros(len(rows), np.bool_)
            for one in np.unique(area):
                mask = area == one
                at = rows[mask]
                answer[mask] = self._boundary.reaches(
                    points.lon[at], points.lat[at], points.radius_m[at], int(one)
                )
            return answer

        code = said(where.region_code, self._codes.read)
        return places.weigh(code, said(where.address, self._addresses.read), points, touches)

    def distance_m(self, lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, IntArray]:
        """Signed geodesic metres from WGS84 points to the edge of the nearest area's ``in`` parts, and that area.

        Negative inside. NaN and -1 for points that are NaN, or if there are no areas. Edges that parts of one
        area share do not count.
        """
        return self.edge(lon, lat)[:2]

    def edge(self, lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, IntArray, FloatArray]:
        """Like `distance_m`, with the accuracy in metres of the edge that is nearest."""
        metres, band = np.full(len(lon), np.nan), np.full(len(lon), np.nan)
        area = np.full(len(lon), -1, np.int8)
        rows = np.flatnonzero(~np.isnan(lon) & ~np.isnan(lat))
        metres[rows], area[rows], band[rows] = self._boundary.distance(lon[rows], lat[rows])
        return metres, area, band

    def _points(self, where: Places) -> places.Points:
        lon, lat, radius = places.locate(where)
        state = np.full(len(lon), places.NO_POINT, np.int8)
        area, part = np.full(len(lon), -1, np.int8), np.full(len(lon), -1, np.int16)
        rows = np.flatnonzero(~np.isnan(lon))
        ground = self._boundary.classify(lon[rows], lat[rows], radius[rows])
        n = len(self.areas)
        inside = (ground.label >= 0) & (ground.label < n)
        part[rows] = self._part_of(lon[rows], lat[rows], ground.label)
        seaward = np.array([*(p.seaward for p in self.parts), False])[part[rows]]
        state[rows] = np.select(
            [ground.touches, inside, seaward, ground.label >= n],
            [places.POINT_NEAR, places.POINT_WITHIN, places.POINT_SEAWARD, places.POINT_UNDECIDED],
            places.POINT_OUTSIDE,
        )
        home = np.where(ground.label >= n, ground.label - n, ground.label)
        area[rows] = np.where(ground.touches & ~inside, ground.near, home)
        told = np.array([*(p.shipped or p.region_codes is not None for p in self.parts), True])
        silent = np.array([*(any(not told[self.parts.index(p)] for p in a.parts) for a in self.areas), False])
        untold = ~told[part] | ((state == places.POINT_NEAR) & silent[area])
        return places.Points(lon, lat, radius, state, area, part, untold)

    def _part_of(self, lon: FloatArray, lat: FloatArray, label: IntArray) -> IntArray:
        """Smallest part that each point lies in, of those that make up its ground."""
        found = np.full(len(lon), -1, np.int16)
        small = sorted(
            range(len(self.parts)), key=lambda i: (self.parts[i].seaward, self.parts[i].geometry.area)
        )
        for index, area in enumerate(self.areas):
            for ground, status in ((index, "in"), (index + len(self.areas), "undecided")):
                rows = np.flatnonzero(label == ground)
                fit = [i for i in small if self.parts[i].area == area.id and self.parts[i].status == status]
                for i in fit[:-1]:
                    hit = shapely.intersects_xy(self.parts[i].geometry, lon[rows], lat[rows])
                    found[rows[hit]], rows = i, rows[~hit]
                found[rows] = fit[-1] if fit else -1
        return found

    @cached_property
    def _boundary(self) -> boundaries.Boundary:
        inside, doubtful, edges = [], [], []
        for index, area in enumerate(self.areas):
            one, other = _grounds(area.parts)
            inside.append(one)
            doubtful.append(other)
            sources = np.concatenate([boundaries.segments(part.geometry) for part in area.parts])
            accuracy = np.concatenate([part.bands_m for part in area.parts])
            for ground, inner in ((one, True), (other, False)):
                lines = boundaries.segments(ground)
                if not inner:
                    lines = boundaries.apart(lines, one)  # shared edges are there already
                bands = boundaries.inherit_bands(lines, sources, accuracy)
                edges += [
                    boundaries.Edge(lines[bands == band], index, float(band), inner=inner)
                    for band in np.unique(bands)
                ]
        for part in self.parts:
            shapely.prepare(part.geometry)
        return boundaries.Boundary([*inside, *doubtful], edges)

    @cached_property
    def _scope(self) -> Scope:
        return Scope(self.as_of, frozenset(self.ids), self.redrawn)

    @cached_property
    def _codes(self) -> RegionCodes:
        stated = {
            code: (relation, part.area, part.id)
            for part in self.parts
            for code, relation in (part.region_codes or {}).items()
        }
        return RegionCodes(self._scope, stated)

    @cached_property
    def _addresses(self) -> Addresses:
        return Addresses(self._scope, self._codes)


def _grounds(parts: Sequence[Part]) -> tuple[shapely.Geometry, shapely.Geometry]:
    """What is in an area and what is undecided of it: doubt beats a claim, but the strip off a coast does not."""
    union = lambda chosen: shapely.union_all([p.geometry for p in chosen])  # noqa: E731
    out = union(p for p in parts if p.status == "out")
    doubt = union(p for p in parts if p.status == "undecided" and not p.seaward) - out
    inside = union(p for p in parts if p.status == "in") - out - doubt
    strip = union(p for p in parts if p.status == "undecided" and p.seaward) - out
    return inside, shapely.union_all([doubt, strip]) - inside


# --- reading ----------------------------------------------------------------------------------------------


def read_areas(as_of: dt.date | str | None = None, *, paths: Sequence[str | Path] = ()) -> Areas:
    """Read the pilot areas that are in force on a date.

    Parameters
    ----------
    as_of
        Date; `None` takes all parts, whatever their dates.
    paths
        GeoJSON files, or folders of them, beside those that ship. Their properties say it all: ``part``, ``area``
        and ``status`` are required; a new ``area`` may bring ``area_name_zh``, ``area_name_en`` and
        ``services_opened``; a part of a known name replaces that one. ``bands_m`` is the accuracy of the edges (a
        number, or one list of [metres, edges] pairs a ring), 100 m if absent; ``region_codes`` maps codes to
        ``within``, ``undecided`` or ``needs_geometry``; ``datum`` may be any of `auditor.datum.DATUMS`.

    Raises
    ------
    DataError
        Files that are missing or broken; all of them at once.
    UsageError
        No date.

    Examples
    --------
    >>> read_areas("2026-11-22").ids
    ('beijing', 'shanghai', 'hainan', 'shenzhen')
    >>> read_areas("2024-10-22").ids
    ()
    """
    day = _day(as_of)
    problems: list[str] = []
    shipped = [
        p for p in _read_files([data_folder("zone_boundaries")], problems, shipped=True) if p.in_force(day)
    ]
    given = [p for p in _read_files(paths, problems, shipped=False) if p.in_force(day)]
    redrawn = {part.id for part in given} & {part.id for part in shipped}
    parts = [*(part for part in shipped if part.id not in redrawn), *given]
    names = [part.id for part in parts]
    twice = sorted({name for name in names if names.count(name) > 1})
    problems += [f"part {name} is there twice on the same date" for name in twice]
    if problems:
        raise DataError("\n".join(problems))
    return Areas(day, tuple(_areas(day, parts)), frozenset(redrawn))


def _day(as_of: dt.date | str | None) -> dt.date | None:
    if not isinstance(as_of, str):
        return as_of
    try:
        return dt.date.fromisoformat(as_of)
    except ValueError:
        raise UsageError(f"{as_of!r} is no date; write it as 2026-11-22") from None


def _areas(day: dt.date | None, parts: Sequence[Part]) -> Iterator[Area]:
    text = resources.files("auditor").joinpath("data", "areas.toml").read_text("utf-8")
    known = {entry["id"]: entry for entry in tomllib.loads(text)["areas"]}
    for name in [*known, *dict.fromkeys(part.area for part in parts if part.area not in known)]:
        own = tuple(part for part in parts if part.area == name)
        facts = known.get(name) or _facts(name, own)
        dated = day is None or ((facts.get("reply_on") or day) <= day < (facts.get("to_on") or dt.date.max))
        if dated and any(part.status == "in" for part in own):
            lists = {key: tuple(facts[key]) for key in ("services_opened", "open_questions")}
            yield Area(**{**facts, **lists}, parts=own)


def _facts(name: str, parts: Sequence[Part]) -> dict[str, Any]:
    """Facts on an area that only users' files know: the first of its parts that says something."""
    first = lambda key, default: next((p.properties[key] for p in parts if p.properties.get(key)), default)  # noqa: E731
    return {
        "id": name,
        "name_zh": first("area_name_zh", name),
        "name_en": first("area_name_en", name),
        "legal_basis": first("legal_basis", ""),
        "administration_zh": first("administration_zh", ""),
        "administration_en": first("administration_en", ""),
        "circular_on": None,
        "reply_on": min((p.from_on for p in parts if p.from_on), default=None),
        "services_opened": first("services_opened", ()),
        "status": "active",
        "open_questions": (),
    }


def _read_files(paths: Iterable[str | Path], problems: list[str], *, shipped: bool) -> list[Part]:
    parts: list[Part] = []
    for path in map(Path, paths):
        files = sorted(path.glob("*.geojson")) if path.is_dir() else [path]
        if not files:
            problems.append(f"{path}: no *.geojson in this folder")
        for file in files:
            try:
                parts += _read_file(file, shipped=shipped)
            except (OSError, ValueError, KeyError, TypeError, shapely.errors.ShapelyError) as error:
                what = f"lacks {error}" if isinstance(error, KeyError) else error
                problems.append(f"{file.name}: {what}")
    return parts


def _read_file(file: Path, *, shipped: bool) -> list[Part]:
    raw = file.read_bytes()
    content = json.loads(raw)
    features = content["features"] if content.get("type") == "FeatureCollection" else [content]
    digest = hashlib.sha256(raw).hexdigest()
    return [_part(feature, digest, file.name, shipped=shipped) for feature in features]


def _part(feature: dict[str, Any], sha256: str, file: str, *, shipped: bool) -> Part:
    properties = feature["properties"]
    geometry = _geometry(feature["geometry"], properties.get("datum") or "WGS84")
    if properties["status"] not in STATUSES:
        raise ValueError(f"status {properties['status']!r} is none of {', '.join(STATUSES)}")
    strange = set((properties.get("region_codes") or {}).values()) - set(CLAIMS)
    if strange:
        raise ValueError(
            f"region_codes: {', '.join(map(repr, sorted(strange)))} is none of {', '.join(CLAIMS)}"
        )
    date = lambda key: dt.date.fromisoformat(properties[key]) if properties.get(key) else None  # noqa: E731
    return Part(
        id=str(properties["part"]),
        area=str(properties["area"]),
        status=properties["status"],
        geometry=geometry,
        bands_m=_bands(geometry, properties.get("bands_m")),
        properties=properties,
        from_on=date("from_on"),
        to_on=date("to_on"),
        sha256=sha256,
        file=file,
        seaward=bool(properties.get("seaward_m")),
        shipped=shipped,
    )


def _geometry(given: Any, datum: str) -> shapely.MultiPolygon:
    shape = shapely.force_2d(shapely.geometry.shape(given))
    if shape.geom_type not in {"Polygon", "MultiPolygon"} or shape.is_empty:
        raise ValueError(f"a part is a Polygon or a MultiPolygon, not {shape.geom_type}")
    points = shapely.get_coordinates(shape)
    if not (np.isfinite(points).all() and (np.abs(points) <= (180.0, 90.0)).all()):
        raise ValueError("coordinates are not longitude, latitude in degrees")
    code = datum_code(datum)
    if code is None or code == "unknown":
        raise ValueError(f"a boundary in datum {datum!r} cannot be placed")
    shape = shapely.transform(shape, lambda p: np.column_stack(to_wgs84(p[:, 0], p[:, 1], code)))
    if not shape.is_valid:
        raise ValueError(shapely.is_valid_reason(shape))
    return shapely.MultiPolygon(shapely.get_parts(shape).tolist())


def _bands(geometry: shapely.MultiPolygon, given: Any) -> FloatArray:
    edges = len(boundaries.segments(geometry))
    if given is None or isinstance(given, int | float):
        return np.full(edges, DEFAULT_BAND_M if given is None else float(given))
    runs = [run for polygon in given for ring in polygon for run in ring]
    bands = np.repeat([float(band) for band, _ in runs], [count for _, count in runs])
    if len(bands) != edges:
        raise ValueError(f"bands_m speaks of {len(bands)} edges, the geometry has {edges}")
    return bands
