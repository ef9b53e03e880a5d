"""The bugs of ipwhois 1.3 side by side: what it does with an answer by itself, and what the sources do with it."""

from __future__ import annotations

import json
import socket
import ssl
import urllib.request
from types import SimpleNamespace

import dns.resolver
import ipwhois.net
import ipwhois.rdap
import pytest
from ipwhois import IPWhois
from ipwhois.asn import IPASN
from ipwhois.exceptions import ASNParseError, HostLookupError, HTTPLookupError

from tests.servers.dns import DnsServer
from tests.servers.rdap import HOST, HttpsServer, Sent, apnic
from tests.sources.test_asn import Zones, txt
from tests.sources.test_asn import name as origin_name
from tests.sources.test_rdap import ADDRESS, SHANGHAI, Registry, registrant

CYMRU = "1.0.80.101.origin.asn.cymru.com"
RECORD = "4812 | 101.80.0.0/12 | CN | apnic | 2011-03-30"


@pytest.fixture
def names():
    with DnsServer({HOST: {"A": ["127.0.0.1"]}}) as server:
        yield server


@pytest.fixture
def plain(names, monkeypatch):
    """ipwhois by itself, led to loopback by its own constants, its opener and its resolver."""
    with HttpsServer({}, host="127.0.0.1") as server:
        context = ssl.create_default_context(cafile=server.ca_file)
        handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        opener = urllib.request.build_opener(*handlers)
        monkeypatch.setattr(ipwhois.rdap, "BOOTSTRAP_URL", server.url("/bootstrap"))
        monkeypatch.setitem(ipwhois.rdap.RIR_RDAP["apnic"], "ip_url", server.url("/ip/{0}"))

        def ask(proxy_opener=opener):
            made = IPWhois(ADDRESS, proxy_opener=proxy_opener)
            made.net.dns_resolver.nameservers = ["127.0.0.1"]
            made.net.dns_resolver.port = names.port
            return made

        yield SimpleNamespace(ask=ask, server=server)


@pytest.fixture
def registry(names, tmp_path):
    with HttpsServer({}) as server:
        yield Registry(tmp_path, names, server)


def test_a_bootstrap_without_national_registries_is_a_type_error(plain, registry):
    plain.server.routes[f"/bootstrap/ip/{ADDRESS}"] = SHANGHAI
    with pytest.raises(TypeError):
        plain.ask().lookup_rdap(bootstrap=True)
    assert plain.ask().lookup_rdap(bootstrap=True, inc_nir=False)["network"]["name"] == "CHINANET-SH"
    holder, place = registry.one(SHANGHAI)
    assert (holder["outcome"], place["region"]) == ("answer", "310000")


def test_names_of_addresses_are_never_found(plain, registry, monkeypatch):
    # The system knows the name of this address without asking anybody; ipwhois cannot take the answer.
    net = plain.ask().net
    net.address_str = "127.0.0.1"
    assert socket.gethostbyaddr("127.0.0.1")[2] == ["127.0.0.1"]
    with pytest.raises(HostLookupError):
        net.get_host(retry_count=0)

    def asked(*_):
        raise AssertionError("nobody asks for the name of an address")

    monkeypatch.setattr(socket, "gethostbyaddr", asked)
    monkeypatch.setattr(socket, "setdefaulttimeout", asked)  # of the whole process
    assert registry.one(SHANGHAI)[0]["outcome"] == "answer"


def test_a_system_without_name_servers_is_no_reason_to_ask_nothing(plain, registry, monkeypatch):
    def missing(*_):
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver.Resolver, "read_resolv_conf", missing)
    with pytest.raises(dns.resolver.NoResolverConfiguration):
        plain.ask()
    assert registry.one(SHANGHAI)[0]["outcome"] == "answer"


@pytest.mark.parametrize(
    "fields",
    [
        {"parentHandle": None},
        *(
            {"entities": [registrant("Acme") | {"vcardArray": ["vcard", [[name, {}, "text", value]]]}]}
            for name, value in [("fn", None), ("tel", None), ("tel", ["1", "2"]), ("email", ["a", "b"])]
        ),
    ],
)
def test_a_null_spoils_an_answer(plain, registry, fields):
    told = apnic("101.80.0.0", "101.95.255.255", **fields)
    plain.server.routes[f"/ip/{ADDRESS}"] = told
    rdap = ipwhois.rdap.RDAP(plain.ask().net)
    with pytest.raises(AttributeError):
        rdap.lookup(asn_data={"asn_registry": "apnic"}, root_ent_check=False)
    holder, place = registry.one(told)
    assert (holder["outcome"], holder["prefix"], place["region"]) == ("answer", "101.80.0.0/12", "310000")
    assert holder["note"] == "ipwhois could not read the answer (AttributeError); it was read without"


def test_of_several_origins_one_is_kept(plain, names, tmp_path):
    texts = txt(
        RECORD, "4812 64511 | 101.80.0.0/16 | CN | apnic | 2011-03-30", "4134 | 101.0.0.0/8 | CN | apnic | x"
    )
    names.records |= {CYMRU: texts, origin_name(ADDRESS): texts}
    kept = IPASN(plain.ask().net).lookup(asn_methods=["dns"], get_asn_description=False)
    assert (kept["asn"], kept["asn_cidr"]) == ("4812 64511", "101.80.0.0/16")
    rows = Zones(tmp_path, names).ask(ADDRESS)
    assert [(row["asn"], row["prefix"]) for row in rows] == [
        (4134, "101.0.0.0/8"), (4812, "101.80.0.0/16"), (64511, "101.80.0.0/16"), (4812, "101.80.0.0/12"),
    ]  # fmt: skip


def test_an_empty_answer_is_not_caught(plain, names, tmp_path):
    names.records |= {CYMRU: txt(""), origin_name(ADDRESS): txt("", RECORD)}
    with pytest.raises(ASNParseError):
        IPASN(plain.ask().net).lookup(asn_methods=["dns"], get_asn_description=False)
    (row,) = Zones(tmp_path, names).ask(ADDRESS)
    assert (row["outcome"], row["asn"]) == ("answer", 4812)


def test_an_interrupt_is_taken_for_a_failed_lookup(plain, registry):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with pytest.raises(HTTPLookupError):
        plain.ask(SimpleNamespace(open=interrupt)).net.get_http_json("https://127.0.0.1/", retry_count=0)
    registry.sleep = interrupt
    with pytest.raises(KeyboardInterrupt):
        registry.one(Sent(429))


def test_the_country_is_that_of_the_allocation(plain, names, registry):
    told = apnic("101.80.0.0", "101.95.255.255", name="ACME", remarks=[], country="MO")
    names.records[CYMRU] = txt(RECORD)
    plain.server.routes[f"/ip/{ADDRESS}"] = told
    kept = plain.ask().lookup_rdap(asn_methods=["dns"], get_asn_description=False, root_ent_check=False)
    assert (kept["asn_country_code"], kept["network"]["country"]) == ("CN", "MO")
    holder, place = registry.one(told)
    assert (place["region"], json.loads(holder["details"])["country"]) == ("MO", "MO")
