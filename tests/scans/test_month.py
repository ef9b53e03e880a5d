"""A month of weekly scans, end to end: schedules, lives of findings, notices, the diff of two runs.

The oracle judges the same files by `auditor.check`, week by week, and knows nothing of the store.
"""

import datetime as dt
import json

import sqlalchemy as sa
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import auditor
from auditor.scans import (
    boxes,
    checking,
    items,
    life,
    life_diff,
    notice_recipients,
    notices,
    proof,
    scanner,
    schedules,
    tables,
)
from auditor.scans.channels import Office
from auditor.scans.store import open_store
from auditor.settings import Settings
from tests.scans.conftest import FakeClock
from tests.scans.operators import HEADER, write_operators

LIMITS = items.Limits()
MONDAY = dt.datetime(2026, 11, 1, 19, 5, tzinfo=dt.UTC)  # 03:05 in Shanghai, on 2 November
NUMBER, WEEKS, NODES = 3, 5, 3
INSIDE, OUTSIDE, GONE = "in", "out", "gone"

weeks = st.lists(  # what each operator's nodes are, week by week
    st.lists(
        st.lists(st.sampled_from([INSIDE, OUTSIDE, OUTSIDE, GONE]), min_size=NODES, max_size=NODES),
        min_size=NUMBER,
        max_size=NUMBER,
    ),
    min_size=WEEKS,
    max_size=WEEKS,
)


def declare(folder, week):
    for i, states in enumerate(week):
        rows = ["dc-1,data_centre,operator,310115"]
        for n, state in enumerate(states):
            if state != GONE:
                rows.append(f"n-{n},server,operator,{310115 if state == INSIDE else 330106}")
        (folder / f"op-{i}" / "nodes.csv").write_text(HEADER + "\n".join(rows) + "\n")
        (folder / f"op-{i}" / "links.csv").write_text("source,target,kind\n")


def open_findings(folder, day):
    """What is open, by operator, on a day: judged anew."""
    found = {}
    for i in range(NUMBER):
        result = auditor.check(auditor.read_declaration(folder / f"op-{i}"), as_of=day)
        frame = result.to_frame()
        left = frame[~frame["verdict"].isin(["pass", "not_applicable"])]
        told = zip(left["rule"], left["subject"], strict=True)
        answered = set(zip(frame["rule"], frame["subject"], strict=True))
        found[f"op-{i}"] = (set(told), answered)
    return found


def expected_changes(before, after, fixed):
    """What changed from one week to the next, by hand."""
    rows = set()
    for key, (now_open, answered) in after.items():
        was_open = before[key][0] if before else set()
        for rule, subject in now_open - was_open:
            word = fixed.get((key, rule, subject), "new")
            rows.add((key, rule, subject, {"fixed": "regressed", "lost": "newly_evaluated"}.get(word, "new")))
        for rule, subject in was_open - now_open:
            gone = (rule, subject) not in answered
            rows.add((key, rule, subject, "no_longer_evaluated" if gone else "fixed"))
            fixed[key, rule, subject] = "lost" if gone else "fixed"
    return rows


def changes(store, run):
    change, own = tables.change.c, tables.operator
    joined = tables.change.join(own, own.c.id == change.operator_id)
    wanted = sa.select(own.c.key, change.rule, change.subject, change.change).select_from(joined)
    with store.read() as connection:
        rows = connection.execute(wanted.where(change.run_id == run, change.change != "changed"))
        return {tuple(row) for row in rows}


@given(plan=weeks)
@settings(max_examples=2, phases=[Phase.explicit, Phase.generate])
def test_a_month(tmp_path_factory, plan):
    folder = tmp_path_factory.mktemp("month")
    declared, letters = folder / "declared", folder / "letters"
    letters.mkdir()
    write_operators(declared, NUMBER)
    clock = FakeClock(MONDAY - dt.timedelta(days=1))
    store = open_store(f"sqlite:///{folder / 'scans.db'}", clock=clock)
    schedules.add(store, "0 3 * * 1", "Asia/Shanghai", [declared])
    notice_recipients.add(store, "file", str(letters))
    office = Office(Settings(), {}, clock)
    before, fixed, told = None, {}, set()
    for week, states in enumerate(plan):
        declare(declared, states)
        clock.at = MONDAY + dt.timedelta(weeks=week)
        for _ in range(2):  # the second finds nothing due
            handled = list(schedules.run_due(store, lambda r: scanner.scan(store, r, boxes.Inline(), LIMITS)))
        assert handled[0].run is None
        after = open_findings(declared, clock.at.astimezone(dt.timezone(dt.timedelta(hours=8))).date())
        expected = expected_changes(before, after, fixed)
        assert changes(store, week + 1) == expected
        with store.read() as connection:
            frame = life.lives(connection)
        still = frame[frame["state"] == "open"]
        rows = set(zip(still["operator"], still["rule"], still["subject"], strict=True))
        assert rows == {(key, *one) for key, (left, _) in after.items() for one in left}
        for _ in range(2):  # the second has nothing to send
            list(notices.send(store, office))
        sent = {path.name for path in letters.rglob("*.json")} - told
        moved = {row[0] for row in expected} | changed_only(store, week + 1)
        assert {operator_of(next(letters.rglob(name))) for name in sent} == moved
        assert len(sent) == len(moved)
        told |= sent
        before = after
    assert checking.check_store(store, proof.public_key(store.evidence / proof.PUBLIC)).faults == ()
    hold_runs_against_each_other(store, plan)
    store.close()


def changed_only(store, run):
    """Operators of which a finding merely says something else."""
    change, own = tables.change.c, tables.operator
    joined = tables.change.join(own, own.c.id == change.operator_id)
    wanted = sa.select(own.c.key).select_from(joined).where(change.run_id == run, change.change == "changed")
    with store.read() as connection:
        return set(connection.execute(wanted).scalars())


def operator_of(path):
    return json.loads(path.read_text(encoding="utf-8"))["operator"]["key"]


def hold_runs_against_each_other(store, plan):
    """Nodes outside in the last week, not in the first, are what is new between the two runs."""
    with store.read() as connection:
        first, last = life_diff.run_of(connection, 1), life_diff.run_of(connection, WEEKS)
    new = set()
    for one in life_diff.compared(store, first, last):
        if one.diff is not None:
            new |= {
                (one.operator, r["subject"])
                for r in one.diff.records()
                if r["change"] == "new" and r["rule"] == "PILOT-FAC-01"
            }
    expected = {
        (f"op-{i}", f"node:n-{n}")
        for i in range(NUMBER)
        for n in range(NODES)
        if plan[-1][i][n] == OUTSIDE and plan[0][i][n] != OUTSIDE
    }
    assert {row for row in new if row[1].startswith("node:n-")} == expected
