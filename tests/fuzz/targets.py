"""What is fuzzed: every parser of the readers package, every task of the containers, the tables, TOML and JSON.

Targets are found by scanning, so a new reader is fuzzed from its first day. A target takes bytes and gives a short
word for what came of them, which tells the mutator that an input is of a new sort; anything that it raises is a bug.
"""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from auditor import containers
from auditor.containers import ContainerError
from auditor.errors import DeclarationError, UsageError, visible
from auditor.readers._assemble import assemble
from auditor.readers._files import BOM, Folder, read_json
from auditor.readers._registry import Export, readers
from auditor.readers._tables import read_csv, read_parquet
from auditor.tables import Log
from auditor.writers import content_of, writers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from auditor.readers._registry import Reader

HERE = Path(__file__).parent
NOBODY = {"schema": "auditor.declaration/1", "operator": {"name": "Example"}}
READ, REFUSED = "read ", "refused "
VARYING = re.compile(r"'.*'|\d+|[^ -~]+", re.DOTALL)
SORT = 40  # characters of a message that tell its sort


@dataclass(frozen=True)
class Target:
    """One parser.

    Parameters
    ----------
    name
        That of its reader or task.
    run
        Feeds it.
    seeds
        Whose seeds it takes: those of the form.
    """

    name: str
    run: Callable[[bytes], str]
    seeds: str


def targets() -> dict[str, Target]:
    """All targets by name."""
    found = [Target("csv", lambda data: _table(read_csv, data), "csv")]
    found.append(Target("parquet", lambda data: _table(read_parquet, data), "parquet"))
    found.append(Target("strict-json", _strict_json, "strict-json"))
    found.append(Target("writers", _written, "json"))
    for reader in readers():
        if reader.parse is not None:
            found.append(
                Target(reader.name, lambda data, reader=reader: _parse(reader.parse, data), reader.name)
            )
        if reader.tree is not None and reader.parse is None:
            found.append(Target(reader.name, lambda data, reader=reader: _tree(reader, data), reader.name))
    tasks = {module.name for module in pkgutil.iter_modules(containers.__path__)} & set(containers.TASKS)
    found += [
        Target(f"container-{task}", lambda data, task=task: _task(task, data), task) for task in sorted(tasks)
    ]
    return {target.name: target for target in found}


def _parse(parse: Any, data: bytes) -> str:
    log = Log()
    return _judged(parse(data, "input", log), log)


def _tree(reader: Reader, data: bytes) -> str:
    """Feed a reader of trees directly; whatever the tree, saying whether it is one's own raises nothing."""
    log = Log()
    tree = read_json(data, "input", log)
    if tree is None or not reader.claims(tree):
        return REFUSED + "not claimed"
    return _judged(reader.tree(tree, "input", log), log)


def _table(read: Any, data: bytes) -> str:
    log = Log()
    frame = read(data, "input", log)
    return _judged(None if frame is None else Export(frame), log)


def _written(data: bytes) -> str:
    """Whatever can be declared can be written, in every form."""
    log = Log()
    tree = read_json(data, "input", log)
    try:
        declaration = assemble(tree, Folder(None, log, "input"))
    except DeclarationError:
        return _word(log)
    content = content_of(declaration)
    for writer in writers():
        try:
            writer.write(content)
        except UsageError as error:  # a form may be too small for a table
            log.problems.add("input", "", writer.name, str(error))
    return _word(log)


def _strict_json(data: bytes) -> str:
    log = Log()
    tree = read_json(data, "input", log)
    if tree is None and data.removeprefix(BOM).strip() != b"null":
        _said(log)
    return _word(log)


def _task(task: str, data: bytes) -> str:
    try:
        answer = importlib.import_module(f"{containers.__name__}.{task}").read(data)
    except ContainerError as error:
        return REFUSED + VARYING.sub("#", error.what)[:SORT]
    except MemoryError:
        return REFUSED + "memory"
    containers.written(answer)
    return READ


def _judged(export: Export | None, log: Log) -> str:
    """What must hold of every parser: it gives something or says why not, and what it gives can be assembled."""
    if export is None:
        _said(log)
        return _word(log)
    folder = Folder(None, log, "input")
    records = NOBODY if export.records is None else export.records
    try:
        assemble(records, folder, graph=None if export.nodes is None else export)
    except (DeclarationError, UsageError):
        _said(log)
    return _word(log)


def _said(log: Log) -> None:
    if not log.problems.found:
        raise AssertionError("gives nothing and says nothing")
    for problem in log.problems.found:
        shown = str(problem)
        if shown != visible(shown):
            raise AssertionError(f"shows what a terminal obeys: {shown!r}")


def _word(log: Log) -> str:
    """Say in short what came of an input: the sorts of its problems, else those of its notes."""
    told = log.problems.found[:3] or log.notes[:3]
    said = "; ".join(VARYING.sub("#", each.what)[:SORT] for each in told)
    return (REFUSED if log.problems.found else READ) + said


# --- containers without their child ---------------------------------------------------------------------------


@contextlib.contextmanager
def unboxed() -> Iterator[None]:
    """Let readers open containers in this process: a child each would make a thousand runs a minute of a million."""
    readers()
    boxed = containers.read_boxed
    holders = [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("auditor.") and getattr(module, "read_boxed", None) is boxed
    ]
    try:
        for module in holders:
            module.read_boxed = _unboxed
        yield
    finally:
        for module in holders:
            module.read_boxed = boxed


def _unboxed(task: str, data: bytes, *_limits: Any) -> Any:
    """Answer as the child would: by way of JSON."""
    try:
        answer = importlib.import_module(f"{containers.__name__}.{task}").read(data)
        return orjson.loads(containers.written(answer))
    except MemoryError:
        raise ContainerError("takes too much memory to open") from None


# --- seeds ----------------------------------------------------------------------------------------------------

SAMPLE = {
    **NOBODY,
    "declared_on": "2026-10-01",
    "approvals": [{"kind": "licence", "number": "1", "holder": "Example", "area": "shanghai", "services": ["B14"]}],
    "services": [{"code": "B14", "content": [], "scope": ["shanghai"]}],
    "network": {
        "complete": False,
        "nodes": [
            *({"id": f"s-{n}", "kind": "subscriber", "owner": "customer", "services": "B14"} for n in (1, 2)),
            {"id": "007", "kind": "bng", "name": '临港 "B" <1>', "lon": 121.9, "lat": 30.9, "datum": "WGS84", "asn": 4134},
            {"id": "r", "kind": "router", "owner": "中国电信", "transit": True, "from_on": "2026-01-02", "机房": "=1+1"},
        ],
        "links": [
            {"source": "s-1", "target": "007", "kind": "fibre", "id": "e"},
            {"source": "s-2", "target": "gone", "direction": "forward", "cost": 1.5},
            {"source": "007", "target": "r"},
            {"source": "007"},
        ],
        "prefixes": [{"prefix": "203.0.113.0/24", "node": "007"}],
    },
}  # fmt: skip


@cache
def written() -> dict[str, list[bytes]]:
    """Small valid files of each form that has a writer."""
    found: dict[str, list[bytes]] = {}
    bare = {**NOBODY, "network": {"nodes": SAMPLE["network"]["nodes"][:1]}}
    for tree, named in ((SAMPLE, True), (bare, False)):
        declaration = assemble(tree, Folder(None, Log(), "input"))
        content = content_of(declaration, named=named)
        for writer in writers():
            files = writer.write(content)
            for name, data in files.items() if isinstance(files, dict) else ((writer.name, files),):
                suffix = Path(name).suffix
                form = {".csv": "csv", ".parquet": "parquet"}.get(suffix, writer.name)
                found.setdefault(form, []).append(data)
    found["table"] = found.get("csv", []) + found.get("parquet", [])
    return found


def seeds(target: Target) -> list[bytes]:
    """What a target starts from: files that the writers make, those of `seeds/`, and whatever once broke it."""
    kept = [HERE / "seeds" / target.seeds, HERE / "crashes" / target.name]
    files = [file for folder in kept if folder.is_dir() for file in sorted(folder.iterdir())]
    return [*written().get(target.seeds, []), *(file.read_bytes() for file in files)] or [b""]


def crashes(name: str) -> list[Path]:
    """Inputs that once broke a target, kept for ever."""
    folder = HERE / "crashes" / name
    return sorted(folder.iterdir()) if folder.is_dir() else []
