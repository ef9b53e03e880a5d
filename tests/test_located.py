"""Votes on addresses: within, outside, straddling or unknown, and never more than was said."""

import datetime as dt

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import located, zones
from auditor.columns import Coded
from auditor.located import Answers
from auditor.observations import Provenance

DAY = dt.date(2026, 11, 22)
AREAS = zones.read_areas(DAY)
VINTAGES = {
    "community": dt.date(2024, 2, 28),
    "dbip": dt.date(2026, 6, 5),
    "maxmind": dt.date(2026, 9, 18),
    "registry": DAY,
}


def said(family, regions):
    extent = [None if r is None else "country" if r.isalpha() else "city" for r in regions]
    source = Provenance(family, family, family, VINTAGES[family])
    return Answers(source, Coded.of(extent), Coded.of(regions))


def locate(**regions):
    found = located.locate([said(f, [r]) for f, r in regions.items()], AREAS, DAY)
    area = int(found.area[0])
    return zones.RELATIONS[found.relation[0]], AREAS.ids[area] if area >= 0 else None


def test_two_families_place_an_address_in_shenzhen_three_in_beijing():
    assert locate(community="440300", dbip="440300") == ("within", "shenzhen")
    assert locate(community="110000", dbip="110000") == ("unknown", None)  # DB-IP's Beijing is a default
    assert locate(community="110000", maxmind="110000") == ("unknown", None)
    assert locate(community="110000", maxmind="110000", registry="110000") == ("within", "beijing")


def test_shanghai_is_a_city_that_holds_an_area():
    assert locate(community="310000", dbip="310000") == ("straddling", "shanghai")
    assert locate(community="310115", dbip="310115") == ("straddling", "shanghai")
    assert locate(community="310000", dbip=None) == ("unknown", None)


def test_two_families_place_an_address_elsewhere():
    assert locate(community="330100", dbip="330100") == ("outside", None)
    assert locate(community="330100", dbip="320500") == ("outside", None)
    assert locate(community="330100", dbip="110000") == ("unknown", None)


def test_an_old_word_on_foreign_places_is_no_word():
    assert locate(community="US", dbip="US") == ("unknown", None)
    assert locate(maxmind="US", dbip="US") == ("outside", None)


def test_families_that_disagree_decide_nothing():
    found = located.locate([said("community", ["440300"]), said("maxmind", ["330100"])], AREAS, DAY)
    assert found.conflict[0] and zones.RELATIONS[found.relation[0]] == "unknown"


def test_hainan_is_not_calibrated_so_no_number_of_votes_is_enough():
    assert locate(community="460100", dbip="460100", maxmind="460100", registry="460100") == ("unknown", None)


REGIONS = st.sampled_from(["110000", "310000", "330100", "440100", "440300", "460100", "US", "CN", None])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(REGIONS, REGIONS, REGIONS), min_size=1, max_size=8))
def test_a_column_is_as_its_rows_one_by_one(rows):
    families = ("community", "dbip", "maxmind")
    together = located.locate([said(f, [row[i] for row in rows]) for i, f in enumerate(families)], AREAS, DAY)
    for at, row in enumerate(rows):
        alone = located.locate([said(f, [row[i]]) for i, f in enumerate(families)], AREAS, DAY)
        assert (together.relation[at], together.area[at], together.conflict[at]) == (
            alone.relation[0],
            alone.area[0],
            alone.conflict[0],
        )


def test_nothing_asked():
    found = located.locate([said("dbip", [])], AREAS, DAY)
    assert len(found.relation) == 0
    assert located.locate([said("dbip", [None])], AREAS, DAY).combinations.joint(0, 0) is None


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(REGIONS, REGIONS, REGIONS), min_size=1, max_size=40))
def test_votes_taken_beforehand_are_those_taken_one_by_one(rows):
    names = ["110000", "310000", "330100", "440100", "440300", "460100", "US", "CN"]
    families = ("community", "dbip", "registry")
    columns = {f: [row[i] for row in rows] for i, f in enumerate(families)}
    sources = [said(f, []).source for f in families]
    ballot = located.Ballot.of([(source, names) for source in sources], AREAS, DAY)
    codes = [np.array([-1 if r is None else names.index(r) for r in column]) for column in columns.values()]
    at = ballot.cast(codes)
    found = located.locate([said(f, column) for f, column in columns.items()], AREAS, DAY)
    assert (ballot.relation[at] == found.relation).all()
    assert (ballot.area[at] == found.area).all()
    assert (ballot.conflict[at] == found.conflict).all()
