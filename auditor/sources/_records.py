"""What records of IP databases say, under one name a thing, whatever their fields are called."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from auditor.columns import Coded
from auditor.errors import DataError
from auditor.language import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from auditor.addresses import Addresses
    from auditor.columns import BoolArray
    from auditor.sources._blocks import Hits

# Names of fields, small letters and figures only, the best first: what MaxMind, DB-IP, ip-location-db, IPIP,
# CZ88 and ip2region call them, and what people write over columns.
NAMES: dict[str, tuple[str, ...]] = {
    "country": ("countrycode", "countryiso", "countryisocode", "country", "countryname", "国家", "国家代码"),
    "province": (
        *(
            "province",
            "region",
            "regionname",
            "provincename",
            "state",
            "state1",
            "subdivision",
            "subdivision1",
        ),
        *("省", "省份", "省级"),
    ),
    "city": ("city", "cityname", "市", "城市", "地市"),
    "district": ("district", "districtname", "county", "区县", "区", "县"),
    "asn": ("asn", "autonomoussystemnumber", "asnumber", "as", "自治系统号"),
    "owner": (
        *(
            "isp",
            "ispdomain",
            "ispname",
            "organization",
            "org",
            "autonomoussystemorganization",
            "asorganization",
        ),
        *("asorg", "asname", "ownerdomain", "owner", "运营商", "线路"),
    ),
}
KINDS = {"place": {"country", "province"}, "origin": {"asn"}, "holder": {"owner"}}
BLANK = frozenset({"", "0", "-"})
OLDEST_YEAR = 1990  # a date of data before it is a blank
_ASN = re.compile("(?:AS)?([0-9]{1,10})", re.IGNORECASE)


@dataclass(frozen=True)
class Records:
    """Records of a database as columns.

    Parameters
    ----------
    columns
        By name (`NAMES`), one value a record; names that no record has may be absent.
    vague
        Records whose place is what the maker puts where he knows none.
    """

    columns: dict[str, Coded]
    vague: BoolArray

    def __len__(self) -> int:
        return len(self.vague)

    def column(self, name: str) -> Coded:
        """One column, blank where the database has no such field."""
        return self.columns.get(name) or Coded(np.full(len(self), -1, np.int32), ())


@dataclass(frozen=True)
class Database:
    """An IP database that was opened.

    Parameters
    ----------
    kinds
        Kinds of observations it can give: ``place``, ``origin``, ``holder``.
    versions
        IP versions that it speaks of.
    find
        From addresses to hits, and the records that they mean.
    family
        Independent origin that the file itself tells; blank if it does not.
    made_at
        When the file was made, as it tells itself: seconds since 1970.
    """

    kinds: tuple[str, ...]
    versions: tuple[int, ...]
    find: Callable[[Addresses], tuple[Hits, Records]]
    family: str = ""
    made_at: int | None = None


def fields(given: Iterable[str], names: Mapping[str, Sequence[str]] = NAMES) -> dict[str, str]:
    """Which of the given fields is what, by `names`.

    Examples
    --------
    >>> fields(["起始IP", "country_name", "State 1", "isp_domain", "country_code"])
    {'country': 'country_code', 'province': 'State 1', 'owner': 'isp_domain'}
    """
    plain = {"".join(filter(str.isalnum, name.lower())): name for name in given}
    found = {name: [plain[word] for word in words if word in plain] for name, words in names.items()}
    return {name: some[0] for name, some in found.items() if some}


def kinds(names: Iterable[str], file: str, given: Iterable[str]) -> tuple[str, ...]:
    """Kinds of observations that columns suffice for.

    Raises
    ------
    DataError
        If there are none.
    """
    known = set(names)
    possible = tuple(kind for kind, needed in KINDS.items() if needed & known)
    if not possible:
        shown = ", ".join(sorted(given)) or say("none that has a name")
        raise DataError(
            say(
                "{file}: tells no country, AS or ISP; its fields are: {fields}; give a database of places, "
                "AS numbers or ISPs",
                file=file,
                fields=shown[:200],
            )
        )
    return possible


def records(rows: Sequence[dict[str, Any]], file: str, vague: Sequence[bool] | None = None) -> Records:
    """Make columns of records.

    Raises
    ------
    DataError
        An AS number that is none.
    """
    names = {name for row in rows for name in row}
    columns = {name: Coded.of([said(row.get(name)) for row in rows]) for name in sorted(names)}
    if "asn" in columns:
        columns["asn"] = Coded.of([_asn(row.get("asn"), file) for row in rows])
    return Records(columns, np.asarray(vague or [False] * len(rows), np.bool_))


def said(value: Any) -> str | None:
    """Text of a field, none where it is blank."""
    text = "" if value is None else str(value).strip()
    return None if text in BLANK else text


def _asn(value: Any, file: str) -> str | None:
    text = said(value)
    number = None if text is None else as_number(text)
    if text is not None and number is None:
        raise DataError(
            say("{file}: {value!r} is no AS number; is the file whole?", file=file, value=text[:60])
        )
    return number


def as_number(text: str) -> str | None:
    """Read an AS number (RFC 6793).

    Examples
    --------
    >>> as_number("AS4134"), as_number("4134"), as_number("4294967296")
    ('4134', '4134', None)
    """
    found = _ASN.fullmatch(text)
    return str(int(found[1])) if found and int(found[1]) < 1 << 32 else None


def day(seconds: int, file: str) -> dt.date | None:
    """Date of a number of seconds since 1970; none where it is so early that it was left blank.

    Raises
    ------
    DataError
        A number that is no date.
    """
    try:
        made = dt.datetime.fromtimestamp(seconds, dt.UTC).date()
    except (OverflowError, ValueError, OSError):
        raise DataError(
            say(
                "{file}: says that it was made {seconds} seconds after 1970, which is no date; give "
                "vintage_on with its path",
                file=file,
                seconds=seconds,
            )
        ) from None
    return made if made.year >= OLDEST_YEAR else None
