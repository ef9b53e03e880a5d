"""What a run judged of one operator, fetched from the store: for reports, and for a case file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from auditor.errors import UsageError
from auditor.language import say
from auditor.scans import items, judging, tables
from auditor.scans.canonical import sha256

if TYPE_CHECKING:
    from auditor.result import AuditResult
    from auditor.scans.blobs import Blobs
    from auditor.scans.judging import Given
    from auditor.scans.store import Store


class Kept(NamedTuple):
    """A result that the store keeps.

    Parameters
    ----------
    key
        How the operator is called.
    run
        The run that judged it.
    given
        What was judged.
    result
        Digest of what came of it.
    """

    key: str
    run: int
    given: Given
    result: str


def kept(store: Store, key: str, run: int | None = None) -> Kept:
    """Find a result.

    Parameters
    ----------
    run
        Of which run; of the last that judged the operator if it is not given.

    Raises
    ------
    UsageError
        There is no such operator, or the run did not judge it.
    """
    item, own = tables.item, tables.operator
    wanted = sa.select(item.c.run_id, item.c.operator_id, item.c.result)
    wanted = wanted.join_from(item, own, own.c.id == item.c.operator_id)
    wanted = wanted.where(own.c.key == key, item.c.state == "done").order_by(item.c.run_id.desc()).limit(1)
    if run is not None:
        wanted = wanted.where(item.c.run_id == run)
    with store.read() as connection:
        row = connection.execute(wanted).first()
    if row is None:
        told = say("no run has judged {operator}; see `auditor history`", operator=key)
        if run is not None:
            told = say("run {run} has not judged {operator}; see `auditor history`", run=run, operator=key)
        raise UsageError(told)
    return Kept(key, row.run_id, items.given(store, row.run_id, row.operator_id), row.result)


def again(blobs: Blobs, found: Kept) -> tuple[AuditResult, bool]:
    """Judge once more what was judged, on the terms of its run.

    Returns
    -------
    tuple
        The result, and whether it is, byte for byte, the one that the store keeps.

    Raises
    ------
    UsageError
        The run was judged by other rules than this auditor has.
    """
    result = judging.judged(blobs, found.key, found.given)
    return result, sha256(judging.packed(judging.whole(result))) == found.result


def unpack(blobs: Blobs, found: Kept, folder: str | Path) -> None:
    """Write the files that were judged into a folder that is made.

    Raises
    ------
    UsageError
        There is something there already.
    """
    root = Path(folder)
    if root.exists():
        raise UsageError(say("{folder}: is there already; give a folder that is not", folder=str(root)))
    blobs.lay_out(found.given.files, root)
