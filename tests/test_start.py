"""What a command imports: a heavy library is loaded where it is used, or every start pays for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from auditor.rules import all_rules, find_rule

SAMPLE = str(Path(__file__).parent.parent / "sample_networks" / "shanghai_violations")
LISTED = """
import sys
from auditor.cli import main
for words in sys.argv[1:]:
    sys.argv = ["auditor", *words.split("|")]
    try:
        main()
    except SystemExit as ended:
        assert ended.code in {None, 0, 1, 3}, (words, ended.code)
    print(*sys.modules, file=sys.stderr)
"""
NEVER = {"pandas", "geopandas", "sqlalchemy", "cryptography", "lxml", "openpyxl", "jinja2", "networkx", "requests",
         "asyncio", "matplotlib", "dns", "ipwhois", "PIL"}  # fmt: skip
HEAVY = NEVER | {"pyarrow", "pydantic", "scipy", "shapely", "pyproj", "orjson", "rapidfuzz"}


def loaded(*commands: list[str]) -> list[set[str]]:
    """Modules that each command leaves loaded, one after the other in one process."""
    words = ["|".join(command) for command in commands]
    ran = subprocess.run([sys.executable, "-c", LISTED, *words], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr.splitlines()[-1:]
    return [set(line.split()) for line in ran.stderr.splitlines()[-len(commands) :]]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_lists_and_explains_is_light(lang, monkeypatch):
    """What is loaded stays loaded: what no command left behind, none of them loaded."""
    monkeypatch.setenv("AUDITOR_LANG", lang)
    light = [["rules"], ["rules", "--format", "json"], ["explain", "PILOT-ISP-02"], ["explain", "circular-1"]]
    helped, *found = loaded(["--help"], *light)
    assert "click" in helped
    assert not helped & (HEAVY | {"numpy"})
    for words, modules in zip(light, found, strict=True):
        assert not modules & HEAVY, words


def test_a_check_loads_what_judges_and_no_more():
    (found,) = loaded(["check", SAMPLE, "--as-of", "2026-11-22", "--format", "json"])
    assert {"numpy", "pyarrow", "shapely"} <= found
    assert not found & (NEVER | {"rich", "rapidfuzz", "scipy.optimize"})
    assert not {name for name in found if name.startswith("auditor.reports.")} - {
        "auditor.reports.json_",
        *(name for name in found if name.startswith("auditor.reports._")),
    }


def test_pandas_is_spared_only_while_nobody_asks_for_it(tmp_path):
    """Frames work after a check that had pyarrow believe that there is no pandas."""
    code = """
import sys
from auditor.cli import check
import pyarrow as pa
check._spare_pandas()
assert "pandas" not in sys.modules and not sys.meta_path[0].__class__.__name__ == "_Hidden"
table = pa.table({"a": ["x", None]})
assert "pandas" not in sys.modules
frame = table.to_pandas()
assert list(frame["a"])[0] == "x"
assert pa.Table.from_pandas(frame).num_rows == 2
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_one_rule_is_found_by_its_module_as_among_all():
    for rule in all_rules():
        assert find_rule(rule.id) is rule
        assert find_rule(rule.id.removeprefix("PILOT-").lower()) is rule
    for name in (
        "",
        "PILOT",
        "PILOT-",
        "ISP",
        "isp-2",
        "PILOT-ISP-99",
        "PILOT-PILOT-ISP-02",
        "_helpers",
        "../x",
    ):
        assert find_rule(name) is None
