"""Large networks with known answers (../shared/bench), at a size that fits a test."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path

import pytest

import auditor
from auditor.reports._content import to_dict

HERE = Path(__file__).parent
MAKE = HERE.parent.parent / "shared" / "bench" / "make_network.py"
AS_OF = "2026-11-22"


@cache
def module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@cache
def areas():
    return auditor.read_areas(AS_OF)


@pytest.mark.parametrize(("seed", "format_"), [(1, "csv"), (2, "parquet"), (3, "csv")])
def test_generated_networks(monkeypatch, tmp_path, seed, format_):
    if not MAKE.exists():
        pytest.skip("needs ../shared")
    bench_check = module(HERE / "bench_check.py")
    make = [MAKE.name, "3000", str(tmp_path), "--format", format_, "--seed", str(seed)]
    monkeypatch.setattr(sys, "argv", make)
    module(MAKE).main()
    result = to_dict(auditor.check(auditor.read_declaration(tmp_path), areas=areas(), as_of=AS_OF))
    assert bench_check.differences(tmp_path, result) == ([], [])
    wrong, walked = bench_check.wrong_witnesses(tmp_path, result)
    assert wrong == []
    assert walked > 100
