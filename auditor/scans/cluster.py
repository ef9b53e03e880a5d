"""A run on a Dask cluster: workers take run and operator by number, and record what comes of them.

The scheduler carries numbers and single words; declarations, graphs and results stay in the store and its
evidence, which every worker must reach. A task that is done again finds its item recorded, or takes it over
when the lease of the dead worker has ended.
"""

from __future__ import annotations

import importlib
import multiprocessing
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from auditor.errors import UsageError
from auditor.language import say
from auditor.scans import boxes, items, runs, tables
from auditor.scans.scanner import LOOK_S, silent
from auditor.scans.store import Store, open_store

distributed: Any
try:
    distributed = importlib.import_module("distributed")
except ImportError:  # an extra: said when somebody asks for it
    distributed = None

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.scans.items import Limits
    from auditor.scans.scanner import Tell

PLUGIN = "auditor"
SCHEME = "dask://"
WAIT_S = 30  # for a scheduler


@dataclass(frozen=True)
class Place:
    """Where a worker finds the store.

    Parameters
    ----------
    url, evidence
        Of the store, as the worker reaches them.
    limits
        Of each item.
    """

    url: str
    evidence: str
    limits: Limits


class Bench(distributed.WorkerPlugin if distributed else object):  # type: ignore[misc]  # an extra
    """What a worker needs: an open store, and child processes to judge in, one for each of its threads."""

    def __init__(self, place: Place) -> None:
        self.place, self.name = place, PLUGIN
        self.store: Store | None = None
        self.box: boxes.Children | None = None

    def setup(self, worker: Any) -> None:
        """Open the store when a worker starts, or comes back."""
        # A nanny makes its worker a daemon, to which Python denies children of its own; ours die with it.
        multiprocessing.current_process()._config.pop("daemon", None)  # type: ignore[attr-defined]  # noqa: SLF001
        self.store = open_store(self.place.url, evidence=self.place.evidence, create=False)
        self.box = boxes.Children(self.place.limits, worker.state.nthreads)

    def teardown(self, worker: Any) -> None:  # noqa: ARG002 -- Dask's signature
        """Stop the children."""
        if self.box is not None:
            self.box.close()
        if self.store is not None:
            self.store.close()


def work(run: int, operator: int, limits: Limits) -> str:
    """Judge one item on a worker and record it; give the state that it then has."""
    bench: Bench = distributed.get_worker().plugins[PLUGIN]
    store, box = bench.store, bench.box
    if store is None or box is None:
        raise RuntimeError("the worker has no store")
    while True:
        state = _state(store, run, operator)
        if state != "pending":
            return state
        for one in items.lease(store, run, limits, most=1, operator=operator):
            _judge(store, box, one, limits)
            break
        else:
            time.sleep(LOOK_S)  # whoever has it is alive, or will be given up


def _judge(store: Store, box: boxes.Children, one: items.Lease, limits: Limits) -> None:
    """Judge an item that is ours."""
    if one.attempt > limits.attempts:
        items.record(store, one, boxes.died(limits.attempts))
        return
    try:
        outcome = boxes.outcome_of(box.submit(items.job(store, one)), limits)
    except boxes.ChildDiedError:
        items.give_back(store, [one])
    except BaseException:
        items.give_back(store, [one], counted=False)
        raise
    else:
        items.record(store, one, outcome)


def _state(store: Store, run: int, operator: int) -> str:
    item = tables.item.c
    wanted = sa.select(item.state).where(item.run_id == run, item.operator_id == operator)
    return store.ask(lambda connection: str(connection.execute(wanted).scalar_one()))


# --- on the scanner's side ----------------------------------------------------------------------------------


def scan(
    store: Store, run: int, address: str, limits: Limits, *, key: Path | None = None, tell: Tell = silent
) -> str | None:
    """Judge what waits of a run on a cluster, and end it.

    Parameters
    ----------
    address
        ``dask://host:8786``, the scheduler.
    limits, key, tell
        As in `scanner.scan`.

    Raises
    ------
    UsageError
        There is no scheduler there, or Dask is not installed.
    AuditorError, OSError
        What a worker could not use: its store, its evidence, the terms.
    """
    client = _client(address)
    try:
        client.register_plugin(Bench(Place(store.url, str(store.evidence.absolute()), limits)))
        item = tables.item.c
        wanted = sa.select(item.operator_id).where(item.run_id == run, item.state == "pending")
        wanted = wanted.order_by(item.operator_id)
        waiting = store.ask(lambda connection: list(connection.execute(wanted).scalars()))
        futures = [client.submit(work, run, one, limits, pure=False) for one in waiting]
        for future in distributed.as_completed(futures):
            _heed(future)
            tell(store.ask(lambda connection: runs.counted(connection, run)))
    finally:
        client.close()
    return runs.end(store, run, key)


def _heed(future: Any) -> None:
    """Go on past a task whose workers died, one after the other: its item still waits; heed other faults."""
    error = future.exception()
    if isinstance(error, distributed.scheduler.KilledWorker):
        return
    if error is not None:
        raise error


def _client(address: str) -> Any:
    if distributed is None:
        raise UsageError(say("Dask is not installed; pip install 'auditor[dask]'"))
    try:
        return distributed.Client(address.replace(SCHEME, "tcp://", 1), timeout=WAIT_S)
    except (OSError, TimeoutError, ValueError) as error:
        raise UsageError(
            say("{address}: no scheduler answers ({error})", address=address, error=str(error))
        ) from None
