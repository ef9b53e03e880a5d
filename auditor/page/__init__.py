"""The report as one page: it works offline, asks nothing of any network, and obeys nothing it shows."""

from __future__ import annotations

from auditor.page.build import map_html, page_html

__all__ = ["map_html", "page_html"]
