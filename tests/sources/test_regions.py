import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.columns import Coded
from auditor.observations import EXTENTS
from auditor.registers._files import read_rows
from auditor.sources import _regions
from auditor.sources._regions import regions

PLACES = [
    (("中国", "北京", "北京市", None), ("province", "110000")),
    (("中国", "上海市", "上海市", "浦东新区"), ("district", "310115")),
    (("中国", "海南省", "儋州", None), ("city", "460400")),
    (("中国", "海南省", "琼海市", None), ("city", "469002")),
    (("中国", "江苏省", "昆山市", None), ("city", "320500")),
    (("中国", "内蒙古", "兴安盟", None), ("city", "152200")),
    (("中国", "贵州省", "黔东南", None), ("city", "522600")),
    (("中国", "广东省", None, None), ("province", "440000")),
    (("中国", "广东省", "深圳市", "福田区"), ("district", "440304")),
    (("中国", "台湾省", "台北", None), ("country", "TW")),
    (("香港", None, None, None), ("country", "HK")),
    (("CN", "Hong Kong", None, None), ("country", "HK")),
    (("CN", "CN-GD", "Shenzhen", None), ("city", "440300")),
    (("CN", "Shaanxi", "Xi'an (Yanta Qu)", None), ("city", "610100")),
    (("CN", "Xinjiang Uyghur Autonomous Region", "Ürümqi", None), ("city", "650100")),
    (("CN", "Inner Mongolia Autonomous Region", "Hohhot", None), ("city", "150100")),
    (("CN", "Guangxi Zhuangzu Zizhiqu", "Guilin", None), ("city", "450300")),
    (("CN", "Zhejiang", "Nanshi", None), ("province", "330000")),
    (("CN", "", "", None), ("country", "CN")),
    (("CN", "440000", "440300", None), ("city", "440300")),
    (("", "广东", "深圳", None), ("city", "440300")),
    (("", "", "", None), ("none", None)),
    (("欧洲", "", "", None), ("none", None)),
    (("GB", "England", "London", None), ("country", "GB")),
    (("阿联酋", "", "", None), ("country", "AE")),
]


@pytest.mark.parametrize(("names", "told"), PLACES)
def test_place(names, told):
    extent, region = regions(*(Coded.of([name]) for name in names))
    assert (EXTENTS[extent[0]], region.at(0)) == told


@given(st.lists(st.sampled_from(PLACES), max_size=30))
def test_columns_tell_what_each_row_tells(rows):
    columns = [Coded.of([names[at] for names, _ in rows]) for at in range(4)]
    extent, region = regions(*columns)
    assert extent.dtype == np.int8
    assert [(EXTENTS[code], region.at(row)) for row, code in enumerate(extent)] == [told for _, told in rows]


@pytest.mark.parametrize("column", ["name_zh", "short_zh", "name_en"])
def test_every_province_and_prefecture_is_found_by_each_name(column):
    units = [row for row in read_rows("place_names.csv") if row["level"] != "county" and row[column]]
    names = {row["code"]: row[column] for row in units}
    provinces = [names[row["code"][:2]] for row in units]
    cities = [row[column] if len(row["code"]) == 4 else None for row in units]
    _, region = regions(Coded.of(["CN"] * len(units)), Coded.of(provinces), Coded.of(cities))
    wrong = [
        (row["code"], region.at(at))
        for at, row in enumerate(units)
        if region.at(at) != row["code"].ljust(6, "0")
    ]
    assert len(units) > 350 and not wrong


def test_every_country_is_found_by_each_name():
    rows = list(read_rows("country_names.csv"))
    for row in rows:
        for name in (row["code"], row["name_zh"], row["name_en"], *filter(None, row["others"].split("|"))):
            assert _regions._nation(name) == row["code"], name
    assert len(rows) >= 249
