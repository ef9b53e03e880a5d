"""JSON that is written a column at a time is that of the findings one by one, to the byte."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.findings import Batch, RuleFindings, Verdict
from auditor.language import Text
from auditor.reports import _fragments, _groups, _told
from auditor.reports._content import dumps
from auditor.reports._fragments import quoted, written
from auditor.rule import Message
from auditor.values import Distinct, Each, Late, Lists

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
NAMES = st.lists(st.one_of(st.none(), TEXTS), min_size=1, max_size=4)
VALUES = st.one_of(
    st.none(),
    TEXTS,
    st.integers(-5, 10**9),
    st.floats(allow_nan=True, allow_infinity=False),
    st.builds(Text, TEXTS, TEXTS),
    st.lists(TEXTS, max_size=3),
)
MESSAGES = {
    "bare": Message("It is so."),
    "told": Message('It is "{a}" and {b}.', "Ask {b} of {a}."),
}


@st.composite
def ways(draw, size):
    """Lists of names, some of them empty."""
    names = draw(NAMES)
    lengths = draw(st.lists(st.integers(0, 3), min_size=size, max_size=size))
    flat = draw(st.lists(st.integers(0, len(names) - 1), min_size=sum(lengths), max_size=sum(lengths)))
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    return Lists(offsets, np.array(flat, np.int32), pa.array(names, pa.string()))


@st.composite
def column(draw, size, *, lists=True):
    """One value a subject, in any form that a rule may give, or one for all."""
    several = st.lists(VALUES, min_size=size, max_size=size)
    form = draw(
        st.sampled_from(["shared", "numbers", "floats", "each", "distinct", "late", *["lists"] * lists])
    )
    if form == "shared":
        return draw(VALUES)
    if form == "numbers":
        return np.array(draw(st.lists(st.integers(0, 3), min_size=size, max_size=size)), np.int64)
    if form == "floats":
        return np.array(
            draw(st.lists(st.sampled_from([0.0, -0.0, 1.5, np.nan]), min_size=size, max_size=size))
        )
    if form == "each":
        values = draw(several)
        return Each(values.__getitem__)
    codes = np.array(draw(st.lists(st.integers(0, 2), min_size=size, max_size=size)), np.int32)
    if form == "lists":
        return draw(ways(size))
    distinct = Distinct(codes, [draw(VALUES) for _ in range(3)])
    return distinct if form == "distinct" else Late(lambda: distinct)


@st.composite
def batches(draw):
    """Answers of one rule on rows of nodes, each row once, and the ids of the nodes."""
    ids = draw(st.lists(TEXTS, min_size=1, max_size=12, unique=True))
    rows = draw(st.permutations(range(len(ids))))
    cuts = sorted(draw(st.lists(st.integers(0, len(rows)), max_size=3)))
    made = []
    for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True):
        size = end - start
        args = {"a": draw(column(size)), "b": draw(column(size))}
        details = draw(
            st.one_of(
                st.just(args),
                st.fixed_dictionaries(
                    {},
                    optional={
                        "path": st.one_of(ways(size), column(size)),
                        "path_to_gate": column(size),
                        "handoff": column(size),
                        '"x': column(size),
                    },
                ),
            )
        )
        grade = draw(st.sampled_from([2, np.full(size, 4), np.arange(size) % 3 + 1]))
        seen = draw(st.sampled_from([(), Each(lambda i: [{"n": i}] * (i % 3))]))
        verdict, message = draw(st.sampled_from(list(Verdict)[:4])), draw(st.sampled_from(list(MESSAGES)))
        subjects = np.array(rows[start:end], np.int64)
        made.append(Batch(verdict, message, subjects, "node", args, details, grade, seen))
    return ids, tuple(batch for batch in made if len(batch))


def result_of(base, ids, found, lang):
    """Give a result whose only rule found these batches."""
    rule = replace(base.rules[0], messages=MESSAGES)
    own = RuleFindings(rule.id, rule.basis, rule.clauses, rule.severity, found)
    table = replace(base.findings, rules=(own,), ids={"node": pa.array(ids, pa.string())})
    return replace(base, rules=(rule,), findings=table, lang=lang)


@pytest.fixture(scope="module")
def base(audited):
    """Give some result; a function, as hypothesis would print the result itself."""
    return lambda: next(iter(audited.values()))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(made=batches(), lang=st.sampled_from(["en", "zh"]), most=st.sampled_from([1, 4, 1 << 18]))
def test_columns_give_the_bytes_of_single_findings(base, made, lang, most):
    result = result_of(base(), *made, lang)
    plain = b"".join(dumps(result.record(f)) + b"," for f in result.findings.rows())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_groups, "MOST_NAMES", most)
        patch.setattr(_fragments, "CHUNK", 5)
        assert b"".join(written(result, set(Verdict), few=0)) == plain
    assert b"".join(written(result, set(Verdict), few=1000)) == plain


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(made=batches(), lang=st.sampled_from(["en", "zh"]))
def test_columns_give_the_rows_of_single_findings(base, made, lang):
    ids, found = made
    ways = {"path", "path_to_gate", "handoff"}
    for batch in found:  # ways of names: what else rules never give
        batch.details.update(
            {key: None for key in ways & set(batch.details) if not lists_of_names(batch.details[key])}
        )
    result = result_of(base(), ids, found, lang)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_told, "CHUNK", 5)
        some = list(_told.tables(result, set(Verdict), few=0))
    single = list(_told.tables(result, set(Verdict), few=1000))
    one, other = (pa.concat_tables(tables).drop_columns(["row"]) for tables in (some, single))
    assert one.to_pylist() == other.to_pylist()
    rows = pa.concat_tables(some).filter(pc.field("row").is_valid())
    assert [ids[row] for row in rows["row"].to_pylist()] == rows["subject_id"].to_pylist()
    assert {table.schema for table in (*some, *single)} == {single[0].schema}


def lists_of_names(value):
    """Whether a way is a list of names, in whatever column."""
    return isinstance(value, Lists) or value is None


@given(st.lists(st.one_of(st.none(), TEXTS), max_size=8), st.integers(0, 3))
def test_texts_are_quoted_as_json_has_them(texts, start):
    array = pa.array(texts, pa.string())[start:]
    assert quoted(array).to_pylist() == [dumps(text).decode() for text in texts[start:]]
