"""Records as operators file them: nothing invented, nothing of people kept."""

from __future__ import annotations

import ipaddress
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.columns import CARRIED
from auditor.readers import filings, read_declaration
from auditor.readers._files import read_json
from auditor.tables import Log

MANY = settings(max_examples=30, deadline=None)
ENGLISH = {
    "operator": {
        "name": "示例数据",
        "licence_number": "B1-20250001",
        "legal_representative_phone": "13800000000",
    },
    "rooms": [
        {
            "id": "r1",
            "name": "临港一号",
            "nature": 2,
            "province_code": 310000,
            "city_code": "310100",
            "county_code": "310115",
            "address": "上海市浦东新区",
            "zip": "201306",
            "officer": {"name": "张三", "tel": "1"},
            "officer_name": "张三",
            "report_state": "success",
            "floor": 3,
        },
        {
            "id": 2,
            "nature": "1",
            "province_code": "440000",
            "city_code": "",
            "county_code": "0",
            "change_flag": 3,
        },
    ],
    "gateway_links": [
        {
            "id": 1,
            "room_id": "r1",
            "bandwidth": 1000,
            "link_type": 1,
            "access_unit": "中国电信上海分公司",
            "gateway_ip": "192.0.2.1",
        },
        {"room_id": "r1", "link_type": 7},
    ],
    "ip_segments": [
        {
            "id": 9,
            "room_id": "r1",
            "start_ip": "198.51.100.0",
            "end_ip": "198.51.100.255",
            "use": 0,
            "source_unit": "中国电信",
            "allocation_unit": "上海电信",
            "date": "2025-01-02",
            "user_unit": "甲公司",
        },
        {
            "room_id": "r1",
            "start_ip": "203.0.113.1",
            "end_ip": "203.0.113.4",
            "use": 3,
            "user": "李四",
            "id_type": 2,
            "id_number": "310101199001010011",
        },
        {"room_id": "r1", "start_ip": "192.0.2.0", "end_ip": "192.0.2.255", "change_flag": "3"},
    ],
    "racks": [
        {"id": 7, "room_id": "r1", "use": 2, "allocated": 2, "occupied": 1, "name": "A-01"},
        {"id": 7, "room_id": 2},
    ],
    "users": [
        {
            "id": 1,
            "nature": 1,
            "name": "甲公司",
            "room_id": "r1",
            "business": 2,
            "ip": ["198.51.100.7", "198.51.100.8"],
        },
        {"id": 2, "nature": 2, "name": "乙公司"},
        {
            "id": 3,
            "name": "李四",
            "id_type": "2",
            "services": [{"business": 1, "households": [{"house_id": "r1", "ip": "198.51.100.9"}]}],
        },
    ],
}
SPELT = {
    "basicInfo": {
        "provID": "310",
        "newInfo": {
            "idcId": "B1-20250001",
            "idcName": "示例数据",
            "idcAdd": "上海",
            "corp": "王五",
            "idcOfficer": {"name": "张三", "idType": 2, "id": "310101199001010011", "mobile": "138"},
            "emergencyContact": {"name": "赵六"},
            "houseInfo": {
                "houseId": "r1",
                "houseName": "临港一号",
                "houseType": 2,
                "houseProvince": 310000,
                "houseCity": 310100,
                "houseCounty": 310115,
                "houseAdd": "上海市浦东新区",
                "gatewayInfo": [
                    {
                        "id": 1,
                        "bandWidth": 1000,
                        "linkType": 1,
                        "accessUnit": "中国电信上海分公司",
                        "gatewayIp": "192.0.2.1",
                    }
                ],
                "ipSegInfos": {
                    "ipSegInfo": {
                        "id": 9,
                        "startIp": "198.51.100.0",
                        "endIp": "198.51.100.255",
                        "type": 0,
                        "sourceUnit": "中国电信",
                    }
                },
                "frameInfo": [
                    {"id": 7, "useType": "2", "distribution": "2", "occupancy": "1", "frameName": "A-01"}
                ],
            },
        },
        "timeStamp": "x",
    }
}
CHINESE = {
    "机房": [
        {
            "机房编号": "r1",
            "机房名称": "临港一号",
            "机房性质": 2,
            "省": "310000",
            "市": "310100",
            "区县": "310115",
            "地址": "上海市浦东新区",
            "负责人姓名": "张三",
        }
    ],
    "链路": [
        {
            "编号": 1,
            "机房编号": "r1",
            "带宽": 1000,
            "链路类型": "1",
            "上联单位": "中国电信上海分公司",
            "网关IP": "192.0.2.1",
        }
    ],
    "IP地址段": [
        {
            "机房编号": "r1",
            "起始IP": "198.51.100.0",
            "终止IP": "198.51.100.255",
            "使用方式": "0",
            "来源单位": "中国电信",
        }
    ],
    "机架": [{"编号": 7, "机房编号": "r1", "使用类型": 2, "机架名称": "A-01"}],
}


class Read:
    def __init__(self, tree):
        self.log = Log()
        tree = read_json(json.dumps(tree).encode(), "f.json", self.log)
        assert filings.claims(tree)
        self.export = filings.read_tree(tree, "f.json", self.log)
        self.unused = {unused.what: unused.why for unused in self.log.unused}
        self.problems = [str(problem) for problem in self.log.problems.found]
        if self.export is not None:
            self.nodes = {row["id"]: row for row in rows(self.export.nodes)}
            self.links, self.prefixes = rows(self.export.links), rows(self.export.prefixes)

    def everything(self):
        said = [repr(self.nodes), repr(self.links), repr(self.prefixes), repr(self.export.records)]
        return "\n".join([*said, *map(str, self.log.notes), *map(str, self.log.unused)])


def rows(frame):
    listed = frame.table.to_pylist() if frame is not None else []
    return [{k: v for k, v in row.items() if v is not None} for row in listed]


def test_rooms_are_placed_by_the_lowest_code():
    nodes = Read(ENGLISH).nodes
    assert nodes["r1"] == {
        "id": "r1",
        "kind": "room",
        "name": "临港一号",
        "owner": "operator",
        "holding": "own",
        "region_code": "310115",
        "address": "上海市浦东新区",
        "zip": "201306",
        "nature": "2",
        "report_state": "success",
        "floor": 3,
    }
    assert nodes["2"] == {
        "id": "2",
        "kind": "room",
        "holding": "lease",
        "operated_by": "operator",
        "region_code": "440000",
        "nature": "1",
        "change": "delete",
        "status": "retired",
    }


def test_codes_that_are_names_are_no_codes():
    read = Read(CHINESE | {"机房": [{"机房编号": "r1", "省": "上海市", "区县": "浦东新区"}]})
    assert read.nodes["r1"] == {
        "id": "r1",
        "kind": "room",
        "owner": "operator",
        "province": "上海市",
        "county": "浦东新区",
    }


def test_links_lead_to_far_ends_that_are_not_declared():
    links = Read(ENGLISH).links
    assert links[0] == {
        "id": "r1/link 1",
        "source": "r1",
        "kind": "leased_line",
        "supplier": "中国电信上海分公司",
        "bandwidth": 1000,
        "link_type": "电信",
        "gateway_ip": "192.0.2.1",
    }
    assert links[1] == {"source": "r1", "kind": "leased_line", "link_type": "7"}


def test_segments_become_blocks():
    prefixes = Read(ENGLISH).prefixes
    assert prefixes[0] == {
        "prefix": "198.51.100.0/24",
        "node": "r1",
        "use": "static",
        "source_unit": "中国电信",
        "allocated_by": "上海电信",
        "allocated_on": "2025-01-02",
        "user_unit": "甲公司",
        "segment": 9,
    }
    assert [row["prefix"] for row in prefixes[1:]] == ["203.0.113.1/32", "203.0.113.2/31", "203.0.113.4/32"]
    assert {row["use"] for row in prefixes[1:]} == {"private line"}
    assert Read(ENGLISH).unused["IP segments"] == "the change flag says delete"


@MANY
@given(st.ip_addresses(v=4), st.ip_addresses(v=4))
def test_blocks_cover_the_range_exactly(one, other):
    first, last = sorted((one, other))
    tree = {"rooms": [{"id": "r"}], "ip_segments": [{"room": "r", "start": str(first), "end": str(last)}]}
    blocks = [ipaddress.ip_network(row["prefix"]) for row in Read(tree).prefixes]
    assert sum(block.num_addresses for block in blocks) == int(last) - int(first) + 1
    assert (blocks[0][0], blocks[-1][-1]) == (first, last)


def test_racks_are_held_as_their_rooms_are():
    nodes = Read(ENGLISH).nodes
    assert nodes["r1/rack 7"] == {
        "id": "r1/rack 7",
        "kind": "rack",
        "site": "r1",
        "owner": "operator",
        "holding": "own",
        "name": "A-01",
        "rack_use": "rent",
        "allocated": "yes",
        "occupied": "no",
    }
    assert nodes["2/rack 7"]["holding"] == "lease" and "owner" not in nodes["2/rack 7"]


def test_users_are_nodes_where_their_room_is_known():
    read = Read(ENGLISH)
    assert read.nodes["user 1 in r1"] == {
        "id": "user 1 in r1",
        "kind": "subscriber",
        "owner": "customer",
        "name": "甲公司",
        "nature": "provides Internet service",
        "business": "ISP",
        "ips": "198.51.100.7;198.51.100.8",
    }
    assert read.links[-1] == {"source": "user 1 in r1", "target": "r1", "kind": "access"}
    assert read.nodes["user 3 in r1"] == {
        "id": "user 3 in r1",
        "owner": "customer",
        "site": "r1",
        "business": "IDC",
        "ips": "198.51.100.9",
    }
    assert read.unused["users"] == "the record does not say in which room they are"
    assert not any("user 2" in name for name in read.nodes)


@pytest.mark.parametrize("tree", [ENGLISH, SPELT, CHINESE])
def test_nothing_of_people_is_kept(tree):
    read = Read(tree)
    assert read.unused["personal data"].startswith("not kept")
    for secret in ("张三", "李四", "王五", "赵六", "138", "310101199001010011"):
        assert secret not in read.everything()


@pytest.mark.parametrize("tree", [SPELT, CHINESE])
def test_spellings_say_the_same(tree):
    read, english = Read(tree), Read(ENGLISH)
    for name in ("r1", "r1/rack 7"):
        said = read.nodes[name]
        assert said.items() <= {**english.nodes[name], "nature": said.get("nature")}.items()
    assert {"name", "holding", "region_code", "address"} <= set(read.nodes["r1"])
    assert read.links[0] == english.links[0]
    assert read.prefixes[0].items() <= english.prefixes[0].items()
    assert {"prefix", "node", "use", "source_unit"} <= set(read.prefixes[0])


def test_the_operator_is_who_filed():
    records = {
        "schema": "auditor.declaration/1",
        "operator": {"name": "示例数据"},
        "approvals": [{"kind": "licence", "number": "B1-20250001", "holder": "示例数据"}],
    }
    assert Read(ENGLISH).export.records == Read(SPELT).export.records == records
    assert Read(CHINESE).export.records is None
    assert Read({"name": "export of today", **CHINESE}).export.records is None
    assert Read(SPELT).unused["provID"] == Read(SPELT).unused["timeStamp"] == "beside the records"


def test_a_filing_is_a_declaration(tmp_path):
    path = tmp_path / "f.json"
    path.write_text(json.dumps(SPELT), "utf-8")
    declaration = read_declaration(path)
    assert declaration.operator.name == "示例数据"
    assert declaration.nodes.column("id").to_pylist() == ["r1", "r1/rack 7"]
    assert declaration.links.column("head").to_pylist() == [-1]
    assert declaration.prefixes.column("prefix").to_pylist() == ["198.51.100.0/24"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rooms": [{"name": "x"}]}, "rooms 1: id"),
        ({"rooms": [7]}, "is no record"),
        ({"gateway_links": [{"id": 1}]}, "names no room"),
        ({"racks": [{"room_id": "r1"}]}, "every rack needs its id"),
        ({"ip_segments": [{"room": "r1", "start": "1.2.3.4", "end": "::1"}]}, "no range of addresses"),
        ({"ip_segments": [{"room": "r1", "start": "2.0.0.0", "end": "1.0.0.0"}]}, "no range of addresses"),
        ({"ip_segments": [{"room": "r1", "start": "a", "end": "b"}]}, "no range of addresses"),
        ({"ip_segments": [{"room": "r1"}]}, "no range of addresses"),
        ({"ip_segments": [{"room": "r1", "start": "10.0.0.1/8"}]}, "no range of addresses"),
        ({"ip_segments": [{"room": "r1", "start": "::1", "end": "ffff::1"}]}, "more than 64 blocks"),
        ({"operator": [{"name": "a"}, {"name": "b"}]}, "second operator"),
    ],
)
def test_what_is_wrong_is_said(change, said):
    read = Read(ENGLISH | change)
    assert read.export is None and said in "\n".join(read.problems).replace(", id", ": id")


def test_names_that_the_records_state_themselves_are_kept_apart():
    room = {"id": "r1", "kind": "big", "owner": "x", "lon": 121.5, "source": "s", "status": "odd"}
    node = Read({"rooms": [room], "racks": [{"id": 1, "room": "r1"}]}).nodes["r1"]
    assert (node["kind"], node["kind (attribute)"], node["owner (attribute)"]) == ("room", "big", "x")
    assert (node["lon"], node["status (attribute)"]) == (121.5, "odd") and "status" not in node


@pytest.mark.parametrize(
    "tree",
    [
        {},
        [],
        None,
        {"rooms": []},
        {"rooms": [], "users": []},
        {"racks": [], "sites": []},
        {"schema": 1, "network": {}},
        {"data": {"data": {"rooms": 5}}},
        {CARRIED: 1},
    ],
)
def test_other_trees_are_not_claimed(tree):
    assert not filings.claims(tree)


def nest(depth):
    tree = {"x": 1}
    for _ in range(depth):
        tree = {"services": [tree]}
    return tree


def test_deep_records_of_users_are_counted():
    read = Read(ENGLISH | {"users": [{"id": 1, **nest(50)}]})
    assert read.unused["user: services"] == "too deep"
