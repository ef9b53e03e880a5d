"""Names of places as IP databases write them, to codes of regions."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from auditor.columns import Coded
from auditor.observations import EXTENTS
from auditor.registers import MUNICIPALITIES, STRAIGHT, region_extent
from auditor.registers._files import read_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from auditor.columns import IntArray

CHINA = "CN"
BESIDE = ("HK", "MO", "TW")  # told apart from the mainland, as everywhere in this program
PREFECTURE, COUNTY = 4, 6  # figures of codes
ISO_3166_2 = (
    "BJ:11 TJ:12 HE:13 SX:14 NM:15 LN:21 JL:22 HL:23 SH:31 JS:32 ZJ:33 AH:34 FJ:35 JX:36 SD:37 HA:41 HB:42 "
    "HN:43 GD:44 GX:45 HI:46 CQ:50 SC:51 GZ:52 YN:53 XZ:54 SN:61 GS:62 QH:63 NX:64 XJ:65"
)
ENDINGS = (
    "province",
    "municipality",
    "autonomousregion",
    "autonomousprefecture",
    "prefecture",
    "city",
    "sheng",
    "shi",
)
OTHER_NAMES = {"neimenggu": "15", "xizang": "54", "shanxisheng": "14"}
TOO_SHORT = 3  # letters of a name that may be left when an ending is taken off


def regions(
    country: Coded, province: Coded, city: Coded, district: Coded | None = None
) -> tuple[IntArray, Coded]:
    """Find the codes of regions.

    A name that is not known, or that several units have, leaves the region above it: databases name many
    sub-districts as cities. Hong Kong, Macao and Taiwan are told as such, also where they stand under China.

    Parameters
    ----------
    country
        Names in Chinese or English, or ISO 3166-1 codes of two letters.
    province, city
        Names in Chinese or English, codes of ISO 3166-2 (``SH``, ``CN-SH``) or GB/T 2260.
    district
        Names in Chinese; without them no answer is finer than a city.

    Returns
    -------
    extent
        int8, one a row: position in `auditor.observations.EXTENTS`.
    region
        GB/T 2260 at six figures for the mainland, ``CN`` where nothing finer is known, else ISO 3166-1; blank
        where not even the country is known. A municipality's city is its province.

    Examples
    --------
    >>> country, province = ["中国", "CN", "CN", "中国", "美国"], ["广东省", "SH", "Sichuan", "香港", None]
    >>> city = ["深圳市", "Pudong", "Chengdu (Wuhou Qu)", "荃湾", None]
    >>> extent, region = regions(*map(Coded.of, (country, province, city)))
    >>> [EXTENTS[code] for code in extent]
    ['city', 'province', 'city', 'country', 'country']
    >>> [region.at(row) for row in range(5)]
    ['440300', '310000', '510100', 'HK', 'US']
    """
    blank = Coded(np.full(len(country), -1, np.int32), ())
    columns = (country, province, city, district or blank)
    key = np.zeros(len(country), np.int64)
    distinct, back = np.zeros(0, np.int64), key
    for column in columns:  # number the distinct rows, a column at a time
        distinct, back = np.unique(key * (len(column.values) + 1) + column.codes + 1, return_inverse=True)
        key = back.astype(np.int64)
    first = np.full(len(distinct), -1)
    first[back[::-1]] = np.arange(len(country))[::-1]
    places = [_place(*(column.at(row) or "" for column in columns)) for row in first.tolist()]
    codes = Coded.of([code or None for _, code in places])
    extents = np.array([EXTENTS.index(extent) for extent, _ in places], np.int8)
    return extents[back], codes.take(back)


def _place(country: str, province: str, city: str, district: str) -> tuple[str, str]:
    """Extent and code of one place."""
    nation = _nation(country)
    if nation in {"", CHINA}:
        beside = _nation(province)
        if beside in BESIDE:
            return "country", beside
        code = _china(province, city, district)
        if code:
            whole = code.ljust(COUNTY, "0")
            return region_extent(whole), whole
    return ("country", nation) if nation else ("none", "")


def _china(province: str, city: str, district: str) -> str:
    """Code of the deepest unit that is known, without filling zeros."""
    code = _unit(province, "province", "")
    below = code if code in MUNICIPALITIES else _city(city, code)
    return _unit(district, "county", below or code) or below or code


def _city(name: str, province: str) -> str:
    """Prefecture of a city's name; a city of county rank stands for its prefecture, if it has one."""
    code = _unit(name, "prefecture", province)
    if not code and province:
        county = _unit(name, "county", province)
        code = county if county[2:PREFECTURE] == STRAIGHT else county[:PREFECTURE]
    return code


def _unit(name: str, level: str, above: str) -> str:
    """Code of the one unit of a level that has a name and lies in `above`."""
    named = _units()[level]
    for form in _forms(name):
        codes = {code for code in named.get(form, ()) if code.startswith(above)}
        if len(codes) == 1:
            return codes.pop()
    return ""


def _forms(name: str) -> Iterable[str]:
    """Give a name as it is compared, then without what stands in brackets, and without endings."""
    yield (whole := _folded(name))
    yield (plain := _folded(name.replace("（", "(").partition("(")[0]))
    for ending in ENDINGS:
        for form in (whole, plain):
            if form.endswith(ending) and len(form) >= len(ending) + TOO_SHORT:
                yield form.removesuffix(ending)


def _folded(name: str) -> str:
    """Letters and figures alone, lower case, without accents."""
    return "".join(c for c in unicodedata.normalize("NFKD", name).casefold() if c.isalnum())


def _nation(name: str) -> str:
    return _nations().get(_folded(name), "")


@cache
def _nations() -> Mapping[str, str]:
    """Codes of countries, by code and by folded name."""
    found: dict[str, str] = {}
    for row in read_rows("country_names.csv"):
        names = (row["code"], row["name_zh"], row["name_en"], *row["others"].split("|"))
        found |= {_folded(name): row["code"] for name in names if name}
    return found


@cache
def _units() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Codes of mainland units, by level and folded name."""
    units: dict[str, dict[str, tuple[str, ...]]] = {"province": {}, "prefecture": {}, "county": {}}
    pairs = [(word.split(":")[1], "province", word.split(":")[0]) for word in ISO_3166_2.split()]
    pairs += [(code, level, f"CN{name}") for code, level, name in pairs]
    pairs += [(code, "province", name) for name, code in OTHER_NAMES.items()]
    for row in read_rows("place_names.csv"):
        names = (row["code"], row["code"].ljust(COUNTY, "0"), row["name_zh"], row["short_zh"], row["name_en"])
        pairs += [(row["code"], row["level"], name) for name in names]
    for code, level, name in pairs:
        if name:
            units[level].setdefault(_folded(name), ())
            units[level][_folded(name)] += (code,)
    return units
