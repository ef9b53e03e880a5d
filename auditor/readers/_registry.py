"""What a reader is, and which there are: one module a form, found by scanning this package for ``READER``."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from auditor.governance import LISTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from auditor.tables import Frame, Log

FOLDER = "/"
PACKAGE = "auditor.readers"
# Modules that are not called as the suffix is.
LIKELY = MappingProxyType({FOLDER: "folder", ".toml": "folder"})
# Keys of a declaration: a tree that has one of them is ours.
OURS = frozenset({"schema", "operator", "network", "declared_on", *LISTS})


@dataclass(frozen=True)
class Export:
    """What one file holds, before anything is checked.

    Parameters
    ----------
    nodes, links
        Rows as the file gives them, by the names of our columns where the form has a meaning of its own for
        them, else by the file's own names. A node with ``declared`` false is one that links name and nobody
        declared; with ``blank`` true it stands for a far end that is not declared.
    prefixes
        Rows of address blocks, where the form has them.
    records
        The structure of a ``declaration.toml``, where the file says whose network it is; tables that it
        holds (``network.prefixes``) are lists of records.
    directed
        Whether the file says that its links carry one way only, which exports of physical links do without
        meaning it.
    tables
        Whether the rows are those of a table of our own shape: then every node states its kind.
    """

    nodes: Frame | None = None
    links: Frame | None = None
    prefixes: Frame | None = None
    records: Mapping[str, Any] | None = None
    directed: bool = False
    tables: bool = False


Parse: TypeAlias = "Callable[[bytes, str, Log], Export | None]"
ParseTree: TypeAlias = "Callable[[Any, str, Log], Export | None]"


@dataclass(frozen=True)
class Reader:
    """One form of declaration.

    Parameters
    ----------
    name
        What people call it.
    suffixes
        Endings of its files; ``/`` is a folder.
    parse
        Gives what a file holds from its bytes, a name for messages and a log that gets the problems; nothing
        where there are problems. It raises nothing, whatever the bytes.
    claims
        For forms of JSON: whether a tree is of this form. Then ``tree`` reads it.
    tree
        As `parse`, from a tree of strict JSON (no key twice, no NaN).
    """

    name: str
    suffixes: tuple[str, ...] = ()
    parse: Parse | None = None
    claims: Callable[[Any], bool] | None = None
    tree: ParseTree | None = None


@cache
def _names() -> tuple[str, ...]:
    """Modules of the readers."""
    names = [m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)]) if not m.name.startswith("_")]
    return tuple(sorted(names))


def _reader(name: str) -> Reader:
    """Reader of one module."""
    found: Reader = importlib.import_module(f"{PACKAGE}.{name}").READER
    return found


@cache
def readers() -> tuple[Reader, ...]:
    """All readers, by module name."""
    return tuple(map(_reader, _names()))


def parser(suffix: str) -> Parse | None:
    """Parser of files with a suffix, or of a folder; none where no reader knows it.

    The module called like it is asked first: to import all takes longer than to read a small network.
    """
    likely = LIKELY.get(suffix, suffix.removeprefix("."))
    if likely in _names() and suffix in _reader(likely).suffixes:
        return _reader(likely).parse
    return parsers().get(suffix)


def parsers() -> dict[str, Parse]:
    """Parsers of files by suffix."""
    return {suffix: r.parse for r in readers() if r.parse is not None for suffix in r.suffixes}


def endings() -> list[str]:
    """Endings of the files that say or may be told whose network they are."""
    return sorted(suffix for suffix in parsers() if suffix not in {FOLDER, ".toml"})
