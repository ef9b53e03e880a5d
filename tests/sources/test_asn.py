"""Origins of addresses over DNS, from a name server on loopback."""

from __future__ import annotations

import json
from ipaddress import ip_address

import dns.resolver
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.addresses import Addresses
from auditor.archive import Archive
from auditor.asking import Asked, Tools
from auditor.observations import join
from auditor.settings import Network, Settings
from auditor.sources._pace import FAILURES
from auditor.sources.asn import SOURCE, _origins
from tests.servers.dns import DnsServer
from tests.servers.rdap import Clock

ZONES = {"asn_zone": "origin.test", "asn6_zone": "origin6.test."}


def txt(*texts):
    return {"TXT": [f'"{text}"' for text in texts]}


def name(address):
    return ".".join(reversed(address.split("."))) + ".origin.test"


class Zones:
    def __init__(self, folder, server):
        self.folder, self.server, self.clock, self.ticks = folder, server, Clock(), []

    def ask(self, *addresses, **settings):
        standard = {"resolver": (self.server.address,), **ZONES}
        tools = Tools(
            Settings(network=Network(**{**standard, **settings})),
            Archive(self.folder / "archive"),
            self.clock.now,
            self.clock.sleep,
            online=True,
            tick=self.ticks.append,
        )
        subject = pa.array([f"node:{row}" for row in range(len(addresses))])
        return join(list(SOURCE.ask(Asked(subject, Addresses.of(list(addresses))), tools))).to_pylist()


@pytest.fixture
def zones(tmp_path):
    with DnsServer({}) as server:
        yield Zones(tmp_path, server)


def told(rows):
    return [(row["subject"], row["outcome"], row["asn"], row["prefix"]) for row in rows]


def test_origin(zones):
    zones.server.records[name("101.80.0.1")] = txt("4812 | 101.80.0.0/12 | CN | apnic | 2011-03-30")
    (row,) = zones.ask("101.80.0.1")
    assert told([row]) == [("node:0", "answer", 4812, "101.80.0.0/12")]
    assert (row["source"], row["kind"], row["family"], row["asked"]) == (
        "asn",
        "origin",
        "registry",
        "101.80.0.1",
    )
    assert json.loads(row["details"]) == {
        "registry": "apnic",
        "allocated_to": "CN",
        "allocated_on": "2011-03-30",
    }
    assert row["note"] is None
    assert zones.server.asked == [("1.0.80.101.origin.test", "TXT")]
    assert Archive(zones.folder / "archive").read(row["digest"])


@pytest.mark.parametrize("truncated", [False, True])
def test_bug_all_origins_are_kept(zones, truncated):
    # ipwhois keeps the longest prefix only (its issue 190: AS56044 or AS9808, as it comes).
    zones.server.truncated = truncated
    zones.server.records[name("223.100.157.219")] = txt(
        "9808 | 223.64.0.0/10 | CN | apnic | 2010-05-28",
        "56044 64511 | 223.100.0.0/16 | CN | apnic | 2010-05-28",
        "56044 | 223.100.0.0/16 | CN | apnic | 2010-05-28",
    )
    rows = zones.ask("223.100.157.219")
    assert [(row["asn"], row["prefix"]) for row in rows] == [
        (56044, "223.100.0.0/16"), (64511, "223.100.0.0/16"), (9808, "223.64.0.0/10"),
    ]  # fmt: skip
    assert {row["note"] for row in rows} == {"3 origins were named"}


def test_not_announced(zones):
    zones.server.records[name("101.80.0.2")] = {"A": ["192.0.2.1"]}
    rows = zones.ask("101.80.0.1", "101.80.0.2")
    assert [(row["outcome"], row["note"], row["asn"]) for row in rows] == [
        ("no_record", "not announced", None)
    ] * 2
    zones.ask("101.80.0.1", "101.80.0.2")
    assert len(zones.server.asked) == 2


def test_every_address_is_asked_unless_its_24_is_announced(zones):
    zones.server.records |= {
        name("101.80.0.1"): txt("4812 | 101.80.0.0/12 | CN | apnic | 2011-03-30"),
        name("101.80.5.1"): txt("64500 | 101.80.5.0/24 | CN | apnic | 2011-03-30"),  # let to somebody else
        name("101.80.6.1"): txt("4812 | 101.80.0.0/12 | CN | apnic | 2011-03-30"),
    }
    rows = zones.ask("101.80.5.2", "101.80.0.1", "101.80.5.1", "101.80.6.1", "101.80.5.0/24", "101.80.5.1")
    assert sorted(told(rows)) == [
        ("node:0", "answer", 64500, "101.80.5.0/24"),
        ("node:1", "answer", 4812, "101.80.0.0/12"),
        ("node:2", "answer", 64500, "101.80.5.0/24"),
        ("node:3", "answer", 4812, "101.80.0.0/12"),
        ("node:4", "no_record", None, None),  # its first address was not known
        ("node:5", "answer", 64500, "101.80.5.0/24"),
    ]
    assert [asked for asked, _ in zones.server.asked] == [
        name("101.80.0.1"), name("101.80.5.0"), name("101.80.5.1"), name("101.80.6.1"),
    ]  # fmt: skip
    assert sum(zones.ticks) == 5
    (block,) = [row for row in rows if row["asked"] == "101.80.5.0/24"]
    assert block["note"] == "not announced; asked about 101.80.5.0, the first address"


def test_ipv6(zones):
    nibbles = ".".join(reversed("2400da00000200a1"))
    zones.server.records[f"{nibbles}.origin6.test"] = txt("4837 | 2400:da00::/32 | CN | apnic | 2010-01-01")
    rows = zones.ask("2400:da00:2:a1::", "2400:da00:2:a1:0:0:0:1")
    assert told(rows) == [("node:0", "answer", 4837, "2400:da00::/32"), ("node:1", "no_record", None, None)]
    assert len(zones.server.asked[1][0].split(".")) == 32 + 2


def test_addresses_that_are_not_asked(zones):
    rows = zones.ask("10.0.0.1", "x")
    assert [(row["outcome"], row["kind"]) for row in rows] == [
        ("reserved", "origin"),
        ("malformed", "origin"),
    ]
    assert zones.server.asked == []


@pytest.mark.parametrize(
    ("held", "outcome", "words"),
    [
        ("SERVFAIL", "unavailable", "the name servers answered SERVFAIL"),
        ("REFUSED", "refused", "the name servers answered REFUSED"),
        ("drop", "unavailable", "did not answer in time"),
        (txt(""), "malformed", "'' names no system and prefix of 101.80.0.1"),
        (txt("4812"), "malformed", "names no system"),
        (txt("4812 | x | CN | apnic | 2011-03-30"), "malformed", "names no system"),
        (txt("4812 | 1.2.3.0/24 | CN | apnic | 2011-03-30"), "malformed", "names no system"),
        (txt("NA | 101.80.0.0/12 | CN | apnic | 2011-03-30"), "malformed", "names no system"),
        (txt("4294967296 | 101.80.0.0/12 | CN | apnic | 2011-03-30"), "malformed", "names no system"),
    ],
)
def test_failures(zones, held, outcome, words):
    zones.server.records[name("101.80.0.1")] = held
    (row,) = zones.ask("101.80.0.1", **({"deadline_s": 0.1} if held == "drop" else {}))
    assert (row["outcome"], row["asn"]) == (outcome, None)
    assert words in row["note"]


def test_bug_empty_answers_are_survived(zones):
    # ipwhois does not catch its own ASNParseError (its issue 334).
    zones.server.records[name("101.80.0.1")] = txt("", "4812 | 101.80.0.0/12 | CN | apnic | 2011-03-30")
    (row,) = zones.ask("101.80.0.1")
    assert (row["asn"], row["note"]) == (4812, "'' names no system and prefix of 101.80.0.1")


@pytest.mark.parametrize(
    "text",
    ["4812 | 101.80.0.0/12 | CN | newreg | 2011-03-30", "4812 | 101.80.0.0/12", "4812|101.80.0.0/12|cn||"],
)
def test_registries_that_ipwhois_does_not_know(text):
    assert [(origin.asn, origin.prefix) for origin in _origins(text, "101.80.0.1")] == [
        (4812, "101.80.0.0/12")
    ]


def test_mute_name_servers_are_given_up_and_asked_the_next_time(zones):
    addresses = [f"101.80.0.{row}" for row in range(1, FAILURES + 4)]
    zones.server.records |= {name(address): "SERVFAIL" for address in addresses}
    rows = zones.ask(*addresses)
    assert [row["outcome"] for row in rows] == ["unavailable"] * len(rows)
    assert [row["note"].endswith("not asked again") for row in rows] == [False] * FAILURES + [True] * 3
    assert len({asked for asked, _ in zones.server.asked}) == FAILURES
    zones.server.records |= {
        name(a): txt("4812 | 101.80.0.0/12 | CN | apnic | 2011-03-30") for a in addresses
    }
    assert [row["asn"] for row in zones.ask(*addresses)] == [4812] * len(addresses)


def test_answers_are_kept(zones):
    zones.server.records[name("101.80.0.1")] = txt("4812 | 101.80.0.0/12 | CN | apnic | 2011-03-30")
    first = zones.ask("101.80.0.1")
    zones.clock.sleep(86_400)
    assert zones.ask("101.80.0.1") == first
    assert len(zones.server.asked) == 1
    zones.ask("101.80.0.1", cache_days=1)
    assert len(zones.server.asked) == 2


def test_no_resolv_conf(zones, monkeypatch):
    def missing(*_):
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver.Resolver, "read_resolv_conf", missing)
    (row,) = zones.ask("101.80.0.1", resolver=())
    assert (row["outcome"], row["note"]) == (
        "unavailable",
        "this system has no name servers; set network.resolver",
    )


@given(
    st.text(st.characters(max_codepoint=127))
    | st.lists(st.sampled_from(["4812", "101.80.0.0/12", "CN", "apnic", ""])).map(" | ".join)
)
def test_any_text_is_read_or_not(text):
    for origin in _origins(text, "101.80.0.1"):
        assert 0 < origin.asn < 2**32
        assert ip_address("101.80.0.1").is_global


def test_provenance():
    (source,) = SOURCE.provenance(Settings(network=Network(**ZONES)))
    assert source.title == "Origins of routes over DNS (origin.test, origin6.test.)"
