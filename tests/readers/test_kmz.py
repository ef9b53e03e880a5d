"""KMZ as a declaration: read as the KML in it."""

from __future__ import annotations

import io
import zipfile

import pytest

from auditor.errors import DeclarationError
from auditor.model import Unused
from auditor.readers import read_declaration

WHOSE = {"schema": "auditor.declaration/1", "operator": {"name": "Example"}}
POINT = "<Placemark><name>甲</name><Point><coordinates>121.5,31.2</coordinates></Point></Placemark>"


def kmz(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "."), data)
    return buffer.getvalue()


def document(body):
    return f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{body}</Document></kml>'


@pytest.fixture
def read(tmp_path):
    def reader(data):
        path = tmp_path / "n.kmz"
        path.write_bytes(data)
        return read_declaration(path, operator=WHOSE)

    return reader


def problems_of(read, data):
    with pytest.raises(DeclarationError) as caught:
        read(data)
    return [str(problem) for problem in caught.value.problems]


def test_the_kml_is_read_and_the_rest_listed(read):
    declaration = read(kmz(doc__kml=document(POINT + "<Style/>"), a__png=b"x", b__png=b"y"))
    assert declaration.nodes["id"].to_pylist() == ["甲"]
    assert declaration.unused == (
        Unused("n.kmz", "files .png", "not read (2 of them)"),
        Unused("n.kmz", "Style", "not read"),
    )


def test_what_is_wrong_names_the_file_and_its_line(read):
    assert problems_of(read, kmz(doc__kml=document("\n\n<Placemark>"))) == [
        "n.kmz, line 3: no XML: Opening and ending tag mismatch: Placemark line 3 and Document, line 3, column 23; is it complete?"
    ]
    assert problems_of(read, kmz(doc__kml=document("节点").encode("gb18030")))[0].startswith(
        "n.kmz, line 1: is not UTF-8; it reads as GB18030"
    )
    assert problems_of(read, kmz(doc__kml=kmz(doc__kml=document(POINT))))[0].startswith("n.kmz")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (
            kmz(a__kml=document(""), b__kml=document("")),
            "n.kmz: holds several .kml: 'a.kml', 'b.kml'; which one holds? call it doc.kml",
        ),
        (kmz(a__txt=b"x"), "n.kmz: holds no .kml at its root; pack one with it, called doc.kml"),
        (document(POINT).encode(), "n.kmz: is no ZIP archive: File is not a zip file; is it complete?"),
    ],
)
def test_what_is_refused(read, data, what):
    assert problems_of(read, data) == [what]
