"""Rows by id are those that Arrow finds, whatever the ids hold."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor import interning
from auditor.interning import intern, rows_plainly

TEXT = st.text(st.sampled_from("aAé中\0 -0"), max_size=20) | st.text(max_size=60)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Tables of our own for few ids, and blocks that end in the midst of them."""
    monkeypatch.setattr(interning, "FEWEST", 1)
    monkeypatch.setattr(interning, "BLOCK", 3)


def column(values, skipped=0):
    return pa.array(values, pa.string()).slice(skipped)


@given(
    st.lists(TEXT | st.none(), max_size=30),
    st.lists(TEXT | st.none(), max_size=30),
    st.integers(0, 3),
    st.booleans(),
)
def test_rows_are_those_of_arrow(ids, others, skipped, one_slot):
    with pytest.MonkeyPatch.context() as patch:
        if one_slot:  # the worst of hashes
            patch.setattr(interning, "_slots", lambda words, _: np.zeros(len(words[0]), np.int64))
        ids, asked = column(ids, skipped), column(others + ids, skipped)
        table = intern(ids)
        assert table.rows(asked).tolist() == rows_plainly(ids, asked).tolist()
        assert table.distinct == (len(set(ids.to_pylist()) - {None}) == len(ids))


@given(st.lists(TEXT.filter(lambda text: text and "\0" not in text), min_size=1, max_size=30, unique=True))
def test_a_table_of_our_own_is_made_for_plain_ids(ids):
    ids = [text for text in ids if len(text.encode()) <= interning.LONGEST] or ["a"]
    table = intern(column(ids))
    assert table.table is not None
    assert table.distinct
    assert table.rows(column(ids)).tolist() == list(range(len(ids)))


def test_an_id_that_begins_as_another_or_ends_in_zeros_is_none():
    table = intern(column(["abcdefgh", "b"]))
    assert table.table is not None
    assert table.rows(column(["abcdefghi", "abcdefgh\0", "b\0", "", None, "b"])).tolist() == [-1] * 5 + [1]


def test_many_ids_in_several_blocks(monkeypatch):
    monkeypatch.undo()
    ids = column([f"{number:x}-节点" for number in range(100_000)])
    asked = ids.take(pa.array(np.random.default_rng(1).permutation(100_000)))
    table = intern(ids)
    assert table.distinct
    assert len(table.table.crowded) > 0
    assert table.table.crowd.table is not None
    assert (table.rows(asked) == rows_plainly(ids, asked)).all()
    again = intern(pa.concat_arrays([ids, ids.slice(50_000, 1)]))
    assert not again.distinct
    assert (again.rows(asked) == rows_plainly(ids, asked)).all()
