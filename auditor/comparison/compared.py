"""Records held against each other: 一致, 待复核, 不一致 a pair, why, and from where (cards FAC-04, GOV-08).

Pure: sides come in (`auditor.comparing` reads them from files), a `Comparison` goes out.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from auditor.comparison import reasons
from auditor.comparison.judges import Terms
from auditor.comparison.kinds import hold, translated
from auditor.comparison.sides import chosen
from auditor.comparison.table import Comparison, Difference, Row, decided, shift_told
from auditor.datum import DATUMS
from auditor.settings import Policy
from auditor.zones import RELATIONS, Places

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Sequence

    from auditor.columns import BoolArray, IntArray
    from auditor.comparison.decisions import Decision
    from auditor.comparison.kinds import Held
    from auditor.comparison.sides import Rows, Side
    from auditor.zones import Areas

__all__ = ["Comparison", "Difference", "Row", "compare_sides"]

ORDER = ("node", "link", "block", "enterprise", "approval", "service", "domain", "contract")
FACILITIES = frozenset({"room", "rack", "node"})
OUTSIDE = RELATIONS.index("outside")


def compare_sides(
    sides: Sequence[Side],
    *,
    as_of: dt.date,
    policy: Policy | None = None,
    areas: Areas | None = None,
    decisions: Iterable[Decision] = (),
    lang: str = "en",
) -> Comparison:
    """Hold every later side against the first.

    Parameters
    ----------
    sides
        Two or more.
    as_of
        Day on which records are in force or not.
    policy
        Its ``match_thresholds`` say how much may differ.
    areas
        Pilot areas; with them a facility that only one side knows is told to stand outside.
    decisions
        What persons decided before.
    lang
        Language of frames.
    """
    terms = Terms(as_of, (policy or Policy()).match_thresholds)
    rows: list[Row] = []
    passed: list[tuple[str, str, int]] = []
    first = sides[0]
    for other in sides[1:]:
        for held in held_sides(first, other, terms, passed):
            rows += _rows(held, (first, other), areas)
    rows, lapsed, unused = decided(rows, decisions)
    rows.sort(
        key=lambda row: (-row.risk, row.kind, row.key_a or row.key_b, row.key_b, row.comparison, row.digest_a)
    )
    names = tuple(side.name for side in sides)
    return Comparison(
        names, tuple(rows), tuple(passed), tuple(lapsed), tuple(unused), as_of.isoformat(), lang=lang
    )


def held_sides(first: Side, other: Side, terms: Terms, passed: list[tuple[str, str, int]]) -> Iterator[Held]:
    """Hold the kinds that two sides share against each other; the others are counted in `passed`."""
    nodes: Held | None = None
    for kind in ORDER:
        mine, theirs = first.rows.get(kind), other.rows.get(kind)
        if mine is None or theirs is None:
            mine, theirs = _emptied(mine, theirs)
        if mine is None or theirs is None:
            continue
        if nodes is not None and kind in {"link", "block"}:
            theirs = translated(theirs, ("room", "node", "ends"), nodes.pairs, nodes.mine, nodes.theirs)
        held = hold(kind, mine, theirs, (first, other), terms)
        _pass_over(held, (first, other), passed)
        nodes = held if kind == "node" else nodes
        yield held


def _emptied(mine: Rows | None, theirs: Rows | None) -> tuple[Rows | None, Rows | None]:
    """Give the side that has no record of a kind an empty table of it."""
    some = mine if mine is not None else theirs
    if some is None:
        return None, None
    nothing = chosen(some, np.zeros(len(some), np.bool_))
    return (mine, nothing) if theirs is None else (nothing, theirs)


def _pass_over(held: Held, sides: tuple[Side, Side], passed: list[tuple[str, str, int]]) -> None:
    """Count records that are alone and of a group that the other side does not hold."""
    for rows, alone, side, other in (
        (held.mine, held.pairs.partner, sides[0], sides[1]),
        (held.theirs, held.pairs.back, sides[1], sides[0]),
    ):
        strange = (alone == -1) & ~rows.group.isin(other.covers)
        alone[strange] = -3
        codes, counts = np.unique(rows.group.codes[strange], return_counts=True)
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
            passed.append((side.name, rows.group.values[code], count))


# --- rows -------------------------------------------------------------------------------------------------


def _rows(held: Held, sides: tuple[Side, Side], areas: Areas | None) -> Iterator[Row]:
    """Make the rows of one kind."""
    names = (sides[0].name, sides[1].name)
    most = reasons.REVIEW if sides[0].observed or sides[1].observed else reasons.MISMATCH
    yield from _pair_rows(held, names, most)
    for cluster in held.clusters:
        told = "split" if cluster.same else "addresses"
        yield _made(held, names, (cluster.mine, cluster.theirs), (told,), most=most)
    for at, (rows, alone, repeated) in enumerate(
        (
            (held.mine, held.pairs.partner, held.pairs.repeated),
            (held.theirs, held.pairs.back, held.pairs.back_repeated),
        )
    ):
        left = np.flatnonzero(alone == -1)
        outside = _outside(rows, left, areas)
        for row, is_outside in zip(left.tolist(), outside.tolist(), strict=True):
            reason = "outside_undeclared" if is_outside else "surplus" if repeated[row] else "missing"
            ends = ((row,), ()) if at == 0 else ((), (row,))
            yield _made(held, names, ends, (reason,), most=most)


def _outside(rows: Rows, at: IntArray, areas: Areas | None) -> BoolArray:
    """Tell which facilities in service stand outside the areas."""
    bound = rows.group.isin(FACILITIES)[at] & ~rows.text("in_force").isin({"no"})[at]
    if areas is None or not bound.any():
        return np.zeros(len(at), np.bool_)
    nowhere = np.full(len(rows), np.nan)
    lon, lat, accuracy = (rows.numbers.get(name, nowhere)[at] for name in ("lon", "lat", "accuracy_m"))
    texts = [rows.text(name).take(at) for name in ("datum", "region_code", "address")]
    related = areas.relate(Places(lon, lat, texts[0], accuracy, texts[1], texts[2]))
    found: BoolArray = bound & (related.relation == OUTSIDE)
    return found


def _pair_rows(held: Held, names: tuple[str, str], most: int) -> Iterator[Row]:
    """Make a row of each pair; records are looked at one by one only where they differ."""
    fields = list(held.told)
    told = np.stack([held.told[name] for name in fields]) if fields else np.zeros((0, len(held.a)), np.int8)
    doubled = held.pairs.repeated[held.a] | held.pairs.back_repeated[held.b]
    alike = held.pairs.by_likeness[held.a]
    differs = (told != 0).any(axis=0) | doubled | alike
    for at in np.flatnonzero(~differs).tolist():
        a, b = int(held.a[at]), int(held.b[at])
        kind = held.mine.group.at(a) or held.kind
        yield Row(
            names, kind, _label(held.mine, a), _label(held.theirs, b), "match", "",
            source_a=(held.mine.files(a),), source_b=(held.theirs.files(b),), score=1.0,
        )  # fmt: skip
    for at in np.flatnonzero(differs).tolist():
        found = [(fields[i], reasons.NAMES[told[i, at]]) for i in np.flatnonzero(told[:, at]).tolist()]
        extra = [name for name, mask in (("duplicate", doubled), ("likeness", alike)) if mask[at]]
        a, b = int(held.a[at]), int(held.b[at])
        differences = tuple(_difference(held, name, reason, at) for name, reason in found)
        why = (*extra, *(reason for _, reason in found))
        yield _made(held, names, ((a,), (b,)), why, differences, most=most)


def _difference(held: Held, name: str, reason: str, at: int) -> Difference:
    """Say what two records state of one field."""
    a, b = int(held.a[at]), int(held.b[at])
    if name == "coordinates" and held.far_m is not None and held.datum is not None:
        datum = int(held.datum[at])
        shown = "" if reason != "datum_shift" or datum < 0 else DATUMS[datum]
        mine, theirs = _point(held.mine, a), _point(held.theirs, b)
        return Difference(name, mine, theirs, reason, shift_told(float(held.far_m[at]), shown))
    if name == "kind of record":
        return Difference(name, held.mine.group.at(a) or "", held.theirs.group.at(b) or "", reason)
    return Difference(name, held.mine.text(name).at(a) or "", held.theirs.text(name).at(b) or "", reason)


def _point(rows: Rows, row: int) -> str:
    datum = rows.text("datum").at(row) or "unknown"
    return f"{rows.numbers['lon'][row]:.6f},{rows.numbers['lat'][row]:.6f} {datum}"


def _made(
    held: Held,
    names: tuple[str, str],
    ends: tuple[tuple[int, ...], tuple[int, ...]],
    told: tuple[str, ...],
    differences: tuple[Difference, ...] = (),
    *,
    most: int,
) -> Row:
    """Make a row of records that do not agree; its weightiest reason counts."""
    a, b = ends
    worst = max(told, key=lambda name: (reasons.REASONS[name].outcome, reasons.REASONS[name].risk))
    outcome = min(reasons.REASONS[worst].outcome, most)
    group = held.mine.group.at(a[0]) if a else held.theirs.group.at(b[0])
    compared = max(1, len(held.told))
    return Row(
        comparison=names,
        kind=group or held.kind,
        key_a=";".join(_label(held.mine, row) for row in a),
        key_b=";".join(_label(held.theirs, row) for row in b),
        outcome=reasons.OUTCOMES[outcome],
        reason=worst,
        differences=differences,
        record_a=tuple(map(held.mine.record, a)),
        record_b=tuple(map(held.theirs.record, b)),
        source_a=tuple(map(held.mine.files, a)),
        source_b=tuple(map(held.theirs.files, b)),
        score=(compared - len(differences)) / compared if a and b else 0.0,
        risk=reasons.REASONS[worst].risk,
        digest_a=_digest(held.mine, a),
        digest_b=_digest(held.theirs, b),
    )


def _label(rows: Rows, row: int) -> str:
    """Name a record: by its key, else by its ends, else by what it states; never by its place in the file."""
    return rows.key.at(row) or rows.text("ends").at(row) or rows.text("room").at(row) or rows.digest(row)[:12]


def _digest(rows: Rows, at: tuple[int, ...]) -> str:
    """SHA-256 of what records state; blank where there is none."""
    several = sorted(rows.digest(row) for row in at)
    if len(several) < 2:  # noqa: PLR2004 -- one record has a digest of its own
        return several[0] if several else ""
    return hashlib.sha256("".join(several).encode()).hexdigest()
