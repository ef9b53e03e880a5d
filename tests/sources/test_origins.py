import datetime as dt
import ipaddress
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import observations
from auditor.addresses import Addresses
from auditor.archive import Archive
from auditor.asking import Asked, Tools
from auditor.settings import Settings
from auditor.sources import _routes, origins
from auditor.sources._routes import Routes
from auditor.sources.origins import SOURCE

NOW = dt.datetime(2026, 11, 22, 4, tzinfo=dt.UTC)


def ask(*addresses, tick=lambda _: None):
    subject = pa.array([f"node:{row}" for row in range(len(addresses))], pa.string())
    tools = Tools(Settings(), Archive(None), lambda: NOW, lambda _: None, tick=tick)
    asked = Asked(subject, Addresses.of(list(addresses)))
    return observations.join(list(SOURCE.ask(asked, tools))).to_pylist()


def rows_of(rows, subject, kind):
    return [row for row in rows if row["subject"] == subject and row["kind"] == kind]


def test_a_provincial_network_says_who_and_where():
    told = []
    rows = ask("202.96.209.5", tick=told.append)  # a name server in Shanghai
    (origin,) = rows_of(rows, "node:0", "origin")
    assert origin["outcome"] == "answer" and origin["asn"] == 4812
    assert "CHINANET-SH" in origin["owner"]
    assert ipaddress.ip_address("202.96.209.5") in ipaddress.ip_network(origin["prefix"])
    assert origin["vintage_on"] == dt.date(2026, 8, 8) and origin["family"] == "registry"
    assert origin["grade"] == "E4" and origin["seen_at"] == NOW
    (place,) = rows_of(rows, "node:0", "place")
    assert (place["extent"], place["region"], place["asn"]) == ("province", "310000", 4812)
    assert told == [1]


def test_a_network_of_a_city_says_the_city():
    routes = _routes.data().routes[4]
    first = int(routes.start[np.flatnonzero(routes.asn == 17623)[0]])  # Unicom, Shenzhen
    (place,) = rows_of(ask(str(ipaddress.ip_address(first))), "node:0", "place")
    assert (place["extent"], place["region"]) == ("city", "440300")


def test_backbones_and_overseas_arms_say_nothing_of_places():
    routes = _routes.data().routes[4]
    firsts = [int(routes.start[np.flatnonzero(routes.asn == asn)[0]]) for asn in (4134, 23764, 58453, 16509)]
    rows = ask(*(str(ipaddress.ip_address(first)) for first in firsts))
    assert [row["asn"] for row in rows] == [4134, 23764, 58453, 16509]
    assert {row["kind"] for row in rows} == {"origin"}


def test_what_is_not_announced_is_told():
    routes = _routes.data().routes[4]
    public = [int(start) for start in routes.start[routes.asn == 0] if 11 <= int(start) >> 24 < 100]
    (row,) = ask(str(ipaddress.ip_address(public[0])))
    assert row["outcome"] == "no_record" and row["note"] == "not announced as of 2026-08-08"
    assert row["asn"] is None and row["prefix"] is None and row["owner"] is None


def test_every_address_is_answered_or_told_why_not():
    rows = ask("10.1.2.3", "nonsense", "2001:db8::1", "2400:3200::1", "202.96.209.5")
    outcomes = {row["subject"]: row["outcome"] for row in rows if row["kind"] == "origin"}
    assert outcomes == {
        "node:0": "reserved",
        "node:1": "malformed",
        "node:2": "reserved",
        "node:3": "answer",
        "node:4": "answer",
    }
    assert {row["note"] for row in rows if row["outcome"] == "reserved"} == {"private", "documentation"}
    (six,) = rows_of(rows, "node:3", "origin")
    assert ipaddress.ip_address("2400:3200::1") in ipaddress.ip_network(six["prefix"])


def test_a_block_shows_each_of_its_systems_once():
    rows = ask("202.96.0.0/12")
    systems = [row["asn"] for row in rows if row["kind"] == "origin"]
    assert len(systems) > 3 and len(systems) == len(set(systems)) and 4812 in systems
    assert {row["kind"] for row in rows} == {"origin"}, "no one place for a block of many"
    assert all("part of the block" in row["note"] or "several" in row["note"] for row in rows)


def test_the_files_are_those_of_a_fresh_build():
    pytest.importorskip("whereip_network")
    build = Path(__file__).parents[2] / "ip_databases" / "origins.py"
    subprocess.run([sys.executable, build, "--check"], check=True)


def test_no_addresses_no_rows():
    assert ask() == []


def test_provenance_names_data_and_licence():
    (entry,) = SOURCE.provenance(Settings())
    assert entry.licence == "MIT" and len(entry.sha256) == 64 and entry.vintage_on


@settings(max_examples=18)
@given(
    blocks=st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(8, 32), st.integers(1, 9)), max_size=12),
    asked=st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(6, 32)), min_size=1, max_size=8),
)
def test_blocks_find_what_a_plain_scan_finds(blocks, asked):
    """Brute force: every range of the table that touches the block, by comparison of numbers."""
    edges = sorted({0, *(base >> (32 - n) << (32 - n) for base, n, _ in blocks)})
    systems = [asn for _, (_, _, asn) in zip(edges, [(0, 0, 0), *blocks], strict=False)]
    systems += [0] * (len(edges) - len(systems))
    starts = np.array(edges, np.uint64)
    routes = Routes(4, starts, np.array(systems, np.uint32), np.full(len(edges), 8, np.uint8))
    low = np.array([base >> (32 - n) << (32 - n) for base, n in asked], np.uint64)
    high = low + np.array([2 ** (32 - n) - 1 for _, n in asked], np.uint64)
    found = origins._find(routes, np.arange(len(asked)), low, high)
    ends = [*edges[1:], 2**32]
    for row in range(len(asked)):
        touched = [systems[i] for i in range(len(edges)) if edges[i] <= high[row] and ends[i] - 1 >= low[row]]
        mine = found.row == row
        assert [systems[i] for i in found.route[mine]] == list(dict.fromkeys(touched))
        assert found.ranges[mine].sum() == len(touched)
        assert (found.whole[mine] == (len(set(touched)) == 1)).all()


@pytest.mark.parametrize("version", [4, 6])
def test_the_table_is_sorted_and_covers_all(version):
    routes = _routes.data().routes[version]
    assert routes.start[0] == 0
    assert (np.diff(routes.start.astype(object)[:1000]) > 0).all()
    assert (routes.start[1:] > routes.start[:-1]).all()
    announced = routes.asn > 0
    assert routes.length[announced].min() >= 1 and (routes.length[~announced] == 0).all()
