"""The findings as Parquet, typed: words as dictionaries, lists as lists, the place as GeoParquet 1.1.

The footer holds the facts of the run: `auditor`, the head of the result as JSON, and `geo`, so that geopandas
and DuckDB draw the points of nodes and the lines of links. Texts stand as they are.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import orjson
import pyarrow as pa
import pyarrow.parquet
import shapely

from auditor.reports import Report
from auditor.reports._content import dumps, head
from auditor.reports._rows import FACTS, Findings, facts

if TYPE_CHECKING:
    from auditor.result import AuditResult

GEO = {
    "version": "1.1.0",
    "primary_column": "geometry",
    "columns": {
        "geometry": {"encoding": "WKB", "geometry_types": ["Point", "LineString", "MultiLineString"]}
    },
}  # no `crs` means WGS84, longitude first (OGC:CRS84)


def render(result: AuditResult, all_findings: bool) -> list[bytes]:  # noqa: FBT001
    """Give the table."""
    findings = Findings(result, all_findings)
    table = findings.table
    for name, value in facts(result).items():
        column = pa.array([value] * table.num_rows, FACTS[name])
        table = table.append_column(
            name, column.dictionary_encode() if pa.types.is_string(column.type) else column
        )
    drawn = [None if shape is None else shapely.to_wkb(shape, byte_order=1) for shape in findings.geometry()]
    table = table.append_column("geometry", pa.array(drawn, pa.binary()))
    told = {"auditor": dumps(head(result)), "geo": orjson.dumps(GEO)}
    out = io.BytesIO()
    pyarrow.parquet.write_table(table.replace_schema_metadata(told), out, compression="zstd")
    return [out.getvalue()]


REPORT = Report("parquet", (".parquet",), render, binary=True)
