"""A folder with ``declaration.toml`` and CSV or Parquet tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.readers._assemble import assemble, read_operator
from auditor.readers._registry import FOLDER, Reader
from auditor.tables import Log

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.model import Declaration


def read(path: Path, operator: Path | None) -> Declaration:  # noqa: ARG001 -- one signature for all readers
    """Read the folder, or the ``.toml`` file in it."""
    return assemble(*read_operator(path, Log()))


READER = Reader("folder", (FOLDER, ".toml"), read)
