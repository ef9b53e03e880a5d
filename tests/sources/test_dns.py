from __future__ import annotations

import datetime as dt
import json
import socket

import dns.resolver
import pyarrow as pa
import pytest

from auditor import observations
from auditor.addresses import Addresses
from auditor.archive import Archive
from auditor.asking import Asked, Tools
from auditor.errors import UsageError
from auditor.settings import Network, Settings
from auditor.sources.dns import LONGEST, SOURCE, host_name
from tests.servers.dns import DnsServer

NOW = dt.datetime(2026, 11, 22, 4, tzinfo=dt.UTC)
CHAIN = {
    "www.example.cn": {"CNAME": ["www.example.cn.w.kunlunaq.com."]},
    "www.example.cn.w.kunlunaq.com": {"CNAME": ["edge.kunlunaq.com."]},
    "edge.kunlunaq.com": {"A": ["59.36.1.2", "59.36.1.1"], "AAAA": ["240e:1::1"]},
}


class Asker:
    """Asks for names, with an archive in a folder and a clock that tests move."""

    def __init__(self, folder):
        self.folder, self.now, self.ticks = folder, NOW, []

    def __call__(self, *domains, resolver, **network):
        network = {"resolver": resolver} | network
        tools = Tools(
            Settings(network=Network(**network)),
            Archive(self.folder),
            lambda: self.now,
            lambda _: None,
            online=True,
            tick=self.ticks.append,
        )
        asked = Asked(pa.array([], pa.string()), Addresses.of(pa.array([], pa.string())), domains)
        return observations.join(list(SOURCE.ask(asked, tools))).to_pylist()


@pytest.fixture
def ask(tmp_path):
    return Asker(tmp_path / "archive")


def details(row):
    return json.loads(row["details"])


@pytest.mark.parametrize("chase", [True, False], ids=["whole answers", "one link an answer"])
def test_a_chain_is_followed_to_its_addresses(ask, chase):
    with DnsServer(CHAIN, chase=chase, ttl=60) as server:
        (row,) = ask("www.example.cn", resolver=(server.address,))
    assert (row["subject"], row["asked"]) == ("domain:www.example.cn", "www.example.cn")
    assert (row["source"], row["family"], row["kind"], row["outcome"]) == ("dns", "dns", "name", "answer")
    assert row["seen_at"] == NOW and row["note"] is None
    assert details(row) == {
        "chain": ["www.example.cn", "www.example.cn.w.kunlunaq.com", "edge.kunlunaq.com"],
        "addresses": ["59.36.1.1", "59.36.1.2", "240e:1::1"],
        "ttl": 60,
    }
    assert len(server.asked) == (2 if chase else 6)
    assert ask.ticks == [1]


def test_answers_over_tcp(ask):
    with DnsServer(CHAIN, truncated=True) as server:
        (row,) = ask("www.example.cn", resolver=(server.address,))
    assert details(row)["addresses"] == ["59.36.1.1", "59.36.1.2", "240e:1::1"]


@pytest.mark.parametrize(
    "kept", [b"junk", b"[]", b'{"A www.example.cn": 5}', b'{"A www.example.cn": "AAAA"}']
)
def test_what_is_kept_and_is_no_answer_is_asked_for_again(ask, kept):
    archive = Archive(ask.folder)
    archive.remember(
        "dns:www.example.cn", {"digest": archive.keep(kept), "at": ask.now.isoformat(), "status": 0}
    )
    with DnsServer(CHAIN) as server:
        (row,) = ask("www.example.cn", resolver=(server.address,))
    assert row["outcome"] == "answer" and server.asked


def test_an_answer_from_the_future_is_asked_for_again(ask):
    with DnsServer(CHAIN) as server:
        ask("www.example.cn", resolver=(server.address,))
        before, ask.now = len(server.asked), ask.now - dt.timedelta(days=2)
        (row,) = ask("www.example.cn", resolver=(server.address,))
    assert len(server.asked) > before and row["seen_at"] == ask.now


def test_a_connection_that_is_closed_without_an_answer(ask):
    with DnsServer({"www.example.cn": "drop"}, truncated=True) as server:
        (row,) = ask("www.example.cn", resolver=(server.address,))
    assert row["outcome"] == "unavailable" and row["note"] == "the name servers cannot be reached: EOF"


def test_the_answers_are_kept_and_not_asked_for_again(ask):
    with DnsServer(CHAIN, chase=False) as server:
        first = ask("www.example.cn", resolver=(server.address,))
        before = len(server.asked)
        ask.now += dt.timedelta(days=29)
        again = ask("www.example.cn", resolver=(server.address,))
        assert len(server.asked) == before
        assert again == first
        raw = json.loads(Archive(ask.folder).read(first[0]["digest"]))
        assert "A edge.kunlunaq.com" in raw
        ask.now += dt.timedelta(days=2)
        (later,) = ask("www.example.cn", resolver=(server.address,))
        assert len(server.asked) == 2 * before and later["seen_at"] == ask.now
        Archive(ask.folder).path(later["digest"]).unlink()
        ask("www.example.cn", resolver=(server.address,))
        assert len(server.asked) == 3 * before
        Archive(ask.folder).remember("dns:www.example.cn", {"digest": 1, "at": "yesterday"})
        ask("www.example.cn", resolver=(server.address,))
        assert len(server.asked) == 4 * before


@pytest.mark.parametrize(
    ("records", "outcome", "note"),
    [
        ({}, "no_record", "a.example.cn does not exist"),
        ({"a.example.cn": {"TXT": ["x"]}}, "no_record", "a.example.cn has no address"),
        ({"a.example.cn": {"CNAME": ["b.example.cn."]}}, "no_record", "b.example.cn does not exist"),
        ({"a.example.cn": "SERVFAIL"}, "unavailable", "the name servers answered SERVFAIL"),
        ({"a.example.cn": "REFUSED"}, "refused", "the name servers answered REFUSED"),
        ({"a.example.cn": "drop"}, "unavailable", "the name servers did not answer in time"),
        ({"a.example.cn": "garbage"}, "unavailable", "the name servers did not answer in time"),
        (
            {"a.example.cn": {"CNAME": ["b.example.cn."]}, "b.example.cn": {"CNAME": ["A.example.cn."]}},
            "malformed",
            "the chain of names is a loop: b.example.cn leads back to a.example.cn",
        ),
        (
            {"a.example.cn": {"CNAME": ["a.example.cn."]}},
            "malformed",
            "a.example.cn leads back to a.example.cn",
        ),
    ],
)
@pytest.mark.parametrize("chase", [True, False])
def test_names_without_addresses_say_why(ask, records, outcome, note, chase):
    short = {"timeout_s": 0.15} if note.endswith("in time") else {}
    with DnsServer(records, chase=chase) as server:
        (row,) = ask("a.example.cn", resolver=(server.address,), **short)
        assert row["outcome"] == outcome and row["note"].endswith(note)
        assert details(row)["addresses"] == [] and details(row)["chain"][0] == "a.example.cn"
        before = len(server.asked)
        ask("a.example.cn", resolver=(server.address,), **short)
    again = len(server.asked) > before
    assert again == (outcome in ("unavailable", "refused"))  # what is not settled is asked again


def test_a_chain_that_breaks_off_keeps_what_was_seen(ask):
    records = {"a.example.cn": {"CNAME": ["b.lxdns.com."]}, "b.lxdns.com": "SERVFAIL"}
    with DnsServer(records, chase=False) as server:
        (row,) = ask("a.example.cn", resolver=(server.address,))
    assert row["outcome"] == "unavailable" and row["digest"]
    assert details(row)["chain"] == ["a.example.cn", "b.lxdns.com"]


@pytest.mark.parametrize("links", [LONGEST - 1, LONGEST])
@pytest.mark.parametrize("chase", [True, False])
def test_chains_have_an_end(ask, links, chase):
    records = {f"n{n}.example.cn": {"CNAME": [f"n{n + 1}.example.cn."]} for n in range(links)}
    with DnsServer(records | {f"n{links}.example.cn": {"A": ["59.36.1.1"]}}, chase=chase) as server:
        (row,) = ask("n0.example.cn", resolver=(server.address,))
    assert row["outcome"] == ("answer" if links < LONGEST else "malformed")
    assert row["note"] == (None if links < LONGEST else "the chain has more than 16 names")


def test_one_kind_of_address_is_enough(ask):
    records = {"a.example.cn": {"A": ["59.36.1.1"]}, "b.example.cn": {"AAAA": ["240e::1"]}}
    with DnsServer(records) as server:
        rows = ask("a.example.cn", "b.example.cn", resolver=(server.address,))
    assert [(row["outcome"], row["note"]) for row in rows] == [("answer", None)] * 2
    assert [details(row)["addresses"] for row in rows] == [["59.36.1.1"], ["240e::1"]]


def test_inward_addresses_are_kept_and_noted(ask):
    with DnsServer({"a.example.cn": {"A": ["10.1.2.3", "59.36.1.1"], "AAAA": ["fd00::1"]}}) as server:
        (row,) = ask("a.example.cn", resolver=(server.address,))
    assert row["outcome"] == "answer"
    assert details(row)["addresses"] == ["10.1.2.3", "59.36.1.1", "fd00::1"]
    assert row["note"] == ("10.1.2.3 is no public address (private); fd00::1 is no public address (private)")


def test_names_are_asked_once_each_and_told_as_given(ask):
    with DnsServer({"xn--zouo53b.cn": {"A": ["59.36.1.1"]}}) as server:
        rows = ask("用户.cn", "XN--ZOUO53B.CN.", "用户.cn", resolver=(server.address,))
    assert [row["subject"] for row in rows] == ["domain:用户.cn", "domain:XN--ZOUO53B.CN."]
    assert {details(row)["chain"][0] for row in rows} == {"xn--zouo53b.cn"}
    assert server.asked == [("xn--zouo53b.cn", "A"), ("xn--zouo53b.cn", "AAAA")]


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "a..cn",
        "x" * 64 + ".cn",
        "https://a.cn/",
        "1.2.3.4",
        "*.a.cn",
        "a b.cn",
        "a\\032b.cn",
        "2001:db8::1",
        "\x00.cn",
    ],
)
def test_bad_names_are_malformed_and_nobody_is_asked(ask, name):
    with pytest.raises(ValueError, match="no name of a host"):
        host_name(name)
    with DnsServer({}) as server:
        (row,) = ask(name, resolver=(server.address,))
    assert row["outcome"] == "malformed" and "no name of a host" in row["note"]
    assert server.asked == []


def test_the_next_name_server_is_asked(ask):
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent,
        DnsServer({"a.example.cn": "SERVFAIL"}) as bad,
    ):
        silent.bind(("127.0.0.1", 0))
        with DnsServer({"a.example.cn": {"A": ["59.36.1.1"]}}) as good:
            servers = (f"127.0.0.1:{silent.getsockname()[1]}", bad.address, good.address)
            (row,) = ask("a.example.cn", resolver=servers, timeout_s=0.15)
    assert details(row)["addresses"] == ["59.36.1.1"]


def test_an_answer_has_a_deadline(ask):
    class Late(Asker):
        @property
        def now(self):
            self.at += dt.timedelta(seconds=4)
            return self.at

        @now.setter
        def now(self, value):
            self.at = value

    with DnsServer(CHAIN, chase=False) as server:
        (row,) = Late(ask.folder)("www.example.cn", resolver=(server.address,), deadline_s=10)
    assert row["outcome"] == "unavailable" and row["note"] == "the name servers took more than 10 s"
    assert len(server.asked) < 6


def test_a_system_without_name_servers(ask, monkeypatch):
    def none(*_):
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver.Resolver, "read_resolv_conf", none)
    rows = ask("a.example.cn", "..", resolver=())
    assert [row["outcome"] for row in rows] == ["unavailable", "malformed"]
    assert rows[0]["note"] == "this system has no name servers; set network.resolver"


def test_a_name_server_that_is_no_address_is_a_usage_error(ask):
    with pytest.raises(UsageError, match=r"dns\.example"):
        ask("a.example.cn", resolver=("dns.example",))
