"""Zones of users on the command line: a network in an area that only a user's file knows."""

from __future__ import annotations

import json
import sys

import jsonschema
import pytest

from auditor import cli
from auditor.schemas import result_schema

DAY = ("--as-of", "2026-11-22")
RING = [[101.6, 36.4], [102.0, 36.4], [102.0, 36.8], [101.6, 36.8], [101.6, 36.4]]  # in Qinghai

DECLARATION = """
schema = "auditor.declaration/1"
declared_on = 2026-10-01
[operator]
name = "Testland Data Co., Ltd."
nature = "foreign_invested"
pilot_area = "testland"
[[operator.domiciles]]
address = "青海省西宁市城东区1号"
[[approvals]]
kind = "pilot_reply"
number = "1"
holder = "Testland Data Co., Ltd."
area = "testland"
services = ["B11"]
issued_on = 2025-02-26
status = "valid"
[[services]]
code = "B11"
regime = "pilot107"
scope = ["testland"]
[network]
nodes = "nodes.csv"
links = "links.csv"
complete = true
"""
NODES = """id,kind,owner,region_code,lon,lat,datum
s-code,server,operator,630102,,,
s-inside,server,operator,,101.8,36.6,WGS84
s-far,server,operator,330106,,,
s-cache,cdn_edge,operator,,101.8,36.6,WGS84
"""


@pytest.fixture
def network(tmp_path):
    folder = tmp_path / "network"
    folder.mkdir()
    (folder / "declaration.toml").write_text(DECLARATION, "utf-8")
    (folder / "nodes.csv").write_text(NODES, "utf-8")
    (folder / "links.csv").write_text("source,target,kind\n", "utf-8")
    return folder


@pytest.fixture
def zone(tmp_path):
    properties = {"part": "testland", "area": "testland", "status": "in", "area_name_en": "Testland"}
    shape = {"type": "Polygon", "coordinates": [RING]}
    file = tmp_path / "my.geojson"
    file.write_text(json.dumps({"type": "Feature", "properties": properties, "geometry": shape}), "utf-8")
    return file


@pytest.fixture
def config(tmp_path, zone):
    file = tmp_path / "auditor.toml"
    file.write_text(
        f'zones = ["{zone.name}"]\n[policy]\nfacility_roles_exempt = ["cdn_edge"]\n', encoding="utf-8"
    )
    return file


@pytest.fixture
def run(monkeypatch, capsys):
    def call(*args):
        monkeypatch.setattr(sys, "argv", ["auditor", *map(str, args)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        return stopped.value.code, *capsys.readouterr()

    return call


def result(run, *args):
    code, out, err = run("check", *args, *DAY, "--format", "json", "--all")
    assert (code in {0, 1, 3}, err) == (True, "")
    return json.loads(out)


def places(found):
    """Verdict on each node by the rule that facilities are in the area."""
    return {
        f["subject"]: f["verdict"]
        for f in found["findings"]
        if f["rule"] == "PILOT-FAC-01" and f["subject"] != "operator"
    }


def test_a_place_known_by_code_alone_does_not_fail_in_a_zone_that_states_no_codes(run, network, zone):
    found = result(run, network, "--zones", zone)
    assert places(found) == {
        "node:s-code": "inconclusive",
        "node:s-inside": "pass",
        "node:s-far": "fail",  # Hangzhou is nowhere near
        "node:s-cache": "pass",
    }
    registered = [f["verdict"] for f in found["findings"] if f["rule"] == "PILOT-REG-01"]
    assert registered == ["inconclusive"]


def test_a_file_given_is_named_in_the_result(run, network, zone):
    found = result(run, network, "--zones", zone)
    jsonschema.validate(found, result_schema())
    own = {entry["part"]: entry["file"] for entry in found["zones"] if entry["own"]}
    assert own == {"testland": "my.geojson"}
    for lang, words in (
        ("en", "Zones of your own: my.geojson (testland)"),
        ("zh", "自备区域边界：my.geojson（testland）"),
    ):
        assert words in run("check", network, *DAY, "--lang", lang, "--zones", zone)[1]
    assert "Zones of your own" not in run("check", network, *DAY)[1]


def test_parts_of_one_file_are_named_together(run, network, zone):
    feature = json.loads(zone.read_text("utf-8"))
    hole = feature | {"properties": {"part": "hole", "area": "testland", "status": "undecided"}}
    zone.write_text(json.dumps({"type": "FeatureCollection", "features": [feature, hole]}), "utf-8")
    assert "my.geojson (testland, hole)" in run("check", network, *DAY, "--zones", zone)[1]


@pytest.mark.parametrize("by", ["--zones", "--config", "AUDITOR_CONFIG"])
def test_every_command_knows_the_zone(run, network, config, by, monkeypatch):
    file = config.parent / "my.geojson" if by == "--zones" else config
    options = () if by == "AUDITOR_CONFIG" else (by, file)
    if not options:
        monkeypatch.setenv(by, str(file))
    assert "testland" in [entry["part"] for entry in result(run, network, *options)["zones"]]
    assert "s-inside  [within Testland]" in run("show", network, *DAY, *options)[1]
    assert "testland: Testland" in run("areas", *DAY, *options)[1]
    assert run("locate", "101.8,36.6", *DAY, *options)[1].startswith("within: Testland\n")


def test_zones_of_both_options_count(run, network, zone, config, tmp_path):
    other = json.loads(zone.read_text("utf-8").replace("101.", "103.").replace("102.0", "103.9"))
    other["properties"] = {"part": "second", "area": "second", "status": "in"}
    (tmp_path / "second.geojson").write_text(json.dumps(other), "utf-8")
    both = ("--config", config, "--zones", tmp_path / "second.geojson")
    out = run("areas", *DAY, *both)[1]
    assert "testland: Testland" in out
    assert "second: second" in out
    assert {"testland", "second"} <= {z["part"] for z in result(run, network, *both)["zones"]}


def test_show_heeds_the_policy(run, network, config):
    def roles(*args):
        nodes = json.loads(run("show", network, *DAY, "--format", "json", *args)[1])["nodes"]
        return {node["id"] for node in nodes if node["role"] == "facility"}

    assert roles() == {"s-code", "s-inside", "s-far", "s-cache"}
    assert roles("--config", config) == {"s-code", "s-inside", "s-far"}


@pytest.mark.parametrize("command", ["check", "show"])
def test_show_and_check_know_areas_before_the_pilot(run, network, zone, command):
    _, out, err = run(command, network, "--as-of", "2024-06-01", "--zones", zone)
    assert err == ""
    assert "s-inside" in out or "Testland" in out


@pytest.mark.parametrize("command", ["check", "show", "areas", "locate"])
def test_zones_without_brackets(run, network, config, command):
    config.write_text('zones = "my.geojson"\n', "utf-8")
    what = {"areas": (), "locate": ("101.8,36.6",)}.get(command, (network,))
    code, out, err = run(command, *what, *DAY, "--config", config)
    assert (code, out) == (2, "")
    assert "auditor.toml, zones: is a list; write it in brackets" in err


def test_help_tells_of_zones(run):
    for command in ("check", "show", "areas", "locate"):
        text = " ".join(run(command, "--help")[1].split())
        assert "auditor.toml with a [policy] table and zones." in text
        assert "--zones" in text
