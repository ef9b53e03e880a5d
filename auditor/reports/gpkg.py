"""The findings as a GeoPackage: points, witness paths, the pilot areas, and the facts of the run.

Layer ``findings`` has one row each, with the point of a node; ``paths`` the lines of witness paths and of
links that findings are about, with the fingerprint of the finding; ``zones`` the parts of the areas that were
judged by; the table ``run`` the facts of the run by key. All in WGS84.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import pyarrow as pa
import shapely

from auditor import geopackage
from auditor.reports import Report
from auditor.reports._content import dumps, head
from auditor.reports._rows import Findings, flat
from auditor.reports._told import COLUMNS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from typing import TypeAlias

    from shapely.geometry.base import BaseGeometry

    from auditor.result import AuditResult

    Shape: TypeAlias = BaseGeometry | None

PATH = (
    "rule",
    "verdict",
    "verdict_word",
    "severity",
    "subject_kind",
    "subject_id",
    "path",
    "handoff",
    "fingerprint",
)
ZONES = dict.fromkeys(
    ("part", "area", "status", "version", "file", "sha256", "source", "attribution", "licence"), "TEXT"
)

MANY: dict[str, Any] = {"MULTILINESTRING": shapely.MultiLineString, "MULTIPOLYGON": shapely.MultiPolygon}


class Layer(NamedTuple):
    """A table with its geometry type and the SQL types of its columns."""

    name: str
    shape: str
    columns: dict[str, str]


def render(result: AuditResult, all_findings: bool) -> list[bytes]:  # noqa: FBT001
    """Give the database."""
    findings = Findings(result, all_findings)
    table = flat(findings.table)
    rows = list(zip(*(table.column(name).to_pylist() for name in table.column_names), strict=True))
    shapes = findings.geometry()
    points = [shape if shape is not None and shape.geom_type == "Point" else None for shape in shapes]
    types = {name: "REAL" if pa.types.is_floating(kind) else "TEXT" for name, kind in COLUMNS.items()}
    lines = [("link", at, shape) for at, shape in enumerate(shapes) if findings.kinds[at] == "link"]
    lines += [("path", at, shape) for at, shape in findings.paths()]
    chosen = [table.column_names.index(name) for name in PATH]
    ways = [(what, *(rows[at][i] for i in chosen)) for what, at, _ in lines]
    db = geopackage.opened()
    layer = Layer("findings", "POINT", types)
    _add(db, layer, rows, points)
    layer = Layer("paths", "MULTILINESTRING", {"what": "TEXT", **dict.fromkeys(PATH, "TEXT")})
    _add(db, layer, ways, [shape for _, _, shape in lines])
    _add_zones(db, result)
    told = orjson.loads(dumps(head(result)))
    run = [(key, v if isinstance(v, str) else orjson.dumps(v).decode()) for key, v in told.items()]
    geopackage.add_table(db, "run", {"key": "TEXT", "value": "TEXT"}, run)
    return [geopackage.closed(db)]


def _add_zones(db: sqlite3.Connection, result: AuditResult) -> None:
    """Write the parts of the areas, with where their geometry comes from."""
    areas = result.case.areas
    rows = []
    for part, told in zip(areas.parts, areas.provenance(), strict=True):
        own = {**told, "area": part.area, "status": part.status}
        rows.append([None if own[name] is None else str(own[name]) for name in ZONES])
    _add(db, Layer("zones", "MULTIPOLYGON", ZONES), rows, [part.geometry for part in areas.parts])


def _add(db: sqlite3.Connection, layer: Layer, rows: Iterable[Iterable[Any]], shapes: list[Shape]) -> None:
    """Write a layer; single lines and polygons become those of many."""
    many = MANY.get(layer.shape)
    made = [
        shape if shape is None or many is None or shape.geom_type.startswith("Multi") else many([shape])
        for shape in shapes
    ]
    drawn = [shape for shape in made if shape is not None]
    box = tuple(shapely.total_bounds(drawn).tolist()) if drawn else geopackage.NOWHERE
    blobs = (None if shape is None else shapely.to_wkb(shape, byte_order=1) for shape in made)
    cells = ([geopackage.packed(blob), *row] for blob, row in zip(blobs, rows, strict=True))
    geopackage.add_table(db, layer.name, layer.columns, cells, shape=layer.shape, box=box)


REPORT = Report("gpkg", (".gpkg",), render, binary=True)
