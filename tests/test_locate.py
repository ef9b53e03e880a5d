"""`auditor locate` and `auditor areas`, as a person and as a script call them."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auditor import cli

DAY = ("--as-of", "2026-11-22")
KEYS = {
    *("input", "relation", "area", "part", "basis", "conflict", "distance_m", "nearest_area"),
    *("band_m", "radius_m", "lon", "lat"),
}


@pytest.fixture
def run(monkeypatch, capsys):
    def call(*args):
        monkeypatch.setattr(sys, "argv", ["auditor", *map(str, args)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        out, err = capsys.readouterr()
        return stopped.value.code, out, err

    return call


def rows(run, *args):
    code, out, err = run("locate", *args, *DAY, "--format", "json")
    assert (code, err) == (0, "")
    return json.loads(out)


def columns(text):
    return max(
        sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line) for line in text.splitlines()
    )


def test_a_point(run):
    (row,) = rows(run, "121.906564,30.925954", "--datum", "wgs84", "--accuracy", "20")
    assert set(row) == KEYS
    assert row["input"] == {"lon": 121.906564, "lat": 30.925954}
    assert (row["relation"], row["area"], row["part"]) == ("within", "shanghai", "lingang")
    assert (row["basis"], row["conflict"]) == ("coordinates", False)
    assert (row["radius_m"], row["band_m"]) == (20.0, 500.0)
    assert -7_000 < row["distance_m"] < -3_000


def test_a_point_without_datum_is_of_unknown_datum(run):
    (row,) = rows(run, "121.906564,30.925954")
    assert row["radius_m"] == 1500.0


def test_coordinates_come_back_in_wgs84(run):
    (row,) = rows(run, "116.010132107,39.8305167643", "--datum", "gcj02")
    assert (row["lon"], row["lat"]) == (pytest.approx(116.004, abs=2e-5), pytest.approx(39.8293, abs=2e-5))


@pytest.mark.parametrize("args", [("-0.1,51.5",), ("--", "-0.1,51.5"), ("-70.6,-33.4",)])
def test_western_longitudes_are_no_options(run, args):
    code, out, _ = run("locate", *DAY, "--format", "json", *args)
    assert code == 0
    (row,) = json.loads(out)
    assert (row["relation"], row["area"]) == ("outside", None)
    assert row["distance_m"] > 7e6


def test_words_for_people(run):
    _, english, _ = run("locate", "116.397,39.907", *DAY)
    assert english.startswith("within: Beijing\n")
    assert "inside the edge of Beijing" in english
    _, chinese, _ = run("locate", "114.4,22.9", *DAY, "--lang", "zh")
    assert chinese.startswith("区域外\n")
    assert "距深圳市边界" in chinese
    assert "界外" in chinese
    _, unknown, _ = run("locate", "0,0", *DAY)
    assert unknown == "unknown\n  by: none\n"


def test_a_contradiction_is_named(run, tmp_path):
    file = tmp_path / "place.csv"
    file.write_text("lon,lat,datum,address\n116.397,39.907,WGS84,上海市浦东新区\n", "utf-8")
    for lang, words in (("en", "contradict one another"), ("zh", "相互矛盾")):
        code, out, _ = run("locate", file, *DAY, "--lang", lang)
        assert code == 0
        assert words in out
        assert out.startswith(("straddling: Shanghai", "跨界：上海"))


def test_csv_keeps_order_columns_and_rows(run, tmp_path):
    file = tmp_path / "places.csv"
    file.write_text(
        "name,lat,lon,datum,accuracy_m,region_code,address,rack\n"
        "a,39.907,116.397,WGS84,20,,,7\n"
        "b,,,,,310115,,\n"
        "c,,,,,,上海市黄浦区,\n"
        "d,39.907,116.397,wgs84,20,310115,,\n"
        "e,30.67,104.06,,,,,\n"
        "f,0,0,,,,,\n",
        "utf-8",
    )
    found = rows(run, file)
    assert [row["input"]["name"] for row in found] == list("abcdef")
    assert list(found[0]["input"]) == [
        "name",
        "lat",
        "lon",
        "datum",
        "accuracy_m",
        "region_code",
        "address",
        "rack",
    ]
    assert found[0]["input"]["rack"] == "7"
    assert found[0]["input"]["lon"] == 116.397
    expected = ["within", "within", "outside", "straddling", "outside", "unknown"]
    assert [row["relation"] for row in found] == expected
    assert [row["area"] for row in found] == ["beijing", "shanghai", None, "shanghai", None, None]
    assert [row["basis"] for row in found] == [
        "coordinates",
        "region_code",
        "address",
        "region_code",
        "coordinates",
        "none",
    ]
    assert [row["conflict"] for row in found] == [False, False, False, True, False, False]
    assert [row["distance_m"] is None for row in found] == [False, True, True, False, False, True]


def test_text_table_fits_a_terminal(run, tmp_path):
    file = tmp_path / "places.csv"
    long = "上海市浦东新区" * 9
    file.write_text(
        f"name,lon,lat,address\n{long},121.55,31.22,北京市\n,,,上海市黄浦区\nx,0,0,{long}\n", "utf-8"
    )
    for lang, words in (("en", ("within", "outside", "contradiction")), ("zh", ("区域内", "区域外", "矛盾"))):
        code, out, err = run("locate", file, *DAY, "--lang", lang)
        assert (code, err) == (0, "")
        assert columns(out) <= 80
        assert len(out.splitlines()) == 4
        for word in words:
            assert word in out


def test_hidden_characters_are_refused(run, tmp_path):
    file = tmp_path / "places.csv"
    file.write_text("name,lon,lat\n\x1b[31mred,1,2\n", "utf-8")
    code, out, err = run("locate", file, *DAY)
    assert (code, out) == (2, "")
    assert "row 2, name" in err
    assert "\x1b" not in err


def test_parquet_reads_the_same(run, tmp_path):
    table = pa.table({"lon": [116.397, None], "lat": [39.907, None], "region_code": [None, "310115"]})
    pq.write_table(table, tmp_path / "places.parquet")
    assert [row["area"] for row in rows(run, tmp_path / "places.parquet")] == ["beijing", "shanghai"]


def test_options_fill_what_rows_leave_blank(run, tmp_path):
    file = tmp_path / "places.csv"
    file.write_text("lon,lat,datum,accuracy_m\n116.397,39.907,,\n116.397,39.907,BD-09,7\n", "utf-8")
    found = rows(run, file, "--datum", "WGS84", "--accuracy", "30")
    assert [row["radius_m"] for row in found] == [30.0, 7.0]
    assert found[0]["lon"] == 116.397
    assert found[1]["lon"] < 116.39


def test_all_bad_rows_at_once(run, tmp_path):
    file = tmp_path / "places.csv"
    file.write_text(
        "lon,lat,datum,accuracy_m\n31.2,121.5,,\n116.4,,,\nx,39.9,,\n116.4,39.9,NAD83,\n116.4,39.9,,-1\n200,39,,\n",
        "utf-8",
    )
    code, out, err = run("locate", file, *DAY)
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    for words in (
        "row 2, lat: lon and lat look swapped",
        "row 3, lat: lon without lat",
        "row 4, lon: 'x' is no number",
        "row 5, datum: 'NAD83' is no datum; one of WGS84",
        "row 6, accuracy_m: -1 is negative",
        "row 7, lon: no longitude",
    ):
        assert words in err


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.csv", b"", "the file is empty"),
        ("columns.csv", b"a,b\n1,2\n", "the columns are missing"),
        ("ip.csv", b"ip\n8.8.8.8\nnonsense\n", "ip.csv, row 3, ip: 'nonsense': neither an IPv4 nor"),
        ("places.xlsx", b"x", "files of places are .csv, .parquet"),
        ("torn.parquet", b"PAR1xxxx", "cannot be read as Parquet"),
        ("ragged.csv", b"lon,lat\n1,2,3\n", "row 2"),
    ],
)
def test_files_that_cannot_be_read(run, tmp_path, name, content, words):
    file = tmp_path / name
    file.write_bytes(content)
    code, out, err = run("locate", file, *DAY)
    assert (code, out) == (2, "")
    assert words in err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("8.8.8.8/24",), "has host bits set"),
        (("nothing.csv",), "is neither LON,LAT, nor an IP address, nor a file"),
        (("116.4",), "is neither LON,LAT, nor an IP address, nor a file"),
        (("39.9,116.4",), "lon and lat look swapped"),
        (("nan,39.9",), "is no number"),
        (("116.4,39.9", "--datum", "NAD83"), "--datum: 'NAD83' is no datum"),
        (("116.4,39.9", "--accuracy", "-1"), "-1"),
        (("116.4,39.9", "--acuracy", "1"), "--acuracy"),
        ((), "Missing argument"),
    ],
)
def test_calls_that_make_no_sense(run, args, words):
    code, out, err = run("locate", *args)
    assert (code, out) == (2, "")
    assert words in err
    assert "Traceback" not in err


def test_zones_of_a_user(run, tmp_path):
    ring = [[120.6, 31.2], [120.8, 31.2], [120.8, 31.4], [120.6, 31.4], [120.6, 31.2]]
    shape = {"type": "Polygon", "coordinates": [ring]}
    properties = {"part": "park", "area": "suzhou", "status": "in", "area_name_en": "Suzhou Park"}
    file = tmp_path / "park.geojson"
    file.write_text(json.dumps({"type": "Feature", "properties": properties, "geometry": shape}), "utf-8")
    (row,) = rows(run, "120.7,31.3", "--zones", file)
    assert (row["area"], row["part"]) == ("suzhou", "park")
    assert "suzhou: Suzhou Park" in run("areas", *DAY, "--zones", file)[1]


def test_before_the_pilot_everything_is_outside(run):
    code, out, _ = run("locate", "116.397,39.907", "--as-of", "2024-10-22", "--format", "json")
    (row,) = json.loads(out)
    assert (code, row["relation"], row["nearest_area"], row["distance_m"]) == (0, "outside", None, None)
    assert run("locate", "116.397,39.907", "--as-of", "2024-10-22")[1].startswith("outside\n")


def test_areas(run):
    code, out, err = run("areas", *DAY)
    assert (code, err) == (0, "")
    assert [line.split(":")[0] for line in out.splitlines() if line[0] != " "][:4] == [
        *("beijing", "shanghai", "hainan", "shenzhen")
    ]
    assert "北京市" in run("areas", *DAY, "--lang", "zh")[1]
    assert run("areas", "--as-of", "2024-10-22")[1] == "No pilot area is in force on 2024-10-22.\n"


def test_areas_as_json(run):
    found = json.loads(run("areas", *DAY, "--format", "json")[1])
    assert [area["id"] for area in found][:4] == ["beijing", "shanghai", "hainan", "shenzhen"]
    assert found[0]["reply_on"] == "2024-10-23"
    assert found[0]["parts"][0]["sha256"]
    one = json.loads(run("areas", "show", "beijing", *DAY, "--format", "json")[1])
    assert one == found[0]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_show_an_area(run, lang):
    code, out, _ = run("areas", "show", "shanghai", *DAY, "--lang", lang)
    assert code == 0
    for words in ("GS(2024)0650", "B25-1", "lingang", "121.486194,31.008151"):
        assert words in out


@pytest.mark.parametrize("args", [("show",), ("list",), ("show", "a", "b"), ("show", "tianjin")])
def test_areas_refuses(run, args):
    code, out, err = run("areas", *args)
    assert (code, out) == (2, "")
    assert "area" in err


def test_locate_imports_no_slow_library():
    """geopandas alone takes a second."""
    code = (
        "import sys; sys.argv = ['auditor', 'locate', '116.4,39.9'];\n"
        "from auditor import cli\n"
        "try: cli.main()\n"
        "except SystemExit: pass\n"
        "print([m for m in ('geopandas', 'networkx', 'pyogrio') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_address_shows_every_answer_and_the_vote(run):
    code, out, _ = run("locate", "115.238.79.111", *DAY)
    assert code == 0
    assert out.splitlines()[0] == "outside"
    assert "dbip on 115.238.79.111: city Hangzhou (330100); data of 2026-06-05" in out
    assert "ip2region on 115.238.79.111: city Hangzhou (330100); data of 2024-02-28" in out
    assert "Beijing: for nobody; against dbip, community, registry" in out
    assert "IP Geolocation by DB-IP (https://db-ip.com), CC BY 4.0" in out and "Apache-2.0" in out
    code, out, _ = run("locate", "115.238.79.111", *DAY, "--lang", "zh")
    assert out.splitlines()[0] == "区域外" and "杭州市" in out
    (record,) = json.loads(run("locate", "115.238.79.111", *DAY, "--format", "json")[1])
    assert record["relation"] == "outside" and record["input"] == {"ip": "115.238.79.111"}
    assert {a["source"] for a in record["answers"]} == {"dbip", "ip2region", "origins"}
    assert record["votes"]["shenzhen"]["void"] == ["dbip"]  # Guangzhou's database is no witness on Shenzhen


def test_a_block_of_shanghai_decides_nothing(run):
    (record,) = json.loads(run("locate", "202.96.209.0/24", *DAY, "--format", "json")[1])
    assert (record["relation"], record["area"]) == ("straddling", "shanghai")
    assert record["votes"]["shanghai"]["nothing"] == ["dbip", "community", "registry"]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_files_of_addresses_in_every_form(run, tmp_path, form):
    ips = [
        "202.96.209.5",
        "115.238.79.111",
        "10.0.0.1",
        "202.96.128.86",
    ]  # the last is said to be in Guangzhou
    source = tmp_path / f"in.{form}"
    table = pa.table({"ip": ips})
    if form == "csv":
        source.write_text("ip\n" + "\n".join(ips) + "\n")
    else:
        pq.write_table(table, source)
    told = json.loads(run("locate", source, *DAY, "--format", "json")[1])
    assert [t["input"]["ip"] for t in told] == ips
    assert [t["relation"] for t in told] == ["straddling", "outside", "unknown", "unknown"]
    for suffix in ("parquet", "csv", "json"):
        assert run("locate", source, *DAY, "-o", tmp_path / f"out.{suffix}")[0] == 0
    written = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [r["relation"] for r in written] == [t["relation"] for t in told]
    assert [r["dbip_region"] for r in written] == [t["regions"]["dbip"] for t in told]
    assert json.loads((tmp_path / "out.json").read_bytes()) == written
    assert (tmp_path / "out.csv").read_text().count("\n") == len(ips) + 1
    code, out, _ = run("locate", source, *DAY)
    assert code == 0 and "Hangzhou" in out
    code, _, err = run("locate", source, *DAY, "-o", tmp_path / "out.xls")
    assert code == 2 and "written as .parquet, .csv or .json" in err


def test_a_database_of_the_users_votes_with_the_others(run, tmp_path):
    (tmp_path / "own.csv").write_text(
        "start,end,country,province,city\n115.238.79.0,115.238.79.255,CN,上海市,上海市\n"
    )
    (tmp_path / "auditor.toml").write_text('[databases.own]\npath = "own.csv"\nvintage_on = 2026-11-01\n')
    config = ("--config", tmp_path / "auditor.toml")
    (record,) = json.loads(run("locate", "115.238.79.111", *DAY, *config, "--format", "json")[1])
    assert record["regions"]["databases.own"] == "310000"
    assert record["votes"]["shanghai"] | {"ratio": None} == {
        "support": [],
        "contradict": ["dbip", "community", "registry"],
        "nothing": ["own"],
        "void": [],
        "ratio": None,
    }


def test_files_in_gb18030_are_read_and_said(run, tmp_path):
    file = tmp_path / "gb.csv"
    file.write_bytes("name,lon,lat\n北京,116.4,39.9\n".encode("gb18030"))
    code, out, err = run("locate", file, *DAY)
    assert (code, out.split(":")[0]) == (0, "within")
    assert "was read as GB18030" in err
