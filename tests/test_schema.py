from __future__ import annotations

import copy
import json
import tomllib

import jsonschema
import pytest
from click.testing import CliRunner

from auditor.cli.init import TOML
from auditor.cli.schema import command
from auditor.errors import DeclarationError
from auditor.readers import read_declaration

HASH = "0" * 64
RESULT = {
    "schema": "auditor.result/1",
    "tool": {"version": "0.1.0"},
    "verdict": "fail",
    "partial": False,
    "as_of": "2026-11-22",
    "lang": "en",
    "operator": {"name": "Example", "uscc": None, "area": "shanghai"},
    "policy_sha256": HASH,
    "inputs": [{"path": "nodes.csv", "sha256": HASH}],
    "zones": [{"part": "pudong", "version": "1", "sha256": HASH}],
    "counts": {"PILOT-FAC-01": {"pass": 41, "fail": 2}},
    "causes": [
        {"rule": "PILOT-ISP-02", "handoff": ["r-4", "ixp-1"], "subjects": 812, "example": "node:sub-17"}
    ],
    "findings": [
        {
            "rule": "PILOT-ISP-02",
            "basis": "circular",
            "clause": "annex-2-2-isp-access",
            "subject": "node:sub-17",
            "verdict": "fail",
            "severity": "high",
            "grade": "E3",
            "message_id": "bypass",
            "args": {},
            "message": "The declared links permit …",
            "details": {"path": ["sub-17", "r-4", "ixp-1"], "handoff": ["r-4", "ixp-1"]},
            "observations": [],
            "fingerprint": HASH,
        }
    ],
    "manual": ["circular-4"],
    "not_checked": [],
}
DECLARATION = {
    "schema": "auditor.declaration/1",
    "declared_on": "2026-10-01",
    "operator": {"name": "Example", "nature": "foreign_invested", "domiciles": [{"region_code": "310115"}]},
    "services": [{"code": "B14", "content": []}],
    "contracts": [{"kind": "cdn", "node_ids": ["a"], "from_on": "2026-01-01"}],
    "network": {
        "nodes": [{"id": "a", "kind": "bras", "lon": 121.0, "lat": 31, "services": ["B14"], "extra": {}}],
        "links": [{"source": "a", "direction": "forward", "to_on": "2026-01-01"}],
        "complete": True,
    },
}


def schema(what):
    result = CliRunner().invoke(command, [what])
    assert result.exit_code == 0
    return json.loads(result.stdout)


def validator(what):
    return jsonschema.Draft202012Validator(schema(what), format_checker=jsonschema.FormatChecker())


def edited(tree, path, value):
    tree = copy.deepcopy(tree)
    *way, last = path
    place = tree
    for step in way:
        place = place[step]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return tree


@pytest.mark.parametrize("what", ["declaration", "result"])
def test_schemas_are_schemas(what):
    jsonschema.Draft202012Validator.check_schema(schema(what))


def test_nothing_else_is_published():
    assert CliRunner().invoke(command, ["zones"]).exit_code == 2


def test_the_template_fits_the_schema():
    validator("declaration").validate(json.loads(json.dumps(tomllib.loads(TOML), default=str)))


def test_a_good_declaration_fits_and_reads(tmp_path):
    validator("declaration").validate(DECLARATION)
    (tmp_path / "d.json").write_text(json.dumps(DECLARATION), "utf-8")
    assert read_declaration(tmp_path / "d.json").nodes.num_rows == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["schema"], "auditor.declaration/2"),
        (["schema"], ...),
        (["operator"], ...),
        (["operator", "name"], ...),
        (["operator", "nature"], "foreign"),
        (["operator", "domiciles"], "Pudong"),
        (["declared_on"], "1 October"),
        (["services", 0, "code"], ...),
        (["contracts", 0, "kind"], "lease"),
        (["network", "complete"], "yes"),
        (["network", "nodes"], 3),
        (["network", "nodes", 0, "id"], ...),
        (["network", "nodes", 0, "kind"], "modem"),
        (["network", "nodes", 0, "lon"], "121 E"),
        (["network", "links", 0, "source"], ...),
        (["network", "links", 0, "direction"], "backward"),
        (["network", "links", 0, "to_on"], "soon"),
    ],
)
def test_schema_and_reader_refuse_the_same(tmp_path, path, value):
    broken = edited(DECLARATION, path, value)
    assert not validator("declaration").is_valid(broken)
    (tmp_path / "d.json").write_text(json.dumps(broken), "utf-8")
    with pytest.raises(DeclarationError):
        read_declaration(tmp_path / "d.json")


def test_a_result_fits():
    validator("result").validate(RESULT)


@pytest.mark.parametrize("key", sorted(RESULT))
def test_every_key_of_a_result_is_required(key):
    assert not validator("result").is_valid(edited(RESULT, [key], ...))


@pytest.mark.parametrize("key", sorted(RESULT["findings"][0]))
def test_every_key_of_a_finding_is_required(key):
    assert not validator("result").is_valid(edited(RESULT, ["findings", 0, key], ...))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["schema"], "auditor.result/2"),
        (["verdict"], "manual"),
        (["lang"], "fr"),
        (["as_of"], "today"),
        (["policy_sha256"], "abc"),
        (["counts", "PILOT-FAC-01"], {"passed": 1}),
        (["counts", "PILOT-FAC-01"], {"pass": -1}),
        (["findings", 0, "verdict"], "maybe"),
        (["findings", 0, "severity"], "urgent"),
        (["findings", 0, "grade"], "E5"),
        (["findings", 0, "basis"], "law"),
        (["findings", 0, "subject"], "sub-17"),
        (["findings", 0, "details"], {"handoff": ["r-4"]}),
        (["causes", 0, "handoff"], ["r-4"]),
        (["causes", 0, "subjects"], 0),
    ],
)
def test_a_wrong_result_does_not_fit(path, value):
    assert not validator("result").is_valid(edited(RESULT, path, value))
