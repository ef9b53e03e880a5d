from __future__ import annotations

from collections import deque
from itertools import pairwise
from random import Random

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import shortest, topology
from auditor.shortest import paths, taken, tree, witnesses
from auditor.topology import Arcs, csr, search

patient = settings(deadline=None)


def column(values):
    return np.array(list(values), np.int32)


def mask(n, rows):
    return np.isin(np.arange(n), list(rows))


def build(n, links):
    """Arcs of (tail, head, both) triples, numbered from 0."""
    links = list(links)
    return Arcs(
        n,
        column(tail for tail, _, _ in links),
        column(head for _, head, _ in links),
        np.array([both for _, _, both in links], np.bool_),
        column(range(len(links))),
    )


def chain(n):
    return build(n, [(i, i + 1, True) for i in range(n - 1)])


@st.composite
def networks(draw, *, directed=True):
    n = draw(st.integers(1, 12))
    node = st.integers(0, n - 1)
    both = st.booleans() if directed else st.just(value=True)
    links = draw(st.lists(st.tuples(node, node, both), max_size=30))
    some = st.sets(node, max_size=4)
    return n, links, draw(some), draw(some), draw(some), draw(st.sets(st.integers(0, 29), max_size=3))


def plain_levels(network, *, against):
    """Levels by a queue, one node at a time."""
    n, links, roots, blocked, ends, absent = network
    onward = {v: [] for v in range(n)}
    for i, (tail, head, both) in enumerate(links):
        if i not in absent:
            if not against or both:
                onward[tail].append(head)
            if against or both:
                onward[head].append(tail)
    level = dict.fromkeys(set(roots) - set(blocked), 0)
    queue = deque(level)
    while queue:
        here = queue.popleft()
        if here in ends and level[here]:
            continue
        for there in onward[here]:
            if there not in level and there not in blocked:
                level[there] = level[here] + 1
                queue.append(there)
    return [level.get(v, -1) for v in range(n)]


@patient
@given(networks(), st.booleans())
def test_levels_are_those_of_a_plain_search(network, against):
    n, links, roots, blocked, ends, absent = network
    found = search(
        csr(build(n, links), reverse=against),
        column(roots),
        blocked=mask(n, blocked),
        ends=mask(n, ends),
        absent=mask(len(links), absent),
    )
    assert found.level.tolist() == plain_levels(network, against=against)
    assert found.level.dtype == np.int32


def shortest_by_ids(found, links, subject, names, *, upstream):
    """All shortest paths one by one, and of these the smallest by names."""
    steps = {v: set() for v in range(found.level.size)}
    for tail, head, both in links:
        if upstream or both:
            steps[tail].add(head)
        if not upstream or both:
            steps[head].add(tail)

    def walk(path):
        here = path[-1]
        if found.level[here] == 0:
            yield path
        for there in steps[here]:
            if found.level[there] == found.level[here] - 1 and found.through[there]:
                yield from walk([*path, there])

    return min(walk([subject]), key=lambda path: [names[v] for v in path])


@patient
@given(networks(), st.booleans(), st.randoms(use_true_random=False))
def test_witnesses_are_the_smallest_shortest_paths(network, upstream, rng):
    n, links, roots, blocked, ends, absent = network
    names = list(range(n))
    rng.shuffle(names)
    arcs = build(n, links)
    against, along = csr(arcs, reverse=upstream), csr(arcs, reverse=not upstream)
    gone = mask(len(links), absent)
    found = search(against, column(roots), blocked=mask(n, blocked), ends=mask(n, ends), absent=gone)
    usable = [link for link, out in zip(links, gone, strict=True) if not out]
    targets = column(range(n))
    shown = witnesses(found, along, targets, rank=lambda rows: column(names)[rows])
    for v in range(n):
        nodes = shown.nodes[shown.offsets[v] : shown.offsets[v + 1]].tolist()
        used = shown.links[shown.offsets[v] : shown.offsets[v + 1]].tolist()
        if found.level[v] < 0:
            assert nodes == []
            continue
        best = shortest_by_ids(found, usable, v, names, upstream=upstream)
        assert nodes == best
        assert used[-1] == topology.NONE
        for i, here, there in zip(used, nodes, nodes[1:], strict=False):
            tail, head, both = links[i]
            ways = [(tail, head)] if upstream else [(head, tail)]
            assert (here, there) in ways + [(there, here) for here, there in ways if both]
            assert not gone[i]


@patient
@given(networks(), st.randoms(use_true_random=False))
def test_row_order_of_links_changes_no_path(network, rng):
    n, links, roots, blocked, ends, _ = network
    shuffled = list(links)
    rng.shuffle(shuffled)
    shown = []
    for order in (links, shuffled):
        arcs = build(n, order)
        found = search(csr(arcs, reverse=True), column(roots), blocked=mask(n, blocked), ends=mask(n, ends))
        shown.append(witnesses(found, csr(arcs), column(range(n)), rank=lambda rows: -rows).nodes.tolist())
    assert shown[0] == shown[1]


@patient
@given(networks(directed=False))
def test_one_csr_serves_where_all_links_run_both_ways(network):
    n, links, *_ = network
    arcs = build(n, links)
    one, other = csr(arcs), csr(arcs, reverse=True)
    for v in range(n):
        here = slice(one.ptr[v], one.ptr[v + 1])
        assert sorted(zip(one.adj[here].tolist(), one.link[here].tolist(), strict=True)) == sorted(
            zip(other.adj[here].tolist(), other.link[here].tolist(), strict=True)
        )


def test_parallel_links_and_self_loops_are_kept():
    graph = csr(build(2, [(0, 1, True), (0, 1, True), (0, 0, True)]))
    assert graph.n == 2
    assert sorted(graph.link[: graph.ptr[1]].tolist()) == [0, 1, 2, 2]
    assert graph.adj.dtype == graph.link.dtype == graph.ptr.dtype == np.int32


def test_of_parallel_links_the_lower_link_rank_wins_then_the_lower_number():
    graph = csr(build(2, [(0, 1, True), (1, 0, True), (0, 1, True)]))
    nothing = np.zeros(2, np.bool_)
    found = search(graph, column([1]), blocked=nothing, ends=nothing)
    rank = lambda rows: rows  # noqa: E731 -- one word says it
    assert witnesses(found, graph, column([0]), rank).links.tolist() == [0, -1]
    ranked = witnesses(found, graph, column([0]), rank, link_rank=np.array([1, 0, 0], np.int8))
    assert ranked.links.tolist() == [1, -1]


def test_ranks_are_asked_only_where_next_hops_tie():
    #   0 - 1 - 3 - 4, 0 - 2 - 3: only 1 and 2 are rivals
    graph = csr(build(5, [(0, 1, True), (0, 2, True), (1, 3, True), (2, 3, True), (3, 4, True)]))
    nothing = np.zeros(5, np.bool_)
    found = search(graph, column([4]), blocked=nothing, ends=nothing)
    asked = []

    def rank(rows):
        asked.extend(rows.tolist())
        return rows

    assert witnesses(found, graph, column([0]), rank).nodes.tolist() == [0, 1, 3, 4]
    assert asked == [1, 2]


@pytest.mark.parametrize("n", [0, 1])
def test_networks_without_links_or_nodes(n):
    graph = csr(build(n, []))
    nothing = np.zeros(n, np.bool_)
    found = search(graph, column(range(n)), blocked=nothing, ends=nothing)
    assert found.level.tolist() == [0] * n
    assert found.reached.all()
    assert witnesses(found, graph, column(range(n)), rank=lambda rows: rows).nodes.tolist() == list(range(n))


def test_chain_of_a_million_nodes():
    n = 1_000_000
    arcs = chain(n)
    nothing = np.zeros(n, np.bool_)
    found = search(csr(arcs), column([n - 1]), blocked=nothing, ends=nothing)
    assert np.array_equal(found.level, np.arange(n)[::-1])
    grown = tree(found, csr(arcs), column([0]), rank=lambda rows: rows)
    shown = paths(grown, column([0, n - 3]))
    assert np.array_equal(shown.nodes[:n], np.arange(n))
    assert shown.nodes[n:].tolist() == [n - 3, n - 2, n - 1]
    assert np.array_equal(shown.links[: n - 1], np.arange(n - 1))
    near, far = shortest.leaving(grown, column([0]), np.arange(n) < n // 2)
    assert (near.tolist(), far.tolist()) == ([n // 2 - 1], [n // 2])


@patient
@given(networks(directed=False), st.sets(st.integers(0, 11)))
def test_leaving_is_the_first_hop_off(network, inside):
    n, links, roots, blocked, ends, _ = network
    graph = csr(build(n, links))
    found = search(graph, column(roots), blocked=mask(n, blocked), ends=mask(n, ends))
    targets = column(range(n))
    grown = tree(found, graph, targets, rank=lambda rows: rows)
    near, far = shortest.leaving(grown, targets, mask(n, inside))
    shown = paths(grown, targets)
    for v in range(n):
        nodes = shown.nodes[shown.offsets[v] : shown.offsets[v + 1]].tolist()
        hops = [hop for hop in pairwise(nodes) if hop[1] not in inside]
        assert (near[v], far[v]) == (hops[0] if hops else (-1, -1))


@patient
@given(st.lists(st.lists(st.integers(0, 9), max_size=4), max_size=6), st.data())
def test_taken_picks_paths_in_any_order(texts, data):
    flat = column(v for text in texts for v in text)
    whole = shortest.Paths(flat, -flat, np.cumsum([0, *map(len, texts)]))
    rows = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=8)) if texts else []
    some = taken(whole, np.array(rows, np.int64))
    assert some.nodes.tolist() == [v for row in rows for v in texts[row]]
    assert some.links.tolist() == [-v for row in rows for v in texts[row]]
    assert np.diff(some.offsets).tolist() == [len(texts[row]) for row in rows]


@pytest.mark.parametrize("seed", range(6))
def test_networkx_finds_the_same_on_middling_networks(seed):
    rng = Random(seed)  # noqa: S311 -- a reproducible test
    n = 1500
    two_way = 0.7 if seed % 2 else 1.0
    pairs = [(rng.randrange(n), rng.randrange(n), rng.random() < two_way) for _ in range(2200)]
    blocked, ends = set(rng.sample(range(n), 60)), set(rng.sample(range(n), 300))
    roots = rng.sample(range(n), 5)
    sources = [root for root in roots if root not in blocked]
    arcs = build(n, pairs)
    found = search(csr(arcs, reverse=True), column(roots), blocked=mask(n, blocked), ends=mask(n, ends))
    graph = nx.DiGraph()
    graph.add_nodes_from(range(n))
    for tail, head, both in pairs:
        graph.add_edge(tail, head)
        if both:
            graph.add_edge(head, tail)
    graph.remove_nodes_from(blocked)
    no_transit = ends - set(roots)  # may begin a path, may not be entered by one
    graph.remove_edges_from([edge for edge in graph.edges if edge[1] in no_transit])
    lengths = nx.multi_source_dijkstra_path_length(graph.reverse(), set(sources), weight=None)
    assert [lengths.get(v, -1) for v in range(n)] == found.level.tolist()
    shown = witnesses(found, csr(arcs), column(range(n)), rank=lambda rows: rows)
    for v in range(n):
        walk = shown.nodes[shown.offsets[v] : shown.offsets[v + 1]].tolist()
        assert len(walk) == lengths.get(v, -1) + 1
        assert nx.is_path(graph, walk) if walk else v not in lengths
