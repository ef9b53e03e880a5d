"""What the font of the PDF can draw: PDF/A refuses a document with a character that has no glyph."""

from __future__ import annotations

import importlib.util
import mmap
import struct
from functools import cache
from pathlib import Path

import numpy as np

from auditor.errors import UsageError, visible
from auditor.language import say
from auditor.reports._told import whole

FAMILY = "Noto Sans CJK SC"
FACE = 2  # its place in the collection
SEGMENTS = 12  # format of a character map: groups of first and last character


class Ink:
    """A face of a font collection, by the characters that it has.

    Parameters
    ----------
    path
        An OpenType collection. Source: OpenType 1.9.1, `cmap`, format 12.
    face
        Which of its faces.
    """

    def __init__(self, path: Path, face: int = FACE) -> None:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            (start,) = struct.unpack_from(">I", data, 12 + 4 * face)
            (tables,) = struct.unpack_from(">H", data, start + 4)
            entries = [struct.unpack_from(">4sIII", data, start + 12 + 16 * at) for at in range(tables)]
            characters = next(offset for tag, _, offset, _ in entries if tag == b"cmap")
            (maps,) = struct.unpack_from(">H", data, characters + 2)
            places = [struct.unpack_from(">HHI", data, characters + 4 + 8 * at)[2] for at in range(maps)]
            at = next(
                characters + place
                for place in places
                if struct.unpack_from(">H", data, characters + place)[0] == SEGMENTS
            )
            (groups,) = struct.unpack_from(">I", data, at + 12)
            ranges = np.frombuffer(data[at + 16 : at + 16 + 12 * groups], ">u4").reshape(-1, 3)
        self._first, self._last = ranges[:, 0].astype(np.int64), ranges[:, 1].astype(np.int64)

    def draws(self, char: str) -> bool:
        """Whether there is a glyph for a character."""
        at = int(np.searchsorted(self._first, ord(char), side="right")) - 1
        return at >= 0 and ord(char) <= int(self._last[at])

    def written(self, text: str) -> str:
        """Give a text in characters that can be drawn; others are named by their number."""
        text = visible(whole(text))
        if text.isascii():
            return text
        lost = {ord(char): f"[U+{ord(char):04X}]" for char in set(text) if not self.draws(char)}
        return text.translate(lost) if lost else text


@cache
def font() -> tuple[Path, Ink]:
    """Find the folder of the font, and what it draws.

    Raises
    ------
    UsageError
        What makes PDFs is not installed.
    """
    module = importlib.util.find_spec("noto_cjk_sans_otc")
    if module is None or module.origin is None or importlib.util.find_spec("typst") is None:
        raise UsageError(say("a PDF needs typst and its font: pip install 'auditor[pdf]'"))
    path = Path(module.origin).parent
    return path, Ink(path / "NotoSansCJK-Regular.ttc")
