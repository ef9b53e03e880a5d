"""KMZ: the KML in a ZIP archive, unpacked in a child process; what else is packed with it is listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.containers import ContainerError, heard, read_boxed
from auditor.language import say
from auditor.readers._registry import Export, Reader, parsers
from auditor.tables import Unused

if TYPE_CHECKING:
    from auditor.tables import Log


def parse(data: bytes, file: str, log: Log) -> Export | None:
    """Give nodes and links of the one KML file; its lines are meant in messages."""
    try:
        answer = read_boxed("kmz", data)
    except ContainerError as error:
        log.problems.add(file, "", "", error.what, error.hint)
        return None
    for what, times in ((heard(what), times) for what, times in answer["others"]):
        log.unused.append(Unused(file, what, say("not read ({count:,} of them)", count=times)))
        log.partial |= what.lower().endswith((".kml", ".kmz"))
    return parsers()[".kml"](answer["kml"].encode("latin-1"), file, log)


READER = Reader("kmz", (".kmz",), parse)
