"""The result as one HTML page: verdict, findings with their clauses, map and topology; works offline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.reports import Report

if TYPE_CHECKING:
    from auditor.result import AuditResult


def render(result: AuditResult, all_findings: bool) -> list[bytes]:  # noqa: FBT001
    """Give the page."""
    from auditor.page import page_html  # noqa: PLC0415 -- templates are loaded for this format alone

    return [page_html(result, all_findings=all_findings).encode()]


REPORT = Report("html", (".html", ".htm"), render)
