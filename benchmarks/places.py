"""How fast points are placed, against `shapely.intersects_xy` on the union of the areas in force.

    python benchmarks/places.py [--points 10000000] [--runs 5] [--seed 20241023]

Points are spread over the areas' extents; 15 % lie within a kilometre of an edge of what is in an area. Both
ways get the same points in the same order, in turns, on one core: ours gives the area of each point, the
other one whether it is in any. Then, apart: the geodesic distance to the nearest edge, with its sign; and
what `auditor check` asks of nodes (datum, area, part, whether the disc of a point touches an edge).
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from turns import in_turns, show

from auditor import zones
from auditor.columns import Coded
from auditor.datum import DATUMS
from auditor.places import Places

if TYPE_CHECKING:
    from auditor.columns import FloatArray
    from auditor.zones import Areas

AS_OF = "2026-11-22"
NEAR, NEAR_KM, DEGREE_KM = 0.15, 1.0, 111.2
FIRST, DISTANCES, DISCS = 100_000, 100_000, 1_000_000


def inside(areas: Areas) -> Any:
    """What is in each area."""
    grounds = areas._boundary.grounds[: len(areas.areas)]  # noqa: SLF001 -- the very shapes that are searched
    return np.array(grounds)[~shapely.is_empty(grounds)]


def points(areas: Areas, count: int, random: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Points near edges, and points anywhere in the extent of one of the areas, mixed."""
    grounds = inside(areas)
    edge: Any = shapely.boundary(shapely.union_all(grounds))
    near = round(count * NEAR)
    on = shapely.get_coordinates(shapely.line_interpolate_point(edge, random.uniform(0, edge.length, near)))
    off, turn = NEAR_KM / DEGREE_KM * np.sqrt(random.uniform(0, 1, near)), random.uniform(0, 2 * np.pi, near)
    on += np.stack([off * np.cos(turn) / np.cos(np.radians(on[:, 1])), off * np.sin(turn)], axis=1)
    west, south, east, north = shapely.bounds(grounds)[random.integers(0, len(grounds), count - near)].T
    lon = np.concatenate([on[:, 0], random.uniform(west, east)])
    lat = np.concatenate([on[:, 1], random.uniform(south, north)])
    order = random.permutation(count)
    return lon[order], lat[order]


def kernel(areas: Areas, lon: FloatArray, lat: FloatArray, runs: int) -> bool:
    """Compare the area of points with shapely's answer; whether both say the same."""
    boundary, count = areas._boundary, len(areas.areas)  # noqa: SLF001 -- the kernel itself
    union = shapely.union_all(inside(areas))
    shapely.prepare(union)
    start = time.process_time()
    boundary.piece(lon[:FIRST], lat[:FIRST])
    print(f"{'the grid, once, and the first 100,000 points':58} {time.process_time() - start:8.3f} s")

    def ours() -> Any:
        label = boundary.label(lon, lat)
        return (label >= 0) & (label < count)

    def theirs() -> Any:
        return shapely.intersects_xy(union, lon, lat)

    same = bool(np.array_equal(ours(), theirs()))
    spent = in_turns({"ours": ours, "theirs": theirs}, runs)
    show("area of each point, by the grid", len(lon), spent["ours"])
    show("shapely.intersects_xy, prepared union", len(lon), spent["theirs"])
    print(f"ratio {spent['theirs'] / spent['ours']:.2f} x; answers {'identical' if same else 'DIFFER'}")
    return same


def discs(areas: Areas, lon: FloatArray, lat: FloatArray, random: np.random.Generator, runs: int) -> None:
    """Time the relation of nodes of mixed datums, without region codes and addresses."""
    rows = len(lon)
    datum = Coded(random.choice(len(DATUMS), rows, p=[0.5, 0.3, 0.1, 0.05, 0.05]).astype(np.int32), DATUMS)
    blank = Coded(np.broadcast_to(np.int32(-1), rows), ())
    nodes = Places(lon, lat, datum, np.full(rows, 20.0), blank, blank)
    spent = in_turns({"relation": lambda: areas.relate(nodes)}, runs)
    show("relation of discs to the areas, mixed datums", rows, spent["relation"], "(two threads for datums)")
    spent = in_turns({"distance": lambda: areas.distance_m(lon[:DISTANCES], lat[:DISTANCES])}, runs)
    show("signed geodesic distance", min(DISTANCES, rows), spent["distance"])


def main() -> None:
    """Run the ways in turn and print their medians."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--points", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=20241023)
    options = parser.parse_args()
    areas, random = zones.read_areas(AS_OF), np.random.default_rng(options.seed)
    lon, lat = points(areas, options.points, random)
    same = kernel(areas, lon, lat, options.runs)
    discs(areas, lon[:DISCS], lat[:DISCS], random, options.runs)
    if not same:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
