"""KMZ: one KML, found by its name, unpacked in a child; archives made to hurt are refused early."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib

import pytest

from auditor.containers import ContainerError, Limits, heard, read_boxed

KML = b'<kml xmlns="http://www.opengis.net/kml/2.2"><Document/></kml>'
SMALL = Limits(memory_bytes=300 << 20)
"""A child that took more would be refused for that alone. What the system says of a child's memory afterwards is no
measure: it counts what the parent had when the child began."""


def packed(*members, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return buffer.getvalue()


def counted(others):
    return {heard(what): times for what, times in others}


def refusal(data):
    with pytest.raises(ContainerError) as caught:
        read_boxed("kmz", data, SMALL)
    return caught.value.what


def central(name, *, compressed=0, size=0, crc=0, flags=0):
    said = (20, 20, flags, 8, 0, 33, crc, compressed, size, len(name), *(0,) * 6)
    return struct.pack("<4s6H3I5H2I", b"PK\1\2", *said) + name


def ended(entries, count, at):
    return entries + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(entries), at, 0)


def archive(data, *, size, compressed=None, crc=0, flags=0):
    """Pack one doc.kml whose header says what it is told to say."""
    said = {
        "compressed": len(data) if compressed is None else compressed,
        "size": size,
        "crc": crc,
        "flags": flags,
    }
    head = (20, flags, 8, 0, 33, crc, said["compressed"], size, 7, 0)
    body = struct.pack("<4s5H3I2H", b"PK\3\4", *head) + b"doc.kml" + data
    return body + ended(central(b"doc.kml", **said), 1, len(body))


def deflated(text, times=1):
    """Pack a text over and over, at the cost of packing it once."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (packer.compress(text) + packer.flush(zlib.Z_FULL_FLUSH)) * times + b"\3\0"


def test_the_one_kml_is_found():
    others = [
        ("images/", b""),
        ("images/a.PNG", b"x"),
        ("b.png", b"y"),
        ("LICENCE", b"z"),
        ("sub/other.kml", b"<kml/>"),
    ]
    answer = read_boxed("kmz", packed(("a.kml", b"<kml/>"), ("doc.kml", "节点".encode()), *others))
    assert answer["kml"].encode("latin-1").decode() == "节点"
    assert counted(answer["others"]) == {"files .png": 2, "files .kml": 2, "files without an ending": 1}
    assert read_boxed("kmz", packed(("Net.KML", KML)))["kml"].encode() == KML


@pytest.mark.parametrize(
    ("members", "what"),
    [
        ([("a.kml", KML), ("b.kml", KML)], "holds several .kml: 'a.kml', 'b.kml'"),
        ([("doc.kml", KML), ("DOC.KML", KML)], "holds several .kml: 'doc.kml', 'DOC.KML'"),
        ([("sub/doc.kml", KML)], "holds no .kml at its root"),
        ([("inner.kmz", packed(("doc.kml", KML)))], "holds no .kml at its root"),
        ([], "holds no .kml at its root"),
        ([("x", b"")], "holds no .kml at its root"),
        ([("doc.kml", KML), ("../../evil.kml", KML)], "leads out of a folder"),
        ([("doc.kml", KML), ("/etc/evil.kml", KML)], "leads out of a folder"),
        ([("doc.kml", KML), ("C:\\evil.kml", KML)], "leads out of a folder"),
        ([("doc.kml", KML), ("a\\..\\..\\evil.kml", KML)], "leads out of a folder"),
        ([(f"{number}.kml", KML) for number in range(8)], "and 3 more"),
    ],
)
def test_what_is_refused(members, what):
    assert what in refusal(packed(*members))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice():
    assert "holds 'doc.kml' twice" in refusal(packed(("doc.kml", KML), ("doc.kml", b"<kml>other</kml>")))


def test_a_gibibyte_of_zeros():
    data = archive(deflated(bytes(1 << 20), 1024), size=1 << 30)
    assert len(data) < 2 << 20
    assert "unpacks to more than 100 times its size" in refusal(data)


def test_more_kml_than_is_read():
    text = random.Random(0).randbytes(30_000) + bytes(1 << 20)  # noqa: S311 -- packs some thirtyfold
    assert refusal(archive(deflated(text, 200), size=200 * len(text))) == "holds more than 128 MB of KML"


def test_a_packed_size_that_lies_does_not_raise_the_limit():
    data = archive(deflated(bytes(1 << 20), 1024), compressed=1 << 30, size=1 << 30)
    assert refusal(data) == "holds more than 128 MB of KML"


@pytest.mark.parametrize("size", [10, 1 << 20, (1 << 32) - 2])
def test_an_unpacked_size_that_lies(size):
    text = KML * 100
    data = archive(deflated(text), size=size, crc=zlib.crc32(text))
    if size == 10:
        assert "is damaged" in refusal(data)
    else:
        assert read_boxed("kmz", data)["kml"].encode() == text  # it ends where it ends, and its sum agrees


def test_a_member_without_name():
    assert refusal(ended(central(b""), 1, 0)) == "holds no .kml at its root"


def test_a_nested_archive_is_not_opened():
    inner = packed(*[(f"{number}.kml", bytes(1 << 20)) for number in range(20)])
    answer = read_boxed("kmz", packed(("doc.kml", KML), ("bomb.zip", inner)))
    assert answer["kml"] == KML.decode()
    assert counted(answer["others"]) == {"files .zip": 1}


def test_a_million_entries():
    entries = central(b"0123456") * 1_000_000  # they are counted before their names are looked at
    for count in (0xFFFF, 1):  # what its end says of their number is of no account
        assert refusal(ended(entries, count, 0)) == "holds 1,000,000 files, more than 10,000"


def test_what_is_encrypted_cut_or_none():
    whole = packed(("doc.kml", KML * 1000))
    assert refusal(archive(KML, size=len(KML), flags=1)) == "is encrypted"
    assert "is no ZIP archive" in refusal(whole[: len(whole) // 2])
    assert "is no ZIP archive" in refusal(b"")
    assert "is no ZIP archive" in refusal(KML)
    stored = packed(("doc.kml", KML), method=zipfile.ZIP_STORED)
    assert "is damaged" in refusal(stored.replace(b"Document", b"document"))
