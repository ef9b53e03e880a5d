"""KML: placemarks in WGS84; the records of the declaration are data of the document."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

from lxml import etree

from auditor.columns import CARRIED
from auditor.writers._content import Writer
from auditor.writers._geometry import drawn

if TYPE_CHECKING:
    from auditor.writers._content import Content
    from auditor.writers._geometry import Drawn

SPACE = "http://www.opengis.net/kml/2.2"
PLAIN: Any = {None: SPACE}  # no prefix: the KML reader of GDAL knows none
UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # for XML, however it is written


def write(content: Content) -> bytes:
    """Write nodes as points and links as lines; data keep what is declared, as text.

    A cell or column with a character that XML cannot hold is left out.
    """
    buffer = io.BytesIO()
    with etree.xmlfile(buffer, encoding="utf-8") as file:
        file.write_declaration()
        with file.element(f"{{{SPACE}}}kml", nsmap=PLAIN), file.element(f"{{{SPACE}}}Document"):
            if content.carried_text:
                file.write(_extended({CARRIED: UNFIT.sub(_escaped, content.carried_text)}))
            for rows in drawn(content):
                for row in rows:
                    file.write("\n", _placemark(row))
    return buffer.getvalue() + b"\n"


def _escaped(match: re.Match[str]) -> str:
    """Write a character of JSON as JSON may."""
    return f"\\u{ord(match[0]):04x}"


def _placemark(row: Drawn) -> Any:
    placemark = etree.Element(f"{{{SPACE}}}Placemark", nsmap=PLAIN)
    texts = {name: _text(value) for name, value in row.columns.items()}
    fit = {name: text for name, text in texts.items() if not UNFIT.search(name + text)}
    if "name" in fit:
        _add(placemark, "name", fit.pop("name"))
    placemark.append(_extended(fit))
    if row.places:
        shape = _add(placemark, "Point" if len(row.places) == 1 else "LineString")
        _add(shape, "coordinates", " ".join(f"{lon!r},{lat!r}" for lon, lat in row.places))
    return placemark


def _extended(texts: dict[str, str]) -> Any:
    extended = etree.Element(f"{{{SPACE}}}ExtendedData", nsmap=PLAIN)
    for name, text in texts.items():
        data = etree.SubElement(extended, f"{{{SPACE}}}Data", {"name": name})
        _add(data, "value", text)
    return extended


def _add(parent: Any, tag: str, text: str | None = None) -> Any:
    element = etree.SubElement(parent, f"{{{SPACE}}}{tag}")
    element.text = text
    return element


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


WRITER = Writer("kml", (".kml",), write)
