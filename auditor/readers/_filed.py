"""What ``network.filings`` names: a file of any form, a folder with a declaration, or a folder of tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import orjson

from auditor.language import say
from auditor.problems import quote
from auditor.readers._files import Folder, is_there, read_json
from auditor.readers._filings import entries_of, key_of, root_of, table_of
from auditor.readers._registry import FOLDER, Export, endings, parsers
from auditor.readers._tables import TABLE_FORMATS
from auditor.tables import Log, Unused

if TYPE_CHECKING:
    from auditor.readers._registry import Parse

NAME = "declaration.toml"


def read_filed(name: str, folder: Folder) -> tuple[Folder | None, Export | None]:
    """Read filings that lie in the folder of a declaration; problems and notes go to its log.

    Returns
    -------
    tuple
        Where their files are, with a log of its own for what is noted in assembling, and what they hold.
    """
    path = folder.find(name, "network", "filings")
    if path is None:
        return None, None
    report = _reporter(folder)
    if not is_there(path):
        report(say("{name} is missing", name=quote(name)))
        return None, None
    shared = replace(folder.log, repeats=True, inner=True, filed=False, partial=False, layer=None)
    shared.fields, shared.renamed, shared.unused, shared.notes = {}, set(), [], []
    inside = path.is_dir()
    inner = Folder(path if inside else path.parent, shared, NAME if inside else path.name, folder.inputs)
    if inside and not (path / NAME).is_file():
        return inner, _read_tables(path, name, folder, inner)
    suffix = FOLDER if inside else path.suffix.lower()
    parse: Parse | None = parsers().get(suffix)
    if parse is None:
        hint = say("filings are a folder, or a file ending in {endings}", endings=endings())
        report(say("{name} is of no form that can be read", name=quote(name)), hint)
        return None, None
    shown = f"{name.rstrip('/')}/{NAME}" if inside else name
    data = inner.load(path / NAME if inside else path, shown, report)
    return inner, None if data is None else parse(data, shown, shared)


def _reporter(folder: Folder) -> Any:
    def report(what: str, hint: str = "") -> None:
        folder.log.problems.add(folder.file, "network", "filings", what, hint)

    return report


def _read_tables(path: Path, name: str, folder: Folder, inner: Folder) -> Export | None:
    """Read a folder whose files are one table each, or several: rooms.json, 机房.csv."""
    merged: dict[str, list[Any]] = {}
    for file in sorted(path.iterdir()):
        shown = f"{name.rstrip('/')}/{file.name}"
        suffix, table = file.suffix.lower(), table_of(PurePosixPath(file.name).stem)
        if suffix == ".json" or (suffix in TABLE_FORMATS and table):
            data = inner.load(file, shown, _reporter(folder))
            if data is not None:
                _add(merged, data, shown, table, inner.log)
        elif not file.name.startswith("."):
            why = say("holds no table of filings: they are called rooms, racks, links, ip_segments, users")
            folder.log.unused.append(Unused(folder.file, shown, why))
    if not any(merged.values()):
        what = say("{name} holds no table of filings", name=quote(name))
        _reporter(folder)(what, say("name them rooms.json, racks.csv, links.csv, ip_segments.csv, users.csv"))
        return None
    merged = {"room": [], "rack": [], **merged}  # the reader knows the form by them
    parse = parsers()[".json"]
    tree = {key_of(table): rows for table, rows in merged.items()}
    return parse(orjson.dumps(tree, default=str), name, inner.log)


def _add(merged: dict[str, list[Any]], data: bytes, shown: str, table: str | None, log: Log) -> None:
    """Put the records of one file to those of its table."""
    suffix = PurePosixPath(shown).suffix.lower()
    if suffix != ".json":
        frame = TABLE_FORMATS[suffix](data, shown, log)
        rows = frame.table.to_pylist() if frame else []
        merged.setdefault(str(table), []).extend(rows)
        return
    tree = read_json(data, shown, log)
    if isinstance(tree, list) and table:
        merged.setdefault(table, []).extend(tree)
        return
    root, _ = root_of(tree)
    for key, value in root.items():
        known = table_of(key)
        if known is None:
            log.unused.append(Unused(shown, key, say("no table that is known")))
        else:
            merged.setdefault(known, []).extend(entries_of(key, value))
