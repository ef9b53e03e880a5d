"""Who announces an address: a dated table of routes that ships with the package; asks no network.

Data: RIPE RIS as `whereip-network` 0.1.0 gives it; `auditor/data/ip/NOTICE-origins.md` has terms and limits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from auditor.asking import Asked, Source
from auditor.language import both, say
from auditor.registers import region_extent
from auditor.sources._distinct import idle
from auditor.sources._routes import FAMILY, NAME, bound, provenance
from auditor.sources._routes import data as read_routes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from auditor.addresses import Addresses
    from auditor.asking import Tools
    from auditor.columns import BoolArray, IntArray
    from auditor.sources._routes import Data, Routes, Uint64Array

CHUNK = 1 << 18  # addresses answered in one table


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


def _find(routes: Routes, rows: IntArray, low: Uint64Array, high: Uint64Array) -> _Found:
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
        yield from _answer(Asked(asked.subject.take(pa.array(rows)), asked.addresses.take(rows)), tools)
        tools.tick(len(rows))


def _answer(asked: Asked, tools: Tools) -> Iterator[pa.Table]:
    addresses, data, now = asked.addresses, read_routes(), tools.now()

    def table(row: IntArray, **columns: Any) -> pa.Table:
        return asked.table(
            row,
            source=NAME,
            family=FAMILY,
            seen_at=now,
            vintage_on=data.vintage_on,
            digest=data.sha256,
            **columns,
        )

    for outcome, row, why in idle(addresses):
        yield table(row, kind="origin", outcome=outcome, note=why)
    for version in (4, 6):
        rows = np.flatnonzero((addresses.version == version) & addresses.reserved.blank)
        if len(rows):
            routes = data.routes[version]
            found = _find(routes, rows, *_ends(addresses, version, rows))
            yield table(found.row, kind="origin", **_origins(routes, found, data))
            places = _places(routes, found)
            if len(places[0]):
                yield table(places[0], kind="place", outcome="answer", **places[1])


def _origins(routes: Routes, found: _Found, data: Data) -> dict[str, Any]:
    asn = routes.asn[found.route].astype(np.int64)
    silent = asn == 0
    notes = np.full(len(asn), None, object)
    notes[~found.whole] = say("of a part of the block")
    several = (found.ranges > 1) & ~silent
    notes[several] = say("the block spans several announcements; the first is shown")
    notes[silent] = say("not announced as of {day}", day=data.vintage_on.isoformat())
    notes[silent & ~found.whole] = say(
        "a part of the block is not announced as of {day}", day=data.vintage_on.isoformat()
    )
    return {
        "outcome": np.where(silent, "no_record", "answer"),
        "asn": pa.array(asn, mask=silent),
        "prefix": _written(found.route, routes.prefixes, silent),
        "owner": _written(asn, data.owners, silent),
        "note": notes,
    }


def _written(
    numbers: IntArray, write: Callable[[IntArray], pa.Array], blank: BoolArray | None = None
) -> pa.DictionaryArray:
    """Text of numbers, each distinct one written once."""
    distinct, codes = np.unique(numbers, return_inverse=True)
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=blank), write(distinct))


def _places(routes: Routes, found: _Found) -> tuple[IntArray, dict[str, Any]]:
    """Rows whose one system is bound to a province or city, and what it says of their place."""
    asn = routes.asn[found.route].astype(np.int64)
    named = bound(asn)
    at = np.flatnonzero(found.whole & ~named.blank)
    region = named.take(at)
    extent = region.map(region_extent, blank="", dtype="U8")
    return found.row[at], {
        "extent": extent,
        "region": region,
        "asn": asn[at],
        "note": _written(asn[at], _why),
    }


def _why(asn: IntArray) -> pa.Array:
    return pa.array(
        [say("AS{number} is bound to the region by its registered name", number=number) for number in asn]
    )


SOURCE = Source(
    name=NAME,
    title=both("Announced routes (offline)"),
    online=False,
    ask=_ask,
    provenance=lambda _: (provenance(),),
)
