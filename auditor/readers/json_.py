"""One JSON file of the structure of ``declaration.toml``; tables are lists of records or files beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.readers._assemble import assemble, read_operator
from auditor.readers._registry import Reader
from auditor.tables import Log

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.model import Declaration


def read(path: Path, operator: Path | None) -> Declaration:  # noqa: ARG001 -- one signature for all readers
    """Read the file."""
    return assemble(*read_operator(path, Log()))


READER = Reader("json", (".json",), read)
