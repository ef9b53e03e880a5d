"""Files kept by their content: what was declared, what was found, what was sent.

A file is written beside its place, flushed to the disk and only then renamed to its digest, so that what has
the name of a digest is whole. Nothing is ever overwritten or removed.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.files import MOST_BYTES, read_plain
from auditor.language import say
from auditor.scans.canonical import sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from auditor.language import Said

WRITERS = 8  # threads that wait for the disk
DIGEST = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """A folder of files by content.

    Parameters
    ----------
    folder
        Made when the first file is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: str) -> Path:
        """Where a file with this digest lies, if it is there."""
        if not DIGEST.fullmatch(digest):
            raise ValueError(digest)
        return self.folder / "sha256" / digest[:2] / digest[2:4] / digest

    def put(self, data: bytes) -> str:
        """Keep bytes, durably, and give their digest."""
        digest = sha256(data)
        target = self.path(digest)
        if _whole(target, data):
            return digest
        fresh = not target.parent.exists()
        target.parent.mkdir(parents=True, exist_ok=True)
        self.unfinished.mkdir(exist_ok=True)
        part = self.unfinished / f"{digest}.{uuid.uuid4().hex}"
        try:
            with part.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.chmod(0o444)
            os.replace(part, target)  # noqa: PTH105 -- the one call that is atomic
        finally:
            with contextlib.suppress(OSError):
                part.unlink()
        for folder in list(target.parents)[: 4 if fresh else 1]:
            _flush(folder)
        return digest

    def put_all(self, parts: Iterable[bytes]) -> list[str]:
        """Keep many; the disk is waited for side by side."""
        with ThreadPoolExecutor(WRITERS) as pool:
            return list(pool.map(self.put, parts))

    def get(self, digest: str) -> bytes:
        """Read a file back and hash it again.

        Raises
        ------
        OSError
            It is missing, or not what its name says.
        """
        data = read_plain(self.path(digest), MOST_BYTES * 2)
        if sha256(data) != digest:
            raise OSError(0, say("it is not what it was when it was kept"), str(self.path(digest)))
        return data

    @property
    def unfinished(self) -> Path:
        """Folder of what is being written, or was when something broke off."""
        return self.folder / "unfinished"

    def verify(self, wanted: Iterable[str]) -> Iterator[Said]:
        """Name what is missing, changed, or lies there and belongs to nothing."""
        wanted = set(wanted)
        for digest in sorted(wanted):
            try:
                self.get(digest)
            except FileNotFoundError:
                yield say("evidence: {digest} is missing", digest=digest)
            except OSError:
                yield say("evidence: {digest} was changed", digest=digest)
        kept = self.folder / "sha256"
        for here, folders, files in os.walk(kept):
            links = [name for name in folders if Path(here, name).is_symlink()]
            for name in sorted([*files, *links]):
                if not (DIGEST.fullmatch(name) and Path(here) == self.path(name).parent):
                    yield say(
                        "evidence: {name} was added", name=str(Path(here, name).relative_to(self.folder))
                    )


def _whole(target: Path, data: bytes) -> bool:
    """Whether the file is there as it must be; a broken one is written anew."""
    try:
        known = target.lstat()
        return stat.S_ISREG(known.st_mode) and known.st_size == len(data) and target.read_bytes() == data
    except OSError:
        return False


def _flush(folder: Path) -> None:
    """Make a rename last; where folders cannot be flushed the system does it in its own time."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)
