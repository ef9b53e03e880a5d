r"""The findings as CSV (RFC 4180, UTF-8): one row each, with the facts of the run at its end.

Texts that a spreadsheet would take for a formula (``=``, ``+``, ``-``, ``@``, a tab or their full-width
forms at the start) get a ``'`` before them, as in every CSV that auditor writes; plain numbers stay numbers.
Control characters are shown, not obeyed (``\x1b``). Lists are joined: nodes of a path by arrows, all others
by semicolons. Whoever needs texts as they are takes Parquet or JSON; for people there is XLSX.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv

from auditor.errors import visible
from auditor.formulas import inert_table
from auditor.reports import Report
from auditor.reports._rows import FACTS, Findings, facts, flat

if TYPE_CHECKING:
    from auditor.result import AuditResult


def render(result: AuditResult, all_findings: bool) -> list[bytes]:  # noqa: FBT001
    """Give the table."""
    table = Findings(result, all_findings).table
    for name, value in facts(result).items():
        table = table.append_column(name, pa.array([value] * table.num_rows, FACTS[name]))
    out = io.BytesIO()
    pyarrow.csv.write_csv(inert_table(flat(table, visible)), out)
    return [out.getvalue()]


REPORT = Report("csv", (".csv",), render)
