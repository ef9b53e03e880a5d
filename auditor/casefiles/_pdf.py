"""The case file as a PDF for archives: tagged, in both languages, its texts data and never markup."""

from __future__ import annotations

import datetime as dt
import re
from importlib import resources
from typing import TYPE_CHECKING, Any

import orjson

from auditor.casefiles._page import MOST_ROWS
from auditor.casefiles._words import WORDS
from auditor.findings import plain
from auditor.reports._ink import FAMILY, font

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

STANDARDS = ["a-2a", "ua-1"]
CARRYING = ["a-3a", "ua-1"]  # an archive file that holds others
LONGEST, RUN = 6_000, 18
UNBROKEN = re.compile(rf"[!-~]{{{RUN}}}(?=[!-~])")
BREAK = "\u200b"
MIME = {".json": "application/json", ".csv": "text/csv", ".pdf": "application/pdf", ".txt": "text/plain"}


def pdf(shown: Mapping[str, Any], drawings: Mapping[str, bytes], attached: Mapping[str, bytes]) -> bytes:
    """Give the document.

    Parameters
    ----------
    shown
        What `page` takes as well.
    drawings
        Maps as SVG, by file name.
    attached
        Files that the document carries in itself, by path.

    Raises
    ------
    UsageError
        What makes PDFs is not installed.
    """
    folder, ink = font()
    import typst  # noqa: PLC0415 -- of an extra

    day = dt.date.fromisoformat(shown["as_of"])
    data = {
        **_inked(shown, ink.written),
        "w": _inked(plain({name: {"en": t.en, "zh": t.zh} for name, t in WORDS.items()}), ink.written),
        "font": FAMILY,
        "date": {"year": day.year, "month": day.month, "day": day.day},
        "most": MOST_ROWS,
        "attached": [
            {
                "path": path,
                "file": f"file-{at}",
                "mime": MIME.get(path[path.rfind(".") :], "application/octet-stream"),
            }
            for at, path in enumerate(attached)
        ],
    }
    files: Any = {
        "main.typ": resources.files("auditor.casefiles").joinpath("case.typ").read_bytes(),
        "data.json": orjson.dumps(data),
        **drawings,
        **{f"file-{at}": content for at, content in enumerate(attached.values())},
    }
    made: bytes = typst.compile(
        files,
        font_paths=[str(folder)],
        ignore_system_fonts=True,
        pdf_standards=CARRYING if attached else STANDARDS,  # type: ignore[arg-type]
        timestamp=dt.datetime.combine(day, dt.time(), dt.UTC),
    )
    return made


def _inked(value: Any, written: Callable[[str], str]) -> Any:
    """Make every text drawable, and breakable where it has a very long word."""
    if isinstance(value, str):
        short = value if len(value) <= LONGEST else f"{value[:LONGEST]}… (+{len(value) - LONGEST:,})"
        return UNBROKEN.sub(lambda found: found[0] + BREAK, written(short))
    if isinstance(value, dict):
        return {name: _inked(part, written) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_inked(part, written) for part in value]
    return value
