"""Answers that are on disk already are not asked for again, for some days."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.archive import Archive

AHEAD = dt.timedelta(days=1)  # what is dated further in the future was dated by a clock that was wrong


@dataclass(frozen=True)
class Kept:
    """A raw answer: its bytes, their digest, the status it came with (0 where there is none), and when."""

    body: bytes
    digest: str
    status: int
    at: dt.datetime


@dataclass(frozen=True)
class Memory:
    """Raw answers of an archive, by question; each is journaled at once, so that a killed run goes on."""

    archive: Archive
    now: Callable[[], dt.datetime]
    days: int

    def recall(self, key: str) -> Kept | None:
        """Give the answer to a question; none if it was not asked, long ago, or what was kept is damaged."""
        record = self.archive.recall(key) or {}
        try:
            at, digest, status = (
                dt.datetime.fromisoformat(record["at"]),
                record["digest"],
                int(record["status"]),
            )
            if not -AHEAD <= self.now() - at < dt.timedelta(days=self.days):
                return None
        except (KeyError, TypeError, ValueError):
            return None
        body = self.archive.read(digest)
        return None if body is None else Kept(body, digest, status, at)

    def keep(self, key: str, body: bytes, status: int = 0, *, final: bool = True) -> Kept:
        """Keep the answer to a question; one that is not final is kept, but asked for again the next time."""
        at = self.now()
        digest = self.archive.keep(body)
        if final:
            self.archive.remember(key, {"digest": digest, "status": status, "at": at.isoformat()})
        return Kept(body, digest, status, at)
