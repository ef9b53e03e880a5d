"""Repair of bypasses: no cheaper cut exists, and the rule itself finds none after it."""

from __future__ import annotations

import json
import tomllib
from itertools import combinations
from pathlib import Path
from random import Random

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

import auditor
from auditor import cut as cuts
from auditor.advice import advise
from auditor.cut import Core, Weights, cheapest
from auditor.errors import UsageError
from auditor.relocation import read_candidates, suggest_sites
from auditor.repair import suggest_cut

ON = "2026-11-22"
BASE = tomllib.loads((Path(__file__).parent / "rules" / "bases.toml").read_text("utf-8"))["shanghai"]
TELECOM = "中国电信股份有限公司上海分公司"
BYPASS = "PILOT-ISP-02"


def read(folder, nodes, links):
    tree = {**BASE, "network": {"complete": True, "nodes": nodes, "links": links}}
    path = folder / "net.json"
    path.write_text(json.dumps(tree, default=str), "utf-8")
    return auditor.read_declaration(path)


def case_of(declaration, areas):
    return auditor.check(declaration, areas=areas, as_of=ON, only=BYPASS).case


def fails(declaration, areas):
    findings = auditor.check(declaration, areas=areas, as_of=ON, only=BYPASS).findings.rows()
    return {f.subject.removeprefix("node:") for f in findings if f.verdict == "fail"}


# --- against all subsets, on declarations --------------------------------------------------------------------

ROLES = {
    "home": {"kind": "subscriber", "owner": "customer"},
    "olt": {"kind": "olt", "owner": "operator"},
    "router": {"kind": "router", "owner": "operator"},
    "leased": {"kind": "router", "owner": "Somebody Ltd", "holding": "lease"},
    "cache": {"kind": "cdn_edge", "owner": "operator"},
    "bng": {"kind": "bng", "owner": TELECOM},
    "run": {"kind": "bng", "owner": TELECOM, "operated_by": "operator"},
    "doubtful": {"kind": "bng"},
    "core": {"kind": "router", "owner": TELECOM},
    "third": {"kind": "router", "owner": "Somebody Ltd"},
    "ixp": {"kind": "ixp", "owner": "Somebody Ltd"},
    "egress": {"kind": "egress", "owner": "operator"},
}
GATES = {"bng", "doubtful"}
ROOTS = {"core", "ixp", "egress"}
ENDS = {"home", "cache"}
OWN = {"olt", "router", "leased", "cache", "egress"}
OUTWARD = {"transit", "peering", "cross_border"}


@st.composite
def nets(draw):
    """Nodes as a role each, and links as records, mostly from subscribers towards roots."""
    order = list(ROLES)
    roles = ["home", *draw(st.lists(st.sampled_from(order), min_size=2, max_size=6)), "core"]
    roles.sort(key=order.index)
    one_way = draw(st.booleans())
    links = []
    for number in range(draw(st.integers(len(roles) - 1, len(roles) + 4))):
        tail = draw(st.integers(0, len(roles) - 1))
        head = min(len(roles) - 1, tail + draw(st.integers(1, 3)))
        kind = draw(st.sampled_from(["fibre"] * 5 + ["access", "transit", "tunnel", "power"]))
        link = {"id": f"l{number}", "source": f"n{tail}", "target": f"n{head}", "kind": kind}
        if draw(st.integers(0, 14)) == 0:
            link["target"] = ""
        if kind == "tunnel":
            link["over"] = draw(st.sampled_from(["", "n0", "n1", "n2", f"n{len(roles) - 2}"]))
        link["owner"] = draw(st.sampled_from(["", "", "operator", TELECOM, "Somebody Ltd", "customer"]))
        cost = draw(st.sampled_from([None, None, 1, 2, 0.5, 0, 0.1]))
        link |= {} if cost is None else {"cost": cost}
        if one_way and draw(st.booleans()):
            link["direction"] = "forward"
        if draw(st.integers(0, 14)) == 0:
            link["status"] = "planned"
        links.append(link)
    return roles, links


def names(roles):
    return {f"n{i}": role for i, role in enumerate(roles)}


def of_use(roles, links):
    """Links over which a sure bypass may run."""
    role = names(roles)
    for link in links:
        over = [name for name in link.get("over", "").split(";") if name]
        sure = link["kind"] != "tunnel" or (over and not any(role[name] in GATES for name in over))
        if link["kind"] != "power" and link.get("status") != "planned" and sure:
            yield link


def may_cut(roles, link):
    ends = {names(roles).get(link[end]) for end in ("source", "target")}
    return bool(link["owner"] == "operator" or ends & OWN or ("home" in ends and not link["owner"]))


def bypassed(roles, links):
    """Subscribers that reach a root past all gates, up or down: by a walk of its own."""
    role, found = names(roles), set()
    for up in (True, False):
        onward = {}
        for link in links:
            head = link["target"] or f"?{link['id']}{'!' if link['kind'] in OUTWARD else ''}"
            both = link.get("direction") != "forward"
            if up or both:
                onward.setdefault(link["source"], set()).add(head)
            if not up or both:
                onward.setdefault(head, set()).add(link["source"])
        for start in (name for name, what in role.items() if what == "home"):
            seen, left = {start}, [start]
            while left:
                here = left.pop()
                if here.endswith("!") or role.get(here) in ROOTS:
                    found.add(start)
                    break
                if here != start and role.get(here) in ENDS:
                    continue
                new = {n for n in onward.get(here, ()) if role.get(n) not in GATES} - seen
                seen |= new
                left += new
    return found


def cost_of(link):
    return link.get("cost", 1)


def brute_force(roles, links):
    """Least cost, and fewest links at that cost, of all sets of links that leave no more than must be left."""
    usable = list(of_use(roles, links))
    free = [link for link in usable if may_cut(roles, link)]
    stuck = bypassed(roles, [link for link in usable if not may_cut(roles, link)])
    best = (np.inf, 0)
    for size in range(len(free) + 1):
        for chosen in combinations(free, size):
            price = (round(sum(map(cost_of, chosen)), 6), size)
            if price < best and bypassed(roles, [x for x in usable if x not in chosen]) == stuck:
                best = price
    return best, stuck


def node_rows(roles):
    return [{"id": f"n{i}", "services": "B14", **ROLES[role]} for i, role in enumerate(roles)]


@settings(max_examples=40)
@given(net=nets())
def test_no_smaller_cut_exists_and_the_rule_finds_no_bypass_after_it(net, areas, tmp_path_factory):
    roles, links = net
    usable = list(of_use(roles, links))
    declaration = read(tmp_path_factory.getbasetemp(), node_rows(roles), links)
    assert fails(declaration, areas) == bypassed(roles, usable)
    found = suggest_cut(case_of(declaration, areas))
    (cost, size), stuck = brute_force(roles, links)
    chosen = {step.link for step in found.steps}
    assert chosen <= {link["id"] for link in usable if may_cut(roles, link)}
    assert {one.subject for one in found.stuck} == stuck
    assert (round(found.cost, 6), len(found.steps)) == (cost, size)
    assert (found.exact, round(found.bound, 6)) == (True, cost)
    assert fails(found.declaration, areas) == stuck
    assert found.after["fail"] == found.cut["fail"] == len(stuck)
    assert bypassed(roles, [x for x in usable if x["id"] not in chosen]) == stuck
    for one in found.stuck:  # a path over links of others is a path of the declaration
        assert one.links and set(one.links) <= {x["id"] for x in usable if not may_cut(roles, x)}


@settings(max_examples=15)
@given(net=nets(), seed=st.integers(0, 9))
def test_order_of_rows_changes_nothing(net, seed, areas, tmp_path_factory):
    roles, links = net
    links = [{**link, "direction": "both"} for link in links]
    folder = tmp_path_factory.getbasetemp()
    one = suggest_cut(case_of(read(folder, node_rows(roles), links), areas)).to_dict()
    random, rows = Random(seed), node_rows(roles)  # noqa: S311 -- a reproducible test
    random.shuffle(rows)
    random.shuffle(links)
    assert suggest_cut(case_of(read(folder, rows, links), areas)).to_dict() == one


# --- against other solvers, on thousands of links ------------------------------------------------------------


def layered(seed, width=30, depth=8):
    """Undirected links between layers from roots to subjects, some fixed, with costs."""
    rng = np.random.default_rng(seed)
    n = width * depth
    layer = np.arange(n) // width
    tail = rng.integers(0, n, 8 * n)
    head = rng.integers(0, n, 8 * n)
    near = np.abs(layer[tail] - layer[head]) <= 1
    tail, head = tail[near & (tail != head)], head[near & (tail != head)]
    fixed = (layer[tail] < 2) & (layer[head] < 2)
    cost = rng.choice([0.1, 0.25, 1, 1, 3], tail.size)
    row = np.arange(n) - 2 * width + 2
    row[layer < 2] = cuts.SOURCE
    row[layer == depth - 1] = cuts.SINK
    return row[tail], row[head], fixed, cost, (depth - 3) * width + 2


def core(tail, head, n):
    """Both arcs of each link, but those into the source and out of the sink."""
    link = np.tile(np.arange(tail.size), 2)
    one, other = np.concatenate([tail, head]), np.concatenate([head, tail])
    keep = (one != other) & (one != cuts.SINK) & (other != cuts.SOURCE)
    return Core(one[keep], other[keep], link[keep], n)


def by_networkx(tail, head, fixed, cost, n):
    graph = nx.Graph()
    graph.add_nodes_from(range(n))
    for a, b, free, price in zip(tail.tolist(), head.tolist(), (~fixed).tolist(), cost.tolist(), strict=True):
        if a != b:
            before = graph.get_edge_data(a, b, {"capacity": 0})["capacity"]
            graph.add_edge(a, b, capacity=before + (round(price * 100) if free else 10**9))
    return nx.minimum_cut_value(graph, cuts.SOURCE, cuts.SINK) / 100


def by_linear_program(one, fixed, cost):
    """Greatest flow, as HiGHS finds it: each link's arcs share no capacity, since flows cancel."""
    m = one.link.size
    balance = np.zeros((one.n, m))
    balance[one.tail, np.arange(m)] -= 1
    balance[one.head, np.arange(m)] += 1
    out = (one.tail == cuts.SOURCE).astype(float)
    most = np.where(fixed, np.inf, cost)[one.link]
    inner = balance[2:]
    return -linprog(-out, A_eq=inner, b_eq=np.zeros(len(inner)), bounds=np.column_stack([0 * most, most])).fun


@pytest.mark.parametrize("seed", range(4))
def test_three_solvers_agree_on_mid_size_networks(seed):
    tail, head, fixed, cost, n = layered(seed, width=12)
    one = core(tail, head, n)
    found = cheapest([one], cost, fixed)
    spent = cost[found.links].sum()
    assert found.exact and spent == pytest.approx(float(found.bound))
    assert spent == pytest.approx(by_networkx(tail, head, fixed, cost, n))
    assert spent == pytest.approx(by_linear_program(one, fixed, cost))
    assert cuts.parts(one, found.links)


@pytest.mark.parametrize("seed", range(3))
def test_networkx_agrees_on_larger_networks(seed):
    tail, head, fixed, cost, n = layered(seed, width=120)
    one = core(tail, head, n)
    found = cheapest([one], cost, fixed)
    assert cost[found.links].sum() == pytest.approx(by_networkx(tail, head, fixed, cost, n))
    assert not fixed[found.links].any()
    assert cuts.parts(one, found.links)


@pytest.mark.parametrize("seed", range(6))
def test_all_ways_to_solve_agree(seed):
    tail, head, fixed, cost, n = layered(seed, width=8, depth=6)
    one = core(tail, head, n)
    weights = Weights.make(cost, fixed)
    flow = cuts.by_flow(one, weights)
    wide = cuts.by_flow(one, Weights(weights.of.astype(object) * 10**12, fixed, weights.unit, weights.per))
    assert flow.tolist() == wide.tolist()
    links, least = cuts.by_program([one], weights)
    assert weights.total(links) == least == weights.total(flow)


def test_costs_are_decimal_numbers_and_never_rounded():
    weights = Weights.make(np.array([0.1, 0.2, 0.3]), np.zeros(3, bool))
    both, third = weights.of[:2].sum(), weights.of[2]
    assert both > third  # 0.1 + 0.2 costs as much as 0.3, and is one link more
    assert weights.cost(int(both)) == weights.cost(int(third)) == cuts.Fraction(3, 10)
    far = Weights.make(np.array([1e-9, 1e12]), np.zeros(2, bool))
    assert far.of.dtype == object
    assert far.cost(int(far.of.sum())) == cuts.Fraction("1000000000000.000000001")


def test_costs_beyond_32_bits_are_cut_exactly():
    tail, head = np.array([0, 2, 0]), np.array([2, 1, 1])
    cost = np.array([123456789.000001, 123456789.000002, 5.0])
    found = cheapest([core(tail, head, 3)], cost, np.zeros(3, bool))
    assert found.links.tolist() == [0, 2]
    assert found.bound == cuts.Fraction("123456794.000001")


def test_two_directions_that_share_links_are_cut_at_once():
    # Up over a, down over b; each has a link of its own for 2, and both run over the one that costs 3.
    up = Core(np.array([0, 2]), np.array([2, 1]), np.array([0, 2]), 3)
    down = Core(np.array([0, 2]), np.array([2, 1]), np.array([2, 1]), 3)
    found = cheapest([up, down], np.array([2.0, 2.0, 3.0]), np.zeros(3, bool))
    assert found.links.tolist() == [2] and found.exact and found.bound == 3


def test_too_many_arcs_of_two_directions_get_a_bound(monkeypatch):
    monkeypatch.setattr(cuts, "MOST_EXACT_ARCS", 0)
    up = Core(np.array([0, 2]), np.array([2, 1]), np.array([0, 2]), 3)
    down = Core(np.array([0, 2]), np.array([2, 1]), np.array([2, 1]), 3)
    found = cheapest([up, down], np.array([2.0, 2.0, 3.0]), np.zeros(3, bool))
    assert found.links.tolist() == [0, 1] and not found.exact and found.bound == 2


# --- what is said --------------------------------------------------------------------------------------------

HOME = {"id": "home", "kind": "subscriber", "owner": "customer", "count": 812}
OLT = {"id": "olt", "kind": "olt", "owner": "operator", "lon": 121.6, "lat": 31.2, "datum": "WGS84"}
IXP = {"id": "ixp", "kind": "ixp", "owner": "Somebody Ltd"}


def gate(name, lon, region="310115", **more):
    place = {"lon": lon, "lat": 31.2, "datum": "WGS84", "region_code": region}
    return {"id": name, "kind": "bng", "owner": TELECOM, **place, **more}


def link(source, target, **more):
    return {"id": f"{source}-{target}", "source": source, "target": target, "kind": "fibre", **more}


LINKS = [link("home", "olt"), link("olt", "ixp", kind="peering")]


def test_the_only_path_is_handed_over_to_the_nearest_gate(areas, tmp_path):
    # The nearest stands outside the area.
    gates = [gate("a-far", 121.8), gate("near", 121.78), gate("nearest", 121.44, region="310104")]
    declaration = read(tmp_path, [HOME, OLT, IXP, *gates], LINKS)
    found = suggest_cut(case_of(declaration, areas))
    (step,) = found.steps
    assert (step.link, step.hand_over, step.gate, found.lost) == ("olt-ixp", True, "near", ("home",))
    assert (found.cut, found.after) == ({"fail": 0, "inconclusive": 1}, {"fail": 0, "pass": 1})
    text = "\n".join(found.lines())
    assert "from olt to near" in text and "lose their only path: home" in text
    assert found.declaration.links.column("target").to_pylist() == ["olt", "near"]
    assert suggest_cut(case_of(found.declaration, areas)).steps == ()


def test_a_far_end_that_is_not_declared_is_led_to_a_gate(areas, tmp_path):
    links = [link("home", "olt"), link("olt", "", kind="transit")]
    found = suggest_cut(case_of(read(tmp_path, [HOME, OLT, gate("bng", 121.7)], links), areas))
    assert found.steps[0].ends == ("olt", None)
    assert found.after == {"fail": 0, "pass": 1}
    assert "a far end that is not declared" in found.lines()[1]


def test_a_link_that_points_the_other_way_keeps_its_own_end(areas, tmp_path):
    links = [link("home", "olt"), link("ixp", "olt")]
    found = suggest_cut(case_of(read(tmp_path, [HOME, OLT, IXP, gate("bng", 121.7)], links), areas))
    assert found.steps[0].kept == 1
    assert found.declaration.links.column("source").to_pylist() == ["home", "bng"]
    assert found.after == {"fail": 0, "pass": 1}


def test_without_any_gate_one_is_to_be_agreed(areas, tmp_path):
    found = suggest_cut(case_of(read(tmp_path, [HOME, OLT, IXP], LINKS), areas))
    assert found.steps[0].hand_over and found.steps[0].gate is None
    assert found.after == found.cut == {"fail": 0, "inconclusive": 1}
    assert "still to be agreed" in found.lines()[1]


def test_what_stays_served_is_only_cut(areas, tmp_path):
    nodes = [HOME, OLT, IXP, gate("bng", 121.7)]
    found = suggest_cut(case_of(read(tmp_path, nodes, [*LINKS, link("olt", "bng")]), areas))
    assert not found.lost and not found.steps[0].hand_over
    assert found.after == {"fail": 0, "pass": 1}


def test_parallel_links_are_cut_each_for_itself(areas, tmp_path):
    links = [link("home", "olt", cost=9), link("olt", "ixp"), {**link("olt", "ixp"), "id": "second"}]
    found = suggest_cut(case_of(read(tmp_path, [HOME, OLT, IXP, gate("b", 121.7)], links), areas))
    assert [step.link for step in found.steps] == ["olt-ixp", "second"] and found.cost == 2


def test_links_of_others_stay_and_are_named(areas, tmp_path):
    core = {"id": "core", "kind": "router", "owner": TELECOM}
    links = [link("home", "core", owner=TELECOM)]
    found = suggest_cut(case_of(read(tmp_path, [HOME, core], links), areas))
    assert not found.steps and found.after["fail"] == 1
    assert [(one.subject, one.path, one.links) for one in found.stuck] == [
        ("home", ("home", "core"), ("home-core",))
    ]
    assert "home: by home, core, over links of others: home-core" in found.lines()[1]
    blank = suggest_cut(case_of(read(tmp_path, [HOME, core], [link("home", "core")]), areas))
    assert [step.link for step in blank.steps] == ["home-core"] and not blank.stuck


def test_a_bypass_behind_two_carriers_is_not_cut_in_the_backbone(areas, tmp_path):
    nodes = [HOME, OLT, IXP, {"id": "third", "kind": "router", "owner": "Somebody Ltd"}]
    links = [link("home", "olt", cost=5), link("olt", "third", cost=9), link("third", "ixp", cost=1)]
    found = suggest_cut(case_of(read(tmp_path, nodes, links), areas))
    assert [step.link for step in found.steps] == ["home-olt"]


def test_a_negative_cost_is_refused(areas, tmp_path):
    links = [link("home", "olt"), link("olt", "ixp", cost=-1)]
    with pytest.raises(UsageError, match="olt-ixp"):
        suggest_cut(case_of(read(tmp_path, [HOME, OLT, IXP], links), areas))


def test_both_languages_say_the_same(areas, tmp_path):
    found = suggest_cut(case_of(read(tmp_path, [HOME, OLT, IXP, gate("b", 121.7)], LINKS), areas))
    assert len(found.lines("zh")) == len(found.lines())
    assert all(any("\u4e00" <= c <= "\u9fff" for c in line) for line in found.lines("zh"))
    assert json.loads(json.dumps(found.to_dict()))["links"][0]["action"] == "hand_over"


@pytest.mark.parametrize("name", ["backbone", "shanghai_violations"])
def test_samples_have_no_bypass_after_their_repair(name, areas):
    declaration = auditor.read_declaration(auditor.sample(name))
    found = suggest_cut(case_of(declaration, areas))
    assert found.before["fail"] and not found.after["fail"]
    assert not fails(found.declaration, areas)


def test_a_lawful_network_needs_no_cut(areas):
    found = suggest_cut(case_of(auditor.read_declaration(auditor.sample("shanghai_isp_cdn")), areas))
    assert not found.steps and found.lines() == ["No subject has a bypass for sure: there is nothing to cut."]


def test_sample_is_repaired_where_it_is_cheap_and_as_its_readme_says(areas):
    declaration = auditor.read_declaration(auditor.sample("cheap_cut"))
    case = auditor.check(declaration, areas=areas, as_of=ON).case
    found = suggest_cut(case)
    assert [(s.link, s.hand_over, s.gate) for s in found.steps] == [
        ("backhaul-1", False, None),
        ("backhaul-2", False, None),
        ("feeder-3", True, "bng-1"),
    ]
    assert (found.cost, found.exact, found.lost) == (4, True, ("sub-3",))
    assert found.after == {"fail": 0, "pass": 3}
    candidates = read_candidates(auditor.sample("cheap_cut") / "sites.csv")
    sites = suggest_sites(case, candidates)
    assert sites.opened == ("lease-jq", "room-zj") and not sites.after["fail"]
    told = advise(case, candidates).parts("zh")
    assert list(told.values())[::2] == [found.lines("zh"), sites.lines("zh")]
