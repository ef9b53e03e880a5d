"""Readers of declarations: one module a form."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import DeclarationError, Problem, UsageError
from auditor.readers._files import is_there
from auditor.readers._networkx import read_graph
from auditor.readers._observations import read_observations
from auditor.readers._registry import FOLDER, readers

if TYPE_CHECKING:
    from os import PathLike

    from auditor.model import Declaration

__all__ = ["read_declaration", "read_graph", "read_observations"]


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
    if not is_there(path):
        raise DeclarationError([Problem(path.name or str(path), "", "", "there is no such file or folder")])
    suffix = FOLDER if path.is_dir() else path.suffix.lower()
    for reader in readers():
        if suffix in reader.suffixes:
            if operator is not None and reader.parse is None:
                raise UsageError(f"{path.name} says itself whose network it is; leave out the operator file")
            return reader.read(path, Path(operator) if operator is not None else None)
    known = ", ".join(s for reader in readers() for s in reader.suffixes if s != FOLDER)
    raise UsageError(f"{path.name} is no declaration; give a folder, or a file ending in {known}")
