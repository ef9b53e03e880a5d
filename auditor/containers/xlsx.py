"""Workbooks (.xlsx, .xlsm): every part looked at as a stream first, then the values read by calamine.

What calamine gets is an archive made anew of the parts that were looked at, so that nothing else reaches it.
Formulas, macros and links are counted and never run or followed.
"""

from __future__ import annotations

import datetime as dt
import io
import itertools
import math
import zipfile
from array import array
from typing import Any, cast

from lxml import etree
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from auditor.containers import ContainerError
from auditor.containers._looks import PARTS, Look, Relations, Sheet, Strings, Styles, Workbook
from auditor.containers._zip import HURT, Archive
from auditor.language import say

MOST_CELLS, MOST_TEXT = 15_000_000, 300_000_000  # of all sheets together
UNKNOWN_PREFIX = "NS_ERR_UNDEFINED_NAMESPACE"
LARGEST_WHOLE = 2**53
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
FIRST = ("xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/sharedstrings.xml", "xl/styles.xml")
OTHER = {
    "xl/vbaproject": say("macros"),
    "xl/macrosheets/": say("macros"),
    "xl/externallinks/": say("links to other workbooks"),
    "xl/embeddings/": say("embedded objects"),
    "xl/activex/": say("embedded controls"),
    "xl/ctrlprops/": say("embedded controls"),
    "xl/connections": say("connections to data sources"),
    "xl/querytables/": say("connections to data sources"),
    "xl/pivotcache/": say("pivot tables"),
    "xl/charts/": say("charts"),
    "xl/media/": say("pictures"),
    "xl/comments": say("comments on cells"),
    "xl/threadedcomments/": say("comments on cells"),
}


def read(data: bytes) -> dict[str, Any]:
    """Give all sheets of a workbook.

    Returns
    -------
    dict
        ``sheets``: each with ``name``, ``hidden``, ``first`` (number of the first row), ``rows``, numbers of
        ``formulas``, ``hidden_rows``, ``hidden_columns`` and ``merged``, rows of formulas that have no value
        (``lacking``), and the places of cells that show zeros which their number has not (``padded``). Cells
        are text, numbers, booleans, null, ``{"date": …}`` or ``{"error": …}``. ``other``: what else the file
        holds, each with its number.

    Raises
    ------
    ContainerError
        If it is no workbook, or one that is made to hurt.
    """
    if data.startswith(OLE):
        encrypted = "EncryptedPackage".encode("utf-16-le") in data
        what = say("is encrypted") if encrypted else say("is an old workbook (.xls) under another name")
        hint = say("save it without a password") if encrypted else say("save it as .xlsx")
        raise ContainerError(what, hint)
    archive = Archive(data)
    archive.measure()
    names = [member.filename.lower() for member in archive.members]
    _check_form(names)
    sheets, other, clean = _look(archive)
    try:
        with CalamineWorkbook.from_filelike(clean) as book:
            read_sheets = [
                _values(book, number, sheets)
                for number, known in enumerate(book.sheets_metadata)
                if known.typ == SheetTypeEnum.WorkSheet
            ]
            charts = len(book.sheets_metadata) - len(read_sheets)
    except (CalamineError, OSError, ValueError, OverflowError) as error:
        raise ContainerError(
            say("cannot be read as a workbook: {reason}", reason=str(error)[:200]), say("save it anew")
        ) from None
    if charts:
        other[say("sheets without cells")] = charts
    return {"sheets": read_sheets, "other": list(other.items())}


def _check_form(names: list[str]) -> None:
    if len(set(names)) < len(names):
        raise ContainerError(say("holds two parts whose names differ by case alone"), say("save it anew"))
    if "xl/workbook.bin" in names:
        raise ContainerError(say("is a binary workbook (.xlsb)"), say("save it as .xlsx"))
    if "content.xml" in names and "mimetype" in names:
        raise ContainerError(say("is an OpenDocument file under another name"), say("save it as .xlsx"))
    if "xl/workbook.xml" not in names:
        raise ContainerError(say("is a ZIP archive, but no workbook"), say("is it complete?"))


def _look(archive: Archive) -> tuple[list[Sheet | None], dict[str, int], io.BytesIO]:
    """Look at all parts; give what is known of each sheet, what is not read, and the archive made anew."""
    other: dict[str, int] = {}
    workbook, relations, strings, styles = Workbook(), Relations(), Strings(), Styles()
    looks: dict[str, Look] = dict(zip(FIRST, (workbook, relations, strings, styles), strict=True))
    clean = io.BytesIO()
    with zipfile.ZipFile(clean, "w") as target:
        for member in sorted(archive.members, key=lambda m: (m.filename.lower() not in FIRST, m.filename)):
            name = member.filename.lower()
            kind = next((what for start, what in OTHER.items() if name.startswith(start)), "")
            if kind and not name.endswith(".rels"):
                other[kind] = other.get(kind, 0) + 1
            if not name.endswith(PARTS):
                continue
            if name in relations.targets:
                looks[name] = Sheet(strings.lengths, styles.padded)
            look = looks.get(name) or Look()
            with target.open(zipfile.ZipInfo(member.filename), "w") as part:
                _parse(archive, member, look, part)
            if isinstance(look, Sheet):
                look.check()
    clean.seek(0)
    return _sheets(workbook, relations, looks), other, clean


def _sheets(workbook: Workbook, relations: Relations, looks: dict[str, Look]) -> list[Sheet | None]:
    """Give what is known of the sheets, in their order; none may be there twice, nor all be too much."""
    parts = {relation: name for name, relation in relations.targets.items()}
    names = [parts.get(relation) for relation in workbook.sheets]
    if len(set(names)) < len(names):
        raise ContainerError(say("has sheets that are the same part, or none"), HURT)
    found = [looks.get(name or "") for name in names]
    sheets = [look if isinstance(look, Sheet) else None for look in found]
    if sum(s.room for s in sheets if s) > MOST_CELLS or sum(s.text for s in sheets if s) > MOST_TEXT:
        raise ContainerError(say("holds more than {most:,} cells", most=MOST_CELLS), HURT)
    return sheets


def _parse(archive: Archive, member: zipfile.ZipInfo, look: Look, part: Any) -> None:
    """Stream one part through a strict parser and into the archive made anew."""
    parser = etree.XMLParser(
        target=cast("Any", look),
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        recover=False,
    )
    name = member.filename[:60]
    try:
        for block in archive.stream(member):
            parser.feed(block)
            if any(entry.type_name == UNKNOWN_PREFIX for entry in parser.feed_error_log):  # reads in two ways
                raise ContainerError(
                    say("{name!r} is no XML: a prefix stands for nothing", name=name), say("save it anew")
                )
            part.write(block)
        parser.close()
    except etree.XMLSyntaxError as error:
        raise ContainerError(
            say("{name!r} is no XML: {reason}", name=name, reason=error.msg), say("is it complete?")
        ) from None
    if any(entry.type_name == "NS_ERR_UNDEFINED_NAMESPACE" for entry in parser.feed_error_log):
        raise ContainerError(
            say("{name!r} is no XML: a prefix stands for nothing", name=name), say("save it anew")
        )  # two readings


def _values(book: CalamineWorkbook, number: int, looks: list[Sheet | None]) -> dict[str, Any]:
    """Give one sheet: its cells, and what the look at it brought."""
    known = book.sheets_metadata[number]
    look = (looks[number] if number < len(looks) else None) or Sheet(array("L"), set())
    sheet = book.get_sheet_by_index(number)
    top, left = sheet.start or (0, 0)
    lines = itertools.islice(sheet.iter_rows(), top, None)  # they begin with row 1, but the first used column
    rows = [[_value(value) for value in values] for values in lines]
    for row, column, text in look.errors:
        if row - top <= len(rows) and column - left <= len(rows[row - top - 1]):
            rows[row - top - 1][column - left - 1] = {"error": text}
    return {
        "name": known.name,
        "hidden": known.visible != SheetVisibleEnum.Visible,
        "first": top + 1,
        "rows": rows,
        "formulas": look.formulas,
        "lacking": look.lacking,
        "hidden_rows": len(look.hidden_rows),
        "hidden_columns": look.hidden_columns(),
        "merged": look.merged,
        "padded": [[row, column - left] for row, column in look.padded],
    }


def _value(value: Any) -> Any:
    """Give a cell: whole numbers as such, dates by name."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, float) and not math.isfinite(value):
        return {"error": str(value)}
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < LARGEST_WHOLE else value
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        value = value.date()
    if isinstance(value, dt.date | dt.time):
        return {"date": value.isoformat()}
    return value if isinstance(value, bool | int) else {"date": str(value)}
