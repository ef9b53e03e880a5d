"""Every parser, fuzzed a little and the same way each time; `python tests/fuzz/run.py` does it at length."""

from __future__ import annotations

from random import Random

import pytest

from tests.fuzz.mutate import Mutator
from tests.fuzz.targets import HERE, READ, crashes, seeds, targets, unboxed

TIMES = 150
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
    from auditor.readers._registry import Export
    from tests.fuzz import targets as module

    with pytest.raises(AssertionError, match="says nothing"):
        module._parse(lambda *_: None, b"")
    with pytest.raises(ZeroDivisionError):
        module._parse(lambda *_: 1 / 0, b"")
    with pytest.raises(AttributeError):
        module._parse(lambda *_: Export(nodes=1), b"")
