"""Every parser, fuzzed a little and the same way each time; `python tests/fuzz/run.py` does it at length."""

from __future__ import annotations

from random import Random

import pytest

from auditor.readers._registry import Export
from tests.fuzz import run
from tests.fuzz import targets as module
from tests.fuzz.mutate import Mutator
from tests.fuzz.targets import HERE, READ, crashes, seeds, targets, unboxed

TIMES = 60
TARGETS = targets()


@pytest.fixture(autouse=True)
def _in_this_process():
    with unboxed():
        yield


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_what_they_become(name):
    target = TARGETS[name]
    start = seeds(target)
    for seed in start:
        target.run(seed)
    mutator = Mutator(Random(name), start)  # noqa: S311 -- a reproducible test
    for _ in range(TIMES):
        data = mutator.make()
        try:
            target.run(data)
        except BaseException as error:
            raise AssertionError(f"{name} breaks on {data[:2000]!r}") from error


@pytest.mark.parametrize(("name", "file"), [(name, file.name) for name in TARGETS for file in crashes(name)])
def test_what_once_broke_a_parser_breaks_it_no_more(name, file):
    TARGETS[name].run((HERE / "crashes" / name / file).read_bytes())


def test_nothing_is_kept_for_a_parser_that_is_gone():
    kept = {folder.name for folder in (HERE / "crashes").glob("*/")}
    assert kept <= set(TARGETS)
    assert {folder.name for folder in (HERE / "seeds").glob("*/")} <= {
        target.seeds for target in TARGETS.values()
    }


def test_every_parser_has_a_seed_that_it_reads():
    """Else its inside is never reached."""
    blind = {
        name
        for name, target in TARGETS.items()
        if not any(target.run(s).startswith(READ) for s in seeds(target))
    }
    assert not blind


def test_a_parser_that_breaks_is_noticed():
    """The harness can fail: what raises, gives nothing without a word, or shows control characters."""
    with pytest.raises(AssertionError, match="says nothing"):
        module._parse(lambda *_: None, b"")
    with pytest.raises(ZeroDivisionError):
        module._parse(lambda *_: 1 / 0, b"")
    with pytest.raises(AttributeError):
        module._parse(lambda *_: Export(nodes=1), b"")


def never_ends(_data):
    while True:
        pass


def test_a_long_run_notices_what_never_ends(monkeypatch):
    monkeypatch.setattr(run, "SLOW_S", 0.05)
    before = run.signal.signal(run.signal.SIGPROF, run._alarm)
    try:
        said, broken = run.guarded(module.Target("x", never_ends, ""), b"")
    finally:
        run.signal.signal(run.signal.SIGPROF, before)
    assert (said, broken) == ("takes longer than 0.05 s", True)


def test_a_long_run_cuts_down_and_keeps_what_breaks(monkeypatch, tmp_path):
    monkeypatch.setattr(run, "HERE", tmp_path)
    monkeypatch.setattr(run, "ROOT", tmp_path)
    target, counts = module.Target("x", lambda data: 1 / (b"X" not in data), ""), run.Counts()
    for data in (b"fine", b"aaaaaaaXbbbb", b"another X"):
        said, broken = run.guarded(target, data)
        if broken:
            run.keep_crash(target, data, said, counts)
    [(file, said)] = counts.found.items()
    assert said.startswith("ZeroDivisionError at ")
    assert (tmp_path / file).read_bytes() == b"X"
    counts.save(tmp_path / "x.json")
    assert run.Counts.load(tmp_path / "x.json") == counts
    assert run.Counts.load(tmp_path / "y.json") == run.Counts()


def test_a_mutator_is_the_same_each_time():
    def made():
        start = [seed for name in ("kmz", "gpkg", "json") for seed in seeds(TARGETS[name])]
        mutator = Mutator(Random("7"), start)  # noqa: S311 -- a reproducible test
        return [mutator.make() for _ in range(200)]

    assert made() == made()
