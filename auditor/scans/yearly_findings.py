"""Findings of a year: what was open, what came, what went, what stayed; by rule, clause and severity.

Open at the end is what was open at the start, and what came, less what went: in every row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from auditor import engine, registers
from auditor.findings import SEVERITIES, Verdict
from auditor.scans import histories
from auditor.scans.decisions import decisions_at, overlay
from auditor.scans.histories import FINDING, OPEN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.scans.yearly import Year

CAME = ("first_seen", "regressed", "reopened")
WENT = ("fixed", "otherwise_closed", "operator_left")
COLUMNS = (
    *("open_at_start", *CAME, *WENT, "open_at_end"),
    *("failing_at_end", "undecided_at_end", "waived_at_end", "not_judged_again"),
)
UNKNOWN = "-"  # clause of a rule that this version does not have


def figures(year: Year) -> dict[str, Any]:
    """Give the figures of findings: all of them, by severity, by rule, by clause.

    A finding counts under every clause that its rule answers, so that clauses add up to more than all.
    """
    counted = _counted(year)
    rules = {rule.id: rule for rule in engine.all_rules()}
    own = pd.Series(
        {rule: list(rules[rule].clauses if rule in rules else (UNKNOWN,)) for rule in set(counted["rule"])},
        dtype=object,
    )
    clauses = counted.assign(clause=counted["rule"].map(own)).explode("clause")
    order = [clause.id for clause in registers.read_clauses()]
    return {
        "total": {name: int(counted[name].sum()) for name in COLUMNS},
        "by_severity": _by(counted, "severity", SEVERITIES),
        "by_rule": _by(counted, "rule", sorted(set(counted["rule"]))),
        "by_clause": _by(clauses, "clause", (*order, UNKNOWN)),
    }


def _by(frame: pd.DataFrame, key: str, order: Iterable[str]) -> list[dict[str, Any]]:
    found = histories.sums(frame, key, COLUMNS)
    return [{key: name, **found[name]} for name in order if name in found]


def _counted(year: Year) -> pd.DataFrame:
    """Give one row a finding that was ever open, with what it adds to each figure."""
    frame = year.changes
    first = ~frame.duplicated(FINDING)
    inside = year.within(frame["at"])
    came = inside & (frame["earlier"] != OPEN) & (frame["state"] == OPEN)
    went = inside & (frame["earlier"] == OPEN) & (frame["state"] != OPEN)
    regressed, fixed = frame["change"] == "regressed", frame["change"] == "fixed"
    moves = frame[FINDING].assign(
        first_seen=came & first,
        regressed=came & ~first & regressed,
        reopened=came & ~first & ~regressed,
        fixed=went & fixed,
        otherwise_closed=went & ~fixed,
    )
    counted = moves.groupby(FINDING).sum()
    before = histories.latest(frame[frame["at"] < year.start]).set_index(FINDING)
    last = histories.latest(frame).set_index(FINDING).reindex(counted.index)
    counted["open_at_start"] = (before["state"].reindex(counted.index) == OPEN).astype(int)
    counted["severity"] = last["severity"]
    stays = counted.index.get_level_values("operator_id").isin(year.staying["id"])
    still = last["state"] == OPEN
    judged = counted.index.get_level_values("operator_id").isin(year.last["operator_id"])
    counted["operator_left"] = (still & ~stays).astype(int)
    counted["open_at_end"] = (still & stays).astype(int)
    counted["failing_at_end"] = (still & stays & (last["after"] == Verdict.FAIL)).astype(int)
    counted["undecided_at_end"] = (still & stays & (last["after"] != Verdict.FAIL)).astype(int)
    counted["not_judged_again"] = (still & stays & ~judged).astype(int)
    counted = counted.reset_index()
    counted["waived_at_end"] = _waived(year, counted.assign(verdict=last["after"].to_numpy()))
    return counted


def _waived(year: Year, counted: pd.DataFrame) -> pd.Series[int]:
    """Tell which findings that are open at the end are waived then."""
    keys = year.operators.set_index("id")["key"]
    frame = counted.assign(operator=counted["operator_id"].map(keys))
    held = decisions_at(year.connection, year.last_instant)
    laid = overlay(frame, held)
    return (laid["waiver_id"].notna() & (counted["open_at_end"] == 1)).astype(int)
