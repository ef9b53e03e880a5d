"""Where jobs are done: in this process, or in child processes with limits of memory and time.

A child that dies, hangs or takes too much hurts the one operator that it judges. Threads judge nothing:
shared prepared geometries crash. The standard pool breaks whole when a child dies, and the workers of
pebble share one pipe and one lock, so that one killed at the wrong moment takes a job with it: hence a pipe
for each child here.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import gc
import multiprocessing
import os
import pickle
import resource
import signal
import sys
import time
from collections import deque
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from multiprocessing import forkserver
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Protocol

from auditor.errors import AuditorError
from auditor.files import reason_of
from auditor.language import Said, in_all, say
from auditor.scans.blobs import BrokenBlobError
from auditor.scans.judging import Outcome, judge

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerContext

    from auditor.scans.items import Limits
    from auditor.scans.judging import Job

DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux
JOBS = 200  # of a child, before it makes place for a fresh one
TRIES, PAUSE_S = 20, 0.1  # to start a child
NO_CHILD = "no child process can be started ({error}); nothing is lost: mend that, and go on with the run"


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
    """Jobs done in child processes, each with a pipe of its own: what one breaks, no other waits for.

    Parameters
    ----------
    limits
        Of each job.
    slots
        How many at a time.
    """

    def __init__(self, limits: Limits, slots: int) -> None:
        self.limits, self.slots = limits, slots
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([judge.__module__])  # a fresh child begins in no time
        self._idle: deque[_Child] = deque()
        self._all: set[_Child] = set()
        self._waiters = ThreadPoolExecutor(slots)  # they wait on pipes, and judge nothing
        self._closed = False

    def submit(self, job: Job) -> Future[Outcome]:
        """Begin a job; the time that it takes counts from when a child takes it up."""
        return self._waiters.submit(self._do, job)

    def close(self) -> None:
        """Kill the children."""
        self._closed = True
        for child in list(self._all):
            child.kill()
        self._waiters.shutdown(cancel_futures=True)
        for child in list(self._all):
            child.kill()

    def _do(self, job: Job) -> Outcome:
        if self._closed:
            raise CancelledError
        try:
            child = self._idle.popleft()
        except IndexError:
            child = self._born()
        try:
            outcome = child.do(job, self.limits.seconds)
        except BaseException:
            child.kill()  # whatever it was, a fresh one knows nothing of it
            self._all.discard(child)
            raise
        if child.jobs < JOBS:
            self._idle.append(child)
        else:
            child.kill()
            self._all.discard(child)
        return outcome

    def _born(self) -> _Child:
        """Start a child; the server that forks them may have been killed, and is then started anew.

        Raises
        ------
        AuditorError
            None can be started: no operator is at fault.
        """
        why: Exception | None = None
        for _ in range(TRIES):
            try:
                child = _Child(self._context, self.limits.memory_bytes)
            except (OSError, EOFError) as error:
                why = error
                time.sleep(PAUSE_S)
            except Exception as error:  # noqa: BLE001 -- of Python's machinery: a script without __main__, a daemon
                why = error
                break
            else:
                self._all.add(child)
                return child
        raise AuditorError(say(NO_CHILD, error=f"{type(why).__name__}: {why}")) from why


class _Child:
    """One child process and the pipe to it."""

    def __init__(self, context: ForkServerContext, memory_bytes: int) -> None:
        self.jobs = 0
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, memory_bytes))
        try:
            self.process.start()
        except BaseException:
            self.pipe.close()
            raise
        finally:
            theirs.close()  # so that its death ends the pipe
        try:
            self.pipe.recv()  # it has begun: what kills it from now on may be its job
        except BaseException:
            self.kill()
            raise

    def do(self, job: Job, seconds: float) -> Outcome:
        """Have a job done, or raise what the child raised."""
        self.jobs += 1
        try:
            self.pipe.send(job)
            answer: Outcome | Exception = self.pipe.recv() if self.pipe.poll(seconds) else TimeoutError()
        except (EOFError, OSError, UnpicklingError) as error:  # it was killed, maybe while it answered
            raise ChildDiedError(str(error)) from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def kill(self) -> None:
        """End it, whatever it does."""
        with contextlib.suppress(ValueError):  # it was already closed
            self.process.kill()
            self.process.join()
            self.process.close()
        self.pipe.close()


def _serve(pipe: Connection, memory_bytes: int) -> None:
    """Do jobs until the pipe ends."""
    _confine(memory_bytes)
    gc.freeze()  # what was imported is no garbage
    gc.disable()  # millions of small objects without cycles are made in a job
    with contextlib.suppress(EOFError, OSError):
        pipe.send(None)
        while True:
            job = pipe.recv()
            try:
                answer: Outcome | Exception = judge(job)
            except Exception as error:  # noqa: BLE001 -- the parent decides what it means
                answer = _sendable(error)
            pipe.send(answer)
            del job, answer
            gc.collect()


def _sendable(error: Exception) -> Exception:
    """Give an exception as it is, or its text where it would not come out of a pipe again."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 -- our own
    except Exception:  # noqa: BLE001 -- whatever its class does
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _confine(memory_bytes: int) -> None:
    """Set the limits of a child: memory, no core file, no Ctrl-C of its own, no life after its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
            # What tells the server that the scanner lives is inherited: a hanging child would hold it open.
            os.close(forkserver._forkserver._forkserver_alive_fd)  # type: ignore[attr-defined]  # noqa: SLF001
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def outcome_of(future: Future[Outcome], limits: Limits) -> Outcome:
    """Give what came of a job; what is the operator's own trouble becomes an error of that one.

    Raises
    ------
    ChildDiedError
        The child died; the job may be begun again.
    CancelledError
        The box was closed; nobody judged anything.
    AuditorError, OSError
        Nobody's job can be done: the terms or the disk are at fault.
    """
    try:
        return future.result()
    except TimeoutError:
        return broken(say("takes longer than {seconds:,} s", seconds=limits.seconds))
    except MemoryError:
        return broken(say("takes more than {most:,} MB", most=limits.memory_bytes >> 20))
    except (AuditorError, CancelledError, ChildDiedError):
        raise
    except OSError as error:
        own = _own_trouble(error, limits)
        if own is None:
            raise
        return broken(own)
    except Exception as error:  # noqa: BLE001 -- one operator's trouble is not another's
        told = f"{type(error).__name__}: {error}"
        return broken(say("broke off with {error}, a defect of auditor; please report it", error=told))


def _own_trouble(error: OSError, limits: Limits) -> Said | None:
    """Say what of the system's faults is the operator's own trouble; None of those that are everybody's."""
    if isinstance(error, BrokenBlobError):
        file = str(error.filename)
        return say("{file}: cannot be read: {reason}", file=file, reason=reason_of(error))
    if error.errno == errno.ENOMEM:
        return say("takes more than {most:,} MB", most=limits.memory_bytes >> 20)
    if error.errno == errno.ENAMETOOLONG:  # it fitted where it lay
        return say("the path of a file is too long; take folders out of one another")
    return None


def died(attempts: int) -> Outcome:
    """Give the outcome of a job whose children died, every time."""
    return broken(say("the process that judged it died {attempts} times", attempts=attempts))


def broken(reason: Said) -> Outcome:
    """Give the outcome of a job that could not be done."""
    return Outcome("error", reason=in_all(reason))
