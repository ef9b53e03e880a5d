"""Pilot areas and their parts: dated geometry from files, and how places lie to it."""

from __future__ import annotations

import datetime as dt
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from auditor import boundaries, places, zone_files
from auditor.cards import areas_card
from auditor.claims import Addresses, RegionCodes, Scope
from auditor.errors import DataError, UsageError
from auditor.language import say
from auditor.places import BASES, RELATIONS, Places, Relation
from auditor.settings import data_folder
from auditor.zone_files import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import geopandas as gpd

    from auditor.columns import BoolArray, FloatArray, IntArray

CHUNK = 1 << 16  # rows at a time: what they need stays in the processor's cache
STATUSES = (
    "in",
    "undecided",
)  # of parts that make up ground: first what is in an area, then what is doubtful

__all__ = ["BASES", "RELATIONS", "Area", "Areas", "Part", "Places", "Relation", "read_areas"]


@dataclass(frozen=True)
class Area:
    """A pilot area in law.

    Parameters
    ----------
    name_zh, title_zh
        Short name, and the one that the circular uses.
    circular_on, reply_on
        Dates of Circular 107 and of the ministry's reply, from which the pilot is in force there.
    services_opened
        Codes of the services opened.
    """

    id: str
    name_zh: str
    name_en: str
    title_zh: str
    title_en: str
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

    def __repr__(self) -> str:
        named = ", ".join(f"{area.id} ({len(area.parts)} parts)" for area in self.areas)
        return f"<Areas as of {self.as_of or 'any date'}: {named}>"

    def to_html(self, lang: str = "en") -> str:
        """Give the card that a notebook shows: outlines, parts, services opened, sources."""
        return areas_card(self, lang)

    def _repr_html_(self) -> str:
        return self.to_html()

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
        known = self.ids or say("none is in force on the date")
        raise UsageError(say("no such area: {name!r}; there are: {areas}", name=name, areas=known))

    def provenance(self) -> list[dict[str, Any]]:
        """Where the geometry comes from: one entry a part; ``own`` says that a user's file brought it."""
        keys = ("version", "source", "attribution", "licence")
        return [
            {"part": p.id, "file": p.file, "own": p.own, "sha256": p.sha256, **{key: p[key] for key in keys}}
            for p in self.parts
        ]

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
        >>> at = (np.array([116.397]), np.array([39.907]), Coded.of(["WGS84"]), np.array([50.0]))
        >>> place = Places(*at, blank, blank)
        >>> areas = read_areas("2026-11-22")
        >>> found = areas.relate(place)
        >>> RELATIONS[found.relation[0]], areas.ids[found.area[0]], BASES[found.basis[0]]
        ('within', 'beijing', 'coordinates')
        """
        code = places.Said.of(where.region_code, self._codes.read, self.ids, self.part_ids)
        address = places.Said.of(where.address, self._addresses.read, self.ids, self.part_ids)
        points = self._points(where)
        found = places.Relation.blank(points)
        for start in range(0, len(where), CHUNK):
            some = slice(start, start + CHUNK)
            here = points.at(some)
            found.fill(some, places.weigh(code.at(some), address.at(some), here, self._touches(here)))
        return found

    def _touches(self, points: places.Points) -> Callable[[IntArray, IntArray], BoolArray]:
        discs = boundaries.Discs(points.lon, points.lat, points.radius_m)

        def touches(rows: IntArray, area: IntArray) -> BoolArray:
            answer = np.zeros(len(rows), np.bool_)
            for one in np.unique(area):
                mask = area == one
                answer[mask] = self._boundary.reaches(discs.at(rows[mask]), int(one))
            return answer

        return touches

    def distance_m(self, lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, IntArray]:
        """Signed geodesic metres from WGS84 points to the edge of the nearest area's ``in`` parts, and which.

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

    def reached(self, lon: FloatArray, lat: FloatArray, radius_m: FloatArray, area: int) -> BoolArray:
        """Whether discs (WGS84, metres) reach one area, by index; the doubt about its edges is counted in."""
        return self._boundary.reaches(boundaries.Discs(lon, lat, radius_m), area)

    def _points(self, where: Places) -> places.Points:
        points = places.Points.blank(len(where))

        def locate(start: int) -> None:
            some = slice(start, start + CHUNK)
            points.lon[some], points.lat[some], points.radius_m[some] = places.locate(where.at(some))

        with ThreadPoolExecutor() as pool:  # datums are most of the work: two cores halve it
            for _ in pool.map(locate, range(0, len(where), CHUNK)):
                pass
        pieces, n = self._boundary.pieces, len(self.areas)
        piece = self._boundary.piece(points.lon, points.lat)
        part_of = np.array([*(p.part for p in pieces), -1], np.int16)
        points.state[:] = np.array([*map(self._state, pieces), places.POINT_OUTSIDE], np.int8).take(piece)
        points.state[np.isnan(points.lon)] = places.NO_POINT
        points.area[:] = np.array([*(p.ground % n for p in pieces), -1], np.int8).take(piece)
        points.part[:] = part_of.take(piece)
        rows, near = self._boundary.touching(boundaries.Discs(points.lon, points.lat, points.radius_m))
        outside = points.state[rows] != places.POINT_WITHIN
        points.area[rows[outside]] = near[outside]
        points.state[rows] = places.POINT_NEAR
        silent = {p.id for p in self.parts if p.region_codes is None} - self._codes.parts
        points.untold[:] = np.array([*(p.id in silent for p in self.parts), False])[part_of].take(piece)
        doubt = np.array([*(any(p.id in silent for p in a.parts) for a in self.areas), False])
        points.untold[rows] |= doubt[points.area[rows]]
        return points

    def _state(self, piece: boundaries.Piece) -> int:
        """What coordinates on a piece of ground say if no edge is near."""
        if piece.ground < len(self.areas):
            return places.POINT_WITHIN
        seaward = piece.part >= 0 and self.parts[piece.part].seaward
        return places.POINT_SEAWARD if seaward else places.POINT_UNDECIDED

    def _pieces(self, grounds: Sequence[shapely.Geometry]) -> Iterator[boundaries.Piece]:
        """Parts of each ground, smallest first: the last one counts for all that lies in no other."""
        small = sorted(
            range(len(self.parts)), key=lambda i: (self.parts[i].seaward, self.parts[i].geometry.area)
        )
        for ground, shape in enumerate(grounds):
            doubtful, index = divmod(ground, len(self.areas))
            status, area = STATUSES[doubtful], self.areas[index].id
            fit = [i for i in small if self.parts[i].area == area and self.parts[i].status == status]
            for i in fit[:-1]:
                yield boundaries.Piece(ground, i, [shape, self.parts[i].geometry])
            yield boundaries.Piece(ground, fit[-1] if fit else -1, [shape])

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
        grounds = [*inside, *doubtful]
        return boundaries.Boundary(grounds, edges, [*self._pieces(grounds)])

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
        quiet = {
            part.id: (part.area, part.geometry.bounds)
            for part in self.parts
            if part.region_codes is None and part.status != "out"
        }
        return RegionCodes(self._scope, stated, quiet)

    @cached_property
    def _addresses(self) -> Addresses:
        return Addresses(self._scope, self._codes)


def _grounds(parts: Sequence[Part]) -> tuple[shapely.Geometry, shapely.Geometry]:
    """What is in an area and what is undecided of it: doubt beats a claim, save off a coast."""
    out = _union(p for p in parts if p.status == "out")
    cut = shapely.difference(_union(p for p in parts if p.status == "undecided" and not p.seaward), out)
    inside = shapely.difference(_union(p for p in parts if p.status == "in"), shapely.union(out, cut))
    strip = shapely.difference(_union(p for p in parts if p.status == "undecided" and p.seaward), out)
    return inside, shapely.difference(shapely.union(cut, strip), inside)


def _union(parts: Iterable[Part]) -> shapely.Geometry:
    return shapely.union_all([part.geometry for part in parts])


# --- reading ----------------------------------------------------------------------------------------------


def read_areas(as_of: dt.date | str | None = None, *, paths: Sequence[str | Path] = ()) -> Areas:
    """Read the pilot areas that are in force on a date.

    Parameters
    ----------
    as_of
        Date; `None` takes all parts, whatever their dates.
    paths
        GeoJSON files, or folders of them, beside those that ship. Their properties say it all: ``part``,
        ``area`` and ``status`` are required; a new ``area`` may bring ``area_name_zh``, ``area_name_en`` and
        ``services_opened``; a part of a known name replaces that one. ``bands_m`` is the accuracy of the
        edges (a number, or one list of [metres, edges] pairs a ring), 100 m if absent; ``region_codes`` maps
        codes to ``within``, ``undecided`` or ``needs_geometry``; without it, codes and addresses that may lie
        near the part are taken as open; ``datum`` may be any but unknown.

    Raises
    ------
    DataError
        Files that are missing or broken; all of them at once.
    UsageError
        No date.

    Examples
    --------
    >>> read_areas("2026-11-22").ids[:4]
    ('beijing', 'shanghai', 'hainan', 'shenzhen')
    >>> read_areas("2024-10-22").ids
    ()
    """
    day = _day(as_of)
    problems: list[str] = []
    shipped = [
        p for p in zone_files.read_files([data_folder("zone_boundaries")], problems) if p.in_force(day)
    ]
    given = [replace(p, own=True) for p in zone_files.read_files(paths, problems) if p.in_force(day)]
    redrawn = {part.id for part in given} & {part.id for part in shipped}
    parts = [*(part for part in shipped if part.id not in redrawn), *given]
    names = [part.id for part in parts]
    twice = sorted({name for name in names if names.count(name) > 1})
    problems += [say("part {name} is there twice on the same date", name=name) for name in twice]
    if problems:
        raise DataError(*problems)
    return Areas(day, tuple(_areas(day, parts)), frozenset(redrawn))


def _day(as_of: dt.date | str | None) -> dt.date | None:
    if not isinstance(as_of, str):
        return as_of
    try:
        return dt.date.fromisoformat(as_of)
    except ValueError:
        raise UsageError(say("{value!r} is no date; write it as 2026-11-22", value=as_of)) from None


def _areas(day: dt.date | None, parts: Sequence[Part]) -> Iterator[Area]:
    text = resources.files("auditor").joinpath("data", "areas.toml").read_text("utf-8")
    known = {entry["id"]: entry for entry in tomllib.loads(text)["areas"]}
    for name in [*known, *dict.fromkeys(part.area for part in parts if part.area not in known)]:
        own = tuple(sorted((part for part in parts if part.area == name), key=zone_files.order))
        facts = known.get(name) or _facts(name, own)
        dated = day is None or ((facts.get("reply_on") or day) <= day < (facts.get("to_on") or dt.date.max))
        if dated and any(part.status == "in" for part in own):
            lists = {key: tuple(facts[key]) for key in ("services_opened", "open_questions")}
            yield Area(**{**facts, **lists}, parts=own)


def _facts(name: str, parts: Sequence[Part]) -> dict[str, Any]:
    """Facts on an area that only users' files know: the first of its parts that says something."""

    def first(key: str, default: Any) -> Any:
        return next((p.properties[key] for p in parts if p.properties.get(key)), default)

    return {
        "id": name,
        "name_zh": first("area_name_zh", name),
        "name_en": first("area_name_en", name),
        "title_zh": first("area_name_zh", name),
        "title_en": first("area_name_en", name),
        "legal_basis": first("legal_basis", ""),
        "administration_zh": first("administration_zh", ""),
        "administration_en": first("administration_en", ""),
        "circular_on": None,
        "reply_on": min((p.from_on for p in parts if p.from_on), default=None),
        "services_opened": first("services_opened", ()),
        "status": "active",
        "open_questions": (),
    }
