"""KML, read strictly: no document type, no entities, no network, no repair, no link followed."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lxml import etree

from auditor.columns import CARRIED
from auditor.language import say
from auditor.problems import numbered, quote
from auditor.readers._entries import Tally
from auditor.readers._files import STRICT_XML, decode, read_carried
from auditor.readers._places import LINE, POINT, Feature, read_places
from auditor.readers._registry import Export, Reader

if TYPE_CHECKING:
    from auditor.readers._places import Place
    from auditor.tables import Log

CONTAINERS = frozenset({"kml", "Document", "Folder"})
TAGS = tuple(f"{{*}}{tag}" for tag in (*sorted(CONTAINERS), "Placemark", "name"))
TEXTS = ("name", "description", "address")
PERIOD = {"begin": "shown_from", "end": "shown_until"}  # of a drawing, which is no period in force
MISSED = frozenset({"NetworkLink", "Placemark", "Update", "NetworkLinkControl"})  # may bring placemarks
SHAPES = frozenset(
    {"Point", "LineString", "LinearRing", "Polygon", "MultiGeometry", "Model", "Track", "MultiTrack"}
    | {"MultiPoint", "MultiLineString", "MultiPolygon"}  # which are none of KML, and are found in it
)
NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
POSITION = re.compile(rf"({NUMBER}),({NUMBER})(,{NUMBER})?", re.ASCII)
MOST_NAMES = 50  # of elements that are listed each by its name


def parse(data: bytes, file: str, log: Log) -> Export | None:
    """Give placemarks with a point as nodes and those with a line as links; their data are columns.

    Styles, views, overlays, network links, updates and all other geometry are listed as unused.
    """
    if decode(data, file, log) is None:
        return None
    if b"<!DOCTYPE" in data:
        log.problems.add(
            file, "", "", say("holds a document type, which may hide entities"), say("remove <!DOCTYPE …>")
        )
        return None
    before = len(log.problems.found)
    reading = _Reading(Tally(file, log))
    try:
        reading.read(data)
    except etree.XMLSyntaxError as error:
        place = say("line {number}", number=error.lineno) if error.lineno else ""
        log.problems.add(file, place, "", say("no XML: {reason}", reason=error.msg), say("is it complete?"))
        return None
    if not reading.kml:
        reading.tally.fault("", "", say("holds no KML"), say("the outermost element of KML is <kml>"))
    reading.tally.close()
    if len(log.problems.found) > before:
        return None
    frames = read_places(reading.features, file, log)
    records = read_carried(reading.carried, file, log)
    return None if len(log.problems.found) > before or frames is None else Export(*frames, records=records)


def _split(element: Any) -> tuple[str, str]:
    """Give namespace and name of an element; lxml's own way raises on prefixes that are not declared."""
    space, _, name = element.tag.rpartition("}")
    return space.removeprefix("{"), name


def _local(element: Any) -> str:
    return _split(element)[1]


@dataclass
class _Reading:
    """What the file has brought so far."""

    tally: Tally
    kml: bool = False
    space: str = ""
    path: list[Any] = field(default_factory=list)
    folders: list[str | None] = field(default_factory=list)
    features: list[Feature] = field(default_factory=list)
    placemarks: int = 0
    carried: str | None = None
    names: dict[tuple[str, str], str] = field(default_factory=dict)

    def read(self, data: bytes) -> None:
        """Go through the file once, giving back the memory of what is done with."""
        for event, element in etree.iterparse(
            io.BytesIO(data),
            events=("start", "end"),
            tag=TAGS,
            **STRICT_XML,
        ):
            if event == "start":
                self.enter(element)
            elif self.path and element is self.path[-1]:
                self.leave(element)
            elif not self.path or element.getparent() is not self.path[-1]:
                self.empty(element)
            elif _split(element)[0] == self.space:
                self.inside(element, _local(element))

    def enter(self, element: Any) -> None:
        """Keep the way down to placemarks: those of an update, say, are for a server and not of the file."""
        (space, name), parent = _split(element), element.getparent()
        if parent is None and name == "kml":
            self.kml, self.space = True, space
        elif not self.path or parent is not self.path[-1] or space != self.space:
            return
        if name in CONTAINERS:
            self.path.append(element)
            self.folders.append(None)

    def inside(self, element: Any, tag: str) -> None:
        """Read what stands in a container."""
        if tag == "Placemark":
            self.placemark(element)
            _free(element)
            return
        parent = _local(element.getparent())
        if tag == "name" and parent == "Folder":
            self.folders[-1] = element.text
        else:
            self.drop(tag, parent)
        self.empty(element)

    def leave(self, element: Any) -> None:
        """List what a container held besides placemarks, and keep the records that a document carries."""
        for child in element:
            name = _local(child)
            if name == "ExtendedData" and _local(element) == "Document":
                self.head(child)
            elif _split(child)[0] != self.space or name not in {*CONTAINERS, "Placemark", "name"}:
                self.drop(name)
        element.clear(keep_tail=True)
        self.path.pop()
        self.folders.pop()

    def head(self, element: Any) -> None:
        """Read the data of a document."""
        for child in element:
            if child.get("name") == CARRIED:
                self.carried = next((value.text for value in self.children(child, "value")), None)
            else:
                self.drop(_local(child), "Document")
        element.clear(keep_tail=True)

    def empty(self, element: Any) -> None:
        """Take the content out of an element that the file does not mean, or that is read as text alone.

        While the parser holds on to an element, lxml takes the square of its size in time to take it away.
        """
        if len(element):
            if _local(element) == "name":  # all else is part of something that is listed as a whole
                self.drop(say("elements in a name"))
            element.clear(keep_tail=True)

    def fault(self, key: str, what: str, hint: str = "") -> None:
        """Note a problem of the placemark that is being read."""
        self.tally.fault(numbered("placemark", self.placemarks), key, what, hint)

    def drop(self, what: str, parent: str = "") -> None:
        """Count an element that is not read, by its name and its parent's unless there are too many."""
        name = self.names.get((what, parent))
        if name is None and len(self.names) < MOST_NAMES:
            name = self.names[what, parent] = _named(what, parent)
        self.tally.drop(name or say("other elements"), say("not read"), missed=what in MISSED)

    def children(self, element: Any, name: str) -> list[Any]:
        """Children of one name in the file's namespace."""
        return [child for child in element if _split(child) == (self.space, name)]

    def placemark(self, element: Any) -> None:
        """Read one placemark."""
        self.placemarks += 1
        stated: dict[str, Any] = {}
        given: dict[str, Any] = {}
        shapes: list[Any] = []
        folder = " / ".join(name.strip() for name in self.folders if name and name.strip())
        if folder:
            stated["folder"] = folder
        for child in element.iterchildren("*"):
            tag = _local(child)
            if tag in SHAPES:
                shapes.append(child)
            elif _split(child)[0] != self.space:
                self.drop(tag)
            elif tag in TEXTS and not len(child):
                stated[tag] = child.text
            elif tag == "TimeSpan":
                self.period(child, stated)
            elif tag == "ExtendedData":
                self.data(child, given)
            else:
                self.drop(tag)
        if len(shapes) > 1:
            self.fault("", say("holds several geometries"), say("a placemark of KML has one"))
            return
        drawn = _single(shapes[0]) if shapes else None
        shape = "" if drawn is None else _local(drawn)
        line = self.places(drawn, shape) if shape in {POINT, LINE} else ()
        places, course = (line[:: len(line) - 1], line[1:-1]) if len(line) > 1 else (line, ())
        columns = stated | {f"{name} (attribute)" if name in stated else name: given[name] for name in given}
        own = element.get("id") or None
        feature = Feature("placemark", self.placemarks, columns, shape, places, own, course=course)
        self.features.append(feature)

    def period(self, element: Any, stated: dict[str, Any]) -> None:
        """Keep both ends of the period in which the placemark is shown."""
        for child in element.iterchildren("*"):
            column = PERIOD.get(_local(child))
            if column and not len(child):
                stated[column] = child.text
            else:
                self.drop(_local(child), "TimeSpan")

    def data(self, element: Any, given: dict[str, Any]) -> None:
        """Read data by name, plain or by a schema."""
        for child in element.iterchildren("*"):
            tag = _local(child)
            if tag == "Data" and child.get("name") is not None:
                value = next(iter(self.children(child, "value")), None)
                self.datum(child.get("name"), value, given)
            elif tag == "SchemaData":
                for inner in child.iterchildren("*"):
                    if _local(inner) == "SimpleData" and inner.get("name") is not None:
                        self.datum(inner.get("name"), inner, given)
                    else:
                        self.drop(_local(inner), "SchemaData")
            else:
                self.drop(tag, "ExtendedData")

    def datum(self, name: str, value: Any, given: dict[str, Any]) -> None:
        """Keep one value."""
        if name in given:
            self.fault("", say("{value} is there twice", value=quote(name)), say("remove one"))
        elif value is not None and len(value):
            self.drop(say("data that hold elements"))
        else:
            given[name] = None if value is None else value.text

    def places(self, element: Any, shape: str) -> tuple[Place, ...]:
        """Give the point, or all points of the line."""
        found = self.children(element, "coordinates")
        for child in element.iterchildren("*"):
            if _split(child) != (self.space, "coordinates"):
                self.drop(_local(child), shape)
        words = (found[0].text or "").split() if len(found) == 1 else []
        positions = [POSITION.fullmatch(word) for word in words]
        several = len(found) > 1 or (shape == POINT and len(words) > 1)
        if several or not all(positions) or (shape == LINE and len(words) == 1):
            what = (
                say("coordinates are not those of one point")
                if shape == POINT
                else say("coordinates are no line")
            )
            hint = say(
                "write lon,lat or lon,lat,height without blanks, and blanks between the points of a line"
            )
            self.fault("coordinates", what, hint)
            return ()
        matches = [position for position in positions if position]
        if any(position[3] for position in matches):
            self.tally.drop(say("heights"), say("a place is lon and lat"))
        if len(matches) > 2:  # noqa: PLR2004 -- both ends
            self.tally.drop(say("courses of lines"), say("only their ends are read"))
        return self.finite(tuple((float(place[1]), float(place[2])) for place in matches))

    def finite(self, places: tuple[Place, ...]) -> tuple[Place, ...]:
        """Report numbers beyond all floats, such as 1e400."""
        if all(abs(number) < float("inf") for place in places for number in place):
            return places
        self.fault("coordinates", say("hold a number that is beyond all places"))
        return ()


def _single(shape: Any) -> Any:
    """Give the one geometry of a geometry of several, else the geometry itself."""
    parts = [child for child in shape if _local(child) in SHAPES]
    alone = _local(shape) == "MultiGeometry" and len(parts) == len(shape) == 1
    return parts[0] if alone else shape


def _named(tag: str, parent: str) -> str:
    """Name an element with what it stands in."""
    if not parent:
        return tag
    if parent.endswith("Data"):
        return say("{tag} of {parent}", tag=tag, parent=parent)
    return say("{tag} of a {parent}", tag=tag, parent=parent)


def _free(element: Any) -> None:
    """Give back the memory of a placemark, and of the one before it."""
    element.clear(keep_tail=True)
    before = element.getprevious()
    if before is not None and _local(before) == "Placemark":
        element.getparent().remove(before)


READER = Reader("kml", (".kml",), parse)
