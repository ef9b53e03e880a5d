"""Searching sorted addresses for millions of others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from auditor.columns import IntArray

CHUNK = 1 << 16  # addresses that are sorted at a time: neighbours then find their way in the same memory


@dataclass(frozen=True)
class Sorted:
    """Addresses to search in.

    Parameters
    ----------
    starts
        Lowest first: uint32, or 16 bytes.

    Examples
    --------
    >>> Sorted(np.array([10, 20, 20], np.uint32)).positions(np.array([20, 9, 11], np.uint32)).tolist()
    [3, 0, 1]
    """

    starts: Any

    @cached_property
    def _upper(self) -> Any:
        return _halves(self.starts)[0]

    @cached_property
    def _even(self) -> bool:
        """Whether upper halves tell all that there is."""
        return not _halves(self.starts)[1].any()

    def positions(self, addresses: Any) -> IntArray:
        """Count the starts that are no more than each address."""
        if self.starts.dtype.kind != "S":
            return _sorted_search(self.starts, addresses)
        # Numbers compare ten times as fast as bytes: the upper halves settle all but equal ones.
        wanted, _ = _halves(addresses)
        found = _sorted_search(self._upper, wanted)
        if not self._even and len(found):
            same = np.flatnonzero(self._upper.take(found - 1, mode="wrap") == wanted)
            found[same] = np.searchsorted(self.starts, addresses[same], side="right")
        return found


def _sorted_search(starts: Any, addresses: Any) -> IntArray:
    """Half the time of one search in all of them, as they come."""
    found = np.empty(len(addresses), np.int64)
    for start in range(0, len(addresses), CHUNK):
        some = addresses[start : start + CHUNK]
        order = np.argsort(some)
        found[start : start + CHUNK][order] = np.searchsorted(starts, some[order], side="right")
    return found


def _halves(addresses: Any) -> tuple[Any, Any]:
    words = np.ascontiguousarray(addresses).view(">u8").reshape(-1, 2).astype(np.uint64)
    return np.ascontiguousarray(words[:, 0]), np.ascontiguousarray(words[:, 1])
