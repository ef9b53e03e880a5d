"""MaxMind DB files (``.mmdb``, format 2.0), looked up a column at a time.

The trie is walked with numpy; each distinct record is then read once by `maxminddb`'s own decoder.
"""

from __future__ import annotations

import io
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import maxminddb
import numpy as np
from maxminddb.decoder import Decoder
from maxminddb.reader import Reader

from auditor.errors import DataError, visible
from auditor.language import say
from auditor.sources._records import Database, Records, fields, kinds, records, said
from auditor.sources._tries import Trie

if TYPE_CHECKING:
    from auditor.addresses import Addresses
    from auditor.columns import IntArray
    from auditor.sources._blocks import Hits

MARK = b"\xab\xcd\xefMaxMind.com"
SEPARATOR = 16  # bytes between trie and data
SAMPLE = 256  # records that tell what a database speaks of
# No text of a record is longer; what reaches beyond the data meets bytes that are no UTF-8, and no record.
BEYOND = b"\xff" * ((1 << 24) + (1 << 17))
CENTRE = (34.7732, 113.722)  # where MaxMind puts all that it knows to be in China only (it lies in Henan)
NATION_KM = 1000  # accuracy_radius of such places
AGAIN = say("the file is broken; get it again")
# What the decoder raises on broken files, beside its own error.
BROKEN = (maxminddb.InvalidDatabaseError, TypeError, ValueError, OverflowError, RecursionError, IndexError)


class Mmdb:
    """A MaxMind DB file.

    Parameters
    ----------
    data
        Its bytes.
    file
        Its name, for messages.

    Raises
    ------
    DataError
        A file that is broken.
    """

    def __init__(self, data: bytes, file: str) -> None:
        self.file = file
        self.metadata = self._metadata(data)
        nodes, size = self.metadata.node_count, self.metadata.record_size
        self.base = nodes * size // 4  # where the separator starts
        self.trie = Trie(_children(data, nodes, size))
        self.roots = {4: 0} if self.metadata.ip_version == 4 else {4: self.trie.descend("0" * 96), 6: 0}  # noqa: PLR2004
        self._end = data.rfind(MARK)
        self._decoder = Decoder(data[: self._end] + BEYOND, self.base + SEPARATOR)
        self.pointers = np.unique(self.trie.children[self.trie.children > nodes]).astype(np.int64)
        last = self._end - self.base + nodes
        if len(self.pointers) and not nodes + SEPARATOR <= self.pointers[0] <= self.pointers[-1] < last:
            raise DataError(
                say("{file}: the search tree points outside the data; {again}", file=file, again=AGAIN)
            )

    def _metadata(self, data: bytes) -> Any:
        try:
            with Reader(io.BytesIO(data), maxminddb.MODE_FD) as reader:
                found = reader.metadata()
        except BROKEN as error:
            told = _line(error)
            what = say(
                "{file}: is no MaxMind database that can be read; {again}", file=self.file, again=AGAIN
            )
            if "valid MaxMind DB" not in told:
                what = say(
                    "{file}: is no MaxMind database that can be read ({reason}); {again}",
                    file=self.file,
                    reason=told,
                    again=AGAIN,
                )
            raise DataError(what) from None
        numbers = (found.node_count, found.record_size, found.ip_version, found.build_epoch)
        if not all(type(number) is int for number in numbers) or found.ip_version not in {4, 6}:
            raise DataError(say("{file}: its metadata make no sense; {again}", file=self.file, again=AGAIN))
        return found

    def find(self, addresses: Addresses) -> Hits:
        """Find rows of addresses and blocks; what is found are pointers.

        Raises
        ------
        DataError
            A path of the trie that does not end.
        """
        hits = self.trie.find(addresses, self.roots)
        if ((hits.found >= 0) & (hits.found < self.trie.nodes)).any():
            raise DataError(
                say("{file}: the search tree leads in a circle; {again}", file=self.file, again=AGAIN)
            )
        return hits

    def record(self, pointer: int) -> Any:
        """Read what a pointer of the trie points at.

        Raises
        ------
        DataError
            Data that are broken.
        """
        at = pointer - self.trie.nodes + self.base
        try:
            value, end = self._decoder.decode(at)
        except BROKEN as error:
            raise DataError(
                say(
                    "{file}, byte {at}: the record cannot be read ({reason}); {again}",
                    file=self.file,
                    at=at,
                    reason=_line(error),
                    again=AGAIN,
                )
            ) from None
        if end > self._end:
            raise DataError(
                say(
                    "{file}, byte {at}: the record reaches beyond the data; {again}",
                    file=self.file,
                    at=at,
                    again=AGAIN,
                )
            )
        return value


def _line(error: Exception) -> str:
    told = re.sub(
        r" \(<.*>\)", "", str(error).split("\n", 1)[0]
    )  # the reader names the stream that we gave it
    return visible(told[:160]).rstrip(".")


def _children(data: bytes, nodes: int, size: int) -> IntArray:
    """Both children of every node: numbers of 24, 28 or 32 bits, of which two make a node."""
    raw = np.frombuffer(data, np.uint8, nodes * size // 4).reshape(nodes, size // 4)
    made = np.zeros((nodes, 2), np.uint32)
    for side in (0, 1):
        whole = raw[:, side * (raw.shape[1] - size // 8) :][:, : size // 8]
        for column in whole.T:
            made[:, side] = (made[:, side] << np.uint32(8)) | column
    if size == 28:  # noqa: PLR2004 -- the middle byte holds the upper four bits of both
        made[:, 0] |= (raw[:, 3] & np.uint32(0xF0)) << np.uint32(20)
        made[:, 1] |= (raw[:, 3] & np.uint32(0x0F)) << np.uint32(24)
    return made.ravel()


def open_mmdb(data: bytes, file: str) -> Database:
    """Open a MaxMind DB file of places, AS numbers or ISPs: MaxMind's own layout, or a flat one.

    Raises
    ------
    DataError
        A file that is broken, or that tells none of these.
    """
    mmdb = Mmdb(data, file)
    some = mmdb.pointers[np.linspace(0, len(mmdb.pointers) - 1, min(SAMPLE, len(mmdb.pointers))).astype(int)]
    sample = [mmdb.record(pointer) for pointer in some.tolist()]
    given = {str(field) for record in sample if isinstance(record, dict) for field in record}
    told = kinds({name for record in sample for name in plain(record)}, file, given)

    def find(addresses: Addresses) -> tuple[Hits, Records]:
        pointers, hits = mmdb.find(addresses).distinct()
        found = [mmdb.record(pointer) for pointer in pointers.tolist()]
        rows = [plain(record) for record in found]
        vague = [_is_vague(record, row) for record, row in zip(found, rows, strict=True)]
        return hits, records(rows, file, vague)

    about = f"{mmdb.metadata.database_type} {mmdb.metadata.description} {file}".lower()
    return Database(told, tuple(mmdb.roots), find, _family(about), mmdb.metadata.build_epoch)


def _family(about: str) -> str:
    for word, family in {"geolite": "maxmind", "geoip": "maxmind", "dbip": "dbip", "db-ip": "dbip"}.items():
        if word in about:
            return family
    return ""


def plain(record: Any) -> dict[str, str]:
    """What a record says, under our names.

    Examples
    --------
    >>> plain({"country": {"iso_code": "CN"}, "subdivisions": [{"iso_code": "SH"}], "city": {"names": {}}})
    {'country': 'CN', 'province': 'CN-SH'}
    >>> plain({"country_code": "CN", "state1": "Shanghai", "city": "", "latitude": 31.2})
    {'country': 'CN', 'province': 'Shanghai'}
    """
    if not isinstance(record, dict):
        return {}
    traits = record.get("traits")
    flat = {**(traits if isinstance(traits, dict) else {}), **record}
    flat = {str(key): value for key, value in flat.items() if not isinstance(value, dict | list)}
    told = {name: said(flat[key]) for name, key in _fields(tuple(flat))}
    country = record.get("country")
    if isinstance(country, dict):
        told["country"] = said(country.get("iso_code")) or _name(country)
    within = record.get("subdivisions")
    if isinstance(within, list) and within and isinstance(within[0], dict):
        code = said(within[0].get("iso_code"))
        told["province"] = f"{told.get('country')}-{code}" if code else _name(within[0])
    if isinstance(record.get("city"), dict):
        told["city"] = _name(record["city"])
    return {name: text for name, text in told.items() if text is not None}


@lru_cache(maxsize=64)  # the records of one database have few sets of fields
def _fields(given: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple(fields(given).items())


def _name(place: dict[str, Any]) -> str | None:
    names = place.get("names")
    if not isinstance(names, dict):
        return None
    return next((said(names[word]) for word in ("zh-CN", "en", *names) if names.get(word)), None)


def _is_vague(record: Any, told: dict[str, str]) -> bool:
    """Whether a record's place is a default: nothing below the country, and a point for all of it."""
    if not isinstance(record, dict) or told.keys() & {"province", "city"}:
        return False
    place = record.get("location")
    place = place if isinstance(place, dict) else record
    radius, point = place.get("accuracy_radius"), (place.get("latitude"), place.get("longitude"))
    if isinstance(radius, int) and radius >= NATION_KM:
        return True
    return all(isinstance(x, float) and abs(x - y) < 1e-3 for x, y in zip(point, CENTRE, strict=True))  # noqa: PLR2004
