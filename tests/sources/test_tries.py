"""Look-ups of whole columns, against one look-up a time: in tries, in ranges, in the files of MaxMind."""

from __future__ import annotations

import io
import ipaddress
import random
from pathlib import Path

import maxminddb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.addresses import Addresses
from auditor.blocks import keys
from auditor.errors import DataError
from auditor.sources._blocks import ITSELF, NOTHING, text
from auditor.sources._mmdb import Mmdb, open_mmdb
from auditor.sources._ranges import Ranges, find
from tests.sources import writers

FILES = Path(__file__).parents[3] / "shared/testdata/maxmind-db"
MEANT_BROKEN = {
    "GeoIP2-City-Test-Broken-Double-Format.mmdb",
    "GeoIP2-City-Test-Invalid-Node-Count.mmdb",
    "MaxMind-DB-test-broken-pointers-24.mmdb",
    "MaxMind-DB-test-broken-search-tree-24.mmdb",
}


def block_of(version):
    width = 32 if version == 4 else 128
    kind = ipaddress.IPv4Network if version == 4 else ipaddress.IPv6Network

    def make(number, length):
        return kind((number >> (width - length) << (width - length), length))

    # Few high bits, so that blocks meet.
    number = st.one_of(
        st.integers(0, 15).map(lambda few: few << (width - 4)), st.integers(0, 2**width - 1)
    ).map(lambda n: n & ~(0xF << (width - 8)))
    return st.builds(make, number, st.one_of(st.integers(1, 12), st.integers(1, width)))


def alone(blocks):
    """Blocks that do not overlap."""
    kept = []
    for block in blocks:
        if not any(block.overlaps(other) for other in kept):
            kept.append(block)
    return kept


def expected(held, block, version):
    """What lies in a block, and the largest block round it that has one answer, by looking at every one."""
    met = [other for other in held if other.overlaps(block)]
    inside = [other for other in met if block.subnet_of(other)]
    if inside:
        return {held.index(inside[0])}, inside[0]
    if met:
        sizes = sum(other.num_addresses for other in met)
        rest = set() if sizes == block.num_addresses else {NOTHING}
        return {held.index(other) for other in met} | rest, None
    return {NOTHING}, None


@given(st.data(), st.sampled_from([24, 28, 32]), st.sampled_from([4, 6]))
def test_a_trie_finds_what_looking_at_every_block_finds(data, size, version):
    held = alone(data.draw(st.lists(block_of(version), min_size=1, max_size=8)))
    asked = data.draw(st.lists(block_of(version), max_size=8)) + held
    records = {str(block): {"country_code": f"X{at}"} for at, block in enumerate(held)}
    made = Mmdb(writers.mmdb(records, version=version, size=size), "x.mmdb")
    hits = made.find(Addresses.of([str(block) for block in asked]))
    for at, block in enumerate(asked):
        codes, met = expected(held, block, version)
        found = hits.found[hits.row == at].tolist()
        names = {NOTHING if p == NOTHING else int(made.record(p)["country_code"][1:]) for p in found}
        assert names == codes and len(found) == len(names)
        assert (hits.bits[at] == ITSELF) == (len(codes) > 1)
        if met:
            assert hits.bits[at] == met.prefixlen


@given(st.data(), st.sampled_from([4, 6]))
def test_ranges_find_what_looking_at_every_block_finds(data, version):
    held = sorted(alone(data.draw(st.lists(block_of(version), min_size=1, max_size=8))))
    asked = data.draw(st.lists(block_of(version), max_size=8)) + held
    _, low, high = keys(Addresses.of([str(block) for block in held]), version)
    ranges = Ranges(low, high)
    assert not ranges.broken().any()
    looked = Addresses.of([str(block) for block in asked])
    hits = find({version: ranges}, looked, {version: np.arange(len(held))})
    written = text(looked, hits.bits).to_pylist()
    for at, block in enumerate(asked):
        codes, met = expected(held, block, version)
        assert set(hits.found[hits.row == at].tolist()) == codes
        told = ipaddress.ip_network(written[at])
        if met:
            assert told == met
        elif codes == {NOTHING}:
            wider = told.supernet() if told.prefixlen else told
            assert block.subnet_of(told) and not any(other.overlaps(told) for other in held)
            assert wider == told or any(other.overlaps(wider) for other in held)
        else:
            assert told == block


@given(st.lists(st.integers(0, 2**32 - 1), min_size=3, max_size=3).map(sorted))
def test_the_block_of_a_range_is_the_largest_that_fits(numbers):
    low, address, high = numbers
    _, first, last = keys(Addresses.of(np.array([low, high], np.uint32)), 4)
    _, _, bits = Ranges(first[:1], last[1:]).find(*keys(Addresses.of(np.array([address], np.uint32)), 4)[1:])
    sizes = [
        length
        for length in range(33)
        if low <= address >> (32 - length) << (32 - length) and address | ((1 << (32 - length)) - 1) <= high
    ]
    assert bits.tolist() == [min(sizes)]


def test_ranges_that_overlap_or_are_turned_are_broken():
    rows = Addresses.of(["1.0.0.0", "1.0.0.9", "1.0.0.5", "1.0.0.20", "1.0.0.30", "1.0.0.25"])
    _, ends, _ = keys(rows, 4)
    assert Ranges(ends[::2], ends[1::2]).broken().tolist() == [False, True, True]


def test_an_ipv4_column_in_an_ipv6_trie_starts_under_96_zeros():
    made = Mmdb(writers.mmdb({"1.0.0.0/8": {"asn": 1}, "2400::/12": {"asn": 2}}), "x.mmdb")
    rows = Addresses.of(["1.2.3.4", "::1.2.3.4", "240e::1", "2.0.0.0", "x"])
    hits = made.find(rows)
    assert [made.record(p)["asn"] if p >= 0 else None for p in hits.found.tolist()] == [1, 1, 2, None, None]
    assert hits.bits[:3].tolist() == [8, 104, 12]


def test_a_path_that_leads_in_a_circle_is_told_and_not_followed():
    data = bytearray(writers.mmdb({"1.0.0.0/8": {"asn": 1}}, version=4, size=32))
    data[0:8] = bytes(8)  # both children of the root are the root
    with pytest.raises(DataError, match="circle"):
        Mmdb(bytes(data), "x.mmdb").find(Addresses.of(["8.8.8.8"]))
    with pytest.raises(DataError, match="circle"):
        Mmdb(bytes(data), "x.mmdb").find(Addresses.of(["8.0.0.0/8"]))


def test_a_text_that_is_cut_off_is_told():
    whole = writers.mmdb({"1.0.0.0/8": {"isp": "China Telecom"}}, version=4)
    at = whole.index(b"MChina Telecom") if b"MChina Telecom" in whole else whole.index(b"China Telecom") - 1
    data = bytearray(whole)
    data[at] += 9  # longer than what is there
    with pytest.raises(DataError, match="cannot be read"):
        open_mmdb(bytes(data), "x.mmdb")


@given(st.data())
def test_a_broken_file_is_told_and_never_hurts(data):
    whole = writers.mmdb({"1.0.0.0/8": {"asn": 1, "isp": "a"}, "2.0.0.0/7": {"asn": 2}}, version=4)
    hurt = bytearray(whole)
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=4)):
        hurt[at] = data.draw(st.integers(0, 255))
    hurt = bytes(hurt[: data.draw(st.one_of(st.just(len(whole)), st.integers(0, len(whole))))])
    try:
        open_mmdb(hurt, "x.mmdb").find(Addresses.of(["1.2.3.4", "2.0.0.0/7", "0.0.0.0/0"]))
        told = "x.mmdb"
    except DataError as error:
        told = str(error)
    assert told.startswith("x.mmdb")


def sample(reader, version):
    chosen = random.Random(7)  # noqa: S311
    yield from (str(ipaddress.IPv4Address(chosen.getrandbits(32))) for _ in range(200))
    yield from ("0.0.0.0", "255.255.255.255", "1.1.1.1")  # noqa: S104
    if version == 6:
        yield from (str(ipaddress.IPv6Address(chosen.getrandbits(128))) for _ in range(100))
        yield from ("::", "2002:102:304::", "2001:0:102:304::", "::ffff:1.1.1.1", "::1.1.1.1")
    try:
        for block, _ in reader:
            yield from (str(block[0]), str(block[-1]))
    except (ValueError, maxminddb.InvalidDatabaseError):  # its own iteration stumbles over some of its files
        pass


def shared_files(folder):
    files = sorted((FILES / folder).rglob("*.mmdb"))
    if not files:
        pytest.skip("no ../shared folder")
    return files


@pytest.mark.shared
def test_files_of_maxmind_read_as_their_own_reader_does():
    for file in shared_files("test-data"):
        if file.name in MEANT_BROKEN:
            continue
        data = file.read_bytes()
        with maxminddb.open_database(io.BytesIO(data), maxminddb.MODE_FD) as reader:
            made = Mmdb(data, file.name)
            asked = list(dict.fromkeys(sample(reader, reader.metadata().ip_version)))
            hits = made.find(Addresses.of(asked))
            assert hits.row.tolist() == list(range(len(asked))), file.name
            for at, address in enumerate(asked):
                found = made.record(p) if (p := int(hits.found[at])) >= 0 else None
                assert (found, hits.bits[at]) == reader.get_with_prefix_len(address), (file.name, address)


@pytest.mark.shared
@pytest.mark.parametrize("folder", ["bad-data", "test-data"])
def test_broken_files_of_maxmind_are_told(folder):
    for file in shared_files(folder):
        if folder == "test-data" and file.name not in MEANT_BROKEN:
            continue
        with pytest.raises(DataError, match=f"^{file.name}.*; "):
            open_mmdb(file.read_bytes(), file.name).find(Addresses.of(["0.0.0.0/0"]))
