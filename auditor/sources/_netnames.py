"""The province that a network's name or remarks speak of, by whole words; nothing is guessed."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Code (GB/T 2260-2007), name in pinyin as registries write it, and the letters of GB/T 2260 that names of
# networks bear after the carrier's (CHINANET-SH). GZ is not here: China Telecom means Guizhou by it, China
# Unicom Guangzhou; nor is SHANXI, which some write for Shaanxi.
PROVINCES = (
    ("110000", "beijing", "bj"),
    ("120000", "tianjin", "tj"),
    ("130000", "hebei", "he"),
    ("140000", "", "sx"),
    ("150000", "neimenggu neimeng innermongolia", "nm nmg"),
    ("210000", "liaoning", "ln"),
    ("220000", "jilin", "jl"),
    ("230000", "heilongjiang", "hl hlj"),
    ("310000", "shanghai", "sh"),
    ("320000", "jiangsu", "js"),
    ("330000", "zhejiang", "zj"),
    ("340000", "anhui", "ah"),
    ("350000", "fujian", "fj"),
    ("360000", "jiangxi", "jx"),
    ("370000", "shandong", "sd"),
    ("410000", "henan", "ha"),
    ("420000", "hubei", "hb"),
    ("430000", "hunan", "hn"),
    ("440000", "guangdong", "gd"),
    ("450000", "guangxi", "gx"),
    ("460000", "hainan", "hi"),
    ("500000", "chongqing", "cq"),
    ("510000", "sichuan", "sc"),
    ("520000", "guizhou", ""),
    ("530000", "yunnan", "yn"),
    ("540000", "xizang tibet", "xz"),
    ("610000", "shaanxi", "sn"),
    ("620000", "gansu", "gs"),
    ("630000", "qinghai", "qh"),
    ("640000", "ningxia", "nx"),
    ("650000", "xinjiang", "xj"),
)
SHENZHEN = "440300"
NAMED = {name: code for code, names, _ in PROVINCES for name in names.split()} | {"shenzhen": SHENZHEN}
LETTERS = {letters: code for code, _, both in PROVINCES for letters in both.split()}

# Names of networks of carriers; two letters after one of them are a province, elsewhere they may be anything.
CARRIERS = frozenset(
    [
        "chinanet",
        "chinatelecom",
        "unicom",
        "chinaunicom",
        "cncgroup",
        "china169",
        "cmnet",
        "chinamobile",
        "tietong",
        "cttnet",
        "chinabtn",
    ]
)
# A remark is read only if it names a network; lines of postal addresses name the seat of an office.
NETWORKS = CARRIERS | frozenset(
    ["province", "provincial", "network", "net", "man", "idc", "telecom", "mobile", "branch", "backbone"]
)
POSTAL = frozenset(
    [
        "street",
        "st",
        "road",
        "rd",
        "avenue",
        "ave",
        "building",
        "bldg",
        "floor",
        "room",
        "no",
        "lane",
        "district",
        "postcode",
        "zip",
        "address",
    ]
)
PARTS = re.compile(r"[a-z0-9]+", re.ASCII)
IP_VERSION = re.compile(r"^(?:ip)?v[46](?=[a-z])")  # CMNET-V4SHANGHAI
POSTCODE = 6  # figures


def province_of(netname: str, remarks: Iterable[str] = ()) -> str | None:
    """Code of the province, or Shenzhen, that a network is registered for.

    Parameters
    ----------
    netname
        Name of the network: full names of provinces count anywhere in it, letters of a province only right
        after the name of a carrier.
    remarks
        Lines of its remarks; only those that name a network are read.

    Returns
    -------
    str or None
        None where nothing is said, or where name and remarks speak of more than one place.

    Examples
    --------
    >>> province_of("CHINANET-SH"), province_of("HUBEI-JINGMEN"), province_of("UNICOM-SHENZHEN")
    ('310000', '420000', '440300')
    >>> province_of("ACME-SH"), province_of("CHINANET", ["CHINANET SHANGHAI NETWORK", "Beijing 100032"])
    (None, '310000')
    >>> province_of("CHINANET-SH", ["CHINANET BEIJING PROVINCE NETWORK"]) is None
    True
    """
    found = _of_name(netname)
    for text in remarks:
        for line in text.splitlines():
            found |= _of_remark(line)
    return _one(found)


def _one(found: set[str]) -> str | None:
    if SHENZHEN in found:
        found = found - {"440000"}  # Shenzhen is of Guangdong: no contradiction
    return next(iter(found)) if len(found) == 1 else None


def _of_name(netname: str) -> set[str]:
    parts = [IP_VERSION.sub("", part) for part in PARTS.findall(netname.lower())]
    after = {part for before, part in pairwise(parts) if before in CARRIERS}
    return {NAMED[part] for part in parts if part in NAMED} | {
        LETTERS[part] for part in after if part in LETTERS
    }


def _of_remark(line: str) -> set[str]:
    words = PARTS.findall(line.lower())
    postal = any(word in POSTAL or (word.isdigit() and len(word) == POSTCODE) for word in words)
    if postal or not NETWORKS.intersection(words):
        return set()
    return {NAMED[word] for word in words if word in NAMED}
