"""Workbooks in which no cell is ever a formula, the same bytes for the same content."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

from openpyxl.cell import WriteOnlyCell

LONGEST = 32_767  # UTF-16 units of a cell, more of which spreadsheets cut off
MOST_ROWS = 1 << 20
MOMENT = (1980, 1, 1, 0, 0, 0)  # the earliest that ZIP knows
CORE = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")
ESCAPED = re.compile(
    "[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)"
)  # as Excel writes what XML cannot


def escaped(text: str) -> str:
    r"""Write what XML cannot hold as spreadsheets do.

    Examples
    --------
    >>> escaped("a\x1bb")
    'a_x001B_b'
    """
    return ESCAPED.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def units(text: str) -> int:
    """Count a text's UTF-16 units, which spreadsheets limit."""
    return len(text.encode("utf-16-le")) // 2


def text_cell(sheet: Any, text: str) -> Any:
    """Give a cell that is text whatever it begins with, in text format."""
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    cell.number_format = "@"
    return cell


def saved(book: Any) -> bytes:
    """Give the bytes of a workbook, without the times that its archive would hold."""
    buffer, made = io.BytesIO(), io.BytesIO()
    book.save(buffer)
    with zipfile.ZipFile(buffer) as given, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for name in given.namelist():
            data = given.read(name)
            if name == "docProps/core.xml":
                data = CORE.sub(rb"\g<1>1980-01-01T00:00:00Z", data)
            member = zipfile.ZipInfo(name, MOMENT)
            member.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(member, data)
    return made.getvalue()
