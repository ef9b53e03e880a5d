"""Two languages: a text is English in the code and Chinese in the catalogue (``locale/zh/*.po``).

`both` is a text without gaps, or a template that a rule fills later; `say` fills it at once and can still be
read in both languages. `tools/messages.py` finds all of them, and a test holds that none lacks its Chinese.
"""

from __future__ import annotations

import gettext
import string
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

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
    return Said(template, args)


def told(value: object, lang: str) -> str:
    """Give what may be a text of two languages, or a plain string, in one."""
    return value.in_(lang) if isinstance(value, Text | Said) else str(value)


def render(template: str, args: Mapping[str, Any], lang: str) -> str:
    """Fill a text's gaps in one language; lists are joined as the language does."""
    names = _gaps(template)
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
def _gaps(template: str) -> tuple[str, ...]:
    """Names of the gaps in a template."""
    names = [name for _, name, _, _ in string.Formatter().parse(template)]
    return tuple(dict.fromkeys(name for name in names if name))
