"""The benchmark's generator writes declarations that read, without anything left over."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from auditor.readers import read_declaration

GENERATOR = Path(__file__).parents[3] / "shared/bench/make_network.py"


@pytest.mark.shared
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_generated_networks_read(tmp_path, form):
    if not GENERATOR.is_file():
        pytest.skip("no ../shared folder")
    subprocess.run(
        [sys.executable, str(GENERATOR), "2000", str(tmp_path), "--format", form],
        check=True,
        capture_output=True,
    )
    counts = json.loads((tmp_path / "expected.json").read_text("utf-8"))
    declaration = read_declaration(tmp_path)
    assert (declaration.nodes.num_rows, declaration.links.num_rows) == (counts["nodes"], counts["links"])
    kinds = declaration.nodes.column("kind").to_pylist()
    assert kinds.count("subscriber") == counts["subscribers"]
    assert declaration.links.column("head").null_count == 0
    assert (len(declaration.undeclared), declaration.unused, declaration.notes) == (0, (), ())
    assert declaration.complete
    assert {service.code for service in declaration.services} == {"B11", "B14"}
