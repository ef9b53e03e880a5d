"""How far points surely are from any edge, by cells of a grid: enough to tell most discs clear of edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from auditor.mosaic import CHUNK, FRINGE, SIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.columns import BoolArray, FloatArray, IntArray
    from auditor.mosaic import Frame

_DEGREE_M = 110_574.0 * 0.99  # of latitude at the equator, where it is least; less what chords cut off
_WIDE = 3 * SIDE  # cells of a block with those around it
_MOST_LEVELS = 200  # accuracies that a byte tells apart
_RINGS = FRINGE - 1
_LARGE_BLOCK, _HALF_EARTH = 1.0, 180.0  # degrees, beyond which a grid is no plane
_FEW = 128  # blocks at a time: what they need stays in the processor's cache


class Clearance:
    """Lower bounds of how much farther an edge is than it may be wrong.

    An edge in the k-th ring of cells round a cell is at least k - 1 widths of a cell off. That is told for
    blocks at once; for the cells of a block with an edge in it or beside it, when points in there ask.

    Parameters
    ----------
    frame
        A grid round all edges.
    lines, bands
        Edges, and metres by which each group of them may be wrong.
    """

    def __init__(self, frame: Frame, lines: Sequence[FloatArray], bands: Sequence[float]) -> None:
        self._frame = frame
        levels = np.unique(np.asarray(bands, np.float64))
        levels = levels[:: -max(1, -(-len(levels) // _MOST_LEVELS))][
            ::-1
        ]  # rounded up to those that are kept
        self._levels = np.concatenate([[-np.inf], levels]).astype(np.float32)
        block = frame.size * SIDE
        east = frame.west + block * frame.columns
        across = frame.west < -_HALF_EARTH or east > _HALF_EARTH  # the seam: beyond it lies the other margin
        self._plane = block <= _LARGE_BLOCK and east - frame.west <= _HALF_EARTH and not across
        south = frame.south + block * np.arange(frame.rows)
        polar = np.maximum(np.abs(south), np.abs(south + block))
        width = frame.size * _DEGREE_M * np.maximum(np.cos(np.radians(polar)), 0.0)
        self._width = np.repeat(width.astype(np.float32), frame.columns)  # metres of a cell, one a block
        self._draw(lines, np.searchsorted(levels, bands) + 1)
        self.block_m, self._far, self._near = self._blocks()

    def _draw(self, lines: Sequence[FloatArray], levels: IntArray) -> None:
        touched = [self._frame.touched(part) for part in lines]
        worst = np.zeros(self._frame.rows * self._frame.columns, np.uint8)
        for (block, _), level in zip(touched, levels.tolist(), strict=True):
            worst[block] = np.maximum(worst[block], np.uint8(level))
        crossed = np.flatnonzero(worst)
        self._position = np.full(len(worst), -1, np.int32)
        self._position[crossed] = np.arange(len(crossed), dtype=np.int32)
        self._cells = np.zeros((len(crossed) + 1, SIDE * SIDE), np.uint8)  # the last is of all other blocks
        for (block, cell), level in zip(touched, levels.tolist(), strict=True):
            at = self._position[block], cell
            self._cells[at] = np.maximum(self._cells[at], np.uint8(level))
        self._worst = worst

    def _blocks(self) -> tuple[Any, Any, BoolArray]:
        """Bound of each block, the same without edges in it and beside it, and whether there are such."""
        rings = [self._worst]
        for _ in range(_RINGS):
            rings.append(_widened(_widened(rings[-1], 1), self._frame.columns))
        near, width = rings[1] > 0, self._width * SIDE
        far = _RINGS * width - self._levels[self._worst.max(initial=0)]
        some = np.flatnonzero(rings[-1])  # few: the rest is farther off than all rings
        for ring in range(2, _RINGS + 1):
            far[some] = np.minimum(far[some], (ring - 1) * width[some] - self._levels[rings[ring][some]])
        if not self._plane:
            far[:] = -np.inf
        return np.where(near, np.float32(-np.inf), far), far, near

    def unclear(self, lon: FloatArray, lat: FloatArray, radius_m: FloatArray) -> IntArray:
        """Rows of discs that may reach an edge, of those that are points at all."""
        asked, held = [], np.zeros(len(self.block_m), np.bool_)
        for start in range(0, len(lon), CHUNK):
            some = slice(start, start + CHUNK)
            block, _ = self._frame.place(lon[some], lat[some])
            rows = np.flatnonzero(radius_m[some] >= self.block_m.take(block))
            mine = block[rows]
            held[mine[self._near[mine] & (radius_m[some][rows] < self._far[mine])]] = True
            asked.append((rows + start).astype(np.int32))
        rows = np.concatenate([np.zeros(0, np.int32), *asked])
        blocks = np.flatnonzero(held)
        return self._by_cells(lon, lat, radius_m, rows, blocks) if len(blocks) else rows

    def _by_cells(
        self, lon: FloatArray, lat: FloatArray, radius_m: FloatArray, rows: IntArray, blocks: IntArray
    ) -> IntArray:
        bounds = np.concatenate([*self._bounds(blocks), np.full((1, SIDE * SIDE), -np.inf, np.float32)])
        number = np.full(len(self.block_m), len(blocks), np.int32)
        number[blocks] = np.arange(len(blocks), dtype=np.int32)
        left = []
        for start in range(0, len(rows), CHUNK):
            some = rows[start : start + CHUNK]
            block, cell = self._frame.place(lon[some], lat[some])
            bound = bounds.ravel().take(number.take(block) * np.int32(SIDE * SIDE) + cell)
            left.append(some[radius_m[some] >= bound])
        return np.concatenate(left)

    def _bounds(self, blocks: IntArray) -> list[Any]:
        """Bounds of the cells of blocks."""
        return [self._of_cells(blocks[start : start + _FEW]) for start in range(0, len(blocks), _FEW)]

    def _of_cells(self, blocks: IntArray) -> Any:
        beside = np.arange(-1, 2)
        around = blocks[:, None, None] + beside[:, None] * self._frame.columns + beside
        window = self._cells[self._position.take(around, mode="clip")]
        window = window.reshape(-1, 3, 3, SIDE, SIDE).transpose(0, 1, 3, 2, 4).reshape(len(blocks), -1)
        width = self._width[blocks][:, None, None]
        least = SIDE * width - self._levels[window.max(axis=1)][:, None, None]
        least = np.minimum(least, self._far[blocks][:, None, None]) + np.zeros((SIDE, SIDE), np.float32)
        level = window.ravel()
        for ring in range(SIDE + 1):
            if ring:
                level = _widened(_widened(level, 1), _WIDE)  # what comes from beyond the window stays outside
            middle = level.reshape(-1, _WIDE, _WIDE)[:, SIDE : 2 * SIDE, SIDE : 2 * SIDE]
            np.minimum(least, max(ring - 1, 0) * width - self._levels[middle], out=least)
        return least.reshape(len(blocks), SIDE * SIDE)


def _widened(level: Any, step: int) -> Any:
    """Take the largest of every number and of those `step` places before and after it."""
    wide = level.copy()
    np.maximum(wide[step:], level[:-step], out=wide[step:])
    np.maximum(wide[:-step], level[step:], out=wide[:-step])
    return wide
