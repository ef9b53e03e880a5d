"""Notices: who reads them knows what is open; whom they go to; who acknowledged them."""

import datetime as dt

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.errors import DeclarationError, UsageError
from auditor.scans import notice_acknowledged, notice_recipients, notices, tables
from auditor.scans.canonical import canonical
from auditor.scans.life import changes_of
from auditor.scans.notice_acknowledged import Acknowledgement
from tests.scans._build import add_operator, add_run
from tests.scans._notices import (
    RULE,
    Crash,
    copy_of,
    crash,
    faults,
    found,
    office,
    refuse,
    rows_of,
    send,
    waive,
)

# --- what is told -----------------------------------------------------------------------------------------


def test_only_what_changed_and_nothing_where_nothing_did(store, post):
    operator = add_operator(store, "one")
    notice_recipients.add(store, "file", "/box", "one")
    assert send(store) == []  # never judged
    add_run(store, {operator: {"verdict": "fail", "changes": [found()]}})
    assert send(store) == ["sent"]
    add_run(store, {operator: {"verdict": "fail"}})
    assert send(store) == []
    fixed = found(word="fixed", before="fail", after="pass")
    add_run(store, {operator: {"verdict": "pass", "changes": [fixed]}})
    assert send(store) == ["sent"]
    assert send(store) == []
    first, second = post.texts("/box")
    assert (first["since_run"], first["run"], first["counts"]) == (None, 1, {"new": 1})
    assert (second["since_run"], second["run"], second["counts"]) == (1, 3, {"fixed": 1})
    assert (second["verdict_before"], second["verdict"]) == ("fail", "pass")
    assert faults(store) == []


def test_each_address_is_told_what_it_was_not_told_yet(store, post):
    one, two = add_operator(store, "one"), add_operator(store, "two")
    notice_recipients.add(store, "file", "/one", "one")
    add_run(store, {one: {"changes": [found()]}, two: {"changes": [found(subject="node:t")]}})
    send(store)
    notice_recipients.add(store, "file", "/all")
    add_run(store, {one: {"changes": [found(subject="node:s-2")]}, two: {}})
    send(store)
    assert [n["counts"] for n in post.texts("/one")] == [{"new": 1}, {"new": 1}]
    assert sorted((n["operator"]["key"], n["counts"]["new"]) for n in post.texts("/all")) == [
        ("one", 2),
        ("two", 1),
    ]


def test_a_finding_between_two_notices(store, post):
    operator = add_operator(store, "one")
    notice_recipients.add(store, "file", "/box")
    add_run(store, {operator: {"changes": [found(subject="node:old")]}})
    send(store)
    add_run(
        store,
        {
            operator: {
                "changes": [found(), found(subject="node:old", word="fixed", before="fail", after="pass")]
            }
        },
    )
    back = found(subject="node:old", word="regressed", before=None)
    gone = found(word="fixed", before="fail", after=None)
    add_run(store, {operator: {"changes": [back, gone]}})
    send(store)
    told = post.texts("/box")[1]
    assert {one["subject"]: one["change"] for one in told["changes"]} == {
        "node:s-1": "opened_and_fixed",
        "node:old": "regressed",
    }
    assert [step["change"] for step in told["changes"][0]["steps"]] == ["fixed", "regressed"]


def test_why_a_finding_was_out_of_sight_is_not_said_of_one_that_is_back(store, post):
    operator = add_operator(store, "one")
    notice_recipients.add(store, "file", "/box")
    add_run(store, {operator: {"changes": [found()]}})
    send(store)
    why = canonical([{"en": "the subject is no longer declared", "zh": "该对象已不在申报之列"}])
    lost = found(word="no_longer_evaluated", before="fail", after=None, because=why)
    add_run(store, {operator: {"changes": [lost]}})
    add_run(store, {operator: {"changes": [found(word="newly_evaluated")]}})
    send(store)
    [told] = post.texts("/box")[1]["changes"]
    assert (told["change"], told["after"], told["because"]) == ("newly_evaluated", "fail", [])
    add_run(store, {operator: {"changes": [lost]}})
    send(store)
    [told] = post.texts("/box")[2]["changes"]
    assert told["because"][0]["en"] == "the subject is no longer declared"


def test_the_first_notice_to_an_address_tells_how_things_stand(store, post):
    operator = add_operator(store, "one")
    add_run(store, {operator: {"changes": [found(), found(subject="node:s-2")]}})
    add_run(store, {operator: {"changes": [found(word="fixed", before="fail", after="pass")]}})
    notice_recipients.add(store, "file", "/box")
    send(store)
    [told] = post.texts("/box")
    assert [(one["subject"], one["change"]) for one in told["changes"]] == [("node:s-2", "new")]


def test_results_are_told_in_the_order_in_which_they_followed_one_another(store, post):
    operator = add_operator(store, "one")
    notice_recipients.add(store, "file", "/box")
    add_run(store, {operator: {"changes": [found()]}})
    assert send(store) == ["sent"]
    add_run(store, {operator: {"changes": [], "state": "pending", "ended_at": None}}, state="running")
    fixed = found(word="fixed", before="fail", after="pass")
    add_run(store, {operator: {"changes": [fixed], "before_id": 1}})
    assert send(store) == ["sent"]
    assert post.texts("/box")[1]["run"] == 3

    def end(change):  # the run that was interrupted ends last: held against the one that overtook it
        item, run = tables.item, tables.run
        own = sa.update(item).where(item.c.run_id == 2)
        change.connection.execute(own.values(state="done", before_id=3, ended_at=change.at))
        again = {"run_id": 2, "operator_id": operator, **found(word="regressed")}
        change.connection.execute(sa.insert(tables.change), [again])
        change.connection.execute(
            sa.update(run).where(run.c.id == 2).values(state="done", ended_at=change.at)
        )
        for table, key in (("item", (2, operator)), ("change", (2, operator)), ("run", (2,))):
            change.touch(table, *key)

    store.write("late", end)
    assert send(store) == ["sent"]
    late = post.texts("/box")[2]
    assert (late["since_run"], late["run"], late["counts"]) == (3, 2, {"regressed": 1})
    assert send(store) == []


def test_nothing_is_told_past_a_run_that_has_not_ended(store, post):
    operator = add_operator(store, "one")
    notice_recipients.add(store, "file", "/box")
    add_run(store, {operator: {"changes": [found()]}}, state="running")
    assert send(store) == []
    assert notices.held_up(store) == [1]
    with pytest.raises(UsageError, match="has not ended"):
        send(store, run=1)
    with pytest.raises(UsageError, match="no run 7"):
        send(store, run=7)


def test_up_to_a_run(store, post):
    operator = add_operator(store, "one")
    notice_recipients.add(store, "file", "/box")
    for number in range(3):
        add_run(store, {operator: {"changes": [found(subject=f"node:{number}")]}})
    assert send(store, run=2) == ["sent"]
    assert post.texts("/box")[0]["counts"] == {"new": 2}
    assert send(store) == ["sent"]
    assert post.texts("/box")[1]["changes"][0]["subject"] == "node:2"


def test_declarations_that_could_not_be_judged(store, post):
    operator = add_operator(store, "one")
    notice_recipients.add(store, "file", "/box")
    broken = {"state": "refused", "verdict": None, "reason": canonical({"en": "no file", "zh": "无文件"})}
    for item in (
        {"verdict": "pass"},
        broken,
        broken,
        {"verdict": "pass"},
        {"state": "error", "reason": None},
    ):
        add_run(store, {operator: item})
        send(store)
    told = [[(one["run"], one["state"]) for one in n["unjudged"]] for n in post.texts("/box")]
    assert told == [[(2, "refused")], [(4, "judged_again")], [(5, "error")]]


def test_waivers_that_lapsed_or_were_revoked_are_told_once(store, post, clock):
    operator = add_operator(store, "one")
    notice_recipients.add(store, "file", "/box")
    for subject in ("node:s-1", "node:s-2"):
        waive(store, operator, subject, days=3)
    add_run(store, {operator: {"changes": [found(), found(subject="node:s-2")]}})
    send(store)
    assert all("waived_until" in one for one in post.texts("/box")[0]["changes"])

    def revoke(change):
        values = {"decision_id": 1, "at": change.at, "by": "Li", "reason": "moved"}
        change.connection.execute(sa.insert(tables.revocation), [values])
        change.touch("revocation", 1)

    store.write("decision_revoked", revoke)
    assert send(store) == ["sent"]
    clock.ahead(days=4)
    assert send(store) == ["sent"]
    assert send(store) == []
    events = [[(w["event"], w["subject"]) for w in n["waivers"]] for n in post.texts("/box")]
    assert events == [[], [("revoked", "node:s-1")], [("lapsed", "node:s-2")]]


VERDICTS = ("fail", "inconclusive", "pass")
WEEK = st.tuples(st.lists(st.sampled_from(VERDICTS), min_size=3, max_size=3), st.booleans())


def result_of(verdicts):
    """Give as much of a result as a later one is held against."""
    names = [f"node:{n}" for n in range(len(verdicts))]
    finding = {
        "rule": RULE,
        "severity": "high",
        "basis": "circular",
        "message_id": "x",
        "args": {},
        "details": {},
    }
    return {
        "tool": {"version": "1"}, "as_of": "2026-11-22", "policy_sha256": "p", "min_grade": 3, "confirmed": [],
        "operator": {"name": "One", "uscc": None}, "inputs": [], "zones": [], "verdict": "fail",
        "rules": [{"id": RULE, "sha256": "r", "placed": True}], "counts": {RULE: {v: verdicts.count(v) for v in set(verdicts)}},
        "settled": {RULE: {"pass": [n for n, v in zip(names, verdicts, strict=True) if v == "pass"]}},
        "findings": [
            {**finding, "subject": n, "verdict": v, "message": "stands there", "fingerprint": n}
            for n, v in zip(names, verdicts, strict=True) if v != "pass"
        ],
    }  # fmt: skip


@settings(max_examples=10)
@given(weeks=st.lists(WEEK, min_size=1, max_size=8))
def test_who_reads_only_the_notices_knows_what_is_open(blank, weeks):
    """The oracle is the verdicts themselves: what is open at the last run, held against what was told."""
    with copy_of(blank) as store:
        folder = store.evidence.parent / "box"
        folder.mkdir()
        notice_recipients.add(store, "file", str(folder), "one")
        known, before, earlier, told_runs = {}, None, {}, set()
        for number, (verdicts, notify) in enumerate(weeks, 1):
            result = result_of(verdicts)
            rows = changes_of(before, result, earlier)
            earlier |= {(row["rule"], row["subject"]): row["change"] for row in rows}
            before = result
            add_run(store, {1: {"verdict": "fail", "changes": rows}})
            if not notify:
                continue
            truth = {f"node:{n}": v for n, v in enumerate(verdicts) if v != "pass"}
            for outcome in notices.send(store, office(store), None):
                assert (outcome.state, outcome.error) == ("sent", None)
                assert not told_runs & set(outcome.planned.runs)
                told_runs |= set(outcome.planned.runs)
                assert max(told_runs) == number
                for entry in outcome.planned.notice["changes"]:
                    assert known.get(entry["subject"], "pass") == (entry["before"] or "pass")
                    known[entry["subject"]] = entry["after"]
            known = {subject: verdict for subject, verdict in known.items() if verdict not in {None, "pass"}}
            assert known == truth


# --- whom -------------------------------------------------------------------------------------------------


def test_the_same_address_twice_is_one_and_gets_one_notice(store, post):
    operator = add_operator(store, "one")
    assert notice_recipients.add(store, "file", "/box") == (1, True)
    assert notice_recipients.add(store, "file", "/box") == (1, False)
    assert notice_recipients.add(store, "file", "/box", "one") == (2, True)
    add_run(store, {operator: {"changes": [found()]}})
    assert send(store) == ["sent"]


def test_what_waits_for_an_address_that_is_taken_out_is_withdrawn(store, post):
    operator = add_operator(store, "one")
    notice_recipients.add(store, "file", "/box")
    add_run(store, {operator: {"changes": [found()]}})
    post.before = refuse
    send(store)
    assert notice_recipients.remove(store, 1) == 1
    post.before = lambda: None
    assert send(store) == []
    notice_recipients.add(store, "file", "/box")
    assert send(store) == ["sent"]
    assert [row.state for row in rows_of(store, tables.notice)] == ["sent"]
    assert faults(store) == []
    with pytest.raises(UsageError, match="no recipient 9"):
        notice_recipients.remove(store, 9)


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("pigeon", "x"),
        ("file", "/no/such/folder"),
        ("file", "a\0b"),
        ("smtp", "a@b.cn\r\nBcc: all@b.cn"),
        ("smtp", "a@b.cn, c@d.cn"),
        ("smtp", "nobody"),
        ("smtp", "<a@b.cn>"),
        ("webhook", "http://example.cn/hook"),
        ("webhook", "https://user:word@example.cn/"),
        ("webhook", "https:///x"),
        ("webhook", "file:///etc/passwd"),
    ],
)
def test_addresses_that_are_none_are_refused(blank, name, address):
    with copy_of(blank) as store, pytest.raises(UsageError):
        notice_recipients.add(store, name, address)


def test_an_address_of_nobody_known_is_refused(store, post):
    with pytest.raises(UsageError, match="no operator of the store is called"):
        notice_recipients.add(store, "file", "/box", "nobody")


# --- acknowledged -----------------------------------------------------------------------------------------


def test_acknowledged_overdue_and_late(store, post, clock):
    operator = add_operator(store, "one")
    notice_recipients.add(store, "file", "/box")
    add_run(store, {operator: {"changes": [found()]}})
    send(store, policy={"notification_sla_days": 10})
    [one] = notice_acknowledged.listed(store)
    assert one.values["due_on"] == dt.date(2026, 12, 2)
    assert post.texts("/box")[0]["due_on"] == "2026-12-02"
    clock.ahead(days=10)
    assert not notice_acknowledged.listed(store)[0].overdue
    clock.ahead(days=1)
    assert notice_acknowledged.listed(store)[0].overdue
    given_ = [Acknowledgement(one.values["reference"], "Zhang", dt.date(2026, 12, 3))]
    assert notice_acknowledged.acknowledge(store, given_, days=10) == 1
    assert notice_acknowledged.acknowledge(store, given_, days=10) == 0
    assert not notice_acknowledged.listed(store)[0].overdue
    assert faults(store) == []


def test_the_due_day_counts_from_the_day_on_which_it_was_sent(store, post, clock):
    operator = add_operator(store, "one")
    notice_recipients.add(store, "file", "/box")
    add_run(store, {operator: {"changes": [found()]}})
    post.before = refuse
    send(store)
    post.before = lambda: None
    clock.ahead(days=5)
    send(store)
    [row] = rows_of(store, tables.notice)
    assert row.due_on == dt.date(2026, 11, 22) + dt.timedelta(35)


def test_what_is_acknowledged_has_arrived(store, post):
    add_run(store, {add_operator(store, "one"): {"changes": [found()]}})
    notice_recipients.add(store, "file", "/box")
    post.after = crash
    with pytest.raises(Crash):
        send(store)
    [row] = rows_of(store, tables.notice)
    assert row.state == "sending"
    given_ = [Acknowledgement(row.key, "Zhang", dt.date(2026, 11, 22))]
    notice_acknowledged.acknowledge(store, given_, days=30)
    assert send(store) == []
    assert rows_of(store, tables.notice)[0].state == "sent"


def test_all_that_is_wrong_with_acknowledgements_is_said_at_once(store, post, tmp_path):
    operator = add_operator(store, "one")
    notice_recipients.add(store, "file", "/box")
    for number in range(2):
        add_run(store, {operator: {"changes": [found(subject=f"node:{number}")]}})
        send(store)
    first, second = (row.key[:12] for row in rows_of(store, tables.notice))
    path = tmp_path / "back.csv"
    path.write_text(f"notice,by,on\n{first},Zhang,2026-11-22\nabcdef,Li,2026-11-22\n{second},Li,2027-01-01\n"
                    f"{second},Li,2020-01-01\n%,Li,2026-11-22\n{first},Another,2026-11-22\n", "utf-8")  # fmt: skip
    given_ = notice_acknowledged.read_acknowledgements(path)
    with pytest.raises(DeclarationError) as caught:
        notice_acknowledged.acknowledge(store, given_, days=30)
    lines = caught.value.in_("en").split("\n")
    assert [line.split(":")[0] for line in lines] == [
        f"back.csv, row {n}, {field}"
        for n, field in ((3, "notice"), (4, "on"), (5, "on"), (6, "notice"), (7, "notice"))
    ]
    assert rows_of(store, tables.notice)[0].acknowledged_on is None  # all or none
    path.write_text("notice,by,on\nx,,someday\n", "utf-8")
    with pytest.raises(DeclarationError) as caught:
        notice_acknowledged.read_acknowledgements(path)
    assert len(caught.value.problems) == 2
