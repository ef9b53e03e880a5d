"""Real and hostile files of the shared folder: read, or refused with a reason, as they should be."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SHARED = HERE.parents[1] / "shared" / "testdata"
AT_LEAST = {"topologyzoo": 30, "rfc8345-netoviz": 15, "gnpy-coronet": 4, "jsontestsuite": 95}
ZOO = "topologyzoo"
"""`tests/readers/test_graphml.py` reads all of its 276 networks and counts what they hold; here an eighth."""


@pytest.mark.shared
def test_every_file_is_read_or_refused_as_it_should_be():
    if not SHARED.is_dir():
        pytest.skip("no ../shared folder")
    spec = importlib.util.spec_from_file_location("corpus", HERE / "corpus.py")
    corpus = importlib.util.module_from_spec(spec)
    sys.modules["corpus"] = corpus  # dataclasses look their module up
    spec.loader.exec_module(corpus)
    rows = list(corpus.rows(SHARED, [name for name in corpus.FOLDERS if name != ZOO]))
    zoo = sorted((SHARED / ZOO).rglob("*.graphml"))[::8]
    rows += [corpus.look_at(path, SHARED, {}) for path in zoo]
    assert [f"{row.folder}/{row.file}: {row.outcome}: {row.why}" for row in rows if row.wrong] == []
    for folder, least in AT_LEAST.items():
        assert sum(row.folder == folder and row.outcome == "read" for row in rows) >= least
    assert all(row.why for row in rows if row.outcome == "refused")
