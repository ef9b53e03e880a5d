import datetime as dt
import ipaddress
import re
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor import lookup, zones
from auditor.addresses import SPECIAL, Addresses
from auditor.archive import Archive
from auditor.asking import Asked, Tools
from auditor.columns import Coded
from auditor.observations import ARROW
from auditor.settings import Settings
from auditor.sources import _bulk, _embedded, dbip, ip2region
from auditor.sources._bulk import Bulk, Direct
from auditor.sources._embedded import Database, Segments, enclosing, load

SOURCES = ("dbip", "ip2region")
DAY = dt.date(2026, 11, 22)
NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
REGIONS = [None, "440300", "440100", "440000", "310000", "330100", "CN", "US", "HK"]
BEGIN = int(ipaddress.IPv4Address("198.50.255.0"))  # the small space that is searched by brute force


@cache
def areas():
    return zones.read_areas(DAY)


@cache
def bulk():
    return Bulk.of(areas(), DAY)


@st.composite
def segments(draw):
    """Segments that all start within four blocks of 256 addresses, and a list of what is where in them."""
    cuts = draw(st.lists(st.integers(1, 1023), unique=True, max_size=8).map(sorted))
    regions = draw(st.lists(st.sampled_from(REGIONS), min_size=len(cuts) + 2, max_size=len(cuts) + 2))
    owners = draw(
        st.lists(st.sampled_from([None, "电信", "联通"]), min_size=len(cuts) + 2, max_size=len(cuts) + 2)
    )
    starts = np.array([0, BEGIN, *(BEGIN + cut for cut in cuts)], np.uint32)
    sizes = np.diff([0, *cuts, 1024])
    where = [
        [name for name, size in zip(names[1:], sizes, strict=True) for _ in range(size)]
        for names in (regions, owners)
    ]
    return Segments(starts, Coded.of(regions), Coded.of(owners)), *where


def up(region):
    return region and enclosing(region)


def common(regions):
    """Least region round all of some, by going up from each: its name, and whether it is recorded of all."""
    for level in range(3):
        if len(set(regions)) == 1:
            return regions[0], level == 0
        regions = [up(region) for region in regions]
    return (regions[0], False) if len(set(regions)) == 1 else (..., False)


blocks = st.integers(0, 10).flatmap(
    lambda bits: st.integers(0, (1024 >> bits) - 1).map(lambda at: (at << bits, (at + 1 << bits) - 1))
)


@given(segments(), st.lists(blocks, max_size=20))
def test_blocks_are_where_all_their_addresses_are(made, asked):
    found, regions, owners = made
    low, high = (np.array([BEGIN + pair[end] for pair in asked], np.uint32) for end in (0, 1))
    code, whole = found.find(low, high)
    owner = found.owners(low, high)
    for row, (first, last) in enumerate(asked):
        told, sure = common(regions[first : last + 1])
        assert (... if code[row] == -2 else None if code[row] == -1 else found.names[code[row]]) == told
        assert whole[row] == sure
        one = set(owners[first : last + 1])
        assert (found.owner.values[owner[row]] if owner[row] >= 0 else None) == (
            one.pop() if len(one) == 1 else None
        )


@given(segments(), st.lists(st.integers(0, 1023), max_size=30))
def test_the_direct_table_tells_the_same(made, asked):
    found, regions, _ = made
    addresses = np.array([BEGIN + at for at in asked], np.uint32)
    codes = Direct.of(found.starts, found.region.codes).find(addresses)
    assert [found.region.values[code] if code >= 0 else None for code in codes] == [
        regions[at] for at in asked
    ]


def test_the_direct_table_holds_the_ends_of_the_space():
    starts = np.array([0, 1, 2**32 - 256, 2**32 - 1], np.uint32)
    direct = Direct.of(starts, np.arange(4))
    asked = np.array([0, 1, 255, 256, 2**32 - 257, 2**32 - 256, 2**32 - 2, 2**32 - 1], np.uint32)
    assert direct.find(asked).tolist() == [0, 1, 1, 1, 1, 2, 2, 3]


def ask(module, texts):
    asked = Asked(pa.array([f"node:{at}" for at in range(len(texts))]), Addresses.of(texts))
    ticks = []
    tools = Tools(Settings(), Archive(None), lambda: NOW, lambda _: None, tick=ticks.append)
    tables = list(module.SOURCE.ask(asked, tools))
    assert all(table.schema.equals(ARROW) for table in tables) and ticks == [len(texts)]
    return [row for table in tables for row in table.to_pylist()]


ASKED = {
    "202.96.209.5": ("answer", "province", "310000", None),
    "202.96.128.0/30": ("answer", "city", "440100", None),
    "8.8.8.8": ("answer", "country", "US", None),
    "10.1.2.3": ("reserved", "none", None, "private"),
    "2001:db8::1": ("reserved", "none", None, "documentation"),
    "0.0.0.0/0": ("unknown", "none", None, "several regions"),
    "300.1.1.1": ("malformed", "none", None, "neither an IPv4 nor an IPv6 address or block"),
}


@pytest.mark.parametrize("module", [dbip, ip2region])
def test_every_address_gets_one_row_that_says_what_is_known(module):
    rows = [row for row in ask(module, list(ASKED)) if row["kind"] == "place"]
    told = {row["asked"]: (row["outcome"], row["extent"], row["region"], row["note"]) for row in rows}
    assert told == ASKED and len(rows) == len(ASKED)
    about = module.SOURCE.provenance(Settings())[0]
    for row in rows:
        assert row["family"] == about.family and row["source"] == about.source == module.SOURCE.name
        assert (
            row["digest"] == about.sha256 and row["vintage_on"] == about.vintage_on and row["seen_at"] == NOW
        )


def test_ipv6_and_owners():
    asked = ["240e::1", "202.96.209.5", "8.8.8.8"]
    assert [row["region"] for row in ask(dbip, asked)][1:] == ["310000", "US"]
    assert ask(dbip, asked)[0]["outcome"] == "answer"
    place, *_, owner = ask(ip2region, asked)
    assert (place["outcome"], place["note"]) == ("no_record", _embedded.NO_IPV6)
    assert (owner["kind"], owner["asked"], owner["subject"], owner["owner"]) == (
        "holder",
        "202.96.209.5",
        "node:1",
        "电信",
    )
    assert ask(dbip, []) == []


def test_a_block_over_a_province_is_its_province():
    found = Segments(np.array([0, 256], np.uint32), Coded.of(["440100", "440300"]))
    database = Database({4: found}, load("dbip").provenance)
    columns = _embedded._places(database, Addresses.of(["1.0.0.0/8", "0.0.0.0/23"]).take(np.array([0])))
    assert columns["region"].at(0) == "440300" and columns["note"].tolist() == [None]
    found = Segments(np.array([0, 2**24, 2**24 + 256], np.uint32), Coded.of(["440100", "440100", "440300"]))
    columns = _embedded._places(Database({4: found}, database.provenance), Addresses.of(["1.0.0.0/8"]))
    assert columns["region"].at(0) == "440000" and columns["extent"].tolist() == ["province"]
    assert columns["note"].tolist() == [_embedded.ENCLOSING] and columns["outcome"].tolist() == ["answer"]


@pytest.mark.parametrize("source", SOURCES)
def test_what_ships_is_sound(source):
    database = load(source)
    assert database.provenance.licence and database.provenance.attribution
    special = Addresses.of([block for block, name in SPECIAL if name and "." in block])
    region, _, several = database.find(special)
    assert region.blank.all() and not several.any()  # so that the bulk search need not look at them
    for version, found in database.segments.items():
        assert (found.starts[1:] > found.starts[:-1]).all() and found.starts[0] in {0, b""}
        assert all(
            re.fullmatch(r"[1-6]\d{3}00|[1-6][1-6]90\d\d|[A-Z]{2}", name) for name in found.region.values
        )
        assert len(found.starts) > 200_000 and version in {4, 6}
    mainland = database.segments[4].region.map(str.isdigit, blank=False, dtype=np.bool_)
    sizes = np.diff(database.segments[4].starts.astype(np.int64), append=2**32)
    assert 320e6 < sizes[mainland].sum() < 360e6


def test_the_attribution_that_the_licence_asks_for():
    assert (
        "DB-IP" in load("dbip").provenance.attribution
        and "https://db-ip.com" in load("dbip").provenance.attribution
    )


@given(
    st.lists(
        st.integers(0, 2**32 - 1).map(lambda n: str(ipaddress.IPv4Address(n)))
        | st.sampled_from([*ASKED, None, "240e::/24", "2002::1"]),
        min_size=1,
    )
)
def test_bulk_tells_what_the_sources_tell(texts):
    table = bulk().locate(texts)
    addresses = Addresses.of(texts)
    if not ((addresses.version == 4) & addresses.single).all():
        assert table is None  # one by one, with words
        return
    assert table.column("ip").to_pylist() == texts
    found = lookup.look_up(addresses, areas=areas(), as_of=DAY, now=lambda: NOW, archive=Path("unused"))
    assert table.column_names == found.table().column_names
    for name in table.column_names:
        assert table.column(name).to_pylist() == found.table().column(name).to_pylist(), name


def test_files_of_several_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(_bulk, "BATCH", 1000)
    numbers = np.random.default_rng(3).integers(0, 2**32, 2_500, dtype=np.uint32)
    column = Addresses.of(numbers).text
    source, target = tmp_path / "in.parquet", tmp_path / "out.parquet"
    pq.write_table(pa.table({"n": numbers, "address": column}), source)
    assert bulk().convert(source, target, "address") == 2_500
    assert pq.read_table(target).to_pylist() == bulk().locate(column).to_pylist()
    target.unlink()
    pq.write_table(pa.table({"address": [*column.to_pylist(), "10.0.0.0/8"]}), source)
    assert bulk().convert(source, target, "address") is None
    assert [p.name for p in tmp_path.iterdir()] == ["in.parquet"]  # nothing half done stays


def test_extents_and_what_encloses():
    assert [enclosing(code) for code in ("469002", "310000", "HK")] == ["460000", "CN", "HK"]
