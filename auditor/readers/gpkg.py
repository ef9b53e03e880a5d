"""GeoPackage: layers of points are nodes, of lines links; opened in a child, none of its SQL run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from auditor.containers import ContainerError, heard, read_boxed
from auditor.language import say
from auditor.problems import quote
from auditor.readers._entries import Tally
from auditor.readers._files import read_carried, read_json
from auditor.readers._places import LINE, LINK, NODE, POINT, Feature, read_places
from auditor.readers._registry import Export, Reader
from auditor.readers._tables import read_rows
from auditor.tables import Frame, Unused

if TYPE_CHECKING:
    from auditor.tables import Log

DATUMS = {"EPSG:4326": "WGS84", "EPSG:4490": "CGCS2000"}
ROLES = {"nodes": NODE, "links": LINK}
SHAPES = {"POINT": NODE, "LINESTRING": LINK}
PREFIXES, OWN = "prefixes", "auditor"  # tables of ours
RECORDS, COLUMNS = "records", "columns"  # rows of the second


def parse(data: bytes, file: str, log: Log) -> Export | None:
    """Give nodes and links of a GeoPackage; columns keep their types.

    Tables without geometry that are called nodes, links, prefixes and auditor are ours; others are listed.
    """
    before = len(log.problems.found)
    try:
        answer = read_boxed("gpkg", data)
    except ContainerError as error:
        log.problems.add(file, "", "", error.what, error.hint)
        return None
    log.unused.extend(Unused(file, heard(what), heard(why)) for what, why in answer["unused"])
    reading = _Reading(file, log, Tally(file, log))
    reading.own([layer for layer in answer["layers"] if layer["table"] == OWN])
    for layer in answer["layers"]:
        if layer["table"] != OWN:
            reading.layer(layer)
    reading.tally.close()
    if len(log.problems.found) > before:
        return None
    frames = read_places(reading.features, file, log)
    records = read_carried(reading.carried, file, log)
    if frames is None or len(log.problems.found) > before:
        return None
    return Export(*frames, prefixes=reading.prefixes, records=records)


@dataclass
class _Reading:
    """What the layers have brought so far."""

    file: str
    log: Log
    tally: Tally
    features: list[Feature] = field(default_factory=list)
    prefixes: Frame | None = None
    carried: str | None = None
    names: dict[str, Any] = field(default_factory=dict)

    def own(self, layers: list[dict[str, Any]]) -> None:
        """Read the table that a package of ours has: records, and names that SQLite cannot tell apart."""
        for layer in layers:
            for *cells, _, _ in layer["rows"]:
                row = dict(zip(layer["columns"], cells, strict=True))
                value = row.get("value")
                if row.get("key") == RECORDS and isinstance(value, str):
                    self.carried = value
                elif row.get("key") == COLUMNS and isinstance(value, str):
                    names = read_json(value.encode(), f"{self.file} ({COLUMNS})", self.log)
                    self.names = names if isinstance(names, dict) else {}
                else:
                    self.tally.drop(say("rows of {table}", table=OWN), say("none of ours"))

    def layer(self, layer: dict[str, Any]) -> None:
        """Read one table, under the names that its columns had before they were written."""
        table = layer["table"]
        names = self.names.get(table)
        names = names if isinstance(names, dict) else {}
        columns = [str(names.get(name, name)) for name in layer["columns"]]
        if "system" not in layer and table == PREFIXES:
            rows = [dict(zip(columns, cells, strict=True)) for *cells, _, _ in layer["rows"]]
            self.prefixes = read_rows(rows, "prefix", self.file, ("prefix",))
            return
        system = layer.get("system", "EPSG:4326")
        if system not in DATUMS:
            what = say("its coordinates are in {system}", system=quote(system))
            hint = say("convert it to WGS84 (EPSG:4326); EPSG:4490 is read too")
            self.tally.fault(say("layer {table}", table=quote(table)), "", what, hint)
            return
        role = ROLES.get(table, "") if "system" not in layer else SHAPES.get(str(layer["shape"]).upper(), "")
        for *cells, geometry, number in layer["rows"]:
            row = dict(zip(columns, cells, strict=True))
            self.feature(row, geometry, table, number, (role, system))

    def feature(
        self,
        row: dict[str, Any],
        geometry: dict[str, Any] | None,
        table: str,
        number: int,
        meant: tuple[str, str],
    ) -> None:
        """Read one row; its layer says what it is, unless its geometry is another."""
        role, system = meant
        geometry = geometry or {"shape": "", "places": []}
        if "fault" in geometry:
            self.tally.fault(f"{table} {number}", "geometry", heard(geometry["fault"]))
            return
        if f"EPSG:{geometry.get('srs', 0)}" not in {system, "EPSG:0"}:
            what = say("the geometry is in another coordinate system than its layer")
            self.tally.fault(f"{table} {number}", "geometry", what, say("which one holds?"))
        shape = heard(geometry["shape"])
        line = tuple((x, y) for x, y in geometry["places"])
        places, course = (line[:: len(line) - 1], line[1:-1]) if len(line) > 1 else (line, ())
        role = role if shape in {"", POINT if role == NODE else LINE} else ""
        self.features.append(Feature(table, number, row, shape, places, None, DATUMS[system], role, course))


READER = Reader("gpkg", (".gpkg",), parse)
