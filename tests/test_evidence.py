"""Whom observations speak of, which of them count on a side, and what a finding tells of them."""

import json

import numpy as np
import pyarrow as pa
import pytest

import auditor
from auditor import datum, votes
from auditor.votes import Says
from tests.rules.test_cases import areas_on, build, observed

DAY = "2026-11-22"
NETWORK = {
    "base": "shanghai",
    "nodes": [
        {"id": "dc-1", "kind": "data_centre", "owner": "operator", "region_code": "310115"},
        {"id": "dc-2", "kind": "data_centre", "owner": "operator", "region_code": "110105"},
        {"id": "dc-3", "kind": "data_centre", "owner": "operator", "lon": 121.6, "lat": 31.2, "datum": "WGS84"},
    ],
    "set": {
        "services.0.domains": ["www.example.cn"],
        "network.prefixes": [
            {"prefix": "58.40.0.0/24", "node": "dc-2"},
            {"prefix": "58.41.0.0/24", "node": "gone"},
            {"prefix": "58.42.0.0/24"},
            {"prefix": "58.43.0.0/24", "node": "dc-1", "anycast": True},
        ],
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def hold(tmp_path_factory):
    path = tmp_path_factory.mktemp("evidence") / "declaration.json"

    def held(*records):
        path.write_text(json.dumps(build(NETWORK), default=str), "utf-8")
        seen = observed(records)
        return auditor.check(
            auditor.read_declaration(path), areas=areas_on(DAY), as_of=DAY, observations=seen, only=[]
        ).case.evidence

    return held


def row_of(evidence, node):
    return evidence.nodes.to_pylist().index(node)


SUBJECTS = [
    "node:dc-1", "node:nobody", "prefix:58.40.0.0/24", "prefix:58.41.0.0/24", "prefix:58.42.0.0/24",
    "prefix:1.1.1.0/24", "domain:www.example.cn", "domain:other.example.cn", "node:dc-2", "node:nobody", "node:",
]  # fmt: skip


def test_whom_rows_speak_of(hold):
    seen = hold(*({"subject": subject, "kind": "name"} for subject in SUBJECTS))
    names = [*seen.nodes.to_pylist(), None]
    assert [names[row] for row in seen.node.tolist()] == [
        "dc-1", None, "dc-2", None, None, None, None, None, "dc-2", None, None,
    ]  # fmt: skip
    assert seen.strangers == (
        ["domain:other.example.cn", "node:", "node:nobody", "prefix:1.1.1.0/24"], 5,
    )  # fmt: skip
    assert np.flatnonzero(seen.about("domain")).tolist() == [6, 7]
    assert np.flatnonzero(seen.about("prefix")).tolist() == [2, 3, 4, 5]
    assert [names[row] for row in np.flatnonzero(seen.nodes_with(seen.kind.isin({"name"})))] == [
        name for name in names if name in {"dc-1", "dc-2"}
    ]


def test_rows_by_node_and_by_name(hold):
    seen = hold(
        {"subject": "node:dc-2", "kind": "origin"},
        {"subject": "node:dc-1"},
        {"subject": "prefix:58.40.0.0/24"},
        {"subject": "node:dc-2"},
        {"subject": "node:nobody"},
        {"subject": "domain:www.example.cn", "kind": "name"},
        {"subject": "domain:www.example.cn"},
    )
    dc_2 = row_of(seen, "dc-2")
    assert seen.rows_on(dc_2).tolist() == [0, 2, 3]
    assert seen.rows_on(dc_2, "place").tolist() == [2, 3]
    assert seen.rows_on(dc_2, "origin", "place").tolist() == [0, 2, 3]
    assert seen.rows_on(row_of(seen, "dc-3")).tolist() == []
    assert seen.rows_of("domain:www.example.cn").tolist() == [5, 6]
    assert seen.rows_of("domain:www.example.cn", "name").tolist() == [5]
    assert seen.rows_of("domain:nowhere.cn", "name").tolist() == []
    assert seen.place_rows.tolist() == [1, 2, 3, 4, 6]


def test_silence_is_that_of_all_sources_on_the_same_address(hold):
    def origin(subject, asked, outcome, **more):
        return {"subject": subject, "asked": asked, "kind": "origin", "outcome": outcome, **more}

    seen = hold(
        origin("node:dc-1", "58.32.0.1", "no_record"),
        origin("node:dc-1", "58.32.0.2", "no_record"),
        origin("node:dc-1", "58.32.0.2", "answer", asn=4812),
        origin("node:dc-2", "58.32.0.2", "no_record"),
        origin("node:dc-2", "58.32.0.3", "unavailable"),
        {"subject": "node:dc-2", "asked": "58.32.0.3", "kind": "holder", "outcome": "no_record"},
        origin("node:dc-2", "58.32.0.1", "no_record"),
    )
    assert np.flatnonzero(seen.silent).tolist() == [0, 3, 6]


def disc(node, lon, lat, km, **more):
    where = {"lon": lon, "lat": lat, "radius_m": km * 1000.0, "extent": "disc"}
    return {"subject": f"node:{node}", "family": "delay", "bound": True, **where, **more}


def test_only_bounds_that_exclude_a_place_are_told_and_how_far_it_is(hold):
    seen = hold(
        disc("dc-3", 116.4, 39.9, 100),
        disc("dc-3", 121.5, 31.2, 100),
        disc("dc-3", 116.4, 39.9, 100, bound=False),
        disc("dc-1", 116.4, 39.9, 100),
        {"subject": "node:dc-3", "family": "community", "region": "330100"},
    )
    dc_1, dc_3 = row_of(seen, "dc-1"), row_of(seen, "dc-3")
    assert (seen.excluding(dc_3), seen.excluding(dc_1)) == ([0], [3])
    assert seen.away_m(0, dc_3) == round(datum.geod().inv(116.4, 39.9, 121.6, 31.2)[2])
    assert seen.away_m(0, dc_1) is None  # no coordinates are declared
    assert seen.away_m(4, dc_3) is None  # no disc
    assert seen.tally.bound[[dc_1, dc_3]].tolist() == [True, True]


def test_a_family_that_says_both_of_one_address_is_on_no_side(hold):
    def said(asked, region, family="community"):
        return {"subject": "node:dc-2", "asked": asked, "family": family, "region": region}

    seen = hold(
        said("58.32.0.1", "110000"),
        said("58.32.0.1", "330100"),
        said("58.32.0.1", "330100", "maxmind"),
        said("58.32.0.2", "330100"),
        said("58.32.0.2", "110000", "registry"),
        {"subject": "node:dc-2", "asked": "58.32.0.2", "kind": "origin", "asn": 4812},
    )
    assert seen.sides(range(6), Says.CONTRADICT) == [2, 3]
    assert seen.sides(range(6), Says.SUPPORT) == [4]


def test_anycast_is_what_lies_in_a_block_declared_so(hold):
    seen = hold(
        {"subject": "node:dc-1", "asked": "58.43.0.9", "region": "330100"},
        {"subject": "node:dc-1", "asked": "58.40.0.9", "region": "330100"},
        disc("dc-1", 116.4, 39.9, 100, asked="58.43.0.9"),
        {"subject": "node:dc-2", "asked": "58.43.0.9", "outcome": "unknown", "extent": "none"},
        {"subject": "node:dc-3", "asked": "58.40.0.9", "outcome": "unknown", "extent": "none"},
    )
    assert seen.anycast.tolist() == [True, False, False, True, False]
    placed = [name for name, known in zip(seen.nodes.to_pylist(), seen.placed, strict=True) if known]
    assert placed == ["dc-1"]


def test_what_a_finding_tells_of_a_row(hold):
    seen = hold(
        {"subject": "node:dc-1", "family": "community", "region": "330100", "digest": "ab" * 32, "note": "n"},
        {"subject": "node:dc-1", "family": "dbip", "region": "310104"},
        {"subject": "node:dc-1", "kind": "origin", "asn": 4812, "owner": "CHINANET-SH"},
    )
    against, nothing, origin = seen.told([0, 1, 2])
    assert against == {
        "kind": "place", "source": "community", "family": "community", "asked": "58.32.0.1", "extent": "city",
        "region": "330100", "outcome": "answer", "vintage_on": "2026-10-01",
        "seen_at": "2026-11-20T08:00:00+00:00", "digest": "ab" * 32, "note": "n",
        "name": {"en": "Hangzhou", "zh": "杭州市"}, "says": "contradict", "weight": 0.05, "why": {"en": "", "zh": ""},
    }  # fmt: skip
    assert (nothing["says"], nothing["weight"], nothing["why"]) == (
        "nothing", None, {"en": votes.REASONS["whole"].en, "zh": votes.REASONS["whole"].zh},
    )  # fmt: skip
    assert (origin["asn"], origin["owner"]) == (4812, "CHINANET-SH")
    assert not {"says", "weight", "why", "name"} & origin.keys()
    assert seen.joint(np.array([0, 1, 2])) == 0.05
    assert seen.joint(np.array([1, 2])) is None


def test_details_of_rows(hold):
    seen = hold({"subject": "node:dc-1", "details": {"a": [1]}}, {"subject": "node:dc-1"})
    assert (seen.details(0), seen.details(1)) == ({"a": [1]}, {})
    assert isinstance(seen.nodes, pa.Array)
