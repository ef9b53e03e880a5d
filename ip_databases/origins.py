"""Build auditor/data/ip/origins*.parquet: which autonomous system announces which block, for the whole world.

    pip install whereip-network==0.1.0 pyarrow numpy
    python ip_databases/origins.py [--check]

Reads that package, nothing else. Same package, same bytes; `--check` writes nothing and says whether the
files on disk are those of a fresh build.
"""

from __future__ import annotations

import hashlib
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import whereip_network

FOLDER = Path(__file__).parent.parent / "auditor" / "data" / "ip"
DATA_SHA256 = "c10a26827e1a08803fad6c40665e6fbd1d93cefc9e5de603ff2163c8942463ad"
# Day on which the package was published: the data are of that day or shortly before.
METADATA = {"package": "whereip-network 0.1.0", "published_on": "2026-08-08", "data_sha256": DATA_SHA256}
NEAR = frozenset({"CN", "HK", "MO", "TW"})  # holders are named there; elsewhere the handle must do


def ranges(table: Any, index: Any, version: int, asn: Any) -> dict[str, Any]:
    """Read where announcements change: each row holds up to the next one's start."""
    blocks = [table._block(index, block) for block in range(len(index.heads))]  # noqa: SLF001 -- pinned version
    start, rank, packed = (
        np.concatenate([np.frombuffer(block[part], kind) for block in blocks])
        for part, kind in ((0, np.uint64), (1, np.uint32), (2, np.uint8))
    )
    origin = asn[rank]
    length = np.where(origin > 0, (packed >> 2) + 1, 0)
    # Without an announcement the length means nothing, and neighbours are one.
    keep = np.append(True, (origin[1:] > 0) | (origin[:-1] > 0))
    columns = {"version": np.full(len(start), version), "start": start, "asn": origin, "length": length}
    return {name: values[keep] for name, values in columns.items()}


def build() -> dict[str, bytes]:
    """Make the files."""
    path = whereip_network.UNITS
    if hashlib.sha256(path.read_bytes()).hexdigest() != DATA_SHA256:
        sys.exit(f"{path} is not the file of whereip-network 0.1.0")
    table = whereip_network.Table(path)
    facts = [table.facts(rank) for rank in range(len(table._facts))]  # noqa: SLF001 -- pinned version
    asn = np.array([fact.asn for fact in facts], np.uint32)
    parts = [ranges(table, table.v4, 4, asn), ranges(table, table.v6, 6, asn)]
    kinds = {"version": pa.uint8(), "start": pa.uint64(), "asn": pa.uint32(), "length": pa.uint8()}
    origins = pa.table(
        {name: pa.array(np.concatenate([part[name] for part in parts]), kind) for name, kind in kinds.items()}
    )
    named = sorted((fact for fact in facts if fact.asn), key=lambda fact: fact.asn)
    names = pa.table(
        {
            "asn": pa.array([fact.asn for fact in named], pa.uint32()),
            "name": pa.array([_name(fact) for fact in named]),
            "country": pa.array([fact.country for fact in named]),
        }
    )
    return {
        "origins.parquet": _parquet(origins, "start"),
        "origins_names.parquet": _parquet(names, "asn", "name"),
    }


def _name(fact: Any) -> str:
    holder = fact.company if fact.country in NEAR else ""
    return " / ".join(filter(None, (fact.name, holder)))


def _parquet(table: pa.Table, *plain: str) -> bytes:
    encoding = {name: "DELTA_BYTE_ARRAY" if name == "name" else "DELTA_BINARY_PACKED" for name in plain}
    file = io.BytesIO()
    pyarrow.parquet.write_table(
        table.replace_schema_metadata(METADATA),
        file,
        compression="zstd",
        compression_level=19,
        use_dictionary=[name for name in table.column_names if name not in plain],
        column_encoding=encoding,
        write_statistics=False,
    )
    return file.getvalue()


def main() -> None:
    """Write the files, or compare them."""
    different = []
    for name, data in build().items():
        path = FOLDER / name
        if not path.exists() or path.read_bytes() != data:
            different.append(name)
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    if "--check" in sys.argv and different:
        sys.exit(f"not as a fresh build makes them: {', '.join(different)}")


if __name__ == "__main__":
    main()
