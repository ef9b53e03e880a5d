r"""The findings as CSV (RFC 4180, UTF-8): one row each, with the facts of the run at its end.

Texts that a spreadsheet would take for a formula (``=``, ``+``, ``-``, ``@``, a tab or their full-width
forms at the start) get a ``'`` before them, as in every CSV that auditor writes; plain numbers stay numbers.
Control characters are shown, not obeyed (``\x1b``). Lists are joined: nodes of a path by arrows, all others
by semicolons. Whoever needs texts as they are takes Parquet or JSON; for people there is XLSX.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv

from auditor.errors import visible
from auditor.formulas import inert_table
from auditor.reports import Report
from auditor.reports._rows import EMPTY, FACTS, Findings, facts, flat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.result import AuditResult


def render(result: AuditResult, all_findings: bool) -> Iterator[bytes]:  # noqa: FBT001
    """Give the table, some rows at a time."""
    told = facts(result)
    yield _written(Findings(result, all_findings, EMPTY), told, head=True)
    for findings in Findings.streamed(result, all_findings):
        yield _written(findings, told, head=False)


def _written(findings: Findings, told: dict[str, Any], *, head: bool) -> bytes:
    """Write rows of the table with the facts of the run."""
    table = findings.table
    for name, value in told.items():
        table = table.append_column(name, pa.repeat(pa.scalar(value, FACTS[name]), table.num_rows))
    out = io.BytesIO()
    pyarrow.csv.write_csv(
        inert_table(flat(table, visible)), out, pyarrow.csv.WriteOptions(include_header=head)
    )
    return out.getvalue()


REPORT = Report("csv", (".csv",), render)
