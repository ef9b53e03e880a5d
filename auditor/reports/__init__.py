"""Reports, one file each, found by scanning this package: `REPORT = Report(name, suffixes, write)`."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.errors import UsageError
from auditor.files import read_plain, reason_of
from auditor.language import say
from auditor.writing import written_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from os import PathLike

    from auditor.result import AuditResult


HEAD = 4096
DECLARATION = b"auditor.declaration/"
MARKS = (b"auditor.result/", b"sarif", b"assessment-results")


@dataclass(frozen=True, slots=True)
class Report:
    """One output format.

    Parameters
    ----------
    name
        What `--format` and ``-o NAME=PATH`` call it.
    suffixes
        Endings of file names that mean this format.
    render
        From a result, and whether to add passes, to the report's bytes (UTF-8 where it is text) in pieces.
    binary
        Whether it is no text, so that a terminal must not get it.
    read
        From the bytes of such a report back to the result as `auditor schema result` has it, for formats that
        carry all of it; raises `UsageError` on what is no report of ours.
    """

    name: str
    suffixes: tuple[str, ...]
    render: Callable[[AuditResult, bool], Iterable[bytes]]
    binary: bool = False
    read: Callable[[bytes], dict[str, Any]] | None = None


@cache
def _modules() -> dict[str, str]:
    """Modules of the formats, by name of the format: ``sarif_github.py`` is ``sarif-github``."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    return {name.strip("_").replace("_", "-"): name for name in names}


def report_names() -> tuple[str, ...]:
    """Name the formats without importing them."""
    return tuple(_modules())


def report(name: str) -> Report:
    """Give one format, importing it alone: all together take a quarter of a second."""
    found: Report = importlib.import_module(f"{__name__}.{_modules()[name]}").REPORT
    return found


def all_reports() -> dict[str, Report]:
    """Find the formats, by name."""
    return {name: report(name) for name in report_names()}


def is_result(path: str | PathLike[str]) -> bool:
    """Whether a file looks like a result that a run wrote, by its first bytes; a declaration does not."""
    path = Path(path)
    if not path.is_file():
        return False
    with path.open("rb") as file:
        first = file.read(HEAD)
    return DECLARATION not in first and any(mark in first for mark in MARKS)


def read_result(path: str | PathLike[str]) -> dict[str, Any]:
    """Read a result that a run wrote, in any format that carries all of it (JSON, SARIF, OSCAL).

    Returns
    -------
    dict
        The result in the form that `auditor schema result` states.

    Raises
    ------
    UsageError
        A file that cannot be read or is no result; it says why, by format.
    """
    from auditor.stored import checked  # noqa: PLC0415 -- its validation library is slow to load

    path = Path(path)
    try:
        data = read_plain(path)
    except OSError as error:
        raise UsageError(say("{path}: {error}", path=str(path), error=reason_of(error))) from None
    why = []
    for form in all_reports().values():
        if form.read is not None:
            try:
                values = form.read(data)
            except UsageError as error:
                why.append(say("{format}: {error}", format=form.name, error=error.args[0]))
            else:
                return checked(values, path.name)
    raise UsageError(say("{path} is no result of auditor; {why}", path=str(path), why=why))


def write_report(
    result: AuditResult,
    path: str | Path,
    *,
    format: str | None = None,  # noqa: A002 -- the word that `-o` and pandas use
    all_findings: bool = False,
) -> None:
    """Write a result to a file; the format is that of the file's suffix unless given.

    Parameters
    ----------
    result
        What `check` gave.
    path
        File to write; its folder must exist.
    format
        Name of a format (``json``, ``text``).
    all_findings
        Whether to list passes, and what does not apply, too.

    Raises
    ------
    UsageError
        An unknown format or suffix, or a file that cannot be written.
    """
    path = Path(path)
    pieces = _format_of(path, format).render(result, all_findings)
    try:
        if path.exists() and not path.is_file() and not path.is_dir():  # a pipe or device takes what comes
            with path.open("wb") as file:
                file.writelines(pieces)
            return
        with written_whole(path) as part, part.open("wb") as file:
            file.writelines(pieces)
    except OSError as error:
        raise UsageError(say("{path}: {error}", path=str(path), error=reason_of(error))) from None


def _format_of(path: Path, name: str | None) -> Report:
    """Find the format that was named, or that the file's ending means."""
    if name in report_names():
        return report(name)
    suffix = path.suffix.lower()
    forms = all_reports().values()
    for form in forms:
        if not name and suffix in form.suffixes:
            return form
    known = [f"{form.name} ({' '.join(form.suffixes)})" for form in forms]
    said = say(
        "{path}: no report format for {what}; known are {known}",
        path=str(path),
        what=repr(name or suffix),
        known=known,
    )
    raise UsageError(said)
