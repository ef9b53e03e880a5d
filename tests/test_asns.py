import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.registers import carriers, names
from auditor.registers._files import read_rows
from auditor.registers.asns import carrier_by_asn, carrier_of_words, carriers_of, read_carrier_asns

ROWS = read_carrier_asns()
UNITS = {
    row["code"].ljust(6, "0"): row["name_en"]
    for row in read_rows("place_names.csv")
    if row["level"] != "county"
}


def test_the_register_is_sorted_without_twins_and_complete():
    numbers = [row.asn for row in ROWS]
    assert numbers == sorted(set(numbers))
    assert all(row.name and row.source and row.certainty in {"HIGH", "MEDIUM", "LOW"} for row in ROWS)


def test_carriers_are_those_of_the_carrier_register():
    known = {carrier.id for carrier in carriers.read_carriers()}
    assert {row.carrier for row in ROWS} - {""} <= known
    assert all((row.standing == "none") == (not row.carrier) for row in ROWS)
    assert {row.standing for row in ROWS} == {"carrier", "affiliate", "affiliate_abroad", "none"}


def test_regions_are_mainland_units_or_countries():
    for row in ROWS:
        if row.standing in {"carrier", "affiliate"}:
            assert not row.region or row.region in UNITS, row
        elif row.region:
            assert len(row.region) == 2 and row.region.isupper(), row


def test_a_name_that_spells_one_province_agrees_with_the_region():
    provinces = {
        names.normal(row["name_en"]): row["code"]
        for row in read_rows("place_names.csv")
        if row["level"] == "province"
    }
    for row in ROWS:
        spelt = {provinces[word] for word in names.normal(row.name).split(" ") if word in provinces}
        if row.region and len(spelt) == 1:
            assert row.region[:2] in spelt, row


@pytest.mark.parametrize(
    ("asn", "carrier", "standing", "region"),
    [
        (4134, "telecom", "carrier", ""),
        (134774, "telecom", "carrier", "440300"),
        (17623, "unicom", "carrier", "440300"),
        (135054, "mobile", "carrier", "460000"),
        (140863, "telecom", "carrier", "361000"),  # Fuzhou of Jiangxi, not of Fujian
        (140512, "telecom", "carrier", "450900"),  # Yulin of Guangxi
        (138641, "telecom", "carrier", "610800"),  # Yulin of Shaanxi
        (140531, "telecom", "carrier", "420800"),  # HUBEI-JINGMEN holds BEIJING only across a hyphen
        (132510, "mobile", "carrier", ""),  # ShanXi: Shanxi or Shaanxi
        (10099, "unicom", "affiliate_abroad", "HK"),
        (58807, "mobile", "affiliate_abroad", "HK"),
        (17429, "broadnet", "affiliate", "110000"),
        (58519, "telecom", "affiliate", ""),
        (146822, "", "none", ""),
        (17442, "", "none", ""),
    ],
)
def test_entries(asn, carrier, standing, region):
    row = carrier_by_asn(asn)
    assert (row.carrier, row.standing, row.region) == (carrier, standing, region)


def test_unknown_systems_are_unknown():
    assert carrier_by_asn(16509) is None
    assert carrier_by_asn(0) is None


@given(st.lists(st.one_of(st.sampled_from([row.asn for row in ROWS]), st.integers(-1, 2**32))))
def test_columns_agree_with_single_look_ups(asns):
    found = carriers_of(np.array(asns, np.int64))
    for row, asn in enumerate(asns):
        one = carrier_by_asn(asn)
        for name in ("carrier", "standing", "region", "certainty"):
            assert getattr(found, name).at(row) == ((getattr(one, name) or None) if one else None)


@pytest.mark.parametrize(
    ("text", "carriers"),
    [
        ("电信", ("telecom",)),
        ("中国移动", ("mobile",)),
        ("广东省深圳市联通", ("unicom",)),
        ("电信&联通", ("telecom", "unicom")),
        ("电信联通移动", ("telecom", "unicom", "mobile")),
        ("中移铁通", ("mobile",)),
        ("广电网", ("broadnet",)),
        ("上海电信IDC机房", ("telecom",)),
        ("CHINANET SHANGHAI PROVINCE NETWORK", ("telecom",)),
        ("China Telecom Shanghai", ("telecom",)),
        ("UNICOM-BJ", ("unicom",)),
        ("CHINA169-GZ", ("unicom",)),
        ("CMNET-V4shanghai-AS-AP", ("mobile",)),
        ("China TieTong Telecommunications Corporation", ("mobile",)),
        ("电信通", ()),
        ("北京电信通", ()),
        ("移动支付", ()),
        ("鹏博士长城宽带", ()),
        ("MTSCHINANET", ()),
        ("CHINANETCENTER-AP", ()),
        ("LinkChina Telecom Global Limited.", ()),
        ("South China Telecommunications (H.K.) Limited", ()),
        ("", ()),
    ],
)
def test_mentions_are_whole_words(text, carriers):
    assert carrier_of_words(text) == carriers


@given(st.text())
def test_any_text_can_be_asked_about(text):
    assert isinstance(carrier_of_words(text), tuple)


def test_handles_of_carriers_mention_no_other_carrier():
    for row in ROWS:
        if row.standing == "carrier":
            assert set(carrier_of_words(row.name)) <= {row.carrier}, row
