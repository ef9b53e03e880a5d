"""The loop of a scanner: take items, have them judged, record what comes of them, until the run ends."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TYPE_CHECKING

from auditor.scans import boxes, items, runs
from auditor.scans.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from auditor.scans.boxes import Box
    from auditor.scans.items import Lease, Limits
    from auditor.scans.judging import Outcome
    from auditor.scans.store import Store

    Tell = Callable[[dict[str, int]], None]

AHEAD = 1  # items taken beyond those under way, so that no child waits for the database
LOOK_S = 0.5


def silent(_counts: dict[str, int]) -> None:
    """Tell nobody how a run goes on."""


def scan(
    store: Store, run: int, box: Box, limits: Limits, *, key: Path | None = None, tell: Tell = silent
) -> str | None:
    """Judge what waits of a run, and end it.

    Several scanners may work on one run: each item is recorded once. What another holds is waited for.

    Parameters
    ----------
    box
        Where items are judged.
    limits
        Of each item.
    key
        Signing key, if not the store's own.
    tell
        Gets the number of items by state, again and again.

    Returns
    -------
    str or None
        Root of the run, as it is signed.

    Raises
    ------
    AuditorError, OSError
        The store, the evidence or the terms cannot be used; the run goes on later where it was.
    """
    working: dict[Future[Outcome], Lease] = {}
    try:
        while _step(store, run, box, limits, working):
            tell(_counts(store, run))
    except BaseException:
        box.close()  # first, so that nobody judges any more what is given back
        with contextlib.suppress(StoreError):  # then the leases end with this process
            items.give_back(store, list(working.values()), counted=False, patient=False)
        raise
    tell(_counts(store, run))
    return runs.end(store, run, key)


def _counts(store: Store, run: int) -> dict[str, int]:
    return store.ask(lambda connection: runs.counted(connection, run))


def _step(store: Store, run: int, box: Box, limits: Limits, working: dict[Future[Outcome], Lease]) -> bool:
    """Take and record what can be; whether anything is left to do."""
    room = box.slots + AHEAD - len(working)
    for one in items.lease(store, run, limits, most=room) if room > 0 else ():
        future = begun(store, box, one, limits)
        if future is not None:
            working[future] = one
    if not working:
        left = _counts(store, run)["pending"]
        if left:  # another scanner has them
            time.sleep(LOOK_S)
        return bool(left)
    ended, _ = wait(working, timeout=LOOK_S, return_when=FIRST_COMPLETED)
    for future in ended:
        settle(store, working[future], future, limits)
        del working[future]
    return True


def begun(store: Store, box: Box, one: Lease, limits: Limits) -> Future[Outcome] | None:
    """Begin to judge an item that is ours; one whose process died too often is an error, and not begun."""
    if one.attempt > limits.attempts:
        items.record(store, one, boxes.died(limits.attempts))
        return None
    return box.submit(items.job(store, one))


def settle(store: Store, one: Lease, future: Future[Outcome], limits: Limits) -> None:
    """Record what came of an item, or let it be begun again where its process died.

    Raises
    ------
    AuditorError, OSError
        As `boxes.outcome_of`.
    """
    try:
        outcome = boxes.outcome_of(future, limits)
    except boxes.ChildDiedError:
        items.give_back(store, [one])
    else:
        items.record(store, one, outcome)
