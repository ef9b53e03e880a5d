"""What a reader is, and which there are: one module a form, found by scanning this package for ``READER``."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.model import Declaration
    from auditor.tables import Frame, Log

FOLDER = "/"
PACKAGE = "auditor.readers"


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
    """All readers, by module name."""
    names = [m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)]) if not m.name.startswith("_")]
    return tuple(importlib.import_module(f"{PACKAGE}.{name}").READER for name in sorted(names))


def graph_suffixes() -> dict[str, Callable[[bytes, str, Log], tuple[Frame, Frame] | None]]:
    """Parsers of graph files by suffix."""
    return {suffix: r.parse for r in readers() if r.parse is not None for suffix in r.suffixes}
