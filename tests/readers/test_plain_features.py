"""Features that need no closer look: the same as with one."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.readers import geojson
from auditor.readers._entries import Tally
from auditor.tables import Log

NUMBERS = st.sampled_from([121.5, 31.0, 0.0, -0.0, math.inf, 121, True, None, "1"])
PLACES = st.lists(NUMBERS, min_size=1, max_size=3) | st.just([121.5, 31.25])
GEOMETRIES = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {"type": st.just("Point"), "coordinates": PLACES}, optional={"bbox": st.just([1]), "x": st.just(1)}
    ),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["LineString", "MultiPoint", "Polygon", 1]), "coordinates": st.lists(PLACES)}
    ),
    st.just({"type": "LineString", "coordinates": [[121.5, 31.0], [121.75, 31.5]]}),
)
FEATURES = st.one_of(
    st.sampled_from([None, 1, "x", []]),
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["Feature", "Feature", "feature"]),
            "properties": st.sampled_from([{"id": "a"}, {}, None, []]),
            "geometry": GEOMETRIES,
            "id": st.sampled_from(["a", " ", " b\u0301", 7, 7.0, None, True]),
            "crs": st.just({"properties": {"name": "EPSG:4490"}}),
            "x": st.just(1),
        },
    ),
    st.builds(lambda g: {"type": "Feature", "properties": {"id": "n"}, "geometry": g}, GEOMETRIES),
)


def told(features, *, closely):
    log = Log()
    reading = geojson._Reading(Tally("x.geojson", log))
    with pytest.MonkeyPatch.context() as patch:
        if closely:
            patch.setattr(geojson, "_plain", lambda *_: None)
        found = reading.features(features, "WGS84")
    reading.tally.close()
    return repr(found), list(map(str, log.problems.found)), Counter(map(str, log.unused))


@given(st.lists(FEATURES, max_size=5))
def test_plain_features_as_by_a_closer_look(features):
    assert told(features, closely=False) == told(features, closely=True)


def test_points_and_lines_of_two_positions_are_plain():
    line = {"type": "LineString", "coordinates": [[121.5, 31.0], [121.75, 31.5]]}
    point = {"type": "Point", "coordinates": [121.5, 31.0]}
    for geometry in (line, point):
        assert geojson._plain({"type": "Feature", "properties": {}, "geometry": geometry}, 1, "WGS84")
