"""GeoJSON by RFC 7946, strictly: points are nodes, lines are links, all else is listed."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from auditor.columns import CARRIED
from auditor.language import say
from auditor.problems import numbered, quote
from auditor.readers._entries import Tally
from auditor.readers._files import read_json
from auditor.readers._places import ENDS, LINE, NODE, POINT, Feature, read_places, text_of
from auditor.readers._registry import Export, Reader

if TYPE_CHECKING:
    from auditor.readers._places import Place
    from auditor.tables import Log

COLLECTION, FEATURE, GEOMETRIES = "FeatureCollection", "Feature", "GeometryCollection"
DEPTHS = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
LEAST = {"LineString": 2, "MultiLineString": 2, "Polygon": 4, "MultiPolygon": 4}
TYPES = (COLLECTION, FEATURE, GEOMETRIES, *DEPTHS)
MEMBERS = {COLLECTION: ("features", CARRIED), FEATURE: ("id", "geometry", "properties")}
FORBIDDEN = {
    COLLECTION: ("coordinates", "geometries", "geometry", "properties"),
    FEATURE: ("coordinates", "geometries", "features"),
}
PLAIN = frozenset({"type", "id", "geometry", "properties"})
CRS = re.compile(r"(?:urn:ogc:def:crs:)?(?:OGC|EPSG):(?:[\d.]*:)?(CRS84|4326|4490)", re.ASCII | re.IGNORECASE)
CGCS2000 = "4490"
MOST_NAMES = 50  # of foreign members that are listed each by its name
RFC = say("see RFC 7946")


def claims(tree: Any) -> bool:
    """Whether a tree of JSON says that it is GeoJSON."""
    return isinstance(tree, dict) and tree.get("type") in TYPES


def parse(data: bytes, file: str, log: Log) -> Export | None:
    """Give nodes and links of a GeoJSON file; text that is no strict JSON is refused."""
    before = len(log.problems.found)
    tree = read_json(data, file, log)
    return None if len(log.problems.found) > before else read_tree(tree, file, log)


def read_tree(tree: Any, file: str, log: Log) -> Export | None:
    """Give nodes and links: properties are columns, the member ``auditor`` holds the records."""
    before = len(log.problems.found)
    reading = _Reading(Tally(file, log))
    features = reading.top(tree)
    if reading.odd_collections:
        what = say(
            "{count:,} collections in a collection, or of one geometry, which RFC 7946 advises against",
            count=reading.odd_collections,
        )
        reading.tally.note(what)
    reading.tally.close()
    if len(log.problems.found) > before:
        return None
    frames = read_places(features, file, log)
    return None if frames is None else Export(*frames, records=reading.records)


@dataclass
class _Reading:
    """One pass over a tree."""

    tally: Tally
    records: dict[str, Any] | None = None
    names: dict[str, str] = field(default_factory=dict)
    odd_collections: int = 0

    def top(self, tree: Any) -> list[Feature]:
        """Read whatever the outermost object is."""
        if not isinstance(tree, dict):
            self.fault(0, "", say("the outermost value is no object"), RFC)
            return []
        kind = tree.get("type")
        if kind not in TYPES:
            what = (
                say("is missing")
                if "type" not in tree
                else say("{value} is no type of GeoJSON", value=quote(kind))
            )
            self.fault(0, "type", what, say("one of {words}", words=TYPES))
            return []
        if kind == FEATURE:
            return self.features([tree], "WGS84")
        if kind != COLLECTION:
            self.tally.note(
                say("a geometry ({kind}) and no feature: read as one without properties", kind=kind)
            )
            shape, places = self.geometry(tree, 0)
            role = "" if shape == LINE else NODE
            return [Feature("feature", 1, {}, shape, places, datum=self.datum(tree, 0, "WGS84"), role=role)]
        datum = self.datum(tree, 0, "WGS84")
        self.members(tree, COLLECTION, 0)
        if not isinstance(tree.get("features"), list):
            what = say("is no array") if "features" in tree else say("is missing")
            self.fault(0, "features", what, RFC)
            return []
        if isinstance(tree.get(CARRIED), dict):
            self.records = tree[CARRIED]
        elif CARRIED in tree:
            self.tally.drop(say("member {name}", name=CARRIED), say("holds no records of a declaration"))
        return self.features(tree["features"], datum)

    def features(self, given: list[Any], datum: str) -> list[Feature]:
        """Read features; those that are broken are reported."""
        found = (
            _plain(feature, number, datum) or self.feature(feature, number, datum)
            for number, feature in enumerate(given, 1)
        )
        return [feature for feature in found if feature is not None]

    def feature(self, given: Any, number: int, datum: str) -> Feature | None:
        """Read one feature."""
        if not isinstance(given, dict):
            self.fault(number, "", say("is no object"), RFC)
            return None
        if given.get("type") != FEATURE:
            self.fault(number, "type", say("is not Feature"), RFC)
        for name in ("properties", "geometry"):
            if name not in given:
                self.fault(number, name, say("is missing"), say("write null where there is none"))
        properties, own = given.get("properties"), given.get("id")
        if not isinstance(properties, dict | None):
            self.fault(number, "properties", say("is no object"), RFC)
            properties = None
        if "id" in given and (isinstance(own, bool) or not isinstance(own, str | int | float)):
            self.fault(number, "id", say("is neither text nor number"), RFC)
        self.members(given, FEATURE, number)
        shape, places = self.geometry(given.get("geometry"), number)
        course = self.course(given.get("geometry"), shape)
        own = None if own is None else text_of(own) or None
        datum = self.datum(given, number, datum)
        if isinstance(given.get("geometry"), dict):
            datum = self.datum(given["geometry"], number, datum)
        return Feature("feature", number, properties or {}, shape, places, own, datum, course=course)

    def geometry(self, given: Any, number: int) -> tuple[str, tuple[Place, ...]]:
        """Check a geometry with all in it; give its type, and the point or the ends of the line."""
        if given is None:
            return "", ()
        todo, top = [given], True
        while todo:  # collections may be nested deeper than Python calls
            geometry = todo.pop()
            fault = _fault(geometry)
            if fault:
                self.fault(number, "geometry", fault, RFC)
                return "", ()
            kind = geometry["type"]
            inner = "geometries" if kind == GEOMETRIES else "coordinates"
            self.members(geometry, kind, number, (inner,), ("geometry", "properties", "features"))
            if not top:
                self.datum(geometry, number, "WGS84")
            if kind == GEOMETRIES:
                self.odd_collections += not top or len(geometry[inner]) == 1
                todo += geometry[inner]
            top = False
        given = _single(given)
        return given["type"], self.places(given)

    def course(self, geometry: Any, shape: str) -> tuple[Place, ...]:
        """Give what lies between the ends of a line."""
        if shape != LINE:
            return ()
        line = _single(geometry)["coordinates"]
        return tuple((float(place[0]), float(place[1])) for place in line[1:-1])

    def places(self, geometry: dict[str, Any]) -> tuple[Place, ...]:
        """Give the point or both ends of the line; heights and the course between are listed."""
        if geometry["type"] not in {POINT, LINE}:
            return ()
        line = geometry["coordinates"]
        if not line:
            self.tally.drop(say("geometry without coordinates"), say("says nothing"))
            return ()
        ends = [line] if geometry["type"] == POINT else [line[0], line[-1]]
        if any(len(end) > 2 for end in ends):  # noqa: PLR2004 -- lon, lat
            self.tally.drop(say("heights"), say("a place is lon and lat"))
        if geometry["type"] == LINE and len(line) > len(ends):
            self.tally.drop(say("courses of lines"), say("only their ends are read"))
        return tuple((float(end[0]), float(end[1])) for end in ends)

    def fault(self, number: int, key: str, what: str, hint: str) -> None:
        """Note a problem of the feature of that number; 0 is the outermost object."""
        self.tally.fault(numbered("feature", number) if number else "", key, what, hint)

    def members(
        self,
        given: dict[str, Any],
        kind: str,
        number: int,
        known: tuple[str, ...] = (),
        forbidden: tuple[str, ...] = (),
    ) -> None:
        """Report members that would mean something else elsewhere; list those that mean nothing."""
        known, forbidden = MEMBERS.get(kind, known), FORBIDDEN.get(kind, forbidden)
        if "bbox" in given:
            self.bbox(given["bbox"], number)
        for name in given:
            if name in forbidden:
                self.fault(number, name, say("may not stand in a {kind}", kind=kind), RFC)
            elif name not in {"type", "bbox", "crs", *known}:
                if name not in self.names and len(self.names) < MOST_NAMES:
                    self.names[name] = say("member {name}", name=name)
                self.tally.drop(self.names.get(name, say("other members")), say("no member of GeoJSON"))

    def bbox(self, box: Any, number: int) -> None:
        """Check a box; it is not needed."""
        if not isinstance(box, list) or len(box) not in {4, 6} or not all(map(_is_number, box)):
            self.fault(number, "bbox", say("is no array of four or six numbers"), RFC)
        else:
            self.tally.drop("bbox", say("follows from the coordinates"))

    def datum(self, given: dict[str, Any], number: int, datum: str) -> str:
        """Give the datum that an object states by its ``crs``, which GeoJSON once had."""
        if "crs" not in given:
            return datum
        crs = given["crs"]
        properties = crs.get("properties") if isinstance(crs, dict) else None
        name = properties.get("name") if isinstance(properties, dict) else None
        known = CRS.fullmatch(name.strip()) if isinstance(name, str) else None
        if known is None:
            what = say("{name} is not the coordinate system of GeoJSON", name=quote(name))
            self.fault(number, "crs", what, say("convert it to WGS84 (EPSG:4326); EPSG:4490 is read too"))
            return datum
        return "CGCS2000" if known[1] == CGCS2000 else "WGS84"


def _plain(given: Any, number: int, datum: str) -> Feature | None:
    """Read a feature that is a point or a line of two positions and nothing else, of which nothing is told.

    Most are; to look at every member of each takes three times as long.
    """
    if given.__class__ is not dict or not given.keys() <= PLAIN:
        return None
    properties, geometry, own = given.get("properties"), given.get("geometry"), given.get("id", "")
    if properties.__class__ is not dict or geometry.__class__ is not dict or own.__class__ is not str:
        return None
    shape, places = geometry.get("type"), geometry.get("coordinates")
    if shape == POINT:
        places = [places]
    elif shape != LINE or places.__class__ is not list or len(places) != len(ENDS):
        return None
    if given.get("type") != FEATURE or len(geometry) != len(("type", "coordinates")):
        return None
    for place in places:
        if place.__class__ is not list or len(place) != 2 or not all(map(_is_fraction, place)):  # noqa: PLR2004
            return None
    ends = tuple((lon, lat) for lon, lat in places)
    return Feature("feature", number, properties, shape, ends, text_of(own) or None, datum)


def _is_fraction(value: Any) -> bool:
    return value.__class__ is float and math.isfinite(value)


def _single(geometry: dict[str, Any]) -> dict[str, Any]:
    """Take the one part of a geometry of parts for itself: programs write all lines as lists of lines."""
    kind, parts = geometry["type"], geometry.get("coordinates")
    if kind in {f"Multi{POINT}", f"Multi{LINE}"} and isinstance(parts, list) and len(parts) == 1:
        return {**geometry, "type": kind.removeprefix("Multi"), "coordinates": parts[0]}
    return geometry


def _fault(geometry: Any) -> str:
    """Say what is wrong with one geometry; nothing if it is right, or a collection of others."""
    if not isinstance(geometry, dict):
        return say("is no object")
    kind = geometry.get("type")
    if kind == GEOMETRIES:
        return "" if isinstance(geometry.get("geometries"), list) else say("geometries is no array")
    if not isinstance(kind, str) or kind not in DEPTHS:
        return say("its type is no type of geometry")
    if not isinstance(geometry.get("coordinates"), list):
        return say("coordinates is no array") if "coordinates" in geometry else say("coordinates is missing")
    coordinates = geometry["coordinates"]
    return _nested_fault(coordinates, DEPTHS[kind], LEAST.get(kind, 0)) if coordinates else ""


def _nested_fault(value: Any, depth: int, least: int) -> str:
    if not isinstance(value, list):
        return say("a number or text stands where an array should be")
    if not depth:
        return _position_fault(value)
    faults = (_nested_fault(part, depth - 1, least) for part in value)
    fault = next(filter(None, faults), "")
    if fault or depth > 1:
        return fault
    ring = least == LEAST["Polygon"]
    if len(value) < least:
        return (
            say("has fewer than {least} positions in a ring", least=least)
            if ring
            else say("has fewer than {least} positions in a line", least=least)
        )
    return say("a ring does not end where it begins") if ring and value[0] != value[-1] else ""


def _position_fault(position: list[Any]) -> str:
    if len(position) < 2:  # noqa: PLR2004 -- lon, lat
        return say("a position has fewer than two numbers")
    return "" if all(map(_is_number, position)) else say("a position holds something that is no number")


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond all floats
        return False


READER = Reader("geojson", (".geojson",), parse, claims=claims, tree=read_tree)
