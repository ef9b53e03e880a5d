"""Geofeeds (RFC 8805): what holders of networks say of where their addresses are used."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.addresses import Addresses
from auditor.blocks import keys
from auditor.columns import Coded
from auditor.language import say
from auditor.problems import Origin, Problems, quote
from auditor.sources._blocks import ordered
from auditor.sources._ranges import Ranges, find
from auditor.sources._regions import regions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from auditor.columns import BoolArray, IntArray
    from auditor.errors import Problem
    from auditor.sources._blocks import Hits

FIELDS = ("prefix", "country", "region", "city", "postal code")
COUNTRY = re.compile("[A-Za-z]{2}")
REGION = re.compile("([A-Za-z]{2})-[A-Za-z0-9]{1,3}")
BESIDE = frozenset({"CN-HK", "CN-MO", "CN-TW"})  # ISO 3166-2 has them under China, too
BOM = "\ufeff"


@dataclass(frozen=True)
class Feed:
    """A feed, one row an entry.

    Parameters
    ----------
    name
        File or URL, for people.
    sha256
        Digest of its bytes.
    addresses
        Its prefixes.
    extent
        int8: position in `auditor.observations.EXTENTS`.
    region
        Region codes; blank where an entry names no country, so says that the place is not to be told.
    faults
        What is wrong in the file; entries at fault are left out.
    """

    name: str
    sha256: str
    addresses: Addresses
    extent: IntArray
    region: Coded
    faults: tuple[Problem, ...] = ()

    def __len__(self) -> int:
        return len(self.addresses)

    def within(self, ends: Addresses) -> BoolArray:
        """Entries that lie in the range from one address to another: `ends` is these two rows."""
        inside = np.zeros(len(self), np.bool_)
        rows, low, high = keys(self.addresses, int(ends.version[0]))
        if len(rows):
            _, first, last = keys(ends, int(ends.version[0]))
            inside[rows] = (ordered(low) >= ordered(first)[0]) & (ordered(high) <= ordered(last)[-1])
        return inside

    def find(self, addresses: Addresses, entries: BoolArray | None = None) -> Hits:
        """Find the entries that speak of addresses: of those round an address the longest (RFC 8805).

        Parameters
        ----------
        addresses
            Addresses and blocks; a block in which entries differ meets several.
        entries
            Which entries count; all if it is not given.
        """
        chosen = np.ones(len(self), np.bool_) if entries is None else entries
        return _find(_flat(self.addresses, self.addresses, chosen), addresses)


def flatten(low: Sequence[int], high: Sequence[int]) -> list[tuple[int, int, int]]:
    """Lay ranges that lie in one another side by side; of several over a number the innermost stays.

    Parameters
    ----------
    low, high
        First and last number of each range.

    Returns
    -------
    list of (int, int, int)
        First, last, and the position of the range, in order, without overlap.

    Examples
    --------
    >>> flatten([0, 4], [9, 5])
    [(0, 3, 0), (4, 5, 1), (6, 9, 0)]
    """
    flat: list[tuple[int, int, int]] = []
    open_: list[int] = []
    start = 0

    def close(before: int) -> None:
        """End the ranges that end before a number."""
        nonlocal start
        while open_ and high[open_[-1]] < before:
            last = open_.pop()
            if start <= high[last]:
                flat.append((start, high[last], last))
                start = high[last] + 1

    for one in sorted(range(len(low)), key=lambda at: (low[at], -high[at])):
        close(low[one])
        if open_ and start < low[one]:
            flat.append((start, low[one] - 1, open_[-1]))
        start = low[one]
        open_.append(one)
    close(max(high, default=0) + 1)
    return flat


def smallest(networks: Sequence[Addresses], addresses: Addresses) -> Hits:
    """Find the smallest network round each address; each network is two rows, its first and last address."""
    ends = Addresses.of([text for network in networks for text in network.text.to_pylist()])
    at = np.arange(len(ends))
    first, last = ends.take(at % 2 == 0), ends.take(at % 2 == 1)
    return _find(_flat(first, last, np.ones(len(first), np.bool_)), addresses)


def _flat(first: Addresses, last: Addresses, chosen: BoolArray) -> dict[int, tuple[Ranges, IntArray]]:
    """Ranges that do not overlap, and the row that each belongs to, by IP version."""
    flat = {}
    for version in (4, 6):
        rows, low, _ = keys(first, version)
        _, _, high = keys(last, version)
        picked = chosen[rows]
        if picked.any():
            flat[version] = _side_by_side(low[picked], high[picked], rows[picked])
    return flat


def _side_by_side(low: IntArray, high: IntArray, rows: IntArray) -> tuple[Ranges, IntArray]:
    width = low.shape[1]
    first, last = ([int.from_bytes(bytes(one), "big") for one in ends] for ends in (low, high))
    flat = flatten(first, last)
    ends = (b"".join(part[end].to_bytes(width, "big") for part in flat) for end in (0, 1))
    starts, stops = (np.frombuffer(data, np.uint8).reshape(-1, width) for data in ends)
    return Ranges(starts, stops), rows[[part[2] for part in flat]]


def _find(flat: Mapping[int, tuple[Ranges, IntArray]], addresses: Addresses) -> Hits:
    ranges = {version: part for version, (part, _) in flat.items()}
    return find(ranges, addresses, {version: rows for version, (_, rows) in flat.items()})


def read_feed(data: bytes, name: str, *, lax: bool = False) -> Feed:
    """Read a feed.

    Parameters
    ----------
    data
        CSV in UTF-8: prefix, country (ISO 3166-1), region (ISO 3166-2), city, postal code; more fields are
        passed over, as are empty lines and those that start with ``#``.
    name
        File or URL, for messages.
    lax
        Whether regions may stand without their country (``SH``).

    Returns
    -------
    Feed
        With `faults`: all of them.

    Examples
    --------
    >>> feed = read_feed(b"202.96.192.0/20,CN,CN-SH,Shanghai,", "feed.csv")
    >>> len(feed), feed.region.at(0), feed.faults
    (1, '310000', ())
    """
    problems = Problems()
    numbers, cells = _cells(data, name, problems)
    columns = [Coded.of(column) for column in cells]
    prefixes = Addresses.of([*cells[0]])
    origin = Origin.of(name, numbers, "line")
    bad = _check(origin, prefixes, columns, problems, lax=lax)
    bad |= _check_doubles(origin, prefixes, columns, bad, problems)
    good = np.flatnonzero(~bad)
    country, province, city = (column.take(good) for column in columns[1:])
    beside = tuple(code[-2:] if code.upper() in BESIDE else code for code in province.values)
    extent, region = regions(country, Coded(province.codes, beside), city)
    if not len(numbers) and not problems.found:
        problems.add(name, "", "", say("the feed has no entries"))
    return Feed(
        name,
        hashlib.sha256(data).hexdigest(),
        prefixes.take(good),
        extent,
        region,
        tuple(problems.found),
    )


def _cells(data: bytes, name: str, problems: Problems) -> tuple[IntArray, list[list[str | None]]]:
    """Numbers of the lines with entries, and their first four fields, blank as None."""
    rows: list[list[str]] = []
    numbers: list[int] = []
    try:
        text = data.decode("utf-8").removeprefix(BOM)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.add(
            name,
            say("line {number}", number=line),
            "",
            say("is not UTF-8, as RFC 8805 wants it"),
            say("save the file as UTF-8"),
        )
        text = ""
    for number, row in _rows(text, name, problems):
        if len(row) > 1 or any(row):
            numbers.append(number)
            rows.append(row)
    short = np.array([len(row) < len(FIELDS) for row in rows], np.bool_)
    where = np.array(numbers, np.int64)
    problems.rows(
        Origin.of(name, where, "line"),
        short,
        "",
        lambda at: say("has {count} fields of {most}", count=len(rows[at]), most=len(FIELDS)),
        say("write {fields}; fields may be empty, commas may not be left out", fields=FIELDS),
    )
    whole = [row for row in rows if len(row) >= len(FIELDS)]
    return where[~short], [[row[at] or None for row in whole] for at in range(4)]


def _rows(text: str, name: str, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """Give the fields of each line that is CSV, with its number."""
    reader = csv.reader(_lines(text), skipinitialspace=True, strict=True)
    while True:
        before = reader.line_num
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problems.add(
                name,
                say("line {number}", number=before + 1),
                "",
                say("is no CSV: {reason}", reason=str(error)),
                say("look for quotation marks"),
            )
            continue
        if reader.line_num > before + 1:
            problems.add(
                name,
                say("line {number}", number=before + 1),
                "",
                say("a quotation mark is not closed in its line"),
            )
        else:
            yield reader.line_num, [cell.strip() for cell in row]


def _lines(text: str) -> Iterator[str]:
    """Lines of a text; comments as empty ones, so that the count holds."""
    for line in io.StringIO(text, newline=None):
        yield "\n" if line.lstrip().startswith("#") else line


def _check(
    origin: Origin, prefixes: Addresses, columns: list[Coded], problems: Problems, *, lax: bool
) -> BoolArray:
    """Note prefixes, countries and regions that are none; give the rows."""
    _, country, region, _ = columns
    no_prefix = ~prefixes.fault.blank
    text = columns[0]
    hint = say("write it as in 192.0.2.0/24")
    problems.rows(
        origin,
        no_prefix,
        FIELDS[0],
        lambda row: say("{value}: {fault}", value=quote(text.at(row)), fault=prefixes.fault.at(row)),
        hint,
    )
    strange = country.map(lambda code: not COUNTRY.fullmatch(code), blank=False, dtype=np.bool_)
    hint = say("write two letters of ISO 3166-1, as in CN, or nothing")
    problems.rows(
        origin,
        strange,
        FIELDS[1],
        lambda row: say("{value} is no country", value=quote(country.at(row))),
        hint,
    )
    odd = region.map(lambda code: not (lax or REGION.fullmatch(code)), blank=False, dtype=np.bool_)
    hint = say("write country and code of ISO 3166-2, as in CN-SH")
    problems.rows(
        origin, odd, FIELDS[2], lambda row: say("{value} is no region", value=quote(region.at(row))), hint
    )
    abroad = _abroad(country, region) & ~odd & ~strange
    problems.rows(
        origin,
        abroad,
        FIELDS[2],
        lambda row: say(
            "{region} is not in {country}", region=region.at(row), country=quote(country.at(row))
        ),
    )
    bad: BoolArray = no_prefix | strange | odd | abroad
    return bad


def _abroad(country: Coded, region: Coded) -> BoolArray:
    """Rows whose region has another country in front than the row."""
    key = country.codes.astype(np.int64) * (len(region.values) + 1) + region.codes
    _, first, back = np.unique(key, return_index=True, return_inverse=True)
    pairs = [((country.at(row) or "").upper(), (region.at(row) or "").upper()) for row in first.tolist()]
    wrong = [
        REGION.fullmatch(code) is not None
        and code[:2] != nation
        and not (code in BESIDE and code[3:] == nation)
        for nation, code in pairs
    ]
    return np.asarray(np.array(wrong, np.bool_)[back])


def _check_doubles(
    origin: Origin, prefixes: Addresses, columns: list[Coded], bad: BoolArray, problems: Problems
) -> BoolArray:
    """Note prefixes that stand twice with different places; give the rows after the first."""
    doubles, earlier = np.zeros(len(prefixes), np.bool_), np.zeros(len(prefixes), np.int64)
    places = np.array([column.codes for column in columns[1:]]).reshape(len(columns) - 1, -1)
    for version in (4, 6):
        rows, low, high = keys(prefixes, version)
        if len(rows):
            blocks = np.ascontiguousarray(np.hstack([low, high])).view(f"S{2 * low.shape[1]}").ravel()
            _, first, back = np.unique(blocks, return_index=True, return_inverse=True)
            earlier[rows] = rows[first[back]]
            doubles[rows] = (places[:, rows] != places[:, earlier[rows]]).any(axis=0)
    doubles &= ~bad & ~bad[earlier]
    problems.rows(
        origin,
        doubles,
        FIELDS[0],
        lambda row: say(
            "{prefix} has another place in line {number}",
            prefix=prefixes.text[row],
            number=origin.number[earlier[row]],
        ),
        say("say one place of a prefix"),
    )
    return doubles
