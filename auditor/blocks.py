"""Address blocks as columns: first and last address as rows of bytes, and which block lies in which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditor.addresses import Addresses
from auditor.arrow import pc

if TYPE_CHECKING:
    import pyarrow as pa

    from auditor.columns import IntArray


def split(cells: Any) -> tuple[IntArray, pa.Array]:
    """Split a column of lists separated by ``;``: the row of each entry that is not blank, and its text."""
    lists = pc.split_pattern(pc.fill_null(cells.combine_chunks(), ""), ";")
    row = np.asarray(pc.list_parent_indices(lists).to_numpy(), np.int64)
    text = pc.utf8_trim_whitespace(pc.list_flatten(lists))
    filled = pc.not_equal(text, "")
    return row[filled.to_numpy(zero_copy_only=False)], text.filter(filled)


def addresses_of(cells: Any) -> tuple[IntArray, Addresses]:
    """Read a column of addresses separated by ``;``: the row of each address, and the addresses.

    Examples
    --------
    >>> import pyarrow as pa
    >>> row, found = addresses_of(pa.chunked_array([["192.0.2.1; 192.0.2.2", None, "2001:db8::1"]]))
    >>> row.tolist(), found.version.tolist()
    ([0, 0, 2], [4, 4, 6])
    """
    row, text = split(cells)
    return row, Addresses.of(text)


def keys(addresses: Addresses, version: int) -> tuple[IntArray, IntArray, IntArray]:
    """Rows of one IP version, and their first and last addresses as uint8 of shape (rows, 4 or 16)."""
    rows = np.flatnonzero(addresses.version == version)
    if version == 4:  # noqa: PLR2004
        ends = [as_bytes(part[rows].astype(">u4"), 4) for part in (addresses.low, addresses.high)]
    else:
        parts = (addresses.low6, addresses.high6)
        ends = [np.zeros((0, 16), np.uint8) if part is None else as_bytes(part[rows], 16) for part in parts]
    return rows, ends[0], ends[1]


def as_bytes(column: Any, width: int) -> IntArray:
    """View addresses as rows of bytes."""
    return np.ascontiguousarray(column).view(np.uint8).reshape(-1, width)


def within_any(inner: Addresses, blocks: Addresses) -> IntArray:
    """Give, for each address or block, the narrowest of `blocks` that holds it; -1 where none does.

    Of equal blocks the first counts.

    Examples
    --------
    >>> blocks = Addresses.of(["10.0.0.0/8", "2001:db8::/32", "10.1.0.0/16"])
    >>> within_any(Addresses.of(["10.1.2.3", "10.2.0.0/16", "2001:db8::1", "10.0.0.0/7"]), blocks).tolist()
    [2, 0, 1, -1]
    """
    found = np.full(len(inner), -1)
    for version in (4, 6):
        (mine, *range_), (theirs, *known) = keys(inner, version), keys(blocks, version)
        if len(mine) and len(theirs):
            found[mine] = np.append(theirs, -1)[_narrowest(*range_, *known)]
    return found


def _narrowest(low: Any, high: Any, starts: Any, ends: Any) -> IntArray:
    """Position of the narrowest block around each range: one search for each length that blocks have."""
    width = starts.shape[1]
    free = np.unpackbits(starts ^ ends, axis=1).sum(axis=1, dtype=np.int64)  # bits that are the host's
    found = np.full(len(low), -1)
    for host in np.unique(free)[::-1].tolist():
        keep = np.packbits(np.arange(8 * width) < 8 * width - host)
        at = np.flatnonzero(free == host)
        known = np.ascontiguousarray(starts[at]).view(f"S{width}").ravel()
        order = np.argsort(known, kind="stable")
        head = np.ascontiguousarray(low & keep).view(f"S{width}").ravel()
        place = np.minimum(np.searchsorted(known[order], head), len(at) - 1)
        held = (known[order][place] == head) & ((high & keep) == (low & keep)).all(axis=1)
        found[held] = at[order][place[held]]
    return found
