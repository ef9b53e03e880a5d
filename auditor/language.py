"""Two languages: a text is English in the code and Chinese in the catalogue (``locale/zh/*.po``).

`both` is a text without gaps, or a template that a rule fills later; `say` fills it at once and can still be
read in both languages. `tools/messages.py` finds all of them, and a test holds that none lacks its Chinese.
"""

from __future__ import annotations

import gettext
import string
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LANGUAGES = ("en", "zh")
CATALOGUE = Path(__file__).parent / "locale" / "zh.mo"


class Text(NamedTuple):
    """One text in both languages."""

    en: str
    zh: str

    def in_(self, lang: str) -> str:
        """Text in `lang` (``en`` or ``zh``)."""
        return self.zh if lang == "zh" else self.en


@cache
def _catalogue() -> gettext.NullTranslations:
    with CATALOGUE.open("rb") as file:
        return gettext.GNUTranslations(file)


def chinese(english: str) -> str:
    """Look a text up in the catalogue; one that is not there stays English.

    Examples
    --------
    >>> chinese("within")
    '区域内'
    """
    return _catalogue().gettext(english) if english else ""


def both(english: str, /, **args: object) -> Text:
    """Give a text of the code with its Chinese; where `args` are given, its gaps are filled in each.

    Examples
    --------
    >>> both("within").in_("zh")
    '区域内'
    >>> both("as of {day}", day="2026-11-22")
    Text(en='as of 2026-11-22', zh='截至 2026-11-22')
    """
    translated = chinese(english)
    if not args:
        return Text(english, translated)
    return Text(render(english, args, "en"), render(translated, args, "zh"))


def joined(texts: Iterable[Text], en: str, zh: str) -> Text:
    """Join texts, in each language by its own mark.

    Examples
    --------
    >>> joined([Text("a", "甲"), Text("b", "乙")], "; ", "；")
    Text(en='a; b', zh='甲；乙')
    """
    listed = list(texts)
    return Text(en.join(text.en for text in listed), zh.join(text.zh for text in listed))


class Said(str):
    """A filled text: English as a string, and Chinese on request.

    It is made by `say`, and travels wherever a string does: in errors, notes and problems.
    """

    __slots__ = ("args", "template")
    template: str
    args: Mapping[str, Any]

    def __new__(cls, template: str, args: Mapping[str, Any]) -> Self:
        """Fill the template in English."""
        said = super().__new__(cls, render(template, args, "en"))
        said.template = template
        said.args = args
        return said

    def __reduce__(self) -> tuple[type[Said], tuple[str, Mapping[str, Any]]]:
        """Travel to another process whole."""
        return Said, (self.template, self.args)

    def in_(self, lang: str) -> str:
        """Text in `lang` (``en`` or ``zh``)."""
        return render(chinese(self.template), self.args, lang) if lang == "zh" else str(self)


def say(template: str, **args: object) -> Said:
    """Fill the gaps of a text; gaps filled with texts are filled in the language that is asked for.

    Parameters
    ----------
    template
        English text with ``{name}`` gaps, as `str.format` has them; a literal, so that it can be found.
    args
        What goes into them.

    Examples
    --------
    >>> say("as of {day}", day="2026-11-22").in_("zh")
    '截至 2026-11-22'
    >>> say("as of {day}", day="2026-11-22")
    'as of 2026-11-22'
    """
    return Said(template, args) if args else _constant(template)


@cache
def _constant(template: str) -> Said:
    """Give the one text of a literal without gaps: readers say some for every entry of a file."""
    return Said(template, {})


class InBoth(Protocol):
    """What can be told in both languages: a text, a filled one, an error."""

    def in_(self, lang: str) -> str:
        """Text in `lang`."""


def in_all(text: InBoth) -> dict[str, str]:
    """Give a text in every language, as JSON holds it.

    Examples
    --------
    >>> in_all(both("within"))
    {'en': 'within', 'zh': '区域内'}
    """
    return {lang: text.in_(lang) for lang in LANGUAGES}


MOST_RECALLED = 400  # characters
LEAST_FIXED = 5  # letters of a template beside its gaps


def recalled(text: str) -> Text:
    """Give a text that was filled and kept in English with its Chinese; one that no template made stays.

    Files of observations keep what sources noted as plain text; their notes are read in Chinese all the same.

    Examples
    --------
    >>> recalled("data of 2026-06-05").zh
    '数据日期 2026-06-05'
    >>> recalled("in nobody's words").zh
    "in nobody's words"
    """
    return Text(text, _recalled(text) or text)


@lru_cache(maxsize=4096)
def _recalled(text: str) -> str:
    known = chinese(text)
    if known != text or len(text) > MOST_RECALLED:
        return known
    for template, fixed, names in _templates():
        found = _taken_apart(text, fixed, names)
        if found is not None:
            parts = string.Formatter().parse(chinese(template))
            return "".join(mark + (_recalled(found[name]) if name else "") for mark, name, _, _ in parts)
    several = text.split("; ")
    return "；".join(map(_recalled, several)) if len(several) > 1 else text


@cache
def _templates() -> tuple[tuple[str, list[str], list[str]], ...]:
    """Templates of the catalogue that say enough beside their gaps, what is fixed and the gaps between."""
    found = []
    for template in _catalogue()._catalog:  # type: ignore[attr-defined]  # noqa: SLF001 -- gettext lists none
        try:
            parts = [(mark, name) for mark, name, _, _ in string.Formatter().parse(template)]
        except ValueError:  # prose with a brace
            continue
        names = [name for _, name in parts if name]
        fixed = [mark for mark, _ in parts] + [""] * (len(parts) == len(names))
        own = sum(c.isalpha() for mark in fixed for c in mark)
        if names and len(fixed) == len(names) + 1 and own >= LEAST_FIXED:
            found.append((-own, template, fixed, names))
    return tuple((template, fixed, names) for _, template, fixed, names in sorted(found))


def _taken_apart(text: str, fixed: list[str], names: list[str]) -> dict[str, str] | None:
    """Give what fills the gaps of a template in a text, each as short as can be; None where none would."""
    first, *between, last = fixed
    at, end = len(first), len(text) - len(last)
    if not (text.startswith(first) and text.endswith(last)):
        return None
    found = {}
    for name, mark in zip(names, between, strict=False):
        there = text.find(mark, at + 1, end)
        if there < 0:
            return None
        found[name], at = text[at:there], there + len(mark)
    if at >= end:
        return None
    return {**found, names[-1]: text[at:end]}


def told(value: object, lang: str) -> str:
    """Give what may be a text of two languages, or a plain string, in one."""
    return value.in_(lang) if isinstance(value, Text | Said) else str(value)


def render(template: str, args: Mapping[str, Any], lang: str) -> str:
    """Fill a text's gaps in one language; lists are joined as the language does."""
    names = gaps(template)
    if not names:
        return template

    def shown(value: Any) -> Any:
        if isinstance(value, Text | Said):
            return value.in_(lang)
        if isinstance(value, list | tuple):
            return ("、" if lang == "zh" else ", ").join(str(shown(v)) for v in value)
        return value.item() if getattr(value, "shape", None) == () else value  # a number of numpy's

    return template.format(**{name: shown(args[name]) for name in names})


@cache
def gaps(template: str) -> tuple[str, ...]:
    """Names of the gaps in a template."""
    names = [name for _, name, _, _ in string.Formatter().parse(template)]
    return tuple(dict.fromkeys(name for name in names if name))
