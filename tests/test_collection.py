"""Collecting on this machine: what is asked, what leaves the house, what is kept, and `auditor verify`."""

import datetime as dt
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import auditor
from auditor import collection, observations, sources
from auditor.cli import cli
from auditor.errors import UsageError

DECLARATION = {
    "schema": "auditor.declaration/1",
    "operator": {"name": "示例数据（上海）有限公司"},
    "services": [
        {
            "code": "B12",
            "regime": "pilot107",
            "domains": ["cdn.example.cn", "cdn.example.cn", "www.example.cn"],
        }
    ],
    "network": {
        "nodes": [
            {"id": "srv-1", "kind": "server", "owner": "operator", "ips": "202.96.209.5; 202.96.209.133"},
            {"id": "srv-2", "kind": "server", "owner": "operator"},
            {"id": "sub-1", "kind": "subscriber", "ips": "116.228.111.118"},
            {"id": "srv-3", "kind": "server", "owner": "operator", "ips": "10.0.0.1;2001:da8::1"},
        ],
        "links": [{"source": "srv-1", "target": "srv-2"}],
        "prefixes": [{"prefix": "202.96.209.0/24", "node": "srv-1"}],
    },
}


@pytest.fixture
def declared(tmp_path):
    path = tmp_path / "declaration.json"
    path.write_text(json.dumps(DECLARATION, ensure_ascii=False), "utf-8")
    return path


def run(*args):
    return CliRunner().invoke(cli, [str(a) for a in args], catch_exceptions=False, standalone_mode=False)


def rows(path):
    return auditor.read_observations(path).table.to_pylist()


def test_every_address_is_asked_about_and_single_subscribers_stay_in_the_house(declared):
    question = collection.question(auditor.read_declaration(declared))
    asked = list(
        zip(question.asked.subject.to_pylist(), question.asked.addresses.text.to_pylist(), strict=True)
    )
    assert asked == [
        ("node:srv-1", "202.96.209.5"),
        ("node:srv-1", "202.96.209.133"),
        ("node:sub-1", "116.228.111.118"),
        ("node:srv-3", "10.0.0.1"),
        ("node:srv-3", "2001:da8::1"),
        ("prefix:202.96.209.0/24", "202.96.209.0/24"),
    ]
    assert question.asked.domains == ("cdn.example.cn", "www.example.cn")
    sources = {source.name: source for source in collection.all_sources()}
    online = question.for_(sources["rdap"])
    assert "116.228.111.118" not in online.addresses.text.to_pylist() and len(online.subject) == 5
    assert len(question.for_(sources["dbip"]).subject) == 6


def test_addresses_found_are_asked_about_under_their_own_subject():
    now = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
    table = observations.table(
        3,
        subject=["domain:cdn.example.cn", "node:sub-1", "domain:none.example.cn"],
        asked=["cdn.example.cn", "1.2.3.4", "none.example.cn"],
        source="s",
        family="f",
        kind=["name", "path", "name"],
        outcome="answer",
        seen_at=now,
        details=[
            '{"chain": [], "addresses": ["202.96.209.5", "202.96.209.5"]}',
            '{"hops": [{"ttl": 1, "addresses": []}, {"ttl": 2, "addresses": ["61.152.0.1", "2001:da8::1"]}]}',
            None,
        ],
    )
    assert collection.found_addresses(table) == (
        ["domain:cdn.example.cn", "prefix:61.152.0.1/32", "prefix:2001:da8::1/128"],
        ["202.96.209.5", "61.152.0.1", "2001:da8::1"],
    )


@pytest.mark.parametrize(
    ("names", "files", "told"),
    [
        (["rdap"], {}, "rdap asks the network; allow it with --online"),
        (["traceroute"], {}, "traceroute reads files; write traceroute=FILE"),
        (["dbpi"], {}, "no source is called dbpi; did you mean 'dbip'?"),
        ([], {"dbip": ["x.mmdb"]}, "dbip reads no files"),
    ],
)
def test_what_cannot_be_asked_is_refused_at_once(names, files, told):
    with pytest.raises(UsageError, match=told):
        collection.choose_sources(names, files, online=False)


def test_a_file_of_a_source_on_the_network_is_read_without_it():
    for names in ((), ("geofeed",)):
        chosen = collection.choose_sources(names, {"geofeed": ["feed.csv"]}, online=False)
        assert "geofeed" in {source.name for source in chosen}
        assert {source.name for source in chosen if source.online} == {"geofeed"}
    with pytest.raises(UsageError, match="geofeed asks the network"):
        collection.choose_sources(["geofeed"], {}, online=False)
    with pytest.raises(UsageError, match=r"(?s)rdap asks the network.*dns reads no files"):
        collection.choose_sources(["rdap"], {"dns": ["x"]}, online=False)


def test_sources_do_not_import_one_another():
    """What sources share stands in modules with an underscore; import-linter cannot say so."""
    names = {source.name for source in collection.all_sources()}
    for name in names:
        text = (Path(sources.__path__[0]) / f"{name}.py").read_text("utf-8")
        imported = set(re.findall(r"auditor\.sources\.(\w+)|from auditor\.sources import (\w+)", text))
        assert not {part for pair in imported for part in pair} & names, name


def test_offline_is_the_default(declared, tmp_path):
    chosen = collection.choose_sources((), {}, online=False)
    assert {"dbip", "ip2region", "origins"} <= {s.name for s in chosen} and not any(s.online for s in chosen)
    target = tmp_path / "out" / "observations.parquet"
    result = run("collect", declared, "-o", target)
    assert "observations written to" in result.output
    found = rows(target)
    assert {r["asked"] for r in found if r["source"] == "dbip"} == {
        "202.96.209.5", "202.96.209.133", "116.228.111.118", "10.0.0.1", "2001:da8::1", "202.96.209.0/24",
    }  # fmt: skip
    by = {(r["source"], r["asked"], r["kind"]): r for r in found}
    assert by["dbip", "202.96.209.5", "place"]["region"] == "310000"
    assert by["ip2region", "202.96.209.5", "place"]["region"] == "310000"
    assert by["origins", "202.96.209.5", "origin"]["asn"] == 4812
    assert by["dbip", "10.0.0.1", "place"]["outcome"] == "reserved"
    assert {r["seen_at"].tzinfo is not None for r in found} == {True}
    sources = {s.source: s for s in auditor.read_observations(target).sources}
    assert sources["dbip"].licence == "CC BY 4.0" and "DB-IP" in sources["dbip"].attribution
    assert (
        sources["ip2region"].licence == "Apache-2.0" and str(sources["ip2region"].vintage_on) == "2024-02-28"
    )


def test_verify_says_what_is_missing_or_changed(declared, tmp_path):
    trace = tmp_path / "trace.txt"
    trace.write_text(
        "traceroute to 202.96.209.5 (202.96.209.5), 30 hops max, 60 byte packets\n 1  202.96.209.5  0.5 ms\n"
    )
    target = tmp_path / "observations.parquet"
    run("collect", declared, "-o", target, "--source", f"traceroute={trace}", "--source", "dbip")
    assert run("verify", target).return_value == 0
    digests = {r["digest"] for r in rows(target) if r["source"] == "traceroute"}
    (digest,) = digests
    raw = tmp_path / "observations.raw" / digest[:2] / digest
    kept = raw.read_bytes()
    assert kept == trace.read_bytes()
    raw.write_bytes(kept + b" ")
    changed = run("verify", target)
    assert changed.return_value == 4 and f"changed: raw answer {digest}" in changed.output
    raw.unlink()
    missing = run("verify", target)
    assert missing.return_value == 4 and f"missing: no raw answer {digest}" in missing.output


def test_a_file_of_the_wrong_form_is_refused_before_anything_is_asked(declared, tmp_path):
    with pytest.raises(UsageError, match="observations are written as"):
        run("collect", declared, "-o", tmp_path / "observations.json")


def test_observations_of_others_are_noted(declared, tmp_path):
    path = tmp_path / "observations.csv"
    path.write_text(
        "subject,asked,source,family,kind,outcome,extent,region,seen_at\n"
        "node:srv-9,202.96.209.5,dbip,dbip,place,answer,province,310000,2026-11-22T08:30:00Z\n"
        "node:srv-1,202.96.209.5,dbip,dbip,place,answer,province,310000,2026-11-22T08:30:00Z\n",
        "utf-8",
    )
    target = tmp_path / "result.json"
    run("check", declared, "--observations", path, "--as-of", "2026-11-22", "-o", f"json={target}")
    told = json.loads(target.read_bytes())
    what = "observations that speak of subjects not declared: 1 (node:srv-9)"
    assert {"where": "observations.csv", "what": what} in told["notes"]
    assert [i["path"] for i in told["inputs"]][-1] == "observations.csv"
    assert [s["source"] for s in told["sources"]] == ["dbip"]
