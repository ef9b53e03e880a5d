"""Every rule against its case file: `cases/<module>.toml` beside `auditor/rules/<module>.py`."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import hashlib
import json
import re
import tempfile
import tomllib
from functools import cache
from pathlib import Path

import pytest

import auditor
from auditor import engine, findings, observations, registers, rules
from auditor.explaining import explained
from auditor.findings import Verdict

HERE = Path(__file__).parent
RULES = Path(rules.__file__).parent
BASES = tomllib.loads((HERE / "bases.toml").read_text("utf-8"))
MODULES = sorted(p.stem for p in RULES.glob("*.py") if not p.stem.startswith("_"))
HAN = re.compile("[\u4e00-\u9fff]")
KINDS = {"pass", "fail", "inconclusive", "must_not_flag"}
FLAGS = {Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.NOT_CHECKED}


def cases_of(module):
    assert (HERE / "cases" / f"{module}.toml").exists(), f"{module} has no case file"
    return tomllib.loads((HERE / "cases" / f"{module}.toml").read_text("utf-8"))["case"]


CASES = [
    pytest.param(path.stem, case, id=f"{path.stem}: {case['name']}")
    for path in sorted((HERE / "cases").glob("*.toml"))
    for case in cases_of(path.stem)
]


def put(tree, dotted, value):
    *path, last = dotted.split(".")
    for key in path:
        tree = tree[int(key)] if isinstance(tree, list) else tree.setdefault(key, {})
    if value == "<remove>":
        del tree[int(last) if isinstance(tree, list) else last]
    elif isinstance(tree, list):
        tree[int(last)] = value
    else:
        tree[last] = value


def build(case):
    """Base of the case with its changes: `nodes`, `links` (added; a node of the same id is replaced),
    `drop_nodes` (with their links), `append` (lists of the declaration), `set` (dotted paths). Beside them
    `observations` are records of what sources said, `files` are texts laid beside the declaration, of which a
    review confirms `confirmed_files`, and `confirmed` names documents that a review confirms.
    `shows` are parts of the English message by subject, `details` some of the details, `silent` subjects that
    have no finding."""
    tree = copy.deepcopy(BASES[case.get("base", "shanghai")])
    network = tree["network"]
    dropped = set(case.get("drop_nodes", ())) | {n["id"] for n in case.get("nodes", ())}
    gone = set(case.get("drop_nodes", ()))
    network["nodes"] = [n for n in network["nodes"] if n["id"] not in dropped] + case.get("nodes", [])
    kept = [k for k in network.get("links", []) if not {k["source"], k["target"]} & gone]
    network["links"] = kept + case.get("links", [])
    for name, entries in case.get("append", {}).items():
        tree.setdefault(name, []).extend(entries)
    for dotted, value in case.get("set", {}).items():
        put(tree, dotted, value)
    return tree


def extent_of(region):
    if len(region) == 2:
        return "country"
    if region[2:] == "0000":
        return "province"
    return "city" if region.endswith("00") else "district"


def observed(records):
    """Observations of a case: records by column name, over what `[observation]` of the bases says."""
    full = []
    for record in records:
        row = {**BASES["observation"], **record}
        row.setdefault("source", row["family"])
        if "region" in row:
            row.setdefault("extent", extent_of(row["region"]))
        if "details" in row:
            row["details"] = json.dumps(row["details"])
        full.append(row)
    names = {name for row in full for name in row}
    made = observations.table(len(full), **{name: [row.get(name) for row in full] for name in names})
    return observations.Observations(made)


def confirm(names, folder):
    """Lay documents beside the declaration, and give their digests as reviews do that confirm them."""
    for name in names:
        (folder / name).write_bytes(name.encode())
    return [hashlib.sha256(name.encode()).hexdigest() for name in names]


@cache
def areas_on(as_of):
    """Read and overlay the areas once a date, as `auditor check A B C` does."""
    return auditor.read_areas(as_of)


def own_zone(properties, as_of):
    """Areas with a square of the user's own in Qinghai beside those that ship."""
    ring = [[101, 36], [102, 36], [102, 37], [101, 37], [101, 36]]
    properties = {"part": "own_zone", "status": "in", "region_codes": {}, **properties}
    feature = {"type": "Feature", "properties": properties}
    feature["geometry"] = {"type": "Polygon", "coordinates": [ring]}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own.geojson"
        path.write_text(json.dumps(feature), "utf-8")
        return auditor.read_areas(as_of, paths=[path])


def build_areas(case, as_of):
    """Areas in force, with the facts of the case's `areas` (reply, services) in place of those known today.

    `areas_on` takes those of another day (blank: of all days), `zone` the properties of a zone of the user's own.
    """
    known, changes = areas_on(case.get("areas_on", as_of) or None), case.get("areas")
    if "zone" in case:
        return own_zone(case["zone"], as_of)
    if not changes:
        return known
    return dataclasses.replace(
        known, areas=tuple(dataclasses.replace(a, **changes.get(a.id, {})) for a in known.areas)
    )


def as_of_of(case):
    return str(case.get("as_of", dt.date(2026, 11, 22)))


@pytest.fixture
def judge(tmp_path):
    def run(module, case):
        as_of = as_of_of(case)
        path = tmp_path / "declaration.json"
        path.write_text(json.dumps(build(case), default=str), "utf-8")
        for name, content in case.get("files", {}).items():
            (tmp_path / name).write_text(content, "utf-8")
        rule = next(r for r in engine.all_rules() if r.check.__module__.endswith(f".{module}"))
        confirmed = confirm(case.get("confirmed", ()), tmp_path)
        confirmed += [
            hashlib.sha256(case["files"][name].encode()).hexdigest()
            for name in case.get("confirmed_files", ())
        ]
        return auditor.check(
            auditor.read_declaration(path),
            areas=build_areas(case, as_of),
            as_of=as_of,
            only=[rule.id],
            policy=case.get("policy"),
            confirmed=confirmed,
            observations=observed(case["observations"]) if "observations" in case else None,
        )

    return run


@pytest.mark.parametrize(("module", "case"), CASES)
def test_case(module, case, judge):
    result = judge(module, case)
    rows = list(result.findings.rows())
    found = {f.subject: f for f in rows}
    assert len(found) == len(rows), "one finding a rule and subject"
    assert case["why"].strip(), "a case says why"
    for subject, expected in case["expect"].items():
        verdict, _, message = expected.partition(" ")
        assert subject in found, f"{subject} was not judged; judged are {sorted(found)}"
        told = f"{found[subject].verdict} {found[subject].message_id}"
        assert told.startswith(f"{verdict} ") and told.endswith(message), f"{subject}: {told}"
    flagged = {s for s, f in found.items() if f.verdict in FLAGS} - case["expect"].keys()
    assert not found.keys() & set(case.get("silent", ())), "judged though the case says that it is not"
    assert not flagged, f"flagged though the case does not expect it: {sorted(flagged)}"
    for finding in found.values():  # every message renders in both languages
        assert HAN.search(result.message(finding, "zh"))
        record = json.loads(json.dumps(findings.plain(result.record(finding))))
        assert record["details"] is not None, "details can be written"
        rule, head = result.rule(finding.rule), {"as_of": as_of_of(case)}
        for lang in ("en", "zh"):  # as told at once, so told from a saved result
            lines = explained(rule, record, head, lang)
            page = [text for _, text in lines]
            assert lang == "en" or all(HAN.search(name) for name, _ in lines), "facts have names"
            assert "{" not in result.message(finding, lang) + result.ask(finding, lang), "every gap is filled"
            assert any(text.endswith(result.message(finding, lang)) for text in page)
            assert result.ask(finding, lang) in {"", page[-1]}
            assert not any(text.rstrip().endswith((":", "：")) for text in page), "a line that says nothing"
    for subject, parts in case.get("shows", {}).items():
        told = result.message(found[subject], "en")
        assert [part for part in parts if part not in told] == [], told
    for subject, expected in case.get("details", {}).items():
        told = findings.plain(result.record(found[subject]))["details"]
        assert {name: told[name] for name in expected} == expected


@pytest.mark.parametrize(("module", "case"), CASES)
def test_kind_fits(module, case):
    verdicts = {expected.partition(" ")[0] for expected in case["expect"].values()}
    assert case["kind"] in KINDS
    if case["kind"] == "must_not_flag":
        assert verdicts and not verdicts & {str(v) for v in FLAGS}
    else:
        assert case["kind"] in verdicts


@pytest.mark.parametrize("module", MODULES)
def test_rule_has_cases_and_manual_page(module):
    rule = next(r for r in engine.all_rules() if r.check.__module__.endswith(f".{module}"))
    kinds = {case["kind"] for case in cases_of(module)}
    excused = set(getattr(__import__(rule.check.__module__, fromlist=["x"]), "NEVER", ()))
    assert KINDS - excused <= kinds, f"{module} lacks cases of kind {KINDS - excused - kinds}"
    assert rule.id.lower().removeprefix("pilot-").replace("-", "_") == "_".join(module.split("_")[:2])
    doc = __import__(rule.check.__module__, fromlist=["x"]).__doc__
    for heading in ("Clause", "Check", "Inconclusive when", "Not applicable when", "Limits", "Source"):
        assert f"\n{heading}\n---" in doc, f"{module} has no heading {heading}"
    assert rule.severity in findings.SEVERITIES
    assert rule.basis in findings.BASES
    assert all(registers.clause(name) for name in rule.clauses), "ids of auditor/data/clauses.toml"
    reached = {
        expected.partition(" ")[2] for case in cases_of(module) for expected in case["expect"].values()
    }
    assert rule.messages.keys() <= reached, f"no case shows {rule.messages.keys() - reached}"


def test_automated_clauses_are_those_that_rules_answer():
    answered = {name for rule in engine.all_rules() for name in rule.clauses}
    automated = {clause.id for clause in registers.read_clauses() if clause.assessment == "automated"}
    assert automated - answered == set(), "called automated, but no rule answers"
    assert answered - automated == set(), "a rule answers, but the register says a person must look"
