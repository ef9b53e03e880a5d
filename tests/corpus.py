#!/usr/bin/env python3
"""Read every real and hostile file of a folder, and say of each: read, refused with its reason, or wrong.

    python tests/corpus.py ../shared/testdata [--all]

Wrong is what should have been refused and was read, what should have been read and was refused, any exception that
is no answer, and any file that takes more than 60 s or 2 GB. What should be comes from the corpora themselves where
they say so (geojsonhint's .result, JSONTestSuite's y_ and n_, the errors that networkx expects), else from the rules
below, each with its reason.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import sys
import time
import traceback
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import AuditorError, DeclarationError
from auditor.readers import read_declaration
from auditor.readers._files import read_json
from auditor.readers._registry import readers
from auditor.tables import Log

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NOBODY = {"schema": "auditor.declaration/1", "operator": {"name": "Example"}}
MOST_SECONDS, MOST_BYTES = 60, 2 << 30
EMPTY = "the table has no rows"  # of a sound file without a node: no declaration can be made of it
READ, REFUSED, EITHER = "read", "refused", "either"
FOLDERS = (
    *(
        "topologyzoo",
        "networkx-readers",
        "rfc8345-netoviz",
        "netbox-demo-data",
        "gnpy-coronet",
        "geojsonhint",
    ),
    *("gdal-kml", "jsontestsuite", "defusedxml"),
)
ABOUT = (
    ".md",
    ".txt",
    ".tsv",
    ".result",
    ".result-object",
    ".cli-output-json",
    ".cli-output-pretty",
    "LICENSE",
)

# Where we differ from what a corpus expects, and why.
DIFFERENT = {
    "y_object_duplicated_key.json": (REFUSED, "two readers must not see two designs"),
    "y_object_duplicated_key_and_value.json": (REFUSED, "two readers must not see two designs"),
}
# What a corpus does not judge, and we must.
OURS = {
    "_index.json": (REFUSED, "a list of file names, no topology"),
    "meshTopologyExampleV2_services.json": (REFUSED, "requests, no topology"),
    "gml__test_escape_unescape__2.gml": (REFUSED, "a fragment: its quote is never closed"),
    "truncated.kml": (REFUSED, "cut off"),
    "junk_content_after_valid_doc.kml": (REFUSED, "goes on after its end"),
}


@dataclass(frozen=True)
class Row:
    """What became of one file."""

    folder: str
    file: str
    expected: str
    outcome: str
    why: str
    seconds: float

    @property
    def wrong(self) -> bool:
        """Whether it is not what it should be."""
        return self.outcome == "wrong" or self.expected not in {EITHER, self.outcome}


def expected_of(path: Path, errors: dict[str, str]) -> str:
    """Say whether a file should be read."""
    name, folder = path.name, path.parent.name
    for known in (DIFFERENT, OURS):
        if name in known:
            return known[name][0]
    if name.endswith("-layout.json") or path.suffix in {".gexf", ".leda", ".net"} or folder == "xmltestdata":
        return REFUSED  # drawings of netoviz; forms that nobody declares a network in; made to hurt
    if folder in {"test_parsing", "test_transform"}:
        return {"y_": READ, "n_": REFUSED}.get(name[:2], EITHER)
    if path.suffix == ".geojson":
        return _of_geojsonhint(path)
    return EITHER if errors.get(name) else READ


def _of_geojsonhint(path: Path) -> str:
    """A .result holds what geojsonhint says; level "message" is advice, and so is what RFC 7946 calls SHOULD."""
    result = path.with_suffix(".result")
    if path.parent.name == "good" or not result.exists():
        return READ
    said = json.loads(result.read_text("utf-8"))
    errors = [one for one in said if one.get("level") != "message" and "should avoid" not in one["message"]]
    errors = [one for one in errors if "should be avoided" not in one["message"]]
    return REFUSED if errors else READ


def look_at(path: Path, root: Path, errors: dict[str, str]) -> Row:
    """Read one file as a user would; files of JSONTestSuite only as JSON, the XML ones as each form of XML."""
    started = time.perf_counter()
    try:
        outcome, why = _outcome(path)
    except Exception:  # noqa: BLE001 -- this is what is looked for
        outcome, why = "wrong", traceback.format_exc().strip().splitlines()[-1]
    seconds = time.perf_counter() - started
    if seconds > MOST_SECONDS:
        outcome, why = "wrong", f"took {seconds:.0f} s"
    folder = path.relative_to(root).parts[0]
    return Row(folder, path.name, expected_of(path, errors), outcome, why, seconds)


def _outcome(path: Path) -> tuple[str, str]:
    if path.parent.name in {"test_parsing", "test_transform"}:
        log = Log()
        read_json(path.read_bytes(), path.name, log)
        return _told(log)
    return _of_xml(path) if path.suffix in {".xml", ".xsl"} else _of_declaration(path)


def _of_xml(path: Path) -> tuple[str, str]:
    log = Log()
    for reader in readers():
        if reader.name in {"graphml", "kml"} and reader.parse is not None:
            found = reader.parse(path.read_bytes(), path.name, log)
            if found is not None and found.nodes is not None and found.nodes.table.num_rows:
                return READ, f"as {reader.name}"
    return _told(log) if log.problems.found else (REFUSED, "holds no node")


def _of_declaration(path: Path) -> tuple[str, str]:
    try:
        read = read_declaration(path, operator=NOBODY)
    except DeclarationError as error:
        if [problem.what for problem in error.problems] == [EMPTY]:
            return READ, "sound, but holds no node"
        return REFUSED, str(error.problems[0]).partition(": ")[2]
    except AuditorError as error:
        return REFUSED, str(error)
    return READ, f"{read.nodes.num_rows:,} nodes, {read.links.num_rows:,} links"


def _told(log: Log) -> tuple[str, str]:
    found = log.problems.found
    return (REFUSED, str(found[0]).partition(": ")[2]) if found else (READ, "")


def rows(root: Path, folders: Sequence[str] = FOLDERS) -> Iterator[Row]:
    """Look at every file of those folders that are there."""
    index = root / "networkx-readers" / "INDEX.tsv"
    errors = {}
    if index.exists():
        with index.open(encoding="utf-8", newline="") as file:
            errors = {row[0]: row[2] for row in csv.reader(file, delimiter="\t") if len(row) > 2}
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and not path.name.endswith(ABOUT):
                yield look_at(path, root, errors)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("--all", action="store_true", help="show what was read, too")
    asked = parser.parse_args()
    found = list(rows(asked.root))
    for row in found:
        if asked.all or row.outcome != READ or row.wrong:
            mark = "WRONG " if row.wrong else ""
            print(f"{row.folder}/{row.file}: {mark}{row.outcome}: {row.why[:150]}")
    print(f"\n{'folder':<18}{'files':>7}{'read':>7}{'refused':>9}{'wrong':>7}{'slowest':>10}")
    for folder in FOLDERS:
        mine = [row for row in found if row.folder == folder]
        count = Counter(row.outcome for row in mine)
        wrong, slowest = sum(row.wrong for row in mine), max((row.seconds for row in mine), default=0.0)
        print(f"{folder:<18}{len(mine):>7}{count[READ]:>7}{count[REFUSED]:>9}{wrong:>7}{slowest:>8.2f} s")
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    most = max(resource.getrusage(kind).ru_maxrss for kind in kinds) << 10
    wrong = sum(row.wrong for row in found)
    print(f"{len(found):,} files, {wrong} wrong; at most {most / 1e6:,.0f} MB")
    return 1 if wrong or not found or most > MOST_BYTES else 0


if __name__ == "__main__":
    sys.exit(main())
