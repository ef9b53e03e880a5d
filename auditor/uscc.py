"""Unified social credit codes (统一社会信用代码) of enterprises: their check character."""

from __future__ import annotations

import unicodedata

LENGTH = 18
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_WEIGHTS = tuple(pow(3, i, 31) for i in range(LENGTH - 1))


def uscc_normalised(text: str) -> str:
    """Give a code as it is compared: half-width, upper case, no spaces.

    Examples
    --------
    >>> uscc_normalised(" ９１１１００００ 100017707h")
    '91110000100017707H'
    """
    return "".join(unicodedata.normalize("NFKC", text).split()).upper()


def uscc_is_valid(text: str) -> bool:
    """Say whether `text` is a well-formed code whose check character agrees.

    Eighteen characters of ``0-9 A-Z`` less I, O, S, V, Z; the last one is 31 less the sum of the others, each
    times the next power of three, modulo 31. Spaces, case and full-width forms are forgiven.

    A code that fails is not always a forgery: a few that trial places gave out before the standard (with
    ``M0001`` after the region) carry another check character.

    Source: GB 32100-2015 《法人和其他组织统一社会信用代码编码规则》.

    Examples
    --------
    China Telecom's group company and China Mobile's, then one digit wrong:

    >>> uscc_is_valid("91110000100017707H"), uscc_is_valid("911100007109250324")
    (True, True)
    >>> uscc_is_valid("91110000100017708H")
    False
    """
    code = uscc_normalised(text)
    if len(code) != LENGTH or any(character not in _VALUES for character in code):
        return False
    total = sum(_VALUES[character] * weight for character, weight in zip(code, _WEIGHTS, strict=False))
    return _VALUES[code[-1]] == -total % 31
