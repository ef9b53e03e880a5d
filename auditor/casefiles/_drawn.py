"""Maps of a case: its subjects and the nodes on the examples' paths, and nothing else that is declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditor.casefiles._words import WORDS
from auditor.findings import Verdict
from auditor.reports._rows import line
from auditor.reports._sketch import MOST_NODES, MOST_WAYS, PASSED, RANKS, Drawn, sketches

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from auditor.result import AuditResult

MOST_NAMED = 24
MAP = "map-{}.svg"


def drawn(result: AuditResult, matters: Sequence[Mapping[str, Any]]) -> tuple[Drawn, list[str]]:
    """Choose what the maps show, examples and their paths first; and name nodes of paths without a place."""
    ranks: dict[str, int] = {}
    ways: list[tuple[int, list[str | None]]] = []
    for matter in matters:
        rank = RANKS.get(Verdict(matter["verdict"]["code"]), PASSED)
        example = matter["example"]
        _rank(ranks, example["subject"], rank)
        for way in example["ways"]:
            names = [station["id"] for station in way["stations"]]
            for name in names:
                ranks.setdefault(name or "", PASSED)
            ways.append((rank if way["kind"] == "path" else PASSED, names))
    for matter in matters:
        rank = RANKS.get(Verdict(matter["verdict"]["code"]), PASSED)
        for entry in matter["subjects"]:
            _rank(ranks, entry["subject"], rank)
    names = list(ranks)
    rows = result.case.rows_of(names)
    place = result.case.place
    known = (rows >= 0) & ~np.isnan(np.append(place.lon, np.nan)[rows])
    at = np.flatnonzero(known)[:MOST_NODES]
    points = np.column_stack([place.lon[rows[at]], place.lat[rows[at]]])
    shown = [names[i] for i in at.tolist()]
    points_of = dict(zip(shown, map(tuple, points.tolist()), strict=True))
    lines = [(rank, line([points_of.get(name or "") for name in way])) for rank, way in ways[:MOST_WAYS]]
    onway = {name for _, way in ways for name in way if name}
    chosen = Drawn(
        points,
        np.array([ranks[name] for name in shown], np.int8),
        shown[:MOST_NAMED],
        [(rank, way) for rank, way in lines if way is not None],
        int(known.sum()) - len(at),
    )
    return chosen, [name for i, name in enumerate(names) if not known[i] and name in onway][:MOST_NAMED]


def _rank(ranks: dict[str, int], subject: str, rank: int) -> None:
    kind, _, name = subject.partition(":")
    if kind == "node":
        ranks[name] = max(ranks.get(name, 0), rank)


def maps(
    result: AuditResult | None, matters: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Any] | None, dict[str, bytes]]:
    """Give what is told of the maps, and the drawings as SVG; nothing where nothing has a place."""
    if result is None:
        return None, {}
    shown, unplaced = drawn(result, matters)
    if not len(shown.points):
        return None, {}
    made = sketches(result, shown)
    told = {
        "maps": [
            {"file": MAP.format(at), "caption": WORDS["close" if sketch.close else "wide"]}
            for at, sketch in enumerate(made)
        ],
        "named": shown.names,
        "left_out": shown.left_out,
        "unplaced": unplaced,
        "attribution": sorted({z["attribution"] for z in result.case.areas.provenance()} - {""}),
    }
    return told, {MAP.format(at): sketch.svg for at, sketch in enumerate(made)}
