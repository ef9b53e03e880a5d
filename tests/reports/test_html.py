"""The HTML page without a browser: its policy, its data against the result, what it leaves out and says so."""

import base64
import hashlib
import json
import re
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import auditor
from auditor.findings import WORST_FIRST, Verdict
from auditor.page import build, entries, map_html, network, page_html

ON = "2026-11-22"


@pytest.fixture(scope="module")
def page(result):
    return page_html(result)


def data_of(page):
    packed, text = re.search(
        r'<script type="application/json" id="data"( [^>]*)?>(.*?)</script>', page, re.DOTALL
    ).groups()
    data = json.loads(zlib.decompress(base64.b64decode(text)) if packed else text)
    for name, length in (
        ("nodes", len(data["nodes"]["id"])),
        ("findings", len(data["findings"]["anchor"]) // 12),
    ):
        columns = network_columns if name == "nodes" else finding_columns
        for column in columns:
            value = data[name][column]
            data[name][column] = value if isinstance(value, list) else [value] * length
    return data


network_columns = ("kind", "owner", "service", "region", "site", "lon", "lat", "radius", "unsure", "relation",
                   "area", "basis", "conflict", "inherited", "role", "judged")  # fmt: skip
finding_columns = ("group", "message", "ask", "facts", "path", "subject", "metres")


def paths_of(data):
    """Ids along the path of each finding."""
    ids, nodes, after = data["nodes"]["id"], data["paths"]["node"], data["paths"]["after"]
    found = []
    for first in data["findings"]["path"]:
        path, at = [], first
        while at >= 0:
            path.append(ids[nodes[at]] if nodes[at] >= 0 else None)
            at = after[at]
        found.append(path)
    return found


def subjects_of(data):
    findings = data["findings"]
    return [data["nodes"]["id"][s] if s >= 0 else findings["others"][-1 - s] for s in findings["subject"]]


def test_nothing_may_run_or_be_fetched_but_the_two_blocks_of_ours(page):
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1].replace(
        "&#39;", "'"
    )
    rules = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    for name, tag in (("script-src", "script"), ("style-src", "style")):
        block = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)[1]
        assert (
            rules[name]
            == "'sha256-" + base64.b64encode(hashlib.sha256(block.encode()).digest()).decode() + "'"
        )
    assert {
        name: rules[name] for name in ("default-src", "connect-src", "base-uri", "form-action")
    } == dict.fromkeys(("default-src", "connect-src", "base-uri", "form-action"), "'none'")
    assert "sourceMappingURL" not in page
    markup = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(
        r"url\((?!#default)|<link|<iframe|<base|\sstyle=|(?:src|href)=\"(?!#)|\son\w+=", markup
    )


def test_data_hold_every_finding_with_its_path_and_its_verdict(result, page):
    data = data_of(page)
    groups = [data["groups"][g] for g in data["findings"]["group"]]
    told = {
        (group["rule"], subject): (WORST_FIRST[group["verdict"]], path)
        for group, subject, path in zip(groups, subjects_of(data), paths_of(data), strict=True)
    }
    found = {
        (f.rule, f.subject.removeprefix("node:")): (
            f.verdict, list(f.details.get("path") or f.details.get("path_to_gate") or []))
        for f in result.findings.rows()
    }  # fmt: skip
    assert told == found  # so few that passes are there, too
    anchors = data["findings"]["anchor"]
    assert {anchors[i : i + 12] for i in range(0, len(anchors), 12)} == {
        f.fingerprint[:12] for f in result.findings.rows()
    }


def test_nodes_know_all_their_verdicts_and_their_place(result, page):
    nodes, rules = data_of(page)["nodes"], [found.rule for found in result.findings.rules]
    told = {
        (rules[rule], name): WORST_FIRST[verdict]
        for name, code in zip(nodes["id"], nodes["judged"], strict=True)
        for rule, verdict in nodes["combinations"][code]
    }
    assert told == {
        (f.rule, f.subject.removeprefix("node:")): f.verdict
        for f in result.findings.rows()
        if f.subject.startswith("node:")
    }
    place = result.case.place
    known = ~np.isnan(place.lon)
    assert [v is not None for v in nodes["lon"]] == known.tolist()
    lon = np.array([v for v in nodes["lon"] if v is not None]) / 1e5
    assert np.abs(lon - place.lon[known]).max() <= 5.1e-6
    inherited = [name for name, flag in zip(nodes["id"], nodes["inherited"], strict=True) if flag]
    assert inherited and all(result.case.placed_by[result.case.rows_of([name])[0]] != result.case.rows_of([name])[0]
                             for name in inherited)  # fmt: skip


def test_markup_alone_tells_what_fails_in_both_languages_and_what_to_do(result, page):
    text = re.sub(r"<script.*?</script>|<template.*?</template>", "", page, flags=re.DOTALL)
    for finding in result.unsettled:
        assert f'id="f-{finding.fingerprint[:12]}"' in text
        assert result.message(finding).replace("'", "&#39;") in text
        assert result.ask(finding).replace("'", "&#39;") in text
    assert "不得购买、租用本试点区域外" in text and "cannot be purchased or leased" in text
    assert "143,124 m" in text and "E3 (declared)" in text
    for clause in result.manual:
        assert clause.id in text and clause.zh.splitlines()[0][:12] in text
    for entry in result.case.areas.provenance():
        assert entry["sha256"] in text
    for entry in result.case.declaration.inputs:
        assert entry.sha256 in text


def test_a_pass_on_the_operators_word_says_so(areas):
    result = auditor.check(
        auditor.read_declaration(auditor.sample("shanghai_isp_cdn")), areas=areas, as_of=ON
    )
    assert result.verdict == Verdict.PASS
    head = page_html(result).split("<main>")[0].split('class="masthead"')[1]
    assert "pass (declared only)" in head and "own word" in head
    assert "符合（仅据申报）" in page_html(replace(result, lang="zh"))


def test_all_findings_of_many_are_listed_when_asked_for(monkeypatch, result):
    monkeypatch.setattr(entries, "FEW_FINDINGS", 10)
    number = sum(len(b) for r in result.findings.rules for b in r.batches)
    count = {
        flag: len(data_of(page_html(result, all_findings=flag))["findings"]["anchor"]) // 12
        for flag in (False, True)
    }
    assert count == {False: len(result.unsettled), True: number}


def test_findings_that_have_no_room_are_counted(monkeypatch, result):
    monkeypatch.setattr(entries, "FEW_FINDINGS", 0)
    monkeypatch.setattr(entries, "MOST_FINDINGS", 3)
    page = page_html(result)
    data = data_of(page)
    assert len(data["findings"]["anchor"]) == 3 * 12
    assert sum(group["size"] for group in data["groups"]) == len(result.unsettled) == 7
    assert "4 more are not listed" in page


def test_nodes_that_only_pass_are_counted_by_cells_where_there_are_too_many(monkeypatch, result):
    monkeypatch.setattr(network, "MOST_NODES", 30)
    monkeypatch.setattr(entries, "FEW_FINDINGS", 0)
    page = page_html(result)
    data = data_of(page)
    left_out = result.case.n - len(data["nodes"]["id"])
    assert left_out > 0 and f"{left_out} nodes that only pass" in page
    open_nodes = {f.subject.removeprefix("node:") for f in result.unsettled}
    assert open_nodes <= set(data["nodes"]["id"])
    witnessed = {
        (f.rule, f.subject): list(f.details["path"]) for f in result.unsettled if f.details.get("path")
    }
    rules = [data["groups"][g]["rule"] for g in data["findings"]["group"]]
    told = zip(rules, subjects_of(data), paths_of(data), strict=True)
    assert {
        (rule, f"node:{name}"): path for rule, name, path in told if path
    } == witnessed  # all of every path
    carried = set(data["nodes"]["id"])
    ids = result.case.declaration.nodes.column("id").to_pylist()
    placed = [
        not np.isnan(x) and name not in carried for x, name in zip(result.case.place.lon, ids, strict=True)
    ]
    assert sum(count for _, _, count in data["cells"]) == sum(placed)


def test_ends_that_nobody_declared_are_nodes_and_blank_ones_are_none(areas, tmp_path):
    at = {"owner": "operator", "region_code": "310115"}
    declaration = {
        "schema": "auditor.declaration/1",
        "operator": {"name": "X", "nature": "foreign_invested", "domiciles": [{"region_code": "310115"}]},
        "services": [{"code": "B14", "regime": "pilot107"}],
        "network": {
            "nodes": [
                {"id": "s", "kind": "subscriber", "owner": "customer", "region_code": "310115"},
                {"id": "r", "kind": "router"} | at,
                {"id": "t", "kind": "subscriber", "owner": "customer", "region_code": "310115"},
                {"id": "q", "kind": "router"} | at,
            ],
            "links": [
                {"source": "s", "target": "r", "kind": "fibre"},
                {"source": "r", "target": "nobody's", "kind": "fibre"},
                {"source": "t", "target": "q", "kind": "fibre"},
                {"source": "q", "kind": "transit"},
            ],
        },
    }
    (tmp_path / "d.json").write_text(json.dumps(declaration), "utf-8")
    page = page_html(auditor.check(auditor.read_declaration(tmp_path / "d.json"), areas=areas, as_of=ON))
    data = data_of(page)
    assert data["nodes"]["id"] == ["s", "r", "t", "q", "nobody's"] and data["nodes"]["undeclared"] == 1
    rules = [data["groups"][g]["rule"] for g in data["findings"]["group"]]
    paths = {
        name: path
        for rule, name, path in zip(rules, subjects_of(data), paths_of(data), strict=True)
        if rule == "PILOT-ISP-02"
    }
    assert paths == {"s": ["s", "r", "nobody's"], "t": ["t", "q", None]}
    assert "q → far end not declared" in page


CONTROLS = "a\x1b[31m\u202e<img src=x onerror=alert(1)>\x00\u2066\u2028</script><!--"


@pytest.mark.parametrize("make", [page_html, map_html])
def test_what_no_reader_lets_through_is_shown_and_not_obeyed(make, result):
    operator = result.case.declaration.operator.model_copy(update={"name": CONTROLS})
    case = replace(result.case, declaration=replace(result.case.declaration, operator=operator))
    page = make(replace(result, case=case))
    assert "\\u202e&lt;img src=x" in page
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u2028-\u202e\u2066-\u2069]", page)


@given(st.text(), st.integers(1, 20))
def test_shown_texts_are_short_and_inert(text, most):
    shown = network.shown(text, most)
    assert len(shown) <= 10 * most + 1
    assert not re.search("[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", shown)


def test_many_data_are_deflated_and_the_same(monkeypatch, result, page):
    monkeypatch.setattr(build, "PACKED_FROM", 10)
    packed = page_html(result)
    assert 'data-packed="deflate"' in packed and 'data-packed="deflate"' not in page
    assert data_of(packed) == data_of(page)
    assert packed == page_html(result)


def test_long_outlines_are_drawn_coarser_and_the_page_says_so(monkeypatch, result):
    from auditor.page import facts

    full = facts.zones(result)
    assert full["step_m"] == 0
    monkeypatch.setattr(facts, "MOST_VERTICES", 1_500)
    coarse = facts.zones(result)
    assert coarse["step_m"] > 0
    count = {name: sum(len(r) for p in z["parts"] for polygon in p["rings"] for r in polygon)
             for name, z in (("full", full), ("coarse", coarse))}  # fmt: skip
    assert count["coarse"] < count["full"] / 2
    assert "drawn simplified" in page_html(result)
    for part in (*full["parts"], *coarse["parts"]):
        for rings, bands in zip(part["rings"], part["bands"], strict=False):
            assert len(rings) >= 1 and len(bands) >= 1


def test_outlines_and_the_doubt_about_their_edges_are_those_of_the_areas(result):
    from auditor.page import facts

    for told, part in zip(facts.zones(result)["parts"], result.case.areas.parts, strict=True):
        rings = [
            np.cumsum(np.reshape(r, (-1, 2)), axis=0) / 1e5 for polygon in told["rings"] for r in polygon
        ]
        west, south, east, north = part.geometry.bounds
        points = np.concatenate(rings)
        assert np.allclose([*points.min(0), *points.max(0)], [west, south, east, north], atol=6e-6)
        runs = [run for polygon in told["bands"] for ring in polygon for run in ring]
        bands = np.concatenate([np.full(edges, metres) for metres, edges in runs])
        assert (bands == np.round(part.bands_m)).all()


def test_licence_and_library_are_those_of_the_package():
    folder = build.FOLDER / "leaflet"
    assert "BSD 2-Clause" in (folder / "LICENSE").read_text("utf-8")
    digest = hashlib.sha256((folder / "leaflet.js").read_bytes()).hexdigest()
    assert digest == "db49d009c841f5ca34a888c96511ae936fd9f5533e90d8b2c4d57596f4e5641a"  # npm leaflet 1.9.4


@pytest.mark.parametrize("name", ["thin", "domestic_operator", "backbone", "hainan_gcj02_as_wgs84"])
def test_other_samples_have_a_page_and_a_map(name, areas):
    declaration = auditor.read_declaration(auditor.sample(name))
    for lang in ("en", "zh"):
        result = auditor.check(declaration, areas=areas, as_of=ON, lang=lang)
        assert len(map_html(result)) < len(page_html(result)) < 1_000_000
