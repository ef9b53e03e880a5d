"""What is read in a fast way is what the plain way gives: same values, types, order of codes and messages."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor import cells, network, tables
from auditor.interning import intern
from auditor.language import say
from auditor.problems import Origin, quote
from auditor.readers import _tables
from auditor.tables import Frame, Log

WORDS = [
    "",
    " ",
    "a",
    "bng",
    "BNG ",
    "router",
    "a;b",
    "a；b",
    "上海",
    "e\u0301",
    "é",
    "x\u200by",
    "a\x00b",
    "\u3000",
]
WORDS += [
    "2026-10-01",
    "2026-02-30",
    "true",
    "no",
    "是",
    "E1",
    "WGS84",
    "1.5",
    "-3",
    "nan",
    "1e400",
    "91310000",
    "a+b",
]
CELL = st.none() | st.sampled_from(WORDS) | st.text(max_size=8)
COLUMNS = {column.name: column for column in (*tables.NODES, *tables.LINKS, *tables.PREFIXES)}


def plain_clean(array, report, longest=cells.LONGEST_TEXT):
    """Cells looked at one and all, as they were before there was a fast way."""
    if array.null_count == len(array):
        return array
    what = say("is longer than {longest:,} bytes", longest=longest)
    report(
        cells.mask(pc.greater(pc.binary_length(array), longest)),
        lambda row: say("{value} {what}", value=quote(array[row].as_py()), what=what),
        say("is a quote or a comma missing?"),
    )
    report(
        cells.mask(pc.match_substring_regex(array, cells.HIDDEN)),
        lambda row: say("{value} holds a character that cannot be seen", value=quote(array[row].as_py())),
        say("type the text anew"),
    )
    array = pc.utf8_trim_whitespace(pc.utf8_normalize(array, "NFC"))
    return pc.if_else(pc.equal(array, ""), None, array)


def plain_recode(encoded, values):
    merged = values.dictionary_encode()
    return pa.DictionaryArray.from_arrays(pc.take(merged.indices, encoded.indices), merged.dictionary)


def plain_encoded(array, report):
    return cells.to_text(cells.flat(array), report).dictionary_encode()


def reading(column, array):
    """Give what a column makes of an array, and everything that it reports."""
    told = []

    def report(bad, what, hint):
        told.extend((row, str(what(row)), str(hint)) for row in np.flatnonzero(bad).tolist())

    return column.read(array, report), told


def plainly(column, values):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells, "clean", plain_clean)
        patch.setattr(cells, "recode", plain_recode)
        patch.setattr(cells, "encoded", plain_encoded)
        patch.setattr(cells, "is_coded", lambda _kind: False)
        return reading(column, pa.array(values, pa.string()))


def assert_same(found, expected):
    assert found.type == expected.type
    assert found.to_pylist() == expected.to_pylist() or repr(found.to_pylist()) == repr(expected.to_pylist())
    if pa.types.is_dictionary(found.type):
        assert found.dictionary.to_pylist() == expected.dictionary.to_pylist()
        assert found.indices.to_pylist() == expected.indices.to_pylist()


def forms(values, cut, order):
    """Give a column in every form that Arrow has for it."""
    array = pa.array(values, pa.string())
    yield array
    yield array.cast(pa.large_string())
    yield array.cast(pa.string_view())
    yield pa.concat_arrays([pa.array(["before"]), array]).slice(1)
    yield pa.chunked_array([array.slice(0, cut), array.slice(cut)], pa.string())
    coded = array.dictionary_encode()
    yield coded
    yield pa.chunked_array([array.slice(0, cut).dictionary_encode(), array.slice(cut).dictionary_encode()])
    # Values twice, in any order, some that no row has; codes of another width.
    distinct = coded.dictionary.to_pylist()
    given = [*distinct, "nowhere", *distinct]
    order.shuffle(given)
    at = [
        None if value is None else order.choice([n for n, v in enumerate(given) if v == value])
        for value in values
    ]
    for kind in (pa.int8(), pa.uint16(), pa.int64()):
        yield pa.DictionaryArray.from_arrays(pa.array(at, kind), pa.array(given, pa.string()))
    yield pa.DictionaryArray.from_arrays(pa.array(at, pa.int32()), pa.array(given, pa.large_string()))
    blank = [len(given) if at_ is None else at_ for at_ in at]
    yield pa.DictionaryArray.from_arrays(pa.array(blank, pa.int32()), pa.array([*given, None], pa.string()))


@given(
    st.sampled_from(sorted(COLUMNS)),
    st.lists(CELL, max_size=12),
    st.integers(0, 12),
    st.randoms(use_true_random=False),
)
def test_cells_in_any_form_of_arrow(name, values, cut, order):
    expected, told = plainly(COLUMNS[name], values)
    for form in forms(values, min(cut, len(values)), order):
        found, also_told = reading(COLUMNS[name], form)
        assert_same(found, expected)
        assert also_told == told


@given(st.lists(st.floats() | st.none(), max_size=9), st.sampled_from(["lon", "count"]))
def test_numbers(values, name):
    found, told = reading(COLUMNS[name], pa.array(values, pa.float64()))
    good = [
        v is None or (np.isfinite(v) and (name == "lon" or (v >= 0 and v == v // 1 and v <= 2**53)))
        for v in values
    ]
    assert sorted({row for row, _, _ in told}) == [row for row, fine in enumerate(good) if not fine]
    assert [v for v, fine in zip(found.to_pylist(), good, strict=True) if fine] == [
        v for v, fine in zip(values, good, strict=True) if fine
    ]


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_a_blank_column_is_one_of_blank_cells(name):
    column = COLUMNS[name]
    expected, _ = plainly(column, [None] * 5)
    found = cells.blank(tables.KINDS.get(column.type, cells.CODES), 5)
    found.validate(full=True)
    assert found.null_count == 5
    assert_same(found, expected)
    assert found.take(pa.array([0, 4])).to_pylist() == [None, None]


@given(
    st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=12),
    st.integers(1, 5),
    st.booleans(),
    st.sampled_from(
        [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]
    ),
)
def test_parquet_however_it_is_written(rows, size, coded, kind):
    given_table = pa.table(
        {
            name: pa.array(column, pa.string())
            for name, column in zip(("id", "kind", "note"), zip(*rows, strict=True), strict=True)
        }
    )
    written = pa.table(
        {
            name: column.cast(kind)
            for name, column in zip(given_table.column_names, given_table.columns, strict=True)
        }
    )
    file = io.BytesIO()
    pq.write_table(written, file, row_group_size=size, use_dictionary=coded, dictionary_pagesize_limit=16)
    fast, slow = Log(), Log()
    raw = _tables.read_parquet(file.getvalue(), "n.parquet", fast)
    plain = Frame(given_table, Origin.of("n.parquet", np.arange(1, len(rows) + 1), "record"))
    found = tables.read_columns(raw, tables.NODES, fast)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells, "clean", plain_clean)
        patch.setattr(cells, "encoded", plain_encoded)
        expected = tables.read_columns(plain, tables.NODES, slow)
    assert fast == slow
    assert found.table.column_names == expected.table.column_names
    for one, other in zip(found.table.columns, expected.table.columns, strict=True):
        assert_same(one.combine_chunks(), other.combine_chunks())
    assert found.origin.number.tolist() == expected.origin.number.tolist()


LINE = st.text(st.sampled_from("ab,\"\n\r é中;'"), max_size=25)


@given(st.lists(LINE, max_size=12), st.sampled_from(["\n", "\r\n", ""]))
def test_csv_in_threads_and_in_blocks(lines, end):
    text = "\n".join(["id,kind,note", *lines]) + end
    answers = []
    for threads in (True, False):
        log = Log()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_tables, "THREAD_BYTES", 48)
            if not threads:
                patch.setattr(_tables, "CODED_NAMES", frozenset())
                parsed = _tables._parsed

                def refuses(source, mark, names, ragged, parsed=parsed):
                    if ragged is None:
                        raise pa.ArrowInvalid("not in threads")
                    return parsed(source, mark, names, ragged)

                patch.setattr(_tables, "_parsed", refuses)
            frame = _tables.read_csv(text.encode(), "n.csv", log)
        cells_ = frame and [cells.flat(column).to_pylist() for column in frame.table.columns]
        answers.append(
            (cells_, frame and frame.origin.number.tolist(), frame and frame.table.column_names, log)
        )
    assert answers[0] == answers[1]


def test_ragged_rows_keep_their_numbers_behind_many_blocks(monkeypatch):
    monkeypatch.setattr(_tables, "THREAD_BYTES", 1 << 10)
    text = "id,kind\n" + "a,bng\n" * 1000 + "b\n" + "c,olt\n" * 10
    log = Log()
    frame = _tables.read_csv(text.encode(), "n.csv", log)
    assert frame.table.num_rows == 1010
    assert [problem.where for problem in log.problems.found] == ["row 1002"]
    assert frame.origin.number[[999, 1000]].tolist() == [1001, 1003]


def named_plainly(links):
    """Name links by their ends, the second and later between two ends by a number besides."""
    seen, names = {}, []
    for source, target, own in links:
        if own is not None:
            names.append(own)
            continue
        seen[source, target] = nth = seen.get((source, target), 0) + 1
        names.append(f"{source or ''}>{target or ''}" + (f"#{nth}" if nth > 1 else ""))
    return names


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcxyz"),
            st.sampled_from("abcxyz") | st.none(),
            st.sampled_from(["own"]) | st.none(),
        ),
        max_size=15,
    ),
    st.booleans(),
)
def test_links_are_joined_and_named_as_row_by_row(links, own):
    links = links if own else [(source, target, None) for source, target, _ in links]
    columns = [pa.array([link[at] for link in links], pa.string()) for at in range(3)]
    log = Log()
    frame = tables.read_columns(
        Frame(pa.table(columns, names=["source", "target", "id"]), Origin.of("l", np.arange(len(links)))),
        tables.LINKS,
        log,
    )
    joined, undeclared = network.check_links(frame, intern(pa.array(["a", "b", "c"])), log, complete=False)
    unknown = list(
        dict.fromkeys(end for link in links for end in link[:2] if end is not None and end not in "abc")
    )
    numbers = {name: row for row, name in enumerate(["a", "b", "c", *unknown])} | {None: -1}
    assert undeclared.to_pylist() == unknown
    for at, (name, rows) in enumerate((("source", "tail"), ("target", "head"))):
        assert joined.table.column(name).to_pylist() == [link[at] for link in links]
        assert joined.table.column(rows).to_pylist() == [numbers[link[at]] for link in links]
        assert joined.table.column(rows).type == pa.int32()
    assert joined.table.column("id").to_pylist() == named_plainly(links)


def test_visible_ascii_and_common_ideographs_need_no_tidying():
    signs = [chr(code) for code in (*range(0x21, 0x7F), *range(0x4000, 0xA000))]
    array = pa.array(signs, pa.string())
    blanks, controls, foreign = cells._traits(cells.text_bytes(array))
    assert not (blanks or controls or foreign)
    told = []
    assert plain_clean(array, lambda bad, *_: told.append(bad.any())).equals(array)
    assert not any(told)


@pytest.mark.parametrize(
    "code", [0x00, 0x1F, 0x20, 0x7F, 0x80, 0xA0, 0x200B, 0x3000, 0x3FFF, 0xA000, 0xFEFF, 0x10000]
)
def test_any_other_sign_is_looked_at(code):
    array = pa.array(["a", "文" + chr(code)], pa.string())
    assert any(cells._traits(cells.text_bytes(array)))
