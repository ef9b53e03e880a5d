"""JSON, read strictly: two readers must not see two declarations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from auditor.errors import DeclarationError
from auditor.readers import read_declaration
from auditor.readers._registry import readers

CORPUS = Path(__file__).parents[3] / "shared/testdata/jsontestsuite/test_parsing"
FORMS = ", ".join(reader.name for reader in readers() if reader.tree is not None)
RECORDS = '"schema": "auditor.declaration/1", "operator": {"name": "Example"}'


def problems_of(tmp_path, text):
    path = tmp_path / "d.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DeclarationError) as caught:
        read_declaration(path)
    return [str(problem) for problem in caught.value.problems]


def test_tables_may_be_files_beside_it(declare):
    root = declare({"d.json": "{" + RECORDS + ', "network": {"nodes": "nodes.csv", "links": "links.csv"}}'})
    assert read_declaration(root / "d.json").links.num_rows == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["d.json: the file is empty"]),
        ("[]", [f"d.json: is JSON, but of no form that is known; forms of JSON are {FORMS}"]),
        (
            "{"
            + RECORDS
            + ', "operator": {"name": "Other"}, "network": {"nodes": [{"id": "a", "kind": "bng"}]}}',
            ["d.json, operator: the key is there twice; remove one"],
        ),
        (
            "{" + RECORDS + ', "network": {"nodes": [{"id": "a", "kind": "bng", "kind": "olt"}]}}',
            ["d.json, the record with id a, kind: the key is there twice; remove one"],
        ),
        (
            "{" + RECORDS + ', "declared_on": 20261001, "network": {"nodes": [{"id": "a"}]}}',
            [
                "d.json, declared_on: '20261001' is no date; write dates as 2026-11-22",
                "d.json, network.nodes 1, kind: is missing",
            ],
        ),
    ],
)
def test_problems(tmp_path, text, expected):
    assert problems_of(tmp_path, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": "\\ud800"}',
        "{,}",
        '{"a": 1} x',
        "[" * 100_000,
        b'{"a": "\xff"}',
    ],
)
def test_what_is_no_json(tmp_path, text):
    [problem] = problems_of(tmp_path, text)
    assert "no JSON" in problem or "is not UTF-8" in problem


def test_numbers_too_long_for_python(tmp_path):
    assert problems_of(tmp_path, '{"a": ' + "9" * 5000 + "}")


def test_blank_values_count_as_absent(tmp_path):
    tree = {
        "schema": "auditor.declaration/1",
        "declared_on": "2026-10-01",
        "operator": {"name": "Example", "uscc": "", "group": None},
        "services": [{"code": "B14", "content": []}, {"code": "B12"}],
        "network": {"nodes": [{"id": "a", "kind": "bng", "owner": " "}], "links": [{"source": "a"}]},
    }
    (tmp_path / "d.json").write_text(json.dumps(tree), "utf-8")
    declaration = read_declaration(tmp_path / "d.json")
    assert (declaration.operator.uscc, declaration.operator.group) == (None, None)
    assert [service.content for service in declaration.services] == [(), None]
    assert declaration.nodes.column("owner").to_pylist() == [None]
    assert declaration.links.column("head").to_pylist() == [-1]
    assert str(declaration.declared_on) == "2026-10-01"


@pytest.mark.shared
def test_json_test_suite(tmp_path):
    if not CORPUS.is_dir():
        pytest.skip("no ../shared folder")
    for file in sorted(CORPUS.glob("*.json")):
        lines = problems_of(tmp_path, file.read_bytes())
        refused = any(w in lines[0] for w in ("no JSON", "not UTF-8", "is empty"))
        if file.name.startswith("n_"):
            assert refused, file.name
        if file.name.startswith("y_"):
            assert not refused, file.name
