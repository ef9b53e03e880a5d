"""What is found in the trunk is what is found in the whole network."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor import shortest, topology
from auditor.topology import Arcs, csr, search
from auditor.trunk import trunk_of

N = 8
masks = st.lists(st.booleans(), min_size=N, max_size=N).map(lambda values: np.array(values, np.bool_))
nodes = st.integers(0, N - 1)
links = st.lists(st.tuples(nodes, nodes, st.booleans(), st.booleans()), max_size=20)


def arcs_of(given_links):
    """Links of all sorts: parallel ones, loops, one way."""
    tail, head, both, _ = np.array(given_links, np.int32).reshape(-1, 4).T
    return Arcs(N, tail, head, both.astype(np.bool_), np.arange(tail.size, dtype=np.int32))


def graphs(arcs):
    along, against = csr(arcs), csr(arcs, reverse=True)
    return ((along, along),) if arcs.both.all() else ((against, along), (along, against))


@given(links, st.tuples(masks, masks, masks, masks, masks), st.permutations(range(N)), st.data())
def test_a_search_in_the_trunk_finds_what_one_of_all_finds(given_links, over_nodes, names, data):
    ends, roots, blocked, asked, inside = over_nodes
    arcs, absent = arcs_of(given_links), np.array([link[3] for link in given_links], np.bool_)
    inner, rank = ~ends | roots | blocked, lambda rows: np.array(names, np.int64)[rows]
    subjects = np.flatnonzero(asked).astype(np.int32)
    trunk = trunk_of(arcs, inner, subjects)
    assert len(trunk.ways) == len(graphs(arcs))
    for (graph, onward), way in zip(graphs(arcs), trunk.ways, strict=True):
        whole = search(graph, np.flatnonzero(roots), blocked=blocked, ends=ends, absent=absent)
        rows = trunk.rows
        found = search(
            way.graph, np.flatnonzero(roots[rows]), blocked=blocked[rows], ends=ends[rows], absent=absent
        )
        assert trunk.levels(way, found).tolist() == whole.level[subjects].tolist()
        chosen = data.draw(st.lists(st.integers(0, subjects.size - 1), max_size=9)) if subjects.size else []
        some, ranks = np.array(chosen, np.int64), np.arange(len(given_links), dtype=np.int8)[::-1]
        tree = shortest.tree(whole, onward, subjects[some], rank, link_rank=ranks)
        shown, near, far = trunk.grown(way, found, some, rank, link_rank=ranks, inside=inside)
        expected = shortest.paths(tree, subjects[some])
        for field in ("nodes", "links", "offsets"):
            assert getattr(shown, field).tolist() == getattr(expected, field).tolist()
        hops = shortest.leaving(tree, subjects[some], inside)
        assert [near.tolist(), far.tolist()] == [hop.tolist() for hop in hops]


@given(links, masks, masks, masks)
def test_levels_one_at_a_time_are_those_of_one_pass(given_links, ends, roots, blocked):
    arcs, absent = arcs_of(given_links), np.array([link[3] for link in given_links], np.bool_)
    for graph, _ in graphs(arcs):
        at = np.flatnonzero(roots & ~blocked).astype(np.int32)
        through = ~ends | roots
        for without in (absent if absent.any() else None, None):
            near = topology._near(graph, at, blocked, through, without)
            assert near.tolist() == topology._far(graph, at, blocked, through, without).tolist()


@pytest.mark.parametrize("length", [topology.MOST_LEVELS, topology.MOST_LEVELS + 1, 3 * topology.MOST_LEVELS])
def test_a_long_chain_is_searched_to_its_end(length):
    rows = np.arange(length, dtype=np.int32)
    chain = csr(Arcs(length + 1, rows, rows + 1, np.ones(length, np.bool_), rows))
    nothing = np.zeros(length + 1, np.bool_)
    found = search(chain, np.array([0], np.int32), blocked=nothing, ends=nothing)
    assert found.level.tolist() == list(range(length + 1))


@given(links, masks, st.permutations(range(N)))
def test_paths_hop_by_hop_are_those_by_leaps(given_links, roots, names):
    for graph, onward in graphs(arcs_of(given_links)):
        nothing = np.zeros(N, np.bool_)
        found = search(graph, np.flatnonzero(roots), blocked=nothing, ends=nothing)
        targets = np.array([*range(N), 0, 1], np.int32)
        tree = shortest.tree(found, onward, targets, lambda rows: np.array(names, np.int64)[rows])
        shown = shortest.paths(tree, targets)
        nodes = np.repeat(targets, np.diff(shown.offsets))
        if nodes.size:
            shortest._leap(tree.onward, nodes, shown.offsets)
        assert nodes.tolist() == shown.nodes.tolist()


def test_rows_beyond_16_bits_are_sorted():
    rows = np.array([70_000, 3, 65_536, 70_000, 65_539, 0], np.int32)
    graph = topology.compressed(rows, np.arange(6, dtype=np.int32), np.arange(6, dtype=np.int32), 70_001)
    assert graph.adj.tolist() == [5, 1, 2, 4, 0, 3]
    assert np.flatnonzero(np.diff(graph.ptr)).tolist() == [0, 3, 65_536, 65_539, 70_000]
