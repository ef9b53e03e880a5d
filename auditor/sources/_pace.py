"""How fast a host is asked, and when it is left alone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FAILURES = 10  # in a row, after which a host is taken to be out of reach for this run


@dataclass
class Pace:
    """Keeps questions to one host apart, and remembers hosts that are not to be asked again.

    Parameters
    ----------
    per_second
        Questions a second to one host, at most.
    now, sleep
        As in `auditor.asking.Tools`.
    """

    per_second: float
    now: Callable[[], dt.datetime]
    sleep: Callable[[float], None]
    _next_at: dict[str, dt.datetime] = field(default_factory=dict)
    _closed_until: dict[str, dt.datetime] = field(default_factory=dict)
    _failures: dict[str, int] = field(default_factory=dict)

    def wait(self, host: str) -> None:
        """Wait for the turn of a question to a host."""
        now = self.now()
        turn = max(now, self._next_at.get(host, now))
        self._next_at[host] = turn + dt.timedelta(seconds=1 / self.per_second)
        if turn > now:
            self.sleep((turn - now).total_seconds())

    def close(self, host: str, until: dt.datetime) -> None:
        """Leave a host alone until a time that it named."""
        self._closed_until[host] = until

    def closed_until(self, host: str) -> dt.datetime | None:
        """Until when a host wants to be left alone; none if it may be asked."""
        until = self._closed_until.get(host)
        return until if until is not None and until > self.now() else None

    def count(self, host: str, *, failed: bool) -> None:
        """Note whether a host could be reached."""
        self._failures[host] = self._failures.get(host, 0) + 1 if failed else 0

    def lost(self, host: str) -> bool:
        """Whether a host failed too often in a row to be asked again."""
        return self._failures.get(host, 0) >= FAILURES
