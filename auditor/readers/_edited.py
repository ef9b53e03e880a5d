"""Tables and records that are no file any more, read by the rules of files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor.readers._assemble import assemble
from auditor.readers._files import Folder
from auditor.readers._registry import Export
from auditor.tables import Log

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from auditor.model import Declaration
    from auditor.tables import Frame


def read_tables(
    records: Mapping[str, Any], tables: Mapping[str, Frame], root: Path | None, name: str
) -> Declaration:
    """Read a declaration that is at hand as records and tables of its own columns.

    Parameters
    ----------
    records
        The structure of a ``declaration.toml``; rows under ``network`` are laid over the tables.
    tables
        ``nodes``, ``links`` and ``prefixes``, the last optional.
    root
        Folder of the documents that the records name; None where they are not to be looked for.
    name
        Stands for the file in messages.

    Raises
    ------
    DeclarationError
        With everything that is wrong.
    """
    given = Export(tables["nodes"], tables["links"], tables.get("prefixes"), tables=True)
    return assemble(records, Folder(root, Log(), name), graph=given)
