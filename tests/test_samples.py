"""The sample networks: what each is found to be, to the last finding, as its README says.

`AUDITOR_UPDATE_GOLDEN=1` writes the golden files of `tests/golden/samples` anew; look at the difference before
you commit it.
"""

from __future__ import annotations

import csv
import json
import os
import re
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from auditor import __version__, engine, zones
from auditor.cli import cli
from auditor.findings import Verdict
from auditor.messages import VERDICTS
from auditor.schemas import result_schema

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "sample_networks"
GOLDEN = Path(__file__).parent / "golden" / "samples"
ON = "2026-11-22"
BEHIND_EXCHANGE = ("sub-lg-firms", "sub-lg-homes")
BEHIND_OWN_RUN_BNG = ("sub-fc-firms", "sub-fc-homes")
THIN_FACILITIES = ("机房一", "机房二", "CDN节点1", "CDN节点2", "汇聚路由器")
THIN_USERS = ("用户组1", "用户组2")
FILED_OTHERWISE = (
    "block:203.0.113.0/25", "gateway:GW-02", "rack:JF-01-A02", "room:JF-02", "room:JF-03", "room:JF-09"
)  # fmt: skip


def of(rule, verdict, *subjects):
    return {(f"PILOT-{rule}", subject, verdict) for subject in subjects}


def nodes(*names):
    return [f"node:{name}" for name in names]


# Verdict of the run, exit code, and every finding that is neither pass nor not applicable.
EXPECTED = {
    "shanghai_isp_cdn": ("pass", 0, set()),
    "shanghai_violations": (
        "fail",
        1,
        of("FAC-01", "fail", "node:edge-hz-1")
        | of("CDN-01", "fail", "node:edge-hz-1")
        | of("ISP-01", "fail", "node:sub-hp-firm")
        | of("ISP-02", "fail", *nodes(*BEHIND_EXCHANGE, *BEHIND_OWN_RUN_BNG)),
    ),
    "lingang_plans": ("pass", 0, set()),
    "beijing_idc": ("pass", 0, set()),
    "shenzhen_two_areas": (
        "fail",
        1,
        of("FAC-01", "inconclusive", "node:srv-river-1")
        | of("FAC-02", "inconclusive", "node:srv-river-1")
        | of("FAC-02", "fail", *nodes("backup-bj-1", "cloud-bj-1", "cloud-bj-2")),
    ),
    "hainan_gcj02": ("pass", 0, set()),
    "hainan_gcj02_as_wgs84": (
        "inconclusive",
        3,
        of("FAC-01", "inconclusive", "node:srv-coast") | of("FAC-02", "inconclusive", "node:srv-coast"),
    ),
    "saas_nationwide_cdn": ("fail", 1, of("CDN-01", "fail", "contract:cdn-nationwide")),
    "carrier_olt_own_bras": (
        "inconclusive",
        3,
        of("ISP-02", "inconclusive", *nodes("sub-1", "sub-2", "sub-3", "sub-4")),
    ),
    "suzhou_bng": ("inconclusive", 3, of("ISP-06", "inconclusive", *nodes("sub-3", "sub-4"))),
    "domestic_operator": ("not_applicable", 0, set()),
    "joint_venture_2019": ("not_applicable", 0, set()),
    "moved_and_expired": (
        "fail",
        1,
        of("APP-03", "fail", "service:B11", "service:B21") | of("REG-01", "fail", "operator"),
    ),
    "thin": (
        "inconclusive",
        3,
        of("REG-01", "inconclusive", "operator")
        | of("APP-02", "inconclusive", "service:B12", "service:B14")
        | of("APP-03", "inconclusive", "service:B12", "service:B14")
        | of("FAC-01", "inconclusive", "operator", *nodes(*THIN_FACILITIES))
        | of("FAC-02", "inconclusive", *nodes(*THIN_FACILITIES))
        | of("CDN-02", "inconclusive", "node:CDN节点1")
        | of("ISP-01", "inconclusive", "service:B14", *nodes(*THIN_USERS))
        | of("ISP-02", "inconclusive", *nodes(*THIN_USERS))
        | of("ISP-05", "inconclusive", "node:接入服务器"),
    ),
    "backbone": ("fail", 1, of("ISP-02", "fail", "node:sub-2")),
    "cheap_cut": (
        "fail",
        1,
        of("ISP-02", "fail", *nodes("sub-1", "sub-2", "sub-3"))
        | of("FAC-01", "fail", *nodes("log-suzhou", "backup-suzhou")),
    ),
    "shanghai_disagreements": ("pass", 0, set()),
    "filings_differ": (
        "inconclusive",
        3,
        of("FAC-04", "inconclusive", *(f"filing:{record}" for record in FILED_OTHERWISE)),
    ),
    "hainan_exit": ("fail", 1, of("EXIT-02", "fail", "service:B14")),
    "licence_linkage": ("fail", 1, of("GOV-09", "fail", "approval:1")),
}


@cache
def check(name, *options):
    """Run `auditor check`: exit code and output."""
    arguments = ["check", str(SAMPLES / name), "--as-of", ON, *options]
    environment = {"AUDITOR_LANG": None, "AUDITOR_CONFIG": None}
    done = CliRunner().invoke(cli, arguments, standalone_mode=False, env=environment)
    if done.exception:
        raise done.exception
    return done.return_value, done.stdout


def read(name, *options):
    """Exit code, verdict, findings that are neither pass nor not applicable, and the whole result."""
    code, out = check(name, "--format", "json", *options)
    result = json.loads(out)
    found = {(f["rule"], f["subject"], f["verdict"]) for f in result["findings"]}
    return code, result["verdict"], found, result


def test_every_sample_is_expected():
    folders = {p.name for p in SAMPLES.iterdir() if p.is_dir()}
    assert folders == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_outcome(name):
    verdict, exit_code, findings = EXPECTED[name]
    code, said, found, result = read(name)
    assert found == findings
    assert (said, code) == (verdict, exit_code)
    assert not result["partial"]
    assert not result["not_checked"]
    assert not result["unused"]  # nothing in a sample goes unread


@pytest.mark.parametrize("name", EXPECTED)
def test_readme_says_so_in_five_lines(name):
    lines = (SAMPLES / name / "README.md").read_text("utf-8").splitlines()
    assert len(lines) == 5
    assert [re.match(r"- \*\*(\w+)", line)[1] for line in lines] == ["Who", "What", "What", "Outcome", "Try"]
    exit_code = EXPECTED[name][1]
    assert re.search(rf"[Ee]xit code {exit_code}\b", lines[3])
    assert f"auditor check sample_networks/{name}`" in lines[4]


@pytest.mark.parametrize("name", EXPECTED)
def test_chinese_report(name):
    verdict, exit_code, _ = EXPECTED[name]
    code, text = check(name, "--lang", "zh")
    assert code == exit_code
    assert VERDICTS[Verdict(verdict)].zh in text
    assert VERDICTS[Verdict(verdict)].en.upper() not in text
    for finding in read(name, "--lang", "zh")[3]["findings"]:
        assert re.search("[\u4e00-\u9fff]{4}", finding["message"])


@pytest.mark.parametrize("name", EXPECTED)
def test_result_follows_its_schema(name):
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(read(name, "--all")[3], result_schema())


def test_declared_passes_say_so():
    assert "DECLARED ONLY" in check("shanghai_isp_cdn")[1]
    assert check("shanghai_isp_cdn", "--profile", "inspector")[0] == 3


def stated(name, table):
    """Rows of a sample's table, without their blank cells."""
    with (SAMPLES / name / table).open(encoding="utf-8", newline="") as file:
        return [{k: v for k, v in row.items() if v} for row in csv.DictReader(file)]


def test_violations_are_the_lawful_network_and_its_faults():
    lawful = {row["id"]: row for row in stated("shanghai_isp_cdn", "nodes.csv")}
    faulty = {row["id"]: row for row in stated("shanghai_violations", "nodes.csv")}
    assert faulty.keys() - lawful.keys() == {"edge-hz-1", "border-lg-1", "ixp-sh-1", "sub-hp-firm"}
    changed = {name for name, row in lawful.items() if row != faulty[name]}
    assert changed == {"bng-cm-fc-1"}
    assert faulty["bng-cm-fc-1"] == {**lawful["bng-cm-fc-1"], "operated_by": "operator"}


def test_both_causes_are_told():
    causes = {
        (c["rule"], tuple(c["handoff"])): c["subjects"] for c in read("shanghai_violations")[3]["causes"]
    }
    assert causes == {
        ("PILOT-ISP-02", ("agg-fc-1", "bng-cm-fc-1")): len(BEHIND_OWN_RUN_BNG),
        ("PILOT-ISP-02", ("border-lg-1", "ixp-sh-1")): len(BEHIND_EXCHANGE),
    }


def test_twin_by_the_river_passes():
    result = read("shenzhen_two_areas", "--all")[3]
    verdicts = {
        f["subject"]: f["verdict"]
        for f in result["findings"]
        if f["rule"] == "PILOT-FAC-02" and f["subject"].startswith("node:srv-river")
    }
    assert verdicts == {"node:srv-river-1": "inconclusive", "node:srv-river-2": "pass"}


def test_hainan_twins_differ_in_the_datum_alone():
    one, other = SAMPLES / "hainan_gcj02", SAMPLES / "hainan_gcj02_as_wgs84"
    for file in ("declaration.toml", "links.csv"):
        assert (one / file).read_bytes() == (other / file).read_bytes()
    told = (one / "nodes.csv").read_text("utf-8")
    assert told.replace("GCJ-02", "WGS84") == (other / "nodes.csv").read_text("utf-8")


def test_reading_is_named():
    messages = {f["message"] for f in read("carrier_olt_own_bras")[3]["findings"]}
    assert messages and all("reading" in message for message in messages)


def test_suzhou_fails_where_the_policy_asks():
    code, verdict, found, _ = read("suzhou_bng", "--config", str(SAMPLES / "suzhou_bng" / "required.toml"))
    assert (code, verdict) == (1, "fail")
    assert found == of("ISP-06", "fail", *nodes("sub-3", "sub-4"))


@pytest.mark.parametrize(
    ("day", "failed"),
    [
        ("2026-02-28", set()),
        ("2026-03-01", of("REG-01", "fail", "operator")),
        ("2026-06-30", of("REG-01", "fail", "operator")),
        ("2026-07-01", EXPECTED["moved_and_expired"][2]),
    ],
)
def test_moved_and_expired_by_day(day, failed):
    code, verdict, found, _ = read("moved_and_expired", "--as-of", day)
    assert found == failed
    assert (code, verdict) == ((1, "fail") if failed else (0, "pass"))


def test_the_area_that_was_narrowed_fails_as_well():
    found = read("hainan_exit", "--config", str(SAMPLES / "hainan_exit" / "auditor.toml"))[2]
    assert found == of("EXIT-01", "fail", "service:B14") | of("EXIT-02", "fail", "service:B14")


def test_before_the_move_the_papers_agree():
    assert read("licence_linkage", "--as-of", "2026-08-31")[:3] == (0, "pass", set())


def test_thin_asks_for_what_is_missing():
    text = " ".join(check("thin")[1].split())
    rules = {rule for rule, _, _ in EXPECTED["thin"][2]}
    assert text.count("next: ") >= len(rules)
    for asked in ("business licence", "pilot reply", "full inventory", "region code", "links by which"):
        assert asked in text


def frozen(result):
    """Take out of a result what changes with the version or with the map, not with the judgement."""
    result["tool"]["version"] = "VERSION"
    result["inputs"] = [given["path"] for given in result["inputs"]]
    result["zones"] = [zone["part"] for zone in result["zones"]]
    result["rules"] = [rule["id"] for rule in result["rules"]]
    del result["policy_sha256"]
    return json.dumps(result, ensure_ascii=False, indent=1) + "\n"


def only_what_golden_files_know(folder, monkeypatch):
    """Leave out rules and zones that came later: one more of them is no other judgement."""
    known = json.loads((GOLDEN / "shanghai_violations.json").read_text("utf-8"))
    rules = tuple(rule for rule in engine.all_rules() if rule.id in known["counts"])
    monkeypatch.setattr(engine, "all_rules", lambda: rules)
    for part in known["zones"]:
        (folder / f"{part}.geojson").symlink_to(ROOT / "zone_boundaries" / f"{part}.geojson")
    monkeypatch.setattr(zones, "data_folder", lambda _name: folder)


@pytest.mark.parametrize(
    ("file", "options"),
    [
        ("shanghai_violations.en.txt", ("--lang", "en")),
        ("shanghai_violations.zh.txt", ("--lang", "zh")),
        ("shanghai_violations.json", ("--format", "json")),
    ],
)
def test_golden(file, options, tmp_path, monkeypatch):
    if not os.environ.get("AUDITOR_UPDATE_GOLDEN"):
        only_what_golden_files_know(tmp_path, monkeypatch)
    out = check("shanghai_violations", *options)[1]
    made = frozen(json.loads(out)) if file.endswith(".json") else out.replace(__version__, "VERSION", 1)
    golden = GOLDEN / file
    if os.environ.get("AUDITOR_UPDATE_GOLDEN"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(made, "utf-8")
    assert made == golden.read_text("utf-8")
