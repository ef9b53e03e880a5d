"""Readers of declarations: one module a form."""

from __future__ import annotations

import collections.abc
import gc
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.errors import DeclarationError, Problem, UsageError
from auditor.language import say
from auditor.readers._assemble import read_file, read_raw
from auditor.readers._edited import read_tables
from auditor.readers._files import is_there
from auditor.readers._networkx import read_graph
from auditor.readers._observations import read_observations
from auditor.readers._registry import FOLDER, endings, parser
from auditor.readers._registry import readers as all_readers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

    from auditor.model import Declaration, Mapping
    from auditor.readers._registry import Parse
    from auditor.tables import Frame

__all__ = [
    "all_readers",
    "parser_of",
    "raw_tables",
    "read_declaration",
    "read_graph",
    "read_observations",
    "read_tables",
    "without_cycle_search",
]


def read_declaration(
    path: str | PathLike[str],
    *,
    operator: str | PathLike[str] | collections.abc.Mapping[str, Any] | None = None,
    mapping: str | PathLike[str] | None = None,
    repeats: bool = False,
) -> Declaration:
    """Read a declaration in any form.

    Parameters
    ----------
    path
        A folder with ``declaration.toml``, that file itself, or a file of any form that a reader knows
        (``auditor convert --forms`` lists them).
    operator
        For a file that does not say whose network it is: the ``declaration.toml`` (or ``.json``) that does,
        or its structure.
    mapping
        A TOML file that turns a foreign schema into ours: ``[fields]``, ``[values]`` and ``[[roles]]``, as
        under ``[network]``.
    repeats
        Whether an id that is there twice is noted and kept, as comparing records wants it; else it is wrong.

    Raises
    ------
    DeclarationError
        With everything that is wrong in the input.
    UsageError
        If the path is of no known form, or a graph comes without `operator`.
    """
    path = Path(path)
    if not is_there(path):
        raise DeclarationError(
            [Problem(path.name or str(path), "", "", say("there is no such file or folder"))]
        )
    parse = parser_of(path)
    whose = operator if operator is None or isinstance(operator, collections.abc.Mapping) else Path(operator)
    beside = Path(mapping) if mapping is not None else None
    with without_cycle_search():
        return read_file(path, parse, operator=whose, mapping=beside, repeats=repeats)


@contextmanager
def without_cycle_search() -> Iterator[None]:
    """Keep Python from searching for cycles where millions of small objects without any are made.

    Else the search takes 5 of the 11 seconds in which GeoJSON of 10^5 nodes is read.
    """
    searched = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searched:
            gc.enable()


def raw_tables(path: Path, mapping: Path | None = None) -> tuple[dict[str, Frame], Mapping]:
    """Give the tables of a file as it holds them, before any mapping, and the mapping that is given.

    Raises
    ------
    DeclarationError
        If the file or the mapping cannot be read.
    UsageError
        If the path is of no known form.
    """
    return read_raw(path, parser_of(path), mapping)


def parser_of(path: Path) -> Parse:
    """Give the parser that knows the ending of a path.

    Raises
    ------
    UsageError
        If none does.
    """
    parse = parser(FOLDER if path.is_dir() else path.suffix.lower())
    if parse is None:
        raise UsageError(
            say(
                "{file} is no declaration; give a folder, or a file ending in {endings}",
                file=path.name,
                endings=endings(),
            )
        )
    return parse
