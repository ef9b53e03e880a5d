"""The result as a PDF to be handed in: cover, summary, map, findings by cause, provenance, signatures.

It is PDF/A-2a and PDF/UA-1 (tagged, for archives and for readers that speak), the same bytes for the same
result, in English or Chinese with the words of the clauses in both. Texts reach the typesetter as data, never
as markup; characters that the font cannot draw are named by their number. Long lists are cut and say by how
much; CSV, XLSX and JSON have them whole. With all findings, the list of subjects has those that pass, too. It
needs ``pip install 'auditor[pdf]'``.
"""

from __future__ import annotations

import datetime as dt
from importlib import resources
from typing import TYPE_CHECKING, Any

import orjson

from auditor.reports import Report
from auditor.reports._document import content
from auditor.reports._ink import font

if TYPE_CHECKING:
    from auditor.result import AuditResult

STANDARDS = ["a-2a", "ua-1"]


def render(result: AuditResult, all_findings: bool) -> list[bytes]:  # noqa: FBT001
    """Give the document; raises `UsageError` where what makes PDFs is not installed."""
    folder, ink = font()
    import typst  # noqa: PLC0415 -- of an extra

    told, drawings = content(result, all_findings, ink.written)
    template = resources.files("auditor.reports").joinpath("report.typ").read_bytes()
    files: Any = {
        "main.typ": template,
        "data.json": orjson.dumps(told),
        **drawings,
    }  # the stubs know paths alone
    made: bytes = typst.compile(
        files,
        font_paths=[str(folder)],
        ignore_system_fonts=True,
        pdf_standards=STANDARDS,  # type: ignore[arg-type]
        timestamp=dt.datetime.combine(result.case.as_of, dt.time(), dt.UTC),
    )
    return [made]


REPORT = Report("pdf", (".pdf",), render, binary=True)
