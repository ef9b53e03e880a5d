"""Lines of the report for a terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from auditor.wrapping import NEVER_FIRST, wrapped

TEXT = st.text("ab-中文，。（）“” é:1", max_size=60)


@given(TEXT, st.integers(2, 20))
def test_nothing_is_lost_and_no_line_is_too_wide(text, width):
    lines = wrapped(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(cell_len(line) <= width for line in lines)


def test_words_stay_whole_and_closing_marks_stay_with_their_word():
    assert wrapped("试点业务（含租用）须在区域内，PILOT-ISP-02。", 14) == [
        "试点业务（含租",
        "用）须在区域",
        "内，",
        "PILOT-ISP-02。",
    ]
    assert not any(line[0] in NEVER_FIRST for line in wrapped("一二三四，" * 20, 8))


def test_a_word_longer_than_a_line_is_cut():
    assert wrapped("id " + "x" * 10, 4) == ["id", "xxxx", "xxxx", "xx"]
