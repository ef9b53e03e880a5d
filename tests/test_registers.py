from __future__ import annotations

import csv
import datetime as dt
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor import registers
from auditor.errors import UsageError
from auditor.registers import names
from auditor.uscc import ALPHABET, uscc_is_valid

ON = dt.date(2026, 11, 22)
REGULATION = Path(__file__).parents[2] / "shared" / "data" / "regulation"


def shared_rows(name: str) -> list[dict[str, str]]:
    path = REGULATION / name
    if not path.exists():
        pytest.skip("no shared folder")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def standing(name: str, on: dt.date = ON, uscc: str | None = None) -> str:
    return registers.match_carrier(name, as_of=on, uscc=uscc).standing


# --- services ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("B11", True),
        ("B11-IRCS", True),
        ("B12", True),
        ("B14", True),
        ("B21", True),
        ("B25-1", True),
        ("B25-5", True),
        ("idc", True),
        ("B13", False),
        ("B22", False),
        ("B24-1", False),
        ("B25-2", False),
        ("B26-1", False),
        ("A14-2", False),
        ("B25", None),  # of five kinds two are opened: the heading alone says nothing
        ("B", None),
        ("B99", None),
        ("", None),
    ],
)
def test_opened(code, expected):
    assert registers.opened(code) is expected


def test_opened_services_are_the_six_of_the_circular():
    leaves = {code for code in registers.read_services() if registers.opened(code)}
    assert leaves == {"B11", "B11-IRCS", "B12", "B14", "B21", "B25-1", "B25-5"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("IDC", "B11"),
        ("Cdn", "B12"),
        (" isp ", "B14"),
        ("EDI", "B21"),
        ("b25-1", "B25-1"),
        ("Ｂ２５－１", "B25-1"),
        ("互联网数据中心业务", "B11"),
        ("内容分发网络", "B12"),
        ("SD-WAN", "B13"),
        ("cloud", "B11-IRCS"),
        ("B1", "B1"),
        ("B14-7", None),
        ("telephone", None),
    ],
)
def test_service_code(text, code):
    assert registers.service_code(text) == code


def test_every_word_means_one_service():
    seen: dict[str, str] = {}
    for service in registers.read_services().values():
        for word in {service.code, service.name_zh, *service.aliases}:
            key = re.sub(r"[\s\-_]", "", word.casefold())
            assert seen.setdefault(key, service.code) == service.code, word


def test_headings_exist():
    services = registers.read_services()
    assert {s.parent for s in services.values()} - {""} <= services.keys()
    assert registers.lineage("B99") == ()


@pytest.mark.shared
def test_services_are_those_of_the_research():
    ours = registers.read_services()
    for row in shared_rows("service_catalogue.csv"):
        service = ours[row["code"]]
        expected = "yes" if row["code"] == "B25-1" else row["opened_by_pilot"]  # its exclusions stand apart
        assert (service.name_zh, service.opened_by_pilot) == (row["name_zh"], expected)


# --- regimes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("regime", "code", "cap"),
    [
        ("pilot107", "B14", 1.0),
        ("pilot107", "B11-IRCS", 1.0),
        ("R5-PILOT107", "CDN", 1.0),
        ("pilot107", "B13", None),
        ("pilot107", "B25", None),
        ("national", "B22", 1.0),
        ("national", "B24-2", 1.0),
        ("national", "B21", 0.5),
        ("national", "B11", None),
        ("cepa", "B11", 0.5),
        ("cepa", "B14", None),  # for Internet users only
        ("ftz", "B13", 0.5),
        ("hainan_nl", "B21", 1.0),
        ("service_2025", "B13", 0.5),
        ("beijing_2023", "B11", None),
        ("no such", "B11", None),
    ],
)
def test_share_cap(regime, code, cap):
    assert registers.share_cap(regime, code, as_of=ON) == cap


@pytest.mark.parametrize(
    ("regime", "code", "share", "allowed"),
    [
        ("pilot107", "B14", 1.0, True),
        ("pilot107", "B13", 0.1, False),  # not opened by the pilot, whatever the share
        ("national", "B25-1", 0.5, True),
        ("national", "B25-1", 0.5001, False),
        ("national", "B21", 0.5, True),
        ("national", "B21", 1.0, None),  # e-commerce alone is uncapped
        ("national", "B11", 0.5, None),  # sources pull both ways
        ("national", "B12", 1.0, None),
        ("ftz", "B14", 1.0, None),  # access for users only
        ("ftz", "B11", 1.0, None),  # the list does not speak of it
        ("cepa", "B11", 0.51, False),
        ("no such", "B11", 0.1, None),
    ],
)
def test_share_allowed(regime, code, share, allowed):
    assert registers.share_allowed(regime, code, share, as_of=ON) is allowed


def test_regimes_hold_from_their_first_day():
    first = dt.date(2024, 10, 23)
    assert registers.share_cap("pilot107", "B14", as_of=first) == 1.0
    assert registers.share_cap("pilot107", "B14", as_of=first - dt.timedelta(days=1)) is None
    assert registers.share_allowed("pilot107", "B14", 1.0, as_of=dt.date(2024, 4, 8)) is False


def test_terms_name_known_services_and_shares():
    for regime in registers.read_regimes().values():
        for terms in regime.terms:
            assert set(terms.services) <= registers.read_services().keys()
            assert all(cap is None or 0 < cap <= 1 for cap in (terms.cap, terms.part_cap))
            assert (terms.part_cap is None) == (terms.part_en == "") == (terms.part_zh == "")
            assert terms.covered or (terms.cap is None and terms.part_cap is None)


@pytest.mark.shared
def test_regimes_are_those_of_the_research():
    regimes = {regime.id: regime for regime in registers.read_regimes().values()}
    rows = {row["regime"]: row for row in shared_rows("fi_regimes.csv")}
    assert regimes.keys() == rows.keys()
    assert {key: r.from_on.isoformat() for key, r in regimes.items()} == {
        k: r["from"] for k, r in rows.items()
    }


# --- carriers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "carrier", "relation"),
    [
        ("中国电信", "telecom", "self"),
        ("中国电信集团有限公司", "telecom", "self"),
        ("中国电信集团公司", "telecom", "self"),  # former name of the same person
        ("中国电信股份有限公司", "telecom", "self"),
        ("China Telecom", "telecom", "self"),
        ("CHINA TELECOM (GROUP)", "telecom", "self"),
        ("ＣＨＩＮＡ　ＴＥＬＥＣＯＭ", "telecom", "self"),
        ("ChinaNet", "telecom", "self"),
        ("中国电信股份有限公司上海分公司", "telecom", "branch"),
        ("中国电信股份有限公司德阳分公司", "telecom", "branch"),
        ("中国电信股份有限公司廉江分公司", "telecom", "branch"),
        ("中国电信股份有限公司上海浦东营业部", "telecom", "branch"),
        ("中国电信股份有限公司广东分公司深圳分公司", "telecom", "branch"),
        ("中国电信股份有限公司物联网分公司", "telecom", "branch"),
        ("中国电信上海公司", "telecom", "branch"),
        ("中国电信（上海）", "telecom", "branch"),
        ("上海电信", "telecom", "branch"),
        ("上海市电信公司", "telecom", "branch"),
        ("上海电信分公司", "telecom", "branch"),
        ("China Telecom Shanghai", "telecom", "branch"),
        ("China Telecom Corporation Limited Shanghai Branch", "telecom", "branch"),
        ("Shanghai Branch of China Telecom Corporation Limited", "telecom", "branch"),
        ("Shanghai Telecom", "telecom", "branch"),
        ("中国联合网络通信有限公司北京市分公司", "unicom", "branch"),
        ("中国联合网络通信集团有限公司四川省分公司", "unicom", "branch"),
        ("北京联通", "unicom", "branch"),
        ("CHINA UNICOM, Beijing Branch", "unicom", "branch"),
        ("China Unicom Co., Ltd", "unicom", "self"),
        ("中国移动通信集团上海有限公司", "mobile", "provincial_subsidiary"),
        ("中国移动通信集团广东有限公司深圳分公司", "mobile", "branch"),
        ("广东移动", "mobile", "provincial_subsidiary"),
        ("China Mobile Group Shanghai Co., Ltd.", "mobile", "provincial_subsidiary"),
        ("China Mobile Inner Mongolia", "mobile", "provincial_subsidiary"),
        ("China Mobile Xi'an", "mobile", "provincial_subsidiary"),
        ("China Mobile Xian", "mobile", "provincial_subsidiary"),
        ("中国电信浦东", "telecom", "branch"),
        ("中国广电上海网络有限公司", "broadnet", "provincial_subsidiary"),
        ("中国广电河南网络有限公司许昌分公司", "broadnet", "branch"),
        ("中国广电广州网络股份有限公司", "broadnet", "provincial_subsidiary"),
        ("China Broadcast Henan Network Co., Ltd", "broadnet", "provincial_subsidiary"),
        ("中国广播电视网络有限公司", "broadnet", "self"),
    ],
)
def test_carriers_qualify(name, carrier, relation):
    match = registers.match_carrier(name, as_of=ON)
    assert (match.standing, match.carrier, match.relation) == ("carrier", carrier, relation)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # affiliates are other persons
        ("中国电信国际有限公司", "affiliate"),
        ("China Telecom Americas", "affiliate"),
        ("China Telecom (Europe) Limited", "affiliate"),
        ("中国移动香港有限公司", "affiliate"),
        ("中国移动（香港）有限公司", "affiliate"),
        ("China Mobile International Limited", "affiliate"),
        ("China Unicom Global", "affiliate"),
        ("中国铁塔股份有限公司", "affiliate"),
        ("中国铁塔股份有限公司上海分公司", "affiliate"),
        ("东方有线网络有限公司", "affiliate"),
        ("天翼云科技有限公司", "affiliate"),
        # the sources leave it open
        ("中信网络有限公司", "undecided"),
        ("中国卫通", "undecided"),
        ("中移铁通有限公司", "undecided"),
        ("中移铁通有限公司广东分公司", "undecided"),
        ("China Mobile Limited", "undecided"),
        # value-added licences only, though the name says 电信
        ("鹏博士电信传媒集团股份有限公司", "non_basic"),
        ("长城宽带网络服务有限公司上海分公司", "non_basic"),
        ("阿里云", "non_basic"),
        # whole names only
        ("上海电信恒联网络有限公司", "none"),
        ("上海电信有限公司", "none"),
        ("电信科学技术研究院", "none"),
        ("Fake China Telecom Partner Ltd", "none"),
        ("China Telecom Partner", "none"),
        ("中国电信代理商某某公司", "none"),
        ("中国电信股份有限公司代理商上海分公司", "none"),
        ("中国电信股份有限公司分公司", "none"),
        ("中国电信股份有限公司上海分公司食堂", "none"),
        ("电信上海分公司", "none"),
        ("浦东电信", "none"),  # short words follow provinces and prefectures only
        ("Shanghai of China Telecom", "none"),
        ("China Mobile Group Shanghai Co., Ltd. Fan Club", "none"),
        ("不是中国电信", "none"),
        ("LinkChina Telecom Global Limited.", "none"),
        ("South China Telecommunications (H.K.) Limited", "none"),
        ("Shanghai Telecom Engineering Co., Ltd.", "none"),
        ("Shanghai Ideal Telecom", "none"),
        ("中国移动互联网有限公司", "none"),
        ("中国移动通信集团设计院有限公司", "none"),
        ("中国广电传媒网络有限公司", "none"),
        ("上海广电", "none"),  # once a maker of television sets
        ("阿里移动", "none"),
        # places where mainland carriers have no branches
        ("香港电信", "none"),
        ("台湾移动", "none"),
        ("Hong Kong Telecom", "none"),
        ("中国移动通信集团香港有限公司", "none"),
        ("", "none"),
        ("operator", "none"),
    ],
)
def test_others_do_not(name, expected):
    assert standing(name) == expected


PROVINCES = [row for row in names.read_rows("place_names.csv") if row["level"] == "province"]


@pytest.mark.parametrize("row", PROVINCES, ids=[row["name_en"] for row in PROVINCES])
def test_carriers_are_known_in_every_province(row):
    place = row["short_zh"]
    assert len(PROVINCES) == 31
    for name in (
        f"中国电信股份有限公司{place}分公司",
        f"中国联合网络通信有限公司{row['name_zh']}分公司",
        f"中国移动通信集团{place}有限公司",
        f"中国广电{place}网络有限公司",
        f"{place}电信",
        f"{row['name_en']} Unicom",
        f"China Mobile Group {row['name_en']} Co., Ltd.",
    ):
        assert standing(name) == "carrier", name


@pytest.mark.parametrize(
    ("name", "last_no", "first_yes"),
    [
        ("中国广播电视网络集团有限公司", dt.date(2016, 5, 4), dt.date(2016, 5, 5)),
        ("中国广电河南网络有限公司", dt.date(2021, 3, 15), dt.date(2021, 3, 16)),
        ("中国电信股份有限公司", dt.date(2002, 9, 9), dt.date(2002, 9, 10)),
    ],
)
def test_carriers_begin(name, last_no, first_yes):
    assert (standing(name, last_no), standing(name, first_yes)) == ("none", "carrier")


@pytest.mark.parametrize(
    ("name", "last_yes"),
    [
        ("中国网通", dt.date(2009, 1, 5)),
        ("中国网通上海分公司", dt.date(2009, 1, 5)),
        ("中国铁通集团有限公司", dt.date(2015, 12, 30)),
        ("中国铁通集团有限公司上海分公司", dt.date(2015, 12, 30)),
    ],
)
def test_carriers_end(name, last_yes):
    match = registers.match_carrier(name, as_of=last_yes + dt.timedelta(days=1))
    assert standing(name, last_yes) == "carrier"
    assert match.standing == "none"
    assert match.carrier in {"unicom", "mobile"}  # whom to ask is still known


def test_code_decides_over_an_unknown_name():
    assert standing("CT headquarters", uscc="9111000071093019X7") == "carrier"
    assert standing("9111000071093019X7") == "carrier"
    assert standing("somebody", uscc=" 91310000631501258r ") == "affiliate"


def test_code_of_another_enterprise_leaves_the_name_open():
    assert standing("中国移动", uscc="9111000071093019X7") == "undecided"
    assert standing("阿里云", uscc="9111000071093019X7") == "undecided"


def test_unknown_code_proves_nothing():
    # branches have codes of their own
    assert standing("中国电信股份有限公司广东分公司", uscc="91350200MA2YJ1XR9G") == "carrier"
    assert standing("某某公司", uscc="91350200MA2YJ1XR9G") == "none"


QUALIFYING_NAMES = [
    "中国电信",
    "中国电信股份有限公司",
    "中国移动通信集团上海有限公司",
    "上海电信",
    "China Telecom",
    "China Unicom Beijing",
]


@given(
    st.sampled_from(QUALIFYING_NAMES),
    st.text("代理商甲乙丙丁贸易科技", min_size=1, max_size=4),
    st.booleans(),
)
def test_strange_words_at_either_end_break_the_match(name, words, before):
    assert standing(words + name if before else name + words) == "none"


@given(st.sampled_from(QUALIFYING_NAMES), st.sampled_from(["upper", "wide", "spaces", "lower"]))
def test_spelling_does_not_matter(name, how):
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name).replace(" ", "\u3000")
    forms = {"upper": name.upper(), "lower": name.lower(), "wide": wide, "spaces": f"  {name} "}
    assert registers.match_carrier(forms[how], as_of=ON) == registers.match_carrier(name, as_of=ON)


@given(st.text(), st.text(max_size=20))
def test_any_text_is_answered(name, uscc):
    assert standing(name, uscc=uscc) in {"none", "carrier", "undecided", "affiliate", "non_basic"}


def test_no_name_belongs_to_two():
    entities = [e for c in registers.read_carriers() for e in c.entities]
    seen: dict[str, str] = {}
    for entity in (*entities, *registers.read_other_enterprises()):
        for name in entity.names:
            assert seen.setdefault(names.normal(name), entity.name) == entity.name, name


def test_entities_are_well_formed():
    for carrier in registers.read_carriers():
        assert carrier.entities[0].relation == "self"
        for entity in carrier.entities:
            assert entity.source, entity.name
            assert not entity.uscc or uscc_is_valid(entity.uscc), entity.name
            assert entity.to_on is None or entity.from_on < entity.to_on
            assert set(entity.licences) <= registers.read_services().keys()
    for entity in registers.read_other_enterprises():
        assert entity.source
        assert entity.relation in {"affiliate", "none"}
        assert not entity.uscc or uscc_is_valid(entity.uscc), entity.name


@pytest.mark.shared
def test_arms_in_the_list_of_networks_are_no_carriers():
    for row in shared_rows("carrier_asns.csv"):
        name = row["name"].split(" / ", 1)[-1]
        if "overseas" in row["carrier"] or "affiliate" in row["carrier"]:
            assert standing(name) != "carrier", name
        elif name in {"China Telecom", "China Mobile", "China Unicom", "China Broadcasting TV Net"}:
            assert standing(name) == "carrier", name


# --- clauses ----------------------------------------------------------------------------------------------


def circular() -> tuple[str, str]:
    """Chinese and English of the circular and its annex, less headings, list numbers and white space."""
    path = REGULATION / "000_24e42aa17fdff22e.txt"
    if not path.exists():
        pytest.skip("no shared folder")
    body = path.read_text("utf-8").split("工信部通信函〔2024〕107号", 1)[1]
    lines = [line.strip() for line in body.splitlines()]
    lines = [line for line in lines if line and not line.startswith(("#", "**"))]
    chinese = [line for line in lines if re.search("[\u4e00-\u9fff]", line)]
    english = [line.replace("**", "") for line in lines if line not in chinese]
    return squeezed(re.sub("^[一二三四五]、", "", line) for line in chinese), squeezed(english)


def squeezed(lines) -> str:
    return "".join("".join(lines).split())


@pytest.mark.shared
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_clauses_are_the_circular_no_more_and_no_less(lang):
    ours = [getattr(c, lang) for c in registers.read_clauses() if c.basis == "circular"]
    assert squeezed(ours) == circular()[lang == "en"]


@pytest.mark.shared
def test_every_card_belongs_to_a_clause():
    cards = {card for clause in registers.read_clauses() for card in clause.cards}
    known = {row["rule_id"] for row in shared_rows("rules.csv") if "-NEG-" not in row["rule_id"]}
    assert cards == known | {"PILOT-ISP-06"}


def test_manual_clauses_say_why_and_automated_ones_need_not():
    for clause in registers.read_clauses():
        manual = clause.assessment == "manual"
        assert bool(clause.reason_en) == bool(clause.reason_zh) == manual, clause.id
        assert clause.zh
        assert clause.en
        assert clause.source


def test_clause_ids_are_unique_and_found():
    ids = [clause.id for clause in registers.read_clauses()]
    assert len(ids) == len(set(ids))
    assert all(registers.clause(name).id == name for name in ids)
    with pytest.raises(UsageError, match="no-such"):
        registers.clause("no-such")


@pytest.mark.parametrize(
    "words",
    [
        "做好本地区试点企业管理和服务工作",
        "营造稳定公平透明可预期的发展环境",
        "会同相关部门开展增值电信业务试点扩大对外开放评估",
        "统筹发展与安全",
        "结合自身定位和发展需求",
        "通过试点扩大电信领域对外开放",
    ],
)
def test_what_the_review_added_is_a_manual_clause(words):
    holding = [clause for clause in registers.read_clauses() if words in clause.zh]
    assert [clause.assessment for clause in holding] == ["manual"]


@pytest.mark.parametrize(
    ("clause_id", "slip"),
    [
        ("circular-2", "T1"),
        ("circular-2", "T2"),
        ("annex-2-2-cdn", "T3"),
        ("annex-5-reporting", "T4"),
        ("annex-5-linkage", "T5"),
        ("annex-4-wind-down", "T6"),
        ("annex-3-1-conditions", "T7"),
        ("annex-4-narrow", "T8"),
    ],
)
def test_translation_slips_are_noted_where_they_stand(clause_id, slip):
    assert slip in registers.clause(clause_id).note


# --- approvals, content, codes ----------------------------------------------------------------------------


def test_public_approvals_count_up():
    lines = registers.read_approvals_public()
    first = [line for line in lines if line.batch == "first batch"]
    assert sum(line.count for line in first) == 13
    assert sum(line.count for line in first if line.area == "shanghai") == 4
    assert {line.area for line in lines} <= {"", "beijing", "shanghai", "hainan", "shenzhen"}
    assert all(line.source for line in lines)


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("新闻", "news"),
        ("出版", "publishing"),
        ("视听节目", "audiovisual"),
        ("文化", "culture"),
        ("互联网文化经营", "culture"),
        ("Internet news information", "news"),
        ("药品和医疗器械", None),
        ("games", None),
    ],
)
def test_excluded_content(word, key):
    assert registers.excluded_content(word) == key


def test_exclusions_of_services_are_the_excluded_content():
    excluded = {kind.key for kind in registers.read_content() if kind.excluded}
    held = {s.code: set(s.exclusions) for s in registers.read_services().values() if s.exclusions}
    assert held == {"B25-1": excluded}


VALID = ["91110000100017707H", "911100007109250324", "9111000071093019X7", "91310000132149237G"]


@pytest.mark.parametrize("code", VALID)
def test_real_codes_are_valid(code):
    assert uscc_is_valid(code)
    assert uscc_is_valid(f" {code.lower()} ")


@pytest.mark.parametrize(
    "code",
    ["", "91110000", "91110000100017707", "91110000100017707HH", "9111000010001770IH", "统一社会信用代码"],
)
def test_malformed_codes_are_not(code):
    assert not uscc_is_valid(code)


@given(st.sampled_from(VALID), st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_found(code, at, character):
    changed = code[:at] + character + code[at + 1 :]
    assert uscc_is_valid(changed) == (changed == code)


@given(st.sampled_from(VALID), st.integers(0, 15))
def test_swapped_neighbours_are_found(code, at):
    swapped = code[:at] + code[at + 1] + code[at] + code[at + 2 :]
    assert uscc_is_valid(swapped) == (swapped == code)
