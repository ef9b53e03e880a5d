"""What `auditor history`, `trend` and `diff` of runs print: golden files, sums against the store, real runs."""

import datetime as dt
import json
import os
import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

import auditor
from auditor.cli import cli
from auditor.scans import boxes, life_diff, life_trend, life_views, runs, scanner, tables
from auditor.scans.canonical import canonical
from auditor.scans.items import Limits
from auditor.scans.store import open_store
from tests.scans._build import add_operator, add_run, changed
from tests.scans.conftest import FakeClock
from tests.scans.operators import write_operators

GOLDEN = Path(__file__).parents[1] / "golden" / "scans"
FAC, ISP, LAW = "PILOT-FAC-01", "PILOT-ISP-02", "PILOT-ISP-03"


def call(*args):
    done = CliRunner().invoke(cli, [*map(str, args)], standalone_mode=False)
    return done.return_value, done.output, done.exception


def done(verdict, changes=(), counts=None, **more):
    """Give the item of an operator that was judged."""
    return {"verdict": verdict, "changes": list(changes), "evaluations": counts or {}, "name": "示例", **more}


def month(store):
    """Write four Mondays and one in December: two operators, one of which cannot be read twice."""
    one, two = add_operator(store, "one"), add_operator(store, "two")
    lost = {"state": "refused", "reason": canonical({"en": "row 3: no such kind", "zh": "第 3 行：无此类型"})}
    moved = {"because": canonical([{"en": "the zones changed", "zh": "区域边界有变"}])}
    weeks = [
        {
            one: done(
                "fail",
                [
                    changed(FAC, "node:a", "new", None, "fail"),
                    changed(ISP, "node:s", "new", None, "inconclusive"),
                ],
                {FAC: {"fail": 1, "pass": 4}, ISP: {"inconclusive": 1}},
                area="shanghai",
            ),
            two: done(
                "fail", [changed(FAC, "node:x", "new", None, "fail")], {FAC: {"fail": 1}}, area="hainan"
            ),
        },
        {
            one: done(
                "inconclusive",
                [changed(FAC, "node:a", "fixed", "fail", "pass")],
                {FAC: {"pass": 5}, ISP: {"inconclusive": 1}},
                area="shanghai",
            ),
            two: lost,
        },
        {
            one: done(
                "fail",
                [
                    changed(FAC, "node:a", "regressed", "pass", "fail"),
                    changed(ISP, "node:s", "no_longer_evaluated", "inconclusive", None),
                ],
                {FAC: {"fail": 1, "pass": 4}},
                area="shanghai",
            ),
            two: done(
                "pass", [changed(FAC, "node:x", "zone_changed", "fail", "pass", **moved)], {FAC: {"pass": 1}}
            ),
        },
        {one: done("fail", (), {FAC: {"fail": 1, "pass": 4}}, area="shanghai")},
        {two: lost},
    ]
    for number, items in enumerate(weeks):
        day = dt.date(2026, 11, 9) + dt.timedelta(weeks=number)
        run = add_run(store, items, as_of=day)
        sign(store, run)
    return one, two


def sign(store, run):
    """Write a root that everybody can tell."""

    def work(change):
        row = {"sha256": f"{run}" * 64, "items": 1, "log_seq": 1, "log_hash": "0" * 64, "envelope": "{}"}
        change.connection.execute(sa.insert(tables.root), [{"run_id": run, **row}])
        change.touch("root", run)

    store.write("signed", work)


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """Give a store on disk with that month in it."""
    url = f"sqlite:///{tmp_path_factory.mktemp('month') / 'scans.db'}"
    store = open_store(url, clock=FakeClock())
    month(store)
    store.close()
    return url


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("history", ("history",)),
        ("history_one", ("history", "one")),
        ("history_two", ("history", "two")),
        ("trend", ("trend",)),
        ("trend_month", ("trend", "--per", "month")),
        ("trend_rule", ("trend", "--by", "rule")),
    ],
)
def test_golden(url, name, args, lang):
    code, out, error = call(*args, "--store", url, "--lang", lang)
    assert (code, error) == (None, None)
    golden = GOLDEN / f"{name}.{lang}.txt"
    if os.environ.get("AUDITOR_UPDATE_GOLDEN"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(out, "utf-8")
    assert out == golden.read_text("utf-8")


def test_what_machines_read_says_the_same(url):
    told = json.loads(call("history", "one", "--store", url, "--format", "json")[1])
    assert [run["root"][0] for run in told["runs"]] == ["1", "2", "3", "4"]
    assert [
        (f["subject"], f["state"], f["first_on"], f["last_on"], f["regressed"]) for f in told["findings"]
    ] == [
        ("node:a", "open", "2026-11-09", "2026-11-30", 1),
        ("node:s", "not_evaluated", "2026-11-09", "2026-11-16", 0),
    ]
    listed = call("history", "one", "--store", url, "--format", "csv")[1].splitlines()
    assert len(listed) == 3
    told = json.loads(call("history", "--store", url, "--format", "json")[1])["operators"]
    assert [(o["operator"], o["verdict"], o["high"], o["trouble"]) for o in told] == [
        ("one", "fail", 1, None), ("two", "pass", 0, "row 3: no such kind"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "subjects"),
    [
        (("--open",), ["node:a"]),
        (("--rule", ISP), ["node:s"]),
        (("--rule", "PILOT-FAC-*"), ["node:a"]),
        (("--since", "2026-11-23"), ["node:a", "node:s"]),
        (("--since", "2026-11-24"), []),
    ],
)
def test_only_what_is_asked_for(url, options, subjects):
    told = json.loads(call("history", "one", "--store", url, "--format", "json", *options)[1])
    assert [finding["subject"] for finding in told["findings"]] == subjects


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("history", "three"), "no operator of the store is called three"),
        (("history", "--open"), "are about one operator"),
        (("diff", "1", "99"), "the store has no run 99"),
        (("diff", "1", "2", "--operator", "three"), "neither run has an operator that is called three"),
        (("diff", "1", "b.json"), "with --store, A and B are numbers of runs"),
        (("diff", "1", "2", "--as-of", "2026-11-22"), "are for declarations"),
    ],
)
def test_what_makes_no_sense_is_refused(url, args, said):
    assert said in str(call(*args, "--store", url)[2])


def test_decisions_stand_beside_findings(store):
    one, _ = month(store)
    at = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
    given = {
        "kind": "waiver", "operator_id": one, "rule": FAC, "subject": "node:a", "reason": "moves in March",
        "approver": "CA", "granted_at": at, "from_at": at, "until_at": at + dt.timedelta(days=90), "zone": "UTC",
    }  # fmt: skip
    store.write("waived", lambda change: change.insert(tables.decision, **given))
    with store.read() as connection:
        held = life_views.findings(connection, one, at).set_index("subject")
        later = life_views.findings(connection, one, at + dt.timedelta(days=90)).set_index("subject")
    assert (held.loc["node:a", "waived_by"], held.loc["node:s", "waived_by"]) == ("CA", None)
    assert later.loc["node:a", "waived_by"] is None


def test_a_month_takes_the_last_result_of_each_operator(store):
    _, two = month(store)
    with store.read() as connection:
        months = life_trend.operators(connection, "month").set_index("month")
        parts = life_trend.findings(connection, "area", "month").set_index(["month", "area"])
    assert list(months["operators"]) == [2, 2]
    assert list(months["could_not"]) == [0, 1]
    assert list(months["verdict_fail"]) == [1, 1]  # of November, carried into December
    assert list(months["new"]) == [3, 0]
    assert parts.loc[("2026-12", "shanghai"), "fail"] == 1

    def gone(change):
        own = tables.operator
        at = dt.datetime(2026, 11, 30, tzinfo=dt.UTC)
        change.connection.execute(sa.update(own).where(own.c.id == two).values(removed_at=at))
        change.touch("operator", two)

    store.write("removed", gone)
    with store.read() as connection:
        months = life_trend.operators(connection, "month").set_index("month")
    assert list(months["operators"]) == [2, 1]


@pytest.mark.parametrize("by", life_trend.GROUPS)
def test_parts_add_up_to_the_whole(store, by):
    month(store)
    with store.read() as connection:
        whole = life_trend.operators(connection).set_index("run")
        parts = (
            life_trend.findings(connection, by).groupby("run")[["fail", "undecided", "new", "fixed"]].sum()
        )
    expected = whole.loc[parts.index, ["fail", "undecided", "new", "fixed"]]
    assert (parts == expected).all(axis=None) or by == "clause"  # one rule may rest on several clauses
    assert (parts >= expected).all(axis=None)


def test_an_empty_store_is_told_plainly(store):
    with store.read() as connection:
        assert life_views.operators(connection).empty
        assert life_views.items(connection).empty
        for per in life_trend.PERIODS:
            assert life_trend.operators(connection, per).empty
            assert all(life_trend.findings(connection, by, per).empty for by in life_trend.GROUPS)


# --- real runs --------------------------------------------------------------------------------------------


def scanned(store, folder, **options):
    run = runs.begin(store, [folder], runs.Options(**options))
    scanner.scan(store, run, boxes.Inline(), Limits())
    return run


def test_what_other_terms_changed_is_told_from_what_the_operator_did(tmp_path):
    folder = tmp_path / "declared"
    shutil.copytree(auditor.sample("shanghai_isp_cdn"), folder / "isp")
    shutil.copytree(auditor.sample("lingang_plans"), folder / "plans")
    url = f"sqlite:///{tmp_path / 'scans.db'}"
    store = open_store(url)
    day = dt.date(2026, 11, 22)
    first = scanned(store, folder, as_of=day)
    nodes = folder / "isp" / "nodes.csv"
    text = nodes.read_text("utf-8")
    row = next(line for line in text.splitlines() if ",cdn_edge," in line)
    place = row.split(",")
    head = text.splitlines()[0].split(",")
    for name, value in {
        "region_code": "330108",
        "lon": "120.21",
        "lat": "30.208",
        "address": "",
        "site": "",
    }.items():
        if name in head:
            place[head.index(name)] = value
    nodes.write_text(text.replace(row, ",".join(place)), "utf-8")
    shutil.rmtree(folder / "plans")
    second = scanned(store, folder, as_of=day, min_grade="E1")
    with store.read() as connection:
        pair = [life_diff.run_of(connection, number) for number in (first, second)]
    one, two = life_diff.compared(store, *pair)
    store.close()
    node = f"node:{place[head.index('id')]}"
    named = {(row.rule, row.subject): row.change for row in one.diff.rows}
    assert named["PILOT-FAC-01", node] == "changed"  # undecided on the later terms, and now it fails
    assert {change for (_, subject), change in named.items() if subject != node} >= {"policy_changed"}
    assert (two.operator, two.kind) == ("plans", "not_judged")
    code, out, _ = call("diff", first, second, "--store", url)
    assert code == 1
    assert "plans: not judged in the later run" in out
    told = json.loads(call("diff", first, second, "--store", url, "--format", "json")[1])
    assert told["before"]["root"] == pair[0].root
    assert [o["kind"] for o in told["operators"]] == ["both", "not_judged"]


def test_notebooks_have_the_same_figures(tmp_path):
    write_operators(tmp_path / "declared", 2, outside=[1])
    url = f"sqlite:///{tmp_path / 'scans.db'}"
    store = open_store(url)
    run = runs.begin(store, [tmp_path / "declared"])
    scanner.scan(store, run, boxes.Inline(), Limits())
    store.close()
    frame = auditor.history(url)
    assert frame["operator"].tolist() == ["op-0", "op-1"]
    assert frame["verdict"].tolist() == ["pass", "fail"]
    lives = auditor.history(url, "op-1", lang="zh")
    assert lives["subject"].tolist() == ["node:cdn-1"]
    assert lives["state"].tolist() == ["open"]


def test_what_came_and_went_adds_up_to_what_is_open(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 's.db'}", clock=FakeClock())
    own, seen = add_operator(store, "one"), "node:a"
    steps = [
        ("new", None, "fail"),
        ("no_longer_evaluated", "fail", None),
        ("newly_evaluated", None, "inconclusive"),
        ("changed", "inconclusive", "fail"),
        ("zone_changed", "fail", "pass"),
        ("rule_changed", "pass", "fail"),
        ("fixed", "fail", "pass"),
        ("regressed", "pass", "fail"),
        ("no_longer_evaluated", "fail", "error"),
    ]
    for word, before, after in steps:
        verdict = after if after in {"fail", "inconclusive"} else "pass"
        add_run(store, {own: done(verdict, [changed(FAC, seen, word, before, after)], {FAC: {verdict: 1}})})
    with store.read() as connection:
        runs_, trend = life_views.items(connection, own), life_trend.operators(connection)
        parts = life_trend.findings(connection, "rule")
    store.close()
    for frame in (runs_, trend, parts):
        came = frame["new"] + frame["regressed"] + frame["reopened"] - frame["fixed"] - frame["closed"]
        assert list(came.cumsum()) == list(frame["fail"] + frame["undecided"]) == [1, 0, 1, 1, 0, 1, 0, 1, 0]
