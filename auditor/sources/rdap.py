"""Who holds a network, as the regional internet registries tell over RDAP (RFC 9082, RFC 9083).

A registry knows the holder of a block, and the country or province that it was given out for, never a
building. One question a network: what an answer says of a block is taken to hold for all of it, though part
of it may be registered to others besides; the rows say which address was asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa

from auditor.asking import Source
from auditor.language import both, say
from auditor.observations import Provenance
from auditor.registers import region_extent
from auditor.sources._bootstrap import read_bootstrap
from auditor.sources._distinct import Blocks, batched, not_asked, public_blocks
from auditor.sources._memory import Memory
from auditor.sources._netnames import province_of
from auditor.sources._registration import read_registration
from auditor.sources._transport import (
    AskError,
    MalformedError,
    NoRecordError,
    RefusedError,
    Transport,
    read_json,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator

    from auditor.asking import Asked, Tools
    from auditor.settings import Settings
    from auditor.sources._bootstrap import Bootstrap
    from auditor.sources._memory import Kept
    from auditor.sources._registration import Registration

NAME, FAMILY = "rdap", "registry"
BATCH = 64  # networks that are answered for in one table
# Blocks above this size are not given to one holder: the answer is about space that nobody holds, and covers
# the address asked about only.
WIDEST = {4: 22, 6: 108}  # bits of the host part: /10, /20
OK, NOT_FOUND = 200, 404


@dataclass(frozen=True)
class _Told:
    """What came for one block, and for others of the same network."""

    blocks: tuple[int, ...]
    said: Registration | AskError
    asked: str
    seen_at: dt.datetime
    digest: str | None


@dataclass(frozen=True)
class _Registries:
    """The registries, asked over the network or out of the archive."""

    bootstrap: Bootstrap
    transport: Transport
    memory: Memory

    def ask(self, blocks: Blocks, block: int) -> _Told:
        """Ask the registry of one block."""
        text, kept = blocks.text(block), None
        base = self.bootstrap.base(blocks.version[block], blocks.low[block])
        said: Registration | AskError
        try:
            if base is None:
                raise NoRecordError(say("IANA names no registry for {block}", block=text))
            kept = self._answer(f"{base}ip/{text}")
            said = _read(kept, str(blocks.first(block)))
        except AskError as error:
            said = error
        if kept is None:
            return _Told((block,), said, text, self.memory.now(), None)
        return _Told((block,), said, text, kept.at, kept.digest)

    def _answer(self, url: str) -> Kept:
        known = self.memory.recall(f"rdap:{url}")
        if known is not None:
            return known
        try:
            body = self.transport.get(url).body
        except NoRecordError as error:
            return self.memory.keep(f"rdap:{url}", error.body, NOT_FOUND)
        return self.memory.keep(f"rdap:{url}", body, OK, final=_final(body))


def _final(body: bytes) -> bool:
    """Whether an answer is one, and no error page or notice of too many questions sent with status 200."""
    try:
        return not _limited(read_json(body, ""))
    except MalformedError:
        return False


def _limited(told: dict[str, Any]) -> bool:
    notices = told.get("notices")
    entries = notices if isinstance(notices, list) else []
    return any(isinstance(entry, dict) and entry.get("title") == "Rate Limit Notice" for entry in entries)


def _read(kept: Kept, address: str) -> Registration:
    if kept.status == NOT_FOUND:
        raise NoRecordError(say("the registry has no record of it"))
    told = read_json(kept.body, say("the registry"))
    if _limited(told):
        raise RefusedError(say("the registry answered that it was asked too often"))
    return read_registration(address, told)


def _ask(asked: Asked, tools: Tools) -> Iterator[pa.Table]:
    network = tools.settings.network
    registries = _Registries(
        read_bootstrap(network.bootstrap),
        Transport(network, tools.now, tools.sleep),
        Memory(tools.archive, tools.now, network.cache_days),
    )
    yield not_asked(asked, tools.now(), source=NAME, family=FAMILY, kind="holder")
    blocks = public_blocks(asked.addresses)
    for batch in batched(_networks(blocks, registries, tools.tick), BATCH):
        yield from _tables(asked, blocks, batch)


def _networks(blocks: Blocks, registries: _Registries, tick: Callable[[int], None]) -> Iterator[_Told]:
    """Ask block by block, and take along those that lie in the network of the answer."""
    done: set[int] = set()
    for block in range(len(blocks)):
        if block in done:
            continue
        told = registries.ask(blocks, block)
        taken = [other for other in _inside(blocks, block, told.said) if other not in done]
        done.update(taken)
        tick(1 + len(taken))
        yield replace(told, blocks=(block, *taken))


def _inside(blocks: Blocks, block: int, said: Registration | AskError) -> Iterator[int]:
    """Later blocks that lie in a network; they are sorted by their first address."""
    if isinstance(said, AskError):
        return
    version, last = blocks.version[block], int(said.last)
    if (last - int(said.first)).bit_length() > WIDEST[version]:
        return
    for other in range(block + 1, len(blocks)):
        if blocks.version[other] != version or blocks.low[other] > last:
            return
        if blocks.high[other] <= last:
            yield other


def _tables(asked: Asked, blocks: Blocks, batch: list[_Told]) -> Iterator[pa.Table]:
    held = [(told, block) for told in batch for block in told.blocks]
    rows, which = blocks.rows_of([block for _, block in held])
    cells = [_cells(told, blocks, block) for told, block in held]
    for kind in ("holder", "place"):
        records = [made.get(kind, {}) for made in cells]
        chosen = np.array([bool(record) for record in records])[which]
        spread = pa.array(which[chosen])
        columns = {name: pa.array([r.get(name) for r in records]).take(spread) for name in _COLUMNS}
        yield asked.table(rows[chosen], source=NAME, family=FAMILY, kind=kind, **columns)


_COLUMNS = ("outcome", "extent", "region", "prefix", "owner", "seen_at", "digest", "note", "details")


def _cells(told: _Told, blocks: Blocks, block: int) -> dict[str, dict[str, Any]]:
    """Cells of the rows of one block, by kind."""
    said, common = told.said, {"seen_at": told.seen_at, "digest": told.digest}
    if isinstance(said, AskError):
        return {"holder": common | {"outcome": said.outcome, "note": str(said)}}
    taken = (
        "" if block == told.blocks[0] else say("asked about {asked}, of the same network", asked=told.asked)
    )
    whole = blocks.high[block] <= int(said.last)
    part = (
        "" if whole else say("only {prefix} of the block, the rest may be held by others", prefix=said.prefix)
    )
    common |= {"prefix": said.prefix, "note": "; ".join(filter(None, [said.note, taken, part])) or None}
    details = {"netname": said.netname, "geofeed": said.geofeed, "country": said.country}
    return {
        "holder": common
        | {"outcome": "answer", "owner": said.holder, "details": orjson.dumps(details).decode()},
        "place": common | _place(said),
    }


def _place(said: Registration) -> dict[str, Any]:
    code = province_of(said.netname, said.remarks) if said.country in {"", "CN"} else None
    if code:
        return {"outcome": "answer", "extent": region_extent(code), "region": code}
    if said.country:
        return {"outcome": "answer", "extent": "country", "region": said.country}
    return {"outcome": "unknown", "extent": "none"}


def _provenance(_: Settings) -> tuple[Provenance, ...]:
    title = say("RDAP of the regional internet registries (AFRINIC, APNIC, ARIN, LACNIC, RIPE NCC)")
    return (
        Provenance(
            NAME, FAMILY, title, licence=say("terms of each registry"), attribution=say("the registries")
        ),
    )


SOURCE = Source(
    NAME,
    both("Registration of networks (RDAP)"),
    online=True,
    ask=_ask,
    provenance=_provenance,
)
