"""Witness paths as columns: the same as one path at a time."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from auditor.access import Witnesses
from auditor.paths import Shown, names_of
from auditor.shortest import Paths
from auditor.topology import NONE

IDS = ["a", "节点-2", "", "d", "e"]
LOST = ["x", "y"]
ROWS = st.integers(-1, len(IDS) + len(LOST) - 1)  # -1: a far end that is blank

shown_paths = st.lists(
    st.tuples(
        st.lists(st.tuples(ROWS, st.booleans(), st.booleans()), max_size=5),
        st.one_of(st.none(), st.tuples(ROWS.filter(lambda row: row >= 0), ROWS)),
    ),
    max_size=12,
)


def shown(paths, chunks):
    steps = [step for path, _ in paths for step in path]
    nodes = np.array([row for row, _, _ in steps], np.int32)
    offsets = np.cumsum([0, *(len(path) for path, _ in paths)])
    near, far = np.array([hop or (NONE, NONE) for _, hop in paths], np.int32).reshape(-1, 2).T
    ids = pa.chunked_array([IDS[:chunks], IDS[chunks:]], pa.string())
    declaration = SimpleNamespace(nodes=pa.table({"id": ids}), undeclared=pa.array(LOST, pa.string()))
    doubts = [np.array([step[i] for step in steps], np.bool_) for i in (1, 2)]
    found = Paths(nodes, np.full(nodes.size, NONE, np.int32), offsets)
    return Shown(declaration, Witnesses(found, near, far, *doubts))


@given(shown_paths, st.integers(0, len(IDS)))
def test_columns_of_paths_are_the_paths_one_by_one(paths, chunks):
    columns = shown(paths, chunks)
    every = range(len(paths))
    assert len(columns) == len(paths)
    one_by_one = [columns.path(i) for i in every]
    ways, last = columns.ways(), columns.last(none="none", blank="blank")
    assert [ways.get(i) for i in every] == one_by_one
    ends = [path[-1] if path else "none" for path in one_by_one]
    assert [last.get(i) for i in every] == ["blank" if end is None else end for end in ends]
    names = [[None if row < 0 else (*IDS, *LOST)[row] for row in hop or ()] for _, hop in paths]
    left, to_the_end = columns.links_left(), columns.last_links()
    assert [left.get(i) for i in every] == names
    # Only the last node of a path may be a blank far end.
    declared = [i for i in every if len(one_by_one[i]) < 2 or one_by_one[i][-2] is not None]
    assert [to_the_end.get(i) for i in declared] == [
        one_by_one[i][-2:] if len(one_by_one[i]) > 1 else [] for i in declared
    ]


@given(shown_paths)
def test_paths_of_one_group_have_the_same_doubts(paths):
    columns = shown(paths, 0)
    group, first = columns.doubt_groups()
    doubts = [
        (*(row for row, node, _ in path if node), "links", sum(link for *_, link in path))
        for path, _ in paths
    ]
    numbers = list(dict.fromkeys(doubts))
    assert group.tolist() == [numbers.index(doubt) for doubt in doubts]
    assert first.tolist() == [doubts.index(doubt) for doubt in numbers]


def test_names_of_no_rows_are_none():
    declaration = shown([], 0).declaration
    assert names_of(declaration, np.empty(0, np.int32)) == []
    assert names_of(declaration, np.array([-1, 6, 1, 5])) == [None, "y", "节点-2", "x"]
