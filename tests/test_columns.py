"""Columns of Arrow tables as numpy arrays, whatever their layout, against plain Python."""

import datetime as dt
import math
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor import columns
from auditor.columns import MOST_COMPARED, Coded, paired

WORDS = [*"abcdefghijk", "", "节点"]
words = st.lists(st.one_of(st.none(), st.sampled_from(WORDS)), max_size=30)
cuts = st.lists(st.integers(0, 30), max_size=3)


def chunked(values, kind, cuts):
    """A column of `kind`, cut into chunks; those of a dictionary have dictionaries of their own."""
    ends = sorted({0, len(values), *(cut for cut in cuts if cut < len(values))})
    parts = [values[a:b] for a, b in pairwise(ends)]
    if kind == "dictionary":
        made = [pa.array(part, pa.string()).dictionary_encode() for part in parts]
        return pa.chunked_array(made, pa.dictionary(pa.int32(), pa.string()))
    if kind == "dictionary, int8":
        made = [pa.array(part, pa.dictionary(pa.int8(), pa.string())) for part in parts]
        return pa.chunked_array(made, pa.dictionary(pa.int8(), pa.string()))
    return pa.chunked_array([pa.array(part, kind) for part in parts], kind)


KINDS = [pa.string(), pa.large_string(), "dictionary", "dictionary, int8"]


@pytest.mark.parametrize("kind", KINDS, ids=str)
@given(values=words, cuts=cuts, data=st.data())
def test_coded_columns_say_what_the_column_says(kind, values, cuts, data):
    coded = Coded.of(chunked(values, kind, cuts))
    assert [coded.at(i) for i in range(len(values))] == values
    assert len(coded) == len(values)
    assert coded.codes.dtype == np.int32
    assert coded.blank.tolist() == [value is None for value in values]
    wanted = data.draw(st.sets(st.sampled_from(WORDS)))
    assert coded.isin(wanted).tolist() == [value in wanted for value in values]
    lengths = coded.map(len, blank=-1, dtype=np.int8)
    assert lengths.tolist() == [-1 if value is None else len(value) for value in values]
    assert coded.lookup({"a": 7}, default=3, dtype=np.int64).tolist() == [
        7 if v == "a" else 3 for v in values
    ]
    rows = data.draw(st.lists(st.integers(-1, len(values) - 1), max_size=9))
    taken = coded.take(np.array(rows, np.int64))
    assert [taken.at(i) for i in range(len(rows))] == [None if row < 0 else values[row] for row in rows]
    assert coded.arrow().to_pylist() == taken_all(coded, len(values)).arrow().to_pylist() == values


def taken_all(coded, size):
    return coded.take(np.arange(size))


@given(words, st.data())
def test_pairs_are_those_of_each_row(values, data):
    size = len(values)
    others = data.draw(st.lists(st.one_of(st.none(), st.sampled_from(WORDS)), min_size=size, max_size=size))
    one, other = Coded.of(values), Coded.of(others)
    which, pairs = paired(one, other)
    expected = list(zip(one.codes.tolist(), other.codes.tolist(), strict=True))
    assert [pairs[number] for number in which.tolist()] == expected
    which, pairs = paired(one, None)
    assert [pairs[number] for number in which.tolist()] == [(code, -1) for code in one.codes.tolist()]


@pytest.mark.parametrize("size", [0, 1, columns.BLOCK, 2 * columns.BLOCK + 1])
def test_rows_are_picked_as_numpy_picks_them(size):
    values = np.arange(9, dtype=np.int16)
    rows = (np.arange(size, dtype=np.int32) * 7) % 10 - 1
    assert np.array_equal(columns.picked(values, rows), values[rows])
    assert columns.picked(values, rows).dtype == np.int16


def test_many_words_are_looked_for_as_few_are():
    assert len(WORDS) > MOST_COMPARED + 1
    coded = Coded.of([*WORDS, None])
    assert coded.isin(WORDS[1:]).tolist() == [False, *[True] * (len(WORDS) - 1), False]


@pytest.mark.parametrize("size", [0, 3])
def test_blank_columns_of_any_type_take_no_memory(size):
    for column in (pa.nulls(size), pa.nulls(size, pa.string()), pa.chunked_array([], pa.string())):
        coded = Coded.of(column)
        assert coded.values == () and not any(coded.codes.strides[:size])
        assert coded.blank.all() and not coded.isin({"a"}).any()
        assert coded.arrow().null_count == len(column)
    table = pa.table({"x": pa.nulls(size, pa.float64()), "d": pa.nulls(size, pa.date32())})
    for name in ("x", "lost"):
        assert columns.floats(table, name).strides == columns.days(table, name, blank=1).strides


numbers = st.lists(st.one_of(st.none(), st.floats(width=32)), max_size=9)


@given(numbers, cuts)
def test_numbers_are_nan_where_blank(values, cuts):
    table = pa.table({"x": chunked(values, pa.float32(), cuts)})
    expected = [math.nan if value is None else value for value in values]
    np.testing.assert_array_equal(columns.floats(table, "x"), expected)


@given(st.lists(st.one_of(st.none(), st.dates()), max_size=9), cuts, st.integers(-9, 9))
def test_days_are_counted_from_1970(values, cuts, blank):
    table = pa.table({"on": chunked(values, pa.date32(), cuts)})
    expected = [blank if on is None else (on - dt.date(1970, 1, 1)).days for on in values]
    assert columns.days(table, "on", blank=blank).tolist() == expected


@given(st.lists(st.one_of(st.none(), st.booleans()), max_size=9), cuts)
def test_flags_are_false_where_blank(values, cuts):
    table = pa.table({"is": chunked(values, pa.bool_(), cuts)})
    assert columns.flags(table, "is").tolist() == [value is True for value in values]
    assert columns.flags(table, "lost").tolist() == [False] * len(values)
