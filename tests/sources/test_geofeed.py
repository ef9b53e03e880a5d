from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
import itertools
from pathlib import Path

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor import observations
from auditor.addresses import Addresses
from auditor.archive import Archive
from auditor.asking import Asked, Tools
from auditor.errors import DataError
from auditor.observations import EXTENTS
from auditor.settings import Network, Settings
from auditor.sources._blocks import NOTHING
from auditor.sources._geofeeds import flatten, read_feed, smallest
from auditor.sources._registration import feed_url
from auditor.sources.geofeed import LIMIT, SOURCE, networks
from tests.servers.dns import DnsServer
from tests.servers.rdap import HOST, HttpsServer, Sent

NOW = dt.datetime(2026, 11, 22, 4, tzinfo=dt.UTC)
UPSTREAM = Path(__file__).parents[3] / "shared" / "testdata" / "mm-geofeed-verifier" / "verify" / "test_data"
FEED = """\
# ours
202.96.192.0/20,CN,CN-SH,Shanghai,
202.96.200.0/24,cn,cn-gd,"Shenzhen",
202.96.201.7,CN,,,
202.96.202.0/24,,,,
2408:8000::/20,CN,CN-BJ,,
103.0.0.0/16,HK,,Hong Kong,
103.1.0.0/16,CN,CN-HK,,
103.2.0.0/16,US,US-CA,Los Angeles,90001,more
"""


class Asker:
    def __init__(self, folder):
        self.folder, self.now, self.ticks = folder, NOW, []

    @property
    def archive(self):
        return Archive(self.folder / "archive")

    def __call__(self, *addresses, files=(), online=False, **network):
        paths = []
        for number, text in enumerate(files):
            paths.append(self.folder / f"feed{number}.csv")
            paths[-1].write_bytes(text if isinstance(text, bytes) else text.encode())
        tools = Tools(
            Settings(network=Network(**network)),
            self.archive,
            lambda: self.now,
            lambda _: None,
            online=online,
            files=tuple(paths),
            tick=self.ticks.append,
        )
        subject = pa.array([f"node:{address}" for address in addresses], pa.string())
        asked = Asked(subject, Addresses.of(list(addresses)))
        return observations.join(list(SOURCE.ask(asked, tools))).to_pylist()


@pytest.fixture
def ask(tmp_path):
    return Asker(tmp_path)


def told(rows):
    return {row["asked"]: (row["outcome"], row["extent"], row["region"], row["prefix"]) for row in rows}


# --- files ------------------------------------------------------------------------------------------------


def test_the_longest_prefix_says_the_place(ask):
    block = "202.96.201.0/24"
    expected = {
        "202.96.193.1": ("answer", "province", "310000", "202.96.192.0/20"),
        "202.96.200.1": ("answer", "city", "440300", "202.96.200.0/24"),
        "202.96.201.7": ("answer", "country", "CN", "202.96.201.7"),
        "202.96.202.9": ("unknown", None, None, "202.96.202.0/24"),
        "2408:8000::1": ("answer", "province", "110000", "2408:8000::/20"),
        "2409::1": ("no_record", None, None, None),
        "103.0.9.9": ("answer", "country", "HK", "103.0.0.0/16"),
        "103.1.9.9": ("answer", "country", "HK", "103.1.0.0/16"),
        "103.2.9.9": ("answer", "country", "US", "103.2.0.0/16"),
        "8.8.8.8": ("no_record", None, None, None),
        "10.0.0.1": ("reserved", None, None, None),
        "1.2.3": ("malformed", None, None, None),
    }
    rows = ask(*expected, block, files=[FEED])
    found = told(rows)
    found.pop(block)
    assert found == expected
    assert {row["region"] for row in rows if row["asked"] == block} == {"310000", "CN"}  # one row an entry
    answer = next(row for row in rows if row["asked"] == "202.96.193.1")
    assert (answer["kind"], answer["family"], answer["grade"], answer["seen_at"]) == (
        "place",
        "geofeed",
        "E3",
        NOW,
    )
    assert answer["digest"] == hashlib.sha256(FEED.encode()).hexdigest()
    assert ask.archive.read(answer["digest"]) == FEED.encode()
    assert answer["note"].endswith("feed0.csv")
    assert sum(ask.ticks) == len(expected) + 1


def test_a_block_that_reaches_beyond_the_feed_says_so(ask):
    rows = ask("202.96.0.0/16", files=["202.96.192.0/20,CN,CN-SH,,\n"])
    assert [(row["outcome"], row["region"]) for row in rows] == [("answer", "310000"), ("no_record", None)]
    assert rows[1]["note"].startswith("a part of the block is not in ")


def test_several_feeds_each_speak(ask):
    feeds = ["59.36.0.0/16,CN,CN-GD,,\n", "59.36.1.0/24,CN,CN-SH,,\n"]
    rows = ask("59.36.1.1", "59.36.2.1", "8.8.8.8", files=feeds)
    assert [(row["asked"], row["region"]) for row in rows] == [
        ("59.36.1.1", "440000"),
        ("59.36.2.1", "440000"),
        ("59.36.1.1", "310000"),
        ("8.8.8.8", None),
    ]
    assert "feed0.csv" in rows[-1]["note"] and "feed1.csv" in rows[-1]["note"]


def test_all_faults_of_all_files_are_told_at_once(ask, tmp_path):
    bad = """\
202.96.192.0/20,CN,CN-SH,Shanghai
202.96.192.1/20,CN,CN-SH,,
,,,,
59.36.0.0/16,China,,,
59.37.0.0/16,CN,SH,,
59.38.0.0/16,CN,US-CA,,
59.39.0.0/16,,CN-SH,,
59.40.0.0/16,CN,CN-SH,"Shang"hai,
59.41.0.0/16,CN,CN-SH,,
59.41.0.0/16,CN,CN-BJ,,
59.41.0.0/16,CN,CN-SH,,
59.42.0.0/16,CN,CN-SH,"Shanghai,
"""
    with pytest.raises(DataError) as caught:
        ask("8.8.8.8", files=[bad, "", b"\xff\xfe1\x00"])
    lines = [line.removeprefix(f"{tmp_path}/") for line in str(caught.value).splitlines()]
    assert lines == [
        "feed0.csv, line 8: is no CSV: ',' expected after '\"'; look for quotation marks",
        "feed0.csv, line 12: is no CSV: unexpected end of data; look for quotation marks",
        "feed0.csv, line 1: has 4 fields of 5; write prefix, country, region, city, postal code; fields may be empty, commas may not be left out",
        "feed0.csv, line 2, prefix: '202.96.192.1/20': 202.96.192.1/20 has host bits set; the block is 202.96.192.0/20; write it as in 192.0.2.0/24",
        "feed0.csv, line 3, prefix: nothing: no address; write it as in 192.0.2.0/24",
        "feed0.csv, line 4, country: 'China' is no country; write two letters of ISO 3166-1, as in CN, or nothing",
        "feed0.csv, line 5, region: 'SH' is no region; write country and code of ISO 3166-2, as in CN-SH",
        "feed0.csv, line 6, region: US-CA is not in 'CN'",
        "feed0.csv, line 7, region: CN-SH is not in nothing",
        "feed0.csv, line 10, prefix: 59.41.0.0/16 has another place in line 9; say one place of a prefix",
        "feed1.csv: the feed has no entries",
        "feed2.csv, line 1: is not UTF-8, as RFC 8805 wants it; save the file as UTF-8",
    ]


def test_a_quotation_mark_does_not_swallow_lines():
    feed = read_feed(b'59.40.0.0/16,CN,CN-SH,"Shang\nhai",\n59.41.0.0/16,CN,CN-SH,,\n', "feed.csv")
    assert [str(fault) for fault in feed.faults] == [
        "feed.csv, line 1: a quotation mark is not closed in its line"
    ]
    assert len(feed) == 1


def test_a_file_that_is_not_there(ask, tmp_path):
    tools = Tools(
        Settings(),
        ask.archive,
        lambda: NOW,
        lambda _: None,
        files=(tmp_path / "none.csv", tmp_path / "no.csv"),
    )
    asked = Asked(pa.array([], pa.string()), Addresses.of(pa.array([], pa.string())))
    with pytest.raises(DataError, match=r"none\.csv: cannot be read: .*\n.*no\.csv: cannot be read"):
        list(SOURCE.ask(asked, tools))


@pytest.mark.shared
@pytest.mark.parametrize("lax", [False, True])
@pytest.mark.parametrize(
    ("name", "entries", "faults", "lax_faults"),
    [
        ("geofeed-valid.csv", 3, 0, 0),
        ("geofeed-valid-lax.csv", 3, 2, 0),
        ("geofeed-valid-optional-fields.csv", 3, 0, 0),
        ("geofeed-valid-utf8-bom.csv", 3, 0, 0),
        ("geofeed-valid-utf16le.csv", 0, 1, 1),
        ("geofeed-valid-shiftjis.csv", 0, 1, 1),
        ("geofeed-invalid-missing-fields.csv", 2, 2, 2),
        ("geofeed-invalid-empty-network.csv", 2, 1, 1),
        ("geofeed-invalid-network.csv", 2, 1, 1),
        ("empty.csv", 0, 1, 1),
    ],
)
def test_outcomes_of_another_verifier(name, entries, faults, lax_faults, lax):
    if not UPSTREAM.exists():
        pytest.skip("no shared folder")
    feed = read_feed((UPSTREAM / name).read_bytes(), name, lax=lax)
    expected = lax_faults if lax else faults
    assert len(feed.faults) == expected
    assert len(feed) == max(entries - expected, 0)


# --- look-up against brute force --------------------------------------------------------------------------


@st.composite
def blocks(draw, version, least):
    bits = 32 if version == 4 else 128
    base = int(ipaddress.ip_address("59.0.0.0" if version == 4 else "2408::"))
    length = draw(st.integers(least, bits))
    # Few low and few high bits, so that blocks meet.
    number = base | draw(st.integers(0, 7)) << (bits - least) | draw(st.integers(0, 7))
    return ipaddress.ip_network((number >> (bits - length) << (bits - length), length))


V4, V6 = blocks(4, 20), blocks(6, 40)


@given(st.lists(V4 | V6, max_size=12, unique=True), st.lists(V4 | V6, min_size=1, max_size=12))
def test_find_is_that_of_trying_every_entry(entries, asked):
    data = "".join(f"{block},CN,CN-SH,,\n" for block in entries).encode()
    feed = read_feed(data, "feed.csv")
    hits = feed.find(Addresses.of([str(block) for block in asked]))
    for row, block in enumerate(asked):
        same = [entry for entry in entries if entry.version == block.version]
        around = max((e for e in same if block.subnet_of(e)), key=lambda e: e.prefixlen, default=None)
        inside = [e for e in same if e.subnet_of(block) and e != around]
        # An entry that holds no address of its own, since others fill it, is not met.
        met = {e for e in [*inside, around] if e and left_over(e, block, inside)}
        beyond = around is None and left_over(block, block, inside)
        expected = {entries.index(e) for e in met} | ({NOTHING} if beyond else set())
        assert set(hits.found[hits.row == row].tolist()) == expected


def left_over(entry, block, inside):
    """Whether the part of an entry in a block is more than the smaller entries there fill."""
    part = entry if entry.subnet_of(block) else block
    others = [e for e in inside if e != entry and e.subnet_of(part)]
    return sum(e.num_addresses for e in ipaddress.collapse_addresses(others)) < part.num_addresses


RANGE = st.tuples(st.integers(0, 30), st.integers(0, 10)).map(lambda pair: (pair[0], sum(pair)))


@given(st.lists(RANGE, max_size=8))
def test_flatten(ranges):
    low, high = [one[0] for one in ranges], [one[1] for one in ranges]
    flat = flatten(low, high)
    assert all(before[1] < after[0] for before, after in itertools.pairwise(flat))
    covered = {number for first, last, _ in flat for number in range(first, last + 1)}
    assert covered == {number for first, last in ranges for number in range(first, last + 1)}
    for first, last, which in flat:
        for number in range(first, last + 1):
            assert low[which] <= number <= high[which]
            inner = [at for at in range(len(ranges)) if low[at] <= number <= high[at]]
            nested = all(
                low[a] <= low[b] <= high[b] <= high[a]
                for a in inner
                for b in inner
                if (low[a], -high[a]) < (low[b], -high[b])
            )
            if nested:
                assert high[which] - low[which] == min(high[at] - low[at] for at in inner)


def test_the_smallest_network_counts():
    around = [("59.0.0.0", "59.255.255.255"), ("59.36.0.0", "59.36.2.255"), ("2408::", "2408:ffff::")]
    hits = smallest(
        [Addresses.of(list(ends)) for ends in around],
        Addresses.of(["59.36.2.1", "59.36.3.1", "2408::1", "8.8.8.8"]),
    )
    assert hits.found.tolist() == [1, 0, 2, NOTHING]


# --- feeds that registries name ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "url"),
    [
        (
            {"links": [{"rel": "self", "href": "https://a/"}, {"rel": "geo", "href": "https://a/f"}]},
            "https://a/f",
        ),
        ({"links": [{"rel": "geofeed", "href": "https://a/f"}]}, "https://a/f"),
        ({"remarks": [{"description": ["x", " Geofeed https://a/f "]}]}, "https://a/f"),
        ({"remarks": [{"description": "geofeed: https://a/f"}]}, "https://a/f"),
        ({"remarks": [{"description": ["see Geofeed https://a/f"]}]}, None),
        ({"remarks": [{"description": ["Geofeed http://a/f"]}]}, None),
        ({"links": None, "remarks": [None, {"description": [None]}, {}]}, None),
        ({"links": [{"rel": "geo", "href": 7}]}, None),
        ({}, None),
    ],
)
def test_where_registries_name_feeds(answer, url):
    assert feed_url(answer) == url


def registered(archive, url, first, last, **answer):
    answer = {"startAddress": first, "endAddress": last, "links": [{"rel": "geo", "href": url}], **answer}
    archive.remember(
        f"rdap:https://{HOST}/ip/{first}", {"digest": archive.keep(orjson.dumps(answer)), "status": 200}
    )


@pytest.fixture
def web(ask):
    """HTTPS server and name server; asks online with them."""
    with HttpsServer({}) as server, DnsServer({HOST: {"A": ["127.0.0.1"]}}) as names:

        def get(*addresses, **options):
            return ask(
                *addresses,
                online=True,
                resolver=(names.address,),
                ca_file=server.ca_file,
                allow_addresses=("127.0.0.0/8",),
                timeout_s=2,
                per_second=1000,
                **options,
            )

        get.server = server
        yield get


def test_feeds_are_found_kept_and_not_asked_for_again(ask, web):
    web.server.routes["/feed"] = Sent(
        body=b"59.36.0.0/16,CN,SH,,\n59.36.1.0/24,CN,CN-GD,Shenzhen,\n8.8.8.0/24,US,,,\n"
    )
    registered(ask.archive, web.server.url("/feed"), "59.36.0.0", "59.36.255.255")
    rows = web("59.36.1.1", "59.36.2.1", "8.8.8.8", "10.0.0.1")
    assert told(rows) == {
        "59.36.1.1": ("answer", "city", "440300", "59.36.1.0/24"),
        "59.36.2.1": ("answer", "province", "310000", "59.36.0.0/16"),
        "8.8.8.8": ("no_record", None, None, None),  # the feed may not speak of others' networks
        "10.0.0.1": ("reserved", None, None, None),
    }
    note = next(row["note"] for row in rows if row["asked"] == "59.36.1.1")
    assert note == f"{web.server.url('/feed')}, named by the registry of 59.36.0.0 - 59.36.255.255"
    first_time = ask.now
    ask.now += dt.timedelta(days=1)
    again = web("59.36.1.1")
    assert web.server.asked == ["/feed"] and again[0]["seen_at"] == first_time
    assert "geofeed" in web.server.headers[0]["accept"]
    ask.now += dt.timedelta(days=40)
    assert web("59.36.1.1")[0]["seen_at"] == ask.now
    ask.archive.remember(f"geofeed:{web.server.url('/feed')}", {"at": 7})
    assert web("59.36.1.1")[0]["region"] == "440300" and len(web.server.asked) == 3


def test_entries_outside_the_network_that_names_the_feed_do_not_count(ask, web):
    web.server.routes["/feed"] = Sent(
        body=b"59.36.0.0/15,CN,CN-BJ,,\n59.37.0.0/24,CN,CN-SH,,\n2408::/20,CN,,,\n"
    )
    registered(ask.archive, web.server.url("/feed"), "59.36.0.0", "59.36.255.255")
    registered(ask.archive, web.server.url("/feed"), "2408::", "2408:fff:ffff:ffff:ffff:ffff:ffff:ffff")
    rows = told(web("59.36.1.1", "59.37.0.1", "2408::1"))
    assert rows["59.36.1.1"][0] == rows["59.37.0.1"][0] == "no_record"
    assert rows["2408::1"] == ("answer", "country", "CN", "2408::/20")


def test_the_feed_of_the_smallest_network_counts(ask, web):
    web.server.routes |= {
        "/big": Sent(body=b"59.36.0.0/16,CN,CN-SH,,\n"),
        "/small": Sent(body=b"59.36.1.0/24,CN,CN-BJ,,\n"),
    }
    registered(ask.archive, web.server.url("/big"), "059.036.000.000", "59.36.255.255")
    registered(ask.archive, web.server.url("/small"), "59.36.1.0/24", "59.36.1.255")
    rows = told(web("59.36.1.1", "59.36.2.1"))
    assert (rows["59.36.1.1"][2], rows["59.36.2.1"][2]) == ("110000", "310000")


@pytest.mark.parametrize(
    ("sent", "outcome", "note"),
    [
        (None, "no_record", "has no record"),
        (Sent(403), "refused", "refused"),
        (Sent(500), "unavailable", "500"),
        ("drop", "unavailable", ""),
        (Sent(body=b"\xff\xfe"), "malformed", "is not UTF-8"),
        (Sent(body=b""), "malformed", "the feed has no entries"),
        (Sent(body=b"nonsense"), "malformed", "has 1 fields of 5"),
        (Sent(headers={"Content-Length": str(LIMIT + 1)}, body=b"x"), "unavailable", ""),
    ],
)
def test_feeds_that_do_not_come_say_why(ask, web, sent, outcome, note):
    if sent is not None:
        web.server.routes["/feed"] = sent
    registered(ask.archive, web.server.url("/feed"), "59.36.0.0", "59.36.255.255")
    (row,) = web("59.36.1.1")
    assert row["outcome"] == outcome and note in row["note"]


def test_faulty_entries_of_a_found_feed_are_left_out_and_told(ask, web):
    web.server.routes["/feed"] = Sent(body=b"59.36.0.0/16,CN,CN-SH,,\n59.36.0.0,China,,,\n")
    registered(ask.archive, web.server.url("/feed"), "59.36.0.0", "59.36.255.255")
    (row,) = web("59.36.1.1")
    assert (
        row["region"] == "310000"
        and "1 faults, first: " in row["note"]
        and "'China' is no country" in row["note"]
    )


def test_only_https_is_asked(ask, web):
    registered(ask.archive, "http://rdap.test/feed", "59.36.0.0", "59.36.255.255")
    (row,) = web("59.36.1.1")
    assert row["outcome"] == "malformed" and "https" in row["note"]


def test_answers_of_registries_that_make_no_sense_are_passed_over(ask):
    archive = ask.archive
    registered(archive, "https://a/", "59.36.0.0", "2408::")
    registered(archive, "https://a/", "59.36.0.x", "59.36.0.1")
    for number, body in enumerate((b"[]", b"{", b'{"links": 1}', b'{"startAddress": 1, "endAddress": 2}')):
        archive.remember(f"rdap:{number}", {"digest": archive.keep(body)})
    archive.remember("rdap:gone", {"digest": "0" * 64})
    archive.remember("rdap:none", {})
    with (archive.folder / "journal.jsonl").open("ab") as file:
        file.write(b'["key"]\n{"key": ["rdap:"]}\n{"key": "rdap:cut')
    assert networks(archive) == networks(Archive(archive.folder)) == []
    assert networks(Archive(ask.folder / "nowhere")) == []


def test_offline_no_registry_is_read(ask):
    registered(ask.archive, "https://a.test/", "59.36.0.0", "59.36.255.255")
    (row,) = ask("59.36.1.1", files=["8.8.8.0/24,US,,,\n"])
    assert row["outcome"] == "no_record"


def test_extents_are_those_of_observations(ask):
    feed = read_feed(FEED.encode(), "feed.csv")
    assert [EXTENTS[code] for code in feed.extent][:4] == ["province", "city", "country", "none"]
