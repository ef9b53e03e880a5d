"""The child process: sets its limits, reads standard input, answers on standard output."""

from __future__ import annotations

import importlib
import os
import sys

from auditor.containers import TASKS, ContainerError, written
from auditor.language import say


def _limit(memory_bytes: int, seconds: int) -> None:
    try:
        import resource  # noqa: PLC0415 -- not on every system
    except ImportError:
        return
    for what, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def main() -> None:
    """Read one container."""
    task, memory_bytes, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if task not in TASKS:
        raise ValueError(task)
    _limit(memory_bytes, seconds)
    data = sys.stdin.buffer.read()
    try:
        answer = {"read": importlib.import_module(f"auditor.containers.{task}").read(data)}
        out = written(answer)
    except ContainerError as error:
        out = written({"refused": [error.what, error.hint]})
    except MemoryError:
        out = written({"refused": [say("takes more than {most:,} MB to open", most=memory_bytes >> 20), ""]})
    sys.stdout.buffer.write(out)
    sys.stdout.buffer.flush()
    os._exit(0)  # nothing of a hostile file gets to run at exit


if __name__ == "__main__":
    main()
