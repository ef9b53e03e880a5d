"""Small writers of IP database files, of blocks that do not overlap."""

from __future__ import annotations

import ipaddress
import itertools
import json
import struct


def bits_of(block, version):
    """Bits of a block; with `version` 6, of an IPv4 block those under ::/96."""
    network = ipaddress.ip_network(block)
    bits = f"{int(network.network_address):0{network.max_prefixlen}b}"[: network.prefixlen]
    return "0" * 96 + bits if version == 6 and network.version == 4 else bits


def trie(leaves):
    """Nodes as pairs, of leaves by their bits; None: nothing, an int: a node, else a leaf in a list."""
    nodes = [[None, None]]
    for bits, leaf in leaves.items():
        at = 0
        for bit in map(int, bits[:-1]):
            if nodes[at][bit] is None:
                nodes.append([None, None])
                nodes[at][bit] = len(nodes) - 1
            at = nodes[at][bit]
        nodes[at][int(bits[-1])] = [leaf]
    return nodes


def numbers(nodes, pointer):
    """Children as numbers; `pointer` gives the number of a leaf."""
    count = len(nodes)
    for child in itertools.chain.from_iterable(nodes):
        yield count if child is None else child if isinstance(child, int) else pointer(child[0])


def encode(value):
    """Data of the MaxMind DB format."""
    kinds = {str: 2, float: 3, dict: 7, list: 11, bool: 14}
    if isinstance(value, int) and not isinstance(value, bool):
        data = value.to_bytes(-(-value.bit_length() // 8), "big")
        return _head(6 if value < 1 << 32 else 9, len(data)) + data
    if isinstance(value, str):
        data = value.encode()
        return _head(2, len(data)) + data
    if isinstance(value, float):
        return _head(3, 8) + struct.pack(">d", value)
    if isinstance(value, dict):
        return _head(7, len(value)) + b"".join(encode(part) for pair in value.items() for part in pair)
    head = _head(kinds[type(value)], int(value) if isinstance(value, bool) else len(value))
    return head if isinstance(value, bool) else head + b"".join(map(encode, value))


def _head(kind, size):
    short, more = (size, b"") if size < 29 else (29, bytes([size - 29]))
    return (bytes([kind << 5 | short]) if kind < 8 else bytes([short, kind - 7])) + more


def mmdb(records, *, version=6, size=28, kind="Test", epoch=1_780_000_000, **metadata):
    """A MaxMind DB file of records by block."""
    nodes, data, at = trie({bits_of(block, version): record for block, record in records.items()}), b"", {}
    for record in records.values():
        key = json.dumps(record, sort_keys=True)
        if key not in at:
            at[key] = len(data)
            data += encode(record)
    pairs = list(numbers(nodes, lambda record: len(nodes) + 16 + at[json.dumps(record, sort_keys=True)]))
    tree = b"".join(_node(left, right, size) for left, right in zip(pairs[::2], pairs[1::2], strict=True))
    about = {
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": epoch,
        "database_type": kind,
        "description": {},
        "ip_version": version,
        "languages": [],
        "node_count": len(nodes),
        "record_size": size,
        **metadata,
    }
    return tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + encode(about)


def _node(left, right, size):
    if size == 28:
        middle = (left >> 24) << 4 | right >> 24
        return (left & 0xFFFFFF).to_bytes(3, "big") + bytes([middle]) + (right & 0xFFFFFF).to_bytes(3, "big")
    return left.to_bytes(size // 8, "big") + right.to_bytes(size // 8, "big")


def ipdb(records, *, fields, languages=None, build=1_789_565_555, ip_version=3):
    """An IPIP file of lists of cells by block; IPv4 lies under ::ffff:0:0/96."""
    leaves = {}
    for block, record in records.items():
        bits = bits_of(block, 6)
        leaves["0" * 80 + "1" * 16 + bits[96:] if ":" not in block else bits] = "\t".join(record)
    nodes, data, at = trie(leaves), b"\0", {}
    for text in leaves.values():
        at[text] = len(data)
        data += struct.pack(">H", len(text.encode())) + text.encode()
    tree = b"".join(
        number.to_bytes(4, "big") for number in numbers(nodes, lambda text: len(nodes) + at[text])
    )
    head = {
        "build": build,
        "ip_version": ip_version,
        "languages": languages or {"CN": 0},
        "fields": fields,
        "node_count": len(nodes),
        "total_size": len(tree + data),
    }
    head = json.dumps(head).encode()
    return struct.pack(">I", len(head)) + head + tree + data


def xdb(ranges, *, version=4, structure=3, made_at=1_709_087_558):
    """An ip2region file of texts by (first, last) address."""
    texts, at, index = b"", {}, b""
    for (low, high), text in ranges.items():
        if text not in at:
            at[text] = 256 + 256 * 256 * 8 + len(texts)
            texts += text.encode()
        ends = [ipaddress.ip_address(end).packed for end in (low, high)]
        if version == 4:
            ends = [end[::-1] for end in ends]  # IPv4 lies there as a number, least significant byte first
        index += b"".join(ends) + struct.pack("<HI", len(text.encode()), at[text])
    start = 256 + 256 * 256 * 8 + len(texts)
    last = start + len(index) - (14 if version == 4 else 38)
    id_ = version if structure == 3 else 0
    head = struct.pack("<HHIIIHH", structure, 1, made_at, start, last, id_, 4)
    return head.ljust(256 + 256 * 256 * 8, b"\0") + texts + index
