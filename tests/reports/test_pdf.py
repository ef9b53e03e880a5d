"""The PDF: an archive file by its own word, the same bytes again, its text to be found, and no text of it obeyed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import unicodedata
from dataclasses import replace
from importlib import resources
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import typst
from hypothesis import given
from hypothesis import strategies as st

from auditor import __version__, registers
from auditor.errors import UsageError
from auditor.findings import Batch, RuleFindings, Verdict
from auditor.messages import VERDICTS
from auditor.reports import _ink
from auditor.reports._document import LONGEST, MOST_AFFECTED, MOST_GROUPS, content
from auditor.reports._rows import Findings
from auditor.reports._sketch import WIDTH, _frame, drawn, sketches, worst
from auditor.reports.pdf import REPORT, STANDARDS

PDFTOTEXT = shutil.which("pdftotext")
HURT = (
    '#eval("1+1") #panic() #read("/etc/passwd") #include "x.typ"',
    "$sum$ *b* _i_ `raw` <label> @ref [content] = head\n- entry // no /* comment */ \\ #",
    "</svg><script>alert(1)</script>",
    "😀 ก א \u202eevil\x1b[31m\x00\u200b\ue000\ufe0f\U0010ffff",
    "x" * 100_000,
    "http://evil.example mailto:you@evil.example",
    "\u200b" * 50,
)


def made(result, all_findings=False):  # noqa: FBT002
    return b"".join(REPORT.render(result, all_findings))


def told(result, all_findings=False):  # noqa: FBT002
    return content(result, all_findings, _ink.font()[1].written)[0]


def text_of(data, tmp_path):
    path = tmp_path / "report.pdf"
    path.write_bytes(data)
    done = subprocess.run([PDFTOTEXT, "-raw", path, "-"], capture_output=True, check=True)
    return done.stdout.decode("utf-8")


def squeezed(text):
    """Text without the spaces and breaks that lines bring."""
    return re.sub(r"\s+", "", text)


reads = pytest.mark.skipif(PDFTOTEXT is None, reason="there is no pdftotext (poppler-utils)")


@pytest.fixture(scope="module")
def bad(audited):
    return audited["shanghai_violations"]


# --- the file -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_it_says_that_it_is_for_archives_and_for_all_readers(lang, bad):
    data = made(replace(bad, lang=lang))
    assert data.startswith(b"%PDF-1.7")
    packet = ET.fromstring(re.search(rb"<x:xmpmeta.*?</x:xmpmeta>", data, re.DOTALL)[0])  # noqa: S314 -- our own
    facts = {e.tag.partition("}")[2]: "".join(e.itertext()).strip() for e in packet.iter()}
    facts |= {k.partition("}")[2]: v for e in packet.iter() for k, v in e.attrib.items()}
    assert facts["conformance"] == "A" and facts["part"] in {"1", "2"}
    assert b"pdfuaid" in data and facts["CreateDate"].startswith("2026-11-22T00:00:00")
    assert facts["title"] == (
        "Audit under Circular 107" if lang == "en" else told(replace(bad, lang="zh"))["title"]
    )
    assert facts["language"].startswith(lang)
    assert not re.search(rb"/(JavaScript|JS|Launch|URI|EmbeddedFile|OpenAction)\b", data)


def test_same_result_same_bytes(bad):
    assert made(bad) == made(bad)


def test_without_its_parts_it_says_what_to_install(monkeypatch):
    for lost in ("typst", "noto_cjk_sans_otc"):
        found = _ink.importlib.util.find_spec
        with monkeypatch.context() as patch:
            patch.setattr(
                _ink.importlib.util,
                "find_spec",
                lambda name, lost=lost, found=found: None if name == lost else found(name),
            )
            with pytest.raises(UsageError, match=r"pip install 'auditor\[pdf\]'"):
                _ink.font.__wrapped__()


# --- what stands in it --------------------------------------------------------------------------------------


@reads
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_its_text_can_be_found(lang, bad, tmp_path):
    result = replace(bad, lang=lang)
    text = text_of(made(result), tmp_path)
    flat = squeezed(text)
    verdict = VERDICTS[Verdict.FAIL].in_(lang)
    assert squeezed(verdict.upper() if lang == "en" else verdict) in flat
    assert result.case.declaration.operator.name in flat and "91310115MADEM00117" in flat
    for finding in result.unsettled:
        assert finding.subject in flat
        for name in finding.clauses:
            clause = registers.clause(name)
            assert squeezed(clause.zh) in flat and squeezed(clause.en) in flat
        assert squeezed(result.ask(finding)) in flat
    assert "143,124" in text and "天地图/国家地理信息公共服务平台" in flat
    for one in result.case.declaration.inputs:
        assert one.sha256 in flat
    for clause in result.manual:
        assert squeezed(clause.reason_zh if lang == "zh" else clause.reason_en) in flat
    pages = text.count("\f")
    assert f"{pages}/{pages}" in flat
    head = f"{result.case.declaration.operator.name} ·"
    assert sum(head in page for page in text.split("\f")) == pages - 1  # on all but the cover


@reads
def test_hostile_texts_are_shown_and_not_obeyed(twisted, tmp_path):
    data = made(twisted.make(HURT, (1,)))
    flat = squeezed(text_of(data, tmp_path))
    assert squeezed('#eval("1+1") #panic() #read("/etc/passwd")') in flat
    assert squeezed("$sum$ *b* _i_ `raw` <label> @ref [content] = head\\n- entry") in flat
    assert "[U+1F600]" in flat and "\\u202eevil\\x1b[31m\\x00\\u200b" in flat
    assert "root:" not in flat
    assert not re.search(rb"/(JavaScript|JS|Launch|URI|EmbeddedFile)\b", data)


def test_any_texts_make_a_document(twisted):
    for texts in (twisted.ugly[:5], twisted.ugly[5:], HURT[4:]):
        assert made(twisted.make(texts, (), "zh")).startswith(b"%PDF")


def test_texts_are_data_and_never_markup():
    template = resources.files("auditor.reports").joinpath("report.typ").read_text("utf-8")
    assert not re.search(
        r"\beval\s*\(|\bplugin\s*\(|#(import|include)\b|@preview|\bread\s*\(|\blink\s*\(", template
    )
    assert template.count("json(") == 1


def test_every_sample_makes_a_document(audited):
    for name, result in audited.items():
        values = told(result)
        assert json.loads(json.dumps(values)) == values, name
        shown = {
            group["who"] for rule in (*values["rules"], *values["advisories"]) for group in rule["groups"]
        }
        assert bool(shown) == bool(result.unsettled)
    assert made(audited["domestic_operator"]) and made(audited["shanghai_disagreements observed"], True)


def test_what_is_left_out_is_counted(bad):
    first = next(f for f in bad.unsettled if f.rule == "PILOT-ISP-02")
    rule = bad.rule(first.rule)
    batches = tuple(
        Batch(
            Verdict.FAIL,
            first.message_id,
            [f"n{i}"],
            "node",
            first.args,
            {**first.details, "handoff": [f"a{i}", f"x{i}"]},
        )
        for i in range(500)
    )
    found = RuleFindings(rule.id, rule.basis, rule.clauses, rule.severity, batches)
    values = told(replace(bad, findings=replace(bad.findings, rules=(found,))))
    assert len(values["rules"][0]["groups"]) == MOST_GROUPS
    assert f"{500 - MOST_GROUPS} more" in values["rules"][0]["more"]
    assert len(values["affected"]["rows"]) == MOST_AFFECTED
    assert f"{500 - MOST_AFFECTED} more" in values["affected"]["more"]


def test_all_findings_lists_what_passes_too(bad):
    few, many = told(bad)["affected"]["rows"], told(bad, True)["affected"]["rows"]
    assert len(few) == len(bad.unsettled) and len(many) == sum(sum(c.values()) for c in bad.counts.values())
    assert few == many[: len(few)]


def test_texts_are_cut_and_can_be_broken(twisted):
    values = told(twisted.make(["y" * 100_000, "a", "b"]))
    assert f"…(+{100_000 - LONGEST:,})" in values["operator"].replace("\u200b", "")
    assert max(map(len, values["operator"].split("\u200b"))) <= 20
    assert __version__ in values["foot"]


def test_distance_says_on_which_side(audited, bad):
    inside = str(told(audited["hainan_gcj02_as_wgs84"])["rules"])
    assert "181 m inside the edge" in inside and "outside the edge" not in inside
    assert "143,124 m outside the edge" in str(told(bad)["rules"])


# --- font ---------------------------------------------------------------------------------------------------


def test_the_font_draws_what_ink_says_it_does():
    """PDF/A refuses a character without a glyph: so none is left, and none is given up without need."""
    ink = _ink.font()[1]
    text = "".join(chr(code) for code in range(0x20, 0x30000, 37) if unicodedata.category(chr(code)) != "Cs")
    files = {
        "main.typ": b'#set document(title: "x", date: datetime(year: 2026, month: 1, day: 1))\n'
        b'#set text(font: "Noto Sans CJK SC", fallback: false)\n#json("data.json")',
        "data.json": json.dumps(ink.written(text)).encode(),
    }
    font_paths = [str(_ink.font()[0])]
    assert typst.compile(
        files, font_paths=font_paths, ignore_system_fonts=True, pdf_standards=STANDARDS, timestamp=0
    )
    assert ink.written("中文，（〔2024〕）→①²½μ±°é Ж Ω “x” …") == "中文，（〔2024〕）→①²½μ±°é Ж Ω “x” …"
    assert ink.written("a😀b") == "a[U+1F600]b"


@given(st.text(max_size=20))
def test_ink_leaves_nothing_that_cannot_be_drawn(text):
    ink = _ink.font()[1]
    written = ink.written(text)
    assert all(ink.draws(char) for char in written)
    assert ink.written(written) == written


# --- maps ---------------------------------------------------------------------------------------------------


def test_maps_show_what_is_judged(bad, audited):
    shown = drawn(bad, Findings(bad, False))
    near, far = sketches(bad, shown)
    assert near.close and not far.close
    assert far.svg.count(b'fill="#b3261e"') == 1 and b">1</text>" in far.svg and shown.names == ["edge-hz-1"]
    assert near.svg.count(b"<circle") == (shown.rank == 1).sum() > 20
    assert b'stroke="#b3261e"' in far.svg  # the witness path
    assert len(near.svg) < 60_000
    for svg in (near.svg, far.svg):
        assert ET.fromstring(svg).tag.endswith("svg")  # noqa: S314 -- our own
    assert sketches(audited["thin"], drawn(audited["thin"], Findings(audited["thin"], False))) == []


def test_verdict_of_a_node_is_its_worst(bad):
    rank = worst(bad)
    ids = bad.case.declaration.nodes.column("id").to_pylist()
    failing = {f.subject.removeprefix("node:") for f in bad.unsettled if f.basis != "related_law"}
    assert {ids[i] for i in np.flatnonzero(rank == 3)} == failing


@given(st.lists(st.tuples(st.floats(-170, 170), st.floats(-80, 80)), min_size=1, max_size=5))
def test_a_frame_holds_its_points_and_is_never_flat(points):
    frame = _frame(points)
    placed = frame.at(np.array(points))
    assert (
        (placed >= -0.1).all()
        and (placed[:, 0] <= WIDTH + 0.1).all()
        and (placed[:, 1] <= frame.height + 0.1).all()
    )
    assert 0.3 < frame.height / WIDTH < 1.1
