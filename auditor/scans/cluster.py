"""A run on a Dask cluster: workers take run and operator by number, and record what comes of them.

The scheduler carries numbers and single words; declarations, graphs and results stay in the store and its
evidence, which every worker must reach. A task that is done again finds its item recorded, or takes it over
when the lease of the dead worker has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import multiprocessing
import threading
import time
import uuid
from concurrent.futures import CancelledError
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from auditor.errors import UsageError
from auditor.language import say
from auditor.scans import boxes, items, runs, tables
from auditor.scans.blobs import written_to
from auditor.scans.canonical import sha256
from auditor.scans.scanner import LOOK_S, begun, settle, silent
from auditor.scans.store import Store, StoreError, open_store

distributed: Any
try:
    distributed = importlib.import_module("distributed")
except ImportError:  # an extra: said when somebody asks for it
    distributed = None

if TYPE_CHECKING:
    from auditor.scans.items import Limits
    from auditor.scans.scanner import Tell

SCHEME = "dask://"
WAIT_S = 30  # for a scheduler
OTHER = (
    "a worker finds another store, or another folder of evidence, in the place of this one: give a URL and a "
    "folder (--evidence) that every machine reaches"
)
BROKEN = "{address}: the cluster broke off ({error}); nothing is lost: `auditor scan resume` goes on"


@dataclass(frozen=True)
class Place:
    """Where a worker finds the store, and how it knows that it is that one.

    Parameters
    ----------
    url, evidence
        Of the store, as the worker reaches them.
    store
        What the store calls itself.
    limits
        Of each item.
    """

    url: str
    evidence: str
    store: str
    limits: Limits

    @property
    def name(self) -> str:
        """Digest of all of it; it holds a password, and so is told nowhere."""
        return f"auditor-{sha256(repr(self))}"


class Bench(distributed.WorkerPlugin if distributed else object):  # type: ignore[misc]  # an extra
    """What a worker needs: an open store, and child processes to judge in, one for each of its threads."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._lock = threading.Lock()
        self._open: tuple[Store, boxes.Children] | None = None

    def opened(self, threads: int) -> tuple[Store, boxes.Children]:
        """Give store and children; they are there from the first task on."""
        with self._lock:
            if self._open is None:
                # A nanny makes its worker a daemon, to which Python denies children; ours die with it.
                multiprocessing.current_process()._config.pop("daemon", None)  # type: ignore[attr-defined]  # noqa: SLF001
                store = open_store(self.place.url, evidence=self.place.evidence, create=False)
                if store.ask(_own_name) != self.place.store:
                    raise UsageError(say(OTHER))
                self._open = store, boxes.Children(self.place.limits, threads)
            return self._open

    def teardown(self, worker: Any) -> None:  # noqa: ARG002 -- Dask's signature
        """Stop the children."""
        if self._open is not None:
            store, box = self._open
            box.close()
            store.close()


def _own_name(connection: sa.Connection) -> str:
    meta = tables.meta.c
    return str(connection.execute(sa.select(meta.value).where(meta.name == "store")).scalar_one())


def _bench(place: Place) -> tuple[Store, boxes.Children]:
    """Give what a task works with; tasks of one place share it, those of another never."""
    worker = distributed.get_worker()

    async def there() -> Bench:  # on the loop of the worker, which alone may change its plugins
        if place.name not in worker.plugins:
            await worker.plugin_add(Bench(place), name=place.name)
        found: Bench = worker.plugins[place.name]
        return found

    future = asyncio.run_coroutine_threadsafe(there(), worker.loop.asyncio_loop)
    return future.result().opened(worker.state.nthreads)


def work(place: Place, token: str, run: int, operator: int) -> str:
    """Judge one item on a worker and record it; give the state that it then has.

    Parameters
    ----------
    place
        The store.
    token
        Name of a file that the scanner wrote into its evidence: a worker that does not see it would keep
        results where nobody finds them.
    run, operator
        The item.

    Raises
    ------
    UsageError
        The worker has another store, or another evidence.
    """
    store, box = _bench(place)
    if not (store.blobs.unfinished / token).exists():
        raise UsageError(say(OTHER))
    while True:
        state = _state(store, run, operator)
        if state != "pending":
            return state
        for one in items.lease(store, run, place.limits, most=1, operator=operator):
            _judge(store, box, one, place.limits)
            break
        else:
            time.sleep(LOOK_S)  # whoever has it is alive, or will be given up


def _judge(store: Store, box: boxes.Children, one: items.Lease, limits: Limits) -> None:
    """Judge an item that is ours, or give it back."""
    try:
        future = begun(store, box, one, limits)
        if future is not None:
            settle(store, one, future, limits)
    except BaseException:
        with contextlib.suppress(StoreError):  # then the lease ends by the clock
            items.give_back(store, [one], counted=False)
        raise


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
        There is no scheduler there, or Dask is not installed; scheduler or workers went away.
    AuditorError, OSError
        What a worker could not use: its store, its evidence, the terms.
    """
    place = Place(_absolute(store.url), str(store.evidence.absolute()), store.ask(_own_name), limits)
    client, token = _client(address), store.blobs.unfinished / f"scanner-{uuid.uuid4().hex}"
    try:
        with written_to(store.evidence):
            token.parent.mkdir(parents=True, exist_ok=True)
            token.touch()
        for _ in range(limits.attempts + 1):
            waiting = store.ask(lambda connection: _waiting(connection, run))
            futures = [client.submit(work, place, token.name, run, one, pure=False) for one in waiting]
            for future in distributed.as_completed(futures):
                _heed(future)
                tell(store.ask(lambda connection: runs.counted(connection, run)))
    except (CancelledError, distributed.comm.CommClosedError, distributed.client.ClosedClientError) as error:
        raise UsageError(say(BROKEN, address=address, error=f"{type(error).__name__}: {error}")) from None
    finally:
        token.unlink(missing_ok=True)
        client.close()
    root = runs.end(store, run, key)
    if root is None:
        raise UsageError(say(BROKEN, address=address, error="KilledWorker"))
    return root


def _absolute(url: str) -> str:
    """Write the URL of a store as one that stands in another folder reads it."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return url
    return parsed.set(database=str(Path(parsed.database or "").absolute())).render_as_string(
        hide_password=False
    )


def _waiting(connection: sa.Connection, run: int) -> list[int]:
    item = tables.item.c
    wanted = sa.select(item.operator_id).where(item.run_id == run, item.state == "pending")
    return list(connection.execute(wanted.order_by(item.operator_id)).scalars())


def _heed(future: Any) -> None:
    """Go on past a task whose workers died or closed: its item still waits; heed other faults."""
    error = future.exception()
    if isinstance(error, distributed.scheduler.KilledWorker | CancelledError):
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
