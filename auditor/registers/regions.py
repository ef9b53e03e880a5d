"""Names of provinces, cities and districts by code, and of what codes of countries mean here."""

from __future__ import annotations

from functools import cache

from auditor.registers._files import read_rows

COUNTRIES = {
    "CN": ("mainland China", "中国大陆"),
    "HK": ("Hong Kong", "香港"),
    "MO": ("Macao", "澳门"),
    "TW": ("Taiwan", "台湾"),
}
MUNICIPALITIES = frozenset({"11", "12", "31", "50"})  # their districts lie in the province: there is no city
STRAIGHT = "90"  # stands for the city of counties that are straight under their province


@cache
def _names() -> dict[str, tuple[str, str]]:
    return {
        row["code"].ljust(6, "0"): (row["name_en"], row["name_zh"]) for row in read_rows("place_names.csv")
    }


def region_name(code: str) -> tuple[str, str]:
    """Name of a region in English and Chinese; the code itself where nobody gave it one.

    Examples
    --------
    >>> region_name("310000"), region_name("HK"), region_name("999999")
    (('Shanghai', '上海市'), ('Hong Kong', '香港'), ('999999', '999999'))
    """
    return _names().get(code.ljust(6, "0")) or COUNTRIES.get(code, (code, code))


def region_extent(code: str) -> str:
    """Kind of region that a code of six figures, or of a country, stands for.

    A county straight under its province counts as a city.

    Examples
    --------
    >>> [region_extent(code) for code in ("310000", "440300", "310115", "469002", "CN")]
    ['province', 'city', 'district', 'city', 'country']
    """
    if not code.isdigit():
        return "country"
    if code.endswith("0000"):
        return "province"
    return "city" if code.endswith("00") or code[2:4] == STRAIGHT else "district"
