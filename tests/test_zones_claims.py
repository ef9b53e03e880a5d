"""Region codes and addresses: what they say of the areas."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.claims import NOTHING, OPEN, OUTSIDE, UNDECIDED, WITHIN, Addresses, RegionCodes, Scope

SCOPE = Scope(areas=("beijing", "shanghai", "hainan", "shenzhen"))
CODES = RegionCodes(SCOPE)
ADDRESSES = Addresses(SCOPE, CODES)
WORDS = {"nothing": NOTHING, "within": WITHIN, "outside": OUTSIDE, "undecided": UNDECIDED, "open": OPEN}


@pytest.mark.parametrize(
    ("text", "relation", "area", "part"),
    [
        ("11", "within", "beijing", "beijing"),
        ("110105", "within", "beijing", "beijing"),
        ("110105001002", "within", "beijing", "beijing"),
        ("310115145", "within", "shanghai", "pudong"),
        ("310119", "within", "shanghai", "pudong"),
        ("４４０３０６", "within", "shenzhen", "shenzhen"),
        (" 440300 ", "within", "shenzhen", "shenzhen"),
        ("469024", "within", "hainan", "hainan_island"),
        ("460400", "within", "hainan", "hainan_island"),
        ("460302", "undecided", "hainan", "sansha"),
        ("469032", "undecided", "hainan", "sansha"),
        ("310112", "open", "shanghai", "lingang"),
        ("310120105", "open", "shanghai", "lingang"),
        ("330922", "open", "shanghai", "xiaoyangshan"),
        ("441521", "open", "shenzhen", "shenshan"),
        ("310000", "open", "shanghai", ""),
        ("310100000000", "open", "shanghai", ""),
        ("330900", "open", "shanghai", ""),
        ("440000", "open", "shenzhen", ""),
        ("460000", "open", "hainan", "hainan_island"),
        ("100000", "open", "", ""),
        ("310101", "outside", "", ""),
        ("330902", "outside", "", ""),
        ("441581", "outside", "", ""),
        ("440100", "outside", "", ""),
        ("810000", "outside", "", ""),
        ("71", "outside", "", ""),
        ("659001", "outside", "", ""),
        ("abc", "nothing", "", ""),
        ("31011", "nothing", "", ""),
        ("000000", "nothing", "", ""),
        ("990000", "nothing", "", ""),
        ("-11010", "nothing", "", ""),
        ("1101.5", "nothing", "", ""),
        ("٣١٠١١٥", "nothing", "", ""),
        ("１１０１０５", "within", "beijing", "beijing"),
        ("", "nothing", "", ""),
    ],
)
def test_codes(text, relation, area, part):
    claim = CODES.read(text)
    assert (claim.relation, claim.area, claim.part) == (WORDS[relation], area, part)


@pytest.mark.parametrize(
    ("text", "relation", "part"),
    [
        ("上海市浦东新区世纪大道100号", "within", "pudong"),
        ("上海浦东张江", "within", "pudong"),
        ("浦东新区川沙路", "within", "pudong"),
        ("上海市南汇区惠南镇", "within", "pudong"),
        ("中国（上海）自由贸易试验区临港新片区环湖西二路888号C楼", "within", "lingang"),
        ("中国(上海)自由贸易试验区富特北路", "within", "pudong"),
        ("上海市奉贤区奉城镇", "within", "lingang"),
        ("上海 奉贤 四团镇", "within", "lingang"),
        ("奉贤区海湾镇", "open", "lingang"),
        ("上海奉贤金汇镇", "open", "lingang"),
        ("上海市奉贤区南桥镇", "outside", ""),
        ("上海市闵行区浦江镇", "open", "lingang"),
        ("上海市闵行区莘庄", "outside", ""),
        ("上海市黄浦区人民大道", "outside", ""),
        ("上海市崇明区", "outside", ""),
        ("上海市卢湾区", "outside", ""),
        ("上海市上海市黄浦区", "outside", ""),
        ("上海市", "open", ""),
        ("上海市奉贤路100号", "open", ""),
        ("浙江省舟山市嵊泗县洋山镇小洋山", "within", "xiaoyangshan"),
        ("舟山市嵊泗县洋山镇", "open", "xiaoyangshan"),
        ("舟山市嵊泗县菜园镇", "outside", ""),
        ("浙江省嵊泗县洋山镇大洋山", "outside", ""),
        ("上海洋山特殊综合保税区", "within", "pudong"),
        ("浙江省舟山市定海区", "outside", ""),
        ("浙江省", "open", ""),
        ("浙江省杭州市西湖区", "outside", ""),
        ("浙江杭州西湖区", "outside", ""),
        ("苏州市", "outside", ""),
        ("江苏省昆山市", "outside", ""),
        ("北京市海淀区", "within", "beijing"),
        ("北京东城区", "within", "beijing"),
        ("北京市北京市朝阳区", "within", "beijing"),
        ("北京市市辖区朝阳区", "within", "beijing"),
        ("中华人民共和国北京市", "within", "beijing"),
        ("海南省海口市", "within", "hainan_island"),
        ("海口市美兰区", "within", "hainan_island"),
        ("海南海口龙华", "within", "hainan_island"),
        ("海南省澄迈县老城镇", "within", "hainan_island"),
        ("海南省洋浦经济开发区", "within", "hainan_island"),
        ("海南省三沙市永兴岛", "undecided", "sansha"),
        ("海南省", "open", "hainan_island"),
        ("海南藏族自治州共和县", "outside", ""),
        ("广东省深圳市南山区", "within", "shenzhen"),
        ("深圳南山区科技园", "within", "shenzhen"),
        ("深圳市前海深港合作区", "within", "shenzhen"),
        ("广东省深圳市深汕特别合作区鹅埠镇", "undecided", "shenshan"),
        ("深汕特别合作区", "undecided", "shenshan"),
        ("广东省汕尾市海丰县小漠镇", "undecided", "shenshan"),
        ("汕尾市海丰县", "open", "shenshan"),
        ("汕尾市海丰县海城镇", "outside", ""),
        ("深圳市深圳湾口岸港方口岸区", "undecided", "shenzhen_bay_port"),
        ("香港九龙弥敦道", "outside", ""),
        ("中国香港", "outside", ""),
        ("澳门特别行政区", "outside", ""),
        ("台湾省台北市", "outside", ""),
        # roads and districts that are called like places elsewhere
        ("北京东路100号", "nothing", ""),
        ("上海路5号", "nothing", ""),
        ("香港中路9号", "nothing", ""),
        ("南京西路1266号", "nothing", ""),
        ("朝阳区建国路", "nothing", ""),
        ("鼓楼区", "nothing", ""),
        ("No. 100 Century Avenue", "nothing", ""),
        ("", "nothing", ""),
        ("，。", "nothing", ""),
    ],
)
def test_addresses(text, relation, part):
    claim = ADDRESSES.read(text)
    assert (claim.relation, claim.part) == (WORDS[relation], part)


@given(st.text(max_size=40))
def test_no_text_breaks_the_readers(text):
    assert CODES.read(text).relation in WORDS.values()
    assert ADDRESSES.read(text).relation in WORDS.values()


@given(st.from_regex(r"\A[0-9]{6}\Z"), st.sampled_from(["", "000", "001", "101000", "999999"]))
def test_a_longer_code_says_no_other_than_its_district(code, more):
    short, long = CODES.read(code), CODES.read(code + more)
    if not code.endswith("00"):  # 310000 is the municipality, 310000001 is not below any district
        assert long.relation == short.relation
        assert long.area == short.area


def test_areas_that_are_not_in_force_have_no_codes():
    none = RegionCodes(Scope(areas=()))
    assert {none.read(code).relation for code in ("11", "310115", "4603", "330922", "31", "100000")} == {
        OUTSIDE
    }
    assert Addresses(Scope(areas=()), none).read("深汕特别合作区").relation == NOTHING


def test_rows_hold_from_their_date_on():
    early = RegionCodes(Scope(dt.date(2024, 10, 22), SCOPE.areas))
    late = RegionCodes(Scope(dt.date(2024, 10, 23), SCOPE.areas))
    assert (early.read("110105").relation, late.read("110105").relation) == (OUTSIDE, WITHIN)


def test_a_part_that_a_user_redraws_needs_geometry():
    scope = Scope(areas=SCOPE.areas, redrawn=("pudong",))
    codes = RegionCodes(scope)
    assert codes.read("310115").relation == OPEN
    assert Addresses(scope, codes).read("上海市浦东新区").relation == OPEN
    assert codes.read("110105").relation == WITHIN


BOX = (106.6, 26.3, 107.0, 26.6)  # in Guizhou


@given(st.from_regex(r"\A([1-8][0-9]){1,3}\Z"))
def test_silence_opens_what_is_outside_and_nothing_else(code):
    quiet = RegionCodes(SCOPE, None, {"park": ("testland", BOX)})
    plain, open_ = CODES.read(code), quiet.read(code)
    far = code.startswith(("71", "81", "82", "31", "33", "44", "46"))  # abroad, or extents that are far off
    if plain.relation == OUTSIDE and not far:
        assert (open_.relation, open_.area, open_.part, open_.untold) == (OPEN, "testland", "", True)
        assert (open_.first, open_.beyond) == (plain.first, plain.beyond)
    else:
        assert str(open_) == str(plain)  # NaN is not equal to itself


@given(st.from_regex(r"\A[0-9]{6}([0-9]{3}){0,2}\Z"), st.sampled_from(["lingang", "pudong", "sansha"]))
def test_a_part_that_the_tables_speak_of_is_not_silent(code, part):
    quiet = RegionCodes(SCOPE, None, {part: ("shanghai", BOX)})
    assert str(quiet.read(code)) == str(CODES.read(code))


def test_how_near_a_unit_must_lie():
    """Guangdong ends at 25.52 north and 117.19 east."""
    for box, relation in (
        ((113.0, 25.6, 113.1, 25.7), OPEN),
        ((113.0, 25.7, 113.1, 25.8), OUTSIDE),
        ((117.25, 23.0, 117.3, 23.1), OPEN),
        ((117.4, 23.0, 117.5, 23.1), OUTSIDE),
        ((100.0, 10.0, 130.0, 50.0), OPEN),
        ((109.5, 20.0, 109.6, 20.15), OPEN),
        ((109.0, 20.0, 109.5, 20.15), OUTSIDE),
        ((109.7, 19.9, 109.8, 20.1), OUTSIDE),
    ):
        assert RegionCodes(SCOPE, None, {"p": ("a", box)}).read("440106").relation == relation, box


def test_codes_that_a_file_states():
    codes = RegionCodes(SCOPE, {"320571": ("within", "suzhou", "park"), "310101": ("undecided", "x", "y")})
    assert codes.read("320571").relation == WITHIN
    assert codes.read("320571001").part == "park"
    assert codes.read("320500").relation == codes.read("320000").relation == OPEN
    assert codes.read("320506").relation == OUTSIDE
    assert codes.read("310101").relation == UNDECIDED
    assert codes.read("310000").area == "shanghai"
