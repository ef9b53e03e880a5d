"""Findings as tables: the same rows in every format, typed where the format has types, and inert everywhere."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
import sqlite3
import unicodedata
import zipfile
from dataclasses import replace
from itertools import pairwise

import geopandas
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import python_calamine
import shapely
from hypothesis import example, given
from hypothesis import strategies as st

import auditor
from auditor.errors import OBEYED, visible
from auditor.findings import SETTLED, Verdict
from auditor.formulas import spoken
from auditor.messages import VERDICTS
from auditor.reports import _told as told
from auditor.reports._content import dumps, head
from auditor.reports._rows import ARROWS, COLUMNS, FACTS, LABELS, Findings, flat, line, whole
from auditor.reports.csv_ import REPORT as CSV
from auditor.reports.geojson import REPORT as GEOJSON
from auditor.reports.gpkg import REPORT as GPKG
from auditor.reports.parquet import REPORT as PARQUET
from auditor.reports.xlsx import REPORT as XLSX
from auditor.reports.xlsx import SHEETS, WIDTHS
from auditor.workbook import LONGEST, MOMENT

SAMPLES = ("shanghai_violations", "shenzhen_two_areas", "backbone", "thin", "saas_nationwide_cdn")
SIGNS = tuple("=+-@\t\r＝＋－＠")
FORMULAS = (
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    '=HYPERLINK("http://evil.example";"x")',
    "\t=1+1",
    "\r=1+1",
    "＝1+1",
    "＠x",
    "'=1+1",
    "-5",
    'a","=1+1',
    "a;=1+1",
    "_x0041_",
)


def bytes_of(report, result, all_findings=False):  # noqa: FBT002
    return b"".join(report.render(result, all_findings))


def rows_of_csv(data):
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))


def table_of(data):
    return pq.read_table(io.BytesIO(data))


def database(data):
    db = sqlite3.connect(":memory:")
    db.deserialize(data)
    return db


def workbook(data):
    return openpyxl.load_workbook(io.BytesIO(data))


def names(result, all_findings):
    verdicts = set(Verdict) if all_findings else set(Verdict) - SETTLED
    return [(f.rule, f.subject, str(f.verdict), f.fingerprint) for f in result.findings.rows(verdicts)]


def named(rows):
    """Name rows of any format: rule, subject, verdict, fingerprint."""
    return [
        (
            r["rule"],
            ":".join(filter(None, (r["subject_kind"], r["subject_id"]))),
            r["verdict"],
            r["fingerprint"],
        )
        for r in rows
    ]


@pytest.fixture(scope="module")
def bad(audited):
    return audited["shanghai_violations"]


@pytest.fixture(scope="module")
def chinese(bad):
    return replace(bad, lang="zh")


# --- the same rows in every format --------------------------------------------------------------------------


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("all_findings", [False, True])
def test_every_format_has_the_same_rows(sample, all_findings, audited):
    result = audited[sample]
    wanted = names(result, all_findings)
    assert wanted or sample == "domestic_operator"
    assert named(rows_of_csv(bytes_of(CSV, result, all_findings))) == wanted
    assert named(table_of(bytes_of(PARQUET, result, all_findings)).to_pylist()) == wanted
    features = json.loads(bytes_of(GEOJSON, result, all_findings))["features"]
    found = [f["properties"] for f in features if f["properties"]["feature"] == "finding"]
    assert named(found) == wanted
    db = database(bytes_of(GPKG, result, all_findings))
    db.row_factory = sqlite3.Row
    assert named(db.execute("SELECT * FROM findings ORDER BY fid").fetchall()) == wanted
    sheet = workbook(bytes_of(XLSX, result, all_findings))["Findings"]
    heads, *rows = sheet.iter_rows(values_only=True)
    at = {
        name: heads.index(LABELS[name].en)
        for name in ("rule", "subject_kind", "subject_id", "verdict", "fingerprint")
    }
    assert named([{name: row[i] for name, i in at.items()} for row in rows]) == wanted


def test_a_result_without_findings_is_a_table_without_rows(audited):
    result = audited["domestic_operator"]
    assert names(result, all_findings=False) == []
    assert bytes_of(CSV, result).decode().count("\n") == 1
    assert table_of(bytes_of(PARQUET, result)).num_rows == 0
    assert json.loads(bytes_of(GEOJSON, result))["features"] == []
    assert pyogrio_layers(bytes_of(GPKG, result))["findings"] == 0
    assert workbook(bytes_of(XLSX, result))["Findings"].max_row == 1


def pyogrio_layers(data):
    db = database(data)
    return {
        table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 -- names of ours
        for (table,) in db.execute("SELECT table_name FROM gpkg_contents").fetchall()
    }


def test_columns_hold_what_the_result_holds(bad):
    row = next(r for r in Findings(bad, False).table.to_pylist() if r["rule"] == "PILOT-FAC-01")
    finding = next(f for f in bad.unsettled if f.rule == "PILOT-FAC-01")
    assert row["subject_id"] == "edge-hz-1"
    assert row["message"] == row["message_en"] == bad.message(finding, "en")
    assert row["message_zh"] == bad.message(finding, "zh")
    assert row["ask_zh"] == bad.ask(finding, "zh")
    assert round(row["distance_m"]) == finding.details["distance_m"] > 100_000
    assert (row["lon"], row["lat"]) == (120.21, 30.208)
    assert (row["relation"], row["area"], row["kind"]) == ("outside", None, "cdn_edge")
    assert row["services"] == ["B12"]
    assert row["clauses"] == ["annex-2-2-place"]
    assert "107" in row["article"]


def test_distance_is_negative_inside_and_blank_without_place(audited):
    table = Findings(audited["thin"], True).table.to_pylist()
    assert {r["distance_m"] for r in table} == {None}
    inside = [r for r in Findings(audited["beijing_idc"], True).table.to_pylist() if r["lon"] is not None]
    assert inside and all(r["distance_m"] < 0 and r["relation"] == "within" for r in inside)
    coast = Findings(audited["hainan_gcj02_as_wgs84"], False).table.to_pylist()
    assert [round(r["distance_m"]) for r in coast] == [-181, -181]


def test_links_and_names_that_look_like_other_kinds(audited):
    """A link's row is that of the link table; a service is neither node nor link, even if a node has its name."""
    rows = Findings(audited["backbone"], True).table.to_pylist()
    links = [r for r in rows if r["subject_kind"] == "link"]
    assert links and all(r["lon"] is None and r["relation"] is None for r in links)
    services = [r for r in rows if r["subject_kind"] == "service"]
    assert services and all(r["kind"] is None and r["owner"] is None for r in services)


def test_words_are_in_the_language_of_the_result(bad, chinese):
    for result in (bad, chinese):
        rows = rows_of_csv(bytes_of(CSV, result))
        assert {r["verdict_word"] for r in rows} == {VERDICTS[Verdict.FAIL].in_(result.lang)}
        assert all(r["message"] == r[f"message_{result.lang}"] for r in rows)
        assert all(r["message_en"] != r["message_zh"] for r in rows)
        assert rows[0]["rule_title"] == result.rule(rows[0]["rule"]).title.in_(result.lang)
    assert workbook(bytes_of(XLSX, chinese)).sheetnames == [name.zh for name in SHEETS.values()]


def test_numbers_of_findings_agree_with_the_result(audited):
    for result in audited.values():
        assert Findings(result, True).table.num_rows == sum(sum(c.values()) for c in result.counts.values())


# --- CSV ----------------------------------------------------------------------------------------------------


def test_csv_has_the_facts_of_the_run_in_every_row(bad):
    data = bytes_of(CSV, bad)
    rows = rows_of_csv(data)
    assert list(rows[0]) == [*COLUMNS, *FACTS]
    told = {tuple(row[name] for name in FACTS) for row in rows}
    assert told == {
        (
            "示例临港数据（上海）有限公司",
            "91310115MADEM00117",
            "shanghai",
            "2026-11-22",
            auditor.__version__,
            "fail",
        )
    }


def test_csv_joins_paths_by_arrows_and_lists_by_semicolons(bad):
    row = next(r for r in rows_of_csv(bytes_of(CSV, bad)) if r["subject_id"] == "sub-lg-homes")
    assert row["path"].startswith("sub-lg-homes → ") and row["path"].endswith(" → ixp-sh-1")
    assert row["handoff"] == "border-lg-1 → ixp-sh-1"
    assert row["services"] == "B14"


@pytest.mark.parametrize("sample", ["twisted", "declared"])
def test_no_cell_of_a_csv_is_a_formula(sample, twisted, declared_hostile):
    result = twisted.make(FORMULAS, (1, -2.5)) if sample == "twisted" else declared_hostile
    lines = list(csv.reader(io.StringIO(bytes_of(CSV, result, True).decode(), newline="")))
    assert len({len(row) for row in lines}) == 1
    cells = [cell for row in lines for cell in row]
    assert not [c for c in cells if c.startswith(SIGNS) and not plain_number(c)]
    assert any(c.startswith("'=") for c in cells)
    shown = [c for row in rows_of_csv(bytes_of(CSV, result, True)) for c in row["subject_id"].splitlines()]
    assert all(c.isprintable() for c in shown)


def plain_number(text):
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def test_what_csv_guards_can_be_read_back(declared_hostile):
    rows = rows_of_csv(bytes_of(CSV, declared_hostile, True))
    ids = spoken(pa.array([row["subject_id"] for row in rows])).to_pylist()
    assert ids == [f.subject.partition(":")[2] for f in declared_hostile.findings.rows()]


@pytest.fixture(scope="module")
def declared_hostile(tmp_path_factory):
    """A declaration whose every open field is a formula."""
    formula = FORMULAS[0]
    ids = [text for text in FORMULAS if not set(text) & set("\t\r")]
    nodes = [
        {
            "id": text,
            "kind": "server",
            "owner": "operator",
            "name": text,
            "region_code": "330108",
            "address": text,
        }
        for text in ids
    ]
    nodes += [
        {"id": f"@{i}", "kind": kind, "owner": "+owner", "name": "-name", "region_code": "310115"}
        for i, kind in enumerate(("subscriber", "ixp"))
    ]
    tree = {
        "schema": "auditor.declaration/1",
        "declared_on": "2026-10-01",
        "operator": {"name": formula, "nature": "foreign_invested", "uscc": "91310115MADEM00117"},
        "services": [{"code": code, "regime": "pilot107"} for code in ("B12", "B14")],
        "contracts": [
            {"id": "=c", "kind": "cdn", "supplier": formula, "purpose": "pilot_service", "node_ids": ids[:2]}
        ],
        "network": {
            "nodes": nodes,
            "links": [{"source": "@0", "target": "@1", "id": "=link", "owner": formula}],
        },
    }
    path = tmp_path_factory.mktemp("hostile") / "=1+1.json"
    path.write_text(json.dumps(tree), "utf-8")
    return auditor.check(auditor.read_declaration(path), as_of="2026-11-22")


# --- Parquet ------------------------------------------------------------------------------------------------


def test_parquet_is_typed_and_tells_of_the_run(bad):
    table = table_of(bytes_of(PARQUET, bad, True))
    kinds = {name: table.schema.field(name).type for name in table.column_names}
    assert kinds["as_of"] == pa.date32() and table["as_of"][0].as_py() == dt.date(2026, 11, 22)
    assert kinds["verdict"] == kinds["operator"] == pa.dictionary(pa.int32(), pa.string())
    assert kinds["path"] == kinds["services"] == pa.list_(pa.string())
    assert kinds["distance_m"] == pa.float64()
    assert json.loads(table.schema.metadata[b"auditor"]) == json.loads(dumps(head(bad)))


def test_parquet_is_read_by_pandas_duckdb_and_geopandas(bad, tmp_path):
    import duckdb
    import pandas as pd

    path = tmp_path / "r.parquet"
    path.write_bytes(bytes_of(PARQUET, bad))
    assert pd.read_parquet(path)["rule"].value_counts().to_dict()["PILOT-ISP-02"] == 4
    con = duckdb.connect(
        config={"autoinstall_known_extensions": False, "enable_geoparquet_conversion": False}
    )
    query = "SELECT subject_id, len(path) FROM read_parquet(?) WHERE path IS NOT NULL ORDER BY 1"
    assert con.execute(query, [str(path)]).fetchall()[0] == ("sub-fc-firms", 5)
    frame = geopandas.read_parquet(path)
    assert frame.crs.to_epsg() == 4326 or frame.crs == "OGC:CRS84"
    assert frame.geometry[0].equals(shapely.Point(120.21, 30.208))
    assert frame.geometry.isna().sum() == (frame["lon"].isna()).sum()


def test_parquet_holds_texts_as_they_are(declared_hostile):
    table = table_of(bytes_of(PARQUET, declared_hostile, True))
    assert set(table["subject_id"].to_pylist()) >= {"=cmd|' /C calc'!A0", "＝1+1", 'a","=1+1'}


# --- GeoJSON and GeoPackage ---------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", SAMPLES)
def test_geojson_is_one_by_rfc_7946(sample, audited):
    tree = json.loads(bytes_of(GEOJSON, audited[sample], True))
    assert tree["type"] == "FeatureCollection" and "crs" not in tree
    assert tree["auditor"] == json.loads(dumps(head(audited[sample])))
    for feature in tree["features"]:
        assert set(feature) == {"type", "geometry", "properties"} and feature["type"] == "Feature"
        shape = feature["geometry"]
        assert shape is None or shape["type"] in {"Point", "LineString", "MultiLineString"}
        if shape is not None:
            made = shapely.from_geojson(json.dumps(shape))
            assert made.is_valid and not made.is_empty
            west, south, east, north = made.bounds
            assert -180 <= west <= east <= 180 and -90 <= south <= north <= 90


def test_paths_are_drawn_as_they_run(bad):
    tree = json.loads(bytes_of(GEOJSON, bad))
    case, ways = bad.case, [f for f in tree["features"] if f["properties"]["feature"] == "path"]
    assert len(ways) == sum("path" in f.details for f in bad.unsettled) == 4
    drawn = 0
    for way in ways:
        rows = case.rows_of(way["properties"]["path"])
        places = [(case.place.lon[r], case.place.lat[r]) for r in rows if r >= 0]
        known = {(round(x, 7), round(y, 7)) for x, y in places if not math.isnan(x)}
        if way["geometry"]:
            assert {
                tuple(xy)
                for xy in shapely.get_coordinates(shapely.from_geojson(json.dumps(way["geometry"]))).tolist()
            } <= known
            drawn += 1
    assert drawn


def test_others_open_the_geojson(bad, tmp_path):
    path = tmp_path / "r.geojson"
    path.write_bytes(bytes_of(GEOJSON, bad, True))
    info = pyogrio.read_info(f"GeoJSON:{path}")
    assert info["driver"] == "GeoJSON" and info["crs"] == "EPSG:4326"
    assert info["features"] == len(json.loads(path.read_bytes())["features"])


def test_geojson_never_moves_a_terminal(twisted):
    data = bytes_of(GEOJSON, twisted.make(twisted.ugly[:-1]), True).decode()
    assert not [c for c in data if c != "\n" and not c.isprintable() and c not in "\u3000\ufffe\uffff"]
    values = [f["properties"]["subject_id"] for f in json.loads(data)["features"]]
    assert any("\x1b[31m\x85\u202e" in value for value in values)


def test_geopackage_is_one_by_its_standard(bad):
    data = bytes_of(GPKG, bad, True)
    assert data[68:72] == b"GPKG"
    db = database(data)
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    assert db.execute("PRAGMA user_version").fetchone() == (10300,)
    assert {row[0] for row in db.execute("SELECT srs_id FROM gpkg_spatial_ref_sys")} == {-1, 0, 4326}
    kinds = dict(db.execute("SELECT table_name, geometry_type_name FROM gpkg_geometry_columns").fetchall())
    assert kinds == {"findings": "POINT", "paths": "MULTILINESTRING", "zones": "MULTIPOLYGON"}
    run = dict(db.execute("SELECT key, value FROM run").fetchall())
    assert run["as_of"] == "2026-11-22" and json.loads(run["operator"])["uscc"] == "91310115MADEM00117"


def test_others_open_the_geopackage(bad, audited, tmp_path):
    path = tmp_path / "r.gpkg"
    path.write_bytes(bytes_of(GPKG, bad, True))
    assert pyogrio.read_info(path, layer="findings")["driver"] == "GPKG"
    points = pyogrio.read_dataframe(path, layer="findings")
    assert points.crs.to_epsg() == 4326 and points.geometry.notna().sum() > 30
    zones = pyogrio.read_dataframe(path, layer="zones")
    assert zones.geometry.is_valid.all()
    by_part = dict(zip(zones["part"], zones.geometry, strict=True))
    for part in bad.case.areas.parts:
        assert by_part[part.id].equals(part.geometry)
    path.write_bytes(bytes_of(GPKG, audited["backbone"], True))
    ways = pyogrio.read_dataframe(path, layer="paths")
    assert set(ways["what"]) == {"link", "path"} and ways.geometry.notna().any()


POINT = st.tuples(
    st.floats(-180, 180).map(lambda x: round(x, 7)), st.floats(-90, 90).map(lambda y: round(y, 7))
)


SEAM = st.tuples(st.sampled_from([-180.0, 180.0, 179.0, -179.0, 0.0]), st.sampled_from([0.0, 10.0]))


def same_place(a, b):
    return a == b or (a[1] == b[1] and abs(a[0]) == abs(b[0]) == 180)


@given(st.lists(st.none() | POINT | SEAM, max_size=8))
@example([(180.0, 0.0), (-180.0, 0.0)])
@example([(180.0, 0.0), (-180.0, 10.0), (170.0, 10.0)])
def test_a_line_goes_through_its_places_the_short_way(points):
    made = line(points)
    known = [p for p in points if p is not None]
    steps = [(a, b) for a, b in pairwise(points) if a is not None and b is not None and not same_place(a, b)]
    assert (made is None) == (not steps)
    for part in shapely.get_parts(made) if made is not None else ():
        places = shapely.get_coordinates(part).tolist()
        assert len(places) > 1
        assert all(a != b and abs(a[0] - b[0]) <= 180 for a, b in pairwise(places))
        assert all(tuple(p) in known or abs(p[0]) == 180 for p in places)
    drawn = [] if made is None else [tuple(p) for p in shapely.get_coordinates(made).tolist()]
    assert all(any(same_place(p, q) for q in drawn) for step in steps for p in step)


# --- XLSX ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("sample", ["twisted", "declared"])
def test_no_cell_of_a_workbook_is_a_formula(sample, lang, twisted, declared_hostile):
    result = (
        twisted.make(FORMULAS, (1,), lang) if sample == "twisted" else replace(declared_hostile, lang=lang)
    )
    data = bytes_of(XLSX, result, True)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheets = [archive.read(n).decode() for n in archive.namelist() if n.startswith("xl/worksheets/sheet")]
        assert len(sheets) == 4
        assert not any("<f>" in text or "<f " in text or "<hyperlink" in text for text in sheets)
        assert not any("externalLink" in name or "vba" in name.lower() for name in archive.namelist())
    cells = [c for sheet in workbook(data) for row in sheet.iter_rows() for c in row]
    assert not [c.coordinate for c in cells if c.data_type == "f" or c.hyperlink]
    texts = {c.value for c in cells if c.data_type in {"s", "inlineStr"}}
    assert any(str(text).startswith(("=", "+", "@")) for text in texts)  # as they are, nothing before them


def test_a_workbook_says_the_same_to_another_reader(declared_hostile):
    data = bytes_of(XLSX, declared_hostile, True)
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
    rows = book.get_sheet_by_name("Findings").to_python()
    at = rows[0].index("Subject")
    wanted = [f.subject.partition(":")[2] for f in declared_hostile.findings.rows()]
    assert [row[at] for row in rows[1:]] == wanted


def test_a_workbook_is_laid_out_for_people(bad, chinese):
    for result in (bad, chinese):
        book = workbook(bytes_of(XLSX, result))
        sheet = book[SHEETS["findings"].in_(result.lang)]
        assert sheet.freeze_panes == "C2" and sheet.auto_filter.ref.startswith("A1:")
        assert sheet.max_column == len(WIDTHS)
        fail = sheet["A2"]
        assert fail.value == VERDICTS[Verdict.FAIL].in_(result.lang) and fail.fill.fgColor.rgb.endswith(
            "F8D7DA"
        )
        assert sheet["E2"].alignment.wrap_text and sheet.row_dimensions[2].height > 20
        assert sheet["G2"].value in {"high", "高", "严重", "critical"}
        assert book.properties.title.endswith("2026-11-22")
        clauses = [row[5] for row in book[SHEETS["clauses"].in_(result.lang)].iter_rows(values_only=True)]
        assert "ISP 业务服务范围仅限本试点区域，" in clauses
        summary = list(book[SHEETS["summary"].in_(result.lang)].iter_rows(values_only=True))
        told = " ".join(str(cell) for row in summary for cell in row)
        for sha in [i.sha256 for i in result.case.declaration.inputs]:
            assert sha in told
        assert "天地图" in told and result.case.policy.sha256 in told
        causes = list(book[SHEETS["causes"].in_(result.lang)].iter_rows(min_row=2, values_only=True))
        assert sum(row[2] for row in causes) == len(result.unsettled)


def test_a_cell_holds_no_more_than_it_can(twisted):
    book = workbook(bytes_of(XLSX, twisted.make(["a", "😀" * 40_000, "_x0041_" * 9_000])))
    longest = max(
        len(str(c).encode("utf-16-le")) // 2
        for sheet in book
        for row in sheet.iter_rows(values_only=True)
        for c in row
        if c is not None
    )
    assert 10_000 < longest <= LONGEST


def test_a_workbook_holds_no_times(bad):
    data = bytes_of(XLSX, bad)
    assert data == bytes_of(XLSX, bad)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {member.date_time for member in archive.infolist()} == {MOMENT}


def test_half_a_character_is_replaced():
    assert whole("a\ud800b") == "a?b" and whole("名称") == "名称"


# --- texts of tables, against cell by cell ----------------------------------------------------------------

TEXTS = st.one_of(
    st.none(), st.text(max_size=4), st.sampled_from(["=1", "名\u3000", "\x1b[31m", "\u202ea", "é"])
)


def plainly(text):
    """Show a text character by character, as `visible` says."""
    return "".join(c if unicodedata.category(c) not in OBEYED else ascii(c)[1:-1] for c in text)


def flat_plainly(table, shown_as):
    """Write a table as `flat` does, a cell at a time."""
    columns = {}
    for name in table.column_names:
        mark = " → " if name in ARROWS else ";"
        texts = [mark.join(v) if isinstance(v, list) else v for v in table.column(name).to_pylist()]
        columns[name] = [shown_as(v) if isinstance(v, str) else v for v in texts]
    return columns


@given(st.text())
def test_visible_as_it_says(text):
    assert visible(text) == plainly(text)


@given(
    st.lists(st.tuples(TEXTS, TEXTS, st.lists(st.text(max_size=3), max_size=3) | st.none()), max_size=8),
    st.integers(0, 8),
    st.sampled_from([str, visible]),
)
def test_flat_as_cell_by_cell(rows, cut, shown_as):
    kinds = {
        "name": pa.string(),
        "kind": pa.dictionary(pa.int32(), pa.string()),
        "path": pa.list_(pa.string()),
    }
    parts = []
    for part in (rows[:cut], rows[cut:]):  # chunks whose dictionaries differ
        columns = {"name": [r[0] for r in part], "kind": [r[1] for r in part], "path": [r[2] for r in part]}
        arrays = {name: pa.array(columns[name], kind) for name, kind in kinds.items()}
        parts.append(
            pa.table(
                {**arrays, "clauses": arrays["path"], "metres": pa.array([1.5] * len(part), pa.float64())}
            )
        )
    table = pa.concat_tables(parts)
    assert flat(table, shown_as).to_pydict() == flat_plainly(table, plainly if shown_as is visible else str)


@pytest.mark.parametrize("most", [1, 3])
def test_csv_in_pieces_as_at_once(result, monkeypatch, most):
    whole_ = bytes_of(CSV, result, all_findings=True)
    monkeypatch.setattr("auditor.reports._told.CHUNK", most)
    tables = "auditor.reports._rows.tables"
    monkeypatch.setattr(tables, lambda result, verdicts: told.tables(result, verdicts, few=0))
    assert len(list(CSV.render(result, True))) > len(result.findings.rules)
    assert bytes_of(CSV, result, all_findings=True) == whole_
