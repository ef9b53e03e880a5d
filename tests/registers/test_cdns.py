from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.registers import Cdn, match_cdn, read_carriers, read_cdns

SUFFIXES = [cdn.suffix for cdn in read_cdns()]
LABEL = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8)


def slow(name: str) -> Cdn | None:
    """Every suffix tried; the one with most labels, then the one without a star."""
    found = [
        cdn
        for cdn in read_cdns()
        if re.search(r"(^|\.)" + re.escape(cdn.suffix).replace(r"\*", "[^.]+") + "$", name)
    ]
    return max(found, key=lambda cdn: (cdn.suffix.count("."), "*" not in cdn.suffix), default=None)


def test_suffixes_are_distinct_names_with_source_and_date():
    assert len(set(SUFFIXES)) == len(SUFFIXES)
    for cdn in read_cdns():
        assert re.fullmatch(r"([a-z0-9-]+\.)*[a-z0-9-]+\*?(\.[a-z0-9-]+)+", cdn.suffix), cdn.suffix
        assert cdn.name_en and cdn.name_zh and cdn.source and cdn.checked_on
        assert cdn.certainty in ("HIGH", "MEDIUM", "recall")
        assert ("[recall]" in cdn.source) == (cdn.certainty == "recall"), cdn.suffix


def test_carriers_are_those_of_the_register():
    assert {cdn.carrier for cdn in read_cdns()} - {""} <= {carrier.id for carrier in read_carriers()}


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("www.example.cn.w.kunlunaq.com", "Alibaba Cloud"),
        ("WWW.EXAMPLE.CN.W.KUNLUNAQ.COM.", "Alibaba Cloud"),
        ("a.w.kunlunzz.com", "Alibaba Cloud"),
        ("a.cdn.dnsv1.com.cn", "Tencent Cloud"),
        ("a.tdnsv5.com", "Tencent Cloud"),
        ("a.wscdns.com", "Wangsu"),
        ("a.c.cdnhwcggk22.com", "Huawei Cloud"),
        ("a.a.bdydns.com", "Baidu AI Cloud"),
        ("a.ctadns.cn", "China Telecom Cloud"),
        ("a.c8c10c27.d.cdn.10086.cn", "China Mobile CDN"),
        ("www.10086.cn", None),
        ("kunlun.com", None),
        ("notlxdns.com", None),
        ("lxdns.com.example.cn", None),
        ("com", None),
        ("", None),
        (".", None),
        ("..", None),
    ],
)
def test_match(name, provider):
    found = match_cdn(name)
    assert (found and found.name_en) == provider


@given(st.lists(LABEL, max_size=3), st.sampled_from(SUFFIXES), LABEL, st.sampled_from(["", "x", ".x", "x."]))
def test_match_is_that_of_trying_every_suffix(front, suffix, letters, joint):
    name = ".".join([*front, joint + suffix.replace("*", letters)])
    assert match_cdn(name) == slow(name)
