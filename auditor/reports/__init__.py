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
def report_names() -> tuple[str, ...]:
    """Name the formats without importing them: ``sarif_github.py`` is ``sarif-github``."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    return tuple(name.strip("_").replace("_", "-") for name in names)


@cache
def all_reports() -> dict[str, Report]:
    """Find the formats, by name."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    found = [importlib.import_module(f"{__name__}.{name}").REPORT for name in names]
    return {report.name: report for report in found}


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
    for report in all_reports().values():
        if report.read is not None:
            try:
                values = report.read(data)
            except UsageError as error:
                why.append(say("{format}: {error}", format=report.name, error=error.args[0]))
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
    report = _format_of(path, format)
    pieces = report.render(result, all_findings)
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
    reports = all_reports()
    suffix = path.suffix.lower()
    for report in reports.values():
        if report.name == name or (not name and suffix in report.suffixes):
            return report
    known = [f"{report.name} ({' '.join(report.suffixes)})" for report in reports.values()]
    said = say(
        "{path}: no report format for {what}; known are {known}",
        path=str(path),
        what=repr(name or suffix),
        known=known,
    )
    raise UsageError(said)
