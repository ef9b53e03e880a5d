"""Lines of a paragraph as a terminal shows them, Chinese among them."""

from __future__ import annotations

import re

WIDE = "\u2e80-\u303f\u3041-\uabff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef"
NEVER_FIRST = "，。、；：？！）》」』】〕”’％…"
NEVER_LAST = "（《「『【〔“‘"
# What stays on one line: a wide character or a word without spaces, with the punctuation that belongs to it.
PIECE = re.compile(rf"[{NEVER_LAST}]*(?:[{WIDE}]|[^\s{WIDE}“”‘’…]+)?[{NEVER_FIRST}]*\s*")


def wrapped(text: str, width: int) -> list[str]:
    """Break a paragraph into lines of at most `width` cells; a wide character takes two.

    A line is broken at spaces and between Chinese characters, yet never before a closing mark or after an
    opening one. A word longer than a line is cut.

    Examples
    --------
    >>> wrapped("依据试点开展 B14，所申报的批复", 18)
    ['依据试点开展 B14，', '所申报的批复']
    >>> wrapped("one two three", 8)
    ['one two', 'three']
    """
    from rich.cells import cell_len  # noqa: PLC0415

    lines, line = [], ""
    for piece in filter(None, PIECE.findall(text)):
        if line and cell_len(line + piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece
        while cell_len(line.rstrip()) > width:
            cut = _fitting(line, width)
            lines.append(line[:cut])
            line = line[cut:]
    return [*lines, line.rstrip()]


def _fitting(text: str, width: int) -> int:
    """Count the characters that fit, at least one."""
    from rich.cells import cell_len  # noqa: PLC0415

    used = 0
    for at, char in enumerate(text):
        used += cell_len(char)
        if used > width:
            return max(at, 1)
    return len(text)
