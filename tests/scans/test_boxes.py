"""What happens to a child process is no operator's doing."""

import multiprocessing
import os
import signal
from concurrent.futures import CancelledError, Future

import pytest

from auditor.errors import AuditorError
from auditor.scans import boxes
from auditor.scans.items import Limits

LIMITS = Limits(seconds=20, memory_bytes=1 << 40)


class OddError(Exception):
    """Goes into a pipe, and does not come out of it."""

    def __init__(self, one, two):
        super().__init__(f"{one} {two}")


class Half:
    """A pipe whose other end dies in the middle of an answer."""

    def __init__(self):
        self.ours, theirs = multiprocessing.Pipe()
        os.write(theirs.fileno(), b"\0\1\0\0half")
        theirs.close()

    def send(self, _job):
        """Nobody hears it."""

    def __getattr__(self, name):
        return getattr(self.ours, name)


def raised(error):
    future = Future()
    future.set_exception(error)
    return future


def test_a_child_that_dies_while_it_answers_is_a_child_that_died():
    child = object.__new__(boxes._Child)
    child.jobs, child.pipe = 0, Half()
    with pytest.raises(boxes.ChildDiedError):
        child.do(None, 1)


def test_a_box_that_is_closed_judges_nobody():
    box = boxes.Children(LIMITS, 1)
    box._closed = True
    with pytest.raises(CancelledError):
        boxes.outcome_of(box.submit(None), LIMITS)
    box.close()


def test_odd_exceptions_come_out_of_the_pipe_as_their_text():
    error = boxes._sendable(OddError(1, 2))
    ours, theirs = multiprocessing.Pipe()
    theirs.send(error)
    assert "OddError: 1 2" in boxes.outcome_of(raised(ours.recv()), LIMITS).reason["en"]
    plain = boxes._sendable(ValueError("x"))
    assert isinstance(plain, ValueError)


def test_idle_children_are_taken_once():
    """A thread that finds none left starts one, however it was a moment ago."""

    class Sly(boxes.deque):
        def __bool__(self):
            return True

    box = boxes.Children(LIMITS, 1)
    box._idle = Sly()
    born = []
    box._born = lambda: born.append(1) or (_ for _ in ()).throw(boxes.ChildDiedError("none"))
    with pytest.raises(boxes.ChildDiedError):
        boxes.outcome_of(box.submit(None), LIMITS)
    assert born
    box.close()


def test_a_child_that_was_killed_while_it_was_idle_is_a_child_that_died():
    box = boxes.Children(LIMITS, 1)
    child = box._born()
    os.kill(child.process.pid, signal.SIGKILL)
    with pytest.raises(boxes.ChildDiedError):
        child.do(None, 5)
    box.close()


def test_children_that_cannot_be_started_are_no_operators_fault(monkeypatch):
    def broken(*_):
        raise RuntimeError("no children here")

    monkeypatch.setattr(boxes, "_Child", broken)
    box = boxes.Children(LIMITS, 1)
    with pytest.raises(AuditorError, match="no children here"):
        boxes.outcome_of(box.submit(None), LIMITS)
    box.close()
