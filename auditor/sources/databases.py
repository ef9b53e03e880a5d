"""The user's own IP databases, ``[databases.NAME]`` in the settings: whole columns are looked up at once.

A database votes with the country, province, city or district that it names, never with its coordinates.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from auditor.asking import Source
from auditor.columns import Coded
from auditor.errors import DataError
from auditor.language import both, say
from auditor.observations import EXTENTS, Provenance
from auditor.problems import quote
from auditor.registers import MUNICIPALITIES, STRAIGHT, region_extent
from auditor.sources._blocks import NOTHING, text
from auditor.sources._csv_ranges import open_csv, open_parquet
from auditor.sources._distinct import idle
from auditor.sources._ipdb import open_ipdb
from auditor.sources._mmdb import open_mmdb
from auditor.sources._records import day
from auditor.sources._regions import regions
from auditor.sources._xdb import open_xdb

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from auditor.asking import Asked, Tools
    from auditor.columns import IntArray
    from auditor.settings import Database as Setting
    from auditor.settings import Settings
    from auditor.sources._blocks import Hits
    from auditor.sources._records import Database, Records

    Told: TypeAlias = tuple[IntArray, Coded, dict[str, Any]]  # rows, notes, columns

OPEN: dict[str, Callable[[bytes, str], Database]] = {
    ".mmdb": open_mmdb,
    ".xdb": open_xdb,
    ".ipdb": open_ipdb,
    ".csv": open_csv,
    ".parquet": open_parquet,
}
PACKED = frozenset({".gz", ".tgz", ".zip", ".xz", ".bz2", ".zst"})
ANSWER, UNKNOWN, NO_RECORD = "answer", "unknown", "no_record"
PART = say("of a part of the block")
SEVERAL = say("several regions")
DEFAULT = say("the database knows the country only, and gives its default point")
CHINA = "CN"
PROVINCE, CITY, DISTRICT = 2, 4, 6  # figures of codes


@dataclass(frozen=True)
class _Opened:
    """A database of the settings."""

    source: str
    family: str
    vintage_on: dt.date | None
    sha256: str
    database: Database


def _open(name: str, setting: Setting) -> _Opened:
    path = Path(setting.path)
    try:
        stamp = (path.stat().st_mtime_ns, path.stat().st_size)
    except (OSError, ValueError):
        stamp = (0, 0)  # said where it is read
    return _opened(name, setting, stamp)


@lru_cache(maxsize=16)  # asked for answers first, then for where they come from
def _opened(name: str, setting: Setting, _stamp: tuple[int, int]) -> _Opened:
    path = Path(setting.path)
    suffix = path.suffix.lower()
    if suffix not in OPEN:
        hint = (
            say("unpack it first")
            if suffix in PACKED
            else say("give a file of {endings}", endings=list(OPEN))
        )
        raise DataError(say("{path}: is no database that can be read; {hint}", path=path, hint=hint))
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise DataError(
            say(
                "{path}: cannot be read: {reason}; mend databases.{name}.path in the settings",
                path=path,
                reason=why,
                name=name,
            )
        ) from None
    if not data:
        raise DataError(say("{path}: the file is empty; get it again", path=path))
    database = OPEN[suffix](data, str(path))
    made_on = None if database.made_at is None or setting.vintage_on else day(database.made_at, str(path))
    return _Opened(
        f"databases.{name}",
        setting.family or database.family or name,
        setting.vintage_on or made_on,
        hashlib.sha256(data).hexdigest(),
        database,
    )


def _open_all(settings: Settings) -> list[_Opened]:
    opened: list[_Opened] = []
    wrong: list[object] = []
    for name, setting in settings.databases.items():
        try:
            opened.append(_open(name, setting))
        except DataError as error:
            wrong += error.args
    if wrong:
        raise DataError(*wrong)
    return opened


def _ask(asked: Asked, tools: Tools) -> Iterator[pa.Table]:
    for opened in _open_all(tools.settings):
        yield from _answers(opened, asked, tools)
        tools.tick(len(asked.addresses))


def _answers(opened: _Opened, asked: Asked, tools: Tools) -> Iterator[pa.Table]:
    addresses, now = asked.addresses, tools.now()

    def table(kind: str, row: IntArray, **columns: Any) -> pa.Table:
        return asked.table(
            row,
            source=opened.source,
            family=opened.family,
            kind=kind,
            seen_at=now,
            vintage_on=opened.vintage_on,
            digest=opened.sha256,
            **columns,
        )

    rows = np.flatnonzero((addresses.version > 0) & addresses.reserved.blank)
    looked = addresses.take(rows)
    hits, records = opened.database.find(looked)
    prefixes = text(looked, hits.bits)
    for kind in opened.database.kinds:
        for outcome, row, why in idle(addresses):
            yield table(kind, row, outcome=outcome, note=why)
        told, noted, columns = TELL[kind](hits, records)
        note = _with_versions(noted, looked.version[told], opened.database.versions)
        yield table(kind, rows[told], prefix=prefixes.take(pa.array(told)), note=note, **columns)


def _with_versions(note: Coded, version: IntArray, held: tuple[int, ...]) -> Coded:
    """Notes; where a row is of an IP version that the database does not speak of, that."""
    versions = [f"IPv{number}" for number in held]
    codes = np.where(np.isin(version, held), note.codes, len(note.values))
    return Coded(codes, (*note.values, say("the database holds {versions} only", versions=versions)))


def _pick(values: list[str | None], at: IntArray) -> Coded:
    """Values by position; -1 is the last."""
    column = Coded.of(values)
    return Coded(column.codes[at], column.values)


def _places(hits: Hits, records: Records) -> Told:
    """One answer a row: the region of its record, or the least region round those of its records."""
    extent, region = regions(*(records.column(name) for name in ("country", "province", "city", "district")))
    codes = [None if vague else region.at(at) for at, vague in enumerate(records.vague.tolist())]
    extents: list[str | None] = [EXTENTS[at] for at in extent.tolist()]
    notes = [_why(records, at) if code is None else None for at, code in enumerate(codes)]
    starts = np.flatnonzero(np.diff(hits.row, prepend=-1))
    ends = np.append(starts[1:], len(hits.row))
    at = hits.found[starts]
    for row in np.flatnonzero(ends - starts > 1).tolist():  # blocks; each gives one more record
        found = hits.found[starts[row] : ends[row]].tolist()
        code, note = around({None if record == NOTHING else codes[record] for record in found})
        at[row] = len(codes)
        codes.append(code)
        extents.append(code and region_extent(code))
        notes.append(note)
    outcomes = [UNKNOWN if code is None else ANSWER for code in codes]
    notes_ = Coded.of([*notes, None])
    columns = {
        "outcome": _pick([*outcomes, NO_RECORD], at),
        "region": _pick([*codes, None], at),
        "extent": _pick([*(e if c else None for e, c in zip(extents, codes, strict=True)), None], at),
    }
    return np.arange(len(at)), notes_.take(at), columns


def _why(records: Records, at: int) -> str:
    if records.vague[at]:
        return DEFAULT
    said = [records.column(name).at(at) for name in ("country", "province", "city", "district")]
    words = " / ".join(word for word in said if word)
    return (
        say("no place that is known here: {value}", value=quote(words))
        if words
        else say("the record names no place")
    )


def around(codes: set[str | None]) -> tuple[str | None, str | None]:
    """Find the least region round regions; and what to note.

    Examples
    --------
    >>> around({"440300", "440305"})[0], around({"440300", "440100"})[0], around({"310115", "310104"})[0]
    ('440300', '440000', '310000')
    >>> around({"310000", "CN"})[0], around({"310000", "HK"})
    ('CN', (None, 'several regions'))
    """
    known = {code for code in codes if code is not None}
    if len(known) < len(codes):
        return None, say("nothing is known of a part of the block")
    if len(known) == 1:
        return known.pop(), None
    if not all(code.isdecimal() or code == CHINA for code in known):
        return None, SEVERAL
    first = known.pop()
    for kept in (CITY, PROVINCE):
        if all(code[:kept] == first[:kept] for code in known) and (kept == PROVINCE or _is_city(first)):
            return first[:kept].ljust(DISTRICT, "0"), SEVERAL
    return CHINA, SEVERAL


def _is_city(code: str) -> bool:
    return code[:PROVINCE] not in MUNICIPALITIES and code[PROVINCE:CITY] not in {"00", STRAIGHT}


def _systems(hits: Hits, records: Records) -> Told:
    """One answer a system that has part of a row."""
    row, at, note, column = _parts(hits, records, "asn")
    numbers = np.array([*map(int, column.values), 0], np.int64)[column.codes]
    outcome = _outcomes(at, column)
    return row, note, {"outcome": outcome, "asn": pa.array(numbers, mask=column.blank)}


def _holders(hits: Hits, records: Records) -> Told:
    """One answer a holder that has part of a row."""
    row, at, note, column = _parts(hits, records, "owner")
    return row, note, {"outcome": _outcomes(at, column), "owner": column}


def _parts(hits: Hits, records: Records, name: str) -> tuple[IntArray, IntArray, Coded, Coded]:
    """Rows, positions of their records, notes and values, each value once a row."""
    value = records.column(name)
    code = np.append(value.codes.astype(np.int64), -2)[hits.found]  # -2: no record, -1: blank in the record
    _, first = np.unique(hits.row << 32 | code + 2, return_index=True)
    row, at = hits.row[first], hits.found[first]
    part = np.bincount(row, minlength=1)[row] > 1
    return row, at, Coded(np.where(part, 0, -1).astype(np.int32), (PART,)), value.take(at)


def _outcomes(at: IntArray, column: Coded) -> Coded:
    """Outcomes of rows whose records are known, and whose values."""
    codes = np.where(at == NOTHING, 2, np.where(column.blank, 1, 0))
    return Coded(codes, (ANSWER, UNKNOWN, NO_RECORD))


TELL: dict[str, Callable[[Hits, Records], Told]] = {
    "place": _places,
    "origin": _systems,
    "holder": _holders,
}


def _provenance(settings: Settings) -> tuple[Provenance, ...]:
    return tuple(
        Provenance(
            opened.source,
            opened.family,
            Path(setting.path).name,
            opened.vintage_on,
            setting.licence,
            setting.attribution,
            opened.sha256,
        )
        for opened, setting in zip(_open_all(settings), settings.databases.values(), strict=True)
    )


SOURCE = Source(
    name="databases",
    title=both("The user's IP databases (offline)"),
    online=False,
    ask=_ask,
    provenance=_provenance,
)
