"""Entries of a tree of JSON: plain values, and what is wrong or unused with them, counted by kind."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from auditor.language import say
from auditor.problems import SHOWN
from auditor.tables import Note, Unused

if TYPE_CHECKING:
    from auditor.tables import Log

Row: TypeAlias = "dict[str, Any]"


@dataclass
class Tally:
    """Collects what is said of entries: a million of the same fault are one long line, not a million.

    Parameters
    ----------
    file
        Names the file in messages.
    log
        Gets problems at once, the rest when the tally is closed.
    """

    file: str
    log: Log
    _faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    _unused: Counter[tuple[str, str]] = field(default_factory=Counter)

    def fault(self, where: str, key: str, what: str, hint: str = "") -> None:
        """Note a problem; after some of a kind they are counted alone."""
        self._faults[key, what] += 1
        if self._faults[key, what] <= SHOWN:
            self.log.problems.add(self.file, where, key, what, hint)

    def drop(self, what: str, why: str, times: int = 1, *, missed: bool = False) -> None:
        """Count something that is not used; `missed` where it may be a node or a link."""
        self.log.partial |= missed
        self._unused[what, why] += times

    def note(self, what: str) -> None:
        """Say what was assumed."""
        self.log.notes.append(Note(self.file, what))

    def close(self) -> None:
        """List what was counted."""
        for (key, what), times in self._faults.items():
            if times > SHOWN:
                self.log.problems.add(
                    self.file,
                    "",
                    key,
                    say("{what}: the same in {count:,} more", what=what, count=times - SHOWN),
                )
        for (what, why), times in self._unused.items():
            self.log.unused.append(
                Unused(
                    self.file,
                    what,
                    say("{why} ({count:,} of them)", why=why, count=times) if times > 1 else why,
                )
            )


def name_of(value: Any) -> str | None:
    """Give text or a whole number as a name; nothing for anything else, or for blank text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) and value.strip() else None


def records_of(value: Any) -> list[Any]:
    """Give the entries of a list; one record stands for a list of one, nothing for an empty one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def is_plain(value: Any) -> bool:
    """Whether a value fits into one cell."""
    return isinstance(value, str | int | float)
