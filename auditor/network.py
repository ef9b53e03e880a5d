"""Nodes and links as one network: what must hold inside a row, between rows and between the tables."""

from __future__ import annotations

import ipaddress
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor import cells
from auditor.columns import Coded, days, floats, whole
from auditor.language import say
from auditor.problems import quote, spans
from auditor.tables import Frame, Note

if TYPE_CHECKING:
    from collections.abc import Callable

    from auditor.columns import IntArray
    from auditor.interning import Interned
    from auditor.problems import Problems
    from auditor.tables import Log

ROUNDED = r"^[0-9](\.[0-9]+)?[Ee]\+[0-9]+$"
NO_DAY = np.int32(2**31 - 1)
LARGEST_ASN = 2**32 - 1
LOST = -2
ODD = np.array([0x9E3779B1, 0x85EBCA77], np.uint32)


def _check_coordinates(frame: Frame, log: Log) -> Frame:
    lon, lat = floats(frame.table, "lon"), floats(frame.table, "lat")

    def what(fault: str) -> Callable[[int], str]:
        if "without" in fault:
            return lambda _row: fault
        return lambda row: say("{fault}: lon {lon:g}, lat {lat:g}", fault=fault, lon=lon[row], lat=lat[row])

    hint = say("lon is east (73 to 135 in China), lat is north (18 to 54)")
    for fault, (column, bad) in cells.coordinate_faults(lon, lat).items():
        log.problems.rows(frame.origin, bad, column, what(fault), "" if "without" in fault else hint)
    nowhere = (lon == 0) & (lat == 0)
    if not nowhere.any():
        return frame
    rows = spans(frame.origin.number[nowhere])
    log.notes.append(
        Note(
            frame.origin.files[0],
            say("0,0 read as unknown in {count:,} rows: {rows}", count=int(nowhere.sum()), rows=rows),
        )
    )
    table = frame.table
    for name in ("lon", "lat"):
        place = pc.if_else(pa.array(nowhere), None, cells.flat(table.column(name)))
        table = table.set_column(table.column_names.index(name), name, place)
    return replace(frame, table=table)


def _is_blank(frame: Frame, name: str) -> bool:
    column = frame.table.column(name)
    return bool(column.null_count == len(column))


def _check_period(frame: Frame, problems: Problems) -> None:
    if any(_is_blank(frame, name) for name in ("from_on", "to_on")):
        return
    start = days(frame.table, "from_on", blank=-int(NO_DAY))
    end = days(frame.table, "to_on", blank=int(NO_DAY))
    column = frame.table.column("to_on")
    problems.rows(
        frame.origin,
        start >= end,
        "to_on",
        lambda row: say("{value} is not after from_on", value=column[row]),
        say("to_on is exclusive"),
    )


def _check_values(
    frame: Frame, name: str, good: Callable[[str], object], problems: Problems, *, what: str, hint: str = ""
) -> None:
    if _is_blank(frame, name):
        return
    column = Coded.of(frame.table.column(name))
    bad = column.map(lambda value: not good(value), blank=False, dtype=np.bool_)
    problems.rows(
        frame.origin,
        bad,
        name,
        lambda row: say("{value} {what}", value=quote(column.at(row)), what=what),
        hint,
    )


def _check_present(frame: Frame, name: str, problems: Problems, hint: str = "") -> None:
    if not frame.table.column(name).null_count:
        return
    blank = cells.mask(frame.table.column(name).is_null())
    problems.rows(frame.origin, blank, name, lambda _row: say("is missing"), hint)


def _check_unique(frame: Frame, log: Log) -> None:
    ids = frame.strings("id")
    coded = ids.dictionary_encode()
    if len(coded.dictionary) == len(ids) - ids.null_count:
        return
    codes = np.asarray(pc.fill_null(coded.indices, -1))
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-2))
    first = np.empty(len(ids), np.int64)
    first[order] = np.repeat(order[starts], np.diff(np.append(starts, len(ids))))

    def what(row: int) -> str:
        file, where = frame.origin.at(int(first[row]))
        return say(
            "{value} is there twice, first in {file}, {where}",
            value=quote(ids[row].as_py()),
            file=file,
            where=where,
        )

    again = (first != np.arange(len(ids))) & (codes >= 0)
    if not log.repeats:
        log.problems.rows(frame.origin, again, "id", what, say("give every one its own id"))
        return
    rows = spans(frame.origin.number[again])
    note = say("ids that are there twice, in {count:,} rows: {rows}", count=int(again.sum()), rows=rows)
    log.notes.append(Note(frame.origin.files[0], note))


def _check_rounded(frame: Frame, name: str, problems: Problems) -> None:
    ids = frame.strings(name)
    if not cells.holds(ids, "+"):
        return
    problems.rows(
        frame.origin,
        cells.mask(pc.match_substring_regex(ids, ROUNDED)),
        name,
        lambda row: say("{value} is a number that a spreadsheet has rounded", value=quote(ids[row].as_py())),
        say("format the column as text and export it again"),
    )


def _check_sites(frame: Frame, table: Interned, problems: Problems) -> None:
    if _is_blank(frame, "site"):
        return
    n, site = frame.table.num_rows, Coded.of(frame.table.column("site"))
    known = np.append(table.rows(pa.array(site.values, pa.string())), np.int32(-1))
    known[known < 0] = n
    above = known[site.codes]
    lost = (above == n) & ~site.blank
    hint = say("site is the id of the node it stands in")
    problems.rows(
        frame.origin, lost, "site", lambda row: say("{value} is no node", value=quote(site.at(row))), hint
    )
    far = np.append(above, np.int32(n))
    for _ in range(n.bit_length()):  # pointer doubling: whoever climbs more than n steps climbs for ever
        far = far[far]
        if (far == n).all():
            return
    cycle = np.zeros(n + 1, np.bool_)
    cycle[far] = True
    what = say("leads back to the node itself")
    problems.rows(
        frame.origin,
        cycle[:n],
        "site",
        lambda row: say("{value} {what}", value=quote(site.at(row)), what=what),
        hint,
    )


def check_nodes(frame: Frame, table: Interned, log: Log) -> Frame:
    """Report what is wrong in the node table; coordinates 0,0 become unknown.

    Parameters
    ----------
    frame
        The nodes.
    table
        Their ids.
    log
        Gets the problems.
    """
    problems = log.problems
    for name in ("id", "kind"):
        _check_present(frame, name, problems)
    _check_rounded(frame, "id", problems)
    if not table.distinct:
        _check_unique(frame, log)
    frame = _check_coordinates(frame, log)
    if not _is_blank(frame, "accuracy_m"):
        accuracy = floats(frame.table, "accuracy_m")
        problems.rows(
            frame.origin,
            accuracy < 0,
            "accuracy_m",
            lambda row: say("{value:g} is negative", value=accuracy[row]),
        )
    if not _is_blank(frame, "asn"):
        asn = floats(frame.table, "asn")
        problems.rows(
            frame.origin, asn > LARGEST_ASN, "asn", lambda row: say("{asn:.0f} is no AS number", asn=asn[row])
        )
    _check_values(
        frame,
        "region_code",
        re.compile(cells.REGION_CODE).match,
        problems,
        what=say("is no administrative division code"),
        hint=say("digits as in GB/T 2260, or two letters for a country"),
    )
    _check_period(frame, problems)
    _check_sites(frame, table, problems)
    return frame


def check_prefixes(frame: Frame, log: Log) -> None:
    """Report what is wrong in the prefix table."""

    def is_prefix(text: str) -> bool:
        try:
            ipaddress.ip_network(text)
        except ValueError:
            return False
        return True

    _check_present(frame, "prefix", log.problems)
    hint = say("write 203.0.113.0/24 or 2001:db8::/32, without host bits")
    _check_values(frame, "prefix", is_prefix, log.problems, what=say("is no address block"), hint=hint)
    _check_period(frame, log.problems)


def _undeclared(rows: list[IntArray], ends: list[Any]) -> tuple[list[IntArray], Any]:
    """Number the ends that are not declared, in order of first sight, row by row, source before target."""
    n_links = len(ends[0])
    both = np.concatenate([2 * np.flatnonzero(rows[0] == LOST), 2 * np.flatnonzero(rows[1] == LOST) + 1])
    both.sort()
    column = pa.chunked_array(ends)
    coded = whole(column.take(pa.array((both % 2) * n_links + both // 2))).dictionary_encode()
    codes = np.asarray(coded.indices)
    for side in (0, 1):
        mine = both % 2 == side
        rows[side][both[mine] // 2] = LOST - 1 - codes[mine]
    return rows, coded.dictionary


def _ends(frame: Frame, ids: Interned) -> tuple[list[IntArray], Any]:
    """Look up both ends: row of the node, n + k for the k-th undeclared id, -1 for blank."""
    ends = [frame.strings("source"), frame.strings("target")]
    with ThreadPoolExecutor(2) as threads:
        rows = list(threads.map(ids.rows, ends))
    lost = False
    for at, end in zip(rows, ends, strict=True):
        if at.min(initial=0) < 0:
            at[(at < 0) & cells.mask(end.is_valid())] = LOST
            lost |= bool((at == LOST).any())
    if not lost:
        return rows, pa.array([], pa.string())
    rows, undeclared = _undeclared(rows, ends)
    for at in rows:
        named = at <= LOST
        at[named] = len(ids.ids) + LOST - 1 - at[named]
    return rows, undeclared


def _link_ids(frame: Frame, given: Any, tail: IntArray, head: IntArray) -> Any:
    """Name links without id by their ends, parallel ones by a number besides: row order plays no part."""
    if not given.null_count:
        return given
    source, target = (frame.strings(end) for end in ("source", "target"))
    if given.null_count == len(given):
        return _made_ids(source, target, tail, head)
    blank = cells.mask(given.is_null())
    source, target = (end.filter(pa.array(blank)) for end in (source, target))
    return pc.replace_with_mask(given, pa.array(blank), _made_ids(source, target, tail[blank], head[blank]))


def _made_ids(source: Any, target: Any, tail: IntArray, head: IntArray) -> Any:
    again, nth = _repeated(tail, head)
    if len(again):
        later = np.zeros(len(tail), np.bool_)
        later[again] = True
        number = pa.array(nth).cast(pa.string())
        far = pc.fill_null(target.filter(pa.array(later)), "")
        far = pc.binary_join_element_wise(far, number, "#")
        target = pc.replace_with_mask(target, pa.array(later), far)
    return pc.binary_join_element_wise(source, target, ">", null_handling="replace", null_replacement="")


def _repeated(tail: IntArray, head: IntArray) -> tuple[IntArray, IntArray]:
    """Rows whose ends a row before them has, ascending, and the how manieth of them each is, from 2."""
    mixed = tail.astype(np.uint32) * ODD[0]  # half as wide as both ends: sorted in half the time
    mixed += head.astype(np.uint32) * ODD[1]
    ordered = np.sort(mixed)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    rows = np.flatnonzero(cells.mask(pc.is_in(pa.array(mixed), pa.array(twice)))) if len(twice) else twice
    order = rows[np.lexsort((rows, head[rows], tail[rows]))]
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = (np.diff(tail[order]) != 0) | (np.diff(head[order]) != 0)
    nth = np.arange(len(order)) - np.maximum.accumulate(np.where(fresh, np.arange(len(order)), 0)) + 1
    again = nth > 1
    by_row = np.argsort(order[again])
    return order[again][by_row], nth[again][by_row]


def check_links(frame: Frame, ids: Interned, log: Log, *, complete: bool) -> tuple[Frame, Any]:
    """Report what is wrong in the link table and join it to the nodes.

    Parameters
    ----------
    frame
        The links.
    ids
        Ids of the nodes.
    log
        Gets the problems.
    complete
        Whether nothing is said to be left out: then an end that is not declared is a problem.

    Returns
    -------
    tuple
        The links with ``tail`` and ``head`` (int32: row of the node, ``n + k`` for the k-th undeclared id, -1
        for blank) and the undeclared ids in order of first sight.
    """
    problems = log.problems
    _check_present(frame, "source", problems, say("put the near end in source; only target may be blank"))
    _check_period(frame, problems)
    for name in ("source", "target"):
        _check_rounded(frame, name, problems)
    (tail, head), undeclared = _ends(frame, ids)
    if complete:
        for name, rows in (("source", tail), ("target", head)):
            end = frame.strings(name)
            problems.rows(
                frame.origin,
                rows >= len(ids.ids),
                name,
                _no_node(end),
                say("declare it, or say complete = false"),
            )
    names = pa.concat_arrays([ids.ids, undeclared]) if len(undeclared) else ids.ids
    table = frame.table
    for name, rows in (("source", tail), ("target", head)):
        blank = rows < 0
        known = pa.array(rows, mask=blank if blank.any() else None)
        column = pa.DictionaryArray.from_arrays(known, names)
        table = table.set_column(table.column_names.index(name), name, column)
    at = table.column_names.index("id")
    table = table.set_column(at, "id", _link_ids(frame, frame.strings("id"), tail, head))
    table = table.append_column("tail", pa.array(tail)).append_column("head", pa.array(head))
    if frame.table.column("id").null_count < len(tail):  # else they are made, and made distinct
        _check_unique(Frame(table, frame.origin), log)
    return Frame(table, frame.origin), undeclared


def _no_node(column: Any) -> Callable[[int], str]:
    return lambda row: say("{value} is no declared node", value=quote(column[row].as_py()))
