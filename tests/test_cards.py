"""Cards in notebooks: what they say, that names in them are inert, and that they stay small."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from html.parser import HTMLParser

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import auditor
from auditor import cards
from auditor.language import LANGUAGES
from auditor.overview import Framed
from auditor.tables import Note, Unused

ON = "2026-11-22"
TAGS = {"div", "table", "tr", "th", "td", "details", "summary", "b", "span", "svg", "path"}
ATTRIBUTES = {
    *("style", "width", "height", "role", "aria-label", "d", "fill", "stroke", "stroke-width"),
    "stroke-dasharray",
}
HOSTILE = "</script><img src=x onerror=alert(1)>\"'><a href=javascript:alert(1)>x</a>&lt;b&gt;"


class Reader(HTMLParser):
    """Tags, attributes and text of a card; every element is closed."""

    def __init__(self, card):
        super().__init__()
        self.tags, self.attributes, self.open, self.told = set(), set(), [], []
        self.feed(card)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.told.append(data)

    @property
    def text(self):
        return " ".join(self.told)


def inert(card):
    read = Reader(card)
    assert read.tags <= TAGS
    assert read.attributes <= ATTRIBUTES
    assert read.open == []
    assert "url(" not in card and "http" not in card
    return read.text


def test_a_declaration_says_who_what_and_how_much(declared):
    text = inert(declared._repr_html_())
    for told in ("示例临港数据（上海）有限公司", "91310115MADEM00117", "foreign share 100%", "2026-10-01", "B14",
                 "Nodes: 60, with coordinates: 10", "Links: 58", "router 11", "stated complete", "cdn-hangzhou"):  # fmt: skip
        assert told in text


def test_little_need_be_declared(areas):
    operator = {
        "operator": {"name": "X"},
        "approvals": [{}],
        "contracts": [{}],
        "services": [{"code": "B14"}],
    }
    graph = nx.Graph([("a", "b")])
    little = auditor.read_graph(graph, operator=operator)
    for lang in LANGUAGES:
        inert(little.to_html(lang))
        inert(auditor.check(little, areas=areas, as_of=ON).to_html(lang))
    assert "no social credit code" in little._repr_html_()
    assert "(not stated)" in little._repr_html_()


def test_areas_of_no_date_and_of_a_day_before_any_are_shown():
    assert "on any date" in inert(auditor.read_areas()._repr_html_())
    assert "Pilot areas as of 2024-10-22: 0" in inert(auditor.read_areas("2024-10-22")._repr_html_())


def test_what_was_assumed_is_told(declared):
    text = inert(declared._repr_html_())
    assert f"Assumed in reading: {len(declared.notes)}" in text
    assert "Files read: 4" in text
    assert declared.inputs[0].sha256[:12] in text


def test_kinds_add_up(declared):
    for column, table in (("nodes", declared.nodes), ("links", declared.links)):
        rows = cards.counted(table, "kind", "en")
        assert sum(number for _, number in rows) == table.num_rows, column
        assert [number for _, number in rows] == sorted((number for _, number in rows), reverse=True)


def test_a_result_says_its_verdict_its_causes_and_how_to_go_on(result):
    text = inert(result._repr_html_())
    for told in ("fail", "as of 2026-11-22", "Findings that fail: 7", "PILOT-ISP-02", "node:sub-lg-homes",
                 "print(result.explain('PILOT-ISP-02', 'node:sub-lg-homes'))",
                 "result.plot_paths('node:sub-lg-homes')", "result.explore()", "PILOT-FAC-01"):  # fmt: skip
        assert told in text
    assert f"Clauses that need a person: {len(result.manual)}" in text


def test_a_pass_is_not_called_more_than_it_is(areas):
    clean = auditor.check(auditor.read_declaration(auditor.sample("shanghai_isp_cdn")), areas=areas, as_of=ON)
    text = inert(clean._repr_html_())
    assert "pass (declared only)" in text
    assert "What is open" not in text


def test_the_figures_of_the_card_are_those_of_the_report(result, tmp_path):
    auditor.write_report(result, tmp_path / "report.txt", format="text")
    counted = re.compile(r"(?:fail|undecided|passed|person): ([\d,]+)")
    report = " ".join((tmp_path / "report.txt").read_text("utf-8").split())
    assert (
        counted.findall(report)[:4]
        == counted.findall(inert(result._repr_html_()))[:4]
        == ["7", "0", "13", "34"]
    )


def test_open_groups_count_every_open_finding(result):
    from auditor.overview import _groups

    groups = _groups(result)
    assert sum(group.number for group in groups) == len(result.unsettled)
    assert {group.rule for group in groups} == {finding.rule for finding in result.unsettled}


def test_areas_show_outlines_sources_and_dates(areas):
    text = inert(areas._repr_html_())
    assert areas._repr_html_().count("<svg") == 4
    for told in (
        "Beijing",
        "北京市",
        "in force since 2024-10-23",
        "GS(2024)0650",
        "OpenStreetMap",
        "Parts: 15",
    ):
        assert told in text


@pytest.mark.parametrize("part", [part.id for part in auditor.read_areas(ON).parts[:3]])
def test_outlines_are_drawn_to_scale(areas, part):
    area = next(a for a in areas.areas if any(p.id == part for p in a.parts))
    figures = [float(x) for x in re.findall(r"[ML ](-?[\d.]+),", cards.outline(area))]
    assert max(figures) <= 10 * cards.WIDTH and any(0 <= x <= cards.WIDTH + 2 for x in figures)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_cards_speak_one_language(result, declared, areas, lang):
    heads = {"en": ("Services", "What is open", "services opened"), "zh": ("业务", "待处理事项", "开放业务")}
    other = "zh" if lang == "en" else "en"
    for card, own, foreign in zip(
        (declared.to_html(lang), result.to_html(lang), areas.to_html(lang)),
        heads[lang],
        heads[other],
        strict=True,
    ):
        assert f">{own}<" in card
        assert f">{foreign}<" not in card


def test_a_result_speaks_its_own_language(declared, areas):
    chinese = auditor.check(declared, areas=areas, as_of=ON, lang="zh")
    assert "疑似不符合（待核查）" in chinese._repr_html_()


def test_hostile_names_are_names(declared, areas):
    graph = declared.graph.copy()
    for node in ("edge-hz-1", "sub-lg-homes"):
        graph.nodes[node].update(name=HOSTILE, owner=HOSTILE, address=HOSTILE)
    graph = nx.relabel_nodes(graph, {"ixp-sh-1": HOSTILE})
    operator = declared.operator.model_copy(update={"name": HOSTILE, "pilot_area": HOSTILE})
    bad = replace(
        auditor.read_graph(graph, operator=declared),
        operator=operator,
        notes=tuple(Note(HOSTILE, HOSTILE) for _ in range(1000)),
        unused=tuple(Unused(HOSTILE, HOSTILE, HOSTILE) for _ in range(1000)),
        contracts=tuple(
            c.model_copy(update={"id": HOSTILE, "supplier": HOSTILE}) for c in declared.contracts * 200
        ),
    )
    audit = auditor.check(bad, areas=areas, as_of=ON)
    for card in (bad._repr_html_(), audit._repr_html_()):
        assert HOSTILE[:40] in inert(card)  # shown as it is written, and only shown
        assert len(card.encode()) < 100_000


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_a_cell_holds_is_text(text):
    read = Reader(cards.table(["x"], [[text]]))
    assert read.tags == {"table", "tr", "th", "td"}
    assert not any(0xD800 <= ord(c) <= 0xDFFF or c in "\u202e\u2066\x1b\x00" for c in read.text)


def test_names_without_end_are_cut():
    assert len(cards.escaped("x" * 100_000)) == cards.CELL + 1


# --- the frame of explore ---------------------------------------------------------------------------------


def test_a_frame_holds_its_page_and_keeps_it_apart():
    page = f'<!doctype html><title>"x" & \'y\'</title><p>{HOSTILE}<script>1 < 2 && "a"</script>'
    shown = Framed(page, 321, HOSTILE)._repr_html_()
    found = re.fullmatch(
        r'<iframe srcdoc="([^"]*)" sandbox="allow-scripts" title="([^"]*)" style="([^"]*)".*></iframe>', shown
    )
    assert html.unescape(found[1]) == page
    assert html.unescape(found[2]) == HOSTILE
    assert "height:321px" in found[3]
    assert "allow-same-origin" not in shown


def test_explore_shows_the_map_of_the_result(result):
    framed = result.explore(height=700)
    assert framed.height == 700
    assert framed.page.lower().startswith("<!doctype html>")
    assert "示例临港数据" in framed.page
    assert repr(framed) == "<Framed map of 示例临港数据（上海）有限公司>"
