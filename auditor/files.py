"""Files that are read whole: plain ones only, and none that would fill the memory."""

from __future__ import annotations

import errno
import stat
from pathlib import Path
from typing import TYPE_CHECKING

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
        raise IsADirectoryError(errno.EISDIR, "it is a folder", str(path))
    if not stat.S_ISREG(known.st_mode):
        raise OSError(errno.EINVAL, "it is no plain file", str(path))
    if known.st_size > most:
        raise OSError(errno.EFBIG, f"it is larger than {most >> 20:,} MB", str(path))
    return path.read_bytes()
