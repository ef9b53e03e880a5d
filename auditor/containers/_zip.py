"""ZIP archives that may lie about themselves: members are counted while they stream, and never written."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING

from auditor.containers import ContainerError
from auditor.language import say

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_MEMBERS = 10_000
MOST_BYTES = 512 << 20  # of all members together, unpacked
MOST_RATIO = 100  # unpacked to packed; XML of a real sheet stays below 50
FREE_BYTES = 4 << 20  # a member this small may be packed as tightly as it likes
BLOCK = 1 << 16
ENCRYPTED = 0x1
ENTRY = b"PK\x01\x02"  # begins an entry of the directory
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)
HURT = say("is it made to hurt?")


def _check_number(count: int) -> None:
    if count > MOST_MEMBERS:
        what = say("holds {count:,} files, more than {most:,}", count=count, most=MOST_MEMBERS)
        raise ContainerError(what, HURT)


class Archive:
    """A ZIP archive in memory.

    Parameters
    ----------
    data
        Its bytes.

    Raises
    ------
    ContainerError
        If it is none, has too many members, one twice, an encrypted one, or one whose name leads out of a
        folder.
    """

    def __init__(self, data: bytes) -> None:
        _check_number(data.count(ENTRY))  # before a list of them is made, which takes half a kilobyte each
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            self.members = self._zip.infolist()
        except (*BROKEN, MemoryError) as error:
            raise ContainerError(
                say("is no ZIP archive: {reason}", reason=str(error)), say("is it complete?")
            ) from None
        self._left = MOST_BYTES
        self._check()

    def _check(self) -> None:
        _check_number(len(self.members))
        seen = set()
        for member in self.members:
            name = member.filename
            path = PureWindowsPath(name)
            if path.drive or path.root or ".." in path.parts:
                raise ContainerError(
                    say("holds a file whose name leads out of a folder: {name!r}", name=name[:60]), HURT
                )
            if member.flag_bits & ENCRYPTED:
                raise ContainerError(say("is encrypted"), say("save it without a password"))
            if name in seen:
                raise ContainerError(say("holds {name!r} twice", name=name[:60]), say("save it anew"))
            seen.add(name)

    def measure(self) -> None:
        """Unpack all members once and keep nothing, so that a bomb is refused before anything reads it.

        Raises
        ------
        ContainerError
            When one of them, or all together, go beyond the limits.
        """
        for member in self.members:
            for _ in self.stream(member):
                pass
        self._left = MOST_BYTES

    def stream(self, member: zipfile.ZipInfo) -> Iterator[bytes]:
        """Give a member's bytes block by block, counting them against the limits.

        Raises
        ------
        ContainerError
            When it goes beyond them, or is broken.
        """
        most = max(FREE_BYTES, MOST_RATIO * member.compress_size)
        unpacked = 0
        try:
            with self._zip.open(member) as file:
                while block := file.read(BLOCK):
                    unpacked += len(block)
                    self._left -= len(block)
                    if unpacked > most:
                        what = say(
                            "{name!r} unpacks to more than {most} times its size",
                            name=member.filename[:60],
                            most=MOST_RATIO,
                        )
                        raise ContainerError(what, HURT)
                    if self._left < 0:
                        raise ContainerError(
                            say("unpacks to more than {most} MB", most=MOST_BYTES >> 20), HURT
                        )
                    yield block
        except BROKEN as error:
            what = say("{name!r} is damaged: {reason}", name=member.filename[:60], reason=str(error))
            raise ContainerError(what, say("is it complete?")) from None

    def read(self, member: zipfile.ZipInfo) -> bytes:
        """Give a whole member."""
        return b"".join(self.stream(member))
