"""Findings as a flat table, one row each, and their geometry: what the table formats share."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from auditor import __version__
from auditor.findings import SETTLED, Verdict
from auditor.language import both
from auditor.places import RELATIONS
from auditor.reports._told import COLUMNS, LIST, TOLD, path_of, tables, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from shapely.geometry.base import BaseGeometry

    from auditor.columns import IntArray
    from auditor.findings import Finding
    from auditor.result import AuditResult

    Point: TypeAlias = tuple[float, float]

EMPTY = pa.table({name: pa.array([], kind) for name, kind in TOLD.items()})
HALF_TURN = 180.0
ARROWS = frozenset({"path", "handoff"})  # lists whose order is a way; all others are joined by semicolons
FACTS = {
    "operator": pa.string(),
    "operator_uscc": pa.string(),
    "operator_area": pa.string(),
    "as_of": pa.date32(),
    "tool_version": pa.string(),
    "result_verdict": pa.string(),
}
LABELS = {
    "rule": both("Rule"),
    "verdict": both("Verdict (key)"),
    "verdict_word": both("Verdict"),
    "severity": both("Severity"),
    "grade": both("Grade of evidence"),
    "subject_kind": both("Kind of subject"),
    "subject_id": both("Subject"),
    "rule_title": both("What the rule asks"),
    "message": both("Finding"),
    "ask": both("What to do or ask next"),
    "path": both("Path"),
    "handoff": both("Hand-off link"),
    "relation": both("Place"),
    "area": both("Pilot area"),
    "distance_m": both("Metres to the area's edge (negative inside)"),
    "lon": both("Longitude (WGS84)"),
    "lat": both("Latitude (WGS84)"),
    "name": both("Name"),
    "kind": both("Kind of node or link"),
    "owner": both("Owner"),
    "services": both("Services"),
    "basis": both("Basis"),
    "clauses": both("Clauses"),
    "article": both("Articles"),
    "message_id": both("Message"),
    "message_en": both("Finding in English"),
    "message_zh": both("Finding in Chinese"),
    "ask_en": both("What to do, in English"),
    "ask_zh": both("What to do, in Chinese"),
    "fingerprint": both("Fingerprint"),
}


def shown(all_findings: bool) -> set[Verdict]:  # noqa: FBT001
    """Verdicts that a report lists."""
    return set(Verdict) if all_findings else set(Verdict) - SETTLED


def facts(result: AuditResult) -> dict[str, Any]:
    """Whose result it is, of which day, by which version, with what verdict."""
    case = result.case
    operator = case.declaration.operator
    return {
        "operator": whole(operator.name),
        "operator_uscc": whole(operator.uscc) if operator.uscc else None,
        "operator_area": case.areas.ids[case.area] if case.area >= 0 else None,
        "as_of": case.as_of,
        "tool_version": __version__,
        "result_verdict": str(result.verdict),
    }


class Findings:
    """Findings that a report lists, with where their subjects stand.

    Parameters
    ----------
    result
        What `check` gave.
    all_findings
        Whether passes, and what does not apply, are among them.
    told
        What they say; all of them by default.
    """

    def __init__(self, result: AuditResult, all_findings: bool, told: Any = None) -> None:  # noqa: FBT001
        self.result, self.verdicts = result, shown(all_findings)
        if told is None:
            told = pa.concat_tables([EMPTY, *tables(result, self.verdicts)]).unify_dictionaries()
        self.told = told.combine_chunks()
        declared = result.case.declaration
        self.rows = self._rows("node", declared.nodes)
        self.links = self._rows("link", declared.links)

    @classmethod
    def streamed(cls, result: AuditResult, all_findings: bool) -> Iterator[Findings]:  # noqa: FBT001
        """Give them some at a time."""
        for told in tables(result, shown(all_findings)):
            yield cls(result, all_findings, told)

    @functools.cached_property
    def listed(self) -> list[Finding]:
        """The findings one by one."""
        return list(self.result.findings.rows(self.verdicts))

    @property
    def kinds(self) -> list[str]:
        """Kinds of the subjects."""
        kinds: list[str] = self.told.column("subject_kind").to_pylist()
        return kinds

    @functools.cached_property
    def table(self) -> pa.Table:
        """One row each, in the columns of `COLUMNS`.

        A distance is that of the node to the edge of the nearest area, as `Areas.distance_m` measures it;
        places are WGS84.
        """
        lang = self.result.lang
        own = {name: self.told.column(name) for name in self.told.column_names}
        own |= {"message": own[f"message_{lang}"], "ask": own[f"ask_{lang}"]}
        columns = {**own, **self._declared(), **self._placed()}
        return pa.table([_typed(columns[name], kind) for name, kind in COLUMNS.items()], list(COLUMNS))

    def _rows(self, kind: str, table: Any) -> IntArray:
        """Rows of the subjects in the table of their kind; -1 for all others."""
        mine = pc.equal(self.told.column("subject_kind").cast(pa.string()), kind)
        rows = pc.if_else(mine, self.told.column("row"), -1)
        if rows.null_count:
            wanted = pc.if_else(rows.is_null(), self.told.column("subject_id"), None)
            found = pc.index_in(wanted, value_set=table.column("id").combine_chunks(), skip_nulls=True)
            rows = pc.coalesce(rows, found.cast(pa.int64()), -1)
        return np.asarray(rows.to_numpy(), np.int64)

    def _declared(self) -> dict[str, Any]:
        """Give what is declared of the subjects that are nodes or links."""
        declared = self.result.case.declaration
        nodes, links = _taken(declared.nodes, self.rows), _taken(declared.links, self.links)
        services = nodes("services").dictionary_encode()
        lists = pa.array([_parts(text) for text in services.dictionary.to_pylist()], LIST)
        return {
            "name": nodes("name"),
            "kind": pc.coalesce(nodes("kind"), links("kind")),
            "owner": pc.coalesce(nodes("owner"), links("owner")),
            "services": lists.take(services.indices),
        }

    def _placed(self) -> dict[str, Any]:
        """Give where the subjects that are nodes stand."""
        case, rows = self.result.case, self.rows
        place, known = case.place, np.flatnonzero(rows >= 0)
        at = np.full(len(rows), np.nan)
        lon, lat, metres = at.copy(), at.copy(), at
        lon[known], lat[known] = place.lon[rows[known]], place.lat[rows[known]]
        measured, back = np.unique(rows[known], return_inverse=True)
        metres[known] = case.distance(measured)[0][back]
        relation, area = np.full((2, len(rows)), -1, np.int32)
        relation[known], area[known] = place.relation[rows[known]], place.area[rows[known]]
        return {
            "relation": _worded(relation, RELATIONS),
            "area": _worded(area, case.areas.ids),
            **{
                name: pa.array(np.round(values, digits), from_pandas=True)
                for name, values, digits in (("distance_m", metres, 1), ("lon", lon, 7), ("lat", lat, 7))
            },
        }

    # --- geometry -----------------------------------------------------------------------------------------

    def geometry(self) -> np.ndarray[Any, Any]:
        """Give the point of each node and the line of each link, in WGS84; None where none is known."""
        lon, lat = (self.table.column(name).to_numpy() for name in ("lon", "lat"))
        drawn = np.full(len(lon), None, object)
        known = ~(np.isnan(lon) | np.isnan(lat))
        drawn[known] = shapely.points(lon[known], lat[known])
        place, links = self.result.case.place, self.result.case.declaration.links
        ends = [np.asarray(links.column(name).to_numpy()) for name in ("tail", "head")]
        for position in np.flatnonzero(self.links >= 0).tolist():
            rows = np.array([end[self.links[position]] for end in ends], np.int64)
            drawn[position] = line(_points(place, rows))
        return drawn

    def paths(self, chosen: Iterable[int] | None = None) -> list[tuple[int, BaseGeometry | None]]:
        """Give the line of each witness path, with the position of its finding; of all findings or some."""
        positions = range(len(self.listed)) if chosen is None else chosen
        ways = [(at, path) for at in positions if (path := path_of(self.listed[at]))]
        flat = [node for _, path in ways for node in path]
        rows = self.result.case.rows_of(whole(node or "") for node in flat)
        points = _points(self.result.case.place, rows)
        made, start = [], 0
        for at, path in ways:
            made.append((at, line(points[start : start + len(path)])))
            start += len(path)
        return made


def flat(table: pa.Table, shown_as: Callable[[str], str] = str) -> pa.Table:
    """Write lists as text: ways by arrows, others by semicolons.

    Parameters
    ----------
    shown_as
        How texts are written: `visible` where people or terminals read them.
    """
    columns = []
    for name in table.column_names:
        column = table.column(name)
        if pa.types.is_list(column.type):
            column = pc.binary_join(column, " → " if name in ARROWS else ";")
        if pa.types.is_dictionary(column.type):
            column = column.unify_dictionaries().combine_chunks()
            column = _shown(column.dictionary, shown_as).take(column.indices)
        elif pa.types.is_string(column.type):
            column = _shown(column, shown_as)
        columns.append(column)
    return pa.table(columns, table.column_names)


def _shown(column: Any, shown_as: Callable[[str], str]) -> Any:
    """Write texts as they are shown."""
    if shown_as is str:
        return column
    return pa.array([v if v is None else shown_as(v) for v in column.to_pylist()], pa.string())


def line(points: Sequence[Point | None]) -> BaseGeometry | None:
    """Draw a way through places; it is broken where a place is not known, and at the 180th meridian.

    Examples
    --------
    >>> line([(121.0, 31.0), (122.0, 31.0), None, (120.0, 30.0)]).wkt
    'LINESTRING (121 31, 122 31)'
    >>> line([(170.0, 10.0), (-170.0, 20.0)]).wkt
    'MULTILINESTRING ((170 10, 180 15), (-180 15, -170 20))'
    >>> line([(180.0, 10.0), (-180.0, 20.0), (-170.0, 20.0)]).wkt
    'MULTILINESTRING ((180 10, 180 20), (-180 20, -170 20))'
    >>> line([(121.0, 31.0), (121.0, 31.0)]) is None
    True
    """
    runs: list[list[Point]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        elif not runs[-1]:
            runs[-1].append(point)
        else:
            _extend(runs, point)
    lines = [run for run in runs if len(run) > 1]
    if not lines:
        return None
    return shapely.LineString(lines[0]) if len(lines) == 1 else shapely.MultiLineString(lines)


def _extend(runs: list[list[Point]], point: Point) -> None:
    """Go on to a point, the short way round the Earth (RFC 7946, 3.1.9)."""
    (west, south), (east, north) = runs[-1][-1], point
    if abs(east - west) == 2 * HALF_TURN:  # one meridian, which has two names
        point = (west, north)
    elif abs(east - west) > HALF_TURN:
        side = HALF_TURN if west > 0 else -HALF_TURN
        across = (side - west) / (east + 2 * side - west)
        at = south + across * (north - south)
        _append(runs[-1], (side, at))
        runs.append([(-side, at)])
    _append(runs[-1], point)


def _append(run: list[Point], point: Point) -> None:
    """Go on to a point, if one does not stand there."""
    if point != run[-1]:
        run.append(point)


def _points(place: Any, rows: IntArray) -> list[Point | None]:
    """Places of nodes by row; nothing for rows that are not declared nodes, or have no place."""
    declared = (rows >= 0) & (rows < len(place.lon))
    at = np.where(declared, rows, 0)
    if not len(place.lon):
        return [None] * len(rows)
    lon, lat = place.lon[at].round(7).tolist(), place.lat[at].round(7).tolist()
    known = (declared & ~np.isnan(place.lon[at])).tolist()
    return [(x, y) if there else None for x, y, there in zip(lon, lat, known, strict=True)]


def _worded(codes: IntArray, words: Sequence[str]) -> Any:
    """Words by number, null where it is negative."""
    indices = pa.array(codes, mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(words, pa.string()))


def _typed(column: Any, kind: Any) -> Any:
    """Give a column the type of `COLUMNS`."""
    if pa.types.is_dictionary(kind) and not pa.types.is_dictionary(column.type):
        return column.dictionary_encode()
    return column if column.type == kind else column.cast(kind)


def _taken(table: Any, rows: IntArray) -> Any:
    """Give a function from the name of a column to its values at these rows, as text."""
    at = pa.array(np.maximum(rows, 0), mask=rows < 0)

    def column(name: str) -> Any:
        values = table.column(name).take(at)
        return values.cast(pa.string()).combine_chunks()

    return column


def _parts(text: str | None) -> list[str] | None:
    return [part.strip() for part in text.split(";") if part.strip()] if text else None
