"""Files kept by their content: what was declared, what was found, what was sent.

A file is written beside its place, flushed to the disk and only then renamed to its digest, so that what has
the name of a digest is whole. Nothing is ever overwritten or removed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import stat
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.files import MOST_BYTES, read_plain, reason_of
from auditor.language import say
from auditor.scans.canonical import sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from auditor.language import Said

DIGEST = re.compile(r"[0-9a-f]{64}")
CHUNK = 1 << 20


class BrokenBlobError(OSError):
    """A file of the evidence that is missing, or is not what its name says."""


class UnwritableError(OSError):
    """A folder of ours takes nothing more: it is full, or locked; no operator is at fault."""


@contextlib.contextmanager
def written_to(folder: Path) -> Iterator[None]:
    """Tell a fault of writing to a folder of ours from one of reading what an operator gave.

    Raises
    ------
    UnwritableError
        With the folder.
    """
    try:
        yield
    except OSError as error:
        why = say(
            "cannot be written: {reason}; nothing is lost: mend it, and do this again",
            reason=reason_of(error),
        )
        raise UnwritableError(error.errno, why, str(folder)) from error


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
        if self._holds(digest):
            return digest
        with self._part() as part:
            _write(part, [data])
            self._place(part, digest)
        return digest

    def put_file(self, path: Path) -> tuple[str, int]:
        """Keep a file without taking it into memory; give its digest and size."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
        if self._holds(digest):
            return digest, size
        with path.open("rb") as source, self._part() as part:
            _write(part, iter(lambda: source.read(CHUNK), b""))
            with part.open("rb") as copy:  # it may have changed meanwhile: what was copied counts
                digest = hashlib.file_digest(copy, "sha256").hexdigest()
                size = copy.tell()
            self._place(part, digest)
        return digest, size

    def _holds(self, digest: str) -> bool:
        """Whether a file is there as it must be; a broken one is written anew."""
        try:
            if not stat.S_ISREG(self.path(digest).lstat().st_mode):
                return False
            with self.path(digest).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == digest
        except OSError:
            return False

    @contextlib.contextmanager
    def _part(self) -> Iterator[Path]:
        """Give a path to write to, which is empty again afterwards."""
        with written_to(self.folder):
            self.unfinished.mkdir(parents=True, exist_ok=True)
        part = self.unfinished / uuid.uuid4().hex
        try:
            yield part
        finally:
            with contextlib.suppress(OSError):
                part.unlink()

    def _place(self, part: Path, digest: str) -> None:
        """Give a file that is on the disk the name of its digest, for good."""
        target = self.path(digest)
        fresh = not target.parent.exists()
        with written_to(self.folder):
            target.parent.mkdir(parents=True, exist_ok=True)
            part.chmod(0o444)
            os.replace(part, target)  # noqa: PTH105 -- the one call that is atomic
        for folder in list(target.parents)[: 4 if fresh else 1]:
            flush_folder(folder)

    def get(self, digest: str) -> bytes:
        """Read a file back and hash it again.

        Raises
        ------
        BrokenBlobError
            It is missing, or not what its name says.
        """
        place = self.path(digest)
        try:
            data = read_plain(place, MOST_BYTES * 2)
        except FileNotFoundError as error:
            raise BrokenBlobError(error.errno, error.strerror, str(place)) from None
        if sha256(data) != digest:
            what = say("it is not what it was when it was kept")
            raise BrokenBlobError(errno.EINVAL, what, str(place))
        return data

    def lay_out(self, files: Iterable[tuple[str, str]], root: Path) -> None:
        """Write files, by path and digest, into a folder as they were when they were kept."""
        for path, digest in files:
            place, data = root / path, self.get(digest)
            with written_to(root.parent):
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data)

    @property
    def unfinished(self) -> Path:
        """Folder of what is being written, or was when something broke off."""
        return self.folder / "unfinished"

    def verify(self, wanted: Iterable[str]) -> Iterator[Said]:
        """Name what is missing, changed, or lies there and belongs to nothing."""
        for digest in sorted(set(wanted)):
            if not DIGEST.fullmatch(digest):  # the row that names it was changed
                yield say("evidence: {digest} is no digest", digest=digest)
                continue
            try:
                self.get(digest)
                if self.path(digest).is_symlink():
                    yield say("evidence: {digest} is a link to another place", digest=digest)
            except BrokenBlobError as error:
                if error.errno == errno.ENOENT:
                    yield say("evidence: {digest} is missing", digest=digest)
                else:
                    yield say("evidence: {digest} was changed", digest=digest)
            except OSError as error:
                yield say(
                    "evidence: {digest} cannot be read: {reason}", digest=digest, reason=reason_of(error)
                )
        kept = self.folder / "sha256"
        for here, folders, files in os.walk(kept):
            links = [name for name in folders if Path(here, name).is_symlink()]
            for name in sorted([*files, *links]):
                if not (DIGEST.fullmatch(name) and Path(here) == self.path(name).parent):
                    yield say(
                        "evidence: {name} was added", name=str(Path(here, name).relative_to(self.folder))
                    )


def _write(part: Path, chunks: Iterable[bytes]) -> None:
    """Write a new file and flush it to the disk; a fault of what gives the chunks is not ours."""
    folder = part.parent.parent
    with written_to(folder):
        file = part.open("xb", buffering=0)
    with file:
        for chunk in chunks:
            rest = memoryview(chunk)
            with written_to(folder):
                while rest:
                    rest = rest[file.write(rest) :]
        with written_to(folder):
            os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
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
