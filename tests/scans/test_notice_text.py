"""Notices as people read them, and the commands.

`AUDITOR_UPDATE_GOLDEN=1` writes the golden file anew; look at the difference before you commit it.
"""

import datetime as dt
import os
import re
import shutil
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from auditor import cli
from auditor.engine import all_rules
from auditor.errors import UsageError
from auditor.scans import notice_content, notice_recipients, notices, tables
from auditor.scans.canonical import canonical
from auditor.scans.store import open_store
from auditor.settings import today
from tests.scans._build import add_operator, add_run
from tests.scans._notices import HOSTILE, RULE, copy_of, faults, found, office, rows_of, send, waive

GOLDEN = Path(__file__).parents[1] / "golden" / "scans" / "notice.md"


# --- the text ---------------------------------------------------------------------------------------------


def everything(store):
    """Make a notice of every kind of change, refusal and waiver, with names that mean harm."""
    operator = add_operator(store, "示例/企业")
    said = canonical({"en": f"{HOSTILE} stands there.", "zh": f"{HOSTILE} 在彼处。"})
    because = canonical([{"en": "the zones changed", "zh": "区域边界数据变化"}])
    notice_recipients.add(store, "file", "/box")
    waive(store, operator, "node:waived", days=1)
    named = {"name": HOSTILE, "uscc": "91310115MADEM00117", "area": "shanghai", "verdict": "pass"}
    add_run(store, {operator: {**named, "changes": [found(subject="node:old")]}})
    assert send(store) == ["sent"]
    store.clock.ahead(days=2)
    words = ("new", "regressed", "changed", "newly_evaluated", "rule_changed", "zone_changed", "policy_changed",
             "no_longer_evaluated", "fixed")  # fmt: skip
    rows = [
        found(
            rule, f"node:{n}", word, "fail" if n in {2, 7, 8} else None, "pass" if word == "fixed" else "fail"
        )
        for n, (word, rule) in enumerate(zip(words, (RULE, "PILOT-CDN-01", "PILOT-NONE-99") * 3, strict=True))
    ]
    rows += [found(subject=f"node:{HOSTILE}", message=said, because=because), found(subject="node:passed-by")]
    add_run(store, {operator: {**named, "verdict": "fail", "changes": rows}})
    refused = {
        "state": "refused",
        "verdict": None,
        "reason": canonical({"en": "row 3: bad", "zh": "第 3 行：错误"}),
    }
    add_run(store, {operator: {**named, **refused}})
    gone = found(subject="node:passed-by", word="fixed", before="fail", after="pass")
    return add_run(store, {operator: {**named, "verdict": "fail", "changes": [gone]}})


@pytest.fixture
def whole(blank, post):
    with copy_of(blank) as store:
        last = everything(store)
        values = {"sha256": "ab" * 32, "items": 1, "log_seq": 1, "log_hash": "0" * 64, "envelope": "{}"}

        def rooted(change):
            change.connection.execute(sa.insert(tables.root), [{"run_id": last, **values}])
            change.touch("root", last)

        store.write("rooted", rooted)
        own = {"issuer": "示例局 <script>", "contact": "a@b.cn"}
        yield next(notices.planned(store, office(store, notices=own))).notice


def test_golden(whole):
    made = whole["text"]
    if os.environ.get("AUDITOR_UPDATE_GOLDEN"):
        GOLDEN.parent.mkdir(parents=True, exist_ok=True)
        GOLDEN.write_text(made, "utf-8")
    assert made == GOLDEN.read_text("utf-8")


def test_what_a_notice_shows_it_does_not_obey(whole):
    text = whole["text"]
    assert "<script>" not in re.sub(r"`[^`]*`", "", text)
    assert not re.search(r"[\u202e\0\r]", text)
    assert "](javascript" not in re.sub(r"`[^`]*`", "", text).replace("\\]", "")
    assert not any(line.startswith("Bcc") for line in text.split("\n"))
    zh, en = text.split("\n## English\n")
    assert "疑似不符合（待核查）" in zh
    assert "suspected breach (to be verified)" in en


def test_a_long_notice_says_what_it_leaves_out(blank, monkeypatch):
    monkeypatch.setattr(notice_content, "MOST_LISTED", 150)
    with copy_of(blank) as store:
        notice_recipients.add(store, "file", str(store.evidence.parent))
        add_run(store, {1: {"changes": [found(subject=f"node:{n}") for n in range(200)]}})
        notice = next(notices.planned(store, office(store))).notice
    assert (len(notice["changes"]), notice["left_out"], notice["counts"]) == (150, 50, {"new": 200})
    assert notice["by_rule"] == {RULE: 200}
    assert "100 more are not shown here" in notice["text"]
    assert "另有 100 项未在此列出" in notice["text"]


def test_what_to_do_comes_from_the_result(blank):
    finding = {
        "rule": RULE,
        "subject": "node:s-1",
        "message_id": "outside",
        "message": "x",
        "args": {"area": {"en": "Lingang", "zh": "临港"}},
    }
    with copy_of(blank) as store:
        notice_recipients.add(store, "file", str(store.evidence.parent))
        known = next(rule for rule in all_rules() if rule.id == RULE)
        asked = known.messages["outside"].ask_en
        args = {
            name: {"en": f"the {name}", "zh": f"{name}"}
            for name in re.findall(r"{(\w+)}", asked + known.messages["outside"].en)
        }
        args |= dict.fromkeys(re.findall(r"{(\w+):", known.messages["outside"].en), 12)
        add_run(store, {1: {"changes": [found()], "result": {"findings": [{**finding, "args": args}]}}})
        notice = next(notices.planned(store, office(store))).notice
    assert notice["changes"][0]["next"]["en"] == asked.format(**{n: f"the {n}" for n in args})
    assert notice["changes"][0]["clauses"] == list(known.clauses)


# --- the command line -------------------------------------------------------------------------------------


def run(*args, **env):
    made = CliRunner().invoke(
        cli.cli, ["scan", *map(str, args)], env={k: str(v) for k, v in env.items()}, standalone_mode=False
    )
    if made.exception is not None:
        raise made.exception
    return made.return_value or 0, made.stdout, made.stderr


@pytest.fixture
def kept(blank, tmp_path):
    """Give a store with a finding, by the real clock."""
    shutil.copy(blank, tmp_path / "scans.db")
    url = f"sqlite:///{tmp_path / 'scans.db'}"
    store = open_store(url)
    add_run(store, {1: {"verdict": "fail", "name": "一号\u202e", "changes": [found()]}})
    (tmp_path / "box").mkdir()
    yield store, url, tmp_path / "box"
    store.close()


def test_commands(kept, tmp_path):
    store, url, box = kept
    assert run("recipients", "add", "file", box, "--store", url)[:2] == (0, "recipient 1 is entered\n")
    assert run("recipients", "list", "--store", url, "--lang", "zh")[1] == f"1  file  {box}  所有企业\n"
    before = rows_of(store, tables.log)
    code, out, told = run("notify", "--store", url)
    assert (code, out.startswith("would be sent: file")) == (0, True)
    assert "\\u202e" in out
    assert "--send sends them" in told
    assert (
        orjson.loads(run("notify", "--store", url, "--format", "json")[1])["notice"]["schema"]
        == "auditor.notice/1"
    )
    assert "疑似不符合（待核查）" in run("notify", "--store", url, "--format", "markdown")[1]
    assert rows_of(store, tables.log) == before  # nothing was written
    assert list(box.iterdir()) == []
    assert run("notify", "--store", url, "--send")[0] == 0
    assert len(list(box.glob("*.md"))) == len(list(box.glob("*.json"))) == 1
    code, out, told = run("notify", "--store", url, "--send", "--lang", "zh")
    assert (code, out) == (0, "")
    [row] = rows_of(store, tables.notice)
    reference = row.key[:12]
    listed = orjson.loads(run("notify", "--store", url, "--list", "--format", "json")[1])
    assert (listed["reference"], listed["state"], listed["overdue"]) == (reference, "sent", False)
    back = tmp_path / "back.csv"
    back.write_text(f"notice,by,on\n{reference},Zhang,{today()}\n", "utf-8")
    assert run("acknowledge", "--store", url, "--file", back)[1] == "acknowledgements recorded: 1\n"
    assert run("acknowledge", reference, "--store", url, "--by", "Zhang", "--on", today())[1].endswith("0\n")
    assert "已确认" in run("notify", "--store", url, "--list", "--lang", "zh")[1]
    assert run("recipients", "remove", "1", "--store", url)[1].startswith("recipient 1 is taken out")
    assert faults(store) == []


def test_what_does_not_go_out_ends_with_2_and_overdue_is_told(kept):
    store, url, box = kept
    run("recipients", "add", "file", box, "--store", url)
    run("notify", "--store", url, "--send")

    def late(change):
        change.connection.execute(sa.update(tables.notice).values(due_on=dt.date(2026, 1, 1)))
        change.touch("notice", 1)

    store.write("late", late)
    assert "OVERDUE: notice" in run("notify", "--store", url)[2]
    assert "逾期" in run("notify", "--store", url, "--lang", "zh")[2]
    assert "OVERDUE" in run("notify", "--store", url, "--list")[1]
    add_run(store, {1: {"changes": [found(subject="node:s-2")]}})
    shutil.rmtree(box)
    code, out, told = run("notify", "--store", url, "--send", "--lang", "zh")
    assert (code, out[:4]) == (2, "发送失败")
    assert "没有此文件夹" in told
    assert "没有此文件夹" in run("notify", "--store", url, "--list", "--lang", "zh")[1]


@pytest.mark.parametrize(
    "args",
    [
        ("acknowledge",),
        ("acknowledge", "abc"),
        ("acknowledge", "abc", "--by", "x", "--on", "2026-11-22", "--file", "f"),
        ("notify", "--list", "--send"),
    ],
)
def test_options_that_do_not_go_together(kept, args):
    with pytest.raises(UsageError):
        run(*args, "--store", kept[1])
