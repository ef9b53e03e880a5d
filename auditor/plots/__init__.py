"""Figures of a result for papers and PDF: where things stand, and which ways lead to the Internet."""

from __future__ import annotations

from auditor.plots._map import plot_map
from auditor.plots._paths import plot_paths

__all__ = ["plot_map", "plot_paths"]
