"""Whatever tests make `auditor` say of an input has to have its Chinese: problems, notes, what is unused, errors."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest import mock

from auditor import language
from auditor.errors import AuditorError, Problem
from auditor.language import Said, Text
from auditor.tables import Note, Unused

if TYPE_CHECKING:
    from collections.abc import Iterator

SENTENCE = re.compile(r"(?<![\w'./-])[a-z]{2,} [a-z]{2,}(?![\w'./-])")  # two English words in a row
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`")
OTHERS_WORDS = frozenset(
    {"reason", "error", "fields"}
)  # gaps that hold what parsers and the system say, or names


def lacks(text: object, gap: str = "") -> list[str]:
    """Say what of a text has no Chinese: a template that is not in the catalogue, a sentence that is no text of ours."""
    if isinstance(text, Text):
        return []
    if isinstance(text, Said):
        known = language._catalogue()._catalog
        own = [] if text.template in known else [text.template]
        return own + [fault for name, value in text.args.items() for fault in lacks(value, name)]
    if isinstance(text, list | tuple):
        return [fault for part in text for fault in lacks(part, gap)]
    if isinstance(text, Problem):
        return [fault for part in (text.file, text.where, text.what, text.hint) for fault in lacks(part)]
    plain = isinstance(text, str) and gap not in OTHERS_WORDS and SENTENCE.search(QUOTED.sub("", text))
    return [str(text)] if plain else []


def _watched(kind: type, names: tuple[str, ...], told: list[str]) -> mock._patch:
    made = kind.__init__

    def watch(self: object, *args: object, **kwargs: object) -> None:
        made(self, *args, **kwargs)
        by = sys._getframe(1).f_globals["__name__"]
        if by.startswith("auditor.") and by != "auditor.errors":
            parts = [getattr(self, name) for name in names] if names else args
            told.extend(fault for part in parts for fault in lacks(part))

    return mock.patch.object(kind, "__init__", watch)


@contextmanager
def watched() -> Iterator[list[str]]:
    """Collect what `auditor` says without Chinese while this is open."""
    told: list[str] = []
    with (
        _watched(Problem, ("file", "where", "what", "hint"), told),
        _watched(Note, ("where", "what"), told),
        _watched(Unused, ("where", "why"), told),  # what is unused may be a name of the file
        _watched(AuditorError, (), told),
    ):
        yield told
