"""What observations may do to verdicts, whatever they say; and addresses held in blocks, against brute force."""

from __future__ import annotations

import copy
import datetime as dt
import ipaddress
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import auditor
from auditor.addresses import Addresses
from auditor.blocks import addresses_of, within_any
from auditor.registers import match_cdn
from auditor.rules._observed import operates
from tests.rules.test_cases import BASES, areas_on, observed

DAY = "2026-11-22"
NODES = ("dc-1", "edge-1", "sub-1", "bng-1", "core-1", "inet-1", "ix-1", "olt-1", "bng-2", "nobody")
ADDRESSES = ("58.32.0.1", "58.32.0.9", "47.0.0.1", "10.0.0.1", "2400:da00::1", "nonsense")
DOMAINS = ("www.example.cn", "cdn.example.cn", "lost.example.cn")
SUBJECTS = (
    [f"node:{n}" for n in NODES]
    + [f"domain:{d}" for d in DOMAINS]
    + ["prefix:58.40.0.0/24", "prefix:47.0.0.1/32"]
)
# What a finding may become: itself, or a question.
MAY = {("pass", "inconclusive"), ("not_applicable", "inconclusive"), ("not_applicable", "pass")}
BOUND_BEFORE = {"PILOT-FAC-04", "PILOT-FAC-05"}


def sound():
    """A small network that passes, with addresses and domains."""
    tree = copy.deepcopy(BASES["shanghai"])
    tree["services"][0]["domains"] = ["www.example.cn", "lost.example.cn"]
    tree["services"][1]["domains"] = ["cdn.example.cn"]
    nodes = {node["id"]: node for node in tree["network"]["nodes"]}
    nodes["dc-1"]["ips"], nodes["edge-1"]["ips"] = "58.32.0.1;10.0.0.1", "2400:da00::1;nonsense"
    nodes["sub-1"]["ips"] = "58.32.0.9"
    return tree


def mixed():
    """One with a bypass, an undecided owner and a value-added licensee's equipment besides."""
    tree = sound()
    tree["network"]["nodes"] += [
        {
            "id": "sub-2",
            "kind": "subscriber",
            "owner": "customer",
            "services": "B14",
            "region_code": "310115",
        },
        {"id": "ix-1", "kind": "ixp", "owner": "operator", "region_code": "330106"},
        {"id": "olt-1", "kind": "olt", "region_code": "310115"},
        {"id": "bng-2", "kind": "bng", "owner": "鹏博士", "region_code": "310115"},
    ]
    tree["network"]["links"].append({"source": "sub-2", "target": "ix-1", "kind": "fibre"})
    tree["network"]["prefixes"] = [{"prefix": "58.40.0.0/24", "node": "olt-1", "source_unit": "中国电信"}]
    tree["contracts"] = [{"kind": "cdn", "supplier": "阿里云", "service": "B12", "node_ids": ["edge-1"]}]
    return tree


@pytest.fixture(scope="module", params=[sound, mixed])
def declaration(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("observed") / "declaration.json"
    path.write_text(json.dumps(request.param(), default=str), "utf-8")
    return auditor.read_declaration(path)


@pytest.fixture(scope="module")
def before(declaration):
    return judged(declaration, None)


def judged(declaration, seen):
    result = auditor.check(declaration, areas=areas_on(DAY), as_of=DAY, observations=seen)
    for finding in result.findings.rows():
        for lang in ("en", "zh"):
            assert result.message(finding, lang)
        result.record(finding)
    return result, {(f.rule, f.subject): str(f.verdict) for f in result.findings.rows()}


def record(**more):
    said = {
        "subject": st.sampled_from(SUBJECTS),
        "asked": st.sampled_from(ADDRESSES),
        "family": st.sampled_from(["dbip", "community", "maxmind", "registry", "geofeed", "delay", "mine"]),
        "outcome": st.sampled_from(
            ["answer"] * 5 + ["unknown", "no_record", "refused", "reserved", "malformed"]
        ),
    }
    return st.fixed_dictionaries(said | more)


HOPS = st.lists(
    st.fixed_dictionaries(
        {"ttl": st.integers(1, 4), "addresses": st.lists(st.sampled_from(ADDRESSES), max_size=2)}
    ),
    max_size=4,
)
OWNERS = ["CHINANET-SH", "Beta Hosting Co., Ltd.", "中国联通", "operator", ""]
RECORDS = st.one_of(
    record(region=st.sampled_from(["310000", "330100", "110000", "440300", "CN", "HK", "US"])),
    record(
        extent=st.just("disc"),
        lon=st.sampled_from([121.5, 116.4]),
        lat=st.sampled_from([31.2, 39.9]),
        radius_m=st.sampled_from([1.0, 5e4, 5e6]),
        bound=st.booleans(),
    ),
    record(kind=st.just("origin"), asn=st.sampled_from([4812, 4837, 37963, 23764, 9812])),
    record(kind=st.just("holder"), owner=st.sampled_from(OWNERS)),
    record(
        kind=st.just("path"),
        details=st.fixed_dictionaries({"from": st.sampled_from(ADDRESSES), "hops": HOPS}),
    ),
    record(
        kind=st.just("name"),
        details=st.fixed_dictionaries(
            {
                "chain": st.lists(st.sampled_from([*DOMAINS, "a.w.kunlunaq.com"]), max_size=3),
                "addresses": st.lists(st.sampled_from(ADDRESSES), max_size=3),
            }
        ),
    ),
)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(records=st.lists(RECORDS, min_size=1, max_size=14))
def test_observations_never_fail_and_never_acquit(declaration, before, records):
    first, was = before
    second, now = judged(declaration, observed(records))
    assert second.verdict in {first.verdict, "inconclusive"} and (first.verdict, second.verdict) != (
        "fail",
        "inconclusive",
    )
    added = {key: verdict for key, verdict in now.items() if key not in was}
    assert all(rule in BOUND_BEFORE | {"PILOT-CDN-01"} for rule, _ in added), (
        "new subjects of three rules only"
    )
    assert "fail" not in added.values() and not {"error", "not_checked"} & set(now.values())
    for key, verdict in was.items():
        if key in now and now[key] != verdict:
            assert (verdict, now[key]) in MAY, f"{key}: {verdict} became {now[key]}"
    assert not {key for key in was if key not in now and key[1] != "operator"}, "no finding is lost"


def test_what_others_say_is_not_told_as_the_word_of_the_holder(declaration):
    said = [("geofeed", "330100"), ("dbip", "440100")]
    seen = observed(
        [{"subject": "node:dc-1", "asked": "58.32.0.1", "family": f, "region": r} for f, r in said]
    )
    result, _ = judged(declaration, seen)
    found = next(f for f in result.findings.rows() if f.message_id == "own_feed")
    told = result.message(found, "en")
    assert "58.32.0.1: Hangzhou (geofeed)" in told and "dbip" not in told
    assert {record["family"] for record in found.observations} == {"geofeed", "dbip"}


def test_the_networks_of_the_test_are_what_they_are_for(before):
    result, verdicts = before
    assert result.verdict == "pass" or {"pass", "fail", "inconclusive"} <= set(verdicts.values())


BLOCKS = st.one_of(
    st.builds(
        lambda a, n: str(ipaddress.ip_network((a << 16, n), strict=False)),
        st.integers(0xA00, 0xA03),
        st.sampled_from([0, 8, 15, 16, 31, 32]),
    ),
    st.builds(
        lambda a, n: str(ipaddress.ip_network(((0x20010DB8 << 96) | (a << 80), n), strict=False)),
        st.integers(0, 3),
        st.sampled_from([0, 32, 47, 48, 127, 128]),
    ),
    st.sampled_from(["10.0.0.1", "10.1.255.255", "2001:db8::1", "2001:db8:0:0:1::", "nonsense"]),
)


@given(inner=st.lists(BLOCKS, max_size=12), blocks=st.lists(BLOCKS, max_size=12))
def test_within_any_against_brute_force(inner, blocks):
    def network_of(text):
        return None if text == "nonsense" else ipaddress.ip_network(text)

    def narrowest(one):
        held = [
            (-other.prefixlen, row)
            for row, other in enumerate(map(network_of, blocks))
            if one and other and one.version == other.version and one.subnet_of(other)
        ]
        return min(held, default=(0, -1))[1]

    expected = [narrowest(network_of(text)) for text in inner]
    found = within_any(
        Addresses.of(pa.array(inner, pa.string())), Addresses.of(pa.array(blocks, pa.string()))
    )
    assert found.tolist() == expected


def test_addresses_of_a_column_without_any():
    row, found = addresses_of(pa.chunked_array([pa.array([None, "", " ; "], pa.string())]))
    assert row.tolist() == [] and len(found) == 0
    assert within_any(found, found).tolist() == []
    assert isinstance(row, np.ndarray)


@pytest.mark.parametrize(
    ("supplier", "domain", "told"),
    [
        ("阿里云计算有限公司", "a.w.kunlunaq.com", True),
        ("Alibaba Cloud Computing Co., Ltd.", "a.w.kunlunaq.com", True),
        ("中国电信股份有限公司", "a.ctadns.cn", True),  # its carrier
        ("China Telecom", "a.ctadns.cn", True),
        ("中国联通", "a.ctadns.cn", False),
        ("中国电信", "a.w.kunlunaq.com", False),
        ("Wangsu", "a.w.kunlunaq.com", False),
        ("", "a.ctadns.cn", False),
    ],
)
def test_who_operates_a_network(supplier, domain, told):
    assert operates(supplier, match_cdn(domain), dt.date(2026, 11, 22)) is told
