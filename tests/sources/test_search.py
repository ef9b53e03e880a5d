"""Searches for millions of addresses against the plain way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.sources import _blocks, _search
from auditor.sources._blocks import ITSELF, NOTHING, Hits, beside, ordered
from auditor.sources._ranges import Ranges

few = st.integers(0, 40)
edges = st.sampled_from([0, 1, 255, 256, 2**31, 2**32 - 2, 2**32 - 1])


def wide(numbers):
    """Addresses of 16 bytes; numbers of the lower half, and of the upper."""
    return np.array([(upper << 64 | lower).to_bytes(16, "big") for upper, lower in numbers], "S16")


@given(st.lists(st.one_of(few, edges)), st.lists(st.one_of(few, edges)))
def test_positions_of_ipv4(starts, addresses):
    starts, addresses = np.sort(np.array(starts, np.uint32)), np.array(addresses, np.uint32)
    plain = np.searchsorted(starts, addresses, side="right")
    assert np.array_equal(_search.Sorted(starts).positions(addresses), plain)


halves = st.tuples(st.sampled_from([0, 1, 2, 2**63, 2**64 - 1]), st.sampled_from([0, 1, 2, 2**63, 2**64 - 1]))


@given(st.lists(halves), st.lists(halves))
def test_positions_of_ipv6(starts, addresses):
    """Upper halves that are equal, zeros at the end, the first and the last address."""
    starts, addresses = np.sort(wide(starts)), wide(addresses)
    plain = np.searchsorted(starts, addresses, side="right")
    assert np.array_equal(_search.Sorted(starts).positions(addresses), plain)


def test_positions_across_chunks(monkeypatch):
    monkeypatch.setattr(_search, "CHUNK", 7)
    random = np.random.default_rng(1)
    starts = np.sort(random.integers(0, 1_000, 50).astype(np.uint32))
    addresses = random.integers(0, 1_000, 1_001).astype(np.uint32)
    assert np.array_equal(
        _search.Sorted(starts).positions(addresses), np.searchsorted(starts, addresses, side="right")
    )


@pytest.mark.parametrize("width", [1, 2, 4, 16])
def test_first_difference(width):
    random = np.random.default_rng(width)
    one = random.integers(0, 256, (5_000, width)).astype(np.uint8)
    length = random.integers(0, 8 * width, (5_000, 1))  # bits alike; the next one differs, the others may
    place, noise = np.arange(8 * width), random.integers(0, 2, (5_000, 8 * width))
    other = one ^ np.packbits((place == length) | ((place > length) & (noise > 0)), axis=1)
    other[::7] = one[::7]
    differ = np.unpackbits(one ^ other, axis=1)
    plain = np.where(differ.any(axis=1), differ.argmax(axis=1), 8 * width)
    found = _blocks.first_difference(one, other)
    assert np.array_equal(found, plain)
    assert found.dtype == np.int16


@given(st.lists(st.integers(-1, 30)), st.sampled_from([1, 10**9]))
def test_what_is_found_each_once(found, factor):
    """Numbers close together and far apart: two ways of sorting them out."""
    found = np.array([number * factor if number >= 0 else NOTHING for number in found], np.int64)
    hits = Hits(np.arange(len(found)), found, np.zeros(len(found), np.int16))
    values, back = hits.distinct()
    assert values.tolist() == sorted({number for number in found.tolist() if number >= 0})
    assert np.append(values, NOTHING)[back.found].tolist() == found.tolist()


def plain_find(ranges, low, high):
    """Two searches, and addresses as whole numbers."""

    def numbers(part):
        return [int.from_bytes(bytes(row), "big") for row in part]

    width, bits = 8 * ranges.low.shape[1], []
    starts, ends = numbers(ranges.low), numbers(ranges.high)
    first = np.searchsorted(ranges.ends, ordered(low))
    last = np.searchsorted(ranges.starts, ordered(high), side="right") - 1
    for at, to, one, other in zip(first.tolist(), last.tolist(), numbers(low), numbers(high), strict=True):
        if at > to:
            below, above = (
                (ends[at - 1] + 1 if at else 0),
                (starts[at] - 1 if at < len(starts) else 2**width - 1),
            )
        elif at == to and starts[at] <= one and other <= ends[at]:
            below, above = starts[at], ends[at]
        else:
            bits.append(ITSELF)
            continue
        fits = (n for n in range(width + 1) if below <= one >> (width - n) << (width - n))
        bits.append(
            next(n for n in fits if (one >> (width - n) << (width - n)) + 2 ** (width - n) - 1 <= above)
        )
    return first, last, np.array(bits, np.int16)


@given(st.data(), st.sampled_from([4, 16]))
@settings(max_examples=200, deadline=None)
def test_ranges_against_two_searches(data, width):
    top = 2 ** (8 * width) - 1
    number = st.one_of(st.integers(0, 300), st.integers(top - 300, top), st.integers(0, top))
    cuts = sorted(data.draw(st.sets(number, min_size=2, max_size=20)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    inside = st.sampled_from(cuts).flatmap(lambda cut: st.integers(max(cut - 2, 0), min(cut + 2, top)))
    asked = data.draw(st.lists(st.one_of(inside, number), min_size=1, max_size=30))
    free = [data.draw(st.sampled_from([0, 0, 1, 2, 8])) for _ in asked]
    low = [one >> bits << bits for one, bits in zip(asked, free, strict=True)]
    high = [one | (1 << bits) - 1 for one, bits in zip(low, free, strict=True)]

    def rows(numbers):
        return np.array([list(one.to_bytes(width, "big")) for one in numbers], np.uint8)

    ranges = Ranges(rows(one for one, _ in pairs), rows(other for _, other in pairs))
    for ours, plain in zip(
        ranges.find(rows(low), rows(high)), plain_find(ranges, rows(low), rows(high)), strict=True
    ):
        assert np.array_equal(ours, plain)


def test_beside_the_last_address():
    after, none = beside(np.array([[255] * 16, [0] * 16], np.uint8), 1)
    assert none.tolist() == [True, False]
    assert after[1].tolist() == [0] * 15 + [1]
