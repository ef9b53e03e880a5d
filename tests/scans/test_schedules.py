"""Schedules: cron text in its zone, what is due, what was missed, and that nothing is run twice."""

import datetime as dt
import json
import re
import shutil
import threading
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import auditor
from auditor.cli import cli
from auditor.errors import UsageError
from auditor.scans import cron as cron_text
from auditor.scans import intake, ledger, runs, schedules, tables
from auditor.scans.store import open_store
from tests.scans._build import add_operator
from tests.spoken import SENTENCE

BEGAN = dt.datetime(2026, 11, 22, 1, 0, tzinfo=dt.UTC)  # a Sunday, 09:00 in Shanghai
MINUTE = dt.timedelta(minutes=1)
ZONES = ("Asia/Shanghai", "UTC", "Europe/Berlin", "America/New_York", "Australia/Sydney")


def begin(store, schedule, due_at):
    """Begin a run, and end it at once: run and slot in one transaction, as `runs.begin` does."""

    def work(change):
        of = {"schedule_id": schedule.id}
        run = change.insert(
            tables.run, **of, as_of=change.at.date(), terms="0" * 64, state="done", started_at=change.at
        )
        slot = {**of, "due_at": due_at, "state": "run", "run_id": run, "recorded_at": change.at}
        change.connection.execute(sa.insert(tables.slot), [slot])
        change.touch("slot", schedule.id)
        return run

    return store.write("run_begun", work)


def due_now(store):
    """Call `run_due` as cron does, and give the runs and what it said."""
    handled = list(schedules.run_due(store, lambda _run: None, begin))
    assert [h.error for h in handled if h.error] == []
    return [h.run for h in handled if h.run], [str(text) for h in handled for text in h.told]


def slots_of(store):
    slot = tables.slot.c
    with store.read() as connection:
        rows = connection.execute(sa.select(slot.due_at, slot.state).order_by(slot.due_at)).all()
        assert ledger.verify(connection)[0] == []
    return [(row.due_at, row.state) for row in rows]


# --- cron text --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cron", "named"),
    [
        ("0 3 * *", "write five fields"),
        ("0 0 3 * * 1", "write five fields"),
        ("@daily", "write five fields"),
        ("60 3 * * 1", "field 1, '60': minute: 0-59"),
        ("0 24 * * 1", "field 2, '24': hour: 0-23"),
        ("0 3 0 * *", "field 3, '0': day of the month"),
        ("0 3 * 13 *", "field 4, '13': month: 1-12 or JAN-DEC"),
        ("0 3 * * MONDAY", "field 5, 'MONDAY': day of the week: 0-7 or SUN-SAT"),
        ("0 3 30 2 *", "is never due"),
        ("*/0 3 * * *", "field 1, '*/0'"),
    ],
)
def test_bad_cron_text_says_which_field_and_what_is_allowed(cron, named):
    with pytest.raises(UsageError, match=re.escape(named)):
        cron_text.checked_cron(cron)


def test_all_fields_that_are_wrong_are_named_at_once():
    with pytest.raises(UsageError) as caught:
        cron_text.checked_cron("61 25 32 13 8")
    assert len(caught.value.args) == 5


prose = st.text(max_size=30).filter(lambda text: not SENTENCE.search(text))  # which would be taken for ours


@given(st.text(st.sampled_from("0123456789*/,-#LWMONJAN "), max_size=30) | prose)
def test_any_text_is_a_schedule_or_refused(text):
    try:
        cron = cron_text.checked_cron(text)
    except UsageError:
        return
    assert next(cron_text.times(cron, "Asia/Shanghai", BEGAN)) > BEGAN


@pytest.mark.parametrize(
    "name", ["Asia/Shangai", "Shanghai", "", "/etc/localtime", "../UTC", "Asia", "localtime"]
)
def test_a_zone_that_is_none_is_refused_with_names_that_are_alike(name):
    with pytest.raises(UsageError, match="is no time zone"):
        cron_text.checked_zone(name)


def test_a_misspelt_zone_is_answered_by_the_one_that_was_meant():
    with pytest.raises(UsageError, match="Asia/Shanghai"):
        cron_text.checked_zone("Asia/Shangai")


numbers = [
    st.sampled_from(["*", "*/15", "0", "30", "5,35", "10-50/20"]),
    st.sampled_from(["*", "*/6", "1", "2", "3", "1-3", "23"]),
    st.sampled_from(["*", "*", "1", "29"]),
    st.sampled_from(["*", "*", "3", "10,11"]),
    st.sampled_from(["*", "*", "0", "1", "1-5", "7"]),
]


def allowed(field, low, high):
    """Read a field of the forms above, apart from cronsim."""
    found = set()
    for term in field.split(","):
        span, _, step = term.partition("/")
        first, _, last = span.partition("-") if span != "*" else (str(low), "-", str(high))
        found |= set(range(int(first), int(last or first) + 1, int(step or 1)))
    return found


def named(cron, moment):
    """Whether cron text names a minute of a wall clock."""
    minute, hour, day, month, week = cron.split()
    on_day = moment.day in allowed(day, 1, 31)
    on_week = moment.isoweekday() % 7 in {n % 7 for n in allowed(week, 0, 7)}
    either = not (day.startswith("*") or week.startswith("*"))
    return (
        moment.minute in allowed(minute, 0, 59)
        and moment.hour in allowed(hour, 0, 23)
        and moment.month in allowed(month, 1, 12)
        and ((on_day or on_week) if either else (on_day and on_week))
    )


def by_hand(cron, zone, after, until):
    """Give what is due minute by minute: by wall clock where minute and hour are fixed, else as time passes."""
    own, utc = ZoneInfo(zone), dt.UTC
    fixed = not (cron.split()[0].startswith("*") or cron.split()[1].startswith("*"))
    found = set()
    if not fixed or zone == "UTC":
        moment = after.replace(second=0, microsecond=0)
        while moment <= until:
            if named(cron, moment.astimezone(own)):
                found.add(moment)
            moment += MINUTE
    else:
        wall = after.astimezone(own).replace(tzinfo=None, second=0, microsecond=0) - dt.timedelta(hours=3)
        for _ in range(int((until - after) / MINUTE) + 360):
            if named(cron, wall):
                there = wall
                while there.replace(tzinfo=own).astimezone(utc).astimezone(own).replace(tzinfo=None) != there:
                    there += MINUTE  # the clocks skip it
                found.add(there.replace(tzinfo=own).astimezone(utc))
            wall += MINUTE
    return sorted(moment for moment in found if after < moment <= until)


@settings(max_examples=15)
@given(
    st.tuples(*numbers).map(" ".join),
    st.sampled_from(ZONES),
    st.sampled_from(["2026-03-07", "2026-03-28", "2026-04-04", "2026-10-03", "2026-10-24", "2026-10-31"]),
    st.integers(0, 1800),
)
def test_what_is_due_is_what_a_wall_clock_names(cron, zone, day, offset):
    after = dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC) + dt.timedelta(minutes=offset, seconds=7)
    until = after + dt.timedelta(days=2)
    found = list(takewhile(lambda at: at <= until, cron_text.times(cron, zone, after)))
    assert found == by_hand(cron, zone, after, until)


def local(zone, count, cron, after):
    return [
        at.astimezone(ZoneInfo(zone)).isoformat() for at in islice(cron_text.times(cron, zone, after), count)
    ]


def test_an_hour_that_clocks_skip_and_one_that_they_show_twice():
    spring = local("Europe/Berlin", 3, "30 2 * * *", dt.datetime(2026, 3, 28, 0, tzinfo=dt.UTC))
    assert spring == ["2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]
    autumn = local("Europe/Berlin", 2, "30 2 * * *", dt.datetime(2026, 10, 24, 12, tzinfo=dt.UTC))
    assert autumn == ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]
    second_turn = dt.datetime(2026, 10, 25, 1, 10, tzinfo=dt.UTC)  # 02:10 for the second time
    assert local("Europe/Berlin", 1, "30 2 * * *", second_turn) == ["2026-10-26T02:30:00+01:00"]


# --- schedules of a store ---------------------------------------------------------------------------------


def test_schedules_are_kept_with_their_zone_and_removed(store):
    folder = auditor.sample("lingang_plans")
    made = schedules.add(store, "0  3 * * 1", "Asia/Shanghai", [folder], min_grade="E2")
    with store.read() as connection:
        assert schedules.listed(connection) == [made]
        assert [source.key for source in intake.chosen(connection)] == ["lingang_plans"]
    assert (made.cron, made.zone, made.paths, made.options) == (
        "0 3 * * 1", "Asia/Shanghai", (str(folder),), {"min_grade": "E2"},
    )  # fmt: skip
    with pytest.raises(UsageError, match="no schedule has the number 7, 9"):
        schedules.remove(store, [9, 7, 1])
    schedules.remove(store, [1])
    with store.read() as connection:
        assert schedules.listed(connection) == []
        assert ledger.verify(connection)[0] == []


def test_a_slot_is_run_once_and_those_before_it_are_missed(store, clock):
    add_operator(store, "one")
    schedules.add(store, "0 3 * * *", "Asia/Shanghai")
    assert due_now(store) == ([], [])  # added between two slots: nothing is due
    clock.ahead(days=3)
    ran, told = due_now(store)
    assert len(ran) == 1
    assert told == ["schedule 1: 2 times missed, the last at 2026-11-24 03:00 Asia/Shanghai"]
    assert due_now(store) == ([], [])
    night = dt.datetime(2026, 11, 22, 19, tzinfo=dt.UTC)
    day = dt.timedelta(days=1)
    assert slots_of(store) == [(night, "missed"), (night + day, "missed"), (night + 2 * day, "run")]


def test_a_clock_set_back_runs_nothing_twice_and_is_told(store, clock):
    schedules.add(store, "0 * * * *", "UTC")
    clock.ahead(hours=5)
    due_now(store)
    before = slots_of(store)
    clock.ahead(hours=-4)
    ran, told = due_now(store)
    assert ran == []
    assert "the clock shows 2026-11-22 02:00 UTC, but 2026-11-22 06:00 UTC is recorded already" in told[0]
    assert slots_of(store) == before
    clock.ahead(hours=5)
    ran, told = due_now(store)
    assert (len(ran), told) == (1, [])
    assert [state for _, state in slots_of(store)] == ["missed"] * 4 + ["run"] * 2


def test_years_of_absence_are_bounded(monkeypatch):
    monkeypatch.setattr(schedules, "COUNTED", 5_000)
    schedule = schedules.Schedule(1, "*/5 * * * *", "Asia/Shanghai", (), {}, BEGAN)
    now = BEGAN + dt.timedelta(days=7300)
    found = schedules.due(schedule, BEGAN, now)
    assert (found.last, len(found.missed), found.unlisted) == (now, schedules.LISTED, 4_000)
    assert {later - at for at, later in pairwise([*found.missed, found.last])} == {5 * MINUTE}


def test_of_many_that_were_missed_the_last_are_recorded_and_all_are_told(store, clock, monkeypatch):
    monkeypatch.setattr(schedules, "LISTED", 3)
    monkeypatch.setattr(schedules, "COUNTED", 50)
    schedules.add(store, "0 * * * *", "Asia/Shanghai")
    clock.ahead(days=1)
    assert due_now(store)[1] == ["schedule 1: 23 times missed, the last at 2026-11-23 08:00 Asia/Shanghai"]
    assert [state for _, state in slots_of(store)] == ["missed"] * 3 + ["run"]
    clock.ahead(days=9)
    assert due_now(store)[1] == ["schedule 1: at least 50 times missed, of which the last 3 are listed"]
    with store.read() as connection:
        facts = connection.execute(sa.select(tables.log.c.facts).order_by(tables.log.c.seq)).scalars().all()
    assert [re.findall(r'"missed":(\d+)', fact) for fact in facts if "missed" in fact] == [["23"], ["50"]]
    with store.read() as connection:
        assert schedules.counted(connection) == {1: {"run": 2, "missed": 73}}


def test_a_rare_schedule_is_found_after_years(store, clock):
    schedules.add(store, "0 0 29 2 *", "Asia/Shanghai")
    clock.ahead(days=365)
    assert due_now(store) == ([], [])
    clock.ahead(days=3650)
    assert len(due_now(store)[0]) == 1
    assert [(f"{at:%Y-%m-%d %H:%M}", state) for at, state in slots_of(store)] == [
        ("2028-02-28 16:00", "missed"), ("2032-02-28 16:00", "missed"), ("2036-02-28 16:00", "run"),
    ]  # fmt: skip


def test_two_callers_at_once_run_a_slot_once(store, store_url, tmp_path, clock):
    schedules.add(store, "0 3 * * *", "Asia/Shanghai", [auditor.sample("lingang_plans")])
    clock.ahead(days=4)
    gate, handled, worked = threading.Barrier(3), [], []

    def call():
        own = open_store(store_url, evidence=tmp_path / "evidence", clock=lambda: clock.at, patience_s=30)

        def together(*given):
            gate.wait(30)  # all have seen that it is due before one begins
            return schedules.begin(*given)

        try:
            handled.extend(schedules.run_due(own, worked.append, together))
        finally:
            own.close()

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert worked == [1]
    assert sorted((h.run or 0, h.error) for h in handled) == [(0, None), (0, None), (1, None)]
    assert [state for _, state in slots_of(store)] == ["missed"] * 3 + ["run"]


def test_what_cannot_be_begun_stays_due_and_others_are_run(store, clock, tmp_path):
    folder = tmp_path / "gone"
    shutil.copytree(auditor.sample("lingang_plans"), folder)
    schedules.add(store, "0 3 * * *", "UTC", [folder], reviews=str(tmp_path / "no.csv"))
    schedules.add(store, "0 3 * * *", "UTC", [folder])
    clock.ahead(days=1)
    end = lambda run: runs.end(store, run, state="cancelled")  # noqa: E731 -- nothing is judged here
    first, second = schedules.run_due(store, end)
    assert "no.csv" in str(first.error)
    assert (first.run, second.run, second.error) == (None, 1, None)
    (tmp_path / "no.csv").write_text("sha256,by,on\n")
    first, second = schedules.run_due(store, end)
    assert (first.run, second.run) == (2, None)
    assert len(slots_of(store)) == 2


def hold(store, run, until):
    """Make a run look as if another scanner worked on it."""
    lease = {"leased_by": "elsewhere:-:1:-:1260:x", "leased_until": until}

    def work(change):
        change.connection.execute(sa.update(tables.run).values(state="running"))
        own = {"run_id": run, "operator_id": 1, "state": "pending", "attempts": 1, **lease}
        change.connection.execute(sa.insert(tables.item), [own])
        change.touch("run", run)
        change.touch("item", run, 1)

    store.write("held", work)


def test_a_slot_that_is_due_while_its_schedule_still_runs_is_missed_and_told(store, clock):
    add_operator(store, "one")
    schedules.add(store, "0 * * * *", "UTC")
    clock.ahead(hours=1)
    due_now(store)
    clock.ahead(hours=1)
    hold(store, 1, clock.at + dt.timedelta(minutes=9))
    ran, told = due_now(store)
    assert ran == []
    assert told == [
        "schedule 1: due at 2026-11-22 03:00 UTC, but its run 1 is still going on: recorded as missed"
    ]
    clock.ahead(hours=3)  # the lease is over: what was interrupted is resumed, and the schedule goes on
    assert len(due_now(store)[0]) == 1
    assert [state for _, state in slots_of(store)] == ["run", "missed", "missed", "missed", "run"]


def test_a_slot_that_is_due_while_another_run_goes_on_waits_and_is_run_late(store, clock):
    add_operator(store, "one")
    schedules.add(store, "0 3 * * *", "UTC")
    schedules.add(store, "10 3 * * *", "UTC")
    clock.ahead(hours=2, minutes=5)
    assert due_now(store) == ([1], [])
    clock.ahead(minutes=10)
    hold(store, 1, clock.at + dt.timedelta(minutes=9))
    ran, (told,) = due_now(store)
    assert ran == []
    assert "2026-11-22 03:10 UTC; waits until run 1 has ended, which another scanner works on" in told
    clock.ahead(minutes=30)
    assert due_now(store) == ([2], [])
    assert [state for _, state in slots_of(store)] == ["run", "run"]


@settings(max_examples=6)
@given(
    st.lists(st.integers(-3 * 1440, 9 * 1440), min_size=1, max_size=12),
    st.sampled_from(["0 3 * * 1", "30 2 * * *", "15 */7 * * *", "0 0 1 * *"]),
    st.sampled_from(ZONES),
)
def test_however_the_clock_goes_every_slot_is_recorded_once_up_to_the_furthest_time(
    tmp_path_factory, leaps, cron, zone
):
    now = [BEGAN]
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('store') / 'scans.db'}", clock=lambda: now[0])
    try:
        schedules.add(store, cron, zone)
        begun, furthest = [], BEGAN
        for leap in leaps:
            now[0] += leap * MINUTE
            ran, _ = due_now(store)
            fresh = by_hand(cron, zone, furthest, now[0])
            assert len(ran) == (1 if fresh else 0)
            begun += fresh[-1:]
            furthest = max(furthest, now[0])
        found = slots_of(store)
        assert [at for at, _ in found] == by_hand(cron, zone, BEGAN, furthest)
        assert [at for at, state in found if state == "run"] == begun
    finally:
        store.close()


# --- the commands -----------------------------------------------------------------------------------------


def call(*args):
    done = CliRunner().invoke(cli, ["scan", *map(str, args)], standalone_mode=False)
    return done.return_value, done.stdout, done.stderr, done.exception


def test_what_was_interrupted_goes_on_before_what_is_due_is_run(tmp_path):
    url = f"sqlite:///{tmp_path / 'scans.db'}"
    long_ago = lambda: dt.datetime.now(dt.UTC) - dt.timedelta(days=3)  # noqa: E731 -- the machine's clock, set back
    store = open_store(url, clock=long_ago)
    folder = auditor.sample("lingang_plans")
    runs.begin(store, [folder])
    options = {"min_grade": "E3", "config": None, "zones": [], "reviews": None, "observations": None}
    schedules.add(store, "0 3 * * *", "Asia/Shanghai", [folder], **options)
    store.close()
    code, out, err, error = call("run-due", "--store", url, "--executor", "inline")
    assert (code, error) == (0, None)  # as of `check`
    assert [line.split(",")[0] for line in out.splitlines() if line.startswith("Run ")] == ["Run 1", "Run 2"]
    assert "schedule 1: 2 times missed" in err
    assert call("run-due", "--store", url) == (0, "", "", None)
    told = json.loads(call("schedule", "list", "--store", url, "--format", "json")[1])
    assert (told[0]["last"]["run"], told[0]["run"], told[0]["missed"]) == (2, 1, 2)


def test_schedules_by_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(auditor.sample("lingang_plans"), tmp_path / "plans")
    url = "sqlite:///scans.db"
    _, out, _, error = call("schedule", "add", "0 3 * * 1", "plans", "--store", url, "--min-grade", "E2")
    assert error is None
    assert re.fullmatch(r"schedule 1: 0 3 \* \* 1, first at \d{4}-\d\d-\d\d 03:00 Asia/Shanghai\n", out)
    told = json.loads(call("schedule", "list", "--store", url, "--format", "json")[1])
    assert (told[0]["paths"], told[0]["options"]["min_grade"]) == ([str(tmp_path / "plans")], "E2")
    error = call("schedule", "add", "0 24 * * 1", "--zone", "Asia/Shangai", "--store", url)[3]
    assert len(error.args) == 2  # the field and the zone, at once
    assert call("schedule", "remove", "1", "--store", url)[3] is None
    assert "there are no schedules" in call("schedule", "list", "--store", url)[2]
    assert "there is no store" in str(call("run-due", "--store", "sqlite:///other.db")[3])
