"""Every row of the tables of DESIGN 4 and 6, with every owner, runner and access role."""

from __future__ import annotations

import datetime as dt
import json
from functools import cache
from itertools import product

import numpy as np
import pytest

import auditor
from auditor import roles
from auditor.case import Case
from auditor.columns import Coded
from auditor.model import Operator
from auditor.roles import Party, Surety
from auditor.tables import NODE_KINDS
from auditor.zones import read_areas

NO, DOUBTFUL, SURE = Surety.NO, Surety.DOUBTFUL, Surety.SURE
AS_OF = dt.date(2026, 11, 22)
OPERATOR = Operator(name="示例数据（上海）有限公司", uscc="91310115671143758E")

# DESIGN 4, written out once more: kind -> facility if the operator's, ends paths, part in ISP-02.
TABLE = {
    "subscriber": (NO, True, "subject"),
    **dict.fromkeys(("bng", "mse", "access_pe", "mobile_gateway"), (SURE, False, "tier_1")),
    **dict.fromkeys(("olt", "dslam", "cmts", "access_switch"), (SURE, False, "tier_2")),
    **dict.fromkeys(("router", "pop", "pe"), (SURE, False, "core")),
    **dict.fromkeys(("egress", "ixp", "gateway"), (SURE, False, "egress")),
    **dict.fromkeys(
        ["data_centre", "room", "rack", "server", "cloud_region", "storage", "backup", "origin", "log_store"],
        (SURE, True, "server"),
    ),
    **dict.fromkeys(
        ["cdn_edge", "cdn_scheduler", "load_balancer", "accelerator", "dns"], (SURE, True, "none")
    ),
    "pcdn": (DOUBTFUL, True, "none"),
    **dict.fromkeys(("office", "management", "cpe"), (NO, True, "none")),
    "other": (DOUBTFUL, True, "none"),
}
OWNERS = {
    "operator": Party.OPERATOR,
    "customer": Party.CUSTOMER,
    "中国电信": Party.CARRIER,
    "中国联通": Party.CARRIER,
    "某某科技有限公司": Party.THIRD,
    "中信网络有限公司": Party.THIRD,
    "中国铁塔股份有限公司": Party.THIRD,
    "长城宽带网络服务有限公司": Party.NON_BASIC,
    None: Party.UNKNOWN,
}
ROLES = (None, "subscriber_access", "upstream")
EVERY = [
    (kind, owner, runner, role)
    for kind, owner, runner, role in product(TABLE, OWNERS, OWNERS, ROLES)
    if role is None or TABLE[kind][2] == "core"
]


def tier_of(kind, role):
    part = TABLE[kind][2]
    if part == "core" and role == "subscriber_access":
        return 1
    return {"tier_1": 1, "tier_2": 2}.get(part, 0)


def gate_of(kind, owner, runner, role):
    """DESIGN 6, its table read from the bottom up."""
    tier, unstated = tier_of(kind, role), kind == "pe" and role is None
    if "operator" in {owner, runner}:
        return NO
    if OWNERS[owner] == Party.CARRIER:
        if tier == 1:
            return SURE if runner in {None, owner} else DOUBTFUL
        return DOUBTFUL if tier == 2 or unstated else NO
    unmatched = OWNERS[owner] in {Party.UNKNOWN, Party.THIRD}
    return DOUBTFUL if tier and unmatched else NO


def root_of(kind, owner, role):
    part = TABLE[kind][2]
    if part == "egress":
        return SURE
    if OWNERS[owner] == Party.CARRIER:
        if part != "core" or role == "subscriber_access":
            return NO
        return DOUBTFUL if kind == "pe" and role is None else SURE
    third = OWNERS[owner] not in {Party.OPERATOR, Party.CUSTOMER}
    return DOUBTFUL if third and not TABLE[kind][1] else NO


def read(rows):
    kind, owner, runner, role = (Coded.of(list(column)) for column in zip(*rows, strict=True))
    owners = roles.parties(owner, OPERATOR, as_of=AS_OF)
    who, same = roles.operated_by(owners, roles.parties(runner, OPERATOR, as_of=AS_OF), ~runner.blank)
    carries = kind.isin(roles.CARRYING)
    return (
        owners.party,
        who,
        roles.access_roles(kind, role, carries=carries, owner=owners.party, runner=who, same=same),
    )


def test_the_table_has_every_kind():
    assert set(TABLE) == set(NODE_KINDS)
    assert {kind for kind, (_, ends, _) in TABLE.items() if not ends} == roles.CARRYING


def test_gates_roots_and_tiers():
    _, _, access = read(EVERY)
    wrong = [
        (row, column, int(got), int(want))
        for i, row in enumerate(EVERY)
        for column, got, want in (
            ("gate", access.gate[i], gate_of(*row)),
            ("root", access.root[i], root_of(row[0], row[1], row[3])),
            ("tier_1", access.tier_1[i], tier_of(row[0], row[3]) == 1),
            ("tier_2", access.tier_2[i], tier_of(row[0], row[3]) == 2),
            ("own", access.own_server[i], tier_of(row[0], row[3]) == 1 and "operator" in row[1:3]),
        )
        if got != want
    ]
    assert not wrong, wrong[:10]


def test_a_row_has_the_same_parts_alone_and_among_others():
    rows = EVERY[::97]
    _, _, together = read(rows)
    for i, row in enumerate(rows):
        _, _, alone = read([row])
        assert (alone.gate[0], alone.root[0]) == (together.gate[i], together.root[i])


def test_no_sure_gate_is_a_sure_root():
    _, _, access = read(EVERY)
    assert not ((access.gate == SURE) & (access.root > NO)).any()


@pytest.mark.parametrize("kind", TABLE)
def test_facilities(kind):
    owners = [who for who, held in product(Party, (False, True))]
    held = np.array([held for _, held in product(Party, (False, True))])
    found = roles.facilities(
        Coded.of([kind] * len(owners)), np.array(owners, np.int8), np.array(owners, np.int8), held
    )
    certain = TABLE[kind][0]
    for who, hold, got in zip(owners, held, found, strict=True):
        want = certain if (who == Party.OPERATOR or hold) and who != Party.CUSTOMER else NO
        if want == NO and who == Party.UNKNOWN and certain == SURE and kind not in roles.CARRYING:
            want = DOUBTFUL  # somebody's data centre or CDN node that nobody owns up to
        assert got == want, (kind, who.name, hold)


def test_exempt_kinds_are_no_facility():
    kinds = Coded.of(["backup", "server", "other", "olt"])
    mine = np.full(4, Party.OPERATOR, np.int8)
    none = np.zeros(4, np.bool_)
    free = roles.facilities(kinds, mine, mine, none, exempt=["backup", "other"])
    assert free.tolist() == [NO, SURE, NO, SURE]


@pytest.mark.parametrize(
    "name",
    [
        "operator",
        " Operator ",
        "示例数据（上海）有限公司",
        "示例数据(上海)有限公司",
        "示例数据 (上海) 有限公司",
        "示例数据（上海）有限公司北京分公司",
        "91310115671143758E",
        "91310115671143758e",
    ],
)
def test_names_of_the_operator(name):
    assert roles.parties(Coded.of([name]), OPERATOR, as_of=AS_OF).party.tolist() == [Party.OPERATOR]


@pytest.mark.parametrize(
    ("name", "party"),
    [
        ("示例数据有限公司", Party.THIRD),
        ("示例数据（上海）有限公司代理商", Party.THIRD),
        ("示例数据（北京）有限公司", Party.THIRD),
        ("the operator", Party.THIRD),
        ("our customer", Party.THIRD),
        ("Customer", Party.CUSTOMER),
        ("？", Party.THIRD),
        ("中国电信股份有限公司上海分公司", Party.CARRIER),
        ("中国移动通信集团上海有限公司", Party.CARRIER),
        ("中国电信国际有限公司", Party.THIRD),
        ("中国网通", Party.THIRD),
        ("鹏博士", Party.NON_BASIC),
    ],
)
def test_names_of_others(name, party):
    assert roles.parties(Coded.of([name]), OPERATOR, as_of=AS_OF).party.tolist() == [party]


def test_a_name_without_latin_or_chinese_letters_is_only_itself():
    operator = Operator(name="Данные")
    party = roles.parties(Coded.of(["Данные", "Другие", "—"]), operator, as_of=AS_OF).party
    assert party.tolist() == [Party.OPERATOR, Party.THIRD, Party.THIRD]


def test_a_carrier_counts_on_the_date():
    name = Coded.of(["中国网通"])
    for day, party in ((dt.date(2008, 1, 1), Party.CARRIER), (AS_OF, Party.THIRD)):
        assert roles.parties(name, OPERATOR, as_of=day).party.tolist() == [party]


def test_a_carrier_runs_its_own_node_under_any_of_its_names():
    owner = Coded.of(["中国电信", "中国电信", "上海电信", "中国电信", "中国电信", "customer", None])
    runner = Coded.of(
        [None, "中国电信股份有限公司上海分公司", "中国电信", "中国联通", "operator", "中国电信", "中国电信"]
    )
    owners = roles.parties(owner, OPERATOR, as_of=AS_OF)
    who, same = roles.operated_by(owners, roles.parties(runner, OPERATOR, as_of=AS_OF), ~runner.blank)
    assert same.tolist() == [True, True, True, False, False, False, False]
    assert who.tolist() == [Party.CARRIER] * 4 + [Party.OPERATOR] + [Party.CARRIER] * 2


@cache
def areas():
    return read_areas(AS_OF)


def declare(tmp_path, nodes, **more):
    tree = {
        "schema": "auditor.declaration/1",
        "operator": {"name": OPERATOR.name, "uscc": OPERATOR.uscc, "nature": "foreign_invested"},
        "services": [{"code": "B14", "regime": "pilot107"}, {"code": "B24", "regime": "national"}],
        "network": {"nodes": nodes, "links": []},
        **more,
    }
    path = tmp_path / "declaration.json"
    path.write_text(json.dumps(tree), "utf-8")
    return Case(auditor.read_declaration(path), areas(), AS_OF)


@pytest.mark.parametrize("kind", TABLE)
def test_path_ends_and_subjects(kind, tmp_path):
    case = declare(
        tmp_path,
        [
            {"id": "plain", "kind": kind, "owner": "customer"},
            {"id": "transit", "kind": kind, "owner": "customer", "transit": True},
            {"id": "b14", "kind": kind, "owner": "customer", "services": "B12;B14"},
            {"id": "b12", "kind": kind, "owner": "customer", "services": "B12"},
            {"id": "own", "kind": kind, "owner": "operator", "services": "B14"},
        ],
    )
    _, ends, part = TABLE[kind]
    assert case.carries.tolist() == [not ends, True, not ends, not ends, not ends]
    subjects = {"subject": [True, True, True, False, True], "server": [False, False, True, False, False]}
    assert case.subscribers.tolist() == subjects.get(part, [False] * 5)


def test_third_party_that_carries_others_traffic_is_a_doubtful_root(tmp_path):
    case = declare(
        tmp_path,
        [
            {"id": "a", "kind": "data_centre", "owner": "某某公司"},
            {"id": "b", "kind": "data_centre", "owner": "某某公司", "transit": True},
            {"id": "c", "kind": "data_centre", "owner": "中国电信", "transit": True},
            {"id": "d", "kind": "cdn_edge", "owner": "中国电信"},
            {"id": "e", "kind": "subscriber", "transit": True},
        ],
    )
    assert case.access.root.tolist() == [NO, DOUBTFUL, NO, NO, NO]


def test_what_counts_on_the_date(tmp_path):
    case = declare(
        tmp_path,
        [
            {"id": "a", "kind": "server", "owner": "operator"},
            {"id": "b", "kind": "server", "owner": "operator", "status": "standby"},
            {"id": "c", "kind": "server", "owner": "operator", "status": "planned"},
            {"id": "d", "kind": "server", "owner": "operator", "status": "retired"},
            {"id": "e", "kind": "server", "owner": "operator", "from_on": "2026-11-22"},
            {"id": "f", "kind": "server", "owner": "operator", "from_on": "2026-11-23"},
            {"id": "g", "kind": "server", "owner": "operator", "to_on": "2026-11-22"},
            {"id": "h", "kind": "server", "owner": "operator", "to_on": "2026-11-23"},
            {"id": "i", "kind": "server", "owner": "operator", "services": "B24"},
        ],
    )
    assert (case.facility == SURE).tolist() == [True, True, False, False, True, False, False, True, False]


def test_a_leased_slice_that_the_carrier_runs_is_gate_and_facility(tmp_path):
    case = declare(
        tmp_path,
        [
            {"id": "a", "kind": "bng", "owner": "中国电信", "holding": "lease"},
            {"id": "b", "kind": "bng", "owner": "中国电信", "holding": "lease", "operated_by": "operator"},
            {"id": "c", "kind": "bng", "owner": "中国电信"},
        ],
    )
    assert case.access.gate.tolist() == [SURE, NO, SURE]
    assert case.facility.tolist() == [SURE, SURE, NO]
    assert case.access.own_server.tolist() == [False, True, False]


def test_the_owners_code_makes_it_the_operators(tmp_path):
    case = declare(
        tmp_path,
        [
            {"id": "a", "kind": "bng", "owner": "中国电信", "holder_uscc": OPERATOR.uscc},
            {"id": "b", "kind": "server", "holder_uscc": OPERATOR.uscc},
            {"id": "c", "kind": "server", "holder_uscc": "91310000132149237G"},
            {"id": "d", "kind": "server", "holder_uscc": "91310115MA1K4XXXX0"},
        ],
    )
    # A code that the register knows (a branch of China Telecom) names a carrier; one it does not, nobody.
    assert case.owner.tolist() == [Party.OPERATOR, Party.OPERATOR, Party.CARRIER, Party.UNKNOWN]
    assert case.access.gate.tolist() == [NO, NO, NO, NO]
