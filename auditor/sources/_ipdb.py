"""IPIP's database files (``.ipdb``), also those made of CZ88's data: a header in JSON, a trie, texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import orjson
from pydantic import BaseModel, NonNegativeInt, ValidationError

from auditor.errors import DataError
from auditor.language import say
from auditor.sources._blocks import NOTHING, Hits
from auditor.sources._records import Database, Records, fields, kinds, records
from auditor.sources._tries import Trie

if TYPE_CHECKING:
    from auditor.addresses import Addresses

NODE = 8  # bytes: two numbers of 32 bits
IPV4, IPV6 = 1, 2  # bits of ip_version
V4_PREFIX = "0" * 80 + "1" * 16  # IPv4 lies under ::ffff:0:0/96
AGAIN = say("the file is broken; get it again")


class Header(BaseModel):
    """What the header says."""

    build: NonNegativeInt
    ip_version: NonNegativeInt
    languages: dict[str, NonNegativeInt]
    node_count: NonNegativeInt
    total_size: NonNegativeInt
    fields: list[str]


def _header(data: bytes, file: str) -> tuple[Header, int]:
    start = 4 + int.from_bytes(data[:4], "big")
    try:
        header = Header.model_validate(orjson.loads(data[4:start]))
    except (orjson.JSONDecodeError, ValidationError):
        raise DataError(
            say(
                "{file}: is no IPIP database: it does not start with its header; {again}",
                file=file,
                again=AGAIN,
            )
        ) from None
    if len(data) != start + header.total_size or header.node_count * NODE > header.total_size:
        raise DataError(
            say(
                "{file}: is {count:,} bytes long; its header says {size:,}; {again}",
                file=file,
                count=len(data),
                size=start + header.total_size,
                again=AGAIN,
            )
        )
    if not header.languages or not header.ip_version & (IPV4 | IPV6):
        raise DataError(
            say("{file}: its header names no language, or no IP version; {again}", file=file, again=AGAIN)
        )
    return header, start


def open_ipdb(data: bytes, file: str) -> Database:
    """Open an IPIP database; where it speaks several languages, Chinese is taken.

    Raises
    ------
    DataError
        A file that is broken, or that tells no place, AS number or ISP.
    """
    header, start = _header(data, file)
    nodes, offset = header.node_count, header.languages.get("CN", min(header.languages.values()))
    children = np.frombuffer(data, ">u4", 2 * nodes, start).astype(np.uint32)
    children[children == 0] = nodes  # no child can be the root: makers write 0 for nothing
    base, trie = start + nodes * NODE - nodes, Trie(children)
    if len(children) and base + int(children.max()) + 2 > len(data):
        raise DataError(
            say("{file}: the search tree points outside the data; {again}", file=file, again=AGAIN)
        )
    named = fields(header.fields)
    told = kinds(named, file, header.fields)
    position = {name: offset + header.fields.index(field) for name, field in named.items()}

    def record(pointer: int) -> dict[str, str]:
        at = base + pointer + 2
        end = at + int.from_bytes(data[at - 2 : at], "big")
        try:
            cells = data[at:end].decode().split("\t")
        except UnicodeDecodeError:
            raise DataError(
                say("{file}, byte {at}: the record is not UTF-8; {again}", file=file, at=at, again=AGAIN)
            ) from None
        if end > len(data) or len(cells) < offset + len(header.fields):
            raise DataError(
                say("{file}, byte {at}: the record is cut off; {again}", file=file, at=at, again=AGAIN)
            )
        return {name: cells[column] for name, column in position.items()}

    def find(addresses: Addresses) -> tuple[Hits, Records]:
        hits = trie.find(addresses, roots)
        found = np.where(hits.found < nodes, NOTHING, hits.found)  # paths without end hold nothing
        pointers, hits = Hits(hits.row, found, hits.bits).distinct()
        return hits, records([record(pointer) for pointer in pointers.tolist()], file)

    roots = {4: trie.descend(V4_PREFIX)} if header.ip_version & IPV4 else {}
    roots |= {6: 0} if header.ip_version & IPV6 else {}
    return Database(told, tuple(roots), find, "community", header.build)
