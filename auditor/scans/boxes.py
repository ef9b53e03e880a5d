"""Where jobs are done: in this process, or in child processes with limits of memory and time.

A child that dies, hangs or takes too much hurts the one operator that it judges. Threads are not used: shared
prepared geometries crash.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import multiprocessing
import resource
import signal
import sys
from concurrent.futures import Future
from typing import TYPE_CHECKING, Protocol

from pebble import ProcessExpired, ProcessPool

from auditor.errors import AuditorError
from auditor.files import reason_of
from auditor.language import Said, say
from auditor.scans.blobs import BrokenBlobError
from auditor.scans.judging import Outcome, judge

if TYPE_CHECKING:
    from auditor.scans.items import Limits
    from auditor.scans.judging import Job

DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux
TASKS = 200  # of a child, before it makes place for a fresh one


class ChildDiedError(Exception):
    """A child process died under a job, for no reason that it could give."""


class Box(Protocol):
    """Where jobs are done."""

    slots: int

    def submit(self, job: Job) -> Future[Outcome]:
        """Begin a job."""

    def close(self) -> None:
        """Stop whatever is under way."""


class Inline:
    """Jobs done at once in this process: no limits, and what kills it kills the scan, which then goes on."""

    slots = 1

    def submit(self, job: Job) -> Future[Outcome]:
        """Do a job."""
        future: Future[Outcome] = Future()
        try:
            future.set_result(judge(job))
        except Exception as error:  # noqa: BLE001 -- as a child would give it back
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Nothing is under way."""


class Children:
    """Jobs done in child processes.

    Parameters
    ----------
    limits
        Of each job.
    slots
        How many at a time.
    """

    def __init__(self, limits: Limits, slots: int) -> None:
        self.limits, self.slots = limits, slots
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["auditor.scans.judging"])  # a fresh child begins in no time
        self.pool = ProcessPool(
            slots, max_tasks=TASKS, initializer=_confine, initargs=(limits.memory_bytes,), context=context
        )

    def submit(self, job: Job) -> Future[Outcome]:
        """Begin a job; the time that it takes counts from when a child takes it up."""
        future: Future[Outcome] = self.pool.schedule(judge, args=(job,), timeout=self.limits.seconds)
        return future

    def close(self) -> None:
        """Kill the children."""
        self.pool.stop()  # type: ignore[no-untyped-call]  # pebble's own lack
        self.pool.join()


def _confine(memory_bytes: int) -> None:
    """Set the limits of a child: memory, no core file, no Ctrl-C of its own, no life after its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def outcome_of(future: Future[Outcome], limits: Limits) -> Outcome:
    """Give what came of a job; what is the operator's own trouble becomes an error of that one.

    Raises
    ------
    ChildDiedError
        The child died; the job may be begun again.
    AuditorError, OSError
        Nobody's job can be done: the terms or the disk are at fault.
    """
    try:
        return future.result()
    except TimeoutError:
        return broken(say("takes longer than {seconds:,} s", seconds=limits.seconds))
    except ProcessExpired as error:
        raise ChildDiedError(str(error.exitcode)) from None
    except MemoryError:
        return broken(say("takes more than {most:,} MB", most=limits.memory_bytes >> 20))
    except BrokenBlobError as error:
        file = str(error.filename)
        return broken(say("{file}: cannot be read: {reason}", file=file, reason=reason_of(error)))
    except AuditorError:
        raise
    except OSError as error:
        if error.errno == errno.ENOMEM:
            return broken(say("takes more than {most:,} MB", most=limits.memory_bytes >> 20))
        raise
    except Exception as error:  # noqa: BLE001 -- one operator's trouble is not another's
        told = f"{type(error).__name__}: {error}"
        return broken(say("broke off with {error}, a defect of auditor; please report it", error=told))


def died(attempts: int) -> Outcome:
    """Give the outcome of a job whose children died, every time."""
    return broken(say("the process that judged it died {attempts} times", attempts=attempts))


def broken(reason: Said) -> Outcome:
    """Give the outcome of a job that could not be done."""
    return Outcome("error", reason={lang: reason.in_(lang) for lang in ("en", "zh")})
