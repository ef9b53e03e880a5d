from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from pydantic import ValidationError

from auditor.model import Approval, Contract, Declaration, Domicile, Note, Operator, Service, read_document
from auditor.tables import Log


def document(**parts):
    return {"schema": "auditor.declaration/1", "operator": {"name": "Example"}, **parts}


def test_only_the_name_and_the_code_are_needed():
    operator, service = Operator(name="Example"), Service(code="B14")
    assert (operator.uscc, operator.nature, operator.domiciles) == (None, None, ())
    assert (service.content, service.scope) == (None, ())
    assert Approval().kind is None
    assert Contract().open_node_set is None


def test_unknown_and_none_are_told_apart():
    assert Service(code="B14", content=[]).content == ()
    assert Service(code="B14", content=None).content is None


def test_records_do_not_change():
    with pytest.raises(ValidationError):
        Operator(name="Example").name = "Other"


def test_texts_are_tidied():
    operator = Operator(name="  Zu\u0308rich ", uscc="9111 0000 1000 1770 7h", group=" ", pilot_area=7)
    assert operator.name == "Z\u00fcrich"
    assert (operator.uscc, operator.group, operator.pilot_area) == ("91110000100017707H", None, "7")
    assert Service(code="B14", scope="shanghai; CN;").scope == ("shanghai", "CN")


@pytest.mark.parametrize(
    ("given", "read"), [("gcj02", "GCJ-02"), ("wgs 84", "WGS84"), ("UNKNOWN", "unknown"), ("", None)]
)
def test_words_have_one_spelling(given, read):
    assert Domicile(datum=given).datum == read


def test_dates_are_dates_or_iso_text():
    assert Domicile(from_on="2026-01-02").from_on == dt.date(2026, 1, 2)
    for bad in (20260102, "20260102", "2026-W01-1", dt.datetime(2026, 1, 2)):  # noqa: DTZ001 -- naive is meant
        with pytest.raises(ValidationError, match="is no date"):
            Domicile(from_on=bad)


def test_an_approval_may_end_on_the_day_it_is_given():
    day = dt.date(2026, 1, 2)
    assert Approval(issued_on=day, expires_on=day).expires_on == day
    with pytest.raises(ValidationError, match="is before issued_on"):
        Approval(issued_on=day, expires_on=dt.date(2026, 1, 1))


def test_numbers_are_no_booleans_and_no_text():
    for bad in (True, "0.5", float("inf")):
        with pytest.raises(ValidationError, match="is no number"):
            Operator(name="Example", foreign_share=bad)
    assert Operator(name="Example", foreign_share=1).foreign_share == 1.0


def test_a_domicile_nowhere_is_unknown_and_noted():
    log = Log()
    domiciles = [{"lon": 121.0, "lat": 31.0}, {"lon": 0, "lat": 0.0}]
    read = read_document(document(operator={"name": "x", "domiciles": domiciles}), "d.toml", log)
    assert read is not None
    assert [(d.lon, d.lat) for d in read.operator.domiciles] == [(121.0, 31.0), (None, None)]
    assert log.notes == [Note("d.toml, operator.domiciles 2", "0,0 read as unknown")]


def test_a_value_of_the_wrong_shape_says_where():
    log = Log()
    parts = document(operator="Example", approvals={"kind": "licence"}, services=["B14"])
    assert read_document(parts, "d.toml", log) is None
    assert [str(problem) for problem in log.problems.found] == [
        "d.toml, operator: 'Example' is no table of keys",
        "d.toml, approvals: '{'kind': 'licence'}' is no list of records",
        "d.toml, services 1: 'B14' is no table of keys",
    ]


def test_what_nobody_reads_is_listed_by_its_place():
    log = Log()
    contracts = [{"kind": "cdn"}, {"kind": "ip", "price": 3}]
    read = read_document(document(contracts=contracts, network={"nodes": "n.csv", "mood": 1}), "d.toml", log)
    assert read is not None
    assert [unused.what for unused in log.unused] == ["contracts 2.price", "network.mood"]
    assert read.contracts[1].model_extra == {"price": 3}


def test_a_declaration_does_not_change():
    declaration = Declaration(operator=Operator(name="x"), nodes=pa.table({}), links=pa.table({}))
    with pytest.raises(AttributeError):
        declaration.complete = True
