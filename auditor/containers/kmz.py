"""The KML in a KMZ: ``doc.kml``, or the only one at the root of the archive; nothing else is unpacked."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import Any

from auditor.containers import ContainerError
from auditor.containers._zip import HURT, MOST_MEMBERS, Archive

DOC, SUFFIX = "doc.kml", ".kml"
CENTRAL = b"PK\x01\x02"  # begins each entry of an archive's list
MOST_BYTES = 128 << 20  # of the KML; the answer takes some three times as much
SHOWN = 5


def read(data: bytes) -> dict[str, Any]:
    """Unpack the KML.

    Returns
    -------
    dict
        ``kml``, its bytes each as one character, and ``others``: how many other files by their ending.

    Raises
    ------
    ContainerError
        If the archive is broken or made to hurt, or holds no KML or several.
    """
    entries = data.count(CENTRAL)
    if entries > MOST_MEMBERS:  # before they are read, which takes half a kilobyte each
        raise ContainerError(f"holds {entries:,} files, more than {MOST_MEMBERS:,}", HURT)
    archive = Archive(data)
    files = [member for member in archive.members if not member.filename.endswith("/")]
    roots = [m for m in files if "/" not in m.filename and m.filename.lower().endswith(SUFFIX)]
    docs = [member for member in roots if member.filename.lower() == DOC] or roots
    if not docs:
        raise ContainerError("holds no .kml at its root", f"pack one with it, called {DOC}")
    if len(docs) > 1:
        shown = ", ".join(repr(member.filename[:60]) for member in docs[:SHOWN])
        more = f" and {len(docs) - SHOWN:,} more" if len(docs) > SHOWN else ""
        raise ContainerError(f"holds several .kml: {shown}{more}", f"which one holds? call it {DOC}")
    kml = bytearray()
    for block in archive.stream(docs[0]):
        kml += block
        if len(kml) > MOST_BYTES:
            raise ContainerError(f"holds more than {MOST_BYTES >> 20} MB of KML", "give the .kml itself")
    others = Counter(_kind(member.filename) for member in files if member is not docs[0])
    return {"kml": kml.decode("latin-1"), "others": dict(others.most_common(20))}


def _kind(name: str) -> str:
    suffix = PurePosixPath(name).suffix.lower()
    return f"files {suffix[:20]}" if suffix else "files without an ending"
