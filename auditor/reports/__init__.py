"""Reports, one file each, found by scanning this package: `REPORT = Report(name, suffixes, write)`."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from auditor.result import AuditResult


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
def all_reports() -> dict[str, Report]:
    """Find the formats, by name."""
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))
    found = [importlib.import_module(f"{__name__}.{name}").REPORT for name in names]
    return {report.name: report for report in found}


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
    reports = all_reports()
    fitting = [r for r in reports.values() if r.name == format or (not format and path.suffix in r.suffixes)]
    if not fitting:
        known = ", ".join(f"{r.name} ({' '.join(r.suffixes)})" for r in reports.values())
        raise UsageError(f"{path}: no report format for {format or path.suffix!r}; known are {known}")
    try:
        with path.open("wb") as file:
            file.writelines(fitting[0].render(result, all_findings))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
