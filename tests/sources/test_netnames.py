"""Provinces that names and remarks of networks speak of."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import auditor
from auditor.sources._netnames import LETTERS, NAMED, province_of

ASNS = Path(auditor.__file__).parent / "data/carrier_asns.csv"


@pytest.mark.parametrize(
    ("name", "remarks", "code"),
    [
        ("CHINANET-SH", [], "310000"),
        ("UNICOM-BJ", [], "110000"),
        ("CMNET-BJ", [], "110000"),
        ("CMNET-V4SHANGHAI-AS-AP", [], "310000"),
        ("CHINANET-HI", [], "460000"),
        ("CHINANET-IDC-SHENZHEN", ["CHINANET GUANGDONG PROVINCE NETWORK"], "440300"),
        ("HUBEI-JINGMEN", [], "420000"),
        ("JINGMENBEIJING", [], None),
        ("SHANGHAITECH", [], None),
        ("CHINANET-XINFU", [], None),
        ("CHINANET-GZ", [], None),
        ("ACME-SH", [], None),
        ("SH-CHINANET", [], None),
        ("SHANXI-UNICOM", [], None),
        ("BEIJING-SHANGHAI-LINK", [], None),
        (
            "CT",
            ["CHINANET SHANGHAI PROVINCE NETWORK\nChina Telecom\nNo.31,jingrong street\nBeijing 100032"],
            "310000",
        ),
        ("CT", ["China Unicom Beijing Province Network"], "110000"),
        ("CT", ["Room 12, Network Building, Beijing"], None),
        ("CT", ["Pride of Hainan"], None),
        ("CHINANET-SH", ["CHINANET BEIJING PROVINCE NETWORK"], None),
        ("", [], None),
    ],
)
def test_province_of(name, remarks, code):
    assert province_of(name, remarks) == code
    assert province_of(name.lower(), [line.upper() for line in remarks]) == code


@given(st.from_regex(r"[A-Za-z]{1,6}", fullmatch=True), st.sampled_from(sorted(NAMED)), st.booleans())
def test_part_of_a_word_names_no_province(piece, name, before):
    joined = piece + name if before else name + piece
    if joined.lower() not in NAMED and not joined.lower().startswith(("v4", "v6", "ipv4", "ipv6")):
        assert province_of(f"X-{joined}-Y") is None


def test_letters_are_read_after_carriers_only():
    assert {province_of(f"UNICOM-{letters}") for letters in LETTERS} == set(LETTERS.values())
    assert {province_of(f"X-{letters}") for letters in LETTERS} == {None}


def test_names_of_carriers_networks_as_reviewed():
    with ASNS.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["region"].isdigit()]
    told = [(row["region"][:2], _told(row["name"])) for row in rows]
    assert not [(want, got) for want, got in told if got and got[:2] != want]
    assert sum(got is not None for _, got in told) > 0.8 * len(rows)


def _told(name):
    handle, _, words = name.partition(" / ")
    return province_of(handle, [words])
