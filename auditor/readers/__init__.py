"""Readers of declarations: one module a form, found by scanning this package for ``READER``."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import DeclarationError, Problem, UsageError
from auditor.readers._networkx import read_graph

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from auditor.model import Declaration
    from auditor.tables import Frame, Log

__all__ = ["FOLDER", "Reader", "graph_suffixes", "read_declaration", "read_graph", "readers"]

FOLDER = "/"


@dataclass(frozen=True)
class Reader:
    """One form of declaration.

    Parameters
    ----------
    name
        What people call it.
    suffixes
        Endings of its files; ``/`` is a folder.
    read
        Reads a declaration from a path and, for a bare graph, the path of the operator's file.
    parse
        For graph files: gives nodes and links from the bytes, a name for messages and a log.
    """

    name: str
    suffixes: tuple[str, ...]
    read: Callable[[Path, Path | None], Declaration]
    parse: Callable[[bytes, str, Log], tuple[Frame, Frame] | None] | None = None


@cache
def readers() -> tuple[Reader, ...]:
    """All readers, by name."""
    names = [m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")]
    return tuple(importlib.import_module(f"{__name__}.{name}").READER for name in sorted(names))


def graph_suffixes() -> dict[str, Callable[[bytes, str, Log], tuple[Frame, Frame] | None]]:
    """Parsers of graph files by suffix."""
    return {suffix: r.parse for r in readers() if r.parse is not None for suffix in r.suffixes}


def read_declaration(
    path: str | PathLike[str], *, operator: str | PathLike[str] | None = None
) -> Declaration:
    """Read a declaration in any form.

    Parameters
    ----------
    path
        A folder with ``declaration.toml``, that file itself, a ``.json`` file, or a graph file.
    operator
        For a bare graph file: the ``declaration.toml`` (or ``.json``) that says whose network it is.

    Raises
    ------
    DeclarationError
        With everything that is wrong in the input.
    UsageError
        If the path is of no known form, or a graph comes without `operator`.
    """
    path = Path(path)
    if not path.exists():
        raise DeclarationError([Problem(path.name, "", "", "there is no such file or folder")])
    suffix = FOLDER if path.is_dir() else path.suffix.lower()
    for reader in readers():
        if suffix in reader.suffixes:
            if operator is not None and reader.parse is None:
                raise UsageError(f"{path.name} says itself whose network it is; leave out the operator file")
            return reader.read(path, Path(operator) if operator is not None else None)
    known = ", ".join(s for reader in readers() for s in reader.suffixes if s != FOLDER)
    raise UsageError(f"{path.name} is no declaration; give a folder, or a file ending in {known}")
