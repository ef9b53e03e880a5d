import ipaddress

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor import addresses
from auditor.addresses import NO_ADDRESS, SPECIAL, Addresses, dotted

octets = st.integers(0, 2**32 - 1).map(lambda n: str(ipaddress.IPv4Address(n)))
wide = st.integers(0, 2**128 - 1).map(lambda n: str(ipaddress.IPv6Address(n)))
blocks = st.builds(
    lambda ip, length: str(ipaddress.ip_network(f"{ip}/{length}", strict=False)),
    octets | wide,
    st.integers(0, 32),
)
junk = st.text("0123456789./:a %-١é", max_size=20) | st.tuples(
    octets, st.text("0123456789./ ", max_size=4)
).map("".join)
texts = st.lists(st.none() | octets | wide | blocks | junk, max_size=40)


def oracle(text):
    """Version, first and last address as the standard library reads them, save forms that only it knows."""
    length = (text or "").partition("/")[2]
    if (
        text is None
        or "%" in text
        or text.endswith("/")
        or (length and not (length.isdigit() and str(int(length)) == length))
    ):
        return 0, 0, 0
    try:
        block = ipaddress.ip_network(text)
    except ValueError:
        return 0, 0, 0
    return block.version, int(block[0]), int(block[-1])


def number(wide_bytes):
    return int.from_bytes(wide_bytes.ljust(16, b"\0"), "big")


def read(rows):
    for row, version in enumerate(rows.version.tolist()):
        ends = (0, 0)
        if version == 4:
            ends = int(rows.low[row]), int(rows.high[row])
        if version == 6:
            ends = number(rows.low6[row]), number(rows.high6[row])
        yield version, *ends


@given(texts)
def test_reads_as_the_standard_library_does(column):
    rows = Addresses.of(column)
    assert list(read(rows)) == [oracle(text) for text in column]
    assert rows.fault.blank.tolist() == (rows.version != 0).tolist()
    assert (rows.low6 is None) == (6 not in rows.version)
    assert rows.text.to_pylist() == column
    assert rows.single.tolist() == [version != 0 and low == high for version, low, high in read(rows)]


@given(texts, st.integers(0, 5))
def test_every_kind_of_column_reads_the_same(column, cut):
    plain = list(read(Addresses.of(column)))
    array = pa.array(column, pa.string())
    for form in (
        array.dictionary_encode(),
        pa.chunked_array([array[:cut], array[cut:]], pa.string()),
        array.cast(pa.large_string()),
    ):
        rows = Addresses.of(form)
        assert list(read(rows)) == plain and rows.text.to_pylist() == column
    assert list(read(Addresses.of(array[cut:]))) == plain[cut:]


@given(st.lists(st.integers(0, 2**32 - 1)))
def test_numbers(numbers):
    column = np.array(numbers, np.uint32)
    rows = Addresses.of(column)
    assert (
        rows.text.to_pylist()
        == [str(ipaddress.IPv4Address(n)) for n in numbers]
        == dotted(column).to_pylist()
    )
    again = Addresses.of(rows.text)
    assert (again.low == column).all() and (rows.low == column).all() and rows.fault.blank.all()
    assert Addresses.of(pa.array(column)).low.tolist() == numbers


@given(texts, st.data())
def test_take(column, data):
    rows = Addresses.of(column)
    at = np.array(data.draw(st.lists(st.integers(0, len(column) - 1))) if column else [], np.int64)
    assert list(read(rows.take(at))) == [list(read(rows))[i] for i in at]
    mask = rows.version == 4
    assert rows.take(mask).text.to_pylist() == [t for t, keep in zip(column, mask, strict=True) if keep]


def special(text):
    """Name of the longest special block that holds both ends, by looking at each."""
    block = ipaddress.ip_network(text)
    names = []
    for end in (block[0], block[-1]):
        fits = [
            (ipaddress.ip_network(b), name)
            for b, name in SPECIAL
            if ipaddress.ip_network(b).version == block.version
        ]
        fits = [(b.prefixlen, name) for b, name in fits if end in b]
        names.append(max(fits)[1] or None if fits else None)
    return names[0] if names[0] == names[1] else None


edges = st.sampled_from([block for block, _ in SPECIAL]).flatmap(
    lambda b: st.sampled_from([ipaddress.ip_network(b)[0], ipaddress.ip_network(b)[-1]]).flatmap(
        lambda end: st.integers(-1, 1).map(
            lambda step: str(type(end)(min(max(int(end) + step, 0), 2**end.max_prefixlen - 1)))
        )
    )
)


@given(st.lists(octets | wide | blocks | edges, max_size=20))
def test_reserved_is_the_longest_special_block(column):
    rows = Addresses.of(column)
    assert [rows.reserved.at(row) for row in range(len(column))] == [special(text) for text in column]


def test_every_address_that_python_calls_private_is_reserved():
    column = [str(ipaddress.ip_network(block)[0]) for block, name in SPECIAL if name]
    column = [text for text in column if ipaddress.ip_address(text).is_private]
    assert len(column) > 20 and not Addresses.of(column).reserved.blank.any()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (None, NO_ADDRESS),
        (" ", NO_ADDRESS),
        ("01.2.3.4", "neither"),
        ("1.2.3.4 ", "neither"),
        ("1.2.3.0/024", "neither"),
        ("1.2.3.0/255.255.255.0", "neither"),
        ("fe80::1%eth0", "neither"),
        ("example.com", "neither"),
        ("10.0.0.1/8", "10.0.0.1/8 has host bits set; the block is 10.0.0.0/8"),
        ("2001:db8::1/32", "the block is 2001:db8::/32"),
    ],
)
def test_faults_are_told(text, fault):
    assert fault in Addresses.of([text, "1.1.1.1"]).fault.at(0)


def test_more_rows_than_a_chunk():
    numbers = np.random.default_rng(7).integers(0, 2**32, 200_000, dtype=np.uint32)
    texts = dotted(numbers).to_pylist()
    texts[100_000] = "no address"
    texts[150_000] = "10.0.0.0/8"
    rows = Addresses.of(texts)
    numbers[100_000], numbers[150_000] = 0, 10 << 24
    assert (rows.low == numbers).all()
    assert np.flatnonzero(rows.version != 4).tolist() == [100_000]
    assert np.flatnonzero(rows.low != rows.high).tolist() == [150_000]


GROUP = st.one_of(st.text("0123456789abcdefABCDEF", max_size=5), st.just(""))
TAIL = st.sampled_from(
    ["", "", "/64", "/128", "/0", "/129", "/064", "/-1", "/", "/ 64", "%eth0", "%1/64", ".1"]
)


@given(
    st.lists(GROUP, max_size=10), TAIL, st.sampled_from(["", "", ":", "::", " ", "\0", "\u0661", "1.2.3.4"])
)
def test_ipv6_is_read_fast_as_it_is_read_plainly(groups, tail, odd):
    for text in (":".join(groups) + tail, odd + ":".join(groups) + tail, ":".join(groups) + odd + tail):
        fast = addresses._read_fast(text)
        assert fast is None or fast == addresses._read_plain(text)


@given(st.integers(0, 2**128 - 1), st.integers(0, 128))
def test_common_ipv6_takes_the_fast_way(number, length):
    whole = number >> 128 - length << 128 - length
    for text in (str(ipaddress.IPv6Address(number)), str(ipaddress.IPv6Network((whole, length)))):
        if "." not in text:
            assert addresses._read_fast(text) is not None
