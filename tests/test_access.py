from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.access import (
    ACCESS_VERDICT,
    AccessGraph,
    AccessInput,
    AccessReason,
    StretchReason,
    judge_access,
    judge_stretch,
    stretch_verdict,
)
from tests import oracle
from tests.oracle import DOUBTFUL, SURE, Link, Net

BENCH = Path(__file__).parents[2] / "shared" / "bench" / "make_network.py"
BLANK_LAST = 1_000_000


def ints(values):
    return np.array(list(values), np.int32)


def masks(net, *sets):
    return [np.array([v in rows for v in range(net.n)], np.bool_) for rows in sets]


def surety(net, column):
    return np.array([column.get(v, 0) for v in range(net.n)], np.int8)


def graph_of(net, ours=frozenset()):
    ends, subject, own_server, ours = masks(net, net.ends, net.subjects, net.own_servers, ours)
    over = [(i, v) for i, link in enumerate(net.links) for v in link.over]
    return AccessGraph(
        AccessInput(
            declared=net.declared,
            n=net.n,
            tail=ints(link.tail for link in net.links),
            head=ints(-1 if link.head is None else link.head for link in net.links),
            both=np.array([link.both for link in net.links], np.bool_),
            link_sure=np.array([not link.over_blank for link in net.links], np.bool_),
            far_end_sure=np.array([link.outward for link in net.links], np.bool_),
            over_link=ints(i for i, _ in over),
            over_node=ints(v for _, v in over),
            gate=surety(net, net.gate),
            root=surety(net, net.root),
            ends=ends,
            subject=subject,
            own_server=own_server,
            ours=ours,
            complete=net.complete,
        )
    )


def access(net, own_server="inconclusive"):
    judged = judge_access(graph_of(net), own_server=own_server)
    return {int(v): AccessReason(r).name for v, r in zip(judged.subjects, judged.reason, strict=True)}


def stretch(net):
    outside, unplaced, carrier = masks(net, net.outside, net.unplaced, net.carrier)
    judged = judge_stretch(graph_of(net), outside=outside, unplaced=unplaced, carrier=carrier)
    return judged, {
        int(v): StretchReason(r).name for v, r in zip(judged.subjects, judged.reason, strict=True)
    }


def random_net(seed):
    return oracle.random_net(Random(seed))  # noqa: S311 -- a reproducible test


# Enumeration takes its time: a limit on doubts, none on time.
nets = st.randoms(use_true_random=False).map(oracle.random_net).filter(lambda net: net.doubts <= 5)
patient = settings(deadline=None)


# --- against enumeration ----------------------------------------------------------------------------------


def check_access(net, own_server):
    found = access(net, own_server)
    assert set(found) == net.subjects
    for subject, reason in found.items():
        assert reason == oracle.access(net, subject, own_server), (net, subject)
        verdict = oracle.verdict(oracle.answers(net, subject, own_server))
        assert ACCESS_VERDICT[AccessReason[reason]] == verdict
    return found.values()


def test_two_runs_decide_what_enumeration_does_on_thousands_of_networks():
    seen = Counter()
    for seed in range(1200):
        seen.update(check_access(random_net(seed), "pass" if seed % 4 == 0 else "inconclusive"))
    assert min(seen[reason.name] for reason in AccessReason) >= 10


@patient
@given(nets, st.sampled_from(["pass", "inconclusive"]))
def test_two_runs_decide_what_enumeration_does(net, own_server):
    check_access(net, own_server)


def test_stretches_from_all_equipment_at_once_are_those_from_each_on_thousands_of_networks():
    seen = Counter()
    for seed in range(1200):
        net = random_net(seed)
        _, found = stretch(net)
        assert found == {subject: oracle.stretch(net, subject) for subject in net.subjects}, net
        seen.update(found.values())
    assert min(seen[reason.name] for reason in StretchReason) >= 10


@patient
@given(nets)
def test_stretches_from_all_equipment_at_once_are_those_from_each(net):
    assert stretch(net)[1] == {subject: oracle.stretch(net, subject) for subject in net.subjects}


# --- witnesses --------------------------------------------------------------------------------------------


def candidates(net, subject, reason, *, upstream):
    """All paths that would show this reason."""
    against_operator, *_, for_operator = [*oracle.completions(net)] * 2
    if reason == "BYPASS":
        return oracle.bypasses(net, subject, for_operator, upstream=upstream)
    if reason == "BYPASS_IF_DOUBTFUL":
        return oracle.bypasses(net, subject, against_operator, upstream=upstream)
    if reason in {"NO_PATH", "INSIDE", "NO_LINK"}:
        return []
    if reason in {"OUTSIDE", "OUTSIDE_IF_DOUBTFUL", "UNPLACED"}:
        return oracle.approaches(net, subject, upstream=upstream)[reason]
    gates = frozenset(v for v, how in net.gate.items() if how == SURE)
    return list(oracle.paths_to(net, subject, gates, frozenset(), upstream=upstream))


def check_witnesses(net, judged, name, rng):
    names = list(range(net.n))
    rng.shuffle(names)
    shown = judged.witnesses(lambda rows: ints(names)[rows])
    assert np.array_equal(judged.lengths, np.diff(shown.paths.offsets))
    for k, subject in enumerate(judged.subjects.tolist()):
        part = slice(shown.paths.offsets[k], shown.paths.offsets[k + 1])
        nodes, links = shown.paths.nodes[part].tolist(), shown.paths.links[part].tolist()
        reason = name(judged.reason[k]).name
        upstream = not judged.downstream[k]
        known = {
            tuple(-1 if isinstance(node, str) else node for _, node in path)
            for path in candidates(net, subject, reason, upstream=upstream)
        }
        best = min(known, key=lambda p: (len(p), [BLANK_LAST if v < 0 else names[v] for v in p]), default=())
        assert tuple(nodes) == best, (net, subject, reason)
        check_walk(net, nodes, links, upstream=upstream)
        check_doubts(net, nodes, reason, shown, part)


def check_walk(net, nodes, links, *, upstream):
    """Each hop takes its link in the right direction; a tunnel may also end at a gate that it crosses."""
    for i, (here, there) in zip(links[:-1], pairwise(nodes), strict=True):
        link = net.links[i]
        head = -1 if link.head is None else link.head
        hop = (here, there) if upstream else (there, here)
        joins = hop == (link.tail, head) or (link.both and hop == (head, link.tail))
        assert joins or (there in link.over and net.gate.get(there)), (net, nodes, links)
    assert links[-1:] == ([-1] if nodes else [])


def check_doubts(net, nodes, reason, shown, part):
    node, link = shown.doubtful_node[part].tolist(), shown.doubtful_link[part].tolist()
    if reason == "BYPASS":
        assert not any(node + link)
    if reason == "BYPASS_IF_DOUBTFUL":
        assert any(node + link)
        assert not any(net.gate.get(v) == SURE for v in nodes)
    for v, doubted in zip(nodes[:-1], node, strict=False):
        assert doubted == (net.gate.get(v) == DOUBTFUL)


def test_witnesses_are_the_smallest_of_all_that_show_the_reason():
    for seed in range(600):
        net, rng = random_net(seed), Random(seed)  # noqa: S311 -- a reproducible test
        check_witnesses(net, judge_access(graph_of(net)), AccessReason, rng)
        check_witnesses(net, stretch(net)[0], StretchReason, rng)


@patient
@given(nets, st.randoms(use_true_random=False))
def test_witnesses_are_the_smallest(net, rng):
    check_witnesses(net, judge_access(graph_of(net)), AccessReason, rng)
    check_witnesses(net, stretch(net)[0], StretchReason, rng)


@patient
@given(nets, st.data())
def test_witnesses_of_some_subjects_are_those_of_all(net, data):
    judged = judge_access(graph_of(net, ours=net.own_servers | net.subjects))
    count = judged.subjects.size
    at = np.array(data.draw(st.lists(st.integers(0, count - 1), max_size=5)), np.int64)
    whole, some = judged.witnesses(lambda rows: rows), judged.witnesses(lambda rows: rows, at)
    for k, position in enumerate(at.tolist()):
        there = slice(whole.paths.offsets[position], whole.paths.offsets[position + 1])
        here = slice(some.paths.offsets[k], some.paths.offsets[k + 1])
        assert some.paths.nodes[here].tolist() == whole.paths.nodes[there].tolist()
        assert some.paths.links[here].tolist() == whole.paths.links[there].tolist()
        assert (some.near[k], some.far[k]) == (whole.near[position], whole.far[position])


# --- properties -------------------------------------------------------------------------------------------


def renamed(net, new):
    """The same network with rows of nodes exchanged (declared ones among themselves) and links shuffled."""
    rows = lambda group: frozenset(new[v] for v in group)  # noqa: E731 -- one word says it
    links = [
        replace(
            link,
            tail=new[link.tail],
            head=None if link.head is None else new[link.head],
            over=tuple(new[v] if v >= 0 else v for v in link.over),
        )
        for link in net.links
    ]
    return replace(
        net,
        links=tuple(links[::-1]),
        gate={new[v]: how for v, how in net.gate.items()},
        root={new[v]: how for v, how in net.root.items()},
        ends=rows(net.ends),
        subjects=rows(net.subjects),
        own_servers=rows(net.own_servers),
        outside=rows(net.outside),
        unplaced=rows(net.unplaced),
        carrier=rows(net.carrier),
    )


@patient
@given(nets, st.data())
def test_row_order_changes_neither_verdicts_nor_witnesses(net, data):
    new = [*data.draw(st.permutations(range(net.declared))), *range(net.declared, net.n)]
    other = renamed(net, new)
    old = np.argsort(new)
    for judge in (lambda net: judge_access(graph_of(net)), lambda net: stretch(net)[0]):
        before, after = judge(net), judge(other)
        place = [after.subjects.tolist().index(new[v]) for v in before.subjects.tolist()]
        assert after.reason[place].tolist() == before.reason.tolist()
        shown = before.witnesses(lambda rows: rows).paths
        again = after.witnesses(lambda rows: old[rows], np.array(place)).paths
        back = np.where(again.nodes < 0, -1, old[again.nodes])
        assert back.tolist() == shown.nodes.tolist()


@patient
@given(nets, st.data())
def test_another_link_never_mends_a_fail(net, data):
    node = st.integers(0, net.n - 1)
    extra = Link(
        data.draw(node), data.draw(node), data.draw(st.booleans()), over_blank=data.draw(st.booleans())
    )
    before, after = access(net), access(replace(net, links=(*net.links, extra)))
    assert all(after[v] == "BYPASS" for v, reason in before.items() if reason == "BYPASS")


@patient
@given(nets, st.data())
def test_another_gate_never_breaks_a_pass(net, data):
    gate = {**net.gate, data.draw(st.integers(0, net.declared - 1)): SURE}
    before, after = access(net), access(replace(net, gate=gate))
    assert all(after[v] == "THROUGH_GATE" for v, reason in before.items() if reason == "THROUGH_GATE")


@patient
@given(nets)
def test_a_link_listed_once_each_way_is_a_link_both_ways(net):
    """Exports often list each physical link twice (RFC 8345 has one-way links only)."""
    both = [link for link in net.links if link.both]
    halves = []
    for link in both:
        if link.head is None:
            return
        halves += [replace(link, both=False), replace(link, tail=link.head, head=link.tail, both=False)]
    once, twice = replace(net, links=tuple(both)), replace(net, links=tuple(halves))
    assert access(once) == access(twice)
    assert stretch(once)[1] == stretch(twice)[1]


# --- one test for each subtlety ---------------------------------------------------------------------------

LETTERS = "SABCDEFGHIJKLMNOPQRTUVWXYZ"


def spell(text, *, gate="", maybe_gate="", root="", maybe_root="", ends="S", own="", undeclared="", **more):
    """Network of one-letter nodes: ``S-G`` both ways, ``S>G`` one way, ``A-?`` blank far end, ``A-!`` transit.

    ``S-R/G`` is a tunnel over G, ``S-R/`` one over nobody says what, ``S-R/?`` one over an unknown id.
    """
    letters = {c for c in text + gate + maybe_gate + root + maybe_root + ends if c.isalpha()} - set(
        undeclared
    )
    order = sorted(letters, key=LETTERS.index) + list(undeclared)
    row = {letter: i for i, letter in enumerate(order)} | {"?": -1}
    links = []
    for word in text.split():
        ends_of, tunnel, over = word.partition("/")
        tail, way, head = ends_of
        links.append(
            Link(
                row[tail],
                row[head] if head in order else None,
                way == "-",
                tuple(row[c] for c in over),
                bool(tunnel) and not over,
                head == "!",
            )
        )
    rows = lambda names: frozenset(row[c] for c in names)  # noqa: E731 -- one word says it
    net = Net(
        len(letters),
        len(order),
        tuple(links),
        dict.fromkeys(rows(gate), SURE) | dict.fromkeys(rows(maybe_gate), DOUBTFUL),
        dict.fromkeys(rows(root), SURE) | dict.fromkeys(rows(maybe_root), DOUBTFUL),
        rows(ends),
        rows(more.get("subjects", "S")),
        rows(own),
        more.get("complete", True),
        *(rows(more.get(name, "")) for name in ("outside", "unplaced", "carrier")),
    )
    return net, order


def tell(judged, order, name):
    """Reason and witness of S, or of the first subject."""
    shown = judged.witnesses(lambda rows: rows)
    nodes = shown.paths.nodes[: shown.paths.offsets[1]]
    return name(judged.reason[0]).name, "".join("?" if v < 0 else order[v] for v in nodes)


def isp02(text, own_server="inconclusive", **roles):
    net, order = spell(text, **roles)
    return tell(judge_access(graph_of(net), own_server=own_server), order, AccessReason)


def isp06(text, **roles):
    net, order = spell(text, **roles)
    return tell(stretch(net)[0], order, StretchReason)


ISP02 = {
    # roles
    "through the gate": ("S-A A-G G-R", {"gate": "G", "root": "R"}, ("THROUGH_GATE", "SAG")),
    "carrier's core is a root, no gate": ("S-A A-C C-R", {"root": "CR"}, ("BYPASS", "SAC")),
    "a second uplink past the gate": ("S-A A-G G-R A-B B-R", {"gate": "G", "root": "R"}, ("BYPASS", "SABR")),
    "a second gate": ("S-A A-G G-R A-H H-R", {"gate": "GH", "root": "R"}, ("THROUGH_GATE", "SAG")),
    # subject, gates and roots adjacent or one and the same
    "directly on a gate": ("S-G G-R", {"gate": "G", "root": "R"}, ("THROUGH_GATE", "SG")),
    "also on a root": ("S-G S-R", {"gate": "G", "root": "R"}, ("BYPASS", "SR")),
    "subject is a root": ("S-G", {"gate": "G", "root": "S"}, ("BYPASS", "S")),
    "subject is a gate": ("S-R", {"gate": "S", "root": "R"}, ("THROUGH_GATE", "S")),
    "subject is a gate and a root": ("", {"gate": "S", "root": "S"}, ("THROUGH_GATE", "S")),
    "gate and root adjacent": ("S-A A-R G-R", {"gate": "G", "root": "R"}, ("BYPASS", "SAR")),
    "a root that is a sure gate is no root": ("S-G", {"gate": "G", "root": "G"}, ("THROUGH_GATE", "SG")),
    # nodes that end paths
    "another subscriber carries nobody": (
        "S-A A-G G-R A-T T-B B-R",
        {"gate": "G", "root": "R", "ends": "ST"},
        ("THROUGH_GATE", "SAG"),
    ),
    "a data centre declared transit does": (
        "S-A A-G G-R A-T T-B B-R",
        {"gate": "G", "root": "R"},
        ("BYPASS", "SATBR"),
    ),
    "a root that ends paths is reached": ("S-A A-R", {"root": "R", "ends": "SR"}, ("BYPASS", "SAR")),
    # doubts
    "doubtful gate only": (
        "S-A A-D D-R",
        {"maybe_gate": "D", "root": "R"},
        ("BYPASS_IF_DOUBTFUL", "SADR"),
    ),
    "doubtful gate before a sure one": (
        "S-D D-G G-R",
        {"maybe_gate": "D", "gate": "G", "root": "R"},
        ("THROUGH_GATE", "SDG"),
    ),
    "unknown owner: doubtful gate and doubtful root": (
        "S-D D-G G-R",
        {"maybe_gate": "D", "maybe_root": "D", "gate": "G", "root": "R"},
        ("BYPASS_IF_DOUBTFUL", "SD"),
    ),
    "third party's node is a doubtful root": (
        "S-X X-G G-R",
        {"maybe_root": "X", "gate": "G", "root": "R"},
        ("BYPASS_IF_DOUBTFUL", "SX"),
    ),
    "a sure root behind it is a sure bypass": (
        "S-X X-R",
        {"maybe_root": "X", "root": "R"},
        ("BYPASS", "SXR"),
    ),
    # far ends and nodes that nobody declared
    "transit to a blank far end": ("S-A A-G G-R A-!", {"gate": "G", "root": "R"}, ("BYPASS", "SA?")),
    "fibre to a blank far end": (
        "S-A A-G G-R A-?",
        {"gate": "G", "root": "R"},
        ("BYPASS_IF_DOUBTFUL", "SA?"),
    ),
    "blank far end behind the gate": ("S-G G-? G-!", {"gate": "G"}, ("THROUGH_GATE", "SG")),
    "undeclared node": (
        "S-A A-G G-R A-U",
        {"gate": "G", "root": "R", "undeclared": "U"},
        ("BYPASS_IF_DOUBTFUL", "SAU"),
    ),
    "undeclared node carries": ("S-U U-R", {"root": "R", "undeclared": "U"}, ("BYPASS", "SUR")),
    # links
    "parallel links": ("S-G S-G G-R G-R", {"gate": "G", "root": "R"}, ("THROUGH_GATE", "SG")),
    "self-loop": ("S-S S-G G-R", {"gate": "G", "root": "R"}, ("THROUGH_GATE", "SG")),
    "tunnel over a gate": ("S-A A-R/G G-R", {"gate": "G", "root": "R"}, ("THROUGH_GATE", "SAG")),
    "tunnel over no gate": ("S-A A-R/B B-R A-G", {"gate": "G", "root": "R"}, ("BYPASS", "SAR")),
    "tunnel over a doubtful gate": (
        "S-G S-R/D",
        {"gate": "G", "maybe_gate": "D", "root": "R"},
        ("BYPASS_IF_DOUBTFUL", "SR"),
    ),
    "tunnel over a doubtful gate leads to none of its neighbours": (
        "S-G S-A/D D-R",
        {"gate": "G", "maybe_gate": "D", "root": "R"},
        ("THROUGH_GATE", "SG"),
    ),
    "tunnel over blank": ("S-G S-R/", {"gate": "G", "root": "R"}, ("BYPASS_IF_DOUBTFUL", "SR")),
    "tunnel over a node not declared": (
        "S-G S-R/?",
        {"gate": "G", "root": "R"},
        ("BYPASS_IF_DOUBTFUL", "SR"),
    ),
    "tunnel over an undeclared node": (
        "S-G S-R/U",
        {"gate": "G", "root": "R", "undeclared": "U"},
        ("BYPASS_IF_DOUBTFUL", "SR"),
    ),
    "tunnel over a gate and an undeclared node": (
        "S-R/G?",
        {"gate": "G", "root": "R"},
        ("THROUGH_GATE", "SG"),
    ),
    # directions
    "one way up": ("S>A A>R R-G S-G", {"gate": "G", "root": "R"}, ("BYPASS", "SAR")),
    "one way down": ("R>A A>S R-G S-G", {"gate": "G", "root": "R"}, ("BYPASS", "SAR")),
    "one-way bypass that leads nowhere": (
        "A>S A>R S-G G-R",
        {"gate": "G", "root": "R"},
        ("THROUGH_GATE", "SG"),
    ),
    "served one way only": ("S>G G-R", {"gate": "G", "root": "R"}, ("NO_PATH", "")),
    # no path, own server, completeness
    "no link": ("G-R", {"gate": "G", "root": "R"}, ("NO_PATH", "")),
    "no root, no gate": ("S-A A-B", {}, ("NO_PATH", "")),
    "doubtful gate and nothing behind": ("S-D", {"maybe_gate": "D"}, ("NO_PATH", "")),
    "gate and nothing behind": ("S-G", {"gate": "G"}, ("THROUGH_GATE", "SG")),
    "own server in front": (
        "S-A A-O O-G G-R",
        {"own": "O", "gate": "G", "root": "R"},
        ("OWN_SERVER_IN_FRONT", "SAOG"),
    ),
    "own server on one of two ways": (
        "S-O O-G S-A A-H G-R H-R",
        {"own": "O", "gate": "GH", "root": "R"},
        ("THROUGH_GATE", "SAH"),
    ),
    "own server and no gate": ("S-O O-R", {"own": "O", "root": "R"}, ("BYPASS", "SOR")),
    "not complete": ("S-G G-R", {"gate": "G", "root": "R", "complete": False}, ("NOT_COMPLETE", "SG")),
    "not complete does not hide a fail": ("S-R", {"root": "R", "complete": False}, ("BYPASS", "SR")),
}


@pytest.mark.parametrize(("text", "roles", "expected"), ISP02.values(), ids=ISP02)
def test_isp02(text, roles, expected):
    assert isp02(text, **roles) == expected


def test_policy_may_allow_own_servers():
    assert isp02("S-O O-G", "pass", own="O", gate="G") == ("THROUGH_GATE", "SOG")


ISP06 = {
    "gate outside": ("S-A A-G", {"gate": "G", "carrier": "G", "outside": "G"}, ("OUTSIDE", "SAG")),
    "gate without place": ("S-A A-G", {"gate": "G", "unplaced": "G"}, ("UNPLACED", "SAG")),
    "gate inside": ("S-A A-G", {"gate": "G"}, ("INSIDE", "")),
    "outside behind another gate": (
        "S-G G-H",
        {"gate": "GH", "carrier": "GH", "outside": "H"},
        ("INSIDE", ""),
    ),
    "outside behind a doubtful gate": (
        "S-D D-H",
        {"maybe_gate": "D", "gate": "H", "carrier": "DH", "outside": "H"},
        ("INSIDE", ""),
    ),
    "outside behind a sure root": (
        "S-R R-G",
        {"gate": "G", "root": "R", "carrier": "G", "outside": "G"},
        ("INSIDE", ""),
    ),
    "carrier's core outside is no matter": (
        "S-G G-R",
        {"gate": "G", "root": "R", "carrier": "GR", "outside": "R"},
        ("INSIDE", ""),
    ),
    "carrier's other node outside on the stretch": (
        "S-C C-G",
        {"gate": "G", "carrier": "CG", "outside": "C"},
        ("OUTSIDE", "SC"),
    ),
    "carrier's cache outside lies on no stretch": (
        "S-A A-C A-G",
        {"gate": "G", "carrier": "CG", "outside": "C", "ends": "SC"},
        ("INSIDE", ""),
    ),
    "operator's own node outside is not asked here": (
        "S-A A-G",
        {"gate": "G", "carrier": "G", "outside": "A"},
        ("INSIDE", ""),
    ),
    "gate of unknown owner outside": (
        "S-D",
        {"maybe_gate": "D", "outside": "D"},
        ("OUTSIDE_IF_DOUBTFUL", "SD"),
    ),
    "carrier's doubtful gate outside": (
        "S-D",
        {"maybe_gate": "D", "carrier": "D", "outside": "D"},
        ("OUTSIDE", "SD"),
    ),
    "gate outside over a doubtful tunnel": (
        "S-G/",
        {"gate": "G", "carrier": "G", "outside": "G"},
        ("OUTSIDE_IF_DOUBTFUL", "SG"),
    ),
    "tunnel over a gate outside": (
        "S-R/G",
        {"gate": "G", "root": "R", "carrier": "G", "outside": "G"},
        ("OUTSIDE", "SG"),
    ),
    "tunnel over a gate inside to one outside": (
        "S-G/H",
        {"gate": "GH", "carrier": "GH", "outside": "G"},
        ("INSIDE", ""),
    ),
    "outside counts before unplaced": (
        "S-G S-H",
        {"gate": "GH", "carrier": "GH", "outside": "H", "unplaced": "G"},
        ("OUTSIDE", "SH"),
    ),
    "one way down from a gate outside": (
        "G>S S-H",
        {"gate": "GH", "carrier": "GH", "outside": "G"},
        ("OUTSIDE", "SG"),
    ),
    "no link": ("A-G", {"gate": "G", "outside": "G"}, ("NO_LINK", "")),
    "only a self-loop": ("S-S", {}, ("NO_LINK", "")),
    "a link to a blank far end is a link": ("S-?", {}, ("INSIDE", "")),
}


@pytest.mark.parametrize(("text", "roles", "expected"), ISP06.values(), ids=ISP06)
def test_isp06(text, roles, expected):
    assert isp06(text, **roles) == expected


def test_only_equipment_surely_outside_fails_and_only_where_policy_requires_it():
    required, silent = stretch_verdict(required=True), stretch_verdict(required=False)
    assert [str(required[reason]) for reason in StretchReason] == [
        *("pass", "not_applicable", "inconclusive", "inconclusive", "fail")
    ]
    assert silent == required | {StretchReason.OUTSIDE: silent[StretchReason.UNPLACED]}


def handoff(text, ours, **roles):
    net, order = spell(text, **roles)
    judged = judge_access(graph_of(net, ours=[order.index(c) for c in ours]))
    shown = judged.witnesses(lambda rows: rows)
    return tuple("" if v < 0 else order[v] for v in (shown.near[0], shown.far[0]))


def test_handoff_is_the_first_link_off_the_operators_and_customers_nodes():
    assert handoff("S-A A-B B-X X-R", "SAB", root="R") == ("B", "X")
    assert handoff("S-R", "S", root="R") == ("S", "R")
    assert handoff("S-A A-B B-R", "SBR", root="R") == ("S", "A")
    assert handoff("S-A A-R", "SAR", root="R") == ("", "")
    assert handoff("S-A A-!", "SA") == ("A", "")
    assert handoff("S-A", "SA") == ("", "")


def test_doubts_are_marked_where_they_lie():
    net, order = spell("S-D D-A/ A-X", maybe_gate="D", maybe_root="X")
    shown = judge_access(graph_of(net)).witnesses(lambda rows: rows)
    assert [order[v] for v in shown.paths.nodes] == ["S", "D", "A", "X"]
    assert shown.doubtful_node.tolist() == [False, True, False, True]
    assert shown.doubtful_link.tolist() == [False, True, False, False]
    assert shown.paths.links.tolist() == [0, 1, 2, -1]


def test_a_sure_parallel_link_is_shown_instead_of_a_doubtful_one():
    net, _ = spell("S-D/ S-D D-R", maybe_gate="D", root="R")
    shown = judge_access(graph_of(net)).witnesses(lambda rows: rows)
    assert shown.paths.links.tolist() == [1, 2, -1]
    assert not shown.doubtful_link.any()


def test_columns_over_nodes_may_stop_after_the_declared_ones():
    net, _ = spell("S-A A-U A-? A-G", gate="G", undeclared="U")
    whole = graph_of(net).given
    names = ("gate", "root", "ends", "subject", "own_server", "ours")
    short = replace(whole, **{name: getattr(whole, name)[: net.declared] for name in names})
    assert judge_access(AccessGraph(short)).reason.tolist() == [AccessReason.BYPASS_IF_DOUBTFUL]


def test_no_subjects_no_reasons():
    net, _ = spell("S-G", gate="G", subjects="")
    judged = judge_access(graph_of(net))
    assert judged.subjects.size == judged.reason.size == judged.lengths.size == 0
    assert judged.witnesses(lambda rows: rows).paths.offsets.tolist() == [0]


# --- the bench generator's own answers --------------------------------------------------------------------


def generated(monkeypatch, folder, n, seed):
    if not BENCH.exists():
        pytest.skip("needs ../shared")
    spec = importlib.util.spec_from_file_location("make_network", BENCH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(sys, "argv", ["make_network.py", str(n), str(folder), "--seed", str(seed)])
    module.main()
    return [pq.read_table(folder / f"{name}.parquet").to_pandas() for name in ("nodes", "links", "expected")]


@pytest.mark.shared
@pytest.mark.parametrize(("n", "seed"), [(2000, 7), (20000, 8), (2000, 9)])
def test_answers_of_the_bench_generator(monkeypatch, tmp_path, n, seed):
    nodes, links, expected = generated(monkeypatch, tmp_path, n, seed)
    row = dict(zip(nodes.id, range(n), strict=True))
    kind, owner = nodes.kind.to_numpy(), nodes.owner.to_numpy()
    carrier = np.isin(owner, ["中国电信", "中国联通", "中国移动"])
    unknown = owner == ""
    gate = np.where((kind == "bng") & carrier, SURE, 0)
    gate[((kind == "bng") & unknown) | ((kind == "olt") & (carrier | unknown))] = DOUBTFUL
    root = np.where((kind == "egress") | ((kind == "router") & carrier), SURE, 0)
    root[(kind == "bng") & unknown] = DOUBTFUL
    count = len(links)
    network = AccessGraph(
        AccessInput(
            declared=n,
            n=n,
            tail=ints(links.source.map(row)),
            head=ints(links.target.map(row)),
            both=np.ones(count, np.bool_),
            link_sure=np.ones(count, np.bool_),
            far_end_sure=np.zeros(count, np.bool_),
            over_link=ints([]),
            over_node=ints([]),
            gate=gate.astype(np.int8),
            root=root.astype(np.int8),
            ends=np.isin(kind, ["subscriber", "data_centre"]),
            subject=kind == "subscriber",
            own_server=np.zeros(n, np.bool_),
            ours=np.isin(owner, ["operator", "customer"]),
            complete=True,
        )
    )
    outside = (nodes.lon < 121.5).to_numpy()  # inside lies round 121.68, outside round 121.40 and 120.16
    access_found = judge_access(network)
    stretch_found = judge_stretch(network, outside=outside, unplaced=np.zeros(n, np.bool_), carrier=carrier)
    silent = stretch_verdict(required=False)
    found = set()
    for rule, judged, verdict in (
        ("PILOT-ISP-02", access_found, lambda reason: ACCESS_VERDICT[AccessReason(reason)]),
        ("PILOT-ISP-06", stretch_found, lambda reason: silent[StretchReason(reason)]),
    ):
        for v, reason in zip(judged.subjects, judged.reason, strict=True):
            if verdict(reason) in {"fail", "inconclusive"}:
                found.add((rule, f"node:{nodes.id[v]}", str(verdict(reason))))
    wanted = expected[expected.rule.isin(["PILOT-ISP-02", "PILOT-ISP-06"])]
    assert found == set(wanted.itertuples(index=False, name=None))
