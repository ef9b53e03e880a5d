"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def written_whole(target: str | Path) -> Iterator[Path]:
    """Give a path beside a file: what is written there takes the file's place at the end, or is removed.

    Nothing happens where nothing was written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with written_whole(f"{folder}/a.txt") as part:
    ...         _ = part.write_text("whole")
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['a.txt']
    """
    target = Path(target)
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(target.parent))
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        yield part
        if part.exists():
            os.replace(part, target)  # noqa: PTH105 -- the one call that is atomic
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def write_durably(target: str | Path, data: bytes) -> None:
    """Write a file whole or not at all, and flush it to the disk before it takes its place."""
    with written_whole(target) as part, part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
