"""One table of nodes, CSV or Parquet, without links and without saying whose it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.readers._registry import Export, Reader
from auditor.readers._tables import read_csv, read_parquet

if TYPE_CHECKING:
    from auditor.tables import Log

PARQUET = b"PAR1"


def parse(data: bytes, file: str, log: Log) -> Export | None:
    """Read the rows; a table that is rather one of links lacks ``kind``, which is then said."""
    nodes = (read_parquet if data.startswith(PARQUET) else read_csv)(data, file, log)
    return None if nodes is None or log.problems.found else Export(nodes, tables=True)


READER = Reader("table", (".csv", ".parquet"), parse)
