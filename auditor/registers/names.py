"""Company names as they are compared: normal form, places, legal forms."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from auditor.registers._files import read_rows

_HAN = "\u3400-\u9fff\uf900-\ufaff"
_APART = re.compile(rf"[^a-z0-9{_HAN}]+")
_NEXT_TO_HAN = re.compile(rf"(?<=[{_HAN}]) | (?=[{_HAN}])")
_WORDS = {
    "company": "co",
    "corporation": "corp",
    "limited": "ltd",
    "incorporated": "inc",
    "telecommunication": "telecommunications",
    "communication": "communications",
}
_LEGAL = frozenset({"co", "ltd", "corp", "inc", "group"})
_BRANCH = frozenset({"branch", "office", "province", "provincial", "city", "municipality", "municipal"})
UNITS = ("分公司", "支公司", "营业部")
_UNIT = re.compile("|".join(UNITS))
_LONGEST = 15


def normal(name: str) -> str:
    """Give a company name as it is compared.

    Half-width, lower case; brackets and other signs fall away; ``Company Limited`` and ``Co., Ltd.`` are one;
    no spaces beside Chinese characters.

    Examples
    --------
    >>> normal("China Telecom Corporation  Limited"), normal("中国移动（香港）有限公司")
    ('china telecom corp ltd', '中国移动香港有限公司')
    """
    text = name if name.isascii() else unicodedata.normalize("NFKC", name)
    text = text.casefold().replace("'", "").replace("’", "")
    text = _APART.sub(" ", text).strip()
    if not text.isascii():
        text = _NEXT_TO_HAN.sub("", text)
    return " ".join(_WORDS.get(word, word) for word in text.split(" "))


@cache
def _places() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Names in Chinese of all places; of provinces and prefectures; names in English of the latter."""
    every: set[str] = set()
    large: set[str] = set()
    english: set[str] = set()
    for row in read_rows("place_names.csv"):
        forms = {row["name_zh"], row["short_zh"]}
        every |= forms
        if row["level"] != "county":
            large |= forms
            english.add(normal(row["name_en"]))
    return frozenset(every), frozenset(large), frozenset(english)


def is_places(text: str) -> bool:
    """Tell whether a text consists of names of mainland places and nothing else.

    Names of provinces, prefectures and counties count, with or without 省, 市, 县, 区. Hong Kong, Macao and
    Taiwan are not among them: mainland carriers have no branches there, only affiliates.

    Source: 2023年统计用区划代码 of the National Bureau of Statistics, as china-division 2.7.0 lists it.

    Examples
    --------
    >>> is_places("广东省深圳市"), is_places("上海浦东"), is_places("香港"), is_places("")
    (True, True, False, False)
    """
    every = _places()[0]

    def rest(start: int) -> bool:
        if start == len(text):
            return True
        ends = range(min(len(text), start + _LONGEST), start + 1, -1)
        return any(text[start:end] in every and rest(end) for end in ends)

    return bool(text) and rest(0)


def is_large_place(text: str) -> bool:
    """Tell whether a text is one province or prefecture, in Chinese or (in normal form) in English.

    Examples
    --------
    >>> is_large_place("上海市"), is_large_place("inner mongolia"), is_large_place("浦东")
    (True, True, False)
    """
    _, large, english = _places()
    return text in large or text in english


def is_branch(rest: str, divisions: frozenset[str]) -> bool:
    """Tell whether what follows a registered name makes it a branch: places or divisions, each with 分公司.

    Examples
    --------
    >>> is_branch("广东分公司深圳分公司", frozenset()), is_branch("代理商上海分公司", frozenset())
    (True, False)
    """
    *heads, tail = _UNIT.split(rest)
    return bool(heads) and not tail and all(is_places(head) or head in divisions for head in heads)


def is_placed(rest: str, divisions: frozenset[str]) -> bool:
    """Tell whether what follows a name only says which place is meant: places, perhaps with 公司 or 分公司.

    Examples
    --------
    >>> [is_placed(rest, frozenset()) for rest in ("上海公司", "上海", "国际有限公司")]
    [True, True, False]
    """
    return is_places(rest.removesuffix("公司")) or is_branch(rest, divisions)


def drop_english_places(words: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
    """Take the names of provinces and prefectures out of a list of words.

    Returns
    -------
    tuple
        Words left, and how many places were taken out.

    Examples
    --------
    >>> drop_english_places(("inner", "mongolia", "branch"))
    (('branch',), 1)
    """
    left: list[str] = []
    taken, i = 0, 0
    while i < len(words):
        size = next((n for n in (2, 1) if is_large_place(" ".join(words[i : i + n]))), 0)
        if size:
            taken += 1
            i += size
        else:
            left.append(words[i])
            i += 1
    return tuple(left), taken


def only_legal(words: tuple[str, ...], *, branch: bool) -> bool:
    """Tell whether words are legal forms and nothing else; `branch` lets words of branches stand, too.

    Examples
    --------
    >>> only_legal(("co", "ltd", "branch"), branch=True), only_legal(("partner", "ltd"), branch=True)
    (True, False)
    """
    allowed = _LEGAL | _BRANCH if branch else _LEGAL
    return all(word in allowed for word in words)
