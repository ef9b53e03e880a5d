"""The HTML report in a headless browser that has no network.

Run by `make browser`, apart from the other tests. `AUDITOR_SCREENSHOTS=docs/screenshots` keeps what the README shows.
"""

import json
import os
import re
from itertools import pairwise
from pathlib import Path

import pytest

import auditor

ON = "2026-11-22"
SUBJECT = "sub-lg-homes"
PATH = ["sub-lg-homes", "olt-lg-1", "agg-lg-1", "border-lg-1", "ixp-sh-1"]
HURT = "</script><script>window.pwned=1</script><img src=x onerror=window.pwned=1>\"'`=cmd|' /C calc'!A0 javascript:pwned=1"
SHOTS = os.environ.get("AUDITOR_SCREENSHOTS")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    areas = auditor.read_areas(ON)

    def write(name, declaration, **options):
        result = auditor.check(auditor.read_declaration(declaration), areas=areas, as_of=ON, **options)
        auditor.write_report(result, folder / f"{name}.html")
        return folder / f"{name}.html"

    (folder / "hostile.json").write_text(json.dumps(hostile()), "utf-8")
    return {
        "en": write("en", auditor.sample("shanghai_violations")),
        "zh": write("zh", auditor.sample("shanghai_violations"), lang="zh"),
        "thin": write("thin", auditor.sample("thin")),
        "backbone": write("backbone", auditor.sample("backbone")),
        "nothing": write("nothing", auditor.sample("domestic_operator")),
        "hostile": write("hostile", folder / "hostile.json"),
    }


def hostile():
    """A network whose every text is made to hurt, and which fails."""
    texts = {"name": HURT, "address": HURT, "status": "active"}
    nodes = [
        {
            "id": f"edge {HURT}",
            "kind": "cdn_edge",
            "owner": HURT,
            "holding": "lease",
            "region_code": "330108",
        },
        {"id": f"sub {HURT}", "kind": "subscriber", "owner": "customer", "region_code": "310115"},
        {
            "id": f"ixp {HURT}",
            "kind": "ixp",
            "owner": HURT,
            "region_code": "310115",
            "lon": 121.6,
            "lat": 31.1,
        },
    ]
    link = {
        "source": f"sub {HURT}",
        "target": f"ixp {HURT}",
        "kind": "fibre",
        "owner": HURT,
        "supplier": HURT,
    }
    return {
        "schema": "auditor.declaration/1",
        "operator": {
            "name": f"Case {HURT}",
            "nature": "foreign_invested",
            "domiciles": [{"address": HURT, "region_code": "310115", "document": HURT}],
        },
        "services": [
            {"code": "B14", "regime": "pilot107", "scope": [HURT], "content": [HURT], "domains": [HURT]}
        ],
        "contracts": [
            {
                "kind": "cdn",
                "supplier": HURT,
                "purpose": "pilot_service",
                "form": "facility",
                "node_ids": [f"edge {HURT}"],
            }
        ],
        "network": {"nodes": [node | texts | {HURT: HURT} for node in nodes], "links": [link]},
    }


@pytest.fixture
def page_of(browser, files):
    """Open a report; at the end nothing was asked of anybody and nothing went wrong."""
    told, opened = [], []

    def open_(name, *, width=1400, height=1000, **options):
        context = browser.new_context(viewport={"width": width, "height": height}, offline=True, **options)
        opened.append(context)
        page = context.new_page()
        page.on("console", lambda message: told.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: told.append(f"error: {error}"))
        page.on("request", lambda request: told.append(f"request: {request.url[:100]}"))
        page.goto(files[name].as_uri())
        page.wait_for_function("document.documentElement.dataset.ready")
        assert told.pop(0) == f"request: {files[name].as_uri()[:100]}"
        return page

    yield open_
    for context in opened:
        context.close()
    assert told == []


def texts(page, selector):
    return page.locator(selector).all_inner_texts()


def row(page, subject):
    return page.locator(".finding", has=page.get_by_role("button", name=f"node:{subject}", exact=True)).first


@pytest.mark.skipif(not SHOTS, reason="AUDITOR_SCREENSHOTS names no folder")
def test_what_the_readme_shows(page_of):
    def keep(shot, page, subject, *, top=0, topology=False):
        page.locator(".finding button.subject", has_text=subject).first.click()
        if topology:
            page.locator("#tab-topology").click()
        page.evaluate(
            f"scrollTo(0, {top})"
            if top is not None
            else "document.querySelector('.chosen').scrollIntoView({ block: 'end' })"
        )
        page.mouse.move(0, 0)
        page.wait_for_timeout(400)
        page.screenshot(path=str(Path(SHOTS) / f"{shot}.png"))

    keep("light", page_of("backbone", width=1280, height=1080), "sub-2")
    keep("dark", page_of("en", width=1200, height=860, color_scheme="dark"), SUBJECT, top=None, topology=True)
    keep("chinese", page_of("zh", width=1280, height=1080), "edge-hz-1")
    phone = page_of("backbone", width=390, height=844)
    view = phone.evaluate("document.getElementById('view').getBoundingClientRect().top + scrollY")
    keep("phone", phone, "sub-2", top=view - 10)


def test_the_map_draws_and_a_click_on_a_failed_subscriber_shows_its_path(page_of):
    page = page_of("en")
    drawn = page.evaluate("""[...document.querySelectorAll('#map canvas')].reduce((sum, canvas) => {
        const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        return sum + data.filter((value, i) => i % 4 === 3 && value > 0).length; }, 0)""")
    assert drawn > 5000
    before = page.locator("#map").screenshot()
    button = page.locator(".finding button.subject", has_text=SUBJECT).first
    button.click()
    page.wait_for_timeout(600)
    assert texts(page, "#details .path li") == PATH
    assert page.locator("#map").screenshot() != before
    page.keyboard.press("Escape")
    page.wait_for_timeout(300)
    assert texts(page, "#details .path li") == []


def test_a_click_in_the_topology_shows_the_path_of_a_subscriber_without_place(page_of):
    page = page_of("thin")
    page.locator("#tab-topology").click()
    assert page.locator("#panel-topology").is_visible() and not page.locator("#panel-map").is_visible()
    assert page.locator("#topology svg, #topology canvas").count() > 0


def test_filters_and_search_leave_what_fits_and_say_how_much(page_of):
    page = page_of("en")

    def shown():
        return page.locator(".finding:visible").count()

    everything = shown()
    assert everything >= 7
    page.locator("#by-rule").select_option(
        label=next(t for t in texts(page, "#by-rule option") if "ISP-01" in t)
    )
    assert 0 < shown() < everything
    page.locator("#reset").click()
    page.wait_for_timeout(200)
    assert shown() == everything
    page.locator("#q").fill("edge-hz-1")
    page.wait_for_timeout(400)
    assert 0 < shown() < everything
    assert all("edge-hz-1" in text for text in texts(page, ".finding:visible"))
    told = page.locator("#matching").inner_text()
    assert re.search(r"\b1 of 60\b", told)
    page.locator("#q").fill("no such thing anywhere")
    page.wait_for_timeout(400)
    assert shown() == 0 and page.locator("#nothing").is_visible()
    page.keyboard.press("Escape")
    page.wait_for_timeout(400)
    assert shown() == everything
    page.locator("#q").fill("olt-lg-1")  # a node that only passes is found, too
    page.wait_for_timeout(400)
    assert "olt-lg-1" in page.locator("#nodes-found").inner_text()


def test_a_keyboard_is_enough(page_of):
    page = page_of("en")
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.getAttribute('href')")
    assert first and first.startswith("#")  # past the head
    page.locator(".finding button.subject", has_text=SUBJECT).first.focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert texts(page, "#details .path li") == PATH
    page.locator("#tab-map").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-topology"


def test_names_and_landmarks_for_a_screen_reader(page_of):
    page = page_of("en")
    nameless = page.evaluate("""[...document.querySelectorAll('button, a[href], select, input')].filter((element) =>
        element.offsetParent && !(element.textContent.trim() || element.getAttribute('aria-label')
        || element.closest('label') || element.title)).map((element) => element.outerHTML.slice(0, 80))""")
    assert nameless == []
    assert page.locator("main").count() == 1 and page.locator("h1").count() == 1
    levels = [
        int(name[1])
        for name in page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(e => e.tagName)")
    ]
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert page.locator("[aria-live]").count() >= 1


@pytest.mark.parametrize("name", ["en", "zh", "thin", "nothing", "hostile"])
def test_a_phone_need_not_scroll_sideways(page_of, name):
    page = page_of(name, width=360, height=740)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def luminance(page):
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(map(float, re.findall(r"[\d.]+", colour)[:3])) / 3


def test_light_and_dark(page_of):
    page = page_of("en", color_scheme="dark")
    assert luminance(page) < 80
    page.locator("#theme").click()
    assert luminance(page) > 180
    assert luminance(page_of("en", color_scheme="light")) > 180


def test_chinese_page(page_of):
    page = page_of("zh")
    assert page.evaluate("document.documentElement.lang").startswith("zh")
    assert (
        "疑似不符合"
        in page.locator("main, header").first.inner_text() + page.locator("body").inner_text()[:600]
    )
    labels = " ".join(texts(page, "label, h2, h3, button[role=tab], legend"))
    assert not re.search(r"\b(Findings|Search|Rule|Verdict|Owner|Map|Topology|Provenance)\b", labels)


def test_print_shows_the_findings_and_no_controls(page_of):
    page = page_of("en")
    page.emulate_media(media="print")
    assert not page.locator("#filters").is_visible() and not page.locator("#theme").is_visible()
    assert page.locator(".finding", has_text=SUBJECT).first.is_visible()


def test_a_policy_that_permits_nothing(files):
    for path in files.values():
        text = path.read_text("utf-8")
        policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1].replace(
            "&#39;", "'"
        )
        rules = dict(part.strip().split(" ", 1) for part in policy.split(";") if part.strip())
        assert rules["default-src"] == "'none'" and rules["base-uri"] == rules["form-action"] == "'none'"
        assert re.fullmatch(r"('sha256-[A-Za-z0-9+/=]+' ?)+", rules["script-src"])
        assert "unsafe" not in policy and "http:" not in policy and "https:" not in policy


def test_hostile_names_are_inert(page_of):
    page = page_of("hostile")
    subject = page.locator(".finding button.subject", has_text="sub </script>").first
    subject.click()
    page.wait_for_timeout(500)
    assert "</script><script>window.pwned=1</script>" in page.locator("#details").inner_text()
    page.locator("#tab-topology").click()
    page.locator("#q").fill("onerror")
    page.wait_for_timeout(400)
    assert page.evaluate("typeof window.pwned") == "undefined"
    assert page.locator("img").count() == 0
    assert page.evaluate("[...document.querySelectorAll('a')].every(a => !a.href.startsWith('javascript:'))")
    assert page.evaluate("""[...document.querySelectorAll('*')].every(element =>
        [...element.attributes].every(attribute => !attribute.name.startsWith('on')))""")
