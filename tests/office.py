"""Open the table reports in LibreOffice, recalculate, and see that no cell computes, links or asks the network.

    python tests/office.py            (make office)

Every open field of a declaration and of a result holds a text that spreadsheets may take for a formula. A
workbook and a CSV that are not guarded are opened first, so that the check is known to see formulas. Nothing is
checked where there is no `soffice`.
"""

from __future__ import annotations

import http.server
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import openpyxl
from lxml import etree

import auditor

SECONDS = 180
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
LINK = "{http://www.w3.org/1999/xlink}href"
SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="OOXMLRecalcMode" oor:op="fuse">
<value>0</value></prop></item>
<item oor:path="/org.openoffice.Office.Calc/Formula/Load"><prop oor:name="ODFRecalcMode" oor:op="fuse">
<value>0</value></prop></item></oor:items>
"""
# Field separator, quotes, UTF-8, first line; then: quoted fields are no texts, numbers are found, formulas computed.
CSV_READ = {
    "as it opens by itself": None,
    "commas, formulas computed": "CSV:44,34,76,1,,0,false,true,false,false,false,0,true",
    "semicolons, formulas computed": "CSV:59,34,76,1,,0,false,true,false,false,false,0,true",
    "tabs, formulas computed": "CSV:9,34,76,1,,0,false,true,false,false,false,0,true",
}


class Asked(http.server.BaseHTTPRequestHandler):
    """Counts requests."""

    seen: list[str]

    def do_GET(self) -> None:
        """Note a request."""
        self.seen.append(self.path)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def formulas(address: str, marker: Path) -> list[str]:
    """Texts that would compute, run a command or ask the network."""
    return [
        f"=cmd|'/C touch {marker}'!A0",
        f'=DDE("soffice";"{marker}";"A1")',
        f'=WEBSERVICE("{address}/webservice")',
        f'=HYPERLINK("{address}/link";"x")',
        f'=IMAGE("{address}/image")',
        "+1+1",
        "-2+3",
        "@SUM(1)",
        "=1+1",
        "＝1+1",
        "＋1+1",
        "a;=1+1",
        'a";=1+1',
        'a",=1+1',
        "'=1+1",
    ]


def hostile(folder: Path, texts: list[str]) -> auditor.AuditResult:
    """Judge a declaration whose every open field is one of these texts, in turn."""
    turn = iter(texts * 100)
    nodes = [
        {"id": text, "kind": "server", "owner": "operator", "name": next(turn), "address": next(turn)}
        | {"region_code": "330108", "document": next(turn)}
        for text in texts
    ]
    nodes += [
        {
            "id": f"=node{i}",
            "kind": kind,
            "owner": next(turn),
            "name": next(turn),
            "region_code": "310115",
        }
        | {"operated_by": next(turn), next(turn) + "column": next(turn)}
        for i, kind in enumerate(("bng", "olt"))
    ]
    nodes += [
        {"id": f"=sub{i}", "kind": kind, "owner": owner, "region_code": "310115", "name": next(turn)}
        for i, (kind, owner) in enumerate((("subscriber", "customer"), ("ixp", next(turn))))
    ]
    tree = {
        "schema": "auditor.declaration/1",
        "declared_on": "2026-10-01",
        "operator": {
            "name": next(turn),
            "group": next(turn),
            "nature": "foreign_invested",
            "domiciles": [{"address": next(turn), "document": next(turn), "region_code": "330108"}],
        },
        "approvals": [
            {"kind": "pilot_reply", "number": next(turn), "holder": next(turn), "document": next(turn)}
        ],
        "services": [
            {"code": code, "regime": "pilot107", "scope": [next(turn)], "domains": [next(turn)]}
            for code in ("B12", "B14")
        ],
        "contracts": [
            {
                "id": next(turn),
                "kind": "cdn",
                "supplier": next(turn),
                "node_ids": texts[:3],
                "coverage": [next(turn)],
            }
        ],
        "network": {
            "nodes": nodes,
            "links": [{"source": "=sub0", "target": "=sub1", "id": next(turn), "owner": next(turn)}],
        },
    }
    path = folder / "=1+1.json"
    path.write_text(json.dumps(tree), "utf-8")
    return auditor.check(auditor.read_declaration(path), as_of="2026-11-22")


def opened(office: str, path: Path, profile: Path, reading: str | None = None) -> etree._Element:
    """Open a file in LibreOffice, recalculate it, and give what it holds as flat OpenDocument."""
    out = path.parent / "out"
    shutil.rmtree(out, ignore_errors=True)
    command = [
        office,
        f"-env:UserInstallation={profile.as_uri()}",
        "--headless",
        *([f"--infilter={reading}"] if reading else []),
        "--convert-to",
        "fods",
        "--outdir",
        str(out),
        str(path),
    ]
    done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
    made = out / f"{path.stem}.fods"
    if not made.exists():
        raise SystemExit(f"LibreOffice gave nothing for {path.name}: {done.stderr.decode()}")
    return etree.parse(made, etree.XMLParser(huge_tree=True, resolve_entities=False)).getroot()


def live(tree: etree._Element) -> list[str]:
    """Cells that compute, link or fetch."""
    computed = [cell.get(f"{TABLE}formula") for cell in tree.iter(f"{TABLE}table-cell")]
    links = [e.get(LINK) for e in tree.iter() if e.get(LINK) and re.match(r"(https?|file|dde):", e.get(LINK))]
    dde = [etree.QName(e).localname for e in tree.iter() if isinstance(e.tag, str) and "dde" in e.tag.lower()]
    return [found for found in (*computed, *links, *dde) if found]


def texts_of(tree: etree._Element) -> set[str]:
    """Texts of all cells."""
    return {"".join(cell.itertext()).strip() for cell in tree.iter(f"{TABLE}table-cell")}


def controls(office: str, folder: Path, profile: Path) -> None:
    """See that formulas are found where nobody guards."""
    book = openpyxl.Workbook()
    book.active["A1"] = "=1+1"
    book.save(folder / "control.xlsx")
    if not live(opened(office, folder / "control.xlsx", profile)):
        raise SystemExit("the check sees no formula in a workbook that has one")
    (folder / "control.csv").write_text('"a","=1+1"\n', "utf-8")
    if not live(opened(office, folder / "control.csv", profile, CSV_READ["commas, formulas computed"])):
        raise SystemExit("the check sees no formula in a CSV that has one")


def main() -> int:
    """Run the check."""
    office = shutil.which("soffice")
    if office is None:
        print("skipped: there is no soffice (apt-get install libreoffice-calc)")
        return 0
    Asked.seen = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Asked)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder, marker = Path(name), Path(name) / "ran"
        profile = folder / "profile"
        (profile / "user").mkdir(parents=True)
        (profile / "user" / "registrymodifications.xcu").write_text(SETTINGS, "utf-8")
        controls(office, folder, profile)
        texts = formulas(f"http://127.0.0.1:{server.server_port}", marker)
        result = hostile(folder, texts)
        for lang in ("en", "zh"):
            told = replace(result, lang=lang)
            path = folder / f"{lang}.xlsx"
            auditor.write_report(told, path, all_findings=True)
            tree = opened(office, path, profile)
            wrong += [f"{path.name}: {found}" for found in live(tree)]
            wrong += [f"{path.name}: {text!r} is not there" for text in texts if text not in texts_of(tree)]
            path = folder / f"{lang}.csv"
            auditor.write_report(told, path, all_findings=True)
            for what, reading in CSV_READ.items():
                wrong += [f"{path.name}, {what}: {f}" for f in live(opened(office, path, profile, reading))]
        if marker.exists():
            wrong.append("a command ran")
        if Asked.seen:
            wrong.append(f"the network was asked: {Asked.seen}")
    server.shutdown()
    for line in wrong:
        print(line)
    print(f"{len(texts)} formulas in every field; {len(wrong)} computed, linked, ran or were lost")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
