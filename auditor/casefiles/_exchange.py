"""What was asked and answered: ``exchange.csv``, read strictly, with the documents that lie beside it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from auditor.casefiles._words import EXCHANGE_KINDS, WORDS
from auditor.cells import mask
from auditor.errors import UsageError
from auditor.files import read_plain, reason_of
from auditor.language import say
from auditor.problems import quote
from auditor.readers._tables import read_csv
from auditor.tables import Column, Log, Unused, read_columns, require_columns

if TYPE_CHECKING:
    import datetime as dt
    from os import PathLike

    from auditor.tables import Frame

KINDS = tuple(EXCHANGE_KINDS)
IN_CHINESE = {text.zh: kind for kind, text in EXCHANGE_KINDS.items()}
COLUMNS = (
    Column("on", "date", "day of the letter", required=True),
    Column("from", "text", "who wrote it", required=True),
    Column("to", "text", "to whom", required=True),
    Column("kind", "choice", "what it is", KINDS, IN_CHINESE, required=True),
    Column("text", "text", "its words, or what it says", required=True),
    Column("document", "text", "file beside this one that holds it"),
)
HEADS = {WORDS[column.name].zh: column.name for column in COLUMNS}
REQUIRED = [column.name for column in COLUMNS if column.required]


@dataclass(frozen=True, slots=True)
class Letter:
    """One entry of the correspondence.

    Parameters
    ----------
    on
        Its date.
    sender, to
        Who wrote it, and to whom.
    kind
        ``question``, ``answer``, ``statement`` or ``objection``.
    text
        Its words.
    document
        Name of the file that holds it; blank where there is none.
    data
        Bytes of that file; None where it does not lie beside the table.
    """

    on: dt.date
    sender: str
    to: str
    kind: str
    text: str
    document: str = ""
    data: bytes | None = None

    @property
    def sha256(self) -> str | None:
        """Digest of the document, if it is at hand."""
        return None if self.data is None else hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class Exchange:
    """The correspondence of a case, in order of date.

    Parameters
    ----------
    letters
        Its entries.
    name, sha256
        The file and its digest.
    unused
        Columns that are not read.
    data
        Bytes of the file.
    """

    letters: tuple[Letter, ...] = ()
    name: str = ""
    sha256: str = ""
    unused: tuple[Unused, ...] = ()
    data: bytes = b""


def read_exchange(path: str | PathLike[str]) -> Exchange:
    """Read ``exchange.csv``.

    Parameters
    ----------
    path
        CSV with the columns ``on``, ``from``, ``to``, ``kind``, ``text``, and ``document`` if there are any:
        names of files in the same folder. Chinese heads and kinds are read as well.

    Raises
    ------
    DeclarationError
        All that is wrong in the file.
    UsageError
        A file that cannot be read.
    """
    path = Path(path)
    try:
        data = read_plain(path)
    except OSError as error:
        raise UsageError(say("{path}: {error}", path=str(path), error=reason_of(error))) from None
    log = Log()
    raw = read_csv(data, path.name, log)
    if raw is not None:
        names = [HEADS.get(name.strip(), name.strip()) for name in raw.table.column_names]
        raw = require_columns(replace(raw, table=raw.table.rename_columns(names)), REQUIRED, log)
    log.problems.raise_if_any()
    assert raw is not None  # noqa: S101 -- a table that could not be read is a problem
    frame = read_columns(raw, COLUMNS, log)
    for name in REQUIRED:
        blank = mask(frame.table.column(name).is_null())
        log.problems.rows(
            frame.origin, blank, name, lambda _: say("is blank"), say("every entry needs {name}", name=name)
        )
    found = [] if log.problems.found else _letters(frame, path.parent, log)
    log.problems.raise_if_any()
    found.sort(key=lambda letter: letter.on)
    return Exchange(tuple(found), path.name, hashlib.sha256(data).hexdigest(), tuple(log.unused), data)


def _letters(frame: Frame, folder: Path, log: Log) -> list[Letter]:
    """Make letters of the rows; a document that leads out of the folder, or cannot be read, is a problem."""
    found = []
    for at, row in enumerate(frame.table.to_pylist()):
        name = row["document"] or ""
        data, fault = read_inside(folder, name) if name else (None, "")
        if fault:
            file, where = frame.origin.at(at)
            log.problems.add(file, where, "document", fault, say("give the name of a file beside this one"))
        found.append(Letter(row["on"], row["from"], row["to"], row["kind"], row["text"], name, data))
    return found


def read_inside(folder: Path, name: str) -> tuple[bytes | None, str]:
    """Read a file that must lie inside a folder.

    Returns
    -------
    bytes or None
        What it holds; None where it is not there or must not be read.
    str
        Why it must not be read; blank where it may.
    """
    within = PurePosixPath(name)
    try:
        target = (folder / within).resolve()
        inside = target.is_relative_to(folder.resolve()) and "\\" not in name and not within.is_absolute()
        if not inside:
            return None, say("{name} leads out of the folder", name=quote(name))
        return read_plain(target), ""
    except FileNotFoundError:
        return None, ""
    except (OSError, RuntimeError, ValueError) as error:
        why = reason_of(error) if isinstance(error, OSError) else quote(error)
        return None, say("{name} cannot be read: {reason}", name=quote(name), reason=why)
