"""What is scanned: declarations by path, and a copy of their files by content when a run begins.

Nothing is parsed here: a file that breaks its reader, or never ends, is only copied, within limits. Workers
read the copies, so that a run which goes on after days still judges what was there when it began.
"""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import orjson
import sqlalchemy as sa

from auditor.errors import UsageError, visible
from auditor.files import reason_of
from auditor.language import Said, say
from auditor.scans import tables
from auditor.scans.blobs import UnwritableError
from auditor.scans.canonical import canonical, sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from auditor.scans.blobs import Blobs
    from auditor.scans.store import Change, Store

NAME = "declaration.toml"
OWN_RECORDS = (".json", ".xlsx", ".xlsm")  # files that say themselves whose network they are
MOST_FILES = 10_000
MOST_BYTES = 1 << 31  # of one operator's files together
READERS = 8  # threads that wait for the disk
TRIES = 3
SHOWN = 5


class Source(NamedTuple):
    """An operator of the store: its number, how it is called here, and where its declaration lies."""

    id: int
    key: str
    path: str


@dataclass(frozen=True)
class Copied:
    """The files of a declaration as they were, by content; or why they could not be taken.

    Parameters
    ----------
    entry
        Blank for a folder; else the one file that is read.
    files
        Path inside the folder, digest, size; sorted by path.
    reason
        Why nothing was taken.
    """

    entry: str = ""
    files: tuple[tuple[str, str, int], ...] = ()
    reason: Said | None = None

    @property
    def listed(self) -> str:
        """Files as the store holds them."""
        return canonical([{"path": path, "sha256": sha, "size": size} for path, sha, size in self.files])

    @property
    def sha256(self) -> str:
        """Digest of the whole: of the files by path, and of what is read of them."""
        return sha256(canonical([self.entry, self.listed]))


# --- operators --------------------------------------------------------------------------------------------


def home_of(path: Path) -> Path:
    """Give what a path names as one declaration: the folder, where it is the ``declaration.toml`` in it."""
    return path.parent if path.name == NAME else path


def declarations_in(path: Path) -> Iterator[Path]:
    """Give the declarations that a path holds: itself, or those in a folder of many.

    A folder with a ``declaration.toml`` is one; of any other folder, every such folder in it and every
    workbook and JSON file are.

    Raises
    ------
    UsageError
        There is nothing there.
    """
    path = home_of(path)
    if not path.exists():
        raise UsageError(say("{path}: there is no such file or folder", path=str(path)))
    if not path.is_dir() or (path / NAME).exists():
        yield path
        return
    inside = sorted(path.iterdir())
    found = [p for p in inside if (p / NAME).exists() or (p.is_file() and p.suffix.lower() in OWN_RECORDS)]
    if not found:
        raise UsageError(
            say(
                "{path}: holds no declaration; give a folder with {name}, a .json or .xlsx file, or a folder "
                "of such",
                path=str(path),
                name=NAME,
            )
        )
    yield from found


def passed_over(paths: Iterable[str | Path]) -> Iterator[Said]:
    """Say which folders within folders of many hold no declaration, and are not scanned."""
    for path in map(Path, paths):
        if not path.is_dir() or (path / NAME).exists():
            continue
        inside = [p for p in sorted(path.iterdir()) if p.is_dir() and not p.name.startswith(".")]
        left = [p.name for p in inside if not (p / NAME).exists()]
        if left:
            yield say(
                "{path}: {count:,} folders hold no declaration and are not scanned: {names}",
                path=str(path),
                count=len(left),
                names=[*map(visible, left[:SHOWN]), *(["…"] if len(left) > SHOWN else [])],
            )


def expanded(paths: Iterable[str | Path]) -> list[Path]:
    """Give all declarations that paths hold, once each, absolute.

    Raises
    ------
    UsageError
        With every path that holds none.
    """
    found: list[Path] = []
    faults: list[object] = []
    for given in paths:
        try:
            found += declarations_in(Path(given).absolute())
        except UsageError as error:
            faults += error.args
        except OSError as error:
            faults.append(say("{path}: cannot be read: {reason}", path=str(given), reason=reason_of(error)))
    if faults:
        raise UsageError(*faults)
    return [Path(_written(path)) for path in dict.fromkeys(found)]


def _written(path: Path) -> str:
    """Write a path as a database can hold it; one that is not UTF-8 is then not found, and refused."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _is_text(path: Path) -> bool:
    return _written(path) == str(path)


def register(store: Store, paths: Iterable[str | Path]) -> list[int]:
    """Make operators of the declarations that paths hold; those that are known stay as they are.

    An operator is called after its file or folder; where two are called the same, after the folder around it,
    too.

    Parameters
    ----------
    paths
        As `expanded` takes them.

    Returns
    -------
    list of int
        Numbers of all of them, those that were known included; one that was removed is back, with its
        history, where its own path is given, and left out where that of a folder of many is.

    Raises
    ------
    UsageError
        Paths that hold no declaration, or two that would be called the same.
    """
    paths = list(paths)
    found = expanded(paths)
    named = {home_of(Path(path).absolute()) for path in paths}

    def work(change: Change) -> list[int]:
        own = tables.operator
        rows = change.connection.execute(sa.select(own)).all()
        known = {row.path: row.id for row in rows if row.removed_at is None}
        gone = {row.path: row.id for row in rows if row.removed_at is not None}
        taken = {row.key for row in rows}
        numbers = []
        for path in found:
            if str(path) in gone and str(path) not in known:
                if path not in named:  # a folder of many must not bring back what was removed
                    continue
                known[str(path)] = gone[str(path)]
                back = sa.update(own).where(own.c.id == gone[str(path)])
                change.connection.execute(back.values(removed_at=None))
                change.touch("operator", gone[str(path)])
            elif str(path) not in known:
                key = _key(path, taken)
                taken.add(key)
                known[str(path)] = change.insert(own, key=key, path=str(path), added_at=change.at)
            numbers.append(known[str(path)])
        return numbers

    return store.write("operators_added", work)


def _key(path: Path, taken: set[str]) -> str:
    """Call an operator after its path, by as much of it as tells it from the others."""
    stem = path.stem if path.suffix.lower() in OWN_RECORDS else path.name
    name = stem
    for parent in (path.parent, *path.parent.parents):
        if name not in taken:
            return name
        name = f"{parent.name}/{name}"
    number = 2
    while f"{stem}#{number}" in taken:
        number += 1
    return f"{stem}#{number}"


def remove(store: Store, keys: Sequence[str]) -> None:
    """Scan operators no more; what is known of them stays.

    Raises
    ------
    UsageError
        Names that no operator bears.
    """

    def work(change: Change) -> None:
        for source in chosen(change.connection, keys):
            own = tables.operator
            change.connection.execute(
                sa.update(own).where(own.c.id == source.id).values(removed_at=change.at)
            )
            change.touch("operator", source.id)

    store.write("operators_removed", work, operators=list(keys))


def chosen(connection: sa.Connection, keys: Sequence[str] = ()) -> list[Source]:
    """Give operators by how they are called; all that are not removed, if none is named.

    Raises
    ------
    UsageError
        Names that no operator bears.
    """
    own = tables.operator.c
    wanted = sa.select(own.id, own.key, own.path).where(own.removed_at.is_(None)).order_by(own.key)
    known = [Source(*row) for row in connection.execute(wanted)]
    lost = sorted(set(keys) - {source.key for source in known})
    if lost:
        raise UsageError(say("no operator of the store is called {names}; see `auditor history`", names=lost))
    return [source for source in known if not keys or source.key in keys]


# --- their files ------------------------------------------------------------------------------------------


def copied(blobs: Blobs, sources: Sequence[Source]) -> list[Copied]:
    """Copy the files of many operators; whatever is wrong with one is said of that one alone."""
    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(lambda source: _copy(blobs, Path(source.path)), sources))


def _copy(blobs: Blobs, path: Path) -> Copied:
    try:
        for _ in range(TRIES):
            before = _listed(path)
            if isinstance(before, Said):
                return Copied(reason=before)
            files = [(name, *blobs.put_file(file)) for name, file, _ in before]
            if _listed(path) == before:
                return Copied("" if path.is_dir() else path.name, tuple(files))
    except UnwritableError:
        raise
    except OSError as error:
        return Copied(
            reason=say(
                "{path}: cannot be read: {reason}",
                path=visible(error.filename or path),
                reason=reason_of(error),
            )
        )
    return Copied(reason=say("{path}: changes while it is read", path=str(path)))


def _listed(path: Path) -> list[tuple[str, Path, tuple[int, int]]] | Said:
    """List the files of a declaration with size and time of change; or say why they are too much."""
    found = []
    total = 0
    for file in _files(path):
        if not _is_text(file):
            return say("{path}: its name is not UTF-8; rename it", path=visible(file))
        known = file.stat()
        if not stat.S_ISREG(known.st_mode):
            return say("{path}: is no plain file", path=str(file))
        total += known.st_size
        name = file.name if file == path else file.relative_to(path).as_posix()
        found.append((name, file, (known.st_size, known.st_mtime_ns)))
        if len(found) > MOST_FILES or total > MOST_BYTES:
            return say(
                "{path}: more than {files:,} files or {most:,} MB; a declaration's folder holds nothing else",
                path=str(path),
                files=MOST_FILES,
                most=MOST_BYTES >> 20,
            )
    if path.is_dir() and not found:
        return say("{path}: the folder is empty", path=str(path))
    return sorted(found)


def _files(path: Path) -> Iterator[Path]:
    """Give the files of a declaration; not hidden ones, nor where a link leads out of its folder."""
    if not path.is_dir():
        yield path
        return
    root = path.resolve()
    for here, folders, files in os.walk(path, onerror=_raise):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            file = Path(here, name)
            inside = file.resolve().is_relative_to(root)
            if not name.startswith(".") and inside and file.exists():
                yield file


def _raise(error: OSError) -> None:
    raise error


def files_of(listed: str) -> tuple[tuple[str, str], ...]:
    """Read path and digest of files as the store holds them."""
    return tuple((entry["path"], entry["sha256"]) for entry in orjson.loads(listed))


def keep(change: Change, operator: int, taken: Copied) -> int:
    """Make a new version of what an operator declares, unless it is the last one still."""
    own = tables.declaration
    mine = sa.select(own).where(own.c.operator_id == operator).order_by(own.c.version.desc()).limit(1)
    last = change.connection.execute(mine).first()
    if last is not None and last.sha256 == taken.sha256:
        return int(last.id)
    return change.insert(
        own,
        operator_id=operator,
        version=1 if last is None else last.version + 1,
        sha256=taken.sha256,
        entry=taken.entry,
        files=taken.listed,
        seen_at=change.at,
    )
