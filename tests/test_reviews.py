from __future__ import annotations

import datetime as dt

import pytest

from auditor.errors import DeclarationError
from auditor.reviews import read_reviews

DAY = dt.date(2026, 11, 22)
A, B = "a" * 64, "b" * 64


def write(folder, text):
    path = folder / "reviews.csv"
    path.write_text(text, "utf-8")
    return path


def test_confirmed_up_to_the_date(tmp_path):
    path = write(
        tmp_path, f"sha256,by,on\n{A.upper()},Inspector Li,2026-11-22\n{B},Inspector Li,2026-11-23\n"
    )
    assert read_reviews(path, as_of=DAY) == {A}


def test_the_digest_goes_by_several_names(tmp_path):
    for name in ("Document digest", "digest", "document_sha256", " SHA256 "):
        path = write(tmp_path, f"{name},By,on\n{A},Inspector Li,2026-11-22\n")
        assert read_reviews(path, as_of=DAY) == {A}


def test_all_problems_at_once(tmp_path):
    path = write(tmp_path, f"sha256,by,on\nxyz,Li,2026-01-01\n{A},,2026-01-01\n{A},Example,soon\n")
    with pytest.raises(DeclarationError) as caught:
        read_reviews(path, as_of=DAY, operator="EXAMPLE")
    told = [(p.where, p.field) for p in caught.value.problems]
    assert told == [("row 2", "sha256"), ("row 3", "by"), ("row 4", "by"), ("row 4", "on")]


def test_a_header_alone_holds_no_review(tmp_path):
    assert read_reviews(write(tmp_path, "sha256,by,on\n"), as_of=DAY) == frozenset()


def test_a_row_with_more_cells_than_the_header(tmp_path):
    with pytest.raises(DeclarationError, match="row 2: has more cells"):
        read_reviews(write(tmp_path, f"sha256,by,on\n{A},Li,2026-01-01,2026-11-01\n"), as_of=DAY)


@pytest.mark.parametrize("text", ["", "sha256,by\n", "digest,who,when\nx,y,z\n"])
def test_missing_columns(tmp_path, text):
    with pytest.raises(DeclarationError, match="column is missing"):
        read_reviews(write(tmp_path, text), as_of=DAY)


def test_missing_file(tmp_path):
    with pytest.raises(DeclarationError):
        read_reviews(tmp_path / "nothing.csv", as_of=DAY)
