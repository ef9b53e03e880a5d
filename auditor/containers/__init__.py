"""Files that hold compressed parts or a database: opened in a child process with limits of memory and time.

A task is a module of this package with ``read(data: bytes)``, whose answer is JSON. The child gets the bytes
on its standard input, writes no file and opens no socket; when it dies, the file is refused and nothing else
is hurt.
"""

from __future__ import annotations

import string
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import orjson

from auditor.language import Said, say

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


def written(answer: object) -> bytes:
    """Write what a child has to say as JSON; texts of two languages are kept as such."""
    return orjson.dumps(answer, default=_apart, option=orjson.OPT_PASSTHROUGH_SUBCLASS)


def _apart(value: object) -> object:
    if isinstance(value, Said):
        return {"say": value.template, "args": dict(value.args)}
    raise TypeError(type(value))


def heard(text: Any) -> str:
    """Take a text that a child has `written`; what it holds is filled in anew, and in plain ways alone."""
    if not isinstance(text, dict):
        return str(text)
    parts = string.Formatter().parse(text["say"])
    if any(spec not in {None, "", ","} for _, _, spec, _ in parts):
        raise ValueError(text["say"])
    args = {name: heard(arg) if isinstance(arg, dict) else arg for name, arg in text["args"].items()}
    return Said(text["say"], args)


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
        raise ContainerError(
            say("takes longer than {seconds} s to open", seconds=limits.seconds), say("is it made to hurt?")
        ) from None
    try:
        answer = orjson.loads(done.stdout)
    except orjson.JSONDecodeError:
        what = say(
            "takes more than {most:,} MB or {seconds} s to open, or breaks the program that opens it",
            most=limits.memory_bytes >> 20,
            seconds=limits.seconds,
        )
        raise ContainerError(what, say("is it made to hurt?")) from None
    if "refused" in answer:
        raise ContainerError(*map(heard, answer["refused"]))
    return answer["read"]
