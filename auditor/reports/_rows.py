"""Findings as a flat table, one row each, and their geometry: what the table formats share."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from auditor import __version__, registers
from auditor.findings import SETTLED, Verdict
from auditor.language import both
from auditor.messages import VERDICTS
from auditor.places import RELATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from shapely.geometry.base import BaseGeometry

    from auditor.columns import IntArray
    from auditor.findings import Finding
    from auditor.result import AuditResult

    Point: TypeAlias = tuple[float, float]

WORD = pa.dictionary(pa.int32(), pa.string())
LIST = pa.list_(pa.string())
HALF_TURN = 180.0
ARROWS = frozenset({"path", "handoff"})  # lists whose order is a way; all others are joined by semicolons
COLUMNS: dict[str, pa.DataType] = {
    "rule": WORD,
    "verdict": WORD,
    "verdict_word": WORD,
    "severity": WORD,
    "grade": WORD,
    "subject_kind": WORD,
    "subject_id": pa.string(),
    "rule_title": WORD,
    "message": pa.string(),
    "ask": pa.string(),
    "path": LIST,
    "handoff": LIST,
    "relation": WORD,
    "area": WORD,
    "distance_m": pa.float64(),
    "lon": pa.float64(),
    "lat": pa.float64(),
    "name": pa.string(),
    "kind": WORD,
    "owner": WORD,
    "services": LIST,
    "basis": WORD,
    "clauses": LIST,
    "article": WORD,
    "message_id": WORD,
    "message_en": pa.string(),
    "message_zh": pa.string(),
    "ask_en": pa.string(),
    "ask_zh": pa.string(),
    "fingerprint": pa.string(),
}
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


def whole(text: str) -> str:
    """Give a text that UTF-8 can hold: half of a character becomes a mark of replacement."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


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

    Attributes
    ----------
    listed
        The findings.
    table
        One row each, in the columns of `COLUMNS`. A distance is that of the node to the edge of the nearest
        area, as `Areas.distance_m` measures it; places are WGS84.
    """

    def __init__(self, result: AuditResult, all_findings: bool) -> None:  # noqa: FBT001
        self.result = result
        self.listed: list[Finding] = list(result.findings.rows(shown(all_findings)))
        subjects = [finding.subject.partition(":") for finding in self.listed]
        self.kinds = [kind for kind, _, _ in subjects]
        self.ids = [name for _, _, name in subjects]
        self.rows = _rows(self.kinds, self.ids, "node", result.case.declaration.nodes)
        self.links = _rows(self.kinds, self.ids, "link", result.case.declaration.links)

    @functools.cached_property
    def table(self) -> pa.Table:
        """All columns."""
        columns = {**self._told(), **self._declared(), **self._placed()}
        return pa.table([pa.array(columns[name], kind) for name, kind in COLUMNS.items()], list(COLUMNS))

    def _told(self) -> dict[str, list[Any]]:
        """Give the columns that the findings themselves hold."""
        result, lang = self.result, self.result.lang
        titles = {rule.id: rule.title.in_(lang) for rule in result.rules}
        articles = {rule.id: _article(rule.clauses, lang) for rule in result.rules}
        told: dict[str, list[Any]] = {"subject_kind": self.kinds, "subject_id": list(map(whole, self.ids))}
        for language in ("en", "zh"):
            told[f"message_{language}"] = [whole(result.message(f, language)) for f in self.listed]
            told[f"ask_{language}"] = [whole(result.ask(f, language)) or None for f in self.listed]
        return told | {
            "message": told[f"message_{lang}"],
            "ask": told[f"ask_{lang}"],
            "rule": [f.rule for f in self.listed],
            "rule_title": [titles[f.rule] for f in self.listed],
            "basis": [f.basis for f in self.listed],
            "clauses": [list(f.clauses) for f in self.listed],
            "article": [articles[f.rule] for f in self.listed],
            "verdict": [str(f.verdict) for f in self.listed],
            "verdict_word": [VERDICTS[f.verdict].in_(lang) for f in self.listed],
            "severity": [f.severity for f in self.listed],
            "grade": [f.grade for f in self.listed],
            "message_id": [f.message_id for f in self.listed],
            "path": [_names(path_of(f)) for f in self.listed],
            "handoff": [_names(f.details.get("handoff")) for f in self.listed],
            "fingerprint": [f.fingerprint for f in self.listed],
        }

    def _declared(self) -> dict[str, Any]:
        """Give what is declared of the subjects that are nodes or links."""
        declared = self.result.case.declaration
        nodes, links = _taken(declared.nodes, self.rows), _taken(declared.links, self.links)
        return {
            "name": nodes("name"),
            "kind": pc.coalesce(nodes("kind"), links("kind")),
            "owner": pc.coalesce(nodes("owner"), links("owner")),
            "services": [_parts(text) for text in nodes("services").to_pylist()],
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
        relation: list[str | None] = [None] * len(rows)
        area: list[str | None] = [None] * len(rows)
        for position in known.tolist():
            row = rows[position]
            relation[position] = RELATIONS[place.relation[row]]
            area[position] = case.areas.ids[place.area[row]] if place.area[row] >= 0 else None
        return {
            "relation": relation,
            "area": area,
            **{
                name: pa.array(np.round(values, digits), from_pandas=True)
                for name, values, digits in (("distance_m", metres, 1), ("lon", lon, 7), ("lat", lat, 7))
            },
        }

    # --- geometry -----------------------------------------------------------------------------------------

    def geometry(self) -> list[BaseGeometry | None]:
        """Give the point of each node and the line of each link, in WGS84; nothing where none is known."""
        lon, lat = self.table.column("lon").to_pylist(), self.table.column("lat").to_pylist()
        drawn: list[BaseGeometry | None] = [
            None if x is None or y is None else shapely.Point(x, y) for x, y in zip(lon, lat, strict=True)
        ]
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


def path_of(finding: Finding) -> list[str | None] | None:
    """Give the witness path of a finding, if it has one."""
    return finding.details.get("path") or finding.details.get("path_to_gate") or None


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
            mark = " → " if name in ARROWS else ";"
            values = [None if v is None else mark.join(v) for v in column.to_pylist()]
            column = pa.array(values, pa.string())
        elif pa.types.is_dictionary(column.type):
            column = column.cast(pa.string())
        if pa.types.is_string(column.type):
            column = pa.array([v if v is None else shown_as(v) for v in column.to_pylist()], pa.string())
        columns.append(column)
    return pa.table(columns, table.column_names)


def line(points: Sequence[Point | None]) -> BaseGeometry | None:
    """Draw a way through places; it is broken where a place is not known, and at the 180th meridian.

    Examples
    --------
    >>> line([(121.0, 31.0), (122.0, 31.0), None, (120.0, 30.0)]).wkt
    'LINESTRING (121 31, 122 31)'
    >>> line([(170.0, 10.0), (-170.0, 20.0)]).wkt
    'MULTILINESTRING ((170 10, 180 15), (-180 15, -170 20))'
    >>> line([(121.0, 31.0), (121.0, 31.0)]) is None
    True
    """
    runs: list[list[Point]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        elif not runs[-1]:
            runs[-1].append(point)
        elif point != runs[-1][-1]:
            _extend(runs, point)
    lines = [run for run in runs if len(run) > 1]
    if not lines:
        return None
    return shapely.LineString(lines[0]) if len(lines) == 1 else shapely.MultiLineString(lines)


def _extend(runs: list[list[Point]], point: Point) -> None:
    """Go on to a point, the short way round the Earth (RFC 7946, 3.1.9)."""
    (west, south), (east, north) = runs[-1][-1], point
    if abs(east - west) > HALF_TURN:
        side = HALF_TURN if west > 0 else -HALF_TURN
        across = (side - west) / (east + 2 * side - west)
        at = south + across * (north - south)
        runs[-1].append((side, at))
        runs.append([(-side, at)])
    runs[-1].append(point)


def _points(place: Any, rows: IntArray) -> list[Point | None]:
    """Places of nodes by row; nothing for rows that are not declared nodes, or have no place."""
    declared = (rows >= 0) & (rows < len(place.lon))
    at = np.where(declared, rows, 0)
    if not len(place.lon):
        return [None] * len(rows)
    lon, lat = place.lon[at].round(7).tolist(), place.lat[at].round(7).tolist()
    known = (declared & ~np.isnan(place.lon[at])).tolist()
    return [(x, y) if there else None for x, y, there in zip(lon, lat, known, strict=True)]


def _rows(kinds: list[str], ids: list[str], kind: str, table: Any) -> IntArray:
    """Rows of the subjects in the table of their kind; -1 for all others."""
    wanted = pa.array([name if k == kind else None for k, name in zip(kinds, ids, strict=True)], pa.string())
    known = table.column("id").combine_chunks()
    found = pc.index_in(wanted, value_set=known)
    found = pc.if_else(wanted.is_valid(), found, pa.scalar(None, pa.int32()))
    return np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False), np.int64)


def _taken(table: Any, rows: IntArray) -> Any:
    """Give a function from the name of a column to its values at these rows, as text."""
    at = pa.array(np.maximum(rows, 0), mask=rows < 0)

    def column(name: str) -> Any:
        values = table.column(name).take(at)
        return values.cast(pa.string()).combine_chunks()

    return column


def _names(names: Iterable[str | None] | None) -> list[str] | None:
    """Give the nodes of a way; a far end that nobody declared is a question mark."""
    return [whole(name) if name else "?" for name in names] if names else None


def _parts(text: str | None) -> list[str] | None:
    return [part.strip() for part in text.split(";") if part.strip()] if text else None


def _article(clauses: Iterable[str], lang: str) -> str:
    """Name the articles of a rule, each once."""
    found = [registers.clause(name) for name in clauses]
    named = [f"{c.instrument} {c.article_zh if lang == 'zh' else c.article}" for c in found]
    return ("；" if lang == "zh" else "; ").join(dict.fromkeys(named))
