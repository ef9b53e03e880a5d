"""Findings as a page carries them, by columns, against the same made a finding at a time."""

import math
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.findings import Batch, RuleFindings, Verdict
from auditor.grouping import grouped, members
from auditor.page import entries
from auditor.page.network import Carried, judged
from auditor.values import Distinct, Each, Late, Lists
from auditor.ways import grown, lengths_of, ways_of
from tests.reports.plain_page import PlainEnds, PlainEntries

NAMES = st.sampled_from(["", "a", "b", "\u202e", "名", None])
WAYS = st.lists(NAMES, max_size=4)


def carried_by(made, result):
    """All that a page takes of its entries."""
    carried = Carried(result, judged(result), np.arange(min(result.case.n, 2)))
    columns = made.columns()
    index, others = made.subjects(carried)
    starts = [group["start"] for group in made.groups if group["end"] > group["start"]]
    return {
        "groups": made.groups,
        **columns,
        "group": columns["group"].tolist(),
        "names": [made.names(at) for at in starts],
        "ends": (made.ends.names, list(map(int, made.ends.after))),
        "subjects": (index.tolist(), others),
        "nodes": list(made.nodes(carried).items()),
        "texts": made.texts.all,
        "left_out": made.left_out,
    }


def both_ways(result, all_findings):
    return [
        carried_by(make(result, all_findings=all_findings), result)
        for make in (entries.Entries, PlainEntries)
    ]


@pytest.mark.parametrize("all_findings", [False, True])
@pytest.mark.parametrize(("few", "most"), [(3000, 200_000), (0, 200_000), (0, 7)])
def test_samples_as_one_by_one(monkeypatch, audited, all_findings, few, most):
    monkeypatch.setattr(entries, "FEW_FINDINGS", few)
    monkeypatch.setattr(entries, "MOST_FINDINGS", most)
    for result in audited.values():
        fast, slow = both_ways(result, all_findings)
        assert fast == slow


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_ugly_texts_as_one_by_one(twisted, lang):
    fast, slow = both_ways(twisted.make(twisted.ugly, [1.5, math.nan], lang), all_findings=True)
    assert fast == slow


# --- any column of any kind -------------------------------------------------------------------------------


@st.composite
def lists(draw, size):
    """A column of ways in one of the forms that batches hold."""
    form = draw(st.sampled_from(["shared", "each", "distinct", "late", "lists", "late lists"]))
    if form == "shared":
        return draw(st.one_of(st.none(), WAYS))
    ways = draw(st.lists(st.one_of(st.none(), WAYS), min_size=size, max_size=size))
    if form == "each":
        return Each(ways.__getitem__)
    codes = np.array(draw(st.lists(st.integers(0, 1), min_size=size, max_size=size)), np.int32)
    distinct = Distinct(codes, [draw(WAYS), draw(st.none() | WAYS)])
    if "lists" not in form:
        return distinct if form == "distinct" else Late(lambda: distinct)
    words = ["", "a", "b", "\u202e", "名", None]
    lengths = [len(way or ()) for way in ways]
    flat = [words.index(name) for way in ways for name in way or ()]
    column = Lists(np.cumsum([0, *lengths]), np.array(flat, np.int32), pa.array(words, pa.string()))
    return column if form == "lists" else Late(lambda: column)


@st.composite
def column(draw, size, values):
    """Give a value for all, or one a finding."""
    if draw(st.booleans()):
        return draw(values)
    each = draw(st.lists(values, min_size=size, max_size=size))
    if all(type(value) in {int, float} for value in each) and draw(st.booleans()):
        return np.array(each)
    return Each(each.__getitem__)


@st.composite
def batches(draw, n):
    """Some answers of one rule on rows of nodes, rows of links, or names."""
    made = []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["node", "node", "contract", "operator"]))
        names = st.sampled_from(["b", "a", "\ud800", "名"]) if kind == "contract" else st.integers(0, n - 1)
        subjects = draw(st.lists(names, min_size=1, max_size=5, unique=True))
        size = len(subjects)
        subjects = {"node": np.array(subjects), "operator": [""] * size}.get(kind, subjects)
        details = {
            "path": lists(size),
            "path_to_gate": lists(size),
            "handoff": lists(size),
            "distance_m": column(size, DISTANCES),
            "count": column(size, st.integers(0, 3)),
            "nodes": column(size, st.none() | st.just(["a"])),
        }
        verdict, message = draw(st.sampled_from([Verdict.FAIL, Verdict.PASS])), draw(st.sampled_from("sr"))
        args = {"error": draw(column(size, st.sampled_from(["x", "y"])))}
        held = draw(st.fixed_dictionaries({}, optional=details))
        grade = draw(st.sampled_from([3, np.resize([1, 4], size)]))
        message = {"s": "skipped", "r": "raised"}[message]
        made.append(Batch(verdict, message, subjects, kind, args, held, grade))
    return tuple(made)


DISTANCES = st.one_of(st.none(), st.sampled_from([math.nan, 0.0, -0.0, -2.4, 1e6]))


@settings(max_examples=150, deadline=None)
@given(st.data(), st.integers(0, 8))
def test_any_columns_as_one_by_one(one_rule, data, most):
    held = data.draw(batches(one_rule.case.n))
    rule = one_rule.findings.rules[0]
    found = RuleFindings(rule.rule, rule.basis, rule.clauses, rule.severity, held)
    result = replace(one_rule, findings=replace(one_rule.findings, rules=(found,)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entries, "MOST_FINDINGS", most)
        fast, slow = both_ways(result, all_findings=True)
    assert fast == slow
    one_by_one = grouped(list(result.findings.rows()))
    groups = members(result.findings, found, Verdict)
    assert list(map(same, groups)) == list(map(same, one_by_one))


def same(group):
    """What a group says, facts by their text: no NaN is like itself."""
    return group.verdict, group.message_id, group.handoff, repr(list(group.findings))


@given(st.lists(WAYS, max_size=12), st.randoms())
def test_ways_that_share_their_ends_come_back_whole(ways, random):
    ends = PlainEnds()
    first = [ends.add(way) for way in ways]
    owners = list(range(len(ways)))
    random.shuffle(owners)
    cut = len(owners) // 2
    parts = [
        (np.array(own, np.int64), ways_of(Each(ways.__getitem__), np.array(own, np.int64)))
        for own in (owners[:cut], owners[cut:])
    ]
    tree = grown(parts, len(ways))
    assert (tree.names, tree.after.tolist(), tree.first.tolist()) == (ends.names, ends.after, first)
    assert [tree.way(at) for at in range(len(ways))] == [[name or "" for name in way] for way in ways]


@given(st.data(), st.integers(1, 5))
def test_lengths_are_those_of_the_lists(data, size):
    column = data.draw(lists(size))
    ways = ways_of(column, np.arange(size))
    assert lengths_of(column, size).tolist() == ways.lengths.tolist()
