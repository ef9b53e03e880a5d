"""IP databases that ship with the package: segments of the address space, each with its region."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet

from auditor.asking import Source
from auditor.columns import Coded
from auditor.errors import DataError
from auditor.language import say
from auditor.observations import Provenance
from auditor.registers import region_extent
from auditor.registers._files import FOLDER
from auditor.sources._search import Sorted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.addresses import Addresses
    from auditor.asking import Asked, Tools
    from auditor.columns import BoolArray, IntArray
    from auditor.language import Text

CHINA = "CN"
NOTHING, SEVERAL = -1, -2  # codes: nothing is recorded; regions or owners that have nothing in common
SEVERAL_REGIONS = say("several regions")
ENCLOSING = say("several regions; this one encloses them")
NO_IPV6 = say("this database has no IPv6")


def enclosing(region: str) -> str:
    """Code of the region round one; a country's is its own.

    Examples
    --------
    >>> [enclosing(region) for region in ("440300", "440000", "CN")]
    ['440000', 'CN', 'CN']
    """
    above = {"city": region[:2] + "0000", "province": CHINA}
    return above.get(region_extent(region), region)


@dataclass(frozen=True)
class Segments:
    """All addresses of one IP version, cut where something changes.

    Parameters
    ----------
    starts
        First address of each segment, lowest first: uint32, or 16 bytes. The first is 0.
    region
        Of each segment; blank where nothing is recorded.
    owner
        Of each segment; none if the database names no owners.

    Examples
    --------
    >>> starts, region = np.array([0, 256, 512], np.uint32), Coded.of([None, "440100", "440300"])
    >>> segments = Segments(starts, region)
    >>> code, whole = segments.find(*np.array([[300, 256, 0], [300, 1023, 1023]], np.uint32))
    >>> [segments.names[at] if at >= 0 else None for at in code], whole.tolist()
    (['440100', '440000', None], [True, False, False])
    """

    starts: Any
    region: Coded
    owner: Coded | None = None

    @cached_property
    def _sorted(self) -> Sorted:
        return Sorted(self.starts)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Regions, and those round them."""
        above = [enclosing(region) for region in self.region.values]
        return tuple(dict.fromkeys([*self.region.values, *above, *map(enclosing, above)]))

    @cached_property
    def _levels(self) -> tuple[tuple[IntArray, IntArray], ...]:
        """Codes of each segment at every level, finest first, and how often they have changed before it."""
        at = {name: code for code, name in enumerate(self.names)}
        above = np.array([*(at[enclosing(name)] for name in self.names), NOTHING], np.int32)
        codes = [self.region.codes]
        for _ in range(2):
            codes.append(above[codes[-1]])
        return tuple((code, _changes(code)) for code in codes)

    @cached_property
    def _owner_changes(self) -> IntArray:
        return _changes(self.owner.codes) if self.owner is not None else np.zeros(0, np.int64)

    def find(self, low: Any, high: Any) -> tuple[IntArray, BoolArray]:
        """Find the least region that encloses each block.

        Parameters
        ----------
        low, high
            First and last addresses.

        Returns
        -------
        code
            Position in `names`, `NOTHING`, or `SEVERAL` if no region encloses the block.
        whole
            Whether that is what is recorded of all of it.
        """
        first, last = self._ends(low, high)
        code = np.full(len(first), SEVERAL, np.int32)
        whole = np.zeros(len(first), np.bool_)
        for level, (codes, changes) in reversed(tuple(enumerate(self._levels))):
            same = changes[first] == changes[last]
            code[same] = codes[first[same]]
            whole = same if level == 0 else whole
        return code, whole

    def owners(self, low: Any, high: Any) -> IntArray:
        """Code of the owner of each block, `NOTHING` unless it is one and the same throughout."""
        if self.owner is None:
            return np.full(len(low), NOTHING, np.int32)
        first, last = self._ends(low, high)
        same = self._owner_changes[first] == self._owner_changes[last]
        return np.where(same, self.owner.codes[first], NOTHING)

    def _ends(self, low: Any, high: Any) -> tuple[IntArray, IntArray]:
        """Segments that blocks begin and end in; those of addresses are searched for once."""
        first = self._sorted.positions(low) - 1
        last, blocks = first.copy(), np.flatnonzero(low != high)
        last[blocks] = self._sorted.positions(high[blocks]) - 1
        return first, last


def _changes(codes: IntArray) -> IntArray:
    return np.cumsum(np.concatenate([[0], codes[1:] != codes[:-1]]))


@dataclass(frozen=True)
class Database:
    """A database that ships with the package.

    Parameters
    ----------
    segments
        By IP version.
    provenance
        Where it comes from.
    """

    segments: dict[int, Segments]
    provenance: Provenance

    def find(self, addresses: Addresses) -> tuple[Coded, BoolArray, BoolArray]:
        """Find rows of addresses and blocks.

        Returns
        -------
        region
            Least region that encloses each row; blank where none is recorded.
        whole
            Whether that is what is recorded of all of it.
        several
            Rows of which several regions are recorded that have none in common.
        """
        names: dict[str, int] = {}
        codes = np.full(len(addresses), NOTHING, np.int32)
        whole = np.ones(len(addresses), np.bool_)
        for segments, rows, low, high in self._parts(addresses):
            code, whole[rows] = segments.find(low, high)
            codes[rows] = np.where(code >= 0, _numbers(segments.names, names)[code], code)
        return Coded(np.maximum(codes, NOTHING), tuple(names)), whole, codes == SEVERAL

    def owners(self, addresses: Addresses) -> Coded:
        """Owner of each row; blank where none, or several, are recorded."""
        names: dict[str, int] = {}
        codes = np.full(len(addresses), NOTHING, np.int32)
        for segments, rows, low, high in self._parts(addresses):
            if segments.owner is not None:
                codes[rows] = _numbers(segments.owner.values, names)[segments.owners(low, high)]
        return Coded(codes, tuple(names))

    def _parts(self, addresses: Addresses) -> Iterator[tuple[Segments, IntArray, Any, Any]]:
        ends: dict[int, tuple[Any, Any]] = {
            4: (addresses.low, addresses.high),
            6: (addresses.low6, addresses.high6),
        }
        for version, segments in self.segments.items():
            rows = np.flatnonzero(addresses.version == version)
            if len(rows):
                low, high = ends[version]
                yield segments, rows, low[rows], high[rows]


def _numbers(values: tuple[str, ...], names: dict[str, int]) -> IntArray:
    """Position of each value among `names`, to which new ones are added; the last is that of nothing."""
    return np.array([*(names.setdefault(value, len(names)) for value in values), NOTHING], np.int32)


@cache
def load(source: str) -> Database:
    """Load the files of a source.

    Raises
    ------
    DataError
        A file is missing or broken: so is the installation.
    """
    segments, digest, about = {}, hashlib.sha256(), {}
    for version in (4, 6):
        path = FOLDER / "ip" / f"{source}_v{version}.parquet"
        if version == 6 and not path.exists():  # noqa: PLR2004 -- not every database has IPv6
            continue
        try:
            data = path.read_bytes()
            table = pyarrow.parquet.read_table(io.BytesIO(data))
            about = orjson.loads(table.schema.metadata[b"auditor"])
        except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
            raise DataError(
                say("{file}: {reason}; install the package again", file=path.name, reason=str(error))
            ) from None
        digest.update(data)
        owner = Coded.of(table.column("owner")) if "owner" in table.column_names else None
        segments[version] = Segments(_starts(table), Coded.of(table.column("region")), owner)
    vintage = dt.date.fromisoformat(about["vintage_on"])
    texts = {name: about[name] for name in ("source", "family", "title", "licence", "attribution")}
    return Database(segments, Provenance(**texts, vintage_on=vintage, sha256=digest.hexdigest()))


def _starts(table: pa.Table) -> Any:
    """First addresses: files keep steps from one to the next, of IPv6 the lower half apart."""
    starts = np.cumsum(
        table.column("step").to_numpy(), dtype=table.schema.field("step").type.to_pandas_dtype()
    )
    if "lower" not in table.column_names:
        return starts
    halves = np.column_stack([starts, table.column("lower").to_numpy()]).astype(">u8")
    return halves.view("S16").ravel()


def embedded(name: str, title: Text) -> Source:
    """Make a source of the database with its name."""

    def ask(asked: Asked, tools: Tools) -> Iterator[pa.Table]:
        database, rows = load(name), asked.addresses
        about = database.provenance
        common = {
            "source": about.source,
            "family": about.family,
            "seen_at": tools.now(),
            "vintage_on": about.vintage_on,
            "digest": about.sha256,
        }
        if len(rows):
            yield asked.table(np.arange(len(rows)), **common, kind="place", **_places(database, rows))
        owner = database.owners(rows)
        named = np.flatnonzero(~owner.blank)
        if len(named):
            yield asked.table(named, **common, kind="holder", outcome="answer", owner=owner.take(named))
        tools.tick(len(rows))

    return Source(name, title, online=False, ask=ask, provenance=lambda _: (load(name).provenance,))


def _places(database: Database, rows: Addresses) -> dict[str, Any]:
    """Columns of the answers."""
    region, whole, several = database.find(rows)
    reserved = ~rows.reserved.blank
    reasons = (
        (rows.version == 0, "malformed", rows.fault),
        (reserved, "reserved", rows.reserved),
        (several, "unknown", SEVERAL_REGIONS),
        (~np.isin(rows.version, list(database.segments)), "no_record", NO_IPV6),
        (region.blank, "no_record", None),
        (~whole, "answer", ENCLOSING),
    )
    outcome, note = np.full(len(rows), "answer", object), np.full(len(rows), None, object)
    for mask, word, why in reversed(reasons):
        outcome[mask] = word
        note[mask] = why.map(str, blank=None, dtype=object)[mask] if isinstance(why, Coded) else why
    told = Coded(np.where(reserved, NOTHING, region.codes), region.values)
    extents = told.map(region_extent, blank="none", dtype=object)
    return {"outcome": outcome, "note": note, "region": told, "extent": extents}
