"""Spot checks: drawn by the seed alone, alike on every machine, and nothing claimed that was not drawn."""

import contextlib
import dataclasses
import datetime as dt
import hashlib
import itertools
import json
import os
from collections import Counter
from decimal import Decimal, localcontext
from fractions import Fraction
from math import floor
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

import auditor
from auditor.cli import sample
from auditor.errors import AuditorError, UsageError
from auditor.scans import ledger, sampling, sampling_store, sampling_text
from auditor.scans.canonical import canonical
from auditor.scans.sampling_inspectors import Inspector, Target, assigned, read_inspectors, strangers
from auditor.scans.sampling_record import (
    Differences,
    Draw,
    Population,
    differences,
    draw_from,
    draw_of,
    faults_of,
)
from auditor.scans.sampling_selection import Unit, allocated, exact_key, probability, ranked, select
from auditor.scans.sampling_units import KINDS, WEIGHTS, Asset, weighed
from auditor.selection import selected
from tests.scans._build import add_operator, add_run
from tests.test_cli import run

GOLDEN = Path(__file__).parents[1] / "golden" / "scans"
DAY = "2026-11-22"
ON = dt.date(2026, 11, 22)
SHANGHAI = auditor.sample("shanghai_violations")
RARE = 0.999  # a fixed set of seeds: what passes once passes always


def units(*weights):
    return [Unit("A", f"node:{i}", "", w) for i, w in enumerate(weights)]


def fits(counts, expected):
    """Whether counts are what independent trials with these probabilities give (chi-square)."""
    total = sum(counts.values())
    assert set(counts) <= set(expected)
    statistic = sum((counts[k] - total * p) ** 2 / (total * p) for k, p in expected.items())
    return statistic < chi2.ppf(RARE, len(expected) - 1)


# --- selection --------------------------------------------------------------------------------------------


def test_a_draw_can_be_worked_out_without_auditor():
    rows = [("甲公司", "node:a", 1), ("甲公司", "node:b", 7), ("B", "link:x>y", 3), ("B", "node:a", 3)]
    with localcontext() as context:
        context.prec = 60

        def key(operator, subject, weight):
            name = json.dumps(["auditor.draw/1", "种子", operator, subject], ensure_ascii=False)
            digest = hashlib.sha256(name.replace(", ", ",").encode()).hexdigest()
            u = 1 - (2 * Decimal(int(digest, 16)) + 1) / Decimal(2**257)
            return -(u.ln()) / weight

        wanted = sorted(rows, key=lambda row: key(*row))
    drawn = ranked([Unit(o, s, "", w) for o, s, w in rows], "种子", 4)
    assert [(u.operator, u.subject, u.weight) for u in drawn] == wanted


def test_every_set_of_units_is_as_likely_as_any_other():
    counts = Counter(
        frozenset(u.subject for u in ranked(units(1, 1, 1, 1, 1), str(seed), 2)) for seed in range(2000)
    )
    pairs = [frozenset(pair) for pair in itertools.combinations([f"node:{i}" for i in range(5)], 2)]
    assert fits(counts, dict.fromkeys(pairs, 0.1))


def test_inclusion_is_even():
    n, size, trials = 12, 4, 1500
    counts = Counter(u.subject for seed in range(trials) for u in ranked(units(*[1] * n), f"s{seed}", size))
    rate = size / n
    statistic = sum((counts[f"node:{i}"] - trials * rate) ** 2 for i in range(n)) / (
        trials * rate * (1 - rate)
    )
    assert statistic * (n - 1) / n < chi2.ppf(RARE, n - 1)


def test_heavier_units_come_sooner_just_as_much_as_they_weigh():
    weights = (1, 2, 3, 6)
    counts = Counter(
        tuple(int(u.subject[5:]) for u in ranked(units(*weights), f"w{seed}", 2)) for seed in range(3000)
    )
    total = sum(weights)
    expected = {
        (i, j): weights[i] / total * weights[j] / (total - weights[i])
        for i, j in itertools.permutations(range(4), 2)
    }
    assert fits(counts, expected)
    assert not fits(counts, dict.fromkeys(expected, 1 / 12))  # the test can tell


@given(
    st.lists(st.tuples(st.text(max_size=3), st.integers(1, 10**6)), unique_by=lambda t: t[0], max_size=30),
    st.text(min_size=1, max_size=5),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_population_changes_nothing(rows, seed, order):
    population = [Unit("A", name, "", weight) for name, weight in rows]
    numbers = {
        u: int(hashlib.sha256(canonical(["auditor.draw/1", seed, "A", u.subject]).encode()).hexdigest(), 16)
        for u in population
    }
    wanted = sorted(population, key=lambda u: (exact_key(numbers[u], u.weight), u))
    shuffled = list(population)
    order.shuffle(shuffled)
    for most in {0, 1, len(rows) // 2, len(rows)}:
        if most <= len(rows):
            assert ranked(shuffled, seed, most) == wanted[:most]


@given(st.lists(st.integers(1, 50), min_size=2, max_size=20), st.integers(0, 30))
def test_a_larger_size_only_adds_units(weights, seed):
    population = units(*weights)
    for size in range(1, len(weights)):
        assert ranked(population, str(seed), size) == ranked(population, str(seed), size + 1)[:-1]


def shares_by_trial(size, strata):
    """Find the shares by trying which strata stand at a bound: the definition, not the way it is done."""
    names = list(strata)
    for ends in itertools.product((None, 1, 2), repeat=len(names)):
        fixed = {n: Fraction(strata[n][end]) for n, end in zip(names, ends, strict=True) if end}
        free = [n for n in names if n not in fixed]
        rest = size - sum(fixed.values())
        weight = sum(strata[n][0] for n in free)
        if free:
            t = Fraction(rest) / weight
            tests = [strata[n][1] <= t * strata[n][0] <= strata[n][2] for n in free]
            ts = [t]
        else:
            tests = [rest == 0]
            ts = [Fraction(strata[n][end], strata[n][0]) for n, end in zip(names, ends, strict=True)]
        for t in ts if all(tests) else []:
            at_bounds = all(
                (t * strata[n][0] <= strata[n][1]) if end == 1 else (t * strata[n][0] >= strata[n][2])
                for n, end in zip(names, ends, strict=True)
                if end
            )
            if at_bounds:
                return {n: fixed.get(n, t * strata[n][0]) for n in names}
    raise AssertionError


@settings(max_examples=60)
@given(st.data())
def test_sizes_are_shared_out_by_largest_remainder(data):
    names = "abcd"[: data.draw(st.integers(1, 4))]
    strata = {}
    for name in names:
        most = data.draw(st.integers(1, 6))
        strata[name] = (data.draw(st.integers(1, 40)), data.draw(st.integers(0, min(2, most))), most)
    least, most = (sum(bounds[i] for bounds in strata.values()) for i in (1, 2))
    size = data.draw(st.integers(least, most + 2))
    found = allocated(size, strata)
    assert sum(found.values()) == min(size, most)
    if size > most:
        return
    share = shares_by_trial(size, strata)
    left = size - sum(map(floor, share.values()))
    order = sorted(names, key=lambda n: (-(share[n] % 1), -strata[n][0], n))
    assert found == {n: floor(share[n]) + (n in order[:left]) for n in names}


def test_strata_with_a_least_a_census_and_a_size_each():
    population = [Unit("A", f"{s}{i}", s) for s, n in (("a", 90), ("b", 8), ("c", 2)) for i in range(n)]
    drawn = {s.name: s.drawn for s in select(population, "1", size=10)[0]}
    assert drawn == {"a": 9, "b": 1, "c": 0}
    assert {s.name: s.drawn for s in select(population, "1", size=10, at_least=1)[0]} == {
        "a": 8,
        "b": 1,
        "c": 1,
    }
    assert {s.name: s.drawn for s in select(population, "1", size=5, all_of=("b",))[0]} == {
        "a": 5,
        "b": 8,
        "c": 0,
    }
    assert {s.name: s.drawn for s in select(population, "1", per_stratum=3)[0]} == {"a": 3, "b": 3, "c": 2}
    with pytest.raises(UsageError, match=r"called z[\s\S]*3 units are needed"):
        select(population, "1", size=2, at_least=1, all_of=("z",))


@pytest.mark.parametrize(
    ("weights", "size"), [((3, 3, 3), 2), ((1, 2, 5), 1), ((1, 2, 5), 3), ((1, 2, 5), 2)]
)
def test_probabilities_that_are_stated_are_exact(weights, size):
    population = units(*weights)
    (stratum,), _ = select(population, "0", size=size)
    truth = Counter()
    for order in itertools.permutations(range(3), size):
        chance, left = Fraction(1), sum(weights)
        for i in order:
            chance *= Fraction(weights[i], left)
            left -= weights[i]
        for i in order:
            truth[i] += chance
    for i, unit in enumerate(population):
        stated = probability(unit, stratum, even=len(set(weights)) == 1)
        assert stated in {truth[i], None}
        assert (stated is None) == (weights == (1, 2, 5) and size == 2)


# --- inspectors -------------------------------------------------------------------------------------------


def least_unevenness(eligible, team, people):
    """Sum of the squares of the loads, of the best of all ways to make teams."""
    ways = [list(itertools.combinations(own, team)) for own in eligible]
    return min(
        sum(load**2 for load in np.bincount(list(itertools.chain(*way)), minlength=people).tolist())
        for way in itertools.product(*ways)
    )


@settings(max_examples=60)
@given(st.data())
def test_nobody_is_sent_where_they_must_not_go_and_the_load_is_even(data):
    people, operators = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 3))
    team = data.draw(st.integers(1, 2))
    roster = [
        Inspector(
            f"P{i}",
            "局",
            tuple(data.draw(st.sets(st.sampled_from(["shanghai", "hainan"]), max_size=1))),
            tuple(data.draw(st.sets(st.sampled_from(["o0", "O1 ", "o2", "91310115MA1K4"]), max_size=2))),
            *data.draw(
                st.sampled_from([("", ""), ("2026-11-22", "2026-11-23"), ("2026-11-01", "2026-11-22")])
            ),
        )
        for i in range(people)
    ]
    targets = [
        Target(
            f"o{i}", None, "91310115MA1K4" if i == 1 else None, data.draw(st.sampled_from(["shanghai", None]))
        )
        for i in range(operators)
    ]

    def may(one, target):
        barred = {name.strip().lower() for name in one.not_for}
        kept_away = {target.operator, (target.uscc or "-").lower()} & barred
        return not kept_away and one.leave_from_on != DAY and (not one.areas or target.area in one.areas)

    eligible = [[i for i, one in enumerate(roster) if may(one, target)] for target in targets]
    short = [t.operator for t, own in zip(targets, eligible, strict=True) if len(own) < team]
    if short:
        with pytest.raises(UsageError) as caught:
            assigned(targets, roster, "1", team=team, on=ON)
        assert [str(line).split(":")[0] for line in caught.value.args] == short
        return
    teams = assigned(targets, roster, "1", team=team, on=ON)
    labels = [one.label for one in roster]
    for target, own in zip(targets, eligible, strict=True):
        assert len(set(teams[target.operator])) == team
        assert {labels.index(name) for name in teams[target.operator]} <= set(own)
    load = Counter(itertools.chain(*teams.values()))
    assert sum(n**2 for n in load.values()) == least_unevenness(eligible, team, people)


def test_inspectors_are_drawn_by_the_seed():
    roster = [Inspector(f"P{i}", "局") for i in range(4)]
    counts = Counter(
        frozenset(assigned([Target("A")], roster, str(seed), team=2, on=ON)["A"]) for seed in range(1500)
    )
    pairs = [frozenset(pair) for pair in itertools.combinations([one.label for one in roster], 2)]
    assert fits(counts, dict.fromkeys(pairs, 1 / 6))


def test_the_table_of_inspectors_is_read_and_all_its_faults_told(tmp_path):
    path = tmp_path / "inspectors.csv"
    path.write_text(
        "姓名,单位,地区,回避,请假起,请假止\n张三,局,shanghai,甲公司；乙公司,,\n李四,局,,,2026-12-01,\n",
        "utf-8",
    )
    roster = read_inspectors(path)
    assert roster == (
        Inspector("张三", "局", ("shanghai",), ("乙公司", "甲公司")),
        Inspector("李四", "局", (), (), "2026-12-01", ""),
    )
    assert [one.away(dt.date(2027, 1, 1)) for one in roster] == [False, True]
    assert strangers(roster, [Target("a", "甲公司")]) == ["乙公司"]
    path.write_text(
        "name,unit,leave_from_on,leave_to_on,notfor\nA,,,\nB,x,2026-13-01,\nC,x,2026-12-02,2026-12-01\nD,x,,\nD,x,,\n"
    )
    with pytest.raises(AuditorError) as caught:
        read_inspectors(path)
    for place in (
        "row 1, notfor: is no column",
        "row 2, unit",
        "row 3, leave_from_on",
        "row 4, leave_to_on",
        "row 6, name",
    ):
        assert place in str(caught.value)


# --- populations ------------------------------------------------------------------------------------------


def test_facilities_are_those_that_show_names(result):
    drawn = auditor.draw(result.case.declaration, size=1000, seed="1", as_of=DAY)
    wanted = {f"node:{row['id']}" for row in selected(result.case) if row["role"] == "facility"}
    assert {row["subject"] for row in drawn.drawn} == wanted


def test_risk_is_made_of_the_findings_of_each_unit(result):
    drawn = auditor.draw(result.case.declaration, size=1000, seed="1", weights="risk", as_of=DAY)
    points = {"critical": 16, "high": 8, "medium": 4, "low": 2, "info": 1}
    frame = result.to_frame()
    for row in drawn.drawn:
        own = frame[(frame["subject"] == row["subject"]) & (frame["basis"] != "related_law")]
        fails = own[own["verdict"] == "fail"]
        unsure = own[own["verdict"].isin(["inconclusive", "error", "not_checked"])]
        assert row["weight"] == 1 + sum(points[s] for s in fails["severity"]) + len(unsure)
    assert {row["weight"] for row in drawn.drawn} > {1}


def test_subscriber_areas_hold_every_subscriber_once(declared):
    drawn = auditor.draw(declared, kind="subscriber_area", size=99, seed="1", by=["province"], as_of=DAY)
    assert {(row["subject"], row["stratum"]) for row in drawn.drawn} == {
        ("subscriber_area:310115", "31"),
        ("subscriber_area:310101", "31"),
        ("subscriber_area:310120", "31"),
        ("subscriber_area:330922", "33"),
    }


def test_links_and_operators(declared):
    links = auditor.draw(declared, kind="link", per_stratum=1, by=["kind"], seed="1", as_of=DAY)
    assert len(links.drawn) == len({row["stratum"] for row in links.drawn}) == len(links.record["strata"])
    (one,) = auditor.draw(declared, kind="operator", by=["area", "verdict"], seed="1", as_of=DAY).drawn
    assert (one["operator"], one["stratum"]) == (declared.operator.name, "shanghai/fail")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"by": ["colour"]}, "no column colour"),
        ({"by": ["kind", "kind"]}, "twice"),
        ({"kind": "cable"}, "kinds are"),
        ({"weights": "mine"}, "even or risk"),
        ({"size": 1, "per_stratum": 1}, "not both"),
        ({"size": 0}, "from 1 up"),
        ({"seed": " "}, "blank"),
        ({"due_on": "2026-01-01"}, "before the draw"),
        ({"as_of": "tomorrow"}, "is no date"),
        ({"policy": {"spot_check": {"period": 0}}}, "spot_check.period"),
        ({"all_of": ["x"]}, "no stratum is called x"),
    ],
)
def test_what_cannot_be_drawn_is_told(declared, options, told):
    with pytest.raises(UsageError, match=told):
        auditor.draw(declared, **{"as_of": DAY, "seed": "1", **options})


def test_a_table_is_drawn_from_as_it_is():
    frame = pd.DataFrame(
        {"operator": ["A", "A", "B"], "subject": ["x", "y", "x"], "weight": [1, 5, 2], "k": list("pqp")}
    )
    drawn = auditor.draw(frame, kind="mast", size=2, by=["k"], weights="given", seed="1", as_of=DAY)
    assert [row["stratum"] for row in drawn.to_frame().to_dict("records")] == ["p", "q"]
    assert drawn.population_frame()["weight"].tolist() == [1, 5, 2]
    assert faults_of(drawn) == []
    again = auditor.draw(frame[::-1], kind="mast", size=2, by=["k"], weights="given", seed="1", as_of=DAY)
    assert again.data == drawn.data
    for bad, told in (
        (frame.assign(weight=0), "no weight"),
        (frame.drop(columns="k"), "no column k"),
        (frame.assign(subject="x"), "A x"),
        (frame.assign(operator=[None, "A", "B"]), "blank cells in operator"),
    ):
        with pytest.raises(UsageError, match=told):
            auditor.draw(bad, size=1, by=["k"], weights="given", seed="1", as_of=DAY)


def test_a_seed_comes_from_the_call_the_settings_or_the_system(declared):
    policy = {"spot_check": {"seed": "of the year", "size": 4, "period": 30}}
    drawn = auditor.draw(declared, policy=policy, as_of=DAY)
    assert (drawn.plan.seed, drawn.plan.seed_from, drawn.plan.size) == ("of the year", "settings", 4)
    assert drawn.plan.due_on == "2026-12-22"
    fresh = {auditor.draw(declared, as_of=DAY).plan.seed for _ in range(2)}
    assert len(fresh) == 2
    assert auditor.Policy().sha256 == auditor.Policy.model_validate(policy).sha256  # no verdict rests on it


# --- records ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def record(declared_once):
    roster = [Inspector(f"P{i}", "局") for i in range(3)]
    drawn = auditor.draw(
        declared_once, size=4, by=["kind"], weights="risk", seed="2026-1", inspectors=roster, as_of=DAY
    )
    return drawn.data


@pytest.fixture(scope="module")
def declared_once():
    return auditor.read_declaration(SHANGHAI)


def altered(data, *path, to):
    values = orjson.loads(data)
    place = values
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to(place[path[-1]])
    return canonical(values).encode()


TAMPERED = [
    (("plan", "seed"), lambda s: s + "x"),
    (("plan", "size"), lambda n: n + 1),
    (("plan", "team"), lambda _: 1),
    (("drawn", 0, "subject"), lambda _: "node:agg-lg-1"),
    (("drawn", 0, "inspectors"), lambda names: names[:1]),
    (("drawn", 1, "probability"), lambda _: "1/2"),
    (("drawn",), lambda rows: rows[:-1]),
    (("drawn",), lambda rows: rows[::-1]),
    (("strata", 0, "drawn"), lambda n: n + 1),
    (("population", "rows", 3, 2), lambda _: "room"),
    (("population", "rows", 3, 3), lambda n: n + 1),
    (("population", "rows"), lambda rows: rows[1:]),
    (("population", "sha256"), lambda s: s[::-1]),
    (("population", "units"), lambda n: n - 1),
    (("population", "columns"), lambda names: names[:-1]),
    (("population", "rows"), lambda rows: [*rows, rows[0]]),
    (("roster", 0, 0), lambda _: "Q"),
]


def test_a_record_is_drawn_again_and_tampering_is_found(record, tmp_path):
    assert faults_of(draw_of(record, "x")) == []
    path = tmp_path / "r.json"
    for place, to in TAMPERED:
        changed = altered(record, *place, to=to)
        path.write_bytes(changed)
        told = run("sample", "repeat", path)
        assert told.returncode == 4, (place, told.stdout, told.stderr)
    path.write_bytes(record)
    assert run("sample", "repeat", path).returncode == 0


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b"[]",
        b'{"schema": "auditor.result/1"}',
        b'{"schema": "auditor.draw/1"}',
        b'{"schema": "auditor.draw/1", "plan": {"seed": 1}}',
    ],
)
def test_what_is_no_record_is_refused(text, tmp_path):
    path = tmp_path / "r.json"
    path.write_bytes(text)
    told = run("sample", "repeat", path, "--lang", "zh")
    assert told.returncode == 2
    assert "Traceback" not in told.stderr
    assert not told.stderr.rstrip().endswith(("：", ":"))  # it says where


@settings(max_examples=60)
@given(st.data())
def test_no_record_makes_it_break_off(record, data):
    values = orjson.loads(record)
    place = values
    for _ in range(data.draw(st.integers(0, 3))):
        steps = list(place) if isinstance(place, dict) else list(range(len(place)))
        step = data.draw(st.sampled_from(steps)) if steps else None
        if step is None or not isinstance(place[step], dict | list):
            break
        place = place[step]
    steps = list(place) if isinstance(place, dict) else list(range(len(place)))
    if steps:
        place[data.draw(st.sampled_from(steps))] = data.draw(
            st.sampled_from([None, -1, 0, "x", [], {}, [["a"]], 10**30, True])
        )
    with contextlib.suppress(UsageError):
        faults_of(draw_of(json.dumps(values).encode(), "x"))


def test_a_record_is_held_against_declarations(tmp_path):
    record = tmp_path / "r.json"
    options = ("--weights", "risk", "--by", "kind", "--seed", "7", "--as-of", DAY)
    drawn = run("sample", "draw", "facility", SHANGHAI, *options, "-o", f"json={record}")
    assert drawn.returncode == 0
    alone = run("sample", "repeat", record, AUDITOR_STORE="sqlite:///none.db")
    assert (alone.returncode, "is not compared" in alone.stdout) == (0, True)
    same = run("sample", "repeat", record, SHANGHAI)
    assert (same.returncode, "is that of the declarations" in same.stdout) == (0, True)
    other = run("sample", "repeat", record, auditor.sample("thin"))
    assert other.returncode == 2
    assert "cannot be held against" in other.stderr
    values = orjson.loads(record.read_bytes())  # a population without one of its units, drawn anew
    found = Draw(values)
    fewer = [unit for unit in found.units if unit.subject != found.drawn[0]["subject"]]
    forged = draw_from(Population(fewer, values["sources"], {}, values["terms"]), found.plan)
    record.write_bytes(forged.data)
    assert run("sample", "repeat", record).returncode == 0
    told = run("sample", "repeat", record, SHANGHAI)
    assert (told.returncode, found.drawn[0]["subject"] in told.stdout) == (4, True)


def test_formats(tmp_path):
    options = ("facility", SHANGHAI, "--size", 2, "--seed", "7", "--as-of", DAY)
    listed = run("sample", "draw", *options, "--format", "csv").stdout.splitlines()
    assert listed[0] == "number,operator,subject,stratum,weight,probability,inspectors"
    assert len(listed) == 3
    values = orjson.loads(run("sample", "draw", *options, "--format", "json").stdout)
    assert values["schema"] == "auditor.draw/1"
    text = run("sample", "draw", *options, "--lang", "zh").stdout
    assert "抽取概率 2/31" in text
    for sub in ("draw", "repeat", "close", "list", "show"):
        assert "抽" in run("sample", sub, "--help", "--lang", "zh").stdout
    both = run("sample", "draw", "facility", SHANGHAI, "--store", "sqlite:///x.db")
    assert (both.returncode, "not both" in both.stderr) == (2, True)
    neither = run("sample", "draw", "facility")
    assert neither.returncode == 2


# --- the store --------------------------------------------------------------------------------------------


def finding(rule, subject, verdict="fail", severity="high", basis="circular"):
    return {"rule": rule, "subject": subject, "verdict": verdict, "severity": severity, "basis": basis}


def item(*findings, **more):
    verdict = "fail" if findings else "pass"
    return {
        "result": {"findings": list(findings)},
        "verdict": verdict,
        "area": "shanghai",
        "name": "N",
        "uscc": None,
        **more,
    }


@pytest.fixture
def drawn_store(store):
    keys = [add_operator(store, key) for key in ("calm", "risky", "broken", "fresh")]
    many = [finding("PILOT-FAC-01", f"node:{i}", severity="critical") for i in range(500)]
    more = [finding("PILOT-CDN-01", "contract:1"), finding("PILOT-ISP-03", "operator", basis="related_law")]
    unsure = finding("PILOT-ISP-02", "node:1", "inconclusive")
    add_run(store, {keys[0]: item(), keys[1]: item(*many, *more, unsure), keys[2]: item(unsure)})
    add_run(store, {keys[2]: {"state": "refused"}})
    return store


def plan(**options):
    day = options.pop("as_of", ON)
    return sampling.planned(auditor.Policy(), kind="operator", as_of=day, **{"seed": "1", **options})


def draw_from_store(store, areas, **options):
    return sampling.draw_store(store, plan(**options), areas, auditor.Policy())


def test_operators_of_a_store_weigh_what_is_known_of_them(drawn_store, areas):
    _, drawn = draw_from_store(drawn_store, areas, size=4, weights="risk", by=["state"])
    weights = {unit.operator: (unit.stratum, unit.parts) for unit in drawn.units}
    assert weights == {
        "calm": ("done", (0, 0, 0, 4)),
        "risky": ("done", (16 + 8, 1, 0, 4)),
        "broken": ("refused", (0, 1, 16, 4)),
        "fresh": ("never", (0, 0, 8, 4)),
    }
    _, later = draw_from_store(drawn_store, areas, size=1, weights="risk", as_of=ON + dt.timedelta(days=275))
    assert {unit.parts[3] for unit in later.units} == {3}


def test_a_draw_is_kept_once_and_drawn_again_whatever_came_later(drawn_store, areas):
    number, drawn = draw_from_store(drawn_store, areas, size=2, weights="risk", by=["area"])
    assert sampling_store.keep(drawn_store, drawn) == number
    assert sampling_store.kept(drawn_store, number) == drawn
    with drawn_store.read() as connection:
        assert ledger.verify(connection)[0] == []
    fifth = add_operator(drawn_store, "later")
    add_run(drawn_store, {1: item(finding("PILOT-FAC-01", "node:z")), fifth: item()})
    draw_from_store(drawn_store, areas, size=4, weights="risk")
    again = sampling.population_again(drawn, drawn_store, auditor.Policy())
    assert differences(drawn, again) == Differences([], [], [])
    changed = draw_of(altered(drawn.data, "population", "rows", 0, 4, to=lambda n: n + 1), "x")
    assert differences(changed, again).units
    assert not sampling_store.holds(drawn_store, changed)


def test_what_came_of_a_draw_and_where_operators_stand(drawn_store, areas):
    add_run(drawn_store, {4: item()})
    number, drawn = draw_from_store(drawn_store, areas, size=3, due_on=dt.date(2026, 12, 1))
    left = ({"calm", "risky", "broken", "fresh"} - {row["operator"] for row in drawn.drawn}).pop()
    names = {row["number"]: row["operator"] for row in drawn.drawn}

    def close(unit, outcome, note="", on=ON):
        sampling_store.close(drawn_store, number, unit, outcome, note=note, on=on)

    def stand(as_of, period=366):
        listed = sampling_store.draws(drawn_store, as_of)
        return {
            one["operator"]: one["verdict"]
            for one in sampling_store.standing(drawn_store, listed, period=period, as_of=as_of)
        }

    drawn_store.clock.ahead(days=1)
    close(1, "pass")
    close(1, "pass")
    close(2, "refused", "locked out", dt.date(2026, 11, 23))
    for unit, outcome, note, on in (
        (1, "fail", "x", ON),
        (3, "fail", "", ON),
        (3, "pass", "", dt.date(2026, 11, 1)),
    ):
        with pytest.raises(UsageError):
            close(unit, outcome, note, on)
    with pytest.raises(UsageError, match="no unit 9"):
        close(9, "pass")
    early = stand(dt.date(2026, 12, 1))
    assert early == {names[1]: "pass", names[2]: "fail", names[3]: "inconclusive", left: "pass"}
    assert sampling_store.worst([{"verdict": v} for v in early.values()]) == "fail"
    assert stand(dt.date(2026, 12, 2))[names[3]] == "fail"
    assert stand(ON)[names[2]] == "inconclusive"  # refused the day after
    close(2, "pass")
    assert stand(dt.date(2026, 12, 1))[names[2]] == "pass"
    assert set(stand(dt.date(2028, 1, 1)).values()) == {"inconclusive", "fail"}
    with drawn_store.read() as connection:
        assert ledger.verify(connection)[0] == []


def test_the_command_line_keeps_draws(drawn_store, store_url, tmp_path):
    where = ("--store", store_url, "--evidence", tmp_path / "evidence")
    record = tmp_path / "r.json"
    told = run("sample", "list", *where, "--as-of", DAY)
    assert (told.returncode, "no spot check was drawn" in told.stdout) == (3, True)
    assert "4 operators were not drawn from within the period: broken, calm, fresh, risky" in told.stdout
    drawn = run(
        "sample", "draw", "operator", *where, "--as-of", DAY, "--weights", "risk", "-o", f"json={record}"
    )
    assert drawn.returncode == 0
    assert "of 10 units wanted there are 4" in drawn.stderr
    assert run("sample", "repeat", record, *where).returncode == 0
    assert run("sample", "show", 1, *where, "--format", "json").stdout.encode() == record.read_bytes()
    assert (
        run("sample", "close", 1, 2, *where, "--outcome", "refused", "--note", "x", "--on", DAY).returncode
        == 0
    )
    assert run("sample", "close", 1, 7, *where, "--outcome", "pass", "--on", DAY).returncode == 2
    told = run("sample", "list", *where, "--as-of", DAY, "--format", "json")
    values = orjson.loads(told.stdout)
    assert (told.returncode, values["verdict"], values["draws"][0]["outcomes"]["refused"]) == (1, "fail", 1)
    assert "拒绝检查：1/2" in run("sample", "list", *where, "--as-of", DAY, "--lang", "zh").stdout
    again = [run("sample", "draw", "operator", *where, "--seed", "s", "--as-of", DAY) for _ in range(2)]
    assert ["seed s was that of draws 2" in one.stderr for one in again] == [False, True]
    facilities = run("sample", "draw", "facility", *where, "--as-of", DAY)
    assert facilities.returncode == 2
    assert run("sample", "show", 9, *where).returncode == 2


def test_the_command_line_knows_the_words_of_the_library():
    assert set(sample.KINDS) == set(KINDS) == {"operator", "facility", "link", "subscriber_area"}
    chosen = {
        p.name: getattr(p.type, "choices", ()) for own in sample.command.commands.values() for p in own.params
    }
    assert set(chosen["outcome"]) == set(sampling_store.OUTCOMES)
    assert set(chosen["weights"]) == set(WEIGHTS)


def test_an_operator_that_could_not_be_judged_weighs_more():
    for state, points in (("done", 0), ("refused", 16), ("error", 16), ("never", 8)):
        assert weighed(Asset("A", {}, state=state), "operator", 5, 2, ON) == (5, 2, points, 0)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_draw_reads_as_it_did(lang):
    listed = [
        Unit("甲公司", "node:dc-1", "within/data_centre", 1 + 17 + 2, (17, 2, 0, 0)),
        Unit("甲公司", "node:dc-2", "within/data_centre", 1, (0, 0, 0, 0)),
        Unit("乙公司", "node:room\x1b[31m", "outside/room", 1 + 12, (0, 0, 0, 12)),
        Unit("乙公司", "node:room-2", "outside/room", 1 + 12, (0, 0, 0, 12)),
        Unit("丙公司", "node:rack-1", "outside/rack", 1 + 16, (0, 0, 16, 0)),
    ]
    sources = {
        name: {"name": name, "uscc": None, "area": area}
        for name, area in (("甲公司", "shanghai"), ("乙公司", None), ("丙公司", "hainan"))
    }
    left_out = {"丁公司": {"en": "nodes.csv: is empty", "zh": "nodes.csv：为空"}}
    roster = (
        Inspector("张三", "一处", (), ("甲公司",)),
        Inspector("李四", "一处"),
        Inspector("王五", "二处", (), ("戊公司",)),
    )
    asked = sampling.planned(
        auditor.Policy(),
        kind="facility",
        as_of=ON,
        seed="2026-1",
        size=6,
        weights="risk",
        by=("area", "kind"),
        all_of=("outside/rack",),
    )
    drawn = draw_from(Population(listed, sources, left_out, {"auditor": "0"}), asked, roster)
    smaller = draw_from(
        Population(listed, sources, {}, {"auditor": "0"}), dataclasses.replace(asked, size=2), roster
    )
    lines = [
        *(note.in_(lang) for note in sampling_text.notes(drawn)),
        "",
        *sampling_text.lines(smaller, 3, lang),
    ]
    told = "".join(f"{line}\n" for line in lines)
    path = GOLDEN / f"draw.{lang}.txt"
    if os.environ.get("AUDITOR_UPDATE_GOLDEN"):
        path.write_text(told, "utf-8")
    assert told == path.read_text("utf-8")
