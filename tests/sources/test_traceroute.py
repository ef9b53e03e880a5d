import contextlib
import datetime as dt
import json
import math

import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import observations
from auditor.addresses import Addresses
from auditor.archive import Archive
from auditor.asking import Asked, Tools
from auditor.errors import AuditorError, DataError, UsageError
from auditor.settings import Settings
from auditor.sources._vantages import read_vantages
from auditor.sources.traceroute import SOURCE, read_traces

NOW = dt.datetime(2026, 11, 22, 4, tzinfo=dt.UTC)

ATLAS = {
    "fw": 5080,
    "type": "traceroute",
    "msm_id": 1,
    "prb_id": 6042,
    "timestamp": 1795300000,
    "from": "202.106.0.9",
    "src_addr": "192.168.1.7",
    "dst_addr": "202.96.209.5",
    "dst_name": "202.96.209.5",
    "proto": "ICMP",
    "af": 4,
    "result": [
        {
            "hop": 1,
            "result": [{"from": "192.168.1.1", "rtt": 0.512, "size": 28, "ttl": 64}, {"x": "*"}, {"x": "*"}],
        },
        {"hop": 2, "result": [{"x": "*"}, {"x": "*"}, {"x": "*"}]},
        {
            "hop": 3,
            "result": [
                {"from": "219.158.3.1", "rtt": 5.1, "icmpext": {"version": 2, "rfc4884": 0, "obj": []}},
                {"from": "219.158.3.5", "rtt": 4.2, "err": "N"},
                {"from": "219.158.3.5", "late": 2, "size": 28},
            ],
        },
        {
            "hop": 5,
            "result": [
                {"from": "202.96.209.5", "rtt": 26.123},
                {"from": "202.96.209.5", "rtt": 25.5},
                {"from": "202.96.209.5", "rtt": 1.5, "dup": True},
            ],
        },
    ],
}
MTR = {
    "report": {
        "mtr": {
            "src": "bj-1",
            "dst": "202.96.209.5",
            "tos": 0,
            "psize": "64",
            "bitpattern": "0x00",
            "tests": 10,
        },
        "hubs": [
            {
                "count": 1,
                "host": "192.168.1.1",
                "Loss%": 0.0,
                "Snt": 10,
                "Last": 0.5,
                "Avg": 0.6,
                "Best": 0.44,
            },
            {"count": 2, "host": "???", "Loss%": 100.0, "Snt": 10, "Last": 0.0, "Avg": 0.0, "Best": 0.0},
            {"count": 3, "host": "202.96.209.5", "Loss%": 0.0, "Snt": 10, "Avg": 26.5, "Best": 25.5},
        ],
    }
}
SCAMPER = [
    {"type": "cycle-start", "list_name": "default", "id": 1, "hostname": "bj-1", "start_time": 1795300000},
    {
        "type": "trace",
        "version": "0.1",
        "method": "icmp-echo",
        "src": "202.106.0.9",
        "dst": "202.96.209.5",
        "stop_reason": "COMPLETED",
        "start": {"sec": 1795300000, "usec": 5, "ftime": "2026-11-22 04:00:00"},
        "hop_count": 4,
        "firsthop": 1,
        "hops": [
            {"addr": "192.168.1.1", "probe_ttl": 1, "probe_id": 1, "rtt": 0.5, "icmp_type": 11},
            {"addr": "202.96.209.5", "probe_ttl": 4, "probe_id": 1, "rtt": 25.5, "icmp_type": 0},
        ],
    },
    {
        "type": "ping",
        "src": "202.106.0.9",
        "dst": "202.96.209.6",
        "responses": [
            {"from": "202.96.209.6", "seq": 0, "rtt": 3.0},
            {"from": "10.0.0.1", "seq": 1, "rtt": 0.1},
        ],
    },
    {"type": "cycle-stop", "list_name": "default", "id": 1},
]
LINUX = """traceroute to dns.example (202.96.209.5), 30 hops max, 60 byte packets
 1  gw.example (192.168.1.1)  0.512 ms  0.498 ms  0.480 ms
 2  * * *
 3  a.example (219.158.3.1) [AS4837]  5.100 ms b.example (219.158.3.5)  4.200 ms !X  4.300 ms <MPLS:L=24015,E=0,S=1,T=1>
 4  202.96.209.5 (202.96.209.5)  26.12 ms !H *  25.5 ms
"""
NUMERIC = """traceroute to 202.96.209.5 (202.96.209.5), 30 hops max, 60 byte packets
 1  192.168.1.1  0.512 ms  0.498 ms  0.480 ms
 2  * * *
 3  219.158.3.1  5.100 ms 219.158.3.5  4.200 ms !X *
 4  202.96.209.5  26.12 ms *  25.5 ms
"""
INETUTILS = """traceroute to dns.example (202.96.209.5), 64 hops max
  1   192.168.1.1  0.512ms  0.498ms  0.480ms
  2   *  *  *
  3   219.158.3.5 (b.example)  4.200ms  *  4.300ms
  4   202.96.209.5 (dns.example)  26.12ms  25.5ms  !H
"""
BSD6 = """traceroute6 to dns.example (2400:3200::1) from 2400:dd01::9, 64 hops max, 12 byte packets
 1  2400:dd01::1  0.512 ms  0.498 ms  0.480 ms
 2  2400:DD01:0::2  3.1 ms
    2400:dd01::3  3.0 ms  3.4 ms
     MPLS Label=24015 CoS=0 TTL=1 S=0
 3  2400:3200::1  5.5 ms  5.25 ms  *
"""
BESTTRACE = """traceroute to 202.96.209.5 (202.96.209.5), 30 hops max, 60 byte packets
 1  192.168.1.1  0.52 ms  *  局域网
 2  *
 3  219.158.3.1  5.10 ms  AS4837  中国 北京 chinaunicom.com 联通
    219.158.3.5  4.20 ms  AS4837  中国 上海 chinaunicom.com 联通
 4  202.96.209.5  25.50 ms  AS4812  中国 上海 chinatelecom.com.cn 电信
"""


def one(data, name="trace"):
    (trace,) = read_traces(data if isinstance(data, bytes) else data.encode(), name)
    return trace


def shape(trace):
    return [hop.addresses for hop in trace.hops]


STRAIGHT = [("192.168.1.1",), (), ("219.158.3.1", "219.158.3.5"), ("202.96.209.5",)]


def test_atlas_traceroutes():
    trace = one(orjson.dumps([ATLAS]))
    assert (trace.form, trace.target, trace.probe) == ("atlas", "202.96.209.5", "6042")
    assert trace.origins == ("202.106.0.9",), "its private address may be anybody's"
    assert shape(trace) == [*STRAIGHT[:3], (), ("202.96.209.5",)], (
        "hop 4 is not in the file and is empty here"
    )
    assert trace.reached and trace.rtt_ms == 25.5005, "a second reply to one probe gives no time"
    assert trace.measured_at == dt.datetime.fromtimestamp(1795300000, dt.UTC)
    assert trace.hops[2].rtt_ms == 4.2


def test_atlas_lines_pings_and_old_firmwares():
    ping = {"type": "ping", "prb_id": 1, "from": "202.106.0.9", "dst_addr": "202.96.209.5", "dst_name": "x"}
    old = {"fw": 4400, "prb_id": 2, "addr": "202.96.209.5", "name": "x", "avg": 5.0, "result": [{"rtt": 5.0}]}
    lines = [
        ping | {"result": [{"rtt": 7.25}, {"x": "*"}, {"rtt": 6.5, "dup": 1}, {"error": "sendto failed"}]},
        ping | {"result": [{"x": "*"}]},
        old,
        {
            "prb_id": 3,
            "type": "traceroute",
            "dst_name": "no.example",
            "result": [{"error": "name resolution failed"}],
        },
    ]
    read = read_traces(b"\n".join(map(orjson.dumps, lines)) + b"\n", "f")
    assert [(t.ping, t.reached, t.rtt_ms) for t in read] == [
        (True, True, 7.2505),
        (True, False, None),
        (True, True, 5.0005),
        (False, False, None),
    ]
    assert read[0].fault == "sendto failed" and read[3].fault == "name resolution failed"
    assert [t.where for t in read] == ["line 1", "line 2", "line 3", "line 4"]


def test_the_last_try_of_atlas_leaves_no_desert_before_it():
    record = {**ATLAS, "result": [{"hop": 1, "result": [{"x": "*"}]}, {"hop": 255, "result": [{"x": "*"}]}]}
    assert [hop.ttl for hop in one(orjson.dumps(record)).hops] == [1, 255]


def test_mtr_of_all_releases():
    trace = one(orjson.dumps(MTR))
    assert (trace.form, trace.host, trace.rtt_ms, trace.reached) == ("mtr", "bj-1", 25.505, True)
    assert shape(trace) == [("192.168.1.1",), (), ("202.96.209.5",)]
    assert trace.hops[1].rtt_ms is None
    text = json.loads(json.dumps(MTR))
    for hub in text["report"]["hubs"]:
        hub |= {key: str(value) for key, value in hub.items()}
    assert one(json.dumps(text)).rtt_ms == 25.55, "text shows how far it is rounded"
    named = {"report": {"mtr": {"src": "bj-1", "dst": "dns.example"}, "hubs": [
        {"count": "1", "host": "gw.example", "Best": "1.0"},
        {"count": "2", "host": "dns.example (202.96.209.5)", "Best": "0.0"},
    ]}}  # fmt: skip
    trace = one(json.dumps(named))
    assert (trace.target, trace.target_name, trace.rtt_ms) == ("202.96.209.5", "dns.example", 0.1)
    assert trace.hops[0].names == ("gw.example",) and trace.hops[0].addresses == ()


def test_scamper():
    trace, ping = read_traces(b"\n".join(map(orjson.dumps, SCAMPER)), "f")
    assert shape(trace) == [("192.168.1.1",), (), (), ("202.96.209.5",)]
    assert (trace.form, trace.rtt_ms, trace.origins) == ("scamper", 25.5005, ("202.106.0.9",))
    assert ping.ping and ping.rtt_ms == 3.0005, "what others answer to a ping does not count"
    short = {**SCAMPER[1], "hop_count": 6, "firsthop": 3, "hops": []}
    assert [hop.ttl for hop in one(orjson.dumps(short)).hops] == [3, 4, 5, 6]


@pytest.mark.parametrize(
    ("text", "form"), [(LINUX, "traceroute"), (NUMERIC, "traceroute"), (BESTTRACE, "besttrace")]
)
def test_printed_traces_give_the_same_hops(text, form):
    trace = one(text)
    assert (trace.form, trace.target, trace.reached) == (form, "202.96.209.5", True)
    assert shape(trace) == STRAIGHT
    assert trace.hops[2].rtt_ms == 4.2


def test_what_a_hop_says_is_kept_as_words():
    assert one(LINUX).hops[2].words == ("[AS4837]", "!X", "<MPLS:L=24015,E=0,S=1,T=1>")
    assert one(LINUX).hops[0].names == ("gw.example",)
    assert one(BESTTRACE).hops[3].words == ("AS4812 中国 上海 chinatelecom.com.cn 电信",)


def test_gb18030_of_besttrace():
    assert one(BESTTRACE.encode("gb18030")).hops == one(BESTTRACE).hops
    assert one(b"\xef\xbb\xbf" + BESTTRACE.encode()).hops == one(BESTTRACE).hops


def test_inetutils():
    trace = one(INETUTILS)
    assert shape(trace) == [("192.168.1.1",), (), ("219.158.3.5",), ("202.96.209.5",)]
    assert trace.hops[2].names == ("b.example",) and trace.target_name == "dns.example"
    assert trace.rtt_ms == 25.55


def test_ipv6_and_more_addresses_on_lines_of_their_own():
    trace = one(BSD6)
    assert trace.origins == ("2400:dd01::9",) and trace.target == "2400:3200::1"
    assert shape(trace)[1] == ("2400:dd01::2", "2400:dd01::3")
    assert trace.hops[1].words == ("MPLS Label=24015 CoS=0 TTL=1 S=0",)
    assert trace.rtt_ms == 5.255


def test_several_traces_in_a_file_with_prompts():
    text = f"$ traceroute -n 202.96.209.5\n{NUMERIC}\ntraceroute: Warning: x has multiple addresses\n{BSD6}"
    first, second = read_traces(text.encode(), "f")
    assert (first.where, second.where) == ("line 2", "line 9")


@pytest.mark.parametrize(
    ("printed", "rtt_ms"), [("0.0 ms", 0.1), ("0 ms", 1.0), ("0.000 ms", 0.001), ("12 ms", 12.5)]
)
def test_printed_times_are_rounded_up(printed, rtt_ms):
    trace = one(f"traceroute to 202.96.209.5 (202.96.209.5), 30 hops max\n 1  202.96.209.5  {printed}\n")
    assert trace.rtt_ms == pytest.approx(rtt_ms)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "holds no traceroute"),
        (b"[]", "holds no traceroute"),
        (b"{", "f, line 1: no JSON"),
        (b'[{"prb_id": NaN}]', "f, line 1: no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b'{"a": 1}', "f, record 1: is no result of RIPE Atlas, scamper or mtr"),
        (b"[1, null]", "f, record 2: is no result"),
        (b'{"prb_id": 1}\n{"prb_id": \n', "f, line 2: no JSON"),
        (b'{"type": [], "dst": 1}', "is no result"),
        (b'{"type": "trace", "dst": "x"}', "f, record 1, dst: 'x' is no address"),
        (b'{"type": "trace", "dst": 5}', "f, record 1, dst"),
        (b'{"prb_id": 1, "type": "dns"}', "only traceroute and ping are read"),
        (b'{"prb_id": 1, "dst_addr": "1.2.3.4", "type": "ping", "result": [{"rtt": 1e300}]}', "result.0.rtt"),
        (b'{"prb_id": 1, "type": "traceroute"}', "names no target"),
        (b'{"report": {}}', "report.hubs: is missing"),
        (b'{"report": {"hubs": [{"count": 1, "host": "a", "Best": "NaN"}]}}', "'NaN' is no round trip"),
        (b"{\xff", "f, line 1: is not UTF-8"),
        (b"ok\n\xff\xff\xff", "f, line 2: is not UTF-8"),
        ("traceroute to 1.2.3.4".encode("utf-16"), "is UTF-16"),
        (b"hello", "f, line 1: 'hello' stands before any"),
        (b"traceroute to 1.2.3.4 (1.2.3.x), 30 hops\n", "f, line 1: '1.2.3.x' is no address"),
        (b"traceroute to 1.2.3.4\n 0  1.2.3.4  1 ms", "f, line 2: 0 is no hop"),
        (b"traceroute to 1.2.3.4\n 1  12 ms", "f, line 2: '12 ms': a round trip to nobody"),
        (b"traceroute to 1.2.3.4\n 1  nobody 12 ms", "'nobody' is neither an address nor a round trip"),
        (b"traceroute to 1.2.3.4\n 1  1.2.3.4  999999999 ms", "is no round trip"),
        (b"traceroute to 1.2.3.4\n 1 *\n    ???", "line 3"),
        (b"traceroute to 1.2.3.4\n" + b"1 " * 9_000, "too long"),
    ],
)
def test_bad_files_say_what_is_wrong_and_where(text, said):
    with pytest.raises(DataError) as error:
        read_traces(text, "f")
    assert said in str(error.value)


def test_all_problems_come_at_once():
    with pytest.raises(DataError) as error:
        read_traces(b"traceroute to 1.2.3.4\n 1  a 1 ms\n 2 *\n 3  b 1 ms\n", "f")
    assert "line 2" in str(error.value) and "line 4" in str(error.value)
    with pytest.raises(DataError, match="and 480 more"):
        read_traces(b"x\n" * 500, "f")


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "dst",
                    "src",
                    "hops",
                    "result",
                    "report",
                    "hubs",
                    "mtr",
                    "hop",
                    "from",
                    "rtt",
                    "prb_id",
                    "addr",
                    "probe_ttl",
                    "host",
                    "count",
                    "Best",
                    "start",
                    "sec",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)


def survives(data):
    with contextlib.suppress(DataError):
        assert read_traces(data, "f")


@settings(max_examples=45)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data):
    survives(data)


@settings(max_examples=60)
@given(JSONS)
def test_any_json_is_read_or_refused(value):
    survives(json.dumps(value).encode())


@settings(max_examples=60)
@given(st.data())
def test_a_result_with_one_field_replaced_is_read_or_refused(data):
    record = json.loads(json.dumps(data.draw(st.sampled_from([ATLAS, MTR, *SCAMPER]))))
    at = record
    while isinstance(at, dict | list) and at:
        key = data.draw(st.sampled_from(list(at) if isinstance(at, dict) else range(len(at))))
        if not isinstance(at[key], dict | list) or data.draw(st.booleans()):
            at[key] = data.draw(JSONS)
            break
        at = at[key]
    survives(json.dumps(record).encode())


WORDS = [
    "traceroute to 1.2.3.4 (1.2.3.4), 30 hops max",
    " 1 ",
    "*",
    "1.2.3.4",
    "1 ms",
    "0.0 ms",
    "!H",
    "(",
    ")",
    "电信",
]


@settings(max_examples=60)
@given(
    st.lists(
        st.sampled_from([*WORDS, "\n", "\n", " ", "x (1.2.3.5)", "-1 ms", "2001:db8::1", "MPLS", "\x00"]),
        max_size=30,
    )
)
def test_any_lines_are_read_or_refused(parts):
    survives(" ".join(parts).encode())


ADDRESSES = st.integers(1, 2**32 - 1).map(
    lambda n: f"{n >> 24 or 1}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"
)
HOPS = st.lists(
    st.lists(
        st.tuples(ADDRESSES, st.integers(1, 10**6).map(lambda n: n / 1000)),
        max_size=3,
        unique_by=lambda r: r[0],
    ),
    min_size=1,
    max_size=12,
)


def expected(hops):
    return [(tuple(a for a, _ in hop), min((t for _, t in hop), default=None)) for hop in hops]


def told(data):
    return [(hop.addresses, hop.rtt_ms) for hop in one(data).hops]


@settings(max_examples=30)
@given(HOPS, ADDRESSES)
def test_every_form_tells_the_same_hops(hops, target):
    atlas = {"prb_id": 1, "type": "traceroute", "dst_addr": target, "result": [
        {"hop": n, "result": [{"from": a, "rtt": t} for a, t in hop] or [{"x": "*"}]} for n, hop in enumerate(hops, 1)
    ]}  # fmt: skip
    assert told(orjson.dumps(atlas)) == expected(hops)
    scamper = {"type": "trace", "dst": target, "hop_count": len(hops), "hops": [
        {"addr": a, "probe_ttl": n, "rtt": t} for n, hop in enumerate(hops, 1) for a, t in hop
    ]}  # fmt: skip
    assert told(orjson.dumps(scamper)) == expected(hops)
    head = f"traceroute to {target} ({target}), 30 hops max, 60 byte packets\n"
    for tie, unit, tail in (
        ("  ", " ms", ""),
        ("  ", "ms", ""),
        ("\n    ", " ms", "  AS4134  中国 上海 电信"),
    ):
        lines = [
            f" {n}  " + (tie.join(f"{a}  {t:.3f}{unit}{tail}" for a, t in hop) or "* * *")
            for n, hop in enumerate(hops, 1)
        ]
        assert told((head + "\n".join(lines)).encode()) == expected(hops)
    single = [hop[:1] for hop in hops]
    mtr = {"report": {"mtr": {"src": "m", "dst": target}, "hubs": [
        {"count": n, "host": hop[0][0] if hop else "???", "Best": hop[0][1] if hop else 0.0}
        for n, hop in enumerate(single, 1)
    ]}}  # fmt: skip
    assert told(orjson.dumps(mtr)) == expected(single)


# Rows of observations


def run(tmp_path, files, declared, vantages=None, wanted=None):
    paths = []
    for name, data in files.items():
        (tmp_path / name).write_bytes(data if isinstance(data, bytes) else data.encode())
        paths.append(tmp_path / name)
    if vantages is not None:
        (tmp_path / "vantages.csv").write_text(vantages, "utf-8")
    given = Settings(vantages=None if vantages is None else str(tmp_path / "vantages.csv"))
    tools = Tools(given, Archive(tmp_path / "archive"), lambda: NOW, lambda _: None, files=tuple(paths))
    asked = Asked(
        pa.array(list(declared), pa.string()), Addresses.of(pa.array(list(declared.values()), pa.string()))
    )
    return observations.join(list(SOURCE.ask(asked, tools))).to_pylist(), tools


VANTAGES = "name,lon,lat,accuracy_m,address,probe\nbj-1,116.40,39.90,50,202.106.0.9,6042\n"


def test_a_bound_is_a_disc_round_the_vantage(tmp_path):
    rows, tools = run(tmp_path, {"a.json": orjson.dumps([ATLAS])}, {"node:sh": "202.96.209.5"}, VANTAGES)
    path, place = rows
    assert (path["subject"], path["kind"], path["outcome"], path["family"]) == (
        "node:sh",
        "path",
        "answer",
        "path",
    )
    assert path["asked"] == "202.106.0.9", "the target is declared, so the other end is the prober"
    details = json.loads(path["details"])
    assert details["hops"][1] == {"ttl": 2, "addresses": [], "rtt_ms": None}
    assert details["reached"] and (details["from"], details["to"]) == ("202.106.0.9", "202.96.209.5")
    assert (place["family"], place["extent"], place["bound"], place["asked"]) == (
        "delay",
        "disc",
        True,
        "202.96.209.5",
    )
    assert (place["lon"], place["lat"]) == (116.40, 39.90)
    assert place["radius_m"] == pytest.approx(99_930 * 25.5005 + 50)
    assert json.loads(place["details"])["vantage"] == "bj-1"
    assert path["vintage_on"] == dt.date(2026, 11, 22) or path["vintage_on"] is not None
    assert {row["seen_at"] for row in rows} == {NOW} and {row["grade"] for row in rows} == {"E4"}
    assert tools.archive.read(path["digest"]) == orjson.dumps([ATLAS])


def test_the_prober_is_the_subject_where_it_is_declared(tmp_path):
    rows, _ = run(
        tmp_path, {"a.json": orjson.dumps([ATLAS])}, {"node:bj": "202.106.0.9", "node:sh": "202.96.209.5"}
    )
    path, place = rows
    assert (path["subject"], path["asked"]) == ("node:bj", "202.96.209.5")
    assert (place["subject"], place["outcome"]) == ("node:sh", "unknown")
    assert "vantage" in place["note"] and place["radius_m"] is None


def test_all_subjects_that_hold_the_address_get_a_row(tmp_path):
    declared = {
        "node:a": "202.96.209.5",
        "prefix:202.96.208.0/20": "202.96.208.0/20",
        "node:b": "202.96.209.6",
    }
    rows, _ = run(tmp_path, {"a.txt": NUMERIC}, declared)
    assert [row["subject"] for row in rows if row["kind"] == "path"] == ["node:a", "prefix:202.96.208.0/20"]


def test_traces_of_strangers_are_kept_and_named(tmp_path):
    rows, _ = run(tmp_path, {"a.txt": NUMERIC, "b.txt": BSD6}, {"node:x": "1.2.3.4"})
    assert [row["subject"] for row in rows if row["kind"] == "path"] == [
        "prefix:202.96.209.5/32",
        "prefix:2400:3200::1/128",
    ]
    assert all("matches nothing declared" in row["note"] for row in rows)


def test_a_text_is_measured_where_its_file_is_called_after(tmp_path):
    rows, _ = run(tmp_path, {"bj-1.txt": NUMERIC}, {"node:sh": "202.96.209.5"}, VANTAGES)
    assert rows[1]["radius_m"] == pytest.approx(99_930 * 25.55 + 50)


def test_negative_times_give_no_bound(tmp_path):
    text = "traceroute to 202.96.209.5 (202.96.209.5), 30 hops max\n 1  202.96.209.5  -0.3 ms\n"
    rows, _ = run(tmp_path, {"bj-1.txt": text}, {"node:sh": "202.96.209.5"}, VANTAGES)
    place = rows[1]
    assert (place["outcome"], place["bound"], place["lon"]) == ("malformed", None, None)
    assert place["note"] == "a round trip of -0.3 ms is none"


def test_silence_is_told(tmp_path):
    ping = {"type": "ping", "prb_id": 6042, "dst_addr": "202.96.209.5", "result": [{"x": "*"}]}
    failed = {
        "type": "traceroute",
        "prb_id": 1,
        "dst_name": "no.example",
        "result": [{"error": "cannot resolve"}],
    }
    silent = "traceroute to 202.96.209.5 (202.96.209.5), 30 hops max\n 1  * * *\n"
    files = {"a.json": orjson.dumps([ping, failed]), "b.txt": silent}
    rows, _ = run(tmp_path, files, {"node:sh": "202.96.209.5"})
    assert [(row["subject"], row["kind"], row["outcome"]) for row in rows] == [
        ("node:sh", "place", "unavailable"),
        ("domain:no.example", "path", "unavailable"),
        ("node:sh", "path", "unavailable"),
    ]
    assert "cannot resolve" in rows[1]["note"] and rows[2]["note"] == "no hop answered"


def test_a_trace_without_target_ends_at_its_last_hop(tmp_path):
    report = json.loads(json.dumps(MTR))
    del report["report"]["mtr"]["dst"]
    rows, _ = run(tmp_path, {"a.json": json.dumps(report)}, {"node:sh": "202.96.209.5"})
    (path,) = rows
    assert path["subject"] == "node:sh" and "target is not told" in path["note"]


def test_problems_of_all_files_come_together(tmp_path):
    with pytest.raises(DataError) as error:
        run(tmp_path, {"a.txt": "x", "b.json": "{"}, {})
    assert "a.txt, line 1" in str(error.value) and "b.json, line 1" in str(error.value)
    tools = Tools(Settings(), Archive(tmp_path), lambda: NOW, lambda _: None, files=(tmp_path / "none",))
    rows = SOURCE.ask(Asked(pa.array([], pa.string()), Addresses.of([])), tools)
    with pytest.raises(UsageError, match="cannot be read"):
        next(rows)


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.integers(0, 255), st.integers(24, 32)), max_size=12),
    st.lists(st.integers(0, 255), min_size=1, max_size=6, unique=True),
)
def test_declared_addresses_are_found_as_a_plain_search_finds_them(blocks, wanted):
    import ipaddress

    from auditor.sources.traceroute import _declared

    nets = [
        ipaddress.ip_network((int(ipaddress.ip_address("198.18.0.0")) + low, n), strict=False)
        for low, n in blocks
    ]
    asked = Asked(
        pa.array([f"s{i}" for i in range(len(nets))], pa.string()),
        Addresses.of(pa.array(map(str, nets), pa.string())),
    )
    points = [f"198.18.0.{n}" for n in wanted]
    found = _declared(asked, points)
    for point in points:
        holders = [f"s{i}" for i, net in enumerate(nets) if ipaddress.ip_address(point) in net]
        assert found.get(point, []) == holders


# Vantages


def test_vantages_are_found_by_probe_address_and_name(tmp_path):
    (tmp_path / "v.csv").write_text(
        "name,lon,lat,accuracy_m,address,probe\nbj-1,116.4,39.9,50,,6042\nsh-1,121.4,31.2,0,2400:3200:0::1,\n",
        "utf-8",
    )
    found = read_vantages(str(tmp_path / "v.csv"))
    assert found.find(probe="6042", addresses=["2400:3200::1"], names=()).name == "bj-1"
    assert found.find(probe="1", addresses=["2400:3200::1"], names=["bj-1"]).name == "sh-1"
    assert found.find(probe="", addresses=[], names=["other"]) is None
    assert read_vantages(None).find(probe="1", addresses=["1.1.1.1"], names=["x"]) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,lon,lat\n", "row 1, accuracy_m: column is missing"),
        ("name,lon,lat,accuracy_m,adress\n", "row 1, adress: no such column; did you mean 'address'?"),
        (
            "name,lon,lat,accuracy_m\nx,200,39,5\n",
            "row 2, lon: '200' is none; give a number from -180 to 180",
        ),
        ("name,lon,lat,accuracy_m\nx,nan,39,5\n", "row 2, lon"),
        ("name,lon,lat,accuracy_m\nx,116,39,-1\n", "row 2, accuracy_m"),
        ("name,lon,lat,accuracy_m\n,116,39,\n", "row 2, name: is blank"),
        ("name,lon,lat,accuracy_m\nx,116,39,1,9\n", "more cells"),
        ("name,lon,lat,accuracy_m\nx,1,1,1\nx,1,1,1\n", "row 3, name: 'x' stands in row 2 already"),
        ("name,lon,lat,accuracy_m,address\nx,1,1,1,abc\n", "row 2, address: 'abc' is no address"),
        ("name,lon,lat,accuracy_m,probe\nx,1,1,1,p7\n", "row 2, probe"),
        ("", "row 1, name: column is missing"),
        ('name,lon,lat,accuracy_m\n"x,1,1,1\n', "no CSV"),
    ],
)
def test_bad_vantages_say_what_is_wrong_and_where(tmp_path, text, said):
    (tmp_path / "v.csv").write_text(text, "utf-8")
    with pytest.raises(DataError) as error:
        read_vantages(str(tmp_path / "v.csv"))
    assert said in str(error.value)


def test_vantages_that_are_no_text(tmp_path):
    (tmp_path / "v.csv").write_bytes(b"name,lon\n\xff\xff\n")
    for name in ("v.csv", "none.csv"):
        with pytest.raises(AuditorError):
            read_vantages(str(tmp_path / name))


def test_bounds_hold_for_any_true_place(tmp_path):
    """A target at a distance answers no sooner than light: its disc holds it, whatever the rounding."""
    rng = np.random.default_rng(1)
    for distance_m in rng.uniform(0, 5e6, 50):
        true_ms = distance_m / 99_930 + rng.exponential(0.2)
        for decimals in (0, 1, 3):
            text = f"traceroute to 1.2.3.4\n 1  1.2.3.4  {true_ms:.{decimals}f} ms\n"
            assert 99_930 * one(text).rtt_ms >= distance_m - 1e-6
    assert math.isfinite(one(NUMERIC).rtt_ms)
