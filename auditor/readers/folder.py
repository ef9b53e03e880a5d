"""A folder with ``declaration.toml`` and CSV or Parquet tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.readers import FOLDER, Reader
from auditor.readers._assemble import assemble
from auditor.readers._files import Folder, read_toml
from auditor.tables import Log

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.model import Declaration

NAME = "declaration.toml"


def read(path: Path, operator: Path | None) -> Declaration:  # noqa: ARG001 -- one signature for all readers
    """Read the folder, or the ``.toml`` file in it."""
    file = path / NAME if path.is_dir() else path
    log = Log()
    folder = Folder(file.parent, log, file.name)
    data = folder.load(file, file.name, lambda what: log.problems.add(path.name, "", "", what))
    log.problems.raise_if_any()
    tree = read_toml(data or b"", file.name, log)
    log.problems.raise_if_any()
    return assemble(tree, folder)


READER = Reader("folder", (FOLDER, ".toml"), read)
