"""Datums: against Amap's own answers, and there and back."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.datum import DATUMS, datum_code, from_wgs84, to_wgs84
from auditor.errors import UsageError

ANSWERS = Path(__file__).parent / "data" / "zones" / "amap_answers.csv"
GEOD = pyproj.Geod(ellps="WGS84")
CHINA = {"min_value": 73.5, "max_value": 134.5}, {"min_value": 3.5, "max_value": 53.5}


def metres(lon, lat, other_lon, other_lat):
    return GEOD.inv(lon, lat, other_lon, other_lat)[2]


def amap():
    rows = list(csv.DictReader(ANSWERS.read_text().splitlines()))
    return [np.array([float(row[key]) for row in rows]) for key in ("lon", "lat", "amap_lon", "amap_lat")]


def test_forward_is_what_amap_does():
    lon, lat, amap_lon, amap_lat = amap()
    assert len(lon) == 15
    assert metres(lon, lat, amap_lon, amap_lat).min() > 400  # the answers do move
    assert metres(*from_wgs84(lon, lat, "GCJ-02"), amap_lon, amap_lat).max() < 2


def test_inverse_of_amaps_answers_gives_the_points_back():
    lon, lat, amap_lon, amap_lat = amap()
    assert metres(*to_wgs84(amap_lon, amap_lat, "GCJ-02"), lon, lat).max() < 2


@pytest.mark.parametrize(
    ("lon", "lat", "east", "north"),
    [(121.4900, 31.2400, 1054, 407), (114.1190, 22.5320, 1185, 405), (116.6600, 39.9000, 1066, 826)],
    ids=["Bund", "Lo Wu", "Tongzhou"],
)
def test_bd09_lies_where_measured(lon, lat, east, north):
    """The study of the sources measured these offsets with other programs."""
    far_lon, far_lat = from_wgs84(lon, lat, "BD-09")
    assert metres(lon, lat, far_lon, lat) == pytest.approx(east, abs=40)
    assert metres(lon, lat, lon, far_lat) == pytest.approx(north, abs=40)


@pytest.mark.parametrize("datum", ["GCJ-02", "BD-09"])
@given(lon=st.floats(**CHINA[0]), lat=st.floats(**CHINA[1]))
def test_there_and_back_within_a_millimetre(datum, lon, lat):
    back = to_wgs84(*from_wgs84(lon, lat, datum), datum)
    assert metres(lon, lat, *back)[0] < 1e-3


@given(
    st.lists(
        st.tuples(st.floats(**CHINA[0]), st.floats(**CHINA[1]), st.sampled_from(DATUMS)),
        min_size=1,
        max_size=20,
    )
)
def test_a_mixed_column_equals_its_rows_one_by_one(points):
    lon, lat, names = (list(column) for column in zip(*points, strict=True))
    whole = to_wgs84(lon, lat, names)
    alone = [to_wgs84(*point) for point in points]
    assert whole[0].tolist() == [float(x[0]) for x, _ in alone]
    assert whole[1].tolist() == [float(y[0]) for _, y in alone]


def test_names_and_indexes_mean_the_same():
    lon, lat = np.full(len(DATUMS), 116.4), np.full(len(DATUMS), 39.9)
    by_name, by_index = to_wgs84(lon, lat, DATUMS), to_wgs84(lon, lat, np.arange(len(DATUMS)))
    assert np.array_equal(by_name, by_index)
    moved = by_name[0] != lon
    assert moved.tolist() == [False, False, True, True, False]


def test_beyond_the_published_rectangle_nothing_moves():
    lon, lat = np.array([2.35, -74.0, 151.2]), np.array([48.86, 40.7, -33.9])
    assert np.array_equal(to_wgs84(lon, lat, "GCJ-02"), (lon, lat))
    assert np.array_equal(from_wgs84(lon, lat, "GCJ-02"), (lon, lat))


def test_nan_passes_and_input_stays():
    lon, lat = np.array([np.nan, 116.4]), np.array([np.nan, 39.9])
    east, north = to_wgs84(lon, lat, "BD-09")
    assert np.isnan([east[0], north[0]]).all()
    assert east[1] != 116.4
    assert lon[1] == 116.4


def test_more_rows_than_one_chunk():
    lon = np.linspace(110, 120, 40_000)
    lat = np.full(len(lon), 30.0)
    whole = to_wgs84(lon, lat, "GCJ-02")
    part = to_wgs84(lon[-7:], lat[-7:], "GCJ-02")
    assert np.array_equal(whole[0][-7:], part[0])


def test_unknown_names_are_refused():
    with pytest.raises(UsageError, match="no such datum: 'NAD83'"):
        to_wgs84([1.0, 1.0], [1.0, 1.0], ["WGS84", "NAD83"])


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("wgs84", "WGS84"),
        (" WGS 84 ", "WGS84"),
        ("EPSG:4326", "WGS84"),
        ("gcj-02", "GCJ-02"),
        ("GCJ02", "GCJ-02"),
        ("ＧＣＪ－０２", "GCJ-02"),
        ("高德", "GCJ-02"),
        ("bd09ll", "BD-09"),
        ("百度坐标系", "BD-09"),
        ("国家2000", "CGCS2000"),
        ("Unknown", "unknown"),
        ("", None),
        ("Beijing 1954", None),
    ],
)
def test_names_people_write(name, code):
    assert datum_code(name) == code
