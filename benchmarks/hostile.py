#!/usr/bin/env python3
"""Files made to hurt: each is given to `auditor check` as a user would, and must be refused.

    python benchmarks/hostile.py

Prints time and peak memory of the whole command, with its children. A server on loopback counts what is
fetched from it, and a file beside the hostile ones must not be read.
"""

from __future__ import annotations

import http.server
import io
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_SECONDS, MOST_MB, REFUSED = 2.0, 300, 2
CONTENT_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
)
RELS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Target="{}" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{}"/></Relationships>'
)
SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
WORKBOOK = (
    '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="nodes" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
CELL = '<row r="{row}"><c r="{cell}" t="inlineStr"><is><t>id</t></is></c></row>'
SECRET = "root,hunter2"  # noqa: S105 -- of nobody


def archive(members: dict[str, Iterable[bytes]]) -> bytes:
    """Make a ZIP archive; members are written block by block, so that a bomb is never held."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
        for name, blocks in members.items():
            with made.open(name, "w") as file:
                for block in blocks:
                    file.write(block)
    return buffer.getvalue()


def workbook(rows: Iterable[bytes]) -> bytes:
    """Make a workbook of one sheet."""
    head, tail = (part.encode() for part in SHEET.split("{}"))
    return archive(
        {
            "[Content_Types].xml": [CONTENT_TYPES.encode()],
            "_rels/.rels": [RELS.format("xl/workbook.xml", "officeDocument").encode()],
            "xl/workbook.xml": [WORKBOOK.encode()],
            "xl/_rels/workbook.xml.rels": [RELS.format("worksheets/sheet1.xml", "worksheet").encode()],
            "xl/worksheets/sheet1.xml": itertools.chain([head], rows, [tail]),
        }
    )


def deflate_bomb() -> bytes:
    """Make a workbook of 1 MB whose sheet unpacks to 350 MB of the same row."""
    block = CELL.format(row=1, cell="A1").encode() * 16_384
    return workbook(itertools.repeat(block, (350 << 20) // len(block)))


def zeros() -> bytes:
    """Make a KMZ whose one document unpacks to 1 GiB of zeros."""
    return archive({"doc.kml": itertools.repeat(bytes(1 << 20), 1 << 10)})


def laughs() -> bytes:
    """Make a GraphML whose entities unfold to 10^9 words."""
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    graph = '<graphml><graph><node id="&l9;"/></graph></graphml>'
    return f'<!DOCTYPE g [<!ENTITY l0 "lol">{entities}]>{graph}'.encode()


def vrt(folder: Path, port: int) -> bytes:
    """Make a VRT, which GDAL opens whatever its name: it points at a file beside it and at a server."""
    source = f"<SrcDataSource>{folder / 'secret.csv'}</SrcDataSource>"
    remote = f"<SrcDataSource>/vsicurl/http://127.0.0.1:{port}/x.csv</SrcDataSource>"
    layers = f'<OGRVRTLayer name="a">{source}</OGRVRTLayer><OGRVRTLayer name="b">{remote}</OGRVRTLayer>'
    return f"<OGRVRTDataSource>{layers}</OGRVRTDataSource>".encode()


def gdalg(folder: Path, port: int) -> bytes:
    """Make a streamed algorithm of GDAL under the name of a GeoJSON."""
    return json.dumps(
        {"type": "gdal_streamed_alg", "command_line": f"gdal vector read {folder}/secret.csv", "u": port}
    ).encode()


class Counting(http.server.BaseHTTPRequestHandler):
    """Counts what anybody asks of it."""

    asked = 0

    def do_GET(self) -> None:
        """Count."""
        type(self).asked += 1
        self.send_error(404)

    do_HEAD = do_GET  # noqa: N815 -- the base class' name

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def measure(path: Path, operator: Path) -> tuple[float, float, int, str]:
    """Run the command: seconds, peak MB of it or any child, exit code, what it said."""
    command = [sys.executable, "-m", "auditor", "check", str(path), "--operator", str(operator)]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    return time.perf_counter() - started, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status), said


def main() -> int:
    """Print the table."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "secret.csv").write_text(SECRET, encoding="utf-8")
        operator = folder / "declaration.toml"
        operator.write_text(
            'schema = "auditor.declaration/1"\n[operator]\nname = "Example"\n', encoding="utf-8"
        )
        port = server.server_address[1]
        corners = CELL.format(row=1, cell="A1") + CELL.format(row=1048576, cell="XFD1048576")
        files = {
            "sparse.xlsx": workbook([corners.encode()]),
            "deflate_bomb.xlsx": deflate_bomb(),
            "zeros.kmz": zeros(),
            "laughs.graphml": laughs(),
            "vrt.kml": vrt(folder, port),
            "vrt.geojson": vrt(folder, port),
            "gdalg.geojson": gdalg(folder, port),
            "vrt.gpkg": vrt(folder, port),
        }
        print(f"{'file':<20}{'size':>11}{'seconds':>9}{'MB':>6}{'exit':>5}  refused because")
        for file, data in files.items():
            (folder / file).write_bytes(data)
            seconds, megabytes, code, said = measure(folder / file, operator)
            bad = code != REFUSED or seconds > MOST_SECONDS or megabytes > MOST_MB
            bad |= "Traceback" in said or SECRET in said
            failed += bad
            why = said.strip().partition(": ")[2][:90]
            shown = f"{file:<20}{len(data):>11,}{seconds:>9.2f}{megabytes:>6.0f}{code:>5}"
            print(f"{shown}  {'WRONG: ' if bad else ''}{why}")
    print(f"requests to the server: {Counting.asked}; wrong: {failed}")
    return 1 if failed or Counting.asked else 0


if __name__ == "__main__":
    sys.exit(main())
