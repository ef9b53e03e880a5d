"""JSON that is read strictly, and fast: the same values and the same problems as by looking at every key."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.readers import _files
from auditor.tables import Log

NUMBERS = ["0", "-0", "-0.0", "7", "7.0", "1e5", "1e400", "18446744073709551616", "-9223372036854775809", "2.5e-400",
           "9007199254740993", "9" * 5000, "NaN"]  # fmt: skip
WORDS = st.sampled_from(
    ['"a"', '"b"', '":"', '"::1"', r'"\":"', r'"\u0061"', '"名"', r'"\ud800"', '"id"', '""']
)
LEAVES = st.one_of(st.sampled_from(["null", "true", *NUMBERS]), WORDS, st.text(max_size=3).map(json.dumps))
SPACES = st.sampled_from(["", "", " ", "\n", "\t \r\n"])


@st.composite
def objects(draw, inner):
    pairs = draw(st.lists(st.tuples(WORDS, SPACES, SPACES, inner), max_size=4))
    return "{" + ",".join(f"{key}{before}:{after}{value}" for key, before, after, value in pairs) + "}"


TEXTS = st.recursive(
    LEAVES,
    lambda inner: objects(inner) | st.lists(inner, max_size=4).map(lambda v: f"[{','.join(v)}]"),
    max_leaves=12,
)


def told(text, monkeypatch, slowly):
    log = Log()
    with monkeypatch.context() as patch:
        if slowly:
            patch.setattr(_files, "_same", lambda *_: False)
        tree = _files.read_json(text.encode("utf-8", "surrogatepass"), "x.json", log)
    return repr(tree), [str(problem) for problem in log.problems.found]


@given(TEXTS)
def test_any_text_as_key_by_key(text):
    with pytest.MonkeyPatch.context() as patch:
        assert told(text, patch, slowly=False) == told(text, patch, slowly=True)


@pytest.mark.parametrize("depth", [1, 499, 500, 501, 900, 1000, 1024, 1025])
@pytest.mark.parametrize("text", ["[{}]", '{{"a":{}}}'])
def test_deep_texts_as_key_by_key(monkeypatch, depth, text):
    before, after = text.replace("{}", "\0").replace("{{", "{").replace("}}", "}").split("\0")
    text = before * depth + "1" + after * depth
    assert told(text, monkeypatch, slowly=False) == told(text, monkeypatch, slowly=True)


@pytest.mark.parametrize(
    ("text", "fast"),
    [('{"a": 1, "b": [{"a": 2.5}]}', True), ('{"a" : 1}', True), ('{"a": 1, "a": 2}', False), ('{"a": "::1"}', False),
     ("[18446744073709551616]", False), ("3", True)],
)  # fmt: skip
def test_what_is_read_fast(monkeypatch, text, fast):
    called = []
    monkeypatch.setattr(_files, "_slowly", lambda *_: called.append(1))
    _files.read_json(text.encode(), "x.json", Log())
    assert bool(called) != fast
