"""Which of several pieces of ground points lie on: by a grid of cells, and by geometry where an edge crosses.

The grid has two levels. Blocks of 0.025 degrees cover all shapes; blocks that an edge crosses are cut into
16 x 16 cells, some 150 m wide. A cell that no edge crosses lies on one piece as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.columns import BoolArray, FloatArray, IntArray

    Case: TypeAlias = list[tuple[int, list[int]]]  # pieces that a point may lie on, and the shapes to ask

NONE = -1
SIDE = 16
"""Cells along a side of a block."""
FRINGE = 7
"""Blocks around the extent of the edges."""
FEW = 1 << 15  # points that take less time than to draw the grid
CHUNK = 1 << 14  # points at a time: what they need stays in the processor's cache
_BITS = 4  # of SIDE
_CELL = 0.025 / SIDE  # degrees
_MOST_BLOCKS, _MOST_CROSSED = 1 << 20, 1 << 14  # more, and cells are twice as large
_MOST_SHAPES = 64  # bits of a word
_MOST_CASES = 1 << 14  # that 16 bits number; more only where many parts overlap, and then no cell tells much
_ALL = np.uint32((1 << SIDE + 1) - 1)
_EPS = 1e-6  # cells: far above the rounding of 180 degrees in cells, far below what matters


def segments(shape: shapely.Geometry) -> FloatArray:
    """Edges of polygons as rows of lon, lat, lon, lat, in the order of their rings."""
    rings = shapely.get_rings(shapely.get_parts(shape))
    points, ring = shapely.get_coordinates(rings, return_index=True)
    pairs: FloatArray = np.hstack([points[:-1], points[1:]])[ring[:-1] == ring[1:]]
    return pairs


@dataclass(frozen=True)
class Frame:
    """A grid of blocks.

    Parameters
    ----------
    west, south
        Degrees of its corner.
    size
        Degrees of a cell.
    columns, rows
        Blocks.
    """

    west: float
    south: float
    size: float
    columns: int
    rows: int

    @classmethod
    def over(cls, lines: FloatArray) -> Frame:
        """Cover edges with blocks as small as are worth their memory."""
        if not len(lines):
            return cls(0.0, 0.0, _CELL, 1, 1)
        (west, south), (east, north) = (
            end(lines.reshape(-1, 2), axis=0).tolist() for end in (np.min, np.max)
        )
        size = _CELL
        while True:
            block = size * SIDE
            columns, rows = (int(span / block) + 2 * FRINGE + 1 for span in (east - west, north - south))
            frame = cls(west - FRINGE * block, south - FRINGE * block, size, columns, rows)
            if columns * rows <= _MOST_BLOCKS and np.count_nonzero(frame.crossed(lines)) <= _MOST_CROSSED:
                return frame
            size *= 2

    def scaled(self, lines: FloatArray) -> FloatArray:
        """Edges in cells from the corner."""
        scaled: FloatArray = (lines - np.array([self.west, self.south] * 2)) / self.size
        return scaled

    def crossed(self, lines: FloatArray) -> BoolArray:
        """Blocks that edges cross, one row of the grid after the other."""
        found = np.zeros(self.rows * self.columns, np.bool_)
        column, row = covered(self.scaled(lines) / SIDE)
        found[row * self.columns + column] = True
        return found

    def touched(self, lines: FloatArray) -> tuple[IntArray, IntArray]:
        """Blocks and cells that edges touch, some of them more than once."""
        column, row = covered(self.scaled(lines))
        block = (row >> _BITS) * self.columns + (column >> _BITS)
        return block, (row & SIDE - 1) << _BITS | (column & SIDE - 1)

    def place(self, lon: FloatArray, lat: FloatArray) -> tuple[IntArray, IntArray]:
        """Block of each point, and its cell in there; what lies beyond the frame is taken for its margin."""
        x, y = (
            np.fmin(np.fmax((degrees - low) * (1 / self.size), 0.0), blocks * SIDE - 1).astype(np.int32)
            for degrees, low, blocks in ((lon, self.west, self.columns), (lat, self.south, self.rows))
        )
        block = (y >> _BITS) * np.int32(self.columns) + (x >> _BITS)
        return block, (y & (SIDE - 1)) << _BITS | (x & (SIDE - 1))


def covered(lines: FloatArray) -> tuple[IntArray, IntArray]:
    """Columns and rows of the unit cells that edges touch, some of them more than once."""
    low, high = np.minimum(lines[:, 1], lines[:, 3]), np.maximum(lines[:, 1], lines[:, 3])
    line, row = _spread(np.floor(low - _EPS), np.floor(high + _EPS))
    x0, y0, x1, y1 = lines[line].T
    rise = np.where(y1 == y0, np.inf, y1 - y0)  # a level edge is in its row as a whole
    ends = [(row + side - y0) / rise for side in (-_EPS, 1 + _EPS)]
    level = y1 == y0
    first = np.where(level, 0.0, np.clip(np.minimum(*ends), 0.0, 1.0))
    last = np.where(level, 1.0, np.clip(np.maximum(*ends), 0.0, 1.0))
    a, b = x0 + first * (x1 - x0), x0 + last * (x1 - x0)
    which, column = _spread(np.floor(np.minimum(a, b) - _EPS), np.floor(np.maximum(a, b) + _EPS))
    return column, row[which]


def _spread(first: FloatArray, last: FloatArray) -> tuple[IntArray, IntArray]:
    """Whole numbers from `first` to `last` of each row: the row, and the number."""
    count = np.maximum(last - first + 1, 0).astype(np.int64)
    row = np.repeat(np.arange(len(count)), count)
    number = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    return row, number + first.astype(np.int64)[row]


class Mosaic:
    """Pieces of ground, ready to be asked which of them points lie on.

    Parameters
    ----------
    pieces
        Shapes of each: a piece is what they have in common. Where pieces overlap the first counts.

    Notes
    -----
    Answers equal those of `shapely.intersects_xy`: edges are part of a shape.
    """

    def __init__(self, pieces: Sequence[Sequence[shapely.Geometry]]) -> None:
        shapes = list({id(shape): shape for piece in pieces for shape in piece}.values())
        number = {id(shape): index for index, shape in enumerate(shapes)}
        self.shapes, self.pieces = shapes, [[number[id(shape)] for shape in piece] for piece in pieces]
        shapely.prepare(shapes)

    @cached_property
    def lines(self) -> list[FloatArray]:
        """Edges of each shape."""
        return [segments(shape) for shape in self.shapes]

    @cached_property
    def frame(self) -> Frame:
        """The grid."""
        return Frame.over(np.concatenate([np.empty((0, 4)), *self.lines]))

    def find(self, lon: FloatArray, lat: FloatArray) -> IntArray:
        """Piece that each point lies on, int16; -1 for none, and for what is no point."""
        if len(lon) <= FEW:
            return self._ask(self._every, lon, lat)
        found = np.empty(len(lon), np.int16)
        block_of, cells = self._grid.block, self._grid.cells
        for start in range(0, len(lon), CHUNK):
            some = slice(start, start + CHUNK)
            block, cell = self.frame.place(lon[some], lat[some])
            found[some] = cells.take(block_of.take(block) + cell)
        rows = np.flatnonzero(found < NONE).astype(np.int32)
        case = (NONE - 1) - found[rows]
        order = np.argsort(case, kind="stable")
        rows, ends = rows[order], np.cumsum(np.bincount(case, minlength=1))
        for index, (start, end) in enumerate(zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)):
            if end > start:
                mine = rows[start:end]
                found[mine] = self._ask(self._grid.cases[index], lon[mine], lat[mine])
        return found

    @property
    def _every(self) -> Case:
        return list(enumerate(self.pieces))

    def _ask(self, case: Case, lon: FloatArray, lat: FloatArray) -> IntArray:
        """Piece of points whose place to some shapes is known already."""
        found, left = np.full(len(lon), NONE, np.int16), np.arange(len(lon))
        for index, tests in case:
            inside = np.ones(len(left), np.bool_)
            for shape in tests:
                inside &= shapely.intersects_xy(self.shapes[shape], lon[left], lat[left])
            found[left[inside]], left = index, left[~inside]
        return found

    @cached_property
    def _grid(self) -> Grid:
        drawn = None
        if len(self.shapes) <= _MOST_SHAPES:
            drawn = _Drawing(self.frame, self.lines).grid(self.pieces)
        if drawn is None:  # then every point is asked for
            nothing = np.zeros(self.frame.rows * self.frame.columns, np.int32)
            return Grid(nothing, np.full(SIDE * SIDE, NONE - 1, np.int16), [self._every])
        return drawn


@dataclass(frozen=True)
class Grid:
    """What is known of cells.

    Parameters
    ----------
    block
        First cell of each block.
    cells
        Piece of each cell, `NONE` for none; below that, numbers of cases.
    cases
        Of cells that an edge crosses.
    """

    block: IntArray
    cells: IntArray
    cases: list[Case]


class _Drawing:
    """Shapes drawn on a grid: 64 of them at most, a bit for each."""

    def __init__(self, frame: Frame, lines: Sequence[FloatArray]) -> None:
        self.frame, self.lines = frame, lines
        hit = frame.crossed(np.concatenate([np.empty((0, 4)), *lines]))
        self.crossed = np.flatnonzero(hit)
        self.position = np.full(len(hit), NONE, np.int32)
        self.position[self.crossed] = np.arange(len(self.crossed), dtype=np.int32)

    def grid(self, pieces: Sequence[Sequence[int]]) -> Grid | None:
        """Name the piece of each cell and of each block; nothing where cells differ too much to be told."""
        insides = [self._inside(self.frame.scaled(lines)) for lines in self.lines]
        cells, right = self._named([np.bitwise_and.reduce([insides[i] for i in piece]) for piece in pieces])
        mixed, crossing = self._mixed()
        holding = np.zeros(len(mixed), np.uint64)
        row, column = mixed >> _BITS, (mixed & SIDE - 1).astype(np.uint32)
        for shape, words in enumerate(insides):
            holding |= (words.ravel()[row] >> column & 1).astype(np.uint64) << np.uint64(shape)
        number, cases = _cases(crossing, holding & ~crossing, pieces)
        if len(cases) > _MOST_CASES:
            return None
        cells[mixed] = NONE - 1 - number
        whole = np.repeat(np.arange(NONE, len(pieces), dtype=np.int16), SIDE * SIDE)
        # A block that no edge crosses is as the one to its left, and the first of a row lies on none.
        gaps = np.diff(self.crossed, append=len(self.position), prepend=0)
        block = np.repeat(np.append(np.int16(NONE), right), gaps).astype(np.int32) + len(self.crossed) + 1
        block[self.crossed] = np.arange(len(self.crossed))
        return Grid(block << (2 * _BITS), np.concatenate([cells, whole]), cases)

    def _named(self, pieces: Sequence[Any]) -> tuple[IntArray, IntArray]:
        """Piece of each cell, by its middle, and of the far side of each block, by that of its first row."""
        cells = np.full((len(self.crossed) * SIDE, SIDE), NONE, np.int16)
        right = np.full(len(self.crossed), NONE, np.int16)
        for index, words in reversed(list(enumerate(pieces))):
            rows = np.flatnonzero(words)
            bits = np.unpackbits(words.ravel()[rows].astype("<u4").view(np.uint8), bitorder="little")
            cells[rows] = np.where(bits.reshape(-1, 32)[:, :SIDE], np.int16(index), cells[rows])
            right[(words[:, 0] >> SIDE & 1) > 0] = index
        return cells.ravel(), right

    def _mixed(self) -> tuple[IntArray, Any]:
        """Cells that edges touch, and the shapes of these edges as bits."""
        touched = []
        for lines in self.lines:
            block, cell = self.frame.touched(lines)
            touched.append(self.position[block].astype(np.int64) * (SIDE * SIDE) + cell)
        hit = np.zeros(len(self.crossed) * SIDE * SIDE, np.bool_)
        for at in touched:
            hit[at] = True
        mixed, place = np.flatnonzero(hit), np.empty(len(hit), np.int32)
        place[mixed] = np.arange(len(mixed), dtype=np.int32)
        crossing = np.zeros(len(mixed), np.uint64)
        for shape, at in enumerate(touched):
            crossing[place[at]] |= np.uint64(1 << shape)
        return mixed, crossing

    def _inside(self, lines: FloatArray) -> Any:
        """Whether a shape holds the middles of cells: those with an odd number of edges to their left.

        A word for each row of cells of the crossed blocks, a bit for each cell; the bit after the last one
        tells the same of the far side of the block.
        """
        found = np.zeros((len(self.crossed), SIDE), np.uint32)
        low, high = np.minimum(lines[:, 1], lines[:, 3]), np.maximum(lines[:, 1], lines[:, 3])
        line, row = _spread(np.ceil(low - 0.5), np.ceil(high - 0.5) - 1)
        x0, y0, x1, y1 = lines[line].T
        x = x0 + (row + 0.5 - y0) / (y1 - y0) * (x1 - x0)
        column = np.floor(x).astype(np.int64) >> _BITS
        keys = np.sort(row * self.frame.columns + column)
        near = np.flatnonzero(self._around(lines))
        block_row, block_column = np.divmod(self.crossed[near], self.frame.columns)
        rows = (block_row << _BITS)[:, None] + np.arange(SIDE)
        before = np.searchsorted(keys, rows * self.frame.columns + block_column[:, None])
        found[near] = np.where(before & 1, _ALL, np.uint32(0))
        own = self.position[(row >> _BITS) * self.frame.columns + column]
        step = np.clip(np.ceil(x - (column << _BITS) - 0.5), 0, SIDE).astype(np.uint32)
        np.bitwise_xor.at(found, (own, row & SIDE - 1), _ALL >> step << step)
        return found

    def _around(self, lines: FloatArray) -> BoolArray:
        """Crossed blocks inside the extent of edges."""
        if not len(lines):
            return np.zeros(len(self.crossed), np.bool_)
        row, column = np.divmod(self.crossed, self.frame.columns)
        ends = lines.reshape(-1, 2) / SIDE
        (west, south), (east, north) = np.floor(ends.min(axis=0)), np.floor(ends.max(axis=0))
        inside: BoolArray = (column >= west - 1) & (column <= east + 1)
        inside &= (row >= south - 1) & (row <= north + 1)
        return inside


def _cases(crossing: Any, holding: Any, pieces: Sequence[Sequence[int]]) -> tuple[IntArray, list[Case]]:
    """Number the different cases among cells, given the shapes that cross them and those that hold them."""
    turns = np.flatnonzero((np.diff(crossing) != 0) | (np.diff(holding) != 0)) + 1
    heads = np.concatenate([[0], turns])[: len(crossing)]  # neighbours are mostly alike: a sort of few
    crossings, one = np.unique(crossing[heads], return_inverse=True)
    holdings, other = np.unique(holding[heads], return_inverse=True)
    both, number = np.unique(one * max(len(holdings), 1) + other, return_inverse=True)
    pairs = (divmod(key, len(holdings)) for key in both[: _MOST_CASES + 1].tolist())
    cases = [_case(int(crossings[first]), int(holdings[second]), pieces) for first, second in pairs]
    return np.repeat(number.astype(np.int16), np.diff(heads, append=len(crossing))), cases


def _case(crossing: int, holding: int, pieces: Sequence[Sequence[int]]) -> Case:
    """Pieces that a point of a cell may lie on, in order, and the shapes that must be asked for each."""
    case: Case = []
    for index, shapes in enumerate(pieces):
        if all((crossing | holding) >> shape & 1 for shape in shapes):
            tests = [shape for shape in shapes if crossing >> shape & 1]
            case.append((index, tests))
            if not tests:
                break
    return case
