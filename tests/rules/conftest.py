"""Areas are read and overlaid once a date, as `auditor check A B C` does; for each case anew they take most of the time."""

from __future__ import annotations

from functools import cache

import pytest

import auditor


@pytest.fixture(autouse=True, scope="module")
def areas_read_once():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auditor, "read_areas", cache(auditor.read_areas))
        yield
