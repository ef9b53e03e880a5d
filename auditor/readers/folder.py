"""A folder with ``declaration.toml`` and CSV or Parquet tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.readers._files import read_toml
from auditor.readers._registry import FOLDER, Export, Reader

if TYPE_CHECKING:
    from auditor.tables import Log


def parse(data: bytes, file: str, log: Log) -> Export | None:
    """Read ``declaration.toml``; its tables are files beside it."""
    tree = read_toml(data, file, log)
    return None if tree is None else Export(records=tree)


READER = Reader("folder", (FOLDER, ".toml"), parse)
