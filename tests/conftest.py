"""No test depends on how fast the machine is; whatever a test makes `auditor` say has its Chinese."""

import datetime as dt
import gc
from functools import cache
from unittest import mock

import pytest
from hypothesis import settings

import auditor
from auditor import zones
from tests.spoken import watched

ON = "2026-11-22"

settings.register_profile("untimed", deadline=None, max_examples=30)
settings.load_profile("untimed")


def pytest_collection_finish():
    """Look for cycles seldom, and only among what tests make: what was imported stays, and would be looked through each time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(scope="session", autouse=True)
def _shipped_areas_are_read_once():
    """Give all tests of a day the same areas where no file is given: they are frozen, and each costs a tenth of a second."""
    read, folder = zones.read_areas, zones.data_folder
    shipped = cache(read)

    def once(as_of=None, *, paths=()):
        known = isinstance(as_of, str | dt.date | None) and not paths and zones.data_folder is folder
        return shipped(as_of) if known else read(as_of, paths=paths)

    with mock.patch.object(zones, "read_areas", once):
        yield


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
