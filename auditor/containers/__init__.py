"""Files that hold compressed parts or a database: opened in a child process with limits of memory and time.

A task is a module of this package with ``read(data: bytes)``, whose answer is JSON. The child gets the bytes
on its standard input, writes no file and opens no socket; when it dies, the file is refused and nothing else
is hurt.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import orjson

MEMORY_BYTES = 1 << 30
SECONDS = 60
TASKS = ("gpkg", "kmz", "xlsx")


class ContainerError(Exception):
    """A file that is refused: what is wrong with it, and what to do.

    Parameters
    ----------
    what, hint
        As in a problem of a declaration.
    """

    def __init__(self, what: str, hint: str = "") -> None:
        self.what, self.hint = what, hint
        super().__init__(what)


@dataclass(frozen=True)
class Limits:
    """What a child may use.

    Parameters
    ----------
    memory_bytes
        Address space.
    seconds
        Time of the processor, and by the clock.
    """

    memory_bytes: int = MEMORY_BYTES
    seconds: int = SECONDS


def read_boxed(task: str, data: bytes, limits: Limits = Limits()) -> Any:
    """Read a container in a child process.

    Parameters
    ----------
    task
        Name of the module that reads it.
    data
        Bytes of the file.
    limits
        What the child may use.

    Raises
    ------
    ContainerError
        If the file is refused, or the child went beyond its limits or broke.
    """
    if task not in TASKS:
        raise ValueError(task)
    command = [sys.executable, "-P", "-m", "auditor.containers._child", task]
    command += [str(limits.memory_bytes), str(limits.seconds)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=limits.seconds, check=False)  # noqa: S603 -- fixed
    except subprocess.TimeoutExpired:
        raise ContainerError(f"takes longer than {limits.seconds} s to open", "is it made to hurt?") from None
    try:
        answer = orjson.loads(done.stdout)
    except orjson.JSONDecodeError:
        much = f"takes more than {limits.memory_bytes >> 20:,} MB or {limits.seconds} s to open, or breaks"
        raise ContainerError(f"{much} the program that opens it", "is it made to hurt?") from None
    if "refused" in answer:
        raise ContainerError(*answer["refused"])
    return answer["read"]
