#!/usr/bin/env python3
"""Fuzz every parser, or one, for some time; run it again to go on where it stopped.

    python tests/fuzz/run.py --seconds 600 --jobs 2 [--target gml]... [--engine own|atheris]

Takes Atheris, guided by coverage, where it is installed (``pip install --group fuzz`` into an environment of its
own), else the mutator beside this file, which follows what parsers say. Counts, logs and
the inputs found worth keeping stand in a folder of state (``--state``, by default ``.fuzz``). What breaks a parser,
or takes more than 5 s of the processor or 4 GB, is cut down and written to ``tests/fuzz/crashes/<target>/``, where the tests replay it. Exit
code 1 if anything was found.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.util
import json
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fuzz.mutate import Mutator
    from tests.fuzz.targets import Target

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SLICE_S, SLOW_S, STUCK_S, SAVED_S = 30, 5, 60, 2
MEMORY_BYTES = 4 << 30
MOST_CUTS = 400


class TooSlowError(BaseException):
    """No parser may catch it."""


@dataclass
class Counts:
    """What a target has come to, over all runs."""

    executions: int = 0
    seconds: float = 0.0
    slowest_s: float = 0.0
    slowest: str = ""
    found: dict[str, str] = field(default_factory=dict)  # file -> how it breaks

    @classmethod
    def load(cls, file: Path) -> Counts:
        """Go on where a run stopped; a file half written counts as none."""
        try:
            return cls(**json.loads(file.read_text()))
        except (OSError, ValueError, TypeError):
            return cls()

    def save(self, file: Path) -> None:
        """Write all at once or not at all."""
        beside = file.with_suffix(".part")
        beside.write_text(json.dumps(asdict(self)))
        beside.replace(file)


class Worker:
    """Feeds one target and keeps what is worth it.

    Parameters
    ----------
    target
        What is fed.
    state
        Folder of counts, kept inputs and the input at work.
    """

    def __init__(self, target: Target, state: Path) -> None:
        self.target, self.file = target, state / f"{target.name}.json"
        self.counts = Counts.load(self.file)
        self.corpus = state / "corpus" / target.name
        self.corpus.mkdir(parents=True, exist_ok=True)
        self.work = (state / f"{target.name}.work").open("wb")
        self.seen: set[str] = set()
        self.saved = time.monotonic()
        signal.signal(signal.SIGPROF, _alarm)

    def run(self, data: bytes) -> bool:
        """Feed one input; say whether what came of it is new."""
        self.work.seek(0)
        self.work.write(len(data).to_bytes(8, "big") + data)
        self.work.flush()
        start = time.monotonic()
        said, broken = guarded(self.target, data)
        took = time.monotonic() - start
        self.counts.executions += 1
        self.counts.seconds += took
        if broken:
            keep_crash(self.target, data, said, self.counts)
        if took > self.counts.slowest_s:
            self.counts.slowest_s, self.counts.slowest = took, self.keep(data, "slowest")
        if time.monotonic() - self.saved > SAVED_S:
            self.save()
        new = said not in self.seen
        self.seen.add(said)
        return new

    def keep(self, data: bytes, name: str = "") -> str:
        """Write an input to the folder of state."""
        file = self.corpus / (name or digest(data))
        file.write_bytes(data)
        return file.name

    def save(self) -> None:
        """Write the counts."""
        self.saved = time.monotonic()
        self.counts.save(self.file)


def _alarm(*_: Any) -> NoReturn:
    raise TooSlowError


def digest(data: bytes) -> str:
    """Name of an input."""
    return hashlib.sha256(data).hexdigest()[:16]


def guarded(target: Target, data: bytes) -> tuple[str, bool]:
    """Feed a target; give what came of it, or how it broke."""
    signal.setitimer(signal.ITIMER_PROF, SLOW_S)  # time of the processor: a busy machine makes nothing slow
    try:
        return target.run(data), False
    except TooSlowError:
        return f"takes longer than {SLOW_S} s", True
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 -- a panic of Rust is no Exception
        return how(error), True
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def how(error: BaseException) -> str:
    """Tell breakages apart: the error and the line of ours that it came through last."""
    ours = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "auditor" in Path(frame.filename).parts
    ]
    at = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "?"
    return f"{type(error).__name__} at {at}"


def keep_crash(target: Target, data: bytes, said: str, counts: Counts) -> None:
    """Write an input that breaks a target, cut down, once for each way of breaking."""
    traced = " at " in said
    file = (
        HERE
        / "crashes"
        / target.name
        / f"{said.partition(' ')[0]}-{digest(said.encode() if traced else data)}"
    )
    if said in counts.found.values():
        return
    counts.found[str(file.relative_to(ROOT))] = said
    if file.exists():
        return
    if traced:
        data = cut_down(data, lambda part: guarded(target, part)[0] == said)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def cut_down(data: bytes, breaks: Callable[[bytes], bool]) -> bytes:
    """Leave out blocks, halving their size, while the rest still breaks in the same way."""
    size, cuts = len(data) // 2, 0
    while size and cuts < MOST_CUTS:
        at = 0
        while at < len(data) and cuts < MOST_CUTS:
            cuts += 1
            part = data[:at] + data[at + size :]
            if breaks(part):
                data = part
            else:
                at += size
        size //= 2
    return data


# --- one slice of one target, in a process of its own ------------------------------------------------------------


def work(name: str, state: Path, seconds: float, engine: str, seed: str) -> None:
    """Feed one target for a while."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if engine == "atheris":
        import atheris

        with atheris.instrument_imports(include=["auditor"]):
            from tests.fuzz import targets as module
    else:
        from tests.fuzz import targets as module
    from tests.fuzz import mutate

    target = module.targets()[name]
    worker = Worker(target, state)
    random = Random(f"{seed}:{name}:{worker.counts.executions}")  # noqa: S311 -- to be repeated
    kept = [file.read_bytes() for file in sorted(worker.corpus.iterdir()) if file.name != "slowest"]
    mutator = mutate.Mutator(random, module.seeds(target))
    mutator.corpus += kept
    with module.unboxed():
        if engine == "atheris":
            _guided(worker, mutator, seconds)
        else:
            _unguided(worker, mutator, seconds)
    worker.save()


def _unguided(worker: Worker, mutator: Mutator, seconds: float) -> None:
    for data in list(mutator.corpus):
        worker.run(data)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        data = mutator.make()
        if worker.run(data):
            mutator.keep(data)
            worker.keep(data)


def _guided(worker: Worker, mutator: Mutator, seconds: float) -> None:
    import atheris

    def mutate(data: bytes, longest: int, seed: int) -> bytes:
        if seed % 2:
            return atheris.Mutate(data, longest)[:longest]
        mutator.random.seed(seed)
        return mutator.of(data)[:longest]

    def one(data: bytes) -> None:
        worker.run(data)

    for data in mutator.corpus:
        worker.keep(data)
    options = [
        f"-max_total_time={int(seconds)}",
        "-max_len=65536",
        "-timeout=60",
        "-rss_limit_mb=0",
        "-print_final_stats=0",
    ]
    options += [f"-artifact_prefix={worker.file.parent}/", "-verbosity=0", str(worker.corpus)]
    atheris.Setup([sys.argv[0], *options], one, custom_mutator=mutate)
    with contextlib.suppress(SystemExit):
        atheris.Fuzz()


# --- all targets ---------------------------------------------------------------------------------------------


@dataclass
class Job:
    """A slice that runs."""

    name: str
    process: subprocess.Popen[bytes]
    since: float

    def is_stuck(self, state: Path, now: float) -> bool:
        """Whether its input at work has not changed for long: not even the alarm got through."""
        file = state / f"{self.name}.work"
        return now - max(self.since, file.stat().st_mtime if file.exists() else 0) > STUCK_S


def start(name: str, args: argparse.Namespace, seconds: float) -> Job:
    """Start a slice."""
    command = [sys.executable, str(Path(__file__)), "--work", name, "--state", str(args.state)]
    command += ["--seconds", str(seconds), "--engine", args.engine, "--seed", args.seed]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    with (args.state / f"{name}.log").open("ab") as log:
        return Job(name, subprocess.Popen(command, env=environment, stdout=log, stderr=log), time.time())


def end(job: Job, args: argparse.Namespace) -> None:
    """Look at a slice that has ended; one that died leaves the input that killed it."""
    if job.process.returncode in {0, -signal.SIGINT, -signal.SIGTERM}:
        return
    from tests.fuzz.targets import targets

    file = args.state / f"{job.name}.work"
    raw = file.read_bytes() if file.exists() else b""
    data = raw[8 : 8 + int.from_bytes(raw[:8], "big")]
    counts = Counts.load(args.state / f"{job.name}.json")
    keep_crash(targets()[job.name], data, f"ends the process ({job.process.returncode})", counts)
    counts.save(args.state / f"{job.name}.json")


def run_all(names: list[str], args: argparse.Namespace) -> None:
    """Give every target its slices in turn, until the time is up."""
    finish = time.time() + args.seconds
    for name in names:  # what was found before is fed again first, and counts again if it still breaks
        counts = Counts.load(args.state / f"{name}.json")
        counts.found = {}
        counts.save(args.state / f"{name}.json")
    share = max(1.0, min(SLICE_S, args.seconds * args.jobs / len(names)))
    jobs: list[Job] = []
    turn = sorted(names, key=lambda name: Counts.load(args.state / f"{name}.json").executions)
    while jobs or time.time() < finish:
        while len(jobs) < args.jobs and time.time() < finish and turn:
            name = turn.pop(0)
            jobs.append(start(name, args, min(share, max(1.0, finish - time.time()))))
        time.sleep(0.1)
        for job in list(jobs):
            if job.process.poll() is None and job.is_stuck(args.state, time.time()):
                job.process.kill()
                job.process.wait()
            if job.process.poll() is not None:
                end(job, args)
                jobs.remove(job)
                turn.append(job.name)


def report(names: list[str], state: Path) -> bool:
    """Print what every target has come to; say whether anything is wrong."""
    print(f"{'target':16} {'executions':>12} {'a second':>9} {'crashes':>8} {'slowest':>9}")
    total, found = 0, 0
    for name in names:
        counts = Counts.load(state / f"{name}.json")
        total, found = total + counts.executions, found + len(counts.found)
        rate = counts.executions / counts.seconds if counts.seconds else 0
        print(
            f"{name:16} {counts.executions:12,} {rate:9,.0f} {len(counts.found):8} {counts.slowest_s:7.2f} s"
        )
        for file, said in counts.found.items():
            print(f"    {said}: {file}")
    print(f"{'all':16} {total:12,} {'':9} {found:8}")
    return found > 0


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--target", action="append", default=[])
    parser.add_argument("--state", type=Path, default=ROOT / ".fuzz")
    parser.add_argument("--engine", choices=("own", "atheris"))
    parser.add_argument("--seed", default="1")
    parser.add_argument("--report", action="store_true", help="print the counts and stop")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.engine = args.engine or ("atheris" if importlib.util.find_spec("atheris") else "own")
    args.state = args.state.resolve()
    args.state.mkdir(parents=True, exist_ok=True)
    (args.state / ".gitignore").write_text("*\n")
    if args.work:
        work(args.work, args.state, args.seconds, args.engine, args.seed)
        return 0
    from tests.fuzz.targets import targets

    known = targets()
    for name in args.target:
        if name not in known:
            parser.error(f"no target {name}; there are {', '.join(known)}")
    names = args.target or list(known)
    if not args.report:
        with contextlib.suppress(KeyboardInterrupt):
            run_all(names, args)
    return int(report(names, args.state))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
