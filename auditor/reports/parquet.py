"""The findings as Parquet, typed: words as dictionaries, lists as lists, the place as GeoParquet 1.1.

The footer holds the facts of the run: `auditor`, the head of the result as JSON, and `geo`, so that geopandas
and DuckDB draw the points of nodes and the lines of links. Texts stand as they are.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pyarrow.parquet
import shapely

from auditor.reports import Report
from auditor.reports._content import dumps, head
from auditor.reports._rows import FACTS, Findings, facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.result import AuditResult

GEO = {
    "version": "1.1.0",
    "primary_column": "geometry",
    "columns": {
        "geometry": {"encoding": "WKB", "geometry_types": ["Point", "LineString", "MultiLineString"]}
    },
}  # no `crs` means WGS84, longitude first (OGC:CRS84)


def render(result: AuditResult, all_findings: bool) -> Iterator[bytes]:  # noqa: FBT001
    """Give the table, some rows at a time."""
    told = {"auditor": dumps(head(result)), "geo": orjson.dumps(GEO)}
    writer, out = None, _Pieces()
    for findings in Findings.streamed(result, all_findings):
        table = _table(result, findings).replace_schema_metadata(told)
        writer = writer or pyarrow.parquet.ParquetWriter(out, table.schema, compression="zstd")
        writer.write_table(table)
        yield out.taken()
    if writer is None:
        table = _table(result, Findings(result, all_findings)).replace_schema_metadata(told)
        writer = pyarrow.parquet.ParquetWriter(out, table.schema, compression="zstd")
    writer.close()
    yield out.taken()


def _table(result: AuditResult, findings: Findings) -> pa.Table:
    """Give rows of the table with the facts of the run and their places."""
    table = findings.table
    for name, value in facts(result).items():
        column = pa.repeat(pa.scalar(value, FACTS[name]), table.num_rows)
        table = table.append_column(
            name, column.dictionary_encode() if pa.types.is_string(column.type) else column
        )
    drawn = shapely.to_wkb(findings.geometry(), byte_order=1)
    return table.append_column("geometry", pa.array(drawn, pa.binary()))


class _Pieces(io.RawIOBase):
    """A file that hands on what was written to it."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[bytes] = []

    def writable(self) -> bool:
        """Whether it can be written."""
        return True

    def write(self, data: Any) -> int:
        """Take some bytes."""
        self._held.append(bytes(data))
        return len(self._held[-1])

    def taken(self) -> bytes:
        """Hand on what was written since the last time."""
        held, self._held = b"".join(self._held), []
        return held


REPORT = Report("parquet", (".parquet",), render, binary=True)
