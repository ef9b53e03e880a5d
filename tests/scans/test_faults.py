"""Faults of the machine are no operator's, and faults of one operator are nobody else's."""

import errno
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from auditor.errors import AuditorError, UsageError
from auditor.scans import blobs, boxes, intake, items, proof, runs, scanner, state
from auditor.scans.blobs import Blobs, UnwritableError
from auditor.scans.checking import check_store
from auditor.scans.store import StoreError, open_store

NETWORK = Path(__file__).parents[2] / "sample_networks" / "backbone"
LIMITS = items.Limits()


@pytest.fixture
def declared(tmp_path):
    """Give a folder with two declarations."""
    for name in ("one", "two"):
        shutil.copytree(NETWORK, tmp_path / "declared" / name)
    return tmp_path / "declared"


def scanned(store, declared):
    run = runs.begin(store, [declared])
    scanner.scan(store, run, boxes.Inline(), LIMITS)
    return state.state_of(store, run)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_folder_of_evidence_that_takes_nothing_is_no_operators_fault(store, declared, monkeypatch, code):
    left = iter(range(2))
    fsync = os.fsync

    def until_full(handle):
        if next(left, None) is None:
            raise OSError(code, os.strerror(code))
        fsync(handle)

    monkeypatch.setattr(blobs.os, "fsync", until_full)
    with pytest.raises(UnwritableError, match="cannot be written") as caught:
        runs.begin(store, [declared])
    assert caught.value.filename == str(store.evidence)
    monkeypatch.undo()
    assert scanned(store, declared)["items"]["done"] == 2
    assert list(store.blobs.unfinished.iterdir()) == []


def test_a_file_that_cannot_be_read_to_its_end_is_no_fault_of_the_evidence(tmp_path):
    def broken():
        yield b"begins"
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    folder = Blobs(tmp_path)
    with pytest.raises(OSError, match="Input/output") as caught, folder._part() as part:
        blobs._write(part, broken())
    assert not isinstance(caught.value, UnwritableError)


def test_names_that_are_not_utf8_hurt_the_operator_that_has_them(store, declared):
    (declared / "one").rename(os.fsdecode(os.fsencode(declared) + b"/one\xff"))
    Path(os.fsdecode(os.fsencode(declared) + b"/two/nodes\xfe.csv")).touch()
    shutil.copytree(NETWORK, declared / "three")
    for _ in range(2):
        found = scanned(store, declared)
        assert (found["items"]["done"], found["items"]["refused"]) == (1, 2)
        told = {one["operator"]: one["reason"]["en"] for one in found["troubles"]}
        assert "two/nodes\\udcfe.csv: its name is not UTF-8" in told["two"]
        assert "one\\xff" in told["one\\xff"]


def test_folders_too_deep_to_be_laid_out_hurt_the_operator_that_has_them(store, declared):
    run = runs.begin(store, [declared])
    (one,) = items.lease(store, run, LIMITS, most=1)
    job = items.job(store, one)
    deep = replace(job.given, files=((f"{'d/' * 2048}x.csv", store.blobs.put(b"x")),))
    found = boxes.outcome_of(boxes.Inline().submit(replace(job, given=deep)), LIMITS)
    assert (found.state, found.result) == ("error", None)
    assert "too long" in found.reason["en"]


@pytest.fixture
def copied(tmp_path, declared, monkeypatch):
    """Give the URL of a store that can be read alone, by what the system says; root may write anything."""
    store = open_store(f"sqlite:///{tmp_path / '100% @ ?.db'}")
    scanned(store, declared)
    store.close()
    monkeypatch.setattr(os, "access", lambda *_: False)
    return store.url


def test_a_store_that_can_only_be_read_is_read_and_nothing_is_written_beside_it(copied, tmp_path):
    before = sorted(tmp_path.iterdir())
    store = open_store(copied, create=False)
    assert state.state_of(store, 1)["items"]["done"] == 2
    assert check_store(store, proof.public_key(store.evidence / proof.PUBLIC)).faults == ()
    assert sorted(tmp_path.iterdir()) == before
    with pytest.raises(StoreError, match="readonly"):  # at once, it will not pass
        intake.remove(store, ["one"])
    store.close()


def test_a_store_that_can_only_be_read_shows_what_another_writes(copied, declared, monkeypatch):
    with monkeypatch.context() as may:
        may.setattr(os, "access", lambda *_: True)
        writer = open_store(copied)
    intake.remove(writer, ["one"])  # it stands in the log beside the file as yet
    reader = open_store(copied, create=False)
    with reader.read() as connection:
        assert [source.key for source in intake.chosen(connection)] == ["two"]
    writer.close()
    reader.close()


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me:secret@host/x",
        "postgresql+psycopg://me:secret@host:port/x",
        "postgresql+psycopg://me:sec@ret:3@host:99999/x",
        "postgresql+nothing://me:secret@host/x",
        "postgresql+psycopg://me:secret@127.0.0.1:1/x?password=secret",
    ],
)
def test_no_message_holds_who_logs_in_and_how(url, tmp_path):
    with pytest.raises(AuditorError) as caught:
        open_store(url, evidence=tmp_path)
    for lang in ("en", "zh"):
        told = caught.value.in_(lang)
        assert "://***@" in told
        assert not any(part in told for part in ("me:", "sec", "ret:"))


def test_the_store_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "text.db").write_text("hello" * 100)
    with pytest.raises(StoreError, match=r"text\.db cannot be used: file is not a database"):
        open_store(f"sqlite:///{tmp_path / 'text.db'}")


def test_no_run_is_begun_beside_evidence_that_is_not_there(store, store_url, declared, tmp_path):
    scanned(store, declared)
    store.evidence.rename(tmp_path / "away")
    with pytest.raises(UsageError, match="evidence: the files of this store's runs are not there"):
        runs.begin(store, [declared])
    assert not store.evidence.exists()
    other = open_store(store_url, evidence=tmp_path / "other")
    with pytest.raises(UsageError, match="other: the files of this store's runs are not there"):
        runs.begin(other)
    other.close()
    (tmp_path / "away").rename(store.evidence)
    assert scanned(store, declared)["items"]["done"] == 2


def test_what_was_removed_is_back_when_its_own_path_is_given(store, declared):
    scanned(store, declared)
    intake.remove(store, ["one"])
    assert scanned(store, declared)["items"]["done"] == 1
    assert len(intake.register(store, [declared])) == 1
    assert scanned(store, declared / "one")["items"]["done"] == 1
    assert scanned(store, declared)["items"]["done"] == 2
