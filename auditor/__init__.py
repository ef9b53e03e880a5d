"""Check a declared telecom network against the Circular 107 (2024) pilot.

>>> import auditor
>>> declaration = auditor.read_declaration(auditor.sample("shanghai_violations"))
>>> result = auditor.check(declaration, as_of="2026-11-22")
>>> result.verdict
<Verdict.FAIL: 'fail'>
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.casefiles import CaseFile as CaseFile
    from auditor.casefiles import casefile as casefile
    from auditor.changes import Diff as Diff
    from auditor.changes import diff as diff
    from auditor.comparing import compare as compare
    from auditor.comparison.table import Comparison as Comparison
    from auditor.edits import Edit as Edit
    from auditor.engine import check as check
    from auditor.findings import Verdict as Verdict
    from auditor.model import Declaration as Declaration
    from auditor.observations import Observations as Observations
    from auditor.prospect import Prospect as Prospect
    from auditor.prospect import whatif as whatif
    from auditor.readers import read_declaration as read_declaration
    from auditor.readers import read_graph as read_graph
    from auditor.readers import read_observations as read_observations
    from auditor.reports import read_result as read_result
    from auditor.reports import write_report as write_report
    from auditor.result import AuditResult as AuditResult
    from auditor.reviews import read_reviews as read_reviews
    from auditor.scans.life_views import history as history
    from auditor.scans.sampling import Draw as Draw
    from auditor.scans.sampling import draw as draw
    from auditor.settings import Policy as Policy
    from auditor.settings import sample as sample
    from auditor.zones import Areas as Areas
    from auditor.zones import read_areas as read_areas

__version__ = "0.1.0"

_HOMES = {
    "AuditResult": "result",
    "CaseFile": "casefiles",
    "casefile": "casefiles",
    "Diff": "changes",
    "diff": "changes",
    "Edit": "edits",
    "Prospect": "prospect",
    "whatif": "prospect",
    "Comparison": "comparison.table",
    "compare": "comparing",
    "check": "engine",
    "Verdict": "findings",
    "Declaration": "model",
    "Observations": "observations",
    "read_graph": "readers",
    "read_observations": "readers",
    "read_declaration": "readers",
    "read_result": "reports",
    "write_report": "reports",
    "read_reviews": "reviews",
    "Draw": "scans.sampling",
    "draw": "scans.sampling",
    "history": "scans.life_views",
    "Policy": "settings",
    "sample": "settings",
    "Areas": "zones",
    "read_areas": "zones",
}
__all__ = [*sorted(_HOMES), "__version__"]  # noqa: PLE0604 -- all are strings


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that ``auditor --help`` need not load geometry."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
