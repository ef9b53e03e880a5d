"""Files that are read whole: plain ones only, and none that would fill the memory."""

from __future__ import annotations

import errno
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from auditor.errors import UsageError
from auditor.language import Said, say

if TYPE_CHECKING:
    from os import PathLike

MOST_BYTES = 1 << 30


def read_plain(path: str | PathLike[str], most: int = MOST_BYTES) -> bytes:
    """Read a file whole; a pipe or a device, which may never end, is not opened.

    Raises
    ------
    OSError
        If it is missing, no plain file, or larger than `most` bytes; ``strerror`` says which.

    Examples
    --------
    >>> read_plain("/dev/zero")
    Traceback (most recent call last):
    OSError: [Errno 22] it is no plain file: '/dev/zero'
    """
    path = Path(path)
    known = path.stat()
    if stat.S_ISDIR(known.st_mode):
        raise IsADirectoryError(errno.EISDIR, say("it is a folder"), str(path))
    if not stat.S_ISREG(known.st_mode):
        raise OSError(errno.EINVAL, say("it is no plain file"), str(path))
    if known.st_size > most:
        raise OSError(errno.EFBIG, say("it is larger than {most:,} MB", most=most >> 20), str(path))
    return path.read_bytes()


def read_given(path: str | PathLike[str]) -> bytes:
    """Read a plain file that a person names.

    Raises
    ------
    UsageError
        If it cannot be read; it says why.
    """
    try:
        return read_plain(path)
    except OSError as error:
        raise UsageError(
            say("{path}: cannot be read: {reason}", path=path, reason=reason_of(error))
        ) from None


def reason_of(error: OSError) -> str:  # noqa: PLR0911 -- one a reason
    """Say why the system refused a file, in both languages where the reason is a common one.

    Examples
    --------
    >>> reason_of(FileNotFoundError(errno.ENOENT, "No such file or directory")).in_("zh")
    '没有此文件或文件夹'
    """
    if isinstance(error.strerror, Said):
        return error.strerror
    match error.errno:
        case errno.ENOENT:
            return say("No such file or directory")
        case errno.EACCES | errno.EPERM:
            return say("Permission denied")
        case errno.EISDIR:
            return say("Is a directory")
        case errno.ENOTDIR:
            return say("Not a directory")
        case errno.ENOSPC:
            return say("No space left on device")
        case errno.EROFS:
            return say("Read-only file system")
        case errno.ENAMETOOLONG:
            return say("File name too long")
        case errno.ELOOP:
            return say("Too many levels of symbolic links")
        case _:
            return str(error.strerror or error)
