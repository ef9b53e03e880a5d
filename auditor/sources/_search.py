"""Searching sorted addresses for millions of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from auditor.columns import IntArray

CHUNK = 1 << 16  # addresses that are sorted at a time: neighbours then find their way in the same memory


def positions(starts: Any, addresses: Any) -> IntArray:
    """Count the starts that are no more than each address.

    Parameters
    ----------
    starts
        Lowest first: uint32, or 16 bytes.
    addresses
        Of the same kind.

    Examples
    --------
    >>> positions(np.array([10, 20, 20], np.uint32), np.array([20, 9, 11], np.uint32)).tolist()
    [3, 0, 1]
    """
    if starts.dtype.kind != "S":
        return _sorted_search(starts, addresses)
    # Numbers compare ten times as fast as bytes: the upper halves settle all but equal ones.
    upper, lower = _halves(starts)
    wanted, _ = _halves(addresses)
    found = _sorted_search(upper, wanted)
    if lower.any():
        same = np.flatnonzero(np.append(upper, np.uint64(0))[found - 1] == wanted)
        found[same] = np.searchsorted(starts, addresses[same], side="right")
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
