"""Texts that a spreadsheet would run as a formula, kept from it by a ' and brought back."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from auditor.cells import NUMBER, flat

SIGN = "[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]"  # what a spreadsheet may take for the start of a formula


def inert(array: Any) -> Any:
    """Write texts so that no spreadsheet takes them for a formula: a ' goes before; `spoken` takes it off.

    A plain number is none. Source: OWASP, CSV injection; full-width signs count, too.

    Examples
    --------
    >>> inert(pa.array(["=1+1", "-5", "'@x", "x"])).to_pylist()
    ["'=1+1", '-5', "''@x", 'x']
    """
    formula = pc.match_substring_regex(array, rf"^'*{SIGN}")
    if not pc.any(formula).as_py():
        return array
    formula = pc.and_(formula, pc.invert(pc.match_substring_regex(array, NUMBER)))
    return pc.if_else(formula, pc.binary_join_element_wise("'", array, ""), array)


def inert_table(table: Any) -> Any:
    """Give a table whose names and texts no spreadsheet takes for a formula."""
    columns = [
        inert(flat(column)) if pa.types.is_string(flat(column).type) else column for column in table.columns
    ]
    return pa.table(columns, names=inert(pa.array(table.column_names, pa.string())).to_pylist())


def spoken(array: Any) -> Any:
    """Take off the ' that `inert` puts before a sign.

    Examples
    --------
    >>> spoken(inert(pa.array(["=1+1", "-5", "'@x", "x"]))).to_pylist()
    ['=1+1', '-5', "'@x", 'x']
    """
    guarded = pc.match_substring_regex(array, rf"^'+{SIGN}")
    if not pc.any(guarded).as_py():
        return array
    return pc.if_else(guarded, pc.utf8_slice_codeunits(array, 1), array)
