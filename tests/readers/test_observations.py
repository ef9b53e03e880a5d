"""Observations come back as they were written, and what is wrong in a file is said with its row."""

import datetime as dt
import json

import pyarrow as pa
import pyarrow.parquet
import pytest

import auditor
from auditor import observations
from auditor.errors import DeclarationError, UsageError, visible
from auditor.observations import Observations, Provenance

NOW = dt.datetime(2026, 11, 22, 8, 30, tzinfo=dt.UTC)
HEAD = "subject,asked,source,family,kind,outcome,extent,region,lon,lat,radius_m,bound,seen_at\n"
GOOD = "node:a,202.96.209.5,dbip,dbip,place,answer,city,310000,,,,,2026-11-22T08:30:00Z\n"


def some():
    table = observations.table(
        3,
        subject=["node:a", "prefix:202.96.209.0/24", "domain:cdn.example.cn"],
        asked=["202.96.209.5", "202.96.209.0/24", "cdn.example.cn"],
        source=["dbip", "origins", "dns"],
        family=["dbip", "registry", "dns"],
        kind=["place", "origin", "name"],
        outcome="answer",
        extent=["city", None, None],
        region=["310000", None, None],
        asn=[None, 4812, None],
        seen_at=NOW,
        vintage_on=[dt.date(2026, 6, 5), None, None],
        details=[None, None, '{"chain":["cdn.example.cn"],"addresses":["202.96.209.5"]}'],
    )
    sources = (
        Provenance(
            "dbip",
            "dbip",
            "DB-IP City Lite",
            dt.date(2026, 6, 5),
            "CC BY 4.0",
            "IP Geolocation by DB-IP",
            "0" * 64,
        ),
    )
    return Observations(table, sources)


def test_parquet_comes_back_as_it_was(tmp_path):
    path = tmp_path / "observations.parquet"
    observations.write(some(), path)
    back = auditor.read_observations(path)
    assert back.table.equals(some().table)
    assert back.sources == some().sources
    assert back.name == "observations.parquet" and len(back.sha256) == 64
    again = tmp_path / "again.parquet"
    observations.write(some(), again)
    assert again.read_bytes() == path.read_bytes()


def test_csv_of_a_person_is_read(tmp_path):
    path = tmp_path / "observations.csv"
    path.write_text(HEAD + GOOD, "utf-8")
    back = auditor.read_observations(path)
    assert back.table.column("grade").to_pylist() == ["E4"]
    assert back.table.column("seen_at").to_pylist() == [NOW]
    assert [s.source for s in back.sources] == ["dbip"]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (
            "a,1.2.3.4,s,f,place,answer,city,310000,,,,,2026-11-22T08:30:00Z",
            "row 3, subject: 'a' is no subject",
        ),
        (
            "node:a,1.2.3.4,s,f,place,answer,city,Shanghai,,,,,2026-11-22T08:30:00Z",
            "row 3, region: 'Shanghai' is no region",
        ),
        (
            "node:a,1.2.3.4,s,f,where,answer,city,310000,,,,,2026-11-22T08:30:00Z",
            "row 3, kind: 'where' is not known",
        ),
        (
            "node:a,1.2.3.4,s,f,place,answer,disc,,,,,,2026-11-22T08:30:00Z",
            "row 3, extent: a disc without lon, lat",
        ),
        ("node:a,1.2.3.4,s,f,place,answer,disc,,200,31,5,,2026-11-22T08:30:00Z", "row 3, lon"),
        (
            "node:a,1.2.3.4,s,f,place,answer,disc,,120,31,-5,,2026-11-22T08:30:00Z",
            "row 3, radius_m: -5 is negative",
        ),
        (
            "node:a,1.2.3.4,s,f,place,answer,city,310000,,,,,2026-11-22 08:30",
            "row 3, seen_at: '2026-11-22 08:30' is no point of time",
        ),
        ("node:a,1.2.3.4,,f,place,answer,city,310000,,,,,2026-11-22T08:30:00Z", "row 3, source: is blank"),
    ],
)
def test_what_is_wrong_is_said_with_its_row(tmp_path, row, told):
    path = tmp_path / "observations.csv"
    path.write_text(HEAD + GOOD + row + "\n", "utf-8")
    with pytest.raises(DeclarationError) as caught:
        auditor.read_observations(path)
    assert told in str(caught.value)


def problems_of(tmp_path, table):
    pyarrow.parquet.write_table(table, tmp_path / "o.parquet")
    with pytest.raises(DeclarationError) as caught:
        auditor.read_observations(tmp_path / "o.parquet")
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("details", "{", "'{' is no JSON: unexpected end of data"),
        ("details", "[" * 5000, "is no JSON: depth limit exceeded"),
        ("details", "5", "'5' is no JSON object"),
        ("details", '{"addresses": 5}', "addresses: Input should be a valid list"),
        ("details", '{"addresses": [5]}', "addresses.0: Input should be a valid string"),
        ("details", '{"chain": "a"}', "chain: Input should be a valid list"),
        ("details", '{"hops": "x"}', "hops: Input should be a valid list"),
        ("details", '{"hops": [1]}', "hops.0 is no JSON object"),
        ("details", '{"hops": [{"ttl": 1, "addresses": [null]}]}', "hops.0.addresses.0: Input should be a"),
        ("details", '{"from": {}}', "from: Input should be a valid string"),
        ("details", '{"rtt_ms": "x"}', "rtt_ms: Input should be a valid number"),
        ("digest", "../../../etc/passwd", "'../../../etc/passwd' is none; SHA-256 in 64 figures 0-9a-f"),
        ("digest", "AB" * 32, "is none; SHA-256 in 64 figures 0-9a-f"),
        ("asn", 2**32, "4294967296 is no AS number"),
        ("lon", 2**63 - 1, "no longitude: 9.22337e+18"),
        ("seen_at", "0001-01-01T00:00:00+23:00", "is no point of time"),
        ("seen_at", pa.scalar(2**62, pa.timestamp("us", "UTC")), "lies outside the years 1 to 9999"),
        (
            "vintage_on",
            pa.scalar(2**31 - 1, pa.int32()).cast(pa.date32()),
            "lies outside the years 1 to 9999",
        ),
        ("vintage_on", pa.scalar(2**62, pa.timestamp("us")), "lies outside the years 1 to 9999"),
    ],
)
def test_cells_that_no_rule_could_use_are_told_on_reading(tmp_path, column, value, told):
    table = some().table
    cells = pa.array([None, None, value] if not isinstance(value, pa.Scalar) else pa.repeat(value, 3))
    if column == "seen_at" and isinstance(value, str):
        cells = pa.array(["2026-11-22T08:30:00Z", "2026-11-22T08:30:00Z", value])
    problems = problems_of(tmp_path, table.set_column(table.column_names.index(column), column, cells))
    assert any(line.startswith(f"o.parquet, record 3, {column}: ") and told in line for line in problems)


@pytest.mark.parametrize("words", ["a\x1b[31m\u202eb\x7f\x9b", "\u200b" * 60_000, "名" * 40_000])
def test_whatever_words_a_source_gives_come_back(tmp_path, words):
    details = json.dumps({"hops": [{"ttl": 1, "addresses": [], "names": [words]}]}, ensure_ascii=False)
    table = observations.join(
        [some().table, some().table.slice(2).set_column(20, "details", pa.array([details]))]
    )
    for column in ("asked", "owner", "note"):
        cells = pa.array([None if column != "asked" else "a", "a", "b", words]).cast(
            observations.ARROW.field(column).type
        )
        table = table.set_column(table.column_names.index(column), column, cells)
    observations.write(Observations(observations.join([table])), tmp_path / "o.parquet")
    last = auditor.read_observations(tmp_path / "o.parquet").records([3])[0]
    assert last["details"]["hops"][0]["names"] == [words]
    for column in ("asked", "owner", "note"):
        assert last[column][:9] == visible(words)[:9]


def test_sources_of_another_shape_are_left_alone():
    assert (
        observations.read_sources({b"auditor": b'{"schema":"auditor.observations/1","sources":["x"]}'})
        is None
    )


def test_all_problems_come_at_once(tmp_path):
    path = tmp_path / "observations.csv"
    path.write_text(HEAD + "a,,s,f,where,answer,city,310000,,,,,never\n", "utf-8")
    with pytest.raises(DeclarationError) as caught:
        auditor.read_observations(path)
    assert sorted(p.field for p in caught.value.problems) == ["asked", "kind", "seen_at", "subject"]


def test_missing_columns_files_and_forms(tmp_path):
    path = tmp_path / "observations.csv"
    path.write_text("subject,asked\nnode:a,1.2.3.4\n", "utf-8")
    with pytest.raises(DeclarationError, match="source: the column is missing"):
        auditor.read_observations(path)
    with pytest.raises(UsageError, match="observations are"):
        auditor.read_observations(tmp_path / "observations.json")
    with pytest.raises(UsageError, match="cannot be read"):
        auditor.read_observations(tmp_path / "none.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DeclarationError, match="cannot be read as Parquet"):
        auditor.read_observations(tmp_path / "broken.parquet")


def test_a_table_of_another_program_needs_no_metadata(tmp_path):
    path = tmp_path / "observations.parquet"
    plain = some().table.replace_schema_metadata(None).drop_columns(["grade"])
    pyarrow.parquet.write_table(plain.append_column("extra", pa.array(["x"] * 3)), path)
    back = auditor.read_observations(path)
    assert [s.source for s in back.sources] == ["dbip", "dns", "origins"]
    assert back.table.column_names == observations.ARROW.names


def test_records_are_plain(tmp_path):
    record = some().records([2])[0]
    assert record["details"] == {"chain": ["cdn.example.cn"], "addresses": ["202.96.209.5"]}
    assert record["seen_at"] == "2026-11-22T08:30:00+00:00"
    assert "region" not in record


def test_the_builder_refuses_what_it_does_not_know():
    with pytest.raises(TypeError, match="no such columns: \\['place'\\]"):
        observations.table(1, place="x")
