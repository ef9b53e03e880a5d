"""Who announces an address: a dated table of routes that ships with the package; asks no network.

Data: RIPE RIS as `whereip-network` 0.1.0 gives it; `auditor/data/ip/NOTICE-origins.md` has terms and limits.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv6Address
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from auditor import observations
from auditor.addresses import dotted
from auditor.asking import Source
from auditor.findings import Text
from auditor.observations import Provenance
from auditor.registers import carriers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.addresses import Addresses
    from auditor.asking import Asked, Tools
    from auditor.columns import BoolArray, Coded, IntArray
    from auditor.settings import Settings

Uint64Array: TypeAlias = np.ndarray[Any, np.dtype[np.uint64]]

FOLDER = Path(__file__).parent.parent / "data" / "ip"
NAME, FAMILY = "origins", "registry"
CHUNK = 1 << 18  # addresses answered in one table
WIDTH = {4: 32, 6: 64}  # bits of a start; of IPv6 the first 64, since no longer prefix is announced


@dataclass(frozen=True)
class _Routes:
    """Ranges of one version, sorted: each goes up to the next one's start; system 0 is no announcement."""

    version: int
    start: Uint64Array
    asn: IntArray
    length: IntArray

    def prefixes(self, at: IntArray) -> pa.Array:
        """Write the announced prefixes of some ranges."""
        bits = WIDTH[self.version]
        host = (np.uint64(bits) - self.length[at].astype(np.uint64)) % np.uint64(bits)
        base = (self.start[at] >> host) << host
        if self.version == 4:  # noqa: PLR2004 -- IPv4
            base_text = dotted(base.astype(np.uint32))
        else:
            base_text = pa.array([str(IPv6Address(int(value) << 64)) for value in base], pa.string())
        return pc.binary_join_element_wise(base_text, pa.array(self.length[at]).cast(pa.string()), "/")


@dataclass(frozen=True)
class _Data:
    routes: dict[int, _Routes]
    asns: IntArray
    names: pa.Array
    vintage_on: dt.date
    sha256: str

    def owners(self, asn: IntArray) -> pa.Array:
        """Names of systems; the number where the table has no name."""
        at = np.minimum(np.searchsorted(self.asns, asn), len(self.asns) - 1)
        known = self.asns[at] == asn
        named = self.names.take(pa.array(np.where(known, at, 0)))
        return pc.if_else(pa.array(known), named, pa.array([f"AS{number}" for number in asn], pa.string()))


@cache
def _data() -> _Data:
    raw = (FOLDER / "origins.parquet").read_bytes()
    table = pyarrow.parquet.read_table(io.BytesIO(raw))
    version = table.column("version").to_numpy()
    cut = int(np.searchsorted(version, 6))
    names = pyarrow.parquet.read_table(FOLDER / "origins_names.parquet")
    columns = [table.column(name).to_numpy() for name in ("start", "asn", "length")]
    return _Data(
        routes={
            4: _Routes(4, *(column[:cut] for column in columns)),
            6: _Routes(6, *(column[cut:] for column in columns)),
        },
        asns=names.column("asn").to_numpy().astype(np.int64),
        names=names.column("name").combine_chunks(),
        vintage_on=dt.date.fromisoformat(table.schema.metadata[b"published_on"].decode()),
        sha256=hashlib.sha256(raw).hexdigest(),
    )


def _ends(addresses: Addresses, version: int, rows: IntArray) -> tuple[Uint64Array, Uint64Array]:
    """First and last address of rows of one version, at the width of that version's starts."""
    if version == 4:  # noqa: PLR2004 -- IPv4
        return addresses.low[rows].astype(np.uint64), addresses.high[rows].astype(np.uint64)
    low, high = (
        np.ascontiguousarray(column[rows]).view(">u8").reshape(-1, 2)[:, 0].astype(np.uint64)
        for column in (addresses.low6, addresses.high6)
        if column is not None
    )
    return low, high


@dataclass(frozen=True)
class _Found:
    """Answers for rows of one version: one a row and system, in order of rows."""

    row: IntArray  # position in what was asked
    route: IntArray  # first range that the answer stands for
    ranges: IntArray  # how many ranges of the row have this system
    whole: BoolArray  # whether the row has no other answer


def _find(routes: _Routes, rows: IntArray, low: Uint64Array, high: Uint64Array) -> _Found:
    first = np.searchsorted(routes.start, low, side="right") - 1
    last = np.searchsorted(routes.start, high, side="right") - 1
    count = last - first + 1
    if (count == 1).all():
        return _Found(rows, first, count, np.ones(len(rows), np.bool_))
    back = np.repeat(np.arange(len(rows)), count)
    route = np.repeat(first, count) + np.arange(len(back)) - np.repeat(np.cumsum(count) - count, count)
    key = back * np.int64(1 << 32) + routes.asn[route]
    _, at, ranges = np.unique(key, return_index=True, return_counts=True)
    at, ranges = at[np.argsort(at)], ranges[np.argsort(at)]
    back, route = back[at], route[at]
    answers = np.bincount(back, minlength=len(rows))
    return _Found(rows[back], route, ranges, answers[back] == 1)


def _ask(asked: Asked, tools: Tools) -> Iterator[pa.Table]:
    for first in range(0, len(asked.addresses), CHUNK):
        rows = np.arange(first, min(first + CHUNK, len(asked.addresses)))
        yield from _answer(asked.addresses.take(rows), asked.subject.take(pa.array(rows)), tools)
        tools.tick(len(rows))


def _answer(addresses: Addresses, subject: pa.Array, tools: Tools) -> Iterator[pa.Table]:
    data, now = _data(), tools.now()

    def table(row: IntArray, **columns: Any) -> pa.Table:
        at = pa.array(row)
        return observations.table(
            len(row),
            subject=subject.take(at),
            asked=addresses.text.take(at),
            source=NAME,
            family=FAMILY,
            seen_at=now,
            vintage_on=data.vintage_on,
            digest=data.sha256,
            **columns,
        )

    special = addresses.reserved
    for outcome, why in (("malformed", addresses.fault), ("reserved", special)):
        row = np.flatnonzero(~why.blank)
        if len(row):
            yield table(row, kind="origin", outcome=outcome, note=_coded(why.take(row)))
    for version in (4, 6):
        rows = np.flatnonzero((addresses.version == version) & special.blank)
        if len(rows):
            routes = data.routes[version]
            found = _find(routes, rows, *_ends(addresses, version, rows))
            yield table(found.row, kind="origin", **_origins(routes, found, data))
            places = _places(routes, found)
            if len(places[0]):
                yield table(places[0], kind="place", outcome="answer", **places[1])


def _coded(column: Coded) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(
        pa.array(column.codes, pa.int32(), mask=column.blank), pa.array(column.values, pa.string())
    )


def _origins(routes: _Routes, found: _Found, data: _Data) -> dict[str, Any]:
    asn = routes.asn[found.route].astype(np.int64)
    silent = asn == 0
    distinct, at = np.unique(found.route, return_inverse=True)
    prefixes = pa.DictionaryArray.from_arrays(pa.array(at.astype(np.int32)), routes.prefixes(distinct))
    systems, named = np.unique(asn, return_inverse=True)
    owners = pa.DictionaryArray.from_arrays(pa.array(named.astype(np.int32)), data.owners(systems))
    none = pa.array(silent)
    notes = np.full(len(asn), None, object)
    notes[~found.whole] = "of a part of the block"
    several = (found.ranges > 1) & ~silent
    notes[several] = "the block spans several announcements; the first is shown"
    notes[silent] = f"not announced as of {data.vintage_on.isoformat()}"
    notes[silent & ~found.whole] = f"a part of the block is not announced as of {data.vintage_on.isoformat()}"
    return {
        "outcome": np.where(silent, "no_record", "answer"),
        "asn": pc.if_else(none, pa.scalar(None, pa.int64()), pa.array(asn)),
        "prefix": _blank(prefixes, silent),
        "owner": _blank(owners, silent),
        "note": pa.array(notes, pa.string()).dictionary_encode(),
    }


def _blank(column: pa.DictionaryArray, where: BoolArray) -> pa.DictionaryArray:
    codes = pa.array(column.indices.to_numpy(zero_copy_only=False), pa.int32(), mask=where)
    return pa.DictionaryArray.from_arrays(codes, column.dictionary)


def _places(routes: _Routes, found: _Found) -> tuple[IntArray, dict[str, Any]]:
    """Rows whose one system is bound to a province or city, and what it says of their place.

    Overseas arms are left out: an address of theirs may be used anywhere.
    """
    asn = routes.asn[found.route].astype(np.int64)
    known = carriers_of(asn)
    bound = found.whole & known.standing.isin({"carrier", "affiliate"}) & ~known.region.blank
    at = np.flatnonzero(bound)
    region = known.region.take(at)
    extent = region.map(lambda code: "province" if code.endswith("0000") else "city", blank="", dtype="U8")
    distinct, named = np.unique(asn[at], return_inverse=True)
    notes = pa.array([f"AS{number} is bound to the region by its registered name" for number in distinct])
    return found.row[at], {
        "extent": extent,
        "region": _coded(region),
        "asn": asn[at],
        "note": pa.DictionaryArray.from_arrays(pa.array(named.astype(np.int32)), notes),
    }


def _provenance(_: Settings) -> tuple[Provenance, ...]:
    data = _data()
    return (
        Provenance(
            NAME,
            FAMILY,
            "Routes of RIPE RIS, by whereip-network 0.1.0",
            data.vintage_on,
            "MIT",
            "whereip-network by tn3w; RIPE NCC RIS, NRO, CAIDA, PeeringDB",
            data.sha256,
        ),
    )


SOURCE = Source(
    name=NAME,
    title=Text("Announced routes (offline)", "路由通告（离线数据）"),
    online=False,
    ask=_ask,
    provenance=_provenance,
)
