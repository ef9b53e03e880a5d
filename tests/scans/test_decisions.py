"""Waivers and people's verdicts: exact, ended, never by the operator itself; and loud when they lapse."""

import datetime as dt
import json
import random
from concurrent.futures import ThreadPoolExecutor
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import auditor
from auditor import cli
from auditor.errors import UsageError
from auditor.scans import approvers, decisions, ledger, tables
from auditor.scans.approvers import Known, refused
from auditor.scans.canonical import canonical
from auditor.scans.deciding import MOST_DAYS, Wanted, record, revoke
from auditor.scans.moments import read_moment
from auditor.scans.store import open_store
from tests.scans._build import add_operator, add_run, changed
from tests.scans.conftest import BEGAN

FAC, ISP = "PILOT-FAC-01", "PILOT-ISP-02"
DAY = dt.timedelta(days=1)
NAMED = {"name": "Example Lingang Data Co., Ltd.", "uscc": "91310115MA1K4XXXX0", "area": "shanghai"}


def wanted(**given):
    base = {
        "kind": "waiver",
        "operator": "one",
        "rule": FAC,
        "subject": "node:a",
        "verdict": None,
        "reason": "moves in May",
        "approver": "Li Na, Shanghai Communications Administration",
        "until_at": BEGAN + 30 * DAY,
        "zone": "Asia/Shanghai",
    }
    return Wanted(**base | given)


def faults(store, **given):
    with pytest.raises(UsageError) as caught:
        record(store, wanted(**given))
    assert len(caught.value.args) == len(set(caught.value.args))
    return str(caught.value)


@pytest.fixture
def judged(store):
    """Give a store with one operator of which node:a fails and node:b is undecided."""
    one = add_operator(store, "one")
    rows = [changed(FAC, "node:a", "new", None, "fail"), changed(ISP, "node:b", "new", None, "inconclusive")]
    add_run(store, {one: {"verdict": "fail", **NAMED, "changes": rows}})
    store.one = one
    return store


# --- recording ----------------------------------------------------------------------------------------------


def test_a_waiver_is_recorded_logged_and_holds_until_its_end(judged):
    number = record(judged, wanted(document=("letter.pdf", b"letter")))
    with judged.read() as connection:
        [made] = decisions.decisions(connection)
        assert ledger.verify(connection)[0] == []
        assert [d.id for d in decisions.decisions_at(connection, made.from_at)] == [number]
        last = made.until_at - dt.timedelta(microseconds=1)
        assert [d.id for d in decisions.decisions_at(connection, last)] == [number]
        assert decisions.decisions_at(connection, made.until_at) == []
    assert judged.blobs.get(made.evidence) == b"letter" and made.evidence_name == "letter.pdf"
    assert made.granted_at == made.from_at > BEGAN


def test_everything_wrong_is_said_at_once(judged):
    told = faults(
        judged,
        rule="PILOT-FAC-99",
        subject="node",
        reason=" ",
        approver="EXAMPLE LINGANG DATA COMPANY LIMITED",
        until_at=BEGAN + 400 * DAY,
        from_at=BEGAN - DAY,
    )
    for part in (
        "--reason: is blank",
        "there is no such rule",
        "is no subject",
        "begins in the past",
        f"more than {MOST_DAYS} days",
        "is the operator",
    ):
        assert part in told
    with judged.read() as connection:
        assert decisions.decisions(connection) == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"operator": "two"}, "no operator of the store is called two"),
        ({"until_at": BEGAN - DAY}, "--until: is over already"),
        ({"from_at": BEGAN + 31 * DAY}, "--until: ends before it begins"),
        ({"from_at": BEGAN + 30 * DAY}, "--until: ends before it begins"),
        ({"from_at": BEGAN}, "begins in the past"),
        ({"subject": "node:*"}, "there are no wildcards"),
        ({"subject": "node:?"}, "there are no wildcards"),
        ({"subject": "*"}, "is no subject"),
        ({"rule": "PILOT-FAC-*"}, "there is no such rule"),
        ({"rule": "annex-5-security"}, "there is no such rule"),  # a clause is judged, not waived
        ({"kind": "verdict", "verdict": "pass"}, "the tool says fail"),
        (
            {"kind": "verdict", "verdict": "pass", "rule": "annex-5-security"},
            "a clause is judged of the operator",
        ),
    ],
)
def test_what_is_refused(judged, given, told):
    assert told in faults(judged, **given)


def test_a_clause_is_not_passed_over_what_the_tool_says_fails(judged):
    clause = next(rule.clauses[0] for rule in auditor.engine.all_rules() if rule.id == FAC)
    given = {"kind": "verdict", "verdict": "pass", "rule": clause, "subject": "operator"}
    assert "PILOT-FAC-01 on node:a: the tool says fail" in faults(judged, **given)
    assert record(judged, wanted(**given | {"verdict": "fail"}))


def test_longest_waiver_is_counted_from_the_grant(judged, clock):
    at = clock.at + dt.timedelta(seconds=1)  # what the clock says next
    assert f"{MOST_DAYS} days" in faults(judged, until_at=at + MOST_DAYS * DAY + dt.timedelta(seconds=1))
    clock.at = at - dt.timedelta(seconds=1)
    assert f"{MOST_DAYS} days" in faults(judged, from_at=at + 360 * DAY, until_at=at + 720 * DAY)
    clock.at = at - dt.timedelta(seconds=1)
    assert record(judged, wanted(until_at=at + MOST_DAYS * DAY))


def test_one_decision_at_a_time_on_the_same(judged):
    first = record(judged, wanted())
    assert f"number {first} decides on this" in faults(judged)
    assert record(
        judged, wanted(from_at=BEGAN + 30 * DAY, until_at=BEGAN + 60 * DAY)
    )  # the ends do not touch
    assert record(judged, wanted(subject="node:b"))
    revoke(judged, first, by="Li Na", reason="wrong")
    assert record(judged, wanted(until_at=BEGAN + 29 * DAY))


def test_of_many_at_once_one_is_recorded(judged):
    def attempt(_):
        try:
            return record(judged, wanted())
        except UsageError as error:
            return str(error)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(attempt, range(4)))
    [number] = [answer for answer in answers if isinstance(answer, int)]
    assert min(answer for answer in answers if answer != number).startswith(f"number {number} decides")
    with judged.read() as connection:
        assert len(decisions.decisions(connection)) == 1
        assert ledger.verify(connection)[0] == []


def test_a_subject_with_a_star_in_its_name_may_be_waived(judged):
    rows = [changed(FAC, "node:a*", "new", None, "fail")]
    add_run(judged, {judged.one: {"verdict": "fail", "changes": rows}})
    assert record(judged, wanted(subject="node:a*"))


@pytest.mark.parametrize("done", [True, False])
def test_a_decision_whose_commit_is_not_answered_is_recorded_once(judged, losing, done):
    losing(done=done)
    number = record(judged, wanted())
    losing(done=done)
    revoke(judged, number, by="Li Na", reason="wrong")
    with judged.read() as connection:
        [made] = decisions.decisions(connection)
        assert (made.id, made.revoked_by) == (number, "Li Na")
        kinds = connection.execute(sa.select(tables.log.c.kind).order_by(tables.log.c.seq)).scalars().all()
        assert kinds[-2:] == ["waiver_recorded", "decision_revoked"]
        assert kinds.count("waiver_recorded") == 1
        assert ledger.verify(connection)[0] == []


def test_a_revocation_is_a_row_of_its_own(judged):
    number = record(judged, wanted())
    with judged.read() as connection:
        before = connection.execute(sa.select(tables.decision)).all()
    with pytest.raises(UsageError) as caught:
        revoke(judged, number, by=" ", reason="")
    assert "--by" in str(caught.value) and "--reason" in str(caught.value)
    revoke(judged, number, by="Li Na", reason="wrong")
    with judged.read() as connection:
        assert connection.execute(sa.select(tables.decision)).all() == before
        [made] = decisions.decisions(connection)
    assert made.state(judged.clock()) == "revoked" and not made.holds(judged.clock())
    for which, told in ((number, "was revoked"), (99, "no such decision")):
        with pytest.raises(UsageError, match=told):
            revoke(judged, which, by="Li Na", reason="wrong")


def test_what_lapsed_is_not_revoked(judged, clock):
    number = record(judged, wanted())
    clock.ahead(days=31)
    with pytest.raises(UsageError, match="has lapsed"):
        revoke(judged, number, by="Li Na", reason="late")


# --- who may not decide -------------------------------------------------------------------------------------

OWN = Known(
    ("示例网络（上海）有限公司", "91310115MA1K4XXXX0", "Example Lingang Data Co., Ltd.", "Example", "远景"),
    ("east/lingang-7", "lingang-7"),
)


@pytest.mark.parametrize(
    "approver",
    [
        "示例网络（上海）有限公司",
        "示例網絡(上海)有限公司",
        "示例网络（上海）有限公司北京分公司",
        "示例网络上海 合规部 王五",
        "示例网络",
        "EXAMPLE LINGANG DATA COMPANY LIMITED",
        "Ｅｘａｍｐｌｅ Lingang Data",
        "Exam\u200bple Lingang Data Co., Ltd.",
        "Exámple Lingang Data",
        "Exmaple Lingang Data Co., Ltd.",
        "Zhang San (Example Lingang Data Co., Ltd.)",
        "Example Lingang",
        "Example Holdings Pte Ltd",
        "远景控股有限公司",
        "9131 0115 ma1k4xxxx0",
        "Zhang San, 91310115MA1K4XXXX0",
        "lingang-7",
        "operator",
        "Еxample Lingang Data",  # the first letter is Cyrillic
        "***",
        "",
    ],
)
def test_the_operator_and_its_group_may_not_decide(approver):
    assert refused(approver, OWN) is not None


@pytest.mark.parametrize(
    "approver",
    [
        "上海市通信管理局 张三",
        "Li Na, Shanghai Communications Administration",
        "张三",
        "Lingang New Area administration",
        "Operator supervision office",
        "上海",
    ],
)
def test_others_may(approver):
    assert refused(approver, OWN) is None


@pytest.mark.parametrize("entry", ["", "network.json"])
def test_group_and_holders_of_approvals_are_read_from_the_declaration(store, entry):
    one = add_operator(store, "one")
    text = (
        '[operator]\nname = "A Data"\ngroup = "Sunrise"\n[[approvals]]\nholder = "Moonlight Telecom Ltd"\n'
        if not entry
        else '{"operator": {"name": "A Data", "group": "Sunrise"}, "approvals": [{"holder": "Moonlight Telecom Ltd"}]}'
    )
    digest = store.blobs.put(text.encode())
    files = canonical([{"path": entry or "declaration.toml", "sha256": digest, "size": len(text)}])
    row = {"operator_id": one, "version": 1, "sha256": "0" * 64, "entry": entry, "files": files}
    store.write("seen", lambda c: c.insert(tables.declaration, **row, seen_at=c.at))
    with store.read() as connection:
        names = approvers.known(connection, store.blobs, one).names
    assert {"Sunrise", "Moonlight Telecom Ltd", "A Data"} <= set(names)
    assert "is the operator" in faults(store, approver="Sunrise Holdings")
    assert "is the operator" in faults(store, approver="Moonlight Telecom")


# --- the end ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "zone", "ends"),
    [
        ("2027-03-31", "Asia/Shanghai", "2027-03-31T16:00:00+00:00"),
        ("2027-03-31", "UTC", "2027-04-01T00:00:00+00:00"),
        ("2027-03-31T24:00", "Asia/Shanghai", "2027-03-31T16:00:00+00:00"),
        ("2027-03-31 24:00:00+08:00", None, "2027-03-31T16:00:00+00:00"),
        ("2027-12-31T24:00+08:00", None, "2027-12-31T16:00:00+00:00"),
        ("2027-03-31T18:00+08:00", "Asia/Shanghai", "2027-03-31T10:00:00+00:00"),
        ("2027-03-31T18:00Z", None, "2027-03-31T18:00:00+00:00"),
        ("2028-02-29", "Asia/Shanghai", "2028-02-29T16:00:00+00:00"),
        ("2027-03-27", "Europe/Berlin", "2027-03-27T23:00:00+00:00"),
        ("2027-03-28", "Europe/Berlin", "2027-03-28T22:00:00+00:00"),  # a day of 23 hours
        ("2027-10-31", "Europe/Berlin", "2027-10-31T23:00:00+00:00"),  # and one of 25
        ("2024-04-25", "Africa/Cairo", "2024-04-25T22:00:00+00:00"),  # no midnight: 00:00 is 01:00
        ("2018-11-03", "America/Sao_Paulo", "2018-11-04T03:00:00+00:00"),  # the same
        ("2023-11-04", "America/Havana", "2023-11-05T05:00:00+00:00"),  # midnight twice: the second one
        ("2011-12-29", "Pacific/Apia", "2011-12-30T10:00:00+00:00"),  # the next day is left out
    ],
)
def test_when_a_decision_ends(text, zone, ends):
    assert read_moment(text, zone, "--until", end=True).at.isoformat() == ends


@pytest.mark.parametrize(
    ("text", "zone", "told"),
    [
        ("2027-03-31", None, "a day is another time elsewhere"),
        ("2027-03-31T18:00", None, "has no time zone"),
        ("2027-03-31T24:00", None, "has no time zone"),
        ("2027-03-28T02:30", "Europe/Berlin", "no clock in Europe/Berlin shows this time"),
        ("2027-10-31T02:30", "Europe/Berlin", "show this time twice"),
        ("2027-03-31T18:00+09:00", "Asia/Shanghai", "has another offset then"),
        ("2027-02-29", "Asia/Shanghai", "is no date and no time"),
        ("2027-03-31T24:30", "Asia/Shanghai", "is no date and no time"),
        ("9999-12-31", "Asia/Shanghai", "is no date and no time"),
        ("tomorrow", "Asia/Shanghai", "is no date and no time"),
        ("2027-03-31", "Asia/Shanghi", "no time zone is called so"),
        ("2027-03-31", "../etc/passwd", "no time zone is called so"),
        ("2027-03-31", "Asia", "no time zone is called so"),
        ("2027-03-31", "localtime", "no time zone is called so"),  # is another on every machine
    ],
)
def test_ends_that_are_refused(text, zone, told):
    with pytest.raises(UsageError, match=told):
        read_moment(text, zone, "--until", end=True)


ZONES = (
    "Asia/Shanghai",
    "Europe/Berlin",
    "Africa/Cairo",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Asia/Beirut",
)


@given(st.dates(dt.date(2000, 1, 1), dt.date(2037, 12, 30)), st.sampled_from(ZONES))
def test_days_end_where_the_next_begins_and_hold_all_their_instants(day, zone):
    ends = read_moment(day.isoformat(), zone, "--until", end=True).at
    begins = read_moment((day + DAY).isoformat(), zone, "--from").at
    place = ZoneInfo(zone)
    assert begins <= ends  # they differ where midnight comes twice
    assert (ends - dt.timedelta(seconds=1)).astimezone(place).date() == day
    assert ends.astimezone(place).date() == day + DAY
    assert (begins - dt.timedelta(seconds=1)).astimezone(place).date() == day
    assert begins.astimezone(place).date() == day + DAY


# --- laid over findings -------------------------------------------------------------------------------------


def test_overlay_adds_who_and_until_and_changes_no_verdict(judged):
    record(judged, wanted())
    record(judged, wanted(kind="verdict", verdict="pass", rule=ISP, subject="node:b"))
    frame = pd.DataFrame(
        [
            ("one", FAC, "node:a", "fail"),
            ("two", FAC, "node:a", "fail"),
            ("one", FAC, "node:aa", "fail"),
            ("one", ISP, "node:b", "inconclusive"),
            ("one", ISP, "node:b", "fail"),
            ("one", FAC, "node:a", "pass"),
        ],
        columns=["operator", "rule", "subject", "verdict"],
        index=[5, 3, 9, 1, 0, 2],
    )
    with judged.read() as connection:
        held = decisions.decisions_at(connection, judged.clock())
    laid = decisions.overlay(frame, held)
    pd.testing.assert_frame_equal(laid[frame.columns], frame)
    assert laid["waived_by"].notna().tolist() == [True, False, False, False, False, False]
    assert laid.loc[5, "waived_until"] == BEGAN + 30 * DAY
    assert laid["decided"].tolist() == [None, None, None, "pass", None, None]
    assert decisions.overlay(frame, [])["waived_by"].isna().all()
    assert decisions.overlay(frame.head(0), held).empty


@given(st.integers(0, 2**32))
def test_overlay_is_what_one_by_one_says(seed):
    rng = random.Random(seed)  # noqa: S311 -- no secret
    held = [
        decisions.Decision(
            n, rng.choice(("waiver", "verdict")), 1, rng.choice("xy"), rng.choice("rs"), rng.choice("ab"), "pass",
            f"why {n}", f"who {n}", BEGAN, BEGAN, BEGAN + DAY, "UTC", None, None, None, None, None,
        )
        for n in range(rng.randrange(5))
    ]  # fmt: skip
    verdicts = ("fail", "inconclusive", "pass", "error", "not_applicable")
    rows = [tuple(map(rng.choice, ("xy", "rs", "ab", verdicts))) for _ in range(rng.randrange(8))]
    laid = decisions.overlay(pd.DataFrame(rows, columns=["operator", "rule", "subject", "verdict"]), held)
    for row, waived, decided in zip(rows, laid["waiver_id"], laid["decided_id"], strict=True):
        mine = [d for d in held if (d.operator, d.rule, d.subject) == row[:3]]
        waivers = [d.id for d in mine if d.kind == "waiver" and row[3] in {"fail", "inconclusive", "error"}]
        verdict = [d.id for d in mine if d.kind == "verdict" and row[3] in {"inconclusive", "error"}]
        assert (waived, decided) == ((waivers or [None])[-1], (verdict or [None])[-1])


# --- loud ---------------------------------------------------------------------------------------------------


def lapses(store, since=None):
    return [(f.decision.id, f.lapsed, f.open) for f in decisions.lapsing(store, since, store.clock())]


def lost(store):
    return [(f.decision.id, str(f.why)) for f in decisions.unmatched(store, store.clock())]


def test_what_lapses_is_told_before_and_after_and_as_long_as_it_is_open(judged, clock):
    number = record(judged, wanted())
    assert lapses(judged) == []
    clock.ahead(days=16, hours=1)  # thirteen days are left
    assert lapses(judged) == [(number, False, True)]
    clock.ahead(days=20)
    assert lapses(judged) == [(number, True, True)]
    assert lapses(judged, since=judged.clock()) == [(number, True, True)]  # still open: told at every run
    add_run(
        judged,
        {judged.one: {"verdict": "pass", "changes": [changed(FAC, "node:a", "fixed", "fail", "pass")]}},
    )
    assert lapses(judged, since=judged.clock()) == []
    assert lapses(judged) == [(number, True, False)]


def test_what_was_renewed_or_revoked_does_not_lapse(judged, clock):
    number = record(judged, wanted())
    revoked = record(judged, wanted(subject="node:c"))
    revoke(judged, revoked, by="Li Na", reason="wrong")
    clock.ahead(days=31)
    assert lapses(judged) == [(number, True, True)]
    record(judged, wanted(until_at=BEGAN + 90 * DAY))
    assert lapses(judged) == []


def test_what_matches_nothing_is_told_with_its_reason(judged):
    matched = record(judged, wanted())
    never = record(judged, wanted(subject="node:z"))
    decided = record(judged, wanted(kind="verdict", verdict="pass", rule=ISP, subject="node:b"))
    clause = record(
        judged, wanted(kind="verdict", verdict="pass", rule="annex-5-security", subject="operator")
    )
    two = add_operator(judged, "two")
    unjudged = record(judged, wanted(operator="two"))
    nothing = "nothing was ever found of this rule on this subject"
    none_yet = "no run has judged the operator yet"
    assert lost(judged) == [(never, nothing), (unjudged, none_yet)]
    rows = [
        changed(FAC, "node:a", "no_longer_evaluated", "fail", None),
        changed(ISP, "node:b", "changed", "inconclusive", "fail"),
    ]
    add_run(judged, {judged.one: {"verdict": "fail", "changes": rows}})
    by_run_2 = {matched: "no longer evaluated since run 2", decided: "the tool itself says fail since run 2"}
    assert lost(judged) == sorted([*by_run_2.items(), (never, nothing), (unjudged, none_yet)])
    rows = [
        changed(FAC, "node:a", "newly_evaluated", None, "fail"),
        changed(ISP, "node:b", "fixed", "fail", "pass"),
    ]
    add_run(judged, {judged.one: {"verdict": "fail", "changes": rows}})
    assert lost(judged) == [(never, nothing), (decided, "no longer open since run 3"), (unjudged, none_yet)]

    def remove(change):
        own = tables.operator
        change.connection.execute(sa.update(own).values(removed_at=change.at))
        for number in (judged.one, two):
            change.touch("operator", number)

    judged.write("removed", remove)
    every = (matched, never, decided, clause, unjudged)
    assert lost(judged) == [(number, "the operator is scanned no more") for number in every]


def test_the_life_that_counts_is_the_order_of_results_not_that_of_runs(judged):
    """Run 2 was interrupted and ended after run 3: what it says is the last word."""
    record(judged, wanted())
    fixed = [changed(FAC, "node:a", "fixed", "fail", "pass")]
    again = [changed(FAC, "node:a", "regressed", "pass", "fail")]
    add_run(judged, {judged.one: {"verdict": "fail", "changes": again, "before_id": 3}})
    add_run(judged, {judged.one: {"verdict": "pass", "changes": fixed, "before_id": 1}})
    assert lost(judged) == []


# --- the command line ---------------------------------------------------------------------------------------


def run(store, *words, lang="en"):
    options = ["--store", store.url, "--evidence", str(store.evidence), "--lang", lang]
    return CliRunner().invoke(cli.cli, ["waive", *words, *options], standalone_mode=False)


def soon(days):
    return (dt.datetime.now(dt.UTC) + days * DAY).date().isoformat()


@pytest.fixture
def on_disk(tmp_path):
    """Give a store as people have it, with the clock of this machine."""
    store = open_store(f"sqlite:///{tmp_path / 'scans.db'}")
    one = add_operator(store, "one")
    add_run(
        store, {one: {"verdict": "fail", **NAMED, "changes": [changed(FAC, "node:a", "new", None, "fail")]}}
    )
    yield store
    store.close()


def test_commands(on_disk, tmp_path):
    letter = tmp_path / "letter.pdf"
    letter.write_bytes(b"letter")
    words = ["--reason", "moves", "--approver", "Li Na", "--zone", "Asia/Shanghai"]
    assert run(on_disk, "add", "one", FAC, "node:a", "--until", soon(20), *words).return_value == 0
    assert run(on_disk, "check").return_value == 0
    done = run(
        on_disk, "add", "one", FAC, "node:b", "--until", soon(5), "--document", str(letter), *words, lang="zh"
    )
    assert "无对应事项" in done.stderr and "豁免" in done.stdout
    checked = run(on_disk, "check", lang="zh")
    assert checked.return_value == 1 and "即将到期" in checked.stdout and "无对应事项" in checked.stdout
    found = json.loads(run(on_disk, "check", "--format", "json").stdout)
    assert [d["id"] for d in found["unmatched"]] == [d["id"] for d in found["lapsing"]] == [2]
    assert found["lapsed"] == []
    run(on_disk, "revoke", "2", "--by", "Li Na", "--reason", "wrong node")
    assert run(on_disk, "check").return_value == 0
    assert [d["id"] for d in json.loads(run(on_disk, "list", "--format", "json").stdout)["decisions"]] == [1]
    everything = json.loads(run(on_disk, "list", "--all", "--format", "json").stdout)["decisions"]
    assert [d["state"] for d in everything] == ["holds", "revoked"]
    assert run(on_disk, "list", "--operator", "two").stdout == ""


def test_faults_of_options_are_told_together_and_nothing_is_recorded(on_disk):
    done = run(
        on_disk, "add", "one", FAC, "node:a", "--until", "2027-03-31", "--from", "soon", "--reason", "x",
        "--approver", "Li Na", "--document", "/nowhere",
    )  # fmt: skip
    told = str(done.exception)
    assert "--until" in told and "--from" in told and "/nowhere" in told
    assert run(on_disk, "list", "--all").stdout == ""


def test_a_hostile_reason_is_shown_not_obeyed(on_disk):
    words = ["--approver", "Li Na", "--zone", "Asia/Shanghai", "--until", soon(20)]
    run(on_disk, "add", "one", FAC, "node:a", "--reason", "\x1b[2J\u202egone", *words)
    assert "\x1b" not in run(on_disk, "list").stdout and "\u202e" not in run(on_disk, "list").stdout


# --- never inside a declaration -----------------------------------------------------------------------------


def test_a_declaration_cannot_waive(tmp_path, areas):
    """Tables and columns about waivers are listed as unused, and no verdict moves."""
    whole = tmp_path / "whole"
    whole.mkdir()
    sample = auditor.sample("shanghai_violations")
    for file in sample.iterdir():
        (whole / file.name).write_bytes(file.read_bytes())
    plain = auditor.check(auditor.read_declaration(whole), areas=areas, as_of="2026-11-22")
    text = (whole / "declaration.toml").read_text("utf-8")
    waivers = '\n[[waivers]]\nrule = "PILOT-FAC-01"\nsubject = "node:*"\nuntil = 2099-01-01\nreason = "x"\n'
    (whole / "declaration.toml").write_text(f'waived = ["*"]\n{text}{waivers}', "utf-8")
    lines = (whole / "nodes.csv").read_text("utf-8").splitlines()
    lines = [f"{lines[0]},waived,waiver,suppress", *(f"{line},true,all,yes" for line in lines[1:])]
    (whole / "nodes.csv").write_text("\n".join(lines) + "\n", "utf-8")
    declared = auditor.read_declaration(whole)
    judged = auditor.check(declared, areas=areas, as_of="2026-11-22")
    assert judged.verdict == plain.verdict == "fail"
    assert judged.counts == plain.counts
    told = {str(entry.what) for entry in declared.unused}
    assert {"waivers", "waived"} <= told and any("suppress" in text for text in told)
