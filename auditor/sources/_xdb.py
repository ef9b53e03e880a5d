"""ip2region's database files (``.xdb``, structures 2 and 3): a header, texts, an index of ranges in order."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor.errors import DataError, visible
from auditor.language import say
from auditor.sources._ranges import Ranges, find
from auditor.sources._records import Database, Records, kinds, records, said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.addresses import Addresses
    from auditor.columns import IntArray
    from auditor.sources._blocks import Hits

HEADER = struct.Struct(
    "<HHIIIHH"
)  # structure, index policy, made at, first and last entry, IP version, pointer
VECTOR = 256 + 256 * 256 * 8  # bytes before the texts: header, and an index of the index
STRUCTURES = (2, 3)
LAYOUTS: dict[str, tuple[str | None, ...]] = {
    "国家|区域|省|市|ISP": ("country", None, "province", "city", "owner"),
    "国家|省|市|ISP|ISO2": (None, "province", "city", "owner", "country"),
}
CELLS = 5
MOSTLY = 0.9
_ISO2 = re.compile("[A-Z]{2}")
AGAIN = say("the file is broken; get it again")


def open_xdb(data: bytes, file: str) -> Database:
    """Open an ip2region database.

    Raises
    ------
    DataError
        A file that is broken, or whose texts have a layout that is not known.
    """
    version, made_at, index = _index(data, file)
    ranges = Ranges(*(_key(index[name], version) for name in ("low", "high")))
    if ranges.broken().any():
        raise DataError(
            say("{file}: the ranges of its index are not in order; {again}", file=file, again=AGAIN)
        )
    places = index["at"].astype(np.int64) << 16 | index["size"]
    distinct, position = np.unique(places, return_inverse=True)
    texts = [_text(data, place >> 16, place & 0xFFFF, file) for place in distinct.tolist()]
    layout = LAYOUTS[_layout(texts, file)]
    rows = [dict(_cells(text, layout)) for text in texts]
    told, known = kinds({name for name in layout if name}, file, ()), records(rows, file)

    def look_up(addresses: Addresses) -> tuple[Hits, Records]:
        return find({version: ranges}, addresses, {version: position.astype(np.int64)}), known

    return Database(told, (version,), look_up, "community", made_at)


def _index(data: bytes, file: str) -> tuple[int, int, Any]:
    """IP version, seconds since 1970, and the entries."""
    if len(data) < VECTOR:
        raise DataError(
            say("{file}: is no ip2region database, or is cut off; {again}", file=file, again=AGAIN)
        )
    structure, _, made_at, first, last, version, _ = HEADER.unpack_from(data)
    version = 4 if structure == STRUCTURES[0] else version
    if structure not in STRUCTURES or version not in {4, 6}:
        raise DataError(
            say(
                "{file}: is no ip2region database of structure 2 or 3; make one with ip2region's maker",
                file=file,
            )
        )
    width: Any = "<u4" if version == 4 else "S16"  # noqa: PLR2004
    entry = np.dtype([("low", width), ("high", width), ("size", "<u2"), ("at", "<u4")])
    count, rest = divmod(last - first, entry.itemsize)
    if first < VECTOR or last < first or rest or last + entry.itemsize > len(data):
        raise DataError(say("{file}: its index lies outside the file; {again}", file=file, again=AGAIN))
    return version, made_at, np.frombuffer(data, entry, count + 1, first)


def _key(column: Any, version: int) -> IntArray:
    """Bytes of addresses, most significant first: the file has IPv4 as numbers, least significant first."""
    whole = column.astype(">u4") if version == 4 else np.ascontiguousarray(column)  # noqa: PLR2004
    return np.asarray(whole.view(np.uint8).reshape(len(column), -1))


def _text(data: bytes, at: int, size: int, file: str) -> str:
    if at + size > len(data):
        raise DataError(say("{file}: a text lies outside the file; {again}", file=file, again=AGAIN))
    try:
        return data[at : at + size].decode()
    except UnicodeDecodeError:
        raise DataError(
            say("{file}, byte {at}: the text is not UTF-8; {again}", file=file, at=at, again=AGAIN)
        ) from None


def _layout(texts: Sequence[str], file: str) -> str:
    """Tell the layout by what the cells hold: codes of countries last, or nothing in the second place."""
    old, new = LAYOUTS
    rows = [text.split("|") for text in texts if text]
    if rows and all(len(row) == CELLS for row in rows):
        last = [row[-1] for row in rows if said(row[-1])]
        second = [row[1] for row in rows if said(row[1])]
        if last and sum(map(bool, map(_ISO2.fullmatch, last))) >= MOSTLY * len(last):
            return new
        if len(second) <= (1 - MOSTLY) * len(rows):
            return old
    shown = rows and "|".join(rows[len(rows) // 2])[:80]
    raise DataError(
        say(
            "{file}: its texts are neither {old} nor {new}, but such as {example!r}; give it as a CSV file "
            "with columns start, end, country, province, city, isp",
            file=file,
            old=old,
            new=new,
            example=visible(shown or ""),
        )
    )


def _cells(text: str, layout: tuple[str | None, ...]) -> list[tuple[str, str]]:
    cells = text.split("|") if text else ()
    return [(name, cell) for name, cell in zip(layout, cells, strict=False) if name]
