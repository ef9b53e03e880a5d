"""Relocation: the optimum on small instances, bounds that hold on all, and the rules pass after it."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import auditor
from auditor import siting as sitings
from auditor.errors import AuditorError, UsageError
from auditor.relocation import distances, read_candidates, suggest_sites
from auditor.siting import Siting, by_program, by_relaxation, solve

ON = "2026-11-22"


@st.composite
def problems(draw):
    demands, sites = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    numbers = st.integers(0, 12).map(float)
    cost = np.array([[draw(numbers) for _ in range(sites)] for _ in range(demands)])
    if draw(st.booleans()):
        cost[draw(st.integers(0, demands - 1)), draw(st.integers(0, sites - 1))] = np.inf
    even = draw(st.booleans())
    size = np.array([1.0 if even else draw(st.sampled_from([1.0, 2.0, 2.5])) for _ in range(demands)])
    capacity = np.array([draw(st.sampled_from([0.0, 1.0, 2.0, 3.0, 5.0, np.inf])) for _ in range(sites)])
    return Siting(cost, np.array([draw(numbers) for _ in range(sites)]), size, capacity)


def brute_force(siting):
    demands, sites = siting.cost.shape
    plans = (np.array(plan) for plan in product(range(sites), repeat=demands))
    return min((siting.price(plan) for plan in plans if siting.fits(plan)), default=np.inf)


@settings(max_examples=50)
@given(siting=problems())
def test_optimum_is_that_of_all_plans_and_bounds_hold(siting):
    best = brute_force(siting)
    plan = solve(siting)
    if plan.chosen is None:
        assert best == np.inf and plan.exact
        return
    assert siting.fits(plan.chosen) and plan.exact
    assert siting.price(plan.chosen) == pytest.approx(best) == pytest.approx(plan.bound)
    large = by_relaxation(siting)
    assert large.bound <= best + 1e-6
    if large.chosen is not None:
        assert siting.fits(large.chosen) and siting.price(large.chosen) >= best - 1e-6
        assert not large.exact or siting.price(large.chosen) == pytest.approx(best)


@pytest.mark.parametrize("even", [True, False])
def test_relaxation_comes_close_on_mid_size_problems(even):
    rng = np.random.default_rng(5)
    ends, starts = rng.random((8, 2)), rng.random((80, 2))
    cost = np.hypot(*(starts[:, None] - ends).transpose(2, 0, 1))
    size = np.ones(80) if even else rng.choice([1.0, 2.0, 3.0], 80)
    capacity = np.round(rng.uniform(0.5, 1.5, 8) * size.sum() / 3)
    siting = Siting(cost, rng.uniform(2, 6, 8), size, capacity)
    exact, close = by_program(siting), by_relaxation(siting)
    price = siting.price(close.chosen)
    assert exact.exact and siting.fits(close.chosen)
    assert close.bound <= siting.price(exact.chosen) + 1e-6 <= price + 2e-6
    assert (price - close.bound) / price < 0.03


def test_search_that_stops_early_states_a_bound(monkeypatch):
    monkeypatch.setattr(sitings, "MOST_EXACT", 0)
    siting = Siting(
        np.array([[1.0, 9.0], [9.0, 1.0]]), np.array([1.0, 1.0]), np.ones(2), np.array([1.0, 1.0])
    )
    plan = solve(siting)
    assert plan.chosen.tolist() == [0, 1] and plan.bound <= 4


@pytest.mark.parametrize(
    ("cost", "capacity"), [([[1.0], [1.0]], [1.0]), ([[np.inf], [1.0]], [9.0])], ids=["room", "reach"]
)
def test_what_cannot_be_is_told(cost, capacity):
    siting = Siting(np.array(cost), np.zeros(1), np.ones(2), np.array(capacity))
    plan = solve(siting)
    assert (plan.chosen, plan.exact) == (None, True)


def test_distances_are_geodesic():
    metres = distances(np.array([121.0]), np.array([31.0]), np.array([121.0, np.nan]), np.array([32.0, 31.0]))
    assert metres[0, 0] == pytest.approx(110_870, abs=20)
    assert np.isnan(metres[0, 1])


# --- on declarations -----------------------------------------------------------------------------------------

HEAD = "id,lon,lat,datum,region_code,capacity,fixed_cost,existing\n"
NEAR = "near,121.7,31.1,WGS84,310115,1,5,\n"
FAR = "far,121.9,30.9,WGS84,310115,,9,\n"
PUXI = "puxi,121.4,31.2,WGS84,310104,,0,\n"


@pytest.fixture
def case(declared, areas):
    return auditor.check(declared, areas=areas, as_of=ON, only="PILOT-FAC-01").case


def sites(tmp_path, *rows):
    path = tmp_path / "sites.csv"
    path.write_text(HEAD + "".join(rows), "utf-8")
    return read_candidates(path)


def test_facility_outside_moves_to_the_cheapest_site_and_the_rules_pass(case, tmp_path):
    found = suggest_sites(case, sites(tmp_path, NEAR, FAR, PUXI), own=False)
    assert found.moves == (("edge-hz-1", "near"),) and found.exact
    assert [site for site, _ in found.refused] == ["puxi"]
    assert (found.before["fail"], found.after["fail"]) == (1, 0)
    again = auditor.check(found.declaration, areas=case.areas, as_of=ON, only="PILOT-FAC-*")
    assert "fail" not in again.counts["PILOT-FAC-01"] and "fail" not in again.counts["PILOT-FAC-02"]
    assert found.cost == pytest.approx(5 + 178.7 - 5, abs=1)


def test_sites_that_the_operator_has_cost_nothing_to_take(case, tmp_path):
    found = suggest_sites(case, sites(tmp_path, NEAR), distance_weight=0)
    assert found.cost == 0 and found.opened != ("near",)
    mine = suggest_sites(case, sites(tmp_path, NEAR.replace(",5,", ",5,true")), distance_weight=0, own=False)
    assert (mine.cost, mine.opened) == (0, ("near",))


def test_a_candidate_that_is_a_node_stands_where_the_node_does(case, tmp_path):
    found = suggest_sites(case, sites(tmp_path, "dc-lg,,,,,3,,true\n"), own=False)
    assert found.moves == (("edge-hz-1", "dc-lg"),)


def test_costs_of_another_kind(case, tmp_path):
    found = suggest_sites(
        case, sites(tmp_path, NEAR, FAR), own=False, costs=np.array([[1.0, 50.0]])
    )  # far, near
    assert (found.opened, found.cost) == (("far",), 10.0)
    with pytest.raises(UsageError, match="1 by 1"):
        suggest_sites(case, sites(tmp_path, NEAR, FAR), own=False, costs=np.array([[1.0]]))


@pytest.mark.parametrize(
    ("rows", "options", "why"),
    [
        ((PUXI,), {}, "No site inside"),
        ((NEAR,), {"most_m": 1000.0}, "No site within reach for edge-hz-1"),
        ((NEAR.replace(",1,5,", ",0,5,"),), {}, "No site within reach"),
        ((), {}, "No site inside"),
    ],
)
def test_why_there_is_no_answer(case, tmp_path, rows, options, why):
    found = suggest_sites(case, sites(tmp_path, *rows), own=False, **options)
    assert not found.moves and found.lines()[0].startswith(why)
    assert any("\u4e00" <= c <= "\u9fff" for c in found.lines("zh")[0])
    assert found.to_dict()["why"].startswith(why)


def test_all_faults_of_a_file_at_once(tmp_path):
    with pytest.raises(AuditorError) as raised:
        sites(tmp_path, NEAR, NEAR.replace(",1,5,", ",-1,x,"))
    text = str(raised.value)
    assert "near is there twice" in text and "is negative" in text and "fixed_cost" in text


@pytest.mark.parametrize("name", ["sites.txt", "missing.csv"])
def test_a_file_that_cannot_be_read(tmp_path, name):
    with pytest.raises(UsageError):
        read_candidates(tmp_path / name)


def test_nothing_to_move(areas):
    lawful = auditor.check(
        auditor.read_declaration(auditor.sample("shanghai_isp_cdn")), areas=areas, as_of=ON
    )
    assert suggest_sites(lawful.case).lines() == [
        "No facility stands outside the operator's area for sure: none has to move."
    ]
