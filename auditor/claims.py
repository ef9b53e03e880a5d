"""What people say of a place: region codes and Chinese addresses, read to claims on the areas."""

from __future__ import annotations

import csv
import re
import unicodedata
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping

NOTHING, WITHIN, OUTSIDE, UNDECIDED, OPEN = range(5)
DISTRICT = 6  # digits of a district's code
COUNTRY = 2  # letters of a country's code
_ABROAD = ("71", "81", "82")  # codes that are not of the mainland, where the pilot areas are
CODE_LENGTHS = frozenset({2, 4, 6, 9, 12})
_PROVINCE = re.compile("1[0-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[12]")  # 10: the whole country
_EVERYWHERE = (0, 10**12)
RELATION = {
    "unknown": NOTHING,
    "within": WITHIN,
    "outside": OUTSIDE,
    "undecided": UNDECIDED,
    "needs_geometry": OPEN,
}
_NOWHERE = (float("nan"),) * 4
_SIDES = ("west", "south", "east", "north")
_SLACK = 0.1  # degrees that a part may lie off a unit and still be near it: coasts are up to 8 km off
_ENDINGS = (
    "特别行政区",
    "维吾尔自治区",
    "壮族自治区",
    "回族自治区",
    "自治区",
    "新区",
    "地区",
    "省",
    "市",
    "区",
    "县",
)
_STREET = re.compile("[东西南北中]?(路|街|大道|大街|巷|弄|道|江|河)")  # 上海市奉贤路 is a road, not Fengxian
_LONGEST = 24


class Claim(NamedTuple):
    """What a code or an address says.

    `relation` is `WITHIN`, `OUTSIDE`, `UNDECIDED`, `OPEN` (geometry is needed) or `NOTHING`; `first` and
    `beyond` are the region codes that it covers, at twelve digits; `box` is the extent of an open unit.
    `untold` tells that it is open for one reason alone: a part of users says nothing of codes.
    """

    relation: int
    area: str = ""
    part: str = ""
    first: int = 0
    beyond: int = 10**12
    box: tuple[float, ...] = _NOWHERE
    untold: bool = False


SILENT = Claim(NOTHING)


@cache
def _rows(name: str) -> tuple[Mapping[str, str], ...]:
    text = resources.files("auditor").joinpath("data", name).read_text("utf-8")
    return tuple(csv.DictReader(text.splitlines()))


@cache
def _boxes() -> Mapping[str, tuple[float, ...]]:
    """Extents of the units that some table gives one for."""
    rows = (row for name in ("units.csv", "region_codes.csv") for row in _rows(name) if row.get("west"))
    return {row["code"]: tuple(float(row[side]) for side in _SIDES) for row in rows}


def _box(code: str) -> tuple[float, ...] | None:
    """Extent of a unit, else of the least unit above it that has one."""
    return next((_boxes()[code[:n]] for n in range(len(code), 1, -1) if code[:n] in _boxes()), None)


def _near(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether two extents touch, or nearly so."""
    across = max(one[0], other[0]) - min(one[2], other[2])
    along = max(one[1], other[1]) - min(one[3], other[3])
    return max(across, along) <= _SLACK


def _span(code: str) -> tuple[int, int]:
    if not code or code == "10":
        return _EVERYWHERE
    first = int(code.ljust(12, "0"))
    return first, first + 10 ** (12 - len(code))


class Scope(NamedTuple):
    """What the tables are read for.

    Parameters
    ----------
    as_of
        Date; `None` takes every row.
    areas
        Areas in force; rows of others do not count.
    redrawn
        Parts that a user's file replaces: what the shipped rows say of them needs geometry.
    """

    as_of: dt.date | None = None
    areas: Collection[str] = ()
    redrawn: Collection[str] = ()

    def takes(self, row: Mapping[str, str]) -> bool:
        """Whether a row counts."""
        day = "" if self.as_of is None else self.as_of.isoformat()
        dated = not day or ((row["from_on"] or day) <= day < (row["to_on"] or "9999"))
        return dated and (row["area"] in self.areas if row["area"] else bool(self.areas))

    def relation(self, row: Mapping[str, str]) -> int:
        """Relation of a row."""
        return OPEN if row["part"] in self.redrawn else RELATION[row["relation"]]


class RegionCodes:
    """Region codes (GB/T 2260 and its longer forms) to claims.

    Parameters
    ----------
    scope
        Date and areas.
    more
        Codes that users' files state, with relation, area and part.
    quiet
        Parts whose files say nothing of codes, with area and extent. Where the tables do not either, a unit
        that such a part may reach into is open: nobody said that it is outside.
    """

    def __init__(
        self,
        scope: Scope,
        more: Mapping[str, tuple[str, str, str]] | None = None,
        quiet: Mapping[str, tuple[str, tuple[float, ...]]] | None = None,
    ) -> None:
        self._below: dict[str, Claim] = {}
        self._itself: dict[str, Claim] = {}
        for row in filter(scope.takes, _rows("region_codes.csv")):
            box = tuple(float(row[side] or "nan") for side in _SIDES)
            claim = Claim(scope.relation(row), row["area"], row["part"], *_span(row["code"]), box)
            (self._itself if row["covers"] == "itself" else self._below)[row["code"]] = claim
        for code, (relation, area, part) in (more or {}).items():
            self._below[code] = Claim(RELATION[relation], area, part, *_span(code))
            for above in {code[:2], code[:4]} - {code}:
                self._itself.setdefault(above, Claim(OPEN, area, "", *_span(above)))
        self._quiet = [found for part, found in (quiet or {}).items() if part not in self.parts]

    @property
    def parts(self) -> set[str]:
        """Parts that some code speaks of."""
        return {claim.part for claim in (*self._below.values(), *self._itself.values())}

    def read(self, text: str) -> Claim:
        """Claim of a code; what is no code says nothing.

        Examples
        --------
        >>> codes = RegionCodes(Scope(areas=["shanghai", "hainan"]))
        >>> [codes.read(c).relation for c in ("310115", "310101", "460321", "110000")] == [
        ...     WITHIN, OUTSIDE, UNDECIDED, OUTSIDE]
        True
        >>> codes.read("310000").relation == codes.read("310120102").relation == OPEN
        True
        >>> codes.read("abc") == codes.read("31011") == SILENT
        True
        >>> codes.read("US").relation == codes.read("HK").relation == OUTSIDE  # ISO 3166-1; CN is everything
        True
        """
        digits = unicodedata.normalize("NFKC", text).strip()
        if len(digits) == COUNTRY and digits.isascii() and digits.isalpha():
            return self.of_unit("10") if digits.upper() == "CN" else Claim(OUTSIDE)
        if not (
            digits.isascii() and digits.isdigit() and len(digits) in CODE_LENGTHS and _PROVINCE.match(digits)
        ):
            return SILENT
        return self.of_unit(trimmed(digits))

    def of_unit(self, code: str) -> Claim:
        """Claim of a code without filling zeros."""
        if code in self._itself:
            return self._itself[code]
        for length in range(len(code), 1, -1):
            if code[:length] in self._below:
                claim = self._below[code[:length]]
                first, beyond = _span(code)
                return claim._replace(first=first, beyond=beyond)
        return self.unless_untold(code, Claim(OUTSIDE, "", "", *_span(code)))

    def unless_untold(self, code: str, outside: Claim) -> Claim:
        """Give `outside` back, unless a part whose codes nobody states may reach into the unit."""
        if not self._quiet or not code or code.startswith(_ABROAD):
            return outside
        box = _box(code)
        areas = {area for area, extent in self._quiet if box is None or _near(box, extent)}
        if not areas:
            return outside
        area = areas.pop() if len(areas) == 1 else ""
        return outside._replace(relation=OPEN, area=area, part="", untold=True)


def trimmed(code: str) -> str:
    """Take the zeros off that fill a code up.

    Examples
    --------
    >>> [trimmed(code) for code in ("310000", "440300", "310115000000", "460400", "310115102003")]
    ['31', '4403', '310115', '4604', '310115102003']
    """
    for length in (2, 4, 6, 9):
        if len(code) > length and not code[length:].strip("0"):
            return code[:length]
    return code


def _plain(text: str) -> str:
    """Characters and digits alone, without 中国 and 市辖区."""
    kept = "".join(c for c in unicodedata.normalize("NFKC", text) if c.isalnum())
    for country in ("中华人民共和国", "中国"):
        kept = kept.removeprefix(country)
    return kept.replace("市辖区", "")


def _short(name: str) -> str:
    for ending in _ENDINGS:
        if name.endswith(ending) and len(name) - len(ending) >= 2:  # noqa: PLR2004 -- 城区 has no short form
            return name.removesuffix(ending)
    return name


class _Gazetteer:
    """Names of provinces, prefectures and districts, one below the other as addresses begin."""

    def __init__(self) -> None:
        self._full: dict[str, list[str]] = {}
        self._brief: dict[str, list[str]] = {}
        for row in _rows("units.csv"):
            self._full.setdefault(row["name"], []).append(row["code"])
            self._brief.setdefault(_short(row["name"]), []).append(row["code"])

    def locate(self, text: str) -> tuple[str, str, bool]:
        """Code of the deepest unit that `text` begins with, the rest, and whether the name is beyond doubt.

        A short name at the very beginning (北京…) may be that of a road: only a unit below it makes it sure.
        """
        code, rest, sure = "", text, False
        while (step := self._step(code, rest)) is not None:
            sure = sure or step[2] or bool(code)
            code, rest = step[:2]
        return code, rest, sure

    def _step(self, above: str, text: str) -> tuple[str, str, bool] | None:
        for length in range(min(_LONGEST, len(text)), 1, -1):
            name, rest = text[:length], text[length:]
            full, brief = self._full.get(name, ()), self._brief.get(name, ())
            if above and above in full:  # 上海市上海市
                return above, rest, False
            below = [code for code in full if code.startswith(above)]
            if len(below) == 1:
                return below[0], rest, True
            code = self._by_brief(brief, above) if not (above and _STREET.match(rest)) else None
            if code:
                return code, rest, False
        return None

    @staticmethod
    def _by_brief(codes: Collection[str], above: str) -> str | None:
        """The one unit below `above` of this short name; at the top a province, else a prefecture."""
        levels = (2, 4) if not above else (12,)
        for level in levels:
            fit = [c for c in codes if c.startswith(above) and c != above and len(c) <= level]
            if len(fit) == 1:
                return fit[0]
        return None


@cache
def _gazetteer() -> _Gazetteer:
    return _Gazetteer()


def unit_of_address(text: str) -> tuple[str, str]:
    """Give the code of the deepest unit that an address certainly begins with, and what follows it.

    Examples
    --------
    >>> unit_of_address("上海市浦东新区世纪大道100号"), unit_of_address("北京东路100号")
    (('310115', '世纪大道100号'), ('', '北京东路100号'))
    """
    plain = _plain(text)
    code, rest, sure = _gazetteer().locate(plain)
    return (code, rest) if sure else ("", plain)


class Addresses:
    """Chinese addresses to claims, by the administrative units and the known places that they begin with.

    Parameters
    ----------
    scope
        Date and areas.
    codes
        What the unit that an address names says.
    """

    def __init__(self, scope: Scope, codes: RegionCodes) -> None:
        self._codes = codes
        self._known: dict[str, dict[str, Claim]] = {}
        for row in filter(scope.takes, _rows("addresses.csv")):
            district = len(row["unit"]) == DISTRICT
            span = _span(row["unit"]) if district else _EVERYWHERE  # zones cross the lines of units
            claim = Claim(scope.relation(row), row["area"], row["part"], *span)
            self._known.setdefault(row["unit"], {})[row["begins"]] = claim

    def read(self, text: str) -> Claim:
        """Claim of an address; one that begins with nothing known says nothing.

        Examples
        --------
        >>> scope = Scope(areas=["beijing", "shanghai", "hainan", "shenzhen"])
        >>> addresses = Addresses(scope, RegionCodes(scope))
        >>> addresses.read("上海市浦东新区世纪大道100号").part, addresses.read("上海浦东张江").part
        ('pudong', 'pudong')
        >>> addresses.read("中国（上海）自由贸易试验区临港新片区环湖西二路888号").part
        'lingang'
        >>> addresses.read("北京东路100号") == addresses.read("no such place") == SILENT
        True
        >>> addresses.read("浙江省杭州市西湖区").relation == OUTSIDE
        True
        """
        plain = _plain(text)
        code, rest, sure = _gazetteer().locate(plain)
        for length in (DISTRICT, 4, 2):
            if len(code) >= length and (claim := self._begins(code[:length], rest)):
                return self._codes.unless_untold(code, claim) if claim.relation == OUTSIDE else claim
        if code and sure:
            return self._codes.of_unit(code)
        return self._begins("", plain) or SILENT

    def _begins(self, unit: str, text: str) -> Claim | None:
        known = self._known.get(unit, {})
        for length in range(min(_LONGEST, len(text)), 0, -1):
            if text[:length] in known:
                return known[text[:length]]
        return None
