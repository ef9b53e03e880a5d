"""Raw answers and the journal: nothing is lost by a kill, nothing that was changed passes."""

import hashlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.archive import JOURNAL, Archive


def test_answers_lie_under_their_digest(tmp_path):
    archive = Archive(tmp_path / "raw")
    digest = archive.keep(b"an answer")
    assert digest == hashlib.sha256(b"an answer").hexdigest()
    assert (tmp_path / "raw" / digest[:2] / digest).read_bytes() == b"an answer"
    assert archive.keep(b"an answer") == digest
    assert archive.read(digest) == b"an answer"
    assert len([p for p in (tmp_path / "raw").rglob("*") if p.is_file()]) == 1


def test_a_changed_or_missing_answer_is_none(tmp_path):
    archive = Archive(tmp_path)
    digest = archive.keep(b"an answer")
    archive.path(digest).write_bytes(b"another")
    assert archive.read(digest) is None
    assert archive.read("0" * 64) is archive.read(hashlib.sha256(b"").hexdigest()) is None
    assert archive.keep(b"an answer") == digest and archive.read(digest) == b"an answer"  # mended
    archive.path(digest).unlink()
    os.mkfifo(archive.path(digest))
    assert archive.read(digest) is None


@pytest.mark.parametrize(
    "digest", [None, 5, ["a"], {}, "\0", "x" * 5000, "../" * 20 + "etc/passwd", "A" * 64]
)
def test_what_is_no_digest_names_no_answer(tmp_path, digest):
    assert Archive(tmp_path).read(digest) is None


def test_the_journal_keeps_the_last_word(tmp_path):
    folder = tmp_path / "out" / "raw"
    archive = Archive(folder)
    assert archive.recall("q") is None
    archive.remember("q", {"status": 500})
    archive.remember("q", {"status": 200})
    assert archive.recall("q") == {"status": 200}
    assert Archive(folder).recall("q") == {"status": 200}
    assert Archive(folder).recall("p") is None


@given(st.integers(min_value=1, max_value=60))
def test_a_line_cut_off_by_a_kill_is_asked_again_and_swallows_nothing(tmp_path_factory, lost):
    folder = tmp_path_factory.mktemp("raw")
    archive = Archive(folder)
    archive.remember("first", {"status": 200})
    archive.remember("second", {"status": 200})
    journal = folder / JOURNAL
    whole = journal.read_bytes()
    last = len(whole.splitlines()[-1]) + 1
    journal.write_bytes(whole[: -min(lost, last - 1)])
    after = Archive(folder)
    assert after.recall("first") == {"status": 200}
    after.remember("third", {"status": 404})
    again = Archive(folder)
    assert again.recall("first") == {"status": 200} and again.recall("third") == {"status": 404}
