"""Figures of a result: what is drawn, what is said of what is not, and that names are but names."""

from __future__ import annotations

import sys
import warnings
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st

import auditor
from auditor.errors import UsageError
from auditor.findings import WORST_FIRST, Verdict
from auditor.plots import _paths, _sheet, _style

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch
from matplotlib.text import Text

ON = "2026-11-22"
HOSTILE = "$\\frac{1}$ </script><img src=x onerror=alert(1)>\U0001f600$x^{ =cmd|' " + "名" * 5_000


@pytest.fixture(scope="module")
def backbone(areas):
    return auditor.check(auditor.read_declaration(auditor.sample("backbone")), areas=areas, as_of=ON)


@pytest.fixture
def ax():
    return Figure(figsize=(9, 6)).add_axes((0.07, 0.2, 0.64, 0.68))


def texts(ax):
    return [t.get_text() for t in ax.findobj(Text) if t.get_text()]


def said(ax):
    return "\n".join(texts(ax))


def legend(ax):
    return dict(t.get_text().rsplit(": ", 1) for t in ax.get_legend().get_texts() if ": " in t.get_text())


def changed(declared, areas, change, **options):
    graph = declared.graph.copy()
    change(graph)
    return auditor.check(auditor.read_graph(graph, operator=declared), areas=areas, as_of=ON, **options)


def test_the_legend_counts_what_the_table_says(result, ax):
    result.plot(ax)
    frame = result.to_frame().query("basis != 'related_law' and subject.str.startswith('node:')")
    rank = {str(verdict): i for i, verdict in enumerate(WORST_FIRST)}
    worst = (
        frame.assign(rank=frame["verdict"].map(rank))
        .groupby("subject")["rank"]
        .min()
        .map(WORST_FIRST.__getitem__)
    )
    counts = worst.map(str).value_counts()
    assert {k: int(v.replace(",", "")) for k, v in legend(ax).items() if k in {"fail", "pass"}} == {
        "fail": counts["fail"],
        "pass": counts["pass"],
    }


def test_what_has_no_coordinates_is_counted_in_a_note(result, ax):
    result.plot(ax)
    place, serving = result.case.place, result.case.in_service
    lost = int(np.count_nonzero(serving & np.isnan(place.lon)))
    assert lost > 0
    assert f"Nodes without coordinates, not drawn: {lost};" in said(ax)


def test_title_date_names_and_attribution(result, ax):
    result.plot(ax)
    assert "示例临港数据（上海）有限公司" in ax.get_title(loc="left")
    assert "fail as of 2026-11-22" in ax.get_title(loc="left")
    assert "向钱塘云租用的杭州节点" in texts(ax)
    assert "GS(2024)0650" in said(ax)


def test_a_pass_on_the_operators_word_says_so(areas, ax):
    clean = auditor.check(auditor.read_declaration(auditor.sample("shanghai_isp_cdn")), areas=areas, as_of=ON)
    clean.plot(ax)
    assert "pass (declared only)" in ax.get_title(loc="left")


def test_every_verdict_has_a_colour_and_a_shape_of_its_own():
    looks = list(_style.LOOKS.values())
    assert len({look.colour for look in looks}) == len({look.marker for look in looks}) == len(looks)


def test_aspect_is_that_of_the_latitude(result, ax):
    result.plot(ax)
    south, north = ax.get_ylim()
    assert ax.get_aspect() == pytest.approx(1 / np.cos(np.radians((south + north) / 2)))


@pytest.mark.parametrize("view", [None, (121.59, 31.2, 121.6, 31.21), (73, 18, 135, 54)])
def test_the_scale_bar_is_as_long_as_it_says(result, ax, view):
    result.plot(ax, view=view)
    bar = next(line for line in ax.lines if line.get_transform() == ax.transAxes)
    share = np.ptp(bar.get_xdata())
    (west, east), (south, north) = ax.get_xlim(), ax.get_ylim()
    middle = (south + north) / 2
    across = pyproj.Geod(ellps="WGS84").inv(west, middle, west + share * (east - west), middle)[2]
    written = next(t for t in texts(ax) if t.endswith((" m", " m)")))
    metres = float(written.rstrip(" m)").split("(")[-1].replace(",", ""))
    # a great circle cuts the corner on a sheet of sixty degrees
    assert across == pytest.approx(metres, rel=0.01 if view is None or view[0] > 100 else 0.03)


def test_one_place_far_away_does_not_shrink_the_rest(areas, ax):
    shenzhen = auditor.check(
        auditor.read_declaration(auditor.sample("shenzhen_two_areas")), areas=areas, as_of=ON
    )
    shenzhen.plot(ax)
    assert ax.get_ylim()[1] < 24  # the standby site in Beijing is off the sheet
    assert len(ax.child_axes) == 1
    whole = ax.child_axes[0].get_ylim()
    assert whole[0] < 22.5 and whole[1] > 39.7
    assert "亦庄灾备" in said(ax)  # which fails


def test_what_is_near_fits_on_one_sheet(result, ax):
    result.plot(ax)
    assert ax.child_axes == []
    place = result.case.place
    known = ~np.isnan(place.lon)
    assert ax.get_xlim()[0] < place.lon[known].min() and ax.get_xlim()[1] > place.lon[known].max()


def test_without_any_place_the_areas_are_drawn(areas, ax):
    thin = auditor.check(auditor.read_declaration(auditor.sample("thin")), areas=areas, as_of=ON)
    thin.plot(ax)
    assert "pilot area" in texts(ax)
    assert "not drawn: 8;" in said(ax)


@given(st.floats(-179, 179), st.floats(-85, 85), st.floats(0, 2), st.floats(0, 2), st.floats(0.5, 3.0))
def test_a_sheet_holds_what_it_fits_in_its_ratio(lon, lat, width, height, ratio):
    box = _sheet.Box(lon, lat, lon + width, lat + height)
    fit = box.filling(ratio)
    assert fit.west <= box.west and fit.south <= box.south and fit.east >= box.east and fit.north >= box.north
    high = (fit.north - fit.south) * _sheet.M_A_DEGREE
    assert fit.metres / high == pytest.approx(ratio, rel=0.01)
    assert fit.metres >= _sheet.LEAST_M * 0.99


def test_what_falls_on_one_dot_is_drawn_once():
    box = _sheet.Box(0.0, 0.0, 6.0, 6.0)
    lon, lat = np.array([1.0, 1.0001, 2.0, 1.0]), np.array([1.0, 1.0, 2.0, 3.0])
    assert _sheet.once(box, lon, lat).tolist() == [0, 2, 3]


def test_chinese_is_chinese_and_in_the_letter_forms_of_the_mainland(backbone, ax):
    backbone.plot(ax, lang="zh")
    assert "疑似不符合（待核查），截至 2026-11-22" in ax.get_title(loc="left")
    assert {"试点区域", "链路"} <= set(texts(ax))
    english = [t for t in texts(ax) if t.isascii() and t.isalpha()]
    assert english == []
    drawn = [t for t in ax.findobj(Text) if t.get_text() and t.get_visible()]
    faces = {mpl.font_manager.get_font(t.get_fontproperties().get_file()).family_name for t in drawn}
    assert faces == {"Noto Sans CJK SC"}


def test_no_setting_of_matplotlib_changes(result, ax):
    before = dict(mpl.rcParams)
    figures = plt.get_fignums()
    result.plot(ax)
    result.plot_paths("node:sub-lg-homes", Figure().add_subplot())
    assert dict(mpl.rcParams) == before
    assert plt.get_fignums() == figures


def test_without_axes_a_figure_is_made_that_a_notebook_shows(result):
    made = result.plot(size=(5, 4))
    assert made.figure.number in plt.get_fignums()
    assert made.figure.get_size_inches().tolist() == [5, 4]
    plt.close(made.figure)


def test_a_view_that_makes_no_sense_is_refused(result, ax):
    for view in ((1, 2, 3), (122, 31, 121, 32), (0, 0, 0, 0), (-200, 0, 10, 10)):
        with pytest.raises(UsageError, match="west, south, east, north"):
            result.plot(ax, view=view)


@pytest.mark.parametrize("form", ["png", "pdf", "svg"])
def test_hostile_names_are_names(declared, areas, form, tmp_path):
    def spoil(graph):
        for node in ("edge-hz-1", "sub-lg-homes", "agg-lg-1"):
            graph.nodes[node]["name"] = HOSTILE
        graph.nodes["border-lg-1"]["owner"] = "$$\\input{/etc/passwd}"

    bad = changed(declared, areas, spoil)
    with warnings.catch_warnings(), mpl.rc_context({"text.usetex": False}):
        warnings.simplefilter("error")
        for ax in (
            bad.plot(Figure().add_subplot()),
            bad.plot_paths("node:sub-lg-homes", Figure().add_subplot()),
        ):
            ax.figure.savefig(tmp_path / f"a.{form}")
            assert not any(t.get_parse_math() or t.get_usetex() for t in ax.findobj(Text))
    written = (tmp_path / f"a.{form}").read_bytes()
    assert b"<script" not in written and b"</script" not in written
    assert max(map(len, texts(ax))) < 2_000


def test_what_a_reader_would_obey_is_shown():
    assert _style.shown("a\u202eb\x1b[31m\x00\ud800\U0001f600") == "a\\u202eb\\x1b[31m\\x00\\ud800□"


@given(st.text(max_size=200), st.integers(2, 60))
def test_short_texts_are_short(text, most):
    short = _style.short(text, most)
    assert _style.cells(short) <= most + 8  # one control character is shown as up to ten cells
    assert all(ord(c) in _style._letters() or c in {"\n", _style.MISSING} for c in short)


@given(st.text("ab 名", max_size=300), st.integers(6, 40), st.integers(1, 4))
def test_broken_texts_keep_to_their_lines(text, width, lines):
    broken = _style.broken(text, width, lines)
    rows = broken.split("\n")
    assert len(rows) <= lines and all(_style.cells(row) <= width for row in rows)
    if _style.ELLIPSIS not in broken:
        assert broken.replace("\n", "").replace(" ", "") == text.replace(" ", "")


# --- ways -------------------------------------------------------------------------------------------------


def test_a_bypass_is_drawn_beside_the_lawful_way(backbone):
    ax = backbone.plot_paths("node:sub-2", Figure().add_subplot())
    assert [node for node in ("sub-2", "olt-2", "agg-2", "8", "bng-sh-2") if node not in said(ax)] == []
    assert {"subject", "access equipment", "the Internet begins here", "hand-off"} <= set(texts(ax))
    heavy = [p for p in ax.patches if isinstance(p, FancyArrowPatch) and p.get_linewidth() == 3]
    assert len(heavy) == 1
    assert heavy[0].get_edgecolor()[:3] == pytest.approx(mpl.colors.to_rgb(_style.HANDOFF))


def test_a_lawful_way_has_no_alarm(result):
    ax = result.plot_paths("sub-zj-homes", Figure().add_subplot())
    assert "hand-off" not in texts(ax)
    assert "access equipment" in texts(ax)
    assert "the carrier's\nnetwork, the Internet" in texts(ax)


def test_equipment_that_the_operator_runs_says_so(result):
    ax = result.plot_paths("node:sub-fc-homes", Figure().add_subplot(), lang="zh")
    assert "由本企业运行" in said(ax)


def test_the_lawful_way_leads_past_no_root(declared, areas):
    def cut(graph):
        graph.remove_edges_from(
            [e for e in graph.edges(keys=True) if "bng" in f"{e[0]} {e[1]}" and "agg" in f"{e[0]} {e[1]}"]
        )

    bad = changed(declared, areas, cut)
    assert _paths.way_to_gate(bad, "sub-lg-homes") == ()
    ax = bad.plot_paths("node:sub-lg-homes", Figure().add_subplot())
    assert "No way to a carrier's access equipment is declared." in said(ax)


def test_a_long_way_is_shortened_yet_keeps_its_hand_off(backbone, areas):
    def lengthen(graph):
        graph.remove_edges_from([e for e in graph.edges(keys=True) if {e[0], e[1]} == {"olt-2", "agg-2"}])
        chain = ["olt-2", *(f"hop-{i}" for i in range(40)), "agg-2"]
        for node in chain[1:-1]:
            graph.add_node(node, kind="router", owner="operator", region_code="310115")
        for near, far in pairwise(chain):
            graph.add_edge(near, far, kind="fibre")

    bad = changed(backbone.case.declaration, areas, lengthen)
    ax = bad.plot_paths("node:sub-2", Figure().add_subplot())
    assert "36 more" in said(ax)
    assert {"hand-off", "the Internet begins here"} <= set(texts(ax))
    whole = ["s", *map(str, range(50)), "r"]
    shown = _paths._shortened(whole, ["20", "21"])
    assert {"s", "20", "21", "r"} <= set(shown)
    assert sum(n if isinstance(n, int) else 1 for n in shown) == len(whole)


def test_a_far_end_that_nobody_declares_is_drawn(declared, areas):
    def open_end(graph):
        graph.remove_node("ixp-sh-1")
        graph.add_node("?", auditor_declared=False, auditor_blank=True)
        graph.add_edge("border-lg-1", "?", "out", kind="transit")

    ax = changed(declared, areas, open_end).plot_paths("node:sub-lg-homes", Figure().add_subplot())
    assert "far end not declared" in said(ax)
    assert "hand-off" in texts(ax)


def test_subjects_without_a_way_are_refused_with_a_hint(result):
    with pytest.raises(UsageError, match=r"did you mean 'node:sub-lg-homes'"):
        result.plot_paths("node:sub-lg-home")
    with pytest.raises(UsageError, match=r"PILOT-FAC-01.*those on these do: node:sub"):
        result.plot_paths("node:edge-hz-1")
    for unknown in ("", "operator:", "link:x", "node:", "\x1b[31m"):
        with pytest.raises(UsageError):
            result.plot_paths(unknown)


def test_findings_on_one_subject_are_those_of_the_table(result):
    subject = "node:sub-fc-homes"
    shown, rules = _paths.findings_on(result, subject)
    frame = result.to_frame().query("subject == @subject")
    assert list(rules) == frame["rule"].tolist()
    assert {f.fingerprint for f in shown} <= set(frame["fingerprint"])
    assert [f.verdict for f in shown if f.rule == "PILOT-ISP-02"] == [Verdict.FAIL]


@pytest.mark.parametrize("missing", ["matplotlib.pyplot", "noto_cjk_sans_otc"])
def test_without_the_extra_people_are_told_what_to_install(result, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UsageError, match=r'pip install "auditor\[plots\]"'):
        result.plot()
    with pytest.raises(UsageError, match=r'pip install "auditor\[plots\]"'):
        result.plot_paths("node:sub-lg-homes")
