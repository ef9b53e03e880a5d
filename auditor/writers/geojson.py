"""GeoJSON: one feature a line; the records of the declaration are the member ``auditor``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from auditor.columns import CARRIED
from auditor.writers._content import Writer
from auditor.writers._geometry import drawn

if TYPE_CHECKING:
    from auditor.writers._content import Content
    from auditor.writers._geometry import Drawn


def write(content: Content) -> bytes:
    """Write nodes as points and links as lines, in WGS84; properties keep what is declared."""
    head: dict[str, Any] = {"type": "FeatureCollection"}
    if content.carried:
        head[CARRIED] = content.carried
    features = [orjson.dumps(_feature(row)) for rows in drawn(content) for row in rows]
    return orjson.dumps(head)[:-1] + b',"features":[\n' + b",\n".join(features) + b"\n]}\n"


def _feature(row: Drawn) -> dict[str, Any]:
    geometry: dict[str, Any] | None = None
    if len(row.places) == 1:
        geometry = {"type": "Point", "coordinates": row.places[0]}
    elif row.places:
        geometry = {"type": "LineString", "coordinates": row.places}
    return {"type": "Feature", "geometry": geometry, "properties": row.columns}


WRITER = Writer("geojson", (".geojson",), write)
