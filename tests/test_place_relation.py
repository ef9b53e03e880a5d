"""How places lie to areas, where the shipped areas do not reach: rows by hand, and areas of a few squares."""

from __future__ import annotations

import datetime as dt
from functools import cache

import numpy as np
import pytest
import shapely
from scipy.spatial import cKDTree

from auditor import claims, places
from auditor.boundaries import Discs, ecef, segments
from auditor.claims import Claim
from auditor.columns import Coded
from auditor.places import BASES, RELATIONS, Places, Points, Said, weigh
from auditor.zone_files import Part
from auditor.zones import Area, Areas, read_areas


def relate(areas, *rows):
    """Relation of rows of (lon, lat, accuracy_m, region_code, address)."""
    lon, lat, accuracy, code, address = zip(*rows, strict=True)
    number = lambda values: np.array([np.nan if v is None else v for v in values], float)  # noqa: E731
    datum = Coded.of(["WGS84"] * len(rows))
    return areas.relate(
        Places(number(lon), number(lat), datum, number(accuracy), Coded.of(code), Coded.of(address))
    )


def told(areas, *rows):
    """Relation, area, part, basis and conflict of each row, by name; -1 where there is no area or part."""
    found = relate(areas, *rows)
    return [
        (
            RELATIONS[found.relation[i]],
            areas.ids[found.area[i]] if found.area[i] >= 0 else int(found.area[i]),
            areas.part_ids[found.part[i]] if found.part[i] >= 0 else int(found.part[i]),
            BASES[found.basis[i]],
            bool(found.conflict[i]),
        )
        for i in range(len(rows))
    ]


@cache
def shipped():
    return read_areas("2026-11-22")


def at(lon, lat, accuracy=20.0, *, code=None, address=None):
    return (lon, lat, accuracy, code, address)


def said(code=None, address=None):
    return (None, None, None, code, address)


# --- area and part: -1 or a name, never another number -----------------------------------------------------


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (said("310115"), ("within", "shanghai", "pudong", "region_code", False)),
        (said("4601"), ("within", "hainan", "hainan_island", "region_code", False)),
        (said("460321"), ("undecided", "hainan", "sansha", "region_code", False)),
        (said("310101"), ("outside", -1, -1, "region_code", False)),
        (said("100000"), ("straddling", -1, -1, "region_code", False)),
        (at(104.06, 30.67, code="100000"), ("outside", -1, -1, "coordinates", False)),
        (at(116.397, 39.907, code="100000"), ("within", "beijing", "beijing", "coordinates", False)),
        (said("310000"), ("straddling", "shanghai", -1, "region_code", False)),
        (said(None, "上海市浦东新区"), ("within", "shanghai", "pudong", "address", False)),
        (
            said(None, "中国（上海）自由贸易试验区临港新片区"),
            ("within", "shanghai", "lingang", "address", False),
        ),
        (said("440300", "深汕特别合作区"), ("undecided", "shenzhen", "shenshan", "address", False)),
        (said("310120", "上海市浦东新区"), ("straddling", "shanghai", -1, "address", True)),
        (said("310115", "浙江省杭州市"), ("straddling", "shanghai", -1, "region_code", True)),
        (said(), ("unknown", -1, -1, "none", False)),
        (at(104.06, 30.67), ("outside", -1, -1, "coordinates", False)),
        (at(116.397, 39.907), ("within", "beijing", "beijing", "coordinates", False)),
        (at(116.397, 39.907, code="310115"), ("straddling", "shanghai", -1, "region_code", True)),
        (at(180.5, 39.9), ("unknown", -1, -1, "none", False)),
        (at(-180.5, 39.9), ("unknown", -1, -1, "none", False)),
        (at(116.4, 90.5), ("unknown", -1, -1, "none", False)),
        (at(116.4, -90.5), ("unknown", -1, -1, "none", False)),
    ],
)
def test_area_and_part_are_named_or_minus_one(row, expected):
    assert told(shipped(), row) == [expected]


def test_columns_are_as_narrow_as_they_say():
    """Ten million rows must fit."""
    found = relate(shipped(), at(116.397, 39.907), said("310115", "上海市"), said())
    kinds = [getattr(found, name).dtype for name in ("relation", "area", "part", "basis", "conflict")]
    assert kinds == [np.int8, np.int8, np.int16, np.int8, np.bool_]
    assert found.radius_m.dtype == found.lon.dtype == found.lat.dtype == np.float64
    assert np.isnan(found.radius_m).tolist() == [False, True, True]


def test_a_neighbouring_district_is_another_one():
    """310112 ends where 310113 begins: 上海市宝山区 is not in Minhang, in whichever column it stands."""
    expected = ("straddling", "shanghai", -1)
    for row in (said("310112", "上海市宝山区"), said("310113", "上海市闵行区")):
        (found,) = told(shipped(), row)
        assert (found[:3], found[4]) == (expected, True)


# --- a unit that is open, and a point off its extent --------------------------------------------------------

FENGXIAN = (121.35, 30.78, 121.78, 31.02)  # extent of 310120 in the table of codes
ALLOWED = (10_000.0 + 20.0) / 111_000.0  # degrees of latitude
ALLOWED_EAST = ALLOWED / np.cos(np.radians(30.9))


@pytest.mark.parametrize("side", ["west", "south", "east", "north"])
@pytest.mark.parametrize(("share", "conflict"), [(-0.5, False), (0.97, False), (1.03, True)])
def test_extent_of_an_open_unit_and_what_is_allowed_beyond(side, share, conflict):
    """10 km and the accuracy of the point on each side; a degree of longitude is shorter than one of latitude."""
    west, south, east, north = FENGXIAN
    lon, lat = {
        "west": (west - share * ALLOWED_EAST, 30.9),
        "east": (east + share * ALLOWED_EAST, 30.9),
        "south": (121.565, south - share * ALLOWED),
        "north": (121.565, north + share * ALLOWED),
    }[side]
    ((*_, found),) = told(shipped(), at(lon, lat, code="310120"))
    assert found is conflict


# --- claims that no table makes today -----------------------------------------------------------------------

NAMES, PARTS = ("a", "b"), ("a1", "b1")


def weigh_row(code, address, state=places.NO_POINT, area=-1, part=-1):
    """Weigh one row: claims made by hand, and what the coordinates say."""
    columns = [
        Said.of(Coded.of([claim and "x"]), lambda _, claim=claim: claim, NAMES, PARTS)
        for claim in (code, address)
    ]
    here = [np.array([value]) for value in (100.0, 30.0, 20.0)]
    points = Points(*here, *(np.array([v]) for v in (state, area, part)), np.array([False]))
    return weigh(*columns, points, lambda rows, _: np.zeros(len(rows), bool))


def weighed(*row):
    found = weigh_row(*row)
    return RELATIONS[found.relation[0]], int(found.area[0]), int(found.part[0]), bool(found.conflict[0])


def test_outside_and_unknown_name_no_area_whatever_a_claim_says():
    """A table may say what a place is outside of; that is no area that it lies in."""
    outside, silent = Claim(claims.OUTSIDE, "b", "b1"), Claim(claims.NOTHING, "b", "b1")
    assert weighed(outside, None) == ("outside", -1, -1, False)
    assert weighed(None, outside) == ("outside", -1, -1, False)
    assert weighed(silent, None) == ("unknown", -1, -1, False)


@pytest.mark.parametrize("state", range(6))
def test_columns_that_are_blank_throughout_say_what_claims_that_say_nothing_do(state):
    """The short way and the long one."""
    nothing, place = Claim(claims.NOTHING), (-1, -1) if state == places.NO_POINT else (1, 1)
    short, long = weigh_row(None, None, state, *place), weigh_row(nothing, nothing, state, *place)
    for name in ("relation", "area", "part", "basis", "conflict"):
        assert getattr(short, name).tolist() == getattr(long, name).tolist()


def test_a_contradiction_is_in_no_part():
    within = Claim(claims.WITHIN, "a", "a1")
    assert weighed(within, Claim(claims.WITHIN, "b", "b1")) == ("straddling", 0, -1, True)
    assert weighed(within, None, places.POINT_WITHIN, 1, 1) == ("straddling", 0, -1, True)


def test_an_address_that_says_nothing_contradicts_nothing():
    """Its span is that of the unit it begins with, and still it makes no claim."""
    silent = Claim(claims.NOTHING, "", "", 0, 10)
    within = Claim(claims.WITHIN, "a", "a1", 20, 30)
    assert weighed(within, silent) == ("within", 0, 0, False)
    assert weighed(silent, within) == ("within", 0, 0, False)


def test_an_extent_counts_where_the_unit_is_open_and_nowhere_else():
    far = (0.0, 0.0, 1.0, 1.0)
    within = Claim(claims.WITHIN, "a", "a1", box=far)
    assert weighed(within, None, places.POINT_WITHIN, 0, 0) == ("within", 0, 0, False)
    assert weighed(within._replace(relation=claims.OPEN), None, places.POINT_WITHIN, 0, 0)[3]


# What a claim and the coordinates make together, once more in words (DESIGN 5): the claim first, then the
# coordinates, unless they contradict beyond their accuracies. Columns are what the coordinates say; they settle what has a *.
STATES = (
    places.NO_POINT,
    places.POINT_WITHIN,
    places.POINT_OUTSIDE,
    places.POINT_NEAR,
    places.POINT_UNDECIDED,
    places.POINT_SEAWARD,
)
TOGETHER = """
    same area   none        within   outside    near_edge    undecided   seaward
    nothing     unknown     within*  outside*   straddling*  undecided*  undecided*
    within      within      within   clash      within       undecided*  within
    outside     outside     clash    outside    outside      clash       outside
    undecided   undecided   clash    undecided  undecided    undecided   undecided
    open        straddling  within*  outside*   straddling*  undecided*  undecided*
    other area  none        within   outside    near_edge    undecided   seaward
    nothing     unknown     within*  outside*   straddling*  undecided*  undecided*
    within      within      clash    clash      clash        clash       clash
    outside     outside     clash    outside    outside      clash       outside
    undecided   undecided   clash    undecided  undecided    undecided   undecided
    open        straddling  within*  outside*   straddling*  undecided*  undecided*
"""
CLAIMS = ("nothing", "within", "outside", "undecided", "open")


def cells():
    for line in TOGETHER.strip().splitlines():
        name, *row = line.split()
        if row[0] == "area":
            area, heads = ("same", "other").index(name), row[1:]
            continue
        for state, head, expected in zip(STATES, heads, row, strict=True):
            told_area = -1 if head in {"none", "outside"} else area
            case = (CLAIMS.index(name), state, told_area, expected)
            yield pytest.param(*case, id=f"{name}-{head}-{('same', 'other')[area]}")


@pytest.mark.parametrize("by", ["code", "address"])
@pytest.mark.parametrize(("claim", "state", "area", "expected"), list(cells()))
def test_claim_and_coordinates_together(claim, state, area, expected, by):
    """An address that says what the coordinates say adds nothing: then it is they that settle it."""
    said_ = None if claim == claims.NOTHING else Claim(claim, "" if claim == claims.OUTSIDE else "a")
    found = weigh_row(*((said_, None) if by == "code" else (None, said_)), state, area)
    relation, basis = RELATIONS[found.relation[0]], BASES[found.basis[0]]
    if expected == "clash":
        assert (relation, bool(found.conflict[0])) == ("straddling", True)
        return
    alone = RELATIONS[weigh_row(None, None, state, area).relation[0]]
    settled = expected.endswith("*") or (by == "address" and expected == alone)
    by_claim = {"code": "region_code", "address": "address"}[by]
    told_basis = "none" if expected == "unknown" else "coordinates" if settled else by_claim
    assert (relation, basis, bool(found.conflict[0])) == (expected.rstrip("*"), told_basis, False)
    if settled and relation != "outside":
        assert found.area[0] == area


# --- areas of a few squares --------------------------------------------------------------------------------


def part(name, box, *, area="one", status="in", seaward=False, band=100.0, codes=()):
    """Codes that its file states; `None` if it says nothing of codes."""
    shape = shapely.MultiPolygon([shapely.box(*box)])
    bands = np.full(len(segments(shape)), band)
    return Part(
        name,
        area,
        status,
        shape,
        bands,
        {} if codes is None else {"region_codes": dict(codes)},
        None,
        None,
        "",
        "",
        seaward,
    )


def area_of(name, *parts):
    day = dt.date(2024, 10, 23)
    return Area(name, name, name, name, name, "", "", "", day, day, (), "active", (), parts)


def areas_of(*areas):
    return Areas(dt.date(2026, 11, 22), areas)


BIG, SMALL = (100.0, 30.0, 101.0, 31.0), (100.4, 30.4, 100.6, 30.6)


@pytest.mark.parametrize("turned", [False, True])
def test_of_parts_over_one_another_the_smallest_counts(turned):
    parts = [part("big", BIG), part("small", SMALL)]
    areas = areas_of(area_of("one", *(reversed(parts) if turned else parts)))
    assert [t[2] for t in told(areas, at(100.5, 30.5), at(100.2, 30.2))] == ["small", "big"]


def test_a_part_of_another_area_is_not_taken_for_ones_own():
    """Two areas of users' files may overlap; the place lies in the first, and so does its part."""
    areas = areas_of(area_of("one", part("big", BIG)), area_of("two", part("small", SMALL, area="two")))
    assert told(areas, at(100.5, 30.5))[0][:3] == ("within", "one", "big")
    turned = areas_of(area_of("two", part("small", SMALL, area="two")), area_of("one", part("big", BIG)))
    assert told(turned, at(100.5, 30.5), at(100.2, 30.2)) == [
        ("within", "two", "small", "coordinates", False),
        ("within", "one", "big", "coordinates", False),
    ]


def test_land_before_sea_where_undecided_parts_lie_over_one_another():
    """A code that is within its area settles the water off its coast, and no doubt on land."""
    land, sea = part("land", BIG, status="undecided"), part("sea", SMALL, status="undecided", seaward=True)
    inner = part("core", (102.0, 30.0, 103.0, 31.0))
    areas = areas_of(area_of("one", inner, land, sea))
    assert told(areas, at(100.5, 30.5))[0][:3] == ("undecided", "one", "land")


def test_undecided_ground_of_the_first_area_is_not_in_the_second():
    """Its number follows that of the last area."""
    doubt = part("doubt", (100.0, 30.0, 101.0, 31.0), status="undecided")
    one = area_of("one", part("core", (101.5, 30.0, 102.0, 31.0)), doubt)
    two = area_of("two", part("other", (104.0, 30.0, 105.0, 31.0), area="two"))
    for areas in (areas_of(one, two), areas_of(one)):
        assert told(areas, at(100.5, 30.5)) == [("undecided", "one", "doubt", "coordinates", False)]


def test_doubt_cuts_what_is_in_and_sea_does_not():
    core = part("core", BIG)
    doubt = part("doubt", SMALL, status="undecided")
    sea = part("sea", (99.5, 30.0, 100.1, 31.0), status="undecided", seaward=True)
    gone = part("gone", (100.8, 30.8, 101.5, 31.5), status="out")
    areas = areas_of(area_of("one", core, doubt, sea, gone))
    rows = [at(100.2, 30.2), at(100.5, 30.5), at(100.05, 30.5), at(99.7, 30.5), at(100.9, 30.9)]
    assert [t[:3] for t in told(areas, *rows)] == [
        ("within", "one", "core"),
        ("undecided", "one", "doubt"),
        ("within", "one", "core"),
        ("undecided", "one", "sea"),
        ("outside", -1, -1),
    ]


def test_no_code_gainsays_a_part_of_unstated_codes_nor_the_edge_of_its_area():
    """And codes that are stated hold for the other parts of that area as ever."""
    told_part, untold = part("told", BIG), part("untold", (102.0, 30.0, 103.0, 31.0), codes=None)
    areas = areas_of(area_of("one", told_part, untold))
    rows = [at(102.5, 30.5), at(100.5, 30.5), at(100.0, 30.5), at(99.0, 30.5)]
    elsewhere = [(*row[:3], "110105", None) for row in rows]
    assert [(t[0], t[3], t[4]) for t in told(areas, *elsewhere)] == [
        ("within", "coordinates", False),
        ("straddling", "region_code", True),
        ("straddling", "coordinates", False),
        ("outside", "region_code", False),
    ]
    stated = areas_of(area_of("one", told_part))
    assert told(stated, elsewhere[2]) == [("outside", -1, -1, "region_code", False)]


# --- discs against edges, measured another way --------------------------------------------------------------

WEST, EAST = (100.0, 30.0, 100.02, 30.02), (100.05, 30.0, 100.07, 30.02)


def to_edge(lon, lat, box):
    """Distance to the edge of a box by points 1 m apart."""
    line = shapely.segmentize(shapely.boundary(shapely.box(*box)), 1e-5)
    return cKDTree(ecef(*shapely.get_coordinates(line).T)).query(ecef(lon, lat))[0]


def test_discs_touch_where_they_reach_within_the_accuracy_of_an_edge():
    """Radii from 60 m to 0.5 m too small or too large, many points to a cell and few."""
    areas = areas_of(
        area_of("one", part("west", WEST)), area_of("two", part("east", EAST, area="two", band=300.0))
    )
    random = np.random.default_rng(5)
    for n in (300, 30_000):
        lon, lat = random.uniform(99.96, 100.11, n), random.uniform(29.96, 30.06, n)
        lon[:5], lat[:5] = random.uniform(-180, 180, 5), random.uniform(-80, 80, 5)
        distance = np.stack([to_edge(lon, lat, WEST), to_edge(lon, lat, EAST)])
        margin = (distance - np.array([[100.0], [300.0]])).min(axis=0)
        radius = np.maximum(margin + random.choice([-60, -30, -3, -0.5, 0.5, 3, 30, 60], n), 0.0)
        found = areas._boundary.classify(Discs(lon, lat, radius))
        assert np.array_equal(found.touches, radius >= margin)
        sure = found.touches & (np.abs(distance[0] - distance[1]) > 1.0)
        assert np.array_equal(found.near[sure], distance.argmin(axis=0)[sure])
        label = np.full(n, -1)
        for index, box in enumerate((WEST, EAST)):
            label[shapely.intersects_xy(shapely.box(*box), lon, lat)] = index
        assert np.array_equal(found.label, label)


def test_a_border_that_two_areas_share_is_an_edge_of_both():
    """Both are as near as the other, to the last digit; neither may be certain."""
    areas = areas_of(
        area_of("one", part("left", BIG)), area_of("two", part("right", (101.0, 30.0, 102.0, 31.0)))
    )
    rows = [at(lon, 30.5) for lon in (100.9995, 101.0, 101.0005, 100.99, 101.01)]
    assert [t[0] for t in told(areas, *rows)] == ["straddling"] * 3 + ["within"] * 2


def of_one(name, box, **more):
    return part(name, box, codes={"320571": "within"}, **more)


@pytest.mark.parametrize(
    ("one", "row", "conflict"),
    [
        # deep in undecided ground of one, at the edge of the other
        (
            [
                of_one("core", (98.0, 29.0, 98.5, 31.0)),
                part("doubt", (99.0, 29.0, 101.0, 31.0), status="undecided"),
            ],
            (100.047, 30.01),
            False,
        ),
        # 2,600 m off one, whose edge is good to 2,500 m, and 300 m off the other
        ([of_one("west", WEST, band=2_500.0)], (100.047, 30.01), False),
        # the same if it is good to 100 m
        ([of_one("west", WEST, band=100.0)], (100.047, 30.01), True),
    ],
    ids=["undecided", "accuracy", "too far"],
)
def test_a_code_holds_at_the_edge_of_another_area_if_the_disc_reaches_its_own(one, row, conflict):
    other = part("east", EAST, area="two", band=200.0)
    areas = areas_of(area_of("one", *one), area_of("two", other))
    (found,) = told(areas, at(*row, 150.0, code="320571"))
    alone = told(areas, at(*row, 150.0))[0]
    assert alone[:2] == ("straddling", "two")
    assert (found[0], found[1], found[4]) == ("straddling" if conflict else "within", "one", conflict)
