"""Where facilities that stand outside could move: the cheapest sites inside the operator's area."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyproj

from auditor import columns, engine
from auditor.columns import Coded
from auditor.errors import UsageError
from auditor.files import read_given
from auditor.findings import Verdict
from auditor.language import Text, both, say
from auditor.places import Places
from auditor.readers._tables import TABLE_FORMATS
from auditor.roles import Surety
from auditor.siting import Plan, Siting, solve
from auditor.standing import WITHIN
from auditor.suggested import listed, named
from auditor.tables import NODES, Column, Log, read_columns, require_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from auditor.case import Case
    from auditor.columns import BoolArray, FloatArray, IntArray
    from auditor.model import Declaration

RULES = ("PILOT-FAC-01", "PILOT-FAC-02")
PLACE = ("lon", "lat", "datum", "accuracy_m", "address", "region_code")
PLACED = tuple(column for column in NODES if column.name in PLACE)
CANDIDATES = (
    Column("id", "text", "unique name of the site", required=True),
    Column("name", "text", "name for people"),
    *PLACED,
    Column("capacity", "number", "facilities that it can hold; blank: any number"),
    Column("fixed_cost", "number", "cost of taking it, in the user's unit; blank: 0"),
    Column("existing", "flag", "true: the operator has it already, its fixed cost is 0"),
)
HOUSES = frozenset({"data_centre", "room"})
"""Kinds of the operator's own facilities that can take others in."""
GEOD = pyproj.Geod(ellps="WGS84")


@dataclass(frozen=True)
class Sites:
    """The cheapest sites inside the area for facilities that stand outside it.

    The problem is capacitated facility location with whole demands. Of the candidates inside the operator's
    area choose which to take (``y[j]``) and which facility to move to which (``x[i, j]``), all 0 or 1::

        minimise    sum_j fixed_cost[j] y[j] + distance_weight * sum_ij distance_m[i, j] x[i, j]
        subject to  sum_j x[i, j] = 1             every facility moves to one site
                    sum_i x[i, j] <= capacity[j] y[j]
                    x[i, j] <= y[j]
                    distance_m[i, j] <= most_m where x[i, j] = 1, if a limit is given

    A site that the operator has costs nothing to take; a matrix of costs (latency, say) may stand for the
    distances. A facility counts 1. Source: R. Sridharan, *The capacitated plant location problem*, European
    Journal of Operational Research 87, 1995; how it is solved is told in `auditor.siting`.

    Parameters
    ----------
    moves
        Id of each facility and of the site that it moves to, by facility.
    opened
        Ids of the sites taken.
    cost, bound
        What that costs, and what no other choice goes below; in the unit of `fixed_cost`.
    exact
        Whether it is proven that nothing is cheaper.
    refused
        Candidates that may not be used, and why.
    unmeasured
        Facilities without coordinates: how far they move plays no part.
    why
        Why there is no answer; blank if there is one.
    before, after
        Findings of FAC-01 and FAC-02 by verdict, as declared and with the facilities moved.
    declaration
        The declaration with the facilities moved.
    """

    moves: tuple[tuple[str, str], ...]
    opened: tuple[str, ...]
    cost: float
    bound: float
    exact: bool
    refused: tuple[tuple[str, Text], ...]
    unmeasured: tuple[str, ...]
    why: Text | None
    before: Mapping[str, int]
    after: Mapping[str, int]
    declaration: Declaration

    @property
    def gap(self) -> float:
        """How far the answer may be from the best, as a share of its cost."""
        return 0.0 if self.exact or not self.cost else (self.cost - self.bound) / self.cost

    def to_dict(self) -> dict[str, Any]:
        """Give plain values, for JSON."""
        return {
            "moves": [{"facility": facility, "site": site} for facility, site in self.moves],
            "sites": list(self.opened),
            "cost": self.cost,
            "bound": self.bound,
            "gap": self.gap,
            "exact": self.exact,
            "refused": [{"site": site, "why": why.en} for site, why in self.refused],
            "unmeasured": list(self.unmeasured),
            "why": self.why.en if self.why else None,
            "before": dict(self.before),
            "after": dict(self.after),
        }

    def lines(self, lang: str = "en") -> list[str]:
        """Say it in words, a line each."""
        return [text.in_(lang) for text in self._told()]

    def _told(self) -> list[Text]:
        if not self.before.get("fail"):
            return [both("No facility stands outside the operator's area for sure: none has to move.")]
        told = [self.why] if self.why else [self._head()]
        told += listed([both("{facility} moves to {site}", facility=f, site=s) for f, s in self.moves])
        if self.unmeasured:
            names = named(self.unmeasured)
            told.append(both("Without coordinates, so that distance plays no part: {names}.", names=names))
        if self.refused:
            told.append(both("Sites that may not be used:"))
            told += listed([both("{site}: {why}", site=site, why=why) for site, why in self.refused])
        states = ((both("as declared"), self.before), (both("with facilities moved"), self.after))
        told += [
            both(
                "{rule}, {state}: fail {fail:,}, inconclusive {inconclusive:,}, pass {passed:,}",
                rule=list(RULES),
                state=state,
                fail=counts.get("fail", 0),
                inconclusive=counts.get("inconclusive", 0),
                passed=counts.get("pass", 0),
            )
            for state, counts in states
        ]
        return told

    def _head(self) -> Text:
        args = {"sites": list(self.opened), "cost": self.cost}
        if self.exact:
            return both("Sites to take: {sites}, cost {cost:,.2f}; no choice is cheaper.", **args)
        return both(
            "Sites to take: {sites}, cost {cost:,.2f}; none is below {bound:,.2f}, a gap of {gap:.2%}.",
            **args,
            bound=self.bound,
            gap=self.gap,
        )


def read_candidates(path: str | Path) -> pa.Table:
    """Read candidate sites from a CSV or Parquet file with the columns of `CANDIDATES`.

    Raises
    ------
    UsageError
        A file that cannot be read.
    DeclarationError
        All that is wrong in it.
    """
    path = Path(path)
    form = TABLE_FORMATS.get(path.suffix.lower())
    if form is None:
        raise UsageError(say("{path}: tables are {endings}", path=path, endings=list(TABLE_FORMATS)))
    data = read_given(path)
    log = Log()
    raw = form(data, path.name, log)
    frame = None if raw is None else read_columns(require_columns(raw, ["id"], log), CANDIDATES, log)
    for unused in log.unused:  # a misspelt capacity would read as none
        log.problems.add(unused.where, "", unused.what, say("no such column in a table of sites"), _columns())
    if frame is not None and frame.whole:
        ids = np.asarray(frame.table.column("id").to_pylist(), object)
        _, first, which = np.unique(ids.astype(str), return_index=True, return_inverse=True)
        twice = first[which] != np.arange(ids.size)
        log.problems.rows(frame.origin, twice, "id", lambda row: say("{name} is there twice", name=ids[row]))
        for name in ("capacity", "fixed_cost"):
            values = columns.floats(frame.table, name)
            log.problems.rows(frame.origin, values < 0, name, lambda _: say("is negative"))
    log.problems.raise_if_any()
    if frame is None:
        raise UsageError(say("{path}: holds no sites", path=path))
    return frame.table


def _columns() -> str:
    return say("the columns are {columns}", columns=[column.name for column in CANDIDATES])


def suggest_sites(
    case: Case,
    candidates: pa.Table | None = None,
    *,
    distance_weight: float = 1e-3,
    most_m: float | None = None,
    costs: FloatArray | None = None,
    own: bool = True,
) -> Sites:
    """Find the cheapest sites in the operator's area for all facilities that FAC-01 or FAC-02 fails.

    Parameters
    ----------
    case
        The case, as ``auditor.check(...).case`` has it.
    candidates
        What `read_candidates` gave; rows with the id of a declared node have its place unless they state one.
    distance_weight
        Cost of moving one facility by one metre, in the unit of `fixed_cost`; by default a kilometre costs 1.
    most_m
        Farthest that a facility may move, in metres.
    costs
        In place of weighted distances: a row a facility that fails, a column a candidate, own ones included;
        both in the order of ids.
    own
        Also offer the operator's own data centres and rooms in the area, of any capacity.
    """
    before, rows = _failing(case)
    ids = case.declaration.nodes.column("id")
    names = np.asarray(ids.take(pa.array(rows)).to_pylist(), object)
    order = np.argsort(names.astype(str), kind="stable")
    rows, names = rows[order], names[order]
    unmeasured = tuple(names[np.isnan(case.place.lon[rows] + case.place.lat[rows])]) if costs is None else ()
    sites = _offered(case, candidates, rows, own=own)
    refused, usable = _refused(case, sites, measured=costs is None)
    empty = Sites(
        moves=(),
        opened=(),
        cost=0.0,
        bound=0.0,
        exact=True,
        refused=refused,
        unmeasured=unmeasured,
        why=None,
        before=before,
        after=before,
        declaration=case.declaration,
    )
    if not rows.size:
        return replace(empty, unmeasured=())
    if not usable.any():
        return replace(empty, why=both("No site inside the operator's area is offered."))
    siting = _siting(case, rows, sites, usable, weight=distance_weight, most_m=most_m, costs=costs)
    plan = solve(siting)
    if plan.chosen is None:
        return replace(empty, why=_why(siting, plan, names), exact=plan.exact)
    places = np.flatnonzero(usable)[plan.chosen]
    site_names = np.asarray(sites.table.column("id").to_pylist(), object)
    moved = replace(case, declaration=_moved(case.declaration, rows, sites.table.take(pa.array(places))))
    return replace(
        empty,
        moves=tuple(zip(names.tolist(), site_names[places].tolist(), strict=True)),
        opened=tuple(sorted(set(site_names[places].tolist()))),
        cost=siting.price(plan.chosen),
        bound=plan.bound,
        exact=plan.exact,
        after=_failing(moved)[0],
        declaration=moved.declaration,
    )


def _failing(case: Case) -> tuple[Mapping[str, int], IntArray]:
    """Findings of FAC-01 and FAC-02 by verdict, and the rows of nodes that fail."""
    found = [engine.run_rule(case, rule) for rule in engine.choose_rules(only=RULES)]
    total: Counter[Verdict] = sum((one.counts() for one in found), Counter())
    rows = [
        np.asarray(batch.subjects, np.int64)
        for one in found
        for batch in one.batches
        if batch.verdict == Verdict.FAIL and batch.kind == "node"
    ]
    return {"fail": 0} | {str(v): n for v, n in sorted(total.items())}, np.unique(
        np.concatenate([np.empty(0, np.int64), *rows])
    )


@dataclass(frozen=True)
class _Offered:
    """Candidates with their places: the table, in order of ids, and how they lie to the areas."""

    table: pa.Table
    relation: IntArray
    area: IntArray
    lon: FloatArray
    lat: FloatArray


def _offered(case: Case, candidates: pa.Table | None, leaving: IntArray, *, own: bool) -> _Offered:
    names = [column.name for column in CANDIDATES]
    table = _own(case, leaving) if own else _own(case, leaving).slice(0, 0)
    if candidates is not None:
        given = _placed(case, candidates.select(names).cast(table.schema))
        stated = pa.compute.is_in(table.column("id"), value_set=given.column("id").combine_chunks())
        table = pa.concat_tables([given, table.filter(pa.compute.invert(stated))])
    table = table.sort_by("id")
    at = case.areas.relate(_places(table))
    return _Offered(table, at.relation, at.area, at.lon, at.lat)


def _places(table: pa.Table) -> Places:
    lon, lat, accuracy_m = (columns.floats(table, name) for name in ("lon", "lat", "accuracy_m"))
    datum, code, address = (Coded.of(table.column(name)) for name in ("datum", "region_code", "address"))
    return Places(lon, lat, datum, accuracy_m, code, address)


def _schema() -> pa.Schema:
    kinds = {"number": pa.float64(), "flag": pa.bool_()}
    return pa.schema([(column.name, kinds.get(column.type, pa.string())) for column in CANDIDATES])


def _own(case: Case, leaving: IntArray) -> pa.Table:
    """Give the operator's own houses as candidates; that they lie in the area is asked of all."""
    mask = case.node("kind").isin(HOUSES) & (case.facility == Surety.SURE)
    mask[leaving] = False
    return _nodes(case, np.flatnonzero(mask))


def _nodes(case: Case, rows: IntArray) -> pa.Table:
    nodes = case.declaration.nodes
    at = nodes.take(pa.array(case.placed_by[rows]))
    more = {"capacity": pa.nulls(rows.size), "fixed_cost": pa.nulls(rows.size)}
    more["existing"] = pa.array(np.ones(rows.size, np.bool_))
    given = {name: nodes.column(name).take(pa.array(rows)) for name in ("id", "name")}
    table = pa.table(given | {name: at.column(name) for name in PLACE} | more)
    return table.select([column.name for column in CANDIDATES]).cast(_schema())


def _placed(case: Case, given: pa.Table) -> pa.Table:
    """Give candidates that state no place, but bear the id of a node, the place of that node."""
    stated = [given.column(name).is_valid().to_numpy() for name in ("lon", "address", "region_code")]
    rows = case.rows_of(given.column("id").to_pylist())
    at = np.flatnonzero((rows >= 0) & ~np.any(stated, axis=0))
    if not at.size:
        return given
    from_nodes = _nodes(case, rows[at])
    index = np.full(given.num_rows, -1)
    index[at] = np.arange(at.size)
    where = pa.array(index, mask=index < 0)
    for name in PLACE:
        filled = pa.compute.coalesce(given.column(name), from_nodes.column(name).take(where))
        given = given.set_column(given.column_names.index(name), name, filled)
    return given


def _refused(
    case: Case, sites: _Offered, *, measured: bool
) -> tuple[tuple[tuple[str, Text], ...], BoolArray]:
    """Candidates that may not be used with the reason, and a mask of the others."""
    usable = (sites.relation == WITHIN) & (sites.area == case.area) & (case.area >= 0)
    names = sites.table.column("id").to_pylist()
    lost = usable & np.isnan(sites.lon + sites.lat) & measured
    usable &= ~lost
    told = []
    for row in np.flatnonzero(~usable).tolist():
        if lost[row]:
            why = both("has no coordinates, so that nobody can tell how far it is")
        elif case.area < 0:
            why = both("which area is the operator's is not known")
        elif sites.relation[row] == WITHIN:
            why = both("stands in {area}, not in the operator's", area=case.area_name(int(sites.area[row])))
        else:
            why = both("is not surely inside {area}", area=case.area_name(case.area))
        told.append((str(names[row]), why))
    return tuple(told), usable


def _siting(
    case: Case,
    rows: IntArray,
    sites: _Offered,
    usable: BoolArray,
    *,
    weight: float,
    most_m: float | None,
    costs: FloatArray | None,
) -> Siting:
    """Put the numbers of the problem together."""
    at = np.flatnonzero(usable)
    if costs is None:
        metres = distances(case.place.lon[rows], case.place.lat[rows], sites.lon[at], sites.lat[at])
        cost = np.nan_to_num(metres, nan=0.0) * weight
        if most_m is not None:
            cost = np.where(metres > most_m, np.inf, cost)
    else:
        if costs.shape != (rows.size, usable.size):
            raise UsageError(
                say(
                    "costs are {rows} by {columns}; give a row for each of {facilities:,} facilities and "
                    "a column for each of {sites:,} sites",
                    rows=costs.shape[0],
                    columns=costs.shape[-1],
                    facilities=rows.size,
                    sites=usable.size,
                )
            )
        cost = costs[:, at]
    table = sites.table.take(pa.array(at))
    capacity = columns.floats(table, "capacity")
    fixed = np.nan_to_num(columns.floats(table, "fixed_cost"), nan=0.0)
    return Siting(
        cost,
        np.where(columns.flags(table, "existing"), 0.0, fixed),
        np.ones(rows.size),
        np.where(np.isnan(capacity), np.inf, capacity),
    )


def distances(lon: FloatArray, lat: FloatArray, to_lon: FloatArray, to_lat: FloatArray) -> FloatArray:
    """Geodesic metres from some points (rows) to others (columns); NaN where one has no place."""
    shape = (lon.size, to_lon.size)
    lons, lats = (np.repeat(column, shape[1]) for column in (lon, lat))
    to_lons, to_lats = (np.tile(column, shape[0]) for column in (to_lon, to_lat))
    metres = GEOD.inv(lons, lats, to_lons, to_lats)[2]
    return np.asarray(metres, np.float64).reshape(shape)


def _why(siting: Siting, plan: Plan, names: Any) -> Text:
    """Say why nothing was found."""
    lonely = ~siting.allowed.any(axis=1)
    if lonely.any():
        return both("No site within reach for {names}.", names=named(tuple(names[lonely])))
    room = siting.capacity.sum()
    if room < siting.size.sum():
        return both(
            "The sites inside the area hold {room:g} facilities, {wanted:,} have to move.",
            room=room,
            wanted=siting.size.size,
        )
    if plan.exact:
        return both("No choice of sites holds all facilities within reach of each.")
    return both("No choice of sites was found that holds all facilities; that there is none is not proven.")


def _moved(declaration: Declaration, rows: IntArray, sites: pa.Table) -> Declaration:
    """Give the declaration with some nodes at the places of sites, row by row."""
    nodes = declaration.nodes
    index = np.full(nodes.num_rows, -1)
    index[rows] = np.arange(rows.size)
    moves, where = pa.array(index >= 0), pa.array(index, mask=index < 0)
    for name in (*PLACE, "site"):
        old = nodes.column(name)
        kind = old.type.value_type if pa.types.is_dictionary(old.type) else old.type
        new = pa.nulls(nodes.num_rows, kind) if name == "site" else sites.column(name).take(where).cast(kind)
        new = pa.compute.if_else(moves, new, old.cast(kind))
        new = new.combine_chunks() if isinstance(new, pa.ChunkedArray) else new
        new = new.dictionary_encode() if pa.types.is_dictionary(old.type) else new
        nodes = nodes.set_column(nodes.column_names.index(name), name, new)
    return replace(declaration, nodes=nodes)
