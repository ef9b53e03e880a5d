"""The evidence calculus: what single words say, and what they come to together."""

import dataclasses
import datetime as dt
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import datum, observations, votes, zones
from auditor.columns import Coded
from auditor.registers import read_weights
from auditor.votes import Claims, Says

DAY = dt.date(2026, 11, 22)
NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
FRESH = dt.date(2026, 6, 5)
AREAS = zones.read_areas(DAY)
BEIJING, SHANGHAI, HAINAN, SHENZHEN = range(4)
NAN = float("nan")


def place(family, extent, region, *, vintage=FRESH, outcome="answer", **more):
    return {
        "family": family,
        "extent": extent,
        "region": region,
        "vintage_on": vintage,
        "outcome": outcome,
        **more,
    }


def disc(lon, lat, km, *, bound=True):
    where = {"lon": lon, "lat": lat, "radius_m": km * 1000.0, "bound": bound}
    return place("delay", "disc", None, vintage=None, **where)


def table(words):
    names = ("family", "extent", "region", "vintage_on", "outcome", "lon", "lat", "radius_m", "bound")
    columns = {name: [word.get(name) for word in words] for name in names}
    return observations.table(
        len(words), subject="node:a", asked="192.0.2.1", source="s", kind="place", seen_at=NOW, **columns
    )


def claims(n, area, *, lon=NAN, lat=NAN, radius=NAN, region=None, anycast=False):
    return Claims(
        np.full(n, area),
        Coded.of([region] * n),
        np.full(n, lon),
        np.full(n, lat),
        np.full(n, radius),
        np.full(n, anycast),
    )


def weigh(words, area=SHANGHAI, **claim):
    return votes.weigh(table(words), claims(len(words), area, **claim), AREAS, DAY)


def says(words, area=SHANGHAI, **claim):
    cast = weigh(words, area, **claim)
    return [(Says(int(s)).name, cast.reason.at(i) or "") for i, s in enumerate(cast.says)]


def come_to(words, area=SHANGHAI, **claim):
    n = len(words)
    cast = weigh(words, area, **claim)
    bound = np.array([bool(word.get("bound")) for word in words], np.bool_)
    return votes.tally(cast, bound, np.zeros(n, np.int64), np.zeros(n, np.int64), 1)


@pytest.mark.parametrize(
    ("word", "area", "said"),
    [
        (place("community", "city", "310000"), SHANGHAI, ("NOTHING", "whole")),  # never Pudong against Puxi
        (place("community", "district", "310104"), SHANGHAI, ("NOTHING", "whole")),
        (place("community", "district", "310115"), SHANGHAI, ("NOTHING", "whole")),
        (place("maxmind", "city", "330100"), SHANGHAI, ("CONTRADICT", "")),
        (
            place("maxmind", "province", "330000"),
            SHANGHAI,
            ("NOTHING", "whole"),
        ),  # Xiaoyangshan is in Zhejiang
        (place("maxmind", "province", "320000"), SHANGHAI, ("CONTRADICT", "")),
        (place("community", "city", "110000"), BEIJING, ("SUPPORT", "")),
        (
            place("community", "city", "110000"),
            SHANGHAI,
            ("CONTRADICT", ""),
        ),  # another pilot area is elsewhere
        (place("dbip", "city", "110000"), BEIJING, ("VOID", "default")),
        (place("dbip", "city", "110000"), SHANGHAI, ("VOID", "default")),
        (place("dbip", "city", "440100"), SHENZHEN, ("VOID", "weak")),
        (place("community", "city", "440100"), SHENZHEN, ("CONTRADICT", "")),
        (place("community", "province", "440000"), SHENZHEN, ("NOTHING", "whole")),
        (place("dbip", "city", "440300"), SHENZHEN, ("SUPPORT", "")),
        (place("community", "country", "US"), SHANGHAI, ("CONTRADICT", "")),
        (place("community", "country", "US", vintage=dt.date(2024, 2, 28)), SHANGHAI, ("VOID", "old")),
        (place("community", "city", "330100", vintage=dt.date(2024, 2, 28)), SHANGHAI, ("CONTRADICT", "")),
        (place("community", "country", "HK"), SHENZHEN, ("CONTRADICT", "")),
        (place("maxmind", "country", "CN"), SHANGHAI, ("NOTHING", "whole")),
        (place("maxmind", None, None, outcome="unknown"), SHANGHAI, ("NOTHING", "no_answer")),
        (place("registry", "city", "460100"), HAINAN, ("SUPPORT", "")),
        (
            place("community", "province", "310000"),
            BEIJING,
            ("CONTRADICT", ""),
        ),  # Shanghai holds no piece of Beijing
        (place("community", "province", "440000"), SHANGHAI, ("CONTRADICT", "")),
        (place("community", "province", "460000"), HAINAN, ("NOTHING", "whole")),  # Sansha is undecided
    ],
)
def test_one_word(word, area, said):
    assert says([word], area) == [said]
    assert said[1] in votes.REASONS


def test_anycast_has_no_place_but_a_delay_still_disproves():
    words = [place("community", "city", "330100"), disc(116.4, 39.9, 300)]
    assert says(words, anycast=True) == [("VOID", "anycast"), ("CONTRADICT", "bound")]
    assert {"anycast", "bound", "reach", "no_claim"} < votes.REASONS.keys()


def test_a_delay_disproves_and_never_proves():
    near, far = disc(121.5, 31.2, 100), disc(116.4, 39.9, 300)
    assert says([near, far]) == [("NOTHING", "reach"), ("CONTRADICT", "bound")]
    pudong = {"lon": 121.56, "lat": 31.22, "radius": 100.0}
    assert says([near, far], **pudong) == [("NOTHING", "reach"), ("CONTRADICT", "bound")]


def test_a_delay_disproves_nothing_where_nothing_is_declared():
    assert says([disc(116.4, 39.9, 1)], -1, region="310115") == [("NOTHING", "reach")]


def test_a_delay_is_held_against_the_disc_declared():
    # Beijing to Shanghai is 1,067 km: at 1,067 km less the declared accuracy nothing is disproved.
    claim = {"lon": 121.4737, "lat": 31.2304, "radius": 5000.0}
    km = datum.geod().inv(116.4074, 39.9042, 121.4737, 31.2304)[2] / 1000
    assert says([disc(116.4074, 39.9042, km - 4.9)], **claim) == [("NOTHING", "reach")]
    assert says([disc(116.4074, 39.9042, km - 5.1)], **claim) == [("CONTRADICT", "bound")]


def test_without_an_area_the_province_is_held_against():
    words = [
        place("community", "city", "330100"),
        place("community", "city", "310000"),
        place("maxmind", "country", "CN"),
    ]
    assert says(words, -1, region="330106") == [("SUPPORT", ""), ("CONTRADICT", ""), ("NOTHING", "whole")]
    assert says(words, -1) == [("NOTHING", "no_claim")] * 3
    assert says(words[:1], -1, region="330200") == [("NOTHING", "near")]  # another city of the province


def test_a_boundary_of_ones_own_without_codes_leaves_open_what_a_province_holds(monkeypatch):
    shanghai = [place("community", "province", "310000"), place("community", "city", "440300")]
    assert says(shanghai, BEIJING) == [("CONTRADICT", "")] * 2
    areas = list(AREAS.areas)
    first, *others = areas[SHANGHAI].parts
    silent = {key: value for key, value in first.properties.items() if key != "region_codes"}
    parts = (dataclasses.replace(first, own=True, properties=silent), *others)
    areas[SHANGHAI] = dataclasses.replace(areas[SHANGHAI], parts=parts)
    monkeypatch.setattr(sys.modules[__name__], "AREAS", dataclasses.replace(AREAS, areas=tuple(areas)))
    assert says(shanghai, BEIJING) == [("NOTHING", "whole"), ("CONTRADICT", "")]


def test_two_families_contradict_and_one_does_not():
    hangzhou = [place("community", "city", "330100")]
    assert not come_to(hangzhou).contradicted[0]
    assert not come_to(hangzhou * 3).contradicted[0]  # three copies are one voice
    assert come_to([*hangzhou, place("dbip", "city", "330100")]).contradicted[0]
    assert come_to([*hangzhou, place("dbip", "city", "320500")]).contradicted[
        0
    ]  # they need not agree on where


def test_a_bound_or_the_holders_own_word_contradicts_alone():
    assert come_to([disc(116.4, 39.9, 300)]).contradicted[0]
    assert come_to([place("geofeed", "city", "330100")]).contradicted[0]
    assert not come_to([place("geofeed", "city", "310000")]).contradicted[0]


def test_a_family_that_contradicts_itself_says_nothing():
    words = [
        place("community", "city", "110000"),
        place("community", "city", "330100"),
        place("maxmind", "city", "330100"),
    ]
    found = come_to(words, BEIJING)
    assert (found.contradicting[0], found.supporting[0]) == (1, 0)


def test_families_are_counted_on_one_address():
    words = [place("community", "city", "330100"), place("dbip", "city", "330100")]
    cast = weigh(words)
    apart = votes.tally(cast, np.zeros(2, np.bool_), np.zeros(2, np.int64), np.arange(2), 1)
    assert apart.contradicting[0] == 1


def test_weights_are_those_measured_and_capped():
    weights = read_weights()
    assert weights.by_area["dbip", "beijing"].support == pytest.approx(0.944 / 0.0916)
    assert weights.by_area["dbip", "shanghai"].contradict == pytest.approx(0.082 / (1 - 0.0015 - 0.005))
    every = [w for weight in weights.by_area.values() for w in (weight.support, weight.contradict)]
    assert all(1 / 20 <= ratio <= 20 for ratio in every)
    assert not any(area == "hainan" for _, area in weights.by_area)
    assert weights.needed == {"beijing": 3, "shanghai": 2, "shenzhen": 2}


def test_words_that_do_not_count_have_no_weight():
    words = [
        place("dbip", "city", "440100"),
        place("community", "city", "440300"),
        place("unheard", "city", "440300"),
    ]
    cast = weigh(words, SHENZHEN)
    assert np.isnan(cast.weight[[0, 2]]).all()
    assert cast.weight[1] == 20


def joint(*words):
    return votes.joint(np.array([weight for weight, _ in words]), Coded.of([family for _, family in words]))


def test_ratios_multiply_and_repetitions_count_half():
    assert joint((20, "a"), (20, "b"), (0.1, "c")) == pytest.approx(40)
    assert joint((20, "a"), (20, "a"), (20, "a")) == pytest.approx(20**2)
    assert joint((0.05, "a"), (0.1, "a")) == pytest.approx(0.05 * 0.1**0.5)
    assert joint((20, "a"), (0.05, "a"), (NAN, "b")) == pytest.approx(1)  # it contradicts itself
    assert joint((NAN, "a"), (NAN, "b")) is None


@given(
    st.lists(st.tuples(st.sampled_from([0.05, 0.1, 1, 7, 20, NAN]), st.sampled_from("ab")), max_size=6),
    st.randoms(use_true_random=False),
)
def test_the_joint_ratio_does_not_depend_on_the_order(words, random):
    shuffled = random.sample(words, len(words))
    assert joint(*words) == (None if (found := joint(*shuffled)) is None else pytest.approx(found))


def test_rows_of_no_subject_do_not_count():
    words = [place("community", "city", "330100"), place("dbip", "city", "330100"), disc(116.4, 39.9, 300)]
    cast, bound = weigh(words), np.array([False, False, True])
    found = votes.tally(cast, bound, np.array([-1, 1, -1]), np.zeros(3, np.int64), 2)
    assert (found.contradicting.tolist(), found.seen.tolist()) == ([0, 1], [False, True])
    assert not found.contradicted.any()


FAMILIES = ["community", "dbip", "maxmind", "registry", "geofeed", "unheard"]
REGIONS = ["110000", "310000", "310115", "330100", "440100", "440300", "460000", "460100", "320000", None]


@st.composite
def some_words(draw):
    family, region = draw(st.sampled_from(FAMILIES)), draw(st.sampled_from([*REGIONS, "US", "HK", "CN"]))
    extent = (
        "none"
        if region is None
        else "country"
        if region.isalpha()
        else draw(st.sampled_from(["city", "district", "province"]))
    )
    return place(family, extent, region, vintage=draw(st.sampled_from([FRESH, dt.date(2024, 1, 1), None])))


@settings(max_examples=18, deadline=None)
@given(st.lists(some_words(), min_size=1, max_size=6), st.integers(-1, 3), st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(words, area, random):
    once = come_to(words, area)
    again = [*words, *words]
    random.shuffle(again)
    twice = come_to(again, area)
    for name in ("contradicting", "supporting", "bound", "alone", "seen"):
        assert getattr(once, name)[0] == getattr(twice, name)[0]


@settings(max_examples=18, deadline=None)
@given(st.lists(some_words(), min_size=1, max_size=6), st.integers(0, 3))
def test_one_family_never_contradicts(words, area):
    one = [{**word, "family": "community"} for word in words]
    assert not come_to(one, area).contradicted[0]
    assert come_to(one, area).contradicting[0] <= 1


@settings(max_examples=18, deadline=None)
@given(st.lists(some_words(), min_size=1, max_size=6), st.integers(0, 3))
def test_tally_equals_counting_by_hand(words, area):
    found, said = come_to(words, area), says(words, area)
    by_family = {}
    for word, (vote, _) in zip(words, said, strict=True):
        by_family.setdefault(word["family"], set()).add(vote)
    against = [f for f, s in by_family.items() if "CONTRADICT" in s and "SUPPORT" not in s]
    backing = [f for f, s in by_family.items() if "SUPPORT" in s and "CONTRADICT" not in s]
    assert (found.contradicting[0], found.supporting[0]) == (len(against), len(backing))


@settings(max_examples=20, deadline=None)
@given(some_words(), st.integers(0, 3))
def test_coarse_words_are_never_finer_than_their_region(word, area):
    """What is said of a region holds for every region inside it: a word that decides, decides for the parts, too."""
    ((vote, _),) = says([{**word, "vintage_on": FRESH, "family": "registry"}], area)
    if word["region"] and word["region"].endswith("0000") and vote in {"SUPPORT", "CONTRADICT"}:
        inner = {
            **word,
            "region": word["region"][:2] + "0100",
            "extent": "city",
            "family": "registry",
            "vintage_on": FRESH,
        }
        assert says([inner], area)[0][0] == vote


def test_nothing_observed_is_nothing_said():
    found = votes.tally(weigh([]), np.zeros(0, np.bool_), np.zeros(0, np.int64), np.zeros(0, np.int64), 3)
    assert not found.contradicted.any() and not found.seen.any()


def test_a_source_that_was_measured_by_itself_has_its_own_weight():
    own = read_weights().by_source["qqwry", "shenzhen"].contradict
    assert own == pytest.approx(0.107 / (1 - 0.0005 - 0.013))
    words = [place("community", "city", "440100")] * 2
    told = table(words).set_column(2, "source", pa.array(["databases.qqwry", "s"]).dictionary_encode())
    cast = votes.weigh(told, claims(2, SHENZHEN), AREAS, DAY)
    assert cast.weight.tolist() == [own, read_weights().by_area["community", "shenzhen"].contradict]
