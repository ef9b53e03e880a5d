"""What holders of networks say of where their addresses are used: feeds in files, or named by registries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor.addresses import Addresses
from auditor.asking import Source
from auditor.columns import Coded
from auditor.errors import DataError, visible
from auditor.files import reason_of
from auditor.language import both, say
from auditor.observations import EXTENTS, Provenance
from auditor.sources._blocks import NOTHING
from auditor.sources._distinct import idle
from auditor.sources._geofeeds import Feed, read_feed, smallest
from auditor.sources._memory import Memory
from auditor.sources._registration import feed_url, read_address
from auditor.sources._transport import AskError, MalformedError, Transport, read_json

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

    from auditor.archive import Archive
    from auditor.asking import Asked, Tools
    from auditor.columns import IntArray
    from auditor.settings import Settings
    from auditor.sources._blocks import Hits

NAME, FAMILY = "geofeed", "geofeed"
GRADE = "E3"  # the holder's own word
REGISTRY = "rdap:"  # what the journal calls answers of registries
LIMIT = 1 << 24  # bytes of a feed
ACCEPT = "application/geofeed+csv, text/csv"


@dataclass(frozen=True)
class Network:
    """A network whose registry names a feed: its first and last address, as two rows, and the feed's URL."""

    ends: Addresses
    url: str

    def __str__(self) -> str:
        return f"{self.ends.text[0]} - {self.ends.text[1]}"


@dataclass(frozen=True)
class _Told:
    """A feed, or why there is none, and when it was got."""

    at: dt.datetime
    feed: Feed | None = None
    digest: str | None = None
    outcome: str = "malformed"
    note: str = ""


def networks(archive: Archive) -> list[Network]:
    """Networks whose registries named a feed, of all answers that the archive keeps."""
    digests = (record.get("digest") for record in archive.records(REGISTRY))
    kept = dict.fromkeys(digest for digest in digests if isinstance(digest, str))
    return [network for digest in kept if (network := _network(archive.read(digest)))]


def _network(raw: bytes | None) -> Network | None:
    try:
        answer = read_json(raw or b"", "")
    except MalformedError:
        return None
    url = feed_url(answer)
    ends = Addresses.of([str(read_address(answer.get(name))) for name in ("startAddress", "endAddress")])
    return Network(ends, url) if url and ends.version[0] == ends.version[1] != 0 else None


def _read_files(files: tuple[Path, ...], tools: Tools) -> list[_Told]:
    told: list[tuple[Any, bytes]] = []
    wrong: list[object] = []
    for path in files:
        try:
            data = path.read_bytes()
        except OSError as error:
            wrong.append(say("{path}: cannot be read: {reason}", path=path, reason=reason_of(error)))
            continue
        feed = read_feed(data, visible(path))
        wrong += feed.faults
        told.append((feed, data))
    if wrong:
        raise DataError(*wrong)
    return [_Told(tools.now(), feed, tools.archive.keep(data)) for feed, data in told]


def _fetch(url: str, memory: Memory, transport: Transport) -> _Told:
    """Get a feed, unless one that is young enough is kept."""
    key = f"geofeed:{url}"
    try:
        kept = memory.recall(key) or memory.keep(key, transport.get(url, accept=ACCEPT, limit=LIMIT).body)
    except AskError as error:
        return _Told(memory.now(), outcome=error.outcome, note=f"{url}: {error}")
    feed = read_feed(kept.body, url, lax=True)
    if not len(feed):
        return _Told(kept.at, None, kept.digest, note=str(feed.faults[0]))
    return _Told(kept.at, feed, kept.digest)


class _Rows:
    """Makes the rows, and notes which of those asked had an answer of any kind."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.answered = np.zeros(len(asked.addresses), np.bool_)

    def table(self, row: IntArray, **columns: Any) -> pa.Table:
        self.answered[row] = True
        return self.asked.table(row, source=NAME, family=FAMILY, kind="place", **columns)

    def found(
        self, told: _Told, feed: Feed, rows: IntArray, hits: Hits, whose: str | None = None
    ) -> Iterator[pa.Table]:
        """Rows of one feed: `hits` counts from the first of `rows`; `whose` is the network that names it."""
        common = {"seen_at": told.at, "digest": told.digest, "grade": GRADE}
        known = hits.found != NOTHING
        entry = hits.found[known]
        if len(entry):
            places = {name: column.take(entry) for name, column in _places(feed, whose).items()}
            yield self.table(rows[hits.row[known]], **places, **common)
        partly = np.intersect1d(hits.row[~known], hits.row[known])
        if len(partly):
            note = say("a part of the block is not in {feed}", feed=feed.name)
            yield self.table(rows[partly], outcome="no_record", note=note, **common)


def _places(feed: Feed, whose: str | None) -> dict[str, Coded]:
    """Columns with one row an entry of the feed."""
    origin = (
        say("{feed}, named by the registry of {address}", feed=feed.name, address=whose)
        if whose
        else feed.name
    )
    if feed.faults:
        left_out = say(
            "entries of it are left out ({count} faults, first: {fault})",
            count=len(feed.faults),
            fault=str(feed.faults[0]),
        )
        origin = f"{origin}; {left_out}"
    blank = feed.region.blank
    silent = blank.astype(np.int32)
    return {
        "outcome": Coded(silent, ("answer", "unknown")),
        "extent": Coded(np.where(blank, -1, feed.extent), EXTENTS),
        "region": feed.region,
        "prefix": Coded.of(feed.addresses.text),
        "note": Coded(silent, (origin, say("{feed}; it names no place for the prefix", feed=origin))),
    }


def _ask(asked: Asked, tools: Tools) -> Iterator[pa.Table]:
    files = _read_files(tools.files, tools)
    addresses, rows = asked.addresses, _Rows(asked)
    for outcome, row, why in idle(addresses):
        yield rows.table(row, outcome=outcome, note=why, seen_at=tools.now())
    public = np.flatnonzero(~rows.answered)
    looked = addresses.take(public)
    for told in files:
        if told.feed is not None:
            yield from rows.found(told, told.feed, public, told.feed.find(looked))
    if tools.online:
        yield from _ask_registered(public, looked, rows, tools)
    rest = np.flatnonzero(~rows.answered)
    if len(rest):
        names = ", ".join(told.feed.name for told in files if told.feed)
        note = say("not in {feeds}", feeds=names) if names else say("no registry names a feed that has it")
        yield rows.table(rest, outcome="no_record", note=note, seen_at=tools.now())
    tools.tick(len(addresses))


def _ask_registered(public: IntArray, looked: Addresses, rows: _Rows, tools: Tools) -> Iterator[pa.Table]:
    """Ask the feeds that registries name; each speaks of the network that names it only (RFC 9632)."""
    named = networks(tools.archive)
    hits = smallest([each.ends for each in named], looked)
    network = tools.settings.network
    transport = Transport(network, tools.now, tools.sleep)
    memory = Memory(tools.archive, tools.now, network.cache_days)
    got: dict[str, _Told] = {}
    for which in np.unique(hits.found[hits.found != NOTHING]).tolist():
        one, at = named[which], hits.row[hits.found == which]
        if one.url not in got:
            got[one.url] = _fetch(one.url, memory, transport)
        told, some = got[one.url], looked.take(at)
        if told.feed is None:
            yield rows.table(
                public[at], outcome=told.outcome, note=told.note, seen_at=told.at, digest=told.digest
            )
        else:
            hits_inside = told.feed.find(some, told.feed.within(one.ends))
            yield from rows.found(told, told.feed, public[at], hits_inside, str(one))


def _provenance(_: Settings) -> tuple[Provenance, ...]:
    return (Provenance(NAME, FAMILY, say("Geofeeds of networks' holders (RFC 8805)")),)


SOURCE = Source(
    name=NAME,
    title=both("Geofeeds of networks' holders (files, or named by registries)"),
    online=True,
    ask=_ask,
    provenance=_provenance,
    takes_files=True,
    last=True,
)
