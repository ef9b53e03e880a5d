"""Boundary files of users: new areas, new and redrawn parts, and what is wrong with them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import shapely

from auditor.columns import Coded
from auditor.datum import from_wgs84
from auditor.errors import DataError
from auditor.zones import RELATIONS, Places, read_areas

TODAY = "2026-11-22"
SUZHOU = (120.6, 31.2, 120.8, 31.4)  # the sides are about 19 and 22 km long


def feature(box=SUZHOU, geometry=None, **properties):
    given = {"part": "park", "area": "suzhou", "status": "in", **properties}
    shape = shapely.geometry.mapping(shapely.box(*box)) if geometry is None else geometry
    return {
        "type": "Feature",
        "properties": {k: v for k, v in given.items() if v is not ...},
        "geometry": shape,
    }


def write(path, *features):
    whole = features[0] if len(features) == 1 else {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(whole), "utf-8")
    return path


def of_tests(areas):
    """Without areas that only some further shipped file knows: they are no matter here."""
    four = ("beijing", "shanghai", "hainan", "shenzhen")
    return replace(areas, areas=tuple(a for a in areas.areas if a.id in four or any(p.own for p in a.parts)))


def answer(areas, lon, lat, accuracy=20.0, *, code=None, address=None):
    areas = of_tests(areas)
    place = Places(
        np.array([lon]),
        np.array([lat]),
        Coded.of(["WGS84"]),
        np.array([accuracy]),
        Coded.of([code]),
        Coded.of([address]),
    )
    found = areas.relate(place)
    area = areas.ids[found.area[0]] if found.area[0] >= 0 else None
    return RELATIONS[found.relation[0]], area, bool(found.conflict[0])


def test_a_new_area_needs_one_file_and_nothing_else(tmp_path):
    file = write(
        tmp_path / "park.geojson",
        feature(
            area_name_zh="苏州工业园区",
            area_name_en="Suzhou Park",
            services_opened=["B11"],
            from_on="2026-01-01",
        ),
    )
    areas = read_areas(TODAY, paths=[file])
    assert areas.ids == (*read_areas(TODAY).ids, "suzhou")
    area = areas.area("suzhou")
    assert (area.name_zh, area.name_en, area.services_opened) == ("苏州工业园区", "Suzhou Park", ("B11",))
    assert str(area.reply_on) == "2026-01-01"
    assert answer(areas, 120.7, 31.3) == ("within", "suzhou", False)
    assert answer(areas, 120.9, 31.3) == ("outside", None, False)
    assert answer(areas, 116.397, 39.907) == ("within", "beijing", False)
    assert areas.provenance()[-1]["part"] == "park"
    assert "suzhou" not in read_areas("2025-12-31", paths=[tmp_path]).ids


def test_least_properties(tmp_path):
    areas = read_areas(TODAY, paths=[write(tmp_path / "park.geojson", feature())])
    assert areas.area("suzhou").name_en == "suzhou"
    assert answer(areas, 120.7, 31.3) == ("within", "suzhou", False)


@pytest.mark.parametrize(
    ("codes", "code", "expected"),
    [
        (..., "320571", ("within", "suzhou", False)),  # nobody says which codes the part has
        ({}, "320571", ("straddling", "suzhou", True)),  # it has none of its own
        ({"320571": "within"}, "320571", ("within", "suzhou", False)),
        ({"320571": "within"}, "320506", ("straddling", "suzhou", True)),
        ({"3205": "needs_geometry"}, "320506", ("within", "suzhou", False)),
        ({"3205": "undecided"}, "320506", ("straddling", "suzhou", True)),
        (..., "110105", ("straddling", "beijing", True)),
    ],
)
def test_codes_of_a_new_part(tmp_path, codes, code, expected):
    areas = read_areas(TODAY, paths=[write(tmp_path / "park.geojson", feature(region_codes=codes))])
    assert answer(areas, 120.7, 31.3, code=code) == expected


def test_unstated_codes_leave_the_edge_to_coordinates(tmp_path):
    areas = read_areas(TODAY, paths=[write(tmp_path / "park.geojson", feature())])
    assert answer(areas, 120.8, 31.3, code="320571") == ("straddling", "suzhou", False)
    assert answer(areas, 104.0, 30.0, code="320571") == ("outside", None, False)


@pytest.fixture(scope="module")
def parks(tmp_path_factory):
    """Give the areas with a park that states no codes, and with one that states to have none."""
    file = tmp_path_factory.mktemp("parks") / "park.geojson"
    return [read_areas(TODAY, paths=[write(file, one)]) for one in (feature(), feature(region_codes={}))]


@pytest.mark.parametrize(
    ("said", "relation", "area"),
    [
        ({"code": "320571"}, "straddling", "suzhou"),
        ({"code": "32"}, "straddling", "suzhou"),
        ({"code": "320571001002"}, "straddling", "suzhou"),
        ({"address": "江苏省苏州市工业园区1号"}, "straddling", "suzhou"),
        ({"code": "330106"}, "straddling", "suzhou"),  # Zhejiang has a box, and it reaches there
        ({"code": "440106"}, "outside", None),  # Guangdong is far off
        ({"code": "441521", "address": "汕尾市海丰县海城镇"}, "outside", None),
        ({"address": "广东省广州市"}, "outside", None),
        ({"code": "110105"}, "within", "beijing"),  # told by the tables
        ({"code": "460321"}, "undecided", "hainan"),
        ({"code": "810000"}, "outside", None),
        ({"code": "710000"}, "outside", None),
        ({"code": "US"}, "outside", None),
        ({"address": "香港九龙弥敦道"}, "outside", None),
    ],
)
def test_a_part_that_states_no_codes_leaves_those_near_it_open(parks, said, relation, area):
    areas, told = parks
    assert answer(areas, np.nan, np.nan, **said) == (relation, area, False)
    if area == "suzhou":
        assert answer(told, np.nan, np.nan, **said)[0] in {"outside", "straddling"}
        assert answer(told, np.nan, np.nan, **said)[1] != "suzhou"


def test_a_town_that_the_table_of_addresses_puts_outside_is_open_too(tmp_path):
    file = write(tmp_path / "x.geojson", feature((121.42, 30.88, 121.46, 30.93), area="nanqiao"))
    areas, town = read_areas(TODAY, paths=[file]), {"address": "上海市奉贤区南桥镇"}
    assert answer(areas, np.nan, np.nan, **town) == ("straddling", "nanqiao", False)
    assert answer(read_areas(TODAY), np.nan, np.nan, **town) == ("outside", None, False)


def test_two_silent_areas_name_none(tmp_path):
    write(tmp_path / "1.geojson", feature())
    write(tmp_path / "2.geojson", feature((101.6, 36.4, 102.0, 36.8), part="b", area="second"))
    write(tmp_path / "3.geojson", feature((104.0, 30.0, 104.1, 30.1), part="c", area="cut", status="out"))
    areas = read_areas(TODAY, paths=[tmp_path])
    assert answer(areas, np.nan, np.nan, code="630102") == ("straddling", None, False)
    assert answer(areas, np.nan, np.nan, code="330106") == ("straddling", "suzhou", False)


def test_a_hole_that_states_no_codes_opens_none(tmp_path):
    write(tmp_path / "1.geojson", feature(region_codes={"320571": "within"}))
    write(tmp_path / "2.geojson", feature((120.7, 31.3, 120.71, 31.31), part="hole", status="out"))
    areas = read_areas(TODAY, paths=[tmp_path])
    assert answer(areas, np.nan, np.nan, code="630102") == ("outside", None, False)


def test_coordinates_settle_a_code_that_is_open(tmp_path):
    """What they say is what they would if the code were outside."""
    areas = read_areas(TODAY, paths=[write(tmp_path / "park.geojson", feature())])
    for said in (
        {"code": "630102"},
        {"address": "青海省西宁市"},
        {"code": "100000", "address": "青海省西宁市"},
    ):
        assert answer(areas, 104.0, 30.0, **said) == ("outside", None, False)
        assert answer(areas, 116.397, 39.907, **said) == ("straddling", "beijing", True)


def test_an_open_code_and_an_address_elsewhere_contradict(tmp_path):
    areas = read_areas(TODAY, paths=[write(tmp_path / "park.geojson", feature())])
    assert answer(areas, np.nan, np.nan, code="320571", address="广东省广州市") == (
        "straddling",
        "suzhou",
        True,
    )
    assert answer(areas, np.nan, np.nan, code="320571", address="江苏省苏州市") == (
        "straddling",
        "suzhou",
        False,
    )


def test_band_is_that_of_the_nearest_edge(tmp_path):
    """South, east, north, west edges of 100, 200, 400 and 800 m; a degree is 95.1 km east, 110.9 km north."""
    ring = [[120.6, 31.2], [120.8, 31.2], [120.8, 31.4], [120.6, 31.4], [120.6, 31.2]]
    shape = {"type": "Polygon", "coordinates": [ring]}
    bands = [[[[100, 1], [200, 1], [400, 1], [800, 1]]]]
    areas = read_areas(TODAY, paths=[write(tmp_path / "a.geojson", feature(geometry=shape, bands_m=bands))])
    east, north = 1 / 95_220, 1 / 110_870
    sides = {100: (120.7, 31.2, 0, north), 200: (120.8, 31.3, -east, 0), 400: (120.7, 31.4, 0, -north)}
    for band, (lon, lat, dx, dy) in {**sides, 800: (120.6, 31.3, east, 0)}.items():
        for accuracy in (0.0 if band in {100, 400} else 50.0,):
            reach = band + accuracy
            for inward, relation in (
                (1.05, "within"),
                (0.95, "straddling"),
                (-0.95, "straddling"),
                (-1.05, "outside"),
            ):
                there = lon + dx * reach * inward, lat + dy * reach * inward
                assert answer(areas, *there, accuracy)[0] == relation, (band, accuracy, inward)


def test_a_worse_edge_farther_off_counts_too(tmp_path):
    """1,500 m from an edge good to 100 m, but 2,000 m from one good to 3,000 m."""
    ring = [[120.6, 31.2], [120.8, 31.2], [120.8, 31.4], [120.6, 31.4], [120.6, 31.2]]
    shape = {"type": "Polygon", "coordinates": [ring]}
    bands = [[[[100, 1], [3000, 1], [100, 2]]]]
    areas = read_areas(TODAY, paths=[write(tmp_path / "a.geojson", feature(geometry=shape, bands_m=bands))])
    assert answer(areas, 120.8 - 2_000 / 95_220, 31.2 + 1_500 / 110_870)[0] == "straddling"
    assert answer(areas, 120.8 - 3_500 / 95_220, 31.2 + 1_500 / 110_870)[0] == "within"


def test_parts_of_one_area_share_no_edge_and_may_be_cut(tmp_path):
    write(tmp_path / "1.geojson", feature(part="west"))
    write(tmp_path / "2.geojson", feature((120.8, 31.2, 121.0, 31.4), part="east"))
    write(tmp_path / "3.geojson", feature((120.79, 31.29, 120.81, 31.31), part="hole", status="out"))
    write(tmp_path / "4.geojson", feature((120.65, 31.25, 120.7, 31.3), part="doubt", status="undecided"))
    areas = read_areas(TODAY, paths=[tmp_path])
    assert answer(areas, 120.8, 31.35)[0] == "within"
    assert answer(areas, 120.8, 31.30)[0] == "outside"
    assert answer(areas, 120.79, 31.30)[0] == "straddling"
    assert answer(areas, 120.675, 31.275)[:2] == ("undecided", "suzhou")
    assert answer(areas, 120.65, 31.275)[0] == "straddling"
    metres, _ = areas.distance_m(np.array([120.8]), np.array([31.35]))
    assert metres[0] == pytest.approx(-0.04 * 110_870, rel=1e-3)  # to the hole, not to the seam


def test_a_part_of_a_known_name_replaces_it(tmp_path):
    file = write(tmp_path / "x.geojson", feature((121.5, 31.1, 121.6, 31.2), part="pudong", area="shanghai"))
    areas = read_areas(TODAY, paths=[file])
    assert areas.part_ids.count("pudong") == 1
    assert answer(areas, 121.75, 31.05) == ("outside", None, False)  # Huinan: no longer in
    assert answer(areas, 121.55, 31.15, code="310115") == ("within", "shanghai", False)
    assert answer(areas, 121.75, 31.05, code="310115") == ("outside", None, False)


def test_a_part_may_join_a_known_area(tmp_path):
    file = write(
        tmp_path / "x.geojson", feature((115.0, 22.8, 115.1, 22.9), part="shenshan", area="shenzhen")
    )
    assert answer(read_areas(TODAY, paths=[file]), 115.05, 22.85) == ("within", "shenzhen", False)


def test_an_area_inside_another_does_not_gainsay_the_outer_ones_code(tmp_path):
    file = write(tmp_path / "x.geojson", feature((116.3, 39.8, 116.5, 40.0), area="inner", region_codes={}))
    areas = read_areas(TODAY, paths=[file])
    assert answer(areas, 116.3, 39.9) == ("straddling", "beijing", False)
    assert answer(areas, 116.3, 39.9, code="110105") == ("within", "beijing", False)


def test_versions_follow_one_another(tmp_path):
    write(tmp_path / "1.geojson", feature(to_on="2026-06-01"))
    write(tmp_path / "2.geojson", feature((121.0, 31.2, 121.1, 31.3), from_on="2026-06-01"))
    assert answer(read_areas("2026-05-31", paths=[tmp_path]), 120.7, 31.3)[0] == "within"
    assert answer(read_areas("2026-06-01", paths=[tmp_path]), 120.7, 31.3)[0] == "outside"
    with pytest.raises(DataError, match="part park is there twice"):
        read_areas(paths=[tmp_path])


@pytest.mark.parametrize("datum", ["GCJ-02", "BD-09", "火星坐标"])
def test_a_boundary_in_a_web_maps_datum(tmp_path, datum):
    name = "BD-09" if datum == "BD-09" else "GCJ-02"
    ring = np.column_stack(
        from_wgs84([120.6, 120.8, 120.8, 120.6, 120.6], [31.2, 31.2, 31.4, 31.4, 31.2], name)
    )
    shape = {"type": "Polygon", "coordinates": [ring.tolist()]}
    areas = read_areas(
        TODAY, paths=[write(tmp_path / "x.geojson", feature(geometry=shape, datum=datum, bands_m=50))]
    )
    assert areas.parts[-1].geometry.bounds == pytest.approx(SUZHOU, abs=1e-8)


def test_bad_files_are_reported_all_at_once(tmp_path):
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    bad = {
        "lacks 'status'": feature(status=...),
        "lacks 'part'": feature(part=...),
        "status 'maybe' is none of in, undecided, out": feature(status="maybe"),
        "region_codes: 'inside' is none of": feature(region_codes={"3205": "inside"}),
        "Self-intersection": feature(geometry=bow),
        "the geometry is empty": feature(geometry={}),
        "the geometry is empty; a part is": feature(geometry={"type": "Polygon", "coordinates": []}),
        "geometry is empty": feature(geometry={"type": "MultiPolygon", "coordinates": []}),
        "is empty; a part is a Polygon": feature() | {"geometry": None},
        "not Point": feature(geometry={"type": "Point", "coordinates": [1, 2]}),
        "not longitude, latitude in degrees": feature((500_000, 3_400_000, 500_100, 3_400_100)),
        "bands_m speaks of 3 edges, the geometry has 4": feature(bands_m=[[[[100, 3]]]]),
        "datum 'Beijing 1954' cannot be placed": feature(datum="Beijing 1954"),
        "datum 'unknown' cannot be placed": feature(datum="unknown"),
        "Invalid isoformat string": feature(from_on="soon"),
        "to_on 2026-01-01 is not after from_on 2026-01-01": feature(from_on="2026-01-01", to_on="2026-01-01"),
        "bands_m holds what is no accuracy": feature(bands_m=-1),
        "bands_m holds what is no accuracy in": feature(bands_m=float("nan")),
        "lacks 'properties'": {"type": "Feature"},
        "": {"type": "Feature", "properties": None, "geometry": None},
    }
    for number, content in enumerate(bad.values()):
        write(tmp_path / f"{number:02}.geojson", content)
    (tmp_path / "90.geojson").write_text("{", "utf-8")
    (tmp_path / "91.geojson").write_text("[]", "utf-8")
    (tmp_path / "92.geojson").write_text("[" * 100_000, "utf-8")
    with pytest.raises(DataError) as caught:
        read_areas(TODAY, paths=[tmp_path, tmp_path / "missing.geojson", tmp_path / "none"])
    lines = str(caught.value).splitlines()
    assert len(lines) == len(bad) + 5
    for number, (what, line) in enumerate(zip(bad, lines, strict=False)):
        assert line.startswith(f"{number:02}.geojson: ")
        assert what in line


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"no \*\.geojson in this folder"):
        read_areas(TODAY, paths=[tmp_path])


def test_an_area_needs_something_that_is_in(tmp_path):
    file = write(tmp_path / "x.geojson", feature(status="undecided"))
    assert "suzhou" not in read_areas(TODAY, paths=[file]).ids


@pytest.mark.parametrize("bands", [[[[500, 4]]], [500], "500", [[[[500, "many"]]]], {"a": 1}])
def test_bands_of_another_shape_are_told_in_words(tmp_path, bands):
    square = [[106.6, 26.5], [106.9, 26.5], [106.9, 26.8], [106.6, 26.8], [106.6, 26.5]]
    feature = {
        "type": "Feature",
        "properties": {"part": "testland", "area": "testland", "status": "in", "bands_m": bands},
        "geometry": {"type": "Polygon", "coordinates": [square]},
    }
    path = tmp_path / "testland.geojson"
    path.write_text(json.dumps(feature), "utf-8")
    with pytest.raises(DataError, match="neither one number of metres nor a list"):
        read_areas("2026-11-22", paths=[path])
