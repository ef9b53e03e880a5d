"""Registrations over RDAP, from a registry on loopback."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import dns.resolver
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.addresses import Addresses
from auditor.archive import Archive
from auditor.asking import Asked, Tools
from auditor.errors import DataError
from auditor.observations import join
from auditor.settings import Network, Settings
from auditor.sources._bootstrap import read_bootstrap
from auditor.sources._distinct import public_blocks
from auditor.sources._registration import read_registration
from auditor.sources._transport import MalformedError
from auditor.sources.rdap import SOURCE
from tests.servers.dns import DnsServer
from tests.servers.rdap import HOST, Clock, HttpsServer, Sent, apnic

RECORDED = Path(__file__).parents[3] / "shared/testdata/ipwhois/ipwhois/tests/rdap.json"
SHANGHAI = apnic("101.80.0.0", "101.95.255.255")
ADDRESS = "101.80.0.1"


class Registry:
    """Asks the source about addresses; all of them are of a registry on loopback."""

    def __init__(self, folder, names, server):
        self.folder, self.names, self.server, self.clock = folder, names, server, Clock()
        self.sleep = self.clock.sleep
        self.ticks = []

    def tables(self, *addresses, **settings):
        for version, block in ((4, "0.0.0.0/0"), (6, "::/0")):
            services = {"services": [[[block], ["http://plain.test/", self.server.url("/")]]]}
            (self.folder / f"ipv{version}.json").write_text(json.dumps(services))
        standard = {
            "resolver": (self.names.address,),
            "ca_file": self.server.ca_file,
            "bootstrap": str(self.folder),
            "allow_addresses": ("127.0.0.0/8",),
            "per_second": 1000,
            "deadline_s": 5,
        }
        tools = Tools(
            Settings(network=Network(**{**standard, **settings})),
            Archive(self.folder / "archive"),
            self.clock.now,
            self.sleep,
            online=True,
            tick=self.ticks.append,
        )
        subject = pa.array([f"node:{row}" for row in range(len(addresses))])
        return SOURCE.ask(Asked(subject, Addresses.of(list(addresses))), tools)

    def ask(self, *addresses, **settings):
        return join(list(self.tables(*addresses, **settings))).to_pylist()

    def one(self, told, address=ADDRESS, **settings):
        self.server.routes[f"/ip/{address}"] = told
        rows = self.ask(address, **settings)
        return rows[0], rows[1] if len(rows) > 1 else None


@pytest.fixture
def registry(tmp_path):
    known = {HOST: {"A": ["127.0.0.1"]}, "inside.test": {"A": ["10.0.0.1"]}}
    with DnsServer(known) as names, HttpsServer({}) as server:
        yield Registry(tmp_path, names, server)


def test_answer_of_apnic(registry):
    holder, place = registry.one(SHANGHAI)
    assert (holder["kind"], holder["outcome"], holder["family"]) == ("holder", "answer", "registry")
    assert (holder["subject"], holder["asked"], holder["prefix"]) == ("node:0", ADDRESS, "101.80.0.0/12")
    assert holder["owner"] == "CHINANET SHANGHAI PROVINCE NETWORK"
    assert holder["note"] is None
    assert holder["seen_at"] == registry.clock.now()
    assert json.loads(holder["details"]) == {"netname": "CHINANET-SH", "geofeed": None, "country": "CN"}
    assert (place["kind"], place["extent"], place["region"]) == ("place", "province", "310000")
    assert place["grade"] == "E4"
    raw = Archive(registry.folder / "archive").read(holder["digest"])
    assert json.loads(raw) == SHANGHAI
    assert registry.server.asked == [f"/ip/{ADDRESS}"]


@pytest.mark.parametrize(
    ("fields", "outcome", "extent", "region"),
    [
        ({"name": "UNICOM-BJ", "remarks": []}, "answer", "province", "110000"),
        ({"name": "CHINANET-SHENZHEN", "remarks": []}, "answer", "city", "440300"),
        ({"name": "ACME", "remarks": []}, "answer", "country", "CN"),
        ({"name": "CHINANET-SH", "country": "HK"}, "answer", "country", "HK"),
        ({"name": "ACME", "remarks": [], "country": "sg"}, "answer", "country", "SG"),
        *(
            ({"name": "ACME", "remarks": [], "country": code}, "unknown", "none", None)
            for code in ("EU", "AP", "XX", "ZZ")
        ),
        ({"name": "ACME", "remarks": [], "country": "EU # worldwide"}, "unknown", "none", None),
        ({"name": "ACME", "remarks": None, "country": None}, "unknown", "none", None),
        ({"country": None}, "answer", "province", "310000"),
    ],
)
def test_places(registry, fields, outcome, extent, region):
    _, place = registry.one(apnic("101.80.0.0", "101.95.255.255", **fields))
    assert (place["outcome"], place["extent"], place["region"]) == (outcome, extent, region)


def registrant(name, handle="ORG-1-AP"):
    card = ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", name]]]
    return {"handle": handle, "roles": ["registrant"], "vcardArray": card}


@pytest.mark.parametrize(
    ("fields", "owner"),
    [
        (
            {"entities": [registrant("MAINT-CHINANET"), registrant("China Telecom Corp")]},
            "China Telecom Corp",
        ),
        ({"entities": [registrant("MAINT-CHINANET-SH")]}, "CHINANET SHANGHAI PROVINCE NETWORK"),
        ({"entities": [], "remarks": []}, "CHINANET-SH"),
        ({"entities": [{"roles": ["registrant"]}], "remarks": [{"description": ["", " Acme "]}]}, "Acme"),
        ({"entities": [], "remarks": [], "name": None}, ""),
    ],
)
def test_holders(registry, fields, owner):
    told = apnic("101.80.0.0", "101.95.255.255", **fields)
    for entity in told["entities"]:
        entity.setdefault("handle", "ORG-2")
    holder, _ = registry.one(told)
    assert (holder["owner"], holder["note"]) == (owner, None)


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"links": [{"rel": "geo", "type": "application/geofeed+csv", "href": "https://a.cn/g.csv"}]}, "https://a.cn/g.csv"),
        ({"links": [{"href": None}, "x", {"rel": "geo", "href": "http://a.cn/g.csv"}]}, "http://a.cn/g.csv"),
        ({"links": [{"rel": ["geo"], "href": "https://a.cn/"}]}, None),
        ({"remarks": [{"description": ["Acme", "Geofeed https://a.cn/g.csv"]}]}, "https://a.cn/g.csv"),
        ({"remarks": [{"description": ["no geofeed at https://a.cn/"]}]}, None),
    ],
)  # fmt: skip
def test_geofeed_is_named(registry, fields, url):
    holder, _ = registry.one(apnic("101.80.0.0", "101.95.255.255", **fields))
    assert json.loads(holder["details"])["geofeed"] == url


def test_one_question_a_network(registry):
    registry.server.routes |= {
        f"/ip/{ADDRESS}": SHANGHAI,
        "/ip/101.96.0.1": apnic("101.96.0.0", "101.96.7.255", name="UNICOM-BJ", remarks=[]),
        "/ip/2400::1": apnic("2400::", "2400:0:ffff:ffff:ffff:ffff:ffff:ffff", name="CMNET-BJ", remarks=[]),
    }
    asked = ["101.80.9.9", ADDRESS, "101.88.0.0/16", "101.96.0.1", "2400::1", "2400::2", ADDRESS]
    rows = registry.ask(*asked)
    assert registry.server.asked == [f"/ip/{ADDRESS}", "/ip/101.96.0.1", "/ip/2400::1"]
    assert sum(registry.ticks) == 6  # distinct ones
    holders = {row["subject"]: row for row in rows if row["kind"] == "holder"}
    places = {row["subject"]: row["region"] for row in rows if row["kind"] == "place"}
    assert [holders[f"node:{row}"]["asked"] for row in range(7)] == asked
    assert [places[f"node:{row}"][:2] for row in range(7)] == ["31", "31", "31", "11", "11", "11", "31"]
    assert holders["node:0"]["note"] == f"asked about {ADDRESS}, of the same network"
    assert [holders[f"node:{row}"]["note"] for row in (1, 3, 4, 6)] == [None] * 4


def test_answers_about_space_that_nobody_holds_cover_one_address(registry):
    registry.server.routes |= {
        "/ip/1.1.1.1": apnic("0.0.0.0", "255.255.255.255", name="IANA-BLK", country=None),  # noqa: S104 -- a block
        f"/ip/{ADDRESS}": SHANGHAI,
    }
    rows = registry.ask("1.1.1.1", ADDRESS)
    assert [row["prefix"] for row in rows if row["kind"] == "holder"] == ["0.0.0.0/0", "101.80.0.0/12"]


def test_addresses_that_are_not_asked(registry):
    rows = registry.ask("10.0.0.1", "1.2.3", None, "fe80::1", "203.0.113.0/24")
    assert [(row["outcome"], row["note"]) for row in rows] == [
        ("reserved", "no public address: private"),
        ("malformed", "neither an IPv4 nor an IPv6 address or block"),
        ("malformed", "no address"),
        ("reserved", "no public address: link-local"),
        ("reserved", "no public address: documentation"),
    ]
    assert registry.server.asked == []


@pytest.mark.parametrize(
    ("told", "outcome", "words"),
    [
        (Sent(404, b"{}"), "no_record", "no record of it"),
        (Sent(403), "refused", "refused to answer"),
        (
            Sent(429, b"", {"Retry-After": "9999"}),
            "refused",
            "wants no more questions before 2026-11-22 02:46:39 UTC",
        ),
        (Sent(500), "unavailable", "HTTP status 500"),
        ("drop", "unavailable", "closed the connection"),
        (Sent(302, b"", {"Location": "https://inside.test/"}), "unavailable", "no public address (private)"),
        (Sent(302, b"", {"Location": "http://rdap.test/"}), "unavailable", "no https URL"),
        (Sent(200, b"x" * 10_000_000), "unavailable", "longer than"),
        (Sent(200, b"<html>"), "malformed", "no JSON"),
        ({"notices": [{"title": "Rate Limit Notice"}]}, "refused", "asked too often"),
        ({"name": "CHINANET-SH"}, "malformed", "names no first and last address"),
        (apnic("101.80.0.0", "2400::"), "malformed", "names no first and last address"),
        (
            apnic("1.2.3.0", "1.2.3.255"),
            "malformed",
            "is about 1.2.3.0-1.2.3.255, which does not hold 101.80.0.1",
        ),
        (apnic("101.95.255.255", "101.80.0.0"), "malformed", "does not hold"),
    ],
)
def test_failures(registry, told, outcome, words):
    holder, place = registry.one(told)
    assert (holder["outcome"], place) == (outcome, None)
    assert words in holder["note"]


def test_trickling_registry(registry):
    holder, _ = registry.one("trickle", deadline_s=0.3)
    assert (holder["outcome"], holder["note"]) == ("unavailable", f"{HOST} did not answer in time")


def test_bootstrap_names_the_registry(registry):
    registry.tables()
    rows = registry.ask("1.1.1.1", bootstrap=None, resolver=(registry.names.address,))
    assert rows[0]["outcome"] == "unavailable"
    assert rows[0]["note"] == "rdap.apnic.net: the name does not exist"
    assert registry.ask("2d00::1", bootstrap=None)[0]["note"] == "IANA names no registry for 2d00::1"


def test_failures_are_asked_again_and_answers_are_not(registry):
    answers = iter([Sent(403), Sent(200, b"<html>"), SHANGHAI])
    for outcome in ("refused", "malformed", "answer", "answer"):
        assert registry.one(lambda: next(answers))[0]["outcome"] == outcome
    assert len(registry.server.asked) == 3
    registry.server.routes["/ip/1.1.1.1"] = Sent(404, b"{}")
    assert [registry.ask("1.1.1.1")[0]["outcome"] for _ in range(2)] == ["no_record"] * 2
    assert len(registry.server.asked) == 4


def test_answers_grow_old(registry):
    registry.one(SHANGHAI)
    first = registry.clock.now()
    registry.clock.sleep(29 * 86_400)
    assert registry.one(SHANGHAI)[0]["seen_at"] == first  # when the registry said it
    registry.clock.sleep(86_400)
    assert registry.one(SHANGHAI)[0]["seen_at"] == registry.clock.now()
    assert len(registry.server.asked) == 2


def test_damaged_archive_is_asked_again(registry):
    digest = registry.one(SHANGHAI)[0]["digest"]
    (registry.folder / "archive" / digest[:2] / digest).write_bytes(b"other")
    assert registry.one(SHANGHAI)[0]["outcome"] == "answer"
    assert len(registry.server.asked) == 2


def test_killed_run_goes_on(registry):
    addresses = [f"101.{80 + row}.0.1" for row in range(8)]
    for row, address in enumerate(addresses):
        registry.server.routes[f"/ip/{address}"] = apnic(f"101.{80 + row}.0.0", f"101.{80 + row}.255.255")

    def interrupt(_):
        if len(registry.server.asked) == 3:
            raise KeyboardInterrupt

    registry.sleep = interrupt  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        registry.ask(*addresses)
    registry.sleep = registry.clock.sleep
    rows = registry.ask(*addresses)
    assert len(rows) == 16
    assert registry.server.asked == [f"/ip/{address}" for address in addresses]  # each once, in both runs


def test_pace(registry):
    for row in range(4):
        registry.server.routes[f"/ip/101.{80 + row}.0.1"] = apnic(
            f"101.{80 + row}.0.0", f"101.{80 + row}.0.255"
        )
    registry.ask(*(f"101.{80 + row}.0.1" for row in range(4)), per_second=2)
    assert registry.clock.slept == [0.5, 0.5, 0.5]


# What is wrong in ipwhois 1.3, and how it is lived with (side by side with ipwhois itself: test_ipwhois.py).


def test_bug_no_national_registry_is_asked(registry):
    # `lookup_rdap(bootstrap=True)` fails on a missing national registry (its issue 148).
    assert registry.one(SHANGHAI)[0]["outcome"] == "answer"
    assert {name for name, _ in registry.names.asked} == {HOST}
    assert len(registry.server.asked) == 1


def test_bug_missing_resolv_conf(registry, monkeypatch):
    def missing(*_):
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver.Resolver, "read_resolv_conf", missing)
    assert registry.one(SHANGHAI)[0]["outcome"] == "answer"
    holder, _ = registry.one(SHANGHAI, address="101.81.0.1", resolver=())
    assert holder["outcome"] == "unavailable"
    assert "this system has no name servers; set network.resolver" in holder["note"]


CARD = ["version", {}, "text", "4.0"]


@pytest.mark.parametrize(
    "fields",
    [
        {"parentHandle": None},
        {"handle": None},
        {"ipVersion": None},
        {"ipVersion": "v9"},
        {"entities": None},
        {"entities": ["text", None]},
        {"entities": [{"handle": None, "roles": None}]},
        {"remarks": [{"description": None}, {"description": "text"}, None, {"title": 1}]},
        {"events": [None]},
        {"links": [{"href": 5}]},
        {"notices": None},
        *({"entities": [{**registrant("Acme"), "vcardArray": card}]} for card in (None, [], ["vcard"], "x", ["vcard", None])),
        *(
            {"entities": [{**registrant("Acme"), "vcardArray": ["vcard", [CARD, [name, {}, "text", value]]]}]}
            for name, value in itertools.product(["fn", "tel", "email", "adr", "kind"], [None, ["a", "b"], {}, 5])
        ),
        *({"entities": [{**registrant("Acme"), "vcardArray": ["vcard", [entry]]}]} for entry in ([], ["fn"], None)),
    ],
)  # fmt: skip
def test_bug_nulls_and_lists(registry, fields):
    holder, place = registry.one(apnic("101.80.0.0", "101.95.255.255", **fields))
    assert (holder["outcome"], holder["prefix"]) == ("answer", "101.80.0.0/12")
    assert place["outcome"] == "answer"


def test_bug_what_ipwhois_cannot_read_is_read_without_and_said(registry):
    told = apnic("101.80.0.0", "101.95.255.255", parentHandle=None, entities=[registrant("Acme")])
    holder, place = registry.one(told)
    assert (holder["owner"], place["region"]) == ("Acme", "310000")
    assert holder["note"] == "ipwhois could not read the answer (AttributeError); it was read without"


def test_bug_an_interrupt_passes(registry):
    def interrupt(_):
        raise KeyboardInterrupt

    registry.sleep = interrupt
    with pytest.raises(KeyboardInterrupt):  # ipwhois catches all and says that the lookup failed
        registry.one(Sent(429))


def test_bug_country_is_of_the_network(registry):
    # ipwhois gives the country of the allocation (its issue 278); here it is what the registry says.
    _, place = registry.one(apnic("101.80.0.0", "101.95.255.255", name="ACME", remarks=[], country="MO"))
    assert place["region"] == "MO"


ODD = {"62.239.237.1": "62.239.237.0/24", "74.125.225.229": "74.125.0.0/16"}


@pytest.mark.shared
def test_recorded_answers(registry):
    if not RECORDED.is_file():
        pytest.skip("no ../shared folder")
    recorded = json.loads(RECORDED.read_text("utf-8"))
    assert len(recorded) == 10
    for address, entry in recorded.items():
        told = entry["response"]
        holder, place = registry.one(told, address=address)
        assert holder["outcome"] == "answer", address
        assert json.loads(holder["details"])["netname"] == told["name"]
        assert place["region"] == told.get("country"), address
        assert holder["prefix"] == ODD.get(address, holder["prefix"])
        assert holder["owner"]
    assert len(registry.server.asked) == 10


def test_shipped_bootstrap():
    bootstrap = read_bootstrap(None)
    known = {("202.96.209.5", 4): "apnic", ("8.8.8.8", 4): "arin", ("193.0.0.1", 4): "ripe", ("41.0.0.1", 4): "afrinic",
             ("200.0.0.1", 4): "lacnic", ("240e::1", 6): "apnic", ("2408::1", 6): "apnic", ("2a00::1", 6): "ripe"}  # fmt: skip
    for (address, version), name in known.items():
        number = public_blocks(Addresses.of([address])).low[0]
        assert name in bootstrap.base(version, number)
    assert bootstrap.base(4, 10 << 24) is None


def test_longest_prefix_decides(tmp_path):
    services = [[["2001::/16"], ["https://a.test"]], [["2001:db8::/32"], ["https://b.test/x/"]]]
    (tmp_path / "ipv6.json").write_text(json.dumps({"services": services}))
    (tmp_path / "ipv4.json").write_text(json.dumps({"services": []}))
    bootstrap = read_bootstrap(str(tmp_path))
    assert bootstrap.base(6, 0x20010DB8 << 96) == "https://b.test/x/"
    assert bootstrap.base(6, 0x20010DB9 << 96) == "https://a.test/"


def test_bootstrap_problems_all_at_once(tmp_path):
    services = [[["1.0.0.0/8", "x", "2400::/12", "2.0.0.1/8"], ["http://a.test/"]]]
    (tmp_path / "ipv4.json").write_text(json.dumps({"services": services}))
    with pytest.raises(DataError) as caught:
        read_bootstrap(str(tmp_path))
    lines = str(caught.value).splitlines()
    assert len(lines) == 5
    assert "no https URL" in lines[0]
    assert "2.0.0.1/8 has host bits set" in lines[3]
    assert "ipv6.json: cannot be read" in lines[4]
    for broken in ("", "[]", "{}", '{"services": 5}', '{"services": [[1]]}', '{"services": [[1, 2]]}'):
        (tmp_path / "ipv6.json").write_text(broken)
        with pytest.raises(DataError, match="no RDAP bootstrap file"):
            read_bootstrap(str(tmp_path))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["handle", "roles", "description", "href", "title"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(sorted(SHANGHAI)), json_values))
def test_any_answer_is_read_or_said_to_be_malformed(changed):
    try:
        told = read_registration(ADDRESS, {**SHANGHAI, **changed})
    except MalformedError:
        assert changed.keys() & {"startAddress", "endAddress"}
    else:
        assert told.first <= told.last


@given(
    st.lists(
        st.sampled_from(
            ["1.1.1.1", "1.1.1.0/24", "2400::1", "10.0.0.1", "x", "1.1.1.1/32", "2400::/16", "8.8.8.8"]
        )
    )
)
def test_blocks_hold_every_public_row_once(texts):
    blocks = public_blocks(Addresses.of(texts))
    public = [row for row, text in enumerate(texts) if text not in ("10.0.0.1", "x")]
    assert sorted(blocks.rows.tolist()) == public
    for block in range(len(blocks)):
        rows, which = blocks.rows_of([block])
        assert {texts[row].removesuffix("/32") for row in rows} == {blocks.text(block)}
        assert set(which.tolist()) == {0}
