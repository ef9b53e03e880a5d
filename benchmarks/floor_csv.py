"""floor.py on CSV: all its steps but the reading are its own.

python benchmarks/floor_csv.py FLOOR.py DECLARATION_DIR AREA.geojson
"""

from __future__ import annotations

import runpy
import sys
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path


def read_table(path: Path, columns: list[str]) -> pa.Table:
    """Read these columns of the CSV beside the Parquet that was asked for, in Arrow's own threads."""
    return pc.read_csv(path.with_suffix(".csv"), convert_options=pc.ConvertOptions(include_columns=columns))


pq.read_table = read_table
floor = sys.argv.pop(1)
runpy.run_path(floor, run_name="__main__")
