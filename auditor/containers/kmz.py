"""The KML in a KMZ: ``doc.kml``, or the only one at the root of the archive; nothing else is unpacked."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import Any

from auditor.containers import ContainerError
from auditor.containers._zip import Archive
from auditor.language import say

DOC, SUFFIX = "doc.kml", ".kml"
MOST_BYTES = 128 << 20  # of the KML; the answer takes some three times as much
SHOWN = 5


def read(data: bytes) -> dict[str, Any]:
    """Unpack the KML.

    Returns
    -------
    dict
        ``kml``, its bytes each as one character, and ``others``: pairs of a kind of other files and how many
        there are.

    Raises
    ------
    ContainerError
        If the archive is broken or made to hurt, or holds no KML or several.
    """
    archive = Archive(data)
    files = [member for member in archive.members if not member.filename.endswith("/")]
    roots = [m for m in files if "/" not in m.filename and m.filename.lower().endswith(SUFFIX)]
    docs = [member for member in roots if member.filename.lower() == DOC] or roots
    if not docs:
        raise ContainerError(
            say("holds no .kml at its root"), say("pack one with it, called {name}", name=DOC)
        )
    if len(docs) > 1:
        shown = [repr(member.filename[:60]) for member in docs[:SHOWN]]
        what = say("holds several .kml: {names}", names=shown)
        if len(docs) > SHOWN:
            more = len(docs) - SHOWN
            what = say("holds several .kml: {names} and {count:,} more", names=shown, count=more)
        raise ContainerError(what, say("which one holds? call it {name}", name=DOC))
    kml = bytearray()
    for block in archive.stream(docs[0]):
        kml += block
        if len(kml) > MOST_BYTES:
            raise ContainerError(
                say("holds more than {most} MB of KML", most=MOST_BYTES >> 20), say("give the .kml itself")
            )
    others = Counter(_kind(member.filename) for member in files if member is not docs[0])
    return {"kml": kml.decode("latin-1"), "others": others.most_common(20)}


def _kind(name: str) -> str:
    suffix = PurePosixPath(name).suffix.lower()
    return say("files {suffix}", suffix=suffix[:20]) if suffix else say("files without an ending")
