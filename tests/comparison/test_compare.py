"""Records held against each other: what must hold whatever the records, and each way in which they may differ."""

from __future__ import annotations

import csv
import datetime as dt
import ipaddress
import json

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import auditor
from auditor.cli import cli
from auditor.comparison import blocks
from auditor.comparison.compared import compare_sides
from auditor.comparison.judges import Terms, address, party
from auditor.comparison.sides import side_of
from auditor.datum import from_wgs84
from auditor.errors import DeclarationError, UsageError
from auditor.settings import MatchThresholds

ON = dt.date(2026, 11, 22)
TERMS = Terms(ON, MatchThresholds())
OPERATOR = {"schema": "auditor.declaration/1", "operator": {"name": "示例数据（上海）有限公司"}}
ROOM = {
    "id": "R1", "kind": "room", "name": "一号机房", "address": "上海市浦东新区世纪大道100号", "region_code": "310115",
    "lon": 121.52, "lat": 31.23, "datum": "WGS84", "owner": "示例云计算有限公司",
}  # fmt: skip
RACKS = [{"id": f"R1-{k}", "kind": "rack", "name": f"F{k}", "site": "R1"} for k in range(3)]
LINK = {
    "id": "L1",
    "source": "R1",
    "kind": "leased_line",
    "supplier": "中国电信股份有限公司上海分公司",
    "link_type": "电信",
}
BLOCK = {"prefix": "36.0.0.0/24", "node": "R1"}


def write(path, nodes=(ROOM, *RACKS), links=(LINK,), prefixes=(BLOCK,)):
    tree = OPERATOR | {"network": {"nodes": list(nodes), "links": list(links), "prefixes": list(prefixes)}}
    path.write_text(json.dumps(tree), "utf-8")
    return path


@pytest.fixture
def held(tmp_path):
    """Compare the plain declaration with another one."""

    def run(**other):
        return auditor.compare(write(tmp_path / "a.json"), write(tmp_path / "b.json", **other), as_of=ON)

    return run


def one(found):
    rows = [row for row in found.rows if row.outcome != "match"]
    assert len(rows) == 1, [row.record for row in rows]
    return rows[0].record, rows[0].outcome, {rows[0].reason, *(d.reason for d in rows[0].differences)}


LON, LAT = (float(x[0]) for x in from_wgs84([121.52], [31.23], "GCJ-02"))
MOVED = {"address": "上海市闵行区都市路5号", "region_code": "310112", "lon": 121.3}
PLANTED = {
    "moved room": ({"nodes": [ROOM | MOVED, *RACKS]}, "room:R1", "mismatch", "moved"),
    "renamed unit": ({"nodes": [ROOM | {"owner": "示例云计算科技有限公司"}, *RACKS]}, "room:R1", "review", "renamed"),
    "shifted datum": ({"nodes": [ROOM | {"lon": LON, "lat": LAT}, *RACKS]}, "room:R1", "review", "datum_shift"),
    "datum relabelled": ({"nodes": [ROOM | {"datum": "BD-09"}, *RACKS]}, "room:R1", "review", "datum_shift"),
    "split prefix": ({"prefixes": [BLOCK | {"prefix": p} for p in ("36.0.0.0/25", "36.0.0.128/25")]}, "block:36.0.0.0/24", "review", "split"),
    "half a prefix": ({"prefixes": [BLOCK | {"prefix": "36.0.0.0/25"}]}, "block:36.0.0.0/24", "mismatch", "addresses"),
    "traditional": ({"nodes": [ROOM | {"address": "上海市浦東新區世紀大道100號"}, *RACKS]}, "room:R1", "review", "traditional"),
    "other carrier": ({"links": [LINK | {"supplier": "中国移动通信集团上海有限公司"}]}, "gateway:L1", "mismatch", "supplier"),
    "other carrier, no ids": ({"links": [LINK | {"supplier": "中国移动", "id": "X"}]}, "gateway:L1", "mismatch", "supplier"),
    "its own branch": ({"links": [LINK | {"supplier": "中国电信"}]}, "gateway:L1", "review", "renamed"),
    "missing rack": ({"nodes": [ROOM, *RACKS[1:]]}, "rack:R1-0", "mismatch", "missing"),
    "other room": ({"nodes": [ROOM, {**RACKS[0], "site": ""}, *RACKS[1:]]}, "rack:R1-0", "review", "unstated"),
    "ended": ({"prefixes": [BLOCK | {"to_on": "2026-01-01"}]}, "block:36.0.0.0/24", "mismatch", "ended"),
    "wrong link type": ({"links": [LINK | {"link_type": "联通"}]}, "gateway:L1", "mismatch", "link_type"),
    "next door": ({"nodes": [ROOM | {"address": "上海市浦东新区世纪大道102号"}, *RACKS]}, "room:R1", "mismatch", "moved"),
    "a floor more": ({"nodes": [ROOM | {"address": "浦东新区世纪大道100号3楼"}, *RACKS]}, "room:R1", "review", "address_detail"),
    "another id": ({"nodes": [ROOM | {"id": "K7"}, *({**r, "site": "K7"} for r in RACKS)], "links": [LINK | {"source": "K7"}], "prefixes": [BLOCK | {"node": "K7"}]}, "room:R1", "review", "likeness"),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_each_planted_difference_is_told_by_its_name(name, held):
    other, record, outcome, reason = PLANTED[name]
    told, verdict, reasons = one(held(**other))
    assert (told, verdict) == (record, outcome)
    assert reason in reasons


def test_a_doubled_room_id_is_never_a_match(held):
    found = held(nodes=[ROOM, ROOM, *RACKS])
    rows = {(row.key_a, row.key_b): (row.outcome, row.reason) for row in found.rows if row.kind == "room"}
    assert rows == {("R1", "R1"): ("review", "duplicate"), ("", "R1"): ("mismatch", "surplus")}


def test_spelling_alone_is_no_difference(held):
    same = ROOM | {"address": "中国 上海市浦东新区 世纪大道一百号", "name": "一号　机房"}
    assert held(nodes=[same, *RACKS]).exit_code == 0


@settings(max_examples=10)
@given(st.data())
def test_identity_order_and_symmetry(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("sides")
    changes = st.sampled_from([PLANTED[name][0] for name in PLANTED])
    other = {"nodes": [ROOM, *RACKS], "links": [LINK], "prefixes": [BLOCK]} | data.draw(changes)
    a, b = write(folder / "a.json"), write(folder / "b.json", **other)
    shuffled = {name: data.draw(st.permutations(rows)) for name, rows in other.items()}
    mixed = write(folder / "c.json", **shuffled)

    def told(found, *, swap=False):
        keys = ((r.key_b, r.key_a) if swap else (r.key_a, r.key_b) for r in found.rows)
        return sorted((r.kind, *key, r.outcome, r.reason) for r, key in zip(found.rows, keys, strict=True))

    first = auditor.compare(a, b, as_of=ON)
    assert auditor.compare(b, mixed, as_of=ON).exit_code == 0
    assert told(auditor.compare(a, mixed, as_of=ON)) == told(first)
    assert [t[0::3] for t in told(auditor.compare(b, a, as_of=ON), swap=True)] == [
        t[0::3] for t in told(first)
    ]
    rows = [key for row in first.rows for key in row.key_b.split(";") if key]
    assert len(rows) == sum(map(len, other.values())) + 1, "every record once, and the operator"


RANGES = st.lists(st.tuples(st.integers(0, 15), st.integers(1, 6)), max_size=5)


@given(RANGES, RANGES)
def test_clusters_against_brute_force(mine, theirs):
    spans = [[(4, low, low + size) for low, size in side] for side in (mine, theirs)]
    found = blocks.clusters(*spans)
    assert sorted(r for c in found for r in c.mine) == list(range(len(mine)))
    assert sorted(r for c in found for r in c.theirs) == list(range(len(theirs)))
    for cluster in found:
        held = [
            [at for row in rows for at in range(side[row][1], side[row][2])]
            for rows, side in zip((cluster.mine, cluster.theirs), spans, strict=True)
        ]
        assert cluster.same == (sorted(held[0]) == sorted(held[1]) == sorted(set(held[0])))
    owner = {}
    for n, cluster in enumerate(found):
        for side, rows in enumerate((cluster.mine, cluster.theirs)):
            for row in rows:
                for at in range(*spans[side][row][1:]):
                    assert owner.setdefault(at, n) == n, "blocks that overlap are in one cluster"


def test_ipv6_is_cut_like_ipv4():
    whole, halves = ["2400:da00::/32"], list(map(str, ipaddress.ip_network("2400:da00::/32").subnets()))
    spans = [blocks.ranges(auditor.comparison.sides.Coded.of(texts)) for texts in (whole, halves)]
    assert blocks.clusters(*spans) == [blocks.Cluster((0,), (0, 1), same=True)]


@given(st.text(max_size=12), st.text(max_size=12))
def test_judges_do_not_care_who_is_first(one_text, other):
    for judge in (address, party):
        assert judge(one_text, other, TERMS) == judge(other, one_text, TERMS)
        assert judge(one_text, one_text, TERMS) == ""


def test_decisions_hold_until_a_record_changes(tmp_path):
    a, b = write(tmp_path / "a.json"), write(tmp_path / "b.json", nodes=[ROOM, *RACKS[1:]])
    file = tmp_path / "decisions.csv"
    run = CliRunner()
    done = run.invoke(
        cli,
        ["compare", str(a), str(b), "--worklist", "-o", f"csv={file}", "--as-of", "2026-11-22"],
        standalone_mode=False,
    )
    assert done.return_value == 3, done.output
    rows = list(csv.DictReader(file.read_text("utf-8").splitlines()))
    assert [row["record"] for row in rows] == ["rack:R1-0"]

    def decide(decision):
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, rows[0])
            writer.writeheader()
            writer.writerows(
                {**row, "decision": decision, "by": "王检查", "on": "2026-11-20"} for row in rows
            )
        return auditor.compare(a, b, decisions=file, as_of=ON)

    assert [decide(d).exit_code for d in ("CONFIRM_MATCH", "CONFIRM_MISMATCH", "MAINTAIN")] == [0, 1, 3]
    write(a, nodes=[ROOM, RACKS[0] | {"name": "G0"}, *RACKS[1:]])
    lapsed = auditor.compare(a, b, decisions=file, as_of=ON)
    assert (lapsed.exit_code, [d.record for d in lapsed.lapsed]) == (3, ["rack:R1-0"])
    write(a, nodes=[ROOM, *RACKS[1:]])
    assert [d.record for d in auditor.compare(a, b, decisions=file, as_of=ON).unused] == ["rack:R1-0"]
    with pytest.raises(DeclarationError, match="is no decision"):
        decide("PERHAPS")


def test_a_registry_record_in_chinese_headings(tmp_path):
    path = tmp_path / "registry.csv"
    path.write_text("企业名称,住所,登记状态\n示例数据(上海)有限公司,上海市浦东新区张江路1号,注销\n", "utf-8")
    found = auditor.compare(write(tmp_path / "a.json"), path, as_of=ON)
    assert one(found) == ("enterprise:示例数据（上海）有限公司", "mismatch", {"ended"})
    assert {kind for _, kind, _ in found.not_compared} == {"room", "rack", "gateway", "block"}


def test_nothing_to_hold_against(tmp_path):
    with pytest.raises(UsageError, match="neither filings nor registry records"):
        auditor.compare(write(tmp_path / "a.json"), as_of=ON)


def test_filings_in_their_own_form(tmp_path):
    filed = {
        "houseInfo": [
            {"houseId": "R1", "houseName": "一号机房", "houseCounty": "310115", "houseAdd": ROOM["address"]}
        ],
        "frameInfo": [{"frameId": r["id"], "frameName": r["name"], "houseId": "R1"} for r in RACKS],
        "gatewayInfo": [
            {"id": "L1", "houseId": "R1", "linkType": "1", "link_type": 1, "上联单位": LINK["supplier"]}
        ],
        "ipSegInfo": [{"houseId": "R1", "起始IP": "36.0.0.0", "终止IP": "36.0.0.255"}],
    }
    (tmp_path / "filed.json").write_text(json.dumps(filed), "utf-8")
    tree = json.loads(write(tmp_path / "a.json").read_text("utf-8"))
    tree["network"]["filings"] = "filed.json"
    (tmp_path / "a.json").write_text(json.dumps(tree), "utf-8")
    found = auditor.compare(tmp_path / "a.json", as_of=ON)
    assert [(r.record, r.reason, r.why.en) for r in found.rows if r.outcome != "match"] == []
    assert {r.kind for r in found.rows} >= {"room", "rack", "gateway", "block"}
    filed["frameInfo"].pop()
    (tmp_path / "filed.json").write_text(json.dumps(filed), "utf-8")
    assert one(auditor.compare(tmp_path / "a.json", as_of=ON)) == ("rack:R1-2", "mismatch", {"missing"})


def test_every_sample_agrees_with_itself():
    declaration = auditor.read_declaration(auditor.sample("shanghai_violations"))
    sides = [side_of(declaration, name, as_of=ON) for name in "ab"]
    assert compare_sides(sides, as_of=ON).exit_code == 0
    assert np.array_equal(*(side.rows["node"].content for side in sides))
