"""No test depends on how fast the machine is; whatever a test makes `auditor` say has its Chinese."""

import pytest
from hypothesis import settings

from tests.spoken import watched

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _both_languages():
    with watched() as lacking:
        yield
    assert lacking == []
