"""Copies of what a case rests on: declared rows, documents, raw answers, letters; as files by safe names."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pyarrow.csv

from auditor.casefiles._exchange import read_inside
from auditor.casefiles._words import RAW_STATES
from auditor.formulas import inert_table

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.archive import Archive
    from auditor.casefiles._declared import Declared
    from auditor.casefiles._exchange import Exchange

FOLDER = "evidence"
LONGEST = 60  # characters of a file name
SHORT = 12  # of a digest
UNSAFE = re.compile(r"[^\w.-]+")
JSON = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS


def safe_name(name: str, sha256: str) -> str:
    r"""Name a copy: the head of its digest, then what of its name any system can hold.

    Examples
    --------
    >>> safe_name("../../租约 (1).pdf", "5b62ee302a1e" + 52 * "0")
    '5b62ee302a1e-租约_1_.pdf'
    >>> safe_name("CON\x00:<>", "5b62ee302a1e" + 52 * "0")
    '5b62ee302a1e-CON_'
    """
    last = unicodedata.normalize("NFC", PurePosixPath(name.replace("\\", "/")).name)
    bare = UNSAFE.sub("_", last).strip(". ")
    stem, dot, ending = bare.rpartition(".")
    cut = f"{stem[: LONGEST - len(ending)]}{dot}{ending}" if dot else bare
    while len(cut.encode()) > 2 * LONGEST:
        cut = cut[1:]
    return f"{sha256[:SHORT]}-{cut[-LONGEST:]}"


def declared_files(declared: Declared) -> dict[str, bytes]:
    """Give the declared rows as CSV, with nothing in it that a spreadsheet obeys, and the records as JSON."""
    files = {}
    for name, table in declared.tables.items():
        out = pa.BufferOutputStream()
        pyarrow.csv.write_csv(inert_table(table), out)
        files[f"{FOLDER}/declared/{name}.csv"] = out.getvalue().to_pybytes()
    if declared.records_told:
        files[f"{FOLDER}/declared/records.json"] = orjson.dumps(declared.records_told, option=JSON) + b"\n"
    return files


def add_documents(content: dict[str, Any], files: dict[str, bytes], folder: Path | None) -> None:
    """Copy documents that the declaration's folder holds, if their bytes are those that were read."""
    for document in content["documents"]:
        data = None
        if folder is not None and document["sha256"]:
            data, _ = read_inside(folder, document["name"])
        document["file"] = None
        if data is not None and hashlib.sha256(data).hexdigest() == document["sha256"]:
            document["file"] = f"{FOLDER}/documents/{safe_name(document['name'], document['sha256'])}"
            files[document["file"]] = data


def add_raw(content: dict[str, Any], files: dict[str, bytes], archive: Archive | None) -> None:
    """Copy the raw answers behind the observations, each under its own digest."""
    for seen in content["observations"]:
        digest, state, file = seen["digest"], "none", None
        data = archive.read(digest) if archive is not None and digest else None
        if data is not None:
            state, file = "copied", f"{FOLDER}/raw/{digest}"
            files[file] = data
        elif digest:
            state = "data" if seen.pop("of_data") else "missing"
        seen.pop("of_data", None)
        seen["raw"] = {"state": state, "word": RAW_STATES[state], "file": file}


def add_letters(content: dict[str, Any], files: dict[str, bytes], exchange: Exchange) -> None:
    """Copy the table of letters and the documents beside it."""
    if exchange.data:
        files[f"{FOLDER}/exchange/{safe_name(exchange.name, exchange.sha256)}"] = exchange.data
    for told, letter in zip(content["exchange"], exchange.letters, strict=True):
        if told["document"] is None:
            continue
        told["document"]["file"] = None
        if letter.data is not None and letter.sha256:
            told["document"]["file"] = f"{FOLDER}/exchange/{safe_name(letter.document, letter.sha256)}"
            files[told["document"]["file"]] = letter.data
