"""The grid against plain geometry: the same piece for every point, and no edge where it says that none is near."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from auditor import mosaic
from auditor.boundaries import ecef
from auditor.clearance import Clearance
from auditor.mosaic import SIDE, Frame, Mosaic, segments

CELL = 0.025 / SIDE


@pytest.fixture(autouse=True)
def _grid_for_all(monkeypatch):
    """Few points are asked for one by one, elsewhere."""
    monkeypatch.setattr(mosaic, "FEW", -1)


def plain(pieces, lon, lat):
    """First piece all of whose shapes hold each point."""
    found = np.full(len(lon), -1)
    for index, shapes in reversed(list(enumerate(pieces))):
        found[np.logical_and.reduce([shapely.intersects_xy(shape, lon, lat) for shape in shapes])] = index
    return found


def hostile(frame, shapes, random, n=2_000):
    """Points on vertices, on edges, on corners of cells, a rounding beside them, and all over the frame."""
    lines = np.concatenate([segments(shape) for shape in shapes])
    some = lines[random.integers(0, len(lines), n)]
    share = random.choice([0.0, 0.5, 1.0, 0.3], n)[:, None]
    on = some[:, :2] + share * (some[:, 2:] - some[:, :2])
    west, south = frame.west, frame.south
    width, height = frame.columns * SIDE, frame.rows * SIDE
    corner = np.stack(
        [
            west + frame.size * random.integers(0, width, n),
            south + frame.size * random.integers(0, height, n),
        ],
        1,
    )
    beside = np.nextafter(np.concatenate([on, corner]), random.choice([-np.inf, np.inf], (2 * n, 2)))
    near = on + random.normal(0, 1, (n, 2)) * random.choice([1e-9, 1e-6, 1e-3, 1e-2], n)[:, None]
    over = np.stack(
        [
            random.uniform(west - 1, west + 1 + width * frame.size, n),
            random.uniform(south - 1, south + 1 + height * frame.size, n),
        ],
        1,
    )
    odd = np.array(
        [
            (np.nan, np.nan),
            (np.nan, 30.0),
            (np.inf, 30.0),
            (30.0, -np.inf),
            (180.0, 90.0),
            (-180.0, -90.0),
            (0, 0),
        ]
    )
    return np.concatenate([on, corner, beside, near, over, odd]).T


def same_as_plain(pieces, seed=0):
    grid = Mosaic(pieces)
    shapes = [shape for piece in pieces for shape in piece]
    lon, lat = hostile(grid.frame, shapes, np.random.default_rng(seed))
    assert np.array_equal(grid.find(lon, lat), plain(pieces, lon, lat))
    return grid


def star(x, y, radius, corners, random):
    """A polygon of many corners round a point."""
    angle = np.sort(random.uniform(0, 2 * np.pi, corners))
    far = radius * random.uniform(0.2, 1.0, corners)
    return shapely.make_valid(
        shapely.polygons(np.stack([x + far * np.cos(angle), y + far * np.sin(angle)], 1))
    )


def polygons(shape):
    """What of a shape is area."""
    return shapely.MultiPolygon(
        [p for p in shapely.get_parts(shape, return_index=False) if p.geom_type == "Polygon"]
    )


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([(121.5, 31.0), (0.0, 0.0), (179.9, 10.0), (-179.9, -80.0), (12.0, 89.0), (114.0, 4.0)]),
    st.sampled_from([1e-5, 1e-3, 0.01, 0.1, 1.0]),
)
@settings(max_examples=40, deadline=None)
def test_pieces_equal_those_of_plain_geometry(seed, middle, radius):
    random = np.random.default_rng(seed)
    shapes = []
    for _ in range(random.integers(1, 5)):
        x, y = np.asarray(middle) + random.normal(0, radius, 2)
        shapes.append(polygons(star(x, y, radius, random.integers(3, 40), random)))
    hole = polygons(shapely.difference(shapes[0], shapes[-1].centroid.buffer(radius / 4)))
    shapes = [shape for shape in (hole, *shapes) if not shape.is_empty]
    pieces = [[shapes[i] for i in random.choice(len(shapes), random.integers(1, 3))] for _ in range(6)]
    same_as_plain(pieces, seed)


@pytest.mark.parametrize(
    "box",
    [
        (0.0, 0.0, CELL / 7, CELL / 9),  # far smaller than a cell
        (10.0, 10.0, 10.0 + 32 * CELL, 10.0 + 32 * CELL),  # edges on edges of cells
        (10.0, 10.0, 10.0 + CELL, 10.025),
        (-180.0, -90.0, 180.0, 90.0),
        (179.0, 10.0, 180.0, 11.0),
        (100.0, 30.0, 100.0 + 1e-9, 60.0),  # a sliver
    ],
)
def test_boxes(box):
    shape = shapely.box(*box)
    same_as_plain([[shape]])
    same_as_plain([[shape.difference(shape.centroid.buffer(1e-4))], [shape]])


def test_a_near_level_edge_crosses_the_cells_that_it_crosses():
    """A rise of a billionth of a cell over hundreds of cells, on the edge of a row."""
    for rise in (1e-9, 1e-12, 1e-15, 0.0):
        low, high = 30.0 - rise, 30.0 + rise
        shape = shapely.Polygon([(100, low), (101, high), (101.3, 31.0), (99.9, 31.0)])
        same_as_plain([[shape]])


def test_areas_that_overlap_and_parts_inside():
    one, two = shapely.box(100, 30, 101, 31), shapely.box(100.5, 30.5, 101.5, 31.5)
    part = shapely.Point(100.4, 30.4).buffer(0.2)
    grid = same_as_plain([[one, part], [one], [two, part], [two]])
    assert grid.find(np.array([100.4, 100.7, 101.2]), np.array([30.4, 30.7, 31.2])).tolist() == [0, 1, 3]


def test_more_shapes_than_bits():
    boxes = [shapely.box(100 + i / 50, 30, 100.015 + i / 50, 30.1) for i in range(80)]
    same_as_plain([[box] for box in boxes])


def test_more_cases_than_the_cells_can_number(monkeypatch):
    random = np.random.default_rng(0)
    pieces = [[star(110 + i / 500, 30, 0.1, 24, random)] for i in range(20)]
    assert len(same_as_plain(pieces)._grid.cases) > 32
    monkeypatch.setattr(mosaic, "_MOST_CASES", 32)
    assert len(same_as_plain(pieces)._grid.cases) == 1  # every point is asked for


@pytest.mark.parametrize("few", [-1, 10_000])
def test_few_points_are_told_as_many_are(monkeypatch, few):
    monkeypatch.setattr(mosaic, "FEW", few)
    one, two = shapely.box(100, 30, 101, 31), shapely.box(100.5, 30.5, 101.5, 31.5)
    same_as_plain([[one, two], [one], [two]])


def test_no_shapes_and_empty_ones():
    nowhere = np.array([1.0, np.nan])
    assert Mosaic([]).find(nowhere, nowhere).tolist() == [-1, -1]
    empty, box = shapely.MultiPolygon(), shapely.box(0, 0, 1, 1)
    assert Mosaic([[empty]]).find(nowhere, nowhere).tolist() == [-1, -1]
    assert Mosaic([[empty, box], [box]]).find(nowhere, nowhere).tolist() == [1, -1]
    assert Mosaic([[box]]).find(nowhere[:0], nowhere[:0]).tolist() == []


def test_large_ground_has_large_cells():
    """Else a zone as large as a continent takes gigabytes."""
    ring = shapely.Point(100, 30).buffer(40, quad_segs=2_000)
    grid = same_as_plain([[ring]])
    assert grid.frame.columns * grid.frame.rows <= 1 << 20
    assert grid.frame.size > mosaic._CELL


def test_few_points_near_edges_need_geometry():
    """Else the grid is of no use: fewer than one in six within a kilometre, none farther off."""
    shape = shapely.Point(121.5, 31.1).buffer(0.3)
    grid = Mosaic([[shape]])
    random = np.random.default_rng(1)
    lon, lat = random.uniform(121.1, 121.9, 100_000), random.uniform(30.7, 31.5, 100_000)
    block, cell = grid.frame.place(lon, lat)
    mixed = grid._grid.cells[grid._grid.block[block] + cell] < -1
    off = shapely.distance(shape.exterior, shapely.points(lon, lat)) * 111_000
    assert 0 < mixed[off < 1_000].mean() < 1 / 6
    assert not mixed[off > 300].any()


# --- clearance ----------------------------------------------------------------------------------------------


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([(121.5, 31.0), (0.0, 0.0), (179.95, 10.0), (12.0, 86.0), (12.0, -89.9)]),
    st.sampled_from([0.002, 0.05, 0.5, 4.0]),
)
@settings(max_examples=25, deadline=None)
def test_discs_that_are_clear_touch_no_edge(seed, middle, radius):
    random = np.random.default_rng(seed)
    shapes = [star(*(np.asarray(middle) + random.normal(0, radius, 2)), radius, 12, random) for _ in range(3)]
    lines = [segments(polygons(shape)) for shape in shapes]
    bands = random.choice([0.0, 50.0, 500.0, 10_000.0], 3)
    frame = Frame.over(np.concatenate(lines))
    lon, lat = hostile(frame, [polygons(shape) for shape in shapes], random, 1_000)
    radius_m = random.choice([0.0, 20.0, 100.0, 1_500.0, 30_000.0, 1e7], len(lon))
    rows = Clearance(frame, lines, bands.tolist()).unclear(lon, lat, radius_m)
    clear = np.ones(len(lon), np.bool_)
    clear[rows] = False
    clear &= np.isfinite(lon + lat)
    for part, band in zip(lines, bands, strict=True):
        share = np.linspace(0, 1, 60)[:, None, None]
        dense = (part[:, :2] + share * (part[:, 2:] - part[:, :2])).reshape(-1, 2)
        far = cKDTree(ecef(*dense.T)).query(ecef(lon[clear], lat[clear]))[0]
        assert (far - band >= radius_m[clear]).all()


def test_most_discs_are_clear_and_points_that_are_none_are_not_asked_for():
    shape = shapely.Point(121.5, 31.1).buffer(0.3)
    lines = segments(shape)
    clearance = Clearance(Frame.over(lines), [lines], [300.0])
    random = np.random.default_rng(1)
    lon, lat = random.uniform(121.1, 121.9, 100_000), random.uniform(30.7, 31.5, 100_000)
    rows = clearance.unclear(lon, lat, np.full(len(lon), 100.0))
    off = shapely.distance(shape.exterior, shapely.points(lon, lat)) * 111_000
    assert off[rows].max() < 1_300
    assert np.isin(np.flatnonzero(off < 300), rows).all()
    nothing = np.full(3, np.nan)
    assert clearance.unclear(nothing, nothing, nothing).tolist() == []


@pytest.mark.parametrize("n", [199, 200, 399, 401, 700])
def test_many_accuracies_are_rounded_up(n):
    lines = [np.array([[100 + i / 10, 30.0, 100 + i / 10, 30.01]]) for i in range(n)]
    clearance = Clearance(Frame.over(np.concatenate(lines)), lines, [float(i) for i in range(n)])
    lon = np.array([100.0, 100.0 + (n - 1) / 10])
    assert clearance.unclear(lon, np.full(2, 30.02), np.array([1_500.0, 1_500.0 - n])).tolist() == [0, 1]
    assert len(clearance._levels) <= 201
    assert clearance._levels[-1] == n - 1


@pytest.mark.parametrize("shape", [shapely.box(179.5, 9, 180, 11), shapely.box(-180, 9, -179.5, 11)])
def test_edges_at_the_seam_are_near_from_both_sides(shape):
    lines = segments(shape)
    lon = np.array([-179.9999, 179.9999, -180.0, 180.0, 0.0])
    rows = Clearance(Frame.over(lines), [lines], [500.0]).unclear(lon, np.full(5, 10.0), np.full(5, 50.0))
    assert set(rows.tolist()) >= {0, 1, 2, 3}
