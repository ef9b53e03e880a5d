"""The page in a browser: the canvas of the map, many nodes, long lists, frames, and what no reader lets through."""

import json
import re
from dataclasses import replace
from html import escape

import numpy as np
import pyarrow as pa
import pytest

import auditor
from auditor.page import build, map_html, page_html

playwright = pytest.importorskip("playwright.sync_api")

ON = "2026-11-22"
GENEROUS_MS = 20_000


@pytest.fixture
def show(browser, tmp_path):
    """Open a page without network; at the end nothing was asked for and nothing went wrong."""
    told, opened = [], []

    def open_(text, *, width=1400, height=1000, frame=False, **options):
        context = browser.new_context(
            viewport={"width": width, "height": height}, offline=True, reduced_motion="reduce", **options
        )
        opened.append(context)
        page = context.new_page()
        page.on("console", lambda message: told.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: told.append(f"error: {error}"))
        page.on("request", lambda request: told.append(f"request: {request.url[:100]}"))
        path = tmp_path / f"page{len(opened)}.html"
        path.write_text(text, "utf-8")
        page.goto(path.as_uri())
        inner = (
            page.frame_locator("iframe").locator("html[data-ready]")
            if frame
            else page.locator("html[data-ready]")
        )
        inner.wait_for(state="attached", timeout=GENEROUS_MS)
        told[:] = [line for line in told if not line.startswith(("request: file:", "request: about:srcdoc"))]
        return page

    yield open_
    for context in opened:
        context.close()
    assert told == []


@pytest.fixture(scope="module")
def areas():
    return auditor.read_areas(ON)


def network(n, *, place=True):
    """An access network of which every tenth subscriber has a private way to an exchange."""
    rng = np.random.default_rng(5)

    def at():
        if not place:
            return {}
        east, north = rng.normal(size=2) / 60
        return {"lon": 121.6 + east, "lat": 31.1 + north, "datum": "WGS84"}

    nodes = [
        {"id": "ixp", "kind": "ixp", "owner": "示例交换中心"} | at(),
        {"id": "border", "kind": "router", "owner": "operator"} | at(),
        {"id": "bng", "kind": "bng", "owner": "中国电信股份有限公司上海分公司"} | at(),
        {"id": "core", "kind": "router", "owner": "中国电信股份有限公司上海分公司"} | at(),
    ]
    links = [("border", "ixp"), ("bng", "core")]
    for i in range(n):
        nodes.append(
            {"id": f"sub-{i:05d}", "kind": "subscriber", "owner": "customer", "name": f"用户 {i}"} | at()
        )
        links.append((f"sub-{i:05d}", "bng" if i % 10 else "border"))
    return nodes, links


def declaration(nodes, links):
    return {
        "schema": "auditor.declaration/1", "declared_on": "2026-10-01",
        "operator": {"name": "示例", "nature": "foreign_invested", "domiciles": [{"region_code": "310115"}]},
        "services": [{"code": "B14", "regime": "pilot107", "scope": ["shanghai"]}],
        "network": {
            "complete": True,
            "nodes": [{"region_code": "310115"} | node for node in nodes],
            "links": [{"source": a, "target": b, "kind": "fibre"} for a, b in links],
        },
    }  # fmt: skip


@pytest.fixture(scope="module")
def result_of(areas, tmp_path_factory):
    def check(values):
        path = tmp_path_factory.mktemp("declared") / "declaration.json"
        path.write_text(json.dumps(values), "utf-8")
        return auditor.check(auditor.read_declaration(path), areas=areas, as_of=ON)

    return check


@pytest.fixture(scope="module")
def many(result_of):
    return result_of(declaration(*network(6000)))


def marks(page):
    """Where something that fails is drawn on the map, in pixels of the window, found by its colour."""
    box = page.locator("#map").bounding_box()
    found = page.locator(".network-canvas").evaluate(
        """(canvas) => { const { width, height } = canvas, ratio = width / canvas.clientWidth;
        const copy = Object.assign(document.createElement('canvas'), { width, height }).getContext('2d', { willReadFrequently: true });
        copy.drawImage(canvas, 0, 0);
        const data = copy.getImageData(0, 0, width, height).data, found = [];
        for (let y = 0; y < height; y += 2) for (let x = 0; x < width; x += 2) {
          const at = 4 * (y * width + x);
          if (data[at] === 200 && data[at + 1] === 67 && data[at + 2] === 31) found.push([x / ratio, y / ratio]); }
        return found; }"""
    )
    assert found, "nothing that fails is drawn"
    return [(box["x"] + x, box["y"] + y) for x, y in found]


def test_a_click_on_the_mark_of_a_failed_subscriber_shows_its_path(show, result_of):
    page = show(page_html(result_of(declaration(*network(40)))))
    page.locator("#map").scroll_into_view_if_needed()
    page.mouse.click(*marks(page)[0])
    path = page.locator("#details .path li").all_inner_texts()
    assert path and re.fullmatch(r"sub-000\d0", path[0]) and path[1:] == ["border", "ixp"]
    row = page.locator(".finding.chosen")
    assert row.count() == 1 and path[0] in row.inner_text()  # the list goes along


def test_many_nodes_are_clusters_that_open_on_a_click(show, many):
    page = show(page_html(many))
    assert page.locator("#data").get_attribute("data-packed") == "deflate"
    page.locator("#map").scroll_into_view_if_needed()
    assert "Zoom in" in page.locator("#map-hint").inner_text()
    clicks = 0
    while "Zoom in" in page.locator("#map-hint").inner_text() and clicks < 8:
        page.mouse.click(*marks(page)[0])
        clicks += 1
    assert 1 <= clicks < 8  # then links and single nodes are drawn
    page.mouse.click(*marks(page)[0])
    assert page.locator("#details h3").count() == 1
    assert page.evaluate("document.querySelectorAll('.finding').length") < 300  # no row for each of thousands


def test_long_groups_are_listed_on_demand_and_found_by_search(show, many):
    page = show(page_html(many))
    group = page.locator(".group", has=page.locator(".badge.fail")).first
    assert "600 subjects" in group.locator("h4").inner_text()
    assert group.locator(".finding").count() == 12
    group.locator(".more").click()
    assert group.locator(".finding").count() == 62
    page.locator("#q").fill("sub-05990")
    playwright.expect(page.locator("#matching")).to_contain_text("nodes 1 of")
    assert page.locator(".group:visible .finding:visible .subject").first.inner_text() == "sub-05990"
    page.locator("#q").fill("用户 5991")  # it only passes, and is found by its name
    page.locator("#nodes-found button", has_text="sub-05991").click()
    assert "用户 5991" in page.locator("#details").inner_text()


def test_filters_work_together_on_list_and_nodes(show, many):
    page = show(page_html(many))
    page.locator("#by-verdict").select_option(label="fail")
    assert "600 of" in page.locator("#matching").inner_text()
    page.locator("#by-owner").select_option(label="operator")
    assert page.locator("#nothing").is_visible() and page.locator(".finding:visible").count() == 0
    page.locator("#reset").click()
    playwright.expect(page.locator("#matching")).to_contain_text("Shown: all")
    everything = marks(page)
    page.locator("#by-verdict").select_option(label="fail")
    page.locator("#q").fill("sub-00010")
    playwright.expect(page.locator("#matching")).to_contain_text("nodes 1 of")
    assert len(marks(page)) < len(everything)  # the map shows what the list shows


def test_a_link_to_a_finding_that_is_not_listed_leads_there(show, many):
    page = show(page_html(many))
    last = [f for f in many.unsettled if f.rule == "PILOT-ISP-02"][-1]
    anchor = f"f-{last.fingerprint[:12]}"
    assert page.locator(f"#{anchor}").count() == 0
    page.evaluate(f"location.hash = '{anchor}'")
    page.locator(f"#{anchor}.chosen").wait_for()
    assert last.subject.removeprefix("node:") in page.locator(f"#{anchor}").inner_text()
    assert page.locator("#details .path li").count() == 3


def test_a_failed_subscriber_without_place_shows_its_path_in_the_topology(show, result_of):
    page = show(page_html(result_of(declaration(*network(30, place=False)))))
    assert page.locator("#panel-topology").is_visible()  # no node has coordinates
    node = page.locator("#topology .node", has_text="sub-00010")
    node.click()
    assert page.locator("#details .path li").all_inner_texts() == ["sub-00010", "border", "ixp"]
    assert page.locator("#topology .edge.on").count() == 2
    page.keyboard.press("Escape")
    assert page.locator("#topology .edge.on").count() == 0
    first = page.locator("#topology .node[tabindex='0']")
    first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator("#details h3").inner_text().split("\n")[0]


def test_a_topology_of_thousands_draws_the_worst_groups(show, many):
    page = show(page_html(many))
    page.locator("#tab-topology").click()
    assert 0 < page.locator("#topology .node").count() <= 150
    page.locator("#topology .node", has_text="600 subjects").click()
    assert page.evaluate("document.activeElement.className") == "subject"


def test_a_frame_without_rights_shows_the_map(show, result_of):
    result = result_of(declaration(*network(40)))
    page = show(
        f'<!doctype html><iframe sandbox="allow-scripts" width="900" height="700" srcdoc="{escape(map_html(result))}"></iframe>',
        frame=True,
    )
    frame = page.frame_locator("iframe")
    frame.locator(".finding .subject", has_text="sub-00010").click()
    assert frame.locator("#details .path li").all_inner_texts() == ["sub-00010", "border", "ixp"]
    frame.locator("#theme").click()
    frame.locator(".anchor").first.click()


def test_controls_and_directions_are_shown_in_every_part_of_the_page(show, areas, tmp_path):
    bad = "x\u202eABC\u2066<b onclick=1>\x1b[31m\u200f"
    nodes, links = network(10)
    path = tmp_path / "declaration.json"
    path.write_text(json.dumps(declaration(nodes, links)), "utf-8")
    made = auditor.read_declaration(path)
    table = made.nodes
    for name in ("id", "name", "address"):  # no reader lets such texts in; a graph made in Python might
        values = pa.array([f"{i} {bad}" for i in range(table.num_rows)])
        table = table.set_column(table.column_names.index(name), name, values)
    operator = made.operator.model_copy(update={"name": bad})
    result = auditor.check(replace(made, operator=operator, nodes=table), areas=areas, as_of=ON)
    page = show(page_html(result))
    page.locator(".finding .subject", has_text="\\u202e").first.click()
    for selector in ("h1", "#details", "#findings"):
        text = page.locator(selector).first.inner_text()
        assert "\\u202e" in text and "\\x1b" in text
    assert not re.search("[\x1b\u202a-\u202e\u2066-\u2069\u200f]", page.content().split("<body")[1])
    assert page.locator("b[onclick]").count() == 0


def test_data_that_are_packed_and_data_that_are_not_look_the_same(show, result_of, monkeypatch):
    result = result_of(declaration(*network(20)))
    plain = show(page_html(result)).locator("main").inner_text()
    monkeypatch.setattr(build, "PACKED_FROM", 1)
    assert show(page_html(result)).locator("main").inner_text() == plain


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_their_ground(show, result_of, scheme):
    page = show(page_html(result_of(declaration(*network(20)))), color_scheme=scheme)
    page.locator(".finding .subject").first.click()
    faint = page.evaluate(CONTRAST)
    assert faint == []


CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => { for (; node; node = node.parentElement) { const c = parse(getComputedStyle(node).backgroundColor);
    if (c.length < 4 || c[3] > 0.9) return c; } return [255, 255, 255]; };
  return [...document.querySelectorAll('main *, header *, footer *')].filter((node) => node.offsetParent && !node.closest('#map, #topology, svg')
    && [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim())).filter((node) => {
    const a = light(parse(getComputedStyle(node).color)), b = light(ground(node));
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5; }).map((node) => `${node.tagName}.${node.className}: ${node.textContent.slice(0, 30)}`).slice(0, 5);
}"""
