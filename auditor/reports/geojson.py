"""The findings as GeoJSON (RFC 7946): one feature each, and one for each witness path.

A node is a point, a link or path a line, in WGS84; a line is broken where a node on it has no place. Without
place the geometry is null. Features of findings have ``"feature": "finding"``, those of paths ``"path"``, and
both the fingerprint of the finding. The facts of the run stand in the foreign member ``auditor``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson
import shapely

from auditor.reports import Report
from auditor.reports._content import dumps, head
from auditor.reports._rows import Findings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.result import AuditResult

PATH = ("rule", "verdict", "verdict_word", "severity", "subject_kind", "subject_id", "path", "handoff")
OBEYED = re.compile(
    "[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)  # all in one UTF-16 unit


def render(result: AuditResult, all_findings: bool) -> Iterator[bytes]:  # noqa: FBT001
    """Give the collection, a feature a line."""
    findings = Findings(result, all_findings)
    rows = findings.table.to_pylist()
    yield b'{"type":"FeatureCollection","auditor":' + _inert(dumps(head(result))) + b',"features":['
    comma = b"\n"
    for row, shape in zip(rows, findings.geometry(), strict=True):
        yield comma + _feature({"feature": "finding", **row}, shape)
        comma = b",\n"
    for at, shape in findings.paths():
        told = {"feature": "path", **{name: rows[at][name] for name in PATH}}
        yield comma + _feature(told | {"fingerprint": rows[at]["fingerprint"]}, shape)
    yield b"\n]}\n"


def _feature(properties: dict[str, Any], shape: shapely.Geometry | None) -> bytes:
    geometry = b"null" if shape is None else shapely.to_geojson(shape).encode()
    told = _inert(orjson.dumps(properties))
    return b'{"type":"Feature","geometry":' + geometry + b',"properties":' + told + b"}"


def _inert(text: bytes) -> bytes:
    r"""Write characters that a terminal obeys, yet JSON permits, as \u escapes: they read the same."""
    if text.isascii() and b"\x7f" not in text:
        return text
    return OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text.decode()).encode()


REPORT = Report("geojson", (".geojson",), render)
