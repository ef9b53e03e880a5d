"""Raw answers, kept under their own digest, and a journal of what was asked: a killed run goes on from it."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from auditor.writing import write_durably

if TYPE_CHECKING:
    from pathlib import Path

JOURNAL = "journal.jsonl"
DIGEST = re.compile("[0-9a-f]{64}")


@dataclass
class Archive:
    """A folder with one file an answer, named by its SHA-256, and a journal of the questions answered.

    Both are written so that a kill loses nothing: an answer is renamed into its place when it is whole, and a
    line of the journal counts only with its end.

    Parameters
    ----------
    folder
        Made when something is first kept.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     archive = Archive(pathlib.Path(folder))
    ...     digest = archive.keep(b"answer")
    ...     archive.remember("https://rdap.example/ip/192.0.2.1", {"digest": digest})
    ...     Archive(pathlib.Path(folder)).recall("https://rdap.example/ip/192.0.2.1")["digest"] == digest
    True
    """

    folder: Path
    _known: dict[str, dict[str, Any]] | None = field(default=None, repr=False)

    def path(self, digest: str) -> Path:
        """Where an answer lies."""
        return self.folder / digest[:2] / digest

    def keep(self, data: bytes) -> str:
        """Keep an answer and give its digest."""
        digest = hashlib.sha256(data).hexdigest()
        target = self.path(digest)
        if self.read(digest) is None:  # not there, or damaged
            target.parent.mkdir(parents=True, exist_ok=True)
            write_durably(target, data)
        return digest

    def read(self, digest: object) -> bytes | None:
        """Give an answer, or nothing if it is not there or not what its name says."""
        if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
            return None  # out of a journal that another hand wrote
        path = self.path(digest)
        try:
            if not path.is_file():  # reading a pipe would have no end
                return None
            data = path.read_bytes()
        except OSError:
            return None
        return data if hashlib.sha256(data).hexdigest() == digest else None

    def remember(self, key: str, record: dict[str, Any]) -> None:
        """Note how a question was answered."""
        self._journal()[key] = record
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / JOURNAL).open("ab") as file:
            # A line that a kill cut off must not swallow this one.
            file.write(b"\n" if file.tell() and not self._ends_whole() else b"")
            file.write(orjson.dumps({"key": key, **record}) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def recall(self, key: str) -> dict[str, Any] | None:
        """How a question was answered, the last time; nothing if it was not asked."""
        return self._journal().get(key)

    def records(self, prefix: str) -> list[dict[str, Any]]:
        """How the questions that start so were answered, in the order in which they were first asked."""
        return [record for key, record in self._journal().items() if key.startswith(prefix)]

    def _ends_whole(self) -> bool:
        with (self.folder / JOURNAL).open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    def _journal(self) -> dict[str, dict[str, Any]]:
        if self._known is None:
            self._known = {}
            path = self.folder / JOURNAL
            for line in path.read_bytes().splitlines() if path.exists() else ():
                try:
                    record = orjson.loads(line)
                    self._known[str(record.pop("key"))] = record
                except (orjson.JSONDecodeError, KeyError, AttributeError, TypeError):
                    continue  # cut off by a kill, or of another hand: the question is asked again
        return self._known
