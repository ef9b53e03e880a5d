"""Ways of doing the same in turns, and how fast each is: what the benchmarks of kernels share."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def in_turns(ways: dict[str, Callable[[], Any]], runs: int) -> dict[str, float]:
    """Median seconds of the processor for each way, run in turns."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, way in ways.items():
            start = time.process_time()
            way()
            times[name].append(time.process_time() - start)
    return {name: statistics.median(spent) for name, spent in times.items()}


def show(what: str, rows: int, seconds: float, more: str = "") -> None:
    """Print a line."""
    print(f"{what:58} {seconds:8.3f} s {rows / seconds / 1e6:8.2f} million/s {more}")
