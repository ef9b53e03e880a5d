"""Manual pages: the docstring of a module, section by section, in both languages.

The English is the docstring itself; its Chinese stands in the catalogue by section, so that a line that is
broken elsewhere needs no new translation.
"""

from __future__ import annotations

import inspect
import re
from typing import NamedTuple

from auditor.language import Text, both


class Section(NamedTuple):
    """One section of a manual page: what comes before the first heading has a blank one."""

    heading: Text
    paragraphs: list[Text]


def sections(docstring: str) -> list[Section]:
    r"""Read a docstring with headings underlined by hyphens.

    Examples
    --------
    >>> [(s.heading.en, [p.en for p in s.paragraphs]) for s in sections("It.\n\nLimits\n------\na\nb")]
    [('', ['It.']), ('Limits', ['a b'])]
    """
    found = [Section(Text("", ""), [])]
    for block in re.split(r"\n\s*\n", inspect.cleandoc(docstring)):
        lines = block.splitlines()
        if len(lines) > 1 and set(lines[1]) == {"-"}:
            found.append(Section(both(lines[0]), []))
            lines = lines[2:]
        if lines:
            found[-1].paragraphs.append(both(" ".join(line.strip() for line in lines)))
    return found


def texts(docstring: str) -> list[str]:
    """Give the English texts of a docstring, headings among them: what the catalogue must have."""
    return [
        text.en
        for section in sections(docstring)
        for text in (section.heading, *section.paragraphs)
        if text.en
    ]
