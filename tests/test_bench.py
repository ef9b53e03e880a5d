"""Large networks with known answers (../shared/bench), at a size that fits a test."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import auditor
from auditor.reports.json_ import to_dict

HERE = Path(__file__).parent
MAKE = HERE.parent.parent / "shared" / "bench" / "make_network.py"
spec = importlib.util.spec_from_file_location("bench_check", HERE / "bench_check.py")
bench_check = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bench_check)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("format_", ["csv", "parquet"])
def test_generated_networks(tmp_path, seed, format_):
    if not MAKE.exists():
        pytest.skip("needs ../shared")
    make = [sys.executable, MAKE, "3000", tmp_path, "--format", format_, "--seed", str(seed)]
    subprocess.run(make, check=True, capture_output=True)
    result = to_dict(auditor.check(auditor.read_declaration(tmp_path), as_of="2026-11-22"))
    assert bench_check.differences(tmp_path, result) == ([], [])
    wrong, walked = bench_check.wrong_witnesses(tmp_path, result)
    assert wrong == []
    assert walked > 100
