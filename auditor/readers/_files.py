"""Files of a declaration: only inside its folder, their digests kept; TOML and JSON read strictly."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

import orjson

from auditor.files import reason_of
from auditor.language import say
from auditor.model import Input
from auditor.problems import quote

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.tables import Log

MOST_TEXT = 1 << 30  # bytes of a file that is taken into memory as a whole and spread to several times that
MOST_BYTES = {".csv": 1 << 33, ".parquet": 1 << 33}
STRICT_XML: dict[str, Any] = {  # for lxml: no document type, no entities, no network, no repair
    "encoding": "utf-8",
    "resolve_entities": False,
    "load_dtd": False,
    "no_network": True,
    "huge_tree": False,
    "recover": False,
    "remove_comments": True,  # else they would cut the text that they stand in
    "remove_pis": True,
}
SPACED = re.compile(r'"[ \t\r\n]+:')
DEEP = 500  # levels of JSON: Python's own reader gives up at about twice as many
ROUNDED = 2.0**63  # whole numbers beyond are rounded by orjson
FEW = 1 << 12  # bytes that show most files to hold something, without a copy of all
BOM = b"\xef\xbb\xbf"
BINARY = {
    b"PK\x03\x04": say("a ZIP archive, as workbooks and KMZ are"),
    b"SQLite format 3": say("a SQLite database, as GeoPackages are"),
    b"PAR1": "Parquet",
    b"\x1f\x8b": say("packed by gzip"),
    b"\xd0\xcf\x11\xe0": say("an old file of Office"),
}
OTHER_BOMS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def is_there(path: Path) -> bool:
    """Whether a path leads to anything; one that the system refuses (too long, a loop) does not."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


@dataclass
class Folder:
    """The folder of a declaration: gives bytes by relative name and remembers what was read.

    Parameters
    ----------
    root
        The folder; None where the declaration is no file.
    log
        Gets the problems.
    file
        Name of the declaration's own file, for messages.
    """

    root: Path | None
    log: Log
    file: str
    inputs: list[Input] = field(default_factory=list)

    def find(self, name: str, where: str, key: str) -> Path | None:
        """Give the path of a file inside the folder, or report that it leads out of it."""
        if self.root is None:
            self.log.problems.add(
                self.file,
                where,
                key,
                say("{name} is a file, but there is no folder", name=quote(name)),
                say("give the table itself"),
            )
            return None
        posix, windows = PurePosixPath(name), PureWindowsPath(name)
        leads_out = posix.is_absolute() or windows.drive or windows.root or ".." in windows.parts
        path = self.root / posix
        try:
            leads_out = leads_out or not path.resolve().is_relative_to(self.root.resolve())
        except (OSError, RuntimeError, ValueError):  # too long, a loop of symbolic links, a NUL
            self.log.problems.add(
                self.file, where, key, say("{name} is no path that can be followed", name=quote(name))
            )
            return None
        if leads_out:
            hint = say("give a path inside the folder, without ..")
            self.log.problems.add(
                self.file,
                where,
                key,
                say("{name} is outside the declaration's folder", name=quote(name)),
                hint,
            )
            return None
        return path

    def read(self, name: str, where: str, key: str) -> bytes | None:
        """Read a file of the folder, or report why it cannot be read."""
        path = self.find(name, where, key)
        if path is None:
            return None
        return self.load(path, name, lambda what: self.log.problems.add(self.file, where, key, what))

    def load(self, path: Path, name: str, report: Callable[[str], None]) -> bytes | None:
        """Read a file under a name for messages and note its digest; an empty one is a problem."""
        if not is_there(path):
            report(say("{name} is missing", name=quote(name)))
            return None
        if not path.is_file():
            report(say("{name} is no file", name=quote(name)))
            return None
        size, most = path.stat().st_size, MOST_BYTES.get(path.suffix.lower(), MOST_TEXT)
        if size > most:
            report(
                say(
                    "{name} is larger than {most:,} MB; give its tables as Parquet",
                    name=quote(name),
                    most=most >> 20,
                )
            )
            return None
        try:
            data = path.read_bytes()
        except OSError as error:
            report(say("{name} cannot be read: {reason}", name=quote(name), reason=reason_of(error)))
            return None
        self.inputs.append(Input(name, hashlib.sha256(data).hexdigest(), len(data)))
        if not data[:FEW].removeprefix(BOM).strip() and not data.removeprefix(BOM).strip():
            self.log.problems.add(name, "", "", say("the file is empty"))
            return None
        return data

    def digest(self, name: str, where: str) -> str | None:
        """Digest of an attached document, None if it is not there."""
        path = self.find(name, where, "document")
        if path is None or not path.is_file():
            return None
        try:
            with path.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            what = say("{name} cannot be read: {reason}", name=quote(name), reason=reason_of(error))
            self.log.problems.add(self.file, where, "document", what)
            return None


def report_encoding(data: bytes, file: str, log: Log) -> None:
    """Report that bytes are not UTF-8, where, and what they may be."""
    for mark, name in BINARY.items():
        if data.startswith(mark):
            log.problems.add(
                file, "", "", say("looks like {name}, and is no text", name=name), say("is its ending right?")
            )
            return
    for mark, name in OTHER_BOMS.items():
        if data.startswith(mark):
            log.problems.add(
                file,
                "",
                "",
                say("is {encoding}, not UTF-8", encoding=name),
                f"iconv -f {name} -t UTF-8",
            )
            return
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        fits = _decodes(data, "gb18030")
        hint = say("it reads as GB18030: iconv -f GB18030 -t UTF-8") if fits else say("save it as UTF-8")
        log.problems.add(file, say("line {number}", number=line), "", say("is not UTF-8"), hint)


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def decode(data: bytes, file: str, log: Log) -> str | None:
    """Decode UTF-8, with or without a byte order mark; None, and a problem, for anything else."""
    try:
        return data.removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError:
        report_encoding(data, file, log)
        return None


def read_toml(data: bytes, file: str, log: Log) -> Any:
    """Read TOML; None, and a problem with its line, where it is none."""
    text = decode(data, file, log)
    if text is None:
        return None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        at = re.search(r" \(at line (\d+), column \d+\)$", message)
        what = message[: at.start()] if at else message.removesuffix(" (at end of document)")
        where = say("line {number}", number=at[1]) if at else say("end of file")
        log.problems.add(file, where, "", say("no TOML: {reason}", reason=what))
    except (RecursionError, ValueError) as error:
        log.problems.add(file, "", "", say("no TOML: {reason}", reason=str(error).partition(";")[0]))
    return None


def read_json(data: bytes, file: str, log: Log) -> Any:
    """Read JSON strictly: no NaN, no key twice, no lone surrogate; None, and a problem, for anything else."""
    text = decode(data, file, log)
    if text is None:
        return None
    try:
        tree = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        log.problems.add(
            file, say("line {number}", number=error.lineno), "", say("no JSON: {reason}", reason=error.msg)
        )
        return None
    return tree if _same(text, tree) else _slowly(text, file, log)


def _same(text: str, tree: Any) -> bool:
    """Whether a tree holds all of a text: no key is there twice, no number is rounded, it is not too deep.

    A key ends in a quote and a colon. A text may hold these inside of texts, too: then it has more of them
    than the tree has keys, as if a key were there twice, and is read slowly. 50 MB take 1.1 s instead of 1.8.
    """
    level: list[Any] = [[tree]]
    keys = text.count('":') + len(SPACED.findall(text))
    for _ in range(DEEP):
        if not level:
            return keys == 0
        inner: list[Any] = []
        for value in level:
            if value.__class__ is dict:
                keys -= len(value)
            for part in value.values() if value.__class__ is dict else value:
                if part.__class__ is dict or part.__class__ is list:
                    inner.append(part)
                elif part.__class__ is float and not -ROUNDED < part < ROUNDED:
                    return False
        level = inner
    return False


def _slowly(text: str, file: str, log: Log) -> Any:
    """Read JSON that is well-formed, and look at each key."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        record = dict(pairs)
        if len(record) < len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            place = say("the record with id {id}", id=record["id"]) if "id" in record else ""
            log.problems.add(file, place, twice, say("the key is there twice"), say("remove one"))
        return record

    try:
        return json.loads(text, object_pairs_hook=unique)
    except (RecursionError, ValueError) as error:
        log.problems.add(file, "", "", say("no JSON: {reason}", reason=str(error).partition(";")[0]))
        return None


def read_carried(text: str | None, file: str, log: Log) -> Any:
    """Read the records that a graph file carries as JSON; nothing where it carries none."""
    if text is None or not text.strip():
        return None
    return read_json(text.encode("utf-8", "surrogatepass"), say("{file} (records)", file=file), log)
