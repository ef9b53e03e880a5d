"""Votes on addresses: within, outside, straddling or unknown, and never more than was said."""

import datetime as dt
import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor import located, zones
from auditor.columns import Coded
from auditor.located import Answers
from auditor.observations import Provenance
from auditor.places import UNKNOWN
from auditor.registers import read_weights

DAY = dt.date(2026, 11, 22)
AREAS = zones.read_areas(DAY)
VINTAGES = {
    "community": dt.date(2024, 2, 28),
    "dbip": dt.date(2026, 6, 5),
    "maxmind": dt.date(2026, 9, 18),
    "registry": DAY,
}


def said(family, regions):
    source = Provenance(family, family, family, VINTAGES[family])
    return Answers(source, Coded.of(regions))


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
    assert locate(community="440100", dbip="440100") == ("unknown", None)  # DB-IP says so of half of Shenzhen
    assert locate(community="440100", maxmind="440100") == ("outside", None)


def test_an_old_word_on_foreign_places_is_no_word():
    assert locate(community="US", dbip="US") == ("unknown", None)
    assert locate(maxmind="US", dbip="US") == ("outside", None)


def test_families_that_disagree_decide_nothing():
    found = located.locate([said("community", ["440300"]), said("maxmind", ["330100"])], AREAS, DAY)
    assert found.conflict[0] and zones.RELATIONS[found.relation[0]] == "unknown"


def test_hainan_is_not_calibrated_so_no_number_of_votes_is_enough():
    answers = [Answers(Provenance(f, f, f), Coded.of(["460100"])) for f in read_weights().families]
    found = located.locate(answers, AREAS, DAY)
    assert found.relation[0] == UNKNOWN and not found.conflict[0]
    assert found.combinations.tally(AREAS.ids.index("hainan")).supporting[0] == len(answers)


def test_sources_without_a_vintage_are_taken_as_of_today():
    answers = [Answers(Provenance(f, f, f), Coded.of(["US"])) for f in ("mine", "dbip")]
    assert zones.RELATIONS[located.locate(answers, AREAS, DAY).relation[0]] == "outside"


# How regions lie to the areas, and what each family's word on one counts, written down by hand.
IN = {"110000": "beijing", "440300": "shenzhen", "460100": "hainan"}
PARTLY = {"310000": "shanghai", "330000": "shanghai", "460000": "hainan", "440000": "shenzhen"}
WORDS = [*IN, *PARTLY, "330100", "440100", "US", "CN", None]


def word(family, region, area):
    """What one word says of one area: 1 for it, -1 against it, 0 nothing."""
    if region in {None, "CN"} or (family, region) in {("dbip", "110000"), ("community", "US")}:
        return 0
    if area in {IN.get(region), PARTLY.get(region)}:
        return int(IN.get(region) == area)
    return 0 if (family, area) == ("dbip", "shenzhen") else -1


def by_hand(said_by):
    needed = {"beijing": 3, "shanghai": 2, "hainan": 99, "shenzhen": 2}
    out = [
        region in {"330100", "440100", "US"}
        and (family, region) not in {("community", "US"), ("dbip", "440100")}
        for family, region in said_by.items()
    ]
    partly = Counter(PARTLY[region] for region in said_by.values() if region in PARTLY)
    named = partly + Counter({None: sum(out)})
    agreed = [area for area, families in named.items() if families >= 2]
    told = ("unknown", None)
    if len(agreed) == 1:
        told = ("outside", None) if agreed == [None] else ("straddling", agreed[0])
    for area, least in needed.items():
        words = [word(family, region, area) for family, region in said_by.items()]
        if 1 in words and -1 in words:
            return "unknown", None, True
        if words.count(1) >= least:
            told = ("within", area)
    return *told, len(named) > 1


@pytest.fixture(scope="module")
def every_combination():
    rows = list(itertools.product(WORDS, repeat=len(VINTAGES)))
    answers = [
        said(family, list(column)) for family, column in zip(VINTAGES, np.array(rows).T.tolist(), strict=True)
    ]
    return rows, located.locate(answers, AREAS, DAY)


def test_every_combination_of_words_is_as_counted_by_hand(every_combination):
    rows, found = every_combination
    names = [AREAS.ids[area] if area >= 0 else None for area in found.area.tolist()]
    relations = [zones.RELATIONS[relation] for relation in found.relation.tolist()]
    assert found.area.min() == -1
    for row, told in zip(rows, zip(relations, names, found.conflict.tolist(), strict=True), strict=True):
        said_by = dict(zip(VINTAGES, row, strict=True))
        assert told == by_hand(said_by), said_by


@given(
    st.lists(st.lists(st.integers(-1, 1022), min_size=8, max_size=8), min_size=1, max_size=20), st.randoms()
)
def test_rows_that_are_alike_are_one_combination(rows, random):
    # Eight sources with 1,024 answers each: 2 to the 80 combinations, more than an integer holds.
    rows = [[0] * 8, [1] + [0] * 7, *random.choices(rows, k=2 * len(rows))]
    regions = np.array([f"{code:06d}" for code in range(1023)])
    source = said("dbip", []).source
    answers = [
        Answers(source, Coded(np.array(column, np.int16), tuple(regions.tolist())))
        for column in np.array(rows).T
    ]
    first, which = located._combined(answers)
    assert len(first) == len({tuple(row) for row in rows})
    assert [rows[first[at]] for at in which] == rows


def test_nothing_asked():
    found = located.locate([said("dbip", [])], AREAS, DAY)
    assert len(found.relation) == 0
    assert located.locate([said("dbip", [None])], AREAS, DAY).combinations.joint(0, 0) is None
