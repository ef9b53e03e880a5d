"""KMZ: the KML, packed; the same declaration gives the same bytes."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from auditor.writers._content import Writer
from auditor.writers.kml import write as write_kml

if TYPE_CHECKING:
    from auditor.writers._content import Content

DOC = "doc.kml"
START = (1980, 1, 1, 0, 0, 0)  # the earliest time that ZIP knows
UNIX, MODE = 3, 0o100644 << 16


def write(content: Content) -> bytes:
    """Pack what the KML writer writes."""
    member = zipfile.ZipInfo(DOC, START)
    member.create_system, member.external_attr = UNIX, MODE
    member.compress_type = zipfile.ZIP_DEFLATED
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(member, write_kml(content))
    return buffer.getvalue()


WRITER = Writer("kmz", (".kmz",), write)
