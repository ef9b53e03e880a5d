"""Observations: what sources said of a subject, when, how surely, with the digest of the raw answer.

A declaration is a claim and an observation is another one. This module knows their columns and nothing of
what they mean: `auditor.votes` weighs them, `auditor.collection` gathers, `auditor.readers` reads them.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from auditor.cells import HIDDEN, LONGEST_TEXT, mask, recode
from auditor.columns import Coded
from auditor.errors import visible
from auditor.tables import GRADES, Column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

SCHEMA = "auditor.observations/1"
METADATA = b"auditor"

KINDS = ("place", "holder", "origin", "path", "name")
OUTCOMES = ("answer", "unknown", "no_record", "refused", "unavailable", "malformed", "reserved")
LONGEST_WORDS = 1000  # characters that are left of words too long to be read back
EXTENTS = ("disc", "district", "city", "province", "country", "none")

COLUMNS = (
    Column("subject", "text", "whom it speaks of: node:ID, prefix:CIDR or domain:NAME", required=True),
    Column("asked", "text", "the address, prefix or name that the source was asked about", required=True),
    Column("source", "coded", "who said it", required=True),
    Column("family", "coded", "independent origin of what it said", required=True),
    Column("kind", "choice", "what it speaks of", KINDS, required=True),
    Column("outcome", "choice", "whether there was an answer, or why not", OUTCOMES, required=True),
    Column("grade", "choice", "grade of evidence; blank: E4", GRADES),
    Column("extent", "choice", "kind of region that a place is", EXTENTS),
    Column("region", "coded", "code of a district, city or province (GB/T 2260), or of a country (ISO 3166)"),
    Column("lon", "number", "longitude of a disc's centre, WGS84"),
    Column("lat", "number", "latitude of a disc's centre, WGS84"),
    Column("radius_m", "number", "radius of a disc in metres"),
    Column("bound", "flag", "true: a physical bound; the subject cannot stand outside the disc"),
    Column("asn", "whole", "autonomous system that announces it"),
    Column("prefix", "coded", "block that the answer is about"),
    Column("owner", "coded", "whom the source names as holder, in its own words"),
    Column("seen_at", "time", "when the source answered, UTC", required=True),
    Column("vintage_on", "date", "date of the data that answered"),
    Column("digest", "coded", "SHA-256 of the raw answer, or of the data file"),
    Column("note", "coded", "what went wrong, or what was assumed, in words"),
    Column("details", "json", "facts of a path or a chain of names, as JSON"),
)
_TYPES: dict[str, Any] = {
    "text": pa.string(),
    "json": pa.string(),
    "coded": pa.dictionary(pa.int32(), pa.string()),
    "choice": pa.dictionary(pa.int32(), pa.string()),
    "number": pa.float64(),
    "whole": pa.int64(),
    "flag": pa.bool_(),
    "date": pa.date32(),
    "time": pa.timestamp("us", "UTC"),
}
ARROW = pa.schema([(column.name, _TYPES[column.type]) for column in COLUMNS])


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where answers of a source come from; every report shows it.

    Parameters
    ----------
    source, family
        As in the rows.
    title
        Name of the data for people.
    vintage_on
        Date of the data; none for a source that answers live.
    licence, attribution
        Under which terms the data may be used, and whom to name.
    sha256
        Digest of the data file; blank for a source that answers live.
    """

    source: str
    family: str
    title: str
    vintage_on: dt.date | None = None
    licence: str = ""
    attribution: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Observations:
    """A table of observations, and where they come from.

    Parameters
    ----------
    table
        Columns `COLUMNS`, in that order.
    sources
        One entry a source that was asked, whether it answered or not.
    name, sha256
        File it was read from, and the digest of its bytes; blank before it is written.
    """

    table: pa.Table
    sources: tuple[Provenance, ...] = ()
    name: str = ""
    sha256: str = ""

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __repr__(self) -> str:
        named = ", ".join(source.source for source in self.sources) or "no sources"
        return f"<Observations: {len(self):,} rows; {named}>"

    def to_frame(self) -> Any:
        """Rows as a pandas DataFrame."""
        return self.table.to_pandas()

    def records(self, rows: Iterable[int]) -> list[dict[str, Any]]:
        """Some rows as mappings without blanks, dates as ISO text; `details` unpacked."""
        return [
            {name: told for name, cell in self._cells.items() if (told := cell(row)) is not None}
            for row in map(int, rows)
        ]

    @cached_property
    def _cells(self) -> dict[str, Callable[[int], Any]]:
        """From a row to each of its cells: taking rows out of Arrow one by one costs a hundred times more."""
        return {name: _cell(name, self.table.column(name).combine_chunks()) for name in ARROW.names}


def table(rows: int, **columns: Any) -> pa.Table:
    """Make rows of observations of columns, as a source gives them.

    Parameters
    ----------
    rows
        Number of rows.
    **columns
        By column name: a sequence, an array or `Coded` with one value a row, or one plain value for all rows.
        Columns that are not given are blank; `grade` is then ``E4``.

    Returns
    -------
    pyarrow.Table
        In the schema `ARROW`.

    Raises
    ------
    TypeError
        A column that observations do not have, or a required one that is not given.

    Examples
    --------
    >>> import datetime as dt
    >>> now = dt.datetime(2026, 11, 22, tzinfo=dt.timezone.utc)
    >>> what = {"source": "s", "family": "f", "kind": "place", "outcome": "answer", "extent": "province"}
    >>> made = table(2, subject=["node:a", "node:b"], asked="192.0.2.1", region=["110000", "310000"],
    ...              seen_at=now, **what)
    >>> made.column("region").to_pylist(), made.column("grade").to_pylist()
    (['110000', '310000'], ['E4', 'E4'])
    """
    columns.setdefault("grade", "E4")
    strange = [name for name in columns if name not in ARROW.names]
    lacking = [column.name for column in COLUMNS if column.required and column.name not in columns]
    if strange or lacking:
        raise TypeError(f"no such columns: {strange}; required, but not given: {lacking}")
    return pa.table([_column(columns.get(field.name), field.type, rows) for field in ARROW], schema=ARROW)


def _column(values: Any, kind: Any, rows: int) -> Any:
    if values is None:
        return pa.nulls(rows, kind)
    coded = pa.types.is_dictionary(kind)
    plain = kind.value_type if coded else kind
    if isinstance(values, str | int | float | bool) or not hasattr(values, "__len__"):
        if coded:
            codes = pa.array(np.zeros(rows, np.int32))
            return pa.DictionaryArray.from_arrays(codes, pa.array([values], plain))
        return pa.repeat(pa.scalar(values, plain), rows)
    values = values.arrow() if isinstance(values, Coded) else values
    array = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, from_pandas=True)
    if pa.types.is_dictionary(array.type) and coded:
        return array.cast(kind)
    array = array.cast(plain)
    return array.dictionary_encode() if coded else array


def join(tables: Sequence[pa.Table]) -> pa.Table:
    """Put tables of observations below one another, in order; words that readers would refuse are shown."""
    joined = pa.concat_tables([ARROW.empty_table(), *tables]).unify_dictionaries().combine_chunks()
    for at, column in enumerate(COLUMNS):
        if column.type in SHOWN and len(joined):
            shown = SHOWN[column.type]
            joined = joined.set_column(at, column.name, _shown(joined.column(at).combine_chunks(), shown))
    return joined


def _shown(array: Any, shown: Callable[[str], str]) -> Any:
    """Strings, plain or coded, without what a terminal may act on: hops, registries, anybody may write it."""
    if pa.types.is_dictionary(array.type):
        values = _shown(array.dictionary, shown)
        return array if values is array.dictionary else recode(array, values)
    bad = mask(pc.match_substring_regex(array, HIDDEN)) | mask(
        pc.greater(pc.binary_length(array), LONGEST_TEXT)
    )
    if not bad.any():
        return array
    texts = array.to_pylist()
    for row in np.flatnonzero(bad).tolist():
        texts[row] = shown(texts[row])
    return pa.array(texts, array.type)


def _short(text: str) -> str:
    told = visible(text)
    return told if len(told.encode()) <= LONGEST_TEXT else f"{told[:LONGEST_WORDS]}…"


def _escaped(text: str) -> str:
    """Write the same JSON with escapes for what cannot be seen."""
    return json.dumps(orjson.loads(text)).replace("\x7f", "\\u007f")


SHOWN: dict[str, Callable[[str], str]] = {"text": _short, "coded": _short, "json": _escaped}


def write(observations: Observations, path: Path) -> None:
    """Write observations as Parquet, with their sources in the file's metadata; same rows, same bytes."""
    about = {"schema": SCHEMA, "sources": [_plain(source) for source in observations.sources]}
    kept = observations.table.replace_schema_metadata({METADATA: orjson.dumps(about)})
    with path.open("wb") as file:  # Arrow knows names in UTF-8 only
        pyarrow.parquet.write_table(kept, file, compression="zstd")


def _cell(name: str, column: Any) -> Callable[[int], Any]:
    """Give a function from a row to the plain value of one cell."""
    if pa.types.is_dictionary(column.type):
        return Coded.of(column).at
    if name == "details":
        return lambda row: None if (text := column[row].as_py()) is None else orjson.loads(text)
    if pa.types.is_string(column.type):
        return lambda row: column[row].as_py()
    days = pa.types.is_date(column.type) or pa.types.is_timestamp(column.type)
    distinct = column.dictionary_encode() if days else None
    if distinct is not None:
        texts = [None if value is None else value.isoformat() for value in distinct.dictionary.to_pylist()]
        codes = distinct.indices.fill_null(-1).to_numpy()
        return lambda row: None if codes[row] < 0 else texts[codes[row]]
    blank = column.is_null().to_numpy(zero_copy_only=False)
    zero: Any = False if pa.types.is_boolean(column.type) else 0
    numbers = column.fill_null(zero).to_numpy(zero_copy_only=False)
    return lambda row: None if blank[row] else numbers[row].item()


def _plain(source: Provenance) -> dict[str, Any]:
    return {name: getattr(source, name) for name in Provenance.__slots__}


def read_sources(metadata: Any) -> tuple[Provenance, ...] | None:
    """Sources from the metadata of a Parquet file; none if another program wrote it."""
    try:
        about = orjson.loads((metadata or {})[METADATA])
        if about["schema"] != SCHEMA:
            return None
        return tuple(_provenance(entry) for entry in about["sources"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _provenance(entry: dict[str, Any]) -> Provenance:
    day = entry.get("vintage_on")
    known = {name: str(entry.get(name) or "") for name in Provenance.__slots__ if name != "vintage_on"}
    return Provenance(**known, vintage_on=dt.date.fromisoformat(day) if day else None)
