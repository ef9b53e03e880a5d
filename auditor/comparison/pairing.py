"""Which record of one side is which of the other: by key, then by what they stand in, then by likeness."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import fuzz, process
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from auditor.claims import DISTRICT, trimmed
from auditor.comparison.judges import EARTH_M
from auditor.comparison.texts import likeness, plain_address, plain_name, simplified
from auditor.datum import DATUMS, datum_code, to_wgs84

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from auditor.columns import BoolArray, Coded, IntArray
    from auditor.comparison.judges import Terms
    from auditor.comparison.sides import Rows

NEAR_M = 2_000.0  # within which coordinates make two records worth comparing: more than any datum shifts
NEAREST = 4  # neighbours looked at
LIKEST = 3  # candidates that a record keeps by its text
MOST_CELLS = 4_000_000  # of one matrix of likenesses; larger blocks are cut by rows
MOST_IN_BLOCK = 20_000  # records of one district without partner: more are compared by street alone
LARGEST = 2_000  # records of one assignment
SOLE = 0.9  # likeness of two that bear a name or an address that nobody else does
TIE = 1e-7


@dataclass
class Pairs:
    """Pairs of rows, and which rows are still alone.

    Parameters
    ----------
    partner
        One a row of the first side: row of the second, -1 while alone.
    back
        The same of the second side.
    by_likeness
        Rows of the first side that were paired without a common key.
    repeated, back_repeated
        Rows whose key is there more than once on a side, in other numbers than on the other side.
    """

    partner: IntArray
    back: IntArray
    by_likeness: BoolArray
    repeated: BoolArray
    back_repeated: BoolArray

    @classmethod
    def of(cls, mine: Rows, theirs: Rows) -> Pairs:
        """Give rows that are all alone."""
        n, m = len(mine), len(theirs)
        alone, alone_2 = np.full(n, -1, np.int64), np.full(m, -1, np.int64)
        return cls(alone, alone_2, np.zeros(n, np.bool_), np.zeros(n, np.bool_), np.zeros(m, np.bool_))

    def join(self, a: IntArray, b: IntArray, *, by_likeness: bool = False) -> None:
        """Pair rows."""
        self.partner[a], self.back[b] = b, a
        self.by_likeness[a] = by_likeness

    @property
    def alone(self) -> tuple[IntArray, IntArray]:
        """Rows of both sides without partner."""
        return np.flatnonzero(self.partner < 0), np.flatnonzero(self.back < 0)


def keys_of(*columns: Sequence[Coded]) -> tuple[IntArray, IntArray]:
    """Give one number a row for the values of several columns of two sides, -1 where one of them is blank.

    Parameters
    ----------
    columns
        Pairs of columns: one of each side.
    """
    mine = theirs = None
    for one, other in columns:
        values = {value: code for code, value in enumerate(dict.fromkeys((*one.values, *other.values)))}
        coded = [np.array([*(values[v] for v in c.values), -1], np.int64)[c.codes] for c in (one, other)]
        if mine is None or theirs is None:
            mine, theirs = coded
            continue
        blank, blank_2 = (mine < 0) | (coded[0] < 0), (theirs < 0) | (coded[1] < 0)
        joined = np.concatenate([mine * (len(values) + 1) + coded[0], theirs * (len(values) + 1) + coded[1]])
        dense = np.unique(joined, return_inverse=True)[1].astype(np.int64)
        mine, theirs = dense[: len(mine)], dense[len(mine) :]
        mine[blank], theirs[blank_2] = -1, -1
    if mine is None or theirs is None:
        raise AssertionError("a key is made of columns")
    return mine, theirs


def join_by(pairs: Pairs, mine: IntArray, theirs: IntArray, order: tuple[IntArray, IntArray]) -> None:
    """Pair rows that are alone and have the same key: the n-th of one side with the n-th of the other.

    Parameters
    ----------
    mine, theirs
        Keys, -1 for none.
    order
        Ranks by content, by which rows of one key are counted: so the order of rows plays no part. Rows of
        equal rank, which differ in nothing, are paired first.
    """
    for keys in (keys_of_content(mine, theirs, order), (mine, theirs)):
        a = np.flatnonzero((pairs.partner < 0) & (keys[0] >= 0))
        b = np.flatnonzero((pairs.back < 0) & (keys[1] >= 0))
        nth, nth_2 = _counted(keys[0][a], order[0][a]), _counted(keys[1][b], order[1][b])
        span = max(nth.max(initial=0), nth_2.max(initial=0)) + 1
        _, at, at_2 = np.intersect1d(
            keys[0][a] * span + nth, keys[1][b] * span + nth_2, assume_unique=True, return_indices=True
        )
        pairs.join(a[at], b[at_2])


def keys_of_content(
    mine: IntArray, theirs: IntArray, order: tuple[IntArray, IntArray]
) -> tuple[IntArray, IntArray]:
    """Sharpen keys by content."""
    span = max(order[0].max(initial=0), order[1].max(initial=0)) + 1
    made = (np.where(key < 0, -1, key * span + rank) for key, rank in zip((mine, theirs), order, strict=True))
    one, other = made
    return one, other


def _counted(keys: IntArray, rank: IntArray) -> IntArray:
    """Number the rows of each key from 0, by rank."""
    order = np.lexsort((rank, keys))
    starts = np.flatnonzero(np.diff(keys[order], prepend=-2))
    nth = np.empty(len(keys), np.int64)
    nth[order] = np.arange(len(keys)) - np.repeat(starts, np.diff(np.append(starts, len(keys))))
    return nth


def mark_repeated(pairs: Pairs, mine: IntArray, theirs: IntArray, *, unique: bool) -> None:
    """Mark rows whose key is there in other numbers on the two sides, or more than once if `unique`."""
    span = max(mine.max(initial=-1), theirs.max(initial=-1)) + 2
    counts, counts_2 = (np.bincount(keys + 1, minlength=span) for keys in (mine, theirs))
    many = (counts > 1) | (counts_2 > 1)
    odd = many if unique else many & (counts != counts_2) & (counts > 0) & (counts_2 > 0)
    odd[0] = False
    pairs.repeated |= odd[mine + 1]
    pairs.back_repeated |= odd[theirs + 1]


def common_content(mine: Rows, theirs: Rows) -> tuple[IntArray, IntArray]:
    """Rank rows of both sides by the fields that both state, in one order."""
    names = sorted(set(mine.columns) & set(theirs.columns))
    numbers = sorted(set(mine.numbers) & set(theirs.numbers))
    joined = []
    for side in (mine, theirs):
        texts = [pc.fill_null(side.columns[name].arrow().cast(pa.string()), "") for name in names]
        texts += [pc.fill_null(pa.array(side.numbers[name]).cast(pa.string()), "") for name in numbers]
        blank = pa.array([""] * len(side), pa.string())
        joined.append(pc.binary_join_element_wise(blank, *texts, "\x1f"))
    rank = pc.rank(pa.concat_arrays(joined), tiebreaker="dense").to_numpy().astype(np.int64)
    return rank[: len(mine)], rank[len(mine) :]


# --- likeness ---------------------------------------------------------------------------------------------


def pair_by_likeness(
    pairs: Pairs, mine: Rows, theirs: Rows, fit: Callable[..., BoolArray], terms: Terms
) -> None:
    """Pair rows that share no key, by name, address and coordinates: the best sum of likenesses, one to one.

    Parameters
    ----------
    fit
        From rows of both sides to whether such two may be the same at all.
    """
    a, b = pairs.alone
    if not len(a) or not len(b):
        return
    one, other = _Texts.of(mine, a), _Texts.of(theirs, b)
    at, at_2 = _candidates(one, other)
    good = fit(a[at], b[at_2])
    at, at_2 = at[good], at_2[good]
    sole = _sole(one.name, other.name) | {text for text in _sole(one.address, other.address) if _exact(text)}
    score = np.array(
        [_score(one, other, i, j, sole) for i, j in zip(at.tolist(), at_2.tolist(), strict=True)], np.float64
    )
    sure = score >= terms.thresholds.likeness
    at, at_2, score = at[sure], at_2[sure], score[sure]
    score += TIE * _lots(one.lot[at], other.lot[at_2])
    for chosen in _assigned(at, at_2, score, len(a), len(b)):
        pairs.join(a[at[chosen]], b[at_2[chosen]], by_likeness=True)


@dataclass(frozen=True)
class _Texts:
    """What likeness looks at: names, addresses, the district, coordinates as points of a sphere, a lot."""

    name: list[str]
    address: list[str]
    district: list[str]
    xyz: Any
    lot: IntArray

    @classmethod
    def of(cls, rows: Rows, at: IntArray) -> _Texts:
        named, placed = rows.text("name").take(at), rows.text("address").take(at)
        names = [plain_name(simplified(v)) for v in named.values] + [""]
        addresses = [plain_address(simplified(v)) for v in placed.values] + [""]
        name = [names[code] for code in named.codes.tolist()]
        address = [addresses[code] for code in placed.codes.tolist()]
        region = rows.text("region_code").take(at)
        codes = [trimmed(v.strip()) for v in region.values] + [""]
        stated = [codes[code] for code in region.codes.tolist()]
        district = [
            (code or text.partition(" ")[0] if " " in text or code else "")[:DISTRICT]
            for code, text in zip(stated, address, strict=True)
        ]
        lots = [hash_of("\x1f".join(texts)) for texts in zip(name, address, strict=True)]
        return cls(name, address, district, _sphere(rows, at), np.array(lots, np.int64))


def hash_of(text: str) -> int:
    """Give a number for a text, the same in every run.

    Examples
    --------
    >>> hash_of("a") == hash_of("a") != hash_of("b")
    True
    """
    found = 1469598103934665603
    for byte in text.encode():
        found = ((found ^ byte) * 1099511628211) & (2**62 - 1)
    return found


def _lots(one: IntArray, other: IntArray) -> Any:
    """Numbers from 0 to 1 that break ties the same way whichever side is first."""
    mixed = (np.minimum(one, other).astype(np.uint64) * np.uint64(2654435761)) ^ np.maximum(
        one, other
    ).astype(np.uint64)
    return (mixed % np.uint64(1_000_003)).astype(float) / 1_000_003


def _sphere(rows: Rows, at: IntArray) -> Any:
    if "lon" not in rows.numbers or "lat" not in rows.numbers:
        return np.full((len(at), 3), np.nan)
    unknown = DATUMS.index("unknown")
    datum = rows.text("datum").map(
        lambda text: DATUMS.index(datum_code(text) or "unknown"), blank=unknown, dtype=np.int8
    )
    lon, lat = to_wgs84(rows.numbers["lon"][at], rows.numbers["lat"][at], datum[at])
    x, y = np.radians(lon), np.radians(lat)
    return EARTH_M * np.stack([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)], axis=1)


def _candidates(mine: _Texts, theirs: _Texts) -> tuple[IntArray, IntArray]:
    """Pairs that are worth a look: the same name or address, near, or likest in the same district."""
    found: list[tuple[int, int]] = []
    for one, other in ((mine.name, theirs.name), (mine.address, theirs.address)):
        found += _equal(one, other)
    found += _near(mine.xyz, theirs.xyz)
    blocks: dict[str, tuple[list[int], list[int]]] = {}
    for side, texts in enumerate((mine.district, theirs.district)):
        for row, district in enumerate(texts):
            blocks.setdefault(district, ([], []))[side].append(row)
    for rows, others in blocks.values():
        if rows and others and max(len(rows), len(others)) <= MOST_IN_BLOCK:
            found += _likest(mine, theirs, rows, others)
            found += [(i, j) for j, i in _likest(theirs, mine, others, rows)]
    distinct = sorted(set(found))
    a, b = np.array(distinct, np.int64).reshape(-1, 2).T
    return a, b


def _equal(one: list[str], other: list[str]) -> list[tuple[int, int]]:
    """Pairs of the same text; of a text that many bear, the first few."""
    at: dict[str, list[int]] = {}
    for row, text in enumerate(other):
        if text:
            at.setdefault(text, []).append(row)
    return [(row, found) for row, text in enumerate(one) for found in at.get(text, ())[: NEAREST * LIKEST]]


def _near(one: Any, other: Any) -> list[tuple[int, int]]:
    rows, others = (np.flatnonzero(~np.isnan(xyz).any(axis=1)) for xyz in (one, other))
    if not len(rows) or not len(others):
        return []
    k = min(NEAREST, len(others))
    far, at = cKDTree(other[others]).query(one[rows], k=k, distance_upper_bound=NEAR_M)
    far, at = (np.asarray(found).reshape(len(rows), k) for found in (far, at))
    hit, nth = np.nonzero(np.isfinite(far))
    return list(zip(rows[hit].tolist(), others[at[hit, nth]].tolist(), strict=True))


def _likest(mine: _Texts, theirs: _Texts, rows: list[int], others: list[int]) -> list[tuple[int, int]]:
    """For each row the likest others of its block, by name and address together."""
    texts = [f"{theirs.name[j]} {theirs.address[j]}" for j in others]
    step = max(1, MOST_CELLS // len(others))
    found = []
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        asked = [f"{mine.name[i]} {mine.address[i]}" for i in part]
        score = process.cdist(asked, texts, scorer=fuzz.ratio, dtype=np.uint8, workers=1)
        best = np.argsort(-score.astype(np.int16), axis=1, kind="stable")[:, :LIKEST]
        found += [(part[i], others[j]) for i, row in enumerate(best.tolist()) for j in row]
    return found


def _sole(one: list[str], other: list[str]) -> set[str]:
    """Texts that one record of each side bears, and no second one."""
    counts, counts_2 = Counter(one), Counter(other)
    return {text for text, times in counts.items() if text and times == counts_2[text] == 1}


def _exact(address: str) -> bool:
    """Whether an address goes down to a number: a street alone is shared by many."""
    return any(char.isdigit() for char in address.partition(" ")[2] or address)


def _score(mine: _Texts, theirs: _Texts, i: int, j: int, sole: set[str]) -> float:
    """Mean likeness of what both state; coordinates count once more, and alone are no proof.

    A name or an address that these two alone bear says enough: a room that was renamed, or one that moved.
    """
    parts = [
        likeness(one[i], other[j])
        for one, other in ((mine.name, theirs.name), (mine.address, theirs.address))
        if one[i] and other[j]
    ]
    if not parts:
        return 0.0
    far = float(np.linalg.norm(mine.xyz[i] - theirs.xyz[j]))
    if not np.isnan(far):
        parts.append(max(0.0, 1.0 - far / NEAR_M))
    if len(parts) == 1:  # one text alone proves something only where it is the very same
        return parts[0] if parts[0] == 1.0 else 0.0
    mean = sum(parts) / len(parts)
    both = any(
        one[i] == other[j] and one[i] in sole
        for one, other in ((mine.name, theirs.name), (mine.address, theirs.address))
    )
    return SOLE + (1.0 - SOLE) * mean if both else mean


def _assigned(a: IntArray, b: IntArray, score: Any, n: int, m: int) -> list[IntArray]:
    """Choose pairs, one to one, of the greatest sum of scores in each connected group of candidates."""
    if not len(a):
        return []
    graph = coo_array((np.ones(len(a)), (a, b + n)), shape=(n + m, n + m))
    _, label = connected_components(graph, directed=False)
    order = np.argsort(label[a], kind="stable")
    cuts = np.flatnonzero(np.diff(label[a][order])) + 1
    return [_assign(group, a, b, score) for group in np.split(order, cuts)]


def _assign(group: IntArray, a: IntArray, b: IntArray, score: Any) -> IntArray:
    if len(group) == 1:
        return group
    rows, at = np.unique(a[group], return_inverse=True)
    others, at_2 = np.unique(b[group], return_inverse=True)
    if max(len(rows), len(others)) > LARGEST:
        return _greedy(group, a, b, score)
    gain = np.zeros((len(rows), len(others)))
    gain[at, at_2] = score[group]
    where = np.full(gain.shape, -1, np.int64)
    where[at, at_2] = group
    chosen = where[linear_sum_assignment(gain, maximize=True)]
    found: IntArray = chosen[chosen >= 0]
    return found


def _greedy(group: IntArray, a: IntArray, b: IntArray, score: Any) -> IntArray:
    """Take the best pair again and again: groups too large for an exact answer."""
    taken: set[tuple[int, int]] = set()
    chosen = []
    for at in group[np.argsort(-score[group], kind="stable")].tolist():
        ends = (0, int(a[at])), (1, int(b[at]))
        if not taken.intersection(ends):
            taken.update(ends)
            chosen.append(at)
    return np.array(chosen, np.int64)
