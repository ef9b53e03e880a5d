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
