"""What an area that leaves the pilot takes with it, against a count by hand."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import auditor
from auditor import exits
from auditor.case import Case
from auditor.readers._assemble import assemble
from auditor.readers._files import Folder
from auditor.settings import AreaEvent, load_settings
from auditor.tables import Log

ON = dt.date(2026, 11, 22)
AREAS = auditor.read_areas(ON)
CODES = ("B11", "B12", "B14")


def narrow(*services, area="shanghai"):
    return AreaEvent(area=area, on="2026-06-01", kind="narrow", services=services)


def case_of(rows):
    network = {"nodes": rows, "links": [], "complete": True}
    tree = {
        "schema": "auditor.declaration/1",
        "operator": {"name": "x", "domiciles": [{"region_code": "310115"}]},
        "services": [{"code": code, "regime": "pilot107"} for code in CODES],
        "network": network,
    }
    return Case(assemble(tree, Folder(None, Log(), "d")), AREAS, ON)


ROW = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["data_centre", "cdn_edge", "subscriber", "office"]),
        "services": st.lists(st.sampled_from(CODES), max_size=2, unique=True).map(";".join),
        "region_code": st.sampled_from(["310115", "330106", "460108"]),
        "count": st.none() | st.integers(1, 50),
        "status": st.sampled_from(["active", "retired"]),
    }
)


@given(rows=st.lists(ROW, min_size=1, max_size=8), gone=st.lists(st.sampled_from(CODES), min_size=1))
def test_hits_are_those_counted_by_hand(rows, gone):
    rows = [
        {"id": f"n{i}", "owner": "customer" if row["kind"] == "subscriber" else "operator", **row}
        for i, row in enumerate(rows)
    ]
    hits = exits.hit_by(case_of(rows), narrow(*gone))
    live = [row for row in rows if row["status"] == "active"]

    def served(row):
        default = {"B14"} if row["kind"] == "subscriber" else set(CODES)
        return bool((set(filter(None, row["services"].split(";"))) or default) & set(gone))

    held = {
        row["id"]
        for row in live
        if row["kind"] in {"data_centre", "cdn_edge"} and row["region_code"] == "310115" and served(row)
    }
    users = [row for row in live if row["kind"] == "subscriber" and served(row)]
    assert set(hits.facilities.column("id").to_pylist()) == held
    assert set(hits.subscribers.column("id").to_pylist()) == {row["id"] for row in users}
    assert hits.users == sum(row["count"] or 1 for row in users)
    assert set(hits.services) == set(gone)


def test_another_area_hits_facilities_there_alone():
    rows = [
        {"id": "far", "kind": "data_centre", "owner": "operator", "region_code": "460108"},
        {"id": "near", "kind": "data_centre", "owner": "operator", "region_code": "310115"},
        {"id": "sub", "kind": "subscriber", "owner": "customer", "region_code": "310115"},
    ]
    hits = exits.hit_by(case_of(rows), narrow("B11", "B14", area="hainan"))
    assert (hits.services, hits.users) == ((), 0)
    assert hits.facilities.column("id").to_pylist() == ["far"]


def test_text_in_both_languages():
    folder = auditor.sample("hainan_exit")
    event = load_settings(folder / "auditor.toml").policy.area_events[0]
    hits = exits.hit_by(Case(auditor.read_declaration(folder), AREAS, ON), event)
    assert isinstance(hits.facilities, pa.Table)
    assert hits.to_text("en") == [
        "Hainan Free Trade Port is narrowed on 2026-07-01",
        "services hit: B14",
        "facilities hit: 1",
        "groups of subscribers hit: 2, subscribers: 5,200",
    ]
    assert hits.to_text("zh")[-1] == "受影响用户组：2 个，用户：5,200 户"


@pytest.mark.parametrize("area", ["nowhere", ""])
def test_an_unknown_area_hits_nothing(area):
    hits = exits.hit_by(
        case_of([{"id": "a", "kind": "data_centre", "owner": "operator"}]), narrow("B11", area=area)
    )
    assert (hits.services, hits.facilities.num_rows, hits.users) == ((), 0, 0)
