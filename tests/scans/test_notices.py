"""Notices: who reads them knows what is open; each goes out once, however often sending breaks off.

`AUDITOR_UPDATE_GOLDEN=1` writes the golden file anew; look at the difference before you commit it.
"""

import datetime as dt
import os
import shutil
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import cli
from auditor.errors import AuditorError, DeclarationError, UsageError
from auditor.language import Text
from auditor.scans import ledger, notice_acknowledged, notice_recipients, notices, tables
from auditor.scans.canonical import canonical
from auditor.scans.channels import Channel, ChannelError, Office
from auditor.scans.life import changes_of
from auditor.scans.notice_acknowledged import Acknowledgement
from auditor.scans.store import open_store
from auditor.settings import Settings, read_settings
from tests.scans._build import add_operator, add_run, changed
from tests.scans.conftest import FakeClock

GOLDEN = Path(__file__).parents[1] / "golden" / "scans" / "notice.md"
RULE = "PILOT-FAC-01"


class Crash(BaseException):
    """The process dies here: nothing catches it."""


class Post:
    """A channel that keeps what arrives, by key, as a receiver does that knows each notice by its key."""

    def __init__(self):
        self.arrived = {}  # by address, in order: {key: bytes}
        self.deliveries = 0
        self.before = self.after = lambda: None  # what happens before, and after, something arrives

    def send(self, _office, letter, address):
        self.before()
        self.deliveries += 1
        box = self.arrived.setdefault(address, {})
        assert box.setdefault(letter.key, letter.data) == letter.data  # again, but the same bytes
        self.after()

    def texts(self, address):
        return [orjson.loads(data) for data in self.arrived.get(address, {}).values()]


@pytest.fixture
def post(monkeypatch):
    """Put one channel of our own in the place of all."""
    own = Post()
    channel = Channel("file", str, lambda _: None, own.send)
    monkeypatch.setattr(notices, "channel", lambda _: channel)
    monkeypatch.setattr(notice_recipients, "channel", lambda _: channel)
    return own


def office(store, **values):
    return Office(read_settings(values), {}, store.clock)


def send(store, run=None, **values):
    return [o.state for o in notices.send(store, office(store, **values), run)]


def faults(store):
    with store.read() as connection:
        return [str(fault) for fault in ledger.verify(connection)[0]]


def rows_of(store, table):
    with store.read() as connection:
        return connection.execute(sa.select(table)).all()


def found(rule=RULE, subject="node:s-1", word="new", before=None, after="fail", **more):
    return changed(rule, subject, word, before, after, **more)


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


def waive(store, operator, subject, days):
    def work(change):
        return change.insert(
            tables.decision,
            kind="waiver",
            operator_id=operator,
            rule=RULE,
            subject=subject,
            reason="being moved",
            approver="Wang",
            granted_at=change.at,
            from_at=change.at,
            until_at=change.at + dt.timedelta(days=days),
            zone="Asia/Shanghai",
        )

    return store.write("waiver_recorded", work)


VERDICTS = ("fail", "inconclusive", "pass")
WEEK = st.tuples(st.lists(st.sampled_from(VERDICTS), min_size=3, max_size=3), st.booleans())


@pytest.fixture(scope="module")
def blank(tmp_path_factory):
    """Give a SQLite store with one operator, to be copied."""
    folder = tmp_path_factory.mktemp("blank")
    store = open_store(f"sqlite:///{folder / 'scans.db'}", clock=FakeClock())
    add_operator(store, "one")
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return folder / "scans.db"


@contextmanager
def copy_of(blank):
    """Give a fresh copy of the blank store."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(blank, Path(folder) / "scans.db")
        store = open_store(f"sqlite:///{folder}/scans.db", clock=FakeClock())
        try:
            yield store
        finally:
            store.close()


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


@settings(max_examples=25)
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
