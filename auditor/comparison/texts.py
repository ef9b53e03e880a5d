"""Texts of records as they are compared: names of enterprises, Chinese addresses, numbers in them.

Two texts are the same where their normal forms are; else `likeness` tells how close they come. Numbers decide
more than letters do: house 100 is not house 102, however alike the rest is.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from auditor.claims import unit_of_address
from auditor.registers.names import normal as normal_name

if TYPE_CHECKING:
    import opencc

OTHER_NUMBER = 0.6  # what is left of a likeness where the numbers differ
_DIGITS = dict(zip("〇零一二三四五六七八九两", (0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 2), strict=True))
_TENS = {"十": 10, "百": 100, "千": 1000, "万": 10_000}
_COUNTED = re.compile("([〇零一二三四五六七八九十百千万两]+)(?=[号弄室楼层栋幢座单元期院组村])")
_SAME_WORDS = (("號", "号"), ("门牌", ""), ("楼层", "层"), ("层", "楼"), ("栋", "幢"), ("座", "幢"))
_NUMBERS = re.compile(r"[0-9]+")


@cache
def _converter() -> opencc.OpenCC:
    import opencc  # noqa: PLC0415 -- its dictionaries are read at once, and few comparisons need them

    return opencc.OpenCC("t2s")


@lru_cache(maxsize=1 << 16)
def simplified(text: str) -> str:
    """Write traditional characters as simplified ones (OpenCC, t2s).

    Examples
    --------
    >>> simplified("上海市浦東新區")
    '上海市浦东新区'
    """
    return text if text.isascii() else str(_converter().convert(text))


def number_of(numeral: str) -> str:
    """Write a Chinese numeral in digits; one that is read figure by figure stays in that order.

    Examples
    --------
    >>> [number_of(text) for text in ("一百零二", "十二", "二〇二", "三千", "二十")]
    ['102', '12', '202', '3000', '20']
    """
    if not set(numeral) & set(_TENS):
        return "".join(str(_DIGITS[c]) for c in numeral)
    total = part = figure = 0
    for c in numeral:
        if c in _DIGITS:
            figure = _DIGITS[c]
        elif _TENS[c] == _TENS["万"]:
            total, part, figure = (part + figure) * _TENS[c], 0, 0
        else:
            part, figure = part + (figure or 1) * _TENS[c], 0
    return str(total + part + figure)


@lru_cache(maxsize=1 << 16)
def plain_address(text: str) -> str:
    """Give an address as it is compared, in the characters it is written in.

    Half-width, without signs and spaces; Chinese numerals before 号, 弄, 室 and the like are digits; units
    above the street that the address begins with are their code.

    Examples
    --------
    >>> plain_address("上海市浦东新区世纪大道一百号") == plain_address("浦东新区 世纪大道100号")
    True
    >>> plain_address("世纪大道100弄3号楼二十室")
    '世纪大道100弄3号楼20室'
    """
    plain = "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())
    plain = _COUNTED.sub(lambda found: number_of(found[1]), plain)
    for word, same in _SAME_WORDS:
        plain = plain.replace(word, same)
    code, rest = unit_of_address(plain)
    return f"{code} {rest}".strip()


def plain_name(text: str) -> str:
    """Give the name of an enterprise, room or rack as it is compared, in the characters it is written in.

    Examples
    --------
    >>> plain_name("示例网络（上海）有限公司") == plain_name("示例网络(上海)有限公司")
    True
    """
    return normal_name(text)


def numbers(text: str) -> tuple[str, ...]:
    """Give the numbers in a text, without zeros in front."""
    return tuple(found.lstrip("0") or "0" for found in _NUMBERS.findall(text))


def likeness(one: str, other: str) -> float:
    """Tell how alike two texts in normal form are, from 0 to 1; texts of other numbers are less alike.

    Examples
    --------
    >>> likeness("世纪大道100号", "世纪大道100号3楼") > 0.7 > likeness("世纪大道100号", "世纪大道102号")
    True
    """
    from rapidfuzz import fuzz  # noqa: PLC0415 -- rules import this module for names that they seldom compare

    alike = fuzz.ratio(one, other) / 100.0
    few, many = sorted((numbers(one), numbers(other)), key=len)
    return alike if many[: len(few)] == few else alike * OTHER_NUMBER


def detail_of(one: str, other: str) -> bool:
    """Tell whether one of two addresses only says more than the other: a floor, a unit above the street.

    Examples
    --------
    >>> detail_of("310115 世纪大道100号", "世纪大道100号3楼")
    True
    >>> detail_of("世纪大道10号", "世纪大道100号")
    False
    """
    (code, street), (other_code, other_street) = map(_apart, (one, other))
    nested = code.startswith(other_code) or other_code.startswith(code)
    short, long = sorted((street, other_street), key=len)
    if not (nested and short and long.startswith(short)):
        return False
    return not (short[-1].isdigit() and long[len(short) :][:1].isdigit())


def _apart(address: str) -> tuple[str, str]:
    code, _, street = address.rpartition(" ")
    return code, street
