"""Features with geometry as nodes and links: what they are called, where they stand, what lines join."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy.spatial import cKDTree

from auditor import cells
from auditor.columns import DECLARED
from auditor.datum import DATUMS, datum_code, to_wgs84
from auditor.language import say
from auditor.problems import Origin, numbered, quote
from auditor.readers._entries import Tally
from auditor.readers._tables import read_rows
from auditor.registers import labels
from auditor.tables import MOST_COLUMNS, Frame

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.columns import FloatArray
    from auditor.tables import Log

    Place: TypeAlias = tuple[float, float]

POINT, LINE = "Point", "LineString"
NODE, LINK = "node", "link"
ENDS = ("source", "target")
NEAR_M = 1.0
EARTH_M = 6_371_008.8
DECIDING = {"nodes": ("id", "kind", "name", "lon", "lat", "datum"), "links": ENDS}
"""Columns that tell what a feature is, in Chinese too; all others are left to the assembly."""
HOLDS = say("give lon and lat in their datum and the geometry in WGS84, or leave lon and lat out")


@dataclass
class Feature:
    """One feature as its form gives it.

    Parameters
    ----------
    word, number
        Name it in messages: ``feature 3``.
    columns
        What is said of it.
    shape
        ``Point``, ``LineString``, the name of another geometry, or nothing.
    places
        Longitude and latitude of the point, or of both ends of the line.
    own
        Id that the form itself gives it.
    datum
        Of its geometry, by the rules of the form.
    role
        ``node`` or ``link``, where the form says so whatever the geometry is.
    course
        Longitudes and latitudes of a line between its ends.
    """

    word: str
    number: int
    columns: dict[str, Any]
    shape: str = ""
    places: tuple[Place, ...] = ()
    own: str | None = None
    datum: str = "WGS84"
    role: str = ""
    course: tuple[Place, ...] = ()


def read_places(features: list[Feature], file: str, log: Log) -> tuple[Frame, Frame] | None:
    """Make tables of nodes and links; nothing, and problems, where places or ends contradict one another.

    Parameters
    ----------
    features
        All of the file; their columns are changed.
    file
        Names it in messages.
    log
        Gets problems, notes and what is not used.
    """
    before = len(log.problems.found)
    if _too_wide(features, file, log):
        return None
    tally = Tally(file, log)
    _translate(features, tally)
    nodes, links = _sorted_out(features, tally)
    repeated = _name(nodes, tally)
    _place(nodes, file, log)
    _join(nodes, links, repeated, tally)
    tally.close()
    if len(log.problems.found) > before:
        return None
    return _frame(nodes, file, ("id",)), _frame(links, file, ENDS)


def is_blank(value: Any) -> bool:
    """Whether a cell says nothing."""
    return value is None or (isinstance(value, str) and not value.strip())


def text_of(value: Any) -> str:
    """Write a cell as an id is compared: trimmed, NFC, whole numbers without a point."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < cells.LARGEST_WHOLE:
        value = int(value)
    return unicodedata.normalize("NFC", str(value).strip())


def _too_wide(features: list[Feature], file: str, log: Log) -> bool:
    """Refuse a table of more columns than any has: as a table, it would be many times the file."""
    names: set[str] = set()
    for feature in features:
        names.update(feature.columns)
        if len(names) > MOST_COLUMNS:
            what = say("more than {most:,} different properties", most=MOST_COLUMNS)
            log.problems.add(
                file, numbered(feature.word, feature.number), "", what, say("leave out what no rule reads")
            )
            return True
    return False


def _translate(features: list[Feature], tally: Tally) -> None:
    """Take Chinese names for ours, in the columns that tell what a feature is."""
    names = dict.fromkeys(name for feature in features for name in feature.columns)
    ours: dict[str, str] = {}  # a mapping first: what is a node, what a link, is told by our names
    for name, mapped in tally.log.fields.items():
        if name in names and mapped not in names and mapped not in ours.values():
            ours[name] = mapped
    tally.log.renamed.update(ours)
    for table, columns in DECIDING.items():
        for name in names:
            column = labels.column(table, name)
            if column in columns and name != column and column not in names and column not in ours.values():
                ours.setdefault(name, column)
    if not ours:
        return
    chinese = [
        say("{name} as {column}", name=name, column=column)
        for name, column in ours.items()
        if name not in tally.log.renamed
    ]
    if chinese:
        tally.note(say("columns read: {columns}", columns=chinese))
    for feature in features:
        feature.columns = {ours.get(name, name): value for name, value in feature.columns.items()}


def _sorted_out(features: list[Feature], tally: Tally) -> tuple[list[Feature], list[Feature]]:
    """Tell nodes from links, and list what is neither."""
    found: dict[str, list[Feature]] = {NODE: [], LINK: []}
    elsewhere: dict[str, int] = {}
    for feature in features:
        role = feature.role or _role(feature)
        other = feature.shape not in {"", POINT, LINE}
        endless = all(is_blank(feature.columns.get(end)) for end in ENDS)
        if not role:
            tally.drop(feature.shape, say("no point and no line"), missed=True)
        elif role == LINK and feature.shape == LINE and not feature.places and endless:
            tally.drop(say("lines without coordinates"), say("they join nothing"))
        else:
            found[role].append(feature)
            if other:
                shape = feature.shape
                node, link = (
                    say("geometry of a node: {shape}", shape=shape),
                    say("geometry of a link: {shape}", shape=shape),
                )
                tally.drop(node if role == NODE else link, say("no point and no line"))
                elsewhere[feature.shape] = elsewhere.get(feature.shape, 0) + (role == NODE)
    if any(elsewhere.values()):
        shapes = [f"{shape} ({times:,})" for shape, times in elsewhere.items() if times]
        tally.note(say("place read as unknown for nodes whose geometry is no point: {shapes}", shapes=shapes))
    return found[NODE], found[LINK]


def _role(feature: Feature) -> str:
    """Say what a feature is: by its geometry, else by its columns; nothing where neither tells."""
    if feature.shape in {POINT, LINE}:
        return NODE if feature.shape == POINT else LINK
    columns = feature.columns
    if not is_blank(columns.get("source")):
        if text_of(columns.get(DECLARED)) != "true":
            return LINK
        del columns[DECLARED]  # our own mark of a node without place that has a column "source"
        return NODE
    return NODE if not feature.shape or not is_blank(columns.get("kind")) else ""


def _name(nodes: list[Feature], tally: Tally) -> set[str]:
    """Give every node an id; answer the names that several nodes without id have."""
    for node in nodes:
        if is_blank(node.columns.get("id")):
            node.columns["id"] = node.own
            continue
        node.columns["id"] = text_of(node.columns["id"])
        if node.own not in {None, node.columns["id"]}:
            tally.drop(say("own ids of features"), say("their property id holds"))
    taken = {node.columns["id"] for node in nodes if node.columns["id"] is not None}
    named: dict[str, int] = {}
    nameless = []
    for node in nodes:
        if node.columns["id"] is not None:
            continue
        name = node.columns.get("name")
        stem = f"{node.word} {node.number}" if is_blank(name) else text_of(name)
        if is_blank(name):
            nameless.append(stem)
        node.columns["id"] = _free(stem, named, taken)
    repeated = {stem for stem, times in named.items() if times > 1}
    if nameless:
        shown = quote(nameless[0])
        tally.note(
            say(
                "{count:,} nodes without id and name are called by their number, such as {name}",
                count=len(nameless),
                name=shown,
            )
        )
    if repeated:
        shown = quote(min(repeated))
        tally.note(
            say(
                "{count:,} names of several nodes without id are numbered (#2, #3), such as {name}",
                count=len(repeated),
                name=shown,
            )
        )
    return repeated


def _free(stem: str, named: dict[str, int], taken: set[str]) -> str:
    name = stem
    while True:
        named[stem] = times = named.get(stem, 0) + 1
        name = stem if times == 1 else f"{stem}#{times}"
        if name not in taken:
            taken.add(name)
            return name


def _place(nodes: list[Feature], file: str, log: Log) -> None:
    """Give nodes the place of their point; lon and lat that they state besides hold if both agree."""
    nodes = [node for node in nodes if node.places]
    if not nodes:
        return
    drawn = np.array([node.places[0] for node in nodes], float)
    stated = np.array([[_number(node.columns.get(name)) for name in ("lon", "lat")] for node in nodes])
    with np.errstate(all="ignore"):  # a declared place may be any number; the assembly judges it
        lon, lat = to_wgs84(stated[:, 0], stated[:, 1], np.array([_datum(node) for node in nodes]))
        apart = np.linalg.norm(_on_globe(np.column_stack([lon, lat])) - _on_globe(drawn), axis=1)

    def what(row: int) -> str:
        return say(
            "lon/lat and geometry differ by {metres:,.0f} m: which one holds?", metres=max(apart[row], 2)
        )

    log.problems.rows(_origin(nodes, file), apart > NEAR_M, "lon", what, HOLDS)
    for node, (x, y) in zip(nodes, drawn.tolist(), strict=True):
        if all(is_blank(node.columns.get(name)) for name in ("lon", "lat")):
            node.columns |= {"lon": x, "lat": y}
            if is_blank(node.columns.get("datum")):
                node.columns["datum"] = node.datum
        else:
            node.columns.setdefault("datum", node.datum)


def _datum(node: Feature) -> int:
    given = node.columns.get("datum", node.datum)
    known = None if is_blank(given) else datum_code(str(given))
    return DATUMS.index(known or "unknown")


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return np.nan
    if isinstance(value, str) and not re.match(cells.NUMBER, value.strip(), re.ASCII):
        return np.nan
    try:
        return float(value)
    except (OverflowError, ValueError):
        return np.nan


def _on_globe(places: FloatArray) -> FloatArray:
    """Points in metres on a sphere: for points this near, the chord is the distance."""
    lon, lat = np.radians(places[:, 0]), np.radians(places[:, 1])
    east = np.cos(lat)
    return EARTH_M * np.column_stack([east * np.cos(lon), east * np.sin(lon), np.sin(lat)])


def _join(nodes: list[Feature], links: list[Feature], repeated: set[str], tally: Tally) -> None:
    """Give links both ends: those that they state, else the nodes at the ends of their lines, else joints."""
    ids = {node.columns["id"] for node in nodes}
    for link in links:
        _settle_stated(link, ids, repeated, tally)
        if is_blank(link.columns.get("id")) and link.own is not None:
            link.columns["id"] = link.own
    _look_along(links, nodes, tally)
    ends = [
        (link, end, place)
        for link in links
        for end, place in zip(ENDS, link.places, strict=bool(link.places))
        if is_blank(link.columns.get(end))
    ]
    if not ends:
        return
    places = np.array([place for _, _, place in ends], float)
    owners = [link for link, _, _ in ends]
    _report_faults(places, _origin(owners, tally.file), tally.log)
    names, several = _nodes_at(places, nodes)
    for (link, end, (x, y)), name in zip(ends, names, strict=True):
        link.columns[end] = name or _joint(x, y, link)
    joints = [link.columns[end] for (link, end, _), name in zip(ends, names, strict=True) if name is None]
    what = say(
        "ends of lines that name no node: {count:,} are the nodes at the same place (within {near:g} m), "
        "{joints:,} are joints that no node declares ({places:,} places)",
        count=len(ends) - len(joints),
        near=NEAR_M,
        joints=len(joints),
        places=len(set(joints)),
    )
    tally.note(what)
    if several:
        tally.note(
            say(
                "{count:,} of these joints are places of several nodes: give source and target",
                count=several,
            )
        )


def _look_along(links: list[Feature], nodes: list[Feature], tally: Tally) -> None:
    """Say where a line runs through the place of a node: whether it ends there, its form does not tell."""
    course = [place for link in links for place in link.course]
    if not course:
        return
    names, _ = _nodes_at(np.array(course, float), nodes)
    if any(names):
        through = sum(name is not None for name in names)
        shown = quote(next(name for name in names if name is not None))
        what = say(
            "{count:,} lines run through places of nodes, such as {name}: they are joined at their ends "
            "alone; cut them there, if they end there",
            count=through,
            name=shown,
        )
        tally.note(what)
        tally.drop(
            say("lines through places of nodes"), say("joined at their ends alone"), through, missed=True
        )


def _settle_stated(link: Feature, ids: set[str], repeated: set[str], tally: Tally) -> None:
    """Look at the ends that a link states: a lone one that is no node means something else, say a survey."""
    columns = link.columns
    stated = [end for end in ENDS if not is_blank(columns.get(end))]
    if len(stated) == 1 and link.places and text_of(columns[stated[0]]) not in ids:
        end = stated.pop()
        columns[f"{end} (attribute)"] = columns.pop(end)
    for end in stated:
        columns[end] = text_of(columns[end])  # 7 and 7.0 name one node
        if columns[end] in repeated:
            what = say("{name} is what several nodes are called", name=quote(columns[end]))
            tally.fault(numbered(link.word, link.number), end, what, say("give the nodes an id"))


def _report_faults(places: FloatArray, origin: Origin, log: Log) -> None:
    for fault, (_, bad) in cells.coordinate_faults(places[:, 0], places[:, 1]).items():
        log.problems.rows(origin, bad, "geometry", _said(fault, places), say("positions are lon, lat"))


def _said(fault: str, places: FloatArray) -> Any:
    return lambda row: say(
        "end of the line: {fault}: lon {lon:g}, lat {lat:g}",
        fault=fault,
        lon=places[row, 0],
        lat=places[row, 1],
    )


def _nodes_at(places: FloatArray, nodes: list[Feature]) -> tuple[list[str | None], int]:
    """Ids of the one node at each place, and how many places are those of several nodes."""
    standing = [node for node in nodes if node.places and any(node.places[0])]  # 0,0 is nowhere
    if not standing:
        return [None] * len(places), 0
    drawn = np.array([node.places[0] for node in standing], float)
    spots, first, times = np.unique(drawn, axis=0, return_index=True, return_counts=True)
    tree = cKDTree(_on_globe(spots))
    far, at = map(np.asarray, tree.query(_on_globe(places), k=2, distance_upper_bound=NEAR_M))
    there = np.isfinite(far[:, 0])
    nearest = np.where(there, at[:, 0], 0)
    lone = there & ~np.isfinite(far[:, 1]) & (times[nearest] == 1)
    ids = [standing[row].columns["id"] for row in first[nearest].tolist()]
    return [name if one else None for name, one in zip(ids, lone.tolist(), strict=True)], int(
        (there & ~lone).sum()
    )


def _joint(x: float, y: float, link: Feature) -> str:
    """Name a joint by its place; nowhere is not one place where lines meet."""
    if not x and not y:
        return f"@0,0 {link.word} {link.number}"
    return f"@{round(x, 5) + 0.0:.5f},{round(y, 5) + 0.0:.5f}"  # + 0.0: no minus zero


def _frame(features: list[Feature], file: str, first: tuple[str, ...]) -> Frame:
    frame = read_rows([feature.columns for feature in features], "", file, first)
    origin = _origin(features, file)
    if len(origin.files) > 1:  # the assembly tells a graph's rows from a table's by their having one origin
        origin = Origin.of(file, np.arange(1, len(features) + 1), "feature")
    return replace(frame, origin=origin)


def _origin(features: Iterable[Feature], file: str) -> Origin:
    features = list(features)
    words = list(dict.fromkeys(feature.word for feature in features)) or ["feature"]
    code = np.array([words.index(feature.word) for feature in features], np.int8)
    numbers = np.array([feature.number for feature in features], np.int64)
    return Origin((file,) * len(words), tuple(words), code, numbers)
