"""No test depends on how fast the machine is; whatever a test makes `auditor` say has its Chinese."""

import gc

import pytest
from hypothesis import settings

import auditor
from tests.spoken import watched

ON = "2026-11-22"

settings.register_profile("untimed", deadline=None, max_examples=30)
settings.load_profile("untimed")


def pytest_collection_finish():
    """Look for cycles seldom, and only among what tests make: what was imported stays, and would be looked through each time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(autouse=True)
def _both_languages():
    with watched() as lacking:
        yield
    assert lacking == []


@pytest.fixture(scope="session")
def areas():
    """Give the pilot areas in force on the day of the samples."""
    return auditor.read_areas(ON)


@pytest.fixture(scope="session")
def declared():
    """Give the sample network that fails."""
    return auditor.read_declaration(auditor.sample("shanghai_violations"))


@pytest.fixture(scope="session")
def result(declared, areas):
    """Give what the sample network that fails comes to."""
    return auditor.check(declared, areas=areas, as_of=ON)
