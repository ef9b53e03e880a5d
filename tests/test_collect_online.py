"""`auditor collect --online` end to end, with real protocols on loopback: RDAP over TLS, DNS, an ASN zone.

Every fault that a registry can show has its own node; none of them is lost, hangs, or passes for another.
"""

import json
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

import auditor
from auditor import cli, collection, settings
from auditor.archive import Archive
from auditor.columns import Coded
from tests.servers.dns import DnsServer
from tests.servers.rdap import HOST, Clock, HttpsServer, Sent, apnic

AS_TEXT = "{asn} | {prefix} | CN | apnic | 2010-01-01"


def zone(address, *texts):
    return {".".join(reversed(address.split("."))) + ".origin.test": {"TXT": [f'"{text}"' for text in texts]}}


def vcard(*entries):
    return {"handle": "X-AP", "roles": ["registrant"], "vcardArray": ["vcard", list(entries)]}


def once(first, then):
    """What a path holds the first time, and ever after."""
    left = [first]
    return lambda: left.pop() if left else then


def block(third):
    return f"101.1.{third}.0", f"101.1.{third}.255"


GOOD = apnic(*block(1), name="CHINANET-SH", entities=[vcard(["fn", {}, "text", "China Telecom Shanghai"])])
FAULTS = {
    # node: (third octet, what the registry answers, outcome, words in the note)
    "good": (1, GOOD, "answer", None),
    "not-found": (2, Sent(404, b"{}"), "no_record", None),
    "asked-to-wait": (3, once(Sent(429, b"", {"Retry-After": "7"}), apnic(*block(3))), "answer", None),
    "server-fault": (5, Sent(500, b"oops"), "unavailable", "500"),
    "slow-loris": (6, "trickle", "unavailable", None),
    "slow-body": (7, "trickle body", "unavailable", None),
    "ten-megabytes": (8, Sent(200, b" " * (10 << 20)), "unavailable", None),
    "to-private": (9, Sent(302, b"", {"Location": "https://internal.test/ip/101.1.9.1"}), "unavailable", "10.0.0.5"),
    "to-plain-http": (10, Sent(302, b"", {"Location": "http://rdap.test/ip/101.1.10.1"}), "unavailable", "http"),
    "no-json": (11, Sent(200, b"<html>"), "malformed", None),
    "bad-vcard": (12, apnic(*block(12), entities=[vcard(["fn", {}, "text", None], ["tel", {}, "uri", ["x"]], ["email"])]), "answer", None),
    "no-parent": (13, apnic(*block(13), parentHandle=None), "answer", None),
    "closed": (14, "drop", "unavailable", None),
    "too-often": (99, Sent(429, b"", {"Retry-After": "3600"}), "refused", "429"),  # asked last: then it is left alone
}  # fmt: skip
ADDRESS = {name: f"101.1.{third}.1" for name, (third, *_) in FAULTS.items()}
NAMES = {
    HOST: {"A": ["127.0.0.1"]},
    "internal.test": {"A": ["10.0.0.5"]},
    "cdn.example.cn": {"CNAME": ["cdn.example.cn.w.kunlunsl.com."]},
    "cdn.example.cn.w.kunlunsl.com": {"CNAME": ["edge.example.net."]},
    "edge.example.net": {"A": ["101.1.1.7", "115.238.79.111"]},
    "broken.example.cn": "SERVFAIL",
    **zone("101.1.1.1", AS_TEXT.format(asn=4812, prefix="101.1.0.0/20"), AS_TEXT.format(asn="4134 4812", prefix="101.0.0.0/8")),
    **zone("101.1.2.1", "no origin at all"),
}  # fmt: skip


def declaration():
    nodes = [{"id": name, "kind": "server", "owner": "operator", "ips": ip} for name, ip in ADDRESS.items()]
    nodes.append({"id": "inner", "kind": "server", "owner": "operator", "ips": "10.1.1.1"})
    nodes.append({"id": "home", "kind": "subscriber", "ips": "101.1.1.200"})
    domains = ["cdn.example.cn", "none.example.cn", "broken.example.cn"]
    return {
        "schema": "auditor.declaration/1",
        "operator": {"name": "示例数据（上海）有限公司"},
        "services": [{"code": "B12", "regime": "pilot107", "domains": domains}],
        "network": {"nodes": nodes, "links": []},
    }


@contextmanager
def a_network(folder, routes, **more):
    """Servers on loopback, a declaration, and the settings that lead there."""
    with HttpsServer(routes) as rdap, DnsServer(NAMES) as dns:
        (folder / "iana").mkdir(exist_ok=True)
        services = {"ipv4": [[["101.0.0.0/8", "115.0.0.0/8"], [rdap.url("/")]]], "ipv6": []}
        for name, listed in services.items():
            text = json.dumps({"version": "1.0", "publication": "2026-11-22T00:00:00Z", "services": listed})
            (folder / "iana" / f"{name}.json").write_text(text)
        values = {
            "resolver": [dns.address],
            "ca_file": rdap.ca_file,
            "bootstrap": "iana",
            "asn_zone": "origin.test",
            "allow_addresses": ["127.0.0.0/8"],
            "timeout_s": 1.5,
            "deadline_s": 1.5,
            "longest_wait_s": 60,
            "per_second": 1000,
            **more,
        }
        lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        (folder / "auditor.toml").write_text("\n".join(["[network]", *lines]))
        (folder / "declaration.json").write_text(json.dumps(declaration(), ensure_ascii=False), "utf-8")
        yield rdap, dns


def gather(folder, clock=None):
    clock = clock or Clock()
    found = collection.collect(
        auditor.read_declaration(folder / "declaration.json"),
        archive=folder / "raw",
        now=clock.now,
        sleep=clock.sleep,
        settings=settings.load_settings(folder / "auditor.toml"),
        online=True,
    )
    return found.table.to_pylist()


class Told(NamedTuple):
    """What came of a run: rows, questions to the registry and to the name server, pauses; then the next run."""

    rows: list
    asked: list
    names: list
    slept: list
    folder: Path
    again: list


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("online")
    routes = {f"/ip/{ADDRESS[name]}": held for name, (_, held, _, _) in FAULTS.items()}
    routes |= {"/ip/115.238.79.111": apnic("115.238.0.0", "115.238.255.255", name="CHINANET-ZJ")}
    clock = Clock()
    with a_network(folder, routes) as (rdap, dns):
        rows, asked, names = gather(folder, clock), list(rdap.asked), list(dns.asked)
        rdap.asked.clear()
        rdap.routes |= {path: "drop" for path, held in routes.items() if held in ("trickle", "trickle body")}
        gather(folder)
        return Told(rows, asked, names, clock.slept, folder, list(rdap.asked))


def of(rows, source, subject, kind=None):
    return [r for r in rows if (r["source"], r["subject"]) == (source, subject) and kind in {None, r["kind"]}]


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_is_shown_as_what_it_is(told, name):
    _, _, outcome, words = FAULTS[name]
    rows = of(told.rows, "rdap", f"node:{name}", "holder")
    assert [r["outcome"] for r in rows] == [outcome]
    if outcome not in {"answer", "no_record"}:
        assert rows[0]["note"] and (words or "") in rows[0]["note"]


def test_nothing_is_lost(told):
    rows = told.rows
    for source in ("dbip", "ip2region", "origins", "rdap", "asn"):
        subjects = {r["subject"] for r in rows if r["source"] == source}
        assert {f"node:{name}" for name in FAULTS} | {"node:inner"} <= subjects, source
    assert of(rows, "rdap", "node:inner")[0]["outcome"] == "reserved"


def test_every_raw_answer_is_kept(told):
    rows, folder = told.rows, told.folder
    archive = Archive(folder / "raw")
    data = {r["digest"] for r in rows if r["source"] in {"dbip", "ip2region", "origins"}}
    live = {r["digest"] for r in rows if r["digest"]} - data
    assert live and all(archive.read(digest) is not None for digest in live)
    good = of(rows, "rdap", "node:good", "holder")[0]
    assert json.loads(archive.read(good["digest"]))["name"] == "CHINANET-SH"


def test_what_a_registry_says_becomes_evidence(told):
    rows = told.rows
    holder, place = (of(rows, "rdap", "node:good", kind)[0] for kind in ("holder", "place"))
    assert holder["owner"] == "China Telecom Shanghai" and holder["prefix"] == "101.1.1.0/24"
    assert (place["extent"], place["region"], place["family"]) == ("province", "310000", "registry")


def test_a_registry_that_asks_to_wait_is_waited_for(told):
    assert 7.0 in [round(s, 3) for s in told.slept]
    assert max(told.slept) <= 60


def test_subscribers_and_what_is_inside_an_answer_are_not_asked_about(told):
    asked, names = told.asked, told.names
    assert not [path for path in asked if "101.1.1.200" in path]
    assert "/ip/101.1.1.7" not in asked  # inside the network that the answer on 101.1.1.1 spoke of
    assert not [name for name, _ in names if name.startswith("200.1.1.101")]


def test_chains_are_followed_and_edges_located(told):
    rows = told.rows
    name = of(rows, "dns", "domain:cdn.example.cn", "name")[0]
    details = json.loads(name["details"])
    assert details["chain"] == ["cdn.example.cn", "cdn.example.cn.w.kunlunsl.com", "edge.example.net"]
    assert details["addresses"] == ["101.1.1.7", "115.238.79.111"]
    edges = {(r["asked"], r["region"]) for r in of(rows, "dbip", "domain:cdn.example.cn", "place")}
    assert ("115.238.79.111", "330100") in edges
    assert of(rows, "dns", "domain:none.example.cn")[0]["outcome"] == "no_record"
    assert of(rows, "dns", "domain:broken.example.cn")[0]["outcome"] == "unavailable"


def test_all_origins_are_kept(told):
    origins = of(told.rows, "asn", "node:good", "origin")
    assert {4812, 4134} == {r["asn"] for r in origins}
    assert of(told.rows, "asn", "node:not-found", "origin")[0]["outcome"] == "malformed"
    assert of(told.rows, "asn", "node:closed", "origin")[0]["outcome"] == "no_record"


def test_a_second_run_asks_again_only_what_failed(told):
    paths = {name: f"/ip/{address}" for name, address in ADDRESS.items()}
    settled = {
        paths[name] for name, (_, _, outcome, _) in FAULTS.items() if outcome in {"answer", "no_record"}
    }
    assert not set(told.again) & settled
    assert paths["server-fault"] in told.again


def test_a_registry_with_a_strange_certificate_is_not_believed(tmp_path):
    with (
        HttpsServer({}) as other,
        a_network(tmp_path, {f"/ip/{ADDRESS['good']}": GOOD}, ca_file=other.ca_file) as (rdap, _),
    ):
        rows = gather(tmp_path)
        assert rdap.asked == []
    held = of(rows, "rdap", "node:good", "holder")[0]
    assert held["outcome"] == "unavailable" and "certificate" in held["note"].lower()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_killed_goes_on(tmp_path, monkeypatch, how):
    reached, gate = threading.Event(), threading.Event()

    def stuck():
        reached.set()
        gate.wait(30)
        return "drop"

    routes = {f"/ip/{ADDRESS[name]}": apnic(*block(FAULTS[name][0])) for name in FAULTS}
    last = f"/ip/{ADDRESS['too-often']}"
    whole = routes[last]
    with a_network(tmp_path, {**routes, last: stuck}, deadline_s=30, timeout_s=30) as (rdap, _):
        command = [sys.executable, "-m", "auditor", "collect", "declaration.json", "-o", "seen.parquet"]
        command += ["--online", "--config", "auditor.toml", "--source", "rdap"]
        first = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            assert reached.wait(60)
        finally:
            first.send_signal(how)
        _, told = first.communicate(timeout=60)
        gate.set()
        if how == signal.SIGINT:
            assert first.returncode == 130 and b"Traceback" not in told
        assert not (tmp_path / "seen.parquet").exists()
        before = set(rdap.asked)
        rdap.routes[last] = whole
        rdap.asked.clear()
        monkeypatch.chdir(tmp_path)
        done = CliRunner().invoke(cli.cli, command[3:], standalone_mode=False)
        assert (done.return_value or 0, done.exception) == (0, None)
        assert set(rdap.asked) == {last}
    table = auditor.read_observations(tmp_path / "seen.parquet").table
    answered = Coded.of(table.column("outcome")).isin({"answer"}) & Coded.of(table.column("kind")).isin(
        {"holder"}
    )
    assert answered.sum() == len(FAULTS) and len(before) == len(FAULTS)
    assert CliRunner().invoke(cli.cli, ["verify", "seen.parquet"], standalone_mode=False).return_value == 0
