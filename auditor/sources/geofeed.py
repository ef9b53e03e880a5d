"""What holders of networks say of where their addresses are used: feeds in files, or named by registries."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from auditor.addresses import Addresses
from auditor.archive import JOURNAL
from auditor.asking import Source
from auditor.columns import Coded
from auditor.errors import DataError
from auditor.findings import Text
from auditor.observations import EXTENTS, Provenance
from auditor.sources._blocks import NOTHING
from auditor.sources._geofeeds import Feed, read_feed, smallest
from auditor.sources._transport import AskError, Transport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
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
RELATIONS = frozenset({"geo", "geofeed"})  # RFC 9877, and what registries wrote before it
REMARK = re.compile(r"\s*geofeed:?\s+(https://\S+)\s*", re.IGNORECASE)  # RFC 9632, section 3


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


def feed_url(answer: Mapping[str, Any]) -> str | None:
    """Find the feed that the RDAP object of a network names: in a link (RFC 9877) or a remark (RFC 9632).

    Examples
    --------
    >>> feed_url({"links": [{"rel": "geo", "href": "https://example.cn/geofeed.csv"}]})
    'https://example.cn/geofeed.csv'
    >>> feed_url({"remarks": [{"description": ["Geofeed https://example.cn/geofeed.csv"]}]})
    'https://example.cn/geofeed.csv'
    """
    for link in _objects(answer.get("links")):
        if link.get("rel") in RELATIONS and isinstance(link.get("href"), str):
            return str(link["href"])
    for remark in _objects(answer.get("remarks")):
        lines = remark.get("description")
        for line in lines if isinstance(lines, list) else [lines]:
            if isinstance(line, str) and (found := REMARK.fullmatch(line)):
                return found[1]
    return None


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    return (entry for entry in (value if isinstance(value, list) else ()) if isinstance(entry, dict))


def networks(archive: Archive) -> list[Network]:
    """Networks whose registries named a feed, of all answers that the archive keeps."""
    path = archive.folder / JOURNAL
    records: dict[str, str] = {}
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            record = orjson.loads(line)
            if record["key"].startswith(REGISTRY):
                records[record["key"]] = record["digest"]
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            continue  # cut off by a kill, or of another kind
    found = (_network(archive.read(digest)) for digest in dict.fromkeys(records.values()))
    return [network for network in found if network]


def _network(raw: bytes | None) -> Network | None:
    try:
        answer = orjson.loads(raw or b"")
        url = feed_url(answer)
        ends = [_address(answer[name]) for name in ("startAddress", "endAddress")]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError):
        return None
    rows = Addresses.of(ends)
    whole = rows.version[0] == rows.version[1] != 0
    return Network(rows, url) if url and whole else None


def _address(text: str) -> str:
    """Address as registries write it, with zeros in front, or as a block."""
    bare = text.partition("/")[0].strip()
    numbers = bare if ":" in bare else ".".join(str(int(number)) for number in bare.split("."))
    return str(ipaddress.ip_address(numbers))


def _read_files(files: tuple[Path, ...], tools: Tools) -> list[_Told]:
    told, wrong = [], []
    for path in files:
        try:
            data = path.read_bytes()
        except OSError as error:
            wrong.append(f"{path}: cannot be read: {error.strerror}")
            continue
        feed = read_feed(data, str(path))
        wrong += map(str, feed.faults)
        told.append((feed, data))
    if wrong:
        raise DataError("\n".join(wrong))
    return [_Told(tools.now(), feed, tools.archive.keep(data)) for feed, data in told]


def _fetch(url: str, tools: Tools, transport: Transport) -> _Told:
    """Get a feed, unless one that is young enough is kept."""
    key, now = f"geofeed:{url}", tools.now()
    data, at = _kept(key, tools)
    if data is None:
        try:
            data, at = transport.get(url, accept=ACCEPT, limit=LIMIT).body, now
        except AskError as error:
            return _Told(now, outcome=error.outcome, note=f"{url}: {error}")
        tools.archive.remember(key, {"digest": tools.archive.keep(data), "at": now.isoformat()})
    digest = tools.archive.keep(data)
    feed = read_feed(data, url, lax=True)
    if not len(feed):
        return _Told(at, None, digest, note=str(feed.faults[0]))
    return _Told(at, feed, digest)


def _kept(key: str, tools: Tools) -> tuple[bytes | None, dt.datetime]:
    """What the archive has of a question, if it is young enough, and since when."""
    record = tools.archive.recall(key) or {}
    now, age = tools.now(), dt.timedelta(days=tools.settings.network.cache_days)
    try:
        at = dt.datetime.fromisoformat(record["at"])
        return (tools.archive.read(record["digest"]), at) if now - at < age else (None, now)
    except (KeyError, TypeError, ValueError):  # not asked, or noted by another hand
        return None, now


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
            note = f"a part of the block is not in {feed.name}"
            yield self.table(rows[partly], outcome="no_record", note=note, **common)


def _places(feed: Feed, whose: str | None) -> dict[str, Coded]:
    """Columns with one row an entry of the feed."""
    origin = f"{feed.name}, named by the registry of {whose}" if whose else feed.name
    if feed.faults:
        origin += f"; entries of it are left out ({len(feed.faults)} faults, first: {feed.faults[0]})"
    blank = feed.region.blank
    silent = blank.astype(np.int32)
    return {
        "outcome": Coded(silent, ("answer", "unknown")),
        "extent": Coded(np.where(blank, -1, feed.extent), EXTENTS),
        "region": feed.region,
        "prefix": Coded.of(feed.addresses.text),
        "note": Coded(silent, (origin, f"{origin}; it names no place for the prefix")),
    }


def _ask(asked: Asked, tools: Tools) -> Iterator[pa.Table]:
    files = _read_files(tools.files, tools)
    addresses, rows = asked.addresses, _Rows(asked)
    for outcome, why in (("malformed", addresses.fault), ("reserved", addresses.reserved)):
        idle = np.flatnonzero(~why.blank)
        if len(idle):
            yield rows.table(idle, outcome=outcome, note=why.take(idle), seen_at=tools.now())
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
        note = f"not in {names}" if names else "no registry names a feed that has it"
        yield rows.table(rest, outcome="no_record", note=note, seen_at=tools.now())
    tools.tick(len(addresses))


def _ask_registered(public: IntArray, looked: Addresses, rows: _Rows, tools: Tools) -> Iterator[pa.Table]:
    """Ask the feeds that registries name; each speaks of the network that names it only (RFC 9632)."""
    named = networks(tools.archive)
    hits = smallest([network.ends for network in named], looked)
    transport = Transport(tools.settings.network, tools.now, tools.sleep)
    got: dict[str, _Told] = {}
    for which in np.unique(hits.found[hits.found != NOTHING]).tolist():
        network, at = named[which], hits.row[hits.found == which]
        if network.url not in got:
            got[network.url] = _fetch(network.url, tools, transport)
        told, some = got[network.url], looked.take(at)
        if told.feed is None:
            yield rows.table(
                public[at], outcome=told.outcome, note=told.note, seen_at=told.at, digest=told.digest
            )
        else:
            hits_inside = told.feed.find(some, told.feed.within(network.ends))
            yield from rows.found(told, told.feed, public[at], hits_inside, str(network))


def _provenance(_: Settings) -> tuple[Provenance, ...]:
    return (Provenance(NAME, FAMILY, "Geofeeds of networks' holders (RFC 8805)"),)


SOURCE = Source(
    name=NAME,
    title=Text(
        "Geofeeds of networks' holders (files, or named by registries)",
        "网络持有者发布的 geofeed（文件或注册机构所列）",
    ),
    online=True,
    ask=_ask,
    provenance=_provenance,
    takes_files=True,
    last=True,
)
