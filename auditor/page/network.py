"""Nodes and links of a result as the columns that a page carries: who they are, where, and how judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from auditor.datum import datum_code
from auditor.errors import visible
from auditor.findings import SETTLED, WORST_FIRST
from auditor.messages import kind_name, word
from auditor.paths import names_of
from auditor.roles import Surety
from auditor.standing import split

if TYPE_CHECKING:
    from collections.abc import Iterable

    from auditor.case import Case
    from auditor.columns import BoolArray, Coded, FloatArray, IntArray
    from auditor.result import AuditResult

MOST_NODES = 150_000
MOST_LINKS = 200_000
MOST_ADDRESSES = 20_000  # nodes of a network whose addresses are carried
CELL = 0.01  # degrees: of the cells in which nodes that are not carried are counted
ROW_BITS, OFFSET = 16, 1 << 15  # of a cell's number: its row, made positive
DEGREE = 100_000  # coordinates are carried in units of 1e-5 degrees, about a metre
LONGEST = 300  # characters of a text that is shown
NOT_JUDGED = len(WORST_FIRST)
SUBJECT, FACILITY, MAYBE_FACILITY, GATE, MAYBE_GATE, ROOT, MAYBE_ROOT, IDLE = (1 << i for i in range(8))


def shown(text: object, most: int = LONGEST) -> str:
    r"""Cut a text of somebody else's, and show control and bidirectional characters.

    Examples
    --------
    >>> shown("a\u202eb"), shown("abcdef", most=3)
    ('a\\u202eb', 'abc…')
    """
    told = str(text)
    return visible(told if len(told) <= most else told[:most] + "…")


@dataclass(frozen=True)
class Judged:
    """How nodes were judged: each has one of a few combinations of rules and verdicts.

    Parameters
    ----------
    code
        Combination of each node.
    combinations
        Pairs of rule (index into the result's rules) and verdict (index into `WORST_FIRST`).
    worst
        Worst verdict of each node, as such an index; `NOT_JUDGED` where no rule judged it.
    """

    code: IntArray
    combinations: list[list[tuple[int, int]]]
    worst: IntArray


def judged(result: AuditResult) -> Judged:
    """Collect the verdicts on each node, passes included."""
    n, nothing = result.case.n, len(WORST_FIRST)
    code = np.zeros(n, np.int64)
    combinations: list[list[tuple[int, int]]] = [[]]
    for at, found in enumerate(result.findings.rules):
        column = np.full(n, nothing, np.int64)
        for batch in (b for b in found.batches if b.kind == "node" and len(b)):
            rows = batch.subjects
            rows = rows if isinstance(rows, np.ndarray) else result.case.rows_of(rows)
            column[rows[rows >= 0]] = WORST_FIRST.index(batch.verdict)
        code = code * (nothing + 1) + column
        there = np.zeros(len(combinations) * (nothing + 1), np.bool_)
        there[code] = True
        used = np.flatnonzero(there)
        combinations = [
            combinations[c // (nothing + 1)]
            + ([(at, c % (nothing + 1))] if c % (nothing + 1) < nothing else [])
            for c in used.tolist()
        ]
        code = (np.cumsum(there) - 1)[code]
    worst = np.array([min((v for _, v in c), default=NOT_JUDGED) for c in combinations], np.int8)
    return Judged(code, combinations, worst[code])


class Carried:
    """The nodes that a page carries one by one, and the links between them.

    Parameters
    ----------
    result
        Whose network.
    judged
        How its nodes were judged.
    named
        Rows that must be carried: nodes on paths; those that nobody declared count from ``case.n``.
    """

    def __init__(self, result: AuditResult, judged: Judged, named: IntArray) -> None:
        self.case: Case = result.case
        self.judged = judged
        self.lang = result.lang
        n = self.case.n
        undeclared = len(self.case.declaration.undeclared)
        kept = self._kept(named[named < n]) if n > MOST_NODES else np.arange(n)
        others = np.arange(n, n + undeclared) if undeclared <= MOST_NODES else np.unique(named[named >= n])
        self.declared: IntArray = kept
        self.rows: IntArray = np.concatenate([kept, others])
        self.index = np.full(n + undeclared + 1, -1, np.int32)  # the last is for a blank far end, row -1
        self.index[self.rows] = np.arange(len(self.rows), dtype=np.int32)

    def _kept(self, named: IntArray) -> IntArray:
        """Choose what is open, then what stands on paths, then facilities, then the rest."""
        case, settled = self.case, {WORST_FIRST.index(v) for v in SETTLED} | {NOT_JUDGED}
        weight = np.where(np.isin(self.judged.worst, list(settled)), 0, 4)
        weight[named] = 3
        weight = np.maximum(weight, np.where(case.facility > Surety.NO, 2, 0))
        order = np.argsort(-weight, kind="stable")[:MOST_NODES]
        # The rest is chosen all or none: half of the passes would look like all of them.
        return np.sort(order[weight[order] > 0])

    def cells(self) -> list[list[int]]:
        """Count the placed nodes that are not carried, by cells: west, south (in units of `CELL`), number."""
        left = np.ones(self.case.n, np.bool_)
        left[self.declared] = False
        place = self.case.place
        rows = np.flatnonzero(left & ~np.isnan(place.lon))
        west, south = (np.floor(column[rows] / CELL).astype(np.int64) for column in (place.lon, place.lat))
        found, counts = np.unique((west << ROW_BITS) + (south + OFFSET), return_counts=True)
        parts = (found >> ROW_BITS, (found & ((1 << ROW_BITS) - 1)) - OFFSET, counts)
        cells: list[list[int]] = np.stack(parts, axis=1).tolist()
        return cells

    def links(self) -> dict[str, Any]:
        """Give the links in service between nodes that are carried."""
        links, case = self.case.declaration.links, self.case
        tail, head = (self.index[np.asarray(links.column(c).to_numpy(), np.int64)] for c in ("tail", "head"))
        at = np.flatnonzero(case.links_in_service & (tail >= 0) & (head >= 0) & (tail != head))[:MOST_LINKS]
        return {"tail": tail[at], "head": head[at]}

    # --- nodes --------------------------------------------------------------------------------------------

    def nodes(self) -> dict[str, Any]:
        """Give the columns of the nodes; those that nobody declared stand at the end, blank."""
        case, declared, rest = self.case, self.declared, len(self.rows) - len(self.declared)
        place, lang = case.place, self.lang
        ids = [shown(name) for name in names_of(case.declaration, self.rows)]
        kind, kinds = self._coded(case.node("kind"), lambda v: kind_name(v).in_(lang))
        owner, owners = self._coded(case.node("owner"), lambda v: word("owner", v).in_(lang) or v)
        services = self._spread(case.node("services").codes, -1)
        region, regions = self._coded(case.node("region_code").take(case.placed_by), str)
        site, sites = self._coded(case.node("site"), str)
        names = case.declaration.nodes.column("name").take(pa.array(declared)).to_pylist()
        own = np.arange(case.n)
        return {
            "id": ids,
            "name": {i: shown(name) for i, name in enumerate(names) if name and name != ids[i]},
            "kind": kind,
            "kinds": kinds,
            "owner": owner,
            "owners": owners,
            "service": services,
            "services": [sorted(map(shown, split(text))) for text in case.node("services").values],
            "region": region,
            "regions": regions,
            "site": site,
            "sites": sites,
            "lon": self._degrees(place.lon),
            "lat": self._degrees(place.lat),
            "radius": self._number(np.round(place.radius_m)),
            "unsure": self._spread(self._datum_unknown(), 0),
            "relation": self._spread(place.relation, 4),
            "area": self._spread(place.area, -1),
            "basis": self._spread(place.basis, 0),
            "conflict": self._spread(place.conflict, 0),
            "inherited": self._spread(case.placed_by != own, 0),
            "role": self._spread(self._roles(), 0),
            "judged": self._spread(self.judged.code, 0),
            "combinations": self.judged.combinations,
            "address": self._addresses(),
            "undeclared": rest,
        }

    def _addresses(self) -> dict[int, str]:
        if self.case.n > MOST_ADDRESSES:
            return {}
        texts = self.case.declaration.nodes.column("address").to_pylist()
        return {i: shown(texts[row]) for i, row in enumerate(self.declared.tolist()) if texts[row]}

    def _datum_unknown(self) -> BoolArray:
        """Nodes whose accuracy holds the doubt about their datum."""
        datum = self.case.node("datum").take(self.case.placed_by)
        return datum.map(lambda value: datum_code(value) == "unknown", blank=True, dtype=np.bool_)

    def _roles(self) -> IntArray:
        case = self.case
        gate, root = case.access.gate, case.access.root
        flags: Iterable[tuple[int, BoolArray]] = (
            (SUBJECT, case.subscribers),
            (FACILITY, case.facility == Surety.SURE),
            (MAYBE_FACILITY, case.facility == Surety.DOUBTFUL),
            (GATE, gate == Surety.SURE),
            (MAYBE_GATE, gate == Surety.DOUBTFUL),
            (ROOT, root == Surety.SURE),
            (MAYBE_ROOT, root == Surety.DOUBTFUL),
            (IDLE, ~case.in_service),
        )
        roles = np.zeros(case.n, np.int64)
        for flag, mask in flags:
            roles |= np.where(mask, flag, 0)
        return roles

    def _spread(self, column: Any, blank: int) -> IntArray:
        rest = np.full(len(self.rows) - len(self.declared), blank, np.int64)
        return np.concatenate([np.asarray(column, np.int64)[self.declared], rest])

    def _degrees(self, column: FloatArray) -> list[int | None]:
        return self._number(np.round(column * DEGREE))

    def _number(self, column: FloatArray) -> list[int | None]:
        rest = [None] * (len(self.rows) - len(self.declared))
        return [*(None if v != v else round(v) for v in column[self.declared].tolist()), *rest]  # noqa: PLR0124

    def _coded(self, column: Coded, name: Any) -> tuple[IntArray, list[str]]:
        """Give a coded column of the nodes carried, -1 for blank, and its values as shown."""
        return self._spread(column.codes, -1), [shown(name(value)) for value in column.values]
